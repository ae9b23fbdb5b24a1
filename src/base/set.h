#ifndef SET_H
#define SET_H

/*
 * set: strings, each once, numbered from 0 in the order in which they came.
 * Of a string the first `exact` octets compare with case and the others
 * without, as the domain of an address does. Linear time in all, whoever chose
 * the strings: where that may be somebody else, the key is secret.
 */

#include "base/text.h"

struct set_slot;

/* All zero is empty. */
struct set {
	char **strings; /* owned, each with a NUL behind it */
	size_t count;
	unsigned char key[16];	/* random, or all zero; before the first add */
	struct set_slot *slots; /* private */
	size_t size;
};

/* The number of that string; count where it is not there. */
size_t set_find(const struct set *set, struct text t, size_t exact);

/* Adds a copy as the last one; false where it is there already. */
bool set_add(struct set *set, struct text t, size_t exact);

void set_clear(struct set *set);

#endif
