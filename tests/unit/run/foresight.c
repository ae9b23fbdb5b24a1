#include "../unit.h"

#include "../folder.h"
#include "../parse.h"
#include "run/foresight.h"
#include "world/tls.h"

#define FROM   "from alice@example.com\naliases off\n"
#define PLAIN  "smarthost smtp+plain://localhost\n" FROM
#define TLS    "smarthost smtps://localhost\n" FROM
#define LMTP   "smarthost lmtp://localhost\n" FROM
#define NO_KEY "user a\npassword-file /nowhere/key\n"
#define NO_CA  "tls-trust /nowhere/ca\n"
#define SPOOL  "spool /nowhere/spool\n"

/* Two accounts: one can send, the other cannot. */
#define WORK	"match *@work.example\n"
#define TWO	"account work\n" WORK PLAIN NO_KEY "account home\n" PLAIN
#define TWO_TOO "account home\n" PLAIN "account work\n" WORK PLAIN NO_KEY

static char bob[] = "bob@example.org";

static struct config config;
static struct error error;

static void
read_config(const char *text)
{
	config_clear(&config);
	config_init(&config);
	if (config_parse(&config, "test", text_of(text), NULL) > 0)
		fail_msg("%s", config.faults[0].what);
	config_end(&config);
}

/* What the command line has. */
struct asked {
	const char *account; /* -a */
	char *sender;	     /* -f */
	char *to;	     /* NULL: bob */
	enum request_queue queue;
	const char *path; /* -C */
	bool from_fields; /* -t */
};

static int
check(const struct asked *asked)
{
	struct request_recipient to = {
	    .list = asked->to == NULL ? bob : asked->to};
	const struct request request = {.recipients = &to,
	    .recipient_count = asked->from_fields ? 0 : 1,
	    .from_fields = asked->from_fields,
	    .reverse_path = asked->sender,
	    .queue = asked->queue};
	const struct host host = {.login = "alice", .home = "/nowhere"};
	const struct settings_plan settings = {.path = asked->path};
	const struct foresight_plan plan = {.config = &config,
	    .settings = &settings,
	    .host = &host,
	    .account = asked->account,
	    .request = &request,
	    .empty = parse(TEXT(""))};
	int result;

	error_clear(&error);
	result = foresight_check(&plan, &error);
	message_free(plan.empty);
	assert_int_equal(result, error.kind == ERROR_NONE ? 0 : -1);
	return result;
}

static const struct {
	const char *sentence;
	const char *config;
	struct asked asked;
	enum error_kind kind;
	const char *words; /* of the error; NULL: nothing is foreseen */
} rows[] = {
    {"a mail that can be sent", PLAIN, {0}, ERROR_NONE, NULL},
    {"no smarthost", FROM, {0}, ERROR_CONFIG, "has no `smarthost'"},
    {"no such account", PLAIN, {.account = "work"}, ERROR_CONFIG,
	"there is no account `work'"},

    /* The envelope, as far as it is known. */
    {"no address", PLAIN, {.to = "a@b@c"}, ERROR_MESSAGE, ""},
    {"a bare name", PLAIN, {.to = "root"}, ERROR_RECIPIENT, "root"},
    {"recipients that fields name", PLAIN, {.from_fields = true}, ERROR_NONE,
	NULL},
    {"a sender who lacks a domain", PLAIN, {.sender = "alice"}, ERROR_CONFIG,
	"alice"},
    {"aliases that are not there",
	"smarthost smtp+plain://h\naliases /nowhere/aliases\nfrom a@x\n",
	{.to = "root"}, ERROR_CONFIG, "/nowhere/aliases"},
    {"and that nobody asks for",
	"smarthost smtp+plain://h\naliases /nowhere/aliases\nfrom a@x\n", {0},
	ERROR_NONE, NULL},

    /* The secret. */
    {"a file that is not there", PLAIN NO_KEY, {0}, ERROR_CONFIG,
	"/nowhere/key"},
    {"one that is asked for", PLAIN "user a\n", {0}, ERROR_NONE, NULL},
    {"a value", PLAIN "user a\npassword x\n", {0}, ERROR_NONE, NULL},
    {"no such command", PLAIN "user a\npassword-command /nowhere/pass x\n", {0},
	ERROR_CONFIG, "password-command: "},

    /* The trust. */
    {"none for TLS", TLS NO_CA, {0}, ERROR_CONFIG, "/nowhere/ca"},
    {"none, which nobody asks for", PLAIN NO_CA, {0}, ERROR_NONE, NULL},
    {"none where TLS need not be", LMTP NO_CA, {0}, ERROR_NONE, NULL},
    {"none for the second smarthost",
	PLAIN "smarthost smtps://localhost\n" NO_CA, {0}, ERROR_CONFIG,
	"/nowhere/ca"},

    /* A spool keeps what cannot be sent, but no envelope that is wrong. */
    {"the spool keeps it", PLAIN NO_KEY SPOOL, {0}, ERROR_NONE, NULL},
    {"without a trust", TLS NO_CA SPOOL, {0}, ERROR_NONE, NULL},
    {"without a smarthost", FROM SPOOL, {0}, ERROR_NONE, NULL},
    {"but no address that is none", PLAIN SPOOL, {.to = "a@b@c"}, ERROR_MESSAGE,
	""},
    {"nor what -C names", PLAIN NO_KEY SPOOL, {.path = "/nowhere/config"},
	ERROR_CONFIG, "/nowhere/key"},
    {"--no-queue", PLAIN NO_KEY SPOOL, {.queue = QUEUE_NEVER}, ERROR_CONFIG,
	"/nowhere/key"},
    {"--queue-only", PLAIN NO_KEY SPOOL, {.queue = QUEUE_ONLY}, ERROR_NONE,
	NULL},
    {"--queue-only, where there is no spool", PLAIN, {.queue = QUEUE_ONLY},
	ERROR_SPOOL, "the account has no spool"},
    {"or none for what -C names", PLAIN SPOOL,
	{.queue = QUEUE_ONLY, .path = "/nowhere/config"}, ERROR_CONFIG,
	"a later run finds no account"},
    {"-odq", PLAIN NO_KEY SPOOL, {.queue = QUEUE_FIRST}, ERROR_NONE, NULL},
    {"-odq, which sends where there is no spool", PLAIN NO_KEY,
	{.queue = QUEUE_FIRST}, ERROR_CONFIG, "/nowhere/key"},
    {"and can", PLAIN, {.queue = QUEUE_FIRST}, ERROR_NONE, NULL},

    /* Which account it is. */
    {"one that a field may choose is enough", TWO, {0}, ERROR_NONE, NULL},
    {"in whatever order they stand", TWO_TOO, {0}, ERROR_NONE, NULL},
    {"and behind the null reverse-path", TWO, {.sender = ""}, ERROR_NONE, NULL},
    {"one that -f chooses is the one", TWO_TOO, {.sender = "a@work.example"},
	ERROR_CONFIG, "/nowhere/key"},
    {"and so is that of -a", TWO_TOO, {.account = "work"}, ERROR_CONFIG,
	"/nowhere/key"},
    {"-a chooses one that can", TWO, {.account = "home"}, ERROR_NONE, NULL},
    {"none of them can", "account a\n" PLAIN NO_KEY "account b\n" FROM, {0},
	ERROR_CONFIG, "account `b' has no `smarthost'"},
};

static void
what_would_fail_is_foreseen(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		read_config(rows[i].config);
		check(&rows[i].asked);
		if (error.kind != rows[i].kind ||
		    (rows[i].words != NULL && strstr(error_line(&error).words,
						  rows[i].words) == NULL))
			fail_msg("%s: %d, %s", rows[i].sentence,
			    (int)error.kind, error_line(&error).words);
	}
}

static void
no_command_is_run(void **state)
{
	char text[400];

	(void)state;
	snprintf(text, sizeof(text),
	    TLS "user a\npassword-command touch %s\n"
		"connect-command touch %s\n",
	    in_folder("ran"), in_folder("ran"));
	read_config(text);
	assert_int_equal(check(&(struct asked){.queue = QUEUE_NEEDED}), 0);
	assert_int_equal(access(in_folder("ran"), F_OK), -1);
}

static void
no_spool_is_made(void **state)
{
	char text[400];

	(void)state;
	snprintf(
	    text, sizeof(text), PLAIN NO_KEY "spool %s\n", in_folder("spool"));
	read_config(text);
	assert_int_equal(check(&(struct asked){.queue = QUEUE_NEEDED}), 0);
	assert_int_equal(access(in_folder("spool"), F_OK), -1);
}

static int
begin(void **state)
{
	error_clear(&error);
	return tls_start_library(&error) == -1 ? -1 : folder_make(state);
}

static int
end(void **state)
{
	config_clear(&config);
	return folder_remove(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_would_fail_is_foreseen),
	    cmocka_unit_test(no_command_is_run),
	    cmocka_unit_test(no_spool_is_made),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
