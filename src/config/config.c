#include "config/config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "config/foreign.h"
#include "config/form.h"

#define ACCOUNTS_MAX	 4096 /* names are compared one by one */
#define ACCOUNT_NAME_MAX 64

/* A file that is being read, with those that include it below. */
struct layer {
	char *name;
	struct buf bytes; /* empty where the caller owns them */
	struct text rest;
	size_t line;
};

struct parser {
	struct config *config;
	const struct config_source *source;
	struct layer layers[CONFIG_INCLUDE_DEPTH + 1];
	size_t depth;
	size_t included; /* octets, against files that include each other */
	bool in_account; /* the last one; else the defaults */
};

static void
layer_open(struct parser *p, char *name, struct text bytes)
{
	struct layer *layer = &p->layers[p->depth++];

	memset(layer, 0, sizeof(*layer));
	notes_add(&p->config->files, "%s", SHOWN(text_of(name)));
	layer->name = name;
	layer->rest = text_skip_mark(bytes);
}

static int
include_large(struct error *e)
{
	return error_set(e, ERROR_CONFIG, NULL,
	    "more than %d octets are included", CONFIG_SIZE_MAX);
}

/* Name and bytes stay with the parser. */
static int
include_read(struct parser *p, const char *path, struct error *e)
{
	const char *from = p->layers[p->depth - 1].name;
	struct buf bytes;
	char *name = NULL;
	size_t i;
	int rc;

	buf_init(&bytes, CONFIG_SIZE_MAX - p->included);
	rc = p->source->read(p->source->arg, from, path, &bytes, &name, e);
	if (bytes.full) {
		p->included = CONFIG_SIZE_MAX;
		rc = include_large(e);
	}
	if (rc == -1)
		error_set(e, ERROR_CONFIG, NULL, "the file cannot be read");
	for (i = 0; rc == 0 && i < p->depth; i++) {
		if (strcmp(p->layers[i].name, name) == 0)
			rc = error_set(
			    e, ERROR_CONFIG, NULL, "the file includes itself");
	}
	if (rc == -1) {
		free(name);
		buf_wipe(&bytes);
		return -1;
	}
	p->included += bytes.len;
	layer_open(p, name, buf_text(&bytes));
	p->layers[p->depth - 1].bytes = bytes;
	return 0;
}

static int
include_find(void *arg, struct text path, struct error *e)
{
	struct parser *p = arg;
	char *name;
	int rc;

	if (p->source == NULL)
		return error_set(
		    e, ERROR_CONFIG, NULL, "no other file can be read here");
	if (p->depth > CONFIG_INCLUDE_DEPTH)
		return error_set(e, ERROR_CONFIG, NULL,
		    "more than %d files include each other",
		    CONFIG_INCLUDE_DEPTH);
	if (p->included >= CONFIG_SIZE_MAX)
		return include_large(e);
	name = mem_string(path.at, path.len);
	rc = include_read(p, name, e);
	free(name);
	return rc;
}

static void
slots_clear(char *slots[KEYWORD_SLOTS])
{
	size_t i;

	for (i = 0; i < KEYWORD_SLOTS; i++) {
		free(slots[i]);
		slots[i] = NULL;
	}
}

static const struct account *
account_find(const struct config *c, struct text name)
{
	size_t i;

	for (i = 0; i < c->account_count; i++) {
		if (text_equal(text_of(c->accounts[i].name), name))
			return &c->accounts[i];
	}
	return NULL;
}

static int
account_name_fault(struct text name, struct error *e)
{
	error_set(e, ERROR_CONFIG, NULL,
	    "`%s' is not one word of at most 64 octets", SHOWN(name));
	if (text_find(name, ':') == name.len)
		return -1;
	return error_hint(e, "an account inherits from no other account, but "
			     "from what stands above the first of them");
}

static char *
place(const struct parser *p)
{
	const struct layer *layer = &p->layers[p->depth - 1];
	struct buf where;
	char shown[512];

	buf_init(&where, sizeof(shown) + 32);
	buf_format(&where, "%s:%zu",
	    text_visible(text_of(layer->name), shown, sizeof(shown)),
	    layer->line);
	return buf_take(&where);
}

/* value: of a keyword that repeats. */
static const struct config_line *
line_find(const struct config_lines *lines, size_t slot, const char *value)
{
	const struct config_line *line = lines->at;
	struct text rest, word = {NULL, 0};

	for (; line < lines->at + lines->count; line++) {
		if (line->slot != slot)
			continue;
		rest = text_of(line->value);
		while (value != NULL && text_next(&rest, " \t", &word) &&
		       !text_equal(word, text_of(value)))
			;
		if (value == NULL || text_equal(word, text_of(value)))
			return line;
	}
	return NULL;
}

static void
line_keep(const struct parser *p, struct config_lines *lines,
    const struct keyword *k, struct text value)
{
	*mem_push(lines->at, lines->count) =
	    (struct config_line){.slot = keyword_slot(k),
		.where = place(p),
		.value = k->flags & KEYWORD_REPEATS
			     ? mem_string(value.at, value.len)
			     : NULL};
}

/* A single keyword may be set once in an account. */
static int
line_check(
    const struct config_lines *lines, const struct keyword *k, struct error *e)
{
	const struct config_line *first;

	if (k->flags & KEYWORD_REPEATS)
		return 0;
	first = line_find(lines, keyword_slot(k), NULL);
	if (first == NULL)
		return 0;
	return error_set(e, ERROR_CONFIG, NULL, "%s: %s",
	    k->type == VALUE_SECRET ? "the account has a password already"
				    : "the account has this keyword already",
	    first->where);
}

static void
lines_clear(struct config_lines *lines)
{
	while (lines->count-- > 0) {
		free(lines->at[lines->count].where);
		free(lines->at[lines->count].value);
	}
	free(lines->at);
}

/* There is a new one also where the name stands twice, so that the lines below
 * do not count as second values of the account above. */
static int
account_begin(void *arg, struct text name, struct error *e)
{
	struct parser *p = arg;
	struct config *c = p->config;
	struct config_lines *lines;
	int rc = 0;

	if (name.len > ACCOUNT_NAME_MAX || text_find(name, ' ') < name.len)
		rc = account_name_fault(name, e);
	else if (c->account_count == ACCOUNTS_MAX)
		return error_set(e, ERROR_CONFIG, NULL,
		    "there are more than %d accounts", ACCOUNTS_MAX);
	else if (account_find(c, name) != NULL)
		rc = error_set(e, ERROR_CONFIG, NULL,
		    "there is an account `%s' already", SHOWN(name));
	*mem_push(c->accounts, c->account_count) =
	    (struct account){.name = mem_string(name.at, name.len)};
	lines = mem_push(c->account_lines, c->account_lines_count);
	memset(lines, 0, sizeof(*lines));
	p->in_account = true;
	line_keep(p, lines, keyword_find(TEXT("account")), name);
	return rc;
}

/* Takes `where' over; about: the keyword of a file's line, or NULL. */
static void
fault_add(struct config *c, char *where, struct text word,
    const struct keyword *about, const struct error *e)
{
	struct config_fault *fault = mem_push(c->faults, c->fault_count);
	struct buf what;

	buf_init(&what, sizeof(e->text) + sizeof(struct text_shown));
	if (word.len > 0)
		buf_format(&what, "%s: ", SHOWN(word));
	buf_add_string(&what, e->text);
	fault->where = where;
	fault->what = buf_take(&what);
	fault->hint = e->hint[0] == '\0' ? NULL : mem_copy(e->hint);
	fault->of_way = about != NULL && (about->flags & KEYWORD_WAY) != 0;
}

/* A word that resembles no keyword, ours or theirs, is not shown: it may be a
 * password that went astray. line is empty where there is none. */
static void
unknown(struct config *c, char *where, struct text word, struct text line)
{
	const char *foreign = foreign_hint(word, line);
	const struct keyword *near = keyword_near(word);
	/* What only looks like a line of theirs does not vouch for the word. */
	bool may_show = foreign_hint(word, TEXT("")) != NULL || near != NULL ||
			line.len == 0;
	struct error e;

	error_clear(&e);
	error_set(&e, ERROR_CONFIG, NULL, "unknown keyword");
	if (foreign != NULL)
		error_hint(&e, "%s", foreign);
	else if (near != NULL)
		error_hint(&e, "did you mean `%s'?", near->name);
	else
		error_hint(&e, "sendling.conf(5) lists the keywords");
	fault_add(c, where, may_show ? word : TEXT(""),
	    line.len == 0 ? NULL : near, &e);
}

static struct text
skip_blanks(struct text t)
{
	while (t.len > 0 && text_is_blank(t.at[0]))
		t = text_skip(t, 1);
	return t;
}

/* Cuts the keyword off *rest. */
static struct text
word_next(struct text *rest)
{
	struct text word;
	size_t len = 0;

	while (len < rest->len &&
	       (text_is_alpha(rest->at[len]) || text_is_digit(rest->at[len]) ||
		   rest->at[len] == '-' || rest->at[len] == '_'))
		len++;
	word = text_first(*rest, len);
	*rest = text_skip(*rest, len);
	return word;
}

static bool
is_sign(struct text t)
{
	return t.len > 0 && (t.at[0] == '=' || t.at[0] == ':');
}

/* The line as it should be, but for what may hold a password. */
static int
sign_fault(const struct keyword *k, struct text rest, struct error *e)
{
	const char sign = skip_blanks(rest).at[0];
	struct text value = text_trim(text_skip(skip_blanks(rest), 1));

	if (form_is_quoted(value))
		value = text_skip(text_first(value, value.len - 1), 1);
	if (value.len == 0 || (k->flags & KEYWORD_FREE) ||
	    keyword_is_secret(k, value) ||
	    (k->type == VALUE_SMARTHOSTS && text_find(value, '@') < value.len))
		value = TEXT("...");
	error_set(e, ERROR_CONFIG, NULL,
	    "no `=' or `:' stands between keyword and value");
	return error_hint(
	    e, "remove the `%c': write `%s %s'", sign, k->name, SHOWN(value));
}

/* What stands behind the keyword, blanks and all. A `password' may begin with
 * any octet, a name with a sign to which it sticks. */
static int
check_gap(const struct keyword *k, struct text rest, struct error *e)
{
	struct text value = skip_blanks(rest);

	if (rest.len == 0)
		return 0;
	if (is_sign(rest) ||
	    (is_sign(value) && (k->flags & KEYWORD_PASSWORD) == 0 &&
		!account_is_ipv6(text_trim(value)) &&
		(k->type != VALUE_TEMPLATE || value.len == 1 ||
		    text_is_blank(value.at[1]))))
		return sign_fault(k, rest, e);
	if (text_is_blank(rest.at[0]))
		return 0;
	error_set(e, ERROR_CONFIG, NULL, "a space must follow the keyword");
	/* U+00A0, as it comes from web pages. */
	if (text_starts_fold(rest, TEXT("\xc2\xa0")))
		error_hint(
		    e, "what stands there only looks like a space: type one");
	return -1;
}

static int
line_set(struct parser *p, const struct keyword *k, struct text rest,
    struct error *e)
{
	const struct text value =
	    k->flags & KEYWORD_PASSWORD ? skip_blanks(rest) : text_trim(rest);
	struct config *c = p->config;
	const struct value_reader reader = {include_find, account_begin, p};
	struct config_lines *lines = &c->default_lines;
	struct account *a = &c->defaults;

	if (p->in_account) {
		a = &c->accounts[c->account_count - 1];
		lines = &c->account_lines[c->account_count - 1];
	}
	if (line_check(lines, k, e) == -1)
		return -1;
	if (k->type != VALUE_INCLUDE && k->type != VALUE_ACCOUNT)
		line_keep(p, lines, k, value);
	if (check_gap(k, rest, e) == -1)
		return -1;
	return keyword_set(k, a, value, &reader, e);
}

static void
line_read(struct parser *p, struct text line)
{
	struct text rest = skip_blanks(line), word;
	const struct keyword *k;
	struct error e;
	char *where;

	if (text_trim(rest).len == 0 || rest.at[0] == '#')
		return;
	where = place(p);
	word = word_next(&rest);
	k = keyword_find(word);
	if (k == NULL) {
		unknown(p->config, where, word, line);
		return;
	}
	error_clear(&e);
	if (line_set(p, k, rest, &e) == -1)
		fault_add(p->config, where, word, k, &e);
	else
		free(where);
}

void
config_init(struct config *c)
{
	memset(c, 0, sizeof(*c));
}

void
config_clear(struct config *c)
{
	size_t i;

	for (i = 0; i < c->account_count; i++)
		keyword_clear(&c->accounts[i]);
	for (i = 0; i < c->fault_count; i++) {
		free(c->faults[i].where);
		free(c->faults[i].what);
		free(c->faults[i].hint);
	}
	free(c->accounts);
	free(c->faults);
	keyword_clear(&c->defaults);
	keyword_clear(&c->override);
	slots_clear(c->override_origin);
	for (i = 0; i < c->account_lines_count; i++)
		lines_clear(&c->account_lines[i]);
	free(c->account_lines);
	lines_clear(&c->default_lines);
	notes_clear(&c->remarks);
	notes_clear(&c->files);
	config_init(c);
}

static void
forget_value(struct account_secret *secret)
{
	if (secret->source != SECRET_VALUE)
		return;
	mem_wipe_string(secret->text);
	memset(secret, 0, sizeof(*secret));
}

void
config_forget(struct config *c)
{
	size_t i;

	forget_value(&c->defaults.secret);
	for (i = 0; i < c->account_count; i++)
		forget_value(&c->accounts[i].secret);
}

size_t
config_parse(struct config *c, const char *name, struct text bytes,
    const struct config_source *source)
{
	struct parser p = {.config = c, .source = source};
	size_t before = c->fault_count;
	struct layer *layer;
	struct text line;

	layer_open(&p, mem_copy(name), bytes);
	while (p.depth > 0) {
		layer = &p.layers[p.depth - 1];
		if (text_next_line(&layer->rest, &line)) {
			layer->line++;
			line_read(&p, line);
			continue;
		}
		p.depth--;
		free(layer->name);
		buf_wipe(&layer->bytes);
	}
	return c->fault_count - before;
}

/*
 * A value that an earlier origin has set already is checked all the same, in
 * an account that nobody uses; only a list grows, and only from one origin.
 */
static int
override_set(struct config *c, const char *origin, const struct keyword *k,
    struct text value, struct error *e)
{
	char **held = &c->override_origin[keyword_slot(k)];
	struct account *a = &c->override;
	struct account unused = {0};
	int rc;

	if (*held != NULL && strcmp(*held, origin) == 0 &&
	    !(k->flags & KEYWORD_REPEATS))
		return error_set(e, ERROR_CONFIG, NULL, "it is set twice");
	if (*held == NULL)
		*held = mem_copy(origin);
	else if (strcmp(*held, origin) != 0)
		a = &unused;
	rc = keyword_set(k, a, value, NULL, e);
	keyword_clear(&unused);
	return rc;
}

void
config_set(struct config *c, const char *origin, struct text keyword,
    struct text value)
{
	const struct keyword *k = keyword_find(keyword);
	struct error e;
	int rc;

	if (k == NULL) {
		unknown(c, mem_copy(SHOWN(text_of(origin))), keyword, TEXT(""));
		return;
	}
	error_clear(&e);
	if (k->flags & KEYWORD_FILES_ONLY) {
		rc = error_set(&e, ERROR_CONFIG, NULL,
		    "this keyword stands only in a configuration file");
		if (k->flags & KEYWORD_PASSWORD)
			error_hint(&e, "others could see a password here; use "
				       "password-file or password-command");
	} else
		rc = override_set(c, origin, k, text_trim(value), &e);
	if (rc == -1)
		config_refuse(c, origin, keyword, &e);
}

void
config_refuse(struct config *c, const char *origin, struct text keyword,
    const struct error *why)
{
	fault_add(c, mem_copy(SHOWN(text_of(origin))), keyword, NULL, why);
}

int
config_keyword_of_environment(const char *name, char *out, size_t size)
{
	struct text prefix = TEXT("SENDLING_");
	struct text rest = text_of(name);
	size_t i;

	if (rest.len <= prefix.len || rest.len - prefix.len >= size ||
	    !text_equal(text_first(rest, prefix.len), prefix))
		return -1;
	rest = text_skip(rest, prefix.len);
	for (i = 0; i < rest.len; i++)
		out[i] = rest.at[i] == '_' ? '-' : text_lower(rest.at[i]);
	out[rest.len] = '\0';
	return 0;
}

/* Overrides, the account's own values, the defaults: first come, first kept.*/
static void
account_end(const struct config *c, struct account *a)
{
	struct account whole = {.name = mem_copy(a->name)};

	keyword_inherit(&whole, &c->override);
	keyword_inherit(&whole, a);
	keyword_inherit(&whole, &c->defaults);
	keyword_clear(a);
	*a = whole;
}

void
config_end(struct config *c)
{
	size_t i;

	if (c->account_count == 0) {
		*mem_push(c->accounts, c->account_count) =
		    (struct account){.name = mem_copy("default")};
	}
	for (i = 0; i < c->account_count; i++)
		account_end(c, &c->accounts[i]);
}

void
config_format(const struct account *a, struct buf *out)
{
	const struct keyword *k;
	struct text rest, line;
	struct buf values;
	size_t i;

	buf_format(out, "account %s\n", a->name);
	buf_init(&values, out->max);
	for (i = 0; (k = keyword_at(i)) != NULL; i++) {
		if (!keyword_format(k, a, &values) && k->usual != NULL)
			buf_add_string(&values, k->usual);
		rest = buf_text(&values);
		while (text_next_line(&rest, &line)) {
			if (keyword_is_secret(k, line))
				line = TEXT("[hidden]");
			buf_format(out, "%s %.*s\n", k->name, TEXT_ARG(line));
		}
		buf_wipe(&values);
	}
}

const char *
config_where(const struct config *c, const struct account *a,
    const char *keyword, const char *value, bool *shared)
{
	const size_t slot = keyword_slot(keyword_find(text_of(keyword)));
	const size_t index = (size_t)(a - c->accounts);
	const struct config_line *line = NULL;

	*shared = false;
	if (c->override_origin[slot] == NULL && index < c->account_lines_count)
		line = line_find(&c->account_lines[index], slot, value);
	if (line != NULL)
		return line->where;
	*shared = true;
	if (c->override_origin[slot] != NULL)
		return c->override_origin[slot];
	line = line_find(&c->default_lines, slot, value);
	return line == NULL ? NULL : line->where;
}

const struct account *
config_find(const struct config *c, const char *name)
{
	return name == NULL ? NULL : account_find(c, text_of(name));
}

/* The failure to choose, and the names that could be. */
static void
choice_fault(const struct config *c, const char *name, struct error *e)
{
	struct buf names;
	size_t i;

	buf_init(&names, 300);
	for (i = 0; i < c->account_count; i++)
		buf_format(&names, "%s%s", i == 0 ? "" : ", ",
		    SHOWN(text_of(c->accounts[i].name)));
	if (name != NULL)
		error_set(e, ERROR_CONFIG, "configuration",
		    "there is no account `%s'", SHOWN(text_of(name)));
	else
		error_set(e, ERROR_CONFIG, "configuration",
		    "no account fits the sender, and none is named `default'");
	error_hint(e, "%s: %s%s",
	    name != NULL ? "name one of these"
			 : "choose one by its name, or give it a `match' for "
			   "this sender",
	    buf_string(&names), names.full ? ", ..." : "");
	buf_clear(&names);
}

const struct account *
config_choose(const struct config *c, const char *name,
    const char *reverse_path, struct error *e)
{
	const struct account *found = NULL;
	size_t i;

	if (name != NULL)
		found = account_find(c, text_of(name));
	for (i = 0; name == NULL && found == NULL && i < c->account_count;
	     i++) {
		if (account_matches(&c->accounts[i], reverse_path))
			found = &c->accounts[i];
	}
	if (name == NULL && found == NULL)
		found = account_find(c, TEXT("default"));
	if (name == NULL && found == NULL && c->account_count == 1)
		found = &c->accounts[0];
	if (found == NULL)
		choice_fault(c, name, e);
	return found;
}

const char *
config_why(const struct config *c, const struct account *a, const char *name,
    const char *reverse_path)
{
	if (name != NULL)
		return "which -a names";
	if (c->account_count == 1)
		return "the only one";
	return account_matches(a, reverse_path)
		   ? "whose `match' or `from' fits the sender"
		   : "the default";
}

bool
config_overrides(const struct config *c, const char *keyword)
{
	return c->override_origin[keyword_slot(
		   keyword_find(text_of(keyword)))] != NULL;
}

bool
config_knows_mail(const struct config *c)
{
	size_t i;

	for (i = 0; i < c->fault_count && c->faults[i].of_way; i++)
		;
	return c->account_count > 0 && i == c->fault_count;
}

int
config_error(const struct config *c, struct error *e)
{
	const struct config_fault *fault = c->faults;

	if (c->fault_count == 0)
		return error_set(
		    e, ERROR_BUG, "configuration", "no fault was found");
	error_set(e, ERROR_CONFIG, "configuration", "%s: %s", fault->where,
	    fault->what);
	if (fault->hint != NULL)
		error_hint(e, "%s", fault->hint);
	else if (c->fault_count > 1)
		error_hint(e, "%zu more fault%s: see --check",
		    c->fault_count - 1, c->fault_count == 2 ? "" : "s");
	return -1;
}
