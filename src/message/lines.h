#ifndef LINES_H
#define LINES_H

/*
 * lines: the ends of lines in the one canonical form, CRLF. They come as LF or
 * CRLF, also mixed; a bare CR stays what it is, and is told. What comes in
 * pieces is the same as in one.
 */

#include "base/buf.h"

#define LINES_MAX 998 /* octets without CRLF, RFC 5322 section 2.1.1 */

/* All zero at the beginning. */
struct lines {
	bool cr;       /* the last octet was a CR, not yet decided */
	bool unended;  /* the last line has no end yet */
	bool bare;     /* a CR had no LF behind it */
	bool over;     /* a line had more than LINES_MAX octets */
	size_t column; /* octets of the last line, while none was over */
};

/* lines_copy() writes so many octets at most; it wants LINES_SLACK more than it
 * writes. */
#define LINES_ROOM(len) (2 * (len) + 1 + LINES_SLACK)
#define LINES_SLACK	4

/*
 * Writes the canonical form of what came next to out. Returns how many octets
 * that are, or more than size where they, with LINES_SLACK, have no room there:
 * what was written is worth nothing then, and l neither.
 */
size_t lines_copy(struct lines *l, struct text in, char *out, size_t size);

/* The same to the end of a buffer. */
void lines_add(struct lines *l, struct text in, struct buf *out);

/* Whether all ends in it are LF alone. Such lines can be passed over without
 * being written: returns how many octets that would have been. */
bool lines_are_plain(const struct lines *l, struct text in);
size_t lines_pass(struct lines *l, struct text in);

/* Writes them as lines_copy() does, where it is known already what they are. */
size_t lines_copy_plain(struct text in, char *out, size_t size);

/* Part of a line of the header section, without its LF, and its end that never
 * came. Bare CRs become spaces. */
void lines_add_part(struct lines *l, struct text part, struct buf *out);
void lines_end_part(struct lines *l, struct buf *out);

/* Nothing more comes: a CR is a bare one, and the last line gets its end. */
void lines_end(struct lines *l, struct buf *out);

#endif
