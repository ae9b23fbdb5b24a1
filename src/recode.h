#ifndef RECODE_H
#define RECODE_H

/*
 * recode: what a server cannot take, in a form that it can. Between message
 * and wire.
 *
 * Two parts. recode_fields() mends the header section of a message once, for
 * every server: 8-bit bytes, NULs and over-long lines in fields (RFC 2047,
 * RFC 5322 section 2.1.1). struct recode is a way to read the whole message as
 * one server can take it: MIME fields for 8-bit text that has none (RFC 2045),
 * quoted-printable for lines over 998 bytes and NULs, and down-conversion for
 * a server without 8BITMIME (RFC 6152 section 3). The message itself is not
 * changed by it, so that another server may get it in another form.
 */

#include "buf.h"
#include "error.h"
#include "message.h"

#define RECODE_LINE_MAX 998 /* octets without CRLF, RFC 5322 section 2.1.1 */

/* What was done that the log should know. */
struct recode_remarks {
	size_t fields_encoded;
	size_t fields_folded;
	bool nul_removed;
	bool body_folded; /* at 998 bytes, where encoding was not possible */
	bool body_encoded;
};

/*
 * Mends the fields that are not dropped: NUL removed; 8-bit bytes in
 * unstructured fields, in phrases and comments of structured ones as encoded
 * words (charset utf-8 where the field is valid UTF-8, else unknown-8bit),
 * unless utf8 is set (SMTPUTF8, RFC 6532: valid UTF-8 stays); lines over 998
 * bytes folded at white space (never inside an encoded word, a quoted string
 * only at its white space); a single word that is longer is cut into folded
 * pieces only in unstructured fields, elsewhere left alone.
 * Never adds or removes a field, never changes a field's name, and its output
 * parses into the same addresses. -1: ERROR_MESSAGE (8-bit bytes in an
 * addr-spec's local-part without utf8, naming the field).
 */
int recode_fields(struct message *m, bool utf8, struct recode_remarks *remarks,
    struct error *e);

/* Appends text as encoded words of at most 75 octets each, separated by CRLF
 * SP (RFC 2047 section 2), the first after `column` octets of its line. */
int recode_words(struct text text, size_t column, struct buf *out);

struct recode;

/*
 * A reader of m for a server. Scans the body only where the facts of the
 * message demand it; a message that fits as it is is read straight through.
 * eightbit: the server offers 8BITMIME. NULL: ERROR_MESSAGE where a part that
 * must be encoded may not be changed (multipart/signed, multipart/encrypted
 * and what lies in them), or the store's error.
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
 * what recode_fields left alone). Count, 0 at the end, -1 the store's error. */
long recode_read(struct recode *r, char *out, size_t size, struct error *e);

/* Begins anew, for a further transaction. */
void recode_rewind(struct recode *r);

#endif
