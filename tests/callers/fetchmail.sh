# shellcheck shell=sh
# fetchmail: what it fetched goes to its mda, sendmail -i -f SENDER -- RCPT.
. /tests/callers/lib.sh

start_pop
(umask 077 && cat >rc) <<END
poll 127.0.0.1 protocol pop3 service $(cat /run/pop-port)
user "someone" password "secret" is "rcpt@example.org" here fetchall
mda "/usr/sbin/sendmail -i -f %F -- %T" sslproto ''
END
fetchmail -f rc --nosyslog
look 1 <<END
from other@example.com
to rcpt@example.org
field From: Other <other@example.com>
field Subject: Grüße
text
END
