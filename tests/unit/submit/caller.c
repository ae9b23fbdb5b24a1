#include "../unit.h"

#include "config/keyword.h"
#include "submit/caller.h"

static const struct caller bob = {CALLER_USER, 1001, true, "bob", "Bob"};
static const struct caller www = {CALLER_USER, 33, true, "www-data", ""};
static const struct caller nameless = {CALLER_USER, 1234, false, "uid1234", ""};
static const struct caller root = {CALLER_USER, 0, true, "root", ""};
static const struct caller tcp = {.kind = CALLER_NETWORK};
static const struct caller self = {.kind = CALLER_SELF};
/* Logins that the lines of a configuration cannot name. */
static const struct caller realm = {CALLER_USER, 7, true, "DOM\\jo doe", ""};
static const struct caller digits = {CALLER_USER, 9, true, "1001", ""};
static const struct caller called_tcp = {CALLER_USER, 8, true, "tcp", ""};
static const struct caller star = {CALLER_USER, 6, true, "*", ""};

static void
add_line(struct account *a, const char *keyword, const char *value)
{
	const struct keyword *k = keyword_find(text_of(keyword));
	struct error e;

	error_clear(&e);
	if (keyword_set(k, a, text_of(value), NULL, &e) == -1)
		fail_msg("%s %s: %s", keyword, value, e.text);
}

/* `domain' and up to two values of `sender-of', each NULL where it is not
 * there. */
static bool
may(const struct caller *c, const char *domain, const char *one,
    const char *two, const char *spec)
{
	struct account a = {0};
	bool result;

	if (domain != NULL)
		add_line(&a, "domain", domain);
	if (one != NULL)
		add_line(&a, "sender-of", one);
	if (two != NULL)
		add_line(&a, "sender-of", two);
	result = caller_may_send(c, &a, text_of(spec));
	keyword_clear(&a);
	return result;
}

#define D "example.org"

static void
a_user_is_himself(void **state)
{
	static const struct {
		const struct caller *caller;
		const char *domain;
		const char *spec;
		bool may;
	} rows[] = {
	    {&bob, D, "bob@example.org", true},
	    {&bob, D, "bob", true},
	    {&bob, D, "<bob@example.org>", true},
	    {&bob, D, "Bob@EXAMPLE.ORG", true},
	    {&bob, D, "\"bob\"@example.org", true},
	    {&bob, D, "\"\\b\\o\\b\"@example.org", true},
	    {&bob, D, "bob@example.org.", true},
	    {&bob, D, "", true},
	    {&bob, NULL, "", true},
	    {&bob, NULL, "bob", false},
	    {&bob, NULL, "bob@example.org", false},
	    {&bob, D, "alice@example.org", false},
	    {&bob, D, "alice", false},
	    {&bob, D, "bob@example.com", false},
	    {&bob, D, "bob@x.example.org", false},
	    {&bob, D, "bob@example.orgs", false},
	    {&bob, D, "bob+x@example.org", false},
	    {&bob, D, "\"bob \"@example.org", false},
	    {&bob, D, "\"bob@example.org\"@evil.example", false},
	    {&bob, D, "\"alice@example.org\"", false},
	    {&bob, D, "bob@[x@example.org]", false},
	    {&bob, D, "<@example.org:alice@evil.example>", false},
	    {&bob, D, "<@evil.example:bob@example.org>", true},
	    {&bob, D, "bob@example.org, alice@example.org", false},
	    {&bob, D, "bob@example.org@evil.example", false},
	    {&bob, D, "bob@", false},
	    {&bob, D, "*@example.org", false},
	    {&bob, "xn--bcher-kva.example",
		"bob@b\xc3\xbc"
		"cher.example",
		true},
	    {&www, D, "www-data@example.org", true},
	    {&nameless, D, "uid1234@example.org", true},
	    {&nameless, D, "1234@example.org", false},
	    {&realm, D, "\"DOM\\\\jo doe\"@example.org", true},
	    {&root, NULL, "anybody@anywhere.example", true},
	    {&root, NULL, "", true},
	    {&self, NULL, "anybody@anywhere.example", true},
	    {&tcp, D, "tcp@example.org", false},
	    {&tcp, D, "", false},
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++)
		if (may(rows[i].caller, rows[i].domain, NULL, NULL,
			rows[i].spec) != rows[i].may)
			fail_msg("%s as %s", caller_name(rows[i].caller).words,
			    rows[i].spec);
}

static void
lines_let_him(void **state)
{
	static const struct {
		const struct caller *caller;
		const char *one, *two, *spec;
		bool may;
	} rows[] = {
	    {&www, "www-data *@example.org", NULL, "news@example.org", true},
	    {&www, "www-data *@example.org", NULL, "news@Example.Org", true},
	    {&www, "www-data *@example.org", NULL, "\"a b\"@example.org", true},
	    {&www, "www-data *@example.org", NULL, "a@example.com", false},
	    {&www, "www-data *@example.org", NULL, "a@x.example.org", false},
	    {&www, "www-data *@example.org", NULL, "news", true},
	    {&bob, "www-data *@example.org", NULL, "news@example.org", false},
	    {&www, "33 *@example.org", NULL, "news@example.org", true},
	    {&www, "033 *@example.org", NULL, "news@example.org", true},
	    {&www, "3 *@example.org", NULL, "news@example.org", false},
	    {&www, "WWW-DATA *@example.org", NULL, "news@example.org", false},
	    {&nameless, "1234 x@example.org", NULL, "x@example.org", true},
	    {&nameless, "uid1234 x@example.org", NULL, "x@example.org", false},
	    /* Lines add up, and what holds without them stays. */
	    {&www, "www-data a@x.example b@x.example", NULL, "b@x.example",
		true},
	    {&www, "www-data a@x.example", "www-data b@x.example",
		"a@x.example", true},
	    {&www, "www-data a@x.example", "www-data b@x.example",
		"b@x.example", true},
	    {&www, "www-data a@x.example", "bob c@x.example", "c@x.example",
		false},
	    {&www, "www-data a@x.example", NULL, "www-data@example.org", true},
	    {&www, "www-data a@x.example", NULL, "", true},
	    /* Each side by itself. */
	    {&bob, "bob bob+*@example.org", NULL, "bob+list@example.org", true},
	    {&bob, "bob b?b@example.org", NULL, "bub@example.org", true},
	    {&bob, "bob [bc]ob@example.org", NULL, "cob@example.org", true},
	    {&bob, "bob x@*.example.org", NULL, "x@a.b.example.org", true},
	    {&bob, "bob x@*.example.org", NULL, "x@example.org", false},
	    {&bob, "bob x@*", NULL, "x@anywhere.example", true},
	    {&bob, "bob x@*", NULL, "\"x@y\"@evil.example", false},
	    {&bob, "bob *@example.org", NULL, "\"a@example.org\"@evil.example",
		false},
	    {&bob, "bob *@example.org", NULL, "a@[example.org]", false},
	    {&bob, "bob a@b@example.org", NULL, "\"a@b\"@example.org", true},
	    {&bob, "bob .*@example.org", NULL, "a@example.org", false},
	    {&bob,
		"bob *@b\xc3\xbc"
		"cher.example",
		NULL, "a@xn--bcher-kva.example", true},
	    {&bob, "bob *@xn--bcher-kva.example", NULL,
		"a@B\xc3\x9c"
		"cher.example",
		true},
	    {&bob,
		"bob *@*.b\xc3\xbc"
		"cher.example",
		NULL,
		"a@x.b\xc3\xbc"
		"cher.example",
		true},
	    {&bob, "bob j\xc3\xb6*@example.org", NULL,
		"j\xc3\xb6rg@example.org", true},
	    /* Any sender, and none. */
	    {&bob, "bob *", NULL, "anybody@anywhere.example", true},
	    {&bob, "bob *", NULL, "no address at all@", false},
	    {&bob, "bob <>", NULL, "alice@example.org", false},
	    {&bob, "* *@example.org", NULL, "alice@example.org", true},
	    {&nameless, "* *@example.org", NULL, "alice@example.org", true},
	    /* Who has no uid is named by this word alone, and nobody else is.
	     */
	    {&tcp, "tcp *@example.org", NULL, "alice@example.org", true},
	    {&tcp, "tcp *@example.org", NULL, "alice@example.com", false},
	    {&tcp, "tcp *@example.org", NULL, "", false},
	    {&tcp, "tcp <>", NULL, "", true},
	    {&tcp, "tcp *", NULL, "", true},
	    {&tcp, "* *", NULL, "alice@example.org", false},
	    {&tcp, "0 *", NULL, "alice@example.org", false},
	    {&called_tcp, "tcp *", NULL, "alice@example.org", false},
	    {&called_tcp, "8 *", NULL, "alice@example.org", true},
	    {&digits, "1001 *", NULL, "alice@example.org", false},
	    {&bob, "1001 *", NULL, "alice@example.org", true},
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++)
		if (may(rows[i].caller, D, rows[i].one, rows[i].two,
			rows[i].spec) != rows[i].may)
			fail_msg("%s, %s: as %s",
			    caller_name(rows[i].caller).words, rows[i].one,
			    rows[i].spec);
}

/* What the refusal says to write lets this sender through, and no other. */
static void
the_line_to_write(void **state)
{
	static const struct {
		const struct caller *caller;
		const char *spec;
		const char *line;
	} rows[] = {
	    {&www, "news@example.com", "www-data news@example.com"},
	    {&www, "news", "www-data news@example.org"},
	    {&nameless, "a@b.example", "1234 a@b.example"},
	    {&realm, "a@b.example", "7 a@b.example"},
	    {&digits, "a@b.example", "9 a@b.example"},
	    {&called_tcp, "a@b.example", "8 a@b.example"},
	    {&star, "a@b.example", "6 a@b.example"},
	    {&tcp, "a@b.example", "tcp a@b.example"},
	    {&tcp, "", "tcp <>"},
	    {&bob, "*@b.example", "bob \\*@b.example"},
	    {&bob, "\"a?[b-d]\"@b.example", "bob a\\?\\[b-d]@b.example"},
	    {&bob, "\"a\\\\b\"@b.example", "bob a\\\\b@b.example"},
	    {&bob, "a@[192.0.2.1]", "bob a@\\[192.0.2.1]"},
	    {&bob, "\"a@c\"@b.example", "bob a@c@b.example"},
	    {&bob,
		"a@b\xc3\xbc"
		"cher.example",
		"bob a@xn--bcher-kva.example"},
	};
	char line[200];
	struct error e;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		struct account a = {0};

		add_line(&a, "domain", D);
		error_clear(&e);
		assert_int_equal(
		    caller_check(rows[i].caller, &a, text_of(rows[i].spec), &e),
		    -1);
		assert_int_equal(e.kind, ERROR_REFUSED);
		assert_int_equal(e.code, 550);
		assert_int_equal(e.enhanced.class, 5);
		assert_int_equal(e.enhanced.subject, 7);
		assert_int_equal(e.enhanced.detail, 1);
		snprintf(line, sizeof(line), "write `sender-of %s' into",
		    rows[i].line);
		if (strstr(e.hint, line) == NULL)
			fail_msg("%s: %s", rows[i].spec, e.hint);
		assert_true(
		    may(rows[i].caller, D, rows[i].line, NULL, rows[i].spec));
		assert_false(may(rows[i].caller, D, rows[i].line, NULL,
		    "somebody@b.example"));
		assert_false(
		    may(rows[i].caller, D, rows[i].line, NULL, "x@b.example"));
		keyword_clear(&a);
	}
}

/* A line that cannot be written so that it lets in nobody else is not given: a
 * stranger has chosen the sender, and what is not of ASCII becomes question
 * marks in a reply. */
static void
no_line_lets_in_another(void **state)
{
	static const char *const specs[] = {"\"\"@b.example",
	    "\"a b\"@b.example", "\"a,b\"@b.example", "\"<x>\"@b.example",
	    "\"\\\"\"@b.example", "\xc3\xb6o@b.example"};
	struct account a = {0};
	struct error e;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(specs); i++) {
		error_clear(&e);
		assert_int_equal(
		    caller_check(&bob, &a, text_of(specs[i]), &e), -1);
		if (strstr(e.hint, "`sender-of bob LOCAL@DOMAIN'") == NULL)
			fail_msg("%s: %s", specs[i], e.hint);
	}
}

static void
a_pattern_has_both_sides(void **state)
{
	static const struct {
		const char *words;
		bool is;
	} rows[] = {
	    {"*", true},
	    {"<>", true},
	    {"a@b", true},
	    {"*@*", true},
	    {"*@example.org", true},
	    {"a@c@b", true},
	    {"@a@b", true},
	    {"\\*@b", true},
	    {"", false},
	    {"a", false},
	    {"**", false},
	    {"@", false},
	    {"a@", false},
	    {"@b", false},
	    {"<a@b>", false},
	    {"<a@b", false},
	    {"a@b>", false},
	    {"a@b,", false},
	    {"a@b,c@d", false},
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++)
		if (caller_is_pattern(text_of(rows[i].words)) != rows[i].is)
			fail_msg("%s", rows[i].words);
}

/* It lets in users, and who comes another way is none. */
static void
a_domain_helps_who_is_a_user(void **state)
{
	static const struct {
		const struct caller *caller;
		const char *domain;
		bool helps;
	} rows[] = {
	    {&bob, NULL, true},
	    {&bob, D, false},
	    {&tcp, NULL, false},
	    {&tcp, D, false},
	};
	struct account a = {0};
	struct error e;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		if (rows[i].domain != NULL)
			add_line(&a, "domain", rows[i].domain);
		error_clear(&e);
		caller_check(rows[i].caller, &a, TEXT("a@other.example"), &e);
		assert_int_equal(
		    strstr(e.hint, "or `domain'") != NULL, rows[i].helps);
		keyword_clear(&a);
		memset(&a, 0, sizeof(a));
	}
}

static void
people_read_who_it_is(void **state)
{
	static const struct {
		const struct caller *caller;
		const char *word, *name;
		bool free;
	} rows[] = {
	    {&self, "", NULL, true},
	    {&root, "0", "user root (uid 0)", true},
	    {&www, "33", "user www-data (uid 33)", false},
	    {&nameless, "1234", "uid 1234", false},
	    {&tcp, "tcp", "a caller over TCP", false},
	};
	struct account a = {0};
	struct error e;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		assert_string_equal(
		    caller_word(rows[i].caller).words, rows[i].word);
		if (rows[i].name != NULL)
			assert_string_equal(
			    caller_name(rows[i].caller).words, rows[i].name);
		assert_int_equal(caller_is_free(rows[i].caller), rows[i].free);
	}
	assert_int_equal(caller_counted_as(&www), 33);
	assert_int_equal(caller_counted_as(&nameless), 65534);
	error_clear(&e);
	assert_int_equal(caller_check(&bob, &a, text_of("bob"), &e), -1);
	assert_string_equal(
	    e.text, "user bob (uid 1001) may not send as <bob>");
	assert_non_null(strstr(e.hint, "or `domain'"));
	assert_int_equal(caller_check(&root, &a, text_of("bob"), NULL), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_user_is_himself),
	    cmocka_unit_test(lines_let_him),
	    cmocka_unit_test(the_line_to_write),
	    cmocka_unit_test(no_line_lets_in_another),
	    cmocka_unit_test(a_pattern_has_both_sides),
	    cmocka_unit_test(a_domain_helps_who_is_a_user),
	    cmocka_unit_test(people_read_who_it_is)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
