#ifndef KEYWORD_H
#define KEYWORD_H

/*
 * keyword: what a configuration can say about an account: one table of
 * keywords, each row with its own setter. Where a value comes from, and what
 * else stands in the account, is config's to know.
 */

#include "base/error.h"
#include "base/text.h"
#include "submit/account.h"

enum keyword_flags {
	KEYWORD_REPEATS = 1,	/* may stand several times in one account */
	KEYWORD_FILES_ONLY = 2, /* not from the environment or --set */
	KEYWORD_SECRET = 4,	/* one of the ways to a password: one choice */
	KEYWORD_FREE = 8,	/* quotes and tabs belong to the value */
	KEYWORD_SPACED = 16,	/* white space separates several values */
	KEYWORD_BYTES = 32	/* not trimmed at its end */
};

struct setting;

/* A row of the table; lives as long as the program. */
struct keyword {
	const char *name;
	int (*set)(struct setting *, struct error *);
	unsigned flags;
};

/* What only the reader of files can do: `include` and `account`. Each returns
 * 0, or -1 with ERROR_CONFIG. */
struct keyword_reader {
	int (*include)(void *arg, struct text path, struct error *e);
	int (*account)(void *arg, struct text name, struct error *e);
	void *arg;
};

/* The rows in the table's order; NULL past the end. */
const struct keyword *keyword_at(size_t index);

/* The keyword of this name; NULL where there is none. */
const struct keyword *keyword_find(struct text name);

/* The keyword that was meant by a word that is none; NULL where it resembles
 * none. */
const struct keyword *keyword_near(struct text word);

/* A number below KEYWORD_SLOTS; keywords of which an account can have only
 * one share theirs. */
#define KEYWORD_SLOTS 64
size_t keyword_slot(const struct keyword *k);

/*
 * Checks the value and sets it in a. reader is NULL where the value comes from
 * outside the files: a keyword with KEYWORD_FILES_ONLY must not stand there,
 * and a path may be relative. -1: ERROR_CONFIG, never with the value of a
 * secret in its words; of a list that is wrong, a may keep the first values.
 * `tls-trust system` is set as that word, for config_end() to take away.
 */
int keyword_set(const struct keyword *k, struct account *a, struct text value,
    const struct keyword_reader *reader, struct error *e);

#endif
