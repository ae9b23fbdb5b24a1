#ifndef SRV_H
#define SRV_H

/*
 * srv: the hosts that DNS names for a domain, RFC 2782 and RFC 6186: answers of
 * name servers to records, and these to the order in which hosts are tried. An
 * answer is a stranger's: nothing in it is believed that is not checked.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "submit/account.h"

/* Of more hosts than that nobody waits for the last. */
#define SRV_MAX 32

struct srv_record {
	enum smarthost_security
	    security;		 /* of the service that was asked for */
	unsigned short priority; /* the least is tried first */
	unsigned short weight;
	unsigned short port;
	char host[256]; /* as account_is_host() wants it */
};

struct srv_records {
	struct srv_record list[SRV_MAX];
	size_t count;
	bool none; /* a target `.': the service is decidedly not offered */
};

/* "_submissions._tcp" and "_submission._tcp"; NULL where a service of this kind
 * has no name. */
const char *srv_service(enum smarthost_security security);

/* Adds the records of a whole DNS message. One that names no host, or no port,
 * is passed over, as are those that there is no room for. -1: it is no answer,
 * or is cut off, and may have added some. */
int srv_parse(struct text answer, enum smarthost_security security,
    struct srv_records *records);

/* Puts them into the order in which they are tried: implicit TLS first (RFC
 * 8314), then by priority, and among equals by chance, the more probable the
 * greater the weight. random has a number for each record. */
void srv_order(struct srv_records *records, const uint32_t *random);

/* Whether the host is the domain or below it, so that whoever may have
 * certificates for the domain answers for the host: DNS, which named it, can be
 * forged. */
bool srv_is_within(struct text host, struct text domain);

#endif
