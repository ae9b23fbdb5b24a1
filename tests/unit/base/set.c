#include "../unit.h"

#include <stdio.h>

#include "base/set.h"

static void
strings_compare_as_told(void **state)
{
	static const struct {
		const char *string;
		size_t exact;
		bool added;
	} rows[] = {
	    {"", 0, true},
	    {"", 0, false},
	    {"a@b", 1, true},
	    {"a@B", 1, false},
	    {"A@b", 1, true},
	    {"a@bc", 1, true},
	};
	struct set set = {0};
	size_t i;

	(void)state;
	assert_int_equal(set_find(&set, text_of("a@b"), 1), 0);
	for (i = 0; i < COUNT(rows); i++)
		assert_int_equal(
		    set_add(&set, text_of(rows[i].string), rows[i].exact),
		    rows[i].added);
	set_clear(&set);
	assert_int_equal(set.count, 0);
	set_clear(&set);
}

static void
numbers_are_those_of_arrival(void **state)
{
	struct set set = {0};
	char name[32];
	size_t i;

	(void)state;
	for (i = 0; i < 100000; i++) {
		snprintf(name, sizeof(name), "u%zu@X", i);
		assert_true(set_add(&set, text_of(name), strlen(name) - 2));
	}
	for (i = 0; i < 100000; i++) {
		snprintf(name, sizeof(name), "u%zu@x", i);
		assert_int_equal(
		    set_find(&set, text_of(name), strlen(name) - 2), i);
		assert_false(set_add(&set, text_of(name), strlen(name) - 2));
	}
	assert_int_equal(set_find(&set, text_of("nobody@x"), 6), 100000);
	assert_string_equal(set.strings[99999], "u99999@X");
	set_clear(&set);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(strings_compare_as_told),
	    cmocka_unit_test(numbers_are_those_of_arrival),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
