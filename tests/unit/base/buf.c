#include "../unit.h"

#include "base/buf.h"

#define MODEL_MAX 300

static void
a_full_buffer_takes_nothing(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 4);
	assert_int_equal(buf_add_string(&b, "abc"), 0);
	assert_int_equal(buf_add_string(&b, "de"), -1);
	assert_true(b.full);
	/* Also what would fit: a run of adds is checked once at its end. */
	assert_int_equal(buf_add_char(&b, 'd'), -1);
	assert_string_equal(buf_string(&b), "abc");
	buf_reset(&b);
	assert_false(b.full);
	assert_int_equal(buf_add_string(&b, "abcd"), 0);
	assert_int_equal(buf_format(&b, "%d", 1), -1);
	assert_string_equal(buf_string(&b), "abcd");
	buf_clear(&b);
}

static void
an_empty_buffer_is_an_empty_string(void **state)
{
	struct buf b;
	char *taken;

	(void)state;
	buf_init(&b, 10);
	assert_string_equal(buf_string(&b), "");
	assert_int_equal(buf_text(&b).len, 0);
	buf_drop(&b, 3);
	taken = buf_take(&b);
	assert_string_equal(taken, "");
	free(taken);
	buf_wipe(&b);
	buf_clear(&b);
}

static void
what_is_taken_is_the_callers(void **state)
{
	struct buf b;
	char *taken;

	(void)state;
	buf_init(&b, 100);
	buf_format(&b, "%s-%d", "x", 42);
	taken = buf_take(&b);
	assert_string_equal(taken, "x-42");
	assert_int_equal(b.len, 0);
	assert_int_equal(buf_add_string(&b, "new"), 0);
	assert_string_equal(taken, "x-42");
	free(taken);
	buf_clear(&b);
}

/* Random operations against a plain array; the seed is fixed. */
static void
does_as_an_array_does(void **state)
{
	char bytes[64], model[MODEL_MAX];
	size_t have = 0, i, n;
	struct buf b;

	(void)state;
	srandom(1);
	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * 7);
	buf_init(&b, MODEL_MAX);
	for (i = 0; i < 100000; i++) {
		n = (size_t)random() % sizeof(bytes);
		if (random() % 3 == 0) {
			buf_drop(&b, n);
			n = n < have ? n : have;
			memmove(model, model + n, have - n);
			have -= n;
		} else if (have + n <= MODEL_MAX) {
			assert_int_equal(buf_add(&b, bytes, n), 0);
			memcpy(model + have, bytes, n);
			have += n;
		} else {
			assert_int_equal(buf_add(&b, bytes, n), -1);
			b.full = false;
		}
		assert_int_equal(b.len, have);
		assert_true(b.size <= 2 * (MODEL_MAX + 1));
		if (have > 0)
			assert_memory_equal(b.at, model, have);
	}
	buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_full_buffer_takes_nothing),
	    cmocka_unit_test(an_empty_buffer_is_an_empty_string),
	    cmocka_unit_test(what_is_taken_is_the_callers),
	    cmocka_unit_test(does_as_an_array_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
