#ifndef FLIGHT_H
#define FLIGHT_H

/*
 * flight: the mails that are under way in one session at a time. RFC 2920 lets
 * the commands of the next go out while the replies to the end of the last are
 * due; one of them has the turn and asks, the others wait for replies.
 */

#include "smtp/transaction.h"

/* Mails in flight: as many are in doubt when the connection is lost. */
#define FLIGHT_MAX 16

struct flight {
	struct round_terms terms;
	struct transaction *transactions[FLIGHT_MAX];
	size_t count;
	bool several; /* were under way at a time in this session */
};

/* Forgets all, settled or not. A flight begins all zero but for its terms. */
void flight_clear(struct flight *f);

/* The one that is under way; NULL where none is, or several. */
struct transaction *flight_only(const struct flight *f);

/* Whether there is one of which that is true. */
bool flight_has(
    const struct flight *f, bool (*holds)(const struct transaction *));

/* Whether mail data is to come, and puts more of it into the pipeline: as
 * transaction_pull(). */
bool flight_is_sending(const struct flight *f);
int flight_pull(struct flight *f, struct error *e);

/* As transaction_uploads(), of the first of which that is true; both are 0
 * where it is of none. */
bool flight_uploads(
    const struct flight *f, unsigned long long *gone, unsigned long long *size);

/* Whether one more may be added now; and adds it. */
bool flight_takes_mail(const struct flight *f);
void flight_add(struct flight *f, struct mail *mail);

/* All ask for what may be asked now, in turn; those that are settled are gone
 * then. -1: as transaction_ask(). */
int flight_ask(struct flight *f, struct error *e);

/* To be called when no other mail is to be added before the pipeline's octets
 * leave: the last of several has its RSET then, and from there on each that
 * goes by BDAT; see transaction_reset(). */
void flight_guard(struct flight *f);

/* To be called before the pipeline's octets leave. */
void flight_leave(struct flight *f);

/* The session is over: see transaction_end(). All are settled and gone then. */
void flight_end(struct flight *f, const struct error *cause, bool closing);

#endif
