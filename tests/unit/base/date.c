#include "../unit.h"

#include <limits.h>
#include <time.h>

#include "base/date.h"

static const struct {
	long long seconds;
	int offset;
	const char *expected;
} cases[] = {
    {0, 0, "Thu, 1 Jan 1970 00:00:00 +0000"},
    {1795388614, 0, "Sun, 22 Nov 2026 23:03:34 +0000"},
    {1795388614, 60, "Mon, 23 Nov 2026 00:03:34 +0100"},
    {1795388614, -210, "Sun, 22 Nov 2026 19:33:34 -0330"},
    {1795388614, 345, "Mon, 23 Nov 2026 04:48:34 +0545"},
    {0, -1, "Wed, 31 Dec 1969 23:59:00 -0001"},
    {-1, 0, "Wed, 31 Dec 1969 23:59:59 +0000"},
    {951782400, 0, "Tue, 29 Feb 2000 00:00:00 +0000"},
    {951868800, 0, "Wed, 1 Mar 2000 00:00:00 +0000"},
    {4107542400, 0, "Mon, 1 Mar 2100 00:00:00 +0000"},
    {4107542399, 0, "Sun, 28 Feb 2100 23:59:59 +0000"},
    {2147483648, 0, "Tue, 19 Jan 2038 03:14:08 +0000"},
    {253402300799, 0, "Fri, 31 Dec 9999 23:59:59 +0000"},
    {253402300800, 0, "Fri, 31 Dec 9999 23:59:59 +0000"},
    {253402300799, 60, "Fri, 31 Dec 9999 23:59:59 +0100"},
    {-62167219200, 0, "Sat, 1 Jan 0000 00:00:00 +0000"},
    {-62167219201, 0, "Sat, 1 Jan 0000 00:00:00 +0000"},
    {-62135596800, 0, "Mon, 1 Jan 0001 00:00:00 +0000"},
    {LLONG_MAX, INT_MAX, "Fri, 31 Dec 9999 23:59:59 +9959"},
    {LLONG_MIN, INT_MIN, "Sat, 1 Jan 0000 00:00:00 -9959"},
};

static void
dates(void **state)
{
	struct buf out;
	size_t i;

	(void)state;
	buf_init(&out, 64);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct date date = {cases[i].seconds, cases[i].offset};

		buf_reset(&out);
		assert_int_equal(date_format(date, &out), 0);
		assert_string_equal(buf_string(&out), cases[i].expected);
	}
	buf_clear(&out);
}

/* The C library's calendar as the judge, one clock value in every year part. */
static void
agrees_with_the_c_library(void **state)
{
	char expected[64];
	struct date date;
	struct buf out;
	struct tm tm;
	time_t clock;

	(void)state;
	buf_init(&out, 64);
	for (date = (struct date){-62167219200, 0};
	     date.seconds <= 253402300799; date.seconds += 86400 * 13 + 3607) {
		clock = (time_t)date.seconds;
		assert_non_null(gmtime_r(&clock, &tm));
		snprintf(expected, sizeof(expected),
		    "%.3s, %d %.3s %04d %02d:%02d:%02d +0000",
		    &"SunMonTueWedThuFriSat"[tm.tm_wday * 3], tm.tm_mday,
		    &"JanFebMarAprMayJunJulAugSepOctNovDec"[tm.tm_mon * 3],
		    tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
		buf_reset(&out);
		assert_int_equal(date_format(date, &out), 0);
		assert_string_equal(buf_string(&out), expected);
	}
	buf_clear(&out);
}

static void
lines_with_a_date(void **state)
{
	static const struct {
		const char *line;
		bool stands;
	} rows[] = {
	    {"From a@b Thu Jan  1 00:00:00 1970", true},
	    {"From - Fri, 20 Nov 2026 10:00:01 +0100", true},
	    {"From a Sun Feb\t1 9:05 70 remote from b", true},
	    {"sat dec 23:59", true},
	    {"", false},
	    {"Thu Jan 1 1970", false},
	    {"Thu 1 00:00 1970", false},
	    {"Jan 1 00:00 1970", false},
	    {"Thursday January 00:00", false},
	    {"Thu Jan :00 0:0 000:00 a:00 1a:00 00:0a 00:", false},
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++)
		if (date_stands_in(text_of(rows[i].line)) != rows[i].stands)
			fail_msg("%s", rows[i].line);
}

static void
full_buffer_is_told(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 10);
	assert_int_equal(date_format((struct date){0, 0}, &out), -1);
	buf_clear(&out);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(dates),
	    cmocka_unit_test(agrees_with_the_c_library),
	    cmocka_unit_test(full_buffer_is_told),
	    cmocka_unit_test(lines_with_a_date),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
