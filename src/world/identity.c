#include "world/identity.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <gnutls/abstract.h>
#include <gnutls/pkcs11.h>

#include "base/buf.h"
#include "base/mem.h"
#include "world/file.h"
#include "world/host.h"

#define CERTIFICATE "tls-certificate"
#define KEY	    "tls-key"
#define CHAIN_MAX   16
#define FILE_MAX    (1024 * 1024)

struct identity {
	struct buf pin; /* empty: there is none */
};

static bool system_only;

void
identity_distrust_user(void)
{
	system_only = true;
}

static bool
is_url(const char *place)
{
	return text_starts_fold(text_of(place), TEXT("pkcs11:"));
}

/* Another attempt with the same PIN would lock the token. */
static int
tell_pin(void *arg, int attempt, const char *url, const char *label,
    unsigned flags, char *pin, size_t size)
{
	struct identity *i = arg;

	(void)url;
	(void)label;
	(void)flags;
	if (attempt > 0 || i->pin.len == 0 || i->pin.len >= size)
		return GNUTLS_E_PKCS11_PIN_ERROR;
	strlcpy(pin, buf_string(&i->pin), size);
	return 0;
}

/*
 * The PIN.
 */

static int
hex(char c)
{
	const char *digits = "0123456789abcdef", *at;

	at = c == '\0' ? NULL : strchr(digits, text_lower(c));
	return at == NULL ? -1 : (int)(at - digits);
}

/* RFC 3986 section 2.1. */
static void
add_decoded(struct buf *out, struct text t)
{
	size_t i;

	for (i = 0; i < t.len; i++)
		if (t.at[i] == '%' && i + 2 < t.len && hex(t.at[i + 1]) >= 0 &&
		    hex(t.at[i + 2]) >= 0) {
			buf_add_char(out,
			    (char)(16 * hex(t.at[i + 1]) + hex(t.at[i + 2])));
			i += 2;
		} else
			buf_add_char(out, t.at[i]);
}

static int
read_pin(struct identity *i, struct text source, struct error *e)
{
	const struct text file = TEXT("file:");
	struct buf path, bytes;
	struct text rest, line = {NULL, 0};
	struct error why;
	int rc;

	if (text_starts_fold(source, file))
		source = text_skip(source, file.len);
	error_clear(&why);
	buf_init(&path, FILE_MAX);
	buf_init(&bytes, FILE_MAX);
	add_decoded(&path, source);
	rc = path.len > 0 && path.at[0] == '/'
		 ? file_read(
		       buf_string(&path), ACCESS_SECRET, &bytes, NULL, &why)
		 : error_set(&why, ERROR_CONFIG, NULL,
		       "it does not name a file from `/' on");
	rest = buf_text(&bytes);
	if (rc == 0 && text_next_line(&rest, &line))
		buf_add_text(&i->pin, line);
	if (rc == -1)
		error_set(e, ERROR_CONFIG, NULL, "pin-source: %s", why.text);
	if (rc == -1 && why.hint[0] != '\0')
		error_hint(e, "%s", why.hint);
	buf_clear(&path);
	buf_wipe(&bytes);
	return rc;
}

/* Takes the attributes of the PIN out of the URL, as p11-kit would read a file
 * for it that others may write, and run a command. */
static int
take_pin(struct identity *i, const char *url, struct buf *bare, struct error *e)
{
	const struct text value = TEXT("pin-value="),
			  source = TEXT("pin-source=");
	struct text rest = text_of(url), part;
	char mark = '?';
	int rc = 0;

	part = text_first(rest, text_find(rest, '?'));
	buf_add_text(bare, part);
	rest = text_skip(rest, part.len + 1);
	while (rc == 0 && text_next(&rest, "&", &part)) {
		if (text_starts_fold(part, value)) {
			buf_wipe(&i->pin);
			add_decoded(&i->pin, text_skip(part, value.len));
		} else if (text_starts_fold(part, source) ||
			   text_starts_fold(part, TEXT("pinfile="))) {
			buf_wipe(&i->pin);
			rc = read_pin(
			    i, text_skip(part, text_find(part, '=') + 1), e);
		} else {
			buf_add_char(bare, mark);
			buf_add_text(bare, part);
			mark = '&';
		}
	}
	return rc;
}

/*
 * What is read. A place is a path or a URL.
 */

static int
refuse(const char *keyword, const char *place, int code, struct error *e)
{
	const char *why = gnutls_strerror(code);

	if (code == GNUTLS_E_DECRYPTION_FAILED ||
	    code == GNUTLS_E_INSUFFICIENT_CREDENTIALS)
		why = "it is encrypted";
	error_set(e, ERROR_CONFIG, NULL, "%s: %s: %s", keyword,
	    is_url(place) ? "the token" : SHOWN(text_of(place)), why);
	if (code == GNUTLS_E_PKCS11_PIN_ERROR)
		return error_hint(e,
		    "write the token's PIN into a file of mode 0600 and "
		    "`?pin-source=/FILE' at the end of the URL");
	if (code == GNUTLS_E_DECRYPTION_FAILED ||
	    code == GNUTLS_E_INSUFFICIENT_CREDENTIALS)
		return error_hint(e,
		    "nobody is there to be asked: take the passphrase off "
		    "(openssl pkey -in OLD -out NEW; chmod 600 NEW), or keep "
		    "the key in a token");
	return -1;
}

static int
read_file(const char *keyword, const char *path, enum access_trust trust,
    struct buf *out, struct error *e)
{
	struct error why;

	error_clear(&why);
	if (file_read(path, trust, out, NULL, &why) == 0)
		return 0;
	error_set(e, ERROR_CONFIG, NULL, "%s: %s", keyword, why.text);
	return why.hint[0] == '\0' ? -1 : error_hint(e, "%s", why.hint);
}

static gnutls_datum_t
datum_of(const struct buf *b)
{
	return (gnutls_datum_t){(unsigned char *)b->at, (unsigned)b->len};
}

static int
read_chain(struct identity *i, const char *place, gnutls_pcert_st *chain,
    unsigned *count, struct error *e)
{
	struct buf bytes;
	gnutls_datum_t datum;
	int code = GNUTLS_E_BASE64_DECODING_ERROR;

	*count = CHAIN_MAX;
	buf_init(&bytes, FILE_MAX);
	if (is_url(place)) {
		if (take_pin(i, place, &bytes, e) == 0)
			code = gnutls_pcert_list_import_x509_file(chain, count,
			    buf_string(&bytes), GNUTLS_X509_FMT_PEM, tell_pin,
			    i, 0);
	} else if (read_file(CERTIFICATE, place, ACCESS_ANY, &bytes, e) == 0) {
		datum = datum_of(&bytes);
		if (bytes.len > 0)
			code = gnutls_pcert_list_import_x509_raw(
			    chain, count, &datum, GNUTLS_X509_FMT_PEM, 0);
	}
	buf_wipe(&bytes);
	if (code >= 0)
		return 0;
	*count = 0;
	return refuse(CERTIFICATE, place, code, e);
}

static int
read_key(struct identity *i, const char *place, gnutls_privkey_t key,
    struct error *e)
{
	struct buf bytes;
	gnutls_datum_t datum;
	int code = GNUTLS_E_BASE64_DECODING_ERROR;

	buf_init(&bytes, FILE_MAX);
	gnutls_privkey_set_pin_function(key, tell_pin, i);
	if (is_url(place)) {
		if (take_pin(i, place, &bytes, e) == 0)
			code = gnutls_privkey_import_url(
			    key, buf_string(&bytes), 0);
	} else if (read_file(KEY, place, ACCESS_SECRET, &bytes, e) == 0) {
		datum = datum_of(&bytes);
		if (bytes.len > 0)
			code = gnutls_privkey_import_x509_raw(
			    key, &datum, GNUTLS_X509_FMT_PEM, NULL, 0);
	}
	buf_wipe(&bytes);
	return code >= 0 ? 0 : refuse(KEY, place, code, e);
}

/* The key is the credentials' where this goes well, and so are the
 * certificates. */
static int
set(gnutls_certificate_credentials_t credentials, gnutls_pcert_st *chain,
    unsigned count, gnutls_privkey_t key, const char *place, struct error *e)
{
	int code;

	code = gnutls_certificate_set_key(
	    credentials, NULL, 0, chain, (int)count, key);
	if (code == GNUTLS_E_CERTIFICATE_KEY_MISMATCH)
		return error_set(e, ERROR_CONFIG, NULL,
		    "%s: the key is not that of the certificate in `%s'", KEY,
		    CERTIFICATE);
	return code >= 0 ? 0 : refuse(KEY, place, code, e);
}

static int
load(struct identity *i, const char *certificate, const char *key,
    gnutls_certificate_credentials_t credentials, struct error *e)
{
	gnutls_pcert_st chain[CHAIN_MAX];
	gnutls_privkey_t private;
	unsigned count = 0;
	int rc;

	if (gnutls_privkey_init(&private) < 0)
		return error_set_sys(
		    e, ERROR_SYSTEM, ENOMEM, NULL, "GnuTLS's key");
	rc = read_chain(i, certificate, chain, &count, e);
	if (rc == 0)
		rc = read_key(i, key, private, e);
	if (rc == 0)
		rc = set(credentials, chain, count, private, key, e);
	if (rc == 0)
		return 0;
	while (count > 0)
		gnutls_pcert_deinit(&chain[--count]);
	gnutls_privkey_deinit(private);
	return -1;
}

static int
start_modules(struct error *e)
{
	int code;

	if (system_only)
		host_no_user_modules();
	code = gnutls_pkcs11_init(GNUTLS_PKCS11_FLAG_AUTO, NULL);
	return code >= 0 ? 0
			 : error_set(e, ERROR_CONFIG, NULL,
			       "the modules of PKCS#11 do not start: %s",
			       gnutls_strerror(code));
}

struct identity *
identity_new(const struct account *a,
    gnutls_certificate_credentials_t credentials, struct error *e)
{
	const char *certificate = a->tls_certificate;
	const char *key = a->tls_key == NULL ? certificate : a->tls_key;
	struct identity *i;

	if (certificate == NULL)
		return NULL;
	i = mem_new(1, sizeof(*i));
	buf_init(&i->pin, 256);
	if ((!is_url(certificate) && !is_url(key)) || start_modules(e) == 0)
		if (load(i, certificate, key, credentials, e) == 0)
			return i;
	identity_free(i);
	return NULL;
}

void
identity_free(struct identity *i)
{
	if (i == NULL)
		return;
	buf_wipe(&i->pin);
	free(i);
}
