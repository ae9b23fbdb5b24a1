#ifndef CALLER_H
#define CALLER_H

/*
 * caller: who speaks to -bs, and which senders are his. Where it is our own
 * user, or who started us, nobody asks: he could do all of it without us.
 * Another user of this machine, who came through a unix socket, sends as
 * himself, LOGIN@DOMAIN with the account's `domain', with the null
 * reverse-path, and as the account's `sender-of' lets him; root sends as
 * anybody. Of who came another way nobody knows which user of which machine it
 * is: he sends as `sender-of tcp' lets him, and no more.
 *
 * world/peer finds out who it is.
 */

#include "base/error.h"
#include "base/text.h"
#include "submit/account.h"

enum caller_kind {
	CALLER_SELF, /* nothing applies; zero */
	CALLER_USER,
	CALLER_NETWORK
};

struct caller {
	enum caller_kind kind;
	unsigned uid;	     /* of CALLER_USER, as the login and the name */
	bool named;	     /* the system knows a login for it */
	char login[256];     /* that, else "uid1234" */
	char full_name[256]; /* or "" */
};

/* For the log: "33", "tcp", or "" where nothing applies. */
struct caller_word {
	char words[16];
};
struct caller_word caller_word(const struct caller *c);

/* For people: "user www-data (uid 33)". */
struct caller_name {
	char words[80];
};
struct caller_name caller_name(const struct caller *c);

/* Whether he may send as anybody. */
bool caller_is_free(const struct caller *c);

/* The uid under which a CALLER_USER's connections and mails are counted: his
 * own, but one for all who have no login: who may make user namespaces is any
 * of thousands of them, subuid(5). */
unsigned caller_counted_as(const struct caller *c);

/*
 * Whether he may send through the account as this: an addr-spec, which may lack
 * its domain, or "" for the null reverse-path. What stands in quotes is as if
 * it stood without them; letters count without case, and a domain as A-labels
 * and as U-labels. What is no address is nobody's.
 */
bool caller_may_send(
    const struct caller *c, const struct account *a, struct text spec);

/* The same: 0, or -1 with ERROR_REFUSED, 550 5.7.1 and the line that would let
 * him, as this sender and no other; LOCAL@DOMAIN where it cannot be written. */
int caller_check(const struct caller *c, const struct account *a,
    struct text spec, struct error *e);

/*
 * A value of `sender-of' is USER PATTERN ..., and one entry of the account's
 * list "USER PATTERN". A user is a login, with case; an uid in digits; `tcp',
 * for who has none; or `*', for each who has one. A pattern has fnmatch(3)'s
 * `*', `?' and `[...]' on each side of its last `@', and a backslash before one
 * that means itself; `*' is any sender, `<>' is the null reverse-path.
 */
bool caller_is_pattern(struct text pattern);

#endif
