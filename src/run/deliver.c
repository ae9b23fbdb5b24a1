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

/* Sessions of a run, one after another, that end by themselves and deliver
 * nothing. */
#define DELIVER_VAIN 3

/* Milliseconds until a service on this machine that has no place for one more
 * connection of ours is asked again: at first, and at most. */
#define DELIVER_PAUSE	      50
#define DELIVER_LONGEST_PAUSE 1000

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

	/* The run. */
	const struct connection_source *source;
	struct mail *next; /* to be handed over before others, or NULL */
	unsigned seconds;
	size_t first;	 /* the smarthost that was used last, and how many */
	size_t tried;	 /* from it on were tried */
	size_t answered; /* mails, since the session began; of them: */
	size_t taken;	 /* for somebody */
	size_t in_vain;	 /* sessions that were answered in and took nothing */

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

static void
note_failure(const struct deliver *d, const struct error *e)
{
	const struct session_trace *trace = &d->plan->trace;

	if (trace->line == NULL)
		return;
	trace->line(trace->arg, SESSION_NOTE, text_of(error_line(e).words));
}

/* The password is gone when nothing of the mail can be left: a server that goes
 * back on what it accepted does not get it again. */
static bool
reopen(struct deliver *d, struct error *e)
{
	if (d->plan->forgotten)
		return false;
	if (e->kind != ERROR_NONE)
		note_failure(d, e);
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

/* The greeting of our own service while its caller's user has all his places:
 * 421 4.7.0. Nothing else of it is so soon over. */
static bool
is_crowded(const struct deliver *d, const struct error *e)
{
	const struct smarthost_list *hosts = &d->plan->account->smarthosts;

	return hosts->count == 1 && hosts->at[0].place == SMARTHOST_SOCKET &&
	       !d->handed_over && e->code == 421 && e->enhanced.class == 4 &&
	       e->enhanced.subject == 7 && e->enhanced.detail == 0;
}

/* For as long as a connection may be waited for. */
static void
try_until_there_is_a_place(struct deliver *d, struct error *e)
{
	const unsigned seconds = d->plan->account->connect_timeout;
	const long long limit = clock_earlier(d->deadline,
	    clock_in(seconds == 0 ? ACCOUNT_CONNECT_TIMEOUT : seconds));
	long long pause = DELIVER_PAUSE;

	try_smarthosts(d, e);
	while (
	    is_crowded(d, e) && clock_now() + pause < limit && reopen(d, e)) {
		clock_wait(NULL, 0, clock_now() + pause);
		if (pause < DELIVER_LONGEST_PAUSE)
			pause *= 2;
		try_smarthosts(d, e);
	}
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
		try_until_there_is_a_place(d, e);
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

/*
 * A run of mails.
 */

static struct mail *
next_mail(void *arg)
{
	struct deliver *d = arg;
	struct mail *mail = d->next;

	d->next = NULL;
	return mail != NULL ? mail : d->source->next(d->source->arg);
}

/* Somebody has it now who had not when it was handed over. */
static bool
was_taken(const struct mail *mail)
{
	const struct envelope *env = mail->envelope;
	size_t i = 0;

	while (i < env->count &&
	       !(env->recipients[i].handed_over &&
		   env->recipients[i].verdict == VERDICT_DELIVERED))
		i++;
	return i < env->count;
}

static void
take_back(void *arg, struct mail *mail)
{
	struct deliver *d = arg;

	d->answered +=
	    mail->settled && (!mail->lost || mail_was_closed_in(mail));
	d->taken += was_taken(mail);
	d->source->done(d->source->arg, mail);
}

/* Each smarthost once, from the one that was used last on. */
static bool
choose_host(struct deliver *d)
{
	const size_t count = d->plan->account->smarthosts.count;
	size_t index;

	if (d->tried == count)
		return false;
	index = (d->first + d->tried++) % count;
	deliver_open(d);
	d->open = d->ready[index];
	d->ready[index] = NULL;
	return true;
}

/* A login that was refused, or a fault of the configuration, would be the same
 * with the next. */
static void
leave_host(struct deliver *d, const struct error *last, struct error *e)
{
	const struct session *session = connection_session(d->open);
	bool final = last->kind == ERROR_CONFIG;

	if (session != NULL && session_denied(session)) {
		d->denied = *last;
		final = true;
	}
	if (e->kind != ERROR_LATER || final)
		*e = *last;
	if (final)
		d->tried = d->plan->account->smarthosts.count;
	else
		count_failure(d, last);
	if (final || !connection_next(d->open))
		disconnect(d);
}

/* With the host of the session before, or the next that has one. */
static int
begin_session(struct deliver *d, struct error *e)
{
	struct error last;

	while (d->open != NULL || choose_host(d)) {
		error_clear(&last);
		if (connection_start(d->open, clock_in(d->seconds), &last) ==
		    0) {
			forget_ready(d);
			return 0;
		}
		report(d, d->open, connection_host(d->open));
		leave_host(d, &last, e);
	}
	if (e->kind != ERROR_CONFIG && d->denied.kind == ERROR_NONE)
		tell_failures(d, e);
	return -1;
}

/* Whether another session may do better: there is no end to those that take
 * mails. */
static bool
may_go_on(struct deliver *d)
{
	d->in_vain = d->taken > 0 ? 0 : d->in_vain + 1;
	return d->taken > 0 || (d->answered > 0 && d->in_vain <= DELIVER_VAIN);
}

/* Until it takes no more mails. Of what it was not told another host may hear;
 * who has the mail now cannot be asked. */
static int
run_session(struct deliver *d, struct deliver_report *told, struct error *e)
{
	const struct connection_source source = {next_mail, take_back, d};
	struct error last;
	int result;

	error_clear(&last);
	d->answered = d->taken = 0;
	report(d, d->open, connection_host(d->open));
	*told = d->report;
	result = connection_run(d->open, &source, d->seconds, &last);
	if (result == -1 && connection_went_before(d->open)) {
		leave_host(d, &last, e);
		return 0;
	}
	if (result == -1 && !may_go_on(d)) {
		*e = last;
		return -1;
	}
	if (d->tried > 0)
		d->first += d->tried - 1;
	d->tried = 1;
	d->failed = 0;
	buf_reset(&d->failures);
	error_clear(e);
	return 0;
}

static bool
has_session(const struct deliver *d)
{
	return d->open != NULL && !connection_is_over(d->open);
}

static void
begin_run(struct deliver *d, const struct connection_source *source,
    unsigned seconds, struct error *e)
{
	d->source = source;
	d->seconds = seconds;
	d->first = d->tried = d->in_vain = d->failed = 0;
	buf_init(&d->failures, sizeof(e->text));
}

static void
end_run(struct deliver *d, struct deliver_report *told)
{
	if (d->next != NULL)
		d->source->done(d->source->arg, d->next);
	d->next = NULL;
	*told = d->report;
	buf_clear(&d->failures);
	forget_ready(d);
}

int
deliver_run(struct deliver *d, const struct connection_source *source,
    unsigned seconds, struct deliver_report *told, struct error *e)
{
	int result = 0;

	*e = d->denied;
	if (e->kind != ERROR_NONE)
		return -1;
	begin_run(d, source, seconds, e);
	while (result == 0 && (d->next = next_mail(d)) != NULL) {
		if (!has_session(d))
			result = begin_session(d, e);
		if (result == 0)
			result = run_session(d, told, e);
	}
	if (result == -1)
		disconnect(d);
	end_run(d, told);
	return result;
}

void
deliver_more(struct deliver *d, const struct connection_source *source,
    unsigned seconds, struct deliver_report *told)
{
	struct error ended;

	error_clear(&ended);
	begin_run(d, source, seconds, &ended);
	if (has_session(d))
		run_session(d, told, &ended);
	end_run(d, told);
}
