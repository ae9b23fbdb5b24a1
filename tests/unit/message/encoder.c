#include "../unit.h"

#include "message/encoder.h"

static const enum encoder_form forms[] = {ENCODER_COPY, ENCODER_PLAIN,
    ENCODER_QP, ENCODER_QP_AGAIN, ENCODER_BASE64, ENCODER_BASE64_AGAIN};

#define TEN(x)	   x x x x x x x x x x
#define HUNDRED(x) TEN(TEN(x))

/* Blanks, soft line breaks, sequences of UTF-8 and what could be a delimiter,
 * at the ends of lines and where lines have to be broken. */
static const struct text texts[] = {
    TEXT("=C3=\r\n= \t \r\n \t\r\nx=\t\r\n=20  \r\n = \r\n=== \r\n= "),
    TEXT(TEN("1234567") "x= \t \r\n" TEN("1234567") "xy \t \r\n"),
    TEXT(TEN("1234567") "12345--b\r\n--b--\r\n-\r\n"),
    TEXT("a\0\xff\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80\r\n\xe2\x82\r\n\0"),
    TEXT("\r\n\r\n.\r\n\t"),
    TEXT(HUNDRED("123456789") TEN("123456789") "12345\xe2\x82\xac-\r\n"),
    TEXT(HUNDRED("123456789") TEN("123456789") "123456\xe2\x82\xac-\r\n"),
    TEXT(HUNDRED("123456789") TEN("123456789") "1234567\xf0\x9f\x98\x80-\r\n"),
    TEXT(TEN("YWJj Zm9v") "--x\r\nYQ==\r\n\xff-\0-"),
};

/* What is not taken comes again, with what is behind it. */
static void
add(struct encoder *en, struct buf *waiting, struct text in, bool last,
    struct buf *out)
{
	size_t used;

	buf_add_text(waiting, in);
	used = encoder_take(en, buf_text(waiting), last);
	assert_true(last ? used == waiting->len : used <= waiting->len);
	buf_drop(waiting, used);
	buf_add(out, en->out, en->out_len);
}

static void
encode_cut(struct encoder *en, enum encoder_form form, struct text t,
    size_t first, size_t second, struct buf *out)
{
	struct buf waiting;

	buf_init(&waiting, ENCODER_IN);
	buf_reset(out);
	encoder_begin(en, form);
	add(en, &waiting, text_first(t, first), false, out);
	t = text_skip(t, first);
	add(en, &waiting, text_first(t, second), false, out);
	add(en, &waiting, text_skip(t, second), true, out);
	buf_clear(&waiting);
}

static bool
parts_a_line_end(struct text t, size_t at)
{
	return at > 0 && at < t.len && t.at[at - 1] == '\r';
}

static void
check_cuts(struct encoder *en, enum encoder_form form, struct text t)
{
	struct buf whole, cut;
	size_t first, second;

	buf_init(&whole, ENCODER_OUT);
	buf_init(&cut, ENCODER_OUT);
	encode_cut(en, form, t, 0, 0, &whole);
	for (first = 0; first <= t.len; first++)
		for (second = 0; second < 5 && first + second <= t.len;
		     second++) {
			if (parts_a_line_end(t, first) ||
			    parts_a_line_end(t, first + second))
				continue;
			encode_cut(en, form, t, first, second, &cut);
			assert_int_equal(cut.len, whole.len);
			assert_memory_equal(cut.at, whole.at, whole.len);
		}
	buf_clear(&whole);
	buf_clear(&cut);
}

static void
pieces_are_as_one(void **state)
{
	struct encoder *en;
	size_t i, k;
	unsigned how;

	(void)state;
	for (how = 0; how < 4; how++) {
		en = calloc(1, sizeof(*en));
		assert_non_null(en);
		encoder_init(en, (how & 1) != 0, (how & 2) != 0);
		for (i = 0; i < COUNT(forms); i++)
			for (k = 0; k < COUNT(texts); k++)
				check_cuts(en, forms[i], texts[k]);
		encoder_clear(en);
		free(en);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(pieces_are_as_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
