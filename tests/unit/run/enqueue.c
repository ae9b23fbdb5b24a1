#include "../unit.h"

#include <errno.h>
#include <sys/resource.h>

#include "../folder.h"
#include "../parse.h"
#include "run/enqueue.h"

static const char *const paths[] = {"a@x", "b@x", "c@x"};

/* A mail to some of them, and a spool. */
struct trial {
	struct config config;
	struct host host;
	struct facts facts;
	struct settings_plan settings;
	struct enqueue *q;
	struct envelope envelope;
	struct mail mail;
	char id[TICKET_ID_MAX + 1];
	struct error why;
	struct error e;
};

static void
open_spool(struct trial *t)
{
	const struct enqueue_plan plan = {.account = &t->config.accounts[0],
	    .facts = &t->facts,
	    .host = &t->host,
	    .config = &t->config,
	    .settings = &t->settings};

	enqueue_free(t->q);
	t->q = enqueue_new(&plan);
}

/* verdicts: a letter for each recipient. */
static void
decide(struct trial *t, const char *verdicts)
{
	static const char letters[] = "oadrlu";
	enum verdict verdict;
	size_t i;

	envelope_clear(&t->envelope);
	envelope_init(&t->envelope);
	envelope_set_reverse_path(&t->envelope, TEXT("from@x"), NULL);
	for (i = 0; verdicts[i] != '\0'; i++) {
		envelope_add(&t->envelope, text_of(paths[i]), NULL);
		verdict =
		    (enum verdict)(strchr(letters, verdicts[i]) - letters);
		envelope_decide(&t->envelope.recipients[i], verdict,
		    verdict == VERDICT_REFUSED ? 550 : 450,
		    (struct enhanced){0},
		    verdict == VERDICT_REFUSED || verdict == VERDICT_LATER
			? "said so"
			: NULL);
		t->envelope.recipients[i].own = true;
	}
}

static void
begin(struct trial *t, const char *more)
{
	char text[600];

	memset(t, 0, sizeof(*t));
	folder_run("rm -rf spool");
	snprintf(text, sizeof(text),
	    "account work\nsmarthost smtp+plain://localhost\nspool %s\n"
	    "spool-volatile yes\n%s",
	    in_folder("spool"), more);
	config_init(&t->config);
	assert_int_equal(
	    config_parse(&t->config, "test", text_of(text), NULL), 0);
	config_end(&t->config);
	host_init(&t->host);
	t->facts.now.seconds = host_now().seconds;
	t->facts.login = t->facts.host = t->facts.full_name = "";
	envelope_init(&t->envelope);
	t->mail.envelope = &t->envelope;
	t->mail.message = parse(TEXT("Subject: x\n\nx\n"));
	open_spool(t);
}

static void
end(struct trial *t)
{
	enqueue_free(t->q);
	envelope_clear(&t->envelope);
	message_free(t->mail.message);
	config_clear(&t->config);
}

static void
run(struct trial *t, enum error_kind kind, enum enqueue_result expected)
{
	error_clear(&t->e);
	if (kind != ERROR_NONE)
		error_set(&t->e, kind, NULL, "the attempt failed");
	t->id[0] = '\0';
	assert_int_equal(
	    enqueue_mail(t->q, &t->mail, t->id, &t->why, &t->e), expected);
}

static bool
is_there(struct trial *t, char letter)
{
	char name[FOLDER_NAME], path[FOLDER_NAME + 10];

	spool_name(letter, t->id, name);
	snprintf(path, sizeof(path), "spool/%s", name);
	return access(in_folder(path), F_OK) == 0;
}

/* What each verdict comes to: the promise, row by row. */
static void
verdicts_decide(void **state)
{
	static const struct {
		const char *verdicts; /* open, accepted, delivered, refused,
				       * later, unsure */
		bool all;
		enum error_kind kind; /* of the attempt */
		enum enqueue_result result;
		enum error_kind left;
		const char *after; /* as envelope_verdict_word() begins */
	} rows[] = {
	    {"d", false, ERROR_NONE, ENQUEUE_NOTHING, ERROR_NONE, "d"},
	    {"ddd", true, ERROR_NONE, ENQUEUE_NOTHING, ERROR_NONE, "ddd"},
	    {"o", false, ERROR_NONE, ENQUEUE_KEPT, ERROR_NONE, "q"},
	    {"ooo", false, ERROR_LATER, ENQUEUE_KEPT, ERROR_NONE, "qqq"},
	    {"o", false, ERROR_HOST, ENQUEUE_KEPT, ERROR_NONE, "q"},
	    {"o", false, ERROR_DENIED, ENQUEUE_KEPT, ERROR_NONE, "q"},
	    {"o", false, ERROR_CONFIG, ENQUEUE_KEPT, ERROR_NONE, "q"},
	    {"o", false, ERROR_PROTOCOL, ENQUEUE_KEPT, ERROR_NONE, "q"},
	    {"o", false, ERROR_SYSTEM, ENQUEUE_KEPT, ERROR_NONE, "q"},
	    {"o", false, ERROR_BUG, ENQUEUE_KEPT, ERROR_NONE, "q"},
	    {"l", false, ERROR_LATER, ENQUEUE_KEPT, ERROR_NONE, "q"},
	    {"u", false, ERROR_DOUBTFUL, ENQUEUE_KEPT, ERROR_NONE, "q"},
	    {"a", false, ERROR_LATER, ENQUEUE_KEPT, ERROR_NONE, "q"},
	    {"r", false, ERROR_RECIPIENT, ENQUEUE_COPIED, ERROR_RECIPIENT, "r"},
	    {"rr", false, ERROR_MESSAGE, ENQUEUE_COPIED, ERROR_MESSAGE, "rr"},
	    {"dr", false, ERROR_RECIPIENT, ENQUEUE_COPIED, ERROR_RECIPIENT,
		"dr"},
	    {"dl", false, ERROR_REFUSED, ENQUEUE_KEPT, ERROR_NONE, "dq"},
	    {"du", false, ERROR_REFUSED, ENQUEUE_KEPT, ERROR_NONE, "dq"},
	    {"drl", false, ERROR_REFUSED, ENQUEUE_KEPT, ERROR_RECIPIENT, "drq"},
	    {"rl", false, ERROR_LATER, ENQUEUE_KEPT, ERROR_RECIPIENT, "rq"},
	    {"ro", true, ERROR_RECIPIENT, ENQUEUE_COPIED, ERROR_RECIPIENT,
		"ro"},
	    {"rl", true, ERROR_RECIPIENT, ENQUEUE_COPIED, ERROR_RECIPIENT,
		"rl"},
	    {"lo", true, ERROR_LATER, ENQUEUE_KEPT, ERROR_NONE, "qq"},
	};
	const char *word;
	struct trial t;
	size_t i, k;

	(void)state;
	begin(&t, "");
	for (i = 0; i < COUNT(rows); i++) {
		decide(&t, rows[i].verdicts);
		t.mail.all_or_none = rows[i].all;
		run(&t, rows[i].kind, rows[i].result);
		if (t.e.kind != rows[i].left)
			fail_msg("%s: %s", rows[i].verdicts, t.e.text);
		for (k = 0; k < t.envelope.count; k++) {
			word = envelope_verdict_word(
			    t.envelope.recipients[k].verdict);
			if (word[0] != rows[i].after[k])
				fail_msg("%s: %s", rows[i].verdicts, word);
		}
		if (rows[i].result == ENQUEUE_KEPT)
			assert_int_equal(t.why.kind, rows[i].kind);
		assert_int_equal(
		    is_there(&t, 'Q'), rows[i].result == ENQUEUE_KEPT);
		assert_int_equal(
		    is_there(&t, 'F'), rows[i].result == ENQUEUE_COPIED);
	}
	end(&t);
}

/* Where the mail itself was refused behind RCPT. */
static void
a_refused_mail_is_69(void **state)
{
	struct trial t;

	(void)state;
	begin(&t, "");
	decide(&t, "lr");
	t.envelope.recipients[1].own = false;
	run(&t, ERROR_REFUSED, ENQUEUE_KEPT);
	assert_int_equal(t.e.kind, ERROR_REFUSED);
	assert_non_null(strstr(t.e.text, "1 of 2"));
	end(&t);
}

/* A server that put this mail off is left alone for half an hour, one that
 * could not be reached for `spool-retry'; what nobody tried is due. */
static void
when_it_is_due(void **state)
{
	static const struct {
		const char *verdicts;
		enum error_kind kind;
		long long least, most; /* from now on */
	} rows[] = {{"o", ERROR_LATER, 60 * 9 / 10, 60 * 11 / 10 + 2},
	    {"l", ERROR_LATER, 1800 * 9 / 10, 1800 * 11 / 10 + 2},
	    {"o", ERROR_NONE, -0x7fffffff, 0}};
	char name[FOLDER_NAME];
	struct folder_entry entry;
	struct trial t;
	size_t i;

	(void)state;
	begin(&t, "spool-retry 1m 1h\n");
	for (i = 0; i < COUNT(rows); i++) {
		decide(&t, rows[i].verdicts);
		run(&t, rows[i].kind, ENQUEUE_KEPT);
		spool_name('Q', t.id, name);
		assert_int_equal(
		    folder_look(enqueue_folder(t.q), name, &entry), 0);
		assert_in_range(entry.due - t.facts.now.seconds + 0x7fffffffLL,
		    rows[i].least + 0x7fffffffLL, rows[i].most + 0x7fffffffLL);
	}
	end(&t);
}

/* Boards begin in 1970, and some believe in 2100: the mail is kept, and due in
 * a time that somebody may wait for. */
static void
clocks_are_wrong(void **state)
{
	static const long long moments[] = {-1, 0, 1, 4102444800, 0xffffffffff};
	const long long now = host_now().seconds;
	char name[FOLDER_NAME];
	struct folder_entry entry;
	struct spooled s;
	struct trial t;
	size_t i;

	(void)state;
	begin(&t, "");
	for (i = 0; i < COUNT(moments); i++) {
		t.facts.now.seconds = moments[i];
		decide(&t, "o");
		run(&t, ERROR_LATER, ENQUEUE_KEPT);
		spool_name('Q', t.id, name);
		assert_int_equal(
		    folder_look(enqueue_folder(t.q), name, &entry), 0);
		assert_true(entry.due >= now && entry.due <= now + 5 * 3600);
		assert_int_equal(spooled_read(enqueue_folder(t.q), name,
				     SPOOLED_MESSAGE, &s, &t.e),
		    1);
		assert_int_equal(
		    s.ticket.created, moments[i] < 0 ? 0 : moments[i]);
		spooled_clear(&s);
	}
	end(&t);
}

/* What a spool that takes nothing adds to why the mail did not go. */
static void
trouble_is_told_with_the_reason(void **state)
{
	static const struct {
		const char *verdicts;
		enum error_kind kind, left;
		const char *words[2];
	} rows[] = {
	    {"o", ERROR_DENIED, ERROR_LATER, {"the attempt failed", "mode"}},
	    {"l", ERROR_LATER, ERROR_LATER, {"the attempt failed", "mode"}},
	    {"u", ERROR_DOUBTFUL, ERROR_DOUBTFUL, {"the attempt", "mode"}},
	    {"dl", ERROR_REFUSED, ERROR_REFUSED, {"the attempt", "mode"}},
	    {"o", ERROR_NONE, ERROR_LATER, {"", "mode"}},
	    {"r", ERROR_RECIPIENT, ERROR_RECIPIENT, {"the attempt", ""}}};
	struct trial t;
	size_t i;

	(void)state;
	begin(&t, "");
	assert_int_equal(folder_run("chmod 755 spool"), 0);
	open_spool(&t);
	assert_null(enqueue_folder(t.q));
	for (i = 0; i < COUNT(rows); i++) {
		decide(&t, rows[i].verdicts);
		run(&t, rows[i].kind, ENQUEUE_NOTHING);
		if (t.e.kind != rows[i].left ||
		    strstr(t.e.text, rows[i].words[0]) == NULL ||
		    strstr(t.e.text, rows[i].words[1]) == NULL)
			fail_msg("%zu: %d %s", i, (int)t.e.kind, t.e.text);
		assert_int_equal(
		    t.why.kind != ERROR_NONE, rows[i].kind == ERROR_RECIPIENT);
		if (rows[i].words[1][0] != '\0')
			assert_non_null(strstr(t.e.hint, "chmod 700"));
		assert_int_equal(
		    envelope_count(&t.envelope, VERDICT_QUEUED), 0);
	}
	end(&t);
}

static void
without_a_spool_nothing_is_kept(void **state)
{
	struct trial t;

	(void)state;
	begin(&t, "account other\nspool off\n");
	enqueue_free(t.q);
	t.q = NULL;
	assert_null(enqueue_folder(t.q));
	decide(&t, "o");
	run(&t, ERROR_DENIED, ENQUEUE_NOTHING);
	assert_int_equal(t.e.kind, ERROR_DENIED);
	assert_string_equal(t.e.text, "the attempt failed");
	end(&t);
}

/* A later run has the files alone. */
static void
the_account_is_in_the_files(void **state)
{
	static const struct {
		const char *files; /* NULL: there are none */
		const char *keyword, *value;
		bool kept;
	} rows[] = {
	    {"account work\nsmarthost smtp+plain://localhost\n", "smarthost",
		"smtp+plain://localhost", true},
	    {"account work\nsmarthost smtp+plain://localhost:25\n", "smarthost",
		"smtp+plain://localhost", true},
	    {"account work\nsmarthost smtp+plain://localhost:26\n", "smarthost",
		"smtp+plain://localhost", false},
	    {"account work\nsmarthost smtp://localhost:25\n", "smarthost",
		"smtp+plain://localhost", false},
	    {"account work\nsmarthost smtp+plain://localhost\n"
	     "smarthost smtp+plain://second\n",
		"smarthost", "smtp+plain://localhost", false},
	    {"account other\nsmarthost smtp+plain://localhost\n", "smarthost",
		"smtp+plain://localhost", false},
	    {"account work\nsmarthost smtp+plain://localhost\nuser a\n"
	     "password x\n",
		"user", "a", true},
	    {"account work\nsmarthost smtp+plain://localhost\nuser b\n"
	     "password x\n",
		"user", "a", false},
	    {"account work\nsmarthost smtp+plain://localhost\n", "user", "a",
		false},
	    {NULL, "smarthost", "smtp+plain://localhost", false},
	    /* What decides upon neither is no matter. */
	    {NULL, "timeout", "3", true},
	    {NULL, NULL, NULL, true},
	};
	struct trial t;
	char text[600];
	size_t i;

	(void)state;
	setenv("XDG_CONFIG_HOME", folder, 1);
	for (i = 0; i < COUNT(rows); i++) {
		begin(&t, "");
		folder_run("mkdir -p sendling; rm -f sendling/config");
		if (rows[i].files != NULL) {
			snprintf(text, sizeof(text), "%sspool %s\n",
			    rows[i].files, in_folder("spool"));
			folder_put("sendling/config", text, strlen(text), 0600);
		}
		config_clear(&t.config);
		if (rows[i].keyword != NULL)
			config_set(&t.config, "--set", text_of(rows[i].keyword),
			    text_of(rows[i].value));
		snprintf(text, sizeof(text),
		    "account work\nsmarthost smtp+plain://localhost\n"
		    "password x\nspool %s\nspool-volatile yes\n",
		    in_folder("spool"));
		config_parse(&t.config, "test", text_of(text), NULL);
		config_end(&t.config);
		open_spool(&t);
		decide(&t, "o");
		run(&t, ERROR_DENIED,
		    rows[i].kept ? ENQUEUE_KEPT : ENQUEUE_NOTHING);
		if (!rows[i].kept) {
			assert_int_equal(t.e.kind, ERROR_DENIED);
			assert_non_null(strstr(t.e.text, "account `work'"));
			assert_non_null(strstr(t.e.text, "--set"));
		}
		end(&t);
	}
	unsetenv("XDG_CONFIG_HOME");
}

/* -C is one of many files. */
static void
a_file_that_was_named_is_not_the_usual_one(void **state)
{
	struct trial t;

	(void)state;
	setenv("XDG_CONFIG_HOME", in_folder("none"), 1);
	begin(&t, "");
	t.settings.path = "/some/file";
	open_spool(&t);
	decide(&t, "o");
	run(&t, ERROR_HOST, ENQUEUE_NOTHING);
	assert_int_equal(t.e.kind, ERROR_HOST);
	assert_non_null(strstr(t.e.text, "-C has it"));
	unsetenv("XDG_CONFIG_HOME");
	end(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(verdicts_decide),
	    cmocka_unit_test(a_refused_mail_is_69),
	    cmocka_unit_test(when_it_is_due),
	    cmocka_unit_test(clocks_are_wrong),
	    cmocka_unit_test(trouble_is_told_with_the_reason),
	    cmocka_unit_test(without_a_spool_nothing_is_kept),
	    cmocka_unit_test(the_account_is_in_the_files),
	    cmocka_unit_test(a_file_that_was_named_is_not_the_usual_one)};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
