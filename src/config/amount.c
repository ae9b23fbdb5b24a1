#include "config/amount.h"

#include <limits.h>
#include <string.h>

static const struct unit {
	char name;
	unsigned seconds;
} units[] = {{'d', 24 * 3600}, {'h', 3600}, {'m', 60}, {'s', 1}};

bool
amount_parse_seconds(struct text t, unsigned max, unsigned *seconds)
{
	struct text digits = t;
	unsigned long long number;
	unsigned factor = 1;
	size_t i;

	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (text_lower(t.at[t.len - 1]) == units[i].name) {
			factor = units[i].seconds;
			digits = text_first(t, t.len - 1);
		}
	}
	if (!text_number(digits, max / factor, &number) || number == 0)
		return false;
	*seconds = (unsigned)number * factor;
	return true;
}

void
amount_format_seconds(unsigned seconds, struct buf *out)
{
	const struct unit *unit = units;

	while (seconds % unit->seconds != 0)
		unit++;
	buf_format(out, "%u%c", seconds / unit->seconds, unit->name);
}

int
amount_parse_retry(
    struct text t, unsigned max, struct spool_retry *retry, struct error *e)
{
	struct spool_retry found = {0, ACCOUNT_SPOOL_RETRY.longest};
	struct text rest = t, first, longest;

	text_next(&rest, " \t", &first);
	if (!amount_parse_seconds(first, max, &found.first))
		return -1;
	if (!text_next(&rest, " \t", &longest)) {
		if (found.longest < found.first)
			found.longest = found.first;
	} else if (!amount_parse_seconds(longest, max, &found.longest) ||
		   rest.len > 0) {
		return -1;
	} else if (found.longest < found.first) {
		error_set(e, ERROR_CONFIG, NULL,
		    "the longest wait, %s, is shorter than the first",
		    SHOWN(longest));
		return error_hint(e, "write the shorter one first, like 5m 4h");
	}
	*retry = found;
	return 0;
}

void
amount_format_retry(const struct spool_retry *retry, struct buf *out)
{
	amount_format_seconds(retry->first, out);
	buf_add_char(out, ' ');
	amount_format_seconds(retry->longest, out);
}

#define SIZE_UNITS "KMGT"

/* Not 0; *shift is that of its unit, 0 where it has none. */
static bool
scan_number(struct text t, unsigned long long *number, unsigned *shift)
{
	const char last = t.at[t.len - 1];
	const char *unit = strchr(SIZE_UNITS,
	    text_is_alpha(last) ? text_lower(last) - 'a' + 'A' : '?');

	*shift = unit == NULL ? 0 : 10 * (unsigned)(unit - SIZE_UNITS + 1);
	if (!text_number(text_first(t, t.len - (unit != NULL)),
		ULLONG_MAX >> *shift, number))
		return false;
	*number <<= *shift;
	return *number != 0;
}

bool
amount_parse_size(
    struct text t, unsigned long long least, unsigned long long *octets)
{
	unsigned long long found;
	unsigned shift;

	if (!scan_number(t, &found, &shift) || found < least)
		return false;
	*octets = found;
	return true;
}

void
amount_format_size(unsigned long long octets, struct buf *out)
{
	const char *unit = SIZE_UNITS;

	if (octets % 1024 != 0) {
		buf_format(out, "%llu", octets);
		return;
	}
	octets >>= 10;
	for (; octets % 1024 == 0 && unit[1] != '\0'; unit++)
		octets >>= 10;
	buf_format(out, "%llu%c", octets, *unit);
}

/* With a unit they are octets, and without one messages. */
static bool
scan_limit(struct text t, struct spool_limit *limit)
{
	unsigned long long found, *number;
	unsigned shift;

	if (!scan_number(t, &found, &shift))
		return false;
	number = shift == 0 ? &limit->messages : &limit->octets;
	if (*number != 0)
		return false;
	*number = found;
	return true;
}

bool
amount_parse_limit(struct text t, struct spool_limit *limit)
{
	struct spool_limit found = {0, 0};
	struct text rest = t, part;

	while (text_next(&rest, " \t", &part))
		if (!scan_limit(part, &found))
			return false;
	if (found.messages == 0)
		found.messages = ACCOUNT_SPOOL_LIMIT.messages;
	if (found.octets == 0)
		found.octets = ACCOUNT_SPOOL_LIMIT.octets;
	*limit = found;
	return true;
}

void
amount_format_limit(const struct spool_limit *limit, struct buf *out)
{
	buf_format(out, "%llu ", limit->messages);
	amount_format_size(limit->octets, out);
}
