/*
 * sendling: the order of acts and nothing else: read, decide, open, talk, tell.
 * What is read, decided and sent is the rooms' work.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "cmd/answer.h"
#include "cmd/check.h"
#include "cmd/findings.h"
#include "cmd/mailq.h"
#include "cmd/memory.h"
#include "cmd/options.h"
#include "cmd/preview.h"
#include "config/config.h"
#include "message/message.h"
#include "run/attend.h"
#include "run/dispatch.h"
#include "run/flush.h"
#include "run/foresight.h"
#include "world/clock.h"
#include "world/failure.h"
#include "world/file.h"
#include "world/host.h"
#include "world/identity.h"
#include "world/log.h"
#include "world/peer.h"
#include "world/settings.h"
#include "world/tls.h"

/* What is said where there is no memory left, and no mail has been taken. */
#define ENDS_EARLY   "out of memory; nothing was done"
#define ENDS_LOOKING "out of memory; what is printed is not all"
#define ENDS_ACTING  "out of memory; `sendling -bp' shows what was done"
#define ENDS_SENDING "out of memory; what was not sent waits in the spool"

struct run {
	struct options options;
	struct host host;
	struct log log;
	struct config config;
	struct settings_plan settings;
	struct file_store store;
	struct caller caller; /* of -bs */
	int place;	      /* his, among his connections, or -1 */
	bool typed;	      /* standard input is a terminal */
	struct message *message;
	struct dispatch *dispatch;
	struct memory_watch watch;
};

static void
run_init(struct run *r)
{
	memset(r, 0, sizeof(*r));
	r->watch = (struct memory_watch){
	    .words = ENDS_EARLY, .log = &r->log, .client = -1};
	memory_watch(&r->watch);
	host_init(&r->host);
	config_init(&r->config);
	log_init(&r->log, getprogname());
	file_store_init(&r->store, host_environment("TMPDIR"));
	r->place = -1;
}

static void
run_clear(struct run *r)
{
	dispatch_free(r->dispatch);
	message_free(r->message);
	file_store_clear(&r->store);
	log_clear(&r->log);
	config_clear(&r->config);
	options_clear(&r->options);
}

/*
 * What the modes need.
 */

static int
read_options(struct run *r, int argc, char **argv, struct error *e)
{
	int result;

	result = options_parse(&r->options, r->host.privileged, argc, argv, e);
	r->log.verbose = r->options.verbose;
	r->log.quiet = r->options.quiet;
	if (r->options.tag != NULL && r->options.foreign)
		log_show_tag(&r->log, r->options.tag);
	else if (r->options.tag != NULL)
		log_set_tag(&r->log, r->options.tag);
	return result;
}

/* Scripts of packages call newaliases, and monitoring mailq, where there is
 * none. */
static bool
needs_no_settings(enum options_mode mode)
{
	return mode == MODE_ALIASES || mode == MODE_QUEUE_LIST ||
	       mode == MODE_QUEUE_RUN ||
	       (mode >= MODE_HOLD && mode <= MODE_CHECK_SPOOL);
}

static int
read_settings(struct run *r, struct error *e)
{
	size_t i;
	int result;

	r->settings = (struct settings_plan){.path = r->options.config,
	    .sets = r->options.settings,
	    .set_count = r->options.setting_count,
	    .optional = needs_no_settings(r->options.mode),
	    .no_commands = r->options.foreign && r->host.uid == 0};
	/* A privileged parser would stand behind any user's argv. But what a
	 * set-id program sends must not be lost for that program's bits. */
	if (r->host.set_id) {
		error_set(e, ERROR_CONFIG, "start",
		    "sendling's own file has set-id bits or capabilities, "
		    "which it refuses");
		return error_hint(e,
		    "remove them: chmod 755, setcap -r; a machine shares one "
		    "account through a configuration that its users can read");
	}
	if (r->settings.no_commands)
		host_usual_path();
	if (r->options.foreign || r->host.uid == 0)
		identity_distrust_user();
	host_hide(); /* a password may stand in what is read now */
	result = settings_read(&r->settings, &r->host, &r->config, e);
	/* --check has a -v of its own. */
	for (i = 0; r->options.mode != MODE_CHECK && i < r->config.files.count;
	     i++)
		log_explain(
		    &r->log, "configuration %s", r->config.files.lines[i]);
	return result;
}

/*
 * The acts of a run that submits.
 */

/* Nobody at a terminal types a whole mail to learn that it goes nowhere. */
static int
refuse_nobody(const struct run *r, struct error *e)
{
	const struct request *request = &r->options.request;

	if (request->recipient_count > 0 || request->from_fields || !r->typed)
		return 0;
	error_set(e, ERROR_USAGE, NULL, "no recipient is given");
	return error_hint(e,
	    "name recipients on the command line, or use -t to take those of "
	    "To, Cc and Bcc; `sendling --help' lists the options");
}

/* Nor to learn what could have been known before. */
static int
foresee(struct run *r, struct error *e)
{
	const struct foresight_plan plan = {.config = &r->config,
	    .settings = &r->settings,
	    .host = &r->host,
	    .account = r->options.account,
	    .request = &r->options.request,
	    .empty = r->message = message_new(&r->store.store)};

	if (message_end(r->message, e) == 0)
		foresight_check(&plan, e);
	message_free(r->message);
	r->message = NULL;
	return e->kind == ERROR_NONE ? 0 : -1;
}

/* Who calls sendmail expects silence. */
static void
prompt(struct run *r)
{
	if (r->options.name == NAME_SENDLING)
		log_tell_person(&r->log,
		    r->options.dot_stays
			? "type the message, fields first; Control-D ends it"
			: "type the message, fields first; a lone dot or "
			  "Control-D ends it");
}

/* All of standard input comes first: a program that writes to us must not be
 * cut off, also where the run fails for its configuration. A person is told
 * before a word is typed in vain. */
static int
read_input(struct run *r, struct error *e)
{
	r->typed = isatty(STDIN_FILENO) != 0;
	if (refuse_nobody(r, e) == -1 ||
	    (r->typed && read_settings(r, e) == -1) ||
	    (r->typed && r->options.mode == MODE_SUBMIT && foresee(r, e) == -1))
		return -1;
	file_store_source(&r->store, STDIN_FILENO);
	r->message = message_new(&r->store.store);
	/* Who checks addresses at a terminal types no message. */
	if (r->options.mode == MODE_VERIFY && r->typed &&
	    !r->options.request.from_fields)
		return message_end(r->message, e);
	if (r->typed)
		prompt(r);
	return file_read_message(
	    STDIN_FILENO, !r->options.dot_stays, r->message, e);
}

/* What is wrong with the way to the smarthost keeps no mail from the spool:
 * cron looks at no status. */
static int
wait_for_repair(struct run *r, struct error *e)
{
	struct error ignored;

	error_clear(&ignored);
	if (config_knows_mail(&r->config) &&
	    dispatch_prepare(
		r->dispatch, &r->options.request, r->message, &ignored) == 0)
		dispatch_keep(r->dispatch, e);
	return -1;
}

/* Account, envelope, repairs. */
static int
decide(struct run *r, struct error *e)
{
	if (!r->typed && read_settings(r, e) == -1)
		return wait_for_repair(r, e);
	return dispatch_prepare(
	    r->dispatch, &r->options.request, r->message, e);
}

static void
start_dispatch(struct run *r)
{
	static const int client = STDIN_FILENO;
	const struct dispatch_plan plan = {.config = &r->config,
	    .host = &r->host,
	    .log = &r->log,
	    .settings = &r->settings,
	    .account = r->options.account,
	    .json = r->options.json && r->options.mode == MODE_SUBMIT,
	    .caller = &r->caller,
	    .client = r->options.mode == MODE_SERVE ? &client : NULL,
	    .passing = r->options.mode == MODE_SUBMIT};

	r->dispatch = dispatch_new(&plan);
	r->watch.dispatch = r->dispatch;
	r->watch.words = NULL;
}

/*
 * The modes.
 */

/* Read, decide, open, talk, tell. Once all is open nothing more is opened but
 * sockets to a smarthost; where the talk has left somebody without the mail a
 * file in the spool's folder, which is open. */
static void
run_submit(struct run *r, struct error *e)
{
	start_dispatch(r);
	if (read_input(r, e) == 0 && decide(r, e) == 0 &&
	    log_open_transcript(&r->log, r->options.transcript, e) == 0) {
		if (dispatch_open(r->dispatch, e) == 0)
			dispatch_send(r->dispatch, true, e);
		dispatch_keep(r->dispatch, e);
	}
	dispatch_report(r->dispatch, r->message, e);
	memory_answer(NULL);
	log_notes(&r->log, &r->options.notes);
	dispatch_pass(r->dispatch);
}

/* Who has not started us, but came to a socket, is known, and is one of few.
 * While most that he holds wait for a smarthost, more mails of his go to the
 * spool, or the next would find no place and be lost. */
static int
admit_caller(struct run *r, struct attend_plan *plan, struct error *e)
{
	const struct account *a;
	unsigned places = 0;

	if (r->caller.kind == CALLER_SELF)
		return 0;
	plan->timeout = ATTEND_CALLER_TIMEOUT;
	plan->patience = ATTEND_CALLER_PATIENCE;
	plan->size_max = ACCOUNT_SOCKET_SIZE;
	a = config_choose(&r->config, r->options.account, NULL, NULL);
	if (a != NULL) {
		places = a->socket_slots;
		if (a->socket_size > 0)
			plan->size_max = a->socket_size;
		log_open(&r->log, a);
	}
	switch (peer_take(&r->caller,
	    places == 0 ? ACCOUNT_SOCKET_SLOTS : places, &r->place, e)) {
	case PEER_FAILED:
		return -1;
	case PEER_UNCOUNTED:
		log_note(&r->log, "connections are not counted: there is no "
				  "folder " PEER_FOLDER);
		break;
	case PEER_TAKEN:
		break;
	case PEER_CROWDED:
		if (r->options.request.queue == QUEUE_NEEDED)
			r->options.request.queue = QUEUE_FIRST;
		break;
	}
	return 0;
}

static void
run_serve(struct run *r, struct error *e)
{
	struct attend_plan plan = {.request = &r->options.request,
	    .host = r->host.name[0] == '\0' ? "localhost" : r->host.name,
	    .folder = host_environment("TMPDIR"),
	    .in = STDIN_FILENO,
	    .out = STDOUT_FILENO,
	    .timeout = ATTEND_TIMEOUT,
	    .owing = &r->watch.owing};

	/* It may share a pipe with the dialogue. */
	r->log.quiet = r->options.verbose == 0 ||
		       (file_is_same(STDERR_FILENO, STDOUT_FILENO) &&
			   !isatty(STDERR_FILENO));
	r->log.screen.fd = -1;
	r->watch.client = plan.out;
	start_dispatch(r);
	plan.dispatch = r->dispatch;
	if (peer_find(plan.in, &r->caller, e) == 0 &&
	    read_settings(r, e) == 0 && admit_caller(r, &plan, e) == 0 &&
	    log_open_transcript(&r->log, r->options.transcript, e) == 0) {
		attend_run(&plan, e);
		return;
	}
	attend_refuse(plan.out, e);
	dispatch_report(r->dispatch, NULL, e);
}

/* --dry-run shows envelope and message, -bv the envelope. */
static void
run_dry(struct run *r, struct error *e)
{
	bool message = r->options.mode == MODE_DRY_RUN;

	start_dispatch(r);
	if (read_input(r, e) == 0)
		decide(r, e);
	if (r->options.json)
		r->log.quiet = preview_answer(r->dispatch,
				   message ? r->message : NULL, e) == 0;
	else if (e->kind == ERROR_NONE)
		preview_print(r->dispatch, message ? r->message : NULL, e);
}

static void
run_check(struct run *r, struct error *e)
{
	const struct check_plan plan = {.config = &r->config,
	    .settings = &r->settings,
	    .host = &r->host,
	    .verbose = r->options.verbose > 0,
	    .json = r->options.json};

	r->watch.words = ENDS_LOOKING;
	read_settings(r, e);
	if (check_config(&plan, e))
		r->log.quiet = true; /* the faults are told */
}

static void
run_probe(struct run *r, struct error *e)
{
	const struct findings_plan plan = {.config = &r->config,
	    .host = &r->host,
	    .log = &r->log,
	    .account = r->options.account,
	    .sender = r->options.request.reverse_path,
	    .json = r->options.json};
	bool told = false;

	r->watch.words = ENDS_LOOKING;
	if (read_settings(r, e) == 0)
		log_open_transcript(&r->log, r->options.transcript, e);
	findings_print(&plan, &told, e);
	if (told)
		r->log.quiet = true;
}

static void
run_queue(struct run *r, struct error *e)
{
	const struct mailq_plan plan = {.config = &r->config,
	    .settings = &r->settings,
	    .host = &r->host,
	    .log = &r->log,
	    .options = &r->options};
	const enum options_mode mode = r->options.mode;

	r->watch.words =
	    mode == MODE_HOLD || mode == MODE_RELEASE || mode == MODE_DELETE
		? ENDS_ACTING
		: ENDS_LOOKING;
	read_settings(r, e);
	if (mailq_run(&plan, e))
		r->log.quiet = true;
}

static void
run_flush(struct run *r, struct error *e)
{
	const struct flush_plan plan = {.config = &r->config,
	    .settings = &r->settings,
	    .host = &r->host,
	    .log = &r->log,
	    .json = r->options.json,
	    .all = r->options.run_all,
	    .ids = r->options.ids,
	    .id_count = r->options.id_count};

	r->watch.words = ENDS_SENDING;
	if (read_settings(r, e) == 0 &&
	    log_open_transcript(&r->log, r->options.transcript, e) == 0)
		flush_run(&plan, e);
	log_notes(&r->log, &r->options.notes);
	if (r->options.json && answer_status(e) == 0)
		r->log.quiet = true;
}

static void
run_aliases(struct run *r, struct error *e)
{
	r->watch.words = ENDS_LOOKING;
	if (read_settings(r, e) == 0)
		check_aliases(&r->config, e);
	if (r->options.json && answer_status(e) == 0)
		r->log.quiet = true;
}

/* Those that need nothing but the program. */
static void
run_word(const struct run *r, struct error *e)
{
	const bool help = r->options.mode == MODE_HELP;

	if (r->options.json && help)
		answer_options(e);
	else if (r->options.json)
		answer_version(SENDLING_VERSION, e);
	else
		fputs(help ? options_help() : "sendling " SENDLING_VERSION "\n",
		    stdout);
}

static void
run(struct run *r, struct error *e)
{
	switch (r->options.mode) {
	case MODE_SUBMIT:
		run_submit(r, e);
		return;
	case MODE_SERVE:
		run_serve(r, e);
		return;
	case MODE_CHECK:
		run_check(r, e);
		return;
	case MODE_PROBE:
		run_probe(r, e);
		return;
	case MODE_QUEUE_RUN:
		run_flush(r, e);
		return;
	case MODE_ALIASES:
		run_aliases(r, e);
		return;
	case MODE_DRY_RUN:
	case MODE_VERIFY:
		run_dry(r, e);
		break;
	case MODE_QUEUE_LIST:
	case MODE_HOLD:
	case MODE_RELEASE:
	case MODE_DELETE:
	case MODE_SHOW:
	case MODE_CHECK_SPOOL:
		run_queue(r, e);
		return;
	case MODE_HELP:
	case MODE_VERSION:
		run_word(r, e);
		break;
	}
	if (e->kind == ERROR_NONE && (fflush(stdout) != 0 || ferror(stdout)))
		error_set(e, ERROR_SYSTEM, "standard output",
		    "cannot write all of it");
}

/* Where somebody is writing a mail to us, until the end; but a descriptor that
 * was only inherited is not waited for. */
static void
drain_input(void)
{
	const long long patience = 2000;

	if (!isatty(STDIN_FILENO) &&
	    clock_wait_readable(STDIN_FILENO, clock_now() + patience) == 1)
		file_drain(STDIN_FILENO);
}

/* The run is over before it began. */
static void
tell_failure(struct run *r, struct error *e)
{
	start_dispatch(r);
	drain_input();
	dispatch_report(r->dispatch, NULL, e);
	if (r->options.json && r->options.mode != MODE_SUBMIT &&
	    r->options.mode != MODE_SERVE)
		answer_status(e);
}

int
main(int argc, char **argv)
{
	struct error e;
	struct run r;
	int result;

	host_prepare();
	error_clear(&e);
	run_init(&r);
	result = read_options(&r, argc, argv, &e);
	if (result == 0)
		result = tls_start_library(&e);
	if (r.options.json && r.options.mode != MODE_SERVE)
		memory_answer("{");
	if (result == -1)
		tell_failure(&r, &e);
	else
		run(&r, &e);
	memory_answer(NULL);
	if (e.kind != ERROR_NONE && !r.log.quiet)
		failure_print(&e,
		    r.dispatch == NULL ? NULL : dispatch_envelope(r.dispatch));
	r.watch.told = &e;
	run_clear(&r);
	return error_status(e.kind);
}
