#include "smtp/trouble.h"

#include <stdio.h>

#define URL_MAX 300

#define LOGIN "the server wants a login: write `user' and `password-file'"
#define RELAY                                                                  \
	"the server takes mail for others only after a login: write "          \
	"`user' and `password-file'"
#define SENDER "set `from' or `force-from' to an address that this login owns"
#define OAUTH                                                                  \
	"write `auth XOAUTH2' and `password-command sendling-token ADDRESS'"
#define APPLICATION                                                            \
	"the provider wants an application password: make one in the "         \
	"account's security settings and use it in place of your own; or " OAUTH
#define GREY                                                                   \
	"servers put off mail from who is new to them: send it again in some " \
	"minutes"
#define HELO "write `helo NAME' with a host name that DNS knows"
#define VERIFIED                                                               \
	SENDER " and the provider has verified; a test account may need "      \
	       "verified recipients too"

/* A class that no enhanced code has: there is none. */
#define NONE 255

#define TOO_LARGE                                                              \
	"the message is too large for the server: send less, or a link to "    \
	"what is large"

/* What the well-known codes mean, the more special first. */
static const struct {
	int code;		  /* 0: any; 5: any of 5yz */
	struct enhanced enhanced; /* class 0: any, or none */
	const char *mention;	  /* NULL: any */
	const char *hint;	  /* NULL: TLS first */
	enum login_means means;
} hints[] = {
    {530, {0, 0, 0}, "STARTTLS", NULL, LOGIN_ANY},
    {538, {0, 0, 0}, NULL, NULL, LOGIN_ANY},
    {530, {5, 7, 57}, NULL,
	"the server wants a login: write `user', `auth XOAUTH2' and "
	"`password-command sendling-token ADDRESS'",
	LOGIN_ANY},
    {530, {0, 0, 0}, NULL, LOGIN, LOGIN_ANY},
    {534, {5, 7, 9}, NULL, APPLICATION, LOGIN_ANY},
    {535, {0, 0, 0}, "application-specific password", APPLICATION, LOGIN_ANY},
    {535, {0, 0, 0}, "application password", APPLICATION, LOGIN_ANY},
    {535, {0, 0, 0}, "app password", APPLICATION, LOGIN_ANY},
    {535, {5, 7, 139}, NULL,
	"the provider has switched password logins off for this account: " OAUTH
	", or switch authenticated SMTP on in its administration",
	LOGIN_PASSWORD},
    {535, {5, 7, 139}, NULL,
	"authenticated SMTP is switched off for this mailbox or its "
	"organisation: an administrator must switch it on",
	LOGIN_TOKEN},
    {550, {5, 7, 30}, NULL, "the provider takes no passwords any more: " OAUTH,
	LOGIN_PASSWORD},
    {535, {5, 7, 3}, NULL,
	"`user' must be the mailbox for which the token is, and the token must "
	"have the permission SMTP.Send, or SMTP.SendAsApp where no person "
	"logs in",
	LOGIN_TOKEN},
    {535, {0, 0, 0}, NULL,
	"check `user', for whom the token must be, and what "
	"`password-command' prints in a shell",
	LOGIN_TOKEN},
    {535, {0, 0, 0}, NULL,
	"check `tls-certificate', and whether the server has the certificate "
	"act as `user', if that is set",
	LOGIN_EXTERNAL},
    {535, {0, 0, 0}, NULL, TROUBLE_CHECK_LOGIN, LOGIN_ANY},
    {4, {0, 0, 0}, "too many login",
	"wait; and send several mails in one session, as `sendling -bs' does",
	LOGIN_ANY},
    {553, {0, 0, 0}, "not logged in", LOGIN, LOGIN_ANY},
    {5, {0, 0, 0}, "not verified", VERIFIED, LOGIN_ANY},
    {5, {0, 0, 0}, "a verified sender", VERIFIED, LOGIN_ANY},
    {5, {5, 7, 60}, NULL, SENDER, LOGIN_ANY},
    {5, {5, 2, 252}, NULL, SENDER, LOGIN_ANY},
    {5, {0, 0, 0}, "send as this sender", SENDER, LOGIN_ANY},
    {5, {0, 0, 0}, "SendAsDenied", SENDER, LOGIN_ANY},
    {5, {0, 0, 0}, "not owned by", SENDER, LOGIN_ANY},
    {5, {0, 0, 0}, "sender address is not allowed", SENDER, LOGIN_ANY},
    {5, {0, 0, 0}, "sender is not allowed", SENDER, LOGIN_ANY},
    {5, {0, 0, 0}, "disallowed as", SENDER, LOGIN_ANY},
    {5, {0, 0, 0}, "not one of your addresses", SENDER, LOGIN_ANY},
    {5, {0, 0, 0}, "authorised to send from", SENDER, LOGIN_ANY},
    {5, {0, 0, 0}, "not local sender", SENDER, LOGIN_ANY},
    {0, {0, 0, 0}, "relay", RELAY, LOGIN_ANY},
    {5, {0, 0, 0}, "allowed rcpthosts", RELAY, LOGIN_ANY},
    {504, {0, 0, 0}, "helo", HELO, LOGIN_ANY},
    {450, {4, 7, 1}, "helo", HELO, LOGIN_ANY},
    {4, {0, 0, 0}, "greylist", GREY, LOGIN_ANY},
    {4, {0, 0, 0}, "graylist", GREY, LOGIN_ANY},
    {4, {0, 0, 0}, "grey list", GREY, LOGIN_ANY},
    {450, {4, 7, 1}, "try again", GREY, LOGIN_ANY},
    {451, {4, 7, 1}, "try again", GREY, LOGIN_ANY},
    {553, {5, 7, 1}, NULL, SENDER, LOGIN_ANY},
    {553, {0, 0, 0}, "sender", SENDER, LOGIN_ANY},
    {0, {5, 3, 4}, NULL, TOO_LARGE, LOGIN_ANY},
    {0, {4, 3, 4}, NULL, TOO_LARGE, LOGIN_ANY},
    {0, {5, 2, 3}, NULL, TOO_LARGE, LOGIN_ANY},
    {0, {4, 2, 3}, NULL, TOO_LARGE, LOGIN_ANY},
    {0, {5, 2, 2}, NULL,
	"the recipient's mailbox is full; nobody else can mend that",
	LOGIN_ANY},
    {552, {5, 7, 0}, NULL,
	"the server does not take such content: an attachment of a kind that "
	"it forbids, or what looks dangerous to it",
	LOGIN_ANY},
    {552, {NONE, 0, 0}, NULL, "the message or a mailbox is too large",
	LOGIN_ANY},
};

static bool
hint_fits(size_t i, const struct reply *reply, enum login_means means)
{
	if (hints[i].means != LOGIN_ANY && hints[i].means != means)
		return false;
	if (hints[i].code != 0 && hints[i].code != reply->code &&
	    hints[i].code != reply->code / 100)
		return false;
	if (hints[i].enhanced.class == NONE && reply->enhanced.class != 0)
		return false;
	if (hints[i].enhanced.class != 0 && hints[i].enhanced.class != NONE &&
	    !reply_enhanced_equal(hints[i].enhanced, reply->enhanced))
		return false;
	return hints[i].mention == NULL ||
	       reply_mentions(reply, hints[i].mention);
}

static void
add_hint(struct error *e, const struct reply *reply, const struct smarthost *h,
    enum login_means means)
{
	size_t i;

	for (i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
		if (!hint_fits(i, reply, means))
			continue;
		if (hints[i].hint == NULL)
			trouble_hint_starttls(e, h);
		else
			error_hint(e, "%s", hints[i].hint);
		return;
	}
}

enum error_kind
trouble_kind(const struct reply *reply, enum error_kind permanent)
{
	switch (reply->code / 100) {
	case 4:
		return ERROR_LATER;
	case 5:
		return permanent;
	default:
		return ERROR_PROTOCOL;
	}
}

static int
set(struct error *e, const struct reply *reply, enum error_kind permanent,
    const struct smarthost *h, const char *doing, const char *what,
    const char *hint, enum login_means means)
{
	enum error_kind kind;
	const char *verb, *when = "";

	if (e->kind != ERROR_NONE)
		return -1;
	kind = trouble_kind(reply, permanent);
	if (kind == ERROR_PROTOCOL)
		verb = "gave an answer that SMTP does not allow to";
	else
		verb = "refused";
	if (kind == ERROR_LATER)
		when = " for now";
	error_set(e, kind, doing, "%s %s %s%s", h->host, verb, what, when);
	e->code = reply->code;
	e->enhanced = reply->enhanced;
	reply_words(reply, e->why, sizeof(e->why));
	if (hint != NULL)
		error_hint(e, "%s", hint);
	add_hint(e, reply, h, means);
	return -1;
}

int
trouble_set(struct error *e, const struct reply *reply,
    enum error_kind permanent, const struct smarthost *h, const char *doing,
    const char *what)
{
	return set(e, reply, permanent, h, doing, what, NULL, LOGIN_PASSWORD);
}

int
trouble_set_login(struct error *e, const struct reply *reply,
    const struct smarthost *h, const char *doing, const char *what,
    enum login_means means)
{
	return set(e, reply, ERROR_DENIED, h, doing, what, NULL, means);
}

/* RFC 3463: x.2.3, x.3.4; what servers say without these. */
static bool
is_about_size(const struct reply *reply)
{
	const struct enhanced *code = &reply->enhanced;

	if (!reply_negative(reply))
		return false;
	if (code->class == 0)
		return reply->code == 552 || reply->code == 523 ||
		       reply->code == 534;
	return (code->subject == 3 && code->detail == 4) ||
	       (code->subject == 2 && code->detail == 3);
}

enum step
trouble_reject(struct error *e, const struct reply *reply,
    const struct smarthost *h, const char *doing, const char *what)
{
	trouble_set(e, reply, ERROR_REFUSED, h, doing, what);
	return e->kind == ERROR_PROTOCOL ? STEP_BREAK : STEP_QUIT;
}

int
trouble_set_mail(struct error *e, const struct reply *reply,
    const struct smarthost *h, const char *doing, const char *what,
    unsigned long long size)
{
	char words[60];

	if (!is_about_size(reply))
		return set(e, reply, ERROR_REFUSED, h, doing, what, NULL,
		    LOGIN_PASSWORD);
	snprintf(words, sizeof(words), "a mail of %llu octets", size);
	return set(e, reply, ERROR_MESSAGE, h, doing, words, TOO_LARGE,
	    LOGIN_PASSWORD);
}

bool
trouble_is_too_many(const struct reply *reply)
{
	static const char *const words[] = {"too many recipients",
	    "too many rcpt", "number of recipients", "recipients exceeded",
	    "recipient limit"};
	bool said =
	    reply->enhanced.class == 0
		? reply->code == 452
		: reply->enhanced.subject == 5 && reply->enhanced.detail == 3;
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]) && !said; i++)
		said = reply_mentions(reply, words[i]);
	return said && reply->code / 100 >= 4;
}

/* Where no scheme has TLS in place of this one. */
static bool
never_tls(const struct smarthost *h)
{
	return h->place == SMARTHOST_SOCKET || h->lmtp;
}

int
trouble_lacks_starttls(struct error *e, const struct smarthost *h)
{
	error_set(e, ERROR_REFUSED, "STARTTLS",
	    "%s:%d does not offer STARTTLS; nothing was sent in the clear",
	    h->host, h->port);
	return error_hint(e,
	    "if the server speaks implicit TLS write `smarthost "
	    "smtps://%s'; a server without TLS needs `smtp+plain://'",
	    h->host);
}

int
trouble_lacks_auth(struct error *e, const struct smarthost *h, bool tls_first)
{
	error_set(e, ERROR_REFUSED, "AUTH",
	    "%s does not offer AUTH, and `user' is set",
	    smarthost_name(h).words);
	if (tls_first)
		return trouble_hint_starttls(e, h);
	if (h->lmtp)
		return error_hint(e, "with LMTP there mostly is no login: "
				     "leave `user' out, or write `auth off'");
	return error_hint(e, "ask for the submission port (465 or 587), or "
			     "write `auth off' where no login is wanted");
}

int
trouble_hint_protocol(struct error *e, const struct smarthost *h)
{
	struct smarthost_name name = smarthost_name(h);

	if (h->place == SMARTHOST_SOCKET)
		return error_hint(e,
		    "if the server speaks %s write `smarthost %s+unix:%s'",
		    h->lmtp ? "SMTP" : "LMTP", h->lmtp ? "smtp" : "lmtp",
		    name.words);
	if (!h->lmtp)
		return error_hint(e,
		    "if the server speaks LMTP write `smarthost lmtp://%s'",
		    name.words);
	return error_hint(e,
	    "if the server speaks SMTP write `smarthost smtp://%s', or "
	    "smtp+plain:// where it has no TLS",
	    name.words);
}

int
trouble_hint_starttls(struct error *e, const struct smarthost *h)
{
	char url[URL_MAX];

	if (never_tls(h))
		return error_hint(e,
		    "the server wants TLS, which is not spoken with `%s': let "
		    "it take mail there without",
		    SHOWN(text_of(h->url)));
	return error_hint(e, "the server wants TLS first: write `smarthost %s'",
	    smarthost_url(h, SMARTHOST_STARTTLS, url, sizeof(url)));
}

int
trouble_hint_implicit_tls(struct error *e, const struct smarthost *h)
{
	char url[URL_MAX];

	if (h->security == SMARTHOST_TLS || never_tls(h))
		return -1;
	return error_hint(e,
	    "if the port speaks implicit TLS write `smarthost %s'",
	    smarthost_url(h, SMARTHOST_TLS, url, sizeof(url)));
}

int
trouble_hint_foreign(
    struct error *e, const struct smarthost *h, struct text line)
{
	static const struct {
		const char *begin;
		const char *what;
	} strangers[] = {{"* OK", "an IMAP"}, {"* PREAUTH", "an IMAP"},
	    {"* BYE", "an IMAP"}, {"+OK", "a POP3"}, {"-ERR", "a POP3"},
	    {"SSH-", "an SSH"}, {"HTTP/", "an HTTP"}, {"<", "an HTTP"}};
	struct text begin;
	size_t i;

	/* The first byte of a TLS record: alert or handshake. */
	if (line.len > 0 && (line.at[0] == 0x15 || line.at[0] == 0x16))
		return trouble_hint_implicit_tls(e, h);
	for (i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++) {
		begin = text_of(strangers[i].begin);
		if (line.len > 0 &&
		    text_starts_fold(line, text_first(begin, line.len)))
			return error_hint(e,
			    "this looks like %s server: mail is submitted at "
			    "port 465 (smtps://) or 587 (smtp://)",
			    strangers[i].what);
	}
	return -1;
}

int
trouble_hint_silence(struct error *e, const struct smarthost *h, bool handshake)
{
	char url[URL_MAX];

	if (h->place == SMARTHOST_SOCKET)
		return error_hint(e,
		    "is the service that listens there running? Where another "
		    "program holds the socket for it, as systemd does, see how "
		    "it ends when it is started");
	if (never_tls(h))
		return error_hint(
		    e, "see whether the port of `smarthost' is one for LMTP");
	if (h->security != SMARTHOST_TLS && handshake)
		return error_hint(e, "a firewall may be in the way");
	if (h->security != SMARTHOST_TLS)
		return error_hint(e,
		    "if the port speaks implicit TLS write `smarthost %s'; "
		    "else see whether it is one for mail",
		    smarthost_url(h, SMARTHOST_TLS, url, sizeof(url)));
	if (handshake)
		return error_hint(e,
		    "see whether the port of `smarthost' is right and whether "
		    "a firewall is in the way; if it speaks STARTTLS write "
		    "`smarthost %s'",
		    smarthost_url(h, SMARTHOST_STARTTLS, url, sizeof(url)));
	return error_hint(e,
	    "see whether the port of `smarthost' is one for mail: 465 mostly");
}
