#include "../unit.h"

#include <sys/wait.h>

#include "../capture.h"
#include "base/mem.h"
#include "cmd/memory.h"

/* What became of the mail is the test's own. */
static enum error_kind so_far;
static struct envelope env;

enum error_kind
dispatch_so_far(const struct dispatch *d)
{
	assert_non_null(d);
	return so_far;
}

const struct account *
dispatch_account(const struct dispatch *d)
{
	(void)d;
	return NULL;
}

const struct envelope *
dispatch_envelope(const struct dispatch *d)
{
	assert_non_null(d);
	return &env;
}

static const char *rest; /* of the JSON that is printed */
static bool apart;	 /* it happens to a process that it has started */

/* Where another one goes on, ends as that does. */
static void
start_apart(void)
{
	int status = 0;
	pid_t pid;

	pid = fork();
	if (pid == 0)
		return;
	waitpid(pid, &status, 0);
	_exit(WEXITSTATUS(status));
}

/* The exit status, and what is said to the client and on standard error. */
static int
end(const struct memory_watch *watch, char said[1000], const char **told)
{
	struct memory_watch w;
	struct capture c;
	int ends[2], status;
	ssize_t len;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	c = capture_begin(STDERR_FILENO);
	pid = fork();
	if (pid == 0) {
		setprogname("send\x1bmail");
		if (watch != NULL) {
			w = *watch;
			if (w.client != -1)
				w.client = ends[1];
			memory_watch(&w);
		}
		if (rest != NULL)
			dup2(ends[1], STDOUT_FILENO);
		memory_answer(rest);
		if (apart)
			start_apart();
		mem_exhausted();
	}
	close(ends[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	*told = capture_end(&c);
	len = read(ends[0], said, 999);
	assert_true(len >= 0);
	said[len] = '\0';
	close(ends[0]);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static const struct {
	enum error_kind so_far;
	int status;
	const char *words; /* "": none but at a terminal */
	const char *reply;
} rows[] = {
    {ERROR_SYSTEM, 71, "send\\x1bmail: out of memory, mail not sent\n",
	"451 4.3.0 "},
    {ERROR_DOUBTFUL, 75, "may have been delivered\n", "451 4.3.0 "},
    {ERROR_REFUSED, 69,
	"send\\x1bmail: mail not sent to all recipients: out of memory\n"
	"  refused: b@x\n"
	"  doubtful: c@x\n",
	"554 5.3.0 "},
    {ERROR_NONE, 0, "", "250 2.0.0 "},
};

static void
the_words_are_true(void **state)
{
	static const char *const four[] = {"a@x", "b@x", "c@x", "d@x", NULL};
	const struct memory_watch watch = {
	    .dispatch = (const struct dispatch *)rows, .client = -1};
	const char *told;
	char said[1000];
	size_t i;

	(void)state;
	env = envelope("from@x", four);
	env.recipients[0].verdict = VERDICT_DELIVERED;
	env.recipients[1].verdict = VERDICT_REFUSED;
	env.recipients[2].verdict = VERDICT_ACCEPTED;
	env.recipients[3].verdict = VERDICT_QUEUED;
	for (i = 0; i < COUNT(rows); i++) {
		so_far = rows[i].so_far;
		assert_int_equal(end(&watch, said, &told), rows[i].status);
		assert_string_equal(said, "");
		if (strstr(told, rows[i].words) == NULL ||
		    strstr(told, "d@x") != NULL ||
		    (rows[i].words[0] == '\0' && told[0] != '\0'))
			fail_msg("%zu: %s", i, told);
	}
	envelope_clear(&env);
}

static void
a_client_learns_what_became_of_its_mail(void **state)
{
	struct memory_watch watch = {
	    .dispatch = (const struct dispatch *)rows, .client = 1};
	const char *told;
	char said[1000];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		so_far = rows[i].so_far;
		watch.owing = true;
		assert_int_equal(end(&watch, said, &told), 71);
		assert_string_equal(told, "");
		assert_memory_equal(said, rows[i].reply, 10);
		assert_string_equal(strstr(said, "\r\n"), "\r\n");
		watch.owing = false;
		assert_int_equal(end(&watch, said, &told), 71);
		assert_memory_equal(said, "421 4.3.0 ", 10);
	}
}

static void
what_is_told_is_not_told_again(void **state)
{
	struct error e = {.kind = ERROR_RECIPIENT};
	struct memory_watch watch = {.dispatch = (const struct dispatch *)rows,
	    .client = -1,
	    .told = &e};
	struct log quiet = {.quiet = true};
	const char *told;
	char said[1000];

	(void)state;
	so_far = ERROR_SYSTEM;
	assert_int_equal(end(&watch, said, &told), 67);
	assert_string_equal(told, "");
	watch.told = NULL;
	watch.log = &quiet;
	assert_int_equal(end(&watch, said, &told), 71);
	assert_string_equal(told, "");
	assert_int_equal(end(NULL, said, &told), 71);
	assert_string_equal(told, rows[0].words);
}

static void
a_run_that_takes_no_mail_speaks_of_none(void **state)
{
	const struct memory_watch watch = {.words = "out of it", .client = -1};
	const char *told;
	char said[1000];

	(void)state;
	assert_int_equal(end(&watch, said, &told), 71);
	assert_string_equal(told, "send\\x1bmail: out of it\n");
	rest = "{";
	assert_int_equal(end(&watch, said, &told), 71);
	assert_non_null(strstr(said, "\"text\":\"out of it\","));
	rest = NULL;
}

/* Whoever reads JSON gets some: all that was begun is closed. */
static void
an_answer_is_ended(void **state)
{
	struct memory_watch watch = {
	    .dispatch = (const struct dispatch *)rows, .client = -1};
	const char *told;
	char said[1000];

	(void)state;
	rest = "{";
	so_far = ERROR_SYSTEM;
	assert_int_equal(end(&watch, said, &told), 71);
	assert_string_equal(told, rows[0].words);
	assert_string_equal(said,
	    "{\"status\":71,\"error\":{\"kind\":\"system\",\"status\":71,"
	    "\"text\":\"out of memory, mail not sent\",\"server\":null,"
	    "\"hint\":null}}\n");
	rest = "\"}],";
	so_far = ERROR_NONE;
	assert_int_equal(end(&watch, said, &told), 0);
	assert_string_equal(said, "\"}],\"status\":0,\"error\":null}\n");
	rest = NULL;
}

/* Whoever reads JSON gets one object: that of the process that promised it. */
static void
a_process_apart_owes_no_answer(void **state)
{
	const char *told;
	char said[1000];

	(void)state;
	rest = "{";
	apart = true;
	assert_int_equal(end(NULL, said, &told), 71);
	assert_string_equal(told, rows[0].words);
	assert_string_equal(said, "");
	rest = NULL;
	apart = false;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(the_words_are_true),
	    cmocka_unit_test(a_client_learns_what_became_of_its_mail),
	    cmocka_unit_test(what_is_told_is_not_told_again),
	    cmocka_unit_test(a_run_that_takes_no_mail_speaks_of_none),
	    cmocka_unit_test(an_answer_is_ended),
	    cmocka_unit_test(a_process_apart_owes_no_answer)};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
