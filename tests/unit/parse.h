#ifndef PARSE_H
#define PARSE_H

/* Messages for the tests of those who work on them. */

#include "base/buf.h"
#include "base/text.h"
#include "message/message.h"

/* The message of these octets, read to its end; the caller frees it. */
static inline struct message *
parse_in(const struct message_store *store, struct text input)
{
	struct message *m = message_new(store);
	struct error e;

	error_clear(&e);
	assert_int_equal(message_input(m, input.at, input.len, &e), 0);
	assert_int_equal(message_end(m, &e), 0);
	return m;
}

static inline struct message *
parse(struct text input)
{
	return parse_in(NULL, input);
}

/* All that is sent of it, read `size` octets at a time, in place of what
 * `out` held. */
static inline void
read_all(struct message *m, size_t size, struct buf *out)
{
	struct message_cursor cursor = {0};
	struct error e;
	char *part = malloc(size);
	long n;

	assert_non_null(part);
	error_clear(&e);
	buf_reset(out);
	while ((n = message_read(m, &cursor, part, size, &e)) > 0)
		assert_int_equal(buf_add(out, part, (size_t)n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(out->len, message_size(m));
	free(part);
}

#endif
