#include "../unit.h"

#include "job.h"

/* The header as it is sent, for a recipient b@x, -f a@x.org and `domain
 * example.org'. */
static void
headers(void **state)
{
	static const struct {
		const char *message;
		const char *expected;
	} cases[] = {
	    /* Bcc, Resent-Bcc and Return-Path are dropped in every mode. */
	    {WHOLE "To: b@x\nBcc: c@x\n", WHOLE "To: b@x\r\n"},
	    {WHOLE "BCC : c@x\nTo: b@x\nbcc\t: d@x,\n e@x,\n\tf@x\n"
		   "Bcc:g@x\n",
		WHOLE "To: b@x\r\n"},
	    {"Bcc: a@x\r\nBcc: b@x\r\n" WHOLE "To: b@x\nBcc: a@x",
		WHOLE "To: b@x\r\n"},
	    {WHOLE "Resent-Bcc: c@x\nReturn-Path: <z@x>\nTo: b@x\n",
		WHOLE "To: b@x\r\n"},
	    {WHOLE "To: b@x\nX-Bcc: c@x\nBccc: y\n",
		WHOLE "To: b@x\r\nX-Bcc: c@x\r\nBccc: y\r\n"},
	    /* Missing ones are added. */
	    {"Subject: s\n",
		"Subject: s\r\n" FROM
		"To: undisclosed-recipients:;\r\n" DATE ID("x.org")},
	    {"body only",
		FROM "To: undisclosed-recipients:;\r\n" DATE ID("x.org")},
	    {"", FROM "To: undisclosed-recipients:;\r\n" DATE ID("x.org")},
	    {"Cc: b@x\n" WHOLE, "Cc: b@x\r\n" WHOLE},
	    {"Bcc: b@x\n" WHOLE, WHOLE "To: undisclosed-recipients:;\r\n"},
	    /* Empty ones are replaced, not doubled. */
	    {"From:\nDate: \nMessage-Id:\t\nTo: b@x\n",
		"To: b@x\r\n" FROM DATE ID("x.org")},
	    {"From:\n \n\t\nTo:\nCc: b@x\nDate: d\nMessage-ID: <i>\n",
		"Cc: b@x\r\nDate: d\r\nMessage-ID: <i>\r\n" FROM},
	    {"To:\nCc:\n" WHOLE, WHOLE "To: undisclosed-recipients:;\r\n"},
	    {"From:\nFrom: c@x\nTo: b@x\nDate: d\nMessage-ID: <i>\nSender:\n",
		"From: c@x\r\nTo: b@x\r\nDate: d\r\nMessage-ID: <i>\r\n"},
	    /* Bare names are completed, all other bytes stay. */
	    {"From: root (Cron Daemon)\nTo: joe,  \"J. R.\"\t<ann>,\n b@x\n"
	     "Date: d\nMessage-ID: <i>\n",
		"From: root@example.org (Cron Daemon)\r\n"
		"To: joe@example.org,  \"J. R.\"\t<ann@example.org>,\r\n b@x\r\n"
		"Date: d\r\nMessage-ID: <i>\r\n"},
	    {"From:Anacron <root>\nSender:root\nReply-To: G: a, b@x;\n"
	     "Cc: (c) root\nDate: d\nMessage-ID: <i>\n",
		"From: Anacron <root@example.org>\r\n"
		"Sender: root@example.org\r\n"
		"Reply-To: G: a@example.org, b@x;\r\n"
		"Cc: (c) root@example.org\r\nDate: d\r\n"
		"Message-ID: <i>\r\n"},
	    {"Resent-To: joe\nResent-From: \"joe\"\nTo: x\n" WHOLE,
		"Resent-To: joe@example.org\r\n"
		"Resent-From: \"joe\"@example.org\r\n"
		"To: x@example.org\r\n" WHOLE},
	    {"To: b@x\nSubject: root\nX-To: joe\n" WHOLE,
		"To: b@x\r\nSubject: root\r\nX-To: joe\r\n" WHOLE},
	    /* What is no address-list stays too. */
	    {"To: joe \"x\n" WHOLE, "To: joe \"x\r\n" WHOLE},
	    {"To: joe, a b c\n" WHOLE, "To: joe, a b c\r\n" WHOLE},
	    {"To: J\xc3\xb6rg <j@b\xc3\xbc.example>, joe\n" WHOLE,
		"To: =?utf-8?B?SsO2cmc=?= <j@xn--b-eha.example>, "
		"joe@example.org\r\n" WHOLE},
	    {"To: undisclosed-recipients:;\n" WHOLE,
		"To: undisclosed-recipients:;\r\n" WHOLE},
	};
	struct job j;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		job_init(&j, cases[i].message);
		j.account.domain = mem_copy("example.org");
		j.request.reverse_path = mem_copy("a@x.org");
		job_recipient(&j, "b@x");
		assert_int_equal(job_run(&j), 0);
		expect_sent(&j, cases[i].expected);
		job_clear(&j);
	}
}

static void
no_repairs_on_request(void **state)
{
	struct job j;

	(void)state;
	job_init(&j, "To: joe\nBcc: c@x\nDate:\n");
	j.account.domain = mem_copy("example.org");
	j.request.no_repairs = true;
	j.request.from_fields = true;
	assert_int_equal(job_run(&j), 0);
	expect_sent(&j, "To: joe\r\nDate:\r\n");
	expect_recipients(&j, "joe@example.org c@x");
	job_clear(&j);
}

static void
the_body_stays(void **state)
{
	struct job j;
	char *message;

	(void)state;
	job_init(&j, WHOLE "To: b@x\n\nBcc: c@x\nFrom:\n.\n\nTo: root\n");
	j.account.domain = mem_copy("example.org");
	job_recipient(&j, "b@x");
	assert_int_equal(job_run(&j), 0);
	message = sent(j.message);
	assert_string_equal(strstr(message, "\r\n\r\n") + 4,
	    "Bcc: c@x\r\nFrom:\r\n.\r\n\r\nTo: root\r\n");
	free(message);
	job_clear(&j);
}

static void
forced_froms(void **state)
{
	static const struct {
		const char *message;
		const char *expected;
	} cases[] = {
	    {"To: b@x\nFrom: Old <o@x>\n",
		"To: b@x\r\nReply-To: Old <o@x>\r\nFrom: New <n@x>\r\n"},
	    {"To: b@x\nFrom: o@x\nReply-To: r@x\n",
		"To: b@x\r\nReply-To: r@x\r\nFrom: New <n@x>\r\n"},
	    {"To: b@x\nFrom: o@x\nReply-To:\n",
		"To: b@x\r\nReply-To: o@x\r\nFrom: New <n@x>\r\n"},
	    {"To: b@x\nFrom: o\nFrom: p@x\n",
		"To: b@x\r\nReply-To: o@e.org\r\nFrom: New <n@x>\r\n"},
	    {"To: b@x\n", "To: b@x\r\nFrom: New <n@x>\r\n"},
	    {"To: b@x\nFrom:\n", "To: b@x\r\nFrom: New <n@x>\r\n"},
	    {"To: b@x\nFrom: Own Words <n@x>\n",
		"To: b@x\r\nFrom: Own Words <n@x>\r\n"},
	    {"To: b@x\nFrom: a b \"c\n", "To: b@x\r\nFrom: New <n@x>\r\n"},
	};
	struct job j;
	size_t i;
	char expected[400];

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		job_init(&j, cases[i].message);
		j.account.force_from = mem_copy("New <n@x>");
		j.account.domain = mem_copy("e.org");
		j.request.reverse_path = mem_copy("f@x");
		job_recipient(&j, "b@x");
		assert_int_equal(job_run(&j), 0);
		snprintf(expected, sizeof(expected), "%s" DATE ID("x"),
		    cases[i].expected);
		expect_sent(&j, expected);
		assert_string_equal(j.envelope.reverse_path, "n@x");
		job_clear(&j);
	}
}

static void
message_ids_leak_nothing(void **state)
{
	static const struct {
		const char *given;
		const char *message;
		const char *expected;
	} cases[] = {
	    {"a@x.org", "From: b@y.org\n", ID("x.org")},
	    {"<>", "From: b@y.org\n", ID("y.org")},
	    {"<>", "", ID("c.org")},
	    {"<>", "From: \"x\n", ID("localhost")},
	    {"a@[192.0.2.1]", "", ID("[192.0.2.1]")},
	};
	struct job j;
	size_t i;
	char *message;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		job_init(&j, cases[i].message);
		j.request.reverse_path = mem_copy(cases[i].given);
		j.account.from = mem_copy("c@c.org");
		job_recipient(&j, "b@x");
		assert_int_equal(job_run(&j), 0);
		message = sent(j.message);
		assert_non_null(strstr(message, cases[i].expected));
		assert_null(strstr(message, "box"));
		assert_null(strstr(message, "Received"));
		free(message);
		job_clear(&j);
	}
}

static void
mended_fields_are_noted(void **state)
{
	static const char message[] =
	    WHOLE "Subject: a\0b \xc3\xb6\nReferences: <\xc3\xb6@x>\n";
	struct job j;

	(void)state;
	job_init_text(&j, (struct text){message, sizeof(message) - 1});
	j.request.reverse_path = mem_copy("a@x");
	j.request.no_repairs = true;
	job_recipient(&j, "b@x");
	assert_int_equal(job_run(&j), 0);
	expect_sent(&j, WHOLE "Subject: ab =?utf-8?B?w7Y=?=\r\n"
			      "References: <??@x>\r\n");
	assert_int_equal(j.notes.count, 3);
	assert_non_null(strstr(j.notes.lines[0], "NUL"));
	assert_non_null(strstr(j.notes.lines[1], "encoded"));
	assert_non_null(strstr(j.notes.lines[2], "question mark"));
	job_clear(&j);
}

static void
a_nul_costs_no_mail(void **state)
{
	struct job j;

	(void)state;
	job_init_text(&j, TEXT("To: a@x\n\nb\0c\n"));
	j.request.reverse_path = mem_copy("a@x");
	job_recipient(&j, "b@x");
	assert_int_equal(job_run(&j), 0);
	assert_true(message_facts(j.message)->body_nul);
	job_clear(&j);
}

static void
dropped_return_paths_are_noted(void **state)
{
	struct job j;

	(void)state;
	job_init(&j, "Return-Path: <x@y>\n" WHOLE);
	j.request.reverse_path = mem_copy("a@x");
	job_recipient(&j, "b@x");
	assert_int_equal(job_run(&j), 0);
	assert_int_equal(j.notes.count, 1);
	assert_non_null(strstr(j.notes.lines[0], "Return-Path"));
	job_clear(&j);
}

/* Of a message of bob, who is no more than himself: what becomes of who is
 * named in it; the reverse-path is his, or null. */
static void
a_caller_is_named(void **state)
{
#define REST "Date: d\r\nMessage-ID: <i>\r\nTo: b@x\r\n"
#define BOB  "bob@example.org\r\n"
	static const struct caller bob = {
	    CALLER_USER, 1001, true, "bob", "Bob"};
	static const struct {
		const char *message;
		const char *expected;
		bool null;
	} cases[] = {
	    {"From: bob\r\n" REST, "From: " BOB REST, false},
	    {"From: B. <Bob@EXAMPLE.org>\r\n" REST,
		"From: B. <Bob@EXAMPLE.org>\r\n" REST, false},
	    /* cron. */
	    {"From: root (Cron Daemon)\r\n" REST,
		"From: root@example.org (Cron Daemon)\r\n" REST "Sender: " BOB,
		false},
	    {"From: alice@example.org\r\n" REST,
		"From: alice@example.org\r\n" REST "Sender: " BOB, true},
	    {"From: alice@example.org, bob@example.org\r\n" REST,
		"From: alice@example.org, bob@example.org\r\n" REST
		"Sender: " BOB,
		false},
	    {"From: bob\r\nFrom: alice\r\n" REST,
		"From: " BOB "From: alice@example.org\r\n" REST "Sender: " BOB,
		false},
	    {"From: a b c\r\n" REST, "From: a b c\r\n" REST "Sender: " BOB,
		false},
	    {"From: g:;\r\n" REST, "From: g:;\r\n" REST "Sender: " BOB, false},
	    /* He says so himself, of another, of both. */
	    {"From: alice@x\r\nSender: " BOB REST,
		"From: alice@x\r\nSender: " BOB REST, false},
	    {"Sender: alice@x\r\nFrom: " BOB REST, "From: " BOB REST, false},
	    {"Sender: alice@x\r\nSender: " BOB "From: alice@x\r\n" REST,
		"Sender: " BOB "From: alice@x\r\n" REST, false},
	    {"Sender: alice@x\r\nFrom: alice@x\r\n" REST,
		"From: alice@x\r\n" REST "Sender: " BOB, false},
	    /* What he sends on stays whole, and what another would. */
	    {"Resent-From: bob\r\nSender: list@x\r\nFrom: alice@x\r\n" REST,
		"Resent-From: " BOB "Sender: list@x\r\nFrom: alice@x\r\n" REST,
		false},
	    {"Resent-From: bob\r\nResent-Sender: alice@x\r\nFrom: alice@x\r\n"
	     "Resent-Sender: list@x\r\n" REST,
		"Resent-From: " BOB "From: alice@x\r\n"
		"Resent-Sender: list@x\r\n" REST,
		false},
	    {"Resent-From: bob\r\nResent-Sender: " BOB "From: alice@x\r\n" REST,
		"Resent-From: " BOB "Resent-Sender: " BOB
		"From: alice@x\r\n" REST,
		false},
	    {"Resent-From: alice@x\r\nFrom: alice@x\r\n" REST,
		"Resent-From: alice@x\r\nFrom: alice@x\r\n" REST "Sender: " BOB,
		false},
	    {"Resent-To: x@x\r\nFrom: alice@x\r\nResent-From: bob\r\n" REST,
		"Resent-To: x@x\r\nFrom: alice@x\r\nResent-From: " BOB REST
		"Sender: " BOB,
		false},
	};
	struct job j;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		job_init(&j, cases[i].message);
		j.caller = &bob;
		j.facts.login = "bob";
		j.account.domain = mem_copy("example.org");
		j.request.reverse_path =
		    mem_copy(cases[i].null ? "<>" : "bob@example.org");
		job_recipient(&j, "b@x");
		assert_int_equal(job_run(&j), 0);
		expect_sent(&j, cases[i].expected);
		job_clear(&j);
	}
}

/* `force-from' leaves him no say, and root may be anybody. */
static void
who_needs_no_name(void **state)
{
	static const struct caller bob = {
	    CALLER_USER, 1001, true, "bob", "Bob"};
	static const struct caller root = {CALLER_USER, 0, true, "root", ""};
	static const struct caller tcp = {.kind = CALLER_NETWORK};
	struct job j;

	(void)state;
	job_init(&j, "Sender: alice@x\r\nFrom: robot@x\r\n" REST);
	j.caller = &bob;
	j.account.force_from = mem_copy("robot@x");
	job_recipient(&j, "b@x");
	assert_int_equal(job_run(&j), 0);
	expect_sent(&j, "From: robot@x\r\n" REST);
	job_clear(&j);
	job_init(&j, "Sender: alice@x\r\nFrom: alice@x\r\n" REST);
	j.caller = &root;
	j.request.reverse_path = mem_copy("a@x");
	job_recipient(&j, "b@x");
	assert_int_equal(job_run(&j), 0);
	expect_sent(&j, "Sender: alice@x\r\nFrom: alice@x\r\n" REST);
	job_clear(&j);
	/* Of whom nothing is known but what he was let in as. */
	job_init(&j, "Sender: alice@x\r\nFrom: alice@x\r\n" REST);
	j.caller = &tcp;
	j.request.reverse_path = mem_copy("app@x");
	job_recipient(&j, "b@x");
	assert_int_equal(job_run(&j), 0);
	expect_sent(&j, "From: alice@x\r\n" REST "Sender: app@x\r\n");
	job_clear(&j);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(headers),
	    cmocka_unit_test(a_caller_is_named),
	    cmocka_unit_test(who_needs_no_name),
	    cmocka_unit_test(no_repairs_on_request),
	    cmocka_unit_test(the_body_stays),
	    cmocka_unit_test(forced_froms),
	    cmocka_unit_test(message_ids_leak_nothing),
	    cmocka_unit_test(mended_fields_are_noted),
	    cmocka_unit_test(a_nul_costs_no_mail),
	    cmocka_unit_test(dropped_return_paths_are_noted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
