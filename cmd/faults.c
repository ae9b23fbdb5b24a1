#include "cmd/faults.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "world/screen.h"

void
faults_clear(struct faults *f)
{
	size_t i;

	for (i = 0; i < f->count; i++) {
		free((char *)(uintptr_t)f->at[i].where);
		free((char *)(uintptr_t)f->at[i].account);
		free((char *)(uintptr_t)f->at[i].keyword);
		free((char *)(uintptr_t)f->at[i].text);
		free((char *)(uintptr_t)f->at[i].hint);
	}
	free(f->at);
	set_clear(&f->told);
	memset(f, 0, sizeof(*f));
}

static const char *
copy(const char *string)
{
	return string == NULL || string[0] == '\0' ? NULL : mem_copy(string);
}

static const char *
or_nothing(const char *string)
{
	return string == NULL ? "" : string;
}

void
faults_add(struct faults *f, const struct fault *fault)
{
	struct buf key;
	bool new;

	buf_init(&key, SIZE_MAX / 4);
	buf_format(&key, "%s: %s: %s", or_nothing(fault->where),
	    or_nothing(fault->account), fault->text);
	new = set_add(&f->told, buf_text(&key), SIZE_MAX);
	buf_clear(&key);
	if (new)
		*mem_push(f->at, f->count) =
		    (struct fault){.remark = fault->remark,
			.where = copy(fault->where),
			.account = copy(fault->account),
			.keyword = copy(fault->keyword),
			.text = copy(fault->text),
			.hint = copy(fault->hint)};
}

static void
print_fault(const struct fault *x, const struct screen_palette *colour)
{
	if (x->remark)
		printf("%sremark:%s ", colour->remark, colour->end);
	if (x->where != NULL)
		printf("%s%s:%s ", x->remark ? "" : colour->fault, x->where,
		    x->remark ? "" : colour->end);
	/* Some texts begin so. */
	if (x->account != NULL && strncmp(x->text, "account ", 8) != 0)
		printf("account %s: ", x->account);
	printf("%s\n", x->text);
	if (x->hint != NULL)
		printf("  %shint:%s %s\n", colour->aside, colour->end, x->hint);
}

static void
print_those(const struct faults *f, bool remarks)
{
	const struct screen_palette colour = screen_palette(STDOUT_FILENO);
	size_t i;

	for (i = 0; i < f->count; i++)
		if (f->at[i].remark == remarks)
			print_fault(&f->at[i], &colour);
}

void
faults_print(const struct faults *f)
{
	print_those(f, false);
	print_those(f, true);
}

/* Of "/etc/sendling.conf:12". */
static void
json_add_place(const char *where, struct json *j)
{
	struct text whole = text_of(where);
	size_t colon = text_find_last(whole, ':');
	unsigned long long line;
	char *file;

	json_add_string(j, "where", where);
	if (colon < whole.len &&
	    text_number(text_skip(whole, colon + 1), INT32_MAX, &line)) {
		file = mem_string(whole.at, colon);
		json_add_string(j, "file", file);
		json_add_number(j, "line", (long long)line);
		free(file);
	} else {
		json_add_null(j, "file");
		json_add_null(j, "line");
	}
}

static void
json_add_those(
    const struct faults *f, const char *key, bool remarks, struct json *j)
{
	const struct fault *x;

	json_add_array(j, key);
	for (x = f->at; x < f->at + f->count; x++) {
		if (x->remark != remarks)
			continue;
		json_add_object(j, NULL);
		json_add_place(x->where, j);
		json_add_string(j, "account", x->account);
		json_add_string(j, "keyword", x->keyword);
		json_add_string(j, "text", x->text);
		json_add_string(j, "hint", x->hint);
		json_end_object(j);
	}
	json_end_array(j);
}

void
faults_add_json(const struct faults *f, struct json *j)
{
	json_add_those(f, "faults", false, j);
	json_add_those(f, "remarks", true, j);
}
