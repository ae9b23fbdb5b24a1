#include "run/deliver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/crypt.h"
#include "base/mem.h"
#include "world/clock.h"
#include "world/net.h"
#include "world/stream.h"
#include "world/tls.h"

#define DELIVER_INPUT (16 * 1024)

struct deliver {
	const struct deliver_plan *plan;
	struct deliver_report report;
	long long deadline;  /* of the mail */
	struct error denied; /* a login that was refused is not tried again */

	/* The connection; session is NULL where there is none. */
	const struct smarthost *smarthost;
	struct session *session;
	struct stream *stream;
	struct tls *tls;
	bool broken;		/* it ended by a break: nothing is flushed */
	char literal[80];	/* our address, where no name is known */
	unsigned long progress; /* of the session, at `since` */
	long long since;

	/* The mail. */
	struct session_mail *mail;
	bool handed_over;
	unsigned long progress_before; /* of the session, when handed over */
};

/*
 * The pump.
 */

static void
break_off(struct deliver *d, const struct error *cause)
{
	d->broken = true;
	session_closed(d->session, cause);
}

static void
time_out(struct deliver *d)
{
	struct error cause;

	error_clear(&cause);
	if (clock_now() >= d->deadline)
		error_set(&cause, ERROR_LATER, NULL,
		    "timed out: the `deadline' for the whole run is over");
	else
		error_set(&cause, ERROR_LATER, NULL,
		    "timed out after %u seconds without an answer from %s",
		    session_timeout(d->session), d->smarthost->host);
	break_off(d, &cause);
}

/* The clock of a step starts anew with each complete reply, not with each
 * byte: a server that trickles bytes holds nobody up. */
static long long
step_limit(struct deliver *d)
{
	if (d->since == 0 || session_progress(d->session) != d->progress) {
		d->progress = session_progress(d->session);
		d->since = clock_now();
	}
	return clock_earlier(
	    d->deadline, d->since + 1000LL * session_timeout(d->session));
}

static void
exchange(struct deliver *d)
{
	char in[DELIVER_INPUT];
	enum stream_status status;
	size_t got, len, sent;
	struct error cause;
	const char *out;

	error_clear(&cause);
	len = session_output(d->session, &out);
	if (session_want(d->session) != SESSION_PEER)
		return; /* the message could not be read to its end */
	status = stream_exchange(d->stream, out, len, &sent, in, sizeof(in),
	    &got, step_limit(d), &cause);
	session_sent(d->session, sent);
	if (got > 0)
		session_input(d->session, in, got);
	switch (status) {
	case STREAM_MOVED:
		break;
	case STREAM_TIMEOUT:
		time_out(d);
		break;
	case STREAM_CLOSED:
	case STREAM_FAILED:
		break_off(d, &cause);
		break;
	}
}

static void
secure(struct deliver *d)
{
	struct sasl_channel channel;
	struct error cause;

	error_clear(&cause);
	if (stream_secure(d->stream, d->tls, step_limit(d), &cause) == -1) {
		break_off(d, &cause);
		return;
	}
	memset(&channel, 0, sizeof(channel));
	tls_channel(d->tls, &channel);
	channel.local = stream_is_local(d->stream);
	tls_words(d->tls, d->report.tls, sizeof(d->report.tls));
	session_secured(d->session, &channel);
}

static void
hand_over(struct deliver *d)
{
	d->handed_over = true;
	d->since = 0;
	d->progress_before = session_progress(d->session);
	session_mail(d->session, d->mail);
}

/* Until the mail is settled or the session is over. */
static void
pump(struct deliver *d)
{
	while (!d->mail->settled) {
		switch (session_want(d->session)) {
		case SESSION_PEER:
			exchange(d);
			break;
		case SESSION_TLS:
			secure(d);
			break;
		case SESSION_MAIL:
			hand_over(d);
			break;
		case SESSION_OVER:
			return;
		}
	}
}

/*
 * A connection.
 */

/* Sends what still waits (a QUIT), unless nothing may be sent any more. */
static void
disconnect(struct deliver *d)
{
	const char *out;
	size_t len;

	if (d->session == NULL || d->broken) {
		stream_drop(d->stream);
	} else {
		if (session_want(d->session) == SESSION_MAIL)
			session_quit(d->session);
		len = session_output(d->session, &out);
		stream_end(d->stream, out, len);
	}
	session_free(d->session);
	tls_free(d->tls);
	d->session = NULL;
	d->stream = NULL;
	d->tls = NULL;
	d->broken = false;
}

static int
connect_stream(struct deliver *d, struct error *e)
{
	struct net_addresses addresses;
	unsigned seconds;

	if (net_resolve(
		d->smarthost, d->plan->account->family, &addresses, e) == -1)
		return -1;
	seconds = d->plan->account->connect_timeout;
	if (seconds == 0)
		seconds = ACCOUNT_CONNECT_TIMEOUT;
	d->stream = stream_connect(
	    &addresses, clock_earlier(d->deadline, clock_in(seconds)), e);
	net_clear(&addresses);
	return d->stream == NULL ? -1 : 0;
}

/* A nonce is for one AUTH only; base64 has no comma. */
static int
fill_nonce(char nonce[32], struct error *e)
{
	unsigned char random[18];
	struct buf base64;

	if (crypt_random(random, sizeof(random), e) == -1)
		return -1;
	buf_init(&base64, 31);
	crypt_base64(
	    (struct text){(const char *)random, sizeof(random)}, &base64);
	strlcpy(nonce, buf_string(&base64), 32);
	buf_clear(&base64);
	return 0;
}

static int
start_session(struct deliver *d, struct error *e)
{
	struct session_plan plan = {.account = d->plan->account,
	    .smarthost = d->smarthost,
	    .user = d->plan->user,
	    .helo = d->plan->helo,
	    .password = d->plan->password,
	    .trace = d->plan->trace};
	struct sasl_channel channel = {.local = stream_is_local(d->stream)};

	if (plan.helo[0] == '\0')
		plan.helo =
		    stream_literal(d->stream, d->literal, sizeof(d->literal));
	if (fill_nonce(plan.nonce, e) == -1)
		return -1;
	d->since = 0;
	d->session = session_new(&plan);
	if (d->smarthost->security != SMARTHOST_TLS)
		session_secured(d->session, &channel);
	return 0;
}

/* Trust is read before anything connects, so that it fails closed. */
static int
start_tls(struct deliver *d, struct error *e)
{
	const struct account *account = d->plan->account;

	if (d->smarthost->security == SMARTHOST_PLAIN)
		return 0;
	d->tls = tls_new(account,
	    account->tls_name != NULL ? account->tls_name : d->smarthost->host,
	    e);
	return d->tls == NULL ? -1 : 0;
}

static int
open_connection(
    struct deliver *d, const struct smarthost *smarthost, struct error *e)
{
	d->smarthost = smarthost;
	snprintf(d->report.smarthost, sizeof(d->report.smarthost), "%s:%d",
	    smarthost->host, smarthost->port);
	strlcpy(d->report.tls, "-", sizeof(d->report.tls));
	strlcpy(d->report.auth, "-", sizeof(d->report.auth));
	if (start_tls(d, e) == -1 || connect_stream(d, e) == -1 ||
	    start_session(d, e) == -1)
		return -1;
	return 0;
}

/*
 * A mail.
 */

/* The open session has the mail until it is settled. */
static int
converse(struct deliver *d, struct error *e)
{
	pump(d);
	*e = d->mail->settled ? d->mail->error : *session_error(d->session);
	strlcpy(
	    d->report.auth, session_auth(d->session), sizeof(d->report.auth));
	return e->kind == ERROR_NONE ? 0 : -1;
}

static int
attempt(struct deliver *d, const struct smarthost *smarthost, struct error *e)
{
	int result;

	result = open_connection(d, smarthost, e);
	if (result == 0)
		result = converse(d, e);
	if (d->mail->last || !d->mail->settled ||
	    session_want(d->session) == SESSION_OVER)
		disconnect(d);
	return result;
}

static bool
is_login_refused(const struct error *e)
{
	return e->kind == ERROR_DENIED && e->code != 0;
}

/* Another smarthost may do better, unless this one has had the mail, or said
 * that the login is wrong: it would be wrong there too, and count as a second
 * try. */
static bool
is_worth_another(const struct deliver *d, const struct error *e)
{
	if (d->handed_over || e->kind == ERROR_CONFIG)
		return false;
	return !is_login_refused(e);
}

static void
note_failure(const struct deliver *d, const struct error *e)
{
	const struct session_trace *trace = &d->plan->trace;
	char line[sizeof(e->text) + 80];

	if (trace->line == NULL)
		return;
	snprintf(line, sizeof(line), "%s%s%s", e->doing == NULL ? "" : e->doing,
	    e->doing == NULL ? "" : ": ", e->text);
	trace->line(trace->arg, SESSION_NOTE, text_of(line));
}

static void
try_smarthosts(struct deliver *d, struct error *e)
{
	const struct account *account = d->plan->account;
	struct error last;
	size_t i;

	for (i = 0; i < account->smarthosts.count; i++) {
		error_clear(&last);
		attempt(d, &account->smarthosts.at[i], &last);
		/* What may mend itself outweighs what the others said, but
		 * for a login that is wrong. */
		if (e->kind != ERROR_LATER || d->handed_over ||
		    is_login_refused(&last))
			*e = last;
		if (last.kind == ERROR_NONE || !is_worth_another(d, &last))
			return;
		note_failure(d, &last);
	}
}

/* Between two mails a server has nothing to say but that it goes (421, or the
 * end), and the fate of a mail that is sent into that would be doubtful. */
static bool
is_quiet(struct deliver *d)
{
	struct error unused;
	size_t got, sent;
	char in[512];

	error_clear(&unused);
	return session_want(d->session) != SESSION_MAIL ||
	       stream_exchange(d->stream, NULL, 0, &sent, in, sizeof(in), &got,
		   clock_now(), &unused) == STREAM_TIMEOUT;
}

/*
 * The session of the mail before may have died of old age, in silence or with
 * a 421. Then the mail is tried on a new one. True when the mail is settled.
 */
static bool
try_open_session(struct deliver *d, struct error *e)
{
	struct envelope *env = d->mail->envelope;
	bool too_old;
	size_t i;

	if (d->session == NULL)
		return false;
	if (!is_quiet(d)) {
		disconnect(d);
		return false;
	}
	converse(d, e);
	too_old = !d->handed_over ||
		  (e->kind == ERROR_LATER &&
		      (e->code == 421 ||
			  session_progress(d->session) == d->progress_before));
	if (session_want(d->session) == SESSION_OVER)
		disconnect(d);
	if (!too_old)
		return true;
	for (i = 0; i < env->count; i++)
		envelope_decide(&env->recipients[i], VERDICT_OPEN, 0,
		    (struct enhanced){0}, NULL);
	d->mail->settled = d->handed_over = false;
	error_clear(&d->mail->error);
	error_clear(e);
	return false;
}

struct deliver *
deliver_new(const struct deliver_plan *plan)
{
	struct deliver *d;

	d = mem_new(1, sizeof(*d));
	d->plan = plan;
	return d;
}

int
deliver_mail(struct deliver *d, struct session_mail *mail,
    struct deliver_report *report, struct error *e)
{
	const struct account *account = d->plan->account;
	long long start;
	unsigned seconds;

	start = clock_now();
	seconds = account->deadline == 0 ? ACCOUNT_DEADLINE : account->deadline;
	d->deadline = start + 1000LL * seconds;
	d->mail = mail;
	d->handed_over = false;
	error_clear(e);
	if (d->denied.kind != ERROR_NONE)
		*e = d->denied;
	else if (!try_open_session(d, e))
		try_smarthosts(d, e);
	if (e->kind == ERROR_NONE &&
	    envelope_count(mail->envelope, VERDICT_DELIVERED) !=
		mail->envelope->count)
		error_set(e, ERROR_BUG, "delivery",
		    "it ended without an answer for every recipient");
	if (is_login_refused(e))
		d->denied = *e;
	d->report.delay_ms = clock_now() - start;
	*report = d->report;
	mail->error = *e;
	d->mail = NULL;
	return e->kind == ERROR_NONE ? 0 : -1;
}

void
deliver_free(struct deliver *d)
{
	if (d == NULL)
		return;
	disconnect(d);
	free(d);
}
