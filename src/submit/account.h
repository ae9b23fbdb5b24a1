#ifndef ACCOUNT_H
#define ACCOUNT_H

/*
 * account: one way to submit. Everything in it is owned by it. Zero means "not
 * set" throughout, so that defaults can be laid under; a zeroed account is an
 * empty one. The rows of config/keyword fill it, inherit and clear it.
 */

#include "auth/mechanism.h"
#include "base/error.h"
#include "base/text.h"
#include "submit/dsn.h"

enum smarthost_security {
	SMARTHOST_TLS,	    /* smtps://  implicit TLS, RFC 8314 */
	SMARTHOST_STARTTLS, /* smtp://   STARTTLS required */
	SMARTHOST_OFFERED,  /* lmtp://  STARTTLS where it is offered, and the
			     * peer is another machine */
	SMARTHOST_PLAIN	    /* smtp+plain://, unix sockets */
};

/* What stands behind the scheme. */
enum smarthost_place {
	SMARTHOST_HOST,
	SMARTHOST_SOCKET, /* of this machine: the path of a unix socket */
	SMARTHOST_DOMAIN  /* srv://: DNS names the hosts, RFC 6186 */
};

/* Where a host came from that DNS named, RFC 2782. */
struct smarthost_srv {
	char *domain; /* of srv://; NULL: DNS named none */
	unsigned short priority;
	unsigned short weight;
};

struct smarthost {
	enum smarthost_security security;
	enum smarthost_place place;
	bool lmtp;	     /* RFC 2033 in place of SMTP */
	char *host;	     /* name or address, IPv6 without its brackets; of
			      * the other places the path or the domain */
	unsigned short port; /* of SMARTHOST_HOST, else 0 */
	struct smarthost_srv srv;
	char *url; /* as written, for people */
};

enum secret_source {
	SECRET_NONE,
	SECRET_VALUE,
	SECRET_FILE,
	SECRET_COMMAND,
	SECRET_CREDENTIAL
};
enum account_switch { SWITCH_UNSET, SWITCH_YES, SWITCH_NO };
enum account_family { FAMILY_UNSET, FAMILY_ANY, FAMILY_IPV4, FAMILY_IPV6 };
enum auth_choice { AUTH_UNSET, AUTH_AUTO, AUTH_OFF, AUTH_LIST };
enum log_format { LOG_FORMAT_UNSET, LOG_FORMAT_TEXT, LOG_FORMAT_JSON };
enum log_target {
	LOGGING_UNSET,
	LOGGING_OFF,
	LOGGING_SYSLOG,
	LOGGING_FILE,
	LOGGING_STDERR
};

/* What means something only together is one member. */

struct smarthost_list {
	struct smarthost *at;
	size_t count;
};

struct account_secret {
	char *text; /* value, path, command or the credential's name; wiped
		     * with the account */
	enum secret_source source;
};

struct account_auth {
	enum auth_choice choice;
	enum mechanism mechanisms[MECHANISM_COUNT]; /* of AUTH_LIST */
	size_t count;
};

struct account_log {
	char *text; /* as written, with LOGGING_FILE the path */
	enum log_target to;
	int facility; /* LOGGING_SYSLOG: value of <syslog.h>, 0 is not set */
};

/* Of patterns, or of other words. */
struct pattern_list {
	char **at;
	size_t count;
};

/* How long a mail in the spool waits, in seconds, from its first attempt on. */
struct spool_retry {
	unsigned first;
	unsigned longest;
};

/* How much a spool takes. */
struct spool_limit {
	unsigned long long messages;
	unsigned long long octets;
};

struct account {
	char *name; /* NULL: the defaults before the first `account` */

	struct smarthost_list smarthosts;
	enum account_family family;
	char *connect_command; /* with %h, %p and %%, or NULL */
	char *source_address;  /* as account_family_of() takes it, or NULL */
	unsigned timeout;      /* seconds; 0 is not set, for all three */
	unsigned deadline;
	unsigned connect_timeout;
	enum account_switch pipelining; /* `auto` is SWITCH_YES */
	enum account_switch chunking;	/* the same */

	char *user;
	struct account_secret secret;
	struct account_auth auth;
	enum account_switch auth_in_clear;

	/* A PEM file or folder, or "system"; NULL: the same. */
	char *tls_trust;
	struct pattern_list tls_pins; /* "sha256:BASE64" of a key each */
	char *tls_name;
	char *tls_certificate; /* a PEM file or a URL of PKCS#11 */
	char *tls_key;	       /* the same; NULL: in tls_certificate */
	char *tls_crl;	       /* a PEM file */
	char *tls_priority;
	enum account_switch tls_verify;

	char *helo;
	char *domain;
	char *aliases; /* a file, or "off"; NULL: the system's if it is there */
	char *from;
	char *force_from;
	enum account_switch from_header;
	char *full_name;
	struct pattern_list match;
	struct pattern_list sender_of;	/* "USER PATTERN" each, for caller */
	unsigned socket_slots;		/* of one uid at a time; 0 is not set */
	unsigned long long socket_size; /* octets of a message; the same */
	enum account_switch recipients_all; /* `recipients all` */
	unsigned dsn_notify;
	enum dsn_ret dsn_return;

	struct account_log log;
	enum log_format log_format;

	char *spool; /* as written, for facts_spool(), or "off"; NULL: off */
	unsigned spool_lifetime; /* seconds; 0 is not set, for both */
	unsigned spool_keep;
	struct spool_retry spool_retry; /* all 0 is not set, for both */
	struct spool_limit spool_limit;
	enum account_switch spool_passing;
	enum account_switch spool_volatile;
	char *spool_report; /* "off", "sender" or a mailbox; NULL: off */
};

/* What holds where nothing is set. */
#define ACCOUNT_DEADLINE	 1800
#define ACCOUNT_CONNECT_TIMEOUT	 30
#define ACCOUNT_SOCKET_SLOTS	 8
#define ACCOUNT_SOCKET_SLOTS_MAX 64
#define ACCOUNT_SOCKET_SIZE	 (150ULL << 20) /* as the largest providers take */
#define ACCOUNT_SPOOL_LIFETIME	 (5 * 24 * 3600)
#define ACCOUNT_SPOOL_KEEP	 (30 * 24 * 3600)
#define ACCOUNT_SPOOL_RETRY	 ((struct spool_retry){5 * 60, 4 * 3600})
#define ACCOUNT_SPOOL_LIMIT	 ((struct spool_limit){10000, 1ULL << 30})

/* The longest path of a unix socket, unix(7). */
#define SMARTHOST_PATH_MAX 107

/* "smtps://mail.example.org:465" -> *s (owned by the caller, cleared with
 * smarthost_clear). -1: ERROR_CONFIG with the schemes that exist. */
int smarthost_parse(struct text url, struct smarthost *s, struct error *e);
struct smarthost smarthost_copy(const struct smarthost *s);
void smarthost_clear(struct smarthost *s);

/* "mail.example.org:465", "[2001:db8::1]:465", "/run/submit", "srv://domain",
 * made visible. */
struct smarthost_name {
	char words[264];
};
struct smarthost_name smarthost_name(const struct smarthost *s);

/* The URL that leads to the same host and port with this security, for hints:
 * "smtp://[2001:db8::1]:587"; that of any other place as it is written. Returns
 * out. */
char *smarthost_url(const struct smarthost *s, enum smarthost_security security,
    char *out, size_t size);

/* A clean host name in ASCII (IPv4 too): letters, digits, '-' and '_' in
 * labels of at most 63 octets; at most 253 octets; no dot at the end. And an
 * IPv6 address without brackets. */
bool account_is_host(struct text t);
bool account_is_ipv6(struct text t);

/* The family of an IPv4 or IPv6 address without brackets; FAMILY_UNSET: it is
 * none. */
enum account_family account_family_of(struct text address);

/* The host without the dot that may end a whole name: it counts neither for
 * the lookup nor for the certificate. */
struct text account_without_dot(struct text host);

/* What many take for no part of a user's name or a password, and is one: quotes
 * around it, ` #' and what follows, blanks at its ends, a byte order mark or a
 * `=' in front of it, four groups of four as an application password is shown.
 * Static words to stand behind "`user': ", or NULL. */
const char *account_odd(struct text value);

/* Whether a login is wanted at all, and whether it takes what `password' and
 * the like give: EXTERNAL does without both. */
bool account_wants_login(const struct account *a);
bool account_wants_secret(const struct account *a);

/* Whether `auth' names a mechanism for which the secret is an OAuth token. */
bool account_has_token(const struct account *a);

/* Whether the account can be used: a smarthost, a user with a secret and the
 * reverse, a token for who takes one, readable values. -1: ERROR_CONFIG naming
 * the keyword. */
int account_check(const struct account *a, struct error *e);

/* The same, one check after the other, from *next = 0 on: 0 or -1 of the next,
 * 1 where there is none. *keyword: that it is about. */
int account_check_next(const struct account *a, size_t *next,
    const char **keyword, struct error *e);

/* Whether a pattern of `match`, or `from`, matches the reverse-path, whose
 * quotes a pattern need not have. */
bool account_matches(const struct account *a, const char *reverse_path);

#endif
