#include "../unit.h"

#include <errno.h>

#include "base/error.h"

/* The table of exit statuses, row by row: the numbers are those of sysexits.h
 * on every system, and what callers go by. */
static void
every_kind_has_its_status(void **state)
{
	static const struct {
		enum error_kind kind;
		int status;
		const char *word;
		bool lasts;
	} rows[] = {
	    {ERROR_NONE, 0, "none", false},
	    {ERROR_USAGE, 64, "usage", true},
	    {ERROR_MESSAGE, 65, "message", true},
	    {ERROR_INPUT, 66, "input", false},
	    {ERROR_RECIPIENT, 67, "recipient", true},
	    {ERROR_HOST, 68, "host", false},
	    {ERROR_REFUSED, 69, "refused", true},
	    {ERROR_BUG, 70, "bug", false},
	    {ERROR_SYSTEM, 71, "system", false},
	    {ERROR_SPOOL, 73, "spool", false},
	    {ERROR_IO, 74, "io", false},
	    {ERROR_LATER, 75, "later", false},
	    {ERROR_DOUBTFUL, 75, "doubtful", false},
	    {ERROR_PROTOCOL, 76, "protocol", false},
	    {ERROR_DENIED, 77, "denied", false},
	    {ERROR_CONFIG, 78, "config", false},
	};
	size_t i;

	(void)state;
	assert_int_equal(COUNT(rows), ERROR_CONFIG + 1);
	for (i = 0; i < COUNT(rows); i++) {
		assert_int_equal(error_status(rows[i].kind), rows[i].status);
		assert_string_equal(error_word(rows[i].kind), rows[i].word);
		assert_int_equal(error_lasts(rows[i].kind), rows[i].lasts);
	}
}

static void
the_first_failure_wins(void **state)
{
	struct error e;

	(void)state;
	error_clear(&e);
	assert_int_equal(error_status(e.kind), 0);
	assert_int_equal(
	    error_set(&e, ERROR_LATER, "MAIL FROM", "put off: %d", 451), -1);
	error_set(&e, ERROR_BUG, "RCPT TO", "another");
	assert_int_equal(e.kind, ERROR_LATER);
	assert_string_equal(e.doing, "MAIL FROM");
	assert_string_equal(e.text, "put off: 451");
	error_clear(&e);
	assert_int_equal(e.kind, ERROR_NONE);
	assert_string_equal(e.text, "");
}

static void
the_first_hint_wins(void **state)
{
	struct error e;

	(void)state;
	error_clear(&e);
	error_set(&e, ERROR_CONFIG, NULL, "wrong");
	assert_int_equal(error_hint(&e, "write `%s'", "user"), -1);
	error_hint(&e, "do nothing");
	assert_string_equal(e.hint, "write `user'");
}

static void
the_systems_words_are_added(void **state)
{
	struct error e;

	(void)state;
	error_clear(&e);
	error_set_sys(&e, ERROR_INPUT, ENOENT, "reading", "the file %s", "x");
	assert_int_equal(e.sys, ENOENT);
	assert_string_equal(e.text, "the file x: No such file or directory");
}

static void
over_long_words_are_cut(void **state)
{
	char words[3000];
	struct error e;

	(void)state;
	memset(words, 'w', sizeof(words) - 1);
	words[sizeof(words) - 1] = '\0';
	error_clear(&e);
	error_set_sys(&e, ERROR_IO, EIO, NULL, "%s", words);
	error_hint(&e, "%s", words);
	assert_int_equal(strlen(e.text), sizeof(e.text) - 1);
	assert_int_equal(strlen(e.hint), sizeof(e.hint) - 1);
}

static void
nobody_may_ask_why(void **state)
{
	(void)state;
	assert_int_equal(error_set(NULL, ERROR_IO, NULL, "words"), -1);
	assert_int_equal(error_set_sys(NULL, ERROR_IO, 1, NULL, "words"), -1);
	assert_int_equal(error_hint(NULL, "words"), -1);
}

static void
a_reason_is_the_reply_or_our_own(void **state)
{
	struct error e;

	(void)state;
	error_clear(&e);
	error_set(&e, ERROR_DENIED, "verifying", "not trusted");
	strlcpy(e.why, "names mail.example.org", sizeof(e.why));
	assert_string_equal(error_reason(&e).words, "verifying: not trusted");
	strlcpy(e.why, "5.7.8 No", sizeof(e.why));
	e.code = 535;
	assert_string_equal(error_reason(&e).words, "5.7.8 No");
	e.why[0] = '\0';
	assert_string_equal(error_reason(&e).words, "verifying: not trusted");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_kind_has_its_status),
	    cmocka_unit_test(the_first_failure_wins),
	    cmocka_unit_test(the_first_hint_wins),
	    cmocka_unit_test(the_systems_words_are_added),
	    cmocka_unit_test(over_long_words_are_cut),
	    cmocka_unit_test(nobody_may_ask_why),
	    cmocka_unit_test(a_reason_is_the_reply_or_our_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
