#ifndef RESOLVE_H
#define RESOLVE_H

/*
 * resolve: the addresses of a smarthost's name, looked up by a process of its
 * own: getaddrinfo(3) waits for name servers as long as it likes, and a
 * process can be given up. It begins early and asks while we do other things.
 */

#include "world/net.h"

struct resolve;

/* Begins. What needs no name server is looked up at once, and so is what can
 * have no process. Never fails; s is borrowed until resolve_free(). */
struct resolve *resolve_start(
    const struct smarthost *s, enum account_family family);

/* The answer, borrowed until resolve_free(). NULL: net_resolve()'s errors, or
 * ERROR_LATER when the deadline passes. */
const struct net_addresses *resolve_wait(
    struct resolve *r, long long deadline, struct error *e);

/* Gives up what still asks. NULL is fine. */
void resolve_free(struct resolve *r);

#endif
