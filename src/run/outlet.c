#include "run/outlet.h"

#include <stdlib.h>
#include <string.h>

#include "world/clock.h"
#include "world/secret.h"

void
outlet_init(struct outlet *o, struct config *config, struct log *log)
{
	memset(o, 0, sizeof(*o));
	o->config = config;
	o->log = log;
	buf_init(&o->password, SECRET_MAX);
}

static void
forget_password(void *arg)
{
	struct outlet *o = arg;

	o->plan.password = TEXT("");
	o->plan.forgotten = true;
	buf_wipe(&o->password);
	config_forget(o->config);
}

static int
renew_token(void *arg, struct error *e)
{
	struct outlet *o = arg;
	int result;

	result = secret_renew(o->account, o->deadline, &o->password, e);
	o->plan.renewed = true;
	o->plan.password = buf_text(&o->password);
	return result;
}

static void
tell_person(void *arg, const char *words)
{
	const struct outlet *o = arg;

	log_tell_person(o->log, words);
}

static void
draw_progress(struct outlet *o, const struct connection_upload *u)
{
	struct buf line;

	progress_add(&o->progress, u->begun, u->size, clock_now(), u->gone);
	buf_init(&line, 200);
	progress_format(&o->progress, screen_columns(o->log->screen.fd), &line);
	log_draw(o->log, buf_string(&line));
	buf_clear(&line);
}

/* A program waits in peace. */
static bool
show_upload(void *arg, const struct connection_upload *u)
{
	struct outlet *o = arg;

	if (!log_has_screen(o->log))
		return false;
	if (u->size == 0)
		log_draw(o->log, "");
	else
		draw_progress(o, u);
	return true;
}

static int
open_account(struct outlet *o, const struct facts *facts, struct error *e)
{
	if (account_check(o->account, e) == -1)
		return -1;
	o->plan = (struct connection_plan){.account = o->account,
	    .trace = log_trace(o->log),
	    .forget = forget_password,
	    .renew = secret_renews(o->account) ? renew_token : NULL,
	    .remark = tell_person,
	    .uploads = show_upload,
	    .client = o->client,
	    .arg = o};
	o->deliver = deliver_new(&o->plan);
	deliver_open(o->deliver);
	if (secret_read(o->account, true, o->deadline, &o->password, e) == -1)
		return -1;
	o->user = facts_user(o->account, facts);
	o->plan.user = o->user;
	o->plan.helo = facts_helo(o->account, facts, o->helo, sizeof(o->helo));
	o->plan.password = buf_text(&o->password);
	return 0;
}

int
outlet_open(struct outlet *o, const struct account *account,
    const struct facts *facts, struct error *e)
{
	if (o->deliver != NULL && o->account == account) {
		deliver_open(o->deliver);
		return 0;
	}
	outlet_close(o);
	o->account = account;
	if (open_account(o, facts, e) == 0)
		return 0;
	outlet_close(o);
	return -1;
}

void
outlet_begin(struct outlet *o)
{
	o->plan.renewed = false;
}

void
outlet_close(struct outlet *o)
{
	deliver_free(o->deliver);
	o->deliver = NULL;
	buf_wipe(&o->password);
	free(o->user);
	o->user = NULL;
	o->account = NULL;
}
