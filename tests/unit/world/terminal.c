#include "../unit.h"

#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "world/clock.h"
#include "world/file.h"
#include "world/terminal.h"

#define ANSWER_MAX 65000

/* Who asks, in a session with a terminal of its own, and what he tells of it
 * on a pipe: the result, the kind of error, and the answer or the words. */
static int told[2];
static bool background; /* where he begins */

static _Noreturn void
ask(long long deadline)
{
	struct error e;
	struct buf out;
	int result;

	close(told[0]);
	error_clear(&e);
	buf_init(&out, ANSWER_MAX);
	result = terminal_ask("Which: ", deadline, &out, &e);
	dprintf(told[1], "%d %d %s%s", result, (int)e.kind, buf_string(&out),
	    e.text);
	_exit(0);
}

/* The leader of the session outlives him, or the terminal would be closed. */
static void
lead(long long deadline, int ignored)
{
	int status, number;
	sigset_t go_on;
	pid_t pid;

	sigemptyset(&go_on);
	sigaddset(&go_on, SIGUSR1);
	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
	default_signals();
	pid = fork();
	if (pid == 0) {
		if (ignored != 0)
			signal(ignored, SIG_IGN);
		setpgid(0, 0);
		while (!background && tcgetpgrp(STDIN_FILENO) != getpgrp())
			;
		ask(deadline);
	}
	sigprocmask(SIG_BLOCK, &go_on, NULL);
	signal(SIGTTOU, SIG_IGN);
	setpgid(pid, pid);
	if (!background)
		tcsetpgrp(STDIN_FILENO, pid);
	dprintf(told[1], "%d ", pid);
	while (waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status)) {
		/* As a shell: the terminal is ours, and his again when the
		 * test says so. */
		tcsetpgrp(STDIN_FILENO, getpgrp());
		dprintf(told[1], "stopped ");
		sigwait(&go_on, &number);
		tcsetpgrp(STDIN_FILENO, pid);
		kill(pid, SIGCONT);
	}
	dprintf(told[1], WIFSIGNALED(status) ? " signal %d" : " status %d",
	    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	close(told[1]);
	while (true)
		pause();
}

static struct {
	int master;
	pid_t leader;
	pid_t pid; /* who asks */
	char shown[100000];
	size_t shown_len;
} there;

static void
begin_with(long long deadline, int ignored)
{
	char number[20];
	size_t len = 0;

	memset(&there, 0, sizeof(there));
	assert_int_equal(pipe(told), 0);
	there.leader = forkpty(&there.master, NULL, NULL, NULL);
	assert_int_not_equal(there.leader, -1);
	if (there.leader == 0)
		lead(deadline, ignored);
	close(told[1]);
	while (read(told[0], &number[len], 1) == 1 && number[len] != ' ')
		len++;
	number[len] = '\0';
	there.pid = atoi(number);
	assert_true(there.pid > 1);
}

/* Until so many prompts have been shown. */
static void
see_prompts(unsigned count)
{
	const char *at;
	unsigned seen;
	ssize_t n;

	for (;;) {
		seen = 0;
		for (at = there.shown; (at = strstr(at, "Which: ")) != NULL;
		     at++)
			seen++;
		if (seen >= count)
			return;
		n = read(there.master, there.shown + there.shown_len,
		    sizeof(there.shown) - there.shown_len - 1);
		assert_true(n > 0);
		there.shown_len += (size_t)n;
	}
}

static void
type(const char *keys, size_t len)
{
	assert_int_equal(file_write(there.master, keys, len), 0);
}

static bool
echoes(void)
{
	struct termios now;

	assert_int_equal(tcgetattr(there.master, &now), 0);
	return (now.c_lflag & (ECHO | ICANON)) == (ECHO | ICANON);
}

/* What is told on the pipe from now on, up to this word of it; NULL: all. */
static const char *
hear(const char *until)
{
	static char words[2 * ANSWER_MAX];
	size_t len = 0;

	words[0] = '\0';
	while (len + 1 < sizeof(words) && read(told[0], words + len, 1) == 1) {
		words[++len] = '\0';
		if (until != NULL && strstr(words, until) != NULL)
			break;
	}
	return words;
}

/* Nothing of what was typed was shown, and the terminal is as it was. */
static const char *
end(void)
{
	const char *words = hear(NULL);
	ssize_t n;

	assert_true(echoes());
	assert_int_equal(fcntl(there.master, F_SETFL, O_NONBLOCK), 0);
	while ((n = read(there.master, there.shown + there.shown_len,
		    sizeof(there.shown) - there.shown_len - 1)) > 0)
		there.shown_len += (size_t)n;
	assert_null(strstr(there.shown, "canary"));
	kill(there.leader, SIGKILL);
	assert_int_equal(waitpid(there.leader, NULL, 0), there.leader);
	close(there.master);
	close(told[0]);
	return words;
}

static void
takes_a_line(void **state)
{
	static const struct {
		const char *typed;
		const char *told;
	} rows[] = {{"canary\n", "0 0 canary status 0"},
	    /* As it comes from a clipboard: of several lines the first. */
	    {"canary\r", "0 0 canary status 0"},
	    {"canary\r\n", "0 0 canary status 0"},
	    {"canary\r\nrm -rf canary\n", "0 0 canary status 0"},
	    {" a # \"canary\" \n", "0 0  a # \"canary\"  status 0"},
	    {"\n", "0 0  status 0"},
	    {"\177cab\177nary\n", "0 0 canary status 0"},
	    {"c\303\274\177anar\342\202\254\177y\n", "0 0 canary status 0"},
	    {"x y\025canary\n", "0 0 canary status 0"},
	    {"x y\027canary\n", "0 0 canary status 0"},
	    {"canary\004", "0 0 canary status 0"}};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		begin_with(CLOCK_NEVER, 0);
		see_prompts(1);
		assert_false(echoes());
		type(rows[i].typed, strlen(rows[i].typed));
		assert_string_equal(end(), rows[i].told);
	}
}

/* A terminal's own line has at most 4095. */
static void
takes_a_long_line(void **state)
{
	static const size_t lengths[] = {4095, 4096, 20000, ANSWER_MAX};
	const char *words;
	char *line;
	size_t i;

	(void)state;
	line = mem_new(ANSWER_MAX + 1, 1);
	for (i = 0; i < COUNT(lengths); i++) {
		memset(line, 'x', lengths[i]);
		line[lengths[i]] = '\n';
		begin_with(CLOCK_NEVER, 0);
		see_prompts(1);
		type(line, lengths[i] + 1);
		words = end();
		assert_memory_equal(words, "0 0 x", 5);
		assert_int_equal(
		    strlen(words), lengths[i] + strlen("0 0  status 0"));
	}
	free(line);
}

static void
says_when_there_is_no_answer(void **state)
{
	char words[200];

	(void)state;
	begin_with(CLOCK_NEVER, 0);
	see_prompts(1);
	type("\004", 1);
	snprintf(words, sizeof(words),
	    "-1 %d its end was typed in place of a password status 0",
	    ERROR_CONFIG);
	assert_string_equal(end(), words);
}

static void
ends_at_the_deadline(void **state)
{
	char words[200];

	(void)state;
	begin_with(clock_now() + 100, 0);
	see_prompts(1);
	type("canary", 6);
	snprintf(
	    words, sizeof(words), "-1 %d %s status 0", ERROR_LATER, CLOCK_OVER);
	assert_string_equal(end(), words);
	/* The terminal was stopped by ^S, so that not even the prompt is
	 * shown. */
	begin_with(clock_now() + 100, SIGUSR1);
	type("\023", 1);
	assert_non_null(strstr(hear("status"), CLOCK_OVER));
	kill(there.leader, SIGKILL);
	assert_int_equal(waitpid(there.leader, NULL, 0), there.leader);
	close(there.master);
	close(told[0]);
}

static void
restores_the_echo_when_it_is_ended(void **state)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	char words[30];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(signals); i++) {
		begin_with(CLOCK_NEVER, 0);
		see_prompts(1);
		assert_false(echoes());
		type("cana", 4);
		kill(there.pid, signals[i]);
		snprintf(words, sizeof(words), " signal %d", signals[i]);
		assert_string_equal(end(), words);
		/* What our caller has us ignore, as nohup does. */
		begin_with(CLOCK_NEVER, signals[i]);
		see_prompts(1);
		kill(there.pid, signals[i]);
		type("canary\n", 7);
		assert_string_equal(end(), "0 0 canary status 0");
	}
	begin_with(CLOCK_NEVER, 0);
	see_prompts(1);
	type("cana\003", 5);
	snprintf(words, sizeof(words), " signal %d", SIGINT);
	assert_string_equal(end(), words);
}

static void
asks_again_after_a_stop(void **state)
{
	static const int signals[] = {SIGTSTP, SIGSTOP};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(signals); i++) {
		begin_with(CLOCK_NEVER, 0);
		see_prompts(1);
		type("not the cana", 12);
		if (signals[i] == SIGTSTP)
			type("\032", 1);
		else
			kill(there.pid, SIGSTOP);
		assert_string_equal(hear("stopped "), "stopped ");
		/* What nobody can help leaves it as it is. */
		assert_int_equal(echoes(), signals[i] == SIGTSTP);
		kill(there.leader, SIGUSR1);
		see_prompts(2);
		assert_false(echoes());
		type("canary\n", 7);
		assert_string_equal(end(), "0 0 canary status 0");
	}
	/* It is ended meanwhile. */
	begin_with(CLOCK_NEVER, 0);
	see_prompts(1);
	type("\032", 1);
	hear("stopped ");
	kill(there.pid, SIGTERM);
	kill(there.leader, SIGUSR1);
	assert_string_equal(end(), " signal 15");
}

static void
waits_in_the_background(void **state)
{
	(void)state;
	background = true;
	begin_with(CLOCK_NEVER, 0);
	assert_string_equal(hear("stopped "), "stopped ");
	assert_true(echoes());
	kill(there.leader, SIGUSR1);
	see_prompts(1);
	type("canary\n", 7);
	assert_string_equal(end(), "0 0 canary status 0");
	/* Who cannot be stopped is not asked. */
	begin_with(CLOCK_NEVER, SIGTTOU);
	assert_string_equal(end(), "1 0  status 0");
	background = false;
}

/* There is a terminal, and none is asked. */
static void
asks_nobody_without_a_terminal(void **state)
{
	struct error e;
	struct buf out;
	int status;
	pid_t pid;

	(void)state;
	pid = fork();
	if (pid == 0) {
		setsid();
		error_clear(&e);
		buf_init(&out, 10);
		_exit(terminal_ask("Which: ", CLOCK_NEVER, &out, &e));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(takes_a_line),
	    cmocka_unit_test(takes_a_long_line),
	    cmocka_unit_test(says_when_there_is_no_answer),
	    cmocka_unit_test(ends_at_the_deadline),
	    cmocka_unit_test(restores_the_echo_when_it_is_ended),
	    cmocka_unit_test(asks_again_after_a_stop),
	    cmocka_unit_test(waits_in_the_background),
	    cmocka_unit_test(asks_nobody_without_a_terminal)};

	alarm(HANG / 1000); /* or who is not heard would be waited for */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
