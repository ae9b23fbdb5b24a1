#include "../unit.h"

#include "../heap.h"

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

/* A login that has begun; what it borrows is its own. */
struct begun {
	struct account account;
	struct smarthost mx;
	struct sasl_channel channel;
	struct ehlo ehlo;
	struct pipeline pipeline;
	struct echo echo;
	struct login login;
};

static void
begin(
    struct begun *b, enum mechanism mechanism, bool renews, struct text secret)
{
	struct error e;

	*b = (struct begun){.account = {.user = "alice",
				.auth = {AUTH_LIST, {mechanism}, 1},
				.auth_in_clear = SWITCH_YES},
	    .mx = {.security = SMARTHOST_TLS,
		.host = "mail.example",
		.port = 465},
	    .channel = {.tls = true, .verified = true},
	    .ehlo = {.auth = true}};
	error_clear(&e);
	pipeline_init(&b->pipeline, (struct session_trace){NULL, NULL});
	echo_init(&b->echo, secret);
	strlcpy(b->ehlo.mechanisms, mechanism_name(mechanism),
	    sizeof(b->ehlo.mechanisms));
	login_init(&b->login,
	    &(struct login_terms){&b->account, &b->mx, "alice", secret, renews,
		"nonce", &b->ehlo, &b->channel, &b->pipeline, &b->echo});
	assert_int_equal(login_ask(&b->login, &e), STEP_STAY);
}

static enum step
hear(struct begun *b, const char *bytes, struct error *e)
{
	struct reply reply;
	enum step step;
	size_t used;

	error_clear(e);
	reply_init(&reply);
	assert_int_equal(reply_input(&reply, bytes, strlen(bytes), &used), 1);
	step = login_answer(&b->login, &reply, "AUTH", e);
	reply_clear(&reply);
	return step;
}

static void
end(struct begun *b)
{
	login_clear(&b->login);
	echo_clear(&b->echo);
	pipeline_clear(&b->pipeline);
}

/* The first reply to AUTH; true where a fresh secret is wanted behind it. */
static bool
wants_fresh(
    enum mechanism mechanism, bool renews, const char *bytes, struct error *e)
{
	struct begun b;
	enum step step;

	begin(&b, mechanism, renews, TEXT("secret"));
	step = hear(&b, bytes, e);
	assert_int_equal(step == STEP_FRESH, login_is_unsettled(&b.login));
	assert_int_equal(step == STEP_FRESH, e->kind == ERROR_NONE);
	end(&b);
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

/* It does not fit behind AUTH, so that the server refuses what it has not
 * heard. */
static void
a_token_that_was_not_said_is_not_renewed(void **state)
{
	char token[600];
	struct begun b;
	struct error e;

	(void)state;
	memset(token, 'A', sizeof(token));
	begin(&b, MECHANISM_XOAUTH2, true, (struct text){token, sizeof(token)});
	assert_int_equal(hear(&b, "535 no\r\n", &e), STEP_QUIT);
	assert_int_equal(e.kind, ERROR_DENIED);
	end(&b);
	begin(&b, MECHANISM_XOAUTH2, true, (struct text){token, sizeof(token)});
	assert_int_equal(hear(&b, "334 \r\n", &e), STEP_STAY);
	assert_int_equal(hear(&b, "535 no\r\n", &e), STEP_FRESH);
	end(&b);
}

/* Another server may be asked only where the login was not refused for good. */
static void
denied_is_what_lasts(void **state)
{
	static const struct {
		const char *reply;
		bool denied;
	} rows[] = {{"535 no\r\n", true}, {"550 5.7.30 no\r\n", true},
	    {"454 4.7.0 later\r\n", false}, {"421 bye\r\n", false}};
	struct begun b;
	struct error e;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		begin(&b, MECHANISM_PLAIN, false, TEXT("secret"));
		assert_int_equal(hear(&b, rows[i].reply, &e), STEP_QUIT);
		assert_int_equal(b.login.denied, rows[i].denied);
		end(&b);
	}
}

/* What the server said of the old one counts, unless there may be a token
 * later. */
static void
without_a_fresh_token_the_refusal_stays(void **state)
{
	static const enum error_kind whys[] = {ERROR_CONFIG, ERROR_LATER};
	struct error e, why;
	struct begun b;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(whys); i++) {
		begin(&b, MECHANISM_XOAUTH2, true, TEXT("secret"));
		assert_int_equal(hear(&b, "535 no\r\n", &e), STEP_FRESH);
		error_clear(&why);
		error_set(&why, whys[i], "password-command", "it broke");
		error_clear(&e);
		assert_int_equal(
		    login_renew(&b.login, TEXT(""), &why, &e), STEP_QUIT);
		assert_int_equal(e.kind,
		    whys[i] == ERROR_LATER ? ERROR_LATER : ERROR_DENIED);
		assert_int_equal(e.code, 535);
		assert_non_null(strstr(e.hint, "failed: it broke"));
		assert_true(b.login.denied);
		assert_false(login_is_unsettled(&b.login));
		end(&b);
	}
}

/* A second refusal is the last. */
static void
a_fresh_token_settles_it(void **state)
{
	struct begun b;
	struct error e;

	(void)state;
	begin(&b, MECHANISM_XOAUTH2, true, TEXT("secret"));
	assert_int_equal(hear(&b, "535 no\r\n", &e), STEP_FRESH);
	assert_true(login_is_unsettled(&b.login));
	assert_int_equal(
	    login_renew(&b.login, TEXT("fresher"), NULL, &e), STEP_AUTH);
	assert_true(login_is_unsettled(&b.login));
	assert_int_equal(login_ask(&b.login, &e), STEP_STAY);
	assert_int_equal(hear(&b, "535 no\r\n", &e), STEP_QUIT);
	assert_false(login_is_unsettled(&b.login));
	end(&b);
}

/* No part of a character is left at the end. */
static void
a_long_name_is_cut_between_characters(void **state)
{
	static const char name[] =
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "\xc3\xa9";
	struct begun b;
	struct error e;

	(void)state;
	begin(&b, MECHANISM_PLAIN, false, TEXT("secret"));
	b.login.terms.user = name;
	assert_int_equal(hear(&b, "535 no\r\n", &e), STEP_QUIT);
	assert_non_null(strstr(e.text, "for the user aaa"));
	assert_non_null(strstr(e.text, "aaa (offered: PLAIN)"));
	end(&b);
}

#define CANARY "Canary-Of-These-Tests-0123456789-AbCdEfGhIjKlMnOp"
#define LONG   CANARY CANARY CANARY CANARY CANARY CANARY CANARY CANARY

/* Of its base64 behind a NUL, the user and a NUL, which the long one holds as
 * well; and alone. */
#define RESPONSE "aGVzZS1UZXN0cy0wMTIzNDU2Nzg5LUFi"
#define TOKEN	 "YtVGhlc2UtVGVzdHMtMDEyMzQ1Njc4OS1BYkNkRW"
#define ALONE	 "c3RzLTAxMjM0NTY3ODktQWJDZE"

/* Nothing of the secret in the form in which it goes out, at the time when
 * login has done with it: echo's copies are in another. */
static void
no_secret_is_left(void **state)
{
	struct begun b;
	struct error e;

	(void)state;
	heap_needed();
	/* With the command. */
	begin(&b, MECHANISM_PLAIN, false, TEXT(CANARY));
	assert_true(heap_holds(RESPONSE));
	pipeline_sent(&b.pipeline, pipeline_waiting(&b.pipeline));
	assert_int_equal(hear(&b, "235 ok\r\n", &e), STEP_READY);
	assert_false(heap_holds(RESPONSE));
	end(&b);
	/* Behind an empty challenge. */
	begin(&b, MECHANISM_PLAIN, false, TEXT(LONG));
	pipeline_sent(&b.pipeline, pipeline_waiting(&b.pipeline));
	assert_true(heap_holds(RESPONSE));
	assert_int_equal(hear(&b, "334 \r\n", &e), STEP_STAY);
	pipeline_sent(&b.pipeline, pipeline_waiting(&b.pipeline));
	assert_int_equal(hear(&b, "235 ok\r\n", &e), STEP_READY);
	assert_false(heap_holds(RESPONSE));
	end(&b);
	/* An answer to a challenge. */
	begin(&b, MECHANISM_LOGIN, false, TEXT(CANARY));
	pipeline_sent(&b.pipeline, pipeline_waiting(&b.pipeline));
	assert_int_equal(hear(&b, "334 VXNlcm5hbWU6\r\n", &e), STEP_STAY);
	assert_int_equal(hear(&b, "334 UGFzc3dvcmQ6\r\n", &e), STEP_STAY);
	assert_true(heap_holds(ALONE));
	pipeline_sent(&b.pipeline, pipeline_waiting(&b.pipeline));
	assert_int_equal(hear(&b, "235 ok\r\n", &e), STEP_READY);
	assert_false(heap_holds(ALONE));
	end(&b);
	/* One that never went. */
	begin(&b, MECHANISM_PLAIN, false, TEXT(LONG));
	assert_true(heap_holds(RESPONSE));
	login_clear(&b.login);
	assert_false(heap_holds(RESPONSE));
	end(&b);
	/* A token that is old. */
	begin(&b, MECHANISM_OAUTHBEARER, true, TEXT(CANARY));
	assert_true(heap_holds(TOKEN));
	pipeline_sent(&b.pipeline, pipeline_waiting(&b.pipeline));
	assert_int_equal(hear(&b, "535 no\r\n", &e), STEP_FRESH);
	assert_false(heap_holds(TOKEN));
	end(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(hints_at_what_is_likely),
	    cmocka_unit_test(only_a_token_is_renewed),
	    cmocka_unit_test(a_token_that_was_not_said_is_not_renewed),
	    cmocka_unit_test(denied_is_what_lasts),
	    cmocka_unit_test(without_a_fresh_token_the_refusal_stays),
	    cmocka_unit_test(a_fresh_token_settles_it),
	    cmocka_unit_test(a_long_name_is_cut_between_characters),
	    cmocka_unit_test(no_secret_is_left)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
