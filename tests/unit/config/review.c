#include "../unit.h"

#include "config/review.h"

/* What is told, a line each: "fault default smarthost: text; hint". */
static char told[8000];

static void
hear(void *arg, bool remark, const struct account *a, const char *keyword,
    const char *value, const struct error *e)
{
	char line[1200];

	(void)arg;
	snprintf(line, sizeof(line), "%s %s %s%s%s: %s; %s\n",
	    remark ? "remark" : "fault", a->name, keyword,
	    value == NULL ? "" : " ", value == NULL ? "" : value, e->text,
	    e->hint);
	strlcat(told, line, sizeof(told));
}

static const char *
review(const char *lines)
{
	const struct review r = {hear, NULL};
	const struct facts facts = {.login = "bob", .host = "laptop"};
	struct config c;

	told[0] = '\0';
	config_init(&c);
	config_parse(&c, "f", text_of(lines), NULL);
	if (c.fault_count > 0)
		fail_msg("%s", c.faults[0].what);
	config_end(&c);
	review_accounts(&r, &c, &facts);
	config_clear(&c);
	return told;
}

#define FINE  "smarthost smtps://m.example\n"
#define WHOLE FINE "from a@b.example\n"
#define BARE                                                                   \
	"remark default from: without `domain' or a whole `from' a mail "      \
	"whose caller names no whole sender is refused; write: from "          \
	"you@example.org\n"

static void
tells_what_is_wrong(void **state)
{
	static const struct {
		const char *lines;
		const char *told;
	} rows[] = {
	    {WHOLE, ""},
	    /* All that it lacks. */
	    {"password-file /x\nauth PLAIN\nfrom a@b.example\n",
		"fault default smarthost: account `default' has no "
		"`smarthost'; write a line like: smarthost "
		"smtps://mail.example.org\n"
		"fault default password: account `default' has a password, "
		"but no `user'; write a line like: user alice@example.org\n"
		"fault default auth: account `default' has mechanisms in "
		"`auth', but no `user'; write a line like: user "
		"alice@example.org, or: auth off\n"},
	    /* Ports. */
	    {WHOLE "smarthost smtp://m.example:465 smtps://[::1]:587\n",
		"remark default smarthost smtp://m.example:465: smarthost: "
		"port 465 mostly speaks TLS from the start; if this one does, "
		"too: smarthost smtps://m.example:465\n"
		"remark default smarthost smtps://[::1]:587: smarthost: port "
		"587 mostly speaks STARTTLS; if this one does, too: smarthost "
		"smtp://[::1]:587\n"},
	    {WHOLE "smarthost smtp://m.example:587 smtps://m.example:465 "
		   "smtp+plain://m.example:465\n",
		""},
	    /* In clear. */
	    {"from a@b.example\nuser u\npassword x\nsmarthost "
	     "smtp+plain://m.example smtp+plain://127.0.0.1 "
	     "smtp+plain://localhost smtp+plain://[::1]\n",
		"remark default smarthost smtp+plain://m.example: smarthost: "
		"smtp+plain://m.example has no TLS, and the password goes "
		"there by SCRAM alone; if it offers STARTTLS: smarthost "
		"smtp://m.example:25\n"},
	    {"from a@b.example\nuser u\npassword x\nauth-in-clear yes\n"
	     "smarthost smtp+plain://m.example\n",
		"remark default smarthost smtp+plain://m.example: smarthost: "
		"smtp+plain://m.example has no TLS, and `auth-in-clear yes' "
		"shows the password to everybody on the way; if it offers "
		"STARTTLS: smarthost smtp://m.example:25\n"},
	    {"from a@b.example\nsmarthost smtp+plain://m.example\n", ""},
	    /* Odd values, and none. */
	    {WHOLE "user 'u'x #y\npassword  x \n",
		"remark default user: `user': ` #' begins no comment, it is "
		"part of it; \n"
		"remark default password: the password: the blanks at its "
		"ends are part of it; \n"},
	    {WHOLE "user u\n",
		"remark default user: without `password-file' or "
		"`password-command' the password is asked for, at a terminal "
		"only; \n"},
	    {WHOLE "user u\nauth off\n", ""},
	    /* The spool. */
	    {WHOLE "spool /var/spool/sendling\nspool-retry 5m\n", ""},
	    {WHOLE "spool off\nspool-lifetime 1d\n", ""},
	    {WHOLE "spool-limit 500\nspool-passing no\n",
		"remark default spool-limit: spool-limit: without `spool' no "
		"mail is kept, and it means nothing; write: spool "
		"~/.local/state/sendling/spool\n"},
	    {WHOLE "spool ~/s\nspool-lifetime 4h\nspool-retry 4h\n",
		"remark default spool-retry: spool-retry: `spool-lifetime' is "
		"over before the first wait is, and no mail is tried a second "
		"time in time; write a shorter one, like: spool-retry 5m\n"},
	    {WHOLE "spool ~/s\nspool-lifetime 4h\nspool-retry 3h\n", ""},
	    {WHOLE "spool ~/s\nspool-lifetime 5\n",
		"remark default spool-lifetime: spool-lifetime: "
		"`spool-lifetime' is over before the first wait is, and no "
		"mail is tried a second time in time; write a longer one, "
		"like: spool-lifetime 5d\n"},
	    {WHOLE "spool ~/s\nspool-lifetime 6m\n", ""},
	    {WHOLE "spool ~/s\nspool-report No\n",
		"remark default spool-report: spool-report: reports go to an "
		"address that is called `no'; write one of: off, sender; or a "
		"whole address\n"},
	    {WHOLE "spool ~/s\nspool-report off\n", ""},
	    {WHOLE "spool ~/s\nspool-report no@example.org\n", ""},
	    {WHOLE "spool /tmp/sendling\n",
		"remark default spool: spool: in /tmp/sendling what is old is "
		"removed now and then; write: spool "
		"~/.local/state/sendling/spool\n"},
	    /* Senders. */
	    {FINE, BARE},
	    {FINE "from a\n", BARE},
	    {FINE "from a\ndomain b.example\n", ""},
	    {FINE "from-header yes\n", BARE},
	    {FINE "from a\nforce-from a@b.example\n", ""},
	    {FINE "from a@b.example\nforce-from a\n",
		"fault default force-from: force-from: it has no domain, and "
		"`domain' is not set: each mail is refused; write: force-from "
		"you@example.org\n"},
	    {FINE "from %U@%H\n",
		"remark default from: from: it becomes bob@laptop, whose "
		"domain is no name that others know; write the whole domain: "
		"from you@example.org\n"},
	    {FINE "from %U@[192.0.2.1]\n", ""},
	    {FINE "from %U@%H.example\n", ""},
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++)
		assert_string_equal(review(rows[i].lines), rows[i].told);
}

static void
tells_which_account_takes_it(void **state)
{
	static const struct {
		const char *lines;
		const char *told;
	} rows[] = {
	    {WHOLE "account a\nmatch *@a.example\naccount default\n", ""},
	    {WHOLE "account a\naccount default\n",
		"remark a account: only `-a a' chooses it, as it has no "
		"`match'; \n"},
	    {WHOLE "account only\n", ""},
	    {FINE "account a\nmatch *@a.example\nfrom x@a.example\n"
		  "account b\nmatch *@a.example *@b.example\n"
		  "from y@b.example\n",
		"remark b match *@a.example: match: the account a, which "
		"comes before, takes the mails of *@a.example; put this "
		"account above it, or choose it by `-a b'\n"},
	    {FINE "account a\nmatch *\nfrom x@a.example\n"
		  "account b\nfrom y@b.example\n",
		"remark b from: from: the account a, which comes before, "
		"takes the mails of y@b.example; put this account above "
		"it, or choose it by `-a b'\n"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++)
		assert_string_equal(review(rows[i].lines), rows[i].told);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(tells_what_is_wrong),
	    cmocka_unit_test(tells_which_account_takes_it)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
