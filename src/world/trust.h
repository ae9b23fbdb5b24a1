#ifndef TRUST_H
#define TRUST_H

/*
 * trust: where the trusted certificates come from. Reads them as PEM (RFC
 * 7468) from a file, a folder or the system's bundle, takes them apart, and
 * picks those that a server's chain can end in. What is inside a certificate
 * is tls's to know: here it is octets of DER.
 */

#include "base/buf.h"
#include "base/error.h"
#include "base/text.h"

#define TRUST_MAX (64 * 1024 * 1024) /* octets of PEM */

/*
 * Appends what the file holds, or all files of the folder, to pem. A folder
 * may hold other things as well; they are passed over. -1: ERROR_CONFIG, it
 * is not there or cannot be read.
 */
int trust_read(const char *path, struct buf *pem, struct error *e);

/* The system's bundle, still to be read; *path is static, or NULL where there
 * is none in a place known here. -1: ERROR_CONFIG, it is there, but empty or
 * not readable. */
int trust_find_bundle(const char **path, struct error *e);

/* Says that no certificate is in what has this name. -1 ERROR_CONFIG. */
int trust_empty(const char *name, struct error *e);

/* Cuts the next certificate off *rest; der is filled anew with it. What is no
 * base64 is passed over. False when nothing is left. */
bool trust_next(struct text *rest, struct buf *der);

/*
 * Names (as DER) to look for in certificates. They are sought in the base64
 * text, in the three forms they can have there, since to decode a system's
 * whole bundle takes more time than everything else in a small mail. The names
 * are borrowed until trust_names_free().
 */
struct trust_names;
struct trust_names *trust_names_new(const struct text *names, size_t count);
void trust_names_free(struct trust_names *n); /* NULL is fine */

/*
 * As trust_next(), but only certificates that contain one of the names, byte
 * for byte. With the names of the issuers in a server's chain no other could
 * end it: a chain is linked by these names (RFC 5280 section 6.1), and a
 * certificate of the chain that is trusted itself holds its own issuer's.
 * Leaving one out could only make a verification fail, never pass.
 */
bool trust_next_of(
    struct text *rest, struct trust_names *names, struct buf *der);

#endif
