#ifndef ADDRESS_H
#define ADDRESS_H

/*
 * address: an address-list -> its addr-specs. RFC 5322 section 3.4 with the
 * obsolete forms of section 4.4: mailboxes, groups, nested comments, quoted
 * local-parts, domain literals, folding, routes (dropped), empty list
 * elements, and bare local-parts without a domain ("root"). Phrases may hold
 * encoded words with commas, dots and 8-bit bytes. Beyond the grammar, as such
 * addresses exist: before an '@' a local-part may begin or end with a dot, or
 * have several in a row; a dot at the end of a domain is dropped. Never a
 * guess: what cannot be parsed is a fault with words. No recursion, time linear
 * in the input, memory bounded by the longest single address.
 */

#include "base/buf.h"
#include "base/text.h"
#include "message/token.h"

/* RFC 5321 section 4.5.3.1: octets. Its 64 of a local-part are left to the
 * server: addresses that are rewritten for a way back have more. */
#define ADDRESS_DOMAIN_MAX 255
#define ADDRESS_PATH_MAX   254 /* without the angle brackets */

struct address {
	struct text phrase; /* display-name as written, or empty */
	struct text spec;   /* the addr-spec as written, comments and all;
			     * a slice of the input */
	struct text local;  /* normalised: quoted if and only if it must be */
	struct text domain; /* normalised; empty for a bare local-part */
};

/* A walk over one list, which address_list_init() begins. */
struct address_list {
	struct text input;
	struct lexer lexer; /* its rest: how far the walk has come */
	bool in_group;
	const char *fault; /* after -1: what is wrong, static words */
	size_t fault_at;   /* ... and where in input */

	/* Local and domain of the current one, so the struct must stay where
	 * it is; room for one octet more than both may have. */
	size_t len;
	char scratch[ADDRESS_PATH_MAX + ADDRESS_DOMAIN_MAX + 1];
};

void address_list_init(struct address_list *list, struct text input);

/*
 * The next address: 1, valid until the next call; 0 at the end; -1 on what is
 * no address-list, with list->fault and list->fault_at set. "<>" gives an
 * address whose local and domain are both empty, which only a reverse-path
 * may have: callers for recipients refuse it.
 * An over-long domain or path, a control byte, and a second '@'
 * are faults. Non-ASCII (UTF-8, RFC 6532) is let through.
 */
int address_next(struct address_list *list, struct address *address);

/*
 * Parses exactly one mailbox ("a@b", "Name <a@b>", "<>", "root"). 0, or -1
 * with list->fault set; more than one address is a fault. list is initialised
 * by this call and holds what the address consists of.
 */
int address_parse_one(
    struct address_list *list, struct text input, struct address *address);

/* Whether all of it can be parsed. */
bool address_is_list(struct text input);

/* Appends local@domain, or local alone where there is no domain. */
int address_format(const struct address *address, struct buf *out);

/*
 * Appends a mailbox with a display-name: quoted-string where the name has
 * specials; a name with 8-bit or control bytes is refused with -1 (the recode
 * room encodes those first). -1 also when out is full.
 */
int address_format_mailbox(struct text name, struct text spec, struct buf *out);

#endif
