#include "base/progress.h"

#include <string.h>

#define KILO 1000ULL
#define MEGA (1000 * KILO)
#define GIGA (1000 * MEGA)

/* Longer is no forecast. */
#define FORECAST (100 * 3600ULL)

static const struct progress_sample *
sample(const struct progress *p, size_t index)
{
	return &p->samples[index % PROGRESS_SAMPLES];
}

static unsigned long long
octets_gone(const struct progress *p)
{
	return p->count == 0 ? 0 : sample(p, p->count - 1)->octets;
}

static void
add_sample(struct progress *p, long long at, unsigned long long octets)
{
	p->samples[p->count++ % PROGRESS_SAMPLES] =
	    (struct progress_sample){at, octets};
}

void
progress_add(struct progress *p, long long begun, unsigned long long size,
    long long at, unsigned long long octets)
{
	if (p->count == 0 || p->begun != begun || p->size != size) {
		*p = (struct progress){.begun = begun, .size = size};
		add_sample(p, begun, 0);
	}
	add_sample(p, at, octets > size ? size : octets);
}

/* Octets a second. */
static unsigned long long
rate_of(const struct progress *p)
{
	const struct progress_sample *first, *last;
	unsigned long long octets;

	if (p->count < 2)
		return 0;
	last = sample(p, p->count - 1);
	first = sample(p, p->count > PROGRESS_SAMPLES ? p->count : 0);
	octets =
	    last->octets < first->octets ? 0 : last->octets - first->octets;
	return last->at <= first->at
		   ? 0
		   : octets * 1000 / (unsigned long long)(last->at - first->at);
}

static void
add_percent(const struct progress *p, struct buf *out)
{
	buf_format(
	    out, "%llu%%", p->size == 0 ? 0 : octets_gone(p) * 100 / p->size);
}

/* Tenths from a million octets on. */
static void
add_number(unsigned long long octets, unsigned long long unit, struct buf *out)
{
	if (unit < MEGA)
		buf_format(out, "%llu", octets / unit);
	else
		buf_format(out, "%llu.%llu", octets / unit,
		    octets % unit / (unit / 10));
}

static unsigned long long
unit_of(unsigned long long octets)
{
	if (octets < KILO)
		return 1;
	if (octets < MEGA)
		return KILO;
	return octets < GIGA ? MEGA : GIGA;
}

static const char *
unit_word(unsigned long long unit)
{
	if (unit == 1)
		return "octets";
	if (unit == KILO)
		return "kB";
	return unit == MEGA ? "MB" : "GB";
}

static void
add_octets(const struct progress *p, struct buf *out)
{
	const unsigned long long unit = unit_of(p->size);

	add_number(octets_gone(p), unit, out);
	buf_add_string(out, " of ");
	add_number(p->size, unit, out);
	buf_format(out, " %s", unit_word(unit));
}

static void
add_rate(const struct progress *p, struct buf *out)
{
	const unsigned long long rate = rate_of(p);
	const unsigned long long unit = unit_of(rate);

	if (rate == 0) {
		buf_add_string(out, "stalled");
		return;
	}
	add_number(rate, unit, out);
	buf_format(out, " %s/s", unit == 1 ? "B" : unit_word(unit));
}

/* ", 3 min 20 s left"; nothing where nobody can tell. */
static void
add_left(const struct progress *p, struct buf *out)
{
	const unsigned long long rate = rate_of(p);
	unsigned long long left;

	if (rate == 0)
		return;
	left = (p->size - octets_gone(p) + rate - 1) / rate;
	if (left >= FORECAST)
		return;
	if (left >= 3600)
		buf_format(out, ", %llu h %llu min left", left / 3600,
		    left % 3600 / 60);
	else if (left >= 60)
		buf_format(out, ", %llu min %llu s left", left / 60, left % 60);
	else
		buf_format(out, ", %llu s left", left);
}

/*
 * What is said.
 */

static void
say_octets_and_rate(const struct progress *p, struct buf *out)
{
	add_octets(p, out);
	buf_add_string(out, ", ");
	add_rate(p, out);
	add_left(p, out);
}

static void
say_all(const struct progress *p, struct buf *out)
{
	buf_add_string(out, "sending: ");
	add_percent(p, out);
	buf_add_string(out, ", ");
	say_octets_and_rate(p, out);
}

static void
say_octets(const struct progress *p, struct buf *out)
{
	add_octets(p, out);
	add_left(p, out);
}

static void
say_percent(const struct progress *p, struct buf *out)
{
	add_percent(p, out);
	add_left(p, out);
}

static void
say_all_sent(const struct progress *p, struct buf *out)
{
	const unsigned long long unit = unit_of(p->size);

	buf_add_string(out, "sent ");
	add_number(p->size, unit, out);
	buf_format(
	    out, " %s, waiting for the server's answer", unit_word(unit));
}

static void
say_waiting(const struct progress *p, struct buf *out)
{
	(void)p;
	buf_add_string(out, "waiting for an answer");
}

/* From the longest to the shortest. */
typedef void say(const struct progress *p, struct buf *out);
static say *const on_its_way[] = {
    say_all, say_octets_and_rate, say_octets, say_percent, add_percent};
static say *const all_sent[] = {say_all_sent, say_waiting, add_percent};

void
progress_format(const struct progress *p, size_t columns, struct buf *out)
{
	const bool sent = p->size > 0 && octets_gone(p) == p->size;
	const size_t count = sent ? sizeof(all_sent) / sizeof(all_sent[0])
				  : sizeof(on_its_way) / sizeof(on_its_way[0]);
	struct buf words;
	size_t i;

	buf_init(&words, 200);
	for (i = 0; i < count; i++) {
		buf_reset(&words);
		(sent ? all_sent[i] : on_its_way[i])(p, &words);
		if (words.len <= columns) {
			buf_add_text(out, buf_text(&words));
			break;
		}
	}
	buf_clear(&words);
}
