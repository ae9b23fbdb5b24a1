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
		if (apart && w->white.len == 0)
			w->white = TEXT(" ");
	}
	if (apart)
		w->after_encoded = false;
}

void
writer_add(struct writer *w, struct text t, bool apart)
{
	writer_close(w, apart);
	put_white(w);
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
	w->after_encoded = encoded;
}

/* The white space before an encoded word, which must stand apart but for the
 * parentheses of a comment. */
static void
put_lead(struct writer *w, enum writer_place place)
{
	const struct buf *out = w->out;

	if (w->white.len == 0 && place != WRITER_COMMENT &&
	    !text_is_blank(out->at[out->len - 1]))
		w->white = TEXT(" ");
	if (w->white.len > 0 && text_find(w->white, '\n') == w->white.len &&
	    column(out) + w->white.len + ROOM_MIN > WORD_LINE_MAX)
		buf_add_string(w->out, "\r\n");
	buf_add_text(w->out, w->white);
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
