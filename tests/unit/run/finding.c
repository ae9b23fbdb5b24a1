#include "../unit.h"

#include "run/finding.h"

static struct buf out;

static const char *
as_lines(const struct finding *f)
{
	buf_clear(&out);
	buf_init(&out, 100000);
	finding_format(f, &out);
	return buf_string(&out);
}

static const char *
as_json(const struct finding *f)
{
	struct json j;

	buf_clear(&out);
	buf_init(&out, 100000);
	json_init(&j, &out);
	finding_add_json(f, &j);
	return buf_string(&out);
}

static char host[] = "a.example.org", domain[] = "example.org";
static const struct smarthost smarthost = {.security = SMARTHOST_TLS,
    .host = host,
    .port = 465,
    .srv = {.domain = domain, .priority = 10, .weight = 5}};

/* All that can be known. */
static void
tells_all(void **state)
{
	struct finding_address addresses[] = {
	    {"2001:db8::1", 1234, "Connection refused"},
	    {"192.0.2.1", 12399, ""}};
	struct finding_turn turns[] = {
	    {"the TLS handshake", 2500}, {"EHLO", 400}};
	struct finding f = {.smarthost = &smarthost,
	    .addresses = addresses,
	    .address_count = COUNT(addresses),
	    .secured = true,
	    .terms = {"TLS1.3", "X25519", "AES-256-GCM", false},
	    .certificate = {.names = "a.example, b.example",
		.more = 2,
		.issuer = "CN=x \"y\"",
		.until = 1798761600, /* 2027-01-01 */
		.sha256 = "00ff",
		.pin = "sha256:AAAA"},
	    .now = 1798761600 - 35 * 86400 - 3600,
	    .turns = turns,
	    .turn_count = COUNT(turns),
	    .greeted = true,
	    .ehlo = {.size_max = 36700160,
		.mechanisms = "PLAIN LOGIN",
		.lines = "SIZE 36700160\nAUTH PLAIN LOGIN\n",
		.more = 3},
	    .mechanism = "PLAIN",
	    .login = FINDING_REFUSED,
	    .login_why = "535 5.7.8 no"};

	(void)state;
	error_set(&f.error, ERROR_DENIED, "AUTH", "it refused");
	strlcpy(f.error.why, "535 5.7.8 no", sizeof(f.error.why));
	error_hint(&f.error, "check it");
	assert_string_equal(as_lines(&f),
	    "smarthost: smtps://a.example.org:465 (srv://example.org, "
	    "priority 10, weight 5)\n"
	    "address: 2001:db8::1 port 465, Connection refused\n"
	    "address: 192.0.2.1 port 465, connected in 12.3 ms\n"
	    "tls: TLS1.3 X25519 AES-256-GCM\n"
	    "names: a.example b.example and 2 more\n"
	    "issuer: CN=x \"y\"\n"
	    "expires: 2027-01-01, 35 days left\n"
	    "pin: tls-pin sha256:AAAA\n"
	    "turn: TLS handshake 2.5 ms\n"
	    "turn: EHLO 0.4 ms\n"
	    "extensions: SIZE 36700160, AUTH PLAIN LOGIN, and 3 more\n"
	    "size: 36700160\n"
	    "mechanisms: PLAIN LOGIN\n"
	    "login: refused: 535 5.7.8 no\n"
	    "error: AUTH: it refused\n"
	    "server: 535 5.7.8 no\n"
	    "hint: check it\n");
	assert_string_equal(as_json(&f),
	    "{\"smarthost\":\"smtps://a.example.org:465\","
	    "\"srv\":{\"domain\":\"example.org\",\"priority\":10,"
	    "\"weight\":5},"
	    "\"addresses\":[{\"address\":\"2001:db8::1\",\"port\":465,"
	    "\"ms\":1.234,\"error\":\"Connection refused\"},"
	    "{\"address\":\"192.0.2.1\",\"port\":465,\"ms\":12.399,"
	    "\"error\":null}],"
	    "\"tls\":{\"version\":\"TLS1.3\",\"cipher\":\"AES-256-GCM\","
	    "\"group\":\"X25519\",\"names\":[\"a.example\",\"b.example\"],"
	    "\"names_more\":2,"
	    "\"issuer\":\"CN=x \\\"y\\\"\",\"not_after\":\"2027-01-01\","
	    "\"days_left\":35,\"pin\":\"sha256:AAAA\"},"
	    "\"turns\":[{\"step\":\"TLS handshake\",\"ms\":2.500},"
	    "{\"step\":\"EHLO\",\"ms\":0.400}],"
	    "\"extensions\":[\"SIZE 36700160\",\"AUTH PLAIN LOGIN\"],"
	    "\"extensions_more\":3,"
	    "\"size\":36700160,\"mechanisms\":[\"PLAIN\",\"LOGIN\"],"
	    "\"mechanism\":\"PLAIN\",\"login\":\"refused\","
	    "\"login_why\":\"535 5.7.8 no\","
	    "\"error\":{\"kind\":\"denied\",\"status\":77,\"text\":\"AUTH: it refused\","
	    "\"server\":\"535 5.7.8 no\",\"hint\":\"check it\"}}");
}

static void
tells_what_little_is_known(void **state)
{
	static char path[] = "/run/x";
	const struct smarthost local = {.security = SMARTHOST_PLAIN,
	    .place = SMARTHOST_SOCKET,
	    .host = path,
	    .url = path};
	struct finding_address address = {"/run/x", 100, ""};
	struct finding f = {.smarthost = &local,
	    .addresses = &address,
	    .address_count = 1,
	    .greeted = true,
	    .login_why = "by `auth off'"};

	(void)state;
	assert_string_equal(as_lines(&f),
	    "smarthost: /run/x\n"
	    "address: /run/x, connected in 0.1 ms\n"
	    "extensions: none\n"
	    "mechanisms: none\n"
	    "login: not tried, by `auth off'\n");
	f.greeted = false;
	f.secured = true; /* with a server that showed no certificate */
	assert_string_equal(as_lines(&f),
	    "smarthost: /run/x\n"
	    "address: /run/x, connected in 0.1 ms\n"
	    "tls:   \n"
	    "login: not tried, by `auth off'\n");
	f.secured = false;
	assert_string_equal(as_json(&f),
	    "{\"smarthost\":\"/run/x\",\"srv\":null,"
	    "\"addresses\":[{\"address\":\"/run/x\",\"port\":0,\"ms\":0.100,"
	    "\"error\":null}],\"tls\":null,\"turns\":[],\"extensions\":[],\"extensions_more\":0,"
	    "\"size\":null,\"mechanisms\":[],\"mechanism\":null,"
	    "\"login\":\"not tried\",\"login_why\":\"by `auth off'\","
	    "\"error\":null}");
}

static void
counts_days(void **state)
{
	static const struct {
		long long before; /* seconds */
		const char *words;
	} rows[] = {{0, ", 0 days left\n"}, {86399, ", 0 days left\n"},
	    {86400, ", 1 days left\n"}, {-1, ", expired 1 days ago\n"},
	    {-86400, ", expired 1 days ago\n"},
	    {-86401, ", expired 2 days ago\n"}};
	struct finding f = {.smarthost = &smarthost,
	    .secured = true,
	    .certificate = {.until = 1798761600, .sha256 = "00"}};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		f.now = 1798761600 - rows[i].before;
		assert_non_null(strstr(as_lines(&f), rows[i].words));
	}
}

/* A server that repeats the secret in its EHLO: nothing of it but names that
 * are known is told, nor a size that may be the secret. */
static void
hides_an_offer(void **state)
{
	struct finding f = {.smarthost = &smarthost,
	    .greeted = true,
	    .ehlo = {.size_max = 123456,
		.mechanisms = "PLAIN",
		.lines = "SIZE 123456\n",
		.more = 9,
		.hidden = true},
	    .mechanism = "PLAIN",
	    .login = FINDING_ACCEPTED};

	(void)state;
	assert_non_null(strstr(as_lines(&f),
	    "\nextensions: [the server repeats the secret]\n"
	    "mechanisms: PLAIN\nlogin: accepted by PLAIN\n"));
	assert_null(strstr(as_lines(&f), "123456"));
	assert_null(strstr(as_json(&f), "123456"));
	assert_non_null(strstr(as_json(&f), "\"extensions_more\":0,"));
}

static int
forget(void **state)
{
	(void)state;
	buf_clear(&out);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(tells_all),
	    cmocka_unit_test(tells_what_little_is_known),
	    cmocka_unit_test(counts_days), cmocka_unit_test(hides_an_offer)};

	return cmocka_run_group_tests(tests, NULL, forget);
}
