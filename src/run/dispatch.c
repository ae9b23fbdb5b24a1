#include "run/dispatch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "run/enqueue.h"
#include "run/outlet.h"
#include "run/passing.h"
#include "run/telling.h"
#include "submit/sender.h"
#include "submit/submit.h"
#include "world/clock.h"
#include "world/settings.h"

#define SENDER_MAX 4096 /* refused long before */

/* A client waits ten minutes for the answer to the end of its mail (RFC 5321
 * section 4.5.3.2.6), and sends it again then. What is kept is to be known
 * before, in seconds. */
#define CLIENT_PATIENCE 540

struct dispatch {
	struct dispatch_plan plan;
	struct facts facts;
	struct facts sender_facts;    /* the same, of whose mail it is */
	const struct account *logged; /* whose log is open, or NULL */

	/* What belongs to the account, and stays for its next mail. */
	const struct account *account;
	struct outlet outlet;
	struct alias_map *aliases;
	bool aliases_read;
	struct enqueue *enqueue; /* NULL: there is no spool, or it */
	bool spool_opened;	 /* ... was not looked for yet */

	/* What belongs to the mail. */
	struct envelope envelope;
	struct notes notes;
	struct notes steps; /* for a person who looks */
	struct mail mail;
	bool ending; /* the end of its data leaves, and is not answered */
	struct deliver_report report;
	struct passing *passing; /* NULL: nothing that waits goes with it */
	bool prepared;
	enum request_queue queue;	/* as it was asked for */
	char queued[TICKET_ID_MAX + 1]; /* the id that it has in the spool, */
	struct error why;		/* ... why it is there */
};

struct dispatch *
dispatch_new(const struct dispatch_plan *plan)
{
	struct dispatch *d;

	d = mem_new(1, sizeof(*d));
	d->plan = *plan;
	envelope_init(&d->envelope);
	outlet_init(&d->outlet, plan->config, plan->log);
	d->outlet.client = plan->client;
	return d;
}

static void
close_account(struct dispatch *d)
{
	outlet_close(&d->outlet);
	alias_free(d->aliases);
	d->aliases = NULL;
	d->aliases_read = false;
	enqueue_free(d->enqueue);
	d->enqueue = NULL;
	d->spool_opened = false;
	d->account = NULL;
}

void
dispatch_forget(struct dispatch *d)
{
	envelope_clear(&d->envelope);
	envelope_init(&d->envelope);
	notes_clear(&d->notes);
	notes_clear(&d->steps);
	memset(&d->mail, 0, sizeof(d->mail));
	d->ending = false;
	memset(&d->report, 0, sizeof(d->report));
	passing_free(d->passing);
	d->passing = NULL;
	d->prepared = false;
	d->queued[0] = '\0';
	error_clear(&d->why);
	d->plan.log->deadline = CLOCK_NEVER;
}

void
dispatch_free(struct dispatch *d)
{
	if (d == NULL)
		return;
	close_account(d);
	dispatch_forget(d);
	envelope_clear(&d->envelope);
	free(d);
}

/*
 * Account and envelope.
 */

/* Nobody is led to an account by a sender that is not his: where the caller may
 * not have it in the account that it chooses, it is as if there was none. */
static const struct account *
find_account(struct dispatch *d, const char **sender, struct error *e)
{
	const struct account *a;

	a = config_choose(d->plan.config, d->plan.account, *sender, e);
	if (a == NULL || d->plan.caller == NULL || *sender == NULL ||
	    caller_may_send(d->plan.caller, a, text_of(*sender)))
		return a;
	if (config_choose(d->plan.config, d->plan.account, NULL, NULL) ==
	    NULL) {
		caller_check(d->plan.caller, a, text_of(*sender), e);
		return NULL;
	}
	*sender = NULL;
	return config_choose(d->plan.config, d->plan.account, NULL, e);
}

static void
use_account(struct dispatch *d, const struct account *a)
{
	if (a == d->account)
		return;
	close_account(d);
	d->account = a;
}

/* The sender that was named, before `force-from': that takes the place of any,
 * but it lets nobody in of whom nothing is known. */
static int
check_caller(const struct dispatch *d, const struct request *r, struct error *e)
{
	const struct account *a = d->account;
	const struct caller *c = d->plan.caller;
	struct buf named;
	int result;

	if (c == NULL || (c->kind == CALLER_USER && a->force_from != NULL))
		return 0;
	buf_init(&named, SENDER_MAX);
	sender_add_first(text_of(r->reverse_path), &named);
	result = caller_check(c, a, buf_text(&named), e);
	buf_clear(&named);
	return result;
}

static int
choose_account(struct dispatch *d, const struct request *r, struct message *m,
    struct error *e)
{
	const struct account *chosen;
	const char *sender;
	struct buf hint;

	buf_init(&hint, SENDER_MAX);
	sender_hint(r, m, &hint);
	sender = hint.len == 0 ? NULL : buf_string(&hint);
	chosen = find_account(d, &sender, e);
	if (chosen != NULL)
		log_explain(d->plan.log, "account %s, %s", chosen->name,
		    config_why(
			d->plan.config, chosen, d->plan.account, sender));
	buf_clear(&hint);
	if (chosen == NULL)
		return -1;
	use_account(d, chosen);
	return check_caller(d, r, e);
}

int
dispatch_check_sender(
    struct dispatch *d, const struct request *r, struct error *e)
{
	const struct account *a = NULL;
	struct error refusal;
	const char *sender;
	struct buf named;

	error_clear(&refusal);
	buf_init(&named, SENDER_MAX);
	/* Behind the null reverse-path the message has its say. */
	if (sender_add_first(text_of(r->reverse_path), &named)) {
		sender = buf_string(&named);
		a = find_account(d, &sender, &refusal);
	}
	if (a != NULL) {
		use_account(d, a);
		check_caller(d, r, &refusal);
	}
	if (refusal.kind == ERROR_REFUSED) {
		*e = refusal;
		dispatch_forget(d);
		envelope_set_reverse_path(&d->envelope, buf_text(&named), NULL);
		notes_add(&d->notes, "%s", e->hint);
		dispatch_report(d, NULL, e);
	}
	buf_clear(&named);
	return e->kind == ERROR_REFUSED ? -1 : 0;
}

/* Most mails have no local recipient and need no such file. */
static int
open_aliases(void *arg, const struct alias_map **map, struct error *e)
{
	struct dispatch *d = arg;

	if (!d->aliases_read &&
	    settings_read_aliases(d->account, &d->aliases, NULL, e) == -1)
		return -1;
	d->aliases_read = true;
	*map = d->aliases;
	return 0;
}

static void
explain(struct dispatch *d, const struct notes *notes)
{
	size_t i;

	for (i = 0; i < notes->count; i++)
		log_explain(d->plan.log, "%s", notes->lines[i]);
}

static void
note_ending(void *arg, const struct mail *mail)
{
	struct dispatch *d = arg;
	struct notes notes = {0};

	/* No matter for the log: every program without MIME has it. */
	if (mail->remarks.mime_added)
		notes_add(&notes, "MIME fields were added, for the body");
	telling_add_remarks(&mail->remarks, &notes);
	explain(d, &notes);
	notes_clear(&notes);
	d->ending = true;
}

static void
note_answered(void *arg, const struct mail *mail, size_t recipient)
{
	struct dispatch *d = arg;

	(void)mail;
	if (recipient == 0)
		d->ending = false;
}

/* The secret and the spool are our own user's; what stands in the mail is of
 * who has sent it. */
static void
set_sender_facts(struct dispatch *d)
{
	const struct caller *c = d->plan.caller;

	d->sender_facts = d->facts;
	if (c == NULL || c->kind == CALLER_SELF)
		return;
	d->sender_facts.full_name = c->full_name;
	if (c->kind == CALLER_USER)
		d->sender_facts.login = c->login;
}

int
dispatch_prepare(struct dispatch *d, const struct request *r, struct message *m,
    struct error *e)
{
	const struct submit_aliases aliases = {
	    open_aliases, d, &settings_lists};
	struct submission submission = {.request = r,
	    .facts = &d->sender_facts,
	    .caller = d->plan.caller,
	    .aliases = &aliases,
	    .message = m,
	    .envelope = &d->envelope,
	    .notes = &d->notes,
	    .steps = log_is_read(d->plan.log) ? &d->steps : NULL};
	int result;

	dispatch_forget(d);
	if (choose_account(d, r, m, e) == -1 ||
	    host_facts(d->plan.host, &d->facts, e) == -1)
		return -1;
	set_sender_facts(d);
	d->mail.envelope = &d->envelope;
	d->mail.message = m;
	d->mail.observer =
	    (struct mail_observer){note_ending, note_answered, d};
	d->mail.all_or_none =
	    r->all_or_none || d->account->recipients_all == SWITCH_YES;
	d->queue = r->queue;
	submission.account = d->account;
	result = submit(&submission, e);
	d->prepared = result == 0;
	explain(d, &d->steps);
	explain(d, &d->notes);
	return result;
}

/*
 * Delivery.
 */

static void
open_log(struct dispatch *d)
{
	if (d->logged == d->account)
		return;
	d->logged = d->account;
	log_open(d->plan.log, d->account);
}

static void
open_spool(struct dispatch *d)
{
	const struct enqueue_plan plan = {.account = d->account,
	    .caller = d->plan.caller,
	    .facts = &d->facts,
	    .host = d->plan.host,
	    .config = d->plan.config,
	    .settings = d->plan.settings};

	if (d->spool_opened || d->queue == QUEUE_NEVER)
		return;
	d->spool_opened = true;
	d->enqueue = enqueue_new(&plan);
}

static void
open_passing(struct dispatch *d)
{
	const struct passing_plan plan = {.folder = enqueue_folder(d->enqueue),
	    .account = d->account,
	    .facts = &d->facts,
	    .log = d->plan.log,
	    .outlet = &d->outlet};

	if (d->plan.passing && plan.folder != NULL &&
	    d->account->spool_passing != SWITCH_NO)
		d->passing = passing_new(&plan);
}

static void
set_deadline(struct dispatch *d, unsigned seconds)
{
	d->outlet.deadline = clock_in(seconds);
	d->plan.log->deadline = d->outlet.deadline;
}

int
dispatch_open(struct dispatch *d, struct error *e)
{
	unsigned seconds = d->account->deadline;

	if (seconds == 0)
		seconds = ACCOUNT_DEADLINE;
	set_deadline(d, seconds);
	open_log(d);
	open_spool(d);
	if (d->plan.client != NULL && seconds > CLIENT_PATIENCE &&
	    enqueue_folder(d->enqueue) != NULL)
		set_deadline(d, CLIENT_PATIENCE);
	if (d->queue == QUEUE_ONLY ||
	    (d->queue == QUEUE_FIRST && enqueue_folder(d->enqueue) != NULL))
		return 1;
	open_passing(d);
	return outlet_open(&d->outlet, d->account, &d->facts, e);
}

int
dispatch_send(struct dispatch *d, bool last, struct error *e)
{
	d->mail.last = last && d->passing == NULL;
	outlet_begin(&d->outlet);
	return deliver_mail(
	    d->outlet.deliver, &d->mail, d->outlet.deadline, &d->report, e);
}

/*
 * What is left for later.
 */

/* A word on standard error passes for a failure, but where a person looks. */
static void
tell_kept(struct dispatch *d)
{
	char words[sizeof(struct error_line) + 200];

	snprintf(words, sizeof(words),
	    "the mail is kept in the spool as %s%s%s", d->queued,
	    d->why.kind == ERROR_NONE ? "" : ": ", error_line(&d->why).words);
	if (log_is_read(d->plan.log))
		log_explain(d->plan.log, "%s", words);
	else
		log_tell_person(d->plan.log, words);
}

void
dispatch_keep(struct dispatch *d, struct error *e)
{
	char id[TICKET_ID_MAX + 1];
	struct error why;

	if (!d->prepared)
		return;
	open_spool(d);
	if (d->enqueue == NULL && d->queue == QUEUE_ONLY)
		enqueue_refuse(e);
	switch (enqueue_mail(d->enqueue, &d->mail, id, &why, e)) {
	case ENQUEUE_KEPT:
		d->why = why;
		memcpy(d->queued, id, sizeof(d->queued));
		tell_kept(d);
		break;
	case ENQUEUE_COPIED:
		notes_add(&d->notes, "a copy is in the spool as %s", id);
		break;
	case ENQUEUE_NOTHING:
		if (why.kind != ERROR_NONE)
			notes_add(&d->notes, "no copy is kept: %s",
			    error_line(&why).words);
		break;
	}
}

void
dispatch_pass(struct dispatch *d)
{
	if (d->passing != NULL && d->mail.settled &&
	    d->mail.error.kind == ERROR_NONE)
		passing_send(d->passing);
}

const char *
dispatch_queued(const struct dispatch *d)
{
	return d->queued;
}

int
dispatch_mail(struct dispatch *d, const struct request *r, struct message *m,
    bool last, struct error *e)
{
	if (dispatch_prepare(d, r, m, e) == 0) {
		if (dispatch_open(d, e) == 0)
			dispatch_send(d, last, e);
		dispatch_keep(d, e);
	}
	dispatch_report(d, m, e);
	return e->kind == ERROR_NONE ? 0 : -1;
}

/*
 * What is told.
 */

void
dispatch_report(struct dispatch *d, struct message *m, const struct error *e)
{
	static const struct caller self = {.kind = CALLER_SELF};
	const struct caller_word uid =
	    caller_word(d->plan.caller == NULL ? &self : d->plan.caller);
	const struct telling told = {
	    .account = d->account == NULL ? NULL : d->account->name,
	    .envelope = &d->envelope,
	    .message = m,
	    .mail = &d->mail,
	    .report = &d->report,
	    .delay_ms = d->report.delay_ms,
	    .status = error_status(e->kind),
	    .queued = d->queued,
	    .uid = uid.words,
	    .cause = d->queued[0] == '\0' ? e : &d->why,
	    .json = d->plan.json};

	open_log(d); /* unless it was, where nothing came as far as that */
	telling_log(&told, &d->notes, d->plan.log);
}

enum error_kind
dispatch_so_far(const struct dispatch *d)
{
	const struct envelope *env = &d->envelope;
	size_t taken = envelope_count(env, VERDICT_DELIVERED) +
		       envelope_count(env, VERDICT_QUEUED);

	if (taken > 0)
		return taken == env->count ? ERROR_NONE : ERROR_REFUSED;
	if ((d->ending && !d->mail.settled) ||
	    envelope_count(env, VERDICT_DOUBTFUL) > 0)
		return ERROR_DOUBTFUL;
	return ERROR_SYSTEM;
}

const struct account *
dispatch_account(const struct dispatch *d)
{
	return d->account;
}

const struct envelope *
dispatch_envelope(const struct dispatch *d)
{
	return &d->envelope;
}

const struct mail *
dispatch_settled(const struct dispatch *d)
{
	return &d->mail;
}
