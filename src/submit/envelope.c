#include "submit/envelope.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "message/address.h"
#include "message/token.h"

#define INDEX_MIN 64

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
		free(env->recipients[i].path);
		free(env->recipients[i].orcpt);
		free(env->recipients[i].reply);
	}
	free(env->recipients);
	free(env->index);
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
	return token_is_dot_atom(t);
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

/* Where the last `@' stands, or the end. No domain holds one. */
static size_t
domain_mark(struct text path)
{
	size_t i;

	for (i = path.len; i > 0; i--) {
		if (path.at[i - 1] == '@')
			return i - 1;
	}
	return path.len;
}

/* A second gate behind the address room: whatever slips through there stops
 * here. */
const char *
envelope_path_fault(struct text path)
{
	struct text local = text_first(path, domain_mark(path));
	struct text domain = text_skip(path, local.len + 1);

	if (path.len > ADDRESS_PATH_MAX)
		return "it is longer than 254 octets";
	if (text_has_control(path))
		return "it holds a control character";
	if (!text_is_utf8(path))
		return "it is neither ASCII nor UTF-8";
	if (local.len == path.len)
		return "it has no domain";
	if (local.len > ADDRESS_LOCAL_MAX)
		return "its local-part is longer than 64 octets";
	if (!token_is_dot_atom(local) && !token_is_quoted(local))
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

/* FNV-1a, the domain without case. */
static uint32_t
path_hash(struct text path)
{
	size_t i, mark = domain_mark(path);
	uint32_t hash = 2166136261U;
	char c;

	for (i = 0; i < path.len; i++) {
		c = i < mark ? path.at[i] : text_lower(path.at[i]);
		hash = (hash ^ (unsigned char)c) * 16777619U;
	}
	return hash;
}

static bool
path_equal(struct text a, struct text b)
{
	size_t mark = domain_mark(a);

	return mark == domain_mark(b) &&
	       text_equal(text_first(a, mark), text_first(b, mark)) &&
	       text_equal_fold(text_skip(a, mark), text_skip(b, mark));
}

/* The slot that holds the path, or the free one where it belongs. */
static size_t
index_slot(const struct envelope *env, struct text path)
{
	size_t mask = env->index_size - 1;
	size_t slot = path_hash(path) & mask;
	const struct recipient *r;

	while (env->index[slot] != 0) {
		r = &env->recipients[env->index[slot] - 1];
		if (path_equal(text_of(r->path), path))
			break;
		slot = (slot + 1) & mask;
	}
	return slot;
}

static void
index_grow(struct envelope *env)
{
	size_t size = env->index_size == 0 ? INDEX_MIN : 2 * env->index_size;
	struct text path;
	size_t i;

	free(env->index);
	env->index = mem_new(size, sizeof(*env->index));
	env->index_size = size;
	for (i = 0; i < env->count; i++) {
		path = text_of(env->recipients[i].path);
		env->index[index_slot(env, path)] = (unsigned)(i + 1);
	}
}

int
envelope_add(struct envelope *env, struct text path, struct error *e)
{
	size_t slot;

	if (path_check(path, "recipient", e) == -1)
		return -1;
	if (env->index_size <= 2 * env->count)
		index_grow(env);
	slot = index_slot(env, path);
	if (env->index[slot] != 0)
		return 0;
	*mem_push(env->recipients, env->count) =
	    (struct recipient){.path = mem_string(path.at, path.len)};
	env->index[slot] = (unsigned)env->count;
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
