#ifndef RECIPIENT_H
#define RECIPIENT_H

/*
 * recipient: to whom a mail goes: from arguments and, with -t, from its fields
 * (of a resent message those of the topmost block), through aliases, completed
 * with `domain', each once, with what is wished for it.
 */

#include "submit/submission.h"

/*
 * -1: ERROR_USAGE or, with -t, ERROR_MESSAGE for no recipient; ERROR_MESSAGE
 * for what cannot be parsed, naming field and text, and for a command or file;
 * ERROR_RECIPIENT for a bare name that nothing completes; and what
 * alias_expand() and aliases->open() say.
 */
int recipient_add_all(struct submission *s, struct error *e);

#endif
