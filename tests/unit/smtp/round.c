#include "../unit.h"

#include "smtp/round.h"

#define RECIPIENTS 3
#define MESSAGE	   "From: a@b\r\n\r\nx\r\n"

/* What differs between two servers, accounts or mails. */
struct terrain {
	const char *steps; /* asked before any reply is in */
	struct ehlo ehlo;
	struct account account;
	struct learned learned;
	bool all_or_none;
	bool large;
	unsigned open;	  /* transaction at the server */
	size_t first;	  /* recipient */
	unsigned decided; /* of the recipients, as bits */
};

static const char *
name(enum step step)
{
	switch ((int)step) {
	case STEP_RSET:
		return "RSET ";
	case STEP_MAIL:
		return "MAIL ";
	case STEP_RCPT:
		return "RCPT ";
	case STEP_DATA:
		return "DATA ";
	case STEP_BDAT:
		return "BDAT ";
	}
	return "? ";
}

/* Asks for all that may be asked with no reply in. */
static void
ask_all(struct round *r, struct buf *steps)
{
	enum step step;
	struct error e;

	error_clear(&e);
	while ((step = round_next(r)) != STEP_STAY) {
		buf_add_string(steps, name(step));
		if (step == STEP_RSET)
			return; /* whose it is is not the round's to say */
		assert_int_equal(round_ask(r, step, &e), 0);
	}
}

static void
check_terrain(const struct terrain *terrain)
{
	struct terrain now = *terrain;
	struct recode_remarks remarks = {0};
	struct pipeline p;
	struct envelope env;
	struct recode *recode;
	struct error e;
	struct buf steps;
	char path[40];
	unsigned i;

	error_clear(&e);
	buf_init(&steps, 1 << 10);
	pipeline_init(&p, (struct session_trace){NULL, NULL});
	p.open = now.open;
	envelope_init(&env);
	for (i = 0; i < RECIPIENTS; i++) {
		snprintf(path, sizeof(path), "r%u@example.org", i);
		assert_int_equal(envelope_add(&env, text_of(path), &e), 1);
		if (now.decided & 1u << i)
			env.recipients[i].verdict = VERDICT_REFUSED;
	}

	const struct mail mail = {.envelope = &env,
	    .message = message_new(NULL),
	    .all_or_none = now.all_or_none};
	const struct round_terms terms = {.account = &now.account,
	    .ehlo = &now.ehlo,
	    .learned = &now.learned,
	    .pipeline = &p};
	struct round r = {.terms = &terms, .mail = &mail};

	assert_int_equal(
	    message_input(mail.message, MESSAGE, strlen(MESSAGE), &e), 0);
	assert_int_equal(message_end(mail.message, &e), 0);
	recode = recode_new(mail.message, true, &remarks, &e);
	assert_non_null(recode);
	round_begin(&r, recode, now.first);
	if (now.large)
		r.size = r.unasked = ROUND_SMALL + 1;
	ask_all(&r, &steps);
	if (strcmp(buf_string(&steps), now.steps) != 0)
		fail_msg("%s, not %s", buf_string(&steps), now.steps);
	recode_free(recode);
	message_free(mail.message);
	envelope_clear(&env);
	pipeline_clear(&p);
	buf_clear(&steps);
}

#define PIPELINING .ehlo.pipelining = true
#define CHUNKING   PIPELINING, .ehlo.chunking = true
#define ALL	   "MAIL RCPT RCPT RCPT "

static void
asks_for_what_may_be_asked_at_once(void **state)
{
	static const struct terrain rows[] = {
	    {"MAIL ", .ehlo.chunking = true},
	    {"MAIL ", PIPELINING, .account.pipelining = SWITCH_NO},
	    {ALL "DATA ", PIPELINING},
	    {ALL "BDAT ", CHUNKING},
	    {ALL "DATA ", CHUNKING, .account.chunking = SWITCH_NO},
	    {ALL "DATA ", CHUNKING, .learned.no_chunking = true},
	    /* What cannot be taken back waits for the replies. */
	    {ALL, CHUNKING, .large = true},
	    {ALL "DATA ", PIPELINING, .large = true},
	    {ALL, CHUNKING, .all_or_none = true},
	    {ALL, PIPELINING, .all_or_none = true},
	    /* Limits, announced and learned. */
	    {"MAIL RCPT RCPT DATA ", PIPELINING, .ehlo.rcptmax = 2},
	    {"MAIL RCPT DATA ", PIPELINING, .learned.rcptmax = 1},
	    {"MAIL RCPT DATA ", PIPELINING, .ehlo.rcptmax = 2,
		.learned.rcptmax = 1},
	    {"MAIL RCPT DATA ", PIPELINING, .ehlo.rcptmax = 1,
		.learned.rcptmax = 2},
	    {ALL, PIPELINING, .ehlo.rcptmax = 1, .all_or_none = true},
	    /* Who is decided is not asked for. */
	    {"MAIL RCPT RCPT DATA ", PIPELINING, .decided = 2},
	    {"MAIL RCPT DATA ", PIPELINING, .first = 1, .decided = 4},
	    /* The answer to RSET shows whether both are in step. */
	    {"RSET ", PIPELINING, .open = 1},
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++)
		check_terrain(&rows[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(asks_for_what_may_be_asked_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
