#ifndef SERVE_H
#define SERVE_H

/*
 * serve: the server side of SMTP on stdin and stdout (-bs), as a machine like
 * session: bytes in, bytes out, and what is wanted next. RFC 5321 with 1870,
 * 2920, 3030, 3461, 6152, 6531, 2034. Never AUTH or STARTTLS: the client is
 * who started us. Commands may end in LF alone; the mail data then ends at a
 * lone dot between LFs as well.
 *
 * The owner loops on serve_want():
 *   SERVE_PEER  send serve_output(), read what comes;
 *   SERVE_MAIL  serve_mail() is a whole mail: submit it, then say
 *               serve_done() with what became of it;
 *   SERVE_OVER  send what serve_output() still has and end.
 * Nothing of one mail reaches the next: each has a fresh request and message.
 */

#include "error.h"
#include "message.h"
#include "submit.h"

#define SERVE_LINE_MAX	     12288
#define SERVE_RECIPIENTS_MAX 10000
#define SERVE_ERRORS_MAX     50 /* faulty commands before 421 */

enum serve_want { SERVE_PEER, SERVE_MAIL, SERVE_OVER };

struct serve_plan {
	const char *host;		   /* our name, never empty */
	unsigned long long size_max;	   /* of a message; 0: no limit */
	const struct message_store *store; /* of one message at a time; NULL */
	void (*forget)(void *arg); /* that message is freed: empty the store */
	void *arg;		   /* of forget */
};

/* A whole mail, valid until serve_done(). The request is as from argv: paths
 * as the client wrote them, to be parsed and completed by submit. */
struct serve_mail {
	struct request request;
	struct message *message; /* ended */
};

struct serve;

struct serve *serve_new(const struct serve_plan *plan);
void serve_free(struct serve *s); /* NULL is fine */

enum serve_want serve_want(const struct serve *s);

/* What is waiting to be sent, borrowed until the next call on s; 0: nothing. */
size_t serve_output(struct serve *s, const char **bytes);
void serve_sent(struct serve *s, size_t len);

/* Bytes from the client, in pieces of any size. What follows a mail in the
 * same piece waits for serve_done(). */
void serve_input(struct serve *s, const char *bytes, size_t len);

/* The client is gone, or silent for too long: a mail that was not complete is
 * forgotten. In the second case it is told. */
void serve_closed(struct serve *s, bool timed_out);

/* In state SERVE_MAIL only. */
struct serve_mail *serve_mail(struct serve *s);

/*
 * Answers the end of the mail data with one line: 250 and the smarthost's
 * words where e is ERROR_NONE; the smarthost's own code where it refused; 451
 * for what another attempt may mend; 554 for the rest.
 */
void serve_done(struct serve *s, const struct error *e, const char *words);

#endif
