# shellcheck shell=sh
# anacron: a job's output.
. /tests/callers/lib.sh

mkdir spool
printf '%s\n' 'SHELL=/bin/sh' 'PATH=/usr/sbin:/usr/bin:/sbin:/bin' \
    'MAILTO=rcpt@example.org' '1 0 daily cat /run/text' >anacrontab
anacron -d -f -n -S /root/spool -t /root/anacrontab
look 1 <<END
from root@example.org
to rcpt@example.org
field From: Anacron <root@example.org>
field Subject: Anacron job 'daily' on box.example.net
text
END
