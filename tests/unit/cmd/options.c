#include "../unit.h"

#include "cmd/options.h"

#define ARGS_MAX 12
static const char *const names[] = {"sendling", "sendmail", "mailq",
    "newaliases", "send-mail", "/usr/sbin/sendmail", "/usr/lib/sendmail", "",
    "/opt/sendling-1.0", "my-sendling"};

enum takes { NOTHING, ATTACHED, VALUE };
enum fate {
	TAKEN,
	REFUSED,
	FOREIGN, /* refused but under our own name */
	HISTORIC /* refused under our own name */
};

/* What the manual of sendmail 8 says, and what we make of it. */
static const struct {
	char letter;
	enum takes takes;
	const char *value;
	enum fate fate;
} letters[] = {
    {'A', VALUE, "c", TAKEN},
    {'a', VALUE, "work", TAKEN},
    {'B', VALUE, "8BITMIME", TAKEN},
    {'b', VALUE, "m", TAKEN},
    {'C', VALUE, "/etc/shadow", FOREIGN},
    {'c', NOTHING, "", TAKEN},
    {'D', VALUE, "/tmp/x", FOREIGN},
    {'d', ATTACHED, "0.1", TAKEN},
    {'E', ATTACHED, "x", REFUSED},
    {'e', VALUE, "m", TAKEN},
    {'F', VALUE, "Full Name", TAKEN},
    {'f', VALUE, "me@example.org", TAKEN},
    {'G', NOTHING, "", TAKEN},
    {'h', VALUE, "3", TAKEN},
    {'I', NOTHING, "", TAKEN},
    {'i', NOTHING, "", TAKEN},
    {'J', ATTACHED, "x", REFUSED},
    {'L', VALUE, "tag", TAKEN},
    {'M', VALUE, "sX", TAKEN},
    {'m', NOTHING, "", TAKEN},
    {'N', VALUE, "never", TAKEN},
    {'n', NOTHING, "", TAKEN},
    {'O', VALUE, "DeliveryMode=b", TAKEN},
    {'o', VALUE, "i", TAKEN},
    {'p', VALUE, "NNTP:host", TAKEN},
    {'Q', ATTACHED, "x", REFUSED},
    {'q', ATTACHED, "30m", TAKEN},
    {'R', VALUE, "hdrs", TAKEN},
    {'r', VALUE, "me@example.org", TAKEN},
    {'s', NOTHING, "", HISTORIC},
    {'T', VALUE, "5d", TAKEN},
    {'t', NOTHING, "", TAKEN},
    {'U', NOTHING, "", TAKEN},
    {'V', VALUE, "00000042", TAKEN},
    {'v', NOTHING, "", TAKEN},
    {'X', VALUE, "/tmp/x", TAKEN},
    {'x', NOTHING, "", TAKEN},
};

static const struct {
	const char *option;
	const char *value; /* NULL: it takes none */
} longs[] = {
    {"--account", "work"},
    {"--config", "/etc/shadow"},
    {"--set", "user=x"},
    {"--check", NULL},
    {"--probe", NULL},
    {"--serverinfo", NULL},
    {"--dry-run", NULL},
    {"--json", NULL},
    {"--all-or-none", NULL},
    {"--queue-only", NULL},
    {"--no-queue", NULL},
    {"--hold", "0069283a00-0"},
    {"--release", "0069283a00-0"},
    {"--delete", "0069283a00-0"},
    {"--show", "0069283a00-0"},
    {"--check-spool", NULL},
    {"--help", NULL},
    {"--version", NULL},
};

static struct options options;
static struct error error;

/* argv from a name and the strings up to a NULL. */
static int
parse(const char *name, const char *const *arguments)
{
	static char *argv[ARGS_MAX + 2];
	int argc = 0;

	argv[argc++] = (char *)(uintptr_t)name;
	while (*arguments != NULL && argc <= ARGS_MAX)
		argv[argc++] = (char *)(uintptr_t)*arguments++;
	argv[argc] = NULL;
	error_clear(&error);
	return options_parse(&options, false, argc, argv, &error);
}

static bool
is_ours(const char *name)
{
	return strcmp(name, "sendling") == 0 ||
	       strcmp(name, "/opt/sendling-1.0") == 0;
}

static void
expect_recipients(const char *const *expected)
{
	size_t i;

	for (i = 0; expected[i] != NULL; i++) {
		assert_true(i < options.request.recipient_count);
		assert_string_equal(
		    options.request.recipients[i].list, expected[i]);
	}
	assert_int_equal(options.request.recipient_count, i);
}

static void
expect_usage(void)
{
	assert_int_equal(error.kind, ERROR_USAGE);
	assert_true(error.text[0] != '\0');
}

/* One spelling of one row: the option's words, then the places around it. */
static void
walk_spelling(
    size_t row, const char *name, const char *first, const char *second)
{
	static const char *const both[] = {"a@b", "c@d", NULL};
	const char *orders[3][6] = {
	    {first, second, "a@b", "c@d", NULL, NULL},
	    {"a@b", first, second, "c@d", NULL, NULL},
	    {"a@b", "c@d", first, second, NULL, NULL},
	};
	bool refused = letters[row].fate == REFUSED ||
		       (letters[row].fate == FOREIGN && !is_ours(name)) ||
		       (letters[row].fate == HISTORIC && is_ours(name));
	const char *packed[6];
	size_t i, k, n;

	for (i = 0; i < 3; i++) {
		for (k = n = 0; k < 4; k++)
			if (orders[i][k] != NULL)
				packed[n++] = orders[i][k];
		packed[n] = NULL;
		if (parse(name, packed) == -1) {
			assert_true(refused);
			expect_usage();
		} else {
			assert_false(refused);
			expect_recipients(both);
		}
		options_clear(&options);
	}
}

static void
walk_behind_dashes(const char *name, const char *option)
{
	const char *arguments[] = {"-i", "--", option, "a@b", NULL};
	const char *expected[] = {option, "a@b", NULL};

	assert_int_equal(parse(name, arguments), 0);
	expect_recipients(expected);
	assert_true(options.dot_stays);
	options_clear(&options);
}

static void
walk_row(size_t row, const char *name)
{
	char attached[64], alone[3], cluster[64];

	snprintf(alone, sizeof(alone), "-%c", letters[row].letter);
	snprintf(attached, sizeof(attached), "-%c%s", letters[row].letter,
	    letters[row].value);
	snprintf(cluster, sizeof(cluster), "-im%c%s", letters[row].letter,
	    letters[row].value);
	walk_spelling(row, name, attached, NULL);
	walk_spelling(row, name, cluster, NULL);
	if (letters[row].takes == VALUE)
		walk_spelling(row, name, alone, letters[row].value);
	else
		walk_spelling(row, name, alone, NULL);
	walk_behind_dashes(name, attached);
	walk_behind_dashes(name, alone);
}

static void
every_row_in_every_spelling(void **state)
{
	size_t row, name;

	(void)state;
	for (row = 0; row < COUNT(letters); row++)
		for (name = 0; name < COUNT(names); name++)
			walk_row(row, names[name]);
}

static void
a_missing_value_is_said(void **state)
{
	const char *arguments[] = {"a@b", NULL, NULL};
	char alone[3];
	size_t row;

	(void)state;
	for (row = 0; row < COUNT(letters); row++) {
		if (letters[row].takes != VALUE)
			continue;
		snprintf(alone, sizeof(alone), "-%c", letters[row].letter);
		arguments[1] = alone;
		assert_int_equal(parse("sendmail", arguments), -1);
		expect_usage();
		assert_non_null(strstr(error.text, alone));
		options_clear(&options);
	}
}

static void
unknown_letters_are_usage(void **state)
{
	const char *arguments[] = {"a@b", NULL, NULL};
	char option[3] = "-?";
	size_t i;
	int c;

	(void)state;
	for (c = 1; c < 256; c++) {
		for (i = 0; i < COUNT(letters); i++)
			if (letters[i].letter == c)
				break;
		if (i < COUNT(letters) || c == '-')
			continue;
		option[1] = (char)c;
		arguments[1] = option;
		assert_int_equal(parse("sendmail", arguments), -1);
		expect_usage();
		assert_false(text_has_control(text_of(error.text)));
		assert_non_null(strstr(error.hint, "--help"));
		options_clear(&options);
	}
}

/* 0 or -1, with a recipient beside it. mailq has one. */
static int
is_known(const char *name, const char *option)
{
	static const char *const alone[] = {
	    "--check-spool", "--check", "--probe", "--serverinfo"};
	const bool listing =
	    strcmp(name, "mailq") == 0 && strcmp(option, "--json") == 0;
	size_t i;

	for (i = 0; i < COUNT(alone); i++)
		if (strcmp(option, alone[i]) == 0)
			return -1;
	return is_ours(name) || listing ? 0 : -1;
}

static void
long_options_are_ours_alone(void **state)
{
	static const char *const one[] = {"a@b", NULL};
	char joined[64];
	const char *apart[] = {NULL, "a@b", NULL, NULL};
	const char *together[] = {"a@b", joined, NULL};
	size_t i, name;
	int result;

	(void)state;
	for (i = 0; i < COUNT(longs); i++)
		for (name = 0; name < COUNT(names); name++) {
			snprintf(joined, sizeof(joined), "%s%s%s",
			    longs[i].option, longs[i].value == NULL ? "" : "=",
			    longs[i].value == NULL ? "" : longs[i].value);
			result = parse(names[name], together);
			assert_int_equal(
			    result, is_known(names[name], longs[i].option));
			if (result == 0)
				expect_recipients(one);
			else
				expect_usage();
			options_clear(&options);
			apart[0] = longs[i].option;
			apart[1] =
			    longs[i].value == NULL ? "a@b" : longs[i].value;
			apart[2] = longs[i].value == NULL ? NULL : "a@b";
			result = parse(names[name], apart);
			assert_int_equal(
			    result, is_known(names[name], longs[i].option));
			if (result == 0)
				expect_recipients(one);
			options_clear(&options);
			walk_behind_dashes(names[name], joined);
		}
}

/* A program that reads JSON is told of the fault in it, wherever it stands. */
static void
json_is_asked_for_before_and_behind_a_fault(void **state)
{
	static const struct {
		const char *name;
		const char *arguments[4];
		bool json;
	} rows[] = {
	    {"sendling", {"--json", "--foo", NULL}, true},
	    {"sendling", {"--foo", "--json", NULL}, true},
	    {"sendling", {"-bz", "-v", "--json", NULL}, true},
	    {"mailq", {"--foo", "--json", NULL}, true},
	    {"sendling", {"--foo", "--", "--json", NULL}, false},
	    {"sendling", {"--foo", NULL}, false},
	    {"sendmail", {"-bz", "--json", NULL}, false},
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		assert_int_equal(parse(rows[i].name, rows[i].arguments), -1);
		assert_int_equal(options.json, rows[i].json);
		options_clear(&options);
	}
}

static void
long_options_want_their_arity(void **state)
{
	static const char *const wrong[] = {"--config", "--account", "--set",
	    "--check=1", "--json=", "--set=user", "--conf=x", "--foo",
	    "--=", "--Config=x", "--probe=x", "--setup=a@b", "--queue-only=x",
	    "--no-queue=1", "--hold", "--delete", "--show", "--release"};
	const char *arguments[2] = {NULL, NULL};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(wrong); i++) {
		arguments[0] = wrong[i];
		assert_int_equal(parse("sendling", arguments), -1);
		expect_usage();
		options_clear(&options);
	}
}

static void
an_age_is_attached(void **state)
{
	static const char *const attached[] = {"--check-spool=2h", NULL};

	(void)state;
	assert_int_equal(parse("sendling", attached), 0);
	assert_string_equal(options.age, "2h");
	options_clear(&options);
}

static void
what_stands_apart_is_refused(void **state)
{
	static const struct {
		const char *arguments[3], *word, *hint;
	} cases[] = {
	    {{"--check-spool", "2h\x1b", NULL}, "`2h\\x1b'",
		"--check-spool=2h"},
	    {{"--check", "./%s", NULL}, "option --check: `./%s'",
		"by -C, as in --check -C FILE"},
	    {{"work", "--probe", NULL}, "option --probe: `work'",
		"by -a, as in --probe -a NAME"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		assert_int_equal(parse("sendling", cases[i].arguments), -1);
		assert_non_null(strstr(error.text, cases[i].word));
		assert_non_null(strstr(error.text, "is not part of it"));
		assert_non_null(strstr(error.hint, cases[i].hint));
		expect_usage();
		options_clear(&options);
	}
}

/* What people type who come from elsewhere, and what they should read. */
static void
habits_of_others_are_told_what_to_do(void **state)
{
	static const struct {
		const char *arguments[4];
		const char *words; /* in the error or its hint */
	} cases[] = {
	    {{"-s", "hello", "a@b", NULL}, "write a field `Subject:'"},
	    {{"-shello", "a@b", NULL}, "write a field `Subject:'"},
	    {{"-ts", "hello", NULL}, "write a field `Subject:'"},
	    {{"-h", NULL}, "`sendling --help' lists the options"},
	    {{"-h", "a@b", NULL}, "`sendling --help' lists the options"},
	    {{"-h", "a@b", NULL}, "option -h: `a@b' is no number of hops"},
	    {{"--host=x", NULL}, "--set smarthost=smtps://HOST:PORT"},
	    {{"--host", "x", NULL}, "--set smarthost=smtps://HOST:PORT"},
	    {{"--port=25", NULL}, "--set smarthost=smtps://HOST:PORT"},
	    {{"--tls", NULL}, "--set smarthost=smtps://HOST:PORT"},
	    {{"--tls-starttls=off", NULL}, "--set smarthost=smtps://HOST:PORT"},
	    {{"--user=x", NULL}, "write --set user=VALUE"},
	    {{"--tls-trust", "x", NULL}, "write --set tls-trust=VALUE"},
	    {{"--password=x", NULL}, "--set password-file=PATH"},
	    {{"--passwordeval", "x", NULL}, "--set password-command=COMMAND"},
	    {{"--file=x", NULL}, "--config FILE"},
	    {{"--pretend", NULL}, "--dry-run"},
	    {{"--debug", NULL}, "-v"},
	    {{"--read-recipients", NULL}, "-t"},
	    {{"--subject=x", NULL}, "write a field `Subject:'"},
	    {{"--foo", NULL}, "`sendling --help' lists the options"},
	    {{"--account-", NULL}, "`sendling --help' lists the options"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		assert_int_equal(parse("sendling", cases[i].arguments), -1);
		expect_usage();
		if (strstr(error.text, cases[i].words) == NULL &&
		    strstr(error.hint, cases[i].words) == NULL)
			fail_msg("%s: %s; %s", cases[i].words, error.text,
			    error.hint);
		options_clear(&options);
	}
	/* As ever under the name of sendmail. */
	for (i = 0; i < 5; i++) {
		assert_int_equal(
		    parse("sendmail", cases[i].arguments), i == 3 ? -1 : 0);
		options_clear(&options);
	}
}

/* What web forms have been made to append to a command line. */
static void
payloads_reach_nothing(void **state)
{
	static const char *const payloads[][4] = {
	    {"-oQ/tmp/", "-X/var/www/x.php", NULL},
	    {"-oQ/tmp/", "-X", "/var/www/x.php", NULL},
	    {"-OQueueDirectory=/tmp", "-X/var/www/x.php", NULL},
	    {"-O", "QueueDirectory=/tmp", NULL},
	    {"-C/etc/shadow", NULL},
	    {"-tC/etc/shadow", NULL},
	    {"-C", "/etc/shadow", NULL},
	    {"-D/var/www/x.php", NULL},
	    {"-D", NULL},
	    {"-be", "${run{/bin/id}}", NULL},
	    {"-bem", NULL},
	    {"-bt", NULL},
	    {"-bd", NULL},
	    {"--config=/etc/shadow", NULL},
	    {"--set=password-command=id", NULL},
	    {"--set", "log=/var/www/x.php", NULL},
	    {"--", "--set=log=/x", "-X/x", NULL},
	    {"--account=root", NULL},
	};
	size_t i, name;
	int result;

	(void)state;
	for (i = 0; i < COUNT(payloads); i++)
		for (name = 0; name < COUNT(names); name++) {
			if (is_ours(names[name]))
				continue;
			result = parse(names[name], payloads[i]);
			assert_null(options.config);
			assert_null(options.transcript);
			assert_int_equal(options.setting_count, 0);
			assert_null(options.account);
			if (result == -1)
				expect_usage();
			options_clear(&options);
		}
}

static void
modes_by_letter(void **state)
{
	static const struct {
		const char *option;
		int mode; /* -1: refused */
	} cases[] = {
	    {"-bm", MODE_SUBMIT},
	    {"-bs", MODE_SERVE},
	    {"-bv", MODE_VERIFY},
	    {"-bp", MODE_QUEUE_LIST},
	    {"-bi", MODE_ALIASES},
	    {"-I", MODE_ALIASES},
	    {"-bC", MODE_CHECK},
	    {"-q", MODE_QUEUE_RUN},
	    {"-q30m", MODE_QUEUE_RUN},
	    {"-qIabc", MODE_QUEUE_RUN},
	    {"-ba", -1},
	    {"-bd", -1},
	    {"-bD", -1},
	    {"-bh", -1},
	    {"-bH", -1},
	    {"-bP", -1},
	    {"-bS", -1},
	    {"-bt", -1},
	    {"-be", -1},
	    {"-bz", -1},
	    {"-b\x1b[2J", -1},
	};
	const char *arguments[2] = {NULL, NULL};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		arguments[0] = cases[i].option;
		if (parse("sendmail", arguments) == 0)
			assert_int_equal(options.mode, cases[i].mode);
		else {
			assert_int_equal(cases[i].mode, -1);
			expect_usage();
			assert_false(text_has_control(text_of(error.text)));
		}
		options_clear(&options);
	}
}

static void
modes_by_name(void **state)
{
	static const struct {
		const char *name;
		const char *arguments[3];
		enum options_mode mode;
	} cases[] = {
	    {"/usr/bin/mailq", {NULL}, MODE_QUEUE_LIST},
	    {"mailq", {"-q", NULL}, MODE_QUEUE_LIST},
	    {"mailq", {"--json", NULL}, MODE_QUEUE_LIST},
	    {"mailq", {"-v", "-Ac", NULL}, MODE_QUEUE_LIST},
	    {"newaliases", {NULL}, MODE_ALIASES},
	    {"sendmail", {NULL}, MODE_SUBMIT},
	    {"sendmail", {"-bp", "-q", NULL}, MODE_QUEUE_LIST},
	    {"sendmail", {"-q", "-bp", NULL}, MODE_QUEUE_LIST},
	    {"sendling", {"--check", NULL}, MODE_CHECK},
	    {"sendling", {"--check-spool", NULL}, MODE_CHECK_SPOOL},
	    {"sendling", {"--hold=A", NULL}, MODE_HOLD},
	    {"sendling", {"--release=A", NULL}, MODE_RELEASE},
	    {"sendling", {"--delete=A", NULL}, MODE_DELETE},
	    {"sendling", {"--show=A", "-q", NULL}, MODE_SHOW},
	    {"sendling", {"--probe", NULL}, MODE_PROBE},
	    {"sendling", {"--serverinfo", NULL}, MODE_PROBE},
	    {"sendling", {"--dry-run", NULL}, MODE_DRY_RUN},
	    {"sendling", {"--help", NULL}, MODE_HELP},
	    {"sendling", {"--version", NULL}, MODE_VERSION},
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		assert_int_equal(parse(cases[i].name, cases[i].arguments), 0);
		assert_int_equal(options.mode, cases[i].mode);
		options_clear(&options);
	}
}

static void
names_are_told_apart(void **state)
{
	static const struct {
		const char *called;
		enum options_name name;
	} cases[] = {
	    {"sendling", NAME_SENDLING},
	    {"build/sendling", NAME_SENDLING},
	    {"sendling-1.0", NAME_SENDLING},
	    {"/tmp/sendling.new", NAME_SENDLING},
	    {"sendlin", NAME_SENDMAIL},
	    {"-sendling", NAME_SENDMAIL},
	    {"sendling-1.0/x", NAME_SENDMAIL},
	    {"sendmail", NAME_SENDMAIL},
	    {"/usr/lib/sendmail", NAME_SENDMAIL},
	    {"send-mail", NAME_SENDMAIL},
	    {"/usr/bin/mailq", NAME_MAILQ},
	    {"newaliases", NAME_NEWALIASES},
	    {"Sendling", NAME_SENDMAIL},
	    {"sendling/", NAME_SENDMAIL},
	    {"", NAME_SENDMAIL},
	};
	static const char *const nothing[] = {NULL};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		assert_int_equal(parse(cases[i].called, nothing), 0);
		assert_int_equal(options.name, cases[i].name);
		options_clear(&options);
	}
}

/* Who called the program by a name of his own must learn why it behaves so. */
static void
the_name_is_told(void **state)
{
	static const char *const foreign[] = {
	    "--check", "--probe", "--serverinfo", "-C/etc/x", "-D/x"};
	static const char *const called[][2] = {{"sendmail", "`sendmail'"},
	    {"/opt/mail\x1b[2J", "`mail\\x1b[2J'"}, {"", "`'"}};
	const char *arguments[2] = {NULL, NULL};
	size_t i, j;

	(void)state;
	for (i = 0; i < COUNT(foreign); i++)
		for (j = 0; j < COUNT(called); j++) {
			arguments[0] = foreign[i];
			assert_int_equal(parse(called[j][0], arguments), -1);
			expect_usage();
			assert_non_null(strstr(error.text, "under the name "));
			assert_non_null(strstr(error.text, called[j][1]));
			options_clear(&options);
		}
	arguments[0] = "-X/x";
	assert_int_equal(parse("mailer", arguments), 0);
	assert_non_null(strstr(options.notes.lines[0], "`mailer'"));
	options_clear(&options);
}

/* Whoever called it may have the rights of somebody else. */
static void
set_id_callers_are_strangers(void **state)
{
	static const struct {
		const char *option;
		int result;
	} cases[] = {{"--check", -1}, {"-C/etc/x", -1}, {"-D/x", -1},
	    {"--set=user=x", -1}, {"-X/x", 0}, {"-t", 0}};
	char *argv[2] = {(char *)(uintptr_t) "sendling", NULL};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		argv[1] = (char *)(uintptr_t)cases[i].option;
		error_clear(&error);
		assert_int_equal(options_parse(&options, true, 2, argv, &error),
		    cases[i].result);
		assert_true(options.foreign);
		assert_null(options.config);
		assert_null(options.transcript);
		if (cases[i].result == -1)
			assert_non_null(strstr(error.text, "set-id program"));
		options_clear(&options);
	}
}

static void
values_arrive(void **state)
{
	static const char *const arguments[] = {"-a", "work", "-Cfile", "-Xlog",
	    "-Ltag", "-FName", "-N", "Success,failure", "-RHDRS", "-V42", "-bm",
	    NULL};
	const struct request *r = &options.request;

	(void)state;
	assert_int_equal(parse("sendling", arguments), 0);
	assert_string_equal(options.account, "work");
	assert_string_equal(options.config, "file");
	assert_string_equal(options.transcript, "log");
	assert_string_equal(options.tag, "tag");
	assert_string_equal(r->full_name, "Name");
	assert_int_equal(r->notify, NOTIFY_SUCCESS | NOTIFY_FAILURE);
	assert_int_equal(r->ret, RET_HDRS);
	assert_string_equal(r->envid, "42");
	assert_null(r->reverse_path);
	assert_int_equal(options.notes.count, 0);
	assert_false(options.dot_stays);
	options_clear(&options);
}

static void
settings_keep_their_order(void **state)
{
	static const char *const arguments[] = {
	    "--set", "user=a=b", "--set=from=", "-F", "", NULL};

	(void)state;
	assert_int_equal(parse("sendling", arguments), 0);
	assert_int_equal(options.setting_count, 2);
	assert_string_equal(options.settings[0], "user=a=b");
	assert_string_equal(options.settings[1], "from=");
	assert_string_equal(options.request.full_name, "");
	options_clear(&options);
}

static void
verbose_is_counted(void **state)
{
	static const char *const arguments[] = {"-vtv", "-d7", NULL};

	(void)state;
	assert_int_equal(parse("sendmail", arguments), 0);
	assert_int_equal(options.verbose, 3);
	options_clear(&options);
}

static void
flags_arrive(void **state)
{
	static const char *const arguments[] = {"-tUn", "-Gv", "--json",
	    "--all-or-none", "-i", "-OREQUIRETLS=Yes", "-B8bitmime", NULL};
	const struct request *r = &options.request;

	(void)state;
	assert_int_equal(parse("sendling", arguments), 0);
	assert_true(r->from_fields && r->smtputf8 && r->no_aliases);
	assert_true(r->no_repairs && r->all_or_none && r->requiretls);
	assert_true(options.json && options.dot_stays);
	assert_int_equal(options.verbose, 1);
	assert_true(r->body_given && r->body == BODY_8BITMIME);
	options_clear(&options);
}

/* What becomes of the mail where there is a spool: the words of sendmail, and
 * ours, which stand above them wherever they stand. */
static void
queueing(void **state)
{
	static const struct {
		const char *arguments[4];
		enum request_queue queue;
	} cases[] = {
	    {{NULL}, QUEUE_NEEDED},
	    {{"-odq", NULL}, QUEUE_FIRST},
	    {{"-odd", NULL}, QUEUE_FIRST},
	    {{"-odb", NULL}, QUEUE_NEEDED},
	    {{"-odi", NULL}, QUEUE_NEEDED},
	    {{"-od", NULL}, QUEUE_NEEDED},
	    {{"-odq", "-odb", NULL}, QUEUE_NEEDED},
	    {{"-o", "dq", NULL}, QUEUE_FIRST},
	    {{"-ODeliveryMode=q", NULL}, QUEUE_FIRST},
	    {{"-O", "deliverymode=deferred", NULL}, QUEUE_FIRST},
	    {{"-OdeliveryMode=b", NULL}, QUEUE_NEEDED},
	    {{"-OdeliveryMode=", NULL}, QUEUE_NEEDED},
	    {{"--queue-only", NULL}, QUEUE_ONLY},
	    {{"--queue-only", "-odb", NULL}, QUEUE_ONLY},
	    {{"-odb", "--queue-only", NULL}, QUEUE_ONLY},
	    {{"--no-queue", "-odq", NULL}, QUEUE_NEVER},
	    {{"-odq", "--no-queue", NULL}, QUEUE_NEVER},
	    {{"--queue-only", "--no-queue", NULL}, QUEUE_NEVER},
	    {{"--no-queue", "--queue-only", NULL}, QUEUE_ONLY},
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		assert_int_equal(parse("sendling", cases[i].arguments), 0);
		assert_int_equal(options.request.queue, cases[i].queue);
		assert_int_equal(options.mode, MODE_SUBMIT);
		options_clear(&options);
	}
	/* A stranger cannot keep a mail from going out, but by -od. */
	assert_int_equal(parse("sendmail", cases[1].arguments), 0);
	assert_int_equal(options.request.queue, QUEUE_FIRST);
	options_clear(&options);
}

/* -q as sendmail, Postfix and Exim have it. */
static void
runs_of_the_queue(void **state)
{
	static const struct {
		const char *option;
		bool all;
		const char *id;
		size_t notes;
	} cases[] = {
	    {"-q", false, NULL, 0},
	    {"-q30m", false, NULL, 0},
	    {"-qf", true, NULL, 0},
	    {"-qff", true, NULL, 0},
	    {"-qI0069283a00-1", false, "0069283a00-1", 0},
	    {"-qRexample.org", false, NULL, 1},
	    {"-qp30m", false, NULL, 1},
	};
	const char *arguments[2] = {NULL, NULL};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		arguments[0] = cases[i].option;
		assert_int_equal(parse("sendmail", arguments), 0);
		assert_int_equal(options.mode, MODE_QUEUE_RUN);
		assert_int_equal(options.run_all, cases[i].all);
		assert_int_equal(options.id_count, cases[i].id != NULL);
		if (cases[i].id != NULL)
			assert_string_equal(options.ids[0], cases[i].id);
		assert_int_equal(options.notes.count, cases[i].notes);
		options_clear(&options);
	}
}

/* An empty one would be the beginning of each. */
static void
no_mail_has_an_empty_id(void **state)
{
	static const char *const empty[] = {"-qI", NULL};

	(void)state;
	assert_int_equal(parse("sendmail", empty), -1);
	expect_usage();
	assert_non_null(strstr(error.text, "-qI"));
	options_clear(&options);
	assert_int_equal(parse("mailq", empty), 0);
	options_clear(&options);
}

static void
mails_are_named(void **state)
{
	static const char *const several[] = {
	    "--delete", "A", "B", "--delete=C", "--", "-D", NULL};
	static const char *const ids[] = {"A", "C", "B", "-D"};
	static const char *const mixed[] = {"--hold=A", "--delete=B", NULL};
	static const char *const queue[] = {"--hold=A", "-qIB", NULL};
	static const char *const age[] = {"--check-spool=2h", NULL};
	static const char *const usual[] = {"--check-spool", NULL};
	size_t i;

	(void)state;
	assert_int_equal(parse("sendling", several), 0);
	assert_int_equal(options.mode, MODE_DELETE);
	assert_int_equal(options.id_count, COUNT(ids));
	for (i = 0; i < COUNT(ids); i++)
		assert_string_equal(options.ids[i], ids[i]);
	options_clear(&options);
	assert_int_equal(parse("sendling", mixed), -1);
	expect_usage();
	assert_non_null(strstr(error.text, "--delete"));
	options_clear(&options);
	assert_int_equal(parse("sendling", queue), 0);
	assert_int_equal(options.mode, MODE_HOLD);
	assert_int_equal(options.id_count, 1);
	options_clear(&options);
	assert_int_equal(parse("sendling", age), 0);
	assert_string_equal(options.age, "2h");
	options_clear(&options);
	assert_int_equal(parse("sendling", usual), 0);
	assert_string_equal(options.age, "");
	options_clear(&options);
}

static void
senders(void **state)
{
	static const struct {
		const char *arguments[5];
		const char *reverse_path;
	} cases[] = {
	    {{"-f", "", "a@b", NULL}, ""},
	    {{"-f", "<>", NULL}, "<>"},
	    {{"-f", "-x@b", NULL}, "-x@b"},
	    {{"-f", "--", "--", NULL}, "--"},
	    {{"-fa@b", "-r", "c@d", NULL}, "c@d"},
	    {{"-ra@b", "-tfc@d", NULL}, "c@d"},
	    {{"-f", "Name <a@b>", NULL}, "Name <a@b>"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		assert_int_equal(parse("sendmail", cases[i].arguments), 0);
		assert_string_equal(
		    options.request.reverse_path, cases[i].reverse_path);
		options_clear(&options);
	}
}

static void
old_settings(void **state)
{
	static const struct {
		const char *option;
		bool dot_ends;
		bool quiet;
		size_t notes;
	} cases[] = {
	    {"-oi", false, false, 0},
	    {"-oiX", false, false, 0},
	    {"-i", false, false, 0},
	    {"-oeq", true, true, 0},
	    {"-eq", true, true, 0},
	    {"-oem", true, false, 0},
	    {"-oee", true, false, 0},
	    {"-oep", true, false, 0},
	    {"-oe", true, false, 1},
	    {"-oez", true, false, 1},
	    {"-odq", true, false, 0},
	    {"-odi", true, false, 0},
	    {"-odb", true, false, 0},
	    {"-om", true, false, 0},
	    {"-os", true, false, 1},
	    {"-oA/etc/aliases", true, false, 1},
	    {"-B8BIT", true, false, 1},
	    {"-X/x", true, false, 1},
	};
	const char *arguments[2] = {NULL, NULL};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		arguments[0] = cases[i].option;
		assert_int_equal(parse("sendmail", arguments), 0);
		assert_int_equal(!options.dot_stays, cases[i].dot_ends);
		assert_int_equal(options.quiet, cases[i].quiet);
		assert_int_equal(options.notes.count, cases[i].notes);
		options_clear(&options);
	}
}

static void
bad_values_are_usage(void **state)
{
	static const char *const wrong[] = {"-Nsometimes", "-Nnever,success",
	    "-N", "-Rbody", "-R\r\nRCPT TO:<x>", "-N\x1b[2J"};
	const char *arguments[3] = {NULL, "", NULL};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(wrong); i++) {
		arguments[0] = wrong[i];
		assert_int_equal(parse("sendmail", arguments), -1);
		expect_usage();
		assert_false(text_has_control(text_of(error.text)));
		options_clear(&options);
	}
}

static void
files_have_names(void **state)
{
	static const char *const wrong[][3] = {
	    {"--config="}, {"--config", ""}, {"-C", ""}, {"-X", ""}};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(wrong); i++) {
		assert_int_equal(parse("sendling", wrong[i]), -1);
		expect_usage();
		assert_non_null(
		    strstr(error.text, i < 2 ? "--config" : wrong[i][0]));
		assert_non_null(strstr(error.text, "empty"));
		options_clear(&options);
	}
}

static void
notes_are_visible_and_few(void **state)
{
	static char option[] = "-os\x1b[31m\n%n%s";
	static char *argv[5001];
	size_t i;

	(void)state;
	argv[0] = (char *)(uintptr_t) "sendmail";
	for (i = 1; i < COUNT(argv); i++)
		argv[i] = option;
	error_clear(&error);
	assert_int_equal(
	    options_parse(&options, false, (int)COUNT(argv), argv, &error), 0);
	assert_in_range(options.notes.count, 1, 1000);
	for (i = 0; i < options.notes.count; i++)
		assert_false(text_has_control(text_of(options.notes.lines[i])));
	assert_non_null(strstr(options.notes.lines[0], "%n%s"));
	options_clear(&options);
}

static void
recipients_stay_as_they_are(void **state)
{
	static const char *const arguments[] = {"a@b,c@d", "-", "", "-t",
	    "|cmd", "--", "-x@y", "--", "--help", NULL};
	static const char *const expected[] = {
	    "a@b,c@d", "-", "", "|cmd", "-x@y", "--", "--help", NULL};

	(void)state;
	assert_int_equal(parse("sendmail", arguments), 0);
	expect_recipients(expected);
	assert_true(options.request.from_fields);
	options_clear(&options);
}

static void
no_arguments_at_all(void **state)
{
	char *argv[] = {NULL};

	(void)state;
	error_clear(&error);
	assert_int_equal(options_parse(&options, false, 0, argv, &error), 0);
	assert_int_equal(options.name, NAME_SENDMAIL);
	assert_int_equal(options.request.recipient_count, 0);
	options_clear(&options);
	options_clear(&options);
}

static bool
is_expected(const char *spelling)
{
	size_t i;

	for (i = 0; i < COUNT(letters); i++)
		if (spelling[1] == letters[i].letter)
			return true;
	for (i = 0; i < COUNT(longs); i++)
		if (strcmp(spelling, longs[i].option) == 0)
			return true;
	return false;
}

/* Nothing in the program that this file does not walk. */
static void
no_row_is_forgotten(void **state)
{
	const char *spelling;
	size_t i;

	(void)state;
	for (i = 0; (spelling = options_spelling(i)) != NULL; i++)
		if (!is_expected(spelling))
			fail_msg("%s is tested nowhere", spelling);
	assert_true(i >= COUNT(letters) + COUNT(longs));
	assert_null(options_spelling(i + 1));
	for (i = 0; i < COUNT(longs); i++)
		if (strstr(options_help(), longs[i].option) == NULL)
			fail_msg("--help lacks %s", longs[i].option);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_row_in_every_spelling),
	    cmocka_unit_test(a_missing_value_is_said),
	    cmocka_unit_test(unknown_letters_are_usage),
	    cmocka_unit_test(long_options_are_ours_alone),
	    cmocka_unit_test(json_is_asked_for_before_and_behind_a_fault),
	    cmocka_unit_test(long_options_want_their_arity),
	    cmocka_unit_test(an_age_is_attached),
	    cmocka_unit_test(what_stands_apart_is_refused),
	    cmocka_unit_test(habits_of_others_are_told_what_to_do),
	    cmocka_unit_test(payloads_reach_nothing),
	    cmocka_unit_test(modes_by_letter),
	    cmocka_unit_test(modes_by_name),
	    cmocka_unit_test(names_are_told_apart),
	    cmocka_unit_test(the_name_is_told),
	    cmocka_unit_test(set_id_callers_are_strangers),
	    cmocka_unit_test(values_arrive),
	    cmocka_unit_test(settings_keep_their_order),
	    cmocka_unit_test(verbose_is_counted),
	    cmocka_unit_test(flags_arrive),
	    cmocka_unit_test(queueing),
	    cmocka_unit_test(runs_of_the_queue),
	    cmocka_unit_test(no_mail_has_an_empty_id),
	    cmocka_unit_test(mails_are_named),
	    cmocka_unit_test(senders),
	    cmocka_unit_test(old_settings),
	    cmocka_unit_test(bad_values_are_usage),
	    cmocka_unit_test(files_have_names),
	    cmocka_unit_test(notes_are_visible_and_few),
	    cmocka_unit_test(recipients_stay_as_they_are),
	    cmocka_unit_test(no_arguments_at_all),
	    cmocka_unit_test(no_row_is_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
