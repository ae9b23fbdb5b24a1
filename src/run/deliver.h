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

/* Says QUIT where a session is open. NULL is fine. */
void deliver_free(struct deliver *d);

#endif
