#ifndef UNIT_FOLDER_H
#define UNIT_FOLDER_H

/*
 * A temporary folder of the test's own, made and removed with its group:
 *	cmocka_run_group_tests(tests, folder_make, folder_remove)
 */

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "world/file.h"

static char folder[] = "/tmp/sendling-unit.XXXXXX";

/* The path of what has this name there, valid until the next but three. */
static inline const char *
in_folder(const char *name)
{
	static char paths[4][200];
	static unsigned next;
	char *path = paths[next++ % COUNT(paths)];

	snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

/* Writes a file anew, with exactly this mode; gives its path. */
static inline const char *
folder_put(const char *name, const char *bytes, size_t len, mode_t mode)
{
	const char *path = in_folder(name);
	int fd;

	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_int_not_equal(fd, -1);
	assert_int_equal(file_write(fd, bytes, len), 0);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
	return path;
}

/* What a file holds, valid until the next call. */
static inline const char *
folder_content(const char *name)
{
	static char bytes[200000];
	ssize_t len;
	int fd;

	fd = open(in_folder(name), O_RDONLY);
	assert_int_not_equal(fd, -1);
	len = read(fd, bytes, sizeof(bytes) - 1);
	assert_true(len >= 0);
	bytes[len] = '\0';
	close(fd);
	return bytes;
}

/* A line of shell, run in the folder; 0 when it was content. */
static inline int
folder_run(const char *script)
{
	char *command;
	int status;

	if (asprintf(&command, "cd %s && %s", folder, script) == -1)
		return -1;
	status = system(command);
	free(command);
	return status;
}

static inline int
folder_make(void **state)
{
	(void)state;
	return mkdtemp(folder) == NULL ? -1 : 0;
}

static inline int
folder_certify(void **state, const char *more)
{
	char command[100];

	if (folder_make(state) == -1)
		return -1;
	snprintf(
	    command, sizeof(command), "tests/certs.sh %s %s", folder, more);
	return system(command);
}

/* A folder with the certificates of tests/certs.sh in it; all of them. */
static inline int
folder_make_certs(void **state)
{
	return folder_certify(state, "");
}

static inline int
folder_make_more_certs(void **state)
{
	return folder_certify(state, "more");
}

static inline int
folder_remove(void **state)
{
	char command[100];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

#endif
