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
unreadable(const char *path, int sys, struct error *e)
{
	return error_set_sys(e, ERROR_CONFIG, sys, NULL,
	    "no trusted certificates: %s", SHOWN(text_of(path)));
}

int
trust_empty(const char *name, struct error *e)
{
	return error_set(e, ERROR_CONFIG, NULL,
	    "no trusted certificates: %s holds no certificate in PEM",
	    SHOWN(text_of(name)));
}

static int
read_file(const char *path, struct buf *pem, struct error *e)
{
	struct error why;

	error_clear(&why);
	if (file_read(path, ACCESS_ANY, pem, NULL, &why) == 0)
		return 0;
	if (why.sys != 0)
		return unreadable(path, why.sys, e);
	return error_set(
	    e, ERROR_CONFIG, NULL, "no trusted certificates: %s", why.text);
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
		file_read(name, ACCESS_ANY, pem, NULL, &passed_over);
	}
	closedir(folder);
	return 0;
}

int
trust_read(struct trust *t, const char *path, struct error *e)
{
	struct stat st;

	if (stat(path, &st) == -1)
		return unreadable(path, errno, e);
	return S_ISDIR(st.st_mode) ? read_folder(path, &t->pem, e)
				   : read_file(path, &t->pem, e);
}

const char *
trust_bundle(void)
{
	size_t i;

	for (i = 0; i < sizeof(bundles) / sizeof(bundles[0]); i++)
		if (access(bundles[i], F_OK) == 0)
			return bundles[i];
	return NULL;
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

void
trust_init(struct trust *t)
{
	*t = (struct trust){.ends = NULL};
	buf_init(&t->pem, TRUST_MAX);
	buf_init(&t->der, TRUST_MAX);
}

void
trust_clear(struct trust *t)
{
	buf_clear(&t->pem);
	buf_clear(&t->der);
	free(t->ends);
	trust_init(t);
}

bool
trust_next(struct trust *t)
{
	struct text rest = text_skip(buf_text(&t->pem), t->done), base64;
	const size_t before = t->der.len;

	buf_reserve(&t->der, rest.len); /* for all, though it is less */
	while (t->der.len == before && next_base64(&rest, &base64))
		crypt_unpem(base64, &t->der);
	t->done = t->pem.len - rest.len;
	if (t->der.len == before)
		return false;
	*mem_push(t->ends, t->count) = t->der.len;
	return true;
}

struct text
trust_at(const struct trust *t, size_t index)
{
	const size_t begin = index == 0 ? 0 : t->ends[index - 1];

	return text_skip(text_first(buf_text(&t->der), t->ends[index]), begin);
}

bool
trust_holds(struct text der, const struct buf *names, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (names[i].len > 0 &&
		    memmem(der.at, der.len, names[i].at, names[i].len) != NULL)
			return true;
	return false;
}
