#include "../unit.h"

#include "../heap.h"

#include "base/crypt.h"
#include "smtp/echo.h"

#define PASSWORD "Correct horse battery"

static void
parse(struct reply *reply, const char *bytes)
{
	size_t used;

	reply_reset(reply);
	assert_int_equal(reply_input(reply, bytes, strlen(bytes), &used), 1);
}

static bool
hides(struct echo *echo, const char *bytes, bool to_auth)
{
	struct reply reply;
	bool hidden;

	reply_init(&reply);
	parse(&reply, bytes);
	echo_hide(echo, &reply, to_auth);
	hidden = reply.hidden;
	reply_clear(&reply);
	return hidden;
}

static void
each_reply(const char *password, const char *const *replies, bool hidden)
{
	struct echo echo;

	for (; *replies != NULL; replies++) {
		echo_init(&echo, text_of(password));
		echo_know(&echo, TEXT("AGFsaWNlAGNvcnJlY3Q="));
		if (hides(&echo, *replies, false) != hidden)
			fail_msg("%s", *replies);
		echo_clear(&echo);
	}
}

static void
finds_a_secret(void **state)
{
	static const char *const replies[] = {"250 Correct horse battery\r\n",
	    "250 xCORRECT HORSE BATTERYx\r\n", "250 correct  horsebattery\r\n",
	    "250-2.1.0 Correct ho\r\n250 2.1.0 rse battery\r\n",
	    "250-Correct horse b\r\n250-att\r\n250 ery\r\n",
	    /* Its beginning, at the end of a reply. */
	    "250 Correct\r\n", "250 no: Correct horse batter\r\n",
	    /* Base64: alone, a part of it, behind one and two octets. */
	    "250 Q29ycmVjdCBob3JzZSBiYXR0ZXJ5\r\n", "250 <Q29ycmVj>\r\n",
	    "250 q29ycmvjdcboB3JZ...\r\n", "250 no cnNlIGJhdHRlcnk=\r\n",
	    "250 ADENvcnJlY3QgaG9yc2UgYmF0dGVyeQ==\r\n",
	    "250 AGFDb3JyZWN0IGhvcnNlIGJhdHRlcnk=\r\n",
	    "250-5.5.1 AGFDb3JyZWN0IG\r\n250 5.5.1 hvcnNlIGJhdHRlcnk=\r\n",
	    /* A response. */
	    "250 AUTH PLAIN AGFsaWNlAGNvcnJlY3Q=\r\n", NULL};

	(void)state;
	each_reply(PASSWORD, replies, true);
}

static void
leaves_other_words(void **state)
{
	static const char *const replies[] = {"250 ok\r\n", "250\r\n",
	    "250 Correct horses\r\n", "250 Corre\r\n",
	    "250 Correct is what battery does to horse\r\n", "250 Q29yc\r\n",
	    "250 <Q29ycmV>\r\n", "334 VXNlcm5hbWU6\r\n", NULL};
	static const char *const anything[] = {
	    "250 ok\r\n", "250 a password\r\n", NULL};

	(void)state;
	each_reply(PASSWORD, replies, false);
	each_reply("", anything, false);
	each_reply(" \t ", anything, false);
	each_reply(NULL, anything, false);
}

/* What would be found anywhere is sought where it was just said. */
static void
seeks_what_is_short_in_auth(void **state)
{
	static const char *const replies[] = {"535 no abcde\r\n",
	    "535 no QWJjZGU=\r\n", "535 no YWJjZGU=\r\n", "535 A-abc-de\r\n"};
	static const bool hidden[] = {true, true, false, false};
	struct echo echo;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(replies); i++) {
		echo_init(&echo, TEXT("Abcde"));
		assert_int_equal(hides(&echo, replies[i], true), hidden[i]);
		assert_false(hides(&echo, replies[i], false));
		echo_clear(&echo);
	}
}

/* The base64 of one so short that all characters that depend on it alone are
 * needed, behind and in front of anything. */
static void
finds_a_short_one_in_base64(void **state)
{
	static const char *const replies[] = {"535 no c2VjcmV0\r\n",
	    "535 no eHNlY3JldHg=\r\n", "535 no enhzZWNyZXR4\r\n",
	    "535 no AAAAc2VjcmV0AAAA\r\n", "535 no AABzZWNyZXQA\r\n",
	    "535 no AHNlY3JldAAA\r\n", NULL};

	(void)state;
	each_reply("secret", replies, true);
}

static void
hears_over_replies(void **state)
{
	struct echo echo;

	(void)state;
	echo_init(&echo, TEXT(PASSWORD));
	assert_false(hides(&echo, "250 2.1.0 a Corr\r\n", false));
	assert_true(hides(&echo, "250 2.1.0 ect horse battery b\r\n", false));
	/* Once is enough. */
	assert_false(hides(&echo, "250 2.1.0 ok\r\n", false));
	assert_false(hides(&echo, "250 Corre\r\n", false));
	assert_true(hides(&echo, "250 ct h\r\n", false));
	assert_true(hides(&echo, "250 orse\r\n", false));
	assert_false(hides(&echo, "250 is not so\r\n", false));
	echo_clear(&echo);
}

static void
looks_into_challenges(void **state)
{
	struct echo echo;

	(void)state;
	echo_init(&echo, TEXT("secret words"));
	/* e=the secret words */
	assert_true(hides(&echo, "334 ZT10aGUgc2VjcmV0IHdvcmRz\r\n", true));
	assert_false(hides(&echo, "334 ZT10aGUgc2Vjcg==\r\n", true));
	assert_false(hides(&echo, "334 no base64\r\n", true));
	/* Of others what is said counts, and no more. */
	assert_false(hides(&echo, "250 ZT10aGUgU0VDUkVUIFdPUkRT\r\n", true));
	assert_true(hides(&echo, "334 ZT10aGUgU0VDUkVUIFdPUkRT\r\n", true));
	echo_clear(&echo);
}

static void
hides_what_is_no_reply(void **state)
{
	static const struct {
		const char *bytes;
		bool hidden;
	} rows[] = {{"password: secret words\r\n", true},
	    {"500 sec\rond", false}, {"500-secret\r\n501 words\r\n", true},
	    {"500-secret\r\nwords\r\n", true}, {"500-a\r\nb\r\n", false}};
	struct reply reply;
	struct echo echo;
	size_t i, used;
	struct text t;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		echo_init(&echo, TEXT("secret words"));
		reply_init(&reply);
		t = text_of(rows[i].bytes);
		assert_int_equal(reply_input(&reply, t.at, t.len, &used), -1);
		echo_hide_rest(&echo, &reply, text_skip(t, used), false);
		if (reply.hidden != rows[i].hidden)
			fail_msg("%s", rows[i].bytes);
		reply_clear(&reply);
		echo_clear(&echo);
	}
}

/* What came instead of TLS, or stands in a certificate. */
static void
hides_what_a_failure_quotes(void **state)
{
	struct echo echo;
	struct error e;

	(void)state;
	echo_init(&echo, TEXT(PASSWORD));
	error_clear(&e);
	error_set(&e, ERROR_PROTOCOL, NULL, "no TLS");
	strlcpy(e.why, "550 you said Correct horse battery", sizeof(e.why));
	echo_hide_error(&echo, &e);
	assert_string_equal(e.text, "no TLS");
	assert_string_equal(e.why, "[the server repeats the secret]");
	error_clear(&e);
	error_set(&e, ERROR_DENIED, NULL, "is for correct horse battery");
	strlcpy(e.why, "of mx", sizeof(e.why));
	echo_hide_error(&echo, &e);
	assert_string_equal(e.text, "[the server repeats the secret]");
	assert_string_equal(e.why, "of mx");
	echo_clear(&echo);
}

/* Of a token a part is telling; and after a second one both are sought. */
static void
finds_a_part_of_a_long_one(void **state)
{
	static const char token[] =
	    "ya29.a0AfB_byC-1234567890abcdefghijklmnopqrstuvwxyz";
	struct echo echo;
	char words[40];

	(void)state;
	echo_init(&echo, text_of(token));
	assert_false(hides(&echo, "250 567890abcdefgh\r\n", false));
	assert_true(
	    hides(&echo, "250 x67890abcdefghijklmnopqrstuvw\r\n", false));
	assert_false(hides(&echo, "250 another one\r\n", false));
	echo_add(&echo, TEXT("another one"));
	assert_true(hides(&echo, "250 another one\r\n", false));
	assert_true(hides(&echo, "250 ya29.a0AfB_byC-1\r\n", false));
	strlcpy(words, "status ya29.a0AfB_byC-12345", sizeof(words));
	echo_hide_words(&echo, words, sizeof(words));
	assert_string_equal(words, "[the server repeats the secret]");
	strlcpy(words, "status 401", sizeof(words));
	echo_hide_words(&echo, words, sizeof(words));
	assert_string_equal(words, "status 401");
	echo_clear(&echo);
}

static void
bears_long_ones(void **state)
{
	struct buf password, reply;
	struct echo echo;

	(void)state;
	buf_init(&password, 70000);
	buf_init(&reply, 200000);
	while (password.len < 65536)
		buf_add_char(&password, (char)('a' + password.len % 26));
	while (reply.len < 60000)
		buf_format(&reply, "250-%.*s\r\n", 2000, password.at);
	buf_add_string(&reply, "250 z\r\n");
	echo_init(&echo, buf_text(&password));
	assert_true(hides(&echo, "250 abcdefghijkl\r\n", false));
	assert_true(hides(&echo, buf_string(&reply), false));
	echo_clear(&echo);
	buf_clear(&password);
	buf_clear(&reply);
}

#define CANARY "QuickBrownFoxJumpsOverTheLazyDogAndRunsAwayFast"

/* Behind what free(3) overwrites: as it is, in base64 behind two octets, and as
 * it is kept. */
#define CANARY_OCTETS "OverTheLazyDogAndRuns"
#define SHOUTED	      "QUICKBROWNFOXJUMPSOVERTHELAZYDOGANDRUNSAWAYFAST"
#define CANARY_BASE64 "dmVyVGhlTGF6eURvZ0FuZFJ1bn"
#define CANARY_FOLDED "overthelazydogandruns"
#define BASE64_FOLDED "dmvyvghltgf6eurvz0fuzfj1bn"

/* What it took to know the secret, and to find it, goes at once; what is known
 * and was heard goes at the end. */
static void
no_secret_is_left(void **state)
{
	/* The secret in capitals: in base64 that is another. */
	static const char challenge[] =
	    "334 UVVJQ0tCUk9XTkZPWEpVTVBTT1ZFUlRIRUxBWllET0dBTkRSVU5TQVdBWUZBU1Q=\r\n";
	struct echo echo;

	(void)state;
	heap_needed();
	echo_init(&echo, TEXT(CANARY));
	assert_true(heap_holds(CANARY_FOLDED));
	assert_true(heap_holds(BASE64_FOLDED));
	assert_false(heap_holds(CANARY_OCTETS));
	assert_false(heap_holds(CANARY_BASE64));
	assert_true(hides(&echo, challenge, true));
	assert_false(heap_holds("OVERTHELAZYDOGANDRUNS"));
	assert_true(hides(&echo, "250 " SHOUTED "\r\n", true));
	echo_know(&echo, TEXT("ANOTHER-RESPONSE-OF-THE-CLIENT-0123"));
	echo_clear(&echo);
	assert_false(heap_holds(CANARY_FOLDED));
	assert_false(heap_holds(BASE64_FOLDED));
	assert_false(heap_holds("-of-the-client-0123"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(finds_a_secret),
	    cmocka_unit_test(leaves_other_words),
	    cmocka_unit_test(seeks_what_is_short_in_auth),
	    cmocka_unit_test(finds_a_short_one_in_base64),
	    cmocka_unit_test(hears_over_replies),
	    cmocka_unit_test(looks_into_challenges),
	    cmocka_unit_test(hides_what_is_no_reply),
	    cmocka_unit_test(hides_what_a_failure_quotes),
	    cmocka_unit_test(finds_a_part_of_a_long_one),
	    cmocka_unit_test(bears_long_ones),
	    cmocka_unit_test(no_secret_is_left)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
