#!/bin/sh
# deb.sh TARBALL FOLDER: builds the packages of Debian from what dist.sh packed,
# there, and says their names. A version that is not released gets an entry of
# its own in the changelog.

set -eu
CDPATH=
unset MAKEFLAGS MFLAGS # `make deb B=FOLDER' is none to be cleaned by debhelper
tarball=$1
name=$(basename "$1" .tar.gz)
version=${name#sendling-}
rm -rf "$2"
mkdir -p "$2"
cp "$tarball" "$2/sendling_$version.orig.tar.gz"
tar -x -f "$tarball" -C "$2"
cd "$2/$name"
cp -R cmd/debian debian

stamp_changelog() {
	test "$(dpkg-parsechangelog -S Version)" != "$version-1" || return 0
	author=$(dpkg-parsechangelog -S Maintainer)
	{
		printf 'sendling (%s-1) unstable; urgency=medium\n\n' "$version"
		printf '  * Built from sources that are not released.\n\n'
		printf ' -- %s  %s\n\n' "$author" "$(LC_ALL=C date -R -r VERSION)"
		cat cmd/debian/changelog
	} >debian/changelog
}

# The tests that the package is built with have servers there; a new tree may
# have no such name yet.
check_localhost() {
	getent ahosts localhost >/dev/null && return
	echo 'localhost has no address here (a line in /etc/hosts: 127.0.0.1' \
	    'localhost): the package is built without its tests' >&2
	export DEB_BUILD_OPTIONS="${DEB_BUILD_OPTIONS-} nocheck"
}

# What failed may stand far above the end.
tell_failure() {
	tail -n 40 ../log
	echo
	grep -a -n -E '^not ok|: (fatal )?error:|^Failed|^ERROR' ../log | head -n 20
	echo "The package was not built. All of it is in $(cd .. && pwd)/log"
} >&2

stamp_changelog
check_localhost
if ! dpkg-buildpackage -us -uc >../log 2>&1; then
	tell_failure
	exit 1
fi
cd ..
rm -rf "$name"
ls "$PWD"/*.deb
