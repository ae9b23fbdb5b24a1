#include "../unit.h"

#include "submit/backoff.h"

#define NOW	     1800000000LL
#define MINUTE	     60LL
#define HOUR	     3600LL
#define EVEN	     127 /* a chance that adds and takes off nothing, nearly */
#define CREATED(age) (NOW - (age))

static const struct backoff usual = {5 * 60, 4 * 3600};

static void
a_mail_is_tried_for_as_long_as_its_account_says(void **state)
{
	const struct account unset = {.spool_lifetime = 0};
	const struct account set = {.spool_lifetime = 90};

	(void)state;
	assert_int_equal(backoff_lifetime(&set), 90);
	assert_int_equal(backoff_lifetime(&unset), ACCOUNT_SPOOL_LIFETIME);
	assert_int_equal(backoff_lifetime(NULL), ACCOUNT_SPOOL_LIFETIME);
}

static void
a_mail_waits_as_its_account_says(void **state)
{
	const struct account unset = {.spool_retry = {0, 0}};
	const struct account set = {.spool_retry = {60, 90}};
	const struct account *const accounts[] = {&set, &unset, NULL};
	struct backoff b;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(accounts); i++) {
		b = backoff_by(accounts[i]);
		assert_int_equal(b.first, i == 0 ? 60 : usual.first);
		assert_int_equal(b.longest, i == 0 ? 90 : usual.longest);
	}
}

/* The delay in seconds, where chance adds nothing: to a hundredth. */
static void
the_older_the_later(void **state)
{
	static const struct {
		long long age;
		bool refused;
		long long delay;
	} rows[] = {{0, false, 5 * MINUTE}, {5 * MINUTE, false, 5 * MINUTE},
	    {10 * MINUTE, false, 10 * MINUTE},
	    {80 * MINUTE, false, 80 * MINUTE}, {4 * HOUR, false, 4 * HOUR},
	    {100 * HOUR, false, 4 * HOUR}, {0, true, 30 * MINUTE},
	    {29 * MINUTE, true, 30 * MINUTE}, {HOUR, true, HOUR},
	    {100 * HOUR, true, 4 * HOUR},
	    /* a clock that went back */
	    {-1, false, 5 * MINUTE}, {-NOW, false, 5 * MINUTE},
	    {-NOW, true, 30 * MINUTE}};
	long long delay;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		delay = backoff_next(&usual, CREATED(rows[i].age), NOW,
			    rows[i].refused, EVEN) -
			NOW;
		if (rows[i].refused && rows[i].delay == 30 * MINUTE)
			assert_in_range(delay, 30 * MINUTE, 32 * MINUTE);
		else
			assert_in_range(delay, rows[i].delay * 99 / 100,
			    rows[i].delay * 101 / 100);
	}
}

static void
chance_moves_it_by_a_tenth(void **state)
{
	const long long created = CREATED(HOUR);
	long long delay, before = 0;
	unsigned chance;

	(void)state;
	for (chance = 0; chance < 256; chance++) {
		delay = backoff_next(&usual, created, NOW, false,
			    (unsigned char)chance) -
			NOW;
		assert_in_range(delay, 54 * MINUTE, 66 * MINUTE);
		assert_true(delay > before);
		before = delay;
		/* Never before its time where it was refused. */
		delay = backoff_next(
			    &usual, NOW, NOW, true, (unsigned char)chance) -
			NOW;
		assert_in_range(delay, 30 * MINUTE, 33 * MINUTE);
		delay = backoff_next(&usual, CREATED(30 * MINUTE), NOW, true,
			    (unsigned char)chance) -
			NOW;
		assert_in_range(delay, 30 * MINUTE, 33 * MINUTE);
	}
	assert_int_equal(before, 66 * MINUTE);
}

/* The mail's own moments: with what is usual, from its first failure on. */
static void
the_attempts_of_a_mail(void **state)
{
	static const long long minutes[] = {5, 10, 20, 40, 80, 160, 320, 560};
	long long now = NOW;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(minutes); i++) {
		now = backoff_next(&usual, NOW, now, false, EVEN);
		assert_in_range(now - NOW, minutes[i] * MINUTE * 95 / 100,
		    minutes[i] * MINUTE * 105 / 100);
	}
}

static void
clocks_jump(void **state)
{
	static const struct {
		long long created, due, now;
		bool is_due;
	} rows[] = {{NOW, NOW + 1, NOW, false}, {NOW, NOW, NOW, true},
	    {NOW, NOW - 1, NOW, true}, {NOW, 0, NOW, true},
	    /* as far away as anything waits, and further */
	    {NOW, NOW + 4 * HOUR * 11 / 10, NOW, false},
	    {NOW, NOW + 4 * HOUR * 11 / 10 + 1, NOW, true},
	    {NOW, 2 * NOW, NOW, true},
	    /* it was made in the future */
	    {NOW + 1, NOW + 100, NOW, true}, {NOW, NOW + 300, 0, true}};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++)
		assert_int_equal(backoff_is_due(&usual, rows[i].created,
				     rows[i].due, rows[i].now),
		    rows[i].is_due);
}

/* What was refused waits half an hour, also where all else waits less. */
static void
short_limits(void **state)
{
	static const struct backoff quick = {1, 60}, odd = {600, 60};

	(void)state;
	assert_false(backoff_is_due(
	    &quick, NOW, backoff_next(&quick, NOW, NOW, true, 255), NOW));
	assert_in_range(
	    backoff_next(&quick, NOW, NOW, false, EVEN), NOW, NOW + 1);
	assert_in_range(backoff_next(&odd, CREATED(HOUR), NOW, false, EVEN),
	    NOW + 590, NOW + 610);
	assert_false(backoff_is_due(
	    &odd, NOW, backoff_next(&odd, NOW, NOW, false, 255), NOW));
}

static void
nothing_is_given_up_untried(void **state)
{
	(void)state;
	assert_true(backoff_is_over(NOW - 100, NOW, NOW, true));
	assert_true(backoff_is_over(NOW - 100, NOW - 50, NOW, true));
	assert_false(backoff_is_over(NOW - 100, NOW - 50, NOW, false));
	assert_false(backoff_is_over(NOW - 100, NOW + 1, NOW, true));
	/* made in the future: the clock is wrong, or was */
	assert_false(backoff_is_over(NOW + 100, NOW - 50, NOW, true));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_mail_is_tried_for_as_long_as_its_account_says),
	    cmocka_unit_test(a_mail_waits_as_its_account_says),
	    cmocka_unit_test(the_older_the_later),
	    cmocka_unit_test(chance_moves_it_by_a_tenth),
	    cmocka_unit_test(the_attempts_of_a_mail),
	    cmocka_unit_test(clocks_jump),
	    cmocka_unit_test(short_limits),
	    cmocka_unit_test(nothing_is_given_up_untried),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
