#ifndef ERROR_H
#define ERROR_H

/*
 * error: one failure as a value, and the only map from failures to the exit
 * statuses of sysexits.h.
 *
 * A struct error lives in its caller's frame, owns nothing and needs no
 * freeing. It is the last parameter of every function that can fail; such a
 * function returns 0 (or a count) on success and -1 with the error set. The
 * first failure wins: a second error_set() on the same value changes nothing.
 */

#include <stdbool.h>
#include <stddef.h>

enum error_kind {
	ERROR_NONE,	 /* accepted by the server */
	ERROR_USAGE,	 /* argv; no recipient at all */
	ERROR_MESSAGE,	 /* header, address or content that cannot be sent */
	ERROR_INPUT,	 /* a file we were told to read is not there */
	ERROR_RECIPIENT, /* 5yz to RCPT; an address nobody can complete */
	ERROR_HOST,	 /* the smarthost's name does not exist */
	ERROR_REFUSED,	 /* any other 5yz; a needed extension is missing */
	ERROR_BUG,	 /* cannot happen */
	ERROR_SYSTEM,	 /* out of memory, socket(2), fork(2) */
	ERROR_SPOOL,	 /* the spool cannot take the mail */
	ERROR_IO,	 /* standard input cannot be read to its end */
	ERROR_LATER,	 /* 4yz; unreachable, timed out, reset */
	ERROR_DOUBTFUL,	 /* lost after the end of the mail data */
	ERROR_PROTOCOL,	 /* a reply RFC 5321 does not allow; TLS that is none */
	ERROR_DENIED,	 /* AUTH refused for good; certificate not trusted */
	ERROR_CONFIG	 /* configuration, trust file, account */
};

/* An enhanced status code, RFC 3463: class.subject.detail; class 0 is none. */
struct enhanced {
	unsigned char class;
	unsigned short subject;
	unsigned short detail;
};

struct error {
	enum error_kind kind;
	const char *doing;	  /* static: "connecting", "RCPT TO"; or NULL */
	int code;		  /* reply code that caused it, or 0 */
	struct enhanced enhanced; /* of that reply */
	int sys;		  /* errno that caused it, or 0 */
	size_t recipient;	  /* of the envelope, counted from 1, whom it is
				   * about; 0: none, or the mail as a whole */
	char text[600];		  /* what went wrong, one line */
	char why[600];		  /* the server's words, made visible, or "" */
	char hint[500];		  /* what to do about it, or "" */
};

/* Makes e the value that stands for success. */
void error_clear(struct error *e);

/*
 * Sets the failure unless one is set already; e may be NULL where nobody asks
 * why. doing must be a string that outlives e (a literal) or NULL. The
 * formatted text is cut at its size; the caller makes foreign bytes visible
 * first (text_visible). Returns -1.
 */
#define error_set(e, kind, doing, ...)                                         \
	error_set_sys((e), (kind), 0, (doing), __VA_ARGS__)

/* The same, and appends strerror(sys) to the text, unless it is 0. */
int error_set_sys(struct error *e, enum error_kind kind, int sys,
    const char *doing, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* What to do about the failure; the first hint wins. Returns -1. */
int error_hint(struct error *e, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* "doing: text" as a value, for one line. */
struct error_line {
	char words[800];
};
struct error_line error_line(const struct error *e);

/* The same, for a record that has one place: the words of the reply where one
 * caused it. What else a server shows, as its certificate, says not what is
 * wrong. */
struct error_line error_reason(const struct error *e);

/* The kind's exit status from sysexits.h. */
int error_status(enum error_kind kind);

/* Whether such a failure lasts: the same mail would fail again, while for any
 * other kind another attempt may help. */
bool error_lasts(enum error_kind kind);

/* The kind's short word for logs and JSON: "later", "denied", ... */
const char *error_word(enum error_kind kind);

#endif
