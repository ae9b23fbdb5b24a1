#include "../unit.h"

#include "smtp/login.h"

#define CHECK "check `user' and the password"
#define PLAIN                                                                  \
	CHECK "; where both are right write `auth PLAIN' (offered: LOGIN "     \
	      "PLAIN)"
#define OFF                                                                    \
	"the provider has switched password logins off for this account: "     \
	"write `auth XOAUTH2' and `password-command sendling-token ADDRESS', " \
	"or switch authenticated SMTP on in its administration"
#define APPLICATION                                                            \
	"the provider wants an application password: make one in the "         \
	"account's security settings and use it in place of your own; or "     \
	"write `auth XOAUTH2' and `password-command sendling-token ADDRESS'"

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
	    {"LOGIN", true, "LOGIN PLAIN", "alice", "'x'",
		"535 application-specific password required\r\n", APPLICATION},
	};
	struct account account = {0};
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
		    .terms = {.account = &account,
			.smarthost = &mx,
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

/* The first reply to AUTH; true where a fresh secret is wanted behind it. */
static bool
wants_fresh(
    enum mechanism mechanism, bool renews, const char *bytes, struct error *e)
{
	struct account account = {.user = "alice",
	    .auth = {AUTH_LIST, {mechanism}, 1},
	    .auth_in_clear = SWITCH_YES};
	struct smarthost mx = {
	    .security = SMARTHOST_TLS, .host = "mail.example", .port = 465};
	struct sasl_channel channel = {.tls = true, .verified = true};
	struct ehlo ehlo = {.auth = true};
	struct pipeline pipeline;
	struct reply reply;
	struct login login;
	struct echo echo;
	enum step step;
	size_t used;

	error_clear(e);
	pipeline_init(&pipeline, (struct session_trace){NULL, NULL});
	echo_init(&echo, TEXT("secret"));
	strlcpy(ehlo.mechanisms, mechanism_name(mechanism),
	    sizeof(ehlo.mechanisms));
	login_init(&login,
	    &(struct login_terms){&account, &mx, "alice", TEXT("secret"),
		renews, "nonce", &ehlo, &channel, &pipeline, &echo});
	assert_int_equal(login_ask(&login, e), STEP_STAY);
	reply_init(&reply);
	assert_int_equal(reply_input(&reply, bytes, strlen(bytes), &used), 1);
	step = login_answer(&login, &reply, "AUTH", e);
	assert_int_equal(step == STEP_FRESH, login_is_unsettled(&login));
	assert_int_equal(step == STEP_FRESH, e->kind == ERROR_NONE);
	reply_clear(&reply);
	login_clear(&login);
	echo_clear(&echo);
	pipeline_clear(&pipeline);
	return step == STEP_FRESH;
}

static void
only_a_token_is_renewed(void **state)
{
	enum mechanism m;
	struct error e;

	(void)state;
	for (m = 0; m < MECHANISM_COUNT; m++) {
		if (mechanism_needs_binding(m))
			continue;
		assert_int_equal(wants_fresh(m, true, "535 no\r\n", &e),
		    mechanism_takes_token(m));
		assert_false(wants_fresh(m, false, "535 no\r\n", &e));
		assert_int_equal(e.kind, ERROR_DENIED);
	}
	m = MECHANISM_XOAUTH2;
	assert_true(wants_fresh(m, true, "535 5.7.3 no\r\n", &e));
	assert_false(wants_fresh(m, true, "535 5.7.139 no\r\n", &e));
	assert_false(wants_fresh(m, true, "454 4.7.0 no\r\n", &e));
	assert_false(wants_fresh(m, true, "504 no\r\n", &e));
	assert_false(wants_fresh(m, true, "550 5.7.30 no\r\n", &e));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(hints_at_what_is_likely),
	    cmocka_unit_test(only_a_token_is_renewed)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
