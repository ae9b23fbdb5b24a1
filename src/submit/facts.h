#ifndef FACTS_H
#define FACTS_H

/*
 * facts: what is so while a mail is submitted, whoever asks and through which
 * account; host fills it in. And the values that follow from it.
 */

#include "base/date.h"
#include "submit/account.h"

/* Strings are borrowed. */
struct facts {
	const char *login;     /* of the caller; "" where nobody knows */
	const char *full_name; /* NAME or the passwd entry's, or "" */
	const char *host;      /* the host's name as it is, or "" */
	struct date now;
	unsigned char random[16]; /* for the Message-ID, and the keys of sets
				   * that are gone when that is seen */
};

/*
 * A value of `from`, `force-from`, `full-name` or `user` with %U (login), %H
 * (host name), %D (`domain`) and %% expanded; other % stay. The caller frees
 * it; NULL gives NULL.
 */
char *facts_expand(
    const char *value, const struct account *a, const struct facts *f);

/* As whom a login is: `user' expanded, "" where it wants none (EXTERNAL), NULL
 * where there is no login. The caller frees it. */
char *facts_user(const struct account *a, const struct facts *f);

/* The path of the account's spool, with the home in place of a `~' before its
 * first slash, the login in place of %U, and % in place of %%. NULL: it has
 * none. A home that nobody knows ("") leaves the `~', and no folder is there.
 * The caller frees it. */
char *facts_spool(
    const struct account *a, const struct facts *f, const char *home);

/* The name EHLO gives: account's `helo`, else the host's name where it is a
 * clean FQDN, else "" (the session then uses the socket's address literal).
 * Returns out. */
char *facts_helo(
    const struct account *a, const struct facts *f, char *out, size_t size);

#endif
