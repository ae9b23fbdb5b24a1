#include "smtp/wire.h"

#include <string.h>

void
wire_init(struct wire *w, struct recode *r)
{
	memset(w, 0, sizeof(*w));
	w->recode = r;
	w->line_start = true;
}

/* The next dot that begins a line in bytes[from..len), or len. */
static size_t
find_leading_dot(const char *bytes, size_t from, size_t len, bool line_start)
{
	const char *dot;
	size_t at;

	for (at = from; at < len; at++) {
		dot = memchr(bytes + at, '.', len - at);
		if (dot == NULL)
			return len;
		at = (size_t)(dot - bytes);
		if (at == 0 ? line_start : bytes[at - 1] == '\n')
			return at;
	}
	return len;
}

static size_t
count_leading_dots(const char *bytes, size_t len, bool line_start)
{
	size_t at, count;

	count = 0;
	at = find_leading_dot(bytes, 0, len, line_start);
	while (at < len) {
		count++;
		at = find_leading_dot(bytes, at + 1, len, line_start);
	}
	return count;
}

/*
 * Doubles `dots` leading dots in place, from the end so that each byte moves
 * once; bytes has room for len + dots.
 */
static void
stuff(char *bytes, size_t len, size_t dots, bool line_start)
{
	size_t from, to;

	to = len + dots;
	for (from = len; to > from; from--) {
		bytes[--to] = bytes[from - 1];
		if (bytes[from - 1] == '.' &&
		    (from == 1 ? line_start : bytes[from - 2] == '\n'))
			bytes[--to] = '.';
	}
}

/* Reads the next part of the message to the end of out. 1, 0 at its end. */
static int
next_part(struct wire *w, size_t size, struct buf *out, struct error *e)
{
	size_t dots;
	char *bytes;
	bool roomy;
	long len;

	bytes = buf_reserve(out, size);
	if (bytes == NULL)
		return error_set(e, ERROR_BUG, NULL, "wire: no room");
	len = recode_read(w->recode, bytes, size, e);
	if (len <= 0)
		return (int)len;
	dots = count_leading_dots(bytes, (size_t)len, w->line_start);
	if (dots > 0) {
		/* Without room nothing may stay that could end the data. */
		out->len += (size_t)len;
		roomy = buf_reserve(out, dots) != NULL;
		out->len -= (size_t)len;
		if (!roomy)
			return error_set(e, ERROR_BUG, NULL, "wire: no room");
		bytes = out->at + out->len;
		stuff(bytes, (size_t)len, dots, w->line_start);
	}
	w->taken += (size_t)len;
	out->len += (size_t)len + dots;
	w->line_start = out->at[out->len - 1] == '\n';
	return 1;
}

int
wire_next(struct wire *w, size_t size, struct buf *out, struct error *e)
{
	int more;

	if (w->done)
		return 0;
	more = next_part(w, size, out, e);
	if (more != 0)
		return more;
	/* Canonical bytes end in CRLF, so the dot stands on its own line. */
	if (buf_add_string(out, ".\r\n") == -1)
		return error_set(e, ERROR_BUG, NULL, "wire: no room");
	w->done = true;
	return 0;
}

int
wire_chunk(struct wire *w, size_t size, struct buf *out, struct error *e)
{
	char *bytes;
	long len;

	while (size > 0) {
		bytes = buf_reserve(out, size);
		if (bytes == NULL)
			return error_set(e, ERROR_BUG, NULL, "wire: no room");
		len = recode_read(w->recode, bytes, size, e);
		if (len == 0)
			error_set(e, ERROR_BUG, NULL,
			    "wire: the message is shorter than it said");
		if (len <= 0)
			return -1;
		w->taken += (size_t)len;
		out->len += (size_t)len;
		size -= (size_t)len;
	}
	return 0;
}
