#include "../unit.h"

#include <syslog.h>

#include "../capture.h"
#include "base/mem.h"
#include "config/keyword.h"
#include "world/clock.h"
#include "world/log.h"

/* The system's log is the test's own. */
static char last[40000], last_fields[40000], last_tag[100];
static bool native; /* it is the journal */
static int last_severity, last_facility, lines;
static long long patience;
static unsigned slow; /* microseconds that it takes */

void
syslog_init(struct syslog *s, const char *journal, const char *path)
{
	assert_string_equal(journal, "/run/systemd/journal/socket");
	assert_string_equal(path, "/dev/log");
	s->fd = -1;
	s->native = false;
}

void
syslog_clear(struct syslog *s)
{
	s->fd = -1;
}

int
syslog_open(struct syslog *s)
{
	s->fd = 99;
	s->native = native;
	return 0;
}

int
syslog_write(
    struct syslog *s, const struct syslog_line *line, long long deadline)
{
	(void)s;
	strlcpy(last, line->words, sizeof(last));
	snprintf(
	    last_fields, sizeof(last_fields), "%.*s", TEXT_ARG(line->fields));
	strlcpy(last_tag, line->tag, sizeof(last_tag));
	last_severity = LOG_PRI(line->priority);
	last_facility = line->priority & LOG_FACMASK;
	patience = deadline - clock_now();
	usleep(slow);
	lines++;
	return -1;
}

static const char *const two[] = {"b@x", "c@x", NULL};
static const char *const one[] = {"b@x", NULL};

static void
a_line_for_each_mail(void **state)
{
	struct envelope env = envelope("a@x", two);
	struct record mail = {
	    .envelope = &env,
	    .smarthost = "mail.example.org:465",
	    .tls = "TLS1.3 ECDHE-RSA",
	    .auth = "PLAIN",
	    .size = 1234,
	    .message_id = "<i@x>",
	    .code = 250,
	    .words = "250 2.0.0 Ok: \"queued\" as 4F",
	    .delay_ms = 1042,
	    .status = 0,
	};
	struct log l;

	(void)state;
	log_init(&l, "tag");
	log_mail(&l, &mail);
	assert_string_equal(last,
	    "from=<a@x> to=<b@x>,<c@x> smarthost=mail.example.org:465 "
	    "tls=\"TLS1.3 ECDHE-RSA\" auth=PLAIN size=1234 msgid=<i@x> "
	    "code=250 reply=\"250 2.0.0 Ok: \\\"queued\\\" as 4F\" delay=1.042 "
	    "status=0");
	assert_int_equal(last_severity, LOG_INFO);
	log_clear(&l);
	envelope_clear(&env);
}

static void
a_line_for_each_failure(void **state)
{
	struct record mail = {.status = 75};
	struct envelope env = envelope("", one);
	struct error e;
	struct log l;

	(void)state;
	error_clear(&e);
	error_set(&e, ERROR_LATER, "connecting", "nobody \"there\"");
	log_init(&l, NULL);
	log_mail(&l, &mail);
	assert_string_equal(last,
	    "from=- to=- smarthost=- tls=- auth=- size=0 msgid=- code=- "
	    "reply=\"\" delay=0.000 status=75");
	assert_int_equal(last_severity, LOG_ERR);
	mail.envelope = &env;
	mail.error = &e;
	log_mail(&l, &mail);
	assert_null(strstr(last, "queued="));
	assert_non_null(strstr(last, "from=<> to=<b@x> "));
	assert_non_null(
	    strstr(last, " error=\"connecting: nobody \\\"there\\\"\""));
	mail.status = 0;
	mail.queued = "0069283a00-1";
	log_mail(&l, &mail);
	assert_non_null(
	    strstr(last, " status=0 queued=0069283a00-1 error=\"connecting: "));
	assert_int_equal(last_severity, LOG_WARNING);
	log_clear(&l);
	envelope_clear(&env);
}

/* How often a key stands in the line, outside of quotes. */
static int
count_unquoted(const char *line, const char *key)
{
	bool quoted = false;
	int count = 0;

	for (; *line != '\0'; line++) {
		if (*line == '\\' && line[1] != '\0')
			line++;
		else if (*line == '"')
			quoted = !quoted;
		else if (!quoted && strncmp(line, key, strlen(key)) == 0)
			count++;
	}
	return count;
}

/* Escapes, line ends, formats and long words of strangers. */
static void
lines_are_harmless(void **state)
{
	static char longest[100001];
	static const char *const hostile[] = {"\x1b]0;x\a", "a\r\nb=c",
	    "%n%s%n%s", "\xff\xfe",
	    "\xc2\x9b"
	    "31m",
	    "\" status=0 x=\"", longest};
	struct record mail = {.status = 1};
	struct error e;
	struct log l;
	size_t i;
	int before;

	(void)state;
	memset(longest, 'x', sizeof(longest) - 1);
	log_init(&l, NULL);
	for (i = 0; i < COUNT(hostile); i++) {
		mail.smarthost = mail.tls = mail.auth = hostile[i];
		mail.message_id = mail.words = hostile[i];
		error_clear(&e);
		error_set(&e, ERROR_LATER, "x", "%s", hostile[i]);
		mail.error = &e;
		before = lines;
		log_mail(&l, &mail);
		log_note(&l, "%s", hostile[i]);
		assert_int_equal(lines, before + 2);
		assert_false(text_has_control(text_of(last)));
		log_mail(&l, &mail);
		assert_false(text_has_control(text_of(last)));
		assert_true(text_is_utf8(text_of(last)));
		assert_null(strstr(last, "\xc2\x9b"));
		assert_int_equal(count_unquoted(last, "status="), 1);
		assert_true(strlen(last) < 8192);
		assert_non_null(strstr(last, " status=1"));
	}
	assert_non_null(strstr(last, "..."));
	log_clear(&l);
}

static void
many_recipients_are_counted(void **state)
{
	struct envelope env = envelope("a@x", one);
	struct record mail = {.envelope = &env};
	char path[64], *more, *to;
	unsigned long counted, shown = 0;
	struct error e;
	struct log l;
	int i;

	(void)state;
	error_clear(&e);
	for (i = 0; i < 500; i++) {
		snprintf(path, sizeof(path), "r%d@example.org", i);
		envelope_add(&env, text_of(path), &e);
	}
	log_init(&l, NULL);
	log_mail(&l, &mail);
	more = strstr(last, ",+");
	assert_non_null(more);
	counted = strtoul(more + 2, NULL, 10);
	to = strstr(last, "to=");
	assert_true(more - to <= 1010);
	for (; to < more; to++)
		shown += *to == '<';
	assert_int_equal(shown + counted, 501);
	assert_non_null(strstr(more, " more\" smarthost="));
	log_clear(&l);
	envelope_clear(&env);
}

static void
the_account_says_where(void **state)
{
	struct account a = {0};
	struct log l;
	int before;

	(void)state;
	log_init(&l, "tag\n");
	log_note(&l, "none");
	assert_string_equal(last_tag, "tag\\x0a");
	assert_int_equal(last_facility, LOG_MAIL);
	assert_int_equal(l.system.fd, -1);
	log_open(&l, &a);
	assert_int_equal(l.system.fd, 99);
	log_note(&l, "one");
	assert_int_equal(last_facility, LOG_MAIL);
	assert_string_equal(last, "one");
	assert_int_equal(last_severity, LOG_NOTICE);
	a.log.to = LOGGING_SYSLOG;
	a.log.facility = LOG_LOCAL3;
	log_open(&l, &a);
	log_note(&l, "local");
	assert_int_equal(last_facility, LOG_LOCAL3);
	a.log.to = LOGGING_OFF;
	before = lines;
	log_open(&l, &a);
	log_note(&l, "two");
	assert_int_equal(lines, before);
	log_clear(&l);
	keyword_clear(&a);
}

static void
the_journal_has_fields(void **state)
{
	struct envelope env = envelope("a@x", one);
	struct record mail = {.envelope = &env, .size = 7};
	struct account a = {0};
	struct log l;

	(void)state;
	log_init(&l, "tag");
	log_show_tag(&l, "cron");
	log_open(&l, &a);
	log_mail(&l, &mail);
	assert_string_equal(last_fields, "");
	log_clear(&l);
	native = true;
	log_open(&l, &a);
	log_mail(&l, &mail);
	assert_non_null(strstr(last, "from=<a@x> to=<b@x> "));
	assert_non_null(strstr(last_fields, "SENDLING_FROM=a@x\n"));
	assert_non_null(strstr(last_fields, "\nSENDLING_TAG=cron\n"));
	log_note(&l, "a note");
	assert_string_equal(last_fields, "");
	native = false;
	log_clear(&l);
	envelope_clear(&env);
}

/* Not by the system's log, not past the deadline. */
static void
nobody_is_kept_waiting(void **state)
{
	struct log l;

	(void)state;
	log_init(&l, NULL);
	log_note(&l, "x");
	assert_true(patience <= 2000);
	l.deadline = clock_now() + 100000;
	log_note(&l, "x");
	assert_true(patience <= 2000);
	l.deadline = clock_now() + 100;
	log_note(&l, "x");
	assert_true(patience <= 100);
	log_clear(&l);
}

/* Who reads now and then does not hold up a mail line by line. */
static void
all_lines_of_a_mail_share_the_patience(void **state)
{
	struct record mail = {.smarthost = NULL};
	long long before;
	struct log l;
	int i;

	(void)state;
	log_init(&l, NULL);
	slow = 20000;
	for (i = 0; i < 2; i++) {
		log_note(&l, "x");
		before = patience;
		assert_in_range(before, 500, 2000);
		log_note(&l, "y");
		assert_true(patience <= before - 20);
		before = patience;
		log_mail(&l, &mail);
		assert_true(patience <= before - 20);
	}
	slow = 600000;
	log_note(&l, "x");
	log_note(&l, "y");
	log_note(&l, "z");
	assert_true(patience <= 0);
	slow = 0;
	log_clear(&l);
}

static void
a_log_on_stderr(void **state)
{
	struct notes notes = {NULL, 0};
	struct capture c;
	struct account a = {0};
	struct log l;

	(void)state;
	a.log.to = LOGGING_STDERR;
	notes_add(&notes, "first");
	notes_add(&notes, "second %d", 2);
	log_init(&l, "tag");
	log_open(&l, &a);
	c = capture_begin(STDERR_FILENO);
	log_notes(&l, &notes);
	l.quiet = true;
	log_notes(&l, &notes);
	assert_string_equal(capture_end(&c), "tag: first\ntag: second 2\n");
	log_clear(&l);
	notes_clear(&notes);
	keyword_clear(&a);
}

static void
a_log_in_a_file(void **state)
{
	const char *line;
	char end[64];
	struct account a = {0};
	struct stat st;
	struct log l;

	(void)state;
	a.log.to = LOGGING_FILE;
	a.log.text = mem_copy(in_folder("log"));
	log_init(&l, "tag");
	log_open(&l, &a);
	log_note(&l, "a note");
	log_clear(&l);
	log_init(&l, "tag");
	log_open(&l, &a);
	log_note(&l, "b note");
	log_clear(&l);
	assert_int_equal(stat(in_folder("log"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	line = folder_content("log");
	snprintf(end, sizeof(end), " tag[%ld]: a note\n", (long)getpid());
	assert_non_null(strstr(line, end));
	assert_non_null(strstr(line, "b note\n"));
	keyword_clear(&a);
}

/* Of JSON each line is one object, wherever it goes. */
static void
a_log_of_objects(void **state)
{
	static const char mail_end[] =
	    "\"recipients_more\":0,\"smarthost\":\"\\\"status\\\":0\","
	    "\"tls\":null,\"auth\":null,\"size\":0,\"message_id\":null,"
	    "\"code\":0,\"reply\":null,\"server_id\":null,\"queued\":null,\"uid\":null,"
	    "\"duration_ms\":0}";
	struct record mail = {.smarthost = "\"status\":0", .status = 75};
	struct account a = {.log_format = LOG_FORMAT_JSON};
	char begin[200];
	struct capture c;
	const char *said;
	struct log l;
	int end = 0;

	(void)state;
	log_init(&l, "tag");
	log_show_tag(&l, "cron");
	log_open(&l, &a);
	log_mail(&l, &mail);
	snprintf(begin, sizeof(begin),
	    "\",\"level\":\"err\",\"program\":\"tag\",\"pid\":%ld,"
	    "\"tag\":\"cron\",\"status\":75,\"error\":null,",
	    (long)getpid());
	sscanf(last, "{\"time\":\"%*4d-%*2d-%*2dT%*2d:%*2d:%*2dZ%n", &end);
	assert_int_equal(strncmp(last + end, begin, strlen(begin)), 0);
	assert_string_equal(last + strlen(last) - strlen(mail_end), mail_end);
	a.log.to = LOGGING_STDERR;
	log_open(&l, &a);
	c = capture_begin(STDERR_FILENO);
	log_note(&l, "a \"%s\"", "\n\xff");
	said = capture_end(&c);
	assert_int_equal(strncmp(said, "{\"time\":\"", 9), 0);
	assert_non_null(strstr(said, "\"level\":\"notice\","));
	assert_string_equal(strstr(said, ",\"note\""),
	    ",\"note\":\"a \\\"\\\\x0a\\\\xff\\\"\"}\n");
	a.log.to = LOGGING_FILE;
	a.log.text = mem_copy(in_folder("objects"));
	log_open(&l, &a);
	log_note(&l, "one");
	log_mail(&l, &mail);
	said = folder_content("objects");
	assert_int_equal(strncmp(said, "{\"time\":\"", 9), 0);
	assert_non_null(strstr(said, ",\"note\":\"one\"}\n{\"time\":\""));
	assert_string_equal(said + strlen(said) - 2, "}\n");
	log_clear(&l);
	keyword_clear(&a);
}

/* However long the words of strangers, and however many they are. */
static void
objects_are_whole(void **state)
{
	static char longest[100001];
	struct account a = {.log_format = LOG_FORMAT_JSON};
	struct envelope env = envelope("a@x", one);
	struct record mail = {.envelope = &env};
	char path[64];
	struct error e;
	struct log l;
	int i;

	(void)state;
	error_clear(&e);
	for (i = 0; i < 5000; i++) {
		snprintf(path, sizeof(path), "\"%d\\\\\\\"\"@example.org", i);
		envelope_add(&env, text_of(path), &e);
	}
	memset(longest, '"', sizeof(longest) - 1);
	mail.smarthost = mail.tls = mail.auth = mail.queued = "\"\\";
	mail.message_id = longest;
	error_clear(&e);
	error_set(&e, ERROR_LATER, "x", "%s", longest);
	error_hint(&e, "%s", longest);
	mail.error = &e;
	log_init(&l, "tag");
	log_open(&l, &a);
	log_mail(&l, &mail);
	assert_string_equal(
	    strstr(last, ",\"duration_ms\""), ",\"duration_ms\":0}");
	assert_true(strlen(last) < 32000);
	log_note(&l, "%s", longest);
	assert_string_equal(last + strlen(last) - 4, "\\\"\"}");
	log_clear(&l);
	envelope_clear(&env);
}

/* The mail goes on, and the line goes to the system's log. */
static void
a_file_that_cannot_be_had(void **state)
{
	struct capture c;
	struct account a = {0};
	struct log l;
	const char *said;
	int quiet;

	(void)state;
	a.log.to = LOGGING_FILE;
	a.log.text = mem_copy("/nowhere/log");
	for (quiet = 0; quiet < 2; quiet++) {
		log_init(&l, "tag");
		l.quiet = quiet;
		c = capture_begin(STDERR_FILENO);
		log_open(&l, &a);
		said = capture_end(&c);
		assert_string_equal(said, "");
		assert_non_null(strstr(last, "/nowhere/log"));
		log_note(&l, "kept");
		assert_string_equal(last, "kept");
		last[0] = '\0';
		log_clear(&l);
	}
	keyword_clear(&a);
}

static void
a_full_disk_changes_nothing(void **state)
{
	struct record mail = {.status = 0};
	struct log l;

	(void)state;
	log_init(&l, "tag");
	l.to = LOGGING_FILE;
	l.fd = open("/dev/full", O_WRONLY);
	assert_true(l.fd != -1);
	log_mail(&l, &mail);
	log_note(&l, "x");
	log_clear(&l);
}

static void
transcripts(void **state)
{
	struct session_trace trace;
	struct capture c;
	struct error e;
	struct log l;

	(void)state;
	error_clear(&e);
	log_init(&l, NULL);
	assert_null(log_trace(&l).line);
	assert_int_equal(log_open_transcript(&l, "/nowhere/x", &e), -1);
	assert_int_equal(e.kind, ERROR_CONFIG);
	assert_string_equal(e.doing, "option -X");
	assert_non_null(strstr(e.hint, "can be written"));
	error_clear(&e);
	assert_int_equal(
	    log_open_transcript(&l, in_folder("transcript"), &e), 0);
	l.verbose = true;
	trace = log_trace(&l);
	c = capture_begin(STDERR_FILENO);
	trace.line(trace.arg, SESSION_SERVER, TEXT("220 hello\x1b[2J"));
	trace.line(trace.arg, SESSION_CLIENT, TEXT("EHLO x"));
	trace.line(trace.arg, SESSION_NOTE, TEXT(""));
	assert_string_equal(
	    capture_end(&c), "S: 220 hello\\x1b[2J\nC: EHLO x\n-- \n");
	assert_string_equal(folder_content("transcript"),
	    "S: 220 hello\\x1b[2J\nC: EHLO x\n-- \n");
	log_clear(&l);
	l.quiet = true;
	assert_null(log_trace(&l).line);
	assert_false(log_is_read(&l));
}

/* Twice -v: each line begins with the time since the beginning. */
static void
lines_have_their_time(void **state)
{
	struct capture c;
	const char *said;
	struct log l;
	int ms, part, end = 0;

	(void)state;
	log_init(&l, NULL);
	log_explain(&l, "nobody reads %s", "this");
	l.verbose = 2;
	l.begin -= 12345678900;
	assert_true(log_is_read(&l));
	c = capture_begin(STDERR_FILENO);
	log_explain(&l, "a note of %s", "\x1b[2J");
	said = capture_end(&c);
	assert_int_equal(sscanf(said, "%d.%1d ms  -- a note of \\x1b[2J%n", &ms,
			     &part, &end),
	    2);
	assert_true(end > 0 && strcmp(said + end, "\n") == 0);
	assert_in_range(ms, 12345678, 12345678 + HANG);
	l.verbose = 1;
	c = capture_begin(STDERR_FILENO);
	log_explain(&l, "a note");
	assert_string_equal(capture_end(&c), "-- a note\n");
	log_clear(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_line_for_each_mail),
	    cmocka_unit_test(a_line_for_each_failure),
	    cmocka_unit_test(lines_are_harmless),
	    cmocka_unit_test(many_recipients_are_counted),
	    cmocka_unit_test(the_account_says_where),
	    cmocka_unit_test(the_journal_has_fields),
	    cmocka_unit_test(nobody_is_kept_waiting),
	    cmocka_unit_test(all_lines_of_a_mail_share_the_patience),
	    cmocka_unit_test(a_log_on_stderr),
	    cmocka_unit_test(a_log_in_a_file),
	    cmocka_unit_test(a_log_of_objects),
	    cmocka_unit_test(objects_are_whole),
	    cmocka_unit_test(a_file_that_cannot_be_had),
	    cmocka_unit_test(a_full_disk_changes_nothing),
	    cmocka_unit_test(lines_have_their_time),
	    cmocka_unit_test(transcripts),
	};

	setprogname("log");
	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
