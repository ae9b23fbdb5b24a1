#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define BUF_FIRST 256

void
buf_init(struct buf *b, size_t max)
{
	memset(b, 0, sizeof(*b));
	b->max = max;
}

void
buf_clear(struct buf *b)
{
	free(b->at);
	buf_init(b, b->max);
}

void
buf_wipe(struct buf *b)
{
	mem_wipe(b->at, b->size);
	buf_init(b, b->max);
}

void
buf_reset(struct buf *b)
{
	b->len = 0;
	b->full = false;
}

/*
 * Growth copies into new memory and wipes the old, since a buffer may hold a
 * secret and realloc(3) would leave a copy of it behind.
 */
static void
grow(struct buf *b, size_t need)
{
	size_t size;
	char *at;

	size = b->size == 0 ? BUF_FIRST : b->size;
	while (size < need)
		size *= 2;
	at = mem_resize(NULL, size, 1);
	if (b->len > 0)
		memcpy(at, b->at, b->len);
	mem_wipe(b->at, b->size);
	b->at = at;
	b->size = size;
}

char *
buf_reserve(struct buf *b, size_t len)
{
	if (b->full || len > b->max - b->len) {
		b->full = true;
		return NULL;
	}
	/* One byte more, for buf_string()'s NUL. */
	if (b->len + len + 1 > b->size)
		grow(b, b->len + len + 1);
	return b->at + b->len;
}

int
buf_add(struct buf *b, const void *bytes, size_t len)
{
	char *end;

	end = buf_reserve(b, len);
	if (end == NULL)
		return -1;
	if (len > 0)
		memcpy(end, bytes, len);
	b->len += len;
	return 0;
}

int
buf_add_text(struct buf *b, struct text t)
{
	return buf_add(b, t.at, t.len);
}

int
buf_add_string(struct buf *b, const char *string)
{
	return buf_add(b, string, strlen(string));
}

int
buf_add_char(struct buf *b, char c)
{
	return buf_add(b, &c, 1);
}

int
buf_format(struct buf *b, const char *fmt, ...)
{
	va_list args;
	char *end;
	int len;

	va_start(args, fmt);
	len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (len < 0 || (end = buf_reserve(b, (size_t)len)) == NULL) {
		b->full = true;
		return -1;
	}
	va_start(args, fmt);
	vsnprintf(end, (size_t)len + 1, fmt, args);
	va_end(args);
	b->len += (size_t)len;
	return 0;
}

void
buf_drop(struct buf *b, size_t n)
{
	if (n >= b->len) {
		b->len = 0;
		return;
	}
	memmove(b->at, b->at + n, b->len - n);
	b->len -= n;
}

struct text
buf_text(const struct buf *b)
{
	return (struct text){b->at, b->len};
}

const char *
buf_string(struct buf *b)
{
	if (b->at == NULL)
		return "";
	b->at[b->len] = '\0';
	return b->at;
}

char *
buf_take(struct buf *b)
{
	char *taken;

	if (b->at == NULL)
		return mem_string("", 0);
	b->at[b->len] = '\0';
	taken = b->at;
	buf_init(b, b->max);
	return taken;
}
