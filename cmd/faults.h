#ifndef FAULTS_H
#define FAULTS_H

/*
 * faults: what --check finds, in its order and each thing once, and how it is
 * told.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/json.h"
#include "base/set.h"

/* Strings may be NULL but for the text; visible, all of them. */
struct fault {
	bool remark;
	const char *where;   /* "/etc/sendling.conf:12", "--set" */
	const char *account; /* that it is about; NULL: not of one alone */
	const char *keyword;
	const char *text;
	const char *hint;
};

/* All zero is empty. */
struct faults {
	struct fault *at; /* owns its strings */
	size_t count;
	struct set told;
};

void faults_clear(struct faults *f);

/* Copies it, unless the same was found at the same place. */
void faults_add(struct faults *f, const struct fault *fault);

/* On standard output: one line each, and what to do below it; the remarks
 * last. */
void faults_print(const struct faults *f);

/* Adds "faults" and "remarks", arrays of objects of `where', `file', `line',
 * `account', `keyword', `text' and `hint'. */
void faults_add_json(const struct faults *f, struct json *j);

#endif
