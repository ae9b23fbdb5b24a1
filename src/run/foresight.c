#include "run/foresight.h"

#include <stdlib.h>

#include "message/address.h"
#include "run/enqueue.h"
#include "submit/sender.h"
#include "submit/submit.h"
#include "world/clock.h"
#include "world/program.h"
#include "world/secret.h"
#include "world/settings.h"
#include "world/tls.h"

/* By a submission to one account. */
struct foresight {
	const struct account *account;
	struct alias_map *aliases;
	bool aliases_read;
};

static int
open_aliases(void *arg, const struct alias_map **map, struct error *e)
{
	struct foresight *f = arg;

	if (!f->aliases_read &&
	    settings_read_aliases(f->account, &f->aliases, NULL, e) == -1)
		return -1;
	f->aliases_read = true;
	*map = f->aliases;
	return 0;
}

static int
check_envelope(
    const struct foresight_plan *plan, const struct account *a, struct error *e)
{
	struct foresight f = {.account = a};
	const struct submit_aliases aliases = {
	    open_aliases, &f, &settings_lists};
	struct notes notes = {0};
	struct envelope envelope;
	struct facts facts;
	struct submission s = {.request = plan->request,
	    .facts = &facts,
	    .account = a,
	    .aliases = &aliases,
	    .message = plan->empty,
	    .envelope = &envelope,
	    .notes = &notes};
	int result;

	if (host_facts(plan->host, &facts, e) == -1)
		return -1;
	envelope_init(&envelope);
	result = submit_foresee(&s, e);
	envelope_clear(&envelope);
	alias_free(f.aliases);
	notes_clear(&notes);
	return result;
}

/* What is no command can be read twice. */
static int
read_secret(const struct account *a, struct error *e)
{
	struct buf secret;
	int result;

	buf_init(&secret, SECRET_MAX);
	result = secret_read(a, false, CLOCK_NEVER, &secret, e);
	buf_wipe(&secret);
	return result;
}

static int
check_secret(const struct account *a, struct error *e)
{
	switch (a->secret.source) {
	case SECRET_NONE: /* who types is asked for it, when it is due */
		return 0;
	case SECRET_COMMAND:
		if (program_check(a->secret.text, e) == 0)
			return 0;
		e->doing = "password-command";
		return -1;
	case SECRET_VALUE:
	case SECRET_FILE:
	case SECRET_CREDENTIAL:
		break;
	}
	return read_secret(a, e);
}

/* Where TLS need not be its faults count when it is there. */
static int
check_tls(const struct account *a, struct error *e)
{
	const struct smarthost *s = a->smarthosts.at;
	const struct smarthost *end = s + a->smarthosts.count;
	struct tls *tls;

	while (s < end && (s->security == SMARTHOST_PLAIN ||
			      s->security == SMARTHOST_OFFERED))
		s++;
	if (s == end)
		return 0;
	tls = tls_new(a, s, e);
	tls_free(tls);
	return tls == NULL ? -1 : 0;
}

/* Whether a spool is to keep what cannot be sent. 0, or -1 with why not. */
static int
check_spool(
    const struct foresight_plan *plan, const struct account *a, struct error *e)
{
	struct facts facts;
	const struct enqueue_plan way = {.account = a,
	    .facts = &facts,
	    .host = plan->host,
	    .config = plan->config,
	    .settings = plan->settings};
	bool there;
	char *path;

	if (host_facts(plan->host, &facts, e) == -1)
		return -1;
	path = facts_spool(a, &facts, plan->host->home);
	there = path != NULL;
	free(path);
	return there ? enqueue_check(&way, e) : enqueue_refuse(e);
}

/* What may be mended is no fault of a mail that waits for it in a spool. */
static int
check_account(
    const struct foresight_plan *plan, const struct account *a, struct error *e)
{
	const enum request_queue queue = plan->request->queue;
	struct error why;

	error_clear(&why);
	if (check_envelope(plan, a, e) == -1)
		return -1;
	if (queue != QUEUE_NEVER && check_spool(plan, a, &why) == 0)
		return 0;
	if (queue == QUEUE_ONLY) {
		*e = why;
		return -1;
	}
	if (account_check(a, e) == -1 || check_secret(a, e) == -1)
		return -1;
	return check_tls(a, e);
}

/* By -a, by the sender that -f names, or as there is no other: no field of the
 * message has a say. NULL without an error: one has. */
static const struct account *
find_chosen(const struct foresight_plan *plan, struct error *e)
{
	const struct config *c = plan->config;
	const struct account *chosen = NULL;
	struct buf sender;

	buf_init(&sender, ADDRESS_PATH_MAX);
	sender_add_first(text_of(plan->request->reverse_path), &sender);
	if (plan->account != NULL || sender.len > 0 || c->account_count <= 1)
		chosen = config_choose(c, plan->account,
		    sender.len == 0 ? NULL : buf_string(&sender), e);
	buf_clear(&sender);
	return chosen;
}

int
foresight_check(const struct foresight_plan *plan, struct error *e)
{
	const struct config *c = plan->config;
	const struct account *chosen = find_chosen(plan, e);
	struct error one;
	size_t i;

	if (chosen != NULL)
		return check_account(plan, chosen, e);
	for (i = 0; e->kind == ERROR_NONE && i < c->account_count; i++) {
		error_clear(&one);
		if (check_account(plan, &c->accounts[i], &one) == 0)
			return 0;
		if (i + 1 == c->account_count)
			*e = one;
	}
	return -1;
}
