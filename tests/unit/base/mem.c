#include "../unit.h"

#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"

/* What mem wipes passes here on its way. */
static char wiped[16];
static size_t wiped_len;

static void
wipe_seen(void *secret, size_t len)
{
	wiped_len = len;
	memset(wiped, 0, sizeof(wiped));
	if (len > 0)
		memcpy(wiped, secret, len);
	free(secret);
}

/* The program's end is the test's own. */
#define EXHAUSTED	42
#define mem_exhausted() _exit(EXHAUSTED)

#define freezero wipe_seen
#include "../../../src/base/mem.c"

static void
new_memory_is_zero(void **state)
{
	static const size_t counts[] = {0, 1, 7, 100000};
	size_t i, j;
	char *bytes;

	(void)state;
	for (i = 0; i < COUNT(counts); i++) {
		bytes = mem_new(counts[i], 3);
		assert_non_null(bytes);
		for (j = 0; j < 3 * counts[i]; j++)
			assert_int_equal(bytes[j], 0);
		free(bytes);
	}
}

static void
resizing_keeps_what_there_was(void **state)
{
	int *numbers = NULL, i;

	(void)state;
	numbers = mem_resize(numbers, 10, sizeof(*numbers));
	for (i = 0; i < 10; i++)
		numbers[i] = i;
	numbers = mem_resize(numbers, 100000, sizeof(*numbers));
	numbers = mem_resize(numbers, 5, sizeof(*numbers));
	for (i = 0; i < 5; i++)
		assert_int_equal(numbers[i], i);
	/* Of no objects, yet something that can be freed. */
	numbers = mem_resize(numbers, 0, sizeof(*numbers));
	assert_non_null(numbers);
	free(numbers);
}

/* A sanitizer sees a place that the array has no room for; who grows it one
 * by one is seen here. */
static void
arrays_grow_by_doubling(void **state)
{
	struct {
		int a;
		char b[13];
	} *list = NULL;
	void *before;
	size_t count = 0, i, moves = 0;

	(void)state;
	for (i = 0; i < 1000; i++) {
		before = list;
		if (i > 2 && (i & (i - 1)) != 0)
			assert_ptr_equal(
			    mem_grow(list, count, sizeof(*list)), list);
		mem_push(list, count)->a = (int)i;
		assert_int_equal(count, i + 1);
		memset(list[i].b, 'x', sizeof(list[i].b));
		moves += list != before;
	}
	assert_in_range(moves, 1, 11);
	for (i = 0; i < 1000; i++)
		assert_int_equal(list[i].a, (int)i);
	free(list);
}

static void
strings_are_copies(void **state)
{
	static const struct {
		const char *from;
		size_t len;
		const char *expected;
	} rows[] = {{"", 0, ""}, {NULL, 0, ""}, {"abc", 3, "abc"},
	    {"abc", 2, "ab"}, {"abc", 0, ""}};
	char *copy;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		copy = mem_string(rows[i].from, rows[i].len);
		assert_string_equal(copy, rows[i].expected);
		assert_ptr_not_equal(copy, rows[i].from);
		free(copy);
	}
	copy = mem_string("a\0b", 3);
	assert_memory_equal(copy, "a\0b", 4);
	free(copy);
	copy = mem_copy("abc");
	assert_string_equal(copy, "abc");
	free(copy);
	assert_null(mem_copy(NULL));
}

static void
secrets_are_wiped_to_their_end(void **state)
{
	(void)state;
	mem_wipe(mem_string("ab\0cd", 5), 5);
	assert_int_equal(wiped_len, 5);
	assert_memory_equal(wiped, "ab\0cd", 5);
	mem_wipe_string(mem_copy("secret"));
	assert_int_equal(wiped_len, 6);
	assert_string_equal(wiped, "secret");
	mem_wipe(NULL, 0);
	mem_wipe_string(NULL);
}

/* A sanitizer would end the program in a way of its own. */
const char *__asan_default_options(void);

const char *
__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

/* No compiler may know what is asked for, or that nobody uses it. */
static volatile size_t far = SIZE_MAX / 4 + 1, half = SIZE_MAX / 2, three = 3;
static void *volatile got;

static void
grow_too_far(void)
{
	got = mem_grow(NULL, far, 1);
}

static void
allocate_too_much(void)
{
	got = mem_new(half, 1);
}

static void
resize_past_all_numbers(void)
{
	got = mem_resize(NULL, half, three);
}

static int
exit_status(void (*act)(void))
{
	int status;
	pid_t pid;

	pid = fork();
	if (pid == 0) {
		act();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
what_cannot_be_had_ends_the_program(void **state)
{
	static void (*const acts[])(void) = {
	    grow_too_far, allocate_too_much, resize_past_all_numbers};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(acts); i++)
		assert_int_equal(exit_status(acts[i]), EXHAUSTED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(new_memory_is_zero),
	    cmocka_unit_test(resizing_keeps_what_there_was),
	    cmocka_unit_test(arrays_grow_by_doubling),
	    cmocka_unit_test(strings_are_copies),
	    cmocka_unit_test(secrets_are_wiped_to_their_end),
	    cmocka_unit_test(what_cannot_be_had_ends_the_program)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
