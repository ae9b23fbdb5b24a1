#include "../unit.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "world/screen.h"

/* A terminal, which is nobody's. */
static int master, slave;

/* Octets go through as they are, and what is typed is not shown. */
static int
make_terminal(void **state)
{
	struct termios raw;

	(void)state;
	if (openpty(&master, &slave, NULL, NULL, NULL) == -1 ||
	    tcgetattr(slave, &raw) == -1)
		return -1;
	cfmakeraw(&raw);
	return tcsetattr(slave, TCSANOW, &raw);
}

static int
close_terminal(void **state)
{
	(void)state;
	close(master);
	close(slave);
	return 0;
}

static void
set_columns(unsigned short columns)
{
	const struct winsize size = {.ws_row = 24, .ws_col = columns};

	assert_int_equal(ioctl(slave, TIOCSWINSZ, &size), 0);
}

/* NULL: it is not set. */
static void
set_variable(const char *name, const char *value)
{
	if (value == NULL)
		unsetenv(name);
	else
		setenv(name, value, 1);
}

static const struct {
	const char *term;
	const char *no_color;
	bool there;
	bool coloured;
} rows[] = {
    {"xterm", NULL, true, true},
    {"linux", "", true, true},
    {"xterm", "1", true, false},
    {"xterm", "0", true, false},
    {"dumb", NULL, false, false},
    {"", NULL, false, false},
    {NULL, NULL, false, false},
    {"dumber", NULL, true, true},
};

static void
assert_colours(int fd, bool coloured)
{
	const struct screen_palette p = screen_palette(fd);
	const char *const all[] = {p.fault, p.remark, p.good, p.aside, p.end};

	for (size_t i = 0; i < COUNT(all); i++) {
		assert_non_null(all[i]);
		assert_int_equal(all[i][0] == '\033', coloured);
		assert_int_equal(all[i][0] == '\0', !coloured);
	}
}

static void
a_terminal_that_can_is_a_screen(void **state)
{
	const int null = open("/dev/null", O_WRONLY);

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		set_variable("TERM", rows[i].term);
		set_variable("NO_COLOR", rows[i].no_color);
		assert_int_equal(screen_is_there(slave), rows[i].there);
		assert_colours(slave, rows[i].coloured);
		assert_false(screen_is_there(null));
		assert_colours(null, false);
		assert_false(screen_is_there(-1));
	}
	close(null);
}

static void
the_last_column_is_left(void **state)
{
	static const struct {
		unsigned short says;
		size_t columns;
	} widths[] = {{80, 79}, {1, 0}, {2, 1}, {132, 131}, {1000, 999},
	    {1001, 1000}, {1002, 1000}, {65535, 1000}, {0, 79}};
	const int null = open("/dev/null", O_WRONLY);

	(void)state;
	for (size_t i = 0; i < COUNT(widths); i++) {
		set_columns(widths[i].says);
		assert_int_equal(screen_columns(slave), widths[i].columns);
	}
	assert_int_equal(screen_columns(null), 79);
	close(null);
}

/* What the terminal was given since: so much, and nothing more. */
static void
assert_shown(int fd, const char *expected)
{
	struct pollfd polled = {.fd = fd, .events = POLLIN};
	const size_t len = strlen(expected);
	char shown[2000];
	size_t got = 0;
	ssize_t n;

	assert_true(len < sizeof(shown));
	while (got < len) {
		assert_int_equal(poll(&polled, 1, HANG), 1);
		n = read(fd, shown + got, len - got);
		assert_true(n > 0);
		got += (size_t)n;
	}
	shown[got] = '\0';
	assert_string_equal(shown, expected);
	assert_int_equal(poll(&polled, 1, 0), 0);
}

/* One line after the other, and what goes out for each. */
static const struct {
	const char *line;
	unsigned short columns;
	const char *out;
} lines[] = {
    {"", 80, ""},
    {"33%", 80, "\r33%"},
    {"34%, 12 s left", 80, "\r34%, 12 s left"},
    {"35%", 80, "\r35%           "},
    {"36%", 80, "\r36%"},
    {"100%, 99 s", 80, "\r100%, 99 s"},
    {"", 80, "\r          \r"},
    {"", 80, ""},
    /* What is narrower now has less of the line before. */
    {"0123456789", 80, "\r0123456789"},
    {"ab", 6, "\rab   "},
    {"0123456789", 80, "\r0123456789"},
    {"", 4, "\r   \r"},
    {"0123456789", 80, "\r0123456789"},
    {"abcde", 4, "\rabcde"},
    {"", 80, "\r     \r"},
};

static void
a_line_takes_the_place_of_the_one_before(void **state)
{
	struct screen s = {.fd = slave};

	(void)state;
	for (size_t i = 0; i < COUNT(lines); i++) {
		set_columns(lines[i].columns);
		screen_draw(&s, lines[i].line);
		assert_shown(master, lines[i].out);
		assert_int_equal(s.drawn, strlen(lines[i].line));
	}
}

static void
the_widest_line_fits(void **state)
{
	char wide[1001] = "", shown[1003];
	struct screen s = {.fd = slave};

	(void)state;
	set_columns(65535);
	memset(wide, 'x', screen_columns(slave));
	screen_draw(&s, wide);
	snprintf(shown, sizeof(shown), "\r%s", wide);
	assert_shown(master, shown);
	screen_draw(&s, "y");
	snprintf(shown, sizeof(shown), "\ry%999s", "");
	assert_shown(master, shown);
	screen_draw(&s, "");
	assert_shown(master, "\r \r");
}

/* As when somebody has typed ^S. */
static void
nobody_waits_for_a_terminal_that_stands_still(void **state)
{
	struct screen s = {.fd = slave};

	(void)state;
	set_columns(80);
	screen_draw(&s, "33%");
	assert_shown(master, "\r33%");
	assert_int_equal(tcflow(slave, TCOOFF), 0);
	alarm(HANG / 1000);
	screen_draw(&s, "34%, 12 s left");
	alarm(0);
	assert_int_equal(tcflow(slave, TCOON), 0);
	assert_int_equal(s.drawn, 3);
	screen_draw(&s, "");
	assert_shown(master, "\r   \r");
}

/* What became of a process that has drawn this and is sent that. */
static int
end_drawing(const char *const *drawn, int number)
{
	struct screen s = {.fd = slave};
	int status = 0;
	pid_t pid;

	pid = fork();
	if (pid == 0) {
		for (; *drawn != NULL; drawn++)
			screen_draw(&s, *drawn);
		raise(number);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void
a_signal_takes_the_line_away(void **state)
{
	static const int numbers[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};
	const char *const one[] = {"33%", "34%, 12 s left", NULL};
	const char *const gone[] = {"33%", "", NULL};

	(void)state;
	set_columns(80);
	for (size_t i = 0; i < COUNT(numbers); i++) {
		assert_int_equal(end_drawing(one, numbers[i]), numbers[i]);
		assert_shown(
		    master, "\r33%\r34%, 12 s left\r                \r");
		assert_int_equal(end_drawing(gone, numbers[i]), numbers[i]);
		assert_shown(master, "\r33%\r   \r");
	}
	set_columns(16);
	assert_int_equal(end_drawing(one, SIGINT), SIGINT);
	assert_shown(master, "\r33%\r34%, 12 s left\r               \r");
	signal(SIGINT, SIG_IGN);
	assert_int_equal(end_drawing(one, SIGINT), 0);
	assert_shown(master, "\r33%\r34%, 12 s left");
	signal(SIGINT, SIG_DFL);
}

/* A shell's job in the background, and then the shell: whether each has drawn.
 */
static _Noreturn void
lead(int told)
{
	struct screen s = {.fd = STDOUT_FILENO};
	int status = -1;
	pid_t pid;

	pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		screen_draw(&s, "behind");
		_exit(s.drawn != 0);
	}
	waitpid(pid, &status, 0);
	screen_draw(&s, "front");
	dprintf(told, "%d %zu", status, s.drawn);
	close(told);
	while (true)
		pause();
}

static void
a_job_in_the_background_draws_nothing(void **state)
{
	int there, ends[2];
	char told[20] = "";
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	pid = forkpty(&there, NULL, NULL, NULL);
	assert_int_not_equal(pid, -1);
	if (pid == 0)
		lead(ends[1]);
	close(ends[1]);
	for (size_t len = 0;
	     read(ends[0], told + len, sizeof(told) - 1 - len) > 0;)
		len = strlen(told);
	close(ends[0]);
	assert_string_equal(told, "0 5");
	assert_shown(there, "\rfront");
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	close(there);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_terminal_that_can_is_a_screen),
	    cmocka_unit_test(the_last_column_is_left),
	    cmocka_unit_test(a_line_takes_the_place_of_the_one_before),
	    cmocka_unit_test(the_widest_line_fits),
	    cmocka_unit_test(nobody_waits_for_a_terminal_that_stands_still),
	    cmocka_unit_test(a_signal_takes_the_line_away),
	    cmocka_unit_test(a_job_in_the_background_draws_nothing),
	};

	default_signals();
	return cmocka_run_group_tests(tests, make_terminal, close_terminal);
}
