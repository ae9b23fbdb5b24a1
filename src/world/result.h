#ifndef RESULT_H
#define RESULT_H

/*
 * result: what a program that called us with --json is told.
 */

#include "world/record.h"

/* The end of a mail as one JSON object on standard output, in one line. */
void result_print(const struct record *mail);

#endif
