#include "message/fields.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/crypt.h"
#include "message/address.h"
#include "message/fold.h"
#include "message/word.h"

/* Octets of one segment of a parameter (RFC 2231 section 3). */
#define SEGMENT_MAX 700
/* How far a parameter's other form is looked for. */
#define PARAMETERS_SEEN 1024

/* A line ends before a word that would have fewer octets left in it. */
#define WORD_ROOM_MIN 31

enum form {
	FORM_UNSTRUCTURED,
	FORM_ADDRESSES,
	FORM_PHRASES,	 /* words, and angle brackets that are none */
	FORM_PARAMETERS, /* RFC 2045 section 5.1 */
	FORM_OPAQUE	 /* only comments may hold encoded words */
};

enum piece { PIECE_WHITE, PIECE_COMMENT, PIECE_WORD, PIECE_SPECIAL };

/* What a word of the input stands in. */
enum place { PLACE_TEXT, PLACE_PHRASE, PLACE_COMMENT };

/* A value in its new form. Words to be encoded are collected while only white
 * space parts them, as a reader drops what stands between encoded words. */
struct writer {
	struct buf *out;
	size_t column;
	bool keep;   /* 8-bit bytes stay */
	bool utf8;   /* the value is UTF-8 */
	bool phrase; /* encoded words as RFC 2047 section 5 (3) has them */
	enum place place;
	struct text white;  /* seen, not yet written */
	bool after_encoded; /* the last word came as an encoded word */
	bool collecting;
	struct text lead; /* the white space before what is collected */
	struct buf run;
	bool angle;	   /* behind a '<' */
	bool spread;	   /* a space goes behind each comma */
	bool comments_end; /* one was not closed, so '(' is no more one */
	bool quotes_end;
	bool encoded;
	bool replaced;
};

/* What is wrong with a field. */
struct faults {
	bool nul;
	bool encode;
	bool is_long;
};

static const struct {
	const char *name;
	enum form form;
} forms[] = {
    {"From", FORM_ADDRESSES},
    {"Sender", FORM_ADDRESSES},
    {"Reply-To", FORM_ADDRESSES},
    {"To", FORM_ADDRESSES},
    {"Cc", FORM_ADDRESSES},
    {"Bcc", FORM_ADDRESSES},
    {"Resent-From", FORM_ADDRESSES},
    {"Resent-Sender", FORM_ADDRESSES},
    {"Resent-Reply-To", FORM_ADDRESSES},
    {"Resent-To", FORM_ADDRESSES},
    {"Resent-Cc", FORM_ADDRESSES},
    {"Resent-Bcc", FORM_ADDRESSES},
    {"Disposition-Notification-To", FORM_ADDRESSES},
    {"Mail-Followup-To", FORM_ADDRESSES},
    {"Mail-Reply-To", FORM_ADDRESSES},
    {"Keywords", FORM_PHRASES},
    {"List-ID", FORM_PHRASES},
    {"Content-Type", FORM_PARAMETERS},
    {"Content-Disposition", FORM_PARAMETERS},
    {"Message-ID", FORM_OPAQUE},
    {"In-Reply-To", FORM_OPAQUE},
    {"References", FORM_OPAQUE},
    {"Received", FORM_OPAQUE},
    {"Return-Path", FORM_OPAQUE},
    {"Date", FORM_OPAQUE},
    {"Resent-Date", FORM_OPAQUE},
    {"Resent-Message-ID", FORM_OPAQUE},
    {"Expires", FORM_OPAQUE},
    {"MIME-Version", FORM_OPAQUE},
    {"Content-Transfer-Encoding", FORM_OPAQUE},
    {"Content-ID", FORM_OPAQUE},
    {"Content-Base", FORM_OPAQUE},
    {"Content-Location", FORM_OPAQUE},
    {"Content-Language", FORM_OPAQUE},
    {"Content-MD5", FORM_OPAQUE},
    {"Auto-Submitted", FORM_OPAQUE},
    {"Autocrypt", FORM_OPAQUE},
    {"Authentication-Results", FORM_OPAQUE},
    {"DKIM-Signature", FORM_OPAQUE},
    {"Received-SPF", FORM_OPAQUE},
};

static enum form
form_of(struct text name)
{
	size_t i;

	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (text_equal_fold(name, text_of(forms[i].name)))
			return forms[i].form;
	if (text_starts_fold(name, TEXT("List-")) ||
	    text_starts_fold(name, TEXT("ARC-")))
		return FORM_OPAQUE;
	return FORM_UNSTRUCTURED;
}

static bool
is_white(char c)
{
	return text_is_blank(c) || c == '\r' || c == '\n';
}

static bool
is_special(char c)
{
	return c != '\0' && strchr("()<>[]:;@\\,\"", c) != NULL;
}

static bool
is_8bit(char c)
{
	return ((unsigned char)c & 0x80) != 0;
}

static void
note_column(struct writer *w, struct text written)
{
	size_t i;

	for (i = written.len; i > 0 && written.at[i - 1] != '\n'; i--)
		continue;
	w->column = i > 0 ? written.len - i : w->column + written.len;
}

static void
put(struct writer *w, struct text t)
{
	buf_add_text(w->out, t);
	note_column(w, t);
}

/* What was put off, and what comes as it is. */
static void
put_plain(struct writer *w, struct text t)
{
	put(w, w->white);
	w->white = text_of(NULL);
	put(w, t);
}

static void
collect_unfolded(struct writer *w, struct text t)
{
	size_t i;

	for (i = 0; i < t.len; i++)
		if (t.at[i] != '\r' && t.at[i] != '\n')
			buf_add_char(&w->run, t.at[i]);
}

/* A word without its quotes and backslashes. */
static void
collect_word(struct writer *w, struct text t)
{
	bool quoted = w->place == PLACE_COMMENT;
	size_t i;

	if (w->place == PLACE_TEXT) {
		buf_add_text(&w->run, t);
		return;
	}
	for (i = 0; i < t.len; i++) {
		if (w->place == PLACE_PHRASE && t.at[i] == '"') {
			quoted = !quoted;
			continue;
		}
		if (quoted && t.at[i] == '\\' && i + 1 < t.len)
			i++;
		collect_unfolded(w, text_first(text_skip(t, i), 1));
	}
}

static bool
needs_space(const struct writer *w)
{
	const struct buf *out = w->out;

	return w->place != PLACE_COMMENT &&
	       (out->len == 0 || !text_is_blank(out->at[out->len - 1]));
}

/* Writes what was collected. */
static void
close_run(struct writer *w)
{
	size_t before;

	if (!w->collecting)
		return;
	w->collecting = false;
	w->encoded = true;
	if (w->lead.len == 0 && needs_space(w))
		w->lead = TEXT(" ");
	if (w->lead.len > 0 && text_find(w->lead, '\n') == w->lead.len &&
	    w->column + w->lead.len + WORD_ROOM_MIN > WORD_LINE_MAX)
		put(w, TEXT("\r\n"));
	put(w, w->lead);
	before = w->out->len;
	word_encode(buf_text(&w->run),
	    (w->utf8 ? WORD_UTF8 : 0) |
		(w->phrase || w->place != PLACE_TEXT ? WORD_PHRASE : 0),
	    w->column, w->out);
	buf_reset(&w->run);
	note_column(w, text_skip(buf_text(w->out), before));
}

/* The same before what must not touch an encoded word. */
static void
close_run_apart(struct writer *w)
{
	if (w->collecting && w->white.len == 0)
		w->white = TEXT(" ");
	close_run(w);
	w->after_encoded = false;
}

static void
take_plain_word(struct writer *w, struct text word)
{
	bool encoded = word_length(word) == word.len;

	if (w->collecting && encoded)
		collect_unfolded(w, w->white);
	close_run(w);
	put_plain(w, word);
	w->after_encoded = encoded;
}

static void
take_word(struct writer *w, struct text word)
{
	if (w->keep || !text_has_8bit(word)) {
		take_plain_word(w, word);
		return;
	}
	if (!w->collecting)
		w->lead = w->white;
	if (w->collecting || w->after_encoded)
		collect_unfolded(w, w->white);
	w->white = text_of(NULL);
	w->collecting = true;
	w->after_encoded = false;
	collect_word(w, word);
}

static size_t
white_length(struct text t)
{
	size_t n;

	for (n = 0; n < t.len && is_white(t.at[n]); n++)
		continue;
	return n;
}

static struct text
cut(struct text *rest, size_t n)
{
	struct text piece = text_first(*rest, n);

	*rest = text_skip(*rest, n);
	return piece;
}

static void
write_text(struct writer *w, struct text rest)
{
	size_t n;

	while (rest.len > 0) {
		w->white = cut(&rest, white_length(rest));
		for (n = 0; n < rest.len && !is_white(rest.at[n]); n++)
			continue;
		if (n > 0)
			take_word(w, cut(&rest, n));
	}
	close_run(w);
	put_plain(w, text_of(NULL));
}

/* Octets of the comment at the start of t; 0 where it is not closed. */
static size_t
comment_length(struct text t)
{
	size_t i, depth = 0;

	for (i = 0; i < t.len; i++) {
		if (t.at[i] == '\\')
			i++;
		else if (t.at[i] == '(')
			depth++;
		else if (t.at[i] == ')' && --depth == 0)
			return i + 1;
	}
	return 0;
}

static size_t
quoted_length(struct text t)
{
	size_t i;

	for (i = 1; i < t.len; i++) {
		if (t.at[i] == '\\')
			i++;
		else if (t.at[i] == '"')
			return i + 1;
	}
	return 0;
}

/* Atoms, quoted strings and dots without white space between them. */
static size_t
phrase_length(struct writer *w, struct text t)
{
	size_t n, at = 0;

	while (at < t.len && !is_white(t.at[at])) {
		n = 1;
		if (t.at[at] == '"') {
			n = w->quotes_end ? 0 : quoted_length(text_skip(t, at));
			w->quotes_end = n == 0;
		} else if (is_special(t.at[at]))
			n = 0;
		else if (t.at[at] == '=')
			n = word_length(text_skip(t, at));
		if (n == 0 && t.at[at] != '=')
			break;
		at += n == 0 ? 1 : n;
	}
	return at;
}

static enum piece
next_piece(struct writer *w, struct text *rest, struct text *piece)
{
	enum piece kind = PIECE_WHITE;
	size_t n = white_length(*rest);

	if (n == 0 && rest->at[0] == '(' && !w->comments_end) {
		n = comment_length(*rest);
		w->comments_end = n == 0;
		kind = PIECE_COMMENT;
	}
	if (n == 0) {
		n = phrase_length(w, *rest);
		kind = PIECE_WORD;
	}
	if (n == 0) {
		n = 1;
		kind = PIECE_SPECIAL;
	}
	*piece = cut(rest, n);
	return kind;
}

static size_t
comment_word_length(struct text t)
{
	size_t n;

	for (n = 0; n < t.len; n++) {
		if (t.at[n] == '\\' && n + 1 < t.len && t.at[n + 1] != '\r')
			n++;
		else if (is_white(t.at[n]) || t.at[n] == '(' || t.at[n] == ')')
			break;
	}
	return n;
}

static void
write_comment(struct writer *w, struct text rest)
{
	enum place before = w->place;
	size_t n;

	close_run_apart(w);
	w->place = PLACE_COMMENT;
	while (rest.len > 0) {
		n = comment_word_length(rest);
		if (n > 0)
			take_word(w, cut(&rest, n));
		else if (is_white(rest.at[0]))
			w->white = cut(&rest, white_length(rest));
		else {
			close_run(w);
			put_plain(w, cut(&rest, 1));
			w->after_encoded = false;
		}
	}
	w->place = before;
}

static void
put_replaced(struct writer *w, struct text t)
{
	size_t i;
	bool bad;

	put_plain(w, text_of(NULL));
	for (i = 0; i < t.len; i++) {
		bad = !w->keep && is_8bit(t.at[i]);
		buf_add_char(w->out, bad ? '?' : t.at[i]);
		w->replaced |= bad;
	}
	note_column(w, text_skip(buf_text(w->out), w->out->len - t.len));
}

static void
put_special(struct writer *w, struct text special)
{
	close_run_apart(w);
	put_plain(w, special);
	if (special.at[0] == '<')
		w->angle = true;
	else if (special.at[0] == '>')
		w->angle = false;
	else if (special.at[0] == ',' && w->spread)
		w->white = TEXT(" ");
}

/* phrases: words outside of angle brackets may become encoded words. */
static void
write_structured(struct writer *w, struct text rest, bool phrases)
{
	struct text piece;

	while (rest.len > 0) {
		switch (next_piece(w, &rest, &piece)) {
		case PIECE_WHITE:
			w->white = piece;
			break;
		case PIECE_COMMENT:
			write_comment(w, piece);
			break;
		case PIECE_WORD:
			if (phrases && !w->angle)
				take_word(w, piece);
			else
				put_replaced(w, piece);
			break;
		case PIECE_SPECIAL:
			put_special(w, piece);
			break;
		}
	}
}

static void
end_structured(struct writer *w)
{
	close_run(w);
	put_plain(w, text_of(NULL));
}

static int
refuse_address(struct text name, const char *what, struct text part,
    const char *why, struct error *e)
{
	char shown[100];

	return error_set(e, ERROR_MESSAGE, NULL, "%s `%s' in the %.*s field %s",
	    what, text_visible(part, shown, sizeof(shown)), TEXT_ARG(name),
	    why);
}

/* An addr-spec whose domain is written anew, comments behind it. */
static void
write_converted(struct writer *w, struct text spec, struct text domain)
{
	struct text piece;
	enum piece kind;
	bool behind = false;

	while (spec.len > 0) {
		kind = next_piece(w, &spec, &piece);
		if (kind == PIECE_COMMENT)
			write_comment(w, piece);
		else if (kind == PIECE_WHITE)
			w->white = behind ? TEXT(" ") : piece;
		else if (!behind)
			put_plain(w, piece);
		if (kind == PIECE_SPECIAL && piece.at[0] == '@') {
			behind = true;
			put_plain(w, domain);
		}
	}
	w->white = text_of(NULL);
}

/* Without a domain it is no address of RFC 5322, and not worth SMTPUTF8. */
static bool
is_bare_name(const struct address *address)
{
	return address->domain.len == 0 && text_has_8bit(address->local);
}

static int
write_spec(struct writer *w, const struct address *address, bool smtputf8,
    struct text name, struct error *e)
{
	struct error why;
	struct buf domain;
	int result = 0;

	if (w->keep || !text_has_8bit(address->spec)) {
		put_plain(w, address->spec);
		return 0;
	}
	if (is_bare_name(address) && !smtputf8) {
		write_structured(w, address->spec, true);
		return 0;
	}
	if (text_has_8bit(address->local) && !smtputf8)
		return refuse_address(name, "the local-part", address->local,
		    "is not ASCII and needs SMTPUTF8", e);
	error_clear(&why);
	buf_init(&domain, SIZE_MAX / 4);
	if (smtputf8)
		buf_add_text(&domain, address->domain);
	else
		result = crypt_domain(address->domain, &domain, &why);
	if (result == -1)
		refuse_address(name, "the domain", address->domain,
		    "is none that IDNA 2008 allows", e);
	else
		write_converted(w, address->spec, buf_text(&domain));
	w->encoded = true;
	buf_clear(&domain);
	return result;
}

static int
write_parsed(struct writer *w, struct text value, bool smtputf8,
    struct text name, struct error *e)
{
	struct address_list list;
	struct address address;
	size_t at, done = 0;
	int result = 0;

	address_list_init(&list, value);
	while (result == 0 && address_next(&list, &address) == 1) {
		at = (size_t)(address.spec.at - value.at);
		write_structured(
		    w, text_first(text_skip(value, done), at - done), true);
		close_run_apart(w);
		result = write_spec(w, &address, smtputf8, name, e);
		done = at + address.spec.len;
	}
	if (result == 0)
		write_structured(w, text_skip(value, done), true);
	end_structured(w);
	return result;
}

static bool
is_address_list(struct text value)
{
	struct address_list list;
	struct address address;
	int result;

	address_list_init(&list, value);
	do
		result = address_next(&list, &address);
	while (result == 1);
	return result == 0;
}

/* What cannot be parsed has no addresses that could be lost. */
static int
write_addresses(struct writer *w, struct text value, bool smtputf8,
    struct text name, struct error *e)
{
	w->phrase = true;
	if (is_address_list(value))
		return write_parsed(w, value, smtputf8, name, e);
	w->place = PLACE_TEXT;
	write_text(w, value);
	return 0;
}

/* A parameter, cut: `attribute = value rest'. */
struct parameter {
	struct text lead;
	struct text attribute;
	struct text value; /* quotes and all */
	struct text rest;
};

/* A value without quotes may hold white space, as careless writers have it:
 * it ends with the parameter. */
static bool
parse_parameter(struct text t, struct parameter *p)
{
	size_t n;

	p->lead = cut(&t, white_length(t));
	n = text_find(t, '=');
	if (n == t.len)
		return false;
	p->attribute = text_trim(cut(&t, n));
	t = text_skip(t, 1);
	cut(&t, white_length(t));
	n = text_trim(t).len;
	if (n > 0 && t.at[0] == '"')
		n = quoted_length(t);
	p->value = cut(&t, n);
	p->rest = t;
	for (n = 0; n < p->attribute.len; n++)
		if (is_white(p->attribute.at[n]) ||
		    is_special(p->attribute.at[n]) ||
		    is_8bit(p->attribute.at[n]))
			return false;
	return p->value.len > 0 && p->attribute.len > 0;
}

/* attribute-char of RFC 2231 section 7. */
static bool
is_attribute(char c)
{
	return text_is_alpha(c) || text_is_digit(c) ||
	       (c != '\0' && strchr("!#$&+-.^_`{|}~", c) != NULL);
}

static void
put_percent(struct writer *w, struct text t, bool all)
{
	char hex[4];
	size_t i;

	for (i = 0; i < t.len; i++) {
		if (all ? is_attribute(t.at[i]) : !is_8bit(t.at[i])) {
			put(w, text_first(text_skip(t, i), 1));
			continue;
		}
		snprintf(hex, sizeof(hex), "%%%02X", (unsigned char)t.at[i]);
		put(w, text_of(hex));
	}
}

/* RFC 2231 sections 3 and 4; in segments only where a line would be too
 * long, as not all readers put them together. */
static void
put_extended(struct writer *w, struct text attribute, struct text value)
{
	char number[40];
	size_t n, count = 0;
	bool whole = value.len * 3 <= SEGMENT_MAX;

	do {
		n = whole ? value.len : text_cut(value, SEGMENT_MAX / 3);
		snprintf(number, sizeof(number), "*%zu", count);
		if (count > 0)
			put(w, TEXT(";\r\n "));
		put(w, attribute);
		if (!whole)
			put(w, text_of(number));
		put(w, count == 0 ? TEXT("*=utf-8''") : TEXT("*="));
		put_percent(w, cut(&value, n), true);
		count++;
	} while (value.len > 0);
}

/* Whether the parameter stands there in its other form, too. */
static bool
has_extended(struct text all, struct text attribute)
{
	size_t at;

	all = text_first(all, PARAMETERS_SEEN);
	while (all.len > 0) {
		at = text_find(all, ';');
		all = text_skip(all, at + 1);
		all = text_skip(all, white_length(all));
		if (text_starts_fold(all, attribute) &&
		    all.len > attribute.len && all.at[attribute.len] == '*')
			return true;
	}
	return false;
}

static void
write_parameter(struct writer *w, struct text t, struct text all)
{
	struct parameter p;
	struct text head;
	size_t star;

	if (!parse_parameter(t, &p) || !text_has_8bit(p.value)) {
		write_structured(w, t, false);
		return;
	}
	star = text_find(p.attribute, '*');
	head = text_first(t, (size_t)(p.value.at - t.at));
	if (star + 1 == p.attribute.len && p.value.at[0] != '"') {
		put_plain(w, head);
		put_percent(w, p.value, false);
		w->encoded = true;
	} else if (!w->utf8 || star < p.attribute.len ||
		   has_extended(all, p.attribute)) {
		put_plain(w, head);
		put_replaced(w, p.value);
	} else {
		put_plain(w, p.lead);
		if (p.value.at[0] == '"')
			collect_word(w, p.value);
		else
			collect_unfolded(w, p.value);
		put_extended(w, p.attribute, buf_text(&w->run));
		buf_reset(&w->run);
		w->encoded = true;
	}
	write_structured(w, p.rest, false);
}

/* Octets before the ';' that ends it. */
static size_t
parameter_length(struct writer *w, struct text t)
{
	struct text piece, rest = t;

	while (rest.len > 0)
		if (next_piece(w, &rest, &piece) == PIECE_SPECIAL &&
		    piece.at[0] == ';')
			return t.len - rest.len - 1;
	return t.len;
}

static void
write_parameters(struct writer *w, struct text all)
{
	struct text rest = all;

	write_structured(w, cut(&rest, parameter_length(w, rest)), false);
	while (rest.len > 0) {
		put_special(w, cut(&rest, 1));
		write_parameter(w, cut(&rest, parameter_length(w, rest)), all);
	}
}

/* Without NULs; other control bytes, which no field may have, are seen. */
static void
clean_line(struct text line, struct buf *out)
{
	size_t i;
	char c;

	for (i = 0; i < line.len; i++) {
		c = line.at[i];
		if (c == '\0')
			continue;
		if (c != '\t' && text_has_control((struct text){&c, 1}))
			c = '?';
		buf_add_char(out, c);
	}
}

/* A line of which only white space is left would end the header section for
 * some readers, so it goes. */
static void
clean(struct text value, struct buf *out)
{
	struct text line;
	size_t before;
	bool first = true;

	if (value.len > 0 && !is_white(value.at[0]))
		buf_add_char(out, ' ');
	for (; text_next_line(&value, &line); first = false) {
		before = out->len;
		if (!first)
			buf_add_string(out, "\r\n");
		clean_line(line, out);
		if (!first && text_find(line, '\0') < line.len &&
		    text_trim(text_skip(buf_text(out), before)).len == 0)
			out->len = before;
	}
}

static int
rewrite(struct text value, struct text name, const struct faults *faults,
    bool smtputf8, struct writer *w, struct error *e)
{
	enum form form = form_of(name);
	int result = 0;

	w->keep = !faults->encode;
	w->utf8 = text_is_utf8(value);
	w->column = name.len + 1;
	w->spread = faults->is_long && form == FORM_ADDRESSES;
	w->place = form == FORM_UNSTRUCTURED ? PLACE_TEXT : PLACE_PHRASE;
	switch (form) {
	case FORM_UNSTRUCTURED:
		write_text(w, value);
		break;
	case FORM_ADDRESSES:
		result = write_addresses(w, value, smtputf8, name, e);
		break;
	case FORM_PHRASES:
		write_structured(w, value, true);
		break;
	case FORM_PARAMETERS:
		write_parameters(w, value);
		break;
	case FORM_OPAQUE:
		write_structured(w, value, false);
		break;
	}
	end_structured(w);
	return result;
}

static void
find_faults(
    const struct header_field *field, bool smtputf8, struct faults *faults)
{
	struct text line, rest = field->raw;

	faults->nul = text_find(rest, '\0') < rest.len;
	faults->encode =
	    text_has_8bit(rest) && !(smtputf8 && text_is_utf8(rest));
	faults->is_long = false;
	while (text_next_line(&rest, &line))
		faults->is_long |= line.len > FOLD_LINE_MAX;
}

static int
replace(struct message_field *f, const struct faults *faults, struct text old,
    struct text new, struct fields_remarks *remarks, struct error *e)
{
	struct buf folded;
	bool changed;
	int result = 0;

	buf_init(&folded, SIZE_MAX / 4);
	fold(new, f->field.name.len + 1,
	    form_of(f->field.name) == FORM_UNSTRUCTURED, &folded);
	changed = !text_equal(buf_text(&folded), old);
	remarks->folded += faults->is_long && changed;
	remarks->nul += faults->nul;
	if (changed || faults->nul)
		result = message_replace(f, buf_text(&folded), e);
	buf_clear(&folded);
	return result;
}

static int
repair(struct message_field *f, const struct faults *faults, bool smtputf8,
    struct fields_remarks *remarks, struct error *e)
{
	struct writer w = {.place = PLACE_TEXT};
	struct buf cleaned, written;
	int result;

	buf_init(&cleaned, SIZE_MAX / 4);
	buf_init(&written, SIZE_MAX / 4);
	buf_init(&w.run, SIZE_MAX / 4);
	w.out = &written;
	clean(f->field.value, &cleaned);
	result =
	    rewrite(buf_text(&cleaned), f->field.name, faults, smtputf8, &w, e);
	remarks->encoded += w.encoded;
	remarks->replaced += w.replaced;
	if (result == 0)
		result = replace(f, faults, buf_text(&cleaned),
		    buf_text(&written), remarks, e);
	buf_clear(&cleaned);
	buf_clear(&written);
	buf_clear(&w.run);
	return result;
}

/* What the facts say is of the fields that came in; others own theirs. */
static bool
may_be_faulty(const struct message *m, const struct message_field *f)
{
	const struct message_facts *facts = message_facts(m);

	return !f->dropped &&
	       (f->owned != NULL || facts->header_8bit || facts->header_nul ||
		   facts->header_longest > FOLD_LINE_MAX);
}

int
fields_drop_nul(struct message *m, size_t *count, struct error *e)
{
	struct message_field *f;
	struct buf cleaned;
	int result = 0;
	size_t i;

	*count = 0;
	if (!message_facts(m)->header_nul)
		return 0;
	buf_init(&cleaned, SIZE_MAX / 4);
	for (i = 0; result == 0 && i < message_field_count(m); i++) {
		f = message_field(m, i);
		if (f->dropped ||
		    text_find(f->field.raw, '\0') == f->field.raw.len)
			continue;
		buf_reset(&cleaned);
		clean(f->field.value, &cleaned);
		result = message_replace(f, buf_text(&cleaned), e);
		(*count)++;
	}
	buf_clear(&cleaned);
	return result;
}

int
fields_repair(struct message *m, bool utf8, struct fields_remarks *remarks,
    struct error *e)
{
	struct message_field *f;
	struct faults faults;
	size_t i;

	for (i = 0; i < message_field_count(m); i++) {
		f = message_field(m, i);
		if (!may_be_faulty(m, f))
			continue;
		find_faults(&f->field, utf8, &faults);
		if (!faults.nul && !faults.encode && !faults.is_long)
			continue;
		if (repair(f, &faults, utf8, remarks, e) == -1)
			return -1;
	}
	return 0;
}

static bool
has_8bit_local(struct text value)
{
	struct address_list list;
	struct address address;
	bool found = false;
	int result;

	address_list_init(&list, value);
	while ((result = address_next(&list, &address)) == 1)
		found |=
		    text_has_8bit(address.local) && !is_bare_name(&address);
	return found && result == 0;
}

bool
fields_need_utf8(struct message *m)
{
	struct message_field *f;
	size_t i;

	for (i = 0; i < message_field_count(m); i++) {
		f = message_field(m, i);
		if (may_be_faulty(m, f) && text_has_8bit(f->field.value) &&
		    form_of(f->field.name) == FORM_ADDRESSES &&
		    has_8bit_local(f->field.value))
			return true;
	}
	return false;
}
