#include "cmd/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

static const struct memory_watch *watched;
static const char *answer;
static pid_t answerer; /* a process that it has started owes no answer */

static const struct {
	const char *words;
	const char *reply; /* to the end of the mail data; 512 octets at most */
} ends[] = {
    [ERROR_NONE] = {"out of memory; the mail was sent, or is in the spool, but "
		    "that may be missing in the log",
	"250 2.0.0 taken, but there is no memory for more\r\n"},
    [ERROR_DOUBTFUL] =
	{"mail may have been sent: out of memory; the whole mail "
	 "had been sent and may have been delivered",
	    "451 4.3.0 out of memory; the mail may have been delivered\r\n"},
    /* Who has not got it is named behind it. */
    [ERROR_REFUSED] = {"mail not sent to all recipients: out of memory",
	"554 5.3.0 out of memory; the mail was sent, not to all "
	"recipients\r\n"},
    [ERROR_SYSTEM] = {"out of memory, mail not sent",
	"451 4.3.0 out of memory, the mail was not sent\r\n"},
};

void
memory_watch(const struct memory_watch *watch)
{
	watched = watch;
}

void
memory_answer(const char *rest)
{
	answer = rest;
	answerer = rest == NULL ? 0 : getpid();
}

static const char *
words_of(const struct memory_watch *w, enum error_kind kind)
{
	return w->words == NULL ? ends[kind].words : w->words;
}

/* As json_add_error() has it. */
static void
answer_program(const struct memory_watch *w, enum error_kind kind)
{
	const int status = error_status(kind);

	if (answer == NULL || getpid() != answerer)
		return;
	if (kind == ERROR_NONE)
		dprintf(
		    STDOUT_FILENO, "%s\"status\":0,\"error\":null}\n", answer);
	else
		dprintf(STDOUT_FILENO,
		    "%s\"status\":%d,\"error\":{\"kind\":\"%s\","
		    "\"status\":%d,\"text\":\"%s\",\"server\":null,"
		    "\"hint\":null}}\n",
		    answer, status, error_word(kind), status,
		    words_of(w, kind));
}

static void
answer_client(const struct memory_watch *w, enum error_kind kind)
{
	const char *reply = w->owing ? ends[kind].reply
				     : "421 4.3.0 out of memory, closing\r\n";
	ssize_t ignored;

	ignored = write(w->client, reply, strlen(reply));
	(void)ignored;
}

/* Of those who are not decided the mail may have been under way. */
static void
name_recipients(const struct envelope *env)
{
	const struct recipient *r;
	enum verdict verdict;
	size_t i;

	for (i = 0; i < env->count; i++) {
		r = &env->recipients[i];
		verdict = r->verdict <= VERDICT_ACCEPTED ? VERDICT_DOUBTFUL
							 : r->verdict;
		if (verdict != VERDICT_DELIVERED && verdict != VERDICT_QUEUED)
			dprintf(STDERR_FILENO, "  %s: %s\n",
			    envelope_verdict_word(verdict),
			    SHOWN(text_of(r->path)));
	}
}

/* A word on standard error passes for a failure: where there is none a person
 * alone is told. */
static void
tell(const struct memory_watch *w, enum error_kind kind)
{
	if (kind == ERROR_NONE && !isatty(STDERR_FILENO))
		return;
	if (w->log != NULL)
		log_draw(w->log, "");
	dprintf(STDERR_FILENO, "%s: %s\n", SHOWN(text_of(getprogname())),
	    words_of(w, kind));
	if (kind == ERROR_REFUSED)
		name_recipients(dispatch_envelope(w->dispatch));
}

void
mem_exhausted(void)
{
	static const struct memory_watch none = {.client = -1};
	const struct memory_watch *w = watched == NULL ? &none : watched;
	enum error_kind kind = ERROR_SYSTEM;

	if (w->told != NULL)
		exit(error_status(w->told->kind));
	if (w->dispatch != NULL)
		kind = dispatch_so_far(w->dispatch);
	if (w->client != -1) {
		answer_client(w, kind);
		kind = ERROR_SYSTEM; /* the replies tell of mails */
	} else if (w->log == NULL || !w->log->quiet) {
		tell(w, kind);
	}
	answer_program(w, kind);
	exit(error_status(kind));
}
