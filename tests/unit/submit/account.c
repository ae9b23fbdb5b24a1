#include "../unit.h"

#include "base/mem.h"
#include "config/keyword.h"
#include "submit/account.h"

#define D60 "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
#define D63 "abc" D60

static const struct {
	const char *url;
	const char *host; /* NULL: a fault */
	unsigned port;
	enum smarthost_security security;
	const char *words; /* of the fault */
} urls[] = {
    {"smtps://mail.example.org", "mail.example.org", 465, SMARTHOST_TLS, NULL},
    {"smtp://mail.example.org", "mail.example.org", 587, SMARTHOST_STARTTLS,
	NULL},
    {"smtp+plain://localhost", "localhost", 25, SMARTHOST_PLAIN, NULL},
    {"SMTPS://Mail.Example.Org:2465", "Mail.Example.Org", 2465, SMARTHOST_TLS,
	NULL},
    {"smtps://mail.example.org/", "mail.example.org", 465, SMARTHOST_TLS, NULL},
    {"smtps://mail.example.org.", "mail.example.org", 465, SMARTHOST_TLS, NULL},
    {"smtp://mail.example.org.:25/", "mail.example.org", 25, SMARTHOST_STARTTLS,
	NULL},
    {"smtps://192.0.2.1:1", "192.0.2.1", 1, SMARTHOST_TLS, NULL},
    {"smtps://[2001:db8::1]", "2001:db8::1", 465, SMARTHOST_TLS, NULL},
    {"smtp://[::1]:65535", "::1", 65535, SMARTHOST_STARTTLS, NULL},
    {"mail.example.org", NULL, 0, 0, "does not begin with smtps://"},
    {"https://mail.example.org", NULL, 0, 0, "does not begin with"},
    {"", NULL, 0, 0, "does not begin with"},
    {"smtps://", NULL, 0, 0, "names no host"},
    {"smtps://:465", NULL, 0, 0, "names no host"},
    {"smtps://mail example", NULL, 0, 0, "must have a host name of"},
    {"smtps://mail..example", NULL, 0, 0, "must have a host name of"},
    {"smtps://mail.example..", NULL, 0, 0, "must have a host name of"},
    {"smtps://.", NULL, 0, 0, "must have a host name of"},
    {"smtps://mail.example,", NULL, 0, 0, "must have a host name of"},
    {"smtps://-mail.example", NULL, 0, 0, "must have a host name of"},
    {"smtps://m\xc3\xa9il.example", NULL, 0, 0, "must have a host name of"},
    {"smtps://mail\r\n.example", NULL, 0, 0, "mail\\x0d\\x0a.example"},
    {"smtps://" D63 "d", NULL, 0, 0, "must have a host name of"},
    {"smtps://mail.example:0", NULL, 0, 0, "1 to 65535"},
    {"smtps://mail.example:65536", NULL, 0, 0, "1 to 65535"},
    {"smtps://mail.example:", NULL, 0, 0, "1 to 65535"},
    {"smtps://mail.example:+25", NULL, 0, 0, "1 to 65535"},
    {"smtps://mail.example:25x", NULL, 0, 0, "1 to 65535"},
    {"smtps://mail.example/path", NULL, 0, 0, "must have a host name of"},
    {"smtps://2001:db8::1", NULL, 0, 0, "needs brackets"},
    {"smtps://[2001:db8::1", NULL, 0, 0, "no IPv6 address"},
    {"smtps://[]", NULL, 0, 0, "no IPv6 address"},
    {"smtps://[mail.example]", NULL, 0, 0, "no IPv6 address"},
    {"smtps://[::1]25", NULL, 0, 0, "1 to 65535"},
};

#define P45  "/23456789/23456789/23456789/23456789/23456789"
#define P107 P45 P45 "/234567/23456789/"

/* What stands behind the other schemes. */
static const struct {
	const char *url;
	enum smarthost_place place;
	bool lmtp;
	unsigned port;
	const char *host;  /* NULL: a fault */
	const char *words; /* of the fault; else smarthost_name() */
} places[] = {
    {"lmtp://mail.example", SMARTHOST_HOST, true, 24, "mail.example",
	"mail.example:24"},
    {"LMTP://[::1]:2424/", SMARTHOST_HOST, true, 2424, "::1", "[::1]:2424"},
    {"smtp+unix:/run/submit", SMARTHOST_SOCKET, false, 0, "/run/submit",
	"/run/submit"},
    {"smtp+unix:///run/submit", SMARTHOST_SOCKET, false, 0, "///run/submit",
	"///run/submit"},
    {"lmtp+unix:/run/a@b:c/", SMARTHOST_SOCKET, true, 0, "/run/a@b:c/",
	"/run/a@b:c/"},
    {"smtp+unix:/run/\xc3\xa9", SMARTHOST_SOCKET, false, 0, "/run/\xc3\xa9",
	"/run/\xc3\xa9"},
    {"smtp+unix:" P107, SMARTHOST_SOCKET, false, 0, P107, P107},
    {"srv://example.org", SMARTHOST_DOMAIN, false, 0, "example.org",
	"srv://example.org"},
    {"srv://Example.Org./", SMARTHOST_DOMAIN, false, 0, "Example.Org",
	"srv://Example.Org"},
    {"lmtp://", 0, 0, 0, NULL, "names no host"},
    {"lmtp:///run/lmtp", 0, 0, 0, NULL, "must have a host name of"},
    {"smtp+unix:", 0, 0, 0, NULL, "whole path"},
    {"smtp+unix:run/submit", 0, 0, 0, NULL, "whole path"},
    {"lmtp+unix:@abstract", 0, 0, 0, NULL, "whole path"},
    {"lmtp+unix:~/lmtp", 0, 0, 0, NULL, "whole path"},
    {"smtp+unix:" P107 "x", 0, 0, 0, NULL, "107 octets"},
    {"smtp+unix:/run/\xff", 0, 0, 0, NULL, "UTF-8"},
    {"srv://", 0, 0, 0, NULL, "names no host"},
    {"srv://example.org:465", 0, 0, 0, NULL, "DNS says the port"},
    {"srv://192.0.2.1", 0, 0, 0, NULL, "no address"},
    {"srv://[2001:db8::1]", 0, 0, 0, NULL, "no address"},
    {"srv://_submissions._tcp.example.org", 0, 0, 0, NULL, "domain alone"},
    {"srv://example..org", 0, 0, 0, NULL, "must have a host name of"},
    {"srv://example.org/a", 0, 0, 0, NULL, "must have a host name of"},
};

static void
test_smarthost_places(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		struct smarthost s, copy;
		struct error e;

		error_clear(&e);
		if (smarthost_parse(text_of(places[i].url), &s, &e) == -1) {
			if (places[i].host != NULL ||
			    strstr(e.text, places[i].words) == NULL)
				fail_msg("%s: %s", places[i].url, e.text);
			assert_int_equal(e.kind, ERROR_CONFIG);
			assert_null(s.host);
			continue;
		}
		if (places[i].host == NULL)
			fail_msg("%s is none", places[i].url);
		copy = smarthost_copy(&s);
		smarthost_clear(&s);
		assert_string_equal(copy.host, places[i].host);
		assert_string_equal(copy.url, places[i].url);
		assert_string_equal(
		    smarthost_name(&copy).words, places[i].words);
		assert_int_equal(copy.place, places[i].place);
		assert_int_equal(copy.lmtp, places[i].lmtp);
		assert_int_equal(copy.port, places[i].port);
		assert_int_equal(copy.security,
		    copy.place == SMARTHOST_DOMAIN ? SMARTHOST_TLS
		    : copy.place == SMARTHOST_HOST ? SMARTHOST_OFFERED
						   : SMARTHOST_PLAIN);
		assert_null(copy.srv.domain);
		smarthost_clear(&copy);
	}
}

static void
test_smarthost_near(void **state)
{
	static const struct {
		const char *url;
		const char *meant;
	} rows[] = {{"mail.example", "`smtps://mail.example'"},
	    {"mail.example:465", "`smtps://mail.example:465'"},
	    {"mail.example:587", "`smtp://mail.example:587'"},
	    {"192.0.2.1", "`smtps://192.0.2.1'"},
	    {"/run/submit", "`smtp+unix:/run/submit'"},
	    {"unix:/run/submit", "`smtp+unix:/run/submit'"},
	    {"unix:///run/submit", "`smtp+unix:/run/submit'"},
	    {"smtp:unix:/run/submit", "`smtp+unix:/run/submit'"},
	    {"lmtp:unix:/run/lmtp", "`lmtp+unix:/run/lmtp'"},
	    {"smtps:mail.example", "`smtps://mail.example'"},
	    {"smtp:/mail.example:25", "`smtp://mail.example:25'"},
	    {"lmtp:mail.example", "`lmtp://mail.example'"},
	    {"srv:example", "`srv://example'"},
	    {"SUBMISSIONS://mail.example", "`smtps://mail.example'"},
	    {"submission://mail.example", "`smtp://mail.example'"},
	    {"ssl://mail.example", "`smtps://mail.example'"},
	    {"smtp+starttls://mail.example", "`smtp://mail.example'"},
	    {"smtp+plain:mail.example", "`smtp+plain://mail.example'"},
	    {"lmtp:///run/lmtp", "`lmtp+unix:/run/lmtp'"},
	    {"smtp:///run/submit", "`smtp+unix:/run/submit'"},
	    {"https://mail.example", "write smtps://HOST"},
	    {"lmtps://mail.example", "write smtps://HOST"},
	    {"\n", "write smtps://HOST"}, {"", "write smtps://HOST"}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct smarthost s;
		struct error e;

		error_clear(&e);
		assert_int_equal(
		    smarthost_parse(text_of(rows[i].url), &s, &e), -1);
		if (strstr(e.hint, rows[i].meant) == NULL)
			fail_msg("%s: %s", rows[i].url, e.hint);
		assert_false(text_has_control(text_of(e.hint)));
	}
}

static void
test_smarthost_parse(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		struct smarthost s;
		struct error e;
		int rc;

		error_clear(&e);
		rc = smarthost_parse(text_of(urls[i].url), &s, &e);
		if (urls[i].host != NULL) {
			if (rc != 0)
				fail_msg("%s: %s", urls[i].url, e.text);
			assert_string_equal(s.host, urls[i].host);
			assert_string_equal(s.url, urls[i].url);
			assert_int_equal(s.port, urls[i].port);
			assert_int_equal(s.security, urls[i].security);
		} else {
			assert_int_equal(rc, -1);
			assert_int_equal(e.kind, ERROR_CONFIG);
			if (strstr(e.text, urls[i].words) == NULL)
				fail_msg("%s: %s", urls[i].url, e.text);
			assert_false(text_has_control(text_of(e.text)));
		}
		smarthost_clear(&s);
	}
}

static void
test_smarthost_url(void **state)
{
	static const struct {
		const char *url;
		enum smarthost_security security;
		const char *same;
		const char *name;
	} rows[] = {{"smtps://mail.example", SMARTHOST_STARTTLS,
			"smtp://mail.example:465", "mail.example:465"},
	    {"smtp+plain://192.0.2.1:26", SMARTHOST_TLS, "smtps://192.0.2.1:26",
		"192.0.2.1:26"},
	    {"smtp://[2001:db8::1]", SMARTHOST_PLAIN,
		"smtp+plain://[2001:db8::1]:587", "[2001:db8::1]:587"},
	    {"srv://example.org", SMARTHOST_STARTTLS, "srv://example.org",
		"srv://example.org"},
	    {"lmtp://mail.example", SMARTHOST_TLS, "lmtp://mail.example",
		"mail.example:24"},
	    {"smtp+unix:/run/submit", SMARTHOST_TLS, "smtp+unix:/run/submit",
		"/run/submit"}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct smarthost s;
		struct error e;
		char url[100];

		error_clear(&e);
		assert_int_equal(
		    smarthost_parse(text_of(rows[i].url), &s, &e), 0);
		smarthost_url(&s, rows[i].security, url, sizeof(url));
		assert_string_equal(url, rows[i].same);
		assert_string_equal(smarthost_name(&s).words, rows[i].name);
		smarthost_clear(&s);
	}
}

static void
test_smarthost_without_secret(void **state)
{
	static const char *const rows[] = {"smtps://alice:hunter2@mail.example",
	    "smtps://alice:hunter2@", "hunter2@mail.example",
	    "imap://a:hunter2@b"};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct smarthost s;
		struct error e;

		error_clear(&e);
		assert_int_equal(smarthost_parse(text_of(rows[i]), &s, &e), -1);
		assert_int_equal(e.kind, ERROR_CONFIG);
		assert_null(strstr(e.text, "hunter2"));
		assert_null(strstr(e.hint, "hunter2"));
		assert_non_null(strstr(e.hint, "password-file"));
	}
}

/* An account with what can be checked, and what can match. */
static void
fill(struct account *a)
{
	struct error e;

	error_clear(&e);
	memset(a, 0, sizeof(*a));
	smarthost_parse(TEXT("smtps://mail.example"),
	    mem_push(a->smarthosts.at, a->smarthosts.count), &e);
	*mem_push(a->match.at, a->match.count) = mem_copy("*@work.example");
	a->user = mem_copy("alice");
	a->secret.source = SECRET_FILE;
	a->secret.text = mem_copy("/secret");
	a->auth.choice = AUTH_LIST;
	a->from = mem_copy("from@example");
}

static void
test_check(void **state)
{
	struct account a = {0};
	struct error e;

	(void)state;
	error_clear(&e);
	fill(&a);
	a.name = mem_copy("work");
	assert_int_equal(account_check(&a, &e), 0);

	/* The terminal may be asked. */
	a.secret.source = SECRET_NONE;
	assert_int_equal(account_check(&a, &e), 0);

	mem_wipe_string(a.user);
	a.user = NULL;
	assert_int_equal(account_check(&a, &e), -1);
	assert_non_null(strstr(e.text, "account `work'"));
	assert_non_null(strstr(e.text, "`auth'"));

	error_clear(&e);
	a.auth.choice = AUTH_AUTO;
	assert_int_equal(account_check(&a, &e), 0);
	a.secret.source = SECRET_FILE;
	assert_int_equal(account_check(&a, &e), -1);
	assert_int_equal(e.kind, ERROR_CONFIG);
	assert_non_null(strstr(e.text, "`user'"));
	assert_null(strstr(e.text, "/secret"));
	keyword_clear(&a);

	error_clear(&e);
	assert_int_equal(account_check(&a, &e), -1);
	assert_int_equal(e.kind, ERROR_CONFIG);
	assert_non_null(strstr(e.text, "`smarthost'"));
	assert_non_null(strstr(e.hint, "smarthost smtps://"));
}

/* What a login takes, by the mechanisms of `auth'. */
static void
test_login(void **state)
{
	static const struct {
		const char *user;
		enum secret_source source;
		enum auth_choice choice;
		enum mechanism mechanisms[2];
		size_t count;
		bool login, secret, token;
	} rows[] = {
	    {NULL, SECRET_NONE, AUTH_UNSET, {0}, 0, false, false, false},
	    {"u", SECRET_NONE, AUTH_UNSET, {0}, 0, true, true, false},
	    {"u", SECRET_FILE, AUTH_AUTO, {0}, 0, true, true, false},
	    {"u", SECRET_FILE, AUTH_OFF, {0}, 0, false, false, false},
	    {"u", SECRET_FILE, AUTH_LIST, {MECHANISM_PLAIN}, 1, true, true,
		false},
	    {"u", SECRET_FILE, AUTH_LIST, {MECHANISM_XOAUTH2}, 1, true, true,
		true},
	    {"u", SECRET_NONE, AUTH_LIST, {MECHANISM_OAUTHBEARER}, 1, true,
		true, true},
	    {"u", SECRET_FILE, AUTH_LIST, {MECHANISM_EXTERNAL}, 1, true, false,
		false},
	    {NULL, SECRET_NONE, AUTH_LIST, {MECHANISM_EXTERNAL}, 1, true, false,
		false},
	    {"u", SECRET_NONE, AUTH_LIST, {MECHANISM_EXTERNAL, MECHANISM_PLAIN},
		2, true, false, false},
	    {"u", SECRET_FILE, AUTH_LIST, {MECHANISM_PLAIN, MECHANISM_EXTERNAL},
		2, true, true, false},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct account a = {.user = (char *)rows[i].user,
		    .secret = {NULL, rows[i].source},
		    .auth = {.choice = rows[i].choice, .count = rows[i].count}};

		memcpy(a.auth.mechanisms, rows[i].mechanisms,
		    sizeof(rows[i].mechanisms));
		assert_int_equal(account_wants_login(&a), rows[i].login);
		assert_int_equal(account_wants_secret(&a), rows[i].secret);
		assert_int_equal(account_has_token(&a), rows[i].token);
		/* A certificate will do where nothing is named. */
		a.tls_certificate = (char *)"/c.pem";
		assert_int_equal(account_wants_secret(&a),
		    rows[i].secret && (rows[i].source != SECRET_NONE ||
					  rows[i].choice == AUTH_LIST));
	}
}

static void
test_token_command(void **state)
{
	static const struct {
		const char *command;
		enum mechanism mechanism; /* MECHANISM_COUNT: auto */
		bool good;
	} rows[] = {{"sendling-token a@b", MECHANISM_COUNT, false},
	    {" /usr/bin/sendling-token", MECHANISM_COUNT, false},
	    {"sendling-token a@b", MECHANISM_PLAIN, false},
	    {"sendling-token a@b", MECHANISM_XOAUTH2, true},
	    {"sendling-token a@b", MECHANISM_OAUTHBEARER, true},
	    {"my-sendling-token", MECHANISM_COUNT, true},
	    {"pass sendling-token", MECHANISM_COUNT, true},
	    {"/", MECHANISM_COUNT, true}};
	struct smarthost at = {.host = NULL};
	struct error e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct account a = {.name = (char *)"x",
		    .user = (char *)"u",
		    .smarthosts = {&at, 1},
		    .secret = {(char *)rows[i].command, SECRET_COMMAND}};

		if (rows[i].mechanism != MECHANISM_COUNT) {
			a.auth.choice = AUTH_LIST;
			a.auth.mechanisms[0] = rows[i].mechanism;
			a.auth.count = 1;
		}
		error_clear(&e);
		assert_int_equal(account_check(&a, &e), rows[i].good ? 0 : -1);
		if (!rows[i].good)
			assert_string_equal(
			    e.hint, "write a line like: auth XOAUTH2");
		a.auth.choice = AUTH_OFF;
		error_clear(&e);
		assert_int_equal(account_check(&a, &e), 0);
	}
}

/* All that is wrong with one, check by check. */
static void
test_every_check(void **state)
{
	static const struct {
		const char *keyword;
		int result;
	} rows[] = {{"smarthost", -1}, {"source-address", 0}, {"password", -1},
	    {"password", 0}, {"auth", -1}, {"tls-key", 0}, {"tls-verify", 0}};
	struct account a = {
	    .secret = {.source = SECRET_FILE}, .auth = {.choice = AUTH_LIST}};
	const char *keyword;
	struct error e;
	size_t next = 0, i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		error_clear(&e);
		assert_int_equal(account_check_next(&a, &next, &keyword, &e),
		    rows[i].result);
		assert_string_equal(keyword, rows[i].keyword);
	}
	assert_int_equal(account_check_next(&a, &next, &keyword, &e), 1);
}

/* What would count for nothing. */
static void
test_check_tls(void **state)
{
	struct account a = {0};
	struct error e;

	(void)state;
	fill(&a);
	a.tls_verify = SWITCH_NO;
	error_clear(&e);
	assert_int_equal(account_check(&a, &e), 0);
	a.tls_crl = mem_copy("/crl");
	assert_int_equal(account_check(&a, &e), -1);
	assert_int_equal(e.kind, ERROR_CONFIG);
	assert_non_null(strstr(e.text, "`tls-verify no', which checks"));
	a.tls_verify = SWITCH_YES;
	*mem_push(a.tls_pins.at, a.tls_pins.count) = mem_copy("sha256:");
	error_clear(&e);
	assert_int_equal(account_check(&a, &e), 0);
	a.tls_verify = SWITCH_NO;
	free(a.tls_crl);
	a.tls_crl = NULL;
	assert_int_equal(account_check(&a, &e), -1);
	a.tls_verify = SWITCH_UNSET;
	a.tls_key = mem_copy("/key");
	error_clear(&e);
	assert_int_equal(account_check(&a, &e), -1);
	assert_non_null(strstr(e.text, "`tls-key', but no `tls-certificate'"));
	a.tls_certificate = mem_copy("/certificate");
	error_clear(&e);
	assert_int_equal(account_check(&a, &e), 0);
	keyword_clear(&a);
}

static void
test_matches(void **state)
{
	static const struct {
		const char *path;
		bool matches;
	} rows[] = {{"bob@work.example", true}, {"BOB@Work.Example", true},
	    {"from@example", true}, {"From@EXAMPLE", true},
	    {"bob@other.example", false}, {"from@example.org", false},
	    {"\".bob.\"@odd.example", true}, {"\"a\\\"b\"@odd.example", true},
	    {"\"c\"@odd.example", false}, {".bob.@odd.example", true},
	    {"", false}, {NULL, false}};
	struct account a = {0};

	(void)state;
	fill(&a);
	*mem_push(a.match.at, a.match.count) = mem_copy(".bob.@odd.example");
	*mem_push(a.match.at, a.match.count) = mem_copy("a\"b@odd.*");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(
		    account_matches(&a, rows[i].path), rows[i].matches);
	a.from[0] = '%';
	assert_false(account_matches(&a, "%rom@example"));
	keyword_clear(&a);
	assert_false(account_matches(&a, "bob@work.example"));
}

static void
finds_what_is_odd_in_a_value(void **state)
{
	static const struct {
		const char *value;
		const char *word; /* in what is told, or NULL */
	} rows[] = {{"alice", NULL}, {"", NULL}, {"a b c", NULL},
	    {"it's", NULL}, {"a\"b\"c", NULL}, {"\"", NULL}, {"'", NULL},
	    {"a#b", NULL}, {"#", NULL}, {"#a", NULL}, {"a #", "comment"},
	    {"a # b", "comment"}, {"a\t#b", "comment"}, {"# b", "comment"},
	    {"\"a\"", "quotes"}, {"'a'", "quotes"}, {"\"\"", "quotes"},
	    {"\"a'", NULL}, {"`a`", "quotes"},
	    {"\342\200\234a\342\200\235", "quotes"}, {" a", "blanks"},
	    {"a ", "blanks"}, {"a\t", "blanks"}, {" ", "blanks"},
	    {"a\302\240", "blanks"}, {"\302\240a", "blanks"},
	    {"\"a\" ", "blanks"}, {"\"a\" # b", "comment"},
	    /* `password = a', and a file that an editor began with a mark. */
	    {"= a", "in front"}, {"=a", "in front"}, {": a", "in front"},
	    {"= \"a\"", "in front"}, {"a=", NULL}, {":a", NULL}, {"=", NULL},
	    {"\357\273\277a", "byte order mark"},
	    {"abcd efgh ijkl mnop", "one word"}, {"abcd efgh ijkl mnopq", NULL},
	    {"abcd efgh ijkl mno", NULL}, {"abcdefghijklmnopqrs", NULL},
	    {"abcd-efgh-ijkl-mnop", NULL}, {"correct horse batte", NULL}};
	const char *odd;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		odd = account_odd(text_of(rows[i].value));
		if (odd == NULL ? rows[i].word != NULL
				: rows[i].word == NULL ||
				      strstr(odd, rows[i].word) == NULL)
			fail_msg("%s: %s", rows[i].value,
			    odd == NULL ? "nothing" : odd);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(finds_what_is_odd_in_a_value),

	    cmocka_unit_test(test_smarthost_parse),
	    cmocka_unit_test(test_smarthost_places),
	    cmocka_unit_test(test_smarthost_near),
	    cmocka_unit_test(test_smarthost_url),
	    cmocka_unit_test(test_smarthost_without_secret),
	    cmocka_unit_test(test_check),
	    cmocka_unit_test(test_login),
	    cmocka_unit_test(test_token_command),
	    cmocka_unit_test(test_every_check),
	    cmocka_unit_test(test_check_tls),
	    cmocka_unit_test(test_matches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
