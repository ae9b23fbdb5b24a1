#ifndef MESSAGE_H
#define MESSAGE_H

/*
 * message: the mail. Bytes come in as the caller wrote them, in pieces of any
 * size, and are held in one canonical form: every line ends in CRLF. The
 * header section stays in memory; the body too up to MESSAGE_MEMORY bytes and
 * beyond that in a store that the caller lends (an unlinked file), so that
 * memory is constant.
 *
 * Reading rules: lines end in LF or CRLF, also mixed; a bare CR is sent as a
 * space; a UTF-8 byte order mark before the first field is skipped; a "From "
 * or ">From " line of mbox is dropped: a leading one, one behind nothing but
 * fields that a delivery adds (Return-Path, Delivered-To, ...), and any in the
 * header section that has a date; another line that is neither field nor
 * continuation starts the body (the separator is supplied); a last line without
 * its end gets one; a text without any field is all body; empty input is an
 * empty message.
 */

#include "base/error.h"
#include "message/header.h"

#define MESSAGE_MEMORY	   (1024 * 1024)
#define MESSAGE_HEADER_MAX (64 * 1024 * 1024)
#define MESSAGE_FIELDS_MAX 100000

/*
 * Where the body goes beyond MESSAGE_MEMORY. write appends; read returns how
 * many bytes it could read from the offset (0 at the end). Both -1 with the
 * error set. Where write fails for the first bytes (no file can be had) the
 * message stays in memory; the store must then have kept nothing.
 *
 * Where what message_input() gets can be read a second time, `again' reads it,
 * from an octet of it on, and nothing is written; else it is NULL. The lender
 * keeps it there until the message is freed. Should it change meanwhile,
 * reading the message ends with an error.
 */
struct message_store {
	int (*write)(void *arg, const char *bytes, size_t len, struct error *e);
	long (*read)(void *arg, unsigned long long offset, char *bytes,
	    size_t size, struct error *e);
	void *arg;
	long (*again)(void *arg, unsigned long long offset, char *bytes,
	    size_t size, struct error *e);
};

struct message_field {
	struct header_field field; /* slices of the header section, or of
				    * `owned` once it was replaced */
	char *owned;
	bool dropped; /* left out of what is sent */
};

/* What is true of the canonical bytes, fields added or dropped not counted. */
struct message_facts {
	unsigned long long body_size; /* octets, CRLFs included */
	bool body_long; /* a line has more than 998 octets without CRLF */
	size_t header_longest;
	bool body_8bit;
	bool body_utf8; /* 8-bit, and all of it valid UTF-8 */
	bool header_8bit;
	bool body_nul;
	bool body_cr; /* bare ones */
	bool header_nul;
};

struct message;

/* store may be NULL (memory only); it must outlive the message. */
struct message *message_new(const struct message_store *store);
void message_free(struct message *m);

/* Takes the next bytes. 0, or -1: ERROR_MESSAGE (header section too large),
 * or the store's error. */
int message_input(
    struct message *m, const char *bytes, size_t len, struct error *e);

/* The input is complete: fields and facts are there from now on. -1:
 * ERROR_MESSAGE (more than MESSAGE_FIELDS_MAX fields), or the store's error. */
int message_end(struct message *m, struct error *e);

const struct message_facts *message_facts(const struct message *m);

/*
 * The fields in their order; dropped ones are among them. Pointers are valid
 * until the next append.
 */
size_t message_field_count(const struct message *m);
struct message_field *message_field(struct message *m, size_t index);

/* The first field of that name that is not dropped, or NULL. */
struct message_field *message_find(struct message *m, const char *name);

/* The same, from index *at on, which is moved behind what was found: for
 * walking all fields of one name, or with NULL all fields that are not dropped.
 * Start with *at = 0. */
struct message_field *message_find_next(
    struct message *m, const char *name, size_t *at);

/* Gives the field another value (folded text without the final CRLF; the
 * caller vouches that every CRLF in it is followed by white space and that it
 * holds no other control byte but tab). -1 ERROR_BUG where it does not. */
int message_replace(
    struct message_field *f, struct text value, struct error *e);

/* Adds a field behind all others; the same rule for value. */
int message_append(
    struct message *m, const char *name, struct text value, struct error *e);

/* Octets of all that is sent: fields, separator, body; before transparency.
 * What SIZE= says (RFC 1870). */
unsigned long long message_size(const struct message *m);

/*
 * Reads canonical bytes of the whole message as it is sent (fields that are
 * not dropped, CRLF, body) in order. Start with a zeroed cursor. Returns how
 * many bytes were put into out, 0 at the end, -1 with the store's error. The
 * fields must not change during a walk.
 */
struct message_cursor {
	size_t field;	 /* the field we are in */
	size_t field_at; /* how much of it was read */
	bool separator;	 /* the empty line was read */
	unsigned long long body_at;
	bool bare_cr; /* those of the body are wanted as they came */
};
long message_read(struct message *m, struct message_cursor *cursor, char *out,
    size_t size, struct error *e);

#endif
