#define _LARGEFILE64_SOURCE /* for musl to name entries of 64 bits */

#include "world/folder.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crypt.h"
#include "base/mem.h"
#include "base/text.h"
#include "submit/ticket.h"
#include "world/directory.h"
#include "world/file.h"

#define FILE_MODE     (S_IRUSR | S_IWUSR)
#define OPEN_FLAGS    (O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)
#define RUN_LOCK      ".lock"
#define DRAFT	      't'
#define DRAFT_TRIES   16 /* each lost to a collector */
#define COPY_CHUNK    (64 * 1024)
#define ENTRIES_CHUNK (32 * 1024)

static_assert(FOLDER_NAME > 1 + TICKET_ID_MAX, "a letter and an id are a name");

/* Those who have it not are told so, and go on by links. */
#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
static int
renameat2(int from, const char *name, int to, const char *as, unsigned flags)
{
	(void)from, (void)name, (void)to, (void)as, (void)flags;
	errno = ENOSYS;
	return -1;
}
#endif

struct folder {
	char *path;
	int fd;
	int run_lock; /* -1: none */
	unsigned owner;
	bool reading;
	bool changed; /* since the last sync */
};

/*
 * Words.
 */

static bool
is_removed(const struct folder *f)
{
	struct stat st;

	return fstat(f->fd, &st) == 0 && st.st_nlink == 0;
}

/* errno said why. */
static int
fail(
    const struct folder *f, const char *name, const char *what, struct error *e)
{
	struct text_shown path = text_shown(text_of(f->path));
	const int sys = errno;

	if (is_removed(f)) {
		error_set(e, ERROR_SPOOL, "spool",
		    "%s: the folder was removed meanwhile", path.words);
		return directory_hint(f->path, ENOENT, e);
	}
	error_set_sys(e, ERROR_SPOOL, sys, "spool", "%s%s%s: %s", path.words,
	    name[0] == '\0' ? "" : "/", name, what);
	return sys == ENOENT ? -1 : directory_hint(f->path, sys, e);
}

/*
 * Opening.
 */

/* The descriptor, unless what is written there would not last; then -1. */
static int
take_lasting(
    int fd, const char *path, const struct folder_terms *terms, struct error *e)
{
	if (fd == -1 || terms->reading ||
	    directory_check_system(fd, path, terms->volatile_taken, e) == 0)
		return fd;
	close(fd);
	return -1;
}

struct folder *
folder_open(const struct folder_terms *terms, struct error *e)
{
	char *path = directory_new_path(terms->path);
	struct folder *f;
	int fd;

	fd = directory_open(
	    path, terms->owner, terms->make && !terms->reading, e);
	fd = take_lasting(fd, path, terms, e);
	if (fd == -1) {
		free(path);
		return NULL;
	}
	f = mem_new(1, sizeof(*f));
	*f = (struct folder){.path = path,
	    .fd = fd,
	    .run_lock = -1,
	    .owner = terms->owner,
	    .reading = terms->reading};
	return f;
}

int
folder_check(const struct folder_terms *terms, struct error *e)
{
	char *path = directory_new_path(terms->path);
	struct error why;
	int fd;

	error_clear(&why);
	fd = directory_open(path, terms->owner, false, &why);
	if (why.sys == ENOENT && terms->make && !terms->reading) {
		error_clear(&why);
		fd = directory_open_above(path, terms->owner, &why);
	}
	fd = take_lasting(fd, path, terms, &why);
	free(path);
	if (fd != -1)
		return close(fd);
	if (e->kind == ERROR_NONE)
		*e = why;
	return -1;
}

void
folder_free(struct folder *f)
{
	if (f == NULL)
		return;
	if (f->run_lock != -1)
		close(f->run_lock);
	close(f->fd);
	free(f->path);
	free(f);
}

int
folder_owner(const char *path, unsigned *uid, unsigned *gid)
{
	struct stat st;

	if (lstat(path, &st) == -1 || !S_ISDIR(st.st_mode))
		return -1;
	*uid = st.st_uid;
	*gid = st.st_gid;
	return 0;
}

const char *
folder_path(const struct folder *f)
{
	return f->path;
}

bool
folder_is_same(const struct folder *a, const struct folder *b)
{
	struct stat one, other;

	return fstat(a->fd, &one) == 0 && fstat(b->fd, &other) == 0 &&
	       one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

/*
 * Calls that a signal may interrupt.
 */

static int
open_file(const struct folder *f, const char *name, int flags)
{
	return (int)TEMP_FAILURE_RETRY(
	    openat(f->fd, name, flags | OPEN_FLAGS, FILE_MODE));
}

static int
lock_file(int fd)
{
	return (int)TEMP_FAILURE_RETRY(flock(fd, LOCK_EX | LOCK_NB));
}

static int
sync_all(int fd)
{
	return (int)TEMP_FAILURE_RETRY(fsync(fd));
}

static int
unlink_name(const struct folder *f, const char *name)
{
	return (int)TEMP_FAILURE_RETRY(unlinkat(f->fd, name, 0));
}

/*
 * A new file.
 */

/* Whether the file still has this name. */
static bool
is_named(const struct folder *f, int fd, const char *name)
{
	struct stat ours, there;

	return fstat(fd, &ours) == 0 &&
	       fstatat(f->fd, name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
	       ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

/* An id as a ticket has it, of no moment. */
static int
make_draft_name(char name[FOLDER_NAME], struct error *e)
{
	unsigned char random[12];

	if (crypt_random(random, sizeof(random), e) == -1)
		return -1;
	name[0] = DRAFT;
	ticket_make_id(0, random, name + 1);
	return 0;
}

/* 1: the name was another's, or a collector has won the moment between making
 * and locking. */
static int
try_draft(const struct folder *f, struct folder_file *file)
{
	int fd;

	fd = open_file(f, file->name, O_RDWR | O_CREAT | O_EXCL);
	if (fd == -1)
		return errno == EEXIST ? 1 : -1;
	file->fd = fd;
	if (lock_file(fd) == -1)
		return errno == EWOULDBLOCK ? 1 : -1;
	return is_named(f, fd, file->name) ? 0 : 1;
}

static int
new_draft(const struct folder *f, struct folder_file *file, struct error *e)
{
	int tries, status = 1;

	for (tries = 0; status == 1 && tries < DRAFT_TRIES; tries++) {
		if (make_draft_name(file->name, e) == -1)
			return -1;
		status = try_draft(f, file);
		if (status == 0)
			return 0;
		if (status == -1)
			fail(f, file->name, "a new file", e);
		folder_close_file(f, file);
	}
	return error_set(e, ERROR_SPOOL, "spool",
	    "%s: each new file is taken away", SHOWN(text_of(f->path)));
}

/* Whatever the system says of files without a name: EOPNOTSUPP, EISDIR and
 * ENOENT mean that there are none, and the rest is true of a draft, too. */
int
folder_new_file(struct folder *f, struct folder_file *file, struct error *e)
{
	*file = FOLDER_NO_FILE;
	file->fd = open_file(f, ".", O_TMPFILE | O_RDWR);
	if (file->fd == -1 && new_draft(f, file, e) == -1)
		return -1;
	fchmod(file->fd, FILE_MODE); /* whatever the umask is */
	return 0;
}

/*
 * What is in a file.
 */

int
folder_write(struct folder *f, const struct folder_file *file,
    unsigned long long at, const void *bytes, size_t len, struct error *e)
{
	const char *from = bytes;
	ssize_t n;

	while (len > 0) {
		n = pwrite(file->fd, from, len, (off_t)at);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == 0)
			errno = EIO;
		if (n <= 0)
			return fail(f, file->name, "it cannot be written", e);
		from += n;
		at += (size_t)n;
		len -= (size_t)n;
	}
	return 0;
}

long
folder_read(struct folder *f, const struct folder_file *file,
    unsigned long long at, void *bytes, size_t size, struct error *e)
{
	char *to = bytes;
	size_t len = 0;
	ssize_t n = 1;

	while (len < size && n != 0) {
		n = pread(file->fd, to + len, size - len, (off_t)(at + len));
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return fail(f, file->name, "it cannot be read", e);
		len += (size_t)n;
	}
	return (long)len;
}

/*
 * Publishing.
 */

/* After a link or rename that failed: 1, the name is another's, or -1. It was
 * made all the same where a file server has lost its answer. */
static int
why_not(const struct folder *f, int fd, const char *name)
{
	const int sys = errno;

	if (sys == EEXIST && is_named(f, fd, name))
		return 0;
	errno = sys;
	return sys == EEXIST ? 1 : -1;
}

/* 0, 1: there is one of this name, or -1. */
static int
rename_new(
    const struct folder *f, const struct folder_file *file, const char *name)
{
	int status;

	if (TEMP_FAILURE_RETRY(renameat2(
		f->fd, file->name, f->fd, name, RENAME_NOREPLACE)) == 0)
		return 0;
	if (errno == EEXIST)
		return why_not(f, file->fd, name);
	/* Not every file system can. */
	status =
	    (int)TEMP_FAILURE_RETRY(linkat(f->fd, file->name, f->fd, name, 0));
	if (status == -1)
		status = why_not(f, file->fd, name);
	return status == 0 ? unlink_name(f, file->name) : status;
}

/* /proc need not be there, and the other way may want a right. */
static int
link_unnamed(const struct folder *f, int fd, const char *name)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (TEMP_FAILURE_RETRY(
		linkat(AT_FDCWD, path, f->fd, name, AT_SYMLINK_FOLLOW)) == 0)
		return 0;
	if (errno != EEXIST &&
	    TEMP_FAILURE_RETRY(linkat(fd, "", f->fd, name, AT_EMPTY_PATH)) == 0)
		return 0;
	return why_not(f, fd, name);
}

static int
copy_bytes(int from, int to)
{
	char *chunk = mem_new(COPY_CHUNK, 1);
	off_t at = 0;
	ssize_t n;

	while ((n = pread(from, chunk, COPY_CHUNK, at)) != 0) {
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 || file_write(to, chunk, (size_t)n) == -1) {
			n = -1;
			break;
		}
		at += n;
	}
	free(chunk);
	return (int)n;
}

static int
copy_times(int from, int to)
{
	struct timespec times[2];
	struct stat st;

	if (fstat(from, &st) == -1)
		return -1;
	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	return futimens(to, times);
}

/* A file that no way leads to a name from is written once more as one that
 * has one. The descriptor is the caller's, and keeps its number. */
static int
become_draft(const struct folder *f, struct folder_file *file, struct error *e)
{
	struct folder_file draft = FOLDER_NO_FILE;

	if (new_draft(f, &draft, e) == -1)
		return -1;
	fchmod(draft.fd, FILE_MODE);
	if (copy_bytes(file->fd, draft.fd) == -1 ||
	    copy_times(file->fd, draft.fd) == -1 || sync_all(draft.fd) == -1 ||
	    dup3(draft.fd, file->fd, O_CLOEXEC) == -1) {
		fail(f, "", "a copy of the new file", e);
		unlink_name(f, draft.name);
		close(draft.fd);
		return -1;
	}
	close(draft.fd);
	draft.fd = file->fd;
	*file = draft;
	return 0;
}

/* 0, 1: there is one of this name, or -1. */
static int
link_file(const struct folder *f, struct folder_file *file, const char *name,
    struct error *e)
{
	int status = -1;

	if (file->name[0] == '\0') {
		status = link_unnamed(f, file->fd, name);
		if (status == -1 && become_draft(f, file, e) == -1)
			return -1;
	}
	if (status == -1)
		status = rename_new(f, file, name);
	return status == -1 ? fail(f, name, "a new file", e) : status;
}

/* What can be seen to no more is said, since it may be sent. */
static void
unpublish(const struct folder *f, struct folder_file *file, const char *name,
    struct error *e)
{
	if (!is_named(f, file->fd, name))
		return;
	if (unlink_name(f, name) == -1 && errno != ENOENT) {
		if (e != NULL)
			e->hint[0] = '\0';
		error_hint(e,
		    "%s is there, and may be sent: remove it, or take it for "
		    "sent",
		    name);
	}
	sync_all(f->fd);
}

/* A folder that was moved, or mounted over, is where no run will look. Who has
 * given up rights may not see the way to it any more. */
static bool
is_in_place(const struct folder *f)
{
	struct stat ours, there;

	if (stat(f->path, &there) == -1)
		return errno != ENOENT && errno != ENOTDIR;
	return fstat(f->fd, &ours) == 0 && ours.st_dev == there.st_dev &&
	       ours.st_ino == there.st_ino;
}

static int
check_place(const struct folder *f, struct error *e)
{
	if (is_in_place(f))
		return 0;
	error_set(e, ERROR_SPOOL, "spool",
	    "%s: the folder was moved or removed meanwhile",
	    SHOWN(text_of(f->path)));
	return directory_hint(f->path, ENOENT, e);
}

int
folder_publish(struct folder *f, struct folder_file *file, const char *name,
    struct error *e)
{
	int status;

	if (sync_all(file->fd) == -1)
		return fail(f, "", "a new file", e);
	if (file->name[0] == '\0' && lock_file(file->fd) == -1)
		return fail(f, "", "a lock", e);
	status = link_file(f, file, name, e);
	if (status == 1)
		return 1;
	/* Once more: older btrfs skips a file without a link, and then keeps
	 * its name with nothing in it. */
	if (status == 0 && (sync_all(file->fd) == -1 || sync_all(f->fd) == -1))
		status = fail(f, name, "a new file", e);
	if (status == 0)
		status = check_place(f, e);
	if (status == -1)
		unpublish(f, file, name, e);
	else
		strlcpy(file->name, name, sizeof(file->name));
	return status;
}

/*
 * Files that are there.
 */

static int
distrust(
    const struct folder *f, const char *name, const char *what, struct error *e)
{
	return error_set(e, ERROR_SPOOL, "spool", "%s/%s: %s",
	    SHOWN(text_of(f->path)), name, what);
}

static int
check_file(const struct folder *f, const char *name, int fd, struct error *e)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return fail(f, name, "it cannot be looked at", e);
	if (!S_ISREG(st.st_mode))
		return distrust(f, name, "not a regular file", e);
	if (st.st_uid != f->owner)
		return distrust(
		    f, name, "it belongs to another than the folder", e);
	return 0;
}

/* 1: open, 0: it is gone. */
static int
open_there(const struct folder *f, const char *name, int flags,
    struct folder_file *file, struct error *e)
{
	int fd;

	*file = FOLDER_NO_FILE;
	fd = open_file(f, name, flags);
	if (fd == -1)
		return errno == ENOENT
			   ? 0
			   : fail(f, name, "it cannot be opened", e);
	if (check_file(f, name, fd, e) == -1) {
		close(fd);
		return -1;
	}
	file->fd = fd;
	strlcpy(file->name, name, sizeof(file->name));
	return 1;
}

int
folder_lock(struct folder *f, const char *name, struct folder_file *file,
    struct error *e)
{
	int status;

	status = open_there(f, name, f->reading ? O_RDONLY : O_RDWR, file, e);
	if (status != 1)
		return status;
	if (lock_file(file->fd) == -1)
		status = errno == EWOULDBLOCK
			     ? 0
			     : fail(f, name, "it cannot be locked", e);
	/* Who had it before may have removed or renamed it. */
	else if (!is_named(f, file->fd, name))
		status = 0;
	if (status == 1)
		return 1;
	close(file->fd);
	*file = FOLDER_NO_FILE;
	return status;
}

int
folder_peek(struct folder *f, const char *name, struct folder_file *file,
    struct error *e)
{
	return open_there(f, name, O_RDONLY, file, e);
}

void
folder_close_file(const struct folder *f, struct folder_file *file)
{
	if (file->fd == -1)
		return;
	if (file->name[0] == DRAFT)
		unlink_name(f, file->name);
	close(file->fd);
	*file = FOLDER_NO_FILE;
}

int
folder_rename(struct folder *f, struct folder_file *file, const char *name,
    struct error *e)
{
	if (rename_new(f, file, name) != 0)
		return fail(f, file->name, "it cannot be renamed", e);
	f->changed = true;
	strlcpy(file->name, name, sizeof(file->name));
	return 0;
}

int
folder_unlink(struct folder *f, struct folder_file *file, struct error *e)
{
	if (unlink_name(f, file->name) == -1 && errno != ENOENT)
		return fail(f, file->name, "it cannot be removed", e);
	f->changed = true;
	file->name[0] = '\0';
	return 0;
}

int
folder_sync(struct folder *f, struct error *e)
{
	if (!f->changed)
		return 0;
	if (sync_all(f->fd) == -1)
		return fail(f, "", "what was changed in it", e);
	f->changed = false;
	return 0;
}

int
folder_sync_file(
    struct folder *f, const struct folder_file *file, struct error *e)
{
	return TEMP_FAILURE_RETRY(fdatasync(file->fd)) == 0
		   ? 0
		   : fail(f, file->name, "what was written", e);
}

int
folder_set_due(struct folder *f, const struct folder_file *file, long long due,
    struct error *e)
{
	const struct timespec times[2] = {
	    {.tv_nsec = UTIME_OMIT}, {.tv_sec = (time_t)due}};

	return futimens(file->fd, times) == 0
		   ? 0
		   : fail(f, file->name, "its next attempt", e);
}

int
folder_look(struct folder *f, const char *name, struct folder_entry *entry)
{
	struct stat st;

	if (fstatat(f->fd, name, &st, AT_SYMLINK_NOFOLLOW) == -1 ||
	    !S_ISREG(st.st_mode))
		return -1;
	strlcpy(entry->name, name, sizeof(entry->name));
	entry->due = st.st_mtim.tv_sec;
	entry->size = (unsigned long long)st.st_size;
	return 0;
}

/*
 * All files.
 */

/* The entries that the system gave in one piece. */
static int
find_in(const char *at, const char *end, const char *letters,
    int (*found)(void *arg, const char *name), void *arg)
{
	const struct dirent64 *entry;
	int status = 0;

	while (at < end && status == 0) {
		entry = (const struct dirent64 *)(const void *)at;
		at += entry->d_reclen;
		if (entry->d_name[0] != '\0' &&
		    strchr(letters, entry->d_name[0]) != NULL &&
		    ticket_is_id(text_of(entry->d_name + 1)))
			status = found(arg, entry->d_name);
	}
	return status;
}

/* By the descriptor that is open: readdir(3) wants one of its own. */
int
folder_scan(struct folder *f, const char *letters,
    int (*found)(void *arg, const char *name), void *arg, struct error *e)
{
	_Alignas(struct dirent64) char chunk[ENTRIES_CHUNK];
	int status = 0;
	ssize_t n;

	if (lseek(f->fd, 0, SEEK_SET) == -1)
		return fail(f, "", "it cannot be read", e);
	while (status == 0) {
		n = getdents64(f->fd, (void *)chunk, sizeof(chunk));
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return fail(f, "", "it cannot be read", e);
		if (n == 0)
			break;
		status = find_in(chunk, chunk + n, letters, found, arg);
	}
	return status;
}

bool
folder_lock_run(struct folder *f)
{
	int fd;

	fd = open_file(f, RUN_LOCK, O_RDWR | O_CREAT);
	if (fd == -1)
		return true;
	if (lock_file(fd) == -1 && errno == EWOULDBLOCK) {
		close(fd);
		return false;
	}
	f->run_lock = fd;
	return true;
}

static int
collect(void *arg, const char *name)
{
	struct folder *f = arg;
	struct folder_file file;

	if (folder_lock(f, name, &file, NULL) == 1)
		folder_close_file(f, &file);
	return 0;
}

void
folder_collect(struct folder *f)
{
	static const char drafts[] = {DRAFT, '\0'};

	if (!f->reading)
		folder_scan(f, drafts, collect, f, NULL);
}
