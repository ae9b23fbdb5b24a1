#include "../unit.h"

#include "job.h"

static void
ehlo_names(void **state)
{
	static const struct {
		const char *helo;
		const char *host;
		const char *expected;
	} cases[] = {
	    {NULL, "box.example.org", "box.example.org"},
	    {NULL, "box", ""},
	    {NULL, "", ""},
	    {NULL, "localhost.localdomain", ""},
	    {NULL, "192.0.2.1", ""},
	    {NULL, "box.example.org\r\nQUIT", ""},
	    {NULL, "my_box.example.org", ""},
	    {NULL, "b\xc3\xb6x.example.org", ""},
	    {NULL, "box..org", ""},
	    {"mail.example.org", "box", "mail.example.org"},
	    {"[192.0.2.1]", "box.example.org", "[192.0.2.1]"},
	    {"a\r\nMAIL FROM:<>", "box.example.org", ""},
	    {"a b", "box.example.org", ""},
	};
	struct job j;
	char name[64];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		job_init(&j, "");
		j.account.helo = mem_copy(cases[i].helo);
		j.facts.host = cases[i].host;
		assert_ptr_equal(
		    facts_helo(&j.account, &j.facts, name, sizeof(name)), name);
		assert_string_equal(name, cases[i].expected);
		job_clear(&j);
	}
}

static void
expansions(void **state)
{
	static const struct {
		const char *value;
		const char *expected;
	} cases[] = {
	    {"", ""},
	    {"%U@%D", "alice@e.org"},
	    {"%H", "box.internal.example"},
	    {"%%U", "%U"},
	    {"100%", "100%"},
	    {"%u%s%n", "%u%s%n"},
	};
	struct job j;
	size_t i;
	char *expanded;

	(void)state;
	job_init(&j, "");
	j.account.domain = mem_copy("e.org");
	for (i = 0; i < COUNT(cases); i++) {
		expanded = facts_expand(cases[i].value, &j.account, &j.facts);
		assert_string_equal(expanded, cases[i].expected);
		free(expanded);
	}
	assert_null(facts_expand(NULL, &j.account, &j.facts));
	job_clear(&j);
}

static void
a_login_is_as_a_user_or_nobody(void **state)
{
	struct job j;
	char *user;

	(void)state;
	job_init(&j, "");
	assert_null(facts_user(&j.account, &j.facts));
	j.account.auth =
	    (struct account_auth){AUTH_LIST, {MECHANISM_EXTERNAL}, 1};
	user = facts_user(&j.account, &j.facts);
	assert_string_equal(user, "");
	free(user);
	j.account.user = mem_copy("100%%");
	user = facts_user(&j.account, &j.facts);
	assert_string_equal(user, "100%");
	free(user);
	j.account.auth.choice = AUTH_OFF;
	assert_null(facts_user(&j.account, &j.facts));
	job_clear(&j);
}

static void
spools(void **state)
{
	static const struct {
		const char *value, *home, *expected;
	} cases[] = {
	    {NULL, "/home/alice", NULL},
	    {"off", "/home/alice", NULL},
	    {"/var/spool/%U", "/home/alice", "/var/spool/alice"},
	    {"~/spool/%U%%", "/home/alice", "/home/alice/spool/alice%"},
	    {"~/spool", "/home/100%U", "/home/100%U/spool"},
	    {"/~/spool", "/home/alice", "/~/spool"},
	    {"~/spool", "", "~/spool"},
	};
	struct job j;
	char *path;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		job_init(&j, "");
		j.account.spool = mem_copy(cases[i].value);
		path = facts_spool(&j.account, &j.facts, cases[i].home);
		if (cases[i].expected == NULL)
			assert_null(path);
		else
			assert_string_equal(path, cases[i].expected);
		free(path);
		job_clear(&j);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_login_is_as_a_user_or_nobody),
	    cmocka_unit_test(ehlo_names),
	    cmocka_unit_test(expansions),
	    cmocka_unit_test(spools),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
