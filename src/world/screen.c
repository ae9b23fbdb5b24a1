#include "world/screen.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "world/clock.h"
#include "world/file.h"
#include "world/host.h"

#define USUAL 80 /* columns */
#define MOST  1000

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

/* Spaces rather than a sequence, as each terminal knows these; no more of them
 * than it has columns now, or they would fill its next line. Allocates nothing,
 * as there may be no memory left. */
static void
draw(struct screen *s, const char *line)
{
	const size_t len = strlen(line), columns = screen_columns(s->fd);
	const size_t old = s->drawn < columns ? s->drawn : columns;
	char out[2 * MOST];

	snprintf(out, sizeof(out), "\r%s%*s%s", line,
	    len < old ? (int)(old - len) : 0, "", len == 0 ? "\r" : "");
	if (file_write_until(s->fd, out, strlen(out), clock_now()) == 0)
		s->drawn = len;
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
