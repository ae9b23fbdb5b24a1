#ifndef TUNNEL_H
#define TUNNEL_H

/*
 * tunnel: a connection through the `connect-command' of an account, whose
 * standard input and output are the other end of ours. What it writes to
 * standard error goes on to ours, made visible and up to 64 KiB of it, and the
 * last line of it is kept.
 */

#include <poll.h>

#include "base/error.h"
#include "base/text.h"
#include "submit/account.h"

struct tunnel;

/* Starts the command with %h, %p and %% in its words put in, and gives our end,
 * which never blocks and is the caller's. NULL: ERROR_SYSTEM. */
struct tunnel *tunnel_open(
    const char *command, const struct smarthost *s, int *fd, struct error *e);

/* Ready when there is something for tunnel_hear() to pass on, and standard
 * error takes it: who does not read that makes the command wait, and not us.
 * The descriptor is -1 when nothing more comes. */
struct pollfd tunnel_polled(const struct tunnel *t);
void tunnel_hear(struct tunnel *t);

/*
 * Ends the command, when our end is closed: it has a moment to send what it was
 * given, unless it is in haste. Freed; NULL is fine.
 */
void tunnel_close(struct tunnel *t, bool haste);

/* The connection ended: how the command did, or that it had to be ended, and
 * its last words, are the reason in place of the one in e, and what to do. Ends
 * it. */
void tunnel_blame(struct tunnel *t, struct error *e);

#endif
