#include "submit/submit.h"

#include "submit/recipient.h"
#include "submit/repair.h"
#include "submit/sender.h"

static bool
has_8bit_field(struct message *m)
{
	struct message_field *f;
	size_t at = 0;

	while ((f = message_find_next(m, NULL, &at)) != NULL)
		if (text_has_8bit(f->field.raw))
			return true;
	return false;
}

static int
set_wishes(const struct submission *s, struct error *e)
{
	const struct request *r = s->request;
	struct envelope *env = s->envelope;
	bool header_8bit = has_8bit_field(s->message);

	env->ret = r->ret != RET_NONE ? r->ret : s->account->dsn_return;
	env->body = BODY_7BIT;
	if (message_facts(s->message)->body_8bit || header_8bit ||
	    (r->body_given && r->body == BODY_8BITMIME))
		env->body = BODY_8BITMIME;
	env->smtputf8 = s->needs_utf8 || header_8bit;
	env->requiretls = r->requiretls;
	env->wishes = r->wishes;
	if (r->envid == NULL)
		return 0;
	env->envid = dsn_format_envid(text_of(r->envid), e);
	return env->envid == NULL ? -1 : 0;
}

int
submit(struct submission *s, struct error *e)
{
	if (sender_check(s->request, e) == -1 || repair_nul(s, e) == -1 ||
	    recipient_add_all(s, e) == -1)
		return -1;
	repair_drop(s);
	if (sender_set_reverse_path(s, e) == -1 || repair_fields(s, e) == -1 ||
	    repair_octets(s, e) == -1)
		return -1;
	return set_wishes(s, e);
}

/* A From of the message may say it. */
static bool
has_own_sender(const struct submission *s)
{
	return s->request->reverse_path != NULL ||
	       s->account->force_from != NULL ||
	       s->account->from_header != SWITCH_YES;
}

int
submit_foresee(struct submission *s, struct error *e)
{
	const struct request *request = s->request;
	struct request arguments = *request;

	arguments.from_fields = false;
	s->request = &arguments;
	if (sender_check(s->request, e) == 0 &&
	    (arguments.recipient_count == 0 || recipient_add_all(s, e) == 0) &&
	    (!has_own_sender(s) || sender_set_reverse_path(s, e) == 0))
		set_wishes(s, e);
	s->request = request;
	return e->kind == ERROR_NONE ? 0 : -1;
}
