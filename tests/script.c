#include "script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
script_read(const char *path, struct buf *out)
{
	char block[8192];
	size_t len;
	FILE *f;

	f = fopen(path, "r");
	if (f == NULL)
		return -1;
	while ((len = fread(block, 1, sizeof(block), f)) > 0)
		buf_add(out, block, len);
	fclose(f);
	return out->len > 0 ? 0 : -1;
}

bool
script_take(struct text *line, const char *word)
{
	size_t len = strlen(word);

	if (line->len < len || memcmp(line->at, word, len) != 0)
		return false;
	*line = text_skip(*line, len);
	if (line->len > 0 && line->at[0] == ' ')
		*line = text_skip(*line, 1);
	return true;
}

/* \*N followed by one character: as often. Returns how long that was. */
static size_t
add_repeated(struct text t, struct buf *out)
{
	size_t digits = 0, i, times = 0;

	for (; digits < t.len && text_is_digit(t.at[digits]); digits++)
		times = times * 10 + (size_t)(t.at[digits] - '0');
	for (i = 0; i < times && digits < t.len; i++)
		buf_add_char(out, t.at[digits]);
	return digits + 1;
}

void
script_unescape(struct text t, struct buf *out)
{
	static const char codes[] = "rnt\\0", bytes[] = "\r\n\t\\\0";
	const char *code;
	char hex[3] = "";
	size_t i;

	for (i = 0; i < t.len; i++) {
		if (t.at[i] != '\\' || i + 1 == t.len) {
			buf_add_char(out, t.at[i]);
			continue;
		}
		i++;
		code = memchr(codes, t.at[i], sizeof(codes) - 1);
		if (code != NULL) {
			buf_add_char(out, bytes[code - codes]);
		} else if (t.at[i] == 'x' && i + 2 < t.len) {
			memcpy(hex, t.at + i + 1, 2);
			buf_add_char(out, (char)strtol(hex, NULL, 16));
			i += 2;
		} else if (t.at[i] == '*') {
			i += add_repeated(text_skip(t, i + 1), out);
		}
	}
}
