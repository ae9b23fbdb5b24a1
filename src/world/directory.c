#include "world/directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "submit/ticket.h"
#include "world/host.h"

#define DIRECTORY_MODE (S_IRUSR | S_IWUSR | S_IXUSR)
#define OF_HIS_OWN                                                             \
	"each user has a folder of his own, as with: spool "                   \
	"~/.local/state/sendling/spool"

int
directory_hint(const char *path, int sys, struct error *e)
{
	struct text_shown name = text_shown(text_of(path));

	if (sys == ENOSPC || sys == EDQUOT)
		return error_hint(e, "make room there: df -h %s; df -i %s",
		    name.words, name.words);
	if (sys == EROFS)
		return error_hint(e,
		    "mount it for writing, or name another folder: spool PATH");
	if (sys == ENOENT)
		return error_hint(e,
		    "make it, as the user who is to own it: mkdir -p -m 700 %s",
		    name.words);
	if (sys == EACCES)
		return error_hint(e, OF_HIS_OWN);
	return -1;
}

/* With its mode from the first moment on, since another run may be about to
 * open it. There is no other thread that makes files. */
static int
make_one(int parent, const char *name)
{
	mode_t usual = umask(0);
	int status = mkdirat(parent, name, DIRECTORY_MODE);

	umask(usual);
	return status == -1 && errno == EEXIST ? 0 : status;
}

/* Where no folder is one is made, and so on upwards; the one that is there
 * already must be the owner's. */
static int
make_missing(char *path, unsigned owner)
{
	char *slash = strrchr(path, '/');
	struct stat st;
	int status, parent;

	if (slash == NULL || slash == path)
		return -1;
	*slash = '\0';
	status = stat(path, &st);
	if (status == -1 && errno == ENOENT)
		status = make_missing(path, owner);
	else if (status == 0 && st.st_uid != owner) {
		errno = ENOENT;
		status = -1;
	}
	parent =
	    status == -1 ? -1 : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*slash = '/';
	if (parent == -1)
		return -1;
	status = make_one(parent, slash + 1);
	if (status == 0)
		status = (int)TEMP_FAILURE_RETRY(fsync(parent));
	close(parent);
	return status;
}

/* A slash at its end would have a symbolic link followed. */
char *
directory_new_path(const char *path)
{
	size_t len = strlen(path);

	while (len > 1 && path[len - 1] == '/')
		len--;
	return mem_string(path, len);
}

static int
open_or_make(const char *path, unsigned owner, bool make)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	char *copy;
	int fd;

	fd = (int)TEMP_FAILURE_RETRY(open(path, flags));
	if (fd != -1 || errno != ENOENT || !make)
		return fd;
	copy = mem_copy(path);
	if (make_missing(copy, owner) == 0)
		fd = (int)TEMP_FAILURE_RETRY(open(path, flags));
	free(copy);
	return fd;
}

static int
refuse_open(const char *path, unsigned owner, struct error *e)
{
	struct text_shown name = text_shown(text_of(path));
	const int sys = errno;
	struct stat st;

	if ((sys == ENOTDIR || sys == ELOOP) && lstat(path, &st) == 0) {
		error_set(e, ERROR_SPOOL, "spool", "%s: %s", name.words,
		    S_ISLNK(st.st_mode)
			? "a symbolic link, which is not followed"
			: "not a folder");
		return error_hint(
		    e, "name the folder itself, from `/' on: spool PATH");
	}
	error_set_sys(e, ERROR_SPOOL, sys, "spool", "%s", name.words);
	if (sys == ENOENT)
		return error_hint(e,
		    "make it, as root: install -d -m 700 -o %s %s",
		    host_user(owner).words, name.words);
	return directory_hint(path, sys, e);
}

static bool
is_of_a_spool(const char *name)
{
	static const char *const others[] = {".", "..", ".lock", "lost+found"};
	size_t i;

	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (strcmp(name, others[i]) == 0)
			return true;
	return name[0] != '\0' && ticket_is_id(text_of(name + 1));
}

/* Who gives a folder to another user, or shuts others out of it, must not find
 * that it was /var or /. */
static bool
holds_nothing_else(int fd)
{
	DIR *all;
	struct dirent *entry;
	const int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool nothing;

	if (own == -1)
		return false;
	all = fdopendir(own);
	if (all == NULL) {
		close(own);
		return false;
	}
	errno = 0;
	while ((entry = readdir(all)) != NULL && is_of_a_spool(entry->d_name))
		continue;
	nothing = entry == NULL && errno == 0;
	closedir(all);
	return nothing;
}

static int
refuse_owner(
    int fd, const char *path, unsigned theirs, unsigned ours, struct error *e)
{
	struct text_shown name = text_shown(text_of(path));
	struct host_name user = host_user(ours);

	error_set(e, ERROR_SPOOL, "spool",
	    "%s: it belongs to %s, and not to %s", name.words,
	    host_user(theirs).words, user.words);
	if (!holds_nothing_else(fd))
		return error_hint(e, OF_HIS_OWN);
	return error_hint(e,
	    OF_HIS_OWN "; if this is to be %s's, as root: chown -R %s %s",
	    user.words, user.words, name.words);
}

static int
check_owner(int fd, const char *path, const struct stat *st, unsigned owner,
    struct error *e)
{
	struct text_shown name = text_shown(text_of(path));

	if (st->st_uid != owner)
		return refuse_owner(fd, path, st->st_uid, owner, e);
	if ((st->st_mode & (S_IRWXG | S_IRWXO)) == 0)
		return 0;
	error_set(e, ERROR_SPOOL, "spool",
	    "%s: others may look or write into it (mode %04o)", name.words,
	    st->st_mode & 07777);
	if (!holds_nothing_else(fd))
		return error_hint(e, "it is not for mail alone; " OF_HIS_OWN);
	return error_hint(e, "chmod 700 %s", name.words);
}

/* Where the caller happens to stand no later run would look. */
static int
refuse_homeless(const char *path, struct error *e)
{
	error_set(e, ERROR_SPOOL, "spool",
	    "%s: there is no home folder for this user", SHOWN(text_of(path)));
	return error_hint(
	    e, "set HOME, or name a folder from `/' on: spool PATH");
}

int
directory_open(const char *path, unsigned owner, bool make, struct error *e)
{
	struct stat st;
	int fd;

	if (text_starts_fold(text_of(path), TEXT("~/")))
		return refuse_homeless(path, e);
	fd = open_or_make(path, owner, make);
	if (fd == -1)
		return refuse_open(path, owner, e);
	if (fstat(fd, &st) == -1)
		refuse_open(path, owner, e);
	else if (check_owner(fd, path, &st, owner, e) == 0)
		return fd;
	close(fd);
	return -1;
}

/* False where nothing but the root is above. */
static bool
cut_last(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash == NULL || slash == path)
		return false;
	*slash = '\0';
	return true;
}

int
directory_open_above(const char *path, unsigned owner, struct error *e)
{
	char *above = mem_copy(path);
	struct stat st;
	bool is_left;
	int fd = -1;

	do
		is_left = cut_last(above);
	while (is_left && stat(above, &st) == -1 && errno == ENOENT);
	if (is_left)
		fd = open(above, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd != -1 && fstat(fd, &st) == 0 && st.st_uid == owner &&
	    faccessat(fd, ".", W_OK | X_OK, AT_EACCESS) == 0) {
		free(above);
		return fd;
	}
	if (fd != -1)
		close(fd);
	free(above);
	errno = ENOENT;
	return refuse_open(path, owner, e);
}

int
directory_check_system(
    int fd, const char *path, bool volatile_taken, struct error *e)
{
	struct text_shown name = text_shown(text_of(path));
	struct statfs system;

	if (fstatfs(fd, &system) == -1)
		return error_set_sys(
		    e, ERROR_SPOOL, errno, "spool", "%s", name.words);
	if ((system.f_flags & ST_RDONLY) != 0) {
		error_set_sys(e, ERROR_SPOOL, EROFS, "spool", "%s", name.words);
		return directory_hint(path, EROFS, e);
	}
	if (volatile_taken ||
	    (system.f_type != TMPFS_MAGIC && system.f_type != RAMFS_MAGIC))
		return 0;
	error_set(e, ERROR_SPOOL, "spool",
	    "%s: it is in memory, and lost when the machine stops", name.words);
	return error_hint(e,
	    "name a folder on a disk, as spool /var/spool/sendling; or, if "
	    "mail may be lost: spool-volatile yes");
}
