#include "../unit.h"

#include <unistd.h>

#include "../decode.h"
#include "../parse.h"
#include "base/crypt.h"
#include "message/recode.h"
#include "smtp/wire.h"

#define ROOM ((size_t)256 * 1024 * 1024)

/* All that is given, `size` octets at a time, and exactly as much as is said.
 */
static void
recode_all(struct recode *r, size_t size, struct buf *out)
{
	struct error e;
	char part[4096];
	long n;

	error_clear(&e);
	buf_reset(out);
	while ((n = recode_read(r, part, size, &e)) > 0)
		buf_add(out, part, (size_t)n);
	assert_int_equal(n, 0);
	assert_int_equal(out->len, recode_size(r));
	recode_rewind(r);
}

/*
 * What becomes of single messages.
 */

#define HEAD	"From: a@b\n"
#define MIME	HEAD "MIME-Version: 1.0\n"
#define CRHEAD	"From: a@b\r\n"
#define CRMIME	CRHEAD "MIME-Version: 1.0\r\n"
#define TYPE	"Content-Type: "
#define LABEL	"Content-Transfer-Encoding: "
#define QP	LABEL "quoted-printable\r\n"
#define BASE64	LABEL "base64\r\n"
#define MIXED	TYPE "multipart/mixed; boundary=b\n"
#define CRMIXED TYPE "multipart/mixed; boundary=b\r\n"
#define UE	"\xc3\xbc"
#define RECODE(x)                                                              \
	{                                                                      \
		x, sizeof(x) - 1                                               \
	}

static const struct {
	struct text input;
	bool eightbit;
	struct text output;
	bool is_8bit;
	const char *remarks; /* nul, fold, encode, replace: their first letters
			      */
} cases[] = {
    /* What fits. */
    {RECODE(""), false, RECODE("\r\n"), false, ""},
    {RECODE(HEAD "\nx\n"), false, RECODE(CRHEAD "\r\nx\r\n"), false, ""},
    {RECODE(HEAD "\n\x01\x7f =3D \n"), false,
	RECODE(CRHEAD "\r\n\x01\x7f =3D \r\n"), false, ""},
    {RECODE(HEAD TYPE "text/html\n\n" UE "\n"), true,
	RECODE(CRHEAD TYPE "text/html\r\nMIME-Version: 1.0\r\n" LABEL
			   "8bit\r\n\r\n" UE "\r\n"),
	true, ""},
    {RECODE(HEAD LABEL "7bit\n\n" UE "\n"), true,
	RECODE(CRHEAD LABEL "7bit\r\n\r\n" UE "\r\n"), true, ""},
    {RECODE("From: " UE " <a@b>\n\nx\n"), true,
	RECODE("From: " UE " <a@b>\r\n\r\nx\r\n"), true, ""},
    /* 8-bit text without MIME fields. */
    {RECODE(HEAD "\nx" UE "\n"), true,
	RECODE(CRMIME TYPE "text/plain; charset=utf-8\r\n" LABEL
			   "8bit\r\n\r\nx" UE "\r\n"),
	true, ""},
    {RECODE(MIME "\nx\xfc\n"), true,
	RECODE(CRMIME TYPE "text/plain; charset=unknown-8bit\r\n" LABEL
			   "8bit\r\n\r\nx\xfc\r\n"),
	true, ""},
    {RECODE("\nx\xfcyz\n"), false,
	RECODE("MIME-Version: 1.0\r\n" TYPE
	       "text/plain; charset=unknown-8bit\r\n" QP "\r\nx=FCyz\r\n"),
	false, "e"},
    {RECODE(HEAD "\nx" UE "xyzz\n"), false,
	RECODE(CRMIME TYPE "text/plain; charset=utf-8\r\n" QP
			   "\r\nx=C3=BCxyzz\r\n"),
	false, "e"},
    {RECODE(HEAD "\n" UE UE UE "\n"), false,
	RECODE(CRMIME TYPE "text/plain; charset=utf-8\r\n" BASE64
			   "\r\nw7zDvMO8DQo=\r\n"),
	false, "e"},
    /* NULs. */
    {RECODE(HEAD "\na\0=\x01\t\n.\n"), true,
	RECODE(CRMIME TYPE "text/plain; charset=us-ascii\r\n" QP
			   "\r\na=00=3D=01=09\r\n.\r\n"),
	false, "e"},
    {RECODE(HEAD TYPE "text/html; charset=utf-8\n\n" UE "\0\n"), true,
	RECODE(CRHEAD TYPE "text/html; charset=utf-8\r\nMIME-Version: "
			   "1.0\r\n" QP "\r\n=C3=BC=00\r\n"),
	false, "e"},
    {RECODE(HEAD TYPE "application/x\n\n\xff\0\n"), true,
	RECODE(CRHEAD TYPE "application/x\r\nMIME-Version: 1.0\r\n" BASE64
			   "\r\n/wANCg==\r\n"),
	false, "e"},
    {RECODE(MIME LABEL "8bit\n\na\0" UE "\n"), true,
	RECODE(CRMIME TYPE "text/plain; charset=utf-8\r\n" QP
			   "\r\na=00=C3=BC\r\n"),
	false, "e"},
    {RECODE(HEAD TYPE "image/x\n" LABEL "binary\n" LABEL "8bit\n\n\0\n"), true,
	RECODE(CRHEAD TYPE "image/x\r\nMIME-Version: 1.0\r\n" BASE64
			   "\r\nAA0K\r\n"),
	false, "e"},
    {RECODE(MIME LABEL "x-odd\n\na\0" UE "\n"), true,
	RECODE(CRMIME LABEL "x-odd\r\n\r\na" UE "\r\n"), true, "n"},
    {RECODE(MIME MIXED LABEL "8bit\n\np\0\n--b\n\na\0\n--b\n" LABEL
			     "8bit\n\n" UE "\n--b--\n"),
	true,
	RECODE(CRMIME CRMIXED LABEL "8bit\r\n\r\np\r\n--b\r\n" QP
				    "\r\na=00\r\n--b\r\n" LABEL
				    "8bit\r\n\r\n" UE "\r\n--b--\r\n"),
	true, "en"},
    /* Labels hold, and MIME has to be spoken for that. */
    {RECODE(HEAD MIXED LABEL "binary\n\n--b\n" LABEL "binary\nX: y\n" LABEL
			     "8bit\n\na\0\n--b--\n"),
	true,
	RECODE(CRHEAD CRMIXED "MIME-Version: 1.0\r\n" LABEL
			      "7bit\r\n\r\n--b\r\nX: y\r\n" QP
			      "\r\na=00\r\n--b--\r\n"),
	false, "e"},
    {RECODE(HEAD MIXED "\n--b\n\na\0\n--b--\n"), true,
	RECODE(CRHEAD CRMIXED "MIME-Version: 1.0\r\n\r\n--b\r\n" QP
			      "\r\na=00\r\n--b--\r\n"),
	false, "e"},
    {RECODE(MIME MIXED LABEL "binary\n\n--b\n\n\0\n--b\n" LABEL
			     "8bit\n\nx\n--b--\n"),
	true,
	RECODE(CRMIME CRMIXED LABEL "8bit\r\n\r\n--b\r\n" QP
				    "\r\n=00\r\n--b\r\n" LABEL
				    "8bit\r\n\r\nx\r\n--b--\r\n"),
	false, "e"},
    {RECODE(MIME MIXED "\n--b\n\n\0\n--b\nX: " UE "\n\nx\n--b--\n"), true,
	RECODE(CRMIME CRMIXED "\r\n--b\r\n" QP "\r\n=00\r\n--b\r\nX: " UE
			      "\r\n\r\nx\r\n--b--\r\n"),
	true, "e"},
    /* What is encoded already. */
    {RECODE(MIME LABEL "quoted-printable\n\n=C3=\n=20\0 \t\n= \nx=\n"), true,
	RECODE(CRMIME TYPE "text/plain; charset=us-ascii\r\n" QP
			   "\r\n=C3=\r\n=20=00 \t\r\n=\r\nx=\r\n"),
	false, "e"},
    {RECODE(MIME MIXED "\n--b\n" LABEL "base64\n\n-\n-bYW\n\0 Jj\n\n--b--\n"),
	true,
	RECODE(CRMIME CRMIXED "\r\n--b\r\n" BASE64 "\r\nbYWJj\r\n--b--\r\n"),
	false, "en"},
    {RECODE(MIME LABEL "base64\n\nYW\0\xffJj\n"), true,
	RECODE(CRMIME TYPE "text/plain; charset=unknown-8bit\r\n" BASE64
			   "\r\nYW?Jj\r\n"),
	false, "ern"},
    {RECODE(MIME MIXED LABEL "base64\n\nYW\0Jj\n"), true,
	RECODE(CRMIME CRMIXED BASE64 "\r\nYWJj\r\n"), false, "en"},
    /* A server without 8BITMIME. */
    {RECODE(MIME TYPE "text/plain\n" LABEL "8bit\n\nx" UE " \n"), false,
	RECODE(CRMIME TYPE "text/plain\r\n" QP "\r\nx=C3=BC=20\r\n"), false,
	"e"},
    {RECODE(MIME LABEL "8-bit\n" TYPE "image/x\nTo: c@d\n\n\xff\n"), false,
	RECODE(CRMIME TYPE "image/x\r\nTo: c@d\r\n" BASE64 "\r\n/w0K\r\n"),
	false, "e"},
    {RECODE(MIME TYPE "text/plain\n" LABEL "quoted-printable\n\n=C3=\n=20" UE
		      "\n"),
	false,
	RECODE(CRMIME TYPE "text/plain\r\n" QP "\r\n=C3=\r\n=20=C3=BC\r\n"),
	false, "e"},
    {RECODE(MIME LABEL "base64\n\nYQ==\xff\n"), false,
	RECODE(CRMIME TYPE "text/plain; charset=unknown-8bit\r\n" BASE64
			   "\r\nYQ==?\r\n"),
	false, "er"},
    /* Multiparts. */
    {RECODE(MIME MIXED LABEL "8bit\n\np" UE "\n--b\n" TYPE "text/plain\n" LABEL
			     "8bit\nX: y" UE "\n\n" UE "\n--b \t\n" TYPE
			     "image/x\n\n\xff\n\n--b--\ne" UE "\n"),
	false,
	RECODE(CRMIME CRMIXED LABEL
	    "7bit\r\n\r\np??\r\n--b\r\n" TYPE "text/plain\r\nX: "
	    "y??\r\n" QP "\r\n=C3=BC\r\n--b \t\r\n" TYPE "image/x\r\n" BASE64
	    "\r\n/w0K\r\n--b--\r\ne??\r\n"),
	false, "er"},
    {RECODE(MIME TYPE "MultiPart/Mixed (c (d) \\) e); x=\"b\"; \n "
		      "BOUNDARY=\"b \\\"1\"\n\n--b\n--b \"1\n\n" UE "\n"),
	false,
	RECODE(CRMIME TYPE "MultiPart/Mixed (c (d) \\) e); x=\"b\"; \r\n "
			   "BOUNDARY=\"b \\\"1\"\r\n\r\n--b\r\n--b \"1\r\n" QP
			   "\r\n=C3=BC\r\n"),
	false, "e"},
    /* Boundaries that begin alike; one that is reached from within. */
    {RECODE(MIME MIXED "\n--b\n" TYPE
		       "multipart/x; boundary=bb\n\n--bb\n\n--b\xff\n--bbb\n"
		       "\n--b\n\n\xff\n--b--\n"),
	false,
	RECODE(CRMIME CRMIXED
	    "\r\n--b\r\n" TYPE "multipart/x; boundary=bb\r\n\r\n--bb\r\n" QP
	    "\r\n=2D-b=FF\r\n=2D-bbb\r\n\r\n--b\r\n" QP "\r\n=FF\r\n--b--\r\n"),
	false, "e"},
    /* A part of no fields and no empty line; one of nothing at all. */
    {RECODE(MIME MIXED "\n--b\nx\xff\n--b\n--b--\n"), false,
	RECODE(CRMIME CRMIXED "\r\n--b\r\n" QP "\r\nx=FF\r\n--b\r\n--b--\r\n"),
	false, "e"},
    /* A label is a promise: kept also where nothing is 8-bit. */
    {RECODE(MIME MIXED "\n--b\n" LABEL "binary\n\nx\n--b\n\n\xff\n--b--\n"),
	false,
	RECODE(CRMIME CRMIXED "\r\n--b\r\n" QP "\r\nx\r\n--b\r\n" QP
			      "\r\n=FF\r\n--b--\r\n"),
	false, "e"},
    /* Messages in messages. */
    {RECODE(MIME TYPE "message/rfc822\n" LABEL "8bit\n\n>From x\nSubject: "
		      "s\n\nx\xff\n"),
	false,
	RECODE(
	    CRMIME TYPE "message/rfc822\r\n" LABEL
			"7bit\r\n\r\n>From x\r\nSubject: s\r\nMIME-Version: "
			"1.0\r\n" TYPE "text/plain; charset=unknown-8bit\r\n" QP
			"\r\nx=FF\r\n"),
	false, "e"},
    {RECODE(MIME TYPE "message/rfc822\n\n" MIXED "\n--b\n\n\xff\n--b--\n"),
	false,
	RECODE(CRMIME TYPE "message/rfc822\r\n\r\n" CRMIXED
			   "MIME-Version: 1.0\r\n\r\n--b\r\n" QP
			   "\r\n=FF\r\n--b--\r\n"),
	false, "e"},
    {RECODE(MIME TYPE "multipart/digest; boundary=b\n\n--b\n\nMIME-Version: "
		      "1.0\n" TYPE "image/x\n\n\xff\n--b--\n"),
	false,
	RECODE(CRMIME TYPE
	    "multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nMIME-Version: "
	    "1.0\r\n" TYPE "image/x\r\n" BASE64 "\r\n/w==\r\n--b--\r\n"),
	false, "e"},
    /* Bare CRs are spaces, beside what is sealed too. */
    {RECODE(MIME "\na\rb\r\r\n\r"), true, RECODE(CRMIME "\r\na b \r\n \r\n"),
	false, ""},
    {RECODE(MIME MIXED "\n\r--b\n--b\r\r\nX\r:\r\n\nc\r\0\n--b\n" TYPE
		       "multipart/signed; boundary=s\r\n\n--s--\n--b--\r"),
	true,
	RECODE(CRMIME CRMIXED
	    "\r\n --b\r\n--b \r\nX :\r\n" QP "\r\nc =00\r\n--b\r\n" TYPE
	    "multipart/signed; boundary=s\r\n\r\n--s--\r\n--b-- \r\n"),
	false, "e"},
    /* And without the empty line before them. */
    {RECODE(MIME MIXED "\n--b\n" TYPE "message/rfc822\nno field\0\n--b--\n"),
	true,
	RECODE(CRMIME CRMIXED "\r\n--b\r\n" TYPE
			      "message/rfc822\r\n\r\nMIME-Version: 1.0\r\n" TYPE
			      "text/plain; charset=us-ascii\r\n" QP
			      "\r\nno field=00\r\n--b--\r\n"),
	false, "e"},
    {RECODE(MIME MIXED "\n--b\n" TYPE "message/rfc822\n>From x\nMIME-Version: "
		       "1.0\n" TYPE "text/plain\n\n\0\n--b--\n"),
	true,
	RECODE(CRMIME CRMIXED
	    "\r\n--b\r\n" TYPE "message/rfc822\r\n\r\n>From x\r\nMIME-Version: "
	    "1.0\r\n" TYPE "text/plain\r\n" QP "\r\n=00\r\n--b--\r\n"),
	false, "e"},
    /* Sealed as a whole, and without a label. */
    {RECODE(MIME TYPE "multipart/signed\n\n\xff\n"), true,
	RECODE(CRMIME TYPE "multipart/signed\r\n\r\n\xff\r\n"), true, ""},
    /* Sealed, and nothing of it 8-bit. */
    {RECODE(MIME MIXED "\n--b\n" TYPE "multipart/signed; boundary=s\n" LABEL
		       "8bit\n\n--s\n" LABEL "8bit\n\nx\n--s--\n--b\n\n\xff"
		       "\n--b--\n"),
	false,
	RECODE(CRMIME CRMIXED
	    "\r\n--b\r\n" TYPE "multipart/signed; boundary=s\r\n" LABEL
	    "8bit\r\n\r\n--s\r\n" LABEL "8bit\r\n\r\nx\r\n--s--\r\n--b\r\n" QP
	    "\r\n=FF\r\n--b--\r\n"),
	false, "e"},
};

static void
check_remarks(const struct recode_remarks *remarks, const char *expected)
{
	assert_int_equal(remarks->nul_removed, strchr(expected, 'n') != NULL);
	assert_int_equal(remarks->body_folded, strchr(expected, 'f') != NULL);
	assert_int_equal(remarks->body_encoded, strchr(expected, 'e') != NULL);
	assert_int_equal(remarks->body_replaced, strchr(expected, 'r') != NULL);
}

static void
assert_text(struct text is, struct text expected)
{
	char a[2000], b[2000];

	if (!text_equal(is, expected))
		fail_msg("gives\n%s\nand not\n%s",
		    text_visible(is, a, sizeof(a)),
		    text_visible(expected, b, sizeof(b)));
}

static void
a_message_becomes(void **state)
{
	struct recode_remarks remarks;
	struct message *m;
	struct recode *r;
	struct error e;
	struct buf out;
	size_t i;

	(void)state;
	buf_init(&out, ROOM);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		error_clear(&e);
		m = parse(cases[i].input);
		r = recode_new(m, cases[i].eightbit, &remarks, &e);
		assert_non_null(r);
		recode_all(r, 4096, &out);
		assert_text(buf_text(&out), cases[i].output);
		assert_int_equal(recode_is_8bit(r), cases[i].is_8bit);
		check_remarks(&remarks, cases[i].remarks);
		recode_free(r);
		message_free(m);
	}
	buf_clear(&out);
}

/*
 * What is refused.
 */

#define SIGNED TYPE "multipart/signed; boundary=s\n"

static const struct {
	struct text input;
	bool eightbit; /* by a server with 8BITMIME, too */
	const char *what;
} refused[] = {
    {RECODE("Subject: " UE "\n\nx\n"), false, "the field Subject has 8-bit"},
    {RECODE(MIME SIGNED "\n--s\n\n" UE "\n--s--\n"), false,
	"line 3 of the body has 8-bit bytes, and the server does not offer "
	"8BITMIME, in a signed"},
    {RECODE(MIME TYPE "multipart/encrypted; boundary=s\n\n--s\n\n" UE "\n"),
	false, "encrypted"},
    {RECODE(MIME MIXED "\n--b\n" SIGNED "\n--s\n\n" UE "\n--s--\n--b--\n"),
	false, "line 6 of the body has 8-bit"},
    {RECODE(MIME TYPE "message/partial\n\n" UE "\n"), false, "partial"},
    {RECODE(MIME TYPE "multipart/mixed\n\n--b\n\n" UE "\n--b--\n"), false,
	"boundary"},
    {RECODE(MIME MIXED "\n--c\n\n" UE "\n--c--\n"), false, "boundary"},
    {RECODE(MIME MIXED "\n--b\n" TYPE "multipart/mixed; boundary=\"" UE
		       "\"\n\n--" UE "\n\n" UE "\n--b--\n"),
	false, "boundary"},
    {RECODE(MIME SIGNED "\n--s\n\n\n" UE "\0\n--s--\n"), true,
	"line 4 of the body holds a NUL byte in a signed"},
    {RECODE(MIME MIXED "\n--b\nX: \0\n" SIGNED "\n--s--\n--b--\n"), true,
	"line 2 of the body holds a NUL byte in a signed"},
    {RECODE(MIME MIXED "\n--b\n\na\r\n--b\n" SIGNED
		       "\n--s\n\nx\r\ny\r\r\n--s--\n--b\n\na\rb\n--b--\n"),
	true, "line 10 of the body holds a CR without LF in a signed"},
    {RECODE(MIME SIGNED "\n\na\rb"), true,
	"line 2 of the body holds a CR without LF in a signed"},
};

static void
check_refused(struct text input, bool eightbit, const char *what)
{
	struct recode_remarks remarks;
	struct message *m = parse(input);
	struct error e;

	error_clear(&e);
	assert_null(recode_new(m, eightbit, &remarks, &e));
	assert_int_equal(e.kind, ERROR_MESSAGE);
	if (strstr(e.text, what) == NULL)
		fail_msg("%s, not %s", e.text, what);
	assert_true(e.hint[0] != '\0' || strstr(what, "field") != NULL);
	message_free(m);
}

/* It goes to a server with 8BITMIME as it is. */
static void
check_taken(struct text input)
{
	struct recode_remarks remarks;
	struct message *m = parse(input);
	struct recode *r;
	struct error e;

	error_clear(&e);
	r = recode_new(m, true, &remarks, &e);
	assert_non_null(r);
	assert_true(recode_is_8bit(r));
	assert_int_equal(recode_size(r), message_size(m));
	recode_free(r);
	message_free(m);
}

static void
what_may_not_change_is_refused(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		check_refused(refused[i].input, false, refused[i].what);
		if (refused[i].eightbit)
			check_refused(refused[i].input, true, refused[i].what);
		else
			check_taken(refused[i].input);
	}
}

/* `depth` multiparts in each other, an 8-bit leaf in the innermost. */
static void
nest(struct buf *out, int depth)
{
	int i;

	buf_add_string(out, MIME TYPE "multipart/mixed; boundary=b1\n\n");
	for (i = 1; i < depth; i++)
		buf_format(out,
		    "--b%d\n" TYPE "multipart/mixed; boundary=b%d\n\n", i,
		    i + 1);
	buf_format(out, "--b%d\n\n" UE "\n", depth);
}

static void
depth_and_parts_have_bounds(void **state)
{
	struct recode_remarks remarks;
	struct message *m;
	struct recode *r;
	struct error e;
	struct buf out;
	int i;

	(void)state;
	buf_init(&out, ROOM);
	nest(&out, 32);
	m = parse(buf_text(&out));
	error_clear(&e);
	r = recode_new(m, false, &remarks, &e);
	assert_non_null(r);
	recode_free(r);
	message_free(m);
	buf_reset(&out);
	nest(&out, 33);
	check_refused(buf_text(&out), false, "more than 32 multiparts");
	check_taken(buf_text(&out));
	buf_reset(&out);
	buf_add_string(&out, MIME MIXED "\n");
	for (i = 0; i < 10000; i++)
		buf_add_string(&out, "--b\n\n" UE "\n");
	check_refused(buf_text(&out), false, "more than 10000 MIME parts");
	buf_reset(&out);
	buf_add_string(&out, MIME MIXED "\n--b\n");
	for (i = 0; i < 20001; i++)
		buf_add_string(&out, LABEL "8bit\n");
	buf_add_string(&out, "\n" UE "\n");
	check_refused(
	    buf_text(&out), false, "more than 20000 Content-Transfer");
	buf_clear(&out);
}

/*
 * Long lines, by their length.
 */

static size_t
longest_line(struct text t)
{
	struct text line;
	size_t longest = 0;

	while (text_next_line(&t, &line))
		longest = line.len > longest ? line.len : longest;
	return longest;
}

/* A message of that head and one long line; `unit` again and again, behind
 * `shift` octets. */
static struct message *
long_line(const char *head, size_t shift, const char *unit, size_t len)
{
	struct message *m;
	struct buf in;

	buf_init(&in, ROOM);
	buf_add_string(&in, head);
	while (shift-- > 0)
		buf_add_char(&in, 'x');
	while (len > 0) {
		len -= strlen(unit);
		buf_add_string(&in, unit);
	}
	buf_add_string(&in, "\n");
	m = parse(buf_text(&in));
	buf_clear(&in);
	return m;
}

static void
long_lines_are_encoded_or_folded(void **state)
{
	static const size_t lengths[] = {
	    997, 998, 999, 1996, 4095, 4096, 65536, 10000000};
	static const char *const heads[] = {HEAD "\n", MIME LABEL "8bit\n\n",
	    MIME MIXED "\n--b\nX: y\n", MIME LABEL "quoted-printable\n\n",
	    MIME MIXED "\n--b\n" LABEL "base64\n\n", MIME LABEL "x-odd\n\n",
	    MIME MIXED "\n", MIME MIXED "\n--b\nX: ",
	    MIME MIXED "\n--b\n" TYPE "multipart/x\n\n"};
	const size_t folded = 5; /* from this one on */
	struct recode_remarks remarks;
	struct message *m;
	struct recode *r;
	struct error e;
	struct buf out;
	size_t i, k;

	(void)state;
	buf_init(&out, ROOM);
	error_clear(&e);
	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		for (k = 0; k < COUNT(heads); k++) {
			m = long_line(heads[k], 0, "a", lengths[i]);
			r = recode_new(m, true, &remarks, &e);
			assert_non_null(r);
			recode_all(r, 4096, &out);
			assert_true(longest_line(buf_text(&out)) <= 998);
			assert_int_equal(remarks.body_folded,
			    k >= folded && message_facts(m)->body_long);
			assert_int_equal(remarks.body_encoded,
			    k < folded && lengths[i] > 998);
			recode_free(r);
			message_free(m);
		}
	}
	buf_clear(&out);
}

static void
recode_text(struct text in, struct recode_remarks *remarks, struct buf *out)
{
	struct message *m = parse(in);
	struct recode *r;
	struct error e;

	error_clear(&e);
	r = recode_new(m, true, remarks, &e);
	assert_non_null(r);
	recode_all(r, 4096, out);
	recode_free(r);
	message_free(m);
}

static size_t
count(struct text t, struct text what)
{
	size_t n = 0;

	for (; t.len >= what.len; t = text_skip(t, 1))
		n += text_equal(text_first(t, what.len), what);
	return n;
}

/* However long a run is of which more must be seen; else it takes minutes. */
static void
runs_are_looked_at_once(void **state)
{
	static const char *const heads[] = {
	    MIME LABEL "quoted-printable\n\n", MIME MIXED "\n"};
	static const char *const units[] = {" ", "\t="};
	const size_t len = 10000000;
	struct recode_remarks remarks;
	struct message *m;
	struct recode *r;
	struct error e;
	size_t i, k;

	(void)state;
	error_clear(&e);
	alarm(30);
	for (i = 0; i < COUNT(heads); i++) {
		for (k = 0; k < COUNT(units); k++) {
			m = long_line(heads[i], 0, units[k], len);
			r = recode_new(m, true, &remarks, &e);
			assert_non_null(r);
			assert_true(recode_size(r) < 4 * len);
			recode_free(r);
			message_free(m);
		}
	}
	alarm(0);
}

/* The fields and the delimiters of parts say afterwards what they said. */
static void
structure_is_folded_at_white_space(void **state)
{
	struct recode_remarks remarks;
	struct buf in, out;
	size_t len, i;

	(void)state;
	buf_init(&in, ROOM);
	buf_init(&out, ROOM);
	for (len = 930; len < 1010; len++) {
		buf_reset(&in);
		buf_add_string(&in, MIME MIXED "\n--b\n" TYPE "message/rfc822"
					       "\n\nTo:");
		for (i = 0; i < 100; i++)
			buf_add_string(&in, " <mailbox@host.example>,");
		buf_format(&in,
		    "\n" TYPE "multipart/x; x=%0*d; boundary=\"a b\"\n\n"
		    "--a b%*s\n\nx\n--a b%*s\nX: y\n\n%01000d\n--a b--\n",
		    (int)len, 0, (int)len, "", 20000, "", 0);
		recode_text(buf_text(&in), &remarks, &out);
		assert_true(remarks.body_folded);
		assert_true(longest_line(buf_text(&out)) <= 998);
		assert_int_equal(
		    count(buf_text(&out), TEXT(" <mailbox@host.example>,")),
		    100);
		assert_int_equal(
		    count(buf_text(&out), TEXT("boundary=\"a")), 1);
		assert_int_equal(count(buf_text(&out), TEXT(" b\"\r\n")), 1);
		assert_int_equal(
		    count(buf_text(&out), TEXT("\r\nX: y\r\n" QP "\r\n")), 1);
	}
	buf_clear(&in);
	buf_clear(&out);
}

/* Folding spares UTF-8 sequences, wherever they lie. */
static void
no_sequence_is_cut(void **state)
{
	static const char *const units[] = {
	    UE, "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
	struct recode_remarks remarks;
	struct text rest, line;
	struct message *m;
	struct recode *r;
	struct error e;
	struct buf out;
	size_t shift, k;

	(void)state;
	buf_init(&out, ROOM);
	error_clear(&e);
	for (k = 0; k < 3; k++) {
		for (shift = 0; shift < 5; shift++) {
			m = long_line(
			    MIME LABEL "x-odd\n\n", shift, units[k], 12 * 2000);
			r = recode_new(m, true, &remarks, &e);
			assert_non_null(r);
			recode_all(r, 4096, &out);
			rest = buf_text(&out);
			while (text_next_line(&rest, &line)) {
				assert_true(text_is_utf8(line));
				assert_true(line.len <= 998);
			}
			recode_free(r);
			message_free(m);
		}
	}
	buf_clear(&out);
}

/* The longest line of what becomes of a part with a line of `len` octets. */
static size_t
longest_encoded(const char *header, size_t len)
{
	struct recode_remarks remarks;
	struct text rest, line;
	struct message *m;
	struct recode *r;
	struct error e;
	struct buf in, out;
	size_t longest = 0;

	buf_init(&in, ROOM);
	buf_init(&out, ROOM);
	buf_format(&in, "%s\n" UE, header);
	while (len-- > 0)
		buf_add_char(&in, 'x');
	buf_add_string(&in, UE "=\n");
	m = parse(buf_text(&in));
	error_clear(&e);
	r = recode_new(m, false, &remarks, &e);
	assert_non_null(r);
	recode_all(r, 4096, &out);
	rest = buf_text(&out);
	while (text_next_line(&rest, &line))
		longest = line.len > longest ? line.len : longest;
	recode_free(r);
	message_free(m);
	buf_clear(&in);
	buf_clear(&out);
	return longest;
}

/* RFC 2045 sections 6.7 (5) and 6.8, for whatever a line ends with. */
static void
encoded_lines_have_76_characters(void **state)
{
	size_t len;

	(void)state;
	for (len = 90; len < 180; len++) {
		assert_int_equal(
		    longest_encoded(
			MIME TYPE "text/plain; charset=utf-8\n", len),
		    76);
		assert_int_equal(
		    longest_encoded(MIME TYPE "image/x\n", len), 76);
	}
}

/* What the breaking of a line leaves is no line of the structure: a part whose
 * line of `len` octets ends like its delimiter. */
static void
check_break(size_t len, bool eightbit)
{
	struct recode_remarks remarks;
	struct text rest, line;
	struct message *m;
	struct recode *r;
	struct error e;
	struct buf in, out;
	size_t delimiters = 0;

	buf_init(&in, ROOM);
	buf_init(&out, ROOM);
	buf_add_string(&in, MIME MIXED "\n--b\n\n" UE);
	while (len-- > 0)
		buf_add_char(&in, 'x');
	buf_add_string(&in, "--b\n");
	m = parse(buf_text(&in));
	error_clear(&e);
	r = recode_new(m, eightbit, &remarks, &e);
	assert_non_null(r);
	recode_all(r, 4096, &out);
	rest = buf_text(&out);
	while (text_next_line(&rest, &line))
		delimiters += text_equal(line, TEXT("--b"));
	assert_int_equal(delimiters, 1);
	recode_free(r);
	message_free(m);
	buf_clear(&in);
	buf_clear(&out);
}

static void
no_break_makes_a_delimiter(void **state)
{
	size_t len;

	(void)state;
	for (len = 0; len < 1100; len++) {
		check_break(len, false);
		check_break(len, true);
	}
}

/*
 * A body in a store.
 */

struct lent {
	struct message_store store;
	struct buf bytes;
	size_t reads;
	size_t fail_at; /* the read that fails, counted from 1; 0: none */
};

static int
lent_write(void *arg, const char *bytes, size_t len, struct error *e)
{
	(void)e;
	return buf_add(&((struct lent *)arg)->bytes, bytes, len);
}

static long
lent_read(void *arg, unsigned long long offset, char *bytes, size_t size,
    struct error *e)
{
	struct lent *lent = arg;
	struct text rest = text_skip(buf_text(&lent->bytes), (size_t)offset);

	if (++lent->reads == lent->fail_at)
		return error_set(e, ERROR_SYSTEM, NULL, "the disk is gone");
	rest = text_first(rest, size < 1000 ? size : 1000);
	memcpy(bytes, rest.at, rest.len);
	return (long)rest.len;
}

/* 8-bit text of a little over `size` octets behind that head. */
static struct message *
large(struct lent *lent, const char *head, size_t size)
{
	static const char line[] = "Gr\xc3\xbc\xc3\x9f"
				   "e, = and some more\n";
	struct message *m;
	struct error e;
	size_t i;

	memset(lent, 0, sizeof(*lent));
	lent->store = (struct message_store){
	    .write = lent_write, .read = lent_read, .arg = lent};
	buf_init(&lent->bytes, ROOM);
	m = message_new(&lent->store);
	error_clear(&e);
	message_input(m, head, strlen(head), &e);
	for (i = 0; i < size; i += sizeof(line) - 1)
		message_input(m, line, sizeof(line) - 1, &e);
	assert_int_equal(message_end(m, &e), 0);
	return m;
}

static void
a_store_is_read_in_pieces(void **state)
{
	static const char *const heads[] = {
	    HEAD "\n", MIME TYPE "image/x\n\n", MIME MIXED "\n--b\n\n"};
	struct recode_remarks remarks;
	struct message *m;
	struct recode *r;
	struct lent lent;
	struct error e;
	struct buf all, out;
	size_t i;

	(void)state;
	buf_init(&all, ROOM);
	buf_init(&out, ROOM);
	for (i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		m = large(&lent, heads[i], 2 * MESSAGE_MEMORY);
		assert_true(lent.bytes.len > MESSAGE_MEMORY);
		error_clear(&e);
		r = recode_new(m, false, &remarks, &e);
		assert_non_null(r);
		recode_all(r, 4096, &all);
		recode_all(r, 1013, &out);
		assert_true(text_equal(buf_text(&all), buf_text(&out)));
		assert_false(text_has_8bit(buf_text(&all)));
		recode_free(r);
		message_free(m);
		buf_clear(&lent.bytes);
	}
	buf_clear(&all);
	buf_clear(&out);
}

static void
a_store_that_fails_is_said(void **state)
{
	struct recode_remarks remarks;
	struct message *m;
	struct recode *r;
	struct lent lent;
	struct error e;
	char part[4096];
	long n;

	(void)state;
	m = large(&lent, HEAD "\n", 2 * MESSAGE_MEMORY);
	for (lent.fail_at = 1; lent.fail_at < 5000; lent.fail_at += 1700) {
		lent.reads = 0;
		error_clear(&e);
		assert_null(recode_new(m, false, &remarks, &e));
		assert_int_equal(e.kind, ERROR_SYSTEM);
	}
	lent.fail_at = 0;
	error_clear(&e);
	r = recode_new(m, false, &remarks, &e);
	assert_non_null(r);
	lent.fail_at = 100;
	lent.reads = 0;
	while ((n = recode_read(r, part, sizeof(part), &e)) > 0)
		;
	assert_int_equal(n, -1);
	assert_int_equal(e.kind, ERROR_SYSTEM);
	recode_free(r);
	message_free(m);
	buf_clear(&lent.bytes);
}

/*
 * Random messages. A decoder of its own says what their parts are.
 */

struct leaf {
	bool sealed;
	bool broken;
	int encoding; /* the second letter of its label, or 0 */
	struct text content;
};

struct leaves {
	struct leaf leaf[200];
	size_t count;
};

struct entity {
	struct text type;
	int encoding;
	struct text body;
};

/* Without its NULs, with spaces for CRs and, if wanted, without the white space
 * at its end. */
static struct text
bare(struct text line, char *out, size_t size, bool trim)
{
	size_t i, n = 0;

	for (i = 0; i < line.len && n < size; i++) {
		if (line.at[i] != '\0')
			out[n++] = line.at[i] == '\r' ? ' ' : line.at[i];
	}
	while (trim && n > 0 && (out[n - 1] == ' ' || out[n - 1] == '\t'))
		n--;
	return (struct text){out, n};
}

/* A line that is no field ends the fields as an empty one does. */
static void
split(struct text t, bool message, struct entity *out)
{
	struct text line, name, rest = t;
	bool first = true, field = false;
	char shown[998];

	memset(out, 0, sizeof(*out));
	for (; text_next_line(&rest, &line); t = rest, first = false) {
		name = bare(line, shown, sizeof(shown), false);
		if (name.len == 0) {
			t = rest;
			break;
		}
		if (first && message &&
		    text_equal(text_first(name, 5), TEXT("From ")))
			continue;
		if (!header_starts(name) &&
		    !(field && strchr(" \t", name.at[0]) != NULL))
			break;
		field = true;
		if (text_starts_fold(line, TEXT(TYPE)))
			out->type = text_skip(line, strlen(TYPE));
		if (text_starts_fold(line, TEXT(LABEL)))
			out->encoding = line.at[strlen(LABEL) + 1];
	}
	out->body = t;
}

static void decode_entity(
    struct text t, bool digest, bool message, struct leaves *out);

/* The parts between the lines of that boundary. */
static void
decode_multipart(
    struct text body, struct text boundary, bool digest, struct leaves *out)
{
	struct text rest = body, line, name, begin = {NULL, 0};
	char shown[20000];

	while (text_next_line(&rest, &line)) {
		name = bare(line, shown, sizeof(shown), true);
		if (!text_equal(text_first(name, 2), TEXT("--")) ||
		    !text_equal(
			text_first(text_skip(name, 2), boundary.len), boundary))
			continue;
		name = text_skip(name, 2 + boundary.len);
		if (name.len > 0 && !text_equal(name, TEXT("--")))
			continue;
		if (begin.at != NULL) {
			begin.len = (size_t)(line.at - begin.at);
			decode_entity(begin, digest, false, out);
		}
		begin.at = rest.at;
		if (name.len > 0)
			return;
	}
	if (begin.at != NULL) {
		begin.len = (size_t)(body.at + body.len - begin.at);
		decode_entity(begin, digest, false, out);
	}
}

static void
add_leaf(
    struct leaves *out, const struct entity *entity, bool sealed, bool broken)
{
	struct leaf *leaf = &out->leaf[out->count++];

	assert_true(out->count < 200);
	leaf->sealed = sealed;
	leaf->broken = broken;
	leaf->encoding = entity->encoding;
	leaf->content = entity->body;
}

static bool
has(struct text t, const char *what)
{
	size_t len = strlen(what);

	for (; t.len >= len; t = text_skip(t, 1)) {
		if (memcmp(t.at, what, len) == 0)
			return true;
	}
	return false;
}

static void
decode_entity(struct text t, bool digest, bool message, struct leaves *out)
{
	struct entity entity;
	struct text boundary;
	size_t before = out->count, at;
	bool carries;

	split(t, message, &entity);
	carries = has(entity.type, "message/rfc822") ||
		  (digest && !message && entity.type.len == 0);
	if (carries && entity.encoding != 'u' && entity.encoding != 'a') {
		decode_entity(entity.body, false, true, out);
		return;
	}
	if (has(entity.type, "multipart/") &&
	    !has(entity.type, "multipart/signed")) {
		at = text_find(entity.type, '=');
		boundary = text_skip(entity.type, at + 1);
		if (text_find(boundary, '"') == 0)
			boundary = text_first(
			    text_skip(boundary, 1), boundary.len - 2);
		if (boundary.len > 0)
			decode_multipart(entity.body, boundary,
			    has(entity.type, "digest"), out);
		if (out->count == before)
			add_leaf(out, &entity, false, true);
		return;
	}
	add_leaf(out, &entity, has(entity.type, "multipart/signed"), false);
}

static void
unbase64(struct text t, struct buf *out)
{
	struct text line;
	struct buf all;

	buf_init(&all, ROOM);
	while (text_next_line(&t, &line))
		buf_add_text(&all, line);
	assert_int_equal(crypt_unbase64(buf_text(&all), out), 0);
	buf_clear(&all);
}

/* What folding may add or take away, and what it may not. */
static void
squeeze(struct buf *b)
{
	size_t i, n = 0;

	for (i = 0; i < b->len; i++) {
		if (b->at[i] != '\0' && strchr("\r\n\t ", b->at[i]) == NULL)
			b->at[n++] = b->at[i];
	}
	b->len = n;
}

struct trial {
	unsigned long number;
	unsigned long long seed;
	struct buf input;
	struct buf given;
	struct buf again;
	struct buf left, right;
};

static void
holds(const struct trial *t, bool it, const char *what)
{
	char in[3000], out[3000];

	if (!it)
		fail_msg("trial %lu: %s, of\n%s\ncame\n%s", t->number, what,
		    text_visible(buf_text(&t->input), in, sizeof(in)),
		    text_visible(buf_text(&t->given), out, sizeof(out)));
}

static unsigned
dice(struct trial *t, unsigned sides)
{
	unsigned long long z;

	t->seed += 0x9e3779b97f4a7c15ULL;
	z = t->seed;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return (unsigned)((z ^ (z >> 31)) % sides);
}

static void
make_text(struct trial *t, bool high, bool odd)
{
	static const char *const ascii[] = {"a", "word ", "=", "=20", ".", "..",
	    "\t", " ", "--", "--b", "--b1", "from", "A: b", "?", "\n", "\n",
	    "\n", ".\n", "x \n", "\x01"};
	static const char *const highs[] = {
	    UE, "\xe2\x82\xac", "\xff", UE UE UE UE, "\xc3\n"};
	unsigned n;

	for (n = dice(t, 12); n > 0; n--) {
		if (high && dice(t, 4) == 0)
			buf_add_string(&t->input, highs[dice(t, 5)]);
		else if (odd && dice(t, 9) == 0)
			buf_add_char(&t->input, '\0');
		else if (odd && dice(t, 30) == 0)
			buf_add_char(&t->input, '\r');
		else if (odd && dice(t, 40) == 0)
			buf_format(&t->input, "%0*d", (int)dice(t, 2500), 0);
		else
			buf_add_string(&t->input, ascii[dice(t, 20)]);
	}
	buf_add_string(&t->input, "\n");
}

static void
make_code(struct trial *t, bool odd)
{
	unsigned n;

	for (n = dice(t, 6); n > 0; n--) {
		if (odd && dice(t, 6) == 0)
			buf_format(
			    &t->input, "%0*d", (int)dice(t, 600) * 4 + 4, 0);
		buf_add_string(&t->input, dice(t, 3) == 0 ? "YWJj\n" : "YWJj");
	}
	buf_add_string(&t->input, "YWI=\n");
}

static void
make_quoted(struct trial *t, bool high, bool odd)
{
	static const char *const some[] = {"a", "=3D", "=\n", " ", "\t",
	    "word ", "=C3=BC", "\n", " \n", ".", "--b", "= ", "==", "=a"};
	unsigned n;

	for (n = dice(t, 20); n > 0; n--) {
		if (high && dice(t, 6) == 0)
			buf_add_string(&t->input, UE);
		else if (odd && dice(t, 12) == 0)
			buf_format(&t->input, "%*s", (int)dice(t, 1500), "=20");
		else if (odd && dice(t, 12) == 0)
			buf_format(&t->input, "%0*d", (int)dice(t, 1500), 0);
		else
			buf_add_string(&t->input, some[dice(t, 14)]);
	}
	buf_add_string(&t->input, "\n");
}

static void
make_leaf(struct trial *t, unsigned flavour)
{
	static const char *const types[] = {"", "",
	    TYPE "text/plain; charset=utf-8\n", TYPE "text/html\n",
	    TYPE "image/x\n", TYPE "application/octet-stream\n"};
	static const char *const labels[] = {"", "", "", LABEL "7bit\n",
	    LABEL "8bit\n", LABEL "binary\n", LABEL "base64\n",
	    LABEL "quoted-printable\n", LABEL "x-odd\n"};
	bool high = flavour & 1 && dice(t, 3) > 0;
	unsigned label = dice(t, 9);

	buf_add_string(&t->input, types[dice(t, 6)]);
	buf_add_string(&t->input, labels[label]);
	buf_add_string(&t->input, "\n");
	if (label == 6)
		make_code(t, flavour & 2);
	else if (label == 7)
		make_quoted(t, high, flavour & 2);
	else
		make_text(t, high, flavour & 2);
}

static void make_entity(struct trial *t, unsigned flavour, unsigned depth);

static void
make_multipart(struct trial *t, unsigned flavour, unsigned depth)
{
	static const char *const names[] = {
	    "b", "b1", "bb", "=_b", "\"b'()+/: x\""};
	static const char *const kinds[] = {
	    "mixed", "alternative", "digest", "signed"};
	const char *name = names[depth];
	struct text plain = text_of(name);
	unsigned n;

	if (name[0] == '"')
		plain = text_first(text_skip(plain, 1), plain.len - 2);

	if (dice(t, 3) > 0)
		n = dice(t, 3);
	else
		n = 3;
	buf_format(
	    &t->input, TYPE "multipart/%s; boundary=%s\n", kinds[n], name);
	if (dice(t, 3) == 0)
		buf_add_string(
		    &t->input, dice(t, 2) ? LABEL "8bit\n" : LABEL "binary\n");
	buf_add_string(&t->input, "\n");
	if (dice(t, 3) == 0)
		make_text(t, flavour & 1, flavour & 2);
	for (n = dice(t, 20) > 0 ? 1 + dice(t, 3) : 0; n > 0; n--) {
		buf_format(&t->input, "--%.*s%s\n", TEXT_ARG(plain),
		    dice(t, 8) == 0 ? "  \t" : "");
		make_entity(t, flavour, depth + 1);
	}
	if (dice(t, 8) > 0)
		buf_format(&t->input, "--%.*s--\n", TEXT_ARG(plain));
	if (dice(t, 6) == 0)
		make_text(t, flavour & 1, flavour & 2);
}

static void
make_entity(struct trial *t, unsigned flavour, unsigned depth)
{
	unsigned what = depth > 4 ? 9 : dice(t, 6 + depth * 2);

	if (what < 3) {
		make_multipart(t, flavour, depth);
	} else if (what == 3) {
		buf_add_string(&t->input, TYPE "message/rfc822\n\nA: b\n");
		make_entity(t, flavour, depth + 1);
	} else {
		make_leaf(t, flavour);
	}
}

/* Canonical, 7-bit where it must be, and no line too long. */
static void
check_bytes(const struct trial *t, struct text out, bool eightbit)
{
	size_t i;

	holds(t, eightbit || !text_has_8bit(out), "an 8-bit byte");
	holds(t, text_find(out, '\0') == out.len, "a NUL");
	holds(t, longest_line(out) <= 998, "a long line");
	for (i = 0; i < out.len; i++) {
		if (out.at[i] == '\n')
			holds(t, i > 0 && out.at[i - 1] == '\r', "a bare LF");
		if (out.at[i] == '\r')
			holds(t, i + 1 < out.len && out.at[i + 1] == '\n',
			    "a bare CR");
	}
}

static bool
is_mime_name(const struct header_field *field)
{
	return header_is(field, "MIME-Version") ||
	       header_is(field, "Content-Type") ||
	       header_is(field, "Content-Transfer-Encoding");
}

static const struct header_field *
next_field(struct message *m, size_t *at)
{
	while (*at < message_field_count(m)) {
		if (!is_mime_name(&message_field(m, (*at)++)->field))
			return &message_field(m, *at - 1)->field;
	}
	return NULL;
}

static void
check_fields(const struct trial *t, struct message *m, struct message *again)
{
	static const char *const once[] = {
	    "MIME-Version", "Content-Type", "Content-Transfer-Encoding"};
	const struct header_field *a, *b;
	size_t i, at = 0, again_at = 0;

	do {
		a = next_field(m, &at);
		b = next_field(again, &again_at);
		holds(t,
		    (a == NULL) == (b == NULL) &&
			(a == NULL || text_equal(a->raw, b->raw)),
		    "another field");
	} while (a != NULL);
	for (i = 0; i < 3; i++) {
		at = 0;
		if (message_find_next(again, once[i], &at) != NULL)
			holds(t, message_find_next(again, once[i], &at) == NULL,
			    "a MIME field twice");
	}
}

/* What a leaf says to a reader; of base64 without more than it may hold, as
 * what stands behind a multipart that does not end is the last part's. */
static void
decode_leaf(const struct leaf *leaf, bool code, struct buf *out)
{
	size_t i;

	buf_reset(out);
	if (!leaf->sealed && !leaf->broken && leaf->encoding == 'u')
		decode_quoted(leaf->content, out);
	else if (!leaf->sealed && !leaf->broken && leaf->encoding == 'a' &&
		 code)
		unbase64(leaf->content, out);
	else
		buf_add_text(out, leaf->content);
	for (i = 0; leaf->encoding == 'a' && !code && i < out->len; i++) {
		if ((unsigned char)out->at[i] >= 0x80)
			out->at[i] = '?';
	}
}

static bool
has_bare_cr(struct text t)
{
	size_t i;

	for (i = 0; i < t.len; i++) {
		if (t.at[i] == '\r' && (i + 1 == t.len || t.at[i + 1] != '\n'))
			return true;
	}
	return false;
}

static bool
is_odd(struct text content)
{
	return longest_line(content) > 998 ||
	       text_find(content, '\0') < content.len;
}

/* The leaves as they came and as they go. */
static void
check_leaf(struct trial *t, const struct leaf *a, const struct leaf *b)
{
	decode_leaf(a, false, &t->left);
	decode_leaf(b, a->encoding != 'a', &t->right);
	/* The line end that is the delimiter's. */
	if (b->encoding == 'a' && a->encoding != 'a' &&
	    t->left.len == t->right.len + 2)
		t->left.len -= 2;
	if (a->encoding == b->encoding &&
	    (a->encoding == 'a' ||
		((a->broken || a->encoding == '-') && is_odd(a->content)))) {
		squeeze(&t->left);
		squeeze(&t->right);
	}
	holds(t, text_equal(buf_text(&t->left), buf_text(&t->right)),
	    "other content");
}

static bool
must_refuse(const struct leaf *leaf, bool eightbit)
{
	bool high = !eightbit && text_has_8bit(leaf->content);

	return leaf->sealed
		   ? high || is_odd(leaf->content) || has_bare_cr(leaf->content)
		   : leaf->broken && high;
}

static bool
is_refused(struct text was, bool eightbit)
{
	static struct leaves leaves;
	bool must = false;
	size_t i;

	leaves.count = 0;
	decode_entity(was, false, false, &leaves);
	for (i = 0; i < leaves.count; i++)
		must |= must_refuse(&leaves.leaf[i], eightbit);
	return must;
}

static void
check_leaves(struct trial *t, struct text was, struct text is)
{
	static struct leaves a, b;
	size_t i;

	a.count = b.count = 0;
	decode_entity(was, false, false, &a);
	decode_entity(is, false, false, &b);
	holds(t, a.count == b.count, "another number of parts");
	for (i = 0; i < a.count; i++)
		check_leaf(t, &a.leaf[i], &b.leaf[i]);
}

/* With its bare CRs as they came. */
static void
read_raw(struct message *m, struct buf *out)
{
	struct message_cursor cursor = {.bare_cr = true};
	struct error e;
	char part[4096];
	long n;

	buf_reset(out);
	while ((n = message_read(m, &cursor, part, sizeof(part), &e)) > 0)
		buf_add(out, part, (size_t)n);
}

/* Mail data without its transparency and without its end. */
static void
unstuff(struct text t, struct buf *out)
{
	struct text line;

	while (text_next_line(&t, &line)) {
		if (t.len == 0 && text_equal(line, TEXT(".")))
			return;
		if (line.len > 1 && line.at[0] == '.')
			line = text_skip(line, 1);
		buf_add_text(out, line);
		buf_add(out, "\r\n", 2);
	}
}

static void
check_wire(struct trial *t, struct recode *r)
{
	struct error e;
	struct wire wire;
	size_t piece = dice(t, 300) + 1;
	int more;

	error_clear(&e);
	buf_reset(&t->again);
	wire_init(&wire, r);
	while ((more = wire_next(&wire, piece, &t->again, &e)) == 1)
		;
	holds(t, more == 0, "no end on the wire");
	buf_reset(&t->left);
	unstuff(buf_text(&t->again), &t->left);
	holds(t, text_equal(buf_text(&t->given), buf_text(&t->left)),
	    "another text on the wire");
	recode_rewind(r);
	buf_reset(&t->again);
	wire_init(&wire, r);
	holds(t,
	    wire_chunk(&wire, piece % t->given.len, &t->again, &e) == 0 &&
		wire_chunk(&wire, t->given.len - piece % t->given.len,
		    &t->again, &e) == 0 &&
		text_equal(buf_text(&t->given), buf_text(&t->again)),
	    "other chunks");
	holds(t, wire_chunk(&wire, 1, &t->again, &e) == -1, "more chunks");
	recode_rewind(r);
}

static void
check_sizes(struct trial *t, struct recode *r)
{
	static const size_t sizes[] = {1, 2, 3, 7, 75, 76};
	size_t i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		recode_all(r, sizes[i], &t->again);
		holds(t, text_equal(buf_text(&t->given), buf_text(&t->again)),
		    "another reading");
	}
}

/* What fits goes through as it is: once encoded, nothing is encoded again. */
static void
check_fits(struct trial *t, struct message *again, bool eightbit)
{
	struct recode_remarks remarks;
	struct recode *r;
	struct error e;

	error_clear(&e);
	r = recode_new(again, eightbit, &remarks, &e);
	holds(t, r != NULL, "refused what was given");
	recode_all(r, 4096, &t->again);
	holds(t, text_equal(buf_text(&t->given), buf_text(&t->again)),
	    "not settled");
	recode_free(r);
}

static void
check_given(struct trial *t, struct message *m, struct recode *r, bool eightbit)
{
	struct message *again;

	recode_all(r, 4096, &t->given);
	check_bytes(t, buf_text(&t->given), eightbit);
	holds(t, recode_is_8bit(r) == text_has_8bit(buf_text(&t->given)),
	    "what it says of 8-bit bytes");
	check_sizes(t, r);
	check_wire(t, r);
	again = parse(buf_text(&t->given));
	check_fields(t, m, again);
	check_fits(t, again, eightbit);
	message_free(again);
	read_all(m, 4096, &t->again);
	check_leaves(t, buf_text(&t->again), buf_text(&t->given));
}

static void
try(struct trial *t, bool eightbit)
{
	struct recode_remarks remarks;
	struct message *m;
	struct recode *r;
	struct error e;
	bool must;

	error_clear(&e);
	buf_reset(&t->input);
	buf_add_string(&t->input, dice(t, 2) ? HEAD : MIME);
	make_entity(t, dice(t, 4), 0);
	m = parse(buf_text(&t->input));
	read_raw(m, &t->again);
	must = is_refused(buf_text(&t->again), eightbit);
	r = recode_new(m, eightbit, &remarks, &e);
	holds(t, (r == NULL) == must, "refused, or not");
	holds(t, e.kind == (must ? ERROR_MESSAGE : ERROR_NONE), "why");
	if (r != NULL)
		check_given(t, m, r, eightbit);
	recode_free(r);
	message_free(m);
}

/* Ten thousand, or a million by night; each can be made again by its number.
 */
static void
random_messages_keep_what_they_say(void **state)
{
	struct trial t;
	unsigned long trials;

	(void)state;
	memset(&t, 0, sizeof(t));
	buf_init(&t.input, ROOM);
	buf_init(&t.given, ROOM);
	buf_init(&t.again, ROOM);
	buf_init(&t.left, ROOM);
	buf_init(&t.right, ROOM);
	trials = getenv("SENDLING_NIGHTLY") == NULL ? 10000 : 1000000;
	for (t.number = 1; t.number <= trials; t.number++) {
		t.seed = t.number * 2654435761ULL;
		try(&t, t.number & 1);
	}
	buf_clear(&t.input);
	buf_clear(&t.given);
	buf_clear(&t.again);
	buf_clear(&t.left);
	buf_clear(&t.right);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_message_becomes),
	    cmocka_unit_test(what_may_not_change_is_refused),
	    cmocka_unit_test(depth_and_parts_have_bounds),
	    cmocka_unit_test(long_lines_are_encoded_or_folded),
	    cmocka_unit_test(runs_are_looked_at_once),
	    cmocka_unit_test(structure_is_folded_at_white_space),
	    cmocka_unit_test(no_sequence_is_cut),
	    cmocka_unit_test(encoded_lines_have_76_characters),
	    cmocka_unit_test(no_break_makes_a_delimiter),
	    cmocka_unit_test(a_store_is_read_in_pieces),
	    cmocka_unit_test(a_store_that_fails_is_said),
	    cmocka_unit_test(random_messages_keep_what_they_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
