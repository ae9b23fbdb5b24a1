#include "submit/recipient.h"

#include <string.h>

#include "base/crypt.h"
#include "base/mem.h"

static const struct {
	const char *name;
	const char *where;
} destinations[] = {
    {"To", "the To field"},
    {"Cc", "the Cc field"},
    {"Bcc", "the Bcc field"},
    {"Resent-To", "the Resent-To field"},
    {"Resent-Cc", "the Resent-Cc field"},
    {"Resent-Bcc", "the Resent-Bcc field"},
};

/* Where a recipient comes from, which aliases do not change. */
struct origin {
	struct submission *s;
	const char *where;			  /* for people */
	const struct request_recipient *argument; /* NULL: a field */
	const struct address *address;
};

static unsigned
find_notify(const struct origin *o)
{
	if (o->argument != NULL && o->argument->notify != 0)
		return o->argument->notify;
	if (o->s->request->notify != 0)
		return o->s->request->notify;
	return o->s->account->dsn_notify;
}

/* The recipient before aliases, in ASCII; -1 where it cannot be. */
static int
add_original(const struct origin *o, struct buf *out)
{
	struct text domain = o->address->domain;

	if (domain.len == 0)
		domain = text_of(o->s->account->domain);
	buf_add_text(out, o->address->local);
	if (text_has_8bit(o->address->local))
		return -1;
	if (domain.len == 0)
		return 0;
	buf_add_char(out, '@');
	return crypt_domain(domain, out, NULL);
}

/* NULL where there is nothing to say. The caller frees it. */
static char *
find_orcpt(const struct origin *o)
{
	struct buf path;
	char *found = NULL;

	if (o->argument != NULL && o->argument->orcpt != NULL)
		return mem_copy(o->argument->orcpt);
	if (find_notify(o) == 0)
		return NULL;
	buf_init(&path, SUBMISSION_PATH_MAX);
	if (add_original(o, &path) == 0)
		found = dsn_format_orcpt(buf_text(&path));
	buf_clear(&path);
	return found;
}

/* For a person who looks: what became of an address that was written. */
static void
tell_origin(
    const struct origin *o, const struct address *address, const char *path)
{
	if (address != o->address)
		notes_add(o->s->steps, "the alias %s gives the recipient <%s>",
		    SHOWN(o->address->spec), path);
	else if (address->domain.len == 0)
		notes_add(o->s->steps,
		    "the recipient %s becomes <%s> by `domain'",
		    SHOWN(address->spec), path);
}

static int
add_forward_path(const struct origin *o, const struct address *address,
    const char *where, struct error *e)
{
	struct envelope *env = o->s->envelope;
	struct recipient *r;
	struct buf path;
	int result;

	if (address->domain.len == 0 && o->s->account->domain == NULL) {
		submission_refuse_bare(
		    address->local, where, ERROR_RECIPIENT, e);
		return error_hint(e,
		    "set `domain' in the configuration, as in `domain "
		    "example.org', name it in the file of `aliases', or write "
		    "the whole address");
	}
	buf_init(&path, SUBMISSION_PATH_MAX);
	result = submission_add_path(o->s, address, where, &path, e);
	if (result == 0)
		result = envelope_add(env, buf_text(&path), e);
	if (result == 1) {
		tell_origin(o, address, buf_string(&path));
		r = &env->recipients[env->count - 1];
		r->notify = (unsigned char)find_notify(o);
		r->orcpt = find_orcpt(o);
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
	const struct submission *s = ((const struct origin *)arg)->s;

	return text_equal_fold(domain, TEXT("localhost")) ||
	       text_equal_fold(domain, text_of(s->facts->host)) ||
	       text_equal_fold(domain, text_of(s->account->domain));
}

/* 1 when the address was an alias, 0 when it is none. */
static int
expand_alias(struct origin *o, struct error *e)
{
	const struct alias_visitor visitor = {
	    add_expanded, is_local, o, o->s->facts->random};
	const struct submit_aliases *aliases = o->s->aliases;
	const struct alias_map *map = NULL;

	if (aliases == NULL || o->s->request->no_aliases ||
	    (o->address->domain.len > 0 && !is_local(o, o->address->domain)))
		return 0;
	if (aliases->open(aliases->arg, &map, e) == -1)
		return -1;
	if (map == NULL)
		return 0;
	return alias_expand(map, o->address, aliases->source, &visitor, e);
}

static int
add_recipient(struct origin *o, struct error *e)
{
	int result;

	if (submission_is_null(o->address))
		return error_set(
		    e, ERROR_MESSAGE, o->where, "<> is no recipient");
	/* What sendmail's rules would run, write to or read; here it would only
	 * become a puzzling address. */
	if (o->address->domain.len == 0 && alias_is_special(o->address->local))
		return error_set(e, ERROR_MESSAGE, o->where,
		    "`%s' is a command, a file or a list, and no mail goes to "
		    "such",
		    SHOWN(o->address->local));
	result = expand_alias(o, e);
	if (result == 0)
		result = add_forward_path(o, o->address, o->where, e);
	return result == -1 ? -1 : 0;
}

static int
add_list(struct submission *s, struct text input, const char *where,
    const struct request_recipient *argument, struct error *e)
{
	struct address_list list;
	struct address address;
	struct origin origin = {s, where, argument, &address};
	int result;

	address_list_init(&list, input);
	while ((result = address_next(&list, &address)) == 1)
		if (add_recipient(&origin, e) == -1)
			return -1;
	if (result == -1)
		return submission_refuse(&list, where, ERROR_MESSAGE, e);
	return 0;
}

/* A block has fields of the one kind or of the other. */
static int
add_field(struct submission *s, const struct message_field *f, struct error *e)
{
	size_t i;

	for (i = 0; i < sizeof(destinations) / sizeof(destinations[0]); i++)
		if (!f->dropped && header_is(&f->field, destinations[i].name))
			return add_list(
			    s, f->field.value, destinations[i].where, NULL, e);
	return 0;
}

int
recipient_add_all(struct submission *s, struct error *e)
{
	const struct request *r = s->request;
	struct submission_block b = submission_block(s->message);
	size_t i;

	memcpy(s->envelope->paths.key, s->facts->random,
	    sizeof(s->envelope->paths.key));
	for (i = 0; i < r->recipient_count; i++)
		if (add_list(s, text_of(r->recipients[i].list),
			r->of_client ? "RCPT TO"
				     : "a recipient of the command line",
			&r->recipients[i], e) == -1)
			return -1;
	for (i = b.first; r->from_fields && i < b.end; i++)
		if (add_field(s, message_field(s->message, i), e) == -1)
			return -1;
	if (s->envelope->count > 0)
		return 0;
	if (r->from_fields) {
		error_set(e, ERROR_MESSAGE, NULL,
		    "neither the command line nor the %s fields name a "
		    "recipient",
		    b.resent ? "Resent-To, -Cc and -Bcc" : "To, Cc and Bcc");
		return error_hint(e,
		    "write a %s field with an address above the first empty "
		    "line, or give addresses as arguments",
		    b.resent ? "Resent-To, -Cc or -Bcc" : "To, Cc or Bcc");
	}
	error_set(e, ERROR_USAGE, NULL, "no recipient is given");
	return error_hint(e, "name recipients on the command line, or use -t "
			     "to take those of To, Cc and Bcc");
}
