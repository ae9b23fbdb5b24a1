#include "submit/submission.h"

#include "base/crypt.h"

/* The fields of RFC 5322 section 3.6.6, each at most once in a block. */
static unsigned
resent_bit(const struct message_field *f)
{
	static const char *const names[] = {"Date", "From", "Sender", "To",
	    "Cc", "Bcc", "Message-ID", "Reply-To"};
	struct text rest = text_skip(f->field.name, sizeof("Resent-") - 1);
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (text_equal_fold(rest, text_of(names[i])))
			return 1U << i;
	return 0;
}

/* A block is one run of Resent- fields; a second one of a name begins the
 * block of an earlier resending. */
struct submission_block
submission_block(struct message *m)
{
	struct submission_block b = {0, message_field_count(m), false};
	struct message_field *f;
	unsigned bit, seen = 0;
	size_t i;

	for (i = 0; i < b.end; i++) {
		f = message_field(m, i);
		if (!text_starts_fold(f->field.name, TEXT("Resent-"))) {
			if (b.resent)
				break;
			continue;
		}
		bit = resent_bit(f);
		if ((seen & bit) != 0)
			break;
		if (!b.resent)
			b.first = i;
		b.resent = true;
		seen |= bit;
	}
	b.end = i;
	return b;
}

bool
submission_is_null(const struct address *address)
{
	return address->local.len == 0 && address->domain.len == 0;
}

int
submission_add_path(struct submission *s, const struct address *address,
    const char *where, struct buf *out, struct error *e)
{
	struct text domain = address->domain;

	if (domain.len == 0)
		domain = text_of(s->account->domain);
	if (text_has_8bit(address->local))
		s->needs_utf8 = true;
	buf_add_text(out, address->local);
	buf_add_char(out, '@');
	if (!s->request->smtputf8)
		return crypt_domain(domain, out, e);
	if (text_has_8bit(domain))
		s->needs_utf8 = true;
	if (buf_add_text(out, domain) == -1)
		return error_set(e, ERROR_MESSAGE, where,
		    "the domain of an address is too long");
	return 0;
}

int
submission_refuse(const struct address_list *list, const char *where,
    enum error_kind kind, struct error *e)
{
	struct text rest = text_trim(text_skip(list->input, list->fault_at));

	if (rest.len == 0)
		return error_set(e, kind, where, "%s, at its end", list->fault);
	return error_set(
	    e, kind, where, "%s, at `%s'", list->fault, SHOWN(rest));
}

int
submission_refuse_bare(
    struct text local, const char *where, enum error_kind kind, struct error *e)
{
	return error_set(e, kind, where,
	    "`%s' has no domain and nothing completes it", SHOWN(local));
}
