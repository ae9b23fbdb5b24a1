#include "smtp/receipt.h"

#include <string.h>

#define LEAST_ALONE 12 /* octets of an id that nothing but its place shows */

/* What stands before an id: of Postfix and what comes out of it, Haraka,
 * Stalwart, Exim, GMX, Exchange, qmail, Cisco. */
static const char *const before[] = {"queued as ", "queued with id ",
    "message queued (", " id=", "internalid=", " qp ", "ok:  message "};

/* And what behind it: of Sendmail and OpenSMTPD, Dovecot's LMTP, Google. */
static const char *const behind[] = {
    " message accepted for delivery", " saved", " - gsmtp"};

/* What encloses an id, or ends the sentence behind it. */
static bool
is_around(char c)
{
	const struct text around = TEXT("<>()[],;\"'");

	return text_find(around, c) < around.len;
}

static struct text
first_word(struct text rest)
{
	struct text word = {NULL, 0};

	while (rest.len > 0 && is_around(rest.at[0]))
		rest = text_skip(rest, 1);
	word.at = rest.at;
	while (word.len < rest.len && !text_is_blank(rest.at[word.len]) &&
	       !is_around(rest.at[word.len]))
		word.len++;
	while (word.len > 0 && word.at[word.len - 1] == '.')
		word.len--;
	return word;
}

static struct text
last_word(struct text t)
{
	const size_t space = text_find_last(t, ' ');

	return text_skip(t, space == t.len ? 0 : space + 1);
}

static bool
has_digit(struct text t)
{
	size_t i = 0;

	while (i < t.len && !text_is_digit(t.at[i]))
		i++;
	return i < t.len;
}

/* "2.0.0" */
static bool
is_enhanced(struct text word)
{
	size_t i = 0;

	while (i < word.len && (text_is_digit(word.at[i]) || word.at[i] == '.'))
		i++;
	return i > 0 && i == word.len && text_find(word, '.') < word.len;
}

/* Where the marker begins in t, or t.len. */
static size_t
find_marker(struct text t, const char *marker)
{
	size_t i = 0;

	while (i < t.len && !text_starts_fold(text_skip(t, i), text_of(marker)))
		i++;
	return i;
}

/* The first of the markers that has an id on its side counts. */
static struct text
find_behind(struct text t)
{
	struct text id;
	size_t i;

	for (i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
		id = first_word(text_skip(
		    t, find_marker(t, before[i]) + strlen(before[i])));
		if (has_digit(id))
			return id;
	}
	return (struct text){NULL, 0};
}

static struct text
find_before(struct text t)
{
	struct text id;
	size_t i, at;

	for (i = 0; i < sizeof(behind) / sizeof(behind[0]); i++) {
		at = find_marker(t, behind[i]);
		id = last_word(text_first(t, at));
		if (at < t.len && has_digit(id))
			return id;
	}
	return (struct text){NULL, 0};
}

/* SES and SparkPost say it behind "Ok", and nothing more. */
static struct text
find_alone(struct text rest)
{
	struct text word, id = {NULL, 0};

	if (text_next(&rest, " ", &word) && text_equal_fold(word, TEXT("ok")) &&
	    text_next(&rest, " ", &word) && rest.len == 0 &&
	    word.len >= LEAST_ALONE && has_digit(word))
		id = word;
	return id;
}

struct text
receipt_id(const char *words)
{
	struct text rest = text_of(words), behind_code, word, id;

	if (!text_next(&rest, " ", &word) || word.len != 3 ||
	    word.at[0] != '2' || rest.len == 0)
		return (struct text){NULL, 0};
	behind_code = rest;
	if (text_next(&behind_code, " ", &word) && is_enhanced(word))
		rest = behind_code;
	id = find_behind(rest);
	if (id.len == 0)
		id = find_before(rest);
	return id.len > 0 ? id : find_alone(rest);
}
