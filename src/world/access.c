#include "world/access.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "world/host.h"

#define CONTAINER "/run/secrets"

/* What a container was given: root's, and often for everybody in it to read.
 * Kubernetes leads to it by symbolic links, and /var/run is one, too. */
static bool
is_container_secret(const char *path, const struct stat *st)
{
	char *folder, *file;
	size_t len;
	bool below;

	if (st->st_uid != 0)
		return false;
	folder = realpath(CONTAINER, NULL);
	file = realpath(path, NULL);
	len = folder == NULL ? 0 : strlen(folder);
	below = len > 0 && file != NULL && strncmp(file, folder, len) == 0 &&
		file[len] == '/';
	free(folder);
	free(file);
	return below;
}

/* What is wrong with owner and mode, or NULL. A group is of its owner's
 * choice: that is how several users share a password. */
static const char *
fault(const char *path, enum access_trust trust, const struct stat *st)
{
	if (trust == ACCESS_ANY)
		return NULL;
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return "it belongs to somebody else";
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return "others may write to it";
	if (trust == ACCESS_SECRET && (st->st_mode & S_IROTH) != 0 &&
	    !is_container_secret(path, st))
		return "it holds a secret and everybody may read it";
	return NULL;
}

/* How several users share a file; user is one of them. */
static int
hint_sharing(
    const char *before, const char *name, const char *user, struct error *e)
{
	return error_hint(e,
	    "%sto share it with a group, as root: chown root:GROUP %s; chmod "
	    "640 %s; usermod -aG GROUP %s",
	    before, name, name, user);
}

/* What mends the fault, and shuts nobody out who may use the file, too. */
static int
hint_mending(const char *name, enum access_trust trust, const struct stat *st,
    struct error *e)
{
	const unsigned us = geteuid();
	const bool ours = st->st_uid == us;
	const bool theirs = !ours && st->st_uid != 0;
	char alone[200] = "";

	if (theirs && trust == ACCESS_CONFIG && (st->st_mode & S_IROTH) != 0)
		return error_hint(
		    e, "%schown root %s", us == 0 ? "" : "as root: ", name);
	if (!theirs && (st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return error_hint(
		    e, "%schmod go-w %s", ours ? "" : "as root: ", name);
	if (ours && us != 0)
		return error_hint(e, "chmod 600 %s", name);
	if (us == 0)
		snprintf(alone, sizeof(alone), "for root alone: %s %s; ",
		    theirs ? "chown root" : "chmod 600", name);
	return hint_sharing(alone, name, "USER", e);
}

int
access_check(const char *path, enum access_trust trust, const struct stat *st,
    struct error *e)
{
	struct text_shown name = text_shown(text_of(path));
	const char *what = fault(path, trust, st);

	if (what == NULL)
		return 0;
	error_set(e, ERROR_CONFIG, NULL,
	    "%s: %s (owner %u, group %u, mode %04o; we are user %u)",
	    name.words, what, st->st_uid, st->st_gid, st->st_mode & 07777,
	    (unsigned)geteuid());
	return hint_mending(name.words, trust, st, e);
}

int
access_denied(const char *path, struct error *e)
{
	struct text_shown name = text_shown(text_of(path));
	struct host_name user = host_user(geteuid()), owner, group;
	struct stat st;

	if (stat(path, &st) == -1) {
		error_set(e, ERROR_CONFIG, NULL,
		    "%s: user %s may not search the folders on the way to it",
		    name.words, user.words);
		e->sys = EACCES;
		return error_hint(e,
		    "let the user search them, or keep the file elsewhere, as "
		    "in /etc");
	}
	owner = host_user(st.st_uid);
	group = host_group(st.st_gid);
	error_set(e, ERROR_CONFIG, NULL,
	    "%s: user %s may not read it (owner %s, group %s, mode %04o)",
	    name.words, user.words, owner.words, group.words,
	    st.st_mode & 07777);
	e->sys = EACCES;
	if (st.st_uid == geteuid() && (st.st_mode & S_IRUSR) == 0)
		return error_hint(e, "chmod u+r %s", name.words);
	if (st.st_uid == geteuid())
		return error_hint(e, "its mode is not why: ask the rules of "
				     "SELinux or AppArmor, or the file server");
	/* Nobody becomes a member of root's own group for it. */
	if ((st.st_mode & S_IRGRP) == 0 || st.st_gid == 0)
		return hint_sharing("", name.words, user.words, e);
	return error_hint(e,
	    "as root: usermod -aG %s %s; it holds from the next login on",
	    group.words, user.words);
}

void
access_remark(const char *path, enum access_trust trust, const struct stat *st,
    struct notes *remarks)
{
	if (trust == ACCESS_SECRET && (st->st_mode & S_IROTH) != 0)
		notes_add(remarks,
		    "%s: everybody may read it (mode %04o), which is taken "
		    "below " CONTAINER " alone",
		    path, st->st_mode & 07777);
}
