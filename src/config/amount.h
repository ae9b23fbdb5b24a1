#ifndef AMOUNT_H
#define AMOUNT_H

/*
 * amount: times and sizes as they are written: a number with a unit, or two
 * that belong together. What is read is written back as short as it can be.
 * Texts are not empty.
 */

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/text.h"
#include "submit/account.h"

/* "90s", "5m", "4h", "2d". False: it is no time, or none from one second to
 * max. */
bool amount_parse_seconds(struct text t, unsigned max, unsigned *seconds);
void amount_format_seconds(unsigned seconds, struct buf *out);

/* "5m 4h", or the first alone; neither is longer than max. -1: it is none, and
 * where there are words for it they are in e, ERROR_CONFIG. */
int amount_parse_retry(
    struct text t, unsigned max, struct spool_retry *retry, struct error *e);
void amount_format_retry(const struct spool_retry *retry, struct buf *out);

/* Octets: "20000", "150M". False: it is no size, or one below least, and
 * *octets stays. */
bool amount_parse_size(
    struct text t, unsigned long long least, unsigned long long *octets);
void amount_format_size(unsigned long long octets, struct buf *out);

/* "10000 1G", in any order, or one of them. False: it is none. */
bool amount_parse_limit(struct text t, struct spool_limit *limit);
void amount_format_limit(const struct spool_limit *limit, struct buf *out);

#endif
