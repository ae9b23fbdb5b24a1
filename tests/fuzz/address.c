#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "message/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool holds)
{
	if (!holds)
		abort();
}

/* What was written, alone or in angle brackets, is that same address. */
static void
check_again(const struct address *address, struct text written)
{
	struct address_list list;
	struct address again;

	check(address_parse_one(&list, written, &again) == 0);
	check(text_equal(again.local, address->local));
	check(text_equal(again.domain, address->domain));
}

static void
check_normalised(const struct address *address)
{
	struct buf out;

	buf_init(&out, 1024);
	check(address_format(address, &out) == 0);
	check(out.len <= ADDRESS_PATH_MAX && out.len > 0);
	check(address->local.len > 0);
	check(address->local.len <= ADDRESS_PATH_MAX);
	check(!text_has_control(buf_text(&out)));
	check(text_is_utf8(buf_text(&out)));
	check(address->local.at[0] == '"' ||
	      text_find(buf_text(&out), ' ') == out.len);
	check(text_find(address->domain, '@') == address->domain.len);
	check_again(address, buf_text(&out));
	buf_reset(&out);
	check(address_format_mailbox(TEXT("A, \"B\""), address->spec, &out) ==
		  0 ||
	      address->spec.len > 900 || text_has_control(address->spec));
	if (!out.full && out.len > 0)
		check_again(address, buf_text(&out));
	buf_clear(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text input = {(const char *)data, size};
	struct address_list list;
	struct address address;
	size_t at, end = 0;
	int result;

	address_list_init(&list, input);
	while ((result = address_next(&list, &address)) == 1) {
		check(address.spec.at >= input.at + end);
		end = (size_t)(address.spec.at - input.at) + address.spec.len;
		at = size - list.lexer.rest.len;
		check(end <= at && at <= size);
		if (address.spec.len == 0)
			continue;
		check_again(&address, address.spec);
		check_normalised(&address);
	}
	check((result == -1) == (list.fault != NULL));
	check(list.fault_at <= size);
	check(address_next(&list, &address) == result);
	return 0;
}
