#include "world/verify.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <gnutls/x509.h>

#include "base/buf.h"
#include "base/mem.h"
#include "config/keyword.h"
#include "world/certificate.h"
#include "world/trust.h"

struct verify {
	const struct account *account;
	char *reference;
	unsigned char ip[16];
	unsigned ip_len; /* 0: the reference is a name */
	gnutls_certificate_credentials_t credentials;
	struct trust trust; /* empty where GnuTLS knows it already */
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
	if (load_trust(v, e) == 0)
		return v;
	verify_free(v);
	return NULL;
}

void
verify_free(struct verify *v)
{
	if (v == NULL)
		return;
	trust_clear(&v->trust);
	free(v->reference);
	free(v);
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

/* Gives GnuTLS of the trusted certificates those that it can need. */
static void
select_trust(struct verify *v, const struct text *chain, size_t count)
{
	struct buf issuers[VERIFY_CHAIN_MAX];
	gnutls_datum_t datum;
	struct text der;
	size_t i;

	for (i = 0; i < count; i++) {
		buf_init(&issuers[i], chain[i].len);
		certificate_add_issuer(chain[i], &issuers[i]);
	}
	for (i = 0; i < v->trust.count; i++) {
		der = trust_at(&v->trust, i);
		if (!trust_holds(der, issuers, count))
			continue;
		datum.data = (unsigned char *)der.at;
		datum.size = (unsigned)der.len;
		gnutls_certificate_set_x509_trust_mem(
		    v->credentials, &datum, GNUTLS_X509_FMT_DER);
	}
	for (i = 0; i < count; i++)
		buf_clear(&issuers[i]);
}

int
verify_server(struct verify *v, gnutls_session_t session, struct error *e)
{
	gnutls_typed_vdata_st wanted[2] = {
	    {GNUTLS_DT_DNS_HOSTNAME, (unsigned char *)v->reference, 0},
	    {GNUTLS_DT_KEY_PURPOSE_OID,
		(unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_SERVER, 0}};
	struct text chain[VERIFY_CHAIN_MAX];
	const size_t count = verify_chain(session, chain);
	struct certificate c;
	unsigned status = GNUTLS_CERT_INVALID;
	int rc;

	if (v->ip_len > 0) {
		wanted[0].type = GNUTLS_DT_IP_ADDRESS;
		wanted[0].data = v->ip;
		wanted[0].size = v->ip_len;
	}
	verify_prepare(v);
	select_trust(v, chain, count);
	rc = gnutls_certificate_verify_peers(session, wanted, 2, &status);
	if (rc == 0 && status == 0)
		return 0;
	if (rc < 0)
		return error_set(e, ERROR_DENIED, CERTIFICATE_VERIFYING, "%s",
		    gnutls_strerror(rc));
	certificate_read(&c, chain, count);
	return certificate_refuse(&c, status, v->reference, e);
}
