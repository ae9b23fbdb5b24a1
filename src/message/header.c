#include "message/header.h"

/* Octets of ftext, RFC 5322 section 3.6.8. */
static size_t
name_length(struct text line)
{
	size_t n;

	for (n = 0; n < line.len; n++)
		if (line.at[n] <= 32 || line.at[n] >= 127 || line.at[n] == ':')
			break;
	return n;
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

int
header_next(struct text *rest, struct header_field *field)
{
	struct text behind = *rest, line;
	size_t colon, name;

	if (!text_next_line(&behind, &line) || line.len == 0)
		return 0;
	name = name_length(line);
	colon = colon_at(line, name);
	if (colon == line.len)
		return -1;
	while (behind.len > 0 && text_is_blank(behind.at[0]))
		text_next_line(&behind, &line);
	field->raw = text_first(*rest, rest->len - behind.len);
	field->name = text_first(*rest, name);
	field->value = text_skip(*rest, colon + 1);
	field->value.len = (size_t)(line.at + line.len - field->value.at);
	*rest = behind;
	return 1;
}

bool
header_is(const struct header_field *field, const char *name)
{
	return text_equal_fold(field->name, text_of(name));
}
