#include "submit/repair.h"

#include "base/crypt.h"
#include "message/fields.h"
#include "submit/sender.h"

#define ADDED	  "a field was added"
#define FIELD_MAX (4UL * MESSAGE_HEADER_MAX)

/* Returns how many there were. */
static size_t
drop_all(struct message *m, const char *name)
{
	struct message_field *f;
	size_t at = 0, count = 0;

	for (; (f = message_find_next(m, name, &at)) != NULL; count++)
		f->dropped = true;
	return count;
}

/* For a person who looks: the field as it is now. */
static void
tell_field(const struct submission *s, const char *what, const char *name)
{
	struct message_field *f =
	    s->steps == NULL ? NULL : message_find(s->message, name);

	if (f != NULL)
		notes_add(s->steps, "%s: %s: %s", what, name,
		    SHOWN(text_trim(f->field.value)));
}

/* Returns whether no field of that name is left. */
static bool
drop_blank(struct message *m, const char *name)
{
	struct message_field *f;
	bool missing = true;
	size_t at = 0;

	while ((f = message_find_next(m, name, &at)) != NULL) {
		if (text_trim(f->field.value).len == 0)
			f->dropped = true;
		else
			missing = false;
	}
	return missing;
}

/* An addr-spec of a field in its new form: bare names get the domain, U-labels
 * become A-labels. False where it is to stay. */
static bool
add_completed(
    const struct submission *s, const struct address *address, struct buf *out)
{
	struct text domain = text_of(s->account->domain);
	bool bare = address->domain.len == 0;
	size_t before = out->len;

	if (submission_is_null(address) || (bare && domain.len == 0) ||
	    (bare && text_has_8bit(address->local) && !s->needs_utf8))
		return false;
	if (!bare)
		domain = address->domain;
	if (!bare && (!text_has_8bit(domain) || s->request->smtputf8))
		return false;
	buf_add_text(out, bare ? address->spec : address->local);
	buf_add_char(out, '@');
	if (crypt_domain(domain, out, NULL) == 0)
		return true;
	out->len = before;
	return false;
}

/* What cannot be parsed stays as it is: the envelope does not come from it. */
static int
complete_field(
    const struct submission *s, struct message_field *f, struct error *e)
{
	struct text input = f->field.value;
	struct address_list list;
	struct address address;
	struct buf out;
	size_t at, copied = 0;
	bool changed = false;
	int result;

	if (s->account->domain == NULL && !text_has_8bit(input))
		return 0;
	buf_init(&out, FIELD_MAX);
	address_list_init(&list, input);
	while ((result = address_next(&list, &address)) == 1) {
		at = (size_t)(address.spec.at - input.at);
		buf_add(&out, input.at + copied, at - copied);
		copied = at;
		if (add_completed(s, &address, &out)) {
			copied += address.spec.len;
			changed = true;
		}
	}
	buf_add_text(&out, text_skip(input, copied));
	if (result == 0 && changed && !out.full) {
		result = message_replace(f, buf_text(&out), e);
		notes_add(s->steps, "an address was completed: %s",
		    SHOWN(text_trim(f->field.raw)));
	} else {
		result = 0;
	}
	buf_clear(&out);
	return result;
}

static bool
has_mailboxes(const struct message_field *f)
{
	static const char *const names[] = {"From", "Sender", "Reply-To", "To",
	    "Cc", "Resent-From", "Resent-Sender", "Resent-Reply-To",
	    "Resent-To", "Resent-Cc"};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (header_is(&f->field, names[i]))
			return true;
	return false;
}

static int
complete_fields(const struct submission *s, struct error *e)
{
	struct message_field *f;
	size_t at = 0;

	while ((f = message_find_next(s->message, NULL, &at)) != NULL)
		if (has_mailboxes(f) && complete_field(s, f, e) == -1)
			return -1;
	return 0;
}

static bool
is_only_address(const struct message_field *f, struct text path)
{
	struct address_list list;
	struct address address;
	struct buf only;
	bool same = false;

	buf_init(&only, SUBMISSION_PATH_MAX);
	if (address_parse_one(&list, f->field.value, &address) == 0) {
		address_format(&address, &only);
		same = text_equal(buf_text(&only), path);
	}
	buf_clear(&only);
	return same;
}

static int
add_from(struct submission *s, struct error *e)
{
	if (sender_add_from(s, e) == -1)
		return -1;
	tell_field(s, ADDED, "From");
	return 0;
}

/* Answers are to reach whom the old From names. */
static int
force_from(struct submission *s, struct error *e)
{
	struct message *m = s->message;
	struct message_field *from;
	bool missing = drop_blank(m, "From");

	from = message_find(m, "From");
	if (!missing &&
	    is_only_address(from, text_of(s->envelope->reverse_path)))
		return 0;
	if (!missing && drop_blank(m, "Reply-To") &&
	    address_is_list(from->field.value) &&
	    message_append(m, "Reply-To", from->field.value, e) == -1)
		return -1;
	drop_all(m, "From");
	return add_from(s, e);
}

static int
add_date(const struct submission *s, struct error *e)
{
	struct buf value;
	int result;

	buf_init(&value, SUBMISSION_PATH_MAX);
	date_format(s->facts->now, &value);
	result = message_append(s->message, "Date", buf_text(&value), e);
	tell_field(s, ADDED, "Date");
	buf_clear(&value);
	return result;
}

/* The sender's domain, so that nothing of the host leaks. */
static int
add_domain(const struct submission *s, struct buf *out)
{
	struct message_field *f = message_find(s->message, "From");
	struct text path = text_of(s->envelope->reverse_path);
	struct buf author;
	size_t mark;
	int result = -1;

	buf_init(&author, SUBMISSION_PATH_MAX);
	if (path.len == 0 && f != NULL &&
	    sender_add_first(f->field.value, &author))
		path = buf_text(&author);
	mark = text_find_last(path, '@');
	if (mark < path.len)
		result = crypt_domain(text_skip(path, mark + 1), out, NULL);
	buf_clear(&author);
	return result;
}

static int
add_message_id(const struct submission *s, struct error *e)
{
	struct buf value;
	size_t i, mark;
	int result;

	buf_init(&value, SUBMISSION_PATH_MAX);
	buf_add_char(&value, '<');
	for (i = 0; i < sizeof(s->facts->random); i++)
		buf_format(&value, "%02x", s->facts->random[i]);
	buf_add_char(&value, '@');
	mark = value.len;
	if (add_domain(s, &value) == -1) {
		value.len = mark;
		buf_add_string(&value, "localhost");
	}
	buf_add_char(&value, '>');
	result = message_append(s->message, "Message-ID", buf_text(&value), e);
	tell_field(s, ADDED, "Message-ID");
	buf_clear(&value);
	return result;
}

static int
add_missing(struct submission *s, struct error *e)
{
	struct message *m = s->message;
	bool no_to = drop_blank(m, "To"), no_cc = drop_blank(m, "Cc");

	drop_blank(m, "Sender");
	drop_blank(m, "Reply-To");
	if (drop_blank(m, "From") && add_from(s, e) == -1)
		return -1;
	if (no_to && no_cc) {
		if (message_append(
			m, "To", TEXT("undisclosed-recipients:;"), e) == -1)
			return -1;
		tell_field(s, ADDED, "To");
	}
	if (drop_blank(m, "Date") && add_date(s, e) == -1)
		return -1;
	return drop_blank(m, "Message-ID") ? add_message_id(s, e) : 0;
}

/* Whether the caller may send as each whom the field names, who are some. */
static bool
is_callers(const struct submission *s, const struct message_field *f)
{
	struct address_list list;
	struct address address;
	struct buf spec;
	bool his = true;
	size_t count = 0;
	int result;

	address_list_init(&list, f->field.value);
	for (; his && (result = address_next(&list, &address)) == 1; count++) {
		buf_init(&spec, SUBMISSION_PATH_MAX);
		his = address_format(&address, &spec) == 0 && spec.len > 0 &&
		      caller_may_send(s->caller, s->account, buf_text(&spec));
		buf_clear(&spec);
	}
	return his && result == 0 && count > 0;
}

/* The same of all fields of a name in a block, where there is one. */
static bool
are_callers(
    const struct submission *s, struct submission_block b, const char *name)
{
	struct message_field *f;
	bool found = false;
	size_t at;

	for (at = b.first; at < b.end; at++) {
		f = message_field(s->message, at);
		if (f->dropped || !header_is(&f->field, name))
			continue;
		if (!is_callers(s, f))
			return false;
		found = true;
	}
	return found;
}

/* Nobody says of another that he has sent it. */
static void
drop_false_senders(
    struct submission *s, struct submission_block b, const char *name)
{
	struct message_field *f;
	size_t at;

	for (at = b.first; at < b.end; at++) {
		f = message_field(s->message, at);
		if (f->dropped || !header_is(&f->field, name) ||
		    is_callers(s, f))
			continue;
		f->dropped = true;
		notes_add(s->notes, "a %s field of another was left out", name);
	}
}

static int
add_sender_field(struct submission *s, struct error *e)
{
	struct text path = text_of(s->envelope->reverse_path);
	struct buf value;
	int result = 0;

	buf_init(&value, SUBMISSION_PATH_MAX);
	buf_add_text(&value, path);
	if (path.len == 0 && s->caller->kind == CALLER_USER)
		result = sender_add_login(s, &value, e);
	if (result == 0 && value.len > 0) {
		result =
		    message_append(s->message, "Sender", buf_text(&value), e);
		tell_field(s, ADDED, "Sender");
	}
	buf_clear(&value);
	return result;
}

/* A From field that is not the caller's may be as it is meant to be: cron
 * writes root's. But then it is said who has sent it (RFC 5322 section 3.6.2),
 * unless he says that he sends on what others wrote. */
static int
name_caller(struct submission *s, struct error *e)
{
	struct submission_block all = {0}, b = submission_block(s->message);

	if (s->caller == NULL || caller_is_free(s->caller))
		return 0;
	if (b.resent && are_callers(s, b, "Resent-From")) {
		drop_false_senders(s, b, "Resent-Sender");
		return 0;
	}
	all.end = message_field_count(s->message);
	drop_false_senders(s, all, "Sender");
	if (s->account->force_from != NULL || are_callers(s, all, "From") ||
	    are_callers(s, all, "Sender"))
		return 0;
	return add_sender_field(s, e);
}

void
repair_drop(struct submission *s)
{
	if (drop_all(s->message, "Bcc") + drop_all(s->message, "Resent-Bcc") >
	    0)
		notes_add(s->steps, "Bcc was left out");
	if (drop_all(s->message, "Return-Path") > 0)
		notes_add(s->notes, "the Return-Path field was left out");
}

int
repair_fields(struct submission *s, struct error *e)
{
	bool repairs = !s->request->no_repairs;

	if (repairs && complete_fields(s, e) == -1)
		return -1;
	if (s->account->force_from != NULL && force_from(s, e) == -1)
		return -1;
	if (repairs && add_missing(s, e) == -1)
		return -1;
	return name_caller(s, e);
}

static void
note_fields(
    struct notes *notes, size_t count, const char *had, const char *became)
{
	if (count > 0)
		notes_add(notes, "%zu header field%s %s, %s", count,
		    count == 1 ? "" : "s", had, became);
}

int
repair_octets(struct submission *s, struct error *e)
{
	struct fields_remarks remarks = {0};

	s->needs_utf8 |= fields_need_utf8(s->message);
	if (fields_repair(s->message, s->request->smtputf8 || s->needs_utf8,
		s->facts->random, &remarks, e) == -1)
		return -1;
	note_fields(s->notes, remarks.encoded, "with 8-bit bytes",
	    "which were encoded");
	note_fields(s->notes, remarks.replaced, "with 8-bit bytes",
	    "which became question marks");
	note_fields(s->notes, remarks.folded, "with a line over 998 bytes",
	    "which was folded");
	return 0;
}

int
repair_nul(struct submission *s, struct error *e)
{
	size_t count;

	if (fields_drop_nul(s->message, &count, e) == -1)
		return -1;
	note_fields(s->notes, count, "with a NUL byte", "which was removed");
	return 0;
}
