#include "../unit.h"

#include "../heap.h"

#include "smtp/pipeline.h"

static const struct session_trace silent = {NULL, NULL};

static struct expected
due(enum step step)
{
	return (struct expected){.step = step};
}

static void
send_line(struct pipeline *p, enum step step, const char *line)
{
	pipeline_send(p, due(step), "%s", line);
}

static void
assert_waits(const struct pipeline *p, const char *bytes)
{
	struct text out = pipeline_output(p);

	assert_int_equal(out.len, strlen(bytes));
	assert_memory_equal(out.at, bytes, out.len);
}

static void
what_was_sent_is_gone(void **state)
{
	struct pipeline p;

	(void)state;
	pipeline_init(&p, silent);
	send_line(&p, STEP_MAIL, "MAIL");
	send_line(&p, STEP_RCPT, "RCPT");
	assert_waits(&p, "MAIL\r\nRCPT\r\n");
	pipeline_sent(&p, 4);
	assert_waits(&p, "\r\nRCPT\r\n");
	pipeline_sent(&p, 8);
	assert_waits(&p, "");
	send_line(&p, STEP_DATA, "DATA");
	assert_waits(&p, "DATA\r\n");
	assert_int_equal(p.out.len, 6);
	pipeline_clear(&p);
}

/* Each reply belongs to the oldest command, and to none that is not out. */
static void
replies_come_in_order_and_not_before_their_command(void **state)
{
	struct pipeline p;

	(void)state;
	pipeline_init(&p, silent);
	assert_null(pipeline_head(&p));
	send_line(&p, STEP_MAIL, "MAIL");
	send_line(&p, STEP_RCPT, "RCPT");
	send_line(&p, STEP_STAY, "QUIT");
	assert_int_equal(p.end - p.first, 2);
	assert_false(pipeline_is_out(&p, pipeline_head(&p)->mark));
	pipeline_sent(&p, 6);
	assert_true(pipeline_is_out(&p, pipeline_head(&p)->mark));
	assert_int_equal(pipeline_next(&p).step, STEP_MAIL);
	assert_int_equal(pipeline_head(&p)->step, STEP_RCPT);
	assert_false(pipeline_is_out(&p, pipeline_head(&p)->mark));
	pipeline_sent(&p, 5);
	assert_false(pipeline_is_out(&p, pipeline_head(&p)->mark));
	pipeline_sent(&p, 1);
	assert_true(pipeline_is_out(&p, pipeline_head(&p)->mark));
	assert_int_equal(pipeline_next(&p).step, STEP_RCPT);
	assert_null(pipeline_head(&p));
	pipeline_clear(&p);
}

/* The queue does not grow with a session that never falls silent. */
static void
a_long_session_needs_no_more(void **state)
{
	struct expected x = due(STEP_RCPT);
	struct pipeline p;
	size_t i;

	(void)state;
	pipeline_init(&p, silent);
	pipeline_expect(&p, x);
	for (i = 1; i < 100000; i++) {
		x.recipient = i;
		pipeline_expect(&p, x);
		assert_int_equal(pipeline_next(&p).recipient, i - 1);
	}
	assert_int_equal(p.end - p.first, 1);
	assert_in_range(p.end, 1, 1024);
	pipeline_clear(&p);
}

/* While a burst waits there is no room; past the maximum it is a fault that
 * stays, whatever is sent then. */
static void
a_full_buffer_is_told(void **state)
{
	char line[PIPELINE_LINE_MAX];
	struct pipeline p;
	struct error e;

	(void)state;
	error_clear(&e);
	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	pipeline_init(&p, silent);
	while (pipeline_has_room(&p))
		send_line(&p, STEP_RCPT, line);
	assert_in_range(pipeline_waiting(&p), PIPELINE_BURST,
	    PIPELINE_BURST + sizeof(line) + 1);
	assert_int_equal(pipeline_check(&p, &e), 0);
	while (!p.out.full)
		send_line(&p, STEP_RCPT, line);
	assert_int_equal(pipeline_check(&p, &e), -1);
	assert_int_equal(e.kind, ERROR_BUG);
	pipeline_sent(&p, pipeline_waiting(&p));
	error_clear(&e);
	assert_int_equal(pipeline_check(&p, &e), -1);
	pipeline_forget(&p);
	error_clear(&e);
	assert_int_equal(pipeline_check(&p, &e), 0);
	pipeline_clear(&p);
}

/* Partial writes of a large burst: the buffer does not grow by what is out. */
static void
a_slow_reader_costs_no_memory(void **state)
{
	char line[1000];
	struct pipeline p;
	struct error e;
	size_t i;

	(void)state;
	error_clear(&e);
	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	pipeline_init(&p, silent);
	for (i = 0; i < 10000; i++) {
		if (pipeline_has_room(&p))
			send_line(&p, STEP_STAY, line);
		pipeline_sent(&p, i % 3 == 0 ? 997 : 500);
	}
	assert_int_equal(pipeline_check(&p, &e), 0);
	assert_in_range(p.out.size, 1, 4 * PIPELINE_BURST);
	pipeline_clear(&p);
}

static void
keep(void *arg, enum session_side side, struct text line)
{
	buf_format(arg, "%c%.*s;", "CSN"[side], TEXT_ARG(line));
}

static void
a_secret_is_sent_and_not_told(void **state)
{
	struct pipeline p;
	struct buf seen;

	(void)state;
	buf_init(&seen, 1000);
	pipeline_init(&p, (struct session_trace){keep, &seen});
	pipeline_send_secret(
	    &p, due(STEP_AUTH), "AUTH PLAIN ", TEXT("c2VjcmV0"));
	assert_waits(&p, "AUTH PLAIN c2VjcmV0\r\n");
	pipeline_wipe(&p);
	assert_waits(&p, "AUTH PLAIN c2VjcmV0\r\n");
	pipeline_sent(&p, pipeline_waiting(&p));
	assert_string_equal(buf_string(&seen), "CAUTH PLAIN [secret];");
	pipeline_wipe(&p);
	assert_null(p.out.at);
	buf_clear(&seen);
	pipeline_clear(&p);
}

/* The transcript is what happened: whole lines that have left, notes in their
 * place, and nothing of what was forgotten. */
static void
what_has_left_is_told(void **state)
{
	struct pipeline p;
	struct buf seen;

	(void)state;
	buf_init(&seen, 1000);
	pipeline_init(&p, (struct session_trace){keep, &seen});
	pipeline_trace_note(&p, "at once");
	assert_string_equal(buf_string(&seen), "Nat once;");
	send_line(&p, STEP_MAIL, "MAIL");
	pipeline_trace_note(&p, "then this");
	send_line(&p, STEP_RCPT, "RCPT");
	send_line(&p, STEP_DATA, "DATA");
	assert_string_equal(buf_string(&seen), "Nat once;");
	pipeline_sent(&p, 5);
	assert_string_equal(buf_string(&seen), "Nat once;");
	pipeline_sent(&p, 2);
	assert_string_equal(buf_string(&seen), "Nat once;CMAIL;Nthen this;");
	pipeline_sent(&p, 6);
	pipeline_forget(&p);
	send_line(&p, STEP_STAY, "QUIT");
	pipeline_sent(&p, pipeline_waiting(&p));
	assert_string_equal(
	    buf_string(&seen), "Nat once;CMAIL;Nthen this;CRCPT;CQUIT;");
	send_line(&p, STEP_STAY, "NOOP");
	buf_clear(&seen);
	pipeline_clear(&p);
}

static const char secret[] = "a secret of this test: 0123456789-AbCdEfGhIj";

/* Neither what was sent nor what was given up. */
static void
no_secret_is_left(void **state)
{
	struct pipeline p;
	int i;

	(void)state;
	heap_needed();
	for (i = 0; i < 2; i++) {
		pipeline_init(&p, (struct session_trace){NULL, NULL});
		pipeline_send_secret(&p, (struct expected){.step = STEP_AUTH},
		    "AUTH PLAIN ", text_of(secret));
		assert_true(heap_holds(secret + 24));
		pipeline_wipe(&p);
		assert_true(heap_holds(secret + 24)); /* it has not left */
		if (i == 0) {
			pipeline_sent(&p, pipeline_waiting(&p));
			pipeline_wipe(&p);
			assert_false(heap_holds(secret + 24));
		}
		pipeline_clear(&p);
		assert_false(heap_holds(secret + 24));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_was_sent_is_gone),
	    cmocka_unit_test(
		replies_come_in_order_and_not_before_their_command),
	    cmocka_unit_test(a_long_session_needs_no_more),
	    cmocka_unit_test(a_full_buffer_is_told),
	    cmocka_unit_test(a_slow_reader_costs_no_memory),
	    cmocka_unit_test(a_secret_is_sent_and_not_told),
	    cmocka_unit_test(what_has_left_is_told),
	    cmocka_unit_test(no_secret_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
