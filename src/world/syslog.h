#ifndef SYSLOG_H
#define SYSLOG_H

/*
 * syslog: lines for the system's log: for systemd's journal where that is
 * there, with their fields, else as syslog(3) writes them to its socket (the
 * form of RFC 3164). But where nobody reads the log, syslog(3) waits for ever
 * once its queue is full, and a caller who loses patience sends the mail again:
 * here a line that finds no room in time is lost.
 */

#include <stdbool.h>

#include "base/text.h"

struct syslog {
	const char *journal; /* of its socket; borrowed, as the next is */
	const char *path;    /* of that of syslog */
	int fd;		     /* connected to one of them, or -1 */
	bool native;	     /* to the journal */
	bool stream;	     /* where each line ends in a NUL */
	bool stuck; /* the last line waited in vain: the next does not */
};

/* One line; borrowed, all of it. */
struct syslog_line {
	int priority; /* facility and severity of <syslog.h> */
	const char *tag;
	const char *words;
	struct text fields; /* by journal_add(), for the journal alone */
};

/* Allocates and opens nothing. */
void syslog_init(struct syslog *s, const char *journal, const char *path);
void syslog_clear(struct syslog *s);

/* Connects where it is not connected, to the journal if it can. 0, or -1 with
 * errno. */
int syslog_open(struct syslog *s);

/*
 * Writes "<22>Nov 27 01:13:04 tag[4711]: words", or the same as fields of the
 * journal. What is not connected, or no longer, is connected first. What is too
 * large for the socket is cut, to its words and to few of them. Waits for room
 * until the deadline of the clock, then gives up. 0, or -1 with errno.
 */
int syslog_write(
    struct syslog *s, const struct syslog_line *line, long long deadline);

#endif
