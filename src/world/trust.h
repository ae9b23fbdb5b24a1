#ifndef TRUST_H
#define TRUST_H

/*
 * trust: where the trusted certificates come from. Reads them as PEM (RFC
 * 7468) from a file, a folder or the system's bundle, takes them apart, and
 * picks those that a server's chain can end in. What is inside a certificate
 * is the room certificate's to know: here it is octets of DER.
 */

#include "base/buf.h"
#include "base/error.h"
#include "base/text.h"

#define TRUST_MAX (64 * 1024 * 1024) /* octets of PEM */

struct trust {
	struct buf pem; /* as it was read */
	size_t done;	/* octets of it that are taken apart */
	struct buf der; /* one certificate behind the other */
	size_t *ends;	/* where each of them ends in it */
	size_t count;
};

void trust_init(struct trust *t);
void trust_clear(struct trust *t);

/*
 * Reads the file, or all files of the folder, for trust_next(). A folder may
 * hold other things as well; they are passed over. -1: ERROR_CONFIG, it is not
 * there or cannot be read.
 */
int trust_read(struct trust *t, const char *path, struct error *e);

/* Takes the next certificate out of what was read; it is then the last one.
 * What is no base64 is passed over. False when nothing is left. */
bool trust_next(struct trust *t);

/* One of them, valid until the next is taken out. */
struct text trust_at(const struct trust *t, size_t index);

/*
 * Whether the certificate contains one of the names (as DER; an empty one does
 * not count), byte for byte. With the names of the issuers in a server's chain
 * no other could end it: a chain is linked by these names (RFC 5280 section
 * 6.1), and a certificate of the chain that is trusted itself holds its own
 * issuer's. Leaving one out could only make a verification fail, never pass.
 */
bool trust_holds(struct text der, const struct buf *names, size_t count);

/* The system's bundle; static, or NULL where there is none in a place known
 * here. */
const char *trust_bundle(void);

/* Says that no certificate is in what has this name. -1 ERROR_CONFIG. */
int trust_empty(const char *name, struct error *e);

#endif
