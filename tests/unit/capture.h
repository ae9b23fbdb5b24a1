#ifndef CAPTURE_H
#define CAPTURE_H

/* What a room writes to standard output or error, and an envelope to tell of.
 */

#include <fcntl.h>
#include <unistd.h>

#include "folder.h"
#include "submit/envelope.h"

/* What is written to a descriptor meanwhile. */
struct capture {
	int fd;
	int saved;
};

static inline struct capture
capture_begin(int fd)
{
	struct capture c = {fd, -1};
	int file;

	fflush(NULL);
	file = open(in_folder("captured"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_int_not_equal(file, -1);
	c.saved = dup(fd);
	assert_int_equal(dup2(file, fd), fd);
	close(file);
	return c;
}

static inline const char *
capture_end(struct capture *c)
{
	fflush(NULL);
	dup2(c->saved, c->fd);
	close(c->saved);
	return folder_content("captured");
}

static inline struct envelope
envelope(const char *from, const char *const *recipients)
{
	struct envelope env;
	struct error e;

	error_clear(&e);
	envelope_init(&env);
	assert_int_equal(envelope_set_reverse_path(&env, text_of(from), &e), 0);
	while (*recipients != NULL)
		assert_int_equal(
		    envelope_add(&env, text_of(*recipients++), &e), 1);
	return env;
}

#endif
