#ifndef TEXT_H
#define TEXT_H

/*
 * text: a counted, borrowed slice of bytes. Never owns; valid as long as what
 * it was cut from. May hold NUL and 8-bit bytes. All comparisons fold ASCII
 * only, in every locale. A slice of length 0 may have at == NULL.
 */

#include <stdbool.h>
#include <stddef.h>

struct text {
	const char *at;
	size_t len;
};

/* A slice of a string literal. */
#define TEXT(literal) ((struct text){(literal), sizeof(literal) - 1})

/* The arguments for "%.*s". */
#define TEXT_ARG(t) (int)(t).len, (t).len == 0 ? "" : (t).at

/* The slice of a whole string; NULL gives the empty slice. */
struct text text_of(const char *string);

/* The slice without its first n bytes, and the first n bytes; n is clamped. */
struct text text_skip(struct text t, size_t n);
struct text text_first(struct text t, size_t n);

bool text_equal(struct text a, struct text b);
bool text_equal_fold(struct text a, struct text b);
bool text_starts_fold(struct text t, struct text prefix);

/* Without the byte order mark of UTF-8 that editors put before a text. */
struct text text_skip_mark(struct text t);

/* Octets of white space at the start: space, tab, CR and LF. */
size_t text_white(struct text t);

/* Without white space at both ends. */
struct text text_trim(struct text t);

/* The first and the last place of byte c, or t.len where there is none. */
size_t text_find(struct text t, char c);
size_t text_find_last(struct text t, char c);

/*
 * Cuts the next token separated by any byte of `separators` off *rest; runs
 * of separators count as one. False when nothing is left.
 */
bool text_next(struct text *rest, const char *separators, struct text *token);

/*
 * Cuts the next line off *rest; the line comes without its LF or CRLF. False
 * when nothing is left.
 */
bool text_next_line(struct text *rest, struct text *line);

/* At most n octets from the start on, but no part of a character: t is UTF-8.
 */
size_t text_cut(struct text t, size_t n);

/* ASCII classes that no locale changes; a space or a tab is blank. */
bool text_is_blank(char c);
bool text_is_alpha(char c);
bool text_is_digit(char c);
bool text_is_control(char c); /* C0 or DEL */
char text_lower(char c);

/* Octets before the first with its high bit set; whether there is such a one;
 * whether any is a control character. */
size_t text_ascii(struct text t);
bool text_has_8bit(struct text t);
bool text_has_control(struct text t);

/* Octets of the well-formed UTF-8 sequence at the start of t; 0 where there is
 * none. */
size_t text_utf8(struct text t);

/* Octets before the first that is no part of a well-formed sequence. */
size_t text_utf8_run(struct text t);

/* Whether the bytes are well-formed UTF-8 (RFC 3629: no surrogates, no
 * overlong forms, nothing above U+10FFFF). */
bool text_is_utf8(struct text t);

/* A decimal number of digits only, at most max. False on anything else. */
bool text_number(
    struct text t, unsigned long long max, unsigned long long *number);

/* Cuts such a number off *rest, which spaces separate from what follows. */
bool text_next_number(
    struct text *rest, unsigned long long max, unsigned long long *number);

/*
 * Writes the slice as printable text into out, NUL-terminated: control
 * characters, those that have no look of their own or turn the direction of
 * writing, and 8-bit bytes that are no valid UTF-8 become \xHH, what does not
 * fit is cut and ends in "...". Foreign bytes reach people and logs through
 * here and nowhere else. Returns out.
 */
char *text_visible(struct text t, char *out, size_t size);

/* The same as a value of at most 159 octets, for messages; SHOWN() is the
 * string in it, which lives to the end of the expression that it stands in. */
struct text_shown {
	char words[160];
};
struct text_shown text_shown(struct text t);
#define SHOWN(t) (text_shown(t).words)

#endif
