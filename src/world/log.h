#ifndef LOG_H
#define LOG_H

/*
 * log: one line a mail to syslog, a file or stderr, and the dialogue for -v and
 * -X. Nothing that fails here changes anything else.
 */

#include "base/error.h"
#include "base/notes.h"
#include "smtp/session.h"
#include "submit/account.h"
#include "world/record.h"
#include "world/screen.h"
#include "world/syslog.h"

struct log {
	enum log_target to;
	int facility;
	bool json; /* each line is an object */
	struct syslog system;
	long long deadline; /* who reads the log is not waited for past it, */
	long long patience; /* nor longer than so, in milliseconds: what is left
			     * for the lines of this mail */
	char tag[64];	    /* -L, else the program's name */
	char shown_tag[64]; /* -L of a stranger, or "" */
	int fd;		    /* LOGGING_FILE, or -1 */
	unsigned verbose;   /* -v: the dialogue on stderr; twice: with times */
	long long begin;    /* of them, in microseconds */
	int transcript;	    /* -X, or -1 */
	bool quiet;	    /* -oeq: nothing on stderr */
	struct screen screen;	       /* standard error */
	struct screen_palette palette; /* of it, once it was looked at */
	bool lost; /* the file cannot be written, which was told */
};

void log_init(struct log *l, const char *tag);
void log_clear(struct log *l);

/* -L: another name in syslog and the lines of the log. Copied. What a stranger
 * says is only shown, in the line of a mail, or he could write lines that pass
 * for another program's. */
void log_set_tag(struct log *l, const char *tag);
void log_show_tag(struct log *l, const char *tag);

/* Opens what the account names, and nothing is opened later but a system's log
 * that went away. Never fails the mail: where a file cannot be had, syslog is
 * used instead and has a note, and so has standard error, once, where it is a
 * terminal. */
void log_open(struct log *l, const struct account *a);

/* Whether the file that the account names could be written; makes none. 0, or
 * -1 ERROR_CONFIG. */
int log_check(const struct account *a, struct error *e);

/* Opens the transcript, if there shall be one: path may be NULL. -1:
 * ERROR_CONFIG. */
int log_open_transcript(struct log *l, const char *path, struct error *e);

/* Gives session and deliver a trace that writes here; line is NULL where
 * nobody listens. */
struct session_trace log_trace(struct log *l);

/* Whether somebody reads the transcript; and a note in it: what was done, and
 * why. */
bool log_is_read(const struct log *l);
void log_explain(struct log *l, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* A line of one mail's end, as record_format() has it, or by `log-format json'
 * an object with what record_add_json() has; where the journal is the system's
 * log its fields as well. */
void log_mail(struct log *l, const struct record *mail);

/* A line on standard error, where a person looks at it: callers take a word
 * there for a failure. */
void log_tell_person(struct log *l, const char *words);

/* Whether a line can be drawn there that is drawn over; draws it, see
 * screen_draw(). Whatever else the log tells there stands alone. */
bool log_has_screen(const struct log *l);
void log_draw(struct log *l, const char *line);

/* A remark of severity notice, and all of several. */
void log_note(struct log *l, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void log_notes(struct log *l, const struct notes *notes);

/* A remark that a terminal at standard error has as well. */
void log_remark(struct log *l, const char *words);

#endif
