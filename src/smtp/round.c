#include "smtp/round.h"

#include <string.h>

#include "smtp/command.h"

/*
 * The beginning.
 */

void
round_begin(struct round *r, struct recode *recode, size_t first)
{
	*r = (struct round){.terms = r->terms,
	    .mail = r->mail,
	    .transaction = r->transaction,
	    .size = recode_size(recode),
	    .first = first,
	    .cursor = first,
	    .next = first};
	recode_rewind(recode);
	wire_init(&r->wire, recode);
	r->unasked = r->size;
}

bool
round_may_begin(const struct round_terms *terms)
{
	const struct pipeline *p = terms->pipeline;

	return !pipeline_is_exhausted(p, terms->ehlo->mailmax) &&
	       !pipeline_is_exhausted(p, terms->learned->mailmax);
}

/*
 * What may be asked.
 */

static bool
pipelines(const struct round *r)
{
	return r->terms->ehlo->pipelining &&
	       r->terms->account->pipelining != SWITCH_NO;
}

bool
round_chunks(const struct round *r)
{
	return r->terms->ehlo->chunking && !r->terms->learned->no_chunking &&
	       r->terms->account->chunking != SWITCH_NO;
}

/* Recipients that the server takes at a time, announced or learned; 0: no
 * limit is known. */
static size_t
recipients_max(const struct round *r)
{
	size_t announced = r->terms->ehlo->rcptmax;
	size_t learned = r->terms->learned->rcptmax;

	if (announced == 0 || learned == 0)
		return announced + learned;
	return announced < learned ? announced : learned;
}

/* The next recipient who is not decided, within what one round takes. */
static bool
has_recipient(struct round *r)
{
	const struct envelope *env = r->mail->envelope;
	size_t max = recipients_max(r);

	while (r->cursor < env->count &&
	       env->recipients[r->cursor].verdict != VERDICT_OPEN)
		r->cursor++;
	if (r->cursor == env->count || r->full)
		return false;
	return r->mail->all_or_none || max == 0 || r->asked < max;
}

/* The mail data may be asked for when somebody is there to get it, and, where
 * that cannot be taken back, when the replies have said so. */
static enum step
next_data(const struct round *r)
{
	bool all = r->mail->all_or_none;

	if (r->due > 0 && (all || (round_chunks(r) && r->size > ROUND_SMALL)))
		return STEP_STAY;
	if ((all && r->refused > 0) || (r->due == 0 && r->accepted == 0))
		return STEP_STAY;
	return round_chunks(r) ? STEP_BDAT : STEP_DATA;
}

/*
 * A round begins with RSET where the server may have another one open, or the
 * reply to the end of one is due. What it says to that shows whether both are
 * in step, so it is waited for unless older replies are due, with which it will
 * come.
 */
static enum step
next_beginning(const struct round *r)
{
	const struct pipeline *p = r->terms->pipeline;
	const struct expected *head = pipeline_head(p);
	const struct expected *last = pipeline_last(p);

	if (p->open != 0 || (last != NULL && last->step == STEP_END))
		return STEP_RSET;
	return head != NULL && head->step == STEP_RSET && p->end == p->first + 1
		   ? STEP_STAY
		   : STEP_MAIL;
}

/* A window that is half empty is filled at once: for each reply a write of its
 * own would cost both sides more than the wait. */
static bool
window_is_open(const struct pipeline *p)
{
	return p->rcpt_due <
	       (pipeline_waiting(p) > 0 ? ROUND_WINDOW : ROUND_WINDOW / 2);
}

enum step
round_next(struct round *r)
{
	if (pipeline_head(r->terms->pipeline) != NULL && !pipelines(r))
		return STEP_STAY;
	if (r->number == 0)
		return next_beginning(r);
	if (r->failed || r->data_asked)
		return STEP_STAY;
	if (r->chunked)
		return STEP_BDAT;
	if (has_recipient(r))
		return window_is_open(r->terms->pipeline) ? STEP_RCPT
							  : STEP_STAY;
	return next_data(r);
}

/*
 * The mail data.
 */

void
round_leave_clean(struct round *r)
{
	if (r->terms->pipeline->open == r->number)
		r->terms->pipeline->open = 0;
}

static void
end_data(struct round *r)
{
	r->sending = false;
	r->end_asked = r->end_due;
	r->end = pipeline_mark(r->terms->pipeline);
}

static int
pull_chunk(struct round *r, struct error *e)
{
	size_t len = PIPELINE_BURST;

	if (r->chunk < len)
		len = (size_t)r->chunk;
	if (wire_chunk(&r->wire, len, &r->terms->pipeline->out, e) == -1)
		return -1;
	r->chunk -= len;
	if (r->chunk == 0)
		end_data(r);
	return 0;
}

/* A message that cannot be read to its end must not look as if it had one. */
int
round_pull(struct round *r, struct error *e)
{
	int more;

	if (r->chunked)
		return pull_chunk(r, e);
	more = wire_next(&r->wire, PIPELINE_BURST, &r->terms->pipeline->out, e);
	if (more == 0)
		end_data(r);
	return more == -1 ? -1 : 0;
}

/*
 * Asking.
 */

struct expected
round_reply_to(struct round *r, enum step step)
{
	r->due++;
	return (struct expected){.step = step, .transaction = r->transaction};
}

static void
ask_mail(struct round *r)
{
	struct pipeline *p = r->terms->pipeline;
	struct buf line;

	buf_init(&line, PIPELINE_LINE_MAX);
	command_mail(r->mail->envelope, r->terms->ehlo, r->size, &line);
	pipeline_send(p, round_reply_to(r, STEP_MAIL), "%s", buf_string(&line));
	buf_clear(&line);
	r->begin = pipeline_mark(p);
	p->open = r->number = ++p->begun;
}

static void
ask_rcpt(struct round *r)
{
	struct expected reply = round_reply_to(r, STEP_RCPT);
	struct buf line;

	reply.recipient = r->cursor++;
	buf_init(&line, PIPELINE_LINE_MAX);
	command_rcpt(&r->mail->envelope->recipients[reply.recipient],
	    r->terms->ehlo, &line);
	pipeline_send(r->terms->pipeline, reply, "%s", buf_string(&line));
	buf_clear(&line);
	r->asked++;
}

static int
ask_bdat(struct round *r, struct error *e)
{
	bool last = r->unasked <= ROUND_CHUNK;

	r->chunk = last ? r->unasked : ROUND_CHUNK;
	r->unasked -= r->chunk;
	pipeline_send(r->terms->pipeline,
	    round_reply_to(r, last ? STEP_END : STEP_BDAT), "BDAT %llu%s",
	    r->chunk, last ? " LAST" : "");
	r->chunked = r->data_asked = true;
	r->end_due = last;
	r->sending = true;
	while (r->sending && (r->size <= ROUND_SMALL ||
				 pipeline_has_room(r->terms->pipeline))) {
		if (round_pull(r, e) == -1)
			return -1;
	}
	return 0;
}

int
round_ask(struct round *r, enum step step, struct error *e)
{
	struct pipeline *p = r->terms->pipeline;

	if (step == STEP_BDAT)
		return ask_bdat(r, e);
	if (step == STEP_MAIL) {
		ask_mail(r);
	} else if (step == STEP_RCPT) {
		ask_rcpt(r);
	} else {
		pipeline_send(p, round_reply_to(r, step), "DATA");
		r->data_asked = true;
	}
	return 0;
}

/*
 * What is out.
 */

bool
round_is_out(const struct round *r)
{
	return !r->sending && pipeline_is_out(r->terms->pipeline, r->end);
}

/* A part of the record that the end is in has left; or the dot has, and the
 * CRLF behind it has not. */
bool
round_may_be_out(const struct round *r)
{
	return !r->sending &&
	       pipeline_may_be_out(r->terms->pipeline,
		   r->chunked ? r->end : r->end - strlen("\r\n"));
}

bool
round_uploads(const struct round *r, unsigned long long *gone)
{
	const size_t waiting = pipeline_waiting(r->terms->pipeline);

	if (r->wire.taken == 0 || r->failed ||
	    !(r->sending || r->end_due || (r->chunked && r->unasked > 0)))
		return false;
	*gone = r->wire.taken < waiting ? 0 : r->wire.taken - waiting;
	return true;
}
