#include "../unit.h"

#include "run/upload.h"
#include "world/clock.h"

#define L UPLOAD_LARGE

/* What was said at each moment, and when it is to be said next. */
static const struct {
	const char *sentence;
	struct {
		long long now;
		unsigned long long size;
		enum upload_news news;
		long long due;
	} steps[8];
} rows[] = {
    {"a short one is none",
	{{100, L, UPLOAD_NO_NEWS, 1100}, {1099, L, UPLOAD_NO_NEWS, 1100},
	    {1100, 0, UPLOAD_NO_NEWS, CLOCK_NEVER}}},
    {"a small one is none", {{100, L - 1, UPLOAD_NO_NEWS, CLOCK_NEVER},
				{9000, L - 1, UPLOAD_NO_NEWS, CLOCK_NEVER}}},
    {"from a second on, twice a second, and when it is over",
	{{100, L, UPLOAD_NO_NEWS, 1100}, {1100, L, UPLOAD_STEP, 1600},
	    {1101, L, UPLOAD_NO_NEWS, 1600}, {1599, L, UPLOAD_NO_NEWS, 1600},
	    {1600, L, UPLOAD_STEP, 2100}, {9000, L, UPLOAD_STEP, 9500},
	    {9001, 0, UPLOAD_OVER, CLOCK_NEVER},
	    {9002, 0, UPLOAD_NO_NEWS, CLOCK_NEVER}}},
    {"a small one behind it is none",
	{{100, L, UPLOAD_NO_NEWS, 1100}, {1200, L, UPLOAD_STEP, 1700},
	    {1300, 5, UPLOAD_OVER, CLOCK_NEVER},
	    {5000, 5, UPLOAD_NO_NEWS, CLOCK_NEVER}}},
    {"the next has a second of its own",
	{{100, L, UPLOAD_NO_NEWS, 1100}, {200, 0, UPLOAD_NO_NEWS, CLOCK_NEVER},
	    {300, L, UPLOAD_NO_NEWS, 1300}, {1299, L, UPLOAD_NO_NEWS, 1300},
	    {1300, L, UPLOAD_STEP, 1800}}},
};

static void
tells_of_long_ones(void **state)
{
	struct upload u;
	size_t i, k;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		memset(&u, 0, sizeof(u));
		assert_true(upload_due(&u) == CLOCK_NEVER);
		for (k = 0;
		     k < COUNT(rows[i].steps) && rows[i].steps[k].now != 0; k++)
			if (upload_note(&u, rows[i].steps[k].size,
				rows[i].steps[k].now) !=
				rows[i].steps[k].news ||
			    upload_due(&u) != rows[i].steps[k].due)
				fail_msg("%s, step %zu", rows[i].sentence, k);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(tells_of_long_ones)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
