#include "world/failure.h"

#include <stdlib.h>
#include <unistd.h>

#include "world/file.h"

/* Whether some have the mail, or will. */
static bool
is_partial(const struct envelope *env)
{
	return envelope_count(env, VERDICT_DELIVERED) > 0 ||
	       envelope_count(env, VERDICT_QUEUED) > 0;
}

static const char *
outcome(const struct error *e, const struct envelope *env)
{
	/* The error itself says how many then. */
	if (env == NULL || is_partial(env))
		return "";
	if (e->kind == ERROR_DOUBTFUL)
		return "mail may have been sent: ";
	return "mail not sent: ";
}

static void
print_recipient(const struct recipient *r)
{
	if (r->verdict == VERDICT_REFUSED || r->verdict == VERDICT_LATER ||
	    r->verdict == VERDICT_DOUBTFUL)
		file_print(STDERR_FILENO, "  %s: %s%s%s",
		    envelope_verdict_word(r->verdict), r->path,
		    r->reply == NULL ? "" : ": ",
		    r->reply == NULL ? "" : r->reply->words);
}

void
failure_print(const struct error *e, const struct envelope *env)
{
	bool partial;
	size_t i;

	file_print(STDERR_FILENO, "%s: %s%s", getprogname(), outcome(e, env),
	    error_line(e).words);
	if (e->why[0] != '\0')
		file_print(STDERR_FILENO, "  server: %s", e->why);
	if (e->hint[0] != '\0')
		file_print(STDERR_FILENO, "  hint: %s", e->hint);
	if (env == NULL || env->count == 1)
		return;
	/* The error tells of the one that it names, and of those who share the
	 * whole mail's fate. */
	partial = is_partial(env);
	for (i = 0; i < env->count; i++)
		if (i + 1 != e->recipient &&
		    (partial || env->recipients[i].own))
			print_recipient(&env->recipients[i]);
}
