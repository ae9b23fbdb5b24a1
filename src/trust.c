#include "trust.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypt.h"
#include "file.h"

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

bool
trust_next(struct text *rest, struct buf *der)
{
	struct text before, behind, base64;

	while (cut(rest, PEM_BEGIN, &before)) {
		behind = *rest;
		if (!cut(&behind, PEM_END, &base64))
			return false;
		buf_reset(der);
		if (crypt_unpem(base64, der) == -1 || der->len == 0)
			continue;
		*rest = behind;
		return true;
	}
	return false;
}

static bool
holds_any(struct text der, const struct text *names, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (memmem(der.at, der.len, names[i].at, names[i].len) != NULL)
			return true;
	}
	return false;
}

bool
trust_next_of(
    struct text *rest, const struct text *names, size_t count, struct buf *der)
{
	while (trust_next(rest, der)) {
		if (holds_any(buf_text(der), names, count))
			return true;
	}
	return false;
}
