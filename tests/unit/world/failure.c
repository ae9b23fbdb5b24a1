#include "../unit.h"

#include "../capture.h"
#include "world/failure.h"

static const char *const two[] = {"b@x", "c@x", NULL};

static void
failures_on_stderr(void **state)
{
	struct capture c;
	struct error e;

	(void)state;
	error_clear(&e);
	error_set(&e, ERROR_USAGE, NULL, "there is no option -Z");
	c = capture_begin(STDERR_FILENO);
	failure_print(&e, NULL);
	assert_string_equal(
	    capture_end(&c), "failure: there is no option -Z\n");
	error_hint(&e, "see --help");
	strlcpy(e.why, "550 5.1.1 No\x1b[31m", sizeof(e.why));
	c = capture_begin(STDERR_FILENO);
	failure_print(&e, NULL);
	assert_string_equal(capture_end(&c), "failure: there is no option -Z\n"
					     "  server: 550 5.1.1 No\\x1b[31m\n"
					     "  hint: see --help\n");
}

static void
refused_recipients_on_stderr(void **state)
{
	static const char doubt[] = "failure: mail may have been sent: ";
	static const struct enhanced none;
	struct envelope env = envelope("a@x", two);
	struct capture c;
	const char *said;
	struct error e;

	(void)state;
	error_clear(&e);
	error_set(&e, ERROR_RECIPIENT, NULL, "mail sent to 1 of 2 recipients");
	envelope_decide(&env.recipients[0], VERDICT_DELIVERED, 0, none, NULL);
	envelope_decide(
	    &env.recipients[1], VERDICT_REFUSED, 550, none, "550 No\n");
	env.recipients[1].own = true;
	c = capture_begin(STDERR_FILENO);
	failure_print(&e, &env);
	assert_string_equal(capture_end(&c),
	    "failure: mail sent to 1 of 2 recipients\n"
	    "  refused: c@x: 550 No\\x0a\n");
	error_clear(&e);
	error_set(&e, ERROR_RECIPIENT, "RCPT TO", "1 of 2 was refused");
	envelope_decide(&env.recipients[0], VERDICT_LATER, 0, none, NULL);
	env.recipients[0].own = true;
	c = capture_begin(STDERR_FILENO);
	failure_print(&e, &env);
	assert_string_equal(capture_end(&c),
	    "failure: mail not sent: RCPT TO: 1 of 2 was refused\n"
	    "  later: b@x\n"
	    "  refused: c@x: 550 No\\x0a\n");
	e.recipient = 2; /* the error names it */
	c = capture_begin(STDERR_FILENO);
	failure_print(&e, &env);
	assert_string_equal(capture_end(&c),
	    "failure: mail not sent: RCPT TO: 1 of 2 was refused\n"
	    "  later: b@x\n");
	e.recipient = 0;
	envelope_decide(&env.recipients[0], VERDICT_LATER, 0, none, NULL);
	c = capture_begin(STDERR_FILENO);
	failure_print(&e, &env);
	assert_string_equal(capture_end(&c),
	    "failure: mail not sent: RCPT TO: 1 of 2 was refused\n"
	    "  refused: c@x: 550 No\\x0a\n");
	/* Who is named gets nothing later, and only he is named. */
	env.recipients[0].verdict = VERDICT_QUEUED;
	c = capture_begin(STDERR_FILENO);
	failure_print(&e, &env);
	assert_string_equal(capture_end(&c),
	    "failure: RCPT TO: 1 of 2 was refused\n"
	    "  refused: c@x: 550 No\\x0a\n");
	env.recipients[0].verdict = VERDICT_LATER;
	e.kind = ERROR_DOUBTFUL;
	c = capture_begin(STDERR_FILENO);
	failure_print(&e, &env);
	said = capture_end(&c);
	assert_true(strncmp(said, doubt, strlen(doubt)) == 0);
	envelope_clear(&env);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(failures_on_stderr),
	    cmocka_unit_test(refused_recipients_on_stderr),
	};

	setprogname("failure");
	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
