#include "message/fields.h"

#include <stdint.h>
#include <string.h>

#include "base/crypt.h"
#include "message/address.h"
#include "message/fold.h"
#include "message/parameter.h"
#include "message/token.h"
#include "message/word.h"
#include "message/writer.h"

enum form {
	FORM_UNSTRUCTURED,
	FORM_ADDRESSES,
	FORM_PHRASES,	 /* words, and angle brackets that are none */
	FORM_PARAMETERS, /* RFC 2045 section 5.1 */
	FORM_OPAQUE	 /* only comments may hold encoded words */
};

/* A field being mended. */
struct mender {
	struct writer w;
	struct text name;
	enum form form;
	bool encode; /* what is wrong with it */
	bool is_long;
	bool is_wide; /* a field of ours, for its encoded words */
	bool smtputf8;
	const unsigned char *random; /* see fields_repair(), or NULL */
	bool angle;		     /* behind a '<' */
	unsigned without;	     /* literals, and what was not closed */
	bool encoded;
	bool replaced;
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

static struct text
cut(struct text *rest, size_t n)
{
	struct text piece = text_first(*rest, n);

	*rest = text_skip(*rest, n);
	return piece;
}

static void
take_word(struct mender *m, struct text word, enum writer_place place)
{
	if (!m->encode || !text_has_8bit(word)) {
		writer_add_word(&m->w, word);
		return;
	}
	writer_encode_word(&m->w, word, place);
	m->encoded = true;
}

static void
write_text(struct mender *m, struct text rest)
{
	size_t n;

	while (rest.len > 0) {
		m->w.white = cut(&rest, text_white(rest));
		for (n = 0; n < rest.len; n++)
			if (text_white(text_skip(rest, n)) > 0)
				break;
		if (n > 0)
			take_word(m, cut(&rest, n), WRITER_TEXT);
	}
}

static bool
is_word(char kind)
{
	return kind == TOKEN_ATOM || kind == TOKEN_QUOTED || kind == '.' ||
	       kind == TOKEN_CONTROL;
}

/* Cuts the next token off the rest; atoms, quoted strings and dots without
 * white space between them are one. */
static bool
next_piece(struct mender *m, struct text *rest, struct token *piece)
{
	struct lexer lexer = {.rest = *rest, .without = m->without}, ahead;
	struct token next;

	if (!token_next(&lexer, piece))
		return false;
	if (is_word(piece->kind))
		piece->kind = TOKEN_ATOM;
	for (ahead = lexer; piece->kind == TOKEN_ATOM; lexer = ahead) {
		token_next(&ahead, &next);
		if (!is_word(next.kind))
			break;
		piece->text.len += next.text.len;
	}
	*rest = lexer.rest;
	m->without = lexer.without;
	return true;
}

static size_t
comment_word_length(struct text t)
{
	struct text rest = t;
	char c;

	while (rest.len > 0 && text_white(rest) == 0 && rest.at[0] != '(' &&
	       rest.at[0] != ')')
		token_unquote(&rest, &c, NULL);
	return t.len - rest.len;
}

static void
write_comment(struct mender *m, struct text rest)
{
	size_t n;

	writer_close(&m->w, true);
	if (m->encode && text_has_8bit(rest))
		writer_make_room(&m->w);
	while (rest.len > 0) {
		if ((n = text_white(rest)) > 0)
			m->w.white = cut(&rest, n);
		else if ((n = comment_word_length(rest)) > 0)
			take_word(m, cut(&rest, n), WRITER_COMMENT);
		else
			writer_add(&m->w, cut(&rest, 1), false);
	}
}

static void
write_replaced(struct mender *m, struct text t)
{
	size_t i;
	bool bad;

	writer_begin(&m->w, t.len, false);
	for (i = 0; i < t.len; i++) {
		bad = m->encode && (t.at[i] & 0x80) != 0;
		buf_add_char(m->w.out, bad ? '?' : t.at[i]);
		m->replaced |= bad;
	}
}

static void
write_special(struct mender *m, struct text special)
{
	writer_add(&m->w, special, true);
	if (special.at[0] == '<')
		m->angle = true;
	else if (special.at[0] == '>')
		m->angle = false;
	else if (special.at[0] == ',' && m->form == FORM_ADDRESSES &&
		 m->is_long)
		m->w.white = TEXT(" "); /* a place to fold */
}

/* phrases: words outside of angle brackets may become encoded words. */
static void
write_structured(struct mender *m, struct text rest, bool phrases)
{
	struct token piece;

	while (next_piece(m, &rest, &piece)) {
		if (piece.kind == TOKEN_WHITE)
			m->w.white = piece.text;
		else if (piece.kind == TOKEN_COMMENT)
			write_comment(m, piece.text);
		else if (piece.kind != TOKEN_ATOM)
			write_special(m, piece.text);
		else if (phrases && !m->angle)
			take_word(m, piece.text, WRITER_PHRASE);
		else
			write_replaced(m, piece.text);
	}
}

static int
refuse_address(struct text name, const char *what, struct text part,
    const char *why, struct error *e)
{
	return error_set(e, ERROR_MESSAGE, NULL, "%s `%s' in the %.*s field %s",
	    what, SHOWN(part), TEXT_ARG(name), why);
}

/* An addr-spec whose domain is written anew, comments behind it. */
static void
write_converted(struct mender *m, struct text spec, struct text domain)
{
	struct token piece;
	bool behind = false;

	while (next_piece(m, &spec, &piece)) {
		if (piece.kind == TOKEN_COMMENT)
			write_comment(m, piece.text);
		else if (piece.kind == TOKEN_WHITE)
			m->w.white = behind ? TEXT(" ") : piece.text;
		else if (!behind)
			writer_add(&m->w, piece.text, false);
		if (piece.kind == '@') {
			behind = true;
			writer_add(&m->w, domain, false);
		}
	}
	m->w.white = text_of(NULL);
}

/* Without a domain it is no address of RFC 5322, and not worth SMTPUTF8. */
static bool
is_bare_name(const struct address *address)
{
	return address->domain.len == 0 && text_has_8bit(address->local);
}

static int
write_spec(struct mender *m, const struct address *address, struct error *e)
{
	struct buf domain;
	int result = 0;

	writer_close(&m->w, true);
	if (!m->encode || !text_has_8bit(address->spec)) {
		writer_add(&m->w, address->spec, false);
		return 0;
	}
	if (is_bare_name(address) && !m->smtputf8) {
		write_structured(m, address->spec, true);
		return 0;
	}
	if (text_has_8bit(address->local) && !m->smtputf8)
		return refuse_address(m->name, "the local-part", address->local,
		    "is not ASCII and needs SMTPUTF8", e);
	buf_init(&domain, SIZE_MAX / 4);
	if (m->smtputf8)
		buf_add_text(&domain, address->domain);
	else
		result = crypt_domain(address->domain, &domain, NULL);
	if (result == -1)
		refuse_address(m->name, "the domain", address->domain,
		    "is none that IDNA 2008 allows", e);
	else
		write_converted(m, address->spec, buf_text(&domain));
	m->encoded = true;
	buf_clear(&domain);
	return result;
}

static int
write_parsed(struct mender *m, struct text value, struct error *e)
{
	struct address_list list;
	struct address address;
	struct text rest = value;

	address_list_init(&list, value);
	while (address_next(&list, &address) == 1) {
		write_structured(
		    m, cut(&rest, (size_t)(address.spec.at - rest.at)), true);
		if (write_spec(m, &address, e) == -1)
			return -1;
		rest = text_skip(rest, address.spec.len);
	}
	write_structured(m, rest, true);
	return 0;
}

static void
write_parameter(struct mender *m, struct text t, const struct set *extended)
{
	struct writer *w = &m->w;
	struct parameter p;
	struct text head;
	size_t star;

	if (!parameter_parse(t, &p) || !text_has_8bit(p.value)) {
		write_structured(m, t, false);
		return;
	}
	star = text_find(p.attribute, '*');
	head = text_first(t, (size_t)(p.value.at - t.at));
	if (star + 1 == p.attribute.len && p.value.at[0] != '"') {
		writer_add(w, head, false);
		parameter_percent(p.value, false, w->out);
		m->encoded = true;
	} else if ((w->how & WORD_UTF8) == 0 || star < p.attribute.len ||
		   set_find(extended, p.attribute, 0) < extended->count) {
		writer_add(w, head, false);
		write_replaced(m, p.value);
	} else {
		writer_add(w, p.lead, false);
		writer_read_word(w, p.value,
		    p.value.at[0] == '"' ? WRITER_PHRASE : WRITER_TEXT);
		parameter_extend(p.attribute, buf_text(&w->run), w->out);
		buf_reset(&w->run);
		m->encoded = true;
	}
	write_structured(m, p.rest, false);
}

static void
write_parameters(struct mender *m, struct text all)
{
	struct lexer lexer = {.rest = all, .without = m->without};
	struct set extended = {0};
	struct text piece;
	bool more = parameter_next(&lexer, &piece);

	if (m->random != NULL)
		memcpy(extended.key, m->random, sizeof(extended.key));
	parameter_find_extended(all, &extended);
	write_structured(m, piece, false);
	while (more) {
		more = parameter_next(&lexer, &piece);
		m->without = lexer.without;
		write_special(m, TEXT(";"));
		write_parameter(m, piece, &extended);
	}
	set_clear(&extended);
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
		if (c != '\t' && text_is_control(c))
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

	if (value.len > 0 && text_white(value) == 0)
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

/* Writes the value, behind the field's name. */
static int
rewrite(struct mender *m, struct text value, struct error *e)
{
	int result = 0;

	m->w.how = (text_is_utf8(value) ? WORD_UTF8 : 0) |
		   (m->form == FORM_UNSTRUCTURED ? 0 : WORD_PHRASE);
	buf_add_text(m->w.out, m->name);
	buf_add_char(m->w.out, ':');
	switch (m->form) {
	case FORM_UNSTRUCTURED:
		write_text(m, value);
		break;
	case FORM_ADDRESSES:
		/* What cannot be parsed has no addresses to be lost. */
		if (address_is_list(value))
			result = write_parsed(m, value, e);
		else
			write_text(m, value);
		break;
	case FORM_PHRASES:
		write_structured(m, value, true);
		break;
	case FORM_PARAMETERS:
		write_parameters(m, value);
		break;
	case FORM_OPAQUE:
		write_structured(m, value, false);
		break;
	}
	writer_end(&m->w);
	return result;
}

/* Whoever wrote the fields that came in chose where their lines end. */
static void
find_faults(struct mender *m, struct text raw, bool ours)
{
	struct text line;

	m->encode = text_has_8bit(raw) && !(m->smtputf8 && text_is_utf8(raw));
	while (text_next_line(&raw, &line)) {
		m->is_long |= line.len > LINES_MAX;
		m->is_wide |= ours && line.len > WORD_LINE_MAX &&
			      word_find_last(line) > 0;
	}
}

static int
repair(struct message_field *f, struct mender *m,
    struct fields_remarks *remarks, struct error *e)
{
	size_t column = m->name.len + 1;
	struct buf cleaned, written, folded;
	bool changed;
	int result;

	buf_init(&cleaned, SIZE_MAX / 4);
	buf_init(&written, SIZE_MAX / 4);
	buf_init(&folded, SIZE_MAX / 4);
	buf_init(&m->w.run, SIZE_MAX / 4);
	m->w.out = &written;
	clean(f->field.value, &cleaned);
	result = rewrite(m, buf_text(&cleaned), e);
	remarks->encoded += m->encoded;
	remarks->replaced += m->replaced;
	if (result == 0) {
		fold_value(text_skip(buf_text(&written), column), column,
		    m->form == FORM_UNSTRUCTURED, &folded);
		changed = !text_equal(buf_text(&folded), buf_text(&cleaned));
		remarks->folded += m->is_long && changed;
		if (changed)
			result = message_replace(f, buf_text(&folded), e);
	}
	buf_clear(&cleaned);
	buf_clear(&written);
	buf_clear(&folded);
	buf_clear(&m->w.run);
	return result;
}

/* What the facts say is of the fields that came in; others own theirs. */
static bool
may_be_faulty(const struct message *m, const struct message_field *f)
{
	const struct message_facts *facts = message_facts(m);

	return f->owned != NULL || facts->header_8bit ||
	       facts->header_longest > LINES_MAX;
}

int
fields_drop_nul(struct message *m, size_t *count, struct error *e)
{
	struct message_field *f;
	struct buf cleaned;
	int result = 0;
	size_t at = 0;

	*count = 0;
	if (!message_facts(m)->header_nul)
		return 0;
	buf_init(&cleaned, SIZE_MAX / 4);
	while (result == 0 && (f = message_find_next(m, NULL, &at)) != NULL) {
		if (text_find(f->field.raw, '\0') == f->field.raw.len)
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
fields_repair(struct message *m, bool utf8, const unsigned char *random,
    struct fields_remarks *remarks, struct error *e)
{
	struct message_field *f;
	struct mender mender;
	size_t at = 0;

	while ((f = message_find_next(m, NULL, &at)) != NULL) {
		if (!may_be_faulty(m, f))
			continue;
		mender = (struct mender){.name = f->field.name,
		    .form = form_of(f->field.name),
		    .smtputf8 = utf8,
		    .random = random,
		    .without = TOKEN_NO_LITERALS};
		find_faults(&mender, f->field.raw, f->owned != NULL);
		if ((mender.encode || mender.is_long || mender.is_wide) &&
		    repair(f, &mender, remarks, e) == -1)
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
	size_t at = 0;

	while ((f = message_find_next(m, NULL, &at)) != NULL) {
		if (may_be_faulty(m, f) && text_has_8bit(f->field.value) &&
		    form_of(f->field.name) == FORM_ADDRESSES &&
		    has_8bit_local(f->field.value))
			return true;
	}
	return false;
}
