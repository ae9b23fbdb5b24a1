#include "../unit.h"

#include "../capture.h"
#include "world/result.h"

static const char *const two[] = {"b@x", "c@x", NULL};
static const char *const one[] = {"b@x", NULL};

static void
json_of_a_success(void **state)
{
	static const struct enhanced none;
	struct envelope env = envelope("a@x", one);
	struct log_mail mail = {
	    .envelope = &env,
	    .smarthost = "mail.example.org:465",
	    .size = 1234,
	    .words = "250 \"\\\x01\xff\xc3\xb6",
	};
	struct capture c;

	(void)state;
	envelope_decide(
	    &env.recipients[0], VERDICT_DELIVERED, 250, none, "250 Ok");
	c = capture_begin(STDOUT_FILENO);
	result_print(&mail);
	assert_string_equal(capture_end(&c),
	    "{\"status\":0,\"error\":null,\"from\":\"a@x\",\"recipients\":["
	    "{\"address\":\"b@x\",\"verdict\":\"delivered\",\"reply\":\"250 "
	    "Ok\"}],\"smarthost\":\"mail.example.org:465\",\"tls\":null,"
	    "\"auth\":null,\"size\":1234,\"message_id\":null,\"reply\":\"250 "
	    "\\\"\\\\\\\\x01\\\\xff\xc3\xb6\"}\n");
	envelope_clear(&env);
}

static void
json_of_a_failure(void **state)
{
	struct envelope env = envelope("", two);
	struct log_mail mail = {.envelope = &env, .status = 67};
	struct capture c;
	struct error e;

	(void)state;
	error_clear(&e);
	error_set(&e, ERROR_RECIPIENT, "RCPT TO", "refused");
	strlcpy(e.why, "550 No", sizeof(e.why));
	mail.error = &e;
	c = capture_begin(STDOUT_FILENO);
	result_print(&mail);
	assert_string_equal(capture_end(&c),
	    "{\"status\":67,\"error\":{\"kind\":\"recipient\",\"text\":\"RCPT "
	    "TO: refused\",\"why\":\"550 No\",\"hint\":null},\"from\":\"\","
	    "\"recipients\":[{\"address\":\"b@x\",\"verdict\":\"open\","
	    "\"reply\":null},{\"address\":\"c@x\",\"verdict\":\"open\","
	    "\"reply\":null}],\"smarthost\":null,\"tls\":null,\"auth\":null,"
	    "\"size\":0,\"message_id\":null,\"reply\":null}\n");
	mail.envelope = NULL;
	c = capture_begin(STDOUT_FILENO);
	result_print(&mail);
	assert_non_null(
	    strstr(capture_end(&c), "\"from\":null,\"recipients\":[],"));
	envelope_clear(&env);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(json_of_a_success),
	    cmocka_unit_test(json_of_a_failure),
	};

	setprogname("result");
	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
