#ifndef LOGIN_H
#define LOGIN_H

/*
 * login: the dialogue of AUTH, RFC 4954: the command, the challenges and the
 * responses, "*" where we break it off, and what a refusal means. What the
 * responses say is auth/sasl's.
 */

#include "auth/sasl.h"
#include "smtp/echo.h"
#include "smtp/ehlo.h"
#include "smtp/pipeline.h"
#include "submit/account.h"

/* Borrowed, all of it, until login_clear(). */
struct login_terms {
	const struct account *account;
	const struct smarthost *smarthost;
	const char *user; /* facts_user(); NULL: no login */
	struct text password;
	bool renews;	/* who owns the session can have a fresh token */
	char nonce[32]; /* random, for SCRAM */
	const struct ehlo *ehlo;
	const struct sasl_channel *channel;
	struct pipeline *pipeline;
	struct echo *echo; /* learns what is sent */
};

struct login {
	struct login_terms terms;
	struct sasl *sasl;
	struct error broken_off; /* why we cancelled AUTH */
	struct buf initial;	 /* response that did not fit behind AUTH */
	const char *mechanism;	 /* "-" before AUTH */
	struct error refused;	 /* a token; a fresh one is wanted, or tried */
	bool heard_again;	 /* what the server says to that one */
	bool done;		 /* the server said 235 */
	bool denied;		 /* for good */
};

void login_init(struct login *l, const struct login_terms *terms);
void login_clear(struct login *l);

/* Whether there is one to do. */
bool login_is_wanted(const struct login *l);

/*
 * Each returns the step that follows, STEP_STAY where a reply is due, STEP_QUIT
 * or STEP_BREAK with the error: sasl_new()'s, sasl_step()'s, sasl_finish()'s,
 * trouble_lacks_auth()'s, and ERROR_DENIED where the server refuses.
 * login_answer() takes a reply to AUTH or to a response, login_cancelled() the
 * one to "*". doing: the step in words.
 *
 * A token that is refused is old, more often than not. STEP_FRESH follows then,
 * where one can be had and none was tried yet, and login_renew() takes it; or
 * none, and why: then the refusal is the error.
 */
enum step login_ask(struct login *l, struct error *e);
enum step login_answer(struct login *l, const struct reply *reply,
    const char *doing, struct error *e);
enum step login_cancelled(struct login *l, struct error *e);
enum step login_renew(struct login *l, struct text token,
    const struct error *why, struct error *e);

/* Whether a fresh token is still to be tried. */
bool login_is_unsettled(const struct login *l);

/* The session is over: nothing derived from the password stays. */
void login_end(struct login *l);

#endif
