#include "message/message.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/date.h"
#include "base/mem.h"
#include "message/lines.h"
#include "message/reread.h"

/* Input is looked at in pieces that stay in a near cache. */
#define BLOCK REREAD_BLOCK

/* How much of the body is collected for one write into the store. */
#define STAGE ((size_t)64 * 1024)

/* What a line is must show in its first octets (RFC 5322 section 2.1.1), or
 * all of a text without line ends would be kept in memory. */
#define LINE_MAX_SEEN ((size_t)LINES_MAX)

enum line { LINE_OPEN, LINE_HEADER, LINE_MBOX, LINE_SEPARATOR, LINE_BODY };

struct message {
	const struct message_store *store; /* NULL: memory only */
	struct buf header;
	struct buf body;	   /* all of it, or what the store lacks yet */
	unsigned long long stored; /* octets of the body in the store */
	struct reread reread;	   /* what comes behind it, not kept */
	unsigned long long given;  /* octets of the input before this */
	struct lines lines;	   /* of the body, or the header's last */
	bool in_body;
	bool broken;   /* failed, or complete: no more input */
	bool mbox;     /* a "From " line was dropped */
	bool composed; /* there is a field that no delivery adds */

	enum line line;	     /* the header line being read */
	bool in_field;	     /* the line before it was of a field */
	size_t line_at;	     /* where it begins in header */
	char sequence[4];    /* of UTF-8, over piece borders */
	size_t sequence_len; /* 4: of none */
	struct message_facts facts;

	struct message_field *fields;
	size_t count;
};

struct message *
message_new(const struct message_store *store)
{
	struct message *m;

	m = mem_new(1, sizeof(*m));
	m->store = store;
	reread_init(&m->reread, store == NULL ? NULL : store->again,
	    store == NULL ? NULL : store->arg);
	buf_init(&m->header, MESSAGE_HEADER_MAX);
	buf_init(&m->body, SIZE_MAX / 4);
	return m;
}

void
message_free(struct message *m)
{
	size_t i;

	if (m == NULL)
		return;
	for (i = 0; i < m->count; i++)
		free(m->fields[i].owned);
	free(m->fields);
	buf_clear(&m->header);
	buf_clear(&m->body);
	reread_clear(&m->reread);
	free(m);
}

static void
note_8bit(struct message *m, struct text rest, bool high)
{
	if (!m->facts.body_8bit && high)
		rest = text_skip(rest, text_ascii(rest));
	else if (!m->facts.body_8bit)
		return;
	m->facts.body_8bit |= rest.len > 0;
	while (rest.len > 0 && m->sequence_len < sizeof(m->sequence)) {
		if (m->sequence_len == 0)
			rest = text_skip(rest, text_utf8_run(rest));
		if (rest.len == 0)
			return;
		m->sequence[m->sequence_len++] = rest.at[0];
		rest = text_skip(rest, 1);
		if (text_utf8((struct text){m->sequence, m->sequence_len}) > 0)
			m->sequence_len = 0;
	}
}

static unsigned long long
body_size(const struct message *m)
{
	return m->stored + m->body.len + m->reread.size;
}

/* Whether what comes now is not kept, as it can be read again. */
static bool
rereads(const struct message *m)
{
	return m->reread.source != NULL;
}

static void
keep_body(struct message *m, struct text in)
{
	note_8bit(m, in, text_has_8bit(in));
	lines_add(&m->lines, in, &m->body);
}

static void
pass_body(struct message *m, struct text in)
{
	const struct reread_sum sum = reread_sum(in);

	note_8bit(m, in, sum.high);
	reread_add(&m->reread, &m->lines, m->given, in, sum);
}

static void
add_body(struct message *m, const char *at, size_t len, bool keep)
{
	const struct text in = {at, len};

	if (!m->facts.body_nul)
		m->facts.body_nul = text_find(in, '\0') < len;
	if (keep)
		keep_body(m, in);
	else
		pass_body(m, in);
}

static int
write_stage(struct message *m, struct error *e)
{
	if (m->store->write(m->store->arg, m->body.at, m->body.len, e) == -1)
		return -1;
	m->stored += m->body.len;
	buf_reset(&m->body);
	return 0;
}

/* Where no store can be had, memory is still better than no mail. */
static void
move_to_store(struct message *m)
{
	struct error ignored;

	error_clear(&ignored);
	if (write_stage(m, &ignored) == -1)
		m->store = NULL;
	else
		buf_clear(&m->body);
}

/* Looks at what the last input has made of the message. */
static int
settle(struct message *m, struct error *e)
{
	if (m->header.full) {
		error_set(e, ERROR_MESSAGE, "reading the message",
		    "the header section is larger than %d MiB",
		    MESSAGE_HEADER_MAX / (1024 * 1024));
		return error_hint(e, "the message needs an empty line between "
				     "header and body");
	}
	if (m->stored > 0 && m->body.len >= STAGE)
		return write_stage(m, e);
	if (m->stored == 0 && m->store != NULL && !rereads(m) &&
	    m->body.len > MESSAGE_MEMORY)
		move_to_store(m);
	return 0;
}

/* Fields that a mail gets where it is delivered, in front of what was there. */
static bool
is_of_delivery(const struct header_field *field)
{
	static const char *const names[] = {"Return-Path", "Delivered-To",
	    "X-Original-To", "Envelope-To", "Delivery-Date", "Received"};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (header_is(field, names[i]))
			return true;
	return false;
}

/*
 * "From " of an mbox file, and what older programs make of it; but "From :" is
 * an obsolete field. Behind other fields it may as well be a body's first line
 * whose separator is missing, and then has no such date.
 */
static bool
is_mbox(const struct message *m, struct text line)
{
	bool quoted = text_equal(text_first(line, 6), TEXT(">From "));

	if (!quoted && !text_equal(text_first(line, 5), TEXT("From ")))
		return false;
	if (m->line_at == 0)
		return quoted || !m->mbox;
	return !m->composed || date_stands_in(line);
}

static enum line
classify(const struct message *m, struct text line)
{
	if (line.len == 0)
		return LINE_SEPARATOR;
	if (header_starts(line) || (m->in_field && text_is_blank(line.at[0])))
		return LINE_HEADER;
	return is_mbox(m, line) ? LINE_MBOX : LINE_BODY;
}

/* The line in the header turned out to be the first of the body. */
static void
begin_body(struct message *m)
{
	const struct lines before = m->lines;

	m->in_body = true;
	m->lines = (struct lines){.cr = false};
	add_body(
	    m, m->header.at + m->line_at, m->header.len - m->line_at, true);
	m->header.len = m->line_at;
	m->lines.cr = before.cr;
	m->lines.bare = before.bare;
}

static void
end_field_line(struct message *m)
{
	struct header_field field;
	struct text rest;

	buf_add_string(&m->header, "\r\n");
	rest = text_skip(buf_text(&m->header), m->line_at);
	if (!m->composed && header_next(&rest, &field) == 1)
		m->composed = !is_of_delivery(&field);
}

static void
end_header_line(struct message *m)
{
	switch (m->line) {
	case LINE_HEADER:
		end_field_line(m);
		break;
	case LINE_MBOX:
		m->header.len = m->line_at;
		m->mbox = true;
		break;
	case LINE_SEPARATOR:
		m->in_body = true;
		break;
	case LINE_BODY:
		keep_body(m, TEXT("\n"));
		break;
	case LINE_OPEN:
		break;
	}
	if (m->line != LINE_BODY)
		m->lines = (struct lines){.cr = false};
	m->in_field = m->line == LINE_HEADER;
	m->line = LINE_OPEN;
	m->line_at = m->header.len;
}

/* Files that were joined have several. */
static struct text
skip_marks(struct text line)
{
	size_t before;

	do {
		before = line.len;
		line = text_skip_mark(line);
	} while (line.len < before);
	return line;
}

static void
decide_line(struct message *m, bool whole)
{
	struct text line, rest;

	line = text_skip(buf_text(&m->header), m->line_at);
	if (m->line != LINE_OPEN || (!whole && line.len < LINE_MAX_SEEN))
		return;
	line = rest = text_first(line, LINE_MAX_SEEN);
	if (m->line_at == 0)
		rest = skip_marks(line);
	m->line = classify(m, rest);
	if (m->line == LINE_BODY)
		begin_body(m);
	else if (rest.len < line.len)
		buf_drop(&m->header, line.len - rest.len);
}

/* Takes at most one line; returns how much it took. */
static size_t
input_header(struct message *m, const char *at, size_t len)
{
	const char *lf;
	size_t part;

	lf = memchr(at, '\n', len);
	part = lf == NULL ? len : (size_t)(lf - at);
	lines_add_part(&m->lines, (struct text){at, part}, &m->header);
	if (m->line == LINE_MBOX)
		m->header.len = m->line_at;
	decide_line(m, lf != NULL);
	if (lf != NULL) {
		end_header_line(m);
		part++;
	}
	return part;
}

int
message_input(struct message *m, const char *bytes, size_t len, struct error *e)
{
	size_t n;

	if (m->broken)
		return error_set(e, ERROR_BUG, "reading the message",
		    "more bytes came after the end of the message");
	for (; len > 0; bytes += n, len -= n) {
		n = len < BLOCK ? len : BLOCK;
		if (m->in_body)
			add_body(m, bytes, n, !rereads(m));
		else
			n = input_header(m, bytes, n);
		m->given += n;
		if (settle(m, e) == -1) {
			m->broken = true;
			return -1;
		}
	}
	return 0;
}

static void
end_last_header_line(struct message *m)
{
	lines_end_part(&m->lines, &m->header);
	if (m->line != LINE_OPEN || m->header.len > m->line_at) {
		decide_line(m, true);
		end_header_line(m);
	}
}

/* Gives a last line its end. A CR at the very end is a bare one. */
static void
end_last_line(struct message *m)
{
	if (!m->in_body)
		end_last_header_line(m);
	else if (m->reread.count > 0)
		reread_end(&m->reread, &m->lines);
	else
		lines_end(&m->lines, &m->body);
}

static void
note_header(struct message *m)
{
	struct text line, rest = buf_text(&m->header);

	m->facts.header_8bit = text_has_8bit(rest);
	m->facts.header_nul = text_find(rest, '\0') < rest.len;
	while (text_next_line(&rest, &line)) {
		if (line.len > m->facts.header_longest)
			m->facts.header_longest = line.len;
	}
}

/* Each costs far more memory than the two octets it may consist of. */
static int
parse_fields(struct message *m, struct error *e)
{
	struct text rest = buf_text(&m->header);
	struct header_field field;

	while (header_next(&rest, &field) == 1) {
		if (m->count == MESSAGE_FIELDS_MAX)
			return error_set(e, ERROR_MESSAGE, NULL,
			    "the header section has more than %d fields",
			    MESSAGE_FIELDS_MAX);
		*mem_push(m->fields, m->count) =
		    (struct message_field){.field = field};
	}
	return 0;
}

int
message_end(struct message *m, struct error *e)
{
	if (m->broken)
		return error_set(e, ERROR_BUG, "reading the message",
		    "the message ended twice or could not be read");
	m->broken = true;
	end_last_line(m);
	if (settle(m, e) == -1)
		return -1;
	if (m->stored > 0 && m->body.len > 0 && write_stage(m, e) == -1)
		return -1;
	if (m->stored > 0)
		buf_clear(&m->body);
	m->facts.body_size = body_size(m);
	m->facts.body_long = m->lines.over;
	m->facts.body_cr = m->lines.bare;
	m->facts.body_utf8 = m->facts.body_8bit && m->sequence_len == 0;
	note_header(m);
	return parse_fields(m, e);
}

const struct message_facts *
message_facts(const struct message *m)
{
	return &m->facts;
}

size_t
message_field_count(const struct message *m)
{
	return m->count;
}

struct message_field *
message_field(struct message *m, size_t index)
{
	return index < m->count ? &m->fields[index] : NULL;
}

struct message_field *
message_find_next(struct message *m, const char *name, size_t *at)
{
	struct message_field *f;

	while (*at < m->count) {
		f = &m->fields[(*at)++];
		if (!f->dropped && (name == NULL || header_is(&f->field, name)))
			return f;
	}
	return NULL;
}

struct message_field *
message_find(struct message *m, const char *name)
{
	size_t at = 0;

	return message_find_next(m, name, &at);
}

static bool
is_clean(struct text value)
{
	size_t i;

	for (i = 0; i < value.len; i++) {
		if (value.at[i] == '\r' && i + 1 < value.len &&
		    value.at[i + 1] == '\n')
			i++; /* what follows is judged by header_next() */
		else if (value.at[i] != '\t' &&
			 text_has_control(text_first(text_skip(value, i), 1)))
			return false;
	}
	return true;
}

/* Makes f the field of that name and value, and that one field only. The value
 * gets a space before it unless it is empty or brings its own. */
static int
make_field(struct message_field *f, struct text name, struct text value,
    struct error *e)
{
	struct header_field field;
	struct text rest;
	struct buf made;

	buf_init(&made, SIZE_MAX / 4);
	buf_add_text(&made, name);
	buf_add_char(&made, ':');
	if (value.len > 0 && strchr(" \t\r", value.at[0]) == NULL)
		buf_add_char(&made, ' ');
	buf_add_text(&made, value);
	buf_add(&made, "\r\n", 2);
	rest = buf_text(&made);
	if (!is_clean(value) || header_next(&rest, &field) != 1 ||
	    rest.len > 0 || !text_equal(field.name, name)) {
		buf_clear(&made);
		return error_set(e, ERROR_BUG, "writing the header",
		    "a field was made that is no field");
	}
	free(f->owned);
	f->owned = made.at;
	f->field = field;
	return 0;
}

int
message_replace(struct message_field *f, struct text value, struct error *e)
{
	return make_field(f, f->field.name, value, e);
}

int
message_append(
    struct message *m, const char *name, struct text value, struct error *e)
{
	struct message_field made = {.dropped = false};

	if (make_field(&made, text_of(name), value, e) == -1)
		return -1;
	*mem_push(m->fields, m->count) = made;
	return 0;
}

unsigned long long
message_size(const struct message *m)
{
	unsigned long long size;
	size_t i;

	size = m->facts.body_size + 2;
	for (i = 0; i < m->count; i++) {
		if (!m->fields[i].dropped)
			size += m->fields[i].field.raw.len;
	}
	return size;
}

static size_t
read_fields(
    const struct message *m, struct message_cursor *c, char *out, size_t size)
{
	struct text raw, piece;
	size_t put = 0;

	while (put < size && c->field < m->count) {
		raw = m->fields[c->field].field.raw;
		if (m->fields[c->field].dropped)
			raw.len = 0;
		piece = text_first(text_skip(raw, c->field_at), size - put);
		memcpy(out + put, piece.at, piece.len);
		put += piece.len;
		c->field_at += piece.len;
		if (c->field_at == raw.len) {
			c->field++;
			c->field_at = 0;
		}
	}
	return put;
}

/* Counts its octets in field_at, behind the last field. */
static size_t
read_separator(struct message_cursor *c, char *out, size_t size)
{
	size_t put = 0;

	while (!c->separator && put < size) {
		out[put++] = "\r\n"[c->field_at++];
		c->separator = c->field_at == 2;
	}
	return put;
}

/* Some octets of the body from `at' on, where there are any. */
static long
read_octets(struct message *m, unsigned long long at, char *out, size_t size,
    struct error *e)
{
	struct text kept;
	long n;

	if (m->stored == 0 && at >= m->body.len)
		return reread_read(&m->reread, at - m->body.len, out, size, e);
	if (m->stored == 0) {
		kept = text_skip(buf_text(&m->body), (size_t)at);
		kept = text_first(kept, size);
		memcpy(out, kept.at, kept.len);
		return (long)kept.len;
	}
	n = m->store->read(m->store->arg, at, out, size, e);
	if (n == 0)
		return error_set(e, ERROR_SYSTEM, "reading the message",
		    "the temporary file is shorter than what was written");
	return n;
}

/* Makes a space of each bare CR of what was read up to `end', which is behind
 * an LF where the body ends. */
static int
blank_bare_crs(struct message *m, char *out, size_t len, unsigned long long end,
    struct error *e)
{
	char *cr = out, next;

	while ((cr = memchr(cr, '\r', (size_t)(out + len - cr))) != NULL) {
		if (cr + 1 < out + len)
			next = cr[1];
		else if (read_octets(m, end, &next, 1, e) == -1)
			return -1;
		if (next != '\n')
			*cr = ' ';
		cr++;
	}
	return 0;
}

static long
read_body(struct message *m, struct message_cursor *c, char *out, size_t size,
    struct error *e)
{
	size_t put = 0;
	long n;

	if (size > m->facts.body_size - c->body_at)
		size = (size_t)(m->facts.body_size - c->body_at);
	while (put < size) {
		n = read_octets(m, c->body_at, out + put, size - put, e);
		if (n == -1)
			return -1;
		put += (size_t)n;
		c->body_at += (size_t)n;
	}
	if (m->facts.body_cr && !c->bare_cr && put > 0 &&
	    blank_bare_crs(m, out, put, c->body_at, e) == -1)
		return -1;
	return (long)put;
}

long
message_read(struct message *m, struct message_cursor *cursor, char *out,
    size_t size, struct error *e)
{
	size_t put;
	long n;

	put = read_fields(m, cursor, out, size);
	put += read_separator(cursor, out + put, size - put);
	n = read_body(m, cursor, out + put, size - put, e);
	return n == -1 ? -1 : (long)put + n;
}
