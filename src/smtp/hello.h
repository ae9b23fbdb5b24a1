#ifndef HELLO_H
#define HELLO_H

/*
 * hello: how a session begins: the greeting, EHLO or HELO, in LMTP the LHLO of
 * RFC 2033, STARTTLS of RFC 3207 and EHLO again, and EHLO once more after the
 * login. It asks, takes the answers, and tells the session which step follows.
 */

#include "auth/sasl.h"
#include "smtp/ehlo.h"
#include "smtp/login.h"
#include "smtp/pipeline.h"

/* Borrowed, all of it. */
struct hello_terms {
	const struct smarthost *smarthost;
	const char *name;	   /* ours, never empty */
	struct ehlo *ehlo;	   /* filled here */
	const struct login *login; /* what it asks for follows */
	const struct sasl_channel *channel;
	struct pipeline *pipeline;
};

struct hello {
	struct hello_terms terms;
	bool greeted; /* the greeting was asked for */
	bool renewed; /* EHLO was said once more after the login */
};

/* Asks for one of STEP_GREETING, STEP_EHLO, STEP_HELO, STEP_STARTTLS and
 * STEP_RENEW. */
void hello_ask(struct hello *h, enum step step);

/* Takes the reply to it; doing: the step in words. The step that follows; with
 * STEP_QUIT and STEP_BREAK e says why. */
enum step hello_answer(struct hello *h, enum step step,
    const struct reply *reply, const char *doing, struct error *e);

#endif
