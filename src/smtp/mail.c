#include "smtp/mail.h"

#include "smtp/outcome.h"

void
mail_reopen(struct mail *mail)
{
	struct recipient *r;
	size_t i;

	for (i = 0; i < mail->envelope->count; i++) {
		r = &mail->envelope->recipients[i];
		if (r->handed_over &&
		    (r->verdict == VERDICT_OPEN || r->verdict == VERDICT_LATER))
			envelope_decide(
			    r, VERDICT_OPEN, 0, (struct enhanced){0}, NULL);
	}
	mail->settled = mail->again = false;
	error_clear(&mail->error);
}

void
mail_fail(struct mail *mail, const char *host, struct error *e)
{
	outcome_decide(mail->envelope, e);
	outcome_settle(mail->envelope, mail->all_or_none, host, e);
	mail->settled = true;
}
