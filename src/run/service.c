#include "run/service.h"

#include <string.h>

#include "base/mem.h"
#include "world/folder.h"
#include "world/process.h"

/* Who has more, or longer names, is not known to the end. */
#define ACCOUNTS_MAX 100
#define NAME_SIZE    80

bool
service_has(
    const struct host *h, const char *path, unsigned *uid, unsigned *gid)
{
	return h->uid == 0 && strcmp(path, SERVICE_SPOOL) == 0 &&
	       folder_owner(path, uid, gid) == 0 && *uid != 0;
}

struct task {
	const struct settings_plan *plan;
	unsigned uid, gid;
};

struct told {
	bool complete;
	size_t count;
	struct told_account {
		char name[NAME_SIZE];
		unsigned lifetime;
		struct spool_retry retry;
	} accounts[ACCOUNTS_MAX];
};

static bool
add_account(struct told *told, const struct account *a)
{
	struct told_account *to = &told->accounts[told->count];

	if (told->count == ACCOUNTS_MAX ||
	    strlcpy(to->name, a->name, NAME_SIZE) >= NAME_SIZE)
		return false;
	to->lifetime = a->spool_lifetime;
	to->retry = a->spool_retry;
	told->count++;
	return true;
}

/* In a process of its own. */
static void
read_accounts(void *arg, void *result)
{
	const struct task *task = arg;
	struct settings_plan plan = *task->plan;
	struct told *told = result;
	struct config config;
	struct host host;
	struct error e;
	size_t i;

	error_clear(&e);
	if (host_become(&host, task->uid, task->gid, &e) == -1)
		return;
	plan.path = settings_of_service();
	told->complete = settings_read(&plan, &host, &config, &e) == 0;
	for (i = 0; i < config.account_count; i++)
		if (!add_account(told, &config.accounts[i]))
			told->complete = false;
}

bool
service_find_accounts(const struct settings_plan *plan, unsigned uid,
    unsigned gid, struct config *c)
{
	struct task task = {plan, uid, gid};
	struct told told = {.count = 0};
	struct account *a;
	size_t i;

	config_init(c);
	if (process_apart(read_accounts, &task, &told, sizeof(told), NULL) ==
	    -1)
		return false;
	for (i = 0; i < told.count; i++) {
		a = mem_push(c->accounts, c->account_count);
		*a = (struct account){.name = mem_copy(told.accounts[i].name),
		    .spool_lifetime = told.accounts[i].lifetime,
		    .spool_retry = told.accounts[i].retry};
	}
	return told.complete;
}
