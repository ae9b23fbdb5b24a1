#include "submit/journal.h"

#include "ticket.h"

static const size_t everybody[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};

/* The reply to u0, who is refused in t already. */
static const struct recipient_reply *
refuse_first(struct ticket *t, const char *words)
{
	struct recipient *r = &t->envelope.recipients[0];

	envelope_decide(
	    r, VERDICT_REFUSED, 550, (struct enhanced){5, 1, 1}, words);
	return r->reply;
}

static void
records_say_what_became_of_it(void **state)
{
	struct ticket t, again;
	struct buf out;

	(void)state;
	ticket_for_test(&t, 10);
	ticket_for_test(&again, 10);
	buf_init(&out, 10000);
	assert_int_equal(
	    journal_format_later(&t, false, 451, "451 wait", &out), 0);
	assert_int_equal(journal_format_attempt(&t, 1795388620, &out), 0);
	assert_int_equal(journal_format_result(&t, everybody + 1, 5,
			     VERDICT_DELIVERED, NULL, &out),
	    0);
	assert_int_equal(
	    journal_format_result(&t, everybody, 1, VERDICT_REFUSED,
		refuse_first(&t, "550 5.1.1 No such user"), &out),
	    0);
	journal_replay(&again, buf_text(&out));
	assert_int_equal(again.journal_used, out.len);
	assert_int_equal(again.code, 451);
	assert_string_equal(again.words, "451 wait");
	assert_true(again.doubtful);
	assert_int_equal(again.attempts, 1);
	assert_int_equal(envelope_count(&again.envelope, VERDICT_DELIVERED), 5);
	assert_int_equal(envelope_count(&again.envelope, VERDICT_OPEN), 4);
	assert_int_equal(again.envelope.recipients[0].verdict, VERDICT_REFUSED);
	assert_string_equal(again.envelope.recipients[0].reply->words,
	    "550 5.1.1 No such user");
	buf_clear(&out);
	ticket_clear(&t);
	ticket_clear(&again);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(records_say_what_became_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
