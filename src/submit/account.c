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
	enum smarthost_security security;
	unsigned short port;
} schemes[] = {
    {"smtps://", SMARTHOST_TLS, 465},
    {"smtp://", SMARTHOST_STARTTLS, 587},
    {"smtp+plain://", SMARTHOST_PLAIN, 25},
};

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

int
smarthost_parse(struct text url, struct smarthost *s, struct error *e)
{
	const struct scheme *scheme = scheme_find(url);
	struct text rest, host;
	const char *fault;

	memset(s, 0, sizeof(*s));
	/* First of all, because such a value holds a password: not shown. */
	if (text_find(url, '@') < url.len) {
		error_set(e, ERROR_CONFIG, "smarthost",
		    "the URL holds an `@'; a user and a password have no "
		    "place in it");
		return error_hint(
		    e, "write them with `user' and `password-file'");
	}
	if (scheme == NULL) {
		smarthost_fault(url,
		    "does not begin with smtps://, smtp:// or smtp+plain://",
		    e);
		return error_hint(e,
		    "write smtps://HOST for implicit TLS (port 465), "
		    "smtp://HOST for STARTTLS (port 587), or smtp+plain://HOST "
		    "for no TLS (port 25)");
	}
	s->security = scheme->security;
	s->port = scheme->port;
	rest = text_skip(url, strlen(scheme->prefix));
	if (rest.len > 0 && rest.at[rest.len - 1] == '/')
		rest.len--;
	fault = host_next(&rest, &host);
	if (fault == NULL)
		fault = port_parse(rest, &s->port);
	if (fault != NULL)
		return smarthost_fault(url, fault, e);
	s->host = mem_string(host.at, host.len);
	s->url = mem_string(url.at, url.len);
	return 0;
}

struct smarthost_name
smarthost_name(const struct smarthost *s)
{
	bool six = strchr(s->host, ':') != NULL;
	struct smarthost_name name;

	snprintf(name.words, sizeof(name.words), "%s%s%s:%d", six ? "[" : "",
	    s->host, six ? "]" : "", s->port);
	return name;
}

char *
smarthost_url(const struct smarthost *s, enum smarthost_security security,
    char *out, size_t size)
{
	const char *prefix = "";
	size_t i;

	for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		if (schemes[i].security == security)
			prefix = schemes[i].prefix;
	}
	snprintf(out, size, "%s%s", prefix, smarthost_name(s).words);
	return out;
}

void
smarthost_clear(struct smarthost *s)
{
	free(s->host);
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
	return NULL;
}

int
account_check(const struct account *a, struct error *e)
{
	if (a->smarthosts.count == 0)
		return lacks(a, "has no `smarthost'",
		    "smarthost smtps://mail.example.org", e);
	if (a->user == NULL && a->secret.source != SECRET_NONE)
		return lacks(a, "has a password, but no `user'",
		    "user alice@example.org", e);
	if (a->user == NULL && a->auth.choice == AUTH_LIST)
		return lacks(a, "has mechanisms in `auth', but no `user'",
		    "user alice@example.org, or: auth off", e);
	return 0;
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
	struct text inside = token_inside(local);
	struct buf plain;
	bool matches;
	char c;

	if (!token_is_quoted(local))
		return false;
	buf_init(&plain, SIZE_MAX / 4);
	while (token_unquote(&inside, &c, NULL))
		buf_add_char(&plain, c);
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
