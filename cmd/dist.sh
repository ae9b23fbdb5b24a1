#!/bin/sh
# dist.sh VERSION FOLDER: packs the sources around it as sendling-VERSION.tar.gz
# there, stamped with the version, and says its name. The same sources make the
# same octets. What git does not know is left out, and where there is no git,
# what is built.

set -eu
CDPATH=
name=sendling-$1
folder=$(mkdir -p "$2" && cd "$2" && pwd)
cd "$(dirname "$0")/.."
top=$(pwd -P)
stage=$folder/stage.$$
trap 'rm -rf "$stage"' EXIT

print_files() {
	GIT_CEILING_DIRECTORIES=$(dirname "$top") git ls-files -z 2>/dev/null ||
	    find . \( -path ./build -o -path ./debian -o -name __pycache__ \
		-o -path "./${folder#"$top/"}" \) -prune -o \
		! -name '*.orig' ! -name VERSION ! -type d -print0
}

# Of the commit, or of who was stamped before.
print_time() {
	echo "${SOURCE_DATE_EPOCH:-$(
	    GIT_CEILING_DIRECTORIES=$(dirname "$top") git log -1 --format=%ct \
		2>/dev/null || date -r "$(test -e VERSION && echo VERSION ||
		    echo Makefile)" +%s)}"
}

mkdir -p "$stage/$name"
print_files >"$stage/files"
xargs -0 cp -a --parents -t "$stage/$name" <"$stage/files"
echo "$1" >"$stage/$name/VERSION"
tar -c -C "$stage" --sort=name --mtime="@$(print_time)" --owner=0 --group=0 \
    --numeric-owner --mode=u+w,go=rX --format=ustar "$name" |
    gzip -9n >"$stage/packed"
mv "$stage/packed" "$folder/$name.tar.gz"
echo "$folder/$name.tar.gz"
