#ifndef DIRECTORY_H
#define DIRECTORY_H

/*
 * directory: where a spool may be: its path is opened once, made where it is
 * not there, and refused where others could read or change what is in it, or
 * where that would not last. What is in it is folder's to know. Errors are
 * ERROR_SPOOL, with path and hint.
 */

#include <errno.h>
#include <stdbool.h>
#include <unistd.h>

#include "base/error.h"

/* A call once more for as long as a signal interrupts it; musl has none. */
#ifndef TEMP_FAILURE_RETRY
#define TEMP_FAILURE_RETRY(call)                                               \
	__extension__({                                                        \
		long result_;                                                  \
                                                                               \
		do                                                             \
			result_ = (long)(call);                                \
		while (result_ == -1 && errno == EINTR);                       \
		result_;                                                       \
	})
#endif

/* The path without slashes at its end. The caller frees it. */
char *directory_new_path(const char *path);

/*
 * The descriptor of a directory that is the owner's alone, or -1. It is not
 * reached through a symbolic link as its last part. With make it is made where
 * it is not there, 0700, as is what is missing on the way; the one above that
 * must be the owner's. The path is as directory_new_path() gave it; one that
 * still begins with ~/ is refused (sys 0), as there is no home.
 */
int directory_open(
    const char *path, unsigned owner, bool make, struct error *e);

/* The descriptor of the one above a path where nothing is in which
 * directory_open() would make it; or -1, with what that would say. */
int directory_open_above(const char *path, unsigned owner, struct error *e);

/* Whether what is written there stays: -1 where the file system is read-only
 * (sys EROFS), or in memory and that is not taken. */
int directory_check_system(
    int fd, const char *path, bool volatile_taken, struct error *e);

/* What to do about what the system said of it. Returns -1. */
int directory_hint(const char *path, int sys, struct error *e);

#endif
