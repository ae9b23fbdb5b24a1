#include "../unit.h"

#include "base/buf.h"
#include "message/header.h"

/* Each field is name|value, as it stands; then how the walk ended, and what
 * was left. */
static const struct {
	const char *section;
	const char *fields;
	int end;
	const char *left;
} cases[] = {
    {"", "", 0, ""},
    {"\r\n", "", 0, "\r\n"},
    {"\r\nbody", "", 0, "\r\nbody"},
    {"A: b\r\n", "A| b\n", 0, ""},
    {"A: b", "A| b\n", 0, ""},
    {"A:b\r\n", "A|b\n", 0, ""},
    {"A:\r\n", "A|\n", 0, ""},
    {"A: \r\n", "A| \n", 0, ""},
    {"A: b\r\nC: d\r\n", "A| b\nC| d\n", 0, ""},
    {"A: b\r\n\r\nC: d\r\n", "A| b\n", 0, "\r\nC: d\r\n"},
    {"A: b\r\n c\r\n\td\r\nE: f\r\n", "A| b\r\n c\r\n\td\nE| f\n", 0, ""},
    {"A:\r\n b\r\n", "A|\r\n b\n", 0, ""},
    {"A: b\r\n \r\nC: d\r\n", "A| b\r\n \nC| d\n", 0, ""},
    {"A: b\r\n \t\r\n\r\nx", "A| b\r\n \t\n", 0, "\r\nx"},
    {"A: b\r\n c: d\r\n", "A| b\r\n c: d\n", 0, ""},
    {"Bcc : x\r\n", "Bcc| x\n", 0, ""},
    {"bcc\t \t:x\r\n", "bcc|x\n", 0, ""},
    {"A::b\r\n", "A|:b\n", 0, ""},
    {"A: b\r\nno field\r\n", "A| b\n", -1, "no field\r\n"},
    {"no field\r\nA: b\r\n", "", -1, "no field\r\nA: b\r\n"},
    {" A: b\r\n", "", -1, " A: b\r\n"},
    {": b\r\n", "", -1, ": b\r\n"},
    {" : b\r\n", "", -1, " : b\r\n"},
    {"From a@b\r\n", "", -1, "From a@b\r\n"},
    {"A b: c\r\n", "", -1, "A b: c\r\n"},
    {"M\xc3\xbc: c\r\n", "", -1, "M\xc3\xbc: c\r\n"},
    {"A\x01: c\r\n", "", -1, "A\x01: c\r\n"},
    {"!#\"$%/(=~: c\r\n", "!#\"$%/(=~| c\n", 0, ""},
    {"A: \xfc\r\n", "A| \xfc\n", 0, ""},
};

static void
sections(void **state)
{
	struct header_field field;
	struct text rest;
	struct buf out;
	size_t i, raw;
	int result;

	(void)state;
	buf_init(&out, 4096);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		rest = text_of(cases[i].section);
		buf_reset(&out);
		raw = 0;
		while ((result = header_next(&rest, &field)) == 1) {
			assert_ptr_equal(field.raw.at, cases[i].section + raw);
			raw += field.raw.len;
			buf_add_text(&out, field.name);
			buf_add_char(&out, '|');
			buf_add_text(&out, field.value);
			buf_add_char(&out, '\n');
		}
		assert_string_equal(buf_string(&out), cases[i].fields);
		assert_int_equal(result, cases[i].end);
		assert_int_equal(rest.len, strlen(cases[i].left));
		assert_memory_equal(rest.at, cases[i].left, rest.len);
		assert_ptr_equal(rest.at, cases[i].section + raw);
	}
	buf_clear(&out);
}

static void
names_compare_without_case(void **state)
{
	struct text rest = TEXT("BCC : x\r\n");
	struct header_field field;

	(void)state;
	assert_int_equal(header_next(&rest, &field), 1);
	assert_true(header_is(&field, "Bcc"));
	assert_true(header_is(&field, "bcc"));
	assert_false(header_is(&field, "Bc"));
	assert_false(header_is(&field, "Bccc"));
}

static void
starts(void **state)
{
	static const struct {
		const char *line;
		bool starts;
	} lines[] = {{"A:", true}, {"A: b", true}, {"A :", true},
	    {"A\t : b", true}, {"", false}, {"A", false}, {":", false},
	    {" A:", false}, {"A b:", false}, {"From x: y", false},
	    {"From : y", true}, {"\x7f:", false}, {"\xc3\xbc:", false}};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_int_equal(
		    header_starts(text_of(lines[i].line)), lines[i].starts);
	assert_false(header_starts((struct text){"A\0:", 3}));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sections),
	    cmocka_unit_test(names_compare_without_case),
	    cmocka_unit_test(starts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
