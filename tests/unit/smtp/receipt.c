#include "../unit.h"

#include "smtp/receipt.h"

/* As servers say it. */
static const struct {
	const char *words;
	const char *id; /* NULL: there is none */
} rows[] = {
    {"250 2.0.0 Ok: queued as 4Q1kXz3Yy5z9rQK", "4Q1kXz3Yy5z9rQK"},
    {"250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as "
     "9F1B2",
	"9F1B2"},
    {"250 Ok: queued as <20261127.1@relay.example>",
	"20261127.1@relay.example"},
    {"250 2.0.0 queued as 006b0374c6-6162636465666768696a6b6c",
	"006b0374c6-6162636465666768696a6b6c"},
    {"250 2.0.0 Message queued with id 1a2b3c.", "1a2b3c"},
    {"250 Message Queued (7F3A-11.1)", "7F3A-11.1"},
    {"250 OK id=1qABCD-0001Xy-Zz", "1qABCD-0001Xy-Zz"},
    {"250 Requested mail action okay, completed: id=0Lh3-1xY", "0Lh3-1xY"},
    {"250 2.6.0 <a@b> [InternalId=86281123, Hostname=x.example] 1234 bytes in "
     "0.1, 11 KB/sec Queued mail for delivery",
	"86281123"},
    {"250 ok 1700000000 qp 12345", "12345"},
    {"250 ok:  Message 1234567 accepted", "1234567"},
    {"250 2.0.0 3AB123 Message accepted for delivery", "3AB123"},
    {"250 2.0.0 <bob@example.org> 4Cg7D2hY Saved", "4Cg7D2hY"},
    {"250 2.0.0 OK  1622212121 d2e1-4fb.4 - gsmtp", "d2e1-4fb.4"},
    {"250 Ok 0102018c2b0d-000000", "0102018c2b0d-000000"},
    {"250 2.0.0 OK 4A/12-12345-ABCDE", "4A/12-12345-ABCDE"},
    {"250 Ok 0102018c2b0d", "0102018c2b0d"},
    /* Those that say nothing of the kind. */
    {"250 Ok", NULL},
    {"250 2.0.0 Ok", NULL},
    {"250 2.0.0", NULL},
    {"250", NULL},
    {"250 ", NULL},
    {"", NULL},
    {NULL, NULL},
    {"250 Great success", NULL},
    {"250 Queued (0.234 seconds)", NULL},
    {"250 Message accepted for delivery", NULL},
    {"250 2.0.0 Saved", NULL},
    {"250 Ok: queued as", NULL},
    {"250 Ok: queued as ", NULL},
    {"250 Ok: queued as <>", NULL},
    {"250 queued as soon as may be", NULL},
    {"250 Ok 42", NULL},
    {"250 Ok 0102018c2b0", NULL},
    {"250 Ok abcdefabcdef", NULL},
    {"250 Ok 0102018c2b0d twice", NULL},
    {"250 Well 0102018c2b0d", NULL},
    {"550 5.7.1 queued as 4F", NULL},
    {"451 4.3.0 id=4F", NULL},
    {"2500 id=4F", NULL},
};

static void
finds_the_id(void **state)
{
	char found[100];
	struct text id;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		id = receipt_id(rows[i].words);
		snprintf(found, sizeof(found), "%.*s", TEXT_ARG(id));
		assert_string_equal(
		    found, rows[i].id == NULL ? "" : rows[i].id);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(finds_the_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
