#include "run/upload.h"

#include "world/clock.h"

static enum upload_news
end(struct upload *u)
{
	const bool told = u->told;

	*u = (struct upload){0};
	return told ? UPLOAD_OVER : UPLOAD_NO_NEWS;
}

enum upload_news
upload_note(struct upload *u, unsigned long long size, long long now)
{
	if (size < UPLOAD_LARGE)
		return end(u);
	if (u->begun == 0)
		*u = (struct upload){.begun = now, .due = now + UPLOAD_LONG};
	if (now < u->due)
		return UPLOAD_NO_NEWS;
	u->due = now + UPLOAD_PULSE;
	u->told = true;
	return UPLOAD_STEP;
}

long long
upload_due(const struct upload *u)
{
	return u->begun == 0 ? CLOCK_NEVER : u->due;
}
