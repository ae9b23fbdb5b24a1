#include "message/word.h"

#include <string.h>

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
