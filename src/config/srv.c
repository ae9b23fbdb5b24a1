#include "config/srv.h"

#include <arpa/nameser.h>
#include <netinet/in.h>
#include <resolv.h>
#include <string.h>

#define HEADER 12 /* octets, RFC 1035 section 4.1.1 */
#define BEHIND 10 /* of a resource record behind its name: section 4.1.3 */
#define FIXED  6  /* of a SRV record before its target */

/* What is left of a DNS message, in which names point back. */
struct message {
	const unsigned char *at;
	const unsigned char *rest;
	const unsigned char *end;
};

const char *
srv_service(enum smarthost_security security)
{
	switch (security) {
	case SMARTHOST_TLS:
		return "_submissions._tcp";
	case SMARTHOST_STARTTLS:
		return "_submission._tcp";
	case SMARTHOST_OFFERED:
	case SMARTHOST_PLAIN:
		break;
	}
	return NULL;
}

static unsigned short
number(const unsigned char *at)
{
	return (unsigned short)(at[0] << 8 | at[1]);
}

static bool
has(const struct message *m, size_t octets)
{
	return (size_t)(m->end - m->rest) >= octets;
}

/* Cuts the next name off, into room for 256 octets. */
static int
next_name(struct message *m, char name[256])
{
	int used = dn_expand(m->at, m->end, m->rest, name, 256);

	if (used < 0)
		return -1;
	m->rest += used;
	return 0;
}

static int
skip_questions(struct message *m, unsigned count)
{
	char name[256];

	for (; count > 0; count--) {
		if (next_name(m, name) == -1 || !has(m, 4))
			return -1;
		m->rest += 4;
	}
	return 0;
}

/* One record's own octets: a message that ends where they do. */
static int
add_record(struct message data, enum smarthost_security security,
    struct srv_records *records)
{
	struct srv_record r = {.security = security};

	if (!has(&data, FIXED))
		return -1;
	r.priority = number(data.rest);
	r.weight = number(data.rest + 2);
	r.port = number(data.rest + 4);
	data.rest += FIXED;
	if (next_name(&data, r.host) == -1)
		return -1;
	if (r.host[0] == '\0')
		records->none = true;
	else if (r.port != 0 && records->count < SRV_MAX &&
		 account_is_host(text_of(r.host)))
		records->list[records->count++] = r;
	return 0;
}

int
srv_parse(struct text answer, enum smarthost_security security,
    struct srv_records *records)
{
	const unsigned char *at = (const unsigned char *)answer.at;
	struct message m = {at, at + HEADER, at + answer.len}, data;
	char owner[256];
	unsigned left;

	if (answer.len < HEADER || (at[2] & 0x80) == 0 ||
	    skip_questions(&m, number(at + 4)) == -1)
		return -1;
	for (left = number(at + 6); left > 0; left--) {
		if (next_name(&m, owner) == -1 || !has(&m, BEHIND))
			return -1;
		data = m;
		m.rest += BEHIND;
		if (!has(&m, number(m.rest - 2)))
			return -1;
		m.rest += number(m.rest - 2);
		if (number(data.rest) != ns_t_srv ||
		    number(data.rest + 2) != ns_c_in)
			continue;
		data.rest += BEHIND;
		data.end = m.rest;
		if (add_record(data, security, records) == -1)
			return -1;
	}
	return 0;
}

static void
swap(struct srv_record *a, struct srv_record *b)
{
	const struct srv_record kept = *a;

	*a = *b;
	*b = kept;
}

/* RFC 2782 has those without weight first, so that they have a chance, if a
 * small one. */
static bool
comes_before(const struct srv_record *a, const struct srv_record *b)
{
	if (a->security != b->security)
		return a->security < b->security;
	if (a->priority != b->priority)
		return a->priority < b->priority;
	return a->weight == 0 && b->weight > 0;
}

static bool
is_equal(const struct srv_record *a, const struct srv_record *b)
{
	return a->security == b->security && a->priority == b->priority;
}

/* Which of the records from the first on, that are its equals, is tried next.
 */
static size_t
choose(const struct srv_records *records, size_t first, uint32_t random)
{
	const struct srv_record *list = records->list;
	uint32_t sum = 0, mark;
	size_t i, end;

	for (end = first;
	     end < records->count && is_equal(&list[first], &list[end]); end++)
		sum += list[end].weight;
	mark = random % (sum + 1);
	for (i = first, sum = list[i].weight; sum < mark; sum += list[i].weight)
		i++;
	return i;
}

void
srv_order(struct srv_records *records, const uint32_t *random)
{
	struct srv_record *list = records->list;
	size_t i, j, chosen;

	for (i = 1; i < records->count; i++)
		for (j = i; j > 0 && comes_before(&list[j], &list[j - 1]); j--)
			swap(&list[j], &list[j - 1]);
	for (i = 0; i < records->count; i++) {
		chosen = choose(records, i, random[i]);
		/* The others stay as they were, those without weight first. */
		for (; chosen > i; chosen--)
			swap(&list[chosen], &list[chosen - 1]);
	}
}

bool
srv_is_within(struct text host, struct text domain)
{
	struct text above;

	if (host.len <= domain.len)
		return text_equal_fold(host, domain);
	above = text_skip(host, host.len - domain.len - 1);
	return above.at[0] == '.' &&
	       text_equal_fold(text_skip(above, 1), domain);
}
