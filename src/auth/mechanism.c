#include "auth/mechanism.h"

#include <string.h>

#include "base/buf.h"

static const struct {
	const char *name;
	bool clear;
	bool plus;
	bool token;
	bool nothing; /* no secret */
	bool named;   /* `auto' takes others */
} mechanisms[MECHANISM_COUNT] = {
    [MECHANISM_SCRAM_SHA_256_PLUS] = {.name = "SCRAM-SHA-256-PLUS",
	.plus = true},
    [MECHANISM_SCRAM_SHA_1_PLUS] = {.name = "SCRAM-SHA-1-PLUS", .plus = true},
    [MECHANISM_PLAIN] = {.name = "PLAIN", .clear = true},
    [MECHANISM_SCRAM_SHA_256] = {.name = "SCRAM-SHA-256"},
    [MECHANISM_SCRAM_SHA_1] = {.name = "SCRAM-SHA-1"},
    [MECHANISM_LOGIN] = {.name = "LOGIN", .clear = true},
    [MECHANISM_EXTERNAL] = {.name = "EXTERNAL", .nothing = true},
    [MECHANISM_OAUTHBEARER] = {.name = "OAUTHBEARER",
	.clear = true,
	.token = true,
	.named = true},
    [MECHANISM_XOAUTH2] = {.name = "XOAUTH2",
	.clear = true,
	.token = true,
	.named = true},
    [MECHANISM_CRAM_MD5] = {.name = "CRAM-MD5", .named = true},
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
mechanism_shows_secret(enum mechanism mechanism)
{
	return mechanisms[mechanism].clear;
}

bool
mechanism_needs_binding(enum mechanism mechanism)
{
	return mechanisms[mechanism].plus;
}

bool
mechanism_takes_token(enum mechanism mechanism)
{
	return mechanisms[mechanism].token;
}

bool
mechanism_takes_nothing(enum mechanism mechanism)
{
	return mechanisms[mechanism].nothing;
}

bool
mechanism_is_offered(enum mechanism mechanism, struct text offered)
{
	struct text name;

	while (text_next(&offered, " ", &name)) {
		if (text_equal_fold(name, text_of(mechanisms[mechanism].name)))
			return true;
	}
	return false;
}

bool
mechanism_binding_offered(struct text offered)
{
	enum mechanism m;

	for (m = 0; m < MECHANISM_COUNT; m++) {
		if (mechanisms[m].plus && mechanism_is_offered(m, offered))
			return true;
	}
	return false;
}

void
mechanism_keep_known(char *offered)
{
	struct text rest = text_of(offered), name;
	enum mechanism known;
	size_t used = 0;

	while (text_next(&rest, " ", &name)) {
		if (mechanism_parse(name, &known) == -1)
			continue;
		if (used > 0)
			offered[used++] = ' ';
		memmove(offered + used, name.at, name.len);
		used += name.len;
	}
	offered[used] = '\0';
}

/* Over TLS, but with whom nobody knows: who can stand between offers what shows
 * the secret and nothing else, so that no list of mechanisms keeps it safe. */
static bool
stranger(const struct mechanism_choice *c)
{
	return c->channel->tls && !c->channel->verified && !c->channel->local &&
	       !c->in_clear;
}

static bool
is_allowed(const struct mechanism_choice *c, enum mechanism mechanism)
{
	if (mechanism_takes_nothing(mechanism))
		return c->certificate || c->wanted_count > 0;
	if (!c->secret)
		return false;
	if (mechanism_needs_binding(mechanism))
		return c->channel->binding != SASL_UNBOUND;
	if (!mechanism_shows_secret(mechanism))
		return true;
	if (stranger(c))
		return false;
	return c->channel->tls || c->channel->local || c->in_clear;
}

/* The n-th in order of preference; false behind the last. */
static bool
wish(const struct mechanism_choice *c, size_t n, enum mechanism *m)
{
	if (c->wanted_count > 0) {
		*m = c->wanted[n < c->wanted_count ? n : 0];
		return n < c->wanted_count;
	}
	*m = (enum mechanism)n;
	return n < MECHANISM_COUNT && !mechanisms[n].named;
}

/* The first among those wished for and offered that is allowed, or, where none
 * is, that is not for this reason. */
enum kind { ALLOWED, SHOWS_SECRET, NEEDS_BINDING };

static bool
choose(const struct mechanism_choice *c, enum kind kind, enum mechanism *found)
{
	size_t i;

	for (i = 0; wish(c, i, found); i++) {
		if (mechanism_is_offered(*found, c->offered) &&
		    (kind == ALLOWED		? is_allowed(c, *found)
			: kind == NEEDS_BINDING ? mechanisms[*found].plus
						: mechanisms[*found].clear))
			return true;
	}
	return false;
}

static int
hint_clear(const struct mechanism_choice *c, enum mechanism m, struct error *e)
{
	const char *name = mechanism_name(m);
	const char *secret = mechanism_takes_token(m) ? "token" : "password";

	if (stranger(c))
		return error_hint(e,
		    "%s would show the %s to a server whose certificate was "
		    "not verified; pin its key with `tls-pin`, or allow that "
		    "with `auth-in-clear yes`",
		    name, secret);
	return error_hint(e,
	    "%s shows the %s, so it needs TLS: write smtps:// or "
	    "smtp:// in `smarthost`, or allow it with `auth-in-clear yes`",
	    name, secret);
}

/* Whether the secret is a token by what was named for it. */
static bool
has_token(const struct mechanism_choice *c)
{
	size_t i;

	for (i = 0; i < c->wanted_count; i++)
		if (mechanism_takes_token(c->wanted[i]))
			return true;
	return false;
}

/* The first offered of those that must be named. */
static bool
find_named(const struct mechanism_choice *c, enum mechanism *found)
{
	enum mechanism m;

	for (m = 0; m < MECHANISM_COUNT; m++) {
		*found = m;
		if (mechanisms[m].named && mechanism_is_offered(m, c->offered))
			return true;
	}
	return false;
}

static int
hint_named(enum mechanism m, struct error *e)
{
	const char *name = mechanism_name(m);

	if (mechanism_takes_token(m))
		return error_hint(e,
		    "the server wants OAuth: write `auth %s` and "
		    "`password-command sendling-token ADDRESS`",
		    name);
	return error_hint(e,
	    "%s is out of date, as who hears it can try passwords on it; write "
	    "`auth %s` where the server has nothing better",
	    name, name);
}

static int
hint_choice(const struct mechanism_choice *c, struct error *e)
{
	const struct mechanism_choice automatic = {.in_clear = c->in_clear,
	    .secret = true,
	    .certificate = c->certificate,
	    .channel = c->channel,
	    .offered = c->offered};
	enum mechanism other;
	const char *why = "";

	if (c->secret && choose(c, SHOWS_SECRET, &other))
		return hint_clear(c, other, e);
	if (choose(c, NEEDS_BINDING, &other))
		why = "-PLUS needs a channel binding, which this connection "
		      "does not have; ";
	if (!c->secret)
		why = "with a password, as `password-file` gives it, ";
	else if (has_token(c))
		why = "with a password in place of the token ";
	if (choose(&automatic, ALLOWED, &other))
		return error_hint(
		    e, "%swrite `auth %s`", why, mechanism_name(other));
	if (find_named(c, &other))
		return hint_named(other, e);
	return error_hint(e,
	    "%sask the provider of the server for another way to log in, for "
	    "instance with an application password",
	    why);
}

static int
refuse_all(const struct mechanism_choice *c, struct error *e)
{
	enum mechanism m;
	struct buf names;
	size_t i;

	buf_init(&names, 1024);
	for (i = 0; wish(c, i, &m); i++)
		buf_format(
		    &names, "%s%s", i == 0 ? "" : " ", mechanism_name(m));
	error_set(e, ERROR_DENIED, "AUTH",
	    "no mechanism fits: the server offers %s; %s are %s",
	    SHOWN(c->offered),
	    c->wanted_count == 0 ? "known here" : "named in `auth`",
	    buf_string(&names));
	buf_clear(&names);
	return hint_choice(c, e);
}

int
mechanism_choose(
    const struct mechanism_choice *c, enum mechanism *found, struct error *e)
{
	if (choose(c, ALLOWED, found))
		return 0;
	if (text_trim(c->offered).len > 0)
		return refuse_all(c, e);
	error_set(e, ERROR_DENIED, "AUTH", "the server offers no mechanism");
	if (c->channel->tls)
		return error_hint(e,
		    "is this the submission port? Leave out `user` where the "
		    "server needs no login");
	return error_hint(e,
	    "many servers offer AUTH over TLS only: write smtps:// or smtp:// "
	    "in `smarthost`; or leave out `user`");
}
