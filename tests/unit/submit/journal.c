#include "ticket.h"

#include "../checksum.h"
#include "submit/journal.h"

/* More than all that is refused may say. */
#define WORDS_100                                                              \
	"0123456789 0123456789 0123456789 0123456789 0123456789 "              \
	"0123456789 0123456789 0123456789 0123456789"
#define LONG_WORDS WORDS_100 WORDS_100 WORDS_100 WORDS_100 WORDS_100 WORDS_100

/* Those of one record. */
#define ONES 10

static const size_t ones[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};

/* A reply in the envelope of nobody; freed with free(). */
static struct recipient_reply *
reply_of(int code, struct enhanced enhanced, const char *words)
{
	struct recipient r = {.reply = NULL};

	envelope_decide(&r, VERDICT_REFUSED, code, enhanced, words);
	return r.reply;
}

static int
add_refusal(const struct ticket *t, const size_t *whom, size_t count,
    const char *words, struct buf *out)
{
	struct recipient_reply *reply =
	    reply_of(550, (struct enhanced){5, 1, 1}, words);
	int result =
	    journal_format_result(t, whom, count, VERDICT_REFUSED, reply, out);

	free(reply);
	return result;
}

/* What a ticket says of all that a journal may change. */
static char *
state_of(const struct ticket *t)
{
	const struct recipient *r;
	struct buf out;
	size_t i;

	buf_init(&out, SIZE_MAX / 4);
	buf_format(&out, "%u %d %d <%s> %lld %u", t->attempts, t->doubtful,
	    t->code, t->words, t->expires, t->reports);
	for (i = 0; i < t->envelope.count; i++) {
		r = &t->envelope.recipients[i];
		buf_format(&out, "\n%zu %s%s", i,
		    envelope_verdict_word((enum verdict)r->verdict),
		    ticket_is_told(t, i) ? " told" : "");
		if (r->reply != NULL)
			buf_format(&out, " %d %d.%d.%d <%s>", r->reply->code,
			    r->reply->enhanced.class,
			    r->reply->enhanced.subject,
			    r->reply->enhanced.detail, r->reply->words);
	}
	return buf_take(&out);
}

/* That of a fresh ticket with this journal. */
static char *
replayed(size_t recipients, struct text journal, size_t *used)
{
	struct ticket t;
	char *state;

	ticket_for_test(&t, recipients);
	journal_replay(&t, journal);
	state = state_of(&t);
	*used = t.journal_used;
	ticket_clear(&t);
	return state;
}

static void
assert_state(size_t recipients, struct text journal, const char *expected)
{
	char *state;
	size_t used;

	state = replayed(recipients, journal, &used);
	assert_string_equal(state, expected);
	free(state);
}

/* The records are in the journal; out is for the next. */
static void
write_down(struct ticket *t, struct buf *journal, struct buf *out)
{
	buf_add_text(journal, buf_text(out));
	journal_advance(t, buf_text(out));
	assert_int_equal(t->journal_used, journal->len);
	buf_reset(out);
}

/*
 * A mail's whole life, of ten recipients: put off twice; three have it and one
 * does not; lost after the end; refused, reported; and released once more.
 */
static void
live(struct ticket *t, struct buf *journal)
{
	static const size_t some[] = {1, 2, 5};
	struct buf out;

	buf_init(&out, 10000);
	assert_int_equal(
	    journal_format_later(t, false, 0, "no route to host", &out), 0);
	write_down(t, journal, &out);
	assert_int_equal(
	    journal_format_later(t, false, 0, "no route to host", &out), 0);
	write_down(t, journal, &out);
	assert_int_equal(journal_format_attempt(t, 1795390000, &out), 0);
	write_down(t, journal, &out);
	assert_int_equal(journal_format_result(t, some, COUNT(some),
			     VERDICT_DELIVERED, NULL, &out),
	    0);
	write_down(t, journal, &out);
	assert_int_equal(
	    add_refusal(t, ones, 1, "550 5.1.1 No \xc3\xa9", &out), 0);
	write_down(t, journal, &out);
	assert_int_equal(
	    journal_format_later(t, true, 451, "451 4.3.0 lost", &out), 0);
	write_down(t, journal, &out);
	assert_int_equal(
	    journal_format_result(t, ones + 6, 4, VERDICT_REFUSED, NULL, &out),
	    0);
	assert_int_equal(add_refusal(t, ones + 3, 2, "", &out), 0);
	write_down(t, journal, &out);
	assert_int_equal(journal_format_told(t, 1, &out), 0);
	write_down(t, journal, &out);
	assert_int_equal(journal_format_again(t, 1800000000, &out), 0);
	write_down(t, journal, &out);
	assert_int_equal(
	    journal_format_result(t, ones, 1, VERDICT_DELIVERED, NULL, &out),
	    0);
	write_down(t, journal, &out);
	buf_clear(&out);
}

static const char life[] = "T 1 0 0 no route to host e9349949\n"
			   "T 2 0 06448527\n"
			   "A 3 1795390000 3bdc7f62\n"
			   "R D 1-2,5 777c87b3\n"
			   "R F 0 550 5.1.1 550 5.1.1 No \xc3\xa9 d2b3e485\n"
			   "T 3 1 451 451 4.3.0 lost e8afa45b\n"
			   "R F 6-9 4421e4e1\n"
			   "R F 3-4 550 5.1.1  77407640\n"
			   "B 1 3726b673\n"
			   "O 1800000000 e4b581d7\n"
			   "R D 0 77ba8d9e\n";

/* The states that it goes through, of ten recipients the first four. */
static void
records_are_these(void **state)
{
	struct buf journal;
	struct ticket t;

	(void)state;
	ticket_for_test(&t, ONES);
	buf_init(&journal, 10000);
	live(&t, &journal);
	assert_string_equal(buf_string(&journal), life);
	assert_int_equal(t.attempts, 3);
	assert_int_equal(t.reports, 1);
	assert_int_equal(t.expires, 1800000000);
	assert_string_equal(t.words, "451 4.3.0 lost");
	buf_clear(&journal);
	ticket_clear(&t);
}

static void
records_say_what_became_of_it(void **state)
{
	static const struct {
		size_t lines;
		const char *state;
	} rows[] = {{0, "0 0 0 <> 1795820614 0\n0 open\n1 open\n2 open"},
	    {1, "1 0 0 <no route to host> 1795820614 0\n"
		"0 open\n1 open\n2 open"},
	    {2, "2 0 0 <no route to host> 1795820614 0\n"
		"0 open\n1 open\n2 open"},
	    {3, "3 1 0 <no route to host> 1795820614 0\n"
		"0 open\n1 open\n2 open"},
	    {4, "3 1 0 <no route to host> 1795820614 0\n"
		"0 open\n1 delivered\n2 delivered"},
	    {5, "3 1 0 <no route to host> 1795820614 0\n"
		"0 refused 550 5.1.1 <550 5.1.1 No \xc3\xa9>\n"
		"1 delivered\n2 delivered"},
	    {6, "3 1 451 <451 4.3.0 lost> 1795820614 0\n"
		"0 refused 550 5.1.1 <550 5.1.1 No \xc3\xa9>\n"
		"1 delivered\n2 delivered"},
	    {8, "3 1 451 <451 4.3.0 lost> 1795820614 0\n"
		"0 refused 550 5.1.1 <550 5.1.1 No \xc3\xa9>\n"
		"1 delivered\n2 delivered\n"
		"3 refused 550 5.1.1 <>\n4 refused 550 5.1.1 <>\n"
		"5 delivered\n6 refused\n7 refused\n8 refused\n9 refused"},
	    {9, "3 1 451 <451 4.3.0 lost> 1795820614 1\n"
		"0 refused told 550 5.1.1 <550 5.1.1 No \xc3\xa9>\n"
		"1 delivered\n2 delivered\n"
		"3 refused told 550 5.1.1 <>\n4 refused told 550 5.1.1 <>\n"
		"5 delivered\n6 refused told\n7 refused told\n"
		"8 refused told\n9 refused told"},
	    {10, "3 1 451 <451 4.3.0 lost> 1800000000 1\n"
		 "0 open\n1 delivered\n2 delivered\n3 open\n4 open\n"
		 "5 delivered\n6 open\n7 open\n8 open\n9 open"},
	    {11, "3 1 451 <451 4.3.0 lost> 1800000000 1\n"
		 "0 delivered\n1 delivered\n2 delivered\n3 open\n4 open\n"
		 "5 delivered\n6 open\n7 open\n8 open\n9 open"}};
	struct text rest, line, journal;
	char *got;
	size_t i, n, used;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		rest = text_of(life);
		for (n = 0; n < rows[i].lines; n++)
			assert_true(text_next_line(&rest, &line));
		journal = text_first(text_of(life), strlen(life) - rest.len);
		got = replayed(ONES, journal, &used);
		assert_int_equal(used, journal.len);
		if (strncmp(got, rows[i].state, strlen(rows[i].state)) != 0)
			fail_msg("%zu: %s", rows[i].lines, got);
		free(got);
	}
}

/* The octets of `journal' up to the end of the last record before `at'. */
static struct text
records_before(struct text journal, size_t at)
{
	struct text whole = text_first(journal, at);

	return text_first(whole, text_find_last(whole, '\n') + 1);
}

static void
each_beginning_is_the_state_of_its_records(void **state)
{
	const struct text journal = text_of(life);
	struct text records;
	char *expected;
	size_t n, used;

	(void)state;
	for (n = 0; n <= journal.len; n++) {
		records = text_find(text_first(journal, n), '\n') == n
			      ? text_first(journal, 0)
			      : records_before(journal, n);
		expected = replayed(ONES, records, &used);
		assert_int_equal(used, records.len);
		assert_state(ONES, text_first(journal, n), expected);
		free(expected);
	}
}

/* The record that a damaged octet is in, and all behind it, count for nothing,
 * whatever the octet became; those before stay. */
static void
no_damage_invents_or_loses_what_was_before(void **state)
{
	const struct text journal = text_of(life);
	char *copy = mem_string(journal.at, journal.len), *expected;
	struct text damaged = {copy, journal.len}, records;
	size_t n, used;
	unsigned change;

	(void)state;
	for (n = 0; n < journal.len; n++) {
		records = text_find(text_first(journal, n), '\n') == n
			      ? text_first(journal, 0)
			      : records_before(journal, n);
		expected = replayed(ONES, records, &used);
		assert_int_equal(used, records.len);
		for (change = 1; change < 256; change++) {
			copy[n] = (char)(journal.at[n] ^ (char)change);
			assert_state(ONES, damaged, expected);
		}
		copy[n] = journal.at[n];
		free(expected);
	}
	free(copy);
}

/* Torn at a sector: what was there before, NULs or another record, is in place
 * of the rest. */
static void
a_torn_record_was_not_written(void **state)
{
	const struct text journal = text_of(life);
	char block[1024], *expected;
	size_t n, used;

	(void)state;
	for (n = 1; n < journal.len; n++) {
		memset(block, 0, sizeof(block));
		memcpy(block, journal.at, n);
		expected = replayed(ONES, text_first(journal, n), &used);
		assert_state(
		    ONES, (struct text){block, sizeof(block)}, expected);
		memset(block + n, 'x', sizeof(block) - n);
		assert_state(
		    ONES, (struct text){block, sizeof(block)}, expected);
		free(expected);
	}
}

/* Nobody is settled by what another mail's file left in a block, nor by what
 * stood behind a cut once. */
static void
records_build_on_each_other(void **state)
{
	struct buf journal, out;
	struct ticket t, other;
	char *fresh;
	size_t used;

	(void)state;
	ticket_for_test(&t, ONES);
	ticket_for_test(&other, ONES);
	fresh = state_of(&t);
	other.id[TICKET_ID - 1] = '0';
	buf_init(&journal, 10000);
	buf_init(&out, 10000);
	live(&other, &journal);
	assert_int_equal(other.journal_used, strlen(life));
	assert_state(ONES, buf_text(&journal), fresh);

	/* A record of the same length in place of the first. */
	buf_reset(&journal);
	assert_int_equal(
	    journal_format_later(&t, false, 0, "no route to hell", &out), 0);
	write_down(&t, &journal, &out);
	buf_add_text(&journal, text_skip(text_of(life), journal.len));
	free(replayed(ONES, buf_text(&journal), &used));
	assert_int_equal(used, t.journal_used);
	free(fresh);
	buf_clear(&journal);
	buf_clear(&out);
	ticket_clear(&t);
	ticket_clear(&other);
}

/* What goes on in another process builds on what was read. */
static void
a_journal_is_carried_on(void **state)
{
	struct ticket t;
	struct buf out;
	size_t used;

	(void)state;
	ticket_for_test(&t, ONES);
	journal_replay(&t, text_of(life));
	buf_init(&out, 10000);
	buf_add_string(&out, life);
	assert_int_equal(journal_format_result(
			     &t, ones + 3, 1, VERDICT_DELIVERED, NULL, &out),
	    0);
	free(replayed(ONES, buf_text(&out), &used));
	assert_int_equal(used, out.len);
	buf_clear(&out);
	ticket_clear(&t);
}

/* The first record of a journal. */
static void
sign(const char *id, const char *record, struct buf *out)
{
	uint32_t sum = checksum(0, text_of(id));

	checksum_add(text_of(record), &sum, out);
}

/* With a right checksum, but of nothing that is written. */
static void
what_says_nothing_ends_it(void **state)
{
	static const char *const records[] = {"", "A", "A ", "A 1", "A x 1",
	    "A 1 1 1", "A 1 -1", "A 99999999999 1", "T", "T 1", "T 1 2",
	    "T 1 0 x y", "T 1 0 1000 x", "R", "R D", "R D ", "R X 0", "R D 10",
	    "R D 0-10", "R D 1,0", "R D 1,1", "R D 2-1", "R D 0-1,1", "R D x",
	    "R D 0-", "R D -0", "R D 0,", "R F 0 x", "R F 0 550",
	    "R F 0 550 5.1", "R F 0 550 5.1.1.1 x", "R F 0 550 256.1.1 x",
	    "R F 0 550 5..1 x", "B", "B 0", "B 100", "B 1 1", "B x", "O", "O x",
	    "O -1", "O 1 1", "X 1", "r D 0", "RD 0"};
	struct ticket t;
	struct buf out;
	char *fresh;
	size_t i, used;

	(void)state;
	ticket_for_test(&t, ONES);
	fresh = state_of(&t);
	for (i = 0; i < COUNT(records); i++) {
		buf_init(&out, 1000);
		sign(t.id, records[i], &out);
		assert_int_equal(journal_format_attempt(&t, 1, &out), 0);
		free(replayed(ONES, buf_text(&out), &used));
		if (used > 0)
			fail_msg("%s", records[i]);
		assert_state(ONES, buf_text(&out), fresh);
		buf_clear(&out);
	}
	free(fresh);
	ticket_clear(&t);
}

/* What has an octet of a character at its end, or is no text, is made fit. */
static void
words_are_made_visible_and_cut(void **state)
{
	struct ticket t, again;
	struct buf out;

	(void)state;
	ticket_for_test(&t, 1);
	ticket_for_test(&again, 1);
	buf_init(&out, 10000);
	assert_int_equal(journal_format_later(
			     &t, false, 451, "451 a\r\nR D 0\xff\033", &out),
	    0);
	assert_int_equal(
	    add_refusal(&t, ones, 1, "550 \r\n" LONG_WORDS, &out), 0);
	journal_replay(&again, buf_text(&out));
	assert_int_equal(again.journal_used, out.len);
	assert_string_equal(again.words, "451 a\\x0d\\x0aR D 0\\xff\\x1b");
	assert_string_equal(again.envelope.recipients[0].reply->words + 582,
	    "3456789 012345...");
	buf_reset(&out);
	assert_int_equal(
	    journal_format_later(&t, false, 451, LONG_WORDS, &out), 0);
	journal_replay(&again, buf_text(&out));
	assert_int_equal(strlen(again.words), 399);
	/* The same words again are the same. */
	journal_advance(&t, buf_text(&out));
	buf_reset(&out);
	assert_int_equal(
	    journal_format_later(&t, false, 451, LONG_WORDS, &out), 0);
	assert_int_equal(out.len, strlen("T 2 0 01234567\n"));
	buf_clear(&out);
	ticket_clear(&t);
	ticket_clear(&again);
}

static size_t
room_of(const struct ticket *t)
{
	return ticket_layout(t, 0).journal_size;
}

/* Fills what there is room for with all but refusals. */
static void
fill(struct ticket *t, struct buf *journal)
{
	struct buf out;
	char words[700];
	int i, lost = 0;

	buf_init(&out, SIZE_MAX / 4);
	for (i = 0; lost < 10; i++) {
		snprintf(words, sizeof(words), "451 %d " LONG_WORDS, i);
		words[i % 400 + 10] = '\0';
		lost += journal_format_attempt(t, 1795390000, &out) != 0;
		lost += journal_format_later(t, i % 2, 451, words, &out) != 0;
		write_down(t, journal, &out);
	}
	buf_clear(&out);
}

static void
refuse_each(struct ticket *t, struct buf *journal)
{
	struct buf out;
	size_t i;

	buf_init(&out, SIZE_MAX / 4);
	for (i = 0; i < t->envelope.count; i++) {
		assert_int_equal(add_refusal(t, &i, 1, LONG_WORDS, &out), 0);
		write_down(t, journal, &out);
	}
	buf_clear(&out);
}

/* However many there are, and whatever was written before; and once more when
 * the mail was released. */
static void
everybody_can_be_refused(void **state)
{
	static const size_t counts[] = {
	    1, 2, 17, 18, 19, 36, 100, 3000, 100000};
	struct ticket t, again;
	struct buf journal, out;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(counts); i++) {
		ticket_for_test(&t, counts[i]);
		ticket_for_test(&again, counts[i]);
		buf_init(&journal, SIZE_MAX / 4);
		buf_init(&out, 1000);
		fill(&t, &journal);
		refuse_each(&t, &journal);
		assert_int_equal(journal_format_told(&t, 1, &out), 0);
		write_down(&t, &journal, &out);
		assert_true(journal.len <= room_of(&t));
		journal_replay(&again, buf_text(&journal));
		assert_int_equal(again.journal_used, journal.len);
		assert_int_equal(
		    envelope_count(&again.envelope, VERDICT_REFUSED),
		    counts[i]);
		buf_clear(&journal);
		buf_clear(&out);
		ticket_clear(&t);
		ticket_clear(&again);
	}
}

/* The longest that a refusal can be without its words. */
static void
a_refusal_has_the_room_that_is_kept_for_it(void **state)
{
	struct recipient_reply *reply =
	    reply_of(999, (struct enhanced){255, 65535, 65535}, "");
	struct ticket t;
	struct buf out;
	size_t last = 99999999;

	(void)state;
	ticket_for_test(&t, 1);
	buf_init(&out, 1000);
	assert_int_equal(
	    journal_format_result(&t, &last, 1, VERDICT_REFUSED, reply, &out),
	    0);
	assert_true(out.len <= TICKET_RESULT);
	free(reply);
	buf_clear(&out);
	ticket_clear(&t);
}

static void
what_is_released_can_be_refused_again(void **state)
{
	static const size_t counts[] = {1, 18, 3000};
	struct ticket t, again;
	struct buf journal, out;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(counts); i++) {
		ticket_for_test(&t, counts[i]);
		ticket_for_test(&again, counts[i]);
		buf_init(&journal, SIZE_MAX / 4);
		buf_init(&out, 1000);
		fill(&t, &journal);
		refuse_each(&t, &journal);
		assert_int_equal(journal_format_told(&t, 1, &out), 0);
		write_down(&t, &journal, &out);
		assert_int_equal(journal_format_again(&t, 1900000000, &out), 0);
		write_down(&t, &journal, &out);
		refuse_each(&t, &journal);
		assert_int_equal(journal_format_told(&t, 2, &out), 0);
		write_down(&t, &journal, &out);
		assert_true(journal.len <= room_of(&t));
		journal_replay(&again, buf_text(&journal));
		assert_int_equal(again.journal_used, journal.len);
		assert_int_equal(
		    envelope_count(&again.envelope, VERDICT_REFUSED),
		    counts[i]);
		assert_int_equal(again.expires, 1900000000);
		buf_clear(&journal);
		buf_clear(&out);
		ticket_clear(&t);
		ticket_clear(&again);
	}
}

/* What only counts attempts leaves room for what says more. */
static void
a_thousand_attempts_leave_room(void **state)
{
	struct buf journal, out;
	struct ticket t;
	int i;

	(void)state;
	ticket_for_test(&t, 1);
	buf_init(&journal, 100000);
	buf_init(&out, 1000);
	for (i = 0; i < 1000; i++) {
		journal_format_later(&t, false, 0, "no route to host", &out);
		write_down(&t, &journal, &out);
	}
	assert_int_equal(
	    journal_format_later(&t, false, 451, LONG_WORDS, &out), 0);
	write_down(&t, &journal, &out);
	assert_int_equal(t.code, 451);
	assert_int_equal(journal_format_attempt(&t, 1795390000, &out), 0);
	write_down(&t, &journal, &out);
	assert_true(t.doubtful);
	assert_int_equal(
	    journal_format_later(&t, false, 451, LONG_WORDS, &out), 0);
	write_down(&t, &journal, &out);
	assert_false(t.doubtful);
	buf_clear(&journal);
	buf_clear(&out);
	ticket_clear(&t);
}

/* Whoever has the mail keeps it. */
static void
delivered_is_for_good(void **state)
{
	static const char *const records[] = {"R F 0", "O 1900000000"};
	struct ticket t;
	struct buf out;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(records); i++) {
		ticket_for_test(&t, 1);
		envelope_decide(&t.envelope.recipients[0], VERDICT_DELIVERED, 0,
		    (struct enhanced){0}, NULL);
		buf_init(&out, 1000);
		sign(t.id, records[i], &out);
		journal_replay(&t, buf_text(&out));
		assert_int_equal(t.journal_used, out.len);
		assert_int_equal(
		    t.envelope.recipients[0].verdict, VERDICT_DELIVERED);
		buf_clear(&out);
		ticket_clear(&t);
	}
}

/* Who writes it knows what became of recipients, and more. */
static void
writing_decides_nobody(void **state)
{
	struct ticket t;
	struct buf out;

	(void)state;
	ticket_for_test(&t, 1);
	t.envelope.recipients[0].verdict = VERDICT_ACCEPTED;
	buf_init(&out, 1000);
	assert_int_equal(add_refusal(&t, ones, 1, "550 x", &out), 0);
	journal_advance(&t, buf_text(&out));
	assert_int_equal(t.journal_used, out.len);
	assert_int_equal(t.envelope.recipients[0].verdict, VERDICT_ACCEPTED);
	buf_clear(&out);
	ticket_clear(&t);
}

/* Nothing is said of nobody; and no room is none. */
static void
what_adds_nothing(void **state)
{
	struct ticket t;
	struct buf out;

	(void)state;
	ticket_for_test(&t, 1);
	buf_init(&out, 20);
	assert_int_equal(
	    journal_format_result(&t, ones, 0, VERDICT_DELIVERED, NULL, &out),
	    0);
	assert_int_equal(out.len, 0);
	out.max = 10;
	assert_int_equal(journal_format_told(&t, 1, &out), -1);
	assert_false(out.full);
	assert_int_equal(out.len, 0);
	out.max = 20;
	t.journal_used = room_of(&t) - 15;
	assert_int_equal(journal_format_told(&t, 1, &out), 0);
	assert_int_equal(journal_format_told(&t, 2, &out), -1);
	assert_false(out.full);
	buf_clear(&out);
	ticket_clear(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(records_are_these),
	    cmocka_unit_test(records_say_what_became_of_it),
	    cmocka_unit_test(each_beginning_is_the_state_of_its_records),
	    cmocka_unit_test(no_damage_invents_or_loses_what_was_before),
	    cmocka_unit_test(a_torn_record_was_not_written),
	    cmocka_unit_test(records_build_on_each_other),
	    cmocka_unit_test(a_journal_is_carried_on),
	    cmocka_unit_test(what_says_nothing_ends_it),
	    cmocka_unit_test(words_are_made_visible_and_cut),
	    cmocka_unit_test(everybody_can_be_refused),
	    cmocka_unit_test(a_refusal_has_the_room_that_is_kept_for_it),
	    cmocka_unit_test(what_is_released_can_be_refused_again),
	    cmocka_unit_test(a_thousand_attempts_leave_room),
	    cmocka_unit_test(delivered_is_for_good),
	    cmocka_unit_test(writing_decides_nobody),
	    cmocka_unit_test(what_adds_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
