#include "world/verify.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <gnutls/x509.h>

#include "base/buf.h"
#include "base/mem.h"
#include "config/keyword.h"
#include "config/srv.h"
#include "world/certificate.h"
#include "world/revocation.h"
#include "world/trust.h"

struct verify {
	const struct account *account;
	char *reference;
	unsigned char ip[16];
	unsigned ip_len; /* 0: the reference is a name */
	/* DNS named it, and the certificate may have the domain's name. */
	const struct smarthost *named;
	gnutls_certificate_credentials_t credentials;
	struct revocation *revocation; /* NULL: there are no lists */
	struct trust trust;	       /* empty where GnuTLS knows it already */
	struct text *roots; /* those of it that the chain can end in */
	size_t root_count;
};

/* All of it is read before anything connects; that a certificate is in it is
 * seen to, and the rest waits for verify_prepare(). */
static int
read_trust(struct verify *v, const char *path, struct error *e)
{
	if (path == NULL)
		return gnutls_certificate_set_x509_system_trust(
			   v->credentials) > 0
			   ? 0
			   : trust_empty("the system's store", e);
	if (trust_read(&v->trust, path, e) == -1)
		return -1;
	while (trust_next(&v->trust))
		if (certificate_check(trust_at(&v->trust, v->trust.count - 1)))
			return 0;
	return trust_empty(path, e);
}

static int
load_trust(struct verify *v, struct error *e)
{
	const char *named = keyword_path("tls-trust", v->account);

	if (named != NULL && read_trust(v, named, e) == -1)
		return error_hint(e,
		    "name a PEM file or folder that is there and can be read: "
		    "`tls-trust FILE'; the system's authorities are `tls-trust "
		    "system'");
	if (named == NULL && read_trust(v, trust_bundle(), e) == -1)
		return error_hint(e,
		    "install the package ca-certificates, or name a PEM file "
		    "or folder: `tls-trust FILE'");
	return 0;
}

/* A trailing dot belongs to the DNS, not to the name in a certificate. */
static void
set_reference(struct verify *v, const char *reference)
{
	size_t len;

	len = strlen(reference);
	if (len > 1 && reference[len - 1] == '.')
		len--;
	v->reference = mem_string(reference, len);
	if (inet_pton(AF_INET, v->reference, v->ip) == 1)
		v->ip_len = 4;
	else if (inet_pton(AF_INET6, v->reference, v->ip) == 1)
		v->ip_len = 16;
}

static bool
is_pinned(const struct verify *v)
{
	return v->account->tls_pins.count > 0;
}

bool
verify_is_on(const struct verify *v)
{
	return is_pinned(v) || v->account->tls_verify != SWITCH_NO;
}

static int
load(struct verify *v, struct error *e)
{
	if (!verify_is_on(v))
		return 0;
	if (v->account->tls_crl != NULL) {
		v->revocation = revocation_new(v->account->tls_crl, e);
		if (v->revocation == NULL)
			return -1;
	}
	return is_pinned(v) ? 0 : load_trust(v, e);
}

struct verify *
verify_new(const struct account *a, const struct smarthost *s,
    gnutls_certificate_credentials_t credentials, struct error *e)
{
	struct verify *v;

	v = mem_new(1, sizeof(*v));
	v->account = a;
	v->credentials = credentials;
	trust_init(&v->trust);
	set_reference(v, a->tls_name != NULL ? a->tls_name : s->host);
	if (load(v, e) == 0)
		return v;
	verify_free(v);
	return NULL;
}

void
verify_free(struct verify *v)
{
	if (v == NULL)
		return;
	revocation_free(v->revocation);
	trust_clear(&v->trust);
	free(v->roots);
	free(v->reference);
	free(v);
}

void
verify_aim(struct verify *v, const struct smarthost *s)
{
	const char *domain = s->srv.domain;

	if (v->account->tls_name != NULL)
		return;
	free(v->reference);
	v->ip_len = 0;
	v->named = domain == NULL ? NULL : s;
	set_reference(v,
	    domain == NULL || srv_is_within(text_of(s->host), text_of(domain))
		? s->host
		: domain);
}

const char *
verify_name(const struct verify *v)
{
	return v->ip_len == 0 ? v->reference : NULL;
}

/*
 * The rest of the trust, while the server's first flight is under way. A
 * system's 144 certificates are decoded in half a millisecond; that GnuTLS
 * parsed them as well would take six, more than all the rest of a run. So
 * select_trust() has it parse those that the server's chain can end in.
 */
void
verify_prepare(struct verify *v)
{
	while (trust_next(&v->trust))
		;
}

size_t
verify_chain(gnutls_session_t session, struct text chain[VERIFY_CHAIN_MAX])
{
	const gnutls_datum_t *sent;
	unsigned count = 0;
	size_t i;

	if (session == NULL)
		return 0;
	sent = gnutls_certificate_get_peers(session, &count);
	for (i = 0; i < count && i < VERIFY_CHAIN_MAX; i++)
		chain[i] = (struct text){(char *)sent[i].data, sent[i].size};
	return i;
}

/* Gives GnuTLS one of the trusted certificates, unless its key is too small to
 * trust: one that a pin would let pass is not among them. */
static void
add_root(struct verify *v, struct text der)
{
	const unsigned bits = certificate_rsa_bits(der);
	gnutls_datum_t datum = {(unsigned char *)der.at, (unsigned)der.len};

	*mem_push(v->roots, v->root_count) = der;
	if (bits == 0 || bits >= CERTIFICATE_RSA_MIN)
		gnutls_certificate_set_x509_trust_mem(
		    v->credentials, &datum, GNUTLS_X509_FMT_DER);
}

/* Gives it those that it can need. */
static void
select_trust(struct verify *v, const struct text *chain, size_t count)
{
	struct buf issuers[VERIFY_CHAIN_MAX];
	struct text der;
	size_t i;

	v->root_count = 0;
	for (i = 0; i < count; i++) {
		buf_init(&issuers[i], chain[i].len);
		certificate_add_issuer(chain[i], &issuers[i]);
	}
	for (i = 0; i < v->trust.count; i++) {
		der = trust_at(&v->trust, i);
		if (trust_holds(der, issuers, count))
			add_root(v, der);
	}
	for (i = 0; i < count; i++)
		buf_clear(&issuers[i]);
}

/* The bits of the smallest RSA key; 0 where there is none. */
static unsigned
smallest_key(const struct text *list, size_t count)
{
	unsigned bits, least = 0;

	while (count > 0) {
		bits = certificate_rsa_bits(list[--count]);
		if (bits > 0 && (least == 0 || bits < least))
			least = bits;
	}
	return least;
}

static bool
is_small(unsigned bits)
{
	return bits > 0 && bits < CERTIFICATE_RSA_MIN;
}

/* By the trust, for the reference identifier. */
static unsigned
check_chain(struct verify *v, gnutls_session_t session,
    const struct text *chain, size_t count)
{
	gnutls_typed_vdata_st wanted[2] = {
	    {GNUTLS_DT_DNS_HOSTNAME, (unsigned char *)v->reference, 0},
	    {GNUTLS_DT_KEY_PURPOSE_OID,
		(unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_SERVER, 0}};
	unsigned status = GNUTLS_CERT_INVALID;

	if (v->ip_len > 0) {
		wanted[0].type = GNUTLS_DT_IP_ADDRESS;
		wanted[0].data = v->ip;
		wanted[0].size = v->ip_len;
	}
	verify_prepare(v);
	select_trust(v, chain, count);
	if (gnutls_certificate_verify_peers(session, wanted, 2, &status) < 0)
		return GNUTLS_CERT_INVALID;
	if (v->named != NULL && (status & GNUTLS_CERT_UNEXPECTED_OWNER) != 0) {
		wanted[0].data = (unsigned char *)v->named->srv.domain;
		if (gnutls_certificate_verify_peers(
			session, wanted, 2, &status) < 0)
			return GNUTLS_CERT_INVALID;
	}
	if (count == 0 ||
	    (v->ip_len == 0 && !certificate_has_dns_name(chain[0])))
		status |= GNUTLS_CERT_UNEXPECTED_OWNER;
	/* A root that is too small was left out. */
	if (is_small(smallest_key(chain, count)) ||
	    ((status & GNUTLS_CERT_SIGNER_NOT_FOUND) != 0 &&
		is_small(smallest_key(v->roots, v->root_count))))
		status |= CERTIFICATE_SMALL_KEY;
	return status;
}

static unsigned
check_pins(const struct verify *v, gnutls_session_t session,
    const struct text *chain, size_t count)
{
	const struct pattern_list *pins = &v->account->tls_pins;
	struct certificate own;
	size_t i;

	certificate_read(&own, chain, count);
	for (i = 0; i < pins->count; i++)
		if (strcmp(pins->at[i], own.pin) == 0)
			return revocation_check_shown(session, chain[0]);
	return CERTIFICATE_UNPINNED;
}

/* A pin vouches for what no list speaks of. */
static unsigned
check_lists(
    const struct verify *v, const struct text *chain, size_t count, time_t *old)
{
	unsigned status;

	if (v->revocation == NULL)
		return 0;
	status = revocation_check(
	    v->revocation, chain, count, v->roots, v->root_count, old);
	return is_pinned(v) ? status & ~(unsigned)CERTIFICATE_UNLISTED : status;
}

/* In place of what holds where a person named the host. */
static void
hint_named(const struct smarthost *s, struct error *e)
{
	e->hint[0] = '\0';
	error_hint(e,
	    "it was DNS, which can be forged, that named %s for srv://%s: if "
	    "you know this host for the domain's write `tls-name %s'",
	    s->host, s->srv.domain, s->host);
}

int
verify_server(struct verify *v, gnutls_session_t session, struct error *e)
{
	struct text chain[VERIFY_CHAIN_MAX];
	const size_t count = verify_chain(session, chain);
	struct certificate c;
	unsigned status;
	time_t old = 0;

	if (!verify_is_on(v))
		return 0;
	status = is_pinned(v) ? check_pins(v, session, chain, count)
			      : check_chain(v, session, chain, count);
	status |= check_lists(v, chain, count, &old);
	if (status == 0)
		return 0;
	certificate_read(&c, chain, count);
	c.listed_until = old;
	if (!is_small(c.issuer_bits))
		c.issuer_bits = smallest_key(v->roots, v->root_count);
	certificate_refuse(&c, status, v->reference, e);
	if (v->named != NULL && (status & GNUTLS_CERT_UNEXPECTED_OWNER) != 0)
		hint_named(v->named, e);
	return -1;
}
