#include "world/peer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "world/host.h"

/* Beyond 32 bits: a uid has as many. */
#define OCTETS_OF_USER (ACCOUNT_SOCKET_SLOTS_MAX * PEER_ROOT_FACTOR)

static bool
is_socket(int fd)
{
	struct stat st;

	return fstat(fd, &st) == -1 || S_ISSOCK(st.st_mode);
}

/* False where nobody knows. */
static bool
find_uid(int fd, uid_t *uid)
{
	int domain = AF_UNSPEC;
	socklen_t size = sizeof(domain);
	gid_t gid;

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 &&
	       domain == AF_UNIX && getpeereid(fd, uid, &gid) == 0 &&
	       *uid != (uid_t)-1;
}

int
peer_find(int fd, struct caller *c, struct error *e)
{
	struct host user;
	uid_t uid = 0;
	int found;

	memset(c, 0, sizeof(*c));
	if (!is_socket(fd))
		return 0;
	c->kind = CALLER_NETWORK;
	if (!find_uid(fd, &uid))
		return 0;
	if (uid == getuid() || uid == geteuid()) {
		c->kind = CALLER_SELF;
		return 0;
	}
	found = host_find(uid, &user, e);
	if (found == -1)
		return -1;
	c->kind = CALLER_USER;
	c->uid = uid;
	c->named = found == 1;
	strlcpy(c->login, user.login, sizeof(c->login));
	strlcpy(c->full_name, user.full_name, sizeof(c->full_name));
	return 0;
}

/*
 * Places.
 */

/* systemd names several folders with colons between them. */
static bool
find_file(char *path, size_t size)
{
	const char *named = host_environment("RUNTIME_DIRECTORY");
	const bool is_named = named != NULL && named[0] == '/';
	struct text folder = text_of(is_named ? named : PEER_FOLDER);

	folder = text_first(folder, text_find(folder, ':'));
	snprintf(path, size, "%.*s/slots", TEXT_ARG(folder));
	return is_named;
}

static int
open_file(const char *path)
{
	const int flags =
	    O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
	struct stat st;
	int fd;

	fd = open(path, flags, 0600);
	if (fd == -1)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    st.st_uid == geteuid())
		return fd;
	close(fd);
	errno = EPERM;
	return -1;
}

/* PEER_FAILED with errno 0: all are taken. Of no other process, and no child,
 * is a lock of this kind, and it goes with the process. */
static enum peer_place
lock_place(int fd, const struct caller *c, unsigned places)
{
	struct flock lock = {
	    .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
	const off_t first = (off_t)caller_counted_as(c) * OCTETS_OF_USER;
	unsigned i;

	for (i = 0; i < places; i++) {
		lock.l_start = first + i;
		if (fcntl(fd, F_SETLK, &lock) == 0)
			return i < places - places / 4 ? PEER_TAKEN
						       : PEER_CROWDED;
		if (errno != EAGAIN && errno != EACCES)
			return PEER_FAILED;
	}
	errno = 0;
	return PEER_FAILED;
}

static void
refuse_more(const struct caller *c, unsigned places, struct error *e)
{
	error_set(e, ERROR_LATER, NULL,
	    "%s%s hold%s %u connections already, and may hold no more",
	    caller_name(c).words,
	    c->named ? "" : " and other users without a login",
	    c->named ? "s" : "", places);
	e->code = 421;
	e->enhanced = (struct enhanced){4, 7, 0};
	error_hint(e, "try again, or raise `socket-slots'");
}

enum peer_place
peer_take(const struct caller *c, unsigned places, int *held, struct error *e)
{
	char path[4096];
	enum peer_place place = PEER_FAILED;
	bool named;

	*held = -1;
	if (c->kind != CALLER_USER)
		return PEER_TAKEN;
	if (c->uid == 0)
		places *= PEER_ROOT_FACTOR;
	named = find_file(path, sizeof(path));
	*held = open_file(path);
	if (*held == -1 && !named && errno == ENOENT)
		return PEER_UNCOUNTED;
	if (*held != -1)
		place = lock_place(*held, c, places);
	if (place != PEER_FAILED)
		return place;
	if (errno == 0)
		refuse_more(c, places, e);
	else
		error_set_sys(e, ERROR_SYSTEM, errno, "socket-slots",
		    "connections cannot be counted in %s",
		    SHOWN(text_of(path)));
	if (*held != -1)
		close(*held);
	*held = -1;
	return PEER_FAILED;
}
