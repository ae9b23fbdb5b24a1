#ifndef ECHO_H
#define ECHO_H

/*
 * echo: what a server must not repeat. Replies go into transcripts, logs and
 * people's questions to others, so a reply that repeats the secret is marked
 * before anybody reads it: at once or later, in capitals or not, cut over
 * lines or over replies. What is known is
 *
 *	the password as it is, whole, or its beginning at the end of a reply; of
 *	one over 32 octets any sixteen or so of its first 512;
 *	its base64 (RFC 4648), alone or within the response of PLAIN (RFC 4616),
 *	by any eight characters of its first 512 or so;
 *	each response of AUTH as it was said, whole.
 *
 * A password under six octets is sought in replies to AUTH only: it would be
 * found in any other. This is the last room that knows the password; it lives
 * as long as replies may come, and wipes it then.
 */

#include "base/buf.h"
#include "base/error.h"
#include "smtp/reply.h"

/* A password itself, its base64 behind 0, 1 and 2 octets, and responses; and
 * that of a second one. */
#define ECHO_SAID  4
#define ECHO_FORMS (2 * (4 + ECHO_SAID))

struct echo {
	/* Without white space and in lower case, as all here. */
	struct echo_form {
		struct buf text;
		size_t piece; /* so many octets of it are telling */
		bool brief;   /* sought in replies to AUTH only */
	} forms[ECHO_FORMS];
	size_t count;
	struct buf heard; /* the end of what was said, where a form may begin */
};

/* The password is copied; empty where there is none. */
void echo_init(struct echo *echo, struct text password);
void echo_clear(struct echo *echo);

/* One more, in place of a token that the server refused. Copied. */
void echo_add(struct echo *echo, struct text password);

/* A response of AUTH is about to be said, in this form. Copied. */
void echo_know(struct echo *echo, struct text response);

/* Sets reply->hidden where the reply, with those before it, repeats a secret;
 * looks into the base64 of a 334 as well. Each reply once, in their order. */
void echo_hide(struct echo *echo, struct reply *reply, bool to_auth);

/* The same for one that turns out to be none, with what comes behind it. */
void echo_hide_rest(
    struct echo *echo, struct reply *reply, struct text rest, bool to_auth);

/* The same for words that a server hid in base64, or showed outside of SMTP: in
 * place of TLS, or in its certificate. Others stand in place of those that
 * repeat a secret. */
void echo_hide_words(struct echo *echo, char *words, size_t size);

/* The same for a failure that quotes such words. */
void echo_hide_error(struct echo *echo, struct error *e);

#endif
