#include "../unit.h"

#include <errno.h>
#include <unistd.h>

#include "../folder.h"
#include "world/access.h"

#define STRANGER 12345

/* Who we are is the test's own, and what names lead to. */
static uid_t user;

uid_t
geteuid(void)
{
	return user;
}

char *
realpath(const char *path, char *out)
{
	static const char *const links[][2] = {
	    {"/var/run/secrets/mail", "/run/secrets/mail"},
	    {"/home/alice/link", "/run/secrets/some/mail"},
	    {"/run/secrets/link", "/etc/mail"},
	    {"/run/secrets/../../etc/mail", "/etc/mail"}};
	size_t i;

	assert_null(out);
	if (strcmp(path, "/run/secrets/gone") == 0)
		return NULL;
	for (i = 0; i < COUNT(links); i++)
		if (strcmp(path, links[i][0]) == 0)
			path = links[i][1];
	return strdup(path);
}

static void
checks_owner_and_mode(void **state)
{
	unsigned us = user, group = getegid();
	const struct {
		enum access_trust trust;
		struct {
			unsigned owner, group, mode;
		} info;
		const char *words; /* NULL: fine */
		const char *hint;
	} rows[] = {{ACCESS_ANY, {STRANGER, STRANGER, 0777}, NULL, NULL},
	    {ACCESS_CONFIG, {us, group, 0644}, NULL, NULL},
	    {ACCESS_CONFIG, {0, 0, 0644}, NULL, NULL},
	    {ACCESS_CONFIG, {us, group, 0664}, "others may write",
		"chmod go-w"},
	    {ACCESS_CONFIG, {us, group, 0646}, "others may write",
		"chmod go-w"},
	    {ACCESS_CONFIG, {STRANGER, group, 0600}, "somebody else", "chown"},
	    {ACCESS_SECRET, {us, group, 0600}, NULL, NULL},
	    {ACCESS_SECRET, {us, group, 0400}, NULL, NULL},
	    /* Whatever the group is: the owner chose it. */
	    {ACCESS_SECRET, {0, group, 0640}, NULL, NULL},
	    {ACCESS_SECRET, {0, STRANGER, 0640}, NULL, NULL},
	    {ACCESS_SECRET, {us, STRANGER, 0640}, NULL, NULL},
	    {ACCESS_SECRET, {us, STRANGER, 0440}, NULL, NULL},
	    {ACCESS_SECRET, {us, STRANGER, 0660}, "others may write",
		"chmod go-w"},
	    {ACCESS_SECRET, {us, group, 0644}, "everybody may read", "chmod "},
	    {ACCESS_SECRET, {us, group, 0604}, "everybody may read", "chmod "},
	    {ACCESS_SECRET, {0, 0, 0644}, "everybody may read",
		"chown root:GROUP "},
	    {ACCESS_SECRET, {us, group, 0620}, "others may write",
		"chmod go-w"},
	    {ACCESS_SECRET, {us, group, 0642}, "others may write",
		"chmod go-w"},
	    {ACCESS_SECRET, {STRANGER, group, 0600}, "somebody else",
		"chown root"}};
	char mode[32], who[64];
	struct stat st;
	struct error e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		error_clear(&e);
		st = (struct stat){.st_uid = rows[i].info.owner,
		    .st_gid = rows[i].info.group,
		    .st_mode = S_IFREG | rows[i].info.mode};
		if (access_check("/etc/x\033", rows[i].trust, &st, &e) == 0) {
			assert_null(rows[i].words);
			continue;
		}
		assert_non_null(rows[i].words);
		assert_int_equal(e.kind, ERROR_CONFIG);
		assert_non_null(strstr(e.text, rows[i].words));
		assert_non_null(strstr(e.text, "/etc/x\\x1b"));
		snprintf(mode, sizeof(mode), "mode %04o", rows[i].info.mode);
		assert_non_null(strstr(e.text, mode));
		snprintf(who, sizeof(who), "owner %u", rows[i].info.owner);
		assert_non_null(strstr(e.text, who));
		snprintf(who, sizeof(who), "we are user %u", us);
		assert_non_null(strstr(e.text, who));
		assert_non_null(strstr(e.hint, rows[i].hint));
		assert_non_null(strstr(e.hint, "/etc/x\\x1b"));
	}
}

/* What is to be done depends on who asks. */
static void
hints_at_what_mends_it(void **state)
{
	static const struct {
		unsigned us;
		struct {
			unsigned owner, mode;
		} info;
		enum access_trust trust;
		const char *hint;
	} rows[] = {
	    {0, {0, 0644}, ACCESS_SECRET,
		"for root alone: chmod 600 /etc/x; to share it with a group, "
		"as root: chown root:GROUP /etc/x; chmod 640 /etc/x; usermod "
		"-aG GROUP USER"},
	    /* Its owner may use it, too. */
	    {0, {STRANGER, 0600}, ACCESS_SECRET,
		"for root alone: chown root /etc/x; to share it with a group, "
		"as root: chown root:GROUP /etc/x; chmod 640 /etc/x; usermod "
		"-aG GROUP USER"},
	    {0, {STRANGER, 0644}, ACCESS_CONFIG, "chown root /etc/x"},
	    {0, {0, 0664}, ACCESS_CONFIG, "chmod go-w /etc/x"},
	    {STRANGER, {0, 0664}, ACCESS_CONFIG, "as root: chmod go-w /etc/x"},
	    {STRANGER, {STRANGER, 0664}, ACCESS_CONFIG, "chmod go-w /etc/x"},
	    {STRANGER, {STRANGER, 0644}, ACCESS_SECRET, "chmod 600 /etc/x"},
	    {STRANGER, {0, 0644}, ACCESS_SECRET,
		"to share it with a group, as root: chown root:GROUP /etc/x; "
		"chmod 640 /etc/x; usermod -aG GROUP USER"},
	    {STRANGER, {77, 0640}, ACCESS_SECRET,
		"to share it with a group, as root: chown root:GROUP /etc/x; "
		"chmod 640 /etc/x; usermod -aG GROUP USER"},
	    {STRANGER, {77, 0604}, ACCESS_SECRET,
		"to share it with a group, as root: chown root:GROUP /etc/x; "
		"chmod 640 /etc/x; usermod -aG GROUP USER"},
	    {STRANGER, {77, 0640}, ACCESS_CONFIG,
		"to share it with a group, as root: chown root:GROUP /etc/x; "
		"chmod 640 /etc/x; usermod -aG GROUP USER"},
	    {STRANGER, {77, 0644}, ACCESS_CONFIG,
		"as root: chown root /etc/x"}};
	struct stat st;
	struct error e;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		user = rows[i].us;
		error_clear(&e);
		st = (struct stat){.st_uid = rows[i].info.owner,
		    .st_gid = 77,
		    .st_mode = S_IFREG | rows[i].info.mode};
		assert_int_equal(
		    access_check("/etc/x", rows[i].trust, &st, &e), -1);
		assert_string_equal(e.hint, rows[i].hint);
	}
	user = getuid();
}

/* What a container was given has mode 0444 in all of them. */
static void
takes_the_secrets_of_a_container(void **state)
{
	static const struct {
		const char *path;
		unsigned owner, mode;
		bool taken;
	} rows[] = {{"/run/secrets/mail", 0, 0444, true},
	    {"/run/secrets/some/mail", 0, 0644, true},
	    {"/run/secrets/mail", 0, 0400, true},
	    {"/run/secrets/mail", STRANGER, 0444, false},
	    {"/run/secrets/mail", 0, 0464, false},
	    {"/run/secrets/mail", 0, 0446, false},
	    /* Where it is counts, and not by which name. */
	    {"/var/run/secrets/mail", 0, 0444, true},
	    {"/home/alice/link", 0, 0444, true},
	    {"/home/alice/link", STRANGER, 0444, false},
	    {"/run/secrets/link", 0, 0444, false},
	    {"/run/secrets/gone", 0, 0444, false},
	    {"/run/secrets/../../etc/mail", 0, 0444, false},
	    {"/run/secretsmail", 0, 0444, false}, {"/run/mail", 0, 0444, false},
	    {"/x/run/secrets/mail", 0, 0444, false}};
	struct notes remarks = {NULL, 0};
	struct stat st;
	struct error e;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		error_clear(&e);
		st = (struct stat){
		    .st_uid = rows[i].owner, .st_mode = S_IFREG | rows[i].mode};
		assert_int_equal(
		    access_check(rows[i].path, ACCESS_SECRET, &st, &e),
		    rows[i].taken ? 0 : -1);
		if (!rows[i].taken)
			continue;
		access_remark(rows[i].path, ACCESS_CONFIG, &st, &remarks);
		assert_int_equal(remarks.count, 0);
		access_remark(rows[i].path, ACCESS_SECRET, &st, &remarks);
		assert_int_equal(remarks.count, rows[i].mode & 4 ? 1 : 0);
		if (remarks.count == 1)
			assert_non_null(strstr(remarks.lines[0], rows[i].path));
		notes_clear(&remarks);
	}
	/* Root's alone: a user's own has no need to be for all. */
	user = STRANGER;
	st = (struct stat){.st_uid = STRANGER, .st_mode = S_IFREG | 0444};
	error_clear(&e);
	assert_int_equal(
	    access_check("/run/secrets/mail", ACCESS_SECRET, &st, &e), -1);
	user = getuid();
}

/* Whom open(2) refused, what is there, and who becomes a member of what. */
static void
tells_who_may_not_read(void **state)
{
	static const struct {
		gid_t group;
		mode_t mode;
		const char *hint;
	} rows[] = {{77, 0640, "as root: usermod -aG 77 12345;"},
	    {77, 0600, "to share it with a group, as root: chown root:GROUP "},
	    {0, 0640, "to share it with a group, as root: chown root:GROUP "}};
	const char *path;
	struct error e;
	size_t i;

	(void)state;
	if (getuid() != 0)
		skip();
	user = STRANGER;
	for (i = 0; i < COUNT(rows); i++) {
		path = folder_put("secret", "x", 1, rows[i].mode);
		assert_int_equal(chown(path, 0, rows[i].group), 0);
		error_clear(&e);
		assert_int_equal(access_denied(path, &e), -1);
		assert_int_equal(e.sys, EACCES);
		assert_non_null(strstr(e.text, "user 12345 may not read it"));
		assert_memory_equal(e.hint, rows[i].hint, strlen(rows[i].hint));
	}
	user = getuid();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(checks_owner_and_mode),
	    cmocka_unit_test(hints_at_what_mends_it),
	    cmocka_unit_test(takes_the_secrets_of_a_container),
	    cmocka_unit_test(tells_who_may_not_read),
	};

	user = getuid();
	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
