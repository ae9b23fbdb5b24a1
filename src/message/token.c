#include "message/token.h"

#include "message/word.h"

static const struct {
	char open;
	char close;
	char kind;
	unsigned without;
} enclosures[] = {
    {'(', ')', TOKEN_COMMENT, TOKEN_NO_COMMENTS},
    {'"', '"', TOKEN_QUOTED, TOKEN_NO_QUOTED},
    {'[', ']', TOKEN_LITERAL, TOKEN_NO_LITERALS},
};

static bool
is_special(char c)
{
	switch (c) {
	case '(':
	case ')':
	case '<':
	case '>':
	case '[':
	case ']':
	case ':':
	case ';':
	case '@':
	case '\\':
	case ',':
	case '.':
	case '"':
		return true;
	}
	return false;
}

bool
token_is_atext(char c)
{
	return !text_is_control(c) && c != ' ' && !is_special(c);
}

static bool
is_fold(struct text t)
{
	return t.len > 2 && t.at[0] == '\r' && t.at[1] == '\n' &&
	       text_is_blank(t.at[2]);
}

static size_t
white_length(struct text t)
{
	size_t n = 0;

	while (n < t.len) {
		if (text_is_blank(t.at[n]))
			n++;
		else if (is_fold(text_skip(t, n)))
			n += 3;
		else
			break;
	}
	return n;
}

static size_t
atom_length(struct text t, bool *encoded)
{
	size_t end, n = 0;

	while (n < t.len && token_is_atext(t.at[n])) {
		end = n;
		if (t.at[n] == '=')
			end += word_length(text_skip(t, n));
		for (n++; n < end; n++)
			*encoded |= !token_is_atext(t.at[n]);
	}
	return n;
}

/* Octets up to where the first one closes; 0 where it does not. */
static size_t
enclosed_length(struct text t, char close, const char **control)
{
	bool nests = t.at[0] == '(';
	size_t depth = 1, n;

	for (n = 1; n < t.len; n++) {
		if (is_fold(text_skip(t, n))) {
			n++;
			continue;
		}
		if (t.at[n] == close && --depth == 0)
			return n + 1;
		if (nests && t.at[n] == '(')
			depth++;
		if (t.at[n] == '\\' && ++n == t.len)
			break;
		if (*control == NULL && text_is_control(t.at[n]) &&
		    t.at[n] != '\t')
			*control = t.at + n;
	}
	return 0;
}

/* A special, or what it opens. */
static size_t
special_length(struct lexer *lexer, struct token *token)
{
	struct text t = lexer->rest;
	size_t i, n;

	token->kind = t.at[0];
	for (i = 0; i < sizeof(enclosures) / sizeof(enclosures[0]); i++) {
		if (t.at[0] != enclosures[i].open ||
		    (lexer->without & enclosures[i].without) != 0)
			continue;
		n = enclosed_length(t, enclosures[i].close, &token->control);
		if (n == 0)
			lexer->without |= enclosures[i].without;
		else
			token->kind = enclosures[i].kind;
		return n == 0 ? 1 : n;
	}
	return 1;
}

bool
token_next(struct lexer *lexer, struct token *token)
{
	struct text rest = lexer->rest;
	size_t n;

	*token = (struct token){.kind = TOKEN_END, .text = text_first(rest, 0)};
	if (rest.len == 0)
		return false;
	if ((n = white_length(rest)) > 0)
		token->kind = TOKEN_WHITE;
	else if ((n = atom_length(rest, &token->encoded)) > 0)
		token->kind = TOKEN_ATOM;
	else if (is_special(rest.at[0]))
		n = special_length(lexer, token);
	else {
		n = 1;
		token->kind = TOKEN_CONTROL;
	}
	token->text = text_first(rest, n);
	lexer->rest = text_skip(rest, n);
	return true;
}

struct text
token_inside(struct text enclosed)
{
	return text_first(text_skip(enclosed, 1), enclosed.len - 2);
}

bool
token_unquote(struct text *inside, char *octet, bool *quoted)
{
	bool pair = inside->len > 1 && inside->at[0] == '\\';

	if (quoted != NULL)
		*quoted = pair;
	*inside = text_skip(*inside, pair);
	if (is_fold(*inside))
		*inside = text_skip(*inside, 2);
	if (inside->len == 0)
		return false;
	*octet = inside->at[0];
	*inside = text_skip(*inside, 1);
	return true;
}

bool
token_is_atoms(struct text t, char between)
{
	size_t i;

	for (i = 0; i < t.len; i++) {
		if (t.at[i] == between && (i == 0 || t.at[i - 1] == between))
			return false;
		if (t.at[i] != between && !token_is_atext(t.at[i]))
			return false;
	}
	return t.len > 0 && t.at[t.len - 1] != between;
}

bool
token_is_quoted(struct text t)
{
	struct lexer lexer = {.rest = t};
	struct token token;

	token_next(&lexer, &token);
	return token.kind == TOKEN_QUOTED && lexer.rest.len == 0;
}

void
token_add_meant(struct text word, struct buf *out)
{
	struct text inside = token_inside(word);
	char c;

	if (!token_is_quoted(word)) {
		buf_add_text(out, word);
		return;
	}
	while (token_unquote(&inside, &c, NULL))
		buf_add_char(out, c);
}
