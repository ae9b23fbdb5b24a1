#include "base/text.h"

#include <limits.h>
#include <string.h>

struct text
text_of(const char *string)
{
	if (string == NULL)
		return (struct text){NULL, 0};
	return (struct text){string, strlen(string)};
}

struct text
text_skip(struct text t, size_t n)
{
	if (n >= t.len)
		return (struct text){t.at == NULL ? NULL : t.at + t.len, 0};
	return (struct text){t.at + n, t.len - n};
}

struct text
text_first(struct text t, size_t n)
{
	if (n < t.len)
		t.len = n;
	return t;
}

bool
text_equal(struct text a, struct text b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

char
text_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool
text_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

bool
text_is_alpha(char c)
{
	return text_lower(c) >= 'a' && text_lower(c) <= 'z';
}

bool
text_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool
text_is_control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f;
}

bool
text_equal_fold(struct text a, struct text b)
{
	size_t i;

	if (a.len != b.len)
		return false;
	for (i = 0; i < a.len; i++) {
		if (text_lower(a.at[i]) != text_lower(b.at[i]))
			return false;
	}
	return true;
}

bool
text_starts_fold(struct text t, struct text prefix)
{
	return t.len >= prefix.len &&
	       text_equal_fold(text_first(t, prefix.len), prefix);
}

struct text
text_skip_mark(struct text t)
{
	const struct text mark = TEXT("\xef\xbb\xbf");

	return text_skip(t, text_starts_fold(t, mark) ? mark.len : 0);
}

static bool
is_white(char c)
{
	return text_is_blank(c) || c == '\r' || c == '\n';
}

size_t
text_white(struct text t)
{
	size_t n;

	for (n = 0; n < t.len && is_white(t.at[n]); n++)
		continue;
	return n;
}

struct text
text_trim(struct text t)
{
	t = text_skip(t, text_white(t));
	while (t.len > 0 && is_white(t.at[t.len - 1]))
		t.len--;
	return t;
}

size_t
text_find(struct text t, char c)
{
	const char *found;

	if (t.len == 0)
		return 0;
	found = memchr(t.at, c, t.len);
	return found == NULL ? t.len : (size_t)(found - t.at);
}

size_t
text_find_last(struct text t, char c)
{
	const char *found;

	if (t.len == 0)
		return 0;
	found = memrchr(t.at, c, t.len);
	return found == NULL ? t.len : (size_t)(found - t.at);
}

static bool
is_one_of(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

bool
text_next(struct text *rest, const char *separators, struct text *token)
{
	size_t end;

	while (rest->len > 0 && is_one_of(rest->at[0], separators))
		*rest = text_skip(*rest, 1);
	if (rest->len == 0)
		return false;
	for (end = 0; end < rest->len; end++) {
		if (is_one_of(rest->at[end], separators))
			break;
	}
	*token = text_first(*rest, end);
	*rest = text_skip(*rest, end);
	return true;
}

size_t
text_cut(struct text t, size_t n)
{
	size_t back;

	if (n >= t.len)
		return t.len;
	for (back = 0; back < 3 && n > 0; back++, n--)
		if (((unsigned char)t.at[n] & 0xc0) != 0x80)
			break;
	return n;
}

bool
text_next_line(struct text *rest, struct text *line)
{
	size_t end;

	if (rest->len == 0)
		return false;
	end = text_find(*rest, '\n');
	*line = text_first(*rest, end);
	*rest = text_skip(*rest, end + 1);
	if (line->len > 0 && line->at[line->len - 1] == '\r')
		line->len--;
	return true;
}

size_t
text_ascii(struct text t)
{
	unsigned long long word;
	size_t n;

	for (n = 0; t.len - n >= sizeof(word); n += sizeof(word)) {
		memcpy(&word, t.at + n, sizeof(word));
		if ((word & 0x8080808080808080ULL) != 0)
			break;
	}
	while (n < t.len && (unsigned char)t.at[n] < 0x80)
		n++;
	return n;
}

/* In columns, which compilers have a wide register for. */
bool
text_has_8bit(struct text t)
{
	unsigned char columns[32] = {0}, all = 0;
	const char *at = t.at;
	size_t i, left;

	for (left = t.len; left >= sizeof(columns); left -= sizeof(columns)) {
		for (i = 0; i < sizeof(columns); i++)
			columns[i] |= (unsigned char)at[i];
		at += sizeof(columns);
	}
	for (i = 0; i < sizeof(columns); i++)
		all |= columns[i];
	for (i = 0; i < left; i++)
		all |= (unsigned char)at[i];
	return all >= 0x80;
}

bool
text_has_control(struct text t)
{
	size_t i;

	for (i = 0; i < t.len; i++) {
		if (text_is_control(t.at[i]))
			return true;
	}
	return false;
}

/*
 * RFC 3629 section 4: how long a sequence is, by its first octet, and which
 * second octets there are: not those of overlong forms, surrogates and what
 * lies above U+10FFFF.
 */
static const struct utf8 {
	unsigned char up_to; /* this first octet, from the row before on */
	unsigned char len;   /* 0: there is none */
	unsigned char low, high;
} utf8[] = {{0x7f, 1, 0, 0}, {0xc1, 0, 0, 0}, {0xdf, 2, 0x80, 0xbf},
    {0xe0, 3, 0xa0, 0xbf}, {0xec, 3, 0x80, 0xbf}, {0xed, 3, 0x80, 0x9f},
    {0xef, 3, 0x80, 0xbf}, {0xf0, 4, 0x90, 0xbf}, {0xf3, 4, 0x80, 0xbf},
    {0xf4, 4, 0x80, 0x8f}, {0xff, 0, 0, 0}};

size_t
text_utf8(struct text t)
{
	const unsigned char *at = (const unsigned char *)t.at;
	const struct utf8 *row = utf8;
	size_t i;

	if (t.len == 0)
		return 0;
	while (at[0] > row->up_to)
		row++;
	if (row->len > t.len ||
	    (row->len > 1 && (at[1] < row->low || at[1] > row->high)))
		return 0;
	for (i = 2; i < row->len; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	}
	return row->len;
}

size_t
text_utf8_run(struct text t)
{
	struct text rest = t;
	size_t n;

	while (rest.len > 0) {
		n = (unsigned char)rest.at[0] < 0x80 ? text_ascii(rest)
						     : text_utf8(rest);
		if (n == 0)
			break;
		rest = text_skip(rest, n);
	}
	return t.len - rest.len;
}

bool
text_is_utf8(struct text t)
{
	return text_utf8_run(t) == t.len;
}

bool
text_number(struct text t, unsigned long long max, unsigned long long *number)
{
	unsigned long long digit, n;
	size_t i;

	n = 0;
	for (i = 0; i < t.len; i++) {
		if (!text_is_digit(t.at[i]))
			return false;
		digit = (unsigned long long)(t.at[i] - '0');
		if (digit > max || n > (max - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	if (t.len == 0)
		return false;
	*number = n;
	return true;
}

bool
text_next_number(
    struct text *rest, unsigned long long max, unsigned long long *number)
{
	struct text word;

	return text_next(rest, " ", &word) && text_number(word, max, number);
}

/*
 * What has no look of its own and changes that of others: it breaks lines,
 * turns the direction of what is read, or makes two words seem one. Cc, Zl and
 * Zp of UnicodeData.txt, Default_Ignorable_Code_Point of
 * DerivedCoreProperties.txt, which has all of Bidi_Control, and the marks of
 * interlinear annotations; Unicode 15.1.
 */
static const struct range {
	unsigned first, last;
} hidden[] = {{0, 0x1f}, {0x7f, 0x9f}, {0xad, 0xad}, {0x34f, 0x34f},
    {0x61c, 0x61c}, {0x115f, 0x1160}, {0x17b4, 0x17b5}, {0x180b, 0x180f},
    {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f}, {0x3164, 0x3164},
    {0xfe00, 0xfe0f}, {0xfeff, 0xfeff}, {0xffa0, 0xffa0}, {0xfff0, 0xfffb},
    {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff},
    {UINT_MAX, UINT_MAX}};

/* Of a well-formed sequence. */
static unsigned
code_point(const char *at, size_t len)
{
	unsigned c = (unsigned char)at[0];
	size_t i;

	if (len > 1)
		c &= 0x7fU >> len;
	for (i = 1; i < len; i++)
		c = c << 6 | ((unsigned char)at[i] & 0x3f);
	return c;
}

/* Whether the well-formed sequence of that length may be shown as it is. */
static bool
is_shown(const char *at, size_t len)
{
	const struct range *range = hidden;
	unsigned c = code_point(at, len);

	while (c > range->last)
		range++;
	return c < range->first;
}

/* One printable unit of t into unit; returns how much of t it stands for. */
static size_t
visible_unit(struct text t, char unit[5], size_t *unit_len)
{
	static const char hex[] = "0123456789abcdef";
	unsigned char c = (unsigned char)t.at[0];
	size_t len;

	len = text_utf8(t);
	if (len == 0 || !is_shown(t.at, len)) {
		unit[0] = '\\';
		unit[1] = 'x';
		unit[2] = hex[c >> 4];
		unit[3] = hex[c & 15];
		*unit_len = 4;
		return 1;
	}
	memcpy(unit, t.at, len);
	*unit_len = len;
	return len;
}

char *
text_visible(struct text t, char *out, size_t size)
{
	char unit[5];
	size_t mark, unit_len, used, taken;

	if (size == 0)
		return out;
	used = mark = 0; /* mark: where the dots still fit */
	while (t.len > 0) {
		taken = visible_unit(t, unit, &unit_len);
		if (used + unit_len + 1 > size)
			break;
		memcpy(out + used, unit, unit_len);
		used += unit_len;
		if (used + sizeof("...") <= size)
			mark = used;
		t = text_skip(t, taken);
	}
	out[used] = '\0';
	if (t.len > 0 && size >= sizeof("..."))
		memcpy(out + mark, "...", sizeof("..."));
	return out;
}

struct text_shown
text_shown(struct text t)
{
	struct text_shown shown;

	text_visible(t, shown.words, sizeof(shown.words));
	/* cppcheck-suppress uninitvar */
	return shown;
}
