#include "../unit.h"

#include <errno.h>

#include "../folder.h"
#include "base/crypt.h"
#include "run/queue.h"
#include "run/service.h"
#include "submit/journal.h"

#define NOW 1795780000
#define ONE "006b000000-000000000000000000000001"
#define TWO "006b000000-000000000000000000000022"
#define OLD "006a000000-000000000000000000000003"

static struct host host;
static struct config config;
static struct account accounts[2];
static char work[] = "work", other[] = "other", spool[200], second[200],
	    twice[220];
static struct settings_plan settings;
static struct queue_plan plan = {.config = &config,
    .settings = &settings,
    .host = &host,
    .complete = true,
    .acting = true,
    .now = NOW};
static struct queue queue;
static struct error e;

/* A ticket's bytes; one recipient is open, one refused. */
static void
format(const char *id, struct buf *out)
{
	struct ticket t;
	struct ticket_layout at;
	size_t head;

	ticket_init(&t);
	strlcpy(t.id, id, sizeof(t.id));
	t.account = work;
	t.created = NOW - 100;
	t.expires = NOW + 100;
	t.message_size = 4;
	envelope_set_reverse_path(&t.envelope, TEXT("a@example.com"), NULL);
	envelope_add(&t.envelope, TEXT("b@example.org"), NULL);
	envelope_add(&t.envelope, TEXT("c@example.org"), NULL);
	envelope_decide(&t.envelope.recipients[1], VERDICT_REFUSED, 550,
	    (struct enhanced){5, 1, 1}, "550 5.1.1 no");
	assert_int_equal(ticket_format_head(&t, out), 0);
	head = out->len;
	at = ticket_layout(&t, head);
	buf_add(out, "\r\nx\n", 4);
	while (out->len < at.journal_at + at.journal_size)
		buf_add_char(out, '\0');
	t.account = NULL;
	ticket_clear(&t);
}

static void
write_file(const char *name, const char *bytes, size_t len)
{
	folder_put(name, bytes, len, 0600);
}

static void
put(char letter, const char *id)
{
	struct buf bytes;
	char name[100];

	buf_init(&bytes, 100000);
	format(id, &bytes);
	snprintf(name, sizeof(name), "spool/%c%s", letter, id);
	write_file(name, bytes.at, bytes.len);
	buf_clear(&bytes);
}

static int
setup(void **state)
{
	(void)state;
	error_clear(&e);
	folder_run("rm -rf spool second; mkdir -m 700 spool second");
	strlcpy(spool, in_folder("spool"), sizeof(spool));
	strlcpy(second, in_folder("second"), sizeof(second));
	host.uid = geteuid();
	accounts[0] = (struct account){.name = work, .spool = spool};
	accounts[1] = (struct account){.name = other, .spool = spool};
	config.accounts = accounts;
	config.account_count = 2;
	return 0;
}

static void
opened(void)
{
	assert_int_equal(queue_open(&queue, &plan, &e), 0);
}

/* But for the service's, which is there for root alone. */
static size_t
spools(void)
{
	return queue.count - (host.uid == 0);
}

static char seen[1000];

static int
note(void *arg, const struct queue_mail *mail)
{
	static const char *const words[] = {[QUEUE_WAITING] = "waiting",
	    [QUEUE_HELD] = "held",
	    [QUEUE_FAILED] = "failed",
	    [QUEUE_DAMAGED] = "damaged"};
	const size_t len = strlen(seen);
	const char *text = mail->error.text, *name = strstr(text, mail->id);

	if (name != NULL) /* of the file, and ": " */
		text = name + strlen(mail->id) + 2;
	if (strcmp(mail->spool->path, SERVICE_SPOOL) == 0)
		return 0; /* of this machine */
	snprintf(seen + len, sizeof(seen) - len, "%c%c %s %s\n", mail->id[3],
	    mail->id[34], words[mail->state], text);
	return arg != NULL;
}

static const char *
walked(void *arg)
{
	seen[0] = '\0';
	queue_walk(&queue, note, arg);
	return seen;
}

static bool
is_there(char letter, const char *id)
{
	char name[100];

	snprintf(name, sizeof(name), "spool/%c%s", letter, id);
	return access(in_folder(name), F_OK) == 0;
}

static void
all_spools_are_found_once(void **state)
{
	(void)state;
	opened();
	assert_int_equal(spools(), 1);
	queue_close(&queue);
	accounts[1].spool = second;
	opened();
	assert_int_equal(spools(), 2);
	assert_int_equal(queue_check(&queue, &e), 0);
	queue_close(&queue);
	/* Not there is empty, not to be trusted is an error. */
	folder_run("rm -rf spool; chmod 755 second");
	opened();
	assert_null(queue.spools[0].folder);
	assert_int_equal(queue.spools[0].error.kind, ERROR_NONE);
	assert_int_equal(queue_check(&queue, &e), -1);
	assert_int_equal(e.kind, ERROR_SPOOL);
	assert_non_null(strstr(e.text, "others may"));
	queue_close(&queue);
}

static void
all_mails_are_seen_the_oldest_first(void **state)
{
	(void)state;
	put('F', ONE);
	put('Q', OLD);
	put('H', TWO);
	write_file("spool/.lock", "", 0);
	write_file("spool/Qshort", "", 0);
	opened();
	assert_string_equal(
	    walked(NULL), "a3 waiting \nb1 failed \nb2 held \n");
	assert_string_equal(walked(&queue), "a3 waiting \n");
	queue_close(&queue);
}

static void
what_is_damaged_is_seen(void **state)
{
	struct buf bytes;

	(void)state;
	put('X', ONE);
	write_file("spool/Q" TWO, "sendl", 5);
	buf_init(&bytes, 100000);
	format(OLD, &bytes);
	write_file(
	    "spool/Q006b000000-000000000000000000000004", bytes.at, bytes.len);
	write_file("spool/Q" OLD, bytes.at, 5000);
	buf_clear(&bytes);
	opened();
	assert_string_equal(walked(NULL),
	    "a3 damaged it has not the size that it says\n"
	    "b1 damaged its message is not what was written\n"
	    "b4 damaged it is another mail's\n"
	    "b2 damaged its head has no end\n");
	/* What is no file of ours is not read. */
	folder_run("cd spool; rm *; ln -s /etc/passwd Q" ONE "; mkfifo Q" TWO);
	walked(NULL);
	assert_non_null(strstr(seen, "b1 damaged it cannot be opened"));
	assert_non_null(strstr(seen, "b2 damaged not a regular file"));
	queue_close(&queue);
}

static const struct queue_place *
find(const char *id)
{
	static struct queue_place place;

	assert_int_equal(queue_find(&queue, id, &place, &e), 0);
	return &place;
}

static void
a_mail_is_found_by_a_beginning(void **state)
{
	static const struct {
		const char *id;
		enum error_kind kind;
		const char *words;
	} wrong[] = {
	    {"006b", ERROR_USAGE, "the ids of 2 mails begin with `006b'"},
	    {"7\x1b", ERROR_INPUT, "no mail has the id `7\\x1b'"},
	    {ONE "0", ERROR_INPUT, "no mail has the id `" ONE "0'"},
	    {"", ERROR_USAGE, "the id of a mail is empty"},
	};
	struct queue_place place;
	size_t i;

	(void)state;
	put('Q', ONE);
	put('F', TWO);
	put('Q', OLD);
	opened();
	assert_string_equal(find(OLD)->name, "Q" OLD);
	assert_string_equal(find("006a")->name, "Q" OLD);
	assert_string_equal(find("F" TWO)->name, "F" TWO);
	/* As it is marked in a list. */
	assert_string_equal(find(TWO "#")->name, "F" TWO);
	assert_string_equal(find("006a!")->name, "Q" OLD);
	assert_string_equal(find(OLD "?")->name, "Q" OLD);
	assert_string_equal(
	    find("006b000000-00000000000000000000002")->name, "F" TWO);
	for (i = 0; i < COUNT(wrong); i++) {
		error_clear(&e);
		assert_int_equal(
		    queue_find(&queue, wrong[i].id, &place, &e), -1);
		assert_int_equal(e.kind, wrong[i].kind);
		assert_string_equal(e.text, wrong[i].words);
	}
	queue_close(&queue);
	/* The id of a report begins with its mail's. */
	put('Q', TWO "-b1");
	opened();
	assert_string_equal(find(TWO)->name, "F" TWO);
	assert_string_equal(find(TWO "-")->name, "Q" TWO "-b1");
	queue_close(&queue);
	/* One folder is one, however it is called. */
	accounts[1].spool = twice;
	snprintf(twice, sizeof(twice), "%s/../spool", spool);
	opened();
	assert_int_equal(spools(), 1);
	assert_string_equal(find(OLD)->name, "Q" OLD);
	queue_close(&queue);
	/* It may be where nobody could look. */
	accounts[1].spool = second;
	folder_run("chmod 777 second");
	opened();
	error_clear(&e);
	assert_int_equal(queue_find(&queue, "7", &place, &e), -1);
	assert_int_equal(e.kind, ERROR_SPOOL);
	error_clear(&e);
	assert_string_equal(find("006a")->name, "Q" OLD);
	queue_close(&queue);
}

static void
a_mail_is_held_and_released(void **state)
{
	struct stat st;

	(void)state;
	put('Q', ONE);
	opened();
	assert_int_equal(queue_hold(&queue, find(ONE), &e), 0);
	assert_true(is_there('H', ONE) && !is_there('Q', ONE));
	assert_int_equal(queue_hold(&queue, find(ONE), &e), 0);
	assert_int_equal(queue_release(&queue, find(ONE), &e), 0);
	assert_true(is_there('Q', ONE) && !is_there('H', ONE));
	assert_int_equal(stat(in_folder("spool/Q" ONE), &st), 0);
	assert_int_equal(st.st_mtim.tv_sec, NOW);
	/* One that waits is due. */
	assert_int_equal(folder_run("touch spool/Q" ONE), 0);
	assert_int_equal(queue_release(&queue, find(ONE), &e), 0);
	assert_int_equal(stat(in_folder("spool/Q" ONE), &st), 0);
	assert_int_equal(st.st_mtim.tv_sec, NOW);
	assert_string_equal(e.text, "");
	queue_close(&queue);
}

/* The mail's verdicts and what it expires. */
static int
copy_fate(void *arg, const struct queue_mail *mail)
{
	assert_int_equal(mail->error.kind, ERROR_NONE);
	assert_int_equal(mail->file.ticket.envelope.count, 2);
	snprintf(arg, 40, "%d %d %lld",
	    mail->file.ticket.envelope.recipients[0].verdict,
	    mail->file.ticket.envelope.recipients[1].verdict,
	    mail->file.ticket.expires - NOW);
	return 1;
}

static const char *
fate(const char *id)
{
	static char words[40];

	assert_int_equal(queue_look(&queue, find(id), copy_fate, words), 1);
	return words;
}

static void
a_failed_mail_is_opened_again(void **state)
{
	struct folder_file file;

	(void)state;
	put('F', ONE);
	put('F', TWO);
	opened();
	assert_string_equal(fate(ONE), "0 3 100");
	assert_int_equal(queue_release(&queue, find(ONE), &e), 0);
	assert_string_equal(find(ONE)->name, "Q" ONE);
	assert_string_equal(fate(ONE), "0 0 432000");
	accounts[0].spool_lifetime = 60;
	/* Behind what is in its journal already. */
	assert_int_equal(
	    folder_lock(find(ONE)->spool->folder, "Q" ONE, &file, &e), 1);
	assert_int_equal(
	    folder_rename(find(ONE)->spool->folder, &file, "F" ONE, &e), 0);
	folder_close_file(find(ONE)->spool->folder, &file);
	assert_int_equal(queue_release(&queue, find(ONE), &e), 0);
	assert_string_equal(fate(ONE), "0 0 60");
	assert_string_equal(fate(TWO), "0 3 100");
	assert_string_equal(e.text, "");
	queue_close(&queue);
}

static void
what_cannot_be_is_refused(void **state)
{
	struct folder_file file;

	(void)state;
	put('F', ONE);
	put('X', TWO);
	put('Q', OLD);
	opened();
	assert_int_equal(queue_hold(&queue, find(ONE), &e), -1);
	assert_int_equal(e.kind, ERROR_USAGE);
	assert_non_null(strstr(e.text, "it has failed for good"));
	error_clear(&e);
	assert_int_equal(queue_hold(&queue, find(TWO), &e), -1);
	error_clear(&e);
	assert_int_equal(queue_release(&queue, find(TWO), &e), -1);
	assert_non_null(strstr(e.text, "it is damaged"));
	/* While it is being sent. */
	error_clear(&e);
	assert_int_equal(
	    folder_lock(find(OLD)->spool->folder, "Q" OLD, &file, &e), 1);
	assert_int_equal(queue_delete(&queue, find(OLD), &e), -1);
	assert_int_equal(e.kind, ERROR_LATER);
	assert_true(is_there('Q', OLD));
	/* But it is seen. */
	assert_string_equal(fate(OLD), "0 3 100");
	folder_close_file(find(OLD)->spool->folder, &file);
	/* A failed one whose head is damaged is not taken up. */
	error_clear(&e);
	write_file("spool/F" ONE, "x", 1);
	assert_int_equal(queue_release(&queue, find(ONE), &e), -1);
	assert_non_null(strstr(e.text, ": it is no queued mail"));
	assert_true(is_there('F', ONE));
	queue_close(&queue);
}

static void
any_mail_is_deleted(void **state)
{
	(void)state;
	put('Q', ONE);
	put('X', TWO);
	opened();
	assert_int_equal(queue_delete(&queue, find(ONE), &e), 0);
	assert_int_equal(queue_delete(&queue, find(TWO), &e), 0);
	assert_string_equal(walked(NULL), "");
	assert_string_equal(e.text, "");
	queue_close(&queue);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(all_spools_are_found_once, setup),
	    cmocka_unit_test_setup(all_mails_are_seen_the_oldest_first, setup),
	    cmocka_unit_test_setup(what_is_damaged_is_seen, setup),
	    cmocka_unit_test_setup(a_mail_is_found_by_a_beginning, setup),
	    cmocka_unit_test_setup(a_mail_is_held_and_released, setup),
	    cmocka_unit_test_setup(a_failed_mail_is_opened_again, setup),
	    cmocka_unit_test_setup(what_cannot_be_is_refused, setup),
	    cmocka_unit_test_setup(any_mail_is_deleted, setup),
	};

	host_init(&host);
	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
