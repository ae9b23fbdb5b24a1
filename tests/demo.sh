#!/bin/sh
# tests/demo.sh, or `make demo': sendling at work, between a user's home of its
# own and a small SMTP server of the tests' own on loopback, with TLS and AUTH.
# Ends by itself and leaves nothing behind. Where DEMO_PAUSE is set it waits so
# many seconds behind each step, for who looks on.
set -eu

tests=$(cd "$(dirname "$0")" && pwd)
sendling=${SENDLING:-$tests/../build/sendling}
sendling=$(cd "$(dirname "$sendling")" && pwd)/${sendling##*/}
test -x "$sendling" || { echo "$sendling is missing: run make" >&2; exit 1; }

# Not /tmp, which may be in memory: there a spool keeps nothing.
folder=$(mktemp -d -p /var/tmp) || folder=$(mktemp -d)
server=''
leave() {
	stop_server
	rm -rf "$folder"
}
trap leave EXIT
trap 'exit 130' HUP INT TERM
cd "$folder"

bold='' plain=''
if test -t 1 && test -z "${NO_COLOR-}"; then
	bold=$(printf '\033[1m') plain=$(printf '\033[0m')
fi

# say TEXT ...: what comes next, a line each.
say() {
	echo
	printf '# %s\n' "$@"
}

pause() {
	test -z "${DEMO_PAUSE-}" || sleep "$DEMO_PAUSE"
}

# run STATUS COMMAND: as the user of the home would, with nothing else in the
# environment, and tells what it ended with where that is not 0.
run() {
	printf '%s$ %s%s\n' "$bold" "$2" "$plain"
	status=0
	env -i HOME="$folder" PATH="$folder/bin:$PATH" sh -c "$2" 2>&1 ||
	    status=$?
	test "$status" = 0 || printf '(exit status %d)\n' "$status"
	test "$status" = "$1" || {
		echo "tests/demo.sh: the exit status should be $1" >&2
		exit 1
	}
	pause
}

# The server keeps each mail as a file, and its envelope beside it.
start_server() {
	rm -f ports 0*
	# Lists of words, or nothing:
	# shellcheck disable=SC2086
	python3 "$tests/smtpd.py" --folder . --certificate certs/good.pem \
	    --users alice@example.com:wonderland $ports \
	    </dev/null 2>server.log &
	server=$!
	until test -e ports; do
		kill -0 "$server" 2>/dev/null ||
		    { cat server.log >&2; exit 1; }
		sleep 0.1
	done
	smtp=$(sed -n 's/^smtp=//p' ports)
	smtps=$(sed -n 's/^smtps=//p' ports)
	ports="--port smtp=$smtp --port smtps=$smtps"
}

stop_server() {
	test -z "$server" || kill "$server" 2>/dev/null || :
	wait
	server=''
}

# What the server took last, and how it came.
arrived() {
	last=$(find . -name '0*.eml' | sort | tail -n 1)
	python3 - "${last%.eml}.json" <<'END'
import json, sys
envelope = json.load(open(sys.argv[1]))
print("from <%s> to <%s>" % (envelope["from"], ">, <".join(envelope["to"])))
print("%(auth)s over %(tls)s, %(turns)d waits for the server\n" % envelope)
END
	tr -d '\r' <"$last"
	pause
}

write_files() {
	mkdir -p bin .config/sendling
	ln -s "$sendling" bin/sendling
	ln -s sendling bin/sendmail
	ln -s sendling bin/mailq
	cat >.config/sendling/config <<END
smarhost  smtps://localhost:$smtps
user      alice@example.com
password  wonderland
from      alice@example.com
full-name Alice
domain    example.com
aliases   off
log       off
END
	chmod 600 .config/sendling/config
	cat >message <<'END'
From: Alice <alice@example.com>
To: Bob <bob@example.org>
Bcc: carol@example.net
Subject: lunch

Dear Bob, lunch is at one. A line with a dot does not end this mail:
.
Yours, Alice
END
}

configure() {
	say 'A configuration: a server on this machine, TLS from the first' \
	    'byte. One word in it is wrong.'
	run 0 'cat ~/.config/sendling/config'
	say 'Is it understood? This connects nowhere.'
	run 78 'sendling --check'
	run 0 "sed -i s/smarhost/smarthost/ ~/.config/sendling/config"
	run 0 'sendling --check'
}

probe() {
	say 'Does the login work? This sends no mail. The certificate of this' \
	    'server is from no authority that the system knows.'
	run 77 'sendling --probe'
	say 'This is its key, as we happen to know: from now on no other is' \
	    'trusted.'
	pin=$(env -i HOME="$folder" "$sendling" --probe |
	    sed -n 's/^pin: //p') || :
	run 0 "echo '$pin' \\
    >>~/.config/sendling/config"
	run 0 'sendling --probe | tail -n 4'
}

submit() {
	say 'What would be sent, and to whom: Bcc is gone, a date is there.'
	run 0 'sendling --dry-run -t <message'
	say 'And now for real. -v shows the dialogue, the password left out.'
	run 0 'sendling -v -t <message'
	say 'What the server took:'
	arrived
	say 'With a wrong password, over STARTTLS: the words are the' \
	    "server's, and the exit status tells scripts what became of it."
	run 77 "sendling --set smarthost=smtp://localhost:$smtp \\
    --set user=alicia@example.com -t <message"
}

be_called() {
	say 'cron calls the name sendmail, with what a job has printed. All' \
	    'went well, so that nothing is said.'
	run 0 'printf "To: alice\nSubject: Cron <alice> backup\n\n3 files\n" |
    sendmail -FCronDaemon -i -B8BITMIME -oem alice'
	say 'What the server took:'
	arrived
}

keep() {
	say 'A spool, for when the network is away.'
	run 0 "echo 'spool ~/.local/state/sendling/spool' \\
    >>~/.config/sendling/config"
	case $(stat -f -c %T .) in
	tmpfs | ramfs)
		say 'All of this is in memory, where it would keep nothing:'
		run 0 "echo 'spool-volatile yes' >>~/.config/sendling/config" ;;
	esac
	say 'Now the server is stopped. The mail is tried, and kept: status 0.'
	stop_server
	run 0 'printf "Subject: disk\n\n91 %% full\n" | sendmail -i alice'
	run 0 'mailq'
	say 'The server is back. A timer calls sendling -q every five minutes;' \
	    'this is for one mail, at once:'
	start_server
	id=$(env -i HOME="$folder" "$sendling" -bp |
	    sed -n 's/^\([0-9a-f]\{10\}-[0-9a-f]*\) .*/\1/p')
	run 0 "sendling -qI$id"
	run 0 'mailq'
	say 'What the server took:'
	arrived
}

ports=''
"$tests/certs.sh" certs >certs.log 2>&1 || { cat certs.log >&2; exit 1; }
start_server
write_files
configure
probe
submit
be_called
keep
test ! -e faults || { cat faults >&2; exit 1; }
