#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "message/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check(bool holds)
{
	if (!holds)
		abort();
}

/* A token that is lexed by itself is that token, whole; but what a special
 * would open must not be looked for. */
static void
check_again(const struct token *token)
{
	struct lexer lexer = {.rest = token->text};
	struct token again;

	check(token_next(&lexer, &again));
	check(again.kind == token->kind && again.encoded == token->encoded);
	check(again.text.len == token->text.len && lexer.rest.len == 0);
	check(token->text.len == 1 || again.control == token->control);
}

static void
check_inside(const struct token *token)
{
	struct text inside = token_inside(token->text);
	size_t left = inside.len;
	char c;

	for (; token_unquote(&inside, &c, NULL); left = inside.len)
		check(inside.len < left);
	check(left == 0 && inside.len == 0);
}

static void
check_token(const struct token *token)
{
	struct text t = token->text;

	switch (token->kind) {
	case TOKEN_ATOM:
		check(token_is_atext(t.at[0]));
		check(token->encoded || token_is_atoms(t, '.'));
		break;
	case TOKEN_QUOTED:
		check(token_is_quoted(t));
		check_inside(token);
		break;
	case TOKEN_LITERAL:
	case TOKEN_COMMENT:
		check_inside(token);
		break;
	case TOKEN_WHITE:
		break;
	case TOKEN_CONTROL:
		check(t.len == 1 && text_has_control(t));
		break;
	default:
		check(t.len == 1 && t.at[0] == token->kind);
		check(strchr("()<>[]:;@\\,.\"", t.at[0]) != NULL);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text rest = {(const char *)data, size};
	struct lexer lexer = {.rest = rest};
	struct token token;
	char before = TOKEN_END;

	for (; token_next(&lexer, &token); before = token.kind) {
		check(token.text.at == rest.at && token.text.len > 0);
		check(token.text.at + token.text.len == lexer.rest.at);
		check(before != token.kind || before == TOKEN_CONTROL ||
		      before == TOKEN_QUOTED || before == TOKEN_LITERAL ||
		      before == TOKEN_COMMENT || token.text.len == 1);
		check_token(&token);
		check_again(&token);
		rest = lexer.rest;
	}
	check(lexer.rest.len == 0 && rest.len == 0);
	check(!token_next(&lexer, &token) && token.kind == TOKEN_END);
	return 0;
}
