#include "run/spool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crypt.h"
#include "base/mem.h"
#include "submit/backoff.h"
#include "submit/journal.h"

#define CHUNK	   ((size_t)64 * 1024)
#define HEAD_FIRST ((size_t)4 * 1024)

/* Of twice so many mails and more not all are weighed before each that has no
 * more octets than this. */
#define WEIGH_EACH 256
#define LIGHT	   65536

struct folder *
spool_open(const struct account *a, const struct facts *f, const struct host *h,
    struct error *e)
{
	struct folder_terms terms = {.owner = geteuid(),
	    .make = true,
	    .volatile_taken = a->spool_volatile == SWITCH_YES};
	struct folder *folder;
	char *path;

	path = facts_spool(a, f, h->home);
	if (path == NULL)
		return NULL;
	terms.path = path;
	folder = folder_open(&terms, e);
	free(path);
	return folder;
}

void
spool_name(char letter, const char *id, char name[FOLDER_NAME])
{
	snprintf(name, FOLDER_NAME, "%c%s", letter, id);
}

/*
 * Whose a mail is.
 */

static bool
is_of_socket(const struct caller *c)
{
	return c != NULL && c->kind != CALLER_SELF;
}

/* Of who came over TCP nobody knows more than that it was not root. */
static unsigned
uid_of(const struct caller *c)
{
	return c != NULL && c->kind == CALLER_USER ? caller_counted_as(c)
						   : geteuid();
}

/*
 * Whether there is room.
 */

/* What is there already, of the mails of these letters. */
struct tally {
	struct folder *folder;
	const char *letters;
	struct spool_limit limit;
	unsigned long long messages, octets;
};

static int
count_name(void *arg, const char *name)
{
	struct tally *t = arg;

	(void)name;
	return ++t->messages >= t->limit.messages;
}

static int
weigh_file(void *arg, const char *name)
{
	struct tally *t = arg;
	struct folder_entry entry;

	if (folder_look(t->folder, name, &entry) == 0)
		t->octets += entry.size;
	return t->octets > t->limit.octets;
}

/* To look at each file for each mail would take the square of their number. Of
 * many that wait all are weighed once in a while, before one that is light. */
static bool
is_weighed(unsigned long long messages, unsigned long long size)
{
	unsigned long long pace = 1;

	while (2 * pace * WEIGH_EACH <= messages)
		pace *= 2;
	return size > LIGHT || messages % pace == 0;
}

/* Of that, what is one user's. */
struct share {
	struct folder *folder;
	unsigned uid;
	unsigned long long messages, octets;
};

/* 0 where nobody knows. */
static unsigned
owner_of(struct folder *f, const char *name)
{
	struct folder_file file;
	char head[HEAD_FIRST];
	unsigned uid = 0;
	long len = 0;

	if (folder_peek(f, name, &file, NULL) == 1)
		len = folder_read(f, &file, 0, head, sizeof(head), NULL);
	if (len > 0)
		ticket_parse_uid((struct text){head, (size_t)len}, &uid);
	folder_close_file(f, &file);
	return uid;
}

static int
weigh_share(void *arg, const char *name)
{
	struct share *his = arg;
	struct folder_entry entry;

	if (owner_of(his->folder, name) == his->uid &&
	    folder_look(his->folder, name, &entry) == 0) {
		his->messages++;
		his->octets += entry.size;
	}
	return 0;
}

static bool
is_half_full(const struct tally *t)
{
	return t->messages > t->limit.messages - t->messages ||
	       t->octets > t->limit.octets - t->octets;
}

/* A user's may be as much as there is room for. To know whose each is takes a
 * look into it, which a folder that is not half full need not. */
static int
check_share(const struct tally *t, const struct caller *c, struct error *e)
{
	struct share his = {.folder = t->folder};

	if (c == NULL || caller_is_free(c) || !is_half_full(t))
		return 0;
	his.uid = uid_of(c);
	if (folder_scan(t->folder, t->letters, weigh_share, &his, e) == -1)
		return -1;
	if (his.messages <= t->limit.messages - t->messages &&
	    his.octets <= t->limit.octets - t->octets)
		return 0;
	error_set(e, ERROR_SPOOL, "spool",
	    "%s has no room for more of %s, as what one user has in it may be "
	    "no more than what is free",
	    SHOWN(text_of(folder_path(t->folder))), caller_name(c).words);
	return error_hint(e,
	    "root's `mailq' lists what waits; a larger spool: spool-limit "
	    "MAILS OCTETS");
}

/* Who is told at once that his mail has failed can have as many copies of such
 * as he likes: of a caller at a socket they take room, too. */
static const char *
letters_that_count(const struct spool_mail *mail)
{
	if (!mail->failed)
		return "QH";
	return is_of_socket(mail->caller) ? "QHF" : "";
}

/* Whether there is room for one more. Its head counts as a block. */
static int
check_limit(struct folder *f, const struct spool_mail *mail,
    const struct ticket *new, struct error *e)
{
	const struct ticket_layout layout = ticket_layout(new, TICKET_BLOCK);
	const unsigned long long size = layout.journal_at + layout.journal_size;
	const struct account *a = mail->account;
	struct tally t = {.folder = f,
	    .letters = letters_that_count(mail),
	    .limit = a->spool_limit.messages == 0 ? ACCOUNT_SPOOL_LIMIT
						  : a->spool_limit,
	    .octets = size};
	int full;

	if (t.letters[0] == '\0')
		return 0;
	full = folder_scan(f, t.letters, count_name, &t, e);
	if (full == 0 && is_weighed(t.messages, size))
		full = folder_scan(f, t.letters, weigh_file, &t, e);
	if (full == -1)
		return -1;
	if (full == 0 && t.octets <= t.limit.octets)
		return check_share(&t, mail->caller, e);
	error_set(e, ERROR_SPOOL, "spool",
	    "%s is full: `spool-limit' allows %llu mails of %llu octets",
	    SHOWN(text_of(folder_path(f))), t.limit.messages, t.limit.octets);
	return error_hint(e,
	    "`mailq' lists what waits, and `sendling -qf' sends it; a larger "
	    "spool: spool-limit MAILS OCTETS");
}

/*
 * Writing.
 */

/* What the message has gained since it was read may be more than a message may
 * have. */
static int
check_header(struct message *m, struct error *e)
{
	if (message_size(m) - message_facts(m)->body_size <=
		MESSAGE_HEADER_MAX &&
	    message_field_count(m) <= MESSAGE_FIELDS_MAX)
		return 0;
	return error_set(e, ERROR_SPOOL, "spool",
	    "the header section is too large to be read a second time");
}

/* A file that is being written. */
struct draft {
	struct folder *folder;
	struct folder_file file;
	unsigned long long at;
	struct crypt_sum *sum; /* of what was written; NULL: no more */
	char *chunk;
};

static int
write_octets(struct draft *d, struct text octets, struct error *e)
{
	if (folder_write(
		d->folder, &d->file, d->at, octets.at, octets.len, e) == -1)
		return -1;
	if (d->sum != NULL)
		crypt_sum_add(d->sum, octets.at, octets.len);
	d->at += octets.len;
	return 0;
}

static int
write_message(struct draft *d, struct message *m, struct error *e)
{
	struct message_cursor cursor = {.bare_cr = true};
	long len;

	while ((len = message_read(m, &cursor, d->chunk, CHUNK, e)) > 0)
		if (write_octets(d, (struct text){d->chunk, (size_t)len}, e) ==
		    -1)
			return -1;
	return (int)len;
}

static int
write_trailer(struct draft *d, struct error *e)
{
	unsigned char sha256[CRYPT_HASH_MAX];
	char trailer[TICKET_TRAILER];
	struct crypt_sum *sum = d->sum;

	d->sum = NULL;
	if (crypt_sum_end(sum, sha256, e) == -1)
		return -1;
	ticket_format_trailer(sha256, trailer);
	return write_octets(d, (struct text){trailer, sizeof(trailer)}, e);
}

/* NULs up to there, so that no record that comes later needs another block. */
static int
write_nuls(struct draft *d, unsigned long long end, struct error *e)
{
	size_t step;

	memset(d->chunk, 0, CHUNK);
	while (d->at < end) {
		step = end - d->at < CHUNK ? (size_t)(end - d->at) : CHUNK;
		if (write_octets(d, (struct text){d->chunk, step}, e) == -1)
			return -1;
	}
	return 0;
}

/* What the attempt before has come to. */
static void
format_journal(
    const struct spool_mail *mail, const struct ticket *t, struct buf *journal)
{
	const struct error *why = mail->error;
	const bool doubtful =
	    envelope_count(mail->envelope, VERDICT_DOUBTFUL) > 0;

	if (why == NULL || why->kind == ERROR_NONE)
		return;
	if (doubtful)
		journal_format_attempt(t, mail->created, journal);
	journal_format_later(
	    t, doubtful, why->code, error_reason(why).words, journal);
}

static int
write_file(struct draft *d, const struct spool_mail *mail, struct ticket *t,
    struct error *e)
{
	struct ticket_layout layout;
	struct buf head, journal;
	int result;

	buf_init(&head, TICKET_HEAD_MAX);
	buf_init(&journal, CHUNK);
	result = ticket_format_head(t, &head);
	if (result == -1)
		error_set(e, ERROR_SPOOL, "spool",
		    "the mail has too many recipients to be kept");
	layout = ticket_layout(t, head.len);
	format_journal(mail, t, &journal);
	if (result == -1 || write_octets(d, buf_text(&head), e) == -1 ||
	    write_message(d, mail->message, e) == -1 ||
	    write_trailer(d, e) == -1 ||
	    write_nuls(d, layout.journal_at, e) == -1 ||
	    write_octets(d, buf_text(&journal), e) == -1)
		result = -1;
	else
		result =
		    write_nuls(d, layout.journal_at + layout.journal_size, e);
	buf_clear(&head);
	buf_clear(&journal);
	return result;
}

static int
write_draft(struct draft *d, const struct spool_mail *mail, struct ticket *t,
    struct error *e)
{
	int result;

	d->sum = crypt_sum_new(CRYPT_SHA256, e);
	if (d->sum == NULL || folder_new_file(d->folder, &d->file, e) == -1) {
		crypt_sum_free(d->sum);
		return -1;
	}
	d->chunk = mem_new(CHUNK, 1);
	result = write_file(d, mail, t, e);
	crypt_sum_free(d->sum);
	free(d->chunk);
	if (result == 0)
		result = folder_set_due(d->folder, &d->file, mail->due, e);
	return result;
}

static int
make_id(const struct spool_mail *mail, struct ticket *t, struct error *e)
{
	unsigned char random[12];

	if (mail->id != NULL) {
		strlcpy(t->id, mail->id, sizeof(t->id));
		return 0;
	}
	if (crypt_random(random, sizeof(random), e) == -1)
		return -1;
	ticket_make_id(mail->created, random, t->id);
	return 0;
}

static unsigned char *
note_told(const struct envelope *env)
{
	unsigned char *told = mem_new(env->count, 1);
	size_t i;

	for (i = 0; i < env->count; i++)
		told[i] = env->recipients[i].verdict == VERDICT_REFUSED;
	return told;
}

/* A ticket that borrows from the mail, but for `told'. */
static int
make_ticket(const struct spool_mail *mail, struct ticket *t, struct error *e)
{
	*t = (struct ticket){.account = mail->account->name,
	    .created = mail->created < 0 ? 0 : mail->created,
	    .uid = uid_of(mail->caller),
	    .gid = getegid(),
	    .all_or_none = mail->all_or_none,
	    .envelope = *mail->envelope,
	    .message_size = message_size(mail->message)};
	t->expires = t->created + backoff_lifetime(mail->account);
	if (make_id(mail, t, e) == -1)
		return -1;
	if (mail->told)
		t->told = note_told(mail->envelope);
	return 0;
}

/* The file under its name: 0, 1 or -1, as spool_keep(). */
static int
publish(struct folder *f, const struct spool_mail *mail, struct ticket *t,
    struct error *e)
{
	struct draft d = {.folder = f, .file = FOLDER_NO_FILE};
	char name[FOLDER_NAME];
	int result;

	spool_name(mail->failed ? 'F' : 'Q', t->id, name);
	result = write_draft(&d, mail, t, e);
	if (result == 0)
		result = folder_publish(f, &d.file, name, e);
	folder_close_file(f, &d.file);
	return result;
}

int
spool_keep(struct folder *f, const struct spool_mail *mail,
    char id[TICKET_ID_MAX + 1], struct error *e)
{
	struct ticket t;
	int result;

	if (check_header(mail->message, e) == -1 ||
	    make_ticket(mail, &t, e) == -1)
		return -1;
	result = check_limit(f, mail, &t, e);
	if (result == 0)
		result = publish(f, mail, &t, e);
	memcpy(id, t.id, sizeof(t.id));
	free(t.told);
	return result;
}

/*
 * Reading.
 */

static int
distrust(struct spooled *s, const char *what, struct error *e)
{
	s->damaged = true;
	return error_set(e, ERROR_SPOOL, "spool", "%s/%s: %s",
	    SHOWN(text_of(folder_path(s->folder))), s->file.name, what);
}

/* 0, or -1: also where fewer octets are there. */
static int
read_octets(struct spooled *s, unsigned long long at, char *out, size_t size,
    struct error *e)
{
	long len;

	len = folder_read(s->folder, &s->file, at, out, size, e);
	if (len == -1)
		return -1;
	return (size_t)len == size ? 0 : distrust(s, "its end is not there", e);
}

/* As much of the file as the head may be, twice as much each time. */
static int
read_more(struct spooled *s, struct buf *head, struct error *e)
{
	const size_t step = head->len == 0 ? HEAD_FIRST : head->len;
	char *at = buf_reserve(head, step);
	long len;

	if (at == NULL)
		return distrust(s, "its head has no end", e);
	len = folder_read(s->folder, &s->file, head->len, at, step, e);
	if (len == 0)
		return distrust(s, "its head has no end", e);
	if (len > 0)
		head->len += (size_t)len;
	return len == -1 ? -1 : 0;
}

static int
read_head(struct spooled *s, struct buf *head, struct error *e)
{
	struct error why;
	size_t len;
	int more = 1;

	error_clear(&why);
	while (more == 1) {
		if (read_more(s, head, e) == -1)
			return -1;
		more =
		    ticket_parse_head(buf_text(head), &s->ticket, &len, &why);
	}
	if (more == -1)
		return distrust(s, why.text, e);
	head->len = len;
	s->layout = ticket_layout(&s->ticket, len);
	return 0;
}

/* A file under another's name would be sent a second time. */
static int
check_file(struct spooled *s, struct error *e)
{
	const struct ticket_layout *layout = &s->layout;
	struct stat st;

	if (strcmp(s->file.name + 1, s->ticket.id) != 0)
		return distrust(s, "it is another mail's", e);
	/* What cannot be seen is not damaged. */
	if (fstat(s->file.fd, &st) == -1)
		return error_set_sys(e, ERROR_SPOOL, errno, "spool",
		    "%s/%s: its size", SHOWN(text_of(folder_path(s->folder))),
		    s->file.name);
	if ((unsigned long long)st.st_size !=
	    layout->journal_at + layout->journal_size)
		return distrust(s, "it has not the size that it says", e);
	return 0;
}

static int
read_journal(struct spooled *s, struct error *e)
{
	const size_t size = s->layout.journal_size;
	char *journal = mem_new(size, 1);
	int result;

	result = read_octets(s, s->layout.journal_at, journal, size, e);
	if (result == 0)
		journal_replay(&s->ticket, (struct text){journal, size});
	free(journal);
	return result;
}

static long
read_again(void *arg, unsigned long long offset, char *bytes, size_t size,
    struct error *e)
{
	struct spooled *s = arg;
	const unsigned long long all = s->ticket.message_size;

	if (offset > all || size > all - offset)
		size = offset > all ? 0 : (size_t)(all - offset);
	return folder_read(
	    s->folder, &s->file, s->layout.message_at + offset, bytes, size, e);
}

/* What message_input() has against it was not there when it was written. */
static int
feed_message(struct spooled *s, struct crypt_sum *sum, struct error *e)
{
	unsigned long long at = s->layout.message_at;
	char *chunk = mem_new(CHUNK, 1);
	struct error why;
	size_t step;
	int result = 0;

	error_clear(&why);
	while (result == 0 && at < s->layout.trailer_at) {
		step = s->layout.trailer_at - at < CHUNK
			   ? (size_t)(s->layout.trailer_at - at)
			   : CHUNK;
		result = read_octets(s, at, chunk, step, e);
		if (result == 0) {
			crypt_sum_add(sum, chunk, step);
			result = message_input(s->message, chunk, step, &why);
		}
		at += step;
	}
	free(chunk);
	if (result == 0)
		result = message_end(s->message, &why);
	return why.kind == ERROR_NONE ? result : distrust(s, why.text, e);
}

static int
check_hash(struct spooled *s, struct crypt_sum *sum, struct error *e)
{
	unsigned char sha256[CRYPT_HASH_MAX];
	char trailer[TICKET_TRAILER];

	if (crypt_sum_end(sum, sha256, e) == -1 ||
	    read_octets(s, s->layout.trailer_at, trailer, sizeof(trailer), e) ==
		-1)
		return -1;
	return ticket_check_trailer(
		   (struct text){trailer, sizeof(trailer)}, sha256)
		   ? 0
		   : distrust(s, "its octets have changed", e);
}

static int
read_message(struct spooled *s, struct text head, struct error *e)
{
	struct crypt_sum *sum = crypt_sum_new(CRYPT_SHA256, e);

	if (sum == NULL)
		return -1;
	s->store = (struct message_store){.arg = s, .again = read_again};
	s->message = message_new(
	    s->ticket.message_size <= MESSAGE_MEMORY ? NULL : &s->store);
	crypt_sum_add(sum, head.at, head.len);
	if (feed_message(s, sum, e) == 0)
		return check_hash(s, sum, e);
	crypt_sum_free(sum);
	return -1;
}

static int
read_file(struct spooled *s, unsigned how, struct error *e)
{
	struct buf head;
	int result;

	buf_init(&head, 2 * (size_t)TICKET_HEAD_MAX);
	result = read_head(s, &head, e);
	if (result == 0)
		result = check_file(s, e);
	if (result == 0)
		result = read_journal(s, e);
	if (result == 0 && (how & SPOOLED_MESSAGE) != 0)
		result = read_message(s, buf_text(&head), e);
	buf_clear(&head);
	return result;
}

int
spooled_read(struct folder *f, const char *name, unsigned how,
    struct spooled *s, struct error *e)
{
	int found;

	memset(s, 0, sizeof(*s));
	ticket_init(&s->ticket);
	s->folder = f;
	found = (how & SPOOLED_UNLOCKED) != 0
		    ? folder_peek(f, name, &s->file, e)
		    : folder_lock(f, name, &s->file, e);
	if (found == 1 && read_file(s, how, e) == -1)
		found = -1;
	return found;
}

void
spooled_clear(struct spooled *s)
{
	message_free(s->message);
	ticket_clear(&s->ticket);
	folder_close_file(s->folder, &s->file);
	memset(s, 0, sizeof(*s));
	s->file = FOLDER_NO_FILE;
}

int
spooled_append(struct spooled *s, struct text records, struct error *e)
{
	if (folder_write(s->folder, &s->file,
		s->layout.journal_at + s->ticket.journal_used, records.at,
		records.len, e) == -1)
		return -1;
	journal_advance(&s->ticket, records);
	return 0;
}

int
spooled_rename(struct spooled *s, char letter, struct error *e)
{
	char name[FOLDER_NAME];

	spool_name(letter, s->file.name + 1, name);
	return folder_rename(s->folder, &s->file, name, e);
}
