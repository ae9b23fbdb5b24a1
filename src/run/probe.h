#ifndef PROBE_H
#define PROBE_H

/*
 * probe: the login test that sends no mail. Every smarthost of the account is
 * met as a mail would meet it, and left with QUIT where a mail would begin.
 */

#include "run/finding.h"
#include "smtp/session.h"
#include "submit/facts.h"

/* All of it is borrowed for the call. */
struct probe_plan {
	const struct account *account;
	const struct facts *facts;
	long long now; /* seconds since the epoch */
	struct session_trace trace;
	/* Each smarthost, when all is known of it. */
	void (*tell)(void *arg, const struct finding *f);
	/* As in a connection_plan. */
	void (*remark)(void *arg, const char *words);
	void *arg;
};

/*
 * One login a smarthost, and none further after one was refused for good, since
 * servers ban who tries again; the smarthosts behind it are met without. A
 * token is renewed as for a mail. Where the secret cannot be had all are met
 * without. 0, or -1 with the error that a mail would end with: of the first
 * smarthost that settles it, though the others are looked at as well;
 * account_check()'s, or secret_read()'s.
 */
int probe_account(const struct probe_plan *plan, struct error *e);

#endif
