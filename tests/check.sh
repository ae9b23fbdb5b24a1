#!/bin/sh
# tests/check.sh target ...: makes each target, keeps what it says in
# $B/check/TARGET.log, shows that of those that fail, and ends with the line
# "N passed, N failed". Counts the tests of TAP; a target without any is one.

set -u
B=${B-build}
logs=$B/check
rm -rf "$logs"
mkdir -p "$logs" || exit 1
passed=0 failed=0 skipped=0

count() {
	grep -cE "$1" "$log"
}

# The log without what went well, its beginning and its end.
interesting() {
	grep -vE '^ok|^# ok|^1\.\.[0-9]|^[^ ]* \.+ *$|^(cc|gcc|clang|ar) ' "$log" |
	    cut -c 1-400 | awk '
		NR <= 60 { print; next }
		{ last[NR % 30] = $0 }
		END {
			if (NR > 90)
				print "[...]"
			for (i = NR > 90 ? NR - 29 : 61; i <= NR; i++)
				print last[i % 30]
		}'
}

for target; do
	log=$logs/$target.log
	start=$(date +%s)
	timeout 900 "${MAKE-make}" --no-print-directory -k --output-sync -j2 B="$B" "$target" \
	    >"$log" 2>&1 </dev/null
	status=$?
	not=$(count '^not ok [0-9]')
	skip=$(($(count '^ok [0-9].* # ?(SKIP|skip)') + \
	    $(count '^1\.\.0 # ?(SKIP|skip)')))
	ok=$(($(count '^ok [0-9]') - $(count '^ok [0-9].* # ?(SKIP|skip)')))
	if test $status != 0 && test "$not" = 0; then
		not=1
	elif test $status = 0 && test $((ok + not + skip)) = 0; then
		ok=1
	fi
	words=ok
	test $status = 0 && test "$not" = 0 || words=FAILED
	printf '%-18s %-6s %5d passed %3d failed %5d s\n' \
	    "$target" $words $ok "$not" $(($(date +%s) - start))
	if test $words = FAILED; then
		echo "---- $log"
		interesting
		echo "----"
	fi
	grep -E '^(ok [0-9].*|1\.\.0 )# ?(SKIP|skip)' "$log" |
	    sed 's/^/    skipped: /'
	passed=$((passed + ok)) failed=$((failed + not))
	skipped=$((skipped + skip))
done

test $skipped = 0 || echo "$skipped skipped"
echo "$passed passed, $failed failed"
test $failed = 0
