#include "config/keyword.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "config/form.h"

#define NEAR_MAX      24 /* octets of a word that resembles a keyword */
#define NEAR_MIN      3
#define NEAR_DISTANCE 2

static const struct value_word yes_no[] = {
    {"yes", SWITCH_YES}, {"no", SWITCH_NO}, {NULL, 0}};
static const struct value_word auto_off[] = {
    {"auto", SWITCH_YES}, {"off", SWITCH_NO}, {NULL, 0}};
static const struct value_word all_any[] = {
    {"all", SWITCH_YES}, {"any", SWITCH_NO}, {NULL, 0}};
static const struct value_word families[] = {{"any", FAMILY_ANY},
    {"ipv4", FAMILY_IPV4}, {"ipv6", FAMILY_IPV6}, {NULL, 0}};
static const struct value_word formats[] = {
    {"text", LOG_FORMAT_TEXT}, {"json", LOG_FORMAT_JSON}, {NULL, 0}};
static const struct value_word reports[] = {
    {"off", 0}, {"sender", 0}, {NULL, 0}};
static const struct value_word aliases_off = {"off", 0}, spool_off = {"off", 0},
			       trust_system = {"system", 0};
static const struct value_word in_value = {"value", SECRET_VALUE},
			       in_file = {"file", SECRET_FILE},
			       in_command = {"command", SECRET_COMMAND},
			       in_credential = {
				   "credential", SECRET_CREDENTIAL};

#define AT(member) offsetof(struct account, member)
#define LIST	   KEYWORD_REPEATS | KEYWORD_SPACED
#define ALONE	   KEYWORD_REPEATS | KEYWORD_FILES_ONLY

static const struct keyword keywords[] = {
    {"smarthost", VALUE_SMARTHOSTS, AT(smarthosts), LIST | KEYWORD_WAY, NULL,
	NULL},
    {"user", VALUE_TEMPLATE, AT(user), KEYWORD_WAY, NULL, NULL},
    {"password", VALUE_SECRET, AT(secret),
	KEYWORD_FILES_ONLY | KEYWORD_FREE | KEYWORD_PASSWORD | KEYWORD_WAY,
	&in_value, NULL},
    {"password-file", VALUE_SECRET, AT(secret), KEYWORD_WAY, &in_file, NULL},
    {"password-command", VALUE_SECRET, AT(secret),
	KEYWORD_FREE | KEYWORD_COMMAND | KEYWORD_WAY, &in_command, NULL},
    {"password-credential", VALUE_SECRET, AT(secret), KEYWORD_WAY,
	&in_credential, NULL},
    {"auth", VALUE_AUTH, AT(auth), KEYWORD_SPACED | KEYWORD_WAY, NULL, "auto"},
    {"auth-in-clear", VALUE_CHOICE, AT(auth_in_clear), KEYWORD_WAY, yes_no,
	"no"},
    {"from", VALUE_MAILBOX, AT(from), 0, NULL, NULL},
    {"force-from", VALUE_MAILBOX, AT(force_from), 0, NULL, NULL},
    {"from-header", VALUE_CHOICE, AT(from_header), 0, yes_no, "no"},
    {"full-name", VALUE_TEMPLATE, AT(full_name), 0, NULL, NULL},
    {"domain", VALUE_DOMAIN, AT(domain), 0, NULL, NULL},
    {"aliases", VALUE_PATH, AT(aliases), 0, &aliases_off,
	SYSCONFDIR "/aliases"},
    {"helo", VALUE_HELO, AT(helo), KEYWORD_WAY, NULL, NULL},
    {"match", VALUE_PATTERNS, AT(match), LIST, NULL, NULL},
    {"sender-of", VALUE_SENDERS, AT(sender_of), LIST, NULL, NULL},
    {"socket-slots", VALUE_NUMBER, AT(socket_slots), 0, NULL, "8"},
    {"socket-size", VALUE_SIZE, AT(socket_size), 0, NULL, "150M"},
    {"recipients", VALUE_CHOICE, AT(recipients_all), 0, all_any, "any"},
    {"tls-trust", VALUE_PATH, AT(tls_trust), KEYWORD_WAY, &trust_system,
	"system"},
    {"tls-pin", VALUE_PINS, AT(tls_pins), LIST | KEYWORD_WAY, NULL, NULL},
    {"tls-name", VALUE_HOST, AT(tls_name), KEYWORD_WAY, NULL, NULL},
    {"tls-certificate", VALUE_OBJECT, AT(tls_certificate), KEYWORD_WAY, NULL,
	NULL},
    {"tls-key", VALUE_OBJECT, AT(tls_key), KEYWORD_WAY, NULL, NULL},
    {"tls-crl", VALUE_PATH, AT(tls_crl), KEYWORD_WAY, NULL, NULL},
    {"tls-verify", VALUE_CHOICE, AT(tls_verify), KEYWORD_WAY, yes_no, "yes"},
    {"tls-priority", VALUE_PRIORITY, AT(tls_priority), KEYWORD_WAY, NULL, NULL},
    {"timeout", VALUE_DURATION, AT(timeout), KEYWORD_WAY, NULL, NULL},
    {"deadline", VALUE_DURATION, AT(deadline), KEYWORD_WAY, NULL, "30m"},
    {"connect-timeout", VALUE_DURATION, AT(connect_timeout), KEYWORD_WAY, NULL,
	"30s"},
    {"pipelining", VALUE_CHOICE, AT(pipelining), KEYWORD_WAY, auto_off, "auto"},
    {"chunking", VALUE_CHOICE, AT(chunking), KEYWORD_WAY, auto_off, "auto"},
    {"family", VALUE_CHOICE, AT(family), KEYWORD_WAY, families, "any"},
    {"connect-command", VALUE_COMMAND, AT(connect_command),
	KEYWORD_FREE | KEYWORD_COMMAND | KEYWORD_WAY, NULL, NULL},
    {"source-address", VALUE_ADDRESS, AT(source_address), KEYWORD_WAY, NULL,
	NULL},
    {"log", VALUE_LOG, AT(log), KEYWORD_WAY, NULL, "syslog:mail"},
    {"log-format", VALUE_CHOICE, AT(log_format), KEYWORD_WAY, formats, "text"},
    {"dsn-notify", VALUE_NOTIFY, AT(dsn_notify), KEYWORD_SPACED, NULL, NULL},
    {"dsn-return", VALUE_RET, AT(dsn_return), 0, NULL, NULL},
    {"spool", VALUE_FOLDER, AT(spool), 0, &spool_off, "off"},
    {"spool-lifetime", VALUE_AGE, AT(spool_lifetime), 0, NULL, "5d"},
    {"spool-keep", VALUE_AGE, AT(spool_keep), 0, NULL, "30d"},
    {"spool-retry", VALUE_RETRY, AT(spool_retry), KEYWORD_SPACED, NULL,
	"5m 4h"},
    {"spool-limit", VALUE_LIMIT, AT(spool_limit), KEYWORD_SPACED, NULL,
	"10000 1G"},
    {"spool-passing", VALUE_CHOICE, AT(spool_passing), 0, yes_no, "yes"},
    {"spool-volatile", VALUE_CHOICE, AT(spool_volatile), 0, yes_no, "no"},
    {"spool-report", VALUE_MAILBOX, AT(spool_report), 0, reports, "off"},
    {"include", VALUE_INCLUDE, 0, ALONE, NULL, NULL},
    {"account", VALUE_ACCOUNT, 0, ALONE, NULL, NULL},
};

#define KEYWORDS (sizeof(keywords) / sizeof(keywords[0]))

static_assert(KEYWORDS < KEYWORD_SLOTS, "one slot is behind the last keyword");

const struct keyword *
keyword_at(size_t index)
{
	return index < KEYWORDS ? &keywords[index] : NULL;
}

const struct keyword *
keyword_find(struct text word)
{
	size_t i;

	for (i = 0; i < KEYWORDS; i++) {
		if (text_equal(word, text_of(keywords[i].name)))
			return &keywords[i];
	}
	return NULL;
}

/* All ways to a password share the slot behind the last keyword. */
size_t
keyword_slot(const struct keyword *k)
{
	return k->type == VALUE_SECRET ? KEYWORDS : (size_t)(k - keywords);
}

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Levenshtein's; b has at most NEAR_MAX octets. */
static size_t
distance(struct text a, struct text b)
{
	size_t i, j, corner, above, row[NEAR_MAX + 1];
	bool same;

	for (j = 0; j <= b.len; j++)
		row[j] = j;
	for (i = 0; i < a.len; i++) {
		corner = row[0];
		row[0] = i + 1;
		for (j = 0; j < b.len; j++) {
			above = row[j + 1];
			same = text_lower(a.at[i]) == text_lower(b.at[j]);
			row[j + 1] =
			    same ? corner
				 : 1 + least(corner, least(above, row[j]));
			corner = above;
		}
	}
	return row[b.len];
}

bool
keyword_is_secret(const struct keyword *k, struct text value)
{
	return (k->flags & KEYWORD_PASSWORD) != 0 ||
	       (k->type == VALUE_OBJECT && form_has_pin(value));
}

/* The keyword that was meant: the least distance, else the first keyword
 * that the word begins. Words of other lengths are not even compared. */
const struct keyword *
keyword_near(struct text word)
{
	const struct keyword *near = NULL;
	size_t i, apart, nearest = NEAR_DISTANCE + 1;
	struct text name;

	if (word.len < NEAR_MIN || word.len > NEAR_MAX)
		return NULL;
	for (i = 0; i < KEYWORDS; i++) {
		name = text_of(keywords[i].name);
		apart = nearest;
		if (name.len <= word.len + NEAR_DISTANCE &&
		    word.len <= name.len + NEAR_DISTANCE)
			apart = distance(name, word);
		if (apart < nearest && apart + 1 < word.len) {
			near = &keywords[i];
			nearest = apart;
		} else if (near == NULL && text_starts_fold(name, word))
			near = &keywords[i];
	}
	return near;
}

/* Tabs are control characters too. */
static bool
has_control(struct text value, unsigned flags)
{
	struct text part;

	if (!(flags & (KEYWORD_FREE | KEYWORD_SPACED)))
		return text_has_control(value);
	while (text_next(&value, "\t", &part)) {
		if (text_has_control(part))
			return true;
	}
	return false;
}

static bool
has_quotes(struct text value, unsigned flags)
{
	bool quoted = form_is_quoted(value);
	struct text part;

	while (!quoted && (flags & KEYWORD_SPACED) &&
	       text_next(&value, " \t", &part))
		quoted = form_is_quoted(part);
	return quoted && !(flags & KEYWORD_FREE);
}

/* What no keyword takes. The value may be a secret and is never shown. */
static int
check_value(const struct keyword *k, struct text value, struct error *e)
{
	if (value.len == 0)
		return error_set(
		    e, ERROR_CONFIG, NULL, "the keyword has no value");
	if (has_control(value, k->flags))
		return error_set(e, ERROR_CONFIG, NULL, "the value holds a %s",
		    text_find(value, '\t') < value.len
			? "tab or another control character"
			: "control character");
	if (has_quotes(value, k->flags))
		return error_set(e, ERROR_CONFIG, NULL,
		    "the value stands in quotes; write it without them");
	return 0;
}

static void *
member(const struct keyword *k, const struct account *a)
{
	return (char *)a + k->offset;
}

int
keyword_set(const struct keyword *k, struct account *a, struct text value,
    const struct value_reader *reader, struct error *e)
{
	const struct value v = {k->type, k->words, member(k, a), value, reader};
	size_t hash = text_find(value, '#');

	if (check_value(k, value, e) == 0) {
		if (!(k->flags & KEYWORD_REPEATS))
			value_clear(k->type, v.member);
		if (value_parse(&v, e) == 0)
			return 0;
	}
	if (!(k->flags & KEYWORD_FREE) && hash > 0 && hash < value.len &&
	    (value.at[hash - 1] == ' ' || value.at[hash - 1] == '\t')) {
		e->hint[0] = '\0';
		error_hint(e, "a comment needs a line of its own");
	}
	return -1;
}

bool
keyword_format(
    const struct keyword *k, const struct account *a, struct buf *out)
{
	const struct value v = {
	    .type = k->type, .words = k->words, .member = member(k, a)};

	return value_format(&v, out);
}

const char *
keyword_path(const char *name, const struct account *a)
{
	const struct keyword *k = keyword_find(text_of(name));
	const char *path = *(char **)member(k, a);

	if (path == NULL)
		path = k->usual;
	return strcmp(path, k->words->name) == 0 ? NULL : path;
}

void
keyword_inherit(struct account *a, const struct account *from)
{
	const struct keyword *k;

	for (k = keywords; k < keywords + KEYWORDS; k++)
		value_inherit(k->type, member(k, a), member(k, from));
}

void
keyword_clear(struct account *a)
{
	const struct keyword *k;

	for (k = keywords; k < keywords + KEYWORDS; k++)
		value_clear(k->type, member(k, a));
	free(a->name);
	a->name = NULL;
}
