#ifndef ATTEND_H
#define ATTEND_H

/*
 * attend: the pump of -bs, between serve on two descriptors and dispatch. Each
 * mail is answered with the smarthost's verdict on it.
 */

#include "base/error.h"
#include "run/dispatch.h"

/* Seconds that a client may be silent: RFC 5321 section 4.5.3.2.7. */
#define ATTEND_TIMEOUT 300

/* The same of who has not started us, but came to a socket that others want as
 * well; and that he may take in all without a whole mail. Clients that keep a
 * connection for their next mail look after 100 seconds whether it lives. */
#define ATTEND_CALLER_TIMEOUT  120
#define ATTEND_CALLER_PATIENCE 300

struct attend_plan {
	struct dispatch *dispatch;     /* borrowed */
	const char *host;	       /* our name, never empty */
	const char *folder;	       /* for large messages, or NULL */
	const struct request *request; /* what argv says of every mail */
	int in;
	int out;
	unsigned timeout; /* seconds of silence, until the client is told 421 */
	unsigned patience; /* seconds from the greeting, or the answer to a
			    * mail, to the end of the next; 0: any number */
	unsigned long long size_max; /* octets of a message; 0: any number */
	bool *owing; /* is kept true while the client waits for what became of
		      * the mail that dispatch has */
};

/*
 * Serves until QUIT or the end of the input. 0, or -1: ERROR_IO where the
 * client can be read or written no more in the middle of it, or does not read
 * what is written for as long as it may be silent.
 */
int attend_run(const struct attend_plan *plan, struct error *e);

/* Greets with 421 and the failure's words, for a run that cannot begin. */
void attend_refuse(int out, const struct error *e);

#endif
