#ifndef REPAIR_H
#define REPAIR_H

/*
 * repair: what is mended in the header section, RFC 6409 section 8. What was
 * done that a person may want to know is noted in s->notes. Each gives -1 with
 * ERROR_MESSAGE for what cannot be mended.
 */

#include "submit/submission.h"

/* NULs go before the addresses are read. */
int repair_nul(struct submission *s, struct error *e);

/* Bcc, Resent-Bcc and Return-Path, in every mode. */
void repair_drop(struct submission *s);

/*
 * Unless -G forbids it: bare names are completed with `domain', missing From,
 * Date, Message-ID and destination fields added, empty ones replaced. In any
 * case `force-from' replaces From and keeps the old one in Reply-To. The
 * reverse-path is set already. And what sender_add_from() says.
 *
 * Of a caller who may not send as anybody: where he may not be each whom From
 * names, a Sender field names him, by the reverse-path, else his login; one
 * that names another is dropped. What he has resent, by Resent-From, stays as
 * it is.
 */
int repair_fields(struct submission *s, struct error *e);

/* What no server takes in a header section, however it came there: 8-bit bytes
 * without SMTPUTF8, and lines that are too long. */
int repair_octets(struct submission *s, struct error *e);

#endif
