#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "smtp/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool holds)
{
	if (!holds)
		abort();
}

/* Whatever is taken in one piece is taken the same byte by byte. */
static int
whole_and_in_bytes(struct reply *whole, struct reply *bytes, const char *at,
    size_t len, size_t *used)
{
	size_t i, n;
	int result, last = 0;

	result = reply_input(whole, at, len, used);
	check(*used <= len);
	for (i = 0; i < len && last == 0; i++) {
		last = reply_input(bytes, at + i, 1, &n);
		check(n == 1);
	}
	check(last == result && i == *used);
	check(whole->complete == bytes->complete);
	check(whole->code == bytes->code && whole->lines == bytes->lines);
	check(text_equal(buf_text(&whole->text), buf_text(&bytes->text)));
	check(whole->fault == bytes->fault);
	return result;
}

static void
check_bounds(const struct reply *reply)
{
	struct text text = buf_text(&reply->text);
	char words[64];

	check(reply->code >= 200 && reply->code <= 599);
	check(reply->lines >= 1 && reply->lines <= REPLY_LINES_MAX);
	check(text.len <= REPLY_TEXT_MAX);
	check(text_find(text, '\0') == text.len);
	check(text_find(text, '\r') == text.len);
	check(reply->enhanced.class == 0 ||
	      reply->enhanced.class == reply->code / 100);
	reply_words(reply, words, sizeof(words));
	check(strlen(words) >= 3 && !text_has_control(text_of(words)));
	check(reply_mentions(reply, ""));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reply whole, bytes;
	const char *at = (const char *)data;
	size_t used;

	reply_init(&whole);
	reply_init(&bytes);
	while (size > 0 &&
	       whole_and_in_bytes(&whole, &bytes, at, size, &used) == 1) {
		check_bounds(&whole);
		reply_reset(&whole);
		reply_reset(&bytes);
		at += used;
		size -= used;
	}
	reply_clear(&whole);
	reply_clear(&bytes);
	return 0;
}
