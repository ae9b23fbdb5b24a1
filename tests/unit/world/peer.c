#include "../unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "../folder.h"
#include "world/peer.h"

/* The list of users is the test's own. */
static int trouble;
static struct passwd www = {.pw_name = "www-data", .pw_gecos = "The &,Web"};

struct passwd *
getpwuid(uid_t uid)
{
	errno = trouble;
	return uid == 33 && trouble == 0 ? &www : NULL;
}

static struct caller
find(int fd)
{
	struct caller c;
	struct error e;

	error_clear(&e);
	assert_int_equal(peer_find(fd, &c, &e), 0);
	return c;
}

/* The accepted end of a connection to that address, which a child makes as this
 * user. */
static int
accept_from(struct sockaddr *address, socklen_t size, uid_t uid)
{
	int listener = socket(address->sa_family, SOCK_STREAM, 0), fd, status;
	pid_t child;

	assert_int_equal(bind(listener, address, size), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, address, &size), 0);
	child = fork();
	if (child == 0) {
		fd = socket(address->sa_family, SOCK_STREAM, 0);
		if (uid != getuid() && setresuid(uid, uid, uid) == -1)
			_exit(1);
		_exit(connect(fd, address, size) == -1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	fd = accept(listener, NULL, NULL);
	close(listener);
	return fd;
}

static int
accept_unix(uid_t uid)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	/* Of no folder, which another user might not enter. */
	snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1,
	    "sendling.%d.%u", (int)getpid(), uid);
	return accept_from((struct sockaddr *)&address, sizeof(address), uid);
}

/* All that a program may be started with by its own user. */
static void
our_own_user_is_nobody_else(void **state)
{
	int ends[2], fd;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(find(ends[0]).kind, CALLER_SELF);
	close(ends[0]);
	close(ends[1]);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	assert_int_equal(find(ends[0]).kind, CALLER_SELF);
	close(ends[0]);
	close(ends[1]);
	fd = open("/dev/null", O_RDONLY);
	assert_int_equal(find(fd).kind, CALLER_SELF);
	close(fd);
	fd = accept_unix(getuid());
	assert_int_equal(find(fd).kind, CALLER_SELF);
	close(fd);
}

static void
another_user_is_known(void **state)
{
	struct caller c;
	struct error e;
	int fd;

	(void)state;
	if (getuid() != 0)
		skip();
	fd = accept_unix(33);
	c = find(fd);
	assert_int_equal(c.kind, CALLER_USER);
	assert_int_equal(c.uid, 33);
	assert_true(c.named);
	assert_string_equal(c.login, "www-data");
	assert_string_equal(c.full_name, "The Www-data");
	/* He is somebody, and who that is can be told later. */
	error_clear(&e);
	trouble = EIO;
	assert_int_equal(peer_find(fd, &c, &e), -1);
	assert_int_equal(e.kind, ERROR_SYSTEM);
	assert_int_equal(c.kind, CALLER_NETWORK);
	trouble = 0;
	close(fd);
	fd = accept_unix(123456);
	c = find(fd);
	assert_int_equal(c.kind, CALLER_USER);
	assert_int_equal(c.uid, 123456);
	assert_false(c.named);
	assert_string_equal(c.login, "uid123456");
	close(fd);
}

static void
of_a_network_nobody_knows(void **state)
{
	struct sockaddr_in four = {.sin_family = AF_INET};
	int fd;

	(void)state;
	four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = accept_from((struct sockaddr *)&four, sizeof(four), getuid());
	assert_int_equal(find(fd).kind, CALLER_NETWORK);
	close(fd);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(find(fd).kind, CALLER_NETWORK);
	close(fd);
	fd = socket(AF_NETLINK, SOCK_RAW, 0);
	if (fd != -1)
		assert_int_equal(find(fd).kind, CALLER_NETWORK);
	close(fd);
}

/*
 * Places.
 */

static int
take(unsigned uid, unsigned places, struct error *e)
{
	const struct caller c = {CALLER_USER, uid, true, "bob", ""};
	int held;

	error_clear(e);
	return peer_take(&c, places, &held, e);
}

/* As a process of its own, which has the place until it is killed. */
static pid_t
hold(unsigned uid, unsigned places, enum peer_place expected)
{
	struct error e;
	int ends[2];
	char result;
	pid_t child;

	assert_int_equal(pipe(ends), 0);
	child = fork();
	if (child == 0) {
		result = (char)take(uid, places, &e);
		if (write(ends[1], &result, 1) == 1)
			pause();
		_exit(0);
	}
	close(ends[1]);
	assert_int_equal(read(ends[0], &result, 1), 1);
	close(ends[0]);
	assert_int_equal(result, expected);
	return child;
}

static void
let_go(pid_t child)
{
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
}

#define ROOTS (2 * PEER_ROOT_FACTOR)

static void
a_user_has_a_few_places(void **state)
{
	pid_t first, second, last, roots[ROOTS];
	struct error e;
	size_t i;

	(void)state;
	setenv("RUNTIME_DIRECTORY", folder, 1);
	first = hold(4294967293U, 2, PEER_TAKEN);
	second = hold(4294967293U, 2, PEER_TAKEN);
	assert_int_equal(take(4294967293U, 2, &e), PEER_FAILED);
	assert_int_equal(e.kind, ERROR_LATER);
	assert_int_equal(e.code, 421);
	assert_int_equal(e.enhanced.class, 4);
	assert_int_equal(e.enhanced.subject, 7);
	assert_non_null(strstr(e.text, "holds 2 connections"));
	/* Of another nothing is taken away. */
	last = hold(4294967292U, 2, PEER_TAKEN);
	let_go(last);
	/* Whoever is killed leaves nothing behind. */
	let_go(first);
	first = hold(4294967293U, 2, PEER_TAKEN);
	let_go(first);
	let_go(second);
	/* The last quarter is for what does not wait. */
	for (i = 0; i < ROOTS; i++)
		roots[i] =
		    hold(0, 2, i < ROOTS * 3 / 4 ? PEER_TAKEN : PEER_CROWDED);
	assert_int_equal(take(0, 2, &e), PEER_FAILED);
	for (i = 0; i < ROOTS; i++)
		let_go(roots[i]);
	unlink(in_folder("slots"));
}

static void
who_is_not_another_user_needs_none(void **state)
{
	const struct caller self = {.kind = CALLER_SELF},
			    network = {.kind = CALLER_NETWORK};
	struct error e;
	int held;

	(void)state;
	setenv("RUNTIME_DIRECTORY", "/nowhere", 1);
	error_clear(&e);
	assert_int_equal(peer_take(&self, 1, &held, &e), PEER_TAKEN);
	assert_int_equal(held, -1);
	assert_int_equal(peer_take(&network, 1, &held, &e), PEER_TAKEN);
	assert_int_equal(held, -1);
}

/* A folder that is named has to be there, and no link leads out of it. */
static void
what_cannot_be_counted_is_refused(void **state)
{
	char list[400];
	struct error e;

	(void)state;
	setenv("RUNTIME_DIRECTORY", "/nowhere", 1);
	assert_int_equal(take(1001, 1, &e), PEER_FAILED);
	assert_int_equal(e.kind, ERROR_SYSTEM);
	assert_non_null(strstr(e.text, "/nowhere/slots"));
	setenv("RUNTIME_DIRECTORY", folder, 1);
	assert_int_equal(symlink("/dev/null", in_folder("slots")), 0);
	assert_int_equal(take(1001, 1, &e), PEER_FAILED);
	unlink(in_folder("slots"));
	assert_int_equal(mkfifo(in_folder("slots"), 0600), 0);
	assert_int_equal(take(1001, 1, &e), PEER_FAILED);
	unlink(in_folder("slots"));
	if (getuid() == 0) {
		folder_put("slots", "", 0, 0666);
		assert_int_equal(chown(in_folder("slots"), 33, 33), 0);
		assert_int_equal(take(1001, 1, &e), PEER_FAILED);
		unlink(in_folder("slots"));
	}
	/* The first of several. */
	snprintf(list, sizeof(list), "%s:/nowhere", folder);
	setenv("RUNTIME_DIRECTORY", list, 1);
	let_go(hold(1001, 1, PEER_TAKEN));
	unlink(in_folder("slots"));
	unsetenv("RUNTIME_DIRECTORY");
	if (access(PEER_FOLDER, F_OK) == -1)
		assert_int_equal(take(1001, 1, &e), PEER_UNCOUNTED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(our_own_user_is_nobody_else),
	    cmocka_unit_test(another_user_is_known),
	    cmocka_unit_test(of_a_network_nobody_knows),
	    cmocka_unit_test(a_user_has_a_few_places),
	    cmocka_unit_test(who_is_not_another_user_needs_none),
	    cmocka_unit_test(what_cannot_be_counted_is_refused)};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
