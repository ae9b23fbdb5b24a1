#ifndef SUBMIT_H
#define SUBMIT_H

/*
 * submit: what the caller asked for (request), what is so (facts), the account
 * and the message -> the envelope, and the repairs of RFC 6409 section 8 made
 * to the message. The structs belong to this room; options and host fill them.
 */

#include "base/date.h"
#include "base/error.h"
#include "base/notes.h"
#include "message/message.h"
#include "submit/account.h"
#include "submit/alias.h"
#include "submit/envelope.h"
#include "submit/request.h"

struct facts {
	const char *login;     /* of the caller; "" where nobody knows */
	const char *full_name; /* NAME or the passwd entry's, or "" */
	const char *host;      /* the host's name as it is, or "" */
	struct date now;
	unsigned char random[16]; /* for the Message-ID */
};

/* Where aliases come from. open() is called for each recipient that could be
 * local; *map stays NULL where there are none, and is borrowed until submit()
 * returns. */
struct submit_aliases {
	int (*open)(void *arg, const struct alias_map **map, struct error *e);
	void *arg;
	const struct alias_source *source; /* of lists, or NULL */
};

/*
 * A value of `from`, `force-from`, `full-name` or `user` with %U (login), %H
 * (host name), %D (`domain`) and %% expanded; other % stay. The caller frees
 * it; NULL gives NULL.
 */
char *submit_expand(
    const char *value, const struct account *a, const struct facts *f);

/*
 * The reverse-path by which an account is chosen, before one is known: -f,
 * else the first address of From (of Resent-From in a resent message). Appends
 * the addr-spec to out; nothing where there is none. Never fails: what is
 * wrong is found by submit() later.
 */
void submit_reverse_path_hint(
    const struct request *r, struct message *m, struct buf *out);

/*
 * Fills env (initialised by the caller) and repairs the message: behaviour of
 * the manual's sections ENVELOPE and MESSAGE. Bcc, Resent-Bcc and Return-Path
 * are dropped in every mode; missing From, Date, Message-ID, destination
 * fields are added; empty ones replaced; recipients that are bare names or
 * of this machine are expanded through aliases (NULL is none); bare names are
 * completed with `domain` in envelope and fields; force-from replaces From and
 * keeps the old one in Reply-To.
 * -1: ERROR_USAGE or, with -t, ERROR_MESSAGE for no recipient; ERROR_MESSAGE
 * for what cannot be parsed, naming field and text; ERROR_RECIPIENT for a
 * bare name that nothing completes; ERROR_CONFIG for such a reverse-path and
 * for a `from` that is no address, and what alias_expand() and aliases->open()
 * say.
 */
int submit(const struct request *r, const struct facts *f,
    const struct account *a, const struct submit_aliases *aliases,
    struct message *m, struct envelope *env, struct notes *notes,
    struct error *e);

/* The name EHLO gives: account's `helo`, else the host's name where it is a
 * clean FQDN, else "" (the session then uses the socket's address literal).
 * Returns out. */
char *submit_helo(
    const struct account *a, const struct facts *f, char *out, size_t size);

#endif
