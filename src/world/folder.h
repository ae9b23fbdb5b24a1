#ifndef FOLDER_H
#define FOLDER_H

/*
 * folder: a spool's directory, and the files in it: complete under their names
 * or not there at all, on stable storage, and each with one process at a time.
 * Every call that makes a name, a lock or a sync in it stands here.
 *
 * What a file is shows its first letter; the rest of the name is the id of a
 * ticket (submit/ticket). Files are opened relative to the directory,
 * which is opened once and stays so; symbolic links are not followed. Errors
 * are ERROR_SPOOL, with path and hint. EINTR is retried.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

#define FOLDER_NAME 48 /* of a file, with its NUL */

/* One open directory. */
struct folder;

struct folder_terms {
	const char *path;
	unsigned owner; /* whose it must be */
	bool make;	/* is made where it is not there, 0700, as is what is
			 * missing on the way; the folder above that must be
			 * the owner's */
	bool reading;	/* for looking only: it may be read-only, full or
			 * volatile; nothing is made in it */
	bool volatile_taken; /* it may be lost when the machine stops */
};

/*
 * The caller frees it. NULL: not there (sys ENOENT), no directory, a symbolic
 * link, not the owner's, open to group or others, on a file system in memory
 * (tmpfs, ramfs), or one that is read-only (sys EROFS).
 */
struct folder *folder_open(const struct folder_terms *terms, struct error *e);
void folder_free(struct folder *f); /* NULL is fine */

/* Whether folder_open() would give one; nothing is made. 0, or -1 with its
 * error. */
int folder_check(const struct folder_terms *terms, struct error *e);

/* Whose a directory is, without opening it. -1: there is none. */
int folder_owner(const char *path, unsigned *uid, unsigned *gid);

/* The path it was opened by. */
const char *folder_path(const struct folder *f);

/* Whether both are one folder, whatever their paths. */
bool folder_is_same(const struct folder *a, const struct folder *b);

/* An open file; what is in it is read and written through fd. name is "" while
 * it has none that counts. */
struct folder_file {
	int fd;
	char name[FOLDER_NAME];
};
#define FOLDER_NO_FILE ((struct folder_file){-1, ""})

/* An empty file of mode 0600 that nobody else sees, and that vanishes with its
 * process: without a name, or, where the file system cannot, called `t' and
 * locked. Nothing is synced. */
int folder_new_file(
    struct folder *f, struct folder_file *file, struct error *e);

/* Writes all of it at that octet of the file; what was there is gone. */
int folder_write(struct folder *f, const struct folder_file *file,
    unsigned long long at, const void *bytes, size_t len, struct error *e);

/* As many octets from that one on as there are, and room for: fewer than size
 * only at the end. */
long folder_read(struct folder *f, const struct folder_file *file,
    unsigned long long at, void *bytes, size_t size, struct error *e);

/*
 * Gives the new file its name, on stable storage, and keeps it locked: 0. 1:
 * the name is there already, and the file is as before. -1: what was published
 * is gone again as far as could be seen to (the words say where it could not),
 * and the file cannot be published any more. The descriptor keeps its number.
 */
int folder_publish(struct folder *f, struct folder_file *file, const char *name,
    struct error *e);

/*
 * Opens the file of this name for reading and writing (of a folder for
 * `reading': for reading) and locks it. 1: it is ours, until it is closed. 0:
 * another has it, or it is gone, or has another name by now. -1: not to be
 * trusted (no regular file, not the owner's), or not to be opened.
 */
int folder_lock(struct folder *f, const char *name, struct folder_file *file,
    struct error *e);

/* The same for reading, without the lock, for who only looks: its owner may
 * write behind what is there, rename or remove it meanwhile. */
int folder_peek(struct folder *f, const char *name, struct folder_file *file,
    struct error *e);

/* Gives up the lock; a new file that was not published vanishes. What is not
 * open is fine. */
void folder_close_file(const struct folder *f, struct folder_file *file);

/* Another name for a file that is locked; never in place of one that is there
 * (sys EEXIST). On stable storage after folder_sync(). */
int folder_rename(struct folder *f, struct folder_file *file, const char *name,
    struct error *e);

/* The locked file leaves the folder, though it stays open; name is "" then. On
 * stable storage after folder_sync(). That it is gone already is no error. */
int folder_unlink(struct folder *f, struct folder_file *file, struct error *e);

/* What was renamed and removed, on stable storage; no system call where
 * nothing was. */
int folder_sync(struct folder *f, struct error *e);

/* What was written into the file, on stable storage (fdatasync(2)). An error
 * is final: a later success means nothing. */
int folder_sync_file(
    struct folder *f, const struct folder_file *file, struct error *e);

/* When the file is due, in seconds since the epoch: its time of modification,
 * which each write changes, so that it is set last. What the file system
 * cannot keep it moves to the nearest that it can. */
int folder_set_due(struct folder *f, const struct folder_file *file,
    long long due, struct error *e);

/* What is seen of a file without opening it. */
struct folder_entry {
	char name[FOLDER_NAME];
	long long due;
	unsigned long long size;
};

/* 0, or -1: there is no regular file of this name. */
int folder_look(struct folder *f, const char *name, struct folder_entry *entry);

/*
 * Calls found with each name that is one of the letters and an id, in no order,
 * until it returns other than 0. 0, or what found returned, or -1. What is
 * made, renamed or removed meanwhile may be found or not; found must not scan.
 */
int folder_scan(struct folder *f, const char *letters,
    int (*found)(void *arg, const char *name), void *arg, struct error *e);

/* The lock of a whole queue run, until folder_free(): whether it is ours, or
 * cannot be had of the file system; false: another run has it. It saves work,
 * and nothing rests on it. */
bool folder_lock_run(struct folder *f);

/* Removes what a process left that died while it wrote: `t' files that nobody
 * has locked. */
void folder_collect(struct folder *f);

#endif
