#ifndef SCRAM_H
#define SCRAM_H

/*
 * scram: the client of SCRAM, RFC 5802 and 7677: its messages, and the keys
 * and proofs in them. Messages are raw here; their base64 is the caller's.
 * Three calls in this order, each once: scram_start(), scram_answer(),
 * scram_verify(). All that is derived from the password is wiped by
 * scram_free() at the latest.
 */

#include "base/buf.h"
#include "base/crypt.h"
#include "base/error.h"
#include "base/text.h"

#define SCRAM_ITERATIONS_MIN 4096
#define SCRAM_ITERATIONS_MAX 1000000

/* Borrowed until scram_free(), all that it points to. */
struct scram_plan {
	const char *name;  /* of the mechanism */
	const char *doing; /* for errors, which keep it */
	enum crypt_hash hash;
	const char *user;
	struct text password;
	const char *nonce;	/* printable, no comma; random */
	const char *gs2_header; /* RFC 5802 section 7: "n,,", "p=...,," */
	struct text binding;	/* the channel binding's data, or empty */
	const char *offered;	/* mechanisms, visible; for hints */
};

struct scram;

struct scram *scram_new(const struct scram_plan *plan);
void scram_free(struct scram *s);

/*
 * Appends the client-first-message. -1: ERROR_CONFIG (user or password cannot
 * be normalised, or are too long), ERROR_BUG (no nonce). All that may fail
 * here does so before the server hears of us: a failed attempt may count
 * against the user there.
 */
int scram_start(struct scram *s, struct buf *out, struct error *e);

/* The server-first-message in, the client-final-message appended to out. -1:
 * ERROR_PROTOCOL (not the grammar of RFC 5802 section 7, a nonce that does not
 * extend ours, an iteration count out of bounds, an unknown mandatory
 * extension), ERROR_DENIED (the server says e=), ERROR_SYSTEM (crypt). */
int scram_answer(
    struct scram *s, struct text message, struct buf *out, struct error *e);

/* The server-final-message: whether it proves that the server knows the
 * password. -1: ERROR_DENIED where it does not, ERROR_PROTOCOL. */
int scram_verify(struct scram *s, struct text message, struct error *e);

#endif
