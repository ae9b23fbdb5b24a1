#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/srv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool holds)
{
	if (!holds)
		abort();
}

/* The records, in numbers that no order changes. */
static uint32_t
sum(const struct srv_records *records)
{
	uint32_t all = 0;
	size_t i;

	for (i = 0; i < records->count; i++)
		all += records->list[i].priority * 31U +
		       records->list[i].weight * 7U + records->list[i].port;
	return all;
}

/* The octets are an answer, and their beginning the numbers of chance. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct srv_records records = {.count = 0};
	uint32_t random[SRV_MAX] = {0}, before;
	const struct srv_record *r;
	size_t i;

	srv_parse(
	    (struct text){(const char *)data, size}, SMARTHOST_TLS, &records);
	check(records.count <= SRV_MAX);
	memcpy(random, data, size < sizeof(random) ? size : sizeof(random));
	before = sum(&records);
	srv_order(&records, random);
	check(sum(&records) == before);
	for (i = 0; i < records.count; i++) {
		r = &records.list[i];
		check(account_is_host(text_of(r->host)) && r->port != 0);
		check(i == 0 || r->priority >= r[-1].priority);
	}
	return 0;
}
