#ifndef WORD_H
#define WORD_H

/*
 * word: encoded words, RFC 2047.
 */

#include "base/buf.h"
#include "base/text.h"

#define WORD_LINE_MAX 76 /* octets of a line with an encoded word */

/*
 * Octets of the encoded word at the start of t, or 0 (section 2). Its encoded
 * text may hold specials that the RFC forbids in a phrase, as writers leave
 * them there. No part may hold '?', so that failed tries along a text cost
 * linear time in all.
 */
size_t word_length(struct text t);

/* Octets of t from its last encoded word on; 0 where there is none. */
size_t word_find_last(struct text t);

enum {
	WORD_UTF8 = 1,	/* t is UTF-8; without it the charset is unknown-8bit */
	WORD_PHRASE = 2 /* only what section 5 (3) allows in a phrase */
};

/*
 * Appends t as encoded words of at most 75 octets each (section 2), separated
 * by CRLF SP, the first one after `column` octets of its line; never cuts a
 * UTF-8 sequence. -1 when out is full.
 */
int word_encode(struct text t, unsigned how, size_t column, struct buf *out);

#endif
