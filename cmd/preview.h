#ifndef PREVIEW_H
#define PREVIEW_H

/*
 * preview: what -bv and --dry-run show of a mail that dispatch_prepare() made
 * ready: account and envelope, and the message as a server with 8BITMIME gets
 * it, which most have.
 */

#include "run/dispatch.h"

/* For people; message: NULL, or what is to be shown too. -1: recode_read()'s
 * errors; whether all could be written is for the caller to see. */
int preview_print(
    const struct dispatch *d, struct message *message, struct error *e);

/* As an answer; where e is set without what is not known. */
int preview_answer(
    const struct dispatch *d, struct message *message, struct error *e);

#endif
