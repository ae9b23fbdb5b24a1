#!/bin/sh
# version.sh: the version of the sources around it, on one line. A tree of `make
# dist' has it in a file. In a clone it is the release, where its tag v... is
# checked out unchanged; else day and name of the commit stand behind the
# release that it follows. A tree that has neither is taken for the release.

release=0.1

top=$(CDPATH='' cd -- "$(dirname "$0")/.." && pwd -P) || exit 1
cd "$top" || exit 1

# A tree that lies in somebody else's clone is not of that clone.
in_clone() {
	GIT_CEILING_DIRECTORIES=$(dirname "$top") git "$@" 2>/dev/null
}

if test -s VERSION; then
	head -n 1 VERSION
elif at=$(in_clone describe --always --abbrev=9 --dirty=.changed \
    --exclude '*') && day=$(in_clone log -1 --format=%cd --date=format:%Y%m%d)
then
	tagged=$(in_clone describe --exact-match --match "v$release" --dirty)
	test "$tagged" != "v$release" || at=
	echo "$release${at:++git$day.$at}"
else
	echo "$release"
fi
