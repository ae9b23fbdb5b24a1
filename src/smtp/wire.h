#ifndef WIRE_H
#define WIRE_H

/*
 * wire: message -> the bytes that follow DATA (dot-stuffed, RFC 5321 section
 * 4.5.2, ended by CRLF.CRLF) or BDAT (as they are, RFC 3030). Pulled: memory
 * does not grow with the message.
 */

#include "message/recode.h"

struct wire {
	struct recode *recode; /* borrowed */
	bool line_start;
	bool done;		  /* the final dot was given out */
	unsigned long long taken; /* octets of the message, so far */
};

/* From where r is: at its beginning, or after recode_rewind(). */
void wire_init(struct wire *w, struct recode *r);

/*
 * Appends the next bytes for the wire, about `size` of them, to out. Returns 1
 * while more may follow, 0 when the final dot has been appended, -1 where the
 * message cannot be read: nothing that ends the mail data was appended then,
 * and the caller must break the connection.
 */
int wire_next(struct wire *w, size_t size, struct buf *out, struct error *e);

/*
 * Appends exactly `size` octets of the message without transparency. -1 where
 * it cannot be read, or is shorter (ERROR_BUG): the caller breaks the
 * connection in the middle of the chunk.
 */
int wire_chunk(struct wire *w, size_t size, struct buf *out, struct error *e);

#endif
