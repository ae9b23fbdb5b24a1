#include "submit/envelope.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "message/address.h"
#include "message/token.h"

void
envelope_init(struct envelope *env)
{
	memset(env, 0, sizeof(*env));
	env->reverse_path = mem_copy("");
}

void
envelope_clear(struct envelope *env)
{
	size_t i;

	for (i = 0; i < env->count; i++) {
		free(env->recipients[i].orcpt);
		free(env->recipients[i].reply);
	}
	free(env->recipients);
	set_clear(&env->paths);
	free(env->reverse_path);
	free(env->envid);
	memset(env, 0, sizeof(*env));
}

/* The underscore is no letter of a host name, but stands in real ones. */
static bool
is_domain(struct text t)
{
	size_t i;

	for (i = 0; i < t.len; i++) {
		if (!text_is_alpha(t.at[i]) && !text_is_digit(t.at[i]) &&
		    (unsigned char)t.at[i] < 0x80 &&
		    text_find(TEXT("-_."), t.at[i]) == 3)
			return false;
	}
	return token_is_atoms(t, '.');
}

/* IPv4, IPv6 and tagged literals of RFC 5321 section 4.1.3, but none of the
 * other bytes it would allow there: `>' and `<' deceive a server. */
static bool
is_literal(struct text t)
{
	size_t i;

	if (t.len < 3 || t.at[0] != '[' || t.at[t.len - 1] != ']')
		return false;
	for (i = 1; i < t.len - 1; i++) {
		if (!text_is_alpha(t.at[i]) && !text_is_digit(t.at[i]) &&
		    strchr(".:-", t.at[i]) == NULL)
			return false;
	}
	return true;
}

/* A second gate behind the address room: whatever slips through there stops
 * here. */
const char *
envelope_path_fault(struct text path)
{
	struct text local = text_first(path, text_find_last(path, '@'));
	struct text domain = text_skip(path, local.len + 1);

	if (path.len > ADDRESS_PATH_MAX)
		return "it is longer than 254 octets";
	if (text_has_control(path))
		return "it holds a control character";
	if (!text_is_utf8(path))
		return "it is neither ASCII nor UTF-8";
	if (local.len == path.len)
		return "it has no domain";
	if (!token_is_atoms(local, '.') && !token_is_quoted(local))
		return "its local-part is neither words with single dots nor "
		       "one quoted string";
	if (!is_domain(domain) && !is_literal(domain))
		return "its domain is no domain name";
	return NULL;
}

static int
path_check(struct text path, const char *doing, struct error *e)
{
	const char *fault = envelope_path_fault(path);

	if (fault == NULL)
		return 0;
	return error_set(e, ERROR_MESSAGE, doing,
	    "`%s' cannot be used as an address: %s", SHOWN(path), fault);
}

int
envelope_set_reverse_path(
    struct envelope *env, struct text path, struct error *e)
{
	if (path.len > 0 && path_check(path, "sender", e) == -1)
		return -1;
	free(env->reverse_path);
	env->reverse_path = mem_string(path.at, path.len);
	return 0;
}

int
envelope_add(struct envelope *env, struct text path, struct error *e)
{
	if (path_check(path, "recipient", e) == -1)
		return -1;
	if (!set_add(&env->paths, path, text_find_last(path, '@')))
		return 0;
	*mem_push(env->recipients, env->count) = (struct recipient){
	    .path = env->paths.strings[env->paths.count - 1]};
	return 1;
}

void
envelope_decide(struct recipient *r, enum verdict verdict, int code,
    struct enhanced enhanced, const char *words)
{
	struct recipient_reply *reply = NULL;
	size_t size;

	if (words != NULL) {
		size = strlen(words) + 1;
		reply = mem_new(1, sizeof(*reply) + size);
		reply->code = code;
		reply->enhanced = enhanced;
		memcpy(reply->words, words, size);
	}
	free(r->reply);
	r->reply = reply;
	r->own = false;
	r->verdict = (unsigned char)verdict;
}

size_t
envelope_count(const struct envelope *env, enum verdict verdict)
{
	size_t i, count = 0;

	for (i = 0; i < env->count; i++) {
		if (env->recipients[i].verdict == verdict)
			count++;
	}
	return count;
}

const char *
envelope_verdict_word(enum verdict verdict)
{
	static const char *const words[] = {[VERDICT_OPEN] = "open",
	    [VERDICT_ACCEPTED] = "accepted",
	    [VERDICT_DELIVERED] = "delivered",
	    [VERDICT_REFUSED] = "refused",
	    [VERDICT_LATER] = "later",
	    [VERDICT_DOUBTFUL] = "doubtful",
	    [VERDICT_QUEUED] = "queued"};

	return words[verdict];
}
