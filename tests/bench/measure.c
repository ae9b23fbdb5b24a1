/*
 * Runs a command and says what it took: wall microseconds, CPU microseconds
 * (user and system), peak resident KiB, exit status. In C and small, since the
 * peak of a child includes what its parent had when it forked.
 *
 *	measure COMMAND [ARGUMENT ...]
 *
 * The figures go to standard output, what the command prints there nowhere.
 */

#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (long long)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static long long
microseconds(struct timeval t)
{
	return (long long)t.tv_sec * 1000000 + t.tv_usec;
}

int
main(int argc, char **argv)
{
	struct rusage used;
	long long start;
	int nowhere, status;
	pid_t pid;

	if (argc < 2)
		errx(64, "usage: measure COMMAND [ARGUMENT ...]");
	nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
	start = now();
	pid = vfork();
	if (pid == 0) {
		dup2(nowhere, STDOUT_FILENO);
		execvp(argv[1], argv + 1);
		_exit(127);
	}
	if (pid == -1 || wait4(pid, &status, 0, &used) != pid)
		err(71, "%s", argv[1]);
	printf("%lld %lld %ld %d\n", now() - start,
	    microseconds(used.ru_utime) + microseconds(used.ru_stime),
	    used.ru_maxrss,
	    WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	return 0;
}
