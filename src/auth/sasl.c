#include "auth/sasl.h"

#include <stdlib.h>
#include <string.h>

#include "auth/bearer.h"
#include "auth/scram.h"
#include "base/crypt.h"
#include "base/mem.h"

/* RFC 4954 section 4: the longest base64 line of a challenge. A response may be
 * longer: its length is the server's affair, as a token's is. */
#define EXCHANGE_MAX 12288
#define RESPONSE_MAX (128 * 1024)

#define TOLD_MAX 600

/*
 * One mechanism. start makes the initial response, NULL where there is none;
 * step answers the challenge number s->step. Responses are raw here;
 * sasl_step() and sasl_initial() put them into base64.
 */
struct exchange {
	const char *doing;
	enum crypt_hash hash;
	int (*start)(struct sasl *, struct buf *, struct error *);
	size_t steps; /* before the server says yes */
	size_t more;  /* behind those, of a server that will say no */
	int (*step)(struct sasl *, struct text, struct buf *, struct error *);
};

struct sasl {
	enum mechanism mechanism;
	const struct exchange *m;
	char *user;
	struct text password; /* or token; borrowed */
	char *host;	      /* or NULL */
	unsigned short port;
	char *offered; /* visible */
	char nonce[33];
	struct sasl_channel channel;
	struct scram *scram; /* NULL: another mechanism */
	struct buf told;
	bool started;
	bool failed;
	size_t step; /* challenges answered */
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
login_step(struct sasl *s, struct text prompt, struct buf *out, struct error *e)
{
	bool user = s->step == 0;

	(void)prompt;
	if (buf_add_text(out, user ? text_of(s->user) : s->password) == 0)
		return 0;
	return error_set(e, ERROR_CONFIG, s->m->doing, "the %s is too long",
	    user ? "user name" : "password");
}

static int
scram_first(struct sasl *s, struct buf *out, struct error *e)
{
	return scram_start(s->scram, out, e);
}

/* The octets that a challenge stands for. */
static int
read_challenge(
    const struct sasl *s, struct text base64, struct buf *out, struct error *e)
{
	if (base64.len > EXCHANGE_MAX)
		return protocol(
		    s, e, "the server's challenge is longer than 12288 bytes");
	if (crypt_unbase64(base64, out) == -1)
		return protocol(s, e, "the server's challenge is no base64");
	return 0;
}

/* Nothing is left to say after the server's proof: the response is empty. */
static int
scram_step(struct sasl *s, struct text base64, struct buf *out, struct error *e)
{
	struct buf message;
	int result;

	buf_init(&message, EXCHANGE_MAX);
	result = read_challenge(s, base64, &message, e);
	if (result == 0 && s->step == 0)
		result = scram_answer(s->scram, buf_text(&message), out, e);
	else if (result == 0)
		result = scram_verify(s->scram, buf_text(&message), e);
	buf_clear(&message);
	return result;
}

/* RFC 4422 appendix A.1: as whom we want to act, or nothing. */
static int
external_start(struct sasl *s, struct buf *out, struct error *e)
{
	if (text_has_control(text_of(s->user)))
		return error_set(e, ERROR_CONFIG, s->m->doing,
		    "the user name holds a control character");
	if (buf_add_string(out, s->user) == 0)
		return 0;
	return error_set(
	    e, ERROR_CONFIG, s->m->doing, "the user name is too long");
}

static int
oauthbearer_start(struct sasl *s, struct buf *out, struct error *e)
{
	const struct bearer b = {
	    s->m->doing, s->user, s->password, s->host, s->port};

	return bearer_add_oauthbearer(&b, out, e);
}

static int
xoauth2_start(struct sasl *s, struct buf *out, struct error *e)
{
	const struct bearer b = {s->m->doing, s->user, s->password, NULL, 0};

	return bearer_add_xoauth2(&b, out, e);
}

/* The server refuses the token, says why, and wants an answer before it says so
 * in SMTP. What cannot be read is no reason not to hear that. */
static void
hear_refusal(struct sasl *s, struct text base64)
{
	struct error unused;
	struct buf json;

	error_clear(&unused);
	buf_init(&json, EXCHANGE_MAX);
	if (read_challenge(s, base64, &json, &unused) == 0 && json.len > 0)
		bearer_add_words(buf_text(&json), &s->told);
	buf_wipe(&json);
}

/* RFC 7628 section 3.2.3 */
static int
oauthbearer_step(
    struct sasl *s, struct text base64, struct buf *out, struct error *e)
{
	(void)e;
	hear_refusal(s, base64);
	bearer_add_dummy(out);
	return 0;
}

static int
xoauth2_step(
    struct sasl *s, struct text base64, struct buf *out, struct error *e)
{
	(void)out;
	(void)e;
	hear_refusal(s, base64);
	return 0;
}

static void
add_hex(const unsigned char *octets, size_t len, struct buf *out)
{
	size_t i;

	for (i = 0; i < len; i++)
		buf_format(out, "%02x", octets[i]);
}

/* RFC 2195. A challenge that is empty would have the same response for ever. */
static int
cram_step(struct sasl *s, struct text base64, struct buf *out, struct error *e)
{
	unsigned char digest[CRYPT_HASH_MAX];
	struct buf challenge;
	int result;

	buf_init(&challenge, EXCHANGE_MAX);
	result = read_challenge(s, base64, &challenge, e);
	if (result == 0 && challenge.len == 0)
		result = protocol(s, e, "the server's challenge is empty");
	if (result == 0)
		result = crypt_hmac(
		    s->m->hash, s->password, buf_text(&challenge), digest, e);
	if (result == 0) {
		buf_format(out, "%s ", s->user);
		add_hex(digest, crypt_hash_size(s->m->hash), out);
	}
	buf_clear(&challenge);
	if (!out->full)
		return result;
	return error_set(
	    e, ERROR_CONFIG, s->m->doing, "the user name is too long");
}

#define SCRAM .start = scram_first, .steps = 2, .step = scram_step

static const struct exchange exchanges[MECHANISM_COUNT] = {
    [MECHANISM_SCRAM_SHA_256_PLUS] = {.doing = "AUTH SCRAM-SHA-256-PLUS",
	.hash = CRYPT_SHA256,
	SCRAM},
    [MECHANISM_SCRAM_SHA_1_PLUS] = {.doing = "AUTH SCRAM-SHA-1-PLUS",
	.hash = CRYPT_SHA1,
	SCRAM},
    [MECHANISM_PLAIN] = {.doing = "AUTH PLAIN", .start = plain_start},
    [MECHANISM_SCRAM_SHA_256] = {.doing = "AUTH SCRAM-SHA-256",
	.hash = CRYPT_SHA256,
	SCRAM},
    [MECHANISM_SCRAM_SHA_1] = {.doing = "AUTH SCRAM-SHA-1",
	.hash = CRYPT_SHA1,
	SCRAM},
    [MECHANISM_LOGIN] = {.doing = "AUTH LOGIN", .steps = 2, .step = login_step},
    [MECHANISM_EXTERNAL] = {.doing = "AUTH EXTERNAL", .start = external_start},
    [MECHANISM_OAUTHBEARER] = {.doing = "AUTH OAUTHBEARER",
	.start = oauthbearer_start,
	.more = 1,
	.step = oauthbearer_step},
    [MECHANISM_XOAUTH2] = {.doing = "AUTH XOAUTH2",
	.start = xoauth2_start,
	.more = 1,
	.step = xoauth2_step},
    [MECHANISM_CRAM_MD5] = {.doing = "AUTH CRAM-MD5",
	.hash = CRYPT_MD5,
	.steps = 1,
	.step = cram_step},
};

/* What EXTERNAL alone can do without. */
static bool
is_external(const struct sasl_plan *plan)
{
	size_t i;

	for (i = 0; i < plan->wanted_count; i++)
		if (mechanism_takes_nothing(plan->wanted[i]))
			return true;
	return plan->certificate && plan->wanted_count == 0;
}

static int
plan_check(const struct sasl_plan *plan, struct error *e)
{
	const bool external = is_external(plan);

	if (plan->user[0] == '\0' && !external)
		return error_set(
		    e, ERROR_CONFIG, "AUTH", "no `user` is configured");
	if (plan->password.len == 0 && !external) {
		error_set(e, ERROR_CONFIG, "AUTH", "the password is empty");
		return error_hint(e,
		    "give one by `password-file`; a certificate of ours stands "
		    "in for it over TLS only");
	}
	if (text_find(plan->password, '\0') < plan->password.len)
		return error_set(
		    e, ERROR_CONFIG, "AUTH", "the password holds a NUL byte");
	return 0;
}

/*
 * RFC 5802 section 6: `y` says that we could bind but saw no -PLUS, so that
 * a server which does offer it learns that its list was changed on the way.
 */
static const char *
gs2_header(const struct sasl *s, struct text offered)
{
	bool plus = mechanism_needs_binding(s->mechanism);

	switch (s->channel.binding) {
	case SASL_UNBOUND:
		return "n,,";
	case SASL_TLS_EXPORTER:
		if (plus)
			return "p=tls-exporter,,";
		break;
	case SASL_TLS_UNIQUE:
		if (plus)
			return "p=tls-unique,,";
		break;
	}
	return mechanism_binding_offered(offered) ? "n,," : "y,,";
}

static struct scram *
new_scram(const struct sasl *s, struct text offered)
{
	struct scram_plan plan = {.name = mechanism_name(s->mechanism),
	    .doing = s->m->doing,
	    .hash = s->m->hash,
	    .user = s->user,
	    .password = s->password,
	    .nonce = s->nonce,
	    .gs2_header = gs2_header(s, offered),
	    .offered = s->offered};

	if (mechanism_needs_binding(s->mechanism))
		plan.binding = (struct text){
		    (const char *)s->channel.data, s->channel.len};
	return scram_new(&plan);
}

struct sasl *
sasl_new(const struct sasl_plan *plan, const struct sasl_channel *channel,
    struct text offered, struct error *e)
{
	const struct mechanism_choice choice = {plan->wanted,
	    plan->wanted_count, plan->in_clear,
	    .secret = plan->password.len > 0 && plan->user[0] != '\0',
	    .certificate = plan->certificate, .channel = channel,
	    .offered = offered};
	enum mechanism mechanism;
	struct sasl *s;

	if (plan_check(plan, e) == -1 ||
	    mechanism_choose(&choice, &mechanism, e) == -1)
		return NULL;
	s = mem_new(1, sizeof(*s));
	s->mechanism = mechanism;
	s->m = &exchanges[mechanism];
	s->user = mem_copy(plan->user);
	s->password = plan->password;
	s->host = plan->host == NULL ? NULL : mem_copy(plan->host);
	s->port = plan->port;
	buf_init(&s->told, TOLD_MAX);
	s->offered = mem_copy(SHOWN(offered));
	s->channel = *channel;
	memcpy(s->nonce, plan->nonce, sizeof(plan->nonce));
	if (s->m->start == scram_first)
		s->scram = new_scram(s, offered);
	return s;
}

void
sasl_free(struct sasl *s)
{
	if (s == NULL)
		return;
	scram_free(s->scram);
	free(s->user);
	free(s->host);
	free(s->offered);
	buf_wipe(&s->told);
	mem_wipe(s, sizeof(*s));
}

enum mechanism
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
	bool empty;
	int made;

	s->started = true;
	if (s->m->start == NULL)
		return 0;
	buf_init(&raw, RESPONSE_MAX);
	made = s->m->start(s, &raw, e);
	empty = made == 0 && raw.len == 0;
	if (respond(s, made, &raw, out, e) == -1)
		return -1;
	if (empty)
		buf_add_char(out, '=');
	return 1;
}

int
sasl_step(
    struct sasl *s, struct text challenge, struct buf *out, struct error *e)
{
	struct buf raw;
	int made;

	if (s->failed || !s->started || s->step == s->m->steps + s->m->more) {
		s->failed = true;
		return protocol(s, e,
		    "the server asks for more than the mechanism has to say");
	}
	buf_init(&raw, RESPONSE_MAX);
	made = s->m->step(s, challenge, &raw, e);
	s->step++;
	return respond(s, made, &raw, out, e);
}

const char *
sasl_told(struct sasl *s)
{
	return buf_string(&s->told);
}

int
sasl_finish(struct sasl *s, struct error *e)
{
	if (s->started && !s->failed && s->step == s->m->steps)
		return 0;
	s->failed = true;
	error_set(e, ERROR_DENIED, s->m->doing,
	    s->step > s->m->steps
		? "the server says yes after it has refused the token"
		: "the server says yes before the exchange is over");
	if (s->scram != NULL)
		return error_hint(e,
		    "it did not prove that it knows the password: this may be "
		    "another server than yours, check `smarthost`");
	return -1;
}
