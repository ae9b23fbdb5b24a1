#include "../unit.h"

#include "../server.h"
#include "run/deliver.h"

#define LOGIN                                                                  \
	SERVER_EHLO "< 250-mx\n< 250-PIPELINING\n< 250 AUTH PLAIN\n"           \
		    "> AUTH PLAIN \n"

#define SERVERS 2

/* An account whose smarthosts play scripts, one a connection. */
struct trial {
	struct peer peers[SERVERS];
	struct smarthost smarthosts[SERVERS];
	struct account account;
	struct connection_plan plan;
	struct deliver *deliver;
	struct deliver_report report;
	struct error e;
};

/* NULL for no script: nobody listens. */
static void
begin(struct trial *t, const char *const *first, const char *const *second)
{
	const char *const *scripts[SERVERS] = {first, second};
	size_t i;

	memset(t, 0, sizeof(*t));
	for (i = 0; i < SERVERS; i++) {
		if (scripts[i] != NULL)
			t->peers[i] = server_start(scripts[i]);
		else
			close(peer_listen(&t->peers[i].port, 1));
		t->smarthosts[i] =
		    server_smarthost(t->peers[i], SMARTHOST_PLAIN);
	}
	t->account.smarthosts.at = t->smarthosts;
	t->account.smarthosts.count = SERVERS;
	t->plan =
	    (struct connection_plan){.account = &t->account, .helo = "client"};
	t->deliver = deliver_new(&t->plan);
}

static void
end(struct trial *t)
{
	size_t i;

	deliver_free(t->deliver);
	for (i = 0; i < SERVERS; i++)
		if (t->peers[i].pid > 0)
			assert_int_equal(peer_end(t->peers[i]), 0);
}

/* Delivers a mail to r0; gives the verdict on it. */
static enum verdict
deliver(struct trial *t, bool last)
{
	enum verdict verdict;
	struct letter l;
	int result;

	letter_begin(&l, 1);
	l.mail.last = last;
	result =
	    deliver_mail(t->deliver, &l.mail, clock_in(20), &t->report, &t->e);
	assert_int_equal(result, t->e.kind == ERROR_NONE ? 0 : -1);
	assert_int_equal(l.mail.error.kind, t->e.kind);
	verdict = l.envelope.recipients[0].verdict;
	letter_end(&l);
	return verdict;
}

/* Which smarthost the report names, from 1. */
static unsigned
reported(const struct trial *t)
{
	char name[SERVERS][40];
	unsigned i;

	for (i = 0; i < SERVERS; i++) {
		snprintf(name[i], sizeof(name[i]), "localhost:%d",
		    t->smarthosts[i].port);
		if (strcmp(name[i], t->report.smarthost) == 0)
			return i + 1;
	}
	return 0;
}

#define TAKES SERVER_PLAIN SERVER_MAIL "< 250 taken\n" SERVER_QUIT

static void
goes_on_to_the_next_smarthost(void **state)
{
	static const struct {
		const char *first[2];
		const char *second[2];
		enum error_kind kind;
		unsigned reported;
	} rows[] = {
	    /* The first takes it: nobody asks the second. */
	    {{TAKES}, {NULL}, ERROR_NONE, 1},
	    {{NULL}, {TAKES}, ERROR_NONE, 2},
	    {{"< 554 no\n" SERVER_QUIT}, {TAKES}, ERROR_NONE, 2},
	    {{"< 421 later\n"}, {TAKES}, ERROR_NONE, 2},
	    {{"< hello\n|\n"}, {TAKES}, ERROR_NONE, 2},
	    {{SERVER_EHLO}, {TAKES}, ERROR_NONE, 2},
	    /* What may mend itself outweighs what does not. */
	    {{"< 421 later\n"}, {"< 554 no\n" SERVER_QUIT}, ERROR_LATER, 2},
	    {{"< 554 no\n" SERVER_QUIT}, {"< 421 later\n"}, ERROR_LATER, 2},
	    {{"< 554 no\n" SERVER_QUIT}, {"< 554 no\n" SERVER_QUIT},
		ERROR_REFUSED, 2},
	    {{NULL}, {NULL}, ERROR_LATER, 2},
	    /* A server that has had the mail is the last. */
	    {{SERVER_PLAIN "> MAIL\n> RCPT\n> DATA\n< 450 later\n< 503 x\n"
			   "< 503 x\n" SERVER_QUIT},
		{NULL}, ERROR_LATER, 1},
	    {{SERVER_PLAIN "> MAIL\n> RCPT\n"}, {NULL}, ERROR_LATER, 1},
	};
	struct trial t;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		begin(&t, rows[i].first[0] == NULL ? NULL : rows[i].first,
		    rows[i].second[0] == NULL ? NULL : rows[i].second);
		assert_int_equal(deliver(&t, true) == VERDICT_DELIVERED,
		    rows[i].kind == ERROR_NONE);
		if (t.e.kind != rows[i].kind)
			fail_msg("row %zu: %s", i, t.e.text);
		assert_int_equal(reported(&t), rows[i].reported);
		assert_string_equal(t.report.tls, "-");
		assert_string_equal(t.report.auth, "-");
		end(&t);
	}
}

/* What the first says behind its EHLO comes before we go on. */
static void
await_first(void *arg, enum session_side kind, struct text line)
{
	struct trial *t = arg;

	(void)kind;
	if (text_equal(line, TEXT("250 FIRST")))
		server_go_on(t->peers[0]);
}

/* Of a mail that the first was not told of, the second may hear. */
static void
goes_on_where_the_mail_was_not_told(void **state)
{
	static const char *const ends[] = {"< 421 later\n", "< 250 what\n"};
	static const char *const second[] = {TAKES, NULL};
	char first[500];
	const char *scripts[] = {first, NULL};
	struct trial t;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(ends); i++) {
		snprintf(first, sizeof(first), "%s%s%s",
		    SERVER_EHLO "< 250-mx\n< 250 FIRST\n@\n", ends[i], "|\n");
		begin(&t, scripts, second);
		t.plan.trace = (struct session_trace){await_first, &t};
		assert_int_equal(deliver(&t, true), VERDICT_DELIVERED);
		assert_int_equal(reported(&t), 2);
		end(&t);
	}
}

/* A wrong password counts as a try wherever it is tried. */
static void
tries_a_login_once(void **state)
{
	static const char *const scripts[] = {
	    LOGIN "< 535 5.7.8 no\n" SERVER_QUIT, NULL};
	struct trial t;
	int i;

	(void)state;
	begin(&t, scripts, NULL);
	t.plan.user = "a";
	t.plan.password = TEXT("b");
	for (i = 0; i < 3; i++) {
		deliver_open(t.deliver);
		assert_int_equal(deliver(&t, false), VERDICT_OPEN);
		assert_int_equal(t.e.kind, ERROR_DENIED);
		assert_int_equal(t.e.code, 535);
	}
	end(&t);
}

static void
keeps_the_session_for_the_next_mail(void **state)
{
	static const char *const scripts[] = {LOGIN
	    "< 235 in\n" SERVER_MAIL "< 250 1\n" SERVER_MAIL
	    "< 550 2\n> RSET\n< 250 anew\n" SERVER_MAIL "< 250 3\n" SERVER_QUIT,
	    NULL};
	struct trial t;

	(void)state;
	begin(&t, scripts, NULL);
	t.plan.user = "a";
	t.plan.password = TEXT("b");
	assert_int_equal(deliver(&t, false), VERDICT_DELIVERED);
	assert_string_equal(t.report.auth, "PLAIN");
	assert_int_equal(deliver(&t, false), VERDICT_REFUSED);
	assert_int_equal(deliver(&t, true), VERDICT_DELIVERED);
	assert_string_equal(t.report.auth, "PLAIN");
	end(&t);
}

/* A session dies of old age between two mails, in each way. */
static void
begins_anew_where_the_session_died(void **state)
{
	static const char *const ends[] = {"", "> MAIL\n> RCPT\n> DATA\n",
	    "> MAIL\n> RCPT\n> DATA\n< 421 old\n",
	    "> MAIL\n> RCPT\n> DATA\n< 250 ok\n< 421 old\n"};
	char first[500];
	const char *scripts[] = {first, TAKES, NULL};
	struct trial t;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(ends); i++) {
		snprintf(first, sizeof(first), "%s%s",
		    SERVER_PLAIN SERVER_MAIL "< 250 taken\n", ends[i]);
		begin(&t, scripts, NULL);
		assert_int_equal(deliver(&t, false), VERDICT_DELIVERED);
		assert_int_equal(deliver(&t, false), VERDICT_DELIVERED);
		assert_int_equal(t.e.kind, ERROR_NONE);
		end(&t);
	}
}

/* Between two mails nothing is to be said: whose reply would it be? */
static void
ends_where_the_server_speaks_unasked(void **state)
{
	static const char *const scripts[] = {SERVER_PLAIN SERVER_MAIL
	    "< 250 taken\n@\n< 250 more\n|\n",
	    TAKES, NULL};
	struct trial t;

	(void)state;
	begin(&t, scripts, NULL);
	assert_int_equal(deliver(&t, false), VERDICT_DELIVERED);
	server_go_on(t.peers[0]);
	assert_int_equal(deliver(&t, false), VERDICT_LATER);
	if (t.e.kind != ERROR_PROTOCOL)
		fail_msg("%s", t.e.text);
	assert_int_equal(deliver(&t, true), VERDICT_DELIVERED);
	end(&t);
}

/* A limit that is learned at the cost of the connection is kept on the next. */
static void
begins_anew_where_recipients_were_too_many(void **state)
{
	static const char *const scripts[] = {SERVER_PLAIN
	    "> MAIL\n> RCPT TO:<r0@\n> RCPT TO:<r1@\n> RCPT TO:<r2@\n"
	    "> DATA\n< 250 ok\n< 250 ok\n< 452 4.5.3 too many\n"
	    "< 421 4.7.0 too many errors\n",
	    SERVER_PLAIN SERVER_MAIL
	    "< 250 taken\n> MAIL\n> RCPT TO:<r1@\n> DATA\n< 250 ok\n"
	    "< 250 ok\n< 354 go on\n.\n< 250 taken\n> MAIL\n"
	    "> RCPT TO:<r2@\n> DATA\n< 250 ok\n< 250 ok\n< 354 go on\n.\n"
	    "< 250 taken\n" SERVER_QUIT,
	    NULL};
	struct letter l;
	struct trial t;

	(void)state;
	begin(&t, scripts, NULL);
	letter_begin(&l, 3);
	l.mail.last = true;
	assert_int_equal(
	    deliver_mail(t.deliver, &l.mail, clock_in(20), &t.report, &t.e), 0);
	assert_int_equal(envelope_count(&l.envelope, VERDICT_DELIVERED), 3);
	letter_end(&l);
	end(&t);
}

/* A password that is gone is no password for another session. */
static void
stays_where_the_password_is_forgotten(void **state)
{
	static const char *const scripts[] = {SERVER_PLAIN
	    "> MAIL\n> RCPT TO:<r0@\n> RCPT TO:<r1@\n> DATA\n< 250 ok\n"
	    "< 250 ok\n< 452 4.5.3 too many\n< 421 4.7.0 enough\n",
	    NULL};
	struct letter l;
	struct trial t;

	(void)state;
	begin(&t, scripts, NULL);
	letter_begin(&l, 2);
	l.mail.last = true;
	t.plan.forgotten = true;
	assert_int_equal(
	    deliver_mail(t.deliver, &l.mail, clock_in(20), &t.report, &t.e),
	    -1);
	assert_non_null(strstr(t.e.text, " is closing the connection"));
	letter_end(&l);
	end(&t);
}

/* As many transactions as a server takes in one session, whether it announces
 * them or says 421 behind them: the rest goes over another connection. */
static void
begins_anew_where_transactions_were_too_many(void **state)
{
#define REST                                                                   \
	"> MAIL\n> RCPT TO:<r1@\n> DATA\n< 250 ok\n< 250 ok\n"                 \
	"< 354 go on\n.\n< 250 taken\n" SERVER_QUIT
	static const char *const rows[][3] = {
	    {SERVER_EHLO
		"< 250-mx\n< 250-LIMITS RCPTMAX=1\n< 250 PIPELINING\n" SERVER_MAIL
		"< 250 taken\n> MAIL\n> RCPT TO:<r1@\n> DATA\n< 421 enough\n",
		SERVER_PLAIN REST},
	    {SERVER_EHLO "< 250-mx\n< 250-LIMITS RCPTMAX=1 MAILMAX=1\n"
			 "< 250 PIPELINING\n" SERVER_MAIL
			 "< 250 taken\n" SERVER_QUIT,
		SERVER_PLAIN REST},
	};
	struct letter l;
	struct trial t;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		begin(&t, rows[i], NULL);
		letter_begin(&l, 2);
		l.mail.last = true;
		assert_int_equal(deliver_mail(t.deliver, &l.mail, clock_in(20),
				     &t.report, &t.e),
		    0);
		assert_int_equal(
		    envelope_count(&l.envelope, VERDICT_DELIVERED), 2);
		letter_end(&l);
		end(&t);
	}
}

/* Two recipients have the mail when the session dies, and nobody answers any
 * more: the status may not be one that makes the caller send it again. */
static void
never_forgets_who_has_the_mail(void **state)
{
	static const char *const scripts[] = {SERVER_PLAIN
	    "> MAIL\n> RCPT TO:<r0@\n> RCPT TO:<r1@\n> RCPT TO:<r2@\n"
	    "> RCPT TO:<r3@\n> DATA\n< 250 ok\n< 250 ok\n< 250 ok\n"
	    "< 452 4.5.3 too many\n< 452 4.5.3 too many\n< 354 go on\n.\n"
	    "< 250 taken\n> MAIL\n> RCPT TO:<r2@\n> RCPT TO:<r3@\n> DATA\n"
	    "< 250 ok\n< 250 ok\n< 452 4.5.3 too many\n< 421 4.7.0 too busy\n",
	    "< 421 not now\n", NULL};
	struct letter l;
	struct trial t;

	(void)state;
	begin(&t, scripts, NULL);
	letter_begin(&l, 4);
	assert_int_equal(
	    deliver_mail(t.deliver, &l.mail, clock_in(20), &t.report, &t.e),
	    -1);
	assert_int_equal(t.e.kind, ERROR_REFUSED);
	assert_true(l.mail.settled);
	assert_int_equal(envelope_count(&l.envelope, VERDICT_DELIVERED), 2);
	assert_int_equal(envelope_count(&l.envelope, VERDICT_LATER), 2);
	letter_end(&l);
	end(&t);
}

/* Here the mail may have been delivered: no second try. */
static void
does_not_send_a_doubtful_mail_again(void **state)
{
	static const char *const scripts[] = {
	    SERVER_PLAIN SERVER_MAIL "< 250 taken\n" SERVER_MAIL, NULL};
	struct trial t;

	(void)state;
	begin(&t, scripts, NULL);
	assert_int_equal(deliver(&t, false), VERDICT_DELIVERED);
	assert_int_equal(deliver(&t, false), VERDICT_DOUBTFUL);
	assert_int_equal(t.e.kind, ERROR_DOUBTFUL);
	end(&t);
}

/* Mails of a run; what the session was lost with is handed out again. */
#define LETTERS 5

struct box {
	struct letter letters[LETTERS];
	bool waits[LETTERS];
	size_t back;
};

static struct mail *
box_next(void *arg)
{
	struct box *b = arg;
	size_t i = 0;

	while (i < LETTERS && !b->waits[i])
		i++;
	if (i == LETTERS)
		return NULL;
	b->waits[i] = false;
	return &b->letters[i].mail;
}

static void
box_done(void *arg, struct mail *mail)
{
	struct box *b = arg;
	size_t i = 0;

	while (&b->letters[i].mail != mail)
		i++;
	b->back++;
	b->waits[i] = !mail->settled || mail->lost;
	if (b->waits[i])
		mail_reopen(mail);
}

#define ASKS	   "> MAIL\n> RCPT\n> DATA\n"
#define YES	   "< 250 s\n< 250 r\n< 354 go\n.\n"
#define BEHIND	   "> RSET\n" ASKS
#define TAKEN	   "< 250 taken\n< 250 anew\n"
#define TWO	   SERVER_PLAIN ASKS YES BEHIND TAKEN YES
#define THIRD	   BEHIND TAKEN
#define ONE_A_TIME "< 250-mx\n< 250-LIMITS MAILMAX=1\n< 250 PIPELINING\n"
#define ONE	   SERVER_EHLO ONE_A_TIME SERVER_MAIL "< 250 taken\n" SERVER_QUIT

static void
runs_through_all_mails(void **state)
{
	static const struct {
		const char *first[5];
		const char *second[4];
		enum error_kind kind;
		size_t delivered;
		size_t back;
		unsigned reported;
	} rows[] = {
	    {{TWO THIRD YES "< 250 taken\n" SERVER_QUIT}, {NULL}, ERROR_NONE, 3,
		3, 1},
	    /* A refusal stops nobody. */
	    {{NULL},
		{SERVER_PLAIN ASKS YES BEHIND
		    "< 450 full\n< 250 anew\n< 550 no\n< 503 x\n"
		    "< 503 x\n" ASKS YES "< 250 taken\n" SERVER_QUIT},
		ERROR_NONE, 1, 3, 2},
	    /* Each session takes one. */
	    {{ONE, ONE, ONE}, {NULL}, ERROR_NONE, 3, 3, 1},
	    {{"< 421 busy\n"}, {ONE, ONE, ONE}, ERROR_NONE, 3, 3, 2},
	    {{ONE, "< 421 enough\n"}, {ONE, ONE}, ERROR_NONE, 3, 3, 2},
	    {{ONE, ONE, "< 421 enough\n"}, {NULL}, ERROR_LATER, 2, 3, 2},
	    /* It dies with one under way, having taken some: one more. */
	    {{TWO THIRD "< 421 bye\n", ONE}, {NULL}, ERROR_NONE, 3, 4, 1},
	    {{TWO THIRD, "< 421 bye\n"}, {NULL}, ERROR_LATER, 2, 4, 2},
	    {{TWO THIRD, SERVER_PLAIN ASKS "< 421 bye\n"}, {NULL}, ERROR_LATER,
		2, 4, 1},
	    /* Having taken none. */
	    {{SERVER_PLAIN ASKS "< 421 bye\n"}, {NULL}, ERROR_LATER, 0, 1, 1},
	    {{SERVER_PLAIN ASKS "< 450 no\n< 503 x\n< 421 bye\n",
		 SERVER_PLAIN ASKS "< 450 no\n< 503 x\n< 421 bye\n",
		 SERVER_PLAIN ASKS "< 450 no\n< 503 x\n< 421 bye\n",
		 SERVER_PLAIN ASKS "< 450 no\n< 503 x\n< 421 bye\n"},
		{NULL}, ERROR_LATER, 0, 4, 1},
	    {{NULL}, {NULL}, ERROR_LATER, 0, 1, 2},
	    {{LOGIN "< 454 too many logins\n" SERVER_QUIT}, {NULL}, ERROR_LATER,
		0, 1, 2},
	    {{LOGIN "< 535 no\n" SERVER_QUIT}, {NULL}, ERROR_DENIED, 0, 1, 1},
	};
	enum { VAIN = 10 }; /* the row in which sessions take nothing */
	struct connection_source source = {box_next, box_done, NULL};
	struct trial t;
	struct box b;
	size_t i, k, delivered;
	int result;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		begin(&t, rows[i].first[0] == NULL ? NULL : rows[i].first,
		    rows[i].second[0] == NULL ? NULL : rows[i].second);
		if (rows[i].first[0] != NULL &&
		    strstr(rows[i].first[0], "AUTH") != NULL) {
			t.plan.user = "a";
			t.plan.password = TEXT("b");
		}
		memset(&b, 0, sizeof(b));
		source.arg = &b;
		for (k = 0; k < LETTERS; k++) {
			letter_begin(&b.letters[k], 1);
			b.waits[k] = k < (i == VAIN ? LETTERS : 3);
		}
		result = deliver_run(t.deliver, &source, 20, &t.report, &t.e);
		delivered = 0;
		for (k = 0; k < LETTERS; k++) {
			delivered += envelope_count(
			    &b.letters[k].envelope, VERDICT_DELIVERED);
			letter_end(&b.letters[k]);
		}
		if (t.e.kind != rows[i].kind ||
		    delivered != rows[i].delivered || b.back != rows[i].back)
			fail_msg("row %zu: %zu of %zu, %s", i, delivered,
			    b.back, t.e.text);
		assert_int_equal(result, t.e.kind == ERROR_NONE ? 0 : -1);
		assert_int_equal(reported(&t), rows[i].reported);
		end(&t);
	}
}

/* More mails for the session that is open, and for no other. */
static void
sends_more_while_the_session_stands(void **state)
{
	static const struct {
		const char *script;
		size_t back, delivered;
	} rows[] = {
	    {SERVER_PLAIN SERVER_MAIL "< 250 taken\n" SERVER_MAIL THIRD YES
				      "< 250 taken\n" SERVER_QUIT,
		2, 2},
	    {SERVER_PLAIN SERVER_MAIL "< 250 taken\n" SERVER_MAIL THIRD
				      "< 421 bye\n",
		2, 1},
	    {ONE, 0, 0}};
	struct connection_source source = {box_next, box_done, NULL};
	const char *scripts[] = {NULL, NULL};
	struct trial t;
	struct box b;
	size_t i, k, delivered;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		scripts[0] = rows[i].script;
		begin(&t, scripts, NULL);
		assert_int_equal(deliver(&t, false), VERDICT_DELIVERED);
		memset(&b, 0, sizeof(b));
		source.arg = &b;
		for (k = 0; k < 2; k++) {
			letter_begin(&b.letters[k], 1);
			b.waits[k] = true;
		}
		deliver_more(t.deliver, &source, 20, &t.report);
		delivered = 0;
		for (k = 0; k < 2; k++) {
			delivered += envelope_count(
			    &b.letters[k].envelope, VERDICT_DELIVERED);
			letter_end(&b.letters[k]);
		}
		assert_int_equal(b.back, rows[i].back);
		assert_int_equal(delivered, rows[i].delivered);
		assert_int_equal(reported(&t), 1);
		end(&t);
	}
}

static int
count_descriptors(void)
{
	int fd, count = 0;

	for (fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) != -1;
	return count;
}

/* All smarthosts are made ready, and what no mail needed is forgotten. */
static void
leaves_nothing_open(void **state)
{
	static const char *const scripts[] = {
	    SERVER_PLAIN SERVER_MAIL "< 250 1\n" SERVER_QUIT, NULL};
	static char other[] = "127.0.0.2";
	int before = count_descriptors();
	struct trial t;

	(void)state;
	begin(&t, scripts, NULL);
	t.smarthosts[1].host = other;
	deliver_open(t.deliver);
	deliver_open(t.deliver);
	assert_int_equal(count_descriptors(), before);
	assert_int_equal(deliver(&t, false), VERDICT_DELIVERED);
	assert_int_equal(count_descriptors(), before + 1); /* the session */
	deliver_open(t.deliver);
	assert_int_equal(count_descriptors(), before + 1);
	end(&t);
	assert_int_equal(count_descriptors(), before);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	deliver_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(goes_on_to_the_next_smarthost),
	    cmocka_unit_test(tries_a_login_once),
	    cmocka_unit_test(keeps_the_session_for_the_next_mail),
	    cmocka_unit_test(begins_anew_where_the_session_died),
	    cmocka_unit_test(ends_where_the_server_speaks_unasked),
	    cmocka_unit_test(goes_on_where_the_mail_was_not_told),
	    cmocka_unit_test(begins_anew_where_recipients_were_too_many),
	    cmocka_unit_test(begins_anew_where_transactions_were_too_many),
	    cmocka_unit_test(stays_where_the_password_is_forgotten),
	    cmocka_unit_test(never_forgets_who_has_the_mail),
	    cmocka_unit_test(does_not_send_a_doubtful_mail_again),
	    cmocka_unit_test(runs_through_all_mails),
	    cmocka_unit_test(sends_more_while_the_session_stands),
	    cmocka_unit_test(leaves_nothing_open)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
