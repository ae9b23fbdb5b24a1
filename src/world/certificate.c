#include "world/certificate.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "base/crypt.h"

gnutls_x509_crt_t
certificate_import(struct text der)
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

/* Whole, or it counts among the rest: a part of a name is another name. */
static void
add_words(struct certificate *c, const char *words)
{
	const char *comma = c->names[0] == '\0' ? "" : ", ";

	if (c->more > 0 || strlen(c->names) + strlen(comma) + strlen(words) >=
			       sizeof(c->names)) {
		c->more++;
		return;
	}
	strlcat(c->names, comma, sizeof(c->names));
	strlcat(c->names, words, sizeof(c->names));
}

/* A DNS name is ASCII without blanks (RFC 5280 section 4.2.1.6); in a common
 * name a blank between words is no riddle. */
static bool
is_riddle(struct text name, size_t i, bool spaced)
{
	const char c = name.at[i];

	if (c != ' ')
		return c == '\0' || strchr(",(\\", c) != NULL ||
		       (!spaced && (unsigned char)c >= 0x80);
	return !spaced || i == 0 || i + 1 == name.len || name.at[i - 1] == ' ';
}

/* So that nothing in it can be taken for what we write around it. */
static struct text_shown
show_name(struct text name, bool spaced)
{
	struct text_shown shown;
	struct buf plain;
	size_t i;

	buf_init(&plain, 4 * name.len);
	for (i = 0; i < name.len; i++)
		if (is_riddle(name, i, spaced))
			buf_format(
			    &plain, "\\x%02x", (unsigned char)name.at[i]);
		else
			buf_add_char(&plain, name.at[i]);
	shown = text_shown(buf_text(&plain));
	buf_clear(&plain);
	return shown;
}

/* What is not shown as it is nobody can ask for. */
static void
add_name(struct certificate *c, struct text name)
{
	const struct text_shown shown = show_name(name, false);

	if (c->name[0] == '\0' && name.len < sizeof(c->name) &&
	    text_equal(text_of(shown.words), name))
		strlcpy(c->name, shown.words, sizeof(c->name));
	add_words(c, shown.words);
}

static bool
is_address(const char *name)
{
	unsigned char address[16];

	return inet_pton(AF_INET, name, address) == 1 ||
	       inet_pton(AF_INET6, name, address) == 1;
}

static void
add_misplaced(struct certificate *c, struct text name, const char *where)
{
	char words[200];

	snprintf(words, sizeof(words), "%s (as a %s)",
	    show_name(name, true).words, where);
	add_words(c, words);
	if (c->misplaced[0] == '\0')
		strlcpy(c->misplaced, SHOWN(name), sizeof(c->misplaced));
}

/* RFC 9525 section 6.5: an address is looked for among the addresses only. */
static void
add_dns_name(struct certificate *c, struct text name)
{
	if (is_address(SHOWN(name)))
		add_misplaced(c, name, "DNS name");
	else
		add_name(c, name);
}

/* GnuTLS gives it as in RFC 4514 section 2.4, in hexadecimal where a NUL is in
 * it; else back to what it is, in place. */
static struct text
unescape(char *name, size_t len)
{
	struct text plain = {name, 0};
	size_t i;

	for (i = 0; i < len; i++) {
		if (name[i] == '\\' && i + 1 < len)
			i++;
		name[plain.len++] = name[i];
	}
	return plain;
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
		if (type == GNUTLS_E_SHORT_MEMORY_BUFFER) {
			c->more++;
			continue;
		}
		if (type < 0)
			break;
		if (type == GNUTLS_SAN_DNSNAME)
			add_dns_name(c, (struct text){name, size});
		else if (type == GNUTLS_SAN_IPADDRESS &&
			 inet_ntop(size == 4 ? AF_INET : AF_INET6, name, words,
			     sizeof(words)) != NULL)
			add_name(c, text_of(words));
	}
	size = sizeof(name);
	if (c->names[0] == '\0' && c->more == 0 &&
	    gnutls_x509_crt_get_dn_by_oid(
		x509, GNUTLS_OID_X520_COMMON_NAME, 0, 0, name, &size) == 0)
		add_misplaced(c, unescape(name, size), "common name");
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

/* Of those that sign. */
static void
read_issuer_bits(struct certificate *c, struct text der)
{
	const unsigned bits = certificate_rsa_bits(der);

	if (bits > 0 && (c->issuer_bits == 0 || bits < c->issuer_bits))
		c->issuer_bits = bits;
}

void
certificate_read(struct certificate *c, const struct text *chain, size_t count)
{
	gnutls_x509_crt_t x509;
	size_t i;

	memset(c, 0, sizeof(*c));
	c->key_bits = count == 0 ? 0 : certificate_rsa_bits(chain[0]);
	for (i = 0; i < count; i++) {
		x509 = certificate_import(chain[i]);
		if (x509 == NULL)
			continue;
		if (i == 0)
			read_own(c, x509);
		else
			read_issuer_bits(c, chain[i]);
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

static bool
skip_elements(struct text *rest, unsigned count)
{
	struct text whole, inside;

	while (count > 0 && next_element(rest, &whole, &inside))
		count--;
	return count == 0;
}

/* By RFC 5280 section 4.1, as GnuTLS would parse all of it for this: a
 * certificate is a sequence, which begins with a sequence, of the version in
 * its own tag, which may be missing, the number, the algorithm, the issuer, the
 * validity, the subject, the key. *rest begins with the algorithm. */
static bool
enter(struct text der, struct text *rest)
{
	struct text outer, whole;

	return next_element(&der, &whole, &outer) &&
	       next_element(&outer, &whole, rest) &&
	       skip_elements(rest,
		   rest->len > 0 && (unsigned char)rest->at[0] == 0xa0 ? 2 : 1);
}

void
certificate_add_issuer(struct text der, struct buf *name)
{
	struct text rest, whole, inside;

	if (enter(der, &rest) && skip_elements(&rest, 1) &&
	    next_element(&rest, &whole, &inside))
		buf_add_text(name, whole);
}

static bool
begins(struct text t, struct text with)
{
	return text_equal(text_first(t, with.len), with);
}

/* RFC 8017 appendix A.1.1: the key is the modulus and something else; and a
 * bit string says first how many bits are unused. */
static unsigned
modulus_bits(struct text bit_string)
{
	struct text key = text_skip(bit_string, 1), whole, inside, modulus;
	unsigned bits, first;

	if (!next_element(&key, &whole, &inside) ||
	    !next_element(&inside, &whole, &modulus))
		return 0;
	while (modulus.len > 0 && modulus.at[0] == 0)
		modulus = text_skip(modulus, 1);
	bits = 8 * (unsigned)modulus.len;
	first = modulus.len == 0 ? 0x80 : (unsigned char)modulus.at[0];
	for (; first < 0x80; first <<= 1)
		bits--;
	return bits;
}

unsigned
certificate_rsa_bits(struct text der)
{
	/* rsaEncryption and id-RSASSA-PSS */
	const struct text rsa =
	    TEXT("\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01");
	struct text rest, whole, key, algorithm, bits;

	if (!enter(der, &rest) || !skip_elements(&rest, 4) ||
	    !next_element(&rest, &whole, &key) ||
	    !next_element(&key, &whole, &algorithm) ||
	    !next_element(&key, &whole, &bits))
		return 0;
	return begins(algorithm, rsa) ? modulus_bits(bits) : 0;
}

/* RFC 5280 section 4.2: the name of the extension, whether it is critical,
 * unless it is not, and octets with the value. Of section 4.2.1.6. */
static bool
holds_dns_name(struct text extension)
{
	const struct text alternative = TEXT("\x06\x03\x55\x1d\x11");
	struct text whole, octets = {NULL, 0}, names, name;

	if (!begins(extension, alternative))
		return false;
	while (next_element(&extension, &whole, &octets))
		continue;
	if (!next_element(&octets, &whole, &names))
		return false;
	while (next_element(&names, &whole, &name))
		if ((unsigned char)whole.at[0] == 0x82)
			return true;
	return false;
}

bool
certificate_has_dns_name(struct text der)
{
	struct text rest, whole, inside, list, extension;

	if (!enter(der, &rest) || !skip_elements(&rest, 5))
		return false;
	/* Unique identifiers may stand before the extensions. */
	while (next_element(&rest, &whole, &inside))
		if ((unsigned char)whole.at[0] == 0xa3 &&
		    next_element(&inside, &whole, &list))
			while (next_element(&list, &whole, &extension))
				if (holds_dns_name(extension))
					return true;
	return false;
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

struct certificate_day
certificate_day(time_t at)
{
	struct certificate_day out = {"?"};
	struct tm broken;

	if (at != (time_t)-1 && gmtime_r(&at, &broken) != NULL)
		strftime(out.words, sizeof(out.words), "%Y-%m-%d", &broken);
	return out;
}

struct certificate_names
certificate_names(const struct certificate *c, const char *none)
{
	struct certificate_names n;

	if (c->more == 0)
		strlcpy(n.words, c->names[0] == '\0' ? none : c->names,
		    sizeof(n.words));
	else if (c->names[0] == '\0')
		snprintf(n.words, sizeof(n.words), "%u too long", c->more);
	else
		snprintf(n.words, sizeof(n.words), "%s, and %u more", c->names,
		    c->more);
	return n;
}

char *
certificate_format(const struct certificate *c, char *out, size_t size)
{
	snprintf(out, size,
	    "names %s; subject %s; issuer %s; valid %s to %s; SHA-256 %s",
	    certificate_names(c, "none").words, c->subject, c->issuer,
	    certificate_day(c->from).words, certificate_day(c->until).words,
	    c->sha256);
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
    {CERTIFICATE_UNPINNED, "has a key that no `tls-pin' names"},
    {CERTIFICATE_UNLISTED,
	"may have been revoked: `tls-crl' has no list of its issuer"},
    {CERTIFICATE_LIST_FORGED,
	"may have been revoked: its issuer has not signed the list in "
	"`tls-crl'"},
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
	char owner[400], expired[60], early[60], small[80], old[120];
	const struct check own[] = {{GNUTLS_CERT_UNEXPECTED_OWNER, owner},
	    {GNUTLS_CERT_EXPIRED, expired}, {GNUTLS_CERT_NOT_ACTIVATED, early},
	    {GNUTLS_CERT_SIGNER_NOT_FOUND,
		c->self_signed ? "is self-signed and not among the trusted ones"
			       : "has an unknown issuer"},
	    {CERTIFICATE_SMALL_KEY, small}, {CERTIFICATE_LIST_OLD, old}};
	const bool own_key =
	    c->key_bits > 0 && c->key_bits < CERTIFICATE_RSA_MIN;

	snprintf(owner, sizeof(owner), "is for %s, not for %s",
	    certificate_names(c, "no name at all").words,
	    SHOWN(text_of(reference)));
	snprintf(expired, sizeof(expired), "has expired (valid until %s)",
	    certificate_day(c->until).words);
	snprintf(early, sizeof(early), "is not yet valid (valid from %s)",
	    certificate_day(c->from).words);
	snprintf(small, sizeof(small),
	    "has %s of %u bits, and %d are the least (RFC 9325)",
	    own_key ? "an RSA key" : "an issuer with an RSA key",
	    own_key ? c->key_bits : c->issuer_bits, CERTIFICATE_RSA_MIN);
	snprintf(old, sizeof(old),
	    "may have been revoked: the list in `tls-crl' is out of date "
	    "since %s",
	    certificate_day(c->listed_until).words);
	add_reasons(words, status, own, sizeof(own) / sizeof(own[0]));
	add_reasons(words, status, checks, sizeof(checks) / sizeof(checks[0]));
	if (words->len == 0)
		buf_add_string(words, "it is not valid");
}

/* Without a pin where nothing lets it pass, or it has no key. */
static int
hint_pin(const struct certificate *c, const char *before, struct error *e)
{
	if (c->pin[0] == '\0')
		return error_hint(e, "%s", before);
	return error_hint(e,
	    "%s; if you know that this is its key, pin that: `tls-pin %s'",
	    before, c->pin);
}

static int
advise_name(const struct certificate *c, const char *reference, struct error *e)
{
	char what[300];

	if (!text_equal_fold(text_of(c->misplaced), text_of(reference)))
		snprintf(what, sizeof(what),
		    "write the server's own name in `smarthost'; if this is "
		    "the right server under another name: `tls-name %s'",
		    c->name[0] == '\0' || c->name[0] == '*' ? "NAME" : c->name);
	else
		snprintf(what, sizeof(what),
		    "the server needs a certificate with its %s "
		    "(subjectAltName %s:%s)",
		    is_address(reference) ? "address among the IP addresses"
					  : "name among the DNS names",
		    is_address(reference) ? "IP" : "DNS",
		    SHOWN(text_of(reference)));
	return hint_pin(c, what, e);
}

/* What to do about the first that holds of these. */
static const struct check remedies[] = {
    {GNUTLS_CERT_SIGNER_NOT_FOUND | GNUTLS_CERT_SIGNER_NOT_CA,
	"save the certificate of its authority in PEM and name it: `tls-trust "
	"FILE'"},
    {GNUTLS_CERT_EXPIRED | GNUTLS_CERT_NOT_ACTIVATED,
	"see whether the clock of this machine is right; else the server "
	"needs a new certificate"},
    {CERTIFICATE_UNPINNED,
	"somebody may stand between; or the server has a new key"},
    {~0U, "the server needs another certificate"},
};

static int
advise(const struct certificate *c, unsigned status, const char *reference,
    struct error *e)
{
	const struct check *remedy = remedies;

	if ((status & GNUTLS_CERT_REVOKED) != 0)
		return error_hint(e, "the server needs another certificate");
	if ((status & (CERTIFICATE_UNLISTED | CERTIFICATE_LIST_OLD |
			  CERTIFICATE_LIST_FORGED)) != 0)
		return error_hint(e,
		    "fetch the list of its issuer, in PEM, into the file of "
		    "`tls-crl'");
	if ((status & GNUTLS_CERT_UNEXPECTED_OWNER) != 0)
		return advise_name(c, reference, e);
	while ((status & remedy->status) == 0)
		remedy++;
	return hint_pin(c, remedy->words, e);
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
