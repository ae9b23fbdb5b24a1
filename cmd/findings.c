#include "cmd/findings.h"

#include <stdint.h>
#include <unistd.h>

#include "base/set.h"
#include "cmd/answer.h"
#include "message/address.h"
#include "run/probe.h"
#include "submit/sender.h"
#include "world/file.h"
#include "world/screen.h"

struct findings {
	const struct findings_plan *plan;
	struct buf out;
	struct json json; /* the objects of the smarthosts */
	struct set told;  /* the errors that are printed */
	bool closed;	  /* not all could be */
};

/* What a person looks for first. */
static const char *
colour_of(struct text line, const struct screen_palette *colour)
{
	if (text_starts_fold(line, TEXT("login: accepted")))
		return colour->good;
	if (text_starts_fold(line, TEXT("login: refused")) ||
	    text_starts_fold(line, TEXT("error:")))
		return colour->fault;
	return text_starts_fold(line, TEXT("hint:")) ? colour->aside : NULL;
}

static void
print(struct findings *all)
{
	const struct screen_palette colour = screen_palette(STDOUT_FILENO);
	struct text rest = buf_text(&all->out), line;
	const char *begin;
	struct buf out;

	buf_init(&out, SIZE_MAX);
	while (text_next_line(&rest, &line)) {
		begin = colour_of(line, &colour);
		buf_format(&out, "%s%.*s%s\n", begin == NULL ? "" : begin,
		    TEXT_ARG(line), begin == NULL ? "" : colour.end);
	}
	if (file_write(STDOUT_FILENO, out.at, out.len) == -1)
		all->closed = true;
	buf_clear(&out);
	buf_reset(&all->out);
}

static void
tell(void *arg, const struct finding *f)
{
	struct findings *all = arg;

	if (all->plan->json) {
		finding_add_json(f, &all->json);
		return;
	}
	if (all->told.count > 0)
		buf_add_char(&all->out, '\n');
	finding_format(f, &all->out);
	print(all);
	set_add(&all->told, text_of(f->error.text), SIZE_MAX);
}

static void
remark(void *arg, const char *words)
{
	const struct findings *all = arg;

	log_tell_person(all->plan->log, words);
}

static void
print_json(struct findings *all, const struct account *a, struct error *e)
{
	struct answer answer;

	answer_begin(&answer);
	json_add_string(&answer.json, "account", a == NULL ? NULL : a->name);
	json_add_array(&answer.json, "smarthosts");
	buf_add_text(&answer.out, buf_text(&all->out));
	json_end_array(&answer.json);
	all->closed = answer_end(&answer, e) == -1;
}

static const struct account *
choose(const struct findings_plan *plan, struct error *e)
{
	const struct account *chosen;
	struct buf sender;

	buf_init(&sender, ADDRESS_PATH_MAX);
	sender_add_first(text_of(plan->sender), &sender);
	chosen = config_choose(plan->config, plan->account,
	    sender.len == 0 ? NULL : buf_string(&sender), e);
	buf_clear(&sender);
	return chosen;
}

int
findings_print(const struct findings_plan *plan, bool *told, struct error *e)
{
	struct findings all = {.plan = plan};
	struct probe_plan probe = {.now = host_now().seconds,
	    .trace = log_trace(plan->log),
	    .tell = tell,
	    .remark = remark,
	    .arg = &all};
	struct facts facts;

	buf_init(&all.out, SIZE_MAX);
	json_init(&all.json, &all.out);
	probe.facts = &facts;
	if (e->kind == ERROR_NONE)
		probe.account = choose(plan, e);
	if (probe.account != NULL && host_facts(plan->host, &facts, e) == 0)
		probe_account(&probe, e);
	if (plan->json)
		print_json(&all, probe.account, e);
	if (all.closed)
		error_set(e, ERROR_SYSTEM, "standard output",
		    "cannot write all of it");
	*told = !all.closed &&
		(plan->json || set_find(&all.told, text_of(e->text), SIZE_MAX) <
				   all.told.count);
	set_clear(&all.told);
	buf_clear(&all.out);
	return e->kind == ERROR_NONE ? 0 : -1;
}
