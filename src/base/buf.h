#ifndef BUF_H
#define BUF_H

/*
 * buf: growable bytes with a hard maximum, so that no peer and no caller can
 * exhaust memory. Adding past the maximum adds nothing, sets `full` and
 * returns -1; `full` stays set, so a run of adds may be checked once at its
 * end. Running out of memory below the maximum ends the program (mem).
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

struct buf {
	char *at; /* len bytes, owned; NULL while nothing was added */
	size_t len;
	size_t size; /* allocated */
	size_t max;
	bool full; /* an add was refused */
};

/* An empty buffer of at most max bytes; allocates nothing. */
void buf_init(struct buf *b, size_t max);

/* Frees; the buffer is empty again with the same maximum. */
void buf_clear(struct buf *b);

/* The same, overwriting the bytes first. */
void buf_wipe(struct buf *b);

/* Forgets the content, keeps the memory, clears `full`. */
void buf_reset(struct buf *b);

int buf_add(struct buf *b, const void *bytes, size_t len);
int buf_add_text(struct buf *b, struct text t);
int buf_add_string(struct buf *b, const char *string);
int buf_add_char(struct buf *b, char c);
int buf_format(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Makes room for len more bytes at at + len; NULL past the maximum. The
 * caller writes there and then adds what it wrote to b->len. */
char *buf_reserve(struct buf *b, size_t len);

/* Removes the first n bytes (clamped). */
void buf_drop(struct buf *b, size_t n);

/* The content, valid until the next change. */
struct text buf_text(const struct buf *b);

/* The content as a string with a NUL behind it that does not count; valid
 * until the next change. */
const char *buf_string(struct buf *b);

/* The content as a string the caller frees; the buffer is empty after. */
char *buf_take(struct buf *b);

#endif
