# shellcheck shell=sh
# getmail: `From ' and Return-Path lines in front; any word of output would be
# an error for it. It does not run as root.
. /tests/callers/lib.sh

start_pop
mkdir -m 700 /home/hank/.getmail
cat >/home/hank/.getmail/getmailrc <<END
[retriever]
type = SimplePOP3Retriever
server = 127.0.0.1
port = $(cat /run/pop-port)
username = someone
password = secret
[destination]
type = MDA_external
path = /usr/sbin/sendmail
arguments = ("-i", "-bm", "rcpt@example.org")
unixfrom = true
END
chown -R hank: /home/hank/.getmail
as_user hank HOME=/home/hank getmail >log 2>&1 || fail "$(cat log)"
grep -i error log && fail 'getmail reports an error'
look 1 <<END
from other@example.com
to rcpt@example.org
field From: Other <other@example.com>
field Subject: Grüße
text
END
