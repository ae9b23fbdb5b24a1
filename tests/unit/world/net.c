#include "../unit.h"

/* net with a resolver that answers what a test wants. */
#include <netdb.h>
static int fake_getaddrinfo(const char *host, const char *port,
    const struct addrinfo *hints, struct addrinfo **found);
static void fake_freeaddrinfo(struct addrinfo *found);
#define getaddrinfo  fake_getaddrinfo
#define freeaddrinfo fake_freeaddrinfo
#include "../../../src/world/net.c"
#undef getaddrinfo
#undef freeaddrinfo

#include <fcntl.h>

#include "base/mem.h"

static const char *fake_addresses; /* "4a 4b 6c": or NULL: the real resolver */
static int fake_error;
static bool fake_narrow; /* the error comes only with AI_ADDRCONFIG */
static struct addrinfo asked;
static char asked_port[16];

static struct addrinfo *
fake_entry(char family, char last)
{
	struct addrinfo *ai;
	struct sockaddr_in *four;
	struct sockaddr_in6 *six;

	ai = mem_new(1, sizeof(*ai) + sizeof(struct sockaddr_storage));
	ai->ai_addr = (struct sockaddr *)(ai + 1);
	four = (struct sockaddr_in *)ai->ai_addr;
	six = (struct sockaddr_in6 *)ai->ai_addr;
	if (family == '4') {
		ai->ai_family = four->sin_family = AF_INET;
		ai->ai_addrlen = sizeof(*four);
		four->sin_addr.s_addr = htonl(0xc0000200U | (uint8_t)last);
	} else {
		ai->ai_family = six->sin6_family = AF_INET6;
		ai->ai_addrlen = sizeof(*six);
		six->sin6_addr.s6_addr[0] = 0x20;
		six->sin6_addr.s6_addr[15] = (uint8_t)last;
	}
	return ai;
}

static int
fake_getaddrinfo(const char *host, const char *port,
    const struct addrinfo *hints, struct addrinfo **found)
{
	const char *at;

	asked = *hints;
	strlcpy(asked_port, port, sizeof(asked_port));
	if (fake_error != 0 &&
	    (!fake_narrow || (hints->ai_flags & AI_ADDRCONFIG) != 0)) {
		errno = EMFILE;
		return fake_error;
	}
	if (fake_addresses == NULL)
		return getaddrinfo(host, port, hints, found);
	for (at = fake_addresses; *at != '\0'; at += at[2] == '\0' ? 2 : 3) {
		*found = fake_entry(at[0], at[1]);
		found = &(*found)->ai_next;
	}
	return 0;
}

static void
fake_freeaddrinfo(struct addrinfo *found)
{
	struct addrinfo *next;

	if (fake_addresses == NULL) {
		freeaddrinfo(found);
		return;
	}
	for (; found != NULL; found = next) {
		next = found->ai_next;
		free(found);
	}
}

static struct net_address room[NET_ADDRESSES_MAX];

static int
resolve(const char *host, enum account_family family,
    struct net_addresses *addresses, struct error *e)
{
	struct smarthost s = {.port = 465};
	int status;

	s.host = mem_copy(host);
	error_clear(e);
	addresses->list = room;
	status = net_resolve(&s, family, addresses, e);
	free(s.host);
	return status;
}

static void
knows_literals(void **state)
{
	static const struct {
		const char *host;
		bool literal;
	} rows[] = {{"192.0.2.1", true}, {"2001:db8::1", true}, {"::1", true},
	    {"fe80::1%eth0", true}, {"mail.example.org", false},
	    {"192.0.2", false}, {"127.1", false}, {"192.0.2.1.", false},
	    {"[::1]", false}, {"", false}, {"%", false}, {"1.2.3.4%lo", false},
	    {"0123456789012345678901234567890123456789012345678901", false}};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (net_is_literal(rows[i].host) != rows[i].literal)
			fail_msg("%s", rows[i].host);
}

static void
puts_families_in_turn(void **state)
{
	static const struct {
		const char *found;
		const char *order;
	} rows[] = {{"4a", "4a"}, {"6a 6b", "6a 6b"}, {"6a 4b", "6a 4b"},
	    {"6a 6b 6c 4d 4e", "6a 4d 6b 4e 6c"}, {"4a 6b 6c", "4a 6b 6c"},
	    {"4a 4b 4c 6d", "4a 6d 4b 4c"}};
	struct net_addresses addresses;
	char order[64], words[INET6_ADDRSTRLEN];
	struct error e;
	size_t i, k, used;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fake_addresses = rows[i].found;
		assert_int_equal(
		    resolve("x.example", FAMILY_UNSET, &addresses, &e), 0);
		order[0] = '\0';
		for (k = 0; k < addresses.count; k++) {
			const struct net_address *a = &addresses.list[k];
			bool six = a->sockaddr.ss_family == AF_INET6;

			net_words(a, words, sizeof(words));
			used = strlen(order);
			snprintf(order + used, sizeof(order) - used, "%s%c%c",
			    k == 0 ? "" : " ", six ? '6' : '4',
			    six ? (int)strtol(strrchr(words, ':') + 1, NULL, 16)
				: atoi(strrchr(words, '.') + 1));
		}
		assert_string_equal(order, rows[i].order);
	}
	fake_addresses = NULL;
}

static void
takes_so_many_and_no_more(void **state)
{
	char found[3 * (NET_ADDRESSES_MAX + 2) + 1] = "";
	struct net_addresses addresses;
	struct error e;
	int i;

	(void)state;
	fake_addresses = found;
	for (i = 0; i < NET_ADDRESSES_MAX + 2; i++)
		strlcat(found, i % 3 == 0 ? "6a " : "4a ", sizeof(found));
	found[strlen(found) - 1] = '\0';
	assert_int_equal(resolve("x.example", FAMILY_UNSET, &addresses, &e), 0);
	assert_int_equal(addresses.count, NET_ADDRESSES_MAX);
	fake_addresses = NULL;
}

static void
asks_as_configured(void **state)
{
	static const struct {
		const char *host;
		enum account_family family;
		int ai_family;
		int flags;
	} rows[] = {
	    {"mail.example.org", FAMILY_UNSET, AF_UNSPEC, AI_ADDRCONFIG},
	    {"mail.example.org", FAMILY_ANY, AF_UNSPEC, AI_ADDRCONFIG},
	    {"mail.example.org", FAMILY_IPV4, AF_INET, 0},
	    {"mail.example.org", FAMILY_IPV6, AF_INET6, 0},
	    {"LocalHost", FAMILY_ANY, AF_UNSPEC, 0},
	    {"192.0.2.1", FAMILY_ANY, AF_UNSPEC, AI_NUMERICHOST},
	    {"::1", FAMILY_IPV6, AF_INET6, AI_NUMERICHOST}};
	struct net_addresses addresses;
	struct error e;
	size_t i;

	(void)state;
	fake_addresses = "4a";
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(
		    resolve(rows[i].host, rows[i].family, &addresses, &e), 0);
		assert_int_equal(asked.ai_family, rows[i].ai_family);
		assert_int_equal(asked.ai_socktype, SOCK_STREAM);
		assert_int_equal(
		    asked.ai_flags, rows[i].flags | AI_NUMERICSERV);
		assert_string_equal(asked_port, "465");
	}
	fake_addresses = NULL;
}

static void
says_why_a_name_does_not_resolve(void **state)
{
	static const struct {
		int why;
		enum error_kind kind;
		bool hint;
	} rows[] = {{EAI_NONAME, ERROR_HOST, true},
	    {EAI_FAMILY, ERROR_HOST, true}, {EAI_AGAIN, ERROR_LATER, true},
	    {EAI_FAIL, ERROR_LATER, true}, {EAI_MEMORY, ERROR_SYSTEM, false},
	    {EAI_SYSTEM, ERROR_LATER, false}};
	struct net_addresses addresses;
	struct error e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fake_error = rows[i].why;
		assert_int_equal(
		    resolve("x\033.example", FAMILY_ANY, &addresses, &e), -1);
		assert_int_equal(e.kind, rows[i].kind);
		assert_non_null(strstr(e.text, "x\\x1b.example"));
		assert_int_equal(e.hint[0] != '\0', rows[i].hint);
		assert_int_equal(addresses.count, 0);
		if (rows[i].why == EAI_SYSTEM)
			assert_int_equal(e.sys, EMFILE);
	}
	fake_error = EAI_NONAME;
	assert_int_equal(resolve("x.example", FAMILY_IPV6, &addresses, &e), -1);
	assert_non_null(strstr(e.text, "no IPv6 address"));
	assert_non_null(strstr(e.hint, "`family any'"));
	fake_error = 0;
}

/* A host of the other family, while the network has but one of them. */
static void
asks_again_without_regard_to_the_network(void **state)
{
	static const struct {
		int why;
		int status;
	} rows[] = {{EAI_NONAME, 0}, {EAI_FAMILY, 0}, {EAI_AGAIN, -1},
	    {EAI_FAIL, -1}, {EAI_SYSTEM, -1}};
	struct net_addresses addresses;
	struct error e;
	size_t i;

	(void)state;
	fake_addresses = "6a";
	fake_narrow = true;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fake_error = rows[i].why;
		assert_int_equal(
		    resolve("x.example", FAMILY_UNSET, &addresses, &e),
		    rows[i].status);
		assert_int_equal(
		    e.kind, rows[i].status == 0 ? ERROR_NONE : ERROR_LATER);
	}
	fake_narrow = false;
	fake_addresses = NULL;
	fake_error = 0;
}

static void
resolves_without_a_name_server(void **state)
{
	struct net_addresses addresses;
	char words[INET6_ADDRSTRLEN];
	struct error e;

	(void)state;
	assert_int_equal(resolve("::1", FAMILY_ANY, &addresses, &e), 0);
	assert_int_equal(addresses.count, 1);
	assert_string_equal(
	    net_words(addresses.list, words, sizeof(words)), "::1");
	assert_int_equal(resolve("127.0.0.9", FAMILY_IPV4, &addresses, &e), 0);
	assert_true(net_is_local(addresses.list));
	assert_int_equal(resolve("127.0.0.9", FAMILY_IPV6, &addresses, &e), -1);
	assert_int_equal(e.kind, ERROR_HOST);
	assert_non_null(strstr(e.text, "IPv6"));
	assert_int_equal(resolve("localhost", FAMILY_ANY, &addresses, &e), 0);
	assert_true(net_is_local(addresses.list));
}

static void
shows_addresses(void **state)
{
	static const struct {
		const char *address;
		const char *words;
		bool loopback;
	} rows[] = {{"192.0.2.1", "192.0.2.1", false},
	    {"127.255.0.1", "127.255.0.1", true},
	    {"128.0.0.1", "128.0.0.1", false}, {"::1", "::1", true},
	    {"::2", "::2", false}, {"2001:db8::1", "2001:db8::1", false},
	    {"::ffff:127.0.0.1", "127.0.0.1", true},
	    {"::ffff:192.0.2.7", "192.0.2.7", false}};
	struct net_addresses addresses;
	char words[INET6_ADDRSTRLEN];
	struct error e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(
		    resolve(rows[i].address, FAMILY_ANY, &addresses, &e), 0);
		assert_string_equal(
		    net_words(addresses.list, words, sizeof(words)),
		    rows[i].words);
		assert_int_equal(
		    net_is_local(addresses.list), rows[i].loopback);
	}
}

static void
names_a_target(void **state)
{
	static const struct {
		const char *host;
		const char *address;
		const char *words;
	} rows[] = {{"mail.example.org", "192.0.2.1",
			"mail.example.org:465 (192.0.2.1)"},
	    {"mail.example.org", "2001:db8::1",
		"mail.example.org:465 (2001:db8::1)"},
	    {"192.0.2.1", "192.0.2.1", "192.0.2.1:465"},
	    {"2001:db8::1", "2001:db8::1", "[2001:db8::1]:465"}};
	struct net_addresses addresses;
	struct smarthost s = {.port = 465};
	struct error e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(
		    resolve(rows[i].address, FAMILY_ANY, &addresses, &e), 0);
		s.host = mem_copy(rows[i].host);
		assert_string_equal(
		    net_target(&s, addresses.list).words, rows[i].words);
		free(s.host);
	}
}

static void
knows_unix_sockets(void **state)
{
	char path[] = "/run/submit", words[40];
	struct smarthost s = {.place = SMARTHOST_SOCKET, .host = path};
	struct net_addresses addresses = {.list = room};
	struct error e;

	(void)state;
	error_clear(&e);
	assert_true(net_is_at_hand(&s));
	assert_int_equal(net_resolve(&s, FAMILY_IPV6, &addresses, &e), 0);
	assert_int_equal(addresses.count, 1);
	assert_true(net_is_local(addresses.list));
	assert_string_equal(
	    net_words(addresses.list, words, sizeof(words)), "/run/submit");
	assert_string_equal(
	    net_target(&s, addresses.list).words, "/run/submit");
}

static void
hints_at_what_a_failed_connect_means(void **state)
{
	static const struct {
		enum smarthost_place place;
		int sys;
		const char *hint;
		const char *source;
	} rows[] = {
	    {SMARTHOST_HOST, EADDRNOTAVAIL, "`source-address ::9'", "::9"},
	    {SMARTHOST_HOST, EADDRNOTAVAIL, "whether a firewall", NULL},
	    {SMARTHOST_HOST, EINVAL, "no way leads there", "127.0.0.1"},
	    {SMARTHOST_HOST, ECONNREFUSED, "whether a firewall", NULL},
	    {SMARTHOST_HOST, ENOENT, "whether a firewall", NULL},
	    {SMARTHOST_SOCKET, EAGAIN, "service that listens there running?",
		NULL},
	    {SMARTHOST_SOCKET, ENOENT, "there is no such socket", NULL},
	    {SMARTHOST_SOCKET, ECONNREFUSED, "nobody listens there", NULL},
	    {SMARTHOST_SOCKET, EACCES, "owners and modes", NULL},
	    {SMARTHOST_SOCKET, EPROTOTYPE, "not for connections", NULL},
	    {SMARTHOST_SOCKET, ELOOP, "whether the path", NULL}};
	struct smarthost s = {.port = 465};
	struct error e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		error_clear(&e);
		s.place = rows[i].place;
		assert_int_equal(
		    net_hint(&s, rows[i].source, rows[i].sys, &e), -1);
		if (strstr(e.hint, rows[i].hint) == NULL)
			fail_msg("%s: %s", rows[i].hint, e.hint);
	}
}

/* A listening socket on the address with any port. */
static int
listen_on(struct net_address *a)
{
	int fd;

	fd = socket(a->sockaddr.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	((struct sockaddr_in *)&a->sockaddr)->sin_port = 0;
	if (fd == -1 ||
	    bind(fd, (struct sockaddr *)&a->sockaddr, a->len) == -1) {
		close(fd);
		return -1;
	}
	listen(fd, 4);
	getsockname(fd, (struct sockaddr *)&a->sockaddr, &a->len);
	return fd;
}

static void
connects(void **state)
{
	static const struct {
		const char *address;
		const char *literal;
	} rows[] = {{"127.0.0.1", "[127.0.0.1]"}, {"::1", "[IPv6:::1]"}};
	struct net_addresses addresses;
	char literal[80];
	struct error e;
	socklen_t len = sizeof(int);
	int listener, fd, accepted, on = 0;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(
		    resolve(rows[i].address, FAMILY_ANY, &addresses, &e), 0);
		listener = listen_on(addresses.list);
		if (listener == -1 && i == 1) {
			print_message("# no IPv6 here\n");
			continue;
		}
		fd = net_start(addresses.list, NULL, &e);
		assert_int_not_equal(fd, -1);
		accepted = accept(listener, NULL, NULL);
		assert_int_not_equal(accepted, -1);
		assert_int_equal(net_result(fd), 0);
		assert_true((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
		assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
		getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &len);
		assert_int_not_equal(on, 0);
		assert_string_equal(
		    net_literal(fd, literal, sizeof(literal)), rows[i].literal);
		close(accepted);
		close(listener);
		close(fd);
	}
}

static void
says_why_it_does_not_connect(void **state)
{
	struct net_address unix_address = {.len = sizeof(sa_family_t)};
	struct net_addresses addresses;
	struct error e;

	(void)state;
	/* No route leads to it, or a firewall says no: an errno at once. */
	assert_int_equal(resolve("192.0.2.1", FAMILY_ANY, &addresses, &e), 0);
	addresses.list->len = 4;
	assert_int_equal(net_start(addresses.list, NULL, &e), -1);
	assert_int_equal(e.kind, ERROR_LATER);
	assert_int_equal(e.sys, EINVAL);
	assert_non_null(strstr(e.text, "192.0.2.1"));
	unix_address.sockaddr.ss_family = AF_MAX;
	error_clear(&e);
	assert_int_equal(net_start(&unix_address, NULL, &e), -1);
	assert_int_equal(e.kind, ERROR_LATER);
	assert_int_equal(e.sys, EAFNOSUPPORT);
	assert_int_equal(net_result(-1), EBADF);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(knows_literals),
	    cmocka_unit_test(puts_families_in_turn),
	    cmocka_unit_test(takes_so_many_and_no_more),
	    cmocka_unit_test(asks_as_configured),
	    cmocka_unit_test(says_why_a_name_does_not_resolve),
	    cmocka_unit_test(asks_again_without_regard_to_the_network),
	    cmocka_unit_test(resolves_without_a_name_server),
	    cmocka_unit_test(shows_addresses), cmocka_unit_test(names_a_target),
	    cmocka_unit_test(connects),
	    cmocka_unit_test(says_why_it_does_not_connect),
	    cmocka_unit_test(knows_unix_sockets),
	    cmocka_unit_test(hints_at_what_a_failed_connect_means)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
