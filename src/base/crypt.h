#ifndef CRYPT_H
#define CRYPT_H

/*
 * crypt: base64, hashes, random bytes, password normalisation and IDNA, all
 * GnuTLS's own functions behind our types. Beside it only rooms around a
 * session of TLS include GnuTLS.
 */

#include "base/buf.h"
#include "base/error.h"
#include "base/text.h"

enum crypt_hash { CRYPT_MD5, CRYPT_SHA1, CRYPT_SHA256 };

#define CRYPT_HASH_MAX 32

/* Octets of the hash's output. */
size_t crypt_hash_size(enum crypt_hash hash);

/* out holds crypt_hash_size() octets. 0, or -1 where the library refuses
 * (a FIPS mode, say): ERROR_SYSTEM. */
int crypt_digest(enum crypt_hash hash, struct text data, unsigned char *out,
    struct error *e);
int crypt_hmac(enum crypt_hash hash, struct text key, struct text data,
    unsigned char *out, struct error *e);
int crypt_pbkdf2(enum crypt_hash hash, struct text password, struct text salt,
    unsigned iterations, unsigned char *out, struct error *e);

/*
 * The hash of octets that come in pieces, as many as there are. crypt_sum_new()
 * gives NULL where the library refuses: ERROR_SYSTEM. crypt_sum_end() writes
 * the hash to out and frees the sum; -1, also for what went wrong on the way:
 * ERROR_SYSTEM. Who wants no hash any more frees it; NULL is fine.
 */
struct crypt_sum;
struct crypt_sum *crypt_sum_new(enum crypt_hash hash, struct error *e);
void crypt_sum_add(struct crypt_sum *sum, const void *data, size_t len);
int crypt_sum_end(struct crypt_sum *sum, unsigned char *out, struct error *e);
void crypt_sum_free(struct crypt_sum *sum);

/* Compares in a time that does not depend on where they differ. */
bool crypt_equal(const void *a, const void *b, size_t len);

/* Appends the base64 of data (RFC 4648 section 4, padded, one line); -1 when
 * out is full. Empty data appends nothing. */
int crypt_base64(struct text data, struct buf *out);

/* Appends what the base64 stands for; -1 on any byte outside the alphabet,
 * bad padding, or a full buffer. An empty text is valid. */
int crypt_unbase64(struct text base64, struct buf *out);

/* The same for the base64 of PEM (RFC 7468), which stands in lines: white
 * space is passed over. -1 also where nothing else is there. */
int crypt_unpem(struct text lines, struct buf *out);

/* Random octets fit for a nonce. 0, or -1 ERROR_SYSTEM. */
int crypt_random(void *out, size_t len, struct error *e);

/* Appends the password prepared for SCRAM (SASLprep's successor, RFC 8265
 * OpaqueString; US-ASCII stays as it is). -1: ERROR_CONFIG, never with the
 * password in the words. */
int crypt_password(struct text password, struct buf *out, struct error *e);

/* Appends the domain with each U-label as its A-label (IDNA 2008), and then
 * without a full stop of any script at its end; US-ASCII and domain literals
 * stay as they are. -1: ERROR_MESSAGE. */
int crypt_domain(struct text domain, struct buf *out, struct error *e);

#endif
