#include "../unit.h"

#include <errno.h>
#include <sys/wait.h>

#include "../folder.h"
#include "world/trust.h"

#define NOBODY 65534
#define BEGIN  "-----BEGIN CERTIFICATE-----"
#define END    "-----END CERTIFICATE-----"
/* What a certificate is to this room: any octets. */
#define ONE BEGIN "\nb25l\n" END "\n"	  /* "one" */
#define TWO BEGIN "\r\ndH\r\n dv\r\n" END /* "two" */
#define BAD BEGIN "\n*b25l\n" END "\n"	  /* no base64 */
#define KEY "-----BEGIN PRIVATE KEY-----\nb25l\n-----END PRIVATE KEY-----\n"

static void
finds_the_certificates(void **state)
{
	static const struct {
		const char *pem;
		const char *found; /* joined by a comma */
	} rows[] = {{"", ""}, {"prose", ""}, {ONE, "one,"},
	    {ONE TWO ONE, "one,two,one,"}, {"prose\n" ONE "# more\n", "one,"},
	    {KEY ONE, "one,"}, {BAD ONE, "one,"}, {BAD, ""},
	    {BEGIN "\nb25l\n", ""}, {BEGIN "\nb25l\n" ONE, "one,"},
	    {BEGIN END ONE, "one,"}, {ONE BEGIN, "one,"}, {END ONE, "one,"}};
	struct buf found;
	struct trust t;
	size_t i, n;

	(void)state;
	buf_init(&found, 100);
	for (i = 0; i < COUNT(rows); i++) {
		trust_init(&t);
		buf_add_string(&t.pem, rows[i].pem);
		for (n = 1; trust_next(&t); n++) {
			assert_int_equal(t.count, n);
			buf_add_text(&found, trust_at(&t, n - 1));
			buf_add_char(&found, ',');
		}
		assert_string_equal(buf_string(&found), rows[i].found);
		buf_reset(&found);
		for (n = 0; n < t.count; n++) {
			buf_add_text(&found, trust_at(&t, n));
			buf_add_char(&found, ',');
		}
		assert_string_equal(buf_string(&found), rows[i].found);
		assert_false(trust_next(&t));
		buf_reset(&found);
		trust_clear(&t);
	}
	buf_clear(&found);
}

static void
tells_those_that_hold_a_name(void **state)
{
	static const struct {
		const char *names[3]; /* up to a NULL */
		bool held;
	} rows[] = {{{"one"}, true}, {{"o"}, true}, {{"ne"}, true},
	    {{"two", "n"}, true}, {{"", "e"}, true}, {{"ones"}, false},
	    {{"One"}, false}, {{"two", ""}, false}, {{""}, false},
	    {{NULL}, false}};
	struct buf names[2];
	size_t i, n;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		for (n = 0; rows[i].names[n] != NULL; n++) {
			buf_init(&names[n], 10);
			buf_add_string(&names[n], rows[i].names[n]);
		}
		assert_int_equal(
		    trust_holds(TEXT("one"), names, n), rows[i].held);
		while (n > 0)
			buf_clear(&names[--n]);
	}
}

static void
reads_files_and_folders(void **state)
{
	static const struct {
		const char *name;
		const char *words; /* NULL: it was read */
		int sys;
		size_t len;
	} rows[] = {{"one.pem", NULL, 0, sizeof(ONE) - 1},
	    {"empty.pem", NULL, 0, 0}, {"void", NULL, 0, 0},
	    {"several", NULL, 0, 2 * (sizeof(ONE) - 1)},
	    {"missing.pem", "/missing.pem: No such file", ENOENT, 0},
	    {"one.pem/below", "/one.pem/below: Not a directory", ENOTDIR, 0},
	    {"fifo", "/fifo: a pipe, not a regular file", 0, 0}};
	struct trust t;
	struct error e;
	size_t i;
	int result;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		trust_init(&t);
		error_clear(&e);
		result = trust_read(&t, in_folder(rows[i].name), &e);
		assert_int_equal(result, rows[i].words == NULL ? 0 : -1);
		assert_int_equal(t.pem.len, rows[i].len);
		if (rows[i].words != NULL) {
			assert_int_equal(e.kind, ERROR_CONFIG);
			assert_int_equal(e.sys, rows[i].sys);
			if (strstr(e.text, rows[i].words) == NULL)
				fail_msg("%s", e.text);
		}
		trust_clear(&t);
	}
}

static void
cannot_use_what_it_may_not_read(void **state)
{
	struct trust t;
	struct error e;
	int status;
	pid_t pid;

	(void)state;
	pid = fork();
	if (pid == 0) {
		error_clear(&e);
		trust_init(&t);
		if (geteuid() == 0 && setuid(NOBODY) == -1)
			_exit(1);
		if (trust_read(&t, in_folder("secret.pem"), &e) != -1)
			_exit(2);
		_exit(e.kind == ERROR_CONFIG && e.sys == EACCES ? 0 : 3);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
says_that_nothing_is_there(void **state)
{
	struct error e;

	(void)state;
	error_clear(&e);
	assert_int_equal(trust_empty("/etc/x\n.pem", &e), -1);
	assert_int_equal(e.kind, ERROR_CONFIG);
	assert_string_equal(e.text,
	    "no trusted certificates: /etc/x\\x0a.pem holds no certificate in "
	    "PEM");
}

/* What is found can be read, and holds certificates. */
static void
finds_the_systems_bundle(void **state)
{
	const char *path = trust_bundle();
	struct trust t;
	struct error e;

	(void)state;
	error_clear(&e);
	if (path == NULL)
		skip();
	trust_init(&t);
	assert_int_equal(trust_read(&t, path, &e), 0);
	while (trust_next(&t)) /* a SEQUENCE */
		assert_int_equal(trust_at(&t, t.count - 1).at[0], 0x30);
	assert_true(t.count > 0);
	trust_clear(&t);
}

static int
make_folder(void **state)
{
	static const char script[] =
	    "mkdir void several several/below && "
	    "printf '%s\\n' '" BEGIN "' b25l '" END "' > one.pem && "
	    "cp one.pem several/a && cp one.pem several/b && "
	    ": > empty.pem && mkfifo fifo several/fifo && "
	    "cp one.pem secret.pem && chmod 0 secret.pem && chmod 755 .";

	return folder_make(state) == -1 ? -1 : folder_run(script);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(finds_the_certificates),
	    cmocka_unit_test(tells_those_that_hold_a_name),
	    cmocka_unit_test(reads_files_and_folders),
	    cmocka_unit_test(cannot_use_what_it_may_not_read),
	    cmocka_unit_test(says_that_nothing_is_there),
	    cmocka_unit_test(finds_the_systems_bundle),
	};

	return cmocka_run_group_tests(tests, make_folder, folder_remove);
}
