#include "auth/bearer.h"

#include "auth/gs2.h"
#include "base/json.h"

#define SEPARATOR "\001"

/* b64token of RFC 6750 section 2.1 */
static bool
is_token(struct text t)
{
	static const struct text others = {"-._~+/", 6};
	size_t i = 0;

	while (i < t.len && (text_is_alpha(t.at[i]) || text_is_digit(t.at[i]) ||
				text_find(others, t.at[i]) < others.len))
		i++;
	if (i == 0)
		return false;
	while (i < t.len && t.at[i] == '=')
		i++;
	return i == t.len;
}

static int
check(const struct bearer *b, struct error *e)
{
	if (text_has_control(text_of(b->user)))
		return error_set(e, ERROR_CONFIG, b->doing,
		    "the user name holds a control character");
	if (is_token(b->token))
		return 0;
	error_set(e, ERROR_CONFIG, b->doing,
	    "the secret is no OAuth token: it holds what no token does");
	return error_hint(e,
	    "let `password-command` print the token and nothing else; a "
	    "password needs another mechanism in `auth`");
}

static int
check_room(const struct bearer *b, const struct buf *out, struct error *e)
{
	if (!out->full)
		return 0;
	return error_set(e, ERROR_CONFIG, b->doing,
	    "the user name and the token are too long together");
}

static void
add_token(const struct bearer *b, struct buf *out)
{
	buf_add_string(out, "auth=Bearer ");
	buf_add_text(out, b->token);
	buf_add_string(out, SEPARATOR SEPARATOR);
}

int
bearer_add_oauthbearer(const struct bearer *b, struct buf *out, struct error *e)
{
	if (check(b, e) == -1)
		return -1;
	buf_add_string(out, "n,a=");
	gs2_add_name(text_of(b->user), out);
	buf_add_string(out, "," SEPARATOR);
	if (b->host != NULL)
		buf_format(out, "host=%s" SEPARATOR "port=%u" SEPARATOR,
		    b->host, b->port);
	add_token(b, out);
	return check_room(b, out, e);
}

int
bearer_add_xoauth2(const struct bearer *b, struct buf *out, struct error *e)
{
	if (check(b, e) == -1)
		return -1;
	buf_format(out, "user=%s" SEPARATOR, b->user);
	add_token(b, out);
	return check_room(b, out, e);
}

void
bearer_add_dummy(struct buf *out)
{
	buf_add_string(out, SEPARATOR);
}

void
bearer_add_words(struct text json, struct buf *out)
{
	static const char *const members[] = {"status", "schemes", "scope"};
	const size_t before = out->len;
	struct buf value;
	size_t i;

	buf_init(&value, json.len);
	for (i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		if (json_find(json, members[i], &value) == 0)
			buf_format(out, "%s%s %s",
			    out->len > before ? ", " : "", members[i],
			    SHOWN(buf_text(&value)));
		buf_reset(&value);
	}
	buf_wipe(&value);
	if (out->len == before)
		buf_add_string(out, SHOWN(json));
}
