#ifndef RESOLVE_H
#define RESOLVE_H

/*
 * resolve: the addresses of a smarthost's name, looked up by a thread of its
 * own: getaddrinfo(3) waits for name servers as long as it likes, and a thread
 * can be left to itself. It begins early and asks while we do other things.
 */

#include "world/net.h"

struct resolve;

/* Begins. What needs no name server is looked up at once. Never fails: that
 * there can be no thread is told by resolve_wait(). */
struct resolve *resolve_start(
    const struct smarthost *s, enum account_family family);

/* The answer, borrowed until resolve_free(). NULL: net_resolve()'s errors,
 * ERROR_LATER when the deadline passes, ERROR_SYSTEM for want of a thread. */
const struct net_addresses *resolve_wait(
    struct resolve *r, long long deadline, struct error *e);

/* Never waits: what still asks goes on unheard, until it has its answer or we
 * exit, and frees itself. NULL is fine. */
void resolve_free(struct resolve *r);

#endif
