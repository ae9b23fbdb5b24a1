#ifndef RECORD_H
#define RECORD_H

/*
 * record: the end of one mail in this run, in the words of the log's line, of
 * JSON, and of the journal's fields. What a stranger said is visible in all.
 */

#include "base/error.h"
#include "base/json.h"
#include "submit/envelope.h"

/* All of it is borrowed; strings may be NULL. */
struct record {
	const char *account;
	const struct envelope *envelope;
	const char *smarthost; /* "mail.example.org:465" */
	const char *tls;       /* "TLS1.3 X25519 AES-256-GCM" */
	const char *auth;
	unsigned long long size;
	const char *message_id;
	int code;
	const char *words; /* the server's reply; visible */
	long long delay_ms;
	int status;		   /* exit status */
	const char *queued;	   /* its id in the spool, or "" */
	const char *uid;	   /* of the caller at a socket, or "" */
	const struct error *error; /* why it is there, too */
};

/*
 * Appends from= to= smarthost= tls= auth= size= msgid= code= reply="" delay=
 * status=, then tag=, uid=, serverid=, queued= and error="" where there is one:
 * one line, visible, at most 1000 octets of recipients then "+N more". What is
 * not known is "-"; values with a space are quoted. tag may be "".
 */
void record_format(const struct record *r, const char *tag, struct buf *line);

/*
 * Adds the members that sendling-json(7) has for a mail to an object that is
 * open. Of its recipients no more are added once the output has so many
 * octets; then the others are counted.
 */
void record_add_json(const struct record *r, size_t most, struct json *j);

/* Appends fields of the journal, SENDLING_ and the names of these members in
 * capitals; of the recipients at most 100. What is not known is left out. */
void record_add_fields(
    const struct record *r, const char *tag, struct buf *fields);

#endif
