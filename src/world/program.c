#include "world/program.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/text.h"
#include "world/host.h"

/* The shell's own, of POSIX, that a command may begin with. */
static const char *const own[] = {".", ":", "[", "alias", "break", "case", "cd",
    "command", "continue", "echo", "eval", "exec", "exit", "export", "false",
    "for", "getopts", "hash", "if", "local", "printf", "pwd", "read",
    "readonly", "return", "set", "shift", "test", "times", "trap", "true",
    "type", "ulimit", "umask", "unalias", "unset", "until", "wait", "while"};

static bool
is_own(struct text word)
{
	size_t i;

	for (i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (text_equal(word, text_of(own[i])))
			return true;
	return false;
}

/* Only what the shell takes as it stands. */
static bool
is_plain(struct text word)
{
	size_t i;

	for (i = 0; i < word.len; i++)
		if (!text_is_alpha(word.at[i]) && !text_is_digit(word.at[i]) &&
		    strchr("/._+-,:@%", word.at[i]) == NULL)
			return false;
	return word.len > 0;
}

/* 0, or the errno of executing it. */
static int
try_file(const char *path)
{
	struct stat st;

	if (stat(path, &st) == -1)
		return errno;
	if (S_ISDIR(st.st_mode))
		return EISDIR;
	return access(path, X_OK) == 0 ? 0 : EACCES;
}

/* As the shell looks for it: what cannot be executed is passed over. */
static int
try_path(const char *name)
{
	const char *variable = host_environment("PATH");
	struct text rest = text_of(variable), folder;
	struct buf path;
	int sys, result = ENOENT;

	buf_init(&path, PATH_MAX);
	while (result != 0 && text_next(&rest, ":", &folder)) {
		buf_reset(&path);
		buf_format(&path, "%.*s/%s", TEXT_ARG(folder), name);
		sys = try_file(buf_string(&path));
		if (sys == 0 || sys == EACCES)
			result = sys;
	}
	buf_clear(&path);
	return variable == NULL ? 0 : result;
}

int
program_check(const char *command, struct error *e)
{
	struct text rest = text_of(command), word;
	char name[PATH_MAX];
	bool by_path;
	int sys;

	if (!text_next(&rest, " \t", &word) || !is_plain(word) ||
	    is_own(word) || word.len >= sizeof(name))
		return 0;
	memcpy(name, word.at, word.len);
	name[word.len] = '\0';
	by_path = strchr(name, '/') == NULL;
	sys = by_path ? try_path(name) : try_file(name);
	if (sys == 0)
		return 0;
	if (sys == ENOENT && by_path)
		error_set(e, ERROR_CONFIG, NULL,
		    "`%s': there is no such program in PATH", SHOWN(word));
	else
		error_set_sys(e, ERROR_CONFIG, sys, NULL,
		    "`%s' cannot be executed", SHOWN(word));
	return error_hint(e, "%s",
	    by_path ? "install it, or write its whole path"
		    : "see whether it is there and `chmod +x' was done");
}
