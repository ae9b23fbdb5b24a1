/*
 * The other side of the measurements: an SMTP submission server that costs less
 * than its clients. It takes one connection after the other on loopback, and
 * ends when its standard input does.
 *
 *	sink CERTIFICATE KEY [--delay MS] [--no-chunking]
 *
 * It prints its ports (implicit TLS, STARTTLS), and then of each connection one
 * line of JSON. "waits" counts how often the client had to wait: all that it
 * had sent was answered in one go, MS after the last of it had come, and it had
 * not hung up before. "sha256" is that of the body, behind the header section
 * and with CRLF at the line ends, since each client adds fields of its own.
 */

#include <arpa/inet.h>
#include <err.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#define IDLE 60000 /* ms */

/* User `bench', password `wonderland', in base64; a client may say whose
 * mailbox it wants, too (RFC 4616 section 2). */
#define PLAIN	 "AGJlbmNoAHdvbmRlcmxhbmQ="
#define PLAIN_AS "YmVuY2gAYmVuY2gAd29uZGVybGFuZA=="
#define USER	 "YmVuY2g="
#define PASSWORD "d29uZGVybGFuZA=="

enum state { COMMAND, AUTH_PLAIN, AUTH_USER, AUTH_PASSWORD, DATA, CHUNK };

struct client {
	int fd;
	gnutls_session_t tls; /* NULL while plain */
	enum state state;
	bool starttls, over;
	char in[65536];
	size_t len;
	char *out;
	size_t out_len, out_size;

	bool authenticated, sender, accepted, quit;
	unsigned long waits, records, recipients, mails;
	unsigned long long bytes, body, chunk;
	bool chunk_last, chunk_refused;
	bool fresh;	     /* at the start of a line of data */
	unsigned header_end; /* how much of CR LF CR LF was just seen */
	gnutls_hash_hd_t hash;
};

static struct {
	gnutls_certificate_credentials_t credentials;
	gnutls_priority_t priority;
	int delay;
	bool chunking;
} server = {.chunking = true};

static void
say(struct client *c, const char *reply)
{
	size_t len = strlen(reply);

	while (c->out_size - c->out_len < len) {
		c->out_size = 2 * c->out_size + 4096;
		c->out = realloc(c->out, c->out_size);
		if (c->out == NULL)
			err(1, NULL);
	}
	memcpy(c->out + c->out_len, reply, len);
	c->out_len += len;
}

static bool
secure(struct client *c)
{
	int rc;

	c->len = 0;
	if (gnutls_init(&c->tls, GNUTLS_SERVER | GNUTLS_NO_SIGNAL) < 0)
		return false;
	gnutls_priority_set(c->tls, server.priority);
	gnutls_credentials_set(
	    c->tls, GNUTLS_CRD_CERTIFICATE, server.credentials);
	gnutls_transport_set_int(c->tls, c->fd);
	gnutls_handshake_set_timeout(c->tls, IDLE);
	do
		rc = gnutls_handshake(c->tls);
	while (rc < 0 && gnutls_error_is_fatal(rc) == 0);
	return rc == 0;
}

static ssize_t
read_some(struct client *c)
{
	ssize_t n;

	if (c->tls == NULL)
		return recv(c->fd, c->in + c->len, sizeof(c->in) - c->len, 0);
	do
		n = gnutls_record_recv(
		    c->tls, c->in + c->len, sizeof(c->in) - c->len);
	while (n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED);
	return n;
}

static void
flush(struct client *c)
{
	size_t done = 0;
	ssize_t n = 1;

	while (done < c->out_len && n > 0) {
		n = c->tls == NULL ? send(c->fd, c->out + done,
					 c->out_len - done, MSG_NOSIGNAL)
				   : gnutls_record_send(c->tls, c->out + done,
					 c->out_len - done);
		done += n > 0 ? (size_t)n : 0;
	}
	c->out_len = 0;
	c->over = c->over || c->quit || n <= 0;
	if (c->starttls)
		c->over = !secure(c);
	c->starttls = false;
}

/*
 * Mail data.
 */

static void
count(struct client *c, const char *at, size_t len)
{
	c->bytes += len;
	for (; len > 0 && c->header_end < 4; at++, len--)
		if (*at == "\r\n\r\n"[c->header_end])
			c->header_end++;
		else
			c->header_end = *at == '\r';
	c->body += len;
	if (len > 0)
		gnutls_hash(c->hash, at, len);
}

/* Takes the dots of transparency out (RFC 5321 section 4.5.2); returns how
 * much it took. */
static size_t
take_data(struct client *c, const char *at, size_t len)
{
	const char *from = at, *run = at, *end = at + len, *lf;

	while (at < end) {
		if (c->fresh && *at == '.') {
			if (end - at < 3)
				break;
			count(c, run, (size_t)(at - run));
			run = ++at;
			if (at[0] == '\r' && at[1] == '\n') {
				c->state = COMMAND;
				c->accepted = true;
				c->mails++;
				say(c, "250 2.0.0 Taken\r\n");
				return (size_t)(at + 2 - from);
			}
		}
		lf = memchr(at, '\n', (size_t)(end - at));
		c->fresh = lf != NULL;
		at = lf == NULL ? end : lf + 1;
	}
	count(c, run, (size_t)(at - run));
	return (size_t)(at - from);
}

static void
end_chunk(struct client *c)
{
	c->state = COMMAND;
	c->mails += c->chunk_last && !c->chunk_refused;
	c->accepted = c->mails > 0;
	say(c, c->chunk_refused ? "503 5.5.1 Out of order\r\n"
				: "250 2.0.0 Taken\r\n");
}

static size_t
take_chunk(struct client *c, const char *at, size_t len)
{
	if (len > c->chunk)
		len = (size_t)c->chunk;
	if (!c->chunk_refused)
		count(c, at, len);
	c->chunk -= len;
	if (c->chunk == 0)
		end_chunk(c);
	return len;
}

/*
 * Commands.
 */

static void
greet(struct client *c)
{
	say(c, "250-sink\r\n250-PIPELINING\r\n250-SIZE 0\r\n250-8BITMIME\r\n");
	if (server.chunking)
		say(c, "250-CHUNKING\r\n");
	if (c->tls == NULL)
		say(c, "250-STARTTLS\r\n");
	else
		say(c, "250-AUTH PLAIN LOGIN\r\n");
	say(c, "250 ENHANCEDSTATUSCODES\r\n");
}

static void
check(
    struct client *c, const char *response, const char *right, const char *also)
{
	c->state = COMMAND;
	c->authenticated =
	    strcmp(response, right) == 0 || strcmp(response, also) == 0;
	say(c, c->authenticated ? "235 2.7.0 Welcome\r\n" : "535 5.7.8 No\r\n");
}

static void
check_user(struct client *c, const char *response)
{
	c->state = AUTH_PASSWORD;
	say(c, strcmp(response, USER) == 0 ? "334 UGFzc3dvcmQ6\r\n"
					   : "334 Tm8=\r\n");
}

static void
authenticate(struct client *c, const char *how)
{
	if (strncasecmp(how, "PLAIN ", 6) == 0) {
		check(c, how + 6, PLAIN, PLAIN_AS);
	} else if (strncasecmp(how, "LOGIN ", 6) == 0) {
		check_user(c, how + 6);
	} else if (strcasecmp(how, "PLAIN") == 0) {
		c->state = AUTH_PLAIN;
		say(c, "334 \r\n");
	} else if (strcasecmp(how, "LOGIN") == 0) {
		c->state = AUTH_USER;
		say(c, "334 VXNlcm5hbWU6\r\n");
	} else {
		say(c, "504 5.5.4 Unknown mechanism\r\n");
	}
}

static void
add_recipient(struct client *c)
{
	c->recipients += c->sender;
	say(c, c->sender ? "250 2.1.5 Ok\r\n" : "503 5.5.1 MAIL first\r\n");
}

static void
begin_data(struct client *c)
{
	if (c->recipients == 0) {
		say(c, "503 5.5.1 RCPT first\r\n");
		return;
	}
	c->state = DATA;
	c->fresh = true;
	c->header_end = 2; /* an empty line may come first */
	say(c, "354 Go on\r\n");
}

static void
begin_chunk(struct client *c, char *arguments)
{
	c->chunk = strtoull(arguments, &arguments, 10);
	c->chunk_last = strcasecmp(arguments, " LAST") == 0;
	c->chunk_refused = !server.chunking || c->recipients == 0;
	if (c->bytes == 0)
		c->header_end = 2;
	c->state = CHUNK;
	if (c->chunk == 0)
		end_chunk(c);
}

static bool
is(const char *line, const char *verb)
{
	return strncasecmp(line, verb, strlen(verb)) == 0;
}

static void
obey(struct client *c, char *line)
{
	if (is(line, "EHLO ") || is(line, "HELO ")) {
		greet(c);
	} else if (is(line, "STARTTLS") && c->tls == NULL) {
		c->starttls = true;
		say(c, "220 2.0.0 Go on\r\n");
	} else if (is(line, "AUTH ") && c->tls != NULL) {
		authenticate(c, line + 5);
	} else if (is(line, "MAIL FROM:")) {
		c->sender = c->authenticated;
		say(c, c->sender ? "250 2.1.0 Ok\r\n"
				 : "530 5.7.0 AUTH first\r\n");
	} else if (is(line, "RCPT TO:")) {
		add_recipient(c);
	} else if (is(line, "DATA")) {
		begin_data(c);
	} else if (is(line, "BDAT ")) {
		begin_chunk(c, line + 5);
	} else if (is(line, "QUIT")) {
		c->quit = true;
		say(c, "221 2.0.0 Bye\r\n");
	} else if (is(line, "NOOP") || is(line, "RSET")) {
		say(c, "250 2.0.0 Ok\r\n");
	} else {
		say(c, "500 5.5.2 What?\r\n");
	}
}

static void
hear(struct client *c, char *line)
{
	switch (c->state) {
	case AUTH_PLAIN:
		check(c, line, PLAIN, PLAIN_AS);
		break;
	case AUTH_USER:
		check_user(c, line);
		break;
	case AUTH_PASSWORD:
		check(c, line, PASSWORD, PASSWORD);
		break;
	case COMMAND:
	case DATA:
	case CHUNK:
		obey(c, line);
	}
}

static size_t
take_line(struct client *c, char *at, size_t len)
{
	char *lf;

	lf = memchr(at, '\n', len);
	if (lf == NULL)
		return 0;
	*(lf > at && lf[-1] == '\r' ? lf - 1 : lf) = '\0';
	hear(c, at);
	return (size_t)(lf + 1 - at);
}

static void
take(struct client *c)
{
	size_t done = 0, n = 1;

	while (n > 0 && done < c->len) {
		if (c->state == DATA)
			n = take_data(c, c->in + done, c->len - done);
		else if (c->state == CHUNK)
			n = take_chunk(c, c->in + done, c->len - done);
		else
			n = take_line(c, c->in + done, c->len - done);
		done += n;
	}
	c->len -= done;
	memmove(c->in, c->in + done, c->len);
}

/*
 * A connection.
 */

/* 1 when more came, 0 when the client waits, -1 when it is gone. */
static int
await(struct client *c)
{
	struct pollfd polled = {.fd = c->fd, .events = POLLIN};
	bool waits = c->out_len > 0;
	ssize_t n;

	if (c->tls == NULL || gnutls_record_check_pending(c->tls) == 0)
		if (poll(&polled, 1, waits ? server.delay : IDLE) == 0)
			return waits ? 0 : -1;
	n = read_some(c);
	if (n <= 0)
		return -1;
	c->len += (size_t)n;
	c->records++;
	return 1;
}

static void
converse(struct client *c)
{
	while (!c->over && c->len < sizeof(c->in)) {
		switch (await(c)) {
		case 1:
			take(c);
			break;
		case 0:
			c->waits++;
			flush(c);
			break;
		default:
			return;
		}
	}
}

static void
report(struct client *c)
{
	unsigned char digest[32];
	size_t i;

	gnutls_hash_output(c->hash, digest);
	printf("{\"tls\": \"%s\", \"waits\": %lu, \"records\": %lu, "
	       "\"recipients\": %lu, \"bytes\": %llu, \"body\": %llu, "
	       "\"mails\": %lu, \"accepted\": %s, \"quit\": %s, \"sha256\": \"",
	    c->tls == NULL
		? "-"
		: gnutls_protocol_get_name(gnutls_protocol_get_version(c->tls)),
	    c->waits, c->records, c->recipients, c->bytes, c->body, c->mails,
	    c->accepted ? "true" : "false", c->quit ? "true" : "false");
	for (i = 0; i < sizeof(digest); i++)
		printf("%02x", digest[i]);
	puts("\"}");
	fflush(stdout);
}

static void
serve(int fd, bool implicit)
{
	struct client *c;
	int on = 1;

	c = calloc(1, sizeof(*c));
	if (c == NULL || gnutls_hash_init(&c->hash, GNUTLS_DIG_SHA256) < 0)
		err(1, NULL);
	c->fd = fd;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (!implicit || secure(c)) {
		say(c, "220 sink ESMTP\r\n");
		flush(c);
		converse(c);
	}
	report(c);
	if (c->tls != NULL) {
		gnutls_bye(c->tls, GNUTLS_SHUT_WR);
		gnutls_deinit(c->tls);
	}
	gnutls_hash_deinit(c->hash, NULL);
	close(fd);
	free(c->out);
	free(c);
}

/* A listener on *port of a loopback address; port 0 is replaced by the one
 * that the kernel chose. */
static int
listen_on(int family, in_port_t *port)
{
	struct sockaddr_in four = {.sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	    .sin_port = *port};
	struct sockaddr_in6 six = {.sin6_family = AF_INET6,
	    .sin6_addr = IN6ADDR_LOOPBACK_INIT,
	    .sin6_port = *port};
	struct sockaddr *address = family == AF_INET ? (struct sockaddr *)&four
						     : (struct sockaddr *)&six;
	socklen_t len = family == AF_INET ? sizeof(four) : sizeof(six);
	int fd;

	fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1 || bind(fd, address, len) == -1 || listen(fd, 8) == -1) {
		/* `localhost' may be one of the two only. */
		if (family == AF_INET6)
			return -1;
		err(1, "listening");
	}
	getsockname(fd, address, &len);
	*port = family == AF_INET ? four.sin_port : six.sin6_port;
	return fd;
}

static void
parse_arguments(int argc, char **argv)
{
	int i;

	if (argc < 3)
		errx(64, "usage: sink CERTIFICATE KEY [--delay MS] "
			 "[--no-chunking]");
	for (i = 3; i < argc; i++)
		if (strcmp(argv[i], "--no-chunking") == 0)
			server.chunking = false;
		else if (strcmp(argv[i], "--delay") == 0 && i + 1 < argc)
			server.delay = atoi(argv[++i]);
	if (gnutls_certificate_allocate_credentials(&server.credentials) < 0 ||
	    gnutls_certificate_set_x509_key_file(server.credentials, argv[1],
		argv[2], GNUTLS_X509_FMT_PEM) < 0 ||
	    gnutls_priority_init2(&server.priority, NULL, NULL, 0) < 0)
		errx(1, "%s: no certificate", argv[1]);
}

int
main(int argc, char **argv)
{
	struct pollfd polls[5] = {{.fd = STDIN_FILENO, .events = POLLIN}};
	in_port_t tls = 0, starttls = 0;
	int i, fd;

	signal(SIGPIPE, SIG_IGN);
	parse_arguments(argc, argv);
	polls[1].fd = listen_on(AF_INET, &tls);
	polls[2].fd = listen_on(AF_INET6, &tls);
	polls[3].fd = listen_on(AF_INET, &starttls);
	polls[4].fd = listen_on(AF_INET6, &starttls);
	printf("%u %u\n", ntohs(tls), ntohs(starttls));
	fflush(stdout);
	for (;;) {
		for (i = 1; i < 5; i++)
			polls[i].events = POLLIN;
		if (poll(polls, 5, -1) == -1)
			err(1, "poll");
		if (polls[0].revents != 0)
			return 0;
		for (i = 1; i < 5; i++) {
			if ((polls[i].revents & POLLIN) == 0)
				continue;
			fd = accept(polls[i].fd, NULL, NULL);
			if (fd != -1)
				serve(fd, i < 3);
		}
	}
}
