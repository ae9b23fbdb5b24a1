#include "world/stream.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "world/clock.h"
#include "world/tunnel.h"

/* RFC 8305 section 8: Connection Attempt Delay. */
#define STREAM_STAGGER 250

/* From this much on a look for the peer's words costs nothing next to the
 * write, and a refusal stops a long message early. */
#define STREAM_BULK 16384

struct stream {
	int fd;
	struct tunnel *tunnel; /* NULL: it leads to an address */
	struct tls *tls;       /* NULL while plain; the caller's */
	struct net_address peer;
	struct error broken; /* why nothing can be sent any more */
};

/* Connecting. */
struct race {
	const struct smarthost *smarthost;
	const struct net_addresses *addresses;
	const char *source;
	const struct stream_observer *observer;
	long long begin;
	struct pollfd *polls; /* of each address; none runs where fd is -1 */
	size_t running;
	size_t next;	   /* the address to start next */
	long long next_at; /* when */
	char failures[400];
	int sys;	     /* why the last was none */
	struct error system; /* failed for want of something of our own */
};

static void
race_tell_begin(const struct race *r, size_t index)
{
	char words[NET_WORDS_MAX];

	if (r->observer->begins != NULL)
		r->observer->begins(
		    r->observer->arg, net_words(&r->addresses->list[index],
					  words, sizeof(words)));
}

static void
race_tell_end(const struct race *r, size_t index, const char *why)
{
	char words[NET_WORDS_MAX];

	if (r->observer->ended != NULL)
		r->observer->ended(r->observer->arg,
		    net_words(&r->addresses->list[index], words, sizeof(words)),
		    why);
}

/* The first names all of the target, the others their addresses. */
static void
race_note(struct race *r, size_t index, int sys, const char *why)
{
	const struct net_address *address = &r->addresses->list[index];
	char words[NET_WORDS_MAX];
	size_t used;

	race_tell_end(r, index, why);
	r->sys = sys;
	used = strlen(r->failures);
	if (used == 0)
		snprintf(r->failures, sizeof(r->failures), "%s: %s",
		    net_target(r->smarthost, address).words, why);
	else
		snprintf(r->failures + used, sizeof(r->failures) - used,
		    "; (%s): %s", net_words(address, words, sizeof(words)),
		    why);
}

static void
race_start(struct race *r)
{
	const size_t index = r->next++;
	struct error e;
	int fd;

	error_clear(&e);
	race_tell_begin(r, index);
	fd = net_start(&r->addresses->list[index], r->source, &e);
	r->polls[index] = (struct pollfd){.fd = fd, .events = POLLOUT};
	if (fd == -1) {
		race_note(r, index, e.sys, strerror(e.sys));
		if (e.kind == ERROR_SYSTEM)
			r->system = e;
		return;
	}
	r->running++;
	r->next_at = clock_now() + STREAM_STAGGER;
}

static void
race_drop(struct race *r, size_t index, int sys, const char *why)
{
	race_note(r, index, sys, why);
	close(r->polls[index].fd);
	r->polls[index].fd = -1;
	r->running--;
}

/* The index of an attempt that is connected, or `next`. A loser makes way for
 * the next address at once. */
static size_t
race_check(struct race *r)
{
	size_t i;
	int sys;

	for (i = 0; i < r->next; i++) {
		if (r->polls[i].fd == -1 || r->polls[i].revents == 0)
			continue;
		sys = net_result(r->polls[i].fd);
		if (sys == 0)
			break;
		race_drop(r, i, sys, strerror(sys));
		r->next_at = 0;
	}
	return i;
}

/* The index of the winner, or -1: nobody is left, or the time is over. */
static int
race_run(struct race *r, long long deadline)
{
	const size_t count = r->addresses->count;
	size_t winner;

	for (;;) {
		while (r->next < count &&
		       (r->running == 0 || clock_now() >= r->next_at))
			race_start(r);
		if (r->running == 0 ||
		    clock_wait(r->polls, r->next,
			r->next < count ? clock_earlier(deadline, r->next_at)
					: deadline) == -1)
			return -1;
		winner = race_check(r);
		if (winner < r->next)
			return (int)winner;
		if (clock_now() >= deadline)
			return -1;
	}
}

static void
race_lost(struct race *r, struct error *e)
{
	char silence[64];
	size_t i;

	if (r->system.kind != ERROR_NONE && e->kind == ERROR_NONE) {
		*e = r->system;
		return;
	}
	snprintf(silence, sizeof(silence), "no answer in %lld seconds",
	    (clock_now() - r->begin + 500) / 1000);
	for (i = 0; i < r->next; i++)
		if (r->polls[i].fd != -1)
			race_drop(r, i, ETIMEDOUT, silence);
	error_set(e, ERROR_LATER, NULL, "connecting to %s",
	    r->failures[0] == '\0' ? smarthost_name(r->smarthost).words
				   : r->failures);
	net_hint(r->smarthost, r->source, r->sys, e);
}

struct stream *
stream_connect(const struct smarthost *to,
    const struct net_addresses *addresses, const char *source,
    const struct stream_observer *observer, long long deadline, struct error *e)
{
	static const struct stream_observer nobody = {NULL, NULL, NULL};
	struct race r = {.smarthost = to,
	    .addresses = addresses,
	    .source = to->place == SMARTHOST_SOCKET ? NULL : source,
	    .observer = observer == NULL ? &nobody : observer,
	    .begin = clock_now(),
	    .polls = mem_new(addresses->count, sizeof(*r.polls))};
	struct stream *s = NULL;
	int winner;

	winner = race_run(&r, deadline);
	if (winner == -1) {
		race_lost(&r, e);
	} else {
		s = mem_new(1, sizeof(*s));
		s->fd = r.polls[winner].fd;
		s->peer = addresses->list[winner];
		r.polls[winner].fd = -1;
		race_tell_end(&r, (size_t)winner, NULL);
	}
	while (r.next-- > 0)
		if (r.polls[r.next].fd != -1)
			race_drop(&r, r.next, 0, "another address was faster");
	free(r.polls);
	return s;
}

struct stream *
stream_connect_by(
    const char *command, const struct smarthost *to, struct error *e)
{
	struct stream *s = mem_new(1, sizeof(*s));

	s->tunnel = tunnel_open(command, to, &s->fd, e);
	if (s->tunnel != NULL)
		return s;
	free(s);
	return NULL;
}

/* As poll(2), while what a command has to say is passed on. */
static int
wait_polled(struct stream *s, struct pollfd *polled, long long deadline)
{
	struct pollfd both[2] = {*polled};
	int ready;

	if (s->tunnel == NULL)
		return clock_wait(polled, 1, deadline);
	do {
		both[1] = tunnel_polled(s->tunnel);
		ready = clock_wait(both, 2, deadline);
		if (ready > 0 && both[1].revents != 0)
			tunnel_hear(s->tunnel);
	} while (ready > 0 && both[0].revents == 0 && clock_now() <= deadline);
	polled->revents = both[0].revents;
	return ready;
}

/* 1 when the socket is ready, 0 when the time is over, -1. The clock decides
 * even where the peer keeps us busy with records that bring nothing. */
static int
wait_ready(struct stream *s, struct pollfd *polled, long long deadline,
    struct error *e)
{
	int ready;

	polled->fd = s->fd;
	ready = wait_polled(s, polled, deadline);
	if (ready == -1)
		return error_set_sys(e, ERROR_SYSTEM, errno, NULL, "poll");
	return ready > 0 && clock_now() <= deadline;
}

enum stream_status
stream_secure(
    struct stream *s, struct tls *t, long long deadline, struct error *e)
{
	struct pollfd polled = {.events = 0};

	if (tls_start(t, s->fd, e) == -1)
		return STREAM_FAILED;
	for (;;) {
		switch (tls_handshake(t, e)) {
		case TLS_DONE:
			s->tls = t;
			return STREAM_MOVED;
		case TLS_WANT_READ:
			polled.events = POLLIN;
			break;
		case TLS_WANT_WRITE:
			polled.events = POLLOUT;
			break;
		case TLS_FAILED:
		case TLS_CLOSED:
			return STREAM_FAILED;
		}
		switch (wait_ready(s, &polled, deadline, e)) {
		case -1:
			return STREAM_FAILED;
		case 0:
			return STREAM_TIMEOUT;
		}
	}
}

/* Plain text in tls.h's words, so that both are one from here on. */
static enum tls_status
plain_write(struct stream *s, const char *bytes, size_t len, size_t *done,
    struct error *e)
{
	ssize_t n;

	do
		n = send(s->fd, bytes, len, MSG_NOSIGNAL);
	while (n == -1 && errno == EINTR);
	if (n >= 0) {
		*done = (size_t)n;
		return TLS_DONE;
	}
	if (errno == EAGAIN)
		return TLS_WANT_WRITE;
	error_set_sys(e, ERROR_LATER, errno, NULL, "the connection broke");
	return TLS_CLOSED;
}

static enum tls_status
plain_read(
    struct stream *s, char *bytes, size_t size, size_t *done, struct error *e)
{
	ssize_t n;

	do
		n = recv(s->fd, bytes, size, 0);
	while (n == -1 && errno == EINTR);
	if (n > 0) {
		*done = (size_t)n;
		return TLS_DONE;
	}
	if (n == -1 && errno == EAGAIN)
		return TLS_WANT_READ;
	if (n == 0)
		error_set(
		    e, ERROR_LATER, NULL, "the server closed the connection");
	else
		error_set_sys(
		    e, ERROR_LATER, errno, NULL, "the connection broke");
	return TLS_CLOSED;
}

/* Sends as far as it goes without waiting. */
static void
exchange_out(struct stream *s, const char *out, size_t len, size_t *sent)
{
	enum tls_status status = TLS_DONE;
	const char *at;
	size_t done;

	while (
	    status == TLS_DONE && *sent < len && s->broken.kind == ERROR_NONE) {
		at = out + *sent;
		done = 0;
		status =
		    s->tls == NULL
			? plain_write(s, at, len - *sent, &done, &s->broken)
			: tls_write(s->tls, at, len - *sent, &done, &s->broken);
		*sent += done;
	}
}

/* Reads once without waiting: STREAM_TIMEOUT where nothing is there. A
 * connection that broke while sending ends with the reason of that, once all
 * that is there is read. */
static enum stream_status
exchange_in(
    struct stream *s, char *in, size_t size, size_t *got, struct error *e)
{
	struct error end;

	error_clear(&end);
	switch (s->tls == NULL ? plain_read(s, in, size, got, &end)
			       : tls_read(s->tls, in, size, got, &end)) {
	case TLS_DONE:
		return STREAM_MOVED;
	case TLS_WANT_READ:
	case TLS_WANT_WRITE:
		if (s->broken.kind == ERROR_NONE)
			return STREAM_TIMEOUT;
		break;
	case TLS_FAILED:
		if (e->kind == ERROR_NONE)
			*e = end;
		return STREAM_FAILED;
	case TLS_CLOSED:
		break;
	}
	if (e->kind == ERROR_NONE)
		*e = s->broken.kind != ERROR_NONE ? s->broken : end;
	return STREAM_CLOSED;
}

/* The time is up, but what has come by now still counts: it may be the reply
 * that a mail was accepted, and we may be late for having been stopped. */
static enum stream_status
take_late(struct stream *s, const struct pollfd *polled, char *in, size_t size,
    size_t *got, struct error *e)
{
	enum stream_status status;

	if ((polled->revents & ~POLLOUT) == 0)
		return STREAM_TIMEOUT;
	status = exchange_in(s, in, size, got, e);
	return status == STREAM_MOVED && *got == 0 ? STREAM_TIMEOUT : status;
}

/* Nothing can be sent any more, so there is nothing to wait for. */
static enum stream_status
take_last_words(struct stream *s, char *in, size_t size, size_t *got,
    long long deadline, struct error *e)
{
	enum stream_status status;

	do
		status = exchange_in(s, in, size, got, e);
	while (status == STREAM_MOVED && *got == 0 && clock_now() <= deadline);
	if (status != STREAM_MOVED || *got > 0)
		return status;
	*e = s->broken;
	return STREAM_CLOSED;
}

enum stream_status
stream_exchange(struct stream *s, const char *out, size_t len, size_t *sent,
    char *in, size_t size, size_t *got, long long deadline, struct error *e)
{
	struct pollfd polled = {.events = 0};
	enum stream_status status;
	bool readable;

	*sent = *got = 0;
	readable = s->tls != NULL && tls_pending(s->tls);
	for (;;) {
		/* First what has come: it may say that nothing is to be sent.
		 */
		status = STREAM_MOVED;
		if (readable)
			status = exchange_in(s, in, size, got, e);
		if (*got == 0 && status != STREAM_CLOSED &&
		    status != STREAM_FAILED) {
			exchange_out(s, out, len, sent);
			if (s->broken.kind != ERROR_NONE)
				return take_last_words(
				    s, in, size, got, deadline, e);
			if (*sent >= STREAM_BULK)
				status = exchange_in(s, in, size, got, e);
		}
		if (status == STREAM_CLOSED || status == STREAM_FAILED)
			return status;
		if (*sent > 0 || *got > 0)
			return STREAM_MOVED;
		polled.events = len > 0 ? POLLIN | POLLOUT : POLLIN;
		switch (wait_ready(s, &polled, deadline, e)) {
		case -1:
			return STREAM_FAILED;
		case 0:
			return take_late(s, &polled, in, size, got, e);
		}
		readable = (polled.revents & ~POLLOUT) != 0;
	}
}

enum stream_status
stream_hear(
    struct stream *s, char *in, size_t size, size_t *got, struct error *e)
{
	*got = 0;
	return exchange_in(s, in, size, got, e);
}

size_t
stream_torn(const struct stream *s)
{
	return s->tls == NULL ? 0 : tls_torn(s->tls);
}

size_t
stream_underway(const struct stream *s)
{
	return net_underway(s->fd);
}

size_t
stream_end(struct stream *s, const char *out, size_t len)
{
	size_t sent = 0;

	if (s == NULL)
		return 0;
	exchange_out(s, out, len, &sent);
	if (s->tls != NULL)
		tls_bye(s->tls);
	close(s->fd);
	tunnel_close(s->tunnel, false);
	free(s);
	return sent;
}

void
stream_drop(struct stream *s)
{
	if (s == NULL)
		return;
	close(s->fd);
	tunnel_close(s->tunnel, true);
	free(s);
}

void
stream_blame(struct stream *s, struct error *e)
{
	if (s->tunnel != NULL)
		tunnel_blame(s->tunnel, e);
}

char *
stream_literal(const struct stream *s, char *out, size_t size)
{
	return net_literal(s->fd, out, size);
}

struct net_target
stream_target(const struct stream *s, const struct smarthost *to)
{
	return net_target(to, &s->peer);
}

bool
stream_is_local(const struct stream *s)
{
	return net_is_local(&s->peer);
}

bool
stream_is_loop(const struct stream *s, int fd)
{
	return net_is_name_of(&s->peer, fd);
}
