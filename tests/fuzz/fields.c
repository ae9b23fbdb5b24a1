#include <stdint.h>
#include <stdlib.h>

#include "base/buf.h"
#include "message/fields.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

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
	check(message_input(m, input.at, input.len, &e) == 0 &&
	      message_end(m, &e) == 0);
	return m;
}

static struct message *
parse_sent(struct message *m)
{
	struct message_cursor cursor = {0};
	struct message *again;
	struct error e;
	struct buf out;
	long n;

	buf_init(&out, SIZE_MAX / 4);
	n = message_read(m, &cursor, buf_reserve(&out, message_size(m)),
	    message_size(m), &e);
	check(n == (long)message_size(m));
	again = parse((struct text){out.at, (size_t)n});
	buf_clear(&out);
	return again;
}

/* What was sent is read as the same fields, fit for any server. */
static void
check_fields(struct message *m, struct message *again, bool utf8)
{
	struct header_field old, new;

	check(message_field_count(m) == message_field_count(again));
	check(!message_facts(again)->header_nul);
	for (size_t i = 0; i < message_field_count(m); i++) {
		old = message_field(m, i)->field;
		new = message_field(again, i)->field;
		check(text_equal(old.name, new.name));
		check(utf8 ? text_is_utf8(new.raw) : !text_has_8bit(new.raw));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text t = {(const char *)data, size};
	bool utf8 = size > 0 && (data[0] & 1) != 0;
	struct fields_remarks remarks = {0}, none = {0};
	struct message *m = parse(text_skip(t, 1)), *again;
	struct error e;
	size_t nuls;

	error_clear(&e);
	if (fields_drop_nul(m, &nuls, &e) == 0 &&
	    fields_repair(m, utf8, NULL, &remarks, &e) == 0) {
		again = parse_sent(m);
		check_fields(m, again, utf8);
		check(fields_repair(again, utf8, NULL, &none, &e) == 0);
		check(none.encoded + none.folded == 0);
		message_free(again);
	}
	message_free(m);
	return 0;
}
