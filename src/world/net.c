#include "world/net.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <resolv.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define NET_RESOLVING "looking up the smarthost"

bool
net_is_literal(const char *host)
{
	struct in6_addr address;
	char plain[INET6_ADDRSTRLEN];
	size_t len;

	/* RFC 4007 section 11: a zone may follow; inet_pton() takes none. */
	len = strcspn(host, "%");
	if (len >= sizeof(plain))
		return false;
	memcpy(plain, host, len);
	plain[len] = '\0';
	return inet_pton(AF_INET6, plain, &address) == 1 ||
	       inet_pton(AF_INET, host, &address) == 1;
}

static bool
is_localhost(const char *host)
{
	return text_equal_fold(text_of(host), TEXT("localhost"));
}

bool
net_is_at_hand(const struct smarthost *s)
{
	return s->place == SMARTHOST_SOCKET || net_is_literal(s->host) ||
	       is_localhost(s->host);
}

static const struct {
	int family;
	const char *words;
} families[] = {[FAMILY_UNSET] = {AF_UNSPEC, ""},
    [FAMILY_ANY] = {AF_UNSPEC, ""},
    [FAMILY_IPV4] = {AF_INET, "IPv4 "},
    [FAMILY_IPV6] = {AF_INET6, "IPv6 "}};

static int
flags_for(const char *host, int family)
{
	if (net_is_literal(host))
		return AI_NUMERICSERV | AI_NUMERICHOST;
	/* AI_ADDRCONFIG does not count loopback addresses, so that a machine
	 * without a network would not know its own name. */
	if (is_localhost(host))
		return AI_NUMERICSERV;
	/* With one family it would turn "there is no network" into "there is
	 * no such name". */
	return AI_NUMERICSERV | (family == AF_UNSPEC ? AI_ADDRCONFIG : 0);
}

int
net_unanswered(const char *host, const char *why, struct error *e)
{
	error_set(
	    e, ERROR_LATER, NET_RESOLVING, "%s: %s", SHOWN(text_of(host)), why);
	return error_hint(e,
	    "no name server answered: see whether the network is up and what "
	    "/etc/resolv.conf says");
}

int
net_unasked(const char *host, int sys, struct error *e)
{
	error_set_sys(e, ERROR_SYSTEM, sys, NET_RESOLVING,
	    "%s: there can be no thread for it", SHOWN(text_of(host)));
	return error_hint(e,
	    "see how many processes (`ulimit -u') and how much memory are "
	    "allowed");
}

/* EAI_NODATA and EAI_ADDRFAMILY, which not every system has, say like
 * EAI_NONAME that there is no address. */
static int
unresolved(const char *host, enum account_family family, int why, int sys,
    struct error *e)
{
	struct text_shown name = text_shown(text_of(host));

	switch (why) {
	case EAI_SYSTEM:
		return error_set_sys(
		    e, ERROR_LATER, sys, NET_RESOLVING, "%s", name.words);
	case EAI_MEMORY:
		return error_set(e, ERROR_SYSTEM, NET_RESOLVING, "%s: %s",
		    name.words, gai_strerror(why));
	case EAI_AGAIN:
	case EAI_FAIL:
		return net_unanswered(host, gai_strerror(why), e);
	}
	error_set(e, ERROR_HOST, NET_RESOLVING, "%s has no %saddress: %s",
	    name.words, families[family].words, gai_strerror(why));
	return error_hint(e,
	    "see whether the name in `smarthost' is spelled "
	    "right%s",
	    family == FAMILY_IPV4 || family == FAMILY_IPV6
		? ", or write `family any'"
		: "");
}

static struct addrinfo *
next_of_family(struct addrinfo *at, int family, bool same)
{
	while (at != NULL && (at->ai_family == family) != same)
		at = at->ai_next;
	return at;
}

/* RFC 8305 section 4: the resolver's order (RFC 6724) within a family, the
 * families in turn, the one it put first first. */
static void
interleave(struct addrinfo *found, struct net_addresses *addresses)
{
	const int family = found->ai_family;
	struct addrinfo *turns[2] = {
	    found, next_of_family(found, family, false)};
	struct addrinfo *at;
	struct net_address *a;
	size_t i;

	for (i = 0; addresses->count < NET_ADDRESSES_MAX &&
		    (turns[0] != NULL || turns[1] != NULL);
	     i = 1 - i) {
		at = turns[i];
		if (at == NULL)
			continue;
		turns[i] = next_of_family(at->ai_next, family, i == 0);
		a = &addresses->list[addresses->count++];
		memset(a, 0, sizeof(*a));
		memcpy(&a->sockaddr, at->ai_addr, at->ai_addrlen);
		a->len = at->ai_addrlen;
	}
}

static_assert(sizeof(((struct sockaddr_un *)0)->sun_path) > SMARTHOST_PATH_MAX,
    "a path that is no fault of the configuration fits");

static int
socket_address(const struct smarthost *s, struct net_addresses *addresses)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct net_address *a = &addresses->list[0];

	strlcpy(un.sun_path, s->host, sizeof(un.sun_path));
	memset(a, 0, sizeof(*a));
	memcpy(&a->sockaddr, &un, sizeof(un));
	a->len = sizeof(un);
	addresses->count = 1;
	return 0;
}

int
net_resolve(const struct smarthost *s, enum account_family family,
    struct net_addresses *addresses, struct error *e)
{
	struct addrinfo hints, *found;
	char port[8];
	int why;

	addresses->count = 0;
	if (s->place == SMARTHOST_SOCKET)
		return socket_address(s, addresses);
	memset(&hints, 0, sizeof(hints));
	hints.ai_family = families[family].family;
	hints.ai_socktype = SOCK_STREAM;
	hints.ai_flags = flags_for(s->host, hints.ai_family);
	snprintf(port, sizeof(port), "%hu", s->port);
	why = getaddrinfo(s->host, port, &hints, &found);
	/* It may only mean that this machine has no address of the host's
	 * family at the moment. */
	if ((hints.ai_flags & AI_ADDRCONFIG) != 0 && why != 0 &&
	    why != EAI_SYSTEM && why != EAI_MEMORY && why != EAI_AGAIN &&
	    why != EAI_FAIL) {
		hints.ai_flags &= ~AI_ADDRCONFIG;
		why = getaddrinfo(s->host, port, &hints, &found);
	}
	if (why != 0)
		return unresolved(s->host, family, why, errno, e);
	interleave(found, addresses);
	freeaddrinfo(found);
	return 0;
}

/* Asks for the records of one service; that it has none is no failure. */
static int
ask_srv(const char *domain, enum smarthost_security security,
    struct srv_records *records, struct error *e)
{
	unsigned char answer[NS_MAXMSG];
	char name[300];
	int len;

	snprintf(name, sizeof(name), "%s.%s", srv_service(security), domain);
	len = res_query(name, ns_c_in, ns_t_srv, answer, sizeof(answer));
	if (len == -1 && (h_errno == HOST_NOT_FOUND || h_errno == NO_DATA))
		return 0;
	if (len == -1)
		return net_unanswered(name, hstrerror(h_errno), e);
	if ((size_t)len > sizeof(answer))
		len = sizeof(answer);
	if (srv_parse((struct text){(char *)answer, (size_t)len}, security,
		records) == 0)
		return 0;
	error_set(e, ERROR_LATER, NET_RESOLVING,
	    "%s: what came from the name server is no whole answer",
	    SHOWN(text_of(name)));
	return error_hint(e, "see which name server /etc/resolv.conf names");
}

/* One service is enough, though nobody could tell of the other. */
int
net_srv(const char *domain, struct srv_records *records, struct error *e)
{
	struct error failed;

	error_clear(&failed);
	ask_srv(domain, SMARTHOST_TLS, records, &failed);
	ask_srv(domain, SMARTHOST_STARTTLS, records, &failed);
	if (records->count > 0)
		return 0;
	if (failed.kind != ERROR_NONE) {
		*e = failed;
		return -1;
	}
	if (records->none)
		error_set(e, ERROR_HOST, NET_RESOLVING,
		    "srv://%s: DNS says that the domain offers no submission "
		    "of mail",
		    domain);
	else
		error_set(e, ERROR_HOST, NET_RESOLVING,
		    "srv://%s: DNS has no usable record %s.%s or %s.%s", domain,
		    srv_service(SMARTHOST_TLS), domain,
		    srv_service(SMARTHOST_STARTTLS), domain);
	return error_hint(e,
	    "ask the domain's postmaster for the name of the server, and write "
	    "`smarthost smtps://HOST'");
}

static int
bind_to(int fd, const char *source)
{
	struct sockaddr_in four = {.sin_family = AF_INET};
	struct sockaddr_in6 six = {.sin6_family = AF_INET6};

	if (inet_pton(AF_INET, source, &four.sin_addr) == 1)
		return bind(fd, (struct sockaddr *)&four, sizeof(four));
	inet_pton(AF_INET6, source, &six.sin6_addr);
	return bind(fd, (struct sockaddr *)&six, sizeof(six));
}

/* A kernel without IPv6 is no failure of ours: another address may do. */
int
net_start(const struct net_address *a, const char *source, struct error *e)
{
	const struct sockaddr *to = (const struct sockaddr *)&a->sockaddr;
	char words[INET6_ADDRSTRLEN];
	int fd, on = 1, sys;

	net_words(a, words, sizeof(words));
	fd = socket(
	    to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	sys = errno;
	if (fd == -1)
		return error_set_sys(e,
		    sys == EAFNOSUPPORT || sys == EPROTONOSUPPORT
			? ERROR_LATER
			: ERROR_SYSTEM,
		    sys, "connecting", "a socket for %s", words);
	/* Bursts are whole already; Nagle's wait could only cost time. */
	if (to->sa_family != AF_UNIX)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if ((source == NULL || bind_to(fd, source) == 0) &&
	    (connect(fd, to, a->len) == 0 || errno == EINPROGRESS ||
		errno == EINTR))
		return fd;
	sys = errno;
	close(fd);
	return error_set_sys(e, ERROR_LATER, sys, "connecting", "%s", words);
}

int
net_pair(int ends[2])
{
	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends);
}

int
net_result(int fd)
{
	socklen_t len;
	int sys;

	len = sizeof(sys);
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &sys, &len) == -1)
		return errno;
	return sys;
}

size_t
net_underway(int fd)
{
	int octets;

	return ioctl(fd, TIOCOUTQ, &octets) == -1 || octets < 0
		   ? 0
		   : (size_t)octets;
}

/* Of a unix socket each failure means something of its own. */
static const struct {
	int sys;
	const char *hint;
} socket_hints[] = {
    {EAGAIN,
	"is the service that listens there running? More connections wait for "
	"it than it allows"},
    {ENOENT,
	"there is no such socket: is the service that makes it running, and "
	"the path in `smarthost' right?"},
    {ECONNREFUSED,
	"nobody listens there: is the service that made this socket running, "
	"and the path in `smarthost' right?"},
    {EACCES, "who sends needs the right to write to the socket, and to pass "
	     "through the folders that it is in: see their owners and modes"},
    {EPROTOTYPE, "this socket is not for connections: see whether the path in "
		 "`smarthost' is right"},
};

int
net_hint(
    const struct smarthost *s, const char *source, int sys, struct error *e)
{
	size_t i;

	if (source != NULL && sys == EADDRNOTAVAIL)
		return error_hint(e,
		    "`source-address %s' is no address of this machine now: "
		    "see what `ip address' shows",
		    source);
	if (source != NULL && sys == EINVAL)
		return error_hint(
		    e, "no way leads there from `source-address %s'", source);

	if (s->place != SMARTHOST_SOCKET)
		return error_hint(e,
		    "see whether host and port of `smarthost' are right and "
		    "whether a firewall is in the way");
	for (i = 0; i < sizeof(socket_hints) / sizeof(socket_hints[0]); i++)
		if (socket_hints[i].sys == sys)
			return error_hint(e, "%s", socket_hints[i].hint);
	return error_hint(e, "see whether the path in `smarthost' is right");
}

/* An IPv4 address that came in IPv6 clothes is shown as what it is. */
static const struct in_addr *
as_ipv4(const struct net_address *a)
{
	const struct in6_addr *six;

	if (a->sockaddr.ss_family == AF_INET)
		return &((const struct sockaddr_in *)&a->sockaddr)->sin_addr;
	six = &((const struct sockaddr_in6 *)&a->sockaddr)->sin6_addr;
	if (a->sockaddr.ss_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(six))
		return NULL;
	return (const struct in_addr *)&six->s6_addr[12];
}

char *
net_words(const struct net_address *a, char *out, size_t size)
{
	const struct sockaddr_in6 *six =
	    (const struct sockaddr_in6 *)&a->sockaddr;
	const struct in_addr *four = as_ipv4(a);
	const struct sockaddr_un *un = (const struct sockaddr_un *)&a->sockaddr;

	if (a->sockaddr.ss_family == AF_UNIX)
		return text_visible(text_of(un->sun_path), out, size);
	if (inet_ntop(four != NULL ? AF_INET : AF_INET6,
		four != NULL ? (const void *)four : &six->sin6_addr, out,
		(socklen_t)size) == NULL)
		strlcpy(out, "?", size);
	return out;
}

struct net_target
net_target(const struct smarthost *s, const struct net_address *a)
{
	bool named = s->place == SMARTHOST_HOST && !net_is_literal(s->host);
	char words[INET6_ADDRSTRLEN];
	struct net_target t;

	strlcpy(words, "connect-command", sizeof(words));
	if (a->len > 0)
		net_words(a, words, sizeof(words));
	named = named || a->len == 0;
	snprintf(t.words, sizeof(t.words), "%s%s%s%s", smarthost_name(s).words,
	    named ? " (" : "", named ? words : "", named ? ")" : "");
	return t;
}

char *
net_literal(int fd, char *out, size_t size)
{
	struct net_address own;
	char words[INET6_ADDRSTRLEN];

	memset(&own, 0, sizeof(own));
	own.len = sizeof(own.sockaddr);
	if (getsockname(fd, (struct sockaddr *)&own.sockaddr, &own.len) == -1 ||
	    (own.sockaddr.ss_family != AF_INET &&
		own.sockaddr.ss_family != AF_INET6)) {
		strlcpy(out, "[127.0.0.1]", size);
		return out;
	}
	net_words(&own, words, sizeof(words));
	snprintf(
	    out, size, "[%s%s]", as_ipv4(&own) == NULL ? "IPv6:" : "", words);
	return out;
}

bool
net_is_local(const struct net_address *a)
{
	const struct in_addr *four;

	if (a->sockaddr.ss_family == AF_UNIX)
		return true;
	four = as_ipv4(a);
	if (four != NULL)
		return ntohl(four->s_addr) >> 24 == 127;
	return a->sockaddr.ss_family == AF_INET6 &&
	       IN6_IS_ADDR_LOOPBACK(
		   &((const struct sockaddr_in6 *)&a->sockaddr)->sin6_addr);
}

static in_port_t
port_of(const struct net_address *a)
{
	return a->sockaddr.ss_family == AF_INET
		   ? ((const struct sockaddr_in *)&a->sockaddr)->sin_port
		   : ((const struct sockaddr_in6 *)&a->sockaddr)->sin6_port;
}

static bool
is_same_path(const struct net_address *a, const struct net_address *b)
{
	struct stat one, other;

	return stat(((const struct sockaddr_un *)&a->sockaddr)->sun_path,
		   &one) == 0 &&
	       stat(((const struct sockaddr_un *)&b->sockaddr)->sun_path,
		   &other) == 0 &&
	       one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

bool
net_is_name_of(const struct net_address *a, int fd)
{
	struct net_address own;
	char here[NET_WORDS_MAX], there[NET_WORDS_MAX];

	memset(&own, 0, sizeof(own));
	own.len = sizeof(own.sockaddr);
	if (a->len == 0 ||
	    getsockname(fd, (struct sockaddr *)&own.sockaddr, &own.len) == -1 ||
	    (own.sockaddr.ss_family == AF_UNIX) !=
		(a->sockaddr.ss_family == AF_UNIX))
		return false;
	if (a->sockaddr.ss_family == AF_UNIX)
		return is_same_path(a, &own);
	return port_of(a) == port_of(&own) &&
	       strcmp(net_words(a, here, sizeof(here)),
		   net_words(&own, there, sizeof(there))) == 0;
}
