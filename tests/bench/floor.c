/*
 * The floor under the measurements: what a submission over TLS costs that does
 * nothing else. No configuration, no options, no look at the message.
 *
 *	floor PORT CA-FILE < message
 */

#include <arpa/inet.h>
#include <err.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <gnutls/gnutls.h>

static gnutls_session_t tls;

static void
need(int rc)
{
	if (rc < 0)
		errx(1, "%s", gnutls_strerror(rc));
}

/* Sends all of text, and reads that many replies, which must be good. */
static void
turn(const char *text, int replies)
{
	char in[4096], *line = in, *end;
	size_t len = 0;
	ssize_t n;

	if (text != NULL)
		need((int)gnutls_record_send(tls, text, strlen(text)));
	while (replies > 0) {
		n = gnutls_record_recv(tls, in + len, sizeof(in) - 1 - len);
		if (n <= 0)
			errx(1, "the connection broke");
		len += (size_t)n;
		in[len] = '\0';
		for (; (end = strchr(line, '\n')) != NULL; line = end + 1) {
			if (line[0] != '2' && line[0] != '3')
				errx(1, "%s", line);
			replies -= line[3] == ' ';
		}
	}
}

int
main(int argc, char **argv)
{
	struct sockaddr_in server = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	gnutls_certificate_credentials_t credentials;
	char message[16384];
	size_t len;
	int fd, on = 1;

	if (argc != 3)
		errx(64, "usage: floor PORT CA-FILE < message");
	server.sin_port = htons((in_port_t)atoi(argv[1]));
	len = fread(message, 1, sizeof(message) - 16, stdin);
	strcpy(message + len, ".\r\nQUIT\r\n");
	fd = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(fd, (struct sockaddr *)&server, sizeof(server)) == -1)
		err(1, "connecting");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	need(gnutls_certificate_allocate_credentials(&credentials));
	need(gnutls_certificate_set_x509_trust_file(
	    credentials, argv[2], GNUTLS_X509_FMT_PEM));
	need(gnutls_init(&tls, GNUTLS_CLIENT));
	need(gnutls_set_default_priority(tls));
	need(gnutls_credentials_set(tls, GNUTLS_CRD_CERTIFICATE, credentials));
	need(gnutls_server_name_set(tls, GNUTLS_NAME_DNS, "localhost", 9));
	gnutls_session_set_verify_cert(tls, "localhost", 0);
	gnutls_transport_set_int(tls, fd);
	need(gnutls_handshake(tls));
	turn(NULL, 1);
	turn("EHLO floor\r\n", 1);
	turn("AUTH PLAIN AGJlbmNoAHdvbmRlcmxhbmQ=\r\n", 1);
	turn("MAIL FROM:<alice@example.com>\r\n"
	     "RCPT TO:<bob@example.org>\r\nDATA\r\n",
	    3);
	turn(message, 1);
	gnutls_bye(tls, GNUTLS_SHUT_WR);
	return 0;
}
