#include "run/telling.h"

#include <stdlib.h>

#include "base/mem.h"
#include "smtp/transaction.h"
#include "world/result.h"

#define UNVERIFIED                                                             \
	"tls-verify no: the server's certificate was not checked, and "        \
	"anybody on the way could read the mail"

/* Recipients who are named in the log one by one. */
#define NOTED_MAX 100

void
telling_add_remarks(const struct recode_remarks *remarks, struct notes *notes)
{
	if (remarks->body_encoded)
		notes_add(notes, "the body was encoded for this server");
	if (remarks->body_folded)
		notes_add(
		    notes, "body lines over %d octets were folded", LINES_MAX);
	if (remarks->body_replaced)
		notes_add(notes, "8-bit bytes outside the parts' bodies "
				 "became `?'");
	if (remarks->nul_removed)
		notes_add(notes, "NUL bytes were removed from the body");
}

static char *
message_id(struct message *m)
{
	struct message_field *f;
	struct text id;

	f = m == NULL ? NULL : message_find(m, "Message-ID");
	if (f == NULL)
		return NULL;
	id = text_trim(f->field.value);
	return mem_string(id.at, id.len);
}

/* Under cron the log is all there is: who has not got it, and why, where the
 * line of the mail does not say it. */
static void
note_refusals(
    const struct envelope *env, const struct error *e, struct notes *notes)
{
	const bool partial = envelope_count(env, VERDICT_DELIVERED) > 0 ||
			     envelope_count(env, VERDICT_QUEUED) > 0;
	const struct recipient *r;
	size_t i, noted = 0;

	for (i = 0; i < env->count && noted < NOTED_MAX; i++) {
		r = &env->recipients[i];
		if (r->reply == NULL || r->verdict == VERDICT_DELIVERED ||
		    env->count == 1 || i + 1 == e->recipient ||
		    (!r->own && !partial))
			continue;
		notes_add(notes, "not sent%s to <%s>: %s",
		    r->verdict == VERDICT_QUEUED ? " yet" : "", r->path,
		    r->reply->words);
		noted++;
	}
}

void
telling_log(const struct telling *t, struct notes *notes, struct log *log)
{
	const struct error *cause = t->cause;
	char *id = message_id(t->message);
	const struct record told = {.account = t->account,
	    .envelope = t->envelope,
	    .smarthost = t->report->smarthost,
	    .tls = t->report->tls,
	    .auth = t->report->auth,
	    .size = t->message == NULL ? 0 : message_size(t->message),
	    .message_id = id,
	    .code = t->mail->code != 0 ? t->mail->code : cause->code,
	    .words = t->mail->code != 0 ? t->mail->words : cause->why,
	    .delay_ms = t->delay_ms,
	    .status = t->status,
	    .queued = t->queued,
	    .uid = t->uid,
	    .error = cause};

	telling_add_remarks(&t->mail->remarks, notes);
	if (t->mail->dropped)
		log_remark(log, TRANSACTION_DROPPED);
	if (t->report->unverified)
		log_remark(log, UNVERIFIED);
	note_refusals(t->envelope, cause, notes);
	log_notes(log, notes);
	log_mail(log, &told);
	if (t->json)
		result_print(&told);
	free(id);
}
