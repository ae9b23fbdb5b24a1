#include <stdint.h>
#include <stdlib.h>

#include "submit/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check(bool holds)
{
	if (!holds)
		abort();
}

/* What a head says is written so that it says the same again, in the same
 * octets; and less of it is never another head. */
static void
check_again(const struct ticket *t)
{
	struct ticket again;
	struct buf head, copy;
	size_t len = 0;

	buf_init(&head, SIZE_MAX / 4);
	buf_init(&copy, SIZE_MAX / 4);
	ticket_init(&again);
	check(ticket_format_head(t, &head) == 0);
	check(ticket_parse_head(text_first(buf_text(&head), head.len - 1),
		  &again, &len, NULL) == 1);
	check(ticket_parse_head(buf_text(&head), &again, &len, NULL) == 0);
	check(len == head.len && again.envelope.count == t->envelope.count);
	check(ticket_format_head(&again, &copy) == 0);
	check(text_equal(buf_text(&head), buf_text(&copy)));
	buf_clear(&head);
	buf_clear(&copy);
	ticket_clear(&again);
}

/* None of it can break a command line, and all of it has its place. */
static void
check_ticket(const struct ticket *t, size_t len)
{
	const struct ticket_layout at = ticket_layout(t, len);
	size_t i;

	check(ticket_is_id(text_of(t->id)) && t->account != NULL);
	check(t->envelope.count > 0);
	for (i = 0; i < t->envelope.count; i++)
		check(envelope_path_fault(
			  text_of(t->envelope.recipients[i].path)) == NULL);
	check(t->envelope.reverse_path[0] == '\0' ||
	      envelope_path_fault(text_of(t->envelope.reverse_path)) == NULL);
	check(at.message_at == len && at.trailer_at >= at.message_at);
	check(at.journal_at >= at.trailer_at + TICKET_TRAILER);
	check(at.journal_at % TICKET_BLOCK == 0);
	check(ticket_wishes(t, 1800000000).deliver_by > 0 ||
	      t->envelope.wishes.deliver_by == 0);
}

/* Its lines are whole, and its header section is in ASCII where nobody asked
 * for more. */
static void
check_message(struct message *m, bool smtputf8)
{
	struct message_field *f;
	size_t at = 0, count = 0;

	for (; (f = message_find_next(m, NULL, &at)) != NULL; count++)
		check(smtputf8 || !text_has_8bit(f->field.raw));
	check(count >= 8 && count <= 10);
	check(!message_facts(m)->body_cr && !message_facts(m)->body_nul);
}

/* The report about it, where what follows the head is the mail. */
static void
check_report(const struct ticket *t, struct text mail)
{
	const struct report_terms terms = {
	    .wanted = "sender", .host = "box", .lifetime = 1};
	struct message *m = message_new(NULL), *made;
	struct ticket report;

	ticket_init(&report);
	if (report_is_due(t, "sender") &&
	    message_input(m, mail.at, mail.len, NULL) == 0 &&
	    message_end(m, NULL) == 0 && !message_facts(m)->body_nul &&
	    !message_facts(m)->header_nul &&
	    report_make(t, m, &terms, &report, &made, NULL) == 0) {
		check_message(made, report.envelope.smtputf8);
		check(!report_is_due(&report, "sender"));
		message_free(made);
	}
	ticket_clear(&report);
	message_free(m);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct text bytes = {(const char *)data, size};
	struct ticket t;
	struct error e;
	size_t len = 0;
	int result;

	error_clear(&e);
	ticket_init(&t);
	result = ticket_parse_head(bytes, &t, &len, &e);
	check((result == -1) == (e.kind == ERROR_SPOOL));
	if (result == 0) {
		check(len <= size);
		check_ticket(&t, len);
		check_again(&t);
		check_report(&t, text_skip(bytes, len));
	} else
		check(t.envelope.count == 0 && t.account == NULL);
	ticket_clear(&t);
	ticket_is_id(bytes);
	return 0;
}
