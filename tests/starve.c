/*
 * For LD_PRELOAD: from the allocation whose number is in STARVE on (0 is the
 * first) there is no memory. With STARVE_OWN only what the program itself asks
 * for counts, and fails; else that of its libraries too. How many there were is
 * written to the file STARVE_COUNT, where one is named, when the program exits.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The C library's own, which need not be looked up. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

static unsigned long count, limit = ULONG_MAX;
static bool own_only;
static const char *begin, *end; /* of the program */

static int
find_program(struct dl_phdr_info *info, size_t size, void *unused)
{
	const char *segment;
	int i;

	(void)size;
	(void)unused;
	begin = end = (const char *)info->dlpi_addr;
	for (i = 0; i < info->dlpi_phnum; i++) {
		if (info->dlpi_phdr[i].p_type != PT_LOAD)
			continue;
		segment = begin + info->dlpi_phdr[i].p_vaddr +
			  info->dlpi_phdr[i].p_memsz;
		end = segment > end ? segment : end;
	}
	return 1; /* the program is the first */
}

static __attribute__((constructor)) void
learn(void)
{
	const char *at = getenv("STARVE");

	dl_iterate_phdr(find_program, NULL);
	own_only = getenv("STARVE_OWN") != NULL;
	count = 0;
	if (at != NULL)
		limit = strtoul(at, NULL, 10);
}

static __attribute__((destructor)) void
tell(void)
{
	const char *path = getenv("STARVE_COUNT");
	char words[32];
	int fd, len;

	if (path == NULL)
		return;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	len = snprintf(words, sizeof(words), "%lu\n", count);
	if (fd != -1 && write(fd, words, (size_t)len) == -1)
		_exit(99);
}

static bool
starves(const void *caller)
{
	const char *at = caller;

	if (begin == NULL || (own_only && (at < begin || at >= end)) ||
	    count++ < limit)
		return false;
	errno = ENOMEM;
	return true;
}

#define STARVES starves(__builtin_return_address(0))

void *
malloc(size_t size)
{
	return STARVES ? NULL : __libc_malloc(size);
}

void *
calloc(size_t number, size_t size)
{
	return STARVES ? NULL : __libc_calloc(number, size);
}

void *
realloc(void *old, size_t size)
{
	return STARVES ? NULL : __libc_realloc(old, size);
}

void *
reallocarray(void *old, size_t number, size_t size)
{
	size_t all;

	if (__builtin_mul_overflow(number, size, &all)) {
		errno = ENOMEM;
		return NULL;
	}
	return STARVES ? NULL : __libc_realloc(old, all);
}
