#include "smtp/hello.h"

#include <stdio.h>
#include <string.h>

#include "smtp/trouble.h"

/*
 * Asking.
 */

static const char *
verb(const struct hello *h, enum step step)
{
	if (h->terms.smarthost->lmtp)
		return "LHLO";
	return step == STEP_HELO ? "HELO" : "EHLO";
}

void
hello_ask(struct hello *h, enum step step)
{
	struct pipeline *p = h->terms.pipeline;
	const struct expected reply = {.step = step};

	if (step == STEP_GREETING) {
		h->greeted = true;
		pipeline_expect(p, reply);
		return;
	}
	/* RFC 3207 section 4.2: nothing learned before TLS counts. */
	if (step == STEP_EHLO)
		memset(h->terms.ehlo, 0, sizeof(*h->terms.ehlo));
	if (step == STEP_RENEW)
		h->renewed = true;
	if (step == STEP_STARTTLS)
		pipeline_send(p, reply, "STARTTLS");
	else
		pipeline_send(p, reply, "%s %s", verb(h, step), h->terms.name);
}

/*
 * Answers.
 */

struct answer {
	const struct reply *reply;
	const char *doing;
	struct error *error;
};

static enum step
reject(const struct hello *h, const struct answer *a, const char *what)
{
	return trouble_reject(
	    a->error, a->reply, h->terms.smarthost, a->doing, what);
}

/* A server of the other protocol does not know the verb. */
static enum step
reject_name(const struct hello *h, const struct answer *a, enum step step)
{
	char what[16];
	enum step next;

	snprintf(what, sizeof(what), "our %s", verb(h, step));
	next = reject(h, a, what);
	if (a->reply->code / 10 == 50 &&
	    h->terms.smarthost->security != SMARTHOST_TLS)
		trouble_hint_protocol(a->error, h->terms.smarthost);
	return next;
}

static bool
wants_starttls(const struct hello *h)
{
	const struct sasl_channel *channel = h->terms.channel;

	switch (h->terms.smarthost->security) {
	case SMARTHOST_STARTTLS:
		return !channel->tls;
	case SMARTHOST_OFFERED:
		return h->terms.ehlo->starttls && !channel->tls &&
		       !channel->local;
	case SMARTHOST_TLS:
	case SMARTHOST_PLAIN:
		break;
	}
	return false;
}

static enum step
after_ehlo(const struct hello *h, const struct answer *a)
{
	if (!wants_starttls(h))
		return login_is_wanted(h->terms.login) ? STEP_AUTH : STEP_READY;
	if (h->terms.ehlo->starttls)
		return STEP_STARTTLS;
	trouble_lacks_starttls(a->error, h->terms.smarthost);
	return STEP_QUIT;
}

static void
learn_extensions(const struct hello *h, const struct reply *reply)
{
	ehlo_parse(h->terms.ehlo, reply);
	if (h->terms.ehlo->hidden) /* they may be told */
		mechanism_keep_known(h->terms.ehlo->mechanisms);
}

static enum step
answer_ehlo(const struct hello *h, const struct answer *a)
{
	if (reply_accepts(a->reply)) {
		learn_extensions(h, a->reply);
		return after_ehlo(h, a);
	}
	if (a->reply->code / 100 == 5 && !wants_starttls(h) &&
	    !login_is_wanted(h->terms.login) && !h->terms.smarthost->lmtp)
		return STEP_HELO;
	return reject_name(h, a, STEP_EHLO);
}

/* A server that refuses it is taken as it was. */
static enum step
answer_renew(const struct hello *h, const struct answer *a)
{
	if (reply_accepts(a->reply))
		learn_extensions(h, a->reply);
	else if (trouble_kind(a->reply, ERROR_REFUSED) == ERROR_PROTOCOL)
		return reject_name(h, a, STEP_RENEW);
	return STEP_READY;
}

enum step
hello_answer(struct hello *h, enum step step, const struct reply *reply,
    const char *doing, struct error *e)
{
	const struct answer a = {reply, doing, e};

	if (step == STEP_EHLO)
		return answer_ehlo(h, &a);
	if (step == STEP_RENEW)
		return answer_renew(h, &a);
	if (step == STEP_GREETING)
		return reply->code == 220 ? STEP_EHLO
					  : reject(h, &a, "the connection");
	if (step == STEP_HELO)
		return reply_accepts(reply) ? STEP_READY
					    : reject_name(h, &a, step);
	return reply_positive(reply) ? STEP_SECURE
				     : reject(h, &a, "to start TLS");
}
