#!/bin/sh
# tests/valgrind.sh PLAYER SENDLING: the memory player over a sample of the
# dialogues, and the program over TLS to the tests' own server, under valgrind.
# No lost byte and no bad access is let through.

set -u
player=$1 sendling=$2
cd "$(dirname "$0")/.." || exit 1
EVERY=6 # of the dialogues
folder=$(mktemp -d) || exit 1
server=
trap 'test -z "$server" || kill "$server"; rm -rf "$folder"' EXIT
n=0 failed=0

# checked SENTENCE STATUS COMMAND ...
checked() {
	sentence=$1 wanted=$2
	shift 2
	n=$((n + 1))
	valgrind -q --error-exitcode=99 --leak-check=full \
	    --errors-for-leak-kinds=definite,indirect,possible \
	    "$@" >"$folder/said" 2>&1
	status=$?
	if test $status = "$wanted"; then
		echo "ok $n - valgrind: $sentence"
	else
		echo "not ok $n - valgrind: $sentence"
		echo "# status $status, not $wanted"
		grep -v '^ok' "$folder/said" | head -n 50 | sed 's/^/# /'
		failed=1
	fi
}

sample=$(find tests/dialogues -name '*.dialogue' | sort |
    awk -v every=$EVERY 'NR % every == 1')
# Names of dialogues hold no space.
# shellcheck disable=SC2086
checked 'a sample of the dialogues' 0 "$player" $sample

tests/certs.sh "$folder" >"$folder/said" 2>&1 || { cat "$folder/said"; exit 1; }
tests/smtpd.py --folder "$folder" --certificate "$folder/good.pem" \
    --users alice:secret 2>"$folder/server" &
server=$!
i=0
until test -s "$folder/ports"; do
	i=$((i + 1))
	test $i -lt 300 || { echo 'Bail out! no server'; exit 1; }
	sleep 0.1
done
port() {
	sed -n "s/^$1=//p" "$folder/ports"
}

message=$folder/message
printf 'From: alice@example.com\nTo: bob@example.org\nBcc: c@example.org\n\n.\n' \
    >"$message"
configure() {
	printf '%s\n' 'user alice' 'from alice@example.com' 'log off' \
	    "tls-trust $folder/ca.pem" "$@" >"$folder/config"
	chmod 600 "$folder/config"
}
run() {
	checked "$@" -C "$folder/config" -t <"$message"
}

configure "smarthost smtps://localhost:$(port smtps)" 'password secret'
run 'implicit TLS' 0 "$sendling"
configure "smarthost smtp://localhost:$(port smtp)" 'password secret' \
    'auth SCRAM-SHA-256'
run 'STARTTLS, SCRAM-SHA-256' 0 "$sendling"
configure "smarthost smtps://localhost:$(port smtps)" \
    'password-command echo wrong'
run 'a wrong password' 77 "$sendling"
configure 'smarthots smtps://localhost'
run 'a broken configuration' 78 "$sendling"
configure "smarthost smtps://localhost:$(port smtp)" 'password secret'
run 'TLS that is none' 76 "$sendling"
checked 'a bad option' 64 "$sendling" --no-such-option

echo "1..$n"
exit $failed
