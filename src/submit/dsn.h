#ifndef DSN_H
#define DSN_H

/*
 * dsn: what may be asked of a server beyond delivery, in the words of options,
 * the configuration and SMTP, both ways: the delivery status notifications of
 * RFC 3461 and the wishes of RFC 2852, 4865 and 6710. Words compare without
 * case and are written in upper case. Nothing is kept that could break a
 * command line.
 */

#include "base/buf.h"
#include "base/error.h"
#include "base/text.h"

/* NOTIFY; 0 asks for nothing. NEVER stands alone. */
enum {
	NOTIFY_NEVER = 1,
	NOTIFY_SUCCESS = 2,
	NOTIFY_FAILURE = 4,
	NOTIFY_DELAY = 8
};

enum dsn_ret { RET_NONE, RET_FULL, RET_HDRS };

/* "never" or a list of success, failure, delay, separated by commas or blanks.
 * -1 on another word, *notify then stays. */
int dsn_parse_notify(struct text list, unsigned *notify);
int dsn_format_notify(unsigned notify, struct buf *out);

/* -1 on another word, *ret then stays. */
int dsn_parse_ret(struct text word, enum dsn_ret *ret);
int dsn_format_ret(enum dsn_ret ret, struct buf *out);

/* xtext, RFC 3461 section 4. -1: out has no room, or t is no xtext (with NULL
 * for out that is all that is looked at). */
int dsn_format_xtext(struct text t, struct buf *out);
int dsn_parse_xtext(struct text t, struct buf *out);

/*
 * ENVID, 1 to 100 printable ASCII characters (RFC 3461 section 4.4), to its
 * xtext and back. The caller frees it. NULL: ERROR_USAGE, or no such xtext.
 */
char *dsn_format_envid(struct text id, struct error *e);
char *dsn_parse_envid(struct text xtext);

/* "rfc822;xtext" of an address in ASCII, at most 500 octets (RFC 3461 section
 * 4.2), which the caller frees; NULL for a longer one. And whether what a
 * client wrote is such, of whatever type. */
char *dsn_format_orcpt(struct text path);
bool dsn_check_orcpt(struct text orcpt);

/* Zero asks for nothing. */
struct wishes {
	bool has_priority;	     /* MT-PRIORITY, RFC 6710 */
	int priority;		     /* -9 to 9 */
	long long deliver_by;	     /* seconds, BY= of RFC 2852; 0: none */
	char deliver_by_mode[4];     /* "R", "N", "RT" or "NT" */
	unsigned long long hold_for; /* seconds, RFC 4865; 0: none */
	char hold_until[32];	     /* date-time of RFC 3339, or "" */
};

/*
 * One wish as `name=value`: mt-priority=-9..9, deliver-by=SECONDS;R|N[T],
 * hold-for=SECONDS, hold-until=DATE-TIME. 1 when it was one, 0 for another
 * name, -1 for a value that does not parse.
 */
int wishes_parse(struct text setting, struct wishes *wishes);

/* As parameters of MAIL, each with a space before it. */
int wishes_format(const struct wishes *wishes, struct buf *out);

#endif
