#ifndef BATCH_H
#define BATCH_H

/*
 * batch: the mails of one account that are sent one after the other: read when
 * a session takes the next and not before, tried once more where their session
 * ends, and put off together where no smarthost can be used. Whose mail a
 * session ends with, his others come after those of all others. What was done
 * with them is on stable storage a few at a time.
 */

#include "run/attempt.h"
#include "run/outlet.h"
#include "smtp/flight.h"

/* As many as a session may have, and one that waits for a session. */
#define BATCH_ATTEMPTS (FLIGHT_MAX + 2)

/* A mail that is due: there may be many. */
struct batch_mail {
	char id[TICKET_ID_MAX + 1];
	size_t account; /* its index, for the caller */
	unsigned uid;	/* whose it is */
	long long due;	/* as it was found */
};

/* All of it is borrowed. */
struct batch_plan {
	struct folder *folder;
	const struct account *account;
	const struct facts *facts;
	struct log *log;
	bool json; /* how each mail went on stdout */
	struct outlet *outlet;
	struct batch_mail *mails; /* in their order, which may change */
	size_t count;
	long long deadline;   /* no mail begins after it, by world/clock */
	struct error *failed; /* the first that the folder refuses; or as
			       * before */
};

struct batch {
	struct batch_plan plan;

	/* private: */
	struct attempt_terms terms;
	struct deliver_report report;
	size_t next; /* of the mails */
	struct attempt attempts[BATCH_ATTEMPTS];
	struct attempt *first; /* that was read already; or NULL */
	size_t unsynced;
	long long unsynced_since; /* the first of them */
};

/* Begins with these mails; the batch is of no use before, and may not be
 * moved until batch_end(). */
void batch_begin(struct batch *b, const struct batch_plan *plan);

/* Whether one can be sent: the first is read then. */
bool batch_has_mail(struct batch *b);

/* Sends all, through the outlet, which is opened for it. -1: no smarthost can
 * be used, for this cause: who was not sent is due again when its age says so.
 */
int batch_send(struct batch *b, struct error *cause);

/* Sends what the session takes that is open, and no more. */
void batch_send_more(struct batch *b);

/* All is on stable storage. */
void batch_end(struct batch *b);

#endif
