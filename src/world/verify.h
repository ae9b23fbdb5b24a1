#ifndef VERIFY_H
#define VERIFY_H

/*
 * verify: whether a server's certificate is believed: chain, validity, purpose,
 * key, revocation and the reference identifier (a name per RFC 9525, or an IP
 * address). A pin of its key stands in for all of it but revocation. Fails
 * closed.
 */

#include <gnutls/gnutls.h>

#include "base/error.h"
#include "base/text.h"
#include "submit/account.h"

#define VERIFY_CHAIN_MAX 16 /* GnuTLS verifies no longer one either */

struct verify;

/*
 * Reads the trust, where there is neither a pin nor `tls-verify no', and the
 * lists of what was revoked, so that nothing is opened after it: what is read
 * may be taken apart later. All are borrowed until verify_free(). The name to
 * verify is `tls-name', else the smarthost's; a trailing dot does not count.
 * NULL: ERROR_CONFIG, trust or `tls-crl' missing, empty, unreadable.
 */
struct verify *verify_new(const struct account *a, const struct smarthost *s,
    gnutls_certificate_credentials_t credentials, struct error *e);
void verify_free(struct verify *v);

/*
 * From now on it is about this host, which DNS named for a domain: its name
 * counts where it is the domain's or below it, and the domain's does in any
 * case; of another host the name proves nothing, as DNS can be forged.
 * `tls-name' stays what it is. Borrowed.
 */
void verify_aim(struct verify *v, const struct smarthost *s);

/* The name that is verified; NULL where it is an address. */
const char *verify_name(const struct verify *v);

/* Does of the work what needs no answer of the server, while that is under
 * way. */
void verify_prepare(struct verify *v);

/* What the server showed in this session, its own certificate first; how many.
 * The octets are the session's; NULL has shown nothing. */
size_t verify_chain(
    gnutls_session_t session, struct text chain[VERIFY_CHAIN_MAX]);

/* Whether verify_server() looks at anything: not with `tls-verify no'. */
bool verify_is_on(const struct verify *v);

/* Within the handshake. -1: ERROR_DENIED with the check that failed, the
 * certificate's names, validity, issuer, SHA-256, and the pin of its key. */
int verify_server(struct verify *v, gnutls_session_t session, struct error *e);

#endif
