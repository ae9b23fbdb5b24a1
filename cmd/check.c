#include "cmd/check.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/notes.h"
#include "base/text.h"
#include "cmd/answer.h"
#include "cmd/faults.h"
#include "config/review.h"
#include "run/enqueue.h"
#include "submit/alias.h"
#include "world/file.h"
#include "world/folder.h"
#include "world/log.h"
#include "world/program.h"
#include "world/screen.h"
#include "world/secret.h"
#include "world/settings.h"
#include "world/tls.h"

struct check {
	const struct check_plan *plan;
	struct facts facts;
	struct faults faults;
	struct error *e; /* the first of them, but for remarks */
};

/* Nor has the account another of those of which it can have only one. */
static bool
is_unset(const struct account *a, const char *keyword)
{
	const struct keyword *k = keyword_find(text_of(keyword));
	const size_t slot = keyword_slot(k);
	struct buf value;
	size_t i;

	if (k->type == VALUE_ACCOUNT) /* is a name, and no value of its own */
		return false;
	buf_init(&value, SIZE_MAX / 4);
	for (i = 0; (k = keyword_at(i)) != NULL; i++)
		if (keyword_slot(k) == slot && keyword_format(k, a, &value))
			break;
	buf_clear(&value);
	return k == NULL;
}

/* Where more than one account has it from the same line it is of none. A line
 * that is there and gave no value was refused, and is no missing one. */
static void
tell(void *arg, bool remark, const struct account *a, const char *keyword,
    const char *value, const struct error *e)
{
	struct check *c = arg;
	struct text_shown name = text_shown(text_of(a->name));
	bool shared;
	struct fault fault = {.remark = remark,
	    .where = config_where(c->plan->config, a, keyword, value, &shared),
	    .keyword = keyword,
	    .hint = e->hint};
	struct error_line line = error_line(e);
	char hint[100];

	if (fault.where != NULL && value == NULL && is_unset(a, keyword))
		return;
	if (fault.where == NULL && c->plan->config->account_count > 1)
		fault.where =
		    config_where(c->plan->config, a, "account", NULL, &shared);
	fault.account = shared ? NULL : name.words;
	/* "configuration: account `x' has no `smarthost'" */
	fault.text = strcmp(e->doing == NULL ? "" : e->doing, "configuration")
			 ? line.words
			 : e->text;
	if (!remark && e->hint[0] == '\0') {
		snprintf(hint, sizeof(hint),
		    "see `%s' in sendling.conf(5) for what it takes", keyword);
		fault.hint = hint;
	}
	faults_add(&c->faults, &fault);
	if (remark || c->e->kind != ERROR_NONE)
		return;
	*c->e = *e;
	c->e->kind = ERROR_CONFIG; /* as which a run would end */
}

static void
tell_fault(struct check *c, const struct account *a, const char *keyword,
    const struct error *e)
{
	if (e->kind != ERROR_NONE)
		tell(c, false, a, keyword, NULL, e);
}

/*
 * What an account names: one check a file, so that none hides another.
 */

static int
check_aliases_of(
    const struct account *a, const struct alias_faults *faults, struct error *e)
{
	struct alias_map *map;

	if (settings_read_aliases(a, &map, faults, e) == -1)
		return -1;
	alias_free(map);
	return 0;
}

static void
ignore_fault(void *arg, const struct error *fault)
{
	(void)arg;
	(void)fault;
}

int
check_aliases(const struct config *c, struct error *e)
{
	const struct alias_faults faults = {ignore_fault, NULL};
	size_t i;

	for (i = 0; i < c->account_count; i++)
		if (check_aliases_of(&c->accounts[i], &faults, e) == -1)
			return -1;
	return 0;
}

static const struct smarthost *
with_tls(const struct account *a)
{
	const struct smarthost *s = a->smarthosts.at;

	while (s < a->smarthosts.at + a->smarthosts.count &&
	       s->security == SMARTHOST_PLAIN)
		s++;
	return s == a->smarthosts.at + a->smarthosts.count ? NULL : s;
}

/* Copies what a has for the keyword, where there is such a one. */
static void
copy_value(const char *name, const struct account *a, struct account *to)
{
	const struct keyword *k =
	    name == NULL ? NULL : keyword_find(text_of(name));

	if (k != NULL)
		value_inherit(k->type, (char *)to + k->offset,
		    (const char *)a + k->offset);
}

/* Those that TLS is begun with, but one group of them at a time; the trust, and
 * what may stand in for it, goes with each. */
static void
check_tls(struct check *c, const struct account *a)
{
	static const char *const groups[][2] = {{"tls-trust"}, {"tls-priority"},
	    {"tls-certificate", "tls-key"}, {"tls-crl"}};
	const struct smarthost *s = with_tls(a);
	struct error e, first;
	struct account one;
	struct tls *t;
	size_t i;

	error_clear(&first);
	for (i = 0; s != NULL && i < sizeof(groups) / sizeof(groups[0]); i++) {
		memset(&one, 0, sizeof(one));
		copy_value("tls-pin", a, &one);
		copy_value("tls-verify", a, &one);
		if (i > 0)
			copy_value("tls-trust", a, &one);
		copy_value(groups[i][0], a, &one);
		copy_value(groups[i][1], a, &one);
		error_clear(&e);
		t = tls_new(&one, s, &e);
		tls_free(t);
		keyword_clear(&one);
		/* Of the trust, which the first has told. */
		if (strcmp(e.text, first.text) == 0)
			continue;
		tell_fault(c, a, groups[i][0], &e);
		if (i == 0)
			first = e;
	}
}

static void
check_commands(struct check *c, const struct account *a)
{
	const struct keyword *k;
	struct buf command;
	struct error e;
	size_t i;

	buf_init(&command, SIZE_MAX / 4);
	for (i = 0; (k = keyword_at(i)) != NULL; i++) {
		buf_reset(&command);
		if ((k->flags & KEYWORD_COMMAND) == 0 ||
		    !keyword_format(k, a, &command))
			continue;
		error_clear(&e);
		program_check(buf_string(&command), &e);
		e.doing = k->name;
		tell_fault(c, a, k->name, &e);
	}
	buf_clear(&command);
}

static void
check_secret(struct check *c, const struct account *a)
{
	struct notes remarks = {0};
	struct error e;
	size_t i;

	error_clear(&e);
	secret_check(a, &remarks, &e);
	tell_fault(c, a, "password", &e);
	for (i = 0; i < remarks.count; i++) {
		error_clear(&e);
		error_set(&e, ERROR_CONFIG, NULL, "%s", remarks.lines[i]);
		tell(c, true, a, "password", NULL, &e);
	}
	notes_clear(&remarks);
}

struct alias_check {
	struct check *check;
	const struct account *account;
	bool told;
};

static void
tell_alias_fault(void *arg, const struct error *e)
{
	struct alias_check *a = arg;

	a->told = true;
	tell_fault(a->check, a->account, "aliases", e);
}

/* Each fault of the file, or why there is none to be read. */
static void
check_alias_file(struct check *c, const struct account *a)
{
	struct alias_check check = {c, a, false};
	const struct alias_faults faults = {tell_alias_fault, &check};
	struct error e;

	error_clear(&e);
	check_aliases_of(a, &faults, &e);
	if (!check.told)
		tell_fault(c, a, "aliases", &e);
}

/* What -C names may be on its way to where it is read without that. */
static void
check_way(struct check *c, const struct account *a)
{
	const struct enqueue_plan way = {.account = a,
	    .facts = &c->facts,
	    .host = c->plan->host,
	    .config = c->plan->config,
	    .settings = c->plan->settings};
	struct error e, why;

	error_clear(&e);
	error_clear(&why);
	if (c->plan->settings->path != NULL || enqueue_check(&way, &why) == 0)
		return;
	error_set(
	    &e, ERROR_CONFIG, "spool", "nothing is kept, as %s", why.text);
	error_hint(&e, "%s", why.hint);
	tell(c, true, a, "spool", NULL, &e);
}

/* Nothing is made. Root is told what would be so for the user whose folder it
 * is, and that for root itself it is none. */
static void
check_spool(struct check *c, const struct account *a)
{
	char *path = facts_spool(a, &c->facts, c->plan->host->home);
	struct folder_terms terms = {.path = path,
	    .owner = geteuid(),
	    .make = true,
	    .volatile_taken = a->spool_volatile == SWITCH_YES};
	unsigned owner, group;
	struct error e;

	if (path == NULL)
		return;
	error_clear(&e);
	if (terms.owner == 0 && folder_owner(path, &owner, &group) == 0 &&
	    owner != 0) {
		terms.owner = owner;
		error_set(&e, ERROR_CONFIG, NULL,
		    "spool: %s belongs to %s, and root's own mails are not "
		    "kept there",
		    SHOWN(text_of(path)), host_user(owner).words);
		tell(c, true, a, "spool", NULL, &e);
		error_clear(&e);
	}
	folder_check(&terms, &e);
	tell_fault(c, a, "spool", &e);
	free(path);
	check_way(c, a);
}

static void
check_files(struct check *c, const struct account *a)
{
	struct error e;

	error_clear(&e);
	log_check(a, &e);
	tell_fault(c, a, "log", &e);
	check_alias_file(c, a);
	check_spool(c, a);
	check_secret(c, a);
	check_commands(c, a);
	check_tls(c, a);
}

/*
 * The whole.
 */

static void
check_all(struct check *c)
{
	const struct config *config = c->plan->config;
	const struct review review = {tell, c};
	struct fault fault = {0};
	struct error e;
	size_t i;

	for (i = 0; i < config->fault_count; i++) {
		fault.where = config->faults[i].where;
		fault.text = config->faults[i].what;
		fault.hint = config->faults[i].hint;
		faults_add(&c->faults, &fault);
	}
	/* No accounts: no file was read, which is none of the faults. */
	if (config->account_count == 0)
		return;
	error_clear(&e);
	host_facts(c->plan->host, &c->facts, &e);
	review_accounts(&review, config, &c->facts);
	for (i = 0; i < config->account_count; i++)
		check_files(c, &config->accounts[i]);
	fault = (struct fault){.remark = true};
	for (i = 0; i < config->remarks.count; i++) {
		fault.text = config->remarks.lines[i];
		faults_add(&c->faults, &fault);
	}
}

static void
print_account(const struct account *a)
{
	struct text rest, line;
	struct buf lines;
	char *shown;

	buf_init(&lines, SIZE_MAX);
	config_format(a, &lines);
	rest = buf_text(&lines);
	while (text_next_line(&rest, &line)) {
		shown = mem_new(line.len + 1, 4);
		puts(text_visible(line, shown, 4 * (line.len + 1)));
		free(shown);
	}
	putchar('\n');
	buf_clear(&lines);
}

static bool
print_json(const struct check *c)
{
	const struct config *config = c->plan->config;
	struct answer a;
	size_t i;

	answer_begin(&a);
	json_add_array(&a.json, "accounts");
	for (i = 0; i < config->account_count; i++)
		json_add_string(&a.json, NULL, config->accounts[i].name);
	json_end_array(&a.json);
	faults_add_json(&c->faults, &a.json);
	return answer_end(&a, c->e) == 0;
}

static void
print_good(const struct config *config)
{
	const struct screen_palette colour = screen_palette(STDOUT_FILENO);

	printf("%sno faults%s; accounts: %zu\n", colour.good, colour.end,
	    config->account_count);
}

static bool
print_text(const struct check *c)
{
	const struct config *config = c->plan->config;
	size_t i;

	for (i = 0; c->plan->verbose && i < config->account_count; i++)
		print_account(&config->accounts[i]);
	faults_print(&c->faults);
	if (c->e->kind == ERROR_NONE)
		print_good(config);
	return fflush(stdout) == 0 && !ferror(stdout);
}

bool
check_config(const struct check_plan *plan, struct error *e)
{
	const bool read =
	    e->kind == ERROR_NONE || plan->config->account_count > 0;
	struct check c = {.plan = plan, .e = e};
	bool printed;

	check_all(&c);
	printed = plan->json ? print_json(&c) : print_text(&c);
	if (!printed)
		error_set(e, ERROR_SYSTEM, "standard output",
		    "cannot write all of it");
	faults_clear(&c.faults);
	return printed && (read || plan->json);
}
