#ifndef ECHO_H
#define ECHO_H

/*
 * echo: what a server must not repeat. Replies go into transcripts, logs and
 * people's questions to others, so what was sent as a secret is hidden in them
 * before anybody reads them. It is known from echo_know() until the next, or
 * until echo_forget(), and wiped then.
 */

#include "base/buf.h"
#include "smtp/reply.h"

struct echo {
	struct buf secret; /* what was sent last of this kind */
};

void echo_init(struct echo *echo);

/* Copies the secret that is about to be sent, in the form it is sent in. */
void echo_know(struct echo *echo, struct text secret);

void echo_forget(struct echo *echo);

/* Puts other words in place of a reply's that repeat the secret. */
void echo_hide(struct echo *echo, struct reply *reply);

#endif
