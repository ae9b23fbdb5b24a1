#include "../unit.h"

#include "../parse.h"
#include "run.h"
#include "submit/request.h"

#define FROM	   "from a@example.org\n"
#define RECIPIENTS 3

/* A mail of one or several recipients. */
struct trial {
	struct run run;
	struct request request;
	struct request_recipient recipients[RECIPIENTS];
	char paths[RECIPIENTS][40];
	struct message *message;
};

static void
begin(struct trial *t, const char *const *scripts, const char *more,
    size_t recipients)
{
	size_t i;

	memset(t, 0, sizeof(*t));
	run_begin(&t->run, scripts, more);
	memset(&t->request, 0, sizeof(t->request));
	for (i = 0; i < recipients; i++) {
		snprintf(
		    t->paths[i], sizeof(t->paths[i]), "r%zu@example.org", i);
		t->recipients[i].list = t->paths[i];
	}
	t->request.recipients = t->recipients;
	t->request.recipient_count = recipients;
	t->message = parse(TEXT("Subject: x\nMessage-ID: <1@x>\n\nx\n"));
}

static void
end(struct trial *t)
{
	message_free(t->message);
	run_end(&t->run);
}

static int
prepare(struct trial *t)
{
	return dispatch_prepare(
	    t->run.dispatch, &t->request, t->message, &t->run.e);
}

static void
goes_all_the_way(void **state)
{
	static const char *const scripts[] = {
	    SERVER_PLAIN SERVER_MAIL "< 250 queued as 7\n" SERVER_QUIT, NULL};
	static const char *const told[] = {"from=<a@example.org>",
	    "to=<r0@example.org>", "smarthost=localhost:", "tls=- auth=-",
	    "msgid=<1@x>", "code=250", "reply=\"250 queued as 7\"",
	    "status=0 serverid=7\n", NULL};
	struct trial t;

	(void)state;
	begin(&t, scripts, FROM, 1);
	assert_int_equal(prepare(&t), 0);
	assert_string_equal(
	    dispatch_envelope(t.run.dispatch)->recipients[0].path,
	    "r0@example.org");
	assert_ptr_equal(
	    dispatch_account(t.run.dispatch), &t.run.config.accounts[0]);
	/* Nothing is open yet. */
	assert_int_equal(access(in_folder("log"), F_OK), -1);
	assert_int_equal(dispatch_open(t.run.dispatch, &t.run.e), 0);
	assert_int_equal(access(in_folder("log"), F_OK), 0);
	assert_int_equal(dispatch_send(t.run.dispatch, true, &t.run.e), 0);
	assert_string_equal(
	    dispatch_settled(t.run.dispatch)->words, "250 queued as 7");
	dispatch_report(t.run.dispatch, t.message, &t.run.e);
	assert_true(run_logged(told));
	end(&t);
	dispatch_free(NULL);
}

/* However far it comes the log has it. */
static void
tells_how_it_ended(void **state)
{
	static const struct {
		const char *more;
		const char *recipient;
		enum error_kind kind;
		const char *told[3];
	} rows[] = {{FROM, "<<", ERROR_MESSAGE, {"status=65", NULL}},
	    {FROM "user a\n", NULL, ERROR_CONFIG, {"status=78", NULL}},
	    {FROM "user a\npassword-file /nowhere\n", NULL, ERROR_CONFIG,
		{"status=78", "/nowhere", NULL}},
	    {FROM "user a\npassword-command sleep 9\ndeadline 1\n", NULL,
		ERROR_LATER, {"status=75", "`deadline'", NULL}},
	    {FROM, NULL, ERROR_LATER, {"status=75", "refused", NULL}}};
	struct trial t;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		begin(&t, NULL, rows[i].more, 1);
		if (rows[i].recipient != NULL)
			strlcpy(
			    t.paths[0], rows[i].recipient, sizeof(t.paths[0]));
		assert_int_equal(dispatch_mail(t.run.dispatch, &t.request,
				     t.message, true, &t.run.e),
		    -1);
		if (t.run.e.kind != rows[i].kind)
			fail_msg("%zu: %s", i, t.run.e.text);
		if (!run_logged(rows[i].told))
			fail_msg("%zu: %s", i, folder_content("log"));
		end(&t);
	}
}

#define THREE SERVER_PLAIN "> MAIL\n> RCPT\n> RCPT\n> RCPT\n> DATA\n< 250 s\n"

/* Each of those who have not got it is named once: by the line of the mail or
 * by one of its own. */
static void
names_who_has_not_got_it(void **state)
{
	static const struct {
		const char *script;
		const char *told[4];
		size_t notes;
	} rows[] = {
	    {THREE
		"< 250 r\n< 550 no\n< 550 no\n< 354 go\n.\n< 250 q\n" SERVER_QUIT,
		{"not sent to <r1@example.org>: 550 no\n",
		    "not sent to <r2@example.org>: 550 no\n", "status=67",
		    NULL},
		2},
	    {THREE "< 550 no\n< 550 no\n< 550 who\n< 503 n\n" SERVER_QUIT,
		{"not sent to <r1@example.org>: 550 no\n",
		    "not sent to <r2@example.org>: 550 who\n", "r0@example.org",
		    NULL},
		2},
	    {THREE
		"< 250 r\n< 250 r\n< 250 r\n< 354 go\n.\n< 554 no\n" SERVER_QUIT,
		{"code=554", "status=69", NULL}, 0},
	    {THREE
		"< 250 r\n< 250 r\n< 550 no\n< 354 go\n.\n< 554 no\n" SERVER_QUIT,
		{"not sent to <r2@example.org>: 550 no\n", "code=554", NULL},
		1}};
	const char *scripts[] = {NULL, NULL}, *at;
	struct trial t;
	size_t i, notes;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		scripts[0] = rows[i].script;
		begin(&t, scripts, FROM, RECIPIENTS);
		dispatch_mail(
		    t.run.dispatch, &t.request, t.message, true, &t.run.e);
		if (!run_logged(rows[i].told))
			fail_msg("%zu: %s", i, folder_content("log"));
		notes = 0;
		for (at = folder_content("log");
		     (at = strstr(at, "not sent to")) != NULL; at++)
			notes++;
		assert_int_equal(notes, rows[i].notes);
		end(&t);
	}
}

#define TAKEN "< 250 r\n< 250 r\n< 250 r\n< 354 go\n.\n"

/* What may be said of a mail, if the run ended there. */
static void
knows_what_became_of_the_mail(void **state)
{
	static const struct {
		const char *script;
		enum error_kind kind;
	} rows[] = {{"< 554 no\n> QUIT\n|\n", ERROR_SYSTEM},
	    {THREE TAKEN "< 250 q\n" SERVER_QUIT, ERROR_NONE},
	    {THREE
		"< 250 r\n< 550 r\n< 250 r\n< 354 go\n.\n< 250 q\n" SERVER_QUIT,
		ERROR_REFUSED},
	    {THREE TAKEN, ERROR_DOUBTFUL},
	    {THREE TAKEN "< 554 no\n" SERVER_QUIT, ERROR_SYSTEM},
	    {THREE TAKEN "< 451 no\n" SERVER_QUIT, ERROR_SYSTEM},
	    {THREE TAKEN "< 421 no\n", ERROR_SYSTEM}};
	const char *scripts[] = {NULL, NULL};
	struct trial t;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		scripts[0] = rows[i].script;
		begin(&t, scripts, FROM, RECIPIENTS);
		assert_int_equal(dispatch_so_far(t.run.dispatch), ERROR_SYSTEM);
		dispatch_mail(
		    t.run.dispatch, &t.request, t.message, true, &t.run.e);
		if (dispatch_so_far(t.run.dispatch) != rows[i].kind)
			fail_msg(
			    "%zu: %d", i, (int)dispatch_so_far(t.run.dispatch));
		dispatch_forget(t.run.dispatch);
		assert_int_equal(dispatch_so_far(t.run.dispatch), ERROR_SYSTEM);
		end(&t);
	}
}

/* The password is read once, the session kept, until another account is
 * chosen. */
static void
keeps_what_belongs_to_an_account(void **state)
{
	static const char *const scripts[] = {SERVER_PLAIN SERVER_MAIL
	    "< 250 1\n" SERVER_MAIL "< 250 2\n" SERVER_QUIT,
	    SERVER_PLAIN "> MAIL FROM:<b@example.org>\n> RCPT\n> DATA\n"
			 "< 250 s\n< 250 r\n< 354 go\n.\n< 250 3\n" SERVER_QUIT,
	    NULL};
	char b[] = "b@example.org", more[200];
	struct trial t;
	int i;

	(void)state;
	snprintf(more, sizeof(more), "account one\n%saccount two\nfrom %s\n",
	    FROM, b);
	begin(&t, scripts, more, 1);
	for (i = 0; i < 3; i++) {
		t.run.plan.account = NULL;
		t.request.reverse_path = i < 2 ? (char[]){"a@example.org"} : b;
		if (dispatch_mail(t.run.dispatch, &t.request, t.message, i == 2,
			&t.run.e) == -1)
			fail_msg("%d: %s", i, t.run.e.text);
		assert_int_equal(
		    dispatch_settled(t.run.dispatch)->words[4], '1' + i);
		message_free(t.message);
		t.message = parse(TEXT("Subject: x\n\nx\n"));
	}
	end(&t);
}

#define OFFERS "< 250-mx\n< 250-AUTH PLAIN\n"
#define LOGIN  "> AUTH PLAIN AGEAc2VjcmV0IHdvcmQ=\n< 235 in\n"
#define REST                                                                   \
	SERVER_EHLO OFFERS                                                     \
	    "< 250 PIPELINING\n" LOGIN                                         \
	    "> MAIL\n> RCPT\n> DATA\n< 250 s\n< 250 r\n< 354 go\n"             \
	    ".\n< 250 ok\n" SERVER_QUIT

/* The last mail wipes the password once its login is done, but not while a
 * further one may be needed for it. */
static void
forgets_the_password_in_time(void **state)
{
	static const struct {
		const char *scripts[3];
		size_t recipients;
		bool last;
		bool forgotten;
	} rows[] = {{{REST}, 1, true, true}, {{REST}, 1, false, false},
	    {{SERVER_EHLO OFFERS
		 "< 250-PIPELINING\n< 250 LIMITS RCPTMAX=1\n" LOGIN SERVER_MAIL
		 "< 250 ok\n> MAIL\n> RCPT\n> DATA\n< 421 enough\n",
		 REST},
		2, true, true},
	    {{SERVER_EHLO OFFERS
		 "< 250-PIPELINING\n< 250 LIMITS RCPTMAX=1 MAILMAX=1\n" LOGIN
		     SERVER_MAIL "< 250 ok\n" SERVER_QUIT,
		 REST},
		2, true, true},
	    /* Who is too many is known behind the end of the chunk. */
	    {{SERVER_EHLO OFFERS
		 "< 250-CHUNKING\n< 250 PIPELINING\n" LOGIN
		 "> MAIL\n> RCPT\n> RCPT\n> BDAT\n~ x\n< 250 s\n< 250 r\n"
		 "< 452 4.5.3 too many\n< 250 ok\n> MAIL\n> RCPT\n> BDAT\n"
		 "< 421 enough\n",
		 REST},
		2, true, true},
	    /* BDAT is not there, and no further MAIL may be. */
	    {{SERVER_EHLO OFFERS
		 "< 250-CHUNKING\n< 250 LIMITS MAILMAX=1\n" LOGIN
		 "> MAIL\n< 250 ok\n> RCPT\n< 250 ok\n> BDAT\n"
		 "< 502 what\n_\n",
		 REST},
		1, true, true}};
	const struct account *account;
	struct trial t;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		begin(&t, rows[i].scripts,
		    FROM "user a\npassword secret word\n", rows[i].recipients);
		if (dispatch_mail(t.run.dispatch, &t.request, t.message,
			rows[i].last, &t.run.e) == -1)
			fail_msg("%zu: %s %s", i, t.run.e.text, t.run.e.why);
		account = dispatch_account(t.run.dispatch);
		assert_int_equal(
		    account->secret.text == NULL, rows[i].forgotten);
		end(&t);
	}
}

/* A mail that times out leaves the next one all of its own time. */
static void
each_mail_has_its_own_deadline(void **state)
{
	static const char *const scripts[] = {SERVER_PLAIN
	    "> MAIL\n> RCPT\n> DATA\n_\n",
	    SERVER_PLAIN SERVER_MAIL "< 250 second\n" SERVER_QUIT, NULL};
	struct trial t;
	char more[100];
	int seconds = 1, second;

	(void)state;
	do { /* a slow machine may need more than the shortest */
		snprintf(more, sizeof(more), FROM "deadline %d\n", seconds);
		begin(&t, scripts, more, 1);
		assert_int_equal(dispatch_mail(t.run.dispatch, &t.request,
				     t.message, false, &t.run.e),
		    -1);
		assert_int_equal(t.run.e.kind, ERROR_LATER);
		assert_non_null(strstr(t.run.e.text, "`deadline'"));
		message_free(t.message);
		t.message = parse(TEXT("Subject: x\n\nx\n"));
		error_clear(&t.run.e);
		second = dispatch_mail(
		    t.run.dispatch, &t.request, t.message, true, &t.run.e);
		seconds *= 10;
		if (second == -1) {
			peer_kill(t.run.peer);
			t.run.peer.pid = 0;
		}
		end(&t);
	} while (second == -1 && seconds <= HANG / 1000);
	assert_int_equal(second, 0);
}

/* The system's log is not waited for past the deadline of the mail that it is
 * told of, and a mail that never came to have one is not cut short by that of
 * the mail before. */
static void
the_log_has_the_deadline_of_its_mail(void **state)
{
	struct trial t;
	long long before, last = 0;
	int i;

	(void)state;
	begin(&t, NULL, FROM "deadline 100\n", 1);
	assert_true(t.run.log.deadline == CLOCK_NEVER);
	for (i = 0; i < 2; i++) {
		before = clock_now();
		dispatch_mail(
		    t.run.dispatch, &t.request, t.message, false, &t.run.e);
		assert_in_range(
		    t.run.log.deadline, before + 100000, clock_now() + 100000);
		assert_true(t.run.log.deadline > last);
		last = t.run.log.deadline;
		usleep(5000);
	}
	strlcpy(t.paths[0], "<<", sizeof(t.paths[0]));
	dispatch_mail(t.run.dispatch, &t.request, t.message, true, &t.run.e);
	assert_true(t.run.log.deadline == CLOCK_NEVER);
	end(&t);
}

static size_t
count_files(const char *letter)
{
	char script[100];
	size_t i;

	for (i = 0; i < 20; i++) {
		snprintf(script, sizeof(script),
		    "test $(ls spool | grep -c '^%s') = %zu", letter, i);
		if (folder_run(script) == 0)
			break;
	}
	return i;
}

static void
begin_with_spool(struct trial *t, const char *const *scripts, const char *more,
    size_t recipients)
{
	char text[500];

	snprintf(text, sizeof(text), FROM "spool %s\nspool-volatile yes\n%s",
	    in_folder("spool"), more);
	folder_run("rm -rf spool; mkdir -m 700 spool");
	begin(t, scripts, text, recipients);
}

/* Whatever keeps a mail from going out, what was asked for decides. */
static void
the_spool_has_what_did_not_go(void **state)
{
	static const struct {
		const char *more;
		enum request_queue queue;
		enum error_kind kind, so_far;
		const char *told[4];
	} rows[] = {
	    {"", QUEUE_NEEDED, ERROR_NONE, ERROR_NONE,
		{"code=- reply=\"\"", "status=0 queued=00", "refused", NULL}},
	    {"user a\n", QUEUE_NEEDED, ERROR_NONE, ERROR_NONE,
		{"status=0 queued=00", "error=\"", "password", NULL}},
	    {"user a\npassword-file /nowhere\n", QUEUE_NEEDED, ERROR_NONE,
		ERROR_NONE, {"status=0 queued=00", "/nowhere", NULL}},
	    {"", QUEUE_ONLY, ERROR_NONE, ERROR_NONE,
		{"status=0 queued=00", NULL}},
	    {"", QUEUE_FIRST, ERROR_NONE, ERROR_NONE,
		{"status=0 queued=00", NULL}},
	    {"", QUEUE_NEVER, ERROR_LATER, ERROR_SYSTEM, {"status=75", NULL}},
	    {"user a\n", QUEUE_NEVER, ERROR_CONFIG, ERROR_SYSTEM,
		{"status=78", NULL}},
	    {"account x\nspool off\n", QUEUE_ONLY, ERROR_SPOOL, ERROR_SYSTEM,
		{"status=73", NULL}},
	    {"account x\nspool off\n", QUEUE_FIRST, ERROR_LATER, ERROR_SYSTEM,
		{"status=75", NULL}}};
	struct trial t;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		begin_with_spool(&t, NULL, rows[i].more, 2);
		t.request.queue = rows[i].queue;
		assert_int_equal(dispatch_mail(t.run.dispatch, &t.request,
				     t.message, false, &t.run.e),
		    rows[i].kind == ERROR_NONE ? 0 : -1);
		if (t.run.e.kind != rows[i].kind)
			fail_msg("%zu: %s", i, t.run.e.text);
		if (!run_logged(rows[i].told))
			fail_msg("%zu: %s", i, folder_content("log"));
		assert_int_equal(
		    dispatch_so_far(t.run.dispatch), rows[i].so_far);
		assert_int_equal(count_files("Q"), rows[i].kind == ERROR_NONE);
		assert_int_equal(dispatch_queued(t.run.dispatch)[0] != '\0',
		    rows[i].kind == ERROR_NONE);
		dispatch_forget(t.run.dispatch);
		assert_string_equal(dispatch_queued(t.run.dispatch), "");
		end(&t);
	}
}

/* A client of -bs waits ten minutes for the answer to its mail, and would send
 * once more what is in the spool only then. */
static void
a_client_hears_in_time_that_its_mail_is_kept(void **state)
{
	static const struct {
		const char *more;
		bool client;
		enum request_queue queue;
		long long seconds;
	} rows[] = {
	    {"", true, QUEUE_NEEDED, 540},
	    {"deadline 10m\n", true, QUEUE_NEEDED, 540},
	    {"deadline 1m\n", true, QUEUE_NEEDED, 60},
	    {"", false, QUEUE_NEEDED, 1800},
	    {"", true, QUEUE_NEVER, 1800},
	    {"account x\nspool off\n", true, QUEUE_NEEDED, 1800},
	};
	const int client = STDIN_FILENO;
	long long before, limit;
	struct trial t;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		begin_with_spool(&t, NULL, rows[i].more, 1);
		dispatch_free(t.run.dispatch);
		t.run.plan.client = rows[i].client ? &client : NULL;
		t.run.dispatch = dispatch_new(&t.run.plan);
		t.request.queue = rows[i].queue;
		limit = rows[i].seconds * 1000;
		before = clock_now();
		assert_int_equal(prepare(&t), 0);
		assert_int_equal(dispatch_open(t.run.dispatch, &t.run.e), 0);
		assert_in_range(
		    t.run.log.deadline, before + limit, clock_now() + limit);
		end(&t);
	}
}

/* Who has it does not get it again, and who was refused is all that is told. */
static void
the_spool_has_who_is_open(void **state)
{
	static const char *const scripts[] = {THREE
	    "< 250 r\n< 550 no\n< 451 wait\n< 354 go\n.\n< 250 q\n" SERVER_QUIT,
	    NULL};
	static const char *const told[] = {
	    "not sent to <r1@example.org>: 550 no\n",
	    "not sent yet to <r2@example.org>: 451 wait\n", "code=250",
	    "status=67 queued=00", NULL};
	struct trial t;

	(void)state;
	begin_with_spool(&t, scripts, "", RECIPIENTS);
	assert_int_equal(dispatch_mail(t.run.dispatch, &t.request, t.message,
			     true, &t.run.e),
	    -1);
	assert_int_equal(t.run.e.kind, ERROR_RECIPIENT);
	assert_non_null(strstr(t.run.e.text, "sent to 1 of 3"));
	assert_int_equal(dispatch_so_far(t.run.dispatch), ERROR_REFUSED);
	if (!run_logged(told))
		fail_msg("%s", folder_content("log"));
	assert_int_equal(folder_run("grep -qa '^r d - - r0@' spool/Q*"), 0);
	assert_int_equal(folder_run("grep -qa '^r t - - r1@' spool/Q*"), 0);
	assert_int_equal(folder_run("grep -qa '^r o - - r2@' spool/Q*"), 0);
	end(&t);
}

/* What was refused for good is there for a person, and waits for nothing. */
static void
the_spool_has_a_copy_of_what_failed(void **state)
{
	static const char *const scripts[] = {
	    THREE "< 550 no\n< 550 no\n< 550 who\n< 503 n\n" SERVER_QUIT, NULL};
	static const char *const told[] = {
	    "a copy is in the spool as 00", "status=67", NULL};
	struct trial t;

	(void)state;
	begin_with_spool(&t, scripts, "", RECIPIENTS);
	dispatch_mail(t.run.dispatch, &t.request, t.message, true, &t.run.e);
	assert_int_equal(t.run.e.kind, ERROR_RECIPIENT);
	assert_string_equal(dispatch_queued(t.run.dispatch), "");
	if (!run_logged(told))
		fail_msg("%s", folder_content("log"));
	assert_int_equal(count_files("Q"), 0);
	assert_int_equal(count_files("F"), 1);
	end(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(goes_all_the_way),
	    cmocka_unit_test(tells_how_it_ended),
	    cmocka_unit_test(names_who_has_not_got_it),
	    cmocka_unit_test(knows_what_became_of_the_mail),
	    cmocka_unit_test(keeps_what_belongs_to_an_account),
	    cmocka_unit_test(forgets_the_password_in_time),
	    cmocka_unit_test(each_mail_has_its_own_deadline),
	    cmocka_unit_test(the_log_has_the_deadline_of_its_mail),
	    cmocka_unit_test(the_spool_has_what_did_not_go),
	    cmocka_unit_test(a_client_hears_in_time_that_its_mail_is_kept),
	    cmocka_unit_test(the_spool_has_who_is_open),
	    cmocka_unit_test(the_spool_has_a_copy_of_what_failed)};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
