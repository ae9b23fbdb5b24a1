#include "../unit.h"

#include "smtp/unasked.h"

static const struct smarthost host = {
    .host = (char *)(uintptr_t) "mail.example",
    .port = 587,
    .security = SMARTHOST_STARTTLS};

static int
take(struct reply *reply, const char *bytes)
{
	size_t used;

	reply_init(reply);
	return reply_input(reply, bytes, strlen(bytes), &used);
}

/* What may stand behind the reply to the end of the mail data. */
static void
finds_a_reply_too_many(void **state)
{
	static const struct {
		const char *reply, *behind;
		bool quit;    /* has been said */
		bool waiting; /* ... and is not out */
		bool due;     /* another reply */
		bool surplus;
	} rows[] = {
	    {"250 ok\r\n", "", .surplus = false},
	    {"250 ok\r\n", "250 ok\r\n", .surplus = true},
	    {"250 ok\r\n", "2", .surplus = true},
	    {"250 ok\r\n", "550 no\r\n", .surplus = true},
	    {"250 ok\r\n", "250 ok\r\n", .due = true, .surplus = false},
	    {"250 ok\r\n", "221 bye\r\n", .surplus = true},
	    {"250 ok\r\n", "221 bye\r\n", .quit = true, .surplus = false},
	    {"250 ok\r\n", "22", .quit = true, .surplus = false},
	    {"250 ok\r\n", "221 bye\r\n", .quit = true, .waiting = true,
		.surplus = true},
	    {"250 ok\r\n", "250 ok\r\n", .quit = true, .surplus = true},
	    {"250 ok\r\n", "221 bye\r\n250 ok\r\n", .quit = true,
		.surplus = true},
	    {"550 no\r\n", "550 no\r\n", .surplus = false},
	    {"550 no\r\n", "250 ok\r\n", .surplus = true},
	    {"550 no\r\n", "550 no\r\n250 ok\r\n", .surplus = true},
	};
	struct pipeline p;
	struct reply reply;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		pipeline_init(&p, (struct session_trace){NULL, NULL});
		if (rows[i].due)
			pipeline_expect(
			    &p, (struct expected){.step = STEP_END});
		if (rows[i].waiting)
			pipeline_send(
			    &p, (struct expected){.step = STEP_STAY}, "QUIT");
		assert_int_equal(take(&reply, rows[i].reply), 1);
		if (unasked_has_surplus(&p, &reply, text_of(rows[i].behind),
			rows[i].quit) != rows[i].surplus)
			fail_msg("%zu: %s%s", i, rows[i].reply, rows[i].behind);
		reply_clear(&reply);
		pipeline_clear(&p);
	}
}

/* The first line of it, in visible characters; no secret. */
static void
shows_what_is_no_reply(void **state)
{
	static const struct {
		const char *bytes;
		const char *why;
	} rows[] = {
	    {"hello\r\nagain\r\n", "hello"}, {"2x0 \033[2J", "2x0 \\x1b[2J"}};
	struct reply reply;
	struct error e;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		assert_int_equal(take(&reply, rows[i].bytes), -1);
		error_clear(&e);
		assert_int_equal(unasked_garbage(&e, &reply, &host, "EHLO",
				     text_of(rows[i].bytes)),
		    -1);
		assert_int_equal(e.kind, ERROR_PROTOCOL);
		assert_string_equal(e.doing, "EHLO");
		assert_string_equal(e.why, rows[i].why);
		reply.hidden = true;
		error_clear(&e);
		unasked_garbage(
		    &e, &reply, &host, "EHLO", text_of(rows[i].bytes));
		assert_null(strstr(e.why, rows[i].why));
		reply_clear(&reply);
	}
}

/* Only who closes may be asked again; the rest is told as what it is. */
static void
ends_a_session_in_its_words(void **state)
{
	struct reply reply;
	struct error e;

	(void)state;
	assert_int_equal(take(&reply, "421 4.3.2 going down\r\n"), 1);
	error_clear(&e);
	assert_int_equal(unasked_closing(&e, &reply, &host, "MAIL FROM"), -1);
	assert_int_equal(e.kind, ERROR_LATER);
	assert_int_equal(e.code, 421);
	assert_string_equal(e.why, "421 4.3.2 going down");
	error_clear(&e);
	assert_int_equal(
	    unasked_reply(&e, &reply, &host, "MAIL FROM", "a reply"), -1);
	assert_int_equal(e.kind, ERROR_PROTOCOL);
	assert_non_null(strstr(e.text, "sent a reply"));
	assert_string_equal(e.why, "421 4.3.2 going down");
	reply_clear(&reply);
	/* A part of one has no words yet. */
	assert_int_equal(take(&reply, "250-a"), 0);
	error_clear(&e);
	unasked_reply(&e, &reply, &host, "MAIL FROM", "a reply");
	assert_string_equal(e.why, "");
	reply_clear(&reply);
	error_clear(&e);
	assert_int_equal(unasked_before_tls(&e, &host), -1);
	assert_int_equal(e.kind, ERROR_PROTOCOL);
	assert_non_null(strstr(e.hint, "attack"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(finds_a_reply_too_many),
	    cmocka_unit_test(shows_what_is_no_reply),
	    cmocka_unit_test(ends_a_session_in_its_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
