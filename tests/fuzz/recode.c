#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "recode.h"

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
	struct error e;
	char *to;
	long n;

	error_clear(&e);
	buf_reset(out);
	do {
		to = buf_reserve(out, piece);
		n = recode_read(r, to, piece, &e);
		out->len += n > 0 ? (size_t)n : 0;
	} while (n > 0);
	check(n == 0 && out->len == recode_size(r));
	recode_rewind(r);
}

/* True with what a server gets of the input; false where it is refused. */
static bool
recode(struct text input, bool eightbit, size_t piece, struct buf *out,
    struct message_facts *facts)
{
	struct recode_remarks remarks;
	struct message *m = message_new(NULL);
	struct recode *r;
	struct error e;
	struct buf pieces;

	error_clear(&e);
	buf_init(&pieces, SIZE_MAX / 4);
	check(message_input(m, input.at, input.len, &e) == 0);
	check(message_end(m, &e) == 0);
	*facts = *message_facts(m);
	r = recode_new(m, eightbit, &remarks, &e);
	check((r == NULL) == (e.kind == ERROR_MESSAGE));
	if (r != NULL) {
		read_all(r, 65536, out);
		read_all(r, piece, &pieces);
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
	size_t piece = size > 0 ? data[0] + 1 : 1;
	struct text input =
	    text_skip((struct text){(const char *)data, size}, 1);
	struct message_facts facts;
	struct buf out, again;

	buf_init(&out, SIZE_MAX / 4);
	buf_init(&again, SIZE_MAX / 4);
	if (recode(input, eightbit, piece, &out, &facts)) {
		check(eightbit || !text_has_8bit(buf_text(&out)));
		check(recode(buf_text(&out), eightbit, piece, &again, &facts));
		check(text_equal(buf_text(&out), buf_text(&again)));
		check(!facts.has_nul && facts.body_longest <= RECODE_LINE_MAX);
	}
	buf_clear(&out);
	buf_clear(&again);
	return 0;
}
