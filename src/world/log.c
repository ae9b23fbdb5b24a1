#include "world/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "world/clock.h"
#include "world/file.h"
#include "world/host.h"

#define JOURNAL		"/run/systemd/journal/socket"
#define PATIENCE	1000 /* milliseconds a mail, with who reads the log */
#define FIELDS_SIZE	(160 * 1024)
#define RECIPIENTS_SIZE 8000 /* octets of an object, from which on no more */
#define NO_LOG		"no log, the mail goes on: "
#define LINE_MAX_SIZE	(32 * 1024)

void
log_set_tag(struct log *l, const char *tag)
{
	text_visible(text_of(tag), l->tag, sizeof(l->tag));
}

void
log_show_tag(struct log *l, const char *tag)
{
	text_visible(text_of(tag), l->shown_tag, sizeof(l->shown_tag));
}

void
log_init(struct log *l, const char *tag)
{
	memset(l, 0, sizeof(*l));
	log_set_tag(l, tag == NULL ? getprogname() : tag);
	l->fd = l->transcript = -1;
	l->facility = LOG_MAIL;
	l->deadline = CLOCK_NEVER;
	l->patience = PATIENCE;
	l->begin = clock_now_us();
	l->screen.fd = STDERR_FILENO;
	syslog_init(&l->system, JOURNAL, _PATH_LOG);
}

/* In the place of the one before. */
static void
replace(int *fd, int with)
{
	if (*fd != -1)
		close(*fd);
	*fd = with;
}

void
log_clear(struct log *l)
{
	syslog_clear(&l->system);
	replace(&l->fd, -1);
	replace(&l->transcript, -1);
}

bool
log_has_screen(const struct log *l)
{
	return !l->quiet && screen_is_there(l->screen.fd);
}

void
log_draw(struct log *l, const char *line)
{
	screen_draw(&l->screen, line);
}

void
log_tell_person(struct log *l, const char *words)
{
	if (l->quiet || !isatty(STDERR_FILENO))
		return;
	log_draw(l, "");
	file_print(STDERR_FILENO, "%s: %s", getprogname(), words);
}

static void
tell_of_loss(struct log *l, const char *why)
{
	char words[sizeof(((struct error *)0)->text) + 40];

	snprintf(words, sizeof(words), NO_LOG "%s", why);
	if (!l->lost)
		log_tell_person(l, words);
	l->lost = true;
}

/* An object has all of that in it. */
static void
add_stamp(const struct log *l, struct buf *out)
{
	if (l->json)
		return;
	date_format(host_now(), out);
	buf_format(out, " %s[%ld]: ", l->tag, (long)getpid());
}

/* One write, so that lines of several processes do not mix. */
static void
tell_file(struct log *l, const char *line)
{
	struct buf out;

	buf_init(&out, 2 * LINE_MAX_SIZE);
	add_stamp(l, &out);
	buf_format(&out, "%s\n", line);
	if (file_write(l->fd, out.at, out.len) == -1)
		tell_of_loss(l, strerror(errno));
	buf_clear(&out);
}

static void
tell_stderr(struct log *l, const char *line, long long deadline)
{
	struct buf out;

	if (l->quiet)
		return;
	log_draw(l, "");
	buf_init(&out, 2 * LINE_MAX_SIZE);
	if (!l->json)
		buf_format(&out, "%s: ", l->tag);
	buf_format(&out, "%s\n", line);
	file_write_until(STDERR_FILENO, out.at, out.len, deadline);
	buf_clear(&out);
}

/* line is visible already. The mail is out, and a caller who waits for us any
 * longer may take it for lost: whoever reads the log gets little time. */
static void
tell(struct log *l, int severity, const char *line, struct text fields)
{
	const long long begin = clock_now();
	const long long deadline =
	    clock_earlier(l->deadline, begin + l->patience);

	switch (l->to) {
	case LOGGING_UNSET:
	case LOGGING_SYSLOG:
		syslog_write(&l->system,
		    &(struct syslog_line){
			l->facility | severity, l->tag, line, fields},
		    deadline);
		break;
	case LOGGING_OFF:
		break;
	case LOGGING_FILE:
		tell_file(l, line);
		break;
	case LOGGING_STDERR:
		tell_stderr(l, line, deadline);
		break;
	}
	l->patience -= clock_now() - begin;
}

void
log_open(struct log *l, const struct account *a)
{
	struct error e;

	error_clear(&e);
	l->to = a->log.to == LOGGING_UNSET ? LOGGING_SYSLOG : a->log.to;
	l->json = a->log_format == LOG_FORMAT_JSON;
	l->facility = a->log.facility == 0 ? LOG_MAIL : a->log.facility;
	replace(
	    &l->fd, l->to == LOGGING_FILE ? file_append(a->log.text, &e) : -1);
	if (l->to == LOGGING_FILE && l->fd == -1) {
		l->to = LOGGING_SYSLOG;
		log_note(l, NO_LOG "%s", e.text);
		tell_of_loss(l, e.text);
	}
	if (l->to == LOGGING_SYSLOG)
		syslog_open(&l->system);
}

int
log_check(const struct account *a, struct error *e)
{
	if (a->log.to != LOGGING_FILE || file_check_append(a->log.text, e) == 0)
		return 0;
	e->doing = "log";
	return error_hint(e, "name a file that can be written, or write `log "
			     "syslog', `log stderr' or `log off'");
}

int
log_open_transcript(struct log *l, const char *path, struct error *e)
{
	if (path == NULL)
		return 0;
	replace(&l->transcript, file_append(path, e));
	if (l->transcript != -1)
		return 0;
	e->doing = "option -X";
	return error_hint(e, "name a file that can be written");
}

static const char *const marks[] = {
    [SESSION_CLIENT] = "C: ", [SESSION_SERVER] = "S: ", [SESSION_NOTE] = "-- "};

/* Whose line it is; of the server's those stand out that say no. */
static const char *
colour_of(const struct log *l, enum session_side side, struct text line)
{
	switch (side) {
	case SESSION_CLIENT:
		return l->palette.aside;
	case SESSION_SERVER:
		return line.len > 0 && (line.at[0] == '4' || line.at[0] == '5')
			   ? l->palette.fault
			   : l->palette.good;
	case SESSION_NOTE:
		break;
	}
	return "";
}

/* With -v -v each line begins with the time since we began. */
static void
show_line(struct log *l, enum session_side side, struct text line)
{
	const long long us = clock_now_us() - l->begin;
	char timed[32] = "", mark[100];
	const char *colour;

	log_draw(l, "");
	if (l->palette.end == NULL)
		l->palette = screen_palette(STDERR_FILENO);
	if (l->verbose > 1)
		snprintf(timed, sizeof(timed), "%7lld.%lld ms  ", us / 1000,
		    us % 1000 / 100);
	colour = colour_of(l, side, line);
	snprintf(mark, sizeof(mark), "%s%s%s%s", timed, colour, marks[side],
	    colour[0] == '\0' ? "" : l->palette.end);
	file_show(STDERR_FILENO, mark, line);
}

static void
trace_line(void *arg, enum session_side side, struct text line)
{
	struct log *l = arg;

	if (l->verbose > 0 && !l->quiet)
		show_line(l, side, line);
	if (l->transcript != -1)
		file_show(l->transcript, marks[side], line);
}

bool
log_is_read(const struct log *l)
{
	return (l->verbose > 0 && !l->quiet) || l->transcript != -1;
}

struct session_trace
log_trace(struct log *l)
{
	struct session_trace trace = {NULL, l};

	if (log_is_read(l))
		trace.line = trace_line;
	return trace;
}

void
log_explain(struct log *l, const char *fmt, ...)
{
	char line[1000];
	va_list args;

	if (!log_is_read(l))
		return;
	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	trace_line(l, SESSION_NOTE, text_of(line));
}

/* A mail that waits is nothing that a caller is told of. */
static int
severity(const struct record *mail)
{
	if (mail->status != 0)
		return LOG_ERR;
	return mail->error != NULL && mail->error->kind != ERROR_NONE
		   ? LOG_WARNING
		   : LOG_INFO;
}

/* The object of a line, with what all of them have; is open. */
static void
begin_object(const struct log *l, int level, struct json *j)
{
	static const char *const levels[] = {[LOG_ERR] = "err",
	    [LOG_WARNING] = "warning",
	    [LOG_NOTICE] = "notice",
	    [LOG_INFO] = "info"};
	const time_t now = host_now().seconds;
	struct tm broken;
	char time[40];

	gmtime_r(&now, &broken);
	strftime(time, sizeof(time), "%Y-%m-%dT%H:%M:%SZ", &broken);
	json_add_object(j, NULL);
	json_add_string(j, "time", time);
	json_add_string(j, "level", levels[level]);
	json_add_string(j, "program", l->tag);
	json_add_number(j, "pid", getpid());
	json_add_string(
	    j, "tag", l->shown_tag[0] == '\0' ? NULL : l->shown_tag);
}

static void
format_mail(const struct log *l, const struct record *mail, struct buf *line)
{
	struct json j;

	if (!l->json) {
		record_format(mail, l->shown_tag, line);
		return;
	}
	json_init(&j, line);
	begin_object(l, severity(mail), &j);
	record_add_json(mail, RECIPIENTS_SIZE, &j);
	json_end_object(&j);
}

void
log_mail(struct log *l, const struct record *mail)
{
	struct buf line, fields;

	buf_init(&line, LINE_MAX_SIZE);
	buf_init(&fields, FIELDS_SIZE);
	format_mail(l, mail, &line);
	if (l->to == LOGGING_SYSLOG && l->system.native)
		record_add_fields(mail, l->shown_tag, &fields);
	tell(l, severity(mail), buf_string(&line), buf_text(&fields));
	l->patience = PATIENCE;
	buf_clear(&line);
	buf_clear(&fields);
}

static void
format_note(const struct log *l, const char *words, struct buf *line)
{
	char shown[1100];
	struct json j;

	if (!l->json) {
		buf_add_string(
		    line, text_visible(text_of(words), shown, sizeof(shown)));
		return;
	}
	json_init(&j, line);
	begin_object(l, LOG_NOTICE, &j);
	json_add_string(&j, "note", words);
	json_end_object(&j);
}

void
log_note(struct log *l, const char *fmt, ...)
{
	char words[1000];
	struct buf line;
	va_list args;

	va_start(args, fmt);
	vsnprintf(words, sizeof(words), fmt, args);
	va_end(args);
	buf_init(&line, LINE_MAX_SIZE);
	format_note(l, words, &line);
	tell(l, LOG_NOTICE, buf_string(&line), (struct text){NULL, 0});
	buf_clear(&line);
}

void
log_notes(struct log *l, const struct notes *notes)
{
	size_t i;

	for (i = 0; i < notes->count; i++)
		log_note(l, "%s", notes->lines[i]);
}

/* With -v the transcript says so. */
void
log_remark(struct log *l, const char *words)
{
	log_note(l, "%s", words);
	if (l->verbose == 0 && l->to != LOGGING_STDERR)
		log_tell_person(l, words);
}
