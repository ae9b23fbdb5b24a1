/*
 * The floor under a large message: what GnuTLS alone costs to send a file that
 * is in the form of the wire already. It is read and sent by a few records, and
 * no more is done.
 *
 *	pump PORT CA-FILE < message
 */

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client.h"

/* A few records of the most that one holds (RFC 8446 section 5.1). */
#define PIECE (4 * 16384)

static void
send_all(const char *bytes, size_t len)
{
	ssize_t n;

	for (; len > 0; bytes += n, len -= (size_t)n) {
		n = gnutls_record_send(tls, bytes, len);
		need((int)n);
	}
}

int
main(int argc, char **argv)
{
	static char piece[PIECE];
	struct stat message;
	char command[80];
	ssize_t n;

	if (argc != 3 || fstat(STDIN_FILENO, &message) == -1)
		errx(64, "usage: pump PORT CA-FILE < message");
	secure(argv[1], argv[2]);
	log_in();
	turn("MAIL FROM:<alice@example.com>\r\n"
	     "RCPT TO:<bob@example.org>\r\n",
	    2);
	snprintf(command, sizeof(command), "BDAT %lld LAST\r\n",
	    (long long)message.st_size);
	turn(command, 0);
	while ((n = read(STDIN_FILENO, piece, sizeof(piece))) > 0)
		send_all(piece, (size_t)n);
	turn(NULL, 1);
	turn("QUIT\r\n", 0);
	gnutls_bye(tls, GNUTLS_SHUT_WR);
	return 0;
}
