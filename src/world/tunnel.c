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

/* Octets that are read at a time: each may become four that are visible. */
#define TUNNEL_READ (PIPE_BUF / 4)

/* Octets of what the command says that go on to standard error. */
#define TUNNEL_TOLD 65536

/* Milliseconds for the command to end by itself when the connection has. */
#define PATIENCE 1000

struct tunnel {
	struct process process;
	int errors;
	char rest[4]; /* of a character that has not come whole */
	size_t rest_len;
	size_t told;	/* octets that went on */
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
keep(struct tunnel *t, struct text said)
{
	size_t i;

	for (i = 0; i < said.len; i++) {
		if (said.at[i] != '\n' && t->len < sizeof(t->line) - 1)
			t->line[t->len++] = said.at[i];
		if (said.at[i] != '\n' || t->len == 0)
			continue;
		memcpy(t->last, t->line, t->len);
		t->last[t->len] = '\0';
		t->len = 0;
	}
}

static void
tell(struct tunnel *t, struct text said)
{
	const struct text more =
	    TEXT("\n[`connect-command' says more, which is not shown]\n");

	if (t->told > TUNNEL_TOLD)
		return;
	t->told += said.len;
	if (t->told > TUNNEL_TOLD)
		said = more;
	if (write(STDERR_FILENO, said.at, said.len) == -1)
		return; /* nobody hears it */
}

/* What may go on: it is not a whole character yet, or a CR before its LF. */
static size_t
unfinished(struct text t)
{
	size_t len, wanted;
	unsigned char c;

	if (t.len > 0 && t.at[t.len - 1] == '\r')
		return 1;
	for (len = 1; len <= 3 && len <= t.len; len++) {
		c = (unsigned char)t.at[t.len - len];
		wanted = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
		if (c >= 0xc2)
			return len < wanted ? len : 0;
		if (c < 0x80)
			break;
	}
	return 0;
}

/* A stranger's words may be among them. Lines and tabs stay what they are. */
static void
add_visible(struct text said, struct buf *out)
{
	char shown[4 * TUNNEL_READ + 1];
	struct text part;
	size_t len;

	while (said.len > 0) {
		len = text_find(said, '\n');
		if (text_find(said, '\t') < len)
			len = text_find(said, '\t');
		part = text_first(said, len);
		if (len < said.len && said.at[len] == '\n' && len > 0 &&
		    part.at[len - 1] == '\r')
			part.len--;
		buf_add_string(out, text_visible(part, shown, sizeof(shown)));
		if (len < said.len)
			buf_add_char(out, said.at[len++]);
		said = text_skip(said, len);
	}
}

static void
pass_on(struct tunnel *t, struct text said)
{
	struct buf out;

	buf_init(&out, PIPE_BUF);
	add_visible(said, &out);
	keep(t, buf_text(&out));
	tell(t, buf_text(&out));
	buf_clear(&out);
}

static void
end_errors(struct tunnel *t)
{
	if (t->rest_len > 0 && can_tell())
		pass_on(t, (struct text){t->rest, t->rest_len});
	t->rest_len = 0;
	close(t->errors);
	t->errors = -1;
}

void
tunnel_hear(struct tunnel *t)
{
	char bytes[TUNNEL_READ];
	struct text said = {bytes, 0};
	ssize_t n;

	if (!can_tell())
		return;
	memcpy(bytes, t->rest, t->rest_len);
	do
		n = read(t->errors, bytes + t->rest_len,
		    sizeof(bytes) - t->rest_len);
	while (n == -1 && errno == EINTR);
	if (n > 0) {
		said.len = t->rest_len + (size_t)n;
		t->rest_len = unfinished(said);
		said.len -= t->rest_len;
		memcpy(t->rest, bytes + said.len, t->rest_len);
		pass_on(t, said);
	} else if (n == 0 || errno != EAGAIN) {
		end_errors(t);
	}
}

/* What it leaves running may have the pipe for as long as it likes. */
static void
hear_rest(struct tunnel *t)
{
	int i;

	for (i = 0; i < 64 && t->errors != -1; i++)
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
		end_errors(t);
	free(t);
}

/* How the command ended, where it was not to. */
static void
add_end(const struct tunnel *t, int status, struct buf *words)
{
	if (t->process.forced)
		buf_add_string(
		    words, "closed the connection, did not end, and was ended");
	else
		buf_format(words, "ended with %s", process_words(status).words);
	if (t->last[0] != '\0')
		buf_format(words, ": %s", SHOWN(text_of(t->last)));
	else
		buf_add_string(words, ", without a word");
}

void
tunnel_blame(struct tunnel *t, struct error *e)
{
	const struct error before = *e;
	struct buf words;
	int status;

	if (t->process.pid == -1)
		return;
	status = process_end(&t->process, PATIENCE);
	hear_rest(t);
	keep(t, TEXT("\n"));
	buf_init(&words, sizeof(e->text));
	add_end(t, status, &words);
	error_clear(e);
	error_set(
	    e, before.kind, NULL, "`connect-command' %s", buf_string(&words));
	buf_clear(&words);
	error_hint(e,
	    "%ssee what the command does in a shell; it runs as /bin/sh -c "
	    "COMMAND, and its input and output are the connection",
	    status == 0 && t->last[0] == '\0'
		? "the server may have closed the connection; or "
		: "");
}
