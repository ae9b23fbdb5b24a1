#include "smtp/session.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "message/address.h"
#include "smtp/command.h"
#include "smtp/ehlo.h"
#include "smtp/outcome.h"
#include "smtp/reply.h"
#include "smtp/trouble.h"
#include "smtp/wire.h"

/* As much is put together before a write as a pipelined group or the mail
 * data can give: a few TLS records. */
#define SESSION_BURST	(64 * 1024)
#define SESSION_OUT_MAX (8 * SESSION_BURST)

/* With CHUNKING a message up to this size goes with its MAIL and RCPT in one
 * write; a larger one waits for their replies, so that a refusal costs nothing,
 * and goes in chunks, so that one in the middle stops it. */
#define SESSION_SMALL (256 * 1024)
#define SESSION_CHUNK (1024 * 1024)

/* A path, its ORCPT in xtext and all parameters are far below this. */
#define SESSION_LINE_MAX 2048

/* Octets of a command with its CRLF, RFC 5321 section 4.5.3.1.4. */
#define SESSION_COMMAND_MAX 512

/* Seconds for the greeting of a port that should not be spoken to so. */
#define SESSION_VAIN 20

#define MINUTES 60u

/*
 * Steps with an answer in their row stand in the queue of expected replies;
 * the others are places to be. STEP_STAY, returned by an ask or an answer, is
 * none: it means to go on waiting.
 */
enum step {
	STEP_SECURE,
	STEP_GREETING,
	STEP_EHLO,
	STEP_HELO,
	STEP_STARTTLS,
	STEP_AUTH,
	STEP_CANCEL,
	STEP_READY,
	STEP_TRANSACTION,
	STEP_MAIL,
	STEP_RCPT,
	STEP_DATA,
	STEP_BDAT,
	STEP_BLOCK,
	STEP_END,
	STEP_EMPTY,
	STEP_RSET,
	STEP_QUIT,
	STEP_BREAK,
	STEP_OVER,
	STEP_STAY
};

struct expected {
	unsigned char step;
	unsigned recipient; /* of STEP_RCPT */
};

/* From MAIL to the end of the mail data; forgotten after it. */
struct transaction {
	bool mail_asked;
	bool mail_accepted;
	bool data_asked;
	bool chunked;	  /* by BDAT */
	bool chunk_taken; /* one at least */
	bool ended;	  /* the reply to the end of the data has come */
	bool failed;	  /* nothing more is to be asked */
	size_t asked;	  /* recipients */
	size_t accepted;
	size_t refused;
};

struct session {
	struct session_plan plan;
	enum step step;
	struct error error;
	unsigned long progress;

	struct reply reply;
	struct ehlo ehlo;
	bool greeted;
	struct sasl_channel channel;
	struct sasl *sasl;
	struct error broken_off; /* why we cancelled AUTH */
	struct buf initial;	 /* response that did not fit behind AUTH */
	struct buf secret;	 /* what was sent last of this kind */
	bool authenticated;
	const char *auth;

	struct buf out;
	size_t sent; /* of out */

	struct expected *queue;
	size_t first;
	size_t queued;
	size_t queue_size;

	struct session_mail *mail;
	struct error refusal;  /* of the first recipient: its hint */
	unsigned transactions; /* so far */
	struct transaction transaction;
	size_t cursor;	       /* the next recipient to ask */
	size_t again;	       /* where a further transaction begins */
	struct recode *recode; /* of the mail */
	struct wire wire;
	bool sending;		    /* the mail data, or chunk, is not all in
				     * `out' yet */
	unsigned long long size;    /* octets of the mail */
	unsigned long long unasked; /* of them, not in any BDAT yet */
	unsigned long long chunk;   /* of this BDAT, not in `out' yet */
	bool no_chunking;	    /* BDAT was offered and is not there */
	size_t tail;		    /* octets in `out' behind the mail data */
};

struct row {
	const char *doing;
	unsigned timeout; /* seconds, RFC 5321 section 4.5.3.2 */
	enum step (*ask)(struct session *);
	enum step (*answer)(struct session *, struct recipient *);
};

static const struct row rows[STEP_STAY];

/* The one place where the step changes. */
static void
enter(struct session *s, enum step step)
{
	while (step != STEP_STAY) {
		s->step = step;
		step = rows[step].ask(s);
	}
}

/*
 * The transcript.
 */

static void
trace(struct session *s, enum session_side side, struct text line)
{
	if (s->plan.trace.line != NULL)
		s->plan.trace.line(s->plan.trace.arg, side, line);
}

static void
trace_reply(struct session *s)
{
	struct text line, rest;
	char words[REPLY_LINE_MAX];

	if (s->plan.trace.line == NULL)
		return;
	rest = buf_text(&s->reply.text);
	do {
		if (!text_next_line(&rest, &line))
			line = TEXT("");
		snprintf(words, sizeof(words), "%d%c%.*s", s->reply.code,
		    rest.len > 0 ? '-' : ' ', TEXT_ARG(line));
		trace(s, SESSION_SERVER, text_of(words));
	} while (rest.len > 0);
}

/*
 * Commands out, expected replies in.
 */

/* The step whose reply, or whose bytes, are due. */
static enum step
waiting_for(const struct session *s)
{
	if (s->sending)
		return STEP_BLOCK;
	return s->queued > 0 ? (enum step)s->queue[s->first].step : s->step;
}

static void
expect(struct session *s, enum step step, size_t recipient)
{
	struct expected *x;

	if (s->queued == 0)
		s->first = 0;
	if (s->first + s->queued == s->queue_size) {
		s->queue_size = s->queue_size == 0 ? 16 : s->queue_size * 2;
		s->queue =
		    mem_resize(s->queue, s->queue_size, sizeof(*s->queue));
	}
	x = &s->queue[s->first + s->queued++];
	x->step = (unsigned char)step;
	x->recipient = (unsigned)recipient;
}

static void send_command(struct session *s, enum step step, const char *fmt,
    ...) __attribute__((format(printf, 3, 4)));

static void
send_command(struct session *s, enum step step, const char *fmt, ...)
{
	va_list args;
	char line[SESSION_LINE_MAX];

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	trace(s, SESSION_CLIENT, text_of(line));
	buf_add_string(&s->out, line);
	buf_add_string(&s->out, "\r\n");
	expect(s, step, 0);
}

/* A line with a secret in it, of any length, of which only `shown` is told. */
static void
send_secret(struct session *s, const char *shown, struct text secret)
{
	char line[128];

	buf_wipe(&s->secret);
	buf_add_text(&s->secret, secret);
	snprintf(line, sizeof(line), "%s[secret]", shown);
	trace(s, SESSION_CLIENT, text_of(line));
	buf_add_string(&s->out, shown);
	buf_add_text(&s->out, secret);
	buf_add_string(&s->out, "\r\n");
	expect(s, STEP_AUTH, 0);
}

/* The session cannot go on: polite where the peer still speaks SMTP. */
static enum step
reject(struct session *s, enum error_kind permanent, const char *what)
{
	trouble_set(&s->error, &s->reply, permanent, s->plan.smarthost,
	    rows[s->step].doing, what);
	return s->error.kind == ERROR_PROTOCOL ? STEP_BREAK : STEP_QUIT;
}

static bool
positive(const struct session *s)
{
	return s->reply.code / 100 == 2;
}

/*
 * Greeting, EHLO, HELO.
 */

static enum step
ask_nothing(struct session *s)
{
	(void)s;
	return STEP_STAY;
}

static enum step
ask_greeting(struct session *s)
{
	s->greeted = true;
	expect(s, STEP_GREETING, 0);
	return STEP_STAY;
}

static enum step
answer_greeting(struct session *s, struct recipient *r)
{
	(void)r;
	if (s->reply.code == 220)
		return STEP_EHLO;
	return reject(s, ERROR_REFUSED, "the connection");
}

static enum step
ask_ehlo(struct session *s)
{
	/* RFC 3207 section 4.2: nothing learned before TLS counts. */
	memset(&s->ehlo, 0, sizeof(s->ehlo));
	send_command(s, STEP_EHLO, "EHLO %s", s->plan.helo);
	return STEP_STAY;
}

static bool
wants_starttls(const struct session *s)
{
	return s->plan.smarthost->security == SMARTHOST_STARTTLS &&
	       !s->channel.tls;
}

static bool
wants_auth(const struct session *s)
{
	return s->plan.user != NULL &&
	       s->plan.account->auth.choice != AUTH_OFF && !s->authenticated;
}

static enum step
no_starttls(struct session *s)
{
	error_set(&s->error, ERROR_REFUSED, "STARTTLS",
	    "%s:%d does not offer STARTTLS; nothing was sent in the clear",
	    s->plan.smarthost->host, s->plan.smarthost->port);
	error_hint(&s->error,
	    "if the server speaks implicit TLS write `smarthost "
	    "smtps://%s'; a server without TLS needs `smtp+plain://'",
	    s->plan.smarthost->host);
	return STEP_QUIT;
}

static enum step
after_ehlo(struct session *s)
{
	if (wants_starttls(s))
		return s->ehlo.starttls ? STEP_STARTTLS : no_starttls(s);
	return wants_auth(s) ? STEP_AUTH : STEP_READY;
}

static enum step
answer_ehlo(struct session *s, struct recipient *r)
{
	(void)r;
	if (positive(s)) {
		ehlo_parse(&s->ehlo, &s->reply);
		return after_ehlo(s);
	}
	if (s->reply.code / 100 == 5 && !wants_starttls(s) && !wants_auth(s))
		return STEP_HELO;
	return reject(s, ERROR_REFUSED, "our EHLO");
}

static enum step
ask_helo(struct session *s)
{
	send_command(s, STEP_HELO, "HELO %s", s->plan.helo);
	return STEP_STAY;
}

static enum step
answer_helo(struct session *s, struct recipient *r)
{
	(void)r;
	return positive(s) ? STEP_READY : reject(s, ERROR_REFUSED, "our HELO");
}

/*
 * STARTTLS, RFC 3207.
 */

static enum step
ask_starttls(struct session *s)
{
	send_command(s, STEP_STARTTLS, "STARTTLS");
	return STEP_STAY;
}

static enum step
answer_starttls(struct session *s, struct recipient *r)
{
	(void)r;
	return positive(s) ? STEP_SECURE
			   : reject(s, ERROR_REFUSED, "to start TLS");
}

void
session_secured(struct session *s, const struct sasl_channel *channel)
{
	s->channel = *channel;
	if (s->step == STEP_SECURE)
		enter(s, s->greeted ? STEP_EHLO : STEP_GREETING);
}

/*
 * AUTH, RFC 4954.
 */

static enum step
no_auth(struct session *s)
{
	error_set(&s->error, ERROR_REFUSED, "AUTH",
	    "%s:%d does not offer AUTH, and `user' is set",
	    s->plan.smarthost->host, s->plan.smarthost->port);
	if (s->ehlo.starttls && !s->channel.tls)
		trouble_hint_starttls(&s->error, s->plan.smarthost);
	else
		error_hint(&s->error,
		    "ask for the submission port (465 or 587), or write "
		    "`auth off' where no login is wanted");
	return STEP_QUIT;
}

static struct sasl *
new_sasl(struct session *s)
{
	const struct account *a = s->plan.account;
	struct sasl_plan plan = {.user = s->plan.user,
	    .password = s->plan.password,
	    .wanted_count = a->auth.count,
	    .in_clear = a->auth_in_clear == SWITCH_YES};

	memcpy(plan.wanted, a->auth.mechanisms, sizeof(plan.wanted));
	memcpy(plan.nonce, s->plan.nonce, sizeof(plan.nonce));
	return sasl_new(
	    &plan, &s->channel, text_of(s->ehlo.mechanisms), &s->error);
}

/* RFC 4954 section 4: what would make the line too long goes as the answer to
 * an empty challenge. */
static enum step
ask_auth(struct session *s)
{
	char command[64];
	int has_initial;

	if (!s->ehlo.auth)
		return no_auth(s);
	s->sasl = new_sasl(s);
	if (s->sasl == NULL)
		return STEP_QUIT;
	has_initial = sasl_initial(s->sasl, &s->initial, &s->error);
	if (has_initial == -1)
		return STEP_QUIT;
	s->auth = mechanism_name(sasl_mechanism(s->sasl));
	snprintf(command, sizeof(command), "AUTH %s ", s->auth);
	if (has_initial &&
	    strlen(command) + s->initial.len + 2 <= SESSION_COMMAND_MAX) {
		send_secret(s, command, buf_text(&s->initial));
		buf_wipe(&s->initial);
	} else {
		send_command(s, STEP_AUTH, "AUTH %s", s->auth);
	}
	return STEP_STAY;
}

static enum step
continue_auth(struct session *s)
{
	struct buf response;
	int result = 0;

	buf_init(&response, SESSION_OUT_MAX / 2);
	if (s->initial.len > 0)
		buf_add_text(&response, buf_text(&s->initial));
	else
		result = sasl_step(s->sasl, buf_text(&s->reply.text), &response,
		    &s->broken_off);
	if (result == -1)
		send_command(s, STEP_CANCEL, "*");
	else
		send_secret(s, "", buf_text(&response));
	buf_wipe(&response);
	buf_wipe(&s->initial);
	return STEP_STAY;
}

static bool
offers_mechanism(const struct session *s, struct text name)
{
	struct text rest = text_of(s->ehlo.mechanisms), mechanism;

	while (text_next(&rest, " ", &mechanism)) {
		if (text_equal(mechanism, name))
			return true;
	}
	return false;
}

static enum step
refuse_auth(struct session *s)
{
	char what[128];
	enum step next;

	snprintf(what, sizeof(what), "AUTH %s for the user %.60s", s->auth,
	    s->plan.user);
	next = reject(s, ERROR_DENIED, what);
	/* Some servers offer what they have no data for. */
	if (s->reply.code == 535 && strcmp(s->auth, "PLAIN") != 0 &&
	    s->channel.tls && offers_mechanism(s, TEXT("PLAIN")))
		snprintf(s->error.hint, sizeof(s->error.hint),
		    "check `user' and the password; where both are right "
		    "write `auth PLAIN' (offered: %.300s)",
		    s->ehlo.mechanisms);
	return next;
}

static enum step
answer_auth(struct session *s, struct recipient *r)
{
	(void)r;
	if (s->reply.code == 334)
		return continue_auth(s);
	if (!positive(s))
		return refuse_auth(s);
	if (sasl_finish(s->sasl, &s->error) == -1)
		return STEP_QUIT;
	sasl_free(s->sasl);
	s->sasl = NULL;
	buf_wipe(&s->secret);
	buf_wipe(&s->out);
	s->sent = 0;
	s->authenticated = true;
	return STEP_READY;
}

/* RFC 4954 section 4: whatever the server says to "*", AUTH has failed. */
static enum step
answer_cancel(struct session *s, struct recipient *r)
{
	(void)r;
	s->error = s->broken_off;
	return STEP_QUIT;
}

/*
 * A mail: one transaction, or several where the server limits recipients.
 */

static void
begin_transaction(struct session *s)
{
	memset(&s->transaction, 0, sizeof(s->transaction));
	recode_rewind(s->recode);
	wire_init(&s->wire, s->recode);
	s->unasked = s->size;
	s->transactions++;
	s->cursor = s->again;
	s->again = s->mail->envelope->count;
}

/* The transaction as a whole was refused; replies may still be due. */
static enum step
fail_transaction(struct session *s, enum step step, const char *what)
{
	struct error *e = &s->mail->error;

	if (trouble_kind(&s->reply, ERROR_REFUSED) == ERROR_PROTOCOL) {
		trouble_set(&s->error, &s->reply, ERROR_REFUSED,
		    s->plan.smarthost, rows[step].doing, what);
		return STEP_BREAK;
	}
	trouble_set(e, &s->reply, ERROR_REFUSED, s->plan.smarthost,
	    rows[step].doing, what);
	outcome_decide(s->mail->envelope, e);
	s->transaction.failed = true;
	return STEP_TRANSACTION;
}

/* The mail is done with: its error says how. */
static void
settle(struct session *s)
{
	struct session_mail *mail = s->mail;

	if (mail == NULL)
		return;
	if (s->error.kind != ERROR_NONE &&
	    outcome_decide(mail->envelope, &s->error) > 0 &&
	    mail->error.kind == ERROR_NONE)
		mail->error = s->error;
	outcome_settle(mail->envelope, mail->all_or_none,
	    s->plan.smarthost->host, &mail->error);
	if (mail->error.code == s->refusal.code)
		error_hint(&mail->error, "%s", s->refusal.hint);
	mail->settled = true;
	s->mail = NULL;
	recode_free(s->recode);
	s->recode = NULL;
}

/* The form of the message that this server takes. */
static int
recode_mail(struct session *s, struct session_mail *mail)
{
	s->recode = recode_new(
	    mail->message, s->ehlo.eightbitmime, &mail->remarks, &mail->error);
	if (s->recode == NULL)
		return -1;
	s->size = recode_size(s->recode);
	if (recode_is_8bit(s->recode))
		mail->envelope->body = BODY_8BITMIME;
	return 0;
}

/* What the server cannot take is known before a byte of the mail goes out. */
static int
check_mail(struct session *s, struct session_mail *mail)
{
	if (recode_mail(s, mail) == -1)
		return -1;
	if (mail->envelope->requiretls && !s->channel.verified)
		return error_set(&mail->error, ERROR_REFUSED, "REQUIRETLS",
		    "the connection to %s is not secured by TLS",
		    s->plan.smarthost->host);
	return command_check(mail->envelope, &s->ehlo, s->size,
	    s->plan.smarthost->host, &mail->error);
}

void
session_mail(struct session *s, struct session_mail *mail)
{
	s->mail = mail;
	error_clear(&s->refusal);
	s->again = 0;
	if (check_mail(s, mail) == -1) {
		outcome_decide(mail->envelope, &mail->error);
		settle(s);
		enter(s, mail->last ? STEP_QUIT : STEP_READY);
		return;
	}
	begin_transaction(s);
	enter(s, STEP_TRANSACTION);
}

static bool
pipelines(const struct session *s)
{
	return s->ehlo.pipelining && s->plan.account->pipelining != SWITCH_NO;
}

/* The next recipient who is not decided, within what one transaction takes. */
static bool
has_recipient(struct session *s)
{
	const struct envelope *env = s->mail->envelope;

	while (s->cursor < env->count &&
	       env->recipients[s->cursor].verdict != VERDICT_OPEN)
		s->cursor++;
	if (s->cursor == env->count)
		return false;
	return s->mail->all_or_none || s->ehlo.rcptmax == 0 ||
	       s->transaction.asked < s->ehlo.rcptmax;
}

/* RFC 3030. */
static bool
chunks(const struct session *s)
{
	return s->ehlo.chunking && !s->no_chunking &&
	       s->plan.account->chunking != SWITCH_NO;
}

/* The mail data may be asked for when somebody is there to get it, and, where
 * that cannot be taken back, when the replies have said so. */
static enum step
next_data(const struct session *s)
{
	const struct transaction *t = &s->transaction;

	if (s->queued > 0 &&
	    (s->mail->all_or_none || (chunks(s) && s->size > SESSION_SMALL)))
		return STEP_STAY;
	if (s->mail->all_or_none && t->refused > 0)
		return STEP_STAY;
	if (s->queued == 0 && t->accepted == 0)
		return STEP_STAY;
	return chunks(s) ? STEP_BDAT : STEP_DATA;
}

/* What may be asked now; STEP_STAY where the replies must come first. */
static enum step
next_command(struct session *s)
{
	const struct transaction *t = &s->transaction;

	if (t->failed || t->data_asked || (s->queued > 0 && !pipelines(s)))
		return STEP_STAY;
	if (!t->mail_asked)
		return STEP_MAIL;
	if (t->chunked)
		return STEP_BDAT;
	return has_recipient(s) ? STEP_RCPT : next_data(s);
}

/* RFC 9422: no further transaction in this session. */
static bool
is_exhausted(const struct session *s)
{
	return s->ehlo.mailmax > 0 && s->transactions >= s->ehlo.mailmax;
}

static void
put_off_rest(struct session *s)
{
	error_set(&s->mail->error, ERROR_LATER, "RCPT TO",
	    "%s takes no more recipients in this session",
	    s->plan.smarthost->host);
	outcome_decide(s->mail->envelope, &s->mail->error);
}

/* Every reply is in and nothing more is to be asked. */
static enum step
end_transaction(struct session *s)
{
	bool more, reset;

	reset = s->transaction.mail_accepted && !s->transaction.ended;
	if (s->cursor < s->again)
		s->again = s->cursor;
	more = !s->transaction.failed && !s->mail->all_or_none &&
	       s->again < s->mail->envelope->count;
	if (more && !is_exhausted(s)) {
		begin_transaction(s);
		return reset ? STEP_RSET : STEP_TRANSACTION;
	}
	if (more)
		put_off_rest(s);
	if (s->mail->last || is_exhausted(s))
		return STEP_QUIT;
	settle(s);
	return reset ? STEP_RSET : STEP_READY;
}

static enum step
ask_transaction(struct session *s)
{
	enum step next;

	while (s->out.len - s->sent < SESSION_BURST &&
	       (next = next_command(s)) != STEP_STAY) {
		if (rows[next].ask(s) == STEP_BREAK)
			return STEP_BREAK;
	}
	return s->queued > 0 ? STEP_STAY : end_transaction(s);
}

/* A command that was put together in `line`, which is freed. */
static void
send_built(struct session *s, enum step step, struct buf *line)
{
	send_command(s, step, "%s", buf_string(line));
	buf_clear(line);
}

static enum step
ask_mail(struct session *s)
{
	struct buf line;

	buf_init(&line, SESSION_LINE_MAX);
	command_mail(s->mail->envelope, &s->ehlo, s->size, &line);
	send_built(s, STEP_MAIL, &line);
	s->transaction.mail_asked = true;
	return STEP_TRANSACTION;
}

static enum step
answer_mail(struct session *s, struct recipient *r)
{
	char what[ADDRESS_PATH_MAX + 32];

	(void)r;
	if (positive(s)) {
		s->transaction.mail_accepted = true;
		return STEP_TRANSACTION;
	}
	snprintf(what, sizeof(what), "the sender <%s>",
	    s->mail->envelope->reverse_path);
	return fail_transaction(s, STEP_MAIL, what);
}

static enum step
ask_rcpt(struct session *s)
{
	struct buf line;

	buf_init(&line, SESSION_LINE_MAX);
	command_rcpt(
	    &s->mail->envelope->recipients[s->cursor], &s->ehlo, &line);
	send_built(s, STEP_RCPT, &line);
	s->queue[s->first + s->queued - 1].recipient = (unsigned)s->cursor++;
	s->transaction.asked++;
	return STEP_TRANSACTION;
}

/* RFC 5321 section 4.5.3.1.10: the rest belongs in a further transaction. */
static bool
is_too_many(const struct session *s)
{
	return !s->mail->all_or_none && s->transaction.accepted > 0 &&
	       (s->reply.code == 452 || (s->reply.code / 100 == 4 &&
					    s->reply.enhanced.subject == 5 &&
					    s->reply.enhanced.detail == 3));
}

static void
refuse_recipient(struct session *s, struct recipient *r)
{
	char words[512];

	trouble_set(&s->refusal, &s->reply, ERROR_RECIPIENT, s->plan.smarthost,
	    rows[STEP_RCPT].doing, r->path);
	reply_words(&s->reply, words, sizeof(words));
	envelope_decide(r,
	    s->reply.code / 100 == 5 ? VERDICT_REFUSED : VERDICT_LATER,
	    s->reply.code, s->reply.enhanced, words);
	s->transaction.refused++;
}

static enum step
answer_rcpt(struct session *s, struct recipient *r)
{
	size_t index;

	index = (size_t)(r - s->mail->envelope->recipients);
	if (s->transaction.failed)
		return STEP_TRANSACTION;
	if (positive(s)) {
		r->verdict = VERDICT_ACCEPTED;
		s->transaction.accepted++;
	} else if (is_too_many(s)) {
		if (index < s->again)
			s->again = index;
	} else if (trouble_kind(&s->reply, ERROR_RECIPIENT) != ERROR_PROTOCOL) {
		refuse_recipient(s, r);
	} else {
		return fail_transaction(s, STEP_RCPT, r->path);
	}
	return STEP_TRANSACTION;
}

static enum step
ask_data(struct session *s)
{
	send_command(s, STEP_DATA, "DATA");
	s->transaction.data_asked = true;
	return STEP_TRANSACTION;
}

static enum step
begin_data(struct session *s)
{
	if (s->transaction.accepted == 0) {
		/* Pipelined DATA with nobody to send to: the shortest end. */
		send_command(s, STEP_EMPTY, ".");
		return STEP_TRANSACTION;
	}
	s->sending = true;
	expect(s, STEP_END, 0);
	trace(s, SESSION_NOTE, TEXT("the mail data follows"));
	return STEP_STAY;
}

static enum step
answer_data(struct session *s, struct recipient *r)
{
	(void)r;
	if (s->reply.code == 354)
		return begin_data(s);
	if (s->transaction.failed || s->transaction.accepted == 0)
		return STEP_TRANSACTION;
	return fail_transaction(s, STEP_DATA, "the mail data");
}

/* RFC 2920 section 3.1: with the end of the mail data, where nobody is left
 * for a further transaction. */
static void
send_early_quit(struct session *s)
{
	size_t before = s->out.len;

	if (!s->mail->last || !pipelines(s) ||
	    s->cursor < s->mail->envelope->count ||
	    s->again < s->mail->envelope->count)
		return;
	send_command(s, STEP_QUIT, "QUIT");
	s->queued--; /* its reply is not waited for */
	s->tail = s->out.len - before;
}

static int
pull_chunk(struct session *s)
{
	size_t len;

	len = s->chunk < SESSION_BURST ? (size_t)s->chunk : SESSION_BURST;
	if (wire_chunk(&s->wire, len, &s->out, &s->error) == -1)
		return -1;
	s->chunk -= len;
	s->sending = s->chunk > 0;
	return 0;
}

/* A message that cannot be read to its end must not look as if it had one: on
 * -1 the connection is to be broken before the final dot. */
static int
pull_data(struct session *s)
{
	int more;

	if (s->transaction.chunked)
		return pull_chunk(s);
	more = wire_next(&s->wire, SESSION_BURST, &s->out, &s->error);
	s->sending = more != 0;
	if (more == 0)
		send_early_quit(s);
	return more == -1 ? -1 : 0;
}

/* RSET, and the same recipients again without BDAT. */
static enum step
forgo_chunking(struct session *s)
{
	struct envelope *env = s->mail->envelope;
	size_t i;

	s->no_chunking = true;
	trace(s, SESSION_NOTE, TEXT("no BDAT after all: once more with DATA"));
	for (i = env->count; i > 0; i--) {
		if (env->recipients[i - 1].verdict != VERDICT_ACCEPTED)
			continue;
		env->recipients[i - 1].verdict = VERDICT_OPEN;
		s->again = i - 1;
	}
	begin_transaction(s);
	return STEP_RSET;
}

/* The server offered CHUNKING and does not know BDAT; as long as no chunk was
 * taken, nothing of the mail can have been. */
static bool
lacks_bdat(const struct session *s)
{
	const struct transaction *t = &s->transaction;

	return t->chunked && !t->chunk_taken && !t->failed && t->accepted > 0 &&
	       s->queued == 0 &&
	       (s->reply.code == 500 || s->reply.code == 502 ||
		   s->reply.code == 503);
}

static enum step
ask_bdat(struct session *s)
{
	bool last;

	last = s->unasked <= SESSION_CHUNK;
	s->chunk = last ? s->unasked : SESSION_CHUNK;
	s->unasked -= s->chunk;
	send_command(s, last ? STEP_END : STEP_BDAT, "BDAT %llu%s", s->chunk,
	    last ? " LAST" : "");
	s->transaction.chunked = s->transaction.data_asked = true;
	s->sending = s->chunk > 0;
	while (s->sending && (s->size <= SESSION_SMALL ||
				 s->out.len - s->sent < SESSION_BURST)) {
		if (pull_data(s) == -1)
			return STEP_BREAK;
	}
	return STEP_TRANSACTION;
}

static enum step answer_early(struct session *s);

static enum step
answer_bdat(struct session *s, struct recipient *r)
{
	(void)r;
	if (s->sending || s->sent < s->out.len)
		return answer_early(s);
	if (lacks_bdat(s))
		return forgo_chunking(s);
	if (!positive(s))
		return fail_transaction(s, STEP_BDAT, "a chunk of the mail");
	s->transaction.chunk_taken = true;
	s->transaction.data_asked = false;
	return STEP_TRANSACTION;
}

static enum step
answer_empty(struct session *s, struct recipient *r)
{
	(void)r;
	s->transaction.ended = true;
	return STEP_TRANSACTION;
}

/* The server answered before it had the whole mail: its refusal counts, an
 * acceptance cannot be one, and the rest of the data is not sent. */
static enum step
answer_early(struct session *s)
{
	trouble_set(&s->error, &s->reply, ERROR_REFUSED, s->plan.smarthost,
	    rows[STEP_BLOCK].doing, "the mail");
	return STEP_BREAK;
}

static enum step
answer_end(struct session *s, struct recipient *r)
{
	(void)r;
	if (s->sending || s->out.len - s->sent > s->tail)
		return answer_early(s);
	if (lacks_bdat(s))
		return forgo_chunking(s);
	/* A BDAT that was refused leaves the transaction open. */
	s->transaction.ended = !s->transaction.chunked || positive(s);
	if (s->transaction.failed || s->transaction.accepted == 0)
		return STEP_TRANSACTION; /* BDAT went with a MAIL or RCPT that
					  * was refused */
	s->mail->code = s->reply.code;
	reply_words(&s->reply, s->mail->words, sizeof(s->mail->words));
	if (!positive(s)) {
		/* What is neither yes nor no leaves it undecided. */
		if (trouble_kind(&s->reply, ERROR_REFUSED) == ERROR_PROTOCOL)
			expect(s, STEP_END, 0);
		return fail_transaction(s, STEP_END, "the mail");
	}
	outcome_deliver(s->mail->envelope);
	return STEP_TRANSACTION;
}

static enum step
ask_rset(struct session *s)
{
	send_command(s, STEP_RSET, "RSET");
	return STEP_STAY;
}

static enum step
answer_rset(struct session *s, struct recipient *r)
{
	(void)r;
	if (!positive(s))
		return reject(s, ERROR_REFUSED, "to begin anew");
	return s->mail != NULL ? STEP_TRANSACTION : STEP_READY;
}

/*
 * The end.
 */

static enum step
ask_over(struct session *s)
{
	sasl_free(s->sasl);
	s->sasl = NULL;
	if (s->no_chunking && s->error.kind != ERROR_NONE)
		error_hint(&s->error, "the server offers CHUNKING but does "
				      "not know BDAT: write `chunking off'");
	settle(s);
	return STEP_STAY;
}

/*
 * All of the mail is sent, and the reply that would decide is still due: with
 * a pipelined BDAT the replies to MAIL and RCPT may be due as well, and unless
 * these were refusals the server may deliver whatever becomes of us.
 */
static bool
may_be_delivered(const struct session *s)
{
	const struct transaction *t = &s->transaction;
	size_t due = s->queued;

	if (s->mail == NULL || due == 0 ||
	    s->queue[s->first + due - 1].step != STEP_END)
		return false;
	return !s->sending && s->out.len - s->sent <= s->tail && !t->failed &&
	       (t->accepted > 0 || due > 1);
}

/* Whoever was asked and has no reply may get the mail as well. */
static void
doubt(struct session *s)
{
	struct recipient *r;
	struct error e;
	size_t i;

	for (i = s->first; i < s->first + s->queued; i++) {
		r = &s->mail->envelope->recipients[s->queue[i].recipient];
		if (s->queue[i].step == STEP_RCPT && r->verdict == VERDICT_OPEN)
			r->verdict = VERDICT_ACCEPTED;
	}
	e = s->error;
	error_clear(&s->error);
	error_set(&s->error, ERROR_DOUBTFUL, e.doing,
	    "%.250s; the whole mail had been sent and may have been delivered",
	    e.text);
	strlcpy(s->error.why, e.why, sizeof(s->error.why));
}

/* The dialogue cannot go on: what was not sent is not sent any more. */
static enum step
ask_break(struct session *s)
{
	if (may_be_delivered(s) && s->error.code != 421)
		doubt(s);
	s->sending = false;
	s->out.len = s->sent;
	return STEP_OVER;
}

/* RFC 5321 section 4.1.1.10, as a courtesy: the reply is not waited for. */
static enum step
ask_quit(struct session *s)
{
	if (s->tail == 0)
		send_command(s, STEP_QUIT, "QUIT");
	return STEP_OVER;
}

void
session_quit(struct session *s)
{
	enter(s, STEP_QUIT);
}

static const struct row rows[STEP_STAY] = {
    [STEP_SECURE] = {"the TLS handshake", 2 * MINUTES, ask_nothing, NULL},
    [STEP_GREETING] = {"the greeting", 5 * MINUTES, ask_greeting,
	answer_greeting},
    [STEP_EHLO] = {"EHLO", 5 * MINUTES, ask_ehlo, answer_ehlo},
    [STEP_HELO] = {"HELO", 5 * MINUTES, ask_helo, answer_helo},
    [STEP_STARTTLS] = {"STARTTLS", 2 * MINUTES, ask_starttls, answer_starttls},
    [STEP_AUTH] = {"AUTH", 2 * MINUTES, ask_auth, answer_auth},
    [STEP_CANCEL] = {"AUTH", 2 * MINUTES, ask_nothing, answer_cancel},
    [STEP_READY] = {"the next mail", 5 * MINUTES, ask_nothing, NULL},
    [STEP_TRANSACTION] = {"the transaction", 5 * MINUTES, ask_transaction,
	NULL},
    [STEP_MAIL] = {"MAIL FROM", 5 * MINUTES, ask_mail, answer_mail},
    [STEP_RCPT] = {"RCPT TO", 5 * MINUTES, ask_rcpt, answer_rcpt},
    [STEP_DATA] = {"DATA", 2 * MINUTES, ask_data, answer_data},
    [STEP_BDAT] = {"BDAT", 3 * MINUTES, ask_bdat, answer_bdat},
    [STEP_BLOCK] = {"the mail data", 3 * MINUTES, ask_nothing, NULL},
    [STEP_END] = {"the end of the mail data", 10 * MINUTES, ask_nothing,
	answer_end},
    [STEP_EMPTY] = {"DATA", 2 * MINUTES, ask_nothing, answer_empty},
    [STEP_RSET] = {"RSET", 5 * MINUTES, ask_rset, answer_rset},
    [STEP_QUIT] = {"QUIT", 1, ask_quit, NULL},
    [STEP_BREAK] = {"the end of the session", 1, ask_break, NULL},
    [STEP_OVER] = {"the end of the session", 1, ask_over, NULL},
};

/*
 * Bytes in.
 */

/* RFC 5321 section 3.8: 421 may come at any time and closes the channel. */
static enum step
answer_closing(struct session *s, enum step step)
{
	error_set(&s->error, ERROR_LATER, rows[step].doing,
	    "%s is closing the connection", s->plan.smarthost->host);
	s->error.code = s->reply.code;
	s->error.enhanced = s->reply.enhanced;
	reply_words(&s->reply, s->error.why, sizeof(s->error.why));
	return STEP_BREAK;
}

static enum step
answer_stray(struct session *s)
{
	error_set(&s->error, ERROR_PROTOCOL, rows[waiting_for(s)].doing,
	    "%s sent a reply that nothing had asked for",
	    s->plan.smarthost->host);
	reply_words(&s->reply, s->error.why, sizeof(s->error.why));
	return STEP_BREAK;
}

/* A reply to a command that has not gone out yet is an answer to nothing,
 * but while mail data flows it may be a refusal in good time. */
static bool
is_premature(const struct session *s)
{
	return s->queued == 1 && s->sent < s->out.len &&
	       s->queue[s->first].step != STEP_END &&
	       s->queue[s->first].step != STEP_BDAT;
}

static enum step
answer(struct session *s)
{
	struct recipient *r;
	struct expected x;

	if (s->queued == 0 || is_premature(s))
		return s->reply.code == 421 ? answer_closing(s, s->step)
					    : answer_stray(s);
	x = s->queue[s->first++];
	s->queued--;
	if (s->reply.code == 421)
		return answer_closing(s, (enum step)x.step);
	r = s->mail == NULL ? NULL
			    : &s->mail->envelope->recipients[x.recipient];
	return rows[x.step].answer(s, r);
}

/* RFC 3207 section 6 and the STARTTLS injections of 2011 and 2021: whoever
 * sits in the middle may have put this in front of the TLS channel. */
static enum step
refuse_injection(struct session *s)
{
	error_set(&s->error, ERROR_PROTOCOL, "STARTTLS",
	    "%s, or someone in between, sent data before TLS was up",
	    s->plan.smarthost->host);
	error_hint(&s->error, "this may be an attack: nothing was sent");
	return STEP_BREAK;
}

static enum step
refuse_garbage(struct session *s, struct text bytes)
{
	const struct smarthost *h = s->plan.smarthost;
	struct text line;

	error_set(&s->error, ERROR_PROTOCOL, rows[waiting_for(s)].doing,
	    "%s sent what is no SMTP reply: %s", h->host, s->reply.fault);
	line = text_trim(text_first(bytes, text_find(bytes, '\n')));
	text_visible(line, s->error.why, sizeof(s->error.why));
	/* The first byte of a TLS record: alert or handshake. */
	if (s->step == STEP_GREETING && bytes.at[0] >= 0x14 &&
	    bytes.at[0] <= 0x17)
		trouble_hint_implicit_tls(&s->error, s->plan.smarthost);
	return STEP_BREAK;
}

/* A server that repeats what it was sent must not put the secret into
 * transcripts, logs and people's questions to others. */
static void
hide_echo(struct session *s)
{
	const size_t telling = 8; /* octets; less is no secret to find */

	if (s->secret.len < telling ||
	    !reply_mentions(&s->reply, buf_string(&s->secret)))
		return;
	buf_wipe(&s->reply.text);
	buf_add_string(&s->reply.text, "[the reply repeats the secret]");
}

/* Takes bytes up to the end of one reply. */
static enum step
take_reply(struct session *s, struct text *bytes)
{
	enum step next;
	size_t used;

	switch (reply_input(&s->reply, bytes->at, bytes->len, &used)) {
	case -1:
		return refuse_garbage(s, *bytes);
	case 0:
		*bytes = text_skip(*bytes, bytes->len);
		return STEP_STAY;
	default:
		*bytes = text_skip(*bytes, used);
		s->progress++;
		hide_echo(s);
		trace_reply(s);
		next = answer(s);
		reply_reset(&s->reply);
		return next;
	}
}

void
session_input(struct session *s, const char *bytes, size_t len)
{
	struct text rest = {bytes, len};

	while (rest.len > 0 && s->step != STEP_OVER)
		enter(s, s->step == STEP_SECURE ? refuse_injection(s)
						: take_reply(s, &rest));
}

void
session_closed(struct session *s, const struct error *cause)
{
	enum step step;

	if (s->step == STEP_OVER)
		return;
	step = waiting_for(s);
	if (cause->kind == ERROR_LATER)
		error_set(&s->error, ERROR_LATER, rows[step].doing, "%s",
		    cause->text);
	else
		s->error = *cause;
	if (step == STEP_GREETING)
		trouble_hint_implicit_tls(&s->error, s->plan.smarthost);
	enter(s, STEP_BREAK);
}

/*
 * Bytes out.
 */

size_t
session_output(struct session *s, const char **bytes)
{
	if (s->sent == s->out.len && s->step == STEP_TRANSACTION) {
		if (!s->sending)
			enter(s, STEP_TRANSACTION);
		else if (pull_data(s) == -1)
			enter(s, STEP_BREAK);
	}
	*bytes = text_skip(buf_text(&s->out), s->sent).at;
	return s->out.len - s->sent;
}

void
session_sent(struct session *s, size_t len)
{
	s->sent += len;
	if (s->sending && len > 0)
		s->progress++;
	if (s->sent < s->out.len)
		return;
	buf_reset(&s->out);
	s->sent = 0;
}

/*
 * Life, and what is told.
 */

struct session *
session_new(const struct session_plan *plan)
{
	struct session *s;

	s = mem_new(1, sizeof(*s));
	s->plan = *plan;
	s->auth = "-";
	reply_init(&s->reply);
	buf_init(&s->out, SESSION_OUT_MAX);
	buf_init(&s->initial, SESSION_OUT_MAX / 2);
	buf_init(&s->secret, SESSION_OUT_MAX / 2);
	enter(s, plan->smarthost->security == SMARTHOST_TLS ? STEP_SECURE
							    : STEP_GREETING);
	return s;
}

void
session_free(struct session *s)
{
	if (s == NULL)
		return;
	sasl_free(s->sasl);
	reply_clear(&s->reply);
	recode_free(s->recode);
	buf_wipe(&s->out);
	buf_wipe(&s->initial);
	buf_wipe(&s->secret);
	free(s->queue);
	free(s);
}

enum session_want
session_want(const struct session *s)
{
	if (s->step == STEP_OVER)
		return SESSION_OVER;
	if (s->step == STEP_SECURE && s->sent == s->out.len)
		return SESSION_TLS;
	return s->step == STEP_READY ? SESSION_MAIL : SESSION_PEER;
}

/* RFC 8314 section 7.3: port 465 speaks TLS at once, so that both sides wait
 * for the other where we do not. */
static bool
waits_in_vain(const struct smarthost *h)
{
	return h->port == 465 && h->security != SMARTHOST_TLS;
}

unsigned
session_timeout(const struct session *s)
{
	enum step step;
	unsigned limit, own;

	step = waiting_for(s);
	limit = rows[step].timeout;
	if (step == STEP_GREETING && waits_in_vain(s->plan.smarthost))
		limit = SESSION_VAIN;
	own = s->plan.account->timeout;
	return own == 0 || own > limit || step == STEP_END ? limit : own;
}

unsigned long
session_progress(const struct session *s)
{
	return s->progress;
}

const struct error *
session_error(const struct session *s)
{
	return &s->error;
}

const char *
session_step(const struct session *s)
{
	return rows[waiting_for(s)].doing;
}

const char *
session_auth(const struct session *s)
{
	return s->auth;
}
