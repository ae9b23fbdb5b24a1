/*
 * Plays golden dialogues against the session room in memory: each file whole,
 * in pieces of 7 bytes and of 1 byte. TAP on stdout. The format of the files
 * is told in tests/dialogues/README.
 *
 * dialogue --connect URL TRUST FILE: plays the client of one file over a
 * socket, for what the program does not do by itself: several mails at once.
 */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "config/config.h"
#include "message/message.h"
#include "submit/envelope.h"
#include "run/connection.h"
#include "script.h"
#include "smtp/session.h"
#include "submit/submit.h"
#include "world/clock.h"
#include "world/tls.h"

#define FILE_MAX  (4 * 1024 * 1024)
#define MAILS_MAX 8
#define NONCE	  "fyko+d2lbbFgONRv9qkxdawL"

static const char standard_message[] =
    "From: alice@example.com\r\n"
    "To: bob@example.org\r\n"
    "Date: Sun, 22 Nov 2026 12:00:00 +0000\r\n"
    "Message-ID: <1@example.com>\r\n"
    "Subject: hello\r\n"
    "\r\n"
    "Hello.\r\n";

/* One file, parsed; slices borrow from `bytes`. */
struct dialogue {
	struct buf bytes;
	struct buf config;
	struct buf message;
	enum smarthost_security security;
	bool far;			    /* the server is another machine */
	struct request requests[MAILS_MAX]; /* one a mail */
	size_t mail_count;
	int fill;    /* lines of 64 octets that the message gets in addition */
	bool renews; /* a fresh token is to be had: `fresh' stands in it */
	struct text script; /* from the first S:, C:, TLS, ... on */
	int status;
	struct text errors[MAILS_MAX];
	size_t error_count;
	struct text says[16];
	size_t says_count;
	struct text verdicts[1024];
	size_t verdict_count;
};

/* One play of it. */
struct play {
	const struct dialogue *d;
	size_t chunk;
	struct config config;
	struct message *message;
	struct envelope envelopes[MAILS_MAX];
	struct session *session;
	struct mail mails[MAILS_MAX];
	size_t handed_over;
	struct buf heard; /* from the client, not yet compared */
	struct buf say;	  /* the server's next segment */
	bool whole;	  /* which comes in one read, in all pieces */
	char fault[1200];
};

static int fault(struct play *p, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static int
fault(struct play *p, const char *fmt, ...)
{
	va_list args;

	if (p->fault[0] == '\0') {
		va_start(args, fmt);
		vsnprintf(p->fault, sizeof(p->fault), fmt, args);
		va_end(args);
	}
	return -1;
}

static char *
copy(struct text t)
{
	return mem_string(t.at, t.len);
}

/*
 * The file.
 */

/* Of the mail whose set-up is being read. */
static struct request *
request_of(struct dialogue *d)
{
	return &d->requests[d->mail_count - 1];
}

static void
add_recipient(struct dialogue *d, char *list)
{
	*mem_push(request_of(d)->recipients, request_of(d)->recipient_count) =
	    (struct request_recipient){.list = list};
}

static void
parse_option(struct dialogue *d, struct text t)
{
	if (script_take(&t, "all-or-none"))
		request_of(d)->all_or_none = true;
	else if (script_take(&t, "body 8bitmime")) {
		request_of(d)->body_given = true;
		request_of(d)->body = BODY_8BITMIME;
	} else if (script_take(&t, "notify"))
		dsn_parse_notify(t, &request_of(d)->notify);
	else if (script_take(&t, "ret"))
		dsn_parse_ret(t, &request_of(d)->ret);
	else if (script_take(&t, "wish smtputf8=yes"))
		request_of(d)->smtputf8 = true;
	else if (script_take(&t, "wish requiretls=yes"))
		request_of(d)->requiretls = true;
	else if (script_take(&t, "wish"))
		wishes_parse(t, &request_of(d)->wishes);
	else if (script_take(&t, "envid"))
		request_of(d)->envid = copy(t);
	else
		printf("# unknown option %.*s\n", TEXT_ARG(t));
}

static void
parse_security(struct dialogue *d, struct text t)
{
	if (script_take(&t, "starttls"))
		d->security = SMARTHOST_STARTTLS;
	else if (script_take(&t, "lmtp"))
		d->security = SMARTHOST_OFFERED;
	else
		d->security =
		    script_take(&t, "tls") ? SMARTHOST_TLS : SMARTHOST_PLAIN;
}

/* Outcome lines may stand after the script; set-up lines before it. */
static bool
parse_line(struct dialogue *d, struct text t)
{
	struct text whole = t;

	if (t.len == 0 || t.at[0] == '#' || script_take(&t, "memory-only") ||
	    script_take(&t, "plain-only"))
		return true;
	if (script_take(&t, "far"))
		d->far = true;
	else if (script_take(&t, "security"))
		parse_security(d, t);
	else if (script_take(&t, "config"))
		buf_format(&d->config, "%.*s\n", TEXT_ARG(t));
	else if (script_take(&t, "from"))
		request_of(d)->reverse_path = copy(t);
	else if (script_take(&t, "to"))
		add_recipient(d, copy(t));
	else if (script_take(&t, "option"))
		parse_option(d, t);
	else if (script_take(&t, "|"))
		buf_format(&d->message, "%.*s\r\n", TEXT_ARG(t));
	else if (script_take(&t, "mail"))
		d->mail_count++;
	else if (script_take(&t, "fill"))
		d->fill = atoi(t.at);
	else if (script_take(&t, "status"))
		d->status = atoi(t.at);
	else if (script_take(&t, "error"))
		d->errors[d->error_count++] = t;
	else if (script_take(&t, "says"))
		d->says[d->says_count++] = t;
	else if (script_take(&t, "verdict"))
		d->verdicts[d->verdict_count++] = t;
	else
		t = whole;
	return t.at != whole.at;
}

static void
parse_dialogue(struct dialogue *d)
{
	struct text line, rest;
	size_t i;

	buf_string(&d->bytes); /* for the C library's parsers: a NUL */
	rest = buf_text(&d->bytes);
	while (text_next_line(&rest, &line)) {
		if (!parse_line(d, line) && d->script.at == NULL)
			d->script.at = line.at;
		d->renews |= script_take(&line, "fresh");
	}
	d->script.len = (size_t)(d->bytes.at + d->bytes.len - d->script.at);
	if (request_of(d)->recipient_count == 0)
		add_recipient(d, mem_copy("bob@example.org"));
	for (i = 0; i < d->mail_count; i++)
		if (d->requests[i].reverse_path == NULL)
			d->requests[i].reverse_path =
			    mem_copy("alice@example.com");
	if (d->message.len == 0)
		buf_add_string(&d->message, standard_message);
	while (d->fill-- > 0)
		buf_add_string(&d->message,
		    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n");
}

static int
read_dialogue(struct dialogue *d, const char *path)
{
	memset(d, 0, sizeof(*d));
	d->status = -1;
	d->mail_count = 1;
	d->security = SMARTHOST_PLAIN;
	buf_init(&d->bytes, FILE_MAX);
	buf_init(&d->config, FILE_MAX);
	buf_init(&d->message, FILE_MAX);
	if (script_read(path, &d->bytes) == -1)
		return -1;
	parse_dialogue(d);
	return d->status == -1 || d->script.at == NULL ? -1 : 0;
}

static void
clear_dialogue(struct dialogue *d)
{
	size_t i;

	for (i = 0; i < MAILS_MAX; i++)
		request_clear(&d->requests[i]);
	buf_clear(&d->bytes);
	buf_clear(&d->config);
	buf_clear(&d->message);
}

/*
 * The client's side.
 */

/* Hears what the client has to say now, until `enough' octets are waiting for
 * the script. */
static void
hear(struct play *p, size_t enough)
{
	const char *bytes;
	size_t len;

	while (p->heard.len < enough) {
		while (session_takes_mail(p->session) &&
		       p->handed_over < p->d->mail_count)
			session_mail(p->session, &p->mails[p->handed_over++]);
		if (session_want(p->session) == SESSION_MAIL)
			session_quit(p->session);
		len = session_output(p->session, &bytes);
		if (session_want(p->session) == SESSION_HEAR) {
			session_heard(p->session);
			continue;
		}
		if (len == 0)
			return;
		if (len > p->chunk)
			len = p->chunk;
		buf_add(&p->heard, bytes, len);
		session_sent(p->session, len);
	}
}

static void
say(struct play *p)
{
	struct text rest, piece;

	for (rest = buf_text(&p->say); rest.len > 0;
	     rest = text_skip(rest, piece.len)) {
		piece = p->whole ? rest : text_first(rest, p->chunk);
		session_input(p->session, piece.at, piece.len);
	}
	buf_reset(&p->say);
	p->whole = false;
}

/* The server's turn: what the client said must have been expected. */
static int
flush_say(struct play *p)
{
	char seen[600];

	if (p->say.len == 0)
		return 0;
	hear(p, SIZE_MAX);
	if (p->heard.len > 0)
		return fault(p, "before the server's turn it sent %s",
		    text_visible(buf_text(&p->heard), seen, sizeof(seen)));
	say(p);
	return 0;
}

static int
expect_bytes(struct play *p, struct text expected)
{
	char want[500], seen[500];
	struct text heard;

	hear(p, expected.len);
	heard = text_first(buf_text(&p->heard), expected.len);
	if (!text_equal(heard, expected))
		return fault(p, "expected %s but heard %s",
		    text_visible(expected, want, sizeof(want)),
		    text_visible(buf_text(&p->heard), seen, sizeof(seen)));
	buf_drop(&p->heard, expected.len);
	return 0;
}

/* The message as it must stand on the wire, made without the wire room. */
static int
expect_data(struct play *p)
{
	struct text line, rest;
	struct buf data;
	int result;

	buf_init(&data, 2 * FILE_MAX);
	rest = buf_text(&p->d->message);
	while (text_next_line(&rest, &line))
		buf_format(&data, "%s%.*s\r\n",
		    line.len > 0 && line.at[0] == '.' ? "." : "",
		    TEXT_ARG(line));
	buf_add_string(&data, ".\r\n");
	result = expect_bytes(p, buf_text(&data));
	buf_clear(&data);
	return result;
}

/* "{message}", or "{message FROM TO}". */
static int
expect_message(struct play *p, struct text line)
{
	struct text message = buf_text(&p->d->message);
	size_t from, to;

	if (sscanf(line.at, "{message %zu %zu}", &from, &to) == 2)
		message = text_skip(text_first(message, to), from);
	return expect_bytes(p, message);
}

static int
expect_line(struct play *p, struct text line)
{
	struct buf expected;
	size_t at;
	int result;

	if (text_equal(line, TEXT("{data}")))
		return expect_data(p);
	if (text_starts_fold(line, TEXT("{message")))
		return expect_message(p, line);
	buf_init(&expected, FILE_MAX);
	at = 0;
	while (at < line.len &&
	       !text_starts_fold(text_skip(line, at), TEXT("{size}")))
		at++;
	buf_add_text(&expected, text_first(line, at));
	if (at < line.len) {
		buf_format(&expected, "%zu", p->d->message.len);
		buf_add_text(&expected, text_skip(line, at + 6));
	}
	buf_add_string(&expected, "\r\n");
	result = expect_bytes(p, buf_text(&expected));
	buf_clear(&expected);
	return result;
}

/*
 * The script.
 */

static void
tell_secured(struct play *p, bool tls)
{
	struct sasl_channel channel = {.local = !p->d->far};

	if (tls) {
		channel.tls = channel.verified = true;
		channel.binding = SASL_TLS_EXPORTER;
		channel.len = 32;
		memset(channel.data, 'b', channel.len);
	}
	session_secured(p->session, &channel);
}

static int
start_tls(struct play *p)
{
	if (flush_say(p) == -1)
		return -1;
	hear(p, SIZE_MAX);
	if (p->heard.len > 0 || session_want(p->session) != SESSION_TLS)
		return fault(p, "it does not want TLS");
	tell_secured(p, true);
	return 0;
}

static int
break_off(struct play *p, const char *words)
{
	struct error cause;

	if (flush_say(p) == -1)
		return -1;
	error_clear(&cause);
	error_set(&cause, ERROR_LATER, NULL, "%s", words);
	session_closed(p->session, &cause);
	return 0;
}

/* The server's words while the client is sending, whatever it has sent. */
static int
interrupt(struct play *p, struct text line)
{
	if (p->say.len == 0)
		hear(p, 1);
	buf_reset(&p->heard);
	buf_add_text(&p->say, line);
	buf_add_string(&p->say, "\r\n");
	say(p);
	return 0;
}

static int
check_patience(struct play *p, struct text line)
{
	char seconds[12];

	if (flush_say(p) == -1)
		return -1;
	hear(p, SIZE_MAX);
	snprintf(seconds, sizeof(seconds), "%u", session_timeout(p->session));
	return text_equal(line, text_of(seconds))
		   ? 0
		   : fault(p, "it would wait %s seconds", seconds);
}

static int
hand_over_token(struct play *p, struct text token)
{
	if (flush_say(p) == -1)
		return -1;
	hear(p, SIZE_MAX);
	if (p->heard.len > 0 || session_want(p->session) != SESSION_TOKEN)
		return fault(p, "it does not want a fresh token");
	session_renew(p->session, token, NULL);
	return 0;
}

/* What the server is to say, if the line has it. */
static bool
take_words(struct play *p, struct text line)
{
	static const struct {
		const char *word;
		bool octets, whole;
	} rows[] = {{"S:", false, false}, {"S=", true, false},
	    {"S+=", true, true}, {"S+~", false, true}, {"S+", false, true},
	    {"S~=", true, false}, {"S~", false, false}};
	size_t i = 0;

	while (i < sizeof(rows) / sizeof(rows[0]) &&
	       !script_take(&line, rows[i].word))
		i++;
	if (i == sizeof(rows) / sizeof(rows[0]))
		return false;
	p->whole |= rows[i].whole;
	if (rows[i].octets) {
		script_unescape(line, &p->say);
	} else {
		buf_add_text(&p->say, line);
		buf_add_string(&p->say, "\r\n");
	}
	return true;
}

static int
play_line(struct play *p, struct text line)
{
	struct text whole = line;

	if (take_words(p, line))
		return 0;
	if (script_take(&line, "C:"))
		return flush_say(p) == -1 ? -1 : expect_line(p, line);
	if (script_take(&line, "S!"))
		return interrupt(p, line);
	if (script_take(&line, "waits"))
		return check_patience(p, line);
	if (script_take(&line, "fresh"))
		return hand_over_token(p, line);
	if (text_equal(whole, TEXT("TLS")))
		return start_tls(p);
	if (text_equal(whole, TEXT("close")))
		return break_off(p, "the connection was closed");
	if (text_equal(whole, TEXT("silence")))
		return break_off(p, "timed out after 300 seconds");
	return 0;
}

static int
play_script(struct play *p)
{
	struct text line, rest;
	char seen[500];

	rest = p->d->script;
	while (text_next_line(&rest, &line)) {
		if (play_line(p, line) == -1)
			return -1;
	}
	if (flush_say(p) == -1)
		return -1;
	hear(p, SIZE_MAX);
	if (p->heard.len > 0)
		return fault(p, "at the end it sent %s",
		    text_visible(buf_text(&p->heard), seen, sizeof(seen)));
	if (session_want(p->session) != SESSION_OVER)
		return fault(
		    p, "at the end it waits for %s", session_step(p->session));
	return 0;
}

/*
 * The outcome.
 */

static const struct {
	const char *word;
	enum verdict verdict;
} verdict_words[] = {
    {"open", VERDICT_OPEN},
    {"accepted", VERDICT_ACCEPTED},
    {"delivered", VERDICT_DELIVERED},
    {"refused", VERDICT_REFUSED},
    {"later", VERDICT_LATER},
    {"doubtful", VERDICT_DOUBTFUL},
};

static const struct recipient *
find_recipient(const struct play *p, struct text address)
{
	const struct envelope *env;
	size_t i;

	for (env = p->envelopes; env < p->envelopes + p->d->mail_count; env++)
		for (i = 0; i < env->count; i++)
			if (text_equal(
				text_of(env->recipients[i].path), address))
				return &env->recipients[i];
	return NULL;
}

static int
check_verdict(struct play *p, struct text line)
{
	const struct recipient *r;
	struct text address, word;

	text_next(&line, " ", &address);
	text_next(&line, " ", &word);
	r = find_recipient(p, address);
	if (r == NULL)
		return fault(p, "no recipient %.*s", TEXT_ARG(address));
	if (!text_equal(word, text_of(verdict_words[r->verdict].word)))
		return fault(p, "the verdict on %.*s is %s", TEXT_ARG(address),
		    verdict_words[r->verdict].word);
	return 0;
}

static const struct error *
outcome(const struct play *p, size_t mail)
{
	return p->mails[mail].settled ? &p->mails[mail].error
				      : session_error(p->session);
}

/* All that is told on failure, each recipient's reply with it. */
static void
add_told(const struct play *p, size_t mail, struct buf *told)
{
	const struct envelope *env = &p->envelopes[mail];
	const struct error *e = outcome(p, mail);
	const struct recipient *r;

	buf_format(told, "%s: %s\n%s\n%s\n", e->doing == NULL ? "" : e->doing,
	    e->text, e->why, e->hint);
	for (r = env->recipients; r < env->recipients + env->count; r++)
		if (r->verdict != VERDICT_DELIVERED && r->reply != NULL)
			buf_format(told, "%s: %s\n", r->path, r->reply->words);
}

static int
check_says(struct play *p, struct text words)
{
	struct buf told;
	char *sought;
	int result = 0;
	size_t i;

	buf_init(&told, FILE_MAX);
	for (i = 0; i < p->d->mail_count; i++)
		add_told(p, i, &told);
	sought = copy(words);
	if (strstr(buf_string(&told), sought) == NULL)
		result = fault(p, "it does not say \"%s\" but: %s", sought,
		    buf_string(&told));
	free(sought);
	buf_clear(&told);
	return result;
}

/* The status is that of the first mail that failed. */
static int
check_outcome(struct play *p)
{
	const struct error *e;
	size_t i;

	for (i = 0; i < p->d->error_count; i++) {
		e = outcome(p, i);
		if (!text_equal(p->d->errors[i], text_of(error_word(e->kind))))
			return fault(p, "mail %zu: error %s: %s", i + 1,
			    error_word(e->kind), e->text);
	}
	e = outcome(p, 0);
	for (i = 1; e->kind == ERROR_NONE && i < p->d->mail_count; i++)
		e = outcome(p, i);
	if (error_status(e->kind) != p->d->status)
		return fault(p, "status %d, not %d: %s", error_status(e->kind),
		    p->d->status, e->text);
	for (i = 0; i < p->d->says_count; i++) {
		if (check_says(p, p->d->says[i]) == -1)
			return -1;
	}
	for (i = 0; i < p->d->verdict_count; i++) {
		if (check_verdict(p, p->d->verdicts[i]) == -1)
			return -1;
	}
	return 0;
}

/*
 * A play.
 */

static int
read_config(struct play *p, const char *url, const char *trust)
{
	struct buf text;

	buf_init(&text, FILE_MAX);
	buf_format(&text, "smarthost %s\nhelo client.example\n%s", url,
	    buf_string((struct buf *)&p->d->config));
	if (trust != NULL)
		buf_format(&text, "family ipv4\ntls-trust %s\n", trust);
	config_parse(&p->config, "dialogue", buf_text(&text), NULL);
	config_end(&p->config);
	buf_clear(&text);
	return p->config.fault_count == 0
		   ? 0
		   : fault(p, "%s: %s", p->config.faults[0].where,
			 p->config.faults[0].what);
}

static int
prepare_mail(struct play *p, size_t mail)
{
	struct facts facts = {
	    .login = "alice", .full_name = "", .host = "client.example"};
	const struct account *account = &p->config.accounts[0];
	const struct request *request = &p->d->requests[mail];
	struct notes notes = {0};
	struct submission submission = {.request = request,
	    .facts = &facts,
	    .account = account,
	    .message = p->message,
	    .envelope = &p->envelopes[mail],
	    .notes = &notes};
	struct error e;
	int result;

	error_clear(&e);
	result = submit(&submission, &e);
	notes_clear(&notes);
	p->mails[mail] = (struct mail){.envelope = &p->envelopes[mail],
	    .message = p->message,
	    .last = mail + 1 == p->d->mail_count,
	    .all_or_none =
		request->all_or_none || account->recipients_all == SWITCH_YES};
	return result == -1 ? fault(p, "submit: %s", e.text) : 0;
}

static int
prepare(struct play *p, const char *url, const char *trust)
{
	struct error e;
	size_t i;

	error_clear(&e);
	if (read_config(p, url, trust) == -1)
		return -1;
	p->message = message_new(NULL);
	message_input(p->message, p->d->message.at, p->d->message.len, &e);
	message_end(p->message, &e);
	for (i = 0; i < p->d->mail_count; i++)
		if (prepare_mail(p, i) == -1)
			return -1;
	return 0;
}

static void
start(struct play *p)
{
	const struct account *a = &p->config.accounts[0];
	struct session_plan plan = {.account = a,
	    .smarthost = &a->smarthosts.at[a->smarthosts.count - 1],
	    .user = account_wants_login(a) && a->user == NULL ? "" : a->user,
	    .helo = "client.example",
	    .password = text_of(a->secret.text),
	    .renews = p->d->renews,
	    .nonce = NONCE};

	p->session = session_new(&plan);
	tell_secured(p, p->d->security == SMARTHOST_TLS);
}

static void
play_init(struct play *p, const struct dialogue *d, size_t chunk)
{
	size_t i;

	memset(p, 0, sizeof(*p));
	p->d = d;
	p->chunk = chunk;
	config_init(&p->config);
	for (i = 0; i < MAILS_MAX; i++)
		envelope_init(&p->envelopes[i]);
	buf_init(&p->heard, 4 * FILE_MAX);
	buf_init(&p->say, 4 * FILE_MAX);
}

static void
play_clear(struct play *p)
{
	size_t i;

	message_free(p->message);
	for (i = 0; i < MAILS_MAX; i++)
		envelope_clear(&p->envelopes[i]);
	config_clear(&p->config);
	buf_clear(&p->heard);
	buf_clear(&p->say);
}

static int
play(const struct dialogue *d, const char *name, size_t chunk)
{
	static const char *const urls[] = {
	    [SMARTHOST_TLS] = "smtps://mx.example",
	    [SMARTHOST_STARTTLS] = "smtp://mx.example",
	    [SMARTHOST_OFFERED] = "lmtp://mx.example",
	    [SMARTHOST_PLAIN] = "smtp+plain://mx.example"};
	struct play p;
	int result;

	play_init(&p, d, chunk);
	result = prepare(&p, urls[d->security], NULL);
	if (result == 0) {
		start(&p);
		result = play_script(&p);
		if (result == 0)
			result = check_outcome(&p);
	}
	if (result == -1)
		printf("# %s in pieces of %zu: %s\n", name, chunk, p.fault);
	session_free(p.session);
	play_clear(&p);
	return result;
}

static int
play_file(const char *path)
{
	static const size_t chunks[] = {FILE_MAX, 7, 1};
	struct dialogue d;
	int result;
	size_t i;

	result = read_dialogue(&d, path);
	if (result == -1)
		printf("# %s: no dialogue\n", path);
	for (i = 0; result == 0 && i < sizeof(chunks) / sizeof(chunks[0]); i++)
		result = play(&d, path, chunks[i]);
	clear_dialogue(&d);
	return result;
}

/* The client of one file over a socket; the server plays the script. */
static int
connect_and_play(const char *url, const char *trust, const char *path)
{
	struct connection_plan plan = {.helo = "client.example"};
	struct connection *connection;
	struct dialogue d;
	struct error e;
	struct play p;
	int result;

	error_clear(&e);
	if (read_dialogue(&d, path) == -1)
		return -1;
	play_init(&p, &d, 0);
	result = prepare(&p, url, trust);
	if (result == 0) {
		plan.account = &p.config.accounts[0];
		plan.user = plan.account->user;
		plan.password = text_of(plan.account->secret.text);
		connection = connection_new(
		    &plan, &plan.account->smarthosts.at[0], NULL);
		result = connection_start(connection, clock_in(30), &e);
		if (result == 0)
			connection_mails(connection, p.mails, d.mail_count,
			    clock_in(d.status == 0 ? 30 : 2), &e);
		result = check_outcome(&p);
		connection_end(connection);
	}
	if (result == -1)
		fprintf(stderr, "%s %s\n", p.fault, e.text);
	play_clear(&p);
	clear_dialogue(&d);
	return result;
}

int
main(int argc, char **argv)
{
	int failed = 0, i, result;
	struct error e;

	error_clear(&e);
	if (tls_start_library(&e) == -1)
		return 1;
	if (argc == 5 && strcmp(argv[1], "--connect") == 0)
		return connect_and_play(argv[2], argv[3], argv[4]) == -1;
	printf("1..%d\n", argc - 1);
	for (i = 1; i < argc; i++) {
		result = play_file(argv[i]);
		printf(
		    "%s %d - %s\n", result == 0 ? "ok" : "not ok", i, argv[i]);
		failed += result != 0;
	}
	return failed == 0 && argc > 1 ? 0 : 1;
}
