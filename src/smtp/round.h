#ifndef ROUND_H
#define ROUND_H

/*
 * round: one MAIL, its RCPTs and one end of the mail data, RFC 5321 section
 * 3.3, with 2920 and 3030: what may be asked next and what has been, octets
 * and replies; how much of it is out. It reads the verdicts and sets none: what
 * the replies mean for the mail is the transaction's.
 */

#include "message/recode.h"
#include "smtp/ehlo.h"
#include "smtp/mail.h"
#include "smtp/pipeline.h"
#include "smtp/wire.h"
#include "submit/account.h"

/* Replies to RCPT that may be due at a time, of all mails in a session: what
 * the server sends fits into any buffer on the way, and one that takes no more
 * refuses no more than so many. */
#define ROUND_WINDOW 100

/* With CHUNKING a message up to this size goes with its MAIL and RCPT in one
 * write; a larger one waits for their replies, so that a refusal costs nothing,
 * and goes in chunks, so that one in the middle stops it. */
#define ROUND_SMALL (256 * 1024)
#define ROUND_CHUNK (1024 * 1024)

/* What a smarthost has taught, for the rest of the run: kept by whoever opens
 * sessions with it. All zero: nothing yet. */
struct learned {
	size_t rcptmax;	  /* recipients that it takes at a time; 0: any */
	unsigned mailmax; /* and mails in a session */
	bool chunking;	  /* BDAT works */
	bool no_chunking; /* BDAT was offered and is not there */
	bool reset;	  /* RSET was taken */
	bool no_reset;	  /* it was refused */
};

/* What holds for all mails of a session; borrowed. */
struct round_terms {
	const struct account *account;
	const struct smarthost *smarthost;
	const struct ehlo *ehlo;
	bool verified; /* the channel, by TLS */
	struct learned *learned;
	struct pipeline *pipeline;
};

/* From one MAIL to one end of the mail data. All that it points to is
 * borrowed. */
struct round {
	const struct round_terms *terms;
	const struct mail *mail;
	struct transaction *transaction; /* whose the replies are */
	unsigned long long size;	 /* octets of the mail */
	struct wire wire;
	size_t first;		  /* recipient */
	size_t cursor;		  /* the next to ask */
	unsigned number;	  /* of its MAIL in the session; 0 before it */
	unsigned long long begin; /* the pipeline's mark behind that */
	bool data_asked;
	bool chunked;	   /* by BDAT */
	bool chunk_taken;  /* one at least */
	bool failed;	   /* nothing more is to be asked */
	bool full;	   /* the server takes no more recipients in it */
	size_t max_before; /* what was learned when it was not */
	bool sending;	   /* the mail data, or chunk, is not all in the
			    * pipeline yet */
	unsigned long long unasked; /* octets not in any BDAT yet */
	unsigned long long chunk;   /* of this BDAT, not in the pipeline yet */
	unsigned long long end;	    /* the pipeline's mark behind the data */
	bool end_asked; /* the end of the data is put out, or stands in for
			 * it: the wire is free for others */
	bool end_due;	/* the reply that decides is not in */
	bool guarded;	/* RSET is behind the end: see transaction_reset() */
	bool taken;	/* the end was answered with a yes */
	bool told;	/* the observer knows that it leaves */
	size_t due;	/* replies */
	size_t asked;	/* recipients */
	size_t accepted;
	size_t refused;
	size_t answered; /* LMTP: of the accepted, by a reply to the end; */
	size_t next;	 /* ... whom the next is about, or one behind */
};

/* Begins with this recipient, and the form from its beginning; keeps the terms,
 * the mail and the transaction, which were filled in before. */
void round_begin(struct round *r, struct recode *recode, size_t first);

/* Whether the session may have one more MAIL (RFC 9422). */
bool round_may_begin(const struct round_terms *terms);

/* RFC 3030: whether the data goes by BDAT. */
bool round_chunks(const struct round *r);

/* What may be asked now; STEP_STAY where the replies must come first, or
 * nothing is left to ask. */
enum step round_next(struct round *r);

/* Asks for that, unless it is STEP_RSET, which is not the round's own. With
 * STEP_BDAT data comes with it. -1: the message cannot be read, the connection
 * must be broken. */
int round_ask(struct round *r, enum step step, struct error *e);

/* Where `sending': more of the data into the pipeline. -1 as round_ask():
 * nothing that could end the data is among it then. */
int round_pull(struct round *r, struct error *e);

/* One reply more is due to it: for pipeline_send() and pipeline_expect(). */
struct expected round_reply_to(struct round *r, enum step step);

/* The server has this round's transaction open no more. */
void round_leave_clean(struct round *r);

/* Whether the data, or the chunk, is out to its end; whether what ends the mail
 * may have reached the server. */
bool round_is_out(const struct round *r);
bool round_may_be_out(const struct round *r);

/* Whether the data is on its way, or the reply to its end; then how many octets
 * of the mail have gone out. */
bool round_uploads(const struct round *r, unsigned long long *gone);

#endif
