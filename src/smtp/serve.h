#ifndef SERVE_H
#define SERVE_H

/*
 * serve: the server side of SMTP on stdin and stdout (-bs), as a machine like
 * session: bytes in, bytes out, and what is wanted next. RFC 5321 with 1870,
 * 2034, 2920, 3030, 3461, 6152, 6531. Never AUTH or STARTTLS: the client is
 * who started us.
 *
 * Commands may end in LF alone. Mail data ends at a lone dot between CRLFs
 * only, unless DATA itself came with a bare LF: then line ends of the data are
 * LF or CRLF, too. What a client that does not wait for its replies sends
 * behind a MAIL or RCPT that was refused is never taken for commands where it
 * is mail data: DATA is answered with 354, the data passed over, and 554 comes
 * at its end.
 *
 * The owner loops on serve_want():
 *   SERVE_PEER  send serve_output() until there is none, then read what comes;
 *   SERVE_MAIL  serve_mail() is a whole mail: submit it, then say
 *               serve_done() with what became of it;
 *   SERVE_OVER  send what serve_output() still has and end.
 * Nothing of one mail reaches the next: each has a fresh request and message.
 * Each command has one reply, of printable ASCII in one line of at most 512
 * octets; only EHLO's has several lines.
 */

#include "base/error.h"
#include "message/message.h"
#include "submit/request.h"

#define SERVE_LINE_MAX	     12288
#define SERVE_RECIPIENTS_MAX 10000
#define SERVE_FAULTS_MAX     50 /* faulty commands within one mail: 421 */

enum serve_want { SERVE_PEER, SERVE_MAIL, SERVE_OVER };

struct serve_plan {
	const char *host;		   /* our name, never empty */
	unsigned long long size_max;	   /* of a message; 0: no limit */
	const struct message_store *store; /* of one message at a time; NULL */
	void (*forget)(void *arg); /* no message uses the store now: empty it;
				    * or NULL */
	/* Whether the client may have the sender that MAIL names: 0, or -1 with
	 * what is answered; or NULL. */
	int (*check_sender)(
	    void *arg, const struct request *r, struct error *e);
	void *arg; /* of both */
};

/* A whole mail, valid until serve_done(). The request is as from argv: paths
 * as the client wrote them, to be parsed and completed by submit. The owner
 * may lay its defaults under it with request_merge(). */
struct serve_mail {
	struct request request;
	struct message *message; /* ended */
};

struct serve;

/* plan->host and plan->store are borrowed until serve_free(). */
struct serve *serve_new(const struct serve_plan *plan);

/* For a run that cannot begin: greets with 421, the failure's enhanced code if
 * it is of class 4, and its words, and is over. */
struct serve *serve_new_refused(
    const struct serve_plan *plan, const struct error *e);

void serve_free(struct serve *s); /* NULL is fine */

enum serve_want serve_want(const struct serve *s);

/* What is waiting to be sent, borrowed until the next call on s; 0: nothing.
 * serve_sent() may look at further commands, and so bring more of it. */
size_t serve_output(struct serve *s, const char **bytes);
void serve_sent(struct serve *s, size_t len);

/* Bytes from the client, in pieces of any size. Returns how many were taken:
 * fewer than all where a mail waits for serve_done() or replies wait to be
 * sent; the rest is to be offered again then. */
size_t serve_input(struct serve *s, const char *bytes, size_t len);

/* The client is gone, or silent for too long: a mail that was not complete is
 * forgotten. In the second case it is told. */
void serve_closed(struct serve *s, bool timed_out);

/* In state SERVE_MAIL only. */
struct serve_mail *serve_mail(struct serve *s);

/*
 * Answers the end of the mail data with one line; code and words are of the
 * smarthost's reply to it, as in struct mail, 0 and "" where there was none:
 *   250  where e is ERROR_NONE: those words if it was a 250 too, else ours;
 *   554  where the mail itself is at fault (ERROR_USAGE, _MESSAGE, _RECIPIENT,
 *        _REFUSED), or the smarthost's own code if it is 550 to 554;
 *   451  for all else, which another attempt may mend, or the smarthost's own
 *        code if it is 450 to 452.
 */
void serve_done(
    struct serve *s, const struct error *e, int code, const char *words);

#endif
