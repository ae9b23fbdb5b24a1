#ifndef TROUBLE_H
#define TROUBLE_H

/*
 * trouble: what a reply that was not hoped for means, in one place: its kind,
 * words for people, and what to do about the well-known ones.
 */

#include "base/error.h"
#include "smtp/pipeline.h"
#include "smtp/reply.h"
#include "submit/account.h"

/* The hint where nothing more is known. */
#define TROUBLE_CHECK_LOGIN "check `user' and the password"

/* 4yz is ERROR_LATER, 5yz is `permanent`, all else ERROR_PROTOCOL. */
enum error_kind trouble_kind(
    const struct reply *reply, enum error_kind permanent);

/*
 * Makes the reply of h a failure of that kind (unless e is one already):
 * code, enhanced code, the server's words and a hint. `what` is what the
 * server did not take: "the sender <a@b>". Returns -1.
 */
int trouble_set(struct error *e, const struct reply *reply,
    enum error_kind permanent, const struct smarthost *h, const char *doing,
    const char *what);

/* The same, ERROR_REFUSED where it is for good, for a session that cannot go
 * on: gives STEP_QUIT, or STEP_BREAK where the peer does not speak SMTP. */
enum step trouble_reject(struct error *e, const struct reply *reply,
    const struct smarthost *h, const char *doing, const char *what);

/* By what a login was tried. */
enum login_means { LOGIN_ANY, LOGIN_PASSWORD, LOGIN_TOKEN, LOGIN_EXTERNAL };

/* The same for a reply to AUTH: ERROR_DENIED. */
int trouble_set_login(struct error *e, const struct reply *reply,
    const struct smarthost *h, const char *doing, const char *what,
    enum login_means means);

/*
 * The same for a reply to the mail as a whole, which has so many octets: a 5yz
 * about its size is ERROR_MESSAGE and says so, any other ERROR_REFUSED.
 */
int trouble_set_mail(struct error *e, const struct reply *reply,
    const struct smarthost *h, const char *doing, const char *what,
    unsigned long long size);

/*
 * Whether the reply to RCPT says that the transaction has as many recipients
 * as the server takes (RFC 5321 section 4.5.3.1.10): x.5.3, a bare 452, or
 * such words with whatever 4yz or 5yz. A bare 552, which that section would
 * have as well, says by now that a mailbox is full.
 */
bool trouble_is_too_many(const struct reply *reply);

/* What must be offered and is not: STARTTLS; AUTH, which may come after
 * STARTTLS where tls_first. Return -1: ERROR_REFUSED. */
int trouble_lacks_starttls(struct error *e, const struct smarthost *h);
int trouble_lacks_auth(
    struct error *e, const struct smarthost *h, bool tls_first);

/* What speaks in place of an SMTP server, or of TLS, where its first line, or
 * as much of it as there is, tells; and where a server says nothing, before
 * its greeting or already in the handshake. Return -1. */
int trouble_hint_foreign(
    struct error *e, const struct smarthost *h, struct text line);
int trouble_hint_silence(
    struct error *e, const struct smarthost *h, bool handshake);

/* A server that does not know our EHLO, or LHLO: the line to write where it
 * speaks the other of SMTP and LMTP. Returns -1. */
int trouble_hint_protocol(struct error *e, const struct smarthost *h);

/* The two mistakes everybody makes: the line to write for a server that wants
 * STARTTLS first, and for a port that speaks implicit TLS. Return -1. */
int trouble_hint_starttls(struct error *e, const struct smarthost *h);
int trouble_hint_implicit_tls(struct error *e, const struct smarthost *h);

#endif
