#include "run/enqueue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "submit/backoff.h"

/* How much of the first of two reasons is told. */
#define REASON_OCTETS 280

struct enqueue {
	struct enqueue_plan plan;
	struct folder *folder; /* NULL: */
	struct error trouble;  /* ... why there is none */
};

/*
 * Whether a later run would take the same way.
 */

static bool
is_same_smarthost(const struct smarthost *a, const struct smarthost *b)
{
	return a->security == b->security && a->place == b->place &&
	       a->lmtp == b->lmtp && a->port == b->port &&
	       strcmp(a->host, b->host) == 0;
}

static bool
has_same_smarthosts(const struct account *a, const struct account *b)
{
	size_t i;

	if (a->smarthosts.count != b->smarthosts.count)
		return false;
	for (i = 0; i < a->smarthosts.count; i++)
		if (!is_same_smarthost(
			&a->smarthosts.at[i], &b->smarthosts.at[i]))
			return false;
	return true;
}

static bool
has_same_user(
    const struct account *a, const struct account *b, const struct facts *facts)
{
	char *one = facts_user(a, facts), *other = facts_user(b, facts);
	const bool same = (one == NULL) == (other == NULL) &&
			  (one == NULL || strcmp(one, other) == 0);

	free(one);
	free(other);
	return same;
}

static bool
has_same_spool(const struct enqueue_plan *plan, const struct account *a)
{
	const char *home = plan->host->home;
	char *theirs = facts_spool(a, plan->facts, home);
	char *ours = facts_spool(plan->account, plan->facts, home);
	const bool same =
	    theirs != NULL && ours != NULL && strcmp(theirs, ours) == 0;

	free(theirs);
	free(ours);
	return same;
}

/* The account as the usual files alone have it. */
static bool
is_in_files(const struct enqueue_plan *plan)
{
	const struct settings_plan usual = {.files_only = true};
	const struct account *a = NULL;
	struct config files;
	struct error ignored;
	bool same;

	error_clear(&ignored);
	if (settings_read(&usual, plan->host, &files, &ignored) == 0)
		a = config_choose(&files, plan->account->name, NULL, &ignored);
	same = a != NULL && has_same_smarthosts(a, plan->account) &&
	       has_same_user(a, plan->account, plan->facts) &&
	       has_same_spool(plan, a);
	config_clear(&files);
	return same;
}

int
enqueue_check(const struct enqueue_plan *plan, struct error *e)
{
	const char *path = plan->settings == NULL ? NULL : plan->settings->path;

	if (path == NULL && !config_overrides(plan->config, "smarthost") &&
	    !config_overrides(plan->config, "user") &&
	    !config_overrides(plan->config, "spool"))
		return 0;
	if (is_in_files(plan))
		return 0;
	error_set(e, ERROR_CONFIG, "spool",
	    "a later run finds no account `%s' with this smarthost, user and "
	    "spool: %s has it",
	    SHOWN(text_of(plan->account->name)),
	    path == NULL ? "--set or the environment" : "-C");
	return error_hint(e,
	    "write this account into the configuration that is read without "
	    "options");
}

int
enqueue_refuse(struct error *e)
{
	error_set(e, ERROR_SPOOL, "option --queue-only",
	    "the account has no spool that could keep the mail");
	return error_hint(e,
	    "write a line `spool PATH' into the configuration, as with "
	    "~/.local/state/sendling/spool");
}

struct enqueue *
enqueue_new(const struct enqueue_plan *plan)
{
	struct folder *folder;
	struct enqueue *q;
	struct error e;

	error_clear(&e);
	folder = spool_open(plan->account, plan->facts, plan->host, &e);
	if (folder == NULL && e.kind == ERROR_NONE)
		return NULL;
	if (folder != NULL && enqueue_check(plan, &e) == -1) {
		folder_free(folder);
		folder = NULL;
	}
	q = mem_new(1, sizeof(*q));
	*q = (struct enqueue){.plan = *plan, .folder = folder, .trouble = e};
	return q;
}

void
enqueue_free(struct enqueue *q)
{
	if (q == NULL)
		return;
	folder_free(q->folder);
	free(q);
}

struct folder *
enqueue_folder(const struct enqueue *q)
{
	return q == NULL ? NULL : q->folder;
}

/*
 * Keeping.
 */

/* A server said so of this mail, and not of us. */
static bool
was_put_off(const struct envelope *env)
{
	const struct recipient *r;
	size_t i;

	for (i = 0; i < env->count; i++) {
		r = &env->recipients[i];
		if (r->verdict == VERDICT_LATER && r->reply != NULL &&
		    r->reply->code / 100 == 4 && r->reply->code != 421)
			return true;
	}
	return false;
}

static long long
next_attempt(
    const struct enqueue *q, const struct mail *mail, const struct error *e)
{
	const struct backoff retry = backoff_by(q->plan.account);
	const struct facts *facts = q->plan.facts;

	if (e->kind == ERROR_NONE)
		return 0;
	return backoff_next(&retry, facts->now.seconds, host_now().seconds,
	    was_put_off(mail->envelope), facts->random[0]);
}

static int
keep(const struct enqueue *q, const struct mail *mail, bool failed,
    char id[TICKET_ID_MAX + 1], const struct error *why, struct error *e)
{
	const struct spool_mail kept = {.account = q->plan.account,
	    .caller = q->plan.caller,
	    .envelope = mail->envelope,
	    .message = mail->message,
	    .all_or_none = mail->all_or_none,
	    .failed = failed,
	    .told = true,
	    .created = q->plan.facts->now.seconds,
	    .due = next_attempt(q, mail, why),
	    .error = why};
	int result;

	if (q->folder == NULL) {
		*e = q->trouble;
		return -1;
	}
	result = spool_keep(q->folder, &kept, id, e);
	if (result == 1)
		error_set(e, ERROR_SPOOL, "spool", "its id is there already");
	return result == 0 ? 0 : -1;
}

/* Nothing is allocated between the file's name and this: who is told that
 * memory was out must not send the mail again. */
static void
mark_queued(struct envelope *env)
{
	struct recipient *r;
	size_t i;

	for (i = 0; i < env->count; i++) {
		r = &env->recipients[i];
		if (r->verdict != VERDICT_DELIVERED &&
		    r->verdict != VERDICT_REFUSED)
			r->verdict = VERDICT_QUEUED;
	}
}

/* Those who were refused are all that is left to tell: by themselves, or with
 * the mail. */
static void
tell_refused(const struct envelope *env, size_t refused, struct error *e)
{
	const size_t delivered = envelope_count(env, VERDICT_DELIVERED);
	enum error_kind kind = ERROR_RECIPIENT;
	size_t i;

	for (i = 0; i < env->count; i++)
		if (env->recipients[i].verdict == VERDICT_REFUSED &&
		    !env->recipients[i].own)
			kind = ERROR_REFUSED;
	error_clear(e);
	if (refused == 0)
		return;
	if (delivered > 0)
		error_set(e, kind, NULL,
		    "mail sent to %zu of %zu recipients, and kept in the spool "
		    "for %zu",
		    delivered, env->count, env->count - delivered - refused);
	else
		error_set(e, kind, NULL,
		    "mail refused for %zu of %zu recipients, and kept in the "
		    "spool for %zu",
		    refused, env->count, env->count - refused);
	error_hint(e, "send it again only to those who are named here");
}

/* Both reasons, the first with the server's words. What is wrong with the spool
 * may be mended, so that the caller should try again; but nobody gets the mail
 * twice for it. */
static void
tell_trouble(
    const struct envelope *env, const struct error *trouble, struct error *e)
{
	const struct error first = *e;

	if (first.kind == ERROR_NONE) {
		*e = *trouble;
	} else {
		snprintf(e->text, sizeof(e->text),
		    "%.*s; and it is not kept for later: ",
		    (int)text_cut(text_of(first.text), REASON_OCTETS),
		    first.text);
		strlcat(e->text, error_line(trouble).words, sizeof(e->text));
		if (first.hint[0] != '\0' && trouble->hint[0] != '\0')
			strlcat(e->hint, "; of the spool: ", sizeof(e->hint));
		strlcat(e->hint, trouble->hint, sizeof(e->hint));
	}
	if (trouble->kind == ERROR_SPOOL && first.kind != ERROR_DOUBTFUL &&
	    envelope_count(env, VERDICT_DELIVERED) == 0)
		e->kind = ERROR_LATER;
}

static enum enqueue_result
keep_open(struct enqueue *q, const struct mail *mail,
    char id[TICKET_ID_MAX + 1], struct error *why, struct error *e)
{
	struct envelope *env = mail->envelope;
	struct error trouble;

	error_clear(&trouble);
	if (keep(q, mail, false, id, e, &trouble) == -1) {
		tell_trouble(env, &trouble, e);
		return ENQUEUE_NOTHING;
	}
	mark_queued(env);
	*why = *e;
	tell_refused(env, envelope_count(env, VERDICT_REFUSED), e);
	return ENQUEUE_KEPT;
}

enum enqueue_result
enqueue_mail(struct enqueue *q, const struct mail *mail,
    char id[TICKET_ID_MAX + 1], struct error *why, struct error *e)
{
	const struct envelope *env = mail->envelope;
	const size_t delivered = envelope_count(env, VERDICT_DELIVERED);
	const size_t refused = envelope_count(env, VERDICT_REFUSED);

	error_clear(why);
	if (q == NULL || delivered == env->count)
		return ENQUEUE_NOTHING;
	/* All or nobody: who was refused is why the others do not get it. */
	if (delivered + refused < env->count &&
	    !(mail->all_or_none && refused > 0 && delivered == 0))
		return keep_open(q, mail, id, why, e);
	return keep(q, mail, true, id, e, why) == -1 ? ENQUEUE_NOTHING
						     : ENQUEUE_COPIED;
}
