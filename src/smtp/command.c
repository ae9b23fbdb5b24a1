#include "smtp/command.h"

#include <stdlib.h>

#include "base/mem.h"
#include "message/address.h"
#include "submit/alias.h"

/* RFC 3461: a server without DSN may bounce to who must not be told. */
static int
check_never(const struct envelope *env, const char *host, struct error *e)
{
	size_t i;

	for (i = 0; i < env->count; i++) {
		if ((env->recipients[i].notify & NOTIFY_NEVER) == 0)
			continue;
		error_set(e, ERROR_REFUSED, "DSN",
		    "%s cannot promise NOTIFY=NEVER: it does not offer DSN",
		    host);
		return error_hint(e,
		    "leave the wish `never' out, or submit to a server that "
		    "offers DSN");
	}
	return 0;
}

static int
check_size(const struct ehlo *ehlo, unsigned long long size, const char *host,
    struct error *e)
{
	if (!ehlo->size || ehlo->size_max == 0 || size <= ehlo->size_max)
		return 0;
	error_set(e, ERROR_MESSAGE, "SIZE",
	    "the message has %llu octets and %s takes %llu at most", size, host,
	    ehlo->size_max);
	return error_hint(e, "send less, or a link in its place");
}

static int
check_smtputf8(const struct envelope *env, const struct ehlo *ehlo,
    const char *host, struct error *e)
{
	if (!env->smtputf8 || ehlo->smtputf8)
		return 0;
	error_set(e, ERROR_MESSAGE, "SMTPUTF8",
	    "an address or a field is not ASCII, and %s does not offer "
	    "SMTPUTF8",
	    host);
	return error_hint(e,
	    "only a server with SMTPUTF8 can take a non-ASCII name in front "
	    "of the @");
}

static int
refuse_wish(
    const char *extension, const char *host, const char *why, struct error *e)
{
	error_set(
	    e, ERROR_REFUSED, extension, "%s does not offer it%s", host, why);
	return error_hint(e, "leave it out, or submit to a server that has it");
}

static int
check_wishes(const struct envelope *env, const struct ehlo *ehlo,
    const char *host, struct error *e)
{
	const struct wishes *w = &env->wishes;

	if (env->requiretls && !ehlo->requiretls)
		return refuse_wish("REQUIRETLS", host, "", e);
	if (w->has_priority && !ehlo->mt_priority)
		return refuse_wish("MT-PRIORITY", host, "", e);
	if (w->deliver_by > 0 && !ehlo->deliverby)
		return refuse_wish("DELIVERBY", host, "", e);
	if (w->deliver_by > 0 && w->deliver_by < ehlo->deliverby_min)
		return refuse_wish(
		    "DELIVERBY", host, " for so short a time", e);
	if ((w->hold_for > 0 || w->hold_until[0] != '\0') &&
	    !ehlo->futurerelease)
		return refuse_wish("FUTURERELEASE", host, "", e);
	if (ehlo->futurerelease_max > 0 &&
	    w->hold_for > ehlo->futurerelease_max)
		return refuse_wish(
		    "FUTURERELEASE", host, " for so long a time", e);
	return 0;
}

int
command_check(const struct envelope *env, const struct ehlo *ehlo,
    unsigned long long size, const char *host, struct error *e)
{
	if (check_size(ehlo, size, host, e) == -1 ||
	    check_smtputf8(env, ehlo, host, e) == -1 ||
	    check_wishes(env, ehlo, host, e) == -1)
		return -1;
	return ehlo->dsn ? 0 : check_never(env, host, e);
}

bool
command_drops(const struct envelope *env, const struct ehlo *ehlo)
{
	size_t i;

	if (ehlo->dsn)
		return false;
	for (i = 0; i < env->count; i++)
		if (env->recipients[i].notify != 0 ||
		    env->recipients[i].orcpt != NULL)
			return true;
	return env->ret != RET_NONE || env->envid != NULL;
}

bool
command_lacks(const struct envelope *env, const struct ehlo *ehlo,
    unsigned long long size)
{
	return command_drops(env, ehlo) ||
	       (env->body == BODY_8BITMIME && !ehlo->eightbitmime) ||
	       command_check(env, ehlo, size, "", NULL) == -1;
}

void
command_mail(const struct envelope *env, const struct ehlo *ehlo,
    unsigned long long size, struct buf *out)
{
	buf_format(out, "MAIL FROM:<%s>", env->reverse_path);
	if (ehlo->size)
		buf_format(out, " SIZE=%llu", size);
	if (ehlo->eightbitmime && env->body == BODY_8BITMIME)
		buf_add_string(out, " BODY=8BITMIME");
	if (env->smtputf8)
		buf_add_string(out, " SMTPUTF8");
	if (env->requiretls)
		buf_add_string(out, " REQUIRETLS");
	if (ehlo->dsn && env->ret != RET_NONE) {
		buf_add_string(out, " RET=");
		dsn_format_ret(env->ret, out);
	}
	if (ehlo->dsn && env->envid != NULL)
		buf_format(out, " ENVID=%s", env->envid);
	wishes_format(&env->wishes, out);
}

void
command_rcpt(
    const struct recipient *r, const struct ehlo *ehlo, struct buf *out)
{
	buf_format(out, "RCPT TO:<%s>", r->path);
	if (ehlo->dsn && r->notify != 0) {
		buf_add_string(out, " NOTIFY=");
		dsn_format_notify(r->notify, out);
	}
	if (ehlo->dsn && r->orcpt != NULL)
		buf_format(out, " ORCPT=%s", r->orcpt);
}

/*
 * What a client of -bs writes.
 */

/* Octets of a path with its brackets, or of a bare word. 0: the bracket is not
 * closed. */
static size_t
path_length(struct text t)
{
	/* RFC 5321 section 4.1.2: only a quoted string can hold a '>'. */
	struct lexer lexer = {
	    .rest = t, .without = TOKEN_NO_COMMENTS | TOKEN_NO_LITERALS};
	struct token token;

	if (t.len == 0 || t.at[0] != '<')
		return text_find(t, ' ');
	while (token_next(&lexer, &token))
		if (token.kind == '>')
			return t.len - lexer.rest.len;
	return 0;
}

/* Cuts "FROM:<path>" off *rest; the path keeps its brackets, so that what is
 * in them is one address and no list. */
static bool
take_path(struct text *rest, struct text keyword, struct text *path)
{
	if (!text_starts_fold(*rest, keyword))
		return false;
	*rest = text_trim(text_skip(*rest, keyword.len));
	*path = text_first(*rest, path_length(*rest));
	*rest = text_skip(*rest, path->len);
	return path->len > 0;
}

/* Where it cannot be parsed, too, as the list with its colons. */
static bool
is_special(struct text path)
{
	if (path.len > 1 && path.at[0] == '<')
		path = text_skip(text_first(path, path.len - 1), 1);
	return alias_is_special(text_trim(path));
}

/* A bare name is for submit to complete. What the envelope would refuse later,
 * with the whole mail, is refused here alone. */
static bool
is_path(struct text path, bool may_be_null)
{
	struct address_list list;
	struct address address;
	struct buf spec;
	bool valid;

	if (address_parse_one(&list, path, &address) == -1)
		return false;
	if (address.local.len == 0)
		return may_be_null;
	if (address.domain.len == 0)
		return !alias_is_special(address.local);
	buf_init(&spec, 2 * ADDRESS_PATH_MAX);
	address_format(&address, &spec);
	valid = envelope_path_fault(buf_text(&spec)) == NULL;
	buf_clear(&spec);
	return valid;
}

/* What a line of a client says, while it is read. */
struct reading {
	struct request *request;
	struct request_recipient recipient;
	unsigned long long *size;
};

static bool
set_size(struct reading *r, struct text value)
{
	return text_number(value, ~0ULL, r->size);
}

static bool
set_body(struct reading *r, struct text value)
{
	return request_set_body(r->request, value) == 0;
}

static bool
set_smtputf8(struct reading *r, struct text value)
{
	r->request->smtputf8 = true;
	return value.len == 0;
}

static bool
set_ret(struct reading *r, struct text value)
{
	return dsn_parse_ret(value, &r->request->ret) == 0;
}

static bool
set_envid(struct reading *r, struct text value)
{
	r->request->envid = dsn_parse_envid(value);
	return r->request->envid != NULL;
}

/* RFC 4954 section 5: whose login it was means nothing to a server that asks
 * for none. */
static bool
set_auth(struct reading *r, struct text value)
{
	(void)r;
	return value.len > 0;
}

static bool
set_notify(struct reading *r, struct text value)
{
	return dsn_parse_notify(value, &r->recipient.notify) == 0;
}

/* It goes to the smarthost as it stands here. */
static bool
set_orcpt(struct reading *r, struct text value)
{
	if (!dsn_check_orcpt(value))
		return false;
	r->recipient.orcpt = mem_string(value.at, value.len);
	return true;
}

struct parameter {
	struct text keyword;
	bool (*set)(struct reading *r, struct text value);
};

static const struct parameter mail_parameters[] = {
    {{"SIZE", 4}, set_size},
    {{"BODY", 4}, set_body},
    {{"SMTPUTF8", 8}, set_smtputf8},
    {{"RET", 3}, set_ret},
    {{"ENVID", 5}, set_envid},
    {{"AUTH", 4}, set_auth},
    {{NULL, 0}, NULL},
};

static const struct parameter rcpt_parameters[] = {
    {{"NOTIFY", 6}, set_notify},
    {{"ORCPT", 5}, set_orcpt},
    {{NULL, 0}, NULL},
};

/* NULL, or the reply that refuses them. */
static const char *
take_parameters(
    struct reading *r, struct text rest, const struct parameter *known)
{
	struct text keyword, parameter, value;
	unsigned bit, seen = 0;
	size_t i;

	while (text_next(&rest, " ", &parameter)) {
		keyword = text_first(parameter, text_find(parameter, '='));
		value = text_skip(parameter, keyword.len + 1);
		for (i = 0; known[i].set != NULL; i++)
			if (text_equal_fold(keyword, known[i].keyword))
				break;
		if (known[i].set == NULL)
			return "555 5.5.4 there is no such parameter";
		bit = 1U << i;
		if ((seen & bit) != 0)
			return "501 5.5.4 a parameter stands twice";
		if (!known[i].set(r, value))
			return "501 5.5.4 a parameter has a wrong value";
		seen |= bit;
	}
	return NULL;
}

const char *
command_parse_mail(
    struct text argument, struct request *r, unsigned long long *size)
{
	struct reading reading = {.request = r, .size = size};
	const char *refusal;
	struct text path;

	*size = 0;
	r->of_client = true;
	if (!take_path(&argument, TEXT("FROM:"), &path))
		return "501 5.5.4 write MAIL FROM:<address>";
	if (!is_path(path, true))
		return "501 5.1.7 the sender is no address";
	refusal = take_parameters(&reading, argument, mail_parameters);
	if (refusal == NULL)
		r->reverse_path = mem_string(path.at, path.len);
	return refusal;
}

const char *
command_parse_rcpt(struct text argument, struct request *r, size_t most)
{
	struct reading reading = {.request = r};
	const char *refusal;
	struct text path;

	if (!take_path(&argument, TEXT("TO:"), &path))
		return "501 5.5.4 write RCPT TO:<address>";
	if (!is_path(path, false))
		return is_special(path)
			   ? "553 5.1.3 a command, a file or a "
			     "list is no recipient"
			   : "501 5.1.3 the recipient is no address";
	if (r->recipient_count == most)
		return "452 4.5.3 too many recipients";
	refusal = take_parameters(&reading, argument, rcpt_parameters);
	if (refusal != NULL) {
		free(reading.recipient.orcpt);
		return refusal;
	}
	reading.recipient.list = mem_string(path.at, path.len);
	*mem_push(r->recipients, r->recipient_count) = reading.recipient;
	return NULL;
}
