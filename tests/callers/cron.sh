# shellcheck shell=sh
# Debian's cron: the output of an @reboot job, to two recipients in one word.
. /tests/callers/lib.sh

rm -rf /etc/crontab /etc/cron.d/*
printf '%s\n' 'MAILTO=rcpt@example.org,second@example.org' \
    '@reboot root cat /run/text' >/etc/cron.d/job
cron -f &
look 1 <<END
from root@example.org
to rcpt@example.org second@example.org
field From: root@example.org (Cron Daemon)
field Subject: Cron <root@box> cat /run/text
field To: rcpt@example.org,second@example.org
text
END
