#include "../unit.h"

#include "auth/scram.h"

#define NONCE	   "fyko+d2lbbFgONRv9qkxdawL"
#define FULL_NONCE "r=" NONCE "3rfcNHYJY1ZVvWVs7j"
#define SALT	   ",s=MDEyMzQ1Njc4OWFiY2RlZg=="

/* The first two are the examples of RFC 5802 section 5 and RFC 7677 section
 * 3; the others were computed with another implementation. */
static const struct {
	enum crypt_hash hash;
	const char *gs2_header;
	size_t binding; /* octets of it: 0, 1, 2, ... */
	const char *user;
	const char *password;
	const char *nonce;
	const char *initial;
	const char *first;
	const char *final;
	const char *server;
} scrams[] = {
    {CRYPT_SHA1, "n,,", 0, "user", "pencil", NONCE, "n,,n=user,r=" NONCE,
	FULL_NONCE ",s=QSXCR+Q6sek8bf92,i=4096",
	"c=biws," FULL_NONCE ",p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
	"v=rmF9pqV8S7suAoZWja4dJRkFsKQ="},
    {CRYPT_SHA256, "n,,", 0, "user", "pencil", "rOprNGfwEbeRWgbNEkqO",
	"n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
	"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
	"s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
	"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
	"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
	"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="},
    {CRYPT_SHA256, "p=tls-exporter,,", 32, "user", "pencil", NONCE,
	"p=tls-exporter,,n=user,r=" NONCE, FULL_NONCE SALT ",i=4096",
	"c=cD10bHMtZXhwb3J0ZXIsLAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f," FULL_NONCE
	",p=kHM8z4bTTchtsqO/CMBXHpVdGIcbgh4x95RUghumc3c=",
	"v=WaT5KZKk1irnI8DnXmCoP9sC3kTZXLNHOKm09WOk4EI="},
    {CRYPT_SHA1, "p=tls-unique,,", 12, "user", "pencil", NONCE,
	"p=tls-unique,,n=user,r=" NONCE, FULL_NONCE SALT ",i=4096",
	"c=cD10bHMtdW5pcXVlLCwAAQIDBAUGBwgJCgs=," FULL_NONCE
	",p=+fxO6ENhrfcZILkR4gKaUF+0RLA=",
	"v=o4i/mOYZOH/Ld78TkCHjsQOXTCE="},
    {CRYPT_SHA256, "y,,", 0, "user", "pencil", NONCE, "y,,n=user,r=" NONCE,
	FULL_NONCE SALT ",i=5000",
	"c=eSws," FULL_NONCE ",p=8hiK0BoteFxkDGWowEJsgpOuyWhs3tS0AnzlRbP5kfk=",
	"v=4NC/3GleuVbz2nXOysR9nLW772WvVSGQves8LToj2Fk="},
    {CRYPT_SHA256, "n,,", 0, "a,b=c", "pencil", NONCE,
	"n,,n=a=2Cb=3Dc,r=" NONCE, FULL_NONCE SALT ",i=4096",
	"c=biws," FULL_NONCE ",p=EsJ/yszTzsUTL/a3UpEbITYL/k5b+9vHtXve0wwdttk=",
	"v=3qLU1aJNrAHaR8S0XWPirLuWW2ih7q2HHQ/Xr7oz7IM="},
    {CRYPT_SHA1, "n,,", 0, "user", "pe\314\201ncil", NONCE,
	"n,,n=user,r=" NONCE, FULL_NONCE SALT ",i=4096",
	"c=biws," FULL_NONCE ",p=k3TLI70eaGEzto3VslVPH2rn9zA=",
	"v=rfBX93UhDarL/SI1geB79i+GqjE="},
};

/* What e tells people must not hold a password used here. */
static void
assert_no_secret(const struct error *e)
{
	assert_null(strstr(e->text, "pencil"));
	assert_null(strstr(e->hint, "pencil"));
	assert_null(strstr(e->text, "cGVuY2ls"));
	assert_null(strstr(e->hint, "cGVuY2ls"));
}

static const struct scram_plan plain_plan = {.name = "SCRAM-SHA-1",
    .doing = "AUTH SCRAM-SHA-1",
    .hash = CRYPT_SHA1,
    .user = "user",
    .password = TEXT("pencil"),
    .nonce = NONCE,
    .gs2_header = "n,,",
    .offered = "SCRAM-SHA-1 OTHER"};

static void
assert_start(struct scram *s, const char *expected)
{
	struct error e;
	struct buf out;

	error_clear(&e);
	buf_init(&out, 10000);
	assert_int_equal(scram_start(s, &out, &e), 0);
	assert_string_equal(buf_string(&out), expected);
	buf_clear(&out);
}

static void
assert_answer(struct scram *s, const char *message, const char *expected)
{
	struct error e;
	struct buf out;

	error_clear(&e);
	buf_init(&out, 10000);
	assert_int_equal(scram_answer(s, text_of(message), &out, &e), 0);
	assert_string_equal(buf_string(&out), expected);
	buf_clear(&out);
}

static struct scram *
begin(size_t i)
{
	static const unsigned char binding[32] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9,
	    10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26,
	    27, 28, 29, 30, 31};
	struct scram_plan plan = plain_plan;
	struct scram *s;

	plan.hash = scrams[i].hash;
	plan.gs2_header = scrams[i].gs2_header;
	plan.binding = (struct text){(const char *)binding, scrams[i].binding};
	plan.user = scrams[i].user;
	plan.password = text_of(scrams[i].password);
	plan.nonce = scrams[i].nonce;
	s = scram_new(&plan);
	assert_start(s, scrams[i].initial);
	return s;
}

static void
is_the_standards(void **state)
{
	struct error e;
	struct scram *s;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(scrams); i++) {
		s = begin(i);
		assert_answer(s, scrams[i].first, scrams[i].final);
		error_clear(&e);
		assert_int_equal(
		    scram_verify(s, text_of(scrams[i].server), &e), 0);
		scram_free(s);
	}
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
refuses_a_bad_first_message(void **state)
{
	struct error e;
	struct buf out;
	struct scram *s;
	size_t i;

	(void)state;
	buf_init(&out, 20000);
	for (i = 0; i < COUNT(bad_firsts); i++) {
		s = begin(0);
		error_clear(&e);
		assert_int_equal(
		    scram_answer(s, text_of(bad_firsts[i].challenge), &out, &e),
		    -1);
		assert_int_equal(e.kind, bad_firsts[i].kind);
		assert_string_equal(e.doing, "AUTH SCRAM-SHA-1");
		assert_non_null(strstr(e.text, bad_firsts[i].words));
		assert_no_secret(&e);
		buf_reset(&out);
		scram_free(s);
	}
	buf_clear(&out);
}

static void
passes_over_unknown_extensions(void **state)
{
	struct scram *s;
	struct error e;
	struct buf out;

	(void)state;
	s = begin(0);
	error_clear(&e);
	buf_init(&out, 1000);
	assert_int_equal(
	    scram_answer(
		s, TEXT(FULL_NONCE SALT ",i=4096,x=1,d=yes"), &out, &e),
	    0);
	buf_clear(&out);
	scram_free(s);
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
refuses_a_bad_final_message(void **state)
{
	struct error e;
	struct scram *s;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad_finals); i++) {
		s = begin(0);
		assert_answer(s, scrams[0].first, scrams[0].final);
		error_clear(&e);
		assert_int_equal(
		    scram_verify(s, text_of(bad_finals[i].challenge), &e), -1);
		assert_int_equal(e.kind, bad_finals[i].kind);
		assert_non_null(strstr(e.text, bad_finals[i].words));
		assert_no_secret(&e);
		scram_free(s);
	}
}

/* Each hint says what the server's word is about. */
static void
hints_at_what_to_do(void **state)
{
	static const struct {
		const char *message;
		const char *hint;
	} rows[] = {{"e=unknown-user", "check `user`"},
	    {"e=channel-bindings-dont-match", "TLS proxy"},
	    {"e=server-does-support-channel-binding", "changed on its way"},
	    {"e=channel-binding-not-supported", "without -PLUS"},
	    {"e=other", "the server offers SCRAM-SHA-1 OTHER"},
	    {"m=x", "the server offers SCRAM-SHA-1 OTHER"},
	    {FULL_NONCE SALT ",i=1", "the server offers SCRAM-SHA-1 OTHER"}};
	struct error e;
	struct buf out;
	struct scram *s;
	size_t i;

	(void)state;
	buf_init(&out, 1000);
	for (i = 0; i < COUNT(rows); i++) {
		s = begin(0);
		error_clear(&e);
		assert_int_equal(
		    scram_answer(s, text_of(rows[i].message), &out, &e), -1);
		assert_non_null(strstr(e.hint, rows[i].hint));
		scram_free(s);
	}
	buf_clear(&out);
}

/* Before a byte goes to the server: a failed try may count there. */
static void
what_cannot_be_normalised_fails_at_once(void **state)
{
	static const struct {
		const char *user;
		const char *password;
		const char *nonce;
		enum error_kind kind;
		const char *words;
	} rows[] = {{"user", "pencil\377", NONCE, ERROR_CONFIG, "password"},
	    {"\351", "pencil", NONCE, ERROR_CONFIG, "user name"},
	    {"user", "pencil", "", ERROR_BUG, "nonce"},
	    {"user", "pencil", "a,b", ERROR_BUG, "nonce"}};
	struct scram_plan plan = plain_plan;
	struct scram *s;
	struct buf out;
	struct error e;
	size_t i;

	(void)state;
	buf_init(&out, 1000);
	for (i = 0; i < COUNT(rows); i++) {
		plan.user = rows[i].user;
		plan.password = text_of(rows[i].password);
		plan.nonce = rows[i].nonce;
		s = scram_new(&plan);
		error_clear(&e);
		assert_int_equal(scram_start(s, &out, &e), -1);
		assert_int_equal(e.kind, rows[i].kind);
		assert_non_null(strstr(e.text, rows[i].words));
		assert_no_secret(&e);
		assert_int_equal(out.len, 0);
		scram_free(s);
	}
	scram_free(NULL);
}

static void
names_plain_where_the_password_does_not_fit(void **state)
{
	struct scram_plan plan = plain_plan;
	struct scram *s;
	struct buf out;
	struct error e;

	(void)state;
	plan.password = TEXT("pencil\377");
	s = scram_new(&plan);
	buf_init(&out, 1000);
	error_clear(&e);
	assert_int_equal(scram_start(s, &out, &e), -1);
	assert_non_null(strstr(e.hint, "`auth PLAIN`"));
	scram_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(is_the_standards),
	    cmocka_unit_test(refuses_a_bad_first_message),
	    cmocka_unit_test(passes_over_unknown_extensions),
	    cmocka_unit_test(refuses_a_bad_final_message),
	    cmocka_unit_test(hints_at_what_to_do),
	    cmocka_unit_test(what_cannot_be_normalised_fails_at_once),
	    cmocka_unit_test(names_plain_where_the_password_does_not_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
