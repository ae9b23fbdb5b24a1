#include "world/resolve.h"

#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/crypt.h"
#include "base/mem.h"
#include "world/clock.h"

/* For the thread; what modules of nsswitch.conf(5) need, and room to spare. */
#define RESOLVE_STACK (1024 * 1024)

/* A host, its addresses, or why there are none. */
struct target {
	struct smarthost smarthost;
	char host[sizeof(((struct srv_record *)0)->host)];
	char url[sizeof("smtps://") + sizeof(struct smarthost_name)];
	struct error e;
	struct net_addresses addresses;
	struct net_address list[NET_ADDRESSES_MAX];
};

/* Belongs to both threads while there are two, and to the last one then. */
struct resolve {
	struct smarthost smarthost; /* a copy: ours may be gone before it */
	enum account_family family;
	bool names;
	uint32_t random[SRV_MAX];
	struct error e; /* why there are no targets */
	struct target *targets;
	size_t count;

	pthread_mutex_t mutex;	/* for what follows; the rest is the thread's */
	pthread_cond_t changed; /* until it has answered, and ours then */
	bool counted;		/* the targets, which are known then */
	size_t answered;	/* of how many the addresses are */
	bool over;
	bool abandoned;
	bool threaded; /* there is one to be joined */
	pthread_t thread;
};

static void
destroy(struct resolve *r)
{
	pthread_cond_destroy(&r->changed);
	pthread_mutex_destroy(&r->mutex);
	smarthost_clear(&r->smarthost);
	free(r->targets);
	free(r);
}

static void
set_target(struct target *t, const struct srv_record *found, char *domain)
{
	strlcpy(t->host, found->host, sizeof(t->host));
	t->smarthost = (struct smarthost){.security = found->security,
	    .host = t->host,
	    .port = found->port,
	    .srv = {domain, found->priority, found->weight}};
	t->smarthost.url = smarthost_url(
	    &t->smarthost, found->security, t->url, sizeof(t->url));
}

static void
find_targets(struct resolve *r)
{
	struct srv_records found = {.count = 0};
	size_t i;

	if (net_srv(r->smarthost.host, &found, &r->e) == -1)
		return;
	srv_order(&found, r->random);
	for (i = 0; i < found.count; i++)
		set_target(&r->targets[i], &found.list[i], r->smarthost.host);
	r->count = found.count;
}

/* So many targets have their addresses now. False: nobody waits for more. */
static bool
tell(struct resolve *r, size_t answered)
{
	bool wanted;

	pthread_mutex_lock(&r->mutex);
	r->counted = true;
	r->answered = answered;
	wanted = !r->abandoned;
	pthread_cond_signal(&r->changed);
	pthread_mutex_unlock(&r->mutex);
	return wanted;
}

static void *
ask(void *arg)
{
	struct resolve *r = arg;
	struct target *t;
	bool abandoned;
	size_t i;

	if (r->smarthost.place == SMARTHOST_DOMAIN)
		find_targets(r);
	for (i = 0; tell(r, i) && i < r->count; i++) {
		t = &r->targets[i];
		t->addresses.list = t->list;
		if (!r->names)
			net_resolve(
			    &t->smarthost, r->family, &t->addresses, &t->e);
	}
	pthread_mutex_lock(&r->mutex);
	r->over = true;
	abandoned = r->abandoned;
	pthread_mutex_unlock(&r->mutex);
	if (abandoned)
		destroy(r);
	return NULL;
}

/* Signals are for whoever has handlers. 0, or an errno. */
static int
start_thread(struct resolve *r)
{
	pthread_attr_t attributes;
	sigset_t all, before;
	int failed;

	failed = pthread_attr_init(&attributes);
	if (failed != 0)
		return failed;
	pthread_attr_setstacksize(&attributes, RESOLVE_STACK);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = pthread_create(&r->thread, &attributes, ask, r);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return failed;
}

static void
init_changed(struct resolve *r)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&r->changed, &attributes);
	pthread_condattr_destroy(&attributes);
}

/* Chance is at hand before, as the thread calls nothing that is not its own. */
static void
init_targets(struct resolve *r)
{
	if (r->smarthost.place == SMARTHOST_DOMAIN) {
		r->targets = mem_new(SRV_MAX, sizeof(*r->targets));
		crypt_random(r->random, sizeof(r->random), &r->e);
		return;
	}
	r->targets = mem_new(1, sizeof(*r->targets));
	r->targets->smarthost = r->smarthost;
	r->count = 1;
	r->counted = true;
}

/* What is looked up: a name alone, or what DNS is asked for. */
static struct smarthost_name
words_of(const struct smarthost *s)
{
	struct smarthost_name name = smarthost_name(s);

	if (s->place == SMARTHOST_HOST)
		strlcpy(name.words, s->host, sizeof(name.words));
	return name;
}

struct resolve *
resolve_start(const struct smarthost *s, enum account_family family, bool names)
{
	struct resolve *r;
	int failed;

	r = mem_new(1, sizeof(*r));
	r->smarthost = smarthost_copy(s);
	r->family = family;
	r->names = names;
	pthread_mutex_init(&r->mutex, NULL);
	init_changed(r);
	init_targets(r);
	if (s->place != SMARTHOST_DOMAIN && (names || net_is_at_hand(s))) {
		ask(r);
		return r;
	}
	failed = start_thread(r);
	r->threaded = failed == 0;
	if (failed != 0) {
		net_unasked(words_of(s).words, failed, &r->e);
		r->counted = true;
	}
	return r;
}

/* Whether the targets are known by the deadline, and so many have their
 * addresses. */
static bool
await(struct resolve *r, size_t answered, long long deadline)
{
	struct timespec until;
	long long end;
	bool done;

	pthread_mutex_lock(&r->mutex);
	while (!(done = r->counted && r->answered >= answered) &&
	       clock_now() < deadline) {
		/* Never is no moment that every system's clock can tell. */
		end = clock_earlier(deadline, clock_in(60));
		until.tv_sec = (time_t)(end / 1000);
		until.tv_nsec = (long)(end % 1000) * 1000000;
		pthread_cond_timedwait(&r->changed, &r->mutex, &until);
	}
	pthread_mutex_unlock(&r->mutex);
	return done;
}

const struct smarthost *
resolve_host(
    struct resolve *r, size_t number, long long deadline, struct error *e)
{
	if (!await(r, 0, deadline)) {
		net_unanswered(words_of(&r->smarthost).words, CLOCK_OVER, e);
		return NULL;
	}
	if (r->e.kind != ERROR_NONE) {
		*e = r->e;
		return NULL;
	}
	return number < r->count ? &r->targets[number].smarthost : NULL;
}

const struct net_addresses *
resolve_wait(
    struct resolve *r, size_t number, long long deadline, struct error *e)
{
	const struct smarthost *host = resolve_host(r, number, deadline, e);
	const struct target *t;

	if (host == NULL)
		return NULL;
	if (!await(r, number + 1, deadline)) {
		net_unanswered(host->host, CLOCK_OVER, e);
		return NULL;
	}
	t = &r->targets[number];
	if (t->e.kind == ERROR_NONE)
		return &t->addresses;
	*e = t->e;
	return NULL;
}

void
resolve_free(struct resolve *r)
{
	bool abandoned;

	if (r == NULL)
		return;
	pthread_mutex_lock(&r->mutex);
	abandoned = r->abandoned = r->threaded && !r->over;
	if (abandoned)
		pthread_detach(r->thread);
	pthread_mutex_unlock(&r->mutex);
	if (abandoned)
		return;
	if (r->threaded)
		pthread_join(r->thread, NULL);
	destroy(r);
}
