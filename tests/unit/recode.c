#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypt.h"
#include "mem.h"
#include "recode.h"
#include "wire.h"

#define ROOM ((size_t)256 * 1024 * 1024)

static struct message *
parse(struct text input)
{
	struct message *m = message_new(NULL);
	struct error e;

	error_clear(&e);
	assert_int_equal(message_input(m, input.at, input.len, &e), 0);
	assert_int_equal(message_end(m, &e), 0);
	return m;
}

/* All that is given, `size` octets at a time, and exactly as much as is said.
 */
static void
read_all(struct recode *r, size_t size, struct buf *out)
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
	RECODE(CRHEAD TYPE "text/html\r\n\r\n" UE "\r\n"), true, ""},
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
	RECODE(CRMIME LABEL "8bit\r\n\r\na" UE "\r\n"), true, "n"},
    {RECODE(MIME MIXED "\n--b\n\na\0\n--b--\n"), true,
	RECODE(CRMIME CRMIXED "\r\n--b\r\n\r\na\r\n--b--\r\n"), false, "n"},
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
	RECODE(CRMIME BASE64 "\r\nYQ==?\r\n"), false, "r"},
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
	    "\r\n--b=FF\r\n--bbb\r\n\r\n--b\r\n" QP "\r\n=FF\r\n--b--\r\n"),
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
    {RECODE(MIME TYPE "multipart/digest; boundary=b\n\n--b\n\nMIME-Version: "
		      "1.0\n" TYPE "image/x\n\n\xff\n--b--\n"),
	false,
	RECODE(CRMIME TYPE
	    "multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nMIME-Version: "
	    "1.0\r\n" TYPE "image/x\r\n" BASE64 "\r\n/w==\r\n--b--\r\n"),
	false, "e"},
    /* Sealed, and nothing of it 8-bit. */
    {RECODE(MIME MIXED "\n--b\n" TYPE "multipart/signed; boundary=s\n" LABEL
		       "8bit\n\n--s\n" LABEL "8bit\n\nx\n--s--\n--b\n\n\xff"
		       "\n--b--\n"),
	false,
	RECODE(CRMIME CRMIXED
	    "\r\n--b\r\n" TYPE "multipart/signed; boundary=s\r\n" LABEL
	    "7bit\r\n\r\n--s\r\n" LABEL "8bit\r\n\r\nx\r\n--s--\r\n--b\r\n" QP
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
		read_all(r, 4096, &out);
		assert_text(buf_text(&out), cases[i].output);
		assert_int_equal(recode_is_8bit(r), cases[i].is_8bit);
		check_remarks(&remarks, cases[i].remarks);
		recode_free(r);
		message_free(m);
	}
	buf_clear(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_message_becomes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
