#include "message/recode.h"

#include <stdlib.h>
#include <string.h>

#include "base/crypt.h"
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

/* Octets of the body, from `at` to `end`. */
static void
add_body(struct recode *r, enum encoder_form form, unsigned long long at,
    unsigned long long end)
{
	struct segment *s = add(r, form, end - at);

	s->from.field = message_field_count(r->message);
	s->from.separator = true;
	s->from.body_at = at;
	if (form != ENCODER_COPY && form != ENCODER_PLAIN)
		r->body_encoded = true;
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
label_of(enum encoder_form form)
{
	if (form == ENCODER_QP)
		return LABEL "quoted-printable\r\n";
	return form == ENCODER_BASE64 ? LABEL "base64\r\n" : NULL;
}

static enum encoder_form
form_of(const struct mime_part *p)
{
	if (!is_leaf(p) || (p->high == 0 && p->encoding != MIME_8BIT))
		return ENCODER_PLAIN;
	/* What is no base64 is nothing that a reader would see. */
	if (p->encoding == MIME_BASE64)
		return ENCODER_PLAIN;
	if (p->encoding == MIME_QP)
		return ENCODER_QP_AGAIN;
	return p->kind == MIME_TEXT ? ENCODER_QP : ENCODER_BASE64;
}

/* The fields of a part, from `at` on; returns where its label is done with. */
static unsigned long long
add_part_fields(struct recode *r, const struct mime_part *p, const char *label,
    unsigned long long at)
{
	if (p->label_end > 0) {
		add_body(r, ENCODER_PLAIN, at, p->label);
		at = p->label_end;
	}
	add_body(r, ENCODER_PLAIN, at, p->fields_end);
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
	enum encoder_form form = form_of(p);
	const char *label = label_of(form);

	if (!is_leaf(p) && p->kind != MIME_BROKEN && p->encoding == MIME_8BIT)
		label = LABEL "7bit\r\n";
	if (label != NULL)
		at = add_part_fields(r, p, label, at);
	if (form == ENCODER_PLAIN)
		return at;
	add_body(r, ENCODER_PLAIN, at, p->body);
	add_body(r, form, p->body, p->end);
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
static enum encoder_form
form_of_body(
    const struct recode *r, const struct top *top, const struct mime_part *p)
{
	const struct message_facts *facts = message_facts(r->message);

	if (top->labelled && top->encoding != MIME_NONE)
		return form_of(p);
	if (p->high == 0)
		return ENCODER_QP;
	if (top->typed)
		return p->kind == MIME_TEXT ? ENCODER_QP : ENCODER_BASE64;
	return p->high > facts->body_size / 3 ? ENCODER_BASE64 : ENCODER_QP;
}

static void
add_leaf(struct recode *r, const struct top *top, const struct mime_part *p)
{
	enum encoder_form form = form_of_body(r, top, p);

	add_head(r, label_of(form));
	add_body(r, form, 0, message_facts(r->message)->body_size);
	if (form == ENCODER_BASE64)
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
	add_body(r, ENCODER_PLAIN, at, message_facts(r->message)->body_size);
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
	r->encoder.composite = top.type.composite;
	misfit = facts->body_nul || facts->body_longest > RECODE_LINE_MAX;
	high = facts->body_8bit && !r->eightbit;
	if (high || (misfit && !top.labelled && !r->encoder.composite))
		return plan_encoded(r, &top, e);
	if (misfit) {
		add_head(r, NULL);
		add_body(r, ENCODER_PLAIN, 0, facts->body_size);
	} else if (facts->body_8bit && !top.labelled && !r->encoder.composite) {
		add_head(r, LABEL "8bit\r\n");
		add_body(r, ENCODER_COPY, 0, facts->body_size);
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
	encoder_init(&r->encoder, eightbit, false);
	if (check_fields(r, e) == -1 || plan(r, e) == -1 ||
	    measure(r, e) == -1) {
		recode_free(r);
		return NULL;
	}
	if (message_facts(m)->body_8bit && !r->body_encoded && eightbit)
		r->is_8bit = true;
	*remarks = (struct recode_remarks){
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
