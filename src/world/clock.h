#ifndef CLOCK_H
#define CLOCK_H

/*
 * clock: time that only goes forward, and waiting until it is over. A deadline
 * is a value: a moment of this clock in milliseconds, made once when a mail
 * begins and passed down to whatever waits.
 */

#include <stdbool.h>
#include <stddef.h>

struct pollfd;

/* A deadline that never comes, and the words for a mail's that has passed. */
#define CLOCK_NEVER 0x7fffffffffffffffLL
#define CLOCK_OVER  "timed out: the `deadline' for the whole run is over"

/* Now, in milliseconds; and in microseconds, for what is told of it. */
long long clock_now(void);
long long clock_now_us(void);

/* The moment in so many seconds, and the earlier of two. */
long long clock_in(unsigned seconds);
long long clock_earlier(long long a, long long b);

/* poll(2) until the deadline; a signal does not end it. How many descriptors
 * are ready, 0 when the time is over, -1 with errno. A deadline that has
 * passed still looks once. */
int clock_wait(struct pollfd *polls, size_t count, long long deadline);

/* Until the descriptor can be read or its writer is gone: 1, 0 or -1. */
int clock_wait_readable(int fd, long long deadline);

#endif
