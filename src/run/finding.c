#include "run/finding.h"

#include <stdlib.h>
#include <string.h>

#define DAY 86400

void
finding_clear(struct finding *f)
{
	free(f->addresses);
	free(f->turns);
	memset(f, 0, sizeof(*f));
}

/*
 * Values that both forms show.
 */

/* "smtps://mail.example.org:465". */
struct url {
	char words[300];
};

static struct url
url_of(const struct smarthost *s)
{
	struct url url = {""};

	smarthost_url(s, s->security, url.words, sizeof(url.words));
	return url;
}

/* Whole days that are left; negative where it is over. */
static long long
days_left(const struct finding *f)
{
	long long left = (long long)f->certificate.until - f->now;

	return left >= 0 ? left / DAY : -((-left + DAY - 1) / DAY);
}

static bool
has_certificate(const struct finding *f)
{
	return f->secured && f->certificate.sha256[0] != '\0';
}

/* Next of a list of "a, b". */
static bool
next_name(struct text *rest, struct text *name)
{
	if (!text_next(rest, ",", name))
		return false;
	*name = text_trim(*name);
	return true;
}

/* "greeting", of "the greeting". */
static const char *
step_of(const struct finding_turn *turn)
{
	return strncmp(turn->step, "the ", 4) == 0 ? turn->step + 4
						   : turn->step;
}

/*
 * For people.
 */

static void
add_ms(struct buf *out, long long us)
{
	buf_format(out, "%lld.%lld ms", us / 1000, us % 1000 / 100);
}

static void
format_smarthost(const struct finding *f, struct buf *out)
{
	const struct smarthost *s = f->smarthost;

	buf_format(out, "smarthost: %s", url_of(s).words);
	if (s->srv.domain != NULL)
		buf_format(out, " (srv://%s, priority %u, weight %u)",
		    s->srv.domain, s->srv.priority, s->srv.weight);
	buf_add_char(out, '\n');
}

static void
format_address(
    const struct finding *f, const struct finding_address *a, struct buf *out)
{
	buf_format(out, "address: %s", a->words);
	if (f->smarthost->port != 0)
		buf_format(out, " port %u", f->smarthost->port);
	if (a->why[0] != '\0') {
		buf_format(out, ", %s\n", a->why);
		return;
	}
	buf_add_string(out, ", connected in ");
	add_ms(out, a->us);
	buf_add_char(out, '\n');
}

static void
format_names(const struct certificate *x, struct buf *out)
{
	struct text rest = text_of(x->names), name;

	buf_add_string(out, "names:");
	while (next_name(&rest, &name))
		buf_format(out, " %.*s", TEXT_ARG(name));
	if (x->more > 0)
		buf_format(out, " and %u more\n", x->more);
	else
		buf_add_string(out, x->names[0] == '\0' ? " none\n" : "\n");
}

static void
format_tls(const struct finding *f, struct buf *out)
{
	const struct certificate *x = &f->certificate;
	const long long left = days_left(f);

	if (f->secured)
		buf_format(out, "tls: %s %s %s%s\n", f->terms.version,
		    f->terms.group, f->terms.cipher,
		    f->terms.unverified ? " unverified" : "");
	if (!has_certificate(f))
		return;
	format_names(x, out);
	buf_format(out, "issuer: %s\n", x->issuer);
	buf_format(out, "expires: %s, ", certificate_day(x->until).words);
	if (left >= 0)
		buf_format(out, "%lld days left\n", left);
	else
		buf_format(out, "expired %lld days ago\n", -left);
	buf_format(out, "pin: tls-pin %s\n", x->pin);
}

static void
format_offer(const struct finding *f, struct buf *out)
{
	const struct ehlo *ehlo = &f->ehlo;
	struct text rest = text_of(ehlo->lines), line;
	const char *before = " ";

	if (!f->greeted)
		return;
	buf_add_string(out, "extensions:");
	if (ehlo->hidden)
		rest = TEXT("[the server repeats the secret]");
	else if (rest.len == 0)
		rest = TEXT("none");
	for (; text_next_line(&rest, &line); before = ", ")
		buf_format(out, "%s%.*s", before, TEXT_ARG(line));
	if (ehlo->more > 0 && !ehlo->hidden)
		buf_format(out, "%sand %u more", before, ehlo->more);
	buf_add_char(out, '\n');
	if (ehlo->size_max > 0 && !ehlo->hidden)
		buf_format(out, "size: %llu\n", ehlo->size_max);
	buf_format(out, "mechanisms: %s\n",
	    ehlo->mechanisms[0] == '\0' ? "none" : ehlo->mechanisms);
}

static void
format_login(const struct finding *f, struct buf *out)
{
	switch (f->login) {
	case FINDING_UNTRIED:
		buf_format(out, "login: not tried, %s\n", f->login_why);
		break;
	case FINDING_ACCEPTED:
		buf_format(out, "login: accepted by %s\n", f->mechanism);
		break;
	case FINDING_REFUSED:
		buf_format(out, "login: refused: %s\n", f->login_why);
		break;
	case FINDING_BROKEN_OFF:
		buf_format(out, "login: broken off, %s\n", f->login_why);
		break;
	}
}

static void
format_error(const struct error *e, struct buf *out)
{
	if (e->kind == ERROR_NONE)
		return;
	buf_format(out, "error: %s\n", error_line(e).words);
	if (e->why[0] != '\0')
		buf_format(out, "server: %s\n", e->why);
	if (e->hint[0] != '\0')
		buf_format(out, "hint: %s\n", e->hint);
}

void
finding_format(const struct finding *f, struct buf *out)
{
	size_t i;

	format_smarthost(f, out);
	for (i = 0; i < f->address_count; i++)
		format_address(f, &f->addresses[i], out);
	format_tls(f, out);
	for (i = 0; i < f->turn_count; i++) {
		buf_format(out, "turn: %s ", step_of(&f->turns[i]));
		add_ms(out, f->turns[i].us);
		buf_add_char(out, '\n');
	}
	format_offer(f, out);
	format_login(f, out);
	format_error(&f->error, out);
}

/*
 * For programs.
 */

static const char *
or_null(const char *words)
{
	return words == NULL || words[0] == '\0' ? NULL : words;
}

/* A part of a text as a string. */
static void
json_add_text(struct json *j, struct text t)
{
	char words[200];

	text_visible(t, words, sizeof(words));
	json_add_string(j, NULL, words);
}

static void
json_add_srv(const struct smarthost *s, struct json *j)
{
	if (s->srv.domain == NULL) {
		json_add_null(j, "srv");
		return;
	}
	json_add_object(j, "srv");
	json_add_string(j, "domain", s->srv.domain);
	json_add_number(j, "priority", s->srv.priority);
	json_add_number(j, "weight", s->srv.weight);
	json_end_object(j);
}

static void
json_add_addresses(const struct finding *f, struct json *j)
{
	const struct finding_address *a;

	json_add_array(j, "addresses");
	for (a = f->addresses; a < f->addresses + f->address_count; a++) {
		json_add_object(j, NULL);
		json_add_string(j, "address", a->words);
		json_add_number(j, "port", f->smarthost->port);
		json_add_thousandths(j, "ms", a->us);
		json_add_string(j, "error", or_null(a->why));
		json_end_object(j);
	}
	json_end_array(j);
}

static void
json_add_certificate(const struct finding *f, struct json *j)
{
	const struct certificate *x = &f->certificate;
	struct text rest = text_of(x->names), name;

	json_add_array(j, "names");
	while (next_name(&rest, &name))
		json_add_text(j, name);
	json_end_array(j);
	json_add_number(j, "names_more", x->more);
	json_add_string(j, "issuer", or_null(x->issuer));
	if (has_certificate(f)) {
		json_add_string(
		    j, "not_after", certificate_day(x->until).words);
		json_add_number(j, "days_left", days_left(f));
	} else {
		json_add_null(j, "not_after");
		json_add_null(j, "days_left");
	}
	json_add_string(j, "pin", or_null(x->pin));
}

static void
json_add_tls(const struct finding *f, struct json *j)
{
	if (!f->secured) {
		json_add_null(j, "tls");
		return;
	}
	json_add_object(j, "tls");
	json_add_string(j, "version", f->terms.version);
	json_add_string(j, "cipher", f->terms.cipher);
	json_add_string(j, "group", f->terms.group);
	json_add_certificate(f, j);
	json_end_object(j);
}

static void
json_add_turns(const struct finding *f, struct json *j)
{
	const struct finding_turn *t;

	json_add_array(j, "turns");
	for (t = f->turns; t < f->turns + f->turn_count; t++) {
		json_add_object(j, NULL);
		json_add_string(j, "step", step_of(t));
		json_add_thousandths(j, "ms", t->us);
		json_end_object(j);
	}
	json_end_array(j);
}

static void
json_add_offer(const struct ehlo *ehlo, struct json *j)
{
	struct text rest = text_of(ehlo->hidden ? "" : ehlo->lines), word;

	json_add_array(j, "extensions");
	while (text_next_line(&rest, &word))
		json_add_text(j, word);
	json_end_array(j);
	json_add_number(j, "extensions_more", ehlo->hidden ? 0 : ehlo->more);
	if (ehlo->size_max > 0 && !ehlo->hidden)
		json_add_number(j, "size", (long long)ehlo->size_max);
	else
		json_add_null(j, "size");
	rest = text_of(ehlo->mechanisms);
	json_add_array(j, "mechanisms");
	while (text_next(&rest, " ", &word))
		json_add_text(j, word);
	json_end_array(j);
}

void
finding_add_json(const struct finding *f, struct json *j)
{
	static const char *const logins[] = {[FINDING_UNTRIED] = "not tried",
	    [FINDING_ACCEPTED] = "accepted",
	    [FINDING_REFUSED] = "refused",
	    [FINDING_BROKEN_OFF] = "broken off"};

	json_add_object(j, NULL);
	json_add_string(j, "smarthost", url_of(f->smarthost).words);
	json_add_srv(f->smarthost, j);
	json_add_addresses(f, j);
	json_add_tls(f, j);
	json_add_turns(f, j);
	json_add_offer(&f->ehlo, j);
	json_add_string(j, "mechanism", f->mechanism);
	json_add_string(j, "login", logins[f->login]);
	json_add_string(j, "login_why", or_null(f->login_why));
	json_add_error(j, "error", &f->error);
	json_end_object(j);
}
