#ifndef SESSION_H
#define SESSION_H

/*
 * session: the SMTP client as a machine, RFC 5321 with 3207, 4954, 2920, 1870,
 * 6152, 2034, 3461. Bytes in, bytes out, and what is wanted next; it knows no
 * socket and no clock. One table of steps, one queue of expected replies.
 *
 * The owner loops on session_want():
 *   SESSION_PEER  send session_output(), read what comes, or give up after
 *                 session_timeout() seconds without session_progress();
 *   SESSION_HEAR  a mail is about to begin or to end: hand in all that has come
 *                 from the peer by now, without waiting for more, and say
 *                 session_heard(); what it said unasked would be taken for
 *                 the answer to what follows;
 *   SESSION_TLS   do the handshake, then session_secured() with the channel;
 *   SESSION_TOKEN get a fresh token, as the server refused the one that the
 *                 plan has, and hand it over with session_renew(); only where
 *                 the plan says that this can be, and once;
 *   SESSION_MAIL  hand over the next mail with session_mail(), or say
 *                 session_quit();
 *   SESSION_OVER  send what session_output() still has (a QUIT, whose reply
 *                 is not waited for) and close.
 * Whatever fails before a mail is handed over is in session_error(); what
 * becomes of a mail is in its recipients' verdicts and its own error.
 */

#include "auth/sasl.h"
#include "base/error.h"
#include "smtp/transaction.h"

enum session_want {
	SESSION_PEER,
	SESSION_HEAR,
	SESSION_TLS,
	SESSION_TOKEN,
	SESSION_MAIL,
	SESSION_OVER
};

struct session_plan {
	const struct account *account;	   /* borrowed, as all here, until */
	const struct smarthost *smarthost; /* session_free() */
	const char *user;		   /* facts_user(); NULL: no AUTH */
	const char *helo;		   /* never empty */
	struct text password;		   /* of user */
	bool renews;			   /* see SESSION_TOKEN */
	char nonce[32];			   /* random, for SCRAM */
	struct session_trace trace;	   /* line == NULL: none */
	struct learned *learned;	   /* NULL: nothing is kept */
};

struct session;

struct session *session_new(const struct session_plan *plan);
void session_free(struct session *s); /* NULL is fine */

enum session_want session_want(const struct session *s);

/* Seconds to wait for the peer at this step (RFC 5321 section 4.5.3.2,
 * shortened by `timeout`, but for the end of the mail data; 20 for a greeting
 * on port 465 without TLS, which would never come). */
unsigned session_timeout(const struct session *s);

/* Whether the server has still to say its first word. */
bool session_awaits_greeting(const struct session *s);

/* Grows with each complete reply and with mail data sent: a clock of the
 * time-out starts anew when this changes, and only then. */
unsigned long session_progress(const struct session *s);

/* Whether a mail's data is on its way, or the reply to its end; and how many
 * octets of it, of how many, have been sent: both 0 where none is. */
bool session_uploads(const struct session *s, unsigned long long *gone,
    unsigned long long *size);

/* What is waiting to be sent; borrowed until the next call on s. 0: nothing.
 * While mail data flows this pulls it from the message. */
size_t session_output(struct session *s, const char **bytes);
void session_sent(struct session *s, size_t len);

/* Of how many octets behind those a part has left all the same, and cannot be
 * taken back; until session_sent() is called next. */
void session_torn(struct session *s, size_t len);

/* Whether a reply that decides on a mail is due: what comes together should be
 * handed in together then. */
bool session_awaits_end(const struct session *s);

/* Bytes from the peer, in pieces of any size: what one read gave, as a reply
 * that ends a mail may have nothing behind it. And that there are no more. */
void session_input(struct session *s, const char *bytes, size_t len);
void session_heard(struct session *s);

/* The peer is gone, or the time is up, or TLS failed: `cause` says which (its
 * kind is LATER for a lost connection); the session decides what it means at
 * this step (doubtful after the end of the mail data). */
void session_closed(struct session *s, const struct error *cause);

/* The handshake is done (also the one of implicit TLS; call it before the
 * first input then). A channel without tls tells of loopback only: call it
 * once for a plain connection as well. */
void session_secured(struct session *s, const struct sasl_channel *channel);

/* Hands over a fresh token, which is borrowed as the first one was; or an empty
 * one, and why: then the session is over. Also where it ended before, and
 * session_is_unsettled() said that one was wanted. */
void session_renew(
    struct session *s, struct text token, const struct error *why);

/* Whether the server went before it heard a fresh token, so that another
 * session may try that. */
bool session_is_unsettled(const struct session *s);

/* Hands over a mail, which is borrowed until it is settled: where the session
 * wants one, or takes one more while others are under way (PIPELINING allows
 * it, and no other is in the middle of its commands). */
bool session_takes_mail(const struct session *s);
void session_mail(struct session *s, struct mail *mail);
void session_quit(struct session *s);

/* Whether the login is done and no other session can need one: the last mail
 * is under way, and nothing of it can be left. The plan's password is not read
 * any more. */
bool session_needs_no_login(const struct session *s);

/* What the server offered last. */
const struct ehlo *session_ehlo(const struct session *s);

/* The server has said that it closes (421); that it refuses the login for good:
 * servers ban who tries again. */
bool session_closing(const struct session *s);
bool session_denied(const struct session *s);

/* Whether the server has taken the login. */
bool session_logged_in(const struct session *s);

/* What the server showed outside of SMTP is no more than a remark that it did
 * where it repeats the secret. */
void session_hide(struct session *s, char *words, size_t size);

/* It ended in a break: the connection is to be dropped, and nothing that a
 * layer below still holds may leave. */
bool session_broken(const struct session *s);

/* How the session itself ended or stands: ERROR_NONE while nothing failed. */
const struct error *session_error(const struct session *s);

/* "MAIL FROM": what is waited for, in words for people. */
const char *session_step(const struct session *s);

/* The mechanism that AUTH used; "-" before it or without. For the log. */
const char *session_auth(const struct session *s);

#endif
