#ifndef SCRIPT_H
#define SCRIPT_H

/* script: what the players of dialogue files share. */

#include "base/buf.h"
#include "base/text.h"

/* Appends the whole file to out. -1 where it cannot be read, or is empty. */
int script_read(const char *path, struct buf *out);

/* Cuts the word, and one space behind it, off the line; false where the line
 * does not begin with it. */
bool script_take(struct text *line, const char *word);

/* Appends t with its escapes: \r \n \t \\ \0, \xHH, and \*N followed by one
 * character, which stands N times. */
void script_unescape(struct text t, struct buf *out);

#endif
