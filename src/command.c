#include "command.h"

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

int
command_check(const struct envelope *env, const struct ehlo *ehlo,
    unsigned long long size, const char *host, struct error *e)
{
	if (ehlo->size && ehlo->size_max > 0 && size > ehlo->size_max) {
		error_set(e, ERROR_MESSAGE, "SIZE",
		    "the message has %llu octets and %s takes %llu at most",
		    size, host, ehlo->size_max);
		return error_hint(e, "send less, or a link in its place");
	}
	return ehlo->dsn ? 0 : check_never(env, host, e);
}

/* RFC 3461: RET and ENVID. */
static void
add_dsn(const struct envelope *env, struct buf *out)
{
	static const char *const ret[] = {
	    [RET_FULL] = "FULL", [RET_HDRS] = "HDRS"};

	if (env->ret != RET_NONE)
		buf_format(out, " RET=%s", ret[env->ret]);
	if (env->envid != NULL)
		buf_format(out, " ENVID=%s", env->envid);
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
	if (ehlo->dsn)
		add_dsn(env, out);
}

/* RFC 3461: NOTIFY and ORCPT. */
static void
add_notify(const struct recipient *r, struct buf *out)
{
	static const struct {
		unsigned bit;
		const char *word;
	} words[] = {{NOTIFY_NEVER, "NEVER"}, {NOTIFY_SUCCESS, "SUCCESS"},
	    {NOTIFY_FAILURE, "FAILURE"}, {NOTIFY_DELAY, "DELAY"}};
	const char *before = " NOTIFY=";
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if ((r->notify & words[i].bit) == 0)
			continue;
		buf_format(out, "%s%s", before, words[i].word);
		before = ",";
	}
	if (r->orcpt != NULL)
		buf_format(out, " ORCPT=%s", r->orcpt);
}

void
command_rcpt(
    const struct recipient *r, const struct ehlo *ehlo, struct buf *out)
{
	buf_format(out, "RCPT TO:<%s>", r->path);
	if (ehlo->dsn)
		add_notify(r, out);
}
