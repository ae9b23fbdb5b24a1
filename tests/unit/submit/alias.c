#include "../unit.h"

#include <time.h>

#include "base/mem.h"
#include "submit/alias.h"

#define D10 "dddddddddd"
#define D60 D10 D10 D10 D10 D10 D10

/* What an expansion gave, "a b@x"; a list has one file for each path. */
struct given {
	struct buf addresses;
	const char *refused; /* add() fails for this one */
};

static int
add(void *arg, const struct address *address, struct error *e)
{
	struct given *g = arg;
	size_t start;

	if (g->addresses.len > 0)
		buf_add_char(&g->addresses, ' ');
	start = g->addresses.len;
	buf_add_text(&g->addresses, address->local);
	if (address->domain.len > 0) {
		buf_add_char(&g->addresses, '@');
		buf_add_text(&g->addresses, address->domain);
	}
	if (g->refused != NULL &&
	    strcmp(buf_string(&g->addresses) + start, g->refused) == 0)
		return error_set(e, ERROR_RECIPIENT, NULL, "not this one");
	return 0;
}

static bool
is_local(void *arg, struct text domain)
{
	(void)arg;
	return text_equal_fold(domain, TEXT("home.example"));
}

static int
read_fake(void *arg, const char *path, struct buf *out, struct error *e)
{
	static const struct {
		const char *path;
		const char *bytes;
	} lists[] = {
	    {"/staff", "# a comment, with a comma\n\nann@x, bob@x\r\n"
		       "  \"Carol, C.\" <carol@x>,\n\t# another\ndan"},
	    {"/own", "own\nann@x\n"},
	    {"/marked", "\xef\xbb\xbf"
			"ann@x, bob@x\n"},
	    {"/marked-comment", "\xef\xbb\xbf# a comment\nann@x\n"},
	    {"/again", ":include:/again, :include:/staff\n"},
	    {"/empty", "# nobody\n"},
	    {"/wrong", "ann@x\nann secret word\n"},
	    {"/program", "\n\n\"|secret\"\n"},
	    {"/secret", "root:$6$secret:1:0:99999:7:::\n"},
	    {"/a b", "ann@x"},
	};
	size_t i;

	(void)arg;
	for (i = 0; i < COUNT(lists); i++)
		if (strcmp(path, lists[i].path) == 0)
			return buf_add_string(out, lists[i].bytes);
	error_set(e, ERROR_INPUT, NULL, "%s: no such list", path);
	return error_hint(e, "make it");
}

static const struct alias_source fake = {read_fake, NULL};

static struct alias_map *
parse_fine(const char *file)
{
	struct alias_map *map = alias_new();
	struct error e;

	error_clear(&e);
	if (alias_parse(map, "aliases", text_of(file), NULL, &e) == -1)
		fail_msg("%s: %s", file, e.text);
	return map;
}

static int
expand(const struct alias_map *map, const char *name, struct given *g,
    struct error *e)
{
	const struct alias_visitor visitor = {add, is_local, g, NULL};
	struct address_list list;
	struct address address;
	int result;

	buf_init(&g->addresses, SIZE_MAX / 4);
	assert_int_equal(address_parse_one(&list, text_of(name), &address), 0);
	result = alias_expand(map, &address, &fake, &visitor, e);
	return result;
}

static const struct {
	const char *file;
	const char *name;
	const char *expected; /* NULL: no alias */
} expansions[] = {
    {"root: alice@x", "root", "alice@x"},
    {"root: alice@x", "alice", NULL},
    {"", "root", NULL},
    {"# nothing\n\n  \t\n", "root", NULL},
    {"root:alice@x", "root", "alice@x"},
    {"root :\talice@x  \n", "root", "alice@x"},
    {"root: alice, bob@example.org", "root", "alice bob@example.org"},
    {"root: alice,,bob@x,", "root", "alice bob@x"},
    /* Case. */
    {"Root: Alice@X", "rOOT", "Alice@X"},
    {"root: ALICE\nalice: a@x", "root", "a@x"},
    /* Line ends, comments, continuation lines. */
    {"a: b@x\r\nroot: alice@x,\r\n\tbob@x\r\n", "root", "alice@x bob@x"},
    {"\xef\xbb\xbfroot: alice@x", "root", "alice@x"},
    {"root:\n alice@x\n\t, bob@x\nc: d@x", "root", "alice@x bob@x"},
    {"root: alice@x,\n# in between, nobody@x\n\n  # and here\n bob@x\n", "root",
	"alice@x bob@x"},
    {"#root: bob@x\nroot: alice@x", "root", "alice@x"},
    {"root: alice@x (the boss, today), bob@x", "root", "alice@x bob@x"},
    /* Quotes. */
    {"\"root\": alice@x", "root", "alice@x"},
    {"root: alice@x", "\"root\"", "alice@x"},
    {"\"a b\": alice@x", "\"A B\"", "alice@x"},
    {"\"a:b\": alice@x", "\"a:b\"", "alice@x"},
    {"\"a\\\"b\": alice@x", "\"a\\\"b\"", "alice@x"},
    {"root: \"a, b\"@x, c@x", "root", "\"a, b\"@x c@x"},
    {"root: \"Alice, A.\" <alice@x>, Bob <bob@x>", "root", "alice@x bob@x"},
    {"root: \"alice\"\nalice: a@x", "root", "a@x"},
    {"root: \"alice\" <alice@x>,\n \"b,\n c\" <d@x>", "root", "alice@x d@x"},
    {"j\xc3\xb6rg: alice@x", "j\xc3\xb6rg", "alice@x"},
    {"a.b+c_d-e/f: alice@x", "a.b+c_d-e/f", "alice@x"},
    {"root: -f@x", "root", "-f@x"},
    {"root: foo.@docomo.ne.jp, \"foo.\"@docomo.ne.jp.", "root",
	"\"foo.\"@docomo.ne.jp"},
    {"root: /C=de/S=x/@gate.example", "root", "/C=de/S=x/@gate.example"},
    /* Nested, each once. */
    {"root: admin\nadmin: alice, bob@x\nalice: a@x", "root", "a@x bob@x"},
    {"a: b, c\nb: d@x, c\nc: d@x, e@x", "a", "d@x e@x"},
    {"root: a@x, a@X, A@x, a@x", "root", "a@x A@x"},
    {"root: alice, alice, \\alice", "root", "alice"},
    /* Loops end, and an alias that names itself keeps the name. */
    {"alice: alice, alice@backup.example", "alice",
	"alice alice@backup.example"},
    {"alice: ALICE, a@x", "alice", "ALICE a@x"},
    {"a: b, a@x\nb: c, b@x\nc: a, c@x", "a", "c@x b@x a@x"},
    {"root: alice\nalice: alice, root, a@x", "root", "alice a@x"},
    /* Not expanded further. */
    {"alice: \\alice, bob\nbob: b@x", "alice", "alice b@x"},
    {"root: \\bob\nbob: b@x", "root", "bob"},
    {"root: \\bob\ndefault: b@x", "root", "bob"},
    {"root: \\bob@home.example\nbob: b@x", "root", "bob@home.example"},
    /* This machine's own domain. */
    {"root: alice@x", "root@home.example", "alice@x"},
    {"root: alice@x", "ROOT@Home.Example", "alice@x"},
    {"root: alice@x", "root@x", NULL},
    {"root: alice@home.example\nalice: a@x", "root", "a@x"},
    {"root: alice@x\nalice: a@x", "root", "alice@x"},
    {"root: root@home.example", "root", "root@home.example"},
    {"root: root@home.example", "root@home.example", "root@home.example"},
    /* `default'. */
    {"default: d@x\nroot: alice@x", "root", "alice@x"},
    {"default: d@x\nroot: alice@x", "bob", "d@x"},
    {"default: d@x\nroot: alice, b@x", "root", "d@x b@x"},
    {"default: d@x\nroot: alice, bob", "root", "d@x"},
    {"default: d@x", "default", "d@x"},
    {"default: d@x", "bob@home.example", NULL},
    {"default: d@x\nroot: bob@home.example", "root", "bob@home.example"},
    {"default: postmaster", "bob", "postmaster"},
    {"default: root\nroot: alice", "bob", "alice"},
    {"DEFAULT: root\nroot: a@x", "bob", "a@x"},
    /* Lists. */
    {"all: :include:/staff", "all", "ann@x bob@x carol@x dan"},
    {"all: \":include:/staff\"\ndan: d@x", "all", "ann@x bob@x carol@x d@x"},
    {"all: :include:/marked", "all", "ann@x bob@x"},
    {"all: :include:/marked-comment", "all", "ann@x"},
    {"all: :INCLUDE: /staff, eve@x", "all", "ann@x bob@x carol@x dan eve@x"},
    {"all: \":include:/a b\"", "all", "ann@x"},
    {"all: :include:/again", "all", "ann@x bob@x carol@x dan"},
    {"a: b, c\nb: :include:/staff\nc: :include:/staff", "a",
	"ann@x bob@x carol@x dan"},
    {"own: :include:/own", "own", "own ann@x"},
    {"a: :include:/empty, b@x", "a", "b@x"},
    /* What cannot be used hurts nobody who does not use it. */
    {"a: |/bin/false\nb: /dev/null\nc: :include:/missing\nroot: r@x", "root",
	"r@x"},
};

static void
names_expand(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(expansions); i++) {
		struct alias_map *map = parse_fine(expansions[i].file);
		struct given g = {.refused = NULL};
		const char *given;
		struct error e;
		int result;

		error_clear(&e);
		result = expand(map, expansions[i].name, &g, &e);
		given = buf_string(&g.addresses);
		if (result != (expansions[i].expected != NULL))
			fail_msg(
			    "%s: %d %s", expansions[i].file, result, e.text);
		if (strcmp(given, result == 1 ? expansions[i].expected : "") !=
		    0)
			fail_msg("%s: %s", expansions[i].file, given);
		buf_clear(&g.addresses);
		alias_free(map);
	}
}

/* Faults of the file: the whole text, or its beginning. */
static const struct {
	const char *file;
	const char *says;
} file_faults[] = {
    {"root alice@x", "aliases:1: no colon"},
    {"\n# c\nroot: a@x\n\nbob\n", "aliases:5: no colon"},
    {"root: a@x\n(x: b@x", "aliases:2: no colon"},
    {" root: a@x", "aliases:1: the line begins with a space"},
    {": a@x", "aliases:1: `' is no name of an alias: "},
    {"a b: c@x", "aliases:1: `a b' is no name of an alias: "},
    {"a@x: c@x", "aliases:1: `a@x' is no name of an alias: it must be a"},
    {"<>: c@x", "aliases:1: `<>' is no name of an alias: it must be a"},
    {D60 D60 D60 D60 D10 "dddd: c@x",
	"aliases:1: `" D60 D10 D10 "' is no name of an alias: an address is "
	"longer"},
    {"root.: c@x", "aliases:1: `root.' is no name of an alias: a name"},
    {"root:", "aliases:1: the alias `root' has no value"},
    {"root: ,\n , \n", "aliases:1: the alias `root' has no value"},
    {"a: b@x\nroot: alice bob\n", "aliases:2: `alice bob' is no address: "},
    {"root: a@x # the boss\n", "aliases:1: `a@x # the boss' is no address: "},
    {"root: a@x,\r\n# c\r\n b@x,\r\n c@@x\r\n", "aliases:4: `c@@x' is no"},
    {"root: <>", "aliases:1: `<>' is no address: it is empty"},
    {"root: \\", "aliases:1: `' is no address: "},
    {"root: \"alice", "aliases:1: `\"alice' is no address: "},
    {"root: a@x\rb: c@x", "aliases:1: `a@x\\x0db: c@x' is no address: "},
    {"root: :include:staff", "aliases:1: `:include:staff' does not name"},
    {"root: x.", "aliases:1: `x.' is no address: a name without a domain"},
    {"root: :include:", "aliases:1: `:include:' does not name"},
};

static void
faults_name_file_and_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(file_faults); i++) {
		struct alias_map *map = alias_new();
		struct error e;

		error_clear(&e);
		assert_int_equal(alias_parse(map, "aliases",
				     text_of(file_faults[i].file), NULL, &e),
		    -1);
		assert_int_equal(e.kind, ERROR_CONFIG);
		if (strncmp(e.text, file_faults[i].says,
			strlen(file_faults[i].says)) != 0)
			fail_msg("%s: %s", file_faults[i].file, e.text);
		assert_false(text_has_control(text_of(e.text)));
		alias_free(map);
	}
}

static void
nul_and_size_are_faults(void **state)
{
	struct alias_map *map = alias_new();
	struct error e;
	struct buf large;

	(void)state;
	error_clear(&e);
	assert_int_equal(
	    alias_parse(map, "f", TEXT("a: b@x\nc: d\0@x\n"), NULL, &e), -1);
	assert_string_equal(e.text, "f:2: the line holds a NUL byte");

	buf_init(&large, ALIAS_SIZE_MAX + 1);
	buf_add_string(&large, "a: b@x\n#");
	while (large.len < ALIAS_SIZE_MAX)
		buf_add_char(&large, 'x');
	error_clear(&e);
	assert_int_equal(alias_parse(map, "f", buf_text(&large), NULL, &e), 0);
	buf_add_char(&large, 'x');
	error_clear(&e);
	assert_int_equal(alias_parse(map, "f", buf_text(&large), NULL, &e), -1);
	assert_int_equal(e.kind, ERROR_CONFIG);
	assert_non_null(strstr(e.text, "larger than 4194304 bytes"));
	buf_clear(&large);
	alias_free(map);
}

/* Faults that come up when `root' is expanded; and what is not told. */
static const struct {
	const char *file;
	const char *given;
	const char *says;
} use_faults[] = {
    {"a: b@x\nroot: c@x,\n |/bin/false -x", "c@x",
	"aliases:3: `|/bin/false -x' is a command or a file"},
    {"root: \"|/bin/sh -c 'a, b'\"", "",
	"aliases:1: `\"|/bin/sh -c 'a, b'\"' is a command or a file"},
    {"root: |\"/bin/vacation, root\"", "", "aliases:1: `|\"/bin/vacation, "},
    {"root: /dev/null", "", "aliases:1: `/dev/null' is a command or a file"},
    {"root: \"/var/mail/x\"", "", "aliases:1: `\"/var/mail/x\"' is a command"},
    {"root: \"/var/mail/x@y\"", "", "aliases:1: `\"/var/mail/x@y\"' is a"},
    {"root: Name <|sh>", "", "aliases:1: `Name <|sh>' is a command"},
    {"root: \\|sh", "", "aliases:1: `\\|sh' is a command"},
    {"root: a\na: b\nb: |sh", "", "aliases:3: `|sh' is a command"},
    {"\nroot: :include:/missing", "",
	"aliases:2: the list cannot be read: /missing: no such list"},
    {"root: :include:/wrong", "ann@x", "/wrong:2: a value is no address: "},
    {"root: :include:/program", "", "/program:3: a value is a command or a"},
    {"root: :include:/secret", "", "/secret:1: a value is no address: "},
    {"root: :include:/empty", "", "aliases:1: the alias `root' leads to no"},
    {"root: a\na: root", "", "aliases:1: the alias `root' leads to no"},
};

static void
faults_come_up_in_use(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(use_faults); i++) {
		struct alias_map *map = parse_fine(use_faults[i].file);
		struct given g = {.refused = NULL};
		struct error e;

		error_clear(&e);
		assert_int_equal(expand(map, "root", &g, &e), -1);
		assert_int_equal(e.kind, ERROR_CONFIG);
		if (strncmp(e.text, use_faults[i].says,
			strlen(use_faults[i].says)) != 0)
			fail_msg("%s: %s", use_faults[i].file, e.text);
		assert_string_equal(
		    buf_string(&g.addresses), use_faults[i].given);
		assert_null(strstr(e.text, "$6$"));
		assert_null(strstr(e.text, "word"));
		buf_clear(&g.addresses);
		alias_free(map);
	}
}

static void
hints_of_a_source_are_kept(void **state)
{
	struct alias_map *map = parse_fine("root: :include:/missing");
	struct given g = {.refused = NULL};
	struct error e;

	(void)state;
	error_clear(&e);
	assert_int_equal(expand(map, "root", &g, &e), -1);
	assert_string_equal(e.hint, "make it");
	buf_clear(&g.addresses);
	alias_free(map);
}

static void
lists_need_a_source(void **state)
{
	struct alias_map *map = parse_fine("root: :include:/staff");
	const struct address root = {.local = TEXT("root")};
	struct given g = {.refused = NULL};
	const struct alias_visitor visitor = {add, NULL, &g, NULL};
	struct error e;

	(void)state;
	error_clear(&e);
	buf_init(&g.addresses, 100);
	assert_int_equal(alias_expand(map, &root, NULL, &visitor, &e), -1);
	assert_int_equal(e.kind, ERROR_CONFIG);
	buf_clear(&g.addresses);
	alias_free(map);
}

static void
failures_to_add_are_kept(void **state)
{
	struct alias_map *map = parse_fine("root: a@x, b\nb: c@x, d@x");
	struct given g = {.refused = "c@x"};
	struct error e;

	(void)state;
	error_clear(&e);
	assert_int_equal(expand(map, "root", &g, &e), -1);
	assert_int_equal(e.kind, ERROR_RECIPIENT);
	assert_string_equal(buf_string(&g.addresses), "a@x c@x");
	buf_clear(&g.addresses);
	alias_free(map);
}

/* a0: a1, a1: a2, ...; the last stands for z@x. */
static int
expand_chain(int length, struct error *e)
{
	struct given g = {.refused = NULL};
	struct alias_map *map;
	struct buf file;
	int i, result;

	buf_init(&file, SIZE_MAX / 4);
	for (i = 0; i < length - 1; i++)
		buf_format(&file, "a%d: a%d\n", i, i + 1);
	buf_format(&file, "a%d: z@x\n", i);
	map = parse_fine(buf_string(&file));
	result = expand(map, "a0", &g, e);
	assert_string_equal(buf_string(&g.addresses), result == 1 ? "z@x" : "");
	buf_clear(&g.addresses);
	buf_clear(&file);
	alias_free(map);
	return result;
}

static void
depth_is_limited(void **state)
{
	struct error e;

	(void)state;
	error_clear(&e);
	assert_int_equal(expand_chain(ALIAS_DEPTH_MAX, &e), 1);
	assert_int_equal(expand_chain(ALIAS_DEPTH_MAX + 1, &e), -1);
	assert_int_equal(e.kind, ERROR_CONFIG);
	assert_string_equal(
	    e.text, "aliases:32: aliases stand for aliases more than 32 deep");
}

/* Two files count as one. */
static void
files_add_up(void **state)
{
	struct alias_map *map = parse_fine("root: alice\nbob: b@x\n");
	struct given g = {.refused = NULL};
	struct error e;

	(void)state;
	error_clear(&e);
	assert_int_equal(
	    alias_parse(map, "more", TEXT("alice: a@x, bob\n"), NULL, &e), 0);
	assert_int_equal(expand(map, "root", &g, &e), 1);
	assert_string_equal(buf_string(&g.addresses), "a@x b@x");
	buf_clear(&g.addresses);
	alias_free(map);
}

static void
note_fault(void *arg, const struct error *fault)
{
	buf_format(arg, "%s; ", fault->text);
}

/* What is removed with one that stands again is no value of another. */
static void
of_a_name_the_first_counts(void **state)
{
	static const char file[] = "root: alice\nbob: b@x, c@x\n"
				   "Bob: d@x, bob\nalice: a@x\nroot: e@x\n";
	struct alias_map *map = parse_fine(file);
	struct given g = {.refused = NULL};
	struct buf told;
	const struct alias_faults faults = {note_fault, &told};
	struct error e;

	(void)state;
	error_clear(&e);
	assert_int_equal(expand(map, "bob", &g, &e), 1);
	assert_string_equal(buf_string(&g.addresses), "b@x c@x");
	buf_clear(&g.addresses);
	assert_int_equal(expand(map, "root", &g, &e), 1);
	assert_string_equal(buf_string(&g.addresses), "a@x");
	buf_clear(&g.addresses);
	assert_int_equal(
	    alias_parse(map, "more", TEXT("\nBOB: x@\n"), NULL, &e), -1);
	assert_non_null(strstr(e.text, "more:2: `x@' is no address"));
	alias_free(map);

	map = alias_new();
	buf_init(&told, 1000);
	error_clear(&e);
	assert_int_equal(alias_parse(map, "f", text_of(file), &faults, &e), -1);
	assert_string_equal(buf_string(&told),
	    "f:3: the alias `Bob' is there already, at f:2, which counts; "
	    "f:5: the alias `root' is there already, at f:1, which counts; ");
	buf_clear(&told);
	alias_free(map);
}

/* Every name once, and one alias for them all: time that grew with the square
 * would be minutes. */
static void
many_aliases_are_linear(void **state)
{
	const int count = 100000;
	struct given g = {.refused = NULL};
	struct alias_map *map;
	struct buf file;
	struct error e;
	clock_t start = clock();
	char last[40];
	int i;

	(void)state;
	error_clear(&e);
	buf_init(&file, ALIAS_SIZE_MAX);
	for (i = 0; i < count; i++)
		buf_format(&file, "n%d:%d@x\n", (i * 7919) % count, i);
	buf_add_string(&file, "all:");
	for (i = 0; i < count; i++)
		buf_format(&file, "n%d,\n ", i);
	buf_add_char(&file, '\n');
	assert_false(file.full);
	map = parse_fine(buf_string(&file));
	assert_int_equal(expand(map, "all", &g, &e), 1);
	snprintf(last, sizeof(last), " %d@x", count - 1);
	assert_non_null(strstr(buf_string(&g.addresses), last));
	assert_true((clock() - start) / CLOCKS_PER_SEC < 20);
	buf_clear(&g.addresses);
	buf_clear(&file);
	alias_free(map);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names_expand),
	    cmocka_unit_test(faults_name_file_and_line),
	    cmocka_unit_test(nul_and_size_are_faults),
	    cmocka_unit_test(faults_come_up_in_use),
	    cmocka_unit_test(hints_of_a_source_are_kept),
	    cmocka_unit_test(lists_need_a_source),
	    cmocka_unit_test(failures_to_add_are_kept),
	    cmocka_unit_test(depth_is_limited),
	    cmocka_unit_test(files_add_up),
	    cmocka_unit_test(of_a_name_the_first_counts),
	    cmocka_unit_test(many_aliases_are_linear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
