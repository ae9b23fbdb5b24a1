#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "world/tls.h"

/* Weak: most unit tests link no TLS, and the library then starts by itself. */
#pragma weak tls_start_library

/*
 * Linked into each unit test: cmocka speaks TAP. Not by its environment
 * variable, as some tests clear the environment.
 */
__attribute__((constructor)) static void
speak_tap(void)
{
	cmocka_set_message_output(CM_OUTPUT_TAP);
}

__attribute__((constructor)) static void
start_library(void)
{
	struct error e;

	error_clear(&e);
	if (tls_start_library != NULL && tls_start_library(&e) == -1)
		abort();
}
