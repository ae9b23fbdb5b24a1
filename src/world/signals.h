#ifndef SIGNALS_H
#define SIGNALS_H

/*
 * signals: those that would end us come through a descriptor for a while, so
 * that what they would leave behind, a command or a terminal without echo, is
 * put right first. Whoever watches ends what he does, and raises the signal
 * again as if it had come only then.
 */

#include <signal.h>
#include <stddef.h>

#include "base/error.h"

struct signals {
	int fd; /* readable when one has come */
	sigset_t before;
	sigset_t watched;
};

/* Watches SIGHUP, SIGINT, SIGQUIT and SIGTERM, but for those that our caller
 * has us ignore, or blocks; and those of `more', whatever he has. -1:
 * ERROR_SYSTEM, none is watched. */
int signals_watch(
    struct signals *s, const int *more, size_t count, struct error *e);

/* The next that has come; 0: none. */
int signals_next(const struct signals *s);

/* Signals do what they did before. One that came and was not read does it now.
 */
void signals_end(struct signals *s);

#endif
