#include "message/word.h"

#include <string.h>

#include "base/crypt.h"

/* Octets of encoded text that every word may have: one character in Q. */
#define TEXT_MIN 12

static bool
is_encoded_text(char c)
{
	return (unsigned char)c > 32 && c != 127 && c != '?';
}

static bool
is_charset(char c)
{
	return is_encoded_text(c) && strchr("()<>[];@\\,\"", c) == NULL;
}

size_t
word_length(struct text t)
{
	size_t at;
	char c;

	if (t.len < 2 || t.at[0] != '=' || t.at[1] != '?')
		return 0;
	for (at = 2; at < t.len && is_charset(t.at[at]); at++)
		continue;
	if (at + 3 > t.len || t.at[at] != '?' || t.at[at + 2] != '?')
		return 0;
	c = text_lower(t.at[at + 1]);
	if (c != 'q' && c != 'b')
		return 0;
	for (at += 3; at < t.len && is_encoded_text(t.at[at]); at++)
		continue;
	if (at + 2 > t.len || t.at[at] != '?' || t.at[at + 1] != '=')
		return 0;
	return at + 2;
}

size_t
word_find_last(struct text t)
{
	size_t n, found = 0;

	while (t.len > 0) {
		t = text_skip(t, text_find(t, '='));
		n = word_length(t);
		if (n > 0)
			found = t.len;
		t = text_skip(t, n > 0 ? n : 1);
	}
	return found;
}

static bool
is_q_plain(char c, bool phrase)
{
	if (text_is_alpha(c) || text_is_digit(c))
		return true;
	if (phrase)
		return c != '\0' && strchr("!*+-/", c) != NULL;
	return c > 32 && c < 127 && strchr("=?_", c) == NULL;
}

/* Octets of t that Q makes at most `room' octets of. */
static size_t
q_fit(struct text t, bool phrase, size_t room)
{
	size_t cost, n;

	for (n = 0; n < t.len; n++) {
		cost = t.at[n] == ' ' || is_q_plain(t.at[n], phrase) ? 1 : 3;
		if (cost > room)
			break;
		room -= cost;
	}
	return n;
}

static void
add_q(struct text t, bool phrase, struct buf *out)
{
	size_t i;

	for (i = 0; i < t.len; i++) {
		if (t.at[i] == ' ')
			buf_add_char(out, '_');
		else if (is_q_plain(t.at[i], phrase))
			buf_add_char(out, t.at[i]);
		else
			buf_format(out, "=%02X", (unsigned char)t.at[i]);
	}
}

int
word_encode(struct text t, unsigned how, size_t column, struct buf *out)
{
	bool utf8 = (how & WORD_UTF8) != 0, phrase = (how & WORD_PHRASE) != 0;
	bool base64 = q_fit(t, phrase, (t.len + 2) / 3 * 4) < t.len;
	const char *charset = utf8 ? "utf-8" : "unknown-8bit";
	size_t frame = strlen("=?"
			      "?Q?"
			      "?=") +
		       strlen(charset);
	size_t n, room;

	if (column == 0)
		column = 1; /* a word has at most 75 octets */
	for (; t.len > 0; column = 1) {
		room = TEXT_MIN;
		if (column + frame + room < WORD_LINE_MAX)
			room = WORD_LINE_MAX - column - frame;
		n = base64 ? room / 4 * 3 : q_fit(t, phrase, room);
		if (utf8)
			n = text_cut(t, n);
		buf_format(out, "=?%s?%c?", charset, base64 ? 'B' : 'Q');
		if (base64)
			crypt_base64(text_first(t, n), out);
		else
			add_q(text_first(t, n), phrase, out);
		t = text_skip(t, n);
		buf_add_string(out, t.len > 0 ? "?=\r\n " : "?=");
	}
	return out->full ? -1 : 0;
}
