#include "world/result.h"

#include <unistd.h>

#include "base/json.h"
#include "world/file.h"

#define RESULT_MAX (1024 * 1024 * 1024) /* octets of JSON */

void
result_print(const struct record *mail)
{
	struct json j;
	struct buf out;

	buf_init(&out, RESULT_MAX);
	json_init(&j, &out);
	json_add_object(&j, NULL);
	record_add_json(mail, RESULT_MAX, &j);
	json_end_object(&j);
	buf_add_char(&out, '\n');
	file_write(STDOUT_FILENO, out.at, out.len);
	buf_clear(&out);
}
