#ifndef CHECKSUM_H
#define CHECKSUM_H

/* CRC-32, a bit at a time: what records of a journal end in. */

#include <stdint.h>

#include "base/buf.h"

static inline uint32_t
checksum(uint32_t sum, struct text t)
{
	size_t i;
	int bit;

	sum = ~sum;
	for (i = 0; i < t.len; i++)
		for (sum ^= (unsigned char)t.at[i], bit = 0; bit < 8; bit++)
			sum = sum >> 1 ^ ((sum & 1) != 0 ? 0xedb88320U : 0);
	return ~sum;
}

/* Adds a line as the record that comes behind those that ended in *sum, which
 * is the id's before the first. */
static inline void
checksum_add(struct text line, uint32_t *sum, struct buf *out)
{
	*sum = checksum(*sum, line);
	buf_add_text(out, line);
	buf_format(out, " %08x\n", (unsigned)*sum);
}

#endif
