#include "../unit.h"

#include <syslog.h>

#include "config/keyword.h"

#define AT(field) offsetof(struct account, field)

static int
no_file(void *arg, struct text value, struct error *e)
{
	struct text *seen = arg;

	*seen = value;
	return error_set(e, ERROR_CONFIG, NULL, "no file here");
}

/* A line of a file: the keyword, a space, the value. */
static int
set(struct account *a, const char *line, struct error *e)
{
	struct text rest = text_of(line), name, seen;
	const struct keyword_reader reader = {no_file, no_file, &seen};
	const struct keyword *k;

	name = text_first(rest, text_find(rest, ' '));
	k = keyword_find(name);
	assert_non_null(k);
	error_clear(e);
	return keyword_set(k, a, text_skip(rest, name.len + 1), &reader, e);
}

static void
set_fine(struct account *a, const char *line)
{
	struct error e;

	if (set(a, line, &e) == -1)
		fail_msg("%s: %s", line, e.text);
}

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
	    {"tls-name 2001:db8::1", AT(tls_name), "2001:db8::1"},
	    {"tls-trust /etc/ca.pem", AT(tls_trust), "/etc/ca.pem"},
	    {"tls-trust SYSTEM", AT(tls_trust), "system"},
	    {"tls-priority NORMAL:-VERS-TLS1.2", AT(tls_priority),
		"NORMAL:-VERS-TLS1.2"},
	    {"log /var/log/mail", AT(log.path), "/var/log/mail"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct account a;
		const char *value;

		account_init(&a);
		set_fine(&a, rows[i].line);
		memcpy(
		    &value, (const char *)&a + rows[i].offset, sizeof(value));
		assert_non_null(value);
		assert_string_equal(value, rows[i].value);
		account_clear(&a);
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
	    {"log /x", AT(log.to), LOGGING_FILE},
	    {"dsn-notify never", AT(dsn_notify), NOTIFY_NEVER},
	    {"dsn-notify failure,delay", AT(dsn_notify),
		NOTIFY_FAILURE | NOTIFY_DELAY},
	    {"dsn-return full", AT(dsn_return), RET_FULL},
	    {"password x", AT(secret.source), SECRET_VALUE},
	    {"password-file /x", AT(secret.source), SECRET_FILE},
	    {"password-command x", AT(secret.source), SECRET_COMMAND},
	    {"auth auto", AT(auth.choice), AUTH_AUTO},
	    {"auth off", AT(auth.choice), AUTH_OFF},
	    {"auth PLAIN", AT(auth.choice), AUTH_LIST},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct account a;
		unsigned value;

		account_init(&a);
		set_fine(&a, rows[i].line);
		memcpy(
		    &value, (const char *)&a + rows[i].offset, sizeof(value));
		if (value != rows[i].value)
			fail_msg("%s: %u", rows[i].line, value);
		account_clear(&a);
	}
}

static void
lists_grow(void **state)
{
	struct account a;

	(void)state;
	account_init(&a);
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
	account_clear(&a);
}

/* What is in the words and in the hint. */
static const struct {
	const char *line;
	const char *what;
	const char *hint; /* NULL: none; "": any */
} faults[] = {
    {"user ", "the keyword has no value", NULL},
    {"user \"alice\"", "the value stands in quotes", NULL},
    {"password-file '/hunter2'", "the value stands in", NULL},
    {"user al\x01ice", "the value holds a control", NULL},
    {"user al\rice", "the value holds a control", NULL},
    {"user al\tice", "the value holds a tab", NULL},
    {"password hunter2\x7f", "the value holds a control", NULL},
    {"password-command hunter2\x1b", "the value", NULL},
    {"smarthost mail.example.org",
	"`mail.example.org' does not begin with smtps://", "smtps://"},
    {"smarthost smtps://a:hunter2@b", "the URL holds", "password-file"},
    {"password-file hunter2", "does not begin with `/'", ""},
    {"tls-trust ca.pem", "does not begin with `/'", ""},
    {"aliases aliases", "the path does not begin with `/'", ""},
    {"aliases no", "the path does not begin with `/'", ""},
    {"auth digest-md5", "`digest-md5' is no mechanism", "SCRAM-SHA-256"},
    {"auth plain auto", "`auto' is no mechanism", ""},
    {"auth ,", "`,' is no mechanism", ""},
    {"auth plain PLAIN", "PLAIN stands twice", NULL},
    {"auth-in-clear maybe", "`maybe' is not one", "write one of: yes, no"},
    {"family ipv5", "`ipv5' is not one", "any, ipv4, ipv6"},
    {"pipelining yes", "`yes' is not one", "auto, off"},
    {"log syslog:kern", "`kern' is not one", "mail"},
    {"log mail.log", "`mail.log' is not one",
	"syslog, syslog:FACILITY, stderr, off, /FILE"},
    {"timeout 0", "`0' is not a time", "90s, 5m or 1h"},
    {"timeout 0s", "`0s' is not a time", ""},
    {"timeout s", "`s' is not a time", ""},
    {"timeout -5", "`-5' is not a time", ""},
    {"timeout 5 m", "`5 m' is not a time", ""},
    {"timeout 1.5h", "`1.5h' is not a time", ""},
    {"timeout 169h", "`169h' is not a time", ""},
    {"timeout 99999999999999999999", "is not a time", ""},
    {"timeout 5d", "`5d' is not a time", ""},
    {"timeout 30s # long", "`30s # long' is not a time",
	"a comment needs a line of its own"},
    {"from a@b@c", "`a@b@c' is not a bare address: ", NULL},
    {"from a@b, c@d", "`a@b, c@d' is not a bare", NULL},
    {"from Alice <a@b>", "the name belongs into `full-name'", NULL},
    {"from <>", "it is empty", NULL},
    {"from %X@b", "`%X@b' is not right behind its `%' sign", "%U is the user"},
    {"user 50%", "`50%' is not right behind its", ""},
    {"full-name \xe9lise", "`\\xe9lise' is not text in", NULL},
    {"domain exa mple", "`exa mple' is not a domain name", NULL},
    {"domain b\xc3\xbc"
     "cher.example",
	"is not a domain name", NULL},
    {"domain example.org.", "is not a domain name", NULL},
    {"helo [1.2.3]", "is not a host name", ""},
    {"helo [", "is not a host name", ""},
    {"helo []", "is not a host name", ""},
    {"helo [IPv6:1.2.3.4]", "is not a host name", ""},
    {"tls-name a_b!", "is not a host name", NULL},
    {"tls-priority NORM\xc3\x84L", "is not a priority string", NULL},
    {"dsn-notify never,delay", "`never,delay' is not a list", ""},
    {"dsn-return some", "`some' is not full or hdrs", NULL},
};

static void
wrong_values_are_faults(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(faults); i++) {
		struct account a;
		struct error e;

		account_init(&a);
		assert_int_equal(set(&a, faults[i].line, &e), -1);
		assert_int_equal(e.kind, ERROR_CONFIG);
		if (strstr(e.text, faults[i].what) == NULL)
			fail_msg("%s: %s", faults[i].line, e.text);
		if ((e.hint[0] == '\0') != (faults[i].hint == NULL) ||
		    (faults[i].hint != NULL &&
			strstr(e.hint, faults[i].hint) == NULL))
			fail_msg("%s: %s", faults[i].line, e.hint);
		assert_null(strstr(e.text, "hunter2"));
		assert_null(strstr(e.hint, "hunter2"));
		assert_false(text_has_control(text_of(e.text)));
		account_clear(&a);
	}
}

/* On the command line a path is meant from where the caller stands. */
static void
a_path_from_outside_may_be_relative(void **state)
{
	struct account a;
	struct error e;

	(void)state;
	account_init(&a);
	error_clear(&e);
	assert_int_equal(keyword_set(keyword_find(TEXT("tls-trust")), &a,
			     TEXT("ca.pem"), NULL, &e),
	    0);
	assert_string_equal(a.tls_trust, "ca.pem");
	account_clear(&a);
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
	const struct keyword_reader files = {note, no_file, &path};
	const struct keyword_reader accounts = {no_file, note, &path};
	struct account a;
	struct error e;

	(void)state;
	account_init(&a);
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
	account_clear(&a);
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
			    (a->flags & b->flags & KEYWORD_SECRET) != 0);
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
	    {"hunter2", NULL}, {"spool", NULL}, {"us", NULL}, {"", NULL},
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
	    cmocka_unit_test(lists_grow),
	    cmocka_unit_test(wrong_values_are_faults),
	    cmocka_unit_test(a_path_from_outside_may_be_relative),
	    cmocka_unit_test(the_reader_is_asked_for_files_and_accounts),
	    cmocka_unit_test(each_keyword_is_found),
	    cmocka_unit_test(alternatives_share_a_slot),
	    cmocka_unit_test(near_words_are_recognised),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
