#include "run/queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "run/service.h"
#include "submit/backoff.h"
#include "submit/journal.h"

/* The first letters of files. */
static const char letters[] = {[QUEUE_WAITING] = 'Q',
    [QUEUE_HELD] = 'H',
    [QUEUE_FAILED] = 'F',
    [QUEUE_DAMAGED] = 'X',
    '\0'};

static const char *const words[] = {
    [QUEUE_WAITING] = "it waits",
    [QUEUE_HELD] = "it is held",
    [QUEUE_FAILED] = "it has failed for good",
    [QUEUE_DAMAGED] = "it is damaged",
};

static enum queue_state
state_of(const char *name)
{
	return (enum queue_state)(strchr(letters, name[0]) - letters);
}

/*
 * The spools.
 */

/* Who is named by -C sends all of them. */
static void
find_accounts(struct queue *q, struct queue_spool *s)
{
	const struct settings_plan *settings = q->plan->settings;
	unsigned uid, gid;

	s->complete = q->plan->complete;
	s->service = settings->path == NULL &&
		     service_has(q->plan->host, s->path, &uid, &gid);
	if (s->service)
		s->complete =
		    service_find_accounts(settings, uid, gid, &s->known);
}

static const struct account *
find_account(
    const struct queue *q, const struct queue_spool *s, const struct ticket *t)
{
	return config_find(
	    s->service ? &s->known : q->plan->config, t->account);
}

static void
open_spool(struct queue *q, struct queue_spool *s)
{
	struct folder_terms terms = {.path = s->path,
	    .owner = geteuid(),
	    .reading = !q->plan->acting,
	    .volatile_taken = true};
	unsigned gid;

	/* Whoever the service is, the folder is its own. */
	if (q->plan->host->uid == 0 && strcmp(s->path, SERVICE_SPOOL) == 0)
		folder_owner(s->path, &terms.owner, &gid);
	s->folder = folder_open(&terms, &s->error);
	if (s->folder == NULL && s->error.sys == ENOENT)
		error_clear(&s->error);
	if (s->folder != NULL)
		find_accounts(q, s);
}

static void
close_spool(struct queue_spool *s)
{
	folder_free(s->folder);
	free(s->path);
	if (s->service)
		config_clear(&s->known);
}

/* However its path is written. */
static bool
is_open(const struct queue *q, const struct folder *folder)
{
	size_t i = 0;

	while (i < q->count &&
	       (q->spools[i].folder == NULL || q->spools[i].folder == folder ||
		   !folder_is_same(q->spools[i].folder, folder)))
		i++;
	return i < q->count;
}

/* Takes the path. */
static void
add_spool(struct queue *q, char *path)
{
	struct queue_spool *s;
	size_t i;

	for (i = 0; path != NULL && i < q->count; i++) {
		if (strcmp(q->spools[i].path, path) == 0) {
			free(path);
			path = NULL;
		}
	}
	if (path == NULL)
		return;
	s = mem_push(q->spools, q->count);
	*s = (struct queue_spool){.path = path};
	open_spool(q, s);
	if (s->folder == NULL || !is_open(q, s->folder))
		return;
	close_spool(s);
	q->count--;
}

int
queue_open(struct queue *q, const struct queue_plan *plan, struct error *e)
{
	const struct config *c = plan->config;
	struct facts facts;
	size_t i;

	*q = (struct queue){.plan = plan};
	if (host_facts(plan->host, &facts, e) == -1)
		return -1;
	for (i = 0; i < c->account_count; i++)
		add_spool(
		    q, facts_spool(&c->accounts[i], &facts, plan->host->home));
	if (plan->host->uid == 0)
		add_spool(q, mem_copy(SERVICE_SPOOL));
	return 0;
}

void
queue_close(struct queue *q)
{
	size_t i;

	for (i = 0; i < q->count; i++)
		close_spool(&q->spools[i]);
	free(q->spools);
	memset(q, 0, sizeof(*q));
}

int
queue_check(const struct queue *q, struct error *e)
{
	size_t i;

	for (i = 0; i < q->count; i++)
		if (q->spools[i].error.kind != ERROR_NONE) {
			*e = q->spools[i].error;
			return -1;
		}
	return 0;
}

/*
 * One mail.
 */

static int
look(struct queue *q, struct queue_spool *s, const char *name,
    int (*found)(void *arg, const struct queue_mail *mail), void *arg)
{
	struct queue_mail m = {
	    .spool = s, .id = name + 1, .state = state_of(name)};
	struct folder_entry entry = {0};
	int status;

	status =
	    spooled_read(s->folder, name, SPOOLED_UNLOCKED, &m.file, &m.error);
	if (status == -1)
		m.state = QUEUE_DAMAGED;
	else if (m.state == QUEUE_DAMAGED)
		error_set(&m.error, ERROR_SPOOL, NULL,
		    "its message is not what was written");
	if (status != 0) {
		folder_look(s->folder, name, &entry);
		m.due = entry.due;
		m.size = m.file.layout.trailer_at == 0
			     ? entry.size
			     : m.file.ticket.message_size;
		m.account = find_account(q, s, &m.file.ticket);
		status = found(arg, &m);
	}
	spooled_clear(&m.file);
	return status;
}

int
queue_look(struct queue *q, const struct queue_place *place,
    int (*found)(void *arg, const struct queue_mail *mail), void *arg)
{
	return look(q, place->spool, place->name, found, arg);
}

/*
 * All mails.
 */

struct name {
	char at[FOLDER_NAME];
};

struct names {
	struct name *at;
	size_t count;
};

static int
add_name(void *arg, const char *name)
{
	struct names *all = arg;

	strlcpy(mem_push(all->at, all->count)->at, name, FOLDER_NAME);
	return 0;
}

/* An id begins with its time. */
static int
compare_ages(const void *a, const void *b)
{
	const struct name *one = a, *other = b;

	return strcmp(one->at + 1, other->at + 1);
}

static int
walk_spool(struct queue *q, struct queue_spool *s,
    int (*found)(void *arg, const struct queue_mail *mail), void *arg)
{
	struct names names = {0};
	int status = 0;
	size_t i;

	folder_scan(s->folder, letters, add_name, &names, &s->error);
	if (names.count > 0)
		qsort(names.at, names.count, sizeof(*names.at), compare_ages);
	for (i = 0; status == 0 && i < names.count; i++)
		status = look(q, s, names.at[i].at, found, arg);
	free(names.at);
	return status;
}

void
queue_walk(struct queue *q,
    int (*found)(void *arg, const struct queue_mail *mail), void *arg)
{
	size_t i;

	for (i = 0; i < q->count; i++)
		if (q->spools[i].folder != NULL &&
		    walk_spool(q, &q->spools[i], found, arg) != 0)
			return;
}

/*
 * Finding one.
 */

struct search {
	struct text id; /* or its beginning */
	struct queue_spool *spool;
	struct queue_place *place;
	size_t count;
	bool whole; /* one has this id, so that no longer one is meant */
};

static int
compare_id(void *arg, const char *name)
{
	struct search *s = arg;
	const bool whole = text_equal(text_of(name + 1), s->id);

	if (!whole &&
	    (s->whole ||
		!text_equal(text_first(text_of(name + 1), s->id.len), s->id)))
		return 0;
	if (whole && !s->whole)
		s->count = 0;
	s->whole = whole;
	if (s->count++ == 0) {
		s->place->spool = s->spool;
		strlcpy(s->place->name, name, sizeof(s->place->name));
	}
	return 0;
}

static int
refuse_id(struct queue *q, const struct search *s, struct error *e)
{
	if (s->count > 1) {
		error_set(e, ERROR_USAGE, "spool",
		    "the ids of %zu mails begin with `%s'", s->count,
		    SHOWN(s->id));
		return error_hint(e, "write more of the one that is meant");
	}
	/* It may be where we cannot look. */
	if (queue_check(q, e) == -1)
		return -1;
	error_set(
	    e, ERROR_INPUT, "spool", "no mail has the id `%s'", SHOWN(s->id));
	return error_hint(e, "`sendling -bp' lists those that are there");
}

int
queue_find(
    struct queue *q, const char *id, struct queue_place *place, struct error *e)
{
	struct search s = {.id = text_of(id), .place = place};
	struct queue_spool *spool;

	/* What a file is called may be pasted here as well. */
	if (s.id.len > 1 && strchr(letters, s.id.at[0]) != NULL)
		s.id = text_skip(s.id, 1);
	/* And what a list marks it with. */
	if (s.id.len > 1 && strchr("!#?", s.id.at[s.id.len - 1]) != NULL)
		s.id.len--;
	if (s.id.len == 0)
		return error_set(
		    e, ERROR_USAGE, "spool", "the id of a mail is empty");
	for (spool = q->spools; spool < q->spools + q->count; spool++) {
		s.spool = spool;
		if (spool->folder != NULL)
			folder_scan(spool->folder, letters, compare_id, &s,
			    &spool->error);
	}
	return s.count == 1 ? 0 : refuse_id(q, &s, e);
}

/*
 * Acts.
 */

static int
refuse_act(const struct queue_place *p, const char *act, struct error *e)
{
	return error_set(e, ERROR_USAGE, "spool", "%s: %s, and cannot be %s",
	    p->name + 1, words[state_of(p->name)], act);
}

static int
refuse_busy(const struct queue_place *p, struct error *e)
{
	error_set(e, ERROR_LATER, "spool",
	    "%s: it is being sent in this moment, or gone", p->name + 1);
	return error_hint(e, "look with `sendling -bp', and try again");
}

/* Whether it is what was written does not matter here. */
static int
lock(const struct queue_place *p, struct folder_file *file, struct error *e)
{
	int status;

	status = folder_lock(p->spool->folder, p->name, file, e);
	return status == 0 ? refuse_busy(p, e) : status;
}

static int
rename_to(const struct queue_place *p, struct folder_file *file, char letter,
    struct error *e)
{
	char name[FOLDER_NAME];

	spool_name(letter, p->name + 1, name);
	if (folder_rename(p->spool->folder, file, name, e) == -1)
		return -1;
	return folder_sync(p->spool->folder, e);
}

int
queue_hold(struct queue *q, const struct queue_place *p, struct error *e)
{
	struct folder_file file;
	int status;

	(void)q;
	switch (state_of(p->name)) {
	case QUEUE_HELD:
		return 0;
	case QUEUE_FAILED:
	case QUEUE_DAMAGED:
		return refuse_act(p, "held: no run sends it", e);
	case QUEUE_WAITING:
		break;
	}
	if (lock(p, &file, e) == -1)
		return -1;
	status = rename_to(p, &file, 'H', e);
	folder_close_file(p->spool->folder, &file);
	return status;
}

/* The record is on the disk before the name is back. */
static int
open_again(const struct queue *q, const struct queue_place *p,
    struct spooled *s, struct error *e)
{
	const struct account *a = find_account(q, p->spool, &s->ticket);
	const long long expires = q->plan->now + backoff_lifetime(a);
	struct buf record;
	int status = -1;

	buf_init(&record, TICKET_BLOCK);
	if (journal_format_again(&s->ticket, expires, &record) == 0) {
		status = spooled_append(s, buf_text(&record), e);
	} else {
		error_set(e, ERROR_SPOOL, "spool",
		    "%s: its journal is full, from attempts that failed",
		    p->name + 1);
		error_hint(e, "`sendling --show' prints the message: send it "
			      "anew, and delete this one");
	}
	buf_clear(&record);
	if (status == 0)
		status = folder_sync_file(p->spool->folder, &s->file, e);
	return status;
}

/* To its name as a mail that waits, and due. */
static int
make_due(const struct queue *q, const struct queue_place *p,
    struct folder_file *file, struct error *e)
{
	if (folder_set_due(p->spool->folder, file, q->plan->now, e) == -1)
		return -1;
	return state_of(p->name) == QUEUE_WAITING ? 0
						  : rename_to(p, file, 'Q', e);
}

static int
release_failed(
    const struct queue *q, const struct queue_place *p, struct error *e)
{
	struct spooled s;
	int status;

	status = spooled_read(p->spool->folder, p->name, 0, &s, e);
	if (status == 0)
		status = refuse_busy(p, e);
	else if (status == 1)
		status = open_again(q, p, &s, e);
	if (status == 0)
		status = make_due(q, p, &s.file, e);
	spooled_clear(&s);
	return status;
}

int
queue_release(struct queue *q, const struct queue_place *p, struct error *e)
{
	struct folder_file file;
	int status;

	switch (state_of(p->name)) {
	case QUEUE_DAMAGED:
		return refuse_act(p, "sent", e);
	case QUEUE_FAILED:
		return release_failed(q, p, e);
	case QUEUE_HELD:
	case QUEUE_WAITING:
		break;
	}
	if (lock(p, &file, e) == -1)
		return -1;
	status = make_due(q, p, &file, e);
	folder_close_file(p->spool->folder, &file);
	return status;
}

int
queue_delete(struct queue *q, const struct queue_place *p, struct error *e)
{
	struct folder_file file;
	int status;

	(void)q;
	if (lock(p, &file, e) == -1)
		return -1;
	status = folder_unlink(p->spool->folder, &file, e);
	if (status == 0)
		status = folder_sync(p->spool->folder, e);
	folder_close_file(p->spool->folder, &file);
	return status;
}
