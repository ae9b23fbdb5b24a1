#include "submit/report.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "submit/account.h"

#define BLOCK	       4096
#define REPORTS_MAX    99
#define RECIPIENTS_MAX 1000 /* who are named, lest it be too large for all */
#define DIAGNOSTIC_MAX 900  /* octets */
#define ID_MAX	       250  /* of a Message-ID that is named */

/* A report while it is made. */
struct report {
	const struct ticket *about;
	struct message *mail;
	const struct report_terms *terms;
	const struct ticket *ticket; /* its own */
	const char *to;
	const char *host; /* this one's name, where it is clean, or "" */
	bool global;	  /* RFC 6533: who gets it has an address of UTF-8 */
	struct buf part;
	struct buf body;
};

static bool
is_wanted(const char *wanted)
{
	return wanted != NULL && strcmp(wanted, "off") != 0;
}

/* Whether it has the failure of this recipient to tell. */
static bool
is_about(const struct ticket *t, size_t i)
{
	const struct recipient *r = &t->envelope.recipients[i];

	return r->verdict != VERDICT_DELIVERED && !ticket_is_told(t, i) &&
	       (r->notify == 0 || (r->notify & NOTIFY_FAILURE) != 0);
}

bool
report_is_due(const struct ticket *t, const char *wanted)
{
	size_t i;

	if (!is_wanted(wanted) || t->envelope.reverse_path[0] == '\0' ||
	    strlen(t->id) != TICKET_ID)
		return false;
	for (i = 0; i < t->envelope.count; i++)
		if (is_about(t, i))
			return true;
	return false;
}

/* In ASCII, with each character of UTF-8 beyond it, a backslash, and what else
 * RFC 6533 section 3 says, as its number. */
static void
add_escaped(struct text t, struct buf *out)
{
	unsigned number;
	size_t len, i;

	for (; t.len > 0; t = text_skip(t, len)) {
		len = text_utf8(t);
		number = (unsigned char)t.at[0];
		if (len > 1)
			number &= 0x7fU >> len;
		for (i = 1; i < len; i++)
			number = number << 6 | ((unsigned char)t.at[i] & 0x3f);
		len = len == 0 ? 1 : len;
		if (number >= 0x80 || strchr("\\+= ", (int)number) != NULL)
			buf_format(out, "\\x{%X}", number);
		else
			buf_add_char(out, (char)number);
	}
}

/* What a program reads is in ASCII unless RFC 6533 is spoken, and on one line.
 */
static void
add_diagnostic(const struct report *r, struct text words, struct buf *out)
{
	const size_t start = out->len;
	size_t len;

	for (; words.len > 0 && out->len - start < DIAGNOSTIC_MAX;
	     words = text_skip(words, len)) {
		len = text_utf8(words);
		len = len == 0 ? 1 : len;
		if (r->global || (unsigned char)words.at[0] < 0x80)
			buf_add_text(out, text_first(words, len));
		else
			add_escaped(text_first(words, len), out);
	}
}

/* Why this one did not get it, for people. */
static const char *
reason_of(const struct ticket *t, const struct recipient *r)
{
	if (r->reply != NULL)
		return r->reply->words;
	return t->words[0] != '\0' ? t->words : "nobody said why";
}

static void
add_date(const struct report *r, long long seconds, struct buf *out)
{
	date_format((struct date){seconds, r->terms->now.offset_minutes}, out);
}

static void
add_words_for_people(struct report *r)
{
	const struct ticket *t = r->about;
	const char *over = t->doubtful ? "its time is over, and it may have "
					 "been delivered; last: "
				       : "its time is over; last: ";
	const struct recipient *who;
	size_t i, count = 0;

	buf_format(&r->part,
	    "This is sendling%s%s. A mail of <%s>\r\n"
	    "that it was given on ",
	    r->host[0] == '\0' ? "" : " on ", r->host,
	    t->envelope.reverse_path);
	add_date(r, t->created, &r->part);
	buf_add_string(
	    &r->part, "\r\nwas not delivered, and is not tried again, to:\r\n");
	for (i = 0; i < t->envelope.count; i++) {
		who = &t->envelope.recipients[i];
		if (!is_about(t, i) || ++count > RECIPIENTS_MAX)
			continue;
		buf_format(&r->part, "\r\n<%s>\r\n    %s%s\r\n", who->path,
		    who->verdict == VERDICT_OPEN ? over : "",
		    reason_of(t, who));
	}
	if (count > RECIPIENTS_MAX)
		buf_format(
		    &r->part, "\r\nand %zu more\r\n", count - RECIPIENTS_MAX);
	if (envelope_count(&t->envelope, VERDICT_DELIVERED) > 0)
		buf_add_string(
		    &r->part, "\r\nOthers whom it was for have it.\r\n");
}

/* An MTA's name: RFC 3464 section 2.1.2 and 2.3.5. */
static void
add_mta(const char *field, const char *host, struct buf *out)
{
	const struct text name = text_of(host);

	if (account_is_ipv6(name))
		buf_format(out, "%s: dns; [IPv6:%s]\r\n", field, host);
	else if (account_family_of(name) != FAMILY_UNSET)
		buf_format(out, "%s: dns; [%s]\r\n", field, host);
	else if (account_is_host(name))
		buf_format(out, "%s: dns; %s\r\n", field, host);
}

/* RFC 3464 section 2.2. */
static void
add_mail_fields(struct report *r)
{
	const struct ticket *t = r->about;
	char *envid;

	if (t->envelope.envid != NULL &&
	    (envid = dsn_parse_envid(text_of(t->envelope.envid))) != NULL) {
		buf_format(&r->part, "Original-Envelope-Id: %s\r\n", envid);
		free(envid);
	}
	add_mta("Reporting-MTA", r->host[0] == '\0' ? "localhost" : r->host,
	    &r->part);
	buf_add_string(&r->part, "Arrival-Date: ");
	add_date(r, t->created, &r->part);
	buf_add_string(&r->part, "\r\n");
}

/* "rfc822;a@b" of what was asked for, where nothing in it is odd. */
static void
add_original(const struct recipient *who, struct buf *out)
{
	struct text orcpt = text_of(who->orcpt), type;
	struct buf plain;

	type = text_first(orcpt, text_find(orcpt, ';'));
	buf_init(&plain, BLOCK);
	if (who->orcpt != NULL &&
	    dsn_parse_xtext(text_skip(orcpt, type.len + 1), &plain) == 0 &&
	    !text_has_control(buf_text(&plain)) &&
	    !text_has_8bit(buf_text(&plain)) && !text_has_control(type))
		buf_format(out, "Original-Recipient: %.*s;%s\r\n",
		    TEXT_ARG(type), buf_string(&plain));
	buf_clear(&plain);
}

static void
add_final(const struct report *r, const struct recipient *who, struct buf *out)
{
	const struct text path = text_of(who->path);

	if (!text_has_8bit(path)) {
		buf_format(out, "Final-Recipient: rfc822; %s\r\n", who->path);
		return;
	}
	buf_add_string(out, "Final-Recipient: utf-8; ");
	if (r->global)
		buf_add_text(out, path);
	else
		add_escaped(path, out);
	buf_add_string(out, "\r\n");
}

/* RFC 3463: what the server said, else no more than the class; 4.4.7 is that
 * the time was over. */
static struct enhanced
status_of(const struct recipient *who)
{
	struct enhanced status = {5, 0, 0};

	if (who->verdict != VERDICT_REFUSED)
		return (struct enhanced){4, 4, 7};
	if (who->reply == NULL)
		return status;
	if (who->reply->enhanced.class == 4 || who->reply->enhanced.class == 5)
		return who->reply->enhanced;
	if (who->reply->code / 100 == 4)
		status.class = 4;
	return status;
}

/* RFC 3464 section 2.3. */
static void
add_recipient_fields(struct report *r, const struct recipient *who)
{
	const struct ticket *t = r->about;
	struct enhanced status = status_of(who);
	int code = who->reply != NULL ? who->reply->code : t->code;

	buf_add_string(&r->part, "\r\n");
	add_original(who, &r->part);
	add_final(r, who, &r->part);
	buf_format(&r->part, "Action: failed\r\nStatus: %d.%d.%d\r\n",
	    status.class, status.subject, status.detail);
	if (code != 0 && r->terms->remote != NULL)
		add_mta("Remote-MTA", r->terms->remote, &r->part);
	buf_format(&r->part, "Diagnostic-Code: %s; ",
	    code != 0 ? "smtp" : "x-sendling");
	add_diagnostic(r, text_of(reason_of(t, who)), &r->part);
	buf_format(&r->part, "\r\nFinal-Log-ID: %s\r\n", t->id);
}

static void
add_fields_for_programs(struct report *r)
{
	size_t i, count = 0;

	add_mail_fields(r);
	for (i = 0; i < r->about->envelope.count; i++)
		if (is_about(r->about, i) && ++count <= RECIPIENTS_MAX)
			add_recipient_fields(
			    r, &r->about->envelope.recipients[i]);
}

/* The fields that are sent, as many as there is room for. */
static void
add_header(struct report *r)
{
	struct message_field *f;
	size_t at = 0;

	while ((f = message_find_next(r->mail, NULL, &at)) != NULL)
		if (r->part.len + f->field.raw.len <= REPORT_WHOLE)
			buf_add_text(&r->part, f->field.raw);
}

static int
add_whole(struct report *r, struct error *e)
{
	struct message_cursor cursor = {.field = 0};
	char block[BLOCK];
	long len;

	while (
	    (len = message_read(r->mail, &cursor, block, sizeof(block), e)) > 0)
		buf_add(&r->part, block, (size_t)len);
	return len == 0 ? 0 : -1;
}

/* Where the body may not travel less safely than it came (RFC 8689 section 5)
 * it does not. */
static bool
is_whole(const struct report *r)
{
	return r->about->envelope.ret == RET_FULL &&
	       !r->about->envelope.requiretls &&
	       message_size(r->mail) <= REPORT_WHOLE;
}

static void
boundary_of(const struct report *r, char *out, size_t size)
{
	snprintf(out, size, "=_%s", r->ticket->id);
}

/* Ends a part, of this type, that was collected. */
static void
close_part(struct report *r, const char *type)
{
	char boundary[TICKET_ID_MAX + 3];

	boundary_of(r, boundary, sizeof(boundary));
	buf_format(&r->body, "--%s\r\nContent-Type: %s\r\n", boundary, type);
	if (text_has_8bit(buf_text(&r->part)))
		buf_add_string(&r->body, "Content-Transfer-Encoding: 8bit\r\n");
	buf_add_string(&r->body, "\r\n");
	buf_add_text(&r->body, buf_text(&r->part));
	buf_add_string(&r->body, "\r\n");
	buf_clear(&r->part);
}

static int
add_parts(struct report *r, struct error *e)
{
	char boundary[TICKET_ID_MAX + 3];
	bool eightbit;

	add_words_for_people(r);
	close_part(r, "text/plain; charset=utf-8");
	add_fields_for_programs(r);
	close_part(r, r->global ? "message/global-delivery-status"
				: "message/delivery-status");
	add_header(r);
	eightbit = text_has_8bit(buf_text(&r->part));
	if (!is_whole(r))
		close_part(r, eightbit ? "message/global-headers"
				       : "text/rfc822-headers");
	else {
		buf_clear(&r->part);
		if (add_whole(r, e) == -1)
			return -1;
		close_part(r, eightbit ? "message/global" : "message/rfc822");
	}
	boundary_of(r, boundary, sizeof(boundary));
	buf_format(&r->body, "--%s--\r\n", boundary);
	return 0;
}

/* The mail's own Message-ID, where it is one. */
static void
add_in_reply_to(struct report *r, struct buf *out)
{
	struct message_field *f = message_find(r->mail, "Message-ID");
	struct text id;

	if (f == NULL)
		return;
	id = text_trim(f->field.value);
	if (id.len > 2 && id.len <= ID_MAX && id.at[0] == '<' &&
	    text_find(id, '>') == id.len - 1 && !text_has_control(id) &&
	    !text_has_8bit(id) && text_find(id, ' ') == id.len)
		buf_format(out, "In-Reply-To: %.*s\r\n", TEXT_ARG(id));
}

/* The one of whom a server that knows its users takes mail. */
static const char *
author_of(const struct report *r)
{
	const char *sender = r->about->envelope.reverse_path;

	return text_has_8bit(text_of(sender)) ? r->to : sender;
}

static void
format_message(struct report *r, struct buf *out)
{
	const char *author = author_of(r), *id = r->ticket->id;
	struct text domain = text_of(author);
	char boundary[TICKET_ID_MAX + 3];

	boundary_of(r, boundary, sizeof(boundary));
	domain = text_skip(domain, text_find_last(domain, '@') + 1);
	buf_add_string(out, "Date: ");
	date_format(r->terms->now, out);
	buf_format(out,
	    "\r\nFrom: Mail delivery <%s>\r\nTo: <%s>\r\n"
	    "Subject: Undelivered mail\r\nMessage-ID: <%s@%.*s>\r\n",
	    author, r->to, id, TEXT_ARG(domain));
	add_in_reply_to(r, out);
	buf_format(out,
	    "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
	    "Content-Type: multipart/report; report-type=delivery-status;\r\n"
	    "\tboundary=\"%s\"\r\n",
	    boundary);
	if (text_has_8bit(buf_text(&r->body)))
		buf_add_string(out, "Content-Transfer-Encoding: 8bit\r\n");
	buf_add_string(out, "\r\n");
	buf_add_text(out, buf_text(&r->body));
}

static int
make_ticket(const struct ticket *t, const struct report_terms *terms,
    struct ticket *report, struct error *e)
{
	const char *to = strcmp(terms->wanted, "sender") == 0
			     ? t->envelope.reverse_path
			     : terms->wanted;

	if (t->reports >= REPORTS_MAX)
		return error_set(e, ERROR_SPOOL, "report",
		    "%s has had %d reports", t->id, REPORTS_MAX);
	snprintf(report->id, sizeof(report->id), "%.*s-b%u", TICKET_ID, t->id,
	    (t->reports + 1) % 100);
	report->account = mem_copy(t->account);
	report->created = terms->now.seconds < 0 ? 0 : terms->now.seconds;
	report->expires = report->created + terms->lifetime;
	report->uid = t->uid;
	report->gid = t->gid;
	report->envelope.requiretls = t->envelope.requiretls;
	report->envelope.smtputf8 = text_has_8bit(text_of(to));
	/* No NOTIFY=NEVER: servers without DSN would not have it, and nobody
	 * answers to the null reverse-path anyway. */
	return envelope_add(&report->envelope, text_of(to), e) == -1 ? -1 : 0;
}

static struct message *
new_message(struct text bytes, struct error *e)
{
	struct message *m = message_new(NULL);

	if (message_input(m, bytes.at, bytes.len, e) == 0 &&
	    message_end(m, e) == 0)
		return m;
	message_free(m);
	return NULL;
}

int
report_make(const struct ticket *t, struct message *m,
    const struct report_terms *terms, struct ticket *report,
    struct message **message, struct error *e)
{
	struct report r = {.about = t,
	    .mail = m,
	    .terms = terms,
	    .ticket = report,
	    .host = account_is_host(text_of(terms->host)) ? terms->host : ""};
	struct buf out;

	*message = NULL;
	buf_init(&out, SIZE_MAX / 2);
	buf_init(&r.part, SIZE_MAX / 2);
	buf_init(&r.body, SIZE_MAX / 2);
	if (make_ticket(t, terms, report, e) == 0) {
		r.to = report->envelope.recipients[0].path;
		r.global = report->envelope.smtputf8;
		if (add_parts(&r, e) == 0) {
			format_message(&r, &out);
			*message = new_message(buf_text(&out), e);
		}
	}
	buf_clear(&r.part);
	buf_clear(&r.body);
	buf_clear(&out);
	if (*message == NULL) {
		ticket_clear(report);
		ticket_init(report);
		return -1;
	}
	report->message_size = message_size(*message);
	return 0;
}
