#!/bin/sh
# tests/demo.sh, or `make demo`: one mail that goes well and one that does not,
# between sendling and a small SMTP server of the tests' own on loopback. Ends
# by itself and leaves nothing behind.
set -eu

tests=$(cd "$(dirname "$0")" && pwd)
sendling=${SENDLING:-$tests/../build/sendling}
sendling=$(cd "$(dirname "$sendling")" && pwd)/${sendling##*/}
test -x "$sendling" || { echo "$sendling is missing: run make" >&2; exit 1; }

folder=$(mktemp -d)
server=''
leave() {
	test -z "$server" || kill "$server" 2>/dev/null || :
	rm -rf "$folder"
}
trap leave EXIT
trap 'exit 130' HUP INT TERM
cd "$folder"

bold='' plain=''
if test -t 1 && test -z "${NO_COLOR-}"; then
	bold=$(printf '\033[1m') plain=$(printf '\033[0m')
fi
title() {
	printf '\n%s--- %s%s\n\n' "$bold" "$1" "$plain"
}

# Runs sendling as a user would; its exit status is left in $status.
run() {
	printf '%s$ sendling %s < message%s\n' "$bold" "$*" "$plain"
	status=0
	"$sendling" "$@" < message || status=$?
	printf '%s$ echo $?%s\n%d\n' "$bold" "$plain" "$status"
}

expect() {
	test "$status" = "$1" && return
	echo "tests/demo.sh: the exit status should be $1" >&2
	exit 1
}

# A certificate, and a server with implicit TLS, STARTTLS and AUTH.
"$tests/certs.sh" certs > certs.log 2>&1 || { cat certs.log >&2; exit 1; }
python3 "$tests/smtpd.py" --folder . \
    --certificate certs/good.pem --users alice@example.com:wonderland \
    </dev/null 2>server.log &
server=$!
until test -e ports; do
	kill -0 "$server" 2>/dev/null || { cat server.log >&2; exit 1; }
	sleep 0.1
done
smtp=$(sed -n 's/^smtp=//p' ports)
smtps=$(sed -n 's/^smtps=//p' ports)

cat > config <<END
user           alice@example.com
from           alice@example.com
tls-trust      $folder/certs/ca.pem
log            off

account default
smarthost      smtps://localhost:$smtps
password       wonderland

account typo
smarthost      smtp://localhost:$smtp
password       wonderlamd
END
chmod 600 config

cat > message <<'END'
From: Alice <alice@example.com>
To: Bob <bob@example.org>
Bcc: carol@example.net
Subject: A picture for you
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="next"

--next
Content-Type: text/plain; charset=us-ascii

Dear Bob, here is the smallest picture I have.
.
A line with one dot does not end this mail.

--next
Content-Type: image/png
Content-Transfer-Encoding: base64
Content-Disposition: attachment; filename="dot.png"

iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwAD
hgGAWjR9awAAAABJRU5ErkJggg==
--next--
END

title "The configuration: a server on this machine, TLS from the first byte"
cat config

title "A mail with an attachment, the dialogue shown"
run -C config -t -v
expect 0

title "What the server took"
python3 - <<'END'
import json
envelope = json.load(open("0001.json"))
print("from %s to %s" % (envelope["from"], ", ".join(envelope["to"])))
print("%(auth)s over %(tls)s, %(turns)d waits for the server\n" % envelope)
END
tr -d '\r' < 0001.eml

title "The same with a mistyped password, over STARTTLS"
run -C config -a typo -t
expect 77
test ! -e faults || { cat faults >&2; exit 1; }
