#include "../unit.h"

#include "submit/envelope.h"

#define A10 "aaaaaaaaaa"
#define A60 A10 A10 A10 A10 A10 A10
#define D63 "ddd" A60

static const struct {
	const char *path;
	const char *reason; /* part of the words, or NULL for a fine path */
} paths[] = {
    {"a@b", NULL},
    {"alice@example.org", NULL},
    {"a.b+c=d/e@mail-1.example.org", NULL},
    {"-rf@example.org", NULL},
    {"a@host_name.example", NULL},
    {"\"a b\"@example.org", NULL},
    {"\"a> SIZE=1 AUTH=<x\"@example.org", NULL},
    {"\"a@b\"@example.org", NULL},
    {"\"a\\\"b\\\\\"@example.org", NULL},
    {"\"\"@example.org", NULL},
    {"a@[192.0.2.1]", NULL},
    {"a@[IPv6:2001:db8::1]", NULL},
    {"\xc3\xa9@\xc3\xa9.example", NULL},
    {A60 "abcd@b", NULL},
    {A60 "abcde@b", NULL},
    {A60 A60 A60 A60 "@" A10 "bbb", NULL},
    {"\".a..b.\"@c", NULL},
    {"a@" D63 "." D63 "." D63 "." A60, NULL},
    {"", "no domain"},
    {"root", "no domain"},
    {"@b", "local-part"},
    {"a@", "domain name"},
    {"a@b@c", "local-part"},
    {"@relay:a@b", "local-part"},
    {"<a@b>", "local-part"},
    {"a@b>", "domain name"},
    {"a@b> SIZE=1 AUTH=<x", "domain name"},
    {"a@b SIZE=1", "domain name"},
    {"a b@c", "local-part"},
    {" a@b", "local-part"},
    {"a@b ", "domain name"},
    {"a@b>,<c@d", "local-part"},
    {"Alice <a@b>", "local-part"},
    {"a(comment)@b", "local-part"},
    {".a@b", "local-part"},
    {"a.@b", "local-part"},
    {"a..b@c", "local-part"},
    {"a@.b", "domain name"},
    {"a@b.", "domain name"},
    {"a@b..c", "domain name"},
    {"a@b!c", "domain name"},
    {"\"a\"b@c", "local-part"},
    {"\"a\"\"b\"@c", "local-part"},
    {"\"a\\\"@c", "local-part"},
    {"\"@c", "local-part"},
    {"a@[]", "domain name"},
    {"a@[1> X]", "domain name"},
    {"a@[1.2.3.4", "domain name"},
    {"a\r\nDATA@b", "control"},
    {"a@b\r\nRCPT TO:<c@d>", "control"},
    {"a@b\n", "control"},
    {"\"a\tb\"@c", "control"},
    {"a\x7f@b", "control"},
    {"a\x1b[31m@b", "control"},
    {"\xe9@b", "UTF-8"},
    {A60 A60 A60 A60 "@" A10 "bbbb", "254 octets"},
    {"a@" D63 "." D63 "." D63 "." A60 "b", "254 octets"},
};

static void
test_paths(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		struct text path = text_of(paths[i].path);
		bool fine = paths[i].reason == NULL;
		struct envelope env;
		struct error e;
		int rc;

		error_clear(&e);
		envelope_init(&env);
		rc = envelope_add(&env, path, &e);
		if (rc != (fine ? 1 : -1))
			fail_msg("%s: %d %s", paths[i].path, rc, e.text);
		assert_int_equal(env.count, fine ? 1 : 0);
		if (fine) {
			assert_string_equal(
			    env.recipients[0].path, paths[i].path);
			assert_int_equal(
			    envelope_set_reverse_path(&env, path, &e), 0);
			assert_string_equal(env.reverse_path, paths[i].path);
		} else {
			assert_int_equal(e.kind, ERROR_MESSAGE);
			if (strstr(e.text, paths[i].reason) == NULL)
				fail_msg("%s: %s", paths[i].path, e.text);
			assert_false(text_has_control(text_of(e.text)));
			assert_true(text_is_utf8(text_of(e.text)));
		}
		envelope_clear(&env);
	}
}

static void
test_nul_and_huge(void **state)
{
	struct text nul = TEXT("a\0b@c"), huge;
	char *bytes = malloc(100 * 1024);
	struct envelope env;
	struct error e;

	(void)state;
	memset(bytes, 'a', 100 * 1024);
	bytes[1] = '@';
	huge = (struct text){bytes, 100 * 1024};
	envelope_init(&env);
	error_clear(&e);
	assert_int_equal(envelope_add(&env, nul, &e), -1);
	assert_non_null(strstr(e.text, "a\\x00b@c"));
	error_clear(&e);
	assert_int_equal(envelope_add(&env, huge, &e), -1);
	assert_int_equal(envelope_set_reverse_path(&env, huge, &e), -1);
	assert_string_equal(env.reverse_path, "");
	assert_int_equal(env.count, 0);
	envelope_clear(&env);
	free(bytes);
}

static void
test_null_reverse_path(void **state)
{
	struct envelope env;
	struct error e;

	(void)state;
	envelope_init(&env);
	error_clear(&e);
	assert_string_equal(env.reverse_path, "");
	assert_int_equal(envelope_set_reverse_path(&env, TEXT("a@b"), &e), 0);
	assert_int_equal(
	    envelope_set_reverse_path(&env, (struct text){NULL, 0}, &e), 0);
	assert_string_equal(env.reverse_path, "");
	assert_int_equal(envelope_set_reverse_path(&env, TEXT("<>"), &e), -1);
	assert_string_equal(env.reverse_path, "");
	envelope_clear(&env);
}

static void
test_duplicates(void **state)
{
	static const struct {
		const char *path;
		int rc;
	} rows[] = {{"a@example.org", 1}, {"a@example.org", 0},
	    {"a@EXAMPLE.org", 0}, {"A@example.org", 1}, {"a@example.com", 1},
	    {"A@Example.Org", 0}, {"\"a@x\"@example.org", 1},
	    {"\"A@x\"@example.org", 1}, {"\"a@x\"@EXAMPLE.ORG", 0},
	    {"a@[IPv6:::1]", 1}, {"a@[ipv6:::1]", 0}};
	struct envelope env;
	struct error e;

	(void)state;
	envelope_init(&env);
	error_clear(&e);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(
		    envelope_add(&env, text_of(rows[i].path), &e), rows[i].rc);
	assert_int_equal(env.count, 6);
	assert_string_equal(env.recipients[0].path, "a@example.org");
	envelope_clear(&env);
}

/* Each twice; with a search of the whole list this takes minutes. */
static void
test_many(void **state)
{
	enum { MANY = 100000 };
	struct envelope env;
	struct error e;
	char path[64];

	(void)state;
	envelope_init(&env);
	error_clear(&e);
	for (int i = 0; i < 2 * MANY; i++) {
		snprintf(path, sizeof(path), "user%d@example.org", i % MANY);
		assert_int_equal(
		    envelope_add(&env, text_of(path), &e), i < MANY ? 1 : 0);
	}
	assert_int_equal(env.count, MANY);
	assert_string_equal(
	    env.recipients[MANY - 1].path, "user99999@example.org");
	envelope_clear(&env);
}

static void
test_decide(void **state)
{
	struct enhanced none = {0, 0, 0}, unknown = {5, 1, 1};
	struct envelope env;
	struct recipient *r;
	struct error e;

	(void)state;
	envelope_init(&env);
	error_clear(&e);
	envelope_add(&env, TEXT("a@b"), &e);
	envelope_add(&env, TEXT("c@d"), &e);
	r = &env.recipients[1];
	assert_int_equal(envelope_count(&env, VERDICT_OPEN), 2);
	envelope_decide(r, VERDICT_LATER, 451, none, "451 wait");
	envelope_decide(r, VERDICT_REFUSED, 550, unknown, "550 5.1.1 No");
	assert_int_equal(r->reply->code, 550);
	assert_int_equal(r->reply->enhanced.subject, 1);
	assert_string_equal(r->reply->words, "550 5.1.1 No");
	assert_int_equal(envelope_count(&env, VERDICT_REFUSED), 1);
	assert_int_equal(envelope_count(&env, VERDICT_OPEN), 1);
	envelope_decide(r, VERDICT_DELIVERED, 250, none, NULL);
	assert_null(r->reply);
	assert_int_equal(envelope_count(&env, VERDICT_DELIVERED), 1);
	envelope_clear(&env);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_paths),
	    cmocka_unit_test(test_nul_and_huge),
	    cmocka_unit_test(test_null_reverse_path),
	    cmocka_unit_test(test_duplicates),
	    cmocka_unit_test(test_many),
	    cmocka_unit_test(test_decide),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
