#include "../unit.h"

/* resolve with a lookup, and a pthread_create(3), that do what a test wants. */
#include <pthread.h>

#include "world/net.h"
static int fake_resolve(const struct smarthost *s, enum account_family family,
    struct net_addresses *addresses, struct error *e);
static int fake_create(pthread_t *thread, const pthread_attr_t *attributes,
    void *(*begin)(void *), void *arg);
static int fake_srv(
    const char *domain, struct srv_records *records, struct error *e);
#define net_resolve    fake_resolve
#define net_srv	       fake_srv
#define pthread_create fake_create
#include "../../../src/world/resolve.c"
#undef net_resolve
#undef net_srv
#undef pthread_create

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <semaphore.h>
#include <sys/wait.h>
#include <unistd.h>

enum act { KNOWN, UNKNOWN, SILENT };

static _Atomic enum act act;
static _Atomic size_t known; /* addresses */
static int refusal;	     /* of threads: its errno */
static int threads;

/* Of a silent lookup: it has begun, it may end, it has, and what it saw. */
static sem_t begun, may_end, ended;
static char seen[64];
static _Atomic bool reached; /* by a signal */

static int
fake_create(pthread_t *thread, const pthread_attr_t *attributes,
    void *(*begin)(void *), void *arg)
{
	threads++;
	return refusal != 0 ? refusal
			    : pthread_create(thread, attributes, begin, arg);
}

static int
fake_resolve(const struct smarthost *s, enum account_family family,
    struct net_addresses *addresses, struct error *e)
{
	sigset_t blocked;
	size_t i;

	switch ((enum act)act) {
	case KNOWN:
		break;
	case UNKNOWN:
		error_set(e, ERROR_HOST, "looking", "%s has no address in %d",
		    s->host, (int)family);
		return error_hint(e, "spell it right");
	case SILENT:
		sem_post(&begun);
		sem_wait(&may_end);
		strlcpy(seen, s->host, sizeof(seen));
		pthread_sigmask(SIG_BLOCK, NULL, &blocked);
		reached = !sigismember(&blocked, SIGTERM) ||
			  !sigismember(&blocked, SIGALRM);
		sem_post(&ended);
		break;
	}
	addresses->count = known;
	for (i = 0; i < known; i++)
		addresses->list[i].len = (socklen_t)i + 1;
	return 0;
}

static int
fake_srv(const char *domain, struct srv_records *records, struct error *e)
{
	static const struct srv_record found[] = {
	    {SMARTHOST_STARTTLS, 1, 2, 587, "b.example"},
	    {SMARTHOST_TLS, 3, 0, 465, "a.example"}};

	if (strcmp(domain, "none.example") == 0)
		return error_set(e, ERROR_HOST, "asking", "nobody");
	memcpy(records->list, found, sizeof(found));
	records->count = COUNT(found);
	return 0;
}

static char name[] = "mail.example.org", address[] = "192.0.2.1",
	    local[] = "LocalHost";
static const struct smarthost smarthost = {.host = name, .port = 465};

static int
count_entries(const char *path)
{
	DIR *folder = opendir(path);
	int count = 0;

	assert_non_null(folder);
	while (readdir(folder) != NULL)
		count++;
	closedir(folder);
	return count;
}

/* What is there of the process: threads that were given up may still be about
 * to end. */
struct traces {
	int threads;
	int descriptors;
};

static struct traces
look(void)
{
	return (struct traces){
	    count_entries("/proc/self/task"), count_entries("/proc/self/fd")};
}

static void
assert_no_child(void)
{
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

/* Whether no thread, process or descriptor is left. */
static void
leaves_nothing(struct traces before)
{
	long long end = clock_now() + HANG;

	assert_no_child();
	while (look().threads > before.threads && clock_now() < end)
		poll(NULL, 0, 1);
	assert_in_range(look().threads, 0, before.threads);
	assert_int_equal(look().descriptors, before.descriptors);
}

static void
brings_addresses(void **state)
{
	static const size_t counts[] = {0, 1, 5, NET_ADDRESSES_MAX};
	const struct net_addresses *found;
	struct traces before = look();
	struct resolve *r;
	struct error e;
	size_t i, k;

	(void)state;
	act = KNOWN;
	for (i = 0; i < COUNT(counts); i++) {
		error_clear(&e);
		known = counts[i];
		r = resolve_start(&smarthost, FAMILY_ANY, false);
		found = resolve_wait(r, 0, CLOCK_NEVER, &e);
		assert_non_null(found);
		assert_int_equal(found->count, counts[i]);
		for (k = 0; k < found->count; k++)
			assert_int_equal(found->list[k].len, k + 1);
		/* As often as one likes. */
		assert_ptr_equal(resolve_wait(r, 0, 0, &e), found);
		assert_no_child();
		resolve_free(r);
		leaves_nothing(before);
	}
}

static void
brings_errors(void **state)
{
	struct traces before = look();
	struct resolve *r;
	struct error e;

	(void)state;
	act = UNKNOWN;
	error_clear(&e);
	r = resolve_start(&smarthost, FAMILY_IPV6, false);
	assert_null(resolve_wait(r, 0, CLOCK_NEVER, &e));
	assert_int_equal(e.kind, ERROR_HOST);
	assert_string_equal(e.doing, "looking");
	assert_string_equal(e.text, "mail.example.org has no address in 3");
	assert_string_equal(e.hint, "spell it right");
	resolve_free(r);
	leaves_nothing(before);
}

static void
forget_silence(void)
{
	sem_t *const all[] = {&begun, &may_end, &ended};
	size_t i;

	for (i = 0; i < COUNT(all); i++)
		while (sem_trywait(all[i]) == 0)
			;
}

/* What is given up reads on in a copy of its own, and no signal ends there. */
static void
is_given_up(void **state)
{
	char *host = mem_copy(name);
	struct smarthost s = {.host = host, .port = 465};
	struct traces before = look();
	long long begin;
	struct resolve *r;
	struct error e;

	(void)state;
	act = SILENT;
	known = 1;
	error_clear(&e);
	begin = clock_now();
	r = resolve_start(&s, FAMILY_ANY, false);
	assert_null(resolve_wait(r, 0, begin + 30, &e));
	assert_in_range(clock_now() - begin, 30, HANG);
	assert_int_equal(e.kind, ERROR_LATER);
	assert_string_equal(e.doing, "looking up the smarthost");
	assert_non_null(strstr(e.text, "mail.example.org: timed out"));
	assert_non_null(strstr(e.hint, "resolv.conf"));
	sem_wait(&begun);
	resolve_free(r);
	memset(host, 'x', strlen(host));
	free(host);
	sem_post(&may_end);
	sem_wait(&ended);
	assert_string_equal(seen, name);
	assert_false(reached);
	leaves_nothing(before);
	/* And where nobody waits for it, so that it need not even begin. */
	resolve_free(resolve_start(&smarthost, FAMILY_ANY, false));
	sem_post(&may_end);
	leaves_nothing(before);
	forget_silence();
}

/* An answer that comes after the deadline is one all the same, for whoever
 * asks again. */
static void
answers_late(void **state)
{
	struct resolve *r;
	struct error e;

	(void)state;
	act = SILENT;
	error_clear(&e);
	r = resolve_start(&smarthost, FAMILY_ANY, false);
	assert_null(resolve_wait(r, 0, 0, &e));
	sem_wait(&begun);
	sem_post(&may_end);
	error_clear(&e);
	assert_non_null(resolve_wait(r, 0, CLOCK_NEVER, &e));
	resolve_free(r);
}

/* Whoever comes last frees it, and either may. */
static void
ends_in_any_order(void **state)
{
	struct traces before = look();
	struct resolve *r;
	struct error e;
	int i;

	(void)state;
	act = KNOWN;
	for (i = 0; i < 300; i++) {
		error_clear(&e);
		r = resolve_start(&smarthost, FAMILY_ANY, false);
		if (i % 3 == 0)
			resolve_wait(r, 0, 0, &e);
		if (i % 5 == 0)
			sched_yield();
		resolve_free(r);
	}
	leaves_nothing(before);
	resolve_free(NULL);
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
		threads = 0;
		r = resolve_start(&s, FAMILY_ANY, false);
		assert_int_equal(threads, 0);
		assert_non_null(resolve_wait(r, 0, 0, &e));
		resolve_free(r);
	}
}

static void
brings_the_hosts_of_a_domain(void **state)
{
	char domain[] = "example.org", none[] = "none.example";
	struct smarthost s = {.place = SMARTHOST_DOMAIN, .host = domain};
	const struct smarthost *host;
	struct traces before = look();
	struct resolve *r;
	struct error e;

	(void)state;
	act = KNOWN;
	known = 2;
	error_clear(&e);
	r = resolve_start(&s, FAMILY_ANY, false);
	host = resolve_host(r, 0, CLOCK_NEVER, &e);
	assert_string_equal(host->url, "smtps://a.example:465");
	assert_string_equal(host->srv.domain, domain);
	assert_int_equal(host->srv.priority, 3);
	assert_int_equal(resolve_wait(r, 0, CLOCK_NEVER, &e)->count, 2);
	host = resolve_host(r, 1, CLOCK_NEVER, &e);
	assert_string_equal(host->url, "smtp://b.example:587");
	assert_int_equal(host->security, SMARTHOST_STARTTLS);
	assert_int_equal(host->place, SMARTHOST_HOST);
	assert_int_equal(resolve_wait(r, 1, CLOCK_NEVER, &e)->count, 2);
	assert_null(resolve_host(r, 2, CLOCK_NEVER, &e));
	assert_int_equal(e.kind, ERROR_NONE);
	resolve_free(r);
	/* The names alone: nobody's address is asked for. */
	act = UNKNOWN;
	r = resolve_start(&s, FAMILY_ANY, true);
	assert_non_null(resolve_host(r, 1, CLOCK_NEVER, &e));
	assert_int_equal(resolve_wait(r, 1, CLOCK_NEVER, &e)->count, 0);
	resolve_free(r);
	s.host = none;
	r = resolve_start(&s, FAMILY_ANY, false);
	assert_null(resolve_host(r, 0, CLOCK_NEVER, &e));
	assert_int_equal(e.kind, ERROR_HOST);
	assert_string_equal(e.text, "nobody");
	resolve_free(r);
	leaves_nothing(before);
}

/* In place it could not be given up. */
static void
does_not_look_up_in_place(void **state)
{
	struct resolve *r;
	struct error e;

	(void)state;
	act = SILENT;
	refusal = EAGAIN;
	error_clear(&e);
	r = resolve_start(&smarthost, FAMILY_ANY, false);
	assert_null(resolve_wait(r, 0, CLOCK_NEVER, &e));
	assert_int_equal(e.kind, ERROR_SYSTEM);
	assert_int_equal(e.sys, EAGAIN);
	assert_string_equal(e.doing, "looking up the smarthost");
	assert_non_null(strstr(e.text, "mail.example.org: "));
	assert_non_null(strstr(e.hint, "ulimit -u"));
	resolve_free(r);
	refusal = 0;
}

/* Signals are ours as before. */
static void
leaves_signals_alone(void **state)
{
	sigset_t before, behind;
	int i;

	(void)state;
	act = KNOWN;
	pthread_sigmask(SIG_BLOCK, NULL, &before);
	resolve_free(resolve_start(&smarthost, FAMILY_ANY, false));
	pthread_sigmask(SIG_BLOCK, NULL, &behind);
	for (i = 1; i < NSIG; i++)
		assert_int_equal(
		    sigismember(&before, i), sigismember(&behind, i));
}

/* Nobody waits for it, with all that is done at an exit, and a process that is
 * started meanwhile. */
static void
keeps_no_exit_up(void **state)
{
	int status;
	pid_t us, other;

	(void)state;
	act = SILENT;
	us = fork();
	assert_int_not_equal(us, -1);
	if (us == 0) {
		alarm(HANG / 1000);
		resolve_start(&smarthost, FAMILY_ANY, false);
		sem_wait(&begun);
		other = fork();
		if (other == 0)
			_exit(7);
		if (waitpid(other, &status, 0) != other ||
		    WEXITSTATUS(status) != 7)
			_exit(1);
		exit(3);
	}
	assert_int_equal(waitpid(us, &status, 0), us);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 3);
}

static int
init_semaphores(void **state)
{
	(void)state;
	/* With the first thread a sanitizer may start one of its own. */
	resolve_free(resolve_start(&smarthost, FAMILY_ANY, false));
	return sem_init(&begun, 0, 0) | sem_init(&may_end, 0, 0) |
	       sem_init(&ended, 0, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(brings_addresses),
	    cmocka_unit_test(brings_errors), cmocka_unit_test(is_given_up),
	    cmocka_unit_test(answers_late), cmocka_unit_test(ends_in_any_order),
	    cmocka_unit_test(asks_nobody_for_what_is_at_hand),
	    cmocka_unit_test(brings_the_hosts_of_a_domain),
	    cmocka_unit_test(does_not_look_up_in_place),
	    cmocka_unit_test(leaves_signals_alone),
	    cmocka_unit_test(keeps_no_exit_up)};

	return cmocka_run_group_tests(tests, init_semaphores, NULL);
}
