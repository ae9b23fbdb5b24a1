#include "../unit.h"

#include "../handshake.h"

static int
say_bye(gnutls_session_t session, int fd)
{
	(void)fd;
	gnutls_bye(session, GNUTLS_SHUT_WR);
	return 0;
}

/* Who the client is, as GnuTLS's server says it. */
static int
send_client(gnutls_session_t session, int fd)
{
	const gnutls_datum_t *shown;
	gnutls_x509_crt_t x509;
	unsigned count = 0;
	char name[100] = "nobody";
	size_t size = sizeof(name);

	shown = gnutls_certificate_get_peers(session, &count);
	gnutls_x509_crt_init(&x509);
	if (count > 0 &&
	    gnutls_x509_crt_import(x509, shown, GNUTLS_X509_FMT_DER) == 0)
		gnutls_x509_crt_get_dn_by_oid(
		    x509, GNUTLS_OID_X520_COMMON_NAME, 0, 0, name, &size);
	gnutls_record_send(session, name, strlen(name));
	return say_bye(session, fd);
}

static char *
place_of(const char *name)
{
	if (name == NULL || strchr(name, ':') != NULL)
		return mem_copy(name);
	return mem_copy(in_folder(name));
}

static void
clear(struct account *a)
{
	free(a->tls_trust);
	free(a->tls_certificate);
	free(a->tls_key);
	memset(a, 0, sizeof(*a));
}

static struct account
being(const char *certificate, const char *key)
{
	struct account a = trusting("ca.pem");

	a.tls_certificate = place_of(certificate);
	a.tls_key = place_of(key);
	return a;
}

static void
is_shown_where_it_is_asked_for(void **state)
{
	static const struct {
		const char *certificate;
		const char *key;
		const char *name;
		bool asks;
	} rows[] = {{"client.pem", "client.key", "sendling test client", true},
	    {"both.pem", NULL, "sendling test client", true},
	    {"both.pem", "both.pem", "sendling test client", true},
	    {"rsa-client.pem", "rsa-client.key", "sendling test rsa-client",
		true},
	    {"client.pem", "client.key", "nobody", false}};
	static const char *const versions[] = {
	    "NORMAL:-VERS-ALL:+VERS-TLS1.3", "NORMAL:-VERS-ALL:+VERS-TLS1.2"};
	struct peer_tls peer = {.certificate = "good", .act = send_client};
	struct account a;
	struct outcome o;
	struct error e;
	char name[100];
	struct peer p;
	size_t i, sent, got;

	(void)state;
	for (i = 0; i < 2 * COUNT(rows); i++) {
		a = being(rows[i / 2].certificate, rows[i / 2].key);
		peer.asks = rows[i / 2].asks;
		peer.priority = versions[i % 2];
		p = peer_start(peer_tls, &peer);
		o = handshake(&a, "localhost", p.port);
		if (o.status != STREAM_MOVED)
			fail_msg("%s", o.e.text);
		error_clear(&e);
		got = 0;
		while (got == 0)
			if (stream_exchange(o.stream, NULL, 0, &sent, name,
				sizeof(name) - 1, &got, clock_now() + PEER_WAIT,
				&e) != STREAM_MOVED)
				fail_msg("%s", e.text);
		name[got] = '\0';
		assert_string_equal(name, rows[i / 2].name);
		finish(&o);
		assert_int_equal(peer_end(p), 0);
		clear(&a);
	}
}

static void
is_missed_with_a_hint(void **state)
{
	/* With TLS 1.3 it comes later: pkcs11.t. */
	const struct peer_tls peer = {.certificate = "good",
	    .priority = "NORMAL:-VERS-ALL:+VERS-TLS1.2",
	    .asks = true};
	struct account a = trusting("ca.pem");
	struct error e;

	(void)state;
	e = meet(peer_start(peer_tls, &peer), &a, "localhost");
	assert_int_equal(e.kind, ERROR_PROTOCOL);
	if (strstr(e.hint, "`tls-certificate FILE'") == NULL)
		fail_msg("%s; %s", e.text, e.hint);
	clear(&a);
}

static gnutls_alert_description_t alert;

static int
refuse_client(gnutls_session_t session, int fd)
{
	(void)fd;
	gnutls_alert_send(session, GNUTLS_AL_FATAL, alert);
	return 0;
}

/* What it has to say behind the handshake. */
static struct error
meet_refusal(struct peer_tls *peer, const struct account *a)
{
	struct outcome o;
	struct peer p;
	size_t sent, got;
	char in[10];

	peer->certificate = "good";
	peer->act = refuse_client;
	p = peer_start(peer_tls, peer);
	o = handshake(a, "localhost", p.port);
	while (o.status == STREAM_MOVED)
		o.status = stream_exchange(o.stream, NULL, 0, &sent, in,
		    sizeof(in), &got, clock_now() + PEER_WAIT, &o.e);
	finish(&o);
	peer_kill(p);
	return o.e;
}

static void
is_refused_with_a_hint(void **state)
{
#define NOT_TAKEN                                                              \
	"may not take the certificate in `tls-certificate', with the key in `tls-key'"
	static const struct {
		gnutls_alert_description_t alert;
		bool asks;
		const char *names;
		const char *hint; /* NULL: none */
	} rows[] = {{GNUTLS_A_BAD_CERTIFICATE, true, NULL, NOT_TAKEN},
	    {GNUTLS_A_UNKNOWN_CA, true, NULL, NOT_TAKEN},
	    {GNUTLS_A_CERTIFICATE_EXPIRED, true, NULL, NOT_TAKEN},
	    {GNUTLS_A_HANDSHAKE_FAILURE, true, NULL, NOT_TAKEN},
	    {GNUTLS_A_UNKNOWN_CA, true, "ca.pem", NOT_TAKEN},
	    {GNUTLS_A_CERTIFICATE_REQUIRED, true, "other-ca.pem",
		"of an authority that it names, and that in `tls-certificate' "
		"is of another"},
	    {GNUTLS_A_INTERNAL_ERROR, true, NULL, NULL},
	    {GNUTLS_A_HANDSHAKE_FAILURE, false, NULL, NULL},
	    {GNUTLS_A_UNKNOWN_CA, false, NULL, NULL}};
	static const char *const versions[] = {
	    "NORMAL:-VERS-ALL:+VERS-TLS1.3", "NORMAL:-VERS-ALL:+VERS-TLS1.2"};
	struct account a = being("client.pem", "client.key");
	struct error e;
	size_t i;

	(void)state;
	for (i = 0; i < 2 * COUNT(rows); i++) {
		struct peer_tls peer = {.priority = versions[i % 2],
		    .asks = rows[i / 2].asks,
		    .names = rows[i / 2].names};

		alert = rows[i / 2].alert;
		e = meet_refusal(&peer, &a);
		assert_int_equal(e.kind, ERROR_PROTOCOL);
		assert_non_null(strstr(e.text, "with the TLS alert"));
		if (rows[i / 2].hint == NULL
			? e.hint[0] != '\0'
			: strstr(e.hint, rows[i / 2].hint) == NULL)
			fail_msg("%zu: %s; %s", i, e.text, e.hint);
	}
	clear(&a);
}

#define TOKEN "pkcs11:token=none"

/* Before anything connects. */
static void
is_read_first(void **state)
{
	static const struct {
		const char *certificate;
		const char *key;
		const char *words;
		const char *hint;
	} rows[] = {{"missing.pem", "client.key", "tls-certificate: /", ""},
	    {"client.pem", "missing.key", "/missing.key: No such file", ""},
	    {"empty.pem", "client.key", "tls-certificate: /", ""},
	    {"client.key", "client.key", "tls-certificate: /", ""},
	    {"client.pem", "client.pem", "tls-key: /", ""},
	    {"client.pem", NULL, "tls-key: /", ""},
	    {"client.pem", "empty.pem", "tls-key: /", ""},
	    {"client.pem", "good.key", "the key is not that of the certificate",
		""},
	    {"client.pem", "locked.key", "/locked.key: it is encrypted",
		"openssl pkey -in"},
	    {"client.pem", "open.key", "everybody may read it", "chmod 6"},
	    {"client.pem", "written.key", "others may write to it", "chmod"},
	    {TOKEN, TOKEN, "tls-certificate: the token: ", ""},
	    {"client.pem", TOKEN, "tls-key: the token: ", ""},
	    {"client.pem", TOKEN "?pin-source=secret",
		"pin-source: it does not name a file from `/' on", ""},
	    {"client.pem", TOKEN "?pinfile=secret", /* as it was called */
		"pin-source: it does not name a file from `/' on", ""},
	    {"client.pem", TOKEN "?pin-source=%7Ccat",
		"pin-source: it does not name a file from `/' on", ""},
	    {"client.pem", TOKEN "?pin-source=|id%20-a",
		"pin-source: it does not name a file from `/' on", ""},
	    {"client.pem", TOKEN "?pin-source=file:/nowhere",
		"pin-source: /nowhere: No such file", ""},
	    {"client.pem", TOKEN "?pin-source=/etc/passwd",
		"pin-source: /etc/passwd: it holds", ""}};
	struct account a;
	struct error e;
	struct tls *t;
	size_t i;

	(void)state;
	assert_int_equal(
	    folder_run(": > empty.pem; chmod 600 *.key; cp client.key open.key;"
		       "chmod 644 open.key; cp client.key written.key; "
		       "chmod 660 written.key"),
	    0);
	for (i = 0; i < COUNT(rows); i++) {
		a = being(rows[i].certificate, rows[i].key);
		error_clear(&e);
		t = tls_new(&a, &peer_host, &e);
		assert_null(t);
		assert_int_equal(e.kind, ERROR_CONFIG);
		if (strstr(e.text, rows[i].words) == NULL ||
		    strstr(e.hint, rows[i].hint) == NULL)
			fail_msg("%zu: %s; %s", i, e.text, e.hint);
		clear(&a);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(is_shown_where_it_is_asked_for),
	    cmocka_unit_test(is_missed_with_a_hint),
	    cmocka_unit_test(is_refused_with_a_hint),
	    cmocka_unit_test(is_read_first)};

	return cmocka_run_group_tests(
	    tests, folder_make_more_certs, folder_remove);
}
