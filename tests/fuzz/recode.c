#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypt.h"
#include "message/mime.h"
#include "message/recode.h"
#include "tests/unit/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool holds)
{
	if (!holds)
		abort();
}

static struct message *
parse(struct text input)
{
	struct message *m = message_new(NULL);
	struct error e = {.kind = ERROR_NONE};

	check(message_input(m, input.at, input.len, &e) == 0);
	check(message_end(m, &e) == 0);
	return m;
}

/* All that is given, read in pieces, and exactly as much as is said. */
static void
read_all(struct recode *r, size_t piece, struct buf *out)
{
	struct error e = {.kind = ERROR_NONE};
	char *to;
	long n;

	buf_reset(out);
	do {
		to = buf_reserve(out, piece);
		n = recode_read(r, to, piece, &e);
		out->len += n > 0 ? (size_t)n : 0;
	} while (n > 0);
	check(n == 0 && out->len == recode_size(r));
	recode_rewind(r);
}

/* True with what a server gets of it; false where it is refused. */
static bool
recode(struct message *m, bool eightbit, struct recode_remarks *remarks,
    struct buf *out)
{
	struct error e = {.kind = ERROR_NONE};
	struct recode *r;
	struct buf pieces;

	buf_init(&pieces, SIZE_MAX / 4);
	r = recode_new(m, eightbit, remarks, &e);
	check((r == NULL) == (e.kind == ERROR_MESSAGE));
	if (r != NULL) {
		read_all(r, 65536, out);
		read_all(r, out->len % 80 + 1, &pieces);
		check(text_equal(buf_text(out), buf_text(&pieces)));
		/* Labels that were replaced may have been all that was. */
		check(recode_is_8bit(r) || !text_has_8bit(buf_text(out)));
	}
	recode_free(r);
	buf_clear(&pieces);
	return e.kind == ERROR_NONE;
}

/*
 * The parts of a message, and what they say.
 */

struct entity {
	struct mime mime;
	struct buf body;
};

/* False past the maxima of the mime room. */
static bool
scan(struct message *m, bool bare_cr, struct entity *entity)
{
	const struct message_field *f = message_find(m, "Content-Type");
	struct message_cursor cursor = {.field = message_field_count(m),
	    .separator = true,
	    .bare_cr = bare_cr};
	enum mime_encoding encoding = MIME_NONE;
	struct error e = {.kind = ERROR_NONE};
	struct mime_type type = {.kind = MIME_TEXT};
	size_t size = (size_t)message_facts(m)->body_size;

	buf_init(&entity->body, SIZE_MAX / 4);
	check(message_read(m, &cursor, buf_reserve(&entity->body, size + 1),
		  size + 1, &e) == (long)size);
	entity->body.len = size;
	if (f != NULL)
		mime_parse_type(f->field.value, &type);
	f = message_find(m, "Content-Transfer-Encoding");
	if (f != NULL)
		encoding = mime_parse_encoding(f->field.value);
	return mime_scan(&entity->mime, m, &type, encoding, &e) == 0;
}

/* Without line ends, blanks and what may go for them. */
static void
squeeze(struct text t, struct buf *out)
{
	size_t i;

	for (i = 0; i < t.len; i++) {
		if (t.at[i] != '\0' && strchr(" \t\r\n", t.at[i]) == NULL)
			buf_add_char(out, t.at[i]);
	}
}

/* Of base64 the digits: a dash that could begin a delimiter may go. */
static void
decode(const struct entity *entity, const struct mime_part *p, struct buf *out)
{
	struct text content = text_skip(buf_text(&entity->body), p->body), code;
	size_t i;

	content = text_first(content, (size_t)(p->end - p->body));
	if (p->encoding == MIME_QP) {
		decode_quoted(content, out);
	} else if (p->encoding == MIME_BASE64) {
		for (i = 0; i < content.len; i++) {
			code = text_first(text_skip(content, i), 1);
			if (text_is_alpha(code.at[0]) ||
			    text_is_digit(code.at[0]) || code.at[0] == '+' ||
			    code.at[0] == '/' || code.at[0] == '=')
				buf_add_text(out, code);
		}
	} else {
		buf_add_text(out, content);
	}
}

static bool
is_encoded(const struct mime_part *p)
{
	return p->encoding == MIME_QP || p->encoding == MIME_BASE64;
}

/* A leaf as it came, and as it goes. */
static void
check_leaf(const struct entity *was, const struct mime_part *a,
    const struct entity *is, const struct mime_part *b, bool folded)
{
	struct buf left, right, code;

	buf_init(&left, SIZE_MAX / 4);
	buf_init(&right, SIZE_MAX / 4);
	buf_init(&code, SIZE_MAX / 4);
	decode(was, a, &left);
	decode(is, b, &right);
	if (!is_encoded(a) && b->encoding == MIME_BASE64) {
		check(crypt_unbase64(buf_text(&right), &code) == 0);
		buf_reset(&right);
		buf_add_text(&right, buf_text(&code));
	}
	/* A line end is the delimiter's, or a message's last. */
	if (a->encoding != b->encoding && left.len + 2 == right.len)
		buf_add_string(&left, "\r\n");
	if (right.len + 2 == left.len)
		buf_add_string(&right, "\r\n");
	if (folded && a->encoding == b->encoding && !is_encoded(a)) {
		buf_reset(&code);
		squeeze(buf_text(&left), &code);
		buf_reset(&left);
		squeeze(buf_text(&right), &left);
		check(text_equal(buf_text(&code), buf_text(&left)));
	} else {
		check(text_equal(buf_text(&left), buf_text(&right)));
	}
	buf_clear(&left);
	buf_clear(&right);
	buf_clear(&code);
}

/* What is sealed is what it was before anybody made spaces of its CRs. */
static void
check_parts(struct message *m, struct message *sent, bool folded)
{
	struct entity was, raw, is;
	const struct mime_part *a, *b;
	struct text left, right;
	size_t i;
	bool whole;

	whole = scan(m, false, &was);
	whole = scan(m, true, &raw) && whole;
	whole = scan(sent, false, &is) && whole;
	check(!whole || was.mime.count == is.mime.count);
	for (i = 0; whole && i < was.mime.count; i++) {
		a = &was.mime.parts[i];
		b = &is.mime.parts[i];
		check(a->kind == b->kind);
		if (a->kind == MIME_TEXT || a->kind == MIME_OTHER)
			check_leaf(&was, a, &is, b, folded);
		if (a->kind != MIME_SEALED)
			continue;
		left = text_skip(buf_text(&raw.body), a->body);
		right = text_skip(buf_text(&is.body), b->body);
		check(text_equal(text_first(left, (size_t)(a->end - a->body)),
		    text_first(right, (size_t)(b->end - b->body))));
	}
	mime_clear(&was.mime);
	mime_clear(&raw.mime);
	mime_clear(&is.mime);
	buf_clear(&was.body);
	buf_clear(&raw.body);
	buf_clear(&is.body);
}

/* What was given fits, says the same, and goes through as it is next time. */
static void
check_given(struct message *m, bool eightbit, const struct recode_remarks *done,
    struct text given)
{
	struct message *sent = parse(given);
	struct recode_remarks remarks;
	struct buf again;

	check(eightbit || !text_has_8bit(given));
	check(text_find(given, '\0') == given.len);
	check(!message_facts(sent)->body_long);
	check(!message_facts(sent)->body_cr);
	/* A boundary is another where `?' came into it. */
	if (!done->body_replaced)
		check_parts(m, sent, done->body_folded || done->nul_removed);
	buf_init(&again, SIZE_MAX / 4);
	check(recode(sent, eightbit, &remarks, &again));
	check(text_equal(given, buf_text(&again)));
	buf_clear(&again);
	message_free(sent);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool eightbit = size > 0 && (data[0] & 1) != 0;
	struct message *m = parse((struct text){(const char *)data, size});
	struct recode_remarks remarks;
	struct buf out;

	buf_init(&out, SIZE_MAX / 4);
	if (recode(m, eightbit, &remarks, &out))
		check_given(m, eightbit, &remarks, buf_text(&out));
	buf_clear(&out);
	message_free(m);
	return 0;
}
