#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "address.h"
#include "crypt.h"
#include "fields.h"
#include "mem.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define O_UML "\xc3\xb6"
#define U_UML "\xc3\xbc"

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

static void
read_all(struct message *m, struct buf *out)
{
	struct message_cursor cursor = {0};
	struct error e;
	char bytes[4096];
	long got;

	error_clear(&e);
	while ((got = message_read(m, &cursor, bytes, sizeof(bytes), &e)) > 0)
		buf_add(out, bytes, (size_t)got);
	assert_int_equal(got, 0);
}

/* The header section after repair; the caller clears it. */
static void
repaired(
    struct text input, bool utf8, struct fields_remarks *remarks, struct buf *out)
{
	struct message *m = parse(input);
	struct error e;

	error_clear(&e);
	memset(remarks, 0, sizeof(*remarks));
	buf_init(out, SIZE_MAX / 4);
	assert_int_equal(fields_repair(m, utf8, remarks, &e), 0);
	read_all(m, out);
	out->len -= 2;
	message_free(m);
}

struct example {
	const char *input;
	const char *output;
};

static void
check_examples(const struct example *examples, size_t count, bool utf8)
{
	struct fields_remarks remarks;
	struct buf out;
	size_t i;

	for (i = 0; i < count; i++) {
		repaired(text_of(examples[i].input), utf8, &remarks, &out);
		assert_string_equal(buf_string(&out), examples[i].output);
		buf_clear(&out);
	}
}

static void
unstructured_fields(void **state)
{
	static const struct example examples[] = {
	    {"Subject: plain\n", "Subject: plain\r\n"},
	    {"Subject: " O_UML "\n", "Subject: =?utf-8?B?w7Y=?=\r\n"},
	    {"Subject:" O_UML "\n", "Subject: =?utf-8?B?w7Y=?=\r\n"},
	    {"Subject: gr" U_UML "n\n", "Subject: =?utf-8?B?Z3LDvG4=?=\r\n"},
	    {"Subject: a long word gr" U_UML "nlich ends\n",
		"Subject: a long word =?utf-8?Q?gr=C3=BCnlich?= ends\r\n"},
	    {"Subject: \xf6\xe4 x\n", "Subject: =?unknown-8bit?B?9uQ=?= x\r\n"},
	    {"Subject: " O_UML " \xf6\n",
		"Subject: =?unknown-8bit?B?w7Yg9g==?=\r\n"},
	    {"X-A: " O_UML "  \t" O_UML " a\n",
		"X-A: =?utf-8?B?w7YgIAnDtg==?= a\r\n"},
	    {"X-A: a\n " O_UML "\n\t" O_UML " b\n",
		"X-A: a\r\n =?utf-8?B?w7YJw7Y=?= b\r\n"},
	    {"X-A: =?x?q?a?= " O_UML "\n",
		"X-A: =?x?q?a?= =?utf-8?B?IMO2?=\r\n"},
	    {"X-A: " O_UML "  =?x?q?a?=\n",
		"X-A: =?utf-8?B?w7YgIA==?=  =?x?q?a?=\r\n"},
	    {"X-A: a =?x?q?" O_UML "?=\n",
		"X-A: a =?utf-8?Q?=3D=3Fx=3Fq=3F=C3=B6=3F=3D?=\r\n"},
	    {"X-A: a\t\x01 \x7f " O_UML "\n",
		"X-A: a\t? ? =?utf-8?B?w7Y=?=\r\n"},
	    {"X-A: (" O_UML ")\n", "X-A: =?utf-8?B?KMO2KQ==?=\r\n"},
	};

	(void)state;
	check_examples(examples, COUNT(examples), false);
}

static void
address_fields(void **state)
{
	static const struct example examples[] = {
	    {"From: J" O_UML "rg <a@x>\n",
		"From: =?utf-8?B?SsO2cmc=?= <a@x>\r\n"},
	    {"From: J" O_UML "rg<a@x>,b@x\n",
		"From: =?utf-8?B?SsO2cmc=?= <a@x>,b@x\r\n"},
	    {"To: Al " O_UML " " U_UML " Bo <a@x>\n",
		"To: Al =?utf-8?B?w7Ygw7w=?= Bo <a@x>\r\n"},
	    {"Cc: \"" O_UML ", \\\"A\\\" (b)\" C. <a@x>\n",
		"Cc: =?utf-8?Q?=C3=B6=2C_=22A=22_=28b=29?= C. <a@x>\r\n"},
	    {"Cc: \"A, B\" " O_UML " \"C, D\" <a@x>\n",
		"Cc: \"A, B\" =?utf-8?B?w7Y=?= \"C, D\" <a@x>\r\n"},
	    {"Cc: \"a\"" O_UML ". <a@x>\n",
		"Cc: =?utf-8?B?YcO2Lg==?= <a@x>\r\n"},
	    {"Sender: =?x?q?a,b?= " O_UML " <a@x>\n",
		"Sender: =?x?q?a,b?= =?utf-8?B?IMO2?= <a@x>\r\n"},
	    {"Reply-To: a@x (" O_UML " \\(b\\) (" U_UML "))\n",
		"Reply-To: a@x (=?utf-8?B?w7Y=?= \\(b\\) "
		"(=?utf-8?B?w7w=?=))\r\n"},
	    {"To: (c)" O_UML "(d) <a@x>\n",
		"To: (c) =?utf-8?B?w7Y=?= (d) <a@x>\r\n"},
	    {"To: " O_UML ":a@x, " U_UML " <b@x>;\n",
		"To: =?utf-8?B?w7Y=?= :a@x, =?utf-8?B?w7w=?= <b@x>;\r\n"},
	    {"To: a@b" U_UML ".example, B <c@b" U_UML ".example>\n",
		"To: a@xn--b-eha.example, B <c@xn--b-eha.example>\r\n"},
	    {"To: a (" O_UML ") @ (x" U_UML ") b" U_UML ".example (y)\n",
		"To: a (=?utf-8?B?w7Y=?=) @xn--b-eha.example "
		"(=?utf-8?B?eMO8?=) (y)\r\n"},
	    {"To: <@" O_UML ":a@x>\n", "To: <@??:a@x>\r\n"},
	    {"To: <>\n", "To: <>\r\n"},
	    {"To: " O_UML "\n", "To: =?utf-8?B?w7Y=?=\r\n"},
	    {"To: " O_UML ", b <\n", "To: =?utf-8?B?w7Ys?= b <\r\n"},
	    {"To: a@x, \"" O_UML " <b@x>\n",
		"To: a@x, =?utf-8?B?IsO2?= <b@x>\r\n"},
	    {"resent-from : \xf6 <a@x>\n",
		"resent-from: =?unknown-8bit?Q?=F6?= <a@x>\r\n"},
	};

	(void)state;
	check_examples(examples, COUNT(examples), false);
}

static void
structured_fields(void **state)
{
	static const struct example examples[] = {
	    {"Message-ID: <" O_UML "@x> (" O_UML ")\n",
		"Message-ID: <\?\?@x> (=?utf-8?B?w7Y=?=)\r\n"},
	    {"Received: from \"(" O_UML "\" by b (" O_UML "\n",
		"Received: from \"(\?\?\" by b (\?\?\r\n"},
	    {"DKIM-Signature: d=" O_UML "; b=x\n",
		"DKIM-Signature: d=\?\?; b=x\r\n"},
	    {"List-Help: <http://x/\xf6>\n", "List-Help: <http://x/?>\r\n"},
	    {"List-Id: " O_UML " <" O_UML ".x>\n",
		"List-Id: =?utf-8?B?w7Y=?= <\?\?.x>\r\n"},
	    {"Keywords: a, " O_UML ", b\n",
		"Keywords: a, =?utf-8?B?w7Y=?= , b\r\n"},
	    {"Content-Type: text/plain; name=\"" U_UML " (1).pdf\"\n",
		"Content-Type: text/plain; "
		"name*=utf-8''%C3%BC%20%281%29.pdf\r\n"},
	    {"Content-Type: a/b;name=\"a\\\"" U_UML "\" (" O_UML "); x=y\n",
		"Content-Type: a/b;name*=utf-8''a%22%C3%BC "
		"(=?utf-8?B?w7Y=?=); x=y\r\n"},
	    {"Content-Disposition: attachment; filename=a " U_UML " b ; c=d\n",
		"Content-Disposition: attachment; "
		"filename*=utf-8''a%20%C3%BC%20b ; c=d\r\n"},
	    {"Content-Disposition: attachment;\n filename=\"" U_UML
	     "\";\n filename*=utf-8''%C3%BC\n",
		"Content-Disposition: attachment;\r\n filename=\"\?\?\";\r\n "
		"filename*=utf-8''%C3%BC\r\n"},
	    {"Content-Type: a/b; name=\"\xf6;\"; x=y\n",
		"Content-Type: a/b; name=\"?;\"; x=y\r\n"},
	    {"Content-Type: a/b; name*=utf-8''" U_UML "%20\n",
		"Content-Type: a/b; name*=utf-8''%C3%BC%20\r\n"},
	    {"Content-Type: a/b; name*0=" U_UML "\n",
		"Content-Type: a/b; name*0=\?\?\r\n"},
	    {"Content-Type: " U_UML "; " U_UML "; " U_UML "=a; =" U_UML ";\n",
		"Content-Type: \?\?; \?\?; \?\?=a; =\?\?;\r\n"},
	    {"Content-Description: " U_UML "\n",
		"Content-Description: =?utf-8?B?w7w=?=\r\n"},
	};

	(void)state;
	check_examples(examples, COUNT(examples), false);
}

static void
utf8_stays_where_the_server_takes_it(void **state)
{
	static const struct example examples[] = {
	    {"Subject: " O_UML "\n", "Subject: " O_UML "\r\n"},
	    {"To: " O_UML " <" O_UML "@b" U_UML ">\n",
		"To: " O_UML " <" O_UML "@b" U_UML ">\r\n"},
	    {"Message-ID: <" O_UML "@x>\n", "Message-ID: <" O_UML "@x>\r\n"},
	    {"Subject: " O_UML " \xf6\n",
		"Subject: =?unknown-8bit?B?w7Yg9g==?=\r\n"},
	    {"To: \xf6 <" O_UML "@b" U_UML "> (\xf6)\n",
		"To: =?unknown-8bit?Q?=F6?= <" O_UML "@b" U_UML "> "
		"(=?unknown-8bit?Q?=F6?=)\r\n"},
	};

	(void)state;
	check_examples(examples, COUNT(examples), true);
}

static void
nuls_are_removed(void **state)
{
	static const struct {
		const char *input;
		size_t len;
		const char *output;
	} cases[] = {
	    {"Subject: a\0b\x1b\n", 13, "Subject: ab?\r\n"},
	    {"Subject: \0\n", 11, "Subject: \r\n"},
	    {"X: a\n \0 \n \n b\n", 14, "X: a\r\n \r\n b\r\n"},
	    {"To: a\0@x\n", 9, "To: a@x\r\n"},
	};
	struct fields_remarks remarks;
	struct buf out;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		repaired((struct text){cases[i].input, cases[i].len}, false,
		    &remarks, &out);
		assert_string_equal(buf_string(&out), cases[i].output);
		assert_int_equal(remarks.nul, 1);
		buf_clear(&out);
	}
}

static void
addresses_that_need_utf8(void **state)
{
	static const struct {
		const char *input;
		const char *says; /* NULL: no local-part is the reason */
		bool need;
	} cases[] = {
	    {"Cc: b@x, " O_UML "@x\n", "the local-part `" O_UML "'", true},
	    {"Cc: \"" O_UML " a\"@x\n", "SMTPUTF8", true},
	    {"From: <" O_UML "@x>\n", "the From field", true},
	    {"To: a@\xc2\xad\n", "IDNA", false},
	    {"To: a@[" O_UML "]\n", "the To field", false},
	};
	struct fields_remarks remarks = {0};
	struct message *m;
	struct error e;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		m = parse(text_of(cases[i].input));
		error_clear(&e);
		assert_int_equal(fields_need_utf8(m), cases[i].need);
		assert_int_equal(fields_repair(m, false, &remarks, &e), -1);
		assert_int_equal(e.kind, ERROR_MESSAGE);
		assert_non_null(strstr(e.text, cases[i].says));
		message_drop(message_field(m, 0));
		assert_false(fields_need_utf8(m));
		assert_int_equal(fields_repair(m, false, &remarks, &e), 0);
		message_free(m);
	}
}

/* "NAME: " and a word of that many octets, and what follows. */
static void
long_field(struct buf *out, const char *name, size_t octets, const char *tail)
{
	size_t i;

	buf_init(out, SIZE_MAX / 4);
	buf_format(out, "%s: ", name);
	for (i = 0; i < octets; i++)
		buf_add_char(out, (char)('a' + i % 26));
	buf_format(out, "%s\n", tail);
}

/* The lengths of the lines, "998 12". */
static const char *
line_lengths(struct text t)
{
	static char lengths[200];
	struct text line;
	size_t len = 0;

	lengths[0] = '\0';
	while (text_next_line(&t, &line) && len < sizeof(lengths))
		len += (size_t)snprintf(lengths + len, sizeof(lengths) - len,
		    "%s%zu", len > 0 ? " " : "", line.len);
	return lengths;
}

static void
long_lines_are_folded(void **state)
{
	static const struct {
		const char *name;
		size_t octets;
		const char *tail;
		const char *lengths;
	} cases[] = {
	    {"Subject", 989, "", "998"},
	    {"Subject", 990, "", "8 991"},
	    {"Subject", 987, " b", "998"},
	    {"Subject", 988, " b c", "997 4"},
	    {"Subject", 2000, " b", "998 998 16"},
	    {"X", 10000, "",
		"998 998 998 998 998 998 998 998 998 998 43"},
	    {"References", 986, "", "998"},
	    {"References", 997, "", "11 998"},
	    {"References", 998, "", "1010"},
	    {"References", 998, " b", "1010 2"},
	    {"To", 400, " <a@x>, B <b@x>, \"c d\"@x", "428"},
	    {"To", 990, " <a@x>", "994 6"},
	    {"To", 990, "\\ b <a@x>", "994 8"},
	    {"Subject", 980, " b   ", "991"},
	    {"Subject", 980, " b     \n c", "991 2"},
	    {"Subject", 985, " =?x?q?a?= b", "994 12"},
	};
	struct fields_remarks remarks;
	struct buf in, out;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		long_field(&in, cases[i].name, cases[i].octets, cases[i].tail);
		repaired(buf_text(&in), false, &remarks, &out);
		assert_string_equal(
		    line_lengths(buf_text(&out)), cases[i].lengths);
		buf_clear(&in);
		buf_clear(&out);
	}
}
