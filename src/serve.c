#include "serve.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "buf.h"
#include "mem.h"

#define SERVE_OUT_MAX (1024 * 1024)
/* What is not looked at yet; the owner reads in smaller pieces. */
#define SERVE_IN_MAX (1024 * 1024)

/* How the bytes that come in are to be read. */
enum mode { MODE_COMMAND, MODE_DATA, MODE_CHUNK, MODE_WAIT, MODE_CLOSED };

struct serve {
	struct serve_plan plan;
	enum mode mode;
	struct buf in;
	struct buf out;
	size_t sent; /* of out */
	unsigned faults;

	struct serve_mail mail;
	struct request_dsn *dsn; /* one for each of the recipients */
	bool started;		 /* MAIL was accepted */
	bool refused;		 /* the rest of the mail data is passed over */
	struct error broken;	 /* the message could not be stored */
	unsigned long long received;

	bool line_start;	  /* of the mail data */
	bool bare_lf;		  /* the client ends its lines in LF */
	unsigned long long chunk; /* octets of BDAT still to come */
	bool chunk_last;
	bool chunked; /* a BDAT was taken: DATA may not follow */
};

/*
 * Replies.
 */

static void reply(struct serve *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
reply(struct serve *s, const char *fmt, ...)
{
	char line[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	buf_add_string(&s->out, line);
	buf_add_string(&s->out, "\r\n");
}

/* A command that cannot be carried out; too many of them end the dialogue. */
static void
fault(struct serve *s, const char *line)
{
	reply(s, "%s", line);
	if (++s->faults < SERVE_ERRORS_MAX)
		return;
	reply(s, "421 4.7.0 %s too many errors", s->plan.host);
	s->mode = MODE_CLOSED;
}

/*
 * One mail.
 */

static void
forget_mail(struct serve *s)
{
	struct request *r = &s->mail.request;
	size_t i;

	for (i = 0; i < r->recipient_count; i++) {
		free(r->recipients[i]);
		free(s->dsn[i].orcpt);
	}
	free(r->recipients);
	free(s->dsn);
	free((char *)r->reverse_path);
	free((char *)r->envid);
	message_free(s->mail.message);
	if (s->plan.forget != NULL)
		s->plan.forget(s->plan.arg);
	memset(&s->mail, 0, sizeof(s->mail));
	s->dsn = NULL;
	s->started = s->refused = s->chunked = false;
	s->received = 0;
	error_clear(&s->broken);
}

static void
add_recipient(struct serve *s, struct text path, const struct request_dsn *dsn)
{
	struct request *r = &s->mail.request;
	size_t count = r->recipient_count;

	if ((count & (count - 1)) == 0) {
		size_t size = count == 0 ? 1 : 2 * count;

		r->recipients =
		    mem_resize(r->recipients, size, sizeof(*r->recipients));
		s->dsn = mem_resize(s->dsn, size, sizeof(*s->dsn));
		r->dsn = s->dsn;
	}
	r->recipients[count] = mem_string(path.at, path.len);
	s->dsn[count] = *dsn;
	r->recipient_count++;
}

/* The failure's own words on one line; the smarthost's where it gave some. */
static void
reply_failure(struct serve *s, const struct error *e)
{
	char words[sizeof(e->text) + sizeof(e->why) + 100];
	bool permanent;

	snprintf(words, sizeof(words), "%s%s%s%s%s",
	    e->doing == NULL ? "" : e->doing, e->doing == NULL ? "" : ": ",
	    e->text, e->why[0] == '\0' ? "" : "; it said: ", e->why);
	permanent = e->kind == ERROR_MESSAGE || e->kind == ERROR_RECIPIENT ||
		    e->kind == ERROR_REFUSED || e->kind == ERROR_USAGE;
	if (permanent && e->code / 100 == 5)
		reply(s, "%d %d.%d.%d %s", e->code, 5,
		    e->enhanced.class == 5 ? e->enhanced.subject : 0,
		    e->enhanced.class == 5 ? e->enhanced.detail : 0, words);
	else if (permanent)
		reply(s, "554 5.0.0 %s", words);
	else
		reply(s, "451 4.0.0 %s", words);
}

static void
finish_mail(struct serve *s, const struct error *e, const char *words)
{
	struct error kept = *e;

	forget_mail(s);
	s->mode = MODE_COMMAND;
	if (kept.kind != ERROR_NONE)
		reply_failure(s, &kept);
	else if (words != NULL && strncmp(words, "250 ", 4) == 0)
		reply(s, "%s", words);
	else
		reply(s, "250 2.0.0 taken");
}

/*
 * Paths and their parameters.
 */

/* Cuts `<path>`, or a bare word, off *rest; the path comes with its brackets,
 * so that what is in them is an address and no list. */
static bool
take_path(struct text *rest, struct text *path)
{
	bool quoted = false;
	size_t i;

	*rest = text_trim(*rest);
	if (rest->len == 0)
		return false;
	if (rest->at[0] != '<')
		return text_next(rest, " ", path);
	for (i = 1; i < rest->len; i++) {
		if (rest->at[i] == '\\' && quoted)
			i++;
		else if (rest->at[i] == '"')
			quoted = !quoted;
		else if (rest->at[i] == '>' && !quoted)
			break;
	}
	if (i >= rest->len)
		return false;
	*path = text_first(*rest, i + 1);
	*rest = text_skip(*rest, i + 1);
	return true;
}

static bool
is_path(struct text path, bool may_be_null)
{
	struct address_list list;
	struct address address;
	bool valid;

	valid = address_parse_one(&list, path, &address) == 0 &&
		(may_be_null || address.local.len > 0);
	address_list_clear(&list);
	return valid;
}

/* Takes "FROM:" or "TO:" off an argument. */
static bool
take_keyword(struct text *rest, struct text keyword)
{
	if (!text_starts_fold(*rest, keyword))
		return false;
	*rest = text_skip(*rest, keyword.len);
	return true;
}

static bool
next_parameter(struct text *rest, struct text *keyword, struct text *value)
{
	struct text parameter;

	if (!text_next(rest, " ", &parameter))
		return false;
	*keyword = text_first(parameter, text_find(parameter, '='));
	*value = text_skip(parameter, keyword->len + 1);
	return true;
}

static bool
set_size(struct serve *s, struct text value)
{
	unsigned long long size;

	if (!text_number(value, ~0ULL, &size))
		return false;
	if (s->plan.size_max == 0 || size <= s->plan.size_max)
		return true;
	fault(s, "552 5.3.4 the message is larger than this system takes");
	s->started = false;
	return true;
}

static bool
set_body(struct request *r, struct text value)
{
	r->body_given = true;
	r->body = BODY_8BITMIME;
	if (text_equal_fold(value, TEXT("7BIT")))
		r->body = BODY_7BIT;
	else if (!text_equal_fold(value, TEXT("8BITMIME")))
		return false;
	return true;
}

/* xtext of RFC 3461 back to what it stands for; submit makes it anew. */
static char *
parse_xtext(struct text xtext)
{
	struct buf out;
	char hex[3] = "";
	size_t i;

	buf_init(&out, SERVE_LINE_MAX);
	for (i = 0; i < xtext.len; i++) {
		if (xtext.at[i] != '+' || i + 2 >= xtext.len) {
			buf_add_char(&out, xtext.at[i]);
			continue;
		}
		memcpy(hex, xtext.at + i + 1, 2);
		buf_add_char(&out, (char)strtoul(hex, NULL, 16));
		i += 2;
	}
	return buf_take(&out);
}

static bool
set_mail_parameter(struct serve *s, struct text keyword, struct text value)
{
	struct request *r = &s->mail.request;

	if (text_equal_fold(keyword, TEXT("SIZE")))
		return set_size(s, value);
	if (text_equal_fold(keyword, TEXT("BODY")))
		return set_body(r, value);
	if (text_equal_fold(keyword, TEXT("SMTPUTF8")))
		return r->smtputf8 = true;
	if (text_equal_fold(keyword, TEXT("RET")))
		return envelope_parse_ret(value, &r->ret) == 0;
	if (text_equal_fold(keyword, TEXT("ENVID")) && r->envid == NULL) {
		r->envid = parse_xtext(value);
		return true;
	}
	/* RFC 4954 section 5: whoever does not offer AUTH may still see it. */
	return text_equal_fold(keyword, TEXT("AUTH"));
}

static bool
set_rcpt_parameter(
    struct request_dsn *dsn, struct text keyword, struct text value)
{
	if (text_equal_fold(keyword, TEXT("NOTIFY")))
		return envelope_parse_notify(value, &dsn->notify) == 0;
	if (text_equal_fold(keyword, TEXT("ORCPT")) && dsn->orcpt == NULL) {
		dsn->orcpt = mem_string(value.at, value.len);
		return value.len > 0 && !text_has_8bit(value);
	}
	return false;
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

static void
take_mail(struct serve *s, struct text argument)
{
	struct text keyword, path, value;

	if (s->started) {
		fault(s, "503 5.5.1 a mail is under way already");
		return;
	}
	if (!take_keyword(&argument, TEXT("FROM:")) ||
	    !take_path(&argument, &path)) {
		fault(s, "501 5.5.4 write MAIL FROM:<address>");
		return;
	}
	if (!is_path(path, true)) {
		fault(s, "501 5.1.7 the sender is no address");
		return;
	}
	s->started = true;
	while (s->started && next_parameter(&argument, &keyword, &value)) {
		if (set_mail_parameter(s, keyword, value))
			continue;
		fault(s, "555 5.5.4 a parameter of MAIL is not known");
		s->started = false;
	}
	if (!s->started) {
		forget_mail(s);
		return;
	}
	s->mail.request.reverse_path = mem_string(path.at, path.len);
	s->mail.message = message_new(s->plan.store);
	reply(s, "250 2.1.0 sender taken");
}

static void
take_rcpt(struct serve *s, struct text argument)
{
	struct request_dsn dsn = {0, NULL};
	struct text keyword, path, value;

	if (!s->started) {
		fault(s, "503 5.5.1 MAIL comes first");
		return;
	}
	if (!take_keyword(&argument, TEXT("TO:")) ||
	    !take_path(&argument, &path)) {
		fault(s, "501 5.5.4 write RCPT TO:<address>");
		return;
	}
	if (!is_path(path, false)) {
		fault(s, "501 5.1.3 the recipient is no address");
		return;
	}
	if (s->mail.request.recipient_count == SERVE_RECIPIENTS_MAX) {
		reply(s, "452 4.5.3 too many recipients");
		return;
	}
	while (next_parameter(&argument, &keyword, &value)) {
		if (set_rcpt_parameter(&dsn, keyword, value))
			continue;
		fault(s, "555 5.5.4 a parameter of RCPT is not known");
		free(dsn.orcpt);
		return;
	}
	add_recipient(s, path, &dsn);
	reply(s, "250 2.1.5 recipient taken");
}

static bool
may_have_data(struct serve *s)
{
	if (s->started && s->mail.request.recipient_count > 0)
		return true;
	fault(s, s->started ? "554 5.5.1 no recipient was taken"
			    : "503 5.5.1 MAIL comes first");
	return false;
}

static void
take_data(struct serve *s, struct text argument)
{
	if (argument.len > 0)
		fault(s, "501 5.5.4 DATA has no argument");
	else if (s->chunked)
		fault(s, "503 5.5.1 BDAT was used for this mail");
	else if (may_have_data(s)) {
		s->mode = MODE_DATA;
		s->line_start = true;
		reply(s, "354 end the mail with a line that is a dot");
	}
}

/* RFC 3030 section 2: the octets come whether the chunk is taken or not. */
static void
take_bdat(struct serve *s, struct text argument)
{
	struct text size, word;

	s->chunk_last = false;
	if (!text_next(&argument, " ", &size) ||
	    !text_number(size, ~0ULL, &s->chunk)) {
		fault(s, "501 5.5.4 write BDAT size, or BDAT size LAST");
		return;
	}
	if (text_next(&argument, " ", &word))
		s->chunk_last = text_equal_fold(word, TEXT("LAST"));
	s->mode = MODE_CHUNK;
	s->chunked = true;
	if (!s->started || s->mail.request.recipient_count == 0)
		s->refused = true;
}

static void
take_rset(struct serve *s, struct text argument)
{
	(void)argument;
	forget_mail(s);
	reply(s, "250 2.0.0 forgotten");
}

static void
take_noop(struct serve *s, struct text argument)
{
	(void)argument;
	reply(s, "250 2.0.0 here");
}

static void
take_vrfy(struct serve *s, struct text argument)
{
	(void)argument;
	reply(s, "252 2.1.5 cannot say, but will take mail for it");
}

static void
take_help(struct serve *s, struct text argument)
{
	(void)argument;
	reply(s, "214 2.0.0 EHLO HELO MAIL RCPT DATA BDAT RSET NOOP VRFY HELP "
		 "QUIT");
}

static void
take_quit(struct serve *s, struct text argument)
{
	(void)argument;
	reply(s, "221 2.0.0 %s closes", s->plan.host);
	s->mode = MODE_CLOSED;
}

static const struct {
	struct text verb;
	void (*take)(struct serve *, struct text);
} commands[] = {
    {{"HELO", 4}, take_helo},
    {{"EHLO", 4}, take_ehlo},
    {{"MAIL", 4}, take_mail},
    {{"RCPT", 4}, take_rcpt},
    {{"DATA", 4}, take_data},
    {{"BDAT", 4}, take_bdat},
    {{"RSET", 4}, take_rset},
    {{"NOOP", 4}, take_noop},
    {{"VRFY", 4}, take_vrfy},
    {{"HELP", 4}, take_help},
    {{"QUIT", 4}, take_quit},
};

static void
take_line(struct serve *s, struct text line)
{
	struct text argument, verb;
	size_t i;

	verb = text_first(line, text_find(line, ' '));
	argument = text_trim(text_skip(line, verb.len));
	if (text_has_control(argument)) {
		fault(s, "501 5.5.2 the line holds a control character");
		return;
	}
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (text_equal_fold(verb, commands[i].verb)) {
			commands[i].take(s, argument);
			return;
		}
	}
	fault(s, "500 5.5.1 that is no command");
}

/*
 * Bytes in: each returns whether it could take some of s->in.
 */

static bool
read_command(struct serve *s)
{
	struct text line, rest;
	size_t end;

	rest = buf_text(&s->in);
	end = text_find(rest, '\n');
	if (end == rest.len && rest.len <= SERVE_LINE_MAX)
		return false;
	if (end > SERVE_LINE_MAX) {
		fault(s, "500 5.5.2 the line is too long");
		buf_drop(&s->in, end + 1);
		return true;
	}
	text_next_line(&rest, &line);
	s->bare_lf = line.len == end;
	take_line(s, line);
	buf_drop(&s->in, end + 1);
	return true;
}

static void
add_data(struct serve *s, struct text bytes)
{
	s->received += bytes.len;
	if (s->plan.size_max > 0 && s->received > s->plan.size_max)
		s->refused = true;
	if (s->refused || s->broken.kind != ERROR_NONE)
		return;
	message_input(s->mail.message, bytes.at, bytes.len, &s->broken);
}

static void
refuse_data(struct serve *s)
{
	if (s->received > s->plan.size_max && s->plan.size_max > 0)
		reply(s, "552 5.3.4 the message is larger than this system "
			 "takes");
	else
		fault(s, "503 5.5.1 MAIL and RCPT come first");
	forget_mail(s);
	s->mode = MODE_COMMAND;
}

static void
end_data(struct serve *s)
{
	if (s->refused) {
		refuse_data(s);
		return;
	}
	if (s->broken.kind == ERROR_NONE)
		message_end(s->mail.message, &s->broken);
	s->mode = MODE_WAIT;
	if (s->broken.kind != ERROR_NONE)
		finish_mail(s, &s->broken, NULL);
}

/* The line that ends the mail data, in the client's own line ends. */
static struct text
end_line(const struct serve *s)
{
	return s->bare_lf ? TEXT(".\n") : TEXT(".\r\n");
}

/* At the start of a line that begins with a dot: its end, transparency, or
 * not enough bytes to tell. */
static bool
read_dot(struct serve *s)
{
	struct text end, in;

	end = end_line(s);
	in = buf_text(&s->in);
	if (text_equal(text_first(in, end.len), end)) {
		buf_drop(&s->in, end.len);
		end_data(s);
		return true;
	}
	if (in.len < end.len && text_equal(in, text_first(end, in.len)))
		return false;
	buf_drop(&s->in, 1);
	s->line_start = false;
	return true;
}

/* Everything up to the next line that begins with a dot. */
static bool
read_data(struct serve *s)
{
	struct text in;
	size_t at;

	in = buf_text(&s->in);
	if (in.len == 0)
		return false;
	if (s->line_start && in.at[0] == '.')
		return read_dot(s);
	for (at = 0; at < in.len; at++) {
		at += text_find(text_skip(in, at), '\n');
		if (at + 1 < in.len && in.at[at + 1] == '.')
			break;
	}
	at = at < in.len ? at + 1 : in.len;
	s->line_start = in.at[at - 1] == '\n';
	add_data(s, text_first(in, at));
	buf_drop(&s->in, at);
	return true;
}

static bool
read_chunk(struct serve *s)
{
	struct text piece;
	size_t len;

	len = s->in.len;
	if (s->chunk < len)
		len = (size_t)s->chunk;
	if (len == 0 && s->chunk > 0)
		return false;
	piece = text_first(buf_text(&s->in), len);
	add_data(s, piece);
	buf_drop(&s->in, len);
	s->chunk -= len;
	if (s->chunk > 0)
		return true;
	s->mode = MODE_COMMAND;
	if (s->chunk_last)
		end_data(s);
	else if (s->refused)
		refuse_data(s);
	else
		reply(s, "250 2.0.0 chunk taken");
	return true;
}

static bool
read_some(struct serve *s)
{
	switch (s->mode) {
	case MODE_COMMAND:
		return read_command(s);
	case MODE_DATA:
		return read_data(s);
	case MODE_CHUNK:
		return read_chunk(s);
	case MODE_WAIT:
	case MODE_CLOSED:
		break;
	}
	return false;
}

void
serve_input(struct serve *s, const char *bytes, size_t len)
{
	struct text piece, rest = {bytes, len};

	while (rest.len > 0 && s->mode != MODE_CLOSED) {
		piece = text_first(rest, SERVE_IN_MAX - s->in.len);
		if (piece.len == 0)
			break; /* a client that does not wait for its replies */
		buf_add_text(&s->in, piece);
		rest = text_skip(rest, piece.len);
		while (read_some(s))
			continue;
	}
}

void
serve_closed(struct serve *s, bool timed_out)
{
	if (timed_out && s->mode != MODE_CLOSED)
		reply(s, "421 4.4.2 %s waited too long", s->plan.host);
	s->mode = MODE_CLOSED;
}

/*
 * A mail's end.
 */

struct serve_mail *
serve_mail(struct serve *s)
{
	return &s->mail;
}

void
serve_done(struct serve *s, const struct error *e, const char *words)
{
	finish_mail(s, e, words);
	while (read_some(s))
		continue;
}

/*
 * Life, and bytes out.
 */

struct serve *
serve_new(const struct serve_plan *plan)
{
	struct serve *s;

	s = mem_new(1, sizeof(*s));
	s->plan = *plan;
	buf_init(&s->in, SERVE_IN_MAX);
	buf_init(&s->out, SERVE_OUT_MAX);
	reply(s, "220 %s ESMTP sendling", plan->host);
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
	*bytes = s->out.at + s->sent;
	return s->out.len - s->sent;
}

void
serve_sent(struct serve *s, size_t len)
{
	s->sent += len;
	if (s->sent < s->out.len)
		return;
	buf_reset(&s->out);
	s->sent = 0;
}
