#include "cmd/preview.h"

#include <stdio.h>

#include "cmd/answer.h"
#include "message/address.h"
#include "message/recode.h"

#define CHUNK	     16384
#define IN_A_MESSAGE "\"," /* what closes the string of it in JSON */

static const char *
account_name(const struct dispatch *d)
{
	const struct account *account = dispatch_account(d);

	return account == NULL ? NULL : account->name;
}

static void
print_path(const char *label, const char *path)
{
	char shown[4 * ADDRESS_PATH_MAX + 1];

	printf("%s: <%s>\n", label,
	    text_visible(text_of(path), shown, sizeof(shown)));
}

static void
print_envelope(const struct dispatch *d)
{
	const struct envelope *env = dispatch_envelope(d);
	size_t i;

	printf("account: %s\n", account_name(d));
	print_path("from", env->reverse_path);
	for (i = 0; i < env->count; i++)
		print_path("to", env->recipients[i].path);
}

/*
 * The message.
 */

/* 0, or -1 where the taker wants no more, or for what is in e. */
static int
each_piece(struct message *message,
    int (*take)(void *arg, struct text piece, struct error *e), void *arg,
    struct error *e)
{
	struct recode_remarks remarks;
	struct recode *recode;
	char bytes[CHUNK];
	int result = 0;
	long len;

	recode = recode_new(message, true, &remarks, e);
	if (recode == NULL)
		return -1;
	while (result == 0 &&
	       (len = recode_read(recode, bytes, sizeof(bytes), e)) > 0)
		result = take(arg, (struct text){bytes, (size_t)len}, e);
	recode_free(recode);
	return e->kind == ERROR_NONE ? result : -1;
}

static int
print_piece(void *arg, struct text piece, struct error *e)
{
	(void)arg;
	(void)e;
	fwrite(piece.at, 1, piece.len, stdout);
	return 0;
}

static int
add_piece(void *arg, struct text piece, struct error *e)
{
	return answer_add_octets(arg, piece, IN_A_MESSAGE, e);
}

/*
 * The whole.
 */

int
preview_print(
    const struct dispatch *d, struct message *message, struct error *e)
{
	print_envelope(d);
	if (message == NULL)
		return 0;
	putchar('\n');
	return each_piece(message, print_piece, NULL, e);
}

static void
add_envelope(const struct dispatch *d, bool known, struct json *j)
{
	const struct envelope *env = dispatch_envelope(d);
	size_t i;

	json_add_string(j, "from", known ? env->reverse_path : NULL);
	json_add_array(j, "recipients");
	for (i = 0; known && i < env->count; i++) {
		json_add_object(j, NULL);
		json_add_string(j, "address", env->recipients[i].path);
		json_end_object(j);
	}
	json_end_array(j);
}

static void
add_message(struct answer *a, struct message *message, struct error *e)
{
	if (message == NULL || e->kind != ERROR_NONE) {
		json_add_null(&a->json, "message_base64");
		return;
	}
	answer_begin_octets(a, "message_base64");
	each_piece(message, add_piece, a, e);
	answer_end_octets(a);
}

int
preview_answer(
    const struct dispatch *d, struct message *message, struct error *e)
{
	struct answer a;

	answer_begin(&a);
	json_add_string(&a.json, "account", account_name(d));
	add_envelope(d, e->kind == ERROR_NONE, &a.json);
	add_message(&a, message, e);
	return answer_end(&a, e);
}
