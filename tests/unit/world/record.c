#include "../unit.h"

#include "world/record.h"

static struct buf out;

static struct envelope
to_many(size_t count)
{
	struct envelope env;
	struct error e;
	char path[40];
	size_t i;

	envelope_init(&env);
	error_clear(&e);
	envelope_set_reverse_path(&env, TEXT("a@x"), &e);
	for (i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "r%zu@x", i);
		envelope_add(&env, text_of(path), &e);
	}
	return env;
}

static const char *
line_of(const struct record *r, const char *tag)
{
	buf_clear(&out);
	buf_init(&out, 100000);
	record_format(r, tag, &out);
	return buf_string(&out);
}

static const char *
fields_of(const struct record *r, const char *tag)
{
	buf_clear(&out);
	buf_init(&out, 1000000);
	record_add_fields(r, tag, &out);
	return buf_string(&out);
}

static const char *
json_of(const struct record *r, size_t most)
{
	struct json j;

	buf_clear(&out);
	buf_init(&out, 10000000);
	json_init(&j, &out);
	json_add_object(&j, NULL);
	record_add_json(r, most, &j);
	json_end_object(&j);
	return buf_string(&out);
}

/* Behind what scripts have read for long. */
static void
the_servers_id_and_ours(void **state)
{
	struct record r = {.words = "250 2.0.0 Ok: queued as 4F", .code = 250};

	(void)state;
	assert_string_equal(line_of(&r, ""),
	    "from=- to=- smarthost=- tls=- auth=- size=0 msgid=- code=250 "
	    "reply=\"250 2.0.0 Ok: queued as 4F\" delay=0.000 status=0 "
	    "serverid=4F");
	assert_non_null(strstr(json_of(&r, SIZE_MAX), "\"server_id\":\"4F\""));
	assert_non_null(strstr(fields_of(&r, ""), "\nSENDLING_SERVER_ID=4F\n"));
	r.queued = "0069283a00-1";
	assert_non_null(strstr(line_of(&r, "cron job"),
	    " status=0 tag=\"cron job\" serverid=4F queued=0069283a00-1"));
	assert_non_null(strstr(fields_of(&r, "cron"), "\nSENDLING_TAG=cron\n"));
	r.uid = "33";
	assert_non_null(strstr(line_of(&r, "cron"),
	    " status=0 tag=cron uid=33 serverid=4F queued=0069283a00-1"));
	assert_non_null(strstr(fields_of(&r, ""), "\nSENDLING_UID=33\n"));
	assert_non_null(strstr(json_of(&r, SIZE_MAX), "\"uid\":\"33\""));
	r.words = "451 4.3.0 queued as 4F";
	assert_null(strstr(line_of(&r, ""), "serverid="));
	assert_null(strstr(fields_of(&r, ""), "SERVER_ID"));
	assert_non_null(strstr(json_of(&r, SIZE_MAX), "\"server_id\":null"));
}

/* All that a program gets of one mail, and a line of the same. */
static void
an_object_and_a_line_have_it_all(void **state)
{
	struct envelope env = to_many(2);
	struct record r = {.account = "work",
	    .envelope = &env,
	    .smarthost = "mail.example.org:465",
	    .tls = "TLS1.3 X25519",
	    .auth = "PLAIN",
	    .size = 1234,
	    .message_id = "<1@x>",
	    .code = 250,
	    .words = "250 2.0.0 Ok",
	    .delay_ms = 1042,
	    .status = 67,
	    .queued = "",
	    .uid = ""};
	struct error e;

	(void)state;
	env.recipients[0].verdict = VERDICT_DELIVERED;
	envelope_decide(&env.recipients[1], VERDICT_REFUSED, 550,
	    (struct enhanced){5, 1, 1}, "550 5.1.1 no");
	error_clear(&e);
	error_set(&e, ERROR_RECIPIENT, "RCPT TO", "r1@x");
	r.error = &e;
	assert_string_equal(json_of(&r, SIZE_MAX),
	    "{\"status\":67,\"error\":{\"kind\":\"recipient\",\"status\":67,"
	    "\"text\":\"RCPT TO: r1@x\",\"server\":null,\"hint\":null},"
	    "\"account\":\"work\",\"from\":\"a@x\",\"recipients\":["
	    "{\"address\":\"r0@x\",\"verdict\":\"delivered\",\"code\":0,"
	    "\"reply\":null},"
	    "{\"address\":\"r1@x\",\"verdict\":\"refused\",\"code\":550,"
	    "\"reply\":\"550 5.1.1 no\"}],\"recipients_more\":0,"
	    "\"smarthost\":\"mail.example.org:465\","
	    "\"tls\":\"TLS1.3 X25519\",\"auth\":\"PLAIN\",\"size\":1234,"
	    "\"message_id\":\"<1@x>\",\"code\":250,"
	    "\"reply\":\"250 2.0.0 Ok\",\"server_id\":null,\"queued\":null,"
	    "\"uid\":null,\"duration_ms\":1042}");
	assert_string_equal(line_of(&r, ""),
	    "from=<a@x> to=<r0@x>,<r1@x> smarthost=mail.example.org:465 "
	    "tls=\"TLS1.3 X25519\" auth=PLAIN size=1234 msgid=<1@x> code=250 "
	    "reply=\"250 2.0.0 Ok\" delay=1.042 status=67 "
	    "error=\"RCPT TO: r1@x\"");
	envelope_clear(&env);
}

/* Nothing is known of a mail that came no further. */
static void
what_is_not_known_is_null(void **state)
{
	const struct record r = {.status = 64};

	(void)state;
	assert_string_equal(json_of(&r, SIZE_MAX),
	    "{\"status\":64,\"error\":null,\"account\":null,\"from\":null,"
	    "\"recipients\":[],\"recipients_more\":0,\"smarthost\":null,"
	    "\"tls\":null,\"auth\":null,\"size\":0,\"message_id\":null,"
	    "\"code\":0,\"reply\":null,\"server_id\":null,\"queued\":null,"
	    "\"uid\":null,\"duration_ms\":0}");
	assert_string_equal(line_of(&r, ""),
	    "from=- to=- smarthost=- tls=- auth=- size=0 msgid=- code=- "
	    "reply=\"\" delay=0.000 status=64");
}

static void
fields_have_what_is_known(void **state)
{
	struct envelope env = to_many(2);
	struct record r = {.account = "work",
	    .envelope = &env,
	    .smarthost = "mail.example.org:465",
	    .tls = "TLS1.3 X25519",
	    .auth = "-",
	    .size = 1234,
	    .message_id = "<1@x>",
	    .code = 550,
	    .words = "550 no\nMESSAGE=forged",
	    .delay_ms = 1042,
	    .status = 69};
	struct error e;

	(void)state;
	error_clear(&e);
	error_set(&e, ERROR_REFUSED, "DATA", "no");
	r.error = &e;
	assert_string_equal(fields_of(&r, ""),
	    "SENDLING_FROM=a@x\nSENDLING_TO=r0@x\nSENDLING_TO=r1@x\n"
	    "SENDLING_ACCOUNT=work\nSENDLING_SMARTHOST=mail.example.org:465\n"
	    "SENDLING_TLS=TLS1.3 X25519\nSENDLING_SIZE=1234\n"
	    "SENDLING_MESSAGE_ID=<1@x>\nSENDLING_CODE=550\n"
	    "SENDLING_REPLY=550 no\\x0aMESSAGE=forged\n"
	    "SENDLING_DURATION_MS=1042\nSENDLING_STATUS=69\n"
	    "SENDLING_ERROR=DATA: no\n");
	assert_non_null(strstr(json_of(&r, SIZE_MAX), "\"auth\":null,"));
	envelope_clear(&env);
	env = to_many(0);
	env.reverse_path[0] = '\0';
	assert_non_null(strstr(fields_of(&r, ""), "SENDLING_FROM=<>\n"));
	envelope_clear(&env);
}

static size_t
count(const char *in, const char *what)
{
	size_t found = 0;

	for (; (in = strstr(in, what)) != NULL; in++)
		found++;
	return found;
}

static void
many_recipients_are_counted(void **state)
{
	struct envelope env = to_many(500);
	struct record r = {.envelope = &env};
	char more[60];

	(void)state;
	line_of(&r, "");
	snprintf(more, sizeof(more), ">,+%zu more\" smarthost=-",
	    500 - count(buf_string(&out), "<r"));
	assert_non_null(strstr(buf_string(&out), more));
	assert_in_range(out.len, 1000, 1200);
	assert_int_equal(count(fields_of(&r, ""), "SENDLING_TO="), 100);
	assert_non_null(
	    strstr(json_of(&r, SIZE_MAX), "],\"recipients_more\":0,"));
	assert_int_equal(count(buf_string(&out), "\"address\""), 500);
	json_of(&r, 4000);
	snprintf(more, sizeof(more), "],\"recipients_more\":%zu,",
	    500 - count(buf_string(&out), "\"address\""));
	assert_non_null(strstr(buf_string(&out), more));
	assert_in_range(out.len, 4000, 5000);
	envelope_clear(&env);
}

/* A field of a message is as long as its author likes. */
static void
long_values_are_cut(void **state)
{
	static char id[100000];
	struct record r = {.message_id = id};

	(void)state;
	memset(id, '\x01', sizeof(id) - 1);
	assert_true(strlen(line_of(&r, "")) < 2000);
	assert_true(strlen(fields_of(&r, "")) < 2000);
	assert_true(strlen(json_of(&r, SIZE_MAX)) < 4000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_servers_id_and_ours),
	    cmocka_unit_test(an_object_and_a_line_have_it_all),
	    cmocka_unit_test(what_is_not_known_is_null),
	    cmocka_unit_test(fields_have_what_is_known),
	    cmocka_unit_test(many_recipients_are_counted),
	    cmocka_unit_test(long_values_are_cut),
	};
	int result = cmocka_run_group_tests(tests, NULL, NULL);

	buf_clear(&out);
	return result;
}
