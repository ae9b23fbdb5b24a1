#!/bin/sh
# tests/check.sh PART ...: makes each target check-PART or lint-PART, says what
# it is while it runs, keeps all it says in $B/check/PART.log and shows that of
# those that fail. The last line is "N passed, N failed". Counts the tests of
# TAP; a target without any is one.

set -u
B=${B-build}
logs=$B/check
HANG=3600 # seconds
rm -rf "$logs"
mkdir -p "$logs" || exit 1
passed=0 failed=0 skipped=0

sentence() {
	case $1 in
	check-build) echo 'the program, without a warning' ;;
	check-unit) echo 'each room of the program by itself' ;;
	check-player) echo 'golden dialogues, in memory' ;;
	check-socket) echo 'the same over sockets, by the program' ;;
	check-scripts) echo 'certificates, hostile servers, threats' ;;
	check-e2e) echo 'a real Postfix and Dovecot, aiosmtpd' ;;
	check-callers) echo 'some fifty programs that call sendmail' ;;
	check-peers) echo 'servers of several makes' ;;
	check-fleet) echo '200 machines and a pool of relays' ;;
	check-imported) echo 'msmtp, dma and others, before and after' ;;
	check-corpus) echo 'what the fuzz targets know' ;;
	check-sanitize) echo 'all of that under sanitizers' ;;
	check-clang) echo 'the other compiler' ;;
	check-valgrind) echo 'valgrind' ;;
	check-spool) echo 'the spool: faults, power cuts, storms' ;;
	check-feed) echo 'broken input to the whole program' ;;
	lint-gcc | lint-clang) echo "warnings of ${1#lint-}" ;;
	lint-cppcheck) echo 'cppcheck' ;;
	lint-man) echo 'the manual pages' ;;
	lint-levels) echo 'the floors of src/' ;;
	lint-format) echo 'the format of C' ;;
	lint-shell) echo 'shell scripts' ;;
	esac
}

count() {
	grep -cE "$1" "$log"
}

# Of the log: tests that failed with their comments, what prove says at its end
# and files that died, errors of compilers.
broken() {
	awk '
		/^Test Summary Report/ { report = 1 }
		/^Files=/ { report = 0 }
		/^(not )?ok [0-9]/ { comments = /^not/ && !/# ?(TODO|todo)/ }
		/^# not ok - / { next } # the sum of a unit test
		/^[^ ]/ { trace = /^Traceback / || (trace && /^[A-Za-z.]+:/) }
		report || trace || (comments && /^(not ok|#)/) { print; next }
		/^[^ ]+:[0-9]+: |: (fatal )?error: |: runtime error: / ||
		    /^ +[0-9]* \|/ || /undefined reference/ ||
		    /^ERROR: |ERROR: .*Sanitizer/
	' "$log"
}

# What may tell why a part is red, its beginning and its end: where no test was
# run all but the commands.
interesting() {
	if ! grep -qE '^(not )?ok [0-9]' "$log" || ! broken | grep .; then
		grep -vE '^(cc|gcc|clang|ar) ' "$log"
	fi | cut -c 1-400 | awk '
		NR <= 60 { print; next }
		{ last[NR % 30] = $0 }
		END {
			if (NR > 90)
				print "[...]"
			for (i = NR > 90 ? NR - 29 : 61; i <= NR; i++)
				print last[i % 30]
		}'
}

begin=$(date +%s)
echo "Building and testing in $B/; all that is said stands in $logs/"
for target; do
	log=$logs/$target.log
	start=$(date +%s)
	printf '%-14s %-40s' "${target#check-}" "$(sentence "$target")"
	timeout $HANG "${MAKE-make}" --no-print-directory -k --output-sync -j2 \
	    B="$B" "$target" >"$log" 2>&1 </dev/null
	status=$?
	# A file that fails without a test that does is one: it died.
	not=$(($(count '^not ok [0-9]') + \
	    $(count '^[^ ]+ +\(Wstat: .* Failed: 0\)')))
	skip=$(($(count '^ok [0-9].* # ?(SKIP|skip)') + \
	    $(count '^1\.\.0 # ?(SKIP|skip)')))
	ok=$(($(count '^ok [0-9]') - $(count '^ok [0-9].* # ?(SKIP|skip)')))
	if test $status != 0 && test "$not" = 0; then
		not=1
	elif test $status = 0 && test $((ok + not + skip)) = 0; then
		ok=1
	fi
	printf '%5d passed' $ok
	test "$not" = 0 || printf ', %d FAILED' "$not"
	test $skip = 0 || printf ', %d skipped' $skip
	printf ', %d s\n' $(($(date +%s) - start))
	if test "$not" != 0; then
		echo "---- $log"
		interesting
		echo "----"
	fi
	grep -E '^(ok [0-9].*|1\.\.0 )# ?(SKIP|skip)' "$log" |
	    sed 's/^/    skipped: /'
	sed -n 's/^# count: /    /p' "$log"
	passed=$((passed + ok)) failed=$((failed + not))
	skipped=$((skipped + skip))
done

minutes=$((($(date +%s) - begin) / 60))
echo "$minutes min $((($(date +%s) - begin) % 60)) s in all"
test $skipped = 0 && skipped= || skipped=", $skipped skipped"
sum="$passed passed, $failed failed$skipped"
echo "$sum"
test $failed != 0 || exit 0

# make has its word behind ours, for each level of it: the last is ours again.
if test -n "${LAST_OF-}"; then
	(
		tries=0
		while kill -0 "$LAST_OF" 2>/dev/null && test $tries -lt 500
		do
			tries=$((tries + 1))
			sleep 0.01
		done
		echo "$sum"
	) &
fi
exit 1
