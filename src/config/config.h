#ifndef CONFIG_H
#define CONFIG_H

/*
 * config: bytes of a configuration -> accounts, with line numbers: the lines,
 * the files that include each other, the order of the sources, the faults.
 * What can stand in a line is keyword's. Does no I/O: `include` asks the
 * caller's source.
 *
 * A line is `keyword value`; the value is the rest of the line, trimmed, but
 * for `password`, which is the rest byte for byte. `#` at the start of a line
 * is a comment. Keywords before the first `account NAME` are defaults.
 */

#include "base/buf.h"
#include "base/error.h"
#include "base/notes.h"
#include "config/keyword.h"
#include "submit/account.h"

/* Reads an included file into out (a buffer that the caller wipes), and gives
 * the name it has for people and includes, which the caller frees; relative
 * paths are relative to the including file, `from`. 0 or -1. */
struct config_source {
	int (*read)(void *arg, const char *from, const char *path,
	    struct buf *out, char **name, struct error *e);
	void *arg;
};

#define CONFIG_INCLUDE_DEPTH 8
#define CONFIG_SIZE_MAX	     (1024 * 1024)

/* One fault: where, and what. */
struct config_fault {
	char *where; /* "/etc/sendling.conf:12" */
	char *what;  /* never a secret's value */
	char *hint;  /* "did you mean `smarthost'?", or NULL */
	bool of_way; /* only the way to the smarthost is not known, of a line
		      * of a file */
};

/* What set a keyword, in an account or in the defaults. */
struct config_line {
	size_t slot; /* keyword_slot() */
	char *where;
	char *value; /* of a keyword that repeats, else NULL */
};

struct config_lines {
	struct config_line *at;
	size_t count;
};

struct config {
	struct account defaults;
	struct account *accounts;
	size_t account_count;
	struct config_fault *faults; /* all of them, in order */
	size_t fault_count;
	struct notes remarks; /* what is odd and no fault, for --check */
	struct notes files;   /* that were read, visible */
	/* private: */
	struct config_lines default_lines;
	struct config_lines *account_lines; /* of each that stands in a file */
	size_t account_lines_count;
	struct account override; /* --set, then environment: highest first */
	char *override_origin[KEYWORD_SLOTS]; /* who set each keyword there */
};

void config_init(struct config *c);
void config_clear(struct config *c);

/* Wipes the passwords that stand in it; the accounts have none then. */
void config_forget(struct config *c);

/*
 * Reads one configuration; faults are collected, not fatal. name stands in
 * them. source may be NULL: `include` is then a fault. Returns the number of
 * faults found.
 */
size_t config_parse(struct config *c, const char *name, struct text bytes,
    const struct config_source *source);

/*
 * One keyword from outside the files. `origin` names it in faults
 * ("SENDLING_USER", "--set"). Call for --set before the environment: what is
 * set first wins over what is set later and over all files. The keyword
 * `password` is refused here. Environment names are mapped by the caller
 * through config_keyword_of_environment().
 */
void config_set(struct config *c, const char *origin, struct text keyword,
    struct text value);

/* The same, where the caller does not want it set: a fault, with the reason. */
void config_refuse(struct config *c, const char *origin, struct text keyword,
    const struct error *why);

/* "SENDLING_PASSWORD_FILE" -> "password-file" in out; -1 where the name does
 * not begin with SENDLING_ or is too long. */
int config_keyword_of_environment(const char *name, char *out, size_t size);

/* All sources are read: lays overrides and defaults into every account and,
 * where no `account` line exists, makes one account "default" of the
 * defaults. */
void config_end(struct config *c);

/*
 * Appends what holds for an account after config_end() as lines of a
 * configuration: `account NAME`, then each keyword that is set, and for others
 * what holds without them, where that is a value. That of `password` is
 * `[hidden]`. Bytes are as they were written; make them visible for people.
 */
void config_format(const struct account *a, struct buf *out);

/*
 * Where that was written which holds in the account for a keyword:
 * "/etc/sendling.conf:12", "--set", "SENDLING_USER"; of one that repeats, the
 * line with that value, or the first where it is NULL. For `account' where it
 * begins. NULL: nowhere. *shared: other accounts have it from there, too.
 */
const char *config_where(const struct config *c, const struct account *a,
    const char *keyword, const char *value, bool *shared);

/*
 * Chooses: the account of that name (name != NULL); else the first whose
 * `match` or `from` matches reverse_path (may be NULL); else `default`; else
 * the only one. NULL: ERROR_CONFIG with the names that exist.
 */
const struct account *config_choose(const struct config *c, const char *name,
    const char *reverse_path, struct error *e);

/* The account of that name, as config_end() leaves it; NULL: there is none, or
 * name is NULL. */
const struct account *config_find(const struct config *c, const char *name);

/* Why config_choose() has chosen it of them, in words behind "account x, ". */
const char *config_why(const struct config *c, const struct account *a,
    const char *name, const char *reverse_path);

/* Whether --set or the environment has set the keyword. */
bool config_overrides(const struct config *c, const char *keyword);

/* Whether there are accounts, and the faults are about the way to the smarthost
 * alone: what the mail is, and from whom and to whom it goes, is known. */
bool config_knows_mail(const struct config *c);

/* The first fault as an error (ERROR_CONFIG). -1 always. */
int config_error(const struct config *c, struct error *e);

#endif
