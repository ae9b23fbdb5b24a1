#ifndef DECODE_H
#define DECODE_H

#include "base/buf.h"
#include "base/crypt.h"
#include "base/text.h"

/* Where an encoded word begins at t, its octets and what it stands for; 0
 * where none does. Only what RFC 2047 section 2 has, in US-ASCII. */
static inline size_t
decode_word(struct text t, struct text *charset, struct buf *out)
{
	struct text rest = t, parts[3];
	char c, hex[3] = "";
	size_t i;

	if (!text_starts_fold(rest, TEXT("=?")))
		return 0;
	rest = text_skip(rest, 2);
	for (i = 0; i < 3; i++) {
		parts[i] = text_first(rest, text_find(rest, '?'));
		rest = text_skip(rest, parts[i].len + 1);
		if (text_has_control(parts[i]) || text_has_8bit(parts[i]) ||
		    text_find(parts[i], ' ') < parts[i].len)
			return 0;
	}
	c = parts[1].len == 1 ? text_lower(parts[1].at[0]) : '\0';
	if (rest.len == 0 || rest.at[0] != '=' || (c != 'q' && c != 'b'))
		return 0;
	*charset = parts[0];
	if (c == 'b' && crypt_unbase64(parts[2], out) == -1)
		return 0;
	for (i = 0; c == 'q' && i < parts[2].len; i++) {
		if (parts[2].at[i] == '=' && i + 2 < parts[2].len) {
			memcpy(hex, parts[2].at + i + 1, 2);
			buf_add_char(out, (char)strtoul(hex, NULL, 16));
			i += 2;
		} else
			buf_add_char(
			    out, parts[2].at[i] == '_' ? ' ' : parts[2].at[i]);
	}
	return (size_t)(rest.at + 1 - t.at);
}

/* The value of a hexadecimal digit, or -1. */
static inline int
decode_digit(char c)
{
	static const char digits[] = "0123456789ABCDEFabcdef";
	const char *at = c == '\0' ? NULL : strchr(digits, c);

	return at == NULL ? -1
			  : (int)(at - digits) - (at - digits > 15 ? 6 : 0);
}

/* Quoted-printable as strict readers have it: blanks at the end of a line are
 * none of the text (RFC 2045 section 6.7 (3)). */
static inline void
decode_quoted(struct text t, struct buf *out)
{
	struct text line;
	bool soft, code;

	while (text_next_line(&t, &line)) {
		while (line.len > 0 && text_is_blank(line.at[line.len - 1]))
			line.len--;
		soft = line.len > 0 && line.at[line.len - 1] == '=';
		line.len -= soft;
		while (line.len > 0) {
			code = line.len > 2 && line.at[0] == '=' &&
			       decode_digit(line.at[1]) >= 0 &&
			       decode_digit(line.at[2]) >= 0;
			buf_add_char(
			    out, code ? (char)(decode_digit(line.at[1]) * 16 +
					       decode_digit(line.at[2]))
				      : line.at[0]);
			line = text_skip(line, code ? 3 : 1);
		}
		if (!soft)
			buf_add_string(out, "\r\n");
	}
}

#endif
