#ifndef UPLOAD_H
#define UPLOAD_H

/*
 * upload: when a person is told how far a mail is: only of one that is large,
 * and takes long. Moments are those of world/clock, as the caller has them.
 */

#include <stdbool.h>

/* What is smaller leaves at once, as the first flight of TCP. */
#define UPLOAD_LARGE 16384

/* Milliseconds until it is told first, and from then on. */
#define UPLOAD_LONG  1000
#define UPLOAD_PULSE 500

/* All zero: none is on its way. */
struct upload {
	long long begun; /* 0: none is on its way */
	long long due;	 /* when it is told next */
	bool told;
};

enum upload_news {
	UPLOAD_NO_NEWS,
	UPLOAD_STEP, /* it is to be told how far it is */
	UPLOAD_OVER  /* it was, and is on its way no more */
};

/* At this moment a mail of so many octets is on its way, or none: size 0. */
enum upload_news upload_note(
    struct upload *u, unsigned long long size, long long now);

/* When upload_note() is to be called next though nothing moves; CLOCK_NEVER:
 * nothing is to be told. */
long long upload_due(const struct upload *u);

#endif
