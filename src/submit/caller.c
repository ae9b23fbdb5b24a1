#include "submit/caller.h"

#include <fnmatch.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/crypt.h"
#include "message/address.h"

#define UID_LARGEST 0xffffffffULL
#define NETWORK	    TEXT("tcp")
#define NAMELESS    65534

/* What a pattern means in another way than as itself, unless escaped; and what
 * it cannot have. */
static const char specials[] = "*?[\\";
static const char unwritten[] = "<>,\"'";

/* A sender as patterns see it. */
struct halves {
	struct buf local;    /* without quotes */
	struct buf domain;   /* in ASCII */
	struct buf unmapped; /* as it is written; or the same */
};

struct caller_word
caller_word(const struct caller *c)
{
	struct caller_word word = {""};

	switch (c->kind) {
	case CALLER_SELF:
		break;
	case CALLER_USER:
		snprintf(word.words, sizeof(word.words), "%u", c->uid);
		break;
	case CALLER_NETWORK:
		snprintf(word.words, sizeof(word.words), "tcp");
		break;
	}
	return word;
}

struct caller_name
caller_name(const struct caller *c)
{
	struct caller_name name;

	if (c->kind == CALLER_NETWORK)
		snprintf(name.words, sizeof(name.words), "a caller over TCP");
	else if (c->named)
		snprintf(name.words, sizeof(name.words), "user %.40s (uid %u)",
		    SHOWN(text_of(c->login)), c->uid);
	else
		snprintf(name.words, sizeof(name.words), "uid %u", c->uid);
	return name;
}

bool
caller_is_free(const struct caller *c)
{
	return c->kind == CALLER_SELF ||
	       (c->kind == CALLER_USER && c->uid == 0);
}

unsigned
caller_counted_as(const struct caller *c)
{
	return c->named ? c->uid : NAMELESS;
}

/*
 * Patterns.
 */

static bool
is_any(struct text pattern)
{
	return text_equal(pattern, TEXT("*"));
}

static bool
is_null(struct text pattern)
{
	return text_equal(pattern, TEXT("<>"));
}

bool
caller_is_pattern(struct text pattern)
{
	size_t mark = text_find_last(pattern, '@');

	if (is_any(pattern) || is_null(pattern))
		return true;
	return mark > 0 && mark + 1 < pattern.len &&
	       text_find(pattern, '<') == pattern.len &&
	       text_find(pattern, '>') == pattern.len &&
	       text_find(pattern, ',') == pattern.len;
}

static bool
fits(struct text pattern, const char *words)
{
	struct buf string;
	bool result;

	buf_init(&string, SIZE_MAX / 4);
	buf_add_text(&string, pattern);
	result = fnmatch(buf_string(&string), words, FNM_CASEFOLD) == 0;
	buf_clear(&string);
	return result;
}

/* A domain is the same in both its forms, whichever the pattern has. */
static bool
fits_domain(struct text pattern, struct halves *h)
{
	struct buf ascii;
	bool result;

	if (fits(pattern, buf_string(&h->domain)) ||
	    fits(pattern, buf_string(&h->unmapped)))
		return true;
	if (!text_has_8bit(pattern))
		return false;
	buf_init(&ascii, SIZE_MAX / 4);
	result = crypt_domain(pattern, &ascii, NULL) == 0 &&
		 fits(buf_text(&ascii), buf_string(&h->domain));
	buf_clear(&ascii);
	return result;
}

/* h is NULL for the null reverse-path. */
static bool
fits_pattern(struct text pattern, struct halves *h)
{
	size_t mark = text_find_last(pattern, '@');

	if (is_any(pattern) || h == NULL)
		return is_any(pattern) || is_null(pattern);
	return fits(text_first(pattern, mark), buf_string(&h->local)) &&
	       fits_domain(text_skip(pattern, mark + 1), h);
}

/*
 * Users.
 */

/* A login of digits alone is known by its number, as is one that is a word of
 * ours. */
static bool
is_plain_login(struct text login)
{
	struct text rest = login, word;
	unsigned long long number;

	return !text_number(login, UID_LARGEST, &number) &&
	       !text_equal(login, NETWORK) && !is_any(login) &&
	       !text_has_control(login) && text_next(&rest, " ", &word) &&
	       text_equal(word, login);
}

static bool
is_user(const struct caller *c, struct text user)
{
	unsigned long long number;

	if (c->kind == CALLER_NETWORK)
		return text_equal(user, NETWORK);
	if (is_any(user))
		return true;
	if (text_number(user, UID_LARGEST, &number))
		return number == c->uid;
	return c->named && is_plain_login(user) &&
	       text_equal(user, text_of(c->login));
}

/*
 * Senders.
 */

static bool
is_own(const struct caller *c, const struct account *a, struct halves *h)
{
	struct text domain = text_of(a->domain);

	return c->kind == CALLER_USER && domain.len > 0 &&
	       text_equal_fold(buf_text(&h->local), text_of(c->login)) &&
	       text_equal_fold(buf_text(&h->domain), domain);
}

static bool
is_listed(const struct caller *c, const struct account *a, struct halves *h)
{
	struct text entry, user;
	size_t i;

	for (i = 0; i < a->sender_of.count; i++) {
		entry = text_of(a->sender_of.at[i]);
		user = text_first(entry, text_find(entry, ' '));
		if (is_user(c, user) &&
		    fits_pattern(text_skip(entry, user.len + 1), h))
			return true;
	}
	return false;
}

static void
init_halves(struct halves *h)
{
	buf_init(&h->local, SIZE_MAX / 4);
	buf_init(&h->domain, SIZE_MAX / 4);
	buf_init(&h->unmapped, SIZE_MAX / 4);
}

static void
clear_halves(struct halves *h)
{
	buf_clear(&h->local);
	buf_clear(&h->domain);
	buf_clear(&h->unmapped);
}

/* False: it is no address of a person, or lacks a domain that nothing adds. */
static bool
split(struct text spec, const struct account *a, struct halves *h)
{
	struct address_list list;
	struct address address;
	struct text domain;

	if (address_parse_one(&list, spec, &address) == -1)
		return false;
	domain = address.domain.len == 0 ? text_of(a->domain) : address.domain;
	token_add_meant(address.local, &h->local);
	buf_add_text(&h->unmapped, domain);
	return domain.len > 0 && crypt_domain(domain, &h->domain, NULL) == 0;
}

bool
caller_may_send(
    const struct caller *c, const struct account *a, struct text spec)
{
	struct halves h;
	bool may;

	if (caller_is_free(c))
		return true;
	if (spec.len == 0)
		return c->kind == CALLER_USER || is_listed(c, a, NULL);
	init_halves(&h);
	may = split(spec, a, &h) && (is_own(c, a, &h) || is_listed(c, a, &h));
	clear_halves(&h);
	return may;
}

/*
 * The refusal. Who reads its line may write it as it stands, and it lets no
 * more in than this sender: a stranger has chosen it.
 */

static void
add_user(const struct caller *c, struct buf *line)
{
	if (c->kind == CALLER_NETWORK)
		buf_add_text(line, NETWORK);
	else if (c->named && is_plain_login(text_of(c->login)))
		buf_add_string(line, SHOWN(text_of(c->login)));
	else
		buf_format(line, "%u", c->uid);
}

static bool
can_be_written(struct text half)
{
	size_t i;

	for (i = 0; i < half.len; i++)
		if (text_is_control(half.at[i]) || text_is_blank(half.at[i]) ||
		    strchr(unwritten, half.at[i]) != NULL)
			return false;
	return half.len > 0 && !text_has_8bit(half);
}

static void
add_escaped(struct text half, struct buf *line)
{
	size_t i;

	for (i = 0; i < half.len; i++) {
		if (strchr(specials, half.at[i]) != NULL)
			buf_add_char(line, '\\');
		buf_add_char(line, half.at[i]);
	}
}

static void
add_line(const struct caller *c, const struct account *a, struct text spec,
    struct buf *line)
{
	struct halves h;

	init_halves(&h);
	buf_add_string(line, "sender-of ");
	add_user(c, line);
	buf_add_char(line, ' ');
	if (spec.len == 0) {
		buf_add_string(line, "<>");
	} else if (split(spec, a, &h) && can_be_written(buf_text(&h.local)) &&
		   can_be_written(buf_text(&h.domain))) {
		add_escaped(buf_text(&h.local), line);
		buf_add_char(line, '@');
		add_escaped(buf_text(&h.domain), line);
	} else {
		buf_add_string(line, "LOCAL@DOMAIN");
	}
	clear_halves(&h);
}

int
caller_check(const struct caller *c, const struct account *a, struct text spec,
    struct error *e)
{
	struct buf line;

	if (caller_may_send(c, a, spec))
		return 0;
	error_set(e, ERROR_REFUSED, NULL, "%s may not send as <%s>",
	    caller_name(c).words, SHOWN(spec));
	e->code = 550;
	e->enhanced = (struct enhanced){5, 7, 1};
	buf_init(&line, 400);
	add_line(c, a, spec, &line);
	error_hint(e, "write `%s' into the service's configuration%s",
	    buf_string(&line),
	    c->kind == CALLER_USER && a->domain == NULL
		? ", or `domain', and each user sends as himself there"
		: "");
	buf_clear(&line);
	return -1;
}
