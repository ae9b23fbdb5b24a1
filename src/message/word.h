#ifndef WORD_H
#define WORD_H

/*
 * word: encoded words, RFC 2047.
 */

#include "base/text.h"

/*
 * Octets of the encoded word at the start of t, or 0 (section 2). Its encoded
 * text may hold specials that the RFC forbids in a phrase, as writers leave
 * them there. No part may hold '?', so that failed tries along a text cost
 * linear time in all.
 */
size_t word_length(struct text t);

#endif
