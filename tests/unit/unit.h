#ifndef UNIT_H
#define UNIT_H

/*
 * What every unit test includes first: cmocka, which wants four headers before
 * it, the C library's most used, and what the tests share.
 */

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Milliseconds that nothing takes, on however slow a machine, unless it hangs.
 */
#define HANG 200000

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* What a shell has ignored that started the tests in the background. */
static inline void
default_signals(void)
{
	static const int ending[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};
	size_t i;

	for (i = 0; i < COUNT(ending); i++)
		signal(ending[i], SIG_DFL);
}

#endif
