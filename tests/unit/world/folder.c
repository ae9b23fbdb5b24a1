#include "../unit.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>

#include "../folder.h"
#include "world/folder.h"

#define ID   "0123456789-0123456789abcdef01234567"
#define LIVE "Q" ID
#define HELD "H" ID

static struct folder *
opened(const char *name)
{
	const struct folder_terms terms = {.path = in_folder(name),
	    .owner = geteuid(),
	    .make = true,
	    .volatile_taken = true};
	struct folder *f;
	struct error e;

	error_clear(&e);
	f = folder_open(&terms, &e);
	assert_string_equal(e.text, "");
	assert_non_null(f);
	return f;
}

static void
put(struct folder *f, const char *name, const char *words)
{
	struct folder_file file;
	struct error e;

	error_clear(&e);
	assert_int_equal(folder_new_file(f, &file, &e), 0);
	assert_int_equal(file_write(file.fd, words, strlen(words)), 0);
	assert_int_equal(folder_publish(f, &file, name, &e), 0);
	assert_string_equal(file.name, name);
	folder_close_file(f, &file);
}

static int
count_one(void *arg, const char *name)
{
	(void)name;
	++*(int *)arg;
	return 0;
}

static int
count(struct folder *f, const char *letters)
{
	int all = 0;

	assert_int_equal(folder_scan(f, letters, count_one, &all, NULL), 0);
	return all;
}

static void
a_file_lives(void **state)
{
	struct folder *f = opened("lives"), *other = opened("lives");
	struct folder_file file, again;
	struct folder_entry entry;
	struct error e;

	(void)state;
	error_clear(&e);
	put(f, LIVE, "words");
	assert_string_equal(folder_content("lives/" LIVE), "words");
	assert_int_equal(folder_lock(f, LIVE, &file, &e), 1);
	assert_int_equal(folder_lock(other, LIVE, &again, &e), 0);
	assert_int_equal(folder_peek(other, LIVE, &again, &e), 1);
	folder_close_file(other, &again);
	assert_int_equal(folder_peek(other, HELD, &again, &e), 0);
	assert_int_equal(folder_set_due(f, &file, 4102444800, &e), 0);
	assert_int_equal(folder_look(other, LIVE, &entry), 0);
	assert_int_equal(entry.due, 4102444800);
	assert_int_equal(entry.size, 5);
	assert_int_equal(folder_rename(f, &file, HELD, &e), 0);
	assert_int_equal(folder_lock(other, LIVE, &again, &e), 0);
	assert_int_equal(count(f, "Q"), 0);
	assert_int_equal(count(f, "QH"), 1);
	assert_int_equal(folder_unlink(f, &file, &e), 0);
	assert_int_equal(folder_sync(f, &e), 0);
	folder_close_file(f, &file);
	assert_int_equal(count(f, "QHFXt"), 0);
	assert_string_equal(e.text, "");
	folder_free(f);
	folder_free(other);
}

/* At its place, whatever the file holds; what has no room says so. */
static void
octets_stand_where_they_are_written(void **state)
{
	const struct rlimit small = {12, RLIM_INFINITY};
	struct folder *f = opened("octets");
	struct folder_file file;
	struct rlimit before;
	struct error e;
	char read[20];

	(void)state;
	error_clear(&e);
	assert_int_equal(folder_new_file(f, &file, &e), 0);
	assert_int_equal(folder_write(f, &file, 4, "later", 5, &e), 0);
	assert_int_equal(folder_write(f, &file, 0, "head", 4, &e), 0);
	assert_int_equal(folder_read(f, &file, 0, read, sizeof(read), &e), 9);
	assert_memory_equal(read, "headlater", 9);
	assert_int_equal(folder_read(f, &file, 2, read, 4, &e), 4);
	assert_memory_equal(read, "adla", 4);
	assert_int_equal(folder_read(f, &file, 9, read, 4, &e), 0);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(folder_write(f, &file, 9, "too much", 8, &e), -1);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(e.kind, ERROR_SPOOL);
	assert_non_null(strstr(e.text, "it cannot be written: "));
	folder_close_file(f, &file);
	assert_int_equal(count(f, "QHFXt"), 0);
	folder_free(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_file_lives),
	    cmocka_unit_test(octets_stand_where_they_are_written),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
