#ifndef RECODE_H
#define RECODE_H

/*
 * recode: what a server cannot take, in a form that it can. Between message
 * and wire.
 *
 * struct recode is a way to read a whole message as one server can take it:
 * MIME fields for 8-bit text that has none (RFC 2045), and another transfer
 * encoding for each leaf that has lines over 998 octets or NULs, or 8-bit
 * octets for a server without 8BITMIME (RFC 6152 section 3): quoted-printable
 * for text, base64 for what is none. A leaf decodes to what it was. What is
 * quoted-printable or base64 already stays so, with other line breaks; under an
 * encoding that we do not know, and outside of leaves, lines are folded and
 * NULs removed. Signed and encrypted parts (RFC 1847, RFC 8551) never change.
 *
 * The message itself is not changed by it, so that another server may get it
 * in another form. The header section was mended before by the fields room.
 */

#include "base/error.h"
#include "message/encoder.h"
#include "message/message.h"

/* What was done that the log should know. */
struct recode_remarks {
	bool mime_added;  /* fields that say what the body is */
	bool nul_removed; /* where it could not be encoded */
	bool body_folded; /* at 998 bytes, where it could not be encoded */
	bool body_encoded;
	bool body_replaced; /* 8-bit bytes between parts, in the fields of
			     * parts and in base64 became `?' */
};

struct recode;

/*
 * A reader of m for a server. Scans the body only where the facts of the
 * message demand it; a message that fits as it is is read straight through.
 * eightbit: the server offers 8BITMIME. NULL: ERROR_MESSAGE with the line where
 * a part that the server cannot take may not be changed (signed, encrypted and
 * partial ones, and what lies in them) or cannot be found (a multipart without
 * boundary), or past the maxima of the mime room; or the store's error.
 * m is borrowed; its fields must not change while r is there.
 */
struct recode *recode_new(struct message *m, bool eightbit,
    struct recode_remarks *remarks, struct error *e);
void recode_free(struct recode *r); /* NULL is fine */

/* Octets of all that recode_read() gives: what SIZE= says. */
unsigned long long recode_size(const struct recode *r);

/* Whether any octet given has its high bit set: BODY=8BITMIME. */
bool recode_is_8bit(const struct recode *r);

/* The next octets, canonical (CRLF, no NUL, no bare CR, no line over 998 but
 * what the fields room left alone). Count, 0 at the end, -1 the store's error.
 */
long recode_read(struct recode *r, char *out, size_t size, struct error *e);

/* Begins anew, for a further transaction. */
void recode_rewind(struct recode *r);

#endif
