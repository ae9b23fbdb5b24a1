#ifndef WRITER_H
#define WRITER_H

/*
 * writer: the value of a field, of which some words become encoded words (RFC
 * 2047). Those with nothing but white space between them are encoded as one,
 * as a reader drops what stands between two encoded words.
 */

#include "base/buf.h"
#include "base/text.h"

/* All zero but for out, how and an initialised run. White space is set aside
 * in `white' until it is known what becomes of it. */
struct writer {
	struct buf *out;    /* the field from its name on */
	unsigned how;	    /* as word_encode() has it */
	struct text white;  /* what came last, not yet written */
	struct buf run;	    /* what is to be encoded, not yet written */
	bool after_encoded; /* the last word came as an encoded word */
	bool tight;	    /* no white space stands behind an encoded word */
};

/* How a word is read: as it is, without the quotes and backslashes of a
 * phrase, without the backslashes of a comment. */
enum writer_place { WRITER_TEXT, WRITER_PHRASE, WRITER_COMMENT };

/* A word that stays as it is, and one that is to be encoded. */
void writer_add_word(struct writer *w, struct text word);
void writer_encode_word(
    struct writer *w, struct text word, enum writer_place place);

/* Adds to the run what the word stands for. */
void writer_read_word(
    struct writer *w, struct text word, enum writer_place place);

/* What is no word, but a token of a structured field. apart: it must not touch
 * an encoded word. */
void writer_add(struct writer *w, struct text t, bool apart);

/* The same for what the caller adds to out itself, so many octets. */
void writer_begin(struct writer *w, size_t octets, bool apart);

/* A line ends at the white space where a token and the encoded word behind it
 * would not have room. */
void writer_make_room(struct writer *w);

/* Writes the run; add() does so too. And at the end the last white space. */
void writer_close(struct writer *w, bool apart);
void writer_end(struct writer *w);

#endif
