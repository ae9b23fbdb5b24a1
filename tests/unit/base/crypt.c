#include "../unit.h"

#include "base/crypt.h"

/* RFC 4648 section 10, and octets that are no text. */
static const struct {
	struct text plain;
	const char *coded;
} pairs[] = {
    {TEXT(""), ""},
    {TEXT("f"), "Zg=="},
    {TEXT("fo"), "Zm8="},
    {TEXT("foo"), "Zm9v"},
    {TEXT("foob"), "Zm9vYg=="},
    {TEXT("fooba"), "Zm9vYmE="},
    {TEXT("foobar"), "Zm9vYmFy"},
    {TEXT("\0user\0pass"), "AHVzZXIAcGFzcw=="},
    {TEXT("\377\376\373\357"), "//777w=="},
};

static void
base64_goes_both_ways(void **state)
{
	struct buf b;
	size_t i;

	(void)state;
	buf_init(&b, 100);
	for (i = 0; i < COUNT(pairs); i++) {
		buf_reset(&b);
		assert_int_equal(crypt_base64(pairs[i].plain, &b), 0);
		assert_string_equal(buf_string(&b), pairs[i].coded);
		buf_reset(&b);
		assert_int_equal(
		    crypt_unbase64(text_of(pairs[i].coded), &b), 0);
		assert_true(text_equal(buf_text(&b), pairs[i].plain));
	}
	buf_clear(&b);
}

static void
base64_is_one_line_of_any_length(void **state)
{
	char plain[3000];
	struct buf coded, back;

	(void)state;
	memset(plain, 'x', sizeof(plain));
	buf_init(&coded, 10000);
	buf_init(&back, 10000);
	assert_int_equal(
	    crypt_base64((struct text){plain, sizeof(plain)}, &coded), 0);
	assert_int_equal(coded.len, 4000);
	assert_int_equal(text_find(buf_text(&coded), '\n'), 4000);
	assert_int_equal(crypt_unbase64(buf_text(&coded), &back), 0);
	assert_int_equal(back.len, sizeof(plain));
	assert_memory_equal(back.at, plain, sizeof(plain));
	buf_clear(&coded);
	buf_clear(&back);
}

static const struct text no_base64[] = {
    TEXT("Z"),
    TEXT("Zg"),
    TEXT("Zg="),
    TEXT("Zg==="),
    TEXT("Zg==Zg=="),
    TEXT("Zh=="), /* bits behind the last octet */
    TEXT("Zm9=Zm9v"),
    TEXT("="),
    TEXT("===="),
    TEXT("Zm9v\n"),
    TEXT("Zm\n9v"),
    TEXT("Zm9v\r\nZm9v"),
    TEXT(" Zm9v"),
    TEXT("Zm9v "),
    TEXT("Zm\t9v"),
    TEXT("Zm9v\0"),
    TEXT("\0Zm9v"),
    TEXT("Z-_v"),
    TEXT("Zm9\377"),
    TEXT("Username:"),
    TEXT("-----BEGIN X-----"),
};

static void
what_is_no_base64_adds_nothing(void **state)
{
	struct buf b;
	size_t i;

	(void)state;
	buf_init(&b, 100);
	for (i = 0; i < COUNT(no_base64); i++) {
		assert_int_equal(crypt_unbase64(no_base64[i], &b), -1);
		assert_int_equal(b.len, 0);
	}
	buf_clear(&b);
}

static void
pem_stands_in_lines(void **state)
{
	static const struct {
		const char *lines;
		const char *plain; /* NULL: it is wrong */
	} rows[] = {{"Zm9v", "foo"}, {"\r\nZm\r\n 9v\t\r\n", "foo"},
	    {"\nZm9vYg==\n", "foob"}, {"Zm9\n", NULL}, {"\nZm*v\n", NULL},
	    {"Zm9v\nDEK-Info: x\n", NULL}};
	struct buf b;
	size_t i;

	(void)state;
	buf_init(&b, 100);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(crypt_unpem(text_of(rows[i].lines), &b),
		    rows[i].plain == NULL ? -1 : 0);
		assert_string_equal(
		    buf_string(&b), rows[i].plain == NULL ? "" : rows[i].plain);
		buf_reset(&b);
	}
	buf_clear(&b);
}

static void
full_buffers_are_told(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 3);
	assert_int_equal(crypt_base64(TEXT("f"), &b), -1);
	assert_true(b.full);
	buf_reset(&b);
	assert_int_equal(crypt_unbase64(TEXT("Zm9v"), &b), 0);
	assert_int_equal(crypt_unbase64(TEXT("Zm9v"), &b), -1);
	buf_clear(&b);
}

static void
assert_octets(const unsigned char *octets, size_t len, const char *hex)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	assert_int_equal(strlen(hex), 2 * len);
	for (i = 0; i < len; i++) {
		assert_int_equal(digits[octets[i] >> 4], hex[2 * i]);
		assert_int_equal(digits[octets[i] & 15], hex[2 * i + 1]);
	}
}

/* RFC 3174, FIPS 180-4, RFC 2202 and RFC 4231 case 2, RFC 6070 and RFC 7914
 * section 11 (cut to one hash). */
static void
hashes_are_the_standards(void **state)
{
	unsigned char out[CRYPT_HASH_MAX];
	struct error e;

	(void)state;
	error_clear(&e);
	assert_int_equal(crypt_hash_size(CRYPT_SHA1), 20);
	assert_int_equal(crypt_hash_size(CRYPT_SHA256), 32);
	assert_int_equal(crypt_digest(CRYPT_SHA1, TEXT("abc"), out, &e), 0);
	assert_octets(out, 20, "a9993e364706816aba3e25717850c26c9cd0d89d");
	assert_int_equal(crypt_digest(CRYPT_SHA256, TEXT(""), out, &e), 0);
	assert_octets(out, 32,
	    "e3b0c44298fc1c149afbf4c8996fb924"
	    "27ae41e4649b934ca495991b7852b855");
	/* RFC 2202 section 2; and a key of no octet. */
	assert_int_equal(crypt_hmac(CRYPT_MD5, TEXT("Jefe"),
			     TEXT("what do ya want for nothing?"), out, &e),
	    0);
	assert_octets(out, 16, "750c783e6ab0b503eaa86e310a5db738");
	assert_int_equal(
	    crypt_hmac(CRYPT_MD5, TEXT(""),
		TEXT("<1896.697170952@postoffice.reston.mci.net>"), out, &e),
	    0);
	assert_octets(out, 16, "a00b54b824afa19ec2de0f73cb2a04c2");
	assert_int_equal(crypt_hmac(CRYPT_SHA1, TEXT("Jefe"),
			     TEXT("what do ya want for nothing?"), out, &e),
	    0);
	assert_octets(out, 20, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
	assert_int_equal(crypt_hmac(CRYPT_SHA256, TEXT("Jefe"),
			     TEXT("what do ya want for nothing?"), out, &e),
	    0);
	assert_octets(out, 32,
	    "5bdcc146bf60754e6a042426089575c7"
	    "5a003f089d2739839dec58b964ec3843");
	assert_int_equal(crypt_pbkdf2(CRYPT_SHA1, TEXT("password"),
			     TEXT("salt"), 4096, out, &e),
	    0);
	assert_octets(out, 20, "4b007901b765489abead49d926f721d065a429c1");
	assert_int_equal(crypt_pbkdf2(CRYPT_SHA256, TEXT("passwd"),
			     TEXT("salt"), 1, out, &e),
	    0);
	assert_octets(out, 32,
	    "55ac046e56e3089fec1691c22544b605"
	    "f94185216dde0465e68b9d57c20dacbc");
	assert_int_equal(e.kind, ERROR_NONE);
}

/* FIPS 180-4: "abc", nothing at all, and a million times "a". */
static void
a_hash_of_pieces_is_that_of_the_whole(void **state)
{
	unsigned char out[CRYPT_HASH_MAX];
	struct crypt_sum *sum;
	char many[1000];
	struct error e;
	int i;

	(void)state;
	error_clear(&e);
	memset(many, 'a', sizeof(many));
	sum = crypt_sum_new(CRYPT_SHA256, &e);
	crypt_sum_add(sum, "a", 1);
	crypt_sum_add(sum, NULL, 0);
	crypt_sum_add(sum, "bc", 2);
	assert_int_equal(crypt_sum_end(sum, out, &e), 0);
	assert_octets(out, 32,
	    "ba7816bf8f01cfea414140de5dae2223"
	    "b00361a396177a9cb410ff61f20015ad");
	sum = crypt_sum_new(CRYPT_SHA256, &e);
	assert_int_equal(crypt_sum_end(sum, out, &e), 0);
	assert_octets(out, 32,
	    "e3b0c44298fc1c149afbf4c8996fb924"
	    "27ae41e4649b934ca495991b7852b855");
	sum = crypt_sum_new(CRYPT_SHA256, &e);
	for (i = 0; i < 1000; i++)
		crypt_sum_add(sum, many, sizeof(many));
	assert_int_equal(crypt_sum_end(sum, out, &e), 0);
	assert_octets(out, 32,
	    "cdc76e5c9914fb9281a1c7e284d73e67"
	    "f1809a48a497200e046d39ccc7112cd0");
	crypt_sum_free(crypt_sum_new(CRYPT_SHA256, &e));
	crypt_sum_free(NULL);
	assert_int_equal(e.kind, ERROR_NONE);
}

static void
pbkdf2_without_iterations_is_refused(void **state)
{
	unsigned char out[CRYPT_HASH_MAX];
	struct error e;

	(void)state;
	error_clear(&e);
	assert_int_equal(
	    crypt_pbkdf2(CRYPT_SHA1, TEXT("canary"), TEXT("salt"), 0, out, &e),
	    -1);
	assert_int_equal(e.kind, ERROR_SYSTEM);
	assert_null(strstr(e.text, "canary"));
}

static void
compares_all_octets(void **state)
{
	(void)state;
	assert_true(crypt_equal("abc", "abc", 3));
	assert_false(crypt_equal("abc", "abd", 3));
	assert_false(crypt_equal("xbc", "abc", 3));
	assert_true(crypt_equal("abc", "abd", 2));
}

static void
random_octets_differ(void **state)
{
	unsigned char a[16] = {0}, b[16] = {0};
	struct error e;

	(void)state;
	error_clear(&e);
	assert_int_equal(crypt_random(a, sizeof(a), &e), 0);
	assert_int_equal(crypt_random(b, sizeof(b), &e), 0);
	assert_memory_not_equal(a, b, sizeof(a));
}

static const struct {
	struct text raw;
	const char *prepared; /* NULL: refused */
} passwords[] = {
    {TEXT("pencil"), "pencil"},
    {TEXT(" #\"quoted\"  "), " #\"quoted\"  "},
    {TEXT("tab\there"), "tab\there"},
    {TEXT("p\303\251ncil"), "p\303\251ncil"},
    {TEXT("pe\314\201ncil"), "p\303\251ncil"},
    {TEXT("a\302\240b"), "a b"},
    {TEXT("\303\251\001"), NULL},
    {TEXT("\351"), NULL},
    {TEXT("canary\377"), NULL},
};

static void
passwords_are_prepared(void **state)
{
	struct error e;
	struct buf b;
	size_t i;

	(void)state;
	buf_init(&b, 100);
	for (i = 0; i < COUNT(passwords); i++) {
		error_clear(&e);
		buf_reset(&b);
		if (crypt_password(passwords[i].raw, &b, &e) == 0) {
			assert_non_null(passwords[i].prepared);
			assert_string_equal(
			    buf_string(&b), passwords[i].prepared);
			continue;
		}
		assert_null(passwords[i].prepared);
		assert_int_equal(e.kind, ERROR_CONFIG);
		assert_null(strstr(e.text, "canary"));
	}
	buf_wipe(&b);
}

static void
a_password_that_does_not_fit_is_an_error(void **state)
{
	struct error e;
	struct buf b;

	(void)state;
	buf_init(&b, 3);
	error_clear(&e);
	assert_int_equal(crypt_password(TEXT("pencil"), &b, &e), -1);
	assert_int_equal(e.kind, ERROR_CONFIG);
	buf_reset(&b);
	error_clear(&e);
	assert_int_equal(crypt_password(TEXT("p\303\251ncil"), &b, &e), -1);
	assert_int_equal(e.kind, ERROR_CONFIG);
	buf_wipe(&b);
}

static const struct {
	struct text raw;
	const char *mapped; /* NULL: refused */
} domains[] = {
    {TEXT("example.org"), "example.org"},
    {TEXT("EXAMPLE.org"), "EXAMPLE.org"},
    {TEXT("[127.0.0.1]"), "[127.0.0.1]"},
    {TEXT("[IPv6:::1]"), "[IPv6:::1]"},
    {TEXT("b\303\274cher.example"), "xn--bcher-kva.example"},
    {TEXT("B\303\274cher.EXAMPLE"), "xn--bcher-kva.example"},
    {TEXT("stra\303\237e.example"), "xn--strae-oqa.example"},
    {TEXT("xn--bcher-kva.example"), "xn--bcher-kva.example"},
    {TEXT("\377.example"), NULL},
    {TEXT("-\303\274.example"), NULL},
    {TEXT("\303\274\0.example"), NULL},
    {TEXT("\303\274\r\nDATA.example"), NULL},
    {TEXT("\303\274 x.example"), NULL},
    {TEXT("[\303\274]"), NULL},
    {TEXT("\303\274@x.example"), NULL},
    {TEXT("\303\274_x.example"), NULL},
    {TEXT("a\357\274\240\303\274.example"), NULL}, /* U+FF20 */
    {TEXT("m\303\274nchen\343\200\202example"), "xn--mnchen-3ya.example"},
    {TEXT("b\303\274cher.example\343\200\202"), "xn--bcher-kva.example"},
    {TEXT("b\303\274cher.example."), "xn--bcher-kva.example"},
};

static void
domains_become_a_labels(void **state)
{
	struct error e;
	struct buf b;
	size_t i;

	(void)state;
	buf_init(&b, 300);
	for (i = 0; i < COUNT(domains); i++) {
		error_clear(&e);
		buf_reset(&b);
		if (crypt_domain(domains[i].raw, &b, &e) == 0) {
			assert_non_null(domains[i].mapped);
			assert_string_equal(buf_string(&b), domains[i].mapped);
			continue;
		}
		assert_null(domains[i].mapped);
		assert_int_equal(e.kind, ERROR_MESSAGE);
		assert_int_equal(b.len, 0);
	}
	buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(base64_goes_both_ways),
	    cmocka_unit_test(base64_is_one_line_of_any_length),
	    cmocka_unit_test(what_is_no_base64_adds_nothing),
	    cmocka_unit_test(pem_stands_in_lines),
	    cmocka_unit_test(full_buffers_are_told),
	    cmocka_unit_test(hashes_are_the_standards),
	    cmocka_unit_test(a_hash_of_pieces_is_that_of_the_whole),
	    cmocka_unit_test(pbkdf2_without_iterations_is_refused),
	    cmocka_unit_test(compares_all_octets),
	    cmocka_unit_test(random_octets_differ),
	    cmocka_unit_test(passwords_are_prepared),
	    cmocka_unit_test(a_password_that_does_not_fit_is_an_error),
	    cmocka_unit_test(domains_become_a_labels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
