#include "../unit.h"

#include "world/clock.h"
#include "world/trust.h"
#include "../handshake.h"

#define STARTTLS "write `smarthost smtp://localhost:"
#define BUNDLE	 "/etc/ssl/certs/ca-certificates.crt"

static void
verifies_certificates(void **state)
{
	static const struct {
		const char *certificate;
		const char *reference;
		const char *trust;
		const char *words; /* NULL: it is good */
		const char *hint;
	} rows[] = {{"good", "localhost", "ca.pem", NULL, NULL},
	    {"good", "LocalHost", "ca.pem", NULL, NULL},
	    {"good", "localhost.", "ca.pem", NULL, NULL},
	    {"all-names", "127.0.0.1", "ca.pem", NULL, NULL},
	    {"ip", "127.0.0.1", "ca.pem", NULL, NULL},
	    {"ip", "::1", "ca.pem", NULL, NULL},
	    {"ip", "0:0::1", "ca.pem", NULL, NULL},
	    {"no-purpose", "localhost", "ca.pem", NULL, NULL},
	    {"chained", "localhost", "ca.pem", NULL, NULL},
	    {"chained", "localhost", "intermediate.pem", NULL, NULL},
	    {"wildcard", "mx.example.org", "ca.pem", NULL, NULL},
	    {"self-signed", "localhost", "self-signed.pem", NULL, NULL},
	    {"good", "localhost", "good.pem", NULL, NULL},
	    {"good", "localhost", "many.pem", NULL, NULL},
	    {"chained", "localhost", "many.pem", NULL, NULL},
	    {"self-signed", "localhost", "ca.pem",
		"it is self-signed and not among the trusted ones",
		"tls-trust FILE"},
	    {"unknown-ca", "localhost", "ca.pem", "has an unknown issuer",
		"tls-trust FILE"},
	    {"unknown-ca", "localhost", "many.pem", "has an unknown issuer",
		"tls-trust FILE"},
	    {"good", "localhost", "other-ca.pem", "has an unknown issuer",
		"tls-trust FILE"},
	    {"good", "localhost", "expired.pem", "has an unknown issuer",
		"tls-trust FILE"},
	    {"expired", "localhost", "ca.pem",
		"it has expired (valid until 2020-02-01)", "clock"},
	    {"not-yet", "localhost", "ca.pem",
		"it is not yet valid (valid from 2090-01-01)", "clock"},
	    {"expired", "mail.example.org", "ca.pem",
		"it is for localhost, not for mail.example.org, and it has "
		"expired",
		"tls-name localhost"},
	    {"wrong-name", "localhost", "ca.pem",
		"it is for mail.example.org, not for localhost",
		"tls-name mail.example.org"},
	    {"longer-name", "localhost", "ca.pem",
		"it is for localhost.evil.test, not for localhost", "tls-name"},
	    {"cn-only", "localhost", "ca.pem",
		"it is for mail.example.org, not for localhost", "tls-name"},
	    {"good", "127.0.0.1", "ca.pem",
		"it is for localhost, not for 127.0.0.1", "tls-name"},
	    {"ip", "localhost", "ca.pem",
		"it is for 127.0.0.1, ::1, not for localhost",
		"tls-name 127.0.0.1"},
	    {"ip", "127.0.0.2", "ca.pem", "not for 127.0.0.2", "tls-name"},
	    {"ip-as-name", "127.0.0.1", "ca.pem",
		"it is for 127.0.0.1 (as a DNS name), not for 127.0.0.1",
		"IP:127.0.0.1"},
	    {"ip-as-name", "localhost", "ca.pem",
		"it is for 127.0.0.1 (as a DNS name), not for localhost",
		"tls-name NAME"},
	    {"ip-as-cn", "127.0.0.1", "ca.pem",
		"it is for 127.0.0.1 (as a common name), not for 127.0.0.1",
		"IP:127.0.0.1"},
	    {"wildcard", "a.b.example.org", "ca.pem",
		"it is for *.example.org, not for a.b.example.org",
		"tls-name NAME"},
	    {"wildcard", "example.org", "ca.pem", "not for example.org",
		"tls-name NAME"},
	    {"star", "localhost", "ca.pem", "it is for *, not for localhost",
		"tls-name NAME"},
	    {"star-org", "example.org", "ca.pem",
		"it is for *.org, not for example.org", "tls-name NAME"},
	    {"no-server", "localhost", "ca.pem", "it is not meant for a server",
		"another certificate"},
	    {"not-a-ca", "localhost", "ca.pem",
		"has an issuer that is no certificate authority", "tls-trust"},
	    {"sha1", "localhost", "ca.pem",
		"is signed with an insecure algorithm", "another"}};
	struct peer_tls peer = {0};
	struct account a;
	struct error e;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		peer.certificate = rows[i].certificate;
		a = trusting(rows[i].trust);
		e = meet(peer_start(peer_tls, &peer), &a, rows[i].reference);
		free(a.tls_trust);
		if (rows[i].words == NULL) {
			if (e.kind != ERROR_NONE)
				fail_msg("%s: %s", rows[i].certificate, e.text);
			continue;
		}
		if (e.kind != ERROR_DENIED ||
		    strstr(e.text, rows[i].words) == NULL ||
		    strstr(e.hint, rows[i].hint) == NULL)
			fail_msg("%s for %s: %d %s; %s", rows[i].certificate,
			    rows[i].reference, e.kind, e.text, e.hint);
		assert_non_null(strstr(e.why, "SHA-256 "));
		assert_int_equal(strlen(strstr(e.why, "SHA-256 ")), 8 + 64);
		assert_non_null(strstr(e.why, "subject CN="));
		assert_non_null(strstr(e.why, "issuer CN="));
	}
}

/* What a chain of tests/certs.sh says by itself. */
static void
read_chain(const char *certificate, struct certificate *c)
{
	struct text chain[4];
	struct trust t;
	struct error e;
	char file[40];
	size_t i;

	snprintf(file, sizeof(file), "%s.pem", certificate);
	error_clear(&e);
	trust_init(&t);
	assert_int_equal(trust_read(&t, in_folder(file), &e), 0);
	while (trust_next(&t))
		continue;
	assert_in_range(t.count, 1, 4);
	for (i = 0; i < t.count; i++)
		chain[i] = trust_at(&t, i);
	certificate_read(c, chain, t.count);
	trust_clear(&t);
}

/* All of it, and of one that is refused too. */
static void
shows_the_certificate(void **state)
{
	static const struct {
		const char *certificate; /* NULL: the server has none */
		const char *names;
		const char *issuer;
		int status;
	} rows[] = {{"good", "localhost", "CN=sendling test ca", 0},
	    {"chained", "localhost", "CN=sendling test intermediate", 0},
	    {"all-names", "localhost, 127.0.0.1, ::1", "CN=sendling test ca",
		0},
	    {"self-signed", "localhost", "CN=sendling test self-signed", -1},
	    {"expired", "localhost", "CN=sendling test ca", -1},
	    {NULL, "", "", -1}};
	struct peer_tls peer = {.priority = "NORMAL:+ANON-ECDH"};
	struct account a = trusting("ca.pem");
	struct certificate shown, expected;
	struct outcome o;
	struct peer p;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		peer.certificate = rows[i].certificate;
		p = peer_start(peer_tls, &peer);
		o = handshake(&a, "localhost", p.port);
		assert_int_equal(o.status,
		    rows[i].status == 0 ? STREAM_MOVED : STREAM_FAILED);
		tls_certificate(o.tls, &shown);
		assert_string_equal(shown.names, rows[i].names);
		assert_string_equal(shown.issuer, rows[i].issuer);
		if (rows[i].certificate != NULL) {
			read_chain(rows[i].certificate, &expected);
			assert_int_equal(strlen(shown.sha256), 64);
			assert_memory_equal(&shown, &expected, sizeof(shown));
		}
		finish(&o);
		peer_kill(p);
	}
	free(a.tls_trust);
}

static void
sees_to_the_trust_first(void **state)
{
	static const struct {
		const char *trust;
		const char *words; /* NULL: it will do */
	} rows[] = {{"missing.pem", "/missing.pem: No such file"},
	    {"empty.pem", "/empty.pem holds no certificate"},
	    {"good.key", "/good.key holds no certificate"},
	    {"broken.pem", "/broken.pem holds no certificate"},
	    {"cut.pem", "/cut.pem holds no certificate"},
	    {"void", "/void holds no certificate"}, {"folder", NULL},
	    {"ca.pem", NULL}, {"mixed.pem", NULL}};
	struct account a;
	struct error e;
	struct tls *t;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		a = trusting(rows[i].trust);
		error_clear(&e);
		t = tls_new(&a, &peer_host, &e);
		free(a.tls_trust);
		if (rows[i].words == NULL) {
			assert_non_null(t);
			tls_free(t);
			continue;
		}
		assert_null(t);
		assert_int_equal(e.kind, ERROR_CONFIG);
		if (strstr(e.text, rows[i].words) == NULL)
			fail_msg("%s", e.text);
		/* The system's authorities are another matter. */
		assert_non_null(strstr(e.hint, "tls-trust FILE"));
		assert_non_null(strstr(e.hint, "tls-trust system"));
		assert_null(strstr(e.hint, "install"));
	}
}

static void
trusts_a_folder(void **state)
{
	struct peer_tls peer = {.certificate = "good"};
	struct account a = trusting("folder");
	struct error e;

	(void)state;
	e = meet(peer_start(peer_tls, &peer), &a, "localhost");
	assert_int_equal(e.kind, ERROR_NONE);
	peer.certificate = "unknown-ca";
	e = meet(peer_start(peer_tls, &peer), &a, "localhost");
	assert_int_equal(e.kind, ERROR_DENIED);
	free(a.tls_trust);
}

/* The system does not know the tests' authority. */
static void
trusts_the_system(void **state)
{
	struct peer_tls peer = {.certificate = "good"};
	struct account a = trusting(NULL);
	struct error e;

	(void)state;
	if (access(BUNDLE, R_OK) == -1)
		skip();
	e = meet(peer_start(peer_tls, &peer), &a, "localhost");
	assert_int_equal(e.kind, ERROR_DENIED);
	assert_non_null(strstr(e.text, "has an unknown issuer"));
}

static void
refuses_bad_priorities(void **state)
{
	static const struct {
		const char *priority;
		const char *words;
	} rows[] = {{"NORMAL:+NONSENSE:+AES-128-GCM",
			"not understand `+NONSENSE:+AES-128-GCM'"},
	    {"NONSENSE", "not understand `NONSENSE'"},
	    {"NORMAL:", "not understand `NORMAL:'"}, {"", "tls-priority"},
	    {"SECURE256", NULL}, {"NORMAL", NULL}};
	struct account a = trusting("ca.pem");
	struct error e;
	struct tls *t;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		a.tls_priority = mem_copy(rows[i].priority);
		error_clear(&e);
		t = tls_new(&a, &peer_host, &e);
		if ((t != NULL) != (rows[i].words == NULL))
			fail_msg("`%s': %s", rows[i].priority, e.text);
		if (t == NULL) {
			assert_int_equal(e.kind, ERROR_CONFIG);
			if (strstr(e.text, rows[i].words) == NULL)
				fail_msg("%s", e.text);
		}
		tls_free(t);
		free(a.tls_priority);
	}
	free(a.tls_trust);
}

static void
speaks_good_tls_only(void **state)
{
	static const struct {
		const char *server;
		const char *certificate;
		const char *ours;
		enum error_kind kind;
	} rows[] = {{"NORMAL:-VERS-ALL:+VERS-TLS1.3", "good", NULL, ERROR_NONE},
	    {"NORMAL:-VERS-ALL:+VERS-TLS1.2", "good", NULL, ERROR_NONE},
	    {"NORMAL:-VERS-ALL:+VERS-TLS1.1", "good", NULL, ERROR_PROTOCOL},
	    {"NORMAL:-VERS-ALL:+VERS-TLS1.0", "good", NULL, ERROR_PROTOCOL},
	    {"NORMAL:-VERS-ALL:+VERS-TLS1.1", "good",
		"NORMAL:+VERS-TLS1.1:+VERS-TLS1.0", ERROR_PROTOCOL},
	    {"NORMAL:-VERS-ALL:+VERS-TLS1.2", "good", "NORMAL:-VERS-TLS1.2",
		ERROR_PROTOCOL},
	    {"NONE:+VERS-TLS1.2:+NULL:+MAC-ALL:+ECDHE-ECDSA:+GROUP-ALL:"
	     "+SIGN-ALL",
		"good", NULL, ERROR_PROTOCOL},
	    {"NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+ARCFOUR-128", "good",
		NULL, ERROR_PROTOCOL},
	    {"NORMAL:-KX-ALL:+ANON-ECDH:-VERS-ALL:+VERS-TLS1.2", NULL, NULL,
		ERROR_PROTOCOL},
	    /* Asked for, but nobody vouches for such a server. */
	    {"NORMAL:-KX-ALL:+ANON-ECDH:-VERS-ALL:+VERS-TLS1.2", NULL,
		"NORMAL:+ANON-ECDH", ERROR_PROTOCOL}};
	struct account a = trusting("ca.pem");
	struct peer_tls peer;
	struct error e;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		peer = (struct peer_tls){.certificate = rows[i].certificate,
		    .priority = rows[i].server};
		a.tls_priority = mem_copy(rows[i].ours);
		e = meet(peer_start(peer_tls, &peer), &a, "localhost");
		if (e.kind != rows[i].kind)
			fail_msg("%s: %d %s", rows[i].server, e.kind, e.text);
		free(a.tls_priority);
	}
	free(a.tls_trust);
}

/* A peer that says something else than TLS. */
struct words {
	const char *words;
	size_t step;
};

static int
say(int fd, const void *arg)
{
	const struct words *w = arg;
	char byte;
	size_t at, n;

	for (at = 0; w->words[at] != '\0'; at += n) {
		n = strnlen(w->words + at, w->step);
		if (send(fd, w->words + at, n, MSG_NOSIGNAL) == -1)
			break;
	}
	shutdown(fd, SHUT_WR);
	while (read(fd, &byte, 1) > 0)
		;
	return 0;
}

static void
knows_what_is_no_tls(void **state)
{
	static const struct {
		struct words said;
		enum error_kind kind;
		const char *words;
		const char *why;
		const char *hint; /* as it begins */
	} rows[] = {
	    {{"220 mail.example.org ESMTP\r\n220 more\r\n", 1000},
		ERROR_PROTOCOL, "speaks STARTTLS or plain SMTP on this port",
		"220 mail.example.org ESMTP", STARTTLS},
	    {{"554-no\r\n554 none\r\n", 1000}, ERROR_PROTOCOL,
		"speaks STARTTLS or plain SMTP on this port", "554-no",
		STARTTLS},
	    {{"\r\n220 x\r\n", 1000}, ERROR_PROTOCOL, "does not speak TLS", "",
		""},
	    {{"HTTP/1.1 400 Bad\033 Request\r\n", 1000}, ERROR_PROTOCOL,
		"does not speak TLS", "HTTP/1.1 400 Bad\\x1b Request",
		"this looks like an HTTP server"},
	    {{"* OK IMAP4rev1\r\n", 1000}, ERROR_PROTOCOL, "does not speak TLS",
		"* OK IMAP4rev1", "this looks like an IMAP server"},
	    {{"22", 1000}, ERROR_PROTOCOL, "does not speak TLS", "22", ""},
	    {{"\x16\x03\x03\x40", 1000}, ERROR_LATER, "closed the connection",
		"", ""},
	    {{"\x16\x03\x03\x7f\x7f nonsense", 1000}, ERROR_PROTOCOL, "", "",
		""},
	    {{"\x15\x03\x03\x01\x02\x02\x28", 1}, ERROR_LATER,
		"closed the connection", "", ""},
	    {{"", 1}, ERROR_LATER, "closed the connection", "", ""}};
	char name[] = "localhost", target[30];
	struct smarthost host = {.security = SMARTHOST_TLS, .host = name};
	struct account a = trusting("ca.pem");
	struct error e;
	struct peer p;
	size_t i;

	(void)state;
	a.smarthosts.at = &host;
	a.smarthosts.count = 1;
	for (i = 0; i < COUNT(rows); i++) {
		p = peer_start(say, &rows[i].said);
		host.port = p.port;
		e = meet(p, &a, name);
		if (e.kind != rows[i].kind ||
		    strstr(e.text, rows[i].words) == NULL)
			fail_msg("%zu: %d %s", i, e.kind, e.text);
		assert_string_equal(e.why, rows[i].why);
		snprintf(target, sizeof(target), "localhost:%u", p.port);
		if (strstr(e.hint, rows[i].hint) == NULL ||
		    (rows[i].hint[0] == '\0') != (e.hint[0] == '\0'))
			fail_msg("%zu: %s", i, e.hint);
		if (strstr(rows[i].words, "speak") != NULL)
			assert_non_null(strstr(e.text, target));
		if (strstr(rows[i].hint, "smtp://") != NULL)
			assert_non_null(strstr(e.hint, target));
	}
	free(a.tls_trust);
}

/* Behind STARTTLS no other scheme would help. */
static void
advises_implicit_tls_only(void **state)
{
	static const struct words said = {"220 mail\r\n", 100};
	char name[] = "::1";
	struct smarthost host = {.security = SMARTHOST_STARTTLS, .host = name};
	struct account a = trusting("ca.pem");
	char hint[80];
	struct error e;
	struct peer p;

	(void)state;
	a.smarthosts.at = &host;
	a.smarthosts.count = 1;
	p = peer_start(say, &said);
	host.port = p.port;
	e = meet(p, &a, "localhost");
	assert_int_equal(e.kind, ERROR_PROTOCOL);
	assert_string_equal(e.hint, "");
	p = peer_start(say, &said);
	host.port = p.port;
	host.security = SMARTHOST_TLS;
	e = meet(p, &a, "localhost");
	snprintf(
	    hint, sizeof(hint), "write `smarthost smtp://[::1]:%u'", p.port);
	assert_string_equal(e.hint, hint);
	free(a.tls_trust);
}

/* Everything that comes until the peer is done. */
static size_t
receive(struct outcome *o, char *bytes, size_t size)
{
	enum stream_status status = STREAM_MOVED;
	size_t all = 0, sent, got;
	struct error e;

	error_clear(&e);
	while (status == STREAM_MOVED && all < size) {
		status = stream_exchange(o->stream, NULL, 0, &sent, bytes + all,
		    size - all, &got, clock_now() + PEER_WAIT, &e);
		all += got;
	}
	if (status == STREAM_FAILED || status == STREAM_TIMEOUT)
		fail_msg("%d %s", status, e.text);
	return all;
}

static int
send_binding(gnutls_session_t session, int fd)
{
	gnutls_channel_binding_t type = GNUTLS_CB_TLS_UNIQUE;
	gnutls_datum_t data;

	(void)fd;
	if (gnutls_protocol_get_version(session) == GNUTLS_TLS1_3)
		type = GNUTLS_CB_TLS_EXPORTER;
	if (gnutls_session_channel_binding(session, type, &data) < 0)
		return 1;
	gnutls_record_send(session, data.data, data.size);
	gnutls_bye(session, GNUTLS_SHUT_WR);
	return 0;
}

static void
binds_the_channel(void **state)
{
	static const struct {
		const char *priority;
		enum sasl_binding binding;
		const char *words;
	} rows[] = {
	    {"NORMAL:-VERS-ALL:+VERS-TLS1.3", SASL_TLS_EXPORTER, "TLS1.3 "},
	    {"NORMAL:-VERS-ALL:+VERS-TLS1.2", SASL_TLS_UNIQUE, "TLS1.2 "},
	    {"NORMAL:-VERS-ALL:+VERS-TLS1.2:%NO_SESSION_HASH", SASL_UNBOUND,
		"TLS1.2 "}};
	struct account a = trusting("ca.pem");
	struct sasl_channel channel;
	struct peer_tls peer;
	struct outcome o;
	char data[100], words[80];
	struct peer p;
	size_t i, len;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		peer = (struct peer_tls){.certificate = "good",
		    .priority = rows[i].priority,
		    .act = send_binding};
		p = peer_start(peer_tls, &peer);
		o = handshake(&a, "localhost", p.port);
		assert_int_equal(o.status, 0);
		memset(&channel, 0, sizeof(channel));
		tls_channel(o.tls, &channel);
		assert_true(channel.tls);
		assert_true(channel.verified);
		assert_int_equal(channel.binding, rows[i].binding);
		len = receive(&o, data, sizeof(data));
		if (rows[i].binding != SASL_UNBOUND) {
			assert_int_equal(channel.len, len);
			assert_true(len >= 12);
			assert_memory_equal(channel.data, data, len);
		} else
			assert_int_equal(channel.len, 0);
		tls_words(o.tls, words, sizeof(words));
		assert_int_equal(
		    strncmp(words, rows[i].words, strlen(rows[i].words)), 0);
		if (strstr(words, " AES-256-GCM") == NULL)
			fail_msg("%s", words);
		finish(&o);
		peer_kill(p);
	}
	free(a.tls_trust);
}

static int
send_name(gnutls_session_t session, int fd)
{
	char name[100] = "";
	size_t size = sizeof(name);
	unsigned type;

	(void)fd;
	if (gnutls_server_name_get(session, name, &size, &type, 0) < 0)
		strlcpy(name, "none", sizeof(name));
	gnutls_record_send(session, name, strlen(name));
	gnutls_bye(session, GNUTLS_SHUT_WR);
	return 0;
}

static void
names_the_server(void **state)
{
	static const struct {
		const char *certificate;
		const char *reference;
		const char *name;
	} rows[] = {{"good", "localhost.", "localhost"},
	    {"ip", "127.0.0.1", "none"}, {"ip", "::1", "none"}};
	struct account a = trusting("ca.pem");
	struct peer_tls peer = {.act = send_name};
	struct outcome o;
	char name[100];
	struct peer p;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		peer.certificate = rows[i].certificate;
		p = peer_start(peer_tls, &peer);
		o = handshake(&a, rows[i].reference, p.port);
		assert_int_equal(o.status, 0);
		name[receive(&o, name, sizeof(name) - 1)] = '\0';
		assert_string_equal(name, rows[i].name);
		finish(&o);
		assert_int_equal(peer_end(p), 0);
	}
	free(a.tls_trust);
}

static bool
send_all(gnutls_session_t session, const char *bytes, size_t len)
{
	return gnutls_record_send(session, bytes, len) == (ssize_t)len;
}

/* Tickets, records of one byte, new keys in the middle, both ways. */
static int
be_odd(gnutls_session_t session, int fd)
{
	char back[6];
	ssize_t n;
	int i;

	(void)fd;
	gnutls_session_ticket_send(session, 2, 0);
	for (i = 0; i < 1000; i++) {
		if (!send_all(session, "x", 1))
			return 1;
		if (i % 400 == 50 &&
		    gnutls_session_key_update(session, GNUTLS_KU_PEER) < 0)
			return 2;
	}
	do
		n = gnutls_record_recv(session, back, 6);
	while (n == GNUTLS_E_AGAIN);
	if (n != 6 || memcmp(back, "answer", 6) != 0)
		return 3;
	gnutls_bye(session, GNUTLS_SHUT_WR);
	return 0;
}

/* Asks for a new handshake, which it must not get. */
static int
renegotiate(gnutls_session_t session, int fd)
{
	char back[6];

	(void)fd;
	if (gnutls_rehandshake(session) < 0 || !send_all(session, "x", 1))
		return 1;
	return gnutls_record_recv(session, back, 6) == 6 ? 0 : 2;
}

static void
answers(const char *priority, int (*act)(gnutls_session_t session, int fd),
    size_t bytes)
{
	struct peer_tls peer = {
	    .certificate = "good", .priority = priority, .act = act};
	struct account a = trusting("ca.pem");
	struct outcome o;
	struct error e;
	char in[1000];
	struct peer p;
	size_t sent, got;

	p = peer_start(peer_tls, &peer);
	o = handshake(&a, "localhost", p.port);
	assert_int_equal(o.status, 0);
	assert_int_equal(receive(&o, in, bytes), bytes);
	error_clear(&e);
	assert_int_equal(stream_exchange(o.stream, "answer", 6, &sent, in,
			     sizeof(in), &got, clock_now() + PEER_WAIT, &e),
	    STREAM_MOVED);
	assert_int_equal(sent, 6);
	assert_int_equal(peer_end(p), 0);
	finish(&o);
	free(a.tls_trust);
}

static void
bears_what_tls_allows(void **state)
{
	(void)state;
	answers("NORMAL:-VERS-ALL:+VERS-TLS1.3", be_odd, 1000);
}

static void
does_not_renegotiate(void **state)
{
	(void)state;
	answers("NORMAL:-VERS-ALL:+VERS-TLS1.2", renegotiate, 1);
}

static int
send_alert(gnutls_session_t session, int fd)
{
	(void)fd;
	gnutls_alert_send(session, GNUTLS_AL_FATAL, GNUTLS_A_INTERNAL_ERROR);
	return 0;
}

static int
cut_off(gnutls_session_t session, int fd)
{
	(void)session;
	close(fd);
	return 0;
}

/* The connection is lost within a record: within its header, its body; by a
 * reset. */
static int
cut_off_with(int fd, const char *bytes, size_t len, bool reset)
{
	const struct linger linger = {.l_onoff = reset};

	if (send(fd, bytes, len, 0) != (ssize_t)len)
		return 1;
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(fd);
	return 0;
}

static int
cut_off_in_header(gnutls_session_t session, int fd)
{
	(void)session;
	return cut_off_with(fd, "\x17\x03\x03", 3, false);
}

static int
cut_off_in_record(gnutls_session_t session, int fd)
{
	(void)session;
	return cut_off_with(fd, "\x17\x03\x03\x00\x40half of it", 15, false);
}

static int
reset_in_record(gnutls_session_t session, int fd)
{
	(void)session;
	return cut_off_with(fd, "\x17\x03\x03\x00\x40half of it", 15, true);
}

/* And what is wrong while the connection stands. */
static int
send_nonsense(gnutls_session_t session, int fd)
{
	char byte;

	(void)session;
	return send(fd, "\x17\x03\x03\x00\x02no", 7, 0) == 7 &&
		       recv(fd, &byte, 1, 0) >= 0
		   ? 0
		   : 1;
}

static int
say_bye(gnutls_session_t session, int fd)
{
	(void)fd;
	gnutls_bye(session, GNUTLS_SHUT_WR);
	return 0;
}

static void
tells_how_it_ended(void **state)
{
	static const struct {
		int (*act)(gnutls_session_t session, int fd);
		enum stream_status status;
		enum error_kind kind;
		const char *words;
	} rows[] = {{send_alert, STREAM_FAILED, ERROR_PROTOCOL,
			"TLS alert: Internal error"},
	    {cut_off, STREAM_CLOSED, ERROR_LATER, "without ending TLS"},
	    {cut_off_in_header, STREAM_CLOSED, ERROR_LATER,
		"without ending TLS"},
	    {cut_off_in_record, STREAM_CLOSED, ERROR_LATER,
		"without ending TLS"},
	    {reset_in_record, STREAM_CLOSED, ERROR_LATER,
		"the connection broke: Connection reset by peer"},
	    {send_nonsense, STREAM_FAILED, ERROR_PROTOCOL, ""},
	    {say_bye, STREAM_CLOSED, ERROR_LATER,
		"the server closed the connection"}};
	struct account a = trusting("ca.pem");
	struct peer_tls peer = {.certificate = "good"};
	struct outcome o;
	struct error e;
	struct peer p;
	size_t i, sent, got;
	char in[10];

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		peer.act = rows[i].act;
		p = peer_start(peer_tls, &peer);
		o = handshake(&a, "localhost", p.port);
		assert_int_equal(o.status, 0);
		error_clear(&e);
		assert_int_equal(
		    stream_exchange(o.stream, NULL, 0, &sent, in, sizeof(in),
			&got, clock_now() + PEER_WAIT, &e),
		    rows[i].status);
		assert_int_equal(e.kind, rows[i].kind);
		if (strstr(e.text, rows[i].words) == NULL)
			fail_msg("%s", e.text);
		finish(&o);
		assert_int_equal(peer_end(p), 0);
	}
	free(a.tls_trust);
}

static void
writes_no_key_log(void **state)
{
	struct peer_tls peer = {.certificate = "good"};
	struct account a = trusting("ca.pem");
	struct error e;

	(void)state;
	assert_string_equal(getenv("SSLKEYLOGFILE"), in_folder("keys"));
	e = meet(peer_start(peer_tls, &peer), &a, "localhost");
	assert_int_equal(e.kind, ERROR_NONE);
	assert_int_equal(access(in_folder("keys"), F_OK), -1);
	free(a.tls_trust);
}

static int
make_certs(void **state)
{
	static const char script[] =
	    "mkdir void folder && "
	    "cp ca.pem folder && cp good.key folder/README && : > empty.pem && "
	    "sed 's/^[^-].*/AAAA/' ca.pem > broken.pem && "
	    "sed '$d' ca.pem > cut.pem && "
	    "cat broken.pem cut.pem ca.pem > mixed.pem && "
	    "for i in 1 2 3; do cat %s expired.pem; done > many.pem; "
	    "cat ca.pem >> many.pem";
	char command[1000];

	if (folder_make_certs(state) != 0)
		return -1;
	setenv("SSLKEYLOGFILE", in_folder("keys"), 1);
	snprintf(command, sizeof(command), script,
	    access(BUNDLE, R_OK) == 0 ? BUNDLE : "wrong-name.pem");
	return folder_run(command);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(verifies_certificates),
	    cmocka_unit_test(shows_the_certificate),
	    cmocka_unit_test(sees_to_the_trust_first),
	    cmocka_unit_test(trusts_a_folder),
	    cmocka_unit_test(trusts_the_system),
	    cmocka_unit_test(refuses_bad_priorities),
	    cmocka_unit_test(speaks_good_tls_only),
	    cmocka_unit_test(knows_what_is_no_tls),
	    cmocka_unit_test(advises_implicit_tls_only),
	    cmocka_unit_test(binds_the_channel),
	    cmocka_unit_test(names_the_server),
	    cmocka_unit_test(bears_what_tls_allows),
	    cmocka_unit_test(does_not_renegotiate),
	    cmocka_unit_test(tells_how_it_ended),
	    cmocka_unit_test(writes_no_key_log)};

	return cmocka_run_group_tests(tests, make_certs, folder_remove);
}
