#include "ticket.h"

#include <limits.h>

static void
decide(struct ticket *t, size_t i, enum verdict verdict, const char *words)
{
	envelope_decide(&t->envelope.recipients[i], verdict,
	    words == NULL ? 0 : 550, (struct enhanced){5, 1, 1}, words);
}

/* A ticket in which nothing is as usual. */
static void
make_rich(struct ticket *t)
{
	struct envelope *env = &t->envelope;

	ticket_for_test(t, 6);
	t->all_or_none = true;
	free(t->account);
	t->account = mem_copy("my work+50%=\xc3\xa9");
	env->ret = RET_HDRS;
	env->envid = mem_copy("a+2Bb");
	env->body = BODY_8BITMIME;
	env->smtputf8 = env->requiretls = true;
	assert_int_equal(wishes_parse(TEXT("mt-priority=-3"), &env->wishes), 1);
	assert_int_equal(
	    wishes_parse(TEXT("deliver-by=3600;RT"), &env->wishes), 1);
	assert_int_equal(wishes_parse(TEXT("hold-for=60"), &env->wishes), 1);
	assert_int_equal(
	    wishes_parse(TEXT("hold-until=2026-11-24T00:00:00Z"), &env->wishes),
	    1);
	env->recipients[1].notify = NOTIFY_NEVER;
	env->recipients[2].notify =
	    NOTIFY_SUCCESS | NOTIFY_FAILURE | NOTIFY_DELAY;
	env->recipients[2].orcpt = mem_copy("rfc822;a+2Bb@x");
	decide(t, 1, VERDICT_DELIVERED, NULL);
	decide(t, 2, VERDICT_REFUSED, "550 5.1.1 No such user: \xc3\xa9 %+=");
	decide(t, 3, VERDICT_REFUSED, NULL);
	decide(t, 4, VERDICT_LATER, "451 wait");
	ticket_set_told(t, 2);
	assert_int_equal(
	    envelope_add(env, TEXT("\"a b+\"@x\xc3\xa9.example"), NULL), 1);
}

static const char rich[] =
    "sendlingq1 1234\n"
    "i 006b0374c6-6162636465666768696a6b6c\n"
    "a my+20work+2B50%+3D+C3+A9\n"
    "t 1795388614 1795820614\n"
    "u 1000 100\n"
    "m 8bitmime smtputf8 requiretls all-or-none ret=HDRS envid=a+2Bb "
    "mt-priority=-3 deliver-by=3600;RT hold-for=60 "
    "hold-until=2026-11-24T00:00:00Z\n"
    "s alice@example.org\n"
    "r o - - u0@example.org\n"
    "r d NEVER - u1@example.org\n"
    "r t SUCCESS,FAILURE,DELAY rfc822;a+2B2Bb@x u2@example.org 550 5.1.1 "
    "550 5.1.1 No such user: \xc3\xa9 %+=\n"
    "r f - - u3@example.org\n"
    "r o - - u4@example.org\n"
    "r o - - u5@example.org\n"
    "r o - - \"a+20b+2B\"@x+C3+A9.example\n"
    "\n";

static void
a_head_is_these_lines(void **state)
{
	struct ticket t;
	struct buf out;

	(void)state;
	make_rich(&t);
	buf_init(&out, 10000);
	assert_int_equal(ticket_format_head(&t, &out), 0);
	assert_string_equal(buf_string(&out), rich);
	buf_clear(&out);
	ticket_clear(&t);
}

static void
a_head_is_read_as_it_was_written(void **state)
{
	struct text bytes = TEXT(rich);
	struct ticket t;
	struct error e;
	struct buf out;
	size_t len = 0;

	(void)state;
	error_clear(&e);
	ticket_init(&t);
	assert_int_equal(ticket_parse_head(bytes, &t, &len, &e), 0);
	assert_int_equal(len, bytes.len);
	assert_string_equal(t.account, "my work+50%=\xc3\xa9");
	assert_int_equal(t.envelope.recipients[2].reply->code, 550);
	assert_string_equal(t.envelope.recipients[2].orcpt, "rfc822;a+2Bb@x");
	assert_true(ticket_is_told(&t, 2));
	assert_false(ticket_is_told(&t, 3));
	buf_init(&out, 10000);
	assert_int_equal(ticket_format_head(&t, &out), 0);
	assert_string_equal(buf_string(&out), rich);
	buf_clear(&out);
	ticket_clear(&t);
}

static void
an_uid_is_read_alone(void **state)
{
	static const struct {
		const char *bytes;
		int uid; /* -1: there is none */
	} rows[] = {
	    {rich, 1000},
	    {"sendlingq1 5\ni x\na y\nt 1 2\nu 33 44\n", 33},
	    {"sendlingq1 5\ni x\na y\nt 1 2\nu 33 4", 33},
	    {"sendlingq1 5\ni x\na y\nt 1 2\nu 33", -1},
	    {"sendlingq1 5\ni x\na y\nt 1 2\nm\nu 33 44\n", -1},
	    {"sendlingq1 5\ni x\na y\nt 1 2\n\nu 33 44\n", -1},
	    {"sendlingq1 5\nu 33 44\n", -1},
	    {"u 33 44\n", -1},
	    {"sendlingq2 5\ni x\na y\nt 1 2\nu 33 44\n", -1},
	    {"", -1},
	};
	unsigned uid;
	size_t i;
	bool found;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		found = ticket_parse_uid(text_of(rows[i].bytes), &uid);
		assert_int_equal(found, rows[i].uid != -1);
		if (found)
			assert_int_equal(uid, rows[i].uid);
	}
}

/* Less is no head yet, whereever it ends; and what follows is none of it. */
static void
a_head_ends_at_its_empty_line(void **state)
{
	struct text whole;
	struct buf bytes;
	struct ticket t;
	struct error e;
	size_t len = 0, n;

	(void)state;
	buf_init(&bytes, 10000);
	buf_format(&bytes, "%sFrom: x\n\n\n", rich);
	whole = buf_text(&bytes);
	error_clear(&e);
	for (n = 0; n < sizeof(rich) - 1; n++) {
		ticket_init(&t);
		assert_int_equal(
		    ticket_parse_head(text_first(whole, n), &t, &len, &e), 1);
		assert_int_equal(t.envelope.count, 0);
		ticket_clear(&t);
	}
	for (; n <= whole.len; n++) {
		ticket_init(&t);
		assert_int_equal(
		    ticket_parse_head(text_first(whole, n), &t, &len, &e), 0);
		assert_int_equal(len, sizeof(rich) - 1);
		ticket_clear(&t);
	}
	buf_clear(&bytes);
}

/* The lines of a plain head, and one that is put in place of one. */
#define ID "006b0374c6-6162636465666768696a6b6c"
static const char *const plain[] = {"sendlingq1 1234", ("i " ID), "a work",
    "t 1795388614 1795820614", "u 1000 100", "m", "s alice@example.org",
    "r o - - u0@example.org"};

static char *
head_with(size_t line, const char *in_its_place)
{
	struct buf head;
	size_t i;

	buf_init(&head, 10000);
	for (i = 0; i < COUNT(plain); i++)
		if (i != line)
			buf_format(&head, "%s\n", plain[i]);
		else if (in_its_place != NULL)
			buf_format(&head, "%s\n", in_its_place);
	buf_add_string(&head, "\n");
	return buf_take(&head);
}

static int
parse(const char *head)
{
	struct ticket t;
	struct error e;
	size_t len = 0;
	int result;

	error_clear(&e);
	ticket_init(&t);
	result = ticket_parse_head(text_of(head), &t, &len, &e);
	if (result == 0) {
		assert_int_equal(len, strlen(head));
		assert_int_equal(t.envelope.count, 1);
	} else {
		assert_int_equal(result, -1);
		assert_int_equal(e.kind, ERROR_SPOOL);
		assert_int_equal(t.envelope.count, 0);
		assert_null(t.account);
		assert_string_equal(t.id, "");
	}
	ticket_clear(&t);
	return result;
}

static void
what_is_none_is_refused(void **state)
{
	static const struct {
		size_t line;
		const char *text; /* NULL: the line is missing */
	} rows[] = {{0, NULL}, {0, ""}, {0, "sendlingq1"}, {0, "sendlingq1 "},
	    {0, "sendlingq1 -1"}, {0, "sendlingq1 1 1"}, {0, "sendlingq2 1"},
	    {0, "sendlingq1 9223372036854775807"}, {0, "From: x"}, {1, NULL},
	    {1, "i"}, {1, "i x"}, {1, "i " ID "0"}, {1, "i " ID "-b0"},
	    {1, "i 006B0374c6-6162636465666768696a6b6c"},
	    {1, "i 006b0374c6-6162636465666768696a6b6c x"}, {2, NULL},
	    {2, "a wo rk"}, {2, "a +00"}, {2, "a +x"}, {3, NULL}, {3, "t"},
	    {3, "t 1"}, {3, "t 1 2 3"}, {3, "t -1 2"}, {3, "t 1 x"},
	    {3, "t 1 9223372036854775807"}, {4, NULL}, {4, "u 1"},
	    {4, "u 1 4294967296"}, {4, "u 1 2 3"}, {5, NULL}, {5, "mx"},
	    {5, "m x"}, {5, "m ret=x"}, {5, "m envid="}, {5, "m envid=+0A"},
	    {5, "m mt-priority=10"}, {5, "m deliver-by=0;R"},
	    {5, "m hold-for=x"}, {5, "m hold-until=2026+20SIZE"}, {6, NULL},
	    {6, "s x"}, {6, "s a+0D+0ADATA@x"}, {6, "s a@b+3E+20x"},
	    {6, "s a@b c"}, {7, NULL}, {7, ""}, {7, "r"}, {7, "r o - -"},
	    {7, "r x - - a@b"}, {7, "r oo - - a@b"}, {7, "r o x - a@b"},
	    {7, "r o NEVER,DELAY - a@b"}, {7, "r o - x a@b"},
	    {7, "r o - rfc822;+0A a@b"}, {7, "r o - - a"},
	    {7, "r o - - a@b+3E"}, {7, "r o - - a+0A@b"},
	    {7, "r o - - a@b 550 5.1.1 x"}, {7, "r d - - a@b 550 5.1.1 x"},
	    {7, "r f - - a@b x"}, {7, "r f - - a@b 550"},
	    {7, "r f - - a@b 1000 5.1.1 x"}, {7, "r f - - a@b 550 5.1 x"},
	    {7, "r o - - a@b\nr o - - a@b"}, {7, "r o - - a@b\nr o - - a@B"},
	    {7, "r o - - a@b\ns a@b"}, {7, "x"}};
	char *head;
	size_t i;

	(void)state;
	head = head_with(COUNT(plain), NULL);
	assert_int_equal(parse(head), 0);
	free(head);
	for (i = 0; i < COUNT(rows); i++) {
		head = head_with(rows[i].line, rows[i].text);
		if (parse(head) != -1)
			fail_msg("%s", head);
		free(head);
	}
}

/* What a line may say by itself, and is written as it was read. */
static void
each_field_goes_both_ways(void **state)
{
	static const struct {
		size_t line;
		const char *text;
	} rows[] = {{0, "sendlingq1 0"}, {0, "sendlingq1 4611686018427387904"},
	    {1, "i " ID "-b1"}, {1, "i " ID "-b99"},
	    {1, "i ffffffffff-ffffffffffffffffffffffff"}, {2, "a "},
	    {2, "a +0A+20"}, {2, "a +FF"}, {3, "t 0 0"},
	    {3, "t 4102444800 4102876800"}, {4, "u 0 0"},
	    {4, "u 4294967295 4294967295"}, {5, "m 8bitmime"},
	    {5, "m smtputf8"}, {5, "m requiretls"}, {5, "m all-or-none"},
	    {5, "m ret=FULL"}, {5, "m ret=HDRS"}, {5, "m envid=+20"},
	    {5, "m mt-priority=0"}, {5, "m mt-priority=9"},
	    {5, "m deliver-by=1;N"}, {5, "m deliver-by=999999999;RT"},
	    {5, "m hold-for=999999999"},
	    {5, "m hold-until=2026-11-24T00:00:00+01:00"}, {6, "s "},
	    {6, "s \"a+20b\"@[127.0.0.1]"}, {6, "s +C3+A9@x+C3+A9.example"},
	    {7, "r o NEVER - a@b"}, {7, "r o SUCCESS - a@b"},
	    {7, "r o FAILURE - a@b"}, {7, "r o DELAY - a@b"},
	    {7, "r o SUCCESS,FAILURE,DELAY - a@b"}, {7, "r o - rfc822;a@b a@b"},
	    {7, "r o - utf-8;+2B2Bx a@b"}, {7, "r d - - a@b"},
	    {7, "r f - - a@b"}, {7, "r t - - a@b"}, {7, "r f - - a@b 0 0.0.0 "},
	    {7, "r t - - a@b 550 5.1.1  two  "},
	    {7, "r f - - a@b 999 255.65535.65535 \xc3\xa9\\x0d"},
	    {7, "r o - - \"+20+2B+3D<>\"@b"}};
	struct ticket t;
	struct buf out;
	char *head;
	size_t i, len;

	(void)state;
	buf_init(&out, 10000);
	for (i = 0; i < COUNT(rows); i++) {
		head = head_with(rows[i].line, rows[i].text);
		ticket_init(&t);
		if (ticket_parse_head(text_of(head), &t, &len, NULL) != 0)
			fail_msg("%s", head);
		buf_reset(&out);
		assert_int_equal(ticket_format_head(&t, &out), 0);
		assert_string_equal(buf_string(&out), head);
		ticket_clear(&t);
		free(head);
	}
	buf_clear(&out);
}

/* Of 8-bit octets and controls in a reply nothing breaks a line. */
static void
replies_are_made_visible(void **state)
{
	struct ticket t;
	struct buf out;
	char words[800];

	(void)state;
	memset(words, 'x', sizeof(words) - 1);
	memcpy(words, "550 \n\n\xff", 7);
	words[sizeof(words) - 1] = '\0';
	ticket_for_test(&t, 1);
	decide(&t, 0, VERDICT_REFUSED, words);
	buf_init(&out, 10000);
	assert_int_equal(ticket_format_head(&t, &out), 0);
	assert_non_null(
	    strstr(buf_string(&out), " 550 5.1.1 550 \\x0a\\x0a\\xffxxx"));
	assert_int_equal(parse(buf_string(&out)), 0);
	buf_clear(&out);
	ticket_clear(&t);
}

/* With a search of the whole list, or all read again for each, this takes
 * minutes. */
static void
a_hundred_thousand_recipients(void **state)
{
	enum { MANY = 100000 };
	struct ticket t, again;
	struct buf out;
	size_t len = 0;

	(void)state;
	ticket_for_test(&t, MANY);
	buf_init(&out, TICKET_HEAD_MAX);
	assert_int_equal(ticket_format_head(&t, &out), 0);
	ticket_init(&again);
	assert_int_equal(
	    ticket_parse_head(buf_text(&out), &again, &len, NULL), 0);
	assert_int_equal(len, out.len);
	assert_int_equal(again.envelope.count, MANY);
	assert_string_equal(
	    again.envelope.recipients[MANY - 1].path, "u99999@example.org");
	buf_clear(&out);
	ticket_clear(&t);
	ticket_clear(&again);
}

/* Who chose the addresses did not know it. */
static void
the_set_of_recipients_has_a_key(void **state)
{
	struct text bytes = TEXT(rich);
	struct ticket t;
	size_t len;

	(void)state;
	ticket_init(&t);
	assert_int_equal(ticket_parse_head(bytes, &t, &len, NULL), 0);
	assert_memory_equal(t.envelope.paths.key, "abcdefghijkl", 12);
	ticket_clear(&t);
}

static void
ids_are_of_time_and_chance(void **state)
{
	static const struct {
		long long created;
		const char *id;
	} rows[] = {{0, "0000000000-"}, {-1, "0000000000-"},
	    {1795388614, "006b0374c6-"}, {0xffffffffffLL, "ffffffffff-"},
	    {0x10000000000LL, "ffffffffff-"}, {LLONG_MAX, "ffffffffff-"}};
	static const unsigned char random[12] = {
	    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0xa0, 0xff};
	char id[TICKET_ID_MAX + 1];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		ticket_make_id(rows[i].created, random, id);
		assert_memory_equal(id, rows[i].id, 11);
		assert_string_equal(id + 11, "00010203040506070809a0ff");
		assert_int_equal(strlen(id), TICKET_ID);
		assert_true(ticket_is_id(text_of(id)));
	}
}

static void
ids_are_known(void **state)
{
	static const struct {
		const char *id;
		bool is;
	} rows[] = {{ID, true}, {ID "-b1", true}, {ID "-b9", true},
	    {ID "-b10", true}, {ID "-b99", true}, {ID "-b", false},
	    {ID "-b0", false}, {ID "-b01", false}, {ID "-b100", false},
	    {ID "-bx", false}, {ID "-c1", false}, {ID "b1", false},
	    {ID "x", false}, {"", false}, {".lock", false},
	    {"006b0374c6-6162636465666768696a6b6", false},
	    {"006b0374c66-162636465666768696a6b6c", false},
	    {"006b0374cg-6162636465666768696a6b6c", false},
	    {"006b0374C6-6162636465666768696a6b6c", false},
	    {"006b0374c6-6162636465666768696a6b6/", false},
	    {"006b0374c6-6162636465666768696a6-b1", false}};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++)
		if (ticket_is_id(text_of(rows[i].id)) != rows[i].is)
			fail_msg("%s", rows[i].id);
	assert_false(ticket_is_id((struct text){NULL, 0}));
}

static void
wishes_grow_shorter(void **state)
{
	static const struct {
		long long age, deliver_by;
		unsigned long long hold_for;
	} rows[] = {{0, 100, 50}, {-1000, 100, 50}, {1, 99, 49}, {49, 51, 1},
	    {50, 50, 0}, {99, 1, 0}, {100, 1, 0}, {100000, 1, 0}};
	struct wishes left;
	struct ticket t;
	size_t i;

	(void)state;
	ticket_for_test(&t, 1);
	left = ticket_wishes(&t, TICKET_CREATED + 1000);
	assert_int_equal(left.deliver_by, 0);
	assert_int_equal(left.hold_for, 0);
	wishes_parse(TEXT("deliver-by=100;NT"), &t.envelope.wishes);
	wishes_parse(TEXT("hold-for=50"), &t.envelope.wishes);
	wishes_parse(TEXT("mt-priority=3"), &t.envelope.wishes);
	for (i = 0; i < COUNT(rows); i++) {
		left = ticket_wishes(&t, TICKET_CREATED + rows[i].age);
		assert_int_equal(left.deliver_by, rows[i].deliver_by);
		assert_int_equal(left.hold_for, rows[i].hold_for);
		assert_string_equal(left.deliver_by_mode, "NT");
		assert_int_equal(left.priority, 3);
	}
	ticket_clear(&t);
}

/* The journal begins a block, whatever stands before it, and has whole ones. */
static void
each_part_has_its_place(void **state)
{
	static const struct {
		size_t head, recipients;
		unsigned long long size, journal_at;
		size_t journal_size;
	} rows[] = {{100, 1, 0, 4096, 4096}, {100, 1, 3929, 4096, 4096},
	    {100, 1, 3930, 8192, 4096}, {4029, 1, 0, 4096, 4096},
	    {4030, 1, 0, 8192, 4096}, {5000, 11, 10000, 16384, 4096},
	    {5000, 12, 10000, 16384, 8192},
	    {100, 1, 1ULL << 40, (1ULL << 40) + 4096, 4096},
	    {4000000, 100000, 96, 4001792, 17604608}};
	struct ticket_layout at;
	struct ticket t;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		ticket_for_test(&t, rows[i].recipients);
		t.message_size = rows[i].size;
		at = ticket_layout(&t, rows[i].head);
		assert_int_equal(at.message_at, rows[i].head);
		assert_int_equal(at.trailer_at, rows[i].head + rows[i].size);
		if (at.journal_at != rows[i].journal_at ||
		    at.journal_size != rows[i].journal_size)
			fail_msg(
			    "%zu: %llu %zu", i, at.journal_at, at.journal_size);
		ticket_clear(&t);
	}
}

static void
a_trailer_is_of_its_hash_alone(void **state)
{
	static const char expected[] = "E 00010203040506070809000000000000"
				       "000000000000000000000000000000ff\n";
	unsigned char sha256[32] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
	char trailer[TICKET_TRAILER];
	struct text t = {trailer, sizeof(trailer)};
	size_t i;

	(void)state;
	sha256[31] = 0xff;
	ticket_format_trailer(sha256, trailer);
	assert_memory_equal(trailer, expected, sizeof(trailer));
	assert_true(ticket_check_trailer(t, sha256));
	assert_false(ticket_check_trailer(text_first(t, 66), sha256));
	assert_false(ticket_check_trailer((struct text){NULL, 0}, sha256));
	for (i = 0; i < sizeof(trailer); i++) {
		trailer[i] ^= 1;
		assert_false(ticket_check_trailer(t, sha256));
		trailer[i] ^= 1;
	}
	sha256[7] ^= 0x10;
	assert_false(ticket_check_trailer(t, sha256));
}

static void
a_head_that_has_no_room_is_told(void **state)
{
	struct ticket t;
	struct buf out;

	(void)state;
	make_rich(&t);
	buf_init(&out, sizeof(rich) - 2);
	assert_int_equal(ticket_format_head(&t, &out), -1);
	buf_clear(&out);
	ticket_clear(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_head_is_these_lines),
	    cmocka_unit_test(a_head_is_read_as_it_was_written),
	    cmocka_unit_test(an_uid_is_read_alone),
	    cmocka_unit_test(a_head_ends_at_its_empty_line),
	    cmocka_unit_test(what_is_none_is_refused),
	    cmocka_unit_test(each_field_goes_both_ways),
	    cmocka_unit_test(replies_are_made_visible),
	    cmocka_unit_test(a_hundred_thousand_recipients),
	    cmocka_unit_test(the_set_of_recipients_has_a_key),
	    cmocka_unit_test(ids_are_of_time_and_chance),
	    cmocka_unit_test(ids_are_known),
	    cmocka_unit_test(wishes_grow_shorter),
	    cmocka_unit_test(each_part_has_its_place),
	    cmocka_unit_test(a_trailer_is_of_its_hash_alone),
	    cmocka_unit_test(a_head_that_has_no_room_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
