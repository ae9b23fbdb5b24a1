#!/bin/sh
# tests/fuzz/run.sh replay|SECONDS BUILD NAME ...: runs the fuzz targets
# BUILD/tests/fuzz/NAME with their corpus (tests/fuzz/corpus/NAME) and the
# seeds made of the tests' own cases. replay plays each file once. What
# fuzzing finds new is kept in BUILD/corpus/NAME, a failing input beside it.

# $corpus may be no word at all:
# shellcheck disable=SC2086
set -u
seconds=$1 build=$2
shift 2
cd "$(dirname "$0")/../.." || exit 1
mkdir -p "$build/corpus" || exit 1
failed=0 n=0

for name; do
	seeds=$build/corpus/seeds/$name
	rm -rf "$seeds"
	python3 tests/fuzz/seeds.py "$seeds" "$name" || exit 1
	corpus=tests/fuzz/corpus/$name
	test -d "$corpus" || corpus=
	n=$((n + 1))
	log=$build/corpus/$name.log
	if test "$seconds" = replay; then
		find "$seeds" $corpus -type f -print0 |
		    xargs -0 -n 500 "$build/tests/fuzz/$name-replay" \
		    >"$log" 2>&1
	else
		mkdir -p "$build/corpus/$name"
		"$build/tests/fuzz/$name" -max_total_time="$seconds" \
		    -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
		    -artifact_prefix="$build/corpus/$name-" \
		    "$build/corpus/$name" "$seeds" $corpus >"$log" 2>&1
	fi
	if test $? = 0; then
		echo "ok $n - fuzz $name"
		sed -n 's/^#[0-9]*[ \t]*\(DONE\)/# \1/p' "$log"
	else
		echo "not ok $n - fuzz $name"
		tail -n 40 "$log" | sed 's/^/# /'
		failed=1
	fi
done
echo "1..$n"
exit $failed
