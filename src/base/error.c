#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

static const struct {
	int status;
	const char *word;
	bool lasts;
} kinds[] = {
    [ERROR_NONE] = {EX_OK, "none", false},
    [ERROR_USAGE] = {EX_USAGE, "usage", true},
    [ERROR_MESSAGE] = {EX_DATAERR, "message", true},
    [ERROR_INPUT] = {EX_NOINPUT, "input", false},
    [ERROR_RECIPIENT] = {EX_NOUSER, "recipient", true},
    [ERROR_HOST] = {EX_NOHOST, "host", false},
    [ERROR_REFUSED] = {EX_UNAVAILABLE, "refused", true},
    [ERROR_BUG] = {EX_SOFTWARE, "bug", false},
    [ERROR_SYSTEM] = {EX_OSERR, "system", false},
    [ERROR_SPOOL] = {EX_CANTCREAT, "spool", false},
    [ERROR_IO] = {EX_IOERR, "io", false},
    [ERROR_LATER] = {EX_TEMPFAIL, "later", false},
    [ERROR_DOUBTFUL] = {EX_TEMPFAIL, "doubtful", false},
    [ERROR_PROTOCOL] = {EX_PROTOCOL, "protocol", false},
    [ERROR_DENIED] = {EX_NOPERM, "denied", false},
    [ERROR_CONFIG] = {EX_CONFIG, "config", false},
};

void
error_clear(struct error *e)
{
	memset(e, 0, sizeof(*e));
}

int
error_set_sys(struct error *e, enum error_kind kind, int sys, const char *doing,
    const char *fmt, ...)
{
	va_list args;
	size_t used;

	if (e == NULL || e->kind != ERROR_NONE)
		return -1;
	error_clear(e);
	e->kind = kind;
	e->doing = doing;
	e->sys = sys;
	va_start(args, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, args);
	va_end(args);
	if (sys != 0) {
		used = strlen(e->text);
		snprintf(e->text + used, sizeof(e->text) - used, ": %s",
		    strerror(sys));
	}
	return -1;
}

int
error_hint(struct error *e, const char *fmt, ...)
{
	va_list args;

	if (e == NULL || e->hint[0] != '\0')
		return -1;
	va_start(args, fmt);
	vsnprintf(e->hint, sizeof(e->hint), fmt, args);
	va_end(args);
	return -1;
}

struct error_line
error_line(const struct error *e)
{
	struct error_line line;

	snprintf(line.words, sizeof(line.words), "%s%s%s",
	    e->doing == NULL ? "" : e->doing, e->doing == NULL ? "" : ": ",
	    e->text);
	return line;
}

struct error_line
error_reason(const struct error *e)
{
	struct error_line line;

	if (e->code == 0 || e->why[0] == '\0')
		return error_line(e);
	strlcpy(line.words, e->why, sizeof(line.words));
	return line;
}

int
error_status(enum error_kind kind)
{
	return kinds[kind].status;
}

bool
error_lasts(enum error_kind kind)
{
	return kinds[kind].lasts;
}

const char *
error_word(enum error_kind kind)
{
	return kinds[kind].word;
}
