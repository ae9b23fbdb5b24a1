#include "world/screen.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "world/clock.h"
#include "world/file.h"
#include "world/host.h"

#define USUAL 80 /* columns */
#define MOST  1000
#define TYPED 2 /* columns of a ^C, which is shown behind the line */

/* The line that stands, for a signal that ends us: its handler may do no more
 * than write. */
static volatile sig_atomic_t standing_fd, standing_columns;

bool
screen_is_there(int fd)
{
	const char *term = host_environment("TERM");

	return isatty(fd) && term != NULL && term[0] != '\0' &&
	       strcmp(term, "dumb") != 0;
}

size_t
screen_columns(int fd)
{
	struct winsize size;

	if (ioctl(fd, TIOCGWINSZ, &size) == -1 || size.ws_col == 0)
		return USUAL - 1;
	return size.ws_col > MOST ? MOST : size.ws_col - 1U;
}

/* It may be a terminal of others, which somebody gave us by name. */
static bool
is_in_background(int fd)
{
	const pid_t group = tcgetpgrp(fd);

	return group != -1 && group != getpgrp();
}

/* The shell's prompt would stand behind the line, or on it. By SA_RESETHAND the
 * signal does then what it did before. */
static void
erase_and_end(int number)
{
	static const char eight[8] = "        ";
	const int fd = standing_fd;
	const long long now = clock_now();
	sig_atomic_t left = standing_columns;

	if (!is_in_background(fd)) {
		file_write_until(fd, "\r", 1, now);
		for (; left > 0; left -= 8)
			file_write_until(
			    fd, eight, left < 8 ? (size_t)left : 8, now);
		file_write_until(fd, "\r", 1, now);
	}
	raise(number);
}

/* What our caller has us ignore stays so. */
static void
watch_signals(bool stands)
{
	static const int ending[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};
	const struct sigaction erase = {
	    .sa_handler = erase_and_end, .sa_flags = (int)SA_RESETHAND};
	const struct sigaction end = {.sa_handler = SIG_DFL};
	struct sigaction now;
	size_t i;

	for (i = 0; i < sizeof(ending) / sizeof(ending[0]); i++)
		if (sigaction(ending[i], NULL, &now) == 0 &&
		    now.sa_handler == (stands ? SIG_DFL : erase_and_end))
			sigaction(ending[i], stands ? &erase : &end, NULL);
}

/* Spaces rather than a sequence, as each terminal knows these; no more of them
 * than it has columns now, or they would fill its next line. Allocates nothing,
 * as there may be no memory left. */
static void
draw(struct screen *s, const char *line)
{
	const size_t len = strlen(line), columns = screen_columns(s->fd);
	const size_t old = s->drawn < columns ? s->drawn : columns;
	const size_t taken = (len > s->drawn ? len : s->drawn) + TYPED;
	char out[2 * MOST];

	standing_fd = s->fd;
	standing_columns = (sig_atomic_t)(taken < columns ? taken : columns);
	if (s->drawn == 0)
		watch_signals(true);
	snprintf(out, sizeof(out), "\r%s%*s%s", line,
	    len < old ? (int)(old - len) : 0, "", len == 0 ? "\r" : "");
	if (file_write_until(s->fd, out, strlen(out), clock_now()) == 0)
		s->drawn = len;
	if (s->drawn == 0)
		watch_signals(false);
}

void
screen_draw(struct screen *s, const char *line)
{
	if ((line[0] != '\0' || s->drawn > 0) && !is_in_background(s->fd))
		draw(s, line);
}

static bool
has_colours(int fd)
{
	const char *unwanted = host_environment("NO_COLOR");

	return (unwanted == NULL || unwanted[0] == '\0') && screen_is_there(fd);
}

struct screen_palette
screen_palette(int fd)
{
	static const struct screen_palette colours = {.fault = "\033[1;31m",
	    .remark = "\033[33m",
	    .good = "\033[32m",
	    .aside = "\033[36m",
	    .end = "\033[0m"};
	static const struct screen_palette none = {"", "", "", "", ""};

	return has_colours(fd) ? colours : none;
}
