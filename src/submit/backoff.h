#ifndef BACKOFF_H
#define BACKOFF_H

/*
 * backoff: when a mail that waits is tried again, and when it is given up. It
 * keeps no state: the older a mail, the longer it waits. Clocks jump: an age
 * below 0, and a moment that is further away than anything waits, are due now.
 * Times are seconds since the epoch.
 */

#include <stdbool.h>

#include "submit/account.h"

#define BACKOFF_REFUSED 1800 /* RFC 5321 section 4.5.4.1, seconds */

struct backoff {
	unsigned first;	  /* the shortest and the longest that it waits, */
	unsigned longest; /* in seconds */
};

/* As the account's `spool-retry' has it; NULL: as where none is set. */
struct backoff backoff_by(const struct account *a);

/* Seconds that a mail is tried for; NULL as above. */
unsigned backoff_lifetime(const struct account *a);

/* The next attempt of a mail of that age that has failed now: its age away,
 * within both limits, and up to a tenth more or less, as `chance', a random
 * octet, has it. refused: by a 4yz about this mail. */
long long backoff_next(const struct backoff *b, long long created,
    long long now, bool refused, unsigned char chance);

bool backoff_is_due(
    const struct backoff *b, long long created, long long due, long long now);

/* Whether it is given up: its time is over, and this run has tried it. */
bool backoff_is_over(
    long long created, long long expires, long long now, bool tried);

#endif
