#include "run/deliver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "world/clock.h"

/* Further connections to one smarthost by which nobody got the mail, while each
 * shows how many recipients it takes at a time. */
#define DELIVER_AGAIN 3

/* Of how many smarthosts that failed it is told why, and how much of it. */
#define DELIVER_TOLD	    3
#define DELIVER_TOLD_OCTETS 180

struct deliver {
	const struct connection_plan *plan;
	struct connection **ready; /* to each smarthost, or NULL */
	struct learned *learned;   /* of each */
	struct connection *open;   /* has a session; or NULL */
	struct deliver_report report;
	struct error denied; /* a login that was refused is not tried again */

	/* The mail. */
	struct mail *mail;
	long long deadline;
	bool handed_over; /* a server has had it */

	/* The hosts that could not be used, in words. */
	struct buf failures;
	size_t failed;
};

struct deliver *
deliver_new(const struct connection_plan *plan)
{
	struct deliver *d;

	d = mem_new(1, sizeof(*d));
	d->plan = plan;
	d->ready = mem_new(plan->account->smarthosts.count, sizeof(*d->ready));
	d->learned =
	    mem_new(plan->account->smarthosts.count, sizeof(*d->learned));
	return d;
}

void
deliver_open(struct deliver *d)
{
	const struct account *account = d->plan->account;
	size_t i;

	if (d->open != NULL || d->denied.kind != ERROR_NONE)
		return;
	for (i = 0; i < account->smarthosts.count; i++)
		if (d->ready[i] == NULL)
			d->ready[i] = connection_new(d->plan,
			    &account->smarthosts.at[i], &d->learned[i]);
}

static void
disconnect(struct deliver *d)
{
	connection_end(d->open);
	d->open = NULL;
}

/* What was made ready grows old: trust, and the addresses of a name. */
static void
forget_ready(struct deliver *d)
{
	size_t i;

	for (i = 0; i < d->plan->account->smarthosts.count; i++) {
		connection_end(d->ready[i]);
		d->ready[i] = NULL;
	}
}

void
deliver_free(struct deliver *d)
{
	if (d == NULL)
		return;
	disconnect(d);
	forget_ready(d);
	free(d->ready);
	free(d->learned);
	free(d);
}

/* What is told of a connection, as far as it came. */
static void
report(struct deliver *d, const struct connection *c,
    const struct smarthost *smarthost)
{
	const struct session *session = connection_session(c);
	const struct tls *tls = connection_tls(c);
	struct deliver_report *told = &d->report;

	strlcpy(told->smarthost, smarthost_name(smarthost).words,
	    sizeof(told->smarthost));
	strlcpy(told->tls, "-", sizeof(told->tls));
	told->unverified = tls != NULL && tls_terms(tls).unverified;
	if (tls != NULL)
		tls_words(tls, told->tls, sizeof(told->tls));
	strlcpy(told->auth, session == NULL ? "-" : session_auth(session),
	    sizeof(told->auth));
}

/* The password is gone when nothing of the mail can be left: a server that goes
 * back on what it accepted does not get it again. */
static bool
reopen(struct deliver *d, struct error *e)
{
	if (d->plan->forgotten)
		return false;
	mail_reopen(d->mail);
	error_clear(e);
	return true;
}

static void
attempt(struct deliver *d, struct error *e)
{
	const struct envelope *env = d->mail->envelope;
	const struct session *session;
	size_t delivered, tries = 0;

	do {
		delivered = envelope_count(env, VERDICT_DELIVERED);
		if (connection_start(d->open, d->deadline, e) == -1)
			break;
		if (d->mail->settled)
			mail_reopen(d->mail);
		connection_mails(d->open, d->mail, 1, d->deadline, e);
		if (!connection_went_before(d->open))
			d->handed_over = true;
		if (envelope_count(env, VERDICT_DELIVERED) == delivered)
			tries++;
	} while (d->mail->again && tries <= DELIVER_AGAIN && reopen(d, e));
	report(d, d->open, connection_host(d->open));
	session = connection_session(d->open);
	if (session != NULL && session_denied(session))
		d->denied = *e;
}

static void
note_failure(const struct deliver *d, const struct error *e)
{
	const struct session_trace *trace = &d->plan->trace;

	if (trace->line == NULL)
		return;
	trace->line(trace->arg, SESSION_NOTE, text_of(error_line(e).words));
}

/* One of several that could not be used, with name, port and address. */
static void
count_failure(struct deliver *d, const struct error *e)
{
	const struct error_line line = error_line(e);

	note_failure(d, e);
	if (d->failed++ < DELIVER_TOLD)
		buf_format(&d->failures, "%s%.*s", d->failed == 1 ? "" : "; ",
		    (int)text_cut(text_of(line.words), DELIVER_TOLD_OCTETS),
		    line.words);
}

/* All that failed are one error, which goes on as the one that weighs most. */
static void
tell_failures(struct deliver *d, struct error *e)
{
	if (d->failed > DELIVER_TOLD)
		buf_format(
		    &d->failures, "; and %zu more", d->failed - DELIVER_TOLD);
	if (d->failed > 1) {
		e->doing = NULL;
		snprintf(e->text, sizeof(e->text),
		    "none of %zu smarthosts can be used: %s", d->failed,
		    buf_string(&d->failures));
	}
	buf_clear(&d->failures);
}

/* Another host may do better, unless this one has had the mail, or said that
 * the login is wrong: it would be wrong there too, and count as a second try.
 * True: no other is wanted. */
static bool
try_hosts(struct deliver *d, size_t index, struct error *e)
{
	struct error last;
	bool done;

	d->open = d->ready[index];
	d->ready[index] = NULL;
	do {
		error_clear(&last);
		attempt(d, &last);
		/* What may mend itself outweighs what the others said, but
		 * for a login that is wrong. */
		if (e->kind != ERROR_LATER || d->handed_over ||
		    d->denied.kind != ERROR_NONE)
			*e = last;
		done = last.kind == ERROR_NONE || last.kind == ERROR_CONFIG ||
		       d->handed_over || d->denied.kind != ERROR_NONE;
		if (!done)
			count_failure(d, &last);
	} while (!done && connection_next(d->open));
	if (d->mail->last || !d->mail->settled || connection_is_over(d->open))
		disconnect(d);
	return done;
}

static void
try_smarthosts(struct deliver *d, struct error *e)
{
	bool done = false;
	size_t i;

	deliver_open(d);
	d->failed = 0;
	buf_init(&d->failures, sizeof(e->text));
	for (i = 0; i < d->plan->account->smarthosts.count && !done; i++)
		done = try_hosts(d, i, e);
	if (!done)
		tell_failures(d, e);
	buf_clear(&d->failures);
	forget_ready(d);
}

/*
 * The session of the mail before may have died of old age, in silence or with
 * a 421. Then the mail is tried on a new one. True when the mail is settled.
 */
static bool
try_open_session(struct deliver *d, struct error *e)
{
	bool stale;

	if (d->open == NULL)
		return false;
	connection_mails(d->open, d->mail, 1, d->deadline, e);
	stale = connection_was_stale(d->open, e);
	if (connection_is_over(d->open))
		disconnect(d);
	if (!stale && !d->mail->again)
		return true;
	return !reopen(d, e);
}

int
deliver_mail(struct deliver *d, struct mail *mail, long long deadline,
    struct deliver_report *told, struct error *e)
{
	long long start = clock_now();

	d->deadline = deadline;
	d->mail = mail;
	d->handed_over = false;
	error_clear(e);
	if (d->denied.kind != ERROR_NONE)
		*e = d->denied;
	else if (!try_open_session(d, e))
		try_smarthosts(d, e);
	/* Who has it from a session before may not be forgotten. */
	if (!mail->settled && e->kind != ERROR_NONE &&
	    envelope_count(mail->envelope, VERDICT_DELIVERED) > 0)
		mail_fail(mail, d->report.smarthost, e);
	if (e->kind == ERROR_NONE &&
	    envelope_count(mail->envelope, VERDICT_DELIVERED) !=
		mail->envelope->count)
		error_set(e, ERROR_BUG, "delivery",
		    "it ended without an answer for every recipient");
	d->report.delay_ms = clock_now() - start;
	*told = d->report;
	mail->error = *e;
	d->mail = NULL;
	return e->kind == ERROR_NONE ? 0 : -1;
}
