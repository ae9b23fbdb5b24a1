#ifndef PEER_H
#define PEER_H

/*
 * A server in a process of its own, for one connection on loopback: plain, or
 * GnuTLS's side of TLS, with certificates of folder_make_certs(). What it does
 * is a function of the test; its exit status says whether all went as that
 * wanted.
 */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "folder.h"
#include "world/clock.h"
#include "world/stream.h"

#define PEER_WAIT HANG

struct peer {
	pid_t pid;
	int listener;
	unsigned short port;
};

static int
peer_listen(unsigned short *port, int backlog)
{
	struct sockaddr_in own = {.sin_family = AF_INET};
	socklen_t len = sizeof(own);
	int fd;

	own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_not_equal(fd, -1);
	assert_int_equal(bind(fd, (struct sockaddr *)&own, len), 0);
	assert_int_equal(listen(fd, backlog), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&own, &len), 0);
	*port = ntohs(own.sin_port);
	return fd;
}

static inline struct peer
peer_start(int (*act)(int fd, const void *arg), const void *arg)
{
	struct peer p;

	p.listener = peer_listen(&p.port, 8);
	p.pid = fork();
	assert_int_not_equal(p.pid, -1);
	if (p.pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test may fail */
		signal(SIGPIPE, SIG_IGN);
		unsetenv("SSLKEYLOGFILE");
		alarm(HANG / 1000);
		_exit(act(accept(p.listener, NULL, NULL), arg));
	}
	close(p.listener);
	return p;
}

/* Waits for its end; 0 when it was content. */
static inline int
peer_end(struct peer p)
{
	int status;

	while (waitpid(p.pid, &status, 0) == -1)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static inline void
peer_kill(struct peer p)
{
	kill(p.pid, SIGKILL);
	peer_end(p);
}

static inline struct net_address
peer_address(unsigned short port)
{
	struct net_address a;
	struct sockaddr_in *in = (struct sockaddr_in *)&a.sockaddr;

	memset(&a, 0, sizeof(a));
	in->sin_family = AF_INET;
	in->sin_port = htons(port);
	in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	a.len = sizeof(*in);
	return a;
}

/* A port that does not answer: its queue is full. */
struct peer_silence {
	int fds[8];
	unsigned short port;
};

static inline struct peer_silence
peer_silent(void)
{
	struct peer_silence s;
	struct net_address a;
	size_t i;

	s.fds[0] = peer_listen(&s.port, 0);
	a = peer_address(s.port);
	for (i = 1; i < COUNT(s.fds); i++) {
		s.fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect(s.fds[i], (struct sockaddr *)&a.sockaddr, a.len);
	}
	return s;
}

static inline void
peer_end_silence(struct peer_silence *s)
{
	size_t i;

	for (i = 0; i < COUNT(s->fds); i++)
		close(s->fds[i]);
}

/* Whom a session of TLS is for, where nothing else is said. */
static const struct smarthost peer_host = {
    .security = SMARTHOST_STARTTLS, .host = (char[]){"localhost"}};

static inline struct stream *
peer_connect(unsigned short port)
{
	struct net_address a = peer_address(port);
	struct net_addresses list = {&a, 1};
	struct stream *s;
	struct error e;

	error_clear(&e);
	s = stream_connect(
	    &peer_host, &list, NULL, NULL, clock_now() + PEER_WAIT, &e);
	if (s == NULL)
		fail_msg("%s", e.text);
	return s;
}

/* The server's side of TLS; `act` is what follows the handshake. */
struct peer_tls {
	const char *certificate; /* of tests/certs.sh; NULL: anonymous */
	const char *priority;	 /* NULL: GnuTLS's own */
	int (*act)(gnutls_session_t session, int fd);
	const char *answer; /* of OCSP; NULL: none is shown */
	bool asks;	    /* for a certificate of the client's */
	const char *names;  /* the authority of that; NULL: none is said */
	bool all;	    /* of the file is shown, in its order */
};

static int
peer_handshake(gnutls_session_t session)
{
	int rc;

	do
		rc = gnutls_handshake(session);
	while (rc < 0 && !gnutls_error_is_fatal(rc));
	return rc;
}

/* What an authority says of the certificate, good or bad. */
static int
peer_answer(gnutls_session_t session, void *path, gnutls_datum_t *answer)
{
	(void)session;
	return gnutls_load_file(path, answer);
}

/* All of the file, in its order: GnuTLS's own way leaves out what no chain
 * needs. */
static inline int
peer_show_all(gnutls_certificate_credentials_t credentials, const char *pem,
    const char *key_file)
{
	static gnutls_pcert_st shown[100];
	gnutls_datum_t certificates, key_text;
	gnutls_x509_crt_t *list;
	gnutls_privkey_t key;
	unsigned count = 0, i;

	if (gnutls_load_file(pem, &certificates) < 0 ||
	    gnutls_load_file(key_file, &key_text) < 0 ||
	    gnutls_x509_crt_list_import2(
		&list, &count, &certificates, GNUTLS_X509_FMT_PEM, 0) < 0 ||
	    gnutls_privkey_init(&key) < 0 ||
	    gnutls_privkey_import_x509_raw(
		key, &key_text, GNUTLS_X509_FMT_PEM, NULL, 0) < 0)
		return -1;
	for (i = 0; i < count && i < COUNT(shown); i++)
		gnutls_pcert_import_x509(&shown[i], list[i], 0);
	return gnutls_certificate_set_key(
	    credentials, NULL, 0, shown, (int)i, key);
}

/* Talks TLS from now on: 0, or -1 where the handshake fails. */
static inline int
peer_secure(int fd, const struct peer_tls *wanted, gnutls_session_t *session)
{
	gnutls_certificate_credentials_t credentials;
	gnutls_anon_server_credentials_t anonymous;
	gnutls_datum_t ticket_key;
	const char *pem;
	char name[40];
	int rc;

	gnutls_certificate_allocate_credentials(&credentials);
	gnutls_anon_allocate_server_credentials(&anonymous);
	gnutls_session_ticket_key_generate(&ticket_key);
	gnutls_init(session, GNUTLS_SERVER);
	if (gnutls_priority_set_direct(*session,
		wanted->priority == NULL ? "NORMAL" : wanted->priority,
		NULL) < 0)
		_exit(11);
	if (wanted->certificate != NULL) {
		snprintf(name, sizeof(name), "%s.pem", wanted->certificate);
		pem = in_folder(name);
		snprintf(name, sizeof(name), "%s.key", wanted->certificate);
		rc = wanted->all
			 ? peer_show_all(credentials, pem, in_folder(name))
			 : gnutls_certificate_set_x509_key_file(credentials,
			       pem, in_folder(name), GNUTLS_X509_FMT_PEM);
		if (rc < 0)
			_exit(12);
	}
	if (wanted->answer != NULL)
		gnutls_certificate_set_ocsp_status_request_function(credentials,
		    peer_answer, (void *)(uintptr_t)in_folder(wanted->answer));
	if (wanted->names != NULL)
		gnutls_certificate_set_x509_trust_file(
		    credentials, in_folder(wanted->names), GNUTLS_X509_FMT_PEM);
	if (wanted->asks)
		gnutls_certificate_server_set_request(
		    *session, GNUTLS_CERT_REQUIRE);
	gnutls_credentials_set(*session, GNUTLS_CRD_CERTIFICATE, credentials);
	gnutls_credentials_set(*session, GNUTLS_CRD_ANON, anonymous);
	gnutls_session_ticket_enable_server(*session, &ticket_key);
	gnutls_transport_set_int(*session, fd);
	rc = peer_handshake(*session);
	if (rc < 0)
		gnutls_alert_send_appropriate(*session, rc);
	return rc < 0 ? -1 : 0;
}

/* 0 also where the handshake fails: whether it may is the client's test. */
static inline int
peer_tls(int fd, const void *arg)
{
	const struct peer_tls *wanted = arg;
	gnutls_session_t session;

	if (peer_secure(fd, wanted, &session) == -1 || wanted->act == NULL)
		return 0;
	return wanted->act(session, fd);
}

#endif
