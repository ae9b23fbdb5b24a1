#include "smtp/serve.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "smtp/command.h"

/* Holds an over-long line and shows that it is one. */
#define IN_MAX (16 * 1024)
/* No further command is looked at while as much waits to be sent. */
#define OUT_ENOUGH (16 * 1024)
#define REPLY_MAX  512 /* RFC 5321 section 4.5.3.1.5 */

static const char mail_first[] = "503 5.5.1 MAIL comes first";
static const char chunks_begun[] = "503 5.5.1 BDAT was begun already";
static const char no_recipient[] = "554 5.5.1 no recipient was taken";
static const char too_large[] =
    "552 5.3.4 the message is larger than this system takes";

/* How the bytes that come in are to be read. */
enum mode { MODE_COMMAND, MODE_DATA, MODE_CHUNK, MODE_WAIT, MODE_CLOSED };

/* All that is known of one mail, and of nothing else. */
struct incoming {
	struct serve_mail mail;
	bool started;	     /* MAIL was accepted */
	bool spoiled;	     /* a MAIL or RCPT was refused */
	bool chunked;	     /* a BDAT was taken */
	const char *refusal; /* the reply at the end of the mail data */
	struct error broken; /* the message could not be stored */
	unsigned long long received;
};

struct serve {
	struct serve_plan plan;
	enum mode mode;
	struct buf in;
	size_t looked; /* of in */
	struct buf out;
	unsigned faults;
	struct incoming t;

	bool too_long;	 /* the rest of a command line is passed over */
	bool bare_lf;	 /* the command ended in LF alone */
	bool line_start; /* of the mail data */
	bool cr;	 /* the mail data so far ends in CR */
	unsigned long long chunk; /* octets of BDAT still to come */
	bool chunk_last;
};

/*
 * Replies.
 */

static void reply(struct serve *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Foreign words are cut, and never end a line or leave ASCII. */
static void
reply(struct serve *s, const char *fmt, ...)
{
	char line[REPLY_MAX - 1], *c;
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	for (c = line; *c != '\0'; c++) {
		if ((unsigned char)*c >= 0x7f)
			*c = '?';
		else if ((unsigned char)*c < ' ')
			*c = ' ';
	}
	buf_add_string(&s->out, line);
	buf_add_string(&s->out, "\r\n");
}

/* A command that cannot be carried out; too many of them end the dialogue. */
static void
fault(struct serve *s, const char *line)
{
	if (++s->faults < SERVE_FAULTS_MAX) {
		reply(s, "%s", line);
		return;
	}
	reply(s, "421 4.7.0 %s too many errors", s->plan.host);
	s->mode = MODE_CLOSED;
}

/*
 * One mail.
 */

static void
forget_mail(struct serve *s)
{
	request_clear(&s->t.mail.request);
	message_free(s->t.mail.message);
	if (s->plan.forget != NULL)
		s->plan.forget(s->plan.arg);
	memset(&s->t, 0, sizeof(s->t));
}

/* The smarthost's code where it is about the mail or a mailbox. What it thinks
 * of us (421, 530, 535) would mislead the client, who cannot mend it. */
static int
failure_code(const struct error *e)
{
	if (error_lasts(e->kind))
		return e->code >= 550 && e->code <= 554 ? e->code : 554;
	if (e->kind == ERROR_LATER && e->code >= 450 && e->code <= 452)
		return e->code;
	return 451;
}

/* Longer than a reply may be, which cuts it. */
struct reply_line {
	char words[2000];
};

/* Nothing of it is on stderr: all that a person should know is in here. */
static struct reply_line
error_reply(int code, struct enhanced usual, const struct error *e)
{
	bool same = e->enhanced.class == code / 100;
	struct enhanced enhanced = same ? e->enhanced : usual;
	struct reply_line line;

	snprintf(line.words, sizeof(line.words), "%d %d.%d.%d %s%s%s%s%s", code,
	    code / 100, enhanced.subject, enhanced.detail, error_line(e).words,
	    e->why[0] == '\0' ? "" : "; it said: ", e->why,
	    e->hint[0] == '\0' ? "" : "; ", e->hint);
	return line;
}

static struct reply_line
failure_reply(const struct error *e)
{
	return error_reply(failure_code(e), (struct enhanced){0}, e);
}

/* e may be the mail's own; words: NULL for ours. */
static void
finish_mail(struct serve *s, const struct error *e, const char *words)
{
	s->mode = MODE_COMMAND;
	s->faults = 0;
	if (e->kind != ERROR_NONE)
		reply(s, "%s", failure_reply(e).words);
	else
		reply(s, "%s", words == NULL ? "250 2.0.0 taken" : words);
	forget_mail(s);
}

/*
 * Commands. Each has its argument trimmed, and answers.
 */

static void
take_helo(struct serve *s, struct text argument)
{
	(void)argument;
	forget_mail(s);
	reply(s, "250 %s", s->plan.host);
}

static void
take_ehlo(struct serve *s, struct text argument)
{
	(void)argument;
	forget_mail(s);
	reply(s, "250-%s", s->plan.host);
	reply(s, "250-PIPELINING");
	reply(s, "250-SIZE %llu", s->plan.size_max);
	reply(s, "250-8BITMIME");
	reply(s, "250-SMTPUTF8");
	reply(s, "250-CHUNKING");
	reply(s, "250-DSN");
	reply(s, "250 ENHANCEDSTATUSCODES");
}

/* NULL, or the reply that refuses it: what is no address, or too large, and
 * then who may not send as that. */
static const char *
parse_mail(struct serve *s, struct text argument, struct reply_line *line)
{
	struct request *r = &s->t.mail.request;
	unsigned long long size;
	const char *refusal;
	struct error e;

	error_clear(&e);
	refusal = command_parse_mail(argument, r, &size);
	if (refusal != NULL)
		return refusal;
	if (s->plan.size_max > 0 && size > s->plan.size_max)
		return too_large;
	if (s->plan.check_sender == NULL ||
	    s->plan.check_sender(s->plan.arg, r, &e) == 0)
		return NULL;
	*line = failure_reply(&e);
	return line->words;
}

static void
take_mail(struct serve *s, struct text argument)
{
	struct reply_line line;
	const char *refusal;

	if (s->t.started) {
		fault(s, "503 5.5.1 a mail is under way already");
		return;
	}
	forget_mail(s);
	refusal = parse_mail(s, argument, &line);
	if (refusal != NULL) {
		forget_mail(s);
		s->t.spoiled = true;
		fault(s, refusal);
		return;
	}
	s->t.started = true;
	s->t.mail.message = message_new(s->plan.store);
	reply(s, "250 2.1.0 sender taken");
}

/* A list with many bad addresses is no fault of the dialogue. */
static void
take_rcpt(struct serve *s, struct text argument)
{
	const char *refusal;

	if (!s->t.started)
		refusal = mail_first;
	else if (s->t.chunked)
		refusal = chunks_begun;
	else
		refusal = command_parse_rcpt(
		    argument, &s->t.mail.request, SERVE_RECIPIENTS_MAX);
	reply(s, "%s", refusal == NULL ? "250 2.1.5 recipient taken" : refusal);
	s->t.spoiled |= refusal != NULL;
}

/* RFC 2920 section 3.1 lets a server say 354 where no recipient is valid: for
 * a client that did not wait the alternative is to take mail for commands. */
static void
take_data(struct serve *s, struct text argument)
{
	bool empty = s->t.mail.request.recipient_count == 0;

	if (argument.len > 0)
		fault(s, "501 5.5.4 DATA has no argument");
	else if (s->t.chunked)
		fault(s, chunks_begun);
	else if (empty && !s->t.spoiled)
		fault(s, s->t.started ? no_recipient : mail_first);
	else {
		s->t.refusal = empty ? no_recipient : NULL;
		s->mode = MODE_DATA;
		s->line_start = true;
		s->cr = false;
		reply(s, "354 end the mail with a line that is a dot");
	}
}

/* NULL, or the reply to a chunk that is not wanted. */
static const char *
chunk_refusal(struct serve *s, struct text word)
{
	if (word.len > 0 && !s->chunk_last)
		return "501 5.5.4 write BDAT size, or BDAT size LAST";
	if (!s->t.started)
		return mail_first;
	if (s->t.mail.request.recipient_count == 0)
		return no_recipient;
	return NULL;
}

/* RFC 3030 section 2: the octets come whether the chunk is taken or not. */
static void
take_bdat(struct serve *s, struct text argument)
{
	struct text size, word;

	if (!text_next(&argument, " ", &size) ||
	    !text_number(size, ~0ULL, &s->chunk)) {
		/* Where commands go on after it nobody can know. */
		reply(
		    s, "421 4.5.4 %s BDAT came without its size", s->plan.host);
		s->mode = MODE_CLOSED;
		return;
	}
	word = text_trim(argument);
	s->chunk_last = text_equal_fold(word, TEXT("LAST"));
	s->mode = MODE_CHUNK;
	s->t.refusal = chunk_refusal(s, word);
	s->t.chunked = true;
}

static void
take_rset(struct serve *s, struct text argument)
{
	(void)argument;
	forget_mail(s);
	reply(s, "250 2.0.0 forgotten");
}

static void
take_quit(struct serve *s, struct text argument)
{
	(void)argument;
	reply(s, "221 2.0.0 %s closes", s->plan.host);
	s->mode = MODE_CLOSED;
}

static const char unoffered[] = "502 5.5.1 that is not offered";

static const struct {
	const char *verb;
	const char *missing; /* the fault where it has no argument */
	const char *answer;  /* of what does nothing */
	void (*take)(struct serve *s, struct text argument);
} commands[] = {
    {"HELO", "501 5.5.4 write HELO name", NULL, take_helo},
    {"EHLO", "501 5.5.4 write EHLO name", NULL, take_ehlo},
    {"MAIL", NULL, NULL, take_mail},
    {"RCPT", NULL, NULL, take_rcpt},
    {"DATA", NULL, NULL, take_data},
    {"BDAT", NULL, NULL, take_bdat},
    {"RSET", NULL, NULL, take_rset},
    {"NOOP", NULL, "250 2.0.0 here", NULL},
    {"VRFY", "501 5.5.4 write VRFY address",
	"252 2.1.5 cannot say, but will take mail for it", NULL},
    {"HELP", NULL,
	"214 2.0.0 EHLO HELO MAIL RCPT DATA BDAT RSET NOOP VRFY HELP QUIT",
	NULL},
    {"QUIT", NULL, NULL, take_quit},
    {"AUTH", NULL, unoffered, NULL},
    {"STARTTLS", NULL, unoffered, NULL},
    {"EXPN", NULL, unoffered, NULL},
};

static void
take_line(struct serve *s, struct text line)
{
	struct text verb = text_first(line, text_find(line, ' '));
	struct text argument = text_trim(text_skip(line, verb.len));
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (text_equal_fold(verb, text_of(commands[i].verb)))
			break;
	if (i == sizeof(commands) / sizeof(commands[0]))
		fault(s, "500 5.5.1 that is no command");
	else if (commands[i].missing != NULL && argument.len == 0)
		fault(s, commands[i].missing);
	else if (commands[i].answer == unoffered)
		fault(s, unoffered);
	else if (commands[i].answer != NULL)
		reply(s, "%s", commands[i].answer);
	else
		commands[i].take(s, argument);
}

/* A path may be what made the line bad: then the client may go on to DATA. */
static void
refuse_line(struct serve *s, const char *line)
{
	s->t.spoiled = true;
	fault(s, line);
}

/*
 * Bytes in: each returns whether it could take some of what is there.
 */

static struct text
unseen(const struct serve *s)
{
	return text_skip(buf_text(&s->in), s->looked);
}

static bool
read_command(struct serve *s)
{
	struct text line, rest = unseen(s);
	size_t end = text_find(rest, '\n');
	bool too_long = s->too_long || end > SERVE_LINE_MAX;

	if (end == rest.len) {
		s->too_long = too_long;
		s->looked += too_long ? rest.len : 0;
		return false;
	}
	text_next_line(&rest, &line);
	s->looked += end + 1;
	s->too_long = false;
	s->bare_lf = line.len == end;
	if (too_long)
		refuse_line(s, "500 5.5.2 the line is too long");
	else if (text_has_control(line))
		refuse_line(s, "500 5.5.2 the line holds a control character");
	else
		take_line(s, line);
	return true;
}

static void
add_data(struct serve *s, struct text bytes)
{
	struct incoming *t = &s->t;

	s->looked += bytes.len;
	t->received += bytes.len;
	if (t->refusal == NULL && s->plan.size_max > 0 &&
	    t->received > s->plan.size_max)
		t->refusal = too_large;
	if (t->refusal == NULL && t->broken.kind == ERROR_NONE)
		message_input(t->mail.message, bytes.at, bytes.len, &t->broken);
}

static void
end_data(struct serve *s)
{
	struct incoming *t = &s->t;
	const char *refusal = t->refusal;

	if (refusal != NULL) {
		forget_mail(s);
		s->mode = MODE_COMMAND;
		fault(s, refusal);
		return;
	}
	s->mode = MODE_WAIT;
	if (t->broken.kind == ERROR_NONE)
		message_end(t->mail.message, &t->broken);
	if (t->broken.kind != ERROR_NONE)
		finish_mail(s, &t->broken, NULL);
}

/* Whether a line of the mail data ends behind t: only CRLF does that, or what
 * one side takes for the end of a mail is mail to the other. */
static bool
ends_line(const struct serve *s, struct text t)
{
	if (t.at[t.len - 1] != '\n')
		return false;
	return s->bare_lf || (t.len > 1 ? t.at[t.len - 2] == '\r' : s->cr);
}

/* Octets of the line that is a dot; 0: it is another line. More than there are:
 * too early to tell. */
static size_t
dot_length(const struct serve *s, struct text in)
{
	if (s->bare_lf && in.len > 1 && in.at[1] == '\n')
		return 2;
	if (in.len > 1 && in.at[1] != '\r')
		return 0;
	if (in.len > 2 && in.at[2] != '\n')
		return 0;
	return 3;
}

/* A line that begins with a dot: the end, or transparency. */
static bool
read_dot(struct serve *s, struct text in)
{
	size_t len = dot_length(s, in);

	if (len > in.len)
		return false;
	s->line_start = false;
	s->cr = false;
	s->looked += len == 0 ? 1 : len;
	if (len > 0)
		end_data(s);
	return true;
}

/* Everything up to the next line that begins with a dot. */
static bool
read_data(struct serve *s)
{
	struct text in = unseen(s), taken;
	size_t at = 0;

	if (in.len == 0)
		return false;
	if (s->line_start && in.at[0] == '.')
		return read_dot(s, in);
	do {
		at += text_find(text_skip(in, at), '\n') + 1;
		taken = text_first(in, at);
	} while (at < in.len && (in.at[at] != '.' || !ends_line(s, taken)));
	s->line_start = ends_line(s, taken);
	s->cr = taken.at[taken.len - 1] == '\r';
	add_data(s, taken);
	return true;
}

static bool
read_chunk(struct serve *s)
{
	struct text taken = unseen(s);

	if (taken.len == 0 && s->chunk > 0)
		return false;
	if (s->chunk < taken.len)
		taken.len = (size_t)s->chunk;
	add_data(s, taken);
	s->chunk -= taken.len;
	if (s->chunk > 0)
		return true;
	s->mode = MODE_COMMAND;
	if (s->chunk_last || s->t.refusal != NULL)
		end_data(s);
	else if (s->t.broken.kind != ERROR_NONE)
		finish_mail(s, &s->t.broken, NULL);
	else
		reply(s, "250 2.0.0 chunk taken");
	return true;
}

static bool
read_some(struct serve *s)
{
	if (s->out.len >= OUT_ENOUGH)
		return false;
	switch (s->mode) {
	case MODE_COMMAND:
		return read_command(s);
	case MODE_DATA:
		return read_data(s);
	case MODE_CHUNK:
		return read_chunk(s);
	case MODE_WAIT:
		break;
	case MODE_CLOSED:
		s->looked = s->in.len;
		break;
	}
	return false;
}

static void
read_all(struct serve *s)
{
	while (read_some(s))
		continue;
	buf_drop(&s->in, s->looked);
	s->looked = 0;
}

size_t
serve_input(struct serve *s, const char *bytes, size_t len)
{
	struct text piece, rest = {bytes, len};

	do {
		piece = text_first(rest, IN_MAX - s->in.len);
		buf_add_text(&s->in, piece);
		rest = text_skip(rest, piece.len);
		read_all(s);
	} while (rest.len > 0 && piece.len > 0);
	return len - rest.len;
}

void
serve_closed(struct serve *s, bool timed_out)
{
	if (timed_out && s->mode != MODE_CLOSED)
		reply(s, "421 4.4.2 %s waited too long", s->plan.host);
	s->mode = MODE_CLOSED;
	read_all(s);
}

/*
 * A mail's end.
 */

struct serve_mail *
serve_mail(struct serve *s)
{
	return &s->t.mail;
}

void
serve_done(struct serve *s, const struct error *e, int code, const char *words)
{
	/* A bare code says nothing. */
	bool said = code == 250 && strlen(words) > 3;

	finish_mail(s, e, said ? words : NULL);
	read_all(s);
}

/*
 * Life, and bytes out.
 */

static struct serve *
create(const struct serve_plan *plan)
{
	struct serve *s;

	s = mem_new(1, sizeof(*s));
	s->plan = *plan;
	buf_init(&s->in, IN_MAX);
	buf_init(&s->out, 2 * OUT_ENOUGH);
	return s;
}

struct serve *
serve_new(const struct serve_plan *plan)
{
	struct serve *s = create(plan);

	reply(s, "220 %s ESMTP sendling", plan->host);
	return s;
}

struct serve *
serve_new_refused(const struct serve_plan *plan, const struct error *e)
{
	struct serve *s = create(plan);

	reply(s, "%s", error_reply(421, (struct enhanced){4, 3, 5}, e).words);
	s->mode = MODE_CLOSED;
	return s;
}

void
serve_free(struct serve *s)
{
	if (s == NULL)
		return;
	forget_mail(s);
	buf_clear(&s->in);
	buf_clear(&s->out);
	free(s);
}

enum serve_want
serve_want(const struct serve *s)
{
	switch (s->mode) {
	case MODE_WAIT:
		return SERVE_MAIL;
	case MODE_CLOSED:
		return SERVE_OVER;
	case MODE_COMMAND:
	case MODE_DATA:
	case MODE_CHUNK:
		break;
	}
	return SERVE_PEER;
}

size_t
serve_output(struct serve *s, const char **bytes)
{
	*bytes = s->out.at;
	return s->out.len;
}

void
serve_sent(struct serve *s, size_t len)
{
	buf_drop(&s->out, len);
	read_all(s);
}
