#include "smtp/session.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "smtp/command.h"
#include "smtp/echo.h"
#include "smtp/flight.h"
#include "smtp/hello.h"
#include "smtp/login.h"
#include "smtp/pipeline.h"
#include "smtp/trouble.h"
#include "smtp/unasked.h"

/* Seconds for the greeting of a port that should not be spoken to so. */
#define SESSION_VAIN 20

#define STRAY "a reply that nothing had asked for"

struct session {
	struct session_plan plan;
	enum step step;
	struct error error;
	unsigned long progress;
	bool broken;
	bool closing; /* the server said so: 421 */

	struct reply reply;
	struct ehlo ehlo;
	struct hello hello;
	struct sasl_channel channel;
	struct login login;
	struct echo echo;

	struct pipeline pipeline;
	struct learned learned; /* where the plan has none */
	struct flight flight;
	struct mail *held; /* until EHLO is said once more; or NULL */
	bool last;	   /* no mail follows those */
	bool quit;	   /* has been said */
	bool heard;	   /* all that the peer has said by now */
};

/*
 * A dialogue as it mostly is: C asks, S answers, and what stands in one line
 * goes in one write.
 *
 *	SECURE    (implicit TLS)
 *	GREETING  S: 220
 *	EHLO      C: EHLO                  S: 250 and the extensions
 *	STARTTLS  C: STARTTLS              S: 220, then SECURE and EHLO again
 *	AUTH      C: AUTH PLAIN ...        S: 235
 *	FRESH     (where a token was refused) AUTH again
 *	RENEW     C: EHLO                  where a mail wishes for more
 *	READY     mails may be handed over:
 *	  MAIL      C: MAIL RCPT RCPT BDAT-LAST data    with CHUNKING
 *	  RCPT      C: MAIL RCPT RCPT DATA              without,
 *	  DATA, END C: data . QUIT                      after 354
 *	                                   S: 250 250 250 250
 *	QUIT      C: QUIT, and OVER
 *
 * The session asks for what stands at the left margin: `ask' says it and
 * returns where to go on at once, STEP_STAY to wait. The indented steps are
 * asked by the transactions, in READY. `answer' takes the reply to either and
 * returns the step that follows from it. BREAK ends a dialogue that cannot go
 * on.
 */
#define MINUTES 60u

static enum step ask_nothing(struct session *);
static enum step ask_hello(struct session *);
static enum step ask_auth(struct session *);
static enum step ask_mails(struct session *);
static enum step ask_quit(struct session *);
static enum step ask_break(struct session *);
static enum step ask_over(struct session *);

static enum step answer_hello(struct session *, const struct expected *);
static enum step answer_auth(struct session *, const struct expected *);
static enum step answer_cancel(struct session *, const struct expected *);
static enum step answer_renew(struct session *, const struct expected *);
static enum step answer_rset(struct session *, const struct expected *);
static enum step answer_mail(struct session *, const struct expected *);

static const struct {
	const char *doing;
	unsigned timeout; /* seconds, RFC 5321 section 4.5.3.2 */
	enum step (*ask)(struct session *);
	enum step (*answer)(struct session *, const struct expected *);
} rows[STEP_STAY] = {
    [STEP_SECURE] = {"the TLS handshake", 2 * MINUTES, ask_nothing, NULL},
    [STEP_FRESH] = {"AUTH", 2 * MINUTES, ask_nothing, NULL},
    [STEP_GREETING] = {"the greeting", 5 * MINUTES, ask_hello, answer_hello},
    [STEP_EHLO] = {"EHLO", 5 * MINUTES, ask_hello, answer_hello},
    [STEP_HELO] = {"HELO", 5 * MINUTES, ask_hello, answer_hello},
    [STEP_STARTTLS] = {"STARTTLS", 2 * MINUTES, ask_hello, answer_hello},
    [STEP_AUTH] = {"AUTH", 2 * MINUTES, ask_auth, answer_auth},
    [STEP_CANCEL] = {"AUTH", 2 * MINUTES, ask_nothing, answer_cancel},
    [STEP_RENEW] = {"EHLO", 5 * MINUTES, ask_hello, answer_renew},
    [STEP_READY] = {"the next mail", 5 * MINUTES, ask_mails, NULL},
    [STEP_MAIL] = {"MAIL FROM", 5 * MINUTES, NULL, answer_mail},
    [STEP_RCPT] = {"RCPT TO", 5 * MINUTES, NULL, answer_mail},
    [STEP_DATA] = {"DATA", 2 * MINUTES, NULL, answer_mail},
    [STEP_BDAT] = {"BDAT", 3 * MINUTES, NULL, answer_mail},
    [STEP_BLOCK] = {"the mail data", 3 * MINUTES, NULL, NULL},
    [STEP_END] = {"the end of the mail data", 10 * MINUTES, NULL, answer_mail},
    [STEP_EMPTY] = {"DATA", 2 * MINUTES, NULL, answer_mail},
    [STEP_RSET] = {"RSET", 5 * MINUTES, NULL, answer_rset},
    [STEP_QUIT] = {"QUIT", 1, ask_quit, NULL},
    [STEP_BREAK] = {"the end of the session", 1, ask_break, NULL},
    [STEP_OVER] = {"the end of the session", 1, ask_over, NULL},
};

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
 * What is waited for, and what is said.
 */

/* The step, in words for people. */
static const char *
words_of(const struct session *s, enum step step)
{
	if (s->plan.smarthost->lmtp &&
	    (step == STEP_EHLO || step == STEP_RENEW))
		return "LHLO";
	return rows[step].doing;
}

/* The step whose reply, or whose bytes, are due. */
static enum step
waiting_for(const struct session *s)
{
	const struct expected *head = pipeline_head(&s->pipeline);

	if (flight_is_sending(&s->flight))
		return STEP_BLOCK;
	return head == NULL ? s->step : head->step;
}

/* The reply to one of the session's own commands. */
static struct expected
due(enum step step)
{
	return (struct expected){.step = step};
}

/*
 * The beginning.
 */

static enum step
ask_nothing(struct session *s)
{
	(void)s;
	return STEP_STAY;
}

static enum step
ask_hello(struct session *s)
{
	hello_ask(&s->hello, s->step);
	return STEP_STAY;
}

static enum step
answer_hello(struct session *s, const struct expected *x)
{
	return hello_answer(
	    &s->hello, x->step, &s->reply, words_of(s, x->step), &s->error);
}

void
session_secured(struct session *s, const struct sasl_channel *channel)
{
	s->channel = *channel;
	if (s->step == STEP_SECURE)
		enter(s, s->hello.greeted ? STEP_EHLO : STEP_GREETING);
}

/*
 * AUTH.
 */

static enum step
ask_auth(struct session *s)
{
	return login_ask(&s->login, &s->error);
}

static enum step
answer_auth(struct session *s, const struct expected *x)
{
	return login_answer(
	    &s->login, &s->reply, words_of(s, x->step), &s->error);
}

static enum step
answer_cancel(struct session *s, const struct expected *x)
{
	(void)x;
	return login_cancelled(&s->login, &s->error);
}

void
session_renew(struct session *s, struct text token, const struct error *why)
{
	enum step next = login_renew(&s->login, token, why, &s->error);

	if (s->step != STEP_OVER)
		enter(s, next);
}

bool
session_is_unsettled(const struct session *s)
{
	return s->step == STEP_OVER && s->error.kind == ERROR_LATER &&
	       login_is_unsettled(&s->login);
}

/*
 * EHLO once more: some servers offer extensions only to who has logged in. It
 * costs a turn, so it takes a mail that wishes for what was not offered.
 */

static bool
wants_renewal(const struct session *s, const struct mail *mail)
{
	return s->login.done && !s->hello.renewed &&
	       command_lacks(
		   mail->envelope, &s->ehlo, message_size(mail->message));
}

static void
begin_mail(struct session *s, struct mail *mail)
{
	s->flight.terms.verified = s->channel.verified;
	flight_add(&s->flight, mail);
}

static enum step
answer_renew(struct session *s, const struct expected *x)
{
	enum step next = answer_hello(s, x);

	if (next == STEP_READY) {
		begin_mail(s, s->held);
		s->held = NULL;
	}
	return next;
}

/*
 * Mails.
 */

static enum step
ask_mails(struct session *s)
{
	if (flight_ask(&s->flight, &s->error) == -1)
		return STEP_BREAK;
	if (s->flight.count > 0 || s->step != STEP_READY)
		return STEP_STAY;
	if (s->held != NULL) /* nobody is left, so all replies are in */
		return STEP_RENEW;
	return s->last || !round_may_begin(&s->flight.terms) ? STEP_QUIT
							     : STEP_STAY;
}

static enum step
answer_mail(struct session *s, const struct expected *x)
{
	if (transaction_answer(x->transaction, x, &s->reply,
		words_of(s, x->step), &s->error) == -1)
		return STEP_BREAK;
	return STEP_READY;
}

/* Who has never taken a RSET, and calls it an error of syntax, has none, and
 * without it the next mail can begin where the one before is over. Who has, or
 * speaks of mail (RFC 5321 section 4.2.1: x5z), spoke of something else.
 * Neither has several mails under way from now on. */
static enum step
answer_rset(struct session *s, const struct expected *x)
{
	struct learned *learned = s->flight.terms.learned;
	struct transaction *t = x->transaction;
	bool goes_on = reply_accepts(&s->reply);
	enum step next;

	learned->reset |= goes_on;
	learned->no_reset |= !goes_on;
	if (!learned->reset && s->reply.code / 10 == 50)
		goes_on = t != NULL && transaction_is_closed(t);
	if (t != NULL && goes_on)
		transaction_confirm(t);
	else if (t != NULL)
		transaction_doubt_end(t);
	if (goes_on)
		return STEP_READY;
	next = trouble_reject(&s->error, &s->reply, s->plan.smarthost,
	    words_of(s, x->step), "a new beginning");
	/* The mail that waits behind it may not leave with a QUIT. */
	return flight_is_sending(&s->flight) ||
		       pipeline_waiting(&s->pipeline) > 0
		   ? STEP_BREAK
		   : next;
}

void
session_mail(struct session *s, struct mail *mail)
{
	if (wants_renewal(s, mail))
		s->held = mail;
	else
		begin_mail(s, mail);
	s->last = mail->last;
	enter(s, STEP_READY);
}

bool
session_takes_mail(const struct session *s)
{
	return s->step == STEP_READY && !s->last && s->held == NULL &&
	       flight_takes_mail(&s->flight);
}

/*
 * The end.
 */

/* All that are still under way end as the session does. */
static enum step
ask_over(struct session *s)
{
	login_end(&s->login);
	if (s->flight.terms.learned->no_chunking && s->error.kind != ERROR_NONE)
		error_hint(&s->error, "the server offers CHUNKING but does "
				      "not know BDAT: write `chunking off'");
	flight_end(&s->flight, &s->error, s->closing);
	return STEP_STAY;
}

/* The dialogue cannot go on: what was not sent is not sent any more. */
static enum step
ask_break(struct session *s)
{
	s->broken = true;
	pipeline_forget(&s->pipeline);
	return STEP_OVER;
}

/* RFC 5321 section 4.1.1.10, as a courtesy: the reply is not waited for. */
static enum step
ask_quit(struct session *s)
{
	if (!s->quit)
		pipeline_send(&s->pipeline, due(STEP_STAY), "QUIT");
	s->quit = true;
	return STEP_OVER;
}

void
session_quit(struct session *s)
{
	enter(s, STEP_QUIT);
}

/*
 * Bytes in.
 */

/* RFC 5321 section 3.8: 421 may come at any time and closes the channel. With a
 * yes behind it, it did not: who seemed to be told so may have the mail. */
static enum step
answer_closing(struct session *s, struct text behind)
{
	unasked_closing(&s->error, &s->reply, s->plan.smarthost,
	    words_of(s, waiting_for(s)));
	s->closing = !reply_says_yes(behind);
	return STEP_BREAK;
}

static enum step
answer_unasked(struct session *s, enum step step, const char *what)
{
	unasked_reply(
	    &s->error, &s->reply, s->plan.smarthost, words_of(s, step), what);
	return STEP_BREAK;
}

static enum step
answer(struct session *s, struct text behind)
{
	struct expected x;

	if (s->reply.code == 421)
		return answer_closing(s, behind);
	if (!pipeline_is_due(&s->pipeline))
		return answer_unasked(s, waiting_for(s), STRAY);
	x = pipeline_next(&s->pipeline);
	if (x.step != STEP_END ||
	    transaction_awaits_more(x.transaction, &s->reply) ||
	    !unasked_has_surplus(&s->pipeline, &s->reply, behind, s->quit))
		return rows[x.step].answer(s, &x);
	transaction_doubt(x.transaction);
	return answer_unasked(s, x.step, "more replies than it was asked for");
}

/* used: so many octets of them were taken as part of a reply. */
static enum step
refuse_garbage(struct session *s, struct text bytes, size_t used)
{
	const struct smarthost *h = s->plan.smarthost;

	echo_hide_rest(
	    &s->echo, &s->reply, text_skip(bytes, used), s->step == STEP_AUTH);
	unasked_garbage(
	    &s->error, &s->reply, h, words_of(s, waiting_for(s)), bytes);
	if (s->step == STEP_GREETING && s->reply.lines == 0)
		trouble_hint_foreign(&s->error, h, buf_text(&s->reply.line));
	return STEP_BREAK;
}

/* Takes bytes up to the end of one reply. */
static enum step
take_reply(struct session *s, struct text *bytes)
{
	enum step next;
	size_t used;

	if (s->step == STEP_SECURE) {
		unasked_before_tls(&s->error, s->plan.smarthost);
		return STEP_BREAK;
	}
	switch (reply_input(&s->reply, bytes->at, bytes->len, &used)) {
	case -1:
		return refuse_garbage(s, *bytes, used);
	case 0:
		*bytes = text_skip(*bytes, bytes->len);
		return STEP_STAY;
	default:
		*bytes = text_skip(*bytes, used);
		s->progress++;
		echo_hide(&s->echo, &s->reply, s->step == STEP_AUTH);
		pipeline_trace_reply(&s->pipeline, &s->reply);
		next = answer(s, *bytes);
		reply_reset(&s->reply);
		return next;
	}
}

void
session_input(struct session *s, const char *bytes, size_t len)
{
	struct text rest = {bytes, len};

	while (rest.len > 0 && s->step != STEP_OVER)
		enter(s, take_reply(s, &rest));
	s->heard = false;
}

/* Also the beginning of a reply is one too many. */
void
session_heard(struct session *s)
{
	s->heard = true;
	if (s->step != STEP_OVER && reply_has_begun(&s->reply) &&
	    !pipeline_is_due(&s->pipeline))
		enter(s, answer_unasked(s, waiting_for(s), STRAY));
}

void
session_closed(struct session *s, const struct error *cause)
{
	enum step step;

	if (s->step == STEP_OVER)
		return;
	step = waiting_for(s);
	s->error = *cause;
	if (cause->kind == ERROR_LATER || cause->doing == NULL)
		s->error.doing = words_of(s, step);
	echo_hide_error(&s->echo, &s->error);
	if (cause->kind == ERROR_LATER &&
	    (step == STEP_GREETING || step == STEP_SECURE))
		trouble_hint_silence(
		    &s->error, s->plan.smarthost, step == STEP_SECURE);
	enter(s, STEP_BREAK);
}

/*
 * Bytes out.
 */

/* RFC 2920 section 3.1: QUIT with the end of the mail data, where nobody is
 * left for a further round. */
static void
quit_early(struct session *s)
{
	const struct transaction *only = flight_only(&s->flight);

	if (!s->last || only == NULL || s->quit || !s->ehlo.pipelining ||
	    s->plan.account->pipelining == SWITCH_NO ||
	    !transaction_is_last_round(only))
		return;
	pipeline_send(&s->pipeline, due(STEP_STAY), "QUIT");
	s->quit = true;
}

/* More to send, where all that was asked is out: a burst, so that the end of
 * the mail data leaves with what is before it. */
static void
refill(struct session *s)
{
	while (
	    flight_is_sending(&s->flight) && pipeline_has_room(&s->pipeline)) {
		if (flight_pull(&s->flight, &s->error) == -1) {
			enter(s, STEP_BREAK);
			return;
		}
		if (!flight_is_sending(&s->flight))
			quit_early(s);
	}
	if (!flight_is_sending(&s->flight))
		enter(s, STEP_READY);
}

/* Whether with what waits to be sent a mail begins, or ends; or a login with a
 * fresh token, ahead of which the server had all the time to say a yes. */
static bool
must_hear(const struct session *s)
{
	if (s->heard)
		return false;
	return s->step == STEP_READY
		   ? flight_has(&s->flight, transaction_is_critical)
		   : login_is_unsettled(&s->login) &&
			 pipeline_waiting(&s->pipeline) > 0;
}

size_t
session_output(struct session *s, const char **bytes)
{
	struct text waiting;

	if (s->step == STEP_READY && pipeline_waiting(&s->pipeline) == 0)
		refill(s);
	if (s->step == STEP_READY)
		flight_guard(&s->flight);
	if (s->step != STEP_OVER &&
	    pipeline_check(&s->pipeline, &s->error) == -1)
		enter(s, STEP_BREAK);
	if (!must_hear(s))
		flight_leave(&s->flight);
	waiting = pipeline_output(&s->pipeline);
	*bytes = waiting.at;
	return waiting.len;
}

void
session_sent(struct session *s, size_t len)
{
	if (len > 0 && flight_is_sending(&s->flight))
		s->progress++;
	if (len > 0)
		s->heard = false;
	pipeline_sent(&s->pipeline, len);
}

void
session_torn(struct session *s, size_t len)
{
	pipeline_torn(&s->pipeline, len);
}

/*
 * Life, and what is told.
 */

static void
init_login(struct session *s)
{
	const struct session_plan *plan = &s->plan;
	struct login_terms terms = {.account = plan->account,
	    .smarthost = plan->smarthost,
	    .user = plan->user,
	    .password = plan->password,
	    .renews = plan->renews,
	    .ehlo = &s->ehlo,
	    .channel = &s->channel,
	    .pipeline = &s->pipeline,
	    .echo = &s->echo};

	memcpy(terms.nonce, plan->nonce, sizeof(terms.nonce));
	login_init(&s->login, &terms);
	s->plan.password = TEXT("");
}

struct session *
session_new(const struct session_plan *plan)
{
	struct session *s;

	s = mem_new(1, sizeof(*s));
	s->plan = *plan;
	reply_init(&s->reply);
	pipeline_init(&s->pipeline, plan->trace);
	echo_init(&s->echo, plan->password);
	init_login(s);
	s->hello.terms = (struct hello_terms){.smarthost = plan->smarthost,
	    .name = plan->helo,
	    .ehlo = &s->ehlo,
	    .login = &s->login,
	    .channel = &s->channel,
	    .pipeline = &s->pipeline};
	s->flight.terms = (struct round_terms){.account = plan->account,
	    .smarthost = plan->smarthost,
	    .ehlo = &s->ehlo,
	    .learned = plan->learned == NULL ? &s->learned : plan->learned,
	    .pipeline = &s->pipeline};
	enter(s, plan->smarthost->security == SMARTHOST_TLS ? STEP_SECURE
							    : STEP_GREETING);
	return s;
}

void
session_free(struct session *s)
{
	if (s == NULL)
		return;
	flight_clear(&s->flight);
	login_clear(&s->login);
	reply_clear(&s->reply);
	pipeline_clear(&s->pipeline);
	echo_clear(&s->echo);
	free(s);
}

enum session_want
session_want(const struct session *s)
{
	if (s->step == STEP_OVER)
		return SESSION_OVER;
	if (s->step == STEP_SECURE && pipeline_waiting(&s->pipeline) == 0)
		return SESSION_TLS;
	if (s->step == STEP_FRESH)
		return SESSION_TOKEN;
	if (must_hear(s))
		return SESSION_HEAR;
	return s->step == STEP_READY && s->flight.count == 0 && s->held == NULL
		   ? SESSION_MAIL
		   : SESSION_PEER;
}

unsigned
session_timeout(const struct session *s)
{
	const struct smarthost *h = s->plan.smarthost;
	enum step step = waiting_for(s);
	unsigned limit = rows[step].timeout, own;

	/* RFC 8314 section 7.3: port 465 speaks TLS at once, so that both
	 * sides wait for the other where we do not. */
	if (step == STEP_GREETING && h->port == 465 &&
	    h->security != SMARTHOST_TLS)
		limit = SESSION_VAIN;
	own = s->plan.account->timeout;
	return own == 0 || own > limit || step == STEP_END ? limit : own;
}

bool
session_awaits_end(const struct session *s)
{
	return flight_has(&s->flight, transaction_awaits_end);
}

bool
session_awaits_greeting(const struct session *s)
{
	return waiting_for(s) == STEP_GREETING;
}

bool
session_uploads(
    const struct session *s, unsigned long long *gone, unsigned long long *size)
{
	return flight_uploads(&s->flight, gone, size);
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
	return words_of(s, waiting_for(s));
}

const char *
session_auth(const struct session *s)
{
	return s->login.mechanism;
}

bool
session_needs_no_login(const struct session *s)
{
	const struct transaction *only = flight_only(&s->flight);

	return s->login.done && s->last && only != NULL &&
	       !transaction_may_leave(only);
}

const struct ehlo *
session_ehlo(const struct session *s)
{
	return &s->ehlo;
}

bool
session_broken(const struct session *s)
{
	return s->broken;
}

bool
session_closing(const struct session *s)
{
	return s->closing;
}

bool
session_denied(const struct session *s)
{
	return s->login.denied;
}

bool
session_logged_in(const struct session *s)
{
	return s->login.done;
}

void
session_hide(struct session *s, char *words, size_t size)
{
	echo_hide_words(&s->echo, words, size);
}
