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
	for (size_t i = 0; config_keyword(i) != NULL; i++)
		config_set(c, "--set", text_of(config_keyword(i)),
		    text_first(bytes, text_find(bytes, '\n')));
	config_parse(c, "main", bytes, &source);
	config_parse(c, "secrets", TEXT(SECRETS), NULL);
	config_end(c);
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
	config_clear(&one);
	config_clear(&two);
	return 0;
}
