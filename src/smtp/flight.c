#include "smtp/flight.h"

/*
 * Whose turn it is.
 */

/* One that is at it, else the first that wants to begin. */
static struct transaction *
turn(const struct flight *f)
{
	struct transaction *wants = NULL;
	size_t i;

	for (i = 0; i < f->count; i++) {
		if (transaction_holds(f->transactions[i]))
			return f->transactions[i];
		if (wants == NULL && transaction_wants(f->transactions[i]))
			wants = f->transactions[i];
	}
	return wants;
}

struct transaction *
flight_only(const struct flight *f)
{
	return f->count == 1 ? f->transactions[0] : NULL;
}

bool
flight_has(const struct flight *f, bool (*holds)(const struct transaction *))
{
	size_t i = 0;

	while (i < f->count && !holds(f->transactions[i]))
		i++;
	return i < f->count;
}

bool
flight_is_sending(const struct flight *f)
{
	const struct transaction *t = turn(f);

	return t != NULL && transaction_is_sending(t);
}

bool
flight_uploads(
    const struct flight *f, unsigned long long *gone, unsigned long long *size)
{
	size_t i;

	for (i = 0; i < f->count; i++)
		if (transaction_uploads(f->transactions[i], gone, size))
			return true;
	*gone = *size = 0;
	return false;
}

/* A second mail may be on its way before the first is answered, where its
 * commands may, and where it is known that the server takes its data so. */
bool
flight_takes_mail(const struct flight *f)
{
	const struct account *account = f->terms.account;
	bool chunks = f->terms.ehlo->chunking &&
		      !f->terms.learned->no_chunking &&
		      account->chunking != SWITCH_NO;

	if (!round_may_begin(&f->terms) || f->count == FLIGHT_MAX)
		return false;
	if (f->count == 0)
		return true;
	return !f->terms.learned->no_reset && f->terms.ehlo->pipelining &&
	       turn(f) == NULL && account->pipelining != SWITCH_NO &&
	       (!chunks || f->terms.learned->chunking);
}

/*
 * What they do in turn.
 */

void
flight_add(struct flight *f, struct mail *mail)
{
	f->transactions[f->count++] = transaction_new(&f->terms, mail);
	f->several |= f->count > 1;
}

/* Those that are settled make room. */
static void
drop_settled(struct flight *f)
{
	size_t i, kept = 0;

	for (i = 0; i < f->count; i++) {
		if (transaction_is_over(f->transactions[i]))
			transaction_free(f->transactions[i]);
		else
			f->transactions[kept++] = f->transactions[i];
	}
	f->count = kept;
}

int
flight_ask(struct flight *f, struct error *e)
{
	struct transaction *now, *t;
	size_t i;

	do {
		now = turn(f);
		for (i = 0; i < f->count; i++) {
			t = f->transactions[i];
			if (transaction_ask(t, t == now, e) == -1)
				return -1;
		}
	} while (turn(f) != now);
	drop_settled(f);
	return 0;
}

int
flight_pull(struct flight *f, struct error *e)
{
	return transaction_pull(turn(f), e);
}

/* Of those that began together a reply too many may have ended all but the
 * last, or those before it. */
static bool
is_guarded(const struct flight *f, const struct transaction *last)
{
	return f->count > 1 || (f->several && transaction_chunks(last) &&
				   !f->terms.learned->no_reset);
}

void
flight_guard(struct flight *f)
{
	const struct expected *last = pipeline_last(f->terms.pipeline);

	if (turn(f) == NULL && last != NULL && last->step == STEP_END &&
	    is_guarded(f, last->transaction))
		transaction_reset(f->terms.pipeline);
}

void
flight_leave(struct flight *f)
{
	size_t i;

	for (i = 0; i < f->count; i++)
		transaction_leave(f->transactions[i]);
}

void
flight_end(struct flight *f, const struct error *cause, bool closing)
{
	size_t i;

	for (i = 0; i < f->count; i++)
		transaction_end(f->transactions[i], cause, closing);
	drop_settled(f);
}

void
flight_clear(struct flight *f)
{
	size_t i;

	for (i = 0; i < f->count; i++)
		transaction_free(f->transactions[i]);
	f->count = 0;
}
