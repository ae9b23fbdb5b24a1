#include "../unit.h"

/* The room itself: how full its slots are is nobody else's to see. */
#include "../../../src/base/set.c"

static void
strings_compare_as_told(void **state)
{
	static const struct {
		const char *string;
		size_t exact;
		bool added;
	} rows[] = {
	    {"", 0, true},
	    {"", 0, false},
	    {"a@b", 1, true},
	    {"a@B", 1, false},
	    {"A@b", 1, true},
	    {"a@bc", 1, true},
	};
	struct set set = {0};
	size_t i;

	(void)state;
	assert_int_equal(set_find(&set, text_of("a@b"), 1), 0);
	for (i = 0; i < COUNT(rows); i++)
		assert_int_equal(
		    set_add(&set, text_of(rows[i].string), rows[i].exact),
		    rows[i].added);
	set_clear(&set);
	assert_int_equal(set.count, 0);
	set_clear(&set);
}

static void
numbers_are_those_of_arrival(void **state)
{
	struct set set = {0};
	char name[32];
	size_t i;

	(void)state;
	for (i = 0; i < 100000; i++) {
		snprintf(name, sizeof(name), "u%zu@X", i);
		assert_true(set_add(&set, text_of(name), strlen(name) - 2));
	}
	for (i = 0; i < 100000; i++) {
		snprintf(name, sizeof(name), "u%zu@x", i);
		assert_int_equal(
		    set_find(&set, text_of(name), strlen(name) - 2), i);
		assert_false(set_add(&set, text_of(name), strlen(name) - 2));
	}
	assert_int_equal(set_find(&set, text_of("nobody@x"), 6), 100000);
	assert_string_equal(set.strings[99999], "u99999@X");
	set_clear(&set);
}

/*
 * Each further pair of words doubles the number of strings that are one to
 * FNV-1a, whatever came before them: 2^PAIRS strings for PAIRS searches.
 */
#define PAIRS 12
#define TRIED (1U << 19)

static uint32_t
fnv(uint32_t hash, const char *word)
{
	for (; *word != '\0'; word++)
		hash = (hash ^ (unsigned char)*word) * 16777619U;
	return hash;
}

static char *
spell(unsigned number, char word[8])
{
	size_t i;

	number *= 2654435761U;
	for (i = 0; i < 7; i++, number /= 26)
		word[i] = (char)('a' + number % 26);
	word[i] = '\0';
	return word;
}

/* Two words that lead from one state to the same other one. */
static uint32_t
find_pair(uint32_t from, char pair[2][8])
{
	unsigned *seen = calloc(2 * TRIED, sizeof(*seen)), i, slot;
	uint32_t hash = from;
	char word[8];

	assert_non_null(seen);
	for (i = 0; i < TRIED; i++) {
		hash = fnv(from, spell(i, pair[0]));
		for (slot = hash >> 12; seen[slot] != 0;
		     slot = (slot + 1) & (2 * TRIED - 1)) {
			spell(seen[slot] - 1, word);
			if (fnv(from, word) == hash) {
				memcpy(pair[1], word, sizeof(word));
				free(seen);
				return hash;
			}
		}
		seen[slot] = i + 1;
	}
	fail_msg("no pair was found");
	return 0;
}

/* How far all strings stand from where they belong. */
static size_t
displacement(const struct set *set)
{
	size_t i, sum = 0;

	for (i = 0; i < set->size; i++)
		if (set->slots[i].number != 0)
			sum += (i - set->slots[i].hash) & (set->size - 1);
	return sum;
}

static void
strings_that_are_made_to_collide(void **state)
{
	struct set set = {.key = {'a', ' ', 's', 'e', 'c', 'r', 'e', 't'}};
	char pairs[PAIRS][2][8], string[7 * PAIRS + 1];
	uint32_t hash = 2166136261U;
	size_t i, j;

	(void)state;
	for (i = 0; i < PAIRS; i++)
		hash = find_pair(hash, pairs[i]);
	for (i = 0; i < 1U << PAIRS; i++) {
		for (j = 0; j < PAIRS; j++)
			memcpy(string + 7 * j, pairs[j][i >> j & 1], 8);
		assert_int_equal(fnv(2166136261U, string), hash);
		assert_true(set_add(&set, text_of(string), SIZE_MAX));
	}
	if (displacement(&set) > 4 * set.count)
		fail_msg("%zu strings stand %zu slots off", set.count,
		    displacement(&set));
	set_clear(&set);
}

/* Of each key another order; SipHash-1-3 of its authors' key and bytes. */
static void
key_changes_the_hash(void **state)
{
	struct set set = {.key = {0}}, other = {.key = {1}};
	char bytes[8];
	size_t i;

	(void)state;
	assert_int_not_equal(
	    hash_of(&set, TEXT("a"), 1), hash_of(&other, TEXT("a"), 1));
	for (i = 0; i < sizeof(set.key); i++)
		set.key[i] = (unsigned char)i;
	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)i;
	assert_int_equal(
	    hash_of(&set, (struct text){bytes, 0}, 0), 0x050fc4dcU);
	assert_int_equal(
	    hash_of(&set, (struct text){bytes, 8}, 8), 0x8d299a8eU);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(strings_compare_as_told),
	    cmocka_unit_test(numbers_are_those_of_arrival),
	    cmocka_unit_test(strings_that_are_made_to_collide),
	    cmocka_unit_test(key_changes_the_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
