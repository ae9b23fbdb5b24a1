#include "../unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/time.h>

#include "base/mem.h"
#include "world/clock.h"
#include "../peer.h"

#define LARGE (4 * 1024 * 1024)

static char trust[100];
static struct account account = {.tls_trust = trust};

/* What a byte of a long transfer is, so that a lost or doubled one shows. */
static char
pattern(size_t at)
{
	return (char)(at % 251);
}

static char *
large(size_t len)
{
	char *bytes = mem_new(len, 1);
	size_t i;

	for (i = 0; i < len; i++)
		bytes[i] = pattern(i);
	return bytes;
}

/* A connection of ours to a peer, plain or TLS. */
struct talk {
	struct peer peer;
	struct stream *stream;
	struct tls *tls;
	struct error e;
	size_t sent;
	size_t got;
};

static struct talk
talk_start(int (*act)(int fd, const void *arg), const void *arg)
{
	struct talk t;

	memset(&t, 0, sizeof(t));
	t.peer = peer_start(act, arg);
	t.stream = peer_connect(t.peer.port);
	return t;
}

static struct talk
talk_start_version(
    const char *priority, int (*act)(gnutls_session_t session, int fd))
{
	const struct peer_tls wanted = {
	    .certificate = "good", .priority = priority, .act = act};
	struct talk t;

	t = talk_start(peer_tls, &wanted);
	t.tls = tls_new(&account, &peer_host, &t.e);
	if (t.tls == NULL || stream_secure(t.stream, t.tls,
				 clock_now() + PEER_WAIT, &t.e) != STREAM_MOVED)
		fail_msg("%s", t.e.text);
	return t;
}

static struct talk
talk_start_tls(int (*act)(gnutls_session_t session, int fd))
{
	return talk_start_version("NORMAL", act);
}

static void
talk_end(struct talk *t)
{
	stream_drop(t->stream);
	tls_free(t->tls);
	assert_int_equal(peer_end(t->peer), 0);
}

static enum stream_status
exchange(
    struct talk *t, const char *out, size_t len, char *in, size_t size, int ms)
{
	return stream_exchange(t->stream, out, len, &t->sent, in, size, &t->got,
	    clock_now() + ms, &t->e);
}

/* What both sides of a test know. */
struct shared {
	volatile bool may_read;
	volatile bool said;
	volatile size_t sent;
};

static struct shared *shared;

/* The stream's socket, behind its back. */
static int
socket_of(const struct talk *t)
{
	struct sockaddr_in to;
	socklen_t len;
	int fd;

	for (fd = 0; fd < 256; fd++) {
		len = sizeof(to);
		if (getpeername(fd, (struct sockaddr *)&to, &len) == 0 &&
		    ntohs(to.sin_port) == t->peer.port)
			return fd;
	}
	fail_msg("no socket leads to %u", t->peer.port);
	return -1;
}

/* Waits, behind the stream's back, until something has come for it, or can
 * be sent. */
static void
await(struct talk *t, short events)
{
	struct pollfd polled = {.fd = socket_of(t), .events = events};
	int ready;

	do
		ready = poll(&polled, 1, PEER_WAIT);
	while (ready == -1 && errno == EINTR);
	assert_int_equal(ready, 1);
}

/* A port where nobody listens. */
static unsigned short
dead_port(void)
{
	unsigned short port;

	close(peer_listen(&port, 1));
	return port;
}

static void
knows_itself(struct stream *s)
{
	char literal[100];

	assert_string_equal(
	    stream_literal(s, literal, sizeof(literal)), "[127.0.0.1]");
	assert_true(stream_is_local(s));
}

static int
first_free(void)
{
	int fd = dup(STDIN_FILENO);

	close(fd);
	return fd;
}

static void
connects_to_the_first_that_answers(void **state)
{
	struct net_address list[1000];
	struct net_addresses addresses = {list, COUNT(list)};
	struct peer_silence silence = peer_silent();
	unsigned short port;
	struct stream *s;
	struct error e;
	long long begin;
	int listener, before;
	size_t i;

	(void)state;
	listener = peer_listen(&port, 8);
	before = first_free();
	list[0] = peer_address(dead_port());
	list[1] = peer_address(silence.port);
	for (i = 2; i < COUNT(list) - 1; i++)
		list[i] = list[0];
	list[i] = peer_address(port);
	error_clear(&e);
	begin = clock_now();
	s = stream_connect(
	    &peer_host, &addresses, NULL, NULL, begin + PEER_WAIT, &e);
	assert_non_null(s);
	/* The silence costs 250 ms, the refusals cost nothing: or so many
	 * would take longer than anything. */
	assert_in_range(clock_now() - begin, 240, HANG);
	knows_itself(s);
	stream_drop(s);
	assert_int_equal(first_free(), before);
	close(listener);
	peer_end_silence(&silence);
}

static void
says_whom_it_tried(void **state)
{
	static char name[] = "mail.example.org", address[] = "127.0.0.1";
	struct smarthost to = {
	    .security = SMARTHOST_TLS, .host = name, .port = 465};
	struct net_address list[3];
	struct net_addresses addresses = {list, 2};
	struct peer_silence silence = peer_silent();
	struct error e;
	long long begin;

	(void)state;
	list[0] = list[1] = peer_address(dead_port());
	((struct sockaddr_in *)&list[1].sockaddr)->sin_addr.s_addr =
	    htonl(0x7f000002);
	error_clear(&e);
	assert_null(stream_connect(
	    &to, &addresses, NULL, NULL, clock_now() + PEER_WAIT, &e));
	assert_int_equal(e.kind, ERROR_LATER);
	assert_string_equal(error_line(&e).words,
	    "connecting to mail.example.org:465 (127.0.0.1): Connection "
	    "refused; (127.0.0.2): Connection refused");
	assert_non_null(strstr(e.hint, "port of `smarthost'"));
	assert_non_null(strstr(e.hint, "firewall"));
	addresses.count = 3;
	list[2] = peer_address(silence.port);
	to.host = address;
	error_clear(&e);
	begin = clock_now();
	assert_null(
	    stream_connect(&to, &addresses, NULL, NULL, begin + 1000, &e));
	assert_in_range(clock_now() - begin, 1000, HANG);
	assert_int_equal(e.kind, ERROR_LATER);
	assert_non_null(strstr(
	    e.text, "connecting to 127.0.0.1:465: Connection refused; "));
	assert_non_null(strstr(e.text, "(127.0.0.1): no answer in "));
	assert_non_null(strstr(e.text, " seconds"));
	addresses.count = 0;
	error_clear(&e);
	assert_null(
	    stream_connect(&to, &addresses, NULL, NULL, begin + PEER_WAIT, &e));
	assert_int_equal(e.kind, ERROR_LATER);
	assert_string_equal(e.text, "connecting to 127.0.0.1:465");
	peer_end_silence(&silence);
}

/* What an observer was told, a line each. */
static char tale[2000];

static void
hear_begin(void *arg, const char *address)
{
	strlcat(tale, arg, sizeof(tale));
	strlcat(tale, address, sizeof(tale));
	strlcat(tale, " begins\n", sizeof(tale));
}

static void
hear_end(void *arg, const char *address, const char *why)
{
	strlcat(tale, arg, sizeof(tale));
	strlcat(tale, address, sizeof(tale));
	strlcat(tale, ": ", sizeof(tale));
	strlcat(tale, why == NULL ? "connected" : why, sizeof(tale));
	strlcat(tale, "\n", sizeof(tale));
}

static void
tells_of_each_address(void **state)
{
	static char letter[] = "x ";
	const struct stream_observer observer = {hear_begin, hear_end, letter};
	struct peer_silence silence = peer_silent();
	struct net_address list[3];
	struct net_addresses addresses = {list, COUNT(list)};
	unsigned short port;
	struct error e;
	int listener;

	(void)state;
	listener = peer_listen(&port, 8);
	list[0] = peer_address(dead_port());
	((struct sockaddr_in *)&list[0].sockaddr)->sin_addr.s_addr =
	    htonl(0x7f000002);
	list[1] = peer_address(silence.port);
	list[2] = peer_address(port);
	error_clear(&e);
	stream_drop(stream_connect(&peer_host, &addresses, NULL, &observer,
	    clock_now() + PEER_WAIT, &e));
	assert_string_equal(tale,
	    "x 127.0.0.2 begins\nx 127.0.0.2: Connection refused\n"
	    "x 127.0.0.1 begins\nx 127.0.0.1 begins\n"
	    "x 127.0.0.1: connected\n"
	    "x 127.0.0.1: another address was faster\n");
	close(listener);
	peer_end_silence(&silence);
}

/* Reads all, checks it, sends it back. */
static int
echo(int fd, const void *arg)
{
	char *bytes = mem_new(LARGE, 1);
	size_t at, n;
	ssize_t got;

	(void)arg;
	for (at = 0; at < LARGE; at += (size_t)got)
		if ((got = read(fd, bytes + at, LARGE - at)) <= 0)
			return 1;
	for (n = 0; n < LARGE; n++)
		if (bytes[n] != pattern(n))
			return 2;
	for (at = 0; at < LARGE; at += (size_t)got)
		if ((got = write(fd, bytes + at, LARGE - at)) <= 0)
			return 3;
	free(bytes);
	return 0;
}

static bool
tls_send_all(gnutls_session_t session, const char *bytes, size_t len)
{
	ssize_t n;

	for (; len > 0; bytes += n, len -= (size_t)n) {
		n = gnutls_record_send(session, bytes, len);
		if (n == GNUTLS_E_INTERRUPTED || n == GNUTLS_E_AGAIN)
			n = 0;
		if (n < 0)
			return false;
	}
	return true;
}

/* Reads from byte `at` to byte `len`. */
static bool
tls_read_pattern(gnutls_session_t session, size_t at, size_t len)
{
	char bytes[20000];
	size_t i, size;
	ssize_t n;

	while (at < len) {
		size = len - at < sizeof(bytes) ? len - at : sizeof(bytes);
		n = gnutls_record_recv(session, bytes, size);
		if (n == GNUTLS_E_INTERRUPTED || n == GNUTLS_E_AGAIN)
			continue;
		if (n <= 0)
			return false;
		for (i = 0; i < (size_t)n; i++)
			if (bytes[i] != pattern(at++))
				return false;
	}
	return true;
}

/* Reads what else comes, until the other side has gone: who leaves with bytes
 * unread resets the connection, and what it said last is lost. */
static void
tls_read_to_the_end(gnutls_session_t session)
{
	char bytes[1000];
	ssize_t n;

	do
		n = gnutls_record_recv(session, bytes, sizeof(bytes));
	while (n > 0 || n == GNUTLS_E_INTERRUPTED || n == GNUTLS_E_AGAIN);
}

/* Wants new keys in the middle; the answer may come behind all that is read. */
static int
tls_echo(gnutls_session_t session, int fd)
{
	char *bytes;
	bool fine;

	(void)fd;
	if (!tls_read_pattern(session, 0, LARGE / 2) ||
	    gnutls_session_key_update(session, GNUTLS_KU_PEER) < 0 ||
	    !tls_read_pattern(session, LARGE / 2, LARGE))
		return 1;
	bytes = large(LARGE);
	fine = tls_send_all(session, bytes, LARGE);
	free(bytes);
	tls_read_to_the_end(session);
	return fine ? 0 : 2;
}

/* Wants new keys before it reads, and reads only when told. */
static int
tls_wants_keys_first(gnutls_session_t session, int fd)
{
	(void)fd;
	if (gnutls_session_key_update(session, GNUTLS_KU_PEER) < 0)
		return 1;
	while (!shared->may_read)
		poll(NULL, 0, 1);
	return tls_read_pattern(session, 0, shared->sent) ? 0 : 2;
}

/* Talks before it listens: who only sends first would wait for ever. */
static int
talk_first(int fd, const void *arg)
{
	char *bytes = large(LARGE), back[20000];
	size_t at;
	ssize_t n;

	(void)arg;
	for (at = 0; at < LARGE; at += (size_t)n)
		if ((n = write(fd, bytes + at, LARGE - at)) <= 0)
			return 1;
	for (at = 0; at < LARGE; at += (size_t)n)
		if ((n = read(fd, back, sizeof(back))) <= 0)
			return 2;
	free(bytes);
	return 0;
}

static int
tls_talk_first(gnutls_session_t session, int fd)
{
	char *bytes = large(LARGE);
	bool fine;

	(void)fd;
	fine = tls_send_all(session, bytes, LARGE) &&
	       tls_read_pattern(session, 0, LARGE);
	free(bytes);
	return fine ? 0 : 1;
}

/* Sends LARGE bytes and reads LARGE bytes, in any order. */
static void
move(struct talk *t, size_t in_size)
{
	char *out = large(LARGE), *in = mem_new(LARGE, 1);
	size_t sent = 0, got = 0, size;

	while (sent < LARGE || got < LARGE) {
		size = LARGE - got < in_size ? LARGE - got : in_size;
		if (exchange(t, out + sent, LARGE - sent, in + got,
			size == 0 ? 1 : size, PEER_WAIT) != STREAM_MOVED)
			fail_msg("%s", t->e.text);
		assert_true(t->sent + t->got > 0);
		sent += t->sent;
		got += t->got;
	}
	assert_memory_equal(in, out, LARGE);
	free(out);
	free(in);
}

static void
moves_both_ways(void **state)
{
	struct talk t;

	(void)state;
	t = talk_start(echo, NULL);
	move(&t, LARGE);
	talk_end(&t);
	t = talk_start(talk_first, NULL);
	move(&t, 50000);
	talk_end(&t);
}

static void
moves_both_ways_under_tls(void **state)
{
	struct talk t;

	(void)state;
	t = talk_start_tls(tls_echo);
	move(&t, LARGE);
	talk_end(&t);
	t = talk_start_tls(tls_talk_first);
	/* Less than a record: what is left of it must not wait for poll. */
	move(&t, 10000);
	talk_end(&t);
}

/* What waits when the peer's wish comes is sent once, and all behind it. */
static void
changes_keys_while_a_record_waits(void **state)
{
	char *out = large(LARGE + 251), in[100];
	struct talk t;
	size_t sent = 0;

	(void)state;
	shared->may_read = false;
	t = talk_start_tls(tls_wants_keys_first);
	/* Until all buffers are full, and the wish is heard. */
	while (exchange(&t, out + sent % 251, LARGE, in, sizeof(in), 100) ==
	       STREAM_MOVED)
		sent += t.sent;
	shared->sent = sent + LARGE;
	shared->may_read = true;
	for (; sent < shared->sent; sent += t.sent)
		if (exchange(&t, out + sent % 251, shared->sent - sent, in,
			sizeof(in), PEER_WAIT) != STREAM_MOVED)
			fail_msg("%s", t.e.text);
	free(out);
	talk_end(&t);
}

static void
no_act(int number)
{
	(void)number;
}

static void
bears_signals(void **state)
{
	struct itimerval every = {{0, 1000}, {0, 1000}},
			 never = {{0, 0}, {0, 0}};
	struct sigaction action;
	struct talk t;

	(void)state;
	memset(&action, 0, sizeof(action));
	action.sa_handler = no_act;
	sigaction(SIGALRM, &action, NULL);
	t = talk_start_tls(tls_echo);
	setitimer(ITIMER_REAL, &every, NULL);
	move(&t, LARGE);
	setitimer(ITIMER_REAL, &never, NULL);
	talk_end(&t);
	signal(SIGALRM, SIG_DFL);
}

/* A refusal in the middle of the mail, then the door; what it did not read
 * makes the kernel reset the connection. */
static int
refuse_and_leave(int fd, const void *arg)
{
	char bytes[1000];

	(void)arg;
	if (read(fd, bytes, sizeof(bytes)) <= 0 ||
	    write(fd, "554 no\r\n", 8) != 8)
		return 1;
	close(fd);
	return 0;
}

static int
tls_refuse_and_leave(gnutls_session_t session, int fd)
{
	char bytes[1000];

	if (gnutls_record_recv(session, bytes, sizeof(bytes)) <= 0 ||
	    !tls_send_all(session, "554 no\r\n", 8))
		return 1;
	close(fd);
	return 0;
}

static void
hears_the_last_words_of(struct talk t, bool wait_first)
{
	enum stream_status status = STREAM_MOVED;
	char *out = large(LARGE), in[100], heard[100];
	size_t got = 0;

	if (wait_first) {
		/* The connection is broken before the next byte goes out. */
		exchange(&t, out, 10, in, sizeof(in), PEER_WAIT);
		assert_int_equal(peer_end(t.peer), 0);
	}
	while (status == STREAM_MOVED) {
		status = exchange(&t, out, LARGE, in, sizeof(in), PEER_WAIT);
		memcpy(heard + got, in, t.got);
		got += t.got;
	}
	assert_int_equal(status, STREAM_CLOSED);
	assert_int_equal(got, 8);
	assert_memory_equal(heard, "554 no\r\n", 8);
	assert_int_equal(t.e.kind, ERROR_LATER);
	assert_true(t.e.text[0] != '\0');
	if (!wait_first)
		assert_int_equal(peer_end(t.peer), 0);
	stream_drop(t.stream);
	tls_free(t.tls);
	free(out);
}

static void
hears_the_last_words(void **state)
{
	(void)state;
	hears_the_last_words_of(talk_start(refuse_and_leave, NULL), false);
	hears_the_last_words_of(talk_start(refuse_and_leave, NULL), true);
	hears_the_last_words_of(talk_start_tls(tls_refuse_and_leave), false);
	hears_the_last_words_of(talk_start_tls(tls_refuse_and_leave), true);
}

/* Refuses at once, and reads on. */
static int
refuse_and_listen(int fd, const void *arg)
{
	char bytes[100000];

	(void)arg;
	if (write(fd, "554 no\r\n", 8) != 8)
		return 1;
	while (read(fd, bytes, sizeof(bytes)) > 0)
		;
	return 0;
}

/* The refusal is there and all that we send is taken: it is heard with the
 * first large write, not after the last. */
static void
hears_a_refusal_while_all_goes_well(void **state)
{
	struct talk t = talk_start(refuse_and_listen, NULL);
	char *out = large(65536), in[100];

	(void)state;
	await(&t, POLLIN);
	assert_int_equal(
	    exchange(&t, out, 65536, in, sizeof(in), PEER_WAIT), STREAM_MOVED);
	assert_true(t.sent > 0);
	assert_int_equal(t.got, 8);
	assert_memory_equal(in, "554 no\r\n", 8);
	free(out);
	talk_end(&t);
}

/* Says nothing more, and stays. */
static int
say_and_stay(int fd, const void *words)
{
	char bytes[1000];
	ssize_t len = (ssize_t)strlen(words);

	if (send(fd, words, (size_t)len, 0) != len)
		return 1;
	shared->said = true;
	while (read(fd, bytes, sizeof(bytes)) >= 0)
		;
	return 2;
}

static int
tls_say_and_stay(gnutls_session_t session, int fd)
{
	/* Records with nothing for the caller come before the words. */
	gnutls_session_ticket_send(session, 2, 0);
	return tls_send_all(session, "554 no\r\n", 8) ? say_and_stay(fd, "")
						      : 1;
}

/* What cannot be sent is told at once, with what the server had said by then;
 * the connection itself stands. */
static void
tells_of_a_failed_send(struct talk t, const char *words)
{
	const long long begin = clock_now();
	char in[100], heard[100] = "";

	while (!shared->said)
		poll(NULL, 0, 1);
	shared->said = false;
	shutdown(socket_of(&t), SHUT_WR);
	while (exchange(&t, "data", 4, in, sizeof(in), PEER_WAIT) ==
	       STREAM_MOVED) {
		assert_int_equal(t.sent, 0);
		strncat(heard, in, t.got);
	}
	assert_in_range(clock_now() - begin, 0, HANG / 2);
	assert_string_equal(heard, words);
	assert_int_equal(t.e.kind, ERROR_LATER);
	assert_string_equal(t.e.text, "the connection broke: Broken pipe");
	stream_drop(t.stream);
	tls_free(t.tls);
	peer_kill(t.peer);
}

static void
tells_at_once_what_failed(void **state)
{
	(void)state;
	tells_of_a_failed_send(talk_start(say_and_stay, ""), "");
	tells_of_a_failed_send(
	    talk_start(say_and_stay, "554 no\r\n"), "554 no\r\n");
	tells_of_a_failed_send(talk_start_tls(tls_say_and_stay), "554 no\r\n");
}

static int
tls_one_record(gnutls_session_t session, int fd)
{
	char bytes[100];

	(void)fd;
	memset(bytes, 'r', sizeof(bytes));
	return tls_send_all(session, bytes, sizeof(bytes)) &&
		       gnutls_record_recv(session, bytes, 1) == 1
		   ? 0
		   : 1;
}

/* What TLS has decrypted already shows in no poll. */
static void
takes_a_record_in_pieces(void **state)
{
	struct talk t = talk_start_tls(tls_one_record);
	char in[10];
	int i;

	(void)state;
	for (i = 0; i < 10; i++) {
		assert_int_equal(
		    exchange(&t, NULL, 0, in, 10, PEER_WAIT), STREAM_MOVED);
		assert_int_equal(t.got, 10);
	}
	assert_int_equal(exchange(&t, "x", 1, in, 10, PEER_WAIT), STREAM_MOVED);
	talk_end(&t);
}

static int
wait_for_end(int fd, const void *arg)
{
	char bytes[1000];

	(void)arg;
	while (read(fd, bytes, sizeof(bytes)) > 0)
		;
	return 0;
}

static int
close_at_once(int fd, const void *arg)
{
	(void)arg;
	close(fd);
	return 0;
}

static void
ends_at_the_deadline(void **state)
{
	struct talk t = talk_start(wait_for_end, NULL);
	long long begin = clock_now();
	char in[10];

	(void)state;
	assert_int_equal(
	    exchange(&t, NULL, 0, in, sizeof(in), 30), STREAM_TIMEOUT);
	assert_in_range(clock_now() - begin, 30, HANG);
	assert_int_equal(t.sent + t.got, 0);
	assert_int_equal(t.e.kind, ERROR_NONE);
	/* What can go goes, whatever the time. */
	assert_int_equal(
	    exchange(&t, "x", 1, in, sizeof(in), -1000), STREAM_MOVED);
	assert_int_equal(t.sent, 1);
	talk_end(&t);
}

static int
speak_first(int fd, const void *arg)
{
	return send(fd, "250 taken\r\n", 11, 0) == 11 ? wait_for_end(fd, arg)
						      : 1;
}

/* It may be that the mail was accepted, and we be late for having slept. */
static void
hears_what_came_before_it_looked(void **state)
{
	struct talk t = talk_start(speak_first, NULL);
	char in[100];

	(void)state;
	await(&t, POLLIN);
	assert_int_equal(
	    exchange(&t, NULL, 0, in, sizeof(in), -1000), STREAM_MOVED);
	assert_int_equal(t.got, strlen("250 taken\r\n"));
	assert_int_equal(
	    exchange(&t, NULL, 0, in, sizeof(in), -1000), STREAM_TIMEOUT);
	talk_end(&t);
}

static void
tells_of_the_end(void **state)
{
	struct talk t = talk_start(close_at_once, NULL);
	char in[10];

	(void)state;
	assert_int_equal(
	    exchange(&t, NULL, 0, in, sizeof(in), PEER_WAIT), STREAM_CLOSED);
	assert_int_equal(t.e.kind, ERROR_LATER);
	assert_string_equal(t.e.text, "the server closed the connection");
	talk_end(&t);
}

/* Records that bring nothing, many, and then one that would. */
static int
tls_babble(gnutls_session_t session, int fd)
{
	char byte;
	int i;

	(void)fd;
	for (i = 0; i < 100; i++)
		if (gnutls_rehandshake(session) < 0)
			return 1;
	if (!tls_send_all(session, "x", 1))
		return 2;
	gnutls_record_recv(session, &byte, 1);
	return 0;
}

static void
is_not_kept_by_babble(void **state)
{
	struct talk t =
	    talk_start_version("NORMAL:-VERS-ALL:+VERS-TLS1.2", tls_babble);
	char in[10];
	int i;

	(void)state;
	for (i = 0; i < 100; i++) {
		await(&t, POLLIN);
		assert_int_equal(exchange(&t, NULL, 0, in, sizeof(in), -1000),
		    STREAM_TIMEOUT);
	}
	assert_int_equal(
	    exchange(&t, NULL, 0, in, sizeof(in), PEER_WAIT), STREAM_MOVED);
	talk_end(&t);
}

static void
secures_within_the_deadline(void **state)
{
	struct talk t = talk_start(wait_for_end, NULL);

	(void)state;
	t.tls = tls_new(&account, &peer_host, &t.e);
	assert_non_null(t.tls);
	assert_int_equal(stream_secure(t.stream, t.tls, clock_now() + 30, &t.e),
	    STREAM_TIMEOUT);
	assert_int_equal(t.e.kind, ERROR_NONE);
	talk_end(&t);
}

static int
read_quit(int fd, const void *arg)
{
	char bytes[10];

	(void)arg;
	return read(fd, bytes, 6) == 6 && memcmp(bytes, "QUIT\r\n", 6) == 0 &&
		       read(fd, bytes, 1) == 0
		   ? 0
		   : 1;
}

static int
tls_read_quit(gnutls_session_t session, int fd)
{
	char bytes[10];

	(void)fd;
	return gnutls_record_recv(session, bytes, 10) == 6 &&
		       memcmp(bytes, "QUIT\r\n", 6) == 0 &&
		       /* 0 is close_notify; the end alone would be an error. */
		       gnutls_record_recv(session, bytes, 10) == 0
		   ? 0
		   : 1;
}

static int
never_read(int fd, const void *arg)
{
	char byte;

	(void)arg;
	while (recv(fd, &byte, 1, MSG_PEEK) == 1 &&
	       recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1) {
		struct pollfd end = {.fd = fd, .events = POLLRDHUP};

		poll(&end, 1, -1);
		return 0;
	}
	return 1;
}

static void
says_good_bye(void **state)
{
	struct talk t;
	char *out = large(LARGE), in[10];
	long long begin;

	(void)state;
	t = talk_start(read_quit, NULL);
	stream_end(t.stream, "QUIT\r\n", 6);
	t.stream = NULL;
	talk_end(&t);
	t = talk_start_tls(tls_read_quit);
	stream_end(t.stream, "QUIT\r\n", 6);
	t.stream = NULL;
	talk_end(&t);
	/* Nobody takes what fills the way: closing does not wait for it. */
	t = talk_start(never_read, NULL);
	while (exchange(&t, out, LARGE, in, sizeof(in), 20) == STREAM_MOVED)
		;
	begin = clock_now();
	stream_end(t.stream, "QUIT\r\n", 6);
	assert_in_range(clock_now() - begin, 0, HANG);
	peer_kill(t.peer);
	free(out);
}

static int
tls_wait(gnutls_session_t session, int fd)
{
	(void)session;
	(void)fd;
	return poll(NULL, 0, -1);
}

/* Sleeps until it may read, and gets what was sent and no byte more. */
static int
tls_read_what_was_sent(gnutls_session_t session, int fd)
{
	char bytes[20000];
	size_t total = 0;
	ssize_t n;

	(void)fd;
	while (!shared->may_read)
		poll(NULL, 0, 1);
	/* GnuTLS says AGAIN for a record that came in part. */
	while ((n = gnutls_record_recv(session, bytes, sizeof(bytes))) > 0 ||
	       n == GNUTLS_E_AGAIN)
		total += n > 0 ? (size_t)n : 0;
	return total == shared->sent ? 0 : 1;
}

/* With a record that TLS could not send as a whole, and a way that is free
 * again: the rest of it stays where it is. */
static size_t
drop_what_waits(void)
{
	char *out = large(LARGE), in[10];
	size_t sent = 0, torn;
	struct talk t;

	shared->may_read = false;
	t = talk_start_tls(tls_read_what_was_sent);
	memset(out, 'x', LARGE); /* so that what is next looks the same */
	assert_int_equal(stream_torn(t.stream), 0);
	while (exchange(&t, out, LARGE, in, sizeof(in), 20) == STREAM_MOVED)
		sent += t.sent;
	torn = stream_torn(t.stream);
	shared->sent = sent;
	shared->may_read = true;
	await(&t, POLLOUT);
	stream_drop(t.stream);
	t.stream = NULL;
	talk_end(&t);
	free(out);
	return torn;
}

/* Once in a while the way is full between two records. */
static void
drops_what_waits(void **state)
{
	size_t torn = 0;
	int tries;

	(void)state;
	for (tries = 0; torn == 0 && tries < 50; tries++)
		torn = drop_what_waits();
	/* It had left in part. */
	assert_int_equal(torn, 16384);
}

/* The way is full before the record is made: none of it leaves, until it is
 * free again. False: it was not full, as the kernel had room for some more when
 * what was in it had come to the peer's side. */
static bool
a_full_way_takes_nothing(void)
{
	struct talk t = talk_start_tls(tls_wait);
	char *out = large(LARGE), in[10];
	int fd = socket_of(&t);
	bool full;

	while (send(fd, out, LARGE, MSG_NOSIGNAL) > 0)
		;
	while (send(fd, out, 1, MSG_NOSIGNAL) > 0)
		;
	full = exchange(&t, out, 100, in, sizeof(in), 20) == STREAM_TIMEOUT;
	if (full) {
		assert_int_equal(t.sent, 0);
		assert_int_equal(stream_torn(t.stream), 0);
	}
	stream_drop(t.stream);
	tls_free(t.tls);
	peer_kill(t.peer);
	free(out);
	return full;
}

static void
knows_what_has_not_left(void **state)
{
	int tries = 0;

	(void)state;
	while (!a_full_way_takes_nothing())
		assert_in_range(++tries, 1, 50);
}

static int
make_certs(void **state)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED || folder_make_certs(state) != 0)
		return -1;
	strlcpy(trust, in_folder("ca.pem"), sizeof(trust));
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(connects_to_the_first_that_answers),
	    cmocka_unit_test(says_whom_it_tried),
	    cmocka_unit_test(tells_of_each_address),
	    cmocka_unit_test(moves_both_ways),
	    cmocka_unit_test(moves_both_ways_under_tls),
	    cmocka_unit_test(changes_keys_while_a_record_waits),
	    cmocka_unit_test(bears_signals),
	    cmocka_unit_test(hears_the_last_words),
	    cmocka_unit_test(hears_a_refusal_while_all_goes_well),
	    cmocka_unit_test(tells_at_once_what_failed),
	    cmocka_unit_test(takes_a_record_in_pieces),
	    cmocka_unit_test(ends_at_the_deadline),
	    cmocka_unit_test(hears_what_came_before_it_looked),
	    cmocka_unit_test(tells_of_the_end),
	    cmocka_unit_test(is_not_kept_by_babble),
	    cmocka_unit_test(secures_within_the_deadline),
	    cmocka_unit_test(says_good_bye), cmocka_unit_test(drops_what_waits),
	    cmocka_unit_test(knows_what_has_not_left)};

	return cmocka_run_group_tests(tests, make_certs, folder_remove);
}
