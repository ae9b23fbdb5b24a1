#include "config/keyword.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "base/buf.h"
#include "base/mem.h"
#include "message/address.h"

#define ADDRESS_VALUE_MAX 1024
#define DURATION_MAX	  (7 * 24 * 60 * 60) /* in ms still an int */
#define NEAR_MAX	  24 /* octets of a word that resembles a keyword */
#define NEAR_MIN	  3
#define NEAR_DISTANCE	  2
#define SHOWN_MAX	  160

/* One value on its way into an account. */
struct setting {
	struct account *account;
	struct text value;
	const struct keyword_reader *reader; /* NULL: from outside the files */
};

struct word {
	const char *name;
	int value;
};

static int
wrong(const struct setting *s, struct error *e, const char *expected)
{
	char shown[SHOWN_MAX];

	return error_set(e, ERROR_CONFIG, NULL, "`%s' is not %s",
	    text_visible(s->value, shown, sizeof(shown)), expected);
}

static int
set_string(char **to, struct text value)
{
	free(*to);
	*to = mem_string(value.at, value.len);
	return 0;
}

/* The words end with a row without a name. */
static int
choose(const struct setting *s, const struct word *words, int *value,
    struct error *e)
{
	const struct word *w;
	struct buf names;

	buf_init(&names, SHOWN_MAX);
	for (w = words; w->name != NULL; w++) {
		if (text_equal_fold(s->value, text_of(w->name))) {
			buf_clear(&names);
			*value = w->value;
			return 0;
		}
		buf_format(&names, "%s%s", w == words ? "" : ", ", w->name);
	}
	wrong(s, e, "one of the words that can stand here");
	error_hint(e, "write one of: %s", buf_string(&names));
	buf_clear(&names);
	return -1;
}

static int
set_switch(const struct setting *s, const char *yes, const char *no,
    enum account_switch *to, struct error *e)
{
	const struct word words[] = {
	    {yes, SWITCH_YES}, {no, SWITCH_NO}, {NULL, 0}};
	int value;

	if (choose(s, words, &value, e) == -1)
		return -1;
	*to = (enum account_switch)value;
	return 0;
}

static int
set_duration(const struct setting *s, unsigned *to, struct error *e)
{
	static const char units[] = "smh";
	static const unsigned seconds[] = {1, 60, 3600};
	struct text digits = s->value;
	unsigned long long number;
	const char *unit;
	unsigned factor = 1;

	unit = strchr(units, text_lower(digits.at[digits.len - 1]));
	if (unit != NULL) {
		factor = seconds[unit - units];
		digits.len--;
	}
	if (!text_number(digits, DURATION_MAX / factor, &number) ||
	    number == 0) {
		wrong(s, e, "a time from one second to seven days");
		return error_hint(e, "write it like 90s, 5m or 1h");
	}
	*to = (unsigned)number * factor;
	return 0;
}

/*
 * Appends the value to out with a stand-in for each of %U, %H and %D, which
 * are expanded only when a mail is submitted.
 */
static int
stand_in(const struct setting *s, struct buf *out, struct error *e)
{
	struct text t = s->value;
	size_t i;
	char next;

	for (i = 0; i < t.len; i++) {
		next = i + 1 < t.len ? t.at[i + 1] : '\0';
		if (t.at[i] != '%') {
			buf_add_char(out, t.at[i]);
			continue;
		}
		if (next == '\0' || strchr("UHD%", next) == NULL) {
			wrong(s, e, "right behind its `%' sign");
			return error_hint(e,
			    "%%U is the user, %%H the host, %%D the domain, "
			    "%%%% a per cent sign");
		}
		buf_add_char(out, next == '%' ? '%' : 'x');
		i++;
	}
	if (out->full)
		return error_set(e, ERROR_CONFIG, NULL,
		    "the value is longer than %zu octets", out->max);
	return 0;
}

/* Free text that may hold such escapes. */
static int
set_template(const struct setting *s, char **to, struct error *e)
{
	struct buf expanded;
	int rc = 0;

	buf_init(&expanded, ADDRESS_VALUE_MAX);
	if (stand_in(s, &expanded, e) == -1)
		rc = -1;
	else if (!text_is_utf8(s->value))
		rc = wrong(s, e, "text in UTF-8");
	buf_clear(&expanded);
	return rc == -1 ? -1 : set_string(to, s->value);
}

static int
mailbox_fault(const struct setting *s, const char *fault, struct error *e)
{
	char shown[SHOWN_MAX];

	return error_set(e, ERROR_CONFIG, NULL,
	    "`%s' is not a bare address: %s",
	    text_visible(s->value, shown, sizeof(shown)), fault);
}

static int
set_parsed_mailbox(
    const struct setting *s, struct text expanded, char **to, struct error *e)
{
	struct address_list list;
	struct address mailbox;
	struct buf spec;
	int rc = 0;

	buf_init(&spec, ADDRESS_VALUE_MAX);
	if (address_parse_one(&list, expanded, &mailbox) == -1)
		rc = mailbox_fault(s, list.fault, e);
	else if (mailbox.local.len == 0)
		rc = mailbox_fault(s, "it is empty", e);
	else if (mailbox.phrase.len > 0)
		rc = mailbox_fault(s, "the name belongs into `full-name'", e);
	else if (address_format(&mailbox, &spec) == -1)
		rc = mailbox_fault(s, "it is too long", e);
	else if (text_find(s->value, '%') < s->value.len)
		set_string(to, s->value);
	else
		set_string(to, buf_text(&spec));
	buf_clear(&spec);
	return rc;
}

static int
set_mailbox(const struct setting *s, char **to, struct error *e)
{
	struct buf expanded;
	int rc;

	buf_init(&expanded, ADDRESS_VALUE_MAX);
	rc = stand_in(s, &expanded, e);
	if (rc == 0)
		rc = set_parsed_mailbox(s, buf_text(&expanded), to, e);
	buf_clear(&expanded);
	return rc;
}

/* A relative path in a file would depend on where the caller stands, and
 * that may be a stranger's folder. On the command line it is meant so. */
static int
check_path(const struct setting *s, struct error *e)
{
	if (s->reader == NULL || s->value.at[0] == '/')
		return 0;
	error_set(e, ERROR_CONFIG, NULL, "the path does not begin with `/'");
	return error_hint(e, "write the whole path, from `/' on");
}

static int
set_secret(struct setting *s, enum secret_source source)
{
	mem_wipe_string(s->account->secret.text);
	s->account->secret.text = mem_string(s->value.at, s->value.len);
	s->account->secret.source = source;
	return 0;
}

static int
add_smarthost(struct account *a, struct text url, struct error *e)
{
	struct smarthost smarthost;

	if (smarthost_parse(url, &smarthost, e) == -1)
		return -1;
	a->smarthosts.at = mem_grow(
	    a->smarthosts.at, a->smarthosts.count, sizeof(*a->smarthosts.at));
	a->smarthosts.at[a->smarthosts.count++] = smarthost;
	return 0;
}

static int
set_smarthost(struct setting *s, struct error *e)
{
	struct text rest = s->value, url;

	while (text_next(&rest, " \t", &url)) {
		if (add_smarthost(s->account, url, e) == -1)
			return -1;
	}
	return 0;
}

static int
set_user(struct setting *s, struct error *e)
{
	return set_template(s, &s->account->user, e);
}

static int
set_password(struct setting *s, struct error *e)
{
	(void)e;
	return set_secret(s, SECRET_VALUE);
}

static int
set_password_file(struct setting *s, struct error *e)
{
	if (check_path(s, e) == -1)
		return -1;
	return set_secret(s, SECRET_FILE);
}

static int
set_password_command(struct setting *s, struct error *e)
{
	(void)e;
	return set_secret(s, SECRET_COMMAND);
}

static int
mechanism_fault(struct text name, struct error *e)
{
	char shown[SHOWN_MAX];
	struct buf names;
	int i;

	buf_init(&names, 400);
	for (i = 0; i < MECHANISM_COUNT; i++)
		buf_format(&names, ", %s", mechanism_name((enum mechanism)i));
	error_set(e, ERROR_CONFIG, NULL, "`%s' is no mechanism known here",
	    text_visible(name, shown, sizeof(shown)));
	error_hint(e, "write one or more of: auto, off%s", buf_string(&names));
	buf_clear(&names);
	return -1;
}

static int
add_mechanism(struct account *a, struct text name, struct error *e)
{
	enum mechanism mechanism;
	size_t i;

	if (mechanism_parse(name, &mechanism) == -1)
		return mechanism_fault(name, e);
	for (i = 0; i < a->auth.count; i++) {
		if (a->auth.mechanisms[i] == mechanism)
			return error_set(e, ERROR_CONFIG, NULL,
			    "%s stands twice", mechanism_name(mechanism));
	}
	a->auth.mechanisms[a->auth.count++] = mechanism;
	return 0;
}

static int
set_auth(struct setting *s, struct error *e)
{
	struct account *a = s->account;
	struct text rest = s->value, name;

	a->auth.count = 0;
	if (text_equal_fold(s->value, TEXT("auto"))) {
		a->auth.choice = AUTH_AUTO;
		return 0;
	}
	if (text_equal_fold(s->value, TEXT("off"))) {
		a->auth.choice = AUTH_OFF;
		return 0;
	}
	a->auth.choice = AUTH_LIST;
	while (text_next(&rest, " ,\t", &name)) {
		if (add_mechanism(a, name, e) == -1)
			return -1;
	}
	return a->auth.count > 0 ? 0 : mechanism_fault(s->value, e);
}

static int
set_auth_in_clear(struct setting *s, struct error *e)
{
	return set_switch(s, "yes", "no", &s->account->auth_in_clear, e);
}

static int
set_from(struct setting *s, struct error *e)
{
	return set_mailbox(s, &s->account->from, e);
}

static int
set_force_from(struct setting *s, struct error *e)
{
	return set_mailbox(s, &s->account->force_from, e);
}

static int
set_from_header(struct setting *s, struct error *e)
{
	return set_switch(s, "yes", "no", &s->account->from_header, e);
}

static int
set_full_name(struct setting *s, struct error *e)
{
	return set_template(s, &s->account->full_name, e);
}

static int
set_domain(struct setting *s, struct error *e)
{
	if (!account_is_host(s->value))
		return wrong(s, e, "a domain name in ASCII");
	return set_string(&s->account->domain, s->value);
}

static int
set_aliases(struct setting *s, struct error *e)
{
	if (text_equal_fold(s->value, TEXT("off")))
		return set_string(&s->account->aliases, TEXT("off"));
	if (check_path(s, e) == -1)
		return -1;
	return set_string(&s->account->aliases, s->value);
}

/* Address literal of RFC 5321 section 4.1.3. */
static bool
is_literal(struct text t)
{
	struct text inside = text_skip(text_first(t, t.len - 1), 1);
	struct text tag = TEXT("IPv6:");
	char string[INET_ADDRSTRLEN];
	unsigned char address[4];

	if (t.len < 2 || t.at[0] != '[' || t.at[t.len - 1] != ']')
		return false;
	if (text_starts_fold(inside, tag))
		return account_is_ipv6(text_skip(inside, tag.len));
	return inet_pton(AF_INET, text_visible(inside, string, sizeof(string)),
		   address) == 1;
}

static int
set_helo(struct setting *s, struct error *e)
{
	if (!account_is_host(s->value) && !is_literal(s->value)) {
		wrong(s, e, "a host name in ASCII or an address literal");
		return error_hint(e,
		    "write it like host.example.org, [192.0.2.1] or "
		    "[IPv6:2001:db8::1]");
	}
	return set_string(&s->account->helo, s->value);
}

static int
set_match(struct setting *s, struct error *e)
{
	struct account *a = s->account;
	struct text rest = s->value, pattern;

	(void)e;
	while (text_next(&rest, " \t", &pattern)) {
		a->match.at =
		    mem_grow(a->match.at, a->match.count, sizeof(*a->match.at));
		a->match.at[a->match.count++] =
		    mem_string(pattern.at, pattern.len);
	}
	return 0;
}

static int
set_recipients(struct setting *s, struct error *e)
{
	return set_switch(s, "all", "any", &s->account->recipients_all, e);
}

static int
set_tls_trust(struct setting *s, struct error *e)
{
	if (!text_equal_fold(s->value, TEXT("system")))
		return check_path(s, e) == -1
			   ? -1
			   : set_string(&s->account->tls_trust, s->value);
	/* The word stays, so that it hides what defaults say. */
	return set_string(&s->account->tls_trust, TEXT("system"));
}

static int
set_tls_name(struct setting *s, struct error *e)
{
	if (!account_is_host(s->value) && !account_is_ipv6(s->value))
		return wrong(s, e, "a host name in ASCII or an IP address");
	return set_string(&s->account->tls_name, s->value);
}

static int
set_tls_priority(struct setting *s, struct error *e)
{
	if (text_has_8bit(s->value))
		return wrong(s, e, "a priority string of GnuTLS");
	return set_string(&s->account->tls_priority, s->value);
}

static int
set_timeout(struct setting *s, struct error *e)
{
	return set_duration(s, &s->account->timeout, e);
}

static int
set_deadline(struct setting *s, struct error *e)
{
	return set_duration(s, &s->account->deadline, e);
}

static int
set_connect_timeout(struct setting *s, struct error *e)
{
	return set_duration(s, &s->account->connect_timeout, e);
}

static int
set_chunking(struct setting *s, struct error *e)
{
	return set_switch(s, "auto", "off", &s->account->chunking, e);
}

static int
set_pipelining(struct setting *s, struct error *e)
{
	return set_switch(s, "auto", "off", &s->account->pipelining, e);
}

static int
set_family(struct setting *s, struct error *e)
{
	static const struct word words[] = {{"any", FAMILY_ANY},
	    {"ipv4", FAMILY_IPV4}, {"ipv6", FAMILY_IPV6}, {NULL, 0}};
	int value;

	if (choose(s, words, &value, e) == -1)
		return -1;
	s->account->family = (enum account_family)value;
	return 0;
}

/* Without LOG_KERN: only the kernel has it, and 0 is "not set". */
static int
set_log_facility(struct setting *s, struct text name, struct error *e)
{
	static const struct word words[] = {{"auth", LOG_AUTH},
	    {"authpriv", LOG_AUTHPRIV}, {"cron", LOG_CRON},
	    {"daemon", LOG_DAEMON}, {"ftp", LOG_FTP}, {"lpr", LOG_LPR},
	    {"mail", LOG_MAIL}, {"news", LOG_NEWS}, {"user", LOG_USER},
	    {"uucp", LOG_UUCP}, {"local0", LOG_LOCAL0}, {"local1", LOG_LOCAL1},
	    {"local2", LOG_LOCAL2}, {"local3", LOG_LOCAL3},
	    {"local4", LOG_LOCAL4}, {"local5", LOG_LOCAL5},
	    {"local6", LOG_LOCAL6}, {"local7", LOG_LOCAL7}, {NULL, 0}};
	struct setting facility = {s->account, name, s->reader};

	s->account->log.to = LOGGING_SYSLOG;
	return choose(&facility, words, &s->account->log.facility, e);
}

static int
set_log(struct setting *s, struct error *e)
{
	static const struct word words[] = {{"syslog", LOGGING_SYSLOG},
	    {"syslog:FACILITY", LOGGING_SYSLOG}, {"stderr", LOGGING_STDERR},
	    {"off", LOGGING_OFF}, {"/FILE", LOGGING_FILE}, {NULL, 0}};
	struct text prefix = TEXT("syslog:");
	int value;

	if (text_starts_fold(s->value, prefix))
		return set_log_facility(s, text_skip(s->value, prefix.len), e);
	if (s->value.at[0] == '/') {
		s->account->log.to = LOGGING_FILE;
		return set_string(&s->account->log.path, s->value);
	}
	if (choose(s, words, &value, e) == -1)
		return -1;
	s->account->log.to = (enum log_target)value;
	return 0;
}

static int
set_dsn_notify(struct setting *s, struct error *e)
{
	if (dsn_parse_notify(s->value, &s->account->dsn_notify) == 0)
		return 0;
	wrong(s, e, "a list of notifications");
	return error_hint(e, "write never, or some of success,failure,delay");
}

static int
set_dsn_return(struct setting *s, struct error *e)
{
	if (dsn_parse_ret(s->value, &s->account->dsn_return) == 0)
		return 0;
	return wrong(s, e, "full or hdrs");
}

static int
set_include(struct setting *s, struct error *e)
{
	return s->reader->include(s->reader->arg, s->value, e);
}

static int
set_account(struct setting *s, struct error *e)
{
	return s->reader->account(s->reader->arg, s->value, e);
}

static const struct keyword keywords[] = {
    {"smarthost", set_smarthost, KEYWORD_REPEATS | KEYWORD_SPACED},
    {"user", set_user, 0},
    {"password", set_password,
	KEYWORD_FILES_ONLY | KEYWORD_SECRET | KEYWORD_FREE | KEYWORD_BYTES},
    {"password-file", set_password_file, KEYWORD_SECRET},
    {"password-command", set_password_command, KEYWORD_SECRET | KEYWORD_FREE},
    {"auth", set_auth, KEYWORD_SPACED},
    {"auth-in-clear", set_auth_in_clear, 0},
    {"from", set_from, 0},
    {"force-from", set_force_from, 0},
    {"from-header", set_from_header, 0},
    {"full-name", set_full_name, 0},
    {"domain", set_domain, 0},
    {"aliases", set_aliases, 0},
    {"helo", set_helo, 0},
    {"match", set_match, KEYWORD_REPEATS | KEYWORD_SPACED},
    {"recipients", set_recipients, 0},
    {"tls-trust", set_tls_trust, 0},
    {"tls-name", set_tls_name, 0},
    {"tls-priority", set_tls_priority, 0},
    {"timeout", set_timeout, 0},
    {"deadline", set_deadline, 0},
    {"connect-timeout", set_connect_timeout, 0},
    {"pipelining", set_pipelining, 0},
    {"chunking", set_chunking, 0},
    {"family", set_family, 0},
    {"log", set_log, 0},
    {"dsn-notify", set_dsn_notify, KEYWORD_SPACED},
    {"dsn-return", set_dsn_return, 0},
    {"include", set_include, KEYWORD_REPEATS | KEYWORD_FILES_ONLY},
    {"account", set_account, KEYWORD_REPEATS | KEYWORD_FILES_ONLY},
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
	return k->flags & KEYWORD_SECRET ? KEYWORDS : (size_t)(k - keywords);
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

static bool
is_quoted(struct text t)
{
	return t.len >= 2 && (t.at[0] == '"' || t.at[0] == '\'') &&
	       t.at[t.len - 1] == t.at[0];
}

static bool
has_tab(struct text t)
{
	return text_find(t, '\t') < t.len;
}

/* Tabs are control characters too. */
static bool
has_control(struct text value, unsigned flags)
{
	struct text rest = value, part;

	if (!(flags & (KEYWORD_FREE | KEYWORD_SPACED)))
		return text_has_control(value);
	while (text_next(&rest, "\t", &part)) {
		if (text_has_control(part))
			return true;
	}
	return false;
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
		    has_tab(value) ? "tab or another control character"
				   : "control character");
	if (!(k->flags & KEYWORD_FREE) && is_quoted(value))
		return error_set(e, ERROR_CONFIG, NULL,
		    "the value stands in quotes; write it without them");
	return 0;
}

static bool
has_comment(struct text value)
{
	size_t hash = text_find(value, '#');

	return hash > 0 && hash < value.len &&
	       (value.at[hash - 1] == ' ' || value.at[hash - 1] == '\t');
}

int
keyword_set(const struct keyword *k, struct account *a, struct text value,
    const struct keyword_reader *reader, struct error *e)
{
	struct setting s = {a, value, reader};

	if (check_value(k, value, e) == 0 && k->set(&s, e) == 0)
		return 0;
	if (!(k->flags & KEYWORD_FREE) && has_comment(value)) {
		e->hint[0] = '\0';
		error_hint(e, "a comment needs a line of its own");
	}
	return -1;
}
