#ifndef JOURNAL_H
#define JOURNAL_H

/*
 * journal: what became of a ticket since it was written, as records that are
 * only ever added. Each is a line that ends in a checksum, which builds on the
 * one before and the first on the ticket's id: what another file left in a
 * block, or was behind a cut, is no record here. Whatever is torn or damaged,
 * and all behind it, counts as not written, and each beginning is a state that
 * the mail was in.
 *
 * A formatter appends one record to out, which holds nothing but records that
 * are to be written next, at the journal's place + ticket->journal_used; when
 * they are there journal_advance() is told. It looks at what the ticket says of
 * the attempts before. -1: there is no room, out is as
 * before, and who writes goes on without; the room for a refusal of everybody
 * by himself, and for reports, is never given to anything else.
 */

#include "submit/ticket.h"

/* An attempt's end of the mail data is about to leave: from now on it is
 * doubtful who of the open has the mail. */
int journal_format_attempt(
    const struct ticket *t, long long now, struct buf *out);

/*
 * These recipients, counted from 0 and rising, are settled: DELIVERED, or
 * REFUSED with the reply, of whose words as much is kept as there is room for
 * (NULL: none).
 */
int journal_format_result(const struct ticket *t, const size_t *recipients,
    size_t count, enum verdict verdict, const struct recipient_reply *reply,
    struct buf *out);

/* The attempt is over, and failed for now for whoever is open; doubtful: they
 * may have the mail all the same. code is of the reply, or 0. */
int journal_format_later(const struct ticket *t, bool doubtful, int code,
    const char *words, struct buf *out);

/* The report of that number, 1 to 99, covers all refusals so far. */
int journal_format_told(
    const struct ticket *t, unsigned report, struct buf *out);

/* Who was refused is open again, until the mail expires at that moment. */
int journal_format_again(
    const struct ticket *t, long long expires, struct buf *out);

/* These records are in the journal now. The ticket follows, but for what became
 * of recipients: who writes knows that already. */
void journal_advance(struct ticket *t, struct text records);

/* Lays the journal over the ticket as its head gave it; what is valid of it
 * ends at t->journal_used, where the next record goes. */
void journal_replay(struct ticket *t, struct text journal);

#endif
