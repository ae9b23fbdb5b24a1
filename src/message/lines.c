#include "message/lines.h"

#include <string.h>

/* Rows of octets in which compilers count with all of a wide register. */
#define ROW	  32
#define COUNT_MAX 255

bool
lines_are_plain(const struct lines *l, struct text in)
{
	return !l->cr && text_find(in, '\r') == in.len;
}

static void
note_column(struct lines *l, size_t len)
{
	if (l->over)
		return;
	l->column += len;
	l->over = l->column > LINES_MAX;
}

/* Of lines that are plain. Where one ends within LINES_MAX octets all before
 * it are short as well, so that most are not looked at. */
static void
note_plain(struct lines *l, struct text in)
{
	const char *at = in.at, *end = in.at + in.len, *lf;
	size_t seen, left;

	l->unended = end[-1] != '\n';
	while (at < end && !l->over) {
		left = (size_t)(end - at);
		seen = LINES_MAX + 1 - l->column;
		lf = memrchr(at, '\n', left < seen ? left : seen);
		if (lf == NULL) {
			note_column(l, left);
			return;
		}
		l->column = 0;
		at = lf + 1;
	}
}

static size_t
count_in_rows(const char *at, size_t rows)
{
	unsigned char counts[ROW] = {0};
	size_t i, sum = 0;

	for (; rows > 0; rows--, at += ROW)
		for (i = 0; i < ROW; i++)
			counts[i] =
			    (unsigned char)(counts[i] + (at[i] == '\n'));
	for (i = 0; i < ROW; i++)
		sum += counts[i];
	return sum;
}

static size_t
count_ends(struct text in)
{
	size_t rows, i, sum = 0;

	while (in.len >= ROW) {
		rows = text_first(in, ROW * COUNT_MAX).len / ROW;
		sum += count_in_rows(in.at, rows);
		in = text_skip(in, rows * ROW);
	}
	for (i = 0; i < in.len; i++)
		sum += in.at[i] == '\n';
	return sum;
}

size_t
lines_pass(struct lines *l, struct text in)
{
	if (in.len == 0)
		return 0;
	note_plain(l, in);
	return in.len + count_ends(in);
}

size_t
lines_copy_plain(struct text in, char *out, size_t size)
{
	const char *at = in.at, *end = in.at + in.len, *lf;
	char *to = out, *to_end = out + size;
	size_t n;

	while ((lf = memchr(at, '\n', (size_t)(end - at))) != NULL) {
		n = (size_t)(lf - at);
		if ((size_t)(to_end - to) < n + 2)
			return size + 1;
		memcpy(to, at, n);
		to += n;
		*to++ = '\r';
		*to++ = '\n';
		at = lf + 1;
	}
	n = (size_t)(end - at);
	if ((size_t)(to_end - to) < n)
		return size + 1;
	memcpy(to, at, n);
	return (size_t)(to - out) + n;
}

/* A CR at the end of a part waits for the next octet to show whether it is a
 * bare one. */
static char *
copy_part(struct lines *l, struct text part, char *to)
{
	const char *from = to;

	if (part.len == 0)
		return to;
	if (l->cr)
		*to++ = '\r';
	l->cr = part.at[part.len - 1] == '\r';
	part.len -= l->cr ? 1 : 0;
	memcpy(to, part.at, part.len);
	to += part.len;
	note_column(l, (size_t)(to - from));
	l->bare |= memchr(from, '\r', (size_t)(to - from)) != NULL;
	return to;
}

static size_t
copy_mixed(struct lines *l, struct text in, char *out, size_t size)
{
	char *to = out;
	struct text part;

	while (in.len > 0) {
		part = text_first(in, text_find(in, '\n'));
		/* An undecided CR before it, and its end. */
		if ((size_t)(out + size - to) < part.len + 3)
			return size + 1;
		to = copy_part(l, part, to);
		in = text_skip(in, part.len);
		l->unended = in.len == 0;
		if (l->unended)
			break;
		*to++ = '\r';
		*to++ = '\n';
		l->cr = false;
		l->column = 0;
		in = text_skip(in, 1);
	}
	return (size_t)(to - out);
}

size_t
lines_copy(struct lines *l, struct text in, char *out, size_t size)
{
	if (in.len == 0)
		return 0;
	if (!lines_are_plain(l, in))
		return copy_mixed(l, in, out, size);
	note_plain(l, in);
	return lines_copy_plain(in, out, size);
}

void
lines_add(struct lines *l, struct text in, struct buf *out)
{
	const size_t room = LINES_ROOM(in.len);
	char *to;

	to = buf_reserve(out, room);
	if (to != NULL)
		out->len += lines_copy(l, in, to, room);
}

void
lines_add_part(struct lines *l, struct text part, struct buf *out)
{
	char *from, *to, *cr;

	from = buf_reserve(out, part.len + 1);
	if (from == NULL)
		return;
	to = copy_part(l, part, from);
	for (cr = from; cr < to; cr++)
		if (*cr == '\r')
			*cr = ' ';
	out->len += (size_t)(to - from);
}

void
lines_end_part(struct lines *l, struct buf *out)
{
	if (l->cr)
		buf_add_char(out, ' ');
	l->bare |= l->cr;
	l->cr = false;
}

void
lines_end(struct lines *l, struct buf *out)
{
	if (l->cr) {
		buf_add_char(out, '\r');
		note_column(l, 1);
	}
	if (l->unended)
		buf_add_string(out, "\r\n");
	*l = (struct lines){.bare = l->bare || l->cr, .over = l->over};
}
