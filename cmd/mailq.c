#include "cmd/mailq.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "cmd/answer.h"
#include "config/keyword.h"
#include "run/listing.h"
#include "run/queue.h"
#include "world/failure.h"
#include "world/file.h"

#define CHUNK 16384

/* What closes a list of mails in JSON, and such a list within a message. */
#define BEHIND_A_MAIL "],"
#define IN_A_MESSAGE  "\"}],"

struct mailq {
	const struct mailq_plan *plan;
	struct queue queue;
	struct listing_terms terms;
	struct listing_sum sum;
	struct buf out;
	struct answer answer; /* with --json, in place of it */
	bool began;	      /* the table has its first line */
	bool closed;	      /* nobody reads what is printed */
	bool aloud;	      /* what is wrong goes to standard error */
	struct error *e;
};

/* What is printed. */

static void
print(struct mailq *m)
{
	if (!m->closed &&
	    file_write(STDOUT_FILENO, m->out.at, m->out.len) == -1) {
		m->closed = true;
		error_set_sys(m->e, ERROR_SYSTEM, errno, "standard output",
		    "cannot write all of it");
	}
	buf_reset(&m->out);
}

/* A page at a time, however many there are. */
static int
print_later(struct mailq *m)
{
	if (m->out.len >= CHUNK)
		print(m);
	return m->closed ? 1 : 0;
}

/* What is wrong stands in e, and on standard error where it does not fit. */
static void
tell_spools(struct mailq *m)
{
	const struct queue_spool *s = m->queue.spools;
	const struct queue_spool *end = s + m->queue.count;

	for (; s < end; s++) {
		if (s->error.kind == ERROR_NONE)
			continue;
		if (m->e->kind == ERROR_NONE)
			*m->e = s->error;
		else if (m->aloud && !m->plan->log->quiet)
			failure_print(&s->error, NULL);
	}
}

/*
 * -bp.
 */

static int
list_mail(void *arg, const struct queue_mail *mail)
{
	struct mailq *m = arg;

	listing_count(mail, &m->terms, &m->sum);
	if (!m->began)
		listing_format_begin(&m->out);
	m->began = true;
	listing_format(mail, &m->terms, &m->out);
	return print_later(m);
}

static int
list_object(void *arg, const struct queue_mail *mail)
{
	struct mailq *m = arg;

	listing_count(mail, &m->terms, &m->sum);
	json_add_object(&m->answer.json, NULL);
	listing_add_json(mail, &m->terms, &m->answer.json);
	json_end_object(&m->answer.json);
	if (m->answer.out.len < CHUNK)
		return 0;
	return answer_print(&m->answer, BEHIND_A_MAIL, m->e) == -1;
}

/* "Mail queue is empty" is not said of what nobody could see. */
static void
list(struct mailq *m)
{
	queue_walk(&m->queue, list_mail, m);
	tell_spools(m);
	if (m->began || m->e->kind == ERROR_NONE)
		listing_format_end(&m->sum, &m->out);
	print(m);
}

static void
end_answer(struct mailq *m)
{
	m->closed = answer_end(&m->answer, m->e) == -1;
}

/* What is said of all. */
static void
add_spools(struct mailq *m)
{
	struct json *j = &m->answer.json;
	size_t i;

	json_add_array(j, "spools");
	for (i = 0; i < m->queue.count; i++) {
		json_add_object(j, NULL);
		json_add_string(j, "path", m->queue.spools[i].path);
		json_add_error(j, "error", &m->queue.spools[i].error);
		json_end_object(j);
	}
	json_end_array(j);
	listing_add_sum(&m->sum, j);
}

static void
list_as_json(struct mailq *m)
{
	answer_begin(&m->answer);
	json_add_array(&m->answer.json, "mails");
	queue_walk(&m->queue, list_object, m);
	json_end_array(&m->answer.json);
	tell_spools(m);
	add_spools(m);
	end_answer(m);
}

/*
 * --check-spool.
 */

static int
count_mail(void *arg, const struct queue_mail *mail)
{
	struct mailq *m = arg;

	listing_count(mail, &m->terms, &m->sum);
	return 0;
}

static void
judge(struct mailq *m)
{
	const struct listing_sum *sum = &m->sum;

	if (sum->failed + sum->damaged > 0)
		error_set(m->e, ERROR_REFUSED, "spool", "a mail has failed");
	if (sum->late + sum->stranded > 0)
		error_set(m->e, ERROR_LATER, "spool", "a mail waits too long");
}

static void
check(struct mailq *m)
{
	struct error_line wrong;

	queue_walk(&m->queue, count_mail, m);
	tell_spools(m);
	wrong = error_line(m->e);
	listing_format_check(&m->sum, &m->terms,
	    m->e->kind == ERROR_NONE ? NULL : wrong.words, &m->out);
	judge(m);
	print(m);
}

static void
check_as_json(struct mailq *m)
{
	queue_walk(&m->queue, count_mail, m);
	tell_spools(m);
	judge(m);
	answer_begin(&m->answer);
	add_spools(m);
	end_answer(m);
}

/* As `spool-lifetime' is written. */
static int
parse_age(const char *age, unsigned long long *seconds, struct error *e)
{
	const struct keyword *k = keyword_find(TEXT("spool-lifetime"));
	struct account a = {0};
	int status;

	if (age[0] == '\0')
		return 0;
	status = keyword_set(k, &a, text_of(age), NULL, NULL);
	*seconds = a.spool_lifetime;
	keyword_clear(&a);
	if (status == 0)
		return 0;
	error_set(e, ERROR_USAGE, NULL, "option --check-spool: `%s' is no age",
	    SHOWN(text_of(age)));
	return error_hint(e, "write it as 90s, 30m, 4h or 2d");
}

/*
 * --show.
 */

/* No controls of a stranger's reach a terminal. */
static void
show_visibly(struct mailq *m, struct text piece)
{
	char shown[4 * CHUNK + 1];
	struct text line;
	bool ended;

	while (piece.len > 0) {
		line = text_first(piece, text_find(piece, '\n'));
		ended = line.len < piece.len;
		piece = text_skip(piece, line.len + 1);
		if (line.len > 0 && line.at[line.len - 1] == '\r')
			line.len--;
		buf_add_string(
		    &m->out, text_visible(line, shown, sizeof(shown)));
		if (ended)
			buf_add_char(&m->out, '\n');
	}
}

/* Those that are there of them; why there are none is told. */
static struct text
read_octets(struct mailq *m, const struct queue_mail *mail,
    unsigned long long at, char *bytes, size_t size)
{
	long n;

	n = folder_read(
	    mail->spool->folder, &mail->file.file, at, bytes, size, m->e);
	return (struct text){bytes, n > 0 ? (size_t)n : 0};
}

/* The next octets of the message, at most CHUNK. Of a mail whose head cannot be
 * read all that is in the file. */
static struct text
read_message(struct mailq *m, const struct queue_mail *mail,
    unsigned long long done, char *bytes)
{
	const unsigned long long begin = mail->file.layout.message_at,
				 end = mail->file.layout.trailer_at == 0
					   ? UINT64_MAX
					   : mail->file.layout.trailer_at;
	const unsigned long long left = end - begin - done;

	return read_octets(
	    m, mail, begin + done, bytes, left < CHUNK ? (size_t)left : CHUNK);
}

/* Octets as they are, but for a terminal. */
static void
show_message(struct mailq *m, const struct queue_mail *mail)
{
	const bool visibly = isatty(STDOUT_FILENO) != 0;
	unsigned long long done;
	char bytes[CHUNK];
	struct text piece;

	for (done = 0; !m->closed; done += piece.len) {
		piece = read_message(m, mail, done, bytes);
		if (piece.len == 0)
			break;
		if (visibly)
			show_visibly(m, piece);
		else
			buf_add_text(&m->out, piece);
		print(m);
	}
}

static void
read_journal(
    struct mailq *m, const struct queue_mail *mail, struct buf *journal)
{
	const size_t used = mail->file.ticket.journal_used;

	buf_init(journal, SIZE_MAX / 4);
	if (used > 0)
		journal->len =
		    read_octets(m, mail, mail->file.layout.journal_at,
			buf_reserve(journal, used), used)
			.len;
}

static int
show_mail(void *arg, const struct queue_mail *mail)
{
	struct mailq *m = arg;
	struct buf journal;

	read_journal(m, mail, &journal);
	listing_format_whole(mail, &m->terms, buf_text(&journal), &m->out);
	buf_clear(&journal);
	buf_add_char(&m->out, '\n');
	if (mail->file.file.fd != -1)
		show_message(m, mail);
	print(m);
	return 1;
}

static void
add_journal(struct mailq *m, const struct queue_mail *mail)
{
	struct text rest, line;
	struct buf journal;
	char *copy;

	read_journal(m, mail, &journal);
	rest = buf_text(&journal);
	json_add_array(&m->answer.json, "journal");
	while (text_next_line(&rest, &line)) {
		copy = mem_string(line.at, line.len);
		json_add_string(&m->answer.json, NULL, copy);
		free(copy);
	}
	json_end_array(&m->answer.json);
	buf_clear(&journal);
}

static void
add_message(struct mailq *m, const struct queue_mail *mail)
{
	unsigned long long done;
	char bytes[CHUNK];
	struct text piece;

	if (mail->file.file.fd == -1) {
		json_add_null(&m->answer.json, "message_base64");
		return;
	}
	answer_begin_octets(&m->answer, "message_base64");
	for (done = 0;; done += piece.len) {
		piece = read_message(m, mail, done, bytes);
		if (piece.len == 0 || answer_add_octets(&m->answer, piece,
					  IN_A_MESSAGE, m->e) == -1)
			break;
	}
	answer_end_octets(&m->answer);
}

static int
show_object(void *arg, const struct queue_mail *mail)
{
	struct mailq *m = arg;

	json_add_object(&m->answer.json, NULL);
	listing_add_json(mail, &m->terms, &m->answer.json);
	add_journal(m, mail);
	add_message(m, mail);
	json_end_object(&m->answer.json);
	answer_print(&m->answer, BEHIND_A_MAIL, m->e);
	return 1;
}

/*
 * Acts.
 */

static const struct act {
	enum options_mode mode;
	const char *did;
	int (*act)(
	    struct queue *q, const struct queue_place *p, struct error *e);
} acts[] = {
    {MODE_HOLD, "held", queue_hold},
    {MODE_RELEASE, "released", queue_release},
    {MODE_DELETE, "deleted", queue_delete},
};

static const struct act *
find_act(const struct mailq *m)
{
	size_t i;

	for (i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
		if (acts[i].mode == m->plan->options->mode)
			return &acts[i];
	return NULL;
}

/* What the log is to say of a mail that may be gone then. */
struct acted {
	const char *did;
	const struct config *config;
	const struct account *account; /* of it, or NULL */
	char line[400];
};

static int
note_mail(void *arg, const struct queue_mail *mail)
{
	const struct envelope *env = &mail->file.ticket.envelope;
	struct acted *a = arg;

	a->account = config_find(a->config, mail->file.ticket.account);
	snprintf(a->line, sizeof(a->line),
	    "spool: %s by hand: id=%s from=<%s> recipients=%zu", a->did,
	    mail->id, env->reverse_path, env->count);
	return 1;
}

static void
log_act(const struct mailq *m, const struct acted *a)
{
	const struct config *c = m->plan->config;
	const struct account *account = a->account;

	if (account == NULL)
		account = c->account_count > 0 ? &c->accounts[0] : &c->defaults;
	log_open(m->plan->log, account);
	log_note(m->plan->log, "%s", a->line);
}

static void
add_act(struct mailq *m, const struct queue_place *p, const struct act *act)
{
	struct json *j = &m->answer.json;

	json_add_object(j, NULL);
	json_add_string(j, "id", p->name + 1);
	json_add_string(j, "spool", p->spool->path);
	json_add_string(j, "act", act->did);
	json_end_object(j);
}

static int
act_on(struct mailq *m, const struct queue_place *p)
{
	const struct act *act = find_act(m);
	struct acted acted = {
	    .did = act == NULL ? NULL : act->did, .config = m->plan->config};

	if (act == NULL) {
		queue_look(&m->queue, p,
		    m->plan->options->json ? show_object : show_mail, m);
		return m->e->kind == ERROR_NONE ? 0 : -1;
	}
	queue_look(&m->queue, p, note_mail, &acted);
	if (act->act(&m->queue, p, m->e) == -1)
		return -1;
	log_act(m, &acted);
	if (m->plan->options->json)
		add_act(m, p, act);
	return 0;
}

/* Nothing is done where one of the ids is wrong. */
static void
act_on_all(struct mailq *m)
{
	const struct options *o = m->plan->options;
	struct queue_place *places = mem_new(o->id_count, sizeof(*places));
	int status = 0;
	size_t i;

	for (i = 0; status == 0 && i < o->id_count; i++)
		status = queue_find(&m->queue, o->ids[i], &places[i], m->e);
	for (i = 0; status == 0 && i < o->id_count; i++)
		status = act_on(m, &places[i]);
	free(places);
}

/* Where it is done a fault of the configuration was in nobody's way; where no
 * such mail was found it may be why. */
static void
act(struct mailq *m)
{
	struct error *fault = m->e, e;

	error_clear(&e);
	m->e = &e;
	act_on_all(m);
	m->e = fault;
	if (fault->kind == ERROR_NONE || e.kind != ERROR_INPUT)
		*fault = e;
}

static void
act_as_json(struct mailq *m)
{
	answer_begin(&m->answer);
	json_add_array(&m->answer.json, "mails");
	act(m);
	json_end_array(&m->answer.json);
	end_answer(m);
}

/*
 * The whole.
 */

static const struct {
	enum options_mode mode;
	void (*run)(struct mailq *m);
	void (*as_json)(struct mailq *m);
	bool tells; /* what is wrong, on standard output */
} modes[] = {
    {MODE_QUEUE_LIST, list, list_as_json, false},
    {MODE_CHECK_SPOOL, check, check_as_json, true},
    {MODE_SHOW, act, act_as_json, false},
    {MODE_HOLD, act, act_as_json, false},
    {MODE_RELEASE, act, act_as_json, false},
    {MODE_DELETE, act, act_as_json, false},
};

static bool
run(struct mailq *m)
{
	const struct options *o = m->plan->options;
	const struct queue_plan plan = {.config = m->plan->config,
	    .settings = m->plan->settings,
	    .host = m->plan->host,
	    .complete = m->e->kind == ERROR_NONE,
	    .acting = find_act(m) != NULL,
	    .now = m->terms.now.seconds};
	size_t i;

	queue_open(&m->queue, &plan, m->e);
	for (i = 0; modes[i].mode != o->mode; i++)
		;
	m->aloud = !modes[i].tells && !o->json;
	if (o->json)
		modes[i].as_json(m);
	else
		modes[i].run(m);
	queue_close(&m->queue);
	return !m->aloud && !m->closed;
}

bool
mailq_run(const struct mailq_plan *plan, struct error *e)
{
	struct mailq m = {.plan = plan, .terms = {.now = host_now()}, .e = e};
	bool told = false;

	buf_init(&m.out, SIZE_MAX);
	if (parse_age(plan->options->age, &m.terms.age, e) == 0)
		told = run(&m);
	else if (plan->options->json)
		answer_status(e);
	buf_clear(&m.out);
	return told;
}
