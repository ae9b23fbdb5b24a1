#include "run/attend.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "smtp/serve.h"
#include "world/clock.h"
#include "world/file.h"

#define ATTEND_INPUT (16 * 1024)

struct attend {
	const struct attend_plan *plan;
	struct serve *serve;
	struct file_store store;
	long long deadline;	  /* of the mail that is to come */
	char bytes[ATTEND_INPUT]; /* from the client */
	struct text rest;	  /* of them, not taken yet */
};

static void
empty_store(void *arg)
{
	struct attend *r = arg;

	file_store_clear(&r->store);
}

static int
check_sender(void *arg, const struct request *request, struct error *e)
{
	const struct attend *r = arg;

	return dispatch_check_sender(r->plan->dispatch, request, e);
}

static void
expect_mail(struct attend *r)
{
	r->deadline =
	    r->plan->patience == 0 ? CLOCK_NEVER : clock_in(r->plan->patience);
}

/* By when the client must have done something. */
static long long
next_deadline(const struct attend *r)
{
	return clock_earlier(r->deadline, clock_in(r->plan->timeout));
}

/* Who said QUIT, or is gone, may not wait for our last words. */
static int
write_replies(struct attend *r, struct error *e)
{
	const char *bytes;
	size_t len;

	while ((len = serve_output(r->serve, &bytes)) > 0) {
		if (file_write_until(
			r->plan->out, bytes, len, next_deadline(r)) == -1) {
			if (serve_want(r->serve) == SERVE_OVER)
				return 0;
			return error_set_sys(e, ERROR_IO, errno, "-bs",
			    "cannot answer on standard output");
		}
		*r->plan->owing = false;
		serve_sent(r->serve, len);
	}
	return 0;
}

/* More of r->rest; the client is gone where there is none. */
static int
read_bytes(struct attend *r, struct error *e)
{
	ssize_t len;
	int ready;

	ready = clock_wait_readable(r->plan->in, next_deadline(r));
	if (ready == 0 || clock_now() >= r->deadline) {
		serve_closed(r->serve, true);
		return 0;
	}
	len = ready == -1 ? -1 : read(r->plan->in, r->bytes, sizeof(r->bytes));
	if (len == -1 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (len == -1)
		return error_set_sys(
		    e, ERROR_IO, errno, "-bs", "cannot read standard input");
	if (len == 0)
		serve_closed(r->serve, false);
	r->rest = (struct text){r->bytes, (size_t)len};
	return 0;
}

static int
read_commands(struct attend *r, struct error *e)
{
	size_t taken;

	if (r->rest.len == 0)
		return read_bytes(r, e);
	taken = serve_input(r->serve, r->rest.at, r->rest.len);
	r->rest = text_skip(r->rest, taken);
	return 0;
}

/* Where only some were refused the reply is all that names them. */
static void
name_refused(const struct envelope *env, struct error *e)
{
	struct buf names;
	size_t i;

	buf_init(&names, sizeof(e->why) - 1);
	for (i = 0; i < env->count; i++)
		if (env->recipients[i].reply != NULL &&
		    env->recipients[i].verdict != VERDICT_QUEUED)
			buf_format(&names, "%s%s: %s",
			    names.len == 0 ? "" : ", ", env->recipients[i].path,
			    env->recipients[i].reply->words);
	strlcpy(e->why, buf_string(&names), sizeof(e->why));
	buf_clear(&names);
}

static void
submit_mail(struct attend *r)
{
	const struct mail *settled;
	struct serve_mail *mail;
	const char *id;
	char words[100];
	struct error e;

	error_clear(&e);
	dispatch_forget(r->plan->dispatch);
	*r->plan->owing = true;
	mail = serve_mail(r->serve);
	request_merge(&mail->request, r->plan->request);
	dispatch_mail(
	    r->plan->dispatch, &mail->request, mail->message, false, &e);
	if (e.kind != ERROR_NONE && e.why[0] == '\0')
		name_refused(dispatch_envelope(r->plan->dispatch), &e);
	settled = dispatch_settled(r->plan->dispatch);
	id = dispatch_queued(r->plan->dispatch);
	snprintf(words, sizeof(words), "250 2.0.0 queued as %s", id);
	if (id[0] != '\0')
		serve_done(r->serve, &e, 250, words);
	else
		serve_done(r->serve, &e, settled->code, settled->words);
	expect_mail(r);
}

int
attend_run(const struct attend_plan *plan, struct error *e)
{
	struct attend r = {.plan = plan};
	struct serve_plan serve = {.host = plan->host,
	    .size_max = plan->size_max,
	    .store = &r.store.store,
	    .forget = empty_store,
	    .check_sender = check_sender,
	    .arg = &r};
	enum serve_want want;
	int result;

	file_store_init(&r.store, plan->folder);
	r.serve = serve_new(&serve);
	expect_mail(&r);
	do {
		result = write_replies(&r, e);
		want = serve_want(r.serve);
		if (result == 0 && want == SERVE_PEER)
			result = read_commands(&r, e);
		else if (result == 0 && want == SERVE_MAIL)
			submit_mail(&r);
	} while (result == 0 && want != SERVE_OVER);
	serve_free(r.serve);
	file_store_clear(&r.store);
	return result;
}

void
attend_refuse(int out, const struct error *e)
{
	struct serve_plan plan = {.host = ""};
	struct serve *serve;
	const char *bytes;
	size_t len;

	serve = serve_new_refused(&plan, e);
	len = serve_output(serve, &bytes);
	file_write(out, bytes, len);
	serve_free(serve);
}
