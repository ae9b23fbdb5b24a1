#ifndef MECHANISM_H
#define MECHANISM_H

/*
 * mechanism: which SASL mechanism to log in with, and why no other: the
 * mechanisms' names, what is known of the channel, the policy. Owns nothing;
 * what it is given is borrowed for the call.
 */

#include "base/error.h"
#include "base/text.h"

/* In the order in which `auto` prefers them; those behind MECHANISM_EXTERNAL it
 * never takes: a token is no password, and what CRAM-MD5 shows of a password
 * is good for guessing it. */
enum mechanism {
	MECHANISM_SCRAM_SHA_256_PLUS,
	MECHANISM_SCRAM_SHA_1_PLUS,
	MECHANISM_PLAIN,
	MECHANISM_SCRAM_SHA_256,
	MECHANISM_SCRAM_SHA_1,
	MECHANISM_LOGIN,
	MECHANISM_EXTERNAL,
	MECHANISM_OAUTHBEARER,
	MECHANISM_XOAUTH2,
	MECHANISM_CRAM_MD5,
	MECHANISM_COUNT
};

/* Channel bindings: RFC 9266, RFC 5929 section 3. */
enum sasl_binding { SASL_UNBOUND, SASL_TLS_EXPORTER, SASL_TLS_UNIQUE };

/* What is known of the channel; all zero is a stranger without TLS. */
struct sasl_channel {
	bool tls;
	bool verified; /* the peer's certificate was */
	bool local;    /* loopback or unix socket */
	enum sasl_binding binding;
	unsigned char data[64];
	size_t len;
};

/* "SCRAM-SHA-256" and back; -1 for an unknown name (compared without case).*/
const char *mechanism_name(enum mechanism mechanism);
int mechanism_parse(struct text name, enum mechanism *mechanism);

/* Whether the mechanism shows the secret to the server; whether it needs a
 * channel binding; whether the secret is an OAuth token, and none is needed,
 * as a client certificate or the like says who we are. */
bool mechanism_shows_secret(enum mechanism mechanism);
bool mechanism_needs_binding(enum mechanism mechanism);
bool mechanism_takes_token(enum mechanism mechanism);
bool mechanism_takes_nothing(enum mechanism mechanism);

/* All that bears on a choice. */
struct mechanism_choice {
	const enum mechanism *wanted; /* in order of preference */
	size_t wanted_count;	      /* 0: auto */
	bool in_clear;		      /* `auth-in-clear yes` */
	bool secret;		      /* there is one */
	bool certificate;	      /* there is one of ours */
	const struct sasl_channel *channel;
	struct text offered; /* names separated by spaces */
};

/*
 * auto: over verified TLS, and over what is allowed in clear, the first
 * offered in the order of the enum; without that SCRAM only. EXTERNAL wants a
 * certificate of ours or to be named, and all others a secret. -PLUS needs a
 * binding. What shows the secret, named or not, goes only over TLS to who was
 * verified (RFC 7628 section 4), to a local peer, or with in_clear. -1:
 * ERROR_DENIED, nothing acceptable is offered: the words name what is and what
 * would do.
 */
int mechanism_choose(
    const struct mechanism_choice *c, enum mechanism *found, struct error *e);

/* Whether the mechanism is among the offered, and whether any is that needs a
 * binding. */
bool mechanism_is_offered(enum mechanism mechanism, struct text offered);
bool mechanism_binding_offered(struct text offered);

/* Takes names that are none of these out of a list. */
void mechanism_keep_known(char *offered);

#endif
