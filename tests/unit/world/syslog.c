#include "../unit.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>

#include "../folder.h"
#include "world/clock.h"
#include "world/syslog.h"

#define PRIORITY (LOG_MAIL | LOG_INFO)
#define WAIT	 HANG
#define SHORT	 150

/* The system's log. */
static int
listener(int type)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	unlink(in_folder("log"));
	strlcpy(address.sun_path, in_folder("log"), sizeof(address.sun_path));
	assert_int_equal(
	    bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 5), 0);
	return fd;
}

static const char *
take(int fd)
{
	static char bytes[70000];
	ssize_t len;

	len = recv(fd, bytes, sizeof(bytes) - 1, MSG_DONTWAIT);
	assert_true(len >= 0);
	bytes[len] = '\0';
	return bytes;
}

static int
put(struct syslog *s, const char *line)
{
	return syslog_write(s, PRIORITY, "tag", line, clock_now() + WAIT);
}

static struct syslog
connected(void)
{
	struct syslog s;

	syslog_init(&s, in_folder("log"));
	assert_int_equal(syslog_open(&s), 0);
	return s;
}

static void
lines_have_their_form(void **state)
{
	char wanted[2][100], stamp[40];
	const char *said;
	int log = listener(SOCK_DGRAM), i;
	struct syslog s;
	time_t now;

	(void)state;
	setenv("TZ", "XXX-5:30", 1);
	tzset();
	s = connected();
	for (i = 0; i < 2; i++) {
		now = time(NULL);
		strftime(
		    stamp, sizeof(stamp), "%b %e %H:%M:%S", localtime(&now));
		snprintf(wanted[i], sizeof(wanted[i]),
		    "<22>%s tag[%ld]: a %%s line", stamp, (long)getpid());
		if (i == 0)
			assert_int_equal(put(&s, "a %s line"), 0);
	}
	said = take(log);
	if (strcmp(said, wanted[0]) != 0)
		assert_string_equal(said, wanted[1]);
	syslog_clear(&s);
	close(log);
	unsetenv("TZ");
}

/* A stream has no ends of lines but those that are written. */
static void
a_stream_serves_as_well(void **state)
{
	int log = listener(SOCK_STREAM), reader;
	struct syslog s = connected();
	const char *said;

	(void)state;
	assert_int_equal(put(&s, "one"), 0);
	assert_int_equal(put(&s, "two"), 0);
	reader = accept(log, NULL, NULL);
	said = take(reader);
	assert_non_null(strstr(said, "]: one"));
	assert_string_equal(strstr(said, "]: one") + 6, "");
	said += strlen(said) + 1;
	assert_int_equal(strncmp(said, "<22>", 4), 0);
	assert_non_null(strstr(said, "]: two"));
	syslog_clear(&s);
	close(reader);
	close(log);
}

static void
the_log_comes_and_goes(void **state)
{
	struct syslog s;
	int log;

	(void)state;
	unlink(in_folder("log"));
	syslog_init(&s, in_folder("log"));
	assert_int_equal(syslog_open(&s), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(put(&s, "lost"), -1);
	log = listener(SOCK_DGRAM);
	assert_int_equal(put(&s, "there"), 0);
	assert_non_null(strstr(take(log), "]: there"));
	close(log);
	assert_int_equal(put(&s, "lost"), -1);
	log = listener(SOCK_DGRAM);
	assert_int_equal(put(&s, "again"), 0);
	assert_non_null(strstr(take(log), "]: again"));
	close(log);
	log = listener(SOCK_DGRAM);
	assert_int_equal(put(&s, "anew"), 0);
	assert_non_null(strstr(take(log), "]: anew"));
	close(log);
	log = listener(SOCK_STREAM);
	assert_int_equal(put(&s, "stream"), 0);
	assert_true(s.stream);
	close(log);
	log = listener(SOCK_DGRAM);
	assert_int_equal(put(&s, "datagram"), 0);
	assert_string_equal(strstr(take(log), "]: "), "]: datagram");
	syslog_clear(&s);
	close(log);
}

/* Nobody reads: how long the next line took to be given up. */
static long long
give_up(struct syslog *s, long long patience)
{
	long long begin = clock_now();

	assert_int_equal(
	    syslog_write(s, PRIORITY, "tag", "lost", begin + patience), -1);
	assert_int_equal(errno, EAGAIN);
	return clock_now() - begin;
}

static void
fill(const struct syslog *s)
{
	while (send(s->fd, "x", 1, MSG_DONTWAIT) == 1)
		;
}

static void
a_full_log_is_not_waited_for(void **state)
{
	int log = listener(SOCK_DGRAM);
	struct syslog s = connected();

	(void)state;
	fill(&s);
	assert_true(give_up(&s, SHORT) >= SHORT);
	assert_true(give_up(&s, WAIT) < WAIT / 2); /* it is known by now */
	take(log);
	assert_int_equal(put(&s, "kept"), 0);
	assert_true(give_up(&s, SHORT) >= SHORT);
	syslog_clear(&s);
	close(log);
}

static void
a_full_stream_loses_whole_lines(void **state)
{
	static char line[40000];
	int log = listener(SOCK_STREAM), i = 0;
	struct syslog s = connected();

	(void)state;
	memset(line, 'x', sizeof(line) - 1);
	while (
	    syslog_write(&s, PRIORITY, "tag", line, clock_now() + SHORT) == 0)
		assert_true(i++ < 1000);
	assert_int_equal(s.fd, -1); /* the rest would be taken for a line */
	close(log);
	assert_int_equal(put(&s, "lost"), -1);
	log = listener(SOCK_DGRAM);
	assert_int_equal(put(&s, "kept"), 0);
	syslog_clear(&s);
	close(log);
}

/* Its reader is stopped, and so many wait before us that no more may. */
static void
a_stream_that_nobody_accepts_is_not_waited_for(void **state)
{
	int log = listener(SOCK_STREAM);
	struct syslog others[16], s;
	long long begin;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(others); i++) {
		syslog_init(&others[i], in_folder("log"));
		syslog_open(&others[i]);
	}
	begin = clock_now();
	syslog_init(&s, in_folder("log"));
	assert_int_equal(syslog_open(&s), -1);
	assert_int_equal(put(&s, "lost"), -1);
	assert_true(clock_now() - begin < WAIT / 2);
	for (i = 0; i < COUNT(others); i++)
		syslog_clear(&others[i]);
	close(log);
}

static void
a_busy_log_is_waited_for(void **state)
{
	char bytes[100];
	int log = listener(SOCK_DGRAM), status;
	struct syslog s = connected();
	pid_t reader;

	(void)state;
	fill(&s);
	reader = fork();
	if (reader == 0) {
		alarm(WAIT / 1000);
		usleep(1000 * SHORT);
		while (recv(log, bytes, sizeof(bytes), 0) == 1)
			;
		_exit(0);
	}
	assert_int_equal(put(&s, "in time"), 0);
	assert_int_equal(waitpid(reader, &status, 0), reader);
	assert_int_equal(status, 0);
	syslog_clear(&s);
	close(log);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lines_have_their_form),
	    cmocka_unit_test(a_stream_serves_as_well),
	    cmocka_unit_test(the_log_comes_and_goes),
	    cmocka_unit_test(a_full_log_is_not_waited_for),
	    cmocka_unit_test(a_full_stream_loses_whole_lines),
	    cmocka_unit_test(a_stream_that_nobody_accepts_is_not_waited_for),
	    cmocka_unit_test(a_busy_log_is_waited_for),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
