#include "../unit.h"

/* Transactions as a session drives them. */
#include "smtp/session.h"

#define GREETING "220 mx\r\n"
#define EHLO	 "250-mx\r\n250-PIPELINING\r\n250 DSN\r\n"

struct trial {
	struct account account;
	struct smarthost smarthost;
	struct learned learned;
	struct session *session;
	struct buf heard;
	struct mail mail;
	struct envelope envelope;
	struct buf seen; /* by the observers */
};

static void
note_ending(void *arg, const struct mail *mail)
{
	struct trial *t = arg;

	assert_ptr_equal(mail, &t->mail);
	/* Nothing of the end has left. */
	assert_null(strstr(buf_string(&t->heard), "\r\n.\r\n"));
	buf_add_string(&t->seen, "ending;");
}

static void
note_answered(void *arg, const struct mail *mail, size_t recipient)
{
	struct trial *t = arg;

	buf_format(&t->seen, "%d %zu delivered, for %zu;", mail->code,
	    envelope_count(mail->envelope, VERDICT_DELIVERED), recipient);
}

static void
begin(struct trial *t, size_t recipients)
{
	char path[40];
	struct error e;
	size_t i;

	memset(t, 0, sizeof(*t));
	error_clear(&e);
	t->smarthost = (struct smarthost){.security = SMARTHOST_PLAIN,
	    .host = (char *)(uintptr_t) "mx",
	    .port = 25};
	envelope_init(&t->envelope);
	for (i = 0; i < recipients; i++) {
		snprintf(path, sizeof(path), "r%zu@example.org", i);
		assert_int_equal(
		    envelope_add(&t->envelope, text_of(path), &e), 1);
	}
	t->mail = (struct mail){.envelope = &t->envelope,
	    .message = message_new(NULL),
	    .last = true,
	    .observer = {note_ending, note_answered, t}};
	message_input(t->mail.message, "From: a@b\r\n\r\nx\r\n", 16, &e);
	assert_int_equal(message_end(t->mail.message, &e), 0);
	buf_init(&t->heard, 1 << 24);
	buf_init(&t->seen, 1 << 16);
}

static void
connect_session(struct trial *t)
{
	const struct sasl_channel channel = {.local = true};
	struct session_plan plan = {.account = &t->account,
	    .smarthost = &t->smarthost,
	    .helo = "client",
	    .nonce = "n",
	    .learned = &t->learned};

	session_free(t->session);
	buf_reset(&t->heard);
	t->session = session_new(&plan);
	session_secured(t->session, &channel);
	session_input(t->session, GREETING, strlen(GREETING));
	session_input(t->session, "", 0);
}

/* All that the client says now; how many lines begin with the word. */
static size_t
hear(struct trial *t, const char *word)
{
	struct text line, rest;
	const char *bytes;
	size_t count = 0, len;

	buf_reset(&t->heard);
	while ((len = session_output(t->session, &bytes)) > 0) {
		if (session_want(t->session) == SESSION_HEAR) {
			session_heard(t->session);
			continue;
		}
		buf_add(&t->heard, bytes, len);
		session_sent(t->session, len);
	}
	rest = buf_text(&t->heard);
	while (text_next_line(&rest, &line))
		count += text_starts_fold(line, text_of(word));
	return count;
}

static void
say(struct trial *t, const char *reply, size_t times)
{
	while (times-- > 0)
		session_input(t->session, reply, strlen(reply));
}

/* Answers what was heard, as a server does that takes all but one: 452. How
 * many mails were begun in it. */
static size_t
answer_all(struct trial *t, const char *full)
{
	struct text line, rest = buf_text(&t->heard);
	char words[200];
	size_t mails = 0;

	while (text_next_line(&rest, &line)) {
		snprintf(words, sizeof(words), "%.*s", TEXT_ARG(line));
		mails += strncmp(words, "MAIL", 4) == 0;
		if (strncmp(words, "RCPT", 4) == 0)
			say(t,
			    strstr(words, full) != NULL ? "452 4.5.3 no\r\n"
							: "250 ok\r\n",
			    1);
		else if (strcmp(words, "DATA") == 0)
			say(t, "354 go\r\n", 1);
		else if (strncmp(words, "MAIL", 4) == 0 ||
			 strcmp(words, ".") == 0)
			say(t, "250 ok\r\n", 1);
	}
	return mails;
}

static void
greet(struct trial *t, const char *ehlo)
{
	connect_session(t);
	assert_int_equal(hear(t, "EHLO"), 1);
	say(t, ehlo, 1);
	assert_int_equal(session_want(t->session), SESSION_MAIL);
	assert_true(session_takes_mail(t->session));
}

static void
end(struct trial *t)
{
	session_free(t->session);
	message_free(t->mail.message);
	envelope_clear(&t->envelope);
	buf_clear(&t->heard);
	buf_clear(&t->seen);
}

/* At most so many replies to RCPT are due at a time, and half of them are asked
 * for at once. */
static void
recipients_are_asked_within_a_window(void **state)
{
	struct trial t;
	size_t i;

	(void)state;
	begin(&t, 250);
	greet(&t, EHLO);
	session_mail(t.session, &t.mail);
	assert_int_equal(hear(&t, "RCPT"), ROUND_WINDOW);
	say(&t, "250 ok\r\n", 1); /* MAIL */
	assert_int_equal(hear(&t, "RCPT"), 0);
	for (i = 0; i < 3; i++) {
		say(&t, "250 ok\r\n", 50);
		assert_int_equal(hear(&t, "RCPT"), 0);
		say(&t, "250 ok\r\n", 1);
		assert_int_equal(hear(&t, "RCPT"), i < 2 ? 51 : 48);
	}
	assert_int_equal(hear(&t, "DATA"), 0);
	say(&t, "250 ok\r\n", 96);
	assert_int_equal(hear(&t, "x"), 0);
	say(&t, "250 ok\r\n", 1);
	say(&t, "354 go\r\n", 1);
	hear(&t, "x");
	say(&t, "250 taken\r\n", 1);
	assert_true(t.mail.settled);
	assert_int_equal(envelope_count(&t.envelope, VERDICT_DELIVERED), 250);
	end(&t);
}

/* Also where the next mail is on its way before the first is answered. */
static void
mails_share_the_window(void **state)
{
	struct trial t, next;

	(void)state;
	begin(&t, 70);
	begin(&next, 70);
	t.learned.chunking = true;
	t.mail.last = false;
	next.mail.observer = (struct mail_observer){NULL, NULL, NULL};
	greet(&t, "250-mx\r\n250-PIPELINING\r\n250 CHUNKING\r\n");
	session_mail(t.session, &t.mail);
	assert_int_equal(hear(&t, "RCPT"), 70);
	assert_true(session_takes_mail(t.session));
	session_mail(t.session, &next.mail);
	assert_int_equal(hear(&t, "RCPT"), 30);
	say(&t, "250 ok\r\n", 1); /* MAIL */
	assert_int_equal(hear(&t, "RCPT"), 0);
	say(&t, "250 ok\r\n", 50);
	assert_int_equal(hear(&t, "RCPT"), 0);
	say(&t, "250 ok\r\n", 1);
	assert_int_equal(hear(&t, "RCPT"), 40);
	say(&t, "250 ok\r\n", 19 + 1);
	assert_false(t.mail.settled);
	say(&t, "250 ok\r\n", 1); /* RSET */
	assert_true(t.mail.settled);
	say(&t, "250 ok\r\n", 1 + 70 + 1 + 1);
	assert_true(next.mail.settled);
	assert_int_equal(envelope_count(&next.envelope, VERDICT_DELIVERED), 70);
	end(&t);
	end(&next);
}

/* One of LMTP is at the end of the data, with so many accepted. */
static void
begin_lmtp(struct trial *t, size_t recipients, const char *rcpt)
{
	begin(t, recipients);
	t->smarthost.lmtp = true;
	connect_session(t);
	assert_int_equal(hear(t, "LHLO"), 1);
	say(t, EHLO, 1);
	session_mail(t->session, &t->mail);
	assert_int_equal(hear(t, "RCPT"), recipients);
	say(t, "250 ok\r\n", 1);
	say(t, rcpt, 1);
	say(t, "354 go on\r\n", 1);
	assert_int_equal(hear(t, "."), 1);
}

/* RFC 2033: whoever writes down how far a mail is learns it of each. */
static void
each_recipient_has_an_answer_in_lmtp(void **state)
{
	struct trial t;

	(void)state;
	begin_lmtp(&t, 3, "250 ok\r\n550 no\r\n250 ok\r\n");
	say(&t, "450 no\r\n", 1);
	assert_string_equal(
	    buf_string(&t.seen), "ending;450 0 delivered, for 1;");
	assert_false(t.mail.settled);
	say(&t, "250 ok\r\n", 1);
	assert_string_equal(buf_string(&t.seen),
	    "ending;450 0 delivered, for 1;250 1 delivered, for 3;"
	    "250 1 delivered, for 0;");
	assert_true(t.mail.settled);
	assert_int_equal(t.mail.error.kind, ERROR_REFUSED);
	end(&t);
}

/* What a server said that took the mail is kept, whatever it says of others. */
static void
a_yes_is_what_is_told_in_lmtp(void **state)
{
	struct trial t;

	(void)state;
	begin_lmtp(&t, 2, "250 ok\r\n250 ok\r\n");
	say(&t, "250 saved as 1\r\n", 1);
	say(&t, "450 no\r\n", 1);
	assert_true(t.mail.settled);
	assert_int_equal(t.mail.code, 250);
	assert_string_equal(t.mail.words, "250 saved as 1");
	end(&t);
}

/* A limit that was announced is the size of a round, and does not widen the
 * window. */
static void
an_announced_limit_is_the_size_of_a_round(void **state)
{
	static const struct {
		const char *limits;
		size_t asked, in_all;
	} rows[] = {{"LIMITS RCPTMAX=7", 7, 7},
	    {"LIMITS RCPTMAX=120", 100, 120},
	    {"LIMITS RCPTMAX=100000", 100, 250}};
	char ehlo[100];
	struct trial t;
	size_t asked, i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		begin(&t, 250);
		snprintf(ehlo, sizeof(ehlo),
		    "250-mx\r\n250-PIPELINING\r\n250 %s\r\n", rows[i].limits);
		greet(&t, ehlo);
		session_mail(t.session, &t.mail);
		asked = hear(&t, "RCPT");
		assert_int_equal(asked, rows[i].asked);
		say(&t, "250 ok\r\n", 1 + asked);
		asked += hear(&t, "RCPT");
		say(&t, "250 ok\r\n", 100);
		asked += hear(&t, "RCPT");
		assert_int_equal(asked, rows[i].in_all);
		end(&t);
	}
}

/* What stops the asking is told to the next session with this smarthost. */
static void
a_limit_is_learned_for_the_run(void **state)
{
	const struct error gone = {.kind = ERROR_LATER, .text = "gone"};
	struct trial t;

	(void)state;
	begin(&t, 250);
	greet(&t, EHLO);
	session_mail(t.session, &t.mail);
	hear(&t, "RCPT");
	say(&t, "250 ok\r\n", 1 + 70);
	hear(&t, "RCPT");
	say(&t, "452 4.5.3 too many\r\n", 1);
	assert_int_equal(hear(&t, "RCPT"), 0);
	assert_int_equal(t.learned.rcptmax, 70);
	say(&t, "421 4.7.0 too many errors\r\n", 1);
	assert_true(t.mail.settled);
	assert_true(t.mail.again);
	assert_int_equal(t.mail.error.kind, ERROR_LATER);

	mail_reopen(&t.mail);
	assert_int_equal(envelope_count(&t.envelope, VERDICT_OPEN), 250);
	greet(&t, EHLO);
	session_mail(t.session, &t.mail);
	assert_int_equal(hear(&t, "RCPT"), 70);
	say(&t, "250 ok\r\n", 1 + 70);
	say(&t, "354 go\r\n", 1);
	hear(&t, "x");
	say(&t, "250 taken\r\n", 1);
	assert_false(t.mail.settled);
	assert_int_equal(hear(&t, "RCPT"), 70);
	session_closed(t.session, &gone);
	assert_int_equal(envelope_count(&t.envelope, VERDICT_DELIVERED), 70);
	assert_false(t.mail.again);
	end(&t);
}

/* A full mailbox is no limit. */
static void
a_full_mailbox_stops_nobody(void **state)
{
	struct trial t;

	(void)state;
	begin(&t, 3);
	greet(&t, EHLO);
	session_mail(t.session, &t.mail);
	hear(&t, "RCPT");
	say(&t, "250 ok\r\n", 2);
	say(&t, "452 4.2.2 mailbox full\r\n", 1);
	say(&t, "250 ok\r\n", 1);
	assert_int_equal(t.learned.rcptmax, 0);
	say(&t, "354 go\r\n", 1);
	hear(&t, "x");
	say(&t, "250 taken\r\n", 1);
	assert_true(t.mail.settled);
	assert_int_equal(envelope_count(&t.envelope, VERDICT_LATER), 1);
	assert_int_equal(envelope_count(&t.envelope, VERDICT_DELIVERED), 2);
	end(&t);
}

/* Some say 452 of one mailbox, as if it were too many: who is accepted behind
 * shows that it is not, and so does being refused alone. */
static void
one_mailbox_is_no_limit(void **state)
{
	static const char *const ehlos[] = {EHLO, "250 mx\r\n"};
	struct trial t;
	size_t i, mails;

	(void)state;
	for (i = 0; i < COUNT(ehlos); i++) {
		begin(&t, 150);
		greet(&t, ehlos[i]);
		session_mail(t.session, &t.mail);
		for (mails = 0; hear(&t, "never") == 0 && t.heard.len > 0;)
			mails += answer_all(&t, "r1@");
		assert_true(t.mail.settled);
		assert_int_equal(t.learned.rcptmax, 0);
		assert_int_equal(
		    envelope_count(&t.envelope, VERDICT_DELIVERED), 149);
		assert_int_equal(envelope_count(&t.envelope, VERDICT_LATER), 1);
		assert_int_equal(mails, 2);
		end(&t);
	}
}

static void
observers_are_told_before_and_after(void **state)
{
	struct trial t;

	(void)state;
	begin(&t, 2);
	greet(&t, EHLO);
	session_mail(t.session, &t.mail);
	hear(&t, "x");
	say(&t, "250 ok\r\n", 2);
	say(&t, "550 5.1.1 no\r\n", 1);
	say(&t, "354 go\r\n", 1);
	assert_string_equal(buf_string(&t.seen), "");
	hear(&t, "x");
	assert_string_equal(buf_string(&t.seen), "ending;");
	say(&t, "250 taken\r\n", 1);
	assert_string_equal(
	    buf_string(&t.seen), "ending;250 1 delivered, for 0;");
	end(&t);
}

/* With BDAT the end may leave before anyone is accepted; a refusal is told. */
static void
observers_are_told_of_a_refusal(void **state)
{
	struct trial t;

	(void)state;
	begin(&t, 1);
	greet(&t, "250-mx\r\n250-PIPELINING\r\n250 CHUNKING\r\n");
	session_mail(t.session, &t.mail);
	hear(&t, "x");
	assert_string_equal(buf_string(&t.seen), "ending;");
	say(&t, "250 ok\r\n", 2);
	say(&t, "554 5.6.0 not this\r\n", 1);
	assert_string_equal(
	    buf_string(&t.seen), "ending;554 0 delivered, for 0;");
	end(&t);
}

/* Delivered stays delivered, refused stays refused, and who was not open when
 * the mail was handed over is not asked for. */
static void
only_the_open_are_opened_again(void **state)
{
	static const struct {
		enum verdict before, after, again;
	} rows[] = {
	    {VERDICT_OPEN, VERDICT_LATER, VERDICT_OPEN},
	    {VERDICT_OPEN, VERDICT_OPEN, VERDICT_OPEN},
	    {VERDICT_OPEN, VERDICT_DELIVERED, VERDICT_DELIVERED},
	    {VERDICT_OPEN, VERDICT_DOUBTFUL, VERDICT_DOUBTFUL},
	    {VERDICT_OPEN, VERDICT_REFUSED, VERDICT_REFUSED},
	    {VERDICT_LATER, VERDICT_LATER, VERDICT_LATER},
	    {VERDICT_DELIVERED, VERDICT_DELIVERED, VERDICT_DELIVERED},
	};
	struct recipient *r;
	struct trial t;
	size_t i;

	(void)state;
	begin(&t, COUNT(rows));
	r = t.envelope.recipients;
	for (i = 0; i < COUNT(rows); i++)
		r[i].verdict = (unsigned char)rows[i].before;
	greet(&t, EHLO);
	session_mail(t.session, &t.mail);
	assert_int_equal(hear(&t, "RCPT"), 5);
	for (i = 0; i < COUNT(rows); i++)
		r[i].verdict = (unsigned char)rows[i].after;
	mail_reopen(&t.mail);
	for (i = 0; i < COUNT(rows); i++)
		assert_int_equal(r[i].verdict, rows[i].again);
	end(&t);
}

/* How a session ends says nothing of the mail that is on its way, whatever kind
 * of end it is: it may go with another one. */
static void
the_end_of_a_session_is_no_word_about_the_mail(void **state)
{
	static const enum error_kind kinds[] = {
	    ERROR_LATER, ERROR_PROTOCOL, ERROR_REFUSED};
	struct error cause = {.text = "gone"};
	struct recipient *r;
	struct trial t;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(kinds); i++) {
		begin(&t, 2);
		r = t.envelope.recipients;
		greet(&t, EHLO);
		session_mail(t.session, &t.mail);
		hear(&t, "RCPT");
		say(&t, "250 ok\r\n", 1);
		say(&t, "550 who\r\n", 1);
		cause.kind = kinds[i];
		session_closed(t.session, &cause);
		assert_true(t.mail.settled);
		assert_true(t.mail.lost);
		mail_reopen(&t.mail);
		assert_false(t.mail.lost);
		assert_int_equal(r[0].verdict, VERDICT_REFUSED);
		assert_int_equal(r[1].verdict, VERDICT_OPEN);
		end(&t);
	}
}

/* But a refusal in the midst of its data is one, though it ends the session. */
static void
an_early_refusal_is_a_word_about_the_mail(void **state)
{
	struct trial t;

	(void)state;
	begin(&t, 1);
	greet(&t, EHLO);
	session_mail(t.session, &t.mail);
	hear(&t, "DATA");
	say(&t, "250 ok\r\n", 2);
	say(&t, "354 go\r\n", 1);
	say(&t, "554 no\r\n", 1);
	assert_int_equal(session_want(t.session), SESSION_OVER);
	assert_true(t.mail.settled);
	assert_false(t.mail.lost);
	assert_int_equal(t.envelope.recipients[0].verdict, VERDICT_REFUSED);
	end(&t);
}

/* Nobody interrupts a mail in the middle of its commands, and with BDAT no
 * second one follows before it is known to work. */
static void
a_second_mail_is_taken_when_the_first_is_asked(void **state)
{
	struct envelope other;
	struct trial t;
	struct mail next;
	struct error e;

	(void)state;
	error_clear(&e);
	begin(&t, 1);
	t.mail.last = false;
	envelope_init(&other);
	envelope_add(&other, TEXT("other@example.org"), &e);
	next = t.mail;
	next.envelope = &other;
	next.observer.ending = NULL;
	greet(&t, EHLO);
	session_mail(t.session, &t.mail);
	assert_false(session_takes_mail(t.session));
	hear(&t, "x");
	say(&t, "250 ok\r\n", 2);
	assert_false(session_takes_mail(t.session));
	say(&t, "354 go\r\n", 1);
	assert_false(session_takes_mail(t.session));
	hear(&t, "x");
	assert_true(session_takes_mail(t.session));
	session_mail(t.session, &next);
	assert_int_equal(hear(&t, "MAIL"), 1);
	assert_false(t.mail.settled);
	say(&t, "250 taken\r\n", 1);
	assert_false(t.mail.settled);
	say(&t, "250 anew\r\n", 1);
	assert_true(t.mail.settled);
	assert_false(next.settled);
	envelope_clear(&other);
	end(&t);
}

/* With another behind it what is said to a mail holds, and is told, when its
 * RSET is answered: a yes, or a server that knows none, or the end of the
 * session. A refusal may have been the mail's. */
static void
what_was_said_holds_with_rset(void **state)
{
#define YES "250 1 delivered, for 0;"
	static const struct {
		bool lmtp;
		const char *reply; /* NULL: the connection is lost */
		const char *told;
		enum verdict verdict;
		bool over;
		bool known; /* it took one before */
	} rows[] = {
	    {false, "250 ok", YES, VERDICT_DELIVERED, false, false},
	    {true, "250 ok", YES, VERDICT_DELIVERED, false, false},
	    {false, "502 what", YES, VERDICT_DELIVERED, false, false},
	    {true, "503 what", YES, VERDICT_DELIVERED, false, false},
	    {false, "554 spam", "", VERDICT_DOUBTFUL, true, false},
	    {true, "452 full", "", VERDICT_DOUBTFUL, true, false},
	    {false, "421 bye", YES, VERDICT_DELIVERED, true, false},
	    {false, NULL, YES, VERDICT_DELIVERED, true, false},
	    {false, "354 go", "", VERDICT_DOUBTFUL, true, false},
	    {false, "554 spam", "", VERDICT_DOUBTFUL, true, true},
	    {false, "500 what", "", VERDICT_DOUBTFUL, true, true},
	    {false, "452 full", "", VERDICT_DOUBTFUL, true, true},
	    {true, "554 spam", "", VERDICT_DOUBTFUL, true, true},
	};
#undef YES
	struct trial t, next;
	struct error lost;
	size_t i;

	(void)state;
	error_clear(&lost);
	error_set(&lost, ERROR_LATER, NULL, "lost");
	for (i = 0; i < COUNT(rows); i++) {
		begin(&t, 1);
		begin(&next, 1);
		next.mail.observer = (struct mail_observer){NULL, NULL, NULL};
		t.mail.last = false;
		t.smarthost.lmtp = rows[i].lmtp;
		t.learned.reset = rows[i].known;
		connect_session(&t);
		hear(&t, "x");
		say(&t, EHLO, 1);
		session_mail(t.session, &t.mail);
		hear(&t, "x");
		say(&t, "250 ok\r\n", 2);
		say(&t, "354 go\r\n", 1);
		hear(&t, "x");
		session_mail(t.session, &next.mail);
		assert_int_equal(hear(&t, "RSET"), 1);
		buf_reset(&t.seen);
		say(&t, "250 taken\r\n", 1);
		assert_false(t.mail.settled);
		assert_string_equal(buf_string(&t.seen), "");
		if (rows[i].reply == NULL)
			session_closed(t.session, &lost);
		else {
			say(&t, rows[i].reply, 1);
			say(&t, "\r\n", 1);
		}
		assert_true(t.mail.settled);
		assert_string_equal(buf_string(&t.seen), rows[i].told);
		assert_int_equal(
		    t.envelope.recipients[0].verdict, rows[i].verdict);
		assert_int_equal(
		    session_want(t.session) == SESSION_OVER, rows[i].over);
		assert_int_equal(t.mail.lost, *rows[i].told == '\0');
		end(&t);
		end(&next);
	}
}

/* Sends all but the last `kept` octets of what the client has to say, and of
 * the next ones `torn` may have left in part. */
static void
tear(struct trial *t, size_t kept, size_t torn)
{
	const char *bytes;
	size_t len;

	session_output(t->session, &bytes);
	session_heard(t->session);
	len = session_output(t->session, &bytes);
	assert_true(len >= kept);
	session_sent(t->session, len - kept);
	session_torn(t->session, torn);
}

/* From the first octet of what ends the mail on nobody knows what becomes of
 * it; before that it is not sent. */
static void
a_torn_end_is_doubtful(void **state)
{
	static const struct {
		const char *ehlo;
		size_t kept, torn;
		const char *reply; /* NULL: the connection is lost */
		enum error_kind kind;
	} rows[] = {
	    {EHLO, 3, 0, NULL, ERROR_LATER},
	    {EHLO, 2, 0, NULL, ERROR_DOUBTFUL},
	    {EHLO, 0, 0, NULL, ERROR_DOUBTFUL},
	    {EHLO, 10, 0, NULL, ERROR_LATER},
	    {EHLO, 10, 7, NULL, ERROR_LATER},
	    {EHLO, 10, 10, NULL, ERROR_DOUBTFUL},
	    {EHLO, 10, 0, "250 ok\r\n", ERROR_PROTOCOL},
	    {EHLO, 10, 10, "250 ok\r\n", ERROR_DOUBTFUL},
	    {EHLO, 10, 10, "354 go\r\n", ERROR_DOUBTFUL},
	    {EHLO, 10, 10, "554 no\r\n", ERROR_REFUSED},
	    {EHLO, 10, 10, "421 no\r\n", ERROR_LATER},
	    {EHLO "250 CHUNKING\r\n", 1, 0, NULL, ERROR_LATER},
	    {EHLO "250 CHUNKING\r\n", 10, 10, NULL, ERROR_DOUBTFUL},
	    {EHLO "250 CHUNKING\r\n", 60, 59, NULL, ERROR_LATER},
	    {EHLO "250 CHUNKING\r\n", 60, 60, NULL, ERROR_DOUBTFUL},
	};
	const struct error gone = {.kind = ERROR_LATER, .text = "gone"};
	char ehlo[100];
	struct trial t;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		begin(&t, 1);
		t.mail.last = false; /* no QUIT behind it */
		strlcpy(ehlo, rows[i].ehlo, sizeof(ehlo));
		if (strstr(ehlo, "250 DSN\r\n250 ") != NULL)
			strstr(ehlo, "250 DSN")[3] = '-';
		greet(&t, ehlo);
		session_mail(t.session, &t.mail);
		if (strstr(ehlo, "CHUNKING") == NULL) {
			hear(&t, "x");
			say(&t, "250 ok\r\n", 2);
			say(&t, "354 go\r\n", 1);
		}
		tear(&t, rows[i].kept, rows[i].torn);
		if (rows[i].reply != NULL)
			say(&t, rows[i].reply, 1);
		else
			session_closed(t.session, &gone);
		assert_true(t.mail.settled);
		if (t.mail.error.kind != rows[i].kind)
			fail_msg("row %zu: %s: %s", i,
			    error_word(t.mail.error.kind), t.mail.error.text);
		assert_true(session_broken(t.session));
		end(&t);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(recipients_are_asked_within_a_window),
	    cmocka_unit_test(mails_share_the_window),
	    cmocka_unit_test(each_recipient_has_an_answer_in_lmtp),
	    cmocka_unit_test(a_yes_is_what_is_told_in_lmtp),
	    cmocka_unit_test(an_announced_limit_is_the_size_of_a_round),
	    cmocka_unit_test(a_limit_is_learned_for_the_run),
	    cmocka_unit_test(a_full_mailbox_stops_nobody),
	    cmocka_unit_test(one_mailbox_is_no_limit),
	    cmocka_unit_test(observers_are_told_before_and_after),
	    cmocka_unit_test(observers_are_told_of_a_refusal),
	    cmocka_unit_test(only_the_open_are_opened_again),
	    cmocka_unit_test(the_end_of_a_session_is_no_word_about_the_mail),
	    cmocka_unit_test(an_early_refusal_is_a_word_about_the_mail),
	    cmocka_unit_test(a_torn_end_is_doubtful),
	    cmocka_unit_test(a_second_mail_is_taken_when_the_first_is_asked),
	    cmocka_unit_test(what_was_said_holds_with_rset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
