#ifndef MEM_H
#define MEM_H

/*
 * mem: allocate or end the program. Nothing here returns NULL. What is returned
 * is freed with free(3), secrets with mem_wipe().
 */

#include <stddef.h>

/*
 * Is called where there is no memory, and does not return. What is to be said
 * then only the program knows, which defines it: at worst the mail was accepted
 * a moment ago. It must not allocate.
 */
_Noreturn void mem_exhausted(void);

/* count zeroed objects of size bytes; count * size may not overflow. */
void *mem_new(size_t count, size_t size);

/* Resizes to count objects; new bytes are not initialised. */
void *mem_resize(void *old, size_t count, size_t size);

/* Makes room for one more object behind count: doubles the array whenever
 * count reaches a power of two. */
void *mem_grow(void *array, size_t count, size_t size);

/*
 * The next object of an array that grows by mem_grow(), counted, and not
 * initialised: *mem_push(list, count) = value. Both are evaluated more than
 * once.
 */
#define mem_push(array, count)                                                 \
	((array) = mem_grow((array), (count), sizeof(*(array))),               \
	    &(array)[(count)++])

/* A NUL-terminated copy of len bytes. */
char *mem_string(const char *from, size_t len);

/* A copy of a string; NULL gives NULL. */
char *mem_copy(const char *from);

/* Overwrites len bytes and frees them; NULL is fine. */
void mem_wipe(void *secret, size_t len);

/* Overwrites and frees a string that holds a secret; NULL is fine. */
void mem_wipe_string(char *secret);

#endif
