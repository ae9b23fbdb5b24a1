#ifndef HEAP_H
#define HEAP_H

/*
 * Whether octets stand anywhere in the heap, in use, forgotten or freed: what
 * became of a secret. Its first 16 octets may be overwritten by free(3) alone,
 * so what is sought is from further behind; and is no copy in the heap itself.
 */

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static inline bool
heap_holds(const char *octets)
{
	static char maps[65536];
	unsigned long from = 0, to = 0;
	char *line;
	ssize_t n;
	int fd;

	/* Without stdio(3), which would take what was freed. */
	fd = open("/proc/self/maps", O_RDONLY);
	assert_int_not_equal(fd, -1);
	n = read(fd, maps, sizeof(maps) - 1);
	close(fd);
	assert_true(n > 0);
	maps[n] = '\0';
	line = strstr(maps, "[heap]");
	if (line == NULL)
		return false;
	while (line > maps && line[-1] != '\n')
		line--;
	sscanf(line, "%lx-%lx", &from, &to);
	return memmem((const char *)from, to - from, octets, strlen(octets)) !=
	       NULL;
}

/* Not under a sanitizer or valgrind, who have a heap of their own. */
static inline void
heap_needed(void)
{
	static const char probe[] = "what the test has in the heap for a look";
	char *volatile copy = strdup(probe);
	const bool seen = heap_holds(probe);

	free(copy);
	if (seen)
		return;
	print_message("the heap is elsewhere\n");
	skip();
}

#endif
