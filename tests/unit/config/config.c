#include "../unit.h"

#include "base/mem.h"
#include "config/config.h"

/* A source that has one file for each name; "LOOP" includes itself, "DEEP..."
 * includes a longer name, "SECOND" a password, "BOB" a user, "BAD" two faults.
 */
static int
read_fake(void *arg, const char *from, const char *path, struct buf *out,
    char **name, struct error *e)
{
	(void)arg;
	assert_non_null(from);
	if (strcmp(path, "missing") == 0)
		return error_set(e, ERROR_INPUT, "reading", "no such file");
	*name = mem_copy(path);
	if (strcmp(path, "LOOP") == 0)
		buf_add_string(out, "include LOOP\n");
	else if (strncmp(path, "DEEP", 4) == 0)
		buf_format(out, "include %sx\n", path);
	else if (strcmp(path, "SECOND") == 0)
		buf_add_string(out, "password hunter2");
	else if (strcmp(path, "BOB") == 0)
		buf_add_string(out, "\n\nuser bob\n");
	else if (strcmp(path, "BAD") == 0)
		buf_add_string(out, "\ntimeout never\nuser bob\n");
	return 0;
}

static const struct config_source fake = {read_fake, NULL};

static size_t
parse(struct config *c, const char *string)
{
	config_init(c);
	return config_parse(c, "sendling.conf", text_of(string), &fake);
}

/* The one account of a configuration without a fault. */
static const struct account *
parse_fine(struct config *c, const char *string)
{
	if (parse(c, string) != 0)
		fail_msg("%s: %s: %s", string, c->faults[0].where,
		    c->faults[0].what);
	config_end(c);
	assert_int_equal(c->account_count, 1);
	return &c->accounts[0];
}

/* What is cut off a line before its value is understood, and what is not. */
static void
test_lines(void **state)
{
	static const struct {
		const char *line;
		const char *user;
		const char *secret;
	} rows[] = {
	    {"user alice@example.org", "alice@example.org", NULL},
	    {"\t user \t alice \t\r\n", "alice", NULL},
	    {"user a # b", "a # b", NULL},
	    {"password hunter2", NULL, "hunter2"},
	    {"password   # \"a\"  b ", NULL, "# \"a\"  b "},
	    {"password a\tb\r\n", NULL, "a\tb"},
	    {"password = x", NULL, "= x"},
	    {"password :", NULL, ":"},
	    {"user =x", "=x", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct account *a;
		struct config c;

		a = parse_fine(&c, rows[i].line);
		if (rows[i].user == NULL)
			assert_null(a->user);
		else
			assert_string_equal(a->user, rows[i].user);
		if (rows[i].secret == NULL)
			assert_null(a->secret.text);
		else
			assert_string_equal(a->secret.text, rows[i].secret);
		config_clear(&c);
	}
}

static void
check_path(const char *keyword, const struct account *a, const char *expected)
{
	const char *path = keyword_path(keyword, a);

	assert_string_equal(path == NULL ? "none" : path, expected);
}

/* Also where a default names a file. */
static void
test_words_for_paths(void **state)
{
	static const struct {
		const char *text;
		const char *trust;
		const char *aliases;
	} rows[] = {{"domain x.example", "none", SYSCONFDIR "/aliases"},
	    {"tls-trust SYSTEM\naliases Off", "none", "none"},
	    {"tls-trust /ca\naliases /a", "/ca", "/a"},
	    {"tls-trust /ca\naliases /a\naccount x\ntls-trust system\n"
	     "aliases off",
		"none", "none"},
	    {"tls-trust system\naliases off\naccount x\ntls-trust /off\n"
	     "aliases /system",
		"/off", "/system"}};
	const struct account *a;
	struct config c;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		a = parse_fine(&c, rows[i].text);
		check_path("tls-trust", a, rows[i].trust);
		check_path("aliases", a, rows[i].aliases);
		config_clear(&c);
	}
}

static void
test_files(void **state)
{
	static const char *const rows[] = {"domain a.example\nuser bob",
	    "domain a.example\r\nuser bob\r\n",
	    "\357\273\277domain a.example\nuser bob\n",
	    "# \x01\x02 any bytes\n\n \t\n  domain a.example\n#\nuser bob"};
	struct config c;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct account *a = parse_fine(&c, rows[i]);

		assert_string_equal(a->name, "default");
		assert_string_equal(a->domain, "a.example");
		assert_string_equal(a->user, "bob");
		config_clear(&c);
	}
	assert_string_equal(parse_fine(&c, "")->name, "default");
	config_clear(&c);
}

/* One fault each: where, and what is in its words and its hint. */
static const struct {
	const char *text;
	const char *where;
	const char *what;
	const char *hint; /* NULL: none; "": any */
} faults[] = {
    {"smarthots smtps://a", "1", "smarthots: unknown keyword", "`smarthost'"},
    {"\n\npasswrd hunter2", "3", "passwrd: unknown keyword", "`password'"},
    {"passwordfile /hunter2", "1", "passwordfile: unknown keyword",
	"`password-file'"},
    {"pass hunter2", "1", "pass: unknown keyword", "`password'"},
    {"USER hunter2", "1", "USER: unknown keyword", "`user'"},
    {"form a@b", "1", "form: unknown keyword", "`from'"},
    {"smart smtps://a", "1", "smart: unknown keyword", "`smarthost'"},
    {"hunter2", "1", "unknown keyword", "sendling.conf(5) lists"},
    {"queue /var/spool", "1", "unknown keyword", "sendling.conf(5) lists"},
    {"tls-sni hunter2", "1", "unknown keyword", "sendling.conf(5) lists"},
    {"=hunter2", "1", "unknown keyword", "sendling.conf(5) lists"},
    {"password=hunter2", "1", "password: no `=' or `:' stands",
	"remove the `=': write `password ...'"},
    {"password: hunter2", "1", "password: no `=' or `:' stands",
	"remove the `:': write `password ...'"},
    {"password-command = hunter2", "1", "no `=' or `:' stands",
	"remove the `=': write `password-command ...'"},
    {"password-file=/p", "1", "password-file: no `=' or `:' stands",
	"remove the `=': write `password-file /p'"},
    {"from = a@b", "1", "from: no `=' or `:' stands between keyword and value",
	"remove the `=': write `from a@b'"},
    {"from: a@b", "1", "from: no `=' or `:' stands",
	"remove the `:': write `from a@b'"},
    {"from = \"a@b\"", "1", "from: no `=' or `:' stands", "write `from a@b'"},
    {"user\t:\talice", "1", "user: no `=' or `:' stands",
	"remove the `:': write `user alice'"},
    {"smarthost = smtps://a", "1", "smarthost: no `=' or `:' stands",
	"remove the `=': write `smarthost smtps://a'"},
    {"smarthost =smtps://a", "1", "smarthost: no `=' or `:' stands",
	"remove the `=': write `smarthost smtps://a'"},
    {"smarthost=smtps://a:hunter2@b", "1", "smarthost: no `=' or `:' stands",
	"remove the `=': write `smarthost ...'"},
    {"tls-key = pkcs11:token=a?pin-value=hunter2", "1",
	"tls-key: no `=' or `:' stands", "remove the `=': write `tls-key ...'"},
    {"smarthost =", "1", "smarthost: no `=' or `:' stands",
	"write `smarthost ...'"},
    /* Keywords of msmtp, ssmtp, dma and nullmailer. */
    {"host mail.example.org", "1", "host: unknown keyword",
	"`smarthost smtps://HOST'"},
    {"tls on", "1", "tls: unknown keyword", "`smarthost smtps://HOST'"},
    {"passwordeval \"echo hunter2\"", "1", "passwordeval: unknown keyword",
	"write `password-command COMMAND'"},
    {"logfile ~/.msmtp.log", "1", "logfile: unknown keyword",
	"write `log PATH'"},
    {"defaults", "1", "defaults: unknown keyword", "first `account' line"},
    {"account a : b", "1", "`a : b' is not one word", "no other account"},
    {"mailhub=smtp.example.org:587", "1", "mailhub: unknown keyword",
	"`smarthost smtps://HOST'"},
    {"AuthUser=alice", "1", "AuthUser: unknown keyword", "write `user NAME'"},
    {"authpass=hunter2", "1", "authpass: unknown keyword",
	"write `password-file PATH'"},
    {"SECURETRANSFER", "1", "SECURETRANSFER: unknown keyword",
	"`smarthost smtps://HOST'"},
    {"SMARTHOST mail.example.org", "1", "SMARTHOST: unknown keyword",
	"`smarthost smtps://HOST'"},
    {"mail.example.org smtp --port=465 --ssl --user=a --pass=hunter2", "1",
	"unknown keyword", "`smarthost smtps://HOST'"},
    {"hunter2 smtp", "1", "unknown keyword", "`smarthost smtps://HOST'"},
    {"mail.example.org smtp", "1", "unknown keyword",
	"`smarthost smtps://HOST'"},
    {"user", "1", "user: the keyword has no value", NULL},
    {"user \t ", "1", "user: the keyword has no value", NULL},
    {"password", "1", "password: the keyword has no value", NULL},
    {"password   ", "1", "password: the keyword has no value", NULL},
    {"user \"alice\"", "1", "user: the value stands in quotes", NULL},
    {"password hunter2\x7f", "1", "password: the value holds a control", NULL},
    {"auth\x01plain", "1", "auth: a space must follow", NULL},
    {"auth\xc2\xa0plain", "1", "auth: a space must follow",
	"only looks like a space"},
    {"user a\nuser b", "2",
	"user: the account has this keyword already: "
	"sendling.conf:1",
	NULL},
    {"user a\ninclude BOB", "2:3",
	"user: the account has this keyword already: sendling.conf:1", NULL},
    {"password hunter2\npassword-file /hunter2", "2",
	"password-file: the account has a password already: "
	"sendling.conf:1",
	NULL},
    {"password-command hunter2\npassword hunter2", "2",
	"password: the account has a password already: sendling.conf:1", NULL},
    {"password-credential a\npassword-file /b", "2",
	"password-file: the account has a password already: "
	"sendling.conf:1",
	NULL},
    {"account a\nuser x\naccount b\nuser y\nuser z", "5", "sendling.conf:4",
	NULL},
    {"account a\naccount b\naccount a\nuser x", "3",
	"account: there is an account `a' already", NULL},
    {"account a b", "1", "account: `a b' is not one word", NULL},
    {"smarthost smtps://a:hunter2@b", "1", "smarthost: the URL holds",
	"password-file"},
    {"timeout 0", "1", "timeout: `0' is not a time", "90s, 5m or 1h"},
    {"timeout 30s # long", "1", "`30s # long' is not a time",
	"a comment needs a line of its own"},
    {"include missing", "1", "include: no such file", NULL},
    {"include LOOP", "2:1", "include: the file includes itself", NULL},
    {"include DEEP", "2:1", "more than 8 files include", NULL},
    {"\n\ninclude BAD", "2:2", "timeout: `never' is not a time", ""},
    {"include SECOND\npassword x", "2", "a password already: SECOND:1", NULL},
};

/* "12" stands in the outermost file, "2:12" in another. */
static void
assert_place(const char *where, const char *expected)
{
	bool inner = strchr(expected, ':') != NULL;

	assert_string_equal(strrchr(where, ':') + 1,
	    inner ? strchr(expected, ':') + 1 : expected);
	if (inner == (strncmp(where, "sendling.conf:", 14) == 0))
		fail_msg("%s instead of %s", where, expected);
}

static void
test_faults(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		const struct config_fault *f;
		struct config c;

		if (parse(&c, faults[i].text) != 1)
			fail_msg(
			    "%s: %zu faults", faults[i].text, c.fault_count);
		f = &c.faults[0];
		assert_place(f->where, faults[i].where);
		if (strstr(f->what, faults[i].what) == NULL)
			fail_msg("%s: %s", faults[i].text, f->what);
		if ((f->hint == NULL) != (faults[i].hint == NULL))
			fail_msg("%s: %s", faults[i].text, f->hint);
		if (f->hint != NULL && strstr(f->hint, faults[i].hint) == NULL)
			fail_msg("%s: %s", faults[i].text, f->hint);
		assert_null(strstr(f->what, "hunter2"));
		assert_null(
		    f->hint == NULL ? NULL : strstr(f->hint, "hunter2"));
		assert_false(text_has_control(text_of(f->what)));
		config_clear(&c);
	}
}

static void
test_nul(void **state)
{
	struct text bytes = TEXT("user a\0b\npassword hun\0ter2\nus\0er x\n");
	struct config c;

	(void)state;
	config_init(&c);
	assert_int_equal(config_parse(&c, "f", bytes, NULL), 3);
	assert_string_equal(
	    c.faults[0].what, "user: the value holds a control character");
	assert_string_equal(c.faults[2].where, "f:3");
	config_clear(&c);
}

static void
test_all_faults_in_order(void **state)
{
	struct config c;
	struct error e;

	(void)state;
	assert_int_equal(parse(&c, "timeout x\nuser a\nfoo\ninclude BAD\n"), 4);
	assert_string_equal(c.faults[0].where, "sendling.conf:1");
	assert_string_equal(c.faults[1].where, "sendling.conf:3");
	assert_string_equal(c.faults[2].where, "BAD:2");
	assert_string_equal(c.faults[3].where, "BAD:3");
	error_clear(&e);
	assert_int_equal(config_error(&c, &e), -1);
	assert_int_equal(e.kind, ERROR_CONFIG);
	assert_string_equal(e.text,
	    "sendling.conf:1: timeout: `x' is not a time from one second to "
	    "seven days");
	config_clear(&c);
	assert_int_equal(c.fault_count, 0);
}

static void
further_faults_are_counted(void **state)
{
	static const struct {
		const char *bytes;
		const char *hint;
	} rows[] = {{"user a\001b\n", ""},
	    {"user a\001b\ndomain \001\n", "1 more fault: see --check"},
	    {"user a\001b\ndomain \001\nfrom \001\n",
		"2 more faults: see --check"}};
	struct config c;
	struct error e;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		assert_int_equal(parse(&c, rows[i].bytes), i + 1);
		error_clear(&e);
		assert_int_equal(config_error(&c, &e), -1);
		assert_string_equal(e.hint, rows[i].hint);
		config_clear(&c);
	}
}

/* A set of values in one place, and all of it into another account. */
static void
test_defaults_and_accounts(void **state)
{
	const struct account *home, *work;
	struct config c;
	struct error e;

	(void)state;
	assert_int_equal(
	    parse(&c, "domain example.org\nsmarthost smtps://a.example\n"
		      "tls-trust /ca\npassword-file /default\n"
		      "account home\nuser alice\n"
		      "account work\nsmarthost smtp://b.example\n"
		      "smarthost smtp://c.example\ntls-trust system\n"
		      "domain work.example\npassword-command x\n"),
	    0);
	config_end(&c);
	error_clear(&e);
	home = config_choose(&c, "home", NULL, &e);
	work = config_choose(&c, "work", NULL, &e);
	assert_int_equal(c.account_count, 2);
	assert_string_equal(home->domain, "example.org");
	assert_string_equal(home->smarthosts.at[0].host, "a.example");
	assert_string_equal(home->tls_trust, "/ca");
	assert_string_equal(home->user, "alice");
	assert_string_equal(home->secret.text, "/default");
	assert_string_equal(work->domain, "work.example");
	assert_int_equal(work->smarthosts.count, 2);
	assert_string_equal(work->smarthosts.at[0].host, "b.example");
	assert_null(keyword_path("tls-trust", work));
	assert_null(work->user);
	assert_int_equal(work->secret.source, SECRET_COMMAND);
	assert_string_equal(work->secret.text, "x");
	config_clear(&c);
}

static void
set(struct config *c, const char *origin, const char *keyword,
    const char *value)
{
	config_set(c, origin, text_of(keyword), text_of(value));
}

static void
test_order_of_sources(void **state)
{
	const struct account *a;
	struct config c;
	struct error e;

	(void)state;
	config_init(&c);
	set(&c, "--set", "smarthost", "smtps://one.example");
	set(&c, "--set", "smarthost", "smtps://two.example");
	set(&c, "--set", "timeout", "1");
	set(&c, "SENDLING_SMARTHOST", "smarthost", "smtps://three.example");
	set(&c, "SENDLING_TIMEOUT", "timeout", "2");
	set(&c, "SENDLING_DEADLINE", "deadline", "2");
	set(&c, "SENDLING_PASSWORD_FILE", "password-file", "relative");
	config_parse(&c, "f",
	    TEXT("timeout 3\ndeadline 3\nconnect-timeout 3\npassword x\n"
		 "smarthost smtps://four.example\naccount a\n"
		 "smarthost smtps://five.example\ndeadline 4\n"
		 "connect-timeout 4\n"),
	    NULL);
	config_end(&c);
	assert_int_equal(c.fault_count, 0);
	error_clear(&e);
	a = config_choose(&c, NULL, NULL, &e);
	assert_int_equal(a->smarthosts.count, 2);
	assert_string_equal(a->smarthosts.at[1].host, "two.example");
	assert_int_equal(a->timeout, 1);
	assert_int_equal(a->deadline, 2);
	assert_int_equal(a->connect_timeout, 4);
	assert_int_equal(a->secret.source, SECRET_FILE);
	assert_string_equal(a->secret.text, "relative");
	config_clear(&c);
}

static void
test_faults_from_outside(void **state)
{
	static const struct {
		const char *origin, *keyword, *value, *what;
	} rows[] = {
	    {"SENDLING_TIMEOUT", "timeout", "soon",
		"timeout: `soon' is not a time"},
	    {"SENDLING_TIMEOUT", "timeout", "",
		"timeout: the keyword has no value"},
	    {"SENDLING_PASSWORD", "password", "hunter2",
		"password: this keyword stands only in a configuration"},
	    {"--set", "password", "hunter2", "password: this keyword"},
	    {"--set", "include", "/x", "include: this keyword"},
	    {"--set", "account", "x", "account: this keyword"},
	    {"--set", "tiemout", "5", "tiemout: unknown keyword"},
	    {"SENDLING_X\x1b", "x\x1b", "5", "x\\x1b: unknown keyword"},
	    {"--set", "user", "a\r\nb", "user: the value holds a control"},
	    {"--set", "auth", "PLAIN", "auth: it is set twice"},
	};
	struct config c;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		config_init(&c);
		set(&c, "--set", "auth", "auto");
		set(&c, rows[i].origin, rows[i].keyword, rows[i].value);
		assert_int_equal(c.fault_count, 1);
		if (strstr(c.faults[0].what, rows[i].what) == NULL)
			fail_msg("%s", c.faults[0].what);
		assert_null(strstr(c.faults[0].what, "hunter2"));
		assert_false(text_has_control(text_of(c.faults[0].where)));
		assert_int_equal(
		    strncmp(c.faults[0].where, rows[i].origin, 5), 0);
		config_clear(&c);
	}
	/* A value that is not used must be right all the same. */
	config_init(&c);
	set(&c, "--set", "password-file", "/a");
	set(&c, "SENDLING_PASSWORD_COMMAND", "password-command", "b");
	assert_int_equal(c.fault_count, 0);
	set(&c, "--set", "password-command", "b");
	assert_int_equal(c.fault_count, 1);
	set(&c, "--set", "timeout", "5");
	set(&c, "SENDLING_TIMEOUT", "timeout", "x");
	assert_int_equal(c.fault_count, 2);
	config_clear(&c);
}

static void
test_environment_names(void **state)
{
	char out[14];

	(void)state;
	assert_int_equal(config_keyword_of_environment(
			     "SENDLING_PASSWORD_FILE", out, sizeof(out)),
	    0);
	assert_string_equal(out, "password-file");
	assert_int_equal(config_keyword_of_environment(
			     "SENDLING_PASSWORD_FILES", out, sizeof(out)),
	    -1);
	assert_int_equal(
	    config_keyword_of_environment("SENDLING_", out, sizeof(out)), -1);
	assert_int_equal(
	    config_keyword_of_environment("SENDMAIL_X", out, sizeof(out)), -1);
	assert_int_equal(
	    config_keyword_of_environment("sendling_x", out, sizeof(out)), -1);
	assert_int_equal(config_keyword_of_environment("", out, 0), -1);
}

static void
test_choice(void **state)
{
	static const char three[] = "account a\nfrom a@example.org\n"
				    "account default\n"
				    "account b\nmatch *@work.example a@*\n";
	static const char two[] = "account a\naccount b\nmatch *@work.example";
	static const struct {
		const char *text, *name, *reverse_path, *chosen;
	} rows[] = {
	    {three, NULL, NULL, "default"},
	    {three, NULL, "", "default"},
	    {three, NULL, "c@example.org", "default"},
	    {three, NULL, "A@Example.org", "a"},
	    {three, NULL, "x@work.example", "b"},
	    {three, NULL, "a@other.example", "b"},
	    {three, "a", "x@work.example", "a"},
	    {three, "A", NULL, NULL},
	    {two, NULL, "x@work.example", "b"},
	    {two, NULL, "x@other.example", NULL},
	    {two, NULL, NULL, NULL},
	    {"account only", NULL, "x@y", "only"},
	    {"account only", "default", NULL, NULL},
	    {"", NULL, "x@y", "default"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct account *a;
		struct config c;
		struct error e;

		assert_int_equal(parse(&c, rows[i].text), 0);
		config_end(&c);
		error_clear(&e);
		a = config_choose(&c, rows[i].name, rows[i].reverse_path, &e);
		if (rows[i].chosen == NULL) {
			assert_null(a);
			assert_int_equal(e.kind, ERROR_CONFIG);
			assert_non_null(strstr(e.hint, c.accounts[0].name));
			/* A client of -bs reads it as well. */
			assert_null(strstr(e.hint, "-a"));
		} else {
			assert_non_null(a);
			assert_string_equal(a->name, rows[i].chosen);
		}
		config_clear(&c);
	}
}

/* Whatever is set nowhere. */
#define USUAL                                                                  \
	"auth auto\nauth-in-clear no\nfrom-header no\ndomain a.example\n"      \
	"aliases " SYSCONFDIR "/aliases\n"
#define USUAL_END                                                                                           \
	"socket-slots 8\nsocket-size 150M\n"                                                                \
	"recipients any\ntls-trust system\ntls-verify yes\ntimeout 61s\ndeadline 30m\nconnect-timeout 5s\n" \
	"pipelining auto\nchunking auto\nfamily any\nlog syslog:mail\nlog-format text\n"                    \
	"spool off\nspool-lifetime 5d\nspool-keep 30d\nspool-retry 5m 4h\n"                                 \
	"spool-limit 10000 1G\nspool-passing yes\nspool-volatile no\n"                                      \
	"spool-report off\n"

static void
test_format(void **state)
{
	static const char one[] =
	    "account one\nsmarthost smtps://a.example\nuser bob\n"
	    "password [hidden]\n" USUAL "match a\nmatch b\n" USUAL_END;
	static const char two[] = "account two\nsmarthost smtp://b.example\n"
				  "smarthost smtp://c.example\nuser bob\n"
				  "password-command pass\tx\n" USUAL USUAL_END;
	struct text again = text_of(two);
	struct buf out;
	struct config c;

	(void)state;
	parse(&c, "smarthost smtps://a.example\ndomain a.example\n"
		  "password  hunter2\ntls-trust /ca\ntimeout 1m\nuser alice\n"
		  "account one\nmatch a b\ntls-trust system\n"
		  "account two\nsmarthost smtp://b.example smtp://c.example\n"
		  "password-command pass\tx\ntls-trust system\n");
	config_set(&c, "--set", TEXT("user"), TEXT("bob"));
	config_set(&c, "SENDLING_TIMEOUT", TEXT("timeout"), TEXT("61s"));
	config_set(
	    &c, "SENDLING_CONNECT_TIMEOUT", TEXT("connect-timeout"), TEXT("5"));
	assert_int_equal(c.fault_count, 0);
	config_end(&c);
	buf_init(&out, 10000);
	config_format(&c.accounts[0], &out);
	assert_string_equal(buf_string(&out), one);
	buf_reset(&out);
	config_format(&c.accounts[1], &out);
	assert_string_equal(buf_string(&out), two);
	config_clear(&c);

	/* What it says is a configuration, and makes the same account. */
	config_init(&c);
	assert_int_equal(config_parse(&c, "again", again, NULL), 0);
	config_end(&c);
	buf_reset(&out);
	config_format(&c.accounts[0], &out);
	assert_string_equal(buf_string(&out), two);
	config_clear(&c);
	buf_clear(&out);
}

/* The PIN of a token is a secret: not shown, and not for others to see. */
static void
test_pin(void **state)
{
	static const char *const names[] = {"tls-key", "tls-certificate"};
	const struct text url = TEXT("pkcs11:token=a?pin-value=hunter2");
	char line[100];
	struct config c;
	struct buf out;
	size_t i;

	(void)state;
	buf_init(&out, 10000);
	for (i = 0; i < 2; i++) {
		snprintf(line, sizeof(line), "%s pkcs11:token=a?pin-value=%s",
		    names[i], "hunter2");
		assert_int_equal(parse(&c, line), 0);
		config_end(&c);
		config_format(&c.accounts[0], &out);
		assert_non_null(strstr(buf_string(&out), " [hidden]\n"));
		assert_null(strstr(buf_string(&out), "hunter2"));
		buf_reset(&out);
		config_clear(&c);
		config_set(&c, "--set", text_of(names[i]), url);
		assert_int_equal(c.fault_count, 1);
		assert_non_null(strstr(c.faults[0].what, "a PIN stands only"));
		assert_non_null(strstr(c.faults[0].hint, "pin-source=FILE"));
		config_clear(&c);
		config_set(&c, "--set", text_of(names[i]),
		    TEXT("pkcs11:token=a?pin-source=/f"));
		assert_int_equal(c.fault_count, 0);
		config_clear(&c);
	}
	buf_clear(&out);
}

static void
test_no_source(void **state)
{
	struct config c;

	(void)state;
	config_init(&c);
	assert_int_equal(config_parse(&c, "f", TEXT("include /x"), NULL), 1);
	assert_non_null(strstr(c.faults[0].what, "no other file can be read"));
	config_clear(&c);
}

/* A name that is new each time; 60 lines that include it again. */
static int
read_wide(void *arg, const char *from, const char *path, struct buf *out,
    char **name, struct error *e)
{
	size_t *count = arg;

	(void)from;
	(void)path;
	(void)e;

	*name = malloc(32);
	snprintf(*name, 32, "%zu", (*count)++);
	for (int i = 0; i < 60; i++)
		buf_add_string(out, "include x\n");
	return 0;
}

/* Files that include each other end before they eat time and memory. */
static void
test_wide_includes(void **state)
{
	size_t count = 0;
	const struct config_source wide = {read_wide, &count};
	struct config c;

	(void)state;
	config_init(&c);
	assert_true(config_parse(&c, "f", TEXT("include x\n"), &wide) > 0);
	assert_true(count <= CONFIG_SIZE_MAX / 600 + 1);
	config_clear(&c);
}

static void
test_large(void **state)
{
	static const char *const lines[] = {"x\n", "passwor x\n",
	    "aaaaaaaaaaaaaaaaaaaa\n", "user a\n", "match *\n",
	    "smarthost smtp://a\n", "timeout x\n"};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct config c;
		struct buf all;

		buf_init(&all, CONFIG_SIZE_MAX);
		while (buf_add_string(&all, lines[i]) == 0)
			;
		config_init(&c);
		config_parse(&c, "f", buf_text(&all), NULL);
		config_end(&c);
		assert_true(c.fault_count + c.accounts[0].match.count +
				c.accounts[0].smarthosts.count >=
			    all.len / strlen(lines[i]) - 1);
		config_clear(&c);
		buf_clear(&all);
	}
}

static void
test_many_accounts(void **state)
{
	struct config c;
	struct buf all;

	(void)state;
	buf_init(&all, CONFIG_SIZE_MAX);
	for (int i = 0; i < 5000; i++)
		buf_format(&all, "account a%d\n", i);
	config_init(&c);
	assert_int_equal(
	    config_parse(&c, "f", buf_text(&all), NULL), 5000 - 4096);
	config_end(&c);
	assert_string_equal(c.accounts[4095].name, "a4095");
	config_clear(&c);
	buf_clear(&all);
}

static void
read_example(struct buf *out)
{
	FILE *f = fopen("config.example", "r");
	int c;

	assert_non_null(f);
	buf_init(out, CONFIG_SIZE_MAX);
	while ((c = getc(f)) != EOF)
		buf_add_char(out, (char)c);
	fclose(f);
}

static void
test_example(void **state)
{
	const struct account *a;
	struct config c;
	struct error e;
	struct buf bytes;

	(void)state;
	read_example(&bytes);
	a = parse_fine(&c, buf_string(&bytes));
	error_clear(&e);
	assert_int_equal(account_check(a, &e), 0);
	assert_non_null(a->from);
	assert_non_null(a->domain);
	assert_int_equal(a->secret.source, SECRET_FILE);
	config_clear(&c);
	buf_clear(&bytes);
}

static void
mark_keyword(struct text line, bool *seen)
{
	struct text word;

	assert_true(text_next(&line, " ", &word));
	for (size_t i = 0; keyword_at(i) != NULL; i++) {
		if (text_equal(word, text_of(keyword_at(i)->name)))
			seen[i] = true;
	}
}

/* "#keyword value" is an example that must be right; "# words" is prose. */
static void
test_example_lines(void **state)
{
	struct text rest, line;
	bool seen[64] = {false};
	struct buf bytes;
	struct config c;

	(void)state;
	read_example(&bytes);
	rest = buf_text(&bytes);
	while (text_next_line(&rest, &line)) {
		if (line.len > 1 && line.at[0] == '#' && line.at[1] != ' ')
			line = text_skip(line, 1);
		if (line.len < 2 || line.at[0] == '#')
			continue;
		config_init(&c);
		if (config_parse(&c, "config.example", line, &fake) != 0)
			fail_msg("%.*s: %s", TEXT_ARG(line), c.faults[0].what);
		mark_keyword(line, seen);
		config_clear(&c);
	}
	for (size_t i = 0; keyword_at(i) != NULL; i++) {
		if (!seen[i])
			fail_msg("%s is not there", keyword_at(i)->name);
	}
	buf_clear(&bytes);
}

/* Where it was written, which of several lines, and whether by others too. */
static void
test_where(void **state)
{
	static const struct {
		size_t account;
		const char *keyword, *value, *where;
		bool shared;
	} rows[] = {{0, "user", NULL, "sendling.conf:1", true},
	    {1, "user", NULL, "sendling.conf:6", false},
	    {0, "smarthost", NULL, "sendling.conf:3", false},
	    {0, "smarthost", "smtp://c", "sendling.conf:4", false},
	    {0, "smarthost", "smtp://d", "sendling.conf:4", false},
	    {0, "smarthost", "smtp://x", NULL, true},
	    {1, "smarthost", "smtp://b", NULL, true},
	    {0, "account", NULL, "sendling.conf:2", false},
	    {1, "account", NULL, "sendling.conf:5", false},
	    {1, "password-file", NULL, "sendling.conf:7", false},
	    {1, "password", NULL, "sendling.conf:7", false},
	    {0, "timeout", NULL, "--set", true},
	    {1, "domain", NULL, NULL, true}};
	const char *where;
	struct config c;
	bool shared;
	size_t i;

	(void)state;
	config_init(&c);
	config_set(&c, "--set", TEXT("timeout"), TEXT("5"));
	assert_int_equal(config_parse(&c, "sendling.conf",
			     TEXT("user a\n"
				  "account a\nsmarthost smtp://b\n"
				  "smarthost smtp://c  smtp://d\n"
				  "account b\nuser b\npassword-file /x\n"),
			     NULL),
	    0);
	config_end(&c);
	for (i = 0; i < COUNT(rows); i++) {
		where = config_where(&c, &c.accounts[rows[i].account],
		    rows[i].keyword, rows[i].value, &shared);
		if (rows[i].where == NULL)
			assert_null(where);
		else
			assert_string_equal(where, rows[i].where);
		assert_int_equal(shared, rows[i].shared);
	}
	config_clear(&c);
}

/* What is wrong with the way to the smarthost can wait until it is mended; what
 * may have made another mail of it cannot. */
static void
faults_of_the_way_leave_the_mail(void **state)
{
	static const struct {
		const char *lines;
		bool knows;
	} rows[] = {{"", true}, {"timeout soon\n", true},
	    {"smarthost x y z\nport 25\n", false},
	    {"smarthost http://x\nauth PLAN\npassword-file\n", true},
	    {"tls-trsut x\nlog nowhere\n", true}, {"form a@b\n", false},
	    {"from a@@b\n", false}, {"match\n", false},
	    {"aliases x\ntimeout soon\naliases y\n", false},
	    {"include missing\n", false}, {"include BAD\n", true},
	    {"spool\n", false}, {"hunter2\n", false},
	    {"account x\naccount x\n", false},
	    {"helo a b\nuser=x\ntls-pin 1\n", true}};
	struct config c;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		parse(&c, rows[i].lines);
		assert_false(config_knows_mail(&c));
		config_end(&c);
		if (config_knows_mail(&c) != rows[i].knows)
			fail_msg("%s", rows[i].lines);
		config_clear(&c);
	}
	/* Who gave an option may give it anew. */
	config_init(&c);
	assert_false(config_overrides(&c, "timeout"));
	config_set(&c, "--set", TEXT("timeout"), TEXT("soon"));
	config_end(&c);
	assert_false(config_knows_mail(&c));
	assert_true(config_overrides(&c, "timeout"));
	assert_false(config_overrides(&c, "user"));
	config_clear(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_lines),
	    cmocka_unit_test(test_words_for_paths),
	    cmocka_unit_test(test_files),
	    cmocka_unit_test(test_faults),
	    cmocka_unit_test(test_nul),
	    cmocka_unit_test(test_all_faults_in_order),
	    cmocka_unit_test(further_faults_are_counted),
	    cmocka_unit_test(test_defaults_and_accounts),
	    cmocka_unit_test(test_order_of_sources),
	    cmocka_unit_test(test_faults_from_outside),
	    cmocka_unit_test(test_environment_names),
	    cmocka_unit_test(test_choice),
	    cmocka_unit_test(test_format),
	    cmocka_unit_test(test_pin),
	    cmocka_unit_test(test_no_source),
	    cmocka_unit_test(test_wide_includes),
	    cmocka_unit_test(test_large),
	    cmocka_unit_test(test_many_accounts),
	    cmocka_unit_test(test_example),
	    cmocka_unit_test(test_where),
	    cmocka_unit_test(test_example_lines),
	    cmocka_unit_test(faults_of_the_way_leave_the_mail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
