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
	/* A server without DSN takes it, too. */
	assert_int_equal(report.envelope.recipients[0].notify, 0);
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

/* One recipient, refused, or what else the verdict says. */
static void
make_single(struct ticket *t, enum verdict verdict)
{
	ticket_for_test(t, 1);
	if (verdict == VERDICT_REFUSED)
		refuse(t, 0, 550, (struct enhanced){5, 1, 1}, "550 5.1.1 No");
	else
		t->envelope.recipients[0].verdict = (unsigned char)verdict;
}

static void
is_due_to_whom(void **state)
{
	static const struct {
		enum verdict verdict;
		unsigned char notify;
		bool told;
		const char *sender, *wanted;
		bool due;
	} rows[] = {{VERDICT_REFUSED, 0, false, "a@b", "sender", true},
	    {VERDICT_REFUSED, 0, false, "a@b", "root@x", true},
	    {VERDICT_REFUSED, 0, false, "a@b", "off", false},
	    {VERDICT_REFUSED, 0, false, "a@b", NULL, false},
	    {VERDICT_REFUSED, 0, false, "", "sender", false},
	    {VERDICT_REFUSED, 0, false, "", "root@x", false},
	    {VERDICT_REFUSED, 0, true, "a@b", "sender", false},
	    {VERDICT_REFUSED, NOTIFY_FAILURE, false, "a@b", "sender", true},
	    {VERDICT_REFUSED, NOTIFY_FAILURE | NOTIFY_DELAY, false, "a@b",
		"sender", true},
	    {VERDICT_REFUSED, NOTIFY_NEVER, false, "a@b", "sender", false},
	    {VERDICT_REFUSED, NOTIFY_NEVER, false, "a@b", "root@x", false},
	    {VERDICT_REFUSED, NOTIFY_DELAY | NOTIFY_SUCCESS, false, "a@b",
		"sender", false},
	    {VERDICT_OPEN, 0, false, "a@b", "sender", true},
	    {VERDICT_OPEN, NOTIFY_NEVER, false, "a@b", "sender", false},
	    {VERDICT_DELIVERED, 0, false, "a@b", "sender", false},
	    {VERDICT_DELIVERED, NOTIFY_FAILURE, false, "a@b", "sender", false}};
	struct ticket t;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		make_single(&t, rows[i].verdict);
		t.envelope.recipients[0].notify = rows[i].notify;
		if (rows[i].told)
			ticket_set_told(&t, 0);
		assert_int_equal(envelope_set_reverse_path(&t.envelope,
				     text_of(rows[i].sender), NULL),
		    0);
		if (report_is_due(&t, rows[i].wanted) != rows[i].due)
			fail_msg("%zu", i);
		/* Never about a report. */
		strlcat(t.id, "-b1", sizeof(t.id));
		assert_false(report_is_due(&t, rows[i].wanted));
		ticket_clear(&t);
	}
}

/* Asserts that a report of these terms about t has each of the lines. */
static void
assert_lines(const struct ticket *t, const char *message,
    const struct report_terms *terms, const char *const *lines, size_t count)
{
	struct ticket report;
	char *sent = report_of(t, message, terms, &report), line[2000];
	size_t i;

	for (i = 0; i < count; i++) {
		snprintf(line, sizeof(line), "\n%s\r\n", lines[i]);
		if (strstr(sent, line) == NULL)
			fail_msg("no `%s' in:\n%s", lines[i], sent);
	}
	free(sent);
	ticket_clear(&report);
}

#define ASSERT_LINES(t, terms, ...)                                            \
	do {                                                                   \
		static const char *const all[] = {__VA_ARGS__};                \
		assert_lines((t), mail, (terms), all, COUNT(all));             \
	} while (0)

static void
a_status_is_what_is_known(void **state)
{
	static const struct {
		int code;
		struct enhanced enhanced;
		const char *words, *status, *diagnostic;
	} rows[] = {{550, {5, 7, 1}, "550 5.7.1 x", "Status: 5.7.1",
			"Diagnostic-Code: smtp; 550 5.7.1 x"},
	    {550, {0, 0, 0}, "550 x", "Status: 5.0.0",
		"Diagnostic-Code: smtp; 550 x"},
	    {451, {4, 2, 1}, "451 4.2.1 x", "Status: 4.2.1",
		"Diagnostic-Code: smtp; 451 4.2.1 x"},
	    {451, {0, 0, 0}, "451 x", "Status: 4.0.0",
		"Diagnostic-Code: smtp; 451 x"},
	    {0, {0, 0, 0}, "it needs SMTPUTF8", "Status: 5.0.0",
		"Diagnostic-Code: x-sendling; it needs SMTPUTF8"},
	    {550, {2, 0, 0}, "550 2.0.0 x", "Status: 5.0.0",
		"Diagnostic-Code: smtp; 550 2.0.0 x"}};
	const char *lines[2];
	struct ticket t;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		ticket_for_test(&t, 1);
		refuse(&t, 0, rows[i].code, rows[i].enhanced, rows[i].words);
		lines[0] = rows[i].status;
		lines[1] = rows[i].diagnostic;
		assert_lines(&t, mail, NULL, lines, 2);
		ticket_clear(&t);
	}
	/* Without a reply, and with no word of why. */
	ticket_for_test(&t, 1);
	t.envelope.recipients[0].verdict = VERDICT_REFUSED;
	ASSERT_LINES(&t, NULL, "Status: 5.0.0",
	    "Diagnostic-Code: x-sendling; nobody said why");
	/* Its time was over, and no server was ever met. */
	t.envelope.recipients[0].verdict = VERDICT_OPEN;
	strlcpy(t.words, "no route to host", sizeof(t.words));
	ASSERT_LINES(&t, NULL, "Status: 4.4.7",
	    "Diagnostic-Code: x-sendling; no route to host",
	    "    its time is over; last: no route to host");
	t.doubtful = true;
	ASSERT_LINES(&t, NULL, "Status: 4.4.7",
	    "    its time is over, and it may have been delivered; last: no "
	    "route to host");
	ticket_clear(&t);
}

static void
hosts_are_named_as_they_are(void **state)
{
	static const struct {
		const char *host, *remote, *reporting, *asked;
	} rows[] = {{"box", "mail.example.org", "Reporting-MTA: dns; box",
			"Remote-MTA: dns; mail.example.org"},
	    {"", "192.0.2.1", "Reporting-MTA: dns; localhost",
		"Remote-MTA: dns; [192.0.2.1]"},
	    {"a b", "2001:db8::1", "Reporting-MTA: dns; localhost",
		"Remote-MTA: dns; [IPv6:2001:db8::1]"},
	    {"box", "/run/lmtp", "Reporting-MTA: dns; box", NULL},
	    {"box", "x\r\nBcc: y", "Reporting-MTA: dns; box", NULL},
	    {"x\r\nBcc: y", NULL, "Reporting-MTA: dns; localhost", NULL}};
	struct report_terms terms = usual;
	struct ticket t, report;
	const char *lines[2];
	char *sent;
	size_t i;

	(void)state;
	make_single(&t, VERDICT_REFUSED);
	for (i = 0; i < COUNT(rows); i++) {
		terms.host = rows[i].host;
		terms.remote = rows[i].remote;
		lines[0] = rows[i].reporting;
		lines[1] = rows[i].asked;
		assert_lines(
		    &t, mail, &terms, lines, rows[i].asked == NULL ? 1 : 2);
		sent = report_of(&t, mail, &terms, &report);
		assert_null(strstr(sent, "Bcc"));
		if (rows[i].asked == NULL)
			assert_null(strstr(sent, "Remote-MTA"));
		free(sent);
		ticket_clear(&report);
	}
	/* Not that of a server that said nothing about it. */
	terms = usual;
	refuse(&t, 0, 0, (struct enhanced){0}, "it needs SMTPUTF8");
	sent = report_of(&t, mail, &terms, &report);
	assert_null(strstr(sent, "Remote-MTA"));
	free(sent);
	ticket_clear(&report);
	ticket_clear(&t);
}

/* An original recipient goes in as far as it is clean. */
static void
originals_are_named_as_they_were(void **state)
{
	static const struct {
		const char *orcpt, *line;
	} rows[] = {{"rfc822;a+2Bb@x", "Original-Recipient: rfc822;a+b@x"},
	    {"utf-8;+5Cx{E9}@x", "Original-Recipient: utf-8;\\x{E9}@x"},
	    {"x400;/S=a/", NULL}, {"rfc822;a+0D+0ABcc:+20y", NULL},
	    {"rfc822;+C3+A9@x", NULL}, {"rfc\r\nBcc: y;a@x", NULL}};
	struct ticket t, report;
	char *sent;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		make_single(&t, VERDICT_REFUSED);
		t.envelope.recipients[0].orcpt = mem_copy(rows[i].orcpt);
		if (rows[i].line != NULL)
			assert_lines(&t, mail, NULL, &rows[i].line, 1);
		sent = report_of(&t, mail, NULL, &report);
		assert_null(strstr(sent, "Bcc"));
		if (rows[i].line == NULL)
			assert_null(strstr(sent, "Original-Recipient"));
		free(sent);
		ticket_clear(&report);
		ticket_clear(&t);
	}
}

/* The part of a report that has this type, without its fields. */
static char *
part_of(const char *sent, const char *type)
{
	const char *at, *end;
	char field[100];

	snprintf(field, sizeof(field), "\r\nContent-Type: %s\r\n", type);
	at = strstr(sent, field);
	if (at == NULL)
		fail_msg("no %s in:\n%s", type, sent);
	at = strstr(at, "\r\n\r\n") + 4;
	end = strstr(at, "\r\n--=_");
	assert_non_null(end);
	return mem_string(at, (size_t)(end - at));
}

static void
as_much_comes_back_as_was_asked_for(void **state)
{
	static const struct {
		enum dsn_ret ret;
		bool requiretls;
		size_t size; /* of the body, besides */
		const char *type;
	} rows[] = {{RET_NONE, false, 0, "text/rfc822-headers"},
	    {RET_HDRS, false, 0, "text/rfc822-headers"},
	    {RET_FULL, false, 0, "message/rfc822"},
	    {RET_FULL, true, 0, "text/rfc822-headers"},
	    {RET_FULL, false, REPORT_WHOLE - (sizeof(mail) - 1),
		"message/rfc822"},
	    {RET_FULL, false, REPORT_WHOLE - (sizeof(mail) - 1) + 1,
		"text/rfc822-headers"}};
	const size_t header = (size_t)(strstr(mail, "\r\n\r\n") - mail) + 2;
	struct ticket t, report;
	char *message, *sent, *part;
	size_t i, line;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		make_single(&t, VERDICT_REFUSED);
		t.envelope.ret = rows[i].ret;
		t.envelope.requiretls = rows[i].requiretls;
		message = mem_new(sizeof(mail) + rows[i].size, 1);
		strlcpy(message, mail, sizeof(mail));
		for (line = 0; line < rows[i].size; line++)
			message[sizeof(mail) - 1 + line] = 'x';
		if (rows[i].size > 0)
			memcpy(message + sizeof(mail) - 1 + rows[i].size - 2,
			    "\r\n", 2);
		sent = report_of(&t, message, NULL, &report);
		part = part_of(sent, rows[i].type);
		if (strcmp(rows[i].type, "message/rfc822") == 0)
			assert_string_equal(part, message);
		else {
			message[header] = '\0';
			assert_string_equal(part, message);
		}
		assert_int_equal(
		    report.envelope.requiretls, rows[i].requiretls);
		free(part);
		free(sent);
		free(message);
		ticket_clear(&report);
		ticket_clear(&t);
	}
}

/* A header section without end comes back in part, field by field. */
static void
a_large_header_is_cut_between_fields(void **state)
{
	struct ticket t, report;
	struct buf message;
	char *sent, *part;
	int i;

	(void)state;
	make_single(&t, VERDICT_REFUSED);
	buf_init(&message, SIZE_MAX / 4);
	buf_add_string(&message, mail);
	buf_reset(&message);
	for (i = 0; i < 5000; i++)
		buf_format(&message, "X-Field: number %06d\r\n", i);
	buf_add_string(&message, "\r\nbody\r\n");
	sent = report_of(&t, buf_string(&message), NULL, &report);
	part = part_of(sent, "text/rfc822-headers");
	assert_in_range(strlen(part), REPORT_WHOLE - 100, REPORT_WHOLE);
	assert_int_equal(
	    strlen(part) % strlen("X-Field: number 000000\r\n"), 0);
	free(part);
	free(sent);
	buf_clear(&message);
	ticket_clear(&report);
	ticket_clear(&t);
}

#define UTF8_PATH "\xc3\xa9+a=\xf0\x9f\x93\xa7@x\xc3\xa9.example"

/* RFC 6533: to whom has such an address the words are his own; to others they
 * come in ASCII. */
static void
addresses_of_utf8(void **state)
{
	struct report_terms terms = usual;
	struct ticket t, report;
	char *sent, *part;

	(void)state;
	ticket_for_test(&t, 0);
	assert_int_equal(envelope_add(&t.envelope, TEXT(UTF8_PATH), NULL), 1);
	refuse(&t, 0, 550, (struct enhanced){5, 1, 1},
	    "550 5.1.1 Unbekannt: \xc3\xa9");
	sent = report_of(&t, mail, NULL, &report);
	assert_false(report.envelope.smtputf8);
	part = part_of(sent, "message/delivery-status");
	assert_false(text_has_8bit(text_of(part)));
	assert_non_null(strstr(part,
	    "Final-Recipient: utf-8; "
	    "\\x{E9}\\x{2B}a\\x{3D}\\x{1F4E7}@x\\x{E9}.example\r\n"));
	assert_non_null(strstr(
	    part, "Diagnostic-Code: smtp; 550 5.1.1 Unbekannt: \\x{E9}\r\n"));
	free(part);
	part = part_of(sent, "text/rfc822-headers");
	free(part);
	/* The words for people are what they are. */
	assert_non_null(
	    strstr(sent, "Content-Type: text/plain; charset=utf-8\r\n"
			 "Content-Transfer-Encoding: 8bit\r\n\r\n"));
	assert_non_null(strstr(sent, "<" UTF8_PATH ">\r\n"));
	free(sent);
	ticket_clear(&report);

	assert_int_equal(
	    envelope_set_reverse_path(&t.envelope, TEXT(UTF8_PATH), NULL), 0);
	sent = report_of(&t, mail, NULL, &report);
	assert_true(report.envelope.smtputf8);
	assert_non_null(
	    strstr(sent, "From: Mail delivery <" UTF8_PATH ">\r\n"));
	part = part_of(sent, "message/global-delivery-status");
	assert_non_null(
	    strstr(part, "Final-Recipient: utf-8; " UTF8_PATH "\r\n"));
	assert_non_null(strstr(part, "Unbekannt: \xc3\xa9\r\n"));
	free(part);
	free(sent);
	ticket_clear(&report);

	/* To another, whose server may not know of UTF-8. */
	terms.wanted = "root@example.org";
	sent = report_of(&t, mail, &terms, &report);
	assert_false(report.envelope.smtputf8);
	assert_non_null(
	    strstr(sent, "From: Mail delivery <root@example.org>\r\n"));
	assert_false(text_has_8bit(text_first(
	    text_of(sent), (size_t)(strstr(sent, "\r\n\r\n") - sent))));
	free(sent);
	ticket_clear(&report);
	ticket_clear(&t);
}

static void
a_header_of_utf8_says_so(void **state)
{
	static const char message[] =
	    "From: \xc3\xa9@example.org\r\nMessage-ID: <\xc3\xa9@x>\r\n"
	    "\r\nbody\r\n";
	struct ticket t, report;
	char *sent, *part;

	(void)state;
	make_single(&t, VERDICT_REFUSED);
	sent = report_of(&t, message, NULL, &report);
	part = part_of(sent, "message/global-headers");
	assert_non_null(strstr(part, "From: \xc3\xa9@example.org\r\n"));
	assert_null(strstr(sent, "In-Reply-To"));
	free(part);
	free(sent);
	ticket_clear(&report);
	t.envelope.ret = RET_FULL;
	sent = report_of(&t, message, NULL, &report);
	part = part_of(sent, "message/global");
	assert_string_equal(part, message);
	free(part);
	free(sent);
	ticket_clear(&report);
	ticket_clear(&t);
}

/* What is no Message-ID is not answered to. */
static void
no_other_id_is_named(void **state)
{
	static const char *const ids[] = {"1@x", "<1@x", "<1@x> <2@x>",
	    "<1 @x>", "<>", "<1@x>\r\n <2@x>", ""};
	struct ticket t, report;
	char message[200], *sent;
	size_t i;

	(void)state;
	make_single(&t, VERDICT_REFUSED);
	for (i = 0; i < COUNT(ids); i++) {
		snprintf(message, sizeof(message),
		    "From: a@b\r\nMessage-ID: %s\r\n\r\nx\r\n", ids[i]);
		sent = report_of(&t, message, NULL, &report);
		assert_null(strstr(sent, "In-Reply-To"));
		free(sent);
		ticket_clear(&report);
	}
	ticket_clear(&t);
}

/* Of many, as many as a mail has room for. */
static void
not_all_are_named(void **state)
{
	struct ticket t, report;
	char *sent;
	size_t i;

	(void)state;
	ticket_for_test(&t, 1003);
	for (i = 0; i < 1003; i++)
		refuse(&t, i, 550, (struct enhanced){5, 1, 1}, "550 5.1.1 No");
	sent = report_of(&t, mail, NULL, &report);
	assert_non_null(strstr(sent, "\r\n<u999@example.org>\r\n"));
	assert_null(strstr(sent, "u1000@example.org"));
	assert_non_null(strstr(sent, "\r\nand 3 more\r\n"));
	assert_null(strstr(sent, "Others"));
	free(sent);
	ticket_clear(&report);
	ticket_clear(&t);
}

/* No line is longer than one may be. */
static void
words_have_room_on_a_line(void **state)
{
	struct text rest, line;
	char words[600] = "550 ";
	struct ticket t, report;
	char *sent;
	size_t i;

	(void)state;
	for (i = 4; i + 2 < sizeof(words); i += 2)
		memcpy(words + i, "\xc3\xa9", 2);
	ticket_for_test(&t, 1);
	refuse(&t, 0, 550, (struct enhanced){5, 1, 1}, words);
	sent = report_of(&t, mail, NULL, &report);
	rest = text_of(sent);
	while (text_next_line(&rest, &line))
		assert_true(line.len <= 998);
	free(sent);
	ticket_clear(&report);
	ticket_clear(&t);
}

/* The same mail makes the same report, but for its date; and each release of
 * the mail another one. */
static void
a_report_follows_from_its_mail(void **state)
{
	struct ticket t, report, again;
	char *one, *two;

	(void)state;
	make_mixed(&t);
	one = report_of(&t, mail, NULL, &report);
	two = report_of(&t, mail, NULL, &again);
	assert_string_equal(one, two);
	assert_string_equal(report.id, again.id);
	free(two);
	ticket_clear(&again);
	t.reports = 1;
	two = report_of(&t, mail, NULL, &again);
	assert_string_equal(again.id, "006b0374c6-6162636465666768696a6b6c-b2");
	assert_string_not_equal(one, two);
	free(one);
	free(two);
	ticket_clear(&report);
	ticket_clear(&again);
	ticket_clear(&t);
}

static void
assert_fails(const struct ticket *t, struct message *m,
    const struct report_terms *terms, enum error_kind kind)
{
	struct ticket report;
	struct message *made = m;
	struct error e;

	error_clear(&e);
	ticket_init(&report);
	assert_int_equal(report_make(t, m, terms, &report, &made, &e), -1);
	assert_int_equal(e.kind, kind);
	assert_null(made);
	assert_string_equal(report.id, "");
	assert_int_equal(report.envelope.count, 0);
	ticket_clear(&report);
}

static void
what_cannot_be_made_is_told(void **state)
{
	struct report_terms terms = usual;
	struct message *m = parse(text_of(mail));
	struct ticket t;

	(void)state;
	make_single(&t, VERDICT_REFUSED);
	terms.wanted = "root";
	assert_fails(&t, m, &terms, ERROR_MESSAGE);
	t.reports = 99;
	assert_fails(&t, m, &usual, ERROR_SPOOL);
	message_free(m);
	ticket_clear(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_report_is_this),
	    cmocka_unit_test(is_due_to_whom),
	    cmocka_unit_test(a_status_is_what_is_known),
	    cmocka_unit_test(hosts_are_named_as_they_are),
	    cmocka_unit_test(originals_are_named_as_they_were),
	    cmocka_unit_test(as_much_comes_back_as_was_asked_for),
	    cmocka_unit_test(a_large_header_is_cut_between_fields),
	    cmocka_unit_test(addresses_of_utf8),
	    cmocka_unit_test(a_header_of_utf8_says_so),
	    cmocka_unit_test(no_other_id_is_named),
	    cmocka_unit_test(not_all_are_named),
	    cmocka_unit_test(words_have_room_on_a_line),
	    cmocka_unit_test(a_report_follows_from_its_mail),
	    cmocka_unit_test(what_cannot_be_made_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
