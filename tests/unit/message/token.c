#include "../unit.h"

#include "base/buf.h"
#include "message/token.h"

/* The tokens with a space between two, each as its kind and its text. */
static void
check_tokens(struct text input, unsigned without, const char *expected)
{
	struct lexer lexer = {.rest = input, .without = without};
	struct token token;
	struct buf out;

	buf_init(&out, 4096);
	while (token_next(&lexer, &token))
		buf_format(&out, "%s%c%.*s", out.len > 0 ? " " : "", token.kind,
		    TEXT_ARG(token.text));
	assert_int_equal(token.kind, TOKEN_END);
	assert_int_equal(token.text.len, 0);
	assert_ptr_equal(token.text.at, text_skip(input, input.len).at);
	assert_string_equal(buf_string(&out), expected);
	buf_clear(&out);
}

static void
tokens(void **state)
{
	static const struct {
		const char *input;
		const char *expected;
	} cases[] = {
	    {"", ""},
	    {"abc", "aabc"},
	    {"a.b@c", "aa .. ab @@ ac"},
	    {" \t\r\n\t a", "w \t\r\n\t  aa"},
	    {"\r\n", "x\r x\n"},
	    {"\ra\n b\x7f", "x\r aa x\n w  ab x\x7f"},
	    {"a\x01"
	     "b",
		"aa x\x01 ab"},
	    {"<a>,:;", "<< aa >> ,, :: ;;"},
	    {"M\xc3\xbcller\xff", "aM\xc3\xbcller\xff"},
	    {"-!#$%&'*+/=?^_`{|}~1", "a-!#$%&'*+/=?^_`{|}~1"},
	    {"\"a b\"c", "q\"a b\" ac"},
	    {"\"\"", "q\"\""},
	    {"\"a\\\"(\"", "q\"a\\\"(\""},
	    {"\"a", "\"\" aa"},
	    {"\"a\\\"", "\"\" aa \\\\ \"\""},
	    {"\"a\\", "\"\" aa \\\\"},
	    {"\\\"a\"", "\\\\ q\"a\""},
	    {"(a (b) \\) \")c", "c(a (b) \\) \") ac"},
	    {"(a (b) (c)", "(( aa w  (( ab )) w  (( ac ))"},
	    {")(", ")) (("},
	    {"[a [b] c]", "l[a [b] w  ac ]]"},
	    {"[a\\]]", "l[a\\]]"},
	    {"[a", "[[ aa"},
	    {"=?u?q?a,(?=b", "a=?u?q?a,(?=b"},
	    {"a=?u?B?.?=", "aa=?u?B?.?="},
	    {"=?u?q?a b?=", "a=?u?q?a w  ab?="},
	    {"=?u?x?a.b?=", "a=?u?x?a .. ab?="},
	    {"=?u:x?q?a,?=", "a=?u:x?q?a,?="},
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++)
		check_tokens(text_of(cases[i].input), 0, cases[i].expected);
	check_tokens((struct text){"a\0b", 3}, 0, "aa x ab");
	check_tokens((struct text){NULL, 0}, 0, "");
}

static void
delimiters_may_be_specials(void **state)
{
	(void)state;
	check_tokens(
	    TEXT("(a)\"b\"[c]"), TOKEN_NO_COMMENTS, "(( aa )) q\"b\" l[c]");
	check_tokens(
	    TEXT("(a)\"b\"[c]"), TOKEN_NO_QUOTED, "c(a) \"\" ab \"\" l[c]");
	check_tokens(
	    TEXT("(a)\"b\"[c]"), TOKEN_NO_LITERALS, "c(a) q\"b\" [[ ac ]]");
}

/* Where the first control character stands, between delimiters only. */
static void
controls_are_seen(void **state)
{
	static const struct {
		const char *input;
		int at; /* -1: nowhere */
	} cases[] = {
	    {"\"a\tb\r\n c\"", -1},
	    {"\"a\r\nb\"", 2},
	    {"\"a\\\r\n b\"", 3},
	    {"(a(\x01)\x02)", 3},
	    {"[\x7f]", 1},
	    {"\"\n", 1},
	    {"((a)\n", 4},
	    {"\x01", -1},
	};
	struct lexer lexer;
	struct token token;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		lexer = (struct lexer){.rest = text_of(cases[i].input)};
		assert_true(token_next(&lexer, &token));
		assert_ptr_equal(token.control,
		    cases[i].at == -1 ? NULL : cases[i].input + cases[i].at);
	}
}

static void
encoded_atoms_are_marked(void **state)
{
	static const struct {
		const char *input;
		bool encoded;
	} cases[] = {
	    {"a=?u?q?a?=", false},
	    {"=?u?q?a.?=", true},
	    {"=?a:b?q?a?=", true},
	    {"=?u?q?a.?", false},
	};
	struct lexer lexer;
	struct token token;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		lexer = (struct lexer){.rest = text_of(cases[i].input)};
		assert_true(token_next(&lexer, &token));
		assert_int_equal(token.encoded, cases[i].encoded);
	}
}

/* An octet that was quoted has a '|' before it. */
static void
quoting_is_taken_off(void **state)
{
	static const struct {
		const char *enclosed;
		const char *expected;
	} cases[] = {
	    {"\"\"", ""},
	    {"\"a b\"", "a b"},
	    {"\"a\\\"\\\\b\\c\"", "a|\"|\\b|c"},
	    {"\"a\r\n\tb\r\n\"", "a\tb\r\n"},
	    {"\"a\\\"", "a\\"},
	    {"\"a\\\r\n \\\"\"", "a| |\""},
	    {"[\\\\ ]", "|\\ "},
	    {"(a(b))", "a(b)"},
	};
	struct text inside;
	struct buf out;
	bool quoted;
	size_t i;
	char c;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		buf_init(&out, 100);
		inside = token_inside(text_of(cases[i].enclosed));
		while (token_unquote(&inside, &c, &quoted))
			buf_format(&out, "%s%c", quoted ? "|" : "", c);
		assert_string_equal(buf_string(&out), cases[i].expected);
		buf_clear(&out);
	}
}

static void
words_are_meant(void **state)
{
	static const struct {
		const char *word;
		const char *meant;
	} cases[] = {
	    {"a.b", "a.b"},
	    {"\"a b\"", "a b"},
	    {"\"\\a\\\"@\"", "a\"@"},
	    {"\"a", "\"a"},
	    {"\"\"", ""},
	    {"", ""},
	};
	struct buf out;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		buf_init(&out, 100);
		token_add_meant(text_of(cases[i].word), &out);
		assert_string_equal(buf_string(&out), cases[i].meant);
		buf_clear(&out);
	}
}

static void
local_parts_are_told_apart(void **state)
{
	static const struct {
		const char *input;
		bool dot_atom;
		bool quoted;
	} cases[] = {
	    {"", false, false},
	    {"a", true, false},
	    {"a.b", true, false},
	    {".a", false, false},
	    {"a.", false, false},
	    {"a..b", false, false},
	    {"a b", false, false},
	    {"a@b", false, false},
	    {"\xc3\xbc", true, false},
	    {"\"\"", false, true},
	    {"\"a\\\"\"", false, true},
	    {"\"a\\\"", false, false},
	    {"\"a\"b", false, false},
	    {"\"", false, false},
	    {" \"a\"", false, false},
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		assert_int_equal(token_is_atoms(text_of(cases[i].input), '.'),
		    cases[i].dot_atom);
		assert_int_equal(
		    token_is_quoted(text_of(cases[i].input)), cases[i].quoted);
	}
}

/* Quadratic work on these would take hours, recursion the stack. */
static void
large_inputs(void **state)
{
	static const struct {
		const char *repeated;
		size_t tokens;
	} large[] = {
	    {"(", 1000000},
	    {"\"", 500000},
	    {"[", 1000000},
	    {"\\", 1000000},
	    {"(\"[", 1500000},
	    {"=?", 1},
	    {"=?x?q?", 1},
	    {"=?x?q?,?=", 1},
	    {"\r\n ", 1},
	    {"\r\n", 2000000},
	};
	struct lexer lexer;
	struct token token;
	struct buf in;
	size_t i, n;

	(void)state;
	buf_init(&in, SIZE_MAX / 4);
	for (i = 0; i < COUNT(large); i++) {
		buf_reset(&in);
		for (n = 0; n < 1000000; n++)
			buf_add_string(&in, large[i].repeated);
		lexer = (struct lexer){.rest = buf_text(&in)};
		for (n = 0; token_next(&lexer, &token); n++)
			continue;
		assert_int_equal(n, large[i].tokens);
	}
	buf_reset(&in);
	for (n = 0; n < 1000000; n++)
		buf_add_char(&in, '(');
	for (n = 0; n < 1000000; n++)
		buf_add_char(&in, ')');
	lexer = (struct lexer){.rest = buf_text(&in)};
	assert_true(token_next(&lexer, &token));
	assert_int_equal(token.kind, TOKEN_COMMENT);
	assert_int_equal(token.text.len, 2000000);
	buf_clear(&in);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(tokens),
	    cmocka_unit_test(delimiters_may_be_specials),
	    cmocka_unit_test(controls_are_seen),
	    cmocka_unit_test(encoded_atoms_are_marked),
	    cmocka_unit_test(quoting_is_taken_off),
	    cmocka_unit_test(words_are_meant),
	    cmocka_unit_test(local_parts_are_told_apart),
	    cmocka_unit_test(large_inputs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
