#include "world/result.h"

#include <unistd.h>

#include "base/json.h"
#include "world/file.h"

#define RESULT_MAX (1024 * 1024 * 1024) /* octets of JSON */

static void
json_add_recipients(struct json *j, const struct envelope *env)
{
	const struct recipient *r;
	size_t i;

	json_add_array(j, "recipients");
	for (i = 0; env != NULL && i < env->count; i++) {
		r = &env->recipients[i];
		json_add_object(j, NULL);
		json_add_string(j, "address", r->path);
		json_add_string(
		    j, "verdict", envelope_verdict_word(r->verdict));
		json_add_string(
		    j, "reply", r->reply == NULL ? NULL : r->reply->words);
		json_end_object(j);
	}
	json_end_array(j);
}

void
result_print(const struct log_mail *mail)
{
	const struct envelope *env = mail->envelope;
	struct json j;
	struct buf out;

	buf_init(&out, RESULT_MAX);
	json_init(&j, &out);
	json_add_object(&j, NULL);
	json_add_number(&j, "status", mail->status);
	json_add_error(&j, "error", mail->error);
	json_add_string(&j, "from", env == NULL ? NULL : env->reverse_path);
	json_add_recipients(&j, env);
	json_add_string(&j, "smarthost", mail->smarthost);
	json_add_string(&j, "tls", mail->tls);
	json_add_string(&j, "auth", mail->auth);
	json_add_number(&j, "size", (long long)mail->size);
	json_add_string(&j, "message_id", mail->message_id);
	json_add_string(&j, "reply", mail->words);
	json_add_string(&j, "queued",
	    mail->queued == NULL || mail->queued[0] == '\0' ? NULL
							    : mail->queued);
	json_end_object(&j);
	buf_add_char(&out, '\n');
	file_write(STDOUT_FILENO, out.at, out.len);
	buf_clear(&out);
}
