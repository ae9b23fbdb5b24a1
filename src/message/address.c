#include "message/address.h"

#include <string.h>

/* A special stands for itself. */
enum {
	TOKEN_END = 0,
	TOKEN_ATOM = 'a',
	TOKEN_QUOTED = '"',
	TOKEN_LITERAL = '['
};

struct token {
	char kind;
	bool encoded; /* an atom only as an encoded word: holds specials */
	size_t at;
	size_t end;
};

/* Words and dots in a row: a phrase or a local-part; the next special tells
 * which. What speaks against a local-part is kept until then. */
struct run {
	char local[ADDRESS_LOCAL_MAX + 1]; /* without its quoting; one octet
					    * over the limit is kept */
	size_t len;
	bool after_word;
	bool gap; /* white space or comments inside */
	size_t at;
	size_t end; /* 0 while the run is empty */
	const char *fault;
	size_t fault_at;
};

struct walk {
	struct address_list *list;
	struct token next;
	bool single; /* exactly one mailbox is expected */
};

static const char no_comma[] = "a comma is missing between two addresses";
static const char control[] =
    "a control character or a line end stands in an address";

void
address_list_init(struct address_list *list, struct text input)
{
	memset(list, 0, sizeof(*list));
	list->input = input;
}

static int
fault(struct address_list *list, size_t at, const char *words)
{
	list->fault = words;
	list->fault_at = at;
	return -1;
}

/* What has no room is seen as too long by `check_lengths'. */
static void
keep(struct address_list *list, char c)
{
	if (list->len < sizeof(list->scratch))
		list->scratch[list->len++] = c;
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t';
}

static bool
is_control(char c)
{
	return (unsigned char)c < 32 || c == 127;
}

static bool
is_special(char c)
{
	return c != '\0' && strchr("()<>[]:;@\\,.\"", c) != NULL;
}

/* atext of RFC 5322 section 3.2.3, with the 8-bit bytes of RFC 6532. */
static bool
is_atext(char c)
{
	return !is_control(c) && c != ' ' && !is_special(c);
}

/* The byte at a place; NUL, which no rule accepts, behind the end. */
static char
byte_at(const struct address_list *list, size_t at)
{
	return at < list->input.len ? list->input.at[at] : '\0';
}

static bool
is_fold(const struct address_list *list, size_t at)
{
	return byte_at(list, at) == '\r' && byte_at(list, at + 1) == '\n' &&
	       is_space(byte_at(list, at + 2));
}

/* One byte between delimiters, or a quoted-pair, or the CRLF of a fold. */
static int
skip_enclosed(struct address_list *list)
{
	if (is_fold(list, list->at)) {
		list->at += 2;
		return 0;
	}
	if (list->input.at[list->at] == '\\')
		list->at++;
	if (list->at == list->input.len)
		return 0;
	if (is_control(list->input.at[list->at]) &&
	    list->input.at[list->at] != '\t')
		return fault(list, list->at, control);
	list->at++;
	return 0;
}

static int
skip_comment(struct address_list *list)
{
	size_t depth, start;
	char c;

	start = list->at;
	depth = 0;
	while (list->at < list->input.len) {
		c = list->input.at[list->at];
		if (c == '(')
			depth++;
		if (skip_enclosed(list) == -1)
			return -1;
		if (c == ')' && --depth == 0)
			return 0;
	}
	return fault(list, start, "a comment is not closed");
}

static int
skip_cfws(struct address_list *list)
{
	for (;;) {
		if (is_space(byte_at(list, list->at)))
			list->at++;
		else if (is_fold(list, list->at))
			list->at += 3;
		else if (byte_at(list, list->at) != '(')
			return 0;
		else if (skip_comment(list) == -1)
			return -1;
	}
}

static int
lex_enclosed(struct address_list *list, char last, const char *unclosed)
{
	size_t start;
	char c;

	start = list->at++;
	while (list->at < list->input.len) {
		c = list->input.at[list->at];
		if (skip_enclosed(list) == -1)
			return -1;
		if (c == last)
			return 0;
	}
	return fault(list, start, unclosed);
}

static bool
is_charset(char c)
{
	return c != '?' && (is_atext(c) || c == '.' || c == ':');
}

static bool
is_encoded_text(char c)
{
	return !is_control(c) && c != ' ' && c != '?';
}

/*
 * Octets of the encoded word at a place, or 0 (RFC 2047 section 2). Writers
 * leave specials in the encoded text that the RFC forbids in a phrase. No
 * part may hold '?', so that failed tries cost linear time in all.
 */
static size_t
encoded_word(const struct address_list *list, size_t start)
{
	size_t at;
	char c;

	if (byte_at(list, start) != '=' || byte_at(list, start + 1) != '?')
		return 0;
	for (at = start + 2; is_charset(byte_at(list, at)); at++)
		continue;
	c = text_lower(byte_at(list, at + 1));
	if (byte_at(list, at) != '?' || (c != 'q' && c != 'b') ||
	    byte_at(list, at + 2) != '?')
		return 0;
	for (at += 3; is_encoded_text(byte_at(list, at)); at++)
		continue;
	if (byte_at(list, at) != '?' || byte_at(list, at + 1) != '=')
		return 0;
	return at + 2 - start;
}

static void
lex_atom(struct address_list *list, struct token *t)
{
	size_t end;

	while (is_atext(byte_at(list, list->at))) {
		end = list->at + encoded_word(list, list->at);
		if (end == list->at)
			end++;
		for (; list->at < end; list->at++) {
			if (!is_atext(list->input.at[list->at]))
				t->encoded = true;
		}
	}
}

/* Reads the next token into w->next; list->at is behind it then. */
static int
lex(struct walk *w)
{
	struct address_list *list = w->list;
	struct token *t = &w->next;
	int result = 0;
	char c;

	if (skip_cfws(list) == -1)
		return -1;
	*t = (struct token){.kind = TOKEN_END, .at = list->at};
	if (list->at < list->input.len) {
		c = list->input.at[list->at];
		t->kind = is_special(c) ? c : TOKEN_ATOM;
		if (is_control(c))
			return fault(list, list->at, control);
		if (c == '"')
			result = lex_enclosed(
			    list, '"', "a quoted string is not closed");
		else if (c == '[')
			result = lex_enclosed(
			    list, ']', "a domain literal is not closed");
		else if (is_special(c))
			list->at++;
		else
			lex_atom(list, t);
	}
	t->end = list->at;
	return result;
}

/* What is wrong with a token where none of its kind may stand; the last row
 * is for words and all else. */
static const struct {
	char kind;
	const char *words;
} unexpected[] = {
    {TOKEN_END, "an address ends too early"},
    {'<', "a comma is missing between two addresses, or a display-name with "
	  "an '@' does not stand in quotes"},
    {TOKEN_LITERAL, "a '[' stands where no domain does; in a display-name it "
		    "must stand in quotes"},
    {'@', "an '@' stands where no address has one"},
    {';', "a semicolon stands outside a group; addresses are separated by "
	  "commas"},
    {':', "a colon stands behind what is no name of a group"},
    {'>', "a '>' stands without its '<'"},
    {')', "a ')' stands without its '('"},
    {']', "a ']' stands without its '['"},
    {'\\', "a backslash stands outside quotes"},
    {'.', "a dot stands where no address has one"},
    {TOKEN_ATOM, no_comma},
};

static int
fault_unexpected(struct walk *w)
{
	size_t i, last = sizeof(unexpected) / sizeof(unexpected[0]) - 1;

	for (i = 0; i < last && unexpected[i].kind != w->next.kind; i++)
		continue;
	return fault(w->list, w->next.at, unexpected[i].words);
}

static void
run_fault(struct run *run, size_t at, const char *words)
{
	if (run->fault != NULL)
		return;
	run->fault = words;
	run->fault_at = at;
}

static void
run_byte(struct run *run, char c)
{
	if (run->len < sizeof(run->local))
		run->local[run->len++] = c;
}

static void
run_quoted(const struct address_list *list, struct token t, struct run *run)
{
	size_t at;

	for (at = t.at + 1; at < t.end - 1; at++) {
		if (is_fold(list, at))
			at += 2;
		if (list->input.at[at] == '\\')
			at++;
		if (is_control(list->input.at[at]))
			run_fault(run, at, control);
		run_byte(run, list->input.at[at]);
	}
}

static void
run_word(const struct address_list *list, struct token t, struct run *run)
{
	size_t at;

	if (run->after_word)
		run_fault(run, t.at, no_comma);
	if (t.encoded)
		run_fault(run, t.at, "an encoded word is no address");
	run->after_word = true;
	if (t.kind == TOKEN_QUOTED) {
		run_quoted(list, t, run);
		return;
	}
	for (at = t.at; at < t.end; at++)
		run_byte(run, list->input.at[at]);
}

static void
run_dot(struct token t, struct run *run)
{
	if (!run->after_word)
		run_fault(run, t.at,
		    "a local-part begins with a dot or has two in a row; "
		    "such a one must stand in quotes");
	run->after_word = false;
	run_byte(run, '.');
}

static int
read_run(struct walk *w, struct run *run)
{
	bool gap = false;

	memset(run, 0, sizeof(*run));
	run->at = w->next.at;
	for (;;) {
		if (run->end > 0 && run->end != w->next.at)
			gap = true;
		if (w->next.kind == '.')
			run_dot(w->next, run);
		else if (w->next.kind == TOKEN_ATOM ||
			 w->next.kind == TOKEN_QUOTED)
			run_word(w->list, w->next, run);
		else
			return 0;
		run->gap = gap;
		run->end = w->next.end;
		if (lex(w) == -1)
			return -1;
	}
}

static bool
is_dot_atom(struct text t)
{
	size_t i;

	for (i = 0; i < t.len; i++) {
		if (t.at[i] == '.' && (i == 0 || t.at[i - 1] == '.'))
			return false;
		if (t.at[i] != '.' && !is_atext(t.at[i]))
			return false;
	}
	return t.len > 0 && t.at[t.len - 1] != '.';
}

static int
add_quoted(struct text t, struct buf *out)
{
	size_t i;

	buf_add_char(out, '"');
	for (i = 0; i < t.len; i++) {
		if (t.at[i] == '"' || t.at[i] == '\\')
			buf_add_char(out, '\\');
		buf_add_char(out, t.at[i]);
	}
	return buf_add_char(out, '"');
}

/* The run turned out to be a local-part: its normalised form. */
static int
finish_local(struct address_list *list, const struct run *run)
{
	struct text local = {run->local, run->len};
	bool quoted = !is_dot_atom(local);
	size_t i;

	if (run->end == 0)
		return fault(list, run->at, "the local-part is empty");
	if (run->fault != NULL)
		return fault(list, run->fault_at, run->fault);
	if (!run->after_word)
		return fault(list, run->end - 1,
		    "a local-part ends in a dot; such a one must stand in "
		    "quotes");
	list->len = 0;
	if (quoted)
		keep(list, '"');
	for (i = 0; i < local.len; i++) {
		if (local.at[i] == '"' || local.at[i] == '\\')
			keep(list, '\\');
		keep(list, local.at[i]);
	}
	if (quoted)
		keep(list, '"');
	if (list->len > ADDRESS_LOCAL_MAX)
		return fault(
		    list, run->at, "a local-part is longer than 64 octets");
	return 0;
}

static int
add_literal(struct address_list *list, struct token t)
{
	size_t at, before;
	char c;

	keep(list, '[');
	before = list->len;
	for (at = t.at + 1; at < t.end - 1; at++) {
		if (is_fold(list, at))
			at += 2;
		c = list->input.at[at];
		if (is_space(c))
			continue;
		if (c == '\\')
			c = list->input.at[++at];
		/* Narrower than dtext: the rest is in no address literal of
		 * RFC 5321 section 4.1.3 and could end a command's path. */
		if (!is_atext(c) && c != '.' && c != ':')
			return fault(list, at,
			    "a domain literal holds what no address of a "
			    "host has");
		keep(list, c);
	}
	if (list->len == before)
		return fault(list, t.at, "a domain literal is empty");
	keep(list, ']');
	return 0;
}

static int
add_domain_atom(struct address_list *list, struct token t)
{
	size_t at;

	if (t.kind == TOKEN_END || t.kind == '>' || t.kind == ',')
		return fault(
		    list, t.at, "a domain is missing or ends in a dot");
	if (t.kind != TOKEN_ATOM || t.encoded)
		return fault(
		    list, t.at, "what stands behind the '@' is no domain");
	for (at = t.at; at < t.end; at++)
		keep(list, list->input.at[at]);
	return 0;
}

/* Appends the normalised domain to the scratch; *end is behind it. What was
 * left out as too long is seen by `full`. */
static int
read_domain(struct walk *w, size_t *end)
{
	if (w->next.kind == TOKEN_LITERAL) {
		*end = w->next.end;
		if (add_literal(w->list, w->next) == -1)
			return -1;
		return lex(w);
	}
	for (;;) {
		*end = w->next.end;
		if (add_domain_atom(w->list, w->next) == -1 || lex(w) == -1)
			return -1;
		if (w->next.kind != '.')
			return 0;
		keep(w->list, '.');
		if (lex(w) == -1)
			return -1;
	}
}

static int
check_lengths(
    struct address_list *list, size_t at, const struct address *address)
{
	if (address->domain.len > ADDRESS_DOMAIN_MAX)
		return fault(list, at, "a domain is longer than 255 octets");
	if (address->local.len + 1 + address->domain.len > ADDRESS_PATH_MAX)
		return fault(list, at, "an address is longer than 254 octets");
	return 0;
}

/* A local-part without a domain is no RFC 5322: nothing obsolete in it, or
 * half of "J. Doe, Jr <a@b>" would be one. */
static int
check_bare(struct address_list *list, const struct run *run)
{
	if (run->gap)
		return fault(list, run->at,
		    "words are no address; a display-name with a comma must "
		    "stand in quotes");
	if (text_starts_fold(
		(struct text){list->scratch, list->len}, TEXT("=?")))
		return fault(list, run->at, "an encoded word is no address");
	return 0;
}

/* The run is a local-part; what follows it is read here. */
static int
read_spec(struct walk *w, const struct run *run, struct address *address)
{
	struct address_list *list = w->list;
	size_t end = run->end, local;

	if (finish_local(list, run) == -1)
		return -1;
	local = list->len;
	if (w->next.kind != '@' && check_bare(list, run) == -1)
		return -1;
	if (w->next.kind == '@' && (lex(w) == -1 || read_domain(w, &end) == -1))
		return -1;
	address->spec = (struct text){list->input.at + run->at, end - run->at};
	address->local = (struct text){list->scratch, local};
	address->domain =
	    (struct text){list->scratch + local, list->len - local};
	if (check_lengths(list, run->at, address) == -1)
		return -1;
	if (!text_is_utf8(address->local) || !text_is_utf8(address->domain))
		return fault(
		    list, run->at, "an address holds bytes that are no UTF-8");
	return 0;
}

/* obs-route of RFC 5322 section 4.4: read and forgotten. */
static int
skip_route(struct walk *w)
{
	size_t end = 0;

	while (w->next.kind != ':' || end == 0) {
		if (w->next.kind == '@') {
			w->list->len = 0;
			if (lex(w) == -1 || read_domain(w, &end) == -1)
				return -1;
			if (w->next.kind != ',' && w->next.kind != ':')
				return fault_unexpected(w);
		} else if (w->next.kind != ',')
			return fault_unexpected(w);
		else if (lex(w) == -1)
			return -1;
	}
	return lex(w);
}

/* angle-addr; w->next is the '<'. */
static int
read_angle(struct walk *w, struct address *address)
{
	struct address_list *list = w->list;
	struct run run;
	size_t start = w->next.at;

	if (lex(w) == -1)
		return -1;
	if (w->next.kind == '>') {
		address->spec = (struct text){list->input.at + w->next.at, 0};
		return lex(w);
	}
	if ((w->next.kind == '@' || w->next.kind == ',') && skip_route(w) == -1)
		return -1;
	if (read_run(w, &run) == -1 || read_spec(w, &run, address) == -1)
		return -1;
	if (w->next.kind == TOKEN_END)
		return fault(list, start, "a '<' is not closed");
	if (w->next.kind != '>')
		return fault_unexpected(w);
	return lex(w);
}

static int
check_group_closed(struct address_list *list)
{
	if (list->in_group)
		return fault(
		    list, list->at, "a group is not closed with a semicolon");
	return 0;
}

/* The ';' was read: an element ends here as a whole. */
static int
close_group(struct walk *w)
{
	if (!w->list->in_group)
		return fault_unexpected(w);
	w->list->in_group = false;
	if (lex(w) == -1)
		return -1;
	if (w->next.kind != ',' && w->next.kind != TOKEN_END)
		return fault_unexpected(w);
	return 0;
}

/* Behind a mailbox; a comma that ends it has been read then. */
static int
end_element(struct walk *w)
{
	if (w->next.kind == TOKEN_END)
		return check_group_closed(w->list);
	if (w->next.kind == ';')
		return close_group(w);
	if (w->next.kind != ',')
		return fault_unexpected(w);
	if (w->single)
		return fault(w->list, w->next.at,
		    "more than one address stands where one is expected");
	return 0;
}

static int
read_mailbox(struct walk *w, const struct run *run, struct address *address)
{
	int result;

	memset(address, 0, sizeof(*address));
	if (w->next.kind == '<') {
		if (run->end > 0)
			address->phrase = (struct text){
			    w->list->input.at + run->at, run->end - run->at};
		result = read_angle(w, address);
	} else
		result = read_spec(w, run, address);
	return result == -1 || end_element(w) == -1 ? -1 : 1;
}

static int
open_group(struct walk *w)
{
	if (w->list->in_group)
		return fault(
		    w->list, w->next.at, "a group stands inside a group");
	if (w->single)
		return fault(w->list, w->next.at,
		    "a group stands where one address is expected");
	w->list->in_group = true;
	return 0;
}

/* What stands between mailboxes: 1 when w->next begins none. */
static int
skip_between(struct walk *w, const struct run *run)
{
	if (w->next.kind == ':' && run->end > 0)
		return open_group(w) == -1 ? -1 : 1;
	if (run->end > 0 || w->next.kind == '<' || w->next.kind == '@')
		return 0;
	return end_element(w) == -1 ? -1 : 1;
}

static int
next_address(struct address_list *list, bool single, struct address *address)
{
	struct walk w = {.list = list, .single = single};
	struct run run;
	int between;

	if (list->fault != NULL)
		return -1;
	do {
		if (lex(&w) == -1 || read_run(&w, &run) == -1)
			return -1;
		between = skip_between(&w, &run);
		if (between == 0)
			return read_mailbox(&w, &run, address);
	} while (between == 1 && w.next.kind != TOKEN_END);
	return between == -1 ? -1 : 0;
}

int
address_next(struct address_list *list, struct address *address)
{
	return next_address(list, false, address);
}

int
address_parse_one(
    struct address_list *list, struct text input, struct address *address)
{
	int result;

	address_list_init(list, input);
	result = next_address(list, true, address);
	if (result == 0)
		return fault(list, 0, "there is no address");
	return result == -1 ? -1 : 0;
}

int
address_format(const struct address *address, struct buf *out)
{
	if (buf_add_text(out, address->local) == -1)
		return -1;
	if (address->domain.len == 0)
		return 0;
	buf_add_char(out, '@');
	return buf_add_text(out, address->domain);
}

/* Words of atext with one space between each need no quotes in a phrase. */
static bool
is_plain_phrase(struct text name)
{
	size_t i;

	for (i = 0; i < name.len; i++) {
		if (name.at[i] == ' ' && (i == 0 || name.at[i - 1] == ' '))
			return false;
		if (name.at[i] != ' ' && !is_atext(name.at[i]))
			return false;
	}
	return name.len > 0 && name.at[name.len - 1] != ' ';
}

int
address_format_mailbox(struct text name, struct text spec, struct buf *out)
{
	if (text_has_8bit(name) || text_has_control(name) ||
	    text_has_control(spec))
		return -1;
	if (name.len == 0)
		return buf_add_text(out, spec);
	if (is_plain_phrase(name))
		buf_add_text(out, name);
	else
		add_quoted(name, out);
	buf_add_string(out, " <");
	buf_add_text(out, spec);
	return buf_add_char(out, '>');
}
