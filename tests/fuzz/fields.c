#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fields.h"

static void
check(bool holds)
{
	if (!holds)
		abort();
}

static struct message *
parse(struct text input)
{
	struct message *m = message_new(NULL);
	struct error e;

	error_clear(&e);
	check(message_input(m, input.at, input.len, &e) == 0);
	check(message_end(m, &e) == 0);
	return m;
}

static void
read_all(struct message *m, struct buf *out)
{
	struct message_cursor cursor = {0};
	struct error e;
	char bytes[4096];
	long n;

	error_clear(&e);
	buf_init(out, SIZE_MAX / 4);
	while ((n = message_read(m, &cursor, bytes, sizeof(bytes), &e)) > 0)
		buf_add(out, bytes, (size_t)n);
	check(n == 0);
}

/* What was sent is read as the same fields, fit for any server. */
static void
check_fields(struct message *m, struct message *again, bool utf8)
{
	struct text old, new;
	size_t i;

	check(message_field_count(m) == message_field_count(again));
	check(message_facts(m)->body_size == message_facts(again)->body_size);
	check(!message_facts(again)->header_nul);
	for (i = 0; i < message_field_count(m); i++) {
		old = message_field(m, i)->field.name;
		new = message_field(again, i)->field.name;
		check(text_equal(old, new));
		new = message_field(again, i)->field.raw;
		check(!text_has_8bit(new) || (utf8 && text_is_utf8(new)));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text input =
	    text_skip((struct text){(const char *)data, size}, 1);
	bool utf8 = size > 0 && (data[0] & 1) != 0;
	struct fields_remarks remarks = {0}, none = {0};
	struct message *m = parse(input), *again;
	struct buf first, second;
	struct error e;

	error_clear(&e);
	if (fields_repair(m, utf8, &remarks, &e) == -1) {
		check(e.kind == ERROR_MESSAGE);
		message_free(m);
		return 0;
	}
	read_all(m, &first);
	again = parse(buf_text(&first));
	check_fields(m, again, utf8);
	check(fields_repair(again, utf8, &none, &e) == 0);
	check(none.nul + none.encoded + none.folded + none.replaced == 0);
	read_all(again, &second);
	check(text_equal(buf_text(&first), buf_text(&second)));
	buf_clear(&first);
	buf_clear(&second);
	message_free(m);
	message_free(again);
	return 0;
}
