#ifndef SPOOL_H
#define SPOOL_H

/*
 * spool: mails on disk, one file each: a ticket (submit/ticket) and its
 * message, as files of a folder (world/folder) whose letter says what they
 * wait for: `Q' the next run, `H' somebody's --release, `F' nothing, as it has
 * failed, `X' a person, as it is damaged. What is written is there whole, on
 * stable storage and under its name, or not at all; what is read is what was
 * written. Errors are ERROR_SPOOL where nothing else is said.
 */

#include "message/message.h"
#include "submit/account.h"
#include "submit/caller.h"
#include "submit/facts.h"
#include "submit/ticket.h"
#include "world/folder.h"
#include "world/host.h"

/* The account's folder, which is the caller's own, to add mails to: it is made
 * where it is not there; folder_free() frees it. NULL: the account has none,
 * and e stays; or folder_open()'s errors. */
struct folder *spool_open(const struct account *a, const struct facts *f,
    const struct host *h, struct error *e);

/* The name of the ticket's file with that letter. */
void spool_name(char letter, const char *id, char name[FOLDER_NAME]);

/* A mail to be kept; all of it is borrowed. */
struct spool_mail {
	const struct account *account; /* its name, lifetime and limit */
	const struct caller *caller;   /* whose it is; NULL: our own user's */
	const struct envelope *envelope;
	struct message *message;
	bool all_or_none;
	bool failed;	   /* it becomes an F, for which there is no limit,
			    * unless it is a caller's at a socket */
	bool told;	   /* who was refused is known to be so */
	const char *id;	   /* NULL: a new one */
	long long created; /* now, and when it is due; in seconds since the */
	long long due;	   /* ... epoch */
	const struct error *error; /* why it was not delivered; NULL, or
				    * ERROR_NONE: nobody has tried */
};

/*
 * Keeps it, open for whoever is neither DELIVERED nor REFUSED: three times
 * fsync(2), and its id is there. 0; 1: there is a file of this id already; -1:
 * there is none, also where the folder has as many as the account allows, or
 * the errors of message_read(). How many octets wait is known for each mail
 * over 64 KiB, and for others while they are some hundred; of more they are
 * counted so seldom that the account's limit may be passed by a thirtieth.
 *
 * Of a caller who may not send as anybody there is also none where he has more
 * in the folder already than there is room left, so that one alone never fills
 * it; and for who may fail as often as he likes, an F takes room as well.
 */
int spool_keep(struct folder *f, const struct spool_mail *mail,
    char id[TICKET_ID_MAX + 1], struct error *e);

/* A file that was read; may not be moved while it has a message. */
struct spooled {
	struct ticket ticket;
	struct message *message; /* NULL: it was not asked for */
	struct folder_file file;
	bool damaged; /* it is not what was written */
	/* All 0: there is no head, and the ticket is empty. */
	struct ticket_layout layout;

	/* private: */
	struct folder *folder;
	struct message_store store;
};

/* How a file is read. */
enum {
	SPOOLED_MESSAGE = 1,  /* with its message, and checked against its hash:
			       * all of the file is read */
	SPOOLED_UNLOCKED = 2, /* also where a run has it */
};

/*
 * Locks the file of this name, and reads it; of a large message the body stays
 * in the file. 1: s has it; 0: another process has it, or it is gone; -1: it
 * cannot be read, or cannot be what was written: then s is `damaged', and has
 * the file, for spooled_rename(). s is to be cleared in any case, before the
 * folder is freed.
 */
int spooled_read(struct folder *f, const char *name, unsigned how,
    struct spooled *s, struct error *e);
void spooled_clear(struct spooled *s);

/* Writes these records of submit/journal behind those that are there. Syncs
 * nothing: folder_sync_file(). */
int spooled_append(struct spooled *s, struct text records, struct error *e);

/* Gives the locked file another letter; on stable storage after folder_sync().
 */
int spooled_rename(struct spooled *s, char letter, struct error *e);

#endif
