#include "../unit.h"

#include "message/lines.h"

/* What lines.h says, an octet at a time. */
static size_t
expect(struct text in, char *out)
{
	size_t i, n = 0;
	char c;

	for (i = 0; i < in.len; i++) {
		c = in.at[i];
		if (c == '\r' && i + 1 < in.len && in.at[i + 1] == '\n')
			continue;
		if (c == '\n')
			out[n++] = '\r';
		out[n++] = c;
	}
	if (in.len > 0 && in.at[in.len - 1] != '\n') {
		out[n++] = '\r';
		out[n++] = '\n';
	}
	return n;
}

static bool
holds_bare_cr(struct text t)
{
	size_t i;

	for (i = 0; i + 1 < t.len; i++)
		if (t.at[i] == '\r' && t.at[i + 1] != '\n')
			return true;
	return false;
}

/* In memory of its own, so that no octet behind either is touched. */
static size_t
copy_one(struct lines *l, struct text in, size_t size, struct buf *out)
{
	char *from = malloc(in.len + 1), *to = malloc(size + 1);
	struct text one = {from + 1, in.len};
	size_t n;

	assert_true(from != NULL && to != NULL);
	if (in.len > 0)
		memcpy(from + 1, in.at, in.len);
	n = lines_copy(l, one, to + 1, size);
	if (n <= size)
		buf_add(out, to + 1, n);
	free(from);
	free(to);
	return n;
}

static void
check_pieces(struct text in, size_t first, size_t piece)
{
	struct lines l = {.cr = false}, passed;
	char *expected = malloc(2 * in.len + 3);
	size_t n, before;
	struct text rest, one;
	struct buf out;

	buf_init(&out, SIZE_MAX / 4);
	assert_non_null(expected);
	for (rest = in; rest.len > 0; rest = text_skip(rest, one.len)) {
		one = text_first(rest, rest.len == in.len ? first : piece);
		passed = l;
		before = out.len;
		n = copy_one(&l, one, LINES_ROOM(one.len), &out);
		assert_int_equal(n, out.len - before);
		if (!lines_are_plain(&passed, one))
			continue;
		assert_int_equal(lines_pass(&passed, one), n);
		assert_int_equal(passed.over, l.over);
		assert_int_equal(passed.column, l.column);
		assert_int_equal(passed.unended, l.unended);
	}
	lines_end(&l, &out);
	n = expect(in, expected);
	assert_int_equal(l.bare, holds_bare_cr((struct text){expected, n}));
	if (out.len != n || memcmp(out.at, expected, n) != 0)
		fail_msg("%zu octets, the first %zu apart", in.len, first);
	free(expected);
	buf_clear(&out);
}

static void
ends_become_canonical(void **state)
{
	static const char octets[] = {'x', '\r', '\n', '\0'};
	char in[7];
	size_t number, left, len, first;

	(void)state;
	for (len = 1; len <= sizeof(in); len++) {
		for (number = 0; number < (size_t)1 << (2 * len); number++) {
			for (left = number, first = 0; first < len; first++) {
				in[first] = octets[left % 4];
				left /= 4;
			}
			for (first = 1; first <= len; first++)
				check_pieces(
				    (struct text){in, len}, first, SIZE_MAX);
			check_pieces((struct text){in, len}, 1, 1);
		}
	}
}

/* Lines of all lengths, so that ends stand at every place of every row. */
static void
many_lines_at_once(void **state)
{
	static const char *const ends[] = {"\n", "\r\n", "\r\r\n", "\rx\n"};
	struct buf in;
	size_t i, line, column;

	(void)state;
	buf_init(&in, 1024 * 1024);
	for (i = 0; i < COUNT(ends); i++) {
		buf_reset(&in);
		for (line = 0; line < 600; line++) {
			for (column = 0; column < line % 100; column++)
				buf_add_char(&in, 'a');
			buf_add_string(&in, ends[i]);
		}
		for (line = 1; line < 70; line++)
			check_pieces(buf_text(&in), line, 8191);
		check_pieces(buf_text(&in), SIZE_MAX, 1);
	}
	buf_clear(&in);
}

static void
room_is_kept(void **state)
{
	static const struct text inputs[] = {TEXT("\n\n\n"), TEXT("ab\ncd\n"),
	    TEXT("\r\r\r"), TEXT("a\rb\r\nc"), TEXT("xyz"), TEXT("x\r\n\r\n")};
	struct lines l;
	struct buf out;
	size_t i, size, n;

	(void)state;
	buf_init(&out, 1024);
	for (i = 0; i < COUNT(inputs); i++) {
		l = (struct lines){.cr = false};
		n = copy_one(&l, inputs[i], 100, &out);
		for (size = 0; size < n + LINES_SLACK; size++) {
			l = (struct lines){.cr = false};
			if (copy_one(&l, inputs[i], size, &out) <= size)
				assert_true(size >= n);
		}
		l = (struct lines){.cr = false};
		assert_int_equal(
		    copy_one(&l, inputs[i], n + LINES_SLACK, &out), n);
	}
	buf_clear(&out);
}

static void
long_lines_are_seen(void **state)
{
	static const struct {
		const char *before, *end;
		size_t more; /* octets of the line that these two make */
	} forms[] = {{"", "\n", 0}, {"", "\r\n", 0}, {"", "", 0}, {"", "\r", 1},
	    {"", "\r\r\n", 1}, {"a\n\nb\n", "\n", 0}, {"a\r\n", "\r\n", 0},
	    {"a\rb\n", "\nc", 0}};
	struct lines l;
	struct buf in, out;
	struct text rest, one;
	size_t i, len, piece;

	(void)state;
	buf_init(&in, 4096);
	buf_init(&out, 8192);
	for (i = 0; i < COUNT(forms); i++) {
		for (len = 990; len < 1010; len++) {
			buf_reset(&in);
			buf_add_string(&in, forms[i].before);
			while (in.len < strlen(forms[i].before) + len)
				buf_add_char(&in, 'x');
			buf_add_string(&in, forms[i].end);
			for (piece = 1; piece < 1200; piece += 7) {
				l = (struct lines){.cr = false};
				buf_reset(&out);
				rest = buf_text(&in);
				for (; rest.len > 0;
				     rest = text_skip(rest, piece)) {
					one = text_first(rest, piece);
					lines_add(&l, one, &out);
				}
				lines_end(&l, &out);
				assert_int_equal(
				    l.over, len + forms[i].more > LINES_MAX);
			}
		}
	}
	buf_clear(&in);
	buf_clear(&out);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ends_become_canonical),
	    cmocka_unit_test(many_lines_at_once),
	    cmocka_unit_test(room_is_kept),
	    cmocka_unit_test(long_lines_are_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
