#ifndef ATTEMPT_H
#define ATTEMPT_H

/*
 * attempt: one attempt to send one mail of a spool: from its locked file to
 * what became of it, which stands in the file before the next thing is done,
 * or before it is gone. A mail that is delivered leaves the folder; one that
 * is not is due later; one that was refused, or has waited too long, becomes
 * an F, and whoever is to be told of it gets a report (RFC 3464) before that.
 */

#include "run/deliver.h"
#include "run/spool.h"
#include "submit/facts.h"
#include "world/log.h"

/* What the attempts of one account share; borrowed, all of it. */
struct attempt_terms {
	struct folder *folder;
	const struct account *account;
	const struct facts *facts;
	struct log *log;
	bool json;			     /* how each mail went on stdout */
	const struct deliver_report *report; /* of the session of the moment */
	struct error *failed; /* the first that the folder refused */
};

struct attempt {
	struct mail mail; /* to be handed over */
	bool waits;	  /* ... and it is not */
	bool closed;  /* its last session ended in it: mail_was_closed_in() */
	unsigned uid; /* whose it is */

	/* private: */
	const struct attempt_terms *terms;   /* NULL: there is none */
	const struct deliver_report *report; /* of the session, if any */
	struct spooled spooled; /* which is why an attempt is not moved */
	unsigned char *noted;	/* the verdicts that are in the file */
	long long due;
	long long begun;  /* by world/clock */
	size_t delivered; /* when it was handed over last */
	unsigned tries;	  /* that nobody has got it by */
};

/*
 * Reads the file of that name, which was due at that moment when it was looked
 * at. 1: the mail waits; 0: there is nothing to do: another process has it, or
 * has had it since, it is gone, or is a mail of another account; or what was to
 * be done is done, as nobody is open; or it is damaged, and became an X. -1:
 * it cannot be read. The attempt is all zero before, and is again unless the
 * mail waits; all zero is one that is over.
 */
int attempt_begin(struct attempt *a, const struct attempt_terms *terms,
    const char *name, long long due, struct error *e);

/* The mail was given back. True: it is to be handed over once more, as its
 * session said nothing of it, and waits; else the attempt is over. */
bool attempt_done(struct attempt *a);

/* No smarthost can be used, for this cause: the attempt is over. quiet: the log
 * needs no line of it. */
void attempt_fail(struct attempt *a, const struct error *cause, bool quiet);

/*
 * Its session ended, for this cause, and it is left to another run: as it was,
 * unless its data had left, or nobody is open any more. Its time is not over by
 * that.
 */
void attempt_leave(struct attempt *a, const struct error *cause);

enum attempt_fate {
	ATTEMPT_WAITS,	  /* due again when its age says so */
	ATTEMPT_GIVEN_UP, /* its time is over; without a line in the log */
	ATTEMPT_OVER	  /* as where attempt_begin() has nothing to do */
};

/*
 * A mail that was not handed over, as no smarthost can be used. One that is
 * long overdue is not given up: nobody has tried it then.
 */
enum attempt_fate attempt_postpone(const struct attempt_terms *terms,
    const char *name, long long due, const struct error *cause);

#endif
