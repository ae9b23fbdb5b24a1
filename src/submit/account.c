#include "submit/account.h"

#include <arpa/inet.h>
#include <fnmatch.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "message/token.h"

#define HOST_MAX  253 /* RFC 1035 section 2.3.4, without the length octets */
#define LABEL_MAX 63

static const struct scheme {
	const char *prefix;
	enum smarthost_place place;
	enum smarthost_security security;
	bool lmtp;
	unsigned short port;
} schemes[] = {
    {"smtps://", SMARTHOST_HOST, SMARTHOST_TLS, false, 465},
    {"smtp://", SMARTHOST_HOST, SMARTHOST_STARTTLS, false, 587},
    {"smtp+plain://", SMARTHOST_HOST, SMARTHOST_PLAIN, false, 25},
    {"smtp+unix:", SMARTHOST_SOCKET, SMARTHOST_PLAIN, false, 0},
    {"lmtp://", SMARTHOST_HOST, SMARTHOST_OFFERED, true, 24},
    {"lmtp+unix:", SMARTHOST_SOCKET, SMARTHOST_PLAIN, true, 0},
    {"srv://", SMARTHOST_DOMAIN, SMARTHOST_TLS, false, 0},
};

/* What people write for a scheme, in the order in which it is looked for, and
 * which of them they mean. */
static const struct {
	const char *prefix;
	const char *meant;
} near_schemes[] = {{"submissions:", "smtps://"}, {"smtps:", "smtps://"},
    {"ssmtp:", "smtps://"}, {"ssl:", "smtps://"}, {"tls:", "smtps://"},
    {"smtp+tls:", "smtps://"}, {"smtp+ssl:", "smtps://"},
    {"submission:", "smtp://"}, {"starttls:", "smtp://"},
    {"smtp+starttls:", "smtp://"}, {"smtp+plain:", "smtp+plain://"},
    {"smtp:unix:", "smtp+unix:"}, {"lmtp:unix:", "lmtp+unix:"},
    {"smtp:", "smtp://"}, {"lmtp:", "lmtp://"}, {"unix:", "smtp+unix:"},
    {"srv:", "srv://"}};

bool
account_is_host(struct text t)
{
	size_t i, label = 0;
	char c;

	if (t.len == 0 || t.len > HOST_MAX || t.at[0] == '-')
		return false;
	for (i = 0; i < t.len; i++) {
		c = t.at[i];
		if (c == '.' && label > 0)
			label = 0;
		else if (label < LABEL_MAX &&
			 (text_is_alpha(c) || text_is_digit(c) || c == '-' ||
			     c == '_'))
			label++;
		else
			return false;
	}
	return label > 0;
}

struct text
account_without_dot(struct text host)
{
	if (host.len > 1 && host.at[host.len - 1] == '.')
		host.len--;
	return host;
}

bool
account_is_ipv6(struct text t)
{
	char string[INET6_ADDRSTRLEN];
	unsigned char address[16];

	if (t.len >= sizeof(string) || text_find(t, '\0') < t.len)
		return false;
	memcpy(string, t.at == NULL ? "" : t.at, t.len);
	string[t.len] = '\0';
	return inet_pton(AF_INET6, string, address) == 1;
}

enum account_family
account_family_of(struct text address)
{
	char string[INET_ADDRSTRLEN];
	unsigned char four[4];

	if (account_is_ipv6(address))
		return FAMILY_IPV6;
	if (address.len >= sizeof(string) ||
	    text_find(address, '\0') < address.len)
		return FAMILY_UNSET;
	snprintf(string, sizeof(string), "%.*s", TEXT_ARG(address));
	return inet_pton(AF_INET, string, four) == 1 ? FAMILY_IPV4
						     : FAMILY_UNSET;
}

static int
smarthost_fault(struct text url, const char *fault, struct error *e)
{
	return error_set(
	    e, ERROR_CONFIG, "smarthost", "`%s' %s", SHOWN(url), fault);
}

static const struct scheme *
scheme_find(struct text url)
{
	size_t i;

	for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		if (text_starts_fold(url, text_of(schemes[i].prefix)))
			return &schemes[i];
	}
	return NULL;
}

/* The scheme that was meant by one that is none, which is cut off *url; NULL
 * where it resembles none. */
static const char *
scheme_near(struct text *url)
{
	struct text prefix;
	size_t i;

	for (i = 0; i < sizeof(near_schemes) / sizeof(near_schemes[0]); i++) {
		prefix = text_of(near_schemes[i].prefix);
		if (!text_starts_fold(*url, prefix))
			continue;
		*url = text_skip(*url, prefix.len);
		return near_schemes[i].meant;
	}
	return NULL;
}

/* Cuts the host off *rest, which then begins with the port's colon or is
 * empty; NULL, or what is wrong. */
static const char *
host_next(struct text *rest, struct text *host)
{
	size_t end;

	if (rest->len > 0 && rest->at[0] == '[') {
		end = text_find(*rest, ']');
		*host = text_skip(text_first(*rest, end), 1);
		if (end == rest->len || !account_is_ipv6(*host))
			return "has no IPv6 address between its brackets";
		*rest = text_skip(*rest, end + 1);
		return NULL;
	}
	if (account_is_ipv6(*rest))
		return "needs brackets around its IPv6 address";
	end = text_find(*rest, ':');
	*host = account_without_dot(text_first(*rest, end));
	*rest = text_skip(*rest, end);
	if (host->len == 0)
		return "names no host";
	return account_is_host(*host)
		   ? NULL
		   : "must have a host name of ASCII letters, digits, `-' and "
		     "`.' behind its slashes";
}

static const char *
port_parse(struct text rest, unsigned short *port)
{
	unsigned long long number;

	if (rest.len == 0)
		return NULL;
	if (rest.at[0] != ':' ||
	    !text_number(text_skip(rest, 1), 65535, &number) || number == 0)
		return "must end after the host, or after a colon and a port "
		       "from 1 to 65535";
	*port = (unsigned short)number;
	return NULL;
}

/* The host, and the port that may follow it. */
static const char *
place_host(struct text rest, struct smarthost *s)
{
	struct text host = {NULL, 0};
	const char *fault;

	if (rest.len > 0 && rest.at[rest.len - 1] == '/')
		rest.len--;
	fault = host_next(&rest, &host);
	if (fault == NULL)
		fault = port_parse(rest, &s->port);
	s->host = mem_string(host.at, host.len);
	return fault;
}

static const char *
place_socket(struct text rest, struct smarthost *s)
{
	s->host = mem_string(rest.at, rest.len);
	if (rest.len == 0 || rest.at[0] != '/')
		return "must have the whole path of a unix socket behind its "
		       "colon, which begins with a `/'";
	if (rest.len > SMARTHOST_PATH_MAX)
		return "is longer than the path of a unix socket may be: 107 "
		       "octets";
	if (!text_is_utf8(rest))
		return "must have a path in UTF-8";
	return NULL;
}

/* DNS says the ports, and would have to be asked about addresses in vain. */
static const char *
place_domain(struct text rest, struct smarthost *s)
{
	const char *fault = place_host(rest, s);
	const struct text host = text_of(s->host);
	unsigned char address[4];

	if (fault != NULL)
		return fault;
	if (s->port != 0)
		return "must end after the domain: DNS says the port";
	if (host.at[0] == '_')
		return "must name the domain alone, without _submissions._tcp";
	if (account_is_ipv6(host) || inet_pton(AF_INET, s->host, address) == 1)
		return "must name a domain, and no address";
	return NULL;
}

/* What is meant by a URL without a scheme; NULL where it looks like none. */
static const char *
scheme_of_bare(struct text url)
{
	const size_t colon = text_find(url, ':');
	const struct text port = text_skip(url, colon);

	if (url.len > 0 && url.at[0] == '/')
		return "smtp+unix:";
	if (text_find(url, '/') < url.len ||
	    !account_is_host(text_first(url, colon)))
		return NULL;
	return port.len == 0 || text_equal(port, TEXT(":465")) ? "smtps://"
							       : "smtp://";
}

static int
no_scheme(struct text url, struct error *e)
{
	struct text rest = url;
	const char *meant = scheme_near(&rest);

	smarthost_fault(url,
	    "does not begin with smtps://, smtp:// or another scheme of a "
	    "smarthost",
	    e);
	if (meant == NULL)
		meant = scheme_of_bare(url);
	if (meant == NULL)
		return error_hint(e,
		    "write smtps://HOST for implicit TLS (port 465), "
		    "smtp://HOST for STARTTLS (port 587), smtp+plain://HOST "
		    "for no TLS (port 25), srv://DOMAIN for what DNS names, "
		    "lmtp://HOST, smtp+unix:PATH or lmtp+unix:PATH");
	while (rest.len > 0 && rest.at[0] == '/')
		rest = text_skip(rest, 1);
	return error_hint(e, "did you mean `%s%s%s'?", meant,
	    strchr(meant, '/') == NULL ? "/" : "", SHOWN(rest));
}

static int
holds_login(struct error *e)
{
	error_set(e, ERROR_CONFIG, "smarthost",
	    "the URL holds an `@'; a user and a password have no place in it");
	return error_hint(e, "write them with `user' and `password-file'");
}

int
smarthost_parse(struct text url, struct smarthost *s, struct error *e)
{
	const struct scheme *scheme = scheme_find(url);
	const char *fault = NULL;
	struct text rest;

	memset(s, 0, sizeof(*s));
	/* First of all, because such a value holds a password: not shown. */
	if ((scheme == NULL || scheme->place != SMARTHOST_SOCKET) &&
	    text_find(url, '@') < url.len)
		return holds_login(e);
	if (scheme == NULL)
		return no_scheme(url, e);
	s->security = scheme->security;
	s->place = scheme->place;
	s->lmtp = scheme->lmtp;
	s->port = scheme->port;
	rest = text_skip(url, strlen(scheme->prefix));
	switch (s->place) {
	case SMARTHOST_HOST:
		fault = place_host(rest, s);
		break;
	case SMARTHOST_SOCKET:
		fault = place_socket(rest, s);
		break;
	case SMARTHOST_DOMAIN:
		fault = place_domain(rest, s);
		break;
	}
	s->url = mem_string(url.at, url.len);
	if (fault == NULL)
		return 0;
	smarthost_fault(url, fault, e);
	if (s->place == SMARTHOST_HOST && rest.len > 1 && rest.at[0] == '/')
		error_hint(e, "a unix socket is written `%s+unix:%s'",
		    s->lmtp ? "lmtp" : "smtp", SHOWN(rest));
	smarthost_clear(s);
	return -1;
}

struct smarthost
smarthost_copy(const struct smarthost *s)
{
	struct smarthost copy = *s;

	copy.host = mem_copy(s->host);
	copy.srv.domain = mem_copy(s->srv.domain);
	copy.url = mem_copy(s->url);
	return copy;
}

struct smarthost_name
smarthost_name(const struct smarthost *s)
{
	bool six = strchr(s->host, ':') != NULL;
	struct smarthost_name name;

	switch (s->place) {
	case SMARTHOST_HOST:
		snprintf(name.words, sizeof(name.words), "%s%s%s:%d",
		    six ? "[" : "", s->host, six ? "]" : "", s->port);
		break;
	case SMARTHOST_SOCKET:
		text_visible(text_of(s->host), name.words, sizeof(name.words));
		break;
	case SMARTHOST_DOMAIN:
		snprintf(name.words, sizeof(name.words), "srv://%s", s->host);
		break;
	}
	return name;
}

char *
smarthost_url(const struct smarthost *s, enum smarthost_security security,
    char *out, size_t size)
{
	const char *prefix = "";
	size_t i;

	if (s->place != SMARTHOST_HOST || s->lmtp)
		return text_visible(text_of(s->url), out, size);
	for (i = sizeof(schemes) / sizeof(schemes[0]); i-- > 0;) {
		if (schemes[i].place == SMARTHOST_HOST && !schemes[i].lmtp &&
		    schemes[i].security == security)
			prefix = schemes[i].prefix;
	}
	snprintf(out, size, "%s%s", prefix, smarthost_name(s).words);
	return out;
}

void
smarthost_clear(struct smarthost *s)
{
	free(s->host);
	free(s->srv.domain);
	free(s->url);
	memset(s, 0, sizeof(*s));
}

static int
lacks(const struct account *a, const char *fault, const char *line,
    struct error *e)
{
	error_set(e, ERROR_CONFIG, "configuration", "account `%s' %s",
	    SHOWN(text_of(a->name)), fault);
	return error_hint(e, "write a line like: %s", line);
}

static const struct {
	const char *first;
	const char *last;
} quotes[] = {{"\"", "\""}, {"'", "'"}, {"`", "`"},
    /* U+201C and U+201D, U+2018 and U+2019: they come with what is pasted. */
    {"\342\200\234", "\342\200\235"}, {"\342\200\230", "\342\200\231"}};

/* U+00A0 the same. */
static const char *const blanks[] = {" ", "\t", "\302\240"};

static bool
begins(struct text t, const char *with)
{
	return text_starts_fold(t, text_of(with));
}

static bool
ends(struct text t, const char *with)
{
	size_t len = strlen(with);

	return t.len >= len && begins(text_skip(t, t.len - len), with);
}

static bool
has_blank_end(struct text t)
{
	size_t i;

	for (i = 0; i < sizeof(blanks) / sizeof(blanks[0]); i++)
		if (begins(t, blanks[i]) || ends(t, blanks[i]))
			return true;
	return false;
}

static bool
is_quoted(struct text t)
{
	size_t i;

	for (i = 0; i < sizeof(quotes) / sizeof(quotes[0]); i++)
		if (t.len > strlen(quotes[i].first) &&
		    begins(t, quotes[i].first) && ends(t, quotes[i].last))
			return true;
	return false;
}

static bool
has_comment(struct text t)
{
	struct text rest;
	size_t at;

	if (begins(t, "# "))
		return true;
	for (rest = t; rest.len > 0; rest = text_skip(rest, at + 1)) {
		at = text_find(rest, '#');
		if (at > 0 && at < rest.len && text_is_blank(rest.at[at - 1]))
			return true;
	}
	return false;
}

/* A line that begins with `password =' or the like. */
static bool
has_sign(struct text t)
{
	return t.len > 1 && (begins(t, "=") || begins(t, ": "));
}

/* As Google and others show an application password: abcd efgh ijkl mnop. */
static bool
is_grouped(struct text t)
{
	size_t i;

	for (i = 0; i < t.len; i++)
		if (i % 5 == 4
			? t.at[i] != ' '
			: !text_is_alpha(t.at[i]) && !text_is_digit(t.at[i]))
			return false;
	return t.len == 19;
}

const char *
account_odd(struct text value)
{
	if (begins(value, "\357\273\277"))
		return "the byte order mark in front of it is part of it";
	if (has_sign(value))
		return "the sign in front of it is part of it";
	if (has_blank_end(value))
		return "the blanks at its ends are part of it";
	if (is_quoted(value))
		return "the quotes around it are part of it";
	if (has_comment(value))
		return "` #' begins no comment, it is part of it";
	if (is_grouped(value))
		return "the blanks in it are part of it, and an application "
		       "password is written as one word";
	return NULL;
}

static bool
names_any(const struct account_auth *auth, bool (*is_so)(enum mechanism))
{
	size_t i;

	for (i = 0; i < auth->count; i++)
		if (is_so(auth->mechanisms[i]))
			return true;
	return false;
}

static bool
takes_secret(enum mechanism mechanism)
{
	return !mechanism_takes_nothing(mechanism);
}

bool
account_wants_login(const struct account *a)
{
	return a->auth.choice != AUTH_OFF &&
	       (a->user != NULL ||
		   names_any(&a->auth, mechanism_takes_nothing));
}

/* Where EXTERNAL will do nobody is asked for a password. */
bool
account_wants_secret(const struct account *a)
{
	if (a->user == NULL || a->auth.choice == AUTH_OFF)
		return false;
	if (a->secret.source == SECRET_NONE)
		return a->auth.choice == AUTH_LIST
			   ? !names_any(&a->auth, mechanism_takes_nothing)
			   : a->tls_certificate == NULL;
	return a->auth.choice != AUTH_LIST || names_any(&a->auth, takes_secret);
}

bool
account_has_token(const struct account *a)
{
	return names_any(&a->auth, mechanism_takes_token);
}

/* Whether `password-command' runs sendling-token, from wherever. */
static bool
prints_token(const struct account *a)
{
	struct text rest, program;

	if (a->secret.source != SECRET_COMMAND)
		return false;
	rest = text_of(a->secret.text);
	if (!text_next(&rest, " ", &program))
		return false;
	while (text_find(program, '/') < program.len)
		program = text_skip(program, text_find(program, '/') + 1);
	return text_equal(program, TEXT("sendling-token"));
}

static int
check_smarthosts(const struct account *a, struct error *e)
{
	if (a->smarthosts.count > 0)
		return 0;
	return lacks(
	    a, "has no `smarthost'", "smarthost smtps://mail.example.org", e);
}

static int
check_source(const struct account *a, struct error *e)
{
	if (a->source_address == NULL || a->family == FAMILY_UNSET ||
	    a->family == FAMILY_ANY ||
	    a->family == account_family_of(text_of(a->source_address)))
		return 0;
	error_set(e, ERROR_CONFIG, "configuration",
	    "account `%s' has `source-address %s', which is not of its `family'",
	    SHOWN(text_of(a->name)), a->source_address);
	return error_hint(e, "leave out `family': the address picks it");
}

static int
check_password(const struct account *a, struct error *e)
{
	if (a->user != NULL || a->secret.source == SECRET_NONE)
		return 0;
	return lacks(
	    a, "has a password, but no `user'", "user alice@example.org", e);
}

static int
check_token(const struct account *a, struct error *e)
{
	if (!prints_token(a) || a->auth.choice == AUTH_OFF ||
	    account_has_token(a))
		return 0;
	return lacks(a,
	    "has an OAuth token from `password-command', and no mechanism in "
	    "`auth' that takes one",
	    "auth XOAUTH2", e);
}

static int
check_auth(const struct account *a, struct error *e)
{
	if (a->user != NULL || a->auth.choice != AUTH_LIST ||
	    account_wants_login(a))
		return 0;
	return lacks(a, "has mechanisms in `auth', but no `user'",
	    "user alice@example.org, or: auth off", e);
}

static int
check_key(const struct account *a, struct error *e)
{
	if (a->tls_key == NULL || a->tls_certificate != NULL)
		return 0;
	return lacks(a, "has `tls-key', but no `tls-certificate'",
	    "tls-certificate /FILE", e);
}

static int
check_verify(const struct account *a, struct error *e)
{
	if (a->tls_verify != SWITCH_NO ||
	    (a->tls_pins.count == 0 && a->tls_crl == NULL))
		return 0;
	return lacks(a,
	    "has `tls-verify no', which checks neither `tls-pin' nor "
	    "`tls-crl'",
	    "tls-verify yes, or leave those out", e);
}

static const struct {
	const char *keyword;
	int (*check)(const struct account *a, struct error *e);
} checks[] = {{"smarthost", check_smarthosts}, {"source-address", check_source},
    {"password", check_password}, {"password", check_token},
    {"auth", check_auth}, {"tls-key", check_key}, {"tls-verify", check_verify}};

int
account_check_next(const struct account *a, size_t *next, const char **keyword,
    struct error *e)
{
	if (*next == sizeof(checks) / sizeof(checks[0]))
		return 1;
	*keyword = checks[*next].keyword;
	return checks[(*next)++].check(a, e);
}

int
account_check(const struct account *a, struct error *e)
{
	const char *keyword;
	size_t next = 0;
	int result;

	do
		result = account_check_next(a, &next, &keyword, e);
	while (result == 0);
	return result == -1 ? -1 : 0;
}

static bool
matches_any(const struct pattern_list *match, const char *path)
{
	size_t i;

	for (i = 0; i < match->count; i++)
		if (fnmatch(match->at[i], path, FNM_CASEFOLD) == 0)
			return true;
	return false;
}

/* As people write it: a local-part without its quotes. */
static bool
matches_unquoted(const struct pattern_list *match, struct text path)
{
	struct text local = text_first(path, text_find_last(path, '@'));
	struct buf plain;
	bool matches;

	if (!token_is_quoted(local))
		return false;
	buf_init(&plain, SIZE_MAX / 4);
	token_add_meant(local, &plain);
	buf_add_text(&plain, text_skip(path, local.len));
	matches = matches_any(match, buf_string(&plain));
	buf_clear(&plain);
	return matches;
}

bool
account_matches(const struct account *a, const char *reverse_path)
{
	if (reverse_path == NULL)
		return false;
	if (matches_any(&a->match, reverse_path) ||
	    matches_unquoted(&a->match, text_of(reverse_path)))
		return true;
	/* %U and the like are expanded only after the choice. */
	if (a->from == NULL || strchr(a->from, '%') != NULL)
		return false;
	return text_equal_fold(text_of(a->from), text_of(reverse_path));
}
