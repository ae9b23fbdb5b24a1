#include "../unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "world/host.h"

#define NOBODY 65534 /* whom root becomes */

/* The list of users is the test's own. */
static struct passwd *entry;

struct passwd *
getpwuid(uid_t uid)
{
	assert_true(uid == getuid() || uid == NOBODY);
	return entry;
}

/* Runs body in a process of its own, which may spoil itself. */
static void
in_child(int (*body)(int), int argument)
{
	pid_t child;
	int status;

	child = fork();
	assert_true(child != -1);
	if (child == 0)
		_exit(body(argument));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static bool
is_null_device(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) &&
	       major(st.st_rdev) == 1 && minor(st.st_rdev) == 3;
}

static int
prepare_with_closed(int mask)
{
	char byte;
	int fd;

	/* None of them is /dev/null before. */
	for (fd = 0; fd < 3; fd++)
		if (dup2(open("/", O_RDONLY), fd) == -1)
			return 1;
	for (fd = 0; fd < 3; fd++)
		if ((mask & 1 << fd) != 0)
			close(fd);
	host_prepare();
	for (fd = 0; fd < 3; fd++)
		if (is_null_device(fd) != ((mask & 1 << fd) != 0))
			return 2 + fd;
	/* An empty message would pass for the one that was not given. */
	if ((mask & 1) != 0 && read(STDIN_FILENO, &byte, 1) != -1)
		return 5;
	return 0;
}

static void
closed_descriptors_are_opened(void **state)
{
	int mask;

	(void)state;
	for (mask = 0; mask < 8; mask++)
		in_child(prepare_with_closed, mask);
}

static bool
has_disposition(int number, void (*expected)(int))
{
	struct sigaction now;

	return sigaction(number, NULL, &now) == 0 && now.sa_handler == expected;
}

static int
prepare_with_signals(int unused)
{
	sigset_t set;

	(void)unused;
	sigfillset(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
	signal(SIGCHLD, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_DFL);
	host_prepare();
	sigprocmask(SIG_SETMASK, NULL, &set);
	if (sigisemptyset(&set) != 1)
		return 1;
	if (!has_disposition(SIGCHLD, SIG_DFL) ||
	    !has_disposition(SIGPIPE, SIG_IGN) ||
	    !has_disposition(SIGXFSZ, SIG_IGN))
		return 2;
	/* nohup(1) is not undone. */
	return has_disposition(SIGHUP, SIG_IGN) ? 0 : 3;
}

static void
signals_are_put_right(void **state)
{
	(void)state;
	in_child(prepare_with_signals, 0);
}

static int
prepare_with_variables(int unused)
{
	(void)unused;
	clearenv();
	host_prepare();
	setenv("GNUTLS_DEBUG_LEVEL", "9", 1);
	setenv("SSLKEYLOGFILES", "kept", 1);
	setenv("GNUTLS_NO_EXPLICIT_INIT", "1", 1);
	setenv("SSLKEYLOGFILE", "/x", 1);
	setenv("GNUTLS", "kept", 1);
	setenv("GNUTLS_", "", 1);
	host_prepare();
	if (getenv("GNUTLS_DEBUG_LEVEL") != NULL || getenv("GNUTLS_") != NULL ||
	    getenv("GNUTLS_NO_EXPLICIT_INIT") != NULL ||
	    getenv("SSLKEYLOGFILE") != NULL)
		return 1;
	return getenv("SSLKEYLOGFILES") != NULL && getenv("GNUTLS") != NULL ? 0
									    : 2;
}

static void
what_steers_the_library_is_gone(void **state)
{
	(void)state;
	in_child(prepare_with_variables, 0);
}

static int
hide(int unused)
{
	struct rlimit limit;

	(void)unused;
	host_hide();
	if (prctl(PR_GET_DUMPABLE) != 0)
		return 1;
	if (getrlimit(RLIMIT_CORE, &limit) != 0)
		return 2;
	return limit.rlim_cur == 0 && limit.rlim_max == 0 ? 0 : 3;
}

static void
no_core_is_left(void **state)
{
	(void)state;
	in_child(hide, 0);
}

/* For good, whoever takes over then; as no other than root it cannot be. */
static int
become(int root)
{
	const unsigned nobody = NOBODY;
	struct host h;
	struct error e;

	error_clear(&e);
	setenv("HOME", "/root", 1);
	setenv("SENDLING_USER", "x", 1);
	if (host_become(&h, nobody, nobody, &e) == -1)
		return root || e.kind != ERROR_SYSTEM;
	if (getuid() != nobody || geteuid() != nobody || getgid() != nobody ||
	    getegid() != nobody || setuid(0) == 0 || setgid(0) == 0)
		return 2;
	if (h.uid != nobody || h.home[0] != '\0' || getenv("HOME") != NULL ||
	    host_setting(0) != NULL || host_environment("PATH") == NULL)
		return 3;
	return prctl(PR_GET_DUMPABLE) != 0 ? 4 : 0;
}

/* The group of a folder of his may be another's. */
static int
become_known(int root)
{
	static char name[] = "nobody", none[] = "";
	struct passwd nobody = {.pw_name = name,
	    .pw_gecos = none,
	    .pw_dir = none,
	    .pw_uid = NOBODY,
	    .pw_gid = NOBODY};
	gid_t groups[64];
	struct host h;
	struct error e;
	int i;

	error_clear(&e);
	entry = &nobody;
	if (host_become(&h, NOBODY, 0, &e) == -1)
		return root || e.kind != ERROR_SYSTEM;
	i = getgroups(64, groups);
	while (i > 0)
		if (groups[--i] == 0)
			return 2;
	return getgid() == NOBODY && getegid() == NOBODY ? 0 : 3;
}

static void
becomes_another_for_good(void **state)
{
	(void)state;
	entry = NULL;
	in_child(become, geteuid() == 0);
	in_child(become_known, geteuid() == 0);
}

static void
only_known_variables_are_read(void **state)
{
	static const char *const known[] = {"HOME", "XDG_CONFIG_HOME", "TMPDIR",
	    "NAME", "LOGNAME", "USER", "CREDENTIALS_DIRECTORY"};
	static const char *const unknown[] = {
	    "LANG", "SSLKEYLOGFILE", "LD_PRELOAD", "SENDLING_USER", ""};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(known); i++) {
		setenv(known[i], "x", 1);
		assert_string_equal(host_environment(known[i]), "x");
		unsetenv(known[i]);
		assert_null(host_environment(known[i]));
	}
	setenv("SSLKEYLOGFILE", "x", 1);
	setenv("SENDLING_USER", "x", 1);
	for (i = 0; i < COUNT(unknown); i++)
		assert_null(host_environment(unknown[i]));
	unsetenv("SSLKEYLOGFILE");
	unsetenv("SENDLING_USER");
}

static void
settings_of_the_environment(void **state)
{
	const char *first, *second;

	(void)state;
	clearenv();
	assert_null(host_setting(0));
	setenv("PATH", "/bin", 1);
	setenv("SENDLING_USER", "alice", 1);
	setenv("SENDLINGX", "no", 1);
	setenv("sendling_user", "no", 1);
	setenv("SENDLING_FROM", "a=b", 1);
	first = host_setting(0);
	second = host_setting(1);
	assert_non_null(first);
	assert_non_null(second);
	assert_null(host_setting(2));
	assert_null(host_setting(SIZE_MAX));
	if (strcmp(first, "SENDLING_USER=alice") != 0) {
		assert_string_equal(first, "SENDLING_FROM=a=b");
		assert_string_equal(second, "SENDLING_USER=alice");
	} else
		assert_string_equal(second, "SENDLING_FROM=a=b");
	clearenv();
}

static void
homes(void **state)
{
	static char huge[5000], login[] = "alice", dir[] = "/home/alice";
	struct passwd alice = {.pw_name = login, .pw_dir = dir};
	struct host h;

	(void)state;
	entry = &alice;
	setenv("HOME", "/somewhere", 1);
	host_init(&h);
	assert_string_equal(h.home, "/somewhere");
	setenv("HOME", "relative", 1);
	host_init(&h);
	assert_string_equal(h.home, "/home/alice");
	memset(huge, '/', sizeof(huge) - 1);
	setenv("HOME", huge, 1);
	host_init(&h);
	assert_string_equal(h.home, "/home/alice");
	entry = NULL;
	host_init(&h);
	assert_string_equal(h.home, "");
	clearenv();
}

static void
full_names(void **state)
{
	static char huge[400];
	static const struct {
		const char *name; /* NAME */
		const char *gecos;
		const char *expected;
	} cases[] = {
	    {"Alice, Esq. & Co", "Al", "Alice, Esq. & Co"},
	    {"", "Al Example,Room 1,,", "Al Example"},
	    {NULL, "& Example", "Alice Example"},
	    {NULL, "x&&", "xAliceAlice"},
	    {NULL, ",,,", ""},
	    {NULL, "", ""},
	    {NULL, NULL, ""},
	    {huge, "Al", "Al"},
	};
	struct passwd alice = {.pw_name = (char *)(uintptr_t) "alice"};
	struct host h;
	size_t i;

	(void)state;
	memset(huge, 'x', sizeof(huge) - 1);
	entry = &alice;
	for (i = 0; i < COUNT(cases); i++) {
		clearenv();
		if (cases[i].name != NULL)
			setenv("NAME", cases[i].name, 1);
		alice.pw_gecos = (char *)(uintptr_t)cases[i].gecos;
		host_init(&h);
		assert_string_equal(h.full_name, cases[i].expected);
	}
	clearenv();
	alice.pw_gecos = huge;
	host_init(&h);
	assert_int_equal(strlen(h.full_name), sizeof(h.full_name) - 1);
	memset(huge, '&', sizeof(huge) - 1);
	host_init(&h);
	assert_true(strlen(h.full_name) < sizeof(h.full_name));
	entry = NULL;
}

static void
logins(void **state)
{
	static const struct {
		const char *entry;
		const char *logname;
		const char *user;
		const char *expected; /* NULL: uid and number */
	} cases[] = {
	    {"carol", "alice", "bob", "carol"},
	    {"DOMAIN\\carol", "alice", "bob", "DOMAIN\\carol"},
	    {NULL, "alice", "bob", "alice"},
	    {"", "alice", "bob", "alice"},
	    {NULL, NULL, "bob", "bob"},
	    {NULL, "a b", "bob", "bob"},
	    {NULL, "a\nb", "-x", NULL},
	    {NULL, "", "a@b", NULL},
	    {NULL, ".a", "a.", NULL},
	    {NULL, NULL, NULL, NULL},
	};
	struct passwd somebody = {.pw_dir = NULL};
	char number[32];
	struct host h;
	size_t i;

	(void)state;
	snprintf(number, sizeof(number), "uid%u", (unsigned)getuid());
	for (i = 0; i < COUNT(cases); i++) {
		clearenv();
		if (cases[i].logname != NULL)
			setenv("LOGNAME", cases[i].logname, 1);
		if (cases[i].user != NULL)
			setenv("USER", cases[i].user, 1);
		somebody.pw_name = (char *)(uintptr_t)cases[i].entry;
		entry = cases[i].entry == NULL ? NULL : &somebody;
		host_init(&h);
		assert_string_equal(h.login,
		    cases[i].expected == NULL ? number : cases[i].expected);
		assert_int_equal(h.uid, getuid());
		assert_false(h.privileged);
	}
	clearenv();
	entry = NULL;
}

static void
facts_are_fresh(void **state)
{
	struct facts one, two;
	struct error e;
	struct host h;
	long long now = time(NULL);

	(void)state;
	error_clear(&e);
	setenv("TZ", "XXX-5:30", 1);
	host_init(&h);
	assert_int_equal(host_facts(&h, &one, &e), 0);
	assert_int_equal(host_facts(&h, &two, &e), 0);
	assert_string_equal(one.login, h.login);
	assert_string_equal(one.host, h.name);
	assert_int_equal(one.now.offset_minutes, 330);
	assert_in_range(one.now.seconds - now, 0, 60);
	assert_memory_not_equal(one.random, two.random, sizeof(one.random));
	/* The zone of the beginning stays. */
	setenv("TZ", "XXX3", 1);
	assert_int_equal(host_now().offset_minutes, 330);
	host_init(&h);
	assert_int_equal(host_now().offset_minutes, -180);
	unsetenv("TZ");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(closed_descriptors_are_opened),
	    cmocka_unit_test(signals_are_put_right),
	    cmocka_unit_test(what_steers_the_library_is_gone),
	    cmocka_unit_test(no_core_is_left),
	    cmocka_unit_test(becomes_another_for_good),
	    cmocka_unit_test(only_known_variables_are_read),
	    cmocka_unit_test(settings_of_the_environment),
	    cmocka_unit_test(homes),
	    cmocka_unit_test(full_names),
	    cmocka_unit_test(logins),
	    cmocka_unit_test(facts_are_fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
