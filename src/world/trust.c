#include "world/trust.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crypt.h"
#include "base/mem.h"
#include "world/file.h"

#define PEM_BEGIN TEXT("-----BEGIN CERTIFICATE-----")
#define PEM_END	  TEXT("-----END CERTIFICATE-----")

/* Debian, Alpine, Arch; Fedora; openSUSE; FreeBSD, OpenBSD. */
static const char *const bundles[] = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/usr/local/share/certs/ca-root-nss.crt",
};

static int
hint(struct error *e)
{
	return error_hint(e,
	    "install the package ca-certificates, or name a PEM file or "
	    "folder: `tls-trust FILE'");
}

static int
unreadable(const char *path, int sys, struct error *e)
{
	char name[160];

	error_set_sys(e, ERROR_CONFIG, sys, NULL, "no trusted certificates: %s",
	    text_visible(text_of(path), name, sizeof(name)));
	return hint(e);
}

int
trust_empty(const char *name, struct error *e)
{
	char shown[160];

	error_set(e, ERROR_CONFIG, NULL,
	    "no trusted certificates: %s holds no certificate in PEM",
	    text_visible(text_of(name), shown, sizeof(shown)));
	return hint(e);
}

static int
read_file(const char *path, struct buf *pem, struct error *e)
{
	struct error why;

	error_clear(&why);
	if (file_read(path, FILE_ANY, pem, NULL, &why) == 0)
		return 0;
	if (why.sys != 0)
		return unreadable(path, why.sys, e);
	error_set(
	    e, ERROR_CONFIG, NULL, "no trusted certificates: %s", why.text);
	return hint(e);
}

/* Only that nothing at all is found is a fault, and trust_empty()'s. */
static int
read_folder(const char *path, struct buf *pem, struct error *e)
{
	struct error passed_over;
	char name[4096];
	struct dirent *entry;
	DIR *folder;

	folder = opendir(path);
	if (folder == NULL)
		return unreadable(path, errno, e);
	while ((entry = readdir(folder)) != NULL) {
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		error_clear(&passed_over);
		file_read(name, FILE_ANY, pem, NULL, &passed_over);
	}
	closedir(folder);
	return 0;
}

int
trust_read(const char *path, struct buf *pem, struct error *e)
{
	struct stat st;

	if (stat(path, &st) == -1)
		return unreadable(path, errno, e);
	return S_ISDIR(st.st_mode) ? read_folder(path, pem, e)
				   : read_file(path, pem, e);
}

static int
check_bundle(const char *path, struct error *e)
{
	struct stat st;

	if (access(path, R_OK) == -1 || stat(path, &st) == -1)
		return unreadable(path, errno, e);
	return st.st_size > 0 ? 0 : trust_empty(path, e);
}

int
trust_find_bundle(const char **path, struct error *e)
{
	size_t i;

	*path = NULL;
	for (i = 0; i < sizeof(bundles) / sizeof(bundles[0]); i++) {
		if (access(bundles[i], F_OK) == 0) {
			*path = bundles[i];
			return check_bundle(*path, e);
		}
	}
	return 0;
}

/* Cuts all up to the mark off *rest, and the mark as well. */
static bool
cut(struct text *rest, struct text mark, struct text *before)
{
	const char *found;

	if (rest->len == 0)
		return false;
	found = memmem(rest->at, rest->len, mark.at, mark.len);
	if (found == NULL)
		return false;
	*before = text_first(*rest, (size_t)(found - rest->at));
	*rest = text_skip(*rest, before->len + mark.len);
	return true;
}

/* Cuts the base64 of the next certificate off *rest. Where it is none, as in
 * one without an end, the search goes on behind its beginning. */
static bool
next_base64(struct text *rest, struct text *base64)
{
	struct text before, behind;

	while (cut(rest, PEM_BEGIN, &before)) {
		behind = *rest;
		if (!cut(&behind, PEM_END, base64))
			return false;
		if (text_find(*base64, '-') < base64->len)
			continue;
		*rest = behind;
		return true;
	}
	return false;
}

static bool
decode(struct text base64, struct buf *der)
{
	buf_reset(der);
	return crypt_unpem(base64, der) == 0 && der->len > 0;
}

bool
trust_next(struct text *rest, struct buf *der)
{
	struct text base64;

	while (next_base64(rest, &base64)) {
		if (decode(base64, der))
			return true;
	}
	return false;
}

#define PHASES 3 /* a group of base64 stands for three octets */

struct trust_names {
	const struct text *names;
	size_t count;
	struct buf *needles; /* PHASES for each name */
	struct buf line;     /* the base64 of a certificate, in one line */
};

/* The characters that the name alone decides when `phase` octets of its first
 * group of three are others'. */
static void
add_needle(struct text name, size_t phase, struct buf *needle)
{
	static const size_t others[PHASES] = {0, 2, 3};
	struct buf octets, base64;
	size_t whole;

	buf_init(&octets, name.len + phase);
	buf_init(&base64, 2 * name.len + 8);
	buf_add(&octets, "\0\0", phase);
	buf_add_text(&octets, name);
	crypt_base64(buf_text(&octets), &base64);
	whole = octets.len * 8 / 6;
	buf_add_text(needle,
	    text_skip(text_first(buf_text(&base64), whole), others[phase]));
	buf_clear(&octets);
	buf_clear(&base64);
}

struct trust_names *
trust_names_new(const struct text *names, size_t count)
{
	struct trust_names *n;
	size_t i;

	n = mem_new(1, sizeof(*n));
	n->names = names;
	n->count = count;
	n->needles = mem_new(PHASES * count, sizeof(*n->needles));
	buf_init(&n->line, TRUST_MAX);
	for (i = 0; i < PHASES * count; i++) {
		buf_init(&n->needles[i], TRUST_MAX);
		add_needle(names[i / PHASES], i % PHASES, &n->needles[i]);
	}
	return n;
}

void
trust_names_free(struct trust_names *n)
{
	size_t i;

	if (n == NULL)
		return;
	for (i = 0; i < PHASES * n->count; i++)
		buf_clear(&n->needles[i]);
	buf_clear(&n->line);
	free(n->needles);
	free(n);
}

static bool
contains(struct text t, struct text sought)
{
	return t.len > 0 && memmem(t.at, t.len, sought.at, sought.len) != NULL;
}

/* Whether the base64 may stand for something with one of the names in it. */
static bool
may_hold(struct trust_names *n, struct text base64)
{
	struct text line;
	size_t i;

	buf_reset(&n->line);
	while (text_next_line(&base64, &line))
		buf_add_text(&n->line, text_trim(line));
	for (i = 0; i < PHASES * n->count; i++) {
		if (contains(buf_text(&n->line), buf_text(&n->needles[i])))
			return true;
	}
	return false;
}

static bool
holds(const struct trust_names *n, struct text der)
{
	size_t i;

	for (i = 0; i < n->count; i++) {
		if (contains(der, n->names[i]))
			return true;
	}
	return false;
}

bool
trust_next_of(struct text *rest, struct trust_names *names, struct buf *der)
{
	struct text base64;

	while (next_base64(rest, &base64)) {
		if (may_hold(names, base64) && decode(base64, der) &&
		    holds(names, buf_text(der)))
			return true;
	}
	return false;
}
