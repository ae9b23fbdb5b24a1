#ifndef SASL_H
#define SASL_H

/*
 * sasl: one exchange of AUTH, RFC 4954: challenge in, response out, whatever
 * the mechanism. PLAIN RFC 4616, LOGIN, EXTERNAL (RFC 4422 appendix A) and
 * CRAM-MD5 (RFC 2195) are here, SCRAM and OAuth's stand beside.
 * Everything derived from the password is wiped by sasl_free().
 */

#include "auth/mechanism.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/text.h"

struct sasl_plan {
	const char *user;			/* "": EXTERNAL only */
	struct text password;			/* or token; "": there is none.
						 * Borrowed until sasl_free() */
	enum mechanism wanted[MECHANISM_COUNT]; /* in order of preference */
	size_t wanted_count;			/* 0: auto */
	bool in_clear;				/* `auth-in-clear yes` */
	bool certificate;			/* TLS has shown one of ours */
	const char *host;			/* of the server, or NULL */
	unsigned short port;
	char nonce[32]; /* printable, no comma; random */
};

struct sasl;

/*
 * Begins with the mechanism that fits best among the offered (names separated
 * by spaces). NULL: ERROR_DENIED as mechanism_choose() gives it, or
 * ERROR_CONFIG (no user; a password that is empty or holds a NUL; each only
 * where the mechanism needs it).
 */
struct sasl *sasl_new(const struct sasl_plan *plan,
    const struct sasl_channel *channel, struct text offered, struct error *e);
void sasl_free(struct sasl *s);

enum mechanism sasl_mechanism(const struct sasl *s);

/*
 * The initial response in base64 ("=" for an empty one), appended to out.
 * Returns 1, 0 where the mechanism has none (LOGIN, CRAM-MD5), -1 with the
 * error.
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

/* What the server said of the token in its last challenge, for people; "" where
 * it did not. */
const char *sasl_told(struct sasl *s);

/* The server said 235. -1 ERROR_DENIED where a SCRAM server did so without
 * its signature, or before the exchange was over. */
int sasl_finish(struct sasl *s, struct error *e);

#endif
