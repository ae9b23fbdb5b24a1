#include "smtp/transaction.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "message/address.h"
#include "smtp/command.h"
#include "smtp/outcome.h"
#include "smtp/trouble.h"
#include "smtp/unasked.h"

struct transaction {
	const struct round_terms *terms;
	struct mail *mail;
	struct error refused; /* the first recipient who was, for good: its */
	struct error put_off; /* hint; the first who was for now */
	struct recode *recode;
	unsigned long long size; /* octets of the mail */
	struct round round;
	size_t again;	 /* the recipient with whom a further round begins */
	bool taken_back; /* who was accepted, as too many were */
	bool delivered;	 /* to some, in a round before */
	bool early;	 /* what ends the session was said of this mail */
};

/*
 * Rounds, and the end of the mail.
 */

static void
begin_round(struct transaction *t)
{
	round_begin(&t->round, t->recode, t->again);
	t->again = t->mail->envelope->count;
}

/* The mail is done with: its error says how, and has the hint that belongs to
 * the recipient it names. */
static void
settle(struct transaction *t)
{
	struct mail *mail = t->mail;
	const struct error *hinted;

	outcome_settle(mail->envelope, mail->all_or_none,
	    t->terms->smarthost->host, &mail->error);
	hinted = error_lasts(mail->error.kind) ? &t->refused : &t->put_off;
	if (mail->error.recipient != 0 &&
	    mail->error.recipient == hinted->recipient) {
		mail->error.doing = hinted->doing;
		error_hint(&mail->error, "%s", hinted->hint);
	}
	mail->settled = true;
	recode_free(t->recode);
	t->recode = NULL;
}

/* RFC 9422: where the session may have no further transaction another one may
 * take the rest. */
static void
begin_further_round(struct transaction *t)
{
	struct mail *mail = t->mail;

	if (round_may_begin(t->terms)) {
		begin_round(t);
		return;
	}
	error_set(&mail->error, ERROR_LATER, "RCPT TO",
	    "%s takes no more recipients in this session",
	    t->terms->smarthost->host);
	outcome_decide(mail->envelope, &mail->error);
	mail->again = true;
	settle(t);
}

static bool
needs_further_round(struct transaction *t)
{
	if (t->round.cursor < t->again)
		t->again = t->round.cursor;
	return !t->round.failed && !t->mail->all_or_none &&
	       t->again < t->mail->envelope->count;
}

/* Every reply is in and nothing more is to be asked. */
static void
end_round(struct transaction *t)
{
	if (needs_further_round(t))
		begin_further_round(t);
	else
		settle(t);
}

void
transaction_reset(struct pipeline *p)
{
	const struct expected *last = pipeline_last(p);
	struct expected reply = {.step = STEP_RSET};

	if (last != NULL && last->step == STEP_END) {
		reply = round_reply_to(&last->transaction->round, STEP_RSET);
		last->transaction->round.guarded = true;
	}
	pipeline_send(p, reply, "RSET");
	p->open = 0;
}

int
transaction_ask(struct transaction *t, bool turn, struct error *e)
{
	enum step step;

	while (!t->mail->settled && !t->round.sending &&
	       pipeline_has_room(t->terms->pipeline)) {
		step = turn ? round_next(&t->round) : STEP_STAY;
		if (step == STEP_RSET)
			transaction_reset(t->terms->pipeline);
		else if (step != STEP_STAY &&
			 round_ask(&t->round, step, e) == -1)
			return -1;
		if (step != STEP_STAY)
			continue;
		if (t->round.number == 0 || t->round.due > 0)
			break;
		end_round(t);
	}
	return 0;
}

bool
transaction_holds(const struct transaction *t)
{
	return !t->mail->settled && t->round.number != 0 && !t->round.end_asked;
}

bool
transaction_wants(const struct transaction *t)
{
	return !t->mail->settled && t->round.number == 0;
}

bool
transaction_is_over(const struct transaction *t)
{
	return t->mail->settled;
}

bool
transaction_is_sending(const struct transaction *t)
{
	return t->round.sending;
}

int
transaction_pull(struct transaction *t, struct error *e)
{
	return round_pull(&t->round, e);
}

bool
transaction_is_last_round(const struct transaction *t)
{
	size_t count = t->mail->envelope->count;

	return t->round.end_asked && !t->round.chunked &&
	       t->round.cursor == count && t->again == count;
}

/* Who is the only one is asked for here or nowhere; and where nothing but the
 * end of the mail data is due, for all who are left, nobody remains. */
bool
transaction_may_leave(const struct transaction *t)
{
	const struct envelope *env = t->mail->envelope;

	if (t->mail->settled)
		return t->mail->again;
	/* BDAT may not be there, and the session have no further MAIL. */
	if (t->terms->ehlo->mailmax > 0 && round_chunks(&t->round))
		return true;
	return env->count > 1 && !t->mail->all_or_none &&
	       !(t->round.end_asked && t->round.due <= 1 && !t->round.full &&
		   t->round.cursor == env->count);
}

bool
transaction_is_critical(const struct transaction *t)
{
	const struct pipeline *p = t->terms->pipeline;

	return !pipeline_is_out(p, t->round.begin) ||
	       (t->round.end_due && t->round.end_asked &&
		   !pipeline_is_out(p, t->round.end));
}

void
transaction_leave(struct transaction *t)
{
	if (!t->round.end_due || !t->round.end_asked || t->round.told)
		return;
	t->round.told = true;
	if (t->mail->observer.ending != NULL)
		t->mail->observer.ending(t->mail->observer.arg, t->mail);
}

/*
 * Answers.
 */

struct answer {
	const struct reply *reply;
	const char *doing;
	struct error *error; /* of the session */
};

/* The round as a whole was refused; replies may still be due. */
static int
fail(struct transaction *t, const struct answer *a, const char *what)
{
	struct error *e = &t->mail->error;

	if (trouble_kind(a->reply, ERROR_REFUSED) == ERROR_PROTOCOL)
		return trouble_set(a->error, a->reply, ERROR_REFUSED,
		    t->terms->smarthost, a->doing, what);
	trouble_set_mail(
	    e, a->reply, t->terms->smarthost, a->doing, what, t->size);
	outcome_decide(t->mail->envelope, e);
	t->round.failed = true;
	return 0;
}

/* Who has taken mails, and takes no more in a session, says so by the code of
 * RFC 3463 for recipients, as OpenSMTPD does behind a hundred. */
static bool
is_one_too_many(const struct transaction *t, const struct reply *reply)
{
	return t->terms->pipeline->taken && reply->code / 100 == 4 &&
	       reply->enhanced.class == 4 && trouble_is_too_many(reply);
}

static int
answer_mail(struct transaction *t, const struct answer *a)
{
	unsigned *mailmax = &t->terms->learned->mailmax;
	char what[ADDRESS_PATH_MAX + 32];

	if (reply_accepts(a->reply))
		return 0;
	if (is_one_too_many(t, a->reply)) {
		t->mail->again = true;
		if (*mailmax == 0 || *mailmax >= t->round.number)
			*mailmax = t->round.number - 1;
	}
	snprintf(what, sizeof(what), "the sender <%s>",
	    t->mail->envelope->reverse_path);
	round_leave_clean(&t->round);
	return fail(t, a, what);
}

static void
refuse_recipient(
    struct transaction *t, struct recipient *r, const struct answer *a)
{
	bool lasts = a->reply->code / 100 == 5;
	struct error *e = lasts ? &t->refused : &t->put_off;
	char words[512];

	if (e->kind == ERROR_NONE) {
		trouble_set(e, a->reply, ERROR_RECIPIENT, t->terms->smarthost,
		    a->doing, r->path);
		e->recipient = (size_t)(r - t->mail->envelope->recipients) + 1;
	}
	reply_words(a->reply, words, sizeof(words));
	envelope_decide(r, lasts ? VERDICT_REFUSED : VERDICT_LATER,
	    a->reply->code, a->reply->enhanced, words);
	r->own = true;
	t->round.refused++;
}

/*
 * RFC 5321 section 4.5.3.1.10: who is too many belongs in a further round, and
 * how many it took is not to be passed again. But some say the same of one
 * mailbox: when another is accepted behind it, or it is refused alone, at the
 * head of its round, nothing was learned.
 */
static void
stop_asking(struct transaction *t, size_t index)
{
	if (index < t->again)
		t->again = index;
	if (t->round.full)
		return;
	t->round.full = true;
	t->round.max_before = t->terms->learned->rcptmax;
	t->terms->learned->rcptmax = t->round.accepted;
}

static int
answer_rcpt(struct transaction *t, size_t index, const struct answer *a)
{
	struct recipient *r = &t->mail->envelope->recipients[index];
	struct learned *learned = t->terms->learned;
	bool too_many = trouble_is_too_many(a->reply);

	if (t->round.failed)
		return 0;
	if (reply_accepts(a->reply)) {
		r->verdict = VERDICT_ACCEPTED;
		t->round.accepted++;
		if (t->round.full)
			learned->rcptmax = t->round.max_before;
	} else if (too_many && !t->mail->all_or_none && t->round.accepted > 0) {
		stop_asking(t, index);
	} else if (trouble_kind(a->reply, ERROR_RECIPIENT) != ERROR_PROTOCOL) {
		if (too_many && index == t->round.first)
			learned->rcptmax = 0;
		refuse_recipient(t, r, a);
	} else {
		/* Neither yes nor no: with BDAT he may have the mail. */
		r->verdict = VERDICT_ACCEPTED;
		t->round.accepted++;
		return fail(t, a, r->path);
	}
	return 0;
}

/* Who is accepted in this round belongs in a further one. */
static void
take_back(struct transaction *t)
{
	struct envelope *env = t->mail->envelope;
	size_t i;

	for (i = env->count; i > 0; i--) {
		if (env->recipients[i - 1].verdict != VERDICT_ACCEPTED)
			continue;
		env->recipients[i - 1].verdict = VERDICT_OPEN;
		t->again = i - 1;
	}
}

/* Some refuse all of a transaction for those who were too many in it, as Exim's
 * recipients_max_reject: once more, with as many as were accepted. */
static bool
takes_fewer(struct transaction *t, const struct reply *reply)
{
	if (t->taken_back || !t->round.full || !trouble_is_too_many(reply))
		return false;
	t->taken_back = true;
	take_back(t);
	return true;
}

/* Pipelined DATA with nobody to send to: the shortest end, to which LMTP has
 * as many replies. */
static void
end_empty(struct transaction *t)
{
	const struct expected none = {.step = STEP_STAY};

	pipeline_send(t->terms->pipeline,
	    t->terms->smarthost->lmtp ? none
				      : round_reply_to(&t->round, STEP_EMPTY),
	    ".");
	round_leave_clean(&t->round);
	t->round.end_asked = true;
}

static void
begin_data(struct transaction *t)
{
	struct pipeline *p = t->terms->pipeline;

	pipeline_expect(p, round_reply_to(&t->round, STEP_END));
	pipeline_trace_note(p, "the mail data follows");
	t->round.sending = t->round.end_due = true;
}

static int
answer_data(struct transaction *t, const struct answer *a)
{
	const bool nobody = t->round.accepted == 0;

	if (a->reply->code == 354) {
		if (nobody)
			end_empty(t);
		else
			begin_data(t);
		return 0;
	}
	/* Nobody is left to be told of it, or all go once more. */
	if (reply_negative(a->reply) &&
	    (t->round.failed || nobody || takes_fewer(t, a->reply)))
		return 0;
	return fail(t, a, "the mail data");
}

bool
transaction_chunks(const struct transaction *t)
{
	return t->round.chunked;
}

bool
transaction_uploads(const struct transaction *t, unsigned long long *gone,
    unsigned long long *size)
{
	*size = t->size;
	return !t->mail->settled && round_uploads(&t->round, gone);
}

bool
transaction_awaits_end(const struct transaction *t)
{
	return t->round.end_due && round_is_out(&t->round);
}

/* The server answered before it had the whole mail: its refusal counts, an
 * acceptance cannot be one, and the rest of the data is not sent. */
static int
answer_early(struct transaction *t, const struct answer *a)
{
	t->early = reply_negative(a->reply);
	t->round.end_due = !t->early && round_may_be_out(&t->round);
	return trouble_set_mail(a->error, a->reply, t->terms->smarthost,
	    "the mail data", "the mail", t->size);
}

/* The server offered CHUNKING and does not know BDAT; as long as no chunk was
 * taken, nothing of the mail can have been. */
static bool
lacks_bdat(const struct transaction *t, const struct reply *reply)
{
	const struct round *r = &t->round;

	return r->chunked && !r->chunk_taken && !r->failed && r->accepted > 0 &&
	       r->answered == 0 && pipeline_head(t->terms->pipeline) == NULL &&
	       (reply->code == 500 || reply->code == 502 || reply->code == 503);
}

bool
transaction_awaits_more(const struct transaction *t, const struct reply *reply)
{
	const struct round *r = &t->round;

	return t->terms->smarthost->lmtp && !r->failed &&
	       r->answered + 1 < r->accepted && !lacks_bdat(t, reply);
}

/* RSET, and the same recipients again without BDAT. */
static void
forgo_chunking(struct transaction *t)
{
	t->terms->learned->no_chunking = true;
	pipeline_trace_note(
	    t->terms->pipeline, "no BDAT after all: once more with DATA");
	take_back(t);
	begin_further_round(t);
}

static int
answer_bdat(struct transaction *t, const struct answer *a)
{
	if (!round_is_out(&t->round))
		return answer_early(t, a);
	if (lacks_bdat(t, a->reply)) {
		forgo_chunking(t);
		return 0;
	}
	if (!reply_accepts(a->reply))
		return fail(t, a, "a chunk of the mail");
	t->round.chunk_taken = true;
	t->round.data_asked = false;
	return 0;
}

/* Whom it was about, from 1; 0: all of the round. */
static void
tell_answered(const struct transaction *t, size_t recipient)
{
	const struct mail_observer *observer = &t->mail->observer;

	if (observer->answered != NULL && !t->round.guarded)
		observer->answered(observer->arg, t->mail, recipient);
}

void
transaction_confirm(struct transaction *t)
{
	t->round.due--;
	t->round.guarded = false;
	tell_answered(t, 0);
}

bool
transaction_is_closed(const struct transaction *t)
{
	return t->round.taken || !t->round.chunked;
}

static void
keep_words(struct transaction *t, const struct reply *reply)
{
	struct mail *mail = t->mail;

	mail->code = reply->code;
	reply_words(reply, mail->words, sizeof(mail->words));
}

/* A yes to the end behind a no to MAIL or RCPT: one of the two was the answer
 * to something else. */
static int
answer_shifted(struct transaction *t, const struct answer *a)
{
	transaction_doubt(t);
	return unasked_reply(a->error, a->reply, t->terms->smarthost, a->doing,
	    "a yes to the mail that it had refused");
}

/* RFC 2033 section 4.2: one reply for each who was accepted, in their order. */
static int
answer_recipient(struct transaction *t, const struct answer *a)
{
	struct round *round = &t->round;
	struct recipient *r;

	do
		r = &t->mail->envelope->recipients[round->next++];
	while (r->verdict != VERDICT_ACCEPTED);
	/* Of several one that takes the mail is told. */
	if (round->answered == 0 || reply_accepts(a->reply))
		keep_words(t, a->reply);
	if (reply_accepts(a->reply)) {
		round->taken = t->terms->pipeline->taken = true;
		round_leave_clean(round);
		t->terms->learned->chunking |= round->chunked;
		r->verdict = VERDICT_DELIVERED;
		t->delivered = true;
	} else if (reply_negative(a->reply)) {
		refuse_recipient(t, r, a);
	} else {
		return trouble_set(a->error, a->reply, ERROR_RECIPIENT,
		    t->terms->smarthost, a->doing, r->path);
	}
	tell_answered(t, round->next);
	if (++round->answered < round->accepted) {
		pipeline_repeat(t->terms->pipeline);
		round->due++;
		return 0;
	}
	round->end_due = false;
	tell_answered(t, 0);
	return 0;
}

static int
answer_end(struct transaction *t, const struct answer *a)
{
	struct mail *mail = t->mail;

	if (!round_is_out(&t->round))
		return answer_early(t, a);
	if (lacks_bdat(t, a->reply)) {
		forgo_chunking(t);
		return 0;
	}
	if (t->round.failed && reply_accepts(a->reply))
		return answer_shifted(t, a);
	if (t->terms->smarthost->lmtp && !t->round.failed &&
	    t->round.accepted > 0)
		return answer_recipient(t, a);
	t->round.end_due = false;
	t->round.taken = reply_accepts(a->reply);
	t->terms->pipeline->taken |= t->round.taken;
	/* A BDAT that was refused leaves the transaction open; and so do,
	 * against RFC 5321 section 4.1.1.4, Postfix's
	 * smtpd_end_of_data_restrictions. */
	if (t->round.taken ||
	    (t->terms->learned->no_reset && !t->round.chunked))
		round_leave_clean(&t->round);
	if (t->round.failed || t->round.accepted == 0 ||
	    takes_fewer(t, a->reply)) {
		/* BDAT went with a MAIL or RCPT that was refused, or goes
		 * again. */
		tell_answered(t, 0);
		return 0;
	}
	keep_words(t, a->reply);
	if (reply_accepts(a->reply)) {
		t->terms->learned->chunking |= t->round.chunked;
		outcome_deliver(mail->envelope);
		t->delivered = true;
	} else if (fail(t, a, "the mail") == -1) {
		/* What is neither yes nor no leaves it undecided. */
		t->round.end_due = true;
		return -1;
	}
	tell_answered(t, 0);
	return 0;
}

int
transaction_answer(struct transaction *t, const struct expected *x,
    const struct reply *reply, const char *doing, struct error *e)
{
	const struct answer a = {reply, doing, e};

	t->round.due--;
	if (x->step == STEP_MAIL)
		return answer_mail(t, &a);
	if (x->step == STEP_RCPT)
		return answer_rcpt(t, x->recipient, &a);
	if (x->step == STEP_DATA)
		return answer_data(t, &a);
	if (x->step == STEP_BDAT)
		return answer_bdat(t, &a);
	if (x->step == STEP_END)
		return answer_end(t, &a);
	return 0; /* STEP_EMPTY: whatever it says */
}

/*
 * The end of the session.
 */

/*
 * The mail is sent to its end, and the reply that would decide is still due:
 * with a pipelined BDAT the replies to MAIL and RCPT may be due as well, and
 * unless these were refusals the server may deliver whatever becomes of us.
 */
static bool
may_be_delivered(const struct transaction *t)
{
	const struct round *r = &t->round;

	return r->end_due && round_may_be_out(&t->round) && !r->failed &&
	       (r->accepted > 0 || r->due > 1);
}

/* Whoever was asked and has no reply may get the mail as well. */
static void
accept_unanswered(struct transaction *t)
{
	const struct pipeline *p = t->terms->pipeline;
	const struct expected *x;
	struct recipient *r;

	for (x = p->queue + p->first; x < p->queue + p->end; x++) {
		if (x->transaction != t || x->step != STEP_RCPT)
			continue;
		r = &t->mail->envelope->recipients[x->recipient];
		if (r->verdict == VERDICT_OPEN)
			r->verdict = VERDICT_ACCEPTED;
	}
}

void
transaction_doubt(struct transaction *t)
{
	struct recipient *r;
	size_t i;

	for (i = t->round.first; i < t->round.cursor; i++) {
		r = &t->mail->envelope->recipients[i];
		if (r->verdict == VERDICT_DELIVERED)
			continue;
		r->verdict = VERDICT_ACCEPTED;
		r->own = false;
		t->round.accepted++;
	}
	t->round.failed = false;
	error_clear(&t->mail->error);
}

void
transaction_doubt_end(struct transaction *t)
{
	struct recipient *r;
	size_t i;

	if (!t->round.taken)
		return;
	for (i = t->round.first; i < t->round.cursor; i++) {
		r = &t->mail->envelope->recipients[i];
		if (r->verdict == VERDICT_DELIVERED)
			r->verdict = VERDICT_ACCEPTED;
	}
	t->round.end_due = true;
	t->mail->code = 0;
	t->mail->words[0] = '\0';
}

/* As what the mail ends that may have been delivered. */
static struct error
doubt(const struct transaction *t, const struct error *cause)
{
	struct error e;

	error_clear(&e);
	error_set(&e, ERROR_DOUBTFUL, cause->doing,
	    "%.250s; %s may have been delivered", cause->text,
	    round_is_out(&t->round) ? "the whole mail had been sent and"
				    : "the end of the mail was on its way; it");
	strlcpy(e.why, cause->why, sizeof(e.why));
	strlcpy(e.hint, cause->hint, sizeof(e.hint));
	return e;
}

void
transaction_end(struct transaction *t, const struct error *cause, bool closing)
{
	struct mail *mail = t->mail;
	struct error e = *cause;

	if (mail->settled)
		return;
	/* What was said to the end holds: nothing is known against it. */
	if (t->round.guarded && !t->round.end_due) {
		transaction_confirm(t);
		if (!needs_further_round(t)) {
			settle(t);
			return;
		}
	}
	/* In a later round others have the mail, and who is asked for has not
	 * got it: nobody is accepted, or the data is not out. */
	mail->again = closing && (t->round.full ||
				     (t->delivered && (t->round.accepted == 0 ||
							  !t->round.end_due)));
	/* 421 says that the server did no more. */
	if (may_be_delivered(t) && !closing) {
		accept_unanswered(t);
		e = doubt(t, cause);
		mail->again = false;
	} else if (e.kind == ERROR_LATER) {
		snprintf(e.text, sizeof(e.text),
		    "%.350s; the mail was not accepted", cause->text);
	}
	if (outcome_decide(mail->envelope, &e) > 0) {
		mail->lost = !t->early;
		if (mail->error.kind == ERROR_NONE)
			mail->error = e;
	}
	settle(t);
}

/*
 * The beginning.
 */

/* The form of the message that this server takes, and whether it is one that
 * it can take: known before a byte of the mail goes out. */
static int
check(struct transaction *t)
{
	const struct round_terms *terms = t->terms;
	struct mail *mail = t->mail;

	t->recode = recode_new(mail->message, terms->ehlo->eightbitmime,
	    &mail->remarks, &mail->error);
	if (t->recode == NULL)
		return -1;
	t->size = recode_size(t->recode);
	if (recode_is_8bit(t->recode))
		mail->envelope->body = BODY_8BITMIME;
	if (mail->envelope->requiretls && !terms->verified)
		return error_set(&mail->error, ERROR_REFUSED, "REQUIRETLS",
		    "the connection to %s is not secured by TLS",
		    terms->smarthost->host);
	if (command_check(mail->envelope, terms->ehlo, t->size,
		terms->smarthost->host, &mail->error) == -1)
		return -1;
	mail->dropped = command_drops(mail->envelope, terms->ehlo);
	if (mail->dropped)
		pipeline_trace_note(terms->pipeline, TRANSACTION_DROPPED);
	return 0;
}

struct transaction *
transaction_new(const struct round_terms *terms, struct mail *mail)
{
	struct recipient *r;
	struct transaction *t;
	size_t i;

	t = mem_new(1, sizeof(*t));
	t->terms = terms;
	t->mail = mail;
	t->round =
	    (struct round){.terms = terms, .mail = mail, .transaction = t};
	for (i = 0; i < mail->envelope->count; i++) {
		r = &mail->envelope->recipients[i];
		r->handed_over = r->verdict == VERDICT_OPEN;
	}
	if (check(t) == -1) {
		outcome_decide(mail->envelope, &mail->error);
		settle(t);
	} else {
		begin_round(t);
	}
	return t;
}

void
transaction_free(struct transaction *t)
{
	if (t == NULL)
		return;
	recode_free(t->recode);
	free(t);
}
