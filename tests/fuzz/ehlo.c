#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "smtp/ehlo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool holds)
{
	if (!holds)
		abort();
}

/* Upper case, one space between, none twice, each of a length that fits. */
static void
check_mechanisms(const struct ehlo *e)
{
	struct text list, rest, name, other;
	size_t i, total = 0;

	check(memchr(e->mechanisms, '\0', sizeof(e->mechanisms)) != NULL);
	list = text_of(e->mechanisms);
	for (i = 0; i < list.len; i++)
		check(list.at[i] > 0x1f && list.at[i] < 0x7f &&
		      !(list.at[i] >= 'a' && list.at[i] <= 'z'));
	while (text_next(&list, " ", &name)) {
		check(name.len <= 20);
		total += name.len + 1;
		rest = list;
		while (text_next(&rest, " ", &other))
			check(!text_equal(name, other));
	}
	check(total == 0 || total - 1 == strlen(e->mechanisms));
	check(e->auth || total == 0);
}

static void
check_limits(const struct ehlo *e)
{
	check(e->size || e->size_max == 0);
	check(e->limits || (e->rcptmax == 0 && e->mailmax == 0));
	check(e->rcptmax <= 999999 && e->mailmax <= 999999);
	check(e->deliverby || e->deliverby_min == 0);
	check(e->deliverby_min >= 0 && e->deliverby_min <= 999999999);
	check(e->futurerelease || e->futurerelease_max == 0);
}

/* The input is a reply as it stands, or else the lines of one. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reply reply;
	struct ehlo e;
	size_t used;

	reply_init(&reply);
	if (reply_input(&reply, (const char *)data, size, &used) != 1) {
		reply_reset(&reply);
		buf_add_string(&reply.text, "mail.example.org\n");
		buf_add(&reply.text, data, size);
	}
	memset(&e, 0xff, sizeof(e));
	ehlo_parse(&e, &reply);
	check_mechanisms(&e);
	check_limits(&e);
	reply_clear(&reply);
	return 0;
}
