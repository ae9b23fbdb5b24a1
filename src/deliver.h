#ifndef DELIVER_H
#define DELIVER_H

/*
 * deliver: the pump between session and stream, and fail-over between the
 * smarthosts of an account. The only room that knows both sides.
 */

#include "account.h"
#include "error.h"
#include "session.h"

struct deliver_plan {
	const struct account *account;
	struct text password;
	const char *helo;  /* "" : the socket's address literal */
	char nonce[32];
	struct session_trace trace;
};

/* What is told of the session that took the mail, or of the last tried. */
struct deliver_report {
	char smarthost[300];
	char tls[100];
	char auth[32];
	long long delay_ms;
};

/*
 * Submits one mail: tries the smarthosts in order until one takes
 * responsibility or refuses; a mail whose data was sent is never tried
 * elsewhere. The outcome is mail->error and the verdicts. 0 when accepted for
 * all, else -1 with mail->error copied to e.
 */
int deliver(const struct deliver_plan *plan, struct session_mail *mail,
    struct deliver_report *report, struct error *e);

#endif
