#include "cmd/answer.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/crypt.h"
#include "cmd/memory.h"
#include "cmd/options.h"
#include "world/file.h"

void
answer_begin(struct answer *a)
{
	buf_init(&a->out, SIZE_MAX / 4);
	json_init(&a->json, &a->out);
	json_add_object(&a->json, NULL);
	buf_init(&a->octets, SIZE_MAX / 4);
}

int
answer_print(struct answer *a, const char *rest, struct error *e)
{
	int result;

	memory_answer(rest);
	result = file_write(STDOUT_FILENO, a->out.at, a->out.len);
	buf_reset(&a->out);
	if (result == -1)
		error_set_sys(e, ERROR_SYSTEM, errno, "standard output",
		    "cannot write all of it");
	return result;
}

void
answer_begin_octets(struct answer *a, const char *key)
{
	json_begin_string(&a->json, key);
}

/* Three octets are four characters. */
static void
encode(struct answer *a, size_t len)
{
	crypt_base64(text_first(buf_text(&a->octets), len), &a->out);
	buf_drop(&a->octets, len);
}

int
answer_add_octets(
    struct answer *a, struct text octets, const char *rest, struct error *e)
{
	buf_add_text(&a->octets, octets);
	encode(a, a->octets.len - a->octets.len % 3);
	return answer_print(a, rest, e);
}

void
answer_end_octets(struct answer *a)
{
	encode(a, a->octets.len);
	json_end_string(&a->json);
}

int
answer_end(struct answer *a, struct error *e)
{
	int result;

	json_add_number(&a->json, "status", error_status(e->kind));
	json_add_error(&a->json, "error", e);
	json_end_object(&a->json);
	buf_add_char(&a->out, '\n');
	result = answer_print(a, NULL, e);
	buf_clear(&a->out);
	buf_clear(&a->octets);
	return result;
}

int
answer_status(struct error *e)
{
	struct answer a;

	answer_begin(&a);
	return answer_end(&a, e);
}

int
answer_version(const char *version, struct error *e)
{
	struct answer a;

	answer_begin(&a);
	json_add_string(&a.json, "program", "sendling");
	json_add_string(&a.json, "version", version);
	return answer_end(&a, e);
}

/* Some mean another thing under another name of ours. */
static bool
is_first(size_t index)
{
	size_t i = 0;

	while (strcmp(options_spelling(i), options_spelling(index)) != 0)
		i++;
	return i == index;
}

int
answer_options(struct error *e)
{
	const char *spelling;
	struct answer a;
	size_t i;

	answer_begin(&a);
	json_add_array(&a.json, "options");
	for (i = 0; (spelling = options_spelling(i)) != NULL; i++)
		if (is_first(i))
			json_add_string(&a.json, NULL, spelling);
	json_end_array(&a.json);
	return answer_end(&a, e);
}
