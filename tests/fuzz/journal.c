#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/checksum.h"
#include "submit/journal.h"

#define RECIPIENTS 10
#define WHO	   "abcdefghij" /* their local-parts */

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check(bool holds)
{
	if (!holds)
		abort();
}

/* The one that the unit test's journals are of. */
static void
make(struct ticket *t)
{
	char path[] = "x@example.org";
	size_t i;

	ticket_init(t);
	ticket_make_id(
	    1795388614, (const unsigned char *)"abcdefghijkl", t->id);
	for (i = 0; i < RECIPIENTS; i++) {
		path[0] = WHO[i];
		check(envelope_add(&t->envelope, text_of(path), NULL) == 1);
	}
}

static void
check_ticket(const struct ticket *t)
{
	const struct recipient *r = t->envelope.recipients;
	size_t i;

	check(memchr(t->words, '\0', sizeof(t->words)) != NULL);
	check(!text_has_control(text_of(t->words)) &&
	      text_is_utf8(text_of(t->words)));
	check(t->code >= 0 && t->code <= 999 && t->reports <= 99);
	check(!t->underway && t->expires >= 0);
	for (i = 0; i < RECIPIENTS; i++, r++) {
		check(r->verdict == VERDICT_OPEN ||
		      r->verdict == VERDICT_DELIVERED ||
		      r->verdict == VERDICT_REFUSED);
		check(r->reply == NULL || r->verdict == VERDICT_REFUSED);
		check(r->reply == NULL ||
		      (!text_has_control(text_of(r->reply->words)) &&
			  text_is_utf8(text_of(r->reply->words))));
	}
}

/* What comes next is read with what is there, and nothing of that changes. */
static void
check_next(const struct ticket *t, struct text valid)
{
	const size_t first = 0;
	struct ticket again;
	struct buf all, next;

	buf_init(&all, SIZE_MAX / 4);
	buf_init(&next, SIZE_MAX / 4);
	make(&again);
	if (journal_format_result(
		t, &first, 1, VERDICT_DELIVERED, NULL, &next) == 0) {
		buf_add_text(&all, valid);
		buf_add_text(&all, buf_text(&next));
		journal_replay(&again, buf_text(&all));
		check(again.journal_used == all.len);
		check(again.attempts == t->attempts &&
		      again.reports == t->reports &&
		      again.expires == t->expires);
		check(strcmp(again.words, t->words) == 0);
		check(
		    again.envelope.recipients[0].verdict == VERDICT_DELIVERED);
	}
	buf_clear(&all);
	buf_clear(&next);
	ticket_clear(&again);
}

static void
check_journal(struct text journal)
{
	struct ticket t;

	make(&t);
	journal_replay(&t, journal);
	check(t.journal_used <= journal.len);
	check_ticket(&t);
	check_next(&t, text_first(journal, t.journal_used));
	ticket_clear(&t);
}

/* As they are, and each line with the checksum that makes it a record. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text rest = {(const char *)data, size}, line;
	struct buf signed_ones;
	struct ticket t;
	uint32_t sum;

	check_journal(rest);
	make(&t);
	sum = checksum(0, text_of(t.id));
	ticket_clear(&t);
	buf_init(&signed_ones, SIZE_MAX / 4);
	while (text_next_line(&rest, &line))
		checksum_add(line, &sum, &signed_ones);
	check_journal(buf_text(&signed_ones));
	buf_clear(&signed_ones);
	return 0;
}
