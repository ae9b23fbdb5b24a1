#include "ticket.h"

static void
decide(struct ticket *t, size_t i, enum verdict verdict, const char *words)
{
	envelope_decide(&t->envelope.recipients[i], verdict,
	    words == NULL ? 0 : 550, (struct enhanced){5, 1, 1}, words);
}

/* A ticket in which nothing is as usual. */
static void
make_rich(struct ticket *t)
{
	struct envelope *env = &t->envelope;

	ticket_for_test(t, 6);
	t->all_or_none = true;
	free(t->account);
	t->account = mem_copy("my work+50%=\xc3\xa9");
	env->ret = RET_HDRS;
	env->envid = mem_copy("a+2Bb");
	env->body = BODY_8BITMIME;
	env->smtputf8 = env->requiretls = true;
	assert_int_equal(wishes_parse(TEXT("mt-priority=-3"), &env->wishes), 1);
	assert_int_equal(
	    wishes_parse(TEXT("deliver-by=3600;RT"), &env->wishes), 1);
	assert_int_equal(wishes_parse(TEXT("hold-for=60"), &env->wishes), 1);
	assert_int_equal(
	    wishes_parse(TEXT("hold-until=2026-11-24T00:00:00Z"), &env->wishes),
	    1);
	env->recipients[1].notify = NOTIFY_NEVER;
	env->recipients[2].notify =
	    NOTIFY_SUCCESS | NOTIFY_FAILURE | NOTIFY_DELAY;
	env->recipients[2].orcpt = mem_copy("rfc822;a+2Bb@x");
	decide(t, 1, VERDICT_DELIVERED, NULL);
	decide(t, 2, VERDICT_REFUSED, "550 5.1.1 No such user: \xc3\xa9 %+=");
	decide(t, 3, VERDICT_REFUSED, NULL);
	decide(t, 4, VERDICT_LATER, "451 wait");
	ticket_set_told(t, 2);
	assert_int_equal(
	    envelope_add(env, TEXT("\"a b+\"@x\xc3\xa9.example"), NULL), 1);
}

static const char rich[] =
    "sendlingq1 1234\n"
    "i 006b0374c6-6162636465666768696a6b6c\n"
    "a my+20work+2B50%+3D+C3+A9\n"
    "t 1795388614 1795820614\n"
    "u 1000 100\n"
    "m 8bitmime smtputf8 requiretls all-or-none ret=HDRS envid=a+2Bb "
    "mt-priority=-3 deliver-by=3600;RT hold-for=60 "
    "hold-until=2026-11-24T00:00:00Z\n"
    "s alice@example.org\n"
    "r o - - u0@example.org\n"
    "r d NEVER - u1@example.org\n"
    "r t SUCCESS,FAILURE,DELAY rfc822;a+2B2Bb@x u2@example.org 550 5.1.1 "
    "550 5.1.1 No such user: \xc3\xa9 %+=\n"
    "r f - - u3@example.org\n"
    "r o - - u4@example.org\n"
    "r o - - u5@example.org\n"
    "r o - - \"a+20b+2B\"@x+C3+A9.example\n"
    "\n";

static void
a_head_is_these_lines(void **state)
{
	struct ticket t;
	struct buf out;

	(void)state;
	make_rich(&t);
	buf_init(&out, 10000);
	assert_int_equal(ticket_format_head(&t, &out), 0);
	assert_string_equal(buf_string(&out), rich);
	buf_clear(&out);
	ticket_clear(&t);
}

static void
a_head_is_read_as_it_was_written(void **state)
{
	struct text bytes = TEXT(rich);
	struct ticket t;
	struct error e;
	struct buf out;
	size_t len = 0;

	(void)state;
	error_clear(&e);
	ticket_init(&t);
	assert_int_equal(ticket_parse_head(bytes, &t, &len, &e), 0);
	assert_int_equal(len, bytes.len);
	assert_string_equal(t.account, "my work+50%=\xc3\xa9");
	assert_int_equal(t.envelope.recipients[2].reply->code, 550);
	assert_string_equal(t.envelope.recipients[2].orcpt, "rfc822;a+2Bb@x");
	assert_true(ticket_is_told(&t, 2));
	assert_false(ticket_is_told(&t, 3));
	buf_init(&out, 10000);
	assert_int_equal(ticket_format_head(&t, &out), 0);
	assert_string_equal(buf_string(&out), rich);
	buf_clear(&out);
	ticket_clear(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_head_is_these_lines),
	    cmocka_unit_test(a_head_is_read_as_it_was_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
