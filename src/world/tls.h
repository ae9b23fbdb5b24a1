#ifndef TLS_H
#define TLS_H

/*
 * tls: handshake, records, channel binding. Never blocks: what would block says
 * so. TLS 1.2 and later, no session tickets kept, no renegotiation. Whether the
 * server is believed is verify's to say.
 */

#include "auth/mechanism.h"
#include "base/error.h"
#include "submit/account.h"
#include "world/certificate.h"

enum tls_status {
	TLS_DONE,
	TLS_WANT_READ,
	TLS_WANT_WRITE,
	TLS_FAILED,
	TLS_CLOSED
};

/*
 * Starts GnuTLS, which does nothing of itself before: once, from main, when
 * host_prepare() has cleaned the environment that GnuTLS reads as it starts.
 * Wanted before anything of tls or crypt. -1: ERROR_SYSTEM, it is older than
 * 3.7.2 or does not start.
 */
int tls_start_library(struct error *e);

struct tls;

/*
 * Reads trust, lists of what was revoked, the own certificate, its key, and
 * priority, so that nothing is opened after it: what is read may be taken apart
 * later, while the server's first flight is under way. Where the key is in a
 * token its module does as it likes. a and s are borrowed until tls_free(). The
 * name to verify is `tls-name', else the smarthost's; a trailing dot does not
 * count. NULL: ERROR_CONFIG (no trust: missing, empty, unreadable; bad priority
 * string; verify_new()'s and identity_new()'s), ERROR_SYSTEM.
 */
struct tls *tls_new(
    const struct account *a, const struct smarthost *s, struct error *e);
void tls_free(struct tls *t);

/* What tls_start() comes next is for this host, which DNS named for the
 * smarthost: borrowed from now on. NULL is fine. */
void tls_aim(struct tls *t, const struct smarthost *s);

/* Starts on a connected socket, which stays the caller's; anew where it was
 * started on another before. */
int tls_start(struct tls *t, int fd, struct error *e);

/*
 * Goes on with the handshake and, at its end, the verification. TLS_FAILED:
 * ERROR_DENIED with the check that failed, the certificate's names, validity,
 * issuer and SHA-256; ERROR_PROTOCOL where the peer speaks no TLS (the words
 * say which scheme to write when it speaks SMTP); ERROR_LATER where the
 * connection went away; ERROR_PROTOCOL for an alert, naming it.
 */
enum tls_status tls_handshake(struct tls *t, struct error *e);

/* Whole records as far as they go; *done counts bytes; after TLS_WANT_WRITE
 * the next call must begin with the same bytes. TLS_CLOSED: the peer
 * said close_notify or the connection ended (*e then tells which).
 * tls_read() says TLS_WANT_READ only where the socket is empty; TLS_DONE with
 * nothing is a record that brought nothing. */
enum tls_status tls_write(struct tls *t, const char *bytes, size_t len,
    size_t *done, struct error *e);
enum tls_status tls_read(
    struct tls *t, char *bytes, size_t size, size_t *done, struct error *e);

/* Of how many octets at most, of those that tls_write() was given last and has
 * not done, a part may have left: they are in a record that went out in part.
 * 0: none. */
size_t tls_torn(const struct tls *t);

/* Whether bytes are already decrypted and need no poll. */
bool tls_pending(const struct tls *t);

/* Says close_notify without waiting for an answer. */
void tls_bye(struct tls *t);

/* Fills tls, verified, binding and data. */
void tls_channel(const struct tls *t, struct sasl_channel *channel);

/* What the server's chain says, from tls_handshake() on, also where it was not
 * trusted; "" in all where it showed none. */
void tls_certificate(const struct tls *t, struct certificate *c);

/* What was agreed on: "TLS1.3", "X25519", "AES-256-GCM"; "?" for each where
 * nothing was. */
struct tls_terms {
	char version[16];
	char group[40];
	char cipher[40];
	bool unverified; /* by `tls-verify no' */
};
struct tls_terms tls_terms(const struct tls *t);

/* "TLS1.3 X25519 AES-256-GCM", and " unverified" behind it with `tls-verify
 * no', for the log; returns out. */
char *tls_words(const struct tls *t, char *out, size_t size);

#endif
