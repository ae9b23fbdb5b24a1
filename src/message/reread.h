#ifndef REREAD_H
#define REREAD_H

/*
 * reread: the part of a body that nobody keeps, as it can be read a second time
 * where it came from. Where each of its blocks stands is known, and what it was
 * like: what is given out is what was seen before, octet for octet, or nothing.
 */

#include "base/error.h"
#include "message/lines.h"

#define REREAD_BLOCK ((size_t)32 * 1024)

struct reread_block {
	unsigned long long from; /* its first octet in the source */
	unsigned long long at;	 /* and in canonical form, of all blocks */
	unsigned long long sum;	 /* of its octets in the source */
	size_t len;		 /* of them */
	bool cr;		 /* a CR before it is not decided */
	bool bare;		 /* a CR without its LF is in it */
};

struct reread {
	long (*source)(void *arg, unsigned long long offset, char *bytes,
	    size_t size, struct error *e);
	void *arg;
	unsigned long long size; /* octets in canonical form */
	struct reread_block *blocks;
	size_t count;
	bool ended;
	struct buf raw;
	struct buf lines; /* the block `loaded' in canonical form */
	size_t loaded;	  /* counted from 1; 0: none */
};

/* source and arg are message_store's `again'. */
void reread_init(struct reread *r,
    long (*source)(void *arg, unsigned long long offset, char *bytes,
	size_t size, struct error *e),
    void *arg);
void reread_clear(struct reread *r);

/* What a block is known by, and whether an octet of it has its high bit set,
 * which costs nothing where all are summed up. */
struct reread_sum {
	unsigned long long octets;
	bool high;
};
struct reread_sum reread_sum(struct text block);

/* The next block came: at most REREAD_BLOCK octets, from the source's octet
 * `from' on; l is where the lines stand before it, sum its own. */
void reread_add(struct reread *r, struct lines *l, unsigned long long from,
    struct text block, struct reread_sum sum);

/* No further one comes. */
void reread_end(struct reread *r, struct lines *l);

/*
 * Reads canonical octets, `at' counted from the first one of all blocks.
 * Returns how many, one at least where there is one left; -1: the source's
 * error, or ERROR_IO where it is not what it was.
 */
long reread_read(struct reread *r, unsigned long long at, char *out,
    size_t size, struct error *e);

#endif
