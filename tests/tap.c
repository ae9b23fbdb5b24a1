#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/*
 * Linked into each unit test: cmocka speaks TAP. Not by its environment
 * variable, as some tests clear the environment.
 */
__attribute__((constructor)) static void
speak_tap(void)
{
	cmocka_set_message_output(CM_OUTPUT_TAP);
}
