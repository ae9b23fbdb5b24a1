#include "submit/submit.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypt.h"
#include "base/mem.h"
#include "message/address.h"
#include "message/fields.h"

#define FULL_NAME_MAX 300
#define PATH_SIZE     4096 /* refused by the envelope long before */
#define FIELD_MAX     (4UL * MESSAGE_HEADER_MAX)

struct submission {
	const struct request *request;
	const struct facts *facts;
	const struct account *account;
	const struct submit_aliases *aliases; /* NULL for none */
	struct message *message;
	struct envelope *envelope;
	const struct request_recipient *wish; /* of the next ones, or NULL */
	const struct address *original;	      /* recipient, before aliases */
	bool needs_utf8; /* an address cannot be said in ASCII */
};

/* The fields that count: all, or the topmost resent block. */
struct block {
	size_t first;
	size_t end;
	bool resent;
};

struct destination {
	const char *name;
	const char *where;
};

static const struct destination destinations[] = {
    {"To", "the To field"},
    {"Cc", "the Cc field"},
    {"Bcc", "the Bcc field"},
};

static const struct destination resent_destinations[] = {
    {"Resent-To", "the Resent-To field"},
    {"Resent-Cc", "the Resent-Cc field"},
    {"Resent-Bcc", "the Resent-Bcc field"},
};

#define DESTINATION_COUNT (sizeof(destinations) / sizeof(destinations[0]))

static const char from_login[] = "the login name";

static const char *
expansion(char letter, const struct account *a, const struct facts *f)
{
	switch (letter) {
	case 'U':
		return f->login;
	case 'H':
		return f->host;
	case 'D':
		return a->domain == NULL ? "" : a->domain;
	case '%':
		return "%";
	}
	return NULL;
}

char *
submit_expand(const char *value, const struct account *a, const struct facts *f)
{
	const char *words;
	struct buf out;

	if (value == NULL)
		return NULL;
	buf_init(&out, SIZE_MAX / 4);
	for (; *value != '\0'; value++) {
		words = *value == '%' ? expansion(value[1], a, f) : NULL;
		if (words == NULL) {
			buf_add_char(&out, *value);
			continue;
		}
		buf_add_string(&out, words);
		value++;
	}
	return buf_take(&out);
}

static bool
is_blank(const struct message_field *f)
{
	return text_trim(f->field.value).len == 0;
}

/* The fields of RFC 5322 section 3.6.6, each at most once in a block. */
static unsigned
resent_bit(const struct message_field *f)
{
	static const char *const names[] = {"Date", "From", "Sender", "To",
	    "Cc", "Bcc", "Message-ID", "Reply-To"};
	struct text rest = text_skip(f->field.name, sizeof("Resent-") - 1);
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (text_equal_fold(rest, text_of(names[i])))
			return 1U << i;
	return 0;
}

/* A block is one run of Resent- fields; a second one of a name begins the
 * block of an earlier resending. */
static struct block
block_find(struct message *m)
{
	struct block b = {0, message_field_count(m), false};
	struct message_field *f;
	unsigned bit, seen = 0;
	size_t i;

	for (i = 0; i < b.end; i++) {
		f = message_field(m, i);
		if (!text_starts_fold(f->field.name, TEXT("Resent-"))) {
			if (b.resent)
				break;
			continue;
		}
		bit = resent_bit(f);
		if ((seen & bit) != 0)
			break;
		if (!b.resent)
			b.first = i;
		b.resent = true;
		seen |= bit;
	}
	b.end = i;
	return b;
}

static int
refuse_list(const struct address_list *list, const char *where,
    enum error_kind kind, struct error *e)
{
	struct text rest = text_skip(list->input, list->fault_at);
	char shown[100];

	rest = text_trim(rest);
	if (rest.len == 0)
		return error_set(e, kind, where, "%s, at its end", list->fault);
	return error_set(e, kind, where, "%s, at `%s'", list->fault,
	    text_visible(rest, shown, sizeof(shown)));
}

static int
refuse_bare(
    struct text local, enum error_kind kind, const char *where, struct error *e)
{
	char shown[100];

	return error_set(e, kind, where,
	    "`%s' has no domain and nothing completes it",
	    text_visible(local, shown, sizeof(shown)));
}

static int
refuse_bare_recipient(struct text local, const char *where, struct error *e)
{
	refuse_bare(local, ERROR_RECIPIENT, where, e);
	return error_hint(e,
	    "set `domain' in the configuration, as in `domain example.org', "
	    "name it in the file of `aliases', or write the whole address");
}

/* No fault of a recipient, whom a caller would strike from its list. */
static int
refuse_bare_sender(struct text local, const char *where, struct error *e)
{
	refuse_bare(local, ERROR_CONFIG, where, e);
	if (where == from_login)
		return error_hint(e,
		    "write `from you@example.org' or `domain example.org' into "
		    "the configuration");
	return error_hint(e,
	    "write `domain example.org' into the configuration, or write the "
	    "whole address");
}

static bool
is_null(const struct address *address)
{
	return address->local.len == 0 && address->domain.len == 0;
}

/* The address as it stands in a command, completed with `domain'. No bare
 * recipient that nothing completes comes as far as this. */
static int
add_path(struct submission *s, const struct address *address, const char *where,
    struct buf *out, struct error *e)
{
	struct text domain = address->domain;

	if (domain.len == 0)
		domain = text_of(s->account->domain);
	if (domain.len == 0)
		return refuse_bare_sender(address->local, where, e);
	if (text_has_8bit(address->local))
		s->needs_utf8 = true;
	buf_add_text(out, address->local);
	buf_add_char(out, '@');
	if (!s->request->smtputf8)
		return crypt_domain(domain, out, e);
	if (text_has_8bit(domain))
		s->needs_utf8 = true;
	if (buf_add_text(out, domain) == -1)
		return error_set(e, ERROR_MESSAGE, where,
		    "the domain of an address is too long");
	return 0;
}

/* What sendmail's rules would run or write to; here it would only become a
 * puzzling address. */
static bool
is_program(const struct address *address)
{
	struct text local = address->local;

	if (local.at[0] == '"')
		local = text_skip(local, 1);
	return address->domain.len == 0 && local.len > 0 &&
	       (local.at[0] == '|' || local.at[0] == '/');
}

static int
refuse_program(struct text local, const char *where, struct error *e)
{
	char shown[100];

	return error_set(e, ERROR_MESSAGE, where,
	    "`%s' is a command or a file, and no mail goes to such",
	    text_visible(local, shown, sizeof(shown)));
}

static unsigned
notify_wish(const struct submission *s)
{
	if (s->wish != NULL && s->wish->notify != 0)
		return s->wish->notify;
	if (s->request->notify != 0)
		return s->request->notify;
	return s->account->dsn_notify;
}

/* The recipient before aliases, in ASCII; -1 where it cannot be. */
static int
add_original(const struct submission *s, struct buf *out)
{
	const struct address *original = s->original;
	struct text domain = original->domain;
	struct error unused;

	if (domain.len == 0)
		domain = text_of(s->account->domain);
	buf_add_text(out, original->local);
	if (text_has_8bit(original->local))
		return -1;
	if (domain.len == 0)
		return 0;
	error_clear(&unused);
	buf_add_char(out, '@');
	return crypt_domain(domain, out, &unused);
}

/* NULL where there is nothing to say. The caller frees it. */
static char *
original_recipient(const struct submission *s)
{
	struct buf path;
	char *found = NULL;

	if (s->wish != NULL && s->wish->orcpt != NULL)
		return mem_copy(s->wish->orcpt);
	if (notify_wish(s) == 0)
		return NULL;
	buf_init(&path, PATH_SIZE);
	if (add_original(s, &path) == 0)
		found = dsn_format_orcpt(buf_text(&path));
	buf_clear(&path);
	return found;
}

static int
add_forward_path(struct submission *s, const struct address *address,
    const char *where, struct error *e)
{
	struct envelope *env = s->envelope;
	struct recipient *r;
	struct buf path;
	int result;

	if (address->domain.len == 0 && s->account->domain == NULL)
		return refuse_bare_recipient(address->local, where, e);
	buf_init(&path, PATH_SIZE);
	result = add_path(s, address, where, &path, e);
	if (result == 0)
		result = envelope_add(env, buf_text(&path), e);
	if (result == 1) {
		r = &env->recipients[env->count - 1];
		r->notify = (unsigned char)notify_wish(s);
		r->orcpt = original_recipient(s);
	}
	buf_clear(&path);
	return result == -1 ? -1 : 0;
}

static int
add_expanded(void *arg, const struct address *address, struct error *e)
{
	return add_forward_path(arg, address, "aliases", e);
}

static bool
is_local(void *arg, struct text domain)
{
	const struct submission *s = arg;

	return text_equal_fold(domain, TEXT("localhost")) ||
	       text_equal_fold(domain, text_of(s->facts->host)) ||
	       text_equal_fold(domain, text_of(s->account->domain));
}

/* 1 when the address was an alias, 0 when it is none. */
static int
expand_alias(
    struct submission *s, const struct address *address, struct error *e)
{
	const struct alias_visitor visitor = {add_expanded, is_local, s};
	const struct submit_aliases *aliases = s->aliases;
	const struct alias_map *map = NULL;

	if (aliases == NULL || s->request->no_aliases ||
	    (address->domain.len > 0 && !is_local(s, address->domain)))
		return 0;
	if (aliases->open(aliases->arg, &map, e) == -1)
		return -1;
	if (map == NULL)
		return 0;
	return alias_expand(map, address, aliases->source, &visitor, e);
}

static int
add_recipient(struct submission *s, const struct address *address,
    const char *where, struct error *e)
{
	int expanded;

	if (is_null(address))
		return error_set(e, ERROR_MESSAGE, where, "<> is no recipient");
	if (is_program(address))
		return refuse_program(address->local, where, e);
	s->original = address;
	expanded = expand_alias(s, address, e);
	if (expanded == 0)
		expanded = add_forward_path(s, address, where, e);
	s->original = NULL; /* the caller's */
	return expanded == -1 ? -1 : 0;
}

static int
add_recipients(
    struct submission *s, struct text input, const char *where, struct error *e)
{
	struct address_list list;
	struct address address;
	int result;

	address_list_init(&list, input);
	while ((result = address_next(&list, &address)) == 1) {
		result = add_recipient(s, &address, where, e);
		if (result == -1)
			break;
	}
	if (result == -1)
		refuse_list(&list, where, ERROR_MESSAGE, e);
	return result;
}

static int
add_field_recipients(
    struct submission *s, const struct block *b, size_t at, struct error *e)
{
	const struct destination *d;
	struct message_field *f = message_field(s->message, at);
	size_t i;

	d = b->resent ? resent_destinations : destinations;
	for (i = 0; i < DESTINATION_COUNT; i++)
		if (!f->dropped && header_is(&f->field, d[i].name))
			return add_recipients(s, f->field.value, d[i].where, e);
	return 0;
}

/* One argument, with the wishes that came beside it. */
static int
add_argument(struct submission *s, size_t at, struct error *e)
{
	int result;

	s->wish = &s->request->recipients[at];
	result = add_recipients(
	    s, text_of(s->wish->list), "a recipient of the command line", e);
	s->wish = NULL;
	return result;
}

static int
set_recipients(struct submission *s, struct error *e)
{
	const struct request *r = s->request;
	struct block b = block_find(s->message);
	size_t i;

	for (i = 0; i < r->recipient_count; i++)
		if (add_argument(s, i, e) == -1)
			return -1;
	for (i = b.first; r->from_fields && i < b.end; i++)
		if (add_field_recipients(s, &b, i, e) == -1)
			return -1;
	if (s->envelope->count > 0)
		return 0;
	if (r->from_fields)
		return error_set(e, ERROR_MESSAGE, NULL,
		    "neither the command line nor the %s fields name a "
		    "recipient",
		    b.resent ? "Resent-To, -Cc and -Bcc" : "To, Cc and Bcc");
	error_set(e, ERROR_USAGE, NULL, "no recipient is given");
	return error_hint(e, "name recipients on the command line, or use -t "
			     "to take those of To, Cc and Bcc");
}

/* Returns how many there were. */
static size_t
drop_all(struct message *m, const char *name)
{
	struct message_field *f;
	size_t at = 0, count = 0;

	for (; (f = message_find_next(m, name, &at)) != NULL; count++)
		message_drop(f);
	return count;
}

/* Returns whether no field of that name is left. */
static bool
drop_blank(struct message *m, const char *name)
{
	struct message_field *f;
	bool missing = true;
	size_t at = 0;

	while ((f = message_find_next(m, name, &at)) != NULL) {
		if (is_blank(f))
			message_drop(f);
		else
			missing = false;
	}
	return missing;
}

/* The field that says who submits; NULL where there is none. */
static struct message_field *
author_field(struct message *m)
{
	struct block b = block_find(m);
	struct message_field *f;
	size_t at;

	for (at = b.first; b.resent && at < b.end; at++) {
		f = message_field(m, at);
		if (header_is(&f->field, "Resent-From") && !is_blank(f))
			return f;
	}
	at = 0;
	while ((f = message_find_next(m, "From", &at)) != NULL)
		if (!is_blank(f))
			return f;
	return NULL;
}

/* 1 with an address that is not null, else 0. */
static int
add_first(struct text input, struct buf *out)
{
	struct address_list list;
	struct address address;

	address_list_init(&list, input);
	if (address_next(&list, &address) != 1 || is_null(&address))
		return 0;
	address_format(&address, out);
	return 1;
}

void
submit_reverse_path_hint(
    const struct request *r, struct message *m, struct buf *out)
{
	struct message_field *f;

	if (add_first(text_of(r->reverse_path), out) == 1)
		return;
	f = author_field(m);
	if (f != NULL)
		add_first(f->field.value, out);
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
		refuse_list(&list, "option -f", ERROR_MESSAGE, e);
	else if (!is_null(&address))
		result = add_path(s, &address, "option -f", out, e);
	return result;
}

/* `from' and `force-from'; phrase may be NULL. */
static int
add_configured_path(struct submission *s, const char *value,
    const char *keyword, struct buf *out, struct buf *phrase, struct error *e)
{
	char *expanded = submit_expand(value, s->account, s->facts);
	struct address_list list;
	struct address address;
	int result;

	result = address_parse_one(&list, text_of(expanded), &address);
	if (result == -1)
		refuse_list(&list, keyword, ERROR_CONFIG, e);
	else if (is_null(&address))
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
	buf_init(&quoted, PATH_SIZE);
	buf_add_char(&quoted, '"');
	for (i = 0; i < address.local.len; i++)
		buf_format(&quoted, "\\%c", address.local.at[i]);
	buf_add_char(&quoted, '"');
	result = address_parse_one(&list, buf_text(&quoted), &address);
	if (result == -1)
		refuse_list(&list, from_login, ERROR_MESSAGE, e);
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
		refuse_list(&list, "the From field", ERROR_MESSAGE, e);
	else if (result == 0 || is_null(&address))
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

static int
set_reverse_path(struct submission *s, struct error *e)
{
	struct buf path;
	int result;

	buf_init(&path, PATH_SIZE);
	result = add_reverse_path(s, &path, e);
	if (result == 0)
		result =
		    envelope_set_reverse_path(s->envelope, buf_text(&path), e);
	buf_clear(&path);
	return result;
}

/* An addr-spec of a field in its new form: bare names get the domain, U-labels
 * become A-labels. False where it is to stay. */
static bool
add_completed(
    const struct submission *s, const struct address *address, struct buf *out)
{
	struct text domain = text_of(s->account->domain);
	struct error unused;
	bool bare = address->domain.len == 0;
	size_t before = out->len;

	error_clear(&unused);
	if (is_null(address) || (bare && domain.len == 0) ||
	    (bare && text_has_8bit(address->local) && !s->needs_utf8))
		return false;
	if (!bare)
		domain = address->domain;
	if (!bare && (!text_has_8bit(domain) || s->request->smtputf8))
		return false;
	buf_add_text(out, bare ? address->spec : address->local);
	buf_add_char(out, '@');
	if (crypt_domain(domain, out, &unused) == 0)
		return true;
	out->len = before;
	return false;
}

/* What cannot be parsed stays as it is: the envelope does not come from it. */
static int
complete_field(
    const struct submission *s, struct message_field *f, struct error *e)
{
	struct text input = f->field.value;
	struct address_list list;
	struct address address;
	struct buf out;
	size_t at, copied = 0;
	bool changed = false;
	int result;

	if (s->account->domain == NULL && !text_has_8bit(input))
		return 0;
	buf_init(&out, FIELD_MAX);
	address_list_init(&list, input);
	while ((result = address_next(&list, &address)) == 1) {
		at = (size_t)(address.spec.at - input.at);
		buf_add(&out, input.at + copied, at - copied);
		copied = at;
		if (add_completed(s, &address, &out)) {
			copied += address.spec.len;
			changed = true;
		}
	}
	buf_add_text(&out, text_skip(input, copied));
	if (result == 0 && changed && !out.full)
		result = message_replace(f, buf_text(&out), e);
	else
		result = 0;
	buf_clear(&out);
	return result;
}

static bool
has_mailboxes(const struct message_field *f)
{
	static const char *const names[] = {"From", "Sender", "Reply-To", "To",
	    "Cc", "Resent-From", "Resent-Sender", "Resent-Reply-To",
	    "Resent-To", "Resent-Cc"};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (header_is(&f->field, names[i]))
			return true;
	return false;
}

static int
complete_fields(const struct submission *s, struct error *e)
{
	struct message_field *f;
	size_t i;

	for (i = 0; i < message_field_count(s->message); i++) {
		f = message_field(s->message, i);
		if (!f->dropped && has_mailboxes(f) &&
		    complete_field(s, f, e) == -1)
			return -1;
	}
	return 0;
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
	expanded = submit_expand(s->account->full_name, s->account, s->facts);
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
	buf_init(&value, 4 * PATH_SIZE);
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
	buf_init(&value, 4 * PATH_SIZE);
	buf_format(&value, "%.*s <%.*s>", TEXT_ARG(phrase), TEXT_ARG(path));
	result = message_append(s->message, "From", buf_text(&value), e);
	buf_clear(&value);
	return result;
}

static int
add_from(struct submission *s, struct error *e)
{
	struct buf path, phrase;
	int result;

	buf_init(&path, PATH_SIZE);
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

static bool
is_only_address(const struct message_field *f, struct text path)
{
	struct address_list list;
	struct address address;
	struct buf only;
	bool same = false;

	buf_init(&only, PATH_SIZE);
	if (address_parse_one(&list, f->field.value, &address) == 0) {
		address_format(&address, &only);
		same = text_equal(buf_text(&only), path);
	}
	buf_clear(&only);
	return same;
}

static bool
is_address_list(struct text input)
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

/* Answers are to reach whom the old From names. */
static int
force_from(struct submission *s, struct error *e)
{
	struct message *m = s->message;
	struct message_field *from;
	bool missing = drop_blank(m, "From");

	from = message_find(m, "From");
	if (!missing &&
	    is_only_address(from, text_of(s->envelope->reverse_path)))
		return 0;
	if (!missing && drop_blank(m, "Reply-To") &&
	    is_address_list(from->field.value) &&
	    message_append(m, "Reply-To", from->field.value, e) == -1)
		return -1;
	drop_all(m, "From");
	return add_from(s, e);
}

static int
add_date(const struct submission *s, struct error *e)
{
	struct buf value;
	int result;

	buf_init(&value, PATH_SIZE);
	date_format(s->facts->now, &value);
	result = message_append(s->message, "Date", buf_text(&value), e);
	buf_clear(&value);
	return result;
}

/* The sender's domain, so that nothing of the host leaks. */
static int
add_domain(const struct submission *s, struct buf *out)
{
	struct message_field *f = message_find(s->message, "From");
	struct text path = text_of(s->envelope->reverse_path);
	struct error unused;
	struct buf author;
	size_t i;
	int result = -1;

	error_clear(&unused);
	buf_init(&author, PATH_SIZE);
	if (path.len == 0 && f != NULL && add_first(f->field.value, &author))
		path = buf_text(&author);
	for (i = path.len; i > 0 && path.at[i - 1] != '@'; i--)
		continue;
	if (i > 0)
		result = crypt_domain(text_skip(path, i), out, &unused);
	buf_clear(&author);
	return result;
}

static int
add_message_id(const struct submission *s, struct error *e)
{
	struct buf value;
	size_t i, mark;
	int result;

	buf_init(&value, PATH_SIZE);
	buf_add_char(&value, '<');
	for (i = 0; i < sizeof(s->facts->random); i++)
		buf_format(&value, "%02x", s->facts->random[i]);
	buf_add_char(&value, '@');
	mark = value.len;
	if (add_domain(s, &value) == -1) {
		value.len = mark;
		buf_add_string(&value, "localhost");
	}
	buf_add_char(&value, '>');
	result = message_append(s->message, "Message-ID", buf_text(&value), e);
	buf_clear(&value);
	return result;
}

static int
add_missing(struct submission *s, struct error *e)
{
	struct message *m = s->message;
	bool no_to = drop_blank(m, "To"), no_cc = drop_blank(m, "Cc");

	drop_blank(m, "Sender");
	drop_blank(m, "Reply-To");
	if (drop_blank(m, "From") && add_from(s, e) == -1)
		return -1;
	if (no_to && no_cc &&
	    message_append(m, "To", TEXT("undisclosed-recipients:;"), e) == -1)
		return -1;
	if (drop_blank(m, "Date") && add_date(s, e) == -1)
		return -1;
	return drop_blank(m, "Message-ID") ? add_message_id(s, e) : 0;
}

static int
repair(struct submission *s, struct error *e)
{
	bool repairs = !s->request->no_repairs;

	if (repairs && complete_fields(s, e) == -1)
		return -1;
	if (s->account->force_from != NULL && force_from(s, e) == -1)
		return -1;
	return repairs ? add_missing(s, e) : 0;
}

static void
note_fields(
    struct notes *notes, size_t count, const char *had, const char *became)
{
	if (count > 0)
		notes_add(notes, "%zu header field%s %s, %s", count,
		    count == 1 ? "" : "s", had, became);
}

/* What no server takes in a header section, however it came there. */
static int
mend_fields(struct submission *s, struct notes *notes, struct error *e)
{
	struct fields_remarks remarks = {0};

	s->needs_utf8 |= fields_need_utf8(s->message);
	if (fields_repair(s->message, s->request->smtputf8 || s->needs_utf8,
		&remarks, e) == -1)
		return -1;
	note_fields(
	    notes, remarks.encoded, "with 8-bit bytes", "which were encoded");
	note_fields(notes, remarks.replaced, "with 8-bit bytes",
	    "which became question marks");
	note_fields(notes, remarks.folded, "with a line over 998 bytes",
	    "which was folded");
	return 0;
}

static int
drop_nul(struct message *m, struct notes *notes, struct error *e)
{
	size_t count;

	if (fields_drop_nul(m, &count, e) == -1)
		return -1;
	note_fields(notes, count, "with a NUL byte", "which was removed");
	return 0;
}

static bool
has_8bit_field(struct message *m)
{
	struct message_field *f;
	size_t i;

	for (i = 0; i < message_field_count(m); i++) {
		f = message_field(m, i);
		if (!f->dropped && text_has_8bit(f->field.raw))
			return true;
	}
	return false;
}

static int
set_wishes(const struct submission *s, struct error *e)
{
	const struct request *r = s->request;
	const struct message_facts *facts = message_facts(s->message);
	struct envelope *env = s->envelope;
	bool header_8bit = has_8bit_field(s->message);

	env->ret = r->ret != RET_NONE ? r->ret : s->account->dsn_return;
	env->body = BODY_7BIT;
	if (facts->body_8bit || header_8bit ||
	    (r->body_given && r->body == BODY_8BITMIME))
		env->body = BODY_8BITMIME;
	env->smtputf8 = s->needs_utf8 || header_8bit;
	env->requiretls = r->requiretls;
	env->wishes = r->wishes;
	if (r->envid == NULL)
		return 0;
	env->envid = dsn_format_envid(text_of(r->envid), e);
	return env->envid == NULL ? -1 : 0;
}

static int
check_request(const struct request *r, struct error *e)
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

int
submit(const struct request *r, const struct facts *f, const struct account *a,
    const struct submit_aliases *aliases, struct message *m,
    struct envelope *env, struct notes *notes, struct error *e)
{
	struct submission s = {.request = r,
	    .facts = f,
	    .account = a,
	    .aliases = aliases,
	    .message = m,
	    .envelope = env};

	if (check_request(r, e) == -1 || drop_nul(m, notes, e) == -1 ||
	    set_recipients(&s, e) == -1)
		return -1;
	drop_all(m, "Bcc");
	drop_all(m, "Resent-Bcc");
	if (drop_all(m, "Return-Path") > 0)
		notes_add(notes, "the Return-Path field was left out");
	if (set_reverse_path(&s, e) == -1 || repair(&s, e) == -1 ||
	    mend_fields(&s, notes, e) == -1)
		return -1;
	return set_wishes(&s, e);
}

/* A host's name that a stranger could look up. */
static bool
is_public_name(struct text name)
{
	static const char local[] = ".localdomain";
	size_t i, dot = name.len;

	if (!account_is_host(name) || text_find(name, '_') < name.len)
		return false;
	for (i = 0; i < name.len; i++)
		if (name.at[i] == '.')
			dot = i;
	return dot + 1 < name.len && text_is_alpha(name.at[dot + 1]) &&
	       !text_equal_fold(text_skip(name, dot), text_of(local));
}

/* One argument of EHLO, a name or an address literal. */
static bool
is_argument(struct text name)
{
	return !text_has_control(name) && !text_has_8bit(name) &&
	       text_find(name, ' ') == name.len;
}

char *
submit_helo(
    const struct account *a, const struct facts *f, char *out, size_t size)
{
	const char *name = f->host;
	bool usable;

	if (a->helo != NULL) {
		name = a->helo;
		usable = is_argument(text_of(name));
	} else
		usable = is_public_name(text_of(name));
	if (!usable || strlcpy(out, name, size) >= size)
		out[0] = '\0';
	return out;
}
