#include "../unit.h"

#include "submit/dsn.h"

static void
notify_both_ways(void **state)
{
	static const struct {
		const char *list;
		int notify; /* -1: refused */
		const char *formatted;
	} rows[] = {
	    {"never", NOTIFY_NEVER, "NEVER"},
	    {" NEVER\t", NOTIFY_NEVER, "NEVER"},
	    {"success", NOTIFY_SUCCESS, "SUCCESS"},
	    {"failure,failure", NOTIFY_FAILURE, "FAILURE"},
	    {"delay,success,failure",
		NOTIFY_SUCCESS | NOTIFY_FAILURE | NOTIFY_DELAY,
		"SUCCESS,FAILURE,DELAY"},
	    {"Delay, failure", NOTIFY_FAILURE | NOTIFY_DELAY, "FAILURE,DELAY"},
	    {"", -1, ""},
	    {",", -1, ""},
	    {"never,", -1, ""},
	    {"never,never", -1, ""},
	    {"never,success", -1, ""},
	    {"success,never", -1, ""},
	    {"fail", -1, ""},
	    {"successes", -1, ""},
	    {"success;delay", -1, ""},
	};
	unsigned notify, again;
	struct buf out;
	int result;

	(void)state;
	buf_init(&out, 100);
	for (size_t i = 0; i < COUNT(rows); i++) {
		notify = 99;
		result = dsn_parse_notify(text_of(rows[i].list), &notify);
		assert_int_equal(result, rows[i].notify == -1 ? -1 : 0);
		if (result == -1) {
			assert_int_equal(notify, 99);
			continue;
		}
		assert_int_equal(notify, rows[i].notify);
		buf_reset(&out);
		assert_int_equal(dsn_format_notify(notify, &out), 0);
		assert_string_equal(buf_string(&out), rows[i].formatted);
		assert_int_equal(dsn_parse_notify(buf_text(&out), &again), 0);
		assert_int_equal(again, notify);
	}
	buf_reset(&out);
	assert_int_equal(dsn_format_notify(0, &out), 0);
	assert_int_equal(out.len, 0);
	buf_clear(&out);
}

static void
ret_both_ways(void **state)
{
	static const struct {
		const char *word;
		enum dsn_ret ret; /* RET_NONE: refused */
		const char *formatted;
	} rows[] = {
	    {"Full", RET_FULL, "FULL"},
	    {"hdrs", RET_HDRS, "HDRS"},
	    {"header", RET_NONE, ""},
	    {"full,hdrs", RET_NONE, ""},
	    {"", RET_NONE, ""},
	};
	enum dsn_ret ret;
	struct buf out;

	(void)state;
	buf_init(&out, 100);
	for (size_t i = 0; i < COUNT(rows); i++) {
		ret = RET_NONE;
		assert_int_equal(dsn_parse_ret(text_of(rows[i].word), &ret),
		    rows[i].ret == RET_NONE ? -1 : 0);
		assert_int_equal(ret, rows[i].ret);
		buf_reset(&out);
		assert_int_equal(dsn_format_ret(ret, &out), 0);
		assert_string_equal(buf_string(&out), rows[i].formatted);
	}
	buf_clear(&out);
}

static void
xtext_formats(void **state)
{
	static const struct {
		struct text from;
		const char *to;
	} rows[] = {
	    {{"QQ314159", 8}, "QQ314159"},
	    {{"a+b=c d", 7}, "a+2Bb+3Dc+20d"},
	    {{"\xc3\xa9\0~!", 5}, "+C3+A9+00~!"},
	    {{"", 0}, ""},
	};
	struct buf out;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		buf_init(&out, 100);
		assert_int_equal(dsn_format_xtext(rows[i].from, &out), 0);
		assert_string_equal(buf_string(&out), rows[i].to);
		buf_clear(&out);
	}
	buf_init(&out, 5);
	assert_int_equal(dsn_format_xtext(TEXT("a+b+c"), &out), -1);
	buf_clear(&out);
}

static void
no_xtext(void **state)
{
	static const char *const rows[] = {"=", "a=b", "a b", "+", "+4", "+4x",
	    "+x4", "+2b", "a+", "a+2", "\xc3\xa9", "a\x7f", "a\n", "++41"};
	struct buf out;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		buf_init(&out, 100);
		assert_int_equal(dsn_parse_xtext(text_of(rows[i]), &out), -1);
		buf_clear(&out);
	}
	buf_init(&out, 2);
	assert_int_equal(dsn_parse_xtext(TEXT("a+41b"), &out), -1);
	buf_clear(&out);
}

/* Whatever octets go in are printable without blank, and come back. */
static void
xtext_comes_back(void **state)
{
	char bytes[64];
	struct text given = {bytes, 0};
	struct buf xtext, back;
	unsigned seed = 1;

	(void)state;
	buf_init(&xtext, 3 * sizeof(bytes));
	buf_init(&back, sizeof(bytes));
	for (int run = 0; run < 20000; run++) {
		seed = seed * 1103515245U + 12345U;
		given.len = seed >> 16 & 63;
		for (size_t i = 0; i < given.len; i++) {
			seed = seed * 1103515245U + 12345U;
			bytes[i] = (char)(seed >> 16);
		}
		buf_reset(&xtext);
		buf_reset(&back);
		assert_int_equal(dsn_format_xtext(given, &xtext), 0);
		assert_false(text_has_control(buf_text(&xtext)));
		assert_false(text_has_8bit(buf_text(&xtext)));
		assert_int_equal(
		    text_find(buf_text(&xtext), ' '), buf_text(&xtext).len);
		assert_int_equal(dsn_parse_xtext(buf_text(&xtext), &back), 0);
		assert_true(text_equal(buf_text(&back), given));
	}
	buf_clear(&xtext);
	buf_clear(&back);
}

static void
envid_both_ways(void **state)
{
	char hundred[101];
	struct {
		struct text id;
		const char *xtext; /* NULL: refused */
	} rows[] = {
	    {TEXT("a b"), "a+20b"},
	    {TEXT("QQ314159"), "QQ314159"},
	    {{hundred, 100}, NULL},
	    {{hundred, 101}, NULL},
	    {TEXT(""), NULL},
	    {TEXT("a\r\nb"), NULL},
	    {TEXT("a\0b"), NULL},
	    {TEXT("\xc3\xa9"), NULL},
	};
	char *xtext, *id, three[301] = "";
	struct error e;

	(void)state;
	memset(hundred, '+', sizeof(hundred));
	for (size_t i = 0; i < 100; i++)
		strlcat(three, "+2B", sizeof(three));
	rows[2].xtext = three;
	for (size_t i = 0; i < COUNT(rows); i++) {
		error_clear(&e);
		xtext = dsn_format_envid(rows[i].id, &e);
		if (rows[i].xtext == NULL) {
			assert_null(xtext);
			assert_int_equal(e.kind, ERROR_USAGE);
			continue;
		}
		assert_string_equal(xtext, rows[i].xtext);
		id = dsn_parse_envid(text_of(xtext));
		assert_non_null(id);
		assert_true(text_equal(text_of(id), rows[i].id));
		free(id);
		free(xtext);
	}
}

static void
no_envid(void **state)
{
	static const char *const rows[] = {
	    "", "+0D+0A", "a+00b", "+C3+A9", "a=b", "a+2", "\xc3\xa9"};
	char many[102];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_null(dsn_parse_envid(text_of(rows[i])));
	memset(many, 'x', sizeof(many));
	assert_null(dsn_parse_envid((struct text){many, 101}));
}

static void
orcpt_both_ways(void **state)
{
	static const struct {
		const char *path;
		const char *orcpt;
	} rows[] = {
	    {"a@b", "rfc822;a@b"},
	    {"a+b=c@d", "rfc822;a+2Bb+3Dc@d"},
	    {"\"a b\"@c", "rfc822;\"a+20b\"@c"},
	};
	char path[501], *orcpt;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		orcpt = dsn_format_orcpt(text_of(rows[i].path));
		assert_string_equal(orcpt, rows[i].orcpt);
		assert_true(dsn_check_orcpt(text_of(orcpt)));
		free(orcpt);
	}
	memset(path, 'x', sizeof(path));
	orcpt = dsn_format_orcpt((struct text){path, 493});
	assert_int_equal(strlen(orcpt), 500);
	free(orcpt);
	assert_null(dsn_format_orcpt((struct text){path, 494}));
}

static void
orcpt_is_checked(void **state)
{
	static const struct {
		const char *orcpt;
		bool valid;
	} rows[] = {
	    {"rfc822;a@b", true},
	    {"x400;/C=", false},
	    {"x400;/C+3Dde", true},
	    {"", false},
	    {";a@b", false},
	    {"rfc822", false},
	    {"rfc822;", false},
	    {"rfc822;a b", false},
	    {"rfc822;a+2", false},
	    {"rfc822;\xc3\xa9", false},
	    {"\xc3\xa9;a@b", false},
	};
	char many[502] = "rfc822;";

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(
		    dsn_check_orcpt(text_of(rows[i].orcpt)), rows[i].valid);
	memset(many + 7, 'x', 494);
	assert_false(dsn_check_orcpt((struct text){many, 501}));
	assert_true(dsn_check_orcpt((struct text){many, 500}));
}

static void
wishes_both_ways(void **state)
{
	static const struct {
		const char *setting;
		int result;
		const char *parameter;
	} rows[] = {
	    {"mt-priority=-9", 1, " MT-PRIORITY=-9"},
	    {"MT-Priority=0", 1, " MT-PRIORITY=0"},
	    {"mt-priority=9", 1, " MT-PRIORITY=9"},
	    {"mt-priority=10", -1, ""},
	    {"mt-priority=--1", -1, ""},
	    {"mt-priority=", -1, ""},
	    {"mt-priority", -1, ""},
	    {"deliver-by=1;r", 1, " BY=1;r"},
	    {"deliver-by=999999999;NT", 1, " BY=999999999;NT"},
	    {"deliver-by=1000000000;R", -1, ""},
	    {"deliver-by=0;R", -1, ""},
	    {"deliver-by=-1;R", -1, ""},
	    {"deliver-by=1;", -1, ""},
	    {"deliver-by=1", -1, ""},
	    {"deliver-by=1;X", -1, ""},
	    {"deliver-by=1;RX", -1, ""},
	    {"deliver-by=1;RTT", -1, ""},
	    {"hold-for=60", 1, " HOLDFOR=60"},
	    {"hold-for=0", -1, ""},
	    {"hold-for=1 2", -1, ""},
	    {"hold-until=2026-12-24T08:00:00Z", 1,
		" HOLDUNTIL=2026-12-24T08:00:00Z"},
	    {"hold-until=", -1, ""},
	    {"hold-until=tomorrow", -1, ""},
	    {"hold-until=2026-12-24T08:00:00.000000+01:00", -1, ""},
	    {"hold-until=1 SIZE=1", -1, ""},
	    {"priority=1", 0, ""},
	    {"", 0, ""},
	};
	struct wishes wishes;
	struct buf out;

	(void)state;
	buf_init(&out, 100);
	for (size_t i = 0; i < COUNT(rows); i++) {
		memset(&wishes, 0, sizeof(wishes));
		assert_int_equal(
		    wishes_parse(text_of(rows[i].setting), &wishes),
		    rows[i].result);
		buf_reset(&out);
		assert_int_equal(wishes_format(&wishes, &out), 0);
		assert_string_equal(buf_string(&out), rows[i].parameter);
	}
	buf_clear(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(notify_both_ways),
	    cmocka_unit_test(ret_both_ways),
	    cmocka_unit_test(xtext_formats),
	    cmocka_unit_test(no_xtext),
	    cmocka_unit_test(xtext_comes_back),
	    cmocka_unit_test(envid_both_ways),
	    cmocka_unit_test(no_envid),
	    cmocka_unit_test(orcpt_both_ways),
	    cmocka_unit_test(orcpt_is_checked),
	    cmocka_unit_test(wishes_both_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
