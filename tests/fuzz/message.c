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

/* Parses in pieces of that size, and reads all that is sent, or kept. */
static struct message *
parse(struct text input, size_t piece, bool kept, struct buf *out)
{
	struct message_cursor cursor = {.bare_cr = kept};
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

/* What is kept in a spool is read there as the same message. */
static void
check_kept(struct text input, size_t piece)
{
	struct message *m, *again;
	struct buf kept, other;

	m = parse(input, SIZE_MAX, true, &kept);
	again = parse(buf_text(&kept), piece, true, &other);
	check(text_equal(buf_text(&kept), buf_text(&other)));
	check(message_field_count(again) == message_field_count(m));
	check(message_facts(again)->body_size == message_facts(m)->body_size);
	check(message_facts(again)->body_long == message_facts(m)->body_long);
	check(message_facts(again)->body_8bit == message_facts(m)->body_8bit);
	check(message_facts(again)->body_utf8 == message_facts(m)->body_utf8);
	check(message_facts(again)->body_nul == message_facts(m)->body_nul);
	buf_clear(&kept);
	buf_clear(&other);
	message_free(m);
	message_free(again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t piece = size == 0 ? 1 : data[0] % 16 + 1;
	struct text input = {(const char *)data, size};
	struct message *m, *parts, *again;
	struct buf whole, other, third;

	m = parse(input, SIZE_MAX, false, &whole);
	parts = parse(input, piece, false, &other);
	check(text_equal(buf_text(&whole), buf_text(&other)));
	check(memcmp(message_facts(m), message_facts(parts),
		  sizeof(struct message_facts)) == 0);
	check_canonical(buf_text(&whole));
	again = parse(buf_text(&whole), piece, false, &third);
	check(text_equal(buf_text(&whole), buf_text(&third)));
	check(message_field_count(again) == message_field_count(m));
	check(message_facts(again)->body_size == message_facts(m)->body_size);
	check_kept(input, piece);
	buf_clear(&whole);
	buf_clear(&other);
	buf_clear(&third);
	message_free(m);
	message_free(parts);
	message_free(again);
	return 0;
}
