#include "message/header.h"

/* ftext of RFC 5322 section 3.6.8. */
static bool
is_name(char c)
{
	return c > 32 && c < 127 && c != ':';
}

static size_t
name_length(struct text line)
{
	size_t len;

	for (len = 0; len < line.len && is_name(line.at[len]); len++)
		continue;
	return len;
}

/* The place of the colon behind a field's name; line.len where the line
 * begins no field. White space before it is obsolete, section 4.5. */
static size_t
colon_at(struct text line, size_t name)
{
	size_t at;

	for (at = name; at < line.len && text_is_blank(line.at[at]); at++)
		continue;
	if (name == 0 || at == line.len || line.at[at] != ':')
		return line.len;
	return at;
}

bool
header_starts(struct text line)
{
	return colon_at(line, name_length(line)) < line.len;
}

/* Octets of the first line with its end, where it has one. */
static size_t
line_length(struct text t)
{
	size_t end;

	end = text_find(t, '\n');
	return end == t.len ? end : end + 1;
}

static struct text
without_crlf(struct text t)
{
	if (t.len > 0 && t.at[t.len - 1] == '\n')
		t.len--;
	if (t.len > 0 && t.at[t.len - 1] == '\r')
		t.len--;
	return t;
}

int
header_next(struct text *rest, struct header_field *field)
{
	struct text line;
	size_t colon, len, name;

	len = line_length(*rest);
	line = without_crlf(text_first(*rest, len));
	if (line.len == 0)
		return 0;
	name = name_length(line);
	colon = colon_at(line, name);
	if (colon == line.len)
		return -1;
	while (len < rest->len && text_is_blank(rest->at[len]))
		len += line_length(text_skip(*rest, len));
	field->raw = text_first(*rest, len);
	field->name = text_first(*rest, name);
	field->value = without_crlf(text_skip(field->raw, colon + 1));
	*rest = text_skip(*rest, len);
	return 1;
}

bool
header_is(const struct header_field *field, const char *name)
{
	return text_equal_fold(field->name, text_of(name));
}
