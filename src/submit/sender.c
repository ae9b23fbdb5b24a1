#include "submit/sender.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "message/fields.h"

#define FULL_NAME_MAX 300

static const char from_login[] = "the login name";

/* A bare one is no fault of a recipient, whom a caller would strike from its
 * list. */
static int
add_path(struct submission *s, const struct address *address, const char *where,
    struct buf *out, struct error *e)
{
	if (address->domain.len > 0 || s->account->domain != NULL)
		return submission_add_path(s, address, where, out, e);
	submission_refuse_bare(address->local, where, ERROR_CONFIG, e);
	if (where == from_login)
		return error_hint(e,
		    "write `from you@example.org' or `domain example.org' into "
		    "the configuration");
	return error_hint(e,
	    "write `domain example.org' into the configuration, or write the "
	    "whole address");
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

/* -f: nothing is added for the null reverse-path. */
static int
add_given_path(struct submission *s, struct buf *out, struct error *e)
{
	struct text given = text_of(s->request->reverse_path);
	struct address_list list;
	struct address address;
	int result;

	if (text_trim(given).len == 0 && !text_has_control(given))
		return 0;
	result = address_parse_one(&list, given, &address);
	if (result == -1)
		submission_refuse(&list, "option -f", ERROR_MESSAGE, e);
	else if (!submission_is_null(&address))
		result = add_path(s, &address, "option -f", out, e);
	return result;
}

/* `from' and `force-from'; phrase may be NULL. */
static int
add_configured_path(struct submission *s, const char *value,
    const char *keyword, struct buf *out, struct buf *phrase, struct error *e)
{
	char *expanded = facts_expand(value, s->account, s->facts);
	struct address_list list;
	struct address address;
	int result;

	result = address_parse_one(&list, text_of(expanded), &address);
	if (result == -1)
		submission_refuse(&list, keyword, ERROR_CONFIG, e);
	else if (submission_is_null(&address))
		result = error_set(
		    e, ERROR_CONFIG, keyword, "<> is no address of a person");
	else
		result = add_path(s, &address, keyword, out, e);
	if (result == 0 && phrase != NULL)
		buf_add_text(phrase, address.phrase);
	free(expanded);
	return result;
}

static int
add_login_path(struct submission *s, struct buf *out, struct error *e)
{
	struct address address = {.local = text_of(s->facts->login)};
	struct address_list list;
	struct buf quoted;
	size_t i;
	int result;

	/* "DOMAIN\user" is a login, too. */
	buf_init(&quoted, SUBMISSION_PATH_MAX);
	buf_add_char(&quoted, '"');
	for (i = 0; i < address.local.len; i++)
		buf_format(&quoted, "\\%c", address.local.at[i]);
	buf_add_char(&quoted, '"');
	result = address_parse_one(&list, buf_text(&quoted), &address);
	if (result == -1)
		submission_refuse(&list, from_login, ERROR_MESSAGE, e);
	else
		result = add_path(s, &address, from_login, out, e);
	buf_clear(&quoted);
	return result;
}

static int
add_field_path(struct submission *s, const struct message_field *f,
    struct buf *out, struct error *e)
{
	struct address_list list;
	struct address address;
	int result;

	address_list_init(&list, f->field.value);
	result = address_next(&list, &address);
	if (result == -1)
		submission_refuse(&list, "the From field", ERROR_MESSAGE, e);
	else if (result == 0 || submission_is_null(&address))
		result = add_login_path(s, out, e);
	else
		result = add_path(s, &address, "the From field", out, e);
	return result;
}

static int
add_reverse_path(struct submission *s, struct buf *out, struct error *e)
{
	const struct account *a = s->account;
	struct message_field *f = author_field(s->message);

	if (a->force_from != NULL)
		return add_configured_path(
		    s, a->force_from, "`force-from'", out, NULL, e);
	if (s->request->reverse_path != NULL)
		return add_given_path(s, out, e);
	if (a->from != NULL)
		return add_configured_path(s, a->from, "`from'", out, NULL, e);
	if (a->from_header == SWITCH_YES && f != NULL)
		return add_field_path(s, f, out, e);
	return add_login_path(s, out, e);
}

int
sender_set_reverse_path(struct submission *s, struct error *e)
{
	struct buf path;
	int result;

	buf_init(&path, SUBMISSION_PATH_MAX);
	result = add_reverse_path(s, &path, e);
	if (result == 0)
		result =
		    envelope_set_reverse_path(s->envelope, buf_text(&path), e);
	buf_clear(&path);
	return result;
}

/* The path, and the phrase where the configuration gives one, of a From that
 * we make. */
static int
add_author_path(
    struct submission *s, struct buf *path, struct buf *phrase, struct error *e)
{
	const struct account *a = s->account;
	const char *reverse_path = s->envelope->reverse_path;

	if (a->force_from != NULL)
		return add_configured_path(
		    s, a->force_from, "`force-from'", path, phrase, e);
	if (s->request->reverse_path != NULL && reverse_path[0] != '\0')
		return buf_add_string(path, reverse_path);
	if (a->from != NULL)
		return add_configured_path(
		    s, a->from, "`from'", path, phrase, e);
	if (reverse_path[0] != '\0')
		return buf_add_string(path, reverse_path);
	return add_login_path(s, path, e);
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
add_author(struct text name, struct text path, struct buf *out)
{
	if (name.len == 0)
		return buf_add_text(out, path);
	if (is_plain(name))
		return address_format_mailbox(name, path, out);
	fields_encode(name, strlen("From: "), true, out);
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
		if (text_has_control((struct text){c, 1}))
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

static int
append_author(struct submission *s, struct text path, struct error *e)
{
	struct buf value;
	char *name;
	int result;

	name = author_name(s, e);
	if (name == NULL)
		return -1;
	buf_init(&value, 4 * SUBMISSION_PATH_MAX);
	add_author(text_trim(text_of(name)), path, &value);
	result = message_append(s->message, "From", buf_text(&value), e);
	buf_clear(&value);
	free(name);
	return result;
}

/* A phrase of the configuration is written as it is there. */
static int
append_from(
    struct submission *s, struct text phrase, struct text path, struct error *e)
{
	struct buf value;
	int result;

	if (s->request->full_name != NULL || phrase.len == 0)
		return append_author(s, path, e);
	buf_init(&value, 4 * SUBMISSION_PATH_MAX);
	buf_format(&value, "%.*s <%.*s>", TEXT_ARG(phrase), TEXT_ARG(path));
	result = message_append(s->message, "From", buf_text(&value), e);
	buf_clear(&value);
	return result;
}

int
sender_add_from(struct submission *s, struct error *e)
{
	struct buf path, phrase;
	int result;

	buf_init(&path, SUBMISSION_PATH_MAX);
	buf_init(&phrase, FULL_NAME_MAX);
	result = add_author_path(s, &path, &phrase, e);
	if (result == 0 && phrase.full)
		result = error_set(e, ERROR_CONFIG, NULL,
		    "the name in `from' or `force-from' is longer than %d "
		    "octets",
		    FULL_NAME_MAX);
	if (result == 0)
		result = append_from(s, buf_text(&phrase), buf_text(&path), e);
	buf_clear(&path);
	buf_clear(&phrase);
	return result;
}

int
sender_check(const struct request *r, struct error *e)
{
	struct text name = text_of(r->full_name);

	if (text_has_control(name))
		return error_set(e, ERROR_USAGE, "option -F",
		    "the name holds a control character");
	if (name.len > FULL_NAME_MAX)
		return error_set(e, ERROR_USAGE, "option -F",
		    "the name is longer than %d octets", FULL_NAME_MAX);
	return 0;
}
