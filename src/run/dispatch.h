#ifndef DISPATCH_H
#define DISPATCH_H

/*
 * dispatch: one request and its message, all the way: account, envelope and
 * repairs, spool, secret, delivery, what is left for later, log. Several mails
 * of one account share its session to the smarthost, and the secret that was
 * read for it.
 */

#include "base/error.h"
#include "config/config.h"
#include "message/message.h"
#include "submit/caller.h"
#include "submit/envelope.h"
#include "submit/request.h"
#include "world/host.h"
#include "world/log.h"
#include "world/settings.h"

/* Borrowed, all of it, until dispatch_free(). */
struct dispatch_plan {
	struct config *config; /* loses its passwords when none is needed */
	const struct host *host;
	struct log *log;
	const struct settings_plan *settings; /* how config was read, or NULL */
	const char *account;		      /* -a, or NULL */
	const struct caller *caller; /* whose mails they are; NULL: our own
				      * user's */
	const int *client;	     /* the socket that they come by, or NULL */
	bool json;		     /* the result of each mail on stdout */
	bool passing; /* mails that wait go with one that is delivered */
};

struct dispatch;

struct dispatch *dispatch_new(const struct dispatch_plan *plan);
void dispatch_free(struct dispatch *d); /* NULL is fine */

/* Account, envelope and repairs, and no more. -1: config_choose()'s, submit()'s
 * and caller_check()'s errors. An account with `force-from' takes any sender of
 * a user. A sender that the caller may not have, of the envelope or of a From
 * field behind the null reverse-path, chooses no account. */
int dispatch_prepare(struct dispatch *d, const struct request *r,
    struct message *m, struct error *e);

/* Whether the caller may send as what a request names, as far as that is known
 * before there is a message. 0, or -1 with caller_check()'s error, which the
 * log is told; what else is wrong dispatch_prepare() finds. */
int dispatch_check_sender(
    struct dispatch *d, const struct request *r, struct error *e);

/* Forgets the mail before; dispatch_prepare() does so too. */
void dispatch_forget(struct dispatch *d);

/*
 * What is known of the mail at any moment, also in the middle of all this, as
 * the kind of error that the run would end with if it ended now: ERROR_NONE,
 * all have it, or get it later as the spool has it; ERROR_REFUSED, some do;
 * ERROR_DOUBTFUL, nobody of whom we know, but it may be delivered;
 * ERROR_SYSTEM, it is not sent. Allocates nothing.
 */
enum error_kind dispatch_so_far(const struct dispatch *d);

/* What dispatch_prepare() made, valid until the next mail. */
const struct account *dispatch_account(const struct dispatch *d);
const struct envelope *dispatch_envelope(const struct dispatch *d);

/*
 * Opens what the mail that is prepared needs: log, spool, secret, trust, the
 * lookup of each smarthost. Its deadline begins, and is less than a client's
 * patience where a spool keeps what is not sent by then. After it nothing is
 * opened but sockets to a smarthost. 1: it is not to be sent in this run; -1:
 * account_check()'s and secret_read()'s errors.
 */
int dispatch_open(struct dispatch *d, struct error *e);

/* Submits it; last: no other mail follows. 0 when the smarthost took it for all
 * recipients, else -1 with the error. */
int dispatch_send(struct dispatch *d, bool last, struct error *e);

/*
 * Keeps a mail that was prepared in the account's spool, if there is one, where
 * somebody has not got it that a later attempt may help, however far it came
 * and whatever e says of that: e is then ERROR_NONE, or tells of those who were
 * refused. Else e stays, and says also what kept the spool from taking it:
 * enqueue_mail() has it all. What was asked for with the mail decides, too.
 */
void dispatch_keep(struct dispatch *d, struct error *e);

/* The id that the mail has in the spool; "": it is not there. */
const char *dispatch_queued(const struct dispatch *d);

/* Puts into the log, and on stdout for JSON, how a mail ended, however far it
 * came. m may be NULL. */
void dispatch_report(
    struct dispatch *d, struct message *m, const struct error *e);

/* Where the plan has it and the mail was delivered: sends a few of those that
 * wait in its account's spool, in its session. Nothing of it is told but in the
 * log. */
void dispatch_pass(struct dispatch *d);

/* The whole way: dispatch_prepare() and the four acts above. */
int dispatch_mail(struct dispatch *d, const struct request *r,
    struct message *m, bool last, struct error *e);

/* The last mail as it was handed over, settled: what the smarthost replied to
 * its end. Borrowed until the next. */
const struct mail *dispatch_settled(const struct dispatch *d);

#endif
