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

#define line_of(said)                                                          \
	((struct syslog_line){                                                 \
	    PRIORITY, "tag", said, TEXT("SENDLING_FROM=a@x\n")})

static void
init(struct syslog *s)
{
	static char journal[1000], log[1000];

	strlcpy(journal, in_folder("journal"), sizeof(journal));
	strlcpy(log, in_folder("log"), sizeof(log));
	syslog_init(s, journal, log);
}

static int
listener_at(const char *name, int type)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	unlink(in_folder(name));
	strlcpy(address.sun_path, in_folder(name), sizeof(address.sun_path));
	assert_int_equal(
	    bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 5), 0);
	return fd;
}

/* The system's log. */
static int
listener(int type)
{
	return listener_at("log", type);
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
	return syslog_write(s, &line_of(line), clock_now() + WAIT);
}

static struct syslog
connected(void)
{
	struct syslog s;

	init(&s);
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
	init(&s);
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
	    syslog_write(s, &line_of("lost"), begin + patience), -1);
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
	while (syslog_write(&s, &line_of(line), clock_now() + SHORT) == 0)
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
		init(&others[i]);
		syslog_open(&others[i]);
	}
	begin = clock_now();
	init(&s);
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

/*
 * The journal.
 */

static void
the_journal_comes_first(void **state)
{
	static const char two[] =
	    "\nMESSAGE\n\x09\0\0\0\0\0\0\0two\nlines\nSENDLING_FROM=a@x\n";
	int log = listener(SOCK_DGRAM),
	    journal = listener_at("journal", SOCK_DGRAM);
	struct syslog s = connected();
	char wanted[400];

	(void)state;
	assert_true(s.native);
	assert_int_equal(put(&s, "a %s line"), 0);
	snprintf(wanted, sizeof(wanted),
	    "PRIORITY=6\nSYSLOG_FACILITY=2\nSYSLOG_PID=%ld\n"
	    "SYSLOG_IDENTIFIER=tag\nMESSAGE=a %%s line\nSENDLING_FROM=a@x\n",
	    (long)getpid());
	assert_string_equal(take(journal), wanted);
	assert_int_equal(put(&s, "two\nlines"), 0);
	assert_non_null(memmem(take(journal), 200, two, sizeof(two) - 1));
	/* It goes away, and is there again. */
	close(journal);
	assert_int_equal(put(&s, "fallen back"), 0);
	assert_string_equal(strstr(take(log), "]: "), "]: fallen back");
	assert_false(s.native);
	syslog_clear(&s);
	journal = listener_at("journal", SOCK_DGRAM);
	assert_int_equal(put(&s, "again"), 0);
	assert_non_null(strstr(take(journal), "MESSAGE=again\n"));
	syslog_clear(&s);
	close(journal);
	unlink(in_folder("journal"));
	close(log);
}

static void
a_full_journal_is_not_waited_for(void **state)
{
	int log = listener(SOCK_DGRAM),
	    journal = listener_at("journal", SOCK_DGRAM);
	struct syslog s = connected();

	(void)state;
	fill(&s);
	assert_true(give_up(&s, SHORT) >= SHORT);
	assert_true(give_up(&s, WAIT) < WAIT / 2); /* it is known by now */
	take(journal);
	assert_int_equal(put(&s, "kept"), 0);
	syslog_clear(&s);
	close(journal);
	unlink(in_folder("journal"));
	close(log);
}

/* Who has small buffers gets what goes into them. */
static void
what_is_too_large_is_cut(void **state)
{
	static char line[50000];
	const int small = 1;
	struct syslog s;
	const char *said;
	int log, native;

	(void)state;
	memset(line, 'x', sizeof(line) - 1);
	memcpy(line + 999, "\xc3\xb6", 2); /* is not cut in two */
	for (native = 0; native < 2; native++) {
		log = listener_at(native ? "journal" : "log", SOCK_DGRAM);
		s = connected();
		assert_int_equal(setsockopt(s.fd, SOL_SOCKET, SO_SNDBUF, &small,
				     sizeof(small)),
		    0);
		assert_int_equal(put(&s, line), 0);
		said = take(log);
		assert_string_equal(
		    strstr(said, "xx") + 999, native ? "\n" : "");
		assert_null(strstr(said, "SENDLING_FROM"));
		syslog_clear(&s);
		close(log);
	}
	unlink(in_folder("journal"));
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
	    cmocka_unit_test(the_journal_comes_first),
	    cmocka_unit_test(a_full_journal_is_not_waited_for),
	    cmocka_unit_test(what_is_too_large_is_cut),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
