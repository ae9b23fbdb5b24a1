#include "world/journal.h"

static void
add_length(struct buf *fields, unsigned long long len)
{
	int i;

	for (i = 0; i < 8; i++)
		buf_add_char(fields, (char)(len >> 8 * i & 0xff));
}

void
journal_add(struct buf *fields, const char *name, struct text value)
{
	buf_add_string(fields, name);
	if (text_find(value, '\n') == value.len) {
		buf_add_char(fields, '=');
	} else {
		buf_add_char(fields, '\n');
		add_length(fields, value.len);
	}
	buf_add_text(fields, value);
	buf_add_char(fields, '\n');
}
