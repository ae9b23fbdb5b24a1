#include "../unit.h"

/* secret with a time limit that a test can wait for. */
#include "base/mem.h"
#include "world/clock.h"
#include "world/secret.h"
#undef SECRET_COMMAND_SECONDS
#define SECRET_COMMAND_SECONDS 1
#include "../../../src/world/secret.c"

#include <pty.h>
#include <sys/ioctl.h>
#include <sys/resource.h>

#include "../folder.h"

static long long deadline = CLOCK_NEVER;

/* What a source gives: 0 and the password, or -1 and the error. */
static int
read_from(enum secret_source source, const char *text, bool ask,
    struct buf *out, struct error *e)
{
	struct account a;
	char user[] = "alice";
	int status;

	memset(&a, 0, sizeof(a));
	a.user = user;
	a.secret.source = source;
	a.secret.text = mem_copy(text);
	error_clear(e);
	buf_init(out, SECRET_MAX);
	status = secret_read(&a, ask, deadline, out, e);
	assert_int_equal(status, e->kind == ERROR_NONE ? 0 : -1);
	mem_wipe_string(a.secret.text);
	return status;
}

static void
gives(enum secret_source source, const char *text, const char *password)
{
	struct error e;
	struct buf out;

	if (read_from(source, text, false, &out, &e) == -1)
		fail_msg("%s: %s: %s", text, e.doing, e.text);
	assert_string_equal(buf_string(&out), password);
	buf_wipe(&out);
}

/* Refused, with these words, and none of "canary". */
static void
refuses(enum secret_source source, const char *text, const char *words)
{
	struct error e;
	struct buf out;

	assert_int_equal(read_from(source, text, false, &out, &e), -1);
	assert_int_equal(e.kind, ERROR_CONFIG);
	if (strstr(e.text, words) == NULL)
		fail_msg("%s: %s", text, e.text);
	assert_null(strstr(e.text, "canary"));
	assert_null(strstr(e.why, "canary"));
	assert_null(strstr(e.hint, "canary"));
	assert_int_equal(out.len, 0);
	buf_wipe(&out);
}

static void
needs_a_user(void **state)
{
	struct account a;
	struct error e;
	struct buf out;
	char value[] = "canary";

	(void)state;
	memset(&a, 0, sizeof(a));
	a.secret.source = SECRET_VALUE;
	a.secret.text = value;
	error_clear(&e);
	buf_init(&out, SECRET_MAX);
	assert_int_equal(secret_read(&a, true, CLOCK_NEVER, &out, &e), 0);
	assert_int_equal(out.len, 0);
}

static void
takes_a_value_as_it_is(void **state)
{
	(void)state;
	gives(SECRET_VALUE, "simple", "simple");
	gives(SECRET_VALUE, " \"# two  words\" ", " \"# two  words\" ");
	refuses(SECRET_VALUE, "", "empty");
	refuses(SECRET_NONE, NULL, "no password");
}

static void
takes_the_first_line_of_a_file(void **state)
{
	static const struct {
		const char *bytes;
		const char *password; /* NULL: */
		const char *words;
	} rows[] = {{"pass\n", "pass", NULL}, {"pass", "pass", NULL},
	    {"pass\r\nnext\n", "pass", NULL}, {" a b \nnext", " a b ", NULL},
	    {"\ncanary\n", NULL, "first line is empty"},
	    {"", NULL, "first line is empty"}};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		folder_put(
		    "password", rows[i].bytes, strlen(rows[i].bytes), 0600);
		if (rows[i].password != NULL)
			gives(SECRET_FILE, in_folder("password"),
			    rows[i].password);
		else
			refuses(
			    SECRET_FILE, in_folder("password"), rows[i].words);
	}
	folder_put("password", "canary\n", 7, 0644);
	refuses(SECRET_FILE, in_folder("password"), "everybody may read it");
	refuses(SECRET_FILE, in_folder("missing"), "/missing: No such file");
	folder_put("password", "\ncanary\n", 8, 0600);
	refuses(SECRET_FILE, in_folder("password"), "/password: its first ");
	/* UTF-16, as some editors save it. */
	folder_put("password", "\377\376c\0a\0n\0a\0r\0y\0\n\0", 16, 0600);
	refuses(SECRET_FILE, in_folder("password"),
	    "/password: its first line holds a NUL byte");
	refuses(SECRET_COMMAND, "printf 'canary\\0x\\n'",
	    "its first line holds a NUL byte");
}

static void
says_how_to_make_a_missing_file(void **state)
{
	struct error e;
	struct buf out;

	(void)state;
	assert_int_equal(
	    read_from(SECRET_FILE, in_folder("missing"), false, &out, &e), -1);
	assert_non_null(strstr(e.hint, "mode 0600"));
	buf_wipe(&out);
}

static void
takes_the_credential_of_a_service(void **state)
{
	char long_name[5000];

	(void)state;
	folder_put("mail", "pass\nnext\n", 10, 0400);
	setenv("CREDENTIALS_DIRECTORY", folder, 1);
	gives(SECRET_CREDENTIAL, "mail", "pass");
	refuses(SECRET_CREDENTIAL, "other", "/other: No such file");
	folder_put("mail", "canary\n", 7, 0444);
	refuses(SECRET_CREDENTIAL, "mail", "everybody may read it");
	folder_put("mail", "\n", 1, 0400);
	refuses(SECRET_CREDENTIAL, "mail", "/mail: its first line is empty");
	memset(long_name, 'x', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	refuses(SECRET_CREDENTIAL, long_name, "File name too long");
	setenv("CREDENTIALS_DIRECTORY", "relative", 1);
	refuses(SECRET_CREDENTIAL, "mail", "is no whole path");
	setenv("CREDENTIALS_DIRECTORY", "", 1);
	refuses(SECRET_CREDENTIAL, "mail", "is no whole path");
	unsetenv("CREDENTIALS_DIRECTORY");
	refuses(SECRET_CREDENTIAL, "mail",
	    "$CREDENTIALS_DIRECTORY is not set, and so `mail' is not to be "
	    "found");
}

/* What is wrong with the credential `mail', or is remarked of it. */
static const char *
check_credential(struct notes *remarks, struct error *e)
{
	char user[] = "alice", name[] = "default", credential[] = "mail";
	struct account a = {.name = name,
	    .user = user,
	    .secret = {credential, SECRET_CREDENTIAL}};

	error_clear(e);
	*remarks = (struct notes){0};
	if (secret_check(&a, remarks, e) == -1)
		return e->text;
	return remarks->count == 0 ? "" : remarks->lines[0];
}

static void
checks_the_credential_of_a_service(void **state)
{
	struct notes remarks;
	struct error e;

	(void)state;
	unsetenv("CREDENTIALS_DIRECTORY");
	assert_string_equal(check_credential(&remarks, &e),
	    "`password-credential mail' is there for its "
	    "service only and was not looked at");
	assert_int_equal(e.kind, ERROR_NONE);
	notes_clear(&remarks);
	setenv("CREDENTIALS_DIRECTORY", folder, 1);
	folder_put("mail", "canary\n", 7, 0400);
	assert_string_equal(check_credential(&remarks, &e), "");
	folder_put("mail", "canary \n", 8, 0400);
	assert_non_null(strstr(check_credential(&remarks, &e), "/mail: the "));
	assert_int_equal(e.kind, ERROR_NONE);
	notes_clear(&remarks);
	folder_put("mail", "canary\n", 7, 0404);
	assert_non_null(strstr(check_credential(&remarks, &e), "everybody"));
	assert_int_equal(e.kind, ERROR_CONFIG);
	unsetenv("CREDENTIALS_DIRECTORY");
}

static void
renews_a_token_by_its_command(void **state)
{
	static const char command[] =
	    "echo $HOME-${SENDLING_TOKEN_REFUSED-unset}";
	struct account a = {.user = (char *)"alice",
	    .secret = {(char *)command, SECRET_COMMAND},
	    .auth = {AUTH_LIST, {MECHANISM_XOAUTH2}, 1}};
	struct error e;
	struct buf out;

	(void)state;
	error_clear(&e);
	setenv("HOME", "/h", 1);
	unsetenv("SENDLING_TOKEN_REFUSED");
	gives(SECRET_COMMAND, command, "/h-unset");
	setenv("SENDLING_TOKEN_REFUSED", "7", 1);
	gives(SECRET_COMMAND, command, "/h-unset");
	buf_init(&out, SECRET_MAX);
	assert_true(secret_renews(&a));
	assert_int_equal(secret_renew(&a, CLOCK_NEVER, &out, &e), 0);
	assert_string_equal(buf_string(&out), "/h-1");
	assert_int_equal(secret_renew(&a, CLOCK_NEVER, &out, &e), -1);
	assert_int_equal(e.kind, ERROR_DENIED);
	assert_string_equal(buf_string(&out), "/h-1");
	error_clear(&e);
	unsetenv("SENDLING_TOKEN_REFUSED");
	buf_wipe(&out);
	buf_add_string(&out, "stale");
	assert_int_equal(secret_renew(&a, CLOCK_NEVER, &out, &e), 0);
	assert_string_equal(buf_string(&out), "/h-1");
	error_clear(&e);
	a.secret.text = (char *)"exit 3";
	assert_int_equal(secret_renew(&a, CLOCK_NEVER, &out, &e), -1);
	assert_int_equal(e.kind, ERROR_CONFIG);
	assert_string_equal(buf_string(&out), "/h-1");
	buf_wipe(&out);
	a.auth.mechanisms[0] = MECHANISM_PLAIN;
	assert_false(secret_renews(&a));
	a.auth.mechanisms[0] = MECHANISM_OAUTHBEARER;
	assert_true(secret_renews(&a));
	a.secret.source = SECRET_FILE;
	assert_false(secret_renews(&a));
}

static void
takes_the_first_line_of_a_command(void **state)
{
	static const struct {
		const char *command;
		const char *password; /* NULL: */
		const char *words;
	} rows[] = {{"echo pass", "pass", NULL}, {"printf pass", "pass", NULL},
	    {"printf 'pass\\r\\nmore\\n'", "pass", NULL},
	    {"echo pass; sleep 0; echo more", "pass", NULL},
	    {"echo \"it's  $((6 * 7))\" | tr s z", "it'z  42", NULL},
	    /* More than fits is read to its end. */
	    {"echo pass; seq 100000", "pass", NULL},
	    {"echo pass; exec >&-; true", "pass", NULL},
	    {"echo canary; exit 3", NULL, "ended with status 3"},
	    {"echo canary; kill -9 $$", NULL, "ended by signal 9"},
	    {"canary-no-such-command 2>/dev/null", NULL, "status 127"},
	    {"true", NULL, "first line is empty"},
	    {"echo; echo canary", NULL, "first line is empty"},
	    {"seq 100000 | tr -d '\\n'", NULL, "longer than 65536"},
	    /* Nothing to read, nothing open but 0 to 2, all signals at work. */
	    {"cat; echo \"$(cat)end\"", "end", NULL},
	    {"echo $(ls /proc/self/fd | tr -d '\\n')", "0123", NULL},
	    /* glibc itself ignores 32 and 33, which are its own. */
	    {"grep -c 'Sig\\(Blk\\|Ign\\):.*[08]0000000$' "
	     "/proc/self/status",
		"2", NULL}};
	struct sigaction before, after;
	sigset_t all, mask;
	size_t i;
	int leak;

	(void)state;
	/* Left open by our caller, signals blocked and ignored. */
	leak = fcntl(open("/dev/null", O_RDONLY), F_DUPFD, 7);
	assert_int_not_equal(leak, -1);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	sigaction(SIGCHLD, NULL, &before);
	for (i = 0; i < COUNT(rows); i++) {
		if (rows[i].password != NULL)
			gives(
			    SECRET_COMMAND, rows[i].command, rows[i].password);
		else
			refuses(SECRET_COMMAND, rows[i].command, rows[i].words);
	}
	sigprocmask(SIG_SETMASK, NULL, &mask);
	assert_true(sigismember(&mask, SIGUSR1) == 1);
	sigaction(SIGCHLD, NULL, &after);
	assert_true(after.sa_handler == before.sa_handler);
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&mask);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	close(leak);
}

static void
takes_long_passwords(void **state)
{
	struct error e;
	struct buf out;
	char *bytes;

	(void)state;
	bytes = mem_new(SECRET_MAX + 2, 1);
	memset(bytes, 'x', SECRET_MAX + 1);
	folder_put("long", bytes, SECRET_MAX, 0600);
	assert_int_equal(
	    read_from(SECRET_FILE, in_folder("long"), false, &out, &e), 0);
	assert_int_equal(out.len, SECRET_MAX);
	buf_wipe(&out);
	folder_put("long", bytes, SECRET_MAX + 1, 0600);
	refuses(SECRET_FILE, in_folder("long"), "longer than 65536");
	free(bytes);
	assert_int_equal(
	    read_from(SECRET_COMMAND,
		"head -c 65536 /dev/zero | tr '\\0' x; echo", false, &out, &e),
	    0);
	assert_int_equal(out.len, SECRET_MAX);
	buf_wipe(&out);
}

/* The process whose number stands in the file `pid'. */
static pid_t
left_behind(void)
{
	struct buf out;
	struct error e;
	int pid;

	error_clear(&e);
	buf_init(&out, 100);
	assert_int_equal(
	    file_read(in_folder("pid"), ACCESS_ANY, &out, NULL, &e), 0);
	pid = atoi(buf_string(&out));
	buf_clear(&out);
	assert_true(pid > 1);
	return pid;
}

static bool
is_gone(void)
{
	int pid = left_behind();
	struct buf out;
	struct error e;

	error_clear(&e);
	buf_init(&out, 1000);
	/* A zombie that nobody reaped yet is as good as gone. */
	snprintf(e.text, sizeof(e.text), "/proc/%d/stat", pid);
	if (file_read(e.text, ACCESS_ANY, &out, NULL, &e) == 0 &&
	    strstr(buf_string(&out), ") Z ") == NULL &&
	    strstr(buf_string(&out), ") X ") == NULL) {
		buf_clear(&out);
		return false;
	}
	buf_clear(&out);
	return true;
}

/* A command that writes the process that is left of it to the file `pid'. */
static const char *
leaving(const char *before, const char *after)
{
	static char command[500];

	snprintf(command, sizeof(command),
	    "%s & echo $! > %s.new; "
	    "mv %s.new %s; %s",
	    before, in_folder("pid"), in_folder("pid"), in_folder("pid"),
	    after);
	unlink(in_folder("pid"));
	return command;
}

/* Those that keep the output open and those that do not, and those that want
 * no end. */
static void
ends_a_command_that_does_not_end(void **state)
{
	static const char *const commands[][2] = {
	    {"echo canary; sleep 1000", "wait"},
	    {"echo canary; sleep 1000 > /dev/null", "exec >&-; wait"},
	    {"trap '' TERM INT; sleep 1000", "while :; do sleep 1000; done"}};
	const char *command;
	long long begin;
	size_t i;

	(void)state;
	/* Without a terminal of its own, as under cron. */
	for (i = 0; i < COUNT(commands); i++) {
		command = leaving(commands[i][0], commands[i][1]);
		begin = clock_now();
		refuses(
		    SECRET_COMMAND, command, "not finished after 1 seconds");
		assert_in_range(clock_now() - begin, 1000, HANG);
		if (!process_has_terminal())
			while (!is_gone())
				;
	}
}

/* All of it; at a terminal it shares our group. */
static void
end_left_behind(void)
{
	pid_t group = getpgid(left_behind());

	kill(group == getpgrp() ? left_behind() : -group, SIGKILL);
}

/* What the command leaves behind, an agent perhaps, delays nobody, whatever it
 * has open and says; and it is not ours to end. */
static void
waits_for_the_command_alone(void **state)
{
	static const char *const commands[] = {"sleep 1000",
	    "(sleep 1000; echo canary)", "(while :; do sleep 1000; done)"};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(commands); i++) {
		gives(
		    SECRET_COMMAND, leaving(commands[i], "echo pass"), "pass");
		assert_false(is_gone());
		end_left_behind();
		refuses(SECRET_COMMAND, leaving(commands[i], "exit 3"),
		    "ended with status 3");
		end_left_behind();
	}
	gives(SECRET_COMMAND, "echo pass; (while :; do echo canary; done) &",
	    "pass");
	refuses(SECRET_COMMAND, "(sleep 0.1; echo canary) & exit 0", "empty");
}

/* One who waits for his command, and is to be ended by a signal. */
static pid_t
wait_for_command(const char *command, int ignored)
{
	struct error e;
	struct buf out;
	int status;
	pid_t pid;

	pid = fork();
	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
		default_signals();
		if (ignored != 0)
			signal(ignored, SIG_IGN);
		status = read_from(SECRET_COMMAND, command, false, &out, &e);
		_exit(status == -1 ? 1 : 0);
	}
	while (access(in_folder("pid"), F_OK) == -1)
		;
	return pid;
}

static int
status_of(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void
ends_the_command_when_it_is_ended(void **state)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT};
	static const char *const commands[] = {
	    "sleep 1000", "trap '' TERM; sleep 1000"};
	size_t i, j;
	int status;
	pid_t pid;

	(void)state;
	for (i = 0; i < COUNT(signals); i++) {
		for (j = 0; j < COUNT(commands); j++) {
			pid = wait_for_command(
			    leaving(commands[j], "wait; wait"), 0);
			kill(pid, signals[i]);
			status = status_of(pid);
			assert_true(WIFSIGNALED(status));
			assert_int_equal(WTERMSIG(status), signals[i]);
			if (!process_has_terminal())
				while (!is_gone())
					;
		}
		/* As nohup does. */
		pid = wait_for_command(
		    leaving("sleep 1000", "kill -9 $!; echo pass"), signals[i]);
		kill(pid, signals[i]);
		assert_int_equal(status_of(pid), 0);
	}
}

/* The mail may have less time left than a command has. */
static void
ends_a_command_at_the_deadline(void **state)
{
	struct error e;
	struct buf out;

	(void)state;
	deadline = clock_now() + 50;
	assert_int_equal(read_from(SECRET_COMMAND, "echo canary; sleep 1000",
			     false, &out, &e),
	    -1);
	assert_in_range(clock_now() - deadline, 0, HANG);
	deadline = CLOCK_NEVER;
	assert_int_equal(e.kind, ERROR_LATER);
	assert_string_equal(e.doing, "password-command");
	assert_non_null(strstr(e.text, "`deadline'"));
	assert_int_equal(out.len, 0);
	buf_wipe(&out);
}

static int kill_there;

/* In a session with a terminal of its own; `type` is typed there, or the
 * signal sent to who asks. */
static int
at_terminal(int (*ask)(void), const char *type, char *shown, size_t size)
{
	int master, status;
	size_t len = 0;
	ssize_t n;
	pid_t pid;

	pid = forkpty(&master, NULL, NULL, NULL);
	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		default_signals();
		_exit(ask());
	}
	while (len + 1 < size &&
	       (n = read(master, shown + len, size - len - 1)) > 0) {
		len += (size_t)n;
		shown[len] = '\0';
		if (type != NULL && strstr(shown, ": ") != NULL) {
			assert_int_equal(
			    file_write(master, type, strlen(type)), 0);
			type = NULL;
			if (kill_there != 0)
				kill(pid, kill_there);
		}
	}
	shown[len] = '\0';
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(master);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static int
ask_for_password(void)
{
	struct error e;
	struct buf out;

	if (read_from(SECRET_NONE, NULL, true, &out, &e) == -1)
		return 1;
	return strcmp(buf_string(&out), "typed secret") == 0 ? 0 : 2;
}

static int
ask_for_nothing(void)
{
	struct error e;
	struct buf out;

	return read_from(SECRET_NONE, NULL, true, &out, &e) == -1 &&
		       e.kind == ERROR_CONFIG && strstr(e.text, "empty") != NULL
		   ? 0
		   : 1;
}

static int
ask_by_command(void)
{
	struct error e;
	struct buf out;

	if (read_from(SECRET_COMMAND,
		"printf 'Which: ' > /dev/tty; read a < /dev/tty; echo \"$a\"",
		false, &out, &e) == -1)
		return 1;
	return strcmp(buf_string(&out), "typed secret") == 0 ? 0 : 2;
}

static void
asks_at_the_terminal(void **state)
{
	char shown[1000] = "";

	(void)state;
	assert_int_equal(at_terminal(ask_for_password, "typed secret\n", shown,
			     sizeof(shown)),
	    0);
	assert_non_null(strstr(shown, "Password of alice: "));
	assert_null(strstr(shown, "secret"));
	assert_int_equal(
	    at_terminal(ask_for_nothing, "\n", shown, sizeof(shown)), 0);
	/* A command may ask there as well. */
	assert_int_equal(
	    at_terminal(ask_by_command, "typed secret\n", shown, sizeof(shown)),
	    0);
}

static int
wait_for_command_there(void)
{
	struct error e;
	struct buf out;
	char command[300];

	snprintf(command, sizeof(command),
	    "echo $$ > %s; echo 'Which: ' > /dev/tty; exec sleep 1000",
	    in_folder("pid"));
	read_from(SECRET_COMMAND, command, false, &out, &e);
	return 1;
}

/* With it the whole terminal's foreground, of which we are a part. */
static void
ends_a_command_at_a_terminal(void **state)
{
	char shown[100];

	(void)state;
	unlink(in_folder("pid"));
	/* Typed, ^C is a signal to all of us; 255 says that it was one. */
	assert_int_equal(
	    at_terminal(wait_for_command_there, "\003", shown, sizeof(shown)),
	    255);
	while (!is_gone())
		;
	unlink(in_folder("pid"));
	kill_there = SIGTERM;
	assert_int_equal(
	    at_terminal(wait_for_command_there, "", shown, sizeof(shown)), 255);
	kill_there = 0;
	while (!is_gone())
		;
}

static void
does_not_ask_without_one(void **state)
{
	struct error e;
	struct buf out;
	int status;
	pid_t pid;

	(void)state;
	pid = fork();
	if (pid == 0) {
		setsid();
		_exit(read_from(SECRET_NONE, NULL, true, &out, &e) == -1 &&
			      strstr(e.hint, "password-file") != NULL
			  ? 0
			  : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(needs_a_user),
	    cmocka_unit_test(takes_a_value_as_it_is),
	    cmocka_unit_test(takes_the_first_line_of_a_file),
	    cmocka_unit_test(says_how_to_make_a_missing_file),
	    cmocka_unit_test(takes_the_credential_of_a_service),
	    cmocka_unit_test(checks_the_credential_of_a_service),
	    cmocka_unit_test(renews_a_token_by_its_command),
	    cmocka_unit_test(takes_the_first_line_of_a_command),
	    cmocka_unit_test(takes_long_passwords),
	    cmocka_unit_test(ends_a_command_that_does_not_end),
	    cmocka_unit_test(waits_for_the_command_alone),
	    cmocka_unit_test(ends_the_command_when_it_is_ended),
	    cmocka_unit_test(ends_a_command_at_the_deadline),
	    cmocka_unit_test(asks_at_the_terminal),
	    cmocka_unit_test(ends_a_command_at_a_terminal),
	    cmocka_unit_test(does_not_ask_without_one)};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
