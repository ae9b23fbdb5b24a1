#include "../unit.h"

#include "../channel.h"

static void
names_go_both_ways(void **state)
{
	enum mechanism m;
	size_t i;

	(void)state;
	for (i = 0; i < MECHANISM_COUNT; i++) {
		assert_int_equal(
		    mechanism_parse(
			text_of(mechanism_name((enum mechanism)i)), &m),
		    0);
		assert_int_equal(m, i);
	}
	assert_int_equal(mechanism_parse(TEXT("scram-sha-256-plus"), &m), 0);
	assert_int_equal(m, MECHANISM_SCRAM_SHA_256_PLUS);
	assert_int_equal(mechanism_parse(TEXT("SCRAM-SHA-25"), &m), -1);
	assert_int_equal(mechanism_parse(TEXT("SCRAM-SHA-2566"), &m), -1);
	assert_int_equal(mechanism_parse(TEXT(""), &m), -1);
	assert_int_equal(mechanism_parse(TEXT("NTLM"), &m), -1);
}

static void
what_the_mechanisms_need(void **state)
{
	(void)state;
	assert_true(mechanism_shows_secret(MECHANISM_PLAIN));
	assert_true(mechanism_shows_secret(MECHANISM_LOGIN));
	assert_false(mechanism_shows_secret(MECHANISM_SCRAM_SHA_1));
	assert_false(mechanism_shows_secret(MECHANISM_SCRAM_SHA_256_PLUS));
	assert_true(mechanism_needs_binding(MECHANISM_SCRAM_SHA_1_PLUS));
	assert_true(mechanism_needs_binding(MECHANISM_SCRAM_SHA_256_PLUS));
	assert_false(mechanism_needs_binding(MECHANISM_SCRAM_SHA_256));
	assert_false(mechanism_needs_binding(MECHANISM_PLAIN));
	assert_true(mechanism_shows_secret(MECHANISM_OAUTHBEARER));
	assert_true(mechanism_shows_secret(MECHANISM_XOAUTH2));
	assert_false(mechanism_shows_secret(MECHANISM_CRAM_MD5));
	assert_false(mechanism_shows_secret(MECHANISM_EXTERNAL));
	assert_true(mechanism_takes_token(MECHANISM_OAUTHBEARER));
	assert_true(mechanism_takes_token(MECHANISM_XOAUTH2));
	assert_false(mechanism_takes_token(MECHANISM_PLAIN));
	assert_false(mechanism_takes_token(MECHANISM_EXTERNAL));
	assert_true(mechanism_takes_nothing(MECHANISM_EXTERNAL));
	assert_false(mechanism_takes_nothing(MECHANISM_CRAM_MD5));
	assert_true(mechanism_binding_offered(TEXT("PLAIN scram-sha-1-plus")));
	assert_false(
	    mechanism_binding_offered(TEXT("PLAIN SCRAM-SHA-1 X-PLUS")));
	assert_false(mechanism_binding_offered(TEXT("")));
}

static void
keeps_known_names(void **state)
{
	static const struct {
		const char *offered;
		const char *kept;
	} rows[] = {{"PLAIN LOGIN", "PLAIN LOGIN"},
	    {"X PLAIN Y-Z LOGIN W", "PLAIN LOGIN"}, {"PLAINER", ""}, {"", ""},
	    {"LOGIN X", "LOGIN"}};
	char offered[60];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		strlcpy(offered, rows[i].offered, sizeof(offered));
		mechanism_keep_known(offered);
		assert_string_equal(offered, rows[i].kept);
	}
}

#define NAMED "CRAM-MD5 XOAUTH2 OAUTHBEARER "
#define ALL                                                                    \
	NAMED                                                                  \
	"EXTERNAL LOGIN PLAIN SCRAM-SHA-1 SCRAM-SHA-256 SCRAM-SHA-1-PLUS "     \
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
    {"stranger", false, "", "LOGIN PLAIN", NULL, "`auth-in-clear yes`"},
    {"stranger", true, "", "LOGIN PLAIN", "PLAIN", NULL},
    {"stranger", false, "LOGIN", "LOGIN PLAIN", NULL, "`auth-in-clear yes`"},
    {"stranger", false, "SCRAM-SHA-256 PLAIN", "LOGIN PLAIN", NULL,
	"`tls-pin`"},
    {"stranger", false, "SCRAM-SHA-256 PLAIN", ALL, "SCRAM-SHA-256", NULL},
    {"stranger", true, "LOGIN", "LOGIN PLAIN", "LOGIN", NULL},
    {"stranger local", false, "", "LOGIN PLAIN", "PLAIN", NULL},
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
    /* A certificate of ours stands in for a secret, and is no reason not to
     * use one. */
    {"tls certificate", false, "", ALL, "PLAIN", NULL},
    {"tls certificate", false, "", "EXTERNAL LOGIN", "LOGIN", NULL},
    {"tls certificate", false, "", NAMED "EXTERNAL", "EXTERNAL", NULL},
    {"stranger certificate", false, "", "EXTERNAL PLAIN", "EXTERNAL", NULL},
    {"tls certificate nothing", false, "", ALL, "EXTERNAL", NULL},
    {"tls certificate nothing", false, "", "PLAIN", NULL,
	"`password-file` gives it, write `auth PLAIN`"},
    {"tls nothing", false, "EXTERNAL PLAIN", "PLAIN", NULL,
	"`password-file` gives it, write `auth PLAIN`"},
    {"tls", false, "", "EXTERNAL", NULL, "provider"},
    {"tls", false, "EXTERNAL PLAIN", ALL, "EXTERNAL", NULL},
    {"local nothing", false, "EXTERNAL", "EXTERNAL", "EXTERNAL", NULL},
    {"clear", false, "EXTERNAL", "EXTERNAL", "EXTERNAL", NULL},
    /* A token is no password, nor the reverse. */
    {"tls", false, "", "XOAUTH2 OAUTHBEARER", NULL, "`auth OAUTHBEARER`"},
    {"tls", false, "", "XOAUTH2", NULL,
	"`auth XOAUTH2` and `password-command sendling-token ADDRESS`"},
    {"tls", false, "PLAIN", "XOAUTH2", NULL, "`auth XOAUTH2`"},
    {"tls", false, "", NAMED "LOGIN", "LOGIN", NULL},
    {"tls", false, "XOAUTH2", ALL, "XOAUTH2", NULL},
    {"tls", false, "XOAUTH2 OAUTHBEARER", ALL, "XOAUTH2", NULL},
    {"tls", false, "OAUTHBEARER XOAUTH2", "XOAUTH2", "XOAUTH2", NULL},
    {"tls", false, "XOAUTH2", "PLAIN", NULL,
	"a password in place of the token write `auth PLAIN`"},
    {"tls", false, "XOAUTH2", "OAUTHBEARER", NULL, "`auth OAUTHBEARER`"},
    {"stranger", false, "XOAUTH2", ALL, NULL, "`auth-in-clear yes`"},
    {"stranger", true, "XOAUTH2", ALL, "XOAUTH2", NULL},
    {"clear", false, "OAUTHBEARER", ALL, NULL, "`auth-in-clear yes`"},
    {"clear", true, "OAUTHBEARER", ALL, "OAUTHBEARER", NULL},
    {"local", false, "OAUTHBEARER", ALL, "OAUTHBEARER", NULL},
    {"tls", false, "", "CRAM-MD5", NULL, "`auth CRAM-MD5`"},
    {"tls", false, "CRAM-MD5", ALL, "CRAM-MD5", NULL},
    {"clear", false, "CRAM-MD5 PLAIN", ALL, "CRAM-MD5", NULL},
};

static void
chooses_as_the_policy_says(void **state)
{
	enum mechanism wanted[MECHANISM_COUNT], found;
	struct sasl_channel channel;
	struct mechanism_choice c;
	struct text rest, name;
	struct error e;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(choices); i++) {
		channel = channel_of(choices[i].channel);
		c = (struct mechanism_choice){wanted, 0, choices[i].in_clear,
		    strstr(choices[i].channel, "nothing") == NULL,
		    strstr(choices[i].channel, "certificate") != NULL, &channel,
		    text_of(choices[i].offered)};
		rest = text_of(choices[i].wanted);
		while (text_next(&rest, " ", &name))
			assert_int_equal(
			    mechanism_parse(name, &wanted[c.wanted_count++]),
			    0);
		error_clear(&e);
		if (choices[i].chosen != NULL) {
			assert_int_equal(mechanism_choose(&c, &found, &e), 0);
			assert_string_equal(
			    mechanism_name(found), choices[i].chosen);
			assert_int_equal(e.kind, ERROR_NONE);
		} else {
			assert_int_equal(mechanism_choose(&c, &found, &e), -1);
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
	struct mechanism_choice c = {
	    .channel = &channel, .offered = TEXT("X\033[2J %n")};
	enum mechanism found;
	struct error e;

	(void)state;
	error_clear(&e);
	assert_int_equal(mechanism_choose(&c, &found, &e), -1);
	assert_non_null(strstr(e.text, "X\\x1b[2J %n"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names_go_both_ways),
	    cmocka_unit_test(what_the_mechanisms_need),
	    cmocka_unit_test(keeps_known_names),
	    cmocka_unit_test(chooses_as_the_policy_says),
	    cmocka_unit_test(what_the_server_offers_is_shown_visible),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
