/*
 * The floor under the measurements: what a submission over TLS costs that does
 * nothing else. No configuration, no options, no look at the message.
 *
 *	floor PORT CA-FILE < message
 */

#include <stdio.h>

#include "client.h"

int
main(int argc, char **argv)
{
	char message[16384];
	size_t len;

	if (argc != 3)
		errx(64, "usage: floor PORT CA-FILE < message");
	len = fread(message, 1, sizeof(message) - 16, stdin);
	strcpy(message + len, ".\r\nQUIT\r\n");
	secure(argv[1], argv[2]);
	log_in();
	turn("MAIL FROM:<alice@example.com>\r\n"
	     "RCPT TO:<bob@example.org>\r\nDATA\r\n",
	    3);
	turn(message, 1);
	gnutls_bye(tls, GNUTLS_SHUT_WR);
	return 0;
}
