#include "../unit.h"

#include <sched.h>
#include <sys/mount.h>

#include "../folder.h"
#include "run/service.h"

/* Whose the service is; no user of this machine. */
#define SERVICE	 12345
#define GROUP	 23456
#define STRANGER 34567

/* The machine's settings and spools are the test's own for the rest of the
 * process, where that can be had. */
static bool ours;

static void
need_a_machine(void)
{
	if (ours)
		return;
	print_message("# skip: no machine of our own can be had\n");
	skip();
}

static int
make_machine(void **state)
{
	if (folder_make(state) == -1)
		return -1;
	ours = geteuid() == 0 && unshare(CLONE_NEWNS) == 0 &&
	       mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       folder_run("chmod 755 . && mkdir -p settings spools/other && "
			  "chown 12345 spools/other && "
			  "cp /etc/passwd /etc/group settings && "
			  "mount --bind settings " SYSCONFDIR
			  " && mount --bind spools /var/spool") == 0;
	return 0;
}

static int
remove_machine(void **state)
{
	if (ours) {
		umount2("/var/spool", MNT_DETACH);
		umount2(SYSCONFDIR, MNT_DETACH);
	}
	return folder_remove(state);
}

/*
 * The spool.
 */

/* owner: -1 where there is none. */
static const struct {
	unsigned caller;
	const char *path;
	int owner;
	bool has;
} spools[] = {
    {0, SERVICE_SPOOL, SERVICE, true},
    {0, SERVICE_SPOOL, 0, false},
    {0, SERVICE_SPOOL, -1, false},
    {0, SERVICE_SPOOL "/x", SERVICE, false},
    {0, "/var/spool/other", SERVICE, false},
    {SERVICE, SERVICE_SPOOL, SERVICE, false},
    {STRANGER, SERVICE_SPOOL, SERVICE, false},
};

static void
roots_own_spool_is_no_services(void **state)
{
	struct host host = {.login = ""};
	unsigned uid = 1, gid = 1;

	(void)state;
	need_a_machine();
	for (size_t i = 0; i < COUNT(spools); i++) {
		folder_run("rm -rf spools/sendling");
		if (spools[i].owner != -1) {
			folder_run("mkdir spools/sendling");
			assert_int_equal(chown(in_folder("spools/sendling"),
					     (uid_t)spools[i].owner, GROUP),
			    0);
		}
		host.uid = spools[i].caller;
		if (service_has(&host, spools[i].path, &uid, &gid) !=
		    spools[i].has)
			fail_msg("%zu", i);
		if (spools[i].has) {
			assert_int_equal(uid, SERVICE);
			assert_int_equal(gid, GROUP);
		}
	}
	folder_run("rm -rf spools/sendling && touch spools/sendling && "
		   "chown 12345 spools/sendling");
	host.uid = 0;
	assert_false(service_has(&host, SERVICE_SPOOL, &uid, &gid));
}

/*
 * The accounts.
 */

#define HOST "smarthost smtp+plain://localhost\n"

/* The system's settings, those of the service, and what root gets to know:
 * `name lifetime first longest' of each. */
static const struct {
	const char *sentence;
	const char *of_system;	/* NULL: there are none */
	const char *of_service; /* the same */
	mode_t mode;
	bool complete;
	const char *accounts;
} rows[] = {
    {"the system's", "account work\n" HOST "spool-lifetime 2d\n", NULL, 0644,
	true, "work 172800 0 0\n"},
    {"several, in their order",
	"spool-retry 1m 2m\naccount b\n" HOST "account a\n" HOST
	"spool-retry 3m 5m\nspool-lifetime 1h\n",
	NULL, 0644, true, "b 0 60 120\na 3600 180 300\n"},
    {"without a line `account'", HOST, NULL, 0644, true, "default 0 0 0\n"},
    {"its own are all that counts", "account work\n" HOST, "account own\n" HOST,
	0644, true, "own 0 0 0\n"},
    {"which root's rights do not read", "account work\n" HOST,
	"account own\n" HOST, 0600, false, ""},
    {"what has a fault may not be all", "account a\n" HOST "spool-keep x\n",
	NULL, 0644, false, "a 0 0 0\n"},
    {"none", NULL, NULL, 0644, false, ""},
};

static void
put_settings(const char *of_system, const char *of_service, mode_t mode)
{
	folder_run("rm -rf settings/sendling settings/sendling.conf && mkdir "
		   "settings/sendling");
	if (of_system != NULL)
		folder_put("settings/sendling.conf", of_system,
		    strlen(of_system), 0644);
	if (of_service != NULL)
		folder_put("settings/sendling/config", of_service,
		    strlen(of_service), mode);
}

static const char *
list(const struct config *c)
{
	static char words[10000];
	const struct account *a = c->accounts;
	size_t len = 0;

	words[0] = '\0';
	for (; a < c->accounts + c->account_count; a++) {
		assert_null(a->smarthosts.at);
		len += (size_t)snprintf(words + len, sizeof(words) - len,
		    "%s %u %u %u\n", a->name, a->spool_lifetime,
		    a->spool_retry.first, a->spool_retry.longest);
	}
	return words;
}

static void
accounts_are_read_with_its_rights(void **state)
{
	const struct settings_plan plan = {.path = NULL};
	struct config c;

	(void)state;
	need_a_machine();
	setenv(
	    "SENDLING_SPOOL_LIFETIME", "9d", 1); /* root's, which it has not */
	for (size_t i = 0; i < COUNT(rows); i++) {
		put_settings(
		    rows[i].of_system, rows[i].of_service, rows[i].mode);
		if (service_find_accounts(&plan, SERVICE, GROUP, &c) !=
			rows[i].complete ||
		    strcmp(list(&c), rows[i].accounts) != 0)
			fail_msg("%s: %s", rows[i].sentence, list(&c));
		config_clear(&c);
	}
	unsetenv("SENDLING_SPOOL_LIFETIME");
	assert_int_equal(geteuid(), 0);
}

static void
what_root_sets_holds_for_it_too(void **state)
{
	char set[] = "spool-lifetime=3d", *sets[] = {set};
	const struct settings_plan plan = {.sets = sets, .set_count = 1};
	struct config c;

	(void)state;
	need_a_machine();
	put_settings("account work\n" HOST, NULL, 0644);
	assert_true(service_find_accounts(&plan, SERVICE, GROUP, &c));
	assert_string_equal(list(&c), "work 259200 0 0\n");
	config_clear(&c);
}

static void
of_very_many_not_all_are_told(void **state)
{
	const struct settings_plan plan = {.path = NULL};
	static char text[10000];
	struct config c;
	size_t len = 0;

	(void)state;
	need_a_machine();
	for (unsigned i = 1; i <= 101; i++) {
		len += (size_t)snprintf(
		    text + len, sizeof(text) - len, "account a%u\n" HOST, i);
		if (i < 100)
			continue;
		put_settings(text, NULL, 0644);
		assert_int_equal(
		    service_find_accounts(&plan, SERVICE, GROUP, &c), i == 100);
		assert_int_equal(c.account_count, 100);
		assert_string_equal(c.accounts[99].name, "a100");
		config_clear(&c);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(roots_own_spool_is_no_services),
	    cmocka_unit_test(accounts_are_read_with_its_rights),
	    cmocka_unit_test(what_root_sets_holds_for_it_too),
	    cmocka_unit_test(of_very_many_not_all_are_told),
	};

	return cmocka_run_group_tests(tests, make_machine, remove_machine);
}
