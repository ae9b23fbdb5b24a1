#ifndef PIPELINE_H
#define PIPELINE_H

/*
 * pipeline: what is under way between the client and the server: the octets
 * that wait to be sent, and the replies that are due, in their order (RFC
 * 2920). Everything a session says goes out through here. What has been sent
 * is dropped; who has more to ask waits while a burst does; and a buffer that
 * is full all the same is told (pipeline_check), never passed over.
 */

#include "base/buf.h"
#include "base/error.h"
#include "smtp/reply.h"

/* A line of the dialogue for transcripts, secrets already blanked. */
enum session_side { SESSION_CLIENT, SESSION_SERVER, SESSION_NOTE };
struct session_trace {
	void (*line)(void *arg, enum session_side side, struct text line);
	void *arg;
};

/* As much is put together before a write as a pipelined group or the mail
 * data can give: a few TLS records. */
#define PIPELINE_BURST (64 * 1024)
#define PIPELINE_MAX   (8 * PIPELINE_BURST)

/* A path, its ORCPT in xtext and all parameters are far below this. */
#define PIPELINE_LINE_MAX 2048

/* Where a dialogue can be. Those from STEP_GREETING to STEP_RSET, but for
 * STEP_BLOCK, are waited for as replies. */
enum step {
	STEP_SECURE,
	STEP_FRESH,
	STEP_READY,
	STEP_GREETING,
	STEP_EHLO,
	STEP_HELO,
	STEP_STARTTLS,
	STEP_AUTH,
	STEP_CANCEL,
	STEP_RENEW,
	STEP_MAIL,
	STEP_RCPT,
	STEP_DATA,
	STEP_BDAT,
	STEP_BLOCK,
	STEP_END,
	STEP_EMPTY,
	STEP_RSET,
	STEP_QUIT,
	STEP_BREAK,
	STEP_OVER,
	STEP_STAY /* none of them: go on waiting */
};

struct transaction;

/* One reply that is due. */
struct expected {
	enum step step;
	struct transaction *transaction; /* whose; NULL: of the session */
	size_t recipient;		 /* of STEP_RCPT: its index */
	unsigned long long mark; /* filled in: the command is out when so many
				  * octets are */
};

/* A line of the transcript that is told when what is before it has left. */
struct pipeline_line {
	enum session_side side;
	char *words;
	unsigned long long mark;
};

struct pipeline {
	struct buf out;
	size_t sent;		 /* of out */
	unsigned long long gone; /* octets sent in all */
	size_t torn;		 /* of those behind them a part has left */
	struct expected *queue;
	size_t first, end; /* those in between are due */
	size_t rcpt_due;   /* of them to RCPT */
	unsigned begun;	   /* transactions, by MAIL */
	unsigned open;	   /* the one, counted from 1, that is open at the
			    * server or may be; 0: none */
	bool taken;	   /* one was, for somebody */
	struct session_trace trace;
	struct pipeline_line *lines; /* of what waits; none without a trace */
	size_t line_count;
};

void pipeline_init(struct pipeline *p, struct session_trace trace);
void pipeline_clear(struct pipeline *p);

/* A command without its CRLF, cut at PIPELINE_LINE_MAX; the reply is due behind
 * all others. With step STEP_STAY none is. */
void pipeline_send(struct pipeline *p, struct expected reply, const char *fmt,
    ...) __attribute__((format(printf, 3, 4)));

/* The same for a line that ends in a secret, of any length: the transcript
 * shows `shown` in its place. */
void pipeline_send_secret(struct pipeline *p, struct expected reply,
    const char *shown, struct text secret);

/* A reply that is due with nothing sent for it. */
void pipeline_expect(struct pipeline *p, struct expected reply);

/* The next reply that is due, and the last; NULL where none is. Takes the next
 * off. */
const struct expected *pipeline_head(const struct pipeline *p);
const struct expected *pipeline_last(const struct pipeline *p);
struct expected pipeline_next(struct pipeline *p);

/* One more reply like that which was taken off last is due, before all others:
 * nothing was sent or expected since. */
void pipeline_repeat(struct pipeline *p);

/* Whether a reply is the answer to something now; it is to nothing before its
 * command has gone out. */
bool pipeline_is_due(const struct pipeline *p);

/* The octets that wait; whether more may be asked before they are sent; the
 * mark behind the last of them, whether all before a mark are out, and whether
 * the one before it may be. */
size_t pipeline_waiting(const struct pipeline *p);
bool pipeline_has_room(const struct pipeline *p);
unsigned long long pipeline_mark(const struct pipeline *p);
bool pipeline_is_out(const struct pipeline *p, unsigned long long mark);
bool pipeline_may_be_out(const struct pipeline *p, unsigned long long mark);

/* RFC 9422: whether no further transaction may begin; most 0: no limit. */
bool pipeline_is_exhausted(const struct pipeline *p, unsigned most);

/* What waits, borrowed until the next call; so much of it was sent; of so much
 * of the rest a part was as well, as things stand; forget what was not. */
struct text pipeline_output(const struct pipeline *p);
void pipeline_sent(struct pipeline *p, size_t len);
void pipeline_torn(struct pipeline *p, size_t len);
void pipeline_forget(struct pipeline *p);

/* Overwrites what was sent, a secret among it, where nothing waits. */
void pipeline_wipe(struct pipeline *p);

/* -1: ERROR_BUG, something did not fit: the connection is to be broken. */
int pipeline_check(const struct pipeline *p, struct error *e);

/* The transcript: what happens now, and what is about to, behind all that waits
 * to be sent. Commands are in it when they have left, and not otherwise. */
void pipeline_trace_reply(const struct pipeline *p, const struct reply *reply);
void pipeline_trace_note(struct pipeline *p, const char *words);

#endif
