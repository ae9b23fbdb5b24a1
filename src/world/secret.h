#ifndef SECRET_H
#define SECRET_H

/*
 * secret: the password of an account, from where the account says: value,
 * password-file (first line), password-command (first line of its output),
 * password-credential (first line of the file of this name in
 * $CREDENTIALS_DIRECTORY), or the terminal where none is named and there is
 * one. The core dump is switched off (host_hide) by the caller before.
 */

#include "base/buf.h"
#include "base/error.h"
#include "base/notes.h"
#include "submit/account.h"

#define SECRET_MAX	       (64 * 1024)
#define SECRET_COMMAND_SECONDS 60

/*
 * Appends the password to out, which the caller wipes with buf_wipe(); its
 * max is SECRET_MAX. An account that wants no secret gives 0 and
 * nothing. password-command: run as /bin/sh -c, stdin /dev/null, stderr
 * ours, no other descriptor, default signals; a status other than 0, a
 * signal, no output, or more than SECRET_COMMAND_SECONDS is ERROR_CONFIG; the
 * status 75, and the deadline passing before, are ERROR_LATER. What it
 * leaves running is not waited for, whatever it holds open. A signal that ends
 * us ends the command first, and its group where that is not ours, as it is at
 * a terminal. Terminal: only when `ask` is set and there is one, see
 * terminal_ask(); its deadline is ERROR_LATER, too. -1: ERROR_CONFIG but for
 * those; never with a byte of the secret.
 */
int secret_read(const struct account *a, bool ask, long long deadline,
    struct buf *out, struct error *e);

/*
 * Puts a fresh token in place of the one in it, which a server refused:
 * `password-command' is run as above, with SENDLING_TOKEN_REFUSED=1 in its
 * environment, where it is not else. -1: as secret_read(), and ERROR_DENIED for
 * the same token again: it would be refused again, and count against the user.
 * And whether that is any use: a password would be the same again.
 */
int secret_renew(const struct account *a, long long deadline, struct buf *token,
    struct error *e);
bool secret_renews(const struct account *a);

/* Whether the file of `password-file' or `password-credential' can be read;
 * runs no command and asks nobody. What is odd about the password and no fault
 * is in remarks; so is that the credentials of a
 * service are not to be seen from here. -1: as secret_read(). */
int secret_check(
    const struct account *a, struct notes *remarks, struct error *e);

#endif
