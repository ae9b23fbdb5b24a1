#include "../unit.h"

#include "../decode.h"
#include "../parse.h"
#include "base/crypt.h"
#include "base/mem.h"
#include "message/address.h"
#include "message/fields.h"
#include "message/fold.h"

#define O_UML "\xc3\xb6"
#define U_UML "\xc3\xbc"

static size_t nuls; /* fields that lost one */

/* The header section after repair; the caller clears it. */
static void
repaired(struct text input, bool utf8, struct fields_remarks *remarks,
    struct buf *out)
{
	struct message *m = parse(input);
	struct error e;

	error_clear(&e);
	memset(remarks, 0, sizeof(*remarks));
	buf_init(out, SIZE_MAX / 4);
	if (fields_drop_nul(m, &nuls, &e) == -1 ||
	    fields_repair(m, utf8, NULL, remarks, &e) == -1)
		fail_msg("%.*s: %s", TEXT_ARG(input), e.text);
	read_all(m, 4096, out);
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
		"Subject: a long word =?utf-8?B?Z3LDvG5saWNo?= ends\r\n"},
	    {"Subject: gr" U_UML "nlich.und_mehr\n",
		"Subject: =?utf-8?Q?gr=C3=BCnlich.und=5Fmehr?=\r\n"},
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
		"X-A: =?utf-8?Q?=C3=B6__?=  =?x?q?a?=\r\n"},
	    {"X-A: a =?x?q?" O_UML "?=\n",
		"X-A: a =?utf-8?B?PT94P3E/w7Y/PQ==?=\r\n"},
	    {"X-A: a\t\x01 \x7f " O_UML "\n",
		"X-A: a\t? ? =?utf-8?B?w7Y=?=\r\n"},
	    {"X-A: (" O_UML ")\n", "X-A: =?utf-8?Q?(=C3=B6)?=\r\n"},
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
		"Cc: =?utf-8?B?w7YsICJBIiAoYik=?= C. <a@x>\r\n"},
	    {"Cc: \"A, B\" " O_UML " \"C, D\" <a@x>\n",
		"Cc: \"A, B\" =?utf-8?B?w7Y=?= \"C, D\" <a@x>\r\n"},
	    {"Cc: \"a\"" O_UML ". <a@x>\n",
		"Cc: =?utf-8?B?YcO2Lg==?= <a@x>\r\n"},
	    {"Sender: =?x?q?a,b?= " O_UML " <a@x>\n",
		"Sender: =?x?q?a,b?= =?utf-8?B?IMO2?= <a@x>\r\n"},
	    {"Reply-To: a@x (" O_UML " \\(b\\) (" U_UML "))\n",
		"Reply-To: a@x (=?utf-8?B?w7Y=?= \\(b\\) "
		"(=?utf-8?B?w7w=?=))\r\n"},
	    {"To: a@x (" O_UML "\\ b\\) c\\\\ d)\n",
		"To: a@x (=?utf-8?B?w7YgYik=?= c\\\\ d)\r\n"},
	    {"To: (c)" O_UML "(d) <a@x>\n",
		"To: (c) =?utf-8?B?w7Y=?= (d) <a@x>\r\n"},
	    {"To: " O_UML ":a@x, " U_UML " <b@x>;\n",
		"To: =?utf-8?B?w7Y=?= :a@x, =?utf-8?B?w7w=?= <b@x>;\r\n"},
	    {"To: a@b" U_UML ".example, B <c@b" U_UML ".example>\n",
		"To: a@xn--b-eha.example, B <c@xn--b-eha.example>\r\n"},
	    {"To: a (" O_UML ") @ (x" U_UML ") b" U_UML ".example (y)\n",
		"To: a (=?utf-8?B?w7Y=?=) @xn--b-eha.example "
		"(=?utf-8?B?eMO8?=) (y)\r\n"},
	    {"To: a@\n\t\n b" U_UML ".example\n",
		"To: a@xn--b-eha.example\r\n"},
	    {"To: <@" O_UML ":a@x>\n", "To: <@??:a@x>\r\n"},
	    {"To: <>\n", "To: <>\r\n"},
	    {"To: " O_UML ",a@x\n", "To: =?utf-8?B?w7Y=?= ,a@x\r\n"},
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
	    {"Message-ID: <a@x> (" O_UML "\\\n b c)\n",
		"Message-ID: <a@x> (=?utf-8?Q?=C3=B6_b?= c)\r\n"},
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
	    {"Content-Type: a/b; x=\"; name*=y\"; name=" U_UML "\n",
		"Content-Type: a/b; x=\"; name*=y\"; name*=utf-8''%C3%BC\r\n"},
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
		assert_int_equal(nuls, 1);
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
		assert_int_equal(
		    fields_repair(m, false, NULL, &remarks, &e), -1);
		assert_int_equal(e.kind, ERROR_MESSAGE);
		assert_non_null(strstr(e.text, cases[i].says));
		message_field(m, 0)->dropped = true;
		assert_false(fields_need_utf8(m));
		assert_int_equal(
		    fields_repair(m, false, NULL, &remarks, &e), 0);
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
	    {"Subject", 2000, " b", "998 998 17"},
	    {"X", 10000, "", "998 998 998 998 998 998 998 998 998 998 33"},
	    {"References", 986, "", "998"},
	    {"References", 997, "", "11 998"},
	    {"References", 998, "", "1010"},
	    {"References", 998, " b", "1010 2"},
	    {"List-Post", 960, " <http://x/a,b>,<http://x/c,d> (x)", "971 34"},
	    {"To", 400, " <a@x>, B <b@x>, \"c d\"@x", "428"},
	    {"To", 990, " <a@x>", "994 6"},
	    {"To", 990, "\\ b <a@x>", "997 6"},
	    {"Subject", 985, " b   ", "996"},
	    {"Subject", 985, " b     \n c", "996 2"},
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

/* Long runs of blanks, commas without any, and words that may not be cut. */
static void
long_lines_of_odd_kinds(void **state)
{
	struct fields_remarks remarks;
	struct buf in, out;
	size_t i;

	(void)state;
	buf_init(&in, SIZE_MAX / 4);
	buf_format(
	    &in, "X: a%2000sb\nY:%1500sc\nZ: d\n%1200s\n e\nTo: ", "", "", "");
	for (i = 0; i < 200; i++)
		buf_format(&in, "%s\"a,%03zu\"@x", i > 0 ? "," : "", i);
	buf_add_string(&in, "\nX-W: =?utf-8?Q?");
	for (i = 0; i < 1100; i++)
		buf_add_char(&in, 'q');
	buf_add_string(&in, "?=\n");
	repaired(buf_text(&in), false, &remarks, &out);
	assert_string_equal(
	    line_lengths(buf_text(&out)), "4 2 2 2 4 1 2 993 990 219 1117");
	assert_int_equal(remarks.folded, 4);
	assert_int_equal(remarks.encoded, 0);
	buf_clear(&in);
	buf_clear(&out);
}

/* RFC 2231 section 3, where one line would be too long. */
static void
long_parameters_come_in_segments(void **state)
{
	struct fields_remarks remarks;
	struct buf in, out;
	size_t i;

	(void)state;
	buf_init(&in, SIZE_MAX / 4);
	buf_add_string(&in, "Content-Type: a/b; name=\"");
	for (i = 0; i < 250; i++)
		buf_add_string(&in, U_UML);
	buf_add_string(&in, "\"; x=y\n");
	repaired(buf_text(&in), false, &remarks, &out);
	assert_string_equal(line_lengths(buf_text(&out)), "731 706 122");
	assert_non_null(strstr(buf_string(&out), "; name*0*=utf-8''%C3%BC"));
	assert_non_null(strstr(buf_string(&out), "\r\n name*1*=%C3"));
	assert_non_null(strstr(buf_string(&out), "\r\n name*2*=%"));
	assert_non_null(strstr(buf_string(&out), "%BC; x=y\r\n"));
	buf_clear(&in);
	buf_clear(&out);
}

/* `#' stands for n octets of a word, `~' for n octets of short ones, and `^'
 * for n of them that are not ASCII. */
static void
compose(const char *field, size_t n, struct buf *out)
{
	size_t i;

	buf_init(out, SIZE_MAX / 4);
	for (; *field != '\0'; field++) {
		if (strchr("#~^", *field) == NULL)
			buf_add_char(out, *field);
		for (i = 0; *field == '#' && i < n; i++)
			buf_add_char(out, 'x');
		for (i = 0; *field == '~' && i < n; i++)
			buf_add_char(out, " y y"[i % 4]);
		for (i = 0; *field == '^' && i < n; i += 2)
			buf_add_string(out, O_UML);
	}
	buf_add_char(out, '\n');
}

static bool has_word(struct text line);

static void
lines_with_encoded_words_have_76_octets(void **state)
{
	static const char *const fields[] = {"Subject: ^", "Subject:^ # ^",
	    "Subject: ^ # z", "Subject: # " O_UML "~", "Subject: a~ " O_UML,
	    "Subject:\n # " O_UML " #", "X-#: " O_UML " b", "X-#:^",
	    "Subject: =?utf-8?q?=C3=B6?= ^ =?utf-8?q?=C3=B6?= #",
	    "Subject: " O_UML " =?utf-8?q?=C3=B6?= =?utf-8?q?=C3=B6?=~ c",
	    "From: ^ <a@b.example>", "From: # " O_UML " <#@b.example>",
	    "To: a@b, " O_UML " <#@x>, " O_UML " # <b@x>", "To: " O_UML ":#@x;",
	    "To: a@b (^)", "To: a@b (# " O_UML ")", "To: a@b (" O_UML " #)",
	    "To: #@b (" O_UML " (((" U_UML "))))",
	    "To: a@b (((((^))))),c@x,#@x", "To: #@x,a@x,(" O_UML ")b@x,c@x,#@x",
	    "To: (" O_UML ")#@x",
	    "Cc: a@b (~ (" O_UML ")" O_UML "(" O_UML ")),#@x",
	    "Cc: a@b#(" O_UML ")", "Keywords: ^,#,^,^", "List-Id: ^<#.x>",
	    "Received: from # (" O_UML ") by b (^);(" O_UML ")#",
	    "Content-Type: a/b;#=y (" O_UML ");z=#", "Message-ID: <#@x>(^)"};
	struct fields_remarks remarks;
	struct text rest, line;
	struct buf in, out;
	size_t i, n;

	(void)state;
	for (i = 0; i < COUNT(fields); i++) {
		for (n = 1; n < 200; n++) {
			compose(fields[i], n, &in);
			repaired(buf_text(&in), false, &remarks, &out);
			rest = buf_text(&out);
			while (text_next_line(&rest, &line))
				if (line.len > 76 && has_word(line))
					fail_msg("%s", buf_string(&out));
			buf_clear(&in);
			buf_clear(&out);
		}
	}
}

static void
what_is_fit_is_not_touched(void **state)
{
	static const char input[] = "Subject : a =?x?q?a?=\n \n\tb\x01 \n"
				    "To: what <is, this\nX-" U_UML ": y\n";
	struct fields_remarks remarks = {0};
	struct message *m = parse(TEXT(input));
	struct error e;
	size_t i;

	(void)state;
	error_clear(&e);
	assert_int_equal(fields_repair(m, false, NULL, &remarks, &e), 0);
	assert_int_equal(message_field_count(m), 2);
	for (i = 0; i < message_field_count(m); i++)
		assert_null(message_field(m, i)->owned);
	message_free(m);
}

static void
fields_made_by_us_are_repaired(void **state)
{
	struct fields_remarks remarks = {0};
	struct message *m = parse(TEXT("X: y\n"));
	struct error e;

	(void)state;
	error_clear(&e);
	assert_int_equal(
	    message_append(m, "From", TEXT(O_UML " <a@x>"), &e), 0);
	assert_int_equal(fields_repair(m, false, NULL, &remarks, &e), 0);
	assert_int_equal(remarks.encoded, 1);
	assert_false(text_has_8bit(message_field(m, 1)->field.raw));
	assert_null(message_field(m, 0)->owned);
	message_free(m);
}

#define WIDE                                                                   \
	"=?utf-8?Q?a_name_of_which_the_line_is_full=2C_all_but?= <a@example.org>"

/* Where the lines end of what came in is not our business. */
static void
fields_made_by_us_end_their_lines(void **state)
{
	struct fields_remarks remarks = {0};
	struct message *m = parse(TEXT("To: xxxxx " WIDE "\n"));
	struct error e;

	(void)state;
	error_clear(&e);
	assert_int_equal(message_append(m, "Cc", TEXT(WIDE), &e), 0);
	assert_int_equal(message_append(m, "Reply-To", TEXT(WIDE), &e), 0);
	assert_int_equal(fields_repair(m, false, NULL, &remarks, &e), 0);
	assert_int_equal(remarks.encoded + remarks.folded, 0);
	assert_null(message_field(m, 0)->owned);
	assert_int_equal(message_field(m, 1)->field.raw.len, 4 + 71 + 2);
	assert_int_equal(message_field(m, 2)->field.raw.len, 10 + 71 + 4);
	message_free(m);
}

static void
remarks_count_fields(void **state)
{
	static const char input[] =
	    "A: " O_UML " " O_UML "\nB: " O_UML "\0\n\t\xf6 \0\n"
	    "Date: " O_UML " (" O_UML ")\nDate: " O_UML "\n";
	struct fields_remarks remarks;
	struct buf out;

	(void)state;
	repaired(TEXT(input), false, &remarks, &out);
	assert_int_equal(remarks.encoded, 3);
	assert_int_equal(remarks.replaced, 2);
	assert_int_equal(nuls, 1);
	assert_int_equal(remarks.folded, 0);
	buf_clear(&out);
}

static bool
is_white(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Adds a byte as a reader shows it: white space folded to one space. */
static void
show(struct buf *out, char c)
{
	if (c == '\0')
		return;
	if (is_white(c)) {
		if (out->len > 0 && out->at[out->len - 1] != ' ')
			buf_add_char(out, ' ');
		return;
	}
	if (text_has_control((struct text){&c, 1}))
		c = '?';
	buf_add_char(out, c);
}

static void
show_text(struct buf *out, struct text t)
{
	size_t i;

	for (i = 0; i < t.len; i++)
		show(out, t.at[i]);
}

/* Words, of which the encoded ones are decoded, and the white space between
 * two such goes. */
static void
decode_words(struct text t, struct buf *out)
{
	struct text charset, word;
	struct buf decoded;
	bool after = false;
	size_t blank, n;

	buf_init(&decoded, SIZE_MAX / 4);
	while (t.len > 0) {
		for (blank = 0; blank < t.len && is_white(t.at[blank]);)
			blank++;
		for (n = blank; n < t.len && !is_white(t.at[n]);)
			n++;
		word = text_skip(text_first(t, n), blank);
		buf_reset(&decoded);
		if (word.len > 0 &&
		    decode_word(word, &charset, &decoded) == word.len) {
			if (!after)
				show_text(out, text_first(t, blank));
			show_text(out, buf_text(&decoded));
			after = true;
		} else {
			show_text(out, text_first(t, n));
			after = false;
		}
		t = text_skip(t, n);
	}
	buf_clear(&decoded);
}

/* A value without NULs. */
static void
without_nul(struct text t, struct buf *out)
{
	size_t i;

	buf_init(out, SIZE_MAX / 4);
	for (i = 0; i < t.len; i++)
		if (t.at[i] != '\0')
			buf_add_char(out, t.at[i]);
}

/* What is between double quotes or parentheses, without backslashes. */
static void
unescape(struct text t, struct buf *out)
{
	size_t i;

	for (i = 0; i < t.len; i++) {
		if (t.at[i] == '\\' && i + 1 < t.len)
			i++;
		if (t.at[i] != '\r' && t.at[i] != '\n')
			buf_add_char(out, t.at[i]);
	}
}

/* Octets of what is enclosed at the start of t, 0 where nothing is. */
static size_t
enclosed(struct text t)
{
	size_t i, depth = 0;

	if (t.len == 0 || (t.at[0] != '"' && t.at[0] != '('))
		return 0;
	for (i = 0; i < t.len; i++) {
		if (t.at[i] == '\\')
			i++;
		else if (t.at[0] == '"' && i > 0 && t.at[i] == '"')
			return i + 1;
		else if (t.at[0] == '(' && t.at[i] == '(')
			depth++;
		else if (t.at[0] == '(' && t.at[i] == ')' && --depth == 0)
			return i + 1;
	}
	return 0;
}

/* The encoded word that the first word of t is, as a whole. */
static size_t
decode_whole_word(struct text t, struct buf *out)
{
	struct text charset;
	size_t n = decode_word(t, &charset, out);

	if (n == t.len || is_white(t.at[n]) || t.at[n] == '(')
		return n;
	buf_reset(out);
	return 0;
}

/* A display-name as a reader shows it; its comments go to `comments'. */
static void
decode_phrase(struct text t, struct buf *out, struct buf *comments)
{
	struct buf word;
	bool encoded, after = false, start = true;
	size_t n;

	buf_init(&word, SIZE_MAX / 4);
	for (; t.len > 0; t = text_skip(t, n)) {
		n = enclosed(t);
		if (is_white(t.at[0]) || (n > 0 && t.at[0] == '(')) {
			start = true;
			after = after && n == 0;
			buf_add_text(comments, text_first(t, n));
			n = n > 0 ? n : 1;
			continue;
		}
		buf_reset(&word);
		encoded = false;
		if (n > 0)
			unescape(text_skip(text_first(t, n - 1), 1), &word);
		else if (start)
			encoded = (n = decode_whole_word(t, &word)) > 0;
		if (start && !(after && encoded))
			show(out, ' ');
		if (n == 0)
			buf_add_char(&word, t.at[0]);
		n = n > 0 ? n : 1;
		show_text(out, buf_text(&word));
		after = encoded;
		start = false;
	}
	buf_clear(&word);
}

/* The text of comments without white space and parentheses. */
static void
decode_comments(struct text t, struct buf *out)
{
	struct buf words, shown;
	size_t i;

	buf_init(&words, SIZE_MAX / 4);
	buf_init(&shown, SIZE_MAX / 4);
	for (i = 0; i < t.len; i++) {
		if (t.at[i] == '(' || t.at[i] == ')') {
			buf_add_char(&words, ' ');
			continue;
		}
		if (t.at[i] == '\\' && i + 1 < t.len)
			i++;
		buf_add_char(&words, t.at[i]);
	}
	decode_words(buf_text(&words), &shown);
	for (i = 0; i < shown.len; i++)
		if (shown.at[i] != '(' && shown.at[i] != ')' &&
		    shown.at[i] != ' ')
			buf_add_char(out, shown.at[i]);
	buf_clear(&words);
	buf_clear(&shown);
}

/* One random case. */
struct trial {
	unsigned long long seed;
	unsigned long long state;
	bool utf8;
	struct buf input;
	struct buf output;
	struct message *before;
	struct message *after;
	struct fields_remarks remarks;
};

static void
fail_trial(const struct trial *t, const char *what)
{
	char shown[2000];

	print_error("seed %llu: %s\nin:  %s\n", t->seed, what,
	    text_visible(buf_text(&t->input), shown, sizeof(shown)));
	print_error("out: %s\n",
	    text_visible(buf_text(&t->output), shown, sizeof(shown)));
	fail();
}

#define CHECK(t, what)                                                         \
	do {                                                                   \
		if (!(what))                                                   \
			fail_trial(t, #what);                                  \
	} while (0)

static size_t
random_below(struct trial *t, size_t limit)
{
	t->state = t->state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (size_t)(t->state >> 33) % limit;
}

static const char *const names[] = {"Subject", "X-Y", "X-Cron-Env", "From",
    "To", "Cc", "Resent-From", "Sender", "Message-ID", "Received", "Keywords",
    "Content-Type", "Content-Disposition", "List-Id"};

/* Pieces without NUL, and those of a display-name. */
static const char *const pieces[] = {" ", " ", " ", "  ", "\t", "\n ", "\n\t",
    "a", "word", O_UML, O_UML U_UML, "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xff",
    "gr" U_UML "n",
    "=?utf-8?Q?=C3=B6?=", "=?utf-8?B?w7Y=?=", "=?iso-8859-1?q?a_b?=", "(", ")",
    "\"", "<", ">", ",", ";", ":", "@", ".", "\\", "=", "a@b.example", "<a@b>",
    "name=", "x*=", "?", "_", "=?", "?=", "\x01", "\x7f", "\n  \n ", "Bcc: e@x",
    "\nX: y", "%", "'"};

static void
add_word(struct trial *t, size_t octets)
{
	static const char *const units[] = {"x", O_UML, "\\ ", "=?", "a,", " "};
	const char *unit = units[random_below(t, COUNT(units))];
	size_t start = t->input.len;

	while (t->input.len < start + octets)
		buf_add_string(&t->input, unit);
}

static void
add_wild(struct trial *t)
{
	size_t n = random_below(t, 25);

	while (n-- > 0) {
		if (random_below(t, 40) == 0)
			buf_add_char(&t->input, '\0');
		if (random_below(t, 150) == 0)
			add_word(t, random_below(t, 2500));
		buf_add_string(
		    &t->input, pieces[random_below(t, COUNT(pieces))]);
	}
}

static void
add_phrase(struct trial *t)
{
	static const char *const words[] = {"a ", "\"b, c\" ", O_UML " ",
	    "\"" O_UML " \\\"x\" ", "=?utf-8?q?=C3=B6?= ", "J.", "(c) ", "\n ",
	    "\t", "(" O_UML " (\\)" U_UML "))", "\"a\"", U_UML,
	    " =?x?q?_a,_?= ", "\xf6 ", "(=?x?b?YQ==?= " O_UML " b)"};
	size_t n = random_below(t, 8);

	while (n-- > 0)
		buf_add_string(&t->input, words[random_below(t, COUNT(words))]);
}

static void
add_mailbox(struct trial *t)
{
	static const char *const specs[] = {"a@b", "\"a  b\"@c.example",
	    "x.y @ z (" O_UML ")", "a@b" U_UML ".example", "root", "@r:a@x",
	    "a@[192.0.2.1]", " a@b(" O_UML ")." U_UML "\n .example "};
	const char *spec = specs[random_below(t, COUNT(specs))];

	if (random_below(t, 20) == 0)
		buf_add_string(&t->input, "Gr" U_UML "ppe :");
	if (spec[0] != '@' && random_below(t, 3) == 0) {
		buf_add_string(&t->input, spec);
		return;
	}
	buf_add_string(&t->input, "a ");
	add_phrase(t);
	buf_format(&t->input, "<%s>", spec);
}

static void
add_mailboxes(struct trial *t)
{
	size_t n = random_below(t, 60);

	n = n < 50 ? n % 4 + 1 : n;
	while (n-- > 0) {
		add_mailbox(t);
		buf_add_string(&t->input, n > 0 ? "," : "");
	}
}

static void
add_parameters(struct trial *t)
{
	static const char *const values[] = {"a", "\"b;c\"", "\"" O_UML "\"",
	    U_UML, "\"\\\"" U_UML "\\\\\"", "\"x\n " O_UML "\"", "\"\xff\""};
	size_t i, n = random_below(t, 4);

	buf_add_string(&t->input, "a/b");
	for (i = 0; i < n; i++) {
		buf_format(&t->input, "; p%zu=%s", i,
		    values[random_below(t, COUNT(values))]);
	}
	if (random_below(t, 30) != 0)
		return;
	buf_add_string(&t->input, "; long=\"");
	for (n = random_below(t, 2500); n > 0; n--)
		buf_add_string(&t->input, n % 7 == 0 ? U_UML : " x");
	buf_add_string(&t->input, "\"");
}

static bool
has_addresses(struct text name)
{
	static const char *const of[] = {
	    "From", "To", "Cc", "Resent-From", "Sender"};
	size_t i;

	for (i = 0; i < COUNT(of); i++)
		if (text_equal(name, text_of(of[i])))
			return true;
	return false;
}

static void
add_field(struct trial *t)
{
	const char *name = names[random_below(t, COUNT(names))];
	bool wild = random_below(t, 2) == 0;

	buf_format(&t->input, "%s:", name);
	if (!wild && strncmp(name, "Content-", 8) == 0)
		add_parameters(t);
	else if (!wild && has_addresses(text_of(name)))
		add_mailboxes(t);
	else
		add_wild(t);
	buf_add_char(&t->input, '\n');
}

static bool
is_unstructured(const struct message_field *f)
{
	return header_is(&f->field, "Subject") ||
	       text_starts_fold(f->field.name, TEXT("X"));
}

static size_t
longest(struct text t)
{
	struct text line;
	size_t max = 0;

	while (text_next_line(&t, &line))
		if (line.len > max)
			max = line.len;
	return max;
}

/* The same text, or where a word was cut the same but for white space. */
static void
check_text(const struct trial *t, struct text old, struct text new, bool cut)
{
	struct buf a, b;
	size_t i, n;

	buf_init(&a, SIZE_MAX / 4);
	buf_init(&b, SIZE_MAX / 4);
	decode_words(old, &a);
	decode_words(new, &b);
	for (i = n = 0; cut && i < a.len; i++)
		if (a.at[i] != ' ')
			a.at[n++] = a.at[i];
	a.len = cut ? n : a.len;
	for (i = n = 0; cut && i < b.len; i++)
		if (b.at[i] != ' ')
			b.at[n++] = b.at[i];
	b.len = cut ? n : b.len;
	CHECK(t, text_equal(text_trim(buf_text(&a)), text_trim(buf_text(&b))));
	buf_clear(&a);
	buf_clear(&b);
}

/* What a list of addresses is to a reader. */
static bool
read_list(struct text value, bool utf8, struct buf *out)
{
	struct address_list list;
	struct address address;
	struct buf comments;
	struct error e;
	int result;

	error_clear(&e);
	buf_init(&comments, SIZE_MAX / 4);
	address_list_init(&list, value);
	while ((result = address_next(&list, &address)) == 1) {
		if (!utf8 && address.domain.len == 0 &&
		    text_has_8bit(address.local))
			break;
		decode_phrase(address.phrase, out, &comments);
		buf_add_char(out, '<');
		buf_add_text(out, address.local);
		buf_add_char(out, '@');
		if (utf8)
			buf_add_text(out, address.domain);
		else if (crypt_domain(address.domain, out, &e) == -1)
			buf_add_char(out, '!');
		buf_add_char(out, '>');
	}
	decode_comments(buf_text(&comments), out);
	buf_clear(&comments);
	return result == 0;
}

static void
check_addresses(const struct trial *t, struct text old, struct text new)
{
	struct buf a, b;

	buf_init(&a, SIZE_MAX / 4);
	buf_init(&b, SIZE_MAX / 4);
	if (read_list(old, t->utf8, &a)) {
		CHECK(t, read_list(new, t->utf8, &b));
		CHECK(t, text_equal(buf_text(&a), buf_text(&b)));
	}
	buf_clear(&a);
	buf_clear(&b);
}

/* Without its percent signs and quotes, RFC 2231 section 4. */
static void
read_extended(struct text value, bool first, struct buf *out)
{
	char hex[3] = "";
	size_t i;

	for (i = 0; first && i < 2; i++)
		value = text_skip(value, text_find(value, '\'') + 1);
	for (i = 0; i < value.len; i++) {
		if (value.at[i] != '%' || i + 2 >= value.len) {
			show(out, value.at[i]);
			continue;
		}
		memcpy(hex, value.at + i + 1, 2);
		show(out, (char)strtoul(hex, NULL, 16));
		i += 2;
	}
}

static void
read_parameter(struct text t, bool replaced, struct buf *out)
{
	struct text name = text_first(t, text_find(t, '='));
	size_t i, star = text_find(name, '*');
	bool first = star + 2 >= name.len || name.at[star + 1] == '0';
	struct buf plain;

	if (first) {
		buf_add_string(out, "; ");
		show_text(out, text_first(name, star));
		buf_add_char(out, '=');
	}
	t = text_skip(t, name.len + 1);
	if (star < name.len) {
		read_extended(t, first, out);
		return;
	}
	buf_init(&plain, SIZE_MAX / 4);
	if (t.len > 0 && t.at[0] == '"')
		unescape(text_skip(text_first(t, t.len - 1), 1), &plain);
	else
		buf_add_text(&plain, t);
	for (i = 0; i < plain.len; i++)
		if (replaced && (plain.at[i] & 0x80) != 0)
			plain.at[i] = '?';
	show_text(out, buf_text(&plain));
	buf_clear(&plain);
}

static void
read_parameters(struct text t, bool replaced, struct buf *out)
{
	bool quoted = false;
	size_t n;

	while (t.len > 0) {
		for (n = 0; n < t.len && (quoted || t.at[n] != ';'); n++) {
			if (t.at[n] == '\\')
				n++;
			else if (t.at[n] == '"')
				quoted = !quoted;
		}
		read_parameter(text_trim(text_first(t, n)), replaced, out);
		t = text_skip(t, n + 1);
	}
}

static void
check_parameters(const struct trial *t, struct text old, struct text new)
{
	struct buf a, b;

	buf_init(&a, SIZE_MAX / 4);
	buf_init(&b, SIZE_MAX / 4);
	read_parameters(old, !text_is_utf8(old), &a);
	read_parameters(new, false, &b);
	CHECK(t, text_equal(buf_text(&a), buf_text(&b)));
	buf_clear(&a);
	buf_clear(&b);
}

static bool
has_word(struct text line)
{
	struct text charset;
	struct buf out;
	size_t n = 0;

	buf_init(&out, SIZE_MAX / 4);
	for (; line.len > 0 && n == 0; line = text_skip(line, 1)) {
		line = text_skip(line, text_find(line, '='));
		n = decode_word(line, &charset, &out);
	}
	buf_clear(&out);
	return n > 0;
}

/* No white space parts the line; returns where its first word begins. */
static size_t
check_unparted(const struct trial *t, const struct message_field *f,
    struct text line, bool first)
{
	size_t i, start = first ? f->field.name.len + 1 : 0;

	while (start < line.len && is_white(line.at[start]))
		start++;
	for (i = start; i < line.len; i++)
		CHECK(t, !is_white(line.at[i]) || is_white(line.at[i - 1]) ||
			     line.at[i - 1] == '\\');
	return start;
}

/* A line over the limit is one that no white space parts; so is one over 76 of
 * those we wrote, where it has an encoded word. */
static void
check_line(const struct trial *t, const struct message_field *f,
    struct text line, bool first, bool ours)
{
	size_t start;

	if (ours && line.len > 76 && has_word(line))
		check_unparted(t, f, line, first);
	if (line.len <= LINES_MAX)
		return;
	start = check_unparted(t, f, line, first);
	CHECK(t, !is_unstructured(f) || line.at[start] == '=');
	CHECK(t, !first || line.len - start >= LINES_MAX);
}

static size_t
count_blank_lines(struct text t)
{
	struct text line;
	size_t n = 0;

	while (text_next_line(&t, &line))
		n += text_trim(line).len == 0;
	return n;
}

static void
check_bytes(const struct trial *t, const struct message_field *old,
    const struct message_field *new)
{
	struct text line, raw = new->field.raw;
	bool first = true, ours;

	/* What lost a NUL was not folded for that. */
	ours = !text_equal(old->field.raw, raw) &&
	       text_find(old->field.raw, '\0') == old->field.raw.len;

	CHECK(t, text_equal(old->field.name, new->field.name));
	CHECK(t, text_find(raw, '\0') == raw.len);
	CHECK(t, !text_has_8bit(raw) || (t->utf8 && text_is_utf8(raw)));
	CHECK(t, count_blank_lines(new->field.raw) <=
		     count_blank_lines(old->field.raw));
	for (; text_next_line(&raw, &line); first = false)
		check_line(t, new, line, first, ours);
}

static void
check_words(const struct trial *t, struct text raw)
{
	struct text charset;
	struct buf out;
	size_t n;

	buf_init(&out, SIZE_MAX / 4);
	for (; raw.len > 0; raw = text_skip(raw, 1)) {
		raw = text_skip(raw, text_find(raw, '='));
		buf_reset(&out);
		n = decode_word(raw, &charset, &out);
		if (n == 0 || (!text_equal(charset, TEXT("utf-8")) &&
				  !text_equal(charset, TEXT("unknown-8bit"))))
			continue;
		CHECK(t, n <= 75);
		CHECK(t, charset.len > 5 || text_is_utf8(buf_text(&out)));
	}
	buf_clear(&out);
}

static void
check_field(const struct trial *t, const struct message_field *old,
    const struct message_field *new)
{
	struct buf value;
	bool cut;

	check_bytes(t, old, new);
	check_words(t, new->field.raw);
	without_nul(old->field.value, &value);
	cut = longest(old->field.raw) > LINES_MAX;
	if (is_unstructured(old))
		check_text(t, buf_text(&value), new->field.value, cut);
	else if (text_starts_fold(old->field.value, TEXT("a/b")))
		check_parameters(t, buf_text(&value), new->field.value);
	else if (has_addresses(old->field.name))
		check_addresses(t, buf_text(&value), new->field.value);
	buf_clear(&value);
}

/* The second repair finds nothing to do. */
static void
check_again(const struct trial *t)
{
	struct fields_remarks remarks;
	struct buf again;

	repaired(buf_text(&t->output), t->utf8, &remarks, &again);
	CHECK(t, text_equal(buf_text(&again),
		     text_first(buf_text(&t->output), t->output.len - 2)));
	buf_clear(&again);
}

static void
check_trial(struct trial *t)
{
	size_t i, count = message_field_count(t->before);
	struct message *m;

	read_all(t->after, 4096, &t->output);
	m = parse(buf_text(&t->output));
	CHECK(t, message_field_count(m) == count);
	CHECK(t,
	    message_facts(m)->body_size == message_facts(t->before)->body_size);
	for (i = 0; i < count; i++)
		check_field(
		    t, message_field(t->before, i), message_field(m, i));
	check_again(t);
	message_free(m);
}

static void
try_one(unsigned long long seed)
{
	struct trial t = {.seed = seed, .state = seed};
	struct error e;
	size_t n;

	buf_init(&t.input, SIZE_MAX / 4);
	buf_init(&t.output, SIZE_MAX / 4);
	random_below(&t, 1);
	t.utf8 = random_below(&t, 4) == 0;
	for (n = random_below(&t, 3) + 1; n > 0; n--)
		add_field(&t);
	t.before = parse(buf_text(&t.input));
	t.after = parse(buf_text(&t.input));
	error_clear(&e);
	if (fields_drop_nul(t.after, &nuls, &e) == 0 &&
	    fields_repair(t.after, t.utf8, NULL, &t.remarks, &e) == 0)
		check_trial(&t);
	else
		CHECK(&t, e.kind == ERROR_MESSAGE && !t.utf8);
	buf_clear(&t.input);
	buf_clear(&t.output);
	message_free(t.before);
	message_free(t.after);
}

static void
any_header_is_mended(void **state)
{
	const char *first = getenv("SENDLING_SEED");
	unsigned long long seed, count;

	(void)state;
	count = getenv("SENDLING_NIGHTLY") != NULL ? 1000000 : 10000;
	seed = first != NULL ? strtoull(first, NULL, 10) : 1;
	for (; count > 0; count--)
		try_one(seed++);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(unstructured_fields),
	    cmocka_unit_test(address_fields),
	    cmocka_unit_test(structured_fields),
	    cmocka_unit_test(utf8_stays_where_the_server_takes_it),
	    cmocka_unit_test(nuls_are_removed),
	    cmocka_unit_test(addresses_that_need_utf8),
	    cmocka_unit_test(long_lines_are_folded),
	    cmocka_unit_test(long_lines_of_odd_kinds),
	    cmocka_unit_test(long_parameters_come_in_segments),
	    cmocka_unit_test(lines_with_encoded_words_have_76_octets),
	    cmocka_unit_test(what_is_fit_is_not_touched),
	    cmocka_unit_test(fields_made_by_us_are_repaired),
	    cmocka_unit_test(fields_made_by_us_end_their_lines),
	    cmocka_unit_test(remarks_count_fields),
	    cmocka_unit_test(any_header_is_mended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
