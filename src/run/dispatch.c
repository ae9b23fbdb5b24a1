#include "run/dispatch.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "run/outlet.h"
#include "submit/sender.h"
#include "submit/submit.h"
#include "world/clock.h"
#include "world/result.h"
#include "world/settings.h"

#define UNVERIFIED                                                             \
	"tls-verify no: the server's certificate was not checked, and "        \
	"anybody on the way could read the mail"

/* Recipients who are named in the log one by one. */
#define NOTED_MAX 100

struct dispatch {
	struct dispatch_plan plan;
	struct facts facts;
	const struct account *logged; /* whose log is open, or NULL */

	/* What belongs to the account, and stays for its next mail. */
	const struct account *account;
	struct outlet outlet;
	struct alias_map *aliases;
	bool aliases_read;

	/* What belongs to the mail. */
	struct envelope envelope;
	struct notes notes;
	struct notes steps; /* for a person who looks */
	struct mail mail;
	bool ending; /* the end of its data leaves, and is not answered */
	struct deliver_report report;
};

struct dispatch *
dispatch_new(const struct dispatch_plan *plan)
{
	struct dispatch *d;

	d = mem_new(1, sizeof(*d));
	d->plan = *plan;
	envelope_init(&d->envelope);
	outlet_init(&d->outlet, plan->config, plan->log);
	return d;
}

static void
close_account(struct dispatch *d)
{
	outlet_close(&d->outlet);
	alias_free(d->aliases);
	d->aliases = NULL;
	d->aliases_read = false;
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

static int
choose_account(struct dispatch *d, const struct request *r, struct message *m,
    struct error *e)
{
	const struct account *chosen;
	const char *sender;
	struct buf hint;

	buf_init(&hint, 4096);
	sender_hint(r, m, &hint);
	sender = hint.len == 0 ? NULL : buf_string(&hint);
	chosen = config_choose(d->plan.config, d->plan.account, sender, e);
	if (chosen != NULL)
		log_explain(d->plan.log, "account %s, %s", chosen->name,
		    config_why(
			d->plan.config, chosen, d->plan.account, sender));
	buf_clear(&hint);
	if (chosen == NULL)
		return -1;
	if (chosen == d->account)
		return 0;
	close_account(d);
	d->account = chosen;
	return 0;
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

/* What was done to the body for this server. */
static void
note_remarks(const struct recode_remarks *remarks, struct notes *notes)
{
	if (remarks->body_encoded)
		notes_add(notes, "the body was encoded for this server");
	if (remarks->body_folded)
		notes_add(
		    notes, "body lines over %d octets were folded", LINES_MAX);
	if (remarks->body_replaced)
		notes_add(notes, "8-bit bytes outside the parts' bodies "
				 "became `?'");
	if (remarks->nul_removed)
		notes_add(notes, "NUL bytes were removed from the body");
}

static void
note_ending(void *arg, const struct mail *mail)
{
	struct dispatch *d = arg;
	struct notes notes = {0};

	/* No matter for the log: every program without MIME has it. */
	if (mail->remarks.mime_added)
		notes_add(&notes, "MIME fields were added, for the body");
	note_remarks(&mail->remarks, &notes);
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

int
dispatch_prepare(struct dispatch *d, const struct request *r, struct message *m,
    struct error *e)
{
	const struct submit_aliases aliases = {
	    open_aliases, d, &settings_lists};
	struct submission submission = {.request = r,
	    .facts = &d->facts,
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
	d->mail.envelope = &d->envelope;
	d->mail.message = m;
	d->mail.observer =
	    (struct mail_observer){note_ending, note_answered, d};
	d->mail.all_or_none =
	    r->all_or_none || d->account->recipients_all == SWITCH_YES;
	submission.account = d->account;
	result = submit(&submission, e);
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

int
dispatch_open(struct dispatch *d, struct error *e)
{
	unsigned seconds = d->account->deadline;

	d->outlet.deadline =
	    clock_in(seconds == 0 ? ACCOUNT_DEADLINE : seconds);
	d->plan.log->deadline = d->outlet.deadline;
	open_log(d);
	return outlet_open(&d->outlet, d->account, &d->facts, e);
}

int
dispatch_send(struct dispatch *d, bool last, struct error *e)
{
	d->mail.last = last;
	outlet_begin(&d->outlet);
	return deliver_mail(
	    d->outlet.deliver, &d->mail, d->outlet.deadline, &d->report, e);
}

int
dispatch_mail(struct dispatch *d, const struct request *r, struct message *m,
    bool last, struct error *e)
{
	int result;

	result = dispatch_prepare(d, r, m, e);
	if (result == 0)
		result = dispatch_open(d, e);
	if (result == 0)
		result = dispatch_send(d, last, e);
	dispatch_report(d, m, e);
	return result;
}

/*
 * What is told.
 */

static char *
message_id(struct message *m)
{
	struct message_field *f;
	struct text id;

	f = m == NULL ? NULL : message_find(m, "Message-ID");
	if (f == NULL)
		return NULL;
	id = text_trim(f->field.value);
	return mem_string(id.at, id.len);
}

/* Under cron the log is all there is: who has not got it, and why, where the
 * line of the mail does not say it. */
static void
note_refusals(
    const struct envelope *env, const struct error *e, struct notes *notes)
{
	const bool partial = envelope_count(env, VERDICT_DELIVERED) > 0;
	const struct recipient *r;
	size_t i, noted = 0;

	for (i = 0; i < env->count && noted < NOTED_MAX; i++) {
		r = &env->recipients[i];
		if (r->reply == NULL || r->verdict == VERDICT_DELIVERED ||
		    env->count == 1 || i + 1 == e->recipient ||
		    (!r->own && !partial))
			continue;
		notes_add(
		    notes, "not sent to <%s>: %s", r->path, r->reply->words);
		noted++;
	}
}

void
dispatch_report(struct dispatch *d, struct message *m, const struct error *e)
{
	struct log_mail told = {.envelope = &d->envelope,
	    .smarthost = d->report.smarthost,
	    .tls = d->report.tls,
	    .auth = d->report.auth,
	    .size = m == NULL ? 0 : message_size(m),
	    .code = d->mail.code != 0 ? d->mail.code : e->code,
	    .words = d->mail.code != 0 ? d->mail.words : e->why,
	    .delay_ms = d->report.delay_ms,
	    .status = error_status(e->kind),
	    .error = e};
	char *id;

	open_log(d); /* unless it was, where nothing came as far as that */
	id = message_id(m);
	told.message_id = id;
	note_remarks(&d->mail.remarks, &d->notes);
	if (d->mail.dropped)
		log_remark(d->plan.log, TRANSACTION_DROPPED);
	if (d->report.unverified)
		log_remark(d->plan.log, UNVERIFIED);
	note_refusals(&d->envelope, e, &d->notes);
	log_notes(d->plan.log, &d->notes);
	log_mail(d->plan.log, &told);
	if (d->plan.json)
		result_print(&told);
	free(id);
}

enum error_kind
dispatch_so_far(const struct dispatch *d)
{
	const struct envelope *env = &d->envelope;
	size_t delivered = envelope_count(env, VERDICT_DELIVERED);

	if (delivered > 0)
		return delivered == env->count ? ERROR_NONE : ERROR_REFUSED;
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
