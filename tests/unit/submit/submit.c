#include "../unit.h"

#include "job.h"

/* SMTPUTF8 by need, or because it was asked for. */
static void
other_alphabets(void **state)
{
	static const struct {
		const char *recipient;
		const char *message;
		bool smtputf8;
		const char *path;
		bool asked;
		const char *holds; /* in what is sent */
	} cases[] = {
	    {"a@b\xc3\xbc.example", WHOLE, false, "a@xn--b-eha.example", false,
		WHOLE},
	    {"a@b\xc3\xbc.example", WHOLE, true, "a@b\xc3\xbc.example", true,
		WHOLE},
	    {"\xc3\xb6@x", WHOLE, false, "\xc3\xb6@x", true, WHOLE},
	    {"\xc3\xb6@b\xc3\xbc.example", WHOLE, false,
		"\xc3\xb6@xn--b-eha.example", true, WHOLE},
	    {"\xc3\xb6@x", WHOLE, true, "\xc3\xb6@x", true, WHOLE},
	    {"a@x", WHOLE, true, "a@x", false, WHOLE},
	    {"a@x", WHOLE "Subject: \xc3\xb6\n", false, "a@x", false,
		"Subject: =?utf-8?B?w7Y=?=\r\n"},
	    {"a@x", WHOLE "Subject: \xc3\xb6\n", true, "a@x", true,
		"Subject: \xc3\xb6\r\n"},
	    {"a@x", WHOLE "Subject: \xf6\n", true, "a@x", false,
		"Subject: =?unknown-8bit?Q?=F6?=\r\n"},
	    {"\xc3\xb6@x", WHOLE "Subject: \xc3\xb6\n", false, "\xc3\xb6@x",
		true, "Subject: \xc3\xb6\r\n"},
	    {"a@x", WHOLE "Cc: \xc3\xb6@b\xc3\xbc.example\n", false, "a@x",
		true, "Cc: \xc3\xb6@xn--b-eha.example\r\n"},
	    {"a@x", WHOLE "Cc: \xc3\xb6 <a@b\xc3\xbc.example>\n", false, "a@x",
		false, "Cc: =?utf-8?B?w7Y=?= <a@xn--b-eha.example>\r\n"},
	    {"a@x", WHOLE "Bcc: \xc3\xb6@x\n", false, "a@x", false, WHOLE},
	};
	struct job j;
	char *message;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		job_init(&j, cases[i].message);
		j.request.reverse_path = mem_copy("a@x");
		j.request.smtputf8 = cases[i].smtputf8;
		job_recipient(&j, cases[i].recipient);
		assert_int_equal(job_run(&j), 0);
		expect_recipients(&j, cases[i].path);
		assert_int_equal(j.envelope.smtputf8, cases[i].asked);
		message = sent(j.message);
		assert_non_null(strstr(message, cases[i].holds));
		free(message);
		job_clear(&j);
	}
}

static void
wish_job(struct job *j)
{
	job_init(j, WHOLE "\nplain\n");
	job_recipient(j, "b@x, c@x");
	job_recipient(j, "b@x, d@x");
	j->request.reverse_path = mem_copy("a@x");
	j->account.dsn_notify = NOTIFY_FAILURE;
	j->account.dsn_return = RET_HDRS;
}

static void
wishes(void **state)
{
	struct job j;

	(void)state;
	wish_job(&j);
	j.request.requiretls = true;
	j.request.envid = mem_copy("id+1");
	assert_int_equal(job_run(&j), 0);
	assert_int_equal(j.envelope.recipients[2].notify, NOTIFY_FAILURE);
	assert_int_equal(j.envelope.ret, RET_HDRS);
	assert_int_equal(j.envelope.body, BODY_7BIT);
	assert_true(j.envelope.requiretls);
	assert_string_equal(j.envelope.envid, "id+2B1");
	job_clear(&j);
	wish_job(&j);
	j.request.notify = NOTIFY_NEVER;
	j.request.ret = RET_FULL;
	j.request.body_given = true;
	j.request.body = BODY_8BITMIME;
	assert_int_equal(job_run(&j), 0);
	assert_int_equal(j.envelope.recipients[2].notify, NOTIFY_NEVER);
	assert_int_equal(j.envelope.ret, RET_FULL);
	assert_int_equal(j.envelope.body, BODY_8BITMIME);
	job_clear(&j);
	wish_job(&j);
	j.request.envid = mem_copy("a\nb");
	assert_int_equal(job_run(&j), -1);
	assert_int_equal(j.error.kind, ERROR_USAGE);
	job_clear(&j);
}

static void
eight_bit_bytes_are_seen(void **state)
{
	static const struct {
		const char *message;
		bool smtputf8;
		enum envelope_body body;
	} cases[] = {
	    {WHOLE "\n\xc3\xb6\n", false, BODY_8BITMIME},
	    {WHOLE "Subject: \xff\n\nx\n", false, BODY_7BIT},
	    {WHOLE "Subject: \xc3\xb6\n\nx\n", false, BODY_7BIT},
	    {WHOLE "Subject: \xc3\xb6\n\nx\n", true, BODY_8BITMIME},
	};
	struct job j;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		job_init(&j, cases[i].message);
		j.request.reverse_path = mem_copy("a@x");
		j.request.smtputf8 = cases[i].smtputf8;
		j.request.body_given = true;
		j.request.body = BODY_7BIT;
		job_recipient(&j, "b@x");
		assert_int_equal(job_run(&j), 0);
		assert_int_equal(j.envelope.body, cases[i].body);
		job_clear(&j);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(other_alphabets),
	    cmocka_unit_test(wishes),
	    cmocka_unit_test(eight_bit_bytes_are_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
