#ifndef MAILQ_H
#define MAILQ_H

/*
 * mailq: -bp, --show, --hold, --release, --delete and --check-spool: what is
 * done about the mails of the spools, and printed of them.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "cmd/options.h"
#include "config/config.h"
#include "world/host.h"
#include "world/log.h"
#include "world/settings.h"

struct mailq_plan {
	const struct config *config;
	const struct settings_plan *settings; /* as that was read */
	const struct host *host;
	struct log *log;
	const struct options *options; /* mode, ids, age, json */
};

/*
 * e holds what reading the configuration gave: an administrator looks when
 * things are broken, so that what can be found is looked at all the same. The
 * first thing that is wrong is in e then. True: it is told, on standard output.
 */
bool mailq_run(const struct mailq_plan *plan, struct error *e);

#endif
