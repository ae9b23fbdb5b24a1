#ifndef PEER_H
#define PEER_H

/*
 * peer: who is at the other end of a socket, as the kernel tells it; and how
 * many connections his user holds.
 *
 * The rule that caller has holds where standard input is a socket that a
 * service manager has accepted for us. It does not hold for a pipe, a terminal
 * or a file: whoever made that has started us, or lets all that comes through
 * it pass for his own. Nor for a unix socket whose peer is our own user, real
 * or effective: a program that starts us over a socketpair of its own, or a
 * user who could read the account's password anyway. Of any other socket, one
 * of TCP above all, and of a unix socket that is not connected, nobody knows
 * whose it is.
 *
 * The kernel tells of who called connect(2), or socketpair(2), and as whom:
 * what has become of that process since, or who else has its descriptor, does
 * not count. A user whom our user namespace does not know is 65534.
 */

#include "base/error.h"
#include "submit/caller.h"

/* Of the descriptor. 0, or -1: ERROR_SYSTEM where the system cannot be asked
 * now who that user is; c is CALLER_NETWORK then, who may do least. */
int peer_find(int fd, struct caller *c, struct error *e);

/* Where RUNTIME_DIRECTORY names no folder. */
#define PEER_FOLDER "/run/sendling/slots"

/* What times as many places root has. */
#define PEER_ROOT_FACTOR 4

enum peer_place {
	PEER_FAILED = -1,
	PEER_UNCOUNTED, /* there is no folder to count them in */
	PEER_TAKEN,
	PEER_CROWDED /* taken, when three of four were held already */
};

/*
 * Takes one of the places that the caller's user has, at most
 * ACCOUNT_SOCKET_SLOTS_MAX, until *held is closed or
 * the process ends, in whatever way: they are locks on octets of the file
 * `slots'. Users without a login have those of one together. Who is no
 * CALLER_USER needs none. *held is -1 where none is taken.
 * PEER_FAILED: ERROR_LATER, 421 4.7.0, all are taken; ERROR_SYSTEM, they cannot
 * be counted, in a folder that the environment names or that is there.
 */
enum peer_place peer_take(
    const struct caller *c, unsigned places, int *held, struct error *e);

#endif
