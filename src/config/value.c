#include "config/value.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "base/crypt.h"
#include "base/mem.h"
#include "config/amount.h"
#include "config/form.h"
#include "message/address.h"
#include "submit/account.h"
#include "submit/caller.h"
#include "submit/dsn.h"

#define ADDRESS_VALUE_MAX 1024
#define DURATION_MAX	  (7 * 24 * 60 * 60) /* in ms still an int */
#define AGE_MAX		  (366 * 24 * 60 * 60)
#define SIZE_MIN	  (64 * 1024) /* RFC 5321 section 4.5.3.1.7 */

static_assert(sizeof(enum account_switch) == sizeof(unsigned),
    "members that are enums are read and written as unsigned");

/* NULL: none of them. */
static const struct value_word *
find_word(const struct value_word *words, struct text name)
{
	while (
	    words->name != NULL && !text_equal_fold(name, text_of(words->name)))
		words++;
	return words->name == NULL ? NULL : words;
}

/*
 * Strings.
 */

static int
parse_string(const struct value *v, struct error *e)
{
	(void)e;
	*(char **)v->member = mem_string(v->text.at, v->text.len);
	return 0;
}

static void
format_string(const struct value *v, struct buf *out)
{
	buf_add_string(out, *(char **)v->member);
}

static int
parse_template(const struct value *v, struct error *e)
{
	struct buf expanded;
	int rc;

	buf_init(&expanded, ADDRESS_VALUE_MAX);
	rc = form_expand(v->text, &expanded, e);
	buf_clear(&expanded);
	return rc == -1 ? -1 : parse_string(v, e);
}

/* The addr-spec of an address with stand-ins into *out; or its fault. */
static const char *
parse_bare(struct text expanded, struct buf *out)
{
	struct address mailbox;
	struct address_list list;

	if (address_parse_one(&list, expanded, &mailbox) == -1)
		return list.fault;
	if (mailbox.local.len == 0)
		return "it is empty";
	if (mailbox.phrase.len > 0)
		return "the name belongs into `full-name'";
	return address_format(&mailbox, out) == -1 ? "it is too long" : NULL;
}

/* What holds escapes stays as it was written. */
static int
parse_address(const struct value *v, struct error *e)
{
	bool escaped = text_find(v->text, '%') < v->text.len;
	struct buf expanded, spec;
	struct value bare = *v;
	const char *fault;
	int rc;

	buf_init(&expanded, ADDRESS_VALUE_MAX);
	buf_init(&spec, ADDRESS_VALUE_MAX);
	rc = form_expand(v->text, &expanded, e);
	fault = rc == -1 ? NULL : parse_bare(buf_text(&expanded), &spec);
	if (fault != NULL)
		rc = error_set(e, ERROR_CONFIG, NULL,
		    "`%s' is not a bare address: %s", SHOWN(v->text), fault);
	bare.text = escaped ? v->text : buf_text(&spec);
	if (rc == 0)
		rc = parse_string(&bare, e);
	buf_clear(&expanded);
	buf_clear(&spec);
	return rc;
}

static int
parse_mailbox(const struct value *v, struct error *e)
{
	const struct value_word *w =
	    v->words == NULL ? NULL : find_word(v->words, v->text);
	struct value word = *v;

	if (w == NULL)
		return parse_address(v, e);
	word.text = text_of(w->name);
	return parse_string(&word, e);
}

/* Without the brackets a quoted local-part would be taken for a mistake. */
static void
format_mailbox(const struct value *v, struct buf *out)
{
	const char *spec = *(char **)v->member;

	buf_format(out, form_is_quoted(text_of(spec)) ? "<%s>" : "%s", spec);
}

/* A relative path in a file would depend on where the caller stands, and
 * that may be a stranger's folder. On the command line it is meant so. */
static int
check_path(const struct value *v, struct error *e)
{
	if (v->reader == NULL || v->text.at[0] == '/')
		return 0;
	error_set(e, ERROR_CONFIG, NULL, "the path does not begin with `/'");
	return error_hint(e, "write the whole path, from `/' on");
}

/* The word is kept, so that it hides what defaults say. */
static int
parse_path(const struct value *v, struct error *e)
{
	struct value word = *v;

	if (v->words != NULL)
		word.text = text_of(v->words->name);
	if (v->words != NULL && text_equal_fold(v->text, word.text))
		return parse_string(&word, e);
	return check_path(v, e) == -1 ? -1 : parse_string(v, e);
}

static int
parse_folder(const struct value *v, struct error *e)
{
	struct value folder = *v;

	/* Whoever asks has the whole path from the home. */
	if (text_starts_fold(v->text, TEXT("~/")))
		folder.reader = NULL;
	return parse_path(&folder, e);
}

static int
parse_object(const struct value *v, struct error *e)
{
	if (!text_starts_fold(v->text, TEXT("pkcs11:")))
		return check_path(v, e) == -1 ? -1 : parse_string(v, e);
	if (v->reader != NULL || !form_has_pin(v->text))
		return parse_string(v, e);
	error_set(
	    e, ERROR_CONFIG, NULL, "a PIN stands only in a configuration file");
	return error_hint(e, "others could see it here; name a file that "
			     "holds it: `pin-source=FILE'");
}

static int
parse_host(const struct value *v, struct error *e)
{
	struct value host = *v;

	host.text = account_without_dot(v->text);
	return parse_string(&host, e);
}

/*
 * Words and numbers.
 */

static int
choose(struct text t, const struct value_word *words, unsigned *number,
    struct error *e)
{
	const struct value_word *w = find_word(words, t);
	struct buf names;

	if (w != NULL) {
		*number = w->value;
		return 0;
	}
	buf_init(&names, 160);
	for (w = words; w->name != NULL; w++)
		buf_format(&names, "%s%s", w == words ? "write one of: " : ", ",
		    w->name);
	form_refuse(
	    t, "one of the words that can stand here", buf_string(&names), e);
	buf_clear(&names);
	return -1;
}

static void
format_word(const struct value_word *words, unsigned number, struct buf *out)
{
	while (words->value != number)
		words++;
	buf_add_string(out, words->name);
}

static int
parse_choice(const struct value *v, struct error *e)
{
	return choose(v->text, v->words, v->member, e);
}

static void
format_choice(const struct value *v, struct buf *out)
{
	format_word(v->words, *(unsigned *)v->member, out);
}

static int
parse_duration(const struct value *v, struct error *e)
{
	(void)e;
	return amount_parse_seconds(v->text, DURATION_MAX, v->member) ? 0 : -1;
}

static int
parse_age(const struct value *v, struct error *e)
{
	(void)e;
	return amount_parse_seconds(v->text, AGE_MAX, v->member) ? 0 : -1;
}

static void
format_duration(const struct value *v, struct buf *out)
{
	amount_format_seconds(*(unsigned *)v->member, out);
}

static int
parse_number(const struct value *v, struct error *e)
{
	unsigned long long number;

	(void)e;
	if (!text_number(v->text, ACCOUNT_SOCKET_SLOTS_MAX, &number) ||
	    number == 0)
		return -1;
	*(unsigned *)v->member = (unsigned)number;
	return 0;
}

static void
format_number(const struct value *v, struct buf *out)
{
	buf_format(out, "%u", *(unsigned *)v->member);
}

static int
parse_size(const struct value *v, struct error *e)
{
	(void)e;
	return amount_parse_size(v->text, SIZE_MIN, v->member) ? 0 : -1;
}

static void
format_size(const struct value *v, struct buf *out)
{
	amount_format_size(*(unsigned long long *)v->member, out);
}

static int
parse_retry(const struct value *v, struct error *e)
{
	return amount_parse_retry(v->text, DURATION_MAX, v->member, e);
}

static void
format_retry(const struct value *v, struct buf *out)
{
	amount_format_retry(v->member, out);
}

static int
parse_limit(const struct value *v, struct error *e)
{
	(void)e;
	return amount_parse_limit(v->text, v->member) ? 0 : -1;
}

static void
format_limit(const struct value *v, struct buf *out)
{
	amount_format_limit(v->member, out);
}

static int
parse_notify(const struct value *v, struct error *e)
{
	(void)e;
	return dsn_parse_notify(v->text, v->member);
}

static void
format_notify(const struct value *v, struct buf *out)
{
	dsn_format_notify(*(unsigned *)v->member, out);
}

static int
parse_ret(const struct value *v, struct error *e)
{
	(void)e;
	return dsn_parse_ret(v->text, v->member);
}

static void
format_ret(const struct value *v, struct buf *out)
{
	dsn_format_ret(*(enum dsn_ret *)v->member, out);
}

/*
 * Values of several parts.
 */

static int
parse_smarthosts(const struct value *v, struct error *e)
{
	struct smarthost_list *list = v->member;
	struct text rest = v->text, url;
	struct smarthost smarthost;

	while (text_next(&rest, " \t", &url)) {
		if (smarthost_parse(url, &smarthost, e) == -1)
			return -1;
		*mem_push(list->at, list->count) = smarthost;
	}
	return 0;
}

static void
format_smarthosts(const struct value *v, struct buf *out)
{
	const struct smarthost_list *list = v->member;
	size_t i;

	for (i = 0; i < list->count; i++)
		buf_format(out, "%s\n", list->at[i].url);
}

static void
own_smarthosts(void *member)
{
	struct smarthost_list *list = member, from = *list;
	size_t i;

	list->at = mem_new(from.count, sizeof(*list->at));
	for (i = 0; i < from.count; i++)
		list->at[i] = smarthost_copy(&from.at[i]);
}

static void
free_smarthosts(void *member)
{
	struct smarthost_list *list = member;

	while (list->count > 0)
		smarthost_clear(&list->at[--list->count]);
	free(list->at);
}

static int
parse_patterns(const struct value *v, struct error *e)
{
	struct pattern_list *list = v->member;
	struct text rest = v->text, pattern;

	(void)e;
	while (text_next(&rest, " \t", &pattern))
		*mem_push(list->at, list->count) =
		    mem_string(pattern.at, pattern.len);
	return 0;
}

static int
parse_senders(const struct value *v, struct error *e)
{
	struct pattern_list *list = v->member;
	struct text rest = v->text, user, pattern;
	struct buf entry;

	text_next(&rest, " \t", &user);
	if (text_trim(rest).len == 0)
		return -1;
	while (text_next(&rest, " \t", &pattern)) {
		if (!caller_is_pattern(pattern))
			return form_refuse(pattern, "a pattern of senders",
			    "write it like *@example.org, `*' for any sender, "
			    "or `<>' for the null reverse-path",
			    e);
		buf_init(&entry, SIZE_MAX / 4);
		buf_format(
		    &entry, "%.*s %.*s", TEXT_ARG(user), TEXT_ARG(pattern));
		*mem_push(list->at, list->count) = buf_take(&entry);
	}
	return 0;
}

static void
format_patterns(const struct value *v, struct buf *out)
{
	const struct pattern_list *list = v->member;
	size_t i;

	for (i = 0; i < list->count; i++)
		buf_format(out, "%s\n", list->at[i]);
}

static void
own_patterns(void *member)
{
	struct pattern_list *list = member, from = *list;
	size_t i;

	list->at = mem_new(from.count, sizeof(*list->at));
	for (i = 0; i < from.count; i++)
		list->at[i] = mem_copy(from.at[i]);
}

static void
free_patterns(void *member)
{
	struct pattern_list *list = member;

	while (list->count > 0)
		free(list->at[--list->count]);
	free(list->at);
}

/* A file in a folder that only the service manager knows: the name must not
 * lead out of it. */
static int
check_credential(const struct value *v, struct error *e)
{
	struct text rest = v->text;
	struct text dots;

	if (text_find(v->text, '/') == v->text.len &&
	    text_next(&rest, ".", &dots))
		return 0;
	error_set(e, ERROR_CONFIG, NULL,
	    "the value is not the plain name of a credential");
	return error_hint(e,
	    "write the ID that LoadCredential= has in the unit of the "
	    "service, without `/'");
}

#define PIN_PREFIX TEXT("sha256:")
#define PIN_OCTETS 32
#define PIN_HINT                                                               \
	"a pin is of the key in the certificate: openssl x509 -in FILE "       \
	"-noout -pubkey | openssl pkey -pubin -outform DER | openssl dgst "    \
	"-sha256 -binary | openssl base64; write sha256: in front of it"

/* As verify compares it, however it is written. */
static int
add_pin(struct pattern_list *list, struct text pin, struct error *e)
{
	struct buf octets, own;
	int rc = -1;

	buf_init(&octets, PIN_OCTETS);
	buf_init(&own, 100);
	if (text_starts_fold(pin, PIN_PREFIX))
		rc = crypt_unbase64(text_skip(pin, PIN_PREFIX.len), &octets);
	if (rc == -1 || octets.len != PIN_OCTETS) {
		rc = form_refuse(pin,
		    form_is_fingerprint(pin)
			? "a pin, but the fingerprint of a certificate"
			: "a pin, sha256: and the base64 of 32 octets",
		    PIN_HINT, e);
	} else {
		buf_add_text(&own, PIN_PREFIX);
		rc = crypt_base64(buf_text(&octets), &own);
		*mem_push(list->at, list->count) = buf_take(&own);
	}
	buf_clear(&octets);
	buf_clear(&own);
	return rc;
}

static int
parse_pins(const struct value *v, struct error *e)
{
	struct text rest = v->text, pin;

	while (text_next(&rest, " \t", &pin))
		if (add_pin(v->member, pin, e) == -1)
			return -1;
	return 0;
}

static int
parse_secret(const struct value *v, struct error *e)
{
	struct account_secret *secret = v->member;

	if (v->words->value == SECRET_FILE && check_path(v, e) == -1)
		return -1;
	if (v->words->value == SECRET_CREDENTIAL &&
	    check_credential(v, e) == -1)
		return -1;
	secret->source = (enum secret_source)v->words->value;
	secret->text = mem_string(v->text.at, v->text.len);
	return 0;
}

static void
format_secret(const struct value *v, struct buf *out)
{
	const struct account_secret *secret = v->member;

	if (secret->source == v->words->value)
		buf_add_string(out, secret->text);
}

static const struct value_word auth_words[] = {
    {"auto", AUTH_AUTO}, {"off", AUTH_OFF}, {NULL, 0}};

static int
mechanism_fault(struct text name, struct error *e)
{
	struct buf names;
	int i;

	buf_init(&names, 400);
	for (i = 0; i < MECHANISM_COUNT; i++)
		buf_format(&names, ", %s", mechanism_name((enum mechanism)i));
	error_set(e, ERROR_CONFIG, NULL, "`%s' is no mechanism known here",
	    SHOWN(name));
	if (text_equal_fold(name, TEXT("on"))) /* as msmtp calls it */
		error_hint(
		    e, "write `auth auto', which holds without the line too");
	else
		error_hint(
		    e, "write one or more of: auto, off%s", buf_string(&names));
	buf_clear(&names);
	return -1;
}

static int
add_mechanism(struct account_auth *auth, struct text name, struct error *e)
{
	enum mechanism mechanism;
	size_t i;

	if (mechanism_parse(name, &mechanism) == -1)
		return mechanism_fault(name, e);
	for (i = 0; i < auth->count; i++) {
		if (auth->mechanisms[i] == mechanism)
			return error_set(e, ERROR_CONFIG, NULL,
			    "%s stands twice", mechanism_name(mechanism));
	}
	auth->mechanisms[auth->count++] = mechanism;
	return 0;
}

/* There is one secret, and it is a password or a token. */
static int
check_kinds(const struct account_auth *auth, struct error *e)
{
	const enum mechanism *token = NULL, *password = NULL, *m;

	for (m = auth->mechanisms; m < auth->mechanisms + auth->count; m++) {
		if (mechanism_takes_token(*m))
			token = m;
		else if (!mechanism_takes_nothing(*m))
			password = m;
	}
	if (token == NULL || password == NULL)
		return 0;
	error_set(e, ERROR_CONFIG, NULL,
	    "%s takes an OAuth token and %s a password, and there is one "
	    "secret",
	    mechanism_name(*token), mechanism_name(*password));
	return error_hint(e, "name mechanisms of one kind only");
}

static int
parse_auth(const struct value *v, struct error *e)
{
	const struct value_word *word = find_word(auth_words, v->text);
	struct account_auth *auth = v->member;
	struct text rest = v->text, name;

	auth->choice = word == NULL ? AUTH_LIST : (enum auth_choice)word->value;
	while (word == NULL && text_next(&rest, " ,\t", &name)) {
		if (add_mechanism(auth, name, e) == -1)
			return -1;
	}
	return word == NULL && auth->count == 0 ? mechanism_fault(v->text, e)
						: check_kinds(auth, e);
}

static void
format_auth(const struct value *v, struct buf *out)
{
	const struct account_auth *auth = v->member;
	size_t i;

	for (i = 0; i < auth->count; i++)
		buf_format(out, "%s%s", i == 0 ? "" : " ",
		    mechanism_name(auth->mechanisms[i]));
	if (auth->choice != AUTH_LIST)
		format_word(auth_words, auth->choice, out);
}

static const struct value_word log_words[] = {{"syslog", LOGGING_SYSLOG},
    {"syslog:FACILITY", LOGGING_SYSLOG}, {"stderr", LOGGING_STDERR},
    {"off", LOGGING_OFF}, {"/FILE", LOGGING_FILE}, {NULL, 0}};

/* Without LOG_KERN: only the kernel has it, and 0 is "not set". */
static const struct value_word facilities[] = {{"auth", LOG_AUTH},
    {"authpriv", LOG_AUTHPRIV}, {"cron", LOG_CRON}, {"daemon", LOG_DAEMON},
    {"ftp", LOG_FTP}, {"lpr", LOG_LPR}, {"mail", LOG_MAIL}, {"news", LOG_NEWS},
    {"user", LOG_USER}, {"uucp", LOG_UUCP}, {"local0", LOG_LOCAL0},
    {"local1", LOG_LOCAL1}, {"local2", LOG_LOCAL2}, {"local3", LOG_LOCAL3},
    {"local4", LOG_LOCAL4}, {"local5", LOG_LOCAL5}, {"local6", LOG_LOCAL6},
    {"local7", LOG_LOCAL7}, {NULL, 0}};

static int
parse_log(const struct value *v, struct error *e)
{
	struct text prefix = TEXT("syslog:");
	struct account_log *log = v->member;
	unsigned number = LOGGING_FILE;

	if (text_starts_fold(v->text, prefix)) {
		if (choose(text_skip(v->text, prefix.len), facilities, &number,
			e) == -1)
			return -1;
		log->facility = (int)number;
		number = LOGGING_SYSLOG;
	} else if (v->text.at[0] != '/' &&
		   choose(v->text, log_words, &number, e) == -1)
		return -1;
	log->to = (enum log_target)number;
	log->text = mem_string(v->text.at, v->text.len);
	return 0;
}

/*
 * What only the reader can do.
 */

static int
parse_include(const struct value *v, struct error *e)
{
	return v->reader->include(v->reader->arg, v->text, e);
}

static int
parse_account(const struct value *v, struct error *e)
{
	return v->reader->account(v->reader->arg, v->text, e);
}

/*
 * The types.
 */

static const struct type {
	int (*parse)(const struct value *, struct error *);
	void (*format)(const struct value *, struct buf *);
	size_t size;		   /* of the member */
	bool string;		   /* it begins with a string that it owns */
	void (*own)(void *member); /* makes what a copy points to its own */
	void (*free)(void *member);
	bool (*fits)(struct text); /* NULL: parse refuses what does not */
	const char *expected;	   /* in the words for what does not fit, or
				    * is refused without words */
	const char *hint;
} types[] = {
    [VALUE_SMARTHOSTS] = {parse_smarthosts, format_smarthosts,
	sizeof(struct smarthost_list), .own = own_smarthosts,
	.free = free_smarthosts},
    [VALUE_PATTERNS] = {parse_patterns, format_patterns,
	sizeof(struct pattern_list), .own = own_patterns,
	.free = free_patterns},
    [VALUE_SENDERS] = {parse_senders, format_patterns,
	sizeof(struct pattern_list), .own = own_patterns, .free = free_patterns,
	.expected = "a user and a pattern of senders",
	.hint = "write it like www-data *@example.org"},
    [VALUE_PINS] = {parse_pins, format_patterns, sizeof(struct pattern_list),
	.own = own_patterns, .free = free_patterns},
    [VALUE_SECRET] = {parse_secret, format_secret,
	sizeof(struct account_secret), .string = true},
    [VALUE_AUTH] = {parse_auth, format_auth,
	.size = sizeof(struct account_auth)},
    [VALUE_LOG] = {parse_log, format_string, sizeof(struct account_log),
	.string = true},
    [VALUE_TEMPLATE] = {parse_template, format_string, sizeof(char *), true,
	.fits = text_is_utf8, .expected = "text in UTF-8"},
    [VALUE_MAILBOX] = {parse_mailbox, format_mailbox, sizeof(char *),
	.string = true},
    [VALUE_PATH] = {parse_path, format_string, sizeof(char *), .string = true},
    [VALUE_FOLDER] = {parse_folder, format_string, sizeof(char *), true,
	.fits = form_is_folder,
	.expected = "a path in which `%' stands before U or %",
	.hint = "%U is the user's login, %% a per cent sign"},
    [VALUE_OBJECT] = {parse_object, format_string, sizeof(char *),
	.string = true},
    [VALUE_DOMAIN] = {parse_host, format_string, sizeof(char *), true,
	.fits = form_is_domain, .expected = "a domain name in ASCII"},
    [VALUE_HELO] = {parse_host, format_string, sizeof(char *), true,
	.fits = form_is_helo,
	.expected = "a host name in ASCII or an address literal",
	.hint = "write it like host.example.org, [192.0.2.1] or "
		"[IPv6:2001:db8::1]"},
    [VALUE_ADDRESS] = {parse_string, format_string, sizeof(char *), true,
	.fits = form_is_address, .expected = "an IP address",
	.hint = "write it like 192.0.2.1 or 2001:db8::1"},
    [VALUE_HOST] = {parse_host, format_string, sizeof(char *), true,
	.fits = form_is_host_or_ipv6,
	.expected = "a host name in ASCII or an IP address"},
    [VALUE_COMMAND] = {parse_string, format_string, sizeof(char *), true,
	.fits = form_is_command,
	.expected = "a command in which `%' stands before h, p or %",
	.hint = "%h is the host, %p the port, %% a per cent sign"},
    [VALUE_PRIORITY] = {parse_string, format_string, sizeof(char *), true,
	.fits = form_is_ascii, .expected = "a priority string of GnuTLS"},
    [VALUE_CHOICE] = {parse_choice, format_choice, .size = sizeof(unsigned)},
    [VALUE_DURATION] = {parse_duration, format_duration, sizeof(unsigned),
	.expected = "a time from one second to seven days",
	.hint = "write it like 90s, 5m or 1h"},
    [VALUE_AGE] = {parse_age, format_duration, sizeof(unsigned),
	.expected = "a time from one second to 366 days",
	.hint = "write it like 12h or 5d"},
    [VALUE_NUMBER] = {parse_number, format_number, sizeof(unsigned),
	.expected = "a number from 1 to 64", .hint = "write it like 8"},
    [VALUE_SIZE] = {parse_size, format_size, sizeof(unsigned long long),
	.expected = "a size of 64K or more",
	.hint = "write it like 25M, with K, M, G or T behind the number"},
    [VALUE_RETRY] = {parse_retry, format_retry, sizeof(struct spool_retry),
	.expected = "one or two times from one second to seven days",
	.hint = "write the first wait and the longest, like 5m 4h"},
    [VALUE_LIMIT] = {parse_limit, format_limit, sizeof(struct spool_limit),
	.expected = "a number of messages, a size, or both",
	.hint = "write it like 10000 1G, with K, M, G or T behind the size"},
    [VALUE_NOTIFY] = {parse_notify, format_notify, sizeof(unsigned),
	.expected = "a list of notifications",
	.hint = "write never, or some of success,failure,delay"},
    [VALUE_RET] = {parse_ret, format_ret, sizeof(enum dsn_ret),
	.expected = "full or hdrs"},
    [VALUE_INCLUDE] = {.parse = parse_include},
    [VALUE_ACCOUNT] = {.parse = parse_account},
};

/* A member begins with a pointer, or with an enum or a number. */
static bool
is_set(const struct type *t, const void *member)
{
	static const char zero[sizeof(unsigned long long)];

	return memcmp(member, zero,
		   t->size < sizeof(zero) ? t->size : sizeof(zero)) != 0;
}

int
value_parse(const struct value *v, struct error *e)
{
	const struct type *t = &types[v->type];

	if ((t->fits == NULL || t->fits(v->text)) && t->parse(v, e) == 0)
		return 0;
	return t->expected == NULL
		   ? -1
		   : form_refuse(v->text, t->expected, t->hint, e);
}

bool
value_format(const struct value *v, struct buf *out)
{
	const struct type *t = &types[v->type];
	size_t before = out->len;

	if (is_set(t, v->member))
		t->format(v, out);
	return out->len > before;
}

void
value_inherit(enum value_type type, void *member, const void *from)
{
	const struct type *t = &types[type];

	if (is_set(t, member) || !is_set(t, from))
		return;
	memcpy(member, from, t->size);
	if (t->string)
		*(char **)member = mem_copy(*(char **)member);
	if (t->own != NULL)
		t->own(member);
}

void
value_clear(enum value_type type, void *member)
{
	const struct type *t = &types[type];

	if (t->string)
		mem_wipe_string(*(char **)member);
	if (t->free != NULL)
		t->free(member);
	memset(member, 0, t->size);
}
