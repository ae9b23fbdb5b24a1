#ifndef STREAM_H
#define STREAM_H

/*
 * stream: one face for a plain connection and for TLS. All waits end at a
 * deadline of world/clock.
 */

#include "world/net.h"
#include "world/tls.h"

struct stream;

/* Who is told of each address when it is begun with, and how that ended: why is
 * NULL where it is connected. Both may be NULL. */
struct stream_observer {
	void (*begins)(void *arg, const char *address);
	void (*ended)(void *arg, const char *address, const char *why);
	void *arg;
};

/*
 * Connects from the address source, or NULL, to one of the addresses of s: the
 * next is tried when one fails or after 250 ms, all stay in the race until
 * `deadline`. NULL: ERROR_LATER with name, port, each address and why it was
 * none, or ERROR_SYSTEM.
 */
struct stream *stream_connect(const struct smarthost *s,
    const struct net_addresses *addresses, const char *source,
    const struct stream_observer *observer, long long deadline,
    struct error *e);

/* Connects by the account's `connect-command'. NULL: ERROR_SYSTEM. */
struct stream *stream_connect_by(
    const char *command, const struct smarthost *s, struct error *e);

/*
 * The two ends of a stream, which is freed; neither waits, but for a command to
 * end, NULL is fine. An orderly one sends of out what can be sent at once,
 * which it returns, and says good-bye. A drop sends nothing, not even the
 * record that TLS may hold: where a mail counts as not sent, nothing more of it
 * leaves.
 */
size_t stream_end(struct stream *s, const char *out, size_t len);
void stream_drop(struct stream *s);

enum stream_status {
	STREAM_MOVED,	/* something was sent or read */
	STREAM_TIMEOUT, /* the deadline passed and nothing moved */
	STREAM_CLOSED,	/* the peer is gone; what it said before was read */
	STREAM_FAILED	/* e says why: ERROR_LATER, ERROR_PROTOCOL */
};

/* Handshake; t stays the caller's and must outlive the stream. STREAM_MOVED
 * when it is done, STREAM_TIMEOUT, or STREAM_FAILED with tls_handshake()'s
 * errors. */
enum stream_status stream_secure(
    struct stream *s, struct tls *t, long long deadline, struct error *e);

/*
 * Waits, in both directions at once, until something moved. out may be empty;
 * what was not sent has to be the beginning of the next out. Where it had to
 * wait it sends nothing before it has given what came.
 * Sends in as few writes as can be; *sent and *got are set in every case.
 * A connection that breaks while sending gives first what has come by then, the
 * server's last words, and then STREAM_CLOSED with the reason, without waiting.
 */
enum stream_status stream_exchange(struct stream *s, const char *out,
    size_t len, size_t *sent, char *in, size_t size, size_t *got,
    long long deadline, struct error *e);

/* Reads what has come, without waiting, and sends nothing: STREAM_TIMEOUT where
 * there is nothing more; STREAM_MOVED with *got 0 is not that yet. */
enum stream_status stream_hear(
    struct stream *s, char *in, size_t size, size_t *got, struct error *e);

/* How many octets behind those that were sent may have left in part, and cannot
 * be taken back: see tls_torn(). 0 without TLS. */
size_t stream_torn(const struct stream *s);

/* How many octets of what was sent the peer has not got yet. */
size_t stream_underway(const struct stream *s);

/* A stream that was closed by a command's end gets its words for the cause. */
void stream_blame(struct stream *s, struct error *e);

/* The own address as an EHLO argument; whether the peer is of this machine. */
char *stream_literal(const struct stream *s, char *out, size_t size);
bool stream_is_local(const struct stream *s);

/* Whether it leads to where the connection fd was accepted. */
bool stream_is_loop(const struct stream *s, int fd);

/* Where it leads, in net_target()'s words. */
struct net_target stream_target(
    const struct stream *s, const struct smarthost *to);

#endif
