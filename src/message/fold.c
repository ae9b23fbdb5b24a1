#include "message/fold.h"

#include "message/word.h"

/* How far before the limit a word may be cut. */
#define CUT_BACK 16

/* A value being folded. */
struct folder {
	struct buf *out;
	size_t column;
	bool named; /* the line begins with the field's name */
	bool may_cut;
};

/* A backslash must not lose the blank behind it. */
static bool
is_escape(const struct folder *f, char c)
{
	return !f->may_cut && c == '\\';
}

static struct text
trim_end(const struct folder *f, struct text line)
{
	while (line.len > 1 && text_is_blank(line.at[line.len - 1]) &&
	       !is_escape(f, line.at[line.len - 2]))
		line.len--;
	return line;
}

/* Whether a line may end before its byte at `at', which is not the first. */
static bool
may_break(const struct folder *f, struct text line, size_t at)
{
	return text_is_blank(line.at[at]) && !text_is_blank(line.at[at - 1]) &&
	       !is_escape(f, line.at[at - 1]);
}

/* Octets of the first word, or more than fit into a line. */
static size_t
count_word(const struct folder *f, struct text t)
{
	size_t n;

	for (n = 0; n < t.len && n < LINES_MAX; n++)
		if (n > 0 && may_break(f, t, n))
			break;
	return n;
}

static void
fold_add(struct folder *f, struct text t)
{
	buf_add_text(f->out, t);
	f->column += t.len;
}

/* Blanks that leave no room for the word behind them become one. */
static struct text
begin_line(struct folder *f, struct text rest, size_t limit)
{
	size_t blanks = text_white(rest);

	f->column = 0;
	f->named = false;
	if (blanks > 1 &&
	    blanks + count_word(f, text_skip(rest, blanks)) > limit)
		return text_skip(rest, blanks - 1);
	return rest;
}

/* Not inside a character, nor where a part would look like an encoded word. */
static size_t
cut_length(struct text line, size_t limit)
{
	size_t n = limit;

	while (n > limit - CUT_BACK &&
	       (line.at[n] == '=' || line.at[n - 1] == '='))
		n--;
	return text_cut(line, n);
}

/* How much of an over-long line goes on it. */
static size_t
line_length(const struct folder *f, struct text line)
{
	size_t limit = LINES_MAX - f->column, blanks = text_white(line), n;
	struct text word = text_skip(line, blanks);

	for (n = limit; n > 0 && !may_break(f, line, n); n--)
		continue;
	if (n > 0)
		return n;
	if (f->named &&
	    (count_word(f, word) < LINES_MAX || blanks + CUT_BACK + 3 >= limit))
		return 0;
	n = word_length(word);
	if (f->may_cut &&
	    (n == 0 || (n < word.len && !text_is_blank(word.at[n]))))
		return cut_length(line, limit);
	for (n = limit + 1; n < line.len && !may_break(f, line, n); n++)
		continue;
	return n;
}

static void
fold_line(struct folder *f, struct text line)
{
	size_t n;

	line = trim_end(f, line);
	if (!f->named)
		line = begin_line(f, line, LINES_MAX);
	while (line.len > 0 && f->column + line.len > LINES_MAX) {
		n = line_length(f, line);
		fold_add(f, text_first(line, n));
		line = text_skip(line, n);
		if (line.len == 0)
			return;
		buf_add_string(f->out, "\r\n");
		line = begin_line(f, line, LINES_MAX);
		if (!text_is_blank(line.at[0]))
			fold_add(f, TEXT(" "));
	}
	fold_add(f, line);
}

/* How much of a line goes on the first, where encoded words are in it. */
static size_t
word_line_length(const struct folder *f, struct text line)
{
	size_t n, fit = 0;

	for (n = 1; n < line.len; n++) {
		if (!may_break(f, line, n))
			continue;
		if (f->column + n > WORD_LINE_MAX)
			break;
		fit = n;
	}
	if (fit > 0)
		return fit;
	/* Its first word alone: what stands before it is the field's name. */
	if (f->named && text_is_blank(line.at[0]) &&
	    n - text_white(line) < WORD_LINE_MAX)
		return 0;
	return n;
}

/* Writes of a line what must be folded for its encoded words; returns the rest.
 */
static struct text
fold_words(struct folder *f, struct text line)
{
	size_t n, last = 0;
	struct text piece;

	if (f->column + line.len > WORD_LINE_MAX)
		last = word_find_last(line);
	if (last > 0) {
		piece = trim_end(f, line);
		last -= line.len - piece.len;
		line = piece;
	}
	while (last > 0 && line.len >= last &&
	       f->column + line.len > WORD_LINE_MAX) {
		n = word_line_length(f, line);
		if (n == line.len)
			break;
		piece = text_first(line, n);
		if (f->column + n > LINES_MAX)
			fold_line(f, piece);
		else
			fold_add(f, piece);
		buf_add_string(f->out, "\r\n");
		line = begin_line(f, text_skip(line, n), WORD_LINE_MAX);
	}
	return line;
}

void
fold_value(struct text value, size_t column, bool may_cut, struct buf *out)
{
	struct folder f = {
	    .out = out, .column = column, .named = true, .may_cut = may_cut};
	struct text line;

	while (text_next_line(&value, &line)) {
		line = fold_words(&f, line);
		if (f.column + line.len > LINES_MAX)
			fold_line(&f, line);
		else
			fold_add(&f, line);
		if (value.len > 0)
			buf_add_string(out, "\r\n");
		f.column = 0;
		f.named = false;
	}
}
