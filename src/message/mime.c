#include "message/mime.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "message/header.h"
#include "message/parameter.h"
#include "message/token.h"

#define BLOCK ((size_t)16 * 1024)

/* Of one field with its continuation lines; what is behind is not seen. */
#define FIELD_MAX ((size_t)64 * 1024)

struct level {
	size_t part; /* the multipart */
	bool begun;  /* its first delimiter has come */
	bool digest;
	size_t len; /* of the delimiter */
	char delimiter[MIME_BOUNDARY_MAX + 2];
};

struct scan {
	struct mime *mime;
	struct level levels[MIME_DEPTH_MAX];
	size_t depth;
	size_t current; /* the part that the next line belongs to */
	bool in_fields; /* of that part */
	struct mime_type type;
	struct buf field; /* the field being collected */
	unsigned long long field_at;

	unsigned long long at; /* where the line begins */
	unsigned long long next;
	unsigned long long number; /* the line's, counted from 1 */
	unsigned long long high;
	bool nul;
	size_t crs; /* counted where there are bare ones */
	bool cut;   /* more than white space stands behind what is in line */
	size_t len;
	char line[LINES_MAX];
	struct buf more; /* what stands behind it where fields may be */
	bool bare_cr;	 /* there are such in the body */
	bool failed;
	struct error *e;
};

/*
 * Values of fields, RFC 2045 section 5.1 and 6.1.
 */

static bool
starts_with(struct text t, char c)
{
	return t.len > 0 && t.at[0] == c;
}

/* White space and comments; one that is not closed reaches to the end. */
static void
skip_space(struct text *t)
{
	struct lexer lexer = {
	    .rest = *t, .without = TOKEN_NO_QUOTED | TOKEN_NO_LITERALS};
	struct token token;

	while (token_next(&lexer, &token) &&
	       (token.kind == TOKEN_WHITE || token.kind == TOKEN_COMMENT))
		*t = lexer.rest;
	if (token.kind == '(')
		*t = text_skip(*t, t->len);
}

/* What stands before one of the bytes of `ends', or white space. */
static struct text
take_word(struct text *t, const char *ends)
{
	struct text word;
	size_t n = 0;

	skip_space(t);
	while (n < t->len && !text_is_blank(t->at[n]) && t->at[n] != '\r' &&
	       (t->at[n] == '\0' || strchr(ends, t->at[n]) == NULL))
		n++;
	word = text_first(*t, n);
	*t = text_skip(*t, n);
	skip_space(t);
	return word;
}

/* Many forget the quotes around a boundary that needs them, or the last. */
static void
take_value(struct text *t, struct buf *out)
{
	struct lexer lexer;
	struct token token;
	struct text inside;
	char c;

	skip_space(t);
	lexer = (struct lexer){.rest = *t};
	token_next(&lexer, &token);
	if (token.kind != TOKEN_QUOTED && token.kind != '"') {
		buf_add_text(out, take_word(t, ";("));
		return;
	}
	inside = lexer.rest;
	*t = text_skip(*t, t->len);
	if (token.kind == TOKEN_QUOTED) {
		inside = token_inside(token.text);
		*t = lexer.rest;
	}
	while (token_unquote(&inside, &c, NULL))
		buf_add_char(out, c);
}

static bool
take_parameter(struct lexer *lexer, struct text *name, struct buf *value)
{
	struct text *t = &lexer->rest, before;

	if (!parameter_next(lexer, &before))
		return false;
	buf_reset(value);
	*name = take_word(t, ";=(");
	if (starts_with(*t, '=')) {
		*t = text_skip(*t, 1);
		take_value(t, value);
	}
	return true;
}

static void
set_boundary(struct mime_type *type, const struct buf *value)
{
	struct text boundary = buf_text(value);

	while (boundary.len > 0 && text_is_blank(boundary.at[boundary.len - 1]))
		boundary.len--;
	if (boundary.len == 0 || boundary.len > MIME_BOUNDARY_MAX ||
	    value->full || text_has_8bit(boundary))
		return;
	memcpy(type->boundary, boundary.at, boundary.len);
	type->boundary_len = boundary.len;
}

/* One that came in segments counts where no other is. */
static void
find_boundary(struct text parameters, struct mime_type *type)
{
	const struct text attribute = TEXT("boundary");
	struct lexer lexer = {.rest = parameters, .without = TOKEN_NO_LITERALS};
	struct buf value, joined;
	struct text name;
	size_t count = 0;

	buf_init(&value, 3 * MIME_BOUNDARY_MAX);
	buf_init(&joined, MIME_BOUNDARY_MAX);
	while (
	    type->boundary_len == 0 && take_parameter(&lexer, &name, &value)) {
		if (text_equal_fold(name, attribute))
			set_boundary(type, &value);
		else if (parameter_join(name, buf_text(&value), attribute,
			     &count, &joined))
			joined.full |= value.full;
	}
	if (type->boundary_len == 0)
		set_boundary(type, &joined);
	buf_clear(&value);
	buf_clear(&joined);
}

/* The first row that fits; NULL is any subtype. */
static const struct {
	const char *major;
	const char *subtype;
	enum mime_kind kind;
} kinds[] = {
    {"multipart", "signed", MIME_SEALED},
    {"multipart", "encrypted", MIME_SEALED},
    {"multipart", NULL, MIME_MULTIPART},
    {"message", "rfc822", MIME_MESSAGE},
    {"message", "global", MIME_MESSAGE},
    {"message", "partial", MIME_SEALED},
    {"message", "external-body", MIME_SEALED},
    /* Reports about mail are lines of text that programs read. */
    {"message", NULL, MIME_TEXT},
    {"text", NULL, MIME_TEXT},
};

void
mime_parse_type(struct text value, struct mime_type *type)
{
	struct text major, subtype;
	size_t i;

	memset(type, 0, sizeof(*type));
	value = text_trim(value);
	major = take_word(&value, "/;(");
	if (major.len == 0 || !starts_with(value, '/'))
		return;
	value = text_skip(value, 1);
	subtype = take_word(&value, "/;(");
	type->kind = MIME_OTHER;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!text_equal_fold(major, text_of(kinds[i].major)) ||
		    (kinds[i].subtype != NULL &&
			!text_equal_fold(subtype, text_of(kinds[i].subtype))))
			continue;
		type->kind = kinds[i].kind;
		break;
	}
	type->composite = text_equal_fold(major, TEXT("message"));
	if (text_equal_fold(major, TEXT("multipart"))) {
		type->composite = true;
		type->digest = text_equal_fold(subtype, TEXT("digest"));
		find_boundary(value, type);
	}
	if (type->kind == MIME_MULTIPART && type->boundary_len == 0)
		type->kind = MIME_BROKEN;
}

enum mime_encoding
mime_parse_encoding(struct text value)
{
	static const struct {
		const char *word;
		enum mime_encoding encoding;
	} words[] = {{"7bit", MIME_7BIT}, {"8bit", MIME_8BIT},
	    {"binary", MIME_BINARY}, {"quoted-printable", MIME_QP},
	    {"base64", MIME_BASE64}, {"", MIME_NONE}};
	struct text word = take_word(&value, ";(");
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (text_equal_fold(word, text_of(words[i].word)))
			return words[i].encoding;
	}
	return MIME_UNKNOWN;
}

/*
 * Parts.
 */

static struct mime_part *
current(struct scan *s)
{
	return &s->mime->parts[s->current];
}

static void
fail(struct scan *s, const char *what, int max)
{
	s->failed = true;
	error_set(s->e, ERROR_MESSAGE, "encoding the message",
	    "the message has more than %d %s", max, what);
	error_hint(s->e, "encode its parts as quoted-printable or base64, in "
			 "lines of at most 76 octets");
}

/* Makes a new part the current one; its fields begin at that offset. */
static void
begin_part(struct scan *s, unsigned long long at, size_t parent, bool message)
{
	struct mime *mime = s->mime;

	if (mime->count == MIME_PARTS_MAX) {
		fail(s, "MIME parts", MIME_PARTS_MAX);
		return;
	}
	s->current = mime->count;
	mem_push(mime->parts, mime->count);
	memset(current(s), 0, sizeof(*mime->parts));
	current(s)->parent = parent;
	current(s)->message = message;
	current(s)->fields_end = at;
	current(s)->body = at;
	memset(&s->type, 0, sizeof(s->type));
	s->in_fields = true;
}

static void
push_level(struct scan *s)
{
	struct level *level = &s->levels[s->depth];

	if (s->depth == MIME_DEPTH_MAX) {
		fail(s, "multiparts in each other", MIME_DEPTH_MAX);
		return;
	}
	s->depth++;
	level->part = s->current;
	level->begun = false;
	level->digest = s->type.digest;
	level->len = s->type.boundary_len + 2;
	memcpy(level->delimiter, "--", 2);
	memcpy(level->delimiter + 2, s->type.boundary, s->type.boundary_len);
}

static bool
is_encoded(const struct mime_part *p)
{
	return p->encoding == MIME_QP || p->encoding == MIME_BASE64;
}

/* What was encoded as a whole, which RFC 2045 section 6.4 forbids, shows
 * nothing of its parts. */
static void
pop_level(struct scan *s)
{
	struct level *level = &s->levels[--s->depth];
	struct mime_part *p = &s->mime->parts[level->part];

	if (!level->begun)
		p->kind = is_encoded(p) ? MIME_OTHER : MIME_BROKEN;
}

static void
take_label(struct scan *s, struct text value)
{
	struct mime *mime = s->mime;

	if (mime->label_count == MIME_LABELS_MAX) {
		fail(s, "Content-Transfer-Encoding fields", MIME_LABELS_MAX);
		return;
	}
	if (mime->label_count == 0 ||
	    mime->labels[mime->label_count - 1].part != s->current) {
		current(s)->encoding = mime_parse_encoding(value);
		current(s)->label = mime->label_count;
	}
	*mem_push(mime->labels, mime->label_count) =
	    (struct mime_label){s->current, s->field_at, s->at};
}

static void
take_field(struct scan *s, const struct header_field *field)
{
	struct mime_part *p = current(s);

	if (header_is(field, "MIME-Version"))
		p->version = true;
	if (header_is(field, "Content-Type") && !p->type) {
		p->type = true;
		mime_parse_type(field->value, &s->type);
	}
	if (header_is(field, "Content-Transfer-Encoding"))
		take_label(s, field->value);
}

static void
end_field(struct scan *s)
{
	struct text rest = buf_text(&s->field);
	struct header_field field;

	if (rest.len > 0 && header_next(&rest, &field) == 1)
		take_field(s, &field);
	buf_reset(&s->field);
}

static enum mime_kind
kind_of(const struct scan *s, const struct mime_part *p)
{
	enum mime_kind kind = s->type.kind;
	bool digest;

	digest = s->depth > 0 && s->levels[s->depth - 1].digest;
	if (digest && !p->type && !p->message)
		kind = MIME_MESSAGE;
	if ((kind == MIME_MESSAGE || kind == MIME_BROKEN) && is_encoded(p))
		kind = MIME_OTHER;
	return kind;
}

static void
end_fields(struct scan *s)
{
	end_field(s);
	current(s)->kind = kind_of(s, current(s));
	current(s)->fields_end = s->at;
	s->in_fields = false;
}

static void
begin_body(struct scan *s, unsigned long long at)
{
	current(s)->body = at;
	if (current(s)->kind == MIME_MULTIPART)
		push_level(s);
	else if (current(s)->kind == MIME_MESSAGE)
		begin_part(s, at, s->current, true);
}

/* The line at s->at is not of the part any more: a delimiter, or the end. */
static void
end_part(struct scan *s)
{
	struct mime_part *p;

	if (s->in_fields) {
		end_fields(s);
		current(s)->body = s->at;
	}
	p = current(s);
	p->end = s->at < p->body + 2 ? p->body : s->at - 2;
}

/*
 * Lines.
 */

/* Takes the line if it is of the fields. False where it is the first of the
 * body, and no empty line came before it. */
static bool
take_field_line(struct scan *s, struct text line)
{
	struct mime_part *p = current(s);

	if (line.len == 0) {
		end_fields(s);
		p->separator = true;
		begin_body(s, s->next);
		return true;
	}
	/* Mail that was saved or forwarded often keeps the line of its mbox
	 * file. */
	if (p->message && s->at == p->body && !header_starts(line) &&
	    (text_equal(text_first(line, 5), TEXT("From ")) ||
		text_equal(text_first(line, 6), TEXT(">From "))))
		return true;
	if (header_starts(line)) {
		end_field(s);
		s->field_at = s->at;
	} else if (s->field.len == 0 || !text_is_blank(line.at[0])) {
		end_fields(s);
		begin_body(s, s->at);
		return false;
	}
	buf_add_text(&s->field, line);
	buf_add_text(&s->field, buf_text(&s->more));
	buf_add(&s->field, "\r\n", 2);
	return true;
}

static bool
is_delimiter(const struct level *level, struct text line, bool *closes)
{
	struct text rest = text_skip(line, level->len);

	if (line.len < level->len ||
	    memcmp(line.at, level->delimiter, level->len) != 0)
		return false;
	*closes = rest.len >= 2 && memcmp(rest.at, "--", 2) == 0;
	return text_trim(text_skip(rest, *closes ? 2 : 0)).len == 0;
}

/* The innermost multipart that the line delimits, counted from 1; or 0. */
static size_t
find_level(const struct scan *s, struct text line, bool *closes)
{
	size_t depth;

	if (line.len < 2 || line.at[0] != '-' || line.at[1] != '-' || s->cut)
		return 0;
	for (depth = s->depth; depth > 0; depth--) {
		if (is_delimiter(&s->levels[depth - 1], line, closes))
			break;
	}
	return depth;
}

static void
take_delimiter(struct scan *s, size_t depth, bool closes)
{
	end_part(s);
	while (s->depth > depth)
		pop_level(s);
	if (!closes) {
		s->levels[depth - 1].begun = true;
		begin_part(s, s->next, s->levels[depth - 1].part, false);
		return;
	}
	s->current = s->levels[depth - 1].part;
	pop_level(s);
}

static void
note_first(unsigned long long *line, bool it, const struct scan *s)
{
	if (it && *line == 0)
		*line = s->number;
}

static void
note_faults(const struct scan *s, struct mime_faults *f)
{
	f->high += s->high;
	note_first(&f->high_line, s->high > 0, s);
	note_first(&f->long_line, s->next - s->at > LINES_MAX + 2, s);
	note_first(&f->nul_line, s->nul, s);
	note_first(&f->cr_line, s->crs > 1, s);
}

/* They are sent so, but for those of what may not be changed. */
static void
blank_bare_crs(char *line, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (line[i] == '\r')
			line[i] = ' ';
	}
}

static void
take_line(struct scan *s)
{
	struct text line = {s->line, s->len};
	bool closes;
	size_t depth, part;

	if (s->more.len > 0 && s->more.at[s->more.len - 1] == '\r')
		s->more.len--;
	else if (line.len > 0 && line.at[line.len - 1] == '\r')
		line.len--;
	if (s->crs > 1) {
		blank_bare_crs(s->line, line.len);
		blank_bare_crs(s->more.at, s->more.len);
	}
	depth = find_level(s, line, &closes);
	if (depth > 0) {
		take_delimiter(s, depth, closes);
		return;
	}
	while (s->in_fields && !s->failed) {
		part = s->current;
		if (take_field_line(s, line)) {
			note_faults(s, &s->mime->parts[part].fields);
			return;
		}
	}
	note_faults(s, &current(s)->content);
}

static void
add_to_line(struct scan *s, struct text t)
{
	struct text seen;

	seen = text_first(t, sizeof(s->line) - s->len);
	memcpy(s->line + s->len, seen.at, seen.len);
	s->len += seen.len;
	t = text_skip(t, seen.len);
	s->cut |= text_white(t) < t.len;
	if (s->in_fields && !s->more.full)
		buf_add_text(&s->more, t);
}

static void
collect(struct scan *s, struct text piece)
{
	size_t i, end;

	for (i = 0; i < piece.len; i++)
		s->high += (unsigned char)piece.at[i] >> 7;
	for (i = 0; s->bare_cr && i < piece.len; i++)
		s->crs += piece.at[i] == '\r';
	while (piece.len > 0) {
		end = text_find(piece, '\0');
		s->nul |= end < piece.len;
		if (end > 0)
			add_to_line(s, text_first(piece, end));
		piece = text_skip(piece, end + 1);
	}
}

static int
take_block(struct scan *s, struct text block)
{
	size_t end;

	while (block.len > 0 && !s->failed) {
		end = text_find(block, '\n');
		if (end > 0)
			collect(s, text_first(block, end));
		if (end == block.len) {
			s->next += end;
			return 0;
		}
		s->next += end + 1;
		s->number++;
		take_line(s);
		block = text_skip(block, end + 1);
		s->at = s->next;
		s->len = 0;
		buf_reset(&s->more);
		s->high = 0;
		s->nul = s->cut = false;
		s->crs = 0;
	}
	return s->failed ? -1 : 0;
}

static void
begin(struct scan *s, const struct mime_type *type, enum mime_encoding encoding)
{
	begin_part(s, 0, 0, false);
	s->type = *type;
	current(s)->type = true;
	current(s)->encoding = encoding;
	current(s)->separator = true;
	end_fields(s);
	begin_body(s, 0);
}

int
mime_scan(struct mime *mime, struct message *m, const struct mime_type *type,
    enum mime_encoding encoding, struct error *e)
{
	struct message_cursor cursor = {.field = message_field_count(m),
	    .separator = true,
	    .bare_cr = true};
	struct scan *s;
	char block[BLOCK];
	long n;

	memset(mime, 0, sizeof(*mime));
	s = mem_new(1, sizeof(*s));
	s->mime = mime;
	s->bare_cr = message_facts(m)->body_cr;
	s->e = e;
	buf_init(&s->field, FIELD_MAX);
	buf_init(&s->more, FIELD_MAX);
	begin(s, type, encoding);
	while ((n = message_read(m, &cursor, block, sizeof(block), e)) > 0) {
		if (take_block(s, (struct text){block, (size_t)n}) == -1)
			break;
	}
	end_part(s);
	while (s->depth > 0)
		pop_level(s);
	n = s->failed ? -1 : n;
	buf_clear(&s->field);
	buf_clear(&s->more);
	free(s);
	return (int)n;
}

void
mime_clear(struct mime *mime)
{
	free(mime->parts);
	free(mime->labels);
	memset(mime, 0, sizeof(*mime));
}
