#include "world/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "world/clock.h"
#include "world/file.h"
#include "world/host.h"
#include "world/process.h"
#include "world/signals.h"
#include "world/terminal.h"

#define RUNNING	    "password-command"
#define REFUSED	    "SENDLING_TOKEN_REFUSED=1"
#define CREDENTIAL  "password-credential"
#define CREDENTIALS "CREDENTIALS_DIRECTORY"

/* A password-command that runs. */
struct command {
	const char *text;
	struct process process; /* no pid: it has ended, with: */
	int status;
	int output;
	struct signals signals; /* that it has ended, or that we are to, by: */
	int caught;		/* the number of that signal; 0: none */
	long long deadline;
	bool hurried;	    /* the deadline is the mail's */
	char **environment; /* made before fork(2) */
};

static int
start(struct command *c, struct error *e)
{
	struct process_ends given = {PROCESS_NONE, 0, PROCESS_NONE};
	int ends[2], result;

	if (pipe2(ends, O_CLOEXEC) == -1)
		return error_set_sys(e, ERROR_SYSTEM, errno, RUNNING, "pipe");
	c->output = ends[0];
	given.output = ends[1];
	result = process_start(&c->process, c->text, &given, c->environment, e);
	close(ends[1]);
	if (result == 0)
		return 0;
	e->doing = RUNNING;
	close(c->output);
	return -1;
}

static int
too_slow(const struct command *c, struct error *e)
{
	if (c->hurried)
		return error_set(e, ERROR_LATER, RUNNING, CLOCK_OVER);
	return error_set(e, ERROR_CONFIG, RUNNING,
	    "not finished after %d seconds", SECRET_COMMAND_SECONDS);
}

/* Some of the output; what does not fit is read and forgotten, so that the
 * command is not killed for being talkative. Returns 0 at its end. */
static ssize_t
read_output(struct command *c, struct buf *out, struct error *e)
{
	char chunk[4096];
	size_t room = out->max - out->len;
	ssize_t n;

	do
		n = read(c->output, chunk, sizeof(chunk));
	while (n == -1 && errno == EINTR);
	if (n > 0)
		buf_add(out, chunk, (size_t)n < room ? (size_t)n : room);
	else if (n == -1)
		error_set_sys(
		    e, ERROR_SYSTEM, errno, RUNNING, "reading its output");
	explicit_bzero(chunk, sizeof(chunk));
	return n;
}

static int
take_signal(struct command *c, struct error *e)
{
	int number = signals_next(&c->signals);

	if (number != 0 && number != SIGCHLD) {
		c->caught = number;
		return error_set(e, ERROR_LATER, RUNNING, "ended by a signal");
	}
	if (number != 0 &&
	    waitpid(c->process.pid, &c->status, WNOHANG) == c->process.pid)
		c->process.pid = -1;
	return 0;
}

/* What it wrote before it ended: somebody else may have the pipe, and write to
 * it without end, so no more than its first line. */
static int
read_rest(struct command *c, struct buf *out, struct error *e)
{
	ssize_t n = 1;

	while (n > 0 && out->len < out->max &&
	       text_find(buf_text(out), '\n') == out->len &&
	       clock_wait_readable(c->output, 0) == 1)
		n = read_output(c, out, e);
	return n == -1 ? -1 : 0;
}

/* Until the command itself has ended: what it leaves behind delays nobody. */
static int
follow(struct command *c, struct buf *out, struct error *e)
{
	struct pollfd polls[] = {{.fd = c->signals.fd, .events = POLLIN},
	    {.fd = c->output, .events = POLLIN}};
	ssize_t n = 0;
	int ready;

	while (c->process.pid != -1) {
		ready = clock_wait(polls, 2, c->deadline);
		if (ready == 0)
			return too_slow(c, e);
		if (ready == -1)
			return error_set_sys(
			    e, ERROR_SYSTEM, errno, RUNNING, "poll");
		if (polls[1].revents != 0) {
			n = read_output(c, out, e);
			if (n == -1)
				return -1;
			if (n == 0)
				polls[1].fd = -1;
		}
		if (polls[0].revents != 0 && take_signal(c, e) == -1)
			return -1;
	}
	return polls[1].fd == -1 ? 0 : read_rest(c, out, e);
}

static void
end(struct command *c)
{
	close(c->output);
	if (c->process.pid != -1)
		process_end(&c->process, 0);
}

static int
check_status(int status, struct error *e)
{
	if (WIFSIGNALED(status))
		return error_set(e, ERROR_CONFIG, RUNNING,
		    "ended by signal %d (%s)", WTERMSIG(status),
		    strsignal(WTERMSIG(status)));
	if (WEXITSTATUS(status) != 0)
		return error_set(e,
		    WEXITSTATUS(status) == error_status(ERROR_LATER)
			? ERROR_LATER
			: ERROR_CONFIG,
		    RUNNING, "ended with status %d", WEXITSTATUS(status));
	return 0;
}

static int
run(struct command *c, struct buf *out, struct error *e)
{
	int result;

	if (start(c, e) == -1)
		return -1;
	result = follow(c, out, e);
	end(c);
	return result == -1 ? -1 : check_status(c->status, e);
}

static void
no_act(int signal_number)
{
	(void)signal_number;
}

/* An ignored SIGCHLD would reap the command before we learn its status. */
static int
run_watched(struct command *c, struct buf *out, struct error *e)
{
	static const int child = SIGCHLD;
	struct sigaction watch, before;
	int result;

	memset(&watch, 0, sizeof(watch));
	watch.sa_handler = no_act;
	sigemptyset(&watch.sa_mask);
	sigaction(SIGCHLD, &watch, &before);
	result = signals_watch(&c->signals, &child, 1, e);
	if (result == 0) {
		result = run(c, out, e);
		signals_end(&c->signals);
	}
	sigaction(SIGCHLD, &before, NULL);
	return result;
}

static int
add(struct text secret, const char *doing, const char *what, struct buf *out,
    struct error *e)
{
	if (secret.len == 0)
		return error_set(e, ERROR_CONFIG, doing, "%s is empty", what);
	if (text_find(secret, '\0') < secret.len) {
		error_set(e, ERROR_CONFIG, doing, "%s holds a NUL byte", what);
		return error_hint(e, "a password is plain text, in UTF-8 and "
				     "not in UTF-16");
	}
	if (buf_add_text(out, secret) == -1)
		return error_set(e, ERROR_CONFIG, doing,
		    "%s is longer than %zu bytes", what, out->max);
	return 0;
}

static int
add_first_line(const char *doing, const char *what, const struct buf *whole,
    struct buf *out, struct error *e)
{
	struct text rest = buf_text(whole), line = {NULL, 0};

	text_next_line(&rest, &line);
	return add(line, doing, what, out, e);
}

static int
read_command(const char *text, bool refused, long long deadline,
    struct buf *out, struct error *e)
{
	struct command c = {.text = text,
	    .deadline =
		clock_earlier(deadline, clock_in(SECRET_COMMAND_SECONDS))};
	struct buf whole;
	int status;

	c.hurried = c.deadline == deadline;
	c.environment = host_new_environment(REFUSED, refused);
	buf_init(&whole, SECRET_MAX + 2);
	status = run_watched(&c, &whole, e);
	if (status == 0)
		status =
		    add_first_line(RUNNING, "its first line", &whole, out, e);
	buf_wipe(&whole);
	free(c.environment);
	if (c.caught != 0)
		raise(c.caught); /* as if it had come now */
	if (status == -1)
		error_hint(e, "see what the command does in a shell; it runs "
			      "as /bin/sh -c COMMAND with nothing to read");
	return status;
}

/* systemd.exec(5): the folder is the service's own, and named to it alone. */
static int
find_credential(const char *name, struct buf *path, struct error *e)
{
	const char *folder = host_environment(CREDENTIALS);
	struct text_shown shown = text_shown(text_of(name));

	if (folder != NULL && folder[0] == '/') {
		buf_format(path, "%s/%s", folder, name);
		return 0;
	}
	error_set(e, ERROR_CONFIG, CREDENTIAL,
	    "$" CREDENTIALS " %s, and so `%s' is not to be found",
	    folder == NULL ? "is not set" : "is no whole path", shown.words);
	return error_hint(e,
	    "systemd sets it for a service that has a line like: "
	    "LoadCredential=%s:/etc/sendling.password",
	    shown.words);
}

/* A missing file is a wrong account here, not a missing input. */
static int
lack_file(bool credential, struct error *e)
{
	e->kind = ERROR_CONFIG;
	if (credential)
		return error_hint(e, "write the ID of a credential that the "
				     "unit of this service loads");
	return error_hint(e, "write the password into this file, mode 0600, "
			     "or name another one");
}

/* The first line of the file of a secret that is one; path is filled in. */
static int
read_file(const struct account_secret *s, struct buf *path, struct stat *st,
    struct buf *out, struct error *e)
{
	const bool credential = s->source == SECRET_CREDENTIAL;
	const char *doing = credential ? CREDENTIAL : "password-file";
	struct buf whole;
	char what[200];
	int status;

	if (!credential)
		buf_add_string(path, s->text);
	else if (find_credential(s->text, path, e) == -1)
		return -1;
	snprintf(
	    what, sizeof(what), "%s: its first line", SHOWN(buf_text(path)));
	buf_init(&whole, SECRET_MAX + 2);
	status = file_read(buf_string(path), ACCESS_SECRET, &whole, st, e);
	if (status == 0)
		status = add_first_line(doing, what, &whole, out, e);
	buf_wipe(&whole);
	if (e->kind == ERROR_INPUT)
		lack_file(credential, e);
	if (status == 0)
		return 0;
	error_hint(e, "write the password into the first line of a file, mode "
		      "0600, and name it");
	if (e->doing == NULL)
		e->doing = doing;
	return -1;
}

static int
none_named(struct error *e)
{
	error_set(e, ERROR_CONFIG, NULL,
	    "the account has a user and no "
	    "password");
	return error_hint(
	    e, "write `password-file PATH' or `password-command COMMAND'");
}

static int
ask_terminal(
    const char *user, long long deadline, struct buf *out, struct error *e)
{
	struct buf typed;
	char prompt[180];
	int status;

	snprintf(
	    prompt, sizeof(prompt), "Password of %s: ", SHOWN(text_of(user)));
	buf_init(&typed, SECRET_MAX + 1);
	status = terminal_ask(prompt, deadline, &typed, e);
	if (status == 1)
		status = none_named(e);
	else if (status == 0)
		status =
		    add(buf_text(&typed), NULL, "the password typed", out, e);
	else if (e->kind == ERROR_CONFIG)
		error_hint(e, "type it, or write `password-file PATH' or "
			      "`password-command COMMAND'");
	buf_wipe(&typed);
	return status;
}

int
secret_read(const struct account *a, bool ask, long long deadline,
    struct buf *out, struct error *e)
{
	struct buf path;
	int status;

	if (!account_wants_secret(a))
		return 0;
	switch (a->secret.source) {
	case SECRET_NONE:
		return ask ? ask_terminal(a->user, deadline, out, e)
			   : none_named(e);
	case SECRET_VALUE:
		return add(text_of(a->secret.text), "password", "it", out, e);
	case SECRET_FILE:
	case SECRET_CREDENTIAL:
		buf_init(&path, SIZE_MAX / 4);
		status = read_file(&a->secret, &path, NULL, out, e);
		buf_clear(&path);
		return status;
	case SECRET_COMMAND:
		return read_command(a->secret.text, false, deadline, out, e);
	}
	return none_named(e);
}

bool
secret_renews(const struct account *a)
{
	return a->secret.source == SECRET_COMMAND && account_has_token(a);
}

int
secret_renew(const struct account *a, long long deadline, struct buf *token,
    struct error *e)
{
	struct buf fresh;
	int status;

	buf_init(&fresh, SECRET_MAX);
	status = read_command(a->secret.text, true, deadline, &fresh, e);
	if (status == 0 && text_equal(buf_text(&fresh), buf_text(token)))
		status = error_set(
		    e, ERROR_DENIED, RUNNING, "it prints the same token again");
	if (status == 0) {
		buf_wipe(token);
		buf_add_text(token, buf_text(&fresh));
	}
	buf_wipe(&fresh);
	return status;
}

static int
check_file(
    const struct account_secret *s, struct notes *remarks, struct error *e)
{
	struct buf password, path;
	const char *odd;
	struct stat st;
	int status;

	buf_init(&password, SECRET_MAX);
	buf_init(&path, SIZE_MAX / 4);
	status = read_file(s, &path, &st, &password, e);
	if (status == 0) {
		odd = account_odd(buf_text(&password));
		if (odd != NULL)
			notes_add(remarks, "%s: the password: %s",
			    buf_string(&path), odd);
		access_remark(buf_string(&path), ACCESS_SECRET, &st, remarks);
	}
	buf_wipe(&password);
	buf_clear(&path);
	return status;
}

int
secret_check(const struct account *a, struct notes *remarks, struct error *e)
{
	switch (a->secret.source) {
	case SECRET_CREDENTIAL:
		if (host_environment(CREDENTIALS) != NULL)
			return check_file(&a->secret, remarks, e);
		notes_add(remarks,
		    "`" CREDENTIAL " %s' is there for its service only and was "
		    "not looked at",
		    SHOWN(text_of(a->secret.text)));
		return 0;
	case SECRET_FILE:
		return check_file(&a->secret, remarks, e);
	case SECRET_NONE:
	case SECRET_VALUE:
	case SECRET_COMMAND:
		break;
	}
	return 0;
}
