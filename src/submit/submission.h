#ifndef SUBMISSION_H
#define SUBMISSION_H

/*
 * submission: one message on its way into an envelope, and what the three acts
 * of it (recipient, sender, repair) share.
 */

#include "base/error.h"
#include "base/notes.h"
#include "message/address.h"
#include "message/message.h"
#include "submit/account.h"
#include "submit/alias.h"
#include "submit/caller.h"
#include "submit/envelope.h"
#include "submit/facts.h"
#include "submit/request.h"

/* Where aliases come from. open() is called for each recipient that could be
 * local; *map stays NULL where there are none, and is borrowed until submit()
 * returns. */
struct submit_aliases {
	int (*open)(void *arg, const struct alias_map **map, struct error *e);
	void *arg;
	const struct alias_source *source; /* of lists, or NULL */
};

#define SUBMISSION_PATH_MAX 4096 /* refused by the envelope long before */

/* All of it is borrowed from the caller of submit(). */
struct submission {
	const struct request *request;
	const struct facts *facts;
	const struct account *account;
	const struct caller *caller; /* whose it is; NULL: our own user's */
	const struct submit_aliases *aliases; /* NULL for none */
	struct message *message;
	struct envelope *envelope;
	struct notes *notes;
	struct notes *steps; /* what is done for every mail, and so is nothing
			      * for the log; NULL: nobody looks */
	bool needs_utf8;     /* an address cannot be said in ASCII */
};

/* The fields that count: all, or the topmost resent block. */
struct submission_block {
	size_t first;
	size_t end;
	bool resent;
};

struct submission_block submission_block(struct message *m);

/* Whether it is "<>". */
bool submission_is_null(const struct address *address);

/* Appends the address as it stands in a command: completed with `domain', which
 * is set where the address is bare, and in ASCII unless SMTPUTF8 is asked for.
 * -1: ERROR_MESSAGE. */
int submission_add_path(struct submission *s, const struct address *address,
    const char *where, struct buf *out, struct error *e);

/* Says where what is wrong with a list stands. Returns -1. */
int submission_refuse(const struct address_list *list, const char *where,
    enum error_kind kind, struct error *e);

/* The same of a name that has no domain. */
int submission_refuse_bare(struct text local, const char *where,
    enum error_kind kind, struct error *e);

#endif
