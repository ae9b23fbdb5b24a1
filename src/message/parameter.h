#ifndef PARAMETER_H
#define PARAMETER_H

/*
 * parameter: one parameter of a MIME field (RFC 2045 section 5.1), and its
 * extended form for what is not US-ASCII (RFC 2231).
 */

#include "base/buf.h"
#include "base/set.h"
#include "base/text.h"
#include "message/token.h"

/* Slices of what was parsed: `lead attribute = value rest'. */
struct parameter {
	struct text lead; /* white space */
	struct text attribute;
	struct text value; /* quotes and all */
	struct text rest;
};

/* What stands between two semicolons; false where it is no parameter. A value
 * without quotes may hold white space, as careless writers have it. */
bool parameter_parse(struct text t, struct parameter *p);

/* Cuts what stands before the next ';' outside of quotes and comments off the
 * rest, and the ';' too. False: there was none, and this is the last piece. */
bool parameter_next(struct lexer *lexer, struct text *before);

/* Adds the attributes, without case, of which a field has the extended form. */
void parameter_find_extended(struct text field, struct set *attributes);

/* Appends to `joined' the value of a parameter of that name, decoded where its
 * name says so, if it is the whole or the next segment of the attribute's
 * (sections 3 and 4); *count says how many came. False where it is none. */
bool parameter_join(struct text name, struct text value, struct text attribute,
    size_t *count, struct buf *joined);

/* Appends the extended form, the value being UTF-8 without quotes; in segments
 * only where a line would be too long, as not all readers put them together. */
void parameter_extend(
    struct text attribute, struct text value, struct buf *out);

/* Appends t with a percent sign and two digits for all but attribute-chars
 * (RFC 2231 section 7), or for 8-bit bytes alone. */
void parameter_percent(struct text t, bool all, struct buf *out);

#endif
