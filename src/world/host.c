#include "world/host.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "base/crypt.h"
#include "base/mem.h"

#define SETTING "SENDLING_"

extern char **environ;

const char *
host_environment(const char *name)
{
	static const char *const known[] = {"HOME", "XDG_CONFIG_HOME", "TMPDIR",
	    "NAME", "LOGNAME", "USER", "CREDENTIALS_DIRECTORY",
	    "RUNTIME_DIRECTORY", "PATH", "TERM", "NO_COLOR"};
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(name, known[i]) == 0)
			return getenv(name);
	return NULL;
}

const char *
host_setting(size_t index)
{
	char **entry;

	if (environ == NULL)
		return NULL;
	for (entry = environ; *entry != NULL; entry++)
		if (strncmp(*entry, SETTING, strlen(SETTING)) == 0 &&
		    index-- == 0)
			return *entry;
	return NULL;
}

char **
host_new_environment(const char *entry, bool with)
{
	const size_t name = text_find(text_of(entry), '=') + 1;
	size_t count = 0, i;
	char **copy;

	while (environ != NULL && environ[count] != NULL)
		count++;
	copy = mem_new(count + 2, sizeof(*copy));
	for (i = 0, count = 0; environ != NULL && environ[i] != NULL; i++)
		if (strncmp(environ[i], entry, name) != 0)
			copy[count++] = environ[i];
	if (with)
		copy[count] = (char *)entry;
	return copy;
}

/* Names that need no quotes in an address and no thought in a log. */
static bool
is_clean_login(const char *login)
{
	size_t i;

	if (login == NULL || login[0] == '\0' || login[0] == '-' ||
	    login[0] == '.')
		return false;
	for (i = 0; login[i] != '\0'; i++)
		if (!text_is_alpha(login[i]) && !text_is_digit(login[i]) &&
		    strchr("._-+", login[i]) == NULL)
			return false;
	return login[i - 1] != '.';
}

/* What is there and fits. */
static bool
keep(char *to, size_t size, const char *from)
{
	return from != NULL && from[0] != '\0' &&
	       strlcpy(to, from, size) < size;
}

static void
find_login(struct host *h, const struct passwd *entry)
{
	const char *logname = host_environment("LOGNAME");
	const char *user = host_environment("USER");
	const size_t size = sizeof(h->login);

	/* The administrator's own list may hold any name. */
	if ((entry != NULL && keep(h->login, size, entry->pw_name)) ||
	    (is_clean_login(logname) && keep(h->login, size, logname)) ||
	    (is_clean_login(user) && keep(h->login, size, user)))
		return;
	snprintf(h->login, sizeof(h->login), "uid%u", h->uid);
}

/* passwd(5): the full name ends at the first comma, and each `&' in it stands
 * for the login name with a capital. */
static void
expand_gecos(struct host *h, const char *gecos)
{
	size_t len = strcspn(gecos, ","), login, i;
	struct buf name;

	buf_init(&name, sizeof(h->full_name) - 1);
	for (i = 0; i < len; i++) {
		login = name.len;
		if (gecos[i] != '&') {
			buf_add_char(&name, gecos[i]);
			continue;
		}
		buf_add_string(&name, h->login);
		if (login < name.len && name.at[login] >= 'a' &&
		    name.at[login] <= 'z')
			name.at[login] = (char)(name.at[login] - 'a' + 'A');
	}
	strlcpy(h->full_name, buf_string(&name), sizeof(h->full_name));
	buf_clear(&name);
}

static void
find_full_name(struct host *h, const struct passwd *entry)
{
	if (keep(h->full_name, sizeof(h->full_name), host_environment("NAME")))
		return;
	h->full_name[0] = '\0';
	if (entry != NULL && entry->pw_gecos != NULL)
		expand_gecos(h, entry->pw_gecos);
}

/* A daemon that root started, as cron in a container, may have kept the HOME of
 * root for the jobs of others. */
static bool
is_closed(const char *home, const char *own)
{
	return home != NULL && own != NULL && strcmp(home, own) != 0 &&
	       access(home, X_OK) == -1 && errno == EACCES;
}

static void
find_home(struct host *h, const struct passwd *entry)
{
	const char *homes[2];
	size_t i;

	h->home[0] = '\0';
	if (h->privileged)
		return;
	homes[0] = host_environment("HOME");
	homes[1] = entry == NULL ? NULL : entry->pw_dir;
	if (is_closed(homes[0], homes[1]))
		homes[0] = NULL;
	for (i = 0; i < 2; i++)
		if (homes[i] != NULL && homes[i][0] == '/' &&
		    keep(h->home, sizeof(h->home), homes[i]))
			return;
	h->home[0] = '\0';
}

/* The ids alone do not tell: a set-id program that calls us leaves the same
 * behind. The kernel's name for our file may have changed hands since, and
 * serves only where there is no /proc. */
static bool
has_set_id(void)
{
	const char *name = "/proc/self/exe";
	struct stat st;

	if (stat(name, &st) == -1) {
		name = (const char *)getauxval(AT_EXECFN);
		if (name == NULL || stat(name, &st) == -1)
			return true;
	}
	return (st.st_mode & (S_ISUID | S_ISGID)) != 0 ||
	       getxattr(name, "security.capability", NULL, 0) > 0;
}

void
host_init(struct host *h)
{
	const struct passwd *entry;

	memset(h, 0, sizeof(*h));
	tzset(); /* localtime_r(3) need not */
	h->uid = getuid();
	h->privileged = getauxval(AT_SECURE) != 0;
	h->set_id = h->privileged && has_set_id();
	entry = getpwuid(h->uid);
	find_login(h, entry);
	find_full_name(h, entry);
	find_home(h, entry);
	/* A name that does not fit may come without its NUL. */
	if (gethostname(h->name, sizeof(h->name) - 1) == -1)
		h->name[0] = '\0';
}

/* getpwuid(3) calls many things "not found"; these are not. */
static bool
is_trouble(int sys)
{
	return sys == EINTR || sys == EIO || sys == EMFILE || sys == ENFILE ||
	       sys == ENOMEM || sys == EAGAIN || sys == ETIMEDOUT;
}

int
host_find(unsigned uid, struct host *h, struct error *e)
{
	const struct passwd *entry;

	memset(h, 0, sizeof(*h));
	h->uid = uid;
	errno = 0;
	entry = getpwuid(uid);
	if (entry == NULL && is_trouble(errno))
		return error_set_sys(e, ERROR_SYSTEM, errno, "users",
		    "cannot find out who uid %u is", uid);
	if (entry == NULL ||
	    !keep(h->login, sizeof(h->login), entry->pw_name)) {
		snprintf(h->login, sizeof(h->login), "uid%u", uid);
		return 0;
	}
	if (entry->pw_gecos != NULL)
		expand_gecos(h, entry->pw_gecos);
	return 1;
}

static struct host_name
name_of(const char *name, unsigned id)
{
	struct host_name n;

	if (name == NULL)
		snprintf(n.words, sizeof(n.words), "%u", id);
	else
		text_visible(text_of(name), n.words, sizeof(n.words));
	/* cppcheck-suppress uninitvar */
	return n;
}

struct host_name
host_user(unsigned uid)
{
	const struct passwd *entry = getpwuid(uid);

	return name_of(entry == NULL ? NULL : entry->pw_name, uid);
}

struct host_name
host_group(unsigned gid)
{
	const struct group *entry = getgrgid(gid);

	return name_of(entry == NULL ? NULL : entry->gr_name, gid);
}

struct date
host_now(void)
{
	struct date now = {0, 0};
	struct tm local;
	time_t seconds;

	seconds = time(NULL);
	now.seconds = seconds;
	if (localtime_r(&seconds, &local) != NULL)
		now.offset_minutes = (int)(local.tm_gmtoff / 60);
	return now;
}

int
host_facts(const struct host *h, struct facts *f, struct error *e)
{
	f->login = h->login;
	f->full_name = h->full_name;
	f->host = h->name;
	f->now = host_now();
	return crypt_random(f->random, sizeof(f->random), e);
}

/* A descriptor that is closed now would become a socket or a configuration
 * later, and what is printed would go there. Some descriptor has to be taken
 * even where there is no /dev. Standard input stays one that cannot be read: a
 * caller that gives none has lost the message, and an empty mail in its place
 * would hide that. */
static void
open_standard(void)
{
	int fd;

	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) == -1 && errno == EBADF &&
		    open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDWR) ==
			-1)
			(void)open("/", O_PATH | O_DIRECTORY);
}

/* Of GnuTLS's variables one makes it write the neighbourhood of keys to stderr,
 * one keeps it from starting, one gives it another policy, and OpenSSL's log of
 * keys is followed as well. */
static void
clean_environment(void)
{
	static char *none[] = {NULL};
	char **from, **to;

	if (getauxval(AT_SECURE) != 0) {
		/* The caller's user has written it, and has not its rights. */
		environ = none;
		host_usual_path();
		return;
	}
	if (environ == NULL)
		return;
	for (from = to = environ; *from != NULL; from++)
		if (strncmp(*from, "GNUTLS_", strlen("GNUTLS_")) != 0 &&
		    strncmp(
			*from, "SSLKEYLOGFILE=", strlen("SSLKEYLOGFILE=")) != 0)
			*to++ = *from;
	*to = NULL;
}

/*
 * Signals that the caller ignores on purpose (nohup(1), a mail program that
 * leaves us in the background) stay ignored; only what breaks us is changed.
 * A file size limit must give EFBIG, not death after the mail was accepted.
 */
void
host_prepare(void)
{
	sigset_t none;

	open_standard();
	clean_environment();
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

void
host_usual_path(void)
{
	setenv("PATH",
	    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
}

void
host_no_user_modules(void)
{
	setenv("P11_KIT_NO_USER_CONFIG", "1", 1);
}

void
host_hide(void)
{
	struct rlimit no_core = {0, 0};

	setrlimit(RLIMIT_CORE, &no_core);
	prctl(PR_SET_DUMPABLE, 0);
}

/* Those that the system says are his; else that one alone. */
static int
become_group(unsigned uid, unsigned gid)
{
	const struct passwd *entry = getpwuid(uid);
	gid_t group = gid;

	if (entry != NULL)
		group = entry->pw_gid;
	if ((entry == NULL ? setgroups(1, &group)
			   : initgroups(entry->pw_name, group)) == -1)
		return -1;
	return setresgid(group, group, group);
}

/* To be another for the files alone would be undone by whoever takes over. */
int
host_become(struct host *h, unsigned uid, unsigned gid, struct error *e)
{
	if (become_group(uid, gid) == -1 || setresuid(uid, uid, uid) == -1)
		return error_set_sys(e, ERROR_SYSTEM, errno, "start",
		    "cannot become user %s", host_user(uid).words);
	clearenv();
	host_usual_path();
	host_hide();
	host_init(h);
	return 0;
}
