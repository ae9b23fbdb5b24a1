#include "auth/mechanism.h"

#include <string.h>

#include "base/buf.h"

static const struct {
	const char *name;
	bool clear;
	bool plus;
} mechanisms[MECHANISM_COUNT] = {
    [MECHANISM_SCRAM_SHA_256_PLUS] = {.name = "SCRAM-SHA-256-PLUS",
	.plus = true},
    [MECHANISM_SCRAM_SHA_1_PLUS] = {.name = "SCRAM-SHA-1-PLUS", .plus = true},
    [MECHANISM_PLAIN] = {.name = "PLAIN", .clear = true},
    [MECHANISM_SCRAM_SHA_256] = {.name = "SCRAM-SHA-256"},
    [MECHANISM_SCRAM_SHA_1] = {.name = "SCRAM-SHA-1"},
    [MECHANISM_LOGIN] = {.name = "LOGIN", .clear = true},
};

const char *
mechanism_name(enum mechanism mechanism)
{
	return mechanisms[mechanism].name;
}

int
mechanism_parse(struct text name, enum mechanism *mechanism)
{
	size_t i;

	for (i = 0; i < MECHANISM_COUNT; i++) {
		if (text_equal_fold(name, text_of(mechanisms[i].name))) {
			*mechanism = (enum mechanism)i;
			return 0;
		}
	}
	return -1;
}

bool
mechanism_shows_password(enum mechanism mechanism)
{
	return mechanisms[mechanism].clear;
}

bool
mechanism_needs_binding(enum mechanism mechanism)
{
	return mechanisms[mechanism].plus;
}

static void
offered_parse(struct text offered, bool known[MECHANISM_COUNT])
{
	enum mechanism mechanism;
	struct text name;

	memset(known, 0, MECHANISM_COUNT * sizeof(known[0]));
	while (text_next(&offered, " ", &name)) {
		if (mechanism_parse(name, &mechanism) == 0)
			known[mechanism] = true;
	}
}

bool
mechanism_binding_offered(struct text offered)
{
	bool known[MECHANISM_COUNT];
	size_t i;

	offered_parse(offered, known);
	for (i = 0; i < MECHANISM_COUNT; i++) {
		if (known[i] && mechanisms[i].plus)
			return true;
	}
	return false;
}

static bool
clear_allowed(const struct mechanism_choice *c)
{
	return c->channel->tls || c->channel->local || c->in_clear;
}

/* Over TLS with a stranger `auto` shows nobody the password. */
static bool
stranger(const struct mechanism_choice *c)
{
	return c->channel->tls && !c->channel->verified && !c->channel->local &&
	       !c->in_clear;
}

static bool
is_allowed(const struct mechanism_choice *c, enum mechanism mechanism)
{
	if (mechanism_needs_binding(mechanism))
		return c->channel->binding != SASL_UNBOUND;
	if (!mechanism_shows_password(mechanism))
		return true;
	if (c->wanted_count == 0 && stranger(c))
		return false;
	return clear_allowed(c);
}

static size_t
wish_count(const struct mechanism_choice *c)
{
	return c->wanted_count == 0 ? MECHANISM_COUNT : c->wanted_count;
}

/* The n-th in order of preference. */
static enum mechanism
wish(const struct mechanism_choice *c, size_t n)
{
	return c->wanted_count == 0 ? (enum mechanism)n : c->wanted[n];
}

static bool
choose(const struct mechanism_choice *c, const bool known[MECHANISM_COUNT],
    enum mechanism *found)
{
	size_t i;

	for (i = 0; i < wish_count(c); i++) {
		*found = wish(c, i);
		if (known[*found] && is_allowed(c, *found))
			return true;
	}
	return false;
}

/* The first of a kind among those wished for and offered; where nothing could
 * be chosen, it was not allowed. */
static bool
barred(const struct mechanism_choice *c, const bool known[MECHANISM_COUNT],
    bool (*is_kind)(enum mechanism), enum mechanism *found)
{
	size_t i;

	for (i = 0; i < wish_count(c); i++) {
		*found = wish(c, i);
		if (known[*found] && is_kind(*found))
			return true;
	}
	return false;
}

static void
names_format(const struct mechanism_choice *c, struct buf *out)
{
	size_t i;

	for (i = 0; i < wish_count(c); i++)
		buf_format(
		    out, "%s%s", i == 0 ? "" : " ", mechanism_name(wish(c, i)));
}

static int
hint_clear(const struct mechanism_choice *c, const char *name, struct error *e)
{
	if (stranger(c))
		return error_hint(e,
		    "%s would show the password to a server whose certificate "
		    "was not verified; write `auth %s` to allow that",
		    name, name);
	return error_hint(e,
	    "%s shows the password, so it needs TLS: write smtps:// or "
	    "smtp:// in `smarthost`, or allow it with `auth-in-clear yes`",
	    name);
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
hint_choice(const struct mechanism_choice *c, const bool known[MECHANISM_COUNT],
    struct error *e)
{
	const struct mechanism_choice automatic = {
	    .in_clear = c->in_clear, .channel = c->channel};
	enum mechanism other;
	const char *why = "";

	if (barred(c, known, mechanism_shows_password, &other))
		return hint_clear(c, mechanism_name(other), e);
	if (barred(c, known, mechanism_needs_binding, &other))
		why = "-PLUS needs a channel binding, which this connection "
		      "does not have; ";
	if (choose(&automatic, known, &other))
		return error_hint(
		    e, "%swrite `auth %s`", why, mechanism_name(other));
	return error_hint(e,
	    "%sask the provider of the server for another way to log in, for "
	    "instance with an application password",
	    why);
}

static int
refuse(const struct mechanism_choice *c, const bool known[MECHANISM_COUNT],
    struct error *e)
{
	char words[160];
	struct buf names;

	if (text_trim(c->offered).len == 0) {
		error_set(
		    e, ERROR_DENIED, "AUTH", "the server offers no mechanism");
		return hint_no_offer(c->channel, e);
	}
	buf_init(&names, 1024);
	names_format(c, &names);
	error_set(e, ERROR_DENIED, "AUTH",
	    "no mechanism fits: the server offers %s; %s are %s",
	    text_visible(c->offered, words, sizeof(words)),
	    c->wanted_count == 0 ? "known here" : "named in `auth`",
	    buf_string(&names));
	buf_clear(&names);
	return hint_choice(c, known, e);
}

int
mechanism_choose(
    const struct mechanism_choice *c, enum mechanism *found, struct error *e)
{
	bool known[MECHANISM_COUNT];

	offered_parse(c->offered, known);
	return choose(c, known, found) ? 0 : refuse(c, known, e);
}
