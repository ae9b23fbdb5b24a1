#include "world/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "world/clock.h"
#include "world/file.h"
#include "world/signals.h"

#define ASKING "the terminal"

/* How it goes on; FAILED has an error. */
enum going { FAILED = -1, ON, ANSWERED, NOBODY };

struct terminal {
	int fd;
	const char *prompt;
	long long deadline;
	struct termios before;
	bool quiet; /* the terminal is not as it was before */
	struct signals signals;
	int caught; /* the signal that is to end us; 0: none */
	struct buf *typed;
};

static bool
is_ours(const struct terminal *t)
{
	return tcgetpgrp(t->fd) == getpgrp();
}

static void
say(const struct terminal *t, const char *words)
{
	file_write_until(t->fd, words, strlen(words), t->deadline);
}

/*
 * Without ICANON, in which a line has at most 4095 octets and the terminal's
 * own editing. TCSANOW, as to wait for the output would have no end at a
 * terminal that ^S has stopped.
 */
static int
silence(struct terminal *t, struct error *e)
{
	struct termios quiet;

	if (!t->quiet && tcgetattr(t->fd, &t->before) == -1)
		return error_set_sys(e, ERROR_SYSTEM, errno, ASKING, "termios");
	quiet = t->before;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON);
	quiet.c_lflag |= ISIG;
	quiet.c_cc[VMIN] = 1;
	quiet.c_cc[VTIME] = 0;
	if (tcsetattr(t->fd, TCSANOW, &quiet) == -1)
		return error_set_sys(e, ERROR_SYSTEM, errno, ASKING, "termios");
	t->quiet = true;
	tcflush(t->fd, TCIFLUSH);
	return 0;
}

/* Unless others have the terminal by now, and it their ways. */
static void
restore(struct terminal *t)
{
	if (t->quiet && is_ours(t)) {
		say(t, "\n");
		tcflush(t->fd, TCIFLUSH);
		tcsetattr(t->fd, TCSANOW, &t->before);
		t->quiet = false;
	}
}

/* As the signal would have had it; false where it stops nobody, as there is
 * none who could have us go on. */
static bool
stop(struct terminal *t, int number)
{
	sigset_t mask = t->signals.before;
	bool continued = false;
	int next;

	sigaddset(&mask, SIGCONT); /* by which we see that we were stopped */
	sigdelset(&mask, number);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	raise(number);
	sigprocmask(SIG_BLOCK, &t->signals.watched, NULL);
	while ((next = signals_next(&t->signals)) != 0) {
		continued |= next == SIGCONT;
		if (next != SIGCONT && next != SIGTSTP && next != SIGTTOU)
			t->caught = next;
	}
	return continued;
}

/* In the background we are stopped, as whoever reads there. */
static enum going
begin(struct terminal *t, struct error *e)
{
	buf_wipe(t->typed);
	while (!is_ours(t)) {
		if (!stop(t, SIGTTOU))
			return NOBODY;
	}
	if (silence(t, e) == -1)
		return FAILED;
	say(t, t->prompt);
	return ON;
}

static enum going
take_signal(struct terminal *t, struct error *e)
{
	int number = signals_next(&t->signals);

	if (number == SIGTSTP) {
		restore(t);
		stop(t, SIGTSTP);
	} else if (number != SIGCONT && number != SIGTTOU) {
		t->caught = number;
	}
	if (t->caught != 0) {
		error_set(e, ERROR_LATER, ASKING, "ended by a signal");
		return FAILED;
	}
	if (number == 0 || number == SIGTTOU)
		return ON;
	restore(t); /* a shell may have changed it meanwhile */
	return begin(t, e);
}

/* The last character, which in UTF-8 has octets that go on before. */
static void
erase(struct buf *typed)
{
	while (typed->len > 0 && (typed->at[typed->len - 1] & 0xc0) == 0x80)
		typed->len--;
	if (typed->len > 0)
		typed->len--;
}

static bool
is_key(const struct terminal *t, int key, char c)
{
	return t->before.c_cc[key] != _POSIX_VDISABLE &&
	       t->before.c_cc[key] == (cc_t)c;
}

static enum going
take_key(struct terminal *t, char c, struct error *e)
{
	if (c == '\n' || c == '\r')
		return ANSWERED;
	if (is_key(t, VEOF, c) && t->typed->len > 0)
		return ANSWERED;
	if (is_key(t, VEOF, c)) {
		error_set(e, ERROR_CONFIG, ASKING,
		    "its end was typed in place of a password");
		return FAILED;
	}
	if (is_key(t, VERASE, c))
		erase(t->typed);
	else if (is_key(t, VKILL, c) || is_key(t, VWERASE, c))
		t->typed->len = 0;
	else
		buf_add_char(t->typed, c);
	return ON;
}

static enum going
take_typed(struct terminal *t, struct error *e)
{
	enum going going = ON;
	char keys[256];
	ssize_t n, i;

	n = read(t->fd, keys, sizeof(keys));
	if (n == 0 || (n == -1 && errno != EAGAIN && errno != EINTR)) {
		error_set(e, ERROR_CONFIG, ASKING,
		    "it was closed before a password was typed");
		return FAILED;
	}
	for (i = 0; i < n && going == ON; i++)
		going = take_key(t, keys[i], e);
	explicit_bzero(keys, sizeof(keys));
	return going;
}

static enum going
go_on(struct terminal *t, struct error *e)
{
	struct pollfd polls[] = {{.fd = t->signals.fd, .events = POLLIN},
	    {.fd = t->fd, .events = POLLIN}};

	switch (clock_wait(polls, 2, t->deadline)) {
	case 0:
		error_set(e, ERROR_LATER, ASKING, CLOCK_OVER);
		return FAILED;
	case -1:
		error_set_sys(e, ERROR_SYSTEM, errno, ASKING, "poll");
		return FAILED;
	}
	if (polls[0].revents != 0)
		return take_signal(t, e);
	return polls[1].revents != 0 ? take_typed(t, e) : ON;
}

static enum going
follow(struct terminal *t, struct error *e)
{
	enum going going = begin(t, e);

	while (going == ON)
		going = go_on(t, e);
	restore(t);
	return going;
}

int
terminal_ask(
    const char *prompt, long long deadline, struct buf *out, struct error *e)
{
	static const int more[] = {SIGTSTP, SIGTTOU, SIGCONT};
	struct terminal t = {
	    .prompt = prompt, .deadline = deadline, .typed = out};
	enum going going = FAILED;

	t.fd = open("/dev/tty", O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (t.fd == -1)
		return 1;
	if (signals_watch(
		&t.signals, more, sizeof(more) / sizeof(more[0]), e) == 0) {
		going = follow(&t, e);
		signals_end(&t.signals);
	}
	close(t.fd);
	if (going != ANSWERED)
		buf_wipe(out);
	if (t.caught != 0)
		raise(t.caught);
	if (going == NOBODY)
		return 1;
	return going == ANSWERED ? 0 : -1;
}
