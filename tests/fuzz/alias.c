#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "alias.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	struct buf addresses; /* each behind a line end */
	size_t count;
};

static void
check(bool holds)
{
	if (!holds)
		abort();
}

static void
check_error(const struct error *e, int result)
{
	check((result == -1) == (e->kind == ERROR_CONFIG));
	check(!text_has_control(text_of(e->text)));
	check(text_is_utf8(text_of(e->text)));
}

static int
add(void *arg, const struct address *address, struct error *e)
{
	struct seen *s = arg;
	struct text local = address->local;

	check(e->kind == ERROR_NONE);
	check(local.len > 0 && local.len <= ADDRESS_LOCAL_MAX);
	check(address->domain.len > 0 ||
	      (local.at[0] != '|' && local.at[0] != '/'));
	buf_add_char(&s->addresses, '\n');
	check(address_format(address, &s->addresses) == 0);
	s->count++;
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
	const struct alias_source source = {read_same, &bytes};
	const struct address address = {.local = name};
	struct seen s = {.count = 0};
	const struct alias_visitor visitor = {add, is_local, &s};
	struct error e;
	int result;

	error_clear(&e);
	buf_init(&s.addresses, SIZE_MAX / 4);
	result = alias_expand(map, &address, &source, &visitor, &e);
	check_error(&e, result);
	check(result != 0 || s.count == 0);
	check(result != 1 || s.count > 0);
	check(s.count <= bytes.len);
	buf_clear(&s.addresses);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct text bytes = {(const char *)data, size};
	struct text rest = bytes, name;
	struct alias_map *map = alias_new();
	struct error e;
	int result;

	error_clear(&e);
	result = alias_parse(map, "f\x01ile", bytes, &e);
	check_error(&e, result);
	while (result == 0 && text_next(&rest, " \t\r\n,:", &name))
		expand(map, name, bytes);
	alias_free(map);
	return 0;
}
