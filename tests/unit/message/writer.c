#include "../unit.h"

#include "message/word.h"
#include "message/writer.h"

#define O_UML "\xc3\xb6"

/*
 * What is written of a script, behind "X:": "w" and a word that stays, "t",
 * "p" and "c" and one that is to be encoded, of a text, a phrase or a comment;
 * "s" and a special that must stand apart, "b" one that need not; "_" sets
 * white space. Each ends in "|".
 */
static void
play(const char *script, struct writer *w)
{
	struct text rest = text_of(script), t;
	char act;

	while (rest.len > 0) {
		act = rest.at[0];
		t = text_skip(text_first(rest, text_find(rest, '|')), 1);
		rest = text_skip(rest, t.len + 2);
		switch (act) {
		case 'w':
			writer_add_word(w, t);
			break;
		case 't':
			writer_encode_word(w, t, WRITER_TEXT);
			break;
		case 'p':
			writer_encode_word(w, t, WRITER_PHRASE);
			break;
		case 'c':
			writer_encode_word(w, t, WRITER_COMMENT);
			break;
		case 's':
		case 'b':
			writer_add(w, t, act == 's');
			break;
		case '_':
			w->white = t;
			break;
		default:
			fail_msg("%s", script);
		}
	}
	writer_end(w);
}

static void
values_are_written(void **state)
{
	static const struct {
		const char *script;
		const char *expected;
	} cases[] = {
	    {"_ |wa|_\t|wb|_  |", " a\tb  "},
	    {"_ |t" O_UML "|", " =?utf-8?B?w7Y=?="},
	    {"t" O_UML "|", " =?utf-8?B?w7Y=?="},
	    /* White space between two goes into the run, or stays. */
	    {"_ |t" O_UML "|_  |t" O_UML "|_ |wa|", " =?utf-8?B?w7YgIMO2?= a"},
	    {"_ |t" O_UML "|_\r\n |t" O_UML "|", " =?utf-8?B?w7Ygw7Y=?="},
	    {"_ |w=?u?q?a?=|_ |t" O_UML "|", " =?u?q?a?= =?utf-8?B?IMO2?="},
	    {"_ |t" O_UML "|_ |w=?u?q?a?=|", " =?utf-8?B?w7Yg?= =?u?q?a?="},
	    {"_ |w=?u?q?a?=|_ |wb|_ |t" O_UML "|",
		" =?u?q?a?= b =?utf-8?B?w7Y=?="},
	    {"_ |w=?u?q?a?=|s,|_ |t" O_UML "|", " =?u?q?a?=, =?utf-8?B?w7Y=?="},
	    /* What is no word stands apart, but for parentheses. */
	    {"_ |p" O_UML "|s<|wa|", " =?utf-8?B?w7Y=?= <a"},
	    {"_ |p" O_UML "|_\t|s<|wa|", " =?utf-8?B?w7Y=?=\t<a"},
	    {"_ |s(|c" O_UML "|b)|", " (=?utf-8?B?w7Y=?=)"},
	    {"_ |s:|p" O_UML "|", " : =?utf-8?B?w7Y=?="},
	    /* Quotes and backslashes. */
	    {"_ |t\"" O_UML "\\\"|", " =?utf-8?B?IsO2XCI=?="},
	    {"_ |p\"" O_UML " \\\"\\a\".\"\"b|", " =?utf-8?Q?=C3=B6_\"a.b?="},
	    {"_ |c\"" O_UML "\\)\\\\|", " =?utf-8?B?IsO2KVw=?="},
	    /* No room in the line. */
	    {"_ |w123456789 123456789 123456789 123456789 12|_ |t" O_UML "|",
		" 123456789 123456789 123456789 123456789 12\r\n "
		"=?utf-8?B?w7Y=?="},
	    {"_ |w123456789 123456789 123456789 123456789 1|_ |t" O_UML "|",
		" 123456789 123456789 123456789 123456789 1 "
		"=?utf-8?B?w7Y=?="},
	};
	struct writer w;
	struct buf out;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		buf_init(&out, 4096);
		buf_add_string(&out, "X:");
		w = (struct writer){.out = &out, .how = WORD_UTF8};
		buf_init(&w.run, 4096);
		play(cases[i].script, &w);
		assert_string_equal(buf_string(&out) + 2, cases[i].expected);
		buf_clear(&w.run);
		buf_clear(&out);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(values_are_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
