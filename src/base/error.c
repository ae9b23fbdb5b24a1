#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

static const struct {
	int status;
	const char *word;
} kinds[] = {
    [ERROR_NONE] = {EX_OK, "none"},
    [ERROR_USAGE] = {EX_USAGE, "usage"},
    [ERROR_MESSAGE] = {EX_DATAERR, "message"},
    [ERROR_INPUT] = {EX_NOINPUT, "input"},
    [ERROR_RECIPIENT] = {EX_NOUSER, "recipient"},
    [ERROR_HOST] = {EX_NOHOST, "host"},
    [ERROR_REFUSED] = {EX_UNAVAILABLE, "refused"},
    [ERROR_BUG] = {EX_SOFTWARE, "bug"},
    [ERROR_SYSTEM] = {EX_OSERR, "system"},
    [ERROR_SPOOL] = {EX_CANTCREAT, "spool"},
    [ERROR_IO] = {EX_IOERR, "io"},
    [ERROR_LATER] = {EX_TEMPFAIL, "later"},
    [ERROR_DOUBTFUL] = {EX_TEMPFAIL, "doubtful"},
    [ERROR_PROTOCOL] = {EX_PROTOCOL, "protocol"},
    [ERROR_DENIED] = {EX_NOPERM, "denied"},
    [ERROR_CONFIG] = {EX_CONFIG, "config"},
};

void
error_clear(struct error *e)
{
	memset(e, 0, sizeof(*e));
}

static int set(struct error *e, enum error_kind kind, int sys,
    const char *doing, const char *fmt, va_list args)
    __attribute__((format(printf, 5, 0)));

static int
set(struct error *e, enum error_kind kind, int sys, const char *doing,
    const char *fmt, va_list args)
{
	size_t used;

	if (e->kind != ERROR_NONE)
		return -1;
	error_clear(e);
	e->kind = kind;
	e->doing = doing;
	e->sys = sys;
	vsnprintf(e->text, sizeof(e->text), fmt, args);
	if (sys != 0) {
		used = strlen(e->text);
		snprintf(e->text + used, sizeof(e->text) - used, ": %s",
		    strerror(sys));
	}
	return -1;
}

int
error_set(struct error *e, enum error_kind kind, const char *doing,
    const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	set(e, kind, 0, doing, fmt, args);
	va_end(args);
	return -1;
}

int
error_set_sys(struct error *e, enum error_kind kind, int sys, const char *doing,
    const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	set(e, kind, sys, doing, fmt, args);
	va_end(args);
	return -1;
}

int
error_hint(struct error *e, const char *fmt, ...)
{
	va_list args;

	if (e->hint[0] != '\0')
		return -1;
	va_start(args, fmt);
	vsnprintf(e->hint, sizeof(e->hint), fmt, args);
	va_end(args);
	return -1;
}

int
error_status(enum error_kind kind)
{
	return kinds[kind].status;
}

const char *
error_word(enum error_kind kind)
{
	return kinds[kind].word;
}
