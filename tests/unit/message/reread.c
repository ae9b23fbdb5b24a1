#include "../unit.h"

#include "message/reread.h"

/* What was given, and may be read again. */
struct source {
	struct buf bytes;
	size_t read_max;
	bool fails;
};

static long
read_source(void *arg, unsigned long long offset, char *bytes, size_t size,
    struct error *e)
{
	struct source *s = arg;
	struct text rest;

	if (s->fails)
		return error_set(e, ERROR_SYSTEM, NULL, "cannot be read");
	rest = text_skip(buf_text(&s->bytes), (size_t)offset);
	rest = text_first(rest, size < s->read_max ? size : s->read_max);
	if (rest.len > 0)
		memcpy(bytes, rest.at, rest.len);
	return (long)rest.len;
}

/* Adds what the source holds from `skipped' on, in blocks of that size, and
 * what it is in canonical form. */
static void
add_all(struct reread *r, struct source *s, size_t skipped, size_t block,
    struct buf *expected)
{
	struct lines l = {.cr = false}, same = l;
	struct text one, rest = text_skip(buf_text(&s->bytes), skipped);

	reread_init(r, read_source, s);
	buf_reset(expected);
	lines_add(&same, rest, expected);
	lines_end(&same, expected);
	for (; rest.len > 0; rest = text_skip(rest, block)) {
		one = text_first(rest, block);
		reread_add(r, &l, (size_t)(one.at - s->bytes.at), one,
		    reread_sum(one));
	}
	reread_end(r, &l);
	assert_int_equal(r->size, expected->len);
}

static void
check_from(struct reread *r, size_t at, size_t size, struct text expected)
{
	struct error e;
	char *out;
	long n;

	error_clear(&e);
	out = malloc(size);
	assert_non_null(out);
	for (; at < expected.len; at += (size_t)n) {
		n = reread_read(r, at, out, size, &e);
		assert_true(n > 0 && (size_t)n <= expected.len - at);
		assert_memory_equal(out, expected.at + at, (size_t)n);
	}
	assert_int_equal(reread_read(r, at, out, size, &e), 0);
	assert_int_equal(e.kind, ERROR_NONE);
	free(out);
}

static const struct text bodies[] = {TEXT("a\nbc\n\n.\nd\n"),
    TEXT("a\r\nb\rc\r\r\nd\n\r"), TEXT("\r\n\r\n\r\n"), TEXT("x\0\n\0\r\ny"),
    TEXT("\n"), TEXT("no end")};

static void
all_is_read_as_it_was(void **state)
{
	static const size_t sizes[] = {1, 2, 3, 5, 7, 100};
	struct source s = {.read_max = 3};
	struct buf expected;
	struct reread r;
	size_t i, block, at, j;

	(void)state;
	buf_init(&s.bytes, 1024);
	buf_init(&expected, 1024);
	for (i = 0; i < COUNT(bodies); i++) {
		buf_reset(&s.bytes);
		buf_add_string(&s.bytes, "head");
		buf_add_text(&s.bytes, bodies[i]);
		for (block = 1; block < 12; block++) {
			add_all(&r, &s, 4, block, &expected);
			for (at = 0; at <= expected.len; at++)
				for (j = 0; j < COUNT(sizes); j++)
					check_from(&r, at, sizes[j],
					    buf_text(&expected));
			reread_clear(&r);
		}
	}
	buf_clear(&s.bytes);
	buf_clear(&expected);
}

/* Fills the source with more than a few blocks hold. */
static void
fill(struct source *s)
{
	size_t line;

	buf_init(&s->bytes, 1024 * 1024);
	for (line = 0; s->bytes.len < 5 * REREAD_BLOCK; line++)
		buf_format(&s->bytes, "%zu%s", line * line,
		    line % 5000 == 0 ? "\r\n" : "\n");
}

static void
large_blocks(void **state)
{
	static const size_t sizes[] = {1000, REREAD_BLOCK, 65536, 262144};
	struct source s = {.read_max = SIZE_MAX};
	struct buf expected;
	struct reread r;
	size_t i;

	(void)state;
	fill(&s);
	buf_init(&expected, 1024 * 1024);
	add_all(&r, &s, 0, REREAD_BLOCK, &expected);
	for (i = 0; i < COUNT(sizes); i++)
		check_from(&r, i, sizes[i], buf_text(&expected));
	reread_clear(&r);
	buf_clear(&s.bytes);
	buf_clear(&expected);
}

/* -1 with that error when all is read, `size' octets at a time. */
static void
check_fails_by(struct reread *r, size_t size, enum error_kind kind)
{
	unsigned long long at = 0;
	struct error e;
	char out[1024];
	long n;

	error_clear(&e);
	do {
		n = reread_read(r, at, out, size, &e);
		at += n > 0 ? (unsigned long long)n : 0;
	} while (n > 0);
	assert_int_equal(n, -1);
	assert_int_equal(e.kind, kind);
}

static void
check_fails(struct reread *r, enum error_kind kind)
{
	check_fails_by(r, 64, kind);
}

static void
swap(char *a, char *b)
{
	char kept = *a;

	*a = *b;
	*b = kept;
}

static void
a_change_is_seen(void **state)
{
	struct source s = {.read_max = SIZE_MAX};
	struct buf expected;
	struct reread r;
	size_t i, j;
	char *at;

	(void)state;
	buf_init(&s.bytes, 1024);
	buf_init(&expected, 1024);
	for (i = 0; i < 90; i++)
		buf_format(&s.bytes, "%zu\n", i);
	add_all(&r, &s, 0, 100, &expected);
	at = s.bytes.at;
	for (i = 0; i < s.bytes.len; i++) {
		at[i]++;
		check_fails(&r, ERROR_IO);
		at[i]--;
		/* Two columns, and two rows, that change places. */
		for (j = 1; j <= 64 && i + j < s.bytes.len; j++) {
			if (at[i] == at[i + j] || i / 100 != (i + j) / 100)
				continue;
			swap(at + i, at + i + j);
			check_fails(&r, ERROR_IO);
			swap(at + i, at + i + j);
		}
	}
	s.bytes.len--;
	check_fails(&r, ERROR_IO);
	s.bytes.len -= 150;
	check_fails(&r, ERROR_IO);
	s.fails = true;
	check_fails(&r, ERROR_SYSTEM);
	reread_clear(&r);
	buf_clear(&s.bytes);
	buf_clear(&expected);
}

/* A bare CR that was none before: nobody would make a space of it. The three
 * octets of one column leave the sums as they were. */
static void
a_new_bare_cr_is_seen(void **state)
{
	static const size_t sizes[] = {64, 1024};
	struct source s = {.read_max = SIZE_MAX};
	struct buf expected;
	struct reread r;
	size_t i;

	(void)state;
	buf_init(&s.bytes, 1024);
	buf_init(&expected, 1024);
	buf_add_char(&s.bytes, '\f');
	for (i = 1; i < 200; i++)
		buf_add_char(&s.bytes, i % 10 == 9 ? '\n' : 'x');
	for (i = 0; i < COUNT(sizes); i++) {
		add_all(&r, &s, 0, 100, &expected);
		s.bytes.at[0] = '\r';
		s.bytes.at[32] -= 2;
		s.bytes.at[64]++;
		check_fails_by(&r, sizes[i], ERROR_IO);
		s.bytes.at[0] = '\f';
		s.bytes.at[32] += 2;
		s.bytes.at[64]--;
		reread_clear(&r);
	}
	buf_clear(&s.bytes);
	buf_clear(&expected);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(all_is_read_as_it_was),
	    cmocka_unit_test(large_blocks),
	    cmocka_unit_test(a_change_is_seen),
	    cmocka_unit_test(a_new_bare_cr_is_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
