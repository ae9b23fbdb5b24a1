#include "world/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smtp/receipt.h"
#include "world/journal.h"

#define RECIPIENTS_MAX 1000 /* octets of them in a line, */
#define MORE_MAX       32   /* and of how many more there are */
#define FIELDS_MAX     100  /* of the journal, for recipients */
#define VALUE_MAX      1500

/*
 * The parts of a line and fields of the journal, in order.
 */

enum form { PLAIN, QUOTED };

struct part {
	const char *key;   /* in a line; NULL: is in none */
	const char *field; /* of the journal; NULL: none has it */
	const char *value; /* NULL: not known */
	enum form form;
	bool optional; /* left out of a line where it is not known */
};

struct parts {
	struct part at[20];
	size_t count;

	/* What the values are in. */
	char size[24];
	char code[16];
	char delay[40];
	char duration[24];
	char status[16];
	char server_id[VALUE_MAX];
	struct error_line error;
};

/* A session that knows nothing of TLS or a login says "-" of it. */
static const char *
or_null(const char *words)
{
	return words == NULL || words[0] == '\0' || strcmp(words, "-") == 0
		   ? NULL
		   : words;
}

static void
fill_values(const struct record *r, struct parts *p)
{
	const struct text id = receipt_id(r->words);

	snprintf(p->size, sizeof(p->size), "%llu", r->size);
	if (r->code != 0)
		snprintf(p->code, sizeof(p->code), "%d", r->code);
	snprintf(p->delay, sizeof(p->delay), "%lld.%03lld", r->delay_ms / 1000,
	    r->delay_ms % 1000);
	snprintf(p->duration, sizeof(p->duration), "%lld", r->delay_ms);
	snprintf(p->status, sizeof(p->status), "%d", r->status);
	snprintf(p->server_id, sizeof(p->server_id), "%.*s", TEXT_ARG(id));
	if (r->error != NULL && r->error->kind != ERROR_NONE)
		p->error = error_line(r->error);
}

static void
parts_init(struct parts *p, const struct record *r, const char *tag)
{
	const struct part all[] = {
	    {NULL, "SENDLING_ACCOUNT", r->account, PLAIN, true},
	    {"smarthost", "SENDLING_SMARTHOST", r->smarthost, PLAIN, false},
	    {"tls", "SENDLING_TLS", r->tls, PLAIN, false},
	    {"auth", "SENDLING_AUTH", r->auth, PLAIN, false},
	    {"size", "SENDLING_SIZE", p->size, PLAIN, false},
	    {"msgid", "SENDLING_MESSAGE_ID", r->message_id, PLAIN, false},
	    {"code", "SENDLING_CODE", p->code, PLAIN, false},
	    {"reply", "SENDLING_REPLY", r->words, QUOTED, false},
	    {"delay", NULL, p->delay, PLAIN, false},
	    {NULL, "SENDLING_DURATION_MS", p->duration, PLAIN, true},
	    {"status", "SENDLING_STATUS", p->status, PLAIN, false},
	    {"tag", "SENDLING_TAG", tag, PLAIN, true},
	    {"uid", "SENDLING_UID", r->uid, PLAIN, true},
	    {"serverid", "SENDLING_SERVER_ID", p->server_id, PLAIN, true},
	    {"queued", "SENDLING_QUEUED", r->queued, PLAIN, true},
	    {"error", "SENDLING_ERROR", p->error.words, QUOTED, true},
	};

	memset(p, 0, sizeof(*p));
	fill_values(r, p);
	memcpy(p->at, all, sizeof(all));
	p->count = sizeof(all) / sizeof(all[0]);
}

/*
 * A line.
 */

static void
add_part(struct buf *line, const char *key, const char *value, enum form form)
{
	char shown[VALUE_MAX];

	text_visible(text_of(value), shown, sizeof(shown));
	buf_format(line, "%s%s=", line->len == 0 ? "" : " ", key);
	if (form == QUOTED || strpbrk(shown, " \"\\") != NULL)
		json_quote(line, shown);
	else
		buf_add_string(line, shown[0] == '\0' ? "-" : shown);
}

static bool
has_room(const struct buf *list, const struct recipient *r)
{
	return list->len + strlen(r->path) + strlen(",<>") <= RECIPIENTS_MAX;
}

static void
add_envelope(struct buf *line, const struct envelope *env)
{
	const size_t count = env == NULL ? 0 : env->count;
	struct buf list;
	size_t i;

	buf_init(&list, RECIPIENTS_MAX + MORE_MAX);
	if (env != NULL)
		buf_format(&list, "<%s>", env->reverse_path);
	add_part(line, "from", buf_string(&list), PLAIN);
	buf_reset(&list);
	for (i = 0; i < count && has_room(&list, &env->recipients[i]); i++)
		buf_format(&list, "%s<%s>", i == 0 ? "" : ",",
		    env->recipients[i].path);
	if (i < count)
		buf_format(&list, ",+%zu more", count - i);
	add_part(line, "to", buf_string(&list), PLAIN);
	buf_clear(&list);
}

void
record_format(const struct record *r, const char *tag, struct buf *line)
{
	const struct part *part;
	struct parts parts;

	parts_init(&parts, r, tag);
	add_envelope(line, r->envelope);
	for (part = parts.at; part < parts.at + parts.count; part++)
		if (part->key != NULL &&
		    (!part->optional || or_null(part->value) != NULL))
			add_part(line, part->key, part->value, part->form);
}

/*
 * Fields of the journal.
 */

static void
add_field(struct buf *fields, const char *name, const char *value)
{
	char shown[VALUE_MAX];

	text_visible(text_of(value), shown, sizeof(shown));
	journal_add(fields, name, text_of(shown));
}

void
record_add_fields(const struct record *r, const char *tag, struct buf *fields)
{
	const struct envelope *env = r->envelope;
	const struct part *part;
	struct parts parts;
	size_t i;

	if (env != NULL)
		add_field(fields, "SENDLING_FROM",
		    env->reverse_path[0] == '\0' ? "<>" : env->reverse_path);
	for (i = 0; env != NULL && i < env->count && i < FIELDS_MAX; i++)
		add_field(fields, "SENDLING_TO", env->recipients[i].path);
	parts_init(&parts, r, tag);
	for (part = parts.at; part < parts.at + parts.count; part++)
		if (part->field != NULL && or_null(part->value) != NULL)
			add_field(fields, part->field, part->value);
}

/*
 * JSON.
 */

static void
add_recipient(const struct recipient *r, struct json *j)
{
	json_add_object(j, NULL);
	json_add_string(j, "address", r->path);
	json_add_string(j, "verdict", envelope_verdict_word(r->verdict));
	json_add_number(j, "code", r->reply == NULL ? 0 : r->reply->code);
	json_add_string(j, "reply", r->reply == NULL ? NULL : r->reply->words);
	json_end_object(j);
}

static void
add_recipients(const struct envelope *env, size_t most, struct json *j)
{
	const size_t count = env == NULL ? 0 : env->count;
	size_t i;

	json_add_array(j, "recipients");
	for (i = 0; i < count && j->out->len < most; i++)
		add_recipient(&env->recipients[i], j);
	json_end_array(j);
	json_add_number(j, "recipients_more", (long long)(count - i));
}

/* A field of the message may be of any length. */
static void
add_cut(struct json *j, const char *key, const char *value)
{
	char shown[VALUE_MAX];

	json_add_string(j, key,
	    value == NULL ? NULL
			  : text_visible(text_of(value), shown, sizeof(shown)));
}

void
record_add_json(const struct record *r, size_t most, struct json *j)
{
	const struct envelope *env = r->envelope;
	struct parts parts;

	parts_init(&parts, r, "");
	json_add_number(j, "status", r->status);
	json_add_error(j, "error", r->error);
	json_add_string(j, "account", r->account);
	json_add_string(j, "from", env == NULL ? NULL : env->reverse_path);
	add_recipients(env, most, j);
	json_add_string(j, "smarthost", or_null(r->smarthost));
	json_add_string(j, "tls", or_null(r->tls));
	json_add_string(j, "auth", or_null(r->auth));
	json_add_number(j, "size", (long long)r->size);
	add_cut(j, "message_id", r->message_id);
	json_add_number(j, "code", r->code);
	json_add_string(j, "reply", or_null(r->words));
	json_add_string(j, "server_id", or_null(parts.server_id));
	json_add_string(j, "queued", or_null(r->queued));
	json_add_string(j, "uid", or_null(r->uid));
	json_add_number(j, "duration_ms", r->delay_ms);
}
