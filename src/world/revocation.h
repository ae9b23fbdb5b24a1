#ifndef REVOCATION_H
#define REVOCATION_H

/*
 * revocation: what an issuer has taken back. Lists of it (CRLs, RFC 5280
 * section 5) are read from a file, since nothing is fetched here; what the
 * server itself shows of its own certificate's status (OCSP, RFC 6066 section
 * 8) is looked at where no issuer vouches for it.
 */

#include <gnutls/gnutls.h>

#include "base/error.h"
#include "base/text.h"
#include "world/certificate.h"

struct revocation;

/* Reads the lists of a file, in PEM or one as DER. NULL: ERROR_CONFIG, it is
 * not there, cannot be read, or holds none. */
struct revocation *revocation_new(const char *path, struct error *e);
void revocation_free(struct revocation *r);

/*
 * What the lists say of the certificates of a chain, the server's first; the
 * other list holds more of those that may have signed. GNUTLS_CERT_REVOKED, the
 * bits of enum certificate_status, or 0; *old, the time when a list grew old,
 * is set with CERTIFICATE_LIST_OLD. A list whose signer is not known counts as
 * it is: the file is the user's own. Where no list is of the issuer of the
 * server's certificate that is CERTIFICATE_UNLISTED.
 */
unsigned revocation_check(const struct revocation *r, const struct text *chain,
    size_t count, const struct text *more, size_t more_count, time_t *old);

/* GNUTLS_CERT_REVOKED where the server shows that its certificate was revoked,
 * whoever has signed that; else 0. */
unsigned revocation_check_shown(gnutls_session_t session, struct text der);

#endif
