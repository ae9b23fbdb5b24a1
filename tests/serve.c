/*
 * Plays dialogues against the serve room in memory: each file whole, in pieces
 * of 7 bytes and of 1 byte. TAP on stdout. The format of the files is told in
 * tests/serve/README.
 */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "message/message.h"
#include "submit/envelope.h"
#include "script.h"
#include "smtp/serve.h"

#define BYTES_MAX (16 * 1024 * 1024)
#define HOST	  "host.example"

struct play {
	size_t chunk;
	struct text script;
	struct serve *serve;
	struct buf say;	  /* of the client, not taken yet */
	struct buf heard; /* by the client, not yet compared */
	bool closing;	  /* the server said 221 or 421 */
	char fault[1200];
};

static int fault(struct play *p, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static int
fault(struct play *p, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(p->fault, sizeof(p->fault), fmt, args);
	va_end(args);
	return -1;
}

/* The N of "C*N: " and the like; 1 where there is none. */
static unsigned long long
take_times(struct text *line)
{
	unsigned long long times = 1;
	struct text number;

	if (line->len < 3 || line->at[1] != '*')
		return 1;
	number = text_first(text_skip(*line, 2), text_find(*line, ':') - 2);
	text_number(number, 1000000, &times);
	*line = text_skip(*line, number.len + 1);
	return times;
}

/*
 * The client's side.
 */

static void
hear(struct play *p)
{
	const char *bytes;
	size_t len;

	while ((len = serve_output(p->serve, &bytes)) > 0) {
		if (len > p->chunk)
			len = p->chunk;
		buf_add(&p->heard, bytes, len);
		serve_sent(p->serve, len);
	}
}

/* Says all that can be said now. */
static void
say(struct play *p)
{
	struct text piece;
	size_t said = 0, taken;

	do {
		hear(p);
		piece =
		    text_first(text_skip(buf_text(&p->say), said), p->chunk);
		taken = serve_input(p->serve, piece.at, piece.len);
		said += taken;
	} while (taken > 0);
	hear(p);
	buf_drop(&p->say, said);
}

/* The next reply, with its line end, must be this; where it ends in "..." only
 * what stands before that. */
static int
expect_reply(struct play *p, struct text line)
{
	struct text heard = buf_text(&p->heard), whole;
	char seen[600];

	whole = text_first(heard, text_find(heard, '\n') + 1);
	heard = text_first(whole, whole.len < 2 ? 0 : whole.len - 2);
	if (line.len > 3 && memcmp(line.at + line.len - 3, "...", 3) == 0) {
		line.len -= 3;
		heard = text_first(heard, line.len);
	}
	if (whole.len < 2 || whole.at[whole.len - 2] != '\r' ||
	    whole.len > 512 || !text_equal(heard, line))
		return fault(p, "expected %.*s but heard %s", TEXT_ARG(line),
		    text_visible(whole, seen, sizeof(seen)));
	p->closing = memcmp(whole.at + 1, "21", 2) == 0;
	buf_drop(&p->heard, whole.len);
	return 0;
}

static int
expect_silence(struct play *p, const char *when)
{
	char seen[600];

	if (p->heard.len == 0)
		return 0;
	return fault(p, "%s it said %s", when,
	    text_visible(buf_text(&p->heard), seen, sizeof(seen)));
}

/*
 * A mail as the files write it.
 */

static void
write_request(const struct request *r, struct buf *out)
{
	static const char *const rets[] = {"", "ret full\n", "ret hdrs\n"};

	buf_format(out, "from %s\n", r->reverse_path);
	if (r->body_given)
		buf_format(out, "body %s\n",
		    r->body == BODY_8BITMIME ? "8bitmime" : "7bit");
	if (r->smtputf8)
		buf_add_string(out, "smtputf8\n");
	buf_add_string(out, rets[r->ret]);
	if (r->envid != NULL)
		buf_format(out, "envid %s\n", r->envid);
}

static void
write_notify(unsigned notify, struct buf *out)
{
	static const char *const words[] = {
	    "never", "success", "failure", "delay"};
	size_t i;

	for (i = 0; i < 4; i++)
		if ((notify & 1U << i) != 0)
			buf_format(out, " %s", words[i]);
}

static bool
is_like_next(const struct request *r, size_t i)
{
	return i + 1 < r->recipient_count && r->recipients[i].orcpt == NULL &&
	       strcmp(r->recipients[i].list, r->recipients[i + 1].list) == 0;
}

/* A run of the same recipient is one line. */
static void
write_recipients(const struct request *r, struct buf *out)
{
	size_t i, times = 1;

	for (i = 0; i < r->recipient_count; i++) {
		if (is_like_next(r, i)) {
			times++;
			continue;
		}
		buf_format(out, "to %s", r->recipients[i].list);
		if (times > 1)
			buf_format(out, " times %zu", times);
		write_notify(r->recipients[i].notify, out);
		if (r->recipients[i].orcpt != NULL)
			buf_format(out, " orcpt %s", r->recipients[i].orcpt);
		buf_add_char(out, '\n');
		times = 1;
	}
}

/* Lines beyond 1000 octets are cut. */
static int
write_message(struct play *p, struct message *m, struct buf *out)
{
	struct message_cursor cursor = {0};
	char block[4096], shown[1000];
	struct text line, rest;
	struct buf bytes;
	struct error e;
	long n;

	error_clear(&e);
	buf_init(&bytes, BYTES_MAX);
	while ((n = message_read(m, &cursor, block, sizeof(block), &e)) > 0)
		buf_add(&bytes, block, (size_t)n);
	rest = buf_text(&bytes);
	while (text_next_line(&rest, &line))
		buf_format(out, "|%s%s\n", line.len == 0 ? "" : " ",
		    text_visible(line, shown, sizeof(shown)));
	buf_clear(&bytes);
	return n == 0 ? 0 : fault(p, "the message: %s", e.text);
}

/* The lines of the script that tell of the mail. */
static struct text
take_block(struct text *script)
{
	static const char *const words[] = {
	    "from", "to", "body", "smtputf8", "ret", "envid", "|"};
	struct text before = *script, line, rest = *script;
	size_t i;

	while (text_next_line(&rest, &line)) {
		for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
			if (script_take(&line, words[i]))
				break;
		if (i == sizeof(words) / sizeof(words[0]))
			break;
		*script = rest;
	}
	return text_first(before, before.len - script->len);
}

static int
expect_mail(struct play *p)
{
	struct serve_mail *mail;
	struct text wanted;
	struct buf told;
	int result;

	say(p);
	if (expect_silence(p, "before the mail") == -1)
		return -1;
	if (serve_want(p->serve) != SERVE_MAIL)
		return fault(p, "there is no mail");
	wanted = take_block(&p->script);
	mail = serve_mail(p->serve);
	buf_init(&told, BYTES_MAX);
	write_request(&mail->request, &told);
	write_recipients(&mail->request, &told);
	result = write_message(p, mail->message, &told);
	if (result == 0 && !text_equal(buf_text(&told), wanted))
		result = fault(p, "the mail is\n%s", buf_string(&told));
	buf_clear(&told);
	return result;
}

/*
 * The owner's answer.
 */

/* "550 5.1.1" with words behind it. */
static void
set_code(struct error *e, struct text words)
{
	char reply[600];
	int code, class, subject, detail;

	text_visible(words, reply, sizeof(reply));
	if (sscanf(reply, "%d %d.%d.%d", &code, &class, &subject, &detail) != 4)
		return;
	e->code = code;
	e->enhanced = (struct enhanced){(unsigned char)class,
	    (unsigned short)subject, (unsigned short)detail};
	memcpy(e->why, reply, sizeof(e->why));
}

static int
answer(struct play *p, struct text line)
{
	unsigned long long code = 0;
	struct text kind;
	char *words;
	struct error e;
	int i;

	if (serve_want(p->serve) != SERVE_MAIL)
		return fault(p, "there is no mail to answer");
	error_clear(&e);
	text_next(&line, " ", &kind);
	line = text_trim(line);
	for (i = ERROR_NONE; i <= ERROR_CONFIG; i++) {
		if (!text_equal(kind, text_of(error_word((enum error_kind)i))))
			continue;
		if (i != ERROR_NONE)
			error_set(
			    &e, (enum error_kind)i, "sending", "it went wrong");
		break;
	}
	if (i > ERROR_CONFIG)
		return fault(p, "no kind of error: %.*s", TEXT_ARG(kind));
	if (i != ERROR_NONE)
		set_code(&e, line);
	text_number(text_first(line, text_find(line, ' ')), 999, &code);
	words = mem_string(line.at, line.len);
	serve_done(p->serve, &e, (int)code, words);
	free(words);
	return 0;
}

/*
 * The script.
 */

static int
play_client(struct play *p, struct text line)
{
	unsigned long long times = take_times(&line);
	bool octets = line.at[1] == '=';

	if (expect_silence(p, "before the client's turn") == -1)
		return -1;
	line = text_skip(line, 2);
	if (line.len > 0)
		line = text_skip(line, 1);
	for (; times > 0; times--) {
		if (octets) {
			script_unescape(line, &p->say);
			continue;
		}
		buf_add_text(&p->say, line);
		buf_add_string(&p->say, "\r\n");
	}
	return 0;
}

static int
play_server(struct play *p, struct text line)
{
	unsigned long long times = take_times(&line);

	say(p);
	for (line = text_skip(line, 3); times > 0; times--)
		if (expect_reply(p, line) == -1)
			return -1;
	return 0;
}

static int
play_line(struct play *p, struct text line)
{
	struct text rest = line;

	if (line.len == 0 || line.at[0] == '#' || script_take(&rest, "size") ||
	    script_take(&rest, "only"))
		return 0;
	if (line.at[0] == 'C')
		return play_client(p, line);
	if (line.at[0] == 'S')
		return play_server(p, line);
	if (text_equal(line, TEXT("mail")))
		return expect_mail(p);
	if (script_take(&rest, "answer"))
		return answer(p, rest);
	if (!text_equal(line, TEXT("silence")))
		return fault(p, "what is %.*s", TEXT_ARG(line));
	say(p);
	serve_closed(p->serve, true);
	hear(p);
	return 0;
}

/* At its end the client is gone. */
static int
play_script(struct play *p)
{
	struct text line;

	while (text_next_line(&p->script, &line))
		if (play_line(p, line) == -1)
			return -1;
	say(p);
	if (serve_want(p->serve) == SERVE_MAIL)
		return fault(p, "at the end there is a mail");
	if ((serve_want(p->serve) == SERVE_OVER) != p->closing)
		return fault(p, "it is %sover", p->closing ? "not " : "");
	if (p->say.len > 0)
		return fault(p, "at the end it takes no more");
	serve_closed(p->serve, false);
	hear(p);
	return expect_silence(p, "at the end");
}

static unsigned long long
size_limit(struct text script)
{
	unsigned long long size = 0;
	struct text line;

	while (text_next_line(&script, &line))
		if (script_take(&line, "size"))
			text_number(line, ~0ULL, &size);
	return size;
}

/* The only sender that the client may have; empty: he may have any. */
static struct text
only_sender(struct text script)
{
	struct text line, only = {NULL, 0};

	while (text_next_line(&script, &line))
		if (script_take(&line, "only"))
			only = line;
	return only;
}

static int
check_sender(void *arg, const struct request *r, struct error *e)
{
	const struct text only = *(struct text *)arg;

	if (only.len == 0 || text_equal(only, text_of(r->reverse_path)))
		return 0;
	error_set(e, ERROR_REFUSED, NULL, "bob is not %s", r->reverse_path);
	e->code = 550;
	e->enhanced = (struct enhanced){5, 7, 1};
	return error_hint(e, "write a line");
}

static size_t
line_number(struct text script, size_t left)
{
	size_t i, number = 0;

	for (i = 0; i < script.len - left; i++)
		number += script.at[i] == '\n';
	return number;
}

static int
play(struct text script, const char *name, size_t chunk)
{
	struct text only = only_sender(script);
	struct serve_plan plan = {.host = HOST,
	    .size_max = size_limit(script),
	    .check_sender = check_sender,
	    .arg = &only};
	struct play p = {.chunk = chunk, .script = script};
	int result;

	buf_init(&p.say, BYTES_MAX);
	buf_init(&p.heard, BYTES_MAX);
	p.serve = serve_new(&plan);
	result = play_script(&p);
	if (result == -1)
		printf("# %s:%zu in pieces of %zu: %s\n", name,
		    line_number(script, p.script.len), chunk, p.fault);
	serve_free(p.serve);
	buf_clear(&p.say);
	buf_clear(&p.heard);
	return result;
}

static int
play_file(const char *path)
{
	static const size_t chunks[] = {BYTES_MAX, 7, 1};
	struct buf script;
	int result;
	size_t i;

	buf_init(&script, BYTES_MAX);
	result = script_read(path, &script);
	if (result == -1)
		printf("# %s: no dialogue\n", path);
	for (i = 0; result == 0 && i < sizeof(chunks) / sizeof(chunks[0]); i++)
		result = play(buf_text(&script), path, chunks[i]);
	buf_clear(&script);
	return result;
}

int
main(int argc, char **argv)
{
	int failed = 0, i, result;

	printf("1..%d\n", argc - 1);
	for (i = 1; i < argc; i++) {
		result = play_file(argv[i]);
		printf(
		    "%s %d - %s\n", result == 0 ? "ok" : "not ok", i, argv[i]);
		failed += result != 0;
	}
	return failed == 0 && argc > 1 ? 0 : 1;
}
