#include "submit/backoff.h"

/* The most that an attempt may be away, in seconds. */
static long long
longest_of(const struct backoff *b)
{
	long long most = b->first > b->longest ? b->first : b->longest;

	return (most > BACKOFF_REFUSED ? most : BACKOFF_REFUSED) * 11 / 10;
}

struct backoff
backoff_by(const struct account *a)
{
	struct spool_retry retry = ACCOUNT_SPOOL_RETRY;

	if (a != NULL && a->spool_retry.longest != 0)
		retry = a->spool_retry;
	return (struct backoff){retry.first, retry.longest};
}

unsigned
backoff_lifetime(const struct account *a)
{
	return a == NULL || a->spool_lifetime == 0 ? ACCOUNT_SPOOL_LIFETIME
						   : a->spool_lifetime;
}

long long
backoff_next(const struct backoff *b, long long created, long long now,
    bool refused, unsigned char chance)
{
	long long delay = now - created;

	if (delay > b->longest)
		delay = b->longest;
	if (delay < b->first)
		delay = b->first;
	delay = delay * 9 / 10 + delay * chance / 1275;
	if (refused && delay < BACKOFF_REFUSED)
		delay = BACKOFF_REFUSED +
			(long long)BACKOFF_REFUSED * chance / 2550;
	return now + delay;
}

bool
backoff_is_due(
    const struct backoff *b, long long created, long long due, long long now)
{
	return due <= now || now < created || due - now > longest_of(b);
}

bool
backoff_is_over(long long created, long long expires, long long now, bool tried)
{
	return tried && now >= created && now >= expires;
}
