#include "world/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "world/clock.h"

#define FILE_SHOWN_MAX (64 * 1024 * 1024)
#define FILE_CHUNK     (64 * 1024)

/* After a read(2) or write(2) that failed: whether to do it once more, when a
 * descriptor that does not block is ready. That it does not is a matter of all
 * who share it, and so it stays. */
static bool
may_go_on(int fd, short events)
{
	struct pollfd polled = {.fd = fd, .events = events};

	if (errno == EAGAIN)
		return clock_wait(&polled, 1, CLOCK_NEVER) != -1;
	return errno == EINTR;
}

static ssize_t
read_some(int fd, char *bytes, size_t size)
{
	ssize_t n;

	do
		n = read(fd, bytes, size);
	while (n == -1 && may_go_on(fd, POLLIN));
	return n;
}

bool
file_is_same(int a, int b)
{
	struct stat one, other;

	return fstat(a, &one) == 0 && fstat(b, &other) == 0 &&
	       one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

int
file_write(int fd, const void *bytes, size_t len)
{
	const char *at = bytes;
	ssize_t n;

	while (len > 0) {
		n = write(fd, at, len);
		if (n == -1 && may_go_on(fd, POLLOUT))
			continue;
		if (n == -1)
			return -1;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

/* As much at a time as poll(2) has promised, also where the descriptor blocks:
 * a pipe that can be written takes PIPE_BUF. */
int
file_write_until(int fd, const void *bytes, size_t len, long long deadline)
{
	struct pollfd polled = {.fd = fd, .events = POLLOUT};
	const char *at = bytes;
	size_t step;
	int ready;

	while (len > 0) {
		step = len < PIPE_BUF ? len : PIPE_BUF;
		ready = clock_wait(&polled, 1, deadline);
		if (ready == 0)
			errno = ETIMEDOUT;
		if (ready != 1 || file_write(fd, at, step) == -1)
			return -1;
		at += step;
		len -= step;
	}
	return 0;
}

/* The one descriptor that is checked and read: a name can change hands in
 * between. O_NONBLOCK, since opening a FIFO would wait for its writer. */
static int
open_regular(const char *path, struct stat *st, struct error *e)
{
	enum error_kind kind = ERROR_CONFIG;
	int fd, sys;

	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fd == -1) {
		sys = errno;
		if (sys == EACCES)
			return access_denied(path, e);
		if (sys == ENOENT || sys == ENOTDIR)
			kind = ERROR_INPUT;
		return error_set_sys(
		    e, kind, sys, NULL, "%s", SHOWN(text_of(path)));
	}
	if (fstat(fd, st) == 0 && S_ISREG(st->st_mode))
		return fd;
	close(fd);
	return error_set(e, ERROR_CONFIG, NULL, "%s: %s, not a regular file",
	    SHOWN(text_of(path)),
	    S_ISDIR(st->st_mode)    ? "a folder"
	    : S_ISFIFO(st->st_mode) ? "a pipe"
				    : "a device or socket");
}

/* The size the file claims is only where to begin: files in /proc claim 0,
 * others grow. */
static int
read_all(int fd, const char *path, off_t size, struct buf *out, struct error *e)
{
	char *at, last = '\0';
	size_t room, step;
	ssize_t n;

	step = size > 0 && size < FILE_CHUNK ? (size_t)size : FILE_CHUNK;
	do {
		room = out->max - out->len;
		if (room > step)
			room = step;
		at = room == 0 ? &last : buf_reserve(out, room);
		n = read_some(fd, at, room == 0 ? 1 : room);
		if (n > 0 && room > 0)
			out->len += (size_t)n;
	} while (n > 0 && room > 0);
	if (n == -1)
		return error_set_sys(
		    e, ERROR_CONFIG, errno, NULL, "%s", SHOWN(text_of(path)));
	if (n > 0)
		return error_set(e, ERROR_CONFIG, NULL,
		    "%s: larger than %zu bytes", SHOWN(text_of(path)),
		    out->max);
	return 0;
}

int
file_read(const char *path, enum access_trust trust, struct buf *out,
    struct stat *st, struct error *e)
{
	struct stat own;
	int fd, status;

	if (st == NULL)
		st = &own;
	memset(st, 0, sizeof(*st));
	fd = open_regular(path, st, e);
	if (fd == -1)
		return -1;
	status = access_check(path, trust, st, e);
	if (status == 0)
		status = read_all(fd, path, st->st_size, out, e);
	close(fd);
	return status;
}

void
file_drain(int fd)
{
	char *chunk;

	chunk = mem_new(FILE_CHUNK, 1);
	while (read_some(fd, chunk, FILE_CHUNK) > 0)
		;
	free(chunk);
}

static int
feed(int fd, bool dot_ends, struct message *m, char *chunk, struct error *e)
{
	ssize_t n;

	while ((n = read_some(fd, chunk, FILE_CHUNK)) > 0) {
		/* A terminal gives one line a read. */
		if (dot_ends && n == 2 && memcmp(chunk, ".\n", 2) == 0)
			break;
		if (message_input(m, chunk, (size_t)n, e) == -1) {
			file_drain(fd);
			return -1;
		}
	}
	if (n != -1)
		return message_end(m, e);
	error_set_sys(e, ERROR_IO, errno, "standard input",
	    "the message cannot be read, nothing was sent");
	if (e->sys == EBADF)
		error_hint(e,
		    "standard input is closed or open for writing only; "
		    "`</dev/null' gives an empty message");
	return -1;
}

int
file_read_message(int fd, bool dot_ends, struct message *m, struct error *e)
{
	char *chunk;
	int status;

	chunk = mem_resize(NULL, FILE_CHUNK, 1);
	status = feed(fd, dot_ends && isatty(fd), m, chunk, e);
	free(chunk);
	return status;
}

static int
store_open(const char *folder)
{
	char path[PATH_MAX];
	int fd;

	fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, S_IRUSR | S_IWUSR);
	if (fd != -1)
		return fd;
	/* Not every file system has files without a name. */
	if (snprintf(path, sizeof(path), "%s/sendling.XXXXXXXXXX", folder) >=
	    (int)sizeof(path))
		return -1;
	fd = mkostemp(path, O_CLOEXEC);
	if (fd != -1)
		unlink(path);
	return fd;
}

static int
store_write(void *arg, const char *bytes, size_t len, struct error *e)
{
	struct file_store *s = arg;
	const char *folder = s->folder == NULL ? "/tmp" : s->folder;
	bool first = s->fd == -1;
	int sys;

	if (first)
		s->fd = store_open(folder);
	if (s->fd != -1 && file_write(s->fd, bytes, len) == 0)
		return 0;
	sys = errno;
	/* The message goes on in memory after a first write that failed, and
	 * what that write left must not come before it. */
	if (first)
		file_store_clear(s);
	return error_set_sys(e, ERROR_SYSTEM, sys, "keeping the message",
	    "a temporary file in %s", SHOWN(text_of(folder)));
}

static long
read_at(int fd, off_t offset, char *bytes, size_t size, const char *what,
    struct error *e)
{
	ssize_t n;

	do
		n = pread(fd, bytes, size, offset);
	while (n == -1 && errno == EINTR);
	if (n == -1)
		error_set_sys(
		    e, ERROR_SYSTEM, errno, "keeping the message", "%s", what);
	return (long)n;
}

static long
store_read(void *arg, unsigned long long offset, char *bytes, size_t size,
    struct error *e)
{
	const struct file_store *s = arg;

	return read_at(
	    s->fd, (off_t)offset, bytes, size, "the temporary file", e);
}

static long
store_again(void *arg, unsigned long long offset, char *bytes, size_t size,
    struct error *e)
{
	const struct file_store *s = arg;

	return read_at(s->source, s->begin + (off_t)offset, bytes, size,
	    "standard input", e);
}

void
file_store_init(struct file_store *s, const char *folder)
{
	*s = (struct file_store){.store = {store_write, store_read, s, NULL},
	    .folder = folder,
	    .fd = -1,
	    .source = -1};
}

void
file_store_source(struct file_store *s, int fd)
{
	struct stat st;

	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) ||
	    st.st_size <= MESSAGE_MEMORY)
		return;
	s->source = fd;
	s->begin = lseek(fd, 0, SEEK_CUR);
	if (s->begin != -1)
		s->store.again = store_again;
}

void
file_store_clear(struct file_store *s)
{
	if (s->fd != -1)
		close(s->fd);
	s->fd = -1;
}

static int
open_to_append(const char *path, int create, struct error *e)
{
	struct stat st;
	int fd;

	fd = open(path,
	    O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC |
		O_NOCTTY | create,
	    S_IRUSR | S_IWUSR);
	if (fd == -1 && errno == ELOOP)
		return error_set(e, ERROR_CONFIG, NULL,
		    "%s: a symbolic link, which is not followed for writing",
		    SHOWN(text_of(path)));
	if (fd == -1)
		return error_set_sys(
		    e, ERROR_CONFIG, errno, NULL, "%s", SHOWN(text_of(path)));
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	close(fd);
	return error_set(e, ERROR_CONFIG, NULL, "%s: not a regular file",
	    SHOWN(text_of(path)));
}

int
file_append(const char *path, struct error *e)
{
	return open_to_append(path, O_CREAT, e);
}

int
file_check_append(const char *path, struct error *e)
{
	struct error why;
	char *copy;
	int fd;

	error_clear(&why);
	fd = open_to_append(path, 0, &why);
	if (fd != -1) {
		close(fd);
		return 0;
	}
	if (why.sys != ENOENT) {
		*e = why;
		return -1;
	}
	copy = mem_copy(path);
	if (faccessat(AT_FDCWD, dirname(copy), W_OK | X_OK, AT_EACCESS) == -1)
		error_set_sys(
		    e, ERROR_CONFIG, errno, NULL, "%s", SHOWN(text_of(path)));
	free(copy);
	return e->kind == ERROR_NONE ? 0 : -1;
}

int
file_show(int fd, const char *mark, struct text line)
{
	struct buf out;
	char *at;
	int result;

	buf_init(&out, FILE_SHOWN_MAX);
	buf_add_string(&out, mark);
	at = buf_reserve(&out, 4 * line.len);
	if (at != NULL)
		out.len += strlen(text_visible(line, at, 4 * line.len + 1));
	buf_add_char(&out, '\n');
	result = file_write(fd, out.at, out.len);
	buf_clear(&out);
	return result;
}

int
file_print(int fd, const char *fmt, ...)
{
	va_list args;
	char *line;
	int len, result;

	va_start(args, fmt);
	len = vasprintf(&line, fmt, args);
	va_end(args);
	if (len == -1)
		mem_exhausted();
	result = file_show(fd, "", text_of(line));
	free(line);
	return result;
}
