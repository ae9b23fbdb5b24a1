#ifndef COMMAND_H
#define COMMAND_H

/*
 * command: MAIL and RCPT with their ESMTP parameters, both ways: those that an
 * envelope wishes and a server takes, and those that a client of -bs writes.
 * RFC 5321 section 4.1.1.2 and 4.1.1.3; RFC 1870, 2852, 3461, 4865, 6152, 6531,
 * 6710, 8689.
 */

#include "base/buf.h"
#include "base/error.h"
#include "smtp/ehlo.h"
#include "submit/envelope.h"
#include "submit/request.h"

/*
 * What the envelope needs and the server lacks, found before a byte of the
 * mail goes out. -1: ERROR_MESSAGE for a message larger than SIZE allows and
 * for an address that needs SMTPUTF8; ERROR_REFUSED for a wish that cannot be
 * kept (NOTIFY=NEVER without DSN, REQUIRETLS, MT-PRIORITY, DELIVERBY,
 * FUTURERELEASE). Other wishes of DSN are dropped where it is not offered.
 */
int command_check(const struct envelope *env, const struct ehlo *ehlo,
    unsigned long long size, const char *host, struct error *e);

/* Whether the envelope wishes for a DSN that is not offered, so that the wish
 * is dropped. */
bool command_drops(const struct envelope *env, const struct ehlo *ehlo);

/* Whether a wish is not offered at all: it would be dropped or refused, or a
 * mail of 8 bits be put into 7. What makes a mail only faster is no wish. */
bool command_lacks(const struct envelope *env, const struct ehlo *ehlo,
    unsigned long long size);

/* Appends the command without its CRLF. */
void command_mail(const struct envelope *env, const struct ehlo *ehlo,
    unsigned long long size, struct buf *out);
void command_rcpt(
    const struct recipient *r, const struct ehlo *ehlo, struct buf *out);

/*
 * The argument of a client's MAIL or RCPT, added to a request that has no
 * sender, or fewer than `most' recipients. NULL, or the reply that refuses it;
 * then the request may hold some of what MAIL said, but nothing of RCPT.
 * Paths stay as they are written, in their brackets, so that what is in them
 * is one address and no list. *size is what SIZE announced, or 0.
 */
const char *command_parse_mail(
    struct text argument, struct request *r, unsigned long long *size);
const char *command_parse_rcpt(
    struct text argument, struct request *r, size_t most);

#endif
