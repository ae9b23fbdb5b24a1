#include "../unit.h"

#include "smtp/outcome.h"
#include "smtp/reply.h"

#define HOST "mail.example"

static const struct {
	char letter;
	enum verdict verdict;
	int code;
	struct enhanced enhanced;
	const char *words;
} verdicts[] = {
    {'O', VERDICT_OPEN, 0, {0, 0, 0}, NULL},
    {'A', VERDICT_ACCEPTED, 0, {0, 0, 0}, NULL},
    {'D', VERDICT_DELIVERED, 0, {0, 0, 0}, NULL},
    {'R', VERDICT_REFUSED, 550, {5, 1, 1}, "550 5.1.1 No such user"},
    {'L', VERDICT_LATER, 451, {4, 2, 1}, "451 4.2.1 Come back"},
    {'?', VERDICT_DOUBTFUL, 0, {0, 0, 0}, NULL},
};

/* An envelope to a@x, b@x, ... with one verdict a letter. */
static void
envelope_of(struct envelope *env, const char *letters)
{
	char path[] = "a@x";
	struct error e;
	size_t i, j;

	error_clear(&e);
	envelope_init(env);
	for (i = 0; letters[i] != '\0'; i++) {
		path[0] = (char)('a' + i);
		assert_int_equal(envelope_add(env, text_of(path), &e), 1);
		for (j = 0; verdicts[j].letter != letters[i]; j++)
			assert_true(j + 1 < COUNT(verdicts));
		envelope_decide(&env->recipients[i], verdicts[j].verdict,
		    verdicts[j].code, verdicts[j].enhanced, verdicts[j].words);
	}
}

static void
assert_verdicts(const struct envelope *env, const char *letters)
{
	size_t i, j;

	assert_int_equal(env->count, strlen(letters));
	for (i = 0; i < env->count; i++) {
		for (j = 0; verdicts[j].letter != letters[i]; j++)
			assert_true(j + 1 < COUNT(verdicts));
		assert_int_equal(
		    env->recipients[i].verdict, verdicts[j].verdict);
	}
}

/* Every mix; the order does not matter. */
static const struct {
	const char *letters;
	enum error_kind before; /* what befell the transaction */
	enum error_kind kind;
	int status;
} mixes[] = {
    {"D", ERROR_NONE, ERROR_NONE, 0},
    {"R", ERROR_NONE, ERROR_RECIPIENT, 67},
    {"L", ERROR_NONE, ERROR_LATER, 75},
    {"?", ERROR_DOUBTFUL, ERROR_DOUBTFUL, 75},
    {"DD", ERROR_NONE, ERROR_NONE, 0},
    {"DR", ERROR_NONE, ERROR_RECIPIENT, 67},
    {"DL", ERROR_NONE, ERROR_REFUSED, 69},
    {"D?", ERROR_DOUBTFUL, ERROR_REFUSED, 69},
    {"RR", ERROR_NONE, ERROR_RECIPIENT, 67},
    {"RL", ERROR_NONE, ERROR_LATER, 75},
    {"R?", ERROR_DOUBTFUL, ERROR_DOUBTFUL, 75},
    {"LL", ERROR_NONE, ERROR_LATER, 75},
    {"L?", ERROR_DOUBTFUL, ERROR_DOUBTFUL, 75},
    {"??", ERROR_DOUBTFUL, ERROR_DOUBTFUL, 75},
    {"DDD", ERROR_NONE, ERROR_NONE, 0},
    {"DDR", ERROR_NONE, ERROR_RECIPIENT, 67},
    {"DDL", ERROR_NONE, ERROR_REFUSED, 69},
    {"DD?", ERROR_DOUBTFUL, ERROR_REFUSED, 69},
    {"DRR", ERROR_NONE, ERROR_RECIPIENT, 67},
    {"DRL", ERROR_NONE, ERROR_REFUSED, 69},
    {"DR?", ERROR_DOUBTFUL, ERROR_REFUSED, 69},
    {"DLL", ERROR_NONE, ERROR_REFUSED, 69},
    {"DL?", ERROR_DOUBTFUL, ERROR_REFUSED, 69},
    {"D??", ERROR_DOUBTFUL, ERROR_REFUSED, 69},
    {"RRR", ERROR_NONE, ERROR_RECIPIENT, 67},
    {"RRL", ERROR_NONE, ERROR_LATER, 75},
    {"RR?", ERROR_DOUBTFUL, ERROR_DOUBTFUL, 75},
    {"RLL", ERROR_NONE, ERROR_LATER, 75},
    {"RL?", ERROR_DOUBTFUL, ERROR_DOUBTFUL, 75},
    {"R??", ERROR_DOUBTFUL, ERROR_DOUBTFUL, 75},
    {"LLL", ERROR_NONE, ERROR_LATER, 75},
    {"LL?", ERROR_DOUBTFUL, ERROR_DOUBTFUL, 75},
    {"L??", ERROR_DOUBTFUL, ERROR_DOUBTFUL, 75},
    {"???", ERROR_DOUBTFUL, ERROR_DOUBTFUL, 75},
    /* A second transaction that failed does not undo the first. */
    {"DL", ERROR_LATER, ERROR_REFUSED, 69},
    {"DR", ERROR_REFUSED, ERROR_RECIPIENT, 67},
    {"DLL", ERROR_SYSTEM, ERROR_REFUSED, 69},
    {"DD", ERROR_LATER, ERROR_NONE, 0},
    /* Nobody has it: what befell the transaction counts. */
    {"LL", ERROR_DENIED, ERROR_DENIED, 77},
    {"RL", ERROR_PROTOCOL, ERROR_PROTOCOL, 76},
    {"RR", ERROR_REFUSED, ERROR_REFUSED, 69},
    {"RR", ERROR_MESSAGE, ERROR_MESSAGE, 65},
};

static void
assert_settles(const char *letters, size_t row)
{
	struct envelope env;
	struct error e;

	error_clear(&e);
	if (mixes[row].before != ERROR_NONE)
		error_set(&e, mixes[row].before, "DATA", "before");
	envelope_of(&env, letters);
	outcome_settle(&env, false, HOST, &e);
	if (e.kind != mixes[row].kind)
		fail_msg("%s after %s: %s", letters,
		    error_word(mixes[row].before), error_word(e.kind));
	assert_int_equal(error_status(e.kind), mixes[row].status);
	if (strchr(letters, 'D') != NULL)
		assert_int_not_equal(error_status(e.kind), 75);
	assert_verdicts(&env, letters);
	envelope_clear(&env);
}

static void
every_mix_in_every_order_has_one_error(void **state)
{
	char letters[4];
	size_t row, turn, len, i;

	(void)state;
	for (row = 0; row < COUNT(mixes); row++) {
		len = strlen(mixes[row].letters);
		for (turn = 0; turn < 2 * len; turn++) {
			for (i = 0; i < len; i++)
				letters[turn < len ? i : len - 1 - i] =
				    mixes[row].letters[(i + turn) % len];
			letters[len] = '\0';
			assert_settles(letters, row);
		}
	}
}

static const struct {
	const char *letters;
	bool all_or_none;
	enum error_kind kind;
	int status;
	const char *after;
} sets[] = {
    {"AR", true, ERROR_RECIPIENT, 67, "OR"},
    {"RA", true, ERROR_RECIPIENT, 67, "RO"},
    {"AL", true, ERROR_LATER, 75, "OL"},
    {"RL", true, ERROR_RECIPIENT, 67, "RL"},
    {"LR", true, ERROR_RECIPIENT, 67, "LR"},
    {"LL", true, ERROR_LATER, 75, "LL"},
    {"RR", true, ERROR_RECIPIENT, 67, "RR"}, {"DD", true, ERROR_NONE, 0, "DD"},
    {"AAR", true, ERROR_RECIPIENT, 67, "OOR"},
    {"AAL", true, ERROR_LATER, 75, "OOL"},
    {"ARL", true, ERROR_RECIPIENT, 67, "ORL"},
    {"LAR", true, ERROR_RECIPIENT, 67, "LOR"},
    {"OAL", true, ERROR_LATER, 75, "OOL"},
    {"ARL", false, ERROR_LATER, 75, "ORL"},
    {"DAR", false, ERROR_RECIPIENT, 67, "DOR"},
    {"AA", true, ERROR_BUG, 70, "OO"}, /* cannot happen */
};

static void
all_or_none_takes_the_worst_and_opens_the_accepted(void **state)
{
	struct envelope env;
	struct error e;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(sets); i++) {
		error_clear(&e);
		envelope_of(&env, sets[i].letters);
		outcome_settle(&env, sets[i].all_or_none, HOST, &e);
		if (e.kind != sets[i].kind)
			fail_msg("%s: %s", sets[i].letters, error_word(e.kind));
		assert_int_equal(error_status(e.kind), sets[i].status);
		assert_verdicts(&env, sets[i].after);
		envelope_clear(&env);
	}
}

static const struct {
	const char *letters;
	bool all_or_none;
	const char *text;
	int code;
	struct enhanced enhanced;
	const char *why;
} refusals[] = {
    {"R", false, HOST " refused a@x", 550, {5, 1, 1}, "550 5.1.1 No such user"},
    {"L", false, HOST " refused a@x for now", 451, {4, 2, 1},
	"451 4.2.1 Come back"},
    {"RR", false, HOST " refused a@x; nothing was sent to anyone", 550,
	{5, 1, 1}, "550 5.1.1 No such user"},
    {"RL", false, HOST " refused b@x for now; nothing was sent to anyone", 451,
	{4, 2, 1}, "451 4.2.1 Come back"},
    {"LR", true, HOST " refused b@x; nothing was sent to anyone", 550,
	{5, 1, 1}, "550 5.1.1 No such user"},
    {"AL", true, HOST " refused b@x for now; nothing was sent to anyone", 451,
	{4, 2, 1}, "451 4.2.1 Come back"},
};

static void
a_refusal_is_told_in_the_words_of_the_server(void **state)
{
	struct envelope env;
	struct error e;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(refusals); i++) {
		error_clear(&e);
		envelope_of(&env, refusals[i].letters);
		outcome_settle(&env, refusals[i].all_or_none, HOST, &e);
		assert_string_equal(e.doing, "RCPT TO");
		assert_string_equal(e.text, refusals[i].text);
		assert_int_equal(e.code, refusals[i].code);
		assert_true(
		    reply_enhanced_equal(e.enhanced, refusals[i].enhanced));
		assert_string_equal(e.why, refusals[i].why);
		envelope_clear(&env);
	}
}

static const struct {
	const char *letters;
	const char *before; /* what befell the transaction, or NULL */
	const char *text;
} partials[] = {
    {"DR", NULL, "mail sent to 1 of 2 recipients"},
    {"LDRD", NULL, "mail sent to 2 of 4 recipients"},
    {"D?", "it broke",
	"mail sent to 1 of 2 recipients, perhaps to 1 more; DATA: it broke"},
    {"?RD?", "it broke",
	"mail sent to 1 of 4 recipients, perhaps to 2 more; DATA: it broke"},
    {"LLD", "it broke", "mail sent to 1 of 3 recipients; DATA: it broke"},
};

static void
a_partial_delivery_tells_whom_to_send_it_again(void **state)
{
	struct envelope env;
	struct error e;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(partials); i++) {
		error_clear(&e);
		if (partials[i].before != NULL) {
			error_set(
			    &e, ERROR_LATER, "DATA", "%s", partials[i].before);
			error_hint(&e, "try again");
			strlcpy(e.why, "421 bye", sizeof(e.why));
		}
		envelope_of(&env, partials[i].letters);
		outcome_settle(&env, false, HOST, &e);
		assert_string_equal(error_line(&e).words, partials[i].text);
		assert_string_equal(
		    e.hint, "send it again only to those who are named here");
		assert_string_equal(
		    e.why, partials[i].before == NULL ? "" : "421 bye");
		envelope_clear(&env);
	}
}

static void
what_befell_the_transaction_keeps_its_words(void **state)
{
	struct envelope env;
	struct error e;

	(void)state;
	error_clear(&e);
	error_set(&e, ERROR_LATER, "DATA", "the connection broke");
	envelope_of(&env, "RL");
	outcome_settle(&env, false, HOST, &e);
	assert_string_equal(e.doing, "DATA");
	assert_string_equal(e.text, "the connection broke");
	envelope_clear(&env);
}

static void
the_accepted_and_only_they_have_the_mail(void **state)
{
	struct envelope env;

	(void)state;
	envelope_of(&env, "OADRL?A");
	outcome_deliver(&env);
	assert_verdicts(&env, "ODDRL?D");
	envelope_clear(&env);
}

static const struct {
	enum error_kind kind;
	const char *after; /* of "OADRL?" */
} decisions[] = {
    {ERROR_USAGE, "RRDRL?"},
    {ERROR_MESSAGE, "RRDRL?"},
    {ERROR_INPUT, "LLDRL?"},
    {ERROR_RECIPIENT, "RRDRL?"},
    {ERROR_HOST, "LLDRL?"},
    {ERROR_REFUSED, "RRDRL?"},
    {ERROR_BUG, "LLDRL?"},
    {ERROR_SYSTEM, "LLDRL?"},
    {ERROR_SPOOL, "LLDRL?"},
    {ERROR_IO, "LLDRL?"},
    {ERROR_LATER, "LLDRL?"},
    {ERROR_DOUBTFUL, "L?DRL?"},
    {ERROR_PROTOCOL, "LLDRL?"},
    {ERROR_DENIED, "LLDRL?"},
    {ERROR_CONFIG, "LLDRL?"},
};

static void
an_error_decides_who_is_not_decided(void **state)
{
	struct envelope env;
	struct error e;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(decisions); i++) {
		error_clear(&e);
		error_set(&e, decisions[i].kind, "DATA", "no");
		envelope_of(&env, "OADRL?");
		assert_int_equal(outcome_decide(&env, &e), 2);
		assert_verdicts(&env, decisions[i].after);
		assert_int_equal(outcome_decide(&env, &e), 0);
		envelope_clear(&env);
	}
}

static void
a_decision_brings_the_reply_and_leaves_the_others(void **state)
{
	struct envelope env;
	struct error e;
	size_t i;

	(void)state;
	error_clear(&e);
	error_set(&e, ERROR_REFUSED, "DATA", "no");
	e.code = 554;
	e.enhanced = (struct enhanced){5, 6, 0};
	strlcpy(e.why, "554 5.6.0 Not this", sizeof(e.why));
	envelope_of(&env, "OAR");
	outcome_decide(&env, &e);
	for (i = 0; i < 2; i++) {
		assert_non_null(env.recipients[i].reply);
		assert_int_equal(env.recipients[i].reply->code, 554);
		assert_true(reply_enhanced_equal(
		    env.recipients[i].reply->enhanced, e.enhanced));
		assert_string_equal(
		    env.recipients[i].reply->words, "554 5.6.0 Not this");
	}
	assert_int_equal(env.recipients[2].reply->code, 550);
	envelope_clear(&env);

	e.why[0] = '\0';
	envelope_of(&env, "A");
	outcome_decide(&env, &e);
	assert_null(env.recipients[0].reply);
	envelope_clear(&env);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_mix_in_every_order_has_one_error),
	    cmocka_unit_test(
		all_or_none_takes_the_worst_and_opens_the_accepted),
	    cmocka_unit_test(a_refusal_is_told_in_the_words_of_the_server),
	    cmocka_unit_test(a_partial_delivery_tells_whom_to_send_it_again),
	    cmocka_unit_test(what_befell_the_transaction_keeps_its_words),
	    cmocka_unit_test(the_accepted_and_only_they_have_the_mail),
	    cmocka_unit_test(an_error_decides_who_is_not_decided),
	    cmocka_unit_test(a_decision_brings_the_reply_and_leaves_the_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
