#include "../unit.h"

#include "smtp/login.h"

#define CHECK "check `user' and the password"
#define PLAIN                                                                  \
	CHECK "; where both are right write `auth PLAIN' (offered: LOGIN "     \
	      "PLAIN)"
#define OFF                                                                    \
	"the provider has switched password logins off for this account: "     \
	"switch authenticated SMTP on in its administration"

/* What a refusal most likely means. */
static void
hints_at_what_is_likely(void **state)
{
	static const struct {
		const char *mechanism;
		bool tls;
		const char *offered, *user, *password, *reply, *hint;
	} rows[] = {
	    {"PLAIN", true, "LOGIN PLAIN", "alice", "x", "535 no\r\n", CHECK},
	    {"LOGIN", true, "LOGIN PLAIN", "alice", "x", "535 no\r\n", PLAIN},
	    {"LOGIN", true, "LOGIN", "alice", "x", "535 no\r\n", CHECK},
	    /* In the clear nobody is told to show it. */
	    {"LOGIN", false, "LOGIN PLAIN", "alice", "x", "535 no\r\n", CHECK},
	    {"LOGIN", true, "LOGIN PLAIN", "alice", "\"x\"", "535 no\r\n",
		CHECK "; the password: the quotes around it are part of it"},
	    {"PLAIN", true, "PLAIN", "alice #1", "x ", "535 no\r\n",
		CHECK "; `user': ` #' begins no comment, it is part of it"},
	    /* No name and no mechanism mends that. */
	    {"PLAIN", true, "PLAIN", "alice", "'x'", "535 5.7.139 no\r\n", OFF},
	    {"LOGIN", true, "LOGIN PLAIN", "alice", "x", "535 5.7.139 no\r\n",
		OFF},
	    {"PLAIN", true, "PLAIN", "alice", "'x'", "454 no\r\n", ""},
	};
	struct smarthost mx = {
	    .security = SMARTHOST_TLS, .host = "mail.example", .port = 465};
	struct sasl_channel channel = {.tls = false};
	struct ehlo ehlo = {.auth = true};
	struct reply reply;
	struct error e;
	size_t i, used;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		struct login l = {.mechanism = rows[i].mechanism,
		    .terms = {.smarthost = &mx,
			.user = rows[i].user,
			.password = text_of(rows[i].password),
			.ehlo = &ehlo,
			.channel = &channel}};

		channel.tls = rows[i].tls;
		strlcpy(
		    ehlo.mechanisms, rows[i].offered, sizeof(ehlo.mechanisms));
		error_clear(&e);
		reply_init(&reply);
		assert_int_equal(reply_input(&reply, rows[i].reply,
				     strlen(rows[i].reply), &used),
		    1);
		assert_int_equal(
		    login_answer(&l, &reply, "AUTH", &e), STEP_QUIT);
		assert_string_equal(e.hint, rows[i].hint);
		reply_clear(&reply);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(hints_at_what_is_likely)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
