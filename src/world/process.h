#ifndef PROCESS_H
#define PROCESS_H

/*
 * process: a command of the configuration, run by /bin/sh -c with default
 * signals and nothing of ours but the environment and three descriptors. Where
 * somebody at a terminal started us it is in our group, so that it can ask
 * there; else in one of its own, so that all of it can be ended.
 */

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

struct process {
	pid_t pid; /* ours to wait for; -1: it has been */
	bool grouped;
	bool forced; /* process_end() lost its patience */
};

/* What the command has as its first three descriptors, borrowed: none counts
 * for input as nothing to read, for errors as our own. */
#define PROCESS_NONE (-1)
struct process_ends {
	int input;
	int output;
	int errors;
};

/* Whether somebody at the terminal started us. */
bool process_has_terminal(void);

/* environment: as of exec(3), NULL: ours. -1: ERROR_SYSTEM. */
int process_start(struct process *p, const char *text,
    const struct process_ends *ends, char **environment, struct error *e);

/*
 * Waits until it has ended, and has it end: after `patience' milliseconds as a
 * terminal would, and later without asking; at once where patience is 0. Its
 * status as of wait(2). A signal that would end us does so when that is done.
 */
int process_end(struct process *p, long long patience);

/*
 * Calls act(arg, told) in a process of its own, which ends with it, and waits:
 * what it has put into told, so many octets, is in ours then, and nothing else
 * has changed. -1: ERROR_SYSTEM, it cannot be started, or has died.
 */
int process_apart(void (*act)(void *arg, void *told), void *arg, void *told,
    size_t size, struct error *e);

/* "status 1", "signal 15 (Terminated)". */
struct process_words {
	char words[80];
};
struct process_words process_words(int status);

#endif
