#ifndef MAIL_H
#define MAIL_H

/*
 * mail: what is handed over to be sent, and how far it has come: by one session
 * or, where the first may not take all of it, by one after another.
 */

#include "base/error.h"
#include "message/message.h"
#include "message/recode.h"
#include "submit/envelope.h"

struct mail;

/* Who must write down how far a mail has come. Either may be NULL. */
struct mail_observer {
	/* The end of the mail data is about to leave, once a round: from now on
	 * the server may deliver the mail to all who are accepted or not
	 * decided. Told again where BDAT turns out not to be there. */
	void (*ending)(void *arg, const struct mail *mail);
	/* The reply to it is in, and the verdicts say what it was, `code' too
	 * unless nobody was accepted before it, or who was is open again;
	 * recipient: its number from 1 where each has a reply of his own
	 * (LMTP), and 0 when all of the round have theirs. */
	void (*answered)(void *arg, const struct mail *mail, size_t recipient);
	void *arg;
};

/* One mail. All that it points to is borrowed until it is settled. */
struct mail {
	struct envelope *envelope;
	struct message *message;
	bool all_or_none; /* send nothing unless all are accepted */
	bool last;	  /* no other follows: QUIT may leave with the end */
	struct mail_observer observer;

	struct error error; /* ERROR_NONE: accepted for every recipient that
			     * has VERDICT_DELIVERED */
	bool settled;	    /* the error and the verdicts are final */
	bool lost;  /* for some the error is how the session ended, which says
		     * nothing of this mail */
	bool again; /* another session with the same server may take the rest:
		     * it closes (421) behind more recipients than it takes,
		     * which is known now, or behind as many transactions as
		     * it allows, or announced so (RFC 9422) */
	struct recode_remarks remarks; /* what the server's form cost */
	bool dropped;	 /* its wishes of RFC 3461: the server lacks DSN */
	int code;	 /* of the reply to the end of the mail data, */
	char words[512]; /* ... the whole of it, visible */
};

/*
 * Makes a mail that was settled ready to be handed over once more: recipients
 * who were open when it was handed over and have not got it are open again,
 * unless they may have got it, or were refused for good and the mail is not for
 * all or nobody.
 */
void mail_reopen(struct mail *mail);

/*
 * Whether its session, which is over, ended where the server had answered for
 * some of its recipients: that may be for them, as too many of whom it knows
 * nothing are. Where it may have been delivered that is false: nobody knows.
 */
bool mail_was_closed_in(const struct mail *mail);

/* Settles a mail that came to no session with host, for this cause, and sets e
 * to what is to be told: others may have it from a session before. */
void mail_fail(struct mail *mail, const char *host, struct error *e);

#endif
