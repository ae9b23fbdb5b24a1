#ifndef FINDINGS_H
#define FINDINGS_H

/*
 * findings: --probe: the login test of one account, and what it prints: a block
 * of lines for each smarthost as soon as it is known, or all as JSON at the
 * end.
 */

#include <stdbool.h>

#include "config/config.h"
#include "world/host.h"
#include "world/log.h"

struct findings_plan {
	const struct config *config;
	const struct host *host;
	struct log *log;
	const char *account; /* -a, or NULL */
	const char *sender;  /* -f, or NULL */
	bool json;
};

/* With e set already nothing is tested, but JSON is printed all the same. 0, or
 * -1 with config_choose()'s and probe_account()'s errors. *told: the error has
 * been printed. */
int findings_print(
    const struct findings_plan *plan, bool *told, struct error *e);

#endif
