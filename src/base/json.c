#include "base/json.h"

#include <stdlib.h>

#include "base/mem.h"

void
json_init(struct json *j, struct buf *out)
{
	j->out = out;
	j->comma = false;
}

void
json_quote(struct buf *out, const char *visible)
{
	buf_add_char(out, '"');
	for (; *visible != '\0'; visible++) {
		if (*visible == '"' || *visible == '\\')
			buf_add_char(out, '\\');
		buf_add_char(out, *visible);
	}
	buf_add_char(out, '"');
}

/* What stands before each value. */
static void
add_key(struct json *j, const char *key)
{
	if (j->comma)
		buf_add_char(j->out, ',');
	if (key != NULL)
		buf_format(j->out, "\"%s\":", key);
	j->comma = true;
}

static void
add_words(struct json *j, const char *key, const char *words)
{
	add_key(j, key);
	buf_add_string(j->out, words);
}

void
json_add_object(struct json *j, const char *key)
{
	add_words(j, key, "{");
	j->comma = false;
}

void
json_end_object(struct json *j)
{
	buf_add_char(j->out, '}');
	j->comma = true;
}

void
json_add_array(struct json *j, const char *key)
{
	add_words(j, key, "[");
	j->comma = false;
}

void
json_end_array(struct json *j)
{
	buf_add_char(j->out, ']');
	j->comma = true;
}

void
json_add_string(struct json *j, const char *key, const char *string)
{
	struct text t = text_of(string);
	char *shown;

	if (string == NULL) {
		json_add_null(j, key);
		return;
	}
	shown = mem_new(4 * t.len + 1, 1);
	add_key(j, key);
	json_quote(j->out, text_visible(t, shown, 4 * t.len + 1));
	free(shown);
}

void
json_add_number(struct json *j, const char *key, long long number)
{
	add_key(j, key);
	buf_format(j->out, "%lld", number);
}

void
json_add_thousandths(struct json *j, const char *key, long long number)
{
	add_key(j, key);
	buf_format(j->out, "%s%lld.%03lld", number < 0 ? "-" : "",
	    llabs(number) / 1000, llabs(number) % 1000);
}

void
json_add_null(struct json *j, const char *key)
{
	add_words(j, key, "null");
}
