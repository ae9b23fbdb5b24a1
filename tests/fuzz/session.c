#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "session.h"

#define LAST_WORDS "Good bye.\r\n"
#define RECIPIENTS 3

struct play {
	struct session *session;
	struct session_mail mail, *next;
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

static bool
has_sent(const struct play *p, const char *words)
{
	return memmem(buf_text(&p->sent).at, p->sent.len, words,
		   strlen(words)) != NULL;
}

static bool
has_sent_all(const struct play *p)
{
	return has_sent(p, LAST_WORDS ".\r\n") ||
	       (has_sent(p, " LAST\r\n") && has_sent(p, LAST_WORDS));
}

/* Does what it wants but for a reply; returns how much it has to say. */
static size_t
give(struct play *p, const char **at)
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
	if (session_want(p->session) == SESSION_OVER)
		return 0;
	check(session_timeout(p->session) > 0);
	return session_output(p->session, at);
}

/* All that the client has to say, but not more than so many octets. */
static void
hear(struct play *p, size_t most)
{
	const char *at, *mail;
	size_t len;

	for (; most > 0 && (len = give(p, &at)) > 0; most -= len) {
		len = len < most ? len : most;
		buf_add(&p->sent, at, len);
		session_sent(p->session, len);
		check(p->secured || !has_sent(p, "MAIL FROM"));
		while ((mail = memmem(p->sent.at + 1, p->sent.len - 1,
			    "MAIL FROM", 9)) != NULL) {
			buf_drop(&p->sent, (size_t)(mail - p->sent.at));
			p->good = p->bad = 0;
		}
	}
}

/* A whole line, or the last that has no end. */
static void
say(struct play *p, struct text line)
{
	bool counts = session_want(p->session) != SESSION_OVER &&
		      line.len > 4 && line.at[line.len - 1] == '\n' &&
		      line.at[3] != '-';

	p->good += counts && line.at[0] == '2';
	p->bad += counts && (line.at[0] == '4' || line.at[0] == '5');
	p->taken |=
	    counts && line.at[0] == '2' && p->good > 2 && has_sent_all(p);
	session_input(p->session, line.at, line.len / 2);
	session_input(
	    p->session, line.at + line.len / 2, line.len - line.len / 2);
}

/* A line breaks off where it begins with 1; before one that begins with
 * another control byte the client cannot say all it would. */
static void
play(struct play *p, struct text input)
{
	const struct error gone = {.kind = ERROR_LATER, .text = "gone"};
	struct text line;
	char c;

	for (; input.len > 0; input = text_skip(input, line.len)) {
		line = text_first(input, text_find(input, '\n') + 1);
		c = line.at[0];
		hear(p, c > 0 && c < '\n' ? 1U << 2 * (c - 1) : SIZE_MAX);
		if (c == 1)
			session_closed(p->session, &gone);
		say(p, text_skip(line, c > 0 && c < '\n'));
	}
	hear(p, SIZE_MAX);
	session_closed(p->session, &gone);
}

static void
check_mail(const struct play *p)
{
	const struct session_mail *mail = &p->mail;
	const struct envelope *env = mail->envelope;
	size_t delivered = envelope_count(env, VERDICT_DELIVERED);
	size_t doubtful = envelope_count(env, VERDICT_DOUBTFUL);
	bool all = delivered == RECIPIENTS;

	check(mail->settled);
	check(envelope_count(env, VERDICT_OPEN) == 0);
	check(envelope_count(env, VERDICT_ACCEPTED) == 0);
	check((mail->error.kind == ERROR_NONE) == all);
	check(delivered == 0 || p->taken);
	check(delivered == 0 || all || !mail->all_or_none);
	check(delivered == 0 || error_status(mail->error.kind) != 75);
	check(doubtful == 0 || has_sent_all(p));
	check(mail->error.kind != ERROR_DOUBTFUL || doubtful > 0);
	check(delivered + doubtful > 0 || !has_sent_all(p) || p->bad > 0);
}

static void
add_message(struct message *m, bool large)
{
	static const char head[] = "From: alice@example.com\r\n\r\n";
	static char fill[300 * 1000];
	struct error e;

	error_clear(&e);
	memset(fill, '\n', sizeof(fill));
	message_input(m, head, strlen(head), &e);
	message_input(m, fill, large ? sizeof(fill) / 2 : 0, &e);
	message_input(m, LAST_WORDS, strlen(LAST_WORDS), &e);
	check(message_end(m, &e) == 0);
}

/* What the server says; the last byte says to whom. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned how = size > 0 ? data[size - 1] : 0U;
	struct account account = {.auth = how & 1 ? AUTH_AUTO : AUTH_OFF};
	struct smarthost smarthost = {
	    how & 2 ? SMARTHOST_STARTTLS : SMARTHOST_PLAIN, "mx", 587, "mx"};
	struct session_plan plan = {.account = &account,
	    .smarthost = &smarthost,
	    .user = "alice",
	    .helo = "client",
	    .password = TEXT("secret"),
	    .nonce = "nonce"};
	struct envelope env;
	struct play p = {.secured = !(how & 2)};
	struct error e;
	const char *at;
	char to[] = "0@example.org";
	size_t len;

	error_clear(&e);
	envelope_init(&env);
	check(envelope_set_reverse_path(&env, TEXT("a@b"), &e) == 0);
	for (; to[0] < '0' + RECIPIENTS; to[0]++)
		check(envelope_add(&env, text_of(to), &e) == 1);
	p.mail = (struct session_mail){.envelope = &env,
	    .message = message_new(NULL),
	    .all_or_none = how & 4,
	    .last = !(how & 8)};
	add_message(p.mail.message, how & 16);
	account.chunking = how & 32 ? SWITCH_NO : SWITCH_YES;
	p.next = &p.mail;
	buf_init(&p.sent, SIZE_MAX / 4);
	p.session = session_new(&plan);
	play(&p, (struct text){(const char *)data, size});
	check(session_want(p.session) == SESSION_OVER);
	len = session_output(p.session, &at);
	check(len <= 6 && memcmp(at, &"QUIT\r\n"[6 - len], len) == 0);
	if (p.next == NULL)
		check_mail(&p);
	session_free(p.session);
	message_free(p.mail.message);
	envelope_clear(&env);
	buf_clear(&p.sent);
	return 0;
}
