#ifndef KEYWORD_H
#define KEYWORD_H

/*
 * keyword: what a configuration can say about an account: one table of
 * keywords, of which each row names a type of value and a member of struct
 * account. To set, write, inherit and clear follow from the row. So an account,
 * which belongs to rooms before this one, is only data there, and here it is
 * filled and cleared: what its members own only the rows know.
 *
 * Where a value comes from, and what else stands in the account, is config's
 * to know.
 */

#include "base/buf.h"
#include "base/error.h"
#include "base/text.h"
#include "config/value.h"
#include "submit/account.h"

enum keyword_flags {
	KEYWORD_REPEATS = 1,	/* may stand several times in one account */
	KEYWORD_FILES_ONLY = 2, /* not from the environment or --set */
	KEYWORD_FREE = 4,	/* quotes and tabs belong to the value */
	KEYWORD_SPACED = 8,	/* white space separates several values */
	KEYWORD_PASSWORD = 16,	/* the value is a secret, byte for byte: not
				 * trimmed at its end, never shown */
	KEYWORD_COMMAND = 32,	/* the value is a command, which is run */
	KEYWORD_WAY = 64	/* it is about the way to the smarthost alone:
				 * where it is wrong the mail is whole all the
				 * same, and only cannot go */
};

/* A row of the table; lives as long as the program. */
struct keyword {
	const char *name;
	enum value_type type;
	size_t offset; /* of the member in struct account */
	unsigned flags;
	const struct value_word *words; /* as the type asks for, or NULL */
	const char *usual; /* the value that holds where none is set; NULL
			    * where that is none, or depends */
};

/* The rows in the table's order; NULL past the end. */
const struct keyword *keyword_at(size_t index);

/* The keyword of this name; NULL where there is none. */
const struct keyword *keyword_find(struct text name);

/* The keyword that was meant by a word that is none; NULL where it resembles
 * none. */
const struct keyword *keyword_near(struct text word);

/* Whether a value of the keyword is never shown, and is for nobody else to
 * read: a password, or an URL with the PIN of a token. */
bool keyword_is_secret(const struct keyword *k, struct text value);

/* A number below KEYWORD_SLOTS; keywords of which an account can have only
 * one share theirs. */
#define KEYWORD_SLOTS 64
size_t keyword_slot(const struct keyword *k);

/*
 * Checks the value and sets it in a, in place of what was there; a list grows.
 * reader is NULL where the value comes from outside the files: a keyword with
 * KEYWORD_FILES_ONLY must not stand there, and a path may be relative. -1:
 * ERROR_CONFIG, never with the value of a secret in its words; of a list that
 * is wrong, a may keep the first values. A word that stands for a path is set
 * as that word, so that it hides what defaults say: see keyword_path().
 */
int keyword_set(const struct keyword *k, struct account *a, struct text value,
    const struct value_reader *reader, struct error *e);

/* Appends what a has for k, as keyword_set() takes it; of a keyword that
 * repeats, each value is a line of its own. False: a has nothing. */
bool keyword_format(
    const struct keyword *k, const struct account *a, struct buf *out);

/* The path that holds in a for a keyword of VALUE_PATH, its usual one where
 * none is set; NULL where that is its word, `off' or `system'. */
const char *keyword_path(const char *name, const struct account *a);

/* Copies every value that a lacks. */
void keyword_inherit(struct account *a, const struct account *from);

/* Frees all that is in a, secrets wiped, and makes it an account in which
 * nothing is set: all zero, as it begins. */
void keyword_clear(struct account *a);

#endif
