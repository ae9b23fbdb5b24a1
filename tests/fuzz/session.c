#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "message/message.h"
#include "smtp/session.h"

#define LAST_WORDS "Good bye.\r\n"

struct play {
	struct session *session;
	struct mail mail, *next;
	bool secured, taken;
	struct buf sent;  /* from the last MAIL on, */
	size_t good, bad; /* and the replies since */
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool holds)
{
	if (!holds)
		abort();
}

static const char *
find(const struct buf *b, size_t from, const char *words)
{
	struct text t = text_skip(buf_text(b), from);

	return t.len == 0 ? NULL : memmem(t.at, t.len, words, strlen(words));
}

static bool
has_sent_all(const struct play *p)
{
	return find(&p->sent, 0, LAST_WORDS ".") != NULL ||
	       (find(&p->sent, 0, " LAST\r\n") != NULL &&
		   find(&p->sent, 0, LAST_WORDS) != NULL);
}

static void
give(struct play *p)
{
	const struct sasl_channel channel = {.tls = true, .verified = true};

	if (session_want(p->session) == SESSION_TLS) {
		p->secured = true;
		session_secured(p->session, &channel);
	} else if (session_want(p->session) == SESSION_MAIL) {
		if (p->next == NULL)
			session_quit(p->session);
		else
			session_mail(p->session, p->next);
		p->next = NULL;
	}
}

/* All that the client has to say, but not more than so many octets. */
static void
hear(struct play *p, size_t most)
{
	const char *at, *mail;
	size_t len;

	for (; most > 0; most -= len) {
		give(p);
		if (session_want(p->session) == SESSION_OVER)
			return;
		len = session_output(p->session, &at);
		if (session_want(p->session) == SESSION_HEAR) {
			session_heard(p->session);
			len = 0;
			continue;
		}
		if (len == 0)
			return;
		len = len < most ? len : most;
		buf_add(&p->sent, at, len);
		session_sent(p->session, len);
		check(p->secured || find(&p->sent, 0, "MAIL FROM") == NULL);
		while ((mail = find(&p->sent, 1, "MAIL FROM")) != NULL) {
			buf_drop(&p->sent, (size_t)(mail - p->sent.at));
			p->good = p->bad = 0;
		}
	}
}

static void
say(struct play *p, struct text line)
{
	if (session_want(p->session) != SESSION_OVER && line.len > 4 &&
	    line.at[line.len - 1] == '\n' && line.at[3] != '-') {
		p->good += line.at[0] == '2';
		p->bad += line.at[0] == '4' || line.at[0] == '5';
		p->taken |= line.at[0] == '2' && p->good > 2 && has_sent_all(p);
	}
	session_input(p->session, line.at, line.len / 2);
	session_input(
	    p->session, line.at + line.len / 2, line.len - line.len / 2);
}

/* Where a line begins with a control byte the client does not say all that it
 * would before it, and with 1 it hears no more. */
static void
play(struct play *p, struct text input)
{
	const struct error gone = {.kind = ERROR_LATER, .text = "gone"};
	struct text line;
	bool control;

	for (; input.len > 0; input = text_skip(input, line.len)) {
		line = text_first(input, text_find(input, '\n') + 1);
		control = line.at[0] > 0 && line.at[0] < '\n';
		hear(p, control ? 1U << 2 * (line.at[0] - 1) : SIZE_MAX);
		if (line.at[0] == 1)
			session_closed(p->session, &gone);
		say(p, text_skip(line, control));
	}
	hear(p, SIZE_MAX);
	session_closed(p->session, &gone);
}

static void
check_mail(const struct play *p, const struct envelope *env)
{
	const struct error *e = &p->mail.error;
	size_t delivered = envelope_count(env, VERDICT_DELIVERED);
	size_t doubtful = envelope_count(env, VERDICT_DOUBTFUL);
	bool all = delivered == env->count;

	check(p->mail.settled);
	check(p->mail.all_or_none || envelope_count(env, VERDICT_OPEN) == 0);
	check(envelope_count(env, VERDICT_ACCEPTED) == 0);
	check((e->kind == ERROR_NONE) == all);
	check(delivered == 0 || p->taken);
	check(delivered == 0 || all || !p->mail.all_or_none);
	check(delivered == 0 || error_status(e->kind) != 75);
	check(doubtful == 0 || has_sent_all(p));
	check(e->kind != ERROR_DOUBTFUL || doubtful > 0);
	check(delivered + doubtful > 0 || !has_sent_all(p) || p->bad > 0);
}

/* QUIT alone, or what of it has not gone out yet. */
static void
check_rest(struct session *s)
{
	static const char quit[] = "QUIT\r\n";
	const char *at;
	size_t len;

	check(session_want(s) == SESSION_OVER);
	len = session_output(s, &at);
	check(len < sizeof(quit));
	check(len == 0 || memcmp(at, quit + sizeof(quit) - 1 - len, len) == 0);
}

static void
fill(struct envelope *env, struct message *m, bool large)
{
	static const char line[] = "................................\r\n";
	char to[] = "0@example.org";
	struct error e;
	size_t i;

	error_clear(&e);
	envelope_init(env);
	envelope_set_reverse_path(env, TEXT("alice@example.com"), &e);
	for (; to[0] < '3'; to[0]++)
		envelope_add(env, text_of(to), &e);
	message_input(m, "\r\n", 2, &e);
	for (i = 0; large && i < 8000; i++)
		message_input(m, line, strlen(line), &e);
	message_input(m, LAST_WORDS, strlen(LAST_WORDS), &e);
	check(message_end(m, &e) == 0);
}

/* What the server says; the last byte says to what client. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned how = size > 0 ? data[size - 1] : 0U;
	struct account account = {.auth.choice = how & 1 ? AUTH_AUTO : AUTH_OFF,
	    .chunking = how & 16 ? SWITCH_NO : SWITCH_YES};
	struct smarthost smarthost = {
	    .security = how & 2 ? SMARTHOST_STARTTLS : SMARTHOST_PLAIN,
	    .lmtp = (how & 32) != 0,
	    .host = "mx",
	    .port = 587,
	    .url = "mx"};
	struct session_plan plan = {.account = &account,
	    .smarthost = &smarthost,
	    .user = "alice",
	    .helo = "client",
	    .password = TEXT("secret"),
	    .nonce = "nonce"};
	struct envelope env;
	struct play p = {.secured = !(how & 2), .next = &p.mail};

	p.mail = (struct mail){.envelope = &env,
	    .message = message_new(NULL),
	    .all_or_none = how & 4,
	    .last = !(how & 8)};
	fill(&env, p.mail.message, (how & 0x60) == 0x60);
	buf_init(&p.sent, SIZE_MAX / 4);
	p.session = session_new(&plan);
	play(&p, (struct text){(const char *)data, size});
	check_rest(p.session);
	if (p.next == NULL)
		check_mail(&p, &env);
	session_free(p.session);
	message_free(p.mail.message);
	envelope_clear(&env);
	buf_clear(&p.sent);
	return 0;
}
