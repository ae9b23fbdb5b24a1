#ifndef SETTINGS_H
#define SETTINGS_H

/*
 * settings: where the configuration is. Search order of the files, their
 * owner and mode, `include`, the environment's SENDLING_*, --set; all of it
 * into one struct config; and the file of aliases.
 */

#include "base/error.h"
#include "config/config.h"
#include "submit/alias.h"
#include "world/host.h"

struct settings_plan {
	const char *path;  /* -C: this file only; or NULL */
	char *const *sets; /* --set KEYWORD=VALUE */
	size_t set_count;
	bool optional;	  /* no file need be there */
	bool no_commands; /* the environment may name none */
	bool files_only;  /* the environment sets nothing */
};

/*
 * Fills c, which is initialised here and cleared by the caller in any case.
 * Without a path: $XDG_CONFIG_HOME/sendling/config, where that is not set
 * ~/.config/sendling/config, then sendling.conf in the system's folder; the
 * first that is there is the only one read; one that a folder on the way
 * hides from us counts as not there. No file is needed where a smarthost comes
 * from the environment or --set. A variable SENDLING_* that is empty, or
 * resembles no keyword, is passed over; one with a command is a fault where
 * there may be none. 0, or -1 ERROR_INPUT: the file of -C is
 * not there; ERROR_CONFIG: a file that cannot be read or trusted, none found
 * (every path that was tried is named), or the first fault in what was read
 * (all of them are in c).
 */
int settings_read(const struct settings_plan *plan, const struct host *h,
    struct config *c, struct error *e);

/* The configuration that a service which sends for a whole machine has of its
 * own: sendling/config in the system's folder, where its units let
 * XDG_CONFIG_HOME lead it. NULL: there is none. */
const char *settings_of_service(void);

/*
 * The account's aliases in a new map; *map is NULL where they are `off', or
 * where no file is named and the system has none. -1: ERROR_CONFIG, a file
 * that cannot be read, trusted or parsed. Who gives faults, which may be NULL,
 * is told each that alias_parse() finds.
 */
int settings_read_aliases(const struct account *a, struct alias_map **map,
    const struct alias_faults *faults, struct error *e);

/* Reads the lists of `:include:', which are trusted as the aliases are. */
extern const struct alias_source settings_lists;

#endif
