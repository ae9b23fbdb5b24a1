#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "world/certificate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool holds)
{
	if (!holds)
		abort();
}

/* All of it can be shown, and what is told of it too. */
static void
check_words(const struct certificate *c)
{
	char words[1000];
	struct error e;

	check(!text_has_control(text_of(c->names)));
	check(!text_has_control(text_of(c->name)));
	check(!text_has_control(text_of(c->subject)));
	check(!text_has_control(text_of(c->issuer)));
	check(!text_has_control(text_of(c->misplaced)));
	certificate_format(c, words, sizeof(words));
	error_clear(&e);
	check(certificate_refuse(c, ~0U, "mail.example.org", &e) == -1);
	check(!text_has_control(text_of(e.text)));
	check(!text_has_control(text_of(e.hint)));
}

/* As a server's own certificate, and as its issuer's. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct text der = {(const char *)data, size};
	const struct text chain[] = {der, der};
	struct certificate c;
	struct buf issuer;

	buf_init(&issuer, size + 1);
	certificate_add_issuer(der, &issuer);
	check(certificate_check(der) == (issuer.len > 0));
	buf_clear(&issuer);
	certificate_has_dns_name(der);
	certificate_read(&c, chain, 2);
	check(c.key_bits == certificate_rsa_bits(der));
	check_words(&c);
	return 0;
}
