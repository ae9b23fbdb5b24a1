#ifndef TICKET_H
#define TICKET_H

/*
 * ticket: a mail that is kept for a later attempt, as bytes. The file of one is
 *
 *	head		lines, an empty one last: who, to whom, through which
 *			account. It never changes.
 *	message		canonical bytes, so many as the head says
 *	trailer		"E ", the SHA-256 of both in hex, LF
 *	NULs		up to the next TICKET_BLOCK
 *	journal		what became of it since (submit/journal): NULs at first
 *
 * and this room makes and reads the head and the trailer. A head lists all
 * recipients, those who are settled already too: whoever has the mail is never
 * open again.
 */

#include "base/buf.h"
#include "base/error.h"
#include "submit/envelope.h"

/* 10 hex digits of seconds, `-', 24 random hex digits; of a report about
 * another ticket (submit/report) that one's id, "-b", and a number up to 99. */
#define TICKET_ID     35
#define TICKET_ID_MAX (TICKET_ID + 4)

#define TICKET_BLOCK	4096
#define TICKET_TRAILER	67		    /* "E ", 64 hex digits, LF */
#define TICKET_HEAD_MAX (256 * 1024 * 1024) /* octets */

struct ticket {
	char id[TICKET_ID_MAX + 1];
	char *account;	   /* its name; owned */
	long long created; /* seconds since the epoch, not below 0 */
	long long expires;
	unsigned uid; /* whose it is: of a caller at a socket, or our own */
	unsigned gid; /* of who wrote it */
	bool all_or_none;
	/* Verdicts are OPEN, DELIVERED, or REFUSED, for good, with the reply;
	 * all others count as OPEN where a head is formatted. Of its wishes the
	 * times begin at `created'. Owned. */
	struct envelope envelope;
	/* For each recipient: that he was refused was told, to the caller at
	 * once or by a report. NULL: of nobody. ticket_set_told() writes it. */
	unsigned char *told;
	unsigned long long message_size; /* octets of the message */

	/* What the journal adds; journal_replay() and journal_advance() write
	 * it: */
	unsigned attempts;   /* that have begun */
	bool doubtful;	     /* an end of the mail data got no answer: those who
			      * are open may have it */
	int code;	     /* of the reply in the last failure, or 0 */
	char words[400];     /* the last failure, visible; "": there was none */
	unsigned reports;    /* the number of the last report, 0: none */
	bool underway;	     /* an attempt, in this run */
	size_t journal_used; /* octets of valid records at its beginning */
	unsigned journal_chain; /* the checksum that the next builds on */
};

/* An empty ticket; and frees what it owns, after which it is empty. */
void ticket_init(struct ticket *t);
void ticket_clear(struct ticket *t);

/* Makes the id of a ticket of that moment. */
void ticket_make_id(long long created, const unsigned char random[12],
    char id[TICKET_ID_MAX + 1]);
bool ticket_is_id(struct text id);

/* The moment that it was made of. */
long long ticket_moment(const char *id);

/* Notes that the recipient's refusal was told, and asks for it. */
void ticket_set_told(struct ticket *t, size_t recipient);
bool ticket_is_told(const struct ticket *t, size_t recipient);

/* What is left of the wishes at a later moment: of deliver-by at least 1, and
 * no hold-for where that is over. A clock that went back takes nothing off. */
struct wishes ticket_wishes(const struct ticket *t, long long now);

/* Appends the head; -1 where out is full. */
int ticket_format_head(const struct ticket *t, struct buf *out);

/*
 * Reads the head that a file begins with into an empty ticket, and sets *len to
 * its octets. 1: there are more, and the ticket is
 * still empty; -1: it is no head (ERROR_SPOOL). Linear, also in recipients.
 */
int ticket_parse_head(
    struct text bytes, struct ticket *t, size_t *len, struct error *e);

/* The same uid, for who asks for nothing else, from as much of a head as there
 * is. False: it is not in there. */
bool ticket_parse_uid(struct text bytes, unsigned *uid);

/* The words of a reply that are kept, with a NUL. */
#define TICKET_WORDS 600

/*
 * A refusal of the head's and the journal's lines: appends " 550 5.1.1 words",
 * made visible, of the words at most `room' octets; and decides for r what such
 * a text says, or an empty one, where there was no reply. False: r is as it
 * was.
 */
void ticket_format_reply(
    const struct recipient_reply *reply, size_t room, struct buf *out);
bool ticket_parse_reply(struct text rest, struct recipient *r);

/* The octets that a journal needs at most for the refusal of one recipient by
 * himself, without its words. */
#define TICKET_RESULT 56

/* Where the parts of the file begin. The journal ends it, and has room for two
 * such refusals of everybody. */
struct ticket_layout {
	unsigned long long message_at;
	unsigned long long trailer_at;
	unsigned long long journal_at;
	size_t journal_size;
};
struct ticket_layout ticket_layout(const struct ticket *t, size_t head_len);

/* The trailer of a head and a message with that hash, without a NUL; and
 * whether it is that. */
void ticket_format_trailer(
    const unsigned char sha256[32], char out[TICKET_TRAILER]);
bool ticket_check_trailer(struct text trailer, const unsigned char sha256[32]);

#endif
