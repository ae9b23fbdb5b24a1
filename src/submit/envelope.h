#ifndef ENVELOPE_H
#define ENVELOPE_H

/*
 * envelope: reverse-path, forward-paths, what is wished for them, and what
 * became of each. Nothing that could break a command line gets in: CR, LF,
 * NUL, other control bytes, spaces outside quotes, over-long paths.
 */

#include "base/buf.h"
#include "base/error.h"
#include "base/set.h"
#include "base/text.h"
#include "submit/dsn.h"

enum verdict {
	VERDICT_OPEN,	   /* not decided yet */
	VERDICT_ACCEPTED,  /* 2yz to RCPT, message not accepted yet */
	VERDICT_DELIVERED, /* 2yz to the end of the mail data */
	VERDICT_REFUSED,   /* for good */
	VERDICT_LATER,	   /* for now */
	VERDICT_DOUBTFUL,  /* lost between the end of the data and its reply */
	VERDICT_QUEUED	   /* the spool has the mail for him, for a later run */
};

enum envelope_body { BODY_7BIT, BODY_8BITMIME };

/* What the server said to a recipient that is not delivered. */
struct recipient_reply {
	int code;
	struct enhanced enhanced;
	char words[]; /* visible, "550 5.1.1 No such user" */
};

struct recipient {
	const char *path;      /* addr-spec without angle brackets, of the
				* envelope */
	char *orcpt;	       /* "rfc822;xtext" of RFC 3461, or NULL */
	unsigned char notify;  /* NOTIFY_... */
	unsigned char verdict; /* enum verdict */
	bool handed_over; /* open when its mail was handed to a session last */
	bool own; /* it was refused itself, not the mail with all of them */
	struct recipient_reply *reply; /* NULL while there is none */
};

struct envelope {
	char *reverse_path; /* "" is the null reverse-path; never NULL */
	struct recipient *recipients;
	size_t count;
	struct set paths; /* of the recipients, in the same order */
	enum dsn_ret ret;
	char *envid; /* xtext, or NULL */
	enum envelope_body body;
	bool smtputf8;
	bool requiretls;
	struct wishes wishes;
};

void envelope_init(struct envelope *env);
void envelope_clear(struct envelope *env);

/* What keeps a path from being a Mailbox of RFC 5321 section 4.1.2 with the
 * UTF-8 of RFC 6531, word for word as it will stand on the wire; or NULL. */
const char *envelope_path_fault(struct text path);

/* Parsed addr-spec, or "" for the null reverse-path. -1: ERROR_MESSAGE. */
int envelope_set_reverse_path(
    struct envelope *env, struct text path, struct error *e);

/*
 * Adds a forward-path unless it is there already (domains compare without
 * case, local-parts with). Returns 1 when added, 0 for a duplicate, -1
 * ERROR_MESSAGE for what cannot be a path. Linear in all for 100,000 of them.
 */
int envelope_add(struct envelope *env, struct text path, struct error *e);

/* Sets verdict and keeps the words (copied; NULL for none). Whose verdict is
 * its `own` is for the caller to set after it. */
void envelope_decide(struct recipient *r, enum verdict verdict, int code,
    struct enhanced enhanced, const char *words);

/* "delivered", "later", ...: for people and programs. */
const char *envelope_verdict_word(enum verdict verdict);

/* How many recipients have that verdict. */
size_t envelope_count(const struct envelope *env, enum verdict verdict);

#endif
