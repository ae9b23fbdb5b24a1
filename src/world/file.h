#ifndef FILE_H
#define FILE_H

/*
 * file: reads a descriptor or a path up to a limit, has owner and mode checked
 * on the descriptor that is read, and lends an unlinked temporary file as a
 * message_store.
 */

#include <sys/stat.h>

#include "base/buf.h"
#include "base/error.h"
#include "message/message.h"
#include "world/access.h"

/*
 * Reads a whole regular file into out (out->max bounds it; more is an error).
 * Opened once: O_NONBLOCK, O_CLOEXEC, then fstat on the descriptor. -1:
 * ERROR_INPUT where it is not there (sys ENOENT or ENOTDIR), ERROR_CONFIG for
 * all else, with path, owner, mode and who we are where the check fails.
 * st is what fstat(2) told, and may be NULL.
 */
int file_read(const char *path, enum access_trust trust, struct buf *out,
    struct stat *st, struct error *e);

/*
 * Feeds all of the descriptor to the message and ends it. EINTR is retried.
 * With dot_ends a line that is a lone dot ends the message as well, where the
 * descriptor is a terminal. -1: ERROR_IO on a read error, or the message's
 * error (then the rest of the descriptor is still read to its end, so that its
 * writer is not killed). A descriptor that does not block is waited for, and
 * stays so.
 */
int file_read_message(
    int fd, bool dot_ends, struct message *m, struct error *e);

/* Reads to the end and forgets. */
void file_drain(int fd);

/* A store in $TMPDIR or /tmp (O_TMPFILE, else mkstemp and unlink, 0600,
 * O_CLOEXEC); created on the first write. folder may be NULL. */
struct file_store {
	struct message_store store;
	const char *folder;
	int fd;
	int source; /* of the caller, where it can be read again */
	off_t begin;
};
void file_store_init(struct file_store *s, const char *folder);
void file_store_clear(struct file_store *s);

/* The message will come from the descriptor, which stays open. Where that is a
 * large regular file no copy of it is made: the store has `again' then. */
void file_store_source(struct file_store *s, int fd);

/* Opens for appending, 0600, not through a symbolic link, regular file only.
 * The descriptor, or -1 ERROR_CONFIG. */
int file_append(const char *path, struct error *e);

/* Whether file_append() would open it; makes none. 0, or -1 ERROR_CONFIG. */
int file_check_append(const char *path, struct error *e);

/* Whether both descriptors lead to the same file, pipe or socket. */
bool file_is_same(int a, int b);

/* Writes all; EINTR and short writes are continued, where there is no room it
 * waits. 0 or -1 with errno. */
int file_write(int fd, const void *bytes, size_t len);

/* The same, but where there is no room until the deadline of the clock: -1
 * ETIMEDOUT. */
int file_write_until(int fd, const void *bytes, size_t len, long long deadline);

/* Writes the line behind the mark, made visible, and formatted. One write, so
 * that lines of several processes do not mix. 0 or -1 with errno. */
int file_show(int fd, const char *mark, struct text line);
int file_print(int fd, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
