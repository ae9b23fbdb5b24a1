#ifndef HANDSHAKE_H
#define HANDSHAKE_H

/* A handshake of ours with a server of peer.h. */

#include "base/mem.h"
#include "peer.h"
#include "world/clock.h"

/* What a handshake came to. */
struct outcome {
	enum stream_status status;
	struct error e;
	struct tls *tls;
	struct stream *stream;
};

static inline struct outcome
handshake(const struct account *a, const char *reference, unsigned short port)
{
	static struct account named;
	static char name[300];
	struct outcome o;

	memset(&o, 0, sizeof(o));
	strlcpy(name, reference, sizeof(name));
	named = *a;
	named.tls_name = name;
	o.tls = tls_new(&named,
	    a->smarthosts.count > 0 ? a->smarthosts.at : &peer_host, &o.e);
	if (o.tls == NULL)
		fail_msg("%s", o.e.text);
	o.stream = peer_connect(port);
	o.status =
	    stream_secure(o.stream, o.tls, clock_now() + PEER_WAIT, &o.e);
	return o;
}

static inline void
finish(struct outcome *o)
{
	stream_drop(o->stream);
	tls_free(o->tls);
}

/* Connects, gives the outcome, and ends the peer. */
static inline struct error
meet(struct peer p, const struct account *a, const char *reference)
{
	struct outcome o;

	o = handshake(a, reference, p.port);
	assert_int_equal(
	    o.status, o.e.kind == ERROR_NONE ? STREAM_MOVED : STREAM_FAILED);
	finish(&o);
	peer_kill(p);
	return o.e;
}

static inline struct account
trusting(const char *name)
{
	struct account a;

	memset(&a, 0, sizeof(a));
	a.tls_trust = mem_copy(name == NULL ? NULL : in_folder(name));
	return a;
}

#endif
