#ifndef ACCESS_H
#define ACCESS_H

/*
 * access: who may read a file, and who may change it.
 */

#include <sys/stat.h>

#include "base/error.h"

enum access_trust {
	ACCESS_ANY,    /* regular file, no more */
	ACCESS_CONFIG, /* owner root or us; not writable by group or other */
	ACCESS_SECRET  /* the same, and not readable by other, nor by group
			* unless root or we own it and the group is ours */
};

/* The check of what fstat(2) told. A configuration is read as ACCESS_CONFIG and
 * may turn out to hold a password: it is then checked again. -1: ERROR_CONFIG
 * with path, owner, mode and who we are. */
int access_check(const char *path, enum access_trust trust,
    const struct stat *st, struct error *e);

#endif
