#ifndef CONNECTION_H
#define CONNECTION_H

/*
 * connection: a session with one smarthost over one stream: name, TCP, TLS,
 * greeting, EHLO, STARTTLS, AUTH, and no mail needed for that. Then mails, one
 * after the other, and the end. The only room that knows both sides.
 */

#include "base/error.h"
#include "smtp/session.h"
#include "submit/account.h"
#include "world/tls.h"

/* Who is told how it goes. All may be NULL but the arg. */
struct connection_observer {
	/* As in a struct stream_observer. */
	void (*begins)(void *arg, const char *address);
	void (*ended)(void *arg, const char *address, const char *why);
	/* What was waited for has come: "EHLO"; before a mail is handed over.
	 */
	void (*turn)(void *arg, const char *step);
	void *arg;
};

/* How far a mail is whose data has been on its way for a while. */
struct connection_upload {
	long long begun;	 /* by world/clock */
	unsigned long long size; /* octets of the mail; 0: it is over */
	unsigned long long gone; /* of which the peer has so many */
};

/* Borrowed, with all in it, until connection_end(); but for the account it is
 * read by connection_start() only. */
struct connection_plan {
	const struct account *account;
	const char *user; /* as facts_user() gives it; NULL: no AUTH */
	struct text password;
	const char *helo; /* "": the socket's address literal */
	struct session_trace trace;
	struct connection_observer observer;
	/* No connection will need the password any more, though replies may
	 * come; it is to be wiped, and `forgotten' set. NULL: nobody does. */
	void (*forget)(void *arg);
	bool forgotten;
	/* The server refused the token: puts a fresh one into `password', and
	 * sets `renewed' in any case. -1 with the error. NULL: there is none
	 * to be had. */
	int (*renew)(void *arg, struct error *e);
	bool renewed;
	/* One line for a person who has waited long. NULL: there is none. */
	void (*remark)(void *arg, const char *words);
	/* Told of a large mail whose data has been under way for a second,
	 * twice a second until the reply to its end is in, and once when it is
	 * over. False: nobody looks, and nothing more is told. NULL: the same.
	 */
	bool (*uploads)(void *arg, const struct connection_upload *upload);
	void *arg;
	const int *client; /* the socket that the mails came by, which no
			    * smarthost may lead to; or NULL */
};

/* Where the mails of a run come from, and go back to. */
struct connection_source {
	/* The next one, borrowed until it is given back; NULL: there are no
	 * more, and none is asked for again. */
	struct mail *(*next)(void *arg);
	/* It is settled, or the session ended before it had begun. NULL: nobody
	 * is told. */
	void (*done)(void *arg, struct mail *mail);
	void *arg;
};

struct connection;

/* Opens what is needed before anything connects: the lookup of the name begins
 * and the trust is read. What fails is told by connection_start(). All are
 * borrowed until connection_end(); learned is what this smarthost teaches, or
 * NULL. */
struct connection *connection_new(const struct connection_plan *plan,
    const struct smarthost *smarthost, struct learned *learned);

/* The host that connection_start() is for, or was: the smarthost itself, or one
 * that DNS names for it, once that has answered. Borrowed until
 * connection_end(). */
const struct smarthost *connection_host(const struct connection *c);

/* Whether DNS names one more host for the smarthost, which connection_start()
 * is for from now on. Ends the session. */
bool connection_next(struct connection *c);

/*
 * Connects and talks until a mail can be handed over; anew where it was
 * connected before, and opens nothing but a socket then. Once more where the
 * server refused a token, and went before it could hear a fresh one. -1:
 * tls_new()'s, resolve_wait()'s, stream_connect()'s errors or the session's;
 * ERROR_CONFIG where it leads back to the client.
 */
int connection_start(struct connection *c, long long deadline, struct error *e);

/*
 * Hands over the mails, several at a time where the session takes them so, and
 * talks until all are settled or the session is over. 0 when accepted for all,
 * else -1 with the error of the first mail that failed; where it was never
 * handed over the session's, or ERROR_LATER.
 */
int connection_mails(struct connection *c, struct mail *mails, size_t count,
    long long deadline, struct error *e);

/*
 * The same of as many mails as the source has, the next being asked for as
 * soon as the session takes one, so that as many are under way as may be. Each
 * has to be settled so many seconds after one before it was. 1: there are no
 * more, and the session stands; 0: the session takes no more (RFC 9422), or
 * has ended with the `last' one; -1: it has failed, e says why. All are given
 * back then.
 */
int connection_run(struct connection *c, const struct connection_source *source,
    unsigned seconds, struct error *e);

/* Whether the server went, or spoke out of turn, before it was told anything of
 * the mails, so that another one may have them. */
bool connection_went_before(const struct connection *c);

/* Whether the session has ended by itself. */
bool connection_is_over(const struct connection *c);

/* Whether a mail that ended with e met a session that had died before, in
 * silence or with a 421, so that a new one may take it. */
bool connection_was_stale(const struct connection *c, const struct error *e);

/* What can be looked at from connection_start() on, the server's certificate
 * with tls_certificate(): NULL where it did not come as far as a session, or
 * to a handshake that went well. */
const struct session *connection_session(const struct connection *c);
const struct tls *connection_tls(const struct connection *c);

/* What was agreed on and shown in the handshake, also where the certificate was
 * not trusted; words that repeat the secret are not among it. False where it
 * did not come that far. */
bool connection_peer(const struct connection *c, struct tls_terms *terms,
    struct certificate *certificate);

/* Says QUIT where that can be, and closes. NULL is fine. */
void connection_end(struct connection *c);

#endif
