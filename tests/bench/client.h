#ifndef CLIENT_H
#define CLIENT_H

/*
 * What floor and pump have in common: GnuTLS's part of a submission, without
 * configuration, options or a look at anything. Whatever fails ends the
 * program.
 */

#include <arpa/inet.h>
#include <err.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

#include <gnutls/gnutls.h>

static gnutls_session_t tls;

static void
need(int rc)
{
	if (rc < 0)
		errx(1, "%s", gnutls_strerror(rc));
}

/* Connects to localhost, and verifies who it is. */
static void
secure(const char *port, const char *trust)
{
	struct sockaddr_in server = {.sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	    .sin_port = htons((in_port_t)atoi(port))};
	gnutls_certificate_credentials_t credentials;
	int fd, on = 1;

	fd = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(fd, (struct sockaddr *)&server, sizeof(server)) == -1)
		err(1, "connecting");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	need(gnutls_certificate_allocate_credentials(&credentials));
	need(gnutls_certificate_set_x509_trust_file(
	    credentials, trust, GNUTLS_X509_FMT_PEM));
	need(gnutls_init(&tls, GNUTLS_CLIENT));
	need(gnutls_set_default_priority(tls));
	need(gnutls_credentials_set(tls, GNUTLS_CRD_CERTIFICATE, credentials));
	need(gnutls_server_name_set(tls, GNUTLS_NAME_DNS, "localhost", 9));
	gnutls_session_set_verify_cert(tls, "localhost", 0);
	gnutls_transport_set_int(tls, fd);
	need(gnutls_handshake(tls));
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

static void
log_in(void)
{
	turn(NULL, 1);
	turn("EHLO floor\r\n", 1);
	turn("AUTH PLAIN AGJlbmNoAHdvbmRlcmxhbmQ=\r\n", 1);
}

#endif
