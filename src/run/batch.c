#include "run/batch.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "world/clock.h"

/* What is done with is on stable storage after so many mails, or so many
 * milliseconds while there are more. */
#define BATCH_BURST    16
#define BATCH_PATIENCE 20

void
batch_begin(struct batch *b, const struct batch_plan *plan)
{
	memset(b, 0, sizeof(*b));
	b->plan = *plan;
	b->terms = (struct attempt_terms){.folder = plan->folder,
	    .account = plan->account,
	    .facts = plan->facts,
	    .log = plan->log,
	    .json = plan->json,
	    .report = &b->report,
	    .failed = plan->failed};
}

/* So many more are done with. */
static void
note_done(struct batch *b, size_t count)
{
	if (b->unsynced == 0)
		b->unsynced_since = clock_now();
	b->unsynced += count;
}

static void
sync_folder(struct batch *b)
{
	folder_sync(b->plan.folder, b->plan.failed);
	b->unsynced = 0;
}

static void
sync_some(struct batch *b)
{
	if (b->unsynced >= BATCH_BURST ||
	    (b->unsynced > 0 &&
		clock_now() - b->unsynced_since >= BATCH_PATIENCE))
		sync_folder(b);
}

void
batch_end(struct batch *b)
{
	if (b->unsynced > 0)
		sync_folder(b);
}

/*
 * A source of mails.
 */

static struct attempt *
find_free(struct batch *b)
{
	size_t i;

	for (i = 0; i < BATCH_ATTEMPTS; i++)
		if (b->attempts[i].terms == NULL)
			return &b->attempts[i];
	return NULL;
}

/* What a session has ended in comes after what only was in it. */
static struct attempt *
find_waiting(struct batch *b)
{
	struct attempt *a, *found = NULL;
	size_t i;

	for (i = 0; i < BATCH_ATTEMPTS; i++) {
		a = &b->attempts[i];
		if (a->waits &&
		    (found == NULL || (found->closed && !a->closed)))
			found = a;
	}
	return found;
}

static bool
begin(struct batch *b, struct attempt *a, const struct batch_mail *mail)
{
	char name[FOLDER_NAME];
	int result;

	spool_name('Q', mail->id, name);
	result = attempt_begin(a, &b->terms, name, mail->due, b->plan.failed);
	note_done(b, result == 0);
	return result == 1;
}

/* Those that come once more are last, as one of them may be what ended their
 * session; but no more are read than may be under way. */
static struct attempt *
next_attempt(struct batch *b)
{
	struct attempt *a = find_free(b);

	while (a != NULL && b->next < b->plan.count &&
	       clock_now() < b->plan.deadline)
		if (begin(b, a, &b->plan.mails[b->next++]))
			return a;
	return find_waiting(b);
}

bool
batch_has_mail(struct batch *b)
{
	b->first = next_attempt(b);
	return b->first != NULL;
}

static struct mail *
next_mail(void *arg)
{
	struct batch *b = arg;
	struct attempt *a;

	sync_some(b);
	a = b->first != NULL ? b->first : next_attempt(b);
	b->first = NULL;
	if (a == NULL)
		return NULL;
	a->waits = false;
	return &a->mail;
}

static unsigned
seconds_of(const struct account *a)
{
	return a->deadline == 0 ? ACCOUNT_DEADLINE : a->deadline;
}

/* All that is left of one user goes behind what is left of others: he may have
 * sent many that end their sessions. */
static void
move_behind(struct batch *b, unsigned uid)
{
	struct batch_mail *mails = b->plan.mails + b->next, *moved;
	const size_t count = b->plan.count - b->next;
	size_t i, kept = 0, behind = 0;

	moved = mem_new(count + 1, sizeof(*moved));
	for (i = 0; i < count; i++)
		if (mails[i].uid == uid)
			moved[behind++] = mails[i];
		else
			mails[kept++] = mails[i];
	memcpy(mails + kept, moved, behind * sizeof(*moved));
	free(moved);
}

/* A server that takes mails has taken the login as well: a token may grow old
 * before the next. */
static void
take_back(void *arg, struct mail *mail)
{
	struct batch *b = arg;
	size_t i = 0;

	while (&b->attempts[i].mail != mail)
		i++;
	if (mail_was_closed_in(mail))
		move_behind(b, b->attempts[i].uid);
	if (mail->settled && !mail->lost)
		outlet_begin(b->plan.outlet);
	b->plan.outlet->deadline = clock_in(seconds_of(b->plan.account));
	note_done(b, !attempt_done(&b->attempts[i]));
	b->report.unverified = false; /* which is told once a session */
}

/*
 * Where none can be sent.
 */

/* Those that were read; one has tried for all, and has its line in the log. */
static void
fail_attempts(struct batch *b, const struct error *cause)
{
	struct attempt *a;
	bool quiet = false;

	while ((a = find_waiting(b)) != NULL) {
		attempt_fail(a, cause, quiet);
		quiet = true;
		note_done(b, 1);
	}
}

/* The others, which have one line together, however many there are. What is not
 * due yet, and was to be tried all the same, is due when it was. */
static void
put_off(struct batch *b, const struct error *cause)
{
	const struct batch_mail *mail;
	size_t waiting = 0, over = 0;
	char name[FOLDER_NAME];
	enum attempt_fate fate;

	for (; b->next < b->plan.count; b->next++) {
		mail = &b->plan.mails[b->next];
		if (mail->due > b->plan.facts->now.seconds)
			continue;
		spool_name('Q', mail->id, name);
		fate = attempt_postpone(&b->terms, name, mail->due, cause);
		waiting += fate == ATTEMPT_WAITS;
		over += fate == ATTEMPT_GIVEN_UP;
		note_done(b, fate != ATTEMPT_WAITS);
		sync_some(b);
	}
	if (waiting > 0)
		log_note(b->plan.log, "account %s: %zu more wait",
		    b->plan.account->name, waiting);
	if (over > 0)
		log_note(b->plan.log,
		    "account %s: %zu more are given up, and kept as F",
		    b->plan.account->name, over);
}

int
batch_send(struct batch *b, struct error *cause)
{
	const struct connection_source source = {next_mail, take_back, b};
	const struct batch_plan *plan = &b->plan;
	const unsigned seconds = seconds_of(plan->account);
	int result;

	plan->outlet->deadline = clock_in(seconds);
	result = outlet_open(plan->outlet, plan->account, plan->facts, cause);
	outlet_begin(plan->outlet);
	if (result == 0)
		result = deliver_run(
		    plan->outlet->deliver, &source, seconds, &b->report, cause);
	if (result == -1) {
		fail_attempts(b, cause);
		put_off(b, cause);
	}
	return result;
}

/* Who is not in a run of his own loses no turn by it. */
static void
leave_attempts(struct batch *b, const struct error *cause)
{
	struct attempt *a;

	while ((a = find_waiting(b)) != NULL) {
		attempt_leave(a, cause);
		note_done(b, 1);
	}
}

void
batch_send_more(struct batch *b)
{
	const struct connection_source source = {next_mail, take_back, b};
	struct error cause;

	error_clear(&cause);
	error_set(&cause, ERROR_LATER, NULL,
	    "the session that it was to go with has ended");
	outlet_begin(b->plan.outlet);
	deliver_more(b->plan.outlet->deliver, &source,
	    seconds_of(b->plan.account), &b->report);
	leave_attempts(b, &cause);
}
