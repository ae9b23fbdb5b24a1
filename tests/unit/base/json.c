#include "../unit.h"

#include "base/json.h"

static struct buf out;

static void
begin(struct json *j)
{
	buf_clear(&out);
	buf_init(&out, 100000);
	json_init(j, &out);
}

/* What stands here as JSON is what json.loads() of Python turns into the text
 * beside it, as text_visible() shows the bytes. */
static void
strings(void **state)
{
	static const struct {
		const char *bytes;
		const char *json;
	} rows[] = {
	    {"", "\"\""},
	    {"plain", "\"plain\""},
	    {"a\"b", "\"a\\\"b\""},
	    {"\\", "\"\\\\\""},
	    {"\\n \\u0041", "\"\\\\n \\\\u0041\""},
	    {"/", "\"/\""},
	    {"a\nb", "\"a\\\\x0ab\""},
	    {"\t\r\b\f", "\"\\\\x09\\\\x0d\\\\x08\\\\x0c\""},
	    {"\x01\x1f\x7f", "\"\\\\x01\\\\x1f\\\\x7f\""},
	    {"\x1b[31m", "\"\\\\x1b[31m\""},
	    {"\xc3\xb6", "\"\xc3\xb6\""},
	    {"\xf0\x9f\x93\xa7", "\"\xf0\x9f\x93\xa7\""},
	    {"\xff\xfe", "\"\\\\xff\\\\xfe\""},
	    {"\xc3", "\"\\\\xc3\""},
	    {"\xc0\x80", "\"\\\\xc0\\\\x80\""},
	    {"\xed\xa0\x80", "\"\\\\xed\\\\xa0\\\\x80\""},
	    {"\xf4\x90\x80\x80", "\"\\\\xf4\\\\x90\\\\x80\\\\x80\""},
	    {"\xc2\x9b", "\"\\\\xc2\\\\x9b\""},
	    {"\xe2\x80\xa8", "\"\\\\xe2\\\\x80\\\\xa8\""},
	    {"\xe2\x80\xae!", "\"\\\\xe2\\\\x80\\\\xae!\""},
	};
	struct json j;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		begin(&j);
		json_add_string(&j, NULL, rows[i].bytes);
		assert_string_equal(buf_string(&out), rows[i].json);
	}
}

/* No byte of 256, alone or between others, gets out but as UTF-8 without
 * control characters, and no quote or backslash without one before it. */
static void
every_byte(void **state)
{
	char bytes[] = "a?b";
	struct text t;
	struct json j;
	size_t i;
	int c;

	(void)state;
	for (c = 1; c < 256; c++) {
		bytes[1] = (char)c;
		begin(&j);
		json_add_string(&j, NULL, bytes);
		t = buf_text(&out);
		assert_true(text_is_utf8(t));
		assert_false(text_has_control(t));
		assert_int_equal(t.at[0], '"');
		assert_int_equal(t.at[t.len - 1], '"');
		for (i = 1; i < t.len - 1; i++) {
			assert_int_not_equal(t.at[i], '"');
			if (t.at[i] == '\\')
				assert_non_null(strchr("\"\\", t.at[++i]));
		}
		assert_int_equal(i, t.len - 1);
	}
}

static void
values_and_nesting(void **state)
{
	struct json j;

	(void)state;
	begin(&j);
	json_add_object(&j, NULL);
	json_add_array(&j, "empty");
	json_end_array(&j);
	json_add_object(&j, "none");
	json_end_object(&j);
	json_add_number(&j, "least", INT64_MIN);
	json_add_number(&j, "most", INT64_MAX);
	json_add_thousandths(&j, "ms", 12045);
	json_add_thousandths(&j, "less", -7);
	json_add_array(&j, "list");
	json_add_null(&j, NULL);
	json_add_array(&j, NULL);
	json_add_number(&j, NULL, 0);
	json_end_array(&j);
	json_add_object(&j, NULL);
	json_add_string(&j, "a", NULL);
	json_end_object(&j);
	json_end_array(&j);
	json_add_string(&j, "last", "x");
	json_end_object(&j);
	assert_string_equal(buf_string(&out),
	    "{\"empty\":[],\"none\":{},\"least\":-9223372036854775808,"
	    "\"most\":9223372036854775807,\"ms\":12.045,"
	    "\"less\":-0.007,\"list\":[null,[0],"
	    "{\"a\":null}],\"last\":\"x\"}");
}

static void
too_much_is_seen(void **state)
{
	struct json j;

	(void)state;
	buf_clear(&out);
	buf_init(&out, 10);
	json_init(&j, &out);
	json_add_array(&j, NULL);
	json_add_string(&j, NULL, "longer than that");
	json_end_array(&j);
	assert_true(out.full);
}

static int
clear(void **state)
{
	(void)state;
	buf_clear(&out);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(strings),
	    cmocka_unit_test(every_byte),
	    cmocka_unit_test(values_and_nesting),
	    cmocka_unit_test(too_much_is_seen),
	};

	return cmocka_run_group_tests(tests, NULL, clear);
}
