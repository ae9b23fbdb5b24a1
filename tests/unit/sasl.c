#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypt.h"
#include "sasl.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define NONCE	     "fyko+d2lbbFgONRv9qkxdawL"
#define FULL_NONCE   "r=" NONCE "3rfcNHYJY1ZVvWVs7j"
#define SALT	     ",s=MDEyMzQ1Njc4OWFiY2RlZg=="

/* The channel binding is 0, 1, 2, ... */
static struct sasl_channel
channel_of(const char *name)
{
	struct sasl_channel c;
	size_t i;

	memset(&c, 0, sizeof(c));
	for (i = 0; i < sizeof(c.data); i++)
		c.data[i] = (unsigned char)i;
	if (strcmp(name, "clear") == 0)
		return c;
	if (strcmp(name, "local") == 0) {
		c.local = true;
		return c;
	}
	c.tls = true;
	c.verified = strncmp(name, "stranger", 8) != 0;
	if (strstr(name, "exporter") != NULL) {
		c.binding = SASL_TLS_EXPORTER;
		c.len = 32;
	} else if (strstr(name, "unique") != NULL) {
		c.binding = SASL_TLS_UNIQUE;
		c.len = 12;
	}
	return c;
}

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
		    sasl_parse(name, &plan.wanted[plan.wanted_count++]), 0);
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

static void
names_go_both_ways(void **state)
{
	enum sasl_mechanism m;
	size_t i;

	(void)state;
	for (i = 0; i < SASL_COUNT; i++) {
		assert_int_equal(
		    sasl_parse(text_of(sasl_name((enum sasl_mechanism)i)), &m),
		    0);
		assert_int_equal(m, i);
	}
	assert_int_equal(sasl_parse(TEXT("scram-sha-256-plus"), &m), 0);
	assert_int_equal(m, SASL_SCRAM_SHA_256_PLUS);
	assert_int_equal(sasl_parse(TEXT("SCRAM-SHA-25"), &m), -1);
	assert_int_equal(sasl_parse(TEXT("SCRAM-SHA-2566"), &m), -1);
	assert_int_equal(sasl_parse(TEXT(""), &m), -1);
	assert_int_equal(sasl_parse(TEXT("NTLM"), &m), -1);
}

#define ALL                                                                    \
	"LOGIN PLAIN SCRAM-SHA-1 SCRAM-SHA-256 SCRAM-SHA-1-PLUS "              \
	"SCRAM-SHA-256-PLUS"

/* hint: words it must have where nothing was chosen. */
static const struct {
	const char *channel;
	bool in_clear;
	const char *wanted;
	const char *offered;
	const char *chosen; /* NULL: denied */
	const char *hint;
} choices[] = {
    {"exporter", false, "", ALL, "SCRAM-SHA-256-PLUS", NULL},
    {"unique", false, "", ALL, "SCRAM-SHA-256-PLUS", NULL},
    {"exporter", false, "", "PLAIN SCRAM-SHA-1-PLUS", "SCRAM-SHA-1-PLUS", NULL},
    {"tls", false, "", ALL, "PLAIN", NULL},
    {"tls", false, "", "SCRAM-SHA-1 LOGIN SCRAM-SHA-256", "SCRAM-SHA-256",
	NULL},
    {"tls", false, "", "SCRAM-SHA-1 LOGIN", "SCRAM-SHA-1", NULL},
    {"tls", false, "", "login", "LOGIN", NULL},
    {"stranger", false, "", ALL, "SCRAM-SHA-256", NULL},
    {"stranger exporter", false, "", ALL, "SCRAM-SHA-256-PLUS", NULL},
    {"stranger", false, "", "LOGIN PLAIN", NULL, "`auth PLAIN`"},
    {"stranger", true, "", "LOGIN PLAIN", "PLAIN", NULL},
    {"stranger", false, "LOGIN", "LOGIN PLAIN", "LOGIN", NULL},
    {"clear", false, "", ALL, "SCRAM-SHA-256", NULL},
    {"clear", false, "", "LOGIN PLAIN", NULL, "`auth-in-clear yes`"},
    {"clear", false, "PLAIN", ALL, NULL, "`auth-in-clear yes`"},
    {"clear", false, "PLAIN SCRAM-SHA-1", ALL, "SCRAM-SHA-1", NULL},
    {"clear", true, "", ALL, "PLAIN", NULL},
    {"clear", true, "LOGIN", ALL, "LOGIN", NULL},
    {"local", false, "", ALL, "PLAIN", NULL},
    {"local", false, "LOGIN", ALL, "LOGIN", NULL},
    {"exporter", false, "SCRAM-SHA-1 PLAIN", ALL, "SCRAM-SHA-1", NULL},
    {"exporter", false, "LOGIN PLAIN", ALL, "LOGIN", NULL},
    {"exporter", false, "LOGIN PLAIN", "X PLAIN", "PLAIN", NULL},
    {"tls", false, "SCRAM-SHA-1-PLUS", ALL, NULL, "`auth PLAIN`"},
    {"tls", false, "SCRAM-SHA-1-PLUS", "SCRAM-SHA-1-PLUS SCRAM-SHA-1", NULL,
	"`auth SCRAM-SHA-1`"},
    {"tls", false, "", "SCRAM-SHA-1-PLUS", NULL, "channel binding"},
    {"tls", false, "LOGIN", "PLAIN", NULL, "`auth PLAIN`"},
    {"tls", false, "", "GSSAPI NTLM", NULL, "provider"},
    {"tls", false, "", "PLAINLY XLOGIN", NULL, "provider"},
    {"tls", false, "", "", NULL, "no login"},
    {"clear", false, "", "", NULL, "smtps://"},
};

static void
chooses_as_the_policy_says(void **state)
{
	struct sasl_channel channel;
	struct sasl_plan plan;
	struct error e;
	struct sasl *s;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(choices); i++) {
		error_clear(&e);
		plan = plan_of(choices[i].wanted);
		plan.in_clear = choices[i].in_clear;
		channel = channel_of(choices[i].channel);
		s = sasl_new(&plan, &channel, text_of(choices[i].offered), &e);
		if (choices[i].chosen != NULL) {
			assert_non_null(s);
			assert_string_equal(
			    sasl_name(sasl_mechanism(s)), choices[i].chosen);
			assert_int_equal(e.kind, ERROR_NONE);
		} else {
			assert_null(s);
			assert_int_equal(e.kind, ERROR_DENIED);
			assert_non_null(strstr(e.text, choices[i].offered));
			assert_non_null(strstr(e.hint, choices[i].hint));
			assert_no_secret(&e);
		}
		sasl_free(s);
	}
}

static void
what_the_server_offers_is_shown_visible(void **state)
{
	struct sasl_channel channel = channel_of("tls");
	struct sasl_plan plan = plan_of("");
	struct error e;

	(void)state;
	error_clear(&e);
	assert_null(sasl_new(&plan, &channel, TEXT("X\033[2J %n"), &e));
	assert_non_null(strstr(e.text, "X\\x1b[2J %n"));
}

static void
an_account_without_user_or_password_is_no_account(void **state)
{
	struct sasl_channel channel = channel_of("tls");
	struct sasl_plan plan = plan_of("");
	struct error e;

	(void)state;
	error_clear(&e);
	plan.user = NULL;
	assert_null(sasl_new(&plan, &channel, TEXT("PLAIN"), &e));
	assert_int_equal(e.kind, ERROR_CONFIG);
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

/* The first two are the examples of RFC 5802 section 5 and RFC 7677 section
 * 3; the others were computed with another implementation. */
static const struct {
	const char *wanted;
	const char *channel;
	const char *offered;
	const char *user;
	const char *password;
	const char *nonce;
	const char *initial;
	const char *first;
	const char *final;
	const char *server;
} scrams[] = {
    {"SCRAM-SHA-1", "tls", ALL, "user", "pencil", NONCE, "n,,n=user,r=" NONCE,
	FULL_NONCE ",s=QSXCR+Q6sek8bf92,i=4096",
	"c=biws," FULL_NONCE ",p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
	"v=rmF9pqV8S7suAoZWja4dJRkFsKQ="},
    {"SCRAM-SHA-256", "tls", ALL, "user", "pencil", "rOprNGfwEbeRWgbNEkqO",
	"n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
	"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
	"s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
	"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
	"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
	"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="},
    {"SCRAM-SHA-256-PLUS", "exporter", ALL, "user", "pencil", NONCE,
	"p=tls-exporter,,n=user,r=" NONCE, FULL_NONCE SALT ",i=4096",
	"c=cD10bHMtZXhwb3J0ZXIsLAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f," FULL_NONCE
	",p=kHM8z4bTTchtsqO/CMBXHpVdGIcbgh4x95RUghumc3c=",
	"v=WaT5KZKk1irnI8DnXmCoP9sC3kTZXLNHOKm09WOk4EI="},
    {"SCRAM-SHA-1-PLUS", "unique", ALL, "user", "pencil", NONCE,
	"p=tls-unique,,n=user,r=" NONCE, FULL_NONCE SALT ",i=4096",
	"c=cD10bHMtdW5pcXVlLCwAAQIDBAUGBwgJCgs=," FULL_NONCE
	",p=+fxO6ENhrfcZILkR4gKaUF+0RLA=",
	"v=o4i/mOYZOH/Ld78TkCHjsQOXTCE="},
    {"SCRAM-SHA-256", "exporter", "SCRAM-SHA-256", "user", "pencil", NONCE,
	"y,,n=user,r=" NONCE, FULL_NONCE SALT ",i=5000",
	"c=eSws," FULL_NONCE ",p=8hiK0BoteFxkDGWowEJsgpOuyWhs3tS0AnzlRbP5kfk=",
	"v=4NC/3GleuVbz2nXOysR9nLW772WvVSGQves8LToj2Fk="},
    {"SCRAM-SHA-256", "tls", "SCRAM-SHA-256", "a,b=c", "pencil", NONCE,
	"n,,n=a=2Cb=3Dc,r=" NONCE, FULL_NONCE SALT ",i=4096",
	"c=biws," FULL_NONCE ",p=EsJ/yszTzsUTL/a3UpEbITYL/k5b+9vHtXve0wwdttk=",
	"v=3qLU1aJNrAHaR8S0XWPirLuWW2ih7q2HHQ/Xr7oz7IM="},
    {"SCRAM-SHA-1", "tls", "SCRAM-SHA-1", "user", "pe\314\201ncil", NONCE,
	"n,,n=user,r=" NONCE, FULL_NONCE SALT ",i=4096",
	"c=biws," FULL_NONCE ",p=k3TLI70eaGEzto3VslVPH2rn9zA=",
	"v=rfBX93UhDarL/SI1geB79i+GqjE="},
};

static struct sasl *
begin_scram(size_t i)
{
	struct sasl_channel channel = channel_of(scrams[i].channel);
	struct sasl_plan plan = plan_of(scrams[i].wanted);
	struct error e;
	struct sasl *s;

	error_clear(&e);
	plan.user = scrams[i].user;
	plan.password = text_of(scrams[i].password);
	memset(plan.nonce, 0, sizeof(plan.nonce));
	memcpy(plan.nonce, scrams[i].nonce, strlen(scrams[i].nonce));
	s = sasl_new(&plan, &channel, text_of(scrams[i].offered), &e);
	assert_non_null(s);
	assert_initial(s, text_of(scrams[i].initial));
	return s;
}

static void
scram_is_the_standards(void **state)
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

static const struct {
	const char *challenge;
	enum error_kind kind;
	const char *words;
} bad_firsts[] = {
    {"", ERROR_PROTOCOL, "no well-formed r="},
    {"r", ERROR_PROTOCOL, "no well-formed r="},
    {"garbage", ERROR_PROTOCOL, "no well-formed r="},
    {"1=x" SALT ",i=4096", ERROR_PROTOCOL, "no well-formed r="},
    {FULL_NONCE, ERROR_PROTOCOL, "no well-formed s="},
    {FULL_NONCE ",", ERROR_PROTOCOL, "no well-formed r="},
    {FULL_NONCE SALT, ERROR_PROTOCOL, "no well-formed i="},
    {FULL_NONCE SALT ",", ERROR_PROTOCOL, "no well-formed s="},
    {FULL_NONCE ",i=4096", ERROR_PROTOCOL, "i= where s="},
    {"s=MDEy," FULL_NONCE ",i=4096", ERROR_PROTOCOL, "s= where r="},
    {FULL_NONCE SALT SALT ",i=4096", ERROR_PROTOCOL, "s= where i="},
    {FULL_NONCE "," FULL_NONCE SALT ",i=4096", ERROR_PROTOCOL, "r= where s="},
    {FULL_NONCE SALT ",i=4096,i=4096", ERROR_PROTOCOL, "i= twice"},
    {FULL_NONCE SALT ",i=4096," FULL_NONCE, ERROR_PROTOCOL, "r= twice"},
    {FULL_NONCE SALT ",i=4096,x=1,x=2", ERROR_PROTOCOL, "x= twice"},
    {FULL_NONCE SALT ",i=4096,v=x", ERROR_PROTOCOL, "v= twice"},
    {FULL_NONCE SALT ",i=4096,", ERROR_PROTOCOL, "no well-formed i="},
    {FULL_NONCE SALT ",i=4096,,x=1", ERROR_PROTOCOL, "malformed"},
    {FULL_NONCE ",," SALT ",i=4096", ERROR_PROTOCOL, "no well-formed s="},
    {FULL_NONCE SALT ",i=4096,x", ERROR_PROTOCOL, "malformed"},
    {"m=ext," FULL_NONCE SALT ",i=4096", ERROR_PROTOCOL, "m="},
    {FULL_NONCE SALT ",i=4096,m=ext", ERROR_PROTOCOL, "m="},
    {"e=unknown-user", ERROR_DENIED, "unknown-user"},
    {"e=\033[2J", ERROR_DENIED, "\\x1b[2J"},
    /* the nonce */
    {"r=" SALT ",i=4096", ERROR_PROTOCOL, "extend"},
    {"r=" NONCE SALT ",i=4096", ERROR_PROTOCOL, "extend"},
    {"r=fyko" SALT ",i=4096", ERROR_PROTOCOL, "extend"},
    {"r=FYKO+d2lbbFgONRv9qkxdawL3rfc" SALT ",i=4096", ERROR_PROTOCOL, "extend"},
    {"r=x" NONCE "3rfc" SALT ",i=4096", ERROR_PROTOCOL, "extend"},
    {"r=" NONCE "3 rfc" SALT ",i=4096", ERROR_PROTOCOL, "not allowed"},
    {"r=" NONCE "\303\274" SALT ",i=4096", ERROR_PROTOCOL, "not allowed"},
    {"r=" NONCE "\r\n" SALT ",i=4096", ERROR_PROTOCOL, "not allowed"},
    {"r=" NONCE "\377" SALT ",i=4096", ERROR_PROTOCOL, "not UTF-8"},
    /* the salt */
    {FULL_NONCE ",s=,i=4096", ERROR_PROTOCOL, "salt"},
    {FULL_NONCE ",s=!,i=4096", ERROR_PROTOCOL, "salt"},
    {FULL_NONCE ",s=MDE,i=4096", ERROR_PROTOCOL, "salt"},
    {FULL_NONCE ",s=MDEy\n,i=4096", ERROR_PROTOCOL, "salt"},
    /* the iterations */
    {FULL_NONCE SALT ",i=", ERROR_PROTOCOL, "iteration"},
    {FULL_NONCE SALT ",i=0", ERROR_PROTOCOL, "iteration"},
    {FULL_NONCE SALT ",i=1", ERROR_PROTOCOL, "iteration"},
    {FULL_NONCE SALT ",i=4095", ERROR_PROTOCOL, "iteration"},
    {FULL_NONCE SALT ",i=1000001", ERROR_PROTOCOL, "iteration"},
    {FULL_NONCE SALT ",i=2147483648", ERROR_PROTOCOL, "iteration"},
    {FULL_NONCE SALT ",i=4294971392", ERROR_PROTOCOL, "iteration"},
    {FULL_NONCE SALT ",i=99999999999999999999999", ERROR_PROTOCOL, "iteration"},
    {FULL_NONCE SALT ",i=-4096", ERROR_PROTOCOL, "iteration"},
    {FULL_NONCE SALT ",i=+4096", ERROR_PROTOCOL, "iteration"},
    {FULL_NONCE SALT ",i=04096", ERROR_PROTOCOL, "iteration"},
    {FULL_NONCE SALT ",i=4096x", ERROR_PROTOCOL, "iteration"},
};

static void
scram_refuses_a_bad_first_message(void **state)
{
	struct sasl *s;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad_firsts); i++) {
		s = begin("SCRAM-SHA-1", "tls", ALL);
		assert_initial(s, TEXT("n,,n=user,r=" NONCE));
		assert_refused(s, bad_firsts[i].challenge, bad_firsts[i].kind,
		    bad_firsts[i].words);
		sasl_free(s);
	}
}

static void
scram_passes_over_unknown_extensions(void **state)
{
	struct error e;
	struct sasl *s;
	struct buf raw;

	(void)state;
	s = begin("SCRAM-SHA-1", "tls", ALL);
	assert_initial(s, TEXT("n,,n=user,r=" NONCE));
	error_clear(&e);
	buf_init(&raw, 1000);
	assert_int_equal(
	    step(s, FULL_NONCE SALT ",i=4096,x=1,d=yes", &raw, &e), 0);
	buf_clear(&raw);
	sasl_free(s);
}

/* Of the first exchange in scrams[]. */
static const struct {
	const char *challenge;
	enum error_kind kind;
	const char *words;
} bad_finals[] = {
    {"", ERROR_PROTOCOL, "no well-formed v="},
    {"v", ERROR_PROTOCOL, "no well-formed v="},
    {"v=", ERROR_DENIED, "signature"},
    {"v=!", ERROR_DENIED, "signature"},
    {"v=rmF9pqV8S7suAoZWja4dJRkFsKQ", ERROR_DENIED, "signature"},
    {"v=rmF9pqV8S7suAoZWja4dJRkFsKU=", ERROR_DENIED, "signature"},
    {"v=AAAAAAAAAAAAAAAAAAAAAAAAAAA=", ERROR_DENIED, "signature"},
    {"v=rmF9pqV8S7suAoZWja4dJRkFsA==", ERROR_DENIED, "signature"},
    {"v=rmF9pqV8S7suAoZWja4dJRkFsKQA", ERROR_DENIED, "signature"},
    {"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=,", ERROR_PROTOCOL, "no well-formed v="},
    {"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=,m=x", ERROR_PROTOCOL, "m="},
    {"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=,e=x", ERROR_PROTOCOL, "e= twice"},
    {"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=,v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
	ERROR_PROTOCOL, "v= twice"},
    {"V=rmF9pqV8S7suAoZWja4dJRkFsKQ=", ERROR_PROTOCOL, "V= where v="},
    {"x=1,v=rmF9pqV8S7suAoZWja4dJRkFsKQ=", ERROR_PROTOCOL, "x= where v="},
    {"m=1,v=rmF9pqV8S7suAoZWja4dJRkFsKQ=", ERROR_PROTOCOL, "m="},
    {"e=invalid-proof", ERROR_DENIED, "invalid-proof"},
    {"e=server-does-support-channel-binding", ERROR_DENIED, "channel-binding"},
    {"e=other", ERROR_DENIED, "other"},
    {FULL_NONCE SALT ",i=4096", ERROR_PROTOCOL, "r= where v="},
};

static void
scram_refuses_a_bad_final_message(void **state)
{
	struct sasl *s;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad_finals); i++) {
		s = begin_scram(0);
		assert_step(s, scrams[0].first, scrams[0].final);
		assert_refused(s, bad_finals[i].challenge, bad_finals[i].kind,
		    bad_finals[i].words);
		sasl_free(s);
	}
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

/* Before a byte goes to the server: a failed try may count there. */
static void
what_scram_cannot_normalise_fails_at_once(void **state)
{
	struct sasl_channel channel = channel_of("tls");
	struct sasl_plan plan = plan_of("SCRAM-SHA-256");
	struct buf out;
	struct error e;
	struct sasl *s;

	(void)state;
	buf_init(&out, 1000);
	plan.password = TEXT("pencil\377");
	error_clear(&e);
	s = sasl_new(&plan, &channel, TEXT("SCRAM-SHA-256"), &e);
	assert_int_equal(sasl_initial(s, &out, &e), -1);
	assert_int_equal(e.kind, ERROR_CONFIG);
	assert_non_null(strstr(e.hint, "`auth PLAIN`"));
	assert_no_secret(&e);
	assert_int_equal(out.len, 0);
	sasl_free(s);
	plan = plan_of("SCRAM-SHA-256");
	plan.user = "\351";
	error_clear(&e);
	s = sasl_new(&plan, &channel, TEXT("SCRAM-SHA-256"), &e);
	assert_int_equal(sasl_initial(s, &out, &e), -1);
	assert_int_equal(e.kind, ERROR_CONFIG);
	assert_non_null(strstr(e.text, "user name"));
	assert_int_equal(out.len, 0);
	sasl_free(s);
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
a_nonce_is_needed(void **state)
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
	sasl_free(s);
	sasl_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names_go_both_ways),
	    cmocka_unit_test(chooses_as_the_policy_says),
	    cmocka_unit_test(what_the_server_offers_is_shown_visible),
	    cmocka_unit_test(an_account_without_user_or_password_is_no_account),
	    cmocka_unit_test(plain_is_one_response),
	    cmocka_unit_test(plain_answers_no_prompt),
	    cmocka_unit_test(login_answers_two_prompts_of_any_words),
	    cmocka_unit_test(login_answers_no_third_prompt),
	    cmocka_unit_test(success_before_the_end_is_none),
	    cmocka_unit_test(scram_is_the_standards),
	    cmocka_unit_test(flag_y_only_where_no_plus_was_offered),
	    cmocka_unit_test(scram_refuses_a_bad_first_message),
	    cmocka_unit_test(scram_passes_over_unknown_extensions),
	    cmocka_unit_test(scram_refuses_a_bad_final_message),
	    cmocka_unit_test(success_without_the_signature_is_denied),
	    cmocka_unit_test(scram_ends_with_one_final_message),
	    cmocka_unit_test(scram_wants_base64),
	    cmocka_unit_test(a_challenge_of_a_megabyte_is_refused),
	    cmocka_unit_test(what_scram_cannot_normalise_fails_at_once),
	    cmocka_unit_test(a_response_that_does_not_fit_is_an_error),
	    cmocka_unit_test(a_nonce_is_needed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
