#include "submit/ticket.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define MAGIC	   "sendlingq1 "
#define NUMBER_MAX (1ULL << 62)
/* Octets of a journal: of each recipient, words too; for all else. */
#define JOURNAL_EACH (2 * TICKET_RESULT + 64)
#define JOURNAL_MORE 2144
#define SECONDS_MAX  0xffffffffffLL /* what 10 hex digits hold */

void
ticket_init(struct ticket *t)
{
	memset(t, 0, sizeof(*t));
	envelope_init(&t->envelope);
}

void
ticket_clear(struct ticket *t)
{
	free(t->account);
	free(t->told);
	envelope_clear(&t->envelope);
	memset(t, 0, sizeof(*t));
}

static void
format_hex(const unsigned char *octets, size_t count, char *out)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < count; i++) {
		*out++ = digits[octets[i] >> 4];
		*out++ = digits[octets[i] & 15];
	}
}

/* Digits of that many octets, which the caller has looked at. */
static void
parse_hex(const char *hex, size_t count, unsigned char *out)
{
	unsigned value;
	size_t i, j;

	for (i = 0; i < count; i++, hex += 2) {
		value = 0;
		for (j = 0; j < 2; j++)
			value =
			    value * 16 + (unsigned)(text_is_digit(hex[j])
							? hex[j] - '0'
							: hex[j] - 'a' + 10);
		out[i] = (unsigned char)value;
	}
}

static bool
is_hex(struct text t)
{
	size_t i;

	for (i = 0; i < t.len; i++)
		if (!text_is_digit(t.at[i]) &&
		    !(t.at[i] >= 'a' && t.at[i] <= 'f'))
			return false;
	return true;
}

void
ticket_make_id(long long created, const unsigned char random[12],
    char id[TICKET_ID_MAX + 1])
{
	created = created < 0 ? 0 : created;
	snprintf(id, TICKET_ID + 1, "%010llx-",
	    (unsigned long long)(created < SECONDS_MAX ? created
						       : SECONDS_MAX));
	format_hex(random, 12, id + 11);
	id[TICKET_ID] = '\0';
}

long long
ticket_moment(const char *id)
{
	return strtoll(id, NULL, 16); /* up to the `-' */
}

bool
ticket_is_id(struct text id)
{
	struct text report = text_skip(id, TICKET_ID);
	unsigned long long number;

	if (id.len < TICKET_ID || id.at[10] != '-' ||
	    !is_hex(text_first(id, 10)) ||
	    !is_hex(text_skip(text_first(id, TICKET_ID), 11)))
		return false;
	return report.len == 0 ||
	       (text_equal(text_first(report, 2), TEXT("-b")) &&
		   report.len > 2 && report.at[2] != '0' &&
		   text_number(text_skip(report, 2), 99, &number));
}

void
ticket_set_told(struct ticket *t, size_t recipient)
{
	if (t->told == NULL)
		t->told = mem_new(t->envelope.count, 1);
	t->told[recipient] = 1;
}

bool
ticket_is_told(const struct ticket *t, size_t recipient)
{
	return t->told != NULL && t->told[recipient] != 0;
}

struct wishes
ticket_wishes(const struct ticket *t, long long now)
{
	struct wishes left = t->envelope.wishes;
	long long age = now > t->created ? now - t->created : 0;

	if (left.deliver_by > 0)
		left.deliver_by =
		    age < left.deliver_by ? left.deliver_by - age : 1;
	left.hold_for = (unsigned long long)age < left.hold_for
			    ? left.hold_for - (unsigned long long)age
			    : 0;
	return left;
}

static void
format_wishes(const struct wishes *w, struct buf *out)
{
	if (w->has_priority)
		buf_format(out, " mt-priority=%d", w->priority);
	if (w->deliver_by > 0)
		buf_format(out, " deliver-by=%lld;%s", w->deliver_by,
		    w->deliver_by_mode);
	if (w->hold_for > 0)
		buf_format(out, " hold-for=%llu", w->hold_for);
	if (w->hold_until[0] != '\0')
		buf_format(out, " hold-until=%s", w->hold_until);
}

static void
format_mail(const struct ticket *t, struct buf *out)
{
	const struct envelope *env = &t->envelope;

	buf_add_string(out, "m");
	if (env->body == BODY_8BITMIME)
		buf_add_string(out, " 8bitmime");
	if (env->smtputf8)
		buf_add_string(out, " smtputf8");
	if (env->requiretls)
		buf_add_string(out, " requiretls");
	if (t->all_or_none)
		buf_add_string(out, " all-or-none");
	if (env->ret != RET_NONE) {
		buf_add_string(out, " ret=");
		dsn_format_ret(env->ret, out);
	}
	if (env->envid != NULL)
		buf_format(out, " envid=%s", env->envid);
	format_wishes(&env->wishes, out);
	buf_add_string(out, "\ns ");
	dsn_format_xtext(text_of(env->reverse_path), out);
}

void
ticket_format_reply(
    const struct recipient_reply *reply, size_t room, struct buf *out)
{
	char shown[TICKET_WORDS];
	struct text words;

	words =
	    text_of(text_visible(text_of(reply->words), shown, sizeof(shown)));
	buf_format(out, " %d %d.%d.%d ", reply->code, reply->enhanced.class,
	    reply->enhanced.subject, reply->enhanced.detail);
	buf_add_text(out, text_first(words, text_cut(words, room)));
}

static char
state_of(const struct ticket *t, size_t i)
{
	switch ((enum verdict)t->envelope.recipients[i].verdict) {
	case VERDICT_DELIVERED:
		return 'd';
	case VERDICT_REFUSED:
		return ticket_is_told(t, i) ? 't' : 'f';
	case VERDICT_OPEN:
	case VERDICT_ACCEPTED:
	case VERDICT_LATER:
	case VERDICT_DOUBTFUL:
	case VERDICT_QUEUED:
		break;
	}
	return 'o';
}

static void
format_recipient(const struct ticket *t, size_t i, struct buf *out)
{
	const struct recipient *r = &t->envelope.recipients[i];
	char state = state_of(t, i);

	buf_format(out, "\nr %c ", state);
	if (r->notify == 0)
		buf_add_char(out, '-');
	dsn_format_notify(r->notify, out);
	buf_add_char(out, ' ');
	if (r->orcpt == NULL)
		buf_add_char(out, '-');
	dsn_format_xtext(text_of(r->orcpt), out);
	buf_add_char(out, ' ');
	dsn_format_xtext(text_of(r->path), out);
	if (r->verdict == VERDICT_REFUSED && r->reply != NULL)
		ticket_format_reply(r->reply, TICKET_WORDS, out);
}

int
ticket_format_head(const struct ticket *t, struct buf *out)
{
	size_t i;

	buf_format(out, MAGIC "%llu\ni %s\na ", t->message_size, t->id);
	dsn_format_xtext(text_of(t->account), out);
	buf_format(out, "\nt %lld %lld\nu %u %u\n", t->created, t->expires,
	    t->uid, t->gid);
	format_mail(t, out);
	for (i = 0; i < t->envelope.count; i++)
		format_recipient(t, i, out);
	buf_add_string(out, "\n\n");
	return out->full ? -1 : 0;
}

/* The string that an xtext stands for, which holds no NUL; the caller frees
 * it. */
static char *
parse_string(struct text xtext)
{
	struct buf out;
	char *string = NULL;

	buf_init(&out, xtext.len + 1);
	if (dsn_parse_xtext(xtext, &out) == 0 &&
	    memchr(out.len == 0 ? "" : out.at, '\0', out.len) == NULL)
		string = buf_take(&out);
	buf_clear(&out);
	return string;
}

static bool
parse_id(struct text value, struct ticket *t)
{
	if (!ticket_is_id(value))
		return false;
	memcpy(t->id, value.at, value.len);
	/* Random, and from after the addresses were known. */
	parse_hex(t->id + 11, 12, t->envelope.paths.key);
	return true;
}

static bool
parse_account(struct text value, struct ticket *t)
{
	t->account = parse_string(value);
	return t->account != NULL;
}

static bool
parse_times(struct text value, struct ticket *t)
{
	unsigned long long created, expires;

	if (!text_next_number(&value, NUMBER_MAX, &created) ||
	    !text_next_number(&value, NUMBER_MAX, &expires) || value.len > 0)
		return false;
	t->created = (long long)created;
	t->expires = (long long)expires;
	return true;
}

static bool
parse_owner(struct text value, struct ticket *t)
{
	unsigned long long uid, gid;

	if (!text_next_number(&value, UINT_MAX, &uid) ||
	    !text_next_number(&value, UINT_MAX, &gid) || value.len > 0)
		return false;
	t->uid = (unsigned)uid;
	t->gid = (unsigned)gid;
	return true;
}

static bool
parse_envid(struct text value, struct ticket *t)
{
	char *plain = dsn_parse_envid(value);

	if (plain == NULL)
		return false;
	free(plain);
	free(t->envelope.envid);
	t->envelope.envid = mem_string(value.at, value.len);
	return true;
}

static bool
parse_word(struct text word, struct ticket *t)
{
	struct envelope *env = &t->envelope;
	const struct {
		struct text word;
		bool *flag;
	} flags[] = {{TEXT("smtputf8"), &env->smtputf8},
	    {TEXT("requiretls"), &env->requiretls},
	    {TEXT("all-or-none"), &t->all_or_none}};
	size_t i;

	for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (text_equal(word, flags[i].word))
			return *flags[i].flag = true;
	if (text_equal(word, TEXT("8bitmime"))) {
		env->body = BODY_8BITMIME;
		return true;
	}
	if (text_starts_fold(word, TEXT("ret=")))
		return dsn_parse_ret(text_skip(word, 4), &env->ret) == 0;
	if (text_starts_fold(word, TEXT("envid=")))
		return parse_envid(text_skip(word, 6), t);
	return wishes_parse(word, &env->wishes) == 1;
}

static bool
parse_mail(struct text value, struct ticket *t)
{
	struct text word;

	while (text_next(&value, " ", &word))
		if (!parse_word(word, t))
			return false;
	return true;
}

static bool
parse_sender(struct text value, struct ticket *t)
{
	char *path = parse_string(value);
	bool good = path != NULL && envelope_set_reverse_path(
					&t->envelope, text_of(path), NULL) == 0;

	free(path);
	return good;
}

/* The lines before the recipients', in their order. */
static const struct {
	const char *name;
	bool (*parse)(struct text value, struct ticket *t);
} lines[] = {{"i", parse_id}, {"a", parse_account}, {"t", parse_times},
    {"u", parse_owner}, {"m", parse_mail}, {"s", parse_sender}};

static bool
parse_enhanced(struct text word, struct enhanced *enhanced)
{
	unsigned long long part[3];
	struct text number;
	size_t i;

	for (i = 0; i < 3; i++)
		if (!text_next(&word, ".", &number) ||
		    !text_number(number, i == 0 ? 255 : 65535, &part[i]))
			return false;
	*enhanced = (struct enhanced){(unsigned char)part[0],
	    (unsigned short)part[1], (unsigned short)part[2]};
	return word.len == 0;
}

bool
ticket_parse_reply(struct text rest, struct recipient *r)
{
	struct enhanced enhanced = {0};
	unsigned long long code = 0;
	char words[TICKET_WORDS];
	bool none = rest.len == 0;
	struct text word;

	if (!none && (!text_next_number(&rest, 999, &code) ||
			 !text_next(&rest, " ", &word) ||
			 !parse_enhanced(word, &enhanced)))
		return false;
	text_visible(text_skip(rest, 1), words, sizeof(words));
	envelope_decide(
	    r, VERDICT_REFUSED, (int)code, enhanced, none ? NULL : words);
	return true;
}

/* What a recipient's line has behind his address. */
static bool
parse_state(char state, struct text rest, struct ticket *t, size_t i)
{
	struct recipient *r = &t->envelope.recipients[i];

	switch (state) {
	case 'o':
		return rest.len == 0;
	case 'd':
		r->verdict = VERDICT_DELIVERED;
		return rest.len == 0;
	default:
		return ticket_parse_reply(rest, r);
	}
}

/* 0 for none, which stands there as `-'. */
static bool
parse_wanted(struct text notify, struct text orcpt, struct recipient *r)
{
	unsigned bits = 0;

	if (!text_equal(notify, TEXT("-")) &&
	    dsn_parse_notify(notify, &bits) == -1)
		return false;
	r->notify = (unsigned char)bits;
	if (text_equal(orcpt, TEXT("-")))
		return true;
	r->orcpt = parse_string(orcpt);
	return r->orcpt != NULL && dsn_check_orcpt(text_of(r->orcpt));
}

static bool
add_recipient(struct text xtext, struct ticket *t)
{
	char *path = parse_string(xtext);
	bool added = path != NULL &&
		     envelope_add(&t->envelope, text_of(path), NULL) == 1;

	free(path);
	return added;
}

static bool
parse_recipient(struct text line, struct ticket *t)
{
	struct text state, notify, orcpt, path;
	size_t i = t->envelope.count;

	if (!text_next(&line, " ", &state) || state.len != 1 ||
	    text_find(TEXT("odft"), state.at[0]) == 4 ||
	    !text_next(&line, " ", &notify) || !text_next(&line, " ", &orcpt) ||
	    !text_next(&line, " ", &path) || !add_recipient(path, t))
		return false;
	t->told = mem_grow(t->told, i, 1);
	t->told[i] = state.at[0] == 't';
	return parse_wanted(notify, orcpt, &t->envelope.recipients[i]) &&
	       parse_state(state.at[0], line, t, i);
}

/* Cuts the next line off, and its name; false where it has another one. */
static bool
next_value(struct text *rest, struct text name, struct text *value)
{
	struct text line = text_first(*rest, text_find(*rest, '\n'));

	*rest = text_skip(*rest, line.len + 1);
	*value = text_skip(line, name.len + 1);
	return text_equal(text_first(line, name.len), name) &&
	       (line.len == name.len || line.at[name.len] == ' ');
}

static bool
parse_lines(struct text head, struct ticket *t)
{
	struct text value;
	size_t i;

	if (!next_value(&head, TEXT("sendlingq1"), &value) ||
	    !text_number(value, NUMBER_MAX, &t->message_size))
		return false;
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (!next_value(&head, text_of(lines[i].name), &value) ||
		    !lines[i].parse(value, t))
			return false;
	while (head.len > 0)
		if (!next_value(&head, TEXT("r"), &value) ||
		    !parse_recipient(value, t))
			return false;
	return t->envelope.count > 0;
}

int
ticket_parse_head(
    struct text bytes, struct ticket *t, size_t *len, struct error *e)
{
	const struct text magic = TEXT(MAGIC);
	const size_t start = bytes.len < magic.len ? bytes.len : magic.len;
	const char *end;

	if (!text_equal(text_first(bytes, start), text_first(magic, start)))
		return error_set(e, ERROR_SPOOL, NULL, "it is no queued mail");
	end = bytes.len == 0 ? NULL : memmem(bytes.at, bytes.len, "\n\n", 2);
	if (end == NULL && bytes.len < TICKET_HEAD_MAX)
		return 1;
	if (end != NULL) {
		*len = (size_t)(end - bytes.at) + 2;
		if (parse_lines(text_first(bytes, *len - 1), t))
			return 0;
	}
	ticket_clear(t);
	ticket_init(t);
	return error_set(e, ERROR_SPOOL, NULL, "its head is damaged");
}

bool
ticket_parse_uid(struct text bytes, unsigned *uid)
{
	struct ticket t = {.uid = 0};
	struct text value;
	size_t i = 0;
	bool found;

	found = next_value(&bytes, TEXT("sendlingq1"), &value);
	while (found && next_value(&bytes, text_of(lines[i].name), &value) &&
	       lines[i].parse != parse_owner)
		i++;
	found =
	    found && lines[i].parse == parse_owner && parse_owner(value, &t);
	*uid = t.uid;
	return found;
}

static size_t
journal_size(size_t recipients)
{
	size_t size = JOURNAL_EACH * recipients + JOURNAL_MORE;

	return (size + TICKET_BLOCK - 1) / TICKET_BLOCK * TICKET_BLOCK;
}

struct ticket_layout
ticket_layout(const struct ticket *t, size_t head_len)
{
	struct ticket_layout at;
	unsigned long long end;

	at.message_at = head_len;
	at.trailer_at = at.message_at + t->message_size;
	end = at.trailer_at + TICKET_TRAILER + TICKET_BLOCK - 1;
	at.journal_at = end - end % TICKET_BLOCK;
	at.journal_size = journal_size(t->envelope.count);
	return at;
}

void
ticket_format_trailer(const unsigned char sha256[32], char out[TICKET_TRAILER])
{
	memcpy(out, "E ", 2);
	format_hex(sha256, 32, out + 2);
	out[TICKET_TRAILER - 1] = '\n';
}

bool
ticket_check_trailer(struct text trailer, const unsigned char sha256[32])
{
	char expected[TICKET_TRAILER];

	ticket_format_trailer(sha256, expected);
	return text_equal(trailer, (struct text){expected, sizeof(expected)});
}
