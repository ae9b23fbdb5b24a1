#ifndef CHOICE_H
#define CHOICE_H

/*
 * choice: which SASL mechanism to log in with, and why no other: the
 * mechanisms' names, what is known of the channel, the policy. Owns nothing;
 * what it is given is borrowed for the call.
 */

#include "base/error.h"
#include "base/text.h"

/* In the order in which `auto` prefers them. */
enum sasl_mechanism {
	SASL_SCRAM_SHA_256_PLUS,
	SASL_SCRAM_SHA_1_PLUS,
	SASL_PLAIN,
	SASL_SCRAM_SHA_256,
	SASL_SCRAM_SHA_1,
	SASL_LOGIN,
	SASL_COUNT
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
const char *sasl_name(enum sasl_mechanism mechanism);
int sasl_parse(struct text name, enum sasl_mechanism *mechanism);

/* Whether the mechanism shows the password to the server, and whether it
 * needs a channel binding. */
bool choice_shows_password(enum sasl_mechanism mechanism);
bool choice_needs_binding(enum sasl_mechanism mechanism);

/* All that bears on a choice. */
struct choice {
	const enum sasl_mechanism *wanted; /* in order of preference */
	size_t wanted_count;		   /* 0: auto */
	bool in_clear;			   /* `auth-in-clear yes` */
	const struct sasl_channel *channel;
	struct text offered; /* names separated by spaces */
};

/*
 * auto: over verified TLS, and over what is allowed in clear, the first
 * offered in the order of the enum; without that SCRAM only. -PLUS needs a
 * binding. A secret in clear text goes only over TLS, to a local peer, or
 * with in_clear. -1: ERROR_DENIED, nothing acceptable is offered: the words
 * name what is and what would do.
 */
int choice_find(
    const struct choice *c, enum sasl_mechanism *found, struct error *e);

/* Whether a mechanism that needs a binding is among the offered. */
bool choice_binding_offered(struct text offered);

#endif
