#include "../unit.h"

#include "../parse.h"
#include "smtp/wire.h"

/* A message, read as a server with 8BITMIME can take it. */
struct source {
	struct message *message;
	struct recode *recode;
};

static void
source_init(
    struct source *s, struct text bytes, const struct message_store *store)
{
	struct recode_remarks remarks;
	struct error e;

	error_clear(&e);
	s->message = parse_in(store, bytes);
	s->recode = recode_new(s->message, true, &remarks, &e);
	assert_non_null(s->recode);
}

static void
source_clear(struct source *s)
{
	recode_free(s->recode);
	message_free(s->message);
}

/* RFC 5321 section 4.5.2, line by line. */
static void
stuff(struct text bytes, struct buf *out)
{
	struct text line;

	while (text_next_line(&bytes, &line)) {
		if (line.len > 0 && line.at[0] == '.')
			buf_add_char(out, '.');
		buf_add_text(out, line);
		buf_add_string(out, "\r\n");
	}
	buf_add_string(out, ".\r\n");
}

/* Pulls all of the mail data. */
static int
pull(struct wire *w, size_t size, struct buf *out, struct error *e)
{
	int more;

	while ((more = wire_next(w, size, out, e)) == 1)
		;
	return more;
}

static void
assert_bytes(const struct buf *out, struct text expected)
{
	assert_int_equal(out->len, expected.len);
	assert_memory_equal(out->at, expected.at, expected.len);
}

static void
assert_stuffed(struct text bytes)
{
	struct buf out, expected;
	struct source s;
	struct error e;
	struct wire w;
	size_t size;

	error_clear(&e);
	buf_init(&out, 4096);
	buf_init(&expected, 4096);
	stuff(bytes, &expected);
	source_init(&s, bytes, NULL);
	for (size = 1; size <= 9; size++) {
		buf_reset(&out);
		recode_rewind(s.recode);
		wire_init(&w, s.recode);
		assert_int_equal(pull(&w, size, &out, &e), 0);
		assert_true(w.done);
		assert_bytes(&out, buf_text(&expected));
	}
	source_clear(&s);
	buf_clear(&expected);
	buf_clear(&out);
}

/* The number-th body of that many symbols. */
static void
add_body(struct buf *out, unsigned symbols, unsigned number)
{
	static const char *const alphabet[] = {".", "\r\n", "a"};

	for (; symbols > 0; symbols--) {
		buf_add_string(out, alphabet[number % 3]);
		number /= 3;
	}
}

static void
dots_are_doubled_in_all_small_bodies(void **state)
{
	unsigned symbols, number, count;
	struct buf bytes;

	(void)state;
	buf_init(&bytes, 4096);
	for (symbols = 0, count = 1; symbols <= 6; symbols++, count *= 3) {
		for (number = 0; number < count; number++) {
			buf_reset(&bytes);
			buf_add_string(&bytes, "A: b\r\n\r\n");
			add_body(&bytes, symbols, number);
			assert_stuffed(buf_text(&bytes));
		}
	}
	buf_clear(&bytes);
}

static const struct {
	struct text message;
	struct text data;
} datas[] = {
    {TEXT("A: b\n\n"), TEXT("A: b\r\n\r\n.\r\n")},
    {TEXT("A: b\n\n.\n"), TEXT("A: b\r\n\r\n..\r\n.\r\n")},
    {TEXT("A: b\n\n."), TEXT("A: b\r\n\r\n..\r\n.\r\n")},
    {TEXT("A: b\n\n..\n"), TEXT("A: b\r\n\r\n...\r\n.\r\n")},
    {TEXT("A: b\n\n.a.b.\n"), TEXT("A: b\r\n\r\n..a.b.\r\n.\r\n")},
    {TEXT("A: b\n\na.\n.\nb\n"), TEXT("A: b\r\n\r\na.\r\n..\r\nb\r\n.\r\n")},
    {TEXT("A: b\n\n.\r.\n"), TEXT("A: b\r\n\r\n.. .\r\n.\r\n")},
    {TEXT("A: b\n\n.\n.\n\n.\n"),
	TEXT("A: b\r\n\r\n..\r\n..\r\n\r\n..\r\n.\r\n")},
    {TEXT("A: b\n .c\n\n"), TEXT("A: b\r\n .c\r\n\r\n.\r\n")},
};

static void
mail_data_ends_in_one_dot_in_parts_of_any_size(void **state)
{
	static const size_t sizes[] = {1, 2, 3, 7, 65536};
	struct source s;
	struct error e;
	struct wire w;
	struct buf out;
	size_t i, j;

	(void)state;
	error_clear(&e);
	buf_init(&out, 1000000);
	for (i = 0; i < COUNT(datas); i++) {
		source_init(&s, datas[i].message, NULL);
		for (j = 0; j < COUNT(sizes); j++) {
			buf_reset(&out);
			recode_rewind(s.recode);
			wire_init(&w, s.recode);
			assert_int_equal(pull(&w, sizes[j], &out, &e), 0);
			assert_bytes(&out, datas[i].data);
			/* No second dot. */
			assert_int_equal(wire_next(&w, 9, &out, &e), 0);
			assert_bytes(&out, datas[i].data);
		}
		source_clear(&s);
	}
	buf_clear(&out);
}

static void
what_is_in_the_buffer_stays(void **state)
{
	struct source s;
	struct error e;
	struct wire w;
	struct buf out;

	(void)state;
	error_clear(&e);
	buf_init(&out, 4096);
	buf_add_string(&out, "a\r\n");
	source_init(&s, TEXT("A: b\n\n.\n"), NULL);
	wire_init(&w, s.recode);
	assert_int_equal(pull(&w, 100, &out, &e), 0);
	assert_bytes(&out, TEXT("a\r\nA: b\r\n\r\n..\r\n.\r\n"));
	source_clear(&s);
	buf_clear(&out);
}

#define CHUNKED "A: b\r\n\r\n.\r\n..a\r\n\r\n.\r\n"

static void
a_chunk_has_exactly_its_octets_as_they_are(void **state)
{
	struct text rest;
	struct source s;
	struct error e;
	struct wire w;
	struct buf out;
	size_t size, n;

	(void)state;
	buf_init(&out, 4096);
	source_init(&s, TEXT(CHUNKED), NULL);
	assert_int_equal(recode_size(s.recode), strlen(CHUNKED));
	for (size = 1; size <= strlen(CHUNKED); size++) {
		error_clear(&e);
		recode_rewind(s.recode);
		wire_init(&w, s.recode);
		for (rest = TEXT(CHUNKED); rest.len > 0;
		     rest = text_skip(rest, n)) {
			n = size < rest.len ? size : rest.len;
			buf_reset(&out);
			assert_int_equal(wire_chunk(&w, n, &out, &e), 0);
			assert_bytes(&out, text_first(rest, n));
		}
		buf_reset(&out);
		assert_int_equal(wire_chunk(&w, 0, &out, &e), 0);
		assert_int_equal(out.len, 0);
		assert_int_equal(wire_chunk(&w, 1, &out, &e), -1);
		assert_int_equal(e.kind, ERROR_BUG);
		assert_int_equal(out.len, 0);
	}
	source_clear(&s);
	buf_clear(&out);
}

/* Lines over 998 octets: what is read is encoded piece by piece. */
static void
a_chunk_goes_over_the_pieces_it_is_read_in(void **state)
{
	struct buf bytes, whole, out;
	struct source s;
	struct error e;
	struct wire w;
	size_t i;
	long n;

	(void)state;
	error_clear(&e);
	buf_init(&bytes, 1000000);
	buf_init(&whole, 1000000);
	buf_init(&out, 1000000);
	buf_add_string(&bytes, "A: b\n\n");
	for (i = 0; i < 100000; i++)
		buf_add_char(&bytes, i % 5000 == 0 ? '\n' : '.');
	source_init(&s, buf_text(&bytes), NULL);
	while ((n = recode_read(
		    s.recode, buf_reserve(&whole, 1000), 1000, &e)) > 0)
		whole.len += (size_t)n;
	assert_int_equal(whole.len, recode_size(s.recode));
	recode_rewind(s.recode);
	wire_init(&w, s.recode);
	assert_int_equal(wire_chunk(&w, whole.len, &out, &e), 0);
	assert_bytes(&out, buf_text(&whole));
	source_clear(&s);
	buf_clear(&bytes);
	buf_clear(&whole);
	buf_clear(&out);
}

/* A store that breaks when it is read from some place on. */
struct store {
	struct buf bytes;
	size_t broken_from;
	bool short_read; /* or an error */
};

static int
store_write(void *arg, const char *bytes, size_t len, struct error *e)
{
	struct store *store = arg;

	(void)e;
	return buf_add(&store->bytes, bytes, len);
}

static long
store_read(void *arg, unsigned long long offset, char *bytes, size_t size,
    struct error *e)
{
	struct store *store = arg;
	struct text rest;

	rest =
	    text_skip(text_first(buf_text(&store->bytes), store->broken_from),
		(size_t)offset);
	if (rest.len == 0 && store->short_read)
		return 0;
	if (rest.len == 0)
		return error_set(e, ERROR_IO, NULL, "the store broke");
	rest = text_first(rest, size);
	memcpy(bytes, rest.at, rest.len);
	return (long)rest.len;
}

#define LINE  "a\r\n.\r\n"
#define LINES (2 * (size_t)MESSAGE_MEMORY / (sizeof(LINE) - 1))
#define BODY  (LINES * (sizeof(LINE) - 1))

static const struct {
	size_t broken_from;
	bool short_read;
	enum error_kind kind;
} breaks[] = {
    {0, false, ERROR_IO},
    {1, false, ERROR_IO},
    {6, false, ERROR_IO},
    {BODY / 2, false, ERROR_IO},
    {BODY - 6, false, ERROR_IO},
    {BODY - 2, false, ERROR_IO},
    {BODY - 1, false, ERROR_IO},
    {0, true, ERROR_SYSTEM},
    {BODY - 2, true, ERROR_SYSTEM},
};

static void
source_of_lines(struct source *s, const struct message_store *store)
{
	struct buf bytes;
	size_t i;

	buf_init(&bytes, BODY + 100);
	buf_add_string(&bytes, "A: b\r\n\r\n");
	for (i = 0; i < LINES; i++)
		buf_add_string(&bytes, LINE);
	source_init(s, buf_text(&bytes), store);
	buf_clear(&bytes);
}

static bool
has_end_of_data(const struct buf *out)
{
	return out->len > 0 &&
	       memmem(out->at, out->len, "\r\n.\r\n", 5) != NULL;
}

static void
a_store_that_breaks_ends_no_mail_data(void **state)
{
	struct store store = {.broken_from = SIZE_MAX};
	const struct message_store lent = {
	    .write = store_write, .read = store_read, .arg = &store};
	struct source s;
	struct error e;
	struct wire w;
	struct buf out;
	size_t i;

	(void)state;
	buf_init(&store.bytes, BODY);
	buf_init(&out, 2 * BODY);
	source_of_lines(&s, &lent);
	assert_int_equal(store.bytes.len, BODY);
	for (i = 0; i < COUNT(breaks); i++) {
		store.broken_from = breaks[i].broken_from;
		store.short_read = breaks[i].short_read;
		error_clear(&e);
		buf_reset(&out);
		recode_rewind(s.recode);
		wire_init(&w, s.recode);
		assert_int_equal(pull(&w, 4096, &out, &e), -1);
		assert_int_equal(e.kind, breaks[i].kind);
		assert_false(has_end_of_data(&out));
		/* Nor does another attempt. */
		assert_int_equal(wire_next(&w, 4096, &out, &e), -1);
		assert_false(has_end_of_data(&out));
		assert_false(w.done);

		error_clear(&e);
		buf_reset(&out);
		recode_rewind(s.recode);
		wire_init(&w, s.recode);
		assert_int_equal(
		    wire_chunk(&w, (size_t)recode_size(s.recode), &out, &e),
		    -1);
		assert_int_equal(e.kind, breaks[i].kind);
		assert_true(out.len < recode_size(s.recode));
	}
	/* The same store, mended. */
	store.broken_from = SIZE_MAX;
	error_clear(&e);
	buf_reset(&out);
	recode_rewind(s.recode);
	wire_init(&w, s.recode);
	assert_int_equal(pull(&w, 4096, &out, &e), 0);
	assert_true(has_end_of_data(&out));
	source_clear(&s);
	buf_clear(&out);
	buf_clear(&store.bytes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(dots_are_doubled_in_all_small_bodies),
	    cmocka_unit_test(mail_data_ends_in_one_dot_in_parts_of_any_size),
	    cmocka_unit_test(what_is_in_the_buffer_stays),
	    cmocka_unit_test(a_chunk_has_exactly_its_octets_as_they_are),
	    cmocka_unit_test(a_chunk_goes_over_the_pieces_it_is_read_in),
	    cmocka_unit_test(a_store_that_breaks_ends_no_mail_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
