#include "message/recode.h"

#include <stdlib.h>
#include <string.h>

#include "base/crypt.h"
#include "base/mem.h"
#include "message/mime.h"

/* Read and encoded at a time. An octet becomes four at most: three, and its
 * share of the soft line breaks. */
#define IN  ((size_t)8 * 1024)
#define OUT (4 * IN)

#define QP_LINE	    75 /* RFC 2045 section 6.7 (5), and "=" */
#define BASE64_LINE 57 /* octets that make a line of 76 */

#define MIME_VERSION "MIME-Version: 1.0\r\n"
#define CONTENT_TYPE "Content-Type: text/plain; charset="
#define LABEL	     "Content-Transfer-Encoding: "

enum way {
	WAY_COPY,
	WAY_OWN,   /* a literal of ours */
	WAY_PLAIN, /* no NUL, no line over 998 octets */
	WAY_QP,
	WAY_QP_AGAIN, /* what says that it is quoted-printable */
	WAY_BASE64
};

/* A piece of what is given, and where it comes from. */
struct segment {
	enum way way;
	unsigned long long length; /* of the source */
	struct message_cursor from;
	const char *text; /* WAY_OWN */
};

struct recode {
	struct message *message;
	bool eightbit;
	bool composite; /* the body has a structure that folding must keep */
	bool is_8bit;
	unsigned long long total;
	struct recode_remarks remarks;

	struct segment *segments;
	size_t count;

	/* The place of the reader. */
	size_t segment;
	unsigned long long taken; /* octets of its source */
	struct message_cursor cursor;
	size_t column; /* of the line that is being encoded */
	size_t in_len; /* read and not encoded yet */
	size_t out_at; /* encoded and not given yet */
	size_t out_len;
	struct buf base64;
	char in[IN];
	char out[OUT];
};

/*
 * Encoders. Each takes octets of `in` as long as it can tell what becomes of
 * them, all of them where they are the last, and returns how many.
 */

static void
put(struct recode *r, const char *bytes, size_t len)
{
	memcpy(r->out + r->out_len, bytes, len);
	r->out_len += len;
}

static void
put_line_end(struct recode *r)
{
	put(r, "\r\n", 2);
	r->column = 0;
}

static bool
is_high(char c)
{
	return ((unsigned char)c & 0x80) != 0;
}

static void
fold(struct recode *r)
{
	put_line_end(r);
	r->remarks.body_folded = true;
	/* So that the rest of the line is no delimiter, no field and no end
	 * of fields. */
	if (r->composite)
		r->out[r->out_len++] = ' ';
	r->column = r->composite ? 1 : 0;
}

/* What can go as it is. Of 8-bit octets those that cannot begin a sequence
 * that has no room on this line. */
static size_t
plain_run(const struct recode *r, struct text in)
{
	size_t n, max, high;

	max = RECODE_LINE_MAX - r->column;
	high = r->eightbit && max > 3 ? max - 3 : 0;
	for (n = 0; n < in.len && n < max; n++) {
		if (in.at[n] == '\0' || in.at[n] == '\r' ||
		    (n >= high && is_high(in.at[n])))
			break;
	}
	return n;
}

static void
put_plain(struct recode *r, struct text t)
{
	if (r->column + t.len > RECODE_LINE_MAX)
		fold(r);
	put(r, t.at, t.len);
	r->column += t.len;
}

/* What plain_run() stops at; returns how much that was. */
static size_t
put_unit(struct recode *r, struct text in)
{
	size_t len = 1;

	if (in.at[0] == '\0') {
		r->remarks.nul_removed = true;
	} else if (in.at[0] == '\r') {
		put_line_end(r);
		len = 2;
	} else if (is_high(in.at[0]) && !r->eightbit) {
		put_plain(r, TEXT("?"));
		r->remarks.body_replaced = true;
	} else {
		len = text_utf8(in); /* not cut by a fold */
		len = len > 0 ? len : 1;
		put_plain(r, text_first(in, len));
	}
	return len;
}

static size_t
encode_plain(struct recode *r, struct text in, bool last)
{
	struct text rest = in;
	size_t n;

	while (last ? rest.len > 0 : rest.len >= 4) {
		n = plain_run(r, rest);
		if (n > 0)
			put_plain(r, text_first(rest, n));
		else
			n = put_unit(r, rest);
		rest = text_skip(rest, n);
	}
	return in.len - rest.len;
}

static void
break_softly(struct recode *r, size_t needed)
{
	if (r->column + needed <= QP_LINE)
		return;
	put(r, "=\r\n", 3);
	r->column = 0;
}

static void
put_quoted(struct recode *r, char c)
{
	static const char hex[] = "0123456789ABCDEF";
	unsigned char octet = (unsigned char)c;
	char *out;

	break_softly(r, 3);
	out = r->out + r->out_len;
	out[0] = '=';
	out[1] = hex[octet >> 4];
	out[2] = hex[octet & 15];
	r->out_len += 3;
	r->column += 3;
}

/* Behind a soft line break the rest of a line could be a delimiter. */
static bool
is_delimiter(const struct recode *r, char c, char next)
{
	return c == '-' && next == '-' && r->composite &&
	       (r->column == 0 || r->column == QP_LINE);
}

/* One octet, and the next; a CR where the line ends. `again`: what stands
 * there is quoted-printable but for 8-bit octets. */
static void
put_qp(struct recode *r, char c, char next, bool again)
{
	bool ends = text_is_blank(c) && next == '\r' && !again;
	bool literal = c == '=' ? again : (c >= ' ' && c <= '~') || c == '\t';

	if (ends || !literal || is_delimiter(r, c, next)) {
		put_quoted(r, c);
		return;
	}
	/* The two digits behind it must stay on its line. */
	break_softly(r, c == '=' ? 3 : 1);
	r->out[r->out_len++] = c;
	r->column++;
}

/* What needs no look at its neighbours and fits on the line. */
static size_t
literal_run(const struct recode *r, const char *at, size_t len)
{
	size_t n;

	if (len > QP_LINE - r->column)
		len = QP_LINE - r->column;
	for (n = 0; n < len; n++) {
		if (at[n] <= ' ' || at[n] > '~' || at[n] == '=' || at[n] == '-')
			break;
	}
	return n;
}

static size_t
encode_qp(struct recode *r, struct text in, bool last)
{
	bool again = r->segments[r->segment].way == WAY_QP_AGAIN;
	size_t n, at = 0;

	while (last ? at < in.len : at + 1 < in.len) {
		if (is_high(in.at[at])) {
			put_quoted(r, in.at[at++]);
			continue;
		}
		n = literal_run(r, in.at + at, in.len - at);
		if (n > 0) {
			put(r, in.at + at, n);
			r->column += n;
			at += n;
		} else if (in.at[at] == '\r') {
			put_line_end(r);
			at += 2;
		} else {
			put_qp(r, in.at[at],
			    at + 1 < in.len ? in.at[at + 1] : '\r', again);
			at++;
		}
	}
	return at;
}

static size_t
encode_base64(struct recode *r, struct text in, bool last)
{
	struct text lines, line;

	if (!last)
		in.len -= in.len % BASE64_LINE;
	buf_reset(&r->base64);
	crypt_base64(in, &r->base64);
	for (lines = buf_text(&r->base64); lines.len > 0;
	     lines = text_skip(lines, 76)) {
		line = text_first(lines, 76);
		if (r->column > 0)
			put(r, "\r\n", 2);
		put(r, line.at, line.len);
		r->column = line.len;
	}
	return in.len;
}

static size_t
encode(struct recode *r, struct text in, bool last)
{
	switch (r->segments[r->segment].way) {
	case WAY_PLAIN:
		return encode_plain(r, in, last);
	case WAY_QP:
	case WAY_QP_AGAIN:
		return encode_qp(r, in, last);
	case WAY_BASE64:
		return encode_base64(r, in, last);
	case WAY_COPY:
	case WAY_OWN:
		break;
	}
	return in.len;
}

/*
 * Reading.
 */

static size_t
min_size(size_t a, unsigned long long b)
{
	return b < a ? (size_t)b : a;
}

static long
read_source(struct recode *r, char *out, size_t size, struct error *e)
{
	const struct segment *s = &r->segments[r->segment];
	long n;

	n = message_read(r->message, &r->cursor, out,
	    min_size(size, s->length - r->taken), e);
	if (n == 0)
		return error_set(e, ERROR_BUG, "reading the message",
		    "the message is shorter than it was");
	r->taken += n > 0 ? (unsigned long long)n : 0;
	return n;
}

/* Encodes the next octets of the segment into r->out, which is empty. */
static int
encode_next(struct recode *r, struct error *e)
{
	const struct segment *s = &r->segments[r->segment];
	size_t used;
	long n;

	n = read_source(r, r->in + r->in_len, IN - r->in_len, e);
	if (n == -1)
		return -1;
	r->in_len += (size_t)n;
	r->out_at = r->out_len = 0;
	used =
	    encode(r, (struct text){r->in, r->in_len}, r->taken == s->length);
	r->in_len -= used;
	memmove(r->in, r->in + used, r->in_len);
	if (r->base64.full)
		return error_set(e, ERROR_SYSTEM, "encoding the message",
		    "base64 is not to be had");
	return 0;
}

/* Each segment begins a line, or with the end of one. */
static void
enter(struct recode *r, size_t segment)
{
	r->segment = segment;
	r->taken = 0;
	r->column = 0;
	if (segment < r->count)
		r->cursor = r->segments[segment].from;
}

/* Enters the segment that the next octet is in. False behind the last. */
static bool
settle(struct recode *r)
{
	while (r->segment < r->count && r->out_at == r->out_len &&
	       r->taken == r->segments[r->segment].length)
		enter(r, r->segment + 1);
	return r->segment < r->count;
}

static long
read_next(struct recode *r, char *out, size_t size, struct error *e)
{
	const struct segment *s = &r->segments[r->segment];

	if (s->way == WAY_COPY)
		return read_source(r, out, size, e);
	if (s->way == WAY_OWN) {
		size = min_size(size, s->length - r->taken);
		memcpy(out, s->text + r->taken, size);
		r->taken += size;
		return (long)size;
	}
	if (r->out_at == r->out_len && encode_next(r, e) == -1)
		return -1;
	size = min_size(size, r->out_len - r->out_at);
	memcpy(out, r->out + r->out_at, size);
	r->out_at += size;
	return (long)size;
}

long
recode_read(struct recode *r, char *out, size_t size, struct error *e)
{
	size_t given = 0;
	long n;

	while (given < size && settle(r)) {
		n = read_next(r, out + given, size - given, e);
		if (n == -1)
			return -1;
		given += (size_t)n;
	}
	return (long)given;
}

void
recode_rewind(struct recode *r)
{
	r->in_len = r->out_at = r->out_len = 0;
	enter(r, 0);
}

/* Reads all that is encoded once, as nothing else tells how much it will be. */
static int
measure(struct recode *r, struct error *e)
{
	const struct segment *s;

	recode_rewind(r);
	while (settle(r)) {
		s = &r->segments[r->segment];
		if (s->way == WAY_COPY || s->way == WAY_OWN) {
			r->total += s->length;
			r->taken = s->length;
			continue;
		}
		if (encode_next(r, e) == -1)
			return -1;
		r->total += r->out_len;
		r->out_at = r->out_len;
	}
	recode_rewind(r);
	return 0;
}

/*
 * The plan: what becomes of which octets.
 */

static struct segment *
add(struct recode *r, enum way way, unsigned long long length)
{
	struct segment *s;

	s = mem_push(r->segments, r->count);
	memset(s, 0, sizeof(*s));
	s->way = way;
	s->length = length;
	if (length == 0)
		r->count--;
	return s;
}

static void
add_own(struct recode *r, const char *text)
{
	add(r, WAY_OWN, strlen(text))->text = text;
}

static void
add_fields(struct recode *r, size_t first, unsigned long long length)
{
	add(r, WAY_COPY, length)->from.field = first;
}

/* Octets of the body, from `at` to `end`. */
static void
add_body(struct recode *r, enum way way, unsigned long long at,
    unsigned long long end)
{
	struct segment *s = add(r, way, end - at);

	s->from.field = message_field_count(r->message);
	s->from.separator = true;
	s->from.body_at = at;
	if (way == WAY_QP || way == WAY_QP_AGAIN || way == WAY_BASE64)
		r->remarks.body_encoded = true;
}

static const char *
charset_field(const struct message_facts *facts)
{
	if (!facts->body_8bit)
		return CONTENT_TYPE "us-ascii\r\n";
	return facts->body_utf8 ? CONTENT_TYPE "utf-8\r\n"
				: CONTENT_TYPE "unknown-8bit\r\n";
}

/* All that stands before the body: as it is where label is NULL, else with that
 * label in place of every other, and with the MIME fields that are missing. */
static void
add_head(struct recode *r, const char *label)
{
	struct message *m = r->message;
	const struct message_field *f;
	unsigned long long length = 0;
	size_t at = 0, first = 0;

	if (label == NULL) {
		add_fields(r, 0, message_size(m) - message_facts(m)->body_size);
		return;
	}
	while ((f = message_find_next(m, NULL, &at)) != NULL) {
		if (!header_is(&f->field, "Content-Transfer-Encoding")) {
			length += f->field.raw.len;
			continue;
		}
		add_fields(r, first, length);
		first = at;
		length = 0;
	}
	add_fields(r, first, length);
	if (message_find(m, "MIME-Version") == NULL)
		add_own(r, MIME_VERSION);
	if (message_find(m, "Content-Type") == NULL)
		add_own(r, charset_field(message_facts(m)));
	add_own(r, label);
	add_own(r, "\r\n");
}

/*
 * The plan for MIME parts.
 */

/* Parts that may not or cannot be encoded. */
static const struct {
	enum mime_kind kind;
	const char *what;
	const char *hint;
} rigid[] = {
    {MIME_SEALED,
	"in a signed, encrypted or partial part, which may not be changed",
	"make that part again with its content in quoted-printable or base64"},
    {MIME_BROKEN, "in a multipart whose boundary is missing",
	"name the boundary in Content-Type, or encode the message as "
	"quoted-printable"},
};

static int
check_part(const struct mime_part *p, struct error *e)
{
	size_t i;

	for (i = 0; i < sizeof(rigid) / sizeof(rigid[0]); i++) {
		if (p->high == 0 || p->kind != rigid[i].kind)
			continue;
		error_set(e, ERROR_MESSAGE, "8BITMIME",
		    "the message has 8-bit bytes %s, and the server does not "
		    "offer 8BITMIME",
		    rigid[i].what);
		return error_hint(e, "%s", rigid[i].hint);
	}
	return 0;
}

static bool
is_leaf(const struct mime_part *p)
{
	return p->kind == MIME_TEXT || p->kind == MIME_OTHER;
}

/* NULL where it may keep its own. */
static const char *
label_of(enum way way)
{
	if (way == WAY_QP)
		return LABEL "quoted-printable\r\n";
	return way == WAY_BASE64 ? LABEL "base64\r\n" : NULL;
}

static enum way
way_of(const struct mime_part *p)
{
	if (!is_leaf(p) || (p->high == 0 && p->encoding != MIME_8BIT))
		return WAY_PLAIN;
	/* What is no base64 is nothing that a reader would see. */
	if (p->encoding == MIME_BASE64)
		return WAY_PLAIN;
	if (p->encoding == MIME_QP)
		return WAY_QP_AGAIN;
	return p->kind == MIME_TEXT ? WAY_QP : WAY_BASE64;
}

/* The fields of a part, from `at` on; returns where its label is done with. */
static unsigned long long
add_part_fields(struct recode *r, const struct mime_part *p, const char *label,
    unsigned long long at)
{
	if (p->label_end > 0) {
		add_body(r, WAY_PLAIN, at, p->label);
		at = p->label_end;
	}
	add_body(r, WAY_PLAIN, at, p->fields_end);
	/* RFC 2045 section 4: without it no label counts in a message. */
	if (p->message && !p->version)
		add_own(r, MIME_VERSION);
	if (p->message && !p->type)
		add_own(r, charset_field(message_facts(r->message)));
	add_own(r, label);
	if (!p->separator)
		add_own(r, "\r\n");
	return p->fields_end;
}

/* Returns up to where the body is planned. */
static unsigned long long
add_part(struct recode *r, const struct mime_part *p, unsigned long long at)
{
	enum way way = way_of(p);
	const char *label = label_of(way);

	if (!is_leaf(p) && p->kind != MIME_BROKEN && p->encoding == MIME_8BIT)
		label = LABEL "7bit\r\n";
	if (label != NULL)
		at = add_part_fields(r, p, label, at);
	if (way == WAY_PLAIN)
		return at;
	add_body(r, WAY_PLAIN, at, p->body);
	add_body(r, way, p->body, p->end);
	return p->end;
}

/*
 * The plan for a message.
 */

struct top {
	struct mime_type type;
	enum mime_encoding encoding;
	bool typed;
	bool labelled;
};

static void
look_at(struct message *m, struct top *top)
{
	const struct message_field *f;

	memset(top, 0, sizeof(*top));
	f = message_find(m, "Content-Type");
	top->typed = f != NULL;
	if (f != NULL)
		mime_parse_type(f->field.value, &top->type);
	f = message_find(m, "Content-Transfer-Encoding");
	top->labelled = f != NULL;
	if (f != NULL)
		top->encoding = mime_parse_encoding(f->field.value);
}

/* Of a body that is one part. Text that nobody described is as likely in an
 * alphabet of which quoted-printable would leave nothing to read. */
static enum way
way_of_body(
    const struct recode *r, const struct top *top, const struct mime_part *p)
{
	const struct message_facts *facts = message_facts(r->message);

	if (top->labelled && top->encoding != MIME_NONE)
		return way_of(p);
	if (p->high == 0)
		return WAY_QP;
	if (top->typed)
		return p->kind == MIME_TEXT ? WAY_QP : WAY_BASE64;
	return p->high > facts->body_size / 3 ? WAY_BASE64 : WAY_QP;
}

static void
add_leaf(struct recode *r, const struct top *top, const struct mime_part *p)
{
	enum way way = way_of_body(r, top, p);

	add_head(r, label_of(way));
	add_body(r, way, 0, message_facts(r->message)->body_size);
	if (way == WAY_BASE64)
		add_own(r, "\r\n");
}

static void
add_structure(struct recode *r, const struct top *top, const struct mime *mime)
{
	unsigned long long at = 0;
	size_t i;

	add_head(r, top->encoding == MIME_8BIT ? LABEL "7bit\r\n" : NULL);
	for (i = 1; i < mime->count; i++)
		at = add_part(r, &mime->parts[i], at);
	add_body(r, WAY_PLAIN, at, message_facts(r->message)->body_size);
}

static int
plan_encoded(struct recode *r, const struct top *top, struct error *e)
{
	struct mime mime;
	int result;
	size_t i;

	result = mime_scan(&mime, r->message, &top->type, top->encoding, e);
	for (i = 0; result == 0 && i < mime.count; i++)
		result = check_part(&mime.parts[i], e);
	if (result == 0 && is_leaf(&mime.parts[0]))
		add_leaf(r, top, &mime.parts[0]);
	else if (result == 0)
		add_structure(r, top, &mime);
	mime_clear(&mime);
	return result;
}

static int
plan(struct recode *r, struct error *e)
{
	const struct message_facts *facts = message_facts(r->message);
	struct top top;
	bool misfit, high;

	look_at(r->message, &top);
	r->composite = top.type.composite;
	misfit = facts->body_nul || facts->body_longest > RECODE_LINE_MAX;
	high = facts->body_8bit && !r->eightbit;
	if (high || (misfit && !top.labelled && !r->composite))
		return plan_encoded(r, &top, e);
	if (misfit) {
		add_head(r, NULL);
		add_body(r, WAY_PLAIN, 0, facts->body_size);
	} else if (facts->body_8bit && !top.labelled && !r->composite) {
		add_head(r, LABEL "8bit\r\n");
		add_body(r, WAY_COPY, 0, facts->body_size);
	} else
		add_fields(r, 0, message_size(r->message));
	return 0;
}

/* What the fields room could not mend, or nobody had it mend. */
static int
check_fields(struct recode *r, struct error *e)
{
	const struct message_field *f;
	const char *why;
	bool high;
	size_t at = 0;

	while ((f = message_find_next(r->message, NULL, &at)) != NULL) {
		high = text_has_8bit(f->field.raw);
		why = NULL;
		if (text_find(f->field.raw, '\0') < f->field.raw.len)
			why = "holds a NUL byte";
		else if (high && !r->eightbit)
			why = "has 8-bit bytes, and the server does not offer "
			      "8BITMIME";
		if (why != NULL)
			return error_set(e, ERROR_MESSAGE, "sending the header",
			    "the field %s %s", SHOWN(f->field.name), why);
		r->is_8bit |= high;
	}
	return 0;
}

struct recode *
recode_new(struct message *m, bool eightbit, struct recode_remarks *remarks,
    struct error *e)
{
	struct recode *r;

	r = mem_new(1, sizeof(*r));
	r->message = m;
	r->eightbit = eightbit;
	buf_init(&r->base64, OUT);
	if (check_fields(r, e) == -1 || plan(r, e) == -1 ||
	    measure(r, e) == -1) {
		recode_free(r);
		return NULL;
	}
	if (message_facts(m)->body_8bit && !r->remarks.body_encoded && eightbit)
		r->is_8bit = true;
	*remarks = r->remarks;
	return r;
}

void
recode_free(struct recode *r)
{
	if (r == NULL)
		return;
	buf_clear(&r->base64);
	free(r->segments);
	free(r);
}

unsigned long long
recode_size(const struct recode *r)
{
	return r->total;
}

bool
recode_is_8bit(const struct recode *r)
{
	return r->is_8bit;
}
