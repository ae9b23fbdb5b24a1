#ifndef SERVICE_H
#define SERVICE_H

/*
 * service: the one that sends for a whole machine, as root sees it. Root lists
 * and flushes its spool too; but what its mails are waiting for is said by its
 * own configuration, which is read with its rights, as nothing of it is root's
 * to open.
 */

#include "config/config.h"
#include "world/host.h"
#include "world/settings.h"

#define SERVICE_SPOOL "/var/spool/sendling"

/* Whether the folder of that path is its spool: another's, and we are root.
 * Whose it is stands in uid and gid then. */
bool service_has(
    const struct host *h, const char *path, unsigned *uid, unsigned *gid);

/*
 * The names of its accounts, with `spool-lifetime' and `spool-retry' and
 * nothing else, in c, which is initialised here and cleared by the caller. The
 * plan is as root's was read, without a path. False: there may be more of them,
 * or none could be read.
 */
bool service_find_accounts(const struct settings_plan *plan, unsigned uid,
    unsigned gid, struct config *c);

#endif
