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
    {"lmtp://mail.example.org", NULL, 0, 0, "does not begin with"},
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
		"smtp+plain://[2001:db8::1]:587", "[2001:db8::1]:587"}};

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
	    {"\357\273\277a", "byte order mark"}};
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
	    cmocka_unit_test(test_smarthost_url),
	    cmocka_unit_test(test_smarthost_without_secret),
	    cmocka_unit_test(test_check),
	    cmocka_unit_test(test_matches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
