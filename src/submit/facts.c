#include "submit/facts.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

static const char *
expansion(char letter, const struct account *a, const struct facts *f)
{
	switch (letter) {
	case 'U':
		return f->login;
	case 'H':
		return f->host;
	case 'D':
		return a->domain == NULL ? "" : a->domain;
	case '%':
		return "%";
	}
	return NULL;
}

char *
facts_expand(const char *value, const struct account *a, const struct facts *f)
{
	const char *words;
	struct buf out;

	if (value == NULL)
		return NULL;
	buf_init(&out, SIZE_MAX / 4);
	for (; *value != '\0'; value++) {
		words = *value == '%' ? expansion(value[1], a, f) : NULL;
		if (words == NULL) {
			buf_add_char(&out, *value);
			continue;
		}
		buf_add_string(&out, words);
		value++;
	}
	return buf_take(&out);
}

char *
facts_user(const struct account *a, const struct facts *f)
{
	if (!account_wants_login(a))
		return NULL;
	return facts_expand(a->user == NULL ? "" : a->user, a, f);
}

char *
facts_spool(const struct account *a, const struct facts *f, const char *home)
{
	char *path, *whole;
	struct buf out;

	if (a->spool == NULL || strcmp(a->spool, "off") == 0)
		return NULL;
	path = facts_expand(a->spool, a, f);
	if (!text_starts_fold(text_of(path), TEXT("~/")) || home[0] == '\0')
		return path;
	buf_init(&out, SIZE_MAX / 4);
	buf_format(&out, "%s%s", home, path + 1);
	whole = buf_take(&out);
	free(path);
	return whole;
}

/* A host's name that a stranger could look up. */
static bool
is_public_name(struct text name)
{
	static const char local[] = ".localdomain";
	size_t dot = text_find_last(name, '.');

	if (!account_is_host(name) || text_find(name, '_') < name.len)
		return false;
	return dot + 1 < name.len && text_is_alpha(name.at[dot + 1]) &&
	       !text_equal_fold(text_skip(name, dot), text_of(local));
}

char *
facts_helo(
    const struct account *a, const struct facts *f, char *out, size_t size)
{
	const char *name = a->helo != NULL ? a->helo : f->host;
	struct text t = text_of(name);
	bool usable;

	/* One argument of EHLO, a name or an address literal. */
	usable = a->helo == NULL ? is_public_name(t)
				 : !text_has_control(t) && !text_has_8bit(t) &&
				       text_find(t, ' ') == t.len;
	if (!usable || strlcpy(out, name, size) >= size)
		out[0] = '\0';
	return out;
}
