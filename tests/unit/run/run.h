#ifndef RUN_H
#define RUN_H

/* A run with a configuration whose smarthost plays scripts. */

#include "../server.h"
#include "config/config.h"
#include "run/dispatch.h"

struct run {
	struct peer peer;
	struct config config;
	struct host host;
	struct log log;
	struct dispatch_plan plan;
	struct dispatch *dispatch;
	struct error e;
};

/* scripts: NULL where nobody listens; more: lines of the configuration. */
static inline void
run_begin(struct run *r, const char *const *scripts, const char *more)
{
	char text[1000];

	memset(r, 0, sizeof(*r));
	if (scripts != NULL)
		r->peer = server_start(scripts);
	else
		close(peer_listen(&r->peer.port, 1));
	unlink(in_folder("log"));
	snprintf(text, sizeof(text),
	    "smarthost smtp+plain://localhost:%d\nlog %s\nhelo client\n%s",
	    r->peer.port, in_folder("log"), more);
	config_init(&r->config);
	if (config_parse(&r->config, "test", text_of(text), NULL) > 0)
		fail_msg("%s", r->config.faults[0].what);
	config_end(&r->config);
	host_init(&r->host);
	log_init(&r->log, "test");
	r->log.quiet = true;
	r->plan = (struct dispatch_plan){
	    .config = &r->config, .host = &r->host, .log = &r->log};
	r->dispatch = dispatch_new(&r->plan);
}

static inline void
run_end(struct run *r)
{
	dispatch_free(r->dispatch);
	log_clear(&r->log);
	config_clear(&r->config);
	if (r->peer.pid > 0)
		assert_int_equal(peer_end(r->peer), 0);
}

/* Whether the words stand in the log, in this order. */
static inline bool
run_logged(const char *const *words)
{
	const char *at = folder_content("log");

	for (; at != NULL && *words != NULL; words++)
		at = strstr(at, *words);
	return at != NULL;
}

#endif
