#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static void *
checked(void *memory)
{
	if (memory == NULL)
		mem_exhausted();
	return memory;
}

void *
mem_new(size_t count, size_t size)
{
	if (count == 0)
		count = 1;
	return checked(calloc(count, size));
}

void *
mem_resize(void *old, size_t count, size_t size)
{
	if (count == 0)
		count = 1;
	return checked(reallocarray(old, count, size));
}

void *
mem_grow(void *array, size_t count, size_t size)
{
	if ((count & (count - 1)) != 0)
		return array;
	return mem_resize(array, count == 0 ? 1 : 2 * count, size);
}

char *
mem_string(const char *from, size_t len)
{
	char *copy;

	copy = mem_resize(NULL, len + 1, 1);
	if (len > 0)
		memcpy(copy, from, len);
	copy[len] = '\0';
	return copy;
}

char *
mem_copy(const char *from)
{
	return from == NULL ? NULL : mem_string(from, strlen(from));
}

void
mem_wipe(void *secret, size_t len)
{
	freezero(secret, len);
}

void
mem_wipe_string(char *secret)
{
	if (secret != NULL)
		freezero(secret, strlen(secret));
}
