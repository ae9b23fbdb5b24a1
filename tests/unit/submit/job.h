#ifndef JOB_H
#define JOB_H

/* One submission and all that it needs, for the tests of the rooms that see to
 * it. */

#include "../parse.h"
#include "base/mem.h"
#include "config/keyword.h"
#include "submit/submit.h"

/* What is added where all is missing, for the facts of job_init(). */
#define DATE   "Date: Mon, 23 Nov 2026 00:03:34 +0100\r\n"
#define ID(at) "Message-ID: <000102030405060708090a0b0c0d0e0f@" at ">\r\n"
#define FROM   "From: a@x.org\r\n"
#define WHOLE  FROM "Date: d\r\nMessage-ID: <i>\r\n"

struct job {
	struct request request;
	struct facts facts;
	struct account account;
	const struct caller *caller;
	struct message *message;
	struct envelope envelope;
	struct notes notes;
	struct error error;
	struct submit_aliases aliases; /* none without open() */
};

static inline void
job_init_text(struct job *j, struct text message)
{
	static const struct facts facts = {
	    .login = "alice",
	    .full_name = "",
	    .host = "box.internal.example",
	    .now = {1795388614, 60},
	    .random = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
	};

	memset(j, 0, sizeof(*j));
	j->facts = facts;
	envelope_init(&j->envelope);
	j->message = parse(message);
}

static inline void
job_init(struct job *j, const char *message)
{
	job_init_text(j, text_of(message));
}

static inline void
job_recipient(struct job *j, const char *list)
{
	*mem_push(j->request.recipients, j->request.recipient_count) =
	    (struct request_recipient){.list = mem_copy(list)};
}

static inline int
job_run(struct job *j)
{
	struct submission s = {.request = &j->request,
	    .facts = &j->facts,
	    .account = &j->account,
	    .caller = j->caller,
	    .aliases = j->aliases.open == NULL ? NULL : &j->aliases,
	    .message = j->message,
	    .envelope = &j->envelope,
	    .notes = &j->notes};

	return submit(&s, &j->error);
}

static inline void
job_clear(struct job *j)
{
	request_clear(&j->request);
	keyword_clear(&j->account);
	envelope_clear(&j->envelope);
	notes_clear(&j->notes);
	message_free(j->message);
}

/* The message as it would be sent; the caller frees it. */
static inline char *
sent(struct message *m)
{
	struct buf out;

	buf_init(&out, SIZE_MAX / 4);
	read_all(m, 4096, &out);
	return buf_take(&out);
}

static inline void
expect_sent(struct job *j, const char *header)
{
	char *message = sent(j->message), *end;

	end = strstr(message, "\r\n\r\n");
	assert_non_null(end);
	end[2] = '\0';
	assert_string_equal(message, header);
	free(message);
}

/* "a@b c@d" */
static inline void
expect_recipients(const struct job *j, const char *expected)
{
	char paths[2000] = "";
	size_t i;

	for (i = 0; i < j->envelope.count; i++) {
		if (i > 0)
			strlcat(paths, " ", sizeof(paths));
		strlcat(paths, j->envelope.recipients[i].path, sizeof(paths));
	}
	assert_string_equal(paths, expected);
}

#endif
