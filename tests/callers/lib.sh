# shellcheck shell=sh
# What a caller's test finds ready: a smarthost on loopback, /etc/sendling.conf
# that points to it, and in /run/text a body that a careless program damages.
# The test runs as root in the world that tests/callers/world made.
set -eu
cd /root

patience=600 # seconds, which no mail takes; crond waits for its minute

fail() {
	echo "$*"
	exit 1
}

# The caller cannot run here, and why.
skip() {
	echo "SKIP $*"
	exit 77
}

# within SECONDS COMMAND...: until it succeeds.
within() {
	tries=$(($1 * 20))
	shift
	until "$@"; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || return 1
		sleep 0.05
	done
}

start_smarthost() {
	mkdir -m 755 /run/mail
	/tests/smtpd.py --folder /run/mail --transcript 2>/run/transcript &
	within 300 test -e /run/mail/ports || fail "smtpd.py does not listen"
	(umask 022 && cat >/etc/sendling.conf) <<-END
	smarthost    smtp+plain://127.0.0.1:$(sed -n 's/^smtp=//p' \
	    /run/mail/ports)
	domain       example.org
	from-header  yes
	END
}

# What the body of every message is that a caller can be told to send.
write_text() {
	printf '%s\n' 'first line' '.' '..two dots' 'From the inside' \
	    'Bcc: nobody@example.org' 'grün' 'last line' >/run/text
}

# A POP3 server with one message; its port is in /run/pop-port.
start_pop() {
	{
		printf '%s\n' 'Return-Path: <other@example.com>' \
		    'Received: from a by b; Mon, 1 Jan 2024 00:00:00 +0000' \
		    'From: Other <other@example.com>' 'To: hank@example.org' \
		    'Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=' ''
		cat /run/text
	} >/run/fetched
	/tests/callers/pop.py /run/pop-port /run/fetched &
	within 300 test -e /run/pop-port || fail 'pop.py does not listen'
}

# delivered COUNT: waits for so many messages.
delivered() {
	within "$patience" test -e "/run/mail/000$1.json" ||
		fail "message $1 did not arrive"
}

# look NUMBER: holds a delivered message against the expectations on stdin.
look() {
	delivered "$1"
	/tests/callers/look "/run/mail/000$1"
}

# As another user, who has no home and little environment.
as_user() {
	user=$1
	shift
	setpriv --reuid "$user" --regid "$user" --clear-groups \
	    env -i PATH=/usr/bin:/bin "$@"
}

start_smarthost
write_text
