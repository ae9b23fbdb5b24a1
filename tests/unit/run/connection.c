#include "../unit.h"

#include "../server.h"

/* connection with a stream that is silent at once where a test wants it. */
static enum stream_status fake_exchange(struct stream *s, const char *out,
    size_t len, size_t *sent, char *in, size_t size, size_t *got,
    long long deadline, struct error *e);
#define stream_exchange fake_exchange
#include "../../../src/run/connection.c"
#undef stream_exchange

#include "smtp/ehlo.h"

static char trust[100];
static struct account account = {.tls_trust = trust};
static struct connection_plan plan = {.account = &account, .helo = "client"};

#define AUTH "< 250-mx\n< 250-PIPELINING\n< 250 AUTH PLAIN\n> AUTH PLAIN "

static bool silent;
static long long waits[4]; /* milliseconds, of each exchange then */
static size_t exchanges;

static enum stream_status
fake_exchange(struct stream *s, const char *out, size_t len, size_t *sent,
    char *in, size_t size, size_t *got, long long deadline, struct error *e)
{
	if (!silent)
		return stream_exchange(
		    s, out, len, sent, in, size, got, deadline, e);
	assert_in_range(exchanges, 0, COUNT(waits) - 1);
	waits[exchanges++] = deadline - clock_now();
	*sent = *got = 0;
	return STREAM_TIMEOUT;
}

/* A connection that is made to a server with one script. */
struct trial {
	struct peer peer;
	struct smarthost smarthost;
	struct connection *connection;
	struct error e;
};

static struct trial
meet(enum smarthost_security security, const char *script)
{
	const char *const scripts[] = {script, NULL};
	struct trial t;

	memset(&t, 0, sizeof(t));
	t.peer = server_start(scripts);
	t.smarthost = server_smarthost(t.peer, security);
	return t;
}

static int
start(struct trial *t, int ms)
{
	t->connection = connection_new(&plan, &t->smarthost, NULL);
	return connection_start(t->connection, clock_now() + ms, &t->e);
}

static void
begin(struct trial *t)
{
	if (start(t, PEER_WAIT) == -1)
		fail_msg("%s: %s", t->e.doing, t->e.text);
}

static void
part(struct trial *t)
{
	connection_end(t->connection);
	assert_int_equal(peer_end(t->peer), 0);
}

static void
logs_in_without_a_mail(void **state)
{
	static const struct {
		enum smarthost_security security;
		const char *script;
	} rows[] = {{SMARTHOST_PLAIN,
			SERVER_EHLO AUTH "AGEAYg==\n< 235 in\n" SERVER_QUIT},
	    {SMARTHOST_TLS,
		"TLS\n" SERVER_EHLO AUTH "AGEAYg==\n< 235 in\n" SERVER_QUIT},
	    {SMARTHOST_STARTTLS, SERVER_EHLO
		"< 250-mx\n< 250 STARTTLS\n> STARTTLS\n< 220 go on\nTLS\n"
		"> EHLO \n" AUTH "AGEAYg==\n< 235 in\n" SERVER_QUIT}};
	const struct session *session;
	struct certificate shown;
	struct trial t;
	char words[100];
	size_t i;

	(void)state;
	plan.user = "a";
	plan.password = TEXT("b");
	for (i = 0; i < COUNT(rows); i++) {
		t = meet(rows[i].security, rows[i].script);
		begin(&t);
		session = connection_session(t.connection);
		assert_true(session_ehlo(session)->pipelining);
		assert_string_equal(session_auth(session), "PLAIN");
		assert_int_equal(connection_tls(t.connection) == NULL,
		    rows[i].security == SMARTHOST_PLAIN);
		if (i > 0) {
			assert_non_null(
			    strstr(tls_words(connection_tls(t.connection),
				       words, sizeof(words)),
				"TLS1.3"));
			tls_certificate(connection_tls(t.connection), &shown);
			assert_string_equal(
			    shown.issuer, "CN=sendling test ca");
		}
		assert_false(connection_is_over(t.connection));
		part(&t);
	}
	plan.user = NULL;
}

/* Nothing is said any more where the dialogue broke off; a server that refused
 * hears QUIT. */
static void
tells_why_it_cannot_start(void **state)
{
	static const struct {
		const char *script;
		enum error_kind kind;
		const char *words;
	} rows[] = {{"< 554 no\n" SERVER_QUIT, ERROR_REFUSED, "refused"},
	    {"< 421 later\n_\n", ERROR_LATER, ""},
	    {"< hello\n|\n", ERROR_PROTOCOL, ""},
	    {"", ERROR_LATER, "closed the connection"},
	    {SERVER_EHLO, ERROR_LATER, "closed the connection"},
	    {SERVER_EHLO "< 250 x\x01y\n> QUIT\n|\n", ERROR_NONE, ""}};
	struct trial t;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		t = meet(SMARTHOST_PLAIN, rows[i].script);
		start(&t, PEER_WAIT);
		assert_int_equal(t.e.kind, rows[i].kind);
		if (strstr(t.e.text, rows[i].words) == NULL)
			fail_msg("%s", t.e.text);
		assert_int_equal(connection_is_over(t.connection),
		    rows[i].kind != ERROR_NONE);
		part(&t);
	}
}

static void
fails_before_anything_connects(void **state)
{
	struct trial t = {
	    .smarthost = {.host = (char *)(uintptr_t) "127.0.0.1"}};

	(void)state;
	t.smarthost.security = SMARTHOST_TLS;
	strlcpy(trust, in_folder("nowhere.pem"), sizeof(trust));
	assert_int_equal(start(&t, PEER_WAIT), -1);
	assert_int_equal(t.e.kind, ERROR_CONFIG);
	assert_null(connection_session(t.connection));
	assert_null(connection_tls(t.connection));
	assert_true(connection_is_over(t.connection));
	connection_end(t.connection);
	strlcpy(trust, in_folder("ca.pem"), sizeof(trust));
	connection_end(NULL);
	/* A port where nobody listens. */
	t = meet(SMARTHOST_TLS, "_");
	peer_kill(t.peer);
	assert_int_equal(start(&t, PEER_WAIT), -1);
	assert_int_equal(t.e.kind, ERROR_LATER);
	assert_non_null(strstr(t.e.text, "connecting to localhost:"));
	connection_end(t.connection);
}

/* RFC 2033: without trust there is mail as long as there is no TLS. */
static void
needs_no_trust_without_tls(void **state)
{
	struct trial t = meet(SMARTHOST_OFFERED,
	    "< 220 mx\n> LHLO \n< 250-mx\n"
	    "< 250-PIPELINING\n< 250 STARTTLS\n" SERVER_MAIL
	    "< 250 taken\n" SERVER_QUIT);
	struct letter letter;

	(void)state;
	t.smarthost.lmtp = true;
	strlcpy(trust, in_folder("nowhere.pem"), sizeof(trust));
	letter_begin(&letter, 1);
	letter.mail.last = true;
	begin(&t);
	assert_int_equal(connection_mails(t.connection, &letter.mail, 1,
			     clock_in(HANG / 1000), &t.e),
	    0);
	assert_string_equal(letter.mail.words, "250 taken");
	letter_end(&letter);
	part(&t);
	strlcpy(trust, in_folder("ca.pem"), sizeof(trust));
}

static void
takes_mails(void **state)
{
	struct trial t = meet(SMARTHOST_PLAIN, SERVER_PLAIN SERVER_MAIL
	    "< 250 first\n" SERVER_MAIL "< 250 second\n" SERVER_QUIT);
	struct letter first, second;

	(void)state;
	letter_begin(&first, 1);
	letter_begin(&second, 1);
	begin(&t);
	assert_int_equal(connection_mails(t.connection, &first.mail, 1,
			     clock_in(HANG / 1000), &t.e),
	    0);
	assert_string_equal(first.mail.words, "250 first");
	second.mail.last = true;
	assert_int_equal(connection_mails(t.connection, &second.mail, 1,
			     clock_in(HANG / 1000), &t.e),
	    0);
	assert_int_equal(
	    second.envelope.recipients[0].verdict, VERDICT_DELIVERED);
	part(&t);
	letter_end(&first);
	letter_end(&second);
}

/* The second is on its way before the first is answered. */
static void
takes_several_mails_at_once(void **state)
{
	struct trial t = meet(SMARTHOST_PLAIN,
	    SERVER_PLAIN SERVER_MAIL "> RSET\n> MAIL FROM\n> RCPT TO\n"
				     "> DATA\n< 250 first\n< 250 anew\n"
				     "< 250 ok\n< 550 who\n"
				     "< 503 nobody\n" SERVER_QUIT);
	struct letter letters[2];
	struct mail mails[2];

	(void)state;
	letter_begin(&letters[0], 1);
	letter_begin(&letters[1], 1);
	mails[0] = letters[0].mail;
	mails[1] = letters[1].mail;
	begin(&t);
	assert_int_equal(connection_mails(t.connection, mails, 2,
			     clock_in(HANG / 1000), &t.e),
	    -1);
	assert_int_equal(t.e.kind, ERROR_RECIPIENT);
	assert_int_equal(mails[0].error.kind, ERROR_NONE);
	assert_int_equal(
	    letters[0].envelope.recipients[0].verdict, VERDICT_DELIVERED);
	assert_int_equal(
	    letters[1].envelope.recipients[0].verdict, VERDICT_REFUSED);
	part(&t);
	letter_end(&letters[0]);
	letter_end(&letters[1]);
}

/* A source of letters, and what became of it. */
#define LETTERS 40

struct box {
	struct letter letters[LETTERS];
	size_t count, next, back;
	bool ended; /* it said that there are no more */
};

static void
box_begin(struct box *b, size_t count)
{
	size_t i;

	memset(b, 0, sizeof(*b));
	b->count = count;
	for (i = 0; i < count; i++)
		letter_begin(&b->letters[i], 1);
}

static void
box_end(struct box *b)
{
	size_t i;

	for (i = 0; i < b->count; i++)
		letter_end(&b->letters[i]);
}

static struct mail *
box_next(void *arg)
{
	struct box *b = arg;

	assert_false(b->ended);
	b->ended = b->next == b->count;
	return b->ended ? NULL : &b->letters[b->next++].mail;
}

static void
box_done(void *arg, struct mail *mail)
{
	struct box *b = arg;

	(void)mail;
	b->back++;
}

#define CHUNK "> MAIL\n> RCPT\n> BDAT\n~ x\n"
#define YES   "< 250 s\n< 250 r\n< 250 taken\n"
#define MORE  CHUNK "> RSET\n"
#define DONE  YES "< 250 anew\n"

/* The next behind a mail whose end is out. */
#define BEHIND "> RSET\n> MAIL\n> RCPT\n> DATA\n"

/* Sixteen are under way, and for each that is answered the next comes: the
 * server says nothing more until it has. */
static void
keeps_as_many_under_way_as_may_be(void **state)
{
	char script[8000] = SERVER_EHLO
	    "< 250-mx\n< 250-CHUNKING\n< 250 PIPELINING\n" CHUNK YES;
	struct connection_source source = {box_next, box_done, NULL};
	struct trial t;
	struct box b;
	size_t i;

	(void)state;
	for (i = 0; i < 16; i++)
		strlcat(script, MORE, sizeof(script));
	for (i = 17; i < LETTERS; i++)
		strlcat(script, DONE MORE, sizeof(script));
	for (i = 0; i < 16; i++)
		strlcat(script, DONE, sizeof(script));
	strlcat(script, SERVER_QUIT, sizeof(script));
	t = meet(SMARTHOST_PLAIN, script);
	box_begin(&b, LETTERS);
	source.arg = &b;
	begin(&t);
	assert_int_equal(connection_run(t.connection, &source, 20, &t.e), 1);
	assert_int_equal(b.back, LETTERS);
	for (i = 0; i < LETTERS; i++)
		assert_int_equal(b.letters[i].envelope.recipients[0].verdict,
		    VERDICT_DELIVERED);
	assert_false(connection_is_over(t.connection));
	part(&t);
	box_end(&b);
}

/* All come back, also those that the session did not come to, and what is the
 * end of the session is told from what is a word about the mail. */
static void
gives_back_what_it_was_handed(void **state)
{
	static const struct {
		const char *script;
		int result;
		size_t handed;
		struct {
			enum verdict verdict;
			bool lost;
		} mails[3];
	} rows[] = {
	    {SERVER_PLAIN SERVER_MAIL BEHIND
		"< 250 taken\n< 250 anew\n"
		"< 550 who\n< 503 x\n< 503 x\n"
		"> MAIL\n> RCPT\n> DATA\n< 250 s\n"
		"< 450 later\n< 503 x\n" SERVER_QUIT,
		1, 3,
		{{VERDICT_DELIVERED, false}, {VERDICT_REFUSED, false},
		    {VERDICT_LATER, false}}},
	    {SERVER_EHLO "< 250-mx\n< 250-LIMITS MAILMAX=2\n"
			 "< 250 PIPELINING\n" SERVER_MAIL BEHIND
			 "< 250 taken\n< 250 anew\n< 450 x\n"
			 "< 503 x\n< 503 x\n" SERVER_QUIT,
		0, 2,
		{{VERDICT_DELIVERED, false}, {VERDICT_LATER, false},
		    {VERDICT_OPEN, false}}},
	    {SERVER_PLAIN SERVER_MAIL BEHIND "< 250 taken\n< 421 bye\n", -1, 2,
		{{VERDICT_DELIVERED, false}, {VERDICT_LATER, true},
		    {VERDICT_OPEN, false}}},
	    {SERVER_PLAIN SERVER_MAIL BEHIND, -1, 2,
		{{VERDICT_DOUBTFUL, true}, {VERDICT_LATER, true},
		    {VERDICT_OPEN, false}}},
	};
	struct connection_source source = {box_next, box_done, NULL};
	struct trial t;
	struct box b;
	size_t i, k;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		t = meet(SMARTHOST_PLAIN, rows[i].script);
		box_begin(&b, 3);
		source.arg = &b;
		begin(&t);
		assert_int_equal(
		    connection_run(t.connection, &source, 20, &t.e),
		    rows[i].result);
		assert_int_equal(t.e.kind == ERROR_NONE, rows[i].result != -1);
		assert_int_equal(b.next, rows[i].handed);
		assert_int_equal(b.back, rows[i].handed);
		for (k = 0; k < 3; k++) {
			if (b.letters[k].envelope.recipients[0].verdict !=
				rows[i].mails[k].verdict ||
			    b.letters[k].mail.lost != rows[i].mails[k].lost)
				fail_msg("row %zu mail %zu: %d", i, k,
				    b.letters[k]
					.envelope.recipients[0]
					.verdict);
		}
		part(&t);
		box_end(&b);
	}
}

/* Where, with whom, and what became of the mail. */
static void
tells_where_it_was_closed(void **state)
{
	static const struct {
		enum smarthost_security security;
		const char *script, *doing, *words;
	} rows[] = {{SMARTHOST_PLAIN, "", "the greeting", ""},
	    {SMARTHOST_PLAIN, SERVER_EHLO, "EHLO", ""},
	    {SMARTHOST_TLS, "TLS\n" SERVER_EHLO, "EHLO", " without ending TLS"},
	    {SMARTHOST_PLAIN, SERVER_PLAIN "> MAIL\n> RCPT\n> DATA\n",
		"MAIL FROM", "; the mail was not accepted"},
	    {SMARTHOST_PLAIN, SERVER_PLAIN "> MAIL\n> RCPT\n> DATA\n< 250 ok\n",
		"RCPT TO", "; the mail was not accepted"},
	    {SMARTHOST_PLAIN, SERVER_PLAIN SERVER_MAIL,
		"the end of the mail data",
		"; the whole mail had been sent and may have been delivered"}};
	char words[200];
	struct letter l;
	struct trial t;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		t = meet(rows[i].security, rows[i].script);
		letter_begin(&l, 1);
		if (start(&t, PEER_WAIT) == 0)
			connection_mails(t.connection, &l.mail, 1,
			    clock_in(HANG / 1000), &t.e);
		assert_string_equal(t.e.doing, rows[i].doing);
		snprintf(words, sizeof(words),
		    "localhost:%u (127.0.0.1): the server closed the "
		    "connection%s",
		    t.peer.port, rows[i].words);
		if (strcmp(t.e.text, words) != 0)
			fail_msg("%s: %s", t.e.doing, t.e.text);
		part(&t);
		letter_end(&l);
	}
}

/* What is no record, behind the handshake. */
static void
tells_where_tls_failed(void **state)
{
	struct trial t =
	    meet(SMARTHOST_TLS, "TLS\n" SERVER_EHLO "! neither\nx\n");
	char words[100];

	(void)state;
	assert_int_equal(start(&t, PEER_WAIT), -1);
	assert_int_equal(t.e.kind, ERROR_PROTOCOL);
	assert_string_equal(t.e.doing, "EHLO");
	snprintf(
	    words, sizeof(words), "localhost:%u (127.0.0.1): ", t.peer.port);
	assert_memory_equal(t.e.text, words, strlen(words));
	part(&t);
}

/* Whatever a step may take, and what the silence means at it. */
static void
ends_at_the_deadline(void **state)
{
	static const struct {
		enum smarthost_security security;
		const char *script;
		enum error_kind kind;
		const char *doing;
	} rows[] = {{SMARTHOST_TLS, "_\n", ERROR_LATER, "the TLS handshake"},
	    {SMARTHOST_PLAIN, "_\n", ERROR_LATER, "the greeting"},
	    {SMARTHOST_PLAIN, SERVER_PLAIN "_\n", ERROR_LATER, "MAIL FROM"},
	    {SMARTHOST_PLAIN, SERVER_PLAIN SERVER_MAIL "|\n", ERROR_DOUBTFUL,
		"the end of the mail data"}};
	const char *doing;
	struct letter l;
	struct trial t;
	long long deadline;
	size_t i;
	int ms = 300;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		t = meet(rows[i].security, rows[i].script);
		letter_begin(&l, 1);
		deadline = clock_now() + ms;
		if (start(&t, ms) == 0)
			connection_mails(
			    t.connection, &l.mail, 1, deadline, &t.e);
		assert_in_range(clock_now() - deadline, 0, HANG);
		doing = t.e.doing;
		/* A slow machine may not have come so far. */
		if (strcmp(doing, rows[i].doing) != 0 && ms < HANG / 10) {
			ms *= 10;
			i--;
		} else {
			assert_string_equal(doing, rows[i].doing);
			assert_int_equal(t.e.kind, rows[i].kind);
		}
		part(&t);
		letter_end(&l);
	}
	assert_non_null(strstr(t.e.text, "`deadline'"));
}

/* An address that does not answer costs `connect-timeout' at most, and never
 * more than is left. */
static void
gives_up_a_silent_address(void **state)
{
	static const struct {
		unsigned timeout; /* seconds */
		int left;	  /* milliseconds */
		int least;
	} rows[] = {{30, 300, 300}, {1, 30000, 1000}};
	struct peer_silence silence = peer_silent();
	struct trial t = {.peer.port = silence.port};
	long long begin;
	size_t i;

	(void)state;
	t.smarthost = server_smarthost(t.peer, SMARTHOST_PLAIN);
	for (i = 0; i < COUNT(rows); i++) {
		account.connect_timeout = rows[i].timeout;
		error_clear(&t.e);
		begin = clock_now();
		assert_int_equal(start(&t, rows[i].left), -1);
		assert_int_equal(t.e.kind, ERROR_LATER);
		assert_non_null(strstr(t.e.text, "connecting to localhost:"));
		assert_non_null(
		    strstr(t.e.text, " (127.0.0.1): no answer in "));
		assert_in_range(clock_now() - begin, rows[i].least, 29000);
		connection_end(t.connection);
	}
	account.connect_timeout = 0;
	peer_end_silence(&silence);
}

static char remarked[300];

static void
hear_remark(void *arg, const char *words)
{
	assert_ptr_equal(arg, remarked);
	assert_string_equal(remarked, ""); /* once */
	strlcpy(remarked, words, sizeof(remarked));
}

/* That no greeting comes is told to who waits for it, while there is time left;
 * in TLS it means something else. */
static void
remarks_on_silence(void **state)
{
	static const struct {
		enum smarthost_security security;
		const char *script;
		unsigned timeout; /* seconds */
		bool person;
		bool remark;
		unsigned limit;
		const char *hint;
	} rows[] = {
	    {SMARTHOST_PLAIN, "_\n", 0, true, true, 300, "smtps://localhost"},
	    {SMARTHOST_STARTTLS, "_\n", 0, true, true, 300,
		"smtps://localhost"},
	    {SMARTHOST_PLAIN, "_\n", 11, true, true, 11, "smtps://localhost"},
	    {SMARTHOST_PLAIN, "_\n", 9, true, false, 9, "smtps://localhost"},
	    {SMARTHOST_PLAIN, "_\n", 0, false, false, 300, "smtps://localhost"},
	    {SMARTHOST_TLS, "TLS\n_\n", 0, true, false, 300, "465"}};
	struct trial t;
	char words[100];
	size_t i;

	(void)state;
	plan.arg = remarked;
	silent = true;
	for (i = 0; i < COUNT(rows); i++) {
		t = meet(rows[i].security, rows[i].script);
		plan.remark = rows[i].person ? hear_remark : NULL;
		account.timeout = rows[i].timeout;
		remarked[0] = '\0';
		exchanges = 0;
		assert_int_equal(start(&t, 1000000), -1);
		assert_int_equal(exchanges, rows[i].remark ? 2 : 1);
		assert_in_range(
		    waits[0], 1, rows[i].remark ? 10000 : rows[i].limit * 1000);
		assert_in_range(waits[exchanges - 1],
		    rows[i].limit * 1000 - 8000, rows[i].limit * 1000);
		snprintf(words, sizeof(words),
		    "still waiting for a greeting; if this port speaks TLS "
		    "write `smarthost smtps://localhost:%u'",
		    t.peer.port);
		assert_string_equal(remarked, rows[i].remark ? words : "");
		assert_int_equal(t.e.kind, ERROR_LATER);
		assert_string_equal(t.e.doing, "the greeting");
		snprintf(words, sizeof(words),
		    "timed out after %u seconds without an answer from "
		    "localhost:%u (127.0.0.1)",
		    rows[i].limit, t.peer.port);
		assert_string_equal(t.e.text, words);
		assert_non_null(strstr(t.e.hint, rows[i].hint));
		part(&t);
	}
	silent = false;
	plan.remark = NULL;
	account.timeout = 0;
}

/* Who answers, though not with TLS, is neither silent nor behind a firewall. */
static void
takes_no_fault_for_silence(void **state)
{
	struct trial t = meet(SMARTHOST_TLS, "< hello\n_\n");

	(void)state;
	assert_int_equal(start(&t, PEER_WAIT), -1);
	assert_int_equal(t.e.kind, ERROR_PROTOCOL);
	assert_string_equal(t.e.hint, "");
	part(&t);
}

static void
knows_a_session_that_died(void **state)
{
	static const struct {
		const char *script;
		bool before; /* the mail */
		bool stale;
	} rows[] = {
	    /* Gone before the mail; gone when it comes; gone with it. */
	    {SERVER_PLAIN "_\n", true, true},
	    {SERVER_PLAIN "> MAIL\n> RCPT\n> DATA\n< 421 too old\n", false,
		true},
	    {SERVER_PLAIN "> MAIL\n> RCPT\n> DATA\n", false, true},
	    {SERVER_PLAIN "> MAIL\n> RCPT\n> DATA\n< 250 ok\n", false, false},
	    {SERVER_PLAIN "> MAIL\n> RCPT\n> DATA\n< 550 no\n< 503 no\n"
			  "< 503 no\n" SERVER_QUIT,
		false, false}};
	struct letter l;
	struct trial t;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		t = meet(SMARTHOST_PLAIN, rows[i].script);
		letter_begin(&l, 1);
		begin(&t);
		if (rows[i].before)
			peer_kill(t.peer);
		assert_int_equal(connection_mails(t.connection, &l.mail, 1,
				     clock_in(HANG / 1000), &t.e),
		    -1);
		assert_int_equal(
		    connection_was_stale(t.connection, &t.e), rows[i].stale);
		assert_int_equal(
		    connection_went_before(t.connection), rows[i].before);
		if (rows[i].before)
			connection_end(t.connection);
		else
			part(&t);
		letter_end(&l);
	}
}

static void
forget_password(void *arg)
{
	(void)arg;
	plan.forgotten = true;
}

/* While nothing of the last mail has left, another server may have it, and want
 * the password. */
static void
forgets_when_the_mail_is_told(void **state)
{
	static const char *const rest[] = {
	    "_\n", SERVER_MAIL "< 250 taken\n" SERVER_QUIT};
	char script[1000];
	struct letter l;
	struct trial t;
	size_t i;

	(void)state;
	plan.user = "a";
	plan.password = TEXT("b");
	plan.forget = forget_password;
	for (i = 0; i < COUNT(rest); i++) {
		snprintf(script, sizeof(script), "%s%s",
		    SERVER_EHLO AUTH "AGEAYg==\n< 235 in\n", rest[i]);
		t = meet(SMARTHOST_PLAIN, script);
		letter_begin(&l, 1);
		l.mail.last = true;
		begin(&t);
		silent = i == 0;
		exchanges = 0;
		assert_int_equal(connection_mails(t.connection, &l.mail, 1,
				     clock_in(HANG / 1000), &t.e),
		    silent ? -1 : 0);
		silent = false;
		assert_int_equal(plan.forgotten, i == 1);
		part(&t);
		letter_end(&l);
	}
	plan.user = NULL;
	plan.password = TEXT("");
	plan.forget = NULL;
	plan.forgotten = false;
}

/* A break within TLS: no QUIT, no good-bye. */
static void
drops_what_broke(void **state)
{
	struct trial t = meet(SMARTHOST_TLS, "TLS\n< hello\nx\n");

	(void)state;
	assert_int_equal(start(&t, PEER_WAIT), -1);
	assert_int_equal(t.e.kind, ERROR_PROTOCOL);
	part(&t);
}

static int
make_certs(void **state)
{
	if (folder_make_certs(state) != 0)
		return -1;
	strlcpy(trust, in_folder("ca.pem"), sizeof(trust));
	return 0;
}

/* LIMITS MAILMAX: what was not handed over is not accepted, though nothing
 * failed; and the first failure is the one that is told. */
static void
tells_of_a_mail_that_is_left(void **state)
{
	static const struct {
		const char *reply;
		enum error_kind kind;
	} rows[] = {
	    {"< 250 taken\n", ERROR_LATER}, {"< 554 no\n", ERROR_REFUSED}};
	char script[1000];
	struct letter letters[2];
	struct mail mails[2];
	struct trial t;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		snprintf(script, sizeof(script), "%s%s%s",
		    SERVER_EHLO "< 250-mx\n< 250-LIMITS MAILMAX=1\n"
				"< 250 PIPELINING\n" SERVER_MAIL,
		    rows[i].reply, SERVER_QUIT);
		t = meet(SMARTHOST_PLAIN, script);
		begin(&t);
		letter_begin(&letters[0], 1);
		letter_begin(&letters[1], 1);
		mails[0] = letters[0].mail;
		mails[1] = letters[1].mail;
		assert_int_equal(connection_mails(t.connection, mails, 2,
				     clock_in(20), &t.e),
		    -1);
		assert_int_equal(t.e.kind, rows[i].kind);
		assert_true(mails[0].settled);
		assert_false(mails[1].settled);
		letter_end(&letters[0]);
		letter_end(&letters[1]);
		part(&t);
	}
}

/* What the observer and the transcript are told, a line each. */
static char told[4000];

static void
tell_line(const char *mark, const char *words)
{
	strlcat(told, mark, sizeof(told));
	strlcat(told, words, sizeof(told));
	strlcat(told, "\n", sizeof(told));
}

static void
tell_begin(void *arg, const char *address)
{
	(void)arg;
	tell_line("begins ", address);
}

static void
tell_end(void *arg, const char *address, const char *why)
{
	(void)arg;
	tell_line(why == NULL ? "connected " : why, address);
}

static void
tell_turn(void *arg, const char *step)
{
	(void)arg;
	tell_line("turn ", step);
}

static void
tells_how_it_goes(void **state)
{
	struct trial t;

	(void)state;
	plan.observer =
	    (struct connection_observer){tell_begin, tell_end, tell_turn, NULL};
	plan.user = "a";
	plan.password = TEXT("b");
	t = meet(SMARTHOST_STARTTLS, SERVER_EHLO
	    "< 250-mx\n< 250 STARTTLS\n> STARTTLS\n< 220 go on\nTLS\n"
	    "> EHLO \n" AUTH "AGEAYg==\n< 235 in\n" SERVER_QUIT);
	begin(&t);
	assert_non_null(strstr(told, "begins 127.0.0.1\nconnected 127.0.0.1\n"
				     "turn the greeting\nturn EHLO\n"
				     "turn STARTTLS\nturn the TLS handshake\n"
				     "turn EHLO\nturn AUTH\n"));
	part(&t);
	memset(&plan.observer, 0, sizeof(plan.observer));
	plan.user = NULL;
}

static void
trace_note(void *arg, enum session_side side, struct text line)
{
	static const char *const marks[] = {"C: ", "S: ", "-- "};
	char words[1000];

	(void)arg;
	snprintf(words, sizeof(words), "%.*s", TEXT_ARG(line));
	tell_line(marks[side], words);
}

/* The certificate that is not trusted is shown too, and not where it repeats
 * the secret. */
static void
shows_whom_it_met(void **state)
{
	static char url[] = "smtps://localhost";
	struct certificate shown;
	struct tls_terms terms;
	struct trial t;

	(void)state;
	told[0] = '\0';
	plan.trace.line = trace_note;
	plan.user = "a";
	plan.password = TEXT("sendling test ca");
	t = meet(SMARTHOST_TLS, "TLS\n" SERVER_QUIT);
	t.smarthost.url = url;
	account.tls_name = url + strlen("smtps://local");
	assert_int_equal(start(&t, PEER_WAIT), -1);
	assert_int_equal(t.e.kind, ERROR_DENIED);
	assert_null(connection_tls(t.connection));
	assert_true(connection_peer(t.connection, &terms, &shown));
	assert_string_equal(terms.version, "TLS1.3");
	assert_string_equal(shown.names, "localhost");
	assert_string_equal(shown.issuer, "[the server repeats the secret]");
	assert_non_null(strstr(told, "-- connecting to 127.0.0.1 port "));
	assert_non_null(strstr(told, " for smtps://localhost\n"));
	assert_non_null(strstr(told, ": connected\n-- TLS: TLS1.3 "));
	assert_non_null(
	    strstr(told, "\n-- certificate: for localhost\n"
			 "-- certificate: issued by [the server repeats the "
			 "secret]\n-- certificate: valid 20"));
	assert_non_null(strstr(told, "\n-- certificate: tls-pin sha256:"));
	assert_non_null(strstr(told, "\n-- certificate: not taken\n"));
	assert_null(strstr(told, "test ca"));
	connection_end(t.connection);
	kill(t.peer.pid, SIGKILL);
	peer_end(t.peer);
	memset(&plan.trace, 0, sizeof(plan.trace));
	account.tls_name = NULL;
	plan.user = NULL;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(logs_in_without_a_mail),
	    cmocka_unit_test(tells_why_it_cannot_start),
	    cmocka_unit_test(fails_before_anything_connects),
	    cmocka_unit_test(needs_no_trust_without_tls),
	    cmocka_unit_test(takes_mails),
	    cmocka_unit_test(takes_several_mails_at_once),
	    cmocka_unit_test(keeps_as_many_under_way_as_may_be),
	    cmocka_unit_test(gives_back_what_it_was_handed),
	    cmocka_unit_test(tells_where_it_was_closed),
	    cmocka_unit_test(tells_where_tls_failed),
	    cmocka_unit_test(ends_at_the_deadline),
	    cmocka_unit_test(gives_up_a_silent_address),
	    cmocka_unit_test(remarks_on_silence),
	    cmocka_unit_test(takes_no_fault_for_silence),
	    cmocka_unit_test(knows_a_session_that_died),
	    cmocka_unit_test(forgets_when_the_mail_is_told),
	    cmocka_unit_test(drops_what_broke),
	    cmocka_unit_test(tells_of_a_mail_that_is_left),
	    cmocka_unit_test(tells_how_it_goes),
	    cmocka_unit_test(shows_whom_it_met)};

	return cmocka_run_group_tests(tests, make_certs, folder_remove);
}
