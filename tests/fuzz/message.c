#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "message/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool holds)
{
	if (!holds)
		abort();
}

/* Parses in pieces of that size, and reads all that is sent. */
static struct message *
parse(struct text input, size_t piece, struct buf *out)
{
	struct message_cursor cursor = {0};
	struct message *m = message_new(NULL);
	struct error e;
	char *to;
	long n;

	error_clear(&e);
	for (; input.len > 0; input = text_skip(input, piece))
		check(message_input(
			  m, input.at, text_first(input, piece).len, &e) == 0);
	check(message_end(m, &e) == 0);
	buf_init(out, SIZE_MAX / 4);
	do {
		to = buf_reserve(out, piece % 4096 + 1);
		n = message_read(m, &cursor, to, piece % 4096 + 1, &e);
		out->len += n > 0 ? (size_t)n : 0;
	} while (n > 0);
	check(n == 0 && out->len == message_size(m));
	return m;
}

static void
check_canonical(struct text t)
{
	size_t i;

	for (i = 0; i < t.len; i++)
		check((t.at[i] == '\n') == (i > 0 && t.at[i - 1] == '\r'));
	check(t.len > 0 && t.at[t.len - 1] == '\n');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t piece = size == 0 ? 1 : data[0] % 16 + 1;
	struct text input = {(const char *)data, size};
	struct message *m, *parts, *again;
	struct buf whole, other, third;

	m = parse(input, SIZE_MAX, &whole);
	parts = parse(input, piece, &other);
	check(text_equal(buf_text(&whole), buf_text(&other)));
	check(memcmp(message_facts(m), message_facts(parts),
		  sizeof(struct message_facts)) == 0);
	check_canonical(buf_text(&whole));
	again = parse(buf_text(&whole), piece, &third);
	check(text_equal(buf_text(&whole), buf_text(&third)));
	check(message_field_count(again) == message_field_count(m));
	check(message_facts(again)->body_size == message_facts(m)->body_size);
	buf_clear(&whole);
	buf_clear(&other);
	buf_clear(&third);
	message_free(m);
	message_free(parts);
	message_free(again);
	return 0;
}
