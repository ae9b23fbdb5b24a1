#include "submit/sender.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "message/word.h"

#define FULL_NAME_MAX 300

static char *
find_force_from(const struct submission *s)
{
	return facts_expand(s->account->force_from, s->account, s->facts);
}

/* -f, where nothing but blanks is the null reverse-path, too. */
static char *
find_given(const struct submission *s)
{
	struct text given = text_of(s->request->reverse_path);

	if (text_trim(given).len == 0 && !text_has_control(given))
		return s->request->reverse_path == NULL ? NULL : mem_copy("<>");
	return mem_copy(s->request->reverse_path);
}

static char *
find_from(const struct submission *s)
{
	return facts_expand(s->account->from, s->account, s->facts);
}

/* The field that says who submits; NULL where there is none. */
static struct message_field *
author_field(struct message *m)
{
	struct submission_block b = submission_block(m);
	struct message_field *f;
	size_t at;

	for (at = b.first; b.resent && at < b.end; at++) {
		f = message_field(m, at);
		if (header_is(&f->field, "Resent-From") &&
		    text_trim(f->field.value).len > 0)
			return f;
	}
	at = 0;
	while ((f = message_find_next(m, "From", &at)) != NULL)
		if (text_trim(f->field.value).len > 0)
			return f;
	return NULL;
}

/* Behind a null -f no field speaks for a message that has no From. */
static char *
find_field(const struct submission *s)
{
	struct message_field *f;

	if (s->account->from_header != SWITCH_YES ||
	    s->request->reverse_path != NULL)
		return NULL;
	f = author_field(s->message);
	if (f == NULL)
		return NULL;
	return mem_string(f->field.value.at, f->field.value.len);
}

/* Quoted: "DOMAIN\user" is a login, too. */
static char *
find_login(const struct submission *s)
{
	const char *login = s->facts->login;
	struct buf quoted;

	buf_init(&quoted, SUBMISSION_PATH_MAX);
	buf_add_char(&quoted, '"');
	while (*login != '\0')
		buf_format(&quoted, "\\%c", *login++);
	buf_add_char(&quoted, '"');
	return buf_take(&quoted);
}

int
sender_add_login(struct submission *s, struct buf *out, struct error *e)
{
	char *login = find_login(s);
	struct address_list list;
	struct address address;
	int result = -1;

	if (address_parse_one(&list, text_of(login), &address) == -1) {
		submission_refuse(&list, "the login name", ERROR_MESSAGE, e);
	} else {
		if (s->account->domain == NULL)
			address.domain = TEXT("localhost");
		result =
		    submission_add_path(s, &address, "the login name", out, e);
	}
	free(login);
	return result;
}

/*
 * Who may say who sends: the first that says it is believed, whatever the
 * others say. Addresses of the configuration must be such, and a phrase beside
 * one is the sender's name.
 */
struct source {
	const char *name;
	const char *client_name; /* where a client of -bs asks, or NULL */
	/* An address-list that the caller frees; NULL: it does not say. */
	char *(*find)(const struct submission *s);
	bool configured;
	bool may_be_null; /* then that is the reverse-path */
	bool may_be_many; /* then the first is meant, and null is none */
	const char *hint; /* what completes a bare name */
};

#define OR_WHOLE                                                               \
	"write `domain example.org' into the configuration, or write the "     \
	"whole address"

static const struct source sources[] = {
    {"`force-from'", .find = find_force_from, .configured = true,
	.hint = OR_WHOLE},
    {"option -f", "MAIL FROM", find_given, .may_be_null = true,
	.hint = OR_WHOLE},
    {"`from'", .find = find_from, .configured = true, .hint = OR_WHOLE},
    {"the From field", .find = find_field, .may_be_many = true,
	.hint = OR_WHOLE},
    {"the login name", .find = find_login,
	.hint = "write `from you@example.org' or `domain example.org' into "
		"the configuration"},
};

static const char *
name_of(const struct submission *s, const struct source *source)
{
	return s->request->of_client && source->client_name != NULL
		   ? source->client_name
		   : source->name;
}

/* 1 with the source's address, 0 where that is none, -1. A bare one is no fault
 * of a recipient, whom a caller would strike from its list. */
static int
add_source(struct submission *s, const struct source *source, struct text value,
    struct buf *path, struct buf *phrase, struct error *e)
{
	enum error_kind kind =
	    source->configured ? ERROR_CONFIG : ERROR_MESSAGE;
	const char *name = name_of(s, source);
	struct address_list list;
	struct address address = {0};
	int result;

	address_list_init(&list, value);
	result = source->may_be_many
		     ? address_next(&list, &address)
		     : address_parse_one(&list, value, &address);
	if (result == -1)
		return submission_refuse(&list, name, kind, e);
	if (submission_is_null(&address) && source->configured)
		return error_set(e, kind, name, "<> is no address of a person");
	if (submission_is_null(&address))
		return 0;
	if (address.domain.len == 0 && s->account->domain == NULL) {
		submission_refuse_bare(address.local, name, ERROR_CONFIG, e);
		return error_hint(e, "%s", source->hint);
	}
	if (source->configured && phrase != NULL)
		buf_add_text(phrase, address.phrase);
	result = submission_add_path(s, &address, name, path, e);
	return result == -1 ? -1 : 1;
}

/* The first that names one: the reverse-path where phrase is NULL, else the
 * author of a From that we make, who cannot be null. */
static int
add_sender(
    struct submission *s, struct buf *path, struct buf *phrase, struct error *e)
{
	const struct source *source;
	char *value;
	size_t i;
	int found;

	for (i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		source = &sources[i];
		value = source->find(s);
		if (value == NULL)
			continue;
		found = add_source(s, source, text_of(value), path, phrase, e);
		free(value);
		if (found != -1 && phrase == NULL)
			notes_add(s->steps, "the sender is <%.*s>, by %s",
			    TEXT_ARG(buf_text(path)), name_of(s, source));
		if (found != 0 || (source->may_be_null && phrase == NULL))
			return found == -1 ? -1 : 0;
	}
	return 0;
}

bool
sender_add_first(struct text input, struct buf *out)
{
	struct address_list list;
	struct address address;

	address_list_init(&list, input);
	if (address_next(&list, &address) != 1 || submission_is_null(&address))
		return false;
	address_format(&address, out);
	return true;
}

void
sender_hint(const struct request *r, struct message *m, struct buf *out)
{
	struct message_field *f;

	if (sender_add_first(text_of(r->reverse_path), out))
		return;
	f = author_field(m);
	if (f != NULL)
		sender_add_first(f->field.value, out);
}

int
sender_set_reverse_path(struct submission *s, struct error *e)
{
	struct buf path;
	int result;

	buf_init(&path, SUBMISSION_PATH_MAX);
	result = add_sender(s, &path, NULL, e);
	if (result == 0)
		result =
		    envelope_set_reverse_path(s->envelope, buf_text(&path), e);
	buf_clear(&path);
	return result;
}

/* What looks like an encoded word is encoded too, or readers would decode
 * what nobody encoded. */
static bool
is_plain(struct text name)
{
	size_t i;

	for (i = 0; i + 1 < name.len; i++)
		if (name.at[i] == '=' && name.at[i + 1] == '?')
			return false;
	return !text_has_8bit(name);
}

static int
add_mailbox(struct text name, struct text path, struct buf *out)
{
	if (name.len == 0)
		return buf_add_text(out, path);
	if (is_plain(name))
		return address_format_mailbox(name, path, out);
	word_encode(name, WORD_PHRASE | (text_is_utf8(name) ? WORD_UTF8 : 0),
	    strlen("From: "), out);
	buf_add_string(out, " <");
	buf_add_text(out, path);
	return buf_add_char(out, '>');
}

/* The passwd entry and NAME are nobody's order: what cannot stand in a field
 * becomes a space. */
static char *
clean_name(const char *name)
{
	char *clean = mem_copy(name), *c;

	for (c = clean; *c != '\0'; c++)
		if (text_is_control(*c))
			*c = ' ';
	return clean;
}

/* NULL: ERROR_CONFIG. The caller frees it. */
static char *
author_name(const struct submission *s, struct error *e)
{
	char *expanded, *clean;

	if (s->request->full_name != NULL)
		return mem_copy(s->request->full_name);
	if (s->account->full_name == NULL)
		return clean_name(s->facts->full_name);
	expanded = facts_expand(s->account->full_name, s->account, s->facts);
	clean = clean_name(expanded);
	free(expanded);
	if (strlen(clean) <= FULL_NAME_MAX)
		return clean;
	free(clean);
	error_set(e, ERROR_CONFIG, "`full-name'", "it is longer than %d octets",
	    FULL_NAME_MAX);
	return NULL;
}

/* A phrase of the configuration is written as it is there. */
static int
add_author(const struct submission *s, struct text phrase, struct text path,
    struct buf *out, struct error *e)
{
	char *name;

	if (s->request->full_name == NULL && phrase.len > 0)
		return buf_format(
		    out, "%.*s <%.*s>", TEXT_ARG(phrase), TEXT_ARG(path));
	name = author_name(s, e);
	if (name == NULL)
		return -1;
	add_mailbox(text_trim(text_of(name)), path, out);
	free(name);
	return 0;
}

int
sender_add_from(struct submission *s, struct error *e)
{
	struct buf path, phrase, value;
	int result;

	buf_init(&path, SUBMISSION_PATH_MAX);
	buf_init(&phrase, FULL_NAME_MAX);
	buf_init(&value, 4 * SUBMISSION_PATH_MAX);
	result = add_sender(s, &path, &phrase, e);
	if (result == 0 && phrase.full)
		result = error_set(e, ERROR_CONFIG, NULL,
		    "the name in `from' or `force-from' is longer than %d "
		    "octets",
		    FULL_NAME_MAX);
	if (result == 0)
		result = add_author(
		    s, buf_text(&phrase), buf_text(&path), &value, e);
	if (result == 0)
		result =
		    message_append(s->message, "From", buf_text(&value), e);
	buf_clear(&path);
	buf_clear(&phrase);
	buf_clear(&value);
	return result;
}

int
sender_check(const struct request *r, struct error *e)
{
	const char *where = r->of_client ? "the full name" : "option -F";
	struct text name = text_of(r->full_name);

	if (text_has_control(name))
		return error_set(e, ERROR_USAGE, where,
		    "the name holds a control character");
	if (name.len > FULL_NAME_MAX)
		return error_set(e, ERROR_USAGE, where,
		    "the name is longer than %d octets", FULL_NAME_MAX);
	return 0;
}
