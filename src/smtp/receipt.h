#ifndef RECEIPT_H
#define RECEIPT_H

/*
 * receipt: by what name the server has a mail that it took. No standard says
 * where in the reply to the end of the data that stands; who asks the server's
 * keeper about a mail needs it all the same.
 */

#include "base/text.h"

/*
 * The queue id in the words of a reply, visible, its code at their start: a
 * slice of them. Empty where the reply is not of 2yz, or has none in a form
 * that is known.
 */
struct text receipt_id(const char *words);

#endif
