#include "../unit.h"

#include "base/crypt.h"
#include "submit/sender.h"
#include "job.h"

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
		bool of_client;
		const char *doing;
		const char *hint;
	} cases[] = {
	    {NULL, false, "the login name",
		"`from you@example.org' or `domain example.org'"},
	    {"joe", false, "option -f", "`domain example.org'"},
	    {"<joe>", true, "MAIL FROM", "`domain example.org'"},
	};
	struct job j;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		job_init(&j, WHOLE);
		j.request.reverse_path = mem_copy(cases[i].given);
		j.request.of_client = cases[i].of_client;
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
	size_t i, len;

	(void)state;
	for (i = 0; i < COUNT(units) * 60; i++) {
		len =
		    i / COUNT(units) == 0 ? sizeof(name) : i / COUNT(units) * 2;
		strlcpy(name, "x", sizeof(name));
		do
			strlcat(name, units[i % COUNT(units)], sizeof(name));
		while (strlen(name) + strlen(units[i % COUNT(units)]) < len);
		job_init(&j, "");
		j.request.reverse_path = mem_copy("alice@mail.example.org");
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

/* Who a From that is made names: the sender, but never nobody. */
static void
made_froms_name_somebody(void **state)
{
	static const struct {
		const char *given;
		const char *from;
		const char *force;
		const char *message;
		const char *expected;
	} cases[] = {
	    {"a@x", "F <f@x>", NULL, "", "a@x"},
	    {NULL, "F <f@x>", NULL, "", "F <f@x>"},
	    {NULL, NULL, NULL, "", "alice@example.org"},
	    {NULL, NULL, NULL, "Resent-From: r@x\n", "r@x"},
	    {NULL, NULL, NULL, "Resent-From: bad bad\nFrom: a@x\n", NULL},
	    {"", "F <f@x>", NULL, "", "F <f@x>"},
	    {"<>", NULL, NULL, "", "alice@example.org"},
	    {"<>", NULL, NULL, "Resent-From: r@x\n", "alice@example.org"},
	    {"<>", "F <f@x>", "G <g@x>", "From: a@x\n", "G <g@x>"},
	};
	struct message_field *f;
	struct job j;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		job_init(&j, cases[i].message);
		j.request.reverse_path = mem_copy(cases[i].given);
		j.account.from = mem_copy(cases[i].from);
		j.account.force_from = mem_copy(cases[i].force);
		j.account.domain = mem_copy("example.org");
		j.account.from_header = SWITCH_YES;
		job_recipient(&j, "b@x");
		if (cases[i].expected == NULL) {
			assert_int_equal(job_run(&j), -1);
			assert_string_equal(j.error.doing, "the From field");
		} else {
			assert_int_equal(job_run(&j), 0);
			f = message_find(j.message, "From");
			assert_true(text_equal(text_trim(f->field.value),
			    text_of(cases[i].expected)));
		}
		job_clear(&j);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reverse_paths),
	    cmocka_unit_test(bare_senders_are_the_configurations_fault),
	    cmocka_unit_test(made_froms_name_somebody),
	    cmocka_unit_test(the_login_may_be_odd),
	    cmocka_unit_test(hints),
	    cmocka_unit_test(full_names),
	    cmocka_unit_test(configured_phrases),
	    cmocka_unit_test(names_inject_nothing),
	    cmocka_unit_test(encoded_words_are_short_and_whole),
	    cmocka_unit_test(bad_names_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
