#ifndef SENDER_H
#define SENDER_H

/*
 * sender: who sends a mail: the reverse-path of the envelope, and the From of
 * a message that has none. Who may say it, in which order, is one table.
 */

#include "submit/submission.h"

/* Whether -F can be used, whatever for. -1: ERROR_USAGE. */
int sender_check(const struct request *r, struct error *e);

/*
 * The reverse-path by which an account is chosen, before one is known: -f,
 * else the first address of From (of Resent-From in a resent message). Appends
 * the addr-spec to out; nothing where there is none. Never fails: what is
 * wrong is found by submit() later.
 */
void sender_hint(const struct request *r, struct message *m, struct buf *out);

/* The first address of a list, unless it is none or null. */
bool sender_add_first(struct text list, struct buf *out);

/* Appends the addr-spec of who is logged in; without `domain' he is at
 * localhost. -1: ERROR_MESSAGE. */
int sender_add_login(struct submission *s, struct buf *out, struct error *e);

/* -1: ERROR_MESSAGE for an address that cannot be parsed, ERROR_CONFIG where
 * the configuration has it, and for one that lacks its domain. */
int sender_set_reverse_path(struct submission *s, struct error *e);

/* Adds a From to a message that has none; the reverse-path is set. -1: as
 * above, and ERROR_CONFIG for a name that is too long. */
int sender_add_from(struct submission *s, struct error *e);

#endif
