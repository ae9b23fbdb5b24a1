#ifndef DELIVER_H
#define DELIVER_H

/*
 * deliver: mails over connections, and fail-over between the smarthosts of an
 * account.
 */

#include "run/connection.h"

/* What is told of the session that took the mail, or of the last tried. */
struct deliver_report {
	char smarthost[300];
	char tls[100];
	bool unverified; /* by `tls-verify no' */
	char auth[32];
	long long delay_ms;
};

struct deliver;

/* The plan and all in it are borrowed until deliver_free(). */
struct deliver *deliver_new(const struct connection_plan *plan);

/* Opens what the next mail needs, unless a session is there: a connection to
 * each smarthost is made ready, so that fail-over opens nothing but sockets. */
void deliver_open(struct deliver *d);

/*
 * Submits one mail, through the session of the mail before where that is
 * still there. Tries the smarthosts in order until one takes responsibility or
 * refuses; a mail that a server has begun to answer is never tried elsewhere.
 * The outcome is mail->error and the verdicts, by the deadline.
 * A login that was refused is not tried again for the next mail: servers ban
 * who does. With mail->last the session ends with it. 0 when accepted for all,
 * else -1 with mail->error copied to e.
 */
int deliver_mail(struct deliver *d, struct mail *mail, long long deadline,
    struct deliver_report *report, struct error *e);

/*
 * Submits all mails of the source, through the session that is open or a new
 * one, and leaves that open. *report is of the session in which a mail was when
 * it is given back; its delay is 0. What a mail's `lost' error says of the
 * others, and whether the mail is handed out once more, is for the source to
 * know: it may be asked for mails again after it had none, but only for those
 * that it was given back since.
 * Where a session takes no more mails, or ends by itself and something was
 * delivered in it, another one begins; a few times in a row also where nothing
 * was, but the server had answered for some recipients of a mail. Smarthosts
 * are tried in order, once each, before the first mail was told of, and again
 * when a session has ended. Each mail has so many seconds. 0: there are no more
 * mails; -1: no smarthost can be used, e says why; those that were handed over
 * are given back.
 */
int deliver_run(struct deliver *d, const struct connection_source *source,
    unsigned seconds, struct deliver_report *report, struct error *e);

/* The same of what the session takes that is open, and of nothing more: where
 * none is, or it ends, mails may be left. */
void deliver_more(struct deliver *d, const struct connection_source *source,
    unsigned seconds, struct deliver_report *report);

/* Says QUIT where a session is open. NULL is fine. */
void deliver_free(struct deliver *d);

#endif
