#ifndef QUEUE_H
#define QUEUE_H

/*
 * queue: the mails of all spools that we can look into, seen from outside, and
 * what a person does to one: hold, release, delete. Nothing is sent. To look
 * takes no lock, so that nobody is kept from sending; of each mail the head and
 * the journal are read, and one mail is in memory at a time.
 */

#include "config/config.h"
#include "run/spool.h"
#include "world/host.h"
#include "world/settings.h"

struct queue_plan {
	const struct config *config;
	const struct settings_plan *settings; /* as that was read */
	const struct host *host;
	bool complete; /* the configuration holds all accounts that there are */
	bool acting;   /* mails are to be changed */
	long long now; /* seconds since the epoch */
};

struct queue_spool {
	char *path;
	struct folder *folder; /* NULL: not there, or for the error */
	struct error error;
	bool complete; /* all accounts that may send its mails are known */

	/* private: */
	bool service;	     /* its accounts are these: */
	struct config known; /* (of run/service) */
};

struct queue {
	const struct queue_plan *plan;
	struct queue_spool *spools;
	size_t count;
};

enum queue_state {
	QUEUE_WAITING,
	QUEUE_HELD,   /* until it is released */
	QUEUE_FAILED, /* for good: kept to be seen, and to be released */
	QUEUE_DAMAGED /* never sent */
};

struct queue_mail {
	const struct queue_spool *spool;
	const char *id;
	enum queue_state state;
	long long due;		       /* seconds since the epoch */
	unsigned long long size;       /* octets of the message; where there is
					* no head those of the file */
	struct spooled file;	       /* without the message, nor locked */
	struct error error;	       /* damaged: why */
	const struct account *account; /* NULL: there is no such one now, as
					* far as is known. Of the service's
					* the times alone are set */
};

/* Opens the spool of each account, and for root the service's, each once. One
 * that is not there is empty; what cannot be opened has its error. The plan is
 * borrowed until queue_close(). -1: ERROR_SYSTEM, and q is empty. */
int queue_open(struct queue *q, const struct queue_plan *plan, struct error *e);
void queue_close(struct queue *q);

/* Whether all that waits is seen: the first error of a spool is in e where not.
 * 0 or -1. */
int queue_check(const struct queue *q, struct error *e);

/* Calls found with each mail, one spool after the other, the oldest mail first,
 * until it returns other than 0. The mail is valid in the call alone. A spool
 * that cannot be read to its end has an error then. */
void queue_walk(struct queue *q,
    int (*found)(void *arg, const struct queue_mail *mail), void *arg);

/* One mail by its id, or by a beginning that no other id has. */
struct queue_place {
	struct queue_spool *spool;
	char name[FOLDER_NAME];
};

/* -1: ERROR_USAGE, no beginning of an id, or of several; ERROR_INPUT, there is
 * none; or the error of the spool that it may be in. */
int queue_find(struct queue *q, const char *id, struct queue_place *place,
    struct error *e);

/* Calls found with that mail, and returns what it returned; 0: it is gone. */
int queue_look(struct queue *q, const struct queue_place *place,
    int (*found)(void *arg, const struct queue_mail *mail), void *arg);

/*
 * Durable when they return 0. -1: ERROR_LATER, it is being sent in this moment,
 * or gone; ERROR_USAGE, a mail in this state cannot be held or released; or the
 * spool's error.
 */
int queue_hold(struct queue *q, const struct queue_place *p, struct error *e);

/* Due at once. Of a mail that has failed all recipients who were refused are
 * open again, and it gets another lifetime. */
int queue_release(
    struct queue *q, const struct queue_place *p, struct error *e);
int queue_delete(struct queue *q, const struct queue_place *p, struct error *e);

#endif
