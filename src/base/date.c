#include "base/date.h"

#include <stdlib.h>

#define DAY	   86400LL
#define FIRST_DAY  (-719528LL) /* 1 January 0000 */
#define LAST_DAY   2932896LL   /* 31 December 9999 */
#define OFFSET_MAX (99 * 60 + 59)

static const char *const week_days[] = {
    "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

static long long
clamp(long long n, long long low, long long high)
{
	if (n < low)
		return low;
	return n > high ? high : n;
}

static long long
month_length(long long year, size_t month)
{
	static const int lengths[] = {
	    31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return lengths[month] + (month == 1 && leap ? 1 : 0);
}

/* Days from 1 January 0000 to 1 January of the year. */
static long long
days_before(long long year)
{
	long long y = year - 1;

	if (year == 0)
		return 0;
	return 366 + y * 365 + y / 4 - y / 100 + y / 400;
}

int
date_format(struct date date, struct buf *out)
{
	long long day, local, second, year;
	size_t month, week_day;
	int offset;

	offset = (int)clamp(date.offset_minutes, -OFFSET_MAX, OFFSET_MAX);
	/* Once before the sum, so that it cannot overflow. */
	local = clamp(date.seconds, FIRST_DAY * DAY, (LAST_DAY + 1) * DAY - 1);
	local = clamp(
	    local + offset * 60, FIRST_DAY * DAY, (LAST_DAY + 1) * DAY - 1);
	local -= FIRST_DAY * DAY;
	day = local / DAY;
	second = local % DAY;
	week_day = (size_t)((day + 6) % 7); /* the first one was a Saturday */
	year = day * 400 / 146097;	    /* at most one too many */
	if (days_before(year) > day)
		year--;
	else if (days_before(year + 1) <= day)
		year++;
	day -= days_before(year);
	for (month = 0; day >= month_length(year, month); month++)
		day -= month_length(year, month);
	return buf_format(out,
	    "%s, %lld %s %04lld %02lld:%02lld:%02lld %c%02d%02d",
	    week_days[week_day], day + 1, months[month], year, second / 3600,
	    second / 60 % 60, second % 60, offset < 0 ? '-' : '+',
	    abs(offset) / 60, abs(offset) % 60);
}

static bool
is_one_of(struct text word, const char *const *names, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (text_equal_fold(word, text_of(names[i])))
			return true;
	return false;
}

/* "9:05" or "09:05:00". */
static bool
is_time(struct text word)
{
	size_t colon = text_find(word, ':');

	return (colon == 1 || colon == 2) && word.len > colon + 2 &&
	       text_is_digit(word.at[0]) && text_is_digit(word.at[colon - 1]) &&
	       text_is_digit(word.at[colon + 1]) &&
	       text_is_digit(word.at[colon + 2]);
}

bool
date_stands_in(struct text line)
{
	bool day = false, month = false, time = false;
	struct text word;

	while (text_next(&line, " \t,", &word)) {
		day |= is_one_of(word, week_days, 7);
		month |= is_one_of(word, months, 12);
		time |= is_time(word);
	}
	return day && month && time;
}
