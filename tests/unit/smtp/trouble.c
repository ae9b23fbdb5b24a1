#include "../unit.h"

#include "smtp/trouble.h"

#define STARTTLS_FIRST                                                         \
	"the server wants TLS first: write `smarthost smtp://"                 \
	"mail.example:587'"
#define LOGIN "the server wants a login: write `user' and `password-file'"
#define OAUTH                                                                  \
	"write `auth XOAUTH2' and `password-command sendling-token ADDRESS'"
#define APPLICATION                                                            \
	"the provider wants an application password: make one in the "         \
	"account's security settings and use it in place of your own; or " OAUTH
#define SWITCHED_OFF                                                             \
	"the provider has switched password logins off for this account: " OAUTH \
	", or switch authenticated SMTP on in its administration"
#define TOKEN_OFF                                                              \
	"authenticated SMTP is switched off for this mailbox or its "          \
	"organisation: an administrator must switch it on"
#define NO_PASSWORDS "the provider takes no passwords any more: " OAUTH
#define PERMISSION                                                             \
	"`user' must be the mailbox for which the token is, and the token "    \
	"must have the permission SMTP.Send, or SMTP.SendAsApp where no "      \
	"person logs in"
#define CHECK_TOKEN                                                            \
	"check `user', for whom the token must be, and what "                  \
	"`password-command' prints in a shell"
#define EXTERNAL                                                               \
	"check `tls-certificate', and whether the server has the certificate " \
	"act as `user', if that is set"
#define TOO_MANY                                                               \
	"wait; and send several mails in one session, as `sendling -bs' does"
#define GREY                                                                   \
	"servers put off mail from who is new to them: send it again in some " \
	"minutes"
#define CHECK_LOGIN "check `user' and the password"
#define RELAY                                                                  \
	"the server takes mail for others only after a login: write "          \
	"`user' and `password-file'"
#define HELO   "write `helo NAME' with a host name that DNS knows"
#define SENDER "set `from' or `force-from' to an address that this login owns"
#define VERIFIED                                                               \
	SENDER " and the provider has verified; a test account may need "      \
	       "verified recipients too"
#define TOO_LARGE                                                              \
	"the message is too large for the server: send less, or a link to "    \
	"what is large"
#define LARGE	"the message or a mailbox is too large"
#define MAILBOX "the recipient's mailbox is full; nobody else can mend that"
#define CONTENT                                                                \
	"the server does not take such content: an attachment of a kind that " \
	"it forbids, or what looks dangerous to it"

static struct smarthost plain = {
    .security = SMARTHOST_PLAIN, .host = "mail.example", .port = 587};

static void
parse(struct reply *reply, const char *bytes)
{
	size_t used;

	reply_init(reply);
	assert_int_equal(reply_input(reply, bytes, strlen(bytes), &used), 1);
}

static const struct {
	const char *bytes;
	const char *hint;
} hints[] = {
    {"530 5.7.0 Must issue a STARTTLS command first\r\n", STARTTLS_FIRST},
    {"530-5.7.0 Not like this\r\n530 5.7.0 starttls first\r\n", STARTTLS_FIRST},
    {"538 5.7.11 Encryption required\r\n", STARTTLS_FIRST},
    {"530 5.7.0 Authentication required\r\n", LOGIN},
    {"530\r\n", LOGIN},
    {"534 5.7.9 Application-specific password required\r\n", APPLICATION},
    {"534 5.7.8 Too weak\r\n", ""},
    {"534 Too weak\r\n", ""},
    {"535 5.7.139 Authentication unsuccessful\r\n", SWITCHED_OFF},
    {"535 5.7.8 Bad credentials\r\n", CHECK_LOGIN},
    {"535 no\r\n", CHECK_LOGIN},
    {"535 5.7.9 no\r\n", CHECK_LOGIN},
    {"550 5.7.1 Relaying denied\r\n", RELAY},
    {"554 5.7.1 <a@b>: RELAY access denied\r\n", RELAY},
    {"454 4.7.1 relay access denied\r\n", RELAY},
    {"504 5.5.2 <x>: HELO command rejected\r\n", HELO},
    {"504 5.5.2 not known\r\n", ""},
    {"550 5.5.2 helo\r\n", ""},
    {"553 5.7.1 Sender address rejected\r\n", SENDER},
    {"553 5.1.3 no such address\r\n", ""},
    {"550 5.1.8 sender\r\n", ""},
    /* Microsoft; Amazon SES; Yahoo; SendGrid; Postfix; Yandex; GMX; IONOS;
     * Zoho; iCloud; Fastmail; mail.ru. */
    {"550 5.7.60 SMTP; Client does not have permissions to send as this "
     "sender\r\n",
	SENDER},
    {"550 5.7.1 Client does not have permissions to send as this sender\r\n",
	SENDER},
    {"554 5.2.252 SendAsDenied; a@x not allowed to send as b@x\r\n", SENDER},
    {"554 5.2.0 STOREDRV.Submission.Exception:SendAsDeniedException."
     "MapiExceptionSendAsDenied\r\n",
	SENDER},
    {"554 Message rejected: Email address is not verified. The following "
     "identities failed the check in region EU-WEST-1: a@x\r\n",
	VERIFIED},
    {"553 From address not verified - see http://help.example\r\n", VERIFIED},
    {"550 The from address does not match a verified Sender Identity.\r\n",
	VERIFIED},
    {"553 5.7.1 <a@x>: Sender address rejected: not owned by user b\r\n",
	SENDER},
    {"553 5.7.1 Sender address rejected: not owned by auth user.\r\n", SENDER},
    {"550 5.7.1 <a@x>: Sender address rejected: not owned by user b\r\n",
	SENDER},
    {"550-Requested action not taken: mailbox unavailable\r\n"
     "550 Sender address is not allowed.\r\n",
	SENDER},
    {"553 Relaying disallowed as a@x\r\n", SENDER},
    {"553 Sender is not allowed to relay emails\r\n", SENDER},
    {"550 5.7.0 From address is not one of your addresses\r\n", SENDER},
    {"551 5.7.1 Not authorised to send from this header address\r\n", SENDER},
    {"550 not local sender over smtp\r\n", SENDER},
    {"553 5.7.1 no\r\n", SENDER},
    {"553 5.7.1 <a@x>: Sender address rejected: not logged in\r\n", LOGIN},
    {"530 5.7.57 SMTP; Client was not authenticated to send anonymous mail "
     "during MAIL FROM\r\n",
	"the server wants a login: write `user', `auth XOAUTH2' and "
	"`password-command sendling-token ADDRESS'"},
    {"550 5.7.30 Basic authentication is not supported for Client "
     "Submission.\r\n",
	NO_PASSWORDS},
    {"535-5.7.8 Application-specific password required.\r\n"
     "535 5.7.8 https://support.example/\r\n",
	APPLICATION},
    {"535 5.0.0 use an app password\r\n", APPLICATION},
    {"535 an application password is needed\r\n", APPLICATION},
    {"535 5.7.3 Authentication unsuccessful\r\n", CHECK_LOGIN},
    {"454 4.7.0 Too many login attempts, please try again later.\r\n",
	TOO_MANY},
    {"454 4.7.0 Temporary authentication failure\r\n", ""},
    {"554 5.2.252 no\r\n", SENDER},
    {"450 4.2.0 <a@x>: Recipient address rejected: Greylisted\r\n", GREY},
    {"451 4.7.1 Graylisting in action, come back later\r\n", GREY},
    {"451 you are on our grey list\r\n", GREY},
    {"451 4.7.1 Please try again later\r\n", GREY},
    {"450 4.7.1 Try again later\r\n", GREY},
    {"450 4.7.1 <x>: Helo command rejected: Host not found\r\n", HELO},
    {"550 5.7.1 greylisted for good\r\n", ""},
    {"553 sorry, that domain isn't in my list of allowed rcpthosts\r\n", RELAY},
    {"450 4.7.1 Client host not verified\r\n", ""},
    {"552 5.3.4 Message too big\r\n", TOO_LARGE},
    {"550 5.3.4 Message too big\r\n", TOO_LARGE},
    {"552 5.2.3 Message too big\r\n", TOO_LARGE},
    {"452 4.3.4 Message too big\r\n", TOO_LARGE},
    {"552 too much\r\n", LARGE},
    {"552 5.2.2 Mailbox full\r\n", MAILBOX},
    {"552 5.7.0 Blocked: potential security issue\r\n", CONTENT},
    {"552 5.6.0 x\r\n", ""},
    {"523 x\r\n", ""},
    {"550 5.1.1 No such user\r\n", ""},
    {"451 4.3.0 Try again\r\n", ""},
    /* What is more special comes first. */
    {"535 5.7.8 no relay\r\n", CHECK_LOGIN},
    {"530 5.7.0 STARTTLS, then relay\r\n", STARTTLS_FIRST},
    {"553 5.7.1 sender may not relay\r\n", RELAY},
};

static void
well_known_replies_have_a_hint(void **state)
{
	struct reply reply;
	struct error e;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(hints); i++) {
		error_clear(&e);
		parse(&reply, hints[i].bytes);
		assert_int_equal(trouble_set(&e, &reply, ERROR_REFUSED, &plain,
				     "MAIL FROM", "the mail"),
		    -1);
		if (strcmp(e.hint, hints[i].hint) != 0)
			fail_msg("%s: %s", hints[i].bytes, e.hint);
		reply_clear(&reply);
	}
}

/* What it means of a password, of a token and of neither. */
static const struct {
	const char *bytes;
	const char *password, *token, *external;
} logins[] = {
    {"535 5.7.139 Authentication unsuccessful\r\n", SWITCHED_OFF, TOKEN_OFF,
	EXTERNAL},
    {"535 5.7.3 Authentication unsuccessful\r\n", CHECK_LOGIN, PERMISSION,
	EXTERNAL},
    {"535 5.7.8 no\r\n", CHECK_LOGIN, CHECK_TOKEN, EXTERNAL},
    {"535 no\r\n", CHECK_LOGIN, CHECK_TOKEN, EXTERNAL},
    {"550 5.7.30 no\r\n", NO_PASSWORDS, "", ""},
    {"534 5.7.9 no\r\n", APPLICATION, APPLICATION, APPLICATION},
    {"538 no\r\n", STARTTLS_FIRST, STARTTLS_FIRST, STARTTLS_FIRST},
    {"454 4.7.0 too many login attempts\r\n", TOO_MANY, TOO_MANY, TOO_MANY},
};

static void
each_means_has_hints_of_its_own(void **state)
{
	struct reply reply;
	struct error e;
	size_t i, k;

	(void)state;
	for (i = 0; i < COUNT(logins); i++) {
		const struct {
			enum login_means means;
			const char *hint;
		} each[] = {{LOGIN_PASSWORD, logins[i].password},
		    {LOGIN_TOKEN, logins[i].token},
		    {LOGIN_EXTERNAL, logins[i].external}};

		for (k = 0; k < COUNT(each); k++) {
			error_clear(&e);
			parse(&reply, logins[i].bytes);
			trouble_set_login(&e, &reply, &plain, "AUTH", "AUTH X",
			    each[k].means);
			assert_int_equal(e.kind,
			    reply.code < 500 ? ERROR_LATER : ERROR_DENIED);
			assert_string_equal(e.hint, each[k].hint);
			reply_clear(&reply);
		}
	}
}

static const struct {
	const char *bytes;
	enum error_kind permanent;
	enum error_kind kind;
	const char *text;
} kinds[] = {
    {"400 no\r\n", ERROR_REFUSED, ERROR_LATER,
	"mail.example refused the mail for now"},
    {"421 bye\r\n", ERROR_DENIED, ERROR_LATER,
	"mail.example refused the mail for now"},
    {"499 no\r\n", ERROR_RECIPIENT, ERROR_LATER,
	"mail.example refused the mail for now"},
    {"500 no\r\n", ERROR_REFUSED, ERROR_REFUSED,
	"mail.example refused the mail"},
    {"550 no\r\n", ERROR_RECIPIENT, ERROR_RECIPIENT,
	"mail.example refused the mail"},
    {"535 no\r\n", ERROR_DENIED, ERROR_DENIED, "mail.example refused the mail"},
    {"599 no\r\n", ERROR_MESSAGE, ERROR_MESSAGE,
	"mail.example refused the mail"},
    {"200 yes\r\n", ERROR_REFUSED, ERROR_PROTOCOL,
	"mail.example gave an answer that SMTP does not allow to the mail"},
    {"250 yes\r\n", ERROR_RECIPIENT, ERROR_PROTOCOL,
	"mail.example gave an answer that SMTP does not allow to the mail"},
    {"334 go on\r\n", ERROR_DENIED, ERROR_PROTOCOL,
	"mail.example gave an answer that SMTP does not allow to the mail"},
    {"354 go on\r\n", ERROR_REFUSED, ERROR_PROTOCOL,
	"mail.example gave an answer that SMTP does not allow to the mail"},
};

static void
the_first_digit_makes_the_kind(void **state)
{
	struct reply reply;
	struct error e;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(kinds); i++) {
		error_clear(&e);
		parse(&reply, kinds[i].bytes);
		assert_int_equal(
		    trouble_kind(&reply, kinds[i].permanent), kinds[i].kind);
		trouble_set(
		    &e, &reply, kinds[i].permanent, &plain, "DATA", "the mail");
		assert_int_equal(e.kind, kinds[i].kind);
		assert_string_equal(e.text, kinds[i].text);
		reply_clear(&reply);
	}
}

static const struct {
	const char *bytes;
	enum error_kind kind;
	const char *text;
	const char *hint;
} sizes[] = {
    {"552 5.3.4 no\r\n", ERROR_MESSAGE, "refused a mail of 7 octets",
	TOO_LARGE},
    {"554 5.3.4 no\r\n", ERROR_MESSAGE, "refused a mail of 7 octets",
	TOO_LARGE},
    {"550 5.2.3 no\r\n", ERROR_MESSAGE, "refused a mail of 7 octets",
	TOO_LARGE},
    {"552 no\r\n", ERROR_MESSAGE, "refused a mail of 7 octets", TOO_LARGE},
    {"523 no\r\n", ERROR_MESSAGE, "refused a mail of 7 octets", TOO_LARGE},
    {"534 no\r\n", ERROR_MESSAGE, "refused a mail of 7 octets", TOO_LARGE},
    {"452 4.3.4 no\r\n", ERROR_LATER, "refused a mail of 7 octets for now",
	TOO_LARGE},
    {"552 5.7.0 no\r\n", ERROR_REFUSED, "refused the mail", CONTENT},
    {"552 5.2.2 no\r\n", ERROR_REFUSED, "refused the mail", MAILBOX},
    {"534 5.7.9 no\r\n", ERROR_REFUSED, "refused the mail", APPLICATION},
    {"550 no\r\n", ERROR_REFUSED, "refused the mail", ""},
    {"452 no\r\n", ERROR_LATER, "refused the mail for now", ""},
    {"250 2.3.4 yes\r\n", ERROR_PROTOCOL,
	"gave an answer that SMTP does not allow to the mail", ""},
};

/* RFC 3463 sections 3.3 and 3.4, and codes that mean nothing else. */
static void
a_size_is_the_messages_fault(void **state)
{
	struct reply reply;
	struct error e;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(sizes); i++) {
		error_clear(&e);
		parse(&reply, sizes[i].bytes);
		assert_int_equal(
		    trouble_set_mail(&e, &reply, &plain, "DATA", "the mail", 7),
		    -1);
		if (e.kind != sizes[i].kind ||
		    strcmp(e.text + strlen("mail.example "), sizes[i].text) !=
			0 ||
		    strcmp(e.hint, sizes[i].hint) != 0)
			fail_msg("%s: %s (%s)", sizes[i].bytes, e.text, e.hint);
		reply_clear(&reply);
	}
}

static void
the_other_protocol_has_the_line_to_write(void **state)
{
	static const struct {
		struct smarthost smarthost;
		const char *hint;
	} rows[] = {
	    {{.security = SMARTHOST_PLAIN, .host = "mx", .port = 2424},
		"if the server speaks LMTP write `smarthost lmtp://mx:2424'"},
	    {{.security = SMARTHOST_OFFERED,
		 .lmtp = true,
		 .host = "::1",
		 .port = 24},
		"if the server speaks SMTP write `smarthost smtp://[::1]:24', "
		"or smtp+plain:// where it has no TLS"},
	    {{.security = SMARTHOST_PLAIN,
		 .place = SMARTHOST_SOCKET,
		 .host = "/run/a"},
		"if the server speaks LMTP write `smarthost "
		"lmtp+unix:/run/a'"},
	    {{.security = SMARTHOST_PLAIN,
		 .place = SMARTHOST_SOCKET,
		 .lmtp = true,
		 .host = "/run/a"},
		"if the server speaks SMTP write `smarthost "
		"smtp+unix:/run/a'"}};
	struct error e;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		error_clear(&e);
		trouble_hint_protocol(&e, &rows[i].smarthost);
		assert_string_equal(e.hint, rows[i].hint);
	}
}

static void
the_words_of_the_server_are_kept_and_visible(void **state)
{
	struct reply reply;
	struct error e;

	(void)state;
	error_clear(&e);
	parse(&reply, "550-5.7.26 Not\033[2J\r\n550 5.7.26 signed %s\r\n");
	assert_int_equal(trouble_set(&e, &reply, ERROR_REFUSED, &plain,
			     "MAIL FROM", "the sender <a%n@b>"),
	    -1);
	assert_string_equal(e.doing, "MAIL FROM");
	assert_string_equal(e.text, "mail.example refused the sender <a%n@b>");
	assert_int_equal(e.code, 550);
	assert_int_equal(e.enhanced.class, 5);
	assert_int_equal(e.enhanced.subject, 7);
	assert_int_equal(e.enhanced.detail, 26);
	assert_string_equal(e.why, "550 5.7.26 Not\\x1b[2J signed %s");
	reply_clear(&reply);
}

static void
the_first_error_wins(void **state)
{
	struct reply reply;
	struct error e;

	(void)state;
	error_clear(&e);
	error_set(&e, ERROR_LATER, "connecting", "first");
	parse(&reply, "535 5.7.8 no\r\n");
	assert_int_equal(
	    trouble_set(&e, &reply, ERROR_DENIED, &plain, "AUTH", "the login"),
	    -1);
	assert_int_equal(e.kind, ERROR_LATER);
	assert_string_equal(e.doing, "connecting");
	assert_string_equal(e.text, "first");
	assert_int_equal(e.code, 0);
	assert_int_equal(e.enhanced.class, 0);
	assert_string_equal(e.why, "");
	assert_string_equal(e.hint, "");
	reply_clear(&reply);
}

#define WANTS_TLS "the server wants TLS first: write `smarthost "
#define IMPLICIT  "if the port speaks implicit TLS write `smarthost "

static const struct {
	struct smarthost smarthost;
	const char *starttls;
	const char *implicit;
} tls_hints[] = {
    {{.security = SMARTHOST_PLAIN, .host = "mail.example", .port = 25},
	WANTS_TLS "smtp://mail.example:25'",
	IMPLICIT "smtps://mail.example:25'"},
    {{.security = SMARTHOST_STARTTLS, .host = "mail.example", .port = 465},
	WANTS_TLS "smtp://mail.example:465'",
	IMPLICIT "smtps://mail.example:465'"},
    {{.security = SMARTHOST_PLAIN, .host = "2001:db8::1", .port = 587},
	WANTS_TLS "smtp://[2001:db8::1]:587'",
	IMPLICIT "smtps://[2001:db8::1]:587'"},
    {{.security = SMARTHOST_PLAIN,
	 .place = SMARTHOST_SOCKET,
	 .host = "/run/s",
	 .url = "smtp+unix:/run/s"},
	"the server wants TLS, which is not spoken with `smtp+unix:/run/s': "
	"let it take mail there without",
	""},
    {{.security = SMARTHOST_PLAIN,
	 .lmtp = true,
	 .host = "mx",
	 .port = 24,
	 .url = "lmtp://mx"},
	"the server wants TLS, which is not spoken with `lmtp://mx': let it "
	"take mail there without",
	""},
    {{.security = SMARTHOST_TLS, .host = "192.0.2.1", .port = 587},
	WANTS_TLS "smtp://192.0.2.1:587'", ""},
};

static void
the_hints_about_tls_have_the_line_to_write(void **state)
{
	struct error e;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(tls_hints); i++) {
		error_clear(&e);
		assert_int_equal(
		    trouble_hint_starttls(&e, &tls_hints[i].smarthost), -1);
		assert_string_equal(e.hint, tls_hints[i].starttls);
		error_clear(&e);
		assert_int_equal(
		    trouble_hint_implicit_tls(&e, &tls_hints[i].smarthost), -1);
		assert_string_equal(e.hint, tls_hints[i].implicit);
	}
}

static void
knows_other_servers(void **state)
{
	static const struct {
		const char *line;
		const char *what;
	} rows[] = {{"* OK [CAPABILITY IMAP4rev1] ready\r\n", "an IMAP server"},
	    {"* PREAUTH hello", "an IMAP server"},
	    {"* BYE no", "an IMAP server"}, {"*", "an IMAP server"},
	    {"+OK POP3 ready\r\n", "a POP3 server"},
	    {"-ERR no\r\n", "a POP3 server"},
	    {"SSH-2.0-OpenSSH_9.2\r\n", "an SSH server"},
	    {"\x15\x03\x01", "smtps://mail.example:587'"},
	    {"\x16\x03\x03", "smtps://mail.example:587'"}, {"\x14\x03", ""},
	    {"HTTP/1.1 400 Bad Request\r\n", "an HTTP server"},
	    {"http/1.0 408", "an HTTP server"},
	    {"<!DOCTYPE html>", "an HTTP server"}, {"", ""},
	    {"220 mail\r\n", ""}, {"Sorry\r\n", ""}, {"* 220\r\n", ""},
	    {"+++\r\n", ""}};
	struct error e;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		error_clear(&e);
		assert_int_equal(
		    trouble_hint_foreign(&e, &plain, text_of(rows[i].line)),
		    -1);
		if (strstr(e.hint, rows[i].what) == NULL ||
		    (rows[i].what[0] == '\0') != (e.hint[0] == '\0'))
			fail_msg("%s: %s", rows[i].line, e.hint);
	}
}

/* Whatever it says, the port and a firewall are what to look at. */
static void
says_what_silence_may_mean(void **state)
{
	static const struct {
		enum smarthost_security security;
		bool handshake;
		const char *hint;
	} rows[] = {{SMARTHOST_PLAIN, false, "smtps://mail.example:587'"},
	    {SMARTHOST_STARTTLS, false, "smtps://mail.example:587'"},
	    {SMARTHOST_PLAIN, false, "else see whether it is one for mail"},
	    {SMARTHOST_STARTTLS, true, "firewall"},
	    {SMARTHOST_TLS, true, "the port of `smarthost' is right"},
	    {SMARTHOST_TLS, true, "firewall"},
	    {SMARTHOST_TLS, true, "smtp://mail.example:587'"},
	    {SMARTHOST_TLS, false, "one for mail: 465"}};
	struct smarthost h = plain;
	struct error e;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		error_clear(&e);
		h.security = rows[i].security;
		assert_int_equal(
		    trouble_hint_silence(&e, &h, rows[i].handshake), -1);
		if (strstr(e.hint, rows[i].hint) == NULL)
			fail_msg("%zu: %s", i, e.hint);
	}
}

static void
knows_a_full_transaction(void **state)
{
	static const struct {
		const char *bytes;
		bool full;
	} rows[] = {{"452 4.5.3 Error: too many recipients\r\n", true},
	    {"452 Too many\r\n", true}, {"450 4.5.3 no\r\n", true},
	    {"451 4.5.3 no\r\n", true}, {"421 4.5.3 no\r\n", true},
	    {"431 Too many recipients for one session\r\n", true},
	    {"431 4.3.0 too many recipients\r\n", true},
	    {"450 too many recipients\r\n", true},
	    {"450 4.7.1 Too Many Recipients in one message\r\n", true},
	    {"451-4.7.0 no\r\n451 4.7.0 TOO MANY RECIPIENTS\r\n", true},
	    {"451 Too many rcpts\r\n", true},
	    {"451 4.7.1 Maximum number of recipients reached\r\n", true},
	    {"452 4.2.0 Max recipients exceeded\r\n", true},
	    {"450 Number of recipients exceeds the limit\r\n", true},
	    {"450 Recipient limit exceeded\r\n", true},
	    /* For good: RFC 5321 section 4.5.3.1.10 has 552 taken as 452. */
	    {"552 Too many recipients\r\n", true}, {"552 5.5.3 no\r\n", true},
	    {"550 5.5.3 no\r\n", true},
	    {"554 5.5.3 Too many recipients\r\n", true},
	    {"550 too many recipients\r\n", true},
	    /* Of this recipient, or of us. */
	    {"452 4.2.2 Mailbox full\r\n", false},
	    {"452 4.3.1 Insufficient system storage\r\n", false},
	    {"450 4.2.0 <b@x>: Recipient address rejected: Greylisted\r\n",
		false},
	    {"450 4.7.1 Greylisted, please try again\r\n", false},
	    {"451 4.7.1 Try again in 300 seconds\r\n", false},
	    {"451 4.3.0 try again later\r\n", false},
	    {"431 out of memory\r\n", false},
	    {"450 4.7.1 too many connections from you\r\n", false},
	    {"450 4.2.1 recipient gets too much mail\r\n", false},
	    {"552 5.2.2 Mailbox full\r\n", false},
	    {"552 Mailbox full\r\n", false},
	    {"552 5.3.4 Message too big\r\n", false},
	    {"550 5.1.1 No such user\r\n", false},
	    {"250 2.5.3 not too many recipients\r\n", false}};
	struct reply reply;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		parse(&reply, rows[i].bytes);
		if (trouble_is_too_many(&reply) != rows[i].full)
			fail_msg("%s", rows[i].bytes);
		reply_clear(&reply);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(knows_other_servers),
	    cmocka_unit_test(says_what_silence_may_mean),
	    cmocka_unit_test(knows_a_full_transaction),
	    cmocka_unit_test(well_known_replies_have_a_hint),
	    cmocka_unit_test(each_means_has_hints_of_its_own),
	    cmocka_unit_test(the_first_digit_makes_the_kind),
	    cmocka_unit_test(a_size_is_the_messages_fault),
	    cmocka_unit_test(the_words_of_the_server_are_kept_and_visible),
	    cmocka_unit_test(the_other_protocol_has_the_line_to_write),
	    cmocka_unit_test(the_first_error_wins),
	    cmocka_unit_test(the_hints_about_tls_have_the_line_to_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
