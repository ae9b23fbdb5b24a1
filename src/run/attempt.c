#include "run/attempt.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypt.h"
#include "base/mem.h"
#include "run/telling.h"
#include "smtp/outcome.h"
#include "submit/backoff.h"
#include "submit/journal.h"
#include "submit/report.h"
#include "world/clock.h"
#include "world/host.h"

/* Sessions of which none delivered the mail to anybody. */
#define ATTEMPT_TRIES 2

/* Who looks after so long a time has a clock that jumped, or was switched off:
 * the mail was not tried all the while. */
#define ATTEMPT_GAP (24 * 3600LL)

static struct error *
failed(const struct attempt *a)
{
	return a->terms->failed;
}

static void
end(struct attempt *a)
{
	spooled_clear(&a->spooled);
	free(a->noted);
	memset(a, 0, sizeof(*a));
}

/*
 * Records.
 */

/* Where it cannot be written the mail goes on: there is nothing better. What is
 * said of recipients is tried once more at the end. */
static int
append(struct attempt *a, struct buf *records)
{
	int result = 0;

	if (records->len > 0)
		result =
		    spooled_append(&a->spooled, buf_text(records), failed(a));
	buf_clear(records);
	return result;
}

/* Whether what is said of him is final. */
static bool
is_settled(const struct attempt *a, const struct recipient *r)
{
	return r->verdict == VERDICT_DELIVERED ||
	       (r->verdict == VERDICT_REFUSED &&
		   (r->own || !r->handed_over || !a->mail.lost));
}

static bool
is_news(const struct attempt *a, size_t i)
{
	const struct recipient *r = &a->spooled.ticket.envelope.recipients[i];

	return is_settled(a, r) && a->noted[i] != r->verdict;
}

static bool
same_reply(const struct recipient *a, const struct recipient *b)
{
	if (a->reply == NULL || b->reply == NULL)
		return a->reply == b->reply;
	return strcmp(a->reply->words, b->reply->words) == 0;
}

/* Those who have it are one record, and those who were refused alike, of whom
 * the first is at *next. */
static size_t
list_news(struct attempt *a, enum verdict verdict, size_t *next, size_t *list)
{
	const struct envelope *env = &a->spooled.ticket.envelope;
	const struct recipient *r;
	size_t i, found = 0;

	for (i = *next; i < env->count; i++) {
		r = &env->recipients[i];
		if (r->verdict != verdict || !is_news(a, i))
			continue;
		if (found > 0 && verdict == VERDICT_REFUSED &&
		    !same_reply(r, &env->recipients[list[0]]))
			break;
		list[found++] = i;
	}
	*next = i;
	return found;
}

static void
note_alike(struct attempt *a, const size_t *list, size_t count)
{
	const struct ticket *t = &a->spooled.ticket;
	const struct recipient *first = &t->envelope.recipients[list[0]];
	struct buf record;
	size_t i;

	buf_init(&record, SIZE_MAX / 2);
	journal_format_result(t, list, count, (enum verdict)first->verdict,
	    first->reply, &record);
	if (append(a, &record) == -1)
		return;
	for (i = 0; i < count; i++)
		a->noted[list[i]] = first->verdict;
}

static void
note_all(struct attempt *a, enum verdict verdict, size_t *list)
{
	size_t found, next = 0;

	while ((found = list_news(a, verdict, &next, list)) > 0)
		note_alike(a, list, found);
}

static void
note_results(struct attempt *a)
{
	const size_t count = a->spooled.ticket.envelope.count;
	size_t *list, i = 0;

	while (i < count && !is_news(a, i))
		i++;
	if (i == count)
		return;
	list = mem_new(count, sizeof(*list));
	note_all(a, VERDICT_DELIVERED, list);
	note_all(a, VERDICT_REFUSED, list);
	free(list);
}

static void
note_ending(void *arg, const struct mail *mail)
{
	struct attempt *a = arg;
	struct buf record;

	(void)mail;
	buf_init(&record, TICKET_BLOCK);
	journal_format_attempt(&a->spooled.ticket, host_now().seconds, &record);
	append(a, &record);
}

static void
note_answered(void *arg, const struct mail *mail, size_t recipient)
{
	struct attempt *a = arg;
	const size_t index = recipient - 1;

	(void)mail;
	if (recipient == 0)
		note_results(a);
	else if (is_news(a, index))
		note_alike(a, &index, 1);
}

static const struct recipient_reply *
find_reply(const struct envelope *env, enum verdict verdict)
{
	size_t i = 0;

	while (i < env->count && (env->recipients[i].verdict != verdict ||
				     env->recipients[i].reply == NULL))
		i++;
	return i < env->count ? env->recipients[i].reply : NULL;
}

/* Why it was not delivered: of several recipients one who may yet have it. */
static void
note_failure(struct attempt *a, bool doubtful, const struct error *e)
{
	const struct envelope *env = &a->spooled.ticket.envelope;
	const struct recipient_reply *reply = find_reply(env, VERDICT_OPEN);
	struct buf record;

	if (reply == NULL)
		reply = find_reply(env, VERDICT_REFUSED);
	buf_init(&record, TICKET_BLOCK);
	journal_format_later(&a->spooled.ticket, doubtful,
	    reply == NULL ? e->code : reply->code,
	    reply == NULL ? error_reason(e).words : reply->words, &record);
	append(a, &record);
}

/*
 * What becomes of it.
 */

static unsigned char
chance(void)
{
	unsigned char octet = 0;

	crypt_random(&octet, 1, NULL);
	return octet;
}

static void
set_due(struct attempt *a, long long due)
{
	folder_set_due(a->terms->folder, &a->spooled.file, due, failed(a));
}

/* refused: it was, for now, and not the session. */
static void
keep(struct attempt *a, bool refused)
{
	const struct backoff backoff = backoff_by(a->terms->account);

	folder_sync_file(a->terms->folder, &a->spooled.file, failed(a));
	set_due(a, backoff_next(&backoff, a->spooled.ticket.created,
		       host_now().seconds, refused, chance()));
}

/* A spool that is full is no reason to say nothing. */
static int
keep_report(struct attempt *a, struct ticket *report, struct message *m)
{
	struct account account = *a->terms->account;
	struct spool_mail mail = {.account = &account,
	    .envelope = &report->envelope,
	    .message = m,
	    .id = report->id,
	    .created = report->created,
	    .due = report->created};
	char id[TICKET_ID_MAX + 1];

	account.spool_limit = (struct spool_limit){ULLONG_MAX, ULLONG_MAX};
	return spool_keep(a->terms->folder, &mail, id, failed(a));
}

/* One a mail, on stable storage before it is an F. -1: it is not. */
static int
report(struct attempt *a)
{
	const struct account *account = a->terms->account;
	const char *remote = a->report->smarthost;
	const struct report_terms terms = {.wanted = account->spool_report,
	    .host = a->terms->facts->host,
	    .remote = remote[0] == '\0' ? NULL : remote,
	    .now = host_now(),
	    .lifetime = backoff_lifetime(account)};
	struct ticket *t = &a->spooled.ticket, ticket;
	struct message *m;
	struct buf record;
	int result;

	if (t->reports > 0 || !report_is_due(t, terms.wanted))
		return 0;
	/* Who is told that it has failed must not get it after a crash. */
	if (folder_sync_file(a->terms->folder, &a->spooled.file, failed(a)) ==
	    -1)
		return -1;
	ticket_init(&ticket);
	result =
	    report_make(t, a->spooled.message, &terms, &ticket, &m, failed(a));
	if (result == 0)
		result = keep_report(a, &ticket, m);
	message_free(m);
	ticket_clear(&ticket);
	if (result == -1)
		return -1;
	buf_init(&record, TICKET_BLOCK);
	journal_format_told(t, t->reports + 1, &record);
	append(a, &record);
	return 0;
}

/* Its time, from which it is kept a while, is when it failed. */
static void
give_up(struct attempt *a)
{
	if (report(a) == -1) {
		keep(a, true);
		return;
	}
	folder_sync_file(a->terms->folder, &a->spooled.file, failed(a));
	set_due(a, host_now().seconds);
	spooled_rename(&a->spooled, 'F', failed(a));
}

/* Who was refused is why the others do not get it either. */
static bool
is_all_or_none(const struct ticket *t)
{
	const struct envelope *env = &t->envelope;

	return t->all_or_none && envelope_count(env, VERDICT_REFUSED) > 0 &&
	       envelope_count(env, VERDICT_DELIVERED) == 0;
}

static bool
is_open(const struct ticket *t)
{
	return envelope_count(&t->envelope, VERDICT_OPEN) > 0 &&
	       !is_all_or_none(t);
}

static bool
is_told(const struct ticket *t)
{
	size_t i = 0;

	while (i < t->envelope.count &&
	       (t->envelope.recipients[i].verdict != VERDICT_REFUSED ||
		   ticket_is_told(t, i)))
		i++;
	return i == t->envelope.count;
}

/* Who has no final word is open. */
static size_t
reopen(struct attempt *a)
{
	struct envelope *env = &a->spooled.ticket.envelope;
	size_t i, open = 0;

	for (i = 0; i < env->count; i++) {
		if (is_settled(a, &env->recipients[i]))
			continue;
		env->recipients[i].verdict = VERDICT_OPEN;
		open++;
	}
	return open;
}

/* tried: in this run, or by one that was enough for all. */
static bool
is_over(const struct ticket *t, bool tried)
{
	return backoff_is_over(
	    t->created, t->expires, host_now().seconds, tried);
}

/* Nobody was asked of this mail, but of one before it, and it had been tried
 * as often as it should. */
static bool
is_tried_enough(long long due)
{
	return host_now().seconds - due < ATTEMPT_GAP;
}

/* True: it is given up. */
static bool
settle(struct attempt *a, bool tried, const struct error *e)
{
	struct ticket *t = &a->spooled.ticket;
	const bool doubtful =
	    envelope_count(&t->envelope, VERDICT_DOUBTFUL) > 0;
	size_t open = reopen(a);
	const bool none = is_all_or_none(t);

	note_results(a);
	if (none)
		open = 0;
	/* Who was refused has not got it: that is in doubt no more. */
	if (open > 0 || (t->doubtful && !is_told(t)))
		note_failure(a, doubtful, e);
	/* What a report is about is kept, though a run died before its F. */
	if (open == 0 && !none && t->reports == 0 && is_told(t)) {
		folder_unlink(a->terms->folder, &a->spooled.file, failed(a));
	} else if (open == 0 || is_over(t, tried)) {
		give_up(a);
		return true;
	} else {
		keep(a, a->mail.settled && !a->mail.lost);
	}
	return false;
}

/*
 * The log.
 */

/* A mail that waits is no failure yet. */
static void
tell(const struct attempt *a, const struct error *e, bool given_up)
{
	const struct telling told = {.account = a->terms->account->name,
	    .envelope = &a->spooled.ticket.envelope,
	    .message = a->spooled.message,
	    .mail = &a->mail,
	    .report = a->report,
	    .delay_ms = clock_now() - a->begun,
	    .status = given_up ? error_status(e->kind) : 0,
	    .queued = a->spooled.ticket.id,
	    .cause = e,
	    .json = a->terms->json};
	struct notes notes = {0};

	if (given_up)
		notes_add(&notes, "the mail %s is given up, and kept as F%s",
		    told.queued, told.queued);
	telling_log(&told, &notes, a->terms->log);
	notes_clear(&notes);
}

/*
 * From its file to its end.
 */

static void
over(struct attempt *a, bool tried, const struct error *e, bool quiet)
{
	const struct error error = *e;
	const bool given_up = settle(a, tried, &error);

	if (!quiet)
		tell(a, &error, given_up);
	end(a);
}

static void
prepare(struct attempt *a)
{
	struct ticket *t = &a->spooled.ticket;
	size_t i;

	t->envelope.wishes = ticket_wishes(t, host_now().seconds);
	a->noted = mem_new(t->envelope.count, 1);
	for (i = 0; i < t->envelope.count; i++)
		a->noted[i] = t->envelope.recipients[i].verdict;
	a->mail = (struct mail){.envelope = &t->envelope,
	    .message = a->spooled.message,
	    .all_or_none = t->all_or_none,
	    .observer = {note_ending, note_answered, a}};
	a->delivered = envelope_count(&t->envelope, VERDICT_DELIVERED);
	a->begun = clock_now();
	a->waits = true;
	a->uid = a->spooled.ticket.uid;
}

/* What is not what was written is never sent. */
static int
distrust(struct attempt *a, struct error *why, struct error *e)
{
	int result = 0;

	if (!a->spooled.damaged) {
		*e = *why;
		result = -1;
	} else if (spooled_rename(&a->spooled, 'X', failed(a)) == 0) {
		log_note(a->terms->log, "%s; kept as %s", why->text,
		    a->spooled.file.name);
	}
	end(a);
	return result;
}

/* Whether nobody else has tried it since it was looked at. */
static bool
is_as_it_was(const struct attempt_terms *terms, const char *name, long long due)
{
	struct folder_entry entry;

	return folder_look(terms->folder, name, &entry) == 0 &&
	       entry.due == due;
}

/* A run that was cut short has noted what became of each: it is told by this
 * one, which has asked nobody. */
static void
conclude(struct attempt *a)
{
	static const struct deliver_report nobody = {.smarthost = ""};
	struct envelope *env = &a->spooled.ticket.envelope;
	struct error why;

	error_clear(&why);
	if (envelope_count(env, VERDICT_REFUSED) > 0 &&
	    find_reply(env, VERDICT_REFUSED) == NULL)
		error_set(&why, ERROR_REFUSED, NULL, "the mail was refused");
	outcome_settle(
	    env, a->spooled.ticket.all_or_none, "the smarthost", &why);
	a->report = &nobody;
	over(a, true, &why, false);
}

int
attempt_begin(struct attempt *a, const struct attempt_terms *terms,
    const char *name, long long due, struct error *e)
{
	struct error why;
	int found;

	error_clear(&why);
	a->terms = terms;
	a->report = terms->report;
	a->due = due;
	found = spooled_read(
	    terms->folder, name, SPOOLED_MESSAGE, &a->spooled, &why);
	if (found == -1)
		return distrust(a, &why, e);
	if (found == 0 || !is_as_it_was(terms, name, due) ||
	    strcmp(a->spooled.ticket.account, terms->account->name) != 0) {
		end(a);
		return 0;
	}
	prepare(a);
	if (is_open(&a->spooled.ticket))
		return 1;
	conclude(a);
	return 0;
}

bool
attempt_done(struct attempt *a)
{
	struct mail *m = &a->mail;
	size_t delivered = envelope_count(m->envelope, VERDICT_DELIVERED);

	a->closed = mail_was_closed_in(m);
	a->tries = delivered > a->delivered ? 0 : a->tries + 1;
	a->delivered = delivered;
	a->waits = (!m->settled || m->lost || m->again) &&
		   envelope_count(m->envelope, VERDICT_DOUBTFUL) == 0 &&
		   a->tries < ATTEMPT_TRIES;
	if (a->waits)
		mail_reopen(m);
	else
		over(a, true, &m->error, false);
	return a->waits;
}

void
attempt_fail(struct attempt *a, const struct error *cause, bool quiet)
{
	over(a, is_tried_enough(a->due), cause, quiet);
}

void
attempt_leave(struct attempt *a, const struct error *cause)
{
	if (a->spooled.ticket.underway ||
	    envelope_count(a->mail.envelope, VERDICT_OPEN) == 0)
		over(a, false, cause, false);
	else
		end(a);
}

/* Its file is ours. False: its time is over. */
static bool
put_off(const struct attempt_terms *terms, struct spooled *s, long long due)
{
	const struct backoff backoff = backoff_by(terms->account);

	if (is_over(&s->ticket, is_tried_enough(due)))
		return false;
	folder_set_due(terms->folder, &s->file,
	    backoff_next(&backoff, s->ticket.created, host_now().seconds, false,
		chance()),
	    terms->failed);
	return true;
}

enum attempt_fate
attempt_postpone(const struct attempt_terms *terms, const char *name,
    long long due, const struct error *cause)
{
	struct attempt a = {.waits = false};
	struct spooled s;
	bool found, waits;

	found = spooled_read(terms->folder, name, 0, &s, NULL) == 1 &&
		is_as_it_was(terms, name, due);
	waits = found && is_open(&s.ticket) && put_off(terms, &s, due);
	spooled_clear(&s);
	if (waits)
		return ATTEMPT_WAITS;
	if (!found || attempt_begin(&a, terms, name, due, terms->failed) != 1)
		return ATTEMPT_OVER;
	attempt_fail(&a, cause, true);
	return ATTEMPT_GIVEN_UP;
}
