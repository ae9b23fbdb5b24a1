#ifndef REVIEW_H
#define REVIEW_H

/*
 * review: what is wrong or odd with accounts that were read without a fault:
 * what an account lacks, what can never work, what may surprise. Looks at
 * nothing outside; what is in the files that an account names is for others to
 * see.
 */

#include "config/config.h"
#include "submit/facts.h"

/* Who is told. a is NULL where it is about all of them; keyword is the one
 * that is to be changed, or missing; value: which, where it repeats, or NULL.
 * `remark' is no fault. What is told has text and hint. */
struct review {
	void (*tell)(void *arg, bool remark, const struct account *a,
	    const char *keyword, const char *value, const struct error *e);
	void *arg;
};

/* Tells of all accounts, one after the other. */
void review_accounts(
    const struct review *r, const struct config *c, const struct facts *f);

#endif
