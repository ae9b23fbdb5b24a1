#ifndef FAILURE_H
#define FAILURE_H

/*
 * failure: what a person at standard error is told.
 */

#include "base/error.h"
#include "submit/envelope.h"

/* The failure in two or three lines, and one line for each refused recipient
 * whom it does not name itself; env may be NULL. */
void failure_print(const struct error *e, const struct envelope *env);

#endif
