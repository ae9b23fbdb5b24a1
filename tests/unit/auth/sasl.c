#include "../unit.h"

#include "../channel.h"
#include "auth/sasl.h"
#include "base/crypt.h"

#define NONCE	   "fyko+d2lbbFgONRv9qkxdawL"
#define FULL_NONCE "r=" NONCE "3rfcNHYJY1ZVvWVs7j"
#define SALT	   ",s=MDEyMzQ1Njc4OWFiY2RlZg=="

static struct sasl_plan
plan_of(const char *wanted)
{
	struct sasl_plan plan;
	struct text rest, name;

	memset(&plan, 0, sizeof(plan));
	plan.user = "user";
	plan.password = TEXT("pencil");
	memcpy(plan.nonce, NONCE, sizeof(NONCE));
	rest = text_of(wanted);
	while (text_next(&rest, " ", &name))
		assert_int_equal(
		    mechanism_parse(name, &plan.wanted[plan.wanted_count++]),
		    0);
	return plan;
}

/* What e tells people must not hold a password used here. */
static void
assert_no_secret(const struct error *e)
{
	assert_null(strstr(e->text, "pencil"));
	assert_null(strstr(e->hint, "pencil"));
	assert_null(strstr(e->text, "cGVuY2ls"));
	assert_null(strstr(e->hint, "cGVuY2ls"));
}

#define ALL                                                                    \
	"LOGIN PLAIN SCRAM-SHA-1 SCRAM-SHA-256 SCRAM-SHA-1-PLUS "              \
	"SCRAM-SHA-256-PLUS"

static void
an_account_without_user_or_password_is_no_account(void **state)
{
	struct sasl_channel channel = channel_of("tls");
	struct sasl_plan plan = plan_of("");
	struct error e;

	(void)state;
	error_clear(&e);
	plan.user = "";
	assert_null(sasl_new(&plan, &channel, TEXT("PLAIN"), &e));
	assert_int_equal(e.kind, ERROR_CONFIG);
	error_clear(&e);
	plan.user = "user";
	plan.password = TEXT("pencil\0case");
	assert_null(sasl_new(&plan, &channel, TEXT("PLAIN"), &e));
	assert_int_equal(e.kind, ERROR_CONFIG);
	assert_no_secret(&e);
	error_clear(&e);
	plan.password = TEXT("");
	assert_null(sasl_new(&plan, &channel, TEXT("PLAIN"), &e));
	assert_int_equal(e.kind, ERROR_CONFIG);
}

static struct sasl *
begin(const char *wanted, const char *channel_name, const char *offered)
{
	struct sasl_channel channel = channel_of(channel_name);
	struct sasl_plan plan = plan_of(wanted);
	struct error e;
	struct sasl *s;

	error_clear(&e);
	s = sasl_new(&plan, &channel, text_of(offered), &e);
	assert_non_null(s);
	return s;
}

/* The initial response without its base64. */
static void
assert_initial(struct sasl *s, struct text expected)
{
	struct buf out, raw;
	struct error e;

	error_clear(&e);
	buf_init(&out, 10000);
	buf_init(&raw, 10000);
	assert_int_equal(sasl_initial(s, &out, &e), 1);
	assert_int_equal(crypt_unbase64(buf_text(&out), &raw), 0);
	assert_int_equal(raw.len, expected.len);
	assert_memory_equal(raw.at, expected.at, expected.len);
	buf_clear(&out);
	buf_clear(&raw);
}

/* One step with a challenge that is not yet base64; the response likewise. */
static int
step(struct sasl *s, const char *challenge, struct buf *raw, struct error *e)
{
	struct buf coded, out;
	int result;

	buf_init(&coded, 20000);
	buf_init(&out, 20000);
	assert_int_equal(crypt_base64(text_of(challenge), &coded), 0);
	result = sasl_step(s, buf_text(&coded), &out, e);
	if (result == 0)
		assert_int_equal(crypt_unbase64(buf_text(&out), raw), 0);
	else
		assert_int_equal(out.len, 0);
	buf_clear(&coded);
	buf_clear(&out);
	return result;
}

static void
assert_step(struct sasl *s, const char *challenge, const char *response)
{
	struct error e;
	struct buf raw;

	error_clear(&e);
	buf_init(&raw, 20000);
	assert_int_equal(step(s, challenge, &raw, &e), 0);
	assert_string_equal(buf_string(&raw), response);
	buf_clear(&raw);
}

static void
assert_finish(struct sasl *s, enum error_kind kind)
{
	struct error e;

	error_clear(&e);
	assert_int_equal(sasl_finish(s, &e), kind == ERROR_NONE ? 0 : -1);
	assert_int_equal(e.kind, kind);
}

static void
assert_refused(struct sasl *s, const char *challenge, enum error_kind kind,
    const char *words)
{
	struct error e;
	struct buf raw;

	error_clear(&e);
	buf_init(&raw, 20000);
	assert_int_equal(step(s, challenge, &raw, &e), -1);
	assert_int_equal(e.kind, kind);
	assert_non_null(strstr(e.text, words));
	assert_no_secret(&e);
	buf_clear(&raw);
	/* What failed stays failed, whatever the server says now. */
	assert_finish(s, ERROR_DENIED);
}

static void
plain_is_one_response(void **state)
{
	struct sasl *s;

	(void)state;
	s = begin("PLAIN", "tls", "PLAIN");
	assert_initial(s, TEXT("\0user\0pencil"));
	assert_finish(s, ERROR_NONE);
	sasl_free(s);
}

static void
plain_answers_no_prompt(void **state)
{
	struct sasl *s;

	(void)state;
	s = begin("PLAIN", "tls", "PLAIN");
	assert_initial(s, TEXT("\0user\0pencil"));
	assert_refused(s, "", ERROR_PROTOCOL, "more");
	sasl_free(s);
}

static void
login_answers_two_prompts_of_any_words(void **state)
{
	static const char *const prompts[][2] = {
	    {"Username:", "Password:"}, {"", ""}, {"Password:", "Username:"}};
	struct buf out;
	struct error e;
	struct sasl *s;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(prompts); i++) {
		s = begin("LOGIN", "tls", "LOGIN");
		error_clear(&e);
		buf_init(&out, 100);
		assert_int_equal(sasl_initial(s, &out, &e), 0);
		assert_int_equal(out.len, 0);
		assert_step(s, prompts[i][0], "user");
		assert_step(s, prompts[i][1], "pencil");
		assert_finish(s, ERROR_NONE);
		sasl_free(s);
	}
}

static void
login_answers_no_third_prompt(void **state)
{
	struct buf out;
	struct error e;
	struct sasl *s;

	(void)state;
	s = begin("LOGIN", "tls", "LOGIN");
	error_clear(&e);
	buf_init(&out, 100);
	assert_int_equal(sasl_initial(s, &out, &e), 0);
	assert_step(s, "Username:", "user");
	assert_step(s, "Password:", "pencil");
	assert_refused(s, "Your mother's name:", ERROR_PROTOCOL, "more");
	sasl_free(s);
}

static void
success_before_the_end_is_none(void **state)
{
	struct buf out;
	struct error e;
	struct sasl *s;

	(void)state;
	s = begin("LOGIN", "tls", "LOGIN");
	error_clear(&e);
	buf_init(&out, 100);
	assert_int_equal(sasl_initial(s, &out, &e), 0);
	assert_step(s, "Username:", "user");
	assert_finish(s, ERROR_DENIED);
	sasl_free(s);
	s = begin("PLAIN", "tls", "PLAIN");
	assert_finish(s, ERROR_DENIED);
	sasl_free(s);
	s = begin("SCRAM-SHA-1", "tls", "SCRAM-SHA-1");
	assert_finish(s, ERROR_DENIED);
	sasl_free(s);
	s = begin("SCRAM-SHA-1", "tls", "SCRAM-SHA-1");
	assert_initial(s, TEXT("n,,n=user,r=" NONCE));
	assert_finish(s, ERROR_DENIED);
	sasl_free(s);
}

/* The first is the example of RFC 5802 section 5; in the second the channel
 * binding is in the proof. */
static const struct {
	const char *wanted;
	const char *channel;
	const char *initial;
	const char *first;
	const char *final;
	const char *server;
} scrams[] = {
    {"SCRAM-SHA-1", "tls", "n,,n=user,r=" NONCE,
	FULL_NONCE ",s=QSXCR+Q6sek8bf92,i=4096",
	"c=biws," FULL_NONCE ",p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
	"v=rmF9pqV8S7suAoZWja4dJRkFsKQ="},
    {"SCRAM-SHA-256-PLUS", "exporter", "p=tls-exporter,,n=user,r=" NONCE,
	FULL_NONCE SALT ",i=4096",
	"c=cD10bHMtZXhwb3J0ZXIsLAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f," FULL_NONCE
	",p=kHM8z4bTTchtsqO/CMBXHpVdGIcbgh4x95RUghumc3c=",
	"v=WaT5KZKk1irnI8DnXmCoP9sC3kTZXLNHOKm09WOk4EI="},
};

static struct sasl *
begin_scram(size_t i)
{
	struct sasl *s;

	s = begin(scrams[i].wanted, scrams[i].channel, ALL);
	assert_initial(s, text_of(scrams[i].initial));
	return s;
}

static void
scram_takes_two_challenges(void **state)
{
	struct sasl *s;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(scrams); i++) {
		s = begin_scram(i);
		assert_step(s, scrams[i].first, scrams[i].final);
		assert_step(s, scrams[i].server, "");
		assert_finish(s, ERROR_NONE);
		sasl_free(s);
	}
}

/* `y` would make a server that offers -PLUS refuse; a user who names the
 * other mechanism does not ask for that. */
static void
flag_y_only_where_no_plus_was_offered(void **state)
{
	struct sasl *s;

	(void)state;
	s = begin("SCRAM-SHA-256", "exporter", "SCRAM-SHA-256 PLAIN");
	assert_initial(s, TEXT("y,,n=user,r=" NONCE));
	sasl_free(s);
	s = begin("SCRAM-SHA-256", "unique", "SCRAM-SHA-256");
	assert_initial(s, TEXT("y,,n=user,r=" NONCE));
	sasl_free(s);
	s = begin("SCRAM-SHA-256", "exporter", ALL);
	assert_initial(s, TEXT("n,,n=user,r=" NONCE));
	sasl_free(s);
	s = begin("SCRAM-SHA-256", "tls", "SCRAM-SHA-256");
	assert_initial(s, TEXT("n,,n=user,r=" NONCE));
	sasl_free(s);
}

static void
success_without_the_signature_is_denied(void **state)
{
	struct sasl *s;

	(void)state;
	s = begin_scram(0);
	assert_step(s, scrams[0].first, scrams[0].final);
	assert_finish(s, ERROR_DENIED);
	/* Nor does the signature help any more. */
	assert_refused(s, scrams[0].server, ERROR_PROTOCOL, "more");
	sasl_free(s);
}

static void
scram_ends_with_one_final_message(void **state)
{
	struct sasl *s;

	(void)state;
	s = begin_scram(0);
	assert_step(s, scrams[0].first, scrams[0].final);
	assert_step(s, scrams[0].server, "");
	assert_refused(s, scrams[0].server, ERROR_PROTOCOL, "more");
	sasl_free(s);
}

/*
 * EXTERNAL and CRAM-MD5.
 */

static void
external_names_the_user_or_nobody(void **state)
{
	struct sasl_channel channel = channel_of("tls");
	struct sasl_plan plan = plan_of("EXTERNAL");
	struct buf out;
	struct error e;
	struct sasl *s;

	(void)state;
	s = begin("EXTERNAL", "tls", "EXTERNAL");
	assert_initial(s, TEXT("user"));
	assert_finish(s, ERROR_NONE);
	sasl_free(s);
	s = begin("EXTERNAL", "tls", "EXTERNAL");
	assert_initial(s, TEXT("user"));
	assert_refused(s, "", ERROR_PROTOCOL, "more");
	sasl_free(s);
	plan.user = "";
	plan.password = TEXT("");
	error_clear(&e);
	buf_init(&out, 100);
	s = sasl_new(&plan, &channel, TEXT("EXTERNAL"), &e);
	assert_non_null(s);
	assert_int_equal(sasl_initial(s, &out, &e), 1);
	assert_string_equal(buf_string(&out), "=");
	assert_finish(s, ERROR_NONE);
	sasl_free(s);
	buf_clear(&out);
	/* By a certificate, without being named. */
	plan.wanted_count = 0;
	assert_null(sasl_new(&plan, &channel, TEXT("EXTERNAL"), &e));
	assert_int_equal(e.kind, ERROR_CONFIG);
	error_clear(&e);
	plan.certificate = true;
	plan.user = "us\001er";
	s = sasl_new(&plan, &channel, TEXT("EXTERNAL PLAIN"), &e);
	assert_int_equal(sasl_mechanism(s), MECHANISM_EXTERNAL);
	assert_int_equal(sasl_initial(s, &out, &e), -1);
	assert_non_null(strstr(e.text, "control character"));
	sasl_free(s);
	error_clear(&e);
	plan.password = TEXT("pencil");
	s = sasl_new(&plan, &channel, TEXT("EXTERNAL PLAIN"), &e);
	assert_int_equal(sasl_mechanism(s), MECHANISM_PLAIN);
	sasl_free(s);
}

#define CHALLENGE "<1896.697170952@postoffice.reston.mci.net>"

/* The first is the example of RFC 2195 section 2; a key of more than 64 octets
 * is hashed. */
static void
cram_md5_hashes_with_a_key_of_any_length(void **state)
{
	static const struct {
		size_t octets; /* of the letter k; 0: see above */
		const char *response;
	} rows[] = {{0, "tim b913a602c7eda7a495b4e6e7334d3890"},
	    {64, "tim 10e7df3c0008f45346ea432a3a954003"},
	    {65, "tim c26f650abcb485a907fa679a2807bdac"},
	    {1000, "tim d5c4dec06dafdc04411e4649e0e9112a"}};
	struct sasl_channel channel = channel_of("clear");
	struct sasl_plan plan = plan_of("CRAM-MD5");
	char key[1000];
	struct buf out;
	struct error e;
	struct sasl *s;
	size_t i;

	(void)state;
	memset(key, 'k', sizeof(key));
	plan.user = "tim";
	for (i = 0; i < COUNT(rows); i++) {
		plan.password = rows[i].octets == 0
				    ? TEXT("tanstaaftanstaaf")
				    : (struct text){key, rows[i].octets};
		error_clear(&e);
		buf_init(&out, 100);
		s = sasl_new(&plan, &channel, TEXT("CRAM-MD5"), &e);
		assert_int_equal(sasl_initial(s, &out, &e), 0);
		assert_step(s, CHALLENGE, rows[i].response);
		assert_finish(s, ERROR_NONE);
		sasl_free(s);
	}
	plan.password = TEXT("");
	assert_null(sasl_new(&plan, &channel, TEXT("CRAM-MD5"), &e));
	assert_int_equal(e.kind, ERROR_CONFIG);
}

static void
cram_md5_takes_one_challenge(void **state)
{
	struct buf out;
	struct error e;
	struct sasl *s;

	(void)state;
	error_clear(&e);
	buf_init(&out, 100);
	s = begin("CRAM-MD5", "clear", "CRAM-MD5");
	assert_int_equal(sasl_initial(s, &out, &e), 0);
	assert_finish(s, ERROR_DENIED);
	sasl_free(s);
	s = begin("CRAM-MD5", "clear", "CRAM-MD5");
	assert_int_equal(sasl_initial(s, &out, &e), 0);
	assert_refused(s, "", ERROR_PROTOCOL, "empty");
	sasl_free(s);
	s = begin("CRAM-MD5", "clear", "CRAM-MD5");
	assert_int_equal(sasl_initial(s, &out, &e), 0);
	assert_step(s, "<1@x>", "user bdfab93bee9dfbacc4721675709a3e87");
	assert_refused(s, "<1@x>", ERROR_PROTOCOL, "more");
	sasl_free(s);
	s = begin("CRAM-MD5", "clear", "CRAM-MD5");
	assert_int_equal(sasl_initial(s, &out, &e), 0);
	assert_int_equal(sasl_step(s, TEXT("no base64!"), &out, &e), -1);
	assert_int_equal(e.kind, ERROR_PROTOCOL);
	assert_int_equal(out.len, 0);
	sasl_free(s);
}

/*
 * OAUTHBEARER and XOAUTH2.
 */

#define BEARER "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="

static struct sasl *
begin_bearer(const char *mechanism, const char *user, struct text token)
{
	struct sasl_channel channel = channel_of("tls");
	struct sasl_plan plan = plan_of(mechanism);
	struct error e;
	struct sasl *s;

	error_clear(&e);
	plan.user = user;
	plan.password = token;
	plan.host = "server.example.com";
	plan.port = 143;
	s = sasl_new(&plan, &channel, text_of(mechanism), &e);
	assert_non_null(s);
	return s;
}

/* RFC 7628 section 4.1; what Google tells of XOAUTH2. */
static void
a_token_goes_in_the_initial_response(void **state)
{
	struct sasl *s;

	(void)state;
	s = begin_bearer("OAUTHBEARER", "user@example.com", TEXT(BEARER));
	assert_initial(
	    s, TEXT("n,a=user@example.com,\001host=server.example.com\001"
		    "port=143\001auth=Bearer " BEARER "\001\001"));
	assert_finish(s, ERROR_NONE);
	sasl_free(s);
	s = begin_bearer("OAUTHBEARER", "a,b=c", TEXT("x"));
	assert_initial(s, TEXT("n,a=a=2Cb=3Dc,\001host=server.example.com\001"
			       "port=143\001auth=Bearer x\001\001"));
	sasl_free(s);
	s = begin_bearer(
	    "XOAUTH2", "someuser@example.com", TEXT("ya29." BEARER));
	assert_initial(
	    s, TEXT("user=someuser@example.com\001auth=Bearer ya29." BEARER
		    "\001\001"));
	assert_finish(s, ERROR_NONE);
	sasl_free(s);
}

static void
what_is_no_token_stays_here(void **state)
{
	static const struct text tokens[] = {TEXT("pencil\001"),
	    TEXT("pencil\r\nMAIL"), TEXT("pen cil"), TEXT("pencil!"),
	    TEXT("pen=cil"), TEXT("==="), TEXT("pencil\177"),
	    TEXT("penc\303\255l")};
	static const char *const names[] = {"OAUTHBEARER", "XOAUTH2"};
	struct buf out;
	struct error e;
	struct sasl *s;
	size_t i, k;

	(void)state;
	buf_init(&out, 1000);
	for (k = 0; k < COUNT(names); k++) {
		for (i = 0; i < COUNT(tokens); i++) {
			s = begin_bearer(names[k], "user", tokens[i]);
			error_clear(&e);
			assert_int_equal(sasl_initial(s, &out, &e), -1);
			assert_int_equal(e.kind, ERROR_CONFIG);
			assert_non_null(strstr(e.text, "no OAuth token"));
			assert_no_secret(&e);
			assert_int_equal(out.len, 0);
			sasl_free(s);
		}
		for (i = 1; i < 33; i++) {
			char user[] = {'a', (char)(i == 32 ? 127 : i), 0};

			s = begin_bearer(names[k], user, TEXT("x"));
			error_clear(&e);
			assert_int_equal(sasl_initial(s, &out, &e), -1);
			assert_non_null(strstr(e.text, "control character"));
			assert_int_equal(out.len, 0);
			sasl_free(s);
		}
	}
}

/* RFC 4954 section 4 has no limit but the server's. */
static void
a_token_may_be_long(void **state)
{
	static char token[65536];
	struct buf out, raw;
	struct error e;
	struct sasl *s;

	(void)state;
	memset(token, 't', sizeof(token));
	error_clear(&e);
	s = begin_bearer(
	    "XOAUTH2", "user", (struct text){token, sizeof(token)});
	buf_init(&out, 200000);
	buf_init(&raw, 200000);
	assert_int_equal(sasl_initial(s, &out, &e), 1);
	assert_int_equal(crypt_unbase64(buf_text(&out), &raw), 0);
	assert_int_equal(raw.len,
	    strlen("user=user\001auth=Bearer \001\001") + sizeof(token));
	buf_clear(&out);
	buf_clear(&raw);
	sasl_free(s);
}

static void
what_the_server_says_of_a_token_is_told(void **state)
{
	static const struct {
		const char *json;
		const char *told;
	} rows[] = {
	    {"{\"status\":\"invalid_token\",\"schemes\":\"bearer\","
	     "\"scope\":\"https://mail.google.com/\"}",
		"status invalid_token, schemes bearer, scope "
		"https://mail.google.com/"},
	    {"{\"scope\":\"mail\",\"status\":401}", "status 401, scope mail"},
	    {"{\"status\":\"\\u001b[2J\"}", "status \\x1b[2J"},
	    {"{\"error\":\"x\"}", "{\"error\":\"x\"}"},
	    {"go\raway", "go\\x0daway"},
	    {"", ""},
	};
	struct sasl *s;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		s = begin_bearer("OAUTHBEARER", "user", TEXT("x"));
		assert_initial(
		    s, TEXT("n,a=user,\001host=server.example.com\001"
			    "port=143\001auth=Bearer x\001\001"));
		assert_string_equal(sasl_told(s), "");
		assert_step(s, rows[i].json, "\001");
		assert_string_equal(sasl_told(s), rows[i].told);
		/* And then it may not say yes, nor ask for more. */
		assert_finish(s, ERROR_DENIED);
		sasl_free(s);
		s = begin_bearer("XOAUTH2", "user", TEXT("x"));
		assert_initial(s, TEXT("user=user\001auth=Bearer x\001\001"));
		assert_step(s, rows[i].json, "");
		assert_string_equal(sasl_told(s), rows[i].told);
		assert_refused(s, "", ERROR_PROTOCOL, "more");
		sasl_free(s);
	}
}

/* It is only words: the 535 behind them is what counts. */
static void
what_the_server_says_of_a_token_is_bounded(void **state)
{
	static char big[1 << 20];
	struct buf out, coded;
	struct error e;
	struct sasl *s;

	(void)state;
	error_clear(&e);
	buf_init(&out, 1000);
	s = begin_bearer("XOAUTH2", "user", TEXT("x"));
	assert_initial(s, TEXT("user=user\001auth=Bearer x\001\001"));
	assert_int_equal(sasl_step(s, TEXT("no base64!"), &out, &e), 0);
	assert_string_equal(sasl_told(s), "");
	sasl_free(s);
	memset(big, 'A', sizeof(big));
	s = begin_bearer("XOAUTH2", "user", TEXT("x"));
	assert_initial(s, TEXT("user=user\001auth=Bearer x\001\001"));
	assert_int_equal(
	    sasl_step(s, (struct text){big, sizeof(big)}, &out, &e), 0);
	assert_string_equal(sasl_told(s), "");
	sasl_free(s);
	buf_init(&coded, 20000);
	memcpy(big, "{\"status\":\"", 11);
	crypt_base64((struct text){big, 9000}, &coded);
	s = begin_bearer("XOAUTH2", "user", TEXT("x"));
	assert_initial(s, TEXT("user=user\001auth=Bearer x\001\001"));
	assert_int_equal(sasl_step(s, buf_text(&coded), &out, &e), 0);
	assert_true(strlen(sasl_told(s)) < 200);
	sasl_free(s);
	buf_clear(&coded);
	buf_clear(&out);
}

static const struct text raw_challenges[] = {
    TEXT("="),
    TEXT("cj1"),
    TEXT("cj1meWtv\n"),
    TEXT("r=" NONCE),
    TEXT("cj0A"), /* "r=" and a NUL */
    TEXT("\0"),
};

static void
scram_wants_base64(void **state)
{
	struct error e;
	struct buf out;
	struct sasl *s;
	size_t i;

	(void)state;
	buf_init(&out, 1000);
	for (i = 0; i < COUNT(raw_challenges); i++) {
		s = begin("SCRAM-SHA-1", "tls", ALL);
		assert_initial(s, TEXT("n,,n=user,r=" NONCE));
		error_clear(&e);
		assert_int_equal(sasl_step(s, raw_challenges[i], &out, &e), -1);
		assert_int_equal(e.kind, ERROR_PROTOCOL);
		assert_string_equal(e.doing, "AUTH SCRAM-SHA-1");
		assert_int_equal(out.len, 0);
		sasl_free(s);
	}
	buf_clear(&out);
}

static void
a_challenge_of_a_megabyte_is_refused(void **state)
{
	static char big[1 << 20];
	struct error e;
	struct buf out;
	struct sasl *s;

	(void)state;
	memset(big, 'A', sizeof(big));
	s = begin("SCRAM-SHA-1", "tls", ALL);
	assert_initial(s, TEXT("n,,n=user,r=" NONCE));
	error_clear(&e);
	buf_init(&out, 1000);
	assert_int_equal(
	    sasl_step(s, (struct text){big, sizeof(big)}, &out, &e), -1);
	assert_int_equal(e.kind, ERROR_PROTOCOL);
	assert_non_null(strstr(e.text, "longer than 12288 bytes"));
	assert_int_equal(out.len, 0);
	sasl_free(s);
}

static void
a_refused_challenge_ends_the_exchange(void **state)
{
	struct sasl *s;

	(void)state;
	s = begin_scram(0);
	assert_refused(s, "e=unknown-user", ERROR_DENIED, "unknown-user");
	sasl_free(s);
	s = begin_scram(0);
	assert_step(s, scrams[0].first, scrams[0].final);
	assert_refused(s, "v=AAAA", ERROR_DENIED, "signature");
	sasl_free(s);
}

/* Before a byte goes to the server: a failed try may count there. */
static void
what_scram_cannot_do_fails_at_once(void **state)
{
	struct sasl_channel channel = channel_of("tls");
	struct sasl_plan plan = plan_of("SCRAM-SHA-1");
	struct buf out;
	struct error e;
	struct sasl *s;

	(void)state;
	memset(plan.nonce, 0, sizeof(plan.nonce));
	error_clear(&e);
	buf_init(&out, 1000);
	s = sasl_new(&plan, &channel, TEXT("SCRAM-SHA-1"), &e);
	assert_int_equal(sasl_initial(s, &out, &e), -1);
	assert_int_equal(e.kind, ERROR_BUG);
	assert_int_equal(out.len, 0);
	assert_finish(s, ERROR_DENIED);
	sasl_free(s);
	sasl_free(NULL);
}

static void
a_response_that_does_not_fit_is_an_error(void **state)
{
	struct buf out;
	struct error e;
	struct sasl *s;

	(void)state;
	s = begin("PLAIN", "tls", "PLAIN");
	error_clear(&e);
	buf_init(&out, 4);
	assert_int_equal(sasl_initial(s, &out, &e), -1);
	assert_int_equal(e.kind, ERROR_CONFIG);
	assert_no_secret(&e);
	assert_finish(s, ERROR_DENIED);
	sasl_free(s);
}

static void
what_does_not_fit_is_denied(void **state)
{
	struct sasl_channel channel = channel_of("clear");
	struct sasl_plan plan = plan_of("");
	struct error e;

	(void)state;
	error_clear(&e);
	assert_null(sasl_new(&plan, &channel, TEXT("PLAIN"), &e));
	assert_int_equal(e.kind, ERROR_DENIED);
	assert_no_secret(&e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_account_without_user_or_password_is_no_account),
	    cmocka_unit_test(what_does_not_fit_is_denied),
	    cmocka_unit_test(plain_is_one_response),
	    cmocka_unit_test(plain_answers_no_prompt),
	    cmocka_unit_test(login_answers_two_prompts_of_any_words),
	    cmocka_unit_test(login_answers_no_third_prompt),
	    cmocka_unit_test(success_before_the_end_is_none),
	    cmocka_unit_test(scram_takes_two_challenges),
	    cmocka_unit_test(flag_y_only_where_no_plus_was_offered),
	    cmocka_unit_test(success_without_the_signature_is_denied),
	    cmocka_unit_test(scram_ends_with_one_final_message),
	    cmocka_unit_test(external_names_the_user_or_nobody),
	    cmocka_unit_test(cram_md5_hashes_with_a_key_of_any_length),
	    cmocka_unit_test(cram_md5_takes_one_challenge),
	    cmocka_unit_test(a_token_goes_in_the_initial_response),
	    cmocka_unit_test(what_is_no_token_stays_here),
	    cmocka_unit_test(a_token_may_be_long),
	    cmocka_unit_test(what_the_server_says_of_a_token_is_told),
	    cmocka_unit_test(what_the_server_says_of_a_token_is_bounded),
	    cmocka_unit_test(scram_wants_base64),
	    cmocka_unit_test(a_challenge_of_a_megabyte_is_refused),
	    cmocka_unit_test(a_refused_challenge_ends_the_exchange),
	    cmocka_unit_test(what_scram_cannot_do_fails_at_once),
	    cmocka_unit_test(a_response_that_does_not_fit_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
