#include "message/recode.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "message/mime.h"

#define MIME_VERSION "MIME-Version: 1.0\r\n"
#define CONTENT_TYPE "Content-Type: text/plain; charset="
#define LABEL	     "Content-Transfer-Encoding: "

/* A piece of what is given, and where it comes from. */
struct segment {
	enum encoder_form form;
	unsigned long long length; /* of the source */
	struct message_cursor from;
	const char *own; /* a literal of ours in its place, or NULL */
};

struct recode {
	struct message *message;
	bool eightbit;
	bool is_8bit;
	bool mime_added;
	bool body_encoded;
	unsigned long long total;

	struct segment *segments;
	size_t count;

	/* The place of the reader. */
	size_t segment;
	unsigned long long taken; /* octets of its source */
	struct message_cursor cursor;
	size_t in_len; /* read and not encoded yet */
	size_t out_at; /* encoded and not given yet */
	char in[ENCODER_IN];
	struct encoder encoder;
};

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

/* Encodes the next octets of the segment; what was encoded before is given. */
static int
encode_next(struct recode *r, struct error *e)
{
	const struct segment *s = &r->segments[r->segment];
	size_t used;
	long n;

	n = read_source(r, r->in + r->in_len, ENCODER_IN - r->in_len, e);
	if (n == -1)
		return -1;
	r->in_len += (size_t)n;
	r->out_at = 0;
	used = encoder_take(&r->encoder, (struct text){r->in, r->in_len},
	    r->taken == s->length);
	r->in_len -= used;
	memmove(r->in, r->in + used, r->in_len);
	if (r->encoder.base64.full)
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
	r->out_at = 0;
	if (segment == r->count)
		return;
	r->cursor = r->segments[segment].from;
	encoder_begin(&r->encoder, r->segments[segment].form);
}

/* Enters the segment that the next octet is in. False behind the last. */
static bool
settle(struct recode *r)
{
	while (r->segment < r->count && r->out_at == r->encoder.out_len &&
	       r->taken == r->segments[r->segment].length)
		enter(r, r->segment + 1);
	return r->segment < r->count;
}

static long
read_next(struct recode *r, char *out, size_t size, struct error *e)
{
	const struct segment *s = &r->segments[r->segment];

	if (s->own != NULL) {
		size = min_size(size, s->length - r->taken);
		memcpy(out, s->own + r->taken, size);
		r->taken += size;
		return (long)size;
	}
	if (s->form == ENCODER_COPY)
		return read_source(r, out, size, e);
	if (r->out_at == r->encoder.out_len && encode_next(r, e) == -1)
		return -1;
	size = min_size(size, r->encoder.out_len - r->out_at);
	memcpy(out, r->encoder.out + r->out_at, size);
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
	r->in_len = 0;
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
		if (s->own != NULL || s->form == ENCODER_COPY) {
			r->total += s->length;
			r->taken = s->length;
			continue;
		}
		if (encode_next(r, e) == -1)
			return -1;
		r->total += r->encoder.out_len;
		r->out_at = r->encoder.out_len;
	}
	recode_rewind(r);
	return 0;
}

/*
 * The plan: what becomes of which octets.
 */

static struct segment *
add(struct recode *r, enum encoder_form form, unsigned long long length)
{
	struct segment *s;

	s = mem_push(r->segments, r->count);
	memset(s, 0, sizeof(*s));
	s->form = form;
	s->length = length;
	if (length == 0)
		r->count--;
	return s;
}

static void
add_own(struct recode *r, const char *text)
{
	add(r, ENCODER_COPY, strlen(text))->own = text;
}

static void
add_fields(struct recode *r, size_t first, unsigned long long length)
{
	add(r, ENCODER_COPY, length)->from.field = first;
}

static bool
is_encoded(enum encoder_form form)
{
	return form != ENCODER_COPY && form != ENCODER_PLAIN;
}

/* Octets of the body, from `at` to `end`. */
static void
add_body(struct recode *r, enum encoder_form form, unsigned long long at,
    unsigned long long end)
{
	struct segment *s = add(r, form, end - at);

	s->from.field = message_field_count(r->message);
	s->from.separator = true;
	s->from.body_at = at;
	r->body_encoded |= is_encoded(form);
}

/* Of text in m that nobody described. */
static const char *
charset_field(const struct message *m, bool high)
{
	if (!high)
		return CONTENT_TYPE "us-ascii\r\n";
	return message_facts(m)->body_utf8 ? CONTENT_TYPE "utf-8\r\n"
					   : CONTENT_TYPE "unknown-8bit\r\n";
}

/* All that stands before the body, with the MIME fields that are missing, and
 * that label in place of every other unless it is NULL. */
static void
add_mime_head(struct recode *r, const char *label)
{
	struct message *m = r->message;
	const struct message_field *f;
	unsigned long long length = 0;
	size_t at = 0, first = 0;

	while ((f = message_find_next(m, NULL, &at)) != NULL) {
		if (label == NULL ||
		    !header_is(&f->field, "Content-Transfer-Encoding")) {
			length += f->field.raw.len;
			continue;
		}
		add_fields(r, first, length);
		first = at;
		length = 0;
	}
	add_fields(r, first, length);
	r->mime_added = message_find(m, "MIME-Version") == NULL ||
			message_find(m, "Content-Type") == NULL;
	if (message_find(m, "MIME-Version") == NULL)
		add_own(r, MIME_VERSION);
	if (message_find(m, "Content-Type") == NULL)
		add_own(r, charset_field(m, message_facts(m)->body_8bit));
	add_own(r, label == NULL ? "" : label);
	add_own(r, "\r\n");
}

static void
add_head(struct recode *r)
{
	add_fields(r, 0,
	    message_size(r->message) - message_facts(r->message)->body_size);
}

/*
 * The plan for MIME parts.
 */

/* What becomes of a part. */
struct treatment {
	enum encoder_form form;	   /* of its content */
	enum mime_encoding domain; /* what is in it then: 7bit to binary */
	const char *label;	   /* in place of its own, or NULL */
	bool mended;		   /* it or a part in it is encoded */
};

static int
refuse(unsigned long long line, const char *what, const char *where,
    const char *hint, struct error *e)
{
	error_set(e, ERROR_MESSAGE, "sending the body",
	    "line %llu of the body %s %s", line, what, where);
	return error_hint(e, "%s", hint);
}

#define HIGH "has 8-bit bytes, and the server does not offer 8BITMIME,"

static int
check_sealed(
    const struct recode *r, const struct mime_faults *f, struct error *e)
{
	static const char where[] = "in a signed, encrypted or partial part, "
				    "which may not be changed";
	static const char anew[] = "make that part anew, in lines of at most "
				   "76 octets: encode its content as "
				   "quoted-printable or base64, then sign or "
				   "encrypt it";

	if (f->long_line > 0)
		return refuse(
		    f->long_line, "has more than 998 octets", where, anew, e);
	if (f->nul_line > 0)
		return refuse(f->nul_line, "holds a NUL byte", where, anew, e);
	if (f->cr_line > 0)
		return refuse(
		    f->cr_line, "holds a CR without LF", where, anew, e);
	if (f->high_line > 0 && !r->eightbit)
		return refuse(f->high_line, HIGH, where, anew, e);
	return 0;
}

/* What may not or cannot be encoded. */
static int
check_part(const struct recode *r, const struct mime_part *p, struct error *e)
{
	if (p->kind == MIME_SEALED)
		return check_sealed(r, &p->fields, e) == -1
			   ? -1
			   : check_sealed(r, &p->content, e);
	if (p->kind == MIME_BROKEN && p->content.high > 0 && !r->eightbit)
		return refuse(p->content.high_line, HIGH,
		    "in a multipart whose boundary is missing",
		    "name the boundary in Content-Type, or encode the message "
		    "as quoted-printable",
		    e);
	return 0;
}

static bool
is_leaf(const struct mime_part *p)
{
	return p->kind == MIME_TEXT || p->kind == MIME_OTHER;
}

/* Multiparts and messages have the label that their parts allow. */
static bool
is_container(const struct mime_part *p)
{
	return p->kind == MIME_MULTIPART || p->kind == MIME_MESSAGE;
}

static bool
is_8bit_label(enum mime_encoding encoding)
{
	return encoding == MIME_8BIT || encoding == MIME_BINARY;
}

static enum encoder_form
form_of(const struct recode *r, const struct mime_part *p)
{
	const struct mime_faults *f = &p->content;
	bool high = f->high > 0 && !r->eightbit;

	/* A label is a promise: kept also where nothing is 8-bit. */
	if (p->kind == MIME_SEALED ||
	    (f->long_line == 0 && f->nul_line == 0 && !high &&
		(r->eightbit || !is_8bit_label(p->encoding))))
		return ENCODER_COPY;
	if (!is_leaf(p))
		return ENCODER_PLAIN;
	if (p->encoding == MIME_QP)
		return ENCODER_QP_AGAIN;
	if (p->encoding == MIME_BASE64)
		return ENCODER_BASE64_AGAIN;
	if (p->encoding == MIME_UNKNOWN && !high)
		return ENCODER_PLAIN;
	return p->kind == MIME_TEXT ? ENCODER_QP : ENCODER_BASE64;
}

/* NULL where it may keep its own. */
static const char *
label_of(const struct mime_part *p, const struct treatment *t)
{
	if (t->form == ENCODER_QP || t->form == ENCODER_QP_AGAIN)
		return LABEL "quoted-printable\r\n";
	if (t->form == ENCODER_BASE64 || t->form == ENCODER_BASE64_AGAIN)
		return LABEL "base64\r\n";
	if (!is_container(p) || !is_8bit_label(p->encoding) ||
	    p->encoding <= t->domain)
		return NULL;
	return t->domain == MIME_8BIT ? LABEL "8bit\r\n" : LABEL "7bit\r\n";
}

/* Without the parts in it. */
static void
treat(struct recode *r, const struct mime_part *p, struct treatment *t)
{
	t->form = form_of(r, p);
	t->mended = is_encoded(t->form);
	t->domain = MIME_7BIT;
	if (r->eightbit &&
	    p->fields.high + (t->mended ? 0 : p->content.high) > 0) {
		t->domain = MIME_8BIT;
		r->is_8bit = true;
	}
	if (!t->mended && !is_container(p) && is_8bit_label(p->encoding) &&
	    p->encoding > t->domain)
		t->domain = p->encoding;
}

/* Parts lie in those that begin before them. */
static struct treatment *
treat_all(struct recode *r, const struct mime *mime)
{
	struct treatment *all, *outer;
	const struct mime_part *p;
	size_t i;

	all = mem_new(mime->count, sizeof(*all));
	for (i = 0; i < mime->count; i++)
		treat(r, &mime->parts[i], &all[i]);
	for (i = mime->count; i-- > 0;) {
		p = &mime->parts[i];
		outer = &all[p->parent];
		all[i].label = label_of(p, &all[i]);
		outer->mended |= all[i].mended;
		if (outer->domain < all[i].domain)
			outer->domain = all[i].domain;
	}
	return all;
}

/* The fields of part i, from `at` on, but for its labels; returns their end. */
static unsigned long long
add_part_fields(struct recode *r, const struct mime *mime, size_t i,
    const char *label, unsigned long long at)
{
	const struct mime_part *p = &mime->parts[i];
	const struct mime_label *old;
	size_t k;

	for (k = p->label; label != NULL && k < mime->label_count; k++) {
		old = &mime->labels[k];
		if (old->part != i)
			break;
		add_body(r, ENCODER_PLAIN, at, old->at);
		at = old->end;
	}
	add_body(r, ENCODER_PLAIN, at, p->fields_end);
	/* RFC 2045 section 4: without it no label counts in a message. */
	if (p->message && !p->version)
		add_own(r, MIME_VERSION);
	if (p->message && !p->type)
		add_own(r, charset_field(r->message, p->content.high > 0));
	add_own(r, label == NULL ? "" : label);
	if (!p->separator)
		add_own(r, "\r\n");
	return p->fields_end;
}

/* Returns up to where the body is planned. */
static unsigned long long
add_part(struct recode *r, const struct mime *mime, size_t i,
    const struct treatment *t, unsigned long long at)
{
	const struct mime_part *p = &mime->parts[i];
	bool lacks;

	/* Fields that a message in it gets must not become its own. */
	lacks = (p->message && !p->version) ||
		(p->kind == MIME_MESSAGE && !p->separator);
	if (t->label != NULL || (t->mended && lacks))
		at = add_part_fields(r, mime, i, t->label, at);
	if (!is_leaf(p) && p->kind != MIME_SEALED)
		return at;
	add_body(r, ENCODER_PLAIN, at, p->body);
	add_body(r, t->form, p->body, p->end);
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

/* A body that is one part. Text that nobody described is as likely in an
 * alphabet of which quoted-printable would leave nothing to read. */
static void
add_leaf(struct recode *r, const struct top *top, const struct mime_part *p,
    struct treatment *t)
{
	const unsigned long long size = message_facts(r->message)->body_size;

	if (t->form == ENCODER_QP && !top->typed &&
	    top->encoding == MIME_NONE && p->content.high > size / 3)
		t->form = ENCODER_BASE64;
	t->label = label_of(p, t);
	if (t->label == NULL)
		add_head(r);
	else
		add_mime_head(r, t->label);
	add_body(r, t->form, 0, size);
	if (t->form == ENCODER_BASE64 || t->form == ENCODER_BASE64_AGAIN)
		add_own(r, "\r\n");
}

static void
add_structure(
    struct recode *r, const struct mime *mime, const struct treatment *all)
{
	unsigned long long at = 0;
	size_t i;

	if (all[0].label != NULL || all[0].mended)
		add_mime_head(r, all[0].label);
	else
		add_head(r);
	for (i = 1; i < mime->count; i++)
		at = add_part(r, mime, i, &all[i], at);
	add_body(r, ENCODER_PLAIN, at, message_facts(r->message)->body_size);
}

static int
plan_parts(struct recode *r, const struct top *top, struct error *e)
{
	struct treatment *all = NULL;
	struct mime mime;
	int result;
	size_t i;

	result = mime_scan(&mime, r->message, &top->type, top->encoding, e);
	for (i = 0; result == 0 && i < mime.count; i++)
		result = check_part(r, &mime.parts[i], e);
	if (result == 0) {
		all = treat_all(r, &mime);
		if (is_leaf(&mime.parts[0]))
			add_leaf(r, top, &mime.parts[0], &all[0]);
		else
			add_structure(r, &mime, all);
	}
	free(all);
	mime_clear(&mime);
	return result;
}

/* Or hold a part that is. */
static bool
may_be_sealed(const struct mime_type *type)
{
	return type->composite || type->kind == MIME_SEALED;
}

static int
plan(struct recode *r, struct error *e)
{
	const struct message_facts *facts = message_facts(r->message);
	struct top top;

	look_at(r->message, &top);
	r->encoder.composite = top.type.composite;
	if (facts->body_nul || facts->body_long ||
	    (facts->body_8bit && !r->eightbit) ||
	    (facts->body_cr && may_be_sealed(&top.type)))
		return plan_parts(r, &top, e);
	r->is_8bit |= facts->body_8bit;
	if (!facts->body_8bit || top.labelled || may_be_sealed(&top.type)) {
		add_fields(r, 0, message_size(r->message));
		return 0;
	}
	add_mime_head(r, LABEL "8bit\r\n");
	add_body(r, ENCODER_COPY, 0, facts->body_size);
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
	encoder_init(&r->encoder, eightbit, false);
	if (check_fields(r, e) == -1 || plan(r, e) == -1 ||
	    measure(r, e) == -1) {
		recode_free(r);
		return NULL;
	}
	*remarks = (struct recode_remarks){
	    .mime_added = r->mime_added,
	    .body_encoded = r->body_encoded,
	    .body_folded = r->encoder.folded,
	    .body_replaced = r->encoder.replaced,
	    .nul_removed = r->encoder.nul_removed,
	};
	return r;
}

void
recode_free(struct recode *r)
{
	if (r == NULL)
		return;
	encoder_clear(&r->encoder);
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
