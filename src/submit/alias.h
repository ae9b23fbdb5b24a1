#ifndef ALIAS_H
#define ALIAS_H

/*
 * alias: the bytes of an aliases(5) file -> a map, and the expansion of one
 * local name through it. Does no I/O: `:include:` asks the caller's source.
 *
 * Syntax: `name: value, value ...`, continued by lines that begin with white
 * space; `#` comments on lines of their own; a name or value may be quoted.
 * Names compare without case. A value is an address, a further alias,
 * `:include:/path` (a list of values, one or several a line), or `\name` (not
 * expanded further). Pipes ("|command") and files ("/path") are refused with
 * file and line when they would be used, not before. The alias `default` (as
 * msmtp has it) is for bare names that no other alias has.
 */

#include "base/buf.h"
#include "base/error.h"
#include "message/address.h"

#define ALIAS_DEPTH_MAX 32
#define ALIAS_SIZE_MAX	(4 * 1024 * 1024)

/* Whether a local-part without a domain is what stands in place of an address
 * in such a file, quoted or not: a command, a file or a list. */
bool alias_is_special(struct text local);

/* Reads a list into out, which holds at most ALIAS_SIZE_MAX. 0 or -1. */
struct alias_source {
	int (*read)(
	    void *arg, const char *path, struct buf *out, struct error *e);
	void *arg;
};

struct alias_map;

struct alias_map *alias_new(void);
void alias_free(struct alias_map *map); /* NULL is fine */

/* Is told each fault of a file, as alias_parse() gives the first. */
struct alias_faults {
	void (*tell)(void *arg, const struct error *fault);
	void *arg;
};

/* Reads the bytes of a file called name. -1: ERROR_CONFIG with file and line
 * (no colon, an address that cannot be parsed, a NUL); the map is then only
 * good for alias_free(). The first fault ends it, but where faults is not NULL:
 * then it goes on and tells a hundred of them. Of a name that stands twice the
 * first counts, as with Postfix, and a mail goes on; with faults it is one. */
int alias_parse(struct alias_map *map, const char *name, struct text bytes,
    const struct alias_faults *faults, struct error *e);

/*
 * Expands a bare name, or name@domain where is_local says that the domain is
 * this machine's own (it may be NULL; `default` is not for these). Calls add()
 * for each address that results (local-parts that remain bare are given as
 * they are), each once. The same rules hold for the values in between. An
 * alias that names itself keeps that name as it is written; longer loops end.
 * Returns 1 when the address is an alias, 0 when it is none (add was not
 * called), -1: ERROR_CONFIG (a pipe or file on the right, with file and line;
 * a list that cannot be read or parsed; deeper than ALIAS_DEPTH_MAX; no
 * address results), or an error of add(). source may be NULL: no list can be
 * read then.
 */
struct alias_visitor {
	int (*add)(void *arg, const struct address *address, struct error *e);
	bool (*is_local)(void *arg, struct text domain);
	void *arg;
	const unsigned char *random; /* 16 octets, or NULL: a key, as who is on
				      * a list may have chosen the address */
};
int alias_expand(const struct alias_map *map, const struct address *address,
    const struct alias_source *source, const struct alias_visitor *visitor,
    struct error *e);

#endif
