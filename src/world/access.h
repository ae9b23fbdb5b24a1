#ifndef ACCESS_H
#define ACCESS_H

/*
 * access: who may read a file, and who may change it; and what to do about it,
 * for one user and for several who share a password through a group.
 */

#include <sys/stat.h>

#include "base/error.h"
#include "base/notes.h"

enum access_trust {
	ACCESS_ANY,    /* regular file, no more */
	ACCESS_CONFIG, /* owner root or us; not writable by group or other */
	ACCESS_SECRET  /* the same, and not readable by other, but for root's
			* files below /run/secrets: what a container is given
			* has mode 0444 */
};

/* The check of what fstat(2) told. A configuration is read as ACCESS_CONFIG and
 * may turn out to hold a password: it is then checked again. -1: ERROR_CONFIG
 * with path, owner, mode and who we are. */
int access_check(const char *path, enum access_trust trust,
    const struct stat *st, struct error *e);

/* open(2) said EACCES: who may not read what, and how it is shared. -1
 * ERROR_CONFIG, sys EACCES. */
int access_denied(const char *path, struct error *e);

/* Notes that everybody may read a secret which access_check() took. */
void access_remark(const char *path, enum access_trust trust,
    const struct stat *st, struct notes *remarks);

#endif
