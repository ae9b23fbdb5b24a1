#include "../unit.h"

#include "message/parameter.h"

#define U_UML "\xc3\xbc"

static void
parameters_are_cut(void **state)
{
	static const struct {
		const char *input;
		const char *expected; /* lead|attribute|value|rest */
	} cases[] = {
	    {" a=b", " |a|b|"},
	    {"a = b ", "|a|b| "},
	    {"\r\n a=\"b;c\" (d)", "\r\n |a|\"b;c\"| (d)"},
	    {"a=\"b\\\"\"", "|a|\"b\\\"\"|"},
	    {"a=b c ", "|a|b c| "},
	    {"a=" U_UML, "|a|" U_UML "|"},
	    {"a*0*=b", "|a*0*|b|"},
	    {"a.b=c=d", "|a.b|c=d|"},
	    {"a", NULL},
	    {"a=", NULL},
	    {"a= ", NULL},
	    {"=b", NULL},
	    {"a b=c", NULL},
	    {"a(x)=c", NULL},
	    {U_UML "=c", NULL},
	    {"a=\"b", NULL},
	};
	struct parameter p;
	char text[100];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		if (cases[i].expected == NULL) {
			assert_false(
			    parameter_parse(text_of(cases[i].input), &p));
			continue;
		}
		assert_true(parameter_parse(text_of(cases[i].input), &p));
		snprintf(text, sizeof(text), "%.*s|%.*s|%.*s|%.*s",
		    TEXT_ARG(p.lead), TEXT_ARG(p.attribute), TEXT_ARG(p.value),
		    TEXT_ARG(p.rest));
		assert_string_equal(text, cases[i].expected);
	}
}

static void
semicolons_are_found(void **state)
{
	static const struct {
		const char *field;
		const char *pieces; /* with a '|' between two */
	} cases[] = {
	    {"", ""},
	    {"a", "a"},
	    {"a;b ;", "a|b |"},
	    {";;", "||"},
	    {"a=\"b;\\\";\"(;(;));[c;d]", "a=\"b;\\\";\"(;(;))|[c|d]"},
	    {"a=\"b;(c;d", "a=\"b|(c|d"},
	};
	struct lexer lexer;
	struct text piece;
	struct buf out;
	bool more;
	size_t i;

	(void)state;
	buf_init(&out, 100);
	for (i = 0; i < COUNT(cases); i++) {
		lexer = (struct lexer){.rest = text_of(cases[i].field),
		    .without = TOKEN_NO_LITERALS};
		buf_reset(&out);
		do {
			more = parameter_next(&lexer, &piece);
			buf_add_text(&out, piece);
			buf_add_string(&out, more ? "|" : "");
		} while (more);
		assert_string_equal(buf_string(&out), cases[i].pieces);
	}
	buf_clear(&out);
}

static void
the_other_form_is_found(void **state)
{
	static const struct {
		const char *field;
		bool found;
	} cases[] = {
	    {"a/b; NAME*=x", true},
	    {"a/b;\r\n name*0=x", true},
	    {"a/b; x=\"; y\"; name*0*=x", true},
	    {"a/b; name=x; xname*=y", false},
	    {"a/b; x=\"; name*=y\"", false},
	    {"a/b (; name*=y)", false},
	    {"name*=x", false},
	    {"a/b; name", false},
	};
	struct set set = {0};
	struct buf far;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		parameter_find_extended(text_of(cases[i].field), &set);
		assert_int_equal(set_find(&set, TEXT("name"), 0) < set.count,
		    cases[i].found);
		set_clear(&set);
	}
	/* However far behind, and however many there are. */
	buf_init(&far, SIZE_MAX / 4);
	for (i = 0; i < 100000; i++)
		buf_format(&far, "a/b; x%zu*=(", i);
	buf_add_string(&far, "; name*=x");
	parameter_find_extended(buf_text(&far), &set);
	assert_int_equal(set.count, 100001);
	assert_int_equal(set_find(&set, TEXT("name"), 0), 100000);
	set_clear(&set);
	buf_clear(&far);
}

static void
parameters_are_extended(void **state)
{
	struct buf value, out;
	struct text rest, line;
	size_t i;

	(void)state;
	buf_init(&value, 4096);
	buf_init(&out, 8192);
	parameter_extend(TEXT("n"), TEXT(U_UML " a'b*%.txt"), &out);
	assert_string_equal(
	    buf_string(&out), "n*=utf-8''%C3%BC%20a%27b%2A%25.txt");
	buf_reset(&out);
	parameter_percent(TEXT(U_UML " %20"), false, &out);
	assert_string_equal(buf_string(&out), "%C3%BC %20");
	/* In segments, none of which cuts a character. */
	for (i = 0; i < 250; i++)
		buf_add_string(&value, U_UML);
	buf_reset(&out);
	parameter_extend(TEXT("n"), buf_text(&value), &out);
	rest = buf_text(&out);
	for (i = 0; text_next_line(&rest, &line); i++) {
		assert_true(line.len < 720);
		assert_non_null(memmem(line.at, line.len, "*=", 2));
		assert_int_equal(
		    text_starts_fold(line, TEXT("n*0*=utf-8''%C3")), i == 0);
		assert_int_equal(
		    text_starts_fold(line, TEXT(" n*1*=%C3")), i == 1);
	}
	assert_int_equal(i, 3);
	buf_clear(&value);
	buf_clear(&out);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(parameters_are_cut),
	    cmocka_unit_test(semicolons_are_found),
	    cmocka_unit_test(the_other_form_is_found),
	    cmocka_unit_test(parameters_are_extended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
