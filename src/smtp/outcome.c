#include "smtp/outcome.h"

#include <stdio.h>
#include <string.h>

/* What becomes of those who are accepted, and not decided yet. */
static void
turn_accepted(struct envelope *env, enum verdict verdict)
{
	size_t i;

	for (i = 0; i < env->count; i++) {
		if (env->recipients[i].verdict == VERDICT_ACCEPTED)
			env->recipients[i].verdict = (unsigned char)verdict;
	}
}

void
outcome_deliver(struct envelope *env)
{
	turn_accepted(env, VERDICT_DELIVERED);
}

static enum verdict
kind_verdict(enum error_kind kind)
{
	if (kind == ERROR_NONE)
		return VERDICT_DELIVERED;
	if (kind == ERROR_DOUBTFUL)
		return VERDICT_DOUBTFUL;
	return error_lasts(kind) ? VERDICT_REFUSED : VERDICT_LATER;
}

size_t
outcome_decide(struct envelope *env, const struct error *e)
{
	const char *words = e->why[0] == '\0' ? NULL : e->why;
	size_t decided, i;
	enum verdict verdict;
	struct recipient *r;

	decided = 0;
	for (i = 0; i < env->count; i++) {
		r = &env->recipients[i];
		verdict = kind_verdict(e->kind);
		if (r->verdict == VERDICT_OPEN && verdict == VERDICT_DOUBTFUL)
			verdict = VERDICT_LATER;
		if (r->verdict != VERDICT_OPEN &&
		    r->verdict != VERDICT_ACCEPTED)
			continue;
		envelope_decide(r, verdict, e->code, e->enhanced, words);
		decided++;
	}
	return decided;
}

/* Nobody has it, and the recipients are why. */
static void
set_recipients_error(const struct envelope *env, bool all_or_none,
    const char *host, struct error *e)
{
	const struct recipient *r = env->recipients;
	const struct recipient *end = r + env->count;
	enum verdict shown = VERDICT_LATER;

	if (envelope_count(env, VERDICT_LATER) == 0 ||
	    (all_or_none && envelope_count(env, VERDICT_REFUSED) > 0))
		shown = VERDICT_REFUSED;
	while (r < end && (r->verdict != shown || r->reply == NULL))
		r++;
	if (r == end) {
		error_set(e, ERROR_BUG, "RCPT TO", "nobody was refused");
		return;
	}
	error_set(e, shown == VERDICT_LATER ? ERROR_LATER : ERROR_RECIPIENT,
	    "RCPT TO", "%s refused %s%s%s", host, r->path,
	    shown == VERDICT_LATER ? " for now" : "",
	    env->count > 1 ? "; nothing was sent to anyone" : "");
	e->recipient = (size_t)(r - env->recipients) + 1;
	e->code = r->reply->code;
	e->enhanced = r->reply->enhanced;
	strlcpy(e->why, r->reply->words, sizeof(e->why));
}

static void
set_partial_error(const struct envelope *env, size_t delivered, struct error *e)
{
	const size_t doubtful = envelope_count(env, VERDICT_DOUBTFUL);
	const size_t later = envelope_count(env, VERDICT_LATER);
	const struct error before = *e;
	char more[64] = "";

	if (doubtful > 0)
		snprintf(more, sizeof(more), ", perhaps to %zu more", doubtful);
	error_clear(e);
	error_set(e, doubtful + later > 0 ? ERROR_REFUSED : ERROR_RECIPIENT,
	    NULL, "mail sent to %zu of %zu recipients%s%s%s", delivered,
	    env->count, more, before.kind == ERROR_NONE ? "" : "; ",
	    before.kind == ERROR_NONE ? "" : error_line(&before).words);
	error_hint(e, "send it again only to those who are named here");
	strlcpy(e->why, before.why, sizeof(e->why));
}

void
outcome_settle(
    struct envelope *env, bool all_or_none, const char *host, struct error *e)
{
	size_t delivered;

	turn_accepted(env, VERDICT_OPEN);
	delivered = envelope_count(env, VERDICT_DELIVERED);
	if (delivered == env->count)
		error_clear(e);
	else if (delivered > 0)
		set_partial_error(env, delivered, e);
	else if (e->kind == ERROR_NONE)
		set_recipients_error(env, all_or_none, host, e);
}
