#ifndef GS2_H
#define GS2_H

/*
 * gs2: names in the messages of SCRAM (RFC 5802) and OAUTHBEARER (RFC 7628),
 * which have a comma between their parts.
 */

#include "base/buf.h"
#include "base/text.h"

/* Appends the name as a saslname of RFC 5801 section 4; out's `full` is set
 * where it is too small. */
void gs2_add_name(struct text name, struct buf *out);

#endif
