#ifndef FIELDS_H
#define FIELDS_H

/*
 * fields: what no server takes in a header section, mended once for all of
 * them: NULs, 8-bit bytes (RFC 2047, RFC 2231) and lines over 998 bytes (RFC
 * 5322 section 2.1.1).
 */

#include "base/error.h"
#include "message/message.h"

/* What was done that the log should know. */
struct fields_remarks {
	size_t encoded; /* fields with 8-bit bytes */
	size_t folded;
	size_t replaced; /* fields whose 8-bit bytes became `?' */
};

/* Removes NULs from the fields that are not dropped, so that their addresses
 * can be read; *count says from how many. 0, or -1 ERROR_BUG. */
int fields_drop_nul(struct message *m, size_t *count, struct error *e);

/*
 * Mends the fields that are not dropped, which have no NUL: 8-bit bytes in
 * unstructured fields, and in phrases and comments of structured ones, as
 * encoded words (charset utf-8 where the field is valid UTF-8, else
 * unknown-8bit), unless utf8 is set (SMTPUTF8, RFC 6532: valid UTF-8 stays);
 * lines over 998 bytes folded at white space (never inside an encoded word),
 * and those of encoded words of ours within 76 (RFC 2047 section 2); a single
 * word that is longer is cut into folded pieces in unstructured fields
 * only, elsewhere left alone.
 * A non-ASCII word that stands as an address without a domain counts as text.
 * Never adds or removes a field, never changes a field's name, and its output
 * parses into the same addresses. Costs nothing where the message's facts say
 * that nothing is to be done. random is a key for the set of a field's
 * parameters, of 16 octets that their writer does not know, or NULL. -1:
 * ERROR_MESSAGE (8-bit bytes in an addr-spec without utf8, naming the field).
 */
int fields_repair(struct message *m, bool utf8, const unsigned char *random,
    struct fields_remarks *remarks, struct error *e);

/* Whether an address in a field that is not dropped has a domain and a
 * non-ASCII local-part, which only SMTPUTF8 can carry. */
bool fields_need_utf8(struct message *m);

#endif
