#include "smtp/echo.h"

#include "smtp/pipeline.h"

/* Octets; less is no secret to find. */
#define ECHO_MIN 8

void
echo_init(struct echo *echo)
{
	buf_init(&echo->secret, PIPELINE_MAX / 2);
}

void
echo_know(struct echo *echo, struct text secret)
{
	buf_wipe(&echo->secret);
	buf_add_text(&echo->secret, secret);
}

void
echo_forget(struct echo *echo)
{
	buf_wipe(&echo->secret);
}

void
echo_hide(struct echo *echo, struct reply *reply)
{
	if (echo->secret.len < ECHO_MIN ||
	    !reply_mentions(reply, buf_string(&echo->secret)))
		return;
	buf_wipe(&reply->text);
	buf_add_string(&reply->text, "[the reply repeats the secret]");
}
