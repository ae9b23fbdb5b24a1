#!/bin/sh
# tests/recording.sh FILE, or `make recording': runs the demo in a terminal of
# its own and writes what is seen as an SVG that moves. asciinema records,
# termtosvg draws; both are packages of Debian. Takes a minute, as the demo
# waits for who reads along.
set -eu

svg=$1
tests=$(cd "$(dirname "$0")" && pwd)
for program in asciinema termtosvg; do
	command -v $program >/dev/null ||
	    { echo "tests/recording.sh: $program is missing" >&2; exit 1; }
done
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

DEMO_PAUSE=${DEMO_PAUSE-3} asciinema rec -q --cols 92 --rows 40 -e TERM \
    -c "$tests/demo.sh" "$folder/cast" </dev/null
# The home of the demo is a temporary folder, whose name says nothing.
sed -i 's|/[a-z/]*/tmp\.[A-Za-z0-9]*/|/home/alice/|g' "$folder/cast"
termtosvg render "$folder/cast" "$folder/svg" -t gjm8 -m 20 -D 5000 \
    >/dev/null 2>&1
if grep -o -w -F -e "$folder" -e "$(uname -n)" "$folder/svg"; then
	echo 'tests/recording.sh: it tells of this machine' >&2
	exit 1
fi
mv "$folder/svg" "$svg"
