#include "base/set.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define SIZE_MIN 64

/* Open addressing. */
struct set_slot {
	uint32_t hash;
	uint32_t number; /* from 1; 0 is free */
};

/* FNV-1a. */
static uint32_t
hash_of(struct text t, size_t exact)
{
	uint32_t hash = 2166136261U;
	size_t i;
	char c;

	for (i = 0; i < t.len; i++) {
		c = i < exact ? t.at[i] : text_lower(t.at[i]);
		hash = (hash ^ (unsigned char)c) * 16777619U;
	}
	return hash;
}

static bool
is_same(struct text a, struct text b, size_t exact)
{
	return text_equal(text_first(a, exact), text_first(b, exact)) &&
	       text_equal_fold(text_skip(a, exact), text_skip(b, exact));
}

/* Where the string is, or belongs. */
static struct set_slot *
find_slot(const struct set *set, struct text t, size_t exact, uint32_t hash)
{
	struct set_slot *slot;
	size_t i;

	for (i = hash;; i++) {
		slot = &set->slots[i & (set->size - 1)];
		if (slot->number == 0 ||
		    (slot->hash == hash &&
			is_same(
			    text_of(set->strings[slot->number - 1]), t, exact)))
			return slot;
	}
}

static void
grow(struct set *set)
{
	size_t i, at, size = set->size == 0 ? SIZE_MIN : 2 * set->size;
	struct set_slot *slots = mem_new(size, sizeof(*slots));

	for (i = 0; i < set->size; i++) {
		if (set->slots[i].number == 0)
			continue;
		at = set->slots[i].hash & (size - 1);
		while (slots[at].number != 0)
			at = (at + 1) & (size - 1);
		slots[at] = set->slots[i];
	}
	free(set->slots);
	set->slots = slots;
	set->size = size;
}

size_t
set_find(const struct set *set, struct text t, size_t exact)
{
	struct set_slot *slot;

	if (set->count == 0)
		return 0;
	slot = find_slot(set, t, exact, hash_of(t, exact));
	return slot->number == 0 ? set->count : slot->number - 1;
}

bool
set_add(struct set *set, struct text t, size_t exact)
{
	uint32_t hash = hash_of(t, exact);
	struct set_slot *slot;

	if (2 * set->count >= set->size)
		grow(set);
	slot = find_slot(set, t, exact, hash);
	if (slot->number != 0)
		return false;
	*mem_push(set->strings, set->count) = mem_string(t.at, t.len);
	*slot = (struct set_slot){hash, (uint32_t)set->count};
	return true;
}

void
set_clear(struct set *set)
{
	size_t i;

	for (i = 0; i < set->count; i++)
		free(set->strings[i]);
	free(set->strings);
	free(set->slots);
	memset(set, 0, sizeof(*set));
}
