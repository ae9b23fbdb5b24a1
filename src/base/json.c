#include "base/json.h"

#include <stdlib.h>

#include "base/mem.h"

void
json_init(struct json *j, struct buf *out)
{
	j->out = out;
	j->comma = false;
}

void
json_quote(struct buf *out, const char *visible)
{
	buf_add_char(out, '"');
	for (; *visible != '\0'; visible++) {
		if (*visible == '"' || *visible == '\\')
			buf_add_char(out, '\\');
		buf_add_char(out, *visible);
	}
	buf_add_char(out, '"');
}

/* What stands before each value. */
static void
add_key(struct json *j, const char *key)
{
	if (j->comma)
		buf_add_char(j->out, ',');
	if (key != NULL)
		buf_format(j->out, "\"%s\":", key);
	j->comma = true;
}

static void
add_words(struct json *j, const char *key, const char *words)
{
	add_key(j, key);
	buf_add_string(j->out, words);
}

void
json_begin_string(struct json *j, const char *key)
{
	add_words(j, key, "\"");
}

void
json_end_string(struct json *j)
{
	buf_add_char(j->out, '"');
}

void
json_add_object(struct json *j, const char *key)
{
	add_words(j, key, "{");
	j->comma = false;
}

void
json_end_object(struct json *j)
{
	buf_add_char(j->out, '}');
	j->comma = true;
}

void
json_add_array(struct json *j, const char *key)
{
	add_words(j, key, "[");
	j->comma = false;
}

void
json_end_array(struct json *j)
{
	buf_add_char(j->out, ']');
	j->comma = true;
}

void
json_add_string(struct json *j, const char *key, const char *string)
{
	struct text t = text_of(string);
	char *shown;

	if (string == NULL) {
		json_add_null(j, key);
		return;
	}
	shown = mem_new(4 * t.len + 1, 1);
	add_key(j, key);
	json_quote(j->out, text_visible(t, shown, 4 * t.len + 1));
	free(shown);
}

void
json_add_number(struct json *j, const char *key, long long number)
{
	add_key(j, key);
	buf_format(j->out, "%lld", number);
}

void
json_add_thousandths(struct json *j, const char *key, long long number)
{
	add_key(j, key);
	buf_format(j->out, "%s%lld.%03lld", number < 0 ? "-" : "",
	    llabs(number) / 1000, llabs(number) % 1000);
}

void
json_add_truth(struct json *j, const char *key, bool truth)
{
	add_words(j, key, truth ? "true" : "false");
}

void
json_add_null(struct json *j, const char *key)
{
	add_words(j, key, "null");
}

static const char *
or_null(const char *words)
{
	return words[0] == '\0' ? NULL : words;
}

void
json_add_error(struct json *j, const char *key, const struct error *e)
{
	if (e == NULL || e->kind == ERROR_NONE) {
		json_add_null(j, key);
		return;
	}
	json_add_object(j, key);
	json_add_string(j, "kind", error_word(e->kind));
	json_add_number(j, "status", error_status(e->kind));
	json_add_string(j, "text", error_line(e).words);
	json_add_string(j, "server", or_null(e->why));
	json_add_string(j, "hint", or_null(e->hint));
	json_end_object(j);
}

/*
 * Finding.
 */

static bool
take_char(struct text *rest, char c)
{
	*rest = text_skip(*rest, text_white(*rest));
	if (rest->len == 0 || rest->at[0] != c)
		return false;
	*rest = text_skip(*rest, 1);
	return true;
}

static bool
take_hex4(struct text *rest, unsigned *unit)
{
	static const struct text digits = {"0123456789abcdef", 16};
	size_t i, digit;

	*unit = 0;
	for (i = 0; i < 4; i++) {
		digit = rest->len == 0
			    ? digits.len
			    : text_find(digits, text_lower(rest->at[0]));
		if (digit == digits.len)
			return false;
		*unit = *unit * 16 + (unsigned)digit;
		*rest = text_skip(*rest, 1);
	}
	return true;
}

static void
add_utf8(unsigned c, struct buf *out)
{
	if (c < 0x80) {
		buf_add_char(out, (char)c);
		return;
	}
	if (c < 0x800) {
		buf_add_char(out, (char)(0xc0 | c >> 6));
	} else {
		if (c < 0x10000) {
			buf_add_char(out, (char)(0xe0 | c >> 12));
		} else {
			buf_add_char(out, (char)(0xf0 | c >> 18));
			buf_add_char(out, (char)(0x80 | (c >> 12 & 0x3f)));
		}
		buf_add_char(out, (char)(0x80 | (c >> 6 & 0x3f)));
	}
	buf_add_char(out, (char)(0x80 | (c & 0x3f)));
}

/* Behind "\u": a character, or two surrogates that make one together (RFC 8259
 * section 7). One alone is written as the bytes it would be: no UTF-8. */
static bool
take_unicode(struct text *rest, struct buf *out)
{
	struct text behind;
	unsigned high, low;

	if (!take_hex4(rest, &high))
		return false;
	behind = text_skip(*rest, 2);
	if (high >= 0xd800 && high < 0xdc00 &&
	    text_starts_fold(*rest, TEXT("\\u")) && take_hex4(&behind, &low) &&
	    low >= 0xdc00 && low < 0xe000) {
		high = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
		*rest = behind;
	}
	add_utf8(high, out);
	return true;
}

/* Behind the backslash. */
static bool
take_escape(struct text *rest, struct buf *out)
{
	static const struct text names = {"\"\\/bfnrt", 8};
	size_t i;

	if (rest->len == 0)
		return false;
	i = text_find(names, rest->at[0]);
	if (i == names.len && rest->at[0] != 'u')
		return false;
	*rest = text_skip(*rest, 1);
	if (i == names.len)
		return take_unicode(rest, out);
	buf_add_char(out, "\"\\/\b\f\n\r\t"[i]);
	return true;
}

static bool
take_string(struct text *rest, struct buf *out)
{
	if (!take_char(rest, '"'))
		return false;
	while (rest->len > 0 && rest->at[0] != '"') {
		if (rest->at[0] != '\\') {
			buf_add_char(out, rest->at[0]);
			*rest = text_skip(*rest, 1);
			continue;
		}
		*rest = text_skip(*rest, 1);
		if (!take_escape(rest, out))
			return false;
	}
	return take_char(rest, '"');
}

/* An object or an array, whatever is in it. */
static bool
take_nested(struct text *rest, struct buf *unused)
{
	size_t depth = 0;
	char c;

	do {
		*rest = text_skip(*rest, text_white(*rest));
		c = rest->len == 0 ? '\0' : rest->at[0];
		if (c == '\0')
			return false;
		if (c == '"') {
			if (!take_string(rest, unused))
				return false;
			continue;
		}
		if (c == '{' || c == '[')
			depth++;
		else if (c == '}' || c == ']')
			depth--;
		*rest = text_skip(*rest, 1);
	} while (depth > 0);
	return true;
}

/* Sets `nested` where the value is an object or an array. */
static bool
take_value(struct text *rest, struct buf *out, bool *nested)
{
	struct text begin;

	*nested = false;
	*rest = text_skip(*rest, text_white(*rest));
	if (rest->len == 0)
		return false;
	if (rest->at[0] == '"')
		return take_string(rest, out);
	*nested = rest->at[0] == '{' || rest->at[0] == '[';
	if (*nested)
		return take_nested(rest, out);
	begin = *rest;
	while (rest->len > 0 &&
	       (text_is_alpha(rest->at[0]) || text_is_digit(rest->at[0]) ||
		   text_find(TEXT("+-."), rest->at[0]) < 3))
		*rest = text_skip(*rest, 1);
	buf_add_text(out, text_first(begin, begin.len - rest->len));
	return rest->len < begin.len;
}

int
json_find(struct text object, const char *name, struct buf *out)
{
	bool good, nested, found = false;
	struct text rest = object;
	struct buf key, value;

	buf_init(&key, object.len);
	buf_init(&value, object.len);
	good = take_char(&rest, '{');
	while (good && !found) {
		buf_reset(&key);
		buf_reset(&value);
		good = take_string(&rest, &key) && take_char(&rest, ':') &&
		       take_value(&rest, &value, &nested);
		found = good && text_equal(buf_text(&key), text_of(name));
		good = good && take_char(&rest, ',');
	}
	if (found && !nested)
		found = buf_add_text(out, buf_text(&value)) == 0;
	else
		found = false;
	buf_wipe(&key);
	buf_wipe(&value);
	return found ? 0 : -1;
}
