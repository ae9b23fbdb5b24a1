#ifndef FOREIGN_H
#define FOREIGN_H

/*
 * foreign: the keywords of other programs' configurations, and what to write
 * here in their place. Who comes from there has the other file at hand.
 */

#include "base/text.h"

/* A hint for a line that begins with no keyword of ours: its first word, any
 * case, and the whole of it, which may be empty. NULL: it is none of theirs. */
const char *foreign_hint(struct text word, struct text line);

#endif
