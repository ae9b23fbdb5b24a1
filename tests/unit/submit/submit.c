#include "../unit.h"

#include <time.h>

#include "../parse.h"
#include "base/crypt.h"
#include "base/mem.h"
#include "config/keyword.h"
#include "submit/sender.h"
#include "submit/submit.h"

/* What is added where all is missing, for these facts. */
#define DATE   "Date: Mon, 23 Nov 2026 00:03:34 +0100\r\n"
#define ID(at) "Message-ID: <000102030405060708090a0b0c0d0e0f@" at ">\r\n"
#define FROM   "From: a@x.org\r\n"
#define WHOLE  FROM "Date: d\r\nMessage-ID: <i>\r\n"

static const struct facts facts = {
    .login = "alice",
    .full_name = "",
    .host = "box.internal.example",
    .now = {1795388614, 60},
    .random = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
};

/* One submission and all that it needs; taken down by drop(). */
struct job {
	struct request request;
	struct facts facts;
	struct account account;
	struct message *message;
	struct envelope envelope;
	struct notes notes;
	struct error error;
	struct submit_aliases aliases; /* none without open() */
};

static void
job_init_text(struct job *j, struct text message)
{
	memset(j, 0, sizeof(*j));
	j->facts = facts;
	envelope_init(&j->envelope);
	j->message = parse(message);
}

static void
job_init(struct job *j, const char *message)
{
	job_init_text(j, text_of(message));
}

static void
job_recipient(struct job *j, const char *list)
{
	*mem_push(j->request.recipients, j->request.recipient_count) =
	    (struct request_recipient){.list = mem_copy(list)};
}

static int
job_run(struct job *j)
{
	struct submission s = {.request = &j->request,
	    .facts = &j->facts,
	    .account = &j->account,
	    .aliases = j->aliases.open == NULL ? NULL : &j->aliases,
	    .message = j->message,
	    .envelope = &j->envelope,
	    .notes = &j->notes};

	return submit(&s, &j->error);
}

static void
job_clear(struct job *j)
{
	request_clear(&j->request);
	keyword_clear(&j->account);
	envelope_clear(&j->envelope);
	notes_clear(&j->notes);
	message_free(j->message);
}

/* The message as it would be sent; the caller frees it. */
static char *
sent(struct message *m)
{
	struct buf out;

	buf_init(&out, SIZE_MAX / 4);
	read_all(m, 4096, &out);
	return buf_take(&out);
}

static void
expect_sent(struct job *j, const char *header)
{
	char *message = sent(j->message), *end;

	end = strstr(message, "\r\n\r\n");
	assert_non_null(end);
	end[2] = '\0';
	assert_string_equal(message, header);
	free(message);
}

/* "a@b c@d" */
static void
expect_recipients(const struct job *j, const char *expected)
{
	char paths[2000] = "";
	size_t i;

	for (i = 0; i < j->envelope.count; i++) {
		if (i > 0)
			strlcat(paths, " ", sizeof(paths));
		strlcat(paths, j->envelope.recipients[i].path, sizeof(paths));
	}
	assert_string_equal(paths, expected);
}

/* Recipients from the fields and from one argument (or none). */
static void
recipients(void **state)
{
	static const struct {
		const char *message;
		const char *argument;
		bool from_fields;
		const char *expected;
		enum error_kind kind;
	} cases[] = {
	    {"To: a@x\n", NULL, true, "a@x", 0},
	    {"To: a@x, b@x\nCc: c@x\nBcc: d@x\n", NULL, true, "a@x b@x c@x d@x",
		0},
	    {"To: a@x,\n\tb@x\nTo: c@x\n", NULL, true, "a@x b@x c@x", 0},
	    {"To: a@x\n", "b@x,c@x", true, "b@x c@x a@x", 0},
	    {"To: a@x\n", "a@X", true, "a@X", 0},
	    {"To: a@x\n", "A@x", true, "A@x a@x", 0},
	    {"To: a@x\n", "b@x", false, "b@x", 0},
	    {"Bcc: a@x\n", "b@x", false, "b@x", 0},
	    {"To: G: a@x, b@x;, \"c, d\" <e@x>\n", NULL, true, "a@x b@x e@x",
		0},
	    {"To: Name (a (nested, b@x)) <c@x>\n", NULL, true, "c@x", 0},
	    {"To: =?utf-8?q?a,_b?= <c@x>\n", NULL, true, "c@x", 0},
	    {"To: <@relay:c@x>\n", NULL, true, "c@x", 0},
	    {"To: \"a b\"@x\n", NULL, true, "\"a b\"@x", 0},
	    {"To: undisclosed-recipients:;\nCc: a@x\n", NULL, true, "a@x", 0},
	    {"To: -rf@x\n", NULL, true, "-rf@x", 0},
	    {"To: root (Charlie)\n", NULL, true, "root@example.org", 0},
	    {"bcc\t: a@x\n", NULL, true, "a@x", 0},
	    {"Subject: s\n\nTo: a@x\n", NULL, true, "", ERROR_MESSAGE},
	    {"Subject: s\n", NULL, false, "", ERROR_USAGE},
	    {"Subject: s\n", "", false, "", ERROR_USAGE},
	    {"To: undisclosed-recipients:;\n", NULL, true, "", ERROR_MESSAGE},
	    {"To: a@x b@x\n", NULL, true, "", ERROR_MESSAGE},
	    {"To: \"a@x\n", NULL, true, "", ERROR_MESSAGE},
	    {"To: a@x, <>\n", NULL, true, "a@x", ERROR_MESSAGE},
	    {"", "a@x\nRCPT TO:<b@x>", false, "", ERROR_MESSAGE},
	    {"", "a@x\r\n", false, "", ERROR_MESSAGE},
	    {"", "a@x> SIZE=1", false, "", ERROR_MESSAGE},
	    {"", "a@b@c", false, "", ERROR_MESSAGE},
	    {"", "@x", false, "", ERROR_MESSAGE},
	    {"", "|cmd", false, "", ERROR_MESSAGE},
	    {"", "\"|cmd args\"", false, "", ERROR_MESSAGE},
	    {"", "/var/mail/x", false, "", ERROR_MESSAGE},
	    {"", ":include:/etc/shadow", false, "", ERROR_MESSAGE},
	    {"", "/C=de/S=x/@gate.example", false, "/C=de/S=x/@gate.example",
		0},
	    /* Resent: the topmost block and nothing else. */
	    {"Resent-To: r@x\nTo: a@x\nBcc: b@x\n", NULL, true, "r@x", 0},
	    {"Resent-To: r@x\nResent-Cc: s@x\nResent-Bcc: t@x\nTo: a@x\n", NULL,
		true, "r@x s@x t@x", 0},
	    {"Resent-To: r@x\nReceived: y\nResent-To: s@x\nTo: a@x\n", NULL,
		true, "r@x", 0},
	    {"Resent-From: me@x\nResent-To: r@x\nResent-From: old@x\n"
	     "Resent-To: s@x\n",
		NULL, true, "r@x", 0},
	    {"Resent-To: r@x\nReceived: y\nResent-Cc: s@x\nTo: a@x\n", NULL,
		true, "r@x", 0},
	    {"Received: z\nResent-To: r@x\nTo: a@x\n", "b@x", true, "b@x r@x",
		0},
	    {"Resent-From: r@x\nTo: a@x\n", NULL, true, "", ERROR_MESSAGE},
	};
	struct job j;
	size_t i;
	int result;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		job_init(&j, cases[i].message);
		j.account.domain = mem_copy("example.org");
		j.request.from_fields = cases[i].from_fields;
		if (cases[i].argument != NULL)
			job_recipient(&j, cases[i].argument);
		result = job_run(&j);
		assert_int_equal(j.error.kind, cases[i].kind);
		assert_int_equal(result, cases[i].kind == 0 ? 0 : -1);
		expect_recipients(&j, cases[i].expected);
		assert_false(text_has_control(text_of(j.error.text)));
		job_clear(&j);
	}
}

static void
faults_name_field_and_text(void **state)
{
	struct job j;

	(void)state;
	job_init(&j, "To: a@x\nCc: good@x, bad name@x, c@x\n");
	j.request.from_fields = true;
	assert_int_equal(job_run(&j), -1);
	assert_string_equal(j.error.doing, "the Cc field");
	assert_non_null(strstr(j.error.text, "name@x"));
	job_clear(&j);
}

static void
bare_names_need_a_domain(void **state)
{
	struct job j;

	(void)state;
	job_init(&j, WHOLE "To: root\n");
	j.request.from_fields = true;
	assert_int_equal(job_run(&j), -1);
	assert_int_equal(j.error.kind, ERROR_RECIPIENT);
	assert_non_null(strstr(j.error.text, "`root'"));
	assert_non_null(strstr(j.error.hint, "`domain'"));
	job_clear(&j);
	/* The fields alone may stay bare. */
	job_init(&j, WHOLE "To: root\n");
	j.request.reverse_path = mem_copy("a@x.org");
	job_recipient(&j, "b@x");
	assert_int_equal(job_run(&j), 0);
	expect_sent(&j, FROM "Date: d\r\nMessage-ID: <i>\r\nTo: root\r\n");
	job_clear(&j);
}

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
reverse_paths(void **state)
{
	static const struct {
		const char *given; /* -f */
		const char *from;
		const char *force;
		const char *message;
		bool from_header;
		const char *domain;
		const char *expected;
		enum error_kind kind;
	} cases[] = {
	    {"a@x", NULL, NULL, "", false, NULL, "a@x", 0},
	    {"Name (c) <a@x>", "c@d", NULL, "", false, NULL, "a@x", 0},
	    {"", "c@d", NULL, "", false, NULL, "", 0},
	    {"<>", "c@d", NULL, "", false, NULL, "", 0},
	    {" < > ", "c@d", NULL, "", false, NULL, "", 0},
	    {"joe", NULL, NULL, "", false, "example.org", "joe@example.org", 0},
	    {"joe", NULL, NULL, "", false, NULL, "", ERROR_CONFIG},
	    {NULL, "joe", NULL, "", false, NULL, "", ERROR_CONFIG},
	    {NULL, "c@d", NULL, "From: z@x\n", true, NULL, "c@d", 0},
	    {NULL, NULL, NULL, "From: z@x\n", true, "e.org", "z@x", 0},
	    {NULL, NULL, NULL, "From: Z <z>, y@x\n", true, "e.org", "z@e.org",
		0},
	    {NULL, NULL, NULL, "From: z@x\n", false, "e.org", "alice@e.org", 0},
	    {NULL, NULL, NULL, "From:\n", true, "e.org", "alice@e.org", 0},
	    {NULL, NULL, NULL, "", true, "e.org", "alice@e.org", 0},
	    {NULL, NULL, NULL, "From: z@x\n", false, NULL, "", ERROR_CONFIG},
	    {NULL, NULL, NULL, "From: a b c\n", true, "e.org", "",
		ERROR_MESSAGE},
	    {NULL, NULL, NULL, "Resent-From: me@x\nFrom: z@x\n", true, "e.org",
		"me@x", 0},
	    {"a@x", "c@d", "f@g", "From: z@x\n", true, NULL, "f@g", 0},
	    {NULL, "%U@%D", NULL, "", false, "e.org", "alice@e.org", 0},
	    {NULL, "%U%%h@%H", NULL, "", false, NULL,
		"alice%h@box.internal.example", 0},
	    {NULL, NULL, "%U+x@%D", "", false, "e.org", "alice+x@e.org", 0},
	    {NULL, "Al <%U@e.org>", NULL, "", false, NULL, "alice@e.org", 0},
	    {NULL, "a b", NULL, "", false, NULL, "", ERROR_CONFIG},
	    {NULL, "", NULL, "", false, NULL, "", ERROR_CONFIG},
	    {NULL, NULL, "<>", "", false, NULL, "", ERROR_CONFIG},
	    {"a@x\r\nRCPT TO:<b@x>", NULL, NULL, "", false, NULL, "",
		ERROR_MESSAGE},
	    {"a@b> SIZE=1 AUTH=<x", NULL, NULL, "", false, NULL, "",
		ERROR_MESSAGE},
	    {"a@x\n", NULL, NULL, "", false, NULL, "", ERROR_MESSAGE},
	    {"\r\n", NULL, NULL, "", false, NULL, "", ERROR_MESSAGE},
	    {"a@x,b@x", NULL, NULL, "", false, NULL, "", ERROR_MESSAGE},
	    {"a\x01@x", NULL, NULL, "", false, NULL, "", ERROR_MESSAGE},
	    {"-x@y", NULL, NULL, "", false, NULL, "-x@y", 0},
	};
	struct job j;
	size_t i;
	int result;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		job_init(&j, cases[i].message);
		j.request.reverse_path = mem_copy(cases[i].given);
		j.account.from = mem_copy(cases[i].from);
		j.account.force_from = mem_copy(cases[i].force);
		j.account.domain = mem_copy(cases[i].domain);
		if (cases[i].from_header)
			j.account.from_header = SWITCH_YES;
		j.request.no_repairs = true;
		job_recipient(&j, "b@x");
		result = job_run(&j);
		assert_int_equal(j.error.kind, cases[i].kind);
		assert_int_equal(result, cases[i].kind == 0 ? 0 : -1);
		assert_string_equal(j.envelope.reverse_path, cases[i].expected);
		assert_false(text_has_control(text_of(j.error.text)));
		job_clear(&j);
	}
}

static void
bare_senders_are_the_configurations_fault(void **state)
{
	static const struct {
		const char *given;
		const char *doing;
		const char *hint;
	} cases[] = {
	    {NULL, "the login name",
		"`from you@example.org' or `domain example.org'"},
	    {"joe", "option -f", "`domain example.org'"},
	};
	struct job j;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		job_init(&j, WHOLE);
		j.request.reverse_path = mem_copy(cases[i].given);
		job_recipient(&j, "b@x");
		assert_int_equal(job_run(&j), -1);
		assert_int_equal(j.error.kind, ERROR_CONFIG);
		assert_string_equal(j.error.doing, cases[i].doing);
		assert_non_null(strstr(j.error.hint, cases[i].hint));
		job_clear(&j);
	}
}

static void
the_login_may_be_odd(void **state)
{
	static const struct {
		const char *login;
		const char *expected; /* NULL: refused */
	} cases[] = {
	    {"EXAMPLE\\alice", "\"EXAMPLE\\\\alice\"@e.org"},
	    {"a b", "\"a b\"@e.org"},
	    {"al.ice", "al.ice@e.org"},
	    {"a@b", "\"a@b\"@e.org"},
	    {"a\r\nb", NULL},
	};
	struct job j;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		job_init(&j, "");
		j.facts.login = cases[i].login;
		j.account.domain = mem_copy("e.org");
		job_recipient(&j, "b@x");
		assert_int_equal(
		    job_run(&j), cases[i].expected == NULL ? -1 : 0);
		if (cases[i].expected != NULL)
			assert_string_equal(
			    j.envelope.reverse_path, cases[i].expected);
		job_clear(&j);
	}
}

static void
hints(void **state)
{
	static const struct {
		const char *given;
		const char *message;
		const char *expected;
	} cases[] = {
	    {"a@x", "From: b@x\n", "a@x"},
	    {"N <a@x>", "", "a@x"},
	    {NULL, "From: B <b@x>, c@x\n", "b@x"},
	    {NULL, "From: root (Cron)\n", "root"},
	    {NULL, "From:\nFrom: b@x\n", "b@x"},
	    {NULL, "Resent-From: r@x\nFrom: b@x\n", "r@x"},
	    {"", "From: b@x\n", "b@x"},
	    {"<>", "", ""},
	    {"a b", "", ""},
	    {NULL, "From: \"x\n", ""},
	    {NULL, "", ""},
	};
	struct buf out;
	struct job j;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		job_init(&j, cases[i].message);
		j.request.reverse_path = mem_copy(cases[i].given);
		buf_init(&out, 1000);
		sender_hint(&j.request, j.message, &out);
		assert_string_equal(buf_string(&out), cases[i].expected);
		buf_clear(&out);
		job_clear(&j);
	}
}

static const char *
from_of(struct job *j)
{
	static char value[2000];
	struct message_field *f = message_find(j->message, "From");

	assert_non_null(f);
	snprintf(
	    value, sizeof(value), "%.*s", TEXT_ARG(text_trim(f->field.value)));
	return value;
}

static void
full_names(void **state)
{
	static const struct {
		const char *option; /* -F */
		const char *from;
		const char *keyword; /* full-name */
		const char *facts;
		const char *expected;
	} cases[] = {
	    {NULL, NULL, NULL, "", "a@x"},
	    {NULL, NULL, NULL, "Alice Example", "Alice Example <a@x>"},
	    {NULL, NULL, "The %U", "Alice", "The alice <a@x>"},
	    {"Bob", NULL, "The %U", "Alice", "Bob <a@x>"},
	    {"", NULL, "The %U", "Alice", "a@x"},
	    {"Bob B. (x)", NULL, NULL, "", "\"Bob B. (x)\" <a@x>"},
	    {"a\"b\\c", NULL, NULL, "", "\"a\\\"b\\\\c\" <a@x>"},
	    {"x,y@z <b@x>", NULL, NULL, "", "\"x,y@z <b@x>\" <a@x>"},
	    {NULL, NULL, NULL, "A\r\nBcc: e@x", "\"A  Bcc: e@x\" <a@x>"},
	    {"J\xc3\xb6rg", NULL, NULL, "", "=?utf-8?B?SsO2cmc=?= <a@x>"},
	    {NULL, NULL, NULL, "J\xf6rg", "=?unknown-8bit?Q?J=F6rg?= <a@x>"},
	    {"=?utf-8?B?DQo=?=", NULL, NULL, "",
		"=?utf-8?B?PT91dGYtOD9CP0RRbz0/PQ==?= <a@x>"},
	    {"=?x\xc3\xb6", NULL, NULL, "", "=?utf-8?B?PT94w7Y=?= <a@x>"},
	};
	struct job j;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		job_init(&j, "");
		j.request.reverse_path = mem_copy("a@x");
		j.request.full_name = mem_copy(cases[i].option);
		j.account.from = mem_copy(cases[i].from);
		j.account.full_name = mem_copy(cases[i].keyword);
		j.facts.full_name = cases[i].facts;
		job_recipient(&j, "b@x");
		assert_int_equal(job_run(&j), 0);
		assert_string_equal(from_of(&j), cases[i].expected);
		job_clear(&j);
	}
}

static void
configured_phrases(void **state)
{
	static const struct {
		const char *from;
		const char *option;
		const char *expected;
	} cases[] = {
	    {"Al <a@x>", NULL, "Al <a@x>"},
	    {"\"A. \\\"B\\\"\" <a@x>", NULL, "\"A. \\\"B\\\"\" <a@x>"},
	    {"=?utf-8?q?=C3=B6?= <a@x>", NULL, "=?utf-8?q?=C3=B6?= <a@x>"},
	    {"\"J\xc3\xb6rg\" <a@x>", NULL, "=?utf-8?B?SsO2cmc=?= <a@x>"},
	    {"Al <a@x>", "Bo", "Bo <a@x>"},
	};
	struct job j;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		job_init(&j, "");
		j.request.full_name = mem_copy(cases[i].option);
		j.account.from = mem_copy(cases[i].from);
		job_recipient(&j, "b@x");
		assert_int_equal(job_run(&j), 0);
		assert_string_equal(from_of(&j), cases[i].expected);
		job_clear(&j);
	}
}

/* Every length, so that a fold falls on every place of the name: our own
 * output is read again and must hold the same fields. */
static void
names_inject_nothing(void **state)
{
	static const char *const pieces[] = {"x Bcc: e@x", "\xc3\xb6",
	    "\xf0\x9f\x98\x80", "=?q", "\xff", "\"", ": "};
	struct job j;
	struct message *again;
	char name[301], *message;
	size_t piece, len, fill;

	(void)state;
	for (piece = 0; piece < COUNT(pieces); piece++)
		for (len = 0; len < 120; len++) {
			memset(name, 0, sizeof(name));
			for (fill = 0; fill < len; fill++)
				name[fill] = 'a';
			while (strlcat(name, pieces[piece], 200) < 180)
				continue;
			job_init(&j, "");
			j.request.reverse_path = mem_copy("a@x");
			j.request.full_name = mem_copy(name);
			job_recipient(&j, "b@x");
			assert_int_equal(job_run(&j), 0);
			message = sent(j.message);
			again = parse(text_of(message));
			assert_int_equal(message_field_count(again), 4);
			assert_null(message_find(again, "Bcc"));
			assert_false(message_facts(again)->header_8bit);
			free(message);
			message_free(again);
			job_clear(&j);
		}
}

/* One line of a folded From: an encoded word, or the address. */
static void
check_word(struct text line, struct buf *decoded)
{
	static const char mark[] = "=?utf-8?B?";
	const char *word = memmem(line.at, line.len, mark, strlen(mark));
	size_t before = decoded->len;
	struct text base64;

	assert_in_range(line.len, 1, 76);
	if (word == NULL)
		return;
	base64 = text_skip(line, (size_t)(word - line.at) + strlen(mark));
	base64 = text_first(base64, text_find(base64, '?'));
	assert_int_equal(crypt_unbase64(base64, decoded), 0);
	assert_true(text_is_utf8(text_skip(buf_text(decoded), before)));
}

static void
encoded_words_are_short_and_whole(void **state)
{
	static const char *const units[] = {
	    "\xc3\xb6", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "a\xe2\x82\xac"};
	struct job j;
	struct text rest, line;
	struct buf decoded;
	char name[301];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(units); i++) {
		strlcpy(name, "x", sizeof(name));
		while (strlen(name) + strlen(units[i]) < sizeof(name))
			strlcat(name, units[i], sizeof(name));
		job_init(&j, "");
		j.request.reverse_path = mem_copy("a@x");
		j.request.full_name = mem_copy(name);
		job_recipient(&j, "b@x");
		assert_int_equal(job_run(&j), 0);
		buf_init(&decoded, sizeof(name));
		rest = message_find(j.message, "From")->field.raw;
		while (text_next_line(&rest, &line))
			check_word(line, &decoded);
		assert_string_equal(buf_string(&decoded), name);
		buf_clear(&decoded);
		job_clear(&j);
	}
}

static void
bad_names_are_refused(void **state)
{
	char longest[302];
	struct job j;

	(void)state;
	job_init(&j, "");
	j.request.reverse_path = mem_copy("a@x");
	j.request.full_name = mem_copy("x\nBcc: e@x");
	job_recipient(&j, "b@x");
	assert_int_equal(job_run(&j), -1);
	assert_int_equal(j.error.kind, ERROR_USAGE);
	error_clear(&j.error);
	memset(longest, 'a', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	free(j.request.full_name);
	j.request.full_name = mem_copy(longest);
	assert_int_equal(job_run(&j), -1);
	assert_int_equal(j.error.kind, ERROR_USAGE);
	error_clear(&j.error);
	free(j.request.full_name);
	j.request.full_name = NULL;
	j.account.full_name = mem_copy(longest);
	assert_int_equal(job_run(&j), -1);
	assert_int_equal(j.error.kind, ERROR_CONFIG);
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
wishes_for_single_recipients(void **state)
{
	static char orcpt[] = "rfc822;old+2Bx@x";
	const struct recipient *r;
	struct job j;

	(void)state;
	wish_job(&j);
	j.request.recipients[0].notify = NOTIFY_SUCCESS | NOTIFY_DELAY;
	j.request.recipients[1].orcpt = mem_copy(orcpt);
	assert_int_equal(job_run(&j), 0);
	expect_recipients(&j, "b@x c@x d@x");
	r = j.envelope.recipients;
	assert_int_equal(r[0].notify, NOTIFY_SUCCESS | NOTIFY_DELAY);
	assert_string_equal(r[0].orcpt, "rfc822;b@x");
	assert_int_equal(r[1].notify, NOTIFY_SUCCESS | NOTIFY_DELAY);
	assert_int_equal(r[2].notify, NOTIFY_FAILURE);
	assert_string_equal(r[2].orcpt, orcpt);
	job_clear(&j);
}

/* A file of aliases, and how often it was asked for. */
struct aliases {
	struct alias_map *map;
	unsigned opened;
};

static int
open_aliases(void *arg, const struct alias_map **map, struct error *e)
{
	struct aliases *a = arg;

	a->opened++;
	if (a->map == NULL)
		return error_set(e, ERROR_CONFIG, "aliases", "broken");
	*map = a->map;
	return 0;
}

static int
read_list(void *arg, const char *path, struct buf *out, struct error *e)
{
	(void)arg;
	(void)e;
	assert_string_equal(path, "/list");
	return buf_add_string(out, "carol@x\nDan\n");
}

static void
job_aliases(struct job *j, struct aliases *a)
{
	static const struct alias_source source = {read_list, NULL};
	static const char file[] = "root: alice@x, Bob\n"
				   "bob: bob@y\n"
				   "all: :include:/list, root@LOCALHOST\n"
				   "self: self, self@backup.example\n"
				   "pipe: |sh\n"
				   "far: far@example.org\n";

	a->map = alias_new();
	a->opened = 0;
	assert_int_equal(
	    alias_parse(a->map, "aliases", text_of(file), &j->error), 0);
	j->aliases = (struct submit_aliases){open_aliases, a, &source};
}

static void
aliases_stand_for_local_recipients(void **state)
{
	static const struct {
		const char *argument;
		const char *expected;
		unsigned opened;
		bool no_aliases;
		enum error_kind kind;
	} cases[] = {
	    {"root", "alice@x bob@y", 1, false, 0},
	    {"root@localhost", "alice@x bob@y", 1, false, 0},
	    {"ROOT@LocalHost", "alice@x bob@y", 1, false, 0},
	    {"root@box.internal.example", "alice@x bob@y", 1, false, 0},
	    {"root@Example.ORG", "alice@x bob@y", 1, false, 0},
	    {"Root (Charlie) <root>", "alice@x bob@y", 1, false, 0},
	    {"root@x", "root@x", 0, false, 0},
	    {"root@sub.example.org", "root@sub.example.org", 0, false, 0},
	    {"root@localhost.example", "root@localhost.example", 0, false, 0},
	    {"alice@x, c@y", "alice@x c@y", 0, false, 0},
	    {"root, alice@X, bob", "alice@x bob@y", 2, false, 0},
	    {"all", "carol@x Dan@example.org alice@x bob@y", 1, false, 0},
	    {"self", "self@example.org self@backup.example", 1, false, 0},
	    {"far@example.org", "far@example.org", 1, false, 0},
	    {"nobody", "nobody@example.org", 1, false, 0},
	    {"nobody@localhost", "nobody@localhost", 1, false, 0},
	    {"root", "root@example.org", 0, true, 0},
	    {"c@y, pipe", "c@y", 1, false, ERROR_CONFIG},
	    {"|sh", "", 0, false, ERROR_MESSAGE},
	};
	struct aliases a;
	struct job j;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		job_init(&j, WHOLE "To: root\n");
		job_aliases(&j, &a);
		j.account.domain = mem_copy("example.org");
		j.request.no_aliases = cases[i].no_aliases;
		job_recipient(&j, cases[i].argument);
		assert_int_equal(job_run(&j), cases[i].kind == 0 ? 0 : -1);
		assert_int_equal(j.error.kind, cases[i].kind);
		expect_recipients(&j, cases[i].expected);
		assert_int_equal(a.opened, cases[i].opened);
		if (cases[i].kind == 0)
			expect_sent(&j, WHOLE "To: root@example.org\r\n");
		alias_free(a.map);
		job_clear(&j);
	}
}

static void
aliases_of_fields(void **state)
{
	struct aliases a;
	struct job j;

	(void)state;
	job_init(&j, WHOLE "To: root, c@y\nBcc: all\n");
	job_aliases(&j, &a);
	j.account.domain = mem_copy("example.org");
	j.request.from_fields = true;
	assert_int_equal(job_run(&j), 0);
	expect_recipients(&j, "alice@x bob@y c@y carol@x Dan@example.org");
	alias_free(a.map);
	job_clear(&j);
}

static void
bare_names_need_an_alias_or_a_domain(void **state)
{
	struct aliases a;
	struct job j;

	(void)state;
	job_init(&j, WHOLE);
	job_aliases(&j, &a);
	j.request.reverse_path = mem_copy("a@x.org");
	job_recipient(&j, "root");
	assert_int_equal(job_run(&j), 0);
	expect_recipients(&j, "alice@x bob@y");
	job_recipient(&j, "all");
	assert_int_equal(job_run(&j), -1);
	assert_int_equal(j.error.kind, ERROR_RECIPIENT);
	assert_string_equal(j.error.doing, "aliases");
	assert_non_null(strstr(j.error.text, "`Dan'"));
	error_clear(&j.error);
	strlcpy(j.request.recipients[1].list, "nob", 4);
	assert_int_equal(job_run(&j), -1);
	assert_int_equal(j.error.kind, ERROR_RECIPIENT);
	assert_non_null(strstr(j.error.text, "`nob'"));
	assert_non_null(strstr(j.error.hint, "`domain'"));
	assert_non_null(strstr(j.error.hint, "`aliases'"));
	alias_free(a.map);
	job_clear(&j);
}

static void
broken_aliases_stop_local_mail_only(void **state)
{
	struct aliases a = {.map = NULL};
	struct job j;

	(void)state;
	job_init(&j, WHOLE);
	j.aliases = (struct submit_aliases){open_aliases, &a, NULL};
	j.request.reverse_path = mem_copy("a@x.org");
	job_recipient(&j, "c@y");
	assert_int_equal(job_run(&j), 0);
	job_recipient(&j, "root");
	assert_int_equal(job_run(&j), -1);
	assert_int_equal(j.error.kind, ERROR_CONFIG);
	assert_string_equal(j.error.text, "broken");
	job_clear(&j);
}

/* RFC 3461 section 5.2.7: wishes stay with what a recipient expands to. */
static void
original_recipients_stay(void **state)
{
	static char given[] = "rfc822;old+2Bx@x";
	static const struct {
		const char *argument;
		unsigned own; /* of the recipient */
		const char *given;
		unsigned notify; /* of the whole request */
		unsigned wished;
		const char *orcpt;
	} cases[] = {
	    {"c@y", NOTIFY_SUCCESS, NULL, 0, NOTIFY_SUCCESS, "rfc822;c@y"},
	    {"c@y", 0, NULL, NOTIFY_DELAY, NOTIFY_DELAY, "rfc822;c@y"},
	    {"c@y", 0, NULL, NOTIFY_NEVER, NOTIFY_NEVER, "rfc822;c@y"},
	    {"c@y", 0, NULL, 0, 0, NULL},
	    {"c@y", 0, given, 0, 0, given},
	    {"c@y", NOTIFY_DELAY, given, NOTIFY_NEVER, NOTIFY_DELAY, given},
	    {"a+b=c@y", NOTIFY_DELAY, NULL, 0, NOTIFY_DELAY,
		"rfc822;a+2Bb+3Dc@y"},
	    {"\"a b\"@y", NOTIFY_DELAY, NULL, 0, NOTIFY_DELAY,
		"rfc822;\"a+20b\"@y"},
	    {"b\xc3\xbc@y", NOTIFY_DELAY, NULL, 0, NOTIFY_DELAY, NULL},
	    {"c@b\xc3\xbc.example", NOTIFY_DELAY, NULL, 0, NOTIFY_DELAY,
		"rfc822;c@xn--b-eha.example"},
	    {"root", NOTIFY_DELAY, NULL, 0, NOTIFY_DELAY,
		"rfc822;root@example.org"},
	    {"Root@localhost", NOTIFY_DELAY, NULL, 0, NOTIFY_DELAY,
		"rfc822;Root@localhost"},
	    {"root", NOTIFY_DELAY, given, 0, NOTIFY_DELAY, given},
	    {"root", 0, NULL, 0, 0, NULL},
	};
	const struct recipient *r;
	struct aliases a;
	struct job j;
	size_t i, at;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		job_init(&j, WHOLE);
		job_aliases(&j, &a);
		j.account.domain = mem_copy("example.org");
		j.request.notify = cases[i].notify;
		j.request.smtputf8 = true;
		job_recipient(&j, cases[i].argument);
		j.request.recipients[0].notify = cases[i].own;
		j.request.recipients[0].orcpt = mem_copy(cases[i].given);
		assert_int_equal(job_run(&j), 0);
		for (at = 0; at < j.envelope.count; at++) {
			r = &j.envelope.recipients[at];
			assert_int_equal(r->notify, cases[i].wished);
			if (cases[i].orcpt == NULL)
				assert_null(r->orcpt);
			else
				assert_string_equal(r->orcpt, cases[i].orcpt);
		}
		assert_true(j.envelope.count > 0);
		alias_free(a.map);
		job_clear(&j);
	}
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

static void
nul_in_a_recipient_costs_no_mail(void **state)
{
	static const char message[] = "From: a@x\nTo: b\0ob@x\n";
	struct job j;

	(void)state;
	job_init_text(&j, (struct text){message, sizeof(message) - 1});
	j.request.reverse_path = mem_copy("a@x");
	j.request.from_fields = true;
	assert_int_equal(job_run(&j), 0);
	assert_int_equal(j.envelope.count, 1);
	assert_string_equal(j.envelope.recipients[0].path, "bob@x");
	job_clear(&j);
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
	assert_true(message_facts(j.message)->has_nul);
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

/* A quadratic walk would take minutes here. */
static void
a_hundred_thousand_recipients(void **state)
{
	static const int count = 100000;
	struct buf text;
	struct job j;
	clock_t start = clock();
	int i;

	(void)state;
	buf_init(&text, SIZE_MAX / 4);
	buf_add_string(&text, WHOLE "To: first");
	for (i = 0; i < count; i++)
		buf_format(&text, ",\n %s%d%s", i % 3 == 0 ? "\"N, N\" <" : "",
		    i,
		    i % 3 == 0	 ? "@x.org>"
		    : i % 3 == 1 ? "@y.org (c)"
				 : "");
	buf_add_string(&text, "\n");
	job_init(&j, buf_string(&text));
	j.account.domain = mem_copy("example.org");
	j.request.from_fields = true;
	j.request.reverse_path = mem_copy("a@x");
	assert_int_equal(job_run(&j), 0);
	assert_int_equal(j.envelope.count, count + 1);
	assert_true((clock() - start) / CLOCKS_PER_SEC < 20);
	job_clear(&j);
	buf_clear(&text);
}

static void
ehlo_names(void **state)
{
	static const struct {
		const char *helo;
		const char *host;
		const char *expected;
	} cases[] = {
	    {NULL, "box.example.org", "box.example.org"},
	    {NULL, "box", ""},
	    {NULL, "", ""},
	    {NULL, "localhost.localdomain", ""},
	    {NULL, "192.0.2.1", ""},
	    {NULL, "box.example.org\r\nQUIT", ""},
	    {NULL, "my_box.example.org", ""},
	    {NULL, "b\xc3\xb6x.example.org", ""},
	    {NULL, "box..org", ""},
	    {"mail.example.org", "box", "mail.example.org"},
	    {"[192.0.2.1]", "box.example.org", "[192.0.2.1]"},
	    {"a\r\nMAIL FROM:<>", "box.example.org", ""},
	    {"a b", "box.example.org", ""},
	};
	struct job j;
	char name[64];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		job_init(&j, "");
		j.account.helo = mem_copy(cases[i].helo);
		j.facts.host = cases[i].host;
		assert_ptr_equal(
		    facts_helo(&j.account, &j.facts, name, sizeof(name)), name);
		assert_string_equal(name, cases[i].expected);
		job_clear(&j);
	}
}

static void
expansions(void **state)
{
	static const struct {
		const char *value;
		const char *expected;
	} cases[] = {
	    {"", ""},
	    {"%U@%D", "alice@e.org"},
	    {"%H", "box.internal.example"},
	    {"%%U", "%U"},
	    {"100%", "100%"},
	    {"%u%s%n", "%u%s%n"},
	};
	struct job j;
	size_t i;
	char *expanded;

	(void)state;
	job_init(&j, "");
	j.account.domain = mem_copy("e.org");
	for (i = 0; i < COUNT(cases); i++) {
		expanded = facts_expand(cases[i].value, &j.account, &j.facts);
		assert_string_equal(expanded, cases[i].expected);
		free(expanded);
	}
	assert_null(facts_expand(NULL, &j.account, &j.facts));
	job_clear(&j);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(recipients),
	    cmocka_unit_test(faults_name_field_and_text),
	    cmocka_unit_test(bare_names_need_a_domain),
	    cmocka_unit_test(headers),
	    cmocka_unit_test(no_repairs_on_request),
	    cmocka_unit_test(the_body_stays),
	    cmocka_unit_test(reverse_paths),
	    cmocka_unit_test(bare_senders_are_the_configurations_fault),
	    cmocka_unit_test(the_login_may_be_odd),
	    cmocka_unit_test(hints),
	    cmocka_unit_test(full_names),
	    cmocka_unit_test(configured_phrases),
	    cmocka_unit_test(names_inject_nothing),
	    cmocka_unit_test(encoded_words_are_short_and_whole),
	    cmocka_unit_test(bad_names_are_refused),
	    cmocka_unit_test(forced_froms),
	    cmocka_unit_test(message_ids_leak_nothing),
	    cmocka_unit_test(other_alphabets),
	    cmocka_unit_test(wishes),
	    cmocka_unit_test(wishes_for_single_recipients),
	    cmocka_unit_test(aliases_stand_for_local_recipients),
	    cmocka_unit_test(aliases_of_fields),
	    cmocka_unit_test(bare_names_need_an_alias_or_a_domain),
	    cmocka_unit_test(broken_aliases_stop_local_mail_only),
	    cmocka_unit_test(original_recipients_stay),
	    cmocka_unit_test(eight_bit_bytes_are_seen),
	    cmocka_unit_test(nul_in_a_recipient_costs_no_mail),
	    cmocka_unit_test(mended_fields_are_noted),
	    cmocka_unit_test(a_nul_costs_no_mail),
	    cmocka_unit_test(dropped_return_paths_are_noted),
	    cmocka_unit_test(a_hundred_thousand_recipients),
	    cmocka_unit_test(ehlo_names),
	    cmocka_unit_test(expansions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
