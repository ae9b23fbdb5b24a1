#include "../unit.h"

#include "run/listing.h"

#define ID  "006b094f5d-8518a599171cffb809a829f9"
#define NOW 1795780000
#define DAY 86400

static struct buf out;
static char path[] = "/spool", name[] = "work", gone[] = "a\x1b[2J";

static struct account account = {
    .name = name, .spool_retry = {.first = 300, .longest = 3600}};
static struct queue_spool spool = {.path = path, .complete = true};
static struct listing_terms terms = {.now = {NOW, 60}};

static void
add(struct queue_mail *m, const char *address, enum verdict verdict,
    const char *words)
{
	struct envelope *env = &m->file.ticket.envelope;

	assert_int_equal(envelope_add(env, text_of(address), NULL), 1);
	envelope_decide(&env->recipients[env->count - 1], verdict, 550,
	    (struct enhanced){5, 1, 1}, words);
}

static struct queue_mail
mail(enum queue_state state, long long age)
{
	struct queue_mail m = {.spool = &spool,
	    .id = ID,
	    .state = state,
	    .size = 1025,
	    .file.layout = {.trailer_at = 1},
	    .account = &account,
	    .due = NOW - 1};

	ticket_init(&m.file.ticket);
	m.file.ticket.account = name;
	m.file.ticket.created = NOW - age;
	m.file.ticket.expires = NOW - age + 5 * DAY;
	assert_int_equal(envelope_set_reverse_path(&m.file.ticket.envelope,
			     TEXT("alice@example.com"), NULL),
	    0);
	add(&m, "bob@example.org", VERDICT_OPEN, NULL);
	return m;
}

static void
clear(struct queue_mail *m)
{
	m->file.ticket.account = NULL;
	ticket_clear(&m->file.ticket);
}

static struct buf *
empty(void)
{
	buf_clear(&out);
	buf_init(&out, 100000);
	return &out;
}

/* The lines of the table, of a mail that goes then. */
static const char *
row(struct queue_mail m)
{
	listing_format(&m, &terms, empty());
	clear(&m);
	return buf_string(&out);
}

#define FIRST(mark) ID mark "     1025 Fri Nov 27 12:46:40  alice@example.com\n"
#define BOB	    "                                         bob@example.org\n\n"

static void
a_row_has_the_shape_of_postfix(void **state)
{
	struct queue_mail m = mail(QUEUE_WAITING, 0);

	(void)state;
	assert_string_equal(
	    row(m), FIRST(" ") "(0s old, 0 attempts, due now)\n" BOB);
	m = mail(QUEUE_WAITING, 0);
	m.due = NOW + 120;
	m.file.ticket.attempts = 1;
	m.file.ticket.doubtful = true;
	m.file.ticket.code = 451;
	strlcpy(m.file.ticket.words, "451 4.3.0 later\x1b",
	    sizeof(m.file.ticket.words));
	add(&m, "has@it.example", VERDICT_DELIVERED, NULL);
	add(&m, "no@one.example", VERDICT_REFUSED, "550 5.1.1 no");
	assert_string_equal(row(m),
	    FIRST(" ") "(0s old, 1 attempt, may have been delivered, next in "
		       "2m: 451 4.3.0 later\\x1b)\n" BOB);
	m = mail(QUEUE_WAITING, 0);
	m.file.ticket.code = 454;
	strlcpy(
	    m.file.ticket.words, "no more today", sizeof(m.file.ticket.words));
	assert_string_equal(row(m),
	    FIRST(
		" ") "(0s old, 0 attempts, due now: 454 no more today)\n" BOB);
	m = mail(QUEUE_HELD, 0);
	assert_string_equal(
	    row(m), FIRST("!") "(held; 0s old, 0 attempts)\n" BOB);
	m = mail(QUEUE_FAILED, 0);
	add(&m, "no@one.example", VERDICT_REFUSED, "550 5.1.1 no");
	assert_string_equal(row(m),
	    FIRST("#") "(failed; 0s old, 0 attempts)\n"
		       "                                         "
		       "bob@example.org\n"
		       "                                         "
		       "no@one.example (550 5.1.1 no)\n\n");
}

static void
what_is_odd_is_told(void **state)
{
	struct queue_mail m = mail(QUEUE_WAITING, -100);

	(void)state;
	/* The clock went back: it is new, and due. */
	m.due = NOW + 100;
	assert_non_null(strstr(row(m), "(0s old, 0 attempts, due now)"));
	/* Further away than anything waits. */
	m = mail(QUEUE_WAITING, 100);
	m.due = NOW + 7 * DAY;
	assert_non_null(strstr(row(m), "(100s old, 0 attempts, due now)"));
	m = mail(QUEUE_WAITING, 3 * DAY);
	m.account = NULL;
	m.file.ticket.account = gone;
	m.file.ticket.envelope.reverse_path[0] = '\0';
	row(m);
	assert_non_null(strstr(buf_string(&out), "  MAILER-DAEMON\n"));
	assert_non_null(strstr(buf_string(&out),
	    "(3d old, 0 attempts, waits for account `a\\x1b[2J', which is not "
	    "in the configuration)"));
	/* Nobody knows where not all of the configuration could be read. */
	spool.complete = false;
	m = mail(QUEUE_WAITING, 90 * 60);
	m.account = NULL;
	assert_non_null(strstr(row(m), "(90m old, 0 attempts, due now)"));
	spool.complete = true;
	m = mail(QUEUE_DAMAGED, 0);
	m.file.layout.trailer_at = 0;
	error_set(&m.error, ERROR_SPOOL, NULL, "it is none");
	assert_string_equal(
	    row(m), ID "?     1025 -\n(damaged; never sent: it is none)\n" BOB);
}

static void
the_end_is_that_of_postfix(void **state)
{
	struct listing_sum sum = {0};

	(void)state;
	listing_format_end(&sum, empty());
	assert_string_equal(buf_string(&out), "Mail queue is empty\n");
	sum = (struct listing_sum){.failed = 1, .octets = 1};
	listing_format_end(&sum, empty());
	assert_string_equal(buf_string(&out), "-- 1 Kbytes in 1 Request.\n");
	sum = (struct listing_sum){
	    .waiting = 1, .held = 1, .damaged = 1, .octets = 2049};
	listing_format_end(&sum, empty());
	assert_string_equal(buf_string(&out), "-- 3 Kbytes in 3 Requests.\n");
}

static void
count(struct listing_sum *sum, struct queue_mail m)
{
	listing_count(&m, &terms, sum);
	clear(&m);
}

static void
all_are_counted(void **state)
{
	struct listing_sum sum = {0};
	struct queue_mail m;

	(void)state;
	count(&sum, mail(QUEUE_WAITING, 2 * 3600));
	assert_int_equal(sum.late, 0);
	/* Twice the longest interval of its account. */
	count(&sum, mail(QUEUE_WAITING, 2 * 3600 + 1));
	assert_int_equal(sum.late, 1);
	/* Half of its lifetime. */
	m = mail(QUEUE_WAITING, 61);
	m.file.ticket.expires = m.file.ticket.created + 120;
	count(&sum, m);
	assert_int_equal(sum.late, 2);
	/* Without an account by what usually holds. */
	m = mail(QUEUE_WAITING, 8 * 3600);
	m.account = NULL;
	count(&sum, m);
	assert_int_equal(sum.late, 2);
	assert_int_equal(sum.stranded, 1);
	terms.age = 60;
	count(&sum, mail(QUEUE_WAITING, 61));
	terms.age = 0;
	assert_int_equal(sum.late, 3);
	/* These wait for nothing but a person. */
	count(&sum, mail(QUEUE_HELD, 9 * DAY));
	count(&sum, mail(QUEUE_FAILED, 9 * DAY));
	count(&sum, mail(QUEUE_DAMAGED, 9 * DAY));
	assert_int_equal(sum.waiting, 5);
	assert_int_equal(sum.held, 1);
	assert_int_equal(sum.failed, 1);
	assert_int_equal(sum.damaged, 1);
	assert_int_equal(sum.late, 3);
	assert_int_equal(sum.oldest, 8 * 3600);
	assert_int_equal(sum.octets, 8 * 1025);
}

static void
the_first_line_has_the_columns(void **state)
{
	(void)state;
	listing_format_begin(empty());
	assert_string_equal(buf_string(&out),
	    "-Queue ID-                           --Size-- ---Arrival Time--- "
	    "-Sender/Recipient-------\n");
}

static void
a_plugin_says_one_line(void **state)
{
	struct listing_sum sum = {0};

	(void)state;
	listing_format_check(&sum, &terms, NULL, empty());
	assert_string_equal(buf_string(&out),
	    "SPOOL OK: 0 waiting | waiting=0 held=0 failed=0 damaged=0 late=0 "
	    "oldest=0s size=0B\n");
	sum = (struct listing_sum){
	    .waiting = 2, .held = 3, .oldest = 7300, .octets = 5};
	listing_format_check(&sum, &terms, NULL, empty());
	assert_string_equal(buf_string(&out),
	    "SPOOL OK: 2 waiting, the oldest for 2h, 3 held | waiting=2 held=3 "
	    "failed=0 damaged=0 late=0 oldest=7300s size=5B\n");
	sum = (struct listing_sum){.waiting = 2,
	    .failed = 1,
	    .damaged = 1,
	    .late = 2,
	    .stranded = 1,
	    .oldest = 7300};
	terms.age = 120;
	listing_format_check(&sum, &terms, "a|b\n", empty());
	terms.age = 0;
	assert_string_equal(buf_string(&out),
	    "SPOOL CRITICAL: a/b\\x0a, 1 failed for good, 1 damaged, 1 without "
	    "an account, 2 waiting for too long (over 2m); 2 waiting, the "
	    "oldest for 2h | waiting=2 held=0 failed=1 damaged=1 late=2 "
	    "oldest=7300s size=0B\n");
}

static const char *
as_json(struct queue_mail m)
{
	struct json j;

	json_init(&j, empty());
	json_add_object(&j, NULL);
	listing_add_json(&m, &terms, &j);
	json_end_object(&j);
	clear(&m);
	return buf_string(&out);
}

static void
programs_read_the_sum(void **state)
{
	const struct listing_sum sum = {.waiting = 1,
	    .held = 2,
	    .failed = 3,
	    .damaged = 4,
	    .late = 5,
	    .stranded = 6,
	    .octets = 7,
	    .oldest = 8};
	struct json j;

	(void)state;
	json_init(&j, empty());
	json_add_object(&j, NULL);
	listing_add_sum(&sum, &j);
	json_end_object(&j);
	assert_string_equal(buf_string(&out),
	    "{\"waiting\":1,\"held\":2,\"failed\":3,\"damaged\":4,\"late\":5,"
	    "\"account_missing\":6,\"octets\":7,\"oldest\":8}");
}

#define BEFORE(state)                                                          \
	"{\"id\":\"" ID "\",\"state\":\"" state                                \
	"\",\"spool\":\"/spool\",\"size\":1025,"

static void
programs_read_json(void **state)
{
	struct queue_mail m = mail(QUEUE_WAITING, 100);

	(void)state;
	m.due = NOW + 120;
	m.file.ticket.attempts = 2;
	m.file.ticket.code = 451;
	strlcpy(m.file.ticket.words, "451 \"x\"", sizeof(m.file.ticket.words));
	add(&m, "has@it.example", VERDICT_DELIVERED, NULL);
	add(&m, "no@one.example", VERDICT_REFUSED, "550 5.1.1 no");
	assert_string_equal(as_json(m),
	    BEFORE(
		"waiting") "\"damage\":null,\"account\":\"work\","
			   "\"account_missing\":false,\"created\":1795779900,"
			   "\"age\":100,\"expires\":1796211900,"
			   "\"next\":1795780120,\"late\":false,"
			   "\"attempts\":2,\"doubtful\":false,\"code\":451,"
			   "\"error\":\"451 \\\"x\\\"\","
			   "\"sender\":\"alice@example.com\",\"recipients\":["
			   "{\"address\":\"bob@example.org\","
			   "\"state\":\"open\",\"reply\":null},"
			   "{\"address\":\"has@it.example\","
			   "\"state\":\"delivered\",\"reply\":null},"
			   "{\"address\":\"no@one.example\","
			   "\"state\":\"refused\","
			   "\"reply\":\"550 5.1.1 no\"}]}");
	m = mail(QUEUE_WAITING, 9 * DAY);
	as_json(m);
	assert_non_null(strstr(buf_string(&out), "\"next\":1795780000,"));
	assert_non_null(strstr(buf_string(&out), "\"late\":true,"));
	m = mail(QUEUE_WAITING, 0);
	m.account = NULL;
	as_json(m);
	assert_non_null(strstr(buf_string(&out), "\"next\":null,"));
	assert_non_null(strstr(buf_string(&out), "\"account_missing\":true,"));
	/* Of a configuration that could not be read nobody knows. */
	spool.complete = false;
	m = mail(QUEUE_WAITING, 0);
	m.account = NULL;
	as_json(m);
	assert_non_null(strstr(buf_string(&out), "\"account_missing\":null,"));
	m = mail(QUEUE_WAITING, 0);
	as_json(m);
	assert_non_null(strstr(buf_string(&out), "\"account_missing\":false,"));
	spool.complete = true;
	m = mail(QUEUE_HELD, 0);
	as_json(m);
	assert_non_null(strstr(buf_string(&out), "\"next\":null,"));
	m = mail(QUEUE_DAMAGED, 0);
	m.file.layout.trailer_at = 0;
	error_set(&m.error, ERROR_SPOOL, NULL, "it is none");
	assert_string_equal(
	    as_json(m), BEFORE("damaged") "\"damage\":\"it is none\"}");
}

static void
a_whole_mail_is_shown(void **state)
{
	struct queue_mail m = mail(QUEUE_HELD, 100);
	struct envelope *env = &m.file.ticket.envelope;

	(void)state;
	env->body = BODY_8BITMIME;
	env->smtputf8 = env->requiretls = true;
	env->ret = RET_FULL;
	env->envid = strdup("a+20b");
	env->wishes.deliver_by = 9;
	strlcpy(env->wishes.deliver_by_mode, "R",
	    sizeof(env->wishes.deliver_by_mode));
	env->recipients[0].notify = NOTIFY_NEVER;
	env->recipients[0].orcpt = strdup("rfc822;b@example.org");
	add(&m, "no@one.example", VERDICT_REFUSED, "550 5.1.1 no");
	listing_format_whole(&m, &terms, TEXT("A 1 5 0f\nT\x1b\n"), empty());
	clear(&m);
	assert_string_equal(buf_string(&out),
	    "id: " ID "\n"
	    "spool: /spool\n"
	    "state: held; 100s old, 0 attempts\n"
	    "account: work\n"
	    "created: Fri, 27 Nov 2026 12:45:00 +0100\n"
	    "expires: Wed, 2 Dec 2026 12:45:00 +0100\n"
	    "from: <alice@example.com> BODY=8BITMIME SMTPUTF8 REQUIRETLS "
	    "RET=FULL ENVID=a+20b BY=9;R\n"
	    "to: <bob@example.org> NOTIFY=NEVER ORCPT=rfc822;b@example.org: "
	    "open\n"
	    "to: <no@one.example>: refused: 550 5.1.1 no\n"
	    "journal: A 1 5 0f\n"
	    "journal: T\\x1b\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_row_has_the_shape_of_postfix),
	    cmocka_unit_test(what_is_odd_is_told),
	    cmocka_unit_test(the_end_is_that_of_postfix),
	    cmocka_unit_test(all_are_counted),
	    cmocka_unit_test(a_plugin_says_one_line),
	    cmocka_unit_test(the_first_line_has_the_columns),
	    cmocka_unit_test(programs_read_json),
	    cmocka_unit_test(programs_read_the_sum),
	    cmocka_unit_test(a_whole_mail_is_shown),
	};
	const int failed = cmocka_run_group_tests(tests, NULL, NULL);

	buf_clear(&out);
	return failed;
}
