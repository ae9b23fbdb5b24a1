#include "world/syslog.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "world/clock.h"
#include "world/host.h"

#define LINE_MAX_SIZE (64 * 1024)

void
syslog_init(struct syslog *s, const char *path)
{
	*s = (struct syslog){.path = path, .fd = -1};
}

void
syslog_clear(struct syslog *s)
{
	if (s->fd != -1)
		close(s->fd);
	s->fd = -1;
}

static int
connect_as(struct syslog *s, int type)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	strlcpy(address.sun_path, s->path, sizeof(address.sun_path));
	s->fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->fd != -1 &&
	    connect(s->fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return 0;
	syslog_clear(s);
	return -1;
}

int
syslog_open(struct syslog *s)
{
	if (s->fd != -1)
		return 0;
	s->stream = false;
	if (connect_as(s, SOCK_DGRAM) == 0)
		return 0;
	s->stream = errno == EPROTOTYPE;
	return s->stream ? connect_as(s, SOCK_STREAM) : -1;
}

/* Without the year and in local time, as syslog(3) has it. */
static void
format(const char *line, int priority, const char *tag, struct buf *out)
{
	const struct date now = host_now();
	const time_t local = now.seconds + 60 * now.offset_minutes;
	struct tm broken;
	char stamp[32];

	gmtime_r(&local, &broken);
	strftime(stamp, sizeof(stamp), "%b %e %H:%M:%S", &broken);
	buf_format(out, "<%d>%s %s[%ld]: %s", priority, stamp, tag,
	    (long)getpid(), line);
}

static int
send_line(struct syslog *s, struct text line, long long deadline)
{
	struct pollfd polled = {.fd = s->fd, .events = POLLOUT};
	ssize_t n;

	while (line.len > 0) {
		n = send(s->fd, line.at, line.len, MSG_NOSIGNAL);
		if (n >= 0) {
			line = text_skip(line, (size_t)n);
			continue;
		}
		if (errno != EAGAIN || s->stuck)
			return -1;
		s->stuck = clock_wait(&polled, 1, deadline) != 1;
	}
	s->stuck = false;
	return 0;
}

int
syslog_write(struct syslog *s, int priority, const char *tag, const char *line,
    long long deadline)
{
	struct text whole;
	struct buf out;
	bool anew;
	int result;

	buf_init(&out, LINE_MAX_SIZE);
	format(line, priority, tag, &out);
	do {
		anew = s->fd == -1;
		result = syslog_open(s);
		whole = (struct text){buf_string(&out), out.len + s->stream};
		if (result == 0)
			result = send_line(s, whole, deadline);
		/* Half a line, or a log that has been started anew. */
		if (result == -1 && (s->stream || errno != EAGAIN))
			syslog_clear(s);
	} while (result == -1 && !anew && s->fd == -1);
	buf_clear(&out);
	return result;
}
