#ifndef REPLY_H
#define REPLY_H

/*
 * reply: bytes from the server -> one complete reply, RFC 5321 section 4.2,
 * with the enhanced status code of RFC 3463 where the text begins with one.
 * Bounds: a line of 4096 bytes (longer is a fault), 1000 lines and 64 KiB of
 * text a reply.
 */

#include "base/buf.h"
#include "base/error.h"
#include "base/text.h"

#define REPLY_LINE_MAX	4096
#define REPLY_LINES_MAX 1000
#define REPLY_TEXT_MAX	65536

struct reply {
	int code;		  /* 200 to 599, once complete */
	struct enhanced enhanced; /* of the first line; class 0 where none, or
				   * where its class differs from the code's */
	struct buf text;	  /* lines without codes, joined by LF; the
				   * enhanced code stays in it */
	unsigned lines;
	bool complete;
	bool hidden;	   /* the text is not for people: whoever knows why sets
			    * it */
	struct buf line;   /* the line that is coming in, or has the fault */
	const char *fault; /* after -1: what is wrong, static words */
};

void reply_init(struct reply *reply);
void reply_clear(struct reply *reply);

/* Makes ready for the next reply, keeps the memory. */
void reply_reset(struct reply *reply);

/*
 * Takes bytes up to the end of one reply. Returns 1 when it is complete
 * (*used says how many bytes belonged to it; the rest is the next reply's),
 * 0 when more is needed (all were used), -1 when this is no reply: bad code,
 * code that changes between lines, no space or hyphen behind it, lone LF is
 * accepted as a line end but a bare CR or a NUL is a fault, too long.
 */
int reply_input(
    struct reply *reply, const char *bytes, size_t len, size_t *used);

/* The lines for people: the text, or words in its place where it is hidden. */
struct text reply_shown(const struct reply *reply);

/* The reply as one line for people, visible, cut to size: "550 5.1.1 No such
 * user". Returns out. */
char *reply_words(const struct reply *reply, char *out, size_t size);

/* Whether it is a 2yz; a 4yz or 5yz. */
bool reply_positive(const struct reply *reply);
bool reply_negative(const struct reply *reply);

/*
 * Whether it is a yes to a command that is not there for the connection: a 2yz,
 * but not 220, 221 or 235, which are the greeting's, STARTTLS's, QUIT's and
 * AUTH's, nor one with an enhanced code, in any line, that says no.
 */
bool reply_accepts(const struct reply *reply);

/* Whether the bytes are one reply with this code, or the beginning of one, and
 * nothing more. */
bool reply_is_all(struct text bytes, const char *code);

/* Whether a reply 2yz, or its beginning, is in the bytes. */
bool reply_says_yes(struct text bytes);

/* Whether a part of a reply is in. */
bool reply_has_begun(const struct reply *reply);

/* Whether the text holds the words, without case. */
bool reply_mentions(const struct reply *reply, const char *words);

/* "5.7.9" at the start of t; class 0 where there is none. */
struct enhanced reply_enhanced(struct text t);
bool reply_enhanced_equal(struct enhanced a, struct enhanced b);

#endif
