#include "smtp/reply.h"

#include <string.h>

#define CODE_LEN 3

void
reply_init(struct reply *reply)
{
	memset(reply, 0, sizeof(*reply));
	buf_init(&reply->text, REPLY_TEXT_MAX);
	/* One more for the CR, which is known to end the line only later. */
	buf_init(&reply->line, REPLY_LINE_MAX + 1);
}

void
reply_clear(struct reply *reply)
{
	buf_clear(&reply->text);
	buf_clear(&reply->line);
	reply_init(reply);
}

void
reply_reset(struct reply *reply)
{
	if (reply->hidden) {
		buf_wipe(&reply->text);
		buf_wipe(&reply->line);
	}
	buf_reset(&reply->text);
	buf_reset(&reply->line);
	memset(&reply->enhanced, 0, sizeof(reply->enhanced));
	reply->code = 0;
	reply->lines = 0;
	reply->complete = reply->hidden = false;
	reply->fault = NULL;
}

/* Cuts one to three digits off *t; -1 where there are none or more. */
static int
digits_next(struct text *t)
{
	unsigned long long number;
	size_t len;

	for (len = 0; len < t->len && text_is_digit(t->at[len]); len++)
		;
	if (len > 3 || !text_number(text_first(*t, len), 999, &number))
		return -1;
	*t = text_skip(*t, len);
	return (int)number;
}

static bool
dot_next(struct text *t)
{
	if (t->len == 0 || t->at[0] != '.')
		return false;
	*t = text_skip(*t, 1);
	return true;
}

/* RFC 3463 section 2. An address like 5.1.2.3 is no code, so what follows
 * counts. */
struct enhanced
reply_enhanced(struct text t)
{
	const struct enhanced none = {0, 0, 0};
	int class, subject, detail;

	class = digits_next(&t);
	if ((class != 2 && class != 4 && class != 5) || !dot_next(&t))
		return none;
	subject = digits_next(&t);
	if (subject == -1 || !dot_next(&t))
		return none;
	detail = digits_next(&t);
	if (detail == -1)
		return none;
	if (t.len > 0 && memchr(" \t\r\n", t.at[0], 4) == NULL)
		return none;
	return (struct enhanced){(unsigned char)class, (unsigned short)subject,
	    (unsigned short)detail};
}

/* What is wrong with c as the next byte of the line, or NULL. */
static const char *
byte_fault(const struct buf *line, char c)
{
	if (c == '\0')
		return "a NUL in a reply";
	if (line->len > 0 && line->at[line->len - 1] == '\r')
		return "a CR without LF in a reply";
	if (line->len == REPLY_LINE_MAX && c != '\r')
		return "a reply line of more than 4096 bytes";
	if (line->len < CODE_LEN && !text_is_digit(c))
		return "a line without a reply code";
	if (line->len == 0 && (c < '2' || c > '5'))
		return "a reply code outside 200 to 599";
	if (line->len == CODE_LEN && c != ' ' && c != '-' && c != '\r')
		return "no space or hyphen behind a reply code";
	return NULL;
}

static void
words_add(struct reply *reply, struct text words)
{
	if (reply->lines == REPLY_LINES_MAX) {
		reply->fault = "a reply of more than 1000 lines";
		return;
	}
	if (reply->lines > 0)
		buf_add_char(&reply->text, '\n');
	if (buf_add_text(&reply->text, words) == -1)
		reply->fault = "a reply of more than 65536 bytes";
	reply->lines++;
}

static void
line_end(struct reply *reply)
{
	struct text line, words;
	struct enhanced enhanced;
	unsigned long long code = 0;

	line = buf_text(&reply->line);
	if (line.len > 0 && line.at[line.len - 1] == '\r')
		line.len--;
	if (line.len < CODE_LEN) {
		reply->fault = "a line without a reply code";
		return;
	}
	text_number(text_first(line, CODE_LEN), 599, &code);
	words = text_skip(line, CODE_LEN + 1);
	if (reply->lines == 0) {
		reply->code = (int)code;
		enhanced = reply_enhanced(words);
		if (enhanced.class == code / 100)
			reply->enhanced = enhanced;
	}
	if (reply->code != (int)code)
		reply->fault = "a reply code that changes between lines";
	else
		words_add(reply, words);
	/* "250" alone is a last line too: RFC 5321 section 4.2. */
	reply->complete = reply->fault == NULL &&
			  (line.len == CODE_LEN || line.at[CODE_LEN] == ' ');
	if (reply->fault == NULL)
		buf_reset(&reply->line);
}

/* Faults show at the first byte that is wrong: a peer that speaks something
 * else may never send a LF. */
int
reply_input(struct reply *reply, const char *bytes, size_t len, size_t *used)
{
	for (*used = 0; *used < len; (*used)++) {
		if (reply->complete || reply->fault != NULL)
			break;
		if (bytes[*used] == '\n') {
			line_end(reply);
			continue;
		}
		reply->fault = byte_fault(&reply->line, bytes[*used]);
		buf_add_char(&reply->line, bytes[*used]);
	}
	if (reply->fault != NULL)
		return -1;
	return reply->complete ? 1 : 0;
}

bool
reply_enhanced_equal(struct enhanced a, struct enhanced b)
{
	return a.class == b.class && a.subject == b.subject &&
	       a.detail == b.detail;
}

/* Servers repeat the enhanced code on every line; once is enough. */
static struct text
repeated_skip(const struct reply *reply, struct text line)
{
	struct text token;

	if (reply->enhanced.class == 0 ||
	    !reply_enhanced_equal(reply_enhanced(line), reply->enhanced))
		return line;
	text_next(&line, " \t", &token);
	return text_trim(line);
}

struct text
reply_shown(const struct reply *reply)
{
	return reply->hidden ? TEXT("[the reply repeats the secret]")
			     : buf_text(&reply->text);
}

char *
reply_words(const struct reply *reply, char *out, size_t size)
{
	struct text rest, line;
	struct buf words;
	bool first = true;

	buf_init(&words, REPLY_TEXT_MAX + 16);
	buf_format(&words, "%d", reply->code);
	rest = reply_shown(reply);
	while (text_next_line(&rest, &line)) {
		if (!first)
			line = repeated_skip(reply, line);
		first = false;
		line = text_trim(line);
		if (line.len == 0)
			continue;
		buf_add_char(&words, ' ');
		buf_add_text(&words, line);
	}
	text_visible(buf_text(&words), out, size);
	buf_clear(&words);
	return out;
}

bool
reply_positive(const struct reply *reply)
{
	return reply->code / 100 == 2;
}

bool
reply_negative(const struct reply *reply)
{
	return reply->code / 100 == 4 || reply->code / 100 == 5;
}

bool
reply_accepts(const struct reply *reply)
{
	struct text rest = buf_text(&reply->text), line;

	if (!reply_positive(reply) || reply->code == 220 ||
	    reply->code == 221 || reply->code == 235)
		return false;
	while (text_next_line(&rest, &line))
		if (reply_enhanced(line).class > 2)
			return false;
	return true;
}

bool
reply_is_all(struct text bytes, const char *code)
{
	struct reply reply;
	size_t used;
	int result;

	reply_init(&reply);
	result = reply_input(&reply, bytes.at, bytes.len, &used);
	reply_clear(&reply);
	return result != -1 && used == bytes.len &&
	       text_equal(text_first(bytes, strlen(code)),
		   text_first(text_of(code), bytes.len));
}

bool
reply_says_yes(struct text bytes)
{
	struct text line;

	while (text_next_line(&bytes, &line))
		if (line.len > 0 && line.at[0] == '2')
			return true;
	return false;
}

bool
reply_has_begun(const struct reply *reply)
{
	return reply->lines > 0 || reply->line.len > 0;
}

bool
reply_mentions(const struct reply *reply, const char *words)
{
	struct text rest, wanted;

	rest = buf_text(&reply->text);
	wanted = text_of(words);
	for (; rest.len >= wanted.len; rest = text_skip(rest, 1)) {
		if (text_starts_fold(rest, wanted))
			return true;
	}
	return false;
}
