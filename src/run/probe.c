#include "run/probe.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "run/connection.h"
#include "world/clock.h"
#include "world/secret.h"

/* Why an address is none, while it may yet be one. */
#define OPEN "?"

struct probe {
	const struct probe_plan *plan;
	struct connection_plan connection_plan;
	struct account mute;	   /* the account, but with `auth off' */
	struct connection **ready; /* to each smarthost */
	struct buf password;
	char *user;
	char helo[256];
	long long deadline;
	struct error unread; /* why there is no password */
	bool denied;	     /* a login was refused for good */
	bool settled;	     /* what the mail would have ended with */

	struct finding finding; /* of the smarthost that is met now */
	long long since;	/* microseconds: the end of the last turn */
};

/*
 * What the connection tells.
 */

static void
add_turn(struct probe *p, const char *step)
{
	const long long now = clock_now_us();

	*mem_push(p->finding.turns, p->finding.turn_count) =
	    (struct finding_turn){step, now - p->since};
	p->since = now;
}

/* Until it ends, `us' is when it began. */
static void
address_begins(void *arg, const char *address)
{
	struct probe *p = arg;
	struct finding *f = &p->finding;
	struct finding_address *a;

	if (f->address_count == 0)
		add_turn(p, "lookup");
	a = mem_push(f->addresses, f->address_count);
	memset(a, 0, sizeof(*a));
	text_visible(text_of(address), a->words, sizeof(a->words));
	strlcpy(a->why, OPEN, sizeof(a->why));
	a->us = clock_now_us();
}

static struct finding_address *
find_open(const struct finding *f, const char *address)
{
	size_t i;

	for (i = 0; i < f->address_count; i++)
		if (strcmp(f->addresses[i].words, address) == 0 &&
		    strcmp(f->addresses[i].why, OPEN) == 0)
			return &f->addresses[i];
	return NULL;
}

static void
address_ended(void *arg, const char *address, const char *why)
{
	struct probe *p = arg;
	struct finding_address *a = find_open(&p->finding, address);

	if (a == NULL)
		return;
	text_visible(text_of(why == NULL ? "" : why), a->why, sizeof(a->why));
	a->us = clock_now_us() - a->us;
	if (why == NULL)
		p->since = clock_now_us();
}

static void
turn_ended(void *arg, const char *step)
{
	add_turn(arg, step);
}

static void
remark(void *arg, const char *words)
{
	const struct probe *p = arg;

	if (p->plan->remark != NULL)
		p->plan->remark(p->plan->arg, words);
}

static int
renew_token(void *arg, struct error *e)
{
	struct probe *p = arg;
	int result;

	result = secret_renew(p->plan->account, p->deadline, &p->password, e);
	p->connection_plan.renewed = true;
	p->connection_plan.password = buf_text(&p->password);
	return result;
}

/*
 * What became of the login.
 */

static void
set_login(struct finding *f, enum finding_login login, const char *why)
{
	f->login = login;
	strlcpy(f->login_why, why, sizeof(f->login_why));
}

static const char *
why_untried(const struct probe *p)
{
	const struct account *a = p->plan->account;

	if (a->auth.choice == AUTH_OFF)
		return "by `auth off'";
	if (!account_wants_login(a))
		return "as no `user' is set";
	if (p->unread.kind != ERROR_NONE)
		return "as there is no password";
	return p->denied ? "as one was refused, and servers ban who tries again"
			 : "see the error";
}

static void
judge_login(struct probe *p, const struct session *session)
{
	struct finding *f = &p->finding;
	const struct error *e = &f->error;

	if (session == NULL || strcmp(session_auth(session), "-") == 0) {
		set_login(f, FINDING_UNTRIED, why_untried(p));
		return;
	}
	f->mechanism = session_auth(session);
	if (session_logged_in(session))
		set_login(f, FINDING_ACCEPTED, "");
	else if (e->code != 0)
		set_login(f, FINDING_REFUSED, e->why);
	else
		set_login(f, FINDING_BROKEN_OFF, e->text);
}

/*
 * One smarthost.
 */

static bool
has_turn(const struct finding *f, const char *step)
{
	size_t i;

	for (i = 0; i < f->turn_count; i++)
		if (strcmp(f->turns[i].step, step) == 0)
			return true;
	return false;
}

static void
look(struct probe *p, const struct connection *c)
{
	const struct session *session = connection_session(c);
	struct finding *f = &p->finding;

	judge_login(p, session);
	if (session == NULL)
		return;
	f->secured = connection_peer(c, &f->terms, &f->certificate);
	f->greeted = has_turn(f, "EHLO") || has_turn(f, "LHLO");
	if (f->greeted)
		f->ehlo = *session_ehlo(session);
}

/* As when a mail is delivered: the next smarthost is for when this one cannot
 * be had, and what may mend itself outweighs what the others said, but for a
 * login that is wrong. */
static void
settle(struct probe *p, const struct error *last, struct error *e)
{
	const bool taken = last->kind == ERROR_NONE;

	if (p->settled)
		return;
	if (e->kind != ERROR_LATER || taken || p->denied)
		*e = *last;
	p->settled = taken || last->kind == ERROR_CONFIG || p->denied;
}

static void
meet(struct probe *p, struct connection *c, struct error *e)
{
	const struct session *session;
	struct finding *f = &p->finding;

	f->now = p->plan->now;
	p->since = clock_now_us();
	connection_start(c, p->deadline, &f->error);
	f->smarthost = connection_host(c);
	look(p, c);
	session = connection_session(c);
	if (session != NULL && session_denied(session)) {
		p->denied = true;
		p->connection_plan.account = &p->mute;
	}
	settle(p, &f->error, e);
	p->plan->tell(p->plan->arg, f);
	finding_clear(f);
}

/* All hosts, where DNS names several. */
static void
meet_all(struct probe *p, size_t index, struct error *e)
{
	struct connection *c = p->ready[index];

	do
		meet(p, c, e);
	while (connection_next(c));
	connection_end(c);
}

/*
 * The account.
 */

/* All that is opened but sockets is opened here, as for a mail. */
static void
open_all(struct probe *p)
{
	const struct account *a = p->plan->account;
	size_t i;

	p->ready = mem_new(a->smarthosts.count, sizeof(struct connection *));
	for (i = 0; i < a->smarthosts.count; i++)
		p->ready[i] = connection_new(
		    &p->connection_plan, &a->smarthosts.at[i], NULL);
	p->connection_plan.account = &p->mute;
	if (secret_read(a, true, p->deadline, &p->password, &p->unread) == -1)
		return;
	p->connection_plan.account = a;
	p->user = facts_user(a, p->plan->facts);
	p->connection_plan.user = p->user;
	p->connection_plan.password = buf_text(&p->password);
}

int
probe_account(const struct probe_plan *plan, struct error *e)
{
	const struct account *a = plan->account;
	struct probe p = {.plan = plan,
	    .deadline =
		clock_in(a->deadline == 0 ? ACCOUNT_DEADLINE : a->deadline)};
	size_t i;

	if (account_check(a, e) == -1)
		return -1;
	buf_init(&p.password, SECRET_MAX);
	p.mute = *a;
	p.mute.auth.choice = AUTH_OFF;
	p.connection_plan = (struct connection_plan){.account = a,
	    .helo = facts_helo(a, plan->facts, p.helo, sizeof(p.helo)),
	    .trace = plan->trace,
	    .observer = {address_begins, address_ended, turn_ended, &p},
	    .renew = secret_renews(a) ? renew_token : NULL,
	    .remark = remark,
	    .arg = &p};
	open_all(&p);
	*e = p.unread;
	p.settled = p.unread.kind != ERROR_NONE;
	for (i = 0; i < a->smarthosts.count; i++)
		meet_all(&p, i, e);
	buf_wipe(&p.password);
	free(p.user);
	free(p.ready);
	return e->kind == ERROR_NONE ? 0 : -1;
}
