#include "smtp/pipeline.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Replies that were taken off are forgotten when there are so many. */
#define PIPELINE_QUEUE 512

void
pipeline_init(struct pipeline *p, struct session_trace trace)
{
	memset(p, 0, sizeof(*p));
	buf_init(&p->out, PIPELINE_MAX);
	p->trace = trace;
}

void
pipeline_clear(struct pipeline *p)
{
	buf_wipe(&p->out);
	free(p->queue);
}

void
pipeline_trace(
    const struct pipeline *p, enum session_side side, struct text line)
{
	if (p->trace.line != NULL)
		p->trace.line(p->trace.arg, side, line);
}

void
pipeline_trace_reply(const struct pipeline *p, const struct reply *reply)
{
	struct text line, rest;
	char words[REPLY_LINE_MAX];

	if (p->trace.line == NULL)
		return;
	rest = reply_shown(reply);
	do {
		if (!text_next_line(&rest, &line))
			line = TEXT("");
		snprintf(words, sizeof(words), "%d%c%.*s", reply->code,
		    rest.len > 0 ? '-' : ' ', TEXT_ARG(line));
		pipeline_trace(p, SESSION_SERVER, text_of(words));
	} while (rest.len > 0);
}

void
pipeline_expect(struct pipeline *p, struct expected reply)
{
	if (reply.step == STEP_STAY)
		return;
	if (p->first > 0 &&
	    (p->first == p->end || p->first >= PIPELINE_QUEUE)) {
		p->end -= p->first;
		memmove(
		    p->queue, p->queue + p->first, p->end * sizeof(*p->queue));
		p->first = 0;
	}
	reply.mark = pipeline_mark(p);
	p->rcpt_due += reply.step == STEP_RCPT;
	*mem_push(p->queue, p->end) = reply;
}

void
pipeline_send(struct pipeline *p, struct expected reply, const char *fmt, ...)
{
	char line[PIPELINE_LINE_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	pipeline_trace(p, SESSION_CLIENT, text_of(line));
	buf_add_string(&p->out, line);
	buf_add_string(&p->out, "\r\n");
	pipeline_expect(p, reply);
}

void
pipeline_send_secret(struct pipeline *p, struct expected reply,
    const char *shown, struct text secret)
{
	char line[128];

	snprintf(line, sizeof(line), "%s[secret]", shown);
	pipeline_trace(p, SESSION_CLIENT, text_of(line));
	buf_add_string(&p->out, shown);
	buf_add_text(&p->out, secret);
	buf_add_string(&p->out, "\r\n");
	pipeline_expect(p, reply);
}

const struct expected *
pipeline_head(const struct pipeline *p)
{
	return p->first == p->end ? NULL : &p->queue[p->first];
}

struct expected
pipeline_next(struct pipeline *p)
{
	p->rcpt_due -= p->queue[p->first].step == STEP_RCPT;
	return p->queue[p->first++];
}

void
pipeline_repeat(struct pipeline *p)
{
	p->first--;
}

bool
pipeline_is_due(const struct pipeline *p)
{
	const struct expected *head = pipeline_head(p);

	return head != NULL && pipeline_is_out(p, head->mark);
}

size_t
pipeline_waiting(const struct pipeline *p)
{
	return p->out.len - p->sent;
}

bool
pipeline_has_room(const struct pipeline *p)
{
	return pipeline_waiting(p) < PIPELINE_BURST;
}

unsigned long long
pipeline_mark(const struct pipeline *p)
{
	return p->gone + pipeline_waiting(p);
}

bool
pipeline_is_out(const struct pipeline *p, unsigned long long mark)
{
	return p->gone >= mark;
}

bool
pipeline_may_be_out(const struct pipeline *p, unsigned long long mark)
{
	return p->gone + p->torn >= mark;
}

bool
pipeline_is_exhausted(const struct pipeline *p, unsigned most)
{
	return most > 0 && p->begun >= most;
}

struct text
pipeline_output(const struct pipeline *p)
{
	return text_skip(buf_text(&p->out), p->sent);
}

void
pipeline_sent(struct pipeline *p, size_t len)
{
	p->sent += len;
	p->gone += len;
	p->torn = 0;
	if (p->sent == p->out.len) {
		p->out.len = p->sent = 0; /* `full' stays */
	} else if (p->sent >= PIPELINE_BURST) {
		buf_drop(&p->out, p->sent);
		p->sent = 0;
	}
}

void
pipeline_torn(struct pipeline *p, size_t len)
{
	p->torn = len;
}

void
pipeline_forget(struct pipeline *p)
{
	p->out.len = p->sent;
	p->out.full = false;
}

void
pipeline_wipe(struct pipeline *p)
{
	if (pipeline_waiting(p) > 0)
		return;
	buf_wipe(&p->out);
	p->sent = 0;
}

int
pipeline_check(const struct pipeline *p, struct error *e)
{
	if (!p->out.full)
		return 0;
	return error_set(e, ERROR_BUG, NULL,
	    "more was said than %d octets hold", PIPELINE_MAX);
}
