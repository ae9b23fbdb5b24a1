#include "../unit.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "world/process.h"

struct told {
	pid_t pid;
	char words[20];
};

static char word[20] = "ours";

static void
tell(void *arg, void *told)
{
	struct told *t = told;

	strlcpy(word, "theirs", sizeof(word));
	t->pid = getpid();
	strlcpy(t->words, arg, sizeof(t->words));
}

static void
die(void *arg, void *told)
{
	(void)arg;
	(void)told;
	signal(SIGTERM, SIG_DFL);
	raise(SIGTERM);
}

/* What it has told is here, and nothing else of it. */
static void
acts_apart(void **state)
{
	char words[] = "hello";
	struct told told = {0};
	struct error e;

	(void)state;
	error_clear(&e);
	assert_int_equal(
	    process_apart(tell, words, &told, sizeof(told), &e), 0);
	assert_int_equal(e.kind, ERROR_NONE);
	assert_int_not_equal(told.pid, getpid());
	assert_string_equal(told.words, "hello");
	assert_string_equal(word, "ours");
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void
tells_of_one_that_died(void **state)
{
	struct told told = {0};
	struct error e;

	(void)state;
	error_clear(&e);
	assert_int_equal(process_apart(die, NULL, &told, sizeof(told), &e), -1);
	assert_int_equal(e.kind, ERROR_SYSTEM);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(acts_apart),
	    cmocka_unit_test(tells_of_one_that_died)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
