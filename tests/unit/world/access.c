#include "../unit.h"

#include <unistd.h>

#include "world/access.h"

#define STRANGER 12345

static void
checks_owner_and_mode(void **state)
{
	unsigned us = geteuid(), group = getegid();
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
	    {ACCESS_SECRET, {0, group, 0640}, NULL, NULL},
	    {ACCESS_SECRET, {us, STRANGER, 0640}, "a group that is not ours",
		"chmod 600"},
	    {ACCESS_SECRET, {us, group, 0644}, "everybody may read",
		"chmod 600"},
	    {ACCESS_SECRET, {us, group, 0604}, "everybody may read",
		"chmod 600"},
	    {ACCESS_SECRET, {us, group, 0620}, "others may write", "chmod 600"},
	    {ACCESS_SECRET, {STRANGER, group, 0600}, "somebody else", "chown"}};
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(checks_owner_and_mode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
