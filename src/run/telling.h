#ifndef TELLING_H
#define TELLING_H

/*
 * telling: what the log is told of a mail that is over in this run: its line,
 * who has not got it, and what was done to it for this server.
 */

#include "base/notes.h"
#include "run/deliver.h"
#include "world/log.h"

/* All of it is borrowed. */
struct telling {
	const char *account; /* its name, or NULL */
	const struct envelope *envelope;
	struct message *message; /* NULL: nothing came as far as that */
	const struct mail *mail;
	const struct deliver_report *report;
	long long delay_ms;
	int status;
	const char *queued;	   /* its id in the spool, or "" */
	const char *uid;	   /* of the caller at a socket, or NULL */
	const struct error *cause; /* why somebody has not got it */
	bool json;		   /* on stdout as well */
};

/* Adds a note for each change to the body. */
void telling_add_remarks(
    const struct recode_remarks *remarks, struct notes *notes);

/* Adds to the notes, and puts them and the line into the log. */
void telling_log(const struct telling *t, struct notes *notes, struct log *log);

#endif
