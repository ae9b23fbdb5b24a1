#include "../unit.h"

#include <sys/wait.h>

#include "../capture.h"
#include "base/mem.h"
#include "cmd/answer.h"
#include "cmd/memory.h"
#include "cmd/options.h"

static struct error
error(enum error_kind kind)
{
	struct error e;

	error_clear(&e);
	if (kind != ERROR_NONE)
		error_set(&e, kind, "RCPT TO", "b@x is \"unknown\"");
	return e;
}

static void
how_it_ends_is_the_whole_of_some(void **state)
{
	static const struct {
		enum error_kind kind;
		const char *printed;
	} rows[] = {
	    {ERROR_NONE, "{\"status\":0,\"error\":null}\n"},
	    {ERROR_RECIPIENT,
		"{\"status\":67,\"error\":{\"kind\":\"recipient\","
		"\"status\":67,\"text\":\"RCPT TO: b@x is \\\"unknown\\\"\","
		"\"server\":null,\"hint\":null}}\n"},
	    {ERROR_CONFIG,
		"{\"status\":78,\"error\":{\"kind\":\"config\","
		"\"status\":78,\"text\":\"RCPT TO: b@x is \\\"unknown\\\"\","
		"\"server\":null,\"hint\":null}}\n"},
	};
	struct capture c;
	struct error e;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		e = error(rows[i].kind);
		c = capture_begin(STDOUT_FILENO);
		assert_int_equal(answer_status(&e), 0);
		assert_string_equal(capture_end(&c), rows[i].printed);
		assert_int_equal(e.kind, rows[i].kind);
	}
}

static void
the_version_is_told(void **state)
{
	struct error e = error(ERROR_NONE);
	struct capture c = capture_begin(STDOUT_FILENO);

	(void)state;
	assert_int_equal(answer_version("1.2", &e), 0);
	assert_string_equal(capture_end(&c),
	    "{\"program\":\"sendling\",\"version\":\"1.2\",\"status\":0,"
	    "\"error\":null}\n");
}

static size_t
count_of(const char *words, const char *part)
{
	size_t count = 0;

	for (; (words = strstr(words, part)) != NULL; words++)
		count++;
	return count;
}

/* Also where sendmail's meaning and ours are two rows. */
static void
each_option_stands_there_once(void **state)
{
	struct error e = error(ERROR_NONE);
	struct capture c = capture_begin(STDOUT_FILENO);
	const char *printed, *spelling;
	char quoted[40];

	(void)state;
	assert_int_equal(answer_options(&e), 0);
	printed = capture_end(&c);
	assert_memory_equal(printed, "{\"options\":[\"-A\",", 17);
	assert_non_null(strstr(printed, "\"],\"status\":0,\"error\":null}\n"));
	for (size_t i = 0; (spelling = options_spelling(i)) != NULL; i++) {
		snprintf(quoted, sizeof(quoted), "\"%s\"", spelling);
		assert_int_equal(count_of(printed, quoted), 1);
	}
}

/* RFC 4648 section 10, and where its pieces were cut. */
static const struct {
	const char *pieces[8];
	const char *base64;
} rows[] = {
    {{NULL}, ""},
    {{""}, ""},
    {{"f"}, "Zg=="},
    {{"fo"}, "Zm8="},
    {{"foo"}, "Zm9v"},
    {{"foobar"}, "Zm9vYmFy"},
    {{"f", "oobar"}, "Zm9vYmFy"},
    {{"fo", "obar"}, "Zm9vYmFy"},
    {{"foob", "ar"}, "Zm9vYmFy"},
    {{"f", "", "o", "o", "b", "a", "r"}, "Zm9vYmFy"},
    {{"fo", "ob"}, "Zm9vYg=="},
    {{"foob", "a"}, "Zm9vYmE="},
    {{"\xff\n", "\r"}, "/woN"},
};

static void
octets_are_base64_however_they_come(void **state)
{
	char expected[200];
	struct capture c;
	struct answer a;
	struct error e;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		e = error(ERROR_NONE);
		c = capture_begin(STDOUT_FILENO);
		answer_begin(&a);
		answer_begin_octets(&a, "octets");
		for (size_t k = 0; rows[i].pieces[k] != NULL; k++)
			assert_int_equal(
			    answer_add_octets(
				&a, text_of(rows[i].pieces[k]), "\",", &e),
			    0);
		answer_end_octets(&a);
		json_add_truth(&a.json, "more", true);
		assert_int_equal(answer_end(&a, &e), 0);
		snprintf(expected, sizeof(expected),
		    "{\"octets\":\"%s\",\"more\":true,\"status\":0,"
		    "\"error\":null}\n",
		    rows[i].base64);
		assert_string_equal(capture_end(&c), expected);
	}
}

/* What was printed when there is no memory left, with what is printed then.
 * moment: how far it came. */
static const char *
end_at(int moment)
{
	static struct log quiet = {.quiet = true};
	static const struct memory_watch watch = {.log = &quiet, .client = -1};
	static struct answer a; /* is left as it is */
	struct capture c = capture_begin(STDOUT_FILENO);
	struct error e = error(ERROR_NONE);
	int status;
	pid_t pid;

	pid = fork();
	if (pid == 0) {
		memory_watch(&watch);
		memory_answer("{");
		answer_begin(&a);
		json_add_array(&a.json, "mails");
		json_add_string(&a.json, NULL, "a");
		if (moment > 0)
			answer_print(&a, "],", &e);
		if (moment > 1) {
			json_add_object(&a.json, NULL);
			answer_begin_octets(&a, "octets");
		}
		if (moment > 2)
			answer_add_octets(&a, TEXT("fooba"), "\"}],", &e);
		if (moment > 3) {
			answer_end_octets(&a);
			json_end_object(&a.json);
			json_end_array(&a.json);
			answer_end(&a, &e);
		}
		mem_exhausted();
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 71);
	return capture_end(&c);
}

static void
it_ends_whole_where_memory_ends(void **state)
{
#define GOOD_END "\"status\":0,\"error\":null}\n"
#define END                                                                    \
	"\"status\":71,\"error\":{\"kind\":\"system\",\"status\":71,"          \
	"\"text\":\"out of memory, mail not sent\",\"server\":null,"           \
	"\"hint\":null}}\n"
	static const char *const printed[] = {
	    "{" END,
	    "{\"mails\":[\"a\"]," END,
	    "{\"mails\":[\"a\"]," END,
	    "{\"mails\":[\"a\",{\"octets\":\"Zm9v\"}]," END,
	    ("{\"mails\":[\"a\",{\"octets\":\"Zm9vYmE=\"}]," GOOD_END),
	};

	(void)state;
	for (int i = 0; i < (int)COUNT(printed); i++)
		assert_string_equal(end_at(i), printed[i]);
}

static void
what_nobody_takes_is_an_error(void **state)
{
	struct error e = error(ERROR_NONE);
	struct answer a;
	int full, saved;

	(void)state;
	fflush(stdout);
	saved = dup(STDOUT_FILENO);
	full = open("/dev/full", O_WRONLY);
	dup2(full, STDOUT_FILENO);
	answer_begin(&a);
	assert_int_equal(answer_print(&a, NULL, &e), -1);
	assert_int_equal(e.kind, ERROR_SYSTEM);
	assert_int_equal(a.out.len, 0);
	assert_int_equal(answer_end(&a, &e), -1);
	/* What was wrong before is still what is wrong. */
	e = error(ERROR_CONFIG);
	assert_int_equal(answer_status(&e), -1);
	assert_int_equal(e.kind, ERROR_CONFIG);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	close(full);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(how_it_ends_is_the_whole_of_some),
	    cmocka_unit_test(the_version_is_told),
	    cmocka_unit_test(each_option_stands_there_once),
	    cmocka_unit_test(octets_are_base64_however_they_come),
	    cmocka_unit_test(it_ends_whole_where_memory_ends),
	    cmocka_unit_test(what_nobody_takes_is_an_error),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
