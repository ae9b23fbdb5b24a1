#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "auth/sasl.h"
#include "base/crypt.h"

#define NONCE	 "fyko+d2lbbFgONRv9qkxdawL"
#define PASSWORD "pencil/0+"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool holds)
{
	if (!holds)
		abort();
}

static void
step(struct sasl *s, struct text challenge, bool coded, struct error *e)
{
	struct buf base64, out;
	bool failed;

	buf_init(&base64, SIZE_MAX / 2);
	buf_init(&out, 100000);
	if (coded && crypt_base64(challenge, &base64) == 0)
		challenge = buf_text(&base64);
	failed = sasl_step(s, challenge, &out, e) == -1;
	check(failed == (e->kind != ERROR_NONE));
	check(!failed || out.len == 0);
	buf_clear(&base64);
	buf_wipe(&out);
}

/* Each line is a challenge; a final message gets a good first one before. */
static void
play(struct sasl *s, struct text challenges, bool coded, struct error *e)
{
	struct text line;
	struct buf out;

	buf_init(&out, 100000);
	check(sasl_initial(s, &out, e) != -1);
	buf_wipe(&out);
	if (coded && text_starts_fold(challenges, TEXT("v=")))
		step(s, TEXT("r=" NONCE "3,s=MDEy,i=4096"), true, e);
	while (e->kind == ERROR_NONE && text_next_line(&challenges, &line))
		step(s, line, coded, e);
	check(!strstr(e->text, PASSWORD) && !strstr(e->hint, PASSWORD));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sasl_channel channel = {.tls = true,
	    .verified = true,
	    .binding = SASL_TLS_EXPORTER,
	    .len = 32};
	struct sasl_plan plan = {.wanted_count = 1, .nonce = NONCE};
	struct error e;
	struct sasl *s;
	unsigned i;

	/* A server that guesses the password may have its words shown. */
	if (memmem(data, size, PASSWORD, strlen(PASSWORD)) != NULL)
		return 0;
	plan.user = "user";
	plan.password = TEXT(PASSWORD);
	for (i = 0; i < 2 * MECHANISM_COUNT; i++) {
		plan.wanted[0] = i / 2;
		error_clear(&e);
		s = sasl_new(
		    &plan, &channel, text_of(mechanism_name(i / 2)), &e);
		play(s, (struct text){(const char *)data, size}, i % 2, &e);
		if (sasl_finish(s, &e) == 0)
			check(i / 2 == MECHANISM_CRAM_MD5 ||
			      mechanism_takes_nothing(i / 2) ||
			      mechanism_shows_secret(i / 2));
		sasl_free(s);
	}
	return 0;
}
