#include "../unit.h"

#include "../parse.h"

/* A store in memory that fails when it is told to. */
struct lent {
	struct message_store store;
	struct buf bytes;
	size_t writes;
	size_t fail_at; /* the write that fails, counted from 1; 0: none */
	size_t read_max;
};

static int
lent_write(void *arg, const char *bytes, size_t len, struct error *e)
{
	struct lent *lent = arg;

	if (++lent->writes == lent->fail_at)
		return error_set(e, ERROR_SYSTEM, NULL, "no room");
	return buf_add(&lent->bytes, bytes, len);
}

static long
lent_read(void *arg, unsigned long long offset, char *bytes, size_t size,
    struct error *e)
{
	struct lent *lent = arg;
	struct text rest;

	(void)e;
	rest = text_skip(buf_text(&lent->bytes), (size_t)offset);
	rest = text_first(rest, size < lent->read_max ? size : lent->read_max);
	if (rest.len > 0)
		memcpy(bytes, rest.at, rest.len);
	return (long)rest.len;
}

static void
lent_init(struct lent *lent)
{
	memset(lent, 0, sizeof(*lent));
	lent->store = (struct message_store){
	    .write = lent_write, .read = lent_read, .arg = lent};
	lent->read_max = 1000;
	buf_init(&lent->bytes, 256 * 1024 * 1024);
}

static struct message *
parse_pieces(struct text input, size_t piece, const struct message_store *store)
{
	struct message *m;
	struct error e;
	struct text part;
	char *copy;

	error_clear(&e);
	m = message_new(store);
	for (; input.len > 0; input = text_skip(input, piece)) {
		/* Its own memory, so that a read past its end is seen. */
		part = text_first(input, piece);
		copy = malloc(part.len);
		assert_non_null(copy);
		memcpy(copy, part.at, part.len);
		assert_int_equal(message_input(m, copy, part.len, &e), 0);
		free(copy);
	}
	assert_int_equal(message_end(m, &e), 0);
	assert_int_equal(e.kind, ERROR_NONE);
	return m;
}

#define BOM "\xef\xbb\xbf"

static const struct {
	const char *input;
	size_t fields;
	const char *sent;
} cases[] = {
    {"", 0, "\r\n"},
    {"A: b\n\nx\n", 1, "A: b\r\n\r\nx\r\n"},
    {"A: b\r\n\r\nx\r\n", 1, "A: b\r\n\r\nx\r\n"},
    {"A: b\r\n\r\nx\ny\r\n", 1, "A: b\r\n\r\nx\r\ny\r\n"},
    {"A: b\nC: d\r\n\nx\r\n", 2, "A: b\r\nC: d\r\n\r\nx\r\n"},
    {"A: b\n\r\nx\n", 1, "A: b\r\n\r\nx\r\n"},
    {"A: b\r\n\nx\n", 1, "A: b\r\n\r\nx\r\n"},
    /* The last line. */
    {"A: b\n\nx", 1, "A: b\r\n\r\nx\r\n"},
    {"A: b\n\nx\ny", 1, "A: b\r\n\r\nx\r\ny\r\n"},
    {"A: b\n\n", 1, "A: b\r\n\r\n"},
    {"A: b\n\n\n", 1, "A: b\r\n\r\n\r\n"},
    {"A: b\n", 1, "A: b\r\n\r\n"},
    {"A: b", 1, "A: b\r\n\r\n"},
    {"A: b\n c", 1, "A: b\r\n c\r\n\r\n"},
    {"x", 0, "\r\nx\r\n"},
    {"x\n", 0, "\r\nx\r\n"},
    {"\n", 0, "\r\n"},
    {"\r\n", 0, "\r\n"},
    /* The border between header and body. */
    {"\nA: b\n", 0, "\r\nA: b\r\n"},
    {"\r\n\r\nx\n", 0, "\r\n\r\nx\r\n"},
    {"text\nA: b\n\ny\n", 0, "\r\ntext\r\nA: b\r\n\r\ny\r\n"},
    {"A: b\ntext\nC: d\n", 1, "A: b\r\n\r\ntext\r\nC: d\r\n"},
    {"A: b\n: c\n", 1, "A: b\r\n\r\n: c\r\n"},
    {" A: b\nC: d\n", 0, "\r\n A: b\r\nC: d\r\n"},
    {"\tx\n", 0, "\r\n\tx\r\n"},
    {" \nA: b\n", 0, "\r\n \r\nA: b\r\n"},
    {"A: b\n \nC: d\n\nx\n", 2, "A: b\r\n \r\nC: d\r\n\r\nx\r\n"},
    {"A: b\n\t \n\n c: d\n", 1, "A: b\r\n\t \r\n\r\n c: d\r\n"},
    {"A: b\n c\n\td\nE: f\n\n", 2, "A: b\r\n c\r\n\td\r\nE: f\r\n\r\n"},
    {"Bcc : b\n\n", 1, "Bcc : b\r\n\r\n"},
    {"M\xc3\xbc: b\n\n", 0, "\r\nM\xc3\xbc: b\r\n\r\n"},
    /* mbox. */
    {"From a@b Thu\nA: b\n\nx\n", 1, "A: b\r\n\r\nx\r\n"},
    {"From a@b Thu\r\nA: b\n\nx\n", 1, "A: b\r\n\r\nx\r\n"},
    {">From a@b Thu\nA: b\n\nx\n", 1, "A: b\r\n\r\nx\r\n"},
    {"From a\n>From b\nA: b\n\n", 1, "A: b\r\n\r\n"},
    {"From a\nFrom b\n", 0, "\r\nFrom b\r\n"},
    {"From a 12:34:56\n\nx\n", 0, "\r\nx\r\n"},
    {"From a", 0, "\r\n"},
    {"From a\n x\n", 0, "\r\n x\r\n"},
    {"From : a@b\n\nx\n", 1, "From : a@b\r\n\r\nx\r\n"},
    {"From: a@b\n\nx\n", 1, "From: a@b\r\n\r\nx\r\n"},
    {"Fromage\n", 0, "\r\nFromage\r\n"},
    {"A: b\nFrom c\n", 1, "A: b\r\n\r\nFrom c\r\n"},
    {"A: b\n\nFrom c\n>From d\n", 1, "A: b\r\n\r\nFrom c\r\n>From d\r\n"},
    {"\nFrom c\n", 0, "\r\nFrom c\r\n"},
    /* ... inside the header section: behind what a delivery puts before it,
     * or with the date that no other line has. */
    {"Return-Path: <r@x>\nDelivered-To: d@x\nFrom a@b Thu\nA: b\n\nx\n", 3,
	"Return-Path: <r@x>\r\nDelivered-To: d@x\r\nA: b\r\n\r\nx\r\n"},
    {"delivered-to : d@x\n y\n>From a@b Thu\nA: b\n", 2,
	"delivered-to : d@x\r\n y\r\nA: b\r\n\r\n"},
    {"From a@b\nReceived: from x\nX-Original-To: d@x\nFrom c\nA: b\n", 3,
	"Received: from x\r\nX-Original-To: d@x\r\nA: b\r\n\r\n"},
    {"Return-Path: <r@x>\nFrom a@b Thu\n x\n", 1,
	"Return-Path: <r@x>\r\n\r\n x\r\n"},
    {"Return-Path: <r@x>\nFrom a@b Thu\n\nx\n", 1,
	"Return-Path: <r@x>\r\n\r\nx\r\n"},
    {"Return-Path: <r@x>\nFrom a@b Thu", 1, "Return-Path: <r@x>\r\n\r\n"},
    {"A: b\nFrom a@b  Thu Jan  1 00:00:00 1970\nC: d\n\nx\n", 2,
	"A: b\r\nC: d\r\n\r\nx\r\n"},
    {"A: b\r\n>From a Thu Jan 01 9:05 70 remote from b\r\nC: d\r\n", 2,
	"A: b\r\nC: d\r\n\r\n"},
    {"A: b\nFrom - Fri, 20 Nov 2026 10:00:01 +0100\n\nx\n", 1,
	"A: b\r\n\r\nx\r\n"},
    {"A: b\nFrom a Thu Jan  1 00:00:00 1970\n c\nD: e\n", 1,
	"A: b\r\n\r\n c\r\nD: e\r\n"},
    {"A: b\nFrom a@b Thu\nC: d\n", 1, "A: b\r\n\r\nFrom a@b Thu\r\nC: d\r\n"},
    {"A: b\nFrom January on, at 10:30\nC: d\n", 1,
	"A: b\r\n\r\nFrom January on, at 10:30\r\nC: d\r\n"},
    {"A: b\n>From me on 1 May, 10:30:00\n", 1,
	"A: b\r\n\r\n>From me on 1 May, 10:30:00\r\n"},
    {"A: b\n\nFrom a@b Thu Jan  1 00:00:00 1970\nC: d\n", 1,
	"A: b\r\n\r\nFrom a@b Thu Jan  1 00:00:00 1970\r\nC: d\r\n"},
    /* The mark of UTF-8. */
    {BOM "A: b\n\nx\n", 1, "A: b\r\n\r\nx\r\n"},
    {BOM "From: a@x\r\nBcc: b@x\r\n\r\nx\r\n", 2,
	"From: a@x\r\nBcc: b@x\r\n\r\nx\r\n"},
    {BOM "From a@b Thu\nA: b\n\nx\n", 1, "A: b\r\n\r\nx\r\n"},
    {BOM ">From a@b Thu\nA: b\n\nx\n", 1, "A: b\r\n\r\nx\r\n"},
    {"From a@b Thu\n" BOM "A: b\n", 1, "A: b\r\n\r\n"},
    {BOM BOM "A: b\n", 1, "A: b\r\n\r\n"},
    {BOM "\nA: b\n", 0, "\r\nA: b\r\n"},
    {BOM "A: b", 1, "A: b\r\n\r\n"},
    {BOM "A: b\n c\n", 1, "A: b\r\n c\r\n\r\n"},
    {BOM, 0, "\r\n"},
    /* ... is text where no field follows. */
    {BOM "text\n", 0, "\r\n" BOM "text\r\n"},
    {BOM " x\nA: b\n", 0, "\r\n" BOM " x\r\nA: b\r\n"},
    {"A: b\n" BOM "C: d\n", 1, "A: b\r\n\r\n" BOM "C: d\r\n"},
    {"A: b\n\n" BOM "x\n", 1, "A: b\r\n\r\n" BOM "x\r\n"},
    {"\xef\xbb"
     "A: b\n",
	0,
	"\r\n\xef\xbb"
	"A: b\r\n"},
    /* Bare CR. */
    {"A: b\rC: d\n\nx\ry\n", 1, "A: b C: d\r\n\r\nx y\r\n"},
    {"A: b\n\nx\r\r\ny\n", 1, "A: b\r\n\r\nx \r\ny\r\n"},
    {"A: b\n\n\rx\n", 1, "A: b\r\n\r\n x\r\n"},
    {"A: b\n\nx\r", 1, "A: b\r\n\r\nx \r\n"},
    {"A: b\n\n\r", 1, "A: b\r\n\r\n \r\n"},
    {"A: b\r", 1, "A: b \r\n\r\n"},
    {"A: b\n\rC: d\n", 1, "A: b\r\n C: d\r\n\r\n"},
    {"x\ry\n", 0, "\r\nx y\r\n"},
    {"x\r\r\r\n", 0, "\r\nx  \r\n"},
    {"\r", 0, "\r\n \r\n"},
    {"From a\r", 0, "\r\n"},
    /* What must stay as it is. */
    {"A: b\n\n.\n..\n.x\n", 1, "A: b\r\n\r\n.\r\n..\r\n.x\r\n"},
    {"A: b\n\nx \ny\t\n \n", 1, "A: b\r\n\r\nx \r\ny\t\r\n \r\n"},
    {"A: \xfc\n\n\xfc\n", 1, "A: \xfc\r\n\r\n\xfc\r\n"},
};

static void
texts(void **state)
{
	static const size_t pieces[] = {1, 2, 3, 7, 1000};
	struct message *m;
	struct buf out;
	size_t i, j;

	(void)state;
	buf_init(&out, 4096);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (j = 0; j < sizeof(pieces) / sizeof(pieces[0]); j++) {
			m = parse_pieces(
			    text_of(cases[i].input), pieces[j], NULL);
			read_all(m, pieces[j], &out);
			if (strcmp(buf_string(&out), cases[i].sent) != 0 ||
			    message_field_count(m) != cases[i].fields)
				fail_msg("%s: %zu fields, sent as %s",
				    cases[i].input, message_field_count(m),
				    buf_string(&out));
			message_free(m);
		}
	}
	buf_clear(&out);
}

static void
nul_is_kept_and_told(void **state)
{
	static const struct {
		struct text input, sent;
		bool header, body;
	} nuls[] = {
	    {TEXT("A: \0b\n\nx\n"), TEXT("A: \0b\r\n\r\nx\r\n"), true, false},
	    {TEXT("A: b\n\nx\0\0y\n"), TEXT("A: b\r\n\r\nx\0\0y\r\n"), false,
		true},
	    {TEXT("A: \0b\r\n\r\nx\0\n"), TEXT("A: \0b\r\n\r\nx\0\r\n"), true,
		true},
	    {TEXT("a\0b"), TEXT("\r\na\0b\r\n"), false, true},
	    {TEXT("A: b\nC\0: d\n"), TEXT("A: b\r\n\r\nC\0: d\r\n"), false,
		true},
	    {TEXT("From \0\nA: b\n\0\n"), TEXT("A: b\r\n\r\n\0\r\n"), false,
		true},
	    {TEXT("A: b\n \0\n\n"), TEXT("A: b\r\n \0\r\n\r\n"), true, false},
	};
	const struct message_facts *facts;
	struct message *m;
	struct buf out;
	size_t i, piece;

	(void)state;
	buf_init(&out, 4096);
	for (i = 0; i < sizeof(nuls) / sizeof(nuls[0]); i++) {
		for (piece = 1; piece < 12; piece++) {
			m = parse_pieces(nuls[i].input, piece, NULL);
			read_all(m, 100, &out);
			assert_true(text_equal(buf_text(&out), nuls[i].sent));
			facts = message_facts(m);
			assert_int_equal(facts->header_nul, nuls[i].header);
			assert_int_equal(facts->body_nul, nuls[i].body);
			message_free(m);
		}
	}
	m = parse_pieces(TEXT("From \0\nA: b\n"), 3, NULL);
	assert_false(message_facts(m)->header_nul);
	assert_false(message_facts(m)->body_nul);
	message_free(m);
	buf_clear(&out);
}

static void
facts_of_bodies(void **state)
{
	static const struct {
		const char *input;
		unsigned long long size;
		bool body_8bit, body_utf8, header_8bit;
		size_t header_longest;
	} rows[] = {
	    {"", 0, false, false, false, 0},
	    {"A: b\n\n", 0, false, false, false, 4},
	    {"A: b\n\nxyz\nx\n", 8, false, false, false, 4},
	    {"A: b\n cdefg\nH: i\n\nx\r\nxyz", 8, false, false, false, 6},
	    {"A: \xc3\xbc\n\nx\n", 3, false, false, true, 5},
	    {"A: b\n\n\xc3\xbc\n", 4, true, true, false, 4},
	    {"A: b\n\n\xfc\n", 3, true, false, false, 4},
	    {"A: b\n\n\xc3\n\xbc\n", 6, true, false, false, 4},
	    {"A: b\n\xc3\n\xbc\n", 6, true, false, false, 4},
	    {"A: b\n\nx\xc3", 4, true, false, false, 4},
	    {"A: b\n\n\xe2\x82\xac\xf0\x9f\x93\xa7\n", 9, true, true, false, 4},
	    {"A: b\n\n\xc0\xaf\n", 4, true, false, false, 4},
	    {"A: b\n\n\xed\xa0\x80\n", 5, true, false, false, 4},
	    {"A: b\n\n\xe0\x80\x80\n", 5, true, false, false, 4},
	    {"A: b\n\n\xf0\x8f\x80\x80\n", 6, true, false, false, 4},
	    {"A: b\n\n\xf4\x90\x80\x80\n", 6, true, false, false, 4},
	    {"A: b\n\n\xf4\x8f\xbf\xbf\n", 6, true, true, false, 4},
	    {"A: b\n\n\xf5\x80\x80\x80\n", 6, true, false, false, 4},
	    {"A: b\n\n\x80\n", 3, true, false, false, 4},
	    {"A: b\n\n0123456789abcdef\xc3\xbc"
	     "0123456789\n",
		30, true, true, false, 4},
	    {"\xc3\xbc: x\n", 7, true, true, false, 0},
	    {"x\r\r\n", 4, false, false, false, 0},
	};
	const struct message_facts *facts;
	struct message *m;
	size_t i, piece;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (piece = 1; piece < 20; piece++) {
			m = parse_pieces(text_of(rows[i].input), piece, NULL);
			facts = message_facts(m);
			assert_int_equal(facts->body_size, rows[i].size);
			assert_int_equal(facts->body_8bit, rows[i].body_8bit);
			assert_int_equal(facts->body_utf8, rows[i].body_utf8);
			assert_int_equal(
			    facts->header_8bit, rows[i].header_8bit);
			assert_int_equal(
			    facts->header_longest, rows[i].header_longest);
			assert_false(facts->header_nul);
			assert_false(facts->body_nul);
			assert_false(facts->body_long);
			message_free(m);
		}
	}
}

/* The numbers of a linear congruence: the same in every run. */
static unsigned
next_random(unsigned *seed)
{
	*seed = *seed * 1103515245 + 12345;
	return *seed >> 16;
}

static void
make_text(unsigned *seed, struct buf *out)
{
	static const struct text words[] = {TEXT("\r"), TEXT("\n"),
	    TEXT("\r\n"), TEXT("A: b"), TEXT(" "), TEXT("x"), TEXT("\0"),
	    TEXT("From "), TEXT(">From a\n"), TEXT("Bcc : y\n"), TEXT("\n\n"),
	    TEXT("\xc3\xbc"), TEXT("\xf0\x9f\x93\xa7"), TEXT("."), TEXT(":"),
	    TEXT(BOM), TEXT("\nReceived: x\n"),
	    TEXT("\nFrom a Thu Jan  1 00:00:00 1970\n")};
	size_t count, i, times;

	buf_reset(out);
	count = next_random(seed) % 24;
	while (count-- > 0) {
		i = next_random(seed) % (sizeof(words) / sizeof(words[0]));
		/* Now and then a line that is too long to wait for its end. */
		times = next_random(seed) % 32 == 0 ? 1000 : 1;
		while (times-- > 0)
			buf_add_text(out, words[i]);
	}
}

static void
check_canonical(struct text sent)
{
	size_t i;

	for (i = 0; i < sent.len; i++) {
		if (sent.at[i] == '\n')
			assert_true(i > 0 && sent.at[i - 1] == '\r');
		if (sent.at[i] == '\r')
			assert_true(i + 1 < sent.len && sent.at[i + 1] == '\n');
	}
	assert_true(sent.len >= 2 && sent.at[sent.len - 1] == '\n');
}

/* Those of the body can be had as they came, in pieces of any size. */
static void
bare_crs_of_the_body(void **state)
{
	struct message *m = parse(TEXT("A: \rb\n\nx\ry\r\r\nz\r\n\r\r\nend\r"));
	const struct text raw = TEXT("x\ry\r\r\nz\r\n\r\r\nend\r\r\n");
	const struct text sent = TEXT("x y \r\nz\r\n \r\nend \r\n");
	struct message_cursor cursor;
	struct error e;
	struct buf out;
	char part[8];
	size_t size;
	long n;
	int i;

	(void)state;
	assert_true(message_facts(m)->body_cr);
	buf_init(&out, 4096);
	for (size = 1; size <= sizeof(part); size++) {
		for (i = 0; i < 2; i++) {
			buf_reset(&out);
			cursor = (struct message_cursor){
			    .field = 1, .separator = true, .bare_cr = i == 1};
			while (
			    (n = message_read(m, &cursor, part, size, &e)) > 0)
				buf_add(&out, part, (size_t)n);
			assert_int_equal(n, 0);
			assert_true(
			    text_equal(buf_text(&out), i == 1 ? raw : sent));
		}
	}
	buf_clear(&out);
	message_free(m);
	m = parse(TEXT("A: \rb\r\n\r\nx\r\n"));
	assert_false(message_facts(m)->body_cr);
	message_free(m);
	m = parse(TEXT("A: b\nx\ry\n"));
	assert_true(message_facts(m)->body_cr);
	message_free(m);
}

static void
pieces_make_no_difference(void **state)
{
	static const size_t pieces[] = {1, 7, 500};
	struct message *whole, *m;
	struct buf input, expected, out;
	unsigned seed = 1;
	size_t i, j;

	(void)state;
	buf_init(&input, 1024 * 1024);
	buf_init(&expected, 1024 * 1024);
	buf_init(&out, 1024 * 1024);
	for (i = 0; i < 3000; i++) {
		make_text(&seed, &input);
		whole = parse_pieces(buf_text(&input), SIZE_MAX, NULL);
		read_all(whole, 4096, &expected);
		check_canonical(buf_text(&expected));
		for (j = 0; j < sizeof(pieces) / sizeof(pieces[0]); j++) {
			m = parse_pieces(buf_text(&input), pieces[j], NULL);
			read_all(m, pieces[j], &out);
			assert_true(
			    text_equal(buf_text(&out), buf_text(&expected)));
			assert_memory_equal(message_facts(m),
			    message_facts(whole), sizeof(struct message_facts));
			message_free(m);
		}
		message_free(whole);
	}
	buf_clear(&input);
	buf_clear(&expected);
	buf_clear(&out);
}

/* A header, and a body of `size` octets once it is canonical. */
static void
make_large(struct buf *out, size_t size)
{
	size_t line;

	buf_reset(out);
	buf_add_string(out, "Subject: large\n\n");
	for (line = 0; size >= 102; line++) {
		buf_format(out, "%0100zu\n", line);
		size -= 102;
	}
	for (; size > 2; size--)
		buf_add_char(out, 'x');
	buf_add_string(out, "\n");
}

/* Whether the store was used, and all that was sent. */
static size_t
through_store(size_t size, size_t piece, size_t fail_at, struct buf *out)
{
	struct message *m;
	struct buf input;
	struct lent lent;

	buf_init(&input, 64 * 1024 * 1024);
	make_large(&input, size);
	lent_init(&lent);
	lent.fail_at = fail_at;
	m = parse_pieces(buf_text(&input), piece, &lent.store);
	assert_int_equal(message_facts(m)->body_size, size);
	read_all(m, 5000, out);
	message_free(m);
	if (lent.bytes.len > 0)
		assert_int_equal(lent.bytes.len, size);
	buf_clear(&lent.bytes);
	buf_clear(&input);
	return lent.writes;
}

static void
store_takes_what_memory_shall_not(void **state)
{
	static const size_t pieces[] = {1009, 65536, SIZE_MAX};
	struct buf out, without;
	struct message *m;
	struct buf input;
	size_t i;

	(void)state;
	buf_init(&out, 64 * 1024 * 1024);
	buf_init(&without, 64 * 1024 * 1024);
	buf_init(&input, 64 * 1024 * 1024);
	make_large(&input, 3 * MESSAGE_MEMORY);
	m = parse_pieces(buf_text(&input), SIZE_MAX, NULL);
	read_all(m, 65536, &without);
	message_free(m);
	for (i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		assert_int_equal(
		    through_store(MESSAGE_MEMORY, pieces[i], 0, &out), 0);
		assert_true(
		    through_store(MESSAGE_MEMORY + 1, pieces[i], 0, &out) > 0);
		assert_true(
		    through_store(3 * MESSAGE_MEMORY, pieces[i], 0, &out) > 1);
		assert_true(text_equal(buf_text(&out), buf_text(&without)));
	}
	buf_clear(&input);
	buf_clear(&without);
	buf_clear(&out);
}

static long
lent_again(void *arg, unsigned long long offset, char *bytes, size_t size,
    struct error *e)
{
	return lent_read(arg, offset, bytes, size, e);
}

/* What was given is lent back, and nothing is stored. */
static struct message *
parse_again(struct buf *input, size_t piece, struct lent *lent)
{
	struct message *m;

	lent_init(lent);
	lent->store.again = lent_again;
	buf_add_text(&lent->bytes, buf_text(input));
	m = parse_pieces(buf_text(input), piece, &lent->store);
	assert_int_equal(lent->writes, 0);
	return m;
}

static void
what_can_be_read_again_is_not_kept(void **state)
{
	static const char *const beginnings[] = {
	    "A: b\n\n", "no field, and all is body\r", "A: b\nbody "};
	static const size_t pieces[] = {700, 65536};
	struct buf input, part, expected, out;
	struct message *m, *whole;
	struct lent lent;
	unsigned seed = 7;
	size_t i, j;

	(void)state;
	buf_init(&input, 64 * 1024 * 1024);
	buf_init(&part, 1024 * 1024);
	buf_init(&expected, 64 * 1024 * 1024);
	buf_init(&out, 64 * 1024 * 1024);
	for (i = 0; i < 6; i++) {
		buf_reset(&input);
		buf_add_string(&input, beginnings[i % COUNT(beginnings)]);
		while (input.len < MESSAGE_MEMORY + 300000) {
			make_text(&seed, &part);
			buf_add_text(&input, buf_text(&part));
			if (i >= 3) /* blocks without CR among others */
				for (j = 0; j < 1000; j++)
					buf_add_string(&input, "0123456789\n");
		}
		whole = parse_pieces(buf_text(&input), SIZE_MAX, NULL);
		read_all(whole, 65536, &expected);
		for (j = 0; j < COUNT(pieces); j++) {
			m = parse_again(&input, pieces[j], &lent);
			read_all(m, 4000 + j * 61000, &out);
			assert_true(
			    text_equal(buf_text(&out), buf_text(&expected)));
			assert_memory_equal(message_facts(m),
			    message_facts(whole), sizeof(struct message_facts));
			message_free(m);
			buf_clear(&lent.bytes);
		}
		message_free(whole);
	}
	buf_clear(&input);
	buf_clear(&part);
	buf_clear(&expected);
	buf_clear(&out);
}

static void
memory_where_no_store_can_be_had(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 64 * 1024 * 1024);
	assert_int_equal(through_store(3 * MESSAGE_MEMORY, 65536, 1, &out), 1);
	assert_int_equal(out.len, 3 * MESSAGE_MEMORY + 18);
	buf_clear(&out);
}

static void
store_that_fails_later_is_told(void **state)
{
	struct message *m;
	struct buf input;
	struct lent lent;
	struct error e;

	(void)state;
	error_clear(&e);
	buf_init(&input, 64 * 1024 * 1024);
	make_large(&input, 3 * MESSAGE_MEMORY);
	lent_init(&lent);
	lent.fail_at = 2;
	m = message_new(&lent.store);
	assert_int_equal(message_input(m, input.at, input.len, &e), -1);
	assert_int_equal(e.kind, ERROR_SYSTEM);
	assert_int_equal(lent.writes, 2);
	error_clear(&e);
	assert_int_equal(message_input(m, "x", 1, &e), -1);
	error_clear(&e);
	assert_int_equal(message_end(m, &e), -1);
	message_free(m);
	buf_clear(&lent.bytes);
	buf_clear(&input);
}

static void
store_that_lost_bytes_is_told(void **state)
{
	struct message_cursor cursor;
	struct message *m;
	struct buf input;
	struct lent lent;
	struct error e;
	char out[65536];
	long n;

	(void)state;
	error_clear(&e);
	buf_init(&input, 64 * 1024 * 1024);
	make_large(&input, 2 * MESSAGE_MEMORY);
	lent_init(&lent);
	m = parse_pieces(buf_text(&input), SIZE_MAX, &lent.store);
	lent.bytes.len -= 1000;
	memset(&cursor, 0, sizeof(cursor));
	do
		n = message_read(m, &cursor, out, sizeof(out), &e);
	while (n > 0);
	assert_int_equal(n, -1);
	assert_int_equal(e.kind, ERROR_SYSTEM);
	message_free(m);
	buf_clear(&lent.bytes);
	buf_clear(&input);
}

static int
input_times(struct message *m, const char *what, size_t times, struct error *e)
{
	while (times-- > 0) {
		if (message_input(m, what, strlen(what), e) == -1)
			return -1;
	}
	return 0;
}

static void
header_has_a_limit(void **state)
{
	static const char *const fields[] = {
	    "A: 0123456789\n", "A: b\n c\n", "A: 0123456789", "Name"};
	static const int results[] = {-1, -1, -1, 0};
	char part[16384 + 1];
	struct message *m;
	struct error e;
	size_t i, len;

	(void)state;
	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		part[0] = '\0';
		for (len = 0; len + 16 < sizeof(part); len = strlen(part))
			memcpy(part + len, fields[i], strlen(fields[i]) + 1);
		error_clear(&e);
		m = message_new(NULL);
		assert_int_equal(
		    input_times(m, part, MESSAGE_HEADER_MAX / len + 2, &e),
		    results[i]);
		if (results[i] == -1)
			assert_int_equal(e.kind, ERROR_MESSAGE);
		message_free(m);
	}
}

/* Lines without an end go where other text of their kind goes. */
static void
fields_have_a_limit(void **state)
{
	struct message *m = message_new(NULL);
	struct error e;
	int i;

	(void)state;
	error_clear(&e);
	for (i = 0; i <= MESSAGE_FIELDS_MAX; i++)
		assert_int_equal(message_input(m, "a:\n", 3, &e), 0);
	assert_int_equal(message_end(m, &e), -1);
	assert_int_equal(e.kind, ERROR_MESSAGE);
	message_free(m);
}

static void
long_lines(void **state)
{
	static const struct {
		const char *first;
		size_t fields;
		size_t header;
	} rows[] = {
	    {"", 0, 0},
	    {"A: ", 1, 10000003},
	    {"A: b\n ", 1, 10000001},
	    {"A: b\n", 1, 4},
	    {"A: b\n\n", 1, 4},
	    {"From ", 0, 0},
	    {" ", 0, 0},
	};
	struct message *m;
	struct buf input;
	size_t i, j;

	(void)state;
	buf_init(&input, 64 * 1024 * 1024);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_reset(&input);
		buf_add_string(&input, rows[i].first);
		for (j = 0; j < 1000000; j++)
			buf_add(&input, "0123456789", 10);
		m = parse_pieces(buf_text(&input), 4099, NULL);
		assert_int_equal(message_field_count(m), rows[i].fields);
		assert_int_equal(
		    message_facts(m)->header_longest, rows[i].header);
		message_free(m);
	}
	buf_clear(&input);
}

static void
name_without_end_is_no_field(void **state)
{
	struct message *m;
	struct buf input;
	size_t len;

	(void)state;
	buf_init(&input, 4096);
	for (len = 996; len < 1000; len++) {
		buf_reset(&input);
		while (input.len < len)
			buf_add_char(&input, 'a');
		buf_add_string(&input, ": b\n\n");
		m = parse_pieces(buf_text(&input), 1, NULL);
		assert_int_equal(message_field_count(m), len < 998 ? 1 : 0);
		message_free(m);
	}
	buf_clear(&input);
}

static void
find_and_drop(void **state)
{
	struct message_field *f;
	struct message *m;
	struct buf out;
	size_t at = 0;

	(void)state;
	buf_init(&out, 4096);
	m = parse_pieces(
	    TEXT("Bcc: a\nTo: b\nBCC : c,\n d\nbcc\t:\n e\n\nBcc: f\n"),
	    SIZE_MAX, NULL);
	assert_int_equal(message_field_count(m), 4);
	assert_ptr_equal(message_find(m, "bcc"), message_field(m, 0));
	assert_null(message_find(m, "Cc"));
	assert_null(message_field(m, 4));
	while ((f = message_find_next(m, "Bcc", &at)) != NULL)
		f->dropped = true;
	assert_int_equal(at, 4);
	assert_null(message_find(m, "Bcc"));
	assert_non_null(message_find(m, "To"));
	read_all(m, 1, &out);
	assert_string_equal(buf_string(&out), "To: b\r\n\r\nBcc: f\r\n");
	message_free(m);
	buf_clear(&out);
}

static void
change_fields(void **state)
{
	struct message *m;
	struct buf out;
	struct error e;

	(void)state;
	error_clear(&e);
	buf_init(&out, 4096);
	m = parse_pieces(TEXT("To : b\nCc: c\n\nx\n"), SIZE_MAX, NULL);
	assert_int_equal(message_append(m, "Date", TEXT("now"), &e), 0);
	assert_int_equal(message_append(m, "From", TEXT("a@b"), &e), 0);
	assert_int_equal(
	    message_append(m, "X", TEXT("folded\r\n\tvalue"), &e), 0);
	assert_int_equal(message_append(m, "Y", TEXT(""), &e), 0);
	assert_int_equal(
	    message_replace(message_find(m, "To"), TEXT("d@e"), &e), 0);
	assert_int_equal(
	    message_replace(message_find(m, "To"), TEXT("\r\n f@g"), &e), 0);
	message_find(m, "Cc")->dropped = true;
	read_all(m, 3, &out);
	assert_string_equal(buf_string(&out),
	    "To:\r\n f@g\r\nDate: now\r\nFrom: a@b\r\n"
	    "X: folded\r\n\tvalue\r\nY:\r\n\r\nx\r\n");
	assert_true(text_equal(
	    message_find(m, "X")->field.value, TEXT(" folded\r\n\tvalue")));
	/* From its own old value. */
	assert_int_equal(message_replace(message_find(m, "From"),
			     message_find(m, "From")->field.value, &e),
	    0);
	assert_true(
	    text_equal(message_find(m, "From")->field.value, TEXT(" a@b")));
	message_free(m);
	buf_clear(&out);
}

static void
no_field_can_be_smuggled(void **state)
{
	static const struct {
		const char *name;
		struct text value;
	} bad[] = {
	    {"A", TEXT("b\r\nBcc: c")},
	    {"A", TEXT("b\nBcc: c")},
	    {"A", TEXT("b\n c")},
	    {"A", TEXT("b\rc")},
	    {"A", TEXT("b\r")},
	    {"A", TEXT("b\r\n")},
	    {"A", TEXT("b\r\n\r\nbody")},
	    {"A", TEXT("\r\n")},
	    {"A", TEXT("b\0c")},
	    {"A", TEXT("b\x1b[1m")},
	    {"A", TEXT("b\x7f")},
	    {"", TEXT("b")},
	    {"A B", TEXT("b")},
	    {"A:", TEXT("b")},
	    {"A: x\r\nB", TEXT("b")},
	    {"A ", TEXT("b")},
	    {"\xc3\xbc", TEXT("b")},
	};
	struct message *m;
	struct buf out;
	struct error e;
	size_t i;

	(void)state;
	buf_init(&out, 4096);
	m = parse_pieces(TEXT("A: old\n\n"), SIZE_MAX, NULL);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		error_clear(&e);
		assert_int_equal(
		    message_append(m, bad[i].name, bad[i].value, &e), -1);
		assert_int_equal(e.kind, ERROR_BUG);
		if (strcmp(bad[i].name, "A") == 0)
			assert_int_equal(message_replace(message_field(m, 0),
					     bad[i].value, &e),
			    -1);
	}
	read_all(m, 100, &out);
	assert_string_equal(buf_string(&out), "A: old\r\n\r\n");
	message_free(m);
	buf_clear(&out);
}

static void
nothing_after_the_end(void **state)
{
	struct message *m;
	struct error e;

	(void)state;
	m = parse_pieces(TEXT("A: b\n"), SIZE_MAX, NULL);
	error_clear(&e);
	assert_int_equal(message_input(m, "x", 1, &e), -1);
	assert_int_equal(e.kind, ERROR_BUG);
	error_clear(&e);
	assert_int_equal(message_end(m, &e), -1);
	message_free(m);
	message_free(NULL);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(texts),
	    cmocka_unit_test(nul_is_kept_and_told),
	    cmocka_unit_test(facts_of_bodies),
	    cmocka_unit_test(bare_crs_of_the_body),
	    cmocka_unit_test(pieces_make_no_difference),
	    cmocka_unit_test(store_takes_what_memory_shall_not),
	    cmocka_unit_test(what_can_be_read_again_is_not_kept),
	    cmocka_unit_test(memory_where_no_store_can_be_had),
	    cmocka_unit_test(store_that_fails_later_is_told),
	    cmocka_unit_test(store_that_lost_bytes_is_told),
	    cmocka_unit_test(header_has_a_limit),
	    cmocka_unit_test(fields_have_a_limit),
	    cmocka_unit_test(long_lines),
	    cmocka_unit_test(name_without_end_is_no_field),
	    cmocka_unit_test(find_and_drop),
	    cmocka_unit_test(change_fields),
	    cmocka_unit_test(no_field_can_be_smuggled),
	    cmocka_unit_test(nothing_after_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
