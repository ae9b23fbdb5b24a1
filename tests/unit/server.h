#ifndef SERVER_H
#define SERVER_H

/*
 * An SMTP server in a process of its own that plays scripts, one a connection,
 * and a letter to give it. The lines of a script:
 *	< 220 mx	says this
 *	! junk		says this past TLS
 *	> EHLO		hears a line that begins with this
 *	~ x		hears lines up to one that is this: a chunk's last
 *	.		hears mail data, up to its end
 *	TLS		shakes hands
 *	|		hears nothing more but the end of the connection; under
 *			TLS the good-bye
 *	x		the same, but the connection breaks off
 *	_		says nothing until the client is gone
 *	@		waits for server_go_on()
 * Behind the last line it hangs up.
 */

#include <poll.h>
#include <sys/stat.h>

#include "peer.h"

#include "message/message.h"
#include "smtp/transaction.h"
#include "submit/account.h"

/* What most scripts begin and end with. */
#define SERVER_EHLO  "< 220 mx\n> EHLO \n"
#define SERVER_PLAIN SERVER_EHLO "< 250-mx\n< 250 PIPELINING\n"
#define SERVER_MAIL                                                            \
	"> MAIL FROM:<a@example.org>\n> RCPT TO:<r0@example.org>\n> DATA\n"    \
	"< 250 sender\n< 250 recipient\n< 354 go on\n.\n"
#define SERVER_QUIT "> QUIT\n|\n"

struct server {
	int fd;
	gnutls_session_t tls; /* NULL while plain */
	bool goodbye;	      /* the client ended as it should */
};

/* The next octet, or -1 at the end. */
static inline int
server_octet(struct server *s)
{
	unsigned char octet;
	ssize_t n;

	n = s->tls == NULL ? read(s->fd, &octet, 1)
			   : gnutls_record_recv(s->tls, &octet, 1);
	s->goodbye = n == 0;
	return n == 1 ? octet : -1;
}

static inline bool
server_hears(struct server *s, char *line, size_t size)
{
	size_t len = 0;
	int octet = 0;

	while (len + 1 < size && octet != '\n') {
		octet = server_octet(s);
		if (octet == -1)
			return false;
		line[len++] = (char)octet;
	}
	line[len] = '\0';
	return true;
}

static inline bool
server_says(struct server *s, const char *words)
{
	char line[1000];
	int len;

	len = snprintf(line, sizeof(line), "%s\r\n", words);
	return (s->tls == NULL
		       ? send(s->fd, line, (size_t)len, MSG_NOSIGNAL)
		       : gnutls_record_send(s->tls, line, (size_t)len)) == len;
}

/* Whether the line of the script went as it should. */
static inline bool
server_plays(struct server *s, const char *step)
{
	const struct peer_tls tls = {.certificate = "good"};
	char line[2000];

	switch (step[0]) {
	case '<':
		return server_says(s, step + 2);
	case '!':
		return write(s->fd, step + 2, strlen(step + 2)) > 0;
	case '>':
		return server_hears(s, line, sizeof(line)) &&
		       strncmp(line, step + 2, strlen(step + 2)) == 0;
	case '~':
		while (server_hears(s, line, sizeof(line)))
			if (strncmp(line, step + 2, strlen(step + 2)) == 0 &&
			    strcmp(line + strlen(step + 2), "\r\n") == 0)
				return true;
		return false;
	case '.':
		while (server_hears(s, line, sizeof(line)))
			if (strcmp(line, ".\r\n") == 0)
				return true;
		return false;
	case 'T':
		return peer_secure(s->fd, &tls, &s->tls) == 0;
	case '|':
		return server_octet(s) == -1 && s->goodbye;
	case 'x':
		return server_octet(s) == -1 && !s->goodbye;
	case '_':
		while (server_octet(s) != -1)
			;
		return true;
	case '@':
		return raise(SIGSTOP) == 0;
	}
	return false;
}

/* The number of the line that went wrong, or 0. */
static inline int
server_play(int fd, const char *script)
{
	struct server s = {.fd = fd};
	char *lines = strdup(script), *rest = lines, *step;
	int number = 0;

	while ((step = strsep(&rest, "\n")) != NULL && step[0] != '\0') {
		number++;
		if (!server_plays(&s, step)) {
			fprintf(
			    stderr, "# not as in line %d: %s\n", number, step);
			return number;
		}
	}
	close(fd);
	free(lines);
	return 0;
}

/* Ends with 0 when all scripts, up to NULL, were played; see peer_end(). */
static inline struct peer
server_start(const char *const *scripts)
{
	struct peer p;
	int fd, result;

	p.listener = peer_listen(&p.port, 8);
	p.pid = fork();
	assert_int_not_equal(p.pid, -1);
	if (p.pid == 0) {
		signal(SIGPIPE, SIG_IGN);
		alarm(HANG / 1000);
		for (result = 0; result == 0 && *scripts != NULL; scripts++) {
			fd = accept(p.listener, NULL, NULL);
			result = server_play(fd, *scripts);
		}
		_exit(result);
	}
	close(p.listener);
	return p;
}

/* Lets it go on behind an @, once it has come there, and waits until what it
 * says then has come to our only socket. */
static inline void
server_go_on(struct peer p)
{
	struct pollfd polled = {.fd = 3, .events = POLLIN};
	struct stat st;
	int status;

	assert_int_equal(waitpid(p.pid, &status, WUNTRACED), p.pid);
	assert_true(WIFSTOPPED(status));
	while (fstat(polled.fd, &st) == 0 && !S_ISSOCK(st.st_mode))
		polled.fd++;
	kill(p.pid, SIGCONT);
	assert_int_equal(poll(&polled, 1, HANG), 1);
}

/* The smarthost that it is. */
static inline struct smarthost
server_smarthost(struct peer p, enum smarthost_security security)
{
	static char host[] = "localhost";

	return (struct smarthost){
	    .security = security, .host = host, .port = p.port};
}

/* A mail, and all that it borrows. */
struct letter {
	struct envelope envelope;
	struct mail mail;
};

static inline void
letter_begin(struct letter *l, size_t recipients)
{
	static const char bytes[] = "From: a@example.org\r\n\r\nx\r\n";
	char path[40];
	struct error e;
	size_t i;

	error_clear(&e);
	envelope_init(&l->envelope);
	envelope_set_reverse_path(&l->envelope, TEXT("a@example.org"), &e);
	for (i = 0; i < recipients; i++) {
		snprintf(path, sizeof(path), "r%zu@example.org", i);
		envelope_add(&l->envelope, text_of(path), &e);
	}
	l->mail = (struct mail){
	    .envelope = &l->envelope, .message = message_new(NULL)};
	message_input(l->mail.message, bytes, strlen(bytes), &e);
	message_end(l->mail.message, &e);
	assert_int_equal(e.kind, ERROR_NONE);
}

static inline void
letter_end(struct letter *l)
{
	envelope_clear(&l->envelope);
	message_free(l->mail.message);
}

#endif
