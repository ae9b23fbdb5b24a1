#ifndef BEARER_H
#define BEARER_H

/*
 * bearer: an OAuth 2.0 token (RFC 6750) as a login: the messages of
 * OAUTHBEARER (RFC 7628) and of XOAUTH2, which Google and Microsoft made
 * before there was that, and what a server says of a token it does not take.
 * Messages are raw here; their base64 is the caller's. Owns nothing.
 */

#include "base/buf.h"
#include "base/error.h"
#include "base/text.h"

struct bearer {
	const char *doing; /* for errors, which keep it */
	const char *user;
	struct text token;
	const char *host; /* of the server; NULL: it has no name */
	unsigned short port;
};

/* Append the initial response. -1: ERROR_CONFIG, with no byte of the token:
 * the user's name holds a control character, or the secret one that no token
 * has: a password must not go for one by mistake. */
int bearer_add_oauthbearer(
    const struct bearer *b, struct buf *out, struct error *e);
int bearer_add_xoauth2(
    const struct bearer *b, struct buf *out, struct error *e);

/* The answer to what a server says of the token that it refuses. */
void bearer_add_dummy(struct buf *out);

/* Appends what the error says (RFC 7628 section 3.2.2, JSON), as words for
 * people, visible and bounded: "status 401, schemes bearer". */
void bearer_add_words(struct text json, struct buf *out);

#endif
