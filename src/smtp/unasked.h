#ifndef UNASKED_H
#define UNASKED_H

/*
 * unasked: what a server says out of turn, or in no language of ours: that it
 * closes, a reply too many, octets before the TLS channel, what is no SMTP. Who
 * goes on behind such a thing may take the answer to one command for that to
 * another, so each ends the session. All but the first are ERROR_PROTOCOL; they
 * set e unless it is an error already, and return -1.
 */

#include "smtp/pipeline.h"
#include "submit/account.h"

/* A 421, RFC 5321 section 3.8: ERROR_LATER, with the server's words. */
int unasked_closing(struct error *e, const struct reply *reply,
    const struct smarthost *h, const char *doing);

/* h sent `what', in a reply of which a part may be in. */
int unasked_reply(struct error *e, const struct reply *reply,
    const struct smarthost *h, const char *doing, const char *what);

/* What came in front of the TLS channel. */
int unasked_before_tls(struct error *e, const struct smarthost *h);

/* Bytes that reply_input() found at fault; told unless they hold a secret,
 * which `hidden' says. */
int unasked_garbage(struct error *e, const struct reply *reply,
    const struct smarthost *h, const char *doing, struct text bytes);

/*
 * Whether more came with the reply to the end of the mail data than was asked
 * for: `behind' it, in the same read, stands what is the answer to nothing.
 * quit: it has been said, and its reply is not in the pipeline.
 */
bool unasked_has_surplus(const struct pipeline *p, const struct reply *reply,
    struct text behind, bool quit);

#endif
