#include "world/tunnel.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "world/clock.h"
#include "world/net.h"
#include "world/process.h"

/* Milliseconds for the command to end by itself when the connection has. */
#define PATIENCE 1000

struct tunnel {
	struct process process;
	int errors;
	char line[160]; /* of standard error, as far as it has come */
	size_t len;
	char last[160]; /* and the one before it */
};

/* What stands there is a host's name or an address, which no shell takes for
 * anything else. */
static char *
expand(const char *command, const struct smarthost *s)
{
	struct buf out;
	const char *at;

	buf_init(&out, SIZE_MAX / 4);
	for (at = command; *at != '\0'; at++) {
		if (*at != '%' || at[1] == '\0')
			buf_add_char(&out, *at);
		else if (*++at == 'h')
			buf_add_string(&out, s->host);
		else if (*at == 'p')
			buf_format(&out, "%d", s->port);
		else
			buf_add_char(&out, *at);
	}
	return buf_take(&out);
}

static int
start(struct tunnel *t, const char *command, const int pair[2],
    const int errors[2], struct error *e)
{
	const struct process_ends ends = {pair[1], pair[1], errors[1]};

	t->errors = errors[0];
	fcntl(pair[0], F_SETFL, O_NONBLOCK);
	fcntl(errors[0], F_SETFL, O_NONBLOCK);
	return process_start(&t->process, command, &ends, NULL, e);
}

struct tunnel *
tunnel_open(
    const char *command, const struct smarthost *s, int *fd, struct error *e)
{
	struct tunnel *t = mem_new(1, sizeof(*t));
	char *words = expand(command, s);
	int pair[2] = {-1, -1}, errors[2] = {-1, -1}, result = -1;

	if (net_pair(pair) == -1 || pipe2(errors, O_CLOEXEC) == -1)
		error_set_sys(
		    e, ERROR_SYSTEM, errno, "connect-command", "a pipe");
	else
		result = start(t, words, pair, errors, e);
	free(words);
	close(pair[1]);
	close(errors[1]);
	*fd = pair[0];
	if (result == 0)
		return t;
	close(pair[0]);
	close(errors[0]);
	free(t);
	return NULL;
}

/* It may be a pipe that nobody reads, and a write would wait as long. What
 * poll(2) calls writable takes PIPE_BUF octets at least. */
static bool
can_tell(void)
{
	struct pollfd ours = {.fd = STDERR_FILENO, .events = POLLOUT};

	return clock_wait(&ours, 1, 0) == 1;
}

struct pollfd
tunnel_polled(const struct tunnel *t)
{
	if (t->errors == -1 || can_tell())
		return (struct pollfd){.fd = t->errors, .events = POLLIN};
	return (struct pollfd){.fd = STDERR_FILENO, .events = POLLOUT};
}

/* The last line that says something. */
static void
keep(struct tunnel *t, const char *bytes, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (bytes[i] != '\n' && t->len < sizeof(t->line) - 1)
			t->line[t->len++] = bytes[i];
		if (bytes[i] != '\n' || t->len == 0)
			continue;
		memcpy(t->last, t->line, t->len);
		t->last[t->len] = '\0';
		t->len = 0;
	}
}

void
tunnel_hear(struct tunnel *t)
{
	char bytes[PIPE_BUF];
	ssize_t n;

	if (!can_tell())
		return;
	do
		n = read(t->errors, bytes, sizeof(bytes));
	while (n == -1 && errno == EINTR);
	if (n > 0) {
		keep(t, bytes, (size_t)n);
		if (write(STDERR_FILENO, bytes, (size_t)n) == -1)
			return; /* nobody hears it */
	} else if (n == 0 || errno != EAGAIN) {
		close(t->errors);
		t->errors = -1;
	}
}

/* What it leaves running may have the pipe for as long as it likes. */
static void
hear_rest(struct tunnel *t)
{
	int i;

	for (i = 0; i < 16 && t->errors != -1; i++)
		tunnel_hear(t);
}

void
tunnel_close(struct tunnel *t, bool haste)
{
	if (t == NULL)
		return;
	if (t->process.pid != -1)
		process_end(&t->process, haste ? 0 : PATIENCE);
	hear_rest(t);
	if (t->errors != -1)
		close(t->errors);
	free(t);
}

void
tunnel_blame(struct tunnel *t, struct error *e)
{
	const struct error before = *e;
	int status;

	if (t->process.pid == -1)
		return;
	status = process_end(&t->process, PATIENCE);
	hear_rest(t);
	keep(t, "\n", 1);
	if (status == 0 && t->last[0] == '\0')
		return;
	error_clear(e);
	error_set(e, before.kind, NULL, "`connect-command' ended with %s%s%s",
	    process_words(status).words, t->last[0] == '\0' ? "" : ": ",
	    SHOWN(text_of(t->last)));
	error_hint(e, "see what the command does in a shell; it runs as "
		      "/bin/sh -c COMMAND, and its input and output are the "
		      "connection");
}
