#ifndef JSON_H
#define JSON_H

/*
 * json: writes JSON (RFC 8259) into a buf, on one line. Strings are made
 * visible first (text_visible): a control byte, or one that is no UTF-8,
 * stands in them as the four characters \xHH. And finds one member in an
 * object that somebody else wrote.
 */

#include "base/buf.h"
#include "base/error.h"
#include "base/text.h"

struct json {
	struct buf *out; /* borrowed; when it is too small its `full` is set */
	bool comma;	 /* a value stands before the next one */
};

void json_init(struct json *j, struct buf *out);

/*
 * One value. key is the name of a member of an object, which nobody escapes;
 * NULL in an array and on the outside. Objects and arrays are open until their
 * end. A string that is NULL is null.
 */
void json_add_object(struct json *j, const char *key);
void json_end_object(struct json *j);
void json_add_array(struct json *j, const char *key);
void json_end_array(struct json *j);
void json_add_string(struct json *j, const char *key, const char *string);
/* A string that the caller writes into out himself, between its quotes. */
void json_begin_string(struct json *j, const char *key);
void json_end_string(struct json *j);
void json_add_number(struct json *j, const char *key, long long number);
/* 12.345 of 12345. */
void json_add_thousandths(struct json *j, const char *key, long long number);
void json_add_truth(struct json *j, const char *key, bool truth);
void json_add_null(struct json *j, const char *key);

/* An error as programs are told of it, in all modes alike: null, or an object
 * of its kind's word, the exit status, the text, the server's words and the
 * hint. e may be NULL. */
void json_add_error(struct json *j, const char *key, const struct error *e);

/* Appends text that is visible already in double quotes, with a backslash
 * before each of these and of itself. */
void json_quote(struct buf *out, const char *visible);

/*
 * Appends the value of the first member of this name: a string without its
 * quotes and escapes, a number or a literal as it stands. What is no value, of
 * this member or of one before it, is not looked behind. -1: there is none, or
 * it is an object or an array, or out is full.
 */
int json_find(struct text object, const char *name, struct buf *out);

#endif
