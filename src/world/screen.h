#ifndef SCREEN_H
#define SCREEN_H

/*
 * screen: standard output or standard error where a person looks at it: whether
 * that is so, its colours, and a line at its end that is drawn over. Where TERM
 * is not set, or `dumb', it is no more than a line printer.
 */

#include <stdbool.h>
#include <stddef.h>

struct screen {
	int fd;
	size_t drawn; /* columns that the line takes; 0: there is none */
};

/* Whether a line can be drawn over there. */
bool screen_is_there(int fd);

/* How many columns a line that is drawn over may take: all but the last one, as
 * the terminal is at this moment. 79 where it does not say. */
size_t screen_columns(int fd);

/*
 * Draws the line, in ASCII and at most so wide, in place of the one before; ""
 * takes that away. In the background, where others have the terminal, and where
 * the terminal takes nothing now, nothing is done and nobody waits. Allocates
 * nothing. While there is a line, which one screen alone has, SIGHUP, SIGINT,
 * SIGQUIT and SIGTERM take it away before they end us, unless they are ignored.
 */
void screen_draw(struct screen *s, const char *line);

/* What colours mean here. Sequences of a terminal, all of them empty where fd
 * is none or NO_COLOR is set. */
struct screen_palette {
	const char *fault;
	const char *remark;
	const char *good;
	const char *aside; /* words beside the matter */
	const char *end;   /* to be written behind each */
};
struct screen_palette screen_palette(int fd);

#endif
