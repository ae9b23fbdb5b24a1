#ifndef FLUSH_H
#define FLUSH_H

/*
 * flush: a run through the spools of a configuration: each mail that is due is
 * tried once, in as few sessions as the smarthosts allow, one account after the
 * other. What happens to one mail is the attempt's.
 */

#include "config/config.h"
#include "world/host.h"
#include "world/log.h"
#include "world/settings.h"

/* Borrowed, all of it. */
struct flush_plan {
	struct config *config;
	const struct settings_plan *settings; /* as that was read */
	const struct host *host;
	struct log *log;
	bool json;	  /* how each mail that is tried went on stdout */
	bool all;	  /* also what is not due */
	const char **ids; /* beginnings of ids: of these mails alone, due or */
	size_t id_count;  /* not; 0: of all */
};

/*
 * The spools of all accounts; for root that of the service as well, by a
 * process that has the service's rights and no more, and what it finds of a
 * configuration where none is named; but a service that has one of its own
 * (settings_of_service) flushes its spool itself. A spool in which another
 * run is at work is left to it, and one that is not there is empty. 0; -1:
 * ERROR_LATER, where a smarthost cannot be used; else the first that a spool
 * has refused, ERROR_SPOOL; else ERROR_INPUT, an id that no mail has which
 * waits.
 */
int flush_run(const struct flush_plan *plan, struct error *e);

#endif
