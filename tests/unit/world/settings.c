#include "../unit.h"

#include "../folder.h"
#include "base/mem.h"
#include "world/settings.h"

#define SYSTEM	 SYSCONFDIR "/sendling.conf"
#define STRANGER 12345

static struct config config;
static struct error error;

static const char *
put(const char *name, const char *bytes, mode_t mode)
{
	return folder_put(name, bytes, strlen(bytes), mode);
}

static int
read_plan(const struct settings_plan *plan)
{
	struct host host = {.uid = getuid()};

	snprintf(host.home, sizeof(host.home), "%s/home", folder);
	config_clear(&config);
	error_clear(&error);
	return settings_read(plan, &host, &config, &error);
}

static int
read_named(const char *path)
{
	return read_plan(&(struct settings_plan){.path = path});
}

static int
read_found(void)
{
	return read_plan(&(struct settings_plan){.path = NULL});
}

/* The one account's. */
static const char *
user(void)
{
	if (error.kind != ERROR_NONE)
		fail_msg("%s", error.text);
	assert_int_equal(config.account_count, 1);
	return config.accounts[0].user;
}

static void
assert_refused(enum error_kind kind, const char *words)
{
	assert_int_equal(error.kind, kind);
	if (strstr(error.text, words) == NULL)
		fail_msg("%s: %s", words, error.text);
}

static int
clear_environment(void **state)
{
	static const char *const names[] = {"XDG_CONFIG_HOME", "SENDLING_USER",
	    "SENDLING_SMARTHOST", "SENDLING_PASSWORD", "SENDLING_TIEMOUT",
	    "SENDLING_PORT", "SENDLING_DOMAIN"};

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++)
		unsetenv(names[i]);
	config_clear(&config);
	return folder_run("rm -rf home xdg && mkdir -p home/.config/sendling "
			  "xdg/sendling");
}

/* As a stranger, where root could read everything. */
static int
read_as_stranger(void)
{
	bool root = geteuid() == 0;
	int rc;

	if (root)
		assert_int_equal(seteuid(STRANGER), 0);
	rc = read_found();
	if (root)
		assert_int_equal(seteuid(0), 0);
	return rc;
}

static void
the_first_file_that_is_there_is_read_alone(void **state)
{
	(void)state;
	put("home/.config/sendling/config", "user home\ndomain a.example\n",
	    0600);
	assert_int_equal(read_found(), 0);
	assert_string_equal(user(), "home");

	put("xdg/sendling/config", "user xdg\n", 0600);
	setenv("XDG_CONFIG_HOME", in_folder("xdg"), 1);
	assert_int_equal(read_found(), 0);
	assert_string_equal(user(), "xdg");
	assert_null(config.accounts[0].domain);

	/* What is not absolute counts as not set. */
	setenv("XDG_CONFIG_HOME", "xdg", 1);
	assert_int_equal(read_found(), 0);
	assert_string_equal(user(), "home");

	/* Another home is not looked at. */
	setenv("XDG_CONFIG_HOME", in_folder("elsewhere"), 1);
	if (access(SYSTEM, F_OK) == -1)
		assert_int_equal(read_found(), -1);
	assert_int_equal(read_named(in_folder("xdg/sendling/config")), 0);
	assert_string_equal(user(), "xdg");
}

static void
without_any_file_each_that_was_tried_is_named(void **state)
{
	char words[500];

	(void)state;
	if (access(SYSTEM, F_OK) == 0)
		skip();
	snprintf(words, sizeof(words), "none found (tried %s, %s)",
	    in_folder("home/.config/sendling/config"), SYSTEM);
	assert_int_equal(read_found(), -1);
	assert_refused(ERROR_CONFIG, words);
	assert_non_null(strstr(error.hint, "run sendling-setup"));
	assert_non_null(strstr(error.hint,
	    "--system for the whole machine; by hand: sendling.conf(5)"));
	assert_int_equal(config.account_count, 0);
	assert_int_equal(config.fault_count, 0);
}

static void
no_file_need_be_there_for_a_smarthost_from_outside(void **state)
{
	char *set[] = {"smarthost=smtps://a.example"};
	struct settings_plan plan = {.optional = true};

	(void)state;
	if (access(SYSTEM, F_OK) == 0)
		skip();
	assert_int_equal(read_plan(&plan), 0);
	assert_null(user());

	plan = (struct settings_plan){.sets = set, .set_count = 1};
	assert_int_equal(read_plan(&plan), 0);
	assert_int_equal(config.accounts[0].smarthosts.count, 1);

	setenv("SENDLING_SMARTHOST", "smtp://b.example smtp://c.example", 1);
	assert_int_equal(read_found(), 0);
	assert_int_equal(config.accounts[0].smarthosts.count, 2);

	/* What is wrong with it is more to the point than a missing file. */
	setenv("SENDLING_SMARTHOST", "a.example", 1);
	assert_int_equal(read_found(), -1);
	assert_refused(ERROR_CONFIG, "SENDLING_SMARTHOST: smarthost: ");
}

static void
a_named_file_must_be_there(void **state)
{
	(void)state;
	put("home/.config/sendling/config", "user home\n", 0600);
	assert_int_equal(read_named(in_folder("missing")), -1);
	assert_refused(ERROR_INPUT, "missing");
	assert_string_equal(error.doing, "configuration");
	assert_int_equal(read_named(in_folder("home")), -1);
	assert_refused(ERROR_CONFIG, "not a regular file");
	assert_string_equal(error.doing, "configuration");
}

static void
a_file_in_a_hidden_folder_counts_as_missing(void **state)
{
	char words[500];

	(void)state;
	if (access(SYSTEM, F_OK) == 0)
		skip();
	put("home/.config/sendling/config", "user home\n", 0644);
	assert_int_equal(folder_run("chmod 755 . && chmod 0 home/.config"), 0);
	assert_int_equal(read_as_stranger(), -1);
	snprintf(words, sizeof(words), "tried %s (Permission denied), %s)",
	    in_folder("home/.config/sendling/config"), SYSTEM);
	assert_refused(ERROR_CONFIG, words);
	setenv("SENDLING_SMARTHOST", "smtps://a.example", 1);
	assert_int_equal(read_as_stranger(), 0);

	/* One that is seen and may not be read is another thing. */
	assert_int_equal(folder_run("chmod 755 home/.config"), 0);
	put("home/.config/sendling/config", "user home\n", 0);
	assert_int_equal(read_as_stranger(), -1);
	assert_refused(ERROR_CONFIG, "home/.config/sendling/config");
}

/* Whether a file of this text may have this mode; it may be the file itself or
 * one that it includes. */
static void
owner_and_mode_are_checked(void **state)
{
	static const struct {
		const char *text;
		mode_t mode;
		const char *words; /* of the refusal; or NULL */
	} rows[] = {
	    {"user a\n", 0600, NULL},
	    {"user a\n", 0644, NULL},
	    {"user a\n", 0664, "0664"},
	    {"user a\n", 0602, "0602"},
	    {"user a\npassword x\n", 0600, NULL},
	    {"user a\npassword x\n", 0604, "0604"},
	    {"\xef\xbb\xbfpassword x\n", 0644, "0644"},
	    {"user a\n \tpassword\tx", 0644, "0644"},
	    {"user a\r\npassword x\r\n", 0644, "0644"},
	    {"tls-key pkcs11:a?pin-value=x\n", 0604, "0604"},
	    {"tls-certificate pkcs11:a?pin-value=x\n", 0604, "0604"},
	    {"tls-key pkcs11:a?pin-source=/x\n", 0644, NULL},
	    {"#password x\nuser a\npassword-file /x\n", 0644, NULL},
	};

	(void)state;
	put("outer", "include inner\n", 0644);
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *path = put("inner", rows[i].text, rows[i].mode);

		assert_int_equal(read_named(path), rows[i].words ? -1 : 0);
		if (rows[i].words != NULL)
			assert_refused(ERROR_CONFIG, rows[i].words);
		assert_int_equal(
		    read_named(in_folder("outer")), rows[i].words ? -1 : 0);
		if (rows[i].words != NULL)
			assert_refused(ERROR_CONFIG, rows[i].words);
	}
	if (geteuid() != 0)
		return;
	assert_int_equal(
	    chown(put("inner", "user a\n", 0600), STRANGER, STRANGER), 0);
	assert_int_equal(read_named(in_folder("inner")), -1);
	assert_refused(ERROR_CONFIG, "12345");
}

static void
includes_count_from_the_folder_of_their_file(void **state)
{
	char text[500];

	(void)state;
	put("xdg/more", "include sendling/config\ndomain a.example\n", 0600);
	put("xdg/sendling/config", "user xdg\n", 0600);
	assert_int_equal(
	    read_named(put("main", "include xdg/more\n", 0600)), 0);
	assert_string_equal(user(), "xdg");
	assert_string_equal(config.accounts[0].domain, "a.example");

	snprintf(text, sizeof(text), "\ninclude %s\n", in_folder("none"));
	assert_int_equal(read_named(put("main", text, 0600)), -1);
	assert_refused(ERROR_CONFIG, "/main:2: include: ");

	put("xdg/more", "include more\n", 0600);
	assert_int_equal(
	    read_named(put("main", "include xdg/more\n", 0600)), -1);
	assert_refused(ERROR_CONFIG, "/xdg/more:1: include: the file includes");
}

static void
what_is_nearer_wins(void **state)
{
	char *sets[] = {"user=set", "timeout=2m"};
	struct settings_plan plan = {.sets = sets, .set_count = 2};

	(void)state;
	plan.path = put("main", "user file\ndomain file\nhelo file\n", 0600);
	setenv("SENDLING_USER", "variable", 1);
	setenv("SENDLING_DOMAIN", " variable ", 1);
	assert_int_equal(read_plan(&plan), 0);
	assert_string_equal(user(), "set");
	assert_string_equal(config.accounts[0].domain, "variable");
	assert_string_equal(config.accounts[0].helo, "file");
	assert_int_equal(config.accounts[0].timeout, 120);
	plan.set_count = 0;
	plan.files_only = true;
	assert_int_equal(read_plan(&plan), 0);
	assert_string_equal(user(), "file");
	assert_string_equal(config.accounts[0].domain, "file");
}

/* A password has no place in the environment, a near keyword is a mistake;
 * what resembles none may be Kubernetes'. */
static void
variables_that_are_not_meant_are_passed_over(void **state)
{
	static const struct {
		const char *name, *value;
		const char *words; /* of the fault; or NULL */
	} rows[] = {
	    {"SENDLING_PORT", "tcp://10.0.0.1:25", NULL},
	    {"SENDLING_TIEMOUT", "5", "tiemout: unknown keyword"},
	    {"SENDLING_TIEMOUT", " ", NULL},
	    {"SENDLING_USER", "", NULL},
	    {"SENDLING_DOMAIN", "a b", "SENDLING_DOMAIN: domain: `a b' is not"},
	    {"SENDLING_PASSWORD", "hunter2", "SENDLING_PASSWORD: password: "},
	};
	const char *path = put("main", "user file\n", 0600);

	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(clear_environment(state), 0);
		setenv(rows[i].name, rows[i].value, 1);
		assert_int_equal(read_named(path), rows[i].words ? -1 : 0);
		if (rows[i].words == NULL)
			assert_string_equal(user(), "file");
		else
			assert_refused(ERROR_CONFIG, rows[i].words);
		assert_null(strstr(error.text, "hunter2"));
	}
}

/* --set without a `=', of a file's keyword, of one that is none. */
static void
all_faults_are_kept_and_the_first_is_told(void **state)
{
	char *sets[] = {"user", "password=hunter2", "usr=x"};
	const struct settings_plan plan = {.sets = sets,
	    .set_count = 3,
	    .path = put("main", "user file\ntimeout x\n", 0600)};

	(void)state;
	assert_int_equal(read_plan(&plan), -1);
	assert_refused(ERROR_CONFIG, "--set: user: the keyword has no value");
	assert_int_equal(config.fault_count, 4);
	assert_string_equal(config.faults[2].hint, "did you mean `user'?");
	assert_non_null(strstr(config.faults[3].where, "/main:2"));
	assert_int_equal(config.account_count, 1);
}

static void
aliases_are_read_as_the_account_says(void **state)
{
	struct account a = {.aliases = mem_copy("off")};
	struct alias_map *map;

	(void)state;
	error_clear(&error);
	assert_int_equal(settings_read_aliases(&a, &map, NULL, &error), 0);
	assert_null(map);
	free(a.aliases);

	a.aliases = mem_copy(put("aliases", "root: alice\n", 0644));
	assert_int_equal(settings_read_aliases(&a, &map, NULL, &error), 0);
	assert_non_null(map);
	alias_free(map);

	put("aliases", "root\n", 0644);
	assert_int_equal(settings_read_aliases(&a, &map, NULL, &error), -1);
	assert_refused(ERROR_CONFIG, "aliases:1");
	assert_null(map);

	error_clear(&error);
	put("aliases", "root: alice\n", 0666);
	assert_int_equal(settings_read_aliases(&a, &map, NULL, &error), -1);
	assert_refused(ERROR_CONFIG, "0666");

	/* One that is named must be there. */
	error_clear(&error);
	unlink(a.aliases);
	assert_int_equal(settings_read_aliases(&a, &map, NULL, &error), -1);
	assert_refused(ERROR_CONFIG, "aliases");
	assert_string_equal(error.doing, "aliases");
	assert_string_equal(error.hint,
	    "write this file, name one that is there, or write `aliases off'");
	free(a.aliases);

	error_clear(&error);
	a.aliases = NULL;
	if (access(SYSCONFDIR "/aliases", F_OK) == -1) {
		assert_int_equal(
		    settings_read_aliases(&a, &map, NULL, &error), 0);
		assert_null(map);
	}
}

static void
lists_are_trusted_as_aliases_are(void **state)
{
	struct buf out;

	(void)state;
	error_clear(&error);
	buf_init(&out, 100);
	assert_int_equal(
	    settings_lists.read(settings_lists.arg,
		put("list", "bob@example.org\n", 0644), &out, &error),
	    0);
	assert_string_equal(buf_string(&out), "bob@example.org\n");
	assert_int_equal(settings_lists.read(settings_lists.arg,
			     put("list", "x", 0622), &out, &error),
	    -1);
	assert_refused(ERROR_CONFIG, "0622");
	buf_clear(&out);
}

#define TEST(name) cmocka_unit_test_setup(name, clear_environment)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(the_first_file_that_is_there_is_read_alone),
	    TEST(without_any_file_each_that_was_tried_is_named),
	    TEST(no_file_need_be_there_for_a_smarthost_from_outside),
	    TEST(a_named_file_must_be_there),
	    TEST(a_file_in_a_hidden_folder_counts_as_missing),
	    TEST(owner_and_mode_are_checked),
	    TEST(includes_count_from_the_folder_of_their_file),
	    TEST(what_is_nearer_wins),
	    TEST(variables_that_are_not_meant_are_passed_over),
	    TEST(all_faults_are_kept_and_the_first_is_told),
	    TEST(aliases_are_read_as_the_account_says),
	    TEST(lists_are_trusted_as_aliases_are),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
