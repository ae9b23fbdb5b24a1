#include "world/certificate.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "base/crypt.h"

/* What is one is the caller's to deinit; NULL is none. */
static gnutls_x509_crt_t
import(struct text der)
{
	gnutls_datum_t datum = {(unsigned char *)der.at, (unsigned)der.len};
	gnutls_x509_crt_t x509;

	if (gnutls_x509_crt_init(&x509) < 0)
		return NULL;
	if (gnutls_x509_crt_import(x509, &datum, GNUTLS_X509_FMT_DER) == 0)
		return x509;
	gnutls_x509_crt_deinit(x509);
	return NULL;
}

static void
add_words(struct certificate *c, const char *words)
{
	if (c->names[0] != '\0')
		strlcat(c->names, ", ", sizeof(c->names));
	strlcat(c->names, words, sizeof(c->names));
}

static void
add_name(struct certificate *c, const char *name)
{
	char shown[sizeof(c->name)];

	text_visible(text_of(name), shown, sizeof(shown));
	if (c->name[0] == '\0')
		strlcpy(c->name, shown, sizeof(c->name));
	add_words(c, shown);
}

static bool
is_address(const char *name)
{
	unsigned char address[16];

	return inet_pton(AF_INET, name, address) == 1 ||
	       inet_pton(AF_INET6, name, address) == 1;
}

/* RFC 9525 section 6.5: an address is looked for among the addresses only. */
static void
add_dns_name(struct certificate *c, const char *name, const char *where)
{
	char words[80];

	if (!is_address(name)) {
		add_name(c, name);
		return;
	}
	snprintf(words, sizeof(words), "%s (as a %s)", name, where);
	add_words(c, words);
	c->misplaced = true;
}

static void
add_names(struct certificate *c, gnutls_x509_crt_t x509)
{
	char name[256], words[INET6_ADDRSTRLEN];
	size_t size;
	unsigned i;
	int type;

	for (i = 0;; i++) {
		size = sizeof(name) - 1;
		type = gnutls_x509_crt_get_subject_alt_name(
		    x509, i, name, &size, NULL);
		if (type == GNUTLS_E_SHORT_MEMORY_BUFFER)
			continue;
		if (type < 0)
			break;
		name[size] = '\0';
		if (type == GNUTLS_SAN_DNSNAME)
			add_dns_name(c, name, "DNS name");
		else if (type == GNUTLS_SAN_IPADDRESS &&
			 inet_ntop(size == 4 ? AF_INET : AF_INET6, name, words,
			     sizeof(words)) != NULL)
			add_name(c, words);
	}
	size = sizeof(name);
	if (c->names[0] == '\0' &&
	    gnutls_x509_crt_get_dn_by_oid(
		x509, GNUTLS_OID_X520_COMMON_NAME, 0, 0, name, &size) == 0)
		add_dns_name(c, name, "common name");
}

static void
read_dn(int (*dn3)(gnutls_x509_crt_t, gnutls_datum_t *, unsigned),
    gnutls_x509_crt_t x509, char out[110])
{
	gnutls_datum_t dn;

	if (dn3(x509, &dn, 0) < 0)
		return;
	text_visible((struct text){(char *)dn.data, dn.size}, out, 110);
	gnutls_free(dn.data);
}

static void
read_fingerprint(struct certificate *c, gnutls_x509_crt_t x509)
{
	unsigned char digest[32];
	size_t size = sizeof(digest), i;

	if (gnutls_x509_crt_get_fingerprint(
		x509, GNUTLS_DIG_SHA256, digest, &size) < 0)
		return;
	for (i = 0; i < size; i++)
		snprintf(c->sha256 + 2 * i, 3, "%02x", digest[i]);
}

static void
read_pin(struct certificate *c, gnutls_x509_crt_t x509)
{
	unsigned char digest[32];
	size_t size = sizeof(digest);
	struct buf pin;

	if (gnutls_x509_crt_get_key_id(
		x509, GNUTLS_KEYID_USE_SHA256, digest, &size) < 0)
		return;
	buf_init(&pin, sizeof(c->pin));
	buf_add_string(&pin, "sha256:");
	crypt_base64((struct text){(char *)digest, size}, &pin);
	strlcpy(c->pin, buf_string(&pin), sizeof(c->pin));
	buf_clear(&pin);
}

static void
read_own(struct certificate *c, gnutls_x509_crt_t x509)
{
	add_names(c, x509);
	read_dn(gnutls_x509_crt_get_dn3, x509, c->subject);
	read_dn(gnutls_x509_crt_get_issuer_dn3, x509, c->issuer);
	c->self_signed = gnutls_x509_crt_check_issuer(x509, x509) != 0;
	read_fingerprint(c, x509);
	read_pin(c, x509);
}

static void
read_validity(struct certificate *c, gnutls_x509_crt_t x509, bool first)
{
	time_t at;

	at = gnutls_x509_crt_get_activation_time(x509);
	if (first || at > c->from)
		c->from = at;
	at = gnutls_x509_crt_get_expiration_time(x509);
	if (first || at < c->until)
		c->until = at;
}

void
certificate_read(struct certificate *c, const struct text *chain, size_t count)
{
	gnutls_x509_crt_t x509;
	size_t i;

	memset(c, 0, sizeof(*c));
	for (i = 0; i < count; i++) {
		x509 = import(chain[i]);
		if (x509 == NULL)
			continue;
		if (i == 0)
			read_own(c, x509);
		read_validity(c, x509, i == 0);
		gnutls_x509_crt_deinit(x509);
	}
}

/* Cuts the next element of DER (X.690 section 8.1) off *rest, with its header
 * and without. False where there is no whole one. */
static bool
next_element(struct text *rest, struct text *whole, struct text *inside)
{
	size_t header = 2, len, octets;

	if (rest->len < header)
		return false;
	len = (unsigned char)rest->at[1];
	if (len > 0x80) {
		octets = len & 0x7f;
		header += octets;
		if (octets > 4 || rest->len < header)
			return false;
		for (len = 0; octets > 0; octets--)
			len =
			    len << 8 | (unsigned char)rest->at[header - octets];
	} else if (len == 0x80) {
		return false;
	}
	if (len > rest->len - header)
		return false;
	*whole = text_first(*rest, header + len);
	*inside = text_skip(*whole, header);
	*rest = text_skip(*rest, whole->len);
	return true;
}

/* By RFC 5280 section 4.1, as GnuTLS would parse all of it for this: a
 * certificate is a sequence, which begins with a sequence, of the version in
 * its own tag, which may be missing, the number, the algorithm, the issuer. */
void
certificate_add_issuer(struct text der, struct buf *name)
{
	struct text outer, rest, whole, inside;
	size_t before;

	if (!next_element(&der, &whole, &outer) ||
	    !next_element(&outer, &whole, &rest))
		return;
	before = rest.len > 0 && (unsigned char)rest.at[0] == 0xa0 ? 3 : 2;
	for (; before > 0; before--)
		if (!next_element(&rest, &whole, &inside))
			return;
	if (next_element(&rest, &whole, &inside))
		buf_add_text(name, whole);
}

/* Only that: GnuTLS, which looks at all of it, does so when it is needed. */
bool
certificate_check(struct text der)
{
	struct buf issuer;
	bool found;

	buf_init(&issuer, der.len);
	certificate_add_issuer(der, &issuer);
	found = issuer.len > 0;
	buf_clear(&issuer);
	return found;
}

struct day {
	char words[16];
};

static struct day
day(time_t at)
{
	struct day out = {"?"};
	struct tm broken;

	if (at != (time_t)-1 && gmtime_r(&at, &broken) != NULL)
		strftime(out.words, sizeof(out.words), "%Y-%m-%d", &broken);
	return out;
}

char *
certificate_format(const struct certificate *c, char *out, size_t size)
{
	snprintf(out, size,
	    "names %s; subject %s; issuer %s; valid %s to %s; SHA-256 %s",
	    c->names[0] == '\0' ? "none" : c->names, c->subject, c->issuer,
	    day(c->from).words, day(c->until).words, c->sha256);
	return out;
}

/* A check that may fail, and what it then says of the certificate. */
struct check {
	unsigned status;
	const char *words;
};

static const struct check checks[] = {
    {GNUTLS_CERT_REVOKED, "was revoked"},
    {GNUTLS_CERT_SIGNER_NOT_CA,
	"has an issuer that is no certificate authority"},
    {GNUTLS_CERT_INSECURE_ALGORITHM, "is signed with an insecure algorithm"},
    {GNUTLS_CERT_SIGNATURE_FAILURE, "has a wrong signature"},
    {GNUTLS_CERT_SIGNER_CONSTRAINTS_FAILURE,
	"is outside what its issuer may certify"},
    {GNUTLS_CERT_MISMATCH, "is not the one that was expected"},
    {GNUTLS_CERT_PURPOSE_MISMATCH, "is not meant for a server"},
    {GNUTLS_CERT_REVOCATION_DATA_SUPERSEDED, "has outdated revocation data"},
    {GNUTLS_CERT_REVOCATION_DATA_ISSUED_IN_FUTURE,
	"has revocation data of the future"},
    {GNUTLS_CERT_MISSING_OCSP_STATUS, "lacks the OCSP status it must have"},
    {GNUTLS_CERT_INVALID_OCSP_STATUS, "has an invalid OCSP status"},
    {GNUTLS_CERT_UNKNOWN_CRIT_EXTENSIONS,
	"has a critical extension that nobody here knows"},
};

static void
add_reasons(
    struct buf *words, unsigned status, const struct check *list, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if ((status & list[i].status) != 0)
			buf_format(words, "%sit %s",
			    words->len == 0 ? "" : ", and ", list[i].words);
}

static void
describe(const struct certificate *c, unsigned status, const char *reference,
    struct buf *words)
{
	char owner[400], expired[60], early[60];
	const struct check own[] = {{GNUTLS_CERT_UNEXPECTED_OWNER, owner},
	    {GNUTLS_CERT_EXPIRED, expired}, {GNUTLS_CERT_NOT_ACTIVATED, early},
	    {GNUTLS_CERT_SIGNER_NOT_FOUND,
		c->self_signed ? "is self-signed and not among the trusted ones"
			       : "has an unknown issuer"}};

	snprintf(owner, sizeof(owner), "is for %s, not for %s",
	    c->names[0] == '\0' ? "no name at all" : c->names,
	    SHOWN(text_of(reference)));
	snprintf(expired, sizeof(expired), "has expired (valid until %s)",
	    day(c->until).words);
	snprintf(early, sizeof(early), "is not yet valid (valid from %s)",
	    day(c->from).words);
	add_reasons(words, status, own, sizeof(own) / sizeof(own[0]));
	add_reasons(words, status, checks, sizeof(checks) / sizeof(checks[0]));
	if (words->len == 0)
		buf_add_string(words, "it is not valid");
}

static int
advise(const struct certificate *c, unsigned status, const char *reference,
    struct error *e)
{
	if ((status & GNUTLS_CERT_UNEXPECTED_OWNER) != 0 && c->misplaced &&
	    is_address(reference))
		error_hint(e,
		    "the server needs a certificate with its address among the "
		    "IP addresses (subjectAltName IP:%s)",
		    SHOWN(text_of(reference)));
	if ((status & GNUTLS_CERT_UNEXPECTED_OWNER) != 0)
		error_hint(e,
		    "write the server's own name in `smarthost'; if this is "
		    "the right server under another name: `tls-name %s'",
		    c->name[0] == '\0' || c->name[0] == '*' ? "NAME" : c->name);
	if ((status & (GNUTLS_CERT_SIGNER_NOT_FOUND |
			  GNUTLS_CERT_SIGNER_NOT_CA)) != 0)
		error_hint(e,
		    "if you know this server and its SHA-256, save the "
		    "certificate of its authority (or its own) in PEM and "
		    "name it: `tls-trust FILE'");
	if ((status & (GNUTLS_CERT_EXPIRED | GNUTLS_CERT_NOT_ACTIVATED)) != 0)
		error_hint(e,
		    "see whether the clock of this machine is right; else "
		    "the server needs a new certificate");
	return error_hint(e, "the server needs another certificate");
}

int
certificate_refuse(const struct certificate *c, unsigned status,
    const char *reference, struct error *e)
{
	struct buf words;

	buf_init(&words, 1024);
	describe(c, status, reference, &words);
	error_set(e, ERROR_DENIED, CERTIFICATE_VERIFYING, "not trusted: %s",
	    buf_string(&words));
	buf_clear(&words);
	certificate_format(c, e->why, sizeof(e->why));
	return advise(c, status, reference, e);
}
