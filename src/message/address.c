#include "message/address.h"

#include <string.h>

/* Words and dots in a row: a phrase or a local-part; the next special tells
 * which. What speaks against a local-part is kept until then. */
struct run {
	char local[ADDRESS_PATH_MAX + 1]; /* without its quoting; one octet
					   * over the limit is kept */
	size_t len;
	bool after_word;
	bool gap; /* white space or comments inside */
	struct text text;
	const char *odd_dot; /* the first where no grammar has one, or NULL */
	const char *fault;
	const char *fault_at;
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
	list->lexer.rest = input;
}

static int
fault(struct address_list *list, const char *at, const char *words)
{
	list->fault = words;
	list->fault_at = (size_t)(at - list->input.at);
	return -1;
}

/* What has no room is seen as too long by `read_spec'. */
static void
keep(struct address_list *list, char c)
{
	if (list->len < sizeof(list->scratch))
		list->scratch[list->len++] = c;
}

/* What is wrong with a token where none of its kind may stand; the last row
 * is for words and all else. */
static const struct {
	char kind;
	const char *words;
} unexpected[] = {
    {TOKEN_CONTROL, control},
    {'(', "a comment is not closed"},
    {'"', "a quoted string is not closed"},
    {'[', "a domain literal is not closed"},
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
	return fault(w->list, w->next.text.at, unexpected[i].words);
}

/* Reads the next token that means something into w->next. */
static int
lex(struct walk *w)
{
	do {
		token_next(&w->list->lexer, &w->next);
		if (w->next.control != NULL)
			return fault(w->list, w->next.control, control);
	} while (w->next.kind == TOKEN_WHITE || w->next.kind == TOKEN_COMMENT);
	switch (w->next.kind) {
	case TOKEN_CONTROL:
	case '(':
	case '"':
	case '[':
		return fault_unexpected(w);
	}
	return 0;
}

static void
run_fault(struct run *run, const char *at, const char *words)
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
run_word(const struct token *t, struct run *run)
{
	struct text rest = t->text;
	char c;

	if (run->after_word)
		run_fault(run, rest.at, no_comma);
	if (t->encoded)
		run_fault(run, rest.at, "an encoded word is no address");
	run->after_word = true;
	/* An atom has a backslash only where it is `encoded'. */
	if (t->kind == TOKEN_QUOTED)
		rest = token_inside(rest);
	while (token_unquote(&rest, &c, NULL)) {
		if (c == '\t')
			run_fault(run, rest.at - 1, control);
		run_byte(run, c);
	}
}

static void
run_dot(const struct token *t, struct run *run)
{
	if (!run->after_word && run->odd_dot == NULL)
		run->odd_dot = t->text.at;
	run->after_word = false;
	run_byte(run, '.');
}

static int
read_run(struct walk *w, struct run *run)
{
	const struct token *t = &w->next;
	bool gap = false;

	memset(run, 0, sizeof(*run));
	run->text.at = t->text.at;
	for (;;) {
		if (run->text.at + run->text.len != t->text.at)
			gap = true;
		if (t->kind == '.')
			run_dot(t, run);
		else if (t->kind == TOKEN_ATOM || t->kind == TOKEN_QUOTED)
			run_word(t, run);
		else
			break;
		run->gap = gap;
		run->text.len =
		    (size_t)(t->text.at - run->text.at) + t->text.len;
		if (lex(w) == -1)
			return -1;
	}
	if (!run->after_word && run->len > 0 && run->odd_dot == NULL)
		run->odd_dot = run->text.at + run->text.len - 1;
	return 0;
}

/* The run turned out to be a local-part: its normalised form. */
static int
finish_local(struct address_list *list, const struct run *run)
{
	struct text local = {run->local, run->len};
	bool quoted = !token_is_atoms(local, '.');
	size_t i;

	if (run->text.len == 0)
		return fault(list, run->text.at, "the local-part is empty");
	if (run->fault != NULL)
		return fault(list, run->fault_at, run->fault);
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
	return 0;
}

static int
add_literal(struct address_list *list, struct text literal)
{
	struct text rest = token_inside(literal);
	size_t before = list->len + 1;
	bool quoted;
	char c;

	keep(list, '[');
	while (token_unquote(&rest, &c, &quoted)) {
		if (text_is_blank(c) && !quoted)
			continue;
		/* Narrower than dtext: the rest is in no address literal of
		 * RFC 5321 section 4.1.3 and could end a command's path. */
		if (!token_is_atext(c) && c != '.' && c != ':')
			return fault(list, rest.at - 1,
			    "a domain literal holds what no address of a "
			    "host has");
		keep(list, c);
	}
	if (list->len == before)
		return fault(list, literal.at, "a domain literal is empty");
	keep(list, ']');
	return 0;
}

static bool
ends_domain(const struct token *t)
{
	return t->kind == TOKEN_END ||
	       text_find(TEXT(">,;:"), t->kind) < sizeof(">,;:") - 1;
}

static int
add_domain_atom(struct address_list *list, const struct token *t)
{
	size_t i;

	if (ends_domain(t))
		return fault(list, t->text.at, "a domain is missing");
	if (t->kind != TOKEN_ATOM || t->encoded)
		return fault(list, t->text.at,
		    "what stands behind the '@' is no domain");
	for (i = 0; i < t->text.len; i++)
		keep(list, t->text.at[i]);
	return 0;
}

/* Appends the normalised domain to the scratch; *end is behind it, and behind
 * the dot of an absolute name, which no server takes. */
static int
read_domain(struct walk *w, const char **end)
{
	const struct token *t = &w->next;

	if (t->kind == TOKEN_LITERAL) {
		*end = t->text.at + t->text.len;
		if (add_literal(w->list, t->text) == -1)
			return -1;
		return lex(w);
	}
	for (;;) {
		*end = t->text.at + t->text.len;
		if (add_domain_atom(w->list, t) == -1 || lex(w) == -1)
			return -1;
		if (t->kind != '.')
			return 0;
		*end = t->text.at + t->text.len;
		if (lex(w) == -1)
			return -1;
		if (ends_domain(t))
			return 0;
		keep(w->list, '.');
	}
}

/* The run is a local-part; what follows it is read here. */
static int
read_spec(struct walk *w, const struct run *run, struct address *address)
{
	struct address_list *list = w->list;
	const char *start = run->text.at, *end = start + run->text.len;
	size_t local;

	if (finish_local(list, run) == -1)
		return -1;
	local = list->len;
	address->local = (struct text){list->scratch, local};
	/* Nothing obsolete where there is no domain, which is no RFC 5322: half
	 * of "J. Doe, Jr <a@b>" would be an address. */
	if (run->gap && (w->next.kind != '@' || run->odd_dot != NULL))
		return fault(list, start,
		    "words are no address; a display-name with a comma must "
		    "stand in quotes");
	if (w->next.kind != '@' && run->odd_dot != NULL)
		return fault(list, run->odd_dot,
		    "a name without a domain begins or ends with a dot or has "
		    "two in a row; such a one must stand in quotes");
	if (w->next.kind != '@' && text_starts_fold(address->local, TEXT("=?")))
		return fault(list, start, "an encoded word is no address");
	if (w->next.kind == '@' && (lex(w) == -1 || read_domain(w, &end) == -1))
		return -1;
	address->spec = (struct text){start, (size_t)(end - start)};
	address->domain =
	    (struct text){list->scratch + local, list->len - local};
	if (address->domain.len > ADDRESS_DOMAIN_MAX)
		return fault(list, start, "a domain is longer than 255 octets");
	if (local + 1 + address->domain.len > ADDRESS_PATH_MAX)
		return fault(
		    list, start, "an address is longer than 254 octets");
	if (!text_is_utf8(address->local) || !text_is_utf8(address->domain))
		return fault(
		    list, start, "an address holds bytes that are no UTF-8");
	return 0;
}

/* obs-route of RFC 5322 section 4.4: read and forgotten. */
static int
skip_route(struct walk *w)
{
	const char *end = NULL;

	while (w->next.kind != ':' || end == NULL) {
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
	const char *start = w->next.text.at;

	if (lex(w) == -1)
		return -1;
	if (w->next.kind == '>') {
		address->spec = text_first(w->next.text, 0);
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
	if (w->next.kind == TOKEN_END && w->list->in_group)
		return fault(w->list, w->next.text.at,
		    "a group is not closed with a semicolon");
	if (w->next.kind == TOKEN_END)
		return 0;
	if (w->next.kind == ';')
		return close_group(w);
	if (w->next.kind != ',')
		return fault_unexpected(w);
	if (w->single)
		return fault(w->list, w->next.text.at,
		    "more than one address stands where one is expected");
	return 0;
}

static int
read_mailbox(struct walk *w, const struct run *run, struct address *address)
{
	int result;

	memset(address, 0, sizeof(*address));
	if (w->next.kind == '<') {
		address->phrase = run->text;
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
		    w->list, w->next.text.at, "a group stands inside a group");
	if (w->single)
		return fault(w->list, w->next.text.at,
		    "a group stands where one address is expected");
	w->list->in_group = true;
	return 0;
}

static int
next_address(struct address_list *list, bool single, struct address *address)
{
	struct walk w = {.list = list, .single = single};
	struct run run;
	int result;

	if (list->fault != NULL)
		return -1;
	do {
		if (lex(&w) == -1 || read_run(&w, &run) == -1)
			return -1;
		if (w.next.kind == ':' && run.text.len > 0)
			result = open_group(&w);
		else if (run.text.len > 0 || w.next.kind == '<' ||
			 w.next.kind == '@')
			return read_mailbox(&w, &run, address);
		else
			result = end_element(&w);
	} while (result == 0 && w.next.kind != TOKEN_END);
	return result;
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
		return fault(list, input.at, "there is no address");
	return result == -1 ? -1 : 0;
}

bool
address_is_list(struct text input)
{
	struct address_list list;
	struct address address;
	int result;

	address_list_init(&list, input);
	do
		result = address_next(&list, &address);
	while (result == 1);
	return result == 0;
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

int
address_format_mailbox(struct text name, struct text spec, struct buf *out)
{
	if (text_has_8bit(name) || text_has_control(name) ||
	    text_has_control(spec))
		return -1;
	if (name.len == 0)
		return buf_add_text(out, spec);
	if (token_is_atoms(name, ' '))
		buf_add_text(out, name);
	else
		add_quoted(name, out);
	buf_add_string(out, " <");
	buf_add_text(out, spec);
	return buf_add_char(out, '>');
}
