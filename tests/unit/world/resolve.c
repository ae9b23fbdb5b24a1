#include "../unit.h"

/* resolve with a lookup, and a fork(2), that do what a test wants. */
#include <unistd.h>

#include "world/net.h"
static int fake_resolve(const struct smarthost *s, enum account_family family,
    struct net_addresses *addresses, struct error *e);
static int fake_fork(void);
#define net_resolve fake_resolve
#define fork	    fake_fork
#include "../../../src/world/resolve.c"
#undef net_resolve
#undef fork

#include <netinet/in.h>
#include <poll.h>

static enum { KNOWN, UNKNOWN, SILENT, BROKEN, CURIOUS } act;
static size_t known; /* addresses */
static bool no_process;
static int forks;

static int
fake_fork(void)
{
	forks++;
	return no_process ? -1 : fork();
}

/* Descriptors that are open: the process may have one. */
static int
count_descriptors(void)
{
	int fd, count = 0;

	for (fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) != -1;
	return count;
}

static int
fake_resolve(const struct smarthost *s, enum account_family family,
    struct net_addresses *addresses, struct error *e)
{
	size_t i;

	memset(addresses, 0, sizeof(*addresses));
	switch (act) {
	case KNOWN:
		break;
	case UNKNOWN:
		error_set(e, ERROR_HOST, "looking", "%s has no address in %d",
		    s->host, (int)family);
		return error_hint(e, "spell it right");
	case SILENT:
		poll(NULL, 0, 100000);
		break;
	case BROKEN:
		_exit(1);
	case CURIOUS:
		known = (size_t)count_descriptors();
		break;
	}
	addresses->list = mem_new(known, sizeof(*addresses->list));
	addresses->count = known;
	for (i = 0; i < known; i++)
		addresses->list[i].len = (socklen_t)i + 1;
	return 0;
}

static char name[] = "mail.example.org", address[] = "192.0.2.1",
	    local[] = "LocalHost";
static const struct smarthost smarthost = {.host = name, .port = 465};

/* Whether no process and no descriptor is left. */
static void
leaves_nothing(struct resolve *r, int before)
{
	resolve_free(r);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	assert_int_equal(count_descriptors(), before);
}

static void
brings_addresses(void **state)
{
	static const struct {
		size_t known, brought;
		bool alone; /* without a process */
	} rows[] = {{1, 1, false}, {5, 5, false}, {RESOLVE_MAX, 64, false},
	    {RESOLVE_MAX + 1, 64, false}, {3, 3, true}};
	const struct net_addresses *found;
	int before = count_descriptors();
	struct resolve *r;
	struct error e;
	size_t i, k;

	(void)state;
	act = KNOWN;
	for (i = 0; i < COUNT(rows); i++) {
		error_clear(&e);
		known = rows[i].known;
		no_process = rows[i].alone;
		r = resolve_start(&smarthost, FAMILY_ANY);
		found = resolve_wait(r, CLOCK_NEVER, &e);
		assert_non_null(found);
		assert_int_equal(found->count, rows[i].brought);
		for (k = 0; k < found->count; k++)
			assert_int_equal(found->list[k].len, k + 1);
		/* As often as one likes. */
		assert_ptr_equal(resolve_wait(r, 0, &e), found);
		leaves_nothing(r, before);
	}
	no_process = false;
}

static void
brings_errors(void **state)
{
	int before = count_descriptors();
	struct resolve *r;
	struct error e;

	(void)state;
	act = UNKNOWN;
	error_clear(&e);
	r = resolve_start(&smarthost, FAMILY_IPV6);
	assert_null(resolve_wait(r, CLOCK_NEVER, &e));
	assert_int_equal(e.kind, ERROR_HOST);
	assert_string_equal(e.doing, "looking");
	assert_string_equal(e.text, "mail.example.org has no address in 3");
	assert_string_equal(e.hint, "spell it right");
	leaves_nothing(r, before);
}

static void
is_given_up(void **state)
{
	int before = count_descriptors();
	long long begin;
	struct resolve *r;
	struct error e;

	(void)state;
	act = SILENT;
	error_clear(&e);
	begin = clock_now();
	r = resolve_start(&smarthost, FAMILY_ANY);
	assert_null(resolve_wait(r, begin + 30, &e));
	assert_in_range(clock_now() - begin, 30, HANG);
	assert_int_equal(e.kind, ERROR_LATER);
	assert_string_equal(e.doing, "looking up the smarthost");
	assert_non_null(strstr(e.text, "mail.example.org: timed out"));
	assert_non_null(strstr(e.hint, "resolv.conf"));
	leaves_nothing(r, before);
	/* And where nobody waits for it. */
	leaves_nothing(resolve_start(&smarthost, FAMILY_ANY), before);
	assert_in_range(clock_now() - begin, 30, HANG);
}

static void
tells_of_a_lookup_that_breaks(void **state)
{
	int before = count_descriptors();
	struct resolve *r;
	struct error e;

	(void)state;
	act = BROKEN;
	error_clear(&e);
	r = resolve_start(&smarthost, FAMILY_ANY);
	assert_null(resolve_wait(r, CLOCK_NEVER, &e));
	assert_int_equal(e.kind, ERROR_LATER);
	assert_string_equal(e.text, "mail.example.org: its lookup broke down");
	leaves_nothing(r, before);
}

static void
asks_nobody_for_what_is_at_hand(void **state)
{
	char *const hosts[] = {address, local};
	struct smarthost s = {.port = 465};
	struct resolve *r;
	struct error e;
	size_t i;

	(void)state;
	act = KNOWN;
	known = 1;
	for (i = 0; i < COUNT(hosts); i++) {
		error_clear(&e);
		s.host = hosts[i];
		forks = 0;
		r = resolve_start(&s, FAMILY_ANY);
		assert_int_equal(forks, 0);
		assert_non_null(resolve_wait(r, 0, &e));
		resolve_free(r);
	}
}

static void
keeps_no_descriptor(void **state)
{
	struct resolve *r;
	struct error e;

	(void)state;
	act = CURIOUS;
	error_clear(&e);
	r = resolve_start(&smarthost, FAMILY_ANY);
	assert_int_equal(resolve_wait(r, CLOCK_NEVER, &e)->count, 1);
	resolve_free(r);
}

static bool
is_running(pid_t pid)
{
	char path[64], line[256] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "r");
	if (f == NULL)
		return false;
	if (fgets(line, sizeof(line), f) == NULL)
		line[0] = '\0';
	fclose(f);
	return line[0] != '\0' && strstr(line, ") Z") == NULL;
}

static void
does_not_outlive_us(void **state)
{
	int ends[2], tries = 0;
	pid_t us, pid;

	(void)state;
	act = SILENT;
	assert_int_equal(pipe(ends), 0);
	us = fork();
	assert_int_not_equal(us, -1);
	if (us == 0) {
		pid = resolve_start(&smarthost, FAMILY_ANY)->pid;
		file_write(ends[1], &pid, sizeof(pid));
		poll(NULL, 0, 50); /* until it has said what it wants */
		raise(SIGKILL);
	}
	assert_int_equal(read(ends[0], &pid, sizeof(pid)), sizeof(pid));
	assert_int_equal(waitpid(us, NULL, 0), us);
	while (is_running(pid) && tries++ < 1000)
		poll(NULL, 0, 10);
	assert_false(is_running(pid));
	close(ends[0]);
	close(ends[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(brings_addresses),
	    cmocka_unit_test(brings_errors), cmocka_unit_test(is_given_up),
	    cmocka_unit_test(tells_of_a_lookup_that_breaks),
	    cmocka_unit_test(asks_nobody_for_what_is_at_hand),
	    cmocka_unit_test(keeps_no_descriptor),
	    cmocka_unit_test(does_not_outlive_us)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
