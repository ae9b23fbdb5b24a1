#ifndef PROGRAM_H
#define PROGRAM_H

/*
 * program: whether the program is there that a command of sh(1) begins with;
 * runs nothing.
 */

#include "base/error.h"

/* What the shell would do more than to look for a program, as with its own
 * words and whatever it expands, is not judged. -1 ERROR_CONFIG: it is not to
 * be found in PATH, not there, or cannot be executed. */
int program_check(const char *command, struct error *e);

#endif
