#ifndef NOTES_H
#define NOTES_H

/*
 * notes: things worth a line in the log that are no failure: a field that was
 * dropped, an option that means nothing.
 */

#include <stddef.h>

/* One string a note, visible, owned. All zero is empty. */
struct notes {
	char **lines;
	size_t count;
};

/* Past 100 notes adds nothing; nor where n is NULL, as nobody reads them. */
void notes_add(struct notes *n, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void notes_clear(struct notes *n);

#endif
