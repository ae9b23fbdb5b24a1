#ifndef CERTIFICATE_H
#define CERTIFICATE_H

/*
 * certificate: what a server's certificates say, for people, and why they are
 * not trusted. Certificates come as DER.
 */

#include <stdbool.h>
#include <time.h>

#include <gnutls/x509.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/text.h"

/* What an error of a certificate says was being done. */
#define CERTIFICATE_VERIFYING "verifying the server's certificate"

/* Octets of "sha256:" and the base64 of a SHA-256, with NUL: the digest is of
 * the SubjectPublicKeyInfo in DER (RFC 5280 section 4.1), as RFC 7469 has it.
 */
#define CERTIFICATE_PIN 52

/* All of it visible, and "" where nothing is known. */
struct certificate {
	char names[160];	   /* of the server, joined by ", ", as below */
	unsigned more;		   /* names for which there was no room */
	char name[80];		   /* the first of them that can be asked for */
	char subject[110];	   /* as in RFC 4514 */
	char issuer[110];	   /* the same */
	time_t from, until;	   /* when all certificates of the chain hold */
	char sha256[65];	   /* the fingerprint, in hexadecimal */
	char pin[CERTIFICATE_PIN]; /* of its key, as `tls-pin' takes it */
	unsigned key_bits;	   /* of its own RSA key; 0: it is none */
	unsigned issuer_bits;	   /* of the smallest of those in the chain */
	time_t listed_until; /* when a list of what was revoked grew old */
	bool self_signed;
	char misplaced[80]; /* the first name that stands where none counts */
};

/* RFC 9325 section 4.2: an RSA key has that many bits at least. */
#define CERTIFICATE_RSA_MIN 2048

/* What a verification may find beside the bits of GnuTLS. */
enum certificate_status {
	CERTIFICATE_SMALL_KEY = 1 << 25,
	CERTIFICATE_UNPINNED = 1 << 26,
	CERTIFICATE_UNLISTED = 1 << 27,	  /* no list is its issuer's */
	CERTIFICATE_LIST_OLD = 1 << 28,	  /* the list is out of date */
	CERTIFICATE_LIST_FORGED = 1 << 29 /* its issuer has not signed it */
};

/* GnuTLS's form of it, which is the caller's to deinit; NULL where it cannot
 * be read. */
gnutls_x509_crt_t certificate_import(struct text der);

/* "2026-11-27", in UTC; "?" where nobody knows. */
struct certificate_day {
	char words[16];
};
struct certificate_day certificate_day(time_t at);

/* Whether it has the form of a certificate, whole and with an issuer. */
bool certificate_check(struct text der);

/* Reads a chain, the server's own certificate first; the others count for the
 * validity only. What cannot be read is passed over. */
void certificate_read(
    struct certificate *c, const struct text *chain, size_t count);

/* Appends the issuer's distinguished name as DER; nothing where there is
 * none. */
void certificate_add_issuer(struct text der, struct buf *name);

/* Bits of its RSA key; 0 where that is none, or cannot be read. */
unsigned certificate_rsa_bits(struct text der);

/* Whether there is a DNS name in its subjectAltName: the common name counts for
 * nothing (RFC 9525 section 6.3), though GnuTLS looks there where there is
 * none. */
bool certificate_has_dns_name(struct text der);

/*
 * "a, b, and 3 more"; where there is none what is given. In a name `,', `(',
 * `\' and blanks are written as \xHH too, so that it cannot be taken for two,
 * or for what is said of it. Of a common name single blanks stay.
 */
struct certificate_names {
	char words[200];
};
struct certificate_names certificate_names(
    const struct certificate *c, const char *none);

/* "names a, b; subject CN=a; issuer CN=x; valid 2026-01-01 to 2027-01-01;
 * SHA-256 00ff...". Returns out. */
char *certificate_format(const struct certificate *c, char *out, size_t size);

/* Says why it is not trusted for that reference identifier (status is the
 * verification's result, of GnuTLS and enum certificate_status), what it says
 * itself, and what to do about it, with the line that pins its key. -1
 * ERROR_DENIED. */
int certificate_refuse(const struct certificate *c, unsigned status,
    const char *reference, struct error *e);

#endif
