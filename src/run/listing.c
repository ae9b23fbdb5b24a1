#include "run/listing.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "message/address.h"
#include "submit/backoff.h"

static const struct {
	const char *word;
	char mark; /* behind the id */
} states[] = {
    [QUEUE_WAITING] = {"waiting", ' '},
    [QUEUE_HELD] = {"held", '!'},
    [QUEUE_FAILED] = {"failed", '#'},
    [QUEUE_DAMAGED] = {"damaged", '?'},
};

/*
 * Values.
 */

/* "90s", "15m", "3h", "2d", and never less than is over. */
struct span {
	char words[24];
};

static struct span
span_of(long long seconds)
{
	static const struct {
		char unit;
		int seconds;
	} units[] = {{'d', 86400}, {'h', 3600}, {'m', 60}};
	struct span span;
	size_t i;

	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (seconds >= 2 * units[i].seconds)
			break;
	if (i == sizeof(units) / sizeof(units[0]))
		snprintf(span.words, sizeof(span.words), "%llds", seconds);
	else
		snprintf(span.words, sizeof(span.words), "%lld%c",
		    seconds / units[i].seconds, units[i].unit);
	return span;
}

static bool
has_head(const struct queue_mail *m)
{
	return m->file.layout.trailer_at != 0;
}

/* A clock that went back makes nothing younger than new. */
static long long
age_of(const struct queue_mail *m, const struct listing_terms *t)
{
	const long long age = t->now.seconds - m->file.ticket.created;

	return age < 0 ? 0 : age;
}

/* When it is tried next; 0: now. */
static long long
next_of(const struct queue_mail *m, const struct listing_terms *t)
{
	const struct backoff b = backoff_by(m->account);

	return backoff_is_due(
		   &b, m->file.ticket.created, m->due, t->now.seconds)
		   ? 0
		   : m->due;
}

static bool
is_stranded(const struct queue_mail *m)
{
	return m->account == NULL && m->spool->complete && has_head(m);
}

static unsigned long long
limit_of(const struct queue_mail *m, const struct listing_terms *t)
{
	const long long half =
	    (m->file.ticket.expires - m->file.ticket.created) / 2;
	const long long longest = 2 * (long long)backoff_by(m->account).longest;
	const long long least = half < longest ? half : longest;

	if (t->age != 0)
		return t->age;
	return least < 0 ? 0 : (unsigned long long)least;
}

static bool
is_late(const struct queue_mail *m, const struct listing_terms *t)
{
	return m->state == QUEUE_WAITING &&
	       (unsigned long long)age_of(m, t) > limit_of(m, t);
}

void
listing_count(const struct queue_mail *m, const struct listing_terms *t,
    struct listing_sum *sum)
{
	const long long age = age_of(m, t);

	sum->octets += m->size;
	switch (m->state) {
	case QUEUE_WAITING:
		sum->waiting++;
		sum->late += is_late(m, t);
		sum->stranded += is_stranded(m);
		if (age > sum->oldest)
			sum->oldest = age;
		break;
	case QUEUE_HELD:
		sum->held++;
		break;
	case QUEUE_FAILED:
		sum->failed++;
		break;
	case QUEUE_DAMAGED:
		sum->damaged++;
		break;
	}
}

/*
 * The table.
 */

static void
add_visible(struct buf *out, const char *words)
{
	const size_t size = 4 * strlen(words) + 1;
	char *shown = mem_new(size, 1);

	buf_add_string(out, text_visible(text_of(words), shown, size));
	free(shown);
}

/* "Sun Nov 22 23:03:34", of "Sun, 22 Nov 2026 23:03:34 +0000". */
static void
format_time(long long seconds, const struct listing_terms *t, struct buf *out)
{
	struct text words[5] = {{NULL, 0}}, rest;
	struct buf date;
	size_t i;

	buf_init(&date, 64);
	date_format((struct date){seconds, t->now.offset_minutes}, &date);
	rest = buf_text(&date);
	for (i = 0; i < 5 && text_next(&rest, ", ", &words[i]); i++)
		continue;
	buf_format(out, "%.*s %.*s %.*s %.*s", TEXT_ARG(words[0]),
	    TEXT_ARG(words[2]), TEXT_ARG(words[1]), TEXT_ARG(words[4]));
	buf_clear(&date);
}

void
listing_format_begin(struct buf *out)
{
	buf_format(out, "%-*s --Size-- ---Arrival Time--- %s\n", TICKET_ID + 1,
	    "-Queue ID-", "-Sender/Recipient-------");
}

static void
format_first(
    const struct queue_mail *m, const struct listing_terms *t, struct buf *out)
{
	const char *sender = m->file.ticket.envelope.reverse_path;

	buf_format(out, "%-*s%c %8llu ", TICKET_ID, m->id,
	    states[m->state].mark, m->size);
	if (!has_head(m)) {
		buf_add_string(out, "-\n");
		return;
	}
	format_time(m->file.ticket.created, t, out);
	buf_add_string(out, "  ");
	add_visible(out, sender[0] == '\0' ? "MAILER-DAEMON" : sender);
	buf_add_char(out, '\n');
}

static void
format_attempts(const struct ticket *t, struct buf *out)
{
	buf_format(
	    out, ", %u attempt%s", t->attempts, t->attempts == 1 ? "" : "s");
	if (t->doubtful)
		buf_add_string(out, ", may have been delivered");
}

static void
format_next(
    const struct queue_mail *m, const struct listing_terms *t, struct buf *out)
{
	const long long next = next_of(m, t);

	if (is_stranded(m)) {
		buf_add_string(out, ", waits for account `");
		add_visible(out, m->file.ticket.account);
		buf_add_string(out, "', which is not in the configuration");
	} else if (m->state == QUEUE_WAITING && next == 0) {
		buf_add_string(out, ", due now");
	} else if (m->state == QUEUE_WAITING) {
		buf_format(
		    out, ", next in %s", span_of(next - t->now.seconds).words);
	}
}

/* The last error, or else why it is damaged. */
static void
format_words(const struct queue_mail *m, struct buf *out)
{
	const struct ticket *t = &m->file.ticket;

	if (m->state == QUEUE_DAMAGED || t->words[0] != '\0')
		buf_add_string(out, ": ");
	if (m->state == QUEUE_DAMAGED) {
		add_visible(out, m->error.text);
		return;
	}
	/* Of a reply the words mostly begin with it. */
	if (t->code != 0 && t->words[0] != '\0' &&
	    strtol(t->words, NULL, 10) != t->code)
		buf_format(out, "%d ", t->code);
	add_visible(out, t->words);
}

static void
format_state(
    const struct queue_mail *m, const struct listing_terms *t, struct buf *out)
{
	if (has_head(m)) {
		buf_format(out, "%s old", span_of(age_of(m, t)).words);
		format_attempts(&m->file.ticket, out);
		format_next(m, t, out);
	} else {
		buf_add_string(out, "never sent");
	}
	format_words(m, out);
}

static bool
is_refused(const struct recipient *r)
{
	return r->verdict == VERDICT_REFUSED;
}

/* Who still waits for it; of a mail that has failed also who was refused. */
static bool
is_listed(const struct queue_mail *m, const struct recipient *r)
{
	return r->verdict == VERDICT_OPEN ||
	       (m->state == QUEUE_FAILED && is_refused(r));
}

static void
format_recipient(const struct recipient *r, struct buf *out)
{
	buf_format(out, "%41s", "");
	add_visible(out, r->path);
	if (is_refused(r) && r->reply != NULL) {
		buf_add_string(out, " (");
		add_visible(out, r->reply->words);
		buf_add_char(out, ')');
	}
	buf_add_char(out, '\n');
}

void
listing_format(
    const struct queue_mail *m, const struct listing_terms *t, struct buf *out)
{
	const struct envelope *env = &m->file.ticket.envelope;
	size_t i;

	format_first(m, t, out);
	buf_add_char(out, '(');
	if (m->state != QUEUE_WAITING)
		buf_format(out, "%s; ", states[m->state].word);
	format_state(m, t, out);
	buf_add_string(out, ")\n");
	for (i = 0; i < env->count; i++)
		if (is_listed(m, &env->recipients[i]))
			format_recipient(&env->recipients[i], out);
	buf_add_char(out, '\n');
}

static size_t
count_of(const struct listing_sum *sum)
{
	return sum->waiting + sum->held + sum->failed + sum->damaged;
}

void
listing_format_end(const struct listing_sum *sum, struct buf *out)
{
	const size_t count = count_of(sum);

	if (count == 0)
		buf_add_string(out, "Mail queue is empty\n");
	else
		buf_format(out, "-- %llu Kbytes in %zu Request%s.\n",
		    (sum->octets + 1023) / 1024, count, count == 1 ? "" : "s");
}

/*
 * One mail, all of it.
 */

static void
format_line(const char *word, const char *value, struct buf *out)
{
	buf_format(out, "%s: ", word);
	add_visible(out, value);
	buf_add_char(out, '\n');
}

static void
format_moment(const char *word, long long seconds,
    const struct listing_terms *t, struct buf *out)
{
	buf_format(out, "%s: ", word);
	date_format((struct date){seconds, t->now.offset_minutes}, out);
	buf_add_char(out, '\n');
}

/* As parameters of MAIL. */
static void
format_sender(const struct envelope *env, struct buf *out)
{
	buf_add_string(out, "from: <");
	add_visible(out, env->reverse_path);
	buf_add_char(out, '>');
	if (env->body == BODY_8BITMIME)
		buf_add_string(out, " BODY=8BITMIME");
	if (env->smtputf8)
		buf_add_string(out, " SMTPUTF8");
	if (env->requiretls)
		buf_add_string(out, " REQUIRETLS");
	if (env->ret != RET_NONE) {
		buf_add_string(out, " RET=");
		dsn_format_ret(env->ret, out);
	}
	if (env->envid != NULL) {
		buf_add_string(out, " ENVID=");
		add_visible(out, env->envid);
	}
	wishes_format(&env->wishes, out);
	buf_add_char(out, '\n');
}

/* Behind those of RCPT stands what became of it. */
static void
format_fate(const struct recipient *r, struct buf *out)
{
	buf_add_string(out, "to: <");
	add_visible(out, r->path);
	buf_add_char(out, '>');
	if (r->notify != 0) {
		buf_add_string(out, " NOTIFY=");
		dsn_format_notify(r->notify, out);
	}
	if (r->orcpt != NULL) {
		buf_add_string(out, " ORCPT=");
		add_visible(out, r->orcpt);
	}
	buf_format(out, ": %s", envelope_verdict_word(r->verdict));
	if (r->reply != NULL) {
		buf_add_string(out, ": ");
		add_visible(out, r->reply->words);
	}
	buf_add_char(out, '\n');
}

static void
format_ticket(
    const struct queue_mail *m, const struct listing_terms *t, struct buf *out)
{
	const struct ticket *ticket = &m->file.ticket;
	size_t i;

	format_line("account", ticket->account, out);
	format_moment("created", ticket->created, t, out);
	format_moment("expires", ticket->expires, t, out);
	format_sender(&ticket->envelope, out);
	for (i = 0; i < ticket->envelope.count; i++)
		format_fate(&ticket->envelope.recipients[i], out);
}

void
listing_format_whole(const struct queue_mail *m, const struct listing_terms *t,
    struct text journal, struct buf *out)
{
	char shown[4 * 1000];
	struct text line;

	format_line("id", m->id, out);
	format_line("spool", m->spool->path, out);
	buf_format(out, "state: %s; ", states[m->state].word);
	format_state(m, t, out);
	buf_add_char(out, '\n');
	if (has_head(m))
		format_ticket(m, t, out);
	while (text_next_line(&journal, &line))
		buf_format(out, "journal: %s\n",
		    text_visible(line, shown, sizeof(shown)));
}

/*
 * JSON.
 */

static void
add_reply(const struct recipient *r, struct json *j)
{
	json_add_string(j, "state",
	    r->verdict == VERDICT_DELIVERED ? "delivered"
	    : is_refused(r)		    ? "refused"
					    : "open");
	json_add_string(j, "reply", r->reply == NULL ? NULL : r->reply->words);
}

static void
add_recipients(const struct envelope *env, struct json *j)
{
	size_t i;

	json_add_array(j, "recipients");
	for (i = 0; i < env->count; i++) {
		json_add_object(j, NULL);
		json_add_string(j, "address", env->recipients[i].path);
		add_reply(&env->recipients[i], j);
		json_end_object(j);
	}
	json_end_array(j);
}

static void
add_next(
    const struct queue_mail *m, const struct listing_terms *t, struct json *j)
{
	const long long next = next_of(m, t);

	if (m->state != QUEUE_WAITING || is_stranded(m))
		json_add_null(j, "next");
	else
		json_add_number(j, "next", next == 0 ? t->now.seconds : next);
}

static void
add_ticket(
    const struct queue_mail *m, const struct listing_terms *t, struct json *j)
{
	const struct ticket *ticket = &m->file.ticket;
	const char *words = ticket->words;

	json_add_string(j, "account", ticket->account);
	if (m->account == NULL && !m->spool->complete)
		json_add_null(j, "account_missing");
	else
		json_add_truth(j, "account_missing", is_stranded(m));
	json_add_number(j, "created", ticket->created);
	json_add_number(j, "age", age_of(m, t));
	json_add_number(j, "expires", ticket->expires);
	add_next(m, t, j);
	json_add_truth(j, "late", is_late(m, t));
	json_add_number(j, "attempts", ticket->attempts);
	json_add_truth(j, "doubtful", ticket->doubtful);
	json_add_number(j, "code", ticket->code);
	json_add_string(j, "error", words[0] == '\0' ? NULL : words);
	json_add_string(j, "sender", ticket->envelope.reverse_path);
	add_recipients(&ticket->envelope, j);
}

void
listing_add_json(
    const struct queue_mail *m, const struct listing_terms *t, struct json *j)
{
	json_add_string(j, "id", m->id);
	json_add_string(j, "state", states[m->state].word);
	json_add_string(j, "spool", m->spool->path);
	json_add_number(j, "size", (long long)m->size);
	json_add_string(
	    j, "damage", m->state == QUEUE_DAMAGED ? m->error.text : NULL);
	if (has_head(m))
		add_ticket(m, t, j);
}

void
listing_add_sum(const struct listing_sum *sum, struct json *j)
{
	json_add_number(j, "waiting", (long long)sum->waiting);
	json_add_number(j, "held", (long long)sum->held);
	json_add_number(j, "failed", (long long)sum->failed);
	json_add_number(j, "damaged", (long long)sum->damaged);
	json_add_number(j, "late", (long long)sum->late);
	json_add_number(j, "account_missing", (long long)sum->stranded);
	json_add_number(j, "octets", (long long)sum->octets);
	json_add_number(j, "oldest", sum->oldest);
}

/*
 * Monitoring.
 */

static void
add_count(struct buf *out, size_t count, const char *words)
{
	if (count > 0)
		buf_format(
		    out, "%s%zu %s", out->len == 0 ? "" : ", ", count, words);
}

static void
format_faults(const struct listing_sum *sum, const struct listing_terms *t,
    const char *wrong, struct buf *out)
{
	if (wrong != NULL)
		add_visible(out, wrong);
	add_count(out, sum->failed, "failed for good");
	add_count(out, sum->damaged, "damaged");
	add_count(out, sum->stranded, "without an account");
	add_count(out, sum->late, "waiting for too long");
	if (sum->late > 0 && t->age != 0)
		buf_format(out, " (over %s)", span_of((long long)t->age).words);
}

void
listing_format_check(const struct listing_sum *sum,
    const struct listing_terms *t, const char *wrong, struct buf *out)
{
	struct buf faults;
	size_t i;

	buf_init(&faults, 4000);
	format_faults(sum, t, wrong, &faults);
	for (i = 0; i < faults.len; i++)
		if (faults.at[i] == '|') /* begins the figures */
			faults.at[i] = '/';
	buf_format(out, "SPOOL %s: ", faults.len == 0 ? "OK" : "CRITICAL");
	if (faults.len > 0)
		buf_format(out, "%s; ", buf_string(&faults));
	buf_format(out, "%zu waiting", sum->waiting);
	if (sum->waiting > 0)
		buf_format(
		    out, ", the oldest for %s", span_of(sum->oldest).words);
	if (sum->held > 0)
		buf_format(out, ", %zu held", sum->held);
	buf_format(out,
	    " | waiting=%zu held=%zu failed=%zu damaged=%zu late=%zu "
	    "oldest=%llds size=%lluB\n",
	    sum->waiting, sum->held, sum->failed, sum->damaged, sum->late,
	    sum->oldest, sum->octets);
	buf_clear(&faults);
}
