#include "../unit.h"

#include "config/amount.h"

#define DAY  86400
#define YEAR (366 * DAY)

#define KIB (1ULL << 10)
#define MIB (1ULL << 20)
#define GIB (1ULL << 30)
#define TIB (1ULL << 40)

/* What was written again, valid until the next call. */
static struct buf out;

static struct buf *
empty(void)
{
	buf_clear(&out);
	buf_init(&out, 100);
	return &out;
}

static const struct {
	const char *written;
	unsigned max;
	unsigned seconds;  /* 0: it is none */
	const char *again; /* as short as it can be */
} times[] = {
    {"90s", YEAR, 90, "90s"},
    {"90", YEAR, 90, "90s"},
    {"5m", YEAR, 300, "5m"},
    {"300", YEAR, 300, "5m"},
    {"4h", YEAR, 14400, "4h"},
    {"240m", YEAR, 14400, "4h"},
    {"2d", YEAR, 2 * DAY, "2d"},
    {"48h", YEAR, 2 * DAY, "2d"},
    {"25h", YEAR, 90000, "25h"},
    {"86461s", YEAR, 86461, "86461s"},
    {"5M", YEAR, 300, "5m"},
    {"2D", YEAR, 2 * DAY, "2d"},
    {"007", YEAR, 7, "7s"},
    {"1s", 1, 1, "1s"},
    {"2s", 1, 0, NULL},
    {"1m", 59, 0, NULL},
    {"1m", 60, 60, "1m"},
    {"366d", YEAR, YEAR, "366d"},
    {"367d", YEAR, 0, NULL},
    {"31622400", YEAR, YEAR, "366d"},
    {"31622401", YEAR, 0, NULL},
    /* Not what is left of it in 32 bits. */
    {"49711d", UINT32_MAX, 0, NULL},
    {"4294967296", UINT32_MAX, 0, NULL},
    {"18446744073709551617", UINT32_MAX, 0, NULL},
    {"0", YEAR, 0, NULL},
    {"0d", YEAR, 0, NULL},
    {"s", YEAR, 0, NULL},
    {"d", YEAR, 0, NULL},
    {"5w", YEAR, 0, NULL},
    {"5dd", YEAR, 0, NULL},
    {"5ms", YEAR, 0, NULL},
    {"1h30m", YEAR, 0, NULL},
    {"5 m", YEAR, 0, NULL},
    {" 5m", YEAR, 0, NULL},
    {"+5m", YEAR, 0, NULL},
    {"-5m", YEAR, 0, NULL},
    {"1.5h", YEAR, 0, NULL},
    {"0x5", YEAR, 0, NULL},
};

static void
times_have_one_unit(void **state)
{
	unsigned seconds;
	bool is;

	(void)state;
	for (size_t i = 0; i < COUNT(times); i++) {
		seconds = 12345;
		is = amount_parse_seconds(
		    text_of(times[i].written), times[i].max, &seconds);
		if (is != (times[i].seconds != 0) ||
		    seconds != (is ? times[i].seconds : 12345))
			fail_msg("%s: %u", times[i].written, seconds);
		if (!is)
			continue;
		amount_format_seconds(seconds, empty());
		assert_string_equal(buf_string(&out), times[i].again);
	}
}

static const struct {
	const char *written;
	struct spool_retry retry; /* all 0: it is none */
	const char *again;
	bool words; /* there are some for what is wrong */
} retries[] = {
    {"5m 4h", {300, 14400}, "5m 4h", false},
    {"5m\t 4h", {300, 14400}, "5m 4h", false},
    {"5m 5m", {300, 300}, "5m 5m", false},
    {"90 7d", {90, 7 * DAY}, "90s 7d", false},
    /* Alone, with the usual longest, or as long as that. */
    {"5m", {300, 14400}, "5m 4h", false},
    {"4h", {14400, 14400}, "4h 4h", false},
    {"5h", {18000, 18000}, "5h 5h", false},
    {"7d", {7 * DAY, 7 * DAY}, "7d 7d", false},
    {"4h 5m", {0, 0}, NULL, true},
    {"301s 5m", {0, 0}, NULL, true},
    {"8d", {0, 0}, NULL, false},
    {"5m 8d", {0, 0}, NULL, false},
    {"5m 4h 1d", {0, 0}, NULL, false},
    {"4h 5m 1d", {0, 0}, NULL, false},
    {"5m 4h x", {0, 0}, NULL, false},
    {"0 4h", {0, 0}, NULL, false},
    {"5m 0", {0, 0}, NULL, false},
    {"often", {0, 0}, NULL, false},
    {"5m,4h", {0, 0}, NULL, false},
};

static void
a_retry_is_one_or_two_times(void **state)
{
	struct spool_retry retry;
	struct error e;
	int result;

	(void)state;
	for (size_t i = 0; i < COUNT(retries); i++) {
		retry = (struct spool_retry){1, 2};
		error_clear(&e);
		result = amount_parse_retry(
		    text_of(retries[i].written), 7 * DAY, &retry, &e);
		if (result != (retries[i].again == NULL ? -1 : 0) ||
		    (e.kind == ERROR_CONFIG) != retries[i].words)
			fail_msg("%s: %s", retries[i].written, e.text);
		if (result == -1) {
			assert_int_equal(retry.first, 1);
			assert_int_equal(retry.longest, 2);
			continue;
		}
		assert_int_equal(retry.first, retries[i].retry.first);
		assert_int_equal(retry.longest, retries[i].retry.longest);
		amount_format_retry(&retry, empty());
		assert_string_equal(buf_string(&out), retries[i].again);
	}
}

static const struct {
	const char *written;
	struct spool_limit limit; /* all 0: it is none */
	const char *again;
} limits[] = {
    {"10000 1G", {10000, GIB}, "10000 1G"},
    {"1G 10000", {10000, GIB}, "10000 1G"},
    {"1 \t1K", {1, KIB}, "1 1K"},
    /* The other one is as usual. */
    {"7", {7, GIB}, "7 1G"},
    {"7K", {10000, 7 * KIB}, "10000 7K"},
    {"7k", {10000, 7 * KIB}, "10000 7K"},
    {"7M", {10000, 7 * MIB}, "10000 7M"},
    {"7m", {10000, 7 * MIB}, "10000 7M"},
    {"7g", {10000, 7 * GIB}, "10000 7G"},
    {"7t", {10000, 7 * TIB}, "10000 7T"},
    {"1024K", {10000, MIB}, "10000 1M"},
    {"1025K", {10000, 1025 * KIB}, "10000 1025K"},
    {"1048576M", {10000, TIB}, "10000 1T"},
    {"2048T", {10000, 2048 * TIB}, "10000 2048T"},
    /* Not what is left of it in 64 bits. */
    {"16777215T", {10000, 16777215 * TIB}, "10000 16777215T"},
    {"16777216T", {0, 0}, NULL},
    {"16777217T", {0, 0}, NULL},
    {"18014398509481984K", {0, 0}, NULL},
    {"18446744073709551615", {UINT64_MAX, GIB}, "18446744073709551615 1G"},
    {"18446744073709551616", {0, 0}, NULL},
    {"0", {0, 0}, NULL},
    {"0G", {0, 0}, NULL},
    {"10 0K", {0, 0}, NULL},
    {"10 20", {0, 0}, NULL},
    {"1G 1M", {0, 0}, NULL},
    {"10 1G 1", {0, 0}, NULL},
    {"10 1G x", {0, 0}, NULL},
    {"G", {0, 0}, NULL},
    {"1 G", {0, 0}, NULL},
    {"1P", {0, 0}, NULL},
    {"1GB", {0, 0}, NULL},
    {"1?", {0, 0}, NULL},
    {"1.5G", {0, 0}, NULL},
    {"-1", {0, 0}, NULL},
    {"10,1G", {0, 0}, NULL},
};

static void
a_limit_is_of_mails_and_of_octets(void **state)
{
	struct spool_limit limit;
	bool is;

	(void)state;
	for (size_t i = 0; i < COUNT(limits); i++) {
		limit = (struct spool_limit){1, 2};
		is = amount_parse_limit(text_of(limits[i].written), &limit);
		if (is != (limits[i].again != NULL))
			fail_msg("%s", limits[i].written);
		if (!is) {
			assert_true(limit.messages == 1 && limit.octets == 2);
			continue;
		}
		if (limit.messages != limits[i].limit.messages ||
		    limit.octets != limits[i].limit.octets)
			fail_msg("%s: %llu %llu", limits[i].written,
			    limit.messages, limit.octets);
		amount_format_limit(&limit, empty());
		assert_string_equal(buf_string(&out), limits[i].again);
	}
}

static const struct {
	const char *written;
	unsigned long long octets; /* 0: it is none */
	const char *again;
} sizes[] = {
    {"65536", 64 * KIB, "64K"},
    {"64K", 64 * KIB, "64K"},
    {"65537", 65537, "65537"},
    {"150M", 150 * MIB, "150M"},
    {"1g", GIB, "1G"},
    {"2048T", 2048 * TIB, "2048T"},
    {"65535", 0, NULL},
    {"63K", 0, NULL},
    {"0", 0, NULL},
    {"16777216T", 0, NULL},
    {"1 G", 0, NULL},
    {"1GB", 0, NULL},
    {"K", 0, NULL},
};

/* What is refused changes nothing. */
static void
a_size_has_a_least(void **state)
{
	unsigned long long octets;
	bool is;

	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		octets = 7;
		is = amount_parse_size(
		    text_of(sizes[i].written), 64 * KIB, &octets);
		if (is != (sizes[i].again != NULL) ||
		    octets != (is ? sizes[i].octets : 7))
			fail_msg("%s: %llu", sizes[i].written, octets);
		if (!is)
			continue;
		amount_format_size(octets, empty());
		assert_string_equal(buf_string(&out), sizes[i].again);
	}
}

static int
clear(void **state)
{
	(void)state;
	buf_clear(&out);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(times_have_one_unit),
	    cmocka_unit_test(a_retry_is_one_or_two_times),
	    cmocka_unit_test(a_limit_is_of_mails_and_of_octets),
	    cmocka_unit_test(a_size_has_a_least),
	};

	return cmocka_run_group_tests(tests, NULL, clear);
}
