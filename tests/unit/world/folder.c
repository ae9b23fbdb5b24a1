#include "../unit.h"

#include "../disk.h"

/*
 * What is to be.
 */

/* A report has its mail's id and more; what else is there is none of ours. */
static void
all_that_have_an_id_are_found(void **state)
{
	static const char *const ours[] = {LIVE, LIVE "-b1", LIVE "-b99"};
	static const char *const others[] = {"Q", "Q0123456789-0123", LIVE "-b",
	    LIVE "-b0", LIVE "-b100", LIVE "-c1", LIVE "x", "x" LIVE};
	struct folder *f = opened("found");
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(others); i++)
		put(f, others[i], "x");
	assert_int_equal(count(f, "QxtHFX"), 0);
	for (i = 0; i < COUNT(ours); i++)
		put(f, ours[i], "x");
	assert_int_equal(count(f, "Q"), COUNT(ours));
	folder_free(f);
}

static void
a_file_lives(void **state)
{
	struct folder *f = opened("lives"), *other = opened("lives");
	struct folder_file file, again;
	struct folder_entry entry;

	(void)state;
	put(f, LIVE, "words");
	assert_string_equal(folder_content("lives/" LIVE), "words");
	assert_int_equal(folder_lock(f, LIVE, &file, &error), 1);
	assert_int_equal(folder_lock(other, LIVE, &again, &error), 0);
	assert_int_equal(folder_peek(other, LIVE, &again, &error), 1);
	folder_close_file(other, &again);
	assert_int_equal(folder_peek(other, HELD, &again, &error), 0);
	assert_int_equal(folder_look(other, LIVE, &entry), 0);
	assert_string_equal(entry.name, LIVE);
	assert_int_equal(entry.size, 5);
	assert_int_equal(folder_rename(f, &file, HELD, &error), 0);
	assert_string_equal(file.name, HELD);
	assert_int_equal(folder_lock(other, LIVE, &again, &error), 0);
	assert_int_equal(folder_look(other, LIVE, &entry), -1);
	assert_int_equal(count(f, "Q"), 0);
	assert_int_equal(count(f, "QH"), 1);
	assert_int_equal(folder_unlink(f, &file, &error), 0);
	assert_string_equal(file.name, "");
	assert_int_equal(folder_sync(f, &error), 0);
	folder_close_file(f, &file);
	folder_close_file(f, &file);
	assert_int_equal(count(f, "QHFXt"), 0);
	assert_string_equal(error.text, "");
	assert_string_equal(folder_path(f), in_folder("lives"));
	folder_free(f);
	folder_free(other);
	folder_free(NULL);
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

static void
publishing_syncs_in_this_order(void **state)
{
	struct folder *f = opened("order");

	(void)state;
	skip_where_none_are_unnamed(f);
	put(f, LIVE, "a");
	assert_string_equal(
	    trace, "unnamed sync lock link-proc sync sync-folder");
	forget();
	let_fail(OPEN_UNNAMED, EACH, EOPNOTSUPP);
	put(f, HELD, "a");
	assert_string_equal(
	    trace, "unnamed open lock sync rename sync sync-folder");
	forget();
	folder_free(f);
}

static void
changes_are_synced_once(void **state)
{
	struct folder *f = opened("changes");
	struct folder_file file, other;

	(void)state;
	put(f, LIVE, "a");
	put(f, HELD, "b");
	assert_int_equal(folder_lock(f, LIVE, &file, &error), 1);
	assert_int_equal(folder_lock(f, HELD, &other, &error), 1);
	forget();
	assert_int_equal(folder_sync(f, &error), 0);
	assert_string_equal(trace, "");
	folder_rename(f, &file, "F" ID, &error);
	assert_int_equal(folder_sync(f, &error), 0);
	assert_int_equal(folder_sync(f, &error), 0);
	assert_string_equal(trace, "rename sync-folder");
	folder_unlink(f, &other, &error);
	assert_int_equal(folder_sync(f, &error), 0);
	assert_int_equal(folder_sync(f, &error), 0);
	assert_string_equal(trace, "rename sync-folder unlink sync-folder");
	/* One that failed is not taken for done. */
	let_fail(SYNC, 1, EIO);
	folder_unlink(f, &file, &error);
	assert_failed(folder_sync(f, &error), "changes: what was changed in");
	assert_int_equal(folder_sync(f, &error), 0);
	assert_int_equal(seen[SYNC], 2);
	forget();
	let_fail(SYNC_DATA, 1, EIO);
	assert_failed(folder_sync_file(f, &file, &error), "what was written");
	assert_int_equal(folder_sync_file(f, &file, &error), 0);
	folder_close_file(f, &file);
	folder_close_file(f, &other);
	forget();
	folder_free(f);
}

static void
signals_change_nothing(void **state)
{
	static const enum call calls[] = {OPEN_UNNAMED, OPEN_NAMED, LINK,
	    RENAME, UNLINK, LOCK, SYNC, SYNC_DATA};
	struct folder *f = opened("signals");
	struct folder_file file;
	int way;

	(void)state;
	for (way = 0; way < 2; way++) {
		for (size_t i = 0; i < COUNT(calls); i++)
			let_fail(calls[i], 1, EINTR);
		if (way == 1)
			let_fail(OPEN_UNNAMED, EACH, EISDIR);
		file = new_file(f, "a");
		assert_int_equal(file.name[0], way == 1 ? 't' : '\0');
		assert_int_equal(folder_publish(f, &file, LIVE, &error), 0);
		folder_close_file(f, &file);
		assert_int_equal(folder_lock(f, LIVE, &file, &error), 1);
		assert_int_equal(folder_sync_file(f, &file, &error), 0);
		assert_int_equal(folder_rename(f, &file, HELD, &error), 0);
		assert_int_equal(folder_unlink(f, &file, &error), 0);
		assert_int_equal(folder_sync(f, &error), 0);
		folder_close_file(f, &file);
		assert_string_equal(error.text, "");
		forget();
	}
	folder_free(f);
}

static void
each_lack_of_unnamed_files_makes_drafts(void **state)
{
	static const int reasons[] = {
	    EOPNOTSUPP, EISDIR, ENOENT, EINVAL, ENOSYS};
	struct folder *f = opened("drafts"), *other = opened("drafts");
	struct folder_file file;
	struct stat st;

	(void)state;
	for (size_t i = 0; i < COUNT(reasons); i++) {
		let_fail(OPEN_UNNAMED, EACH, reasons[i]);
		umask(i == 0 ? 0777 : 0);
		file = new_file(f, "words");
		umask(022);
		assert_int_equal(fstat(file.fd, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
		assert_int_equal(count(other, "t"), 1);
		assert_int_equal(count(other, "QHFX"), 0);
		/* Its writer lives. */
		assert_true(is_locked(other, file.name));
		folder_collect(other);
		assert_int_equal(folder_publish(f, &file, LIVE, &error), 0);
		assert_string_equal(folder_content("drafts/" LIVE), "words");
		assert_true(is_locked(other, LIVE));
		assert_int_equal(count(other, "t"), 0);
		folder_unlink(f, &file, &error);
		folder_close_file(f, &file);
		/* One that is given up leaves nothing. */
		file = new_file(f, "words");
		folder_close_file(f, &file);
		assert_int_equal(count(other, "QHFXt"), 0);
		forget();
	}
	folder_free(f);
	folder_free(other);
}

static void
a_rename_that_cannot_keep_what_is_there_is_a_link(void **state)
{
	static const int reasons[] = {EINVAL, ENOSYS, EOPNOTSUPP};
	struct folder *f = opened("links");
	struct folder_file file;

	(void)state;
	forget();
	for (size_t i = 0; i < COUNT(reasons); i++) {
		let_fail(OPEN_UNNAMED, EACH, EOPNOTSUPP);
		let_fail(RENAME, EACH, reasons[i]);
		put(f, LIVE, "a");
		assert_string_equal(trace,
		    "unnamed open lock sync rename link unlink sync "
		    "sync-folder");
		assert_int_equal(folder_lock(f, LIVE, &file, &error), 1);
		assert_int_equal(folder_rename(f, &file, HELD, &error), 0);
		put(f, LIVE, "b");
		assert_failed(folder_rename(f, &file, LIVE, &error), "exists");
		assert_string_equal(folder_content("links/" LIVE), "b");
		assert_string_equal(folder_content("links/" HELD), "a");
		folder_unlink(f, &file, &error);
		folder_close_file(f, &file);
		assert_int_equal(unlink(in_folder("links/" LIVE)), 0);
		assert_int_equal(count(f, "QHFXt"), 0);
		forget();
	}
	folder_free(f);
}

/* No way leads to a name from a file without one. */
static void
an_unnamed_file_without_a_way_becomes_a_draft(void **state)
{
	struct folder *f = opened("ways");
	struct folder_entry entry;
	struct folder_file file;
	char words[200000];
	int fd;

	(void)state;
	skip_where_none_are_unnamed(f);
	memset(words, 'x', sizeof(words) - 1);
	words[sizeof(words) - 1] = '\0';
	let_fail(LINK, EACH, ENOENT);
	file = new_file(f, words);
	fd = file.fd;
	assert_int_equal(folder_set_due(f, &file, 1000000007, &error), 0);
	assert_int_equal(folder_publish(f, &file, LIVE, &error), 0);
	assert_string_equal(trace,
	    "unnamed sync lock link-proc link-empty open lock sync rename sync "
	    "sync-folder");
	forget();
	assert_int_equal(file.fd, fd);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_true(is_locked(f, LIVE));
	assert_int_equal(folder_look(f, LIVE, &entry), 0);
	assert_int_equal(entry.size, sizeof(words) - 1);
	assert_int_equal(entry.due, 1000000007);
	assert_int_equal(pwrite(fd, "y", 1, 0), 1);
	words[0] = 'y';
	words[199998] = 'x';
	assert_memory_equal(folder_content("ways/" LIVE), words, 1000);
	folder_unlink(f, &file, &error);
	folder_close_file(f, &file);
	assert_int_equal(count(f, "QHFXt"), 0);
	folder_free(f);
}

/* Whichever sync it is, nothing stays. */
static void
a_failed_sync_is_final(void **state)
{
	static const int reasons[] = {EIO, ENOSPC, EDQUOT, EROFS};
	struct folder *f = opened("syncs");
	struct folder_file file;
	unsigned nth;
	int way, ways;

	(void)state;
	file = new_file(f, "a");
	ways = file.name[0] == '\0' ? 4 : 3;
	folder_close_file(f, &file);
	forget();
	/* The last way has one more: that of the copy. */
	for (way = 0; way < ways; way++) {
		for (nth = 1; nth <= 3U + (way == 3); nth++) {
			if (way == 1 || way == 2)
				let_fail(OPEN_UNNAMED, EACH, EOPNOTSUPP);
			if (way == 2)
				let_fail(RENAME, EACH, EINVAL);
			if (way == 3)
				let_fail(LINK, EACH, ENOENT);
			file = new_file(f, "a");
			let_fail(SYNC, nth, reasons[nth - 1]);
			assert_int_equal(
			    folder_publish(f, &file, LIVE, &error), -1);
			assert_int_equal(error.sys, reasons[nth - 1]);
			assert_failed(-1, "syncs");
			assert_int_equal(count(f, "QHFX"), 0);
			folder_close_file(f, &file);
			assert_int_equal(count(f, "QHFXt"), 0);
			forget();
		}
	}
	folder_free(f);
}

static void
what_stays_against_our_will_is_told(void **state)
{
	struct folder *f = opened("stays");
	struct folder_file file = new_file(f, "a");

	(void)state;
	let_fail(SYNC, 3, EIO);
	let_fail(UNLINK, EACH, EROFS);
	assert_int_equal(folder_publish(f, &file, LIVE, &error), -1);
	assert_non_null(strstr(error.hint, LIVE " is there, and may be sent"));
	assert_failed(-1, "Input/output error");
	folder_close_file(f, &file);
	forget();
	folder_free(f);
}

static void
a_name_that_is_there_is_kept(void **state)
{
	struct folder *f = opened("kept");
	struct folder_file file;
	int way;

	(void)state;
	put(f, LIVE, "first");
	for (way = 0; way < 3; way++) {
		if (way > 0)
			let_fail(OPEN_UNNAMED, EACH, EOPNOTSUPP);
		if (way > 1)
			let_fail(RENAME, EACH, EINVAL);
		file = new_file(f, "second");
		assert_int_equal(folder_publish(f, &file, LIVE, &error), 1);
		assert_string_equal(folder_content("kept/" LIVE), "first");
		/* It can have another. */
		assert_int_equal(folder_publish(f, &file, HELD, &error), 0);
		assert_string_equal(folder_content("kept/" HELD), "second");
		assert_failed(folder_rename(f, &file, LIVE, &error), "exists");
		assert_string_equal(file.name, HELD);
		folder_unlink(f, &file, &error);
		folder_close_file(f, &file);
		assert_int_equal(count(f, "QHFXt"), 1);
		forget();
	}
	folder_free(f);
}

/* A file server whose answer was lost has done it all the same. */
static void
a_lost_answer_is_no_other_file(void **state)
{
	static const enum call calls[] = {LINK, RENAME, LINK};
	struct folder *f = opened("lost");
	struct folder_file file;

	(void)state;
	for (size_t way = 0; way < COUNT(calls); way++) {
		if (way > 0)
			let_fail(OPEN_UNNAMED, EACH, EOPNOTSUPP);
		if (way > 1)
			let_fail(RENAME, EACH, EINVAL);
		file = new_file(f, "a");
		faults[calls[way]] = (struct fault){1, EEXIST, true};
		seen[calls[way]] = 0;
		assert_int_equal(folder_publish(f, &file, LIVE, &error), 0);
		assert_int_equal(count(f, "Qt"), 1);
		folder_unlink(f, &file, &error);
		folder_close_file(f, &file);
		forget();
	}
	folder_free(f);
}

/* What another does between two calls of ours, each once. */

static bool
collect_before_lock(enum call call)
{
	struct folder *other;

	if (call != LOCK)
		return true;
	other = opened("race");
	folder_collect(other);
	folder_free(other);
	return false;
}

static int
take_name(void *arg, const char *name)
{
	strlcpy(arg, name, FOLDER_NAME);
	return 1;
}

/* It has the lock of the draft already, and will unlink it. */
static struct folder_file collected;

static bool
collect_slowly(enum call call)
{
	char name[FOLDER_NAME] = "";
	struct folder *other;

	if (call != LOCK)
		return true;
	other = opened("race");
	assert_int_equal(folder_scan(other, "t", take_name, name, NULL), 1);
	assert_int_equal(folder_lock(other, name, &collected, NULL), 1);
	folder_free(other);
	return false;
}

static bool
rename_before_lock(enum call call)
{
	if (call == LOCK)
		folder_run("mv race/" LIVE " race/" HELD);
	return call != LOCK;
}

static bool
replace_before_lock(enum call call)
{
	if (call == LOCK)
		folder_run("rm race/" LIVE "; echo other >race/" LIVE);
	return call != LOCK;
}

static bool
unlink_before_lock(enum call call)
{
	if (call == LOCK)
		folder_run("rm race/" LIVE);
	return call != LOCK;
}

static void
a_lock_is_of_the_name_that_was_asked_for(void **state)
{
	static bool (*const acts[])(enum call) = {
	    rename_before_lock, replace_before_lock, unlink_before_lock};
	struct folder *f = opened("race");
	struct folder_file file;

	(void)state;
	for (size_t i = 0; i < COUNT(acts); i++) {
		put(f, LIVE, "a");
		forget();
		hook = acts[i];
		assert_int_equal(folder_lock(f, LIVE, &file, &error), 0);
		assert_int_equal(file.fd, -1);
		assert_string_equal(error.text, "");
		folder_run("rm -f race/*");
		forget();
	}
	folder_free(f);
}

static void
a_collector_that_wins_costs_a_name(void **state)
{
	static bool (*const acts[])(enum call) = {
	    collect_before_lock, collect_slowly};
	struct folder *f = opened("race");
	struct folder_file file;

	(void)state;
	for (size_t i = 0; i < COUNT(acts); i++) {
		let_fail(OPEN_UNNAMED, EACH, EOPNOTSUPP);
		collected = FOLDER_NO_FILE;
		hook = acts[i];
		file = new_file(f, "a");
		assert_null(hook);
		assert_string_not_equal(file.name, collected.name);
		folder_close_file(f, &collected);
		assert_int_equal(count(f, "t"), 1);
		assert_true(is_locked(f, file.name));
		assert_int_equal(folder_publish(f, &file, LIVE, &error), 0);
		assert_string_equal(folder_content("race/" LIVE), "a");
		folder_unlink(f, &file, &error);
		folder_close_file(f, &file);
		assert_int_equal(count(f, "QHFXt"), 0);
		forget();
	}
	folder_free(f);
}

static void
no_endless_race(void **state)
{
	struct folder *f = opened("race");
	struct folder_file file;

	(void)state;
	error_clear(&error);
	let_fail(OPEN_UNNAMED, EACH, EOPNOTSUPP);
	let_fail(LOCK, EACH, EWOULDBLOCK);
	assert_failed(folder_new_file(f, &file, &error), "is taken away");
	assert_in_range(seen[LOCK], 2, 100);
	/* No locks at all. */
	let_fail(LOCK, EACH, ENOLCK);
	assert_failed(folder_new_file(f, &file, &error), "No locks available");
	assert_int_equal(seen[LOCK], 1);
	forget();
	assert_int_equal(count(f, "QHFXt"), 0);
	put(f, LIVE, "a");
	let_fail(LOCK, EACH, ENOLCK);
	assert_failed(
	    folder_lock(f, LIVE, &file, &error), "it cannot be locked");
	forget();
	folder_free(f);
}

static void
what_a_dead_writer_left_is_collected(void **state)
{
	static const char *const others[] = {"t", "tmp", DEAD "x", "t-" ID,
	    LIVE, HELD, "F" ID, "X" ID, ".lock",
	    "t0123456789-0123456789ABCDEF01234567"};
	struct folder *f = opened("dead"), *reader;
	char name[100];

	(void)state;
	for (size_t i = 0; i < COUNT(others); i++) {
		snprintf(name, sizeof(name), "dead/%s", others[i]);
		folder_put(name, "", 0, 0600);
	}
	folder_put("dead/" DEAD, "", 0, 0600);
	reader =
	    try_open(in_folder("dead"), (struct folder_terms){.reading = true});
	folder_collect(reader);
	assert_int_equal(count(f, "t"), 1);
	folder_collect(f);
	assert_int_equal(count(f, "t"), 0);
	for (size_t i = 0; i < COUNT(others); i++) {
		snprintf(name, sizeof(name), "dead/%s", others[i]);
		assert_int_equal(access(in_folder(name), F_OK), 0);
	}
	folder_free(f);
	folder_free(reader);
}

/* A crash between link and unlink leaves a file with two names. */
static void
a_draft_that_was_published_is_collected_alone(void **state)
{
	struct folder *f = opened("two");

	(void)state;
	put(f, LIVE, "a");
	assert_int_equal(
	    link(in_folder("two/" LIVE), in_folder("two/" DEAD)), 0);
	assert_false(is_locked(f, LIVE));
	folder_collect(f);
	assert_int_equal(count(f, "Qt"), 1);
	assert_string_equal(folder_content("two/" LIVE), "a");
	folder_free(f);
}

static int
mark(void *arg, const char *name)
{
	unsigned char *marks = arg;
	unsigned long i = strtoul(name + 1, NULL, 16);

	assert_in_range(i, 0, 2999);
	assert_int_equal(marks[i]++, 0);
	return 0;
}

static int
stop(void *arg, const char *name)
{
	count_one(arg, name);
	return 7;
}

static void
all_names_are_found_once(void **state)
{
	struct folder *f = opened("many");
	unsigned char marks[3000] = {0};
	char name[100];
	int all = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(marks); i++) {
		snprintf(name, sizeof(name),
		    "many/%c%010zx-0123456789abcdef01234567", "QH"[i % 2], i);
		folder_put(name, "", 0, 0600);
	}
	folder_put("many/Q", "", 0, 0600);
	folder_put("many/" LIVE ".swp", "", 0, 0600);
	folder_put("many/.lock", "", 0, 0600);
	assert_int_equal(folder_scan(f, "QH", mark, marks, NULL), 0);
	for (size_t i = 0; i < COUNT(marks); i++)
		assert_int_equal(marks[i], 1);
	assert_int_equal(count(f, "H"), 1500);
	assert_int_equal(count(f, ""), 0);
	assert_int_equal(folder_scan(f, "Q", stop, &all, NULL), 7);
	assert_int_equal(all, 1);
	folder_free(f);
}

static void
strange_files_are_not_trusted(void **state)
{
	static const char *const makers[] = {
	    "ln -s /etc/passwd", "ln -s nowhere", "mkfifo", "mkdir"};
	struct folder *f = opened("strange");
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct folder_entry entry;
	struct folder_file file;
	char script[200];
	int fd;

	(void)state;
	for (size_t i = 0; i < COUNT(makers); i++) {
		snprintf(script, sizeof(script), "%s strange/" LIVE, makers[i]);
		assert_int_equal(folder_run(script), 0);
		assert_failed(folder_lock(f, LIVE, &file, &error), LIVE);
		assert_failed(folder_peek(f, LIVE, &file, &error), LIVE);
		assert_int_equal(folder_look(f, LIVE, &entry), -1);
		assert_int_equal(folder_run("rm -r strange/" LIVE), 0);
	}
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	strlcpy(address.sun_path, in_folder("strange/" LIVE),
	    sizeof(address.sun_path));
	assert_int_equal(
	    bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_failed(folder_lock(f, LIVE, &file, &error), LIVE);
	close(fd);
	folder_free(f);
}

static void
a_file_of_another_is_not_trusted(void **state)
{
	struct folder *f;
	struct folder_file file;

	(void)state;
	if (geteuid() != 0)
		skip_as("only root can give files away");
	f = opened("given");
	put(f, LIVE, "a");
	assert_int_equal(chown(in_folder("given/" LIVE), 65534, 0), 0);
	assert_failed(folder_lock(f, LIVE, &file, &error),
	    LIVE ": it belongs to another than the folder");
	folder_free(f);
}

static void
one_run_at_a_time(void **state)
{
	struct folder *f = opened("run"), *other = opened("run");

	(void)state;
	assert_true(folder_lock_run(f));
	assert_false(folder_lock_run(other));
	/* The work of others goes on. */
	put(other, LIVE, "a");
	folder_free(f);
	assert_true(folder_lock_run(other));
	folder_free(other);
	/* Nothing rests on it. */
	f = opened("run");
	let_fail(OPEN_NAMED, 1, ENOSPC);
	assert_true(folder_lock_run(f));
	let_fail(LOCK, 1, ENOLCK);
	assert_true(folder_lock_run(f));
	forget();
	folder_free(f);
}

static void
moments(void **state)
{
	static const long long dues[] = {0, 1, 1000000000, 2147483647};
	struct folder *f = opened("moments");
	struct folder_entry entry;
	struct folder_file file;

	(void)state;
	put(f, LIVE, "a");
	assert_int_equal(folder_lock(f, LIVE, &file, &error), 1);
	for (size_t i = 0; i < COUNT(dues); i++) {
		assert_int_equal(folder_set_due(f, &file, dues[i], &error), 0);
		assert_int_equal(folder_look(f, LIVE, &entry), 0);
		assert_true(entry.due == dues[i]);
	}
	/* In 2100, or as near as the file system comes. */
	assert_int_equal(folder_set_due(f, &file, 4102444800, &error), 0);
	assert_int_equal(folder_look(f, LIVE, &entry), 0);
	assert_true(entry.due == 4102444800 || entry.due >= 2147483647);
	assert_int_equal(folder_set_due(f, &file, -1, &error), 0);
	assert_int_equal(folder_look(f, LIVE, &entry), 0);
	assert_true(entry.due <= 0);
	folder_close_file(f, &file);
	folder_free(f);
}

static void
an_unnamed_file_needs_no_proc(void **state)
{
	struct folder *f = opened("proc");

	(void)state;
	skip_where_none_are_unnamed(f);
	if (geteuid() != 0 || unshare(CLONE_NEWNS) == -1 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1 ||
	    umount2("/proc", MNT_DETACH) == -1) {
		folder_free(f);
		skip_as("/proc cannot be taken away");
	}
	put(f, LIVE, "a");
	assert_string_equal(
	    trace, "unnamed sync lock link-proc link-empty sync sync-folder");
	forget();
	/* Older systems let only root do that. */
	assert_int_equal(chown(in_folder("proc"), 65534, 0), 0);
	assert_int_equal(chmod(in_folder("."), 0711), 0);
	assert_int_equal(seteuid(65534), 0);
	folder_free(f);
	f = opened("proc");
	put(f, HELD, "b");
	folder_free(f);
	assert_int_equal(seteuid(0), 0);
	assert_string_equal(folder_content("proc/" HELD), "b");
	assert_int_equal(mount("proc", "/proc", "proc", 0, NULL), 0);
	forget();
}

static void
no_descriptor_stays(void **state)
{
	const int before = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct folder_file file;
	struct folder *f;
	int after;

	(void)state;
	close(before);
	f = opened("open");
	for (int way = 0; way < 3; way++) {
		if (way > 0)
			let_fail(OPEN_UNNAMED, EACH, EISDIR);
		if (way > 1)
			let_fail(LOCK, EACH, EWOULDBLOCK);
		if (folder_new_file(f, &file, &error) == 0) {
			assert_int_equal(fcntl(file.fd, F_GETFD), FD_CLOEXEC);
			folder_publish(f, &file, LIVE, &error);
		}
		folder_close_file(f, &file);
		if (folder_lock(f, LIVE, &file, &error) == 1)
			assert_int_equal(fcntl(file.fd, F_GETFD), FD_CLOEXEC);
		folder_close_file(f, &file);
		folder_lock_run(f);
	}
	forget();
	folder_collect(f);
	folder_free(f);
	after = open("/dev/null", O_RDONLY | O_CLOEXEC);
	close(after);
	assert_int_equal(after, before);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(all_that_have_an_id_are_found),
	    TEST(a_file_lives),
	    TEST(octets_stand_where_they_are_written),
	    TEST(publishing_syncs_in_this_order),
	    TEST(changes_are_synced_once),
	    TEST(signals_change_nothing),
	    TEST(each_lack_of_unnamed_files_makes_drafts),
	    TEST(a_rename_that_cannot_keep_what_is_there_is_a_link),
	    TEST(an_unnamed_file_without_a_way_becomes_a_draft),
	    TEST(a_failed_sync_is_final),
	    TEST(what_stays_against_our_will_is_told),
	    TEST(a_name_that_is_there_is_kept),
	    TEST(a_lost_answer_is_no_other_file),
	    TEST(a_lock_is_of_the_name_that_was_asked_for),
	    TEST(a_collector_that_wins_costs_a_name),
	    TEST(no_endless_race),
	    TEST(what_a_dead_writer_left_is_collected),
	    TEST(a_draft_that_was_published_is_collected_alone),
	    TEST(all_names_are_found_once),
	    TEST(strange_files_are_not_trusted),
	    TEST(a_file_of_another_is_not_trusted),
	    TEST(one_run_at_a_time),
	    TEST(moments),
	    TEST(an_unnamed_file_needs_no_proc),
	    TEST(no_descriptor_stays),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
