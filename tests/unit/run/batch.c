#include "../unit.h"

#include "../capture.h"
#include "../folder.h"
#include "../parse.h"
#include "base/mem.h"
#include "run/batch.h"
#include "world/clock.h"

#define MAILS 3

/* A spool with mails that are due. */
struct trial {
	struct account account;
	struct host host;
	struct facts facts;
	struct log log;
	struct batch_mail mails[MAILS];
	struct batch_plan plan;
	struct batch batch;
	struct error e;
};

static void
keep(struct trial *t, struct batch_mail *kept)
{
	static const char *const one[] = {"a@x", NULL};
	struct envelope env = envelope("from@x", one);
	struct message *m = parse(TEXT("Subject: x\n\nx\n"));
	const struct spool_mail mail = {.account = &t->account,
	    .envelope = &env,
	    .message = m,
	    .created = 1000,
	    .due = 1000};

	kept->due = mail.due;
	if (spool_keep(t->plan.folder, &mail, kept->id, &t->e) != 0)
		fail_msg("%s", t->e.text);
	message_free(m);
	envelope_clear(&env);
}

static void
begin(struct trial *t)
{
	size_t i;

	memset(t, 0, sizeof(*t));
	folder_run("rm -rf spool");
	t->account.name = (char *)(uintptr_t) "work";
	t->account.spool = mem_copy(in_folder("spool"));
	t->account.spool_volatile = SWITCH_YES;
	log_init(&t->log, "test");
	t->plan = (struct batch_plan){.account = &t->account,
	    .facts = &t->facts,
	    .log = &t->log,
	    .mails = t->mails,
	    .count = MAILS,
	    .deadline = CLOCK_NEVER,
	    .failed = &t->e};
	t->plan.folder = spool_open(&t->account, &t->facts, &t->host, &t->e);
	assert_non_null(t->plan.folder);
	for (i = 0; i < MAILS; i++)
		keep(t, &t->mails[i]);
}

static void
end(struct trial *t)
{
	folder_free(t->plan.folder);
	free(t->account.spool);
	log_clear(&t->log);
}

/* Not one more than is asked for. */
static void
reads_a_mail_when_it_is_wanted(void **state)
{
	const struct error cause = {.kind = ERROR_LATER, .text = "no"};
	struct trial t;

	(void)state;
	begin(&t);
	batch_begin(&t.batch, &t.plan);
	assert_true(batch_has_mail(&t.batch));
	assert_int_equal(t.batch.next, 1);
	assert_true(t.batch.first->waits);
	attempt_fail(t.batch.first, &cause, true);
	batch_end(&t.batch);
	end(&t);
}

static void
begins_none_when_its_time_is_over(void **state)
{
	struct trial t;

	(void)state;
	begin(&t);
	t.plan.deadline = clock_now();
	batch_begin(&t.batch, &t.plan);
	assert_false(batch_has_mail(&t.batch));
	assert_int_equal(t.batch.next, 0);
	batch_end(&t.batch);
	end(&t);
}

/* What another has, or has had, is passed over. */
static void
passes_over_what_is_not_as_it_was(void **state)
{
	const struct error cause = {.kind = ERROR_LATER, .text = "no"};
	struct folder_file file;
	char name[FOLDER_NAME];
	struct trial t;

	(void)state;
	begin(&t);
	spool_name('Q', t.mails[0].id, name);
	assert_int_equal(folder_lock(t.plan.folder, name, &file, &t.e), 1);
	t.mails[1].due++;
	batch_begin(&t.batch, &t.plan);
	assert_true(batch_has_mail(&t.batch));
	assert_string_equal(
	    t.batch.first->mail.envelope->reverse_path, "from@x");
	assert_int_equal(t.batch.next, 3);
	attempt_fail(t.batch.first, &cause, true);
	batch_end(&t.batch);
	folder_close_file(t.plan.folder, &file);
	end(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_a_mail_when_it_is_wanted),
	    cmocka_unit_test(begins_none_when_its_time_is_over),
	    cmocka_unit_test(passes_over_what_is_not_as_it_was)};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
