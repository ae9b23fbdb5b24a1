#ifndef SASL_H
#define SASL_H

/*
 * sasl: choice of a mechanism and its steps; challenge in, response out.
 * PLAIN RFC 4616, LOGIN, SCRAM RFC 5802 and 7677, channel bindings RFC 5929
 * and 9266. Everything derived from the password is wiped by sasl_free().
 */

#include "buf.h"
#include "error.h"
#include "text.h"

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

#define SASL_ITERATIONS_MIN 4096
#define SASL_ITERATIONS_MAX 1000000

/* What is known of the channel; all zero is a stranger without TLS. */
enum sasl_binding { SASL_UNBOUND, SASL_TLS_EXPORTER, SASL_TLS_UNIQUE };
struct sasl_channel {
	bool tls;
	bool verified; /* the peer's certificate was */
	bool local;    /* loopback or unix socket */
	enum sasl_binding binding;
	unsigned char data[64];
	size_t len;
};

struct sasl_plan {
	const char *user;
	struct text password;			/* borrowed until sasl_free() */
	enum sasl_mechanism wanted[SASL_COUNT]; /* in order of preference */
	size_t wanted_count;			/* 0: auto */
	bool in_clear;				/* `auth-in-clear yes` */
	char nonce[32]; /* printable, no comma; random */
};

struct sasl;

/* "SCRAM-SHA-256" and back; -1 for an unknown name (compared without case).*/
const char *sasl_name(enum sasl_mechanism mechanism);
int sasl_parse(struct text name, enum sasl_mechanism *mechanism);

/*
 * Chooses among the mechanisms offered (names separated by spaces).
 * auto: over verified TLS, and over what is allowed in clear, the first
 * offered in the order of the enum; without that SCRAM only. -PLUS needs a
 * binding. A secret in clear text goes only over TLS, to a local peer, or
 * with in_clear. NULL: ERROR_DENIED (nothing acceptable offered: words name
 * what was and what would do) or ERROR_CONFIG (no user, password with NUL).
 */
struct sasl *sasl_new(const struct sasl_plan *plan,
    const struct sasl_channel *channel, struct text offered, struct error *e);
void sasl_free(struct sasl *s);

enum sasl_mechanism sasl_mechanism(const struct sasl *s);

/*
 * The initial response in base64 ("=" for an empty one), appended to out.
 * Returns 1, 0 where the mechanism has none (LOGIN), -1 with the error.
 */
int sasl_initial(struct sasl *s, struct buf *out, struct error *e);

/*
 * Answers the base64 text of a 334 with base64, appended to out (may be
 * empty). -1: the peer does not speak the mechanism (ERROR_PROTOCOL), or
 * failed to prove that it knows the password (ERROR_DENIED); the caller then
 * sends "*".
 */
int sasl_step(
    struct sasl *s, struct text challenge, struct buf *out, struct error *e);

/* The server said 235. -1 ERROR_DENIED where a SCRAM server did so without
 * its signature, or before the exchange was over. */
int sasl_finish(struct sasl *s, struct error *e);

#endif
