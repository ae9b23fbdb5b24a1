#include "ticket.h"

#include "../parse.h"
#include "submit/report.h"

static const char mail[] = "Date: Mon, 23 Nov 2026 00:03:34 +0100\r\n"
			   "From: alice@example.org\r\n"
			   "Message-ID: <1@example.org>\r\n"
			   "Subject: Hello\r\n"
			   "\r\n"
			   "The body.\r\n";

static const struct report_terms usual = {.wanted = "sender",
    .host = "box.example.org",
    .remote = "mail.example.org",
    .now = {TICKET_CREATED + 100, 60},
    .lifetime = 432000};

static void
refuse(struct ticket *t, size_t i, int code, struct enhanced enhanced,
    const char *words)
{
	envelope_decide(
	    &t->envelope.recipients[i], VERDICT_REFUSED, code, enhanced, words);
}

/* The report about t as it would be sent, for the caller to free; of the terms,
 * or the usual ones. */
static char *
report_of(const struct ticket *t, const char *message,
    const struct report_terms *terms, struct ticket *report)
{
	struct message *m = parse(text_of(message)), *made;
	struct error e;
	struct buf out;

	error_clear(&e);
	ticket_init(report);
	assert_int_equal(report_make(t, m, terms == NULL ? &usual : terms,
			     report, &made, &e),
	    0);
	buf_init(&out, SIZE_MAX / 4);
	read_all(made, 4096, &out);
	assert_int_equal(report->message_size, out.len);
	message_free(made);
	message_free(m);
	return buf_take(&out);
}

static const char whole[] =
    "Date: Mon, 23 Nov 2026 00:05:14 +0100\r\n"
    "From: Mail delivery <alice@example.org>\r\n"
    "To: <alice@example.org>\r\n"
    "Subject: Undelivered mail\r\n"
    "Message-ID: <006b0374c6-6162636465666768696a6b6c-b1@example.org>\r\n"
    "In-Reply-To: <1@example.org>\r\n"
    "Auto-Submitted: auto-replied\r\n"
    "MIME-Version: 1.0\r\n"
    "Content-Type: multipart/report; report-type=delivery-status;\r\n"
    "\tboundary=\"=_006b0374c6-6162636465666768696a6b6c-b1\"\r\n"
    "\r\n"
    "--=_006b0374c6-6162636465666768696a6b6c-b1\r\n"
    "Content-Type: text/plain; charset=utf-8\r\n"
    "\r\n"
    "This is sendling on box.example.org. A mail of <alice@example.org>\r\n"
    "that it was given on Mon, 23 Nov 2026 00:03:34 +0100\r\n"
    "was not delivered, and is not tried again, to:\r\n"
    "\r\n"
    "<u0@example.org>\r\n"
    "    550 5.1.1 No such user\r\n"
    "\r\n"
    "<u3@example.org>\r\n"
    "    its time is over; last: 451 4.3.0 wait\r\n"
    "\r\n"
    "Others whom it was for have it.\r\n"
    "\r\n"
    "--=_006b0374c6-6162636465666768696a6b6c-b1\r\n"
    "Content-Type: message/delivery-status\r\n"
    "\r\n"
    "Original-Envelope-Id: a b\r\n"
    "Reporting-MTA: dns; box.example.org\r\n"
    "Arrival-Date: Mon, 23 Nov 2026 00:03:34 +0100\r\n"
    "\r\n"
    "Original-Recipient: rfc822;first+tag@example.org\r\n"
    "Final-Recipient: rfc822; u0@example.org\r\n"
    "Action: failed\r\n"
    "Status: 5.1.1\r\n"
    "Remote-MTA: dns; mail.example.org\r\n"
    "Diagnostic-Code: smtp; 550 5.1.1 No such user\r\n"
    "Final-Log-ID: 006b0374c6-6162636465666768696a6b6c\r\n"
    "\r\n"
    "Final-Recipient: rfc822; u3@example.org\r\n"
    "Action: failed\r\n"
    "Status: 4.4.7\r\n"
    "Remote-MTA: dns; mail.example.org\r\n"
    "Diagnostic-Code: smtp; 451 4.3.0 wait\r\n"
    "Final-Log-ID: 006b0374c6-6162636465666768696a6b6c\r\n"
    "\r\n"
    "--=_006b0374c6-6162636465666768696a6b6c-b1\r\n"
    "Content-Type: text/rfc822-headers\r\n"
    "\r\n"
    "Date: Mon, 23 Nov 2026 00:03:34 +0100\r\n"
    "From: alice@example.org\r\n"
    "Message-ID: <1@example.org>\r\n"
    "Subject: Hello\r\n"
    "\r\n"
    "--=_006b0374c6-6162636465666768696a6b6c-b1--\r\n";

/* u1 has it, u2 does not want to hear, u3 is open, u4 was told. */
static void
make_mixed(struct ticket *t)
{
	struct envelope *env;

	ticket_for_test(t, 5);
	env = &t->envelope;
	env->envid = mem_copy("a+20b");
	env->recipients[0].orcpt = mem_copy("rfc822;first+2Btag@example.org");
	refuse(t, 0, 550, (struct enhanced){5, 1, 1}, "550 5.1.1 No such user");
	env->recipients[1].verdict = VERDICT_DELIVERED;
	refuse(t, 2, 550, (struct enhanced){5, 1, 1}, "550 5.1.1 Nor she");
	env->recipients[2].notify = NOTIFY_DELAY;
	refuse(t, 4, 550, (struct enhanced){5, 1, 1}, "550 5.1.1 Nor he");
	ticket_set_told(t, 4);
	t->code = 451;
	strlcpy(t->words, "451 4.3.0 wait", sizeof(t->words));
}

static void
a_report_is_this(void **state)
{
	struct ticket t, report;
	char *sent;

	(void)state;
	make_mixed(&t);
	assert_true(report_is_due(&t, "sender"));
	sent = report_of(&t, mail, NULL, &report);
	assert_string_equal(sent, whole);
	assert_string_equal(
	    report.id, "006b0374c6-6162636465666768696a6b6c-b1");
	assert_string_equal(report.envelope.reverse_path, "");
	assert_int_equal(report.envelope.count, 1);
	assert_string_equal(
	    report.envelope.recipients[0].path, "alice@example.org");
	assert_int_equal(report.envelope.recipients[0].notify, NOTIFY_NEVER);
	assert_string_equal(report.account, "work");
	assert_int_equal(report.created, TICKET_CREATED + 100);
	assert_int_equal(report.expires, TICKET_CREATED + 100 + 432000);
	assert_int_equal(report.uid, 1000);
	assert_int_equal(report.gid, 100);
	assert_false(report_is_due(&report, "sender"));
	free(sent);
	ticket_clear(&report);
	ticket_clear(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_report_is_this),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
