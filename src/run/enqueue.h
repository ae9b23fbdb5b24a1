#ifndef ENQUEUE_H
#define ENQUEUE_H

/*
 * enqueue: what of a mail is kept for a later run. The account's spool is
 * opened before anything is sent; what goes there is said by the verdicts,
 * after.
 *
 * A later run sends through the account of that name as its configuration has
 * it then. Where -C, --set or the environment have decided upon the smarthosts,
 * the user or the spool, a mail is kept only if the files alone have an account
 * of that name with the same: else it would go to whom nobody chose, or lie
 * where no run looks.
 */

#include "base/error.h"
#include "config/config.h"
#include "run/spool.h"
#include "smtp/mail.h"
#include "world/settings.h"

/* Borrowed, all of it, until enqueue_free(). */
struct enqueue_plan {
	const struct account *account; /* as it holds now */
	const struct caller *caller;   /* whose mails they are; NULL: our own
					* user's */
	const struct facts *facts;
	const struct host *host;
	const struct config *config;
	const struct settings_plan *settings; /* as it was read; NULL: by the
					       * usual files alone */
};

struct enqueue;

/* Whether a later run would take the same way, where the account has a spool.
 * 0, or -1: ERROR_CONFIG, nothing is kept. */
int enqueue_check(const struct enqueue_plan *plan, struct error *e);

/* The account has none, and a mail was to be kept in it or fail: -1,
 * ERROR_SPOOL. */
int enqueue_refuse(struct error *e);

/* Opens the spool. NULL: the account has none. What keeps it from taking a mail
 * is told by enqueue_mail(), when one is to be kept. */
struct enqueue *enqueue_new(const struct enqueue_plan *plan);
void enqueue_free(struct enqueue *q); /* NULL is fine */

/* The folder, while mails can be kept there, or NULL; also for a q of NULL. */
struct folder *enqueue_folder(const struct enqueue *q);

enum enqueue_result {
	ENQUEUE_NOTHING, /* there was nothing to keep, or no way to */
	ENQUEUE_KEPT,	 /* for whoever was open */
	ENQUEUE_COPIED	 /* as what has failed, for a person to look at */
};

/*
 * The mail is over in this run, and e says why it is not delivered; ERROR_NONE:
 * it is, or nobody has tried.
 *
 * KEPT: whoever was open has VERDICT_QUEUED, and e tells of those who were
 * refused, or is ERROR_NONE; *why is what e was.
 * COPIED: nobody is open, and somebody was refused; e stays.
 * NOTHING: where there is a spool and somebody is open e also says why the mail
 * is not kept; it is ERROR_LATER then, for a fault of the spool, unless some
 * have the mail or may have it. Where only a copy cannot be kept *why says so,
 * and is ERROR_NONE otherwise. A q of NULL keeps nothing, and e stays.
 */
enum enqueue_result enqueue_mail(struct enqueue *q, const struct mail *mail,
    char id[TICKET_ID_MAX + 1], struct error *why, struct error *e);

#endif
