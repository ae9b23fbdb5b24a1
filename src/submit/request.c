#include "submit/request.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void
request_clear(struct request *r)
{
	size_t i;

	for (i = 0; i < r->recipient_count; i++) {
		free(r->recipients[i].list);
		free(r->recipients[i].orcpt);
	}
	free(r->recipients);
	free(r->reverse_path);
	free(r->full_name);
	free(r->envid);
	memset(r, 0, sizeof(*r));
}

int
request_set_body(struct request *r, struct text type)
{
	bool mime = text_equal_fold(type, TEXT("8BITMIME"));

	if (!mime && !text_equal_fold(type, TEXT("7BIT")))
		return -1;
	r->body_given = true;
	r->body = mime ? BODY_8BITMIME : BODY_7BIT;
	return 0;
}

void
request_merge(struct request *r, const struct request *defaults)
{
	if (r->full_name == NULL)
		r->full_name = mem_copy(defaults->full_name);
	if (r->envid == NULL)
		r->envid = mem_copy(defaults->envid);
	if (r->notify == 0)
		r->notify = defaults->notify;
	if (r->ret == RET_NONE)
		r->ret = defaults->ret;
	if (!r->body_given) {
		r->body_given = defaults->body_given;
		r->body = defaults->body;
	}
	r->all_or_none |= defaults->all_or_none;
	r->smtputf8 |= defaults->smtputf8;
	r->requiretls |= defaults->requiretls;
	r->no_aliases |= defaults->no_aliases;
	r->no_repairs |= defaults->no_repairs;
	r->wishes = defaults->wishes;
	r->queue = defaults->queue;
}
