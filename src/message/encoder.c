#include "message/encoder.h"

#include <string.h>

#include "base/crypt.h"

#define QP_LINE	    75 /* RFC 2045 section 6.7 (5), and "=" */
#define BASE64_LINE 57 /* octets that make a line of BASE64_WIDTH */

#define BASE64_WIDTH 76 /* RFC 2045 section 6.8 */

void
encoder_init(struct encoder *en, bool eightbit, bool composite)
{
	en->eightbit = eightbit;
	en->composite = composite;
	buf_init(&en->base64, ENCODER_OUT);
}

void
encoder_clear(struct encoder *en)
{
	buf_clear(&en->base64);
}

void
encoder_begin(struct encoder *en, enum encoder_form form)
{
	en->form = form;
	en->column = 0;
	en->out_len = 0;
}

static void
put(struct encoder *en, const char *bytes, size_t len)
{
	memcpy(en->out + en->out_len, bytes, len);
	en->out_len += len;
}

static void
put_line_end(struct encoder *en)
{
	put(en, "\r\n", 2);
	en->column = 0;
}

static bool
is_high(char c)
{
	return ((unsigned char)c & 0x80) != 0;
}

static void
fold(struct encoder *en)
{
	put_line_end(en);
	en->folded = true;
	/* So that the rest of the line is no delimiter, no field and no end
	 * of fields. */
	if (en->composite)
		en->out[en->out_len++] = ' ';
	en->column = en->composite ? 1 : 0;
}

/* What can go as it is. Of 8-bit octets those that cannot begin a sequence
 * that has no room on this line. */
static size_t
plain_run(const struct encoder *en, struct text in)
{
	size_t n, max, high;

	max = LINES_MAX - en->column;
	high = en->eightbit && max > 3 ? max - 3 : 0;
	for (n = 0; n < in.len && n < max; n++) {
		if (in.at[n] == '\0' || in.at[n] == '\r' ||
		    (n >= high && is_high(in.at[n])) ||
		    (en->composite && text_is_blank(in.at[n])))
			break;
	}
	return n;
}

static void
put_plain(struct encoder *en, struct text t)
{
	if (en->column + t.len > LINES_MAX)
		fold(en);
	put(en, t.at, t.len);
	en->column += t.len;
}

/* What plain_run() stops at; returns how much that was. */
static size_t
put_unit(struct encoder *en, struct text in)
{
	size_t len = 1;

	if (in.at[0] == '\0') {
		en->nul_removed = true;
	} else if (in.at[0] == '\r') {
		put_line_end(en);
		len = 2;
	} else if (is_high(in.at[0]) && !en->eightbit) {
		put_plain(en, TEXT("?"));
		en->replaced = true;
	} else {
		len = text_utf8(in); /* not cut by a fold */
		len = len > 0 ? len : 1;
		put_plain(en, text_first(in, len));
	}
	return len;
}

/*
 * Blanks and the word behind them, where lines have a structure: fields and
 * delimiters stay what they are if a line ends before blanks, or loses those at
 * its end. Returns how many blanks it took; 0 where more must be seen.
 */
static size_t
fold_at_blanks(struct encoder *en, struct text in, bool last)
{
	size_t blanks, kept, end, width;
	bool fits;

	for (blanks = 0; blanks < in.len; blanks++)
		if (!text_is_blank(in.at[blanks]))
			break;
	width = blanks;
	for (end = blanks; end < in.len && width <= LINES_MAX; end++) {
		if (text_is_blank(in.at[end]) || in.at[end] == '\r')
			break;
		width += in.at[end] != '\0';
	}
	if (end == in.len && !last && in.len < ENCODER_IN)
		return 0;
	kept = blanks;
	fits = en->column + width <= LINES_MAX;
	/* A word that no line has room for is cut wherever it stands. */
	fits |= width - blanks >= LINES_MAX && en->column + blanks < LINES_MAX;
	if (!fits) {
		en->folded = true;
		kept = width <= LINES_MAX ? blanks : 1;
		if (width == blanks)
			kept = 0;
		else if (en->column > 0)
			put_line_end(en);
	}
	put(en, in.at, kept);
	en->column += kept;
	return blanks;
}

static size_t
encode_plain(struct encoder *en, struct text in, bool last)
{
	struct text rest = in;
	size_t n;

	for (; last ? rest.len > 0 : rest.len >= 4; rest = text_skip(rest, n)) {
		if (en->composite && text_is_blank(rest.at[0])) {
			n = fold_at_blanks(en, rest, last);
			if (n == 0)
				break;
			continue;
		}
		n = plain_run(en, rest);
		if (n > 0)
			put_plain(en, text_first(rest, n));
		else
			n = put_unit(en, rest);
	}
	return in.len - rest.len;
}

static void
break_softly(struct encoder *en, size_t needed)
{
	if (en->column + needed <= QP_LINE)
		return;
	put(en, "=\r\n", 3);
	en->column = 0;
}

static void
put_quoted(struct encoder *en, char c)
{
	static const char hex[] = "0123456789ABCDEF";
	unsigned char octet = (unsigned char)c;
	char *out;

	break_softly(en, 3);
	out = en->out + en->out_len;
	out[0] = '=';
	out[1] = hex[octet >> 4];
	out[2] = hex[octet & 15];
	en->out_len += 3;
	en->column += 3;
}

/* Behind a soft line break the rest of a line could be a delimiter. */
static bool
is_delimiter(const struct encoder *en, char c, char next)
{
	return c == '-' && next == '-' && en->composite &&
	       (en->column == 0 || en->column == QP_LINE);
}

/* One octet, and the next; a CR where the line ends. `again`: what stands
 * there is quoted-printable but for 8-bit octets. */
static void
put_qp(struct encoder *en, char c, char next, bool again)
{
	bool ends = text_is_blank(c) && next == '\r' && !again;
	bool literal = c == '=' ? again : (c >= ' ' && c <= '~') || c == '\t';

	if (ends || !literal || is_delimiter(en, c, next)) {
		put_quoted(en, c);
		return;
	}
	/* The two digits behind it must stay on its line. */
	break_softly(en, c == '=' ? 3 : 1);
	en->out[en->out_len++] = c;
	en->column++;
}

/* What needs no look at its neighbours and fits on the line. */
static size_t
literal_run(const struct encoder *en, const char *at, size_t len)
{
	size_t n;

	if (len > QP_LINE - en->column)
		len = QP_LINE - en->column;
	for (n = 0; n < len; n++) {
		if (at[n] <= ' ' || at[n] > '~' || at[n] == '=' || at[n] == '-')
			break;
	}
	return n;
}

/*
 * A '=' or a blank, and the blanks behind it, of what is quoted-printable; 0
 * where more must be seen. Blanks at the end of a line are none of the text,
 * though not all readers know that: they stay as they are, and no line is
 * broken among or behind them.
 */
static size_t
encode_blanks(struct encoder *en, struct text t, bool last)
{
	bool soft = t.at[0] == '=', ends;
	struct text blanks;
	size_t n = soft, i;

	while (n < t.len && text_is_blank(t.at[n]))
		n++;
	if (n == t.len && !last && t.len < ENCODER_IN)
		return 0;
	ends = n == t.len ? last : t.at[n] == '\r';
	if (!ends) {
		/* Those that may yet come to stand at the end wait. */
		n = soft ? 1 : n == t.len ? n - QP_LINE : n;
		for (i = 0; i < n; i++)
			put_qp(en, t.at[i], ' ', true);
		return n;
	}
	blanks = soft ? TEXT("=") : text_first(t, n < QP_LINE ? n : QP_LINE);
	if (!soft)
		break_softly(en, blanks.len);
	put(en, blanks.at, blanks.len);
	en->column += blanks.len;
	return n;
}

static size_t
encode_qp(struct encoder *en, struct text in, bool last)
{
	bool again = en->form == ENCODER_QP_AGAIN;
	struct text rest = in;
	size_t n;

	for (; last ? rest.len > 0 : rest.len > 1; rest = text_skip(rest, n)) {
		n = literal_run(en, rest.at, rest.len);
		if (n > 0) {
			put(en, rest.at, n);
			en->column += n;
		} else if (rest.at[0] == '\r') {
			put_line_end(en);
			n = 2;
		} else if (again &&
			   (rest.at[0] == '=' || text_is_blank(rest.at[0]))) {
			n = encode_blanks(en, rest, last);
			if (n == 0)
				break;
		} else {
			put_qp(en, rest.at[0], rest.len > 1 ? rest.at[1] : '\r',
			    again);
			n = 1;
		}
	}
	return in.len - rest.len;
}

static size_t
encode_base64(struct encoder *en, struct text in, bool last)
{
	struct text lines, line;

	if (!last)
		in.len -= in.len % BASE64_LINE;
	buf_reset(&en->base64);
	crypt_base64(in, &en->base64);
	for (lines = buf_text(&en->base64); lines.len > 0;
	     lines = text_skip(lines, BASE64_WIDTH)) {
		line = text_first(lines, BASE64_WIDTH);
		if (en->column > 0)
			put(en, "\r\n", 2);
		put(en, line.at, line.len);
		en->column = line.len;
	}
	return in.len;
}

/* In lines of 76; line ends and blanks that came say nothing. But no dash,
 * which is no base64, comes to stand where a delimiter could begin. */
static size_t
encode_base64_again(struct encoder *en, struct text in)
{
	size_t i;
	char c;

	for (i = 0; i < in.len; i++) {
		c = in.at[i];
		if (c == '\0')
			en->nul_removed = true;
		if (c == '\0' || (c == '-' && en->column == 0) ||
		    text_white(text_first(text_skip(in, i), 1)) > 0)
			continue;
		if (is_high(c)) {
			c = '?';
			en->replaced = true;
		}
		if (en->column >= BASE64_WIDTH &&
		    (c != '-' || en->column == LINES_MAX))
			put_line_end(en);
		en->out[en->out_len++] = c;
		en->column++;
	}
	return in.len;
}

size_t
encoder_take(struct encoder *en, struct text in, bool last)
{
	en->out_len = 0;
	switch (en->form) {
	case ENCODER_COPY:
		put(en, in.at, in.len);
		break;
	case ENCODER_PLAIN:
		return encode_plain(en, in, last);
	case ENCODER_QP:
	case ENCODER_QP_AGAIN:
		return encode_qp(en, in, last);
	case ENCODER_BASE64:
		return encode_base64(en, in, last);
	case ENCODER_BASE64_AGAIN:
		return encode_base64_again(en, in);
	}
	return in.len;
}
