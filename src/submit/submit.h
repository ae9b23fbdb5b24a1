#ifndef SUBMIT_H
#define SUBMIT_H

/*
 * submit: what the caller asked for (request), what is so (facts), the account
 * and the message -> the envelope, and the repairs of RFC 6409 section 8 made
 * to the message: the order of these acts.
 */

#include "submit/submission.h"

/*
 * Fills the envelope (initialised by the caller) and repairs the message:
 * behaviour of the manual's sections ENVELOPE and MESSAGE. Bcc, Resent-Bcc and
 * Return-Path are dropped in every mode; missing From, Date, Message-ID,
 * destination fields are added; empty ones replaced; recipients that are bare
 * names or of this machine are expanded through aliases (NULL is none); bare
 * names are completed with `domain` in envelope and fields; force-from replaces
 * From and keeps the old one in Reply-To.
 * -1: what its acts say (recipient, sender, repair), and ERROR_USAGE for an
 * envelope identifier that is none.
 */
int submit(struct submission *s, struct error *e);

/*
 * What submit() would fail for whatever the message says: fields choose neither
 * recipients nor sender. The message is empty, and stays so; the envelope is of
 * no other use then. -1: as submit().
 */
int submit_foresee(struct submission *s, struct error *e);

#endif
