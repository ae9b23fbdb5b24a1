#ifndef VALUE_H
#define VALUE_H

/*
 * value: what can stand behind a keyword, by type: how it is read from a
 * configuration into a member of struct account, written back, inherited and
 * cleared. Which keyword has which type and member is keyword's to know.
 *
 * A member belongs to its account; where it is zero it is not set.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/text.h"

enum value_type {
	VALUE_SMARTHOSTS, /* struct smarthost_list, one URL after the other */
	VALUE_PATTERNS,	  /* struct pattern_list */
	VALUE_SENDERS,	  /* the same, "USER PATTERN" each: see caller */
	VALUE_SECRET,	  /* struct account_secret */
	VALUE_AUTH,	  /* struct account_auth */
	VALUE_LOG,	  /* struct account_log */
	VALUE_TEMPLATE,	  /* char *, in which %U, %H, %D and %% are escapes */
	VALUE_MAILBOX,	  /* the same, an address without display name; or one
			   * of the words of the row, if any */
	VALUE_PATH,	  /* char *, a path or the word of the row, if any */
	VALUE_FOLDER,	  /* the same; `~/' may begin it, %U and %% be in it */
	VALUE_OBJECT,	  /* char *, a path or a URL of PKCS#11 (RFC 7512) */
	VALUE_PINS,	  /* struct pattern_list, "sha256:BASE64" each */
	VALUE_DOMAIN,	  /* char * */
	VALUE_HELO,	  /* char *, a host or an address literal */
	VALUE_HOST,	  /* char *, a host or an address */
	VALUE_ADDRESS,	  /* char *, an IP address */
	VALUE_COMMAND,	  /* char *, a command with %h, %p and %% */
	VALUE_PRIORITY,	  /* char *, printable ASCII */
	VALUE_CHOICE,	  /* an enum, one of the words of the row */
	VALUE_DURATION,	  /* unsigned, seconds */
	VALUE_AGE,	  /* the same, up to a year */
	VALUE_NUMBER,	  /* unsigned, 1 to 64 */
	VALUE_SIZE,	  /* unsigned long long, octets, from 64 KiB on */
	VALUE_RETRY,	  /* struct spool_retry */
	VALUE_LIMIT,	  /* struct spool_limit */
	VALUE_NOTIFY,	  /* unsigned, bits of dsn */
	VALUE_RET,	  /* enum dsn_ret */
	VALUE_INCLUDE,	  /* these two have no member: the reader is asked */
	VALUE_ACCOUNT
};

/*
 * A word and what it stands for. VALUE_CHOICE has a list of them that ends
 * with one without a name, and so may VALUE_MAILBOX; VALUE_PATH and
 * VALUE_FOLDER have the one that may stand in place of a path, VALUE_SECRET the
 * one source that its keyword means.
 */
struct value_word {
	const char *name;
	unsigned value;
};

/* What only the reader of files can do: `include` and `account`. Each returns
 * 0, or -1 with ERROR_CONFIG. */
struct value_reader {
	int (*include)(void *arg, struct text path, struct error *e);
	int (*account)(void *arg, struct text name, struct error *e);
	void *arg;
};

/* One value, as a member and as it is written: not empty, and without control
 * characters but for tabs. */
struct value {
	enum value_type type;
	const struct value_word *words;
	void *member;
	struct text text;
	const struct value_reader *reader; /* NULL: from outside the files,
					    * where a path may be relative */
};

/* Sets the member, which is not set, to the text; a list grows. -1:
 * ERROR_CONFIG, never with a secret in its words; the member can be cleared in
 * any case. */
int value_parse(const struct value *v, struct error *e);

/* Appends text that value_parse() reads as the same; of a list one part a
 * line. False: the member is not set, or set through another keyword. */
bool value_format(const struct value *v, struct buf *out);

/* Sets a member that is not set to a copy of the other. A list counts as one
 * value. */
void value_inherit(enum value_type type, void *member, const void *from);

/* Frees the member and makes it one that is not set. Strings are wiped. */
void value_clear(enum value_type type, void *member);

#endif
