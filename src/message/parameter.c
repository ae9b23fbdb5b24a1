#include "message/parameter.h"

#include <stdio.h>
#include <string.h>

/* Octets of one segment (RFC 2231 section 3). */
#define SEGMENT_MAX 700

static bool
is_attribute(struct text t)
{
	size_t i;

	for (i = 0; i < t.len; i++)
		if (!token_is_atext(t.at[i]) && t.at[i] != '.')
			return false;
	return t.len > 0 && !text_has_8bit(t);
}

bool
parameter_parse(struct text t, struct parameter *p)
{
	struct lexer lexer;
	struct token token;
	size_t equals = text_find(t, '='), n;

	p->lead = text_first(t, text_white(t));
	p->attribute = text_trim(text_first(t, equals));
	t = text_skip(t, equals + 1);
	t = text_skip(t, text_white(t));
	n = text_trim(t).len;
	if (n > 0 && t.at[0] == '"') {
		lexer = (struct lexer){.rest = t};
		token_next(&lexer, &token);
		n = token.kind == TOKEN_QUOTED ? token.text.len : 0;
	}
	p->value = text_first(t, n);
	p->rest = text_skip(t, n);
	return p->value.len > 0 && is_attribute(p->attribute);
}

bool
parameter_next(struct lexer *lexer, struct text *before)
{
	struct text whole = lexer->rest;
	struct token token;

	while (token_next(lexer, &token) && token.kind != ';')
		continue;
	*before = text_first(whole, (size_t)(token.text.at - whole.at));
	return token.kind == ';';
}

void
parameter_find_extended(struct text field, struct set *attributes)
{
	struct lexer lexer = {.rest = field, .without = TOKEN_NO_LITERALS};
	struct text piece;
	size_t star;
	bool more = parameter_next(&lexer, &piece);

	while (more) {
		more = parameter_next(&lexer, &piece);
		piece = text_trim(piece);
		star = text_find(piece, '*');
		if (star < piece.len)
			set_add(attributes, text_first(piece, star), 0);
	}
}

static int
hex_digit(struct text t, size_t at)
{
	static const char digits[] = "0123456789abcdef";
	const char *digit = NULL;

	if (at < t.len && t.at[at] != '\0')
		digit = strchr(digits, text_lower(t.at[at]));
	return digit == NULL ? -1 : (int)(digit - digits);
}

static void
unpercent(struct text t, struct buf *out)
{
	size_t i;
	int high, low;

	for (i = 0; i < t.len; i++) {
		high = hex_digit(t, i + 1);
		low = hex_digit(t, i + 2);
		if (t.at[i] != '%' || high == -1 || low == -1) {
			buf_add_char(out, t.at[i]);
			continue;
		}
		buf_add_char(out, (char)(high * 16 + low));
		i += 2;
	}
}

/* Without the charset and the language that stand before it. */
static struct text
skip_charset(struct text value)
{
	struct text rest;

	rest = text_skip(value, text_find(value, '\'') + 1);
	if (text_find(rest, '\'') == rest.len)
		return value;
	return text_skip(rest, text_find(rest, '\'') + 1);
}

bool
parameter_join(struct text name, struct text value, struct text attribute,
    size_t *count, struct buf *joined)
{
	struct text number = text_skip(name, attribute.len + 1);
	char expected[32];
	bool extended;

	if (!text_starts_fold(name, attribute) || name.len <= attribute.len ||
	    name.at[attribute.len] != '*')
		return false;
	extended = number.len == 0 || number.at[number.len - 1] == '*';
	if (number.len > 0 && extended)
		number.len--;
	snprintf(expected, sizeof(expected), "%zu", *count);
	if (number.len == 0 ? *count > 0
			    : !text_equal(number, text_of(expected)))
		return false;
	if (extended)
		unpercent(*count == 0 ? skip_charset(value) : value, joined);
	else
		buf_add_text(joined, value);
	(*count)++;
	return true;
}

void
parameter_extend(struct text attribute, struct text value, struct buf *out)
{
	bool whole = value.len * 3 <= SEGMENT_MAX;
	size_t n, count = 0;

	do {
		n = whole ? value.len : text_cut(value, SEGMENT_MAX / 3);
		buf_add_string(out, count > 0 ? ";\r\n " : "");
		buf_add_text(out, attribute);
		if (!whole)
			buf_format(out, "*%zu", count);
		buf_add_string(out, count == 0 ? "*=utf-8''" : "*=");
		parameter_percent(text_first(value, n), true, out);
		value = text_skip(value, n);
		count++;
	} while (value.len > 0);
}

void
parameter_percent(struct text t, bool all, struct buf *out)
{
	size_t i;
	bool stays;
	char c;

	for (i = 0; i < t.len; i++) {
		c = t.at[i];
		stays = (c & 0x80) == 0;
		if (all)
			stays =
			    text_is_alpha(c) || text_is_digit(c) ||
			    (c != '\0' && strchr("!#$&+-.^_`{|}~", c) != NULL);
		if (stays)
			buf_add_char(out, c);
		else
			buf_format(out, "%%%02X", (unsigned char)c);
	}
}
