#ifndef RESOLVE_H
#define RESOLVE_H

/*
 * resolve: the addresses of a smarthost's name, and first the names where DNS
 * is to name the hosts, looked up by a thread of its own: the system's resolver
 * waits for name servers as long as it likes, and a thread can be left to
 * itself. It begins early and asks while we do other things.
 */

#include "world/net.h"

struct resolve;

/* Begins. What needs no name server is looked up at once. names: of the hosts
 * that DNS names, nobody wants the addresses. Never fails: that there can be no
 * thread is told by those that follow. */
struct resolve *resolve_start(
    const struct smarthost *s, enum account_family family, bool names);

/*
 * The host with this number, in the order in which they are to be tried: of
 * SMARTHOST_DOMAIN those that DNS names, in an order by chance as srv_order()
 * has it, else number 0 is the smarthost and there is no other. Borrowed until
 * resolve_free(). NULL: there is none further, or net_srv()'s errors,
 * ERROR_LATER when the deadline passes, ERROR_SYSTEM for want of a thread.
 */
const struct smarthost *resolve_host(
    struct resolve *r, size_t number, long long deadline, struct error *e);

/* Its addresses, borrowed until resolve_free(). NULL: resolve_host()'s errors
 * or net_resolve()'s. */
const struct net_addresses *resolve_wait(
    struct resolve *r, size_t number, long long deadline, struct error *e);

/* Never waits: what still asks goes on unheard, until it has its answer or we
 * exit, and frees itself. NULL is fine. */
void resolve_free(struct resolve *r);

#endif
