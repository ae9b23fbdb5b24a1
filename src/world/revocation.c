#include "world/revocation.h"

#include <stdlib.h>

#include <gnutls/ocsp.h>

#include "base/buf.h"
#include "base/mem.h"
#include "world/file.h"
#include "world/host.h"

#define LISTS_MAX (64 * 1024 * 1024) /* octets of a file */

struct revocation {
	gnutls_x509_crl_t *lists;
	unsigned count;
};

static bool
read_der(struct revocation *r, const gnutls_datum_t *datum)
{
	r->lists = gnutls_malloc(sizeof(*r->lists));
	if (r->lists == NULL || gnutls_x509_crl_init(r->lists) < 0)
		return false;
	r->count = 1;
	return gnutls_x509_crl_import(
		   r->lists[0], datum, GNUTLS_X509_FMT_DER) == 0;
}

static bool
read_lists(struct revocation *r, struct text bytes)
{
	const gnutls_datum_t datum = {
	    (unsigned char *)bytes.at, (unsigned)bytes.len};

	if (bytes.len == 0)
		return false;
	return gnutls_x509_crl_list_import2(
		   &r->lists, &r->count, &datum, GNUTLS_X509_FMT_PEM, 0) >= 0 ||
	       read_der(r, &datum);
}

struct revocation *
revocation_new(const char *path, struct error *e)
{
	struct revocation *r;
	struct error why;
	struct buf bytes;
	int rc = 0;

	r = mem_new(1, sizeof(*r));
	error_clear(&why);
	buf_init(&bytes, LISTS_MAX);
	if (file_read(path, ACCESS_ANY, &bytes, NULL, &why) == -1)
		rc = error_set(e, ERROR_CONFIG, NULL, "tls-crl: %s", why.text);
	else if (!read_lists(r, buf_text(&bytes)))
		rc = error_set(e, ERROR_CONFIG, NULL,
		    "tls-crl: %s holds no list of revoked certificates",
		    SHOWN(text_of(path)));
	buf_clear(&bytes);
	if (rc == 0)
		return r;
	revocation_free(r);
	error_hint(e,
	    "fetch the CRL of the server's authority, in PEM, or leave "
	    "`tls-crl' out");
	return NULL;
}

void
revocation_free(struct revocation *r)
{
	if (r == NULL)
		return;
	while (r->count > 0)
		gnutls_x509_crl_deinit(r->lists[--r->count]);
	gnutls_free(r->lists);
	free(r);
}

/* Those that can be read of the chain and the others. */
struct signers {
	gnutls_x509_crt_t *at;
	size_t count;
};

static void
add_signers(struct signers *s, const struct text *list, size_t count)
{
	gnutls_x509_crt_t x509;
	size_t i;

	for (i = 0; i < count; i++) {
		x509 = certificate_import(list[i]);
		if (x509 != NULL)
			*mem_push(s->at, s->count) = x509;
	}
}

static void
clear_signers(struct signers *s)
{
	while (s->count > 0)
		gnutls_x509_crt_deinit(s->at[--s->count]);
	free(s->at);
}

static bool
is_issuers(gnutls_x509_crl_t list, gnutls_x509_crt_t x509)
{
	gnutls_datum_t signer = {NULL, 0}, issuer = {NULL, 0};
	bool same;

	same = gnutls_x509_crl_get_raw_issuer_dn(list, &signer) == 0 &&
	       gnutls_x509_crt_get_raw_issuer_dn(x509, &issuer) == 0 &&
	       text_equal((struct text){(char *)signer.data, signer.size},
		   (struct text){(char *)issuer.data, issuer.size});
	gnutls_free(signer.data);
	gnutls_free(issuer.data);
	return same;
}

/* Of one list about one certificate. */
static unsigned
check_list(gnutls_x509_crl_t list, gnutls_x509_crt_t x509,
    const struct signers *signers, time_t *old)
{
	const time_t next = gnutls_x509_crl_get_next_update(list);
	unsigned status = 0;

	if (gnutls_x509_crt_check_revocation(x509, &list, 1) == 1)
		return GNUTLS_CERT_REVOKED;
	if (gnutls_x509_crl_verify(
		list, signers->at, (unsigned)signers->count, 0, &status) < 0 ||
	    (status & (GNUTLS_CERT_SIGNATURE_FAILURE |
			  GNUTLS_CERT_INSECURE_ALGORITHM |
			  GNUTLS_CERT_SIGNER_NOT_CA)) != 0)
		return CERTIFICATE_LIST_FORGED;
	if (next == (time_t)-1 || next >= host_now().seconds)
		return 0;
	*old = next;
	return CERTIFICATE_LIST_OLD;
}

/* One good list of the issuer is enough, and one that names it. */
static unsigned
check_one(const struct revocation *r, gnutls_x509_crt_t x509,
    const struct signers *signers, time_t *old)
{
	unsigned i, found, status = CERTIFICATE_UNLISTED;

	for (i = 0; i < r->count; i++) {
		if (!is_issuers(r->lists[i], x509))
			continue;
		found = check_list(r->lists[i], x509, signers, old);
		if (found == GNUTLS_CERT_REVOKED)
			return found;
		if (status != 0)
			status = found;
	}
	return status;
}

unsigned
revocation_check(const struct revocation *r, const struct text *chain,
    size_t count, const struct text *more, size_t more_count, time_t *old)
{
	struct signers signers = {NULL, 0};
	unsigned found, status = 0;
	size_t i;

	add_signers(&signers, chain, count);
	count = signers.count;
	add_signers(&signers, more, more_count);
	for (i = 0; i < count; i++) {
		found = check_one(r, signers.at[i], &signers, old);
		/* Who issued an issuer need not have a list, nor who
		 * vouches for itself. */
		if (found != CERTIFICATE_UNLISTED ||
		    (i == 0 && gnutls_x509_crt_check_issuer(
				   signers.at[0], signers.at[0]) == 0))
			status |= found;
	}
	clear_signers(&signers);
	return status;
}

static bool
says_revoked(gnutls_ocsp_resp_t response, gnutls_x509_crt_t x509)
{
	unsigned status = GNUTLS_OCSP_CERT_UNKNOWN;

	return gnutls_ocsp_resp_check_crt(response, 0, x509) == 0 &&
	       gnutls_ocsp_resp_get_single(response, 0, NULL, NULL, NULL, NULL,
		   &status, NULL, NULL, NULL, NULL) == 0 &&
	       status == GNUTLS_OCSP_CERT_REVOKED;
}

unsigned
revocation_check_shown(gnutls_session_t session, struct text der)
{
	gnutls_ocsp_resp_t response;
	gnutls_x509_crt_t x509;
	gnutls_datum_t shown;
	bool revoked;

	if (gnutls_ocsp_status_request_get(session, &shown) < 0 ||
	    gnutls_ocsp_resp_init(&response) < 0)
		return 0;
	x509 = certificate_import(der);
	revoked = x509 != NULL &&
		  gnutls_ocsp_resp_import(response, &shown) == 0 &&
		  says_revoked(response, x509);
	gnutls_x509_crt_deinit(x509);
	gnutls_ocsp_resp_deinit(response);
	return revoked ? GNUTLS_CERT_REVOKED : 0;
}
