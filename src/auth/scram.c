#include "auth/scram.h"

#include <string.h>

#include "auth/gs2.h"
#include "base/mem.h"

#define MESSAGE_MAX 12288 /* the longest line of base64, RFC 4954 section 4 */

struct scram {
	struct scram_plan plan;
	struct buf prepared;			 /* the normalised password */
	struct buf first_bare;			 /* client-first-message-bare */
	unsigned char signature[CRYPT_HASH_MAX]; /* the one to expect */
};

/* server-first-message; slices of the challenge. */
struct server_first {
	struct text nonce;
	struct text salt; /* base64 */
	unsigned iterations;
};

/* RFC 5802 section 3 */
struct scram_keys {
	unsigned char salted[CRYPT_HASH_MAX];
	unsigned char client[CRYPT_HASH_MAX];
	unsigned char stored[CRYPT_HASH_MAX];
	unsigned char server[CRYPT_HASH_MAX];
	unsigned char proof[CRYPT_HASH_MAX];
};

static int
protocol(const struct scram *s, struct error *e, const char *words)
{
	return error_set(e, ERROR_PROTOCOL, s->plan.doing, "%s", words);
}

static int
hint_other(const struct scram *s, struct error *e)
{
	return error_hint(e,
	    "name another mechanism with `auth NAME`; the server offers %s",
	    s->plan.offered);
}

/* printable of RFC 5802 section 7 */
static bool
is_nonce(struct text t)
{
	size_t i;

	for (i = 0; i < t.len; i++) {
		if (t.at[i] < 0x21 || t.at[i] > 0x7e || t.at[i] == ',')
			return false;
	}
	return t.len > 0;
}

static int
user_add(struct scram *s, struct error *e)
{
	struct error cause;
	struct buf name;
	int result;

	error_clear(&cause);
	buf_init(&name, MESSAGE_MAX);
	result = crypt_password(text_of(s->plan.user), &name, &cause);
	if (result == 0)
		gs2_add_name(buf_text(&name), &s->first_bare);
	buf_clear(&name);
	if (result == 0)
		return 0;
	error_set(e, ERROR_CONFIG, s->plan.doing,
	    "the user name cannot be normalised (RFC 8265)");
	return error_hint(
	    e, "write it in UTF-8 and without control characters");
}

struct scram *
scram_new(const struct scram_plan *plan)
{
	struct scram *s;

	s = mem_new(1, sizeof(*s));
	s->plan = *plan;
	buf_init(&s->prepared, MESSAGE_MAX);
	buf_init(&s->first_bare, MESSAGE_MAX);
	return s;
}

void
scram_free(struct scram *s)
{
	if (s == NULL)
		return;
	buf_wipe(&s->prepared);
	buf_clear(&s->first_bare);
	mem_wipe(s, sizeof(*s));
}

int
scram_start(struct scram *s, struct buf *out, struct error *e)
{
	if (!is_nonce(text_of(s->plan.nonce)))
		return error_set(e, ERROR_BUG, s->plan.doing, "no nonce");
	if (crypt_password(s->plan.password, &s->prepared, e) == -1)
		return error_hint(e,
		    "%s needs the password in UTF-8 and without control "
		    "characters; over TLS `auth PLAIN` sends it as it is",
		    s->plan.name);
	buf_add_string(&s->first_bare, "n=");
	if (user_add(s, e) == -1)
		return -1;
	buf_format(&s->first_bare, ",r=%s", s->plan.nonce);
	if (!s->first_bare.full &&
	    buf_add_string(out, s->plan.gs2_header) == 0 &&
	    buf_add_text(out, buf_text(&s->first_bare)) == 0)
		return 0;
	return error_set(
	    e, ERROR_CONFIG, s->plan.doing, "the user name is too long");
}

static int
message_check(struct scram *s, struct text message, struct error *e)
{
	if (text_is_utf8(message) && text_find(message, '\0') == message.len)
		return 0;
	return protocol(
	    s, e, "the server's challenge is not UTF-8 or holds a NUL");
}

/* attr-val of RFC 5802 section 7, cut off *rest with the comma behind it. */
static bool
attribute_next(struct text *rest, char *name, struct text *value)
{
	size_t end;

	end = text_find(*rest, ',');
	if (end < 2 || !text_is_alpha(rest->at[0]) || rest->at[1] != '=')
		return false;
	if (end + 1 == rest->len)
		return false; /* a comma and nothing */
	*name = rest->at[0];
	*value = text_skip(text_first(*rest, end), 2);
	*rest = text_skip(*rest, end + 1);
	return true;
}

/* What to do about a server-error-value of RFC 5802 section 7. */
static const struct {
	const char *value;
	const char *hint;
} refusals[] = {
    {"channel-bindings-dont-match",
	"the server sees another TLS connection than we do: a TLS proxy stands "
	"before it, or somebody reads along"},
    {"server-does-support-channel-binding",
	"the server's list of mechanisms was changed on its way: somebody may "
	"be between us and the server"},
    {"channel-binding-not-supported",
	"name a mechanism without -PLUS, with `auth NAME`"},
    {"unsupported-channel-binding-type",
	"name a mechanism without -PLUS, with `auth NAME`"},
    {"unknown-user", "check `user`"},
    {"invalid-proof", "check `user` and the password"},
};

/* An e= from the server. */
static int
refused(struct scram *s, struct text value, struct error *e)
{
	size_t i;

	error_set(e, ERROR_DENIED, s->plan.doing, "the server refuses: %s",
	    SHOWN(value));
	for (i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		if (text_equal(value, text_of(refusals[i].value)))
			error_hint(e, "%s", refusals[i].hint);
	}
	return error_hint(e,
	    "check `user` and the password, or name another mechanism with "
	    "`auth NAME`; the server offers %s",
	    s->plan.offered);
}

static int
mandatory(struct scram *s, struct error *e)
{
	protocol(
	    s, e, "the server demands an extension (m=) that is not known");
	return hint_other(s, e);
}

/* The next attribute must be this one. */
static int
attribute_expect(struct scram *s, struct text *rest, char wanted,
    struct text *value, struct error *e)
{
	char name;

	if (!attribute_next(rest, &name, value))
		return error_set(e, ERROR_PROTOCOL, s->plan.doing,
		    "the server's challenge has no well-formed %c=", wanted);
	if (name == 'm')
		return mandatory(s, e);
	if (name == 'e')
		return refused(s, *value, e);
	if (name != wanted)
		return error_set(e, ERROR_PROTOCOL, s->plan.doing,
		    "the server's challenge has %c= where %c= belongs", name,
		    wanted);
	return 0;
}

/* Passes over extensions nobody knows, RFC 5802 section 5.1. */
static int
extensions_check(struct scram *s, struct text rest, struct error *e)
{
	bool seen[128] = {false};
	struct text value;
	const char *own;
	char name;

	for (own = "anmrcsipve"; *own != '\0'; own++)
		seen[(unsigned char)*own] = true;
	while (rest.len > 0) {
		if (!attribute_next(&rest, &name, &value))
			return protocol(s, e,
			    "the server's challenge has a malformed attribute");
		if (name == 'm')
			return mandatory(s, e);
		if (seen[(unsigned char)name])
			return error_set(e, ERROR_PROTOCOL, s->plan.doing,
			    "the server's challenge has %c= twice or where it "
			    "does not belong",
			    name);
		seen[(unsigned char)name] = true;
	}
	return 0;
}

static int
nonce_check(struct scram *s, struct text nonce, struct error *e)
{
	struct text ours;

	ours = text_of(s->plan.nonce);
	if (!text_equal(text_first(nonce, ours.len), ours) ||
	    nonce.len == ours.len)
		return protocol(
		    s, e, "the server's nonce does not extend ours");
	if (!is_nonce(nonce))
		return protocol(
		    s, e, "the server's nonce has bytes that are not allowed");
	return 0;
}

static int
iterations_parse(
    struct scram *s, struct text value, unsigned *iterations, struct error *e)
{
	unsigned long long number;

	/* posit-number of RFC 5802 section 7: no leading zero. */
	if (value.len > 0 && value.at[0] != '0' &&
	    text_number(value, SCRAM_ITERATIONS_MAX, &number) &&
	    number >= SCRAM_ITERATIONS_MIN) {
		*iterations = (unsigned)number;
		return 0;
	}
	error_set(e, ERROR_PROTOCOL, s->plan.doing,
	    "the server asks for an iteration count of \"%s\", which is not "
	    "between %d and %d",
	    SHOWN(value), SCRAM_ITERATIONS_MIN, SCRAM_ITERATIONS_MAX);
	return hint_other(s, e);
}

static int
first_parse(struct scram *s, struct text rest, struct server_first *first,
    struct error *e)
{
	struct text count;

	if (attribute_expect(s, &rest, 'r', &first->nonce, e) == -1 ||
	    nonce_check(s, first->nonce, e) == -1 ||
	    attribute_expect(s, &rest, 's', &first->salt, e) == -1 ||
	    attribute_expect(s, &rest, 'i', &count, e) == -1 ||
	    iterations_parse(s, count, &first->iterations, e) == -1)
		return -1;
	return extensions_check(s, rest, e);
}

static int
password_salt(struct scram *s, const struct server_first *first,
    unsigned char *salted, struct error *e)
{
	struct buf salt;
	int result;

	buf_init(&salt, MESSAGE_MAX);
	if (crypt_unbase64(first->salt, &salt) == -1 || salt.len == 0)
		result =
		    protocol(s, e, "the server's salt is empty or no base64");
	else
		result = crypt_pbkdf2(s->plan.hash, buf_text(&s->prepared),
		    buf_text(&salt), first->iterations, salted, e);
	buf_clear(&salt);
	return result;
}

/* RFC 5802 section 3: from SaltedPassword to ClientProof and to the
 * ServerSignature that must come back. */
static int
keys_derive(struct scram *s, struct scram_keys *k, struct text auth_message,
    struct error *e)
{
	enum crypt_hash hash = s->plan.hash;
	size_t i, size = crypt_hash_size(hash);
	struct text salted = {(const char *)k->salted, size};
	struct text client = {(const char *)k->client, size};
	struct text stored = {(const char *)k->stored, size};
	struct text server = {(const char *)k->server, size};

	if (crypt_hmac(hash, salted, TEXT("Client Key"), k->client, e) == -1 ||
	    crypt_digest(hash, client, k->stored, e) == -1 ||
	    crypt_hmac(hash, stored, auth_message, k->proof, e) == -1 ||
	    crypt_hmac(hash, salted, TEXT("Server Key"), k->server, e) == -1 ||
	    crypt_hmac(hash, server, auth_message, s->signature, e) == -1)
		return -1;
	for (i = 0; i < size; i++)
		k->proof[i] ^= k->client[i];
	return 0;
}

static void
binding_add(const struct scram *s, struct buf *out)
{
	struct buf input;

	buf_init(&input, MESSAGE_MAX);
	buf_add_string(&input, s->plan.gs2_header);
	buf_add_text(&input, s->plan.binding);
	crypt_base64(buf_text(&input), out);
	buf_wipe(&input);
}

static int
auth_message_format(const struct scram *s, struct text server_first,
    struct text final, struct buf *out)
{
	buf_add_text(out, buf_text(&s->first_bare));
	buf_add_char(out, ',');
	buf_add_text(out, server_first);
	buf_add_char(out, ',');
	return buf_add_text(out, final);
}

static int
proof_add(struct scram *s, const struct server_first *first,
    struct text auth_message, struct buf *out, struct error *e)
{
	struct scram_keys keys;
	struct text proof;
	int result = -1;

	proof.at = (const char *)keys.proof;
	proof.len = crypt_hash_size(s->plan.hash);
	if (password_salt(s, first, keys.salted, e) == 0 &&
	    keys_derive(s, &keys, auth_message, e) == 0) {
		buf_add_string(out, ",p=");
		result = crypt_base64(proof, out);
	}
	explicit_bzero(&keys, sizeof(keys));
	return result;
}

/* client-final-message */
static int
final_format(struct scram *s, const struct server_first *first,
    struct text message, struct buf *out, struct error *e)
{
	struct buf auth_message;
	int result;

	buf_add_string(out, "c=");
	binding_add(s, out);
	buf_add_string(out, ",r=");
	buf_add_text(out, first->nonce);
	buf_init(&auth_message, 4 * MESSAGE_MAX);
	result = auth_message_format(s, message, buf_text(out), &auth_message);
	if (result == 0 && !out->full)
		result = proof_add(s, first, buf_text(&auth_message), out, e);
	buf_clear(&auth_message);
	return out->full ? protocol(s, e, "the server's nonce is too long")
			 : result;
}

int
scram_answer(
    struct scram *s, struct text message, struct buf *out, struct error *e)
{
	struct server_first first;
	int result = -1;

	if (message_check(s, message, e) == 0 &&
	    first_parse(s, message, &first, e) == 0)
		result = final_format(s, &first, message, out, e);
	buf_wipe(&s->prepared);
	return result;
}

static int
signature_check(struct scram *s, struct text base64, struct error *e)
{
	struct buf signature;
	bool same;

	buf_init(&signature, MESSAGE_MAX);
	same = crypt_unbase64(base64, &signature) == 0 &&
	       signature.len == crypt_hash_size(s->plan.hash) &&
	       crypt_equal(signature.at, s->signature, signature.len);
	buf_clear(&signature);
	if (same)
		return 0;
	error_set(e, ERROR_DENIED, s->plan.doing,
	    "the server's signature is wrong: it does not know the password");
	return error_hint(
	    e, "this may be another server than yours: check `smarthost`");
}

int
scram_verify(struct scram *s, struct text message, struct error *e)
{
	struct text signature;

	if (message_check(s, message, e) == -1 ||
	    attribute_expect(s, &message, 'v', &signature, e) == -1 ||
	    extensions_check(s, message, e) == -1)
		return -1;
	return signature_check(s, signature, e);
}
