#ifndef DISPATCH_H
#define DISPATCH_H

/*
 * dispatch: one request and its message, all the way: account, envelope and
 * repairs, secret, delivery, log. Several mails of one account share its
 * session to the smarthost, and the secret that was read for it.
 */

#include "base/error.h"
#include "config/config.h"
#include "message/message.h"
#include "submit/envelope.h"
#include "submit/request.h"
#include "world/host.h"
#include "world/log.h"

/* Borrowed, all of it, until dispatch_free(). */
struct dispatch_plan {
	const struct config *config;
	const struct host *host;
	struct log *log;
	const char *account; /* -a, or NULL */
	bool json;	     /* the result of each mail on stdout */
};

struct dispatch;

struct dispatch *dispatch_new(const struct dispatch_plan *plan);
void dispatch_free(struct dispatch *d); /* NULL is fine */

/* Account, envelope and repairs, and no more. -1: config_choose()'s and
 * submit()'s errors. */
int dispatch_prepare(struct dispatch *d, const struct request *r,
    struct message *m, struct error *e);

/* What dispatch_prepare() made, valid until the next mail. */
const struct account *dispatch_account(const struct dispatch *d);
const struct envelope *dispatch_envelope(const struct dispatch *d);

/*
 * The whole way; last: no other mail follows. 0 when the smarthost took it for
 * all recipients, else -1 with the error. Either way it is in the log.
 */
int dispatch_mail(struct dispatch *d, const struct request *r,
    struct message *m, bool last, struct error *e);

/* The smarthost's reply to the end of the last mail, or "". */
const char *dispatch_words(const struct dispatch *d);

/* Puts into the log, and on stdout for JSON, how a mail ended that never came
 * as far as dispatch_mail(). m may be NULL. */
void dispatch_report(
    struct dispatch *d, struct message *m, const struct error *e);

#endif
