#include "submit/alias.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/set.h"
#include "message/token.h"

#define FAULT_MAX  400
#define FAULTS_MAX 100 /* as many are told of one file */

/* As many octets of a name or value as a message quotes. */
#define BRIEF(t) TEXT_ARG(text_first((t), 80))

struct file {
	struct file *older;
	char *name;
	char *bytes; /* the values are slices of them */
};

struct value {
	struct text text;
	size_t line;
};

struct alias {
	const struct file *file;
	size_t line;
	size_t first; /* of its values in the map's */
	size_t count;
};

struct alias_map {
	struct file *files;
	struct set names;      /* as address normalises a local-part */
	struct alias *aliases; /* of the same numbers */
	size_t alias_count;
	struct value *values;
	size_t value_count;
};

enum value_kind { VALUE_ADDRESS, VALUE_FINAL, VALUE_LIST, VALUE_PROGRAM };

struct place {
	const char *file;
	size_t line;
	bool hidden; /* messages do not quote the file's text */
};

struct parser {
	struct alias_map *map;
	struct file *file;
	struct text original; /* the bytes before lines were joined */
	size_t counted;	      /* octets of them, for `line' */
	size_t line;
	const struct alias_faults *faults;
	size_t told;
	struct error now; /* the fault that was found last */
	struct error *e;  /* the first */
};

/* An alias or a list whose values are being visited. */
struct frame {
	const struct alias *alias; /* the list's: the one that names it */
	size_t next;
	char *path; /* NULL: no list */
	struct buf list;
	struct text rest;
	struct text line;
	size_t line_number;
};

struct expansion {
	const struct alias_map *map;
	const struct alias_source *source;
	const struct alias_visitor *visitor;
	struct frame stack[ALIAS_DEPTH_MAX];
	size_t depth;
	struct set seen; /* what came up before */
	size_t given;
	struct error *e;
};

static int fault(struct error *e, struct place at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static int
fault(struct error *e, struct place at, const char *fmt, ...)
{
	char words[FAULT_MAX], shown[FAULT_MAX], file[FAULT_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(words, sizeof(words), fmt, args);
	va_end(args);
	return error_set(e, ERROR_CONFIG, "aliases", "%s:%zu: %s",
	    text_visible(text_of(at.file), file, sizeof(file)), at.line,
	    text_visible(text_of(words), shown, sizeof(shown)));
}

static int
fault_value(
    struct error *e, struct place at, struct text value, const char *words)
{
	if (at.hidden)
		return fault(e, at, "a value %s", words);
	return fault(e, at, "`%.*s' %s", BRIEF(value), words);
}

static int
fault_address(
    struct error *e, struct place at, struct text value, const char *why)
{
	char words[FAULT_MAX];

	snprintf(words, sizeof(words), "is no address: %s", why);
	fault_value(e, at, value, words);
	return error_hint(e, "write `name: address, address'; a comment needs "
			     "a line of its own that begins with `#'");
}

/*
 * The syntax.
 */

/* The first place of the special c outside quotes and comments, or t.len; what
 * is not closed reaches to the end. */
static size_t
find_outside(struct text t, char c)
{
	struct lexer lexer = {.rest = t, .without = TOKEN_NO_LITERALS};
	struct token token;

	while (token_next(&lexer, &token)) {
		if (token.kind == c)
			return (size_t)(token.text.at - t.at);
		if (token.kind == '(' || token.kind == '"')
			break;
		if (token.kind == '\\')
			lexer.rest = text_skip(lexer.rest, 1);
	}
	return t.len;
}

/* Cuts the next value off *rest; empty ones do not count. */
static bool
value_next(struct text *rest, struct text *value)
{
	size_t end;

	while (rest->len > 0) {
		end = find_outside(*rest, ',');
		*value = text_trim(text_first(*rest, end));
		*rest = text_skip(*rest, end + 1);
		if (value->len > 0)
			return true;
	}
	return false;
}

/* Without the quotes, where they are one pair around all of it. */
static struct text
unquoted(struct text t)
{
	return token_is_quoted(t) ? token_inside(t) : t;
}

static bool
begins_program(struct text t)
{
	struct text inside = unquoted(t);

	return inside.len > 0 && (inside.at[0] == '|' || inside.at[0] == '/');
}

static bool
begins_list(struct text t)
{
	return text_starts_fold(unquoted(t), TEXT(":include:"));
}

bool
alias_is_special(struct text local)
{
	return begins_program(local) || begins_list(local);
}

static enum value_kind
value_kind(struct text t)
{
	if (t.at[0] == '\\')
		return VALUE_FINAL;
	if (begins_list(t))
		return VALUE_LIST;
	if (!begins_program(t))
		return VALUE_ADDRESS;
	/* "/C=de/S=x/@gate.example" is an address. */
	if (t.at[0] == '/' && text_find(t, '@') < t.len)
		return VALUE_ADDRESS;
	return VALUE_PROGRAM;
}

static struct text
list_path(struct text value)
{
	return text_trim(text_skip(unquoted(value), sizeof(":include:") - 1));
}

static int
check_path(struct text value, struct place at, struct error *e)
{
	struct text path = list_path(value);

	if (path.len > 0 && path.at[0] == '/')
		return 0;
	fault_value(e, at, value, "does not name a list by its whole path");
	return error_hint(e, "write `:include:/path'");
}

static int
parse_address(struct address_list *list, struct text value, struct place at,
    struct address *address, struct error *e)
{
	if (value_kind(value) == VALUE_FINAL)
		value = text_skip(value, 1);
	if (address_parse_one(list, value, address) == -1)
		return fault_address(e, at, value, list->fault);
	if (address->local.len == 0)
		return fault_address(e, at, value, "it is empty");
	return 0;
}

static int
check_value(struct text value, struct place at, struct error *e)
{
	struct address_list list;
	struct address address;

	switch (value_kind(value)) {
	case VALUE_ADDRESS:
	case VALUE_FINAL:
		return parse_address(&list, value, at, &address, e);
	case VALUE_LIST:
		return check_path(value, at, e);
	case VALUE_PROGRAM:
		break;
	}
	return 0;
}

/*
 * The file.
 */

struct alias_map *
alias_new(void)
{
	return mem_new(1, sizeof(struct alias_map));
}

void
alias_free(struct alias_map *map)
{
	struct file *file;

	if (map == NULL)
		return;
	while ((file = map->files) != NULL) {
		map->files = file->older;
		free(file->name);
		free(file->bytes);
		free(file);
	}
	set_clear(&map->names);
	free(map->aliases);
	free(map->values);
	free(map);
}

static struct file *
add_file(struct alias_map *map, const char *name, struct text bytes)
{
	struct file *file = mem_new(1, sizeof(*file));

	file->name = mem_copy(name);
	file->bytes = mem_string(bytes.at, bytes.len);
	file->older = map->files;
	map->files = file;
	return file;
}

/* What `now' holds goes to whom it is for. -1: nobody wants to hear more. */
static int
tell(struct parser *p)
{
	if (p->e->kind == ERROR_NONE)
		*p->e = p->now;
	if (p->faults == NULL || p->told == FAULTS_MAX)
		return -1;
	p->told++;
	p->faults->tell(p->faults->arg, &p->now);
	error_clear(&p->now);
	return 0;
}

/* Asked from the file's start to its end, so that each octet is counted once.
 */
static struct place
place_of(struct parser *p, const char *at)
{
	size_t end = (size_t)(at - p->file->bytes);

	for (; p->counted < end; p->counted++)
		if (p->original.at[p->counted] == '\n')
			p->line++;
	return (struct place){p->file->name, p->line, false};
}

static const struct alias *
alias_find(const struct alias_map *map, struct text name)
{
	size_t i = set_find(&map->names, name, 0);

	return i < map->names.count ? &map->aliases[i] : NULL;
}

static struct text
alias_name(const struct alias_map *map, const struct alias *alias)
{
	return text_of(map->names.strings[alias - map->aliases]);
}

/* Of a name that stands twice the first counts; who asks for faults is told. */
static int
add_alias(struct parser *p, struct text name, struct place at)
{
	struct alias_map *map = p->map;
	const struct alias *before = alias_find(map, name);

	if (before != NULL && p->faults != NULL)
		fault(&p->now, at,
		    "the alias `%.*s' is there already, at %s:%zu, which "
		    "counts",
		    BRIEF(name), before->file->name, before->line);
	set_add(&map->names, name, 0);
	*mem_push(map->aliases, map->alias_count) = (struct alias){
	    .file = p->file, .line = at.line, .first = map->value_count};
	return p->now.kind == ERROR_NONE ? 0 : tell(p);
}

/* The last one, whose name was there before. */
static void
remove_alias(struct alias_map *map)
{
	map->alias_count--;
	map->value_count = map->aliases[map->alias_count].first;
}

static int
parse_name(struct parser *p, struct text name, struct place at,
    struct address_list *list, struct address *address)
{
	if (address_parse_one(list, name, address) == -1)
		return fault(&p->now, at, "`%.*s' is no name of an alias: %s",
		    BRIEF(text_trim(name)), list->fault);
	if (address->local.len == 0 || address->domain.len > 0)
		return fault(&p->now, at,
		    "`%.*s' is no name of an alias: it must be a local-part "
		    "without `@' and domain",
		    BRIEF(text_trim(name)));
	return 0;
}

/* Values of the last alias, which has that name. */
static int
parse_values(
    struct parser *p, struct text name, struct text rest, struct place at)
{
	struct alias_map *map = p->map;
	struct alias *alias = &map->aliases[map->alias_count - 1];
	struct text value;

	while (value_next(&rest, &value)) {
		at = place_of(p, value.at);
		alias->count++;
		if (check_value(value, at, &p->now) == -1) {
			if (tell(p) == -1)
				return -1;
			continue;
		}
		*mem_push(map->values, map->value_count) =
		    (struct value){value, at.line};
	}
	if (alias->count > 0)
		return 0;
	return fault(&p->now, at, "the alias `%.*s' has no value", BRIEF(name));
}

static int
parse_alias(struct parser *p, struct text line)
{
	size_t colon = find_outside(line, ':');
	struct place at = place_of(p, line.at);
	struct address_list list;
	struct address address;
	bool again;
	int result;

	if (colon == line.len) {
		fault(
		    &p->now, at, "no colon stands behind the name of an alias");
		return error_hint(&p->now,
		    "write `name: address', or begin the line with a space "
		    "where it continues the one above");
	}
	if (parse_name(p, text_first(line, colon), at, &list, &address) == -1)
		return -1;
	again = alias_find(p->map, address.local) != NULL;
	if (add_alias(p, address.local, at) == -1)
		return -1;
	result = parse_values(p, address.local, text_skip(line, colon + 1), at);
	if (again)
		remove_alias(p->map);
	return result;
}

static int
next_alias(struct parser *p, struct text line)
{
	return parse_alias(p, line) == -1 && tell(p) == -1 ? -1 : 0;
}

static bool
is_comment(struct text line)
{
	line = text_trim(line);
	return line.len == 0 || line.at[0] == '#';
}

/* What stands between the two lines becomes white space. */
static void
join_lines(struct parser *p, struct text *line, struct text next)
{
	size_t start = (size_t)(line->at - p->file->bytes);
	size_t gap = (size_t)(next.at - p->file->bytes);

	memset(
	    p->file->bytes + start + line->len, ' ', gap - start - line->len);
	line->len = gap - start + next.len;
}

static int
parse_lines(struct parser *p, struct text rest)
{
	struct text line, whole = {NULL, 0};

	while (text_next_line(&rest, &line)) {
		if (is_comment(line))
			continue;
		if (line.at[0] != ' ' && line.at[0] != '\t') {
			if (whole.len > 0 && next_alias(p, whole) == -1)
				return -1;
			whole = line;
		} else if (whole.len > 0) {
			join_lines(p, &whole, line);
		} else {
			fault(&p->now, place_of(p, line.at),
			    "the line begins with a space and continues no "
			    "other");
			if (tell(p) == -1)
				return -1;
		}
	}
	return whole.len > 0 ? next_alias(p, whole) : 0;
}

int
alias_parse(struct alias_map *map, const char *name, struct text bytes,
    const struct alias_faults *faults, struct error *e)
{
	struct parser p = {
	    .map = map, .original = bytes, .line = 1, .faults = faults, .e = e};
	struct text rest;
	size_t nul = text_find(bytes, '\0');

	if (bytes.len > ALIAS_SIZE_MAX) {
		fault(&p.now, (struct place){name, 1, false},
		    "the file is larger than %d bytes", ALIAS_SIZE_MAX);
		tell(&p);
		return -1;
	}
	p.file = add_file(map, name, bytes);
	rest = (struct text){p.file->bytes, bytes.len};
	if (nul < bytes.len) {
		fault(&p.now, place_of(&p, rest.at + nul),
		    "the line holds a NUL byte");
		tell(&p);
		return -1;
	}
	return parse_lines(&p, text_skip_mark(rest)) == -1 ||
		       e->kind != ERROR_NONE
		   ? -1
		   : 0;
}

/*
 * Expansion.
 */

/* No address begins with a colon, so aliases and lists have kinds of names. */
static bool
is_new(
    struct expansion *x, const char *kind, struct text name, struct text domain)
{
	struct buf key;
	size_t exact;
	bool added;

	buf_init(&key, SIZE_MAX / 4);
	buf_add_string(&key, kind);
	buf_add_text(&key, name);
	exact = key.len;
	buf_add_char(&key, '@');
	buf_add_text(&key, domain);
	added = set_add(&x->seen, buf_text(&key), exact);
	buf_clear(&key);
	return added;
}

static struct frame *
push(struct expansion *x, const struct alias *alias, struct place at)
{
	struct frame *f;

	if (x->depth == ALIAS_DEPTH_MAX) {
		fault(x->e, at, "aliases stand for aliases more than %d deep",
		    ALIAS_DEPTH_MAX);
		return NULL;
	}
	f = &x->stack[x->depth++];
	memset(f, 0, sizeof(*f));
	f->alias = alias;
	buf_init(&f->list, ALIAS_SIZE_MAX);
	return f;
}

static void
pop(struct expansion *x)
{
	struct frame *f = &x->stack[--x->depth];

	free(f->path);
	buf_clear(&f->list);
}

static int
open_alias(struct expansion *x, const struct alias *alias, struct place at)
{
	if (!is_new(x, ":", alias_name(x->map, alias), TEXT("")))
		return 0;
	return push(x, alias, at) == NULL ? -1 : 0;
}

static int
read_list(struct expansion *x, struct frame *f, struct place at)
{
	struct error why;
	int result = -1;

	error_clear(&why);
	if (x->source == NULL)
		error_set(&why, ERROR_CONFIG, NULL, "there is no access to it");
	else
		result =
		    x->source->read(x->source->arg, f->path, &f->list, &why);
	f->rest = text_skip_mark(buf_text(&f->list));
	if (result == 0)
		return 0;
	fault(x->e, at, "the list cannot be read: %s", why.text);
	return why.hint[0] == '\0' ? -1 : error_hint(x->e, "%s", why.hint);
}

static int
open_list(struct expansion *x, struct text value, struct place at)
{
	const struct alias *alias = x->stack[x->depth - 1].alias;
	struct text path = list_path(value);
	struct frame *f;

	if (check_path(value, at, x->e) == -1)
		return -1;
	if (!is_new(x, ":include:", path, TEXT("")))
		return 0;
	f = push(x, alias, at);
	if (f == NULL)
		return -1;
	f->path = mem_string(path.at, path.len);
	return read_list(x, f, at);
}

static int
refuse_program(struct expansion *x, struct text value, struct place at)
{
	return fault_value(x->e, at, value,
	    "is a command or a file, and no mail goes to such");
}

/* NULL too while the names that it leads to are visited: they stay. */
static const struct alias *
find_default(const struct expansion *x)
{
	const struct alias *alias = alias_find(x->map, TEXT("default"));
	size_t i;

	for (i = 0; i < x->depth; i++)
		if (x->stack[i].alias == alias)
			return NULL;
	return alias;
}

static const struct alias *
lookup(const struct expansion *x, const struct address *address)
{
	const struct alias_visitor *v = x->visitor;
	const struct alias *alias;

	if (address->domain.len > 0 &&
	    (v->is_local == NULL || !v->is_local(v->arg, address->domain)))
		return NULL;
	alias = alias_find(x->map, address->local);
	if (alias == NULL && address->domain.len == 0)
		alias = find_default(x);
	return alias;
}

static int
visit_address(struct expansion *x, struct text value, struct place at)
{
	const struct alias *alias = NULL;
	struct address_list list;
	struct address address;

	if (parse_address(&list, value, at, &address, x->e) == -1)
		return -1;
	if (address.domain.len == 0 && begins_program(address.local))
		return refuse_program(x, value, at);
	if (value_kind(value) == VALUE_ADDRESS)
		alias = lookup(x, &address);
	if (alias != NULL && alias != x->stack[x->depth - 1].alias)
		return open_alias(x, alias, at);
	if (!is_new(x, "", address.local, address.domain))
		return 0;
	x->given++;
	return x->visitor->add(x->visitor->arg, &address, x->e) < 0 ? -1 : 0;
}

static int
visit(struct expansion *x, struct text value, struct place at)
{
	switch (value_kind(value)) {
	case VALUE_ADDRESS:
	case VALUE_FINAL:
		return visit_address(x, value, at);
	case VALUE_LIST:
		return open_list(x, value, at);
	case VALUE_PROGRAM:
		break;
	}
	return refuse_program(x, value, at);
}

/* Lists are read with our rights and are often somebody else's words: what is
 * wrong in them is not quoted. */
static bool
list_next(struct frame *f, struct text *value, struct place *at)
{
	while (!value_next(&f->line, value)) {
		if (!text_next_line(&f->rest, &f->line))
			return false;
		f->line_number++;
		if (is_comment(f->line))
			f->line.len = 0;
	}
	*at = (struct place){f->path, f->line_number, true};
	return true;
}

static bool
frame_next(struct expansion *x, struct text *value, struct place *at)
{
	struct frame *f = &x->stack[x->depth - 1];
	const struct value *v;

	if (f->path != NULL)
		return list_next(f, value, at);
	if (f->next == f->alias->count)
		return false;
	v = &x->map->values[f->alias->first + f->next++];
	*value = v->text;
	*at = (struct place){f->alias->file->name, v->line, false};
	return true;
}

static int
expand(struct expansion *x, const struct alias *alias)
{
	struct place start = {alias->file->name, alias->line, false}, at;
	struct text value;
	int result = open_alias(x, alias, start);

	while (result == 0 && x->depth > 0) {
		if (frame_next(x, &value, &at))
			result = visit(x, value, at);
		else
			pop(x);
	}
	if (result == 0 && x->given == 0)
		result =
		    fault(x->e, start, "the alias `%.*s' leads to no address",
			BRIEF(alias_name(x->map, alias)));
	return result == 0 ? 1 : -1;
}

int
alias_expand(const struct alias_map *map, const struct address *address,
    const struct alias_source *source, const struct alias_visitor *visitor,
    struct error *e)
{
	struct expansion x = {
	    .map = map, .source = source, .visitor = visitor, .e = e};
	const struct alias *alias = lookup(&x, address);
	int result;

	if (alias == NULL)
		return 0;
	if (visitor->random != NULL)
		memcpy(x.seen.key, visitor->random, sizeof(x.seen.key));
	result = expand(&x, alias);
	while (x.depth > 0)
		pop(&x);
	set_clear(&x.seen);
	return result;
}
