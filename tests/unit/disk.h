#ifndef UNIT_DISK_H
#define UNIT_DISK_H

/*
 * A folder of a spool in the folder of the test, over calls of the system that
 * fail when the test wants it to, and are noted:
 *	TEST(name) in place of cmocka_unit_test(name)
 */

/* Calls that this file stands in for are no macros of the library then. */
#undef _FORTIFY_SOURCE

#include <errno.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/vfs.h>

#include "base/mem.h"
#include "folder.h"
#include "world/folder.h"

#define ID   "0123456789-0123456789abcdef01234567"
#define LIVE "Q" ID
#define HELD "H" ID
#define DEAD "t" ID

/*
 * The system's calls, one of which fails when a test wants it to.
 */

enum call {
	OPEN_UNNAMED,
	OPEN_NAMED,
	LINK,
	RENAME,
	UNLINK,
	LOCK,
	SYNC,
	SYNC_DATA,
	STAT,
	CALLS
};
#define EACH 1000

static struct fault {
	unsigned nth; /* 1 is the next; EACH; 0: none */
	int sys;
	bool done; /* it fails when all is done */
} faults[CALLS];
static unsigned seen[CALLS];
static bool (*hook)(enum call); /* acts before a call; whether once more */
static char trace[1000];

static inline void
forget(void)
{
	memset(faults, 0, sizeof(faults));
	memset(seen, 0, sizeof(seen));
	hook = NULL;
	trace[0] = '\0';
}

static inline void
let_fail(enum call call, unsigned nth, int sys)
{
	faults[call] = (struct fault){.nth = nth, .sys = sys};
	seen[call] = 0;
}

static inline void
begin(enum call call, const char *word)
{
	bool (*act)(enum call) = hook;

	hook = NULL; /* what it does calls us, too */
	if (act != NULL && act(call))
		hook = act;
	seen[call]++;
	if (trace[0] != '\0')
		strlcat(trace, " ", sizeof(trace));
	strlcat(trace, word, sizeof(trace));
}

static inline bool
fails(enum call call, bool done)
{
	const struct fault *f = &faults[call];

	if (f->done != done || (f->nth != EACH && f->nth != seen[call]) ||
	    f->nth == 0)
		return false;
	errno = f->sys;
	return true;
}

#define STAND_IN(call, word, real)                                             \
	int result = -1;                                                       \
                                                                               \
	begin(call, word);                                                     \
	if (fails(call, false))                                                \
		return -1;                                                     \
	result = (int)(real);                                                  \
	return fails(call, true) ? -1 : result

int
openat(int at, const char *name, int flags, ...)
{
	const bool unnamed = (flags & O_TMPFILE) == O_TMPFILE;

	STAND_IN(unnamed ? OPEN_UNNAMED : OPEN_NAMED,
	    unnamed ? "unnamed" : "open",
	    syscall(SYS_openat, at, name, flags, 0600));
}

int
linkat(int from, const char *name, int to, const char *as, int flags)
{
	STAND_IN(LINK,
	    (flags & AT_EMPTY_PATH) != 0       ? "link-empty"
	    : (flags & AT_SYMLINK_FOLLOW) != 0 ? "link-proc"
					       : "link",
	    syscall(SYS_linkat, from, name, to, as, flags));
}

int
renameat2(int from, const char *name, int to, const char *as, unsigned flags)
{
	STAND_IN(RENAME, "rename",
	    syscall(SYS_renameat2, from, name, to, as, flags));
}

int
unlinkat(int at, const char *name, int flags)
{
	STAND_IN(UNLINK, "unlink", syscall(SYS_unlinkat, at, name, flags));
}

int
flock(int fd, int how)
{
	STAND_IN(LOCK, "lock", syscall(SYS_flock, fd, how));
}

/* Is not told of in the trace. */
int
fstat(int fd, struct stat *st)
{
	seen[STAT]++;
	if (fails(STAT, false))
		return -1;
	return fstatat(fd, "", st, AT_EMPTY_PATH);
}

int
fsync(int fd)
{
	struct stat st;

	fstat(fd, &st);
	STAND_IN(SYNC, S_ISDIR(st.st_mode) ? "sync-folder" : "sync",
	    syscall(SYS_fsync, fd));
}

int
fdatasync(int fd)
{
	STAND_IN(SYNC_DATA, "sync-data", syscall(SYS_fdatasync, fd));
}

/*
 * Folders and files.
 */

static struct error error;

static inline struct folder *
try_open(const char *path, struct folder_terms terms)
{
	terms.path = path;
	terms.owner = geteuid();
	error_clear(&error);
	return folder_open(&terms, &error);
}

static inline int
try_check(const char *path, struct folder_terms terms)
{
	terms.path = path;
	terms.owner = geteuid();
	error_clear(&error);
	return folder_check(&terms, &error);
}

/* One that is there then. /tmp may be in memory. */
static inline struct folder *
opened(const char *name)
{
	struct folder *f = try_open(in_folder(name),
	    (struct folder_terms){.make = true, .volatile_taken = true});

	assert_string_equal(error.text, "");
	assert_non_null(f);
	return f;
}

static inline void
assert_refused(const char *path, struct folder_terms terms, const char *what,
    const char *hint)
{
	assert_null(try_open(path, terms));
	assert_int_equal(error.kind, ERROR_SPOOL);
	if (strstr(error.text, what) == NULL)
		fail_msg("%s instead of %s", error.text, what);
	if (strstr(error.hint, hint) == NULL)
		fail_msg("%s instead of %s", error.hint, hint);
}

static inline void
assert_failed(int status, const char *what)
{
	assert_int_equal(status, -1);
	assert_int_equal(error.kind, ERROR_SPOOL);
	assert_string_equal(error.doing, "spool");
	if (strstr(error.text, what) == NULL)
		fail_msg("%s instead of %s", error.text, what);
	error_clear(&error);
}

static inline struct folder_file
new_file(struct folder *f, const char *words)
{
	struct folder_file file;

	error_clear(&error);
	assert_int_equal(folder_new_file(f, &file, &error), 0);
	assert_int_equal(file_write(file.fd, words, strlen(words)), 0);
	return file;
}

static inline void
put(struct folder *f, const char *name, const char *words)
{
	struct folder_file file = new_file(f, words);

	assert_int_equal(folder_publish(f, &file, name, &error), 0);
	assert_string_equal(file.name, name);
	folder_close_file(f, &file);
}

static inline int
count_one(void *arg, const char *name)
{
	(void)name;
	++*(int *)arg;
	return 0;
}

static inline int
count(struct folder *f, const char *letters)
{
	int all = 0;

	assert_int_equal(folder_scan(f, letters, count_one, &all, NULL), 0);
	return all;
}

static inline bool
is_locked(struct folder *f, const char *name)
{
	struct folder_file file;
	int status = folder_lock(f, name, &file, &error);

	assert_int_not_equal(status, -1);
	folder_close_file(f, &file);
	return status == 0;
}

static inline void
skip_as(const char *why)
{
	print_message("# skip: %s\n", why);
	skip();
}

/* A file system of its own for the rest of the process, in this folder. */
static inline void
mount_or_skip(const char *name, const char *type, const char *options)
{
	char script[300];

	if (geteuid() != 0)
		skip_as("only root can mount");
	if (unshare(CLONE_NEWNS) == -1 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1)
		skip_as("no namespace of mounts can be had");
	snprintf(script, sizeof(script),
	    "mkdir -p %s && mount -t %s %s %s && chmod 700 %s", name, type,
	    options, name, name);
	if (folder_run(script) != 0)
		skip_as(type);
}

static inline void
unmount(const char *name)
{
	assert_int_equal(umount2(in_folder(name), MNT_DETACH), 0);
}

/* Files without a name. */
static inline void
skip_where_none_are_unnamed(struct folder *f)
{
	struct folder_file file = new_file(f, "");
	const bool draft = file.name[0] != '\0';

	folder_close_file(f, &file);
	forget();
	if (draft) {
		folder_free(f);
		skip_as("the file system has no files without a name");
	}
}

static inline int
start(void **state)
{
	(void)state;
	forget();
	error_clear(&error);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup(name, start)

#endif
