#ifndef PASSING_H
#define PASSING_H

/*
 * passing: a few mails that wait in the account's spool go with one that was
 * just delivered, in its session, for as long as its caller can be kept. What
 * becomes of them changes nothing for that one.
 */

#include "run/outlet.h"
#include "submit/facts.h"
#include "world/folder.h"

/* Borrowed, all of it, until passing_free(). */
struct passing_plan {
	struct folder *folder;
	const struct account *account;
	const struct facts *facts;
	struct log *log;
	struct outlet *outlet;
};

struct passing;

/* Looks whether some are due, before anything is sent, so that the session is
 * kept for them; of a large spool at some of its mails. NULL: none was found.
 */
struct passing *passing_new(const struct passing_plan *plan);

/* Sends them, if the session still stands. */
void passing_send(struct passing *p);

void passing_free(struct passing *p); /* NULL is fine */

#endif
