#include "smtp/ehlo.h"

#include <stddef.h>
#include <string.h>

#define BLANK " \t"

struct keyword {
	const char *name;
	size_t flag; /* where its bool is in struct ehlo */
	void (*params)(struct ehlo *, struct text);
};

static void
size_params(struct ehlo *e, struct text params)
{
	struct text value;

	e->size_max = 0;
	if (text_next(&params, BLANK, &value))
		text_number(value, ~0ULL, &e->size_max);
}

static void
limit_parse(struct text limit, const char *name, unsigned *max)
{
	unsigned long long number;
	size_t equals;

	equals = text_find(limit, '=');
	if (!text_equal_fold(text_first(limit, equals), text_of(name)))
		return;
	/* RFC 9422 section 4: six digits at most. */
	if (text_number(text_skip(limit, equals + 1), 999999, &number))
		*max = (unsigned)number;
}

static void
limits_params(struct ehlo *e, struct text params)
{
	struct text limit;

	while (text_next(&params, BLANK, &limit)) {
		limit_parse(limit, "RCPTMAX", &e->rcptmax);
		limit_parse(limit, "MAILMAX", &e->mailmax);
	}
}

/* RFC 2852 section 2: min-by-time, then a comma and what is to come. */
static void
deliverby_params(struct ehlo *e, struct text params)
{
	unsigned long long number;
	struct text value;

	if (text_next(&params, BLANK ",", &value) &&
	    text_number(value, 999999999, &number))
		e->deliverby_min = (long long)number;
}

static void
futurerelease_params(struct ehlo *e, struct text params)
{
	struct text value;

	if (text_next(&params, BLANK, &value))
		text_number(value, 999999999, &e->futurerelease_max);
}

/* sasl-mech of RFC 4422 section 3.1; servers write lower case as well. */
static bool
is_mechanism(struct text name)
{
	size_t i;

	for (i = 0; i < name.len; i++) {
		if (!text_is_alpha(name.at[i]) && !text_is_digit(name.at[i]) &&
		    name.at[i] != '-' && name.at[i] != '_')
			return false;
	}
	return name.len > 0 && name.len <= 20;
}

static void
mechanism_add(struct ehlo *e, struct text name)
{
	struct text known, rest = text_of(e->mechanisms);
	size_t i, used = rest.len;

	while (text_next(&rest, " ", &known)) {
		if (text_equal_fold(known, name))
			return;
	}
	if (used + 1 + name.len >= sizeof(e->mechanisms))
		return;
	if (used > 0)
		e->mechanisms[used++] = ' ';
	for (i = 0; i < name.len; i++) {
		char c = name.at[i];

		if (text_is_alpha(c))
			c = (char)(c & ~0x20);
		e->mechanisms[used++] = c;
	}
	e->mechanisms[used] = '\0';
}

static void
auth_params(struct ehlo *e, struct text params)
{
	struct text name;

	while (text_next(&params, BLANK, &name)) {
		if (is_mechanism(name))
			mechanism_add(e, name);
	}
}

static const struct keyword keywords[] = {
    {"STARTTLS", offsetof(struct ehlo, starttls), NULL},
    {"PIPELINING", offsetof(struct ehlo, pipelining), NULL},
    {"8BITMIME", offsetof(struct ehlo, eightbitmime), NULL},
    {"CHUNKING", offsetof(struct ehlo, chunking), NULL},
    {"DSN", offsetof(struct ehlo, dsn), NULL},
    {"SMTPUTF8", offsetof(struct ehlo, smtputf8), NULL},
    {"ENHANCEDSTATUSCODES", offsetof(struct ehlo, enhanced), NULL},
    {"REQUIRETLS", offsetof(struct ehlo, requiretls), NULL},
    {"SIZE", offsetof(struct ehlo, size), size_params},
    {"LIMITS", offsetof(struct ehlo, limits), limits_params},
    {"MT-PRIORITY", offsetof(struct ehlo, mt_priority), NULL},
    {"DELIVERBY", offsetof(struct ehlo, deliverby), deliverby_params},
    {"FUTURERELEASE", offsetof(struct ehlo, futurerelease),
	futurerelease_params},
    {"AUTH", offsetof(struct ehlo, auth), auth_params},
};

static void
keyword_parse(struct ehlo *e, struct text name, struct text params)
{
	const struct keyword *k;
	size_t i;

	for (i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++) {
		k = &keywords[i];
		if (!text_equal_fold(name, text_of(k->name)))
			continue;
		*(bool *)((char *)e + k->flag) = true;
		if (k->params != NULL)
			k->params(e, params);
	}
}

static void
line_parse(struct ehlo *e, struct text line)
{
	const struct text old_auth = TEXT("AUTH=");
	struct text name;

	if (text_starts_fold(line, old_auth)) {
		keyword_parse(e, TEXT("AUTH"), text_skip(line, old_auth.len));
		return;
	}
	/* ehlo-keyword begins at once: RFC 5321 section 4.1.1.1 */
	if (line.len == 0 || line.at[0] == ' ' || line.at[0] == '\t')
		return;
	if (text_next(&line, BLANK, &name))
		keyword_parse(e, name, line);
}

/* For people: what does not fit whole is counted, and all behind it, so that
 * it is plain what is missing. */
static void
line_keep(struct ehlo *e, struct text line)
{
	char shown[160];
	size_t used = strlen(e->lines), len;

	text_visible(line, shown, sizeof(shown));
	len = strlen(shown);
	if (len == 0)
		return;
	if (e->more > 0 || used + len + 2 > sizeof(e->lines)) {
		e->more++;
		return;
	}
	memcpy(e->lines + used, shown, len);
	memcpy(e->lines + used + len, "\n", 2);
}

void
ehlo_parse(struct ehlo *e, const struct reply *reply)
{
	struct text rest, line;

	memset(e, 0, sizeof(*e));
	rest = buf_text(&reply->text);
	/* The first line is the server's name and greeting. */
	if (!text_next_line(&rest, &line))
		return;
	while (text_next_line(&rest, &line)) {
		line_parse(e, line);
		line_keep(e, line);
	}
	e->hidden = reply->hidden;
}
