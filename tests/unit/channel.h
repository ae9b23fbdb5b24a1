#ifndef CHANNEL_H
#define CHANNEL_H

#include <string.h>

#include "auth/mechanism.h"

/* The channel binding is 0, 1, 2, ... */
static struct sasl_channel
channel_of(const char *name)
{
	struct sasl_channel c;
	size_t i;

	memset(&c, 0, sizeof(c));
	for (i = 0; i < sizeof(c.data); i++)
		c.data[i] = (unsigned char)i;
	if (strncmp(name, "clear", 5) == 0)
		return c;
	if (strncmp(name, "local", 5) == 0) {
		c.local = true;
		return c;
	}
	c.tls = true;
	c.local = strstr(name, "local") != NULL;
	c.verified = strncmp(name, "stranger", 8) != 0;
	if (strstr(name, "exporter") != NULL) {
		c.binding = SASL_TLS_EXPORTER;
		c.len = 32;
	} else if (strstr(name, "unique") != NULL) {
		c.binding = SASL_TLS_UNIQUE;
		c.len = 12;
	}
	return c;
}

#endif
