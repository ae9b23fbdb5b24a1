#include "world/access.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"

static bool
our_group(gid_t group)
{
	gid_t *groups;
	int count, i;
	bool ours;

	ours = group == getegid();
	count = getgroups(0, NULL);
	if (ours || count <= 0)
		return ours;
	groups = mem_new((size_t)count, sizeof(*groups));
	count = getgroups(count, groups);
	for (i = 0; i < count && !ours; i++)
		ours = groups[i] == group;
	free(groups);
	return ours;
}

/* What is wrong with owner and mode, or NULL. */
static const char *
fault(enum access_trust trust, const struct stat *st)
{
	if (trust == ACCESS_ANY)
		return NULL;
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return "it belongs to somebody else";
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return "others may write to it";
	if (trust == ACCESS_CONFIG)
		return NULL;
	if ((st->st_mode & S_IROTH) != 0)
		return "it holds a password and everybody may read it";
	if ((st->st_mode & S_IRGRP) != 0 && !our_group(st->st_gid))
		return "it holds a password and a group that is not ours may "
		       "read it";
	return NULL;
}

int
access_check(const char *path, enum access_trust trust, const struct stat *st,
    struct error *e)
{
	struct text_shown name = text_shown(text_of(path));
	const char *what = fault(trust, st);

	if (what == NULL)
		return 0;
	error_set(e, ERROR_CONFIG, NULL,
	    "%s: %s (owner %u, group %u, mode %04o; we are user %u)",
	    name.words, what, st->st_uid, st->st_gid, st->st_mode & 07777,
	    (unsigned)geteuid());
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return error_hint(
		    e, "as root: chown %u %s", (unsigned)geteuid(), name.words);
	return error_hint(e, "%s %s",
	    trust == ACCESS_SECRET ? "chmod 600" : "chmod go-w", name.words);
}
