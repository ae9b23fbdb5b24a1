#ifndef UNIT_TICKET_H
#define UNIT_TICKET_H

/* A ticket for tests: of alice to recipients u0@example.org and so on. */

#include "../unit.h"
#include "base/mem.h"
#include "submit/ticket.h"

#define TICKET_CREATED 1795388614LL

static inline void
ticket_for_test(struct ticket *t, size_t recipients)
{
	char path[64];
	size_t i;

	ticket_init(t);
	ticket_make_id(
	    TICKET_CREATED, (const unsigned char *)"abcdefghijkl", t->id);
	t->account = mem_copy("work");
	t->created = TICKET_CREATED;
	t->expires = TICKET_CREATED + 5 * 86400;
	t->uid = 1000;
	t->gid = 100;
	t->message_size = 1234;
	envelope_set_reverse_path(
	    &t->envelope, TEXT("alice@example.org"), NULL);
	for (i = 0; i < recipients; i++) {
		snprintf(path, sizeof(path), "u%zu@example.org", i);
		envelope_add(&t->envelope, text_of(path), NULL);
	}
}

#endif
