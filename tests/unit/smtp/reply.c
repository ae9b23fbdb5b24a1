#include "../unit.h"

#include "smtp/reply.h"

/* Feeds in pieces; returns the last result, *used counts from the start. */
static int
feed(struct reply *reply, struct text bytes, size_t piece, size_t *used)
{
	struct text part;
	int result = 0;
	size_t n;

	*used = 0;
	while (result == 0 && *used < bytes.len) {
		part = text_first(text_skip(bytes, *used), piece);
		result = reply_input(reply, part.at, part.len, &n);
		*used += n;
		if (result == 0)
			assert_int_equal(n, part.len);
	}
	return result;
}

static const struct {
	struct text bytes;
	int result;
	size_t used;
	int code;
	unsigned lines;
	const char *text;
} replies[] = {
    {TEXT("250 OK\r\n"), 1, 8, 250, 1, "OK"},
    {TEXT("250\r\n"), 1, 5, 250, 1, ""},
    {TEXT("250 \r\n"), 1, 6, 250, 1, ""},
    {TEXT("250-\r\n250 \r\n"), 1, 12, 250, 2, "\n"},
    {TEXT("250-one\r\n250-two\r\n250 three\r\n"), 1, 29, 250, 3,
	"one\ntwo\nthree"},
    {TEXT("250-one\r\n250\r\n"), 1, 14, 250, 2, "one\n"},
    {TEXT("250-one\n250 two\n"), 1, 16, 250, 2, "one\ntwo"},
    {TEXT("220 a\r\n250 b\r\n"), 1, 7, 220, 1, "a"},
    {TEXT("200 lowest\r\n"), 1, 12, 200, 1, "lowest"},
    {TEXT("599 highest\r\n"), 1, 13, 599, 1, "highest"},
    {TEXT("550 caf\303\251 \377 \033[2J\r\n"), 1, 18, 550, 1,
	"caf\303\251 \377 \033[2J"},
    {TEXT("334 \r\n"), 1, 6, 334, 1, ""},
    {TEXT("250-\r\n"), 0, 6, 0, 1, ""},
    {TEXT("250 no end"), 0, 10, 0, 0, ""},
    {TEXT("2"), 0, 1, 0, 0, ""},
    {TEXT("250 a\r"), 0, 6, 0, 0, ""},
};

static void
takes_replies_in_any_pieces(void **state)
{
	static const size_t pieces[] = {SIZE_MAX, 7, 1};
	struct reply reply;
	size_t i, j, used;

	(void)state;
	reply_init(&reply);
	for (i = 0; i < COUNT(replies); i++) {
		for (j = 0; j < COUNT(pieces); j++) {
			reply_reset(&reply);
			assert_int_equal(
			    feed(&reply, replies[i].bytes, pieces[j], &used),
			    replies[i].result);
			assert_int_equal(used, replies[i].used);
			assert_int_equal(reply.lines, replies[i].lines);
			assert_int_equal(reply.complete, replies[i].result);
			if (!reply.complete)
				continue;
			assert_int_equal(reply.code, replies[i].code);
			assert_string_equal(
			    buf_string(&reply.text), replies[i].text);
		}
	}
	reply_clear(&reply);
}

static const struct {
	struct text bytes;
	size_t used; /* up to and with the byte that shows it */
	const char *fault;
} faults[] = {
    {TEXT("\r\n"), 1, "a line without a reply code"},
    {TEXT("\n"), 1, "a line without a reply code"},
    {TEXT("2\r\n"), 2, "a line without a reply code"},
    {TEXT("25\r\n"), 3, "a line without a reply code"},
    {TEXT("25\n"), 3, "a line without a reply code"},
    {TEXT("25x no\r\n"), 3, "a line without a reply code"},
    {TEXT("-1 no\r\n"), 1, "a line without a reply code"},
    {TEXT("+50 no\r\n"), 1, "a line without a reply code"},
    {TEXT(" 250 no\r\n"), 1, "a line without a reply code"},
    {TEXT("HTTP/1.1 400 Bad Request\r\n"), 1, "a line without a reply code"},
    {TEXT("\025\003\001\000\002\002\026"), 1, "a line without a reply code"},
    {TEXT("999 no\r\n"), 1, "a reply code outside 200 to 599"},
    {TEXT("000 no\r\n"), 1, "a reply code outside 200 to 599"},
    {TEXT("100 no\r\n"), 1, "a reply code outside 200 to 599"},
    {TEXT("250x\r\n"), 4, "no space or hyphen behind a reply code"},
    {TEXT("2500\r\n"), 4, "no space or hyphen behind a reply code"},
    {TEXT("250\tno\r\n"), 4, "no space or hyphen behind a reply code"},
    {TEXT("250-a\r\n251 b\r\n"), 14, "a reply code that changes between lines"},
    {TEXT("250-a\r\n550 b\r\n"), 14, "a reply code that changes between lines"},
    {TEXT("250-a\r\n\r\n"), 8, "a line without a reply code"},
    {TEXT("250-a\r\nb\r\n"), 8, "a line without a reply code"},
    {TEXT("250 a\rb\r\n"), 7, "a CR without LF in a reply"},
    {TEXT("250 a\r\r\n"), 7, "a CR without LF in a reply"},
    {TEXT("250 a\0b\r\n"), 6, "a NUL in a reply"},
    {TEXT("\0"), 1, "a NUL in a reply"},
};

static void
faults_show_in_any_pieces(void **state)
{
	static const size_t pieces[] = {SIZE_MAX, 7, 1};
	struct reply reply;
	size_t i, j, used;

	(void)state;
	reply_init(&reply);
	for (i = 0; i < COUNT(faults); i++) {
		for (j = 0; j < COUNT(pieces); j++) {
			reply_reset(&reply);
			assert_int_equal(
			    feed(&reply, faults[i].bytes, pieces[j], &used),
			    -1);
			assert_int_equal(used, faults[i].used);
			assert_string_equal(reply.fault, faults[i].fault);
			assert_false(reply.complete);
			/* A fault stays. */
			assert_int_equal(
			    reply_input(&reply, "250 a\r\n", 7, &used), -1);
			assert_int_equal(used, 0);
		}
	}
	reply_clear(&reply);
}

/* Adds a line of len bytes before its end. */
static void
line_of(struct buf *b, const char *start, size_t len, const char *end)
{
	size_t i;

	buf_add_string(b, start);
	for (i = strlen(start); i < len; i++)
		buf_add_char(b, 'x');
	buf_add_string(b, end);
}

static const char *
fault_of(struct buf *b)
{
	struct reply reply;
	const char *fault;
	size_t used;

	reply_init(&reply);
	reply_input(&reply, b->at, b->len, &used);
	fault = reply.fault;
	assert_true(fault != NULL || reply.complete);
	reply_clear(&reply);
	buf_clear(b);
	return fault;
}

static void
a_line_has_4096_bytes_at_most(void **state)
{
	static const char too_long[] = "a reply line of more than 4096 bytes";
	struct buf b;

	(void)state;
	buf_init(&b, 100000);
	line_of(&b, "250 ", 4096, "\r\n");
	assert_null(fault_of(&b));
	line_of(&b, "250 ", 4096, "\n");
	assert_null(fault_of(&b));
	line_of(&b, "250 ", 4097, "\r\n");
	assert_string_equal(fault_of(&b), too_long);
	line_of(&b, "250 ", 90000, "");
	assert_string_equal(fault_of(&b), too_long);
}

static void
a_reply_has_1000_lines_at_most(void **state)
{
	struct buf b;
	size_t i;

	(void)state;
	buf_init(&b, 100000);
	for (i = 0; i < 999; i++)
		buf_add_string(&b, "250-\r\n");
	buf_add_string(&b, "250 \r\n");
	assert_null(fault_of(&b));
	for (i = 0; i < 1000; i++)
		buf_add_string(&b, "250-\r\n");
	buf_add_string(&b, "250 \r\n");
	assert_string_equal(fault_of(&b), "a reply of more than 1000 lines");
}

static void
a_reply_has_64_kib_of_text_at_most(void **state)
{
	struct buf b;
	size_t i;

	(void)state;
	buf_init(&b, 200000);
	/* 63 lines of 1024 with the LF between, and one of 1024 without. */
	for (i = 0; i < 63; i++)
		line_of(&b, "250-", 4 + 1023, "\r\n");
	line_of(&b, "250 ", 4 + 1024, "\r\n");
	assert_null(fault_of(&b));
	for (i = 0; i < 63; i++)
		line_of(&b, "250-", 4 + 1023, "\r\n");
	line_of(&b, "250 ", 4 + 1025, "\r\n");
	assert_string_equal(fault_of(&b), "a reply of more than 65536 bytes");
}

static void
bytes_of_the_next_reply_stay(void **state)
{
	static const char two[] = "250 one\r\n354 two\r\n";
	struct reply reply;
	size_t first, second;

	(void)state;
	reply_init(&reply);
	assert_int_equal(reply_input(&reply, two, strlen(two), &first), 1);
	assert_int_equal(first, 9);
	/* Without a reset nothing more is taken. */
	assert_int_equal(reply_input(&reply, two + first, 9, &second), 1);
	assert_int_equal(second, 0);
	reply_reset(&reply);
	assert_int_equal(reply_input(&reply, two + first, 9, &second), 1);
	assert_int_equal(second, 9);
	assert_int_equal(reply.code, 354);
	assert_string_equal(buf_string(&reply.text), "two");
	reply_clear(&reply);
}

static const struct {
	const char *text;
	struct enhanced code;
} enhanceds[] = {
    {"2.0.0 OK", {2, 0, 0}},
    {"5.7.9", {5, 7, 9}},
    {"5.7.139 Basic authentication off", {5, 7, 139}},
    {"4.999.999\tx", {4, 999, 999}},
    {"5.1.1\nmore", {5, 1, 1}},
    {"", {0, 0, 0}},
    {"5", {0, 0, 0}},
    {"5.1", {0, 0, 0}},
    {"5.1.", {0, 0, 0}},
    {"5.1.1.1 an address", {0, 0, 0}},
    {"5.1.1x", {0, 0, 0}},
    {"5.1000.1 x", {0, 0, 0}},
    {"5.1.1000 x", {0, 0, 0}},
    {"3.0.0 x", {0, 0, 0}},
    {"1.0.0 x", {0, 0, 0}},
    {"55.0.0 x", {0, 0, 0}},
    {" 5.1.1 x", {0, 0, 0}},
    {"no 5.1.1", {0, 0, 0}},
};

static void
knows_enhanced_codes(void **state)
{
	struct enhanced code;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(enhanceds); i++) {
		code = reply_enhanced(text_of(enhanceds[i].text));
		assert_int_equal(code.class, enhanceds[i].code.class);
		assert_int_equal(code.subject, enhanceds[i].code.subject);
		assert_int_equal(code.detail, enhanceds[i].code.detail);
	}
}

static void
parse(struct reply *reply, const char *bytes)
{
	size_t used;

	reply_init(reply);
	assert_int_equal(reply_input(reply, bytes, strlen(bytes), &used), 1);
}

static void
enhanced_code_must_fit_the_reply_code(void **state)
{
	struct reply reply;

	(void)state;
	parse(&reply, "550-5.1.1 no\r\n550 5.1.2 no\r\n");
	assert_int_equal(reply.enhanced.class, 5);
	assert_int_equal(reply.enhanced.detail, 1);
	reply_clear(&reply);
	parse(&reply, "550 2.1.5 fine\r\n");
	assert_int_equal(reply.enhanced.class, 0);
	reply_clear(&reply);
	parse(&reply, "250-OK\r\n250 2.1.5 fine\r\n");
	assert_int_equal(reply.enhanced.class, 0);
	reply_clear(&reply);
}

static const struct {
	const char *bytes;
	const char *words;
} wordings[] = {
    {"550 5.1.1 No such user\r\n", "550 5.1.1 No such user"},
    {"250\r\n", "250"},
    {"250 \r\n", "250"},
    {"550-5.7.26 This mail\r\n550-5.7.26 was not\r\n550 5.7.26 signed\r\n",
	"550 5.7.26 This mail was not signed"},
    {"550-5.7.1 one\r\n550 5.7.2 two\r\n", "550 5.7.1 one 5.7.2 two"},
    {"550-one\r\n550-\r\n550   two \r\n", "550 one two"},
    {"550 a\033[2Jb\tc\377\r\n", "550 a\\x1b[2Jb\\x09c\\xff"},
    {"550 caf\303\251\r\n", "550 caf\303\251"},
    {"550 %n%s%d\r\n", "550 %n%s%d"},
};

static void
words_are_one_visible_line(void **state)
{
	struct reply reply;
	char out[200], cut[12];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(wordings); i++) {
		parse(&reply, wordings[i].bytes);
		assert_ptr_equal(reply_words(&reply, out, sizeof(out)), out);
		assert_string_equal(out, wordings[i].words);
		reply_clear(&reply);
	}
	parse(&reply, "550 5.1.1 No such user\r\n");
	assert_string_equal(
	    reply_words(&reply, cut, sizeof(cut)), "550 5.1....");
	reply_clear(&reply);
}

static void
finds_what_a_reply_mentions(void **state)
{
	struct reply reply;

	(void)state;
	parse(&reply, "530-Authentication\r\n530 REQUIRED here\r\n");
	assert_true(reply_mentions(&reply, "authentication"));
	assert_true(reply_mentions(&reply, "required"));
	assert_true(reply_mentions(&reply, "here"));
	assert_false(reply_mentions(&reply, "here!"));
	assert_false(reply_mentions(&reply, "530"));
	reply_clear(&reply);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(takes_replies_in_any_pieces),
	    cmocka_unit_test(faults_show_in_any_pieces),
	    cmocka_unit_test(a_line_has_4096_bytes_at_most),
	    cmocka_unit_test(a_reply_has_1000_lines_at_most),
	    cmocka_unit_test(a_reply_has_64_kib_of_text_at_most),
	    cmocka_unit_test(bytes_of_the_next_reply_stay),
	    cmocka_unit_test(knows_enhanced_codes),
	    cmocka_unit_test(enhanced_code_must_fit_the_reply_code),
	    cmocka_unit_test(words_are_one_visible_line),
	    cmocka_unit_test(finds_what_a_reply_mentions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
