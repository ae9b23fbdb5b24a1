#ifndef FORM_H
#define FORM_H

/*
 * form: which texts may stand behind a keyword, whatever member they are for:
 * names of hosts, addresses, commands, what holds escapes. A check takes a
 * text that is not empty and tells nothing but whether it is of the form;
 * which type wants which form is value's to know.
 */

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/text.h"

/* Sets ERROR_CONFIG: "`t' is not <expected>", with the hint unless it is NULL.
 * Returns -1. */
int form_refuse(
    struct text t, const char *expected, const char *hint, struct error *e);

/*
 * Appends the value to out with a stand-in for each of %U, %H and %D, which
 * are expanded only when a mail is submitted. -1: ERROR_CONFIG, another escape
 * stands in it, or it is longer than out takes.
 */
int form_expand(struct text t, struct buf *out, struct error *e);

bool form_is_domain(struct text t); /* in ASCII; a dot may end it */
bool form_is_ascii(struct text t);
bool form_is_address(struct text t); /* an IP address */
bool form_is_host_or_ipv6(struct text t);

/* Also an address literal of RFC 5321 section 4.1.3. */
bool form_is_helo(struct text t);

/* A path in which `%' stands before U or another `%' alone. */
bool form_is_folder(struct text t);

/* UTF-8 with no `%' but in %h, %p and %%. */
bool form_is_command(struct text t);

/* What openssl(1), gnutls-cli(1) and msmtp print of a certificate, by MD5,
 * SHA-1 or SHA-256. */
bool form_is_fingerprint(struct text t);

/* Whether a line that holds this says the PIN of a token. */
bool form_has_pin(struct text line);

/* Whether the value begins and ends with the same quote, which is taken for a
 * mistake. */
bool form_is_quoted(struct text t);

#endif
