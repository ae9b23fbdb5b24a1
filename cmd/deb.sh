#!/bin/sh
# deb.sh TARBALL FOLDER: builds the packages of Debian from what dist.sh packed,
# there, and says their names. A version that is not released gets an entry of
# its own in the changelog.

set -eu
CDPATH=
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

stamp_changelog
if ! dpkg-buildpackage -us -uc >../log 2>&1; then
	tail -n 40 ../log >&2
	exit 1
fi
cd ..
rm -rf "$name"
ls "$PWD"/*.deb
