/*
 * sendling: the order of acts and nothing else. What is read, decided and sent
 * is the rooms' work; here stands in which order, and what is told at the end.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "deliver.h"
#include "error.h"
#include "file.h"
#include "host.h"
#include "log.h"
#include "message.h"
#include "options.h"
#include "secret.h"
#include "settings.h"
#include "submit.h"

#define SENDLING_VERSION "0.1"

struct run {
	struct options options;
	struct host host;
	struct facts facts;
	struct log log;
	struct config config;
	const struct account *account; /* of config; NULL until chosen */
	struct file_store store;
	struct message *message;
	struct envelope envelope;
	struct notes notes;
	struct buf password;
	struct deliver_report report;
	struct session_mail mail;
};

static void
run_init(struct run *r)
{
	memset(r, 0, sizeof(*r));
	host_init(&r->host);
	config_init(&r->config);
	log_init(&r->log, getprogname());
	file_store_init(&r->store, host_environment("TMPDIR"));
	envelope_init(&r->envelope);
	buf_init(&r->password, SECRET_MAX);
}

static void
run_clear(struct run *r)
{
	buf_wipe(&r->password);
	notes_clear(&r->notes);
	envelope_clear(&r->envelope);
	message_free(r->message);
	file_store_clear(&r->store);
	log_clear(&r->log);
	config_clear(&r->config);
	options_clear(&r->options);
}

/*
 * What every mode needs first.
 */

static int
read_options(struct run *r, int argc, char **argv, struct error *e)
{
	if (options_parse(&r->options, argc, argv, e) == -1)
		return -1;
	r->log.verbose = r->options.verbose;
	r->log.quiet = r->options.quiet;
	if (r->options.tag != NULL)
		strlcpy(r->log.tag, r->options.tag, sizeof(r->log.tag));
	return 0;
}

/* Set-id bits would put a privileged parser behind any user's argv. */
static int
refuse_privilege(const struct run *r, struct error *e)
{
	if (!r->host.privileged)
		return 0;
	error_set(e, ERROR_CONFIG, "start",
	    "sendling was started with set-id bits, which it refuses");
	return error_hint(e,
	    "remove them (chmod 755); a machine shares one account through a "
	    "configuration that its users can read");
}

static int
read_settings(struct run *r, struct error *e)
{
	const struct settings_plan plan = {.path = r->options.config,
	    .sets = r->options.settings,
	    .set_count = r->options.setting_count};

	return settings_read(&plan, &r->host, &r->config, e);
}

/* All of standard input comes first: whoever writes to us must not be cut
 * off, also where the run fails for its configuration. */
static int
read_message(struct run *r, struct error *e)
{
	r->message = message_new(&r->store.store);
	return file_read_message(STDIN_FILENO, r->message, e);
}

static int
choose_account(struct run *r, struct error *e)
{
	struct buf hint;

	buf_init(&hint, 4096);
	submit_reverse_path_hint(&r->options.request, r->message, &hint);
	r->account = config_choose(&r->config, r->options.account,
	    hint.len == 0 ? NULL : buf_string(&hint), e);
	buf_clear(&hint);
	if (r->account == NULL)
		return -1;
	log_open(&r->log, r->account);
	return 0;
}

/* The message, the account and the envelope, ready to go. */
static int
prepare(struct run *r, struct error *e)
{
	if (read_message(r, e) == -1 || refuse_privilege(r, e) == -1 ||
	    read_settings(r, e) == -1 || choose_account(r, e) == -1 ||
	    host_facts(&r->host, &r->facts, e) == -1)
		return -1;
	return submit(&r->options.request, &r->facts, r->account, r->message,
	    &r->envelope, &r->notes, e);
}

/*
 * Submission.
 */

static int
open_transcript(struct run *r, struct error *e)
{
	if (r->options.transcript == NULL)
		return 0;
	return log_open_transcript(&r->log, r->options.transcript, e);
}

static int
send_mail(struct run *r, struct error *e)
{
	struct deliver_plan plan = {.account = r->account};
	struct deliver *d;
	char helo[256];
	int result;

	host_hide();
	if (open_transcript(r, e) == -1 || account_check(r->account, e) == -1 ||
	    secret_read(r->account, true, &r->password, e) == -1)
		return -1;
	plan.password = buf_text(&r->password);
	plan.helo = submit_helo(r->account, &r->facts, helo, sizeof(helo));
	plan.trace = log_trace(&r->log);
	r->mail.envelope = &r->envelope;
	r->mail.message = r->message;
	r->mail.last = true;
	r->mail.all_or_none = r->options.request.all_or_none ||
			      r->account->recipients_all == SWITCH_YES;
	d = deliver_new(&plan);
	result = deliver_mail(d, &r->mail, &r->report, e);
	deliver_free(d);
	return result;
}

static void
tell(struct run *r, const struct error *e)
{
	struct log_mail told = {.envelope = &r->envelope,
	    .smarthost = r->report.smarthost,
	    .tls = r->report.tls,
	    .auth = r->report.auth,
	    .code = r->mail.code,
	    .words = r->mail.words,
	    .delay_ms = r->report.delay_ms,
	    .status = error_status(e->kind),
	    .error = e};
	struct message_field *id;
	char *message_id = NULL;

	id = message_find(r->message, "Message-ID");
	if (id != NULL)
		message_id = strndup(text_trim(id->field.value).at,
		    text_trim(id->field.value).len);
	told.message_id = message_id;
	told.size = message_size(r->message);
	log_notes(&r->log, &r->options.notes);
	log_notes(&r->log, &r->notes);
	log_mail(&r->log, &told);
	if (r->options.json)
		log_json(&told);
	free(message_id);
}

static int
run_submit(struct run *r, struct error *e)
{
	if (prepare(r, e) == 0)
		send_mail(r, e);
	tell(r, e);
	if (e->kind != ERROR_NONE)
		log_failure(&r->log, e, &r->envelope);
	return error_status(e->kind);
}

/*
 * The other modes.
 */

static int
fail(struct run *r, const struct error *e)
{
	log_failure(&r->log, e, NULL);
	return error_status(e->kind);
}

static void
print_envelope(const struct run *r)
{
	size_t i;

	printf("account: %s\n",
	    r->account->name == NULL ? "default" : r->account->name);
	printf("from: <%s>\n", r->envelope.reverse_path);
	for (i = 0; i < r->envelope.count; i++)
		printf("to: <%s>\n", r->envelope.recipients[i].path);
}

static int
print_message(struct run *r, struct error *e)
{
	struct message_cursor cursor;
	char bytes[16384];
	long len;

	memset(&cursor, 0, sizeof(cursor));
	while ((len = message_read(
		    r->message, &cursor, bytes, sizeof(bytes), e)) > 0)
		fwrite(bytes, 1, (size_t)len, stdout);
	return len == -1 ? -1 : 0;
}

static int
flush_stdout(struct error *e)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	return error_set(
	    e, ERROR_SYSTEM, "standard output", "cannot write all of it");
}

static int
run_dry(struct run *r, struct error *e)
{
	if (prepare(r, e) == -1)
		return fail(r, e);
	print_envelope(r);
	putchar('\n');
	if (r->options.mode == MODE_DRY_RUN && print_message(r, e) == -1)
		return fail(r, e);
	return flush_stdout(e) == -1 ? fail(r, e) : EXIT_SUCCESS;
}

static int
run_check(struct run *r, struct error *e)
{
	const struct config_fault *f;
	size_t i;

	if (read_settings(r, e) == 0 && refuse_privilege(r, e) == 0) {
		for (i = 0; i < r->config.account_count; i++)
			account_check(&r->config.accounts[i], e);
	}
	for (i = 0; i < r->config.fault_count; i++) {
		f = &r->config.faults[i];
		printf("%s: %s%s%s\n", f->where, f->what,
		    f->hint == NULL ? "" : "; ",
		    f->hint == NULL ? "" : f->hint);
	}
	if (e->kind != ERROR_NONE && r->config.fault_count == 0)
		return fail(r, e);
	if (e->kind == ERROR_NONE)
		printf("no faults, %zu account%s\n", r->config.account_count,
		    r->config.account_count == 1 ? "" : "s");
	return error_status(e->kind);
}

static int
run_queue_list(void)
{
	puts("Mail queue is empty");
	return EXIT_SUCCESS;
}

static int
run(struct run *r, struct error *e)
{
	switch (r->options.mode) {
	case MODE_SUBMIT:
		return run_submit(r, e);
	case MODE_DRY_RUN:
	case MODE_VERIFY:
		return run_dry(r, e);
	case MODE_CHECK:
		return run_check(r, e);
	case MODE_QUEUE_LIST:
		return run_queue_list();
	case MODE_QUEUE_RUN:
	case MODE_ALIASES:
		return EXIT_SUCCESS;
	case MODE_HELP:
		fputs(options_help(), stdout);
		return EXIT_SUCCESS;
	case MODE_VERSION:
		puts("sendling " SENDLING_VERSION);
		return EXIT_SUCCESS;
	case MODE_SERVE:
		break;
	}
	error_set(e, ERROR_USAGE, "-bs", "SMTP on standard input is not there");
	return fail(r, e);
}

int
main(int argc, char **argv)
{
	struct error e;
	struct run r;
	int status;

	host_prepare();
	error_clear(&e);
	run_init(&r);
	if (read_options(&r, argc, argv, &e) == -1) {
		file_drain(STDIN_FILENO);
		status = fail(&r, &e);
	} else {
		status = run(&r, &e);
	}
	run_clear(&r);
	return status;
}
