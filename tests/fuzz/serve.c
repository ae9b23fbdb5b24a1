#include <stdint.h>
#include <stdlib.h>

#include "smtp/serve.h"

/* One play: all replies and mails, and where the first mail ended. */
struct play {
	struct serve *serve;
	struct buf told;
	size_t end;  /* in the input, 0: there was none */
	size_t mark; /* in told, behind its reply */
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool holds)
{
	if (!holds)
		abort();
}

/* Whole lines with a code, of printable ASCII; and never much at once. */
static void
hear(struct play *p)
{
	struct text line, rest;
	size_t len;

	while ((len = rest.len = serve_output(p->serve, &rest.at)) > 0) {
		buf_add_text(&p->told, rest);
		check(len < 32 * 1024 && rest.at[len - 1] == '\n');
		while (text_next_line(&rest, &line))
			check(line.len >= 4 && line.len <= 510 &&
			      line.at[line.len] == '\r' && line.at[0] >= '2' &&
			      line.at[0] <= '5' && !text_has_control(line) &&
			      !text_has_8bit(line));
		serve_sent(p->serve, len);
	}
}

static void
submit_mail(struct play *p, size_t at)
{
	struct request *r = &serve_mail(p->serve)->request;
	struct message *m = serve_mail(p->serve)->message;
	struct message_cursor cursor = {0};
	struct error e = {0};
	char bytes[4096];
	size_t i;
	long n;

	check(r->recipient_count > 0);
	check(r->recipient_count <= SERVE_RECIPIENTS_MAX);
	buf_format(&p->told, "%s %d %d %d %s\n", r->reverse_path, r->body,
	    r->smtputf8, r->ret, r->envid == NULL ? "" : r->envid);
	for (i = 0; i < r->recipient_count; i++)
		buf_format(&p->told, "%s %u %s\n", r->recipients[i].list,
		    r->recipients[i].notify,
		    r->recipients[i].orcpt == NULL ? ""
						   : r->recipients[i].orcpt);
	while ((n = message_read(m, &cursor, bytes, sizeof(bytes), &e)) > 0)
		buf_add(&p->told, bytes, (size_t)n);
	serve_done(p->serve, &e, 250, "250 taken");
	p->mark = p->end > 0 ? p->mark : p->told.len + 11;
	p->end = p->end > 0 ? p->end : at;
}

static void
play(struct play *p, struct text input, size_t piece)
{
	struct serve_plan plan = {.host = "host.example", .size_max = 5000};
	enum serve_want want = SERVE_PEER;
	size_t at = 0;

	*p = (struct play){.serve = serve_new(&plan)};
	buf_init(&p->told, 64 * 1024 * 1024);
	while (at < input.len || want == SERVE_MAIL) {
		hear(p);
		want = serve_want(p->serve);
		if (want == SERVE_MAIL)
			submit_mail(p, at);
		else
			at += serve_input(p->serve, input.at + at,
			    text_first(text_skip(input, at), piece).len);
		want = serve_want(p->serve);
	}
	serve_closed(p->serve, false);
	hear(p);
	serve_free(p->serve);
}

/* Pieces change nothing, and what follows a mail is as if none had been. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text input = {(const char *)data, size}, greeting, rest;
	struct play single, other, fresh;

	play(&single, input, 1);
	play(&other, input, size == 0 ? 1 : data[size - 1] * 100U + 1);
	play(&fresh, text_skip(input, single.end), 3);
	rest = buf_text(&fresh.told);
	text_next_line(&rest, &greeting);
	check(text_equal(buf_text(&single.told), buf_text(&other.told)));
	check(single.end == 0 ||
	      text_equal(rest, text_skip(buf_text(&single.told), single.mark)));
	buf_clear(&single.told);
	buf_clear(&other.told);
	buf_clear(&fresh.told);
	return 0;
}
