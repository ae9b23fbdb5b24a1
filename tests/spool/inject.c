/*
 * inject [-T ERRNO] [-t TRACE] RESULT N ACT PROGRAM [ARG ...]: runs PROGRAM up
 * to the N-th system call that it and its children make, counted from 1 behind
 * execve, and there does ACT:
 *
 *	none		nothing: counts
 *	before, after	kills the process that calls, before or after the call
 *	errno=E:NR	does not execute it: it fails with E, where its number
 *			is NR
 *	half		executes it with half the length, or half the vector
 *	hold		stops there, says so by a byte on descriptor 3, and goes
 *			on when one comes from descriptor 4
 *
 * RESULT gets one line: how many calls there were, whether ACT was done, to
 * which call, and the wait status. After LIMIT seconds it ends by SIGALRM, and
 * everybody with it. -T lets each open of an unnamed file fail with ERRNO.
 *TRACE gets each call as a struct called and what it read, wrote or named. Ends
 *as 77 where it knows no way into the processor.
 */
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/ptrace.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/user.h>
#include <unistd.h>

#define TASKS	   64
#define LIMIT	   60
#define SHOWN_READ 4096 /* octets of what was read that the trace keeps */

/* One call in the trace; `size' octets are behind it. */
struct called {
	int64_t n, pid, nr, args[6], result, size;
};

/* A process or thread, and the call it is in. */
struct task {
	pid_t pid;
	int error; /* that it gets instead of being executed */
	struct called called;
};

static struct task tasks[TASKS];
static const char *act;
static long n, calls, hit = -1;
static int no_unnamed;
static FILE *trace;

#ifdef __x86_64__

static void
poke(pid_t pid, size_t member, unsigned long long value)
{
	ptrace(PTRACE_POKEUSER, pid, member, value);
}

static void
set_call(pid_t pid, long long nr)
{
	poke(pid, offsetof(struct user_regs_struct, orig_rax),
	    (unsigned long long)nr);
}

static void
set_length(pid_t pid, uint64_t length)
{
	poke(pid, offsetof(struct user_regs_struct, rdx), length);
}

static void
set_result(pid_t pid, int error)
{
	poke(pid, offsetof(struct user_regs_struct, rax),
	    (unsigned long long)-error);
}

static struct task *
task_of(pid_t pid)
{
	struct task *t = tasks;

	while (t->pid != pid && t->pid != 0)
		if (++t == tasks + TASKS)
			abort();
	return t;
}

static size_t
peek(pid_t pid, int64_t at, void *to, size_t size)
{
	struct iovec local = {to, size}, remote = {(void *)at, size};
	ssize_t got = process_vm_readv(pid, &local, 1, &remote, 1, 0);

	return got < 0 ? 0 : (size_t)got;
}

/* By pieces that lie in one page: what is behind may not be there. */
static size_t
peek_string(pid_t pid, int64_t at, char *to, size_t size)
{
	size_t len = 0, got, part;
	char *end = NULL;

	do {
		part = 256 - (size_t)(at + (int64_t)len) % 256;
		part = part < size - 1 - len ? part : size - 1 - len;
		got = peek(pid, at + (int64_t)len, to + len, part);
		end = memchr(to + len, '\0', got);
		len += got;
	} while (end == NULL && got > 0);
	if (end != NULL)
		len = (size_t)(end - to);
	to[len] = '\0';
	return len + 1;
}

static size_t
peek_vector(pid_t pid, const struct called *c, char *to, size_t size)
{
	struct iovec v[16];
	size_t len = 0, left = (size_t)c->result;
	size_t count = peek(pid, c->args[1], v, sizeof(v)) / sizeof(v[0]);

	for (size_t i = 0; i < count && (int64_t)i < c->args[2] && left > 0;
	     i++) {
		size_t part = v[i].iov_len < left ? v[i].iov_len : left;

		if (part > size - len)
			break;
		len += peek(
		    pid, (int64_t)(uintptr_t)v[i].iov_base, to + len, part);
		left -= part;
	}
	return len;
}

/* What the call read, wrote or named. */
static size_t
substance(pid_t pid, const struct called *c, char *to, size_t size)
{
	size_t done = c->result > 0 ? (size_t)c->result : 0, len;

	switch (c->nr) {
	case SYS_openat:
	case SYS_unlinkat:
	case SYS_newfstatat:
		return peek_string(pid, c->args[1], to, size);
	case SYS_open:
	case SYS_unlink:
		return peek_string(pid, c->args[0], to, size);
	case SYS_linkat:
	case SYS_renameat:
	case SYS_renameat2:
		len = peek_string(pid, c->args[1], to, size);
		return len + peek_string(pid, c->args[3], to + len, size - len);
	case SYS_write:
	case SYS_pwrite64:
	case SYS_sendto:
		return peek(pid, c->args[1], to, done < size ? done : size);
	case SYS_writev:
	case SYS_pwritev:
		return done == 0 ? 0 : peek_vector(pid, c, to, size);
	case SYS_read:
	case SYS_recvfrom:
		return peek(
		    pid, c->args[1], to, done < SHOWN_READ ? done : SHOWN_READ);
	default:
		return 0;
	}
}

static void
write_trace(struct task *t)
{
	static char bytes[1 << 21];

	if (trace == NULL)
		return;
	t->called.size =
	    (int64_t)substance(t->pid, &t->called, bytes, sizeof(bytes));
	fwrite(&t->called, sizeof(t->called), 1, trace);
	fwrite(bytes, 1, (size_t)t->called.size, trace);
}

/* The only piece of a message, which the caller does not look at again. */
static bool
halve_message(struct task *t)
{
	struct msghdr m;
	struct iovec piece, local = {&piece, sizeof(piece)}, remote = local;

	if (peek(t->pid, t->called.args[1], &m, sizeof(m)) != sizeof(m) ||
	    m.msg_iovlen != 1)
		return false;
	remote.iov_base = m.msg_iov;
	if (process_vm_readv(t->pid, &local, 1, &remote, 1, 0) < 0 ||
	    piece.iov_len < 2)
		return false;
	piece.iov_len = (piece.iov_len + 1) / 2;
	return process_vm_writev(t->pid, &local, 1, &remote, 1, 0) > 0;
}

static bool
halve(struct task *t)
{
	const struct called *c = &t->called;

	switch (c->nr) {
	case SYS_read:
	case SYS_write:
	case SYS_pread64:
	case SYS_pwrite64:
	case SYS_recvfrom:
	case SYS_sendto:
	case SYS_readv:
	case SYS_writev:
	case SYS_pwritev:
		if (c->args[2] < 2)
			return false;
		set_length(t->pid, (uint64_t)(c->args[2] + 1) / 2);
		return true;
	case SYS_sendmsg:
		return halve_message(t);
	default:
		return false;
	}
}

static bool
opens_unnamed(const struct called *c)
{
	return c->nr == SYS_openat && (c->args[2] & O_TMPFILE) == O_TMPFILE;
}

static void
hold(void)
{
	char byte = 'h';

	if (write(3, &byte, 1) != 1 || read(4, &byte, 1) != 1)
		_exit(2);
}

/* Does what is to be done before the call; false: it cannot be. */
static bool
strike(struct task *t)
{
	int error;
	long nr;

	if (sscanf(act, "errno=%d:%ld", &error, &nr) == 2) {
		t->error = t->called.nr == nr ? error : 0;
		return t->error != 0;
	}
	if (strcmp(act, "half") == 0)
		return halve(t);
	if (strcmp(act, "hold") == 0)
		hold();
	if (strcmp(act, "before") == 0) {
		set_call(t->pid, -1);
		kill(t->pid, SIGKILL);
		write_trace(t);
	}
	return strcmp(act, "none") != 0;
}

static void
enter(struct task *t)
{
	const struct called *c = &t->called;

	t->error = no_unnamed != 0 && opens_unnamed(c) ? no_unnamed : 0;
	if (c->n == n && strike(t))
		hit = c->nr;
	if (t->error != 0)
		set_call(t->pid, -1);
}

static void
leave(struct task *t, int64_t result)
{
	if (t->error != 0)
		set_result(t->pid, t->error);
	t->called.result = t->error != 0 ? -t->error : result;
	write_trace(t);
	if (t->called.n == n && strcmp(act, "after") == 0)
		kill(t->pid, SIGKILL);
}

static void
step(struct task *t)
{
	struct ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, t->pid, sizeof(info), &info) < 0)
		return;
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
		t->called = (struct called){
		    .n = ++calls, .pid = t->pid, .nr = (int64_t)info.entry.nr};
		memcpy(t->called.args, info.entry.args, sizeof(t->called.args));
		enter(t);
	} else if (info.op == PTRACE_SYSCALL_INFO_EXIT && t->called.n > 0)
		leave(t, info.exit.rval);
}

/* Returns the signal that the task is to get. */
static int
stopped(pid_t pid, int status)
{
	struct task *t = task_of(pid);
	int signal = WSTOPSIG(status);

	if (t->pid == 0) { /* a child's first stop */
		t->pid = pid;
		return signal == SIGSTOP ? 0 : signal;
	}
	if (signal == (SIGTRAP | 0x80)) {
		step(t);
		return 0;
	}
	return status >> 16 != 0 ? 0 : signal;
}

/* Until everybody has ended; returns how the first one did. */
static int
follow(pid_t first)
{
	int status, end = 0;
	pid_t pid;

	while ((pid = wait4(-1, &status, __WALL, NULL)) > 0 || errno == EINTR) {
		if (pid < 0)
			continue;
		if (WIFSTOPPED(status)) {
			int signal = stopped(pid, status);

			ptrace(PTRACE_SYSCALL, pid, 0, signal);
		} else if (pid == first)
			end = status;
	}
	return end;
}

static pid_t
start(char **argv)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		execv(argv[0], argv);
		_exit(127);
	}
	/* The first stop is behind execve. */
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		exit(2);
	tasks[0].pid = pid;
	if (ptrace(PTRACE_SETOPTIONS, pid, 0,
		PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL | PTRACE_O_TRACEFORK |
		    PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
		    PTRACE_O_TRACEEXEC) < 0)
		exit(2);
	ptrace(PTRACE_SYSCALL, pid, 0, 0);
	return pid;
}

int
main(int argc, char **argv)
{
	int status;
	FILE *f;

	for (argv++, argc--; argc > 5 && argv[0][0] == '-';
	     argv += 2, argc -= 2)
		if (argv[0][1] == 'T')
			no_unnamed = atoi(argv[1]);
		else if ((trace = fopen(argv[1], "we")) == NULL)
			return 2;
	if (argc < 4)
		return 2;
	n = atol(argv[1]);
	act = argv[2];
	alarm(LIMIT);
	status = follow(start(argv + 3));
	if ((f = fopen(argv[0], "we")) == NULL)
		return 2;
	fprintf(f, "%ld %ld %d\n", calls, hit, status);
	if (fclose(f) != 0 || (trace != NULL && fclose(trace) != 0))
		return 2;
	return 0;
}

#else

int
main(void)
{
	return 77;
}

#endif
