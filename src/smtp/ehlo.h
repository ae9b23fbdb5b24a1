#ifndef EHLO_H
#define EHLO_H

/*
 * ehlo: the reply to EHLO -> the service extensions the server offers,
 * RFC 5321 section 4.1.1.1. Keywords compare whole and without case; what is
 * malformed or unknown is passed over.
 */

#include "smtp/reply.h"

struct ehlo {
	bool starttls;		     /* RFC 3207 */
	bool pipelining;	     /* RFC 2920 */
	bool eightbitmime;	     /* RFC 6152 */
	bool chunking;		     /* RFC 3030 */
	bool dsn;		     /* RFC 3461 */
	bool smtputf8;		     /* RFC 6531 */
	bool enhanced;		     /* ENHANCEDSTATUSCODES, RFC 2034 */
	bool requiretls;	     /* RFC 8689 */
	bool size;		     /* RFC 1870 */
	unsigned long long size_max; /* 0: no limit is known */
	bool limits;		     /* RFC 9422 */
	unsigned rcptmax;	     /* 0: not limited */
	unsigned mailmax;
	bool mt_priority;	 /* RFC 6710 */
	bool deliverby;		 /* RFC 2852 */
	long long deliverby_min; /* seconds; 0 where none is given */
	bool futurerelease;	 /* RFC 4865 */
	unsigned long long futurerelease_max; /* seconds; 0: not given */
	bool auth;	      /* RFC 4954, also the old "AUTH=" form */
	char mechanisms[512]; /* upper case, separated by one space; what
			       * does not fit whole is left out */
	char lines[1200];     /* what was offered, for people: visible lines,
			       * each with its LF */
	unsigned more;	      /* lines for which there was no room */
	bool hidden;	      /* it repeated the secret: none is to be told */
};

/* Fills e from a complete 250 reply; forgets all that was in it. */
void ehlo_parse(struct ehlo *e, const struct reply *reply);

#endif
