#include "config/review.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "submit/backoff.h"

#define PORT_TLS      465
#define PORT_STARTTLS 587

/* The account that is looked at. */
struct look {
	const struct review *review;
	const struct config *config;
	const struct facts *facts;
	const struct account *account;
};

static void
tell(const struct look *l, bool remark, const char *keyword, const char *value,
    struct error *e)
{
	l->review->tell(l->review->arg, remark, l->account, keyword, value, e);
	error_clear(e);
}

/*
 * What a run would refuse to begin with.
 */

static void
look_at_checks(const struct look *l)
{
	const char *keyword;
	struct error e;
	size_t next = 0;

	error_clear(&e);
	while (account_check_next(l->account, &next, &keyword, &e) != 1)
		if (e.kind != ERROR_NONE)
			tell(l, false, keyword, NULL, &e);
}

/*
 * Smarthosts.
 */

static void
remark_port(const struct look *l, const struct smarthost *s,
    enum smarthost_security other, const char *speaks)
{
	struct error e;
	char url[300];

	error_clear(&e);
	error_set(&e, ERROR_CONFIG, NULL, "smarthost: port %u mostly speaks %s",
	    s->port, speaks);
	error_hint(&e, "if this one does, too: smarthost %s",
	    smarthost_url(s, other, url, sizeof(url)));
	tell(l, true, "smarthost", s->url, &e);
}

static bool
is_loopback(const char *host)
{
	const struct text name = text_of(host);

	return text_equal_fold(name, TEXT("localhost")) ||
	       text_starts_fold(name, TEXT("127.")) ||
	       text_equal(name, TEXT("::1"));
}

/* By which a password would go over a connection that others may read. */
static void
remark_in_clear(const struct look *l, const struct smarthost *s)
{
	const bool allowed = l->account->auth_in_clear == SWITCH_YES;
	struct error e;
	char url[300];

	error_clear(&e);
	error_set(&e, ERROR_CONFIG, NULL, "smarthost: %s has no TLS, and %s",
	    SHOWN(text_of(s->url)),
	    allowed ? "`auth-in-clear yes' shows the password to everybody on "
		      "the way"
		    : "the password goes there by SCRAM alone");
	error_hint(&e, "if it offers STARTTLS: smarthost %s",
	    smarthost_url(s, SMARTHOST_STARTTLS, url, sizeof(url)));
	tell(l, true, "smarthost", s->url, &e);
}

static void
look_at_smarthosts(const struct look *l)
{
	const struct smarthost_list *list = &l->account->smarthosts;
	const struct smarthost *s;

	for (s = list->at; s < list->at + list->count; s++) {
		if (s->place != SMARTHOST_HOST || s->lmtp)
			continue;
		if (s->security == SMARTHOST_STARTTLS && s->port == PORT_TLS)
			remark_port(l, s, SMARTHOST_TLS, "TLS from the start");
		if (s->security == SMARTHOST_TLS && s->port == PORT_STARTTLS)
			remark_port(l, s, SMARTHOST_STARTTLS, "STARTTLS");
		if (s->security == SMARTHOST_PLAIN && !is_loopback(s->host) &&
		    account_wants_secret(l->account))
			remark_in_clear(l, s);
	}
}

/*
 * User and password.
 */

static void
remark_odd(const struct look *l, const char *keyword, const char *what,
    const char *value)
{
	const char *odd = account_odd(text_of(value));
	struct error e;

	if (odd == NULL)
		return;
	error_clear(&e);
	error_set(&e, ERROR_CONFIG, NULL, "%s: %s", what, odd);
	tell(l, true, keyword, NULL, &e);
}

static void
look_at_login(const struct look *l)
{
	const struct account *a = l->account;
	struct error e;

	if (a->user == NULL)
		return;
	remark_odd(l, "user", "`user'", a->user);
	if (a->secret.source == SECRET_VALUE)
		remark_odd(l, "password", "the password", a->secret.text);
	if (a->secret.source != SECRET_NONE || !account_wants_secret(a))
		return;
	error_clear(&e);
	error_set(&e, ERROR_CONFIG, NULL,
	    "without `password-file' or `password-command' the password is "
	    "asked for, at a terminal only");
	tell(l, true, "user", NULL, &e);
}

/*
 * Who sends.
 */

/* A caller may name a whole sender, but for `force-from', which always wins. */
static void
tell_bare(const struct look *l, const char *keyword)
{
	const bool forced = strcmp(keyword, "force-from") == 0;
	struct error e;

	error_clear(&e);
	if (forced)
		error_set(&e, ERROR_CONFIG, NULL,
		    "force-from: it has no domain, and `domain' is not set: "
		    "each mail is refused");
	else
		error_set(&e, ERROR_CONFIG, NULL,
		    "without `domain' or a whole `from' a mail whose caller "
		    "names no whole sender is refused");
	error_hint(&e, "write: %s you@example.org", forced ? keyword : "from");
	tell(l, !forced, keyword, NULL, &e);
}

/* `from %U@%H' on a host whose name is `laptop'. */
static void
look_at_domain(const struct look *l, const char *keyword, const char *value)
{
	struct text path = text_of(value), domain;
	struct error e;

	domain = text_skip(path, text_find_last(path, '@') + 1);
	if (text_find(domain, '.') < domain.len ||
	    text_find(domain, '[') < domain.len)
		return;
	error_clear(&e);
	error_set(&e, ERROR_CONFIG, NULL,
	    "%s: it becomes %s, whose domain is no name that others know",
	    keyword, SHOWN(path));
	error_hint(&e, "write the whole domain: %s you@example.org", keyword);
	tell(l, true, keyword, NULL, &e);
}

static void
look_at_sender(const struct look *l)
{
	const struct account *a = l->account;
	const char *keyword = a->force_from != NULL ? "force-from" : "from";
	char *value = facts_expand(
	    a->force_from != NULL ? a->force_from : a->from, a, l->facts);

	if (value != NULL && strchr(value, '@') != NULL)
		look_at_domain(l, keyword, value);
	else if (a->domain == NULL)
		tell_bare(l, keyword);
	free(value);
}

/*
 * The spool.
 */

/* What is said about a spool while there is none. */
static void
look_at_no_spool(const struct look *l)
{
	const struct keyword *k;
	struct buf value;
	struct error e;
	size_t i;

	buf_init(&value, SIZE_MAX / 4);
	for (i = 0; (k = keyword_at(i)) != NULL; i++)
		if (text_starts_fold(text_of(k->name), TEXT("spool-")) &&
		    keyword_format(k, l->account, &value))
			break;
	buf_clear(&value);
	if (k == NULL)
		return;
	error_clear(&e);
	error_set(&e, ERROR_CONFIG, NULL,
	    "%s: without `spool' no mail is kept, and it means nothing",
	    k->name);
	error_hint(&e, "write: spool ~/.local/state/sendling/spool");
	tell(l, true, k->name, NULL, &e);
}

/* On many systems what has not been touched for days is removed there. */
static bool
is_emptied(struct text path)
{
	return text_starts_fold(path, TEXT("/tmp/")) ||
	       text_starts_fold(path, TEXT("/var/tmp/"));
}

/* `spool-lifetime 5' may have been meant as days. */
static void
look_at_lifetime(const struct look *l)
{
	const struct account *a = l->account;
	const bool usual = a->spool_retry.longest == 0;
	const char *keyword = usual ? "spool-lifetime" : "spool-retry";
	struct error e;

	if (backoff_by(a).first < backoff_lifetime(a))
		return;
	error_clear(&e);
	error_set(&e, ERROR_CONFIG, NULL,
	    "%s: `spool-lifetime' is over before the first wait is, and no "
	    "mail is tried a second time in time",
	    keyword);
	error_hint(&e, "write a %s one, like: %s %s",
	    usual ? "longer" : "shorter", keyword, usual ? "5d" : "5m");
	tell(l, true, keyword, NULL, &e);
}

/* Words that another keyword takes are a local part to this one. */
static void
look_at_report(const struct look *l)
{
	static const char *const words[] = {
	    "yes", "no", "on", "none", "true", "false"};
	const struct text wanted = text_of(
	    l->account->spool_report == NULL ? "" : l->account->spool_report);
	struct error e;
	size_t i;

	error_clear(&e);
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (text_equal_fold(wanted, text_of(words[i]))) {
			error_set(&e, ERROR_CONFIG, NULL,
			    "spool-report: reports go to an address that is "
			    "called `%s'",
			    words[i]);
			error_hint(&e,
			    "write one of: off, sender; or a whole address");
			tell(l, true, "spool-report", NULL, &e);
		}
}

static void
look_at_spool(const struct look *l)
{
	const struct account *a = l->account;
	struct error e;

	if (a->spool == NULL) {
		look_at_no_spool(l);
		return;
	}
	look_at_lifetime(l);
	look_at_report(l);
	error_clear(&e);
	if (is_emptied(text_of(a->spool))) {
		error_set(&e, ERROR_CONFIG, NULL,
		    "spool: in %s what is old is removed now and then",
		    SHOWN(text_of(a->spool)));
		error_hint(&e, "write: spool ~/.local/state/sendling/spool");
		tell(l, true, "spool", NULL, &e);
	}
}

/*
 * Which account it is.
 */

static const struct account *
chosen_for(const struct look *l, const char *sender)
{
	struct error unused;

	error_clear(&unused);
	return config_choose(l->config, NULL, sender, &unused);
}

static void
remark_taken(const struct look *l, const char *keyword, const char *value,
    const struct account *by)
{
	struct error e;

	error_clear(&e);
	error_set(&e, ERROR_CONFIG, NULL,
	    "%s: the account %s, which comes before, takes the mails of %s",
	    keyword, SHOWN(text_of(by->name)), SHOWN(text_of(value)));
	error_hint(&e, "put this account above it, or choose it by `-a %s'",
	    SHOWN(text_of(l->account->name)));
	tell(
	    l, true, keyword, strcmp(keyword, "match") == 0 ? value : NULL, &e);
}

/* A pattern stands for itself: what an earlier pattern takes of it, as `*' or
 * the same does, it takes of all that match it. */
static void
look_at_pattern(const struct look *l, const char *keyword, const char *value)
{
	const struct account *by = chosen_for(l, value);

	if (by != NULL && by != l->account && account_matches(by, value))
		remark_taken(l, keyword, value, by);
}

/* A `from' that accounts share leads to none of them but the first. */
static const char *
own_from(const struct look *l)
{
	const char *from = l->account->from;
	bool shared;

	config_where(l->config, l->account, "from", NULL, &shared);
	return from == NULL || strchr(from, '%') != NULL || shared ? NULL
								   : from;
}

/* Which senders lead to it, if any. */
static void
look_at_choice(const struct look *l)
{
	const struct account *a = l->account;
	const char *from = own_from(l);
	struct error e;
	size_t i;

	for (i = 0; i < a->match.count; i++)
		look_at_pattern(l, "match", a->match.at[i]);
	if (from != NULL)
		look_at_pattern(l, "from", from);
	if (a->match.count > 0 || from != NULL || chosen_for(l, NULL) == a)
		return;
	error_clear(&e);
	error_set(&e, ERROR_CONFIG, NULL,
	    "only `-a %s' chooses it, as it has no `match'",
	    SHOWN(text_of(a->name)));
	tell(l, true, "account", NULL, &e);
}

void
review_accounts(
    const struct review *r, const struct config *c, const struct facts *f)
{
	struct look l = {.review = r, .config = c, .facts = f};
	size_t i;

	for (i = 0; i < c->account_count; i++) {
		l.account = &c->accounts[i];
		look_at_checks(&l);
		look_at_smarthosts(&l);
		look_at_login(&l);
		look_at_sender(&l);
		look_at_spool(&l);
		look_at_choice(&l);
	}
}
