#ifndef REQUEST_H
#define REQUEST_H

/*
 * request: what was asked for with one mail, by argv or by a client of -bs.
 * Everything in it is owned by it; nothing of it is parsed beyond words, and
 * zero is what nobody asked for.
 */

#include "base/text.h"
#include "submit/dsn.h"
#include "submit/envelope.h"

/* A recipient, and what SMTP lets a client wish for it alone. */
struct request_recipient {
	char *list;	 /* an address-list */
	unsigned notify; /* NOTIFY_...; 0: the request's */
	char *orcpt;	 /* as it stood in ORCPT=, xtext and all, or NULL */
};

/* Where there is a spool. */
enum request_queue {
	QUEUE_NEEDED, /* it is kept where it cannot be sent now */
	QUEUE_FIRST,  /* -odq: it is kept, and sent where nothing keeps it */
	QUEUE_ONLY,   /* --queue-only: it is kept, or that is the failure */
	QUEUE_NEVER   /* --no-queue */
};

struct request {
	bool of_client;	  /* of -bs: messages then speak of its commands, not
			   * of options */
	bool from_fields; /* -t */
	struct request_recipient *recipients;
	size_t recipient_count;
	char *reverse_path; /* -f as given, "" or "<>" is null; NULL: not given
			     */
	char *full_name;    /* -F, "" for none, or NULL */
	bool body_given;    /* -B */
	enum envelope_body body;
	unsigned notify;  /* -N, 0 for none */
	enum dsn_ret ret; /* -R */
	char *envid;	  /* -V, or NULL */
	bool all_or_none;
	enum request_queue queue;
	bool smtputf8;	      /* -U, -O smtputf8=yes */
	bool requiretls;      /* -O requiretls=yes */
	struct wishes wishes; /* -O mt-priority=..., and so on */
	bool no_aliases;      /* -n */
	bool no_repairs;      /* -G: the header goes as it is, but for Bcc */
};

void request_clear(struct request *r); /* and it is all zero again */

/* BODY. -1 for another word than 7BIT and 8BITMIME, r then stays. */
int request_set_body(struct request *r, struct text type);

/* Lays what argv says of every mail of -bs under what the client said of one;
 * who sends it, and to whom, the client says alone. */
void request_merge(struct request *r, const struct request *defaults);

#endif
