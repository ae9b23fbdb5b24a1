#include "world/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <readpassphrase.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "world/clock.h"
#include "world/file.h"

#define RUNNING "password-command"

/* A password-command that runs. */
struct command {
	const char *text;
	pid_t pid;
	int output;
	bool grouped; /* in a process group of its own */
	long long deadline;
	bool hurried; /* the deadline is the mail's */
};

/*
 * Whether somebody at the terminal started us. A command that asks there must
 * be in the group that has the terminal, or it is stopped; it then also ends
 * by the same ^C as we do. Otherwise a group of its own makes sure that all
 * of it ends with its time.
 */
static bool
has_terminal(void)
{
	bool ours;
	int fd;

	fd = open("/dev/tty", O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fd == -1)
		return false;
	ours = tcgetpgrp(fd) == getpgrp();
	close(fd);
	return ours;
}

/* In the process of the command: nothing of ours goes with it but standard
 * error and the environment, nor what our caller left open. */
static _Noreturn void
become(const struct command *c, int output)
{
	sigset_t none;
	int i;

	if (c->grouped)
		setpgid(0, 0);
	for (i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	close(STDIN_FILENO);
	(void)open("/dev/null", O_RDONLY);
	dup2(output, STDOUT_FILENO);
	closefrom(STDERR_FILENO + 1);
	execl("/bin/sh", "sh", "-c", c->text, (char *)NULL);
	_exit(127);
}

static int
start(struct command *c, struct error *e)
{
	int ends[2];

	c->grouped = !has_terminal();
	if (pipe2(ends, O_CLOEXEC) == -1)
		return error_set_sys(e, ERROR_SYSTEM, errno, RUNNING, "pipe");
	c->output = ends[0];
	c->pid = fork();
	if (c->pid == 0)
		become(c, ends[1]);
	close(ends[1]);
	if (c->pid == -1) {
		error_set_sys(e, ERROR_SYSTEM, errno, RUNNING, "fork");
		close(c->output);
		return -1;
	}
	if (c->grouped)
		setpgid(c->pid, c->pid); /* whoever is first */
	return 0;
}

static int
too_slow(const struct command *c, struct error *e)
{
	if (c->hurried)
		return error_set(e, ERROR_LATER, RUNNING, CLOCK_OVER);
	return error_set(e, ERROR_CONFIG, RUNNING,
	    "not finished after %d seconds", SECRET_COMMAND_SECONDS);
}

/* Reads to the end; what does not fit is read and forgotten, so that the
 * command is not killed for being talkative. */
static int
read_output(struct command *c, struct buf *out, struct error *e)
{
	char chunk[4096];
	size_t room;
	ssize_t n;
	int ready;

	do {
		ready = clock_wait_readable(c->output, c->deadline);
		if (ready == 0)
			return too_slow(c, e);
		n = ready == -1 ? -1 : read(c->output, chunk, sizeof(chunk));
		if (n == -1 && errno != EINTR)
			return error_set_sys(e, ERROR_SYSTEM, errno, RUNNING,
			    "reading its output");
		room = out->max - out->len;
		if (n > 0)
			buf_add(
			    out, chunk, (size_t)n < room ? (size_t)n : room);
		explicit_bzero(chunk, sizeof(chunk));
	} while (n != 0);
	return 0;
}

/* waitpid(2) with a time limit: SIGCHLD is blocked and so stays pending until
 * sigtimedwait(2) takes it. */
static int
wait_end(struct command *c, int *status, struct error *e)
{
	struct timespec left;
	long long ms;
	sigset_t child;
	pid_t ended;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	while ((ended = waitpid(c->pid, status, WNOHANG)) != c->pid) {
		if (ended == -1 && errno != EINTR)
			return error_set_sys(
			    e, ERROR_SYSTEM, errno, RUNNING, "waitpid");
		ms = c->deadline - clock_now();
		if (ms <= 0)
			return too_slow(c, e);
		left.tv_sec = (time_t)(ms / 1000);
		left.tv_nsec = (long)(ms % 1000) * 1000000;
		sigtimedwait(&child, NULL, &left);
	}
	c->pid = -1;
	return 0;
}

static void
end(struct command *c)
{
	close(c->output);
	if (c->pid == -1)
		return;
	kill(c->grouped ? -c->pid : c->pid, SIGKILL);
	while (waitpid(c->pid, NULL, 0) == -1 && errno == EINTR)
		;
}

static int
check_status(int status, struct error *e)
{
	if (WIFSIGNALED(status))
		return error_set(e, ERROR_CONFIG, RUNNING,
		    "ended by signal %d (%s)", WTERMSIG(status),
		    strsignal(WTERMSIG(status)));
	if (WEXITSTATUS(status) != 0)
		return error_set(e, ERROR_CONFIG, RUNNING,
		    "ended with status %d", WEXITSTATUS(status));
	return 0;
}

static int
run(struct command *c, struct buf *out, struct error *e)
{
	int result, status;

	if (start(c, e) == -1)
		return -1;
	result = read_output(c, out, e);
	if (result == 0)
		result = wait_end(c, &status, e);
	if (result == 0)
		result = check_status(status, e);
	end(c);
	return result;
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
	struct sigaction watch, old_action;
	sigset_t child, old_mask;
	int status;

	memset(&watch, 0, sizeof(watch));
	watch.sa_handler = no_act;
	sigemptyset(&watch.sa_mask);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, &old_mask);
	sigaction(SIGCHLD, &watch, &old_action);
	status = run(c, out, e);
	sigprocmask(SIG_SETMASK, &old_mask, NULL);
	sigaction(SIGCHLD, &old_action, NULL);
	return status;
}

static int
add(struct text secret, const char *doing, const char *what, struct buf *out,
    struct error *e)
{
	if (secret.len == 0)
		return error_set(e, ERROR_CONFIG, doing, "%s is empty", what);
	if (buf_add_text(out, secret) == -1)
		return error_set(e, ERROR_CONFIG, doing,
		    "%s is longer than %zu bytes", what, out->max);
	return 0;
}

static int
add_first_line(const char *doing, const struct buf *whole, struct buf *out,
    struct error *e)
{
	struct text rest = buf_text(whole), line = {NULL, 0};

	text_next_line(&rest, &line);
	return add(line, doing, "its first line", out, e);
}

static int
read_command(
    const char *text, long long deadline, struct buf *out, struct error *e)
{
	struct command c = {.text = text,
	    .deadline =
		clock_earlier(deadline, clock_in(SECRET_COMMAND_SECONDS))};
	struct buf whole;
	int status;

	c.hurried = c.deadline == deadline;
	buf_init(&whole, SECRET_MAX + 2);
	status = run_watched(&c, &whole, e);
	if (status == 0)
		status = add_first_line(RUNNING, &whole, out, e);
	buf_wipe(&whole);
	if (status == -1)
		error_hint(e, "see what the command does in a shell; it runs "
			      "as /bin/sh -c COMMAND with nothing to read");
	return status;
}

static int
read_file(const char *path, struct buf *out, struct error *e)
{
	struct buf whole;
	int status;

	buf_init(&whole, SECRET_MAX + 2);
	status = file_read(path, ACCESS_SECRET, &whole, NULL, e);
	if (status == 0)
		status = add_first_line("password-file", &whole, out, e);
	buf_wipe(&whole);
	/* A missing file is a wrong account here, not a missing input. */
	if (e->kind == ERROR_INPUT) {
		e->kind = ERROR_CONFIG;
		error_hint(e, "write the password into this file, mode 0600, "
			      "or name another one");
	}
	if (status == -1 && e->doing == NULL)
		e->doing = "password-file";
	return status;
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
ask_terminal(const char *user, struct buf *out, struct error *e)
{
	char prompt[180], typed[1024];
	int status;

	snprintf(
	    prompt, sizeof(prompt), "Password of %s: ", SHOWN(text_of(user)));
	if (readpassphrase(prompt, typed, sizeof(typed), RPP_REQUIRE_TTY) ==
	    NULL)
		status = none_named(e);
	else
		status =
		    add(text_of(typed), NULL, "the password typed", out, e);
	explicit_bzero(typed, sizeof(typed));
	return status;
}

int
secret_read(const struct account *a, bool ask, long long deadline,
    struct buf *out, struct error *e)
{
	if (a->user == NULL)
		return 0;
	switch (a->secret.source) {
	case SECRET_NONE:
		return ask ? ask_terminal(a->user, out, e) : none_named(e);
	case SECRET_VALUE:
		return add(text_of(a->secret.text), "password", "it", out, e);
	case SECRET_FILE:
		return read_file(a->secret.text, out, e);
	case SECRET_COMMAND:
		return read_command(a->secret.text, deadline, out, e);
	}
	return none_named(e);
}
