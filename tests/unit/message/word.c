#include "../unit.h"

#include "../decode.h"
#include "message/word.h"

#define O_UML "\xc3\xb6"

static void
encoded_words_are_recognised(void **state)
{
	static const struct {
		const char *input;
		size_t length;
	} cases[] = {
	    {"", 0},
	    {"=", 0},
	    {"=?", 0},
	    {"=?u?q?a?=", 9},
	    {"=?u?Q?a?=b", 9},
	    {"=?u?B?a?= ", 9},
	    {"=?u?q?\?=", 8},
	    {"=\??q?a?=", 8},
	    {"=?u?q?,.()<>@\"\\?=", 17},
	    {"=?u:1.2*de?q?a?=", 16},
	    {"=?u?q?\xc3\xbc?=", 10},
	    {"=?u?q?a", 0},
	    {"=?u?q?a?", 0},
	    {"=?u?q?", 0},
	    {"=?u?q", 0},
	    {"=?u?", 0},
	    {"=?u?x?a?=", 0},
	    {"=?u?qq?a?=", 0},
	    {"=?u?q?a b?=", 0},
	    {"=?u?q?a\tb?=", 0},
	    {"=?u?q?a?b?=", 0},
	    {"=?u u?q?a?=", 0},
	    {"=?u(u?q?a?=", 0},
	    {"=?u,u?q?a?=", 0},
	    {"=?u\x7f?q?a?=", 0},
	    {" =?u?q?a?=", 0},
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++)
		assert_int_equal(
		    word_length(text_of(cases[i].input)), cases[i].length);
	assert_int_equal(word_length((struct text){"=?u?q?\0?=", 9}), 0);
	assert_int_equal(word_length((struct text){"=?\0?q?a?=", 9}), 0);
}

static void
the_last_encoded_word_is_found(void **state)
{
	static const struct {
		const char *input;
		size_t octets;
	} cases[] = {
	    {"", 0},
	    {"a =b =?u?q?a", 0},
	    {"=?u?q?a?=", 9},
	    {"=?u?q?a?= =?u?q?b?=c", 10},
	    {"a(=?u?q?a?=)==?u?q?", 17},
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++)
		assert_int_equal(
		    word_find_last(text_of(cases[i].input)), cases[i].octets);
}

static void
text_is_encoded(void **state)
{
	static const struct {
		const char *text;
		unsigned how;
		size_t column;
		const char *expected;
	} cases[] = {
	    {"", 0, 0, ""},
	    {"a b", 0, 0, "=?unknown-8bit?Q?a_b?="},
	    {"a.b", WORD_UTF8, 0, "=?utf-8?Q?a.b?="},
	    {"a.bcdefghij", WORD_UTF8 | WORD_PHRASE, 0,
		"=?utf-8?Q?a=2Ebcdefghij?="},
	    {"\xc3\xbc", WORD_UTF8, 0, "=?utf-8?B?w7w=?="},
	    {"\xc3\xbc", 0, 0, "=?unknown-8bit?B?w7w=?="},
	    {"=?_ \t", WORD_UTF8, 0, "=?utf-8?B?PT9fIAk=?="},
	    {"abcdefghijklmnopqrstuvwxyz", WORD_UTF8, 60,
		"=?utf-8?Q?abcdefghijkl?=\r\n =?utf-8?Q?mnopqrstuvwxyz?="},
	};
	struct buf out;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		buf_init(&out, 200);
		assert_int_equal(word_encode(text_of(cases[i].text),
				     cases[i].how, cases[i].column, &out),
		    0);
		assert_string_equal(buf_string(&out), cases[i].expected);
		buf_clear(&out);
	}
}

/* Every column and every length of text. */
static void
encoded_words_fit(void **state)
{
	static const char *const units[] = {
	    "a", O_UML, "a ", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xff", "=?"};
	struct text charset, line, rest;
	struct buf text, out, back;
	size_t column, i, len;
	unsigned how;

	(void)state;
	buf_init(&text, SIZE_MAX / 4);
	buf_init(&out, SIZE_MAX / 4);
	buf_init(&back, SIZE_MAX / 4);
	for (i = 0; i < COUNT(units) * 2; i++)
		for (column = 0; column < 80; column += 3) {
			buf_reset(&text);
			buf_reset(&out);
			buf_reset(&back);
			for (len = 0; len < column + 20; len++)
				buf_add_string(&text, units[i / 2]);
			how = i % 2 == 0 ? WORD_PHRASE : 0;
			if (text_is_utf8(buf_text(&text)))
				how |= WORD_UTF8;
			assert_int_equal(
			    word_encode(buf_text(&text), how, column, &out), 0);
			rest = buf_text(&out);
			while (text_next_line(&rest, &line)) {
				assert_true(line.len <= 76);
				line = text_trim(line);
				assert_int_equal(
				    decode_word(line, &charset, &back),
				    line.len);
				assert_true(line.len <= 75);
			}
			assert_true(
			    text_equal(buf_text(&text), buf_text(&back)));
		}
	buf_clear(&text);
	buf_clear(&out);
	buf_clear(&back);
}

static void
an_encoded_phrase_has_only_what_it_may(void **state)
{
	struct buf out;
	struct text rest;
	char all[256];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(all); i++)
		all[i] = (char)(i < 128 && i > 31 ? i : 'a');
	buf_init(&out, SIZE_MAX / 4);
	word_encode((struct text){all, sizeof(all)}, WORD_PHRASE, 0, &out);
	rest = buf_text(&out);
	for (i = 0; i < rest.len; i++)
		assert_true(text_is_alpha(rest.at[i]) ||
			    text_is_digit(rest.at[i]) ||
			    strchr("!*+-/=_?\r\n ", rest.at[i]) != NULL);
	buf_clear(&out);
	buf_init(&out, 20);
	assert_int_equal(
	    word_encode((struct text){all, sizeof(all)}, WORD_PHRASE, 0, &out),
	    -1);
	buf_clear(&out);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(encoded_words_are_recognised),
	    cmocka_unit_test(the_last_encoded_word_is_found),
	    cmocka_unit_test(text_is_encoded),
	    cmocka_unit_test(encoded_words_fit),
	    cmocka_unit_test(an_encoded_phrase_has_only_what_it_may),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
