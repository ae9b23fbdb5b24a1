#ifndef ENCODER_H
#define ENCODER_H

/*
 * encoder: octets of a body on their way into a form that a server takes: a
 * transfer encoding (RFC 2045 section 6), or lines that are not too long.
 * Bytes in, bytes out, in constant memory. Input is canonical: a CR has its
 * LF, and no piece ends between them.
 */

#include "base/buf.h"
#include "base/text.h"
#include "message/lines.h"

/* What is taken at a time, at most. An octet becomes four at most: three, and
 * its share of the soft line breaks. */
#define ENCODER_IN  ((size_t)8 * 1024)
#define ENCODER_OUT (4 * ENCODER_IN)

enum encoder_form {
	ENCODER_COPY,  /* as it is */
	ENCODER_PLAIN, /* no NUL, no line over LINES_MAX octets */
	ENCODER_QP,
	ENCODER_QP_AGAIN, /* what says that it is quoted-printable */
	ENCODER_BASE64,
	ENCODER_BASE64_AGAIN /* what says that it is base64 */
};

struct encoder {
	enum encoder_form form;
	bool eightbit;	/* such octets may stay where the form is plain */
	bool composite; /* the body has a structure that folding must keep:
			 * lines end before white space, where there is some */
	size_t column;	/* of the line that is being written */

	/* What it did that cannot be undone. */
	bool folded;
	bool nul_removed;
	bool replaced; /* 8-bit octets became `?' */

	struct buf base64;
	size_t out_len;
	char out[ENCODER_OUT];
};

/* All zero before; encoder_clear() is due then. */
void encoder_init(struct encoder *en, bool eightbit, bool composite);
void encoder_clear(struct encoder *en);

/* Octets in that form come next, from the start of a line on. */
void encoder_begin(struct encoder *en, enum encoder_form form);

/*
 * Writes into out, from its start on, what becomes of at most ENCODER_IN
 * octets: of as many as it can tell of, of all where they are the last, and
 * returns of how many. base64.full afterwards: base64 was not to be had.
 */
size_t encoder_take(struct encoder *en, struct text in, bool last);

#endif
