#ifndef SYSLOG_H
#define SYSLOG_H

/*
 * syslog: lines for the system's log, as syslog(3) writes them to its socket
 * (the form of RFC 3164). But where nobody reads the log, syslog(3) waits for
 * ever once its queue is full, and a caller who loses patience sends the mail
 * again: here a line that finds no room in time is lost.
 */

#include <stdbool.h>

struct syslog {
	const char *path; /* of the socket; borrowed */
	int fd;		  /* connected to it, or -1 */
	bool stream;	  /* where each line ends in a NUL */
	bool stuck;	  /* the last line waited in vain: the next does not */
};

/* Allocates and opens nothing. */
void syslog_init(struct syslog *s, const char *path);
void syslog_clear(struct syslog *s);

/* Connects where it is not connected. 0, or -1 with errno. */
int syslog_open(struct syslog *s);

/*
 * Writes "<22>Nov 27 01:13:04 tag[4711]: line"; priority is facility and
 * severity of <syslog.h>. What is not connected, or no longer, is connected
 * first. Waits for room until the deadline of the clock, then gives up. 0, or
 * -1 with errno.
 */
int syslog_write(struct syslog *s, int priority, const char *tag,
    const char *line, long long deadline);

#endif
