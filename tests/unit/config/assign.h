/* A value for an account, as a line of a file gives it. */

#ifndef ASSIGN_H
#define ASSIGN_H

#include "../unit.h"

#include "config/keyword.h"

#define BASE64 "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
#define PIN    "sha256:" BASE64

static inline int
no_file(void *arg, struct text value, struct error *e)
{
	struct text *seen = arg;

	*seen = value;
	return error_set(e, ERROR_CONFIG, NULL, "no file here");
}

/* A line of a file: the keyword, a space, the value. */
static inline int
set(struct account *a, const char *line, struct error *e)
{
	struct text rest = text_of(line), name, seen;
	const struct value_reader reader = {no_file, no_file, &seen};
	const struct keyword *k;

	name = text_first(rest, text_find(rest, ' '));
	k = keyword_find(name);
	assert_non_null(k);
	error_clear(e);
	return keyword_set(k, a, text_skip(rest, name.len + 1), &reader, e);
}

static inline void
set_fine(struct account *a, const char *line)
{
	struct error e;

	if (set(a, line, &e) == -1)
		fail_msg("%s: %s", line, e.text);
}

#endif
