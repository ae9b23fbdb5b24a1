#include "world/failure.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "world/file.h"
#include "world/screen.h"

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

/* What was said by others, and is made visible, behind a label of ours. */
static void __attribute__((format(printf, 4, 5)))
print_labelled(const char *colour, const char *end, const char *label,
    const char *fmt, ...)
{
	char mark[500], words[sizeof(struct error_line) + 100];
	va_list args;

	va_start(args, fmt);
	vsnprintf(words, sizeof(words), fmt, args);
	va_end(args);
	snprintf(mark, sizeof(mark), "%s%s:%s ", colour, label, end);
	file_show(STDERR_FILENO, mark, text_of(words));
}

void
failure_print(const struct error *e, const struct envelope *env)
{
	const struct screen_palette colour = screen_palette(STDERR_FILENO);
	bool partial;
	size_t i;

	print_labelled(colour.fault, colour.end, SHOWN(text_of(getprogname())),
	    "%s%s", outcome(e, env), error_line(e).words);
	if (e->why[0] != '\0')
		file_print(STDERR_FILENO, "  server: %s", e->why);
	if (e->hint[0] != '\0')
		print_labelled(
		    colour.aside, colour.end, "  hint", "%s", e->hint);
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
