#ifndef TERMINAL_H
#define TERMINAL_H

/*
 * terminal: a question to the person who sits there, whose answer is not shown.
 * The terminal asked is that of the session (/dev/tty), whatever standard input
 * is. It is left as it was found, also where a signal ends us or stops us
 * meanwhile; after a stop the question is asked anew.
 */

#include "base/buf.h"
#include "base/error.h"

/*
 * Shows the prompt and appends the line that is typed, or pasted, without its
 * end, which is CR or LF, to out, which is empty; what does not fit is left
 * out, and out is `full' then. What was typed before the question, or is
 * pasted behind the first line, is thrown away. 1: there is no terminal, or it
 * is somebody else's now. -1: ERROR_CONFIG, it was closed, or its end of file
 * was typed, with no answer; ERROR_LATER, the deadline of the clock passed;
 * ERROR_SYSTEM.
 */
int terminal_ask(
    const char *prompt, long long deadline, struct buf *out, struct error *e);

#endif
