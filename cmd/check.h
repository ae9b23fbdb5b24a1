#ifndef CHECK_H
#define CHECK_H

/*
 * check: what --check and newaliases find in a configuration that was read,
 * told on standard output.
 */

#include <stdbool.h>

#include "base/error.h"
#include "config/config.h"
#include "world/host.h"
#include "world/settings.h"

struct check_plan {
	const struct config *config;
	const struct settings_plan *settings; /* as that was read */
	const struct host *host;
	bool verbose; /* what holds for each account, before all else */
	bool json;
};

/*
 * --check: tells every fault of the configuration and its accounts and of the
 * files they name, and what is odd; or that nothing is wrong. e holds what
 * reading it gave; where that was nothing, the first fault found here. False:
 * nothing could be read, or not all could be printed, and e, which tells why,
 * is for the caller to print.
 */
bool check_config(const struct check_plan *plan, struct error *e);

/* -bi, newaliases: nothing is built, but the first thing that is wrong with
 * the aliases of an account is in e. 0, or -1 ERROR_CONFIG. */
int check_aliases(const struct config *c, struct error *e);

#endif
