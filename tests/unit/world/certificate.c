#include "../unit.h"

#include <gnutls/gnutls.h>

#include "../folder.h"
#include "world/certificate.h"
#include "world/trust.h"

/* A chain of tests/certs.sh. */
static void
load(struct trust *t, const char *name, struct text chain[4])
{
	struct error e;
	size_t i;

	error_clear(&e);
	trust_init(t);
	if (trust_read(t, in_folder(name), &e) == -1)
		fail_msg("%s", e.text);
	while (trust_next(t))
		;
	assert_in_range(t->count, 1, 4);
	for (i = 0; i < t->count; i++)
		chain[i] = trust_at(t, i);
}

static void
what_they_say(void **state)
{
	static const struct {
		const char *file;
		const char *names;
		const char *issuer;
		bool self_signed;
	} rows[] = {{"good", "localhost", "ca", false},
	    {"all-names", "localhost, 127.0.0.1, ::1", "ca", false},
	    {"ip", "127.0.0.1, ::1", "ca", false},
	    {"ip-as-name", "127.0.0.1 (as a DNS name)", "ca", false},
	    {"wildcard", "*.example.org", "ca", false},
	    {"chained", "localhost", "intermediate", false},
	    {"self-signed", "localhost", "self-signed", true},
	    {"ca", "sendling test ca (as a common name)", "ca", true}};
	char file[50], subject[100], issuer[100];
	struct certificate c;
	struct text chain[4];
	struct trust t;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		snprintf(file, sizeof(file), "%s.pem", rows[i].file);
		snprintf(subject, sizeof(subject), "CN=sendling test %s",
		    rows[i].file);
		snprintf(issuer, sizeof(issuer), "CN=sendling test %s",
		    rows[i].issuer);
		load(&t, file, chain);
		certificate_read(&c, chain, t.count);
		assert_string_equal(c.names, rows[i].names);
		assert_int_equal(strncmp(c.names, c.name, strlen(c.name)), 0);
		assert_string_equal(c.subject, subject);
		assert_string_equal(c.issuer, issuer);
		assert_int_equal(c.self_signed, rows[i].self_signed);
		assert_int_equal(strspn(c.sha256, "0123456789abcdef"), 64);
		trust_clear(&t);
	}
}

/* Nothing in a name can be taken for two, for another, or for our words. */
static void
odd_names_are_plain(void **state)
{
	static const struct {
		const char *file;
		const char *names;
		const char *name;
		unsigned more;
	} rows[] = {{"nul", "localhost\\x00.evil.test", "", 0},
	    {"odd-names",
		"a\\x2c\\x20b, c\\x20d, \\x28e), f\\x5cx00, g\\x00, "
		"xn--bcher-kva.example, h\\xc2\\xa0",
		"xn--bcher-kva.example", 0},
	    {"odd-cn",
		"\\x20a\\x2c \\x20b \\x28as a DNS name) c (as a common name)",
		"", 0},
	    {"nul-cn",
		"#0c1820612c20200020286173206120444e53206e616d65292063 (as a "
		"common name)",
		"", 0},
	    {"many-names",
		"mail-1.a-rather-long-name.example.org, "
		"mail-2.a-rather-long-name.example.org, "
		"mail-3.a-rather-long-name.example.org, "
		"mail-4.a-rather-long-name.example.org",
		"mail-1.a-rather-long-name.example.org", 5}};
	char file[50], line[2000], expected[300];
	struct certificate c;
	struct text chain[4];
	struct trust t;
	size_t i;

	(void)state;
	assert_int_equal(
	    folder_run("openssl x509 -in odd-cn.pem -outform DER | LC_ALL=C "
		       "sed 's/  b (as/  \\x00 (as/' | openssl x509 -inform "
		       "DER -out nul-cn.pem"),
	    0);
	for (i = 0; i < COUNT(rows); i++) {
		snprintf(file, sizeof(file), "%s.pem", rows[i].file);
		load(&t, file, chain);
		certificate_read(&c, chain, t.count);
		assert_string_equal(c.names, rows[i].names);
		assert_string_equal(c.name, rows[i].name);
		assert_int_equal(c.more, rows[i].more);
		snprintf(expected, sizeof(expected), "names %s%s; subject",
		    rows[i].names, rows[i].more > 0 ? ", and 5 more" : "");
		assert_non_null(strstr(
		    certificate_format(&c, line, sizeof(line)), expected));
		trust_clear(&t);
	}
}

/* What openssl(1) makes of the key. */
static void
the_pin_is_of_the_key(void **state)
{
	static const char *const files[] = {"good", "chained", "self-signed"};
	static const char script[] =
	    "{ printf sha256:; openssl pkey -in %s.key -pubout -outform DER | "
	    "openssl dgst -sha256 -binary | base64; } > pin";
	char command[300], line[100];
	struct certificate c;
	struct text chain[4];
	struct trust t;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(files); i++) {
		snprintf(command, sizeof(command), script, files[i]);
		assert_int_equal(folder_run(command), 0);
		snprintf(line, sizeof(line), "%s.pem", files[i]);
		load(&t, line, chain);
		certificate_read(&c, chain, t.count);
		snprintf(line, sizeof(line), "%s\n", c.pin);
		assert_string_equal(line, folder_content("pin"));
		trust_clear(&t);
	}
}

static void
the_chain_is_valid_together(void **state)
{
	static const char *const files[] = {
	    "good.pem", "expired.pem", "not-yet.pem"};
	struct text chain[4], all[4];
	struct trust t[3];
	struct certificate c;
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		load(&t[i], files[i], chain);
		all[i] = chain[0];
	}
	all[3] = TEXT("no certificate");
	certificate_read(&c, all, 1);
	assert_in_range(time(NULL), c.from, c.until);
	certificate_read(&c, all, 4);
	assert_int_equal(c.from, 3786912000LL);	 /* 2090-01-01 */
	assert_int_equal(c.until, 1580515200LL); /* 2020-02-01 */
	assert_string_equal(c.subject, "CN=sendling test good");
	certificate_read(&c, all + 3, 1);
	assert_string_equal(c.names, "");
	assert_string_equal(c.sha256, "");
	certificate_read(&c, NULL, 0);
	assert_string_equal(c.names, "");
	for (i = 0; i < 3; i++)
		trust_clear(&t[i]);
}

static void
issuers_lead_to_authorities(void **state)
{
	struct text good[4], ca[4], other[4];
	struct trust t[3];
	struct buf issuer;
	size_t i;

	(void)state;
	load(&t[0], "good.pem", good);
	load(&t[1], "ca.pem", ca);
	load(&t[2], "other-ca.pem", other);
	assert_true(certificate_check(good[0]));
	assert_false(certificate_check(TEXT("no certificate")));
	assert_false(certificate_check(text_first(good[0], 100)));
	buf_init(&issuer, 1000);
	certificate_add_issuer(TEXT("no certificate"), &issuer);
	assert_int_equal(issuer.len, 0);
	certificate_add_issuer(good[0], &issuer);
	assert_true(issuer.len > 0);
	assert_true(trust_holds(ca[0], &issuer, 1));
	assert_false(trust_holds(other[0], &issuer, 1));
	buf_clear(&issuer);
	for (i = 0; i < 3; i++)
		trust_clear(&t[i]);
}

/* Without GnuTLS, which would take its time. */
static void
a_glance_tells_key_and_names(void **state)
{
	static const struct {
		const char *file;
		unsigned bits;
		bool dns_name;
	} rows[] = {{"good.pem", 0, true}, {"rsa.pem", 2048, true},
	    {"small.pem", 1024, true}, {"small-ca.pem", 1024, false},
	    {"ip.pem", 0, false}, {"all-names.pem", 0, true},
	    {"cn-alone.pem", 0, false}, {"cn-and-ip.pem", 0, false},
	    {"nul.pem", 0, true}, {"stapled.pem", 0, true},
	    {"ca.pem", 0, false}};
	struct text chain[4];
	struct trust t;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		load(&t, rows[i].file, chain);
		assert_int_equal(certificate_rsa_bits(chain[0]), rows[i].bits);
		assert_int_equal(
		    certificate_has_dns_name(chain[0]), rows[i].dns_name);
		trust_clear(&t);
	}
	assert_int_equal(certificate_rsa_bits(TEXT("")), 0);
	assert_false(certificate_has_dns_name(TEXT("")));
}

/* At all that is looked for. */
static void
look(const char *der, size_t len, struct buf *issuer)
{
	const struct text t = {der, len};

	certificate_add_issuer(t, issuer);
	certificate_rsa_bits(t);
	certificate_has_dns_name(t);
}

/* However it is cut or broken, no octet behind it is read. */
static void
a_broken_certificate_has_no_issuer(void **state)
{
	struct text good[4];
	struct trust t;
	struct buf issuer;
	char *cut;
	size_t len, i;

	(void)state;
	load(&t, "rsa.pem", good);
	buf_init(&issuer, 2000);
	for (len = 0; len < good[0].len; len++) {
		cut = malloc(len + 1);
		assert_non_null(cut);
		memcpy(cut + 1, good[0].at, len);
		certificate_add_issuer((struct text){cut + 1, len}, &issuer);
		assert_int_equal(issuer.len, 0);
		assert_int_equal(
		    certificate_rsa_bits((struct text){cut + 1, len}), 0);
		assert_false(
		    certificate_has_dns_name((struct text){cut + 1, len}));
		for (i = 0; i < len; i++) {
			cut[1 + i] ^= (char)0x80;
			look(cut + 1, len, &issuer);
			cut[1 + i] ^= (char)0x80;
			buf_reset(&issuer);
		}
		free(cut);
	}
	buf_clear(&issuer);
	trust_clear(&t);
}

static const struct certificate mail = {.names = "mail.x, 192.0.2.1",
    .name = "mail.x",
    .subject = "CN=mail",
    .issuer = "CN=ca",
    .from = 1577836800,
    .until = 1580515200,
    .sha256 = "00ff",
    .pin = "sha256:AAAA",
    .key_bits = 1024,
    .listed_until = 86400};

static void
all_in_one_line(void **state)
{
	struct certificate nothing;
	char line[300];

	(void)state;
	assert_string_equal(certificate_format(&mail, line, sizeof(line)),
	    "names mail.x, 192.0.2.1; subject CN=mail; issuer CN=ca; valid "
	    "2020-01-01 to 2020-02-01; SHA-256 00ff");
	memset(&nothing, 0, sizeof(nothing));
	nothing.until = -1;
	assert_string_equal(certificate_format(&nothing, line, sizeof(line)),
	    "names none; subject ; issuer ; valid 1970-01-01 to ?; SHA-256 ");
}

/* What failed is told all of it, and the hint is that of the first. */
static void
why_it_is_refused(void **state)
{
	static const struct {
		unsigned status;
		const char *text; /* after "not trusted: it " */
		const char *hint; /* holds that */
	} rows[] = {
	    {GNUTLS_CERT_UNEXPECTED_OWNER,
		"is for mail.x, 192.0.2.1, not for y\\x0a", "tls-name mail.x"},
	    {GNUTLS_CERT_EXPIRED, "has expired (valid until 2020-02-01)",
		"clock"},
	    {GNUTLS_CERT_NOT_ACTIVATED,
		"is not yet valid (valid from 2020-01-01)", "clock"},
	    {GNUTLS_CERT_SIGNER_NOT_FOUND, "has an unknown issuer",
		"tls-trust FILE"},
	    {GNUTLS_CERT_SIGNER_NOT_CA,
		"has an issuer that is no certificate authority",
		"tls-trust FILE"},
	    {GNUTLS_CERT_REVOKED, "was revoked", "another certificate"},
	    {GNUTLS_CERT_INSECURE_ALGORITHM,
		"is signed with an insecure algorithm", "another certificate"},
	    {GNUTLS_CERT_SIGNATURE_FAILURE, "has a wrong signature",
		"another certificate"},
	    {GNUTLS_CERT_PURPOSE_MISMATCH, "is not meant for a server",
		"another certificate"},
	    {GNUTLS_CERT_INVALID, "is not valid", "another certificate"},
	    {CERTIFICATE_SMALL_KEY,
		"has an RSA key of 1024 bits, and 2048 are the least (RFC "
		"9325)",
		"tls-pin sha256:AAAA"},
	    {CERTIFICATE_UNPINNED, "has a key that no `tls-pin' names",
		"tls-pin sha256:AAAA"},
	    {CERTIFICATE_LIST_OLD | CERTIFICATE_SMALL_KEY,
		"has an RSA key of 1024 bits, and 2048 are the least (RFC "
		"9325), and it may have been revoked: the list in `tls-crl' is "
		"out of date since 1970-01-02",
		"into the file of `tls-crl'"},
	    {CERTIFICATE_UNLISTED,
		"may have been revoked: `tls-crl' has no list of its issuer",
		"into the file of `tls-crl'"},
	    {CERTIFICATE_LIST_FORGED | GNUTLS_CERT_REVOKED,
		"was revoked, and it may have been revoked: its issuer has not "
		"signed the list in `tls-crl'",
		"another certificate"},
	    {GNUTLS_CERT_INVALID | GNUTLS_CERT_PURPOSE_MISMATCH |
		    GNUTLS_CERT_EXPIRED,
		"has expired (valid until 2020-02-01), and it is not meant for "
		"a server",
		"clock"}};
	char text[400];
	struct error e;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		error_clear(&e);
		assert_int_equal(
		    certificate_refuse(&mail, rows[i].status, "y\n", &e), -1);
		snprintf(
		    text, sizeof(text), "not trusted: it %s", rows[i].text);
		assert_string_equal(e.text, text);
		assert_string_equal(e.doing, CERTIFICATE_VERIFYING);
		assert_int_equal(e.kind, ERROR_DENIED);
		assert_non_null(strstr(e.why, "SHA-256 00ff"));
		if (strstr(e.hint, rows[i].hint) == NULL)
			fail_msg("%s", e.hint);
	}
}

static void
odd_certificates_are_refused(void **state)
{
	struct certificate c = mail;
	struct error e;

	(void)state;
	c.self_signed = true;
	error_clear(&e);
	certificate_refuse(&c, GNUTLS_CERT_SIGNER_NOT_FOUND, "y", &e);
	assert_string_equal(e.text,
	    "not trusted: it is self-signed and not among the trusted ones");
	strlcpy(c.name, "*.x", sizeof(c.name));
	error_clear(&e);
	certificate_refuse(&c, GNUTLS_CERT_UNEXPECTED_OWNER, "y", &e);
	assert_non_null(strstr(e.hint, "tls-name NAME"));
	c.name[0] = c.names[0] = '\0';
	error_clear(&e);
	certificate_refuse(&c, GNUTLS_CERT_UNEXPECTED_OWNER, "y", &e);
	assert_string_equal(
	    e.text, "not trusted: it is for no name at all, not for y");
	assert_non_null(strstr(e.hint, "tls-name NAME"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_they_say),
	    cmocka_unit_test(odd_names_are_plain),
	    cmocka_unit_test(the_pin_is_of_the_key),
	    cmocka_unit_test(the_chain_is_valid_together),
	    cmocka_unit_test(issuers_lead_to_authorities),
	    cmocka_unit_test(a_glance_tells_key_and_names),
	    cmocka_unit_test(a_broken_certificate_has_no_issuer),
	    cmocka_unit_test(all_in_one_line),
	    cmocka_unit_test(why_it_is_refused),
	    cmocka_unit_test(odd_certificates_are_refused),
	};

	return cmocka_run_group_tests(
	    tests, folder_make_more_certs, folder_remove);
}
