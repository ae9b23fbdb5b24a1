#include "../unit.h"

#include "message/fold.h"

/* A value: what stands before and behind a word of so many octets. */
static void
compose(const char *before, size_t octets, const char *behind, struct buf *out)
{
	size_t i;

	buf_reset(out);
	buf_add_string(out, before);
	for (i = 0; i < octets; i++)
		buf_add_char(out, (char)('a' + i % 26));
	buf_add_string(out, behind);
}

/* The lengths of the lines, "998 12". */
static void
describe(struct text folded, size_t column, struct buf *out)
{
	struct text line;

	buf_reset(out);
	while (text_next_line(&folded, &line)) {
		buf_format(
		    out, "%s%zu", out->len > 0 ? " " : "", column + line.len);
		column = 0;
	}
}

static void
lines_are_folded(void **state)
{
	static const struct {
		const char *before;
		size_t octets;
		const char *behind;
		size_t column;
		bool may_cut;
		const char *lengths;
	} cases[] = {
	    {"", 0, "", 8, true, ""},
	    {" ", 989, "", 8, true, "998"},
	    {" ", 990, "", 8, true, "8 991"},
	    {" ", 990, "", 8, false, "8 991"},
	    {" a ", 990, "", 8, false, "10 991"},
	    {" ", 988, " b c", 8, true, "997 4"},
	    {" ", 988, "\tb c", 8, true, "997 4"},
	    /* One word that no line has room for. */
	    {" ", 2000, " b", 8, true, "998 998 17"},
	    {" ", 998, " b", 8, true, "998 12"},
	    {" ", 998, " b", 8, false, "1007 2"},
	    {" =?u?q?", 998, "?= b", 8, true, "1015 2"},
	    {" =?u?q?", 900, "?= b", 99, true, "99 909 2"},
	    /* Lines with encoded words have less. */
	    {" =?u?q?", 55, "?= bc", 8, true, "75"},
	    {" =?u?q?", 56, "?= bc", 8, true, "76"},
	    {" =?u?q?", 57, "?= bc", 8, true, "74 3"},
	    {" =?u?q?", 57, "?=\tbc  \t", 8, true, "74 3"},
	    {" =?u?q?", 56, "?= bc  ", 8, true, "76"},
	    {" =?u?q?", 57, "?= bc\r\n d", 8, true, "74 3 2"},
	    {" =?u?q?", 57, "?=\\ bc d", 8, false, "8 72"},
	    {" a b =?u?q?", 59, "?= c", 8, true, "12 70"},
	    {" =?u?q?a?= ", 70, " b =?u?q?a?= c", 8, true, "18 73 12"},
	    {" =?u?q?a?= ", 1001, " b", 8, true, "18 998 7"},
	    {" =?u?q?", 67, "?=", 8, true, "8 76"},
	    {" =?u?q?", 68, "?=", 8, true, "85"},
	    {"  \t =?u?q?", 67, "?= a", 8, true, "8 76 2"},
	    /* Blanks at the end, and more than a line holds. */
	    {" ", 989, "   ", 8, true, "998"},
	    {" ", 989, " \\  ", 8, false, "998 3"},
	    {"  \t ", 997, "", 8, true, "8 998"},
	    /* A backslash keeps its blank only where words are not cut. */
	    {" ", 988, "\\ b c", 8, false, "8 994"},
	    {" ", 988, "\\ b c", 8, true, "998 4"},
	    /* Lines that are there. */
	    {" a\r\n ", 10, "\r\n b", 8, true, "10 11 2"},
	    {" a\r\n ", 997, "\r\n b", 8, true, "10 998 2"},
	    {" a\r\n ", 998, "\r\n b", 8, true, "10 998 2 2"},
	    {" a\r\n ", 1000, " c\r\n b", 8, false, "10 1001 2 2"},
	};
	struct buf in, out, lengths;
	size_t i;

	(void)state;
	buf_init(&in, SIZE_MAX / 4);
	buf_init(&out, SIZE_MAX / 4);
	buf_init(&lengths, SIZE_MAX / 4);
	for (i = 0; i < COUNT(cases); i++) {
		compose(cases[i].before, cases[i].octets, cases[i].behind, &in);
		buf_reset(&out);
		fold_value(
		    buf_text(&in), cases[i].column, cases[i].may_cut, &out);
		describe(buf_text(&out), cases[i].column, &lengths);
		if (strcmp(buf_string(&lengths), cases[i].lengths) != 0)
			fail_msg("%zu: %s", i, buf_string(&lengths));
	}
	buf_clear(&in);
	buf_clear(&out);
	buf_clear(&lengths);
}

/* Nowhere within 16 octets of the limit but where it must be. */
static void
words_are_cut_between_characters(void **state)
{
	static const char *const units[] = {
	    "\xc3\xbc", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "ab=", "a=?"};
	struct buf in, out;
	struct text rest, line;
	size_t i, n;

	(void)state;
	buf_init(&in, SIZE_MAX / 4);
	buf_init(&out, SIZE_MAX / 4);
	for (i = 0; i < COUNT(units); i++) {
		buf_reset(&in);
		buf_reset(&out);
		buf_add_char(&in, ' ');
		for (n = 0; n < 1000; n++)
			buf_add_string(&in, units[i]);
		fold_value(buf_text(&in), 8, true, &out);
		rest = buf_text(&out);
		for (n = 0; text_next_line(&rest, &line); n++) {
			assert_true(line.len <= LINES_MAX);
			assert_true(rest.len == 0 || line.len > 970);
			assert_true(text_is_utf8(line));
			assert_true(line.at[0] == ' ' && line.at[1] != '=');
			assert_true(line.at[line.len - 1] != '=' || i < 3 ||
				    rest.len == 0);
		}
		assert_true(n > 1);
	}
	buf_clear(&in);
	buf_clear(&out);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lines_are_folded),
	    cmocka_unit_test(words_are_cut_between_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
