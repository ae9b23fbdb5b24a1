#include "../unit.h"

#include "base/mem.h"
#include "message/address.h"

/*
 * Each address is local|domain|phrase, with a line end between two of them;
 * a fault ends the list as "!" and part of its words.
 */
static const struct {
	const char *list;
	const char *expected;
} cases[] = {
    /* One mailbox. */
    {"a@b", "a|b|"},
    {"alice@example.org", "alice|example.org|"},
    {"  alice@example.org\t", "alice|example.org|"},
    {"<a@b>", "a|b|"},
    {"< a@b >", "a|b|"},
    {"Name <a@b>", "a|b|Name"},
    {"Name<a@b>", "a|b|Name"},
    {"First Last <a@b>", "a|b|First Last"},
    {"First  Last <a@b>", "a|b|First  Last"},
    {"\"x, y\" <a@b>", "a|b|\"x, y\""},
    {"\"x\"y <a@b>", "a|b|\"x\"y"},
    {"\"\" <a@b>", "a|b|\"\""},
    {"\"a \\\"q\\\" b\" <a@b>", "a|b|\"a \\\"q\\\" b\""},
    {"\"\\\\\" <a@b>", "a|b|\"\\\\\""},
    {"\"a@b\" <c@d>", "c|d|\"a@b\""},
    {"\"<a@b>\" <c@d>", "c|d|\"<a@b>\""},
    {"J. M\xc3\xbcller <a@b>", "a|b|J. M\xc3\xbcller"},
    {"J. M\xfcller <a@b>", "a|b|J. M\xfcller"},
    {".NET Team <a@b>", "a|b|.NET Team"},
    {"Dr. J. R. Doe, Jr <a@b>", "!no address"},
    {"J. Doe", "!no address"},
    {"J(x).Doe", "!no address"},
    {"-C/etc/shadow@x", "-C/etc/shadow|x|"},
    {"|cmd@x", "|cmd|x|"},
    {"#$%&'*+-/=?^_`{|}~!@b", "#$%&'*+-/=?^_`{|}~!|b|"},
    {"a.b.c@d.e.f", "a.b.c|d.e.f|"},
    {"a_b@c_d", "a_b|c_d|"},
    {"1@2", "1|2|"},

    /* No domain. */
    {"root", "root||"},
    {"root (Cron Daemon)", "root||"},
    {"(Cron Daemon) root", "root||"},
    {"<root>", "root||"},
    {"Cron Daemon <root>", "root||Cron Daemon"},
    {"\"root\"", "root||"},
    {"\"Cron Daemon\" <root>", "root||\"Cron Daemon\""},
    {"first.last", "first.last||"},
    {"root, bin", "root||\nbin||"},
    {"-bs", "-bs||"},
    {"|/bin/sh", "|/bin/sh||"},
    {"/etc/passwd", "/etc/passwd||"},

    /* The null reverse-path. */
    {"<>", "||"},
    {"< >", "||"},
    {"<(null)>", "||"},
    {"Mailer <>", "||Mailer"},
    {"<>, a@b", "||\na|b|"},

    /* Lists. */
    {"", ""},
    {" ", ""},
    {"(nobody)", ""},
    {",", ""},
    {",,,", ""},
    {" , (x) ,", ""},
    {"a@b,c@d", "a|b|\nc|d|"},
    {"a@b , c@d", "a|b|\nc|d|"},
    {"a@b,\r\n c@d", "a|b|\nc|d|"},
    {"a@b,\r\n\tc@d", "a|b|\nc|d|"},
    {",a@b,,c@d,", "a|b|\nc|d|"},
    {"a@b, c@d,\r\n e@f", "a|b|\nc|d|\ne|f|"},
    {"A <a@b>, \"B, C\" <c@d>, e@f", "a|b|A\nc|d|\"B, C\"\ne|f|"},
    {"a@b, a@b", "a|b|\na|b|"},

    /* Comments and folding white space. */
    {"a@b (x)", "a|b|"},
    {"(x) a@b", "a|b|"},
    {"a(x)@(y)b", "a|b|"},
    {"a (x) @ (y) b", "a|b|"},
    {"a\r\n @\r\n b", "a|b|"},
    {"a . b @ c . d", "a.b|c.d|"},
    {"a(1).(2)b(3)@(4)c(5).(6)d(7)", "a.b|c.d|"},
    {"(a(b(c)d)e)x@y", "x|y|"},
    {"(a\\)b) x@y", "x|y|"},
    {"(a\\(b) x@y", "x|y|"},
    {"(\"(\") x@y", "!comment is not closed"},
    {"(a, b) c@d", "c|d|"},
    {"(a@b) c@d", "c|d|"},
    {"a@b (c@d, e@f)", "a|b|"},
    {"() a@b", "a|b|"},
    {"(\r\n ) a@b", "a|b|"},
    {"(M\xfcller) a@b", "a|b|"},
    {"Name (x) <a@b> (y)", "a|b|Name"},
    {"(w) First (x) Last (y) <a@b>", "a|b|First (x) Last"},
    {"<(x)a@b(y)>", "a|b|"},
    {"Name\r\n <a@b>", "a|b|Name"},
    {"First\r\n Last <a@b>", "a|b|First\r\n Last"},
    {"a@[(x)1.2.3.4]", "!literal holds"},

    /* Quoted local-parts: quoted if and only if it must be. */
    {"\"a\"@b", "a|b|"},
    {"\"a.b\"@c", "a.b|c|"},
    {"\"a\".\"b\"@c", "a.b|c|"},
    {"a.\"b\".c@d", "a.b.c|d|"},
    {"\"a b\"@c", "\"a b\"|c|"},
    {"\"a b\".c@d", "\"a b.c\"|d|"},
    {"\"a@b\"@c", "\"a@b\"|c|"},
    {"\"a,b\"@c", "\"a,b\"|c|"},
    {"\"a\\b\"@c", "ab|c|"},
    {"\"a\\\\b\"@c", "\"a\\\\b\"|c|"},
    {"\"a\\\"b\"@c", "\"a\\\"b\"|c|"},
    {"\"\"@b", "\"\"|b|"},
    {"\".\"@b", "\".\"|b|"},
    {"\".a\"@b", "\".a\"|b|"},
    {"\"a.\"@b", "\"a.\"|b|"},
    {"\"a..b\"@c", "\"a..b\"|c|"},
    {"\" \"@b", "\" \"|b|"},
    {"\"a\r\n b\"@c", "\"a b\"|c|"},
    {"\"a(b)\"@c", "\"a(b)\"|c|"},
    {"\">\"@c", "\">\"|c|"},
    {"\"|cmd\"@x", "|cmd|x|"},
    {"<\"a b\"@c>", "\"a b\"|c|"},
    {"\"x y\"", "\"x y\"||"},
    {"\"a\tb\"@c", "!control"},
    {"\"a\" \"b\"@c", "!comma"},
    {"\"a\"b@c", "!comma"},

    /* Dots where the grammar has none, in addresses that exist. */
    {"foo.@docomo.ne.jp", "\"foo.\"|docomo.ne.jp|"},
    {"Name <foo.@docomo.ne.jp>, a@b", "\"foo.\"|docomo.ne.jp|Name\na|b|"},
    {".a@b", "\".a\"|b|"},
    {"a..b@c", "\"a..b\"|c|"},
    {"..a...b..@c", "\"..a...b..\"|c|"},
    {".@b", "\".\"|b|"},
    {"a\xc3\xbc.@b", "\"a\xc3\xbc.\"|b|"},
    {"a. @b", "\"a.\"|b|"},
    {"\"a\".@b", "\"a.\"|b|"},
    {"G: a.@b;", "\"a.\"|b|"},

    /* The dot of an absolute name is no part of a domain. */
    {"a@b.", "a|b|"},
    {"a@b.c.", "a|b.c|"},
    {"a@b.,c@d.", "a|b|\nc|d|"},
    {"a@b. (x)", "a|b|"},
    {"a@b (x) . (y)", "a|b|"},
    {"Name <a@b.>, <c@d. >", "a|b|Name\nc|d|"},
    {"G: a@b.;", "a|b|"},
    {"<@r.,@s.:a@b.>", "a|b|"},
    {"a.@b.", "\"a.\"|b|"},

    /* Domain literals. */
    {"a@[127.0.0.1]", "a|[127.0.0.1]|"},
    {"a@[IPv6:::1]", "a|[IPv6:::1]|"},
    {"a@[ 127.0.0.1 ]", "a|[127.0.0.1]|"},
    {"a@[127.\r\n 0.0.1]", "a|[127.0.0.1]|"},
    {"a@ [127.0.0.1] (x)", "a|[127.0.0.1]|"},
    {"a@[1\\2]", "a|[12]|"},
    {"<a@[127.0.0.1]>", "a|[127.0.0.1]|"},
    {"a@[]", "!literal is empty"},
    {"a@[ ]", "!literal is empty"},
    {"a@[b", "!literal is not closed"},
    {"a@[b\\]", "!literal is not closed"},
    {"a@[[b]", "!literal holds"},
    {"a@[b\\]c]", "!literal holds"},
    {"a@[b\\\\c]", "!literal holds"},
    {"a@[b@c]", "!literal holds"},
    {"a@[b>c]", "!literal holds"},
    {"a@[b\\ c]", "!literal holds"},
    {"a@[\\ ]", "!literal holds"},
    {"a@[b].c", "!dot"},
    {"a@b[c]", "!'['"},
    {"[a]@b", "!'['"},
    {"[Staff] <a@b>", "!'['"},

    /* Groups. */
    {"undisclosed-recipients:;", ""},
    {"undisclosed-recipients: ;", ""},
    {"undisclosed recipients:(none);", ""},
    {"G:,,;", ""},
    {"Group: a@b;", "a|b|"},
    {"Group: a@b, c@d;", "a|b|\nc|d|"},
    {"Group: a@b, c@d;, e@f", "a|b|\nc|d|\ne|f|"},
    {"Group: a@b,;, e@f", "a|b|\ne|f|"},
    {"x@y, Group: a@b;", "x|y|\na|b|"},
    {"\"A, B\": a@b;", "a|b|"},
    {"A B: C <a@b>;", "a|b|C"},
    {"J. Doe: a@b;", "a|b|"},
    {"G:;,H:;", ""},
    {"G: root;, H: <bin>;", "root||\nbin||"},
    {"G:;,", ""},
    {"G: a@b", "!group is not closed"},
    {"G:", "!group is not closed"},
    {"G: a@b,", "a|b|\n!group is not closed"},
    {"G: a@b; c@d", "!comma"},
    {"G: a@b;; c@d", "!semicolon"},
    {"G: H: a@b;;", "!inside a group"},
    {": a@b;", "!colon"},
    {"a@b;", "!semicolon"},
    {"a@b; c@d", "!semicolon"},
    {";", "!semicolon"},
    {"a:b@c:d;", "!colon"},
    {"<a:b@c>", "!colon"},

    /* Encoded words. */
    {"=?utf-8?q?M=2C_x?= <a@b>", "a|b|=?utf-8?q?M=2C_x?="},
    {"=?utf-8?q?M,_x?= <a@b>", "a|b|=?utf-8?q?M,_x?="},
    {"=?UTF-8?B?TcO8bGxlcg==?= <a@b>", "a|b|=?UTF-8?B?TcO8bGxlcg==?="},
    {"=?utf-8?q?M,?= =?utf-8?q?_x?= <a@b>",
	"a|b|=?utf-8?q?M,?= =?utf-8?q?_x?="},
    {"=?utf-8?q?M,?==?utf-8?q?_x?= <a@b>", "a|b|=?utf-8?q?M,?==?utf-8?q?_x?="},
    {"=?utf-8?q?M_(x)?= <a@b>, c@d", "a|b|=?utf-8?q?M_(x)?=\nc|d|"},
    {"=?utf-8*en?q?a;b:c?= <a@b>", "a|b|=?utf-8*en?q?a;b:c?="},
    {"=?ANSI_X3.4-1968?q?a,b?= <a@b>", "a|b|=?ANSI_X3.4-1968?q?a,b?="},
    {"x =?utf-8?q?,?= y <a@b>", "a|b|x =?utf-8?q?,?= y"},
    {"=?utf-8?q?a,b?=: c@d;", "c|d|"},
    {"=?utf-8?q?a?=@b", "=?utf-8?q?a?=|b|"},
    {"=?utf-8?q?a,b?=@c", "!encoded word"},
    {"a@=?utf-8?q?a,b?=", "!domain"},
    {"=?utf-8?q?a,b?=", "!encoded word"},
    {"=?utf-8?q?root?=", "!encoded word"},
    {"\"=?\"", "!encoded word"},
    {"<=?x>", "!encoded word"},
    {"=?utf-8?q?M, x?= <a@b>", "!encoded word"},
    {"=?utf-8?x?M,x?= <a@b>", "!encoded word"},
    {"=?=?=?=?@b", "=?=?=?=?|b|"},

    /* Obsolete routes. */
    {"<@a:b@c>", "b|c|"},
    {"<@a,@b:c@d>", "c|d|"},
    {"<@a, @b.c :d@e>", "d|e|"},
    {"<,@a,,@b,:c@d>", "c|d|"},
    {"<@[1.2.3.4]:c@d>", "c|d|"},
    {"Name <@a:b@c>", "b|c|Name"},
    {"<@a:root>", "root||"},
    {"<@a b@c>", "!comma"},
    {"<@a@b:c@d>", "!'@'"},
    {"<@a:>", "!local-part is empty"},
    {"<@:a@b>", "!domain"},
    {"<,:a@b>", "!colon"},
    {"<:a@b>", "!local-part is empty"},
    {"<@a>", "!'>'"},
    {"@a:b@c", "!local-part is empty"},

    /* No addresses. */
    {"a@b c@d", "!comma"},
    {"a@b\r\n c@d", "!comma"},
    {"<a@b> <c@d>", "!comma"},
    {"<a@b> c@d", "!comma"},
    {"<a@b> x", "!comma"},
    {"a@b <a@b>", "!comma"},
    {"a@b \"x\"", "!comma"},
    {"a b", "!comma"},
    {"Name a@b", "!comma"},
    {"Name a@b, c@d", "!comma"},
    {"c@d, Name a@b", "c|d|\n!comma"},
    {"a@", "!domain"},
    {"a@,b@c", "!domain"},
    {"<a@>", "!domain"},
    {"a@;", "!domain"},
    {"@b", "!local-part is empty"},
    {"@", "!local-part is empty"},
    {"<@b>", "!'>'"},
    {"a@b@c", "!'@'"},
    {"a@@b", "!domain"},
    {"<a@b@c>", "!'@'"},
    {"a@b..", "!domain"},
    {"a@.", "!domain"},
    {"a@.b", "!domain"},
    {"a@b..c", "!domain"},
    {"a@[1.2.3.4].", "!dot"},
    {"a@b.\"c\"", "!domain"},
    {"a@\"b\"", "!domain"},
    {"Hello... a@b", "!no address"},
    {"a . .b@c", "!no address"},
    {".a", "!dot"},
    {"a..b", "!dot"},
    {"<a.>", "!dot"},
    {".", "!dot"},
    {"a.", "!dot"},
    {"\"a@b", "!quoted string is not closed"},
    {"\"a\\\"@b", "!quoted string is not closed"},
    {"\"a\\", "!quoted string is not closed"},
    {"a@b, \"", "a|b|\n!quoted string is not closed"},
    {"(a@b", "!comment is not closed"},
    {"a@b (", "!comment is not closed"},
    {"(()", "!comment is not closed"},
    {"(a\\)", "!comment is not closed"},
    {"a@b)", "!')'"},
    {"()) a@b", "!')'"},
    {"<a@b", "!'<' is not closed"},
    {"<", "!"},
    {"Name <", "!"},
    {"Name <a@b, c@d", "!comma"},
    {"<<a@b>>", "!"},
    {"a@b>", "!'>'"},
    {">", "!'>'"},
    {"a@b> SIZE=1 AUTH=<x", "!'>'"},
    {"<a@b>>", "!'>'"},
    {"<a@b>,<c@d", "a|b|\n!not closed"},
    {"<a@b c@d>", "!comma"},
    {"<a@b, c@d>", "!comma"},
    {"<a b@c>", "!comma"},
    {"a\\b@c", "!backslash"},
    {"a@b\\", "!backslash"},
    {"]", "!']'"},
    {"a@b\n", "!control"},
    {"a@b\r\n", "!control"},
    {"a@b\r\nRCPT TO:<c@d>", "!control"},
    {"a@b\rc@d", "!control"},
    {"a@b\nc@d", "!control"},
    {"a\x01@b", "!control"},
    {"\x7f@b", "!control"},
    {"a@b\x1b", "!control"},
    {"\"a\nb\"@c", "!control"},
    {"\"a\r\nb\"@c", "!control"},
    {"\"a\\\r\n b\"@c", "!control"},
    {"\"\x1b\" <a@b>", "!control"},
    {"(\n) a@b", "!control"},
    {"(\\\x01) a@b", "!control"},
    {"a@[\n]", "!control"},
    {"Na\x01me <a@b>", "!control"},

    /* Addresses beyond ASCII, RFC 6532. */
    {"m\xc3\xbcller@example.org", "m\xc3\xbcller|example.org|"},
    {"a@m\xc3\xbcller.example", "a|m\xc3\xbcller.example|"},
    {"\"m\xc3\xbc x\"@b", "\"m\xc3\xbc x\"|b|"},
    {"\xe6\x9c\xa8 <\xe6\x9c\xa8@\xe6\x9c\xa8>",
	"\xe6\x9c\xa8|\xe6\x9c\xa8|\xe6\x9c\xa8"},
    {"m\xfcller@example.org", "!UTF-8"},
    {"a@m\xfcller.example", "!UTF-8"},
    {"a\xc3@\xbc", "!UTF-8"},

    /* RFC 5322, appendix A. */
    {"John Doe <jdoe@machine.example>", "jdoe|machine.example|John Doe"},
    {"\"Joe Q. Public\" <john.q.public@example.com>",
	"john.q.public|example.com|\"Joe Q. Public\""},
    {"Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>",
	"mary|x.test|Mary Smith\njdoe|example.org|\none|y.test|Who?"},
    {"<boss@nil.test>, \"Giant; \\\"Big\\\" Box\" "
     "<sysservices@example.net>",
	"boss|nil.test|\n"
	"sysservices|example.net|\"Giant; \\\"Big\\\" Box\""},
    {"A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;",
	"c|a.test|Ed Jones\njoe|where.test|\njdoe|one.test|John"},
    {"Undisclosed recipients:;", ""},
    {"\"Mary Smith: Personal Account\" <smith@home.example>",
	"smith|home.example|\"Mary Smith: Personal Account\""},
    {"Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>",
	"pete|silly.test|Pete"},
    {"A Group(Some people)\r\n     :Chris Jones <c@(Chris's host.)public"
     ".example>,\r\n         joe@example.org,\r\n  John <jdoe@one.test> (my "
     "dear friend); (the end of the group)",
	"c|public.example|Chris Jones\njoe|example.org|\n"
	"jdoe|one.test|John"},
    {"(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;", ""},
    {"Joe Q. Public <john.q.public@example.com>",
	"john.q.public|example.com|Joe Q. Public"},
    {"Mary Smith <@node.test:mary@example.net>, , jdoe@test  . example",
	"mary|example.net|Mary Smith\njdoe|test.example|"},
    {"John Doe <jdoe@machine(comment).  example>",
	"jdoe|machine.example|John Doe"},
};

static void
add_address(const struct address *address, struct buf *out)
{
	if (out->len > 0)
		buf_add_char(out, '\n');
	buf_add_text(out, address->local);
	buf_add_char(out, '|');
	buf_add_text(out, address->domain);
	buf_add_char(out, '|');
	buf_add_text(out, address->phrase);
}

/* Walks the list; the addresses are appended to out. */
static int
walk(struct address_list *list, struct text input, struct buf *out)
{
	struct address address;
	int result;

	address_list_init(list, input);
	while ((result = address_next(list, &address)) == 1)
		add_address(&address, out);
	return result;
}

static void
check_case(const char *input, const char *expected)
{
	struct address_list list;
	struct buf out;
	const char *words;
	size_t before;

	buf_init(&out, 65536);
	words = strchr(expected, '!');
	if (words != NULL && words > expected && words[-1] != '\n')
		words = NULL;
	if (walk(&list, text_of(input), &out) == -1) {
		if (words == NULL || strstr(list.fault, words + 1) == NULL)
			fail_msg("%s: fault: %s", input, list.fault);
		assert_true(list.fault_at <= strlen(input));
		before = words == expected ? 0 : (size_t)(words - expected) - 1;
		assert_int_equal(out.len, before);
		assert_memory_equal(buf_string(&out), expected, before);
	} else {
		if (words != NULL)
			fail_msg(
			    "%s: no fault, but %s", input, buf_string(&out));
		if (strcmp(buf_string(&out), expected) != 0)
			fail_msg("%s: gives %s", input, buf_string(&out));
	}
	buf_clear(&out);
}

static void
lists(void **state)
{
	size_t i;

	(void)state;
	assert_true(sizeof(cases) / sizeof(cases[0]) >= 150);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_case(cases[i].list, cases[i].expected);
}

static void
fault_stays(void **state)
{
	struct address_list list;
	struct address address;

	(void)state;
	address_list_init(&list, TEXT("a@b, c d, e@f"));
	assert_int_equal(address_next(&list, &address), 1);
	assert_int_equal(address_next(&list, &address), -1);
	assert_int_equal(list.fault_at, 7);
	assert_int_equal(address_next(&list, &address), -1);
}

static void
end_stays(void **state)
{
	struct address_list list;
	struct address address;

	(void)state;
	address_list_init(&list, TEXT("a@b"));
	assert_int_equal(address_next(&list, &address), 1);
	assert_int_equal(address_next(&list, &address), 0);
	assert_int_equal(address_next(&list, &address), 0);
}

static void
nul_is_a_fault(void **state)
{
	static const struct text inputs[] = {{"a\0@b", 4}, {"\0", 1},
	    {"a@b\0", 4}, {"\"\0\"@b", 5}, {"(\0)a@b", 6}, {"a@[\0]", 5},
	    {"=?x?q?\0?= <a@b>", 16}};
	struct address_list list;
	struct address address;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
		address_list_init(&list, inputs[i]);
		assert_int_equal(address_next(&list, &address), -1);
	}
}

/* Replacing the spec in the field must leave the rest as it was written. */
static void
spec_is_what_can_be_replaced(void **state)
{
	static const struct {
		const char *input, *replaced;
	} specs[] = {
	    {"root", "X"},
	    {" root (Cron Daemon) ", " X (Cron Daemon) "},
	    {"(a) b(c)@d (e)", "(a) X (e)"},
	    {"\"a\" . b @ [ 1 ]", "X"},
	    {"Name < root >", "Name < X >"},
	    {"Name <(x)a@b(y)>", "Name <(x)X(y)>"},
	    {"<@r:a@b>", "<@r:X>"},
	    {"G: root;", "G: X;"},
	    {"<>", "<X>"},
	    {"a\r\n @b", "X"},
	    {"Name <.a@b.> (x)", "Name <X> (x)"},
	    {"a@b . (x), c@d", "X (x), c@d"},
	};
	struct address_list list;
	struct address address;
	struct text input;
	struct buf out;
	size_t i;

	(void)state;
	buf_init(&out, 4096);
	for (i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
		input = text_of(specs[i].input);
		address_list_init(&list, input);
		assert_int_equal(address_next(&list, &address), 1);
		buf_reset(&out);
		buf_add(&out, input.at, (size_t)(address.spec.at - input.at));
		buf_add_char(&out, 'X');
		buf_add_string(&out, address.spec.at + address.spec.len);
		assert_string_equal(buf_string(&out), specs[i].replaced);
	}
	buf_clear(&out);
}

static void
one_mailbox(void **state)
{
	static const struct {
		const char *input, *expected; /* NULL: a fault */
	} ones[] = {
	    {"a@b", "a@b"},
	    {"Name <a@b>", "a@b"},
	    {"<>", ""},
	    {"root", "root"},
	    {" (x) \"a b\"@c (y)", "\"a b\"@c"},
	    {"", NULL},
	    {" (x)", NULL},
	    {"a@b,", NULL},
	    {",a@b", NULL},
	    {"a@b, c@d", NULL},
	    {"a@b c@d", NULL},
	    {"G: a@b;", NULL},
	    {"G:;", NULL},
	    {"a@b;", NULL},
	    {"a@b@c", NULL},
	};
	struct address_list list;
	struct address address;
	struct buf out;
	size_t i;
	int result;

	(void)state;
	buf_init(&out, 4096);
	for (i = 0; i < sizeof(ones) / sizeof(ones[0]); i++) {
		result =
		    address_parse_one(&list, text_of(ones[i].input), &address);
		assert_int_equal(result, ones[i].expected == NULL ? -1 : 0);
		assert_true((result == -1) == (list.fault != NULL));
		buf_reset(&out);
		if (result == 0) {
			assert_int_equal(address_format(&address, &out), 0);
			assert_string_equal(buf_string(&out), ones[i].expected);
		}
	}
	buf_clear(&out);
}

static void
add_times(struct buf *out, const char *what, size_t times)
{
	while (times-- > 0)
		buf_add_string(out, what);
}

static int
parse_length(size_t local, const char *quote, size_t domain)
{
	struct address_list list;
	struct address address;
	struct buf in;
	int result;

	buf_init(&in, 4096);
	buf_add_string(&in, quote);
	add_times(&in, "a", local);
	buf_add_string(&in, quote);
	buf_add_char(&in, '@');
	add_times(&in, "b", domain);
	result = address_parse_one(&list, buf_text(&in), &address);
	buf_clear(&in);
	return result;
}

static void
limits(void **state)
{
	(void)state;
	/* Of a local-part alone the server is the judge. */
	assert_int_equal(parse_length(65, "", 1), 0);
	assert_int_equal(parse_length(252, "", 1), 0);
	assert_int_equal(parse_length(253, "", 1), -1);
	assert_int_equal(parse_length(252, "\"", 1), 0);
	assert_int_equal(parse_length(253, "\"", 1), -1);
	assert_int_equal(parse_length(250, "\" ", 1), -1);
	assert_int_equal(parse_length(248, "\" ", 1), 0);
	assert_int_equal(parse_length(1, "", 252), 0);
	assert_int_equal(parse_length(1, "", 253), -1);
	assert_int_equal(parse_length(64, "", 189), 0);
	assert_int_equal(parse_length(64, "", 190), -1);
	assert_int_equal(parse_length(1, "", 256), -1);
	assert_int_equal(parse_length(1, "", 3000), -1);
	assert_int_equal(parse_length(3000, "", 1), -1);
	assert_int_equal(parse_length(0, "", 1), -1);
}

/* Quadratic work on these would take hours. */
static void
large_lists(void **state)
{
	static const struct {
		const char *first, *repeated, *last;
		size_t times;
		int result;
		size_t count;
	} large[] = {
	    {"", ",", "", 1000000, 0, 0},
	    {"a@b", ",", "c@d", 1000000, 0, 2},
	    {"", "G:;,", "", 1000000, 0, 0},
	    {"", ";", "", 1000000, -1, 0},
	    {"G:", ",", ";", 1000000, 0, 0},
	    {"", "(", "", 1000000, -1, 0},
	    {"a@b ((", "(x)", "))", 1000000, 0, 1},
	    {"", "\\", "", 1000000, -1, 0},
	    {"", "\"", "", 1000000, -1, 0},
	    {"", "\"\"", "<a@b>", 1000000, 0, 1},
	    {"", "=?", "@b", 1000000, -1, 0},
	    {"", "=?x?q?", "@b", 1000000, -1, 0},
	    {"", "=?x?q?,?=", "<a@b>", 500000, 0, 1},
	    {"", "a ", "<a@b>", 1000000, 0, 1},
	    {"", ".", "<a@b>", 1000000, 0, 1},
	    {"", "a.", "a@b", 1000000, -1, 0},
	    {"a@b", ".c", "", 1000000, -1, 0},
	    {"<", "@a,", ":b@c>", 1000000, 0, 1},
	    {"a@[", "1", "]", 1000000, -1, 0},
	    {"", "\r\n ", "a@b", 1000000, 0, 1},
	    {"", "<", "", 1000000, -1, 0},
	    {"", "recipient@example.org,\r\n ", "", 100000, 0, 100000},
	};
	struct address_list list;
	struct address address;
	struct buf in;
	size_t count, i;
	int result;

	(void)state;
	buf_init(&in, 64 * 1024 * 1024);
	for (i = 0; i < sizeof(large) / sizeof(large[0]); i++) {
		buf_reset(&in);
		buf_add_string(&in, large[i].first);
		add_times(&in, large[i].repeated, large[i].times);
		buf_add_string(&in, large[i].last);
		address_list_init(&list, buf_text(&in));
		for (count = 0; (result = address_next(&list, &address)) == 1;
		     count++)
			continue;
		if (result != large[i].result)
			fail_msg("%s...: %s", large[i].repeated, list.fault);
		assert_int_equal(count, large[i].count);
	}
	buf_clear(&in);
}

static void
deep_comment(void **state)
{
	struct address_list list;
	struct address address;
	struct buf in;

	(void)state;
	buf_init(&in, 1024 * 1024);
	add_times(&in, "(", 100000);
	add_times(&in, ")", 100000);
	buf_add_string(&in, "a@b");
	assert_int_equal(address_parse_one(&list, buf_text(&in), &address), 0);
	assert_true(text_equal(address.spec, TEXT("a@b")));
	buf_clear(&in);
}

static void
mailboxes_written(void **state)
{
	static const struct {
		const char *name, *spec, *expected; /* NULL: refused */
	} mailboxes[] = {
	    {"", "a@b", "a@b"},
	    {"Alice", "a@b", "Alice <a@b>"},
	    {"Alice B Cooper", "a@b", "Alice B Cooper <a@b>"},
	    {"J. Doe", "a@b", "\"J. Doe\" <a@b>"},
	    {"Doe, J", "a@b", "\"Doe, J\" <a@b>"},
	    {"a \"b\" \\", "a@b", "\"a \\\"b\\\" \\\\\" <a@b>"},
	    {"a  b", "a@b", "\"a  b\" <a@b>"},
	    {" a", "a@b", "\" a\" <a@b>"},
	    {"a ", "a@b", "\"a \" <a@b>"},
	    {"x <c@d>", "a@b", "\"x <c@d>\" <a@b>"},
	    {"=?utf-8?q?M=C3=BC?=", "a@b", "=?utf-8?q?M=C3=BC?= <a@b>"},
	    {"M\xc3\xbcller", "a@b", NULL},
	    {"x\nBcc: e@x", "a@b", NULL},
	    {"x\r\n y", "a@b", NULL},
	    {"x\ty", "a@b", NULL},
	    {"x", "a@b\r\nBcc: e@x", NULL},
	};
	struct buf out;
	size_t i;
	int result;

	(void)state;
	buf_init(&out, 4096);
	for (i = 0; i < sizeof(mailboxes) / sizeof(mailboxes[0]); i++) {
		buf_reset(&out);
		result = address_format_mailbox(text_of(mailboxes[i].name),
		    text_of(mailboxes[i].spec), &out);
		if (mailboxes[i].expected == NULL) {
			assert_int_equal(result, -1);
			assert_int_equal(out.len, 0);
			continue;
		}
		assert_int_equal(result, 0);
		assert_string_equal(buf_string(&out), mailboxes[i].expected);
	}
	buf_clear(&out);
}

static void
full_buffer_is_told(void **state)
{
	struct address address = {
	    .local = TEXT("local"), .domain = TEXT("domain")};
	struct buf out;

	(void)state;
	buf_init(&out, 8);
	assert_int_equal(address_format(&address, &out), -1);
	buf_reset(&out);
	assert_int_equal(
	    address_format_mailbox(TEXT("Name"), TEXT("a@b"), &out), -1);
	buf_clear(&out);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lists),
	    cmocka_unit_test(fault_stays),
	    cmocka_unit_test(end_stays),
	    cmocka_unit_test(nul_is_a_fault),
	    cmocka_unit_test(spec_is_what_can_be_replaced),
	    cmocka_unit_test(one_mailbox),
	    cmocka_unit_test(limits),
	    cmocka_unit_test(large_lists),
	    cmocka_unit_test(deep_comment),
	    cmocka_unit_test(mailboxes_written),
	    cmocka_unit_test(full_buffer_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
