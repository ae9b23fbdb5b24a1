#ifndef MEMORY_H
#define MEMORY_H

/*
 * memory: the end of a run that has no memory left. What is told then, and the
 * exit status, are true of the mail, which may have been accepted a moment
 * ago: who is told that it was not sends it again. This is mem_exhausted().
 */

#include <stdbool.h>

#include "run/dispatch.h"

struct memory_watch {
	const struct dispatch *dispatch; /* has the mail; NULL: there is none */
	const char *words; /* of a run that takes no mail; NULL: it does */
	struct log *log;   /* whether standard error is to be told, and what
			    * stands there; NULL: nothing does, and it is */
	int client;	   /* whom -bs serves, the descriptor; or -1 */
	bool owing;	   /* it waits for what became of the mail */
	const struct error *told; /* all is told, and this is how the run ends;
				   * NULL: not yet */
};

/* What is looked at then: borrowed until the next call. NULL: nothing, and no
 * mail is sent. */
void memory_watch(const struct memory_watch *watch);

/*
 * A program waits for JSON on standard output: `rest' is what stands between
 * what was printed and the members that say how it ended: "{" where that is
 * nothing. NULL: all of it is printed, or nobody waits. Borrowed until the next
 * call. A process that this one starts prints none.
 */
void memory_answer(const char *rest);

#endif
