#include "submit/dsn.h"

#include <string.h>

#define ENVID_MAX 100	    /* RFC 3461 section 4.4 */
#define ORCPT_MAX 500	    /* RFC 3461 section 4.2 */
#define TIME_MAX  999999999 /* RFC 2852 and 4865: nine digits */

/* A row of a value that is a set of bits; the last one has no word. */
struct word {
	const char *word;
	unsigned bit;
};

static const struct word notify_words[] = {
    {"NEVER", NOTIFY_NEVER},
    {"SUCCESS", NOTIFY_SUCCESS},
    {"FAILURE", NOTIFY_FAILURE},
    {"DELAY", NOTIFY_DELAY},
    {NULL, 0},
};

static const struct word ret_words[] = {
    {"FULL", RET_FULL},
    {"HDRS", RET_HDRS},
    {NULL, 0},
};

/* 0 for another word. */
static unsigned
parse_word(const struct word *known, struct text word)
{
	while (
	    known->word != NULL && !text_equal_fold(word, text_of(known->word)))
		known++;
	return known->bit;
}

static int
format_words(const struct word *known, unsigned bits, struct buf *out)
{
	const char *before = "";

	for (; known->word != NULL; known++) {
		if ((bits & known->bit) == 0)
			continue;
		buf_format(out, "%s%s", before, known->word);
		before = ",";
	}
	return out->full ? -1 : 0;
}

int
dsn_parse_notify(struct text list, unsigned *notify)
{
	struct text rest = text_trim(list), word;
	bool never = text_equal_fold(rest, TEXT("never"));
	unsigned bit, bits = 0;

	while (text_next(&rest, ", \t", &word)) {
		bit = parse_word(notify_words, word);
		if (bit == 0 || (bit == NOTIFY_NEVER && !never))
			return -1;
		bits |= bit;
	}
	if (bits == 0)
		return -1;
	*notify = bits;
	return 0;
}

int
dsn_format_notify(unsigned notify, struct buf *out)
{
	return format_words(notify_words, notify, out);
}

int
dsn_parse_ret(struct text word, enum dsn_ret *ret)
{
	unsigned bit = parse_word(ret_words, word);

	if (bit == 0)
		return -1;
	*ret = (enum dsn_ret)bit;
	return 0;
}

int
dsn_format_ret(enum dsn_ret ret, struct buf *out)
{
	return format_words(ret_words, ret, out);
}

static bool
is_xchar(char c)
{
	return c >= '!' && c <= '~' && c != '+' && c != '=';
}

int
dsn_format_xtext(struct text t, struct buf *out)
{
	size_t i;

	for (i = 0; i < t.len; i++)
		if (is_xchar(t.at[i]))
			buf_add_char(out, t.at[i]);
		else
			buf_format(out, "+%02X", (unsigned char)t.at[i]);
	return out->full ? -1 : 0;
}

int
dsn_parse_xtext(struct text t, struct buf *out)
{
	static const char digits[] = "0123456789ABCDEF";
	const char *high, *low;
	size_t i;
	char c;

	for (i = 0; i < t.len; i++) {
		c = t.at[i];
		if (c == '+' && t.len - i > 2) {
			high = memchr(digits, t.at[++i], 16);
			low = memchr(digits, t.at[++i], 16);
			if (high == NULL || low == NULL)
				return -1;
			c = (char)((high - digits) << 4 | (low - digits));
		} else if (!is_xchar(c))
			return -1;
		if (out != NULL)
			buf_add_char(out, c);
	}
	return out != NULL && out->full ? -1 : 0;
}

static int
check_envid(struct text id, struct error *e)
{
	if (id.len == 0 || id.len > ENVID_MAX)
		return error_set(e, ERROR_USAGE, "envelope identifier",
		    "it must have 1 to %d characters", ENVID_MAX);
	if (text_has_control(id) || text_has_8bit(id))
		return error_set(e, ERROR_USAGE, "envelope identifier",
		    "it must consist of printable ASCII characters");
	return 0;
}

char *
dsn_format_envid(struct text id, struct error *e)
{
	struct buf xtext;

	if (check_envid(id, e) == -1)
		return NULL;
	buf_init(&xtext, 3 * ENVID_MAX);
	dsn_format_xtext(id, &xtext);
	return buf_take(&xtext);
}

char *
dsn_parse_envid(struct text xtext)
{
	struct buf id;
	char *found = NULL;

	buf_init(&id, ENVID_MAX);
	if (dsn_parse_xtext(xtext, &id) == 0 &&
	    check_envid(buf_text(&id), NULL) == 0)
		found = buf_take(&id);
	buf_clear(&id);
	return found;
}

char *
dsn_format_orcpt(struct text path)
{
	struct buf orcpt;
	char *found = NULL;

	buf_init(&orcpt, ORCPT_MAX);
	buf_add_string(&orcpt, "rfc822;");
	if (dsn_format_xtext(path, &orcpt) == 0)
		found = buf_take(&orcpt);
	buf_clear(&orcpt);
	return found;
}

bool
dsn_check_orcpt(struct text orcpt)
{
	size_t type = text_find(orcpt, ';');
	struct text xtext = text_skip(orcpt, type + 1);

	return type > 0 && xtext.len > 0 && orcpt.len <= ORCPT_MAX &&
	       !text_has_8bit(orcpt) && dsn_parse_xtext(xtext, NULL) == 0;
}

static int
parse_priority(struct text value, struct wishes *wishes)
{
	unsigned long long number;
	bool negative = value.len > 0 && value.at[0] == '-';

	if (!text_number(text_skip(value, negative), 9, &number))
		return -1;
	wishes->has_priority = true;
	wishes->priority = negative ? -(int)number : (int)number;
	return 1;
}

/* RFC 2852 section 4: "R" must not be in the past, so a time of 0 or less
 * makes no sense to ask for here. */
static int
parse_deliver_by(struct text value, struct wishes *wishes)
{
	unsigned long long seconds;
	struct text mode, number;

	number = text_first(value, text_find(value, ';'));
	mode = text_skip(value, number.len + 1);
	if (!text_number(number, TIME_MAX, &seconds) || seconds == 0)
		return -1;
	if (!text_equal_fold(text_first(mode, 1), TEXT("R")) &&
	    !text_equal_fold(text_first(mode, 1), TEXT("N")))
		return -1;
	if (mode.len > 1 && !text_equal_fold(text_skip(mode, 1), TEXT("T")))
		return -1;
	wishes->deliver_by = (long long)seconds;
	memcpy(wishes->deliver_by_mode, mode.at, mode.len);
	wishes->deliver_by_mode[mode.len] = '\0';
	return 1;
}

static int
parse_hold_for(struct text value, struct wishes *wishes)
{
	unsigned long long seconds;

	if (!text_number(value, TIME_MAX, &seconds) || seconds == 0)
		return -1;
	wishes->hold_for = seconds;
	return 1;
}

/* The server reads the time; what could break the command does not pass. */
static int
parse_hold_until(struct text value, struct wishes *wishes)
{
	size_t i;

	if (value.len == 0 || value.len >= sizeof(wishes->hold_until))
		return -1;
	for (i = 0; i < value.len; i++) {
		if (!text_is_digit(value.at[i]) &&
		    text_find(TEXT("-:.+TZ"), value.at[i]) == 6)
			return -1;
	}
	memcpy(wishes->hold_until, value.at, value.len);
	wishes->hold_until[value.len] = '\0';
	return 1;
}

int
wishes_parse(struct text setting, struct wishes *wishes)
{
	static const struct {
		const char *name;
		int (*parse)(struct text, struct wishes *);
	} names[] = {
	    {"mt-priority", parse_priority},
	    {"deliver-by", parse_deliver_by},
	    {"hold-for", parse_hold_for},
	    {"hold-until", parse_hold_until},
	};
	struct text name = text_first(setting, text_find(setting, '='));
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (text_equal_fold(name, text_of(names[i].name)))
			return names[i].parse(
			    text_skip(setting, name.len + 1), wishes);
	}
	return 0;
}

int
wishes_format(const struct wishes *w, struct buf *out)
{
	if (w->has_priority)
		buf_format(out, " MT-PRIORITY=%d", w->priority);
	if (w->deliver_by > 0)
		buf_format(
		    out, " BY=%lld;%s", w->deliver_by, w->deliver_by_mode);
	if (w->hold_for > 0)
		buf_format(out, " HOLDFOR=%llu", w->hold_for);
	else if (w->hold_until[0] != '\0')
		buf_format(out, " HOLDUNTIL=%s", w->hold_until);
	return out->full ? -1 : 0;
}
