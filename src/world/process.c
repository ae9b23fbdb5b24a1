#include "world/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "world/clock.h"
#include "world/file.h"
#include "world/signals.h"

/* Milliseconds in which a command that is to end may put the terminal right. */
#define GRACE 500

/*
 * A command that asks at the terminal must be in the group that has it, or it
 * is stopped; it then also ends by the same ^C as we do. Otherwise a group of
 * its own makes sure that all of it ends with its time.
 */
bool
process_has_terminal(void)
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

/* In the process of the command: nothing of ours goes with it, nor what our
 * caller left open. */
static _Noreturn void
become(const struct process *p, const char *text,
    const struct process_ends *ends, char **environment)
{
	sigset_t none;
	int i;

	/* It ends with us where we are killed and can end nothing any more. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (p->grouped)
		setpgid(0, 0);
	for (i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (ends->errors != PROCESS_NONE)
		dup2(ends->errors, STDERR_FILENO);
	if (ends->input != PROCESS_NONE) {
		dup2(ends->input, STDIN_FILENO);
	} else {
		close(STDIN_FILENO);
		(void)open("/dev/null", O_RDONLY);
	}
	dup2(ends->output, STDOUT_FILENO);
	closefrom(STDERR_FILENO + 1);
	if (environment == NULL)
		execl("/bin/sh", "sh", "-c", text, (char *)NULL);
	else
		execle("/bin/sh", "sh", "-c", text, (char *)NULL, environment);
	_exit(127);
}

int
process_start(struct process *p, const char *text,
    const struct process_ends *ends, char **environment, struct error *e)
{
	p->grouped = !process_has_terminal();
	p->forced = false;
	p->pid = fork();
	if (p->pid == 0)
		become(p, text, ends, environment);
	if (p->pid == -1)
		return error_set_sys(e, ERROR_SYSTEM, errno, NULL, "fork");
	if (p->grouped)
		setpgid(p->pid, p->pid); /* whoever is first */
	return 0;
}

/* Its number, and that of its group, is nobody else's until it is waited for.
 * 0: a signal to us came first, which is put into *caught. */
static bool
has_ended(const struct process *p, const struct signals *s, long long limit,
    int *caught)
{
	siginfo_t ended;
	int number;

	for (;;) {
		while ((number = signals_next(s)) != 0)
			if (number != SIGCHLD)
				*caught = number;
		ended.si_pid = 0;
		waitid(
		    P_PID, (id_t)p->pid, &ended, WEXITED | WNOHANG | WNOWAIT);
		if (ended.si_pid != 0)
			return true;
		if (*caught != 0 || clock_wait_readable(s->fd, limit) != 1)
			return false;
	}
}

int
process_end(struct process *p, long long patience)
{
	static const int child = SIGCHLD;
	const pid_t target = p->grouped ? -p->pid : p->pid;
	int status = 0, caught = 0, again = 0;
	struct signals signals;
	struct error unused;

	error_clear(&unused);
	if (signals_watch(&signals, &child, 1, &unused) == 0) {
		if (!has_ended(p, &signals, clock_now() + patience, &caught)) {
			p->forced = true;
			kill(target, SIGTERM);
			has_ended(p, &signals, clock_now() + GRACE, &again);
		}
		signals_end(&signals);
	}
	kill(target, SIGKILL);
	while (waitpid(p->pid, &status, 0) == -1 && errno == EINTR)
		;
	p->pid = -1;
	if (caught != 0 || again != 0)
		raise(caught != 0 ? caught : again);
	return status;
}

static int
read_all(int fd, char *to, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while (len < size) {
		n = read(fd, to + len, size - len);
		if (n == 0 || (n == -1 && errno != EINTR))
			return -1;
		len += n == -1 ? 0 : (size_t)n;
	}
	return 0;
}

int
process_apart(void (*act)(void *arg, void *told), void *arg, void *told,
    size_t size, struct error *e)
{
	int ends[2], result;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) == -1)
		return error_set_sys(
		    e, ERROR_SYSTEM, errno, "start", "cannot make a pipe");
	pid = fork();
	if (pid == -1)
		error_set_sys(
		    e, ERROR_SYSTEM, errno, "start", "cannot make a process");
	if (pid == 0) {
		act(arg, told);
		_exit(file_write(ends[1], told, size) == -1);
	}
	close(ends[1]);
	result = pid == -1 ? -1 : read_all(ends[0], told, size);
	close(ends[0]);
	while (pid != -1 && waitpid(pid, NULL, 0) == -1 && errno == EINTR)
		;
	return result == 0 ? 0
			   : error_set(e, ERROR_SYSTEM, "start",
				 "a process of ours has died");
}

struct process_words
process_words(int status)
{
	struct process_words w;

	if (WIFSIGNALED(status))
		snprintf(w.words, sizeof(w.words), "signal %d (%s)",
		    WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(
		    w.words, sizeof(w.words), "status %d", WEXITSTATUS(status));
	return w;
}
