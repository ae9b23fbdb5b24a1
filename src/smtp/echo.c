#include "smtp/echo.h"

#include <string.h>

#include "base/crypt.h"

/* Octets; less is no secret to find. */
#define ECHO_MIN 6

/* Characters of base64; less of it could be anything. */
#define ECHO_PIECE 8
#define ECHO_WORD  4

/* Characters of base64 that are sought one by one; whoever repeats more repeats
 * these. */
#define ECHO_LONG 512

/* Octets; of more than that, a token say, a piece is telling. */
#define ECHO_WHOLE 32

#define ECHO_MAX (1024 * 1024)

/*
 * What is known.
 */

static void
add_folded(struct buf *out, struct text t)
{
	size_t i;

	for (i = 0; i < t.len; i++)
		if (text_white(text_skip(t, i)) == 0)
			buf_add_char(out, text_lower(t.at[i]));
}

static void
add_form(struct echo *echo, struct text form, size_t piece, bool brief)
{
	struct echo_form *f = &echo->forms[echo->count];

	if (echo->count == ECHO_FORMS || form.len == 0)
		return;
	buf_init(&f->text, ECHO_MAX);
	add_folded(&f->text, form);
	if (f->text.len == 0)
		return;
	f->piece = piece == 0 || piece > f->text.len ? f->text.len : piece;
	f->brief = brief;
	echo->count++;
}

/* Those characters of the base64 that depend on the password alone, where it
 * stands behind so many octets, and in front of any. */
static void
add_base64(struct echo *echo, struct text password, size_t behind, bool brief)
{
	struct buf octets, base64;
	size_t from = (8 * behind + 5) / 6, to;
	struct text form;

	buf_init(&octets, ECHO_MAX);
	buf_init(&base64, ECHO_MAX);
	buf_add(&octets, "\0\0", behind);
	buf_add_text(&octets, password);
	to = 8 * octets.len / 6;
	crypt_base64(buf_text(&octets), &base64);
	form = text_skip(text_first(buf_text(&base64), to), from);
	if (form.len >= ECHO_WORD)
		add_form(echo, form, ECHO_PIECE, brief);
	buf_wipe(&octets);
	buf_wipe(&base64);
}

void
echo_init(struct echo *echo, struct text password)
{
	memset(echo, 0, sizeof(*echo));
	buf_init(&echo->heard, ECHO_MAX);
	echo_add(echo, password);
}

void
echo_add(struct echo *echo, struct text password)
{
	struct echo_form *whole = &echo->forms[echo->count];
	const size_t before = echo->count;
	size_t i;

	add_form(echo, password, password.len > ECHO_WHOLE ? ECHO_WHOLE / 2 : 0,
	    false);
	if (echo->count == before)
		return;
	whole->brief = whole->text.len < ECHO_MIN;
	for (i = 0; i < 3; i++)
		add_base64(echo, password, i, whole->brief);
}

void
echo_clear(struct echo *echo)
{
	size_t i;

	for (i = 0; i < echo->count; i++)
		buf_wipe(&echo->forms[i].text);
	echo->count = 0;
	buf_wipe(&echo->heard);
}

void
echo_know(struct echo *echo, struct text response)
{
	if (response.len >= ECHO_WORD)
		add_form(echo, response, 0, response.len < ECHO_PIECE);
}

/*
 * What is heard.
 */

static bool
holds(struct text t, struct text piece)
{
	while (t.len >= piece.len) {
		t = text_skip(t, text_find(t, piece.at[0]));
		if (t.len >= piece.len &&
		    memcmp(t.at, piece.at, piece.len) == 0)
			return true;
		t = text_skip(t, 1);
	}
	return false;
}

/* Whether heard ends in the beginning of the form: the rest may follow. */
static bool
ends_within(struct text heard, struct text form)
{
	size_t n = heard.len < form.len ? heard.len : form.len - 1;

	for (; n >= ECHO_MIN; n--)
		if (memcmp(heard.at + heard.len - n, form.at, n) == 0)
			return true;
	return false;
}

/* Whether a piece of the form is heard that ends behind `old'. */
static bool
form_is_heard(const struct echo_form *f, struct text heard, size_t old)
{
	struct text form = buf_text(&f->text), piece, fresh;
	size_t at;

	fresh = text_skip(heard, old < f->piece ? 0 : old + 1 - f->piece);
	for (at = 0; at < form.len && at < ECHO_LONG; at += f->piece) {
		if (at + f->piece > form.len)
			at = form.len - f->piece;
		piece = text_first(text_skip(form, at), f->piece);
		if (holds(fresh, piece))
			return true;
	}
	return heard.len > old && ends_within(heard, form);
}

static bool
is_heard(const struct echo *echo, struct text heard, size_t old, bool to_auth)
{
	size_t i;

	for (i = 0; i < echo->count; i++)
		if ((to_auth || !echo->forms[i].brief) &&
		    form_is_heard(&echo->forms[i], heard, old))
			return true;
	return false;
}

/* Forgets what no form can begin in. */
static void
trim(struct echo *echo)
{
	size_t i, longest = 0;

	for (i = 0; i < echo->count; i++)
		if (echo->forms[i].text.len > longest)
			longest = echo->forms[i].text.len;
	if (echo->heard.len > longest)
		buf_drop(&echo->heard, echo->heard.len - longest);
}

/* A challenge's words are told where it is no good. */
static bool
challenge_repeats(const struct echo *echo, const struct reply *reply)
{
	struct buf challenge, folded;
	bool repeats = false;

	buf_init(&challenge, REPLY_TEXT_MAX);
	buf_init(&folded, REPLY_TEXT_MAX);
	if (crypt_unbase64(buf_text(&reply->text), &challenge) == 0) {
		add_folded(&folded, buf_text(&challenge));
		repeats = is_heard(echo, buf_text(&folded), 0, true);
	}
	buf_wipe(&challenge);
	buf_wipe(&folded);
	return repeats;
}

/* An enhanced code begins each line, and a secret may be cut over them. */
static void
hear_lines(struct echo *echo, struct text rest)
{
	struct text line, code;

	while (text_next_line(&rest, &line)) {
		if (reply_enhanced(line).class != 0)
			text_next(&line, " \t", &code);
		add_folded(&echo->heard, line);
	}
}

void
echo_hide_rest(
    struct echo *echo, struct reply *reply, struct text rest, bool to_auth)
{
	struct text line = buf_text(&reply->line);
	size_t old = echo->heard.len;

	if (echo->count == 0)
		return;
	hear_lines(echo, buf_text(&reply->text));
	if (line.len > 3 && (line.at[3] == ' ' || line.at[3] == '-'))
		line = text_skip(line, 4); /* the code */
	hear_lines(echo, line);
	hear_lines(echo, rest);
	reply->hidden = is_heard(echo, buf_text(&echo->heard), old, to_auth) ||
			(reply->code == 334 && challenge_repeats(echo, reply));
	trim(echo);
}

void
echo_hide(struct echo *echo, struct reply *reply, bool to_auth)
{
	echo_hide_rest(echo, reply, TEXT(""), to_auth);
}

void
echo_hide_words(struct echo *echo, char *words, size_t size)
{
	size_t old = echo->heard.len;

	if (echo->count == 0)
		return;
	hear_lines(echo, text_of(words));
	if (is_heard(echo, buf_text(&echo->heard), old, false))
		strlcpy(words, "[the server repeats the secret]", size);
	trim(echo);
}

void
echo_hide_error(struct echo *echo, struct error *e)
{
	echo_hide_words(echo, e->text, sizeof(e->text));
	echo_hide_words(echo, e->why, sizeof(e->why));
}
