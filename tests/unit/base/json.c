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
	json_add_truth(&j, NULL, true);
	json_add_truth(&j, NULL, false);
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
	    "\"less\":-0.007,\"list\":[null,true,false,[0],"
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

static const struct {
	const char *object;
	const char *value; /* of "status"; NULL: none */
} objects[] = {
    {"{\"status\":\"401\",\"schemes\":\"bearer mac\"}", "401"},
    {" {\t\"schemes\" : \"x\" ,\r\n \"status\" : \"a b\" } ", "a b"},
    {"{\"status\":401}", "401"},
    {"{\"status\":-1.5e+3}", "-1.5e+3"},
    {"{\"status\":true}", "true"},
    {"{\"status\":\"\"}", ""},
    {"{\"a\":{\"status\":\"x\",\"b\":[{}]},\"status\":\"y\"}", "y"},
    {"{\"a\":[\"]\",\"\\\"}\"],\"status\":\"y\"}", "y"},
    {"{\"status\":\"1\",\"status\":\"2\"}", "1"},
    {"{\"status\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"}", "\"\\/\b\f\n\r\t"},
    {"{\"status\":\"\\u0041\\u00e4\\u20AC\\ud83d\\ude00\"}",
	"A\303\244\342\202\254\360\237\230\200"},
    {"{\"status\":\"\\ud83dx\"}", "\355\240\275x"},
    {"{\"st\\u0061tus\":\"x\"}", "x"},
    /* Cut off behind the value, it is still one. */
    {"{\"status\":\"x\"", "x"},
    {"{\"status\":{\"a\":1}}", NULL},
    {"{\"status\":[1]}", NULL},
    {"{\"Status\":\"x\"}", NULL},
    {"{\"statu\":\"x\",\"statuss\":\"x\"}", NULL},
    {"{\"status\":\"x", NULL},
    {"{\"status\":\"x\\", NULL},
    {"{\"status\":\"\\x\"}", NULL},
    {"{\"status\":\"\\u12\"}", NULL},
    {"{\"status\":\"\\u12g4\"}", NULL},
    {"{\"status\":}", NULL},
    {"{\"status\"}", NULL},
    {"{\"a\":[[[\"status\":\"x\"}", NULL},
    {"{\"a\" \"status\":\"x\"}", NULL},
    {"[\"status\",\"x\"]", NULL},
    {"status: x", NULL},
    {"{}", NULL},
    {"{", NULL},
    {"", NULL},
};

static void
a_member_is_found(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(objects); i++) {
		buf_clear(&out);
		buf_init(&out, 100);
		assert_int_equal(
		    json_find(text_of(objects[i].object), "status", &out),
		    objects[i].value == NULL ? -1 : 0);
		assert_string_equal(buf_string(&out),
		    objects[i].value == NULL ? "" : objects[i].value);
	}
	buf_clear(&out);
	buf_init(&out, 3);
	assert_int_equal(
	    json_find(TEXT("{\"status\":\"long\"}"), "status", &out), -1);
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
	    cmocka_unit_test(a_member_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, clear);
}
