#include "../unit.h"

#include "config/foreign.h"
#include "config/keyword.h"

/* What stands in the manuals of msmtp, ssmtp, dma and esmtp, in any case. */
static const char *const theirs[] = {"host", "port", "protocol", "tls",
    "tls_starttls", "TLS_StartTLS", "passwordeval", "eval", "defaults",
    "logfile", "logfile_time_format", "syslog", "maildomain", "auto_from",
    "allow_from_override", "set_from_header", "from_full_name",
    "tls_trust_file", "tls_crl_file", "tls_fingerprint", "tls_certcheck",
    "tls_key_file", "tls_cert_file", "tls_priorities", "tls_host_override",
    "tls_min_dh_prime_bits", "set_date_header", "set_msgid_header",
    "remove_bcc_headers", "undisclosed_recipients", "ntlmdomain", "proxy_host",
    "proxy_port", "socket", "source_ip", "mailhub", "MailHub", "UseTLS",
    "UseSTARTTLS", "AuthUser", "AuthPass", "AuthMethod", "rewriteDomain",
    "hostname", "root", "MinUserId", "FromLineOverride", "UseTLSCert",
    "TLSCert", "TLSKey", "TLS_CA_File", "TLS_CA_Dir", "Debug", "SMARTHOST",
    "PORT", "SECURETRANSFER", "SECURE", "STARTTLS", "OPPORTUNISTIC_TLS",
    "FINGERPRINT", "INSECURE", "CERTFILE", "AUTHPATH", "MAILNAME", "MASQUERADE",
    "NULLCLIENT", "SPOOLDIR", "DEFER", "FULLBOUNCE", "relayhost", "Host",
    "usereval", "tls_nostarttls", "RemotePort", "UseOldAUTH", "AddHeader",
    "SECURETRANS", "identity", "username", "qualifydomain", "force",
    "preconnect", "mda", "force_mda", "message_id", "certificate_passphrase"};

/* What a hint tells to write must be there. */
static void
check_keywords(const char *hint)
{
	struct text rest = text_of(hint), quoted, word;

	while (text_find(rest, '`') < rest.len) {
		rest = text_skip(rest, text_find(rest, '`') + 1);
		quoted = text_first(rest, text_find(rest, '\''));
		assert_true(text_next(&quoted, " ", &word));
		if (!text_equal(word, TEXT("root:")) &&
		    keyword_find(word) == NULL)
			fail_msg("%.*s: %s", TEXT_ARG(word), hint);
	}
}

static void
every_keyword_of_theirs_has_a_hint(void **state)
{
	const char *hint;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(theirs); i++) {
		hint = foreign_hint(text_of(theirs[i]), text_of(theirs[i]));
		if (hint == NULL)
			fail_msg("%s", theirs[i]);
		/* Else nobody would ask. */
		assert_null(keyword_find(text_of(theirs[i])));
		check_keywords(hint);
	}
	/* Which say more than that it cannot be set. */
	assert_non_null(strstr(foreign_hint(TEXT("PROXY_host"), TEXT("")),
	    "write `connect-command nc -X 5 -x PROXY:PORT"));
	assert_non_null(strstr(foreign_hint(TEXT("socket"), TEXT("")),
	    "write `smarthost smtp+unix:PATH'"));
	assert_non_null(strstr(foreign_hint(TEXT("source_ip"), TEXT("")),
	    "write `source-address ADDRESS'"));
	assert_non_null(
	    strstr(foreign_hint(TEXT("Mailhub"), TEXT("")), "sendling-import"));
	assert_non_null(strstr(
	    foreign_hint(TEXT("spooldir"), TEXT("")), "write `spool PATH'"));
	assert_non_null(
	    strstr(foreign_hint(TEXT("DEFER"), TEXT("")), "--queue-only"));
}

static void
a_line_of_nullmailers_remotes_is_known(void **state)
{
	static const struct {
		const char *line;
		bool known;
	} rows[] = {
	    {"mail.example.org smtp", true},
	    {"mail.example.org smtp --port=587 --starttls --user=a", true},
	    {" mail.example.org\tsmtp ", true},
	    {"192.0.2.1 qmqp", true},
	    {"mail.example.org", false},
	    {"mail.example.org smtps", false},
	    {"smtp mail.example.org", false},
	    {"", false},
	};
	const char *hint;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		hint = foreign_hint(TEXT("mail"), text_of(rows[i].line));
		assert_int_equal(hint != NULL, rows[i].known);
		if (hint != NULL)
			check_keywords(hint);
	}
}

static void
other_words_are_not_known(void **state)
{
	static const char *const words[] = {
	    "", "hos", "hosts", "hunter2", "tlsx", "user name"};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(words); i++)
		assert_null(foreign_hint(text_of(words[i]), TEXT("")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_keyword_of_theirs_has_a_hint),
	    cmocka_unit_test(a_line_of_nullmailers_remotes_is_known),
	    cmocka_unit_test(other_words_are_not_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
