#include "run/connection.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/crypt.h"
#include "base/mem.h"
#include "run/upload.h"
#include "smtp/flight.h"
#include "world/clock.h"
#include "world/resolve.h"
#include "world/stream.h"

#define CONNECTION_INPUT (16 * 1024)

/* Seconds without a greeting after which a person is told what that may mean.
 */
#define CONNECTION_PATIENCE 10

/* In flight, and one that waits for EHLO to be said once more. */
#define CONNECTION_MAILS (FLIGHT_MAX + 1)

struct connection {
	const struct connection_plan *plan;
	const struct smarthost *smarthost; /* or what DNS names for it */
	struct learned *learned;
	struct error failed; /* when it was opened */
	long long deadline;  /* of what is asked for now */

	struct resolve *resolve;
	size_t number; /* of the host, among those that are named */
	struct tls *tls;
	struct error no_tls; /* why there is none */
	bool shaken;	     /* a handshake was begun, */
	bool secured;	     /* and went well */
	struct stream *stream;
	struct session *session;
	char literal[80];	/* our address, where no name is known */
	unsigned long progress; /* of the session, at `since` */
	long long since;
	bool remarked; /* that it takes long */
	struct upload upload;
	bool unwatched; /* nobody looks at it */

	const struct connection_source *source; /* NULL: of none */
	bool dry;				/* it has no more */
	unsigned seconds; /* for each mail that is settled; 0: for all */
	struct mail *mails[CONNECTION_MAILS]; /* handed over, not given back */
	size_t mail_count;

	bool handed_over;	       /* the first of them */
	bool told;		       /* something since then */
	unsigned long progress_before; /* of the session, then */
};

/*
 * What is told of it.
 */

static void __attribute__((format(printf, 2, 3)))
note(const struct connection *c, const char *fmt, ...)
{
	const struct session_trace *trace = &c->plan->trace;
	char words[1000];
	va_list args;

	if (trace->line == NULL)
		return;
	va_start(args, fmt);
	vsnprintf(words, sizeof(words), fmt, args);
	va_end(args);
	trace->line(trace->arg, SESSION_NOTE, text_of(words));
}

/* " port 587", or nothing behind the path of a socket. */
static const char *
note_port(const struct connection *c, char *words, size_t size)
{
	words[0] = '\0';
	if (c->smarthost->place != SMARTHOST_SOCKET)
		snprintf(words, size, " port %u", c->smarthost->port);
	return words;
}

static void
note_begin(void *arg, const char *address)
{
	const struct connection *c = arg;
	const struct connection_observer *o = &c->plan->observer;
	char port[16];

	note(c, "connecting to %s%s for %s", address,
	    note_port(c, port, sizeof(port)), c->smarthost->url);
	if (o->begins != NULL)
		o->begins(o->arg, address);
}

static void
note_end(void *arg, const char *address, const char *why)
{
	const struct connection *c = arg;
	const struct connection_observer *o = &c->plan->observer;
	char port[16];

	note(c, "%s%s: %s", address, note_port(c, port, sizeof(port)),
	    why == NULL ? "connected" : why);
	if (o->ended != NULL)
		o->ended(o->arg, address, why);
}

static void
note_turn(const struct connection *c, const char *step)
{
	const struct connection_observer *o = &c->plan->observer;

	if (o->turn != NULL && !c->handed_over)
		o->turn(o->arg, step);
}

bool
connection_peer(const struct connection *c, struct tls_terms *terms,
    struct certificate *certificate)
{
	struct certificate *x = certificate;

	if (!c->shaken)
		return false;
	*terms = tls_terms(c->tls);
	tls_certificate(c->tls, x);
	session_hide(c->session, x->names, sizeof(x->names));
	session_hide(c->session, x->name, sizeof(x->name));
	session_hide(c->session, x->subject, sizeof(x->subject));
	session_hide(c->session, x->issuer, sizeof(x->issuer));
	return c->secured || x->sha256[0] != '\0';
}

/* Reading it costs time, so only where somebody looks. */
static void
note_peer(const struct connection *c)
{
	struct certificate x;
	struct tls_terms terms;

	if (c->plan->trace.line == NULL || !connection_peer(c, &terms, &x))
		return;
	note(c, "TLS: %s %s %s", terms.version, terms.group, terms.cipher);
	if (x.sha256[0] == '\0')
		return;
	note(c, "certificate: for %s", certificate_names(&x, "none").words);
	note(c, "certificate: issued by %s", x.issuer);
	note(c, "certificate: valid %s to %s", certificate_day(x.from).words,
	    certificate_day(x.until).words);
	note(c, "certificate: tls-pin %s", x.pin);
	note(c, "certificate: %s", c->secured ? "taken" : "not taken");
}

/*
 * The pump.
 */

/* The clock of a step starts anew with each complete reply, not with each
 * byte: a server that trickles bytes holds nobody up. */
static long long
step_limit(struct connection *c)
{
	if (c->since == 0 || session_progress(c->session) != c->progress) {
		c->progress = session_progress(c->session);
		c->since = clock_now();
	}
	return clock_earlier(
	    c->deadline, c->since + 1000LL * session_timeout(c->session));
}

/* When a person is to be told that no greeting comes, as a port that speaks TLS
 * waits for us to begin: with the end of the step at the latest. */
static long long
remark_due(const struct connection *c, long long limit)
{
	if (c->remarked || c->plan->remark == NULL ||
	    c->smarthost->security == SMARTHOST_TLS ||
	    c->smarthost->place == SMARTHOST_SOCKET || c->smarthost->lmtp ||
	    !session_awaits_greeting(c->session))
		return limit;
	return clock_earlier(limit, c->since + 1000LL * CONNECTION_PATIENCE);
}

static void
remark(struct connection *c)
{
	char url[300], words[400];

	c->remarked = true;
	snprintf(words, sizeof(words),
	    "still waiting for a greeting; if this port speaks TLS write "
	    "`smarthost %s'",
	    smarthost_url(c->smarthost, SMARTHOST_TLS, url, sizeof(url)));
	c->plan->remark(c->plan->arg, words);
}

/* At the beginning the session knows better. */
static void
hint_at_silence(const struct connection *c, bool over, struct error *cause)
{
	if (session_awaits_greeting(c->session) ||
	    session_want(c->session) == SESSION_TLS)
		return;
	if (session_awaits_end(c->session))
		error_hint(cause,
		    "see whether the mail has arrived before you send it "
		    "again");
	else
		error_hint(cause,
		    "the server, or something on the way to it, is slow or "
		    "stuck: try again later, or write a longer `%s'",
		    over ? "deadline" : "timeout");
}

/* Whom we waited for in vain, and how long. */
static void
time_out(const struct connection *c, struct error *cause)
{
	struct net_target target = stream_target(c->stream, c->smarthost);
	const bool over = clock_now() >= c->deadline;

	if (over)
		error_set(cause, ERROR_LATER, NULL,
		    CLOCK_OVER ", waiting for %s", target.words);
	else
		error_set(cause, ERROR_LATER, NULL,
		    "timed out after %u seconds without an answer from %s",
		    session_timeout(c->session), target.words);
	hint_at_silence(c, over, cause);
}

/* Asks the clock and not the octets alone, as the way to the peer may stand
 * still. */
static void
tell_upload(struct connection *c)
{
	const struct connection_plan *plan = c->plan;
	struct connection_upload step = {0};
	size_t underway;

	if (plan->uploads == NULL || c->unwatched ||
	    (!session_uploads(c->session, &step.gone, &step.size) &&
		c->upload.begun == 0))
		return;
	switch (upload_note(&c->upload, step.size, clock_now())) {
	case UPLOAD_NO_NEWS:
		return;
	case UPLOAD_STEP:
		underway = stream_underway(c->stream);
		step.begun = c->upload.begun;
		step.gone -= underway < step.gone ? underway : step.gone;
		break;
	case UPLOAD_OVER:
		step = (struct connection_upload){0};
		break;
	}
	c->unwatched = !plan->uploads(plan->arg, &step);
	if (c->unwatched)
		c->upload = (struct upload){0};
}

/* The session ends, by a cause of which it knows neither where nor with whom.
 */
static void
give_up(struct connection *c, enum stream_status status, struct error *cause)
{
	struct net_target target = stream_target(c->stream, c->smarthost);
	struct error lost;

	if (status != STREAM_TIMEOUT && cause->kind == ERROR_LATER)
		stream_blame(c->stream, cause);
	lost = *cause;
	if (status == STREAM_TIMEOUT) {
		time_out(c, cause);
	} else if (cause->kind == ERROR_LATER || cause->doing == NULL) {
		lost.kind = ERROR_NONE;
		error_set(&lost, cause->kind, cause->doing, "%s: %s",
		    target.words, cause->text);
		lost.sys = cause->sys;
		error_hint(&lost, "%s", cause->hint);
		*cause = lost;
	}
	session_closed(c->session, cause);
}

/* A mail may take long, and the server's last word too. While nothing of it was
 * told to this server another one may have it, and wants a login. */
static void
forget(const struct connection *c)
{
	const struct connection_plan *plan = c->plan;

	if (c->told && plan->forget != NULL && !plan->forgotten &&
	    session_needs_no_login(c->session))
		plan->forget(plan->arg);
}

/* Wiped behind it, as a server may repeat the secret. */
static void
input(struct connection *c, char *in, size_t len)
{
	const unsigned long before = session_progress(c->session);
	const char *step = session_step(c->session);

	session_input(c->session, in, len);
	explicit_bzero(in, len);
	if (session_progress(c->session) != before)
		note_turn(c, step);
}

/* Records that bring nothing may keep us busy, but not for ever. */
static void
hear(struct connection *c)
{
	char in[CONNECTION_INPUT];
	enum stream_status status;
	struct error cause;
	size_t got;

	error_clear(&cause);
	status = stream_hear(c->stream, in, sizeof(in), &got, &cause);
	if (got > 0)
		input(c, in, got);
	else if (status == STREAM_TIMEOUT)
		session_heard(c->session);
	else if (status != STREAM_MOVED)
		give_up(c, status, &cause);
	else if (clock_now() >= step_limit(c))
		give_up(c, STREAM_TIMEOUT, &cause);
}

/* What came with those bytes in TLS records of its own, where one read counts;
 * an end or a fault shows with the next. */
static size_t
hear_more(struct connection *c, char *in, size_t got, size_t size)
{
	struct error unused;
	size_t more = got;

	while (c->secured && more > 0 && got < size &&
	       session_awaits_end(c->session)) {
		error_clear(&unused);
		stream_hear(c->stream, in + got, size - got, &more, &unused);
		got += more;
	}
	return got;
}

static void
exchange(struct connection *c)
{
	char in[CONNECTION_INPUT];
	enum stream_status status;
	size_t got, len, sent;
	long long limit, due;
	struct error cause;
	const char *out;

	error_clear(&cause);
	len = session_output(c->session, &out);
	forget(c);
	if (session_want(c->session) != SESSION_PEER)
		return; /* or the message could not be read to its end */
	limit = step_limit(c);
	due = clock_earlier(remark_due(c, limit), upload_due(&c->upload));
	status = stream_exchange(
	    c->stream, out, len, &sent, in, sizeof(in), &got, due, &cause);
	if (status == STREAM_TIMEOUT && due < limit) {
		if (due == remark_due(c, limit))
			remark(c);
		return;
	}
	session_sent(c->session, sent);
	session_torn(c->session, stream_torn(c->stream));
	if (c->handed_over && (sent > 0 || stream_torn(c->stream) > 0))
		c->told = true;
	got = hear_more(c, in, got, sizeof(in));
	if (got > 0)
		input(c, in, got);
	if (status != STREAM_MOVED)
		give_up(c, status, &cause);
}

static void
secure(struct connection *c)
{
	struct sasl_channel channel;
	enum stream_status status;
	struct error cause;

	error_clear(&cause);
	if (c->tls == NULL) {
		session_closed(c->session, &c->no_tls);
		return;
	}
	c->shaken = true;
	status = stream_secure(c->stream, c->tls, step_limit(c), &cause);
	note_turn(c, session_step(c->session));
	c->secured = status == STREAM_MOVED;
	note_peer(c);
	if (status != STREAM_MOVED) {
		give_up(c, status, &cause);
		return;
	}
	memset(&channel, 0, sizeof(channel));
	tls_channel(c->tls, &channel);
	channel.local = stream_is_local(c->stream);
	session_secured(c->session, &channel);
}

/* The server waits, or has gone. */
static void
renew(struct connection *c)
{
	const struct connection_plan *plan = c->plan;
	struct error why;

	error_clear(&why);
	note(c, "the token was refused: a fresh one is fetched");
	if (plan->renew(plan->arg, &why) == -1)
		session_renew(c->session, TEXT(""), &why);
	else
		session_renew(c->session, plan->password, NULL);
	c->since = 0;
}

/* Those that are settled; all, where the session is over. */
static void
give_back(struct connection *c, bool all)
{
	struct mail *mail;
	size_t i, kept = 0;

	for (i = 0; i < c->mail_count; i++) {
		mail = c->mails[i];
		if (!mail->settled && !all) {
			c->mails[kept++] = mail;
			continue;
		}
		if (c->seconds > 0)
			c->deadline = clock_in(c->seconds);
		if (c->source->done != NULL)
			c->source->done(c->source->arg, mail);
	}
	c->mail_count = kept;
}

/* As many as the session takes. */
static void
hand_over(struct connection *c)
{
	struct mail *mail;

	while (!c->dry && session_takes_mail(c->session)) {
		mail = c->source->next(c->source->arg);
		c->dry = mail == NULL;
		if (c->dry)
			return;
		if (!c->handed_over)
			c->progress_before = session_progress(c->session);
		c->handed_over = true;
		c->since = 0;
		c->mails[c->mail_count++] = mail;
		session_mail(c->session, mail);
		give_back(c, false);
	}
}

/* Until the mails are settled, or the session wants one and there is none, or
 * it is over. */
static void
pump(struct connection *c)
{
	for (;;) {
		give_back(c, false);
		hand_over(c);
		tell_upload(c);
		switch (session_want(c->session)) {
		case SESSION_PEER:
			exchange(c);
			break;
		case SESSION_HEAR:
			hear(c);
			break;
		case SESSION_TLS:
			secure(c);
			break;
		case SESSION_TOKEN:
			renew(c);
			break;
		case SESSION_MAIL:
			if (c->dry)
				return;
			break;
		case SESSION_OVER:
			give_back(c, true);
			return;
		}
	}
}

/*
 * Its beginning.
 */

/* The own address picks it. */
static enum account_family
family(const struct account *a)
{
	return a->source_address == NULL
		   ? a->family
		   : account_family_of(text_of(a->source_address));
}

/* A unix socket needs none. */
static bool
by_command(const struct account *a, const struct smarthost *s)
{
	return a->connect_command != NULL && s->place != SMARTHOST_SOCKET;
}

/* Trust is read before anything connects, so that it fails closed. */
struct connection *
connection_new(const struct connection_plan *plan,
    const struct smarthost *smarthost, struct learned *learned)
{
	const struct account *account = plan->account;
	struct connection *c;

	c = mem_new(1, sizeof(*c));
	c->plan = plan;
	c->smarthost = smarthost;
	c->learned = learned;
	c->resolve = resolve_start(
	    smarthost, family(account), by_command(account, smarthost));
	/* Where TLS need not be, its faults count when it is there. */
	if (smarthost->security != SMARTHOST_PLAIN)
		c->tls = tls_new(account, smarthost,
		    smarthost->security == SMARTHOST_OFFERED ? &c->no_tls
							     : &c->failed);
	return c;
}

/* Whose name the certificate has to have is known with it. */
static int
find_host(struct connection *c, struct error *e)
{
	const struct smarthost *host;

	if (c->smarthost->place != SMARTHOST_DOMAIN && c->number == 0)
		return 0;
	host = resolve_host(c->resolve, c->number, c->deadline, e);
	if (host == NULL)
		return -1;
	c->smarthost = host;
	tls_aim(c->tls, host);
	return 0;
}

static int
connect_stream(struct connection *c, struct error *e)
{
	const struct account *account = c->plan->account;
	const struct stream_observer observer = {note_begin, note_end, c};
	const struct net_addresses *addresses;
	unsigned seconds;

	if (by_command(account, c->smarthost)) {
		note(c, "connecting to %s by `connect-command'",
		    smarthost_name(c->smarthost).words);
		c->stream = stream_connect_by(
		    account->connect_command, c->smarthost, e);
		return c->stream == NULL ? -1 : 0;
	}
	if (!net_is_at_hand(c->smarthost))
		note(c, "looking up %s", smarthost_name(c->smarthost).words);
	addresses = resolve_wait(c->resolve, c->number, c->deadline, e);
	if (addresses == NULL)
		return -1;
	seconds = account->connect_timeout;
	if (seconds == 0)
		seconds = ACCOUNT_CONNECT_TIMEOUT;
	c->stream =
	    stream_connect(c->smarthost, addresses, account->source_address,
		&observer, clock_earlier(c->deadline, clock_in(seconds)), e);
	return c->stream == NULL ? -1 : 0;
}

/* Each mail would come back as another connection, without end. */
static int
check_loop(const struct connection *c, struct error *e)
{
	const int *client = c->plan->client;

	if (client == NULL || !stream_is_loop(c->stream, *client))
		return 0;
	error_set(e, ERROR_CONFIG, NULL,
	    "%s leads back to the socket that the mail came by",
	    stream_target(c->stream, c->smarthost).words);
	return error_hint(e, "write the provider's `smarthost' into the "
			     "service's own configuration, which it reads in "
			     "place of that of users");
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
start_session(struct connection *c, struct error *e)
{
	struct session_plan plan = {.account = c->plan->account,
	    .smarthost = c->smarthost,
	    .user = c->plan->user,
	    .helo = c->plan->helo,
	    .password = c->plan->password,
	    .renews = c->plan->renew != NULL && !c->plan->renewed,
	    .trace = c->plan->trace,
	    .learned = c->learned};
	struct sasl_channel channel = {.local = stream_is_local(c->stream)};

	if (plan.helo[0] == '\0')
		plan.helo =
		    stream_literal(c->stream, c->literal, sizeof(c->literal));
	if (fill_nonce(plan.nonce, e) == -1)
		return -1;
	c->session = session_new(&plan);
	if (c->smarthost->security != SMARTHOST_TLS)
		session_secured(c->session, &channel);
	return 0;
}

/* How the session stands. */
static int
tell(const struct connection *c, struct error *e)
{
	*e = *session_error(c->session);
	return e->kind == ERROR_NONE ? 0 : -1;
}

/* Says QUIT where that can be. */
static void
hang_up(struct connection *c)
{
	const char *out;
	size_t len;

	if (c->session == NULL || session_broken(c->session)) {
		stream_drop(c->stream);
	} else {
		if (session_want(c->session) == SESSION_MAIL)
			session_quit(c->session);
		len = session_output(c->session, &out);
		session_sent(c->session, stream_end(c->stream, out, len));
	}
	session_free(c->session);
	c->stream = NULL;
	c->session = NULL;
	c->shaken = c->secured = c->remarked = false;
	c->since = 0;
}

static int
approach(struct connection *c, struct error *e)
{
	hang_up(c);
	*e = c->failed;
	if (e->kind != ERROR_NONE || find_host(c, e) == -1 ||
	    connect_stream(c, e) == -1 || check_loop(c, e) == -1 ||
	    start_session(c, e) == -1)
		return -1;
	c->dry = true;
	pump(c);
	return tell(c, e);
}

int
connection_start(struct connection *c, long long deadline, struct error *e)
{
	c->deadline = deadline;
	if (approach(c, e) == 0)
		return 0;
	if (c->session == NULL || !session_is_unsettled(c->session))
		return -1;
	if (!c->plan->renewed)
		renew(c);
	return session_is_unsettled(c->session) ? approach(c, e) : tell(c, e);
}

const struct smarthost *
connection_host(const struct connection *c)
{
	return c->smarthost;
}

/* What the host before has taught is no news of this one. */
bool
connection_next(struct connection *c)
{
	struct error unused;

	error_clear(&unused);
	if (resolve_host(c->resolve, c->number + 1, 0, &unused) == NULL)
		return false;
	hang_up(c);
	c->number++;
	if (c->learned != NULL)
		memset(c->learned, 0, sizeof(*c->learned));
	return true;
}

/*
 * A mail.
 */

static void
run_source(struct connection *c, const struct connection_source *source)
{
	c->source = source;
	c->dry = c->handed_over = c->told = false;
	pump(c);
	c->source = NULL;
	c->seconds = 0;
}

int
connection_run(struct connection *c, const struct connection_source *source,
    unsigned seconds, struct error *e)
{
	c->deadline = clock_in(seconds);
	c->seconds = seconds;
	run_source(c, source);
	if (tell(c, e) == -1)
		return -1;
	return c->dry ? 1 : 0;
}

/* Of an array. */
struct mails {
	struct mail *next;
	const struct mail *end;
};

static struct mail *
next_mail(void *arg)
{
	struct mails *m = arg;

	return m->next == m->end ? NULL : m->next++;
}

int
connection_mails(struct connection *c, struct mail *mails, size_t count,
    long long deadline, struct error *e)
{
	struct mails array = {mails, mails + count};
	const struct connection_source source = {next_mail, NULL, &array};
	size_t i;

	c->deadline = deadline;
	run_source(c, &source);
	for (i = 0; i < count && e->kind == ERROR_NONE; i++) {
		if (mails[i].settled)
			*e = mails[i].error;
		else if (tell(c, e) == 0)
			error_set(e, ERROR_LATER, NULL,
			    "%s takes no more mails in this session",
			    c->smarthost->host);
	}
	return e->kind == ERROR_NONE ? 0 : -1;
}

bool
connection_went_before(const struct connection *c)
{
	const enum error_kind kind = session_error(c->session)->kind;

	return !c->told && session_broken(c->session) &&
	       (kind == ERROR_LATER || kind == ERROR_PROTOCOL);
}

bool
connection_is_over(const struct connection *c)
{
	return c->session == NULL || session_want(c->session) == SESSION_OVER;
}

bool
connection_was_stale(const struct connection *c, const struct error *e)
{
	return !c->handed_over ||
	       (e->kind == ERROR_LATER &&
		   (session_closing(c->session) ||
		       session_progress(c->session) == c->progress_before));
}

/*
 * What is told, and the end.
 */

const struct session *
connection_session(const struct connection *c)
{
	return c->session;
}

const struct tls *
connection_tls(const struct connection *c)
{
	return c->secured ? c->tls : NULL;
}

void
connection_end(struct connection *c)
{
	if (c == NULL)
		return;
	hang_up(c);
	tls_free(c->tls);
	resolve_free(c->resolve);
	free(c);
}
