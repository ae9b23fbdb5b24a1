#include "config/form.h"

#include <arpa/inet.h>
#include <string.h>

#include "submit/account.h"

bool
form_is_quoted(struct text t)
{
	return t.len >= 2 && (t.at[0] == '"' || t.at[0] == '\'') &&
	       t.at[t.len - 1] == t.at[0];
}

int
form_refuse(
    struct text t, const char *expected, const char *hint, struct error *e)
{
	error_set(e, ERROR_CONFIG, NULL, "`%s' is not %s", SHOWN(t), expected);
	return hint == NULL ? -1 : error_hint(e, "%s", hint);
}

int
form_expand(struct text t, struct buf *out, struct error *e)
{
	size_t i;
	char next;

	for (i = 0; i < t.len; i++) {
		next = i + 1 < t.len ? t.at[i + 1] : '\0';
		if (t.at[i] != '%') {
			buf_add_char(out, t.at[i]);
			continue;
		}
		if (next == '\0' || strchr("UHD%", next) == NULL)
			return form_refuse(t, "right behind its `%' sign",
			    "%U is the user, %H the host, %D the domain, %% a "
			    "per cent sign",
			    e);
		buf_add_char(out, next == '%' ? '%' : 'x');
		i++;
	}
	if (out->full)
		return error_set(e, ERROR_CONFIG, NULL,
		    "the value is longer than %zu octets", out->max);
	return 0;
}

bool
form_has_pin(struct text line)
{
	return memmem(line.at, line.len, "pin-value=", 10) != NULL;
}

bool
form_is_domain(struct text t)
{
	return account_is_host(account_without_dot(t));
}

bool
form_is_ascii(struct text t)
{
	return !text_has_8bit(t);
}

bool
form_is_address(struct text t)
{
	return account_family_of(t) != FAMILY_UNSET;
}

/* Whether each `%' stands before one of the letters. */
static bool
has_escapes(struct text t, const char *letters)
{
	size_t i;

	for (i = 0; i < t.len; i++)
		if (t.at[i] == '%' &&
		    (++i == t.len || strchr(letters, t.at[i]) == NULL))
			return false;
	return true;
}

bool
form_is_command(struct text t)
{
	return text_is_utf8(t) && has_escapes(t, "hp%");
}

bool
form_is_folder(struct text t)
{
	return has_escapes(t, "U%");
}

bool
form_is_host_or_ipv6(struct text t)
{
	return form_is_domain(t) || account_is_ipv6(t);
}

bool
form_is_helo(struct text t)
{
	struct text inside = text_skip(text_first(t, t.len - 1), 1);
	struct text tag = TEXT("IPv6:");
	unsigned char address[4];

	if (t.at[0] != '[' || t.at[t.len - 1] != ']')
		return form_is_domain(t);
	if (text_starts_fold(inside, tag))
		return account_is_ipv6(text_skip(inside, tag.len));
	return inet_pton(AF_INET, SHOWN(inside), address) == 1;
}

bool
form_is_fingerprint(struct text t)
{
	size_t i, digits = 0;

	if (text_starts_fold(t, TEXT("sha")) && text_find(t, ':') < t.len)
		t = text_skip(t, text_find(t, ':') + 1);
	for (i = 0; i < t.len; i++) {
		if (t.at[i] == ':')
			continue;
		if (!text_is_digit(t.at[i]) &&
		    (text_lower(t.at[i]) < 'a' || text_lower(t.at[i]) > 'f'))
			return false;
		digits++;
	}
	return digits == 32 || digits == 40 || digits == 64;
}
