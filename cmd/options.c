#include "cmd/options.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "config/keyword.h"

enum arity { ARITY_NONE, ARITY_ATTACHED, ARITY_REQUIRED };

enum {
	OURS = 1,    /* called as sendling: a person or a script of theirs */
	THEIRS = 2,  /* called as sendmail: perhaps a stranger's words */
	LISTING = 4, /* as mailq, which is one of these */
	ANY = OURS | THEIRS
};

struct walk;

struct row {
	const char *spelling;
	enum arity arity;
	unsigned names;
	int (*meaning)(struct walk *w, const char *value);
	size_t at; /* flag, string: offset in struct options */
	enum options_mode mode;
	enum request_queue queue;
	const char *words; /* refuse: why */
};

struct walk {
	struct options *options;
	int argc;
	char **argv;
	int at;		       /* the next argument */
	const struct row *row; /* of the option that is looked at */
	char under[200];       /* a stranger's name, for words; or "" */
	struct error *error;
};

static const char see_help[] = "`sendling --help' lists the options";

static int
set_flag(struct walk *w, const char *value)
{
	(void)value;
	*(bool *)(void *)((char *)w->options + w->row->at) = true;
	return 0;
}

static int
add_verbose(struct walk *w, const char *value)
{
	(void)value;
	w->options->verbose++;
	return 0;
}

static int
set_string(struct walk *w, const char *value)
{
	*(const char **)(void *)((char *)w->options + w->row->at) = value;
	return 0;
}

static int
copy_string(struct walk *w, const char *value)
{
	char **string = (char **)(void *)((char *)w->options + w->row->at);

	free(*string);
	*string = mem_copy(value);
	return 0;
}

static int
set_file(struct walk *w, const char *value)
{
	if (value[0] != '\0')
		return set_string(w, value);
	error_set(w->error, ERROR_USAGE, NULL, "option %s: the value is empty",
	    w->row->spelling);
	return error_hint(w->error, "write the name of a file");
}

static int
set_mode(struct walk *w, const char *value)
{
	(void)value;
	w->options->mode = w->row->mode;
	return 0;
}

static int
ignore(struct walk *w, const char *value)
{
	(void)w;
	(void)value;
	return 0;
}

static int
ignore_aloud(struct walk *w, const char *value)
{
	notes_add(&w->options->notes, "option %s %s is ignored%s",
	    w->row->spelling, value, w->under);
	return 0;
}

static int
refuse(struct walk *w, const char *value)
{
	(void)value;
	error_set(w->error, ERROR_USAGE, NULL, "option %s: %s%s",
	    w->row->spelling, w->row->words,
	    w->row->names == THEIRS ? w->under : "");
	return error_hint(w->error, "%s", see_help);
}

static const struct {
	const char *spelling;
	enum options_mode mode;
	const char *refused;
} modes[] = {
    {"-bm", MODE_SUBMIT, NULL},
    {"-bs", MODE_SERVE, NULL},
    {"-bv", MODE_VERIFY, NULL},
    {"-bp", MODE_QUEUE_LIST, NULL},
    {"-bi", MODE_ALIASES, NULL},
    {"-bC", MODE_CHECK, NULL},
    {"-ba", MODE_SUBMIT, "the ARPANET dialogue is gone; -bs speaks SMTP"},
    {"-bd", MODE_SUBMIT, "this is no daemon; -bs serves one connection"},
    {"-bD", MODE_SUBMIT, "this is no daemon; -bs serves one connection"},
    {"-bh", MODE_SUBMIT, "no status of hosts is kept"},
    {"-bH", MODE_SUBMIT, "no status of hosts is kept"},
    {"-bP", MODE_SUBMIT, "the mails are not counted; -bp lists them"},
    {"-bS", MODE_SUBMIT, "batched SMTP is not read; -bs speaks SMTP"},
    {"-bt", MODE_SUBMIT,
	"there are no rewriting rules; -bv shows the envelope"},
};

#define MODE_COUNT (sizeof(modes) / sizeof(modes[0]))

/* As sendmail does, only the first letter counts. */
static int
parse_mode(struct walk *w, const char *value)
{
	size_t i;

	for (i = 0; i < MODE_COUNT; i++)
		if (value[0] == modes[i].spelling[2])
			break;
	if (i == MODE_COUNT)
		error_set(w->error, ERROR_USAGE, NULL,
		    "option -b: no mode is called `%s'", SHOWN(text_of(value)));
	else if (modes[i].refused != NULL)
		error_set(w->error, ERROR_USAGE, NULL, "option %s: %s",
		    modes[i].spelling, modes[i].refused);
	else {
		w->options->mode = modes[i].mode;
		return 0;
	}
	return error_hint(w->error, "%s", see_help);
}

static void
add_id(struct options *o, const char *id)
{
	o->ids[o->id_count++] = id;
}

static int
add_queue_id(struct walk *w, const char *id)
{
	if (id[0] != '\0') {
		add_id(w->options, id);
		return 0;
	}
	error_set(w->error, ERROR_USAGE, NULL,
	    "option -qI: the id of a mail is empty");
	return error_hint(w->error,
	    "write it, or its beginning, behind the I; `sendling -bp' lists "
	    "them, and -qf sends all");
}

/* `mailq -q' and `-bp -q' still list. A time of sendmail's daemon is passed
 * over: there is one run. */
static int
parse_queue_run(struct walk *w, const char *value)
{
	struct options *o = w->options;

	if (o->mode == MODE_SUBMIT)
		o->mode = MODE_QUEUE_RUN;
	if (value[0] == 'f')
		o->run_all = true;
	else if (value[0] == 'I' && o->mode == MODE_QUEUE_RUN)
		return add_queue_id(w, value + 1);
	else if (value[0] != '\0' && !text_is_digit(value[0]))
		notes_add(&o->notes, "option -q%s is taken for -q", value);
	return 0;
}

/* Who holds one mail and deletes another with one call may mean either. */
static int
add_mail(struct walk *w, const char *value)
{
	struct options *o = w->options;

	if (o->id_count > 0 && o->mode != w->row->mode) {
		error_set(w->error, ERROR_USAGE, NULL,
		    "option %s: another one names mails already",
		    w->row->spelling);
		return error_hint(w->error, "one call, one of them");
	}
	o->mode = w->row->mode;
	add_id(o, value);
	return 0;
}

static int
check_spool(struct walk *w, const char *value)
{
	w->options->mode = MODE_CHECK_SPOOL;
	w->options->age = value;
	return 0;
}

static int
set_queue(struct walk *w, const char *value)
{
	(void)value;
	w->options->request.queue = w->row->queue;
	return 0;
}

/* -od, or DeliveryMode. What a caller's person wrote in our own words stands
 * above it. */
static int
parse_delivery(struct walk *w, char mode)
{
	struct request *r = &w->options->request;

	if (r->queue == QUEUE_NEEDED || r->queue == QUEUE_FIRST)
		r->queue =
		    mode == 'q' || mode == 'd' ? QUEUE_FIRST : QUEUE_NEEDED;
	return 0;
}

static int
parse_body(struct walk *w, const char *value)
{
	if (request_set_body(&w->options->request, text_of(value)) == -1)
		notes_add(&w->options->notes,
		    "option -B %s is ignored: neither 7BIT nor 8BITMIME",
		    value);
	return 0;
}

static int
parse_errors(struct walk *w, const char *value)
{
	if (value[0] == 'q')
		w->options->quiet = true;
	else if (value[0] != '\0' && strchr("pmwe", value[0]) != NULL)
		w->options->quiet = false;
	else
		notes_add(&w->options->notes, "option -e %s is ignored", value);
	return 0;
}

static int
parse_old_setting(struct walk *w, const char *value)
{
	switch (value[0]) {
	case 'i':
		w->options->dot_stays = true;
		return 0;
	case 'e':
		return parse_errors(w, value + 1);
	case 'd':
		return parse_delivery(w, value[1]);
	case 'm':
		return 0;
	}
	notes_add(&w->options->notes, "option -o%s is ignored", value);
	return 0;
}

/* Everything else that sendmail's -O sets has no meaning here. */
static int
parse_setting(struct walk *w, const char *value)
{
	struct request *r = &w->options->request;
	struct text setting = text_of(value);

	if (text_starts_fold(setting, TEXT("deliverymode=")))
		return parse_delivery(w, value[strlen("deliverymode=")]);
	if (text_equal_fold(setting, TEXT("smtputf8=yes")))
		r->smtputf8 = true;
	else if (text_equal_fold(setting, TEXT("requiretls=yes")))
		r->requiretls = true;
	else if (wishes_parse(setting, &r->wishes) == -1) {
		error_set(w->error, ERROR_USAGE, "option -O",
		    "\"%s\" has no value that can be kept", SHOWN(setting));
		return error_hint(w->error,
		    "mt-priority=-9..9, deliver-by=SECONDS;R, "
		    "hold-for=SECONDS, hold-until=2026-12-24T08:00:00Z");
	}
	return 0;
}

static int
refuse_value(
    struct walk *w, const char *value, const char *why, const char *hint)
{
	error_set(w->error, ERROR_USAGE, NULL, "option %s: `%s' %s",
	    w->row->spelling, SHOWN(text_of(value)), why);
	return error_hint(w->error, "%s", hint);
}

static int
parse_notify(struct walk *w, const char *value)
{
	if (dsn_parse_notify(text_of(value), &w->options->request.notify) == 0)
		return 0;
	return refuse_value(w, value, "cannot be asked for",
	    "write `never', or a comma list of success, failure, delay");
}

static int
parse_ret(struct walk *w, const char *value)
{
	if (dsn_parse_ret(text_of(value), &w->options->request.ret) == 0)
		return 0;
	return refuse_value(
	    w, value, "cannot be returned", "write `full' or `hdrs'");
}

static int
add_setting(struct walk *w, const char *value)
{
	if (strchr(value, '=') == NULL)
		return refuse_value(
		    w, value, "has no value", "write --set KEYWORD=VALUE");
	w->options->settings[w->options->setting_count++] =
	    (char *)(uintptr_t)value;
	return 0;
}

/* Who means help by it must not lose a recipient. */
static int
parse_hops(struct walk *w, const char *value)
{
	unsigned long long hops;

	if (text_number(text_of(value), UINT_MAX, &hops))
		return 0;
	return refuse_value(w, value, "is no number of hops", see_help);
}

#define OPTION(member) .at = offsetof(struct options, member)

/* The first row that has the spelling and the name counts. */
static const struct row rows[] = {
    {"-A", ARITY_REQUIRED, ANY, .meaning = ignore},
    {"-a", ARITY_REQUIRED, ANY, .meaning = set_string, OPTION(account)},
    {"--account", ARITY_REQUIRED, OURS, .meaning = set_string, OPTION(account)},
    {"-B", ARITY_REQUIRED, ANY, .meaning = parse_body},
    {"-b", ARITY_REQUIRED, ANY, .meaning = parse_mode},
    {"-C", ARITY_REQUIRED, OURS, .meaning = set_file, OPTION(config)},
    {"-C", ARITY_REQUIRED, THEIRS, .meaning = refuse,
	.words = "no configuration can be named"},
    {"--config", ARITY_REQUIRED, OURS, .meaning = set_file, OPTION(config)},
    {"--set", ARITY_REQUIRED, OURS, .meaning = add_setting},
    {"-c", ARITY_NONE, ANY, .meaning = ignore},
    {"-m", ARITY_NONE, ANY, .meaning = ignore},
    {"-n", ARITY_NONE, ANY, .meaning = set_flag, OPTION(request.no_aliases)},
    {"-s", ARITY_NONE, OURS, .meaning = refuse,
	.words = "there is no option for a subject; write a field `Subject:' "
		 "at the head of the message"},
    {"-s", ARITY_NONE, THEIRS, .meaning = ignore},
    {"-x", ARITY_NONE, ANY, .meaning = ignore},
    {"-G", ARITY_NONE, ANY, .meaning = set_flag, OPTION(request.no_repairs)},
    {"-U", ARITY_NONE, ANY, .meaning = set_flag, OPTION(request.smtputf8)},
    {"-D", ARITY_REQUIRED, OURS, .meaning = ignore},
    {"-D", ARITY_REQUIRED, THEIRS, .meaning = refuse,
	.words = "no file can be named"},
    {"-h", ARITY_REQUIRED, OURS, .meaning = parse_hops},
    {"-h", ARITY_REQUIRED, THEIRS, .meaning = ignore},
    {"-L", ARITY_REQUIRED, ANY, .meaning = set_string, OPTION(tag)},
    {"-M", ARITY_REQUIRED, ANY, .meaning = ignore},
    {"-p", ARITY_REQUIRED, ANY, .meaning = ignore},
    {"-T", ARITY_REQUIRED, ANY, .meaning = ignore},
    {"-d", ARITY_ATTACHED, ANY, .meaning = add_verbose},
    {"-e", ARITY_REQUIRED, ANY, .meaning = parse_errors},
    {"-F", ARITY_REQUIRED, ANY, .meaning = copy_string,
	OPTION(request.full_name)},
    {"-f", ARITY_REQUIRED, ANY, .meaning = copy_string,
	OPTION(request.reverse_path)},
    {"-r", ARITY_REQUIRED, ANY, .meaning = copy_string,
	OPTION(request.reverse_path)},
    {"-I", ARITY_NONE, ANY, .meaning = set_mode, .mode = MODE_ALIASES},
    {"-i", ARITY_NONE, ANY, .meaning = set_flag, OPTION(dot_stays)},
    {"-N", ARITY_REQUIRED, ANY, .meaning = parse_notify},
    {"-O", ARITY_REQUIRED, ANY, .meaning = parse_setting},
    {"-o", ARITY_REQUIRED, ANY, .meaning = parse_old_setting},
    {"-Q", ARITY_ATTACHED, ANY, .meaning = refuse,
	.words = "no mail is quarantined here"},
    {"-J", ARITY_ATTACHED, ANY, .meaning = refuse,
	.words = "there are no code conversions"},
    {"-E", ARITY_ATTACHED, ANY, .meaning = refuse,
	.words = "there are no code conversions"},
    {"-q", ARITY_ATTACHED, ANY, .meaning = parse_queue_run},
    {"-R", ARITY_REQUIRED, ANY, .meaning = parse_ret},
    {"-t", ARITY_NONE, ANY, .meaning = set_flag, OPTION(request.from_fields)},
    {"-V", ARITY_REQUIRED, ANY, .meaning = copy_string, OPTION(request.envid)},
    {"-v", ARITY_NONE, ANY, .meaning = add_verbose},
    {"-X", ARITY_REQUIRED, OURS, .meaning = set_file, OPTION(transcript)},
    {"-X", ARITY_REQUIRED, THEIRS, .meaning = ignore_aloud},
    {"--check", ARITY_NONE, OURS, .meaning = set_mode, .mode = MODE_CHECK},
    {"--queue-only", ARITY_NONE, OURS, .meaning = set_queue,
	.queue = QUEUE_ONLY},
    {"--no-queue", ARITY_NONE, OURS, .meaning = set_queue,
	.queue = QUEUE_NEVER},
    {"--hold", ARITY_REQUIRED, OURS, .meaning = add_mail, .mode = MODE_HOLD},
    {"--release", ARITY_REQUIRED, OURS, .meaning = add_mail,
	.mode = MODE_RELEASE},
    {"--delete", ARITY_REQUIRED, OURS, .meaning = add_mail,
	.mode = MODE_DELETE},
    {"--show", ARITY_REQUIRED, OURS, .meaning = add_mail, .mode = MODE_SHOW},
    {"--check-spool", ARITY_ATTACHED, OURS, .meaning = check_spool},
    {"--probe", ARITY_NONE, OURS, .meaning = set_mode, .mode = MODE_PROBE},
    {"--serverinfo", ARITY_NONE, OURS, .meaning = set_mode, .mode = MODE_PROBE},
    {"--dry-run", ARITY_NONE, OURS, .meaning = set_mode, .mode = MODE_DRY_RUN},
    {"--json", ARITY_NONE, OURS | LISTING, .meaning = set_flag, OPTION(json)},
    {"--all-or-none", ARITY_NONE, OURS, .meaning = set_flag,
	OPTION(request.all_or_none)},
    {"--help", ARITY_NONE, OURS, .meaning = set_mode, .mode = MODE_HELP},
    {"--version", ARITY_NONE, OURS, .meaning = set_mode, .mode = MODE_VERSION},
};

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

#define SMARTHOST "write --set smarthost=smtps://HOST:PORT"

/* Options of msmtp, and what people try who remember mail(1). */
static const struct {
	const char *spelling;
	const char *hint;
} instead[] = {
    {"--host", SMARTHOST},
    {"--port", SMARTHOST},
    {"--protocol", SMARTHOST},
    {"--tls", SMARTHOST},
    {"--tls-starttls", SMARTHOST},
    {"--tls-trust-file", "write --set tls-trust=PATH"},
    {"--tls-host-override", "write --set tls-name=NAME"},
    {"--password", "write --set password-file=PATH"},
    {"--passwordeval", "write --set password-command=COMMAND"},
    {"--logfile", "write --set log=PATH"},
    {"--syslog", "write --set log=syslog"},
    {"--maildomain", "write --set domain=NAME"},
    {"--read-envelope-from", "write --set from-header=yes"},
    {"--read-recipients", "write -t"},
    {"--file", "write --config FILE"},
    {"--pretend", "write --dry-run"},
    {"--debug", "write -v"},
    {"--configure", "sendling-setup asks for an account and writes it"},
    {"--subject", "write a field `Subject:' at the head of the message"},
};

static int
hint_unknown(struct walk *w, struct text spelling)
{
	const struct keyword *k = keyword_find(text_skip(spelling, 2));
	size_t i;

	if (w->options->name != NAME_SENDLING)
		return error_hint(w->error, "%s", see_help);
	for (i = 0; i < sizeof(instead) / sizeof(instead[0]); i++)
		if (text_equal(spelling, text_of(instead[i].spelling)))
			return error_hint(w->error, "%s", instead[i].hint);
	if (k != NULL && (k->flags & KEYWORD_FILES_ONLY) == 0)
		return error_hint(w->error, "write --set %s=VALUE", k->name);
	return error_hint(w->error, "%s", see_help);
}

static const struct row *
find_row(struct walk *w, struct text spelling)
{
	unsigned name = w->options->foreign ? THEIRS : OURS;
	size_t i;

	if (w->options->name == NAME_MAILQ)
		name |= LISTING;
	for (i = 0; i < ROW_COUNT; i++)
		if ((rows[i].names & name) != 0 &&
		    text_equal(text_of(rows[i].spelling), spelling))
			return &rows[i];
	error_set(w->error, ERROR_USAGE, NULL, "there is no option %s%s",
	    SHOWN(spelling), w->under);
	hint_unknown(w, spelling);
	return NULL;
}

/* The detached value: whatever the next argument is, as getopt(3) has it. */
static const char *
next_value(struct walk *w, const struct row *row)
{
	if (w->at < w->argc)
		return w->argv[w->at++];
	error_set(w->error, ERROR_USAGE, NULL, "option %s needs a value",
	    row->spelling);
	error_hint(w->error, "%s", see_help);
	return NULL;
}

static int
parse_long(struct walk *w, const char *argument)
{
	struct text whole = text_of(argument);
	struct text spelling = text_first(whole, text_find(whole, '='));
	const char *value = argument + spelling.len;
	const struct row *row;

	row = find_row(w, spelling);
	if (row == NULL)
		return -1;
	if (*value == '=' && row->arity == ARITY_NONE)
		return error_set(w->error, ERROR_USAGE, NULL,
		    "option %s takes no value", row->spelling);
	if (*value == '=')
		value++;
	else if (row->arity == ARITY_REQUIRED)
		value = next_value(w, row);
	if (value == NULL)
		return -1;
	w->row = row;
	return row->meaning(w, value);
}

/* One letter of a cluster; *rest is moved behind what belongs to it. */
static int
parse_letter(struct walk *w, const char **rest)
{
	char letter[2] = {'-', **rest};
	struct text spelling = {letter, sizeof(letter)};
	const char *value = ++*rest;
	const struct row *row;

	row = find_row(w, spelling);
	if (row == NULL)
		return -1;
	if (row->arity == ARITY_REQUIRED && *value == '\0')
		value = next_value(w, row);
	if (value == NULL)
		return -1;
	if (row->arity != ARITY_NONE)
		*rest = "";
	w->row = row;
	return row->meaning(w, value);
}

static void
add_recipient(struct request *r, const char *argument)
{
	*mem_push(r->recipients, r->recipient_count) =
	    (struct request_recipient){.list = mem_copy(argument)};
}

static int
parse_arguments(struct walk *w)
{
	struct request *r = &w->options->request;
	const char *argument, *letters;
	int result = 0;

	while (result == 0 && w->at < w->argc) {
		argument = w->argv[w->at++];
		if (strcmp(argument, "--") == 0)
			break;
		if (argument[0] != '-' || argument[1] == '\0')
			add_recipient(r, argument);
		else if (argument[1] == '-')
			result = parse_long(w, argument);
		else
			for (letters = argument + 1;
			     result == 0 && *letters != '\0';)
				result = parse_letter(w, &letters);
	}
	while (result == 0 && w->at < w->argc)
		add_recipient(r, w->argv[w->at++]);
	return result;
}

static const char own[] = "sendling";

static const struct {
	const char *called;
	enum options_name name;
	enum options_mode mode;
} names[] = {
    {"mailq", NAME_MAILQ, MODE_QUEUE_LIST},
    {"newaliases", NAME_NEWALIASES, MODE_ALIASES},
};

static void
take_name(struct walk *w, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *called = slash == NULL ? path : slash + 1;
	struct options *o = w->options;
	size_t i;

	/* sendling-1.0 and sendling.new are people's names for it. */
	if (strncmp(called, own, strlen(own)) == 0) {
		o->name = NAME_SENDLING;
		return;
	}
	o->foreign = true;
	o->name = NAME_SENDMAIL;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(called, names[i].called) == 0) {
			o->name = names[i].name;
			o->mode = names[i].mode;
		}
	snprintf(w->under, sizeof(w->under), " under the name `%s'",
	    SHOWN(text_of(called)));
}

/* `--delete A B' names two mails. */
static void
add_further_mails(struct options *o)
{
	size_t i;

	if (o->mode < MODE_HOLD || o->mode > MODE_SHOW)
		return;
	for (i = 0; i < o->request.recipient_count; i++)
		add_id(o, o->request.recipients[i].list);
}

/* `--check-spool 2h' would watch for another time than the one that is meant,
 * `--check FILE' read another file, and nobody would see it. */
static const struct {
	enum options_mode mode;
	const char *name, *hint;
} alone[] = {
    {MODE_CHECK_SPOOL, "--check-spool",
	"an age is attached, as in --check-spool=2h"},
    {MODE_CHECK, "--check",
	"another file is named by -C, as in --check -C FILE"},
    {MODE_PROBE, "--probe",
	"another account is named by -a, as in --probe -a NAME"},
};

static int
refuse_what_stands_apart(struct walk *w)
{
	const struct request *r = &w->options->request;
	size_t i;

	for (i = 0; i < sizeof(alone) / sizeof(alone[0]); i++) {
		if (w->options->mode != alone[i].mode ||
		    r->recipient_count == 0)
			continue;
		error_set(w->error, ERROR_USAGE, NULL,
		    "option %s: `%s' is not part of it", alone[i].name,
		    SHOWN(text_of(r->recipients[0].list)));
		return error_hint(w->error, "%s", alone[i].hint);
	}
	return 0;
}

/* Who is told of a fault must not depend on what stands behind it. */
static bool
asks_for_json(const struct walk *w)
{
	const bool exists =
	    !w->options->foreign || w->options->name == NAME_MAILQ;
	int i = w->at;

	while (i < w->argc && strcmp(w->argv[i], "--") != 0 &&
	       strcmp(w->argv[i], "--json") != 0)
		i++;
	return exists && i < w->argc && strcmp(w->argv[i], "--json") == 0;
}

int
options_parse(
    struct options *o, bool privileged, int argc, char **argv, struct error *e)
{
	struct walk w = {
	    .options = o, .argc = argc, .argv = argv, .at = 1, .error = e};
	size_t most = argc > 0 ? (size_t)argc : 0;

	memset(o, 0, sizeof(*o));
	o->settings = mem_new(most, sizeof(char *));
	o->ids = mem_new(most, sizeof(char *));
	o->age = "";
	take_name(&w, argc > 0 ? argv[0] : "");
	if (privileged) {
		o->foreign = true;
		snprintf(w.under, sizeof(w.under),
		    " with the rights of a set-id program");
	}
	if (parse_arguments(&w) == -1) {
		o->json = o->json || asks_for_json(&w);
		return -1;
	}
	add_further_mails(o);
	return refuse_what_stands_apart(&w);
}

void
options_clear(struct options *o)
{
	request_clear(&o->request);
	free(o->settings);
	free(o->ids);
	notes_clear(&o->notes);
	memset(o, 0, sizeof(*o));
}

const char *
options_help(void)
{
	return "usage: sendling [options] [recipient ...] < message\n"
	       "\n"
	       "Submits the message on standard input to the smarthost, whose\n"
	       "account sendling-setup finds, tries and writes.\n"
	       "\n"
	       "  -t                    recipients also from To, Cc and Bcc\n"
	       "  -f ADDRESS            envelope sender; '' for none\n"
	       "  -F NAME               full name of a From that is added\n"
	       "  -i                    a lone dot does not end the message\n"
	       "  -a, --account NAME    which account of the configuration\n"
	       "  -C, --config FILE     read this configuration only\n"
	       "  --set KEYWORD=VALUE   one keyword of the configuration\n"
	       "  -N LIST, -R WHAT, -V ID\n"
	       "                        delivery status notifications\n"
	       "  -B TYPE               7BIT or 8BITMIME\n"
	       "  -U                    ask for SMTPUTF8\n"
	       "  -O requiretls=yes     ask for REQUIRETLS\n"
	       "  --all-or-none         send only if all recipients are taken\n"
	       "  -v                    tell on stderr what is done; -v -v: "
	       "when\n"
	       "  -X FILE               append the dialogue to FILE\n"
	       "  -L TAG                name in the system's log\n"
	       "  -oeq                  nothing on stderr\n"
	       "  --json                the result as JSON on stdout\n"
	       "  --queue-only          keep the mail in the spool; -q sends it\n"
	       "  --no-queue            send it now or fail\n"
	       "  -q, -qf               send the mails of the spool that are "
	       "due, or\n"
	       "                        all\n"
	       "  -bp                   list them\n"
	       "  --show, --hold, --release, --delete ID\n"
	       "                        one of them\n"
	       "  --check-spool         whether any waits too long or has "
	       "failed\n"
	       "  --dry-run             show what would be sent; send nothing\n"
	       "  -bv                   show the envelope; send nothing\n"
	       "  -bs                   speak SMTP on stdin and stdout\n"
	       "  --check, -bC          check the configuration\n"
	       "  --probe, --serverinfo test the login; send nothing\n"
	       "  --help, --version\n"
	       "\n"
	       "The other options of sendmail are taken and ignored, or refused\n"
	       "where that could cost a mail. sendling(1) and sendling.conf(5)\n"
	       "tell more.\n";
}

const char *
options_spelling(size_t index)
{
	if (index < ROW_COUNT)
		return rows[index].spelling;
	index -= ROW_COUNT;
	return index < MODE_COUNT ? modes[index].spelling : NULL;
}
