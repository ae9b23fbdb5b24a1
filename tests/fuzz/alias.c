#include <stdint.h>
#include <stdlib.h>

#include "submit/alias.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool holds)
{
	if (!holds)
		abort();
}

static void
check_error(const struct error *e, int result)
{
	struct text words = text_of(e->text);

	check((result == -1) == (e->kind == ERROR_CONFIG));
	check(!text_has_control(words) && text_is_utf8(words));
}

static int
add(void *arg, const struct address *address, struct error *e)
{
	struct text local = address->local;

	check(e->kind == ERROR_NONE);
	check(local.len > 0 && local.len <= ADDRESS_PATH_MAX);
	check(address->domain.len > 0 ||
	      (local.at[0] != '|' && local.at[0] != '/'));
	++*(size_t *)arg;
	return 0;
}

static bool
is_local(void *arg, struct text domain)
{
	(void)arg;
	return text_equal_fold(domain, TEXT("x"));
}

/* Each list is the aliases file itself, in which few lines are lists. */
static int
read_same(void *arg, const char *path, struct buf *out, struct error *e)
{
	(void)e;
	check(path[0] == '/');
	return buf_add_text(out, *(const struct text *)arg);
}

static void
expand(const struct alias_map *map, struct text name, struct text bytes)
{
	size_t count = 0;
	const struct alias_source source = {read_same, &bytes};
	const struct alias_visitor visitor = {add, is_local, &count, NULL};
	const struct address address = {.local = name};
	struct error e;
	int result;

	error_clear(&e);
	result = alias_expand(map, &address, &source, &visitor, &e);
	check_error(&e, result);
	check(result == -1 || (result == 1) == (count > 0));
	check(count <= bytes.len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text bytes = {(const char *)data, size}, rest = bytes, name;
	struct alias_map *map = alias_new();
	struct error e;
	int result;

	error_clear(&e);
	result = alias_parse(map, "f\x01ile", bytes, NULL, &e);
	check_error(&e, result);
	while (result == 0 && text_next(&rest, " \t\r\n,:", &name))
		expand(map, name, bytes);
	alias_free(map);
	return 0;
}
