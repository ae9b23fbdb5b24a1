#ifndef TRANSACTION_H
#define TRANSACTION_H

/*
 * transaction: one mail on its way through one session: what the replies mean
 * for it, who is accepted, refused or put off, and what it is when the session
 * ends. RFC 5321 section 3.3, with 1870, 3030, 9422. A server that limits
 * recipients gets the mail in several rounds, one after the other.
 *
 * The session asks each transaction in turn for what may be asked now, and
 * hands it the replies that are its own. A round once begun is asked to its
 * end before another transaction may say a word; then its replies may come
 * while the next mail is on its way.
 */

#include "smtp/mail.h"
#include "smtp/pipeline.h"
#include "smtp/reply.h"
#include "smtp/round.h"

/* Words for a mail's `dropped'. */
#define TRANSACTION_DROPPED                                                    \
	"the server does not offer DSN: the mail goes without its NOTIFY, "    \
	"ORCPT, RET and ENVID"

struct transaction;

/* Hands the mail over. Where the server cannot take it (see command_check())
 * or its form cannot be found it is settled at once, with nothing sent. */
struct transaction *transaction_new(
    const struct round_terms *terms, struct mail *mail);
void transaction_free(struct transaction *t); /* NULL is fine */

/* Whether a round is begun and not asked to its end: it is nobody else's turn
 * then; and whether one is still to begin. */
bool transaction_holds(const struct transaction *t);
bool transaction_wants(const struct transaction *t);

/* Whether the mail is settled: t has done its work. */
bool transaction_is_over(const struct transaction *t);

/* Whether a part of the mail may yet be left to another session: `again'. */
bool transaction_may_leave(const struct transaction *t);

/* Whether this mail's end is asked, and no further round can be needed. */
bool transaction_is_last_round(const struct transaction *t);

/*
 * Asks for all that may be asked now, until a reply must come or a burst
 * waits; out of turn it only ends a round whose replies are in. -1: the message
 * cannot be read, the connection must be broken.
 */
int transaction_ask(struct transaction *t, bool turn, struct error *e);

/*
 * RSET, and where the reply to the end of a mail is the last that is due, that
 * mail's: it is not settled, nor its observer told, before this is answered.
 * While several mails are under way a reply too many makes that to one command
 * pass for that to the next, and the refusal of a mail for an answer to this,
 * which nothing else is refused with.
 */
void transaction_reset(struct pipeline *p);

/* Whether mail data is to come, and puts more of it into the pipeline. -1 as
 * transaction_ask(): nothing that could end the data is among it then. */
bool transaction_is_sending(const struct transaction *t);
int transaction_pull(struct transaction *t, struct error *e);

/* Whether MAIL or the end of the mail data is among what waits to be sent: a
 * reply that came unasked before it would be taken for the answer to it. */
bool transaction_is_critical(const struct transaction *t);

/* Whether it goes by BDAT: no 354 shows that both sides are in step. */
bool transaction_chunks(const struct transaction *t);

/* As round_uploads(), and its size. */
bool transaction_uploads(const struct transaction *t, unsigned long long *gone,
    unsigned long long *size);

/* Whether its end is out and the reply to that is due. */
bool transaction_awaits_end(const struct transaction *t);

/* RFC 2033 section 4.2: whether others follow this reply to the end, as each
 * recipient who was accepted has his own. */
bool transaction_awaits_more(
    const struct transaction *t, const struct reply *reply);

/* To be called before the pipeline's octets leave: tells the observer. */
void transaction_leave(struct transaction *t);

/* A reply of its own; doing: the step in words, static. -1: the session cannot
 * go on, e says why. */
int transaction_answer(struct transaction *t, const struct expected *x,
    const struct reply *reply, const char *doing, struct error *e);

/* A reply since the round began was one too many, so that those who were
 * refused in it may have been accepted. The session is to end. */
void transaction_doubt(struct transaction *t);

/* The RSET behind its end was answered: what was said to the end holds; or may
 * have been said to something else, and the session is to end. A mail that was
 * refused is left so. */
void transaction_confirm(struct transaction *t);
void transaction_doubt_end(struct transaction *t);

/* Whether the server has nothing of the mail open, even if it knows no RSET. */
bool transaction_is_closed(const struct transaction *t);

/* The session is over, for this cause: settles the mail. What had been sent
 * whole and was not answered may have been delivered, and says so; unless the
 * server said that it was closing, and so did no more. */
void transaction_end(
    struct transaction *t, const struct error *cause, bool closing);

#endif
