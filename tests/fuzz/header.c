#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "message/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool holds)
{
	if (!holds)
		abort();
}

static bool
is_inside(struct text part, struct text whole)
{
	return part.at >= whole.at &&
	       part.at + part.len <= whole.at + whole.len;
}

static void
check_field(const struct header_field *f)
{
	struct header_field again;
	struct text rest = f->raw;

	check(f->name.len > 0 && f->name.at == f->raw.at);
	check(is_inside(f->value, f->raw));
	check(f->value.at[-1] == ':');
	check(text_find(f->name, ':') == f->name.len);
	check(!text_has_control(f->name) && !text_has_8bit(f->name));
	check(header_starts(f->raw));
	check(header_next(&rest, &again) == 1 && rest.len == 0);
	check(text_equal(again.value, f->value));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text rest = {(const char *)data, size};
	struct header_field field;
	struct buf joined;
	int result;

	buf_init(&joined, size);
	while ((result = header_next(&rest, &field)) == 1) {
		check_field(&field);
		check(buf_add_text(&joined, field.raw) == 0);
	}
	check(buf_add_text(&joined, rest) == 0);
	check(text_equal(
	    buf_text(&joined), (struct text){(const char *)data, size}));
	check(result == 0 || !header_starts(rest));
	buf_clear(&joined);
	return 0;
}
