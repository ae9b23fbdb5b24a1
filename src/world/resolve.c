#include "world/resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "world/clock.h"
#include "world/file.h"

/* Of more addresses than that nobody waits for the last. */
#define RESOLVE_MAX 64

/* Goes from process to process as it is: the strings that an error points to
 * are in the same place here and there. */
struct answer {
	struct error e; /* why there are no addresses */
	size_t count;
	struct net_address list[RESOLVE_MAX];
};

struct resolve {
	const struct smarthost *smarthost;
	enum account_family family;
	pid_t pid;     /* of the process that asks, or -1 */
	int pipe;      /* from it */
	bool answered; /* the answer is here */
	struct answer answer;
	struct net_addresses addresses; /* of the answer */
};

static void
look_up(struct resolve *r)
{
	struct net_addresses found;

	net_resolve(r->smarthost, r->family, &found, &r->answer.e);
	r->answer.count = found.count < RESOLVE_MAX ? found.count : RESOLVE_MAX;
	if (found.count > 0)
		memcpy(r->answer.list, found.list,
		    r->answer.count * sizeof(*found.list));
	net_clear(&found);
	r->answered = true;
}

/* The process: it keeps no descriptor but the way for its answer, so that
 * nobody takes it for us, and does not outlive us. */
static _Noreturn void
ask(struct resolve *r, int to)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(to, STDIN_FILENO);
	closefrom(STDIN_FILENO + 1);
	look_up(r);
	file_write(STDIN_FILENO, &r->answer, sizeof(r->answer));
	_exit(0);
}

struct resolve *
resolve_start(const struct smarthost *s, enum account_family family)
{
	struct resolve *r;
	int ends[2];

	r = mem_new(1, sizeof(*r));
	r->smarthost = s;
	r->family = family;
	r->pid = -1;
	if (!net_is_at_hand(s->host) && pipe2(ends, O_CLOEXEC) == 0) {
		r->pid = fork();
		if (r->pid == 0)
			ask(r, ends[1]);
		r->pipe = ends[0];
		close(ends[1]);
		if (r->pid == -1)
			close(r->pipe);
	}
	if (r->pid == -1)
		look_up(r);
	return r;
}

static void
read_answer(struct resolve *r, long long deadline)
{
	const char *why = "its lookup broke down";
	size_t len = 0;
	ssize_t n;

	do {
		n = -1;
		errno = 0;
		if (clock_wait_readable(r->pipe, deadline) == 0)
			why = CLOCK_OVER;
		else
			n = read(r->pipe, (char *)&r->answer + len,
			    sizeof(r->answer) - len);
		if (n > 0)
			len += (size_t)n;
	} while (n > 0 || (n == -1 && errno == EINTR));
	r->answered = true;
	if (len == sizeof(r->answer))
		return;
	error_clear(&r->answer.e);
	net_unanswered(r->smarthost->host, why, &r->answer.e);
}

const struct net_addresses *
resolve_wait(struct resolve *r, long long deadline, struct error *e)
{
	if (!r->answered)
		read_answer(r, deadline);
	if (r->answer.e.kind != ERROR_NONE) {
		*e = r->answer.e;
		return NULL;
	}
	r->addresses = (struct net_addresses){r->answer.list, r->answer.count};
	return &r->addresses;
}

void
resolve_free(struct resolve *r)
{
	if (r == NULL)
		return;
	if (r->pid != -1) {
		close(r->pipe);
		kill(r->pid, SIGKILL);
		while (waitpid(r->pid, NULL, 0) == -1 && errno == EINTR)
			;
	}
	free(r);
}
