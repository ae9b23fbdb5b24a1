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

static void
forget_lines(struct pipeline *p)
{
	while (p->line_count > 0)
		free(p->lines[--p->line_count].words);
}

void
pipeline_clear(struct pipeline *p)
{
	buf_wipe(&p->out);
	free(p->queue);
	forget_lines(p);
	free(p->lines);
}

static void
trace(const struct pipeline *p, enum session_side side, struct text line)
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
		trace(p, SESSION_SERVER, text_of(words));
	} while (rest.len > 0);
}

static void
keep_line(struct pipeline *p, enum session_side side, const char *words)
{
	if (p->trace.line == NULL)
		return;
	*mem_push(p->lines, p->line_count) =
	    (struct pipeline_line){side, mem_copy(words), pipeline_mark(p)};
}

void
pipeline_trace_note(struct pipeline *p, const char *words)
{
	if (p->line_count > 0)
		keep_line(p, SESSION_NOTE, words);
	else
		trace(p, SESSION_NOTE, text_of(words));
}

/* Those that have left. */
static void
tell_lines(struct pipeline *p)
{
	size_t i, told = 0;

	while (told < p->line_count && p->lines[told].mark <= p->gone)
		told++;
	for (i = 0; i < told; i++) {
		trace(p, p->lines[i].side, text_of(p->lines[i].words));
		free(p->lines[i].words);
	}
	if (told == 0)
		return;
	p->line_count -= told;
	memmove(p->lines, p->lines + told, p->line_count * sizeof(*p->lines));
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
	buf_add_string(&p->out, line);
	buf_add_string(&p->out, "\r\n");
	keep_line(p, SESSION_CLIENT, line);
	pipeline_expect(p, reply);
}

void
pipeline_send_secret(struct pipeline *p, struct expected reply,
    const char *shown, struct text secret)
{
	char line[128];

	snprintf(line, sizeof(line), "%s[secret]", shown);
	buf_add_string(&p->out, shown);
	buf_add_text(&p->out, secret);
	buf_add_string(&p->out, "\r\n");
	keep_line(p, SESSION_CLIENT, line);
	pipeline_expect(p, reply);
}

const struct expected *
pipeline_head(const struct pipeline *p)
{
	return p->first == p->end ? NULL : &p->queue[p->first];
}

const struct expected *
pipeline_last(const struct pipeline *p)
{
	return p->first == p->end ? NULL : &p->queue[p->end - 1];
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
	if (p->line_count > 0)
		tell_lines(p);
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
	forget_lines(p);
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
