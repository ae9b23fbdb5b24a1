#include "../unit.h"

#include <dirent.h>
#include <errno.h>
#include <sys/resource.h>

#include "../capture.h"
#include "../folder.h"
#include "../parse.h"
#include "base/mem.h"
#include "message/recode.h"
#include "run/spool.h"
#include "submit/journal.h"

#define NOW 1795388614LL

static const char *const three[] = {"a@x", "b@x", "c@x", NULL};

/* A spool and a mail for it. */
struct trial {
	struct account account;
	struct host host;
	struct facts facts;
	struct folder *folder;
	struct envelope envelope;
	struct spool_mail mail;
	char id[TICKET_ID_MAX + 1];
	char name[FOLDER_NAME]; /* of the file that the mail has become */
	struct error e;
};

static void
begin(struct trial *t, struct message *m)
{
	memset(t, 0, sizeof(*t));
	folder_run("rm -rf spool");
	t->account.name = (char *)(uintptr_t) "work";
	t->account.spool = mem_copy(in_folder("spool"));
	t->account.spool_volatile = SWITCH_YES;
	t->folder = spool_open(&t->account, &t->facts, &t->host, &t->e);
	assert_string_equal(t->e.text, "");
	assert_non_null(t->folder);
	t->envelope = envelope("from@x", three);
	t->mail = (struct spool_mail){.account = &t->account,
	    .envelope = &t->envelope,
	    .message = m,
	    .created = NOW,
	    .due = NOW + 300};
}

static void
end(struct trial *t)
{
	message_free(t->mail.message);
	envelope_clear(&t->envelope);
	folder_free(t->folder);
	free(t->account.spool);
}

static void
keep(struct trial *t)
{
	error_clear(&t->e);
	if (spool_keep(t->folder, &t->mail, t->id, &t->e) != 0)
		fail_msg("%s", t->e.text);
	spool_name(t->mail.failed ? 'F' : 'Q', t->id, t->name);
}

static void
reread(struct trial *t, unsigned how, struct spooled *s)
{
	error_clear(&t->e);
	if (spooled_read(t->folder, t->name, how, s, &t->e) != 1)
		fail_msg("%s", t->e.text);
}

/*
 * What is read is what was written.
 */

/* All that is sent of it, with the bare CRs as they came. */
static void
read_bare(struct message *m, struct buf *out)
{
	struct message_cursor cursor = {.bare_cr = true};
	struct error e;
	char *at;
	long n;

	error_clear(&e);
	do {
		at = buf_reserve(out, 5000);
		n = message_read(m, &cursor, at, 5000, &e);
		assert_int_not_equal(n, -1);
		out->len += (size_t)n;
	} while (n > 0);
}

/* As a server gets it, and what was done to it, or the failure. */
static void
read_recoded(struct message *m, bool eightbit, struct buf *out)
{
	struct recode_remarks remarks;
	struct recode *r;
	struct error e;
	char *at;
	long n = 1;

	error_clear(&e);
	memset(&remarks, 0, sizeof(remarks));
	r = recode_new(m, eightbit, &remarks, &e);
	while (r != NULL && n > 0) {
		at = buf_reserve(out, 5000);
		n = recode_read(r, at, 5000, &e);
		out->len += n > 0 ? (size_t)n : 0;
	}
	buf_format(out, "%d%d%d%d%d %s", remarks.mime_added,
	    remarks.nul_removed, remarks.body_folded, remarks.body_encoded,
	    remarks.body_replaced, e.text);
	recode_free(r);
}

static size_t
count_fields(struct message *m)
{
	size_t at = 0, count = 0;

	while (message_find_next(m, NULL, &at) != NULL)
		count++;
	return count;
}

static void
expect_same(struct message *a, struct message *b)
{
	struct message_facts of_a = *message_facts(a);
	struct message_facts of_b = *message_facts(b);
	struct buf one, other;
	int way;

	assert_int_equal(of_a.body_size, of_b.body_size);
	assert_int_equal(of_a.body_long, of_b.body_long);
	assert_int_equal(of_a.body_8bit, of_b.body_8bit);
	assert_int_equal(of_a.body_utf8, of_b.body_utf8);
	assert_int_equal(of_a.body_nul, of_b.body_nul);
	/* Those that the header's rules made spaces of are none any more. */
	assert_true(of_a.body_cr || !of_b.body_cr);
	assert_int_equal(count_fields(a), count_fields(b));
	for (way = 0; way < 4; way++) {
		buf_init(&one, SIZE_MAX / 4);
		buf_init(&other, SIZE_MAX / 4);
		if (way == 0) {
			read_all(a, 999, &one);
			read_all(b, 4096, &other);
		} else if (way == 1) {
			read_bare(a, &one);
			read_bare(b, &other);
		} else {
			read_recoded(a, way == 2, &one);
			read_recoded(b, way == 2, &other);
		}
		assert_int_equal(one.len, other.len);
		assert_memory_equal(one.at, other.at, one.len);
		buf_clear(&one);
		buf_clear(&other);
	}
}

static void
expect_round_trip(struct trial *t, struct message *m)
{
	struct spooled s;

	t->mail.message = m;
	keep(t);
	reread(t, SPOOLED_MESSAGE, &s);
	expect_same(m, s.message);
	assert_int_equal(folder_unlink(t->folder, &s.file, &t->e), 0);
	spooled_clear(&s);
}

static void
round_trip(struct trial *t, struct text message)
{
	struct message *m = parse(message);

	expect_round_trip(t, m);
	message_free(m);
	t->mail.message = NULL;
}

static const char *const odd[] = {"", "\n", "\r\n\r\n", "\r", "A: b\n\nx\r",
    "A: b\n\n\r", "A: b\n\n\r\r\nx\r\r\r\n", "A: b\n\nx\ry\r\n\rz\n",
    "From a@b Thu\nA: b\n\nFrom a@b Sun Nov 22 12:00:00 2026\n",
    ">From x\nA: b\n\n>From y\n",
    "\xef\xbb\xbf"
    "A: b\n\n\xef\xbb\xbf"
    "A: b\n",
    " A: b\n\nx", "\tx: y\nA: b\n", "A: b\n \n\n c: d\n", "A: \xfc\n\n\xfc",
    "A: b\n\n\xc3\xbc\xc3\n\xbc", "text\nA: b\n", "A: b\n\n.\n..\n.x\n",
    "A: b\nText\nC: d\n", "From : a\n\nx\n"};

static void
odd_messages(void **state)
{
	struct trial t;
	size_t i;

	(void)state;
	begin(&t, NULL);
	for (i = 0; i < COUNT(odd); i++)
		round_trip(&t, text_of(odd[i]));
	round_trip(&t, TEXT("A: b\0c\n\nx\0y\n"));
	end(&t);
}

/* The lines of a file that begin with the mark, without it. */
static void
read_lines(const char *path, const char *mark, struct buf *out)
{
	static char bytes[1 << 20];
	struct text rest = {bytes, 0}, line;
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	rest.len = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	while (text_next_line(&rest, &line)) {
		if (!text_equal(text_first(line, strlen(mark)), text_of(mark)))
			continue;
		buf_add_text(out, text_skip(line, strlen(mark)));
		buf_add_char(out, '\n');
	}
}

/* Each file's lines with that mark are a message. */
static size_t
round_trip_all(struct trial *t, const char *path, const char *mark)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	size_t count = 0;
	char name[400];
	struct buf out;

	assert_non_null(dir);
	buf_init(&out, SIZE_MAX / 4);
	while ((entry = readdir(dir)) != NULL) {
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		if (entry->d_name[0] == '.')
			continue;
		buf_reset(&out);
		read_lines(name, mark, &out);
		if (out.len == 0)
			continue;
		round_trip(t, buf_text(&out));
		count++;
	}
	buf_clear(&out);
	closedir(dir);
	return count;
}

/* Those of the dialogues, what clients of -bs say, and files that are no
 * messages. */
static void
all_messages_of_the_tests(void **state)
{
	struct trial t;

	(void)state;
	begin(&t, NULL);
	assert_true(round_trip_all(&t, "tests/dialogues", "| ") > 15);
	assert_true(round_trip_all(&t, "tests/serve", "C: ") > 20);
	assert_true(round_trip_all(&t, "tests/unit/message", "") > 10);
	end(&t);
}

/* Of the fields what is sent counts, and not what was read. */
static void
repaired_messages(void **state)
{
	struct trial t;
	struct message *m;

	(void)state;
	begin(&t, NULL);
	m = parse(TEXT("Bcc: x\nSubject: y\nTo: z\0\n\nx\n"));
	message_find(m, "Bcc")->dropped = true;
	assert_int_equal(message_replace(message_find(m, "To"),
			     TEXT("c@x,\r\n \r\n d@x"), &t.e),
	    0);
	assert_int_equal(message_append(m, "Date", TEXT("now"), &t.e), 0);
	expect_round_trip(&t, m);
	message_free(m);
	t.mail.message = NULL;
	end(&t);
}

/* The body stays in the file, and is read there a second time. */
static void
large_messages(void **state)
{
	static const char *const lines[] = {
	    "A line of text.\n", "\r\n", "\xc3\xbc and \r bare\r\r\n", "x"};
	struct trial t;
	struct buf in;
	size_t i, k;

	(void)state;
	begin(&t, NULL);
	for (i = 0; i < COUNT(lines); i++) {
		buf_init(&in, SIZE_MAX / 4);
		buf_add_string(&in, "A: b\n\n");
		for (k = 0; in.len < 3 * MESSAGE_MEMORY; k++)
			buf_add_string(&in, lines[i]);
		round_trip(&t, buf_text(&in));
		buf_clear(&in);
	}
	end(&t);
}

static void
the_envelope_and_what_became_of_it(void **state)
{
	const struct error why = {
	    .kind = ERROR_LATER, .code = 451, .why = "451 4.3.0 wait"};
	struct folder_entry entry;
	struct spooled s;
	struct trial t;

	(void)state;
	begin(&t, parse(TEXT("A: b\n\nx\n")));
	t.envelope.recipients[0].verdict = VERDICT_DELIVERED;
	envelope_decide(&t.envelope.recipients[1], VERDICT_REFUSED, 550,
	    (struct enhanced){5, 1, 1}, "550 5.1.1 who");
	t.envelope.recipients[2].verdict = VERDICT_LATER;
	t.mail.all_or_none = t.mail.told = true;
	t.mail.error = &why;
	keep(&t);
	assert_int_equal(folder_look(t.folder, t.name, &entry), 0);
	assert_int_equal(entry.due, NOW + 300);
	reread(&t, SPOOLED_UNLOCKED, &s);
	assert_null(s.message);
	assert_string_equal(s.ticket.id, t.id);
	assert_string_equal(s.ticket.account, "work");
	assert_int_equal(s.ticket.created, NOW);
	assert_int_equal(s.ticket.expires, NOW + ACCOUNT_SPOOL_LIFETIME);
	assert_int_equal(s.ticket.uid, geteuid());
	assert_true(s.ticket.all_or_none);
	assert_string_equal(s.ticket.envelope.reverse_path, "from@x");
	assert_int_equal(s.ticket.envelope.count, 3);
	assert_int_equal(
	    s.ticket.envelope.recipients[0].verdict, VERDICT_DELIVERED);
	assert_string_equal(
	    s.ticket.envelope.recipients[1].reply->words, "550 5.1.1 who");
	assert_true(ticket_is_told(&s.ticket, 1));
	assert_int_equal(s.ticket.envelope.recipients[2].verdict, VERDICT_OPEN);
	assert_int_equal(s.ticket.code, 451);
	assert_string_equal(s.ticket.words, "451 4.3.0 wait");
	assert_false(s.ticket.doubtful);
	spooled_clear(&s);
	end(&t);
}

/* Who may have it is open, and that he may is not forgotten. What the server
 * showed but did not reply is no reason. */
static void
doubt_is_kept(void **state)
{
	const struct error why = {.kind = ERROR_DOUBTFUL,
	    .text = "the connection was lost",
	    .why = "names mail.example.org"};
	struct spooled s;
	struct trial t;

	(void)state;
	begin(&t, parse(TEXT("A: b\n\nx\n")));
	t.envelope.recipients[1].verdict = VERDICT_DOUBTFUL;
	t.mail.error = &why;
	keep(&t);
	reread(&t, 0, &s);
	assert_true(s.ticket.doubtful);
	assert_int_equal(s.ticket.attempts, 1);
	assert_string_equal(s.ticket.words, "the connection was lost");
	assert_int_equal(envelope_count(&s.ticket.envelope, VERDICT_OPEN), 3);
	spooled_clear(&s);
	end(&t);
}

static void
records_are_added(void **state)
{
	const size_t second = 1;
	struct spooled s;
	struct trial t;
	struct buf out;

	(void)state;
	begin(&t, parse(TEXT("A: b\n\nx\n")));
	keep(&t);
	buf_init(&out, 10000);
	reread(&t, 0, &s);
	assert_int_equal(journal_format_attempt(&s.ticket, NOW, &out), 0);
	assert_int_equal(spooled_append(&s, buf_text(&out), &t.e), 0);
	buf_reset(&out);
	assert_int_equal(journal_format_result(&s.ticket, &second, 1,
			     VERDICT_DELIVERED, NULL, &out),
	    0);
	assert_int_equal(spooled_append(&s, buf_text(&out), &t.e), 0);
	assert_int_equal(spooled_rename(&s, 'H', &t.e), 0);
	assert_int_equal(folder_sync(t.folder, &t.e), 0);
	spooled_clear(&s);
	spool_name('H', t.id, t.name);
	reread(&t, SPOOLED_MESSAGE, &s);
	assert_int_equal(s.ticket.attempts, 1);
	assert_int_equal(
	    s.ticket.envelope.recipients[1].verdict, VERDICT_DELIVERED);
	spooled_clear(&s);
	buf_clear(&out);
	end(&t);
}

/* One process at a time; who only looks needs no lock. */
static void
a_file_is_one_process_s(void **state)
{
	struct spooled s, other;
	struct trial t;

	(void)state;
	begin(&t, parse(TEXT("A: b\n\nx\n")));
	keep(&t);
	reread(&t, 0, &s);
	assert_int_equal(spooled_read(t.folder, t.name, 0, &other, &t.e), 0);
	spooled_clear(&other);
	reread(&t, SPOOLED_UNLOCKED | SPOOLED_MESSAGE, &other);
	spooled_clear(&other);
	spooled_clear(&s);
	reread(&t, 0, &s);
	spooled_clear(&s);
	spool_name('F', t.id, t.name);
	assert_int_equal(spooled_read(t.folder, t.name, 0, &other, &t.e), 0);
	spooled_clear(&other);
	assert_string_equal(t.e.text, "");
	end(&t);
}

/*
 * What is not what was written.
 */

static void
expect_damaged(struct trial *t, const char *words)
{
	struct spooled s;

	error_clear(&t->e);
	assert_int_equal(
	    spooled_read(t->folder, t->name, SPOOLED_MESSAGE, &s, &t->e), -1);
	assert_true(s.damaged);
	assert_int_equal(t->e.kind, ERROR_SPOOL);
	if (strstr(t->e.text, words) == NULL)
		fail_msg("%s", t->e.text);
	/* And can be put aside. */
	assert_true(s.file.fd != -1);
	spooled_clear(&s);
}

/* Head, message and trailer are all that counts, but for the journal. */
static void
each_octet_counts(void **state)
{
	unsigned long long at, end_at;
	struct folder_file file;
	struct spooled s;
	struct trial t;
	char octet;

	(void)state;
	begin(&t, parse(TEXT("A: b\n\nx\n")));
	keep(&t);
	reread(&t, 0, &s);
	end_at = s.layout.trailer_at + TICKET_TRAILER;
	spooled_clear(&s);
	for (at = 0; at < end_at; at++) {
		assert_int_equal(folder_lock(t.folder, t.name, &file, &t.e), 1);
		folder_read(t.folder, &file, at, &octet, 1, &t.e);
		octet ^= 1;
		folder_write(t.folder, &file, at, &octet, 1, &t.e);
		folder_close_file(t.folder, &file);
		expect_damaged(&t, t.name);
		assert_int_equal(folder_lock(t.folder, t.name, &file, &t.e), 1);
		octet ^= 1;
		folder_write(t.folder, &file, at, &octet, 1, &t.e);
		folder_close_file(t.folder, &file);
	}
	reread(&t, SPOOLED_MESSAGE, &s);
	spooled_clear(&s);
	end(&t);
}

static void
each_end_counts(void **state)
{
	struct folder_entry entry;
	char path[300];
	struct trial t;
	off_t size;

	(void)state;
	begin(&t, parse(TEXT("A: b\n\nx\n")));
	keep(&t);
	assert_int_equal(folder_look(t.folder, t.name, &entry), 0);
	snprintf(path, sizeof(path), "%s/%s", t.account.spool, t.name);
	assert_int_equal(truncate(path, (off_t)entry.size + 1), 0);
	expect_damaged(&t, "size");
	for (size = (off_t)entry.size - 1; size >= 0;
	     size -= size > 600 ? 97 : 1) {
		assert_int_equal(truncate(path, size), 0);
		expect_damaged(&t, "");
	}
	end(&t);
}

/* A copy under another id would be sent a second time. */
static void
a_file_has_its_own_name(void **state)
{
	struct trial t;
	char script[400], other[FOLDER_NAME];

	(void)state;
	begin(&t, parse(TEXT("A: b\n\nx\n")));
	keep(&t);
	strlcpy(other, t.name, sizeof(other));
	other[20] = other[20] == '0' ? '1' : '0';
	snprintf(script, sizeof(script), "cp spool/%s spool/%s", t.name, other);
	assert_int_equal(folder_run(script), 0);
	strlcpy(t.name, other, sizeof(t.name));
	expect_damaged(&t, "another mail's");
	end(&t);
}

/*
 * What cannot be kept.
 */

static int
count_one(void *arg, const char *name)
{
	(void)name;
	++*(int *)arg;
	return 0;
}

static int
count(struct trial *t, const char *letters)
{
	int all = 0;

	assert_int_equal(
	    folder_scan(t->folder, letters, count_one, &all, &t->e), 0);
	return all;
}

static void
a_spool_can_be_full(void **state)
{
	struct trial t;

	(void)state;
	begin(&t, parse(TEXT("A: b\n\nx\n")));
	t.account.spool_limit = (struct spool_limit){2, 1 << 20};
	keep(&t);
	keep(&t);
	assert_int_equal(spool_keep(t.folder, &t.mail, t.id, &t.e), -1);
	assert_int_equal(t.e.kind, ERROR_SPOOL);
	assert_non_null(strstr(t.e.text, "`spool-limit'"));
	/* What has failed does not wait, and has no limit. */
	t.mail.failed = true;
	keep(&t);
	t.mail.failed = false;
	assert_int_equal(count(&t, "Q"), 2);
	assert_int_equal(count(&t, "F"), 1);
	t.account.spool_limit = (struct spool_limit){100, 20000};
	assert_int_equal(spool_keep(t.folder, &t.mail, t.id, &t.e), -1);
	t.account.spool_limit.octets = 1 << 20;
	keep(&t);
	end(&t);
}

/* As many that wait, of that size. */
static void
fill(unsigned count, off_t size)
{
	char name[FOLDER_NAME];
	unsigned i;
	int fd;

	for (i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "spool/Q%010x-%024x", i, i);
		fd = open(in_folder(name), O_WRONLY | O_CREAT, 0600);
		assert_int_not_equal(fd, -1);
		assert_int_equal(ftruncate(fd, size), 0);
		close(fd);
	}
}

/* Where many wait they are weighed before some mails alone: the limit is passed
 * by a few that are light, and by none that is not. */
static void
a_spool_of_many_is_full_soon_enough(void **state)
{
	static char body[100000];
	struct message *light = parse(TEXT("A: b\n\nx\n"));
	struct message *heavy;
	struct trial t;
	int kept = 0;

	(void)state;
	memset(body, '\n', sizeof(body));
	heavy = parse((struct text){body, sizeof(body)});
	begin(&t, light);
	fill(1025, 8192);
	t.account.spool_limit = (struct spool_limit){2000, 1025 * 8192 + 1};
	t.mail.message = heavy;
	assert_int_equal(spool_keep(t.folder, &t.mail, t.id, &t.e), -1);
	assert_non_null(strstr(t.e.text, "`spool-limit'"));
	t.mail.message = light;
	while (spool_keep(t.folder, &t.mail, t.id, &t.e) == 0)
		assert_in_range(++kept, 1, 3);
	assert_int_equal(spool_keep(t.folder, &t.mail, t.id, &t.e), -1);
	t.account.spool_limit.octets = 1 << 30;
	t.mail.message = heavy;
	keep(&t);
	t.mail.message = light;
	message_free(heavy);
	end(&t);
}

/*
 * Users of a machine, who share a spool.
 */

static const struct caller root = {CALLER_USER, 0, true, "root", ""},
			   bob = {CALLER_USER, 1001, true, "bob", ""},
			   carol = {CALLER_USER, 1002, true, "carol", ""},
			   one = {CALLER_USER, 70001, false, "uid70001", ""},
			   other = {CALLER_USER, 70002, false, "uid70002", ""},
			   tcp = {.kind = CALLER_NETWORK};

/* How many are kept until one is not, which has to be for that reason. */
static int
keep_all(struct trial *t, const struct caller *c, const char *reason)
{
	int kept = 0;

	t->mail.caller = c;
	error_clear(&t->e);
	while (spool_keep(t->folder, &t->mail, t->id, &t->e) == 0)
		assert_in_range(++kept, 1, 1000);
	assert_int_equal(t->e.kind, ERROR_SPOOL);
	if (strstr(t->e.text, reason) == NULL)
		fail_msg("%s", t->e.text);
	return kept;
}

static void
no_user_fills_it_alone(void **state)
{
	struct trial t;

	(void)state;
	begin(&t, parse(TEXT("A: b\n\nx\n")));
	t.account.spool_limit = (struct spool_limit){16, 1 << 20};
	assert_int_equal(keep_all(&t, &bob, "more of user bob (uid 1001)"), 9);
	assert_int_equal(keep_all(&t, &carol, "more of user carol"), 4);
	assert_int_equal(keep_all(&t, &bob, "more of user bob"), 0);
	assert_int_equal(keep_all(&t, &one, "more of uid 70001"), 2);
	assert_int_equal(keep_all(&t, &other, "more of uid 70002"), 0);
	assert_int_equal(keep_all(&t, &tcp, "is full"), 1);
	assert_int_equal(keep_all(&t, &root, "is full"), 0);
	end(&t);
}

static void
but_for_root_and_our_own(void **state)
{
	struct trial t;

	(void)state;
	begin(&t, parse(TEXT("A: b\n\nx\n")));
	t.account.spool_limit = (struct spool_limit){8, 1 << 20};
	assert_int_equal(keep_all(&t, &root, "is full"), 8);
	end(&t);
	begin(&t, parse(TEXT("A: b\n\nx\n")));
	t.account.spool_limit = (struct spool_limit){8, 1 << 20};
	assert_int_equal(keep_all(&t, NULL, "is full"), 8);
	end(&t);
}

/* A line of a mail is none of its ticket. */
static void
nor_by_its_size(void **state)
{
	struct message *light = parse(TEXT("A: b\n\nu 1002 1\n"));
	struct trial t;

	(void)state;
	begin(&t, light);
	t.account.spool_limit = (struct spool_limit){1000, 16 * 8192};
	assert_int_equal(keep_all(&t, &bob, "more of user bob"), 8);
	assert_int_equal(keep_all(&t, &carol, "more of user carol"), 4);
	assert_int_equal(keep_all(&t, &root, "is full"), 3);
	end(&t);
}

/* Who is told that his mail has failed can have that as often as he likes. */
static void
copies_for_callers_take_room(void **state)
{
	struct trial t;

	(void)state;
	begin(&t, parse(TEXT("A: b\n\nx\n")));
	t.account.spool_limit = (struct spool_limit){8, 1 << 20};
	t.mail.failed = true;
	assert_int_equal(keep_all(&t, &bob, "more of user bob"), 5);
	assert_int_equal(keep_all(&t, &root, "is full"), 3);
	t.mail.caller = NULL;
	keep(&t);
	t.mail.failed = false;
	assert_int_equal(keep_all(&t, &bob, "more of user bob"), 5);
	assert_int_equal(count(&t, "F"), 9);
	end(&t);
}

static void
an_id_is_there_once(void **state)
{
	struct trial t;
	char id[TICKET_ID_MAX + 1];

	(void)state;
	begin(&t, parse(TEXT("A: b\n\nx\n")));
	keep(&t);
	strlcpy(id, t.id, sizeof(id));
	t.mail.id = id;
	assert_int_equal(spool_keep(t.folder, &t.mail, t.id, &t.e), 1);
	assert_string_equal(t.e.text, "");
	assert_int_equal(count(&t, "Q"), 1);
	end(&t);
}

/* However much of it fits: nothing is there. */
static void
what_cannot_be_written_is_not_there(void **state)
{
	const rlim_t most = 12288;
	struct rlimit before, small = {0, RLIM_INFINITY};
	struct trial t;
	int result;

	(void)state;
	begin(&t, parse(TEXT("A: b\n\nx\n")));
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	for (; small.rlim_cur < most; small.rlim_cur += 61) {
		error_clear(&t.e);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
		result = spool_keep(t.folder, &t.mail, t.id, &t.e);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
		if (result == 0)
			break;
		assert_int_equal(result, -1);
		assert_int_equal(t.e.kind, ERROR_SPOOL);
		assert_int_equal(count(&t, "QHFXt"), 0);
	}
	assert_true(small.rlim_cur > 4096);
	assert_int_equal(count(&t, "Q"), 1);
	end(&t);
}

static void
an_account_has_a_spool_or_none(void **state)
{
	struct account a = {0};
	struct facts facts = {0};
	struct host host = {0};
	struct error e;

	(void)state;
	error_clear(&e);
	assert_null(spool_open(&a, &facts, &host, &e));
	assert_int_equal(e.kind, ERROR_NONE);
	a.spool = mem_copy(in_folder("file/spool"));
	folder_put("file", "", 0, 0600);
	assert_null(spool_open(&a, &facts, &host, &e));
	assert_int_equal(e.kind, ERROR_SPOOL);
	assert_int_equal(e.sys, ENOTDIR);
	free(a.spool);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(odd_messages),
	    cmocka_unit_test(all_messages_of_the_tests),
	    cmocka_unit_test(repaired_messages),
	    cmocka_unit_test(large_messages),
	    cmocka_unit_test(the_envelope_and_what_became_of_it),
	    cmocka_unit_test(doubt_is_kept),
	    cmocka_unit_test(records_are_added),
	    cmocka_unit_test(a_file_is_one_process_s),
	    cmocka_unit_test(each_octet_counts),
	    cmocka_unit_test(each_end_counts),
	    cmocka_unit_test(a_file_has_its_own_name),
	    cmocka_unit_test(a_spool_can_be_full),
	    cmocka_unit_test(a_spool_of_many_is_full_soon_enough),
	    cmocka_unit_test(no_user_fills_it_alone),
	    cmocka_unit_test(but_for_root_and_our_own),
	    cmocka_unit_test(nor_by_its_size),
	    cmocka_unit_test(copies_for_callers_take_room),
	    cmocka_unit_test(an_id_is_there_once),
	    cmocka_unit_test(what_cannot_be_written_is_not_there),
	    cmocka_unit_test(an_account_has_a_spool_or_none)};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
