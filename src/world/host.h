#ifndef HOST_H
#define HOST_H

/*
 * host: who and where we are: user, full name, home, host name, clock,
 * environment, random bytes. The only reader of getenv, getpw*, time.
 */

#include "submit/facts.h"

struct host {
	char login[256];     /* passwd entry of the real uid, else LOGNAME or
			      * USER where clean, else "uid1234" */
	char full_name[256]; /* NAME, else GECOS to its comma, `&` expanded */
	char name[256];	     /* gethostname(2), or "" */
	char home[4096];     /* HOME where absolute, unless the user may not
			      * search it and passwd has another; else that
			      * of passwd, else ""; "" where privileged */
	unsigned uid;
	bool privileged; /* AT_SECURE: more than our user's rights */
	bool set_id;	 /* and it is our own file that gives them */
};

/* Never fails: what nobody knows is empty. Loads the time zone as well. */
void host_init(struct host *h);

/* Login and full name of another user into an h of nothing else: as the system
 * has them, 1; "uid1234" and "" where it knows none of that number, 0; -1:
 * ERROR_SYSTEM, it cannot tell now. */
int host_find(unsigned uid, struct host *h, struct error *e);

/* The name of a user and of a group, visible; the number where there is none.
 */
struct host_name {
	char words[64];
};
struct host_name host_user(unsigned uid);
struct host_name host_group(unsigned gid);

/* The clock, and the local time's offset from UTC, in the zone of
 * host_init(). */
struct date host_now(void);

/* Facts for submit, borrowing from h. -1: no random bytes (ERROR_SYSTEM). */
int host_facts(const struct host *h, struct facts *f, struct error *e);

/* An environment variable that means something to us, or NULL: HOME,
 * XDG_CONFIG_HOME, TMPDIR, NAME, LOGNAME, USER, CREDENTIALS_DIRECTORY,
 * RUNTIME_DIRECTORY, PATH, TERM, NO_COLOR; no other is read. */
const char *host_environment(const char *name);

/* The environment for a command of ours: all that is in it, but of this
 * variable ("NAME=VALUE") only the entry given, or none. The caller frees the
 * array; the entries are borrowed. */
char **host_new_environment(const char *entry, bool with);

/* The environment's SENDLING_* entries ("NAME=VALUE"); NULL past the end. */
const char *host_setting(size_t index);

/* Opens descriptors 0 to 2 on /dev/null where they are closed, 0 so that to
 * read it is an error; takes SSLKEYLOGFILE and GNUTLS_* out of the environment;
 * unblocks all signals; SIGPIPE and SIGXFSZ are ignored, SIGCHLD is not. Where
 * a set-id program called us nothing of the environment stays but a PATH of the
 * system's folders. First act of main. */
void host_prepare(void);

/* From now on commands are looked for in the system's folders, whatever PATH
 * says. */
void host_usual_path(void);

/* From now on p11-kit reads nothing of the user's about its modules. */
void host_no_user_modules(void);

/* We are that user from now on, for good, with nothing of our environment but a
 * PATH of the system's folders; h is of him then. gid: his group where the
 * system knows none of him. -1: ERROR_SYSTEM. */
int host_become(struct host *h, unsigned uid, unsigned gid, struct error *e);

/* No core file and no ptrace by the same user from now on. */
void host_hide(void);

#endif
