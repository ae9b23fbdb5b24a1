#include "../unit.h"

#include "message/word.h"

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

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(encoded_words_are_recognised),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
