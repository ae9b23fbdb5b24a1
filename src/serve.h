#ifndef SERVE_H
#define SERVE_H

/*
 * serve: the server side of SMTP on stdin and stdout (-bs), as a machine like
 * session: bytes in, bytes out, and what is wanted next. RFC 5321 with 1870,
 * 2920, 3030, 3461, 6152, 6531, 2034. Never AUTH or STARTTLS: the caller is
 * who started us.
 *
 * The owner loops on serve_want():
 *   SERVE_PEER  send serve_output(), read what comes;
 *   SERVE_MAIL  serve_mail() has a whole mail: submit it, then say
 *               serve_done() with what became of it;
 *   SERVE_OVER  send what serve_output() still has and end.
 * Nothing of one mail reaches the next: each has a fresh envelope and message.
 */

#include "envelope.h"
#include "error.h"
#include "message.h"

#define SERVE_LINE_MAX	     12288
#define SERVE_RECIPIENTS_MAX 10000

enum serve_want { SERVE_PEER, SERVE_MAIL, SERVE_OVER };

struct serve_plan {
	const char *host;	     /* our name in the greeting, never empty */
	unsigned long long size_max; /* SIZE; 0: none */
	const struct message_store *store; /* lent to one message at a time */
	void (*store_clear)(void *arg);	   /* a message is done with */
	void *store_arg;
};

/* What the client asked for, valid in SERVE_MAIL until serve_done(). */
struct serve_mail {
	struct envelope *envelope; /* as it came: paths, DSN, BODY, SMTPUTF8 */
	struct message *message;   /* ended */
};

struct serve;

struct serve *serve_new(const struct serve_plan *plan);
void serve_free(struct serve *s); /* NULL is fine */

enum serve_want serve_want(const struct serve *s);

size_t serve_output(struct serve *s, const char **bytes);
void serve_sent(struct serve *s, size_t len);

/* Bytes from the client. What follows a mail in the same piece is kept until
 * serve_done(). */
void serve_input(struct serve *s, const char *bytes, size_t len);

/* The client is gone: a mail that was not complete is forgotten. */
void serve_closed(struct serve *s);

const struct serve_mail *serve_mail(const struct serve *s);

/*
 * Answers the end of the mail data: 250 with the smarthost's words where e is
 * ERROR_NONE, 451 for what another attempt may mend, 552 5.3.4 for too large,
 * 554 (or the smarthost's own 5yz code) for the rest; always one reply of one
 * line whose words are e's. The mail's envelope and message are freed.
 */
void serve_done(struct serve *s, const struct error *e, const char *words);

/* Whether every mail so far was taken; the worst error's kind otherwise. */
enum error_kind serve_result(const struct serve *s);

#endif
