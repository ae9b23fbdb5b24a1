#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "world/tls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char host[] = "mail.example.org";
static char pin[] = "sha256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
static char *pins[] = {pin};
static const struct smarthost smarthost = {.host = host};
static const struct account account = {.tls_pins = {pins, 1}};

/* Once: what is under test is a handshake. */
static struct tls *
session(void)
{
	static struct tls *t;
	struct error e;

	error_clear(&e);
	if (t == NULL && tls_start_library(&e) == 0)
		t = tls_new(&account, &smarthost, &e);
	if (t == NULL)
		abort();
	return t;
}

/* What a hostile server says, without an end and with one: it is never taken
 * for the one that is pinned. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum tls_status status = TLS_WANT_READ;
	struct certificate c;
	struct tls *t = session();
	struct error e;
	int fds[2];

	if (size > 60000)
		return 0;
	error_clear(&e);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == -1 ||
	    send(fds[1], data, size, MSG_NOSIGNAL) != (ssize_t)size ||
	    tls_start(t, fds[0], &e) == -1)
		abort();
	status = tls_handshake(t, &e);
	if (status == TLS_WANT_READ) {
		shutdown(fds[1], SHUT_WR);
		status = tls_handshake(t, &e);
	}
	if (status == TLS_DONE)
		abort();
	tls_certificate(t, &c);
	close(fds[0]);
	close(fds[1]);
	return 0;
}
