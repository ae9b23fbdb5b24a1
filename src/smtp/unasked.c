#include "smtp/unasked.h"

int
unasked_closing(struct error *e, const struct reply *reply,
    const struct smarthost *h, const char *doing)
{
	error_set(e, ERROR_LATER, doing, "%s is closing the connection",
	    smarthost_name(h).words);
	e->code = reply->code;
	e->enhanced = reply->enhanced;
	reply_words(reply, e->why, sizeof(e->why));
	return -1;
}

int
unasked_reply(struct error *e, const struct reply *reply,
    const struct smarthost *h, const char *doing, const char *what)
{
	error_set(e, ERROR_PROTOCOL, doing, "%s sent %s",
	    smarthost_name(h).words, what);
	if (reply->complete)
		reply_words(reply, e->why, sizeof(e->why));
	return -1;
}

/* RFC 3207 section 6 and the STARTTLS injections of 2011 and 2021: whoever sits
 * in the middle may have put this in front of the TLS channel. */
int
unasked_before_tls(struct error *e, const struct smarthost *h)
{
	error_set(e, ERROR_PROTOCOL, "STARTTLS",
	    "%s, or someone in between, sent data before TLS was up",
	    smarthost_name(h).words);
	return error_hint(e, "this may be an attack: nothing was sent");
}

/*
 * Then one of the replies since the mail began may have been too many, and that
 * to the end the answer to something before it. A QUIT that is out was answered
 * with 221, or with 503 by who takes no command before that reply, as Haraka
 * does whatever RFC 2920 allows; 503 is no answer to the end of a mail. A
 * refusal stays one where no yes is behind it.
 */
bool
unasked_has_surplus(const struct pipeline *p, const struct reply *reply,
    struct text behind, bool quit)
{
	if (behind.len == 0 || pipeline_is_due(p))
		return false;
	if (quit && pipeline_waiting(p) == 0 &&
	    (reply_is_all(behind, "221") || reply_is_all(behind, "503")))
		return false;
	return !reply_negative(reply) || reply_says_yes(behind);
}

int
unasked_garbage(struct error *e, const struct reply *reply,
    const struct smarthost *h, const char *doing, struct text bytes)
{
	struct text line;

	error_set(e, ERROR_PROTOCOL, doing, "%s sent what is no SMTP reply: %s",
	    smarthost_name(h).words, reply->fault);
	line = reply->hidden ? reply_shown(reply)
			     : text_first(bytes, text_find(bytes, '\n'));
	text_visible(text_trim(line), e->why, sizeof(e->why));
	return -1;
}
