#include "base/notes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define NOTES_MAX 100

void
notes_add(struct notes *n, const char *fmt, ...)
{
	char line[500], shown[600];
	va_list args;

	if (n == NULL || n->count == NOTES_MAX)
		return;
	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	text_visible(text_of(line), shown, sizeof(shown));
	*mem_push(n->lines, n->count) = mem_copy(shown);
}

void
notes_clear(struct notes *n)
{
	size_t i;

	for (i = 0; i < n->count; i++)
		free(n->lines[i]);
	free(n->lines);
	memset(n, 0, sizeof(*n));
}
