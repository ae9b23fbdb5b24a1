#include "../unit.h"

#include "../parse.h"
#include "message/mime.h"

static const char *const kinds[] = {
    "text", "other", "multipart", "message", "sealed", "broken"};
static const char *const encodings[] = {
    "none", "7bit", "8bit", "binary", "qp", "base64", "unknown"};

/* "kind" or "kind boundary"; a composite one ends in "+", a digest in "*". */
static void
types(void **state)
{
	static const struct {
		const char *value;
		const char *expected;
	} cases[] = {
	    {"", "text"},
	    {"text/plain", "text"},
	    {" TEXT / HTML ; a=b", "text"},
	    {"text", "text"},
	    {"/plain", "text"},
	    {"image/png", "other"},
	    {"(a (b) \\) c) image (d) / (e) png", "other"},
	    {"(image/png", "text"},
	    {"multipart/mixed; boundary=ab", "multipart+ ab"},
	    {"multipart/mixed; boundary=\"a b\"", "multipart+ a b"},
	    {"multipart/mixed; boundary=\"a\\\"b\"", "multipart+ a\"b"},
	    {"multipart/mixed; boundary=\"a;b", "multipart+ a;b"},
	    {"multipart/mixed; boundary=\"a  \"", "multipart+ a"},
	    {"multipart/mixed;\r\n\tboundary=ab", "multipart+ ab"},
	    {"multipart/mixed; boundary=\"a\r\n b\"", "multipart+ a b"},
	    {"multipart/mixed; boundary=ab\r\n c", "multipart+ ab"},
	    {"multipart/mixed; boundary=a:/=?b; c", "multipart+ a:/=?b"},
	    {"multipart/mixed; BOUNDARY (x) = (y) ab(z)", "multipart+ ab"},
	    {"multipart/mixed; a=b; ; c; boundary=ab; boundary=cd",
		"multipart+ ab"},
	    {"multipart/mixed; boundary=\"\"; boundary=cd", "multipart+ cd"},
	    {"multipart/mixed \"; boundary=ab\"; boundary=cd", "multipart+ cd"},
	    {"multipart/mixed; a=b (; boundary=ab) \"; boundary=ab\"(; c); "
	     "boundary=cd",
		"multipart+ cd"},
	    {"multipart/mixed; a=b \"; boundary=ab", "multipart+ ab"},
	    /* RFC 2231, sections 3 and 4. */
	    {"multipart/mixed; boundary*0=\"a b\"; x=y; Boundary*1=c",
		"multipart+ a bc"},
	    {"multipart/mixed; boundary*=us-ascii'en'a%20b%3d",
		"multipart+ a b="},
	    {"multipart/mixed; boundary*0*=''a%20; boundary*1=b%20; "
	     "boundary*2*=%63'%4; boundary*4=d",
		"multipart+ a b%20c'%4"},
	    {"multipart/mixed; boundary*0=a; boundary=b", "multipart+ b"},
	    {"multipart/mixed; boundary*1=a", "broken+"},
	    {"multipart/mixed; boundary*00=a; boundaryx0=b", "broken+"},
	    {"multipart/mixed; boundary*=", "broken+"},
	    {"multipart/mixed; boundary*0=\"\xc3\xbc\"", "broken+"},
	    {"multipart/mixed", "broken+"},
	    {"multipart/mixed; boundary=", "broken+"},
	    {"multipart/mixed; boundary", "broken+"},
	    {"multipart/mixed; xboundary=a", "broken+"},
	    {"multipart/mixed; boundary=\"\xc3\xbc\"", "broken+"},
	    {"multipart/digest; boundary=ab", "multipart+* ab"},
	    {"multipart/signed; boundary=ab", "sealed+ ab"},
	    {"multipart/encrypted", "sealed+"},
	    {"application/pkcs7-mime; smime-type=signed-data", "other"},
	    {"application/pkcs7-signature", "other"},
	    {"message/rfc822", "message+"},
	    {"message/global", "message+"},
	    {"message/partial", "sealed+"},
	    {"message/external-body", "sealed+"},
	    {"message/delivery-status", "text+"},
	};
	struct mime_type type;
	char text[100];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		mime_parse_type(text_of(cases[i].value), &type);
		snprintf(text, sizeof(text), "%s%s%s%s%.*s", kinds[type.kind],
		    type.composite ? "+" : "", type.digest ? "*" : "",
		    type.boundary_len > 0 ? " " : "", (int)type.boundary_len,
		    type.boundary);
		if (strcmp(text, cases[i].expected) != 0)
			fail_msg("%s: %s", cases[i].value, text);
	}
}

static void
boundaries_have_a_limit(void **state)
{
	struct mime_type type;
	struct buf value;
	size_t len;

	(void)state;
	buf_init(&value, 2 * MIME_BOUNDARY_MAX);
	for (len = MIME_BOUNDARY_MAX; len <= MIME_BOUNDARY_MAX + 1; len++) {
		buf_reset(&value);
		buf_format(
		    &value, "multipart/mixed; boundary=%0*d", (int)len, 0);
		mime_parse_type(buf_text(&value), &type);
		assert_int_equal(type.kind,
		    len > MIME_BOUNDARY_MAX ? MIME_BROKEN : MIME_MULTIPART);
		buf_reset(&value);
		buf_format(&value,
		    "multipart/mixed; boundary*0=%0*d; boundary*1=1",
		    (int)len - 1, 0);
		mime_parse_type(buf_text(&value), &type);
		assert_int_equal(type.kind,
		    len > MIME_BOUNDARY_MAX ? MIME_BROKEN : MIME_MULTIPART);
	}
	buf_clear(&value);
}

static void
labels(void **state)
{
	static const struct {
		const char *value;
		enum mime_encoding encoding;
	} cases[] = {
	    {"", MIME_NONE},
	    {" (none) ", MIME_NONE},
	    {"7bit", MIME_7BIT},
	    {" 8BIT ", MIME_8BIT},
	    {"binary", MIME_BINARY},
	    {"quoted-printable", MIME_QP},
	    {"(a)\r\n base64 (b)", MIME_BASE64},
	    {"base64; x", MIME_BASE64},
	    {"base64 x", MIME_BASE64},
	    {"\"base64\"", MIME_UNKNOWN},
	    {"uuencode", MIME_UNKNOWN},
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++)
		assert_int_equal(mime_parse_encoding(text_of(cases[i].value)),
		    cases[i].encoding);
}

/* A part is "kind/encoding [body]high", with flags behind the encoding: m for
 * a message, v for MIME-Version, t for a type, s for a separator. */
static void
describe(const struct mime *mime, struct text body, struct buf *out)
{
	const struct mime_part *p;
	size_t i;

	for (i = 0; i < mime->count; i++) {
		p = &mime->parts[i];
		buf_format(out, "%s%s/%s%s%s%s%s", i > 0 ? "\n" : "",
		    kinds[p->kind], encodings[p->encoding],
		    p->message ? "m" : "", p->version ? "v" : "",
		    p->type ? "t" : "", p->separator ? "s" : "");
		if (p->kind != MIME_MULTIPART && p->kind != MIME_MESSAGE)
			buf_format(out, " [%.*s]", (int)(p->end - p->body),
			    body.at + p->body);
		if (p->content.high > 0)
			buf_format(out, "%llu", p->content.high);
	}
}

static int
scan(struct text body, const char *value, struct mime *mime, struct error *e)
{
	struct message *m;
	struct mime_type type;
	struct buf whole;
	int result;

	error_clear(e);
	buf_init(&whole, SIZE_MAX / 4);
	buf_add_string(&whole, "X: y\n\n");
	buf_add_text(&whole, body);
	m = parse(buf_text(&whole));
	mime_parse_type(text_of(value), &type);
	result = mime_scan(mime, m, &type, MIME_NONE, e);
	message_free(m);
	buf_clear(&whole);
	return result;
}

static void
parts(void **state)
{
	static const struct {
		const char *type;
		const char *body;
		const char *expected;
	} cases[] = {
	    {"text/plain", "a\r\n", "text/nonets [a]"},
	    {"text/plain", "", "text/nonets []"},
	    {"image/png", "\xc3\xbc\r\n", "other/nonets [\xc3\xbc]2"},
	    {"multipart/mixed; boundary=b",
		"p\xff\r\n--b\r\n\r\na\r\n--b--\r\ne\xff\r\n",
		"multipart/nonets2\ntext/nones [a]"},
	    {"multipart/mixed; boundary=b",
		"--b\r\nContent-Type: image/png\r\n"
		"Content-Transfer-Encoding: base64\r\n\r\nAA==\r\n\r\n--b \t\r\n"
		"a: b\r\n\r\n--b--\r\n",
		"multipart/nonets\nother/base64ts [AA==\r\n]\n"
		"text/nones []"},
	    /* No empty line behind the fields, and none of a field. */
	    {"multipart/mixed; boundary=b",
		"--b\r\nContent-Type: image/png\r\n--b\r\nno field\r\n--b--\r\n",
		"multipart/nonets\nother/nonet []\ntext/none [no field]"},
	    /* What looks like a delimiter. */
	    {"multipart/mixed; boundary=b",
		"--b\r\n\r\n--bc\r\n -b\r\n-- b\r\n--b-\r\n--b--\r\n--b\r\n",
		"multipart/nonets\n"
		"text/nones [--bc\r\n -b\r\n-- b\r\n--b-]"},
	    /* The boundary never comes, or does not come again. */
	    {"multipart/mixed; boundary=b", "a\r\n", "broken/nonets [a]"},
	    {"multipart/mixed; boundary=b", "--b\r\n\r\na\r\n",
		"multipart/nonets\ntext/nones [a]"},
	    /* Multiparts in multiparts; an outer delimiter ends the inner. */
	    {"multipart/mixed; boundary=b",
		"--b\r\nContent-Type: multipart/mixed;\r\n boundary=c\r\n\r\n"
		"--c\r\n\r\na\r\n--b\r\n\r\nd\r\n--c\r\n--b--\r\n",
		"multipart/nonets\nmultipart/nonets\ntext/nones [a]\n"
		"text/nones [d\r\n--c]"},
	    /* Messages, also of a digest and from an mbox file. */
	    {"multipart/digest; boundary=b",
		"--b\r\n\r\nFrom a\r\nSubject: s\r\nMIME-Version: 1.0\r\n\r\n"
		"a\r\n--b\r\nContent-Type: text/plain\r\n\r\nc\r\n--b--\r\n",
		"multipart/nonets\nmessage/nones\ntext/nonemvs [a]\n"
		"text/nonets [c]"},
	    {"message/rfc822", "Content-Type: text/html\r\n\r\na\r\n",
		"message/nonets\ntext/nonemts [a]"},
	    {"multipart/mixed; boundary=b",
		"--b\r\nContent-Type: message/rfc822\r\n"
		"Content-Transfer-Encoding: base64\r\n\r\nAA\r\n--b--\r\n",
		"multipart/nonets\nother/base64ts [AA]"},
	    {"multipart/mixed; boundary=b",
		"--b\r\nContent-Transfer-Encoding: base64\r\n"
		"Content-Type: multipart/mixed; boundary=c\r\n\r\nAA\r\n"
		"--b--\r\n",
		"multipart/nonets\nother/base64ts [AA]"},
	    {"multipart/mixed; boundary=b",
		"--b\r\nContent-Type: multipart/mixed\r\n"
		"Content-Transfer-Encoding: quoted-printable\r\n\r\na\r\n"
		"--b--\r\n",
		"multipart/nonets\nother/qpts [a]"},
	    {"multipart/signed; boundary=b", "--b\r\n\r\na\r\n--b--\r\n",
		"sealed/nonets [--b\r\n\r\na\r\n--b--]"},
	};
	struct mime mime;
	struct error e;
	struct buf out;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		buf_init(&out, 4096);
		assert_int_equal(
		    scan(text_of(cases[i].body), cases[i].type, &mime, &e), 0);
		describe(&mime, text_of(cases[i].body), &out);
		assert_string_equal(buf_string(&out), cases[i].expected);
		mime_clear(&mime);
		assert_int_equal(mime.count, 0);
		buf_clear(&out);
	}
}

static void
describe_faults(const struct mime_faults *f, const char *of, struct buf *out)
{
	if (f->high_line + f->long_line + f->nul_line > 0)
		buf_format(out, " %s: %llux%llu %llu %llu", of, f->high,
		    f->high_line, f->long_line, f->nul_line);
}

/* Each with its parent, its labels by their lines, and then faults: octets with
 * their high bit, and the lines of the first of those, of the first that is too
 * long and of the first NUL. `@' is a line of 998 octets, `#' one more. */
static void
faults_and_labels(void **state)
{
	static const char script[] =
	    "p\xff\n@\n--b\nX: \xfc\nX:#\nContent-Transfer-Encoding: 8bit\nY: "
	    "0\n"
	    "Content-Transfer-Encoding: base64\n\na\n@\n#\n0\xff\n\xff\xff\n"
	    "--b\nContent-Type: message/rfc822\n\nX: 0\n\n#\n#\n"
	    "--b0 \n\na\n--b~x\n--b--\n#\n";
	struct mime mime;
	struct error e;
	struct buf body, out;
	const char *c;
	size_t i;

	(void)state;
	buf_init(&body, SIZE_MAX / 4);
	buf_init(&out, SIZE_MAX / 4);
	for (c = script; *c != '\0'; c++) {
		if (*c == '@' || *c == '#')
			buf_format(&body, "%0*d", *c == '@' ? 998 : 999, 0);
		else if (*c == '~')
			buf_format(&body, "%1000s", "");
		else if (*c == '0')
			buf_add_char(&body, '\0');
		else
			buf_add_char(&body, *c);
	}
	assert_int_equal(
	    scan(buf_text(&body), "multipart/mixed; boundary=b", &mime, &e), 0);
	for (i = 0; i < mime.count; i++) {
		buf_format(&out, "%zu", mime.parts[i].parent);
		describe_faults(&mime.parts[i].fields, "fields", &out);
		describe_faults(&mime.parts[i].content, "content", &out);
		buf_add_char(&out, '\n');
	}
	for (i = 0; i < mime.label_count; i++)
		buf_format(&out, "%zu of %llu\n", mime.labels[i].part,
		    mime.labels[i].end - mime.labels[i].at);
	assert_string_equal(buf_string(&out),
	    "0 content: 1x1 27 0\n"
	    "0 fields: 1x4 5 7 content: 3x13 12 13\n"
	    "0\n"
	    "2 fields: 0x0 0 18 content: 0x0 20 0\n"
	    "0 content: 0x0 25 0\n"
	    "1 of 33\n1 of 35\n");
	assert_int_equal(mime.parts[1].encoding, MIME_8BIT);
	mime_clear(&mime);
	buf_clear(&body);
	buf_clear(&out);
}

/* However long its lines are, wherever NULs and CRs stand; up to 64 KiB. */
static void
fields_are_seen_whole(void **state)
{
	static const size_t lengths[] = {900, 960, 998, 999, 30000, 70000};
	static const char *const line_ends[] = {"\r\n", "\r\r\n", "\n"};
	struct mime mime;
	struct error e;
	struct buf body;
	size_t i, k;

	(void)state;
	buf_init(&body, SIZE_MAX / 4);
	for (i = 0; i < COUNT(lengths); i++) {
		for (k = 0; k < COUNT(line_ends); k++) {
			buf_reset(&body);
			buf_format(&body,
			    "Content-Type: multipart/x; a=%0*d; boun",
			    (int)lengths[i], 0);
			buf_add(&body, "\0", 1);
			buf_format(&body, "dary=inner%s\r\n--inner\r\n\r\n",
			    line_ends[k]);
			assert_int_equal(
			    scan(buf_text(&body), "message/rfc822", &mime, &e),
			    0);
			assert_int_equal(mime.count, i < 5 ? 3 : 2);
			mime_clear(&mime);
		}
	}
	buf_clear(&body);
}

static void
parts_have_limits(void **state)
{
	struct mime mime;
	struct error e;
	struct buf body;
	size_t i, count;

	(void)state;
	buf_init(&body, SIZE_MAX / 4);
	for (count = MIME_PARTS_MAX - 1; count <= MIME_PARTS_MAX; count++) {
		buf_reset(&body);
		for (i = 0; i < count; i++)
			buf_add_string(&body, "--b\r\n\r\n");
		assert_int_equal(scan(buf_text(&body),
				     "multipart/mixed; boundary=b", &mime, &e),
		    count == MIME_PARTS_MAX ? -1 : 0);
		mime_clear(&mime);
	}
	assert_int_equal(e.kind, ERROR_MESSAGE);
	assert_non_null(strstr(e.text, "MIME parts"));
	for (count = MIME_DEPTH_MAX; count <= MIME_DEPTH_MAX + 1; count++) {
		buf_reset(&body);
		for (i = 1; i < count; i++)
			buf_format(&body,
			    "--b%zu\r\nContent-Type: multipart/mixed; "
			    "boundary=b%zu\r\n\r\n",
			    i, i + 1);
		assert_int_equal(scan(buf_text(&body),
				     "multipart/mixed; boundary=b1", &mime, &e),
		    count > MIME_DEPTH_MAX ? -1 : 0);
		mime_clear(&mime);
	}
	assert_non_null(strstr(e.text, "multiparts in each other"));
	buf_clear(&body);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(types),
	    cmocka_unit_test(boundaries_have_a_limit),
	    cmocka_unit_test(labels),
	    cmocka_unit_test(parts),
	    cmocka_unit_test(faults_and_labels),
	    cmocka_unit_test(fields_are_seen_whole),
	    cmocka_unit_test(parts_have_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
