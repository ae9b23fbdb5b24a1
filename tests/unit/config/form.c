#include "assign.h"

#define HEX "00:11:22:33:44:55:66:77:88:99:aA:Bb:cc:dd:ee:ff"

/* What is in the words and in the hint. */
static const struct {
	const char *line;
	const char *what;
	const char *hint; /* NULL: none; "": any */
} faults[] = {
    {"user ", "the keyword has no value", NULL},
    {"user \"alice\"", "the value stands in quotes", NULL},
    {"password-file '/hunter2'", "the value stands in", NULL},
    {"match *@a.example \"*@b.example\"", "the value stands in quotes", NULL},
    {"user al\x01ice", "the value holds a control", NULL},
    {"user al\rice", "the value holds a control", NULL},
    {"user al\tice", "the value holds a tab", NULL},
    {"password hunter2\x7f", "the value holds a control", NULL},
    {"password-command hunter2\x1b", "the value", NULL},
    {"smarthost mail.example.org",
	"`mail.example.org' does not begin with smtps://", "smtps://"},
    {"smarthost smtps://a:hunter2@b", "the URL holds", "password-file"},
    {"password-file hunter2", "does not begin with `/'", ""},
    {"password-credential hunter/2", "not the plain name of a credential",
	"without `/'"},
    {"password-credential /hunter2", "not the plain name", "LoadCredential="},
    {"password-credential ../hunter2", "not the plain name", ""},
    {"password-credential .", "not the plain name", ""},
    {"password-credential ..", "not the plain name", ""},
    {"password-credential ...", "not the plain name", ""},
    {"password-credential 'hunter2'", "the value stands in quotes", NULL},
    {"tls-trust ca.pem", "does not begin with `/'", ""},
    {"tls-crl ca.crl", "does not begin with `/'", ""},
    {"tls-crl system", "does not begin with `/'", ""},
    {"tls-key a.key", "does not begin with `/'", ""},
    {"tls-certificate pkcs12:a", "does not begin with `/'", ""},
    {"tls-verify maybe", "`maybe' is not one", "write one of: yes, no"},
    {"tls-pin " BASE64, "is not a pin, sha256: and the base64 of 32 octets",
	"openssl pkey -pubin"},
    {"tls-pin sha256:AAAA", "is not a pin, sha256:", ""},
    {"tls-pin sha512:" BASE64, "is not a pin, sha256:", ""},
    {"tls-pin sha256://" BASE64, "is not a pin, sha256:", ""},
    {"tls-pin " PIN " x", "`x' is not a pin", ""},
    {"tls-pin sha256:" HEX HEX, "not a pin, but the fingerprint of a",
	"write sha256: in front of it"},
    {"tls-pin " HEX HEX, "not a pin, but the fingerprint of a certificate",
	"openssl dgst -sha256 -binary | openssl base64"},
    {"tls-pin " HEX ":A0:B1:c2:d3", "the fingerprint of a certificate", ""},
    {"tls-pin SHA1:" HEX "A0B1c2d3", "the fingerprint of a certificate", ""},
    {"tls-pin " HEX, "the fingerprint of a certificate", ""},
    {"aliases aliases", "the path does not begin with `/'", ""},
    {"aliases no", "the path does not begin with `/'", ""},
    {"auth digest-md5", "`digest-md5' is no mechanism", "SCRAM-SHA-256"},
    {"auth plain auto", "`auto' is no mechanism", ""},
    {"auth ,", "`,' is no mechanism", ""},
    {"auth plain PLAIN", "PLAIN stands twice", NULL},
    {"auth XOAUTH2 PLAIN", "XOAUTH2 takes an OAuth token and PLAIN a password",
	"one kind"},
    {"auth CRAM-MD5 EXTERNAL OAUTHBEARER",
	"OAUTHBEARER takes an OAuth token and CRAM-MD5 a password", ""},
    {"auth-in-clear maybe", "`maybe' is not one", "write one of: yes, no"},
    {"connect-command nc %x", "is not a command in which `%'", "%h"},
    {"connect-command nc %h %", "is not a command in which `%'", "%h"},
    {"source-address eth0", "`eth0' is not an IP address", "192.0.2.1"},
    {"source-address [::1]", "`[::1]' is not an IP address", "192.0.2.1"},
    {"source-address 192.0.2.1:25", "is not an IP address", "192.0.2.1"},
    {"family ipv5", "`ipv5' is not one", "any, ipv4, ipv6"},
    {"pipelining yes", "`yes' is not one", "auto, off"},
    {"log syslog:kern", "`kern' is not one", "mail"},
    {"log mail.log", "`mail.log' is not one",
	"syslog, syslog:FACILITY, stderr, off, /FILE"},
    {"timeout 0", "`0' is not a time", "90s, 5m or 1h"},
    {"timeout 0s", "`0s' is not a time", ""},
    {"timeout s", "`s' is not a time", ""},
    {"timeout -5", "`-5' is not a time", ""},
    {"timeout 5 m", "`5 m' is not a time", ""},
    {"timeout 1.5h", "`1.5h' is not a time", ""},
    {"timeout 169h", "`169h' is not a time", ""},
    {"timeout 99999999999999999999", "is not a time", ""},
    {"timeout 8d", "`8d' is not a time", ""},
    {"timeout 30s # long", "`30s # long' is not a time",
	"a comment needs a line of its own"},
    {"from a@b@c", "`a@b@c' is not a bare address: ", NULL},
    {"from a@b, c@d", "`a@b, c@d' is not a bare", NULL},
    {"from Alice <a@b>", "the name belongs into `full-name'", NULL},
    {"from <>", "it is empty", NULL},
    {"from %X@b", "`%X@b' is not right behind its `%' sign", "%U is the user"},
    {"user 50%", "`50%' is not right behind its", ""},
    {"full-name \xe9lise", "`\\xe9lise' is not text in", NULL},
    {"domain exa mple", "`exa mple' is not a domain name", NULL},
    {"domain b\xc3\xbc"
     "cher.example",
	"is not a domain name", NULL},
    {"domain example.org..", "is not a domain name", NULL},
    {"domain .", "is not a domain name", NULL},
    {"helo [1.2.3]", "is not a host name", ""},
    {"helo [", "is not a host name", ""},
    {"helo []", "is not a host name", ""},
    {"helo [IPv6:1.2.3.4]", "is not a host name", ""},
    {"tls-name a_b!", "is not a host name", NULL},
    {"tls-priority NORM\xc3\x84L", "is not a priority string", NULL},
    {"dsn-notify never,delay", "`never,delay' is not a list", ""},
    {"dsn-return some", "`some' is not full or hdrs", NULL},
    {"spool spool", "the path does not begin with `/'", ""},
    {"spool ~alice/spool", "the path does not begin with `/'", ""},
    {"spool ~", "the path does not begin with `/'", ""},
    {"spool yes", "the path does not begin with `/'", ""},
    {"spool /var/spool/%H", "is not a path in which `%' stands before U", "%U"},
    {"spool /var/spool/%", "is not a path in which `%' stands before U", "%U"},
    {"spool-lifetime 367d", "`367d' is not a time from one second", "5d"},
    {"spool-keep 1w", "`1w' is not a time", "5d"},
    {"spool-keep 0d", "`0d' is not a time", "5d"},
    {"spool-retry 4h 5m", "the longest wait, 5m, is shorter than the first",
	"the shorter one first"},
    {"spool-retry 5m 4h 1d", "`5m 4h 1d' is not one or two times", "5m 4h"},
    {"spool-retry 5m 8d", "`5m 8d' is not one or two times", "5m 4h"},
    {"spool-retry often", "`often' is not one or two times", "5m 4h"},
    {"sender-of www-data", "`www-data' is not a user and a pattern",
	"www-data *@example.org"},
    {"sender-of *@example.org", "is not a user and a pattern", ""},
    {"sender-of bob *@a.example, b@c.example",
	"`*@a.example,' is not a pattern", "`<>'"},
    {"sender-of bob example.org", "`example.org' is not a pattern", "*@"},
    {"sender-of bob @example.org", "`@example.org' is not a pattern", ""},
    {"sender-of bob bob@", "`bob@' is not a pattern", ""},
    {"sender-of bob <bob@example.org>", "`<bob@example.org>' is not", ""},
    {"sender-of bob a@b.example # x", "`#' is not a pattern",
	"a comment needs a line of its own"},
    {"socket-slots 0", "`0' is not a number from 1 to 64", "like 8"},
    {"socket-slots 65", "`65' is not a number from 1 to 64", ""},
    {"socket-slots off", "`off' is not a number from 1 to 64", ""},
    {"socket-size 0", "`0' is not a size of 64K or more", "like 25M"},
    {"socket-size 65535", "`65535' is not a size", ""},
    {"socket-size 63K", "`63K' is not a size", ""},
    {"socket-size 16777216T", "`16777216T' is not a size", ""},
    {"socket-size M", "`M' is not a size", ""},
    {"socket-size 25MB", "`25MB' is not a size", ""},
    {"socket-size off", "`off' is not a size", ""},
    {"spool-limit 0", "`0' is not a number of messages", "10000 1G"},
    {"spool-limit 10 0K", "`10 0K' is not a number", ""},
    {"spool-limit 10 20", "`10 20' is not a number", ""},
    {"spool-limit 1G 1M", "`1G 1M' is not a number", ""},
    {"spool-limit 10 G", "`10 G' is not a number", ""},
    {"spool-limit 1P", "`1P' is not a number", ""},
    {"spool-limit 16777216T", "`16777216T' is not a number", ""},
    {"spool-limit 16777217T", "`16777217T' is not a number", ""},
    {"spool-passing sometimes", "`sometimes' is not one", "yes, no"},
    {"spool-volatile 1", "`1' is not one", "yes, no"},
    {"spool-report Bob <b@x.example>", "the name belongs into", NULL},
    {"spool-report a@b@c", "`a@b@c' is not a bare address", NULL},
};

static void
wrong_values_are_faults(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(faults); i++) {
		struct account a = {0};
		struct error e;

		assert_int_equal(set(&a, faults[i].line, &e), -1);
		assert_int_equal(e.kind, ERROR_CONFIG);
		if (strstr(e.text, faults[i].what) == NULL)
			fail_msg("%s: %s", faults[i].line, e.text);
		if ((e.hint[0] == '\0') != (faults[i].hint == NULL) ||
		    (faults[i].hint != NULL &&
			strstr(e.hint, faults[i].hint) == NULL))
			fail_msg("%s: %s", faults[i].line, e.hint);
		assert_null(strstr(e.text, "hunter2"));
		assert_null(strstr(e.hint, "hunter2"));
		assert_false(text_has_control(text_of(e.text)));
		keyword_clear(&a);
	}
}

/* On the command line a path is meant from where the caller stands. */
static void
a_path_from_outside_may_be_relative(void **state)
{
	struct account a = {0};
	struct error e;

	(void)state;
	error_clear(&e);
	assert_int_equal(keyword_set(keyword_find(TEXT("tls-trust")), &a,
			     TEXT("ca.pem"), NULL, &e),
	    0);
	assert_string_equal(a.tls_trust, "ca.pem");
	keyword_clear(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(wrong_values_are_faults),
	    cmocka_unit_test(a_path_from_outside_may_be_relative),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
