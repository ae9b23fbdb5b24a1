#include "world/syslog.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "world/clock.h"
#include "world/host.h"
#include "world/journal.h"

#define LINE_MAX_SIZE (256 * 1024)
#define LINE_CUT      1000 /* octets of words that go into every socket */

void
syslog_init(struct syslog *s, const char *journal, const char *path)
{
	*s = (struct syslog){.journal = journal, .path = path, .fd = -1};
}

void
syslog_clear(struct syslog *s)
{
	if (s->fd != -1)
		close(s->fd);
	s->fd = -1;
}

static void
make_socket(struct syslog *s, int type)
{
	syslog_clear(s);
	s->fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

static int
connect_to(const struct syslog *s, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	strlcpy(address.sun_path, path, sizeof(address.sun_path));
	return connect(s->fd, (struct sockaddr *)&address, sizeof(address));
}

/* One socket for both who may be there costs least where one is not. */
int
syslog_open(struct syslog *s)
{
	int result = -1;

	if (s->fd != -1)
		return 0;
	make_socket(s, SOCK_DGRAM);
	s->native = connect_to(s, s->journal) == 0;
	s->stream = false;
	if (s->native)
		return 0;
	result = connect_to(s, s->path);
	s->stream = result == -1 && errno == EPROTOTYPE;
	if (s->stream) {
		make_socket(s, SOCK_STREAM);
		result = connect_to(s, s->path);
	}
	if (result == -1)
		syslog_clear(s);
	return result;
}

/* Without the year and in local time, as syslog(3) has it. */
static void
format(const struct syslog_line *line, struct text words, struct buf *out)
{
	const struct date now = host_now();
	const time_t local = now.seconds + 60 * now.offset_minutes;
	struct tm broken;
	char stamp[32];

	gmtime_r(&local, &broken);
	strftime(stamp, sizeof(stamp), "%b %e %H:%M:%S", &broken);
	buf_format(out, "<%d>%s %s[%ld]: %.*s", line->priority, stamp,
	    line->tag, (long)getpid(), TEXT_ARG(words));
}

static void
format_native(
    const struct syslog_line *line, struct text words, struct buf *out)
{
	buf_format(out, "PRIORITY=%d\nSYSLOG_FACILITY=%d\nSYSLOG_PID=%ld\n",
	    LOG_PRI(line->priority), LOG_FAC(line->priority), (long)getpid());
	journal_add(out, "SYSLOG_IDENTIFIER", text_of(line->tag));
	journal_add(out, "MESSAGE", words);
}

static int
send_octets(struct syslog *s, struct text octets, long long deadline)
{
	struct pollfd polled = {.fd = s->fd, .events = POLLOUT};
	ssize_t n;

	while (octets.len > 0) {
		n = send(s->fd, octets.at, octets.len, MSG_NOSIGNAL);
		if (n >= 0) {
			octets = text_skip(octets, (size_t)n);
			continue;
		}
		if (errno != EAGAIN || s->stuck)
			return -1;
		s->stuck = clock_wait(&polled, 1, deadline) != 1;
	}
	s->stuck = false;
	return 0;
}

static int
send_words(struct syslog *s, const struct syslog_line *line, struct text words,
    struct text fields, long long deadline)
{
	struct buf out;
	int result, sys;

	buf_init(&out, LINE_MAX_SIZE);
	if (s->native) {
		format_native(line, words, &out);
		buf_add_text(&out, fields);
	} else {
		format(line, words, &out);
		if (s->stream)
			buf_add_char(&out, '\0');
	}
	result = send_octets(s, buf_text(&out), deadline);
	sys = errno;
	buf_clear(&out);
	errno = sys;
	return result;
}

static int
send_line(struct syslog *s, const struct syslog_line *line, long long deadline)
{
	const struct text words = text_of(line->words), none = {NULL, 0};
	int result;

	result = send_words(s, line, words, line->fields, deadline);
	if (result == 0 || errno != EMSGSIZE)
		return result;
	return send_words(s, line, text_first(words, text_cut(words, LINE_CUT)),
	    none, deadline);
}

int
syslog_write(
    struct syslog *s, const struct syslog_line *line, long long deadline)
{
	bool anew;
	int result;

	do {
		anew = s->fd == -1;
		result = syslog_open(s);
		if (result == 0)
			result = send_line(s, line, deadline);
		/* Half a line, or a log that has been started anew. */
		if (result == -1 && (s->stream || errno != EAGAIN))
			syslog_clear(s);
	} while (result == -1 && !anew && s->fd == -1);
	return result;
}
