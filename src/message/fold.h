#ifndef FOLD_H
#define FOLD_H

/*
 * fold: long lines of a header section, RFC 5322 section 2.2.3.
 */

#include "base/buf.h"
#include "base/text.h"
#include "message/lines.h"

/*
 * Appends the lines of a value that stands behind `column` octets of a field's
 * name. Lines over LINES_MAX octets, and over WORD_LINE_MAX with an encoded
 * word in them, are folded at white space, never inside an encoded word. A
 * single word that is longer is cut where may_cut is
 * set, and else left alone; without may_cut a backslash keeps the blank behind
 * it, too.
 */
void fold_value(
    struct text value, size_t column, bool may_cut, struct buf *out);

#endif
