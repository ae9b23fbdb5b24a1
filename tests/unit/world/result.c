#include "../unit.h"

#include <sys/wait.h>

#include "../capture.h"
#include "world/result.h"

static const char *const two[] = {"b@x", "c@x", NULL};
static const char *const one[] = {"b@x", NULL};

static void
json_of_a_success(void **state)
{
	static const struct enhanced none;
	struct envelope env = envelope("a@x", one);
	struct record mail = {
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
	    "{\"status\":0,\"error\":null,\"account\":null,\"from\":\"a@x\","
	    "\"recipients\":[{\"address\":\"b@x\",\"verdict\":\"delivered\","
	    "\"code\":250,\"reply\":\"250 Ok\"}],\"recipients_more\":0,"
	    "\"smarthost\":\"mail.example.org:465\",\"tls\":null,"
	    "\"auth\":null,\"size\":1234,\"message_id\":null,\"code\":0,"
	    "\"reply\":\"250 \\\"\\\\\\\\x01\\\\xff\xc3\xb6\","
	    "\"server_id\":null,\"queued\":null,\"uid\":null,\"duration_ms\":0}\n");
	envelope_clear(&env);
}

static void
json_of_a_failure(void **state)
{
	struct envelope env = envelope("", two);
	struct record mail = {.envelope = &env, .status = 67};
	struct capture c;
	const char *said;
	struct error e;

	(void)state;
	error_clear(&e);
	error_set(&e, ERROR_RECIPIENT, "RCPT TO", "refused");
	strlcpy(e.why, "550 No", sizeof(e.why));
	mail.error = &e;
	c = capture_begin(STDOUT_FILENO);
	result_print(&mail);
	assert_string_equal(capture_end(&c),
	    "{\"status\":67,\"error\":{\"kind\":\"recipient\",\"status\":67,"
	    "\"text\":\"RCPT TO: refused\",\"server\":\"550 No\","
	    "\"hint\":null},\"account\":null,\"from\":\"\","
	    "\"recipients\":[{\"address\":\"b@x\",\"verdict\":\"open\","
	    "\"code\":0,\"reply\":null},{\"address\":\"c@x\",\"verdict\":"
	    "\"open\",\"code\":0,\"reply\":null}],\"recipients_more\":0,"
	    "\"smarthost\":null,\"tls\":null,\"auth\":null,\"size\":0,"
	    "\"message_id\":null,\"code\":0,\"reply\":null,\"server_id\":null,"
	    "\"queued\":null,\"uid\":null,\"duration_ms\":0}\n");
	mail.queued = "0069283a00-1";
	env.recipients[0].verdict = VERDICT_QUEUED;
	c = capture_begin(STDOUT_FILENO);
	result_print(&mail);
	said = capture_end(&c);
	assert_non_null(strstr(said, "\"verdict\":\"queued\""));
	assert_non_null(strstr(said, "\"queued\":\"0069283a00-1\","));
	mail.envelope = NULL;
	c = capture_begin(STDOUT_FILENO);
	result_print(&mail);
	assert_non_null(
	    strstr(capture_end(&c), "\"from\":null,\"recipients\":[],"));
	envelope_clear(&env);
}

/* Standard output that its other users have made so that it does not block. */
static void
json_waits_for_its_reader(void **state)
{
	struct envelope env = envelope("", one);
	struct record mail = {.envelope = &env};
	int ends[2], saved, status;
	char path[40], octet, last = 0;
	struct error e;
	pid_t reader;
	int i;

	(void)state;
	for (i = 0; i < 5000; i++) {
		error_clear(&e);
		snprintf(path, sizeof(path), "r%d@x", i);
		envelope_add(&env, text_of(path), &e);
	}
	assert_int_equal(pipe(ends), 0);
	reader = fork();
	if (reader == 0) {
		close(ends[1]);
		while (read(ends[0], &octet, 1) == 1)
			last = octet;
		_exit(last == '\n' ? 0 : 1);
	}
	close(ends[0]);
	fcntl(ends[1], F_SETFL, O_NONBLOCK);
	fflush(NULL);
	saved = dup(STDOUT_FILENO);
	dup2(ends[1], STDOUT_FILENO);
	close(ends[1]);
	result_print(&mail);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	assert_int_equal(waitpid(reader, &status, 0), reader);
	assert_int_equal(status, 0);
	envelope_clear(&env);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(json_of_a_success),
	    cmocka_unit_test(json_of_a_failure),
	    cmocka_unit_test(json_waits_for_its_reader),
	};

	setprogname("result");
	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
