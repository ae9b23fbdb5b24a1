#ifndef NET_H
#define NET_H

/*
 * net: names to addresses, addresses to connecting sockets. The only caller
 * of getaddrinfo, socket, connect. Does not wait: stream does.
 */

#include <sys/socket.h>

#include "base/error.h"
#include "config/srv.h"
#include "submit/account.h"

struct net_address {
	struct sockaddr_storage sockaddr;
	socklen_t len;
};

/* Of more addresses than that nobody waits for the last. */
#define NET_ADDRESSES_MAX 64

struct net_addresses {
	struct net_address *list; /* families interleaved, RFC 8305 section 4 */
	size_t count;
};

/* The addresses of host and port, or that of a unix socket, into a list that is
 * the caller's, with room for NET_ADDRESSES_MAX. Allocates nothing of ours, so
 * that any thread may ask. -1: ERROR_HOST where the name does not exist,
 * ERROR_LATER where nobody can tell now, both naming the host; ERROR_SYSTEM. */
int net_resolve(const struct smarthost *s, enum account_family family,
    struct net_addresses *addresses, struct error *e);

/* Adds the hosts that DNS names for mail of the domain to be submitted to, in
 * no order; allocates nothing of ours either. -1: ERROR_HOST where there are
 * none, ERROR_LATER where nobody can tell now. */
int net_srv(const char *domain, struct srv_records *records, struct error *e);

/* Whether net_resolve() needs no name server for it. */
bool net_is_at_hand(const struct smarthost *s);

/* Nobody could tell the host's addresses: -1 ERROR_LATER; nobody could be
 * asked, as there was no thread for it: -1 ERROR_SYSTEM. */
int net_unanswered(const char *host, const char *why, struct error *e);
int net_unasked(const char *host, int sys, struct error *e);

/* A non-blocking, close-on-exec socket, TCP_NODELAY set, that is connecting
 * from the address source, where that is not NULL. -1: ERROR_SYSTEM, or
 * ERROR_LATER where the address cannot be reached, or source is none of this
 * machine. */
int net_start(const struct net_address *a, const char *source, struct error *e);

/* Two ends of a connection within this machine, close-on-exec. -1: errno. */
int net_pair(int ends[2]);

/* How many octets that were written have not arrived yet, as far as the system
 * tells. */
size_t net_underway(int fd);

/* Whether the connect that is over went well: 0, or its errno. */
int net_result(int fd);

/* What to do where no address of s could be connected to from source, or NULL,
 * of which the last failed by sys. Returns -1. */
int net_hint(
    const struct smarthost *s, const char *source, int sys, struct error *e);

/* "192.0.2.1", "2001:db8::1", or the path of a unix socket; returns out. */
#define NET_WORDS_MAX 128
char *net_words(const struct net_address *a, char *out, size_t size);

/* "mail.example.org:465 (192.0.2.1)"; the address once where it is the name,
 * and the path of a unix socket. */
struct net_target {
	char words[320];
};
struct net_target net_target(
    const struct smarthost *s, const struct net_address *a);

/* The socket's own address as an EHLO argument: "[192.0.2.1]" or
 * "[IPv6:2001:db8::1]"; returns out. */
char *net_literal(int fd, char *out, size_t size);

/* Whether what is sent there stays on this machine. */
bool net_is_local(const struct net_address *a);

/* Whether who connects there comes to the socket fd, or to the one that it was
 * accepted from, by whatever path. */
bool net_is_name_of(const struct net_address *a, int fd);

/* Whether the text is an IP address (then it is verified as one and no SNI is
 * sent). */
bool net_is_literal(const char *host);

#endif
