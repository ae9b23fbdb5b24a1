#include "../unit.h"

#include "../handshake.h"
#include "world/trust.h"
#include "world/verify.h"

/* The pin of the key in a file of tests/certs.sh. */
static char *
pin_of(const char *name)
{
	static struct certificate c;
	char file[40];
	struct text chain;
	struct trust t;
	struct error e;

	snprintf(file, sizeof(file), "%s.pem", name);
	error_clear(&e);
	trust_init(&t);
	assert_int_equal(trust_read(&t, in_folder(file), &e), 0);
	assert_true(trust_next(&t));
	chain = trust_at(&t, 0);
	certificate_read(&c, &chain, 1);
	trust_clear(&t);
	return mem_copy(c.pin);
}

struct row {
	const char *certificate;
	const char *reference;
	const char *trust;
	const char *pins[2]; /* whose */
	const char *crl;
	const char *answer; /* of OCSP */
	bool off;	    /* `tls-verify no' */
	const char *words;  /* NULL: it is good */
	const char *hint;
};

static struct error
meet_row(const struct row *r, const char *version)
{
	const struct peer_tls peer = {.certificate = r->certificate,
	    .priority = version,
	    .answer = r->answer};
	struct account a = trusting(r->trust);
	struct error e;
	size_t i;

	if (r->off)
		a.tls_verify = SWITCH_NO;
	if (r->crl != NULL)
		a.tls_crl = mem_copy(in_folder(r->crl));
	for (i = 0; i < 2; i++)
		if (r->pins[i] != NULL)
			*mem_push(a.tls_pins.at, a.tls_pins.count) =
			    pin_of(r->pins[i]);
	e = meet(peer_start(peer_tls, &peer), &a, r->reference);
	while (a.tls_pins.count > 0)
		free(a.tls_pins.at[--a.tls_pins.count]);
	free(a.tls_pins.at);
	free(a.tls_crl);
	free(a.tls_trust);
	return e;
}

/* Where it is refused the line that pins the key is told, unless no pin would
 * help. */
static void
check_row(const struct row *r, const char *version)
{
	const struct error e = meet_row(r, version);
	char *pin;

	if (r->words == NULL) {
		if (e.kind != ERROR_NONE)
			fail_msg("%s: %s", r->certificate, e.text);
		return;
	}
	if (e.kind != ERROR_DENIED || strstr(e.text, r->words) == NULL ||
	    strstr(e.hint, r->hint) == NULL)
		fail_msg("%s for %s: %d %s; %s", r->certificate, r->reference,
		    e.kind, e.text, e.hint);
	pin = pin_of(r->certificate);
	if ((strstr(e.hint, pin) != NULL) !=
	    (strstr(e.text, "revoked") == NULL))
		fail_msg("%s: %s", r->certificate, e.hint);
	free(pin);
}

static void
check(const struct row *rows, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		check_row(&rows[i], "NORMAL:-VERS-ALL:+VERS-TLS1.3");
		check_row(&rows[i], "NORMAL:-VERS-ALL:+VERS-TLS1.2");
	}
}

#define CA .trust = "ca.pem"

/* RFC 9525: no common name, and a star only as the whole first label. */
static void
names_count_where_they_stand(void **state)
{
	static const struct row rows[] = {
	    {"cn-alone", "localhost", CA,
		.words = "for localhost (as a common name), not for localhost",
		.hint = "subjectAltName DNS:localhost"},
	    {"cn-and-ip", "localhost", CA, .words = "not for localhost",
		.hint = "tls-name 192.0.2.1"},
	    {"part-star", "foo.example.org", CA,
		.words = "it is for f*.example.org, not for foo.example.org",
		.hint = "tls-name"},
	    {"middle-star", "mail.example.org", CA, .words = "for mail.*.org",
		.hint = "tls-name"},
	    {"two-stars", "a.b.example.org", CA, .words = "for *.*.example.org",
		.hint = "tls-name"},
	    {"nul", "localhost", CA,
		.words =
		    "it is for localhost\\x00.evil.test, not for localhost",
		.hint = "tls-name NAME"}};

	(void)state;
	check(rows, COUNT(rows));
}

/* RFC 9325: not its own, not its issuer's, not that of a trusted authority. */
static void
small_keys_are_refused(void **state)
{
	static const struct row rows[] = {{"rsa", "localhost", CA},
	    {"small", "localhost", CA,
		.words = "it has an RSA key of 1024 bits, and 2048 are the "
			 "least",
		.hint = "another certificate"},
	    {"below-small", "localhost", CA,
		.words = "it has an issuer with an RSA key of 1024 bits",
		.hint = "another certificate"},
	    {"of-small", "localhost", "small-ca.pem",
		.words = "it has an issuer with an RSA key of 1024 bits",
		.hint = ""},
	    {"small-self", "localhost", "small-self.pem",
		.words = "it has an RSA key of 1024 bits", .hint = ""}};

	(void)state;
	check(rows, COUNT(rows));
}

/* The pin counts, and nothing else, and it needs no trust. */
static void
pins_stand_in(void **state)
{
	static const struct row rows[] = {
	    {"good", "localhost", "missing.pem", .pins = {"good"}},
	    {"good", "localhost", CA, .pins = {"good"}},
	    {"good", "mail.example.org", "missing.pem", .pins = {"good"}},
	    {"good", "192.0.2.1", "missing.pem", .pins = {"good"}},
	    {"expired", "localhost", "missing.pem", .pins = {"expired"}},
	    {"not-yet", "localhost", "missing.pem", .pins = {"not-yet"}},
	    {"self-signed", "localhost", "missing.pem",
		.pins = {"self-signed"}},
	    {"unknown-ca", "localhost", "missing.pem", .pins = {"unknown-ca"}},
	    {"no-server", "localhost", "missing.pem", .pins = {"no-server"}},
	    {"sha1", "localhost", "missing.pem", .pins = {"sha1"}},
	    {"cn-alone", "localhost", "missing.pem", .pins = {"cn-alone"}},
	    {"small", "localhost", "missing.pem", .pins = {"small"}},
	    {"stapled", "localhost", "missing.pem", .pins = {"stapled"}},
	    /* A second one is for the key that comes next. */
	    {"good", "localhost", "missing.pem", .pins = {"rsa", "good"}},
	    {"good", "localhost", "missing.pem", .pins = {"good", "rsa"}},
	    {"good", "localhost", CA, .pins = {"rsa"},
		.words = "not trusted: it has a key that no `tls-pin' names",
		.hint = "somebody may stand between"},
	    {"good", "localhost", CA, .pins = {"rsa", "chained"},
		.words = "no `tls-pin' names", .hint = "new key"},
	    /* Whatever else is not to be looked at. */
	    {"good", "localhost", CA, .pins = {"good"}, .off = true},
	    {"good", "localhost", CA, .pins = {"rsa"}, .off = true,
		.words = "no `tls-pin' names", .hint = ""},
	    /* Not that of an issuer. */
	    {"good", "localhost", CA, .pins = {"ca"},
		.words = "no `tls-pin' names", .hint = ""},
	    {"chained", "localhost", CA, .pins = {"intermediate"},
		.words = "no `tls-pin' names", .hint = ""}};

	(void)state;
	check(rows, COUNT(rows));
}

static void
what_was_revoked_is_refused(void **state)
{
	static const struct row rows[] = {
	    {"revoked", "localhost", CA}, /* nobody can know */
	    {"good", "localhost", CA, .crl = "ca.crl"},
	    {"good", "localhost", CA, .crl = "many.crl"},
	    {"good", "localhost", CA, .crl = "der.crl"},
	    {"self-signed", "localhost", "self-signed.pem", .crl = "ca.crl"},
	    {"chained", "localhost", CA, .crl = "intermediate.crl"},
	    {"revoked", "localhost", CA, .crl = "ca.crl",
		.words = "not trusted: it was revoked", .hint = "another"},
	    {"revoked", "localhost", CA, .crl = "many.crl",
		.words = "it was revoked", .hint = "another"},
	    {"revoked", "localhost", CA, .crl = "der.crl",
		.words = "it was revoked", .hint = "another"},
	    {"revoked", "mail.example.org", CA, .crl = "ca.crl",
		.words = "it was revoked", .hint = "another"},
	    {"below-revoked", "localhost", CA, .crl = "ca.crl",
		.words = "it was revoked", .hint = "another"},
	    {"revoked", "localhost", CA, .pins = {"revoked"}, .crl = "ca.crl",
		.words = "it was revoked", .hint = "another"},
	    {"below-revoked", "localhost", CA, .pins = {"below-revoked"},
		.crl = "ca.crl", .words = "it was revoked", .hint = "another"},
	    {"good", "localhost", CA, .pins = {"good"}, .crl = "ca.crl"},
	    {"good", "localhost", CA, .pins = {"good"}, .crl = "other-ca.crl"},
	    /* One good list is enough, wherever it stands. */
	    {"good", "localhost", CA, .crl = "good-first.crl"},
	    {"good", "localhost", CA, .crl = "good-last.crl"},
	    /* Who does not know says so. */
	    {"good", "localhost", CA, .crl = "other-ca.crl",
		.words = "`tls-crl' has no list of its issuer",
		.hint = "fetch the list"},
	    {"good", "localhost", CA, .crl = "old.crl",
		.words = "may have been revoked: the list in `tls-crl' is out "
			 "of date since 2020-02-01",
		.hint = "fetch the list"},
	    {"good", "localhost", CA, .pins = {"good"}, .crl = "old.crl",
		.words = "revoked: the list in `tls-crl' is out of date",
		.hint = "fetch the list"},
	    {"revoked", "localhost", CA, .crl = "no-news.crl"},
	    {"revoked", "localhost", CA, .crl = "forged.crl",
		.words = "revoked: its issuer has not signed the list",
		.hint = "fetch the list"}};

	(void)state;
	assert_int_equal(folder_run("cat ca.crl old.crl >good-first.crl && "
				    "cat old.crl ca.crl >good-last.crl"),
	    0);
	check(rows, COUNT(rows));
}

static void
what_the_server_shows_of_it_counts(void **state)
{
	static const struct row rows[] = {
	    {"good", "localhost", CA, .answer = "good.ocsp"},
	    {"stapled", "localhost", CA, .answer = "stapled.ocsp"},
	    {"stapled", "localhost", CA,
		.words = "it lacks the OCSP status it must have",
		.hint = "another certificate"},
	    {"revoked", "localhost", CA, .answer = "revoked.ocsp",
		.words = "it was revoked", .hint = "another"},
	    {"revoked", "localhost", CA, .pins = {"revoked"},
		.answer = "revoked.ocsp", .words = "it was revoked",
		.hint = "another"},
	    {"good", "localhost", CA, .pins = {"good"}, .answer = "good.ocsp"}};

	(void)state;
	check(rows, COUNT(rows));
}

/* Nothing is looked at, and it is said that nobody knows who it is. */
static void
nothing_is_verified_where_that_is_said(void **state)
{
	static const char *const files[] = {
	    "good", "expired", "self-signed", "wrong-name", "small"};
	struct peer_tls peer = {0};
	struct account a = trusting("missing.pem");
	struct sasl_channel channel;
	struct outcome o;
	char words[200];
	struct peer p;
	size_t i;

	(void)state;
	a.tls_verify = SWITCH_NO;
	for (i = 0; i < COUNT(files); i++) {
		peer.certificate = files[i];
		p = peer_start(peer_tls, &peer);
		o = handshake(&a, "localhost", p.port);
		assert_int_equal(o.status, STREAM_MOVED);
		memset(&channel, 0, sizeof(channel));
		tls_channel(o.tls, &channel);
		assert_true(channel.tls);
		assert_false(channel.verified);
		assert_non_null(strstr(
		    tls_words(o.tls, words, sizeof(words)), " unverified"));
		finish(&o);
		peer_kill(p);
	}
	free(a.tls_trust);
}

/* Sixteen are looked at, whatever else the server shows: an expired one tells
 * how far that goes. */
static void
a_chain_has_an_end(void **state)
{
	static const char make[] =
	    "repeat() { i=0; while test $i -lt $1; do cat good.pem; "
	    "i=$((i + 1)); done; }; for n in 15 16; do cp good.key $n.key; "
	    "{ repeat $n; cat expired.pem; repeat 40; } >$n.pem; done";
	struct peer_tls peer = {.certificate = "15", .all = true};
	struct account a = trusting("ca.pem");
	struct certificate shown;
	struct outcome o;
	struct peer p;
	size_t i;

	(void)state;
	assert_int_equal(folder_run(make), 0);
	*mem_push(a.tls_pins.at, a.tls_pins.count) = pin_of("good");
	for (i = 0; i < 2; i++) {
		p = peer_start(peer_tls, &peer);
		o = handshake(&a, "localhost", p.port);
		if (o.status != STREAM_MOVED)
			fail_msg("%s", o.e.text);
		tls_certificate(o.tls, &shown);
		assert_int_equal(
		    shown.until < time(NULL), peer.certificate[1] == '5');
		finish(&o);
		peer_kill(p);
		peer.certificate = "16";
	}
	free(a.tls_pins.at[--a.tls_pins.count]);
	/* And without a pin it is no chain. */
	o.e = meet(peer_start(peer_tls, &peer), &a, "localhost");
	assert_int_equal(o.e.kind, ERROR_DENIED);
	assert_non_null(strstr(o.e.text, "not trusted"));
	free(a.tls_pins.at);
	free(a.tls_trust);
}

/* Before anything connects. */
static void
the_list_is_read_first(void **state)
{
	static const struct {
		const char *crl;
		const char *words; /* NULL: it will do */
	} rows[] = {{"missing.crl", "/missing.crl: No such file"},
	    {"empty.crl", "/empty.crl holds no list of revoked certificates"},
	    {"good.pem", "/good.pem holds no list"},
	    {"void", "/void: a folder, not a regular file"}, {"many.crl", NULL},
	    {"old.crl", NULL}};
	struct account a = trusting("ca.pem");
	struct error e;
	struct tls *t;
	size_t i;

	(void)state;
	assert_int_equal(folder_run("mkdir void; : > empty.crl"), 0);
	for (i = 0; i < COUNT(rows); i++) {
		a.tls_crl = mem_copy(in_folder(rows[i].crl));
		error_clear(&e);
		t = tls_new(&a, &peer_host, &e);
		free(a.tls_crl);
		assert_int_equal(t != NULL, rows[i].words == NULL);
		tls_free(t);
		if (rows[i].words == NULL)
			continue;
		assert_int_equal(e.kind, ERROR_CONFIG);
		if (strstr(e.text, rows[i].words) == NULL)
			fail_msg("%s", e.text);
		assert_non_null(strstr(e.text, "tls-crl: "));
		assert_non_null(strstr(e.hint, "tls-crl"));
	}
	free(a.tls_trust);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names_count_where_they_stand),
	    cmocka_unit_test(small_keys_are_refused),
	    cmocka_unit_test(pins_stand_in),
	    cmocka_unit_test(what_was_revoked_is_refused),
	    cmocka_unit_test(what_the_server_shows_of_it_counts),
	    cmocka_unit_test(nothing_is_verified_where_that_is_said),
	    cmocka_unit_test(a_chain_has_an_end),
	    cmocka_unit_test(the_list_is_read_first)};

	return cmocka_run_group_tests(
	    tests, folder_make_more_certs, folder_remove);
}
