#include "sasl.h"

#include <stdlib.h>
#include <string.h>

#include "crypt.h"
#include "mem.h"

/* RFC 4954 section 4: the longest base64 line of an exchange. */
#define EXCHANGE_MAX 12288
#define STEPS_MAX    2

/*
 * One mechanism. start makes the initial response, NULL where there is none;
 * step[n] answers the challenge number n. Responses are raw here; sasl_step()
 * and sasl_initial() put them into base64.
 */
struct mechanism {
	const char *name;
	const char *doing;
	bool clear; /* shows the password to the server */
	bool plus;  /* needs a channel binding */
	enum crypt_hash hash;
	int (*start)(struct sasl *, struct buf *, struct error *);
	size_t steps;
	int (*step[STEPS_MAX])(
	    struct sasl *, struct text, struct buf *, struct error *);
};

struct sasl {
	enum sasl_mechanism mechanism;
	const struct mechanism *m;
	char *user;
	struct text password; /* borrowed */
	char *offered;	      /* visible */
	bool started;
	bool failed;
	size_t step; /* challenges answered */

	/* SCRAM, RFC 5802 */
	struct sasl_channel channel;
	bool plus_offered;
	char nonce[33];
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
protocol(const struct sasl *s, struct error *e, const char *words)
{
	return error_set(e, ERROR_PROTOCOL, s->m->doing, "%s", words);
}

static int
plain_start(struct sasl *s, struct buf *out, struct error *e)
{
	buf_add_char(out, '\0');
	buf_add_string(out, s->user);
	buf_add_char(out, '\0');
	if (buf_add_text(out, s->password) == 0)
		return 0;
	return error_set(e, ERROR_CONFIG, s->m->doing,
	    "the user name and the password are too long together");
}

/* The words of the prompts differ from server to server and are no part of
 * the exchange; only their order is. */
static int
login_user(struct sasl *s, struct text prompt, struct buf *out, struct error *e)
{
	(void)prompt;
	if (buf_add_string(out, s->user) == 0)
		return 0;
	return error_set(
	    e, ERROR_CONFIG, s->m->doing, "the user name is too long");
}

static int
login_password(
    struct sasl *s, struct text prompt, struct buf *out, struct error *e)
{
	(void)prompt;
	if (buf_add_text(out, s->password) == 0)
		return 0;
	return error_set(
	    e, ERROR_CONFIG, s->m->doing, "the password is too long");
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

/*
 * RFC 5802 section 6: `y` says that we could bind but saw no -PLUS, so that
 * a server which does offer it learns that its list was changed on the way.
 */
static int
gs2_header_format(const struct sasl *s, struct buf *out)
{
	if (s->channel.binding == SASL_UNBOUND)
		return buf_add_string(out, "n,,");
	if (!s->m->plus)
		return buf_add_string(out, s->plus_offered ? "n,," : "y,,");
	switch (s->channel.binding) {
	case SASL_UNBOUND:
		break;
	case SASL_TLS_EXPORTER:
		return buf_add_string(out, "p=tls-exporter,,");
	case SASL_TLS_UNIQUE:
		return buf_add_string(out, "p=tls-unique,,");
	}
	return -1;
}

/* saslname of RFC 5802 section 7 */
static void
saslname_format(struct text name, struct buf *out)
{
	size_t i;

	for (i = 0; i < name.len; i++) {
		if (name.at[i] == ',')
			buf_add_string(out, "=2C");
		else if (name.at[i] == '=')
			buf_add_string(out, "=3D");
		else
			buf_add_char(out, name.at[i]);
	}
}

static int
user_add(struct sasl *s, struct error *e)
{
	struct error cause;
	struct buf name;
	int result;

	error_clear(&cause);
	buf_init(&name, EXCHANGE_MAX);
	result = crypt_password(text_of(s->user), &name, &cause);
	if (result == 0)
		saslname_format(buf_text(&name), &s->first_bare);
	buf_clear(&name);
	if (result == 0)
		return 0;
	error_set(e, ERROR_CONFIG, s->m->doing,
	    "the user name cannot be normalised (RFC 8265)");
	return error_hint(
	    e, "write it in UTF-8 and without control characters");
}

/* Prepares all that may fail before the server hears of us: a failed attempt
 * may count against the user there. */
static int
scram_start(struct sasl *s, struct buf *out, struct error *e)
{
	if (!is_nonce(text_of(s->nonce)))
		return error_set(e, ERROR_BUG, s->m->doing, "no nonce");
	if (crypt_password(s->password, &s->prepared, e) == -1)
		return error_hint(e,
		    "%s needs the password in UTF-8 and without control "
		    "characters; over TLS `auth PLAIN` sends it as it is",
		    s->m->name);
	buf_add_string(&s->first_bare, "n=");
	if (user_add(s, e) == -1)
		return -1;
	buf_format(&s->first_bare, ",r=%s", s->nonce);
	if (!s->first_bare.full && gs2_header_format(s, out) == 0 &&
	    buf_add_text(out, buf_text(&s->first_bare)) == 0)
		return 0;
	return error_set(
	    e, ERROR_CONFIG, s->m->doing, "the user name is too long");
}

static int
challenge_parse(
    struct sasl *s, struct text base64, struct buf *out, struct error *e)
{
	struct text message;

	if (base64.len > EXCHANGE_MAX)
		return protocol(
		    s, e, "the server's challenge is longer than 12288 bytes");
	if (crypt_unbase64(base64, out) == -1)
		return protocol(s, e, "the server's challenge is no base64");
	message = buf_text(out);
	if (!text_is_utf8(message) || text_find(message, '\0') < message.len)
		return protocol(
		    s, e, "the server's challenge is not UTF-8 or holds a NUL");
	return 0;
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
refused(struct sasl *s, struct text value, struct error *e)
{
	char words[160];
	size_t i;

	text_visible(value, words, sizeof(words));
	error_set(
	    e, ERROR_DENIED, s->m->doing, "the server refuses: %s", words);
	for (i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		if (text_equal(value, text_of(refusals[i].value)))
			error_hint(e, "%s", refusals[i].hint);
	}
	return error_hint(e,
	    "check `user` and the password, or name another mechanism with "
	    "`auth NAME`; the server offers %s",
	    s->offered);
}

static int
mandatory(struct sasl *s, struct error *e)
{
	protocol(
	    s, e, "the server demands an extension (m=) that is not known");
	return error_hint(e,
	    "name another mechanism with `auth NAME`; the server offers %s",
	    s->offered);
}

/* The next attribute must be this one. */
static int
attribute_expect(struct sasl *s, struct text *rest, char wanted,
    struct text *value, struct error *e)
{
	char name;

	if (!attribute_next(rest, &name, value))
		return error_set(e, ERROR_PROTOCOL, s->m->doing,
		    "the server's challenge has no well-formed %c=", wanted);
	if (name == 'm')
		return mandatory(s, e);
	if (name == 'e')
		return refused(s, *value, e);
	if (name != wanted)
		return error_set(e, ERROR_PROTOCOL, s->m->doing,
		    "the server's challenge has %c= where %c= belongs", name,
		    wanted);
	return 0;
}

/* Passes over extensions nobody knows, RFC 5802 section 5.1. */
static int
extensions_check(struct sasl *s, struct text rest, struct error *e)
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
			return error_set(e, ERROR_PROTOCOL, s->m->doing,
			    "the server's challenge has %c= twice or where it "
			    "does not belong",
			    name);
		seen[(unsigned char)name] = true;
	}
	return 0;
}

static int
nonce_check(struct sasl *s, struct text nonce, struct error *e)
{
	struct text ours;

	ours = text_of(s->nonce);
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
    struct sasl *s, struct text value, unsigned *iterations, struct error *e)
{
	unsigned long long number;
	char words[40];

	/* posit-number of RFC 5802 section 7: no leading zero. */
	if (value.len > 0 && value.at[0] != '0' &&
	    text_number(value, SASL_ITERATIONS_MAX, &number) &&
	    number >= SASL_ITERATIONS_MIN) {
		*iterations = (unsigned)number;
		return 0;
	}
	error_set(e, ERROR_PROTOCOL, s->m->doing,
	    "the server asks for an iteration count of \"%s\", which is not "
	    "between %d and %d",
	    text_visible(value, words, sizeof(words)), SASL_ITERATIONS_MIN,
	    SASL_ITERATIONS_MAX);
	return error_hint(e,
	    "name another mechanism with `auth NAME`; the server offers %s",
	    s->offered);
}

static int
first_parse(struct sasl *s, struct text rest, struct server_first *first,
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
password_salt(struct sasl *s, const struct server_first *first,
    unsigned char *salted, struct error *e)
{
	struct buf salt;
	int result;

	buf_init(&salt, EXCHANGE_MAX);
	if (crypt_unbase64(first->salt, &salt) == -1 || salt.len == 0)
		result =
		    protocol(s, e, "the server's salt is empty or no base64");
	else
		result = crypt_pbkdf2(s->m->hash, buf_text(&s->prepared),
		    buf_text(&salt), first->iterations, salted, e);
	buf_clear(&salt);
	return result;
}

/* RFC 5802 section 3: from SaltedPassword to ClientProof and to the
 * ServerSignature that must come back. */
static int
keys_derive(struct sasl *s, struct scram_keys *k, struct text auth_message,
    struct error *e)
{
	enum crypt_hash hash = s->m->hash;
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
binding_add(const struct sasl *s, struct buf *out)
{
	struct buf input;

	buf_init(&input, EXCHANGE_MAX);
	gs2_header_format(s, &input);
	if (s->m->plus)
		buf_add(&input, s->channel.data, s->channel.len);
	crypt_base64(buf_text(&input), out);
	buf_wipe(&input);
}

static int
auth_message_format(const struct sasl *s, struct text server_first,
    struct text final, struct buf *out)
{
	buf_add_text(out, buf_text(&s->first_bare));
	buf_add_char(out, ',');
	buf_add_text(out, server_first);
	buf_add_char(out, ',');
	return buf_add_text(out, final);
}

static int
proof_add(struct sasl *s, const struct server_first *first,
    struct text auth_message, struct buf *out, struct error *e)
{
	struct scram_keys keys;
	struct text proof;
	int result = -1;

	proof.at = (const char *)keys.proof;
	proof.len = crypt_hash_size(s->m->hash);
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
final_format(struct sasl *s, const struct server_first *first,
    struct text message, struct buf *out, struct error *e)
{
	struct buf auth_message;
	int result;

	buf_add_string(out, "c=");
	binding_add(s, out);
	buf_add_string(out, ",r=");
	buf_add_text(out, first->nonce);
	buf_init(&auth_message, 4 * EXCHANGE_MAX);
	result = auth_message_format(s, message, buf_text(out), &auth_message);
	if (result == 0 && !out->full)
		result = proof_add(s, first, buf_text(&auth_message), out, e);
	buf_clear(&auth_message);
	return out->full ? protocol(s, e, "the server's nonce is too long")
			 : result;
}

static int
scram_first(
    struct sasl *s, struct text base64, struct buf *out, struct error *e)
{
	struct server_first first;
	struct buf message;
	int result = -1;

	buf_init(&message, EXCHANGE_MAX);
	if (challenge_parse(s, base64, &message, e) == 0 &&
	    first_parse(s, buf_text(&message), &first, e) == 0)
		result = final_format(s, &first, buf_text(&message), out, e);
	buf_clear(&message);
	buf_wipe(&s->prepared);
	return result;
}

static int
signature_check(struct sasl *s, struct text base64, struct error *e)
{
	struct buf signature;
	bool same;

	buf_init(&signature, EXCHANGE_MAX);
	same = crypt_unbase64(base64, &signature) == 0 &&
	       signature.len == crypt_hash_size(s->m->hash) &&
	       crypt_equal(signature.at, s->signature, signature.len);
	buf_clear(&signature);
	if (same)
		return 0;
	error_set(e, ERROR_DENIED, s->m->doing,
	    "the server's signature is wrong: it does not know the password");
	return error_hint(
	    e, "this may be another server than yours: check `smarthost`");
}

static int
final_parse(struct sasl *s, struct text rest, struct error *e)
{
	struct text signature;

	if (attribute_expect(s, &rest, 'v', &signature, e) == -1 ||
	    extensions_check(s, rest, e) == -1)
		return -1;
	return signature_check(s, signature, e);
}

/* Nothing is left to say after the server's proof: the response is empty. */
static int
scram_final(
    struct sasl *s, struct text base64, struct buf *out, struct error *e)
{
	struct buf message;
	int result = -1;

	(void)out;
	buf_init(&message, EXCHANGE_MAX);
	if (challenge_parse(s, base64, &message, e) == 0)
		result = final_parse(s, buf_text(&message), e);
	buf_clear(&message);
	return result;
}

#define SCRAM                                                                  \
	.start = scram_start, .steps = 2, .step = {scram_first, scram_final}

static const struct mechanism mechanisms[SASL_COUNT] = {
    [SASL_SCRAM_SHA_256_PLUS] = {.name = "SCRAM-SHA-256-PLUS",
	.doing = "AUTH SCRAM-SHA-256-PLUS",
	.plus = true,
	.hash = CRYPT_SHA256,
	SCRAM},
    [SASL_SCRAM_SHA_1_PLUS] = {.name = "SCRAM-SHA-1-PLUS",
	.doing = "AUTH SCRAM-SHA-1-PLUS",
	.plus = true,
	.hash = CRYPT_SHA1,
	SCRAM},
    [SASL_PLAIN] = {.name = "PLAIN",
	.doing = "AUTH PLAIN",
	.clear = true,
	.start = plain_start},
    [SASL_SCRAM_SHA_256] = {.name = "SCRAM-SHA-256",
	.doing = "AUTH SCRAM-SHA-256",
	.hash = CRYPT_SHA256,
	SCRAM},
    [SASL_SCRAM_SHA_1] = {.name = "SCRAM-SHA-1",
	.doing = "AUTH SCRAM-SHA-1",
	.hash = CRYPT_SHA1,
	SCRAM},
    [SASL_LOGIN] = {.name = "LOGIN",
	.doing = "AUTH LOGIN",
	.clear = true,
	.steps = 2,
	.step = {login_user, login_password}},
};

const char *
sasl_name(enum sasl_mechanism mechanism)
{
	return mechanisms[mechanism].name;
}

int
sasl_parse(struct text name, enum sasl_mechanism *mechanism)
{
	size_t i;

	for (i = 0; i < SASL_COUNT; i++) {
		if (text_equal_fold(name, text_of(mechanisms[i].name))) {
			*mechanism = (enum sasl_mechanism)i;
			return 0;
		}
	}
	return -1;
}

static void
offered_parse(struct text offered, bool known[SASL_COUNT])
{
	enum sasl_mechanism mechanism;
	struct text name;

	memset(known, 0, SASL_COUNT * sizeof(known[0]));
	while (text_next(&offered, " ", &name)) {
		if (sasl_parse(name, &mechanism) == 0)
			known[mechanism] = true;
	}
}

static bool
clear_allowed(const struct sasl_plan *plan, const struct sasl_channel *channel)
{
	return channel->tls || channel->local || plan->in_clear;
}

/* Over TLS with a stranger `auto` shows nobody the password. */
static bool
stranger(const struct sasl_plan *plan, const struct sasl_channel *channel)
{
	return channel->tls && !channel->verified && !channel->local &&
	       !plan->in_clear;
}

static bool
is_allowed(const struct sasl_plan *plan, const struct sasl_channel *channel,
    enum sasl_mechanism mechanism)
{
	const struct mechanism *m = &mechanisms[mechanism];

	if (m->plus)
		return channel->binding != SASL_UNBOUND;
	if (!m->clear)
		return true;
	if (plan->wanted_count == 0 && stranger(plan, channel))
		return false;
	return clear_allowed(plan, channel);
}

static size_t
wish_count(const struct sasl_plan *plan)
{
	return plan->wanted_count == 0 ? SASL_COUNT : plan->wanted_count;
}

/* The n-th in order of preference. */
static enum sasl_mechanism
wish(const struct sasl_plan *plan, size_t n)
{
	return plan->wanted_count == 0 ? (enum sasl_mechanism)n
				       : plan->wanted[n];
}

static bool
choose(const struct sasl_plan *plan, const struct sasl_channel *channel,
    const bool offered[SASL_COUNT], enum sasl_mechanism *chosen)
{
	size_t i;

	for (i = 0; i < wish_count(plan); i++) {
		*chosen = wish(plan, i);
		if (offered[*chosen] && is_allowed(plan, channel, *chosen))
			return true;
	}
	return false;
}

/* The first that shows the password among those wished for and offered; where
 * nothing could be chosen, it was not allowed. */
static const struct mechanism *
clear_find(const struct sasl_plan *plan, const bool offered[SASL_COUNT])
{
	enum sasl_mechanism mechanism;
	size_t i;

	for (i = 0; i < wish_count(plan); i++) {
		mechanism = wish(plan, i);
		if (offered[mechanism] && mechanisms[mechanism].clear)
			return &mechanisms[mechanism];
	}
	return NULL;
}

/* The same for those that need a channel binding. */
static const char *
binding_words(const struct sasl_plan *plan, const bool offered[SASL_COUNT])
{
	enum sasl_mechanism mechanism;
	size_t i;

	for (i = 0; i < wish_count(plan); i++) {
		mechanism = wish(plan, i);
		if (offered[mechanism] && mechanisms[mechanism].plus)
			return "-PLUS needs a channel binding, which this "
			       "connection does not have; ";
	}
	return "";
}

static void
names_format(const struct sasl_plan *plan, struct buf *out)
{
	size_t i;

	for (i = 0; i < wish_count(plan); i++)
		buf_format(
		    out, "%s%s", i == 0 ? "" : " ", sasl_name(wish(plan, i)));
}

static int
hint_clear(const struct sasl_plan *plan, const struct sasl_channel *channel,
    const struct mechanism *m, struct error *e)
{
	if (stranger(plan, channel))
		return error_hint(e,
		    "%s would show the password to a server whose certificate "
		    "was not verified; write `auth %s` to allow that",
		    m->name, m->name);
	return error_hint(e,
	    "%s shows the password, so it needs TLS: write smtps:// or "
	    "smtp:// in `smarthost`, or allow it with `auth-in-clear yes`",
	    m->name);
}

static int
hint_no_offer(const struct sasl_channel *channel, struct error *e)
{
	if (channel->tls)
		return error_hint(e,
		    "is this the submission port? Leave out `user` where the "
		    "server needs no login");
	return error_hint(e,
	    "many servers offer AUTH over TLS only: write smtps:// or smtp:// "
	    "in `smarthost`; or leave out `user`");
}

static int
hint_choice(const struct sasl_plan *plan, const struct sasl_channel *channel,
    const bool offered[SASL_COUNT], struct error *e)
{
	const struct sasl_plan automatic = {.in_clear = plan->in_clear};
	const struct mechanism *m;
	enum sasl_mechanism other;
	const char *why;

	if ((m = clear_find(plan, offered)) != NULL)
		return hint_clear(plan, channel, m, e);
	why = binding_words(plan, offered);
	if (choose(&automatic, channel, offered, &other))
		return error_hint(
		    e, "%swrite `auth %s`", why, sasl_name(other));
	return error_hint(e,
	    "%sask the provider of the server for another way to log in, for "
	    "instance with an application password",
	    why);
}

static void
refuse(const struct sasl_plan *plan, const struct sasl_channel *channel,
    struct text offered, struct error *e)
{
	bool known[SASL_COUNT];
	char words[160];
	struct buf names;

	if (text_trim(offered).len == 0) {
		error_set(
		    e, ERROR_DENIED, "AUTH", "the server offers no mechanism");
		hint_no_offer(channel, e);
		return;
	}
	buf_init(&names, 1024);
	names_format(plan, &names);
	error_set(e, ERROR_DENIED, "AUTH",
	    "no mechanism fits: the server offers %s; %s are %s",
	    text_visible(offered, words, sizeof(words)),
	    plan->wanted_count == 0 ? "known here" : "named in `auth`",
	    buf_string(&names));
	buf_clear(&names);
	offered_parse(offered, known);
	hint_choice(plan, channel, known, e);
}

static int
plan_check(const struct sasl_plan *plan, struct error *e)
{
	if (plan->user == NULL || plan->user[0] == '\0')
		return error_set(
		    e, ERROR_CONFIG, "AUTH", "no `user` is configured");
	if (plan->password.len == 0)
		return error_set(
		    e, ERROR_CONFIG, "AUTH", "the password is empty");
	if (text_find(plan->password, '\0') < plan->password.len)
		return error_set(
		    e, ERROR_CONFIG, "AUTH", "the password holds a NUL byte");
	return 0;
}

static char *
visible_copy(struct text t)
{
	char words[160];

	return mem_copy(text_visible(t, words, sizeof(words)));
}

struct sasl *
sasl_new(const struct sasl_plan *plan, const struct sasl_channel *channel,
    struct text offered, struct error *e)
{
	enum sasl_mechanism mechanism;
	bool known[SASL_COUNT];
	struct sasl *s;

	if (plan_check(plan, e) == -1)
		return NULL;
	offered_parse(offered, known);
	if (!choose(plan, channel, known, &mechanism)) {
		refuse(plan, channel, offered, e);
		return NULL;
	}
	s = mem_new(1, sizeof(*s));
	s->mechanism = mechanism;
	s->m = &mechanisms[mechanism];
	s->user = mem_copy(plan->user);
	s->password = plan->password;
	s->offered = visible_copy(offered);
	s->channel = *channel;
	s->plus_offered =
	    known[SASL_SCRAM_SHA_256_PLUS] || known[SASL_SCRAM_SHA_1_PLUS];
	memcpy(s->nonce, plan->nonce, sizeof(plan->nonce));
	buf_init(&s->prepared, EXCHANGE_MAX);
	buf_init(&s->first_bare, EXCHANGE_MAX);
	return s;
}

void
sasl_free(struct sasl *s)
{
	if (s == NULL)
		return;
	buf_wipe(&s->prepared);
	buf_clear(&s->first_bare);
	free(s->user);
	free(s->offered);
	mem_wipe(s, sizeof(*s));
}

enum sasl_mechanism
sasl_mechanism(const struct sasl *s)
{
	return s->mechanism;
}

/* Makes the raw response with start or step and wipes it behind itself. */
static int
respond(
    struct sasl *s, int made, struct buf *raw, struct buf *out, struct error *e)
{
	if (made == 0 && crypt_base64(buf_text(raw), out) == -1)
		made = error_set(e, ERROR_CONFIG, s->m->doing,
		    "the response is too long for the server");
	buf_wipe(raw);
	if (made == -1)
		s->failed = true;
	return made;
}

int
sasl_initial(struct sasl *s, struct buf *out, struct error *e)
{
	struct buf raw;

	s->started = true;
	if (s->m->start == NULL)
		return 0;
	buf_init(&raw, EXCHANGE_MAX);
	return respond(s, s->m->start(s, &raw, e), &raw, out, e) == 0 ? 1 : -1;
}

int
sasl_step(
    struct sasl *s, struct text challenge, struct buf *out, struct error *e)
{
	struct buf raw;
	int made;

	if (s->failed || !s->started || s->step == s->m->steps) {
		s->failed = true;
		return protocol(s, e,
		    "the server asks for more than the mechanism has to say");
	}
	buf_init(&raw, EXCHANGE_MAX);
	made = s->m->step[s->step](s, challenge, &raw, e);
	s->step++;
	return respond(s, made, &raw, out, e);
}

int
sasl_finish(struct sasl *s, struct error *e)
{
	if (s->started && !s->failed && s->step == s->m->steps)
		return 0;
	s->failed = true;
	error_set(e, ERROR_DENIED, s->m->doing,
	    "the server says yes before the exchange is over");
	if (!s->m->clear)
		return error_hint(e,
		    "it did not prove that it knows the password: this may be "
		    "another server than yours, check `smarthost`");
	return -1;
}
