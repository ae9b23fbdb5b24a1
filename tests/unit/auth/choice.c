#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../channel.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void
names_go_both_ways(void **state)
{
	enum sasl_mechanism m;
	size_t i;

	(void)state;
	for (i = 0; i < SASL_COUNT; i++) {
		assert_int_equal(
		    sasl_parse(text_of(sasl_name((enum sasl_mechanism)i)), &m),
		    0);
		assert_int_equal(m, i);
	}
	assert_int_equal(sasl_parse(TEXT("scram-sha-256-plus"), &m), 0);
	assert_int_equal(m, SASL_SCRAM_SHA_256_PLUS);
	assert_int_equal(sasl_parse(TEXT("SCRAM-SHA-25"), &m), -1);
	assert_int_equal(sasl_parse(TEXT("SCRAM-SHA-2566"), &m), -1);
	assert_int_equal(sasl_parse(TEXT(""), &m), -1);
	assert_int_equal(sasl_parse(TEXT("NTLM"), &m), -1);
}

static void
what_the_mechanisms_need(void **state)
{
	(void)state;
	assert_true(choice_shows_password(SASL_PLAIN));
	assert_true(choice_shows_password(SASL_LOGIN));
	assert_false(choice_shows_password(SASL_SCRAM_SHA_1));
	assert_false(choice_shows_password(SASL_SCRAM_SHA_256_PLUS));
	assert_true(choice_needs_binding(SASL_SCRAM_SHA_1_PLUS));
	assert_true(choice_needs_binding(SASL_SCRAM_SHA_256_PLUS));
	assert_false(choice_needs_binding(SASL_SCRAM_SHA_256));
	assert_false(choice_needs_binding(SASL_PLAIN));
	assert_true(choice_binding_offered(TEXT("PLAIN scram-sha-1-plus")));
	assert_false(choice_binding_offered(TEXT("PLAIN SCRAM-SHA-1 X-PLUS")));
	assert_false(choice_binding_offered(TEXT("")));
}

#define ALL                                                                    \
	"LOGIN PLAIN SCRAM-SHA-1 SCRAM-SHA-256 SCRAM-SHA-1-PLUS "              \
	"SCRAM-SHA-256-PLUS"

/* hint: words it must have where nothing was chosen. */
static const struct {
	const char *channel;
	bool in_clear;
	const char *wanted;
	const char *offered;
	const char *chosen; /* NULL: denied */
	const char *hint;
} choices[] = {
    {"exporter", false, "", ALL, "SCRAM-SHA-256-PLUS", NULL},
    {"unique", false, "", ALL, "SCRAM-SHA-256-PLUS", NULL},
    {"exporter", false, "", "PLAIN SCRAM-SHA-1-PLUS", "SCRAM-SHA-1-PLUS", NULL},
    {"tls", false, "", ALL, "PLAIN", NULL},
    {"tls", false, "", "SCRAM-SHA-1 LOGIN SCRAM-SHA-256", "SCRAM-SHA-256",
	NULL},
    {"tls", false, "", "SCRAM-SHA-1 LOGIN", "SCRAM-SHA-1", NULL},
    {"tls", false, "", "login", "LOGIN", NULL},
    {"stranger", false, "", ALL, "SCRAM-SHA-256", NULL},
    {"stranger exporter", false, "", ALL, "SCRAM-SHA-256-PLUS", NULL},
    {"stranger", false, "", "LOGIN PLAIN", NULL, "`auth PLAIN`"},
    {"stranger", true, "", "LOGIN PLAIN", "PLAIN", NULL},
    {"stranger", false, "LOGIN", "LOGIN PLAIN", "LOGIN", NULL},
    {"clear", false, "", ALL, "SCRAM-SHA-256", NULL},
    {"clear", false, "", "LOGIN PLAIN", NULL, "`auth-in-clear yes`"},
    {"clear", false, "PLAIN", ALL, NULL, "`auth-in-clear yes`"},
    {"clear", false, "PLAIN SCRAM-SHA-1", ALL, "SCRAM-SHA-1", NULL},
    {"clear", true, "", ALL, "PLAIN", NULL},
    {"clear", true, "LOGIN", ALL, "LOGIN", NULL},
    {"local", false, "", ALL, "PLAIN", NULL},
    {"local", false, "LOGIN", ALL, "LOGIN", NULL},
    {"exporter", false, "SCRAM-SHA-1 PLAIN", ALL, "SCRAM-SHA-1", NULL},
    {"exporter", false, "LOGIN PLAIN", ALL, "LOGIN", NULL},
    {"exporter", false, "LOGIN PLAIN", "X PLAIN", "PLAIN", NULL},
    {"tls", false, "SCRAM-SHA-1-PLUS", ALL, NULL, "`auth PLAIN`"},
    {"tls", false, "SCRAM-SHA-1-PLUS", "SCRAM-SHA-1-PLUS SCRAM-SHA-1", NULL,
	"`auth SCRAM-SHA-1`"},
    {"tls", false, "", "SCRAM-SHA-1-PLUS", NULL, "channel binding"},
    {"tls", false, "LOGIN", "PLAIN", NULL, "`auth PLAIN`"},
    {"tls", false, "", "GSSAPI NTLM", NULL, "provider"},
    {"tls", false, "", "PLAINLY XLOGIN", NULL, "provider"},
    {"tls", false, "", "", NULL, "no login"},
    {"clear", false, "", "", NULL, "smtps://"},
};

static void
chooses_as_the_policy_says(void **state)
{
	enum sasl_mechanism wanted[SASL_COUNT], found;
	struct sasl_channel channel;
	struct choice c;
	struct text rest, name;
	struct error e;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(choices); i++) {
		channel = channel_of(choices[i].channel);
		c = (struct choice){wanted, 0, choices[i].in_clear, &channel,
		    text_of(choices[i].offered)};
		rest = text_of(choices[i].wanted);
		while (text_next(&rest, " ", &name))
			assert_int_equal(
			    sasl_parse(name, &wanted[c.wanted_count++]), 0);
		error_clear(&e);
		if (choices[i].chosen != NULL) {
			assert_int_equal(choice_find(&c, &found, &e), 0);
			assert_string_equal(
			    sasl_name(found), choices[i].chosen);
			assert_int_equal(e.kind, ERROR_NONE);
		} else {
			assert_int_equal(choice_find(&c, &found, &e), -1);
			assert_int_equal(e.kind, ERROR_DENIED);
			assert_non_null(strstr(e.text, choices[i].offered));
			assert_non_null(strstr(e.hint, choices[i].hint));
		}
	}
}

static void
what_the_server_offers_is_shown_visible(void **state)
{
	struct sasl_channel channel = channel_of("tls");
	struct choice c = {.channel = &channel, .offered = TEXT("X\033[2J %n")};
	enum sasl_mechanism found;
	struct error e;

	(void)state;
	error_clear(&e);
	assert_int_equal(choice_find(&c, &found, &e), -1);
	assert_non_null(strstr(e.text, "X\\x1b[2J %n"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names_go_both_ways),
	    cmocka_unit_test(what_the_mechanisms_need),
	    cmocka_unit_test(chooses_as_the_policy_says),
	    cmocka_unit_test(what_the_server_offers_is_shown_visible),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
