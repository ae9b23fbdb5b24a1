#ifndef IDENTITY_H
#define IDENTITY_H

/*
 * identity: the client's own certificate and its key, which a server may ask
 * for: from PEM files, or from a token by URLs of PKCS#11 (RFC 7512). Only for
 * such a URL its library is started and its modules are loaded. A PIN comes
 * from where the URL says, pin-value or pin-source, and is never asked for.
 */

#include <gnutls/gnutls.h>

#include "base/error.h"
#include "submit/account.h"

struct identity;

/* From now on modules come from the system's configuration alone, and not from
 * the user's folders. */
void identity_distrust_user(void);

/*
 * Reads both into the credentials, which may use the result until they are
 * freed. NULL and no error where the account has none. NULL: ERROR_CONFIG,
 * they cannot be read, are none, or do not belong together; a key or a PIN
 * that others may read is refused as a password is (world/access).
 */
struct identity *identity_new(const struct account *a,
    gnutls_certificate_credentials_t credentials, struct error *e);
void identity_free(struct identity *i);

#endif
