/*
 * What the program calls things, one line each, for tests/manual.t: every
 * option, keyword of the configuration and its default, and kind of failure
 * with its exit status.
 */

#include <stdio.h>

#include "base/error.h"
#include "cmd/options.h"
#include "config/keyword.h"

int
main(void)
{
	const struct keyword *k;
	const char *name;
	size_t i;
	int kind;

	for (i = 0; (name = options_spelling(i)) != NULL; i++)
		printf("option %s\n", name);
	for (i = 0; (k = keyword_at(i)) != NULL; i++) {
		printf("keyword %s\n", k->name);
		if (k->usual != NULL)
			printf("usual %s %s\n", k->name, k->usual);
	}
	for (kind = ERROR_NONE; kind <= ERROR_CONFIG; kind++)
		printf("status %d %s\n", error_status((enum error_kind)kind),
		    error_word((enum error_kind)kind));
	return 0;
}
