#include "../unit.h"

#include "base/mem.h"
#include "submit/request.h"

static void
body_words(void **state)
{
	static const struct {
		const char *type;
		int result;
		enum envelope_body body;
	} rows[] = {
	    {"8bitmime", 0, BODY_8BITMIME},
	    {"7bit", 0, BODY_7BIT},
	    {"BINARYMIME", -1, BODY_8BITMIME},
	    {"8BIT", -1, BODY_8BITMIME},
	    {"", -1, BODY_8BITMIME},
	};
	struct request r;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		memset(&r, 0, sizeof(r));
		r.body = BODY_8BITMIME;
		assert_int_equal(request_set_body(&r, text_of(rows[i].type)),
		    rows[i].result);
		assert_int_equal(r.body, rows[i].body);
		assert_int_equal(r.body_given, rows[i].result == 0);
		request_clear(&r);
	}
}

/* One of a kind: every member that a merge may lay under. */
static void
fill(struct request *r, const char *text, unsigned notify, enum dsn_ret ret)
{
	memset(r, 0, sizeof(*r));
	r->full_name = mem_copy(text);
	r->envid = mem_copy(text);
	r->notify = notify;
	r->ret = ret;
	request_set_body(r, TEXT("7BIT"));
}

static void
defaults_fill_what_is_not_said(void **state)
{
	struct request r, defaults;

	(void)state;
	memset(&r, 0, sizeof(r));
	fill(&defaults, "d", NOTIFY_DELAY, RET_HDRS);
	request_set_body(&defaults, TEXT("8BITMIME"));
	defaults.all_or_none = defaults.smtputf8 = defaults.requiretls = true;
	defaults.queue = QUEUE_ONLY;
	defaults.no_aliases = defaults.no_repairs = true;
	defaults.wishes.hold_for = 60;
	request_merge(&r, &defaults);
	assert_string_equal(r.full_name, "d");
	assert_string_equal(r.envid, "d");
	assert_ptr_not_equal(r.envid, defaults.envid);
	assert_int_equal(r.notify, NOTIFY_DELAY);
	assert_int_equal(r.ret, RET_HDRS);
	assert_true(r.body_given && r.body == BODY_8BITMIME);
	assert_true(r.all_or_none && r.smtputf8 && r.requiretls);
	assert_int_equal(r.queue, QUEUE_ONLY);
	assert_true(r.no_aliases && r.no_repairs);
	assert_int_equal(r.wishes.hold_for, 60);
	request_clear(&r);
	request_clear(&defaults);
}

static void
defaults_change_nothing_that_is_said(void **state)
{
	struct request r, defaults;

	(void)state;
	fill(&r, "r", NOTIFY_NEVER, RET_FULL);
	r.smtputf8 = true;
	fill(&defaults, "d", NOTIFY_DELAY, RET_HDRS);
	request_set_body(&defaults, TEXT("8BITMIME"));
	request_merge(&r, &defaults);
	assert_string_equal(r.full_name, "r");
	assert_string_equal(r.envid, "r");
	assert_int_equal(r.notify, NOTIFY_NEVER);
	assert_int_equal(r.ret, RET_FULL);
	assert_int_equal(r.body, BODY_7BIT);
	assert_true(r.smtputf8);
	assert_false(r.all_or_none || r.requiretls);
	request_clear(&r);
	request_clear(&defaults);
}

/* Who sends a mail, and to whom, its client says alone. */
static void
paths_are_not_merged(void **state)
{
	struct request r, defaults;

	(void)state;
	memset(&r, 0, sizeof(r));
	memset(&defaults, 0, sizeof(defaults));
	defaults.from_fields = true;
	defaults.reverse_path = mem_copy("a@x");
	*mem_push(defaults.recipients, defaults.recipient_count) =
	    (struct request_recipient){
		mem_copy("b@x"), 0, mem_copy("rfc822;b")};
	request_merge(&r, &defaults);
	assert_false(r.from_fields);
	assert_null(r.reverse_path);
	assert_int_equal(r.recipient_count, 0);
	request_clear(&r);
	request_clear(&defaults);
	assert_null(defaults.recipients);
	assert_int_equal(defaults.recipient_count, 0);
	request_clear(&defaults);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(body_words),
	    cmocka_unit_test(defaults_fill_what_is_not_said),
	    cmocka_unit_test(defaults_change_nothing_that_is_said),
	    cmocka_unit_test(paths_are_not_merged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
