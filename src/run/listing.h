#ifndef LISTING_H
#define LISTING_H

/*
 * listing: mails of spools in words, for people and for programs. Whatever a
 * stranger said is made visible. Times are seconds since the epoch.
 *
 * The table has the shape of Postfix's, which monitoring and scripts parse: a
 * line that begins with the id, "(" the state and the last error ")", a line
 * for each recipient, and an empty one; at its end "-- N Kbytes in N Requests."
 * or "Mail queue is empty".
 */

#include "base/json.h"
#include "run/queue.h"

struct listing_terms {
	struct date now;
	/* More is too old, in seconds; 0: than twice the longest of the
	 * account's `spool-retry', or half of the mail's own lifetime if that
	 * is less. */
	unsigned long long age;
};

struct listing_sum {
	size_t waiting;
	size_t held;
	size_t failed;
	size_t damaged;
	size_t late;	 /* of those who wait: for too long */
	size_t stranded; /* and without an account that would send them */
	unsigned long long octets;
	long long oldest; /* seconds that one waits; 0: none */
};

/* Counts one. */
void listing_count(const struct queue_mail *m, const struct listing_terms *t,
    struct listing_sum *sum);

/* The table: its first line, the lines of a mail, its last one. */
void listing_format_begin(struct buf *out);
void listing_format(
    const struct queue_mail *m, const struct listing_terms *t, struct buf *out);
void listing_format_end(const struct listing_sum *sum, struct buf *out);

/* All that is known of a mail, its journal too (as it was read from the file):
 * lines of `word: value'. */
void listing_format_whole(const struct queue_mail *m,
    const struct listing_terms *t, struct text journal, struct buf *out);

/* Adds the members of a mail, and of the sum, to an object that is open.
 * sendling-json(7) says which. */
void listing_add_json(
    const struct queue_mail *m, const struct listing_terms *t, struct json *j);
void listing_add_sum(const struct listing_sum *sum, struct json *j);

/* One line in the manner of monitoring plugins: words, `|', figures. wrong is
 * what cannot be looked at, or NULL. */
void listing_format_check(const struct listing_sum *sum,
    const struct listing_terms *t, const char *wrong, struct buf *out);

#endif
