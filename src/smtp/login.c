#include "smtp/login.h"

#include <stdio.h>
#include <string.h>

#include "smtp/trouble.h"

/* Octets of a command with its CRLF, RFC 5321 section 4.5.3.1.4. */
#define LOGIN_COMMAND_MAX 512

/* A challenge may be long, and the response to it. */
#define LOGIN_SECRET_MAX (PIPELINE_MAX / 2)

/* Octets of the user's name that are told. */
#define LOGIN_USER_TOLD 60

static const struct expected due = {.step = STEP_AUTH};

void
login_init(struct login *l, const struct login_terms *terms)
{
	memset(l, 0, sizeof(*l));
	l->terms = *terms;
	l->mechanism = "-";
	buf_init(&l->initial, LOGIN_SECRET_MAX);
}

void
login_end(struct login *l)
{
	sasl_free(l->sasl);
	l->sasl = NULL;
	l->terms.password = TEXT("");
}

void
login_clear(struct login *l)
{
	login_end(l);
	buf_wipe(&l->initial);
}

bool
login_is_wanted(const struct login *l)
{
	return l->terms.user != NULL &&
	       l->terms.account->auth.choice != AUTH_OFF && !l->done;
}

/* A line with a secret in it, of any length, of which only `shown` is told. */
static void
say_secret(struct login *l, const char *shown, struct text secret)
{
	echo_know(l->terms.echo, secret);
	pipeline_send_secret(l->terms.pipeline, due, shown, secret);
}

/* Behind `command'. What EXTERNAL says is no secret, nor what the server wants
 * to hear before it refuses a token; and neither is long. */
static void
say(struct login *l, const char *command, struct text response, bool initial)
{
	const enum mechanism m = sasl_mechanism(l->sasl);

	if (mechanism_takes_nothing(m) ||
	    (mechanism_takes_token(m) && !initial))
		pipeline_send(l->terms.pipeline, due, "%s%.*s", command,
		    TEXT_ARG(response));
	else
		say_secret(l, command, response);
}

static struct sasl *
new_sasl(struct login *l, struct error *e)
{
	const struct account *a = l->terms.account;
	const struct smarthost *h = l->terms.smarthost;
	struct sasl_plan plan = {.user = l->terms.user,
	    .password = l->terms.password,
	    .wanted_count = a->auth.count,
	    .in_clear = a->auth_in_clear == SWITCH_YES,
	    .certificate = a->tls_certificate != NULL && l->terms.channel->tls,
	    .host = h->place == SMARTHOST_HOST ? h->host : NULL,
	    .port = h->port};

	memcpy(plan.wanted, a->auth.mechanisms, sizeof(plan.wanted));
	memcpy(plan.nonce, l->terms.nonce, sizeof(plan.nonce));
	return sasl_new(
	    &plan, l->terms.channel, text_of(l->terms.ehlo->mechanisms), e);
}

/* RFC 4954 section 4: what would make the line too long goes as the answer to
 * an empty challenge. */
enum step
login_ask(struct login *l, struct error *e)
{
	const struct ehlo *ehlo = l->terms.ehlo;
	char command[64];
	int has_initial;

	if (!ehlo->auth) {
		trouble_lacks_auth(e, l->terms.smarthost,
		    ehlo->starttls && !l->terms.channel->tls);
		return STEP_QUIT;
	}
	l->sasl = new_sasl(l, e);
	if (l->sasl == NULL)
		return STEP_QUIT;
	has_initial = sasl_initial(l->sasl, &l->initial, e);
	if (has_initial == -1)
		return STEP_QUIT;
	l->mechanism = mechanism_name(sasl_mechanism(l->sasl));
	snprintf(command, sizeof(command), "AUTH %s ", l->mechanism);
	if (has_initial &&
	    strlen(command) + l->initial.len + 2 <= LOGIN_COMMAND_MAX) {
		say(l, command, buf_text(&l->initial), true);
		buf_wipe(&l->initial);
	} else {
		pipeline_send(l->terms.pipeline, due, "AUTH %s", l->mechanism);
	}
	return STEP_STAY;
}

static void
hide_words(struct error *e)
{
	enum error_kind kind = e->kind;

	error_clear(e);
	error_set(e, kind, "AUTH", "the server's challenge repeats the secret");
}

static enum step
respond(struct login *l, const struct reply *reply)
{
	const bool initial = l->initial.len > 0;
	struct buf response;
	int result = 0;

	buf_init(&response, LOGIN_SECRET_MAX);
	if (initial)
		buf_add_text(&response, buf_text(&l->initial));
	else
		result = sasl_step(
		    l->sasl, buf_text(&reply->text), &response, &l->broken_off);
	/* Its words may be the server's. */
	if (result == -1 && reply->hidden)
		hide_words(&l->broken_off);
	if (result == -1)
		pipeline_send(l->terms.pipeline,
		    (struct expected){.step = STEP_CANCEL}, "*");
	else
		say(l, "", buf_text(&response), initial);
	buf_wipe(&response);
	buf_wipe(&l->initial);
	return STEP_STAY;
}

/* What is wrong more likely than what the code alone says. */
static void
hint_likely(const struct login *l, struct error *e)
{
	const char *offered = l->terms.ehlo->mechanisms;
	const char *user = account_odd(text_of(l->terms.user));
	const char *password = account_odd(l->terms.password);

	if (strcmp(e->hint, TROUBLE_CHECK_LOGIN) != 0)
		return; /* more is known */
	if (user != NULL || password != NULL)
		snprintf(e->hint, sizeof(e->hint),
		    TROUBLE_CHECK_LOGIN "; %s: %s",
		    user != NULL ? "`user'" : "the password",
		    user != NULL ? user : password);
	/* Some servers offer what they have no data for. */
	else if (strcmp(l->mechanism, "PLAIN") != 0 && l->terms.channel->tls &&
		 mechanism_is_offered(MECHANISM_PLAIN, text_of(offered)))
		snprintf(e->hint, sizeof(e->hint),
		    TROUBLE_CHECK_LOGIN "; where both are right "
					"write `auth PLAIN' (offered: %.300s)",
		    offered);
}

/* What the server said of the token before it refused it. It may be the token,
 * in another form than the base64 in which a reply is looked through. */
static void
add_told(struct login *l, struct error *e)
{
	const size_t len = strlen(e->why);
	char told[400];

	if (l->sasl == NULL || sasl_told(l->sasl)[0] == '\0')
		return;
	strlcpy(told, sasl_told(l->sasl), sizeof(told));
	echo_hide_words(l->terms.echo, told, sizeof(told));
	snprintf(e->why + len, sizeof(e->why) - len, " (%s)", told);
}

/* 139: the account may not log in at all. What waits for an empty challenge was
 * not refused: the server has not heard it. */
static bool
wants_fresh(const struct login *l, const struct reply *reply)
{
	return l->terms.renews && l->refused.kind == ERROR_NONE &&
	       l->sasl != NULL && l->initial.len == 0 &&
	       mechanism_takes_token(sasl_mechanism(l->sasl)) &&
	       reply->code == 535 && reply->enhanced.detail != 139;
}

static enum login_means
means_of(const struct login *l)
{
	enum mechanism m;

	if (mechanism_parse(text_of(l->mechanism), &m) == -1)
		return LOGIN_ANY;
	if (mechanism_takes_token(m))
		return LOGIN_TOKEN;
	return mechanism_takes_nothing(m) ? LOGIN_EXTERNAL : LOGIN_PASSWORD;
}

static enum step
refuse(struct login *l, const struct reply *reply, const char *doing,
    struct error *e)
{
	const char *user = l->terms.user;
	char what[300];

	snprintf(what, sizeof(what), "AUTH %s%s%.*s (offered: %s)",
	    l->mechanism, user[0] == '\0' ? "" : " for the user ",
	    (int)text_cut(text_of(user), LOGIN_USER_TOLD), user,
	    SHOWN(text_of(l->terms.ehlo->mechanisms)));
	trouble_set_login(
	    e, reply, l->terms.smarthost, doing, what, means_of(l));
	add_told(l, e);
	hint_likely(l, e);
	if (reply->code == 500 && l->terms.password.len > LOGIN_COMMAND_MAX)
		error_hint(e,
		    "the %s has %zu octets, more than the server takes",
		    means_of(l) == LOGIN_TOKEN ? "token" : "password",
		    l->terms.password.len);
	if (wants_fresh(l, reply)) {
		l->refused = *e;
		error_clear(e);
		login_end(l);
		pipeline_wipe(l->terms.pipeline);
		return STEP_FRESH;
	}
	l->denied = e->kind == ERROR_DENIED;
	return e->kind == ERROR_PROTOCOL ? STEP_BREAK : STEP_QUIT;
}

enum step
login_answer(struct login *l, const struct reply *reply, const char *doing,
    struct error *e)
{
	l->heard_again = l->refused.kind != ERROR_NONE;
	if (reply->code == 334)
		return respond(l, reply);
	if (!reply_positive(reply))
		return refuse(l, reply, doing, e);
	if (sasl_finish(l->sasl, e) == -1)
		return STEP_QUIT;
	login_end(l);
	pipeline_wipe(l->terms.pipeline);
	l->done = true;
	return STEP_READY;
}

/* RFC 4954 section 4: whatever the server says to "*", AUTH has failed. */
enum step
login_cancelled(struct login *l, struct error *e)
{
	*e = l->broken_off;
	return STEP_QUIT;
}

enum step
login_renew(struct login *l, struct text token, const struct error *why,
    struct error *e)
{
	if (token.len > 0) {
		echo_add(l->terms.echo, token);
		l->terms.password = token;
		return STEP_AUTH;
	}
	l->heard_again = l->denied = true;
	*e = l->refused;
	if (why->kind == ERROR_LATER)
		e->kind = ERROR_LATER; /* there may be a token then */
	snprintf(e->hint, sizeof(e->hint),
	    "%s, which was run once more for a fresh token, failed: %.400s",
	    why->doing == NULL ? "the command" : why->doing, why->text);
	return STEP_QUIT;
}

bool
login_is_unsettled(const struct login *l)
{
	return l->refused.kind != ERROR_NONE && !l->heard_again;
}
