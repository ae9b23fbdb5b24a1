#ifndef TOKEN_H
#define TOKEN_H

/*
 * token: bytes -> the lexical tokens of RFC 5322 section 3.2, with the 8-bit
 * bytes of RFC 6532 as atext. Nothing is a fault here: what opens and is not
 * closed is a special, and a control character stands for itself. The tokens
 * cover the input exactly once, in linear time, without recursion and memory.
 */

#include "base/buf.h"
#include "base/text.h"

/* What else a token can be: a special, which stands for itself. */
enum {
	TOKEN_END = 0,
	TOKEN_ATOM = 'a',    /* encoded words in it are whole */
	TOKEN_QUOTED = 'q',  /* with its quotes */
	TOKEN_LITERAL = 'l', /* a domain literal, with its brackets */
	TOKEN_COMMENT = 'c', /* with all that it holds */
	TOKEN_WHITE = 'w',   /* spaces, tabs and folds */
	TOKEN_CONTROL = 'x'  /* one, or a CR or LF that does not fold */
};

struct token {
	char kind;
	bool encoded;	     /* an atom only as an encoded word: it holds
			      * specials */
	struct text text;    /* a slice of the input */
	const char *control; /* the first control character between
			      * delimiters (also where they do not close),
			      * but for tabs and folds; or NULL */
};

/* What is not looked for: the delimiters are specials then. */
enum { TOKEN_NO_COMMENTS = 1, TOKEN_NO_QUOTED = 2, TOKEN_NO_LITERALS = 4 };

/* Begin with rest and without; what is not closed is not looked for again. */
struct lexer {
	struct text rest;
	unsigned without;
};

/* Cuts the next token off the rest. False, with TOKEN_END, at the end. */
bool token_next(struct lexer *lexer, struct token *token);

/* What stands between the delimiters. */
struct text token_inside(struct text enclosed);

/* Cuts the next octet that is meant off what stands between delimiters, which
 * is without the backslash of a quoted-pair and the CRLF of a fold; quoted says
 * whether it had the backslash, and may be NULL. False at the end. */
bool token_unquote(struct text *inside, char *octet, bool *quoted);

/* Appends a local-part or a word as it is meant: without the quotes, if it is
 * one quoted string. */
void token_add_meant(struct text word, struct buf *out);

bool token_is_atext(char c);

/* Whether all of t is atoms with one such octet between each (a dot: it is a
 * dot-atom), one quoted string. */
bool token_is_atoms(struct text t, char between);
bool token_is_quoted(struct text t);

#endif
