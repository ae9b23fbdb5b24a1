#include "../unit.h"

#include "../disk.h"

/*
 * Which folders are taken.
 */

static void
folders_are_made(void **state)
{
	const struct folder_terms make = {.make = true, .volatile_taken = true};
	struct folder *f;
	struct stat st;

	(void)state;
	assert_refused(in_folder("a/b/c"), (struct folder_terms){0},
	    "a/b/c: No such file or directory",
	    "as root: install -d -m 700 -o ");
	assert_refused(in_folder("a/b/c"),
	    (struct folder_terms){.make = true, .reading = true},
	    "No such file", "");
	assert_int_equal(try_check(in_folder("a/b/c"), make), 0);
	assert_failed(
	    try_check(in_folder("a/b/c"), (struct folder_terms){0}), "No such");
	assert_failed(try_check("~/b/c", make), "there is no home folder");
	assert_failed(try_check("/nonexistent/b", make), "No such file");
	assert_int_equal(access(in_folder("a"), F_OK), -1);
	umask(0);
	f = try_open(in_folder("a/b/c//"), make);
	umask(022);
	assert_non_null(f);
	assert_string_equal(trace, "sync-folder sync-folder sync-folder");
	assert_string_equal(folder_path(f), in_folder("a/b/c"));
	folder_free(f);
	assert_int_equal(stat(in_folder("a"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(stat(in_folder("a/b/c"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	folder_put("a/file", "", 0, 0600);
	assert_refused(in_folder("a/file/b"), make, "Not a directory", "");
	assert_refused("~/b/c", make, "~/b/c: there is no home folder",
	    "set HOME, or name a folder from `/' on");
	if (geteuid() != 0)
		return;
	assert_int_equal(chown(in_folder("a/b"), 65534, 0), 0);
	/* As a home that is not its user's, who can make nothing there. */
	assert_refused(in_folder("a/b/d/e"), make, "No such file",
	    "make it, as root: install -d -m 700 -o root /tmp/");
	assert_failed(try_check(in_folder("a/b/d/e"), make), "No such file");
	assert_int_equal(access(in_folder("a/b/d"), F_OK), -1);
}

/* logwatch runs what it mails with 0177; by such a folder nobody but root could
 * go on, and in a home it may be one that others' programs use as well. */
static void
a_folder_is_made_whatever_the_umask_is(void **state)
{
	static const mode_t umasks[] = {0177, 0777, 0};
	struct folder *f;
	struct stat st;

	(void)state;
	for (size_t i = 0; i < COUNT(umasks); i++) {
		umask(umasks[i]);
		f = try_open(in_folder("deep/er/est"),
		    (struct folder_terms){
			.make = true, .volatile_taken = true});
		assert_int_equal(umask(022), umasks[i]);
		assert_non_null(f);
		folder_free(f);
		assert_int_equal(stat(in_folder("deep"), &st), 0);
		assert_int_equal(st.st_mode & 07777, 0700);
		assert_int_equal(stat(in_folder("deep/er/est"), &st), 0);
		assert_int_equal(st.st_mode & 07777, 0700);
		assert_int_equal(folder_run("rm -r deep"), 0);
	}
}

static void
others_folders_are_refused(void **state)
{
	const struct folder_terms terms = {.volatile_taken = true};
	struct folder_terms theirs = {.owner = geteuid() + 1};
	char path[200];
	unsigned uid = 1, gid = 1;

	(void)state;
	folder_free(opened("own"));
	assert_int_equal(folder_run("ln -s own link; touch file"), 0);
	assert_refused(in_folder("link"), terms, "link: a symbolic link", "");
	assert_refused(in_folder("link/"), terms, "link: a symbolic link", "");
	assert_refused(in_folder("link//"), terms, "link: a symbolic link", "");
	assert_refused(in_folder("file"), terms, "file: not a folder", "");
	assert_int_equal(folder_owner(in_folder("link"), &uid, &gid), -1);
	assert_int_equal(folder_owner(in_folder("own"), &uid, &gid), 0);
	assert_int_equal(uid, geteuid());
	assert_int_equal(chmod(in_folder("own"), 0710), 0);
	assert_refused(in_folder("own"), terms,
	    "own: others may look or write into it (mode 0710)",
	    "chmod 700 /tmp/");
	assert_int_equal(chmod(in_folder("own"), 01702), 0);
	assert_refused(in_folder("own"), terms, "(mode 1702)", "chmod 700");
	assert_int_equal(chmod(in_folder("own"), 02700), 0);
	folder_free(opened("own"));
	let_fail(STAT, 1, EIO);
	assert_refused(in_folder("own"), terms, "own: Input/output error", "");
	/* A user whose number has changed. */
	strlcpy(path, in_folder("own"), sizeof(path));
	theirs.path = path;
	error_clear(&error);
	assert_null(folder_open(&theirs, &error));
	assert_non_null(strstr(error.text, "own: it belongs to "));
	assert_non_null(strstr(error.hint, "chown -R "));
	assert_int_equal(error.kind, ERROR_SPOOL);
}

static const char *
in_apart(const char *name)
{
	static char path[100];

	snprintf(path, sizeof(path), "apart/%s", name);
	return path;
}

/* The command would be root's, and the folder /tmp or a home. */
static void
what_others_live_in_is_not_to_be_given_away(void **state)
{
	static const char *const taken[] = {".lock", "lost+found",
	    "Q006b094f5d-000000000000000000000000",
	    "F006b094f5d-000000000000000000000000-b1"};
	static const char *const other[] = {
	    "Q", "a", ".config", "Qx06b094f5d-000000000000000000000000"};
	struct folder_terms terms = {.volatile_taken = true};
	char path[200];
	size_t i;

	(void)state;
	assert_int_equal(mkdir(in_folder("apart"), 0700), 0);
	strlcpy(path, in_folder("apart"), sizeof(path));
	terms.path = path;
	for (i = 0; i < COUNT(taken); i++)
		folder_put(in_apart(taken[i]), "", 0, 0600);
	assert_int_equal(chmod(path, 0755), 0);
	assert_refused(path, terms, "(mode 0755)", "chmod 700 /tmp/");
	for (i = 0; i < COUNT(other); i++) {
		folder_put(in_apart(other[i]), "", 0, 0600);
		assert_refused(path, terms, "apart: others may look",
		    "it is not for mail alone; each user has a folder");
		assert_null(strstr(error.hint, "chmod"));
		terms.owner = geteuid() + 1;
		error_clear(&error);
		assert_null(folder_open(&terms, &error));
		assert_non_null(strstr(error.text, "apart: it belongs to "));
		assert_non_null(strstr(error.hint, "spool ~/.local/"));
		assert_null(strstr(error.hint, "chown"));
		terms.owner = 0;
		assert_int_equal(unlink(in_folder(in_apart(other[i]))), 0);
	}
}

/*
 * Folders that go away.
 */

static void
a_folder_that_is_removed_or_moved_takes_nothing(void **state)
{
	static const char *const acts[] = {"rm -r away", "mv away elsewhere",
	    "mv away elsewhere; mkdir -m 700 away"};
	struct folder *f;
	struct folder_file file;

	(void)state;
	for (size_t i = 0; i < COUNT(acts); i++) {
		f = opened("away");
		file = new_file(f, "a");
		assert_int_equal(folder_run(acts[i]), 0);
		assert_failed(
		    folder_publish(f, &file, LIVE, &error), "removed");
		folder_close_file(f, &file);
		if (i == 0)
			assert_failed(folder_new_file(f, &file, &error),
			    "away: the folder was removed meanwhile");
		else
			assert_int_equal(count(f, "QHFXt"), 0);
		folder_free(f);
		assert_int_equal(folder_run("rm -rf away elsewhere"), 0);
	}
}

/*
 * File systems.
 */

static void
memory_is_refused(void **state)
{
	static const char *const types[] = {"tmpfs", "ramfs"};
	const struct folder_terms taken = {
	    .make = true, .volatile_taken = true};
	char below[200];
	struct folder *f;

	(void)state;
	for (size_t i = 0; i < COUNT(types); i++) {
		mount_or_skip(types[i], types[i], types[i]);
		assert_refused(in_folder(types[i]), (struct folder_terms){0},
		    "it is in memory, and lost when the machine stops",
		    "spool-volatile yes");
		snprintf(below, sizeof(below), "%s/below", in_folder(types[i]));
		assert_failed(
		    try_check(below, (struct folder_terms){.make = true}),
		    "below: it is in memory");
		assert_int_equal(try_check(below, taken), 0);
		f = opened(types[i]);
		put(f, LIVE, "a");
		folder_free(f);
		f = try_open(in_folder(types[i]),
		    (struct folder_terms){.reading = true});
		assert_int_equal(count(f, "Q"), 1);
		folder_free(f);
		unmount(types[i]);
	}
}

static void
read_only_is_refused(void **state)
{
	struct folder_file file;
	struct folder *f;

	(void)state;
	mount_or_skip("ro", "tmpfs", "tmpfs");
	f = opened("ro");
	put(f, LIVE, "words");
	file = new_file(f, "");
	folder_close_file(f, &file);
	folder_free(f);
	assert_int_equal(folder_run("mount -o remount,ro ro"), 0);
	assert_refused(in_folder("ro"),
	    (struct folder_terms){.make = true, .volatile_taken = true},
	    "ro: Read-only file system", "mount it for writing");
	assert_int_equal(error.sys, EROFS);
	f = try_open(in_folder("ro"), (struct folder_terms){.reading = true});
	assert_int_equal(count(f, "Q"), 1);
	assert_int_equal(folder_lock(f, LIVE, &file, &error), 1);
	folder_close_file(f, &file);
	assert_true(folder_lock_run(f));
	folder_free(f);
	/* While it runs, as a file system that has errors. */
	assert_int_equal(folder_run("mount -o remount,rw ro"), 0);
	f = opened("ro");
	assert_int_equal(folder_run("mount -o remount,ro ro"), 0);
	assert_failed(folder_new_file(f, &file, &error), "Read-only");
	assert_failed(folder_lock(f, LIVE, &file, &error), "Read-only");
	folder_free(f);
	unmount("ro");
}

/* On a real one, since what a full one still can differs. */
static void
a_full_file_system_loses_nothing(void **state)
{
	struct folder_file file;
	struct folder_entry entry;
	struct folder *f;

	(void)state;
	if (folder_run("truncate -s 4M full.img && "
		       "mkfs.ext4 -q -m 0 -N 32 full.img 2>/dev/null") != 0)
		skip_as("no mkfs.ext4");
	mount_or_skip("full", "ext4", "-o loop full.img");
	f = opened("full");
	put(f, LIVE, "words");
	assert_int_equal(folder_lock(f, LIVE, &file, &error), 1);
	assert_int_not_equal(
	    folder_run("cat /dev/zero >full/fill 2>/dev/null"), 0);
	assert_int_equal(folder_set_due(f, &file, 1000000007, &error), 0);
	assert_int_equal(pwrite(file.fd, "W", 1, 0), 1);
	assert_int_equal(folder_sync_file(f, &file, &error), 0);
	assert_int_equal(folder_rename(f, &file, HELD, &error), 0);
	folder_close_file(f, &file);
	assert_int_equal(folder_look(f, HELD, &entry), 0);
	assert_string_equal(folder_content("full/" HELD), "Words");
	/* Nor is there an inode. */
	folder_run("i=0; while : >full/$i; do i=$((i+1)); done 2>/dev/null");
	error_clear(&error);
	assert_int_equal(folder_new_file(f, &file, &error), -1);
	assert_int_equal(error.sys, ENOSPC);
	assert_non_null(strstr(error.hint, "make room there: df -h"));
	assert_true(folder_lock_run(f));
	error_clear(&error);
	assert_int_equal(folder_lock(f, HELD, &file, &error), 1);
	assert_int_equal(folder_unlink(f, &file, &error), 0);
	assert_int_equal(folder_sync(f, &error), 0);
	folder_close_file(f, &file);
	folder_free(f);
	unmount("full");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(folders_are_made),
	    TEST(a_folder_is_made_whatever_the_umask_is),
	    TEST(others_folders_are_refused),
	    TEST(what_others_live_in_is_not_to_be_given_away),
	    TEST(a_folder_that_is_removed_or_moved_takes_nothing),
	    TEST(memory_is_refused),
	    TEST(read_only_is_refused),
	    TEST(a_full_file_system_loses_nothing),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
