#include "smtp/command.h"

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
		return error_hint(
		    e, "leave `-N never' or `dsn-notify never' out");
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
