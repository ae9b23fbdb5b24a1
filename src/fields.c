#include "fields.h"

#include <stdint.h>
#include <string.h>

#include "address.h"
#include "crypt.h"

/* RFC 2047 section 2: octets of an encoded word, and of a line with one. */
#define WORD_MAX      75
#define WORD_LINE_MAX 76
/* Octets of encoded text that every word may have: one character in Q. */
#define WORD_TEXT_MIN 12
/* Where a word would have fewer octets left a line ends before it. */
#define WORD_ROOM_MIN 31

/* Octets of one segment of a parameter (RFC 2231 section 3). */
#define SEGMENT_MAX 700
/* How far a parameter's other form is looked for. */
#define PARAMETERS_SEEN 8192

enum class {
	CLASS_UNSTRUCTURED,
	CLASS_ADDRESSES,
	CLASS_PHRASES,	  /* words, and angle brackets that are none */
	CLASS_PARAMETERS, /* RFC 2045 section 5.1 */
	CLASS_OPAQUE	  /* only comments may hold encoded words */
};

enum piece { PIECE_WHITE, PIECE_COMMENT, PIECE_WORD, PIECE_SPECIAL };

/* What a word of the input stands in. */
enum place { PLACE_TEXT, PLACE_PHRASE, PLACE_COMMENT };

/* A value in its new form. Words to be encoded are collected while only white
 * space parts them, as a reader drops what stands between encoded words. */
struct writer {
	struct buf *out;
	size_t column;
	bool utf8;   /* the value is UTF-8 */
	bool phrase; /* encoded words as RFC 2047 section 5 (3) has them */
	enum place place;
	struct text white;  /* seen, not yet written */
	bool after_encoded; /* the last word came as an encoded word */
	bool collecting;
	struct text lead; /* the white space before what is collected */
	struct buf run;
	bool angle;	     /* behind a '<' */
	bool spread;	     /* a space goes behind each comma */
	bool comments_end;   /* one was not closed, so '(' is no more one */
	bool quotes_end;
	bool encoded;
	bool replaced;
};

/* One field in work. */
struct repair {
	struct message_field *field;
	bool smtputf8;
	bool nul;
	bool encode;
	bool is_long;
	struct fields_remarks *remarks;
};

static const struct {
	const char *name;
	enum class class;
} classes[] = {
    {"From", CLASS_ADDRESSES},
    {"Sender", CLASS_ADDRESSES},
    {"Reply-To", CLASS_ADDRESSES},
    {"To", CLASS_ADDRESSES},
    {"Cc", CLASS_ADDRESSES},
    {"Bcc", CLASS_ADDRESSES},
    {"Resent-From", CLASS_ADDRESSES},
    {"Resent-Sender", CLASS_ADDRESSES},
    {"Resent-Reply-To", CLASS_ADDRESSES},
    {"Resent-To", CLASS_ADDRESSES},
    {"Resent-Cc", CLASS_ADDRESSES},
    {"Resent-Bcc", CLASS_ADDRESSES},
    {"Disposition-Notification-To", CLASS_ADDRESSES},
    {"Mail-Followup-To", CLASS_ADDRESSES},
    {"Mail-Reply-To", CLASS_ADDRESSES},
    {"Keywords", CLASS_PHRASES},
    {"List-ID", CLASS_PHRASES},
    {"Content-Type", CLASS_PARAMETERS},
    {"Content-Disposition", CLASS_PARAMETERS},
    {"Message-ID", CLASS_OPAQUE},
    {"In-Reply-To", CLASS_OPAQUE},
    {"References", CLASS_OPAQUE},
    {"Received", CLASS_OPAQUE},
    {"Return-Path", CLASS_OPAQUE},
    {"Date", CLASS_OPAQUE},
    {"Resent-Date", CLASS_OPAQUE},
    {"Resent-Message-ID", CLASS_OPAQUE},
    {"Expires", CLASS_OPAQUE},
    {"MIME-Version", CLASS_OPAQUE},
    {"Content-Transfer-Encoding", CLASS_OPAQUE},
    {"Content-ID", CLASS_OPAQUE},
    {"Content-Base", CLASS_OPAQUE},
    {"Content-Location", CLASS_OPAQUE},
    {"Content-Language", CLASS_OPAQUE},
    {"Content-MD5", CLASS_OPAQUE},
    {"Auto-Submitted", CLASS_OPAQUE},
    {"Autocrypt", CLASS_OPAQUE},
    {"Authentication-Results", CLASS_OPAQUE},
    {"DKIM-Signature", CLASS_OPAQUE},
    {"Received-SPF", CLASS_OPAQUE},
};

static enum class
class_of(struct text name)
{
	size_t i;

	for (i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		if (text_equal_fold(name, text_of(classes[i].name)))
			return classes[i].class;
	if (text_starts_fold(name, TEXT("List-")) ||
	    text_starts_fold(name, TEXT("ARC-")))
		return CLASS_OPAQUE;
	return CLASS_UNSTRUCTURED;
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t';
}

static bool
is_white(char c)
{
	return is_space(c) || c == '\r' || c == '\n';
}

static bool
is_special(char c)
{
	return c != '\0' && strchr("()<>[]:;@\\,\"", c) != NULL;
}

static bool
is_8bit(char c)
{
	return ((unsigned char)c & 0x80) != 0;
}

static bool
is_continuation(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* How an encoded word is made. */
struct encoding {
	bool utf8;
	bool phrase;
	bool base64;
};

static bool
is_q_plain(char c, bool phrase)
{
	if (text_is_alpha(c) || text_is_digit(c))
		return true;
	if (phrase)
		return c != '\0' && strchr("!*+-/", c) != NULL;
	return c > 32 && c < 127 && strchr("=?_", c) == NULL;
}

static size_t
q_cost(struct text t, bool phrase)
{
	size_t i, cost = 0;

	for (i = 0; i < t.len; i++)
		cost += t.at[i] == ' ' || is_q_plain(t.at[i], phrase) ? 1 : 3;
	return cost;
}

/* Octets of the character at the start of t, which is not empty. */
static size_t
unit_length(struct text t, bool utf8)
{
	size_t n = 1;

	while (utf8 && n < t.len && is_continuation(t.at[n]))
		n++;
	return n;
}

/* How much of t an encoded word stands for whose text has `room` octets. */
static size_t
word_octets(struct text t, const struct encoding *how, size_t room)
{
	struct text unit;
	size_t cost, n;

	if (how->base64) {
		n = room / 4 * 3;
		if (n >= t.len)
			return t.len;
		while (how->utf8 && n > 0 && is_continuation(t.at[n]))
			n--;
		return n;
	}
	for (n = 0; n < t.len; n += unit.len) {
		unit = text_skip(t, n);
		unit = text_first(unit, unit_length(unit, how->utf8));
		cost = q_cost(unit, how->phrase);
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

static const char *
charset(bool utf8)
{
	return utf8 ? "utf-8" : "unknown-8bit";
}

static void
add_word(struct text t, const struct encoding *how, struct buf *out)
{
	buf_format(
	    out, "=?%s?%c?", charset(how->utf8), how->base64 ? 'B' : 'Q');
	if (how->base64)
		crypt_base64(t, out);
	else
		add_q(t, how->phrase, out);
	buf_add_string(out, "?=");
}

static int
encode(struct text t, size_t column, bool utf8, bool phrase, struct buf *out)
{
	struct encoding how = {utf8, phrase, false};
	size_t frame = strlen(charset(utf8)) + strlen("=??Q??=");
	size_t n, room;

	how.base64 = (t.len + 2) / 3 * 4 < q_cost(t, phrase);
	while (t.len > 0) {
		room = WORD_TEXT_MIN;
		if (column + frame + room < WORD_LINE_MAX)
			room = WORD_LINE_MAX - column - frame;
		if (frame + room > WORD_MAX)
			room = WORD_MAX - frame;
		n = word_octets(t, &how, room);
		add_word(text_first(t, n), &how, out);
		t = text_skip(t, n);
		if (t.len > 0)
			buf_add_string(out, "\r\n ");
		column = 1;
	}
	return out->full ? -1 : 0;
}

int
fields_encode(struct text text, size_t column, bool phrase, struct buf *out)
{
	return encode(text, column, text_is_utf8(text), phrase, out);
}

static bool
is_charset(char c)
{
	return (unsigned char)c > 32 && c != 127 && c != '?' &&
	       (c == ':' || !is_special(c));
}

static bool
is_encoded_text(char c)
{
	return (unsigned char)c > 32 && c != 127 && c != '?';
}

/* Octets of the encoded word at the start of t, or 0; as the address room
 * reads it, or the two would cut a phrase at different places. */
static size_t
encoded_word(struct text t)
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

static void
note_column(struct writer *w, struct text written)
{
	size_t i;

	for (i = written.len; i > 0 && written.at[i - 1] != '\n'; i--)
		continue;
	w->column = i > 0 ? written.len - i : w->column + written.len;
}

static void
put(struct writer *w, struct text t)
{
	buf_add_text(w->out, t);
	note_column(w, t);
}

/* What was put off, and what comes as it is. */
static void
put_plain(struct writer *w, struct text t)
{
	put(w, w->white);
	w->white = text_of(NULL);
	put(w, t);
}

static void
collect_unfolded(struct writer *w, struct text t)
{
	size_t i;

	for (i = 0; i < t.len; i++)
		if (t.at[i] != '\r' && t.at[i] != '\n')
			buf_add_char(&w->run, t.at[i]);
}

/* A word without its quotes and backslashes. */
static void
collect_word(struct writer *w, struct text t)
{
	bool quoted = w->place == PLACE_COMMENT;
	size_t i;

	if (w->place == PLACE_TEXT) {
		buf_add_text(&w->run, t);
		return;
	}
	for (i = 0; i < t.len; i++) {
		if (w->place == PLACE_PHRASE && t.at[i] == '"') {
			quoted = !quoted;
			continue;
		}
		if (quoted && t.at[i] == '\\' && i + 1 < t.len)
			i++;
		collect_unfolded(w, text_first(text_skip(t, i), 1));
	}
}

static bool
needs_space(const struct writer *w)
{
	const struct buf *out = w->out;

	return w->place != PLACE_COMMENT &&
	       (out->len == 0 || !is_space(out->at[out->len - 1]));
}

/* Writes what was collected. */
static void
close_run(struct writer *w)
{
	size_t before;

	if (!w->collecting)
		return;
	w->collecting = false;
	w->encoded = true;
	if (w->lead.len == 0 && needs_space(w))
		w->lead = TEXT(" ");
	if (w->lead.len > 0 && text_find(w->lead, '\n') == w->lead.len &&
	    w->column + w->lead.len + WORD_ROOM_MIN > WORD_LINE_MAX)
		put(w, TEXT("\r\n"));
	put(w, w->lead);
	before = w->out->len;
	encode(buf_text(&w->run), w->column, w->utf8,
	    w->phrase || w->place != PLACE_TEXT, w->out);
	buf_reset(&w->run);
	note_column(w, text_skip(buf_text(w->out), before));
}

/* The same before what must not touch an encoded word. */
static void
close_run_apart(struct writer *w)
{
	if (w->collecting && w->white.len == 0)
		w->white = TEXT(" ");
	close_run(w);
	w->after_encoded = false;
}

static void
take_plain_word(struct writer *w, struct text word)
{
	bool encoded = encoded_word(word) == word.len;

	if (w->collecting && encoded)
		collect_unfolded(w, w->white);
	close_run(w);
	put_plain(w, word);
	w->after_encoded = encoded;
}

static void
take_word(struct writer *w, struct text word)
{
	if (!text_has_8bit(word)) {
		take_plain_word(w, word);
		return;
	}
	if (!w->collecting)
		w->lead = w->white;
	if (w->collecting || w->after_encoded)
		collect_unfolded(w, w->white);
	w->white = text_of(NULL);
	w->collecting = true;
	w->after_encoded = false;
	collect_word(w, word);
}

static size_t
white_length(struct text t)
{
	size_t n;

	for (n = 0; n < t.len && is_white(t.at[n]); n++)
		continue;
	return n;
}

static struct text
cut(struct text *rest, size_t n)
{
	struct text piece = text_first(*rest, n);

	*rest = text_skip(*rest, n);
	return piece;
}

static void
write_text(struct writer *w, struct text rest)
{
	size_t n;

	while (rest.len > 0) {
		w->white = cut(&rest, white_length(rest));
		for (n = 0; n < rest.len && !is_white(rest.at[n]); n++)
			continue;
		if (n > 0)
			take_word(w, cut(&rest, n));
	}
	close_run(w);
	put_plain(w, text_of(NULL));
}

/* Octets of the comment at the start of t; 0 where it is not closed. */
static size_t
comment_length(struct text t)
{
	size_t i, depth = 0;

	for (i = 0; i < t.len; i++) {
		if (t.at[i] == '\\')
			i++;
		else if (t.at[i] == '(')
			depth++;
		else if (t.at[i] == ')' && --depth == 0)
			return i + 1;
	}
	return 0;
}

static size_t
quoted_length(struct text t)
{
	size_t i;

	for (i = 1; i < t.len; i++) {
		if (t.at[i] == '\\')
			i++;
		else if (t.at[i] == '"')
			return i + 1;
	}
	return 0;
}

/* Atoms, quoted strings and dots without white space between them. */
static size_t
word_length(struct writer *w, struct text t)
{
	size_t n, at = 0;

	while (at < t.len && !is_white(t.at[at])) {
		n = 1;
		if (t.at[at] == '"') {
			n = w->quotes_end ? 0 : quoted_length(text_skip(t, at));
			w->quotes_end = n == 0;
		} else if (is_special(t.at[at]))
			n = 0;
		else if (t.at[at] == '=')
			n = encoded_word(text_skip(t, at));
		if (n == 0 && t.at[at] != '=')
			break;
		at += n == 0 ? 1 : n;
	}
	return at;
}

static enum piece
next_piece(struct writer *w, struct text *rest, struct text *piece)
{
	enum piece kind = PIECE_WHITE;
	size_t n = white_length(*rest);

	if (n == 0 && rest->at[0] == '(' && !w->comments_end) {
		n = comment_length(*rest);
		w->comments_end = n == 0;
		kind = PIECE_COMMENT;
	}
	if (n == 0) {
		n = word_length(w, *rest);
		kind = PIECE_WORD;
	}
	if (n == 0) {
		n = 1;
		kind = PIECE_SPECIAL;
	}
	*piece = cut(rest, n);
	return kind;
}

static size_t
comment_word_length(struct text t)
{
	size_t n;

	for (n = 0; n < t.len; n++) {
		if (t.at[n] == '\\' && n + 1 < t.len && t.at[n + 1] != '\r')
			n++;
		else if (is_white(t.at[n]) || t.at[n] == '(' || t.at[n] == ')')
			break;
	}
	return n;
}

static void
write_comment(struct writer *w, struct text rest)
{
	enum place before = w->place;
	size_t n;

	close_run_apart(w);
	w->place = PLACE_COMMENT;
	while (rest.len > 0) {
		n = comment_word_length(rest);
		if (n > 0)
			take_word(w, cut(&rest, n));
		else if (is_white(rest.at[0]))
			w->white = cut(&rest, white_length(rest));
		else {
			close_run(w);
			put_plain(w, cut(&rest, 1));
			w->after_encoded = false;
		}
	}
	w->place = before;
}

static void
put_replaced(struct writer *w, struct text t)
{
	size_t i;

	put_plain(w, text_of(NULL));
	for (i = 0; i < t.len; i++) {
		buf_add_char(w->out, is_8bit(t.at[i]) ? '?' : t.at[i]);
		w->replaced |= is_8bit(t.at[i]);
	}
	note_column(w, text_skip(buf_text(w->out), w->out->len - t.len));
}

static void
put_special(struct writer *w, struct text special)
{
	close_run_apart(w);
	put_plain(w, special);
	if (special.at[0] == '<')
		w->angle = true;
	else if (special.at[0] == '>')
		w->angle = false;
	else if (special.at[0] == ',' && w->spread)
		w->white = TEXT(" ");
}

/* phrases: words outside of angle brackets may become encoded words. */
static void
write_structured(struct writer *w, struct text rest, bool phrases)
{
	struct text piece;

	while (rest.len > 0) {
		switch (next_piece(w, &rest, &piece)) {
		case PIECE_WHITE:
			w->white = piece;
			break;
		case PIECE_COMMENT:
			write_comment(w, piece);
			break;
		case PIECE_WORD:
			if (phrases && !w->angle)
				take_word(w, piece);
			else
				put_replaced(w, piece);
			break;
		case PIECE_SPECIAL:
			put_special(w, piece);
			break;
		}
	}
}

static void
end_structured(struct writer *w)
{
	close_run(w);
	put_plain(w, text_of(NULL));
}
