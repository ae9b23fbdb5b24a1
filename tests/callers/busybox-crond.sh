# shellcheck shell=sh
# busybox crond: sendmail from PATH, neither From nor Date. It runs jobs at
# full minutes only.
. /tests/callers/lib.sh

mkdir tabs
printf '%s\n' 'MAILTO=rcpt@example.org' '* * * * * cat /run/text' >tabs/root
busybox crond -f -c /root/tabs -L /root/log &
look 1 <<END
from root@example.org
to rcpt@example.org
field To: rcpt@example.org
field Subject: cron: cat /run/text
text
END
