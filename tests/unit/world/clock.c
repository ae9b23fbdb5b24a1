#include "../unit.h"

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include "world/clock.h"

static void
has_a_clock(void **state)
{
	long long before = clock_now();
	struct pollfd none = {.fd = -1};

	(void)state;
	poll(&none, 1, 5);
	assert_true(clock_now() >= before + 4);
}

static void
waits_for_a_descriptor(void **state)
{
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(clock_wait_readable(ends[0], clock_now() + 5), 0);
	assert_int_equal(clock_wait_readable(ends[0], 0), 0);
	assert_int_equal(write(ends[1], "x", 1), 1);
	assert_int_equal(clock_wait_readable(ends[0], LLONG_MAX), 1);
	close(ends[0]);
	close(ends[1]);
}

static void
compares_deadlines(void **state)
{
	long long soon = clock_in(1), late = clock_in(60);

	(void)state;
	assert_in_range(soon - clock_now(), 1, 1000);
	assert_int_equal(clock_earlier(soon, late), soon);
	assert_int_equal(clock_earlier(late, soon), soon);
	assert_int_equal(clock_earlier(CLOCK_NEVER, late), late);
	assert_in_range(clock_in(UINT_MAX), late, CLOCK_NEVER);
}

static void
no_act(int number)
{
	(void)number;
}

static void
is_not_ended_by_signals(void **state)
{
	struct itimerval every = {{0, 1000}, {0, 1000}},
			 never = {{0, 0}, {0, 0}};
	long long begin = clock_now();
	struct sigaction action;

	(void)state;
	memset(&action, 0, sizeof(action));
	action.sa_handler = no_act;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
	assert_int_equal(clock_wait(NULL, 0, begin + 30), 0);
	setitimer(ITIMER_REAL, &never, NULL);
	assert_true(clock_now() >= begin + 30);
	signal(SIGALRM, SIG_DFL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(has_a_clock),
	    cmocka_unit_test(waits_for_a_descriptor),
	    cmocka_unit_test(compares_deadlines),
	    cmocka_unit_test(is_not_ended_by_signals)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
