#ifndef DATE_H
#define DATE_H

/* date: date-time of RFC 5322 section 3.3 from a given clock value. */

#include "base/buf.h"

struct date {
	long long seconds;  /* since the epoch, UTC */
	int offset_minutes; /* of local time, east of UTC positive */
};

/* Appends "Sun, 22 Nov 2026 23:03:34 +0000"; English in every locale, years
 * 0 to 9999 (clamped), offsets up to 99:59. -1 when out is full. */
int date_format(struct date date, struct buf *out);

/* Whether the words of a line have a day of the week, a month and a time of the
 * day among them, as those of date_format() and ctime(3) do. */
bool date_stands_in(struct text line);

#endif
