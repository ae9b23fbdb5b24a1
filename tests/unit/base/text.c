#include "../unit.h"

#include "base/text.h"

static void
visible(void **state)
{
	static const struct {
		struct text from;
		size_t size;
		const char *shown;
	} rows[] = {
	    {TEXT("plain"), 20, "plain"},
	    {TEXT("plain"), 6, "plain"},
	    {TEXT("plain"), 5, "p..."},
	    {TEXT("plain text"), 8, "plai..."},
	    {TEXT(""), 5, ""},
	    {TEXT("a\r\nb"), 20, "a\\x0d\\x0ab"},
	    {TEXT("a\0b\x1b[2J\x7f"), 30, "a\\x00b\\x1b[2J\\x7f"},
	    {TEXT("gr\xc3\xbcn"), 20, "gr\xc3\xbcn"},
	    {TEXT("gr\xfcn"), 20, "gr\\xfcn"},
	    {TEXT("\xc2\x9b"), 20, "\\xc2\\x9b"},
	    {TEXT("\xe2\x80\xae"), 20, "\\xe2\\x80\\xae"},
	    {TEXT("\xe2\x81\xa6"), 20, "\\xe2\\x81\\xa6"},
	    {TEXT("\xe2\x82\xac"), 20, "\xe2\x82\xac"},
	    {TEXT("\xc0\x80"), 20, "\\xc0\\x80"},
	    {TEXT("\xc3\xbc\xc3\xbc\xc3\xbc"), 6, "\xc3\xbc..."},
	};
	char out[40];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		memset(out, '!', sizeof(out));
		assert_ptr_equal(
		    text_visible(rows[i].from, out, rows[i].size), out);
		assert_string_equal(out, rows[i].shown);
		assert_int_equal(out[rows[i].size], '!');
	}
}

/* The first and the last of each range that is not shown, and beside it what
 * is. */
static void
invisible(void **state)
{
	static const char *const hidden[] = {"\xc2\x80", "\xc2\x85", "\xc2\x9f",
	    "\xc2\xad", "\xcd\x8f", "\xd8\x9c", "\xe1\x85\x9f", "\xe1\x85\xa0",
	    "\xe1\x9e\xb4", "\xe1\x9e\xb5", "\xe1\xa0\x8b", "\xe1\xa0\x8e",
	    "\xe1\xa0\x8f", "\xe2\x80\x8b", "\xe2\x80\x8d", "\xe2\x80\x8e",
	    "\xe2\x80\x8f", "\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\xaa",
	    "\xe2\x80\xae", "\xe2\x81\xa0", "\xe2\x81\xa6", "\xe2\x81\xa9",
	    "\xe2\x81\xaf", "\xe3\x85\xa4", "\xef\xb8\x80", "\xef\xb8\x8f",
	    "\xef\xbb\xbf", "\xef\xbe\xa0", "\xef\xbf\xb0", "\xef\xbf\xbb",
	    "\xf0\x9b\xb2\xa0", "\xf0\x9b\xb2\xa3", "\xf0\x9d\x85\xb3",
	    "\xf0\x9d\x85\xba", "\xf3\xa0\x80\x80", "\xf3\xa0\x80\x81",
	    "\xf3\xa0\x81\xbf", "\xf3\xa0\xbf\xbf"};
	static const char *const shown[] = {"\xc2\xa0", "\xc2\xac", "\xc2\xae",
	    "\xcd\x8e", "\xcd\x90", "\xd8\x9b", "\xd8\x9d", "\xe2\x80\x8a",
	    "\xe2\x80\x90", "\xe2\x80\xa7", "\xe2\x80\xaf", "\xe2\x81\x9f",
	    "\xe2\x81\xb0", "\xe3\x85\xa3", "\xef\xb8\x90", "\xef\xbf\xbc",
	    "\xf0\x9f\x93\xa7", "\xf4\x80\x80\x80"};
	char out[20];
	size_t i, j;

	(void)state;
	for (i = 0; i < COUNT(hidden); i++) {
		text_visible(text_of(hidden[i]), out, sizeof(out));
		if (strlen(out) != 4 * strlen(hidden[i]))
			fail_msg("row %zu is shown", i);
		for (j = 0; out[j] != '\0'; j++)
			assert_false((unsigned char)out[j] >= 0x80);
	}
	for (i = 0; i < COUNT(shown); i++)
		assert_string_equal(
		    text_visible(text_of(shown[i]), out, sizeof(out)),
		    shown[i]);
}

static void
utf8(void **state)
{
	static const struct {
		struct text text;
		bool valid;
	} rows[] = {
	    {TEXT(""), true},
	    {TEXT("ascii"), true},
	    {TEXT("\xc2\x80"), true},
	    {TEXT("\xdf\xbf"), true},
	    {TEXT("\xe0\xa0\x80"), true},
	    {TEXT("\xef\xbf\xbf"), true},
	    {TEXT("\xf0\x90\x80\x80"), true},
	    {TEXT("\xf4\x8f\xbf\xbf"), true},
	    {TEXT("\x80"), false},
	    {TEXT("\xc1\xbf"), false},
	    {TEXT("\xe0\x9f\xbf"), false},
	    {TEXT("\xed\xa0\x80"), false},
	    {TEXT("\xf0\x8f\xbf\xbf"), false},
	    {TEXT("\xf4\x90\x80\x80"), false},
	    {TEXT("\xf5\x80\x80\x80"), false},
	    {TEXT("\xc3"), false},
	    {TEXT("\xe2\x82"), false},
	    {TEXT("\xe2\x82x"), false},
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++)
		assert_int_equal(text_is_utf8(rows[i].text), rows[i].valid);
	assert_int_equal(text_ascii(text_of("")), 0);
	assert_int_equal(text_ascii(text_of("0123456789")), 10);
	assert_int_equal(text_ascii(text_of("0123456789\xc3\xbc")), 10);
	assert_int_equal(text_utf8_run(text_of("")), 0);
	assert_int_equal(text_utf8_run(text_of("a\xc3\xbc\xc3\xbcz")), 6);
	assert_int_equal(text_utf8_run(text_of("a\xc3\xbc\xc3")), 3);
}

static void
numbers(void **state)
{
	static const struct {
		struct text text;
		unsigned long long max;
		bool valid;
		unsigned long long number;
	} rows[] = {
	    {TEXT("0"), 9, true, 0},
	    {TEXT("007"), 9, true, 7},
	    {TEXT("9"), 9, true, 9},
	    {TEXT("10"), 9, false, 0},
	    {TEXT("9"), 8, false, 0},
	    {TEXT("18446744073709551615"), ~0ULL, true, ~0ULL},
	    {TEXT("18446744073709551616"), ~0ULL, false, 0},
	    {TEXT(""), 9, false, 0},
	    {TEXT("-1"), 9, false, 0},
	    {TEXT("+1"), 9, false, 0},
	    {TEXT(" 1"), 9, false, 0},
	    {TEXT("1 "), 9, false, 0},
	};
	unsigned long long number;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		number = 0;
		assert_int_equal(
		    text_number(rows[i].text, rows[i].max, &number),
		    rows[i].valid);
		assert_true(number == rows[i].number);
	}
}

static void
comparing(void **state)
{
	(void)state;
	assert_true(text_equal(TEXT("a"), TEXT("a")));
	assert_true(text_equal(text_of(NULL), TEXT("")));
	assert_false(text_equal(TEXT("a"), TEXT("A")));
	assert_true(text_equal_fold(TEXT("aZ9@["), TEXT("Az9@[")));
	/* What differs by the bit of case without being a letter. */
	assert_false(text_equal_fold(TEXT("@["), TEXT("`{")));
	assert_false(text_equal_fold(TEXT("\xc3\xbc"), TEXT("\xc3\x9c")));
	assert_true(text_starts_fold(TEXT("FROM:<a>"), TEXT("from:")));
	assert_false(text_starts_fold(TEXT("FRO"), TEXT("from:")));
}

static void
cutting(void **state)
{
	struct text line, rest, token;

	(void)state;
	assert_true(text_equal(text_trim(TEXT(" \t\r\na b\n ")), TEXT("a b")));
	assert_true(text_equal(text_skip(TEXT("abc"), 9), TEXT("")));
	assert_true(text_equal(text_first(TEXT("abc"), 9), TEXT("abc")));
	assert_int_equal(text_find(TEXT("abc"), 'c'), 2);
	assert_int_equal(text_find(TEXT("abc"), 'x'), 3);
	assert_int_equal(text_find(TEXT("a\0b"), 'b'), 2);
	rest = TEXT(", a ,,b");
	assert_true(text_next(&rest, ", ", &token));
	assert_true(text_equal(token, TEXT("a")));
	assert_true(text_next(&rest, ", ", &token));
	assert_true(text_equal(token, TEXT("b")));
	assert_false(text_next(&rest, ", ", &token));
	rest = TEXT("one\r\n\ntwo\rx");
	assert_true(text_next_line(&rest, &line));
	assert_true(text_equal(line, TEXT("one")));
	assert_true(text_next_line(&rest, &line));
	assert_true(text_equal(line, TEXT("")));
	assert_true(text_next_line(&rest, &line));
	assert_true(text_equal(line, TEXT("two\rx")));
	assert_false(text_next_line(&rest, &line));
}

static void
characters_stay_whole(void **state)
{
	static const struct {
		const char *text;
		size_t n;
		size_t expected;
	} cases[] = {
	    {"", 0, 0},
	    {"ab", 0, 0},
	    {"ab", 1, 1},
	    {"ab", 3, 2},
	    {"a\xc3\xbc", 2, 1},
	    {"a\xc3\xbc", 3, 3},
	    {"\xf0\x9f\x98\x80z", 3, 0},
	    {"\xf0\x9f\x98\x80z", 4, 4},
	    {"aa\x80\x80\x80\x80\x80\x80", 6, 3},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(text_cut(text_of(cases[i].text), cases[i].n),
		    cases[i].expected);
}

static void
classes(void **state)
{
	(void)state;
	assert_true(text_is_alpha('a') && text_is_alpha('Z'));
	assert_false(
	    text_is_alpha('@') || text_is_alpha('[') || text_is_alpha('\xe4'));
	assert_true(text_is_digit('0') && text_is_digit('9'));
	assert_false(text_is_digit('/') || text_is_digit(':'));
	assert_true(text_is_blank(' ') && text_is_blank('\t'));
	assert_false(text_is_blank('\n') || text_is_blank('\0'));
	assert_true(text_has_8bit(TEXT("a\x80")));
	assert_false(text_has_8bit(TEXT("a\x7f")));
	assert_true(text_is_control('\x1f') && text_is_control('\x7f'));
	assert_false(text_is_control(' ') || text_is_control('\x80'));
	assert_true(text_has_control(TEXT("a\x7f")));
	assert_true(text_has_control(TEXT("a\0")));
	assert_false(text_has_control(TEXT("a \x80")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(characters_stay_whole),
	    cmocka_unit_test(visible),
	    cmocka_unit_test(invisible),
	    cmocka_unit_test(utf8),
	    cmocka_unit_test(numbers),
	    cmocka_unit_test(comparing),
	    cmocka_unit_test(cutting),
	    cmocka_unit_test(classes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
