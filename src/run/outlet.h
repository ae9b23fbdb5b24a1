#ifndef OUTLET_H
#define OUTLET_H

/*
 * outlet: an account that mails can go through: its secret, who we say that we
 * are, and its smarthosts, opened once for all mails.
 */

#include "base/buf.h"
#include "base/progress.h"
#include "config/config.h"
#include "run/deliver.h"
#include "submit/facts.h"
#include "world/log.h"

struct outlet {
	struct config *config; /* loses its passwords when none is needed */
	struct log *log;
	const int *client;	 /* of struct connection_plan */
	long long deadline;	 /* of whatever is opened; of the mail, then */
	struct deliver *deliver; /* NULL until it is open */

	/* private: */
	const struct account *account;
	struct buf password;
	char *user;
	char helo[256];
	struct connection_plan plan;
	struct progress progress;
};

/* Both are borrowed until outlet_close(). */
void outlet_init(struct outlet *o, struct config *config, struct log *log);

/*
 * What the smarthosts need is under way while the secret is read; where the
 * outlet is open with this account, that alone is seen to, for the next mail.
 * After it nothing is opened but sockets to a smarthost. -1: account_check()'s
 * and secret_read()'s errors. The account is borrowed until outlet_close().
 */
int outlet_open(struct outlet *o, const struct account *account,
    const struct facts *facts, struct error *e);

/* To be said before each mail: its token, where it has one, may be renewed. */
void outlet_begin(struct outlet *o);

/* Says QUIT where a session is open, and wipes the secret. An outlet that is
 * not open is fine. */
void outlet_close(struct outlet *o);

#endif
