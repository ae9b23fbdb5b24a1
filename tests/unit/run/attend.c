#include "../unit.h"

#include "run.h"
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include "run/attend.h"
#include "submit/request.h"

/* What a client says, at once and in pieces of any size, and what it hears.
 * Gives attend_run()'s result. */
static int
attend(struct run *r, const char *said, char *heard, size_t size)
{
	bool owing = false;
	struct request request;
	struct attend_plan plan = {.owing = &owing,
	    .dispatch = r->dispatch,
	    .host = "host.example",
	    .folder = folder,
	    .timeout = ATTEND_TIMEOUT,
	    .request = &request};
	int in[2], out[2], result;
	ssize_t len;

	memset(&request, 0, sizeof(request));
	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe2(out, O_NONBLOCK), 0);
	assert_int_equal(file_write(in[1], said, strlen(said)), 0);
	close(in[1]);
	/* Whoever had them before liked them so. */
	fcntl(in[0], F_SETFL, O_NONBLOCK);
	plan.in = in[0];
	plan.out = out[1];
	result = attend_run(&plan, &r->e);
	assert_false(owing);
	assert_true((fcntl(in[0], F_GETFL) & O_NONBLOCK) != 0);
	assert_true((fcntl(out[1], F_GETFL) & O_NONBLOCK) != 0);
	close(out[1]);
	len = read(out[0], heard, size - 1);
	heard[len < 0 ? 0 : len] = '\0';
	close(in[0]);
	close(out[0]);
	return result;
}

/* The codes of the replies, of EHLO's the last line alone: "220 250 ". */
static const char *
codes(const char *heard)
{
	static char list[200];
	const char *end;
	size_t len = 0;

	for (; (end = strchr(heard, '\n')) != NULL; heard = end + 1)
		if (heard[3] == ' ' && len + 5 < sizeof(list)) {
			memcpy(list + len, heard, 4);
			len += 4;
		}
	list[len] = '\0';
	return list;
}

#define MAIL   "MAIL FROM:<a@example.org>\r\nRCPT TO:<r0@example.org>\r\nDATA\r\n"
#define LETTER "From: a@example.org\r\n\r\nx\r\n.\r\n"

static void
answers_with_the_smarthosts_verdict(void **state)
{
	static const struct {
		const char *reply;
		const char *codes;
		const char *words;
	} rows[] = {
	    {"< 250 2.0.0 queued as 7\n" SERVER_QUIT,
		"220 250 250 250 354 250 221 ", "250 2.0.0 queued as 7"},
	    {"< 554 5.7.1 spam\n" SERVER_QUIT, "220 250 250 250 354 554 221 ",
		"554 5.7.1"},
	    {"< 451 4.3.0 later\n" SERVER_QUIT, "220 250 250 250 354 451 221 ",
		"later"},
	    {"", "220 250 250 250 354 451 221 ", "may have been delivered"}};
	char script[500], heard[4000];
	const char *scripts[] = {script, NULL};
	struct run r;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		snprintf(script, sizeof(script), "%s%s",
		    SERVER_PLAIN SERVER_MAIL, rows[i].reply);
		run_begin(&r, scripts, "from a@example.org\n");
		assert_int_equal(attend(&r, "EHLO c\r\n" MAIL LETTER "QUIT\r\n",
				     heard, sizeof(heard)),
		    0);
		assert_string_equal(codes(heard), rows[i].codes);
		if (strstr(heard, rows[i].words) == NULL)
			fail_msg("%s", heard);
		run_end(&r);
	}
}

/* Only the reply can say who has not got it. */
static void
names_those_who_were_refused(void **state)
{
	static const char *const scripts[] = {SERVER_PLAIN
	    "> MAIL\n> RCPT\n> RCPT\n> DATA\n< 250 s\n< 250 r\n"
	    "< 550 5.1.1 who\n< 354 go\n.\n< 250 ok\n" SERVER_QUIT,
	    NULL};
	char heard[4000];
	struct run r;

	(void)state;
	run_begin(&r, scripts, "from a@example.org\n");
	attend(&r,
	    "HELO c\r\nMAIL FROM:<a@example.org>\r\n"
	    "RCPT TO:<r0@example.org>\r\nRCPT TO:<r1@example.org>\r\n"
	    "DATA\r\n" LETTER,
	    heard, sizeof(heard));
	assert_string_equal(codes(heard), "220 250 250 250 250 354 554 ");
	assert_non_null(strstr(heard, "r1@example.org"));
	assert_non_null(strstr(heard, "5.1.1 who"));
	assert_null(strstr(heard, "r0@example.org"));
	run_end(&r);
}

/* Mail after mail through one session, also where its end is not heard. */
static void
serves_until_the_client_is_gone(void **state)
{
	static const char *const scripts[] = {SERVER_PLAIN SERVER_MAIL
	    "< 250 1\n" SERVER_MAIL "< 250 2\n" SERVER_QUIT,
	    NULL};
	char heard[4000];
	struct run r;

	(void)state;
	run_begin(&r, scripts, "from a@example.org\n");
	assert_int_equal(
	    attend(&r, "EHLO c\r\n" MAIL LETTER MAIL LETTER MAIL "From: x\r\n",
		heard, sizeof(heard)),
	    0);
	assert_string_equal(codes(heard),
	    "220 250 250 250 354 250 250 250 354 250 250 250 354 ");
	run_end(&r);
}

static void
greets_a_run_that_cannot_begin(void **state)
{
	char heard[600];
	struct error e;
	int ends[2];
	ssize_t len;

	(void)state;
	error_clear(&e);
	error_set(&e, ERROR_CONFIG, NULL, "no smarthost");
	assert_int_equal(pipe(ends), 0);
	attend_refuse(ends[1], &e);
	close(ends[1]);
	len = read(ends[0], heard, sizeof(heard) - 1);
	assert_true(len > 0);
	heard[len] = '\0';
	close(ends[0]);
	assert_memory_equal(heard, "421 ", 4);
	assert_non_null(strstr(heard, "no smarthost"));
}

static void
tells_of_a_client_that_does_not_read(void **state)
{
	struct request request;
	bool owing = false;
	struct attend_plan plan = {.host = "host.example",
	    .timeout = ATTEND_TIMEOUT,
	    .request = &request,
	    .owing = &owing};
	struct error e;
	int ends[2];

	(void)state;
	memset(&request, 0, sizeof(request));
	error_clear(&e);
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(ends), 0);
	plan.in = ends[0];
	plan.out = open("/dev/full", O_WRONLY);
	assert_int_equal(attend_run(&plan, &e), -1);
	assert_int_equal(e.kind, ERROR_IO);
	assert_int_equal(e.sys, ENOSPC);
	close(plan.out);
	close(ends[0]);
	close(ends[1]);
}

/* The last that a client hears who says NOOP without end, or nothing, and never
 * sends a mail. */
static void
hear_idler(
    unsigned timeout, unsigned patience, bool talks, char *heard, size_t size)
{
	struct request request = {0};
	bool owing = false;
	struct attend_plan plan = {.host = "host.example",
	    .timeout = timeout,
	    .patience = patience,
	    .request = &request,
	    .owing = &owing};
	char noops[60000]; /* there is always more to read */
	struct error e;
	off_t end;
	int in[2];
	ssize_t len;
	pid_t child;

	error_clear(&e);
	for (len = 0; len < (ssize_t)sizeof(noops); len += 6)
		memcpy(noops + len, "NOOP\r\n", 6);
	assert_int_equal(pipe(in), 0);
	child = fork();
	if (child == 0) {
		close(in[0]);
		while (talks && write(in[1], noops, sizeof(noops)) > 0)
			continue;
		pause();
		_exit(0);
	}
	plan.in = in[0];
	plan.out = open(folder_put("heard", "", 0, 0600), O_RDWR | O_APPEND);
	assert_int_equal(attend_run(&plan, &e), 0);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	end = lseek(plan.out, 0, SEEK_END);
	end = end < (off_t)size ? 0 : end - (off_t)size + 1;
	len = pread(plan.out, heard, size - 1, end);
	heard[len < 0 ? 0 : len] = '\0';
	close(plan.out);
	close(in[0]);
	close(in[1]);
}

static void
nobody_holds_a_place_for_long(void **state)
{
	char heard[100];

	(void)state;
	hear_idler(1, 0, false, heard, sizeof(heard));
	assert_string_equal(codes(heard), "220 421 ");
	hear_idler(600, 1, false, heard, sizeof(heard));
	assert_string_equal(codes(heard), "220 421 ");
	hear_idler(600, 1, true, heard, sizeof(heard));
	assert_non_null(strstr(heard, "250 2.0.0 here\r\n421 4.4.2 "));
}

/* What nobody takes is not written for ever. */
static void
who_does_not_read_is_left(void **state)
{
	static char noops[400000];
	struct request request = {0};
	bool owing = false;
	struct attend_plan plan = {.host = "host.example",
	    .timeout = 1,
	    .request = &request,
	    .owing = &owing};
	struct error e;
	int ends[2], i;

	(void)state;
	error_clear(&e);
	assert_int_equal(pipe(ends), 0);
	for (i = 0; i + 6 < (int)sizeof(noops); i += 6)
		memcpy(noops + i, "NOOP\r\n", 6);
	folder_put("noops", noops, sizeof(noops), 0600);
	plan.in = open(in_folder("noops"), O_RDONLY);
	plan.out = ends[1];
	assert_int_equal(attend_run(&plan, &e), -1);
	assert_int_equal(e.kind, ERROR_IO);
	assert_int_equal(e.sys, ETIMEDOUT);
	close(plan.in);
	close(ends[0]);
	close(ends[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(answers_with_the_smarthosts_verdict),
	    cmocka_unit_test(names_those_who_were_refused),
	    cmocka_unit_test(serves_until_the_client_is_gone),
	    cmocka_unit_test(greets_a_run_that_cannot_begin),
	    cmocka_unit_test(tells_of_a_client_that_does_not_read),
	    cmocka_unit_test(nobody_holds_a_place_for_long),
	    cmocka_unit_test(who_does_not_read_is_left)};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
