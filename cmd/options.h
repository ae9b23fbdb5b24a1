#ifndef OPTIONS_H
#define OPTIONS_H

/*
 * options: argv in sendmail's dialect -> a request. Pure: touches no file and
 * prints nothing. One table says what each option is, its arity and its
 * meaning.
 */

#include "base/error.h"
#include "base/notes.h"
#include "submit/request.h"

enum options_mode {
	MODE_SUBMIT,	 /* -bm */
	MODE_SERVE,	 /* -bs */
	MODE_VERIFY,	 /* -bv */
	MODE_QUEUE_LIST, /* -bp, mailq */
	MODE_QUEUE_RUN,	 /* -q */
	MODE_HOLD,	 /* this to MODE_SHOW: each of `ids' */
	MODE_RELEASE,
	MODE_DELETE,
	MODE_SHOW,
	MODE_CHECK_SPOOL,
	MODE_ALIASES, /* -bi, -I, newaliases */
	MODE_DRY_RUN,
	MODE_CHECK, /* --check, -bC */
	MODE_PROBE, /* --probe, and as msmtp calls it, --serverinfo */
	MODE_HELP,
	MODE_VERSION
};

/*
 * The name we were called by decides what argv may say. Long options, -C and
 * -D exist under names that begin with "sendling" alone; every name that is
 * none of these ("send-mail", no name at all) is NAME_SENDMAIL, whose arguments
 * a stranger may have written.
 */
enum options_name { NAME_SENDLING, NAME_SENDMAIL, NAME_MAILQ, NAME_NEWALIASES };

struct options {
	enum options_name name;
	bool foreign; /* a stranger may have written the arguments */
	enum options_mode mode;
	struct request request; /* its strings are copies */
	const char *account;	/* -a; this and what follows borrow from argv */
	const char *config;	/* -C */
	const char *transcript; /* -X */
	const char *tag;	/* -L */
	char **settings;	/* --set KEYWORD=VALUE, in order */
	size_t setting_count;
	bool run_all;	  /* -qf: also what is not due yet */
	const char **ids; /* of mails: --hold and its like, -qI; in order */
	size_t id_count;
	const char *age;  /* --check-spool=AGE, or "" */
	unsigned verbose; /* how often -v was said */
	bool json;
	bool quiet;	    /* -oeq */
	bool dot_stays;	    /* -i: a lone dot ends no message */
	struct notes notes; /* ignored options, for the log */
};

/* privileged: a set-id program called, and whatever the name is, a stranger may
 * have written argv. -1: ERROR_USAGE, naming the option and what to write
 * instead, and the name where that is why. o is to be cleared in either case.
 * argc may be 0. */
int options_parse(
    struct options *o, bool privileged, int argc, char **argv, struct error *e);
void options_clear(struct options *o);

/* The text of --help, and one row's spelling for the manual's test ("-t",
 * "--config", "-bs"; NULL past the end). */
const char *options_help(void);
const char *options_spelling(size_t index);

#endif
