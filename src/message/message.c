#include "message/message.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

/* Input is looked at in pieces that stay in the nearest cache. */
#define BLOCK ((size_t)16 * 1024)

/* How much of the body is collected for one write into the store. */
#define STAGE ((size_t)64 * 1024)

/* What a line is must show in its first octets (RFC 5322 section 2.1.1), or
 * all of a text without line ends would be kept in memory. */
#define LINE_MAX_SEEN ((size_t)998)

#define NO_NUL (~0ULL)

enum line { LINE_OPEN, LINE_HEADER, LINE_MBOX, LINE_SEPARATOR, LINE_BODY };

struct message {
	const struct message_store *store; /* NULL: memory only */
	struct buf header;
	struct buf body;	   /* all of it, or what the store lacks yet */
	unsigned long long stored; /* octets of the body in the store */
	unsigned long long input;  /* octets that came in */
	bool in_body;
	bool in_store; /* the body goes into the store */
	bool broken;   /* failed, or complete: no more input */
	bool cr;       /* the last octet was a CR, not yet decided */
	bool mbox;     /* a "From " line was dropped */

	enum line line;		      /* the header line being read */
	size_t line_at;		      /* where it begins in header */
	unsigned long long line_nul;  /* its first NUL in the input */
	unsigned long long body_line; /* where the body's last line begins */
	char sequence[4];	      /* of UTF-8, over piece borders */
	size_t sequence_len;	      /* 4: of none */
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
	m->line_nul = NO_NUL;
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
	free(m);
}

/* Octets before the first with its high bit set. */
static size_t
ascii_run(const char *at, size_t len)
{
	unsigned long long word;
	size_t n;

	for (n = 0; len - n >= sizeof(word); n += sizeof(word)) {
		memcpy(&word, at + n, sizeof(word));
		if ((word & 0x8080808080808080ULL) != 0)
			break;
	}
	while (n < len && ((unsigned char)at[n] & 0x80) == 0)
		n++;
	return n;
}

static void
note_8bit(struct message *m, const char *at, size_t len)
{
	size_t i = 0, n;

	while (m->sequence_len < sizeof(m->sequence)) {
		if (m->sequence_len == 0)
			i += ascii_run(at + i, len - i);
		if (i == len)
			return;
		m->facts.body_8bit = true;
		n = text_utf8((struct text){at + i, len - i});
		if (m->sequence_len == 0 && n > 0) {
			i += n;
			continue;
		}
		m->sequence[m->sequence_len++] = at[i++];
		if (text_utf8((struct text){m->sequence, m->sequence_len}) > 0)
			m->sequence_len = 0;
	}
}

static void
note_nul(struct message *m, unsigned long long where, bool *part)
{
	*part = true;
	if (m->facts.has_nul)
		return;
	m->facts.has_nul = true;
	m->facts.nul_at = where;
}

/* Adds part of a line, without its LF. A CR at its end waits for the next
 * octet to show whether it is a bare one. */
static void
add_part(struct message *m, struct buf *out, const char *at, size_t len)
{
	char *to, *cr;

	if (len == 0)
		return;
	if (m->cr)
		buf_add_char(out, ' ');
	m->cr = at[len - 1] == '\r';
	len -= m->cr ? 1 : 0;
	to = buf_reserve(out, len);
	if (to == NULL || len == 0)
		return;
	memcpy(to, at, len);
	out->len += len;
	cr = to;
	while ((cr = memchr(cr, '\r', (size_t)(to + len - cr))) != NULL)
		*cr = ' ';
}

static void
add_line_end(struct message *m, struct buf *out)
{
	m->cr = false;
	buf_add(out, "\r\n", 2);
}

static unsigned long long
body_size(const struct message *m)
{
	return m->stored + m->body.len;
}

static void
note_body_line(struct message *m)
{
	unsigned long long len;

	len = body_size(m) - m->body_line;
	if (len > m->facts.body_longest)
		m->facts.body_longest = len;
}

static void
end_body_line(struct message *m)
{
	note_body_line(m);
	add_line_end(m, &m->body);
	m->body_line = body_size(m);
}

/* Lines that end in LF alone, without any CR: what nearly all callers send,
 * and large mails most. */
static void
add_plain_lines(struct message *m, const char *at, size_t len)
{
	const char *end = at + len, *lf;
	char *to;

	to = buf_reserve(&m->body, 2 * len);
	if (to == NULL)
		return;
	while ((lf = memchr(at, '\n', (size_t)(end - at))) != NULL) {
		memcpy(to, at, (size_t)(lf - at));
		to += lf - at;
		m->body.len = (size_t)(to - m->body.at);
		note_body_line(m);
		*to++ = '\r';
		*to++ = '\n';
		m->body.len += 2;
		m->body_line = body_size(m);
		at = lf + 1;
	}
	memcpy(to, at, (size_t)(end - at));
	m->body.len += (size_t)(end - at);
}

static void
add_body(struct message *m, const char *at, size_t len)
{
	const char *end = at + len, *lf;

	note_8bit(m, at, len);
	if (!m->cr && memchr(at, '\r', len) == NULL) {
		add_plain_lines(m, at, len);
		return;
	}
	while ((lf = memchr(at, '\n', (size_t)(end - at))) != NULL) {
		add_part(m, &m->body, at, (size_t)(lf - at));
		end_body_line(m);
		at = lf + 1;
	}
	add_part(m, &m->body, at, (size_t)(end - at));
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
	if (write_stage(m, &ignored) == -1) {
		m->store = NULL;
		return;
	}
	m->in_store = true;
	buf_clear(&m->body);
}

static int
settle_body(struct message *m, struct error *e)
{
	if (m->in_store && m->body.len >= STAGE)
		return write_stage(m, e);
	if (!m->in_store && m->store != NULL && m->body.len > MESSAGE_MEMORY)
		move_to_store(m);
	return 0;
}

static int
input_body(struct message *m, const char *at, size_t len, struct error *e)
{
	const char *nul;

	if (!m->facts.body_nul && (nul = memchr(at, '\0', len)) != NULL)
		note_nul(m, m->input + (unsigned long long)(nul - at),
		    &m->facts.body_nul);
	add_body(m, at, len);
	m->input += len;
	return settle_body(m, e);
}

/* "From " of an mbox file, and what older programs make of it; but "From :"
 * is an obsolete field. */
static bool
is_mbox(const struct message *m, struct text line)
{
	if (m->line_at > 0)
		return false;
	if (text_equal(text_first(line, 6), TEXT(">From ")))
		return true;
	return !m->mbox && text_equal(text_first(line, 5), TEXT("From "));
}

static enum line
classify(const struct message *m, struct text line)
{
	line = text_first(line, LINE_MAX_SEEN);
	if (line.len == 0)
		return LINE_SEPARATOR;
	if (header_starts(line))
		return LINE_HEADER;
	if (m->line_at > 0 && text_is_blank(line.at[0]))
		return LINE_HEADER;
	return is_mbox(m, line) ? LINE_MBOX : LINE_BODY;
}

/* The line in the header turned out to be the first of the body. */
static void
begin_body(struct message *m)
{
	bool cr = m->cr;

	m->in_body = true;
	m->cr = false;
	if (m->line_nul != NO_NUL)
		note_nul(m, m->line_nul, &m->facts.body_nul);
	add_body(m, m->header.at + m->line_at, m->header.len - m->line_at);
	m->header.len = m->line_at;
	m->cr = cr;
}

static void
add_header_part(struct message *m, const char *at, size_t len)
{
	const char *nul;

	nul = len == 0 ? NULL : memchr(at, '\0', len);
	if (nul != NULL && m->line_nul == NO_NUL)
		m->line_nul = m->input + (unsigned long long)(nul - at);
	add_part(m, &m->header, at, len);
	if (m->line == LINE_MBOX)
		m->header.len = m->line_at;
}

static void
end_header_line(struct message *m)
{
	switch (m->line) {
	case LINE_HEADER:
		add_line_end(m, &m->header);
		if (m->line_nul != NO_NUL)
			note_nul(m, m->line_nul, &m->facts.header_nul);
		break;
	case LINE_MBOX:
		m->header.len = m->line_at;
		m->mbox = true;
		break;
	case LINE_SEPARATOR:
		m->in_body = true;
		break;
	case LINE_BODY:
		end_body_line(m);
		break;
	case LINE_OPEN:
		break;
	}
	m->cr = false;
	m->line = LINE_OPEN;
	m->line_at = m->header.len;
	m->line_nul = NO_NUL;
}

static void
decide_line(struct message *m, bool whole)
{
	struct text line;

	line = text_skip(buf_text(&m->header), m->line_at);
	if (m->line != LINE_OPEN || (!whole && line.len < LINE_MAX_SEEN))
		return;
	m->line = classify(m, line);
	if (m->line == LINE_BODY)
		begin_body(m);
}

/* Takes at most one line; returns how much it took. */
static size_t
input_header(struct message *m, const char *at, size_t len)
{
	const char *lf;
	size_t part;

	lf = memchr(at, '\n', len);
	part = lf == NULL ? len : (size_t)(lf - at);
	add_header_part(m, at, part);
	decide_line(m, lf != NULL);
	if (lf != NULL) {
		end_header_line(m);
		part++;
	}
	m->input += part;
	return part;
}

static int
check_header_size(struct message *m, struct error *e)
{
	if (!m->header.full)
		return 0;
	error_set(e, ERROR_MESSAGE, "reading the message",
	    "the header section is larger than %d MiB",
	    MESSAGE_HEADER_MAX / (1024 * 1024));
	return error_hint(
	    e, "the message needs an empty line between header and body");
}

static int
input_block(struct message *m, const char *at, size_t len, struct error *e)
{
	size_t taken = 0;

	while (taken < len && !m->in_body && !m->header.full)
		taken += input_header(m, at + taken, len - taken);
	if (check_header_size(m, e) == -1)
		return -1;
	return taken == len ? 0 : input_body(m, at + taken, len - taken, e);
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
		if (input_block(m, bytes, n, e) == -1) {
			m->broken = true;
			return -1;
		}
	}
	return 0;
}

/* Gives a last line its end. A CR at the very end is a bare one. */
static void
end_last_line(struct message *m)
{
	struct buf *out = m->in_body ? &m->body : &m->header;

	if (m->cr)
		buf_add_char(out, ' ');
	m->cr = false;
	if (!m->in_body && (m->line != LINE_OPEN || out->len > m->line_at)) {
		decide_line(m, true);
		end_header_line(m);
	} else if (m->in_body && body_size(m) > m->body_line)
		end_body_line(m);
}

static void
note_header(struct message *m)
{
	struct text line, rest = buf_text(&m->header);

	m->facts.header_8bit = rest.len > ascii_run(rest.at, rest.len);
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
	if (check_header_size(m, e) == -1 || settle_body(m, e) == -1)
		return -1;
	if (m->in_store && m->body.len > 0 && write_stage(m, e) == -1)
		return -1;
	if (m->in_store)
		buf_clear(&m->body);
	m->facts.body_size = body_size(m);
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
		if (!f->dropped && header_is(&f->field, name))
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

void
message_drop(struct message_field *f)
{
	f->dropped = true;
}

/* A NUL-terminated field of its own memory; the value begins with a space
 * unless it is empty or brings its own. */
static char *
compose(struct text name, struct text value, size_t *len)
{
	struct buf out;

	buf_init(&out, SIZE_MAX / 4);
	buf_add_text(&out, name);
	buf_add_char(&out, ':');
	if (value.len > 0 && strchr(" \t\r", value.at[0]) == NULL)
		buf_add_char(&out, ' ');
	buf_add_text(&out, value);
	buf_add(&out, "\r\n", 2);
	*len = out.len;
	return buf_take(&out);
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

/* Makes f the field of that name and value, and that one field only. */
static int
make_field(struct message_field *f, struct text name, struct text value,
    struct error *e)
{
	struct header_field field;
	struct text rest;
	size_t len;
	char *owned;

	owned = compose(name, value, &len);
	rest = (struct text){owned, len};
	if (!is_clean(value) || header_next(&rest, &field) != 1 ||
	    rest.len > 0 || !text_equal(field.name, name)) {
		free(owned);
		return error_set(e, ERROR_BUG, "writing the header",
		    "a field was made that is no field");
	}
	free(f->owned);
	f->owned = owned;
	f->field = field;
	return 0;
}

int
message_replace(struct message_field *f, struct text value, struct error *e)
{
	return make_field(f, f->field.name, value, e);
}

static int
insert(struct message *m, size_t at, const char *name, struct text value,
    struct error *e)
{
	struct message_field made = {.dropped = false};

	if (make_field(&made, text_of(name), value, e) == -1)
		return -1;
	mem_push(m->fields, m->count);
	memmove(m->fields + at + 1, m->fields + at,
	    (m->count - 1 - at) * sizeof(*m->fields));
	m->fields[at] = made;
	return 0;
}

int
message_prepend(
    struct message *m, const char *name, struct text value, struct error *e)
{
	return insert(m, 0, name, value, e);
}

int
message_append(
    struct message *m, const char *name, struct text value, struct error *e)
{
	return insert(m, m->count, name, value, e);
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
min_size(size_t a, unsigned long long b)
{
	return b < a ? (size_t)b : a;
}

static size_t
read_fields(
    const struct message *m, struct message_cursor *c, char *out, size_t size)
{
	const struct message_field *f;
	size_t n, put = 0;

	while (put < size && c->field < m->count) {
		f = &m->fields[c->field];
		n = 0;
		if (!f->dropped) {
			n = min_size(
			    size - put, f->field.raw.len - c->field_at);
			memcpy(out + put, f->field.raw.at + c->field_at, n);
		}
		put += n;
		c->field_at += n;
		if (f->dropped || c->field_at == f->field.raw.len) {
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

static long
read_stored(struct message *m, struct message_cursor *c, char *out, size_t size,
    struct error *e)
{
	long n;

	n = m->store->read(m->store->arg, c->body_at, out, size, e);
	if (n == 0)
		return error_set(e, ERROR_SYSTEM, "reading the message",
		    "the temporary file is shorter than what was written");
	return n;
}

static long
read_body(struct message *m, struct message_cursor *c, char *out, size_t size,
    struct error *e)
{
	size_t put = 0;
	long n;

	size = min_size(size, m->facts.body_size - c->body_at);
	if (!m->in_store && size > 0) {
		memcpy(out, m->body.at + c->body_at, size);
		c->body_at += size;
		return (long)size;
	}
	while (put < size) {
		n = read_stored(m, c, out + put, size - put, e);
		if (n == -1)
			return -1;
		put += (size_t)n;
		c->body_at += (size_t)n;
	}
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
