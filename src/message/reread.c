#include "message/reread.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Octets that are summed up side by side. */
#define ROW	     32
#define REREAD_LINES (LINES_ROOM(REREAD_BLOCK) + LINES_SLACK)

void
reread_init(struct reread *r,
    long (*source)(void *arg, unsigned long long offset, char *bytes,
	size_t size, struct error *e),
    void *arg)
{
	*r = (struct reread){.source = source, .arg = arg};
	buf_init(&r->raw, REREAD_BLOCK);
	buf_init(&r->lines, REREAD_LINES);
}

void
reread_clear(struct reread *r)
{
	free(r->blocks);
	buf_clear(&r->raw);
	buf_clear(&r->lines);
	reread_init(r, r->source, r->arg);
}

/*
 * Of each column, its sum and the sum of all its sums (as RFC 1950 section 9
 * has it for one), in the form that costs least. It is against accidents, and
 * no more: whoever can write to the file writes the mail.
 */
struct columns {
	unsigned char once[ROW], twice[ROW], any[ROW];
};

static void
add_rows(struct columns *c, const char *at, size_t rows)
{
	size_t i;

	for (; rows > 0; rows--, at += ROW) {
		for (i = 0; i < ROW; i++)
			c->any[i] |= (unsigned char)at[i];
		for (i = 0; i < ROW; i++)
			c->once[i] = (unsigned char)(c->once[i] + at[i]);
		for (i = 0; i < ROW; i++)
			c->twice[i] = (unsigned char)(c->twice[i] + c->once[i]);
	}
}

struct reread_sum
reread_sum(struct text in)
{
	const size_t left = in.len % ROW;
	struct columns c = {.once = {0}};
	struct reread_sum sum = {0, false};
	char last[ROW] = {0};
	size_t i;

	add_rows(&c, in.at, in.len / ROW);
	memcpy(last, in.at + in.len - left, left);
	add_rows(&c, last, 1);
	for (i = 0; i < ROW; i++) {
		sum.octets = (sum.octets * 31 + c.once[i]) * 31 + c.twice[i];
		sum.high |= c.any[i] >= 0x80;
	}
	return sum;
}

static size_t
pass(struct reread *r, struct lines *l, struct text block)
{
	if (lines_are_plain(l, block))
		return lines_pass(l, block);
	buf_reset(&r->lines);
	lines_add(l, block, &r->lines);
	return r->lines.len;
}

void
reread_add(struct reread *r, struct lines *l, unsigned long long from,
    struct text block, struct reread_sum sum)
{
	struct reread_block b = {.from = from,
	    .at = r->size,
	    .sum = sum.octets,
	    .len = block.len,
	    .cr = l->cr};
	const bool bare = l->bare;

	l->bare = false;
	r->size += pass(r, l, block);
	b.bare = l->bare;
	l->bare |= bare;
	*mem_push(r->blocks, r->count) = b;
}

void
reread_end(struct reread *r, struct lines *l)
{
	buf_reset(&r->lines);
	lines_end(l, &r->lines);
	r->size += r->lines.len;
	r->ended = true;
}

/* The block that holds the octet. */
static size_t
find(const struct reread *r, unsigned long long at)
{
	size_t low = 0, high = r->count, middle;

	while (high - low > 1) {
		middle = low + (high - low) / 2;
		if (r->blocks[middle].at <= at)
			low = middle;
		else
			high = middle;
	}
	return low;
}

static int
has_changed(struct error *e)
{
	error_set(e, ERROR_IO, "reading the message",
	    "the file that the message is in was changed meanwhile");
	return error_hint(e, "send it through a pipe, or from a file that "
			     "nobody writes to");
}

/* Reads the block's octets once more. */
static int
fetch(struct reread *r, const struct reread_block *b, struct error *e)
{
	size_t left;
	long n;

	buf_reset(&r->raw);
	while ((left = b->len - r->raw.len) > 0) {
		n = r->source(r->arg, b->from + r->raw.len,
		    buf_reserve(&r->raw, left), left, e);
		if (n == -1)
			return -1;
		if (n == 0)
			return has_changed(e);
		r->raw.len += (size_t)n;
	}
	return reread_sum(buf_text(&r->raw)).octets == b->sum ? 0
							      : has_changed(e);
}

/* Makes the lines of the block canonical in `lines', to be given out from. */
static int
load(struct reread *r, size_t index, struct error *e)
{
	const struct reread_block *b = &r->blocks[index];
	struct lines l = {.cr = b->cr};

	buf_reset(&r->lines);
	lines_add(&l, buf_text(&r->raw), &r->lines);
	/* Whatever its sum is: nobody would look for one now. */
	if (l.bare != b->bare)
		return has_changed(e);
	if (r->ended && index + 1 == r->count)
		lines_end(&l, &r->lines);
	r->loaded = index + 1;
	return 0;
}

/* The same where the whole of it fits, which saves a copy. */
static bool
copy_whole(
    const struct reread *r, size_t index, char *out, size_t size, long *copied)
{
	const struct reread_block *b = &r->blocks[index];
	struct lines l = {.cr = b->cr};
	size_t n;

	if (index + 1 == r->count || b[1].at - b->at + LINES_SLACK > size)
		return false;
	n = lines_are_plain(&l, buf_text(&r->raw))
		? lines_copy_plain(buf_text(&r->raw), out, size)
		: lines_copy(&l, buf_text(&r->raw), out, size);
	*copied = (long)n;
	return n == b[1].at - b->at && l.bare == b->bare;
}

long
reread_read(struct reread *r, unsigned long long at, char *out, size_t size,
    struct error *e)
{
	const size_t index = find(r, at);
	const struct reread_block *b;
	struct text rest;
	long copied;

	if (at >= r->size || size == 0)
		return 0;
	b = &r->blocks[index];
	if (r->loaded != index + 1) {
		if (fetch(r, b, e) == -1)
			return -1;
		if (at == b->at && copy_whole(r, index, out, size, &copied))
			return copied;
		if (load(r, index, e) == -1)
			return -1;
	}
	rest = text_skip(buf_text(&r->lines), (size_t)(at - b->at));
	rest = text_first(rest, size);
	memcpy(out, rest.at, rest.len);
	return (long)rest.len;
}
