#include "run/flush.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/set.h"
#include "run/batch.h"
#include "run/service.h"
#include "submit/backoff.h"
#include "world/clock.h"
#include "world/process.h"
#include "world/settings.h"

/* Failed mails whose end is told one by one. */
#define FLUSH_TOLD 10

/* No run is so late with what was kept long enough, seconds. */
#define FLUSH_LATE (366 * 24 * 3600LL)

struct flush {
	const struct flush_plan *plan;
	const struct host *host;
	struct host service; /* where we have become that */
	struct facts facts;
	struct outlet outlet;
	struct error later;   /* the first smarthost that cannot be used */
	struct error refused; /* the first that a spool refused */

	/* What belongs to a spool. */
	struct folder *folder;
	struct batch_mail *mails;
	size_t count;
	struct backoff slowest; /* of all accounts, */
	unsigned shortest_keep; /* and this */

	bool *found; /* which ids of the plan some mail has */

	struct batch batch; /* of an account */
};

/*
 * The mails of an account.
 */

/* Whatever kind of fault it is, nothing else mends itself. */
static void
note_unusable(struct flush *f, const struct error *cause)
{
	if (f->later.kind != ERROR_NONE)
		return;
	f->later = *cause;
	f->later.kind = ERROR_LATER;
}

/* What belongs to the account is opened when there is something to send. */
static void
flush_account(struct flush *f, size_t first, size_t end)
{
	const struct batch_plan plan = {.folder = f->folder,
	    .account = &f->plan->config->accounts[f->mails[first].account],
	    .facts = &f->facts,
	    .log = f->plan->log,
	    .json = f->plan->json,
	    .outlet = &f->outlet,
	    .mails = f->mails + first,
	    .count = end - first,
	    .deadline = CLOCK_NEVER,
	    .failed = &f->refused};
	struct error cause;

	error_clear(&cause);
	log_open(f->plan->log, plan.account);
	log_explain(f->plan->log, "account %s: %zu due in %s",
	    plan.account->name, plan.count, folder_path(f->folder));
	batch_begin(&f->batch, &plan);
	if (batch_has_mail(&f->batch) && batch_send(&f->batch, &cause) == -1)
		note_unusable(f, &cause);
	outlet_close(&f->outlet);
	batch_end(&f->batch);
}

/*
 * The mails of a spool.
 */

static bool
is_asked_for(struct flush *f, const char *id)
{
	const struct flush_plan *plan = f->plan;
	bool asked = plan->id_count == 0;
	size_t i;

	for (i = 0; i < plan->id_count; i++)
		if (strncmp(id, plan->ids[i], strlen(plan->ids[i])) == 0)
			asked = f->found[i] = true;
	return asked;
}

static void
add_mail(struct flush *f, const char *name, long long due)
{
	struct batch_mail *mail = mem_push(f->mails, f->count);

	*mail = (struct batch_mail){.due = due};
	strlcpy(mail->id, name + 1, sizeof(mail->id));
}

static int
add_due(void *arg, const char *name)
{
	struct flush *f = arg;
	const long long now = f->facts.now.seconds;
	struct folder_entry seen;

	if (!is_asked_for(f, name + 1) ||
	    folder_look(f->folder, name, &seen) == -1 ||
	    (!f->plan->all && f->plan->id_count == 0 &&
		!backoff_is_due(
		    &f->slowest, ticket_moment(name + 1), seen.due, now)))
		return 0;
	add_mail(f, name, seen.due);
	return 0;
}

/* A head that cannot be read is told with its mail, whoever's that is. */
static bool
note_account(struct flush *f, struct batch_mail *mail)
{
	const struct account *accounts = f->plan->config->accounts;
	const struct account *account = accounts;
	char name[FOLDER_NAME];
	struct spooled s;
	int found;

	spool_name('Q', mail->id, name);
	found = spooled_read(f->folder, name, SPOOLED_UNLOCKED, &s, NULL);
	if (found == 1)
		account = config_find(f->plan->config, s.ticket.account);
	mail->uid = s.ticket.uid;
	spooled_clear(&s);
	if (account != NULL)
		mail->account = (size_t)(account - accounts);
	return found != 0 && account != NULL;
}

static int
compare(const void *a, const void *b)
{
	const struct batch_mail *x = a, *y = b;

	if (x->account == y->account)
		return strcmp(x->id, y->id);
	return x->account < y->account ? -1 : 1;
}

/* By account, and the oldest first; those whose account is gone wait. */
static void
sort_mails(struct flush *f)
{
	size_t i, kept = 0;

	for (i = 0; i < f->count; i++)
		if (note_account(f, &f->mails[i]))
			f->mails[kept++] = f->mails[i];
	if (kept < f->count)
		log_note(f->plan->log,
		    "%s: %zu due for accounts that are gone: `mailq' names "
		    "them",
		    folder_path(f->folder), f->count - kept);
	f->count = kept;
	if (kept > 0)
		qsort(f->mails, kept, sizeof(*f->mails), compare);
}

static void
flush_mails(struct flush *f)
{
	size_t first, end;

	if (folder_scan(f->folder, "Q", add_due, f, &f->refused) == -1)
		return;
	sort_mails(f);
	for (first = 0; first < f->count; first = end) {
		end = first;
		while (end < f->count &&
		       f->mails[end].account == f->mails[first].account)
			end++;
		flush_account(f, first, end);
	}
}

/*
 * Failed mails that were kept long enough.
 */

static unsigned
keep_of(const struct account *a)
{
	return a == NULL || a->spool_keep == 0 ? ACCOUNT_SPOOL_KEEP
					       : a->spool_keep;
}

static int
add_failed(void *arg, const char *name)
{
	struct flush *f = arg;
	struct folder_entry seen;

	if (folder_look(f->folder, name, &seen) == -1 ||
	    seen.due > f->facts.now.seconds - f->shortest_keep)
		return 0;
	add_mail(f, name, seen.due);
	return 0;
}

/* What cannot be read is left to a person; and what is later than a run would
 * be has seen a clock that jumped: its time begins anew. */
static bool
remove_failed(struct flush *f, const struct batch_mail *mail)
{
	const long long age = f->facts.now.seconds - mail->due;
	char name[FOLDER_NAME];
	struct spooled s;
	long long keep;
	bool removed = false;

	spool_name('F', mail->id, name);
	if (spooled_read(f->folder, name, 0, &s, NULL) == 1) {
		keep = keep_of(config_find(f->plan->config, s.ticket.account));
		if (age > keep + FLUSH_LATE)
			folder_set_due(f->folder, &s.file, f->facts.now.seconds,
			    &f->refused);
		else if (age > keep)
			removed =
			    folder_unlink(f->folder, &s.file, &f->refused) == 0;
	}
	spooled_clear(&s);
	return removed;
}

static void
remove_all_failed(struct flush *f)
{
	size_t i, removed = 0;

	f->count = 0;
	folder_scan(f->folder, "F", add_failed, f, &f->refused);
	for (i = 0; i < f->count; i++) {
		if (!remove_failed(f, &f->mails[i]))
			continue;
		if (++removed <= FLUSH_TOLD)
			log_note(f->plan->log,
			    "the failed mail %s is removed, by `spool-keep'",
			    f->mails[i].id);
	}
	if (removed > FLUSH_TOLD)
		log_note(f->plan->log,
		    "%zu more that failed are removed, by `spool-keep'",
		    removed - FLUSH_TOLD);
}

static void
flush_folder(struct flush *f, const struct account *account)
{
	log_open(f->plan->log, account);
	if (f->plan->id_count > 0 || folder_lock_run(f->folder)) {
		folder_collect(f->folder);
		flush_mails(f);
		remove_all_failed(f);
		folder_sync(f->folder, &f->refused);
	} else {
		log_tell_person(f->plan->log,
		    "another run is at work, which sends what is due");
	}
	free(f->mails);
	f->mails = NULL;
	f->count = 0;
}

/* One that is not there is empty. What is told of all its mails is told where
 * this account tells things. */
static void
flush_spool(struct flush *f, const char *path, const struct account *account)
{
	const struct folder_terms terms = {
	    .path = path, .owner = f->host->uid, .volatile_taken = true};
	struct error e;

	error_clear(&e);
	f->folder = folder_open(&terms, &e);
	if (f->folder != NULL)
		flush_folder(f, account);
	else if (e.sys != ENOENT && f->refused.kind == ERROR_NONE)
		f->refused = e;
	folder_free(f->folder);
	f->folder = NULL;
}

/*
 * All spools.
 */

static void
note_bounds(struct flush *f)
{
	const struct config *c = f->plan->config;
	struct backoff retry;
	size_t i;

	f->shortest_keep = keep_of(NULL);
	for (i = 0; i < c->account_count; i++) {
		if (keep_of(&c->accounts[i]) < f->shortest_keep)
			f->shortest_keep = keep_of(&c->accounts[i]);
		retry = backoff_by(&c->accounts[i]);
		if (retry.first > f->slowest.first)
			f->slowest.first = retry.first;
		if (retry.longest > f->slowest.longest)
			f->slowest.longest = retry.longest;
	}
}

/* Root's mails are in it where it is root's. */
static bool
is_service(const struct flush *f, const char *path)
{
	unsigned uid, gid;

	return service_has(f->host, path, &uid, &gid);
}

/* Each path once; takes it. */
static void
flush_once(struct flush *f, struct set *paths, char *path,
    const struct account *account)
{
	if (path != NULL && !is_service(f, path) &&
	    set_add(paths, text_of(path), strlen(path)))
		flush_spool(f, path, account);
	free(path);
}

static void
flush_spools(struct flush *f)
{
	const struct config *c = f->plan->config;
	struct set paths = {.count = 0};
	size_t i;

	for (i = 0; i < c->account_count; i++)
		flush_once(f, &paths,
		    facts_spool(&c->accounts[i], &f->facts, f->host->home),
		    &c->accounts[i]);
	if (f->host->uid == 0 && c->account_count > 0)
		flush_once(f, &paths, mem_copy(SERVICE_SPOOL), c->accounts);
	set_clear(&paths);
}

/*
 * The service's spool, where we are root and the service is not: what has its
 * mails in hand has its rights.
 */

struct flush_told {
	struct error later, refused;
	bool found[];
};

static size_t
told_size(const struct flush_plan *plan)
{
	return sizeof(struct flush_told) + plan->id_count;
}

static void
tell(const struct flush *f, struct flush_told *told)
{
	told->later = f->later;
	told->refused = f->refused;
	memcpy(told->found, f->found, f->plan->id_count);
}

static void
take_told(struct flush *f, const struct flush_told *told)
{
	f->later = told->later;
	f->refused = told->refused;
	memcpy(f->found, told->found, f->plan->id_count);
}

/* What -C names is for all; what root has at home, and the password there, is
 * for root's mails alone. */
static int
read_own(struct flush *f, struct flush_plan *own, struct config *config)
{
	*own = *f->plan;
	if (own->settings->path != NULL)
		return 0;
	if (settings_read(own->settings, f->host, config, &f->refused) == -1)
		return -1;
	own->config = config;
	f->plan = own;
	outlet_init(&f->outlet, config, own->log);
	note_bounds(f);
	return 0;
}

static void
serve(void *arg, void *told)
{
	struct flush *f = arg;
	struct flush_plan own;
	struct config config;
	unsigned uid, gid;
	int result;

	result = folder_owner(SERVICE_SPOOL, &uid, &gid);
	if (result == 0)
		result = host_become(&f->service, uid, gid, &f->refused);
	f->host = &f->service;
	if (result == 0)
		result = read_own(f, &own, &config);
	if (result == 0)
		result = host_facts(f->host, &f->facts, &f->refused);
	if (result == 0)
		flush_spool(f, SERVICE_SPOOL, f->plan->config->accounts);
	tell(f, told);
}

/* Its own configuration may name a password that only its unit is given; and
 * ours sends through its socket, perhaps. */
static bool
flushes_itself(const struct flush *f)
{
	return is_service(f, SERVICE_SPOOL) &&
	       f->plan->settings->path == NULL && settings_of_service() != NULL;
}

static void
flush_service(struct flush *f)
{
	struct flush_told *told;
	struct error e;

	if (!is_service(f, SERVICE_SPOOL) || flushes_itself(f) ||
	    f->plan->config->account_count == 0)
		return;
	error_clear(&e);
	told = mem_new(1, told_size(f->plan));
	tell(f, told);
	if (process_apart(serve, f, told, told_size(f->plan), &e) == -1)
		told->refused = e;
	take_told(f, told);
	free(told);
}

/* What is held, or has failed, takes another option. */
static int
check_found(const struct flush *f, struct error *e)
{
	const struct flush_plan *plan = f->plan;
	size_t i = 0;

	while (i < plan->id_count && f->found[i])
		i++;
	if (i == plan->id_count)
		return 0;
	error_set(e, ERROR_INPUT, "spool",
	    "no mail that waits has the id `%s'%s",
	    SHOWN(text_of(plan->ids[i])),
	    flushes_itself(f)
		? ", but perhaps in " SERVICE_SPOOL
		  ", which the service with its own configuration flushes"
		: "");
	return error_hint(e,
	    "`sendling -bp' lists those that are there; one that is held, or "
	    "has failed, waits after `--release ID'");
}

int
flush_run(const struct flush_plan *plan, struct error *e)
{
	struct flush f = {.plan = plan, .host = plan->host};

	if (host_facts(plan->host, &f.facts, e) == -1)
		return -1;
	f.found = mem_new(plan->id_count + 1, sizeof(*f.found));
	outlet_init(&f.outlet, plan->config, plan->log);
	note_bounds(&f);
	flush_spools(&f);
	flush_service(&f);
	*e = f.later.kind != ERROR_NONE ? f.later : f.refused;
	if (e->kind == ERROR_NONE)
		check_found(&f, e);
	free(f.found);
	return e->kind == ERROR_NONE ? 0 : -1;
}
