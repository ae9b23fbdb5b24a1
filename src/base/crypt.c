#include "base/crypt.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include "base/mem.h"

static const gnutls_digest_algorithm_t digests[] = {
    [CRYPT_MD5] = GNUTLS_DIG_MD5,
    [CRYPT_SHA1] = GNUTLS_DIG_SHA1,
    [CRYPT_SHA256] = GNUTLS_DIG_SHA256};
static const gnutls_mac_algorithm_t macs[] = {[CRYPT_MD5] = GNUTLS_MAC_MD5,
    [CRYPT_SHA1] = GNUTLS_MAC_SHA1,
    [CRYPT_SHA256] = GNUTLS_MAC_SHA256};

/* GnuTLS counts in unsigned int; false where t is longer than that. */
static bool
datum_of(struct text t, gnutls_datum_t *datum)
{
	if (t.len > INT_MAX)
		return false;
	datum->data = (unsigned char *)(t.len == 0 ? "" : t.at);
	datum->size = (unsigned)t.len;
	return true;
}

/* Appends what GnuTLS allocated and frees it; it may be a secret. */
static int
datum_move(gnutls_datum_t *datum, struct buf *out)
{
	int result;

	result = buf_add(out, datum->data, datum->size);
	if (datum->data != NULL)
		explicit_bzero(datum->data, datum->size);
	gnutls_free(datum->data);
	return result;
}

/* What GnuTLS returned, as what we return. */
static int
result_of(int code, const char *what, struct error *e)
{
	if (code >= 0)
		return 0;
	return error_set(e, ERROR_SYSTEM, NULL, "GnuTLS refuses %s: %s", what,
	    gnutls_strerror(code));
}

size_t
crypt_hash_size(enum crypt_hash hash)
{
	return gnutls_hash_get_len(digests[hash]);
}

int
crypt_digest(
    enum crypt_hash hash, struct text data, unsigned char *out, struct error *e)
{
	return result_of(
	    gnutls_hash_fast(digests[hash], data.at, data.len, out), "a hash",
	    e);
}

int
crypt_hmac(enum crypt_hash hash, struct text key, struct text data,
    unsigned char *out, struct error *e)
{
	return result_of(gnutls_hmac_fast(macs[hash], key.at, key.len, data.at,
			     data.len, out),
	    "an HMAC", e);
}

int
crypt_pbkdf2(enum crypt_hash hash, struct text password, struct text salt,
    unsigned iterations, unsigned char *out, struct error *e)
{
	gnutls_datum_t key, seed;
	int code = GNUTLS_E_INVALID_REQUEST;

	/* The library below GnuTLS ends the program on zero. */
	if (iterations > 0 && datum_of(password, &key) && datum_of(salt, &seed))
		code = gnutls_pbkdf2(macs[hash], &key, &seed, iterations, out,
		    crypt_hash_size(hash));
	return result_of(code, "PBKDF2", e);
}

struct crypt_sum {
	gnutls_hash_hd_t state;
	int code; /* the first failure of the library, or 0 */
};

struct crypt_sum *
crypt_sum_new(enum crypt_hash hash, struct error *e)
{
	struct crypt_sum *sum = mem_new(1, sizeof(*sum));

	if (result_of(
		gnutls_hash_init(&sum->state, digests[hash]), "a hash", e) == 0)
		return sum;
	free(sum);
	return NULL;
}

void
crypt_sum_add(struct crypt_sum *sum, const void *data, size_t len)
{
	if (sum->code >= 0)
		sum->code = gnutls_hash(sum->state, data, len);
}

int
crypt_sum_end(struct crypt_sum *sum, unsigned char *out, struct error *e)
{
	int code = sum->code;

	gnutls_hash_deinit(sum->state, out);
	free(sum);
	return result_of(code, "a hash", e);
}

void
crypt_sum_free(struct crypt_sum *sum)
{
	if (sum != NULL)
		crypt_sum_end(sum, NULL, NULL);
}

bool
crypt_equal(const void *a, const void *b, size_t len)
{
	return gnutls_memcmp(a, b, len) == 0;
}

int
crypt_base64(struct text data, struct buf *out)
{
	gnutls_datum_t plain, coded = {NULL, 0};

	if (!datum_of(data, &plain) ||
	    gnutls_base64_encode2(&plain, &coded) < 0) {
		out->full = true;
		return -1;
	}
	return datum_move(&coded, out);
}

/* GnuTLS passes over white space, RFC 4648 section 3.3 does not. */
static bool
is_base64(struct text t)
{
	size_t i;

	for (i = 0; i < t.len; i++) {
		if (!text_is_alpha(t.at[i]) && !text_is_digit(t.at[i]) &&
		    t.at[i] != '+' && t.at[i] != '/' && t.at[i] != '=')
			return false;
	}
	return true;
}

int
crypt_unpem(struct text lines, struct buf *out)
{
	gnutls_datum_t coded, plain = {NULL, 0};

	if (!datum_of(lines, &coded) ||
	    gnutls_base64_decode2(&coded, &plain) < 0)
		return -1;
	return datum_move(&plain, out);
}

int
crypt_unbase64(struct text base64, struct buf *out)
{
	return is_base64(base64) ? crypt_unpem(base64, out) : -1;
}

int
crypt_random(void *out, size_t len, struct error *e)
{
	return result_of(
	    gnutls_rnd(GNUTLS_RND_NONCE, out, len), "random octets", e);
}

int
crypt_password(struct text password, struct buf *out, struct error *e)
{
	gnutls_datum_t raw, prepared = {NULL, 0};
	int result;

	if (!text_has_8bit(password))
		result = buf_add_text(out, password);
	else if (datum_of(password, &raw) &&
		 gnutls_utf8_password_normalize(
		     raw.data, raw.size, &prepared, 0) == 0)
		result = datum_move(&prepared, out);
	else
		return error_set(e, ERROR_CONFIG, NULL,
		    "the password has characters that RFC 8265 does not "
		    "allow, or is not UTF-8");
	return result == 0 ? 0
			   : error_set(e, ERROR_CONFIG, NULL,
				 "the password is too long");
}

static size_t
code_points(struct text t)
{
	size_t i, n = 0;

	for (i = 0; i < t.len; i++)
		n += ((unsigned char)t.at[i] & 0xc0) != 0x80;
	return n;
}

/* The library drops characters that no domain may have, which would make
 * another domain: the mapping must stand for as many as were asked for. */
static bool
is_whole(struct text domain, struct text ascii)
{
	gnutls_datum_t back = {NULL, 0};
	struct text mapped;
	bool whole;

	if (gnutls_idna_reverse_map(ascii.at, (unsigned)ascii.len, &back, 0) <
	    0)
		return false;
	mapped = (struct text){(const char *)back.data, back.size};
	whole = code_points(mapped) >= code_points(domain);
	gnutls_free(back.data);
	return whole;
}

/* Appends the A-labels of a domain that has U-labels. */
static int
map_domain(struct text domain, struct buf *out)
{
	gnutls_datum_t raw, mapped = {NULL, 0};
	struct text ascii;
	int result = -1;

	/* A NUL would cut the domain short inside the library. */
	if (domain.at[0] == '[' || text_has_control(domain) ||
	    !datum_of(domain, &raw) ||
	    gnutls_idna_map((const char *)raw.data, raw.size, &mapped,
		GNUTLS_IDNA_FORCE_2008) < 0)
		return -1;
	/* What IDNA lets through must not end a command line or hide in one. */
	ascii = (struct text){(const char *)mapped.data, mapped.size};
	if (!text_has_8bit(ascii) && !text_has_control(ascii) &&
	    text_find(ascii, ' ') == ascii.len && is_whole(domain, ascii)) {
		if (ascii.at[ascii.len - 1] == '.')
			ascii.len--;
		result = buf_add_text(out, ascii);
	}
	gnutls_free(mapped.data);
	return result;
}

int
crypt_domain(struct text domain, struct buf *out, struct error *e)
{
	if ((text_has_8bit(domain) ? map_domain(domain, out)
				   : buf_add_text(out, domain)) == 0)
		return 0;
	return error_set(e, ERROR_MESSAGE, NULL,
	    "\"%s\" is no domain that IDNA 2008 allows", SHOWN(domain));
}
