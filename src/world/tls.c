#include "world/tls.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include "base/buf.h"
#include "base/mem.h"
#include "smtp/trouble.h"
#include "world/identity.h"
#include "world/verify.h"

#define TLS_HANDSHAKE "the TLS handshake"

/* Bits of a group of Diffie and Hellman, RFC 9325 section 4.1. */
#define TLS_GROUP_MIN 2048

/* Octets in a record, RFC 8446 section 5.1. */
#define TLS_RECORD_MAX 16384

/* Not ahead of main(): tls_start_library() does it. */
GNUTLS_SKIP_GLOBAL_INIT

/* RFC 8996: older versions are out, whatever the priority string says. Taking
 * away keeps the policy of the system, which setting would replace. */
#define TLS_OLD_VERSIONS "-VERS-SSL3.0:-VERS-TLS1.0:-VERS-TLS1.1"

struct tls {
	const struct account *account;
	const struct smarthost *smarthost;
	struct verify *verify;
	struct identity *identity; /* NULL: the account has none */
	gnutls_priority_t priority;
	gnutls_certificate_credentials_t credentials;
	gnutls_session_t session;
	int fd;
	int sys;       /* errno of the last read or write, 0 for none */
	bool ended;    /* which found the connection at its end, or broken */
	bool answered; /* the peer's first bytes were seen */
	bool foreign;  /* and were no TLS */
	bool smtp;     /* but an SMTP reply */
	char strange[200];    /* their first line, visible */
	bool accepted;	      /* the server may be talked to */
	bool verified;	      /* and is known */
	struct error verdict; /* why the certificate was refused */
	bool stuck;	      /* GnuTLS holds a record, or the rest of it */
	size_t record;	      /* octets of it, sealed */
	size_t left;	      /* octets that have left since it was made */
	size_t torn;
};

int
tls_start_library(struct error *e)
{
	int rc;

	if (gnutls_check_version("3.7.2") == NULL)
		return error_set(e, ERROR_SYSTEM, NULL,
		    "GnuTLS is older than 3.7.2: %s",
		    gnutls_check_version(NULL));
	rc = gnutls_global_init();
	return rc < 0 ? error_set(e, ERROR_SYSTEM, NULL, "GnuTLS: %s",
			    gnutls_strerror(rc))
		      : 0;
}

static int
load_priority(struct tls *t, struct error *e)
{
	const char *wanted = t->account->tls_priority, *at = NULL;
	struct buf whole;
	int rc;

	if (wanted == NULL) {
		rc = gnutls_priority_init2(&t->priority, TLS_OLD_VERSIONS, &at,
		    GNUTLS_PRIORITY_INIT_DEF_APPEND);
		return rc == 0 ? 0
			       : error_set(e, ERROR_CONFIG, NULL,
				     "GnuTLS's system-wide priorities: %s",
				     gnutls_strerror(rc));
	}
	buf_init(&whole, strlen(wanted) + sizeof(TLS_OLD_VERSIONS));
	buf_format(&whole, "%s:" TLS_OLD_VERSIONS, wanted);
	rc = gnutls_priority_init(&t->priority, buf_string(&whole), &at);
	/* From where it is not understood, if that is known. */
	if (rc < 0 && at != NULL && (size_t)(at - whole.at) < strlen(wanted))
		wanted += at - whole.at;
	buf_clear(&whole);
	if (rc == 0)
		return 0;
	error_set(e, ERROR_CONFIG, NULL,
	    "tls-priority: GnuTLS does not understand `%s'",
	    SHOWN(text_of(wanted)));
	return error_hint(e, "see `gnutls-cli --priority STRING --list'");
}

static int check_server(gnutls_session_t session);

static int
load(struct tls *t, struct error *e)
{
	if (gnutls_certificate_allocate_credentials(&t->credentials) < 0)
		return error_set_sys(
		    e, ERROR_SYSTEM, ENOMEM, NULL, "GnuTLS's credentials");
	gnutls_certificate_set_verify_function(t->credentials, check_server);
	if (load_priority(t, e) == -1)
		return -1;
	t->verify = verify_new(t->account, t->smarthost, t->credentials, e);
	if (t->verify == NULL)
		return -1;
	t->identity = identity_new(t->account, t->credentials, e);
	return e->kind == ERROR_NONE ? 0 : -1;
}

struct tls *
tls_new(const struct account *a, const struct smarthost *s, struct error *e)
{
	struct tls *t;

	t = mem_new(1, sizeof(*t));
	t->account = a;
	t->smarthost = s;
	t->fd = -1;
	if (load(t, e) == 0)
		return t;
	tls_free(t);
	return NULL;
}

void
tls_aim(struct tls *t, const struct smarthost *s)
{
	if (t == NULL)
		return;
	t->smarthost = s;
	verify_aim(t->verify, s);
}

void
tls_free(struct tls *t)
{
	if (t == NULL)
		return;
	if (t->session != NULL)
		gnutls_deinit(t->session);
	verify_free(t->verify);
	if (t->credentials != NULL)
		gnutls_certificate_free_credentials(t->credentials);
	identity_free(t->identity);
	if (t->priority != NULL)
		gnutls_priority_deinit(t->priority);
	free(t);
}

/* RFC 9325 section 4.1: below TLS 1.3 the server chooses the group as it
 * likes. */
static int
check_group(gnutls_session_t session, struct error *e)
{
	const int bits = gnutls_dh_get_prime_bits(session);

	if (bits <= 0 || bits >= TLS_GROUP_MIN)
		return 0;
	error_set(e, ERROR_PROTOCOL, TLS_HANDSHAKE,
	    "the server's Diffie-Hellman group has %d bits, and %d are the "
	    "least",
	    bits, TLS_GROUP_MIN);
	return error_hint(e,
	    "without that group it may have a better one: `tls-priority "
	    "NORMAL:-DHE-RSA'");
}

/* Called within the handshake, before anything of ours is sent under TLS. */
static int
check_server(gnutls_session_t session)
{
	struct tls *t = gnutls_session_get_ptr(session);

	if (verify_server(t->verify, session, &t->verdict) == -1)
		return -1;
	t->accepted = true;
	t->verified = verify_is_on(t->verify);
	return 0;
}

/* The first line of what came instead of TLS, and whether it is SMTP. */
static void
keep_strange(struct tls *t, const char *bytes, size_t len)
{
	char whole[120];
	struct text rest, line = {NULL, 0};
	ssize_t more;

	if (len > sizeof(whole))
		len = sizeof(whole);
	memcpy(whole, bytes, len);
	more = recv(t->fd, whole + len, sizeof(whole) - len, MSG_DONTWAIT);
	if (more > 0)
		len += (size_t)more;
	rest = (struct text){whole, len};
	text_next_line(&rest, &line);
	text_visible(line, t->strange, sizeof(t->strange));
	t->smtp = line.len >= 4 && text_is_digit(line.at[0]) &&
		  text_is_digit(line.at[1]) && text_is_digit(line.at[2]) &&
		  (line.at[3] == ' ' || line.at[3] == '-');
}

static void
note(struct tls *t, ssize_t n)
{
	t->sys = n == -1 ? errno : 0;
	t->ended = n == 0 || (n == -1 && errno != EAGAIN && errno != EINTR);
}

/* Between GnuTLS and the socket, to see what it would only call an unexpected
 * packet, and to know errno. */
static ssize_t
pull(gnutls_transport_ptr_t arg, void *bytes, size_t size)
{
	struct tls *t = arg;
	ssize_t n;

	n = recv(t->fd, bytes, size, 0);
	note(t, n);
	if (n <= 0 || t->answered)
		return n;
	t->answered = true;
	/* RFC 8446 section 5.1: the types of records. */
	if (*(char *)bytes >= 20 && *(char *)bytes <= 23)
		return n;
	t->foreign = true;
	keep_strange(t, bytes, (size_t)n);
	errno = EPROTO;
	return -1;
}

/* The other way, to know what has left. */
static ssize_t
push(gnutls_transport_ptr_t arg, const giovec_t *parts, int count)
{
	struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)parts,
	    .msg_iovlen = (size_t)count};
	struct tls *t = arg;
	ssize_t n;
	int i;

	if (t->record == 0)
		for (i = 0; i < count; i++)
			t->record += parts[i].iov_len;
	n = sendmsg(t->fd, &message, MSG_NOSIGNAL);
	note(t, n);
	if (n > 0)
		t->left += (size_t)n;
	return n;
}

int
tls_start(struct tls *t, int fd, struct error *e)
{
	const char *name = verify_name(t->verify);
	int rc;

	if (t->session != NULL)
		gnutls_deinit(t->session);
	t->answered = t->foreign = t->smtp = t->stuck = false;
	t->accepted = t->verified = false;
	t->ended = false;
	t->torn = 0;
	error_clear(&t->verdict);
	rc = gnutls_init(
	    &t->session, GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_TICKETS);
	if (rc == 0)
		rc = gnutls_priority_set(t->session, t->priority);
	if (rc == 0)
		rc = gnutls_credentials_set(
		    t->session, GNUTLS_CRD_CERTIFICATE, t->credentials);
	/* RFC 6066 section 3: names only. */
	if (rc == 0 && name != NULL)
		rc = gnutls_server_name_set(
		    t->session, GNUTLS_NAME_DNS, name, strlen(name));
	if (rc < 0)
		return error_set(
		    e, ERROR_SYSTEM, TLS_HANDSHAKE, "%s", gnutls_strerror(rc));
	/* GnuTLS's own would write the keys where SSLKEYLOGFILE says. */
	gnutls_session_set_keylog_function(t->session, NULL);
	gnutls_session_set_ptr(t->session, t);
	t->fd = fd;
	gnutls_transport_set_ptr(t->session, t);
	gnutls_transport_set_pull_function(t->session, pull);
	gnutls_transport_set_vec_push_function(t->session, push);
	return 0;
}

static int
not_tls(const struct tls *t, struct error *e)
{
	char url[300];

	error_set(e, ERROR_PROTOCOL, TLS_HANDSHAKE,
	    "%s: the server %s on this port",
	    smarthost_name(t->smarthost).words,
	    t->smtp ? "speaks STARTTLS or plain SMTP" : "does not speak TLS");
	strlcpy(e->why, t->strange, sizeof(e->why));
	/* Behind STARTTLS it is known for an SMTP server. */
	if (t->smarthost->security != SMARTHOST_TLS)
		return -1;
	trouble_hint_foreign(e, t->smarthost, text_of(t->strange));
	if (t->smtp)
		error_hint(e, "write `smarthost %s'",
		    smarthost_url(
			t->smarthost, SMARTHOST_STARTTLS, url, sizeof(url)));
	return -1;
}

/* GnuTLS has many names for a connection that is lost within a record, which
 * are those of a record that is wrong as well. */
static bool
is_lost(const struct tls *t, int rc)
{
	return t->ended || rc == GNUTLS_E_PREMATURE_TERMINATION ||
	       rc == GNUTLS_E_SESSION_EOF;
}

/* What a server says of a certificate that it does not take; where one is
 * missing it may say anything. */
static bool
refuses_ours(gnutls_alert_description_t alert)
{
	static const gnutls_alert_description_t alerts[] = {
	    GNUTLS_A_BAD_CERTIFICATE, GNUTLS_A_UNSUPPORTED_CERTIFICATE,
	    GNUTLS_A_CERTIFICATE_REVOKED, GNUTLS_A_CERTIFICATE_EXPIRED,
	    GNUTLS_A_CERTIFICATE_UNKNOWN, GNUTLS_A_UNKNOWN_CA,
	    GNUTLS_A_ACCESS_DENIED, GNUTLS_A_DECRYPT_ERROR,
	    GNUTLS_A_HANDSHAKE_FAILURE};
	size_t i;

	for (i = 0; i < sizeof(alerts) / sizeof(alerts[0]); i++)
		if (alert == alerts[i])
			return true;
	return false;
}

static int
refused(const struct tls *t, const char *doing, struct error *e)
{
	const gnutls_alert_description_t alert = gnutls_alert_get(t->session);

	error_set(e, ERROR_PROTOCOL, doing,
	    "the server refused with the TLS alert: %s",
	    gnutls_alert_get_name(alert));
	if (alert != GNUTLS_A_CERTIFICATE_REQUIRED &&
	    gnutls_certificate_client_get_request_status(t->session) == 0)
		return -1;
	if (t->identity == NULL)
		return error_hint(e,
		    "it wants a certificate of yours: `tls-certificate FILE' "
		    "and `tls-key FILE'");
	if (gnutls_certificate_get_ours(t->session) == NULL)
		return error_hint(e,
		    "it wants a certificate of an authority that it names, "
		    "and that in `tls-certificate' is of another");
	if (!refuses_ours(alert))
		return -1;
	return error_hint(e,
	    "it may not take the certificate in `tls-certificate', with the "
	    "key in `tls-key': see whether that is still valid, and whether "
	    "the server knows it or its authority");
}

/* What a call of GnuTLS that failed for good means. */
static int
failed(const struct tls *t, int rc, const char *doing, struct error *e)
{
	if (t->foreign)
		return not_tls(t, e);
	if (t->ended && t->sys != 0)
		return error_set_sys(
		    e, ERROR_LATER, t->sys, doing, "the connection broke");
	if (is_lost(t, rc))
		return error_set(e, ERROR_LATER, doing,
		    "the server closed the connection without ending TLS");
	if (rc == GNUTLS_E_MEMORY_ERROR)
		return error_set_sys(e, ERROR_SYSTEM, ENOMEM, doing, "GnuTLS");
	if (rc == GNUTLS_E_FATAL_ALERT_RECEIVED)
		return refused(t, doing, e);
	if (rc == GNUTLS_E_UNSUPPORTED_VERSION_PACKET)
		return error_set(e, ERROR_PROTOCOL, doing,
		    "the server speaks no version of TLS from 1.2 on");
	return error_set(e, ERROR_PROTOCOL, doing, "%s", gnutls_strerror(rc));
}

static enum tls_status
wanted(const struct tls *t)
{
	return gnutls_record_get_direction(t->session) == 1 ? TLS_WANT_WRITE
							    : TLS_WANT_READ;
}

enum tls_status
tls_handshake(struct tls *t, struct error *e)
{
	int rc;

	do
		rc = gnutls_handshake(t->session);
	while (rc == GNUTLS_E_INTERRUPTED);
	if (rc < 0 && gnutls_error_is_fatal(rc) == 0) {
		verify_prepare(t->verify);
		return wanted(t);
	}
	if (rc == 0 && t->accepted && check_group(t->session, &t->verdict) == 0)
		return TLS_DONE;
	if (rc == 0)
		error_set(&t->verdict, ERROR_DENIED, CERTIFICATE_VERIFYING,
		    "the server showed no certificate");
	if (t->verdict.kind == ERROR_NONE)
		failed(t, rc, TLS_HANDSHAKE, e);
	else if (e->kind == ERROR_NONE)
		*e = t->verdict;
	if (t->answered && !t->foreign && !is_lost(t, rc))
		gnutls_alert_send_appropriate(
		    t->session, rc == 0 ? GNUTLS_E_CERTIFICATE_ERROR : rc);
	return TLS_FAILED;
}

/*
 * When the peer wants new keys (RFC 8446 section 4.6.3) GnuTLS answers before
 * it sends what it is given next, and what waited leaves with the answer. It is
 * given nothing then, and says that this is no request. What the record held
 * is without its header, the type inside, and the tag (section 5.2).
 */
static ssize_t
answered_keys(const struct tls *t, ssize_t n)
{
	const size_t around =
	    5 + 1 +
	    (size_t)gnutls_cipher_get_tag_size(gnutls_cipher_get(t->session));

	if (n != GNUTLS_E_INVALID_REQUEST || !t->stuck || t->record <= around)
		return n;
	return (ssize_t)(t->record - around);
}

enum tls_status
tls_write(
    struct tls *t, const char *bytes, size_t len, size_t *done, struct error *e)
{
	ssize_t n;

	if (!t->stuck)
		t->left = t->record = 0;
	/* A record that waits is GnuTLS's already; it wants no bytes again. */
	do
		n = t->stuck ? gnutls_record_send(t->session, NULL, 0)
			     : gnutls_record_send(t->session, bytes, len);
	while (n == GNUTLS_E_INTERRUPTED);
	n = answered_keys(t, n);
	t->torn = 0;
	if (n < 0 && t->left > 0)
		t->torn = len < TLS_RECORD_MAX ? len : TLS_RECORD_MAX;
	if (n >= 0) {
		t->stuck = false;
		*done = (size_t)n < len ? (size_t)n : len;
		return TLS_DONE;
	}
	if (gnutls_error_is_fatal((int)n) == 0) {
		t->stuck = true;
		return wanted(t);
	}
	failed(t, (int)n, NULL, e);
	return is_lost(t, (int)n) ? TLS_CLOSED : TLS_FAILED;
}

size_t
tls_torn(const struct tls *t)
{
	return t->torn;
}

enum tls_status
tls_read(struct tls *t, char *bytes, size_t size, size_t *done, struct error *e)
{
	ssize_t n;

	do
		n = gnutls_record_recv(t->session, bytes, size);
	while (n == GNUTLS_E_INTERRUPTED);
	if (n > 0) {
		*done = (size_t)n;
		return TLS_DONE;
	}
	if (n == 0) {
		error_set(
		    e, ERROR_LATER, NULL, "the server closed the connection");
		return TLS_CLOSED;
	}
	/* A record that brought nothing, or none. GNUTLS_E_REHANDSHAKE is among
	 * these: RFC 5246 section 7.4.1.1 lets a client leave a wish to
	 * renegotiate unanswered. */
	if (gnutls_error_is_fatal((int)n) == 0)
		return t->sys == EAGAIN ? TLS_WANT_READ : TLS_DONE;
	failed(t, (int)n, NULL, e);
	return is_lost(t, (int)n) ? TLS_CLOSED : TLS_FAILED;
}

bool
tls_pending(const struct tls *t)
{
	return gnutls_record_check_pending(t->session) > 0;
}

void
tls_bye(struct tls *t)
{
	gnutls_bye(t->session, GNUTLS_SHUT_WR);
}

/* RFC 9266 for TLS 1.3; RFC 5929 below, where the extended master secret
 * (RFC 7627) makes it hold. */
void
tls_channel(const struct tls *t, struct sasl_channel *channel)
{
	gnutls_channel_binding_t type = GNUTLS_CB_TLS_UNIQUE;
	gnutls_datum_t data;

	channel->tls = true;
	channel->verified = t->verified;
	channel->binding = SASL_UNBOUND;
	channel->len = 0;
	if (gnutls_protocol_get_version(t->session) == GNUTLS_TLS1_3)
		type = GNUTLS_CB_TLS_EXPORTER;
	else if ((gnutls_session_get_flags(t->session) &
		     GNUTLS_SFLAGS_EXT_MASTER_SECRET) == 0)
		return;
	if (gnutls_session_channel_binding(t->session, type, &data) < 0)
		return;
	if (data.size <= sizeof(channel->data)) {
		memcpy(channel->data, data.data, data.size);
		channel->len = data.size;
		channel->binding = type == GNUTLS_CB_TLS_EXPORTER
				       ? SASL_TLS_EXPORTER
				       : SASL_TLS_UNIQUE;
	}
	gnutls_free(data.data);
}

void
tls_certificate(const struct tls *t, struct certificate *c)
{
	struct text chain[VERIFY_CHAIN_MAX];

	certificate_read(c, chain, verify_chain(t->session, chain));
}

static void
set_term(char *term, size_t size, const char *name)
{
	strlcpy(term, name == NULL ? "?" : name, size);
}

struct tls_terms
tls_terms(const struct tls *t)
{
	const gnutls_session_t session = t->session;
	struct tls_terms terms = {"?", "?", "?", !verify_is_on(t->verify)};
	const char *group;

	if (session == NULL)
		return terms;
	group = gnutls_group_get_name(gnutls_group_get(session));
	if (group == NULL)
		group = gnutls_kx_get_name(gnutls_kx_get(session));
	set_term(terms.version, sizeof(terms.version),
	    gnutls_protocol_get_name(gnutls_protocol_get_version(session)));
	set_term(terms.group, sizeof(terms.group), group);
	set_term(terms.cipher, sizeof(terms.cipher),
	    gnutls_cipher_get_name(gnutls_cipher_get(session)));
	return terms;
}

char *
tls_words(const struct tls *t, char *out, size_t size)
{
	struct tls_terms terms = tls_terms(t);

	snprintf(out, size, "%s %s %s%s", terms.version, terms.group,
	    terms.cipher, terms.unverified ? " unverified" : "");
	return out;
}
