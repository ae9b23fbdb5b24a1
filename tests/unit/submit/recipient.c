#include "../unit.h"

#include <time.h>

#include "job.h"

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

/* Who sent the words that cannot be used: a person at a command line, or a
 * program that speaks SMTP and knows nothing of one. */
/* Whatever way an address is written and comes in, it is one address. */
static void
odd_addresses_count_once(void **state)
{
	struct job j;

	(void)state;
	job_init(&j, WHOLE "To: foo.@docomo.ne.jp,\n"
			   " \"foo.\"@DOCOMO.ne.jp.\n"
			   "Cc: a@x., a@x, \"a\"@x\n");
	j.request.from_fields = true;
	j.request.reverse_path = mem_copy(".me.@x.org.");
	job_recipient(&j, "foo.@docomo.ne.jp.");
	job_recipient(&j, "<\"foo.\"@docomo.ne.jp>, f..@y");
	assert_int_equal(job_run(&j), 0);
	expect_recipients(&j, "\"foo.\"@docomo.ne.jp \"f..\"@y a@x");
	assert_string_equal(j.envelope.reverse_path, "\".me.\"@x.org");
	job_clear(&j);
	/* A From that we write is one that others can read. */
	job_init(&j, "To: b@x\nDate: d\nMessage-ID: <i>\n");
	j.request.reverse_path = mem_copy("me.@x.org.");
	job_recipient(&j, "b@x");
	assert_int_equal(job_run(&j), 0);
	expect_sent(&j, "To: b@x\r\nDate: d\r\nMessage-ID: <i>\r\n"
			"From: \"me.\"@x.org\r\n");
	job_clear(&j);
}

static void
faults_name_who_asked(void **state)
{
	static const struct {
		const char *list;
		bool of_client;
		const char *doing;
	} cases[] = {
	    {"root", false, "a recipient of the command line"},
	    {"<root>", true, "RCPT TO"},
	    {"a@", true, "RCPT TO"},
	    {"|x", true, "RCPT TO"},
	    {"\":include:/x\"", false, "a recipient of the command line"},
	};
	struct job j;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		job_init(&j, WHOLE);
		j.request.of_client = cases[i].of_client;
		j.request.reverse_path = mem_copy("a@x");
		job_recipient(&j, cases[i].list);
		assert_int_equal(job_run(&j), -1);
		assert_string_equal(j.error.doing, cases[i].doing);
		job_clear(&j);
	}
}

static void
nobody_is_told_what_to_do(void **state)
{
	static const struct {
		const char *message;
		bool from_fields;
		enum error_kind kind;
		const char *text, *hint;
	} cases[] = {
	    {"Subject: x\n\n", true, ERROR_MESSAGE, "To, Cc and Bcc",
		"a To, Cc or Bcc field"},
	    {"To:\nTo: G:;\n\n", true, ERROR_MESSAGE, "To, Cc and Bcc",
		"addresses as arguments"},
	    {"Resent-From: a@x\nTo: b@x\n\n", true, ERROR_MESSAGE,
		"Resent-To, -Cc and -Bcc", "a Resent-To, -Cc or -Bcc field"},
	    {"To: b@x\n\n", false, ERROR_USAGE, "no recipient", "use -t"},
	};
	struct job j;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		job_init(&j, cases[i].message);
		j.request.from_fields = cases[i].from_fields;
		j.request.reverse_path = mem_copy("a@x");
		assert_int_equal(job_run(&j), -1);
		assert_int_equal(j.error.kind, cases[i].kind);
		assert_non_null(strstr(j.error.text, cases[i].text));
		assert_non_null(strstr(j.error.hint, cases[i].hint));
		job_clear(&j);
	}
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

static void
wishes_for_single_recipients(void **state)
{
	static char orcpt[] = "rfc822;old+2Bx@x";
	const struct recipient *r;
	struct job j;

	(void)state;
	job_init(&j, WHOLE);
	job_recipient(&j, "b@x, c@x");
	job_recipient(&j, "b@x, d@x");
	j.request.reverse_path = mem_copy("a@x");
	j.account.dsn_notify = NOTIFY_FAILURE;
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
	    alias_parse(a->map, "aliases", text_of(file), NULL, &j->error), 0);
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

/* Where the header section seems to end too early, Bcc is read by all. */
static void
bcc_is_found_behind_marks_and_mbox_lines(void **state)
{
	static const char *const begins[] = {"\xef\xbb\xbf",
	    "\xef\xbb\xbf"
	    "From a@x Thu Jan  1 00:00:00 1970\n",
	    "Return-Path: <r@x>\nDelivered-To: d@x\n"
	    "From a@x Thu Jan  1 00:00:00 1970\n",
	    "Return-Path: <r@x>\n>From a@x\n"};
	struct buf text;
	struct job j;
	size_t i;

	(void)state;
	buf_init(&text, 4096);
	for (i = 0; i < COUNT(begins); i++) {
		buf_reset(&text);
		buf_format(&text, "%sBcc: b@x\n" WHOLE "To: c@y\n", begins[i]);
		job_init(&j, buf_string(&text));
		j.request.from_fields = true;
		j.request.reverse_path = mem_copy("a@x.org");
		assert_int_equal(job_run(&j), 0);
		expect_recipients(&j, "b@x c@y");
		expect_sent(&j, strstr(begins[i], "Delivered-To") == NULL
				    ? WHOLE "To: c@y\r\n"
				    : "Delivered-To: d@x\r\n" WHOLE
				      "To: c@y\r\n");
		job_clear(&j);
	}
	buf_clear(&text);
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

/* The sets that strangers fill are keyed with what they cannot know. */
static void
recipients_are_hashed_with_a_secret(void **state)
{
	struct job j;

	(void)state;
	job_init(&j, WHOLE);
	j.request.reverse_path = mem_copy("a@x");
	job_recipient(&j, "b@x");
	assert_int_equal(job_run(&j), 0);
	assert_memory_equal(
	    j.envelope.paths.key, j.facts.random, sizeof(j.facts.random));
	assert_int_equal(sizeof(j.envelope.paths.key), sizeof(j.facts.random));
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(recipients),
	    cmocka_unit_test(faults_name_field_and_text),
	    cmocka_unit_test(odd_addresses_count_once),
	    cmocka_unit_test(faults_name_who_asked),
	    cmocka_unit_test(nobody_is_told_what_to_do),
	    cmocka_unit_test(bare_names_need_a_domain),
	    cmocka_unit_test(wishes_for_single_recipients),
	    cmocka_unit_test(aliases_stand_for_local_recipients),
	    cmocka_unit_test(aliases_of_fields),
	    cmocka_unit_test(bare_names_need_an_alias_or_a_domain),
	    cmocka_unit_test(broken_aliases_stop_local_mail_only),
	    cmocka_unit_test(original_recipients_stay),
	    cmocka_unit_test(bcc_is_found_behind_marks_and_mbox_lines),
	    cmocka_unit_test(nul_in_a_recipient_costs_no_mail),
	    cmocka_unit_test(recipients_are_hashed_with_a_secret),
	    cmocka_unit_test(a_hundred_thousand_recipients),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
