#include "assign.h"

#include <syslog.h>

#include "base/mem.h"

#define AT(field) offsetof(struct account, field)

static void
strings_are_kept(void **state)
{
	static const struct {
		const char *line;
		size_t offset;
		const char *value;
	} rows[] = {
	    {"password # \"a\"  b ", AT(secret.text), "# \"a\"  b "},
	    {"password a\tb", AT(secret.text), "a\tb"},
	    {"user alice@example.org", AT(user), "alice@example.org"},
	    {"user %U@%D", AT(user), "%U@%D"},
	    {"user a # b", AT(user), "a # b"},
	    {"password hunter2", AT(secret.text), "hunter2"},
	    {"password p\xe9", AT(secret.text), "p\xe9"},
	    {"password-file /etc/secret", AT(secret.text), "/etc/secret"},
	    {"password-command pass show 'a b'", AT(secret.text),
		"pass show 'a b'"},
	    {"password-command \"a b\"", AT(secret.text), "\"a b\""},
	    {"password-credential mail", AT(secret.text), "mail"},
	    {"password-credential ..mail.2", AT(secret.text), "..mail.2"},
	    {"from alice@example.org", AT(from), "alice@example.org"},
	    {"from <alice@example.org>", AT(from), "alice@example.org"},
	    {"from \"a b\"@example.org", AT(from), "\"a b\"@example.org"},
	    {"from %U@%H", AT(from), "%U@%H"},
	    {"from a%%b@example.org", AT(from), "a%%b@example.org"},
	    {"from alice", AT(from), "alice"},
	    {"force-from x@example.org", AT(force_from), "x@example.org"},
	    {"full-name Alice \"Al\" Example", AT(full_name),
		"Alice \"Al\" Example"},
	    {"full-name \xc3\x89lise, %U", AT(full_name), "\xc3\x89lise, %U"},
	    {"domain example.org", AT(domain), "example.org"},
	    {"aliases /etc/mail/aliases", AT(aliases), "/etc/mail/aliases"},
	    {"aliases OFF", AT(aliases), "off"},
	    {"helo host.example.org", AT(helo), "host.example.org"},
	    {"helo [192.0.2.1]", AT(helo), "[192.0.2.1]"},
	    {"helo [IPv6:2001:db8::1]", AT(helo), "[IPv6:2001:db8::1]"},
	    {"tls-name mail.example.org", AT(tls_name), "mail.example.org"},
	    {"tls-name mail.example.org.", AT(tls_name), "mail.example.org"},
	    {"domain example.org.", AT(domain), "example.org"},
	    {"helo host.example.org.", AT(helo), "host.example.org"},
	    {"tls-name 2001:db8::1", AT(tls_name), "2001:db8::1"},
	    {"tls-trust /etc/ca.pem", AT(tls_trust), "/etc/ca.pem"},
	    {"tls-trust SYSTEM", AT(tls_trust), "system"},
	    {"tls-priority NORMAL:-VERS-TLS1.2", AT(tls_priority),
		"NORMAL:-VERS-TLS1.2"},
	    {"log /var/log/mail", AT(log.text), "/var/log/mail"},
	    {"spool /var/spool/sendling", AT(spool), "/var/spool/sendling"},
	    {"spool ~/.spool", AT(spool), "~/.spool"},
	    {"spool OFF", AT(spool), "off"},
	    {"spool-report SENDER", AT(spool_report), "sender"},
	    {"spool-report Off", AT(spool_report), "off"},
	    {"spool-report <a@b.example>", AT(spool_report), "a@b.example"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct account a = {0};
		const char *value;

		set_fine(&a, rows[i].line);
		memcpy(
		    &value, (const char *)&a + rows[i].offset, sizeof(value));
		assert_non_null(value);
		assert_string_equal(value, rows[i].value);
		keyword_clear(&a);
	}
}

static void
numbers_and_words_are_understood(void **state)
{
	static const struct {
		const char *line;
		size_t offset;
		unsigned value;
	} rows[] = {
	    {"timeout 90s", AT(timeout), 90},
	    {"timeout 90", AT(timeout), 90},
	    {"timeout 5M", AT(timeout), 300},
	    {"deadline 1h", AT(deadline), 3600},
	    {"deadline 168h", AT(deadline), 604800},
	    {"deadline 7d", AT(deadline), 604800},
	    {"spool-lifetime 5D", AT(spool_lifetime), 432000},
	    {"spool-keep 366d", AT(spool_keep), 31622400},
	    {"spool-retry 1m 2h", AT(spool_retry.first), 60},
	    {"spool-retry 1m 2h", AT(spool_retry.longest), 7200},
	    {"spool-retry 1m", AT(spool_retry.longest), 14400},
	    {"spool-retry 5h", AT(spool_retry.first), 18000},
	    {"spool-retry 5h", AT(spool_retry.longest), 18000},
	    {"spool-passing no", AT(spool_passing), SWITCH_NO},
	    {"spool-volatile yes", AT(spool_volatile), SWITCH_YES},
	    {"connect-timeout 007s", AT(connect_timeout), 7},
	    {"auth-in-clear yes", AT(auth_in_clear), SWITCH_YES},
	    {"auth-in-clear NO", AT(auth_in_clear), SWITCH_NO},
	    {"from-header yes", AT(from_header), SWITCH_YES},
	    {"recipients all", AT(recipients_all), SWITCH_YES},
	    {"recipients any", AT(recipients_all), SWITCH_NO},
	    {"pipelining auto", AT(pipelining), SWITCH_YES},
	    {"pipelining off", AT(pipelining), SWITCH_NO},
	    {"family any", AT(family), FAMILY_ANY},
	    {"family ipv4", AT(family), FAMILY_IPV4},
	    {"family IPv6", AT(family), FAMILY_IPV6},
	    {"log syslog", AT(log.to), LOGGING_SYSLOG},
	    {"log syslog", AT(log.facility), 0},
	    {"log syslog:local3", AT(log.to), LOGGING_SYSLOG},
	    {"log syslog:local3", AT(log.facility), LOG_LOCAL3},
	    {"log stderr", AT(log.to), LOGGING_STDERR},
	    {"log off", AT(log.to), LOGGING_OFF},
	    {"log-format text", AT(log_format), LOG_FORMAT_TEXT},
	    {"log-format json", AT(log_format), LOG_FORMAT_JSON},
	    {"log /x", AT(log.to), LOGGING_FILE},
	    {"dsn-notify never", AT(dsn_notify), NOTIFY_NEVER},
	    {"dsn-notify failure,delay", AT(dsn_notify),
		NOTIFY_FAILURE | NOTIFY_DELAY},
	    {"dsn-return full", AT(dsn_return), RET_FULL},
	    {"password x", AT(secret.source), SECRET_VALUE},
	    {"password-file /x", AT(secret.source), SECRET_FILE},
	    {"password-command x", AT(secret.source), SECRET_COMMAND},
	    {"password-credential x", AT(secret.source), SECRET_CREDENTIAL},
	    {"auth auto", AT(auth.choice), AUTH_AUTO},
	    {"auth off", AT(auth.choice), AUTH_OFF},
	    {"auth PLAIN", AT(auth.choice), AUTH_LIST},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct account a = {0};
		unsigned value;

		set_fine(&a, rows[i].line);
		memcpy(
		    &value, (const char *)&a + rows[i].offset, sizeof(value));
		if (value != rows[i].value)
			fail_msg("%s: %u", rows[i].line, value);
		keyword_clear(&a);
	}
}

static void
limits_are_understood(void **state)
{
	static const struct {
		const char *line;
		unsigned long long messages, octets;
	} rows[] = {
	    {"spool-limit 10 20K", 10, 20480},
	    {"spool-limit 1m\t1", 1, 1 << 20},
	    {"spool-limit 7", 7, 1 << 30},
	    {"spool-limit 2T", 10000, 1ULL << 41},
	    {"spool-limit 4294967296", 4294967296, 1 << 30},
	};
	struct account a = {0}, copy = {0};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		set_fine(&a, rows[i].line);
		keyword_inherit(&copy, &a);
		assert_true(copy.spool_limit.messages == rows[i].messages);
		assert_true(copy.spool_limit.octets == rows[i].octets);
		keyword_clear(&a);
		keyword_clear(&copy);
	}
}

static void
lists_grow(void **state)
{
	struct account a = {0};

	(void)state;
	set_fine(&a, "smarthost smtps://a.example");
	set_fine(&a, "smarthost smtp://b.example:25\tsmtp+plain://[::1]");
	set_fine(&a, "match *@x.example");
	set_fine(&a, "match *@y.example *@z.example");
	set_fine(&a, "auth login, scram-sha-256\tPLAIN");
	assert_int_equal(a.smarthosts.count, 3);
	assert_string_equal(a.smarthosts.at[0].host, "a.example");
	assert_int_equal(a.smarthosts.at[1].port, 25);
	assert_string_equal(a.smarthosts.at[2].host, "::1");
	assert_int_equal(a.match.count, 3);
	assert_string_equal(a.match.at[2], "*@z.example");
	assert_int_equal(a.auth.count, 3);
	assert_int_equal(a.auth.mechanisms[0], MECHANISM_LOGIN);
	assert_int_equal(a.auth.mechanisms[1], MECHANISM_SCRAM_SHA_256);
	assert_int_equal(a.auth.mechanisms[2], MECHANISM_PLAIN);
	keyword_clear(&a);
}

/* Values of each keyword, and how they are written where that is not the same.
 */
static const struct {
	const char *line;
	const char *written; /* NULL: as the line */
} samples[] = {
    {"smarthost smtps://mail.example.org", NULL},
    {"smarthost SMTP://[2001:db8::1]:25/", NULL},
    {"smarthost lmtp://mail.example:2424", NULL},
    {"smarthost smtp+unix:/run/submit", NULL},
    {"smarthost lmtp+unix:/run/a@b", NULL},
    {"smarthost srv://example.org", NULL},
    {"smarthost smtp+plain://a.example\tsmtps://b.example",
	"smarthost smtp+plain://a.example\nsmarthost smtps://b.example"},
    {"user alice@example.org", NULL},
    {"user \"a\" %U%%=#", NULL},
    {"password hunter2", NULL},
    {"password  # \"a\"\t b ", NULL},
    {"password p\xe9", NULL},
    {"password-file /etc/secret", NULL},
    {"password-file /\xe9", NULL},
    {"password-command pass show 'a b'", NULL},
    {"password-command \"a\tb\"", NULL},
    {"password-credential mail", NULL},
    {"password-credential ..x", NULL},
    {"auth auto", NULL},
    {"auth Off", "auth off"},
    {"auth plain", "auth PLAIN"},
    {"auth login,scram-sha-256-plus ,\tscram-sha-1-plus",
	"auth LOGIN SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS"},
    {"auth xoauth2 external oauthbearer", "auth XOAUTH2 EXTERNAL OAUTHBEARER"},
    {"auth external cram-md5 login", "auth EXTERNAL CRAM-MD5 LOGIN"},
    {"auth scram-sha-256 scram-sha-1", "auth SCRAM-SHA-256 SCRAM-SHA-1"},
    {"auth-in-clear no", NULL},
    {"auth-in-clear yes", NULL},
    {"from <alice@example.org>", "from alice@example.org"},
    {"from \"a\\\"b\"@example.org", NULL},
    {"from <\"a b\">", NULL},
    {"from <'a'>", NULL},
    {"from <%U+%%@%D>", NULL},
    {"force-from root", NULL},
    {"force-from \xc3\xa9@example.org", NULL},
    {"from-header no", NULL},
    {"from-header yes", NULL},
    {"full-name \xc3\x89lise \"Al\" %U", NULL},
    {"full-name Alice", NULL},
    {"domain example.org", NULL},
    {"domain Localhost", NULL},
    {"aliases OFF", "aliases off"},
    {"aliases /etc/aliases # b", NULL},
    {"helo host.example.org", NULL},
    {"helo [192.0.2.1]", NULL},
    {"helo [IPv6:2001:db8::1]", NULL},
    {"match *@a.example\t [ab]*", "match *@a.example\nmatch [ab]*"},
    {"match 'x\" \"a.b\"@*", "match 'x\"\nmatch \"a.b\"@*"},
    {"recipients any", NULL},
    {"recipients all", NULL},
    {"tls-trust SYSTEM", "tls-trust system"},
    {"tls-trust /etc/ca.pem", NULL},
    {"tls-pin " PIN, NULL},
    {"tls-pin SHA256:" BASE64 "\t" PIN, "tls-pin " PIN "\ntls-pin " PIN},
    {"tls-certificate /etc/mail.pem", NULL},
    {"tls-certificate PKCS11:token=a", NULL},
    {"tls-key /etc/mail.key # 1", NULL},
    {"tls-key pkcs11:token=a%20b;object=c?pin-source=/p", NULL},
    {"tls-key pkcs11:token=a?pin-value=1234", NULL},
    {"tls-crl /etc/ca.crl", NULL},
    {"tls-crl /system", NULL},
    {"tls-verify NO", "tls-verify no"},
    {"tls-verify yes", NULL},
    {"tls-name mail.example.org", NULL},
    {"tls-name 2001:db8::1", NULL},
    {"tls-priority NORMAL", NULL},
    {"tls-priority NORMAL:-VERS-TLS1.2", NULL},
    {"timeout 90", "timeout 90s"},
    {"timeout 604800S", "timeout 7d"},
    {"deadline 1h", NULL},
    {"deadline 60m", "deadline 1h"},
    {"deadline 61s", NULL},
    {"connect-timeout 1", "connect-timeout 1s"},
    {"connect-timeout 120s", "connect-timeout 2m"},
    {"pipelining auto", NULL},
    {"pipelining off", NULL},
    {"chunking auto", NULL},
    {"chunking off", NULL},
    {"family any", NULL},
    {"family IPv4", "family ipv4"},
    {"family ipv6", NULL},
    {"source-address 192.0.2.1", NULL},
    {"connect-command ssh -W %h:%p gateway", NULL},
    {"connect-command nc -x \"a b\" %h %p | sed s/%%/x/", NULL},
    {"source-address 2001:db8::1", NULL},
    {"log syslog", NULL},
    {"log syslog:LOCAL3", NULL},
    {"log stderr", NULL},
    {"log off", NULL},
    {"log-format text", NULL},
    {"log-format JSON", "log-format json"},
    {"log /var/log/mail # a", NULL},
    {"dsn-notify never", "dsn-notify NEVER"},
    {"dsn-notify delay\t, success", "dsn-notify SUCCESS,DELAY"},
    {"dsn-notify failure", "dsn-notify FAILURE"},
    {"dsn-return full", "dsn-return FULL"},
    {"dsn-return hdrs", "dsn-return HDRS"},
    {"spool /var/spool/sendling", NULL},
    {"spool ~/.local/state/%U 100%%", NULL},
    {"spool Off", "spool off"},
    {"spool-lifetime 36h", NULL},
    {"spool-lifetime 48h", "spool-lifetime 2d"},
    {"spool-keep 1", "spool-keep 1s"},
    {"spool-keep 366d", NULL},
    {"spool-retry 1m", "spool-retry 1m 4h"},
    {"spool-retry 60\t24h", "spool-retry 1m 1d"},
    {"spool-retry 5h", "spool-retry 5h 5h"},
    {"spool-limit 500", "spool-limit 500 1G"},
    {"spool-limit 2048k 4294967296", "spool-limit 4294967296 2M"},
    {"spool-limit 1048576T", "spool-limit 10000 1048576T"},
    {"spool-passing no", NULL},
    {"spool-passing yes", NULL},
    {"spool-volatile no", NULL},
    {"spool-volatile yes", NULL},
    {"sender-of www-data *@example.org", NULL},
    {"sender-of  33\ta@b.example <>  *",
	"sender-of 33 a@b.example\nsender-of 33 <>\nsender-of 33 *"},
    {"socket-slots 8", NULL},
    {"socket-slots 064", "socket-slots 64"},
    {"socket-size 150M", NULL},
    {"socket-size 64k", "socket-size 64K"},
    {"socket-size 1024M", "socket-size 1G"},
    {"socket-size 70000", NULL},
    {"socket-size 65536", "socket-size 64K"},
    {"socket-size 16777215T", NULL},
    {"spool-report OFF", "spool-report off"},
    {"spool-report <root>", "spool-report root"},
    {"spool-report %U@example.org", NULL},
    {"spool-report sender", NULL},
};

/* What a has for one keyword, as lines. */
static void
write_lines(const struct keyword *k, const struct account *a, struct buf *out)
{
	struct text rest, line;
	struct buf values;
	bool some;

	buf_init(&values, 1000);
	some = keyword_format(k, a, &values);
	assert_int_equal(some, values.len > 0);
	rest = buf_text(&values);
	while (text_next_line(&rest, &line))
		buf_format(out, "%s%s %.*s", out->len == 0 ? "" : "\n", k->name,
		    TEXT_ARG(line));
	buf_clear(&values);
}

static const struct keyword *
keyword_of(const char *line)
{
	struct text t = text_of(line);

	return keyword_find(text_first(t, text_find(t, ' ')));
}

static void
assert_same_string(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		assert_ptr_equal(a, b);
	else
		assert_string_equal(a, b);
}

/* Members by what is in them, and not by how they are written. */
static void
assert_same(const struct account *a, const struct account *b)
{
	assert_int_equal(a->smarthosts.count, b->smarthosts.count);
	for (size_t i = 0; i < a->smarthosts.count; i++) {
		const struct smarthost *one = &a->smarthosts.at[i];
		const struct smarthost *two = &b->smarthosts.at[i];

		assert_string_equal(one->host, two->host);
		assert_string_equal(one->url, two->url);
		assert_int_equal(one->port, two->port);
		assert_int_equal(one->security, two->security);
		assert_int_equal(one->place, two->place);
		assert_int_equal(one->lmtp, two->lmtp);
	}
	assert_int_equal(a->match.count, b->match.count);
	for (size_t i = 0; i < a->match.count; i++)
		assert_string_equal(a->match.at[i], b->match.at[i]);
	assert_int_equal(a->tls_pins.count, b->tls_pins.count);
	for (size_t i = 0; i < a->tls_pins.count; i++)
		assert_string_equal(a->tls_pins.at[i], b->tls_pins.at[i]);
	assert_int_equal(a->auth.count, b->auth.count);
	for (size_t i = 0; i < a->auth.count; i++)
		assert_int_equal(a->auth.mechanisms[i], b->auth.mechanisms[i]);
	assert_int_equal(a->auth.choice, b->auth.choice);
	assert_int_equal(a->secret.source, b->secret.source);
	assert_same_string(a->secret.text, b->secret.text);
	assert_int_equal(a->log.to, b->log.to);
	assert_int_equal(a->log.facility, b->log.facility);
	assert_same_string(a->log.text, b->log.text);
	for (size_t i = 0; keyword_at(i) != NULL; i++) {
		const void *one = (const char *)a + keyword_at(i)->offset;
		const void *two = (const char *)b + keyword_at(i)->offset;

		switch (keyword_at(i)->type) {
		case VALUE_TEMPLATE:
		case VALUE_MAILBOX:
		case VALUE_PATH:
		case VALUE_FOLDER:
		case VALUE_OBJECT:
		case VALUE_DOMAIN:
		case VALUE_HELO:
		case VALUE_HOST:
		case VALUE_ADDRESS:
		case VALUE_COMMAND:
		case VALUE_PRIORITY:
			assert_same_string(
			    *(char *const *)one, *(char *const *)two);
			break;
		case VALUE_CHOICE:
		case VALUE_DURATION:
		case VALUE_AGE:
		case VALUE_NUMBER:
		case VALUE_NOTIFY:
		case VALUE_RET:
			assert_memory_equal(one, two, sizeof(unsigned));
			break;
		case VALUE_SIZE:
			assert_memory_equal(
			    one, two, sizeof(unsigned long long));
			break;
		case VALUE_RETRY:
			assert_memory_equal(
			    one, two, sizeof(struct spool_retry));
			break;
		case VALUE_LIMIT:
			assert_memory_equal(
			    one, two, sizeof(struct spool_limit));
			break;
		case VALUE_SMARTHOSTS:
		case VALUE_PATTERNS:
		case VALUE_SENDERS:
		case VALUE_PINS:
		case VALUE_SECRET:
		case VALUE_AUTH:
		case VALUE_LOG:
		case VALUE_INCLUDE:
		case VALUE_ACCOUNT:
			break;
		}
	}
}

static void
set_lines(struct account *a, struct text lines)
{
	char string[500];
	struct text line;

	while (text_next_line(&lines, &line)) {
		snprintf(string, sizeof(string), "%.*s", TEXT_ARG(line));
		set_fine(a, string);
	}
}

static void
what_is_written_reads_the_same(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(samples); i++) {
		const char *written = samples[i].written;
		const struct keyword *k = keyword_of(samples[i].line);
		struct account a = {0}, b = {0};
		struct buf lines;

		buf_init(&lines, 1000);
		set_fine(&a, samples[i].line);
		write_lines(k, &a, &lines);
		assert_string_equal(buf_string(&lines),
		    written == NULL ? samples[i].line : written);
		set_lines(&b, buf_text(&lines));
		assert_same(&a, &b);
		keyword_clear(&a);
		keyword_clear(&b);
		buf_clear(&lines);
	}
}

/* Of each keyword that has a value, two that differ. */
static void
no_keyword_lacks_samples(void **state)
{
	(void)state;
	for (size_t i = 0; keyword_at(i) != NULL; i++) {
		const struct keyword *k = keyword_at(i);
		size_t count = 0;

		for (size_t j = 0; j < COUNT(samples); j++)
			count += keyword_of(samples[j].line) == k;
		if ((count < 2) !=
		    (k->type == VALUE_INCLUDE || k->type == VALUE_ACCOUNT))
			fail_msg("%s: %zu samples", k->name, count);
	}
}

static void
each_word_reads_the_same(void **state)
{
	struct account a = {0};
	struct error e;
	struct buf out;

	(void)state;
	buf_init(&out, 100);
	for (size_t i = 0; keyword_at(i) != NULL; i++) {
		const struct keyword *k = keyword_at(i);
		const struct value_word *w = k->words;

		for (; k->type == VALUE_CHOICE && w->name != NULL; w++) {
			error_clear(&e);
			assert_int_equal(
			    keyword_set(k, &a, text_of(w->name), NULL, &e), 0);
			assert_true(keyword_format(k, &a, &out));
			assert_string_equal(buf_string(&out), w->name);
			buf_reset(&out);
		}
	}
	keyword_clear(&a);
	buf_clear(&out);
}

/* What --check shows for a keyword that is not set is one of its values, and
 * the one that the program takes. */
static void
usual_values_are_values(void **state)
{
	struct account a = {0};
	struct error e;
	struct buf out;

	(void)state;
	buf_init(&out, 100);
	for (size_t i = 0; keyword_at(i) != NULL; i++) {
		const struct keyword *k = keyword_at(i);

		assert_false(keyword_format(k, &a, &out));
		if (k->usual == NULL)
			continue;
		error_clear(&e);
		assert_int_equal(
		    keyword_set(k, &a, text_of(k->usual), NULL, &e), 0);
		assert_true(keyword_format(k, &a, &out));
		assert_string_equal(buf_string(&out), k->usual);
		buf_reset(&out);
	}
	assert_int_equal(a.deadline, ACCOUNT_DEADLINE);
	assert_int_equal(a.connect_timeout, ACCOUNT_CONNECT_TIMEOUT);
	assert_int_equal(a.log.facility, LOG_MAIL);
	assert_int_equal(a.spool_lifetime, ACCOUNT_SPOOL_LIFETIME);
	assert_int_equal(a.spool_keep, ACCOUNT_SPOOL_KEEP);
	assert_memory_equal(
	    &a.spool_retry, &ACCOUNT_SPOOL_RETRY, sizeof(a.spool_retry));
	assert_memory_equal(
	    &a.spool_limit, &ACCOUNT_SPOOL_LIMIT, sizeof(a.spool_limit));
	keyword_clear(&a);
	buf_clear(&out);
}

/* The first sample of each keyword, or the last. One password is enough. */
static void
fill(struct account *a, bool last)
{
	memset(a, 0, sizeof(*a));
	for (size_t i = 0; keyword_at(i) != NULL; i++) {
		const char *line = NULL;

		for (size_t j = 0; j < COUNT(samples); j++) {
			if (keyword_of(samples[j].line) == keyword_at(i) &&
			    (last || line == NULL))
				line = samples[j].line;
		}
		if (line != NULL)
			set_fine(a, line);
	}
}

static void
all_values_are_inherited(void **state)
{
	struct account a = {0}, defaults, same;

	(void)state;
	fill(&defaults, false);
	fill(&same, false);
	keyword_inherit(&a, &defaults);
	keyword_clear(&defaults);
	assert_null(a.name);
	assert_same(&a, &same);
	keyword_clear(&a);
	keyword_clear(&same);
}

static void
no_value_that_is_set_is_inherited(void **state)
{
	struct account a, defaults, same;

	(void)state;
	fill(&a, true);
	fill(&same, true);
	fill(&defaults, false);
	keyword_inherit(&a, &defaults);
	assert_same(&a, &same);
	keyword_clear(&a);
	keyword_clear(&same);
	keyword_clear(&defaults);
}

/* Values that mean something only together come together. */
static void
values_of_several_parts_are_inherited_whole(void **state)
{
	struct account a = {0}, defaults = {0};

	(void)state;
	set_fine(&a, "log syslog");
	set_fine(&a, "auth auto");
	set_fine(&a, "password-command x");
	set_fine(&defaults, "log syslog:local1");
	set_fine(&defaults, "auth plain");
	set_fine(&defaults, "password-file /x");
	keyword_inherit(&a, &defaults);
	assert_int_equal(a.log.facility, 0);
	assert_int_equal(a.auth.count, 0);
	assert_int_equal(a.secret.source, SECRET_COMMAND);
	assert_string_equal(a.secret.text, "x");
	keyword_clear(&a);
	keyword_clear(&defaults);
}

/* Also where its value was another kind of thing. */
static void
a_value_takes_the_place_of_another(void **state)
{
	struct account a = {0}, same = {0};

	(void)state;
	set_fine(&a, "log /x");
	set_fine(&a, "log syslog:mail");
	set_fine(&a, "log stderr");
	set_fine(&a, "auth plain login");
	set_fine(&a, "auth login plain");
	set_fine(&a, "auth off");
	set_fine(&a, "user a");
	set_fine(&a, "user b");
	set_fine(&same, "log stderr");
	set_fine(&same, "auth off");
	set_fine(&same, "user b");
	assert_same(&a, &same);
	keyword_clear(&a);
	keyword_clear(&same);
}

static void
nothing_is_left_after_clear(void **state)
{
	static const struct account none;
	struct account a;

	(void)state;
	fill(&a, true);
	a.name = mem_copy("name");
	keyword_clear(&a);
	assert_memory_equal(&a, &none, sizeof(a));
}

static int
note(void *arg, struct text value, struct error *e)
{
	(void)e;
	*(struct text *)arg = value;
	return 0;
}

static void
the_reader_is_asked_for_files_and_accounts(void **state)
{
	struct text path = {NULL, 0};
	const struct value_reader files = {note, no_file, &path};
	const struct value_reader accounts = {no_file, note, &path};
	struct account a = {0};
	struct error e;

	(void)state;
	error_clear(&e);
	assert_int_equal(keyword_set(keyword_find(TEXT("include")), &a,
			     TEXT("/a"), &files, &e),
	    0);
	assert_true(text_equal(path, TEXT("/a")));
	assert_int_equal(keyword_set(keyword_find(TEXT("account")), &a,
			     TEXT("home"), &accounts, &e),
	    0);
	assert_true(text_equal(path, TEXT("home")));
	assert_int_equal(keyword_set(keyword_find(TEXT("include")), &a,
			     TEXT("/a # b"), &accounts, &e),
	    -1);
	assert_string_equal(e.text, "no file here");
	assert_string_equal(e.hint, "a comment needs a line of its own");
	keyword_clear(&a);
}

static void
each_keyword_is_found(void **state)
{
	const struct keyword *k;
	size_t i;

	(void)state;
	for (i = 0; (k = keyword_at(i)) != NULL; i++) {
		assert_ptr_equal(keyword_find(text_of(k->name)), k);
		assert_true(keyword_slot(k) < KEYWORD_SLOTS);
	}
	assert_true(i > 0);
	assert_null(keyword_find(TEXT("")));
	assert_null(keyword_find(TEXT("USER")));
	assert_null(keyword_find(TEXT("use")));
}

/* The ways to a password, and no others. */
static void
alternatives_share_a_slot(void **state)
{
	const struct keyword *a, *b;
	size_t i, j;

	(void)state;
	for (i = 0; (a = keyword_at(i)) != NULL; i++) {
		for (j = 0; j < i; j++) {
			b = keyword_at(j);
			assert_int_equal(keyword_slot(a) == keyword_slot(b),
			    a->type == VALUE_SECRET && b->type == VALUE_SECRET);
		}
	}
}

static void
near_words_are_recognised(void **state)
{
	static const struct {
		const char *word;
		const char *meant; /* NULL: nothing */
	} rows[] = {{"smarthots", "smarthost"}, {"passwrd", "password"},
	    {"passwordfile", "password-file"}, {"pass", "password"},
	    {"USER", "user"}, {"form", "from"}, {"smart", "smarthost"},
	    {"hunter2", NULL}, {"queue", NULL}, {"spool-limits", "spool-limit"},
	    {"us", NULL}, {"", NULL},
	    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL}};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct keyword *k = keyword_near(text_of(rows[i].word));

		if ((k == NULL) != (rows[i].meant == NULL))
			fail_msg("%s", rows[i].word);
		if (k != NULL)
			assert_string_equal(k->name, rows[i].meant);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(strings_are_kept),
	    cmocka_unit_test(numbers_and_words_are_understood),
	    cmocka_unit_test(limits_are_understood),
	    cmocka_unit_test(lists_grow),
	    cmocka_unit_test(what_is_written_reads_the_same),
	    cmocka_unit_test(no_keyword_lacks_samples),
	    cmocka_unit_test(each_word_reads_the_same),
	    cmocka_unit_test(usual_values_are_values),
	    cmocka_unit_test(all_values_are_inherited),
	    cmocka_unit_test(no_value_that_is_set_is_inherited),
	    cmocka_unit_test(values_of_several_parts_are_inherited_whole),
	    cmocka_unit_test(a_value_takes_the_place_of_another),
	    cmocka_unit_test(nothing_is_left_after_clear),
	    cmocka_unit_test(the_reader_is_asked_for_files_and_accounts),
	    cmocka_unit_test(each_keyword_is_found),
	    cmocka_unit_test(alternatives_share_a_slot),
	    cmocka_unit_test(near_words_are_recognised),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
