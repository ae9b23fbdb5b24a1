#include "base/set.h"

#include <endian.h>
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

/*
 * SipHash-1-3, by Aumasson and Bernstein: without the key nobody can tell which
 * strings meet in one slot. The state is v0 to v3 of its paper.
 */
static uint64_t
rotate(uint64_t word, unsigned by)
{
	return word << by | word >> (64 - by);
}

static void
sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

static void
sip_word(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	sip_round(v);
	v[0] ^= word;
}

static uint32_t
hash_of(const struct set *set, struct text t, size_t exact)
{
	uint64_t key[2], word = 0, v[4];
	size_t i;
	char c;

	memcpy(key, set->key, sizeof(key));
	key[0] = le64toh(key[0]);
	key[1] = le64toh(key[1]);
	v[0] = key[0] ^ 0x736f6d6570736575U;
	v[1] = key[1] ^ 0x646f72616e646f6dU;
	v[2] = key[0] ^ 0x6c7967656e657261U;
	v[3] = key[1] ^ 0x7465646279746573U;
	for (i = 0; i < t.len; i++) {
		c = i < exact ? t.at[i] : text_lower(t.at[i]);
		word |= (uint64_t)(unsigned char)c << 8 * (i % 8);
		if (i % 8 < 7)
			continue;
		sip_word(v, word);
		word = 0;
	}
	sip_word(v, word | (uint64_t)t.len << 56);
	v[2] ^= 0xff;
	for (i = 0; i < 3; i++)
		sip_round(v);
	return (uint32_t)(v[0] ^ v[1] ^ v[2] ^ v[3]);
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
	slot = find_slot(set, t, exact, hash_of(set, t, exact));
	return slot->number == 0 ? set->count : slot->number - 1;
}

bool
set_add(struct set *set, struct text t, size_t exact)
{
	uint32_t hash = hash_of(set, t, exact);
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
