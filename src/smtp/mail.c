#include "smtp/mail.h"

#include "smtp/outcome.h"

/* Where a session ends for good that is no word about who was on his way. And
 * of all or nobody who was refused is asked again with the others: they would
 * get the mail without him. */
static bool
may_open(const struct mail *mail, const struct recipient *r)
{
	return r->verdict == VERDICT_OPEN || r->verdict == VERDICT_LATER ||
	       (r->verdict == VERDICT_REFUSED &&
		   (mail->all_or_none || (mail->lost && !r->own)));
}

void
mail_reopen(struct mail *mail)
{
	struct recipient *r;
	size_t i;

	for (i = 0; i < mail->envelope->count; i++) {
		r = &mail->envelope->recipients[i];
		if (r->handed_over && may_open(mail, r))
			envelope_decide(
			    r, VERDICT_OPEN, 0, (struct enhanced){0}, NULL);
	}
	mail->settled = mail->again = mail->lost = false;
	error_clear(&mail->error);
}

bool
mail_was_closed_in(const struct mail *mail)
{
	const struct envelope *env = mail->envelope;
	const struct recipient_reply *reply;
	bool answered = false;
	size_t i;

	for (i = 0; !answered && i < env->count; i++) {
		reply = env->recipients[i].reply;
		answered = env->recipients[i].handed_over && reply != NULL &&
			   reply->code != 421;
	}
	return answered && mail->lost && mail->error.kind == ERROR_LATER;
}

void
mail_fail(struct mail *mail, const char *host, struct error *e)
{
	outcome_decide(mail->envelope, e);
	outcome_settle(mail->envelope, mail->all_or_none, host, e);
	mail->settled = true;
}
