#ifndef CHECK_H
#define CHECK_H

/*
 * check: what --check and newaliases find in a configuration that was read,
 * told on standard output.
 */

#include <stdbool.h>

#include "base/error.h"
#include "config/config.h"

/*
 * --check: prints every fault of c, then what each account lacks and what is
 * wrong with the files it names, and what is odd, or that nothing is wrong;
 * before all that, where verbose, what holds for each account. e holds what
 * reading c gave; where that was nothing, the first fault found here. False:
 * nothing could be read, and e, which tells why, is for the caller to print.
 */
bool check_config(struct config *c, bool verbose, struct error *e);

/* -bi, newaliases: nothing is built, but the first thing that is wrong with
 * the aliases of an account is in e. 0, or -1 ERROR_CONFIG. */
int check_aliases(const struct config *c, struct error *e);

#endif
