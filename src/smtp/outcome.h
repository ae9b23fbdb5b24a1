#ifndef OUTCOME_H
#define OUTCOME_H

/*
 * outcome: from the verdicts on the recipients to the one error of a mail.
 */

#include "base/error.h"
#include "submit/envelope.h"

/* Those who were accepted have the mail. */
void outcome_deliver(struct envelope *env);

/*
 * Gives everyone who is accepted, or not decided, the verdict that follows
 * from the error: refused for a lasting one, doubtful (the accepted only), or
 * later for what another attempt may mend. Returns how many there were.
 */
size_t outcome_decide(struct envelope *env, const struct error *e);

/*
 * The error of the mail as a whole, every recipient being decided; e holds
 * what befell the transaction, if anything did. None when all have the mail.
 * When some have it, never ERROR_LATER: a retry would send it to them again;
 * ERROR_RECIPIENT when all refusals are for good, ERROR_REFUSED when one is
 * not. With all_or_none the worst refusal counts, and whoever was accepted is
 * open again: nothing was sent. host is for the words. An error about one
 * recipient names him.
 */
void outcome_settle(
    struct envelope *env, bool all_or_none, const char *host, struct error *e);

#endif
