#include "world/resolve.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "base/mem.h"
#include "world/clock.h"

/* For the thread; what modules of nsswitch.conf(5) need, and room to spare. */
#define RESOLVE_STACK (1024 * 1024)

/* Belongs to both threads while there are two, and to the last one then. */
struct resolve {
	struct smarthost smarthost; /* a copy: ours may be gone before it */
	enum account_family family;
	struct error e; /* why there are no addresses */
	struct net_addresses addresses;
	struct net_address list[NET_ADDRESSES_MAX];

	pthread_mutex_t mutex;	/* for what follows; the rest is the thread's */
	pthread_cond_t changed; /* until it has answered, and ours then */
	bool answered;
	bool abandoned;
	bool threaded; /* there is one to be joined */
	pthread_t thread;
};

static void
destroy(struct resolve *r)
{
	pthread_cond_destroy(&r->changed);
	pthread_mutex_destroy(&r->mutex);
	free(r->smarthost.host);
	free(r);
}

static void *
ask(void *arg)
{
	struct resolve *r = arg;
	bool abandoned;

	net_resolve(&r->smarthost, r->family, &r->addresses, &r->e);
	pthread_mutex_lock(&r->mutex);
	r->answered = true;
	abandoned = r->abandoned;
	pthread_cond_signal(&r->changed);
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

struct resolve *
resolve_start(const struct smarthost *s, enum account_family family)
{
	struct resolve *r;
	int failed;

	r = mem_new(1, sizeof(*r));
	r->smarthost = *s;
	r->smarthost.host = mem_copy(s->host);
	r->family = family;
	r->addresses.list = r->list;
	pthread_mutex_init(&r->mutex, NULL);
	init_changed(r);
	if (net_is_at_hand(s)) {
		ask(r);
		return r;
	}
	failed = start_thread(r);
	r->threaded = failed == 0;
	if (failed != 0)
		net_unasked(s->host, failed, &r->e);
	return r;
}

/* Whether the answer has come by the deadline. */
static bool
await(struct resolve *r, long long deadline)
{
	struct timespec until;
	long long end;
	bool answered;

	pthread_mutex_lock(&r->mutex);
	while (!r->answered && clock_now() < deadline) {
		/* Never is no moment that every system's clock can tell. */
		end = clock_earlier(deadline, clock_in(60));
		until.tv_sec = (time_t)(end / 1000);
		until.tv_nsec = (long)(end % 1000) * 1000000;
		pthread_cond_timedwait(&r->changed, &r->mutex, &until);
	}
	answered = r->answered;
	pthread_mutex_unlock(&r->mutex);
	return answered;
}

const struct net_addresses *
resolve_wait(struct resolve *r, long long deadline, struct error *e)
{
	if (r->threaded && !await(r, deadline)) {
		net_unanswered(r->smarthost.host, CLOCK_OVER, e);
		return NULL;
	}
	if (r->e.kind != ERROR_NONE) {
		*e = r->e;
		return NULL;
	}
	return &r->addresses;
}

void
resolve_free(struct resolve *r)
{
	bool abandoned;

	if (r == NULL)
		return;
	pthread_mutex_lock(&r->mutex);
	abandoned = r->abandoned = r->threaded && !r->answered;
	if (abandoned)
		pthread_detach(r->thread);
	pthread_mutex_unlock(&r->mutex);
	if (abandoned)
		return;
	if (r->threaded)
		pthread_join(r->thread, NULL);
	destroy(r);
}
