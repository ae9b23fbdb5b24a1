#include "run/passing.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "run/batch.h"
#include "submit/backoff.h"
#include "world/clock.h"

/* At most so many go, none begins after so many seconds or is larger. */
#define PASSING_MAILS	10
#define PASSING_SECONDS 5
#define PASSING_OCTETS	(256 * 1024)

/* A mail that goes at once shall not wait for a large spool to be looked
 * through: flush does that. */
#define PASSING_LOOKS 256

struct passing {
	struct passing_plan plan;
	struct batch_mail mails[PASSING_MAILS];
	size_t count;
	size_t looks;
	struct error ignored;
	struct batch batch;
};

static bool
is_of_account(const struct passing *p, const char *name)
{
	struct spooled s;
	bool is;

	is = spooled_read(p->plan.folder, name, SPOOLED_UNLOCKED, &s, NULL) ==
		 1 &&
	     strcmp(s.ticket.account, p->plan.account->name) == 0;
	spooled_clear(&s);
	return is;
}

static bool
is_due(const struct passing *p, const char *name, long long *due)
{
	const struct backoff backoff = backoff_by(p->plan.account);
	struct folder_entry seen;

	if (folder_look(p->plan.folder, name, &seen) == -1 ||
	    seen.size > PASSING_OCTETS)
		return false;
	*due = seen.due;
	return backoff_is_due(&backoff, ticket_moment(name + 1), seen.due,
		   p->plan.facts->now.seconds) &&
	       is_of_account(p, name);
}

static int
add_due(void *arg, const char *name)
{
	struct passing *p = arg;
	struct batch_mail *mail = &p->mails[p->count];

	if (is_due(p, name, &mail->due)) {
		strlcpy(mail->id, name + 1, sizeof(mail->id));
		p->count++;
	}
	return p->count == PASSING_MAILS || ++p->looks == PASSING_LOOKS;
}

struct passing *
passing_new(const struct passing_plan *plan)
{
	struct passing *p;

	p = mem_new(1, sizeof(*p));
	p->plan = *plan;
	folder_scan(plan->folder, "Q", add_due, p, &p->ignored);
	if (p->count > 0)
		return p;
	passing_free(p);
	return NULL;
}

void
passing_send(struct passing *p)
{
	const struct batch_plan plan = {.folder = p->plan.folder,
	    .account = p->plan.account,
	    .facts = p->plan.facts,
	    .log = p->plan.log,
	    .outlet = p->plan.outlet,
	    .mails = p->mails,
	    .count = p->count,
	    .deadline = clock_in(PASSING_SECONDS),
	    .failed = &p->ignored};

	log_explain(plan.log, "of the spool %zu go with it", plan.count);
	batch_begin(&p->batch, &plan);
	batch_send_more(&p->batch);
	batch_end(&p->batch);
}

void
passing_free(struct passing *p)
{
	free(p);
}
