#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "message/recode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool holds)
{
	if (!holds)
		abort();
}

/* All that is given, read in pieces, and exactly as much as is said. */
static void
read_all(struct recode *r, size_t piece, struct buf *out)
{
	struct error e = {.kind = ERROR_NONE};
	char *to;
	long n;

	buf_reset(out);
	do {
		to = buf_reserve(out, piece);
		n = recode_read(r, to, piece, &e);
		out->len += n > 0 ? (size_t)n : 0;
	} while (n > 0);
	check(n == 0 && out->len == recode_size(r));
	recode_rewind(r);
}

/* True with what a server gets of it; false where it is refused. */
static bool
recode(struct text input, bool eightbit, struct buf *out)
{
	struct recode_remarks remarks;
	struct message *m = message_new(NULL);
	struct recode *r;
	struct error e = {.kind = ERROR_NONE};
	struct buf pieces;

	buf_init(&pieces, SIZE_MAX / 4);
	check(message_input(m, input.at, input.len, &e) == 0);
	check(message_end(m, &e) == 0);
	r = recode_new(m, eightbit, &remarks, &e);
	check((r == NULL) == (e.kind == ERROR_MESSAGE));
	if (r != NULL) {
		read_all(r, 65536, out);
		read_all(r, input.len % 80 + 1, &pieces);
		check(text_equal(buf_text(out), buf_text(&pieces)));
		check(recode_is_8bit(r) == text_has_8bit(buf_text(out)));
	}
	recode_free(r);
	message_free(m);
	buf_clear(&pieces);
	return e.kind == ERROR_NONE;
}

/* What was given fits, and once it fits it goes through as it is. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool eightbit = size > 0 && (data[0] & 1) != 0;
	struct text input = {(const char *)data, size};
	struct buf out, again;

	buf_init(&out, SIZE_MAX / 4);
	buf_init(&again, SIZE_MAX / 4);
	if (recode(input, eightbit, &out)) {
		check(eightbit || !text_has_8bit(buf_text(&out)));
		check(text_find(buf_text(&out), '\0') == out.len);
		check(recode(buf_text(&out), eightbit, &again));
		check(text_equal(buf_text(&out), buf_text(&again)));
	}
	buf_clear(&out);
	buf_clear(&again);
	return 0;
}
