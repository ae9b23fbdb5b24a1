#include "world/signals.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/signalfd.h>
#include <unistd.h>

static bool
would_end_us(int number, const sigset_t *blocked)
{
	struct sigaction action;

	return sigaction(number, NULL, &action) == 0 &&
	       action.sa_handler != SIG_IGN && !sigismember(blocked, number);
}

int
signals_watch(struct signals *s, const int *more, size_t count, struct error *e)
{
	static const int ending[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};
	size_t i;

	sigprocmask(SIG_BLOCK, NULL, &s->before);
	sigemptyset(&s->watched);
	for (i = 0; i < sizeof(ending) / sizeof(ending[0]); i++)
		if (would_end_us(ending[i], &s->before))
			sigaddset(&s->watched, ending[i]);
	for (i = 0; i < count; i++)
		sigaddset(&s->watched, more[i]);
	s->fd = signalfd(-1, &s->watched, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->fd == -1)
		return error_set_sys(e, ERROR_SYSTEM, errno, NULL, "signalfd");
	sigprocmask(SIG_BLOCK, &s->watched, NULL);
	return 0;
}

int
signals_next(const struct signals *s)
{
	struct signalfd_siginfo info;

	if (read(s->fd, &info, sizeof(info)) != sizeof(info))
		return 0;
	return (int)info.ssi_signo;
}

void
signals_end(struct signals *s)
{
	close(s->fd);
	sigprocmask(SIG_SETMASK, &s->before, NULL);
}
