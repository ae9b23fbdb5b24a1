#ifndef ANSWER_H
#define ANSWER_H

/*
 * answer: the one JSON object that a mode prints with --json, with how it ends
 * in `status' and `error'. sendling-json(7) has the schema of each.
 */

#include "base/buf.h"
#include "base/error.h"
#include "base/json.h"

struct answer {
	struct buf out; /* what is not printed yet */
	struct json json;
	struct buf octets; /* of those that become base64 */
};

/* Begins the object, which is open. answer_end() is due then. Where memory
 * ends before that the object ends with it, as cmd/memory has it. */
void answer_begin(struct answer *a);

/*
 * Prints what there is so far. rest: what closes all of it but the object
 * itself, and the comma before its next member, as "],": static. -1
 * ERROR_SYSTEM, unless e is set already: standard output takes no more.
 */
int answer_print(struct answer *a, const char *rest, struct error *e);

/*
 * A member with any octets, as base64, for which answer_add_octets() is called
 * until there are no more; they are printed as they come. rest: as above, for
 * when the string is open. -1 as above.
 */
void answer_begin_octets(struct answer *a, const char *key);
int answer_add_octets(
    struct answer *a, struct text octets, const char *rest, struct error *e);
void answer_end_octets(struct answer *a);

/* Adds how the run ends by e, closes the object and prints it. -1 as above,
 * with e set. */
int answer_end(struct answer *a, struct error *e);

/* The whole answer of a mode that says no more. */
int answer_status(struct error *e);

/* Of --version and --help. */
int answer_version(const char *version, struct error *e);
int answer_options(struct error *e);

#endif
