#include "message/writer.h"

#include "message/token.h"
#include "message/word.h"

/* A line ends before a word that would have fewer octets left in it. */
#define ROOM_MIN 31

/* Octets of the last line, as far as a line with an encoded word goes. */
static size_t
column(const struct buf *out)
{
	size_t n;

	for (n = 0; n < out->len && n < WORD_LINE_MAX; n++)
		if (out->at[out->len - n - 1] == '\n')
			break;
	return n;
}

static void
put_white(struct writer *w)
{
	if (w->white.len > 0)
		w->tight = false;
	buf_add_text(w->out, w->white);
	w->white = text_of(NULL);
}

/* What stands for the octets of t in a line, also between quotes. */
static void
collect(struct writer *w, struct text t, bool quoted)
{
	char c;

	while (t.len > 0) {
		c = t.at[0];
		if (!quoted)
			t = text_skip(t, 1);
		else
			token_unquote(&t, &c, NULL);
		if (c != '\r' && c != '\n')
			buf_add_char(&w->run, c);
	}
}

void
writer_read_word(struct writer *w, struct text word, enum writer_place place)
{
	struct lexer lexer = {.rest = word};
	struct token token;

	if (place != WRITER_PHRASE) {
		collect(w, word, place == WRITER_COMMENT);
		return;
	}
	while (token_next(&lexer, &token)) {
		if (token.kind == TOKEN_QUOTED)
			collect(w, token_inside(token.text), true);
		else
			collect(w, token.text, false);
	}
}

void
writer_close(struct writer *w, bool apart)
{
	if (w->run.len > 0) {
		word_encode(buf_text(&w->run), w->how, column(w->out), w->out);
		buf_reset(&w->run);
		w->tight = true;
		if (apart && w->white.len == 0)
			w->white = TEXT(" ");
	}
	if (apart)
		w->after_encoded = false;
}

void
writer_begin(struct writer *w, size_t octets, bool apart)
{
	writer_close(w, apart);
	/* White space may stand between any two tokens, for a line to end. */
	if (w->tight && w->white.len == 0 &&
	    column(w->out) + octets > WORD_LINE_MAX - 1)
		w->white = TEXT(" ");
	put_white(w);
}

void
writer_add(struct writer *w, struct text t, bool apart)
{
	writer_begin(w, t.len, apart);
	buf_add_text(w->out, t);
	w->after_encoded = false;
}

void
writer_end(struct writer *w)
{
	writer_close(w, false);
	put_white(w);
}

void
writer_add_word(struct writer *w, struct text word)
{
	bool encoded = word_length(word) == word.len;

	if (w->run.len > 0 && encoded)
		collect(w, w->white, false);
	writer_add(w, word, false);
	w->after_encoded = w->tight = encoded;
}

/* Ends the line at the white space if it would have fewer octets left behind
 * it. So much white space that a new line has not enough left becomes one
 * blank. */
static void
break_line(struct writer *w, size_t octets)
{
	size_t feed = text_find_last(w->white, '\n');
	size_t blanks = w->white.len, before = column(w->out);

	if (feed < w->white.len) {
		blanks -= feed + 1;
		before = 0;
	}
	if (blanks == 0 || before + blanks + octets <= WORD_LINE_MAX)
		return;
	buf_add_text(w->out, text_first(w->white, w->white.len - blanks));
	if (feed == w->white.len)
		buf_add_string(w->out, "\r\n");
	w->white = text_skip(w->white, w->white.len - blanks);
	if (blanks + octets > WORD_LINE_MAX)
		w->white = text_first(w->white, 1);
}

void
writer_make_room(struct writer *w)
{
	writer_close(w, false);
	break_line(w, 1 + ROOM_MIN);
}

/* The white space before an encoded word, which must stand apart but for the
 * parentheses of a comment. */
static void
put_lead(struct writer *w, enum writer_place place)
{
	const struct buf *out = w->out;

	if (w->white.len == 0 && !text_is_blank(out->at[out->len - 1]) &&
	    (place != WRITER_COMMENT || column(out) + ROOM_MIN > WORD_LINE_MAX))
		w->white = TEXT(" ");
	break_line(w, ROOM_MIN);
	put_white(w);
}

void
writer_encode_word(struct writer *w, struct text word, enum writer_place place)
{
	bool first = w->run.len == 0;

	if (!first || w->after_encoded)
		collect(w, w->white, false);
	if (first)
		put_lead(w, place);
	w->white = text_of(NULL);
	w->after_encoded = false;
	writer_read_word(w, word, place);
}
