#include "../unit.h"

#include "world/journal.h"

/* As the journal reads them. */
static void
fields_have_their_form(void **state)
{
	static const struct {
		struct text value;
		struct text wanted;
	} rows[] = {
	    {TEXT(""), TEXT("A_B=\n")},
	    {TEXT("x"), TEXT("A_B=x\n")},
	    {TEXT("x=y z"), TEXT("A_B=x=y z\n")},
	    {TEXT("\0\x01"), TEXT("A_B=\0\x01\n")},
	    {TEXT("\n"), TEXT("A_B\n\1\0\0\0\0\0\0\0\n\n")},
	    {TEXT("x\nC=y"), TEXT("A_B\n\5\0\0\0\0\0\0\0x\nC=y\n")},
	};
	static char large[0x10203];
	struct buf out;
	size_t i;

	(void)state;
	buf_init(&out, 1000000);
	for (i = 0; i < COUNT(rows); i++) {
		buf_reset(&out);
		journal_add(&out, "A_B", rows[i].value);
		assert_true(text_equal(buf_text(&out), rows[i].wanted));
	}
	buf_reset(&out);
	memset(large, '\n', sizeof(large));
	journal_add(&out, "A", (struct text){large, sizeof(large)});
	assert_memory_equal(out.at, "A\n\3\2\1\0\0\0\0\0\n\n", 12);
	assert_int_equal(out.len, 2 + 8 + sizeof(large) + 1);
	buf_clear(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(fields_have_their_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
