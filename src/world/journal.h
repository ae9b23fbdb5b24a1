#ifndef JOURNAL_H
#define JOURNAL_H

/*
 * journal: entries as systemd's journal takes them on its socket, its native
 * protocol: a datagram of fields, each a name and any octets.
 */

#include "base/buf.h"

/* Appends "NAME=value" and a line feed; a value with a line feed in it as the
 * protocol has it for any octets: the name, a line feed, the length in 64 bits,
 * the lowest first, the value and a line feed. name is of A-Z, 0-9 and _, and
 * begins with a letter. */
void journal_add(struct buf *fields, const char *name, struct text value);

#endif
