#include "../unit.h"

#include "base/progress.h"

/* A step: so many milliseconds since the beginning, so many octets. */
struct step {
	long long at;
	unsigned long long octets;
};

static const struct {
	unsigned long long size;
	struct step steps[16];
	size_t columns;
	const char *expected;
} rows[] = {
    /* Octets, rate, time left. */
    {38000000, {{1000, 1200000}}, 80,
	"sending: 3%, 1.2 of 38.0 MB, 1.2 MB/s, 31 s left"},
    {38000000, {{1000, 1200000}, {10000, 12400000}}, 80,
	"sending: 32%, 12.4 of 38.0 MB, 1.2 MB/s, 21 s left"},
    {900000, {{2000, 64000}}, 80,
	"sending: 7%, 64 of 900 kB, 32 kB/s, 27 s left"},
    {5000000000, {{1000, 999}}, 80, "sending: 0%, 0.0 of 5.0 GB, 999 B/s"},
    {5000000000, {{1000, 100000}}, 80,
	"sending: 0%, 0.0 of 5.0 GB, 100 kB/s, 13 h 53 min left"},
    {38000000, {{1000, 190000}}, 80,
	"sending: 0%, 0.1 of 38.0 MB, 190 kB/s, 3 min 19 s left"},
    {999, {{1000, 99}}, 80, "sending: 9%, 99 of 999 octets, 99 B/s, 10 s left"},
    {1001, {{1000, 1000}}, 80, "sending: 99%, 1 of 1 kB, 1 kB/s, 1 s left"},
    /* Where a unit begins, and a forecast ends. */
    {1000000000, {{1000, 1000000}}, 80,
	"sending: 0%, 0.0 of 1.0 GB, 1.0 MB/s, 16 min 39 s left"},
    {60000000, {{1000, 1000000}}, 80,
	"sending: 1%, 1.0 of 60.0 MB, 1.0 MB/s, 59 s left"},
    {61000000, {{1000, 1000000}}, 80,
	"sending: 1%, 1.0 of 61.0 MB, 1.0 MB/s, 1 min 0 s left"},
    {3600000000, {{1000, 1000000}}, 80,
	"sending: 0%, 0.0 of 3.6 GB, 1.0 MB/s, 59 min 59 s left"},
    {3601000000, {{1000, 1000000}}, 80,
	"sending: 0%, 0.0 of 3.6 GB, 1.0 MB/s, 1 h 0 min left"},
    {360000000, {{1000, 1000}}, 80,
	"sending: 0%, 0.0 of 360.0 MB, 1 kB/s, 99 h 59 min left"},
    {360001000, {{1000, 1000}}, 80, "sending: 0%, 0.0 of 360.0 MB, 1 kB/s"},
    /* Never a beginning that looks like an end, nor the other way round. */
    {1000000, {{1000, 999999}}, 80,
	"sending: 99%, 0.9 of 1.0 MB, 999 kB/s, 1 s left"},
    /* What has been fast once is not fast for ever. */
    {100000000,
	{{1000, 50000000}, {2000, 50000000}, {3000, 50000000}, {4000, 50000000},
	    {5000, 50000000}, {6000, 50000000}, {7000, 50000000},
	    {8000, 50000000}, {9000, 50000000}, {10000, 50000000},
	    {11000, 50000000}, {12000, 51100000}},
	80, "sending: 51%, 51.1 of 100.0 MB, 100 kB/s, 8 min 9 s left"},
    {100000000,
	{{1000, 50000000}, {2000, 50000000}, {3000, 50000000}, {4000, 50000000},
	    {5000, 50000000}, {6000, 50000000}, {7000, 50000000},
	    {8000, 50000000}, {9000, 50000000}, {10000, 50000000},
	    {11000, 50000000}, {12000, 50000000}},
	80, "sending: 50%, 50.0 of 100.0 MB, stalled"},
    /* As wide as the terminal. */
    {38000000, {{1000, 1200000}}, 48,
	"sending: 3%, 1.2 of 38.0 MB, 1.2 MB/s, 31 s left"},
    {38000000, {{1000, 1200000}}, 47, "1.2 of 38.0 MB, 1.2 MB/s, 31 s left"},
    {38000000, {{1000, 1200000}}, 34, "1.2 of 38.0 MB, 31 s left"},
    {38000000, {{1000, 1200000}}, 24, "3%, 31 s left"},
    {38000000, {{1000, 1200000}}, 12, "3%"},
    {38000000, {{1000, 1200000}}, 1, ""},
    {38000000, {{1000, 1200000}}, 0, ""},
    /* All of it is out. */
    {38000000, {{1000, 38000000}}, 80,
	"sent 38.0 MB, waiting for the server's answer"},
    {38000000, {{1000, 38000000}}, 44, "waiting for an answer"},
    {38000000, {{1000, 38000000}}, 20, "100%"},
    {38000000, {{1000, 38000001}}, 20, "100%"},
    /* Clocks that stand, and a queue that grew: no rate, and no fault. */
    {38000000, {{0, 1200000}}, 80, "sending: 3%, 1.2 of 38.0 MB, stalled"},
    {38000000, {{1000, 1200000}, {1500, 1000000}}, 80,
	"sending: 2%, 1.0 of 38.0 MB, 666 kB/s, 56 s left"},
    {0, {{1000, 0}}, 80, "sending: 0%, 0 of 0 octets, stalled"},
};

static void
tells_how_far_it_is(void **state)
{
	const struct step *step;
	struct progress p;
	struct buf out;
	size_t i;

	(void)state;
	buf_init(&out, 200);
	for (i = 0; i < COUNT(rows); i++) {
		memset(&p, 0, sizeof(p));
		for (step = rows[i].steps;
		     step == rows[i].steps || step->at != 0; step++)
			progress_add(&p, 5000, rows[i].size, 5000 + step->at,
			    step->octets);
		buf_reset(&out);
		progress_format(&p, rows[i].columns, &out);
		assert_string_equal(buf_string(&out), rows[i].expected);
		assert_in_range(out.len, 0, rows[i].columns);
	}
	buf_clear(&out);
}

/* The next mail begins anew, also one that is as large. */
static void
begins_anew(void **state)
{
	static const struct {
		long long begun;
		unsigned long long size;
	} others[] = {{9000, 38000000}, {5000, 30000000}};
	struct progress p = {0};
	struct buf out;
	size_t i;

	(void)state;
	buf_init(&out, 200);
	for (i = 0; i < COUNT(others); i++) {
		progress_add(&p, 5000, 38000000, 6000, 30000000);
		buf_reset(&out);
		progress_add(
		    &p, others[i].begun, others[i].size, 10000, 1000000);
		progress_format(&p, 80, &out);
		assert_non_null(strstr(buf_string(&out), "1.0 of"));
		assert_non_null(strstr(
		    buf_string(&out), i == 0 ? " 1.0 MB/s" : " 200 kB/s"));
	}
	buf_clear(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(tells_how_far_it_is),
	    cmocka_unit_test(begins_anew)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
