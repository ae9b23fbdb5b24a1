#include "cmd/check.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/notes.h"
#include "base/set.h"
#include "base/text.h"
#include "submit/account.h"
#include "submit/alias.h"
#include "world/log.h"
#include "world/secret.h"
#include "world/settings.h"
#include "world/tls.h"

static int
check_aliases_of(const struct account *a, struct error *e)
{
	struct alias_map *map;

	if (settings_read_aliases(a, &map, e) == -1)
		return -1;
	alias_free(map);
	return 0;
}

/* Trust and priority, where the account speaks TLS. */
static int
check_tls_of(const struct account *a, struct error *e)
{
	const struct smarthost *s = a->smarthosts.at;
	const struct smarthost *end = s + a->smarthosts.count;
	struct tls *t;

	while (s < end && s->security == SMARTHOST_PLAIN)
		s++;
	if (s == end)
		return 0;
	t = tls_new(a, s, e);
	tls_free(t);
	return t == NULL ? -1 : 0;
}

int
check_aliases(const struct config *c, struct error *e)
{
	size_t i;

	for (i = 0; i < c->account_count; i++)
		if (check_aliases_of(&c->accounts[i], e) == -1)
			return -1;
	return 0;
}

static void
print_fault(const char *where, const char *what, const char *hint)
{
	bool hinted = hint != NULL && hint[0] != '\0';

	printf("%s: %s%s%s\n", where, what, hinted ? "; " : "",
	    hinted ? hint : "");
}

/* The status is that of the first fault. Accounts that share a file share its
 * faults, which are told once. */
static void
tell_fault(const struct error *fault, struct set *told, struct error *e)
{
	struct error_line line = error_line(fault);

	if (fault->kind == ERROR_NONE ||
	    !set_add(told, text_of(line.words), sizeof(line.words)))
		return;
	print_fault(fault->doing == NULL ? "configuration" : fault->doing,
	    fault->text, fault->hint);
	if (e->kind == ERROR_NONE)
		*e = *fault;
}

/* What an account may do without, until a mail comes that needs it. */
static void
remark_lacks(const struct account *a, struct notes *remarks)
{
	struct text_shown name = text_shown(text_of(a->name));
	const char *from = a->force_from != NULL ? a->force_from : a->from;

	if (account_wants_secret(a) && a->secret.source == SECRET_NONE)
		notes_add(remarks,
		    "account %s: without `password-file' or `password-command' "
		    "the password is asked for, at a terminal only",
		    name.words);
	if (a->domain == NULL && (from == NULL || strchr(from, '@') == NULL))
		notes_add(remarks,
		    "account %s: without `domain' or a whole `from' a mail "
		    "whose caller names no whole sender is refused",
		    name.words);
}

static void
check_accounts(const struct config *c, struct notes *remarks, struct error *e)
{
	static int (*const checks[])(const struct account *, struct error *) = {
	    account_check, log_check, check_tls_of, check_aliases_of};
	struct error fault;
	struct set told = {0};
	size_t i, k;

	for (k = 0; k < sizeof(checks) / sizeof(checks[0]); k++)
		for (i = 0; i < c->account_count; i++) {
			error_clear(&fault);
			checks[k](&c->accounts[i], &fault);
			tell_fault(&fault, &told, e);
		}
	for (i = 0; i < c->account_count; i++) {
		error_clear(&fault);
		secret_check(&c->accounts[i], remarks, &fault);
		remark_lacks(&c->accounts[i], remarks);
		tell_fault(&fault, &told, e);
	}
	set_clear(&told);
}

/* Accounts that share a file share its remarks. */
static void
print_remarks(const struct notes *remarks)
{
	struct set told = {0};
	size_t i;

	for (i = 0; i < remarks->count; i++)
		if (set_add(&told, text_of(remarks->lines[i]), SIZE_MAX))
			printf("remark: %s\n", remarks->lines[i]);
	set_clear(&told);
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

bool
check_config(struct config *c, bool verbose, struct error *e)
{
	const struct config_fault *f;
	size_t i;

	for (i = 0; verbose && i < c->account_count; i++)
		print_account(&c->accounts[i]);
	for (f = c->faults; f < c->faults + c->fault_count; f++)
		print_fault(f->where, f->what, f->hint);
	/* No accounts: no file was read, which is none of the faults. */
	if (e->kind != ERROR_NONE && c->account_count == 0)
		return false;
	check_accounts(c, &c->remarks, e);
	print_remarks(&c->remarks);
	if (e->kind == ERROR_NONE)
		printf("no faults; accounts: %zu\n", c->account_count);
	return true;
}
