#ifndef REPORT_H
#define REPORT_H

/*
 * report: a delivery status notification (RFC 3464, and RFC 6533 where an
 * address needs it) that says who did not get a mail that was kept: words for
 * people, fields for programs, and the mail's header section, or with RET=FULL
 * all of it up to REPORT_WHOLE. It goes from the null reverse-path and is a
 * ticket itself, whose id follows from the first one's: made a second time it
 * meets the first under its name.
 */

#include "base/date.h"
#include "message/message.h"
#include "submit/ticket.h"

#define REPORT_WHOLE (64 * 1024) /* octets of the mail */

/* Strings are borrowed. */
struct report_terms {
	const char *wanted; /* `spool-report': "sender" or an address; NULL and
			     * "off": none */
	const char *host;   /* the name of this one, or "" */
	const char *remote; /* the smarthost that was asked last, or NULL */
	struct date now;
	long long lifetime; /* seconds that the report may wait */
};

/*
 * Whether somebody is to be told of a mail that is not tried any more: of whom
 * was refused, or is open, as its time is over, and it was not told yet. Never
 * for the null reverse-path, as all reports have it, nor where NOTIFY is
 * without FAILURE.
 */
bool report_is_due(const struct ticket *t, const char *wanted);

/*
 * Makes the report that is due: its ticket, with the id "<id>-b<k>" where k is
 * t->reports + 1, in an empty one, and its message, which is in memory and the
 * caller frees. m is the mail's, and is read. When the report is on stable
 * storage, and not before, the journal of t gets journal_format_told(k). -1: m
 * cannot be read, no address can be made of `wanted', or 99 reports were made
 * before; report is empty, and *message NULL.
 */
int report_make(const struct ticket *t, struct message *m,
    const struct report_terms *terms, struct ticket *report,
    struct message **message, struct error *e);

#endif
