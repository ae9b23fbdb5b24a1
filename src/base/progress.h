#ifndef PROGRESS_H
#define PROGRESS_H

/*
 * progress: how far something long has come, in words for a person who waits:
 * octets, how fast they go, and how long it will take.
 */

#include "base/buf.h"

#define PROGRESS_SAMPLES 12

/* All zero: of nothing yet. Times are milliseconds of a clock that only goes
 * forward. */
struct progress {
	long long begun;
	unsigned long long size; /* octets, all of them */

	/* private: */
	struct progress_sample {
		long long at;
		unsigned long long octets;
	} samples[PROGRESS_SAMPLES]; /* the last ones, in a ring */
	size_t count;		     /* of all that there were */
};

/* At this moment so many octets of it, size at most, have gone. The rate is
 * that of the last PROGRESS_SAMPLES times that this was called. What began at
 * another moment is another thing. */
void progress_add(struct progress *p, long long begun, unsigned long long size,
    long long at, unsigned long long octets);

/*
 * Appends, in at most so many columns:
 *	sending: 33%, 12.4 of 38.0 MB, 1.2 MB/s, 21 s left
 *	sending: 33%, 12.4 of 38.0 MB, stalled
 *	sent 38.0 MB, waiting for the server's answer
 * of which narrow terminals get less; nothing where not even "33%" fits.
 */
void progress_format(const struct progress *p, size_t columns, struct buf *out);

#endif
