#ifndef FORESIGHT_H
#define FORESIGHT_H

/*
 * foresight: what a mail would fail for whatever its message says, for a person
 * who has not typed it yet: the account, its secret and its trust, and what the
 * command line has of the envelope. Nothing is sent, no command is run, and
 * nobody is asked.
 */

#include "config/config.h"
#include "message/message.h"
#include "submit/request.h"
#include "world/host.h"
#include "world/settings.h"

/* All of it is borrowed for the call. */
struct foresight_plan {
	const struct config *config;
	const struct settings_plan *settings; /* as that was read */
	const struct host *host;
	const char *account; /* -a, or NULL */
	const struct request *request;
	struct message *empty; /* ended, without an octet */
};

/*
 * 0 where nothing is foreseen to fail, or the account's spool is to keep what
 * cannot be sent. Where a field of the message is still to choose between
 * accounts one of them that could send it is enough. -1: the error that the run
 * would end with, of several accounts the last one's: config_choose()'s,
 * host_facts()'s, those of submit_foresee(), account_check()'s,
 * secret_read()'s, program_check()'s and tls_new()'s; where the mail is to be
 * kept and not sent enqueue_refuse()'s or enqueue_check()'s.
 */
int foresight_check(const struct foresight_plan *plan, struct error *e);

#endif
