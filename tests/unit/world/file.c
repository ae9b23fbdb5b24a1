#include "../unit.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "../folder.h"
#include "base/mem.h"
#include "world/file.h"

#define STRANGER 12345

/* Written anew; gives its path. */
static const char *
make(const char *name, const char *bytes, mode_t mode)
{
	return folder_put(name, bytes, strlen(bytes), mode);
}

static void
reads_whole_files(void **state)
{
	static const size_t sizes[] = {0, 1, 65535, 65536, 65537, 300000};
	struct stat info;
	struct error e;
	struct buf out;
	char *bytes;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		bytes = mem_new(sizes[i] + 1, 1);
		memset(bytes, 'a' + (int)i, sizes[i]);
		error_clear(&e);
		/* As many bytes as fit exactly. */
		buf_init(&out, sizes[i]);
		assert_int_equal(file_read(make("whole", bytes, 0640),
				     ACCESS_ANY, &out, &info, &e),
		    0);
		assert_int_equal(out.len, sizes[i]);
		if (sizes[i] > 0)
			assert_memory_equal(out.at, bytes, sizes[i]);
		assert_int_equal(info.st_mode & 07777, 0640);
		assert_int_equal(info.st_uid, geteuid());
		buf_clear(&out);
		free(bytes);
	}
}

static void
refuses_what_is_too_large(void **state)
{
	struct error e;
	struct buf out;

	(void)state;
	error_clear(&e);
	buf_init(&out, 9);
	assert_int_equal(file_read(make("large", "0123456789", 0600),
			     ACCESS_ANY, &out, NULL, &e),
	    -1);
	assert_int_equal(e.kind, ERROR_CONFIG);
	assert_non_null(strstr(e.text, "larger than 9 bytes"));
	buf_clear(&out);
}

static void
names_what_is_no_file(void **state)
{
	static const struct {
		const char *name;
		enum error_kind kind;
		int sys;
		const char *words;
	} rows[] = {{"missing", ERROR_INPUT, ENOENT, "/missing: "},
	    {"plain/below", ERROR_INPUT, ENOTDIR, "/plain/below: "},
	    {"fifo", ERROR_CONFIG, 0, "a pipe, not a regular file"},
	    {"folder", ERROR_CONFIG, 0, "a folder, not a regular file"},
	    {"zero", ERROR_CONFIG, 0, "not a regular file"},
	    {"loop", ERROR_CONFIG, ELOOP, "/loop: "}};
	struct error e;
	struct buf out;
	size_t i;

	(void)state;
	make("plain", "", 0600);
	assert_int_equal(mkfifo(in_folder("fifo"), 0600), 0);
	assert_int_equal(mkdir(in_folder("folder"), 0700), 0);
	assert_int_equal(symlink("/dev/zero", in_folder("zero")), 0);
	assert_int_equal(symlink("loop", in_folder("loop")), 0);
	buf_init(&out, 100);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		error_clear(&e);
		assert_int_equal(file_read(in_folder(rows[i].name),
				     ACCESS_CONFIG, &out, NULL, &e),
		    -1);
		assert_int_equal(e.kind, rows[i].kind);
		assert_int_equal(e.sys, rows[i].sys);
		assert_non_null(strstr(e.text, rows[i].words));
	}
	buf_clear(&out);
}

/* Its group is STRANGER's own, or not: where root can try that. */
static void
says_who_may_not_read_what(void **state)
{
	static const struct {
		unsigned owner, group, mode;
		const char *words; /* NULL: it is read */
		const char *hint;
	} rows[] = {{0, STRANGER, 0640, NULL, NULL},
	    {4, STRANGER, 0640, "it belongs to somebody else",
		"as root: chown root:GROUP "},
	    {4, STRANGER, 0644, "it belongs to somebody else",
		"as root: chown root:GROUP "},
	    {0, 0, 0600,
		"user 12345 may not read it (owner root, group root, mode "
		"0600)",
		"as root: chown root:GROUP "},
	    {0, 0, 0640,
		"user 12345 may not read it (owner root, group root, mode "
		"0640)",
		"as root: chown root:GROUP "},
	    {0, 8, 0640,
		"user 12345 may not read it (owner root, group mail, mode "
		"0640)",
		"as root: usermod -aG mail 12345"}};
	const char *path = make("shared", "secret\n", 0600);
	struct error e;
	struct buf out;
	size_t i;
	int result;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(chmod(folder, 0711), 0);
	buf_init(&out, 100);
	for (i = 0; i < COUNT(rows); i++) {
		error_clear(&e);
		assert_int_equal(chown(path, rows[i].owner, rows[i].group), 0);
		assert_int_equal(chmod(path, rows[i].mode), 0);
		assert_int_equal(setegid(STRANGER), 0);
		assert_int_equal(seteuid(STRANGER), 0);
		result = file_read(path, ACCESS_SECRET, &out, NULL, &e);
		assert_int_equal(seteuid(0), 0);
		assert_int_equal(setegid(0), 0);
		assert_int_equal(result, rows[i].words == NULL ? 0 : -1);
		if (rows[i].words == NULL)
			continue;
		assert_int_equal(e.kind, ERROR_CONFIG);
		assert_int_equal(e.sys, rows[i].owner == 0 ? EACCES : 0);
		if (strstr(e.text, rows[i].words) == NULL)
			fail_msg("%s", e.text);
		if (strstr(e.hint, rows[i].hint) == NULL)
			fail_msg("%s", e.hint);
		assert_null(strstr(e.hint, "chmod 600"));
		assert_non_null(strstr(e.text, path));
	}
	assert_int_equal(chmod(folder, 0700), 0);
	error_clear(&e);
	assert_int_equal(seteuid(STRANGER), 0);
	result = file_read(path, ACCESS_SECRET, &out, NULL, &e);
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(result, -1);
	assert_int_equal(e.sys, EACCES);
	assert_non_null(
	    strstr(e.text, "user 12345 may not search the folders"));
	buf_clear(&out);
}

static void
checks_the_file_it_reads(void **state)
{
	struct stat info;
	struct error e;
	struct buf out;

	(void)state;
	error_clear(&e);
	buf_init(&out, 100);
	assert_int_equal(file_read(make("open", "secret\n", 0644),
			     ACCESS_CONFIG, &out, &info, &e),
	    0);
	assert_int_equal(
	    access_check(in_folder("open"), ACCESS_SECRET, &info, &e), -1);
	buf_reset(&out);
	error_clear(&e);
	assert_int_equal(
	    file_read(in_folder("open"), ACCESS_SECRET, &out, &info, &e), -1);
	assert_int_equal(out.len, 0);
	assert_null(strstr(e.text, "secret\n"));
	buf_clear(&out);
}

static void
reads_a_file_that_claims_no_size(void **state)
{
	struct error e;
	struct buf out;

	(void)state;
	error_clear(&e);
	buf_init(&out, 100000);
	assert_int_equal(
	    file_read("/proc/self/status", ACCESS_ANY, &out, NULL, &e), 0);
	assert_true(out.len > 0);
	buf_clear(&out);
}

static void
stores_without_a_name(void **state)
{
	struct file_store s;
	char bytes[16];
	struct stat st;
	struct error e;

	(void)state;
	error_clear(&e);
	file_store_init(&s, folder);
	assert_int_equal(s.fd, -1);
	assert_int_equal(s.store.write(s.store.arg, "0123456", 7, &e), 0);
	assert_int_equal(s.store.write(s.store.arg, "789", 3, &e), 0);
	assert_int_equal(fstat(s.fd, &st), 0);
	assert_int_equal(st.st_nlink, 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(fcntl(s.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(s.store.read(s.store.arg, 5, bytes, 16, &e), 5);
	assert_memory_equal(bytes, "56789", 5);
	assert_int_equal(s.store.read(s.store.arg, 0, bytes, 2, &e), 2);
	assert_memory_equal(bytes, "01", 2);
	assert_int_equal(s.store.read(s.store.arg, 10, bytes, 16, &e), 0);
	/* Reading does not move where the next write goes. */
	assert_int_equal(s.store.write(s.store.arg, "x", 1, &e), 0);
	assert_int_equal(s.store.read(s.store.arg, 9, bytes, 16, &e), 2);
	assert_memory_equal(bytes, "9x", 2);
	file_store_clear(&s);
	assert_int_equal(s.fd, -1);
}

static void
says_where_it_cannot_store(void **state)
{
	struct file_store s;
	struct error e;

	(void)state;
	error_clear(&e);
	file_store_init(&s, in_folder("nowhere"));
	assert_int_equal(s.store.write(s.store.arg, "x", 1, &e), -1);
	assert_int_equal(e.kind, ERROR_SYSTEM);
	assert_non_null(strstr(e.text, "/nowhere"));
	assert_int_equal(s.fd, -1);
}

/* In a process of its own, since the limit stays. */
static int
store_past_the_limit(void)
{
	struct rlimit limit = {4, 4};
	struct file_store s;
	struct error e;
	char bytes[8];

	signal(SIGXFSZ, SIG_IGN);
	if (setrlimit(RLIMIT_FSIZE, &limit) == -1)
		return 1;
	error_clear(&e);
	file_store_init(&s, folder);
	if (s.store.write(s.store.arg, "12345678", 8, &e) != -1 || s.fd != -1)
		return 2;
	error_clear(&e);
	if (s.store.write(s.store.arg, "12", 2, &e) != 0 ||
	    s.store.read(s.store.arg, 0, bytes, 8, &e) != 2)
		return 3;
	if (s.store.write(s.store.arg, "345", 3, &e) != -1 || s.fd == -1)
		return 4;
	return 0;
}

static void
keeps_nothing_of_a_first_write_that_fails(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	pid = fork();
	if (pid == 0)
		_exit(store_past_the_limit());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void
appends_to_regular_files_only(void **state)
{
	struct error e;
	struct buf out;
	struct stat st;
	int fd, round;

	(void)state;
	buf_init(&out, 100);
	for (round = 0; round < 2; round++) {
		error_clear(&e);
		fd = file_append(in_folder("log"), &e);
		assert_int_not_equal(fd, -1);
		assert_int_equal(file_write(fd, "line\n", 5), 0);
		close(fd);
	}
	assert_int_equal(stat(in_folder("log"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	file_read(in_folder("log"), ACCESS_ANY, &out, NULL, &e);
	assert_string_equal(buf_string(&out), "line\nline\n");
	buf_clear(&out);
	make("target", "", 0600);
	assert_int_equal(symlink("target", in_folder("link")), 0);
	assert_int_equal(file_append(in_folder("link"), &e), -1);
	assert_int_equal(e.kind, ERROR_CONFIG);
	assert_non_null(strstr(e.text, "symbolic link"));
	error_clear(&e);
	/* Nobody reads the FIFO: opening it must not wait. */
	assert_int_equal(file_append(in_folder("fifo"), &e), -1);
	assert_int_equal(e.kind, ERROR_CONFIG);
	error_clear(&e);
	assert_int_equal(file_append("/dev/null", &e), -1);
	assert_non_null(strstr(e.text, "not a regular file"));
	error_clear(&e);
	assert_int_equal(file_append(in_folder("nowhere/log"), &e), -1);
	assert_int_equal(e.kind, ERROR_CONFIG);
	assert_int_equal(e.sys, ENOENT);
}

static void
tells_what_could_be_appended_to(void **state)
{
	static const struct {
		const char *name;
		const char *words; /* NULL: it could */
	} rows[] = {{"log", NULL}, {"new", NULL}, {"link", "symbolic link"},
	    {"folder", "Is a directory"},
	    {"nowhere/log", "/nowhere/log: No such file"},
	    {"log/below", "/log/below: Not a directory"}};
	struct error e;
	size_t i;
	int result;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		error_clear(&e);
		result = file_check_append(in_folder(rows[i].name), &e);
		assert_int_equal(result, rows[i].words == NULL ? 0 : -1);
		if (rows[i].words == NULL)
			continue;
		assert_int_equal(e.kind, ERROR_CONFIG);
		if (strstr(e.text, rows[i].words) == NULL)
			fail_msg("%s", e.text);
	}
	assert_int_equal(access(in_folder("new"), F_OK), -1);
}

/* Writes to the pipe from another process, in pieces, with signals. */
static pid_t
start_writer(int to, int close_this, const char *bytes, size_t len, size_t step)
{
	pid_t pid, reader = getpid();
	size_t at, n;

	pid = fork();
	assert_int_not_equal(pid, -1);
	if (pid != 0)
		return pid;
	close(close_this);
	signal(SIGPIPE, SIG_DFL);
	for (at = 0; at < len; at += n) {
		n = len - at < step ? len - at : step;
		if (file_write(to, bytes + at, n) == -1)
			_exit(1);
		kill(reader, SIGUSR1);
	}
	_exit(0);
}

static void
no_act(int number)
{
	(void)number;
}

static void
interruptible(void)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_handler = no_act;
	sigaction(SIGUSR1, &action, NULL);
}

static int
ended_well(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) == -1)
		;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void
feeds_a_message(void **state)
{
	static const int flags[] = {0, O_NONBLOCK};
	struct message_cursor cursor;
	struct message *m;
	char *text, got[64];
	struct error e;
	size_t i;
	int ends[2];
	pid_t pid;

	(void)state;
	interruptible();
	text = mem_new(200000, 1);
	memcpy(text, "Subject: x\n\n", 12);
	for (i = 12; i < 200000; i++)
		text[i] = i % 64 == 63 ? '\n' : 'b';
	for (i = 0; i < 2; i++) {
		error_clear(&e);
		assert_int_equal(pipe(ends), 0);
		assert_int_equal(fcntl(ends[0], F_SETFL, flags[i]), 0);
		pid = start_writer(ends[1], ends[0], text, 200000, 777);
		close(ends[1]);
		m = message_new(NULL);
		assert_int_equal(file_read_message(ends[0], false, m, &e), 0);
		assert_true(ended_well(pid));
		/* Others who share it like it so. */
		assert_int_equal(
		    fcntl(ends[0], F_GETFL) & O_NONBLOCK, flags[i]);
		close(ends[0]);
		memset(&cursor, 0, sizeof(cursor));
		assert_true(message_read(m, &cursor, got, 12, &e) > 0);
		assert_memory_equal(got, "Subject: x\r\n", 12);
		assert_true(message_size(m) > 200000);
		message_free(m);
	}
	free(text);
}

/* A reader that takes its time, at the other end of what does not block. */
static void
writes_where_there_is_no_room_yet(void **state)
{
	char *text, got[1000];
	int ends[2], status;
	size_t len = 0;
	ssize_t n;
	pid_t pid;

	(void)state;
	text = mem_new(300000, 1);
	memset(text, 'x', 300000);
	assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
	pid = fork();
	if (pid == 0) {
		close(ends[1]);
		fcntl(ends[0], F_SETFL, 0);
		while ((n = read(ends[0], got, sizeof(got))) > 0)
			len += (size_t)n;
		_exit(len == 300000 ? 0 : 1);
	}
	close(ends[0]);
	assert_int_equal(file_write(ends[1], text, 300000), 0);
	assert_true((fcntl(ends[1], F_GETFL) & O_NONBLOCK) != 0);
	close(ends[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	free(text);
}

static void
reads_on_after_a_message_that_is_refused(void **state)
{
	static const size_t large = MESSAGE_HEADER_MAX + 1024 * 1024;
	struct message *m;
	struct error e;
	char *text;
	int ends[2];
	pid_t pid;

	(void)state;
	interruptible();
	text = mem_new(large, 1);
	memset(text, 'x', large);
	memcpy(text, "Subject: ", 9);
	error_clear(&e);
	assert_int_equal(pipe(ends), 0);
	pid = start_writer(ends[1], ends[0], text, large, 1024 * 1024);
	close(ends[1]);
	m = message_new(NULL);
	assert_int_equal(file_read_message(ends[0], false, m, &e), -1);
	assert_int_equal(e.kind, ERROR_MESSAGE);
	close(ends[0]);
	assert_true(ended_well(pid));
	message_free(m);
	free(text);
}

static void
tells_of_a_read_error(void **state)
{
	struct message *m;
	struct error e;
	int fd;

	(void)state;
	error_clear(&e);
	fd = open(folder, O_RDONLY | O_DIRECTORY);
	m = message_new(NULL);
	assert_int_equal(file_read_message(fd, false, m, &e), -1);
	assert_int_equal(e.kind, ERROR_IO);
	assert_int_equal(e.sys, EISDIR);
	message_free(m);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(reads_whole_files),
	    cmocka_unit_test(refuses_what_is_too_large),
	    cmocka_unit_test(names_what_is_no_file),
	    cmocka_unit_test(says_who_may_not_read_what),
	    cmocka_unit_test(checks_the_file_it_reads),
	    cmocka_unit_test(reads_a_file_that_claims_no_size),
	    cmocka_unit_test(stores_without_a_name),
	    cmocka_unit_test(says_where_it_cannot_store),
	    cmocka_unit_test(keeps_nothing_of_a_first_write_that_fails),
	    cmocka_unit_test(appends_to_regular_files_only),
	    cmocka_unit_test(tells_what_could_be_appended_to),
	    cmocka_unit_test(feeds_a_message),
	    cmocka_unit_test(writes_where_there_is_no_room_yet),
	    cmocka_unit_test(reads_on_after_a_message_that_is_refused),
	    cmocka_unit_test(tells_of_a_read_error)};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
