#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "config/config.h"

#define CANARY "q7Zr1kXw"
/* Places where a password can go astray. */
#define SECRETS                                                                \
	"\npassword " CANARY "\npasswrd " CANARY "\npassword=" CANARY          \
	"\n" CANARY "\npassword-command " CANARY "\x01"                        \
	"\nsmarthost smtps://alice:" CANARY "@mail\n"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* The included file is what stands behind the first NUL. */
static int
read_rest(void *arg, const char *from, const char *path, struct buf *out,
    char **name, struct error *e)
{
	const struct text *bytes = arg;

	(void)from;
	(void)e;
	*name = mem_copy(path);
	return buf_add_text(
	    out, text_skip(*bytes, text_find(*bytes, '\0') + 1));
}

static void
check_words(const char *words)
{
	assert(!text_has_control(text_of(words)));
	assert(text_is_utf8(text_of(words)));
	assert(words == NULL || strstr(words, CANARY) == NULL);
}

static void
parse(struct config *c, struct text bytes)
{
	const struct config_source source = {read_rest, &bytes};

	config_init(c);
	for (size_t i = 0; keyword_at(i) != NULL; i++)
		config_set(c, "--set", text_of(keyword_at(i)->name),
		    text_first(bytes, text_find(bytes, '\n')));
	config_parse(c, "main", bytes, &source);
	config_parse(c, "secrets", TEXT(SECRETS), NULL);
	config_end(c);
}

/* What holds, written down and read again, is written down the same. */
static void
check_written(const struct account *a, const struct keyword *k)
{
	struct account b = {0};
	struct buf one, two;
	struct text rest, line;
	struct error e;

	buf_init(&one, SIZE_MAX);
	buf_init(&two, SIZE_MAX);
	keyword_format(k, a, &one);
	rest = buf_text(&one);
	error_clear(&e);
	while (text_next_line(&rest, &line))
		assert(keyword_set(k, &b, line, NULL, &e) == 0);
	keyword_format(k, &b, &two);
	assert(text_equal(buf_text(&one), buf_text(&two)));
	keyword_clear(&b);
	buf_clear(&one);
	buf_clear(&two);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct text bytes = {(const char *)data, size};
	struct config one, two;

	if (memmem(data, size, CANARY, strlen(CANARY)) != NULL)
		return 0;
	parse(&one, bytes);
	parse(&two, bytes);
	assert(one.fault_count == two.fault_count);
	assert(one.account_count == two.account_count && one.account_count > 0);
	for (size_t i = 0; i < one.fault_count; i++) {
		assert(strcmp(one.faults[i].what, two.faults[i].what) == 0);
		check_words(one.faults[i].where);
		check_words(one.faults[i].what);
		check_words(one.faults[i].hint);
	}
	for (size_t i = 0; i < one.account_count; i++)
		for (size_t j = 0; keyword_at(j) != NULL; j++)
			check_written(&one.accounts[i], keyword_at(j));
	config_clear(&one);
	config_clear(&two);
	return 0;
}
