#include "../unit.h"

#include "smtp/ehlo.h"

/* Parses the reply to EHLO that has these lines behind the first. */
static struct ehlo
parse(const char *lines)
{
	struct reply reply;
	struct ehlo e;
	struct text rest, line;
	struct buf wire;
	size_t used;

	buf_init(&wire, 100000);
	buf_add_string(&wire, "250-mail.example.org SIZE 5\r\n");
	rest = text_of(lines);
	while (text_next_line(&rest, &line))
		buf_format(&wire, "250%c%.*s\r\n", rest.len == 0 ? ' ' : '-',
		    TEXT_ARG(line));
	reply_init(&reply);
	assert_int_equal(reply_input(&reply, wire.at, wire.len, &used), 1);
	memset(&e, 0xff, sizeof(e));
	ehlo_parse(&e, &reply);
	reply_clear(&reply);
	buf_clear(&wire);
	return e;
}

static void
reads_every_extension(void **state)
{
	struct ehlo e;

	(void)state;
	e = parse("STARTTLS\nPIPELINING\n8BITMIME\nCHUNKING\nDSN\nSMTPUTF8\n"
		  "ENHANCEDSTATUSCODES\nREQUIRETLS\nSIZE 35882577\n"
		  "LIMITS RCPTMAX=100 MAILMAX=7 RCPTDOMAINMAX=1\n"
		  "MT-PRIORITY STANAG4406\nDELIVERBY 240\n"
		  "FUTURERELEASE 604800 2030-01-01T00:00:00Z\n"
		  "AUTH PLAIN LOGIN SCRAM-SHA-256\n");
	assert_true(e.starttls && e.pipelining && e.eightbitmime);
	assert_true(e.chunking && e.dsn && e.smtputf8 && e.enhanced);
	assert_true(e.requiretls && e.size && e.limits && e.mt_priority);
	assert_true(e.deliverby && e.futurerelease && e.auth);
	assert_int_equal(e.size_max, 35882577);
	assert_int_equal(e.rcptmax, 100);
	assert_int_equal(e.mailmax, 7);
	assert_int_equal(e.deliverby_min, 240);
	assert_int_equal(e.futurerelease_max, 604800);
	assert_string_equal(e.mechanisms, "PLAIN LOGIN SCRAM-SHA-256");
}

static void
assert_offers_nothing(const struct ehlo *e)
{
	assert_false(e->starttls || e->pipelining || e->eightbitmime);
	assert_false(e->chunking || e->dsn || e->smtputf8 || e->enhanced);
	assert_false(e->requiretls || e->size || e->limits || e->mt_priority);
	assert_false(e->deliverby || e->futurerelease || e->auth);
	assert_int_equal(e->size_max, 0);
	assert_int_equal(e->rcptmax, 0);
	assert_int_equal(e->mailmax, 0);
	assert_int_equal(e->deliverby_min, 0);
	assert_int_equal(e->futurerelease_max, 0);
	assert_string_equal(e->mechanisms, "");
}

static void
passes_over_what_it_does_not_know(void **state)
{
	static const char *const lines[] = {
	    "X-OTHER\n", /* and the SIZE of the first line */
	    "XSTARTTLS\nSTARTTLSX\nSTARTTLS-NOT\n",
	    "NOPIPELINING\nSIZES 5\nSIZE=5\n",
	    " STARTTLS\n\tSIZE 5\n\nX-LAST\n",
	    "AUTHENTICATE PLAIN\nHELP\nVRFY\n",
	};
	struct ehlo e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		e = parse(lines[i]);
		assert_offers_nothing(&e);
	}
}

static void
the_first_line_is_no_extension(void **state)
{
	static const char wire[] = "250 STARTTLS\r\n";
	struct reply reply;
	struct ehlo e;
	size_t used;

	(void)state;
	reply_init(&reply);
	assert_int_equal(reply_input(&reply, wire, strlen(wire), &used), 1);
	memset(&e, 0xff, sizeof(e));
	ehlo_parse(&e, &reply);
	assert_offers_nothing(&e);
	reply_clear(&reply);
}

static void
keywords_have_no_case(void **state)
{
	struct ehlo e;

	(void)state;
	e = parse("StartTLS\npipelining\nauth plain Login\nlimits rcptMAX=3\n");
	assert_true(e.starttls);
	assert_true(e.pipelining);
	assert_string_equal(e.mechanisms, "PLAIN LOGIN");
	assert_int_equal(e.rcptmax, 3);
}

static const struct {
	const char *line;
	unsigned long long max;
} sizes[] = {
    {"SIZE\n", 0},
    {"SIZE 0\n", 0},
    {"SIZE 1\n", 1},
    {"SIZE  52428800 \n", 52428800},
    {"SIZE 18446744073709551615\n", 18446744073709551615ULL},
    {"SIZE 18446744073709551616\n", 0},
    {"SIZE -1\n", 0},
    {"SIZE 10M\n", 0},
    {"SIZE 5\nSIZE\n", 0},
};

static void
size_may_come_without_a_limit(void **state)
{
	struct ehlo e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		e = parse(sizes[i].line);
		assert_true(e.size);
		assert_true(e.size_max == sizes[i].max);
	}
}

static void
malformed_parameters_are_no_limits(void **state)
{
	struct ehlo e;

	(void)state;
	e = parse("LIMITS RCPTMAX= MAILMAX RCPTMAX=x MAILMAX=1000000\n"
		  "DELIVERBY soon\nFUTURERELEASE 1234567890\n");
	assert_true(e.limits && e.deliverby && e.futurerelease);
	assert_int_equal(e.rcptmax, 0);
	assert_int_equal(e.mailmax, 0);
	assert_int_equal(e.deliverby_min, 0);
	assert_int_equal(e.futurerelease_max, 0);
	e = parse("DELIVERBY 5,more\n");
	assert_int_equal(e.deliverby_min, 5);
}

static const struct {
	const char *lines;
	const char *mechanisms;
} auths[] = {
    {"AUTH\n", ""},
    {"AUTH PLAIN\n", "PLAIN"},
    {"AUTH=LOGIN PLAIN\n", "LOGIN PLAIN"},
    {"AUTH=LOGIN\nAUTH PLAIN LOGIN\n", "LOGIN PLAIN"},
    {"AUTH LOGIN login LOGIN\n", "LOGIN"},
    {"AUTH =LOGIN\n", ""},
    {"AUTH X,Y PLA\"IN A+B PLAIN\n", "PLAIN"},
    {"AUTH ABCDEFGHIJKLMNOPQRST ABCDEFGHIJKLMNOPQRSTU\n",
	"ABCDEFGHIJKLMNOPQRST"},
    {"AUTH X_Y-2\n", "X_Y-2"},
};

static void
reads_both_forms_of_auth(void **state)
{
	struct ehlo e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(auths) / sizeof(auths[0]); i++) {
		e = parse(auths[i].lines);
		assert_true(e.auth);
		assert_string_equal(e.mechanisms, auths[i].mechanisms);
	}
}

static void
mechanisms_that_do_not_fit_are_left_out_whole(void **state)
{
	struct buf lines;
	struct ehlo e;
	size_t i;

	(void)state;
	buf_init(&lines, 4000);
	buf_add_string(&lines, "AUTH");
	for (i = 0; i < 60; i++)
		buf_format(&lines, " MECHANISM-%02zu", i);
	buf_add_string(&lines, " AB\n");
	e = parse(buf_string(&lines));
	buf_clear(&lines);
	/* 39 of 12 characters with their spaces are 506, then " AB". */
	assert_int_equal(strlen(e.mechanisms), 509);
	assert_string_equal(e.mechanisms + 494, "MECHANISM-38 AB");
}

/* Visible, a line each, and none in part. */
static void
keeps_the_lines_for_people(void **state)
{
	char lines[3000];
	struct ehlo e;
	size_t i;

	(void)state;
	e = parse("SIZE 5\nX\x1b[31m\nAUTH=PLAIN\n");
	assert_string_equal(e.lines, "SIZE 5\nX\\x1b[31m\nAUTH=PLAIN\n");
	assert_int_equal(e.more, 0);
	assert_false(e.hidden);
	lines[0] = '\0';
	for (i = 0; i < 200; i++)
		strlcat(lines, "XEXTENSION\n", sizeof(lines));
	strlcat(lines, "Y\n", sizeof(lines)); /* would fit */
	e = parse(lines);
	assert_int_equal(strlen(e.lines), 1200 / 11 * 11);
	assert_string_equal(e.lines + strlen(e.lines) - 11, "XEXTENSION\n");
	assert_int_equal(e.more, 200 - 1200 / 11 + 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_every_extension),
	    cmocka_unit_test(passes_over_what_it_does_not_know),
	    cmocka_unit_test(the_first_line_is_no_extension),
	    cmocka_unit_test(keywords_have_no_case),
	    cmocka_unit_test(size_may_come_without_a_limit),
	    cmocka_unit_test(malformed_parameters_are_no_limits),
	    cmocka_unit_test(reads_both_forms_of_auth),
	    cmocka_unit_test(mechanisms_that_do_not_fit_are_left_out_whole),
	    cmocka_unit_test(keeps_the_lines_for_people),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
