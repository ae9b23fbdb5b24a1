#ifndef FINDING_H
#define FINDING_H

/*
 * finding: what a login test found at one smarthost, for people and for
 * programs. Everything in it that a stranger said is visible already, or is
 * made so as it is written; nothing in it repeats the secret.
 */

#include "base/buf.h"
#include "base/json.h"
#include "smtp/ehlo.h"
#include "submit/account.h"
#include "world/tls.h"

struct finding_address {
	char words[160];
	long long us;  /* microseconds it took */
	char why[160]; /* it was none; "": it is the one */
};

struct finding_turn {
	const char *step; /* what was waited for; static */
	long long us;
};

enum finding_login {
	FINDING_UNTRIED,
	FINDING_ACCEPTED,
	FINDING_REFUSED,
	FINDING_BROKEN_OFF /* neither: the dialogue ended in it */
};

/* All zero is one that knows nothing yet. */
struct finding {
	const struct smarthost *smarthost; /* borrowed */
	struct finding_address *addresses; /* in the order of their end */
	size_t address_count;
	bool secured; /* there was a handshake, of which: */
	struct tls_terms terms;
	struct certificate certificate;
	long long now; /* seconds since the epoch */
	struct finding_turn *turns;
	size_t turn_count;
	bool greeted; /* there was a reply to EHLO: */
	struct ehlo ehlo;
	const char *mechanism; /* that was used; static; NULL: none */
	enum finding_login login;
	char login_why[700]; /* but for FINDING_ACCEPTED; visible */
	struct error error;  /* as which a mail would have ended there */
};

void finding_clear(struct finding *f);

/* Appends lines of `word: value'. sendling(1) says which, in this order. */
void finding_format(const struct finding *f, struct buf *out);

/* Adds an object that says the same. */
void finding_add_json(const struct finding *f, struct json *j);

#endif
