#include "submit/journal.h"

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SUM_LEN	  10 /* " ", 8 hex digits, LF */
#define REPLY_MAX 24 /* " 550 255.65535.65535 " */
#define TOLD_MAX  32 /* the record of a report */
#define AGAIN_MAX 32

/* CRC-32 of IEEE 802.3, going on from what was before. */
static uint32_t
add_sum(uint32_t sum, struct text t)
{
	static const uint32_t by_nibble[] = {0x00000000, 0x1db71064, 0x3b6e20c8,
	    0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
	    0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0,
	    0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
	size_t i;

	sum = ~sum;
	for (i = 0; i < t.len; i++) {
		sum ^= (unsigned char)t.at[i];
		sum = sum >> 4 ^ by_nibble[sum & 15];
		sum = sum >> 4 ^ by_nibble[sum & 15];
	}
	return ~sum;
}

struct sum {
	char hex[SUM_LEN - 1];
};

static struct sum
format_sum(uint32_t sum)
{
	struct sum s;

	snprintf(s.hex, sizeof(s.hex), "%08x", (unsigned)sum);
	return s;
}

/* The first line of t and its checksum, where it is a record that builds on
 * `chain'; its bytes without the checksum, and "" where it is none. */
static struct text
cut_record(struct text t, uint32_t chain, uint32_t *sum)
{
	struct text line = text_first(t, text_find(t, '\n'));
	struct text record = text_first(line, line.len - SUM_LEN + 1);
	const struct text none = {NULL, 0};

	if (line.len == t.len || line.len < SUM_LEN)
		return none;
	*sum = add_sum(chain, record);
	if (line.at[record.len] != ' ' ||
	    !text_equal(
		text_skip(line, record.len + 1), text_of(format_sum(*sum).hex)))
		return none;
	return record;
}

/* What the next record builds on: the last that is to be written before it, or
 * that was written. */
static uint32_t
chain_of(const struct ticket *t, struct text before)
{
	char sum[SUM_LEN - 1] = "";

	if (before.len >= SUM_LEN) {
		memcpy(sum, before.at + before.len - SUM_LEN + 1, SUM_LEN - 2);
		return (uint32_t)strtoul(sum, NULL, 16);
	}
	return t->journal_used == 0 ? add_sum(0, text_of(t->id))
				    : (uint32_t)t->journal_chain;
}

/* How much a record may have, its checksum too, so that `kept' octets stay. */
static size_t
room_for(const struct ticket *t, size_t kept, const struct buf *out)
{
	size_t room = ticket_layout(t, 0).journal_size;
	size_t taken = t->journal_used + out->len + kept;

	return taken < room ? room - taken : 0;
}

/* What is kept so that everybody can be refused, and it be reported. */
static size_t
kept_for_results(const struct ticket *t)
{
	return TICKET_RESULT * t->envelope.count + TOLD_MAX;
}

/* And the same once more when the mail was released. */
static size_t
kept_of(const struct ticket *t)
{
	return AGAIN_MAX + 2 * kept_for_results(t);
}

/* Adds what `record' holds, with its checksum, and empties that. */
static int
add_record(
    const struct ticket *t, size_t kept, struct buf *record, struct buf *out)
{
	const bool full = out->full;
	uint32_t sum;
	int result = -1;

	if (!record->full && record->len + SUM_LEN <= room_for(t, kept, out)) {
		sum = add_sum(chain_of(t, buf_text(out)), buf_text(record));
		buf_format(record, " %s\n", format_sum(sum).hex);
		result = buf_add_text(out, buf_text(record));
		out->full = full;
	}
	buf_clear(record);
	return result;
}

/* A number of its own for each attempt. */
static unsigned
attempt_of(const struct ticket *t)
{
	return t->underway || t->attempts == UINT_MAX ? t->attempts
						      : t->attempts + 1;
}

int
journal_format_attempt(const struct ticket *t, long long now, struct buf *out)
{
	struct buf record;

	buf_init(&record, TICKET_BLOCK);
	buf_format(&record, "A %u %lld", attempt_of(t), now < 0 ? 0 : now);
	return add_record(t, kept_of(t), &record, out);
}

/* "0-4,7", one after the other where they follow each other. */
static void
format_recipients(const size_t *recipients, size_t count, struct buf *out)
{
	const char *before = " ";
	size_t i, first;

	for (i = 0; i < count; i++) {
		first = recipients[i];
		while (i + 1 < count && recipients[i + 1] == recipients[i] + 1)
			i++;
		buf_format(out, "%s%zu", before, first);
		if (recipients[i] != first)
			buf_format(out, "-%zu", recipients[i]);
		before = ",";
	}
}

int
journal_format_result(const struct ticket *t, const size_t *recipients,
    size_t count, enum verdict verdict, const struct recipient_reply *reply,
    struct buf *out)
{
	const bool refused = verdict == VERDICT_REFUSED;
	struct buf record;
	size_t room, taken;

	if (count == 0)
		return 0;
	buf_init(&record, SIZE_MAX / 2);
	buf_add_string(&record, refused ? "R F" : "R D");
	format_recipients(recipients, count, &record);
	if (refused && reply != NULL) {
		room = room_for(t, kept_of(t), out);
		taken = record.len + REPLY_MAX + SUM_LEN;
		ticket_format_reply(
		    reply, room > taken ? room - taken : 0, &record);
	}
	return add_record(t, 0, &record, out);
}

/* What says the same as before but for the number of attempts leaves half of
 * the room to what says more. */
static size_t
kept_for_news(const struct ticket *t)
{
	return kept_of(t) + (ticket_layout(t, 0).journal_size - kept_of(t)) / 2;
}

int
journal_format_later(const struct ticket *t, bool doubtful, int code,
    const char *words, struct buf *out)
{
	char shown[sizeof(t->words)];
	const bool same_words =
	    strcmp(text_visible(text_of(words), shown, sizeof(shown)),
		t->words) == 0 &&
	    code == t->code;
	struct buf record;

	buf_init(&record, TICKET_BLOCK);
	if (!same_words) {
		buf_format(&record, "T %u %d %d %s", attempt_of(t), doubtful,
		    code, shown);
		if (add_record(t, kept_of(t), &record, out) == 0)
			return 0;
	}
	buf_format(&record, "T %u %d", attempt_of(t), doubtful);
	return add_record(t,
	    same_words && doubtful == t->doubtful ? kept_for_news(t)
						  : kept_of(t),
	    &record, out);
}

int
journal_format_told(const struct ticket *t, unsigned report, struct buf *out)
{
	struct buf record;

	buf_init(&record, TICKET_BLOCK);
	buf_format(&record, "B %u", report);
	return add_record(t, 0, &record, out);
}

int
journal_format_again(const struct ticket *t, long long expires, struct buf *out)
{
	struct buf record;

	buf_init(&record, TICKET_BLOCK);
	buf_format(&record, "O %lld", expires < 0 ? 0 : expires);
	return add_record(t, kept_for_results(t), &record, out);
}

static bool
replay_attempt(struct ticket *t, struct text rest)
{
	unsigned long long attempt, now;

	if (!text_next_number(&rest, UINT_MAX, &attempt) ||
	    !text_next_number(&rest, LLONG_MAX / 2, &now) || rest.len > 0)
		return false;
	t->attempts = (unsigned)attempt;
	t->underway = true;
	t->doubtful = true;
	return true;
}

static bool
replay_later(struct ticket *t, struct text rest)
{
	unsigned long long attempt, doubtful, code;

	if (!text_next_number(&rest, UINT_MAX, &attempt) ||
	    !text_next_number(&rest, 1, &doubtful))
		return false;
	if (rest.len > 0) {
		if (!text_next_number(&rest, 999, &code))
			return false;
		t->code = (int)code;
		text_visible(text_skip(rest, 1), t->words, sizeof(t->words));
	}
	t->attempts = (unsigned)attempt;
	t->underway = false;
	t->doubtful = doubtful == 1;
	return true;
}

static bool
replay_told(struct ticket *t, struct text rest)
{
	unsigned long long report;
	size_t i;

	if (!text_next_number(&rest, 99, &report) || rest.len > 0 ||
	    report <= t->reports)
		return false;
	t->reports = (unsigned)report;
	for (i = 0; i < t->envelope.count; i++)
		if (t->envelope.recipients[i].verdict == VERDICT_REFUSED)
			ticket_set_told(t, i);
	return true;
}

static bool
replay_again(struct ticket *t, struct text rest)
{
	unsigned long long expires;
	struct recipient *r;
	size_t i;

	if (!text_next_number(&rest, LLONG_MAX / 2, &expires) || rest.len > 0)
		return false;
	t->expires = (long long)expires;
	for (i = 0; i < t->envelope.count; i++) {
		r = &t->envelope.recipients[i];
		if (r->verdict != VERDICT_REFUSED)
			continue;
		envelope_decide(r, VERDICT_OPEN, 0, (struct enhanced){0}, NULL);
		if (t->told != NULL)
			t->told[i] = 0;
	}
	return true;
}

/* "4" or "0-4" of a list: rising, and of recipients that there are. */
static bool
next_range(struct text *list, size_t count, size_t *first, size_t *last)
{
	const size_t before = *last;
	struct text word, low;
	unsigned long long a, b;

	if (!text_next(list, ",", &word) || count == 0)
		return false;
	low = text_first(word, text_find(word, '-'));
	if (!text_number(low, count - 1, &a))
		return false;
	b = a;
	if (low.len < word.len &&
	    !text_number(text_skip(word, low.len + 1), count - 1, &b))
		return false;
	*first = (size_t)a;
	*last = (size_t)b + 1;
	return a >= before && b >= a;
}

static bool
is_list(struct text list, size_t count)
{
	size_t first, last = 0;

	while (list.len > 0)
		if (!next_range(&list, count, &first, &last))
			return false;
	return last > 0;
}

/* Whoever has the mail has it, whatever else is said of him. */
static void
settle(struct recipient *r, bool refused, struct text reply)
{
	if (!refused)
		envelope_decide(
		    r, VERDICT_DELIVERED, 0, (struct enhanced){0}, NULL);
	else if (r->verdict != VERDICT_DELIVERED)
		ticket_parse_reply(reply, r);
}

static bool
is_reply(struct text reply)
{
	struct recipient nobody = {.reply = NULL};
	bool is = ticket_parse_reply(reply, &nobody);

	free(nobody.reply);
	return is;
}

static bool
replay_result(struct ticket *t, struct text rest)
{
	struct envelope *env = &t->envelope;
	size_t i, first, last = 0;
	struct text verdict, list;
	bool refused;

	if (!text_next(&rest, " ", &verdict) || !text_next(&rest, " ", &list))
		return false;
	refused = text_equal(verdict, TEXT("F"));
	if ((!refused && !text_equal(verdict, TEXT("D"))) ||
	    !is_list(list, env->count) || !is_reply(rest))
		return false;
	while (list.len > 0) {
		next_range(&list, env->count, &first, &last);
		for (i = first; i < last; i++)
			settle(&env->recipients[i], refused, rest);
	}
	return true;
}

static const struct {
	char letter;
	bool (*replay)(struct ticket *t, struct text rest);
} kinds[] = {{'A', replay_attempt}, {'T', replay_later}, {'B', replay_told},
    {'O', replay_again}, {'R', replay_result}};

/* False where the record says nothing that we know. */
static bool
replay(struct ticket *t, struct text record, bool results)
{
	size_t i;

	if (record.len < 2 || record.at[1] != ' ')
		return false;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (record.at[0] == kinds[i].letter)
			return (!results && record.at[0] == 'R') ||
			       kinds[i].replay(t, text_skip(record, 2));
	return false;
}

static void
replay_all(struct ticket *t, struct text journal, bool results)
{
	struct text record;
	uint32_t sum;

	journal = text_first(journal, ticket_layout(t, 0).journal_size);
	while ((record = cut_record(
		    journal, chain_of(t, (struct text){NULL, 0}), &sum))
		       .len > 0 &&
	       replay(t, record, results)) {
		t->journal_used += record.len + SUM_LEN;
		t->journal_chain = sum;
		journal = text_skip(journal, record.len + SUM_LEN);
	}
}

void
journal_advance(struct ticket *t, struct text records)
{
	replay_all(t, records, false);
}

void
journal_replay(struct ticket *t, struct text journal)
{
	t->journal_used = 0;
	replay_all(t, journal, true);
	t->underway = false;
}
