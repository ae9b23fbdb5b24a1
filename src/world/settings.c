#include "world/settings.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "world/file.h"

/* A file with a password must not be readable by others; whether it has one
 * is known by its text, before it is parsed. */
static enum access_trust
needed_trust(struct text bytes)
{
	const struct keyword *k;
	struct text line, word;

	bytes = text_skip_mark(bytes);
	while (text_next_line(&bytes, &line)) {
		if (!text_next(&line, " \t", &word))
			continue;
		k = keyword_find(word);
		if (k != NULL && keyword_is_secret(k, line))
			return ACCESS_SECRET;
	}
	return ACCESS_CONFIG;
}

static int
read_trusted(
    struct config *c, const char *path, struct buf *out, struct error *e)
{
	enum access_trust trust;
	struct stat st;

	if (file_read(path, ACCESS_CONFIG, out, &st, e) == -1)
		return -1;
	trust = needed_trust(buf_text(out));
	if (access_check(path, trust, &st, e) == -1)
		return -1;
	access_remark(path, trust, &st, &c->remarks);
	return 0;
}

/* A path in an `include` is relative to the file that it stands in. */
static int
read_included(void *arg, const char *from, const char *path, struct buf *out,
    char **name, struct error *e)
{
	const char *slash = strrchr(from, '/');
	struct buf full;

	buf_init(&full, PATH_MAX);
	if (path[0] != '/' && slash != NULL)
		buf_add(&full, from, (size_t)(slash - from) + 1);
	buf_add_string(&full, path);
	*name = buf_take(&full);
	return read_trusted(arg, *name, out, e);
}

/* 1 when the file is there and was parsed, 0 when it is not there. */
static int
read_file(struct config *c, const char *path, struct error *e)
{
	const struct config_source source = {read_included, c};
	struct buf bytes;
	int result;

	buf_init(&bytes, CONFIG_SIZE_MAX);
	result = read_trusted(c, path, &bytes, e);
	if (result == 0) {
		config_parse(c, path, buf_text(&bytes), &source);
		result = 1;
	} else if (e->kind == ERROR_INPUT) {
		result = 0;
	}
	buf_wipe(&bytes);
	return result;
}

/* Notes path as tried. A folder on the way may not be searched by us: HOME is
 * that of whoever started the daemon that calls us. A file that is there and
 * may not be read is another thing. */
static int
try_file(struct config *c, const char *path, struct buf *tried, struct error *e)
{
	struct error missing;
	struct stat st;
	bool hidden;
	int found;

	error_clear(&missing);
	found = read_file(c, path, &missing);
	hidden = found == -1 && missing.sys == EACCES &&
		 lstat(path, &st) == -1 && errno == EACCES;
	buf_format(tried, "%s%s%s", tried->len == 0 ? "" : ", ", path,
	    hidden ? " (Permission denied)" : "");
	if (found == -1 && !hidden)
		*e = missing;
	return hidden ? 0 : found;
}

static int
find_file(
    const struct host *h, struct config *c, struct buf *tried, struct error *e)
{
	const char *folder = host_environment("XDG_CONFIG_HOME");
	struct buf path;
	int found = 0;

	buf_init(&path, PATH_MAX);
	if (folder != NULL && folder[0] == '/')
		buf_format(&path, "%s/sendling/config", folder);
	else if (h->home[0] != '\0')
		buf_format(&path, "%s/.config/sendling/config", h->home);
	if (path.len > 0)
		found = try_file(c, buf_string(&path), tried, e);
	if (found == 0)
		found = try_file(c, SYSCONFDIR "/sendling.conf", tried, e);
	buf_clear(&path);
	return found;
}

static int
read_files(const struct settings_plan *plan, const struct host *h,
    struct config *c, struct error *e)
{
	struct buf tried;
	int found;

	if (plan->path != NULL) {
		found = read_file(c, plan->path, e);
		return found == 1 ? 0 : -1;
	}
	buf_init(&tried, 4 * PATH_MAX);
	found = find_file(h, c, &tried, e);
	if (found == 0 && !plan->optional &&
	    c->override.smarthosts.count == 0 && c->fault_count == 0) {
		found = error_set(e, ERROR_CONFIG, "configuration",
		    "none found (tried %s)", buf_string(&tried));
		error_hint(e,
		    "run sendling-setup, which asks for an account and writes "
		    "one, with --system for the whole machine; by hand: "
		    "sendling.conf(5)");
	}
	buf_clear(&tried);
	return found == -1 ? -1 : 0;
}

static void
read_sets(const struct settings_plan *plan, struct config *c)
{
	struct text keyword, set;
	size_t i;

	for (i = 0; i < plan->set_count; i++) {
		set = text_of(plan->sets[i]);
		keyword = text_first(set, text_find(set, '='));
		config_set(
		    c, "--set", keyword, text_skip(set, keyword.len + 1));
	}
}

/* Not every variable of the form is meant for us: beside a service of our
 * name Kubernetes sets SENDLING_PORT=tcp://..., SENDLING_SERVICE_HOST and
 * more. */
static void
read_variable(const struct settings_plan *plan, struct config *c,
    const char *name, struct text value)
{
	const struct keyword *k;
	struct text keyword;
	struct error e;
	char word[64];

	if (config_keyword_of_environment(name, word, sizeof(word)) == -1)
		return;
	keyword = text_of(word);
	k = keyword_find(keyword);
	if (text_trim(value).len == 0 ||
	    (k == NULL && keyword_near(keyword) == NULL))
		return;
	if (k == NULL || !plan->no_commands ||
	    (k->flags & KEYWORD_COMMAND) == 0) {
		config_set(c, name, keyword, value);
		return;
	}
	error_clear(&e);
	error_set(&e, ERROR_CONFIG, NULL,
	    "under the name `%s' root takes no command from the environment",
	    SHOWN(text_of(getprogname())));
	error_hint(&e, "write it into a configuration file of root's");
	config_refuse(c, name, keyword, &e);
}

static void
read_environment(const struct settings_plan *plan, struct config *c)
{
	struct text entry, name;
	const char *setting;
	char *variable;
	size_t i;

	for (i = 0; (setting = host_setting(i)) != NULL; i++) {
		entry = text_of(setting);
		name = text_first(entry, text_find(entry, '='));
		variable = mem_string(name.at, name.len);
		read_variable(
		    plan, c, variable, text_skip(entry, name.len + 1));
		free(variable);
	}
}

int
settings_read(const struct settings_plan *plan, const struct host *h,
    struct config *c, struct error *e)
{
	config_init(c);
	read_sets(plan, c);
	if (!plan->files_only)
		read_environment(plan, c);
	if (read_files(plan, h, c, e) == -1) {
		e->doing = "configuration";
		return -1;
	}
	config_end(c);
	return c->fault_count > 0 ? config_error(c, e) : 0;
}

const char *
settings_of_service(void)
{
	static const char path[] = SYSCONFDIR "/sendling/config";

	return access(path, F_OK) == 0 ? path : NULL;
}

static int
read_list(void *arg, const char *path, struct buf *out, struct error *e)
{
	(void)arg;
	return file_read(path, ACCESS_CONFIG, out, NULL, e);
}

const struct alias_source settings_lists = {read_list, NULL};

int
settings_read_aliases(const struct account *a, struct alias_map **map,
    const struct alias_faults *faults, struct error *e)
{
	const char *path = keyword_path("aliases", a);
	struct error why;
	struct buf bytes;
	int result;

	*map = NULL;
	if (path == NULL)
		return 0;
	error_clear(&why);
	buf_init(&bytes, ALIAS_SIZE_MAX);
	result = file_read(path, ACCESS_CONFIG, &bytes, NULL, &why);
	if (result == 0) {
		*map = alias_new();
		result = alias_parse(*map, path, buf_text(&bytes), faults, e);
	} else if (why.kind == ERROR_INPUT && a->aliases == NULL) {
		result = 0; /* nobody asked for the system's */
	} else {
		*e = why;
		e->kind = ERROR_CONFIG;
		e->doing = "aliases";
		if (why.kind == ERROR_INPUT)
			error_hint(e, "write this file, name one that is "
				      "there, or write `aliases off'");
	}
	buf_clear(&bytes);
	if (result == -1) {
		alias_free(*map);
		*map = NULL;
	}
	return result;
}
