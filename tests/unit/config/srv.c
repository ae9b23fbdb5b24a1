#include "../unit.h"

#include "config/srv.h"

/* A header with so many questions and answers, and one question. */
#define HEAD(answers) "\x12\x34\x81\x80\0\1\0" answers "\0\0\0\0"
#define QUESTION                                                               \
	"\x0c_submissions\x04_tcp\x07"                                         \
	"example\0\0\x21\0\1"
/* Of the name in the question; type SRV, class IN, an hour. */
#define RECORD "\xc0\x0c\0\x21\0\1\0\0\x0e\x10"
#define MX     "\x02mx\xc0\x1e" /* mx.example */

static const struct {
	const char *answer;
	size_t len;
	int status;
	size_t count;
	bool none;
	struct srv_record first;
} answers[] = {
#define ANSWER(bytes) bytes, sizeof(bytes) - 1
    {ANSWER(HEAD("\1") QUESTION RECORD "\0\x0b\0\1\0\2\1\xd1" MX), 0, 1, false,
	{.priority = 1, .weight = 2, .port = 465, .host = "mx.example"}},
    {ANSWER(HEAD("\1") QUESTION RECORD "\0\x12\xff\xff\xff\xfe\0\1\2mx\7"
				       "example\0"),
	0, 1, false,
	{.priority = 65535, .weight = 65534, .port = 1, .host = "mx.example"}},
    {ANSWER(HEAD("\0") QUESTION), 0, 0, false, {0}},
    /* Not offered. */
    {ANSWER(HEAD("\1") QUESTION RECORD "\0\7\0\0\0\0\0\0\0"), 0, 0, true, {0}},
    /* An alias of the question's name comes before. */
    {ANSWER(HEAD("\2") QUESTION "\xc0\x0c\0\5\0\1\0\0\0\0\0\3\1a\0" RECORD
				"\0\x0b\0\1\0\2\1\xd1" MX),
	0, 1, false,
	{.priority = 1, .weight = 2, .port = 465, .host = "mx.example"}},
    /* Of another class. */
    {ANSWER(HEAD("\1") QUESTION "\xc0\x0c\0\x21\0\3\0\0\0\0"
				"\0\x0b\0\1\0\2\1\xd1" MX),
	0, 0, false, {0}},
    /* No port; names that no host has. */
    {ANSWER(HEAD("\1") QUESTION RECORD "\0\x0b\0\1\0\2\0\0" MX), 0, 0, false,
	{0}},
    {ANSWER(HEAD("\1") QUESTION RECORD "\0\x0b\0\1\0\2\1\xd1\2-x\xc0\x1e"), 0,
	0, false, {0}},
    {ANSWER(HEAD("\1") QUESTION RECORD "\0\x0b\0\1\0\2\1\xd1\2`a\xc0\x1e"), 0,
	0, false, {0}},
    {ANSWER(HEAD("\1") QUESTION RECORD "\0\x0b\0\1\0\2\1\xd1\2a.\xc0\x1e"), 0,
	0, false, {0}},
    {ANSWER(HEAD("\1") QUESTION RECORD "\0\x0b\0\1\0\2\1\xd1\2a\n\xc0\x1e"), 0,
	0, false, {0}},
    /* A question; cut off, at each place; a loop; beyond the end. */
    {ANSWER("\x12\x34\1\0\0\1\0\0\0\0\0\0" QUESTION), -1, 0, false, {0}},
    {"", 0, -1, 0, false, {0}},
    {ANSWER("\x12\x34\x81\x80\0\1\0\1\0\0\0"), -1, 0, false, {0}},
    {ANSWER(HEAD("\1")), -1, 0, false, {0}},
    {ANSWER(HEAD("\1") "\1a\0\0\x21\0"), -1, 0, false, {0}},
    {ANSWER(HEAD("\1") QUESTION), -1, 0, false, {0}},
    {ANSWER(HEAD("\1") QUESTION RECORD "\0"), -1, 0, false, {0}},
    {ANSWER(HEAD("\1") QUESTION RECORD "\0\5\0\1\0\2\1"), -1, 0, false, {0}},
    {ANSWER(HEAD("\1") QUESTION RECORD "\0\6\0\1\0\2\1\xd1"), -1, 0, false,
	{0}},
    {ANSWER(HEAD("\1") QUESTION RECORD "\0\x0c\0\1\0\2\1\xd1" MX), -1, 0, false,
	{0}},
    {ANSWER(HEAD("\1") QUESTION RECORD "\0\x08\0\1\0\2\1\xd1\xc0\x3d"), -1, 0,
	false, {0}},
    {ANSWER(HEAD("\1") QUESTION RECORD "\0\x08\0\1\0\2\1\xd1\xff\xff"), -1, 0,
	false, {0}},
    {ANSWER(HEAD("\xff") QUESTION RECORD "\0\x0b\0\1\0\2\1\xd1" MX), -1, 1,
	false, {.priority = 1, .weight = 2, .port = 465, .host = "mx.example"}},
};

static void
reads_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(answers); i++) {
		struct srv_records r = {.count = 0};
		const struct text answer = {answers[i].answer, answers[i].len};
		char *exact = malloc(answer.len + 1);
		int status;

		/* Where a sanitizer sees its end. */
		memcpy(exact, answer.at, answer.len);
		exact = realloc(exact, answer.len == 0 ? 1 : answer.len);
		status = srv_parse(
		    (struct text){exact, answer.len}, SMARTHOST_STARTTLS, &r);
		free(exact);
		if (status != answers[i].status ||
		    r.count != answers[i].count || r.none != answers[i].none)
			fail_msg("%zu: %d, %zu records, %d", i, status, r.count,
			    r.none);
		if (r.count == 0)
			continue;
		assert_int_equal(r.list[0].security, SMARTHOST_STARTTLS);
		assert_int_equal(r.list[0].priority, answers[i].first.priority);
		assert_int_equal(r.list[0].weight, answers[i].first.weight);
		assert_int_equal(r.list[0].port, answers[i].first.port);
		assert_string_equal(r.list[0].host, answers[i].first.host);
	}
}

static void
takes_so_many_and_no_more(void **state)
{
	static const char record[] = RECORD "\0\x0b\0\1\0\2\1\xd1" MX;
	char answer[4096];
	struct srv_records r = {.count = 0};
	size_t at = sizeof(HEAD("\1") QUESTION) - 1;

	(void)state;
	memcpy(answer, HEAD("\x21") QUESTION, at);
	for (size_t i = 0; i < SRV_MAX + 1; i++, at += sizeof(record) - 1)
		memcpy(answer + at, record, sizeof(record) - 1);
	assert_int_equal(
	    srv_parse((struct text){answer, at}, SMARTHOST_TLS, &r), 0);
	assert_int_equal(r.count, SRV_MAX);
}

/* Records as "service priority weight host", and the order of their hosts. */
static void
are_put_in_order(void **state)
{
	static const struct {
		const char *records;
		uint32_t random[4];
		const char *order;
	} rows[] = {{"", {0}, ""}, {"t 0 0 a", {7}, "a"},
	    {"t 20 0 b t 10 0 a", {0}, "ab"},
	    /* The service counts more than the priority. */
	    {"s 0 9 c t 20 0 b t 10 0 a", {0}, "abc"},
	    /* The sum is 10: marks from 0 to 10. */
	    {"t 0 7 a t 0 3 b", {0}, "ab"}, {"t 0 7 a t 0 3 b", {7}, "ab"},
	    {"t 0 7 a t 0 3 b", {8}, "ba"}, {"t 0 7 a t 0 3 b", {10}, "ba"},
	    {"t 0 7 a t 0 3 b", {11}, "ab"},
	    /* Who has no weight has a chance at 0 only. */
	    {"t 0 7 a t 0 0 b", {0}, "ba"}, {"t 0 7 a t 0 0 b", {1}, "ab"},
	    {"t 0 0 a t 0 0 b", {5}, "ab"},
	    /* The sum is another one for each place. */
	    {"t 0 1 a t 0 1 b t 0 1 c", {3, 2}, "cba"},
	    {"t 0 1 a t 0 1 b t 0 1 c", {2, 1}, "bac"},
	    {"t 1 1 a t 1 1 b t 0 1 c t 0 1 d", {2, 0, 2}, "dcba"},
	    {"t 0 65535 a t 0 65535 b", {4294967295U}, "ab"}};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct text rest = text_of(rows[i].records), word[4];
		struct srv_records r = {.count = 0};
		uint32_t random[SRV_MAX] = {0};
		char order[5] = "";

		memcpy(random, rows[i].random, sizeof(rows[i].random));
		while (text_next(&rest, " ", &word[0])) {
			struct srv_record *one = &r.list[r.count++];
			unsigned long long n;

			for (size_t j = 1; j < 4; j++)
				text_next(&rest, " ", &word[j]);
			one->security = word[0].at[0] == 't'
					    ? SMARTHOST_TLS
					    : SMARTHOST_STARTTLS;
			text_number(word[1], 65535, &n);
			one->priority = (unsigned short)n;
			text_number(word[2], 65535, &n);
			one->weight = (unsigned short)n;
			one->host[0] = word[3].at[0];
		}
		srv_order(&r, random);
		for (size_t j = 0; j < r.count; j++)
			order[j] = r.list[j].host[0];
		if (strcmp(order, rows[i].order) != 0)
			fail_msg("%s: %s", rows[i].records, order);
	}
}

/* All numbers that there can be, and no one of them twice. */
static void
weights_are_shares(void **state)
{
	size_t first[3] = {0};

	(void)state;
	for (uint32_t n = 0; n < 101; n++) {
		struct srv_records r = {.list = {{.weight = 60, .host = "a"},
					    {.weight = 30, .host = "b"},
					    {.weight = 10, .host = "c"}},
		    .count = 3};
		const uint32_t random[SRV_MAX] = {n};

		srv_order(&r, random);
		first[r.list[0].host[0] - 'a']++;
	}
	assert_int_equal(first[0], 61);
	assert_int_equal(first[1], 30);
	assert_int_equal(first[2], 10);
}

static void
knows_what_is_below_a_domain(void **state)
{
	static const struct {
		const char *host;
		const char *domain;
		bool within;
	} rows[] = {{"example.org", "example.org", true},
	    {"MX.Example.org", "example.ORG", true},
	    {"a.b.example.org", "example.org", true},
	    {"badexample.org", "example.org", false},
	    {"example.org.evil.example", "example.org", false},
	    {"org", "example.org", false},
	    {"example.com", "example.org", false}, {"", "example.org", false}};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (srv_is_within(text_of(rows[i].host),
			text_of(rows[i].domain)) != rows[i].within)
			fail_msg("%s", rows[i].host);
	assert_string_equal(srv_service(SMARTHOST_TLS), "_submissions._tcp");
	assert_string_equal(
	    srv_service(SMARTHOST_STARTTLS), "_submission._tcp");
	assert_null(srv_service(SMARTHOST_PLAIN));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(reads_answers),
	    cmocka_unit_test(takes_so_many_and_no_more),
	    cmocka_unit_test(are_put_in_order),
	    cmocka_unit_test(weights_are_shares),
	    cmocka_unit_test(knows_what_is_below_a_domain)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
