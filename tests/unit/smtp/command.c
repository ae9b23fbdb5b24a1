#include "../unit.h"

#include "smtp/command.h"

#define HOST "mail.example"
#define A10  "aaaaaaaaaa"
#define LONG "<" A10 A10 A10 A10 A10 A10 A10 "@b>"

/* Every extension, no limit. */
#define ALL                                                                    \
	{                                                                      \
		.eightbitmime = true, .dsn = true, .smtputf8 = true,           \
		.requiretls = true, .size = true, .mt_priority = true,         \
		.deliverby = true, .futurerelease = true                       \
	}

static const struct {
	struct envelope env;
	struct ehlo ehlo;
	const char *command;
} mails[] = {
    {{.reverse_path = ""}, {0}, "MAIL FROM:<>"},
    {{.reverse_path = "a@b"}, {0}, "MAIL FROM:<a@b>"},
    {{.reverse_path = "\"a > b\"@c"}, {0}, "MAIL FROM:<\"a > b\"@c>"},
    {{.reverse_path = "a@b"}, {.size = true}, "MAIL FROM:<a@b> SIZE=1234"},
    {{.reverse_path = "a@b"}, {.size = true, .size_max = 99999},
	"MAIL FROM:<a@b> SIZE=1234"},
    {{.reverse_path = "a@b", .body = BODY_8BITMIME}, {.eightbitmime = true},
	"MAIL FROM:<a@b> BODY=8BITMIME"},
    {{.reverse_path = "a@b", .body = BODY_7BIT}, {.eightbitmime = true},
	"MAIL FROM:<a@b>"},
    {{.reverse_path = "a@b", .body = BODY_8BITMIME}, {0}, "MAIL FROM:<a@b>"},
    {{.reverse_path = "a@b", .smtputf8 = true}, {.smtputf8 = true},
	"MAIL FROM:<a@b> SMTPUTF8"},
    {{.reverse_path = "a@b", .requiretls = true}, {.requiretls = true},
	"MAIL FROM:<a@b> REQUIRETLS"},
    {{.reverse_path = "a@b", .ret = RET_FULL}, {.dsn = true},
	"MAIL FROM:<a@b> RET=FULL"},
    {{.reverse_path = "a@b", .ret = RET_HDRS}, {.dsn = true},
	"MAIL FROM:<a@b> RET=HDRS"},
    {{.reverse_path = "a@b", .envid = "x+2By"}, {.dsn = true},
	"MAIL FROM:<a@b> ENVID=x+2By"},
    {{.reverse_path = "a@b", .ret = RET_FULL, .envid = "x"}, {0},
	"MAIL FROM:<a@b>"},
    {{.reverse_path = "a@b", .wishes = {.has_priority = true, .priority = -9}},
	{.mt_priority = true}, "MAIL FROM:<a@b> MT-PRIORITY=-9"},
    {{.reverse_path = "a@b", .wishes = {.has_priority = true}},
	{.mt_priority = true}, "MAIL FROM:<a@b> MT-PRIORITY=0"},
    {{.reverse_path = "a@b", .wishes = {.priority = 4}}, {.mt_priority = true},
	"MAIL FROM:<a@b>"},
    {{.reverse_path = "a@b",
	 .wishes = {.deliver_by = 120, .deliver_by_mode = "RT"}},
	{.deliverby = true}, "MAIL FROM:<a@b> BY=120;RT"},
    {{.reverse_path = "a@b", .wishes = {.hold_for = 3600}},
	{.futurerelease = true}, "MAIL FROM:<a@b> HOLDFOR=3600"},
    {{.reverse_path = "a@b", .wishes = {.hold_until = "2030-01-01T00:00:00Z"}},
	{.futurerelease = true},
	"MAIL FROM:<a@b> HOLDUNTIL=2030-01-01T00:00:00Z"},
    /* Nothing asked for, all of it offered. */
    {{.reverse_path = "a@b"}, ALL, "MAIL FROM:<a@b> SIZE=1234"},
    /* All of it asked for, all of it offered. */
    {{.reverse_path = "a@b",
	 .body = BODY_8BITMIME,
	 .smtputf8 = true,
	 .requiretls = true,
	 .ret = RET_HDRS,
	 .envid = "id",
	 .wishes = {.has_priority = true,
	     .priority = 9,
	     .deliver_by = 60,
	     .deliver_by_mode = "N",
	     .hold_for = 7}},
	ALL,
	"MAIL FROM:<a@b> SIZE=1234 BODY=8BITMIME SMTPUTF8 REQUIRETLS RET=HDRS "
	"ENVID=id MT-PRIORITY=9 BY=60;N HOLDFOR=7"},
};

static void
mail_has_what_is_wished_and_offered(void **state)
{
	struct buf out;
	size_t i;

	(void)state;
	buf_init(&out, 2000);
	for (i = 0; i < COUNT(mails); i++) {
		buf_reset(&out);
		command_mail(&mails[i].env, &mails[i].ehlo, 1234, &out);
		assert_string_equal(buf_string(&out), mails[i].command);
	}
	buf_clear(&out);
}

static const struct {
	unsigned char notify;
	char *orcpt;
	const char *offered;
} rcpts[] = {
    {0, NULL, "RCPT TO:<a@b>"},
    {NOTIFY_NEVER, NULL, "RCPT TO:<a@b> NOTIFY=NEVER"},
    {NOTIFY_SUCCESS, NULL, "RCPT TO:<a@b> NOTIFY=SUCCESS"},
    {NOTIFY_FAILURE, NULL, "RCPT TO:<a@b> NOTIFY=FAILURE"},
    {NOTIFY_DELAY, NULL, "RCPT TO:<a@b> NOTIFY=DELAY"},
    {NOTIFY_SUCCESS | NOTIFY_FAILURE, NULL,
	"RCPT TO:<a@b> NOTIFY=SUCCESS,FAILURE"},
    {NOTIFY_SUCCESS | NOTIFY_DELAY, NULL, "RCPT TO:<a@b> NOTIFY=SUCCESS,DELAY"},
    {NOTIFY_FAILURE | NOTIFY_DELAY, NULL, "RCPT TO:<a@b> NOTIFY=FAILURE,DELAY"},
    {NOTIFY_SUCCESS | NOTIFY_FAILURE | NOTIFY_DELAY, NULL,
	"RCPT TO:<a@b> NOTIFY=SUCCESS,FAILURE,DELAY"},
    {0, "rfc822;c+2Bd@e", "RCPT TO:<a@b> ORCPT=rfc822;c+2Bd@e"},
    {NOTIFY_NEVER, "rfc822;c@d", "RCPT TO:<a@b> NOTIFY=NEVER ORCPT=rfc822;c@d"},
    {NOTIFY_FAILURE | NOTIFY_DELAY, "rfc822;c@d",
	"RCPT TO:<a@b> NOTIFY=FAILURE,DELAY ORCPT=rfc822;c@d"},
};

static void
rcpt_has_notify_and_orcpt_where_dsn_is_offered(void **state)
{
	const struct ehlo all = ALL;
	struct ehlo no_dsn = ALL;
	struct buf out;
	size_t i;

	(void)state;
	no_dsn.dsn = false;
	buf_init(&out, 2000);
	for (i = 0; i < COUNT(rcpts); i++) {
		const struct recipient r = {.path = "a@b",
		    .orcpt = rcpts[i].orcpt,
		    .notify = rcpts[i].notify};

		buf_reset(&out);
		command_rcpt(&r, &all, &out);
		assert_string_equal(buf_string(&out), rcpts[i].offered);
		buf_reset(&out);
		command_rcpt(&r, &no_dsn, &out);
		assert_string_equal(buf_string(&out), "RCPT TO:<a@b>");
	}
	buf_clear(&out);
}

static void
commands_are_appended(void **state)
{
	const struct envelope env = {.reverse_path = "a@b"};
	const struct recipient r = {.path = "c@d"};
	const struct ehlo none = {0};
	struct buf out;

	(void)state;
	buf_init(&out, 2000);
	command_mail(&env, &none, 1, &out);
	buf_add_string(&out, "\r\n");
	command_rcpt(&r, &none, &out);
	assert_string_equal(
	    buf_string(&out), "MAIL FROM:<a@b>\r\nRCPT TO:<c@d>");
	buf_clear(&out);
}

static struct recipient never[] = {
    {.path = "a@b"}, {.path = "c@d", .notify = NOTIFY_NEVER}};
static struct recipient plain[] = {{.path = "a@b"}};
static struct recipient original[] = {{.path = "a@b", .orcpt = "rfc822;c@d"}};
static struct recipient others[] = {{.path = "a@b",
    .orcpt = "rfc822;c@d",
    .notify = NOTIFY_SUCCESS | NOTIFY_FAILURE | NOTIFY_DELAY}};

/* The size of the message is 1000. */
static const struct {
	struct envelope env;
	struct ehlo ehlo;
	enum error_kind kind;
	const char *doing;
	const char *text;
} checks[] = {
    {{0}, {0}, ERROR_NONE, NULL, NULL},
    {{0}, {.size = true}, ERROR_NONE, NULL, NULL},
    {{0}, {.size = true, .size_max = 1000}, ERROR_NONE, NULL, NULL},
    {{0}, {.size = true, .size_max = 999}, ERROR_MESSAGE, "SIZE",
	"the message has 1000 octets and " HOST " takes 999 at most"},
    {{.smtputf8 = true}, {.smtputf8 = true}, ERROR_NONE, NULL, NULL},
    {{.smtputf8 = true}, {0}, ERROR_MESSAGE, "SMTPUTF8",
	"an address or a field is not ASCII, and " HOST
	" does not offer SMTPUTF8"},
    {{.requiretls = true}, {.requiretls = true}, ERROR_NONE, NULL, NULL},
    {{.requiretls = true}, {0}, ERROR_REFUSED, "REQUIRETLS",
	HOST " does not offer it"},
    {{.wishes = {.has_priority = true}}, {.mt_priority = true}, ERROR_NONE,
	NULL, NULL},
    {{.wishes = {.has_priority = true}}, {0}, ERROR_REFUSED, "MT-PRIORITY",
	HOST " does not offer it"},
    {{.wishes = {.deliver_by = 60}}, {.deliverby = true}, ERROR_NONE, NULL,
	NULL},
    {{.wishes = {.deliver_by = 60}}, {0}, ERROR_REFUSED, "DELIVERBY",
	HOST " does not offer it"},
    {{.wishes = {.deliver_by = 60}}, {.deliverby = true, .deliverby_min = 60},
	ERROR_NONE, NULL, NULL},
    {{.wishes = {.deliver_by = 60}}, {.deliverby = true, .deliverby_min = 61},
	ERROR_REFUSED, "DELIVERBY",
	HOST " does not offer it for so short a time"},
    {{.wishes = {.hold_for = 60}}, {.futurerelease = true}, ERROR_NONE, NULL,
	NULL},
    {{.wishes = {.hold_for = 60}}, {0}, ERROR_REFUSED, "FUTURERELEASE",
	HOST " does not offer it"},
    {{.wishes = {.hold_until = "2030-01-01T00:00:00Z"}}, {0}, ERROR_REFUSED,
	"FUTURERELEASE", HOST " does not offer it"},
    {{.wishes = {.hold_until = "2030-01-01T00:00:00Z"}},
	{.futurerelease = true, .futurerelease_max = 1}, ERROR_NONE, NULL,
	NULL},
    {{.wishes = {.hold_for = 60}},
	{.futurerelease = true, .futurerelease_max = 60}, ERROR_NONE, NULL,
	NULL},
    {{.wishes = {.hold_for = 60}},
	{.futurerelease = true, .futurerelease_max = 59}, ERROR_REFUSED,
	"FUTURERELEASE", HOST " does not offer it for so long a time"},
    {{.recipients = never, .count = 2}, {.dsn = true}, ERROR_NONE, NULL, NULL},
    {{.recipients = never, .count = 2}, {0}, ERROR_REFUSED, "DSN",
	HOST " cannot promise NOTIFY=NEVER: it does not offer DSN"},
    /* What only brings less than was hoped for is no reason to refuse. */
    {{.recipients = others, .count = 1, .ret = RET_FULL, .envid = "x"}, {0},
	ERROR_NONE, NULL, NULL},
    {{.body = BODY_8BITMIME}, {0}, ERROR_NONE, NULL, NULL},
};

static void
a_wish_that_cannot_be_kept_is_refused(void **state)
{
	struct error e;
	size_t i;
	int rc;

	(void)state;
	for (i = 0; i < COUNT(checks); i++) {
		error_clear(&e);
		rc = command_check(
		    &checks[i].env, &checks[i].ehlo, 1000, HOST, &e);
		if (e.kind != checks[i].kind)
			fail_msg(
			    "row %zu: %s %s", i, error_word(e.kind), e.text);
		assert_int_equal(rc, e.kind == ERROR_NONE ? 0 : -1);
		if (e.kind == ERROR_NONE)
			continue;
		assert_string_equal(e.doing, checks[i].doing);
		assert_string_equal(e.text, checks[i].text);
		assert_string_not_equal(e.hint, "");
	}
}

static const struct {
	struct envelope env;
	struct ehlo ehlo;
	bool lacks;
	bool drops;
} wished[] = {
    {{0}, {0}, false, false},
    {{0}, {.size = true, .size_max = 1000}, false, false},
    {{0}, {.size = true, .size_max = 999}, true, false},
    {{.smtputf8 = true}, {0}, true, false},
    {{.smtputf8 = true}, {.smtputf8 = true}, false, false},
    {{.body = BODY_8BITMIME}, {0}, true, false},
    {{.body = BODY_8BITMIME}, {.eightbitmime = true}, false, false},
    {{.requiretls = true}, {0}, true, false},
    {{.wishes = {.hold_for = 60}}, {0}, true, false},
    {{.ret = RET_FULL}, {0}, true, true},
    {{.envid = "x"}, {0}, true, true},
    {{.ret = RET_FULL, .envid = "x"}, {.dsn = true}, false, false},
    {{.recipients = never, .count = 2}, {0}, true, true},
    {{.recipients = others, .count = 1}, {0}, true, true},
    {{.recipients = others, .count = 1}, {.dsn = true}, false, false},
    {{.recipients = original, .count = 1}, {0}, true, true},
    {{.recipients = plain, .count = 1}, {0}, false, false},
};

static void
a_wish_that_is_not_offered_is_found(void **state)
{
	const struct envelope *env;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(wished); i++) {
		env = &wished[i].env;
		if (command_lacks(env, &wished[i].ehlo, 1000) !=
			wished[i].lacks ||
		    command_drops(env, &wished[i].ehlo) != wished[i].drops)
			fail_msg("row %zu", i);
	}
}

static void
a_clients_mail_is_read(void **state)
{
	static const struct {
		const char *argument;
		const char *refusal; /* its first four octets, or NULL */
		const char *path;
		unsigned long long size;
		const char *envid;
	} rows[] = {
	    {"FROM:<a@b>", NULL, "<a@b>", 0, NULL},
	    {"from: a@b", NULL, "a@b", 0, NULL},
	    {"FROM:<>", NULL, "<>", 0, NULL},
	    {"FROM:<root>", NULL, "<root>", 0, NULL},
	    {"FROM:<\"a > b\"@c> SIZE=12", NULL, "<\"a > b\"@c>", 12, NULL},
	    {"FROM:<\"a\\\"> b\"@c> SIZE=12", NULL, "<\"a\\\"> b\"@c>", 12,
		NULL},
	    {"FROM:<\"a\\\\\"@c> SIZE=12", NULL, "<\"a\\\\\"@c>", 12, NULL},
	    {"FROM:<\"a\\\">@c> SIZE=12", "501 ", NULL, 0, NULL},
	    {"FROM:<a\\>b@c> SIZE=12", "501 ", NULL, 0, NULL},
	    {"FROM:<a@b> size=12 ENVID=a+20b SMTPUTF8 RET=FULL BODY=8bitmime "
	     "AUTH=<>",
		NULL, "<a@b>", 12, "a b"},
	    {"FROM:", "501 ", NULL, 0, NULL},
	    {"FROM <a@b>", "501 ", NULL, 0, NULL},
	    {"TO:<a@b>", "501 ", NULL, 0, NULL},
	    {"FROM:<a@b", "501 ", NULL, 0, NULL},
	    {"FROM:<a@b,c@d>", "501 ", NULL, 0, NULL},
	    {"FROM:<a@b!c>", "501 ", NULL, 0, NULL},
	    {"FROM:<|x>", "501 ", NULL, 0, NULL},
	    {"FROM:<\"/x\">", "501 ", NULL, 0, NULL},
	    {"FROM:<:include:/x>", "501 ", NULL, 0, NULL},
	    {"FROM:<a@b> SIZE=x", "501 ", NULL, 0, NULL},
	    {"FROM:<a@b> SIZE=1 SIZE=1", "501 ", NULL, 1, NULL},
	    {"FROM:<a@b> ENVID=a+2", "501 ", NULL, 0, NULL},
	    {"FROM:<a@b> SMTPUTF8=x", "501 ", NULL, 0, NULL},
	    {"FROM:<a@b> BODY=BINARYMIME", "501 ", NULL, 0, NULL},
	    {"FROM:<a@b> NOTIFY=NEVER", "555 ", NULL, 0, NULL},
	    {"FROM:<a@b> ENVID=x SIZES=1", "555 ", NULL, 0, "x"},
	};
	struct request r;
	unsigned long long size;
	const char *refusal;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		memset(&r, 0, sizeof(r));
		size = 99;
		refusal =
		    command_parse_mail(text_of(rows[i].argument), &r, &size);
		if (rows[i].refusal == NULL)
			assert_null(refusal);
		else
			assert_memory_equal(refusal, rows[i].refusal, 4);
		assert_int_equal(size, rows[i].size);
		assert_true(r.of_client);
		if (rows[i].path == NULL)
			assert_null(r.reverse_path);
		else
			assert_string_equal(r.reverse_path, rows[i].path);
		if (rows[i].envid == NULL)
			assert_null(r.envid);
		else
			assert_string_equal(r.envid, rows[i].envid);
		request_clear(&r);
	}
}

static void
a_clients_rcpt_is_read(void **state)
{
	static const struct {
		const char *argument;
		const char *refusal; /* its first four octets, or NULL */
		const char *path;
		unsigned notify;
		const char *orcpt;
	} rows[] = {
	    {"TO:<a@b>", NULL, "<a@b>", 0, NULL},
	    {"to:root", NULL, "root", 0, NULL},
	    {"TO:<a@b> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;a+2Bc@d", NULL,
		"<a@b>", NOTIFY_SUCCESS | NOTIFY_DELAY, "rfc822;a+2Bc@d"},
	    {"TO:<>", "501 ", NULL, 0, NULL},
	    {"TO:<a@b>x@y", "555 ", NULL, 0, NULL},
	    {"TO:<.a..b.@c.>", NULL, "<.a..b.@c.>", 0, NULL},
	    {"TO:" LONG, NULL, LONG, 0, NULL},
	    {"TO:<a@b> ORCPT=rfc822;x NOTIFY=NEVER,DELAY", "501 ", NULL, 0,
		NULL},
	    {"TO:<a@b> ORCPT=rfc822;x ORCPT=rfc822;x", "501 ", NULL, 0, NULL},
	    {"TO:<a@b> ORCPT=x", "501 ", NULL, 0, NULL},
	    {"TO:<a@b> SIZE=1", "555 ", NULL, 0, NULL},
	    /* What sendmail would run, write to or read. */
	    {"TO:<|x>", "553 ", NULL, 0, NULL},
	    {"TO:|x", "553 ", NULL, 0, NULL},
	    {"TO:<|/bin/x -y>", "553 ", NULL, 0, NULL},
	    {"TO:<\"|x y\">", "553 ", NULL, 0, NULL},
	    {"TO:<|\"x y\">", "553 ", NULL, 0, NULL},
	    {"TO:< |x >", "553 ", NULL, 0, NULL},
	    {"TO:</file>", "553 ", NULL, 0, NULL},
	    {"TO:<\"/file\">", "553 ", NULL, 0, NULL},
	    {"TO:<:include:/list>", "553 ", NULL, 0, NULL},
	    {"TO:<\":Include:/list\">", "553 ", NULL, 0, NULL},
	    {"TO::include:/list", "553 ", NULL, 0, NULL},
	    {"TO:<|x@y>", NULL, "<|x@y>", 0, NULL},
	    {"TO:</C=de/S=x/@y>", NULL, "</C=de/S=x/@y>", 0, NULL},
	};
	struct request r;
	const char *refusal;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		memset(&r, 0, sizeof(r));
		refusal = command_parse_rcpt(text_of(rows[i].argument), &r, 1);
		if (rows[i].refusal != NULL) {
			assert_memory_equal(refusal, rows[i].refusal, 4);
			assert_int_equal(r.recipient_count, 0);
			request_clear(&r);
			continue;
		}
		assert_null(refusal);
		assert_int_equal(r.recipient_count, 1);
		assert_string_equal(r.recipients[0].list, rows[i].path);
		assert_int_equal(r.recipients[0].notify, rows[i].notify);
		if (rows[i].orcpt == NULL)
			assert_null(r.recipients[0].orcpt);
		else
			assert_string_equal(
			    r.recipients[0].orcpt, rows[i].orcpt);
		assert_memory_equal(
		    command_parse_rcpt(TEXT("TO:<c@d>"), &r, 1), "452 ", 4);
		assert_int_equal(r.recipient_count, 1);
		request_clear(&r);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(mail_has_what_is_wished_and_offered),
	    cmocka_unit_test(rcpt_has_notify_and_orcpt_where_dsn_is_offered),
	    cmocka_unit_test(commands_are_appended),
	    cmocka_unit_test(a_clients_mail_is_read),
	    cmocka_unit_test(a_clients_rcpt_is_read),
	    cmocka_unit_test(a_wish_that_is_not_offered_is_found),
	    cmocka_unit_test(a_wish_that_cannot_be_kept_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
