#ifndef HEADER_H
#define HEADER_H

/*
 * header: the bytes of a header section -> fields, RFC 5322 section 2.2.
 * Input is in the canonical form of the message room: lines end in CRLF.
 * Slices borrow from that input.
 */

#include "base/text.h"

struct header_field {
	struct text name;  /* without the white space an obsolete field has
			    * before its colon */
	struct text value; /* behind the colon, still folded, without the
			    * final CRLF */
	struct text raw;   /* the whole field, final CRLF included */
};

/*
 * Cuts the next field, with its continuation lines, off *rest.
 * Returns 1 with the field, 0 at the end of the section (nothing left, or the
 * empty line, which is left in *rest), -1 where the next line is neither a
 * field nor a continuation (it is left in *rest).
 */
int header_next(struct text *rest, struct header_field *field);

/*
 * Whether one line, without its CRLF, begins a field: a name of printable
 * US-ASCII but colon and space, optional white space, a colon.
 */
bool header_starts(struct text line);

/* Whether the field has that name, compared without case. */
bool header_is(const struct header_field *field, const char *name);

#endif
