#include "../unit.h"

#include <errno.h>
#include <sys/wait.h>

#include "../folder.h"
#include "base/crypt.h"
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
	struct buf der, found;
	struct text rest;
	size_t i;

	(void)state;
	buf_init(&der, 100);
	buf_init(&found, 100);
	for (i = 0; i < COUNT(rows); i++) {
		rest = text_of(rows[i].pem);
		while (trust_next(&rest, &der)) {
			buf_add_text(&found, buf_text(&der));
			buf_add_char(&found, ',');
		}
		assert_string_equal(buf_string(&found), rows[i].found);
		buf_reset(&found);
	}
	buf_clear(&der);
	buf_clear(&found);
}

static bool
next_of(
    struct text *rest, const struct text *names, size_t count, struct buf *der)
{
	struct trust_names *sought = trust_names_new(names, count);
	bool found = trust_next_of(rest, sought, der);

	trust_names_free(sought);
	return found;
}

static void
picks_those_that_hold_a_name(void **state)
{
	const struct text names[] = {TEXT("xx"), TEXT("ne")};
	struct text rest = TEXT(TWO ONE TWO ONE BAD);
	struct buf der;
	size_t i;

	(void)state;
	buf_init(&der, 100);
	for (i = 0; i < 2; i++) {
		assert_true(next_of(&rest, names, COUNT(names), &der));
		assert_string_equal(buf_string(&der), "one");
	}
	assert_false(next_of(&rest, names, COUNT(names), &der));
	rest = TEXT(ONE);
	assert_false(next_of(&rest, names, 1, &der));
	rest = TEXT(ONE);
	assert_false(next_of(&rest, NULL, 0, &der));
	buf_clear(&der);
}

/* Wherever a name begins and ends in the groups of base64, and wherever the
 * lines are broken, it is found; what is one octet off is not. */
static void
finds_names_at_every_place(void **state)
{
	char octets[40], line[200], pem[400];
	struct buf base64, der;
	struct text name, rest;
	size_t at, i, len;

	(void)state;
	for (i = 0; i < sizeof(octets); i++)
		octets[i] = (char)(i * 37 + 11);
	buf_init(&base64, sizeof(line));
	buf_init(&der, sizeof(octets));
	crypt_base64((struct text){octets, sizeof(octets)}, &base64);
	snprintf(pem, sizeof(pem),
	    "-----BEGIN CERTIFICATE-----\r\n%.10s\r\n%s\n"
	    "-----END CERTIFICATE-----\n",
	    buf_string(&base64), buf_string(&base64) + 10);
	for (at = 0; at < sizeof(octets); at++) {
		for (len = 1; at + len <= sizeof(octets); len++) {
			memcpy(line, octets + at, len);
			name = (struct text){line, len};
			rest = text_of(pem);
			assert_true(next_of(&rest, &name, 1, &der));
			line[len - 1] ^= 1;
			if (len < 3)
				continue;
			rest = text_of(pem);
			assert_false(next_of(&rest, &name, 1, &der));
		}
	}
	buf_clear(&base64);
	buf_clear(&der);
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
	struct buf pem;
	struct error e;
	size_t i;
	int result;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		buf_init(&pem, TRUST_MAX);
		error_clear(&e);
		result = trust_read(in_folder(rows[i].name), &pem, &e);
		assert_int_equal(result, rows[i].words == NULL ? 0 : -1);
		assert_int_equal(pem.len, rows[i].len);
		if (rows[i].words != NULL) {
			assert_int_equal(e.kind, ERROR_CONFIG);
			assert_int_equal(e.sys, rows[i].sys);
			if (strstr(e.text, rows[i].words) == NULL)
				fail_msg("%s", e.text);
			assert_non_null(strstr(e.hint, "tls-trust FILE"));
		}
		buf_clear(&pem);
	}
}

static void
cannot_use_what_it_may_not_read(void **state)
{
	struct buf pem;
	struct error e;
	int status;
	pid_t pid;

	(void)state;
	pid = fork();
	if (pid == 0) {
		error_clear(&e);
		buf_init(&pem, TRUST_MAX);
		if (geteuid() == 0 && setuid(NOBODY) == -1)
			_exit(1);
		if (trust_read(in_folder("secret.pem"), &pem, &e) != -1)
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
	assert_non_null(strstr(e.hint, "ca-certificates"));
}

/* What is found can be read, and holds certificates. */
static void
finds_the_systems_bundle(void **state)
{
	const char *path;
	struct text rest;
	struct buf pem, der;
	struct error e;

	(void)state;
	error_clear(&e);
	assert_int_equal(trust_find_bundle(&path, &e), 0);
	if (path == NULL)
		skip();
	buf_init(&pem, TRUST_MAX);
	buf_init(&der, TRUST_MAX);
	assert_int_equal(trust_read(path, &pem, &e), 0);
	rest = buf_text(&pem);
	assert_true(trust_next(&rest, &der));
	assert_int_equal(der.at[0], 0x30); /* a SEQUENCE */
	buf_clear(&pem);
	buf_clear(&der);
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
	    cmocka_unit_test(picks_those_that_hold_a_name),
	    cmocka_unit_test(finds_names_at_every_place),
	    cmocka_unit_test(reads_files_and_folders),
	    cmocka_unit_test(cannot_use_what_it_may_not_read),
	    cmocka_unit_test(says_that_nothing_is_there),
	    cmocka_unit_test(finds_the_systems_bundle),
	};

	return cmocka_run_group_tests(tests, make_folder, folder_remove);
}
